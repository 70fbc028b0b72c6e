"""A recurrent net learns to be a shift register (Rumelhart, Hinton & Williams 1986).

A random bit, -1 or +1, comes in at every step; output d has to give the bit of d steps ago, d = 1 .. N-1. N recurrent
tanh units are just enough: one takes the input, and each further unit copies another one, one step later. The weights
between the units are then a shift matrix: one strong weight into each unit but the first, along a chain through all.

Back-propagation through time finds weights that do the task, but they mix the bits: every linear change of basis of a
register does it as well. A pull of the recurrent weights towards zero (L1) picks the basis in which they are a shift
matrix. It acts on a network while that gets its whole batch right: a pull from the start takes units out of use before
they have found a task. Many seeds train at once along the axis S of every array.

Left out: nothing of the learning rule; the task with all delays at once is one reading of what the paper reports.
"""

from dataclasses import dataclass, replace
from itertools import compress

import numpy as np

from shared import InputError, NonFiniteError, Options, command_line, generators, gradcheck, n_parameters, option
from shared import unpack


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    n_hidden: int = option(5, "recurrent units N; the delays are 1 to N - 1", low=2, high=20, alias=("--n-units",))
    n_steps: int = option(500, "sweeps, each over a batch drawn afresh, at most", low=1, alias=("--n-sweeps",))
    seq_len: int = option(30, "bits of a sequence; must be more than the units", low=3, alias=("--sequence-len",))
    batch_size: int = option(16, "sequences per sweep", low=1)
    lr: float = option(0.6, "learning rate", above=0)
    momentum: float = option(0.9, "momentum", low=0, below=1)
    weight_decay: float = option(0.001, "weight decay of all parameters", low=0)
    l1: float = option(0.2, "pull of the recurrent weights towards zero", low=0)
    l1_from: float = option(1.0, "the pull acts while this share of a batch's outputs is right", low=0, high=1)
    init_scale: float = option(0.3, "weights and biases start uniform within +- this", above=0)
    max_leak: float = option(0.2, "a shift matrix: no other weight above this share of the weakest in the chain",
                             above=0, below=1)
    n_test: int = option(32, "held-out sequences", low=1)

    def __post_init__(self):
        super().__post_init__()
        if self.seq_len <= self.n_hidden:
            raise InputError(f"--seq-len {self.seq_len}: must be more than --n-hidden {self.n_hidden}")


QUICK = {"n_steps": 40}

PAPER = "Rumelhart, Hinton & Williams 1986"
THREE = {"n_hidden": 3}
TEN = {"n_hidden": 10}
CLAIMS = [
    {"claim": "5 units give every delay", "source": PAPER, "paper": None,
     "earlier": "8/10", "metric": "converged", "statistic": "rate", "op": ">=", "threshold": 0.93},
    {"claim": "5 units become a shift register", "source": PAPER, "paper": "yes",
     "earlier": "6/10", "metric": "is_shift_matrix", "statistic": "rate", "op": ">=", "threshold": 0.93},
    {"claim": "5 units need less than 200 sweeps", "source": PAPER, "paper": "< 200",
     "earlier": 193, "metric": "sweeps", "statistic": "median", "op": "<=", "threshold": 199},
    {"claim": "3 units give every delay", "source": PAPER, "paper": None, "config": THREE,
     "earlier": "9/10", "metric": "converged", "statistic": "rate", "op": ">=", "threshold": 0.93},
    {"claim": "3 units become a shift register", "source": PAPER, "paper": "yes", "config": THREE,
     "earlier": "8/10", "metric": "is_shift_matrix", "statistic": "rate", "op": ">=", "threshold": 0.93},
    {"claim": "3 units need less than 200 sweeps", "source": PAPER, "paper": "< 200", "config": THREE,
     "earlier": 127, "metric": "sweeps", "statistic": "median", "op": "<=", "threshold": 199},
    {"claim": "10 units become a shift register", "source": "this catalog", "paper": None, "config": TEN,
     "earlier": None, "metric": "is_shift_matrix", "statistic": "rate", "op": ">=", "threshold": 0.93},
]

# ---- data ----------------------------------------------------------------------------------------------------------


def draw(rngs, role, n, config):
    """Bits x (T, S, n, 1), -1 or +1 with equal odds: `n` sequences from each network's own generator."""
    return np.stack([2.0 * rng[role].integers(0, 2, (config.seq_len, n, 1)) - 1 for rng in rngs], axis=1)


def targets(x, n_hidden):
    """Desired outputs d (T, S, B, N-1): the input d steps ago, and 0 where there was none yet (see `counted`)."""
    d = np.zeros((*x.shape[:3], n_hidden - 1))
    for delay in range(1, n_hidden):
        d[delay:, :, :, delay - 1] = x[:-delay, :, :, 0]
    return d


def counted(config):
    """1 where an output has a target, else 0: (T, 1, 1, N-1)."""
    return (np.arange(config.seq_len)[:, None] >= np.arange(1, config.n_hidden)).astype(float)[:, None, None, :]


# ---- model ---------------------------------------------------------------------------------------------------------


def layout(config):
    """{name: shape} of the parameters of one network; W_hh[i, j] leads from unit i to unit j."""
    N = config.n_hidden
    return {"W_xh": (1, N), "W_hh": (N, N), "b_h": (1, N), "W_hy": (N, N - 1), "b_y": (1, N - 1)}


def forward(params, x):
    """Outputs y (T, S, B, N-1) and states h (T+1, S, B, N), h[0] = 0, for bits `x` (T, S, B, 1).

    h(t) = tanh(x(t) W_xh + h(t-1) W_hh + b_h), y(t) = tanh(h(t) W_hy + b_y).
    """
    T, S, B, _ = x.shape
    h = np.zeros((T + 1, S, B, params["W_hh"].shape[1]))
    np.add(x * params["W_xh"], params["b_h"], out=h[1:])
    for t in range(T):
        h[t + 1] += h[t] @ params["W_hh"]
        np.tanh(h[t + 1], out=h[t + 1])
    return np.tanh(h[1:] @ params["W_hy"] + params["b_y"]), h


def by_network(a):
    """(T, S, B, D) as (S, T*B, D): the cases of each network in a row, for one product per network."""
    return a.transpose(1, 0, 2, 3).reshape(a.shape[1], -1, a.shape[3])


def backward(params, x, d, y, h, count, out):
    """dE/dparams for E = mean (y - d)^2 over the outputs with a target, through time, written into the views `out`."""
    T, _, B, _ = x.shape
    dy = (y - d) * (1 - y * y) * (2 * count / (B * count.sum()))  # at the outputs' summed inputs
    dh = dy @ params["W_hy"].transpose(0, 2, 1)  # (T, S, B, N), what each step's outputs ask for
    slope, W_back = 1 - h[1:] * h[1:], params["W_hh"].transpose(0, 2, 1)
    dz = np.empty_like(dh)  # at the units' summed inputs
    np.multiply(dh[-1], slope[-1], out=dz[-1])
    for t in range(T - 2, -1, -1):
        np.multiply(dh[t] + dz[t + 1] @ W_back, slope[t], out=dz[t])
    dy, dz = by_network(dy), by_network(dz)
    np.matmul(by_network(h[1:]).transpose(0, 2, 1), dy, out=out["W_hy"])
    np.matmul(by_network(h[:-1]).transpose(0, 2, 1), dz, out=out["W_hh"])
    np.matmul(by_network(x).transpose(0, 2, 1), dz, out=out["W_xh"])
    np.sum(dy, axis=1, keepdims=True, out=out["b_y"])
    np.sum(dz, axis=1, keepdims=True, out=out["b_h"])
    return out


# ---- training ------------------------------------------------------------------------------------------------------


def initial(config, rngs):
    """Starting parameters (S, P), uniform within +- init_scale, each network from its own generator."""
    size = n_parameters(layout(config))
    return np.stack([rng["init"].uniform(-config.init_scale, config.init_scale, size) for rng in rngs])


def pull(W, amount):
    """Move the weights `W` (S, N, N) towards zero by `amount` (S,), and not past it: the L1 step, in place."""
    np.copyto(W, np.sign(W) * np.maximum(np.abs(W) - amount[:, None, None], 0))


def train(config, rng, *, on_step=None):
    """Train one network per entry of `rng` (a set of generators, or a list of sets); rows leave when they are solved.

    Returns arrays over the networks: theta (S, P), what `judge` finds, sweeps and sweeps_to_accuracy. The hook gets the
    number of sweeps done and loss, params, pulled (S,) and what `judge` finds of the networks not yet solved. Raises
    NonFiniteError.
    """
    rngs = rng if isinstance(rng, list) else [rng]
    S, n, count = len(rngs), config.n_steps, counted(config)
    theta, names = initial(config, rngs), layout(config)
    velocity, grad = np.zeros_like(theta), np.empty_like(theta)
    params, grads = unpack(theta, names), unpack(grad, names)
    test = draw(rngs, "test", config.n_test, config)
    active, pulled = np.arange(S), np.zeros(S, bool)
    result = {"theta": theta.copy(), "converged": np.zeros(S, bool), "is_shift_matrix": np.zeros(S, bool),
              "right": np.zeros((S, config.n_hidden - 1)), "leak": np.ones(S), "sweeps": np.full(S, n),
              "sweeps_to_accuracy": np.full(S, n)}

    for step in range(n + 1):  # the extra round judges the last update
        x = draw(rngs, "data", config.batch_size, config)
        d = targets(x, config.n_hidden)
        y, h = forward(params, x)
        loss = by_network((y - d) ** 2 * count).sum(axis=(1, 2)) / (config.batch_size * count.sum())
        if not np.isfinite(loss).all():
            raise NonFiniteError(step)
        state = judge(params, test, count, config.max_leak)
        if on_step:
            on_step(step, {"loss": loss, **state, "params": params, "pulled": pulled})
        first = active[state["converged"] & (result["sweeps_to_accuracy"][active] == n)]
        result["sweeps_to_accuracy"][first] = step
        solved = state["converged"] & state["is_shift_matrix"]
        if solved.any() or step == n:
            for name, value in {"theta": theta, **state}.items():
                result[name][active] = value
            result["sweeps"][active[solved]] = step
            left = ~solved
            if step == n or not left.any():
                break
            active, rngs, test = active[left], list(compress(rngs, left)), test[:, left]
            theta, velocity, grad, pulled = theta[left], velocity[left], grad[left], pulled[left]
            x, d, y, h = x[:, left], d[:, left], y[:, left], h[:, left]
            params, grads = unpack(theta, names), unpack(grad, names)

        backward(params, x, d, y, h, count, grads)
        grad += config.weight_decay * theta
        velocity *= config.momentum
        grad *= config.lr
        velocity -= grad
        theta += velocity
        pulled = by_network((y * d > 0) * count).sum(axis=(1, 2)) >= config.l1_from * config.batch_size * count.sum()
        pull(params["W_hh"], config.lr * config.l1 * pulled)
    return result


# ---- evaluation ----------------------------------------------------------------------------------------------------


def judge(params, x, count, max_leak):
    """What counts, over the sequences `x` (T, S, B, 1): converged, is_shift_matrix, leak (S,) and right (S, N-1).

    `right` is, for each delay, the share of outputs with the right sign; a network has converged when all are.
    """
    d = targets(x, params["W_hh"].shape[1])
    right = ((forward(params, x)[0] * d > 0) & (count > 0)).sum(axis=(0, 2)) / (x.shape[2] * count.sum(axis=(0, 1, 2)))
    is_shift, leak = shift_matrix(params["W_hh"], max_leak)
    return {"converged": (right == 1).all(axis=1), "is_shift_matrix": is_shift, "right": right, "leak": leak}


def shift_matrix(W, max_leak):
    """(is_shift (S,), leak (S,)) of recurrent weights `W` (S, N, N).

    The N-1 largest weights must lead in one chain through all units, and the leak, the largest other weight as a share
    of the smallest of these, must be below `max_leak`.
    """
    S, N, _ = W.shape
    size = np.abs(W).reshape(S, -1)
    order = np.argsort(-size, axis=1, kind="stable")
    strong = np.zeros((S, N * N), dtype=int)
    np.put_along_axis(strong, order[:, : N - 1], 1, axis=1)
    strong = strong.reshape(S, N, N)
    other, weakest = (np.take_along_axis(size, order[:, i : i + 1], axis=1)[:, 0] for i in (N - 1, N - 2))
    leak = np.divide(other, weakest, out=np.ones(S), where=weakest > 0)
    one_each = (strong.sum(axis=1).max(axis=1) <= 1) & (strong.sum(axis=2).max(axis=1) <= 1)
    # N-1 links between N units, at most one into and one out of each: one chain, unless some form a ring
    ring = np.linalg.matrix_power(np.where(one_each[:, None, None], strong, 0), N).any(axis=(1, 2))
    return one_each & ~ring & (leak < max_leak), leak


def metrics_of(result, i):
    """Metrics of network `i`: outputs over held-out sequences, and the recurrent weights."""
    return {
        "converged": bool(result["converged"][i]),
        "is_shift_matrix": bool(result["is_shift_matrix"][i]),
        "sweeps": int(result["sweeps"][i]),
        "sweeps_to_accuracy": int(result["sweeps_to_accuracy"][i]),
        "accuracy": float(result["right"][i].mean()),
        "leak": float(result["leak"][i]),
    }


def gradient_check(config, seed):
    """Largest relative error of `backward` per parameter, and the tolerance; few short sequences, one network."""
    rngs = [generators(seed)]
    config = replace(config, seq_len=config.n_hidden + 3)
    theta = 0.7 * rngs[0]["test"].normal(size=(1, n_parameters(layout(config))))
    params, grads = unpack(theta, layout(config)), unpack(np.empty_like(theta), layout(config))
    x, count = draw(rngs, "data", 4, config), counted(config)
    d = targets(x, config.n_hidden)
    y, h = forward(params, x)
    backward(params, x, d, y, h, count, grads)
    n = x.shape[2] * count.sum()
    return gradcheck(lambda: float(np.sum((forward(params, x)[0] - d) ** 2 * count) / n), params, grads), 1e-6


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
    return command_line(argv, slug="recurrent-shift-register", doc=__doc__, config_class=Config, claims=CLAIMS,
                        quick=QUICK, run=run, run_batch=run_batch, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
