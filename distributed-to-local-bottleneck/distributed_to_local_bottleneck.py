"""Two bits through one hidden unit to four outputs (Rumelhart, Hinton & Williams 1986).

Two input bits (a distributed code) have to switch on one of four outputs (a local code), and all that is known of the
inputs passes through a single sigmoid unit. It cannot do that with on and off: back-propagation makes it take four
graded values, in the paper about 0, 0.2, 0.6 and 1.

2-1-4-4 has a layer of four units between the bottleneck and the outputs and can get every output right. 2-1-4 has not:
each output then rises or falls with the bottleneck, so none can be on for a middle value alone, and the right output
can be no more than the largest. Weights move after each sweep through the four cases, with momentum, from small random
values. Many seeds train at once along the leading axis S of every array.

Left out: nothing of the method.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from shared import NonFiniteError, Options, command_line, generators, gradcheck, n_parameters, option, unpack


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    arch: str = option("2-1-4-4", "units per layer; 2-1-4 is judged by the largest output",
                       choices=("2-1-4-4", "2-1-4"))
    n_epochs: int = option(5000, "sweeps through the four cases at most", low=1, alias=("--max-epochs",))
    n_hold: int = option(0, "sweeps of further learning once solved, to see whether it stays", low=0)
    lr: float = option(0.5, "learning rate epsilon", above=0)
    momentum: float = option(0.9, "momentum alpha", low=0, below=1)
    init_scale: float = option(0.3, "weights and biases start uniform within +- this", above=0)
    margin: float = option(0.5, "2-1-4-4 is solved when every output is within this of its target", above=0, high=0.5)
    min_gap: float = option(0.1, "2-1-4 is solved when, besides, the hidden values are this far apart", above=0,
                            high=0.33)


QUICK = {"n_epochs": 150}

PAPER = "Rumelhart, Hinton & Williams 1986"
GRADED = [0.0, 0.2, 0.6, 1.0]  # the paper's values of the hidden unit
LARGEST = {"arch": "2-1-4"}
CLAIMS = [
    {"claim": "every output is right", "source": PAPER, "paper": "yes",
     "earlier": None, "metric": "converged", "statistic": "rate", "op": ">=", "threshold": 1.0},
    {"claim": "lowest hidden value is near 0", "source": PAPER, "paper": 0.0,
     "earlier": 0.01, "metric": "h1", "statistic": "mean", "op": "<=", "threshold": 0.1},
    {"claim": "second is near 0.2, from above", "source": PAPER, "paper": 0.2,
     "earlier": 0.32, "metric": "h2", "statistic": "mean", "op": "<=", "threshold": 0.3},
    {"claim": "second is near 0.2, from below", "source": PAPER, "paper": 0.2,
     "earlier": 0.32, "metric": "h2", "statistic": "mean", "op": ">=", "threshold": 0.1},
    {"claim": "third is near 0.6, from above", "source": PAPER, "paper": 0.6,
     "earlier": 0.60, "metric": "h3", "statistic": "mean", "op": "<=", "threshold": 0.7},
    {"claim": "third is near 0.6, from below", "source": PAPER, "paper": 0.6,
     "earlier": 0.60, "metric": "h3", "statistic": "mean", "op": ">=", "threshold": 0.5},
    {"claim": "highest is near 1", "source": PAPER, "paper": 1.0,
     "earlier": 0.98, "metric": "h4", "statistic": "mean", "op": ">=", "threshold": 0.9},
    {"claim": "2-1-4: the right output is the largest", "source": PAPER, "paper": None, "config": LARGEST,
     "earlier": "30/30", "metric": "converged", "statistic": "rate", "op": ">=", "threshold": 1.0},
]

# ---- data ----------------------------------------------------------------------------------------------------------

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)  # (4, 2)
D = np.eye(4)  # (4, 4), the desired outputs d: one on for each case


# ---- model ---------------------------------------------------------------------------------------------------------


def layout(config):
    """{name: shape} of the parameters of one network; one flat vector holds them in this order."""
    sizes = [int(size) for size in config.arch.split("-")]
    shapes = {}
    for layer, (n_in, n_out) in enumerate(pairwise(sizes), 1):
        shapes |= {f"W{layer}": (n_in, n_out), f"b{layer}": (1, n_out)}
    return shapes


def sigmoid(x):
    """y = 1 / (1 + exp(-x)), as a tanh, which cannot overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def forward(params, x):
    """Activations of every layer, from the inputs `x` (N, 2) to the outputs (S, N, 4); the bottleneck is number 1."""
    layers = [np.broadcast_to(x, (len(params["W1"]), *x.shape[-2:]))]
    for i in range(1, len(params) // 2 + 1):
        layers.append(sigmoid(layers[-1] @ params[f"W{i}"] + params[f"b{i}"]))
    return layers


def backward(params, d, layers, out):
    """dE/dparams for E = 1/2 sum (y - d)^2 over the cases, written into the views `out`."""
    dx = (layers[-1] - d) * layers[-1] * (1 - layers[-1])  # at the summed inputs of the outputs (S, N, 4)
    for i in range(len(layers) - 1, 0, -1):
        below = layers[i - 1]
        np.matmul(below.transpose(0, 2, 1), dx, out=out[f"W{i}"])
        np.sum(dx, axis=1, keepdims=True, out=out[f"b{i}"])
        if i > 1:
            dx = dx @ params[f"W{i}"].transpose(0, 2, 1) * below * (1 - below)
    return out


# ---- training ------------------------------------------------------------------------------------------------------


def initial(config, rngs):
    """Starting parameters (S, P), uniform within +- init_scale, each network from its own generator."""
    size = n_parameters(layout(config))
    return np.stack([rng["init"].uniform(-config.init_scale, config.init_scale, size) for rng in rngs])


def is_solved(config, layers):
    """(S,): every output within the margin; for 2-1-4 the right output largest, and four values apart in the middle."""
    if config.arch == "2-1-4-4":
        return np.abs(layers[-1] - D).max(axis=(1, 2)) < config.margin
    gaps = np.diff(np.sort(layers[1][:, :, 0], axis=1), axis=1)
    return n_right(layers[-1]) + (gaps.min(axis=1) > config.min_gap) == 5


def n_right(y):
    """(S,): the number of cases for which the right output is the largest of `y` (S, 4, 4)."""
    return (y.argmax(axis=2) == np.arange(4)).sum(axis=1)


def train(config, rng, *, on_step=None):
    """Train one network per entry of `rng` (a set of generators, or a list of sets) by full-batch descent.

    Returns arrays over the networks: theta (S, P), y (S, 4, 4), h (S, 4) the bottleneck for the cases, loss, converged,
    epochs, stays (solved at the end, n_hold sweeps later). The hook gets the number of sweeps done and loss, right, h,
    params, solved of the networks still in training. Raises NonFiniteError.
    """
    rngs = rng if isinstance(rng, list) else [rng]
    S = len(rngs)
    theta = initial(config, rngs)  # (S, P), then only the rows still in training
    velocity, grad = np.zeros_like(theta), np.empty_like(theta)
    params, grads = unpack(theta, layout(config)), unpack(grad, layout(config))
    active = np.arange(S)
    result = {"theta": theta.copy(), "y": np.zeros((S, 4, 4)), "h": np.zeros((S, 4)), "loss": np.zeros(S),
              "converged": np.zeros(S, bool), "epochs": np.full(S, config.n_epochs), "stays": np.zeros(S, bool)}

    for epoch in range(config.n_epochs + config.n_hold + 1):  # the extra round judges the last update
        layers = forward(params, X)
        y, h, error = layers[-1], layers[1][:, :, 0], layers[-1] - D
        loss = 0.5 * (error * error).sum(axis=(1, 2))
        if not np.isfinite(loss).all():
            raise NonFiniteError(epoch)
        solved = is_solved(config, layers)
        if on_step:
            on_step(epoch, {"loss": loss, "right": n_right(y), "h": h, "params": params, "solved": solved})
        if epoch <= config.n_epochs:
            first = active[solved & ~result["converged"][active]]
            result["converged"][first], result["epochs"][first] = True, epoch
        held = result["converged"][active] & (epoch - result["epochs"][active] >= config.n_hold)
        done = held | (~result["converged"][active] & (epoch >= config.n_epochs))
        if done.any():
            for name, value in {"theta": theta, "y": y, "h": h, "loss": loss, "stays": solved}.items():
                result[name][active[done]] = value[done]
            left = ~done
            active, theta, velocity, grad = active[left], theta[left], velocity[left], grad[left]
            if not len(active):
                break
            layers = [layer[left] for layer in layers]
            params, grads = unpack(theta, layout(config)), unpack(grad, layout(config))

        backward(params, D, layers, grads)
        velocity *= config.momentum
        grad *= config.lr
        velocity -= grad
        theta += velocity
    return result


# ---- evaluation ----------------------------------------------------------------------------------------------------


def metrics_of(result, i):
    """Metrics of network `i`: the four cases are the whole problem. h1 to h4: the bottleneck's values, sorted.

    merged: the two middle values are one and the same; apart: these two are as far apart as 0.2 and 0.8 or more.
    """
    h = np.sort(result["h"][i])
    return {
        "converged": bool(result["converged"][i]),
        "epochs": int(result["epochs"][i]),
        **{f"h{k + 1}": float(h[k]) for k in range(4)},
        "accuracy": float(n_right(result["y"][i : i + 1])[0] / 4),
        "loss": float(result["loss"][i]),
        "stays": bool(result["stays"][i]),
        "merged": bool(h[2] - h[1] < 0.01),
        "apart": bool(h[2] - h[1] > 0.6),
    }


def gradient_check(config, seed):
    """Largest relative error of `backward` per parameter, and the tolerance; weights of order one, one network."""
    theta = generators(seed)["test"].normal(size=(1, n_parameters(layout(config))))
    params, grads = unpack(theta, layout(config)), unpack(np.empty_like(theta), layout(config))
    backward(params, D, forward(params, X), grads)
    return gradcheck(lambda: 0.5 * float(np.sum((forward(params, X)[-1] - D) ** 2)), params, grads), 1e-6


# ---- running -------------------------------------------------------------------------------------------------------


def run_batch(seeds, on_step=None, **settings):
    """Metrics of each of `seeds`, trained at once; equal to their single runs."""
    result = train(Config(**settings), [generators(seed) for seed in seeds], on_step=on_step)
    return [metrics_of(result, i) for i in range(len(seeds))]


def run(seed, on_step=None, **settings):
    """Metrics of one seed; `settings` are fields of Config."""
    return run_batch([seed], on_step, **settings)[0]


def main(argv=None):
    """Command line; returns the exit status."""
    return command_line(argv, slug="distributed-to-local-bottleneck", doc=__doc__, config_class=Config, claims=CLAIMS,
                        quick=QUICK, run=run, run_batch=run_batch, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
