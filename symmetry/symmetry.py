"""Mirror symmetry of six bits by back-propagation (Rumelhart, Hinton & Williams 1986).

Is a row of six bits the same read backwards? No single input tells, nor any pair: a unit that adds up its inputs must
weigh each bit against its mirror image. A 6-2-1 net of sigmoid units finds how: weights of opposite sign about the
middle, so that a palindrome cancels, and sizes 1 : 2 : 4, so that nothing else does. Both hidden units do the same with
opposite signs; each is on for half of the asymmetric rows, and both are off for the palindromes alone.

Everything is the paper's: E is the sum over the 64 cases, weights move after each sweep through all of them, with
momentum, from small random values. Many seeds train at once along the leading axis S of every array.

Left out: nothing of the method. The learning rate is half the paper's; at the paper's own the descent is on the edge of
stability (--lr 0.1).
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from shared import NonFiniteError, Options, command_line, generators, gradcheck, n_parameters, option, unpack


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    encoding: str = option("01", "values of an input bit: 0 and 1, or -1 and +1", choices=("01", "bipolar"))
    n_epochs: int = option(5000, "sweeps through the 64 cases at most", low=1, alias=("--sweeps",))
    lr: float = option(0.05, "learning rate epsilon of equation 8", above=0)
    momentum: float = option(0.9, "momentum alpha of equation 9", low=0, below=1)
    init_scale: float = option(0.3, "weights and biases start uniform within +- this", above=0)
    margin: float = option(0.5, "solved when every output is within this of its target", above=0, high=0.5)


QUICK = {"n_epochs": 1000}

PAPER = "Rumelhart, Hinton & Williams 1986"
CLAIMS = [
    {"claim": "6-2-1 learns symmetry on every seed", "source": PAPER, "paper": "solved", "earlier": "20/30",
     "metric": "converged", "statistic": "rate", "op": ">=", "threshold": 0.97},
    {"claim": "weights 1 : 2 : 4 with opposite signs about the middle", "source": PAPER, "paper": "shown",
     "earlier": "17/30", "metric": "ratio_ok", "statistic": "rate", "op": ">=", "threshold": 0.9},
    {"claim": "no more sweeps than the paper's run", "source": PAPER, "paper": 1425, "earlier": 1230,
     "metric": "sweeps", "statistic": "median", "op": "<=", "threshold": 1425},
]

# ---- data ----------------------------------------------------------------------------------------------------------

BITS = np.array(list(product([0, 1], repeat=6)), dtype=float)  # (64, 6), every row of six bits
D = (BITS[:, ::-1] == BITS).all(axis=1, keepdims=True).astype(float)  # (64, 1), 1 for the 8 palindromes


def inputs(config):
    """The 64 cases as the net sees them (64, 6)."""
    return BITS if config.encoding == "01" else 2 * BITS - 1


# ---- model ---------------------------------------------------------------------------------------------------------


def layout(config):
    """{name: shape} of the parameters of one network; one flat vector holds them in this order."""
    return {"W1": (6, 2), "b1": (1, 2), "W2": (2, 1), "b2": (1, 1)}


def sigmoid(x):
    """y = 1 / (1 + exp(-x)) (equation 2), as a tanh, which cannot overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def forward(params, x):
    """Outputs y (S, N, 1) and hidden activations f (S, N, 2) for inputs `x` (N, 6)."""
    f = sigmoid(x @ params["W1"] + params["b1"])
    return sigmoid(f @ params["W2"] + params["b2"]), f


def backward(params, x, d, y, f, out):
    """dE/dparams for E = 1/2 sum (y - d)^2 over the cases (equations 3 to 7), written into the views `out`."""
    dx2 = (y - d) * y * (1 - y)  # equation 5, output unit (S, 64, 1)
    dx1 = dx2 * params["W2"].transpose(0, 2, 1) * f * (1 - f)  # equations 7 and 5, (S, 64, 2)
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


def train(config, rng, *, on_step=None):
    """Train one network per entry of `rng` (a set of generators, or a list of sets) by full-batch descent.

    Returns arrays over the networks: theta (S, P), y (S, 64), loss, converged, epochs. The hook gets the number of
    sweeps done and loss, wrong, params, y of the networks not yet solved. Raises NonFiniteError.
    """
    rngs = rng if isinstance(rng, list) else [rng]
    S, X = len(rngs), inputs(config)
    theta = initial(config, rngs)  # (S, P), then only the rows still in training
    velocity, grad = np.zeros_like(theta), np.empty_like(theta)
    params, grads = unpack(theta, layout(config)), unpack(grad, layout(config))
    active = np.arange(S)
    result = {"theta": theta.copy(), "y": np.zeros((S, len(X))), "loss": np.zeros(S), "converged": np.zeros(S, bool),
              "epochs": np.full(S, config.n_epochs)}

    for epoch in range(config.n_epochs + 1):  # the extra round judges the last update
        y, f = forward(params, X)
        error = np.abs(y - D)
        loss = 0.5 * (error * error).sum(axis=(1, 2))
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
            active, theta, velocity = active[left], theta[left], velocity[left]
            if epoch == config.n_epochs or not len(active):
                break
            y, f, grad = y[left], f[left], grad[left]
            params, grads = unpack(theta, layout(config)), unpack(grad, layout(config))

        backward(params, X, D, y, f, grads)
        velocity *= config.momentum  # equation 9: v(t) = -epsilon dE/dw + alpha v(t - 1)
        grad *= config.lr
        velocity -= grad
        theta += velocity
    return result


# ---- evaluation ----------------------------------------------------------------------------------------------------


def code_of(W1):
    """What the hidden weights `W1` (6, 2) say: (opposite signs?, ratios second : first and third : second (2, 2)).

    The size of a pair is the mean magnitude of a bit's weight and its mirror image's; ratios are of the three sizes in
    ascending order, a row per hidden unit.
    """
    near, far = W1[:3].T, W1[:2:-1].T  # (2, 3): bits 1, 2, 3 and their mirror images 6, 5, 4
    sizes = np.sort((np.abs(near) + np.abs(far)) / 2, axis=1)
    return bool((near * far < 0).all()), sizes[:, 1:] / sizes[:, :2]


def metrics_of(result, i, config):
    """Metrics of network `i`: the 64 cases are the whole problem, so there is nothing to hold out.

    `ratio_ok`: opposite signs about the middle, and each size within a quarter of twice the one below, in both hidden
    units. `other_code`: opposite signs, but the largest size is less than the other two together, as in 2 : 3 : 4.
    """
    y = result["y"][i]
    opposite, ratios = code_of(unpack(result["theta"][i], layout(config))["W1"])
    return {
        "converged": bool(result["converged"][i]),
        "sweeps": int(result["epochs"][i]),
        "ratio_ok": bool(opposite and (np.abs(ratios / 2 - 1) < 0.25).all()),
        "other_code": bool(opposite and (ratios.prod(axis=1) < 1 + ratios[:, 0]).all()),
        "opposite_signs": opposite,
        "accuracy": float(np.mean((y > 0.5) == (D[:, 0] > 0.5))),
        "loss": float(result["loss"][i]),
        "middle_to_small": float(ratios[:, 0].mean()),
        "large_to_middle": float(ratios[:, 1].mean()),
    }


def gradient_check(config, seed):
    """Largest relative error of `backward` per parameter, and the tolerance; weights of order one, one network."""
    theta = generators(seed)["test"].normal(size=(1, n_parameters(layout(config))))
    params, grads = unpack(theta, layout(config)), unpack(np.empty_like(theta), layout(config))
    X = inputs(config)
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
    return command_line(argv, slug="symmetry", doc=__doc__, config_class=Config, claims=CLAIMS, quick=QUICK, run=run,
                        run_batch=run_batch, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
