"""The 8-3-8 encoder by back-propagation (Rumelhart, Hinton & Williams 1986).

Eight inputs, of which one is on, have to come out again through three hidden units: just room enough for a binary code,
one corner of the cube for each. Nothing asks for corners, though. The outputs can be right while two patterns are
rounded to the same corner, so a run counts as solved only when all eight codes are distinct as well.

As in the paper, E is the sum over the eight cases and weights move after each sweep through all of them, with momentum,
from small random values. Added is a slight weight decay, which makes corners pay: they part the patterns with small
weights. A run whose error stays on a plateau has its weights perturbed, as in xor. Many
seeds train at once along the leading axis S of every array.

The encoder comes from Ackley, Hinton & Sejnowski (1985), who trained a Boltzmann machine: folder encoder-8-3-8.
"""

from dataclasses import dataclass

import numpy as np

from shared import NonFiniteError, Options, command_line, generators, gradcheck, n_parameters, option, unpack


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    n_epochs: int = option(20000, "sweeps through the eight cases at most", low=1, alias=("--epochs",))
    lr: float = option(0.1, "learning rate epsilon of equation 8", above=0)
    momentum: float = option(0.9, "momentum alpha of equation 9", low=0, below=1)
    weight_decay: float = option(0.0006, "pull of every weight and bias towards 0, times lr per sweep", low=0)
    init_scale: float = option(0.1, "weights and biases start uniform within +- this", above=0)
    margin: float = option(0.5, "solved when outputs are this close to targets, and codes distinct", above=0, high=0.5)
    perturb: bool = option(True, "perturb the weights of a run that stays on a plateau")
    patience: int = option(2000, "sweeps after which a plateau is looked for", low=1)
    min_gain: float = option(0.01, "plateau: the error fell by less than this share in that time", low=0, below=1)
    perturb_shrink: float = option(0.1, "perturbation: weights are first multiplied by this", low=0, high=1)
    perturb_scale: float = option(1.0, "perturbation: then moved uniformly within +- this", above=0)


QUICK = {"n_epochs": 1000}

PAPER = "Rumelhart, Hinton & Williams 1986"
CLAIMS = [
    {"claim": "eight distinct binary codes on nearly every seed", "source": PAPER, "paper": "solved",
     "earlier": "21/30", "metric": "solved", "statistic": "rate", "op": ">=", "threshold": 0.97},
]

# ---- data ----------------------------------------------------------------------------------------------------------

X = D = np.eye(8)  # (8, 8), one input on at a time; the desired outputs d are the inputs


# ---- model ---------------------------------------------------------------------------------------------------------


def layout(config):
    """{name: shape} of the parameters of one network; one flat vector holds them in this order."""
    return {"W1": (8, 3), "b1": (1, 3), "W2": (3, 8), "b2": (1, 8)}


def sigmoid(x):
    """y = 1 / (1 + exp(-x)) (equation 2), as a tanh, which cannot overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def forward(params, x):
    """Outputs y (S, N, 8) and hidden activations f (S, N, 3) for inputs `x` (N, 8)."""
    f = sigmoid(x @ params["W1"] + params["b1"])
    return sigmoid(f @ params["W2"] + params["b2"]), f


def backward(params, x, d, y, f, out):
    """dE/dparams for E = 1/2 sum (y - d)^2 over the cases (equations 3 to 7), written into the views `out`."""
    dx2 = (y - d) * y * (1 - y)  # equation 5, output units (S, 8, 8)
    dx1 = dx2 @ params["W2"].transpose(0, 2, 1) * f * (1 - f)  # equations 7 and 5, (S, 8, 3)
    np.matmul(f.transpose(0, 2, 1), dx2, out=out["W2"])  # equation 6
    np.matmul(x.T, dx1, out=out["W1"])
    np.sum(dx2, axis=1, keepdims=True, out=out["b2"])
    np.sum(dx1, axis=1, keepdims=True, out=out["b1"])
    return out


def n_codes(f):
    """Number of distinct binary codes (S,), 1 to 8: the hidden activations `f` (S, 8, 3) rounded to a corner."""
    corners = np.sort((f > 0.5) @ np.array([1, 2, 4]), axis=1)
    return 1 + (np.diff(corners, axis=1) > 0).sum(axis=1)


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

    Returns arrays over the networks: theta (S, P), y (S, 8, 8), f (S, 8, 3), loss, converged, epochs, perturbations.
    The hook gets the sweeps done and loss, codes, params, y, f of the networks not yet solved. Raises NonFiniteError.
    """
    rngs = rng if isinstance(rng, list) else [rng]
    S = len(rngs)
    theta = initial(config, rngs)  # (S, P), then only the rows still in training
    velocity, grad = np.zeros_like(theta), np.empty_like(theta)
    params, grads = unpack(theta, layout(config)), unpack(grad, layout(config))
    active, reference = np.arange(S), np.full(S, np.inf)
    result = {"theta": theta.copy(), "y": np.zeros((S, 8, 8)), "f": np.zeros((S, 8, 3)), "loss": np.zeros(S),
              "converged": np.zeros(S, bool), "epochs": np.full(S, config.n_epochs),
              "perturbations": np.zeros(S, int)}

    for epoch in range(config.n_epochs + 1):  # the extra round judges the last update
        y, f = forward(params, X)
        error = np.abs(y - D)
        loss = 0.5 * (error * error).sum(axis=(1, 2))
        if not np.isfinite(loss).all():
            raise NonFiniteError(epoch)
        if on_step:
            on_step(epoch, {"loss": loss, "codes": n_codes(f), "params": params, "y": y, "f": f,
                            "perturbations": result["perturbations"][active]})
        solved = error.max(axis=(1, 2)) < config.margin
        if solved.any():
            solved &= n_codes(f) == 8
        if solved.any() or epoch == config.n_epochs:
            for name, value in {"theta": theta, "y": y, "f": f, "loss": loss, "converged": solved}.items():
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
        grad += config.weight_decay * theta
        velocity *= config.momentum  # equation 9: v(t) = -epsilon dE/dw + alpha v(t - 1)
        grad *= config.lr
        velocity -= grad
        theta += velocity
    return result


# ---- evaluation ----------------------------------------------------------------------------------------------------


def metrics_of(result, i, config):
    """Metrics of network `i`: the eight cases are the whole problem, so there is nothing to hold out.

    `accuracy`: share of the cases whose largest output is the right one; `corner_distance`: mean distance of a hidden
    activation from 0 or 1, whichever is nearer (0.25 for activations spread evenly).
    """
    y, f = result["y"][i], result["f"][i]
    return {
        "solved": bool(result["converged"][i]),
        "epochs": int(result["epochs"][i]),
        "distinct_codes": int(n_codes(f[None])[0]),
        "accuracy": float(np.mean(y.argmax(axis=1) == np.arange(8))),
        "corner_distance": float(np.minimum(f, 1 - f).mean()),
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
    """Command line; returns the exit status."""
    return command_line(argv, slug="encoder-backprop-8-3-8", doc=__doc__, config_class=Config, claims=CLAIMS,
                        quick=QUICK, run=run, run_batch=run_batch, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
