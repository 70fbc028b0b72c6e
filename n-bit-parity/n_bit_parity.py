"""Parity of N bits by back-propagation (Rumelhart, Hinton & Williams 1986).

Is the number of bits that are on odd? Every bit counts, and the cases most alike have different answers: XOR for N bits
(Minsky & Papert 1969). One hidden layer of N units can do it: let unit k be on when at least k bits are, and let the
output add the first, take off the second, add the third. This folder asks how far descent finds solutions, and
whether they are of that kind.

Everything is the paper's: E is the sum over all 2^N cases, weights move after each sweep through all of them, with
momentum, from random values. A run whose error stays on a plateau has its weights perturbed, as in xor. Many seeds
train at once along the leading axis S of every array.

Left out: nothing of the method; the size of a perturbation is a choice of ours. Inputs are -1 and +1
(--encoding binary: 0 and 1), and the step is divided by the number of cases, so that one rate serves all N.
"""

import sys
from dataclasses import dataclass
from itertools import product

import numpy as np

from shared import NonFiniteError, Options, command_line, generators, gradcheck, n_parameters, option, unpack


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    n_bits: int = option(4, "input bits N", low=2, high=10)
    n_hidden: int = option(0, "hidden units; 0 is one for each bit", low=0)
    encoding: str = option("bipolar", "values of an input bit: 0 and 1, or -1 and +1", choices=("binary", "bipolar"))
    n_epochs: int = option(100000, "sweeps through the 2^N cases at most", low=1, alias=("--max-epochs",))
    lr: float = option(4.0, "learning rate epsilon of equation 8, divided by the number of cases", above=0)
    momentum: float = option(0.9, "momentum alpha of equation 9", low=0, below=1)
    init_scale: float = option(1.0, "weights and biases start uniform within +- this", above=0)
    margin: float = option(0.5, "solved when every output is within this of its target", above=0, high=0.5)
    perturb: bool = option(True, "perturb the weights of a run that stays on a plateau")
    patience: int = option(300, "sweeps after which a plateau is looked for", low=1)
    min_gain: float = option(0.2, "plateau: the error fell by less than this share in that time", low=0, below=1)
    perturb_shrink: float = option(0.1, "perturbation: weights are first multiplied by this", low=0, high=1)
    perturb_scale: float = option(1.5, "perturbation: then moved uniformly within +- this", above=0)


QUICK = {"n_epochs": 1000}

PAPER = "Rumelhart, Hinton & Williams 1986"
EARLIER = {2: "3/5", 3: "5/5", 4: "3/5", 5: "2/5", 6: "1/5", 7: "0/5", 8: None}
CLAIMS = [
    {"claim": f"parity of {n} bits by {n} hidden units", "source": PAPER, "paper": "up to about 8 bits",
     "earlier": earlier, "config": {} if n == Config.n_bits else {"n_bits": n},
     "metric": "converged", "statistic": "rate", "op": ">=", "threshold": 0.9}
    for n, earlier in EARLIER.items()
]

# ---- data ----------------------------------------------------------------------------------------------------------


def cases(config):
    """All 2^N cases: inputs X (2^N, N), desired outputs D (2^N, 1), number of bits that are on (2^N,)."""
    bits = np.array(list(product([0, 1], repeat=config.n_bits)), dtype=float)
    count = bits.sum(axis=1).astype(int)
    return bits if config.encoding == "binary" else 2 * bits - 1, (count % 2)[:, None].astype(float), count


# ---- model ---------------------------------------------------------------------------------------------------------


def layout(config):
    """{name: shape} of the parameters of one network; one flat vector holds them in this order."""
    n_hidden = config.n_hidden or config.n_bits
    return {"W1": (config.n_bits, n_hidden), "b1": (1, n_hidden), "W2": (n_hidden, 1), "b2": (1, 1)}


def sigmoid(x):
    """y = 1 / (1 + exp(-x)) (equation 2), as a tanh, which cannot overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def forward(params, x):
    """Outputs y (S, C, 1) and hidden activations f (S, C, H) for inputs `x` (C, N)."""
    f = sigmoid(x @ params["W1"] + params["b1"])
    return sigmoid(f @ params["W2"] + params["b2"]), f


def backward(params, x, d, y, f, out):
    """dE/dparams for E = 1/2 sum (y - d)^2 over the cases (equations 3 to 7), written into the views `out`."""
    dx2 = (y - d) * y * (1 - y)  # equation 5, output unit (S, C, 1)
    dx1 = dx2 * params["W2"].transpose(0, 2, 1) * f * (1 - f)  # equations 7 and 5, (S, C, H)
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

    Returns arrays over the networks: theta (S, P), y (S, 2^N), loss, converged, epochs, perturbations. The hook gets
    the number of sweeps done and loss, wrong, params, y of the networks not yet solved. Raises NonFiniteError.
    """
    rngs = rng if isinstance(rng, list) else [rng]
    S, (X, D, _) = len(rngs), cases(config)
    theta = initial(config, rngs)  # (S, P), then only the rows still in training
    velocity, grad = np.zeros_like(theta), np.empty_like(theta)
    params, grads = unpack(theta, layout(config)), unpack(grad, layout(config))
    active, reference = np.arange(S), np.full(S, np.inf)
    result = {"theta": theta.copy(), "y": np.zeros((S, len(X))), "loss": np.zeros(S), "converged": np.zeros(S, bool),
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
            stuck = np.flatnonzero(loss > (1 - config.min_gain) * reference)
            for i in stuck:
                theta[i], velocity[i] = perturb(theta[i], config, rngs[active[i]]), 0
                result["perturbations"][active[i]] += 1
            reference = loss.copy()
            reference[stuck] = np.inf  # a fresh start is not measured against the end of the one before
            y, f = forward(params, X)  # the step below starts from the moved weights
        backward(params, X, D, y, f, grads)
        velocity *= config.momentum  # equation 9: v(t) = -epsilon dE/dw + alpha v(t - 1)
        grad *= config.lr / len(X)
        velocity -= grad
        theta += velocity
    return result


# ---- evaluation ----------------------------------------------------------------------------------------------------


def mean_activations(params, config):
    """Mean activation of each hidden unit over the cases with 0, 1, ... N bits on (S, N + 1, H)."""
    X, _, count = cases(config)
    _, f = forward(params, X)
    return np.stack([f[:, count == k].mean(axis=1) for k in range(config.n_bits + 1)], axis=1)


def counting(W1):
    """Do the hidden units with input weights `W1` (N, H) count? (on bits, bits that agree with some pattern).

    A unit counts if its weights have the same size, within a quarter; all must do so for the same pattern of signs.
    """
    sizes, signs = np.abs(W1), np.sign(W1)
    same_size = (np.abs(sizes / sizes.mean(axis=0) - 1) < 0.25).all()
    same_pattern = (signs * signs[:1] == (signs * signs[:1])[:, :1]).all()
    agree = bool(same_size and same_pattern)
    return bool(agree and (signs == signs[:1]).all()), agree


def metrics_of(result, i, config):
    """Metrics of network `i`: all cases are the whole problem, so there is nothing to hold out.

    `monotonicity`: how far the mean activations only rise, or only fall, with the number of on bits (net change by sum
    of changes, mean over the hidden units; 1 is a thermometer). `thermometer`: every hidden unit counts on bits;
    `thermometer_flipped`: counts bits that agree with one pattern, on bits being the special case.
    """
    y, D = result["y"][i], cases(config)[1][:, 0]
    params = unpack(result["theta"][i : i + 1], layout(config))
    steps = np.diff(mean_activations(params, config)[0], axis=0)  # (N, H)
    on, agree = counting(params["W1"][0])
    return {
        "converged": bool(result["converged"][i]),
        "epochs": int(result["epochs"][i]),
        "monotonicity": float((np.abs(steps.sum(axis=0)) / np.maximum(np.abs(steps).sum(axis=0), 1e-12)).mean()),
        "thermometer": on,
        "thermometer_flipped": agree,
        "accuracy": float(np.mean((y > 0.5) == (D > 0.5))),
        "loss": float(result["loss"][i]),
        "perturbations": int(result["perturbations"][i]),
    }


def gradient_check(config, seed):
    """Largest relative error of `backward` per parameter, and the tolerance; weights of order one, one network."""
    theta = generators(seed)["test"].normal(size=(1, n_parameters(layout(config))))
    params, grads = unpack(theta, layout(config)), unpack(np.empty_like(theta), layout(config))
    X, D, _ = cases(config)
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
    """Command line; returns the exit status. `--sweep-n 2-7` is an old spelling of a sweep for each of these N."""
    words, sizes = list(sys.argv[1:] if argv is None else argv), [[]]
    if "--sweep-n" in words[:-1]:
        at = words.index("--sweep-n")
        first, _, last = words[at + 1].partition("-")
        if first.isdigit() and last.isdigit() and int(first) <= int(last) <= 10:
            del words[at : at + 2]
            sizes = [["--n-bits", str(n)] for n in range(int(first), int(last) + 1)]
    return max(command_line(words + size, slug="n-bit-parity", doc=__doc__, config_class=Config, claims=CLAIMS,
                            quick=QUICK, run=run, run_batch=run_batch, gradient_check=gradient_check) for size in sizes)


if __name__ == "__main__":
    raise SystemExit(main())
