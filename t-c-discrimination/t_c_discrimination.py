"""T or C, by back-propagation with tied weights (Rumelhart, Hinton & Williams 1986).

Block letters T and C, five cells each, in four rotations on a small retina. Every hidden unit sees a window of
3 x 3 cells, and all windows share the same weights, so that a unit detects its feature wherever it is: a convolutional
net before the name. A kernel's feature map is averaged over the retina, and one sigmoid unit tells T (0) from C (1).

Windows with the same content have the same activation, whichever letter and place they come from. So the kernels are
applied once to each distinct window, and a table says how often every letter contains it; this is exact, not an
approximation. Many seeds train at once along the leading axis S of every array.

Left out: nothing of the method; how the detectors are pooled is not certain from the text, a mean is our choice.
"""

from dataclasses import dataclass

import numpy as np

from shared import InputError, NonFiniteError, Options, command_line, generators, gradcheck, n_parameters, option
from shared import unpack


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    n_kernels: int = option(4, "sets of tied weights", low=1)
    augment_positions: bool = option(False, "letters at every place of the retina, not at its centre alone")
    retina_size: int = option(6, "side of the retina", low=3)
    kernel_size: int = option(3, "side of a window; must fit into the retina", low=3, high=6)
    n_epochs: int = option(10000, "sweeps through all patterns at most", low=1, alias=("--max-epochs",))
    lr: float = option(4.0, "learning rate, for the error averaged over the patterns", above=0)
    momentum: float = option(0.9, "momentum", low=0, below=1)
    init_scale: float = option(0.5, "weights and biases start uniform within +- this", above=0)
    margin: float = option(0.5, "solved when every output is within this of its target", above=0, high=0.5)
    min_match: float = option(0.8, "a kernel is of a kind when its correlation with it is at least this", above=0,
                              high=1)

    def __post_init__(self):
        super().__post_init__()
        if self.kernel_size > self.retina_size:
            raise InputError(f"--kernel-size {self.kernel_size}: must be at most --retina-size {self.retina_size}")


QUICK = {"n_epochs": 100}

PAPER = "Rumelhart, Hinton & Williams 1986"
EVERYWHERE = {"augment_positions": True}
ALONE = {"n_kernels": 1, "margin": 0.1}
CLAIMS = [
    {"claim": "T and C at the centre are told apart", "source": PAPER, "paper": "yes",
     "earlier": "10/10", "metric": "converged", "statistic": "rate", "op": ">=", "threshold": 1.0},
    {"claim": "T and C at every place are told apart", "source": PAPER, "paper": "yes", "config": EVERYWHERE,
     "earlier": None, "metric": "converged", "statistic": "rate", "op": ">=", "threshold": 1.0},
    {"claim": "a kernel alone tells T from C", "source": PAPER, "paper": "yes", "config": ALONE,
     "earlier": None, "metric": "converged", "statistic": "rate", "op": ">=", "threshold": 1.0},
    {"claim": "centre-surround detectors: more than untrained", "source": PAPER, "paper": "found", "config": ALONE,
     "earlier": "28 %", "metric": "centre_gain", "statistic": "mean", "op": ">=", "threshold": 0.05},
    {"claim": "bar detectors: more than untrained", "source": PAPER, "paper": "found", "config": EVERYWHERE,
     "earlier": "30 %", "metric": "bar_gain", "statistic": "mean", "op": ">=", "threshold": 0.05},
    {"claim": "compactness detectors: more than untrained", "source": PAPER, "paper": "found", "config": ALONE,
     "earlier": "12 %", "metric": "compact_gain", "statistic": "mean", "op": ">=", "threshold": 0.05},
]

# ---- data ----------------------------------------------------------------------------------------------------------

T = np.array([[1, 1, 1], [0, 1, 0], [0, 1, 0]], dtype=float)
C = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 0]], dtype=float)


def patterns(config):
    """Retinas x (n, R, R) of 0 and 1, and targets d (n, 1): T is 0, C is 1; all rotations, at one or all places."""
    R = config.retina_size
    places = [(R - 3) // 2] if not config.augment_positions else range(R - 2)
    x, d = [], []
    for target, letter in enumerate((T, C)):
        for turns in range(4):
            for top in places:
                for left in places:
                    x.append(np.zeros((R, R)))
                    x[-1][top : top + 3, left : left + 3] = np.rot90(letter, turns)
                    d.append([float(target)])
    return np.array(x), np.array(d)


def windows(x, size):
    """Every window of `x` (n, R, R): (n, M, M, size * size) for M = R - size + 1."""
    view = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return view.reshape(*view.shape[:3], size * size)


def distinct_windows(x, size):
    """The distinct windows u (U, size^2) of the retinas `x`, and the share of each in every retina (n, U)."""
    every = windows(x, size)
    n, M = every.shape[:2]
    u, which = np.unique(every.reshape(n * M * M, -1), axis=0, return_inverse=True)
    share = np.zeros((n, len(u)))
    np.add.at(share, (np.repeat(np.arange(n), M * M), which.ravel()), 1 / M**2)
    return u, share


# ---- model ---------------------------------------------------------------------------------------------------------


def layout(config):
    """{name: shape} of the parameters of one network; one flat vector holds them in this order."""
    K = config.n_kernels
    return {"W1": (config.kernel_size**2, K), "b1": (1, K), "W2": (K, 1), "b2": (1, 1)}


def sigmoid(x):
    """y = 1 / (1 + exp(-x)), as a tanh, which cannot overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def forward(params, u, share):
    """Outputs y (S, n, 1), pooled features f (S, n, K) and activations h (S, U, K) for the distinct windows `u`.

    The mean of a feature map is the sum of the windows' activations, each times its share in the retina.
    """
    h = sigmoid(u @ params["W1"] + params["b1"])
    f = share @ h
    return sigmoid(f @ params["W2"] + params["b2"]), f, h


def backward(params, u, share, d, y, f, h, out):
    """dE/dparams for E = 1/2 mean (y - d)^2 over the patterns, written into the views `out`."""
    dx2 = (y - d) * y * (1 - y) / len(d)  # (S, n, 1)
    dx1 = (share.T @ (dx2 * params["W2"].transpose(0, 2, 1))) * h * (1 - h)  # summed over places: tied weights
    np.matmul(f.transpose(0, 2, 1), dx2, out=out["W2"])
    np.matmul(u.T, dx1, out=out["W1"])
    np.sum(dx2, axis=1, keepdims=True, out=out["b2"])
    np.sum(dx1, axis=1, keepdims=True, out=out["b1"])
    return out


# ---- training ------------------------------------------------------------------------------------------------------


def initial(config, rngs):
    """Starting parameters (S, P), uniform within +- init_scale, each network from its own generator."""
    size = n_parameters(layout(config))
    return np.stack([rng["init"].uniform(-config.init_scale, config.init_scale, size) for rng in rngs])


def train(config, rng, *, on_step=None):
    """Train one network per entry of `rng` (a set of generators, or a list of sets) by full-batch descent.

    Returns arrays over the networks: start and theta (S, P), y (S, n), loss, converged, epochs. The hook gets the
    number of sweeps done and loss, wrong, params, y of the networks not yet solved. Raises NonFiniteError.
    """
    rngs = rng if isinstance(rng, list) else [rng]
    x, d = patterns(config)
    u, share = distinct_windows(x, config.kernel_size)
    theta = initial(config, rngs)
    velocity, grad = np.zeros_like(theta), np.empty_like(theta)
    params, grads = unpack(theta, layout(config)), unpack(grad, layout(config))
    active, S = np.arange(len(rngs)), len(rngs)
    result = {"start": theta.copy(), "theta": theta.copy(), "y": np.zeros((S, len(d))), "loss": np.zeros(S),
              "converged": np.zeros(S, bool), "epochs": np.full(S, config.n_epochs)}

    for epoch in range(config.n_epochs + 1):  # the extra round judges the last update
        y, f, h = forward(params, u, share)
        error = np.abs(y - d)
        loss = 0.5 * (error * error).mean(axis=(1, 2))
        if not np.isfinite(loss).all():
            raise NonFiniteError(epoch)
        if on_step:
            on_step(epoch, {"loss": loss, "wrong": (error >= 0.5).sum(axis=(1, 2)), "params": params, "y": y})
        solved = error.max(axis=(1, 2)) < config.margin
        if solved.any() or epoch == config.n_epochs:
            for name, value in {"theta": theta, "y": y[:, :, 0], "loss": loss, "converged": solved}.items():
                result[name][active] = value
            result["epochs"][active[solved]] = epoch
            left = ~solved
            active, theta, velocity, grad = active[left], theta[left], velocity[left], grad[left]
            if epoch == config.n_epochs or not len(active):
                break
            y, f, h = y[left], f[left], h[left]
            params, grads = unpack(theta, layout(config)), unpack(grad, layout(config))

        backward(params, u, share, d, y, f, h, grads)
        velocity *= config.momentum
        grad *= config.lr
        velocity -= grad
        theta += velocity
    return result


# ---- evaluation ----------------------------------------------------------------------------------------------------


def templates(size):
    """(kinds, templates (n, size^2) of mean 0 and norm 1): the centre, lines, and blocks one cell smaller."""
    found = [("centre", np.zeros((size, size)))]
    found[0][1][(size - 1) // 2 : size // 2 + 1, (size - 1) // 2 : size // 2 + 1] = 1
    for i in range(size):
        row = np.zeros((size, size))
        row[i] = 1
        found += [("bar", row), ("bar", row.T)]
    found += [("bar", np.eye(size)), ("bar", np.eye(size)[::-1])]
    for top in (0, 1):
        for left in (0, 1):
            block = np.zeros((size, size))
            block[top : top + size - 1, left : left + size - 1] = 1
            found.append(("compact", block))
    flat = np.array([template.ravel() for _, template in found])
    flat -= flat.mean(axis=1, keepdims=True)
    return [kind for kind, _ in found], flat / np.linalg.norm(flat, axis=1, keepdims=True)


def kinds_of(kernels, min_match):
    """The kind of each of `kernels` (K, size, size): the template of highest correlation, whatever its sign.

    on-centre and off-centre by the sign of the centre; mixed where no correlation reaches `min_match`.
    """
    names, flat = templates(kernels.shape[1])
    w = kernels.reshape(len(kernels), -1)
    w = w - w.mean(axis=1, keepdims=True)
    match = (w / np.maximum(np.linalg.norm(w, axis=1, keepdims=True), 1e-300)) @ flat.T
    found = []
    for row in match:
        best = int(np.abs(row).argmax())
        kind = names[best] if names[best] != "centre" else "on-centre" if row[best] > 0 else "off-centre"
        found.append(kind if abs(row[best]) >= min_match else "mixed")
    return found


def kernels_of(theta, config):
    """The kernels (K, size, size) of one network with flat parameters `theta` (P,)."""
    return unpack(theta, layout(config))["W1"].T.reshape(config.n_kernels, config.kernel_size, config.kernel_size)


def metrics_of(result, i, config):
    """Metrics of network `i`: all patterns are the whole problem. `*_gain`: kernels of a kind, less those at the start.

    Some kernels resemble a kind before any training; the gain is what learning has to do with it.
    """
    before, after = (kinds_of(kernels_of(result[name][i], config), config.min_match) for name in ("start", "theta"))
    d = patterns(config)[1][:, 0]
    metrics = {
        "converged": bool(result["converged"][i]),
        "epochs": int(result["epochs"][i]),
        "accuracy": float(np.mean((result["y"][i] > 0.5) == (d > 0.5))),
        "loss": float(result["loss"][i]),
    }
    for kind in ("on-centre", "off-centre", "bar", "compact", "mixed"):
        metrics[f"n_{kind.replace('-', '_')}"] = after.count(kind)
    for kind in ("centre", "bar", "compact"):
        metrics[f"{kind}_gain"] = sum(kind in name for name in after) - sum(kind in name for name in before)
    return metrics


def gradient_check(config, seed):
    """Largest relative error of `backward` per parameter, and the tolerance; weights of order one, one network."""
    x, d = patterns(config)
    u, share = distinct_windows(x, config.kernel_size)
    theta = generators(seed)["test"].normal(size=(1, n_parameters(layout(config))))
    params, grads = unpack(theta, layout(config)), unpack(np.empty_like(theta), layout(config))
    y, f, h = forward(params, u, share)
    backward(params, u, share, d, y, f, h, grads)
    return gradcheck(lambda: 0.5 * float(np.mean((forward(params, u, share)[0] - d) ** 2)), params, grads), 1e-6


# ---- running -------------------------------------------------------------------------------------------------------


def run_batch(seeds, on_step=None, **settings):
    """Metrics of each of `seeds`, trained at once; equal to their single runs."""
    config = Config(**settings)
    result = train(config, [generators(seed) for seed in seeds], on_step=on_step)
    return [metrics_of(result, i, config) for i in range(len(seeds))]


def run(seed, on_step=None, **settings):
    """Metrics of one seed; `settings` are fields of Config."""
    return run_batch([seed], on_step, **settings)[0]


def main(argv=None):
    """Command line; returns the exit status."""
    return command_line(argv, slug="t-c-discrimination", doc=__doc__, config_class=Config, claims=CLAIMS, quick=QUICK,
                        run=run, run_batch=run_batch, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
