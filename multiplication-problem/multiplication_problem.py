"""The product of two marked numbers, by LSTM (Hochreiter & Schmidhuber 1997, experiment 5).

A sequence of random numbers in [0, 1], two of them marked, far before the end. Only there is the net asked for
the product of the two. Memory cells were made to add; here they have to keep two values and bring them together:

    i, f, o = sigmoid and g = tanh of (x_t, h_t-1) W,    c_t = f c_t-1 + i g,    h_t = o tanh(c_t)

With `--no-forget-gate` f is 1: the cell of 1997. The forget gate came in 2000 (Gers, Schmidhuber & Cummins).

What makes it fast: one product per step for all gates; input projection, factors of the backward pass and weight
gradients for all steps at once; inside, the batch as the last axis, (T, 4H, B): a gate is one piece of memory.

Left out: the paper's truncation of the gradients (here they are whole), its gradient descent after each sequence
(here Adam on batches), and its blocks of two cells with shared gates (here every cell has its own).
"""

import math
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from shared import (
    Adam, NonFiniteError, Options, check_checkpoint, checkpoint_of, checkpoint_option, clip_global_norm,
    command_line, generators, gradcheck, n_parameters, option, resume,
    save_checkpoint, unpack,
)


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    preset: str = option("laptop", "lengths of the sequences: 20 to 30, or the paper's 100 to 110",
                         choices=("laptop", "paper"))
    forget_gate: bool = option(True, "cells with a forget gate")
    n_steps: int = option(6000, "updates", low=1, alias=("--max-iters",))
    n_hidden: int = option(8, "cells", low=1)
    batch_size: int = option(32, "sequences per update, all of one length", low=1)
    lr: float = option(0.01, "learning rate of Adam", above=0)
    decay: float = option(0.5, "share of the updates, at the end, over which lr falls to zero", low=0, high=1)
    clip: float = option(1.0, "largest norm of a gradient", above=0)
    init_scale: float = option(0.3, "standard deviation of the initial weights; biases start at zero", low=0)
    gate_bias: float = option(-4.0, "but those of the input gates here", low=-100)
    forget_bias: float = option(5.0, "and those of the forget gates here", low=-100)
    n_test: int = option(512, "held-out sequences, of the largest length", low=1)
    eval_every: int = option(100, "updates between two evaluations", low=1)
    checkpoint: str = checkpoint_option()

    def __post_init__(self):
        super().__post_init__()
        check_checkpoint(self.checkpoint)

    @property
    def n_gates(self):
        """Gates and cell input side by side in the weights: i, f, o, g, or i, o, g."""
        return 4 if self.forget_gate else 3


QUICK = {"n_steps": 100, "n_test": 64}

PAPER = "Hochreiter & Schmidhuber 1997"
PAPER_MSE = 0.0223
AT_PAPER_SIZE = {"preset": "paper"}
CLAIMS = [
    {"claim": "the held-out error is not above the paper's 0.0223", "source": PAPER, "paper": PAPER_MSE,
     "earlier": "3 of 5 below 0.030", "metric": "solved", "statistic": "rate", "op": ">=", "threshold": 29 / 30},
    {"claim": "held-out error", "source": "earlier catalog", "paper": PAPER_MSE, "earlier": 0.0028,
     "metric": "test_mse", "statistic": "median", "op": "<=", "threshold": 0.005},
    {"claim": "lengths 100 to 110: the held-out error is not above the paper's 0.0223", "source": PAPER,
     "paper": PAPER_MSE, "earlier": None, "metric": "solved", "statistic": "rate", "op": ">=", "threshold": 0.9,
     "config": AT_PAPER_SIZE},
    {"claim": "lengths 100 to 110: training sequences until then", "source": PAPER, "paper": 482000, "earlier": None,
     "metric": "sequences", "statistic": "median", "op": "<=", "threshold": 482000, "config": AT_PAPER_SIZE},
]

# ---- data ----------------------------------------------------------------------------------------------------------

LENGTHS = {"laptop": (20, 30), "paper": (100, 110)}
CHANCE_MSE = 1 / 9 - 1 / 16  # the variance of a product of two uniform numbers: what the constant 1/4 gets


def draw(rng, T, n, dtype):
    """`n` sequences of length `T`: inputs (T, n, 3) with number, mark and a constant one, and products (n, 1).

    The mark is 1 at two places, one of the first ten and one from there to the middle, -1 at both ends, 0 elsewhere.
    The constant input carries the biases.
    """
    x = np.zeros((T, n, 3), dtype)
    x[:, :, 0], x[:, :, 2] = rng.random((T, n), dtype), 1
    x[[0, -1], :, 1] = -1
    sequence = np.arange(n)
    first, second = rng.integers(1, 10, size=n), rng.integers(10, max(T // 2, 11), size=n)
    x[first, sequence, 1] = x[second, sequence, 1] = 1
    return x, (x[first, sequence, 0] * x[second, sequence, 0])[:, None]


DRAWN_AT_ONCE = 50  # batches


def draw_batches(config, rng, n_batches, dtype):
    """Batches drawn at once: a list of (inputs (T, B, 3), products (B, 1)), T drawn anew for each."""
    low, high = LENGTHS[config.preset]
    lengths = rng.integers(low, high + 1, size=n_batches)
    batches = {}
    for T in np.unique(lengths):
        where = np.flatnonzero(lengths == T)
        x, d = draw(rng, T, len(where) * config.batch_size, dtype)
        x = np.ascontiguousarray(x.reshape(T, len(where), config.batch_size, 3).swapaxes(0, 1))
        batches |= dict(zip(where.tolist(), zip(x, d.reshape(len(where), -1, 1), strict=True), strict=True))
    return [batches[k] for k in range(n_batches)]


# ---- model ---------------------------------------------------------------------------------------------------------


def layout(config):
    """{name: shape} of the parameters. Columns: i, f, o, g; the last row of Wx is the bias."""
    H, K = config.n_hidden, config.n_gates
    return {"Wx": (3, K * H), "Wh": (H, K * H), "Wy": (H, 1), "by": (1,)}


def halve_gates(W, config):
    """Weights (n, K H) with those of the gates halved: then one tanh serves all.

    sigmoid(x) = 1/2 + 1/2 tanh(x / 2).
    """
    H = config.n_hidden
    return np.concatenate([0.5 * W[:, :-H], W[:, -H:]], axis=1)


def buffers(config, T, B, dtype):
    """Every array of a forward and a backward pass over up to `T` steps and `B` sequences, allocated once."""
    H, K = config.n_hidden, config.n_gates
    s = SimpleNamespace(
        config=config,
        z=np.zeros((T, K * H, B), dtype),  # i, f, o, g
        h=np.zeros((T + 1, H, B), dtype),
        c=np.zeros((T + 1, H, B), dtype),
        tanh_c=np.zeros((T, H, B), dtype),
        dz=np.zeros((T, K * H, B), dtype),
        factor=np.zeros((T, K * H, B), dtype),  # dz = factor * (dc, dc, dh, dc)
        through=np.zeros((T, H, B), dtype),  # dc/dh = o (1 - tanh^2 c)
        product=np.zeros((K * H, B), dtype), dh=np.zeros((H, B), dtype), dc=np.zeros((H, B), dtype),
        new=np.zeros((H, B), dtype),
    )
    # the views of each step, made once: slicing in the loop would cost as much as the arithmetic
    parts = [slice(k * H, (k + 1) * H) for k in range(K)]
    s.gates = [s.z[:, part] for part in parts]
    s.i, s.f, s.o, s.g = s.gates[0], s.gates[1], s.gates[-2], s.gates[-1]  # without a forget gate f is not looked at
    s.forward = list(zip(s.z, s.z[:, :-H], s.i, s.f, s.o, s.g, s.h, s.c, s.c[1:], s.tanh_c, s.h[1:], strict=False))
    s.k_i, s.k_f, s.k_o, s.k_g = (s.factor[:, parts[k]] for k in (0, 1, -2, -1))
    k_if, dz_if = (a[:, : -2 * H].reshape(T, K - 2, H, B) for a in (s.factor, s.dz))  # i and f, where there is f
    s.backward = list(zip(s.dz, dz_if, s.dz[:, parts[-2]], s.dz[:, -H:], k_if, s.k_o, s.k_g, s.through, s.f,
                          strict=True))
    return s


def through_time(params, x, s):
    """Run the cells over `x` (T, B, 3), filling the buffers `s`."""
    dot, add, multiply, tanh = np.dot, np.add, np.multiply, np.tanh
    half = np.array(0.5, s.z.dtype)  # an array without axes is faster than a number
    T, forget = len(x), s.config.forget_gate
    Wx, Wh = (halve_gates(params[name], s.config) for name in ("Wx", "Wh"))
    np.matmul(Wx.T, x.transpose(0, 2, 1), out=s.z[:T])  # the inputs of all steps
    Wh_T, product, new = np.ascontiguousarray(Wh.T), s.product, s.new
    for z, gates, i, f, o, g, h_old, c_old, c, tanh_c, h in s.forward[:T]:
        dot(Wh_T, h_old, product)
        add(z, product, z)
        tanh(z, z)
        multiply(gates, half, gates)
        add(gates, half, gates)
        multiply(i, g, new)
        if forget:
            multiply(f, c_old, c)
            add(c, new, c)
        else:
            add(c_old, new, c)
        tanh(c, tanh_c)
        multiply(o, tanh_c, h)


def forward(params, x, s):
    """Outputs y (B, 1) in (0, 1) after the whole of `x` (T, B, 3)."""
    through_time(params, x, s)
    return 0.5 + 0.5 * np.tanh(0.5 * (s.h[len(x)].T @ params["Wy"] + params["by"]))


def factors(s, T):
    """The factors of the backward pass that do not depend on the errors, for all `T` steps at once."""
    H = s.config.n_hidden
    z, factor, through, g, tanh_c = s.z[:T], s.factor[:T], s.through[:T], s.g[:T], s.tanh_c[:T]
    slope, slope_g = factor[:, :-H], factor[:, -H:]
    np.multiply(z, z, out=factor)
    np.subtract(z[:, :-H], slope, out=slope)  # y (1 - y)
    np.subtract(1, slope_g, out=slope_g)
    s.k_i[:T] *= g
    s.k_o[:T] *= tanh_c
    s.k_g[:T] *= s.i[:T]
    if s.config.forget_gate:
        s.k_f[:T] *= s.c[:T]
    np.multiply(tanh_c, tanh_c, out=through)
    np.subtract(1, through, out=through)
    through *= s.o[:T]


def back_through_time(Wh, s, T):
    """Fill dz (T, K H, B) from the error dh of the last step, which stands in `s.dh`."""
    dot, add, multiply = np.dot, np.add, np.multiply
    dh, dc, new, forget = s.dh, s.dc, s.new, s.config.forget_gate
    factors(s, T)
    dc[...] = 0
    for dz, dz_if, dz_o, dz_g, k_if, k_o, k_g, through, f in s.backward[T - 1 :: -1]:
        multiply(dh, through, new)
        add(dc, new, dc)  # dc_t = f_t+1 dc_t+1 + dh_t o (1 - tanh^2 c): the carousel
        multiply(dc, k_if, dz_if)
        multiply(dh, k_o, dz_o)
        multiply(dc, k_g, dz_g)
        if forget:
            multiply(dc, f, dc)
        dot(Wh, dz, dh)


def backward(params, x, d, y, s, grads):
    """Gradients of the mean of (y - d)^2 after `forward`, into the arrays `grads` by name."""
    T, B, _ = x.shape
    dy = (2 / B) * (y - d) * y * (1 - y)  # (B, 1)
    np.dot(s.h[T], dy, out=grads["Wy"])
    np.sum(dy, axis=0, out=grads["by"])
    np.dot(params["Wy"], dy.T, out=s.dh)
    back_through_time(params["Wh"], s, T)
    for name, source in (("Wx", x), ("Wh", s.h[:T].transpose(0, 2, 1))):  # all steps at once
        grads[name][...] = np.matmul(s.dz[:T], source).sum(axis=0).T
    return grads


# ---- training ------------------------------------------------------------------------------------------------------


def initial(config, rng, dtype=np.float32):
    """Starting parameters (P,): normal weights, zero biases, gates as the options say."""
    theta = rng.normal(scale=config.init_scale, size=n_parameters(layout(config))).astype(dtype)
    params, H = unpack(theta, layout(config)), config.n_hidden
    params["Wx"][-1], params["by"][:] = 0, 0
    params["Wx"][-1, :H] = config.gate_bias
    if config.forget_gate:
        params["Wx"][-1, H : 2 * H] = config.forget_bias
    return theta


def evaluate(log, params, test, config):
    """Add the error on the held-out sequences to the log, and when it first fell to the paper's."""
    log["mse"] = error(params, test)
    if log["mse"] <= PAPER_MSE:
        log["sequences"] = min(log["sequences"], log["step"] * config.batch_size)


def train(config, rng, *, on_step=None):
    """Train one net from the generators `rng`; returns its parameters by name, and a log of the run.

    The hook gets the number of updates done and loss, test_mse (of the last evaluation) and params. Raises
    NonFiniteError.
    """
    theta = initial(config, rng["init"])
    grad = np.zeros_like(theta)
    params, grads = unpack(theta, layout(config)), unpack(grad, layout(config))
    adam, test = Adam({"theta": theta}, lr=config.lr), test_set(config, rng["test"], theta.dtype)
    s = buffers(config, len(test.x), config.batch_size, theta.dtype)
    log = {"step": 0, "mse": error(params, test), "sequences": config.n_steps * config.batch_size}
    log = resume(config, rng, theta, adam, log)
    falling = max(config.decay * config.n_steps, 1)

    while log["step"] < config.n_steps:
        n_batches = min(DRAWN_AT_ONCE, config.n_steps - log["step"])
        for x, d in draw_batches(config, rng["data"], n_batches, theta.dtype):
            y = forward(params, x, s)
            loss = float(np.vdot(y - d, y - d)) / len(y)
            if not math.isfinite(loss):
                raise NonFiniteError(log["step"])
            if on_step:
                on_step(log["step"], {"loss": loss, "test_mse": log["mse"], "params": params})
            backward(params, x, d, y, s, grads)
            clip_global_norm({"theta": grad}, config.clip)
            adam.lr = config.lr * min(1.0, (config.n_steps - log["step"]) / falling)
            adam.step({"theta": grad})
            log["step"] += 1
            if log["step"] % config.eval_every == 0 or log["step"] == config.n_steps:
                evaluate(log, params, test, config)
        save_checkpoint(config, rng, theta, adam, log)
    return params, log


# ---- evaluation ----------------------------------------------------------------------------------------------------


def test_set(config, rng, dtype):
    """The held-out sequences, all of the largest length: inputs x, products d, and buffers of their own."""
    T = LENGTHS[config.preset][1]
    x, d = draw(rng, T, config.n_test, dtype)
    return SimpleNamespace(x=x, d=d, buffers=buffers(config, T, config.n_test, dtype))


def error(params, test):
    """The mean squared error on the held-out sequences."""
    return float(np.mean((forward(params, test.x, test.buffers) - test.d) ** 2))


def gradient_check(config, seed):
    """Largest relative error of `backward` per parameter, and the tolerance; float64, weights of order one.

    Two short sequences: over long ones some gradients drown in the rounding of the loss. Plain central
    differences end near 1e-8 themselves. With d = p - p0 the distance from the unmoved parameters, the loss handed over
    here, (45 L(p0 + d) - 9 L(p0 + 2d) + L(p0 + 3d)) / 30, has the slope of L at p0 and makes them a seven-point rule.
    """
    rng = generators(seed)
    x, d = rng["test"].normal(size=(5, 2, 3)), rng["test"].random((2, 1))
    theta = rng["init"].normal(scale=0.5, size=len(initial(config, rng["init"])))
    unmoved, grad = theta.copy(), np.zeros_like(theta)
    params, s = unpack(theta, layout(config)), buffers(config, 5, 2, float)

    def loss(k):
        return np.mean((forward(unpack(unmoved + k * (theta - unmoved), layout(config)), x, s) - d) ** 2)

    grads = backward(params, x, d, forward(params, x, s), s, unpack(grad, layout(config)))
    return gradcheck(lambda: (45 * loss(1) - 9 * loss(2) + loss(3)) / 30, params, grads, eps=5e-3), 1e-8


# ---- running -------------------------------------------------------------------------------------------------------


def run(seed, on_step=None, **settings):
    """Metrics of one seed; `settings` are fields of Config. `sequences`: until the paper's error is reached."""
    config = checkpoint_of(Config(**settings), seed)
    _, log = train(config, generators(seed), on_step=on_step)
    return {"test_mse": log["mse"], "sequences": log["sequences"], "solved": log["mse"] <= PAPER_MSE}


def main(argv=None):
    """Command line; returns the exit status."""
    return command_line(argv, slug="multiplication-problem", doc=__doc__, config_class=Config, claims=CLAIMS,
                        quick=QUICK, run=run, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
