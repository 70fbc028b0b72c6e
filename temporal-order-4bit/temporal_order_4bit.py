"""The temporal order of three marked symbols, by LSTM (Hochreiter & Schmidhuber 1997, experiment 6b).

Random letters hold three marks, each X or Y, far apart. Only at the end is the net asked for their order: one of
eight classes. A plain recurrent net forgets; a memory cell adds to its state c instead of rewriting it:

    i, o = sigmoid and g = tanh of (x_t, h_t-1) W,    c_t = c_t-1 + i g,    h_t = o tanh(c_t)

`--cells flat` gates each cell by itself. `--cells blocks` is the paper's net: three blocks of two cells that share
their gates, and hidden units that see the last gates too. `--cells rnn` is the plain net, h_t = tanh(...).

What makes it fast: one product per step for all gates; input projection, factors of the backward pass and weight
gradients for all steps at once; inside, the batch as the last axis, (T, 3H, B): a gate is one piece of memory.

Left out: the paper's truncation of the gradients, and its descent after each sequence (here Adam on batches, with
whole gradients). There is no forget gate, as in 1997.
"""

import math
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np

from shared import (
    Adam, InputError, NonFiniteError, Options, check_checkpoint, checkpoint_of, checkpoint_option,
    clip_global_norm, command_line, generators, gradcheck, n_parameters, option, resume,
    save_checkpoint, unpack,
)


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    preset: str = option("laptop", "lengths and places of the marks; paper: the paper's, until its criterion is met",
                         choices=("laptop", "paper"))
    cells: str = option("auto", "gates for each cell, for blocks of two, or none; auto: flat, and blocks for paper",
                        choices=("auto", "flat", "blocks", "rnn"))
    n_steps: int = option(1500, "updates at most", low=1, alias=("--n_steps",))
    n_hidden: int = option(6, "cells, or units of the plain net", low=1, alias=("--hidden",))
    batch_size: int = option(32, "sequences per update", low=1, alias=("--batch",))
    lr: float = option(0.03, "learning rate of Adam", above=0)
    decay: float = option(0.5, "share of the updates, at the end, over which lr falls to zero", low=0, high=1)
    clip: float = option(1.0, "largest norm of a gradient", above=0)
    init_scale: float = option(0.3, "standard deviation of the initial weights; biases start at zero", low=0)
    gate_bias: float = option(-3.0, "but those of the input gates here (blocks: the paper's -2, -4, -6)", low=-100)
    n_test: int = option(512, "held-out sequences", low=1, alias=("--val_n",))
    eval_every: int = option(50, "updates between two evaluations", low=1, alias=("--eval_every",))
    record_hidden: bool = option(False, "show the hook the states over held-out data", alias=("--record_hidden",),
                                 incidental=True)
    checkpoint: str = checkpoint_option()

    def __post_init__(self):
        super().__post_init__()
        if self.n_hidden % self.block_size:
            raise InputError(f"--n-hidden {self.n_hidden}: must be even with --cells blocks")
        check_checkpoint(self.checkpoint)

    @property
    def kind(self):
        """The cells that `auto` stands for."""
        return self.cells if self.cells != "auto" else "blocks" if self.preset == "paper" else "flat"

    @property
    def block_size(self):
        """Cells that share an input and an output gate."""
        return 2 if self.kind == "blocks" else 1


QUICK = {"n_steps": 60, "n_test": 64}

PAPER = "Hochreiter & Schmidhuber 1997"
AT_PAPER_SIZE = {"preset": "paper"}
CLAIMS = [
    {"claim": "every held-out sequence is classified correctly", "source": PAPER, "paper": None, "earlier": "4 of 5",
     "metric": "perfect", "statistic": "rate", "op": ">=", "threshold": 29 / 30},
    {"claim": "accuracy of the worst seed", "source": PAPER, "paper": None, "earlier": 0.99,
     "metric": "final_accuracy", "statistic": "min", "op": ">=", "threshold": 0.995},
    {"claim": "updates until 95 % are right", "source": "earlier catalog", "paper": None, "earlier": 250,
     "metric": "steps_to_95", "statistic": "median", "op": "<=", "threshold": 250},
    # 512 guesses at 1/8 have a standard deviation of 0.0146: three of them for the best seed
    {"claim": "the plain recurrent net stays at chance: its best seed", "source": PAPER, "paper": None,
     "earlier": 0.205, "metric": "rnn_final_accuracy", "statistic": "max", "op": "<=", "threshold": 0.169},
    {"claim": "lengths 100 to 110: the paper's criterion is met", "source": PAPER, "paper": None, "earlier": None,
     "metric": "success", "statistic": "rate", "op": ">=", "threshold": 0.9, "config": AT_PAPER_SIZE},
    {"claim": "lengths 100 to 110: training sequences until then", "source": PAPER, "paper": 571100, "earlier": None,
     "metric": "sequences", "statistic": "median", "op": "<=", "threshold": 571100, "config": AT_PAPER_SIZE},
]

# ---- data ----------------------------------------------------------------------------------------------------------

SYMBOLS = "abcdXYBE"  # four distractors, the two marks, begin and end
X, BEGIN, END, NOTHING = 4, 6, 7, 8
CLASSES = ["".join("XY"[(k >> bit) & 1] for bit in (2, 1, 0)) for k in range(8)]  # XXX, XXY, ... YYY
SEQUENCES = {
    "laptop": {"lengths": (50, 50), "marks": ((3, 9), (18, 26), (33, 40))},
    "paper": {"lengths": (100, 110), "marks": ((10, 20), (33, 43), (66, 76))},
}

# One row per symbol: one-hot, and a ninth input that is always on and carries the biases. NOTHING is all zero: before a
# short sequence begins, g = 0, so c and h stay exactly zero and no weight gets a gradient from those steps.
ENCODING = np.eye(9)
ENCODING[:8, 8], ENCODING[8, 8] = 1, 0


def draw(config, rng, n):
    """`n` sequences as symbols (T, n), T the largest length, and their classes (n,); shorter ones stand at the end."""
    low, T = SEQUENCES[config.preset]["lengths"]
    symbols = rng.integers(0, X, size=(T, n), dtype=np.int8)
    start = T - rng.integers(low, T + 1, size=n)
    marks = rng.integers(0, 2, size=(3, n), dtype=np.int8)
    sequence = np.arange(n)
    for mark, (first, last) in zip(marks, SEQUENCES[config.preset]["marks"], strict=True):
        symbols[start + rng.integers(first, last + 1, size=n), sequence] = X + mark
    symbols[start, sequence], symbols[-1] = BEGIN, END
    symbols[np.arange(T)[:, None] < start] = NOTHING
    return symbols, np.array([4, 2, 1]) @ marks


DRAWN_AT_ONCE = 50  # batches


def draw_batches(config, rng, n_batches, dtype):
    """Batches drawn at once: inputs (n_batches, T, B, 9) of `dtype` and classes (n_batches, B)."""
    symbols, classes = draw(config, rng, n_batches * config.batch_size)
    symbols = symbols.reshape(len(symbols), n_batches, config.batch_size).transpose(1, 0, 2)
    return ENCODING.astype(dtype)[symbols], classes.reshape(n_batches, -1)


# ---- model ---------------------------------------------------------------------------------------------------------


def layout(config):
    """{name: shape} of the parameters. Columns: input gates, output gates, cells; the last row of Wx is the bias."""
    H, n_gates = config.n_hidden, 0 if config.kind == "rnn" else 2 * config.n_hidden // config.block_size
    n_sources = H + (n_gates if config.kind == "blocks" else 0)  # the paper's hidden units see the gates too
    return {"Wx": (9, n_gates + H), "Wh": (n_sources, n_gates + H), "Wy": (H, 8), "by": (8,)}


def widen(W, config):
    """Weights (n, n_gates + H) as (n, 3H): the gates of a block are repeated for each of its cells, and halved.

    With halved inputs one tanh serves all, as sigmoid(x) = 1/2 + 1/2 tanh(x / 2).
    """
    gates, cells = W[:, : -config.n_hidden], W[:, -config.n_hidden :]
    return np.concatenate([0.5 * np.repeat(gates, config.block_size, axis=1), cells], axis=1)


def narrow(dW, config, out):
    """The gradient of `widen`, (n, 3H) into `out` (n, n_gates + H)."""
    H, n_gates = config.n_hidden, out.shape[1] - config.n_hidden
    out[:, :n_gates] = 0.5 * dW[:, :-H].reshape(len(dW), n_gates, config.block_size).sum(axis=2)
    out[:, -H:] = dW[:, -H:]


def buffers(config, T, B, dtype):
    """Every array of a forward and a backward pass over `T` steps and `B` sequences, allocated once."""
    H, n_sources = config.n_hidden, layout(config)["Wh"][0]
    n_z = H if config.kind == "rnn" else 3 * H
    s = SimpleNamespace(
        config=config,
        z=np.zeros((T, n_z, B), dtype),  # i, o, g
        r=np.zeros((T + 1, n_sources, B), dtype),  # what the next step sees: h, and in blocks the gates
        c=np.zeros((T + 1, H, B), dtype),
        tanh_c=np.zeros((T, H, B), dtype),
        dz=np.zeros((T, n_z, B), dtype),
        factor=np.zeros((T, n_z, B), dtype),  # dz = factor * (dc, dh, dc)
        slope=np.zeros((T, n_z - H, B), dtype),  # di/dz and do/dz
        through=np.zeros((T, H, B), dtype),  # dc/dh = o (1 - tanh^2 c)
        product=np.zeros((n_z, B), dtype), dr=np.zeros((n_sources, B), dtype),
        dc=np.zeros((H, B), dtype), new=np.zeros((H, B), dtype), batch=np.arange(B),
    )
    s.h = s.r[1:, :H]  # (T, H, B)
    (s.i, s.o, s.g), (s.k_i, s.k_o, s.k_g) = ((a[:, :H], a[:, H : 2 * H], a[:, -H:]) for a in (s.z, s.factor))
    # the views of each step, made once: slicing in the loop would cost as much as the arithmetic
    gates = slice(0, n_z - H, config.block_size)  # of each block once
    s.forward = list(zip(s.z, s.z[:, :-H], s.i, s.o, s.g, s.r, s.c, s.c[1:], s.tanh_c, s.h, s.r[1:, H:], s.z[:, gates],
                         strict=False))
    s.backward = list(zip(s.dz, s.dz[:, :H], s.dz[:, H : 2 * H], s.dz[:, -H:], s.k_i, s.k_o, s.k_g, s.through,
                          s.dz[:, gates], s.slope[:, :: config.block_size], strict=True))[::-1]
    return s


def through_time(params, x, s):
    """Run cells or plain units over `x` (T, B, 9), filling the buffers `s`."""
    dot, add, multiply, tanh, half = np.dot, np.add, np.multiply, np.tanh, s.z.dtype.type(0.5)
    Wx, Wh, fed_back = widen(params["Wx"], s.config), widen(params["Wh"], s.config), s.config.kind == "blocks"
    np.matmul(Wx.T, x.transpose(0, 2, 1), out=s.z)  # the inputs of all steps
    Wh_T, product, new = np.ascontiguousarray(Wh.T), s.product, s.new
    if s.config.kind == "rnn":
        for z, r, h in zip(s.z, s.r, s.h, strict=False):
            dot(Wh_T, r, product)
            add(z, product, z)
            tanh(z, h)
        return
    on = x[:, :, -1]  # (T, B), 1 from the beginning of each sequence on
    for (z, io, i, o, g, r, c_old, c, tanh_c, h, r_gates, gates), on_t in zip(s.forward, on, strict=True):
        dot(Wh_T, r, product)
        add(z, product, z)
        tanh(z, z)
        multiply(io, half, io)
        add(io, half, io)
        multiply(i, g, new)
        add(c_old, new, c)
        tanh(c, tanh_c)
        multiply(o, tanh_c, h)
        if fed_back:
            multiply(gates, on_t, r_gates)


def forward(params, x, s):
    """Probabilities (B, 8) of the classes after the whole of `x` (T, B, 9)."""
    through_time(params, x, s)
    y = s.h[-1].T @ params["Wy"] + params["by"]
    y -= y.max(axis=1, keepdims=True)
    np.exp(y, out=y)
    y /= y.sum(axis=1, keepdims=True)
    return y


def factors(s):
    """The factors of the backward pass that do not depend on the errors, for all steps at once."""
    H = s.config.n_hidden
    io = s.z[:, :-H]
    np.multiply(io, io, out=s.slope)
    np.subtract(io, s.slope, out=s.slope)
    s.slope *= 2  # 2 y (1 - y): the slope by the halved input
    np.multiply(s.slope[:, :H], s.g, out=s.k_i)
    np.multiply(s.slope[:, H:], s.tanh_c, out=s.k_o)
    np.multiply(s.g, s.g, out=s.k_g)
    np.subtract(1, s.k_g, out=s.k_g)
    s.k_g *= s.i
    np.multiply(s.tanh_c, s.tanh_c, out=s.through)
    np.subtract(1, s.through, out=s.through)
    s.through *= s.o


def back_through_time(Wh, s):
    """Fill dz (T, 3H, B) from the error dh of the last step, which stands in dr; `Wh` as it was used forward."""
    dot, add, multiply = np.dot, np.add, np.multiply
    dr, dc, new, H = s.dr, s.dc, s.new, s.config.n_hidden
    dh, d_gates = dr[:H], dr[H:]
    if s.config.kind == "rnn":
        np.subtract(1, s.h * s.h, out=s.factor)
        for dz, factor in zip(s.dz[::-1], s.factor[::-1], strict=True):
            multiply(dh, factor, dz)
            dot(Wh, dz, dr)
        return
    factors(s)
    dc[...] = 0
    for dz, dz_i, dz_o, dz_g, k_i, k_o, k_g, through, dz_gates, slope in s.backward:
        multiply(dh, through, new)
        add(dc, new, dc)  # dc_t = dc_t+1 + dh_t o (1 - tanh^2 c): the carousel
        multiply(dc, k_i, dz_i)
        multiply(dh, k_o, dz_o)
        multiply(dc, k_g, dz_g)
        if len(d_gates):
            dz_gates += d_gates * slope
        dot(Wh, dz, dr)


def backward(params, x, classes, y, s, grads):
    """Gradients of the mean cross-entropy after `forward`, into the arrays `grads` by name."""
    B = len(classes)
    dy = y.copy()
    dy[np.arange(B), classes] -= 1
    dy /= B
    np.dot(s.h[-1], dy, out=grads["Wy"])
    np.sum(dy, axis=0, out=grads["by"])
    s.dr[...] = 0
    np.dot(params["Wy"], dy.T, out=s.dr[: s.config.n_hidden])
    back_through_time(widen(params["Wh"], s.config), s)
    for name, source in (("Wx", x), ("Wh", s.r[:-1].transpose(0, 2, 1))):  # all steps at once
        narrow(np.matmul(s.dz, source).sum(axis=0).T, s.config, grads[name])
    return grads


# ---- training ------------------------------------------------------------------------------------------------------


def initial(config, rng, dtype=np.float32):
    """Starting parameters (P,): normal weights, zero biases, input gates nearly shut."""
    theta = rng.normal(scale=config.init_scale, size=n_parameters(layout(config))).astype(dtype)
    params = unpack(theta, layout(config))
    params["Wx"][-1], params["by"][:] = 0, 0
    if config.kind != "rnn":
        n_blocks = config.n_hidden // config.block_size
        staggered = -2.0 * (1 + np.arange(n_blocks))  # the paper's -2, -4, -6: blocks take up work one after another
        params["Wx"][-1, :n_blocks] = staggered if config.kind == "blocks" else config.gate_bias
    return theta


def judge_batch(log, y, classes, loss):
    """The paper's criterion, batch by batch: average error below 0.1, the last 2,000 sequences all correct.

    Correct is when every output is within 0.3 of its target; the average is over the same sequences.
    """
    wrong = np.flatnonzero(np.abs(y - np.eye(8, dtype=y.dtype)[classes]).max(axis=1) >= 0.3)
    log["streak"] = log["streak"] + len(y) if not len(wrong) else len(y) - 1 - int(wrong[-1])
    log["recent"] = [*log["recent"], loss][-math.ceil(2000 / len(y)) :]
    log["success"] = log["streak"] >= 2000 and sum(log["recent"]) / len(log["recent"]) < 0.1


def evaluate(log, params, test):
    """Add the accuracy on the held-out sequences to the log."""
    log["accuracy"] = accuracy(params, test)
    log["best"] = max(log["best"], log["accuracy"])
    if log["accuracy"] >= 0.95:
        log["steps_to_95"] = min(log["steps_to_95"], log["step"])


def train(config, rng, *, on_step=None):
    """Train one net from the generators `rng`; returns its parameters by name, and a log of the run.

    The hook gets the number of updates done and loss, accuracy (of the last evaluation), params and, with
    `record_hidden`, states: the buffers over the held-out sequences. Raises NonFiniteError.
    """
    theta = initial(config, rng["init"])
    grad = np.zeros_like(theta)
    params, grads = unpack(theta, layout(config)), unpack(grad, layout(config))
    adam, test = Adam({"theta": theta}, lr=config.lr), test_set(config, rng["test"], theta.dtype)
    s = buffers(config, len(test.x), config.batch_size, theta.dtype)
    log = {"step": 0, "accuracy": accuracy(params, test), "best": 0.0, "steps_to_95": config.n_steps, "success": False,
           "streak": 0, "recent": []}
    log = resume(config, rng, theta, adam, log)
    extra = {"params": params} | ({"states": test.buffers} if config.record_hidden else {})
    falling = max(config.decay * config.n_steps, 1)

    while log["step"] < config.n_steps and not log["success"]:
        n_batches = min(DRAWN_AT_ONCE, config.n_steps - log["step"])
        for x, classes in zip(*draw_batches(config, rng["data"], n_batches, theta.dtype), strict=True):
            y = forward(params, x, s)
            loss = -float(np.log(np.maximum(y[s.batch, classes], 1e-30)).mean())
            if not math.isfinite(loss):
                raise NonFiniteError(log["step"])
            if on_step:
                on_step(log["step"], {"loss": loss, "accuracy": log["accuracy"], **extra})
            if config.preset == "paper":
                judge_batch(log, y, classes, loss)
            backward(params, x, classes, y, s, grads)
            clip_global_norm({"theta": grad}, config.clip)
            adam.lr = config.lr * min(1.0, (config.n_steps - log["step"]) / falling)
            adam.step({"theta": grad})
            log["step"] += 1
            if log["step"] % config.eval_every == 0 or log["step"] == config.n_steps or log["success"]:
                evaluate(log, params, test)
            if log["success"]:
                break
        save_checkpoint(config, rng, theta, adam, log)
    return params, log


# ---- evaluation ----------------------------------------------------------------------------------------------------


def test_set(config, rng, dtype):
    """The held-out sequences: symbols (T, n_test), inputs x, classes, and buffers of their own."""
    symbols, classes = draw(config, rng, config.n_test)
    return SimpleNamespace(symbols=symbols, x=ENCODING.astype(dtype)[symbols], classes=classes,
                           buffers=buffers(config, len(symbols), config.n_test, dtype))


def accuracy(params, test):
    """The share of the held-out sequences whose class is the most probable."""
    return float(np.mean(forward(params, test.x, test.buffers).argmax(axis=1) == test.classes))


def gradient_check(config, seed):
    """Largest relative error of `backward` per parameter, and the tolerance; float64, weights of order one.

    Four short sequences: over long ones some gradients drown in the rounding of the loss. Plain central
    differences end near 1e-8 themselves. With d = p - p0 the distance from the unmoved parameters, the loss handed over
    here, (45 L(p0 + d) - 9 L(p0 + 2d) + L(p0 + 3d)) / 30, has the slope of L at p0 and makes them a seven-point rule.
    """
    rng = generators(seed)
    symbols, classes = rng["test"].integers(0, 8, size=(5, 4)), rng["test"].integers(0, 8, size=4)
    symbols[:2, :2] = NOTHING  # two of them shorter
    x = ENCODING[symbols]
    theta = rng["init"].normal(scale=0.5, size=len(initial(config, rng["init"])))
    unmoved, grad = theta.copy(), np.zeros_like(theta)
    params, s = unpack(theta, layout(config)), buffers(config, len(x), len(classes), float)

    def loss(k):
        point = unpack(unmoved + k * (theta - unmoved), layout(config))
        return -np.log(forward(point, x, s)[s.batch, classes]).mean()

    grads = backward(params, x, classes, forward(params, x, s), s, unpack(grad, layout(config)))
    return gradcheck(lambda: (45 * loss(1) - 9 * loss(2) + loss(3)) / 30, params, grads, eps=3e-3), 1e-8


# ---- running -------------------------------------------------------------------------------------------------------


def run(seed, on_step=None, **settings):
    """Metrics of one seed; `settings` are fields of Config. The plain net learns from the same sequences."""
    config = checkpoint_of(Config(**settings), seed)
    _, log = train(config, generators(seed), on_step=on_step)
    metrics = {"final_accuracy": log["accuracy"], "best_accuracy": log["best"], "steps_to_95": log["steps_to_95"],
               "perfect": log["accuracy"] == 1}
    if config.preset == "paper":
        return metrics | {"success": log["success"], "sequences": log["step"] * config.batch_size}
    if config.kind != "rnn":
        _, plain = train(replace(config, cells="rnn", checkpoint=None), generators(seed))
        metrics["rnn_final_accuracy"] = plain["accuracy"]
    return metrics


def main(argv=None):
    """Command line; returns the exit status."""
    return command_line(argv, slug="temporal-order-4bit", doc=__doc__, config_class=Config, claims=CLAIMS, quick=QUICK,
                        run=run, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
