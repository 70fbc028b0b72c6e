"""XOR by back-propagation (Rumelhart, Hinton & Williams 1986).

No single threshold unit computes exclusive-or (Minsky & Papert 1969). A net with one hidden layer can, and
back-propagation finds it: 2-2-1 (two hidden units) or 2-1-2-skip (one hidden unit, inputs also wired to the output).

Everything is the paper's: E is the sum over the four cases, weights move after each sweep through all of them, with
momentum, from small random values, until every output is on the right side of one half. A run whose error stays on a
plateau has its weights perturbed. Many seeds train at once along the leading axis S of every array.

Left out: nothing of the method; the 1986 text does not give the size of a perturbation, so ours is a choice.
"""

from dataclasses import dataclass

import numpy as np

from shared import NonFiniteError, Options, command_line, generators, gradcheck, option, unpack


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    arch: str = option("2-2-1", "units per layer; skip wires the inputs to the output too",
                       choices=("2-2-1", "2-1-2-skip"))
    n_epochs: int = option(5000, "sweeps through the four cases at most", low=1, alias=("--max-epochs",))
    lr: float = option(0.5, "learning rate epsilon of equation 8", above=0)
    momentum: float = option(0.9, "momentum alpha of equation 9", low=0, below=1)
    init_scale: float = option(0.3, "weights and biases start uniform within +- this", above=0)
    margin: float = option(0.5, "solved when every output is within this of its target", above=0, high=0.5)
    perturb: bool = option(True, "perturb the weights of a run that stays on a plateau")
    patience: int = option(500, "sweeps after which a plateau is looked for", low=1)
    min_gain: float = option(0.01, "plateau: the error fell by less than this share in that time", low=0, below=1)
    perturb_shrink: float = option(0.1, "perturbation: weights are first multiplied by this", low=0, high=1)
    perturb_scale: float = option(1.0, "perturbation: then moved uniformly within +- this", above=0)


QUICK = {"n_epochs": 200}

PAPER = "Rumelhart, Hinton & Williams 1986"
SKIP = {"arch": "2-1-2-skip"}
CLAIMS = [
    {"claim": "2-2-1 solves XOR on nearly every seed", "source": PAPER, "paper": "all but about 2 in hundreds",
     "earlier": "25/30", "metric": "converged", "statistic": "rate", "op": ">=", "threshold": 0.99},
    {"claim": "2-2-1 needs no more sweeps than the paper's run", "source": PAPER, "paper": 558,
     "earlier": 730, "metric": "epochs", "statistic": "median", "op": "<=", "threshold": 558},
    {"claim": "2-1-2-skip solves XOR on nearly every seed", "source": PAPER, "paper": None, "config": SKIP,
     "earlier": "29/30", "metric": "converged", "statistic": "rate", "op": ">=", "threshold": 0.99},
]

# ---- data ----------------------------------------------------------------------------------------------------------

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)  # (4, 2)
D = np.array([[0], [1], [1], [0]], dtype=float)  # (4, 1), the desired outputs d


# ---- model ---------------------------------------------------------------------------------------------------------


def layout(config):
    """{name: shape} of the parameters of one network; one flat vector holds them in this order."""
    n_hidden, n_features = (2, 2) if config.arch == "2-2-1" else (1, 3)
    return {"W1": (2, n_hidden), "b1": (1, n_hidden), "W2": (n_features, 1), "b2": (1, 1)}


def sigmoid(x):
    """y = 1 / (1 + exp(-x)) (equation 2), as a tanh, which cannot overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def forward(params, x):
    """Outputs y (S, N, 1) and features f (S, N, F) that the output unit sees, for inputs `x` (N, 2)."""
    f = sigmoid(x @ params["W1"] + params["b1"])
    if params["W2"].shape[1] > f.shape[2]:  # skip connections: the output unit sees the inputs too
        f = np.concatenate([np.broadcast_to(x, (len(f), *x.shape)), f], axis=2)
    return sigmoid(f @ params["W2"] + params["b2"]), f


def backward(params, x, d, y, f, out):
    """dE/dparams for E = 1/2 sum (y - d)^2 over the cases (equations 3 to 7), written into the views `out`."""
    n_hidden = params["W1"].shape[2]
    dx2 = (y - d) * y * (1 - y)  # equation 5, output unit (S, 4, 1)
    h = f[:, :, -n_hidden:]
    dx1 = dx2 * params["W2"][:, -n_hidden:].transpose(0, 2, 1) * h * (1 - h)  # equations 7 and 5, (S, 4, H)
    np.matmul(f.transpose(0, 2, 1), dx2, out=out["W2"])  # equation 6
    np.matmul(x.T, dx1, out=out["W1"])
    np.sum(dx2, axis=1, keepdims=True, out=out["b2"])
    np.sum(dx1, axis=1, keepdims=True, out=out["b1"])
    return out


# ---- training ------------------------------------------------------------------------------------------------------


def initial(config, rngs):
    """Starting parameters (S, P), uniform within +- init_scale, each network from its own generator."""
    size = sum(np.prod(shape) for shape in layout(config).values())
    return np.stack([rng["init"].uniform(-config.init_scale, config.init_scale, size) for rng in rngs])


def perturb(theta, config, rng):
    """Shrink and shake one network's parameters (P,): the way off a plateau."""
    noise = rng["noise"].uniform(-config.perturb_scale, config.perturb_scale, theta.shape)
    return config.perturb_shrink * theta + noise


def train(config, rng, *, on_step=None):
    """Train one network per entry of `rng` (a set of generators, or a list of sets) by full-batch descent.

    Returns arrays over the networks: theta (S, P), y (S, 4), loss, converged, epochs, perturbations. The hook gets the
    number of sweeps done and loss, wrong, params, y of the networks not yet solved. Raises NonFiniteError.
    """
    rngs = rng if isinstance(rng, list) else [rng]
    S = len(rngs)
    theta = initial(config, rngs)  # (S, P), then only the rows still in training
    velocity, grad = np.zeros_like(theta), np.empty_like(theta)
    params, grads = unpack(theta, layout(config)), unpack(grad, layout(config))
    active, reference = np.arange(S), np.full(S, np.inf)
    result = {"theta": theta.copy(), "y": np.zeros((S, 4)), "loss": np.zeros(S), "converged": np.zeros(S, bool),
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
            for name, value in {"theta": theta, "y": y[:, :, 0], "loss": loss, "converged": solved}.items():
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
    """Metrics of network `i`: the four cases are the whole problem, so there is nothing to hold out.

    Without perturbation a run can end in a basin: `stuck_*` tell which corners then share one output (within 0.1).
    """
    y = result["y"][i]  # corners in the order 00, 01, 10, 11
    metrics = {
        "converged": bool(result["converged"][i]),
        "epochs": int(result["epochs"][i]),
        "accuracy": float(np.mean((y > 0.5) == (D[:, 0] > 0.5))),
        "loss": float(result["loss"][i]),
        "perturbations": int(result["perturbations"][i]),
    }
    if not config.perturb:
        same = np.abs(y[:, None] - y[None, :]) < 0.1
        n_same = 0 if metrics["converged"] else int(same.sum(axis=1).max())
        for a, b in ((1, 3), (2, 3), (0, 1), (0, 2)):  # the pairs that differ in one input, so in their targets
            metrics[f"stuck_{a:02b}_{b:02b}"] = bool(n_same == 2 and same[a, b])
        metrics["stuck_three"] = n_same == 3
        metrics["stuck_all"] = n_same == 4
    return metrics


def gradient_check(config, seed):
    """Largest relative error of `backward` per parameter, and the tolerance; weights of order one, one network."""
    theta = generators(seed)["test"].normal(size=(1, sum(np.prod(shape) for shape in layout(config).values())))
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
    """Command line; returns the exit status."""
    return command_line(argv, slug="xor", doc=__doc__, config_class=Config, claims=CLAIMS, quick=QUICK, run=run,
                        run_batch=run_batch, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
