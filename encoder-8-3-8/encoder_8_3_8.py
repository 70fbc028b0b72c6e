"""The 8-3-8 encoder by Boltzmann learning (Ackley, Hinton & Sejnowski 1985): no corner to spare.

Two groups of eight visible units, V1 and V2, can talk only through three hidden units. One unit of each group is on,
the same in both. Three hidden units have eight states, the corners of a cube, so every pattern needs a corner of its
own: two patterns that share one leave another empty, and that is where runs get caught. Two ways to estimate the free
side p' of the learning rule, p - p':

- cd: k steps of Gibbs sampling from the patterns (contrastive divergence, Hinton 2002).
- exact: all states of the hidden units, in each of which the visible units are independent.

What fills the last corner is a third term in the rule, the slope of the entropy of the hidden states over the
patterns: it pulls patterns out of a shared corner towards an empty one, and vanishes when all corners are used alike.
Weights move by a step with the sign of the whole, as in 1985; weight decay keeps them finite.

Weights and temperatures are in the paper's units (T = 10). All evaluation is exact, by enumeration. Many seeds train at
once along the leading axis S.

Left out: simulated annealing and the connections inside V1 and V2; the machine is bipartite.
"""

from dataclasses import dataclass

import numpy as np

from shared import NonFiniteError, Options, command_line, generators, gradcheck, option


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    algorithm: str = option("cd", "how p' of the free-running machine is estimated", choices=("cd", "exact"))
    n_epochs: int = option(1000, "learning cycles", low=1, alias=("--n-cycles", "--epochs"))
    rule: str = option("sign", "weights move by lr times the sign of p - p', or by lr times p - p' itself",
                       choices=("sign", "gradient"))
    lr: float = option(2.0, "weight step", above=0)
    decay: float = option(0.5, "share of the cycles, at the end, over which lr falls to zero", low=0, high=1)
    weight_decay: float = option(0.005, "each cycle weights shrink by lr times this share of themselves", low=0)
    spread: float = option(10.0, "weight of the entropy of the hidden states in the rule", low=0)
    init_scale: float = option(1.0, "standard deviation of the initial weights; biases start at zero", low=0)
    p_off: float = option(0.0, "noisy clamping: probability that an on bit is clamped off", low=0, below=1)
    p_on: float = option(0.0, "noisy clamping: probability that an off bit is clamped on", low=0, below=1)
    n_chains: int = option(2, "times that each pattern is shown in a cycle", low=1)
    k: int = option(5, "steps of Gibbs sampling of cd", low=1)


QUICK = {"n_epochs": 200}

PAPER = "Ackley, Hinton & Sejnowski 1985"
CLAIMS = [
    {"claim": "as many runs as in 1985 use all eight corners and recall every pattern", "source": PAPER,
     "paper": "16 of 20", "earlier": "16/20, with restarts", "metric": "solved", "statistic": "rate", "op": ">=",
     "threshold": 0.8},
    {"claim": "nearly every run does", "source": "this catalog", "paper": None, "earlier": None, "metric": "solved",
     "statistic": "rate", "op": ">=", "threshold": 0.95},
    {"claim": "corners used by the worst run", "source": "this catalog", "paper": None, "earlier": 6,
     "metric": "distinct_codes", "statistic": "min", "op": ">=", "threshold": 8},
]

# ---- data ----------------------------------------------------------------------------------------------------------

N, N_VISIBLE, N_HIDDEN = 8, 16, 3  # patterns and units of a group; units 0-7 V1, 8-15 V2
PATTERNS = np.concatenate([np.eye(N), np.eye(N)], axis=1)  # (8, 16): unit i of V1 and unit i of V2 on

TEMPERATURE = 10.0


def bits(n):
    """All states (2^n, n) of n binary units, the first unit changing slowest."""
    return (np.arange(2**n)[:, None] >> np.arange(n)[::-1]) & 1


STATES = bits(N_HIDDEN).astype(float)  # (8, 3), the corners of the cube


def clamping(config):
    """Probability (8, 16) that each visible unit is clamped on for each pattern."""
    return np.where(PATTERNS == 1, 1 - config.p_off, config.p_on)


# ---- model ---------------------------------------------------------------------------------------------------------
# All parameters of a network stand in one matrix A (17, 4): W in A[:16, :3], b_h in the last row, b_v in the last
# column; the corner stays 0. With a 1 appended to v and to h, -E = v A h, and <v h> is the gradient of all of them.


def parts(A):
    """Views on the parameters A (..., 17, 4) by name: W (..., 16, 3), b_v (..., 16), b_h (..., 3)."""
    return {"W": A[..., :-1, :-1], "b_v": A[..., :-1, -1], "b_h": A[..., -1, :-1]}


def sigmoid(x):
    """1 / (1 + exp(-x)), as a tanh, which cannot overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def softmax(x):
    """exp(x) normalised over the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def with_one(x):
    """`x` (..., n) with a unit that is always on as its last."""
    return np.concatenate([x, np.ones((*x.shape[:-1], 1))], axis=-1)


def hidden(A, v):
    """P(h on | v) (S, C, 3) for `v` (S, C, 17) with its 1."""
    return sigmoid(v @ A[:, :, :-1] / TEMPERATURE)


def visible(A, h):
    """P(v on | h) (S, C, 16) for `h` (S, C, 4) with its 1."""
    return sigmoid(h @ A[:, :-1].swapaxes(1, 2) / TEMPERATURE)


def products(v, h):
    """<v h> (S, 17, 4), the mean over the cases of `v` (S, C, 17) and `h` (S, C, 4)."""
    return v.swapaxes(1, 2) @ h / v.shape[1]


def usage(h):
    """P(state) (S, C, 8) of the hidden units for their probabilities `h` (S, C, 3)."""
    return np.where(STATES == 1, h[:, :, None], 1 - h[:, :, None]).prod(axis=3)


FLOOR = 0.01  # added to the share of a corner: the pull towards an empty one stays finite


def spread_of(h):
    """Entropy (S,) of the hidden states over all cases: -sum q log q with q the mean of P(state), plus FLOOR."""
    q = usage(h).mean(axis=1) + FLOOR
    return -(q * np.log(q)).sum(axis=1)


def pull(h):
    """Slope (S, C, 3) of `spread_of`, times C, with the net input of each hidden unit in each case.

    dP(s) / dnet_j = P(s) (s_j - h_j), so the slope is -sum_s log q(s) P(s) (s_j - h_j).
    """
    p = usage(h)
    weighted = -p * np.log(p.mean(axis=1, keepdims=True) + FLOOR)
    return weighted @ STATES - weighted.sum(axis=2, keepdims=True) * h


def clamped_side(A, v, config):
    """p (S, 17, 4) with the visible units at `v` (S, C, 17) and with the pull of the spread, and P(h on | v)."""
    h = hidden(A, v)
    p = products(v, with_one(h))
    if config.spread:
        p[:, :, :-1] += config.spread * products(v, pull(h))
    return p, h


def free_side(A):
    """p' (S, 17, 4) of the free-running machine, by enumerating the hidden states."""
    h = np.broadcast_to(with_one(STATES), (len(A), *with_one(STATES).shape))
    p_h = softmax(log_weights(A))  # (S, 8)
    return (with_one(visible(A, h)) * p_h[:, :, None]).swapaxes(1, 2) @ h


def log_weights(A, n_clamped=0):
    """log sum_v exp(-E / T) (S, 8) for every hidden state, over the visible units from `n_clamped` on."""
    net = with_one(STATES) @ A[:, n_clamped:-1].swapaxes(1, 2) / TEMPERATURE
    return np.logaddexp(0, net).sum(axis=2) + A[:, -1, :-1] @ STATES.T / TEMPERATURE


def statistics(A, config, rngs):
    """p (with the pull of the spread) and p', each (S, 17, 4), of one learning cycle."""
    C = N * config.n_chains
    shapes = {"clamp": (C, N_VISIBLE), "h": (config.k, C, N_HIDDEN), "v": (config.k, C, N_VISIBLE)}
    noise = uniform(shapes, rngs)
    on = np.tile(clamping(config), (config.n_chains, 1))
    p, h = clamped_side(A, with_one(noise["clamp"] < on), config)
    if config.algorithm == "exact":
        return p, free_side(A)
    for step in range(config.k):
        sample = with_one(noise["h"][:, step] < h)
        v = with_one(noise["v"][:, step] < visible(A, sample))
        h = hidden(A, v)
    return p, products(v, with_one(h))


def uniform(shapes, rngs):
    """{name: uniform numbers (S, *shape)} in float32, one block from each network's own generator."""
    sizes = [int(np.prod(shape)) for shape in shapes.values()]
    block = np.stack([rng["noise"].random(sum(sizes), dtype=np.float32) for rng in rngs])
    blocks = np.split(block, np.cumsum(sizes)[:-1], axis=1)
    return {name: part.reshape(len(rngs), *shape) for (name, shape), part in zip(shapes.items(), blocks, strict=True)}


def objective(A, config):
    """Mean log-likelihood of the patterns plus `spread` times their entropy over the hidden states, (S,)."""
    v = np.broadcast_to(with_one(PATTERNS), (len(A), N, N_VISIBLE + 1))
    log_z = np.logaddexp.reduce(log_weights(A), axis=1)
    net = v @ A[:, :, :-1] / TEMPERATURE
    log_p = np.logaddexp(0, net).sum(axis=2) + (v[:, :, :-1] * A[:, None, :-1, -1]).sum(axis=2) / TEMPERATURE
    return log_p.mean(axis=1) - log_z + config.spread * spread_of(hidden(A, v))


def gradient(A, config):
    """Gradient of `objective`, (p - p') / T with the pull of the spread in p, by name, for one network (1, 17, 4)."""
    p, _ = clamped_side(A, with_one(PATTERNS)[None], config)
    return {name: g[0] for name, g in parts((p - free_side(A)) / TEMPERATURE).items()}


# ---- training ------------------------------------------------------------------------------------------------------


def initial(config, rng):
    """Fresh parameters (17, 4) of one network: normal with standard deviation init_scale, biases zero."""
    A = np.zeros((N_VISIBLE + 1, N_HIDDEN + 1))
    A[:-1, :-1] = rng["init"].normal(0, config.init_scale, (N_VISIBLE, N_HIDDEN))
    return A


def train(config, rng, *, on_step=None):
    """Train one network per entry of `rng` (a set of generators, or a list of sets) for n_epochs cycles.

    Returns arrays over the networks: A (S, 17, 4), what `evaluate` gives at the end, epochs (first cycle that is
    solved) and settled (cycle from which on it stays so). The hook gets the number of cycles done, and A and what
    `evaluate` gives. Raises NonFiniteError.
    """
    rngs = rng if isinstance(rng, list) else [rng]
    S = len(rngs)
    A = np.stack([initial(config, r) for r in rngs])
    first = {name: np.full(S, config.n_epochs) for name in ("epochs", "settled")}
    for epoch in range(config.n_epochs + 1):
        now = evaluate(A)
        if on_step:
            on_step(epoch, {"A": A, **now})
        first["epochs"] = np.where(now["solved"], np.minimum(first["epochs"], epoch), first["epochs"])
        first["settled"] = np.where(now["solved"], np.minimum(first["settled"], epoch), config.n_epochs)
        if epoch == config.n_epochs:
            break
        p, p_free = statistics(A, config, rngs)
        lr = config.lr * min(1.0, (1 - epoch / config.n_epochs) / config.decay) if config.decay else config.lr
        step = np.sign(p - p_free) if config.rule == "sign" else p - p_free
        step[:, -1, -1] = 0  # no parameter
        A = A + lr * (step - config.weight_decay * A)
        if not np.isfinite(A).all():
            raise NonFiniteError(epoch)
    return {"A": A, **now, **first}


# ---- evaluation ----------------------------------------------------------------------------------------------------


def evaluate(A):
    """Exact state of each network (S, 17, 4), by enumeration at T = 10; there is nothing to hold out.

    p_code (S, 8, 8): P(hidden state | V1 clamped to the pattern); p_v2 (S, 8, 8): P(V2 unit on | the same); codes
    (S, 8): the likeliest hidden state, 0 to 7; accuracy: share of patterns whose V2 unit is the likeliest of its group;
    solved: eight distinct codes and accuracy 1.
    """
    states = np.broadcast_to(with_one(STATES), (len(A), *with_one(STATES).shape))
    p_code = softmax(A[:, :N, :-1] @ STATES.T / TEMPERATURE + log_weights(A, N)[:, None])  # P(H | V1), V2 summed over
    p_v2 = p_code @ visible(A, states)[:, :, N:]  # P(V2 unit on | V1), (S, 8, 8)
    codes = winner(p_code)
    n_codes = (codes[:, :, None] == np.arange(2**N_HIDDEN)).any(axis=1).sum(axis=1)
    accuracy = (winner(p_v2) == np.arange(N)).mean(axis=1)
    return {"codes": codes, "p_code": p_code, "p_v2": p_v2, "accuracy": accuracy, "distinct_codes": n_codes,
            "solved": (n_codes == N) & (accuracy == 1)}


def winner(p):
    """Index of the largest entry over the last axis, -1 where two are equal: a tie is no answer."""
    top = np.sort(p, axis=-1)[..., -2:]
    return np.where(top[..., 1] - top[..., 0] > 1e-9, p.argmax(axis=-1), -1)


def metrics_of(result, i, config):
    """Metrics of network `i`, all exact and all of the end of the run but the two cycles."""
    return {
        "solved": bool(result["solved"][i]),
        "distinct_codes": int(result["distinct_codes"][i]),
        "accuracy": float(result["accuracy"][i]),
        "epochs": int(result["epochs"][i]),
        "settled": int(result["settled"][i]),
    }


def gradient_check(config, seed):
    """Largest relative error of `gradient` per parameter of one network, and the tolerance."""
    A = generators(seed)["test"].normal(0, TEMPERATURE, (1, N_VISIBLE + 1, N_HIDDEN + 1))
    A[:, -1, -1] = 0
    return gradcheck(lambda: objective(A, config)[0], parts(A[0]), gradient(A, config), eps=1e-3), 1e-6


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
    return command_line(argv, slug="encoder-8-3-8", doc=__doc__, config_class=Config, claims=CLAIMS, quick=QUICK,
                        run=run, run_batch=run_batch, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
