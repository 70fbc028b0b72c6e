"""Precise timing by LSTM with peephole connections (Gers, Schraudolph & Schmidhuber 2002).

A net sees two spikes D steps apart and must answer with a spike exactly D steps after the second: it has to measure an
interval and to reproduce it. Peepholes p_i, p_f, p_o let the gates see the state c of their own cell:

    i, f = sigmoid(x_t, h_t-1, p c_t-1),    g = tanh(x_t, h_t-1),    c_t = f c_t-1 + i g
    o = sigmoid(x_t, h_t-1, p_o c_t),       h_t = o tanh(c_t)

`--task msd` is the task above, `--task gts` a spike every so many steps and `--task pfg` a wave, both out of nothing.
`--no-peep` is the plain cell with a forget gate; the headline run trains it too, from the same sequences.

What makes it fast: one product per time step covers spikes, biases, last outputs and the peepholes to i and f, as x, 1,
h and c stand in one piece of memory; the errors of the outputs, the factors of the backward pass and the weight
gradients are computed for all steps at once. Inside, the batch is the last axis, (T, 4H, B), so that each gate of a
step is one piece of memory. Memory grows linearly with T.

Left out: the paper's truncation of the gradients (here they are whole) and its gradient descent along a stream that
does not end (here Adam on batches of sequences).
"""

import math
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np

from shared import (
    Adam, InputError, NonFiniteError, Options, clip_global_norm, command_line, generators, gradcheck, n_parameters,
    option, unpack,
)


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    task: str = option("msd", "measure a spike distance, generate timed spikes, generate a periodic function",
                       choices=("msd", "gts", "pfg"))
    peep: bool = option(True, "peephole connections; msd: the plain cell is trained as well, for comparison")
    seq_len: int = option(150, "steps of a sequence", low=2, alias=("--T",))
    d_min: int = option(30, "msd: smallest distance of the two spikes", low=1, alias=("--D-min",))
    d_max: int = option(60, "msd: largest distance of the two spikes", low=1, alias=("--D-max",))
    period: int = option(25, "gts: steps from spike to spike; pfg: period of the wave", low=2)
    wave: str = option("cosine", "pfg: the shape of a period", choices=("cosine", "triangle"))
    n_steps: int = option(3000, "updates", low=1, alias=("--iters",))
    n_hidden: int = option(8, "cells", low=1, alias=("--hidden",))
    batch_size: int = option(32, "msd: sequences per update (without an input all are the same)", low=1,
                             alias=("--batch",))
    lr: float = option(0.02, "learning rate of Adam", above=0)
    decay: float = option(1.0, "share of the updates, at the end, over which lr falls to zero", low=0, high=1)
    clip: float = option(0.1, "largest norm of a gradient", above=0)
    init_scale: float = option(0.3, "standard deviation of the initial weights; peepholes start at zero",
                               low=0)
    chrono: bool = option(True, "msd: gate biases start at time scales of 1 to T steps; else forget gates start open")
    grow: bool = option(True, "gts: two periods count at first, all half-way; else all from the first update")
    n_test: int = option(512, "held-out sequences of msd; without an input the one sequence goes on instead", low=1)
    eval_every: int = option(1000, "updates between two evaluations", low=1)

    def __post_init__(self):
        super().__post_init__()
        if self.d_min > self.d_max:
            raise InputError(f"--d-min {self.d_min}: must be at most --d-max {self.d_max}")
        if self.task == "msd" and 2 * self.d_max >= self.seq_len:
            raise InputError(f"--d-max {self.d_max}: must be below half of --seq-len {self.seq_len}")
        if self.task != "msd" and self.period > self.seq_len:
            raise InputError(f"--period {self.period}: must be at most --seq-len {self.seq_len}")

    @property
    def n_sequences(self):
        """Sequences per update."""
        return self.batch_size if self.task == "msd" else 1


QUICK = {"n_steps": 40, "n_test": 32, "seq_len": 60, "d_min": 8, "d_max": 16, "period": 10}

PAPER = "Gers, Schraudolph & Schmidhuber 2002"
CLAIMS = [
    {"claim": "spikes at exactly the right step: mean over the seeds", "source": PAPER, "paper": None, "earlier": 0.881,
     "metric": "solve_rate", "statistic": "mean", "op": ">=", "threshold": 0.99},
    {"claim": "spikes at exactly the right step: worst seed", "source": PAPER, "paper": None, "earlier": 0.668,
     "metric": "solve_rate", "statistic": "min", "op": ">=", "threshold": 0.95},
    {"claim": "held-out squared error", "source": "earlier catalog", "paper": None, "earlier": 0.00182,
     "metric": "test_mse", "statistic": "mean", "op": "<=", "threshold": 0.0007},
    {"claim": "period 10: generated spikes at exactly the right step: worst seed", "source": PAPER, "paper": None,
     "earlier": None, "metric": "solve_rate", "statistic": "min", "op": ">=", "threshold": 0.99,
     "config": {"task": "gts", "seq_len": 100, "period": 10}},
]

# ---- data ----------------------------------------------------------------------------------------------------------


def draw(config, rng, n, T):
    """Inputs and targets (T, n), float32: of msd `n` sequences from `rng`; of the others `n` times the same."""
    x, target, t = np.zeros((T, n), np.float32), np.zeros((T, n), np.float32), np.arange(T)
    if config.task == "gts":
        target[config.period - 1 :: config.period] = 1
    elif config.task == "pfg":
        phase = t % config.period / config.period
        wave = 0.5 - 0.5 * np.cos(2 * np.pi * phase) if config.wave == "cosine" else 1 - np.abs(1 - 2 * phase)
        target[:] = wave[:, None]
    else:
        D, sequence = rng.integers(config.d_min, config.d_max + 1, size=n), np.arange(n)
        t1 = rng.integers(0, T - 2 * D)
        x[t1, sequence], x[t1 + D, sequence], target[t1 + 2 * D, sequence] = 1, 1, 1
    return x, target


DRAWN_AT_ONCE = 50  # batches


def draw_batches(config, rng, n_batches):
    """Batches drawn at once: inputs and targets (n_batches, T, B)."""
    arrays = draw(config, rng, n_batches * config.n_sequences, config.seq_len)
    return [np.ascontiguousarray(a.reshape(len(a), n_batches, -1).transpose(1, 0, 2)) for a in arrays]


# ---- model ---------------------------------------------------------------------------------------------------------


def layout(config):
    """{name: shape} of the parameters. Columns: i, f, o, g. Rows of Wx: spike, bias. The peepholes stand last."""
    H = config.n_hidden
    peepholes = {"p_i": (H,), "p_f": (H,), "p_o": (H,)} if config.peep else {}
    return {"Wx": (2, 4 * H), "Wh": (H, 4 * H), "Wy": (H, 1), "by": (1,), **peepholes}


def reordered(W, out=None):
    """Columns i, f, o, g of (n, 4H) as i, f, g, o, as o has to wait for c; and back, as it is its own inverse."""
    H = W.shape[1] // 4
    blocks = [W[:, : 2 * H], W[:, 3 * H :], W[:, 2 * H : 3 * H]]
    return np.concatenate(blocks, axis=1, out=out)


def joined(params, s):
    """The matrix (2 + 2H, 4H) from x, 1, h and c to all gates: a peephole is a weight from c to a gate of its cell."""
    W_c = np.zeros((s.n_hidden, 4 * s.n_hidden), s.z.dtype)
    if "p_i" in params:
        W_c[:, : 2 * s.n_hidden] = np.hstack([np.diag(params["p_i"]), np.diag(params["p_f"])])
        s.p_o[...] = params["p_o"][:, None]
    return np.concatenate([reordered(params["Wx"]), reordered(params["Wh"]), W_c])


def buffers(config, T, B, dtype):
    """Every array of a forward and a backward pass over `T` steps and `B` sequences, allocated once."""
    H = config.n_hidden
    s = SimpleNamespace(
        n_hidden=H, W=None,
        r=np.zeros((T + 1, 2 + 3 * H, B), dtype),  # what the next step sees, x, 1, h, c; and the input of its o
        z=np.zeros((T, 4 * H, B), dtype),  # i, f, g, and the input of o but for its peephole
        tanh_c_o=np.zeros((T, 2 * H, B), dtype),  # tanh(c), o
        p_o=np.zeros((H, B), dtype),
        dz=np.zeros((T, 4 * H, B), dtype),  # of i, f, g, o; before that their factors: dz = factor * (dc, dc, dc, dh)
        through=np.zeros((T, H, B), dtype),  # dc/dh
        error=np.zeros((T + 1, 2 * H, B), dtype),  # step t at t + 1: of h from the output, of c from the step after
        dr=np.zeros((2 * H, B), dtype), now=np.zeros((H, B), dtype),
    )
    s.r[:, 1] = 1
    s.x, s.h, s.c = s.r[:-1, 0], s.r[1:, 2 : 2 + H], s.r[:, 2 + H : 2 + 2 * H]  # (T, B), (T, H, B), (T + 1, H, B)
    s.i, s.f, s.g, s.z_o = (s.z[:, k * H : (k + 1) * H] for k in range(4))
    s.tanh_c, s.o = s.tanh_c_o[:, :H], s.tanh_c_o[:, H:]
    s.dz_i, s.dz_f, s.dz_g, s.dz_o = (s.dz[:, k * H : (k + 1) * H] for k in range(4))
    s.seen = s.r[:, : 2 + 2 * H]
    # the views of each step, made once: slicing in the loop would cost as much as the arithmetic
    s.forward = list(zip(s.seen, s.z, s.z[:, : 3 * H], s.z[:, : 2 * H], s.i, s.f, s.g, s.z_o, s.c, s.c[1:],
                         s.r[1:, 2 + 2 * H :], s.r[1:, 2 + H :], s.tanh_c_o, s.tanh_c, s.o, s.h, strict=False))
    s.backward = list(zip(s.error[1:], s.through, s.dz_i, s.dz_f, s.dz_g, s.dz_o, s.f, s.error[:, H:], s.dz,
                          strict=False))[::-1]
    return s


def forward(params, x, s):
    """Outputs y (T, B) for `x` (T, B): a linear unit on the cells' outputs. Fills the buffers `s`."""
    dot, add, multiply, tanh = np.dot, np.add, np.multiply, np.tanh
    half, now, H = np.array(0.5, s.z.dtype), s.now, s.n_hidden  # an array without axes is faster than a number
    s.W = joined(params, s)
    W_T, p_o = s.W.T.copy(), half * s.p_o
    W_T[: 2 * H] *= half  # with the gates' inputs halved one tanh serves all: sigmoid(x) = 1/2 + 1/2 tanh(x / 2)
    W_T[3 * H :] *= half
    s.x[...] = x
    for r, z, ifg, i_f, i, f, g, z_o, c_old, c, in_o, c_and_in_o, tanh_c_o, tanh_c, o, h in s.forward:
        dot(W_T, r, z)
        tanh(ifg, ifg)
        multiply(i_f, half, i_f)
        add(i_f, half, i_f)
        multiply(f, c_old, c)
        multiply(i, g, now)
        add(c, now, c)
        multiply(p_o, c, now)
        add(z_o, now, in_o)
        tanh(c_and_in_o, tanh_c_o)
        multiply(o, half, o)
        add(o, half, o)
        multiply(o, tanh_c, h)
    return np.matmul(params["Wy"].T, s.h)[:, 0] + params["by"]


def factors(s):
    """The factors of the backward pass that do not depend on the errors, for all steps at once, into dz and through."""
    i_f, k_i_f = s.z[:, : 2 * s.n_hidden], s.dz[:, : 2 * s.n_hidden]
    for gate, k in ((i_f, k_i_f), (s.o, s.dz_o)):
        np.multiply(gate, gate, out=k)
        np.subtract(gate, k, out=k)
    s.dz_i *= s.g
    s.dz_f *= s.c[:-1]
    s.dz_o *= s.tanh_c
    for y, k, gate in ((s.g, s.dz_g, s.i), (s.tanh_c, s.through, s.o)):
        np.multiply(y, y, out=k)
        np.subtract(1, k, out=k)
        k *= gate
    s.through += s.p_o * s.dz_o  # dc/dh = o (1 - tanh^2 c), and by way of the output gate, which sees c


def back_through_time(s):
    """Fill dz (T, 4H, B) from the errors of all steps, whose part from the outputs stands in `error`."""
    dot, add, multiply, H = np.dot, np.add, np.multiply, s.n_hidden
    factors(s)
    W, dr, now = s.W[2:], s.dr, s.now  # the rows of h and c
    dh, dc = dr[:H], dr[H:]
    s.error[-1, H:], dr[...] = 0, 0
    for error, through, dz_i, dz_f, dz_g, dz_o, f, carried, dz in s.backward:
        add(dr, error, dr)
        multiply(dh, dz_o, dz_o)
        multiply(dh, through, now)
        add(dc, now, dc)
        multiply(dc, dz_i, dz_i)  # three products of small arrays are faster than one with a broadcast axis
        multiply(dc, dz_f, dz_f)
        multiply(dc, dz_g, dz_g)
        multiply(dc, f, carried)
        dot(W, dz, dr)


def backward(params, dy, s, grads):
    """Gradients after `forward`, given those of the outputs dy (T, B), into the arrays `grads` by name."""
    H = s.n_hidden
    grads["Wy"][...] = np.matmul(s.h, dy[:, :, None]).sum(axis=0)
    grads["by"][...] = dy.sum()
    np.multiply(params["Wy"], dy[:, None], out=s.error[1:, :H])
    back_through_time(s)
    dW = np.matmul(s.seen[:-1], s.dz.transpose(0, 2, 1)).sum(axis=0)  # all steps at once
    reordered(dW[:2], grads["Wx"])
    reordered(dW[2 : 2 + H], grads["Wh"])
    if "p_i" in grads:
        grads["p_i"][...] = np.diag(dW[2 + H :, :H])
        grads["p_f"][...] = np.diag(dW[2 + H :, H : 2 * H])
        grads["p_o"][...] = np.einsum("thb,thb->h", s.dz_o, s.c[1:])
    return grads


# ---- training ------------------------------------------------------------------------------------------------------


def initial(config, rng, dtype=np.float32):
    """Starting parameters (P,): normal weights; peepholes at zero, so that every cell starts as a plain one.

    Chrono biases (Tallec & Ollivier 2018), b_f = log U(1, T - 1) = -b_i: a cell forgets over e^b_f steps. A rhythm that
    has to start by itself does not start among cells that are slow from the first.
    """
    theta = rng.normal(scale=config.init_scale, size=n_parameters(layout(config))).astype(dtype)
    params, H = unpack(theta, layout(config)), config.n_hidden
    for name in params.keys() - {"Wx", "Wh", "Wy"}:
        params[name][:] = 0
    bias = params["Wx"][1]
    bias[: 3 * H], bias[3 * H :] = 0, 0.01  # not zero: cells would fade through subnormal numbers, which are slow
    if config.chrono and config.task == "msd":
        bias[H : 2 * H] = np.log(rng.uniform(1, config.seq_len - 1, size=H))
        bias[:H] = -bias[H : 2 * H]
    else:
        bias[H : 2 * H] = 1
    return theta


def steps_that_count(config, step):
    """How many steps of a sequence have an error at update `step`: gts has to find its rhythm, then to keep it.

    From two periods alone a net learns the spikes as one long transient; from many at once it learns silence.
    """
    if config.task != "gts" or not config.grow:
        return config.seq_len
    return 2 * config.period + int(2 * step / config.n_steps * config.seq_len)


def train(config, rng, *, on_step=None):
    """Train one net from the generators `rng`; returns its parameters by name, and its metrics.

    The hook gets the number of updates done and loss (mean squared error of the batch), the metrics of the last
    evaluation, params, and test: the held-out sequences with the net's outputs y and buffers. Raises NonFiniteError.
    """
    theta = initial(config, rng["init"])
    grad = np.zeros_like(theta)
    params, grads = unpack(theta, layout(config)), unpack(grad, layout(config))
    adam, test = Adam({"theta": theta}, lr=config.lr), test_set(config, rng["test"])
    s = buffers(config, config.seq_len, config.n_sequences, theta.dtype)
    metrics, step, falling = evaluate(config, params, test), 0, max(config.decay * config.n_steps, 1)

    while step < config.n_steps:
        n_batches = min(DRAWN_AT_ONCE, config.n_steps - step)
        for x, target in zip(*draw_batches(config, rng["data"], n_batches), strict=True):
            dy = forward(params, x, s)
            dy -= target
            dy[steps_that_count(config, step) :] = 0
            loss = float(np.vdot(dy, dy)) / dy.size
            if not math.isfinite(loss):
                raise NonFiniteError(step)
            if on_step:
                on_step(step, {"loss": loss, **metrics, "params": params, "test": test})
            dy *= 2 / len(dy.T)  # of the mean over the sequences, summed over their steps: most of these are silent
            backward(params, dy, s, grads)
            clip_global_norm({"theta": grad}, config.clip)
            adam.lr = config.lr * min(1.0, (config.n_steps - step) / falling)
            adam.step({"theta": grad})
            step += 1
            if step % config.eval_every == 0 or step == config.n_steps:
                metrics = evaluate(config, params, test)
    return params, metrics


# ---- evaluation ----------------------------------------------------------------------------------------------------


def test_set(config, rng):
    """Held-out x and target (T, n), with buffers; without an input, one sequence four times as long as in training."""
    T, n = (config.seq_len, config.n_test) if config.task == "msd" else (4 * config.seq_len, 1)
    x, target = draw(config, rng, n, T)
    return SimpleNamespace(x=x, target=target, y=None, buffers=buffers(config, T, n, x.dtype))


def evaluate(config, params, test):
    """Metrics over the held-out sequences, or over the steps after those of training; outputs into `test.y`.

    solve_rate: msd, the largest output after the second spike is at exactly the right step, with no tolerance; gts, the
    same for each period. worst_error of pfg: the largest distance of output and target.
    """
    test.y = forward(params, test.x, test.buffers)
    first = 0 if config.task == "msd" else config.seq_len
    y, target = test.y[first:], test.target[first:]
    metrics = {"test_mse": float(np.mean((y - target) ** 2))}
    if config.task == "pfg":
        return metrics | {"worst_error": float(np.abs(y - target).max())}
    if config.task == "gts":
        n = (config.seq_len // config.period + 1) * config.period - config.seq_len  # up to the first whole period
        y, target = (a[n : n + (len(a) - n) // config.period * config.period].reshape(-1, config.period).T
                     for a in (y, target))
    else:
        second = len(test.x) - 1 - test.x[::-1].argmax(axis=0)
        y = np.where(np.arange(len(y))[:, None] > second, y, -np.inf)
    return metrics | {"solve_rate": float(np.mean(y.argmax(axis=0) == target.argmax(axis=0)))}


def gradient_check(config, seed):
    """Largest relative error of `backward` per parameter, and the tolerance; float64, weights of order one.

    Four short sequences of any spikes and targets. Plain central differences end near 1e-8 themselves. With d = p - p0
    the distance from the unmoved parameters, the loss handed over, (45 L(p0 + d) - 9 L(p0 + 2d) + L(p0 + 3d)) / 30, has
    the slope of L at p0 and makes them a seven-point rule.
    """
    rng = generators(seed)
    x, target = rng["test"].integers(0, 2, size=(5, 4)), rng["test"].normal(size=(5, 4))
    theta = rng["init"].normal(scale=0.7, size=len(initial(config, rng["init"])))
    unmoved, grad = theta.copy(), np.zeros_like(theta)
    params, s = unpack(theta, layout(config)), buffers(config, len(x), 4, float)

    def loss(k):
        return np.mean((forward(unpack(unmoved + k * (theta - unmoved), layout(config)), x, s) - target) ** 2)

    dy = (forward(params, x, s) - target) * (2 / target.size)
    grads = backward(params, dy, s, unpack(grad, layout(config)))
    return gradcheck(lambda: (45 * loss(1) - 9 * loss(2) + loss(3)) / 30, params, grads, eps=6e-3), 1e-8


# ---- running -------------------------------------------------------------------------------------------------------


def run(seed, on_step=None, **settings):
    """Metrics of one seed; `settings` are fields of Config. With msd the plain cell learns from the same sequences."""
    config = Config(**settings)
    _, metrics = train(config, generators(seed), on_step=on_step)
    if config.task == "msd" and config.peep:
        _, plain = train(replace(config, peep=False), generators(seed))
        metrics |= {f"plain_{name}": value for name, value in plain.items()}
    return metrics


def main(argv=None):
    """Command line; returns the exit status."""
    return command_line(argv, slug="timing-counting-spikes", doc=__doc__, config_class=Config, claims=CLAIMS,
                        quick=QUICK, run=run, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
