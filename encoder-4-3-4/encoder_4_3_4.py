"""The 4-3-4 encoder by Boltzmann learning (Ackley, Hinton & Sejnowski 1985): a code that corrects errors.

Two groups of four visible units, V1 and V2, can talk only through three hidden units. One unit of each group is on, the
same in both. Two hidden units would do; with three, four of the eight corners of a cube are to be chosen, and the four
of equal parity are the only ones of which no two are neighbours: an error in one hidden unit then never gives another
pattern's code. Three ways to estimate the two sides of the learning rule, p_ij with the patterns clamped and p'_ij
running free:

- cd: contrastive divergence (Hinton 2002) on the bipartite machine, with the noisy clamping and the sign rule of 1985.
- annealing: the procedure of 1985, with simulated annealing before each measurement.
- exact: both sides from all 2^11 states, without sampling noise.

What makes every run end with such a code: weight decay (large weights can hide an error, small ones need the distance)
and a step that shrinks to zero, so that the run ends in what the noise has found. The README takes them out one by one.
Weights and temperatures are in the paper's units (T = 10). All evaluation is exact, by enumeration. Many seeds train at
once along the leading axis S.
"""

from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace

import numpy as np

from shared import InputError, NonFiniteError, Options, command_line, generators, gradcheck, option


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    algorithm: str = option("cd", "how p_ij and p'_ij are estimated", choices=("annealing", "cd", "exact"))
    connections: str = option("auto", "wiring; auto: within the groups too (paper), V-H only (bipartite) for cd",
                              choices=("auto", "paper", "paper+hidden", "bipartite"))
    n_epochs: int = option(2000, "learning cycles", low=1, alias=("--epochs",))
    rule: str = option("sign", "weights move by lr times the sign of p - p', or by lr times p - p' itself",
                       choices=("sign", "gradient"))
    lr: float = option(2.0, "weight step", above=0)
    decay: float = option(0.5, "share of the cycles, at the end, over which lr falls to zero", low=0, high=1)
    weight_decay: float = option(0.003, "each cycle weights shrink by lr times this share of themselves", low=0)
    init_scale: float = option(1.0, "standard deviation of the initial weights; biases start at zero", low=0)
    p_off: float = option(0.15, "noisy clamping: probability that an on bit is clamped off", low=0, below=1)
    p_on: float = option(0.05, "noisy clamping: probability that an off bit is clamped on", low=0, below=1)
    noise_every: str = option("time", "clamping noise is drawn anew: every annealing, unit of time, or probe",
                              choices=("annealing", "time", "probe"))
    n_chains: int = option(2, "times that each pattern is shown in a cycle", low=1)
    k: int = option(5, "steps of Gibbs sampling of cd", low=1)

    def __post_init__(self):
        super().__post_init__()
        if self.algorithm == "cd" and self.connections not in ("auto", "bipartite"):
            raise InputError(f"--connections {self.connections}: must be auto or bipartite with --algorithm cd")

    @property
    def wiring(self):
        """The connections that `auto` stands for."""
        paper = "bipartite" if self.algorithm == "cd" else "paper"
        return paper if self.connections == "auto" else self.connections


QUICK = {"n_epochs": 60}

PAPER = "Ackley, Hinton & Sejnowski 1985"
CLAIMS = [
    {"claim": "every run ends with an error-correcting code and recalls every pattern", "source": PAPER,
     "paper": "no two codes at distance 1", "earlier": "18/30, with restarts", "metric": "error_correcting",
     "statistic": "rate", "op": ">=", "threshold": 1.0},
    {"claim": "the nearest two codes of the worst run differ in two bits", "source": PAPER, "paper": 2,
     "earlier": None, "metric": "min_hamming", "statistic": "min", "op": ">=", "threshold": 2},
    {"claim": "the even parity set occurs: at least a quarter of the runs", "source": "symmetry", "paper": None,
     "earlier": None, "metric": "even_parity", "statistic": "rate", "op": ">=", "threshold": 0.25},
    {"claim": "the odd parity set occurs: at least a quarter of the runs", "source": "symmetry", "paper": None,
     "earlier": None, "metric": "odd_parity", "statistic": "rate", "op": ">=", "threshold": 0.25},
]

# ---- data ----------------------------------------------------------------------------------------------------------

N_VISIBLE, N_HIDDEN, BIAS = 8, 3, 11  # units 0-3 V1, 4-7 V2, 8-10 H; unit 11 is always on, its weights are the biases
PATTERNS = np.concatenate([np.eye(4), np.eye(4)], axis=1)  # (4, 8): unit i of V1 and unit i of V2 on

TEMPERATURE = 10.0
SCHEDULE = ((2, 20.0), (2, 15.0), (2, 12.0), (4, 10.0))  # units of time at each temperature before measuring
TEMPERATURES = np.array([t for n, t in SCHEDULE for _ in range(n)] + [TEMPERATURE] * 10)  # then 10 units measured


def clamping(config):
    """Probability (4, 8) that each visible unit is clamped on for each pattern."""
    return np.where(PATTERNS == 1, 1 - config.p_off, config.p_on)


# ---- model ---------------------------------------------------------------------------------------------------------


def bits(n):
    """All states (2^n, n) of n binary units, the first unit changing slowest."""
    return (np.arange(2**n)[:, None] >> np.arange(n)[::-1]) & 1


@lru_cache
def machine(wiring):
    """The connections and what enumeration needs of them.

    i, j: units of each connection (P,), the eleven biases last (j = BIAS); features (P, 2048): s_i s_j in every state,
    V slowest; recall (P, 4 * 128): the same in the states of (V2, H) with V1 clamped to each pattern.
    """
    groups = [(0, 4), (4, 8)] if wiring.startswith("paper") else []
    groups += [(8, 11)] if wiring == "paper+hidden" else []
    pairs = [(i, j) for low, high in groups for i in range(low, high) for j in range(i + 1, high)]
    pairs += [(v, h) for v in range(N_VISIBLE) for h in (8, 9, 10)] + [(unit, BIAS) for unit in range(11)]
    i, j = np.array(sorted(pairs, key=lambda pair: pair[1] == BIAS)).T
    states = np.concatenate([bits(11), np.ones((2048, 1))], axis=1)
    free = bits(7)
    clamped = np.concatenate([np.repeat(PATTERNS[:, :4], 128, axis=0), np.tile(free, (4, 1)), np.ones((512, 1))],
                             axis=1)
    return SimpleNamespace(i=i, j=j, features=(states[:, i] * states[:, j]).T.copy(),
                           recall=(clamped[:, i] * clamped[:, j]).T.copy(), v2=free[:, :4].astype(float))


def matrix(w, config):
    """The weights `w` (S, P) as symmetric matrices (S, 12, 12); row and column 11 hold the biases."""
    m, W = machine(config.wiring), np.zeros((len(w), 12, 12))
    W[:, m.i, m.j] = W[:, m.j, m.i] = w
    return W


def softmax(x):
    """exp(x) normalised over the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def anneal(W, units, noise, visible=None):
    """Anneal C chains per network and return <s_i s_j> (S, 12, 12) over the measured time at T = 10.

    W (S, 12, 12) float32; `units`: those that move; `noise`: uniform numbers start (S, 12, C), order (S, probes),
    accept (S, probes, C); `visible` (S, n, 8, C): clamped states, each held for an equal share of the time.
    One unit of time is as many probes as units move; a probe lets one unit, chosen at random, decide.
    """
    S, C = len(W), noise["start"].shape[2]
    n_probes = len(TEMPERATURES) * len(units)
    row, seed = np.arange(S), np.arange(S)[:, None]
    order = units[(noise["order"] * len(units)).astype(int)]  # (S, probes), shared by the chains of a network
    weights = np.ascontiguousarray(W[seed, order].swapaxes(0, 1))[:, :, None]  # (probes, S, 1, 12)
    # a unit goes on with probability 1 / (1 + exp(-net / T)): iff net > T log(r / (1 - r)), drawn here for all probes
    T = np.repeat(TEMPERATURES, len(units)).astype(np.float32)[:, None, None]
    r = np.clip(noise["accept"].swapaxes(0, 1), 1e-7, 1 - 1e-7)
    threshold = T * np.log(r / (1 - r))  # (probes, S, C)
    order = np.ascontiguousarray(order.T)
    state = (noise["start"] < 0.5).astype(np.float32)
    state[:, BIAS] = 1
    history = np.empty((S, 12, n_probes // 2, C), np.float32)
    hold = n_probes if visible is None else n_probes // visible.shape[1]
    for t in range(n_probes):
        if visible is not None and t % hold == 0:
            state[:, :N_VISIBLE] = visible[:, t // hold]
        net = np.matmul(weights[t], state)[:, 0]  # (S, C)
        state[row, order[t]] = net > threshold[t]
        if t >= n_probes // 2:
            history[:, :, t - n_probes // 2] = state
    flat = history.reshape(S, 12, -1)
    return (flat @ flat.swapaxes(1, 2)).astype(float) / flat.shape[2]  # counts are exact, so equal shares stay equal


def annealing_statistics(w, config, rngs):
    """p_ij and p'_ij, each (S, P), as measured in one learning cycle of 1985."""
    m, C, n_time = machine(config.wiring), 4 * config.n_chains, len(TEMPERATURES)
    draws = {"annealing": 1, "time": n_time, "probe": n_time * N_HIDDEN}[config.noise_every]
    shapes = {"visible": (draws, 8, C)}
    for phase, n in (("clamped", N_HIDDEN), ("free", N_VISIBLE + N_HIDDEN)):
        shapes |= {f"{phase}/start": (12, C), f"{phase}/order": (n_time * n,), f"{phase}/accept": (n_time * n, C)}
    noise = uniform(shapes, rngs)
    phase = [{name.split("/")[1]: x for name, x in noise.items() if name.startswith(p)} for p in ("clamped", "free")]
    on = np.tile(clamping(config), (config.n_chains, 1)).T  # (8, C)
    W = matrix(w, config).astype(np.float32)
    p = anneal(W, np.array([8, 9, 10]), phase[0], visible=noise["visible"] < on)
    p_free = anneal(W, np.arange(11), phase[1])
    return p[:, m.i, m.j], p_free[:, m.i, m.j]


def uniform(shapes, rngs):
    """{name: uniform numbers (S, *shape)} in float32, one block from each network's own generator."""
    sizes = [int(np.prod(shape)) for shape in shapes.values()]
    block = np.stack([rng["noise"].random(sum(sizes), dtype=np.float32) for rng in rngs])
    parts = np.split(block, np.cumsum(sizes)[:-1], axis=1)
    return {name: part.reshape(len(rngs), *shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}


def cd_statistics(w, config, rngs):
    """p_ij from the clamped patterns and p'_ij after k steps of Gibbs sampling, each (S, P): CD-k (Hinton 2002).

    Hidden probabilities, not samples, enter both sides; the bipartite machine lets each layer move at once.
    """
    m, C = machine(config.wiring), 4 * config.n_chains
    W = matrix(w, config)
    V, b_v, b_h = W[:, :8, 8:11], W[:, None, :8, BIAS], W[:, None, 8:11, BIAS]  # V (S, 8, 3)

    def sigmoid(net):
        return 0.5 + 0.5 * np.tanh(net / (2 * TEMPERATURE))

    def pairs(v, h):  # <s_i s_j> of every connection
        s = np.concatenate([v, h, np.ones((*v.shape[:2], 1))], axis=2)
        return (s[:, :, m.i] * s[:, :, m.j]).mean(axis=1)

    noise = uniform({"clamp": (C, 8), "v": (config.k, C, 8), "h": (config.k, C, 3)}, rngs)
    v = (noise["clamp"] < np.tile(clamping(config), (config.n_chains, 1))).astype(float)
    h = sigmoid(v @ V + b_h)
    p = pairs(v, h)
    for step in range(config.k):
        sample = (noise["h"][:, step] < h).astype(float)
        v = (noise["v"][:, step] < sigmoid(sample @ V.swapaxes(1, 2) + b_v)).astype(float)
        h = sigmoid(v @ V + b_h)
    return p, pairs(v, h)


def joint(w, config):
    """(clamped, free): probabilities (S, 2048) of all states, with the noisy patterns clamped and running free."""
    features, on = machine(config.wiring).features, clamping(config)[:, None]  # on (4, 1, 8)
    net = w @ features / TEMPERATURE  # -E / T
    given_v = softmax(net.reshape(-1, 256, 8))  # P(h | v)
    data = np.where(bits(8), on, 1 - on).prod(axis=2).mean(axis=0)  # probability of each noisy pattern (256,)
    return (data[:, None] * given_v).reshape(-1, 2048), softmax(net)


def exact_statistics(w, config, rngs=None):
    """p_ij and p'_ij, each (S, P), by enumerating all states; no sampling."""
    clamped, free = joint(w, config)
    features = machine(config.wiring).features
    return clamped @ features.T, free @ features.T


def log_likelihood(w, config):
    """Mean log-likelihood (S,) of the noisy patterns under the free-running machine."""
    net = w @ machine(config.wiring).features / TEMPERATURE
    top = net.max(axis=1, keepdims=True)
    log_z = top[:, 0] + np.log(np.exp(net - top).sum(axis=1))
    log_p = np.logaddexp.reduce(net.reshape(-1, 256, 8), axis=2) - log_z[:, None]  # (S, 256)
    on = clamping(config)[:, None]
    return log_p @ np.where(bits(8), on, 1 - on).prod(axis=2).mean(axis=0)


def gradient(w, config):
    """Gradient of the log-likelihood, (p_ij - p'_ij) / T (equation 7), as {"weights", "biases"} for one network."""
    p, p_free = exact_statistics(w, config)
    g = (p - p_free)[0] / TEMPERATURE
    return {"weights": g[:-BIAS], "biases": g[-BIAS:]}


# ---- training ------------------------------------------------------------------------------------------------------

STATISTICS = {"annealing": annealing_statistics, "cd": cd_statistics, "exact": exact_statistics}


def initial(config, rng):
    """Fresh weights (P,) of one network: normal with standard deviation init_scale, biases zero."""
    w = rng["init"].normal(0, config.init_scale, len(machine(config.wiring).i))
    w[-BIAS:] = 0
    return w


def train(config, rng, *, on_step=None):
    """Train one network per entry of `rng` (a set of generators, or a list of sets) for n_epochs cycles.

    Returns arrays over the networks: w (S, P), what `evaluate` gives at the end, epochs (first cycle that is solved),
    epochs_to_distance (first with an error-correcting code) and settled (cycle from which on it stays one). The hook
    gets the number of cycles done, and w and what `evaluate` gives. Raises NonFiniteError.
    """
    rngs = rng if isinstance(rng, list) else [rng]
    S = len(rngs)
    w = np.stack([initial(config, r) for r in rngs])
    first = {name: np.full(S, config.n_epochs) for name in ("epochs", "epochs_to_distance", "settled")}
    for epoch in range(config.n_epochs + 1):
        now = evaluate(w, config)
        if on_step:
            on_step(epoch, {"w": w, **now})
        for name, reached in (("epochs", now["solved"]), ("epochs_to_distance", now["error_correcting"])):
            first[name] = np.where(reached, np.minimum(first[name], epoch), first[name])
        first["settled"] = np.where(now["error_correcting"], np.minimum(first["settled"], epoch), config.n_epochs)
        if epoch == config.n_epochs:
            break
        p, p_free = STATISTICS[config.algorithm](w, config, rngs)
        lr = config.lr * min(1.0, (1 - epoch / config.n_epochs) / config.decay) if config.decay else config.lr
        step = np.sign(p - p_free) if config.rule == "sign" else p - p_free
        w = w + lr * (step - config.weight_decay * w)
        if not np.isfinite(w).all():
            raise NonFiniteError(epoch)
    return {"w": w, **now, **first}


# ---- evaluation ----------------------------------------------------------------------------------------------------


def evaluate(w, config):
    """Exact state of each network (S, P), by enumeration at T = 10; there is nothing to hold out.

    p_code (S, 4, 8): P(hidden state | V1 clamped to the pattern); p_v2 (S, 4, 4): P(V2 unit on | the same); codes
    (S, 4): the likeliest hidden state, 0 to 7; accuracy: share of patterns whose V2 unit is the likeliest of its group;
    min_hamming: bits in which the nearest two codes differ; solved: four distinct codes and accuracy 1;
    error_correcting: solved, and no two codes nearer than two bits.
    """
    m = machine(config.wiring)
    net = (w @ m.recall / TEMPERATURE).reshape(-1, 4, 128)  # pattern, (V2, H)
    p = softmax(net)
    p_code = p.reshape(-1, 4, 16, 8).sum(axis=2)  # P(H | V1)
    p_v2 = p.reshape(-1, 4, 16, 8).sum(axis=3) @ m.v2[::8]  # P(V2 unit on | V1), (S, 4, 4)
    codes = winner(p_code)
    n_codes = (codes[:, :, None] == np.arange(8)).any(axis=1).sum(axis=1)
    accuracy = (winner(p_v2) == np.arange(4)).mean(axis=1)
    distance = hamming(codes)
    solved = (n_codes == 4) & (accuracy == 1)
    return {"codes": codes, "p_code": p_code, "p_v2": p_v2, "accuracy": accuracy, "distinct_codes": n_codes,
            "min_hamming": distance, "solved": solved, "error_correcting": solved & (distance >= 2)}


def hamming(codes):
    """Smallest number of bits in which two of the codes (S, 4) differ, (S,); 0 where a pattern has no code (-1)."""
    a, b = np.triu_indices(codes.shape[1], 1)
    distance = bits(N_HIDDEN).sum(axis=1)[codes[:, a] ^ codes[:, b]]
    return np.where((codes < 0).any(axis=1), 0, distance.min(axis=1))


def winner(p):
    """Index of the largest entry over the last axis, -1 where two are equal: a tie is no answer."""
    top = np.sort(p, axis=-1)[..., -2:]
    return np.where(top[..., 1] - top[..., 0] > 1e-9, p.argmax(axis=-1), -1)


def metrics_of(result, i, config):
    """Metrics of network `i`, all exact and all of the end of the run but the three cycles."""
    odd = bits(N_HIDDEN).sum(axis=1)[result["codes"][i]] % 2  # parity of each code
    correcting = bool(result["error_correcting"][i])
    return {
        "error_correcting": correcting,
        "min_hamming": int(result["min_hamming"][i]),
        "even_parity": correcting and not odd.any(),
        "odd_parity": correcting and bool(odd.all()),
        "solved": bool(result["solved"][i]),
        "accuracy": float(result["accuracy"][i]),
        "distinct_codes": int(result["distinct_codes"][i]),
        "epochs": int(result["epochs"][i]),
        "epochs_to_distance": int(result["epochs_to_distance"][i]),
        "settled": int(result["settled"][i]),
    }


def gradient_check(config, seed):
    """Largest relative error of `gradient` for weights and biases of one network, and the tolerance."""
    w = generators(seed)["test"].normal(0, TEMPERATURE, (1, len(machine(config.wiring).i)))
    params = {"weights": w[0, :-BIAS], "biases": w[0, -BIAS:]}  # views: a change there is a change of w
    return gradcheck(lambda: log_likelihood(w, config)[0], params, gradient(w, config), eps=1e-3), 1e-6


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
    return command_line(argv, slug="encoder-4-3-4", doc=__doc__, config_class=Config, claims=CLAIMS, quick=QUICK,
                        run=run, run_batch=run_batch, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
