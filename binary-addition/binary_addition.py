"""Adding two numbers of two bits by back-propagation (Rumelhart, Hinton & Williams 1986).

Four input bits, two numbers; three output bits, their sum. Each output wants something else of the hidden units: the
low bit an exclusive-or, the middle bit one more on top of the carry, the high bit the carry of the carry.

4-3-3 can do it, layer by layer, but few starting points lead there: the folder is about local minima. 4-2-3 cannot,
with any weights (README, `Results`), 4-2-3-skip can, whose inputs are also wired to the outputs. Everything is the
paper's: E is the sum over the 16 cases, weights move after each sweep through all of them, with momentum, from random
values. A run whose error stays on a plateau has its weights perturbed, as in xor; here this is close to a fresh start
and the heart of the recipe, so each is counted. Many seeds train at once along the leading axis S of every array.

Left out: nothing of the method; the size of a perturbation is a choice of ours.
"""

import sys
from dataclasses import dataclass
from itertools import product

import numpy as np

from shared import NonFiniteError, Options, command_line, generators, gradcheck, n_parameters, option, unpack


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    arch: str = option("4-3-3", "units per layer; skip wires the inputs to the output too",
                       choices=("4-3-3", "4-2-3", "4-2-3-skip"))
    n_epochs: int = option(200000, "sweeps through the 16 cases at most", low=1, alias=("--sweeps",))
    lr: float = option(0.25, "learning rate epsilon of equation 8", above=0)
    momentum: float = option(0.9, "momentum alpha of equation 9", low=0, below=1)
    init_scale: float = option(1.0, "weights and biases start uniform within +- this", above=0)
    margin: float = option(0.5, "solved when every output is within this of its target", above=0, high=0.5)
    perturb: bool = option(True, "perturb the weights of a run that stays on a plateau")
    patience: int = option(400, "sweeps after which a plateau is looked for", low=1)
    min_gain: float = option(0.3, "plateau: the error fell by less than this share in that time", low=0, below=1)
    perturb_shrink: float = option(0.1, "perturbation: weights are first multiplied by this", low=0, high=1)
    perturb_scale: float = option(1.5, "perturbation: then moved uniformly within +- this", above=0)


QUICK = {"n_epochs": 500}

PAPER = "Rumelhart, Hinton & Williams 1986"
TWO, SKIP = {"arch": "4-2-3"}, {"arch": "4-2-3-skip"}
CLAIMS = [
    {"claim": "4-3-3 learns to add on nearly every seed", "source": PAPER, "paper": "solved", "earlier": "3/50",
     "metric": "converged", "statistic": "rate", "op": ">=", "threshold": 0.9},
    {"claim": "4-2-3, layer by layer, never learns it", "source": "impossible, see the README", "paper": "gets stuck",
     "config": TWO, "earlier": "0/50", "metric": "converged", "statistic": "rate", "op": "<=", "threshold": 0},
    {"claim": "4-2-3-skip learns to add on nearly every seed", "source": PAPER, "paper": None, "config": SKIP,
     "earlier": None, "metric": "converged", "statistic": "rate", "op": ">=", "threshold": 0.9},
]

# ---- data ----------------------------------------------------------------------------------------------------------

X = np.array(list(product([0, 1], repeat=4)), dtype=float)  # (16, 4), the bits a1 a0 b1 b0 of the numbers a and b
SUM = (X @ np.array([2, 1, 2, 1])).astype(int)  # (16,), a + b, 0 to 6
D = (SUM[:, None] >> np.array([2, 1, 0]) & 1).astype(float)  # (16, 3), the desired outputs d: the bits s2 s1 s0


# ---- model ---------------------------------------------------------------------------------------------------------


def layout(config):
    """{name: shape} of the parameters of one network; one flat vector holds them in this order."""
    n_hidden = int(config.arch.split("-")[1])
    n_features = n_hidden + 4 if config.arch.endswith("skip") else n_hidden
    return {"W1": (4, n_hidden), "b1": (1, n_hidden), "W2": (n_features, 3), "b2": (1, 3)}


def sigmoid(x):
    """y = 1 / (1 + exp(-x)) (equation 2), as a tanh, which cannot overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def forward(params, x):
    """Outputs y (S, N, 3) and features f (S, N, F) that the output units see, for inputs `x` (N, 4)."""
    f = sigmoid(x @ params["W1"] + params["b1"])
    if params["W2"].shape[1] > f.shape[2]:  # skip connections: the output units see the inputs too
        f = np.concatenate([np.broadcast_to(x, (len(f), *x.shape)), f], axis=2)
    return sigmoid(f @ params["W2"] + params["b2"]), f


def backward(params, x, d, y, f, out):
    """dE/dparams for E = 1/2 sum (y - d)^2 over the cases (equations 3 to 7), written into the views `out`."""
    n_hidden = params["W1"].shape[2]
    dx2 = (y - d) * y * (1 - y)  # equation 5, output units (S, 16, 3)
    h = f[:, :, -n_hidden:]
    dx1 = dx2 @ params["W2"][:, -n_hidden:].transpose(0, 2, 1) * h * (1 - h)  # equations 7 and 5, (S, 16, H)
    np.matmul(f.transpose(0, 2, 1), dx2, out=out["W2"])  # equation 6
    np.matmul(x.T, dx1, out=out["W1"])
    np.sum(dx2, axis=1, keepdims=True, out=out["b2"])
    np.sum(dx1, axis=1, keepdims=True, out=out["b1"])
    return out


# ---- training ------------------------------------------------------------------------------------------------------


def initial(config, rngs):
    """Starting parameters (S, P), uniform within +- init_scale, each network from its own generator."""
    size = n_parameters(layout(config))
    return np.stack([rng["init"].uniform(-config.init_scale, config.init_scale, size) for rng in rngs])


def perturb(theta, config, rng):
    """Shrink and shake one network's parameters (P,): the way off a plateau."""
    noise = rng["noise"].uniform(-config.perturb_scale, config.perturb_scale, theta.shape)
    return config.perturb_shrink * theta + noise


def train(config, rng, *, on_step=None):
    """Train one network per entry of `rng` (a set of generators, or a list of sets) by full-batch descent.

    Returns arrays over the networks: theta (S, P), y (S, 16, 3), loss, converged, epochs, perturbations. The hook gets
    the number of sweeps done and loss, wrong, params, y of the networks not yet solved. Raises NonFiniteError.
    """
    rngs = rng if isinstance(rng, list) else [rng]
    S = len(rngs)
    theta = initial(config, rngs)  # (S, P), then only the rows still in training
    velocity, grad = np.zeros_like(theta), np.empty_like(theta)
    params, grads = unpack(theta, layout(config)), unpack(grad, layout(config))
    active, reference = np.arange(S), np.full(S, np.inf)
    result = {"theta": theta.copy(), "y": np.zeros((S, *D.shape)), "loss": np.zeros(S), "converged": np.zeros(S, bool),
              "epochs": np.full(S, config.n_epochs), "perturbations": np.zeros(S, int)}

    for epoch in range(config.n_epochs + 1):  # the extra round judges the last update
        y, f = forward(params, X)
        error = np.abs(y - D)
        loss = 0.5 * (error * error).sum(axis=(1, 2))
        if not np.isfinite(loss).all():
            raise NonFiniteError(epoch)
        if on_step:
            on_step(epoch, {"loss": loss, "wrong": (error >= 0.5).sum(axis=(1, 2)), "params": params, "y": y,
                            "perturbations": result["perturbations"][active]})
        solved = error.max(axis=(1, 2)) < config.margin
        if solved.any() or epoch == config.n_epochs:
            for name, value in {"theta": theta, "y": y, "loss": loss, "converged": solved}.items():
                result[name][active] = value
            result["epochs"][active[solved]] = epoch
            left = ~solved
            active, reference, theta, velocity = active[left], reference[left], theta[left], velocity[left]
            if epoch == config.n_epochs or not len(active):
                break
            y, f, loss, grad = y[left], f[left], loss[left], grad[left]
            params, grads = unpack(theta, layout(config)), unpack(grad, layout(config))

        if config.perturb and epoch % config.patience == 0:
            for i in np.flatnonzero(loss > (1 - config.min_gain) * reference):
                theta[i], velocity[i] = perturb(theta[i], config, rngs[active[i]]), 0
                result["perturbations"][active[i]] += 1
            reference = loss
            y, f = forward(params, X)  # the step below starts from the moved weights
        backward(params, X, D, y, f, grads)
        velocity *= config.momentum  # equation 9: v(t) = -epsilon dE/dw + alpha v(t - 1)
        grad *= config.lr
        velocity -= grad
        theta += velocity
    return result


# ---- evaluation ----------------------------------------------------------------------------------------------------


def metrics_of(result, i, config):
    """Metrics of network `i`: the 16 cases are the whole problem, so there is nothing to hold out.

    `accuracy`: share of the cases with all three outputs right; `bit_accuracy`: share of the single outputs.
    """
    right = (result["y"][i] > 0.5) == (D > 0.5)  # (16, 3)
    return {
        "converged": bool(result["converged"][i]),
        "epochs": int(result["epochs"][i]),
        "accuracy": float(right.all(axis=1).mean()),
        "bit_accuracy": float(right.mean()),
        "loss": float(result["loss"][i]),
        "perturbations": int(result["perturbations"][i]),
    }


def gradient_check(config, seed):
    """Largest relative error of `backward` per parameter, and the tolerance; weights of order one, one network."""
    theta = generators(seed)["test"].normal(size=(1, n_parameters(layout(config))))
    params, grads = unpack(theta, layout(config)), unpack(np.empty_like(theta), layout(config))
    y, f = forward(params, X)
    grads = backward(params, X, D, y, f, grads)
    return gradcheck(lambda: 0.5 * np.sum((forward(params, X)[0] - D) ** 2), params, grads), 1e-7


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
    """Command line; returns the exit status. `--n-trials N --both-archs` is an old spelling of two sweeps."""
    words = sys.argv[1:] if argv is None else argv
    nets = [["--arch", arch] for arch in ("4-3-3", "4-2-3")] if "--both-archs" in words else [[]]
    words = ["--sweep" if word == "--n-trials" else word for word in words if word != "--both-archs"]
    return max(command_line(words + net, slug="binary-addition", doc=__doc__, config_class=Config, claims=CLAIMS,
                            quick=QUICK, run=run, run_batch=run_batch, gradient_check=gradient_check) for net in nets)


if __name__ == "__main__":
    raise SystemExit(main())
