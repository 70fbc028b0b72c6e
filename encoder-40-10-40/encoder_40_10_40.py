"""The 40-10-40 encoder by Boltzmann learning (Ackley, Hinton & Sejnowski 1985): how much time does an answer take?

Two groups of forty visible units, V1 and V2, can talk only through ten hidden units. One unit of each group is on, the
same in both. There are states enough, 1024 for forty patterns; the question is recall: with V1 clamped, the machine
runs from a random state, and the longer the annealing, the more often it ends with the right unit of V2.

Learning is that of the 8-3-8 encoder: contrastive divergence or exact statistics of the free side, a weight step with
the sign of p - p', weight decay, and a pull that spreads the codes. The pull is another one, for 1024 states are too
many to be used evenly: hidden units are to be on for half of the patterns and to be uncorrelated.

Asymptotic accuracy is exact, by enumeration of the hidden states: what a machine gives that is sampled for ever at
T = 10. Single-chain accuracy is one annealing per answer. Weights and temperatures are in the paper's units (T = 10).
Many seeds train at once along the leading axis S.

Left out: simulated annealing while learning and the connections inside V1 and V2; the machine is bipartite.
"""

from dataclasses import dataclass

import numpy as np

from shared import NonFiniteError, Options, command_line, generators, gradcheck, option


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    algorithm: str = option("cd", "how p' of the free-running machine is estimated", choices=("cd", "exact"))
    n_epochs: int = option(800, "learning cycles", low=1, alias=("--n-cycles", "--epochs"))
    rule: str = option("sign", "weights move by lr times the sign of p - p', or by lr times p - p' itself",
                       choices=("sign", "gradient"))
    lr: float = option(1.0, "weight step", above=0)
    decay: float = option(0.5, "share of the cycles, at the end, over which lr falls to zero", low=0, high=1)
    weight_decay: float = option(0.003, "each cycle weights shrink by lr times this share of themselves", low=0)
    spread: float = option(8.0, "weight of the pull towards uncorrelated hidden units in the rule", low=0)
    init_scale: float = option(1.0, "standard deviation of the initial weights; biases start at zero", low=0)
    p_off: float = option(0.0, "noisy clamping: probability that an on bit is clamped off", low=0, below=1)
    p_on: float = option(0.0, "noisy clamping: probability that an off bit is clamped on", low=0, below=1)
    n_chains: int = option(2, "times that each pattern is shown in a cycle", low=1)
    k: int = option(5, "steps of Gibbs sampling of cd", low=1)
    eval_every: int = option(50, "learning cycles between two evaluations", low=1)
    n_trials: int = option(25, "annealings of each pattern when recall is tested", low=1)
    gibbs_sweeps: int = option(128, "sweeps of an annealing when recall is tested", low=1)
    t_start: float = option(15.0, "temperature of its first sweep", above=0)
    t_end: float = option(1.0, "temperature of its last sweep", above=0)
    print_curve: bool = option(False, "print accuracy by length of the annealing", incidental=True)


QUICK = {"n_epochs": 40, "n_trials": 5}

PAPER = "Ackley, Hinton & Sejnowski 1985"
CLAIMS = [
    {"claim": "asymptotic accuracy of the worst run, by enumeration", "source": "this catalog", "paper": None,
     "earlier": 1.0, "metric": "asymptotic_accuracy", "statistic": "min", "op": ">=", "threshold": 1.0},
    {"claim": "accuracy of one careful annealing per answer", "source": PAPER, "paper": 0.986,
     "earlier": "0.91, without annealing", "metric": "single_chain_accuracy", "statistic": "mean", "op": ">=",
     "threshold": 0.986},
    {"claim": "the same in the worst run", "source": PAPER, "paper": 0.986, "earlier": None,
     "metric": "single_chain_accuracy", "statistic": "min", "op": ">=", "threshold": 0.986},
]

# ---- data ----------------------------------------------------------------------------------------------------------

N, N_VISIBLE, N_HIDDEN = 40, 80, 10  # patterns and units of a group; units 0-39 V1, 40-79 V2
PATTERNS = np.concatenate([np.eye(N), np.eye(N)], axis=1)  # (40, 80): unit i of V1 and unit i of V2 on

TEMPERATURE = 10.0


def bits(n):
    """All states (2^n, n) of n binary units, the first unit changing slowest."""
    return (np.arange(2**n)[:, None] >> np.arange(n)[::-1]) & 1


STATES = bits(N_HIDDEN).astype(float)  # (1024, 10)


def clamping(config):
    """Probability (40, 80) that each visible unit is clamped on for each pattern."""
    return np.where(PATTERNS == 1, 1 - config.p_off, config.p_on)


# ---- model ---------------------------------------------------------------------------------------------------------
# All parameters of a network stand in one matrix A (81, 11): W in A[:80, :10], b_h in the last row, b_v in the last
# column; the corner stays 0. With a 1 appended to v and to h, -E = v A h, and <v h> is the gradient of all of them.


def parts(A):
    """Views on the parameters A (..., 81, 11) by name: W (..., 80, 10), b_v (..., 80), b_h (..., 10)."""
    return {"W": A[..., :-1, :-1], "b_v": A[..., :-1, -1], "b_h": A[..., -1, :-1]}


def sigmoid(x):
    """1 / (1 + exp(-x)), as a tanh, which cannot overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def softmax(x):
    """exp(x) normalised over the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def with_one(x):
    """`x` (..., n) with a unit that is always on as its last; samples (booleans) become float32."""
    x = x.astype(np.float32) if x.dtype == bool else x
    return np.concatenate([x, np.ones((*x.shape[:-1], 1), x.dtype)], axis=-1)


def hidden(A, v):
    """P(h on | v) (S, C, 10) for `v` (S, C, 81) with its 1."""
    return sigmoid(v @ A[:, :, :-1] / TEMPERATURE)


def visible(A, h):
    """P(v on | h) (S, C, 80) for `h` (S, C, 11) with its 1."""
    return sigmoid(h @ A[:, :-1].swapaxes(1, 2) / TEMPERATURE)


def products(v, h):
    """<v h> (S, 81, 11), the mean over the cases of `v` (S, C, 81) and `h` (S, C, 11)."""
    return v.swapaxes(1, 2) @ h / v.shape[1]


def spread_of(h):
    """Minus the cost (S,) of uneven or correlated hidden units: 1/2 sum_j (q_j - 1/2)^2 + sum_{j<k} (q_jk - 1/4)^2.

    q_j and q_jk are the mean of h_j and h_j h_k over the cases of `h` (S, C, 10).
    """
    q, pairs = h.mean(axis=1) - 0.5, uncorrelated(h)
    return -0.5 * (q**2).sum(axis=1) - 0.5 * (pairs**2).sum(axis=(1, 2))


def uncorrelated(h):
    """q_jk - 1/4 (S, 10, 10) for each two hidden units, zero on the diagonal."""
    return np.where(np.eye(N_HIDDEN), 0, h.swapaxes(1, 2) @ h / h.shape[1] - 0.25)


def pull(h):
    """Slope (S, C, 10) of `spread_of`, times C, with the net input of each hidden unit in each case."""
    return -h * (1 - h) * (h.mean(axis=1, keepdims=True) - 0.5 + 2 * h @ uncorrelated(h))


def clamped_side(A, v, config):
    """p (S, 81, 11) with the visible units at `v` (S, C, 81) and with the pull of the spread, and P(h on | v)."""
    h = hidden(A, v)
    p = products(v, with_one(h))
    if config.spread:
        p[:, :, :-1] += config.spread * products(v, pull(h))
    return p, h


def free_side(A):
    """p' (S, 81, 11) of the free-running machine, by enumerating the hidden states."""
    h = np.broadcast_to(with_one(STATES), (len(A), *with_one(STATES).shape))
    p_h = softmax(log_weights(A))  # (S, 1024)
    return (with_one(visible(A, h)) * p_h[:, :, None]).swapaxes(1, 2) @ h


def log_weights(A, n_clamped=0):
    """log sum_v exp(-E / T) (S, 1024) for every hidden state, over the visible units from `n_clamped` on."""
    net = with_one(STATES) @ A[:, n_clamped:-1].swapaxes(1, 2) / TEMPERATURE
    return np.logaddexp(0, net).sum(axis=2) + A[:, -1, :-1] @ STATES.T / TEMPERATURE


def statistics(A, config, rngs):
    """p (with the pull of the spread) and p', each (S, 81, 11), of one learning cycle; sampling is in float32."""
    C, A = N * config.n_chains, A.astype(np.float32)
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
    """Mean log-likelihood of the patterns plus `spread` times `spread_of` their hidden units, (S,)."""
    v = np.broadcast_to(with_one(PATTERNS), (len(A), N, N_VISIBLE + 1))
    log_z = np.logaddexp.reduce(log_weights(A), axis=1)
    net = v @ A[:, :, :-1] / TEMPERATURE
    log_p = np.logaddexp(0, net).sum(axis=2) + (v[:, :, :-1] * A[:, None, :-1, -1]).sum(axis=2) / TEMPERATURE
    return log_p.mean(axis=1) - log_z + config.spread * spread_of(hidden(A, v))


def gradient(A, config):
    """Gradient of `objective`, (p - p') / T with the pull of the spread in p, by name, for one network (1, 81, 11)."""
    p, _ = clamped_side(A, with_one(PATTERNS)[None], config)
    return {name: g[0] for name, g in parts((p - free_side(A)) / TEMPERATURE).items()}


# ---- training ------------------------------------------------------------------------------------------------------


def initial(config, rng):
    """Fresh parameters (81, 11) of one network: normal with standard deviation init_scale, biases zero."""
    A = np.zeros((N_VISIBLE + 1, N_HIDDEN + 1))
    A[:-1, :-1] = rng["init"].normal(0, config.init_scale, (N_VISIBLE, N_HIDDEN))
    return A


def train(config, rng, *, on_step=None):
    """Train one network per entry of `rng` (a set of generators, or a list of sets) for n_epochs cycles.

    Returns arrays over the networks: A (S, 81, 11), what `evaluate` gives at the end, and epochs (first evaluated cycle
    that is solved). The hook gets the number of cycles done, and A and what `evaluate` gives, every eval_every cycles.
    Raises NonFiniteError.
    """
    rngs = rng if isinstance(rng, list) else [rng]
    S = len(rngs)
    A = np.stack([initial(config, r) for r in rngs])
    epochs = np.full(S, config.n_epochs)
    for epoch in range(config.n_epochs + 1):
        if epoch % config.eval_every == 0 or epoch == config.n_epochs:
            now = evaluate(A)
            if on_step:
                on_step(epoch, {"A": A, **now})
            epochs = np.where(now["solved"], np.minimum(epochs, epoch), epochs)
        if epoch == config.n_epochs:
            break
        p, p_free = statistics(A, config, rngs)
        lr = config.lr * min(1.0, (1 - epoch / config.n_epochs) / config.decay) if config.decay else config.lr
        step = np.sign(p - p_free) if config.rule == "sign" else p - p_free
        step[:, -1, -1] = 0  # no parameter
        A = A + lr * (step - config.weight_decay * A)
        if not np.isfinite(A).all():
            raise NonFiniteError(epoch)
    return {"A": A, **now, "epochs": epochs}


# ---- evaluation ----------------------------------------------------------------------------------------------------


def evaluate(A):
    """Exact state of each network (S, 81, 11), by enumeration at T = 10; there is nothing to hold out.

    p_v2 (S, 40, 40): P(V2 unit on | V1 clamped to the pattern); codes (S, 40): the likeliest hidden state, 0 to 1023;
    p_top (S, 40): its probability; accuracy: share of patterns whose V2 unit is the likeliest of its group;
    min_hamming: bits in which the nearest two codes differ; solved: forty distinct codes and accuracy 1.
    """
    states = np.broadcast_to(with_one(STATES), (len(A), *with_one(STATES).shape))
    p_code = softmax(A[:, :N, :-1] @ STATES.T / TEMPERATURE + log_weights(A, N)[:, None])  # P(H | V1), V2 summed over
    p_v2 = p_code @ visible(A, states)[:, :, N:]  # P(V2 unit on | V1), (S, 40, 40)
    codes = winner(p_code)
    n_codes = np.array([len(set(row) - {-1}) for row in codes.tolist()])
    accuracy = (winner(p_v2) == np.arange(N)).mean(axis=1)
    a, b = np.triu_indices(N, 1)
    distance = bits(N_HIDDEN).sum(axis=1)[codes[:, a] ^ codes[:, b]].min(axis=1)
    return {"codes": codes, "p_top": p_code.max(axis=2), "p_v2": p_v2, "accuracy": accuracy, "distinct_codes": n_codes,
            "min_hamming": np.where((codes < 0).any(axis=1), 0, distance), "solved": (n_codes == N) & (accuracy == 1)}


def winner(p):
    """Index of the largest entry over the last axis, -1 where two are equal: a tie is no answer."""
    top = np.sort(p, axis=-1)[..., -2:]
    return np.where(top[..., 1] - top[..., 0] > 1e-9, p.argmax(axis=-1), -1)


def recall(A, rng, temperatures, n_trials):
    """One network's (81, 11) answers to each pattern clamped on V1, n_trials annealings of each from random states.

    A sweep at each of `temperatures` samples all hidden units, then all units of V2. Returns (accuracy, exact): the
    share whose right V2 unit is the likeliest given the last hidden state, and the share whose last V2 is exactly the
    pattern, the right unit on and all others off.
    """
    A = A.astype(np.float32)
    W, b = parts(A)["W"][N:], parts(A)["b_v"][N:]
    drive = np.repeat(A[:N, :-1] + A[-1, :-1], n_trials, axis=0)  # (40 n_trials, 10), constant while V1 is clamped
    right = np.repeat(np.arange(N), n_trials)
    v = (rng.random((len(drive), N), dtype=np.float32) < 0.5).astype(np.float32)
    for T in temperatures.tolist():
        h = (rng.random(drive.shape, dtype=np.float32) < sigmoid((drive + v @ W) / T)).astype(np.float32)
        net = h @ W.T + b
        v = (rng.random(net.shape, dtype=np.float32) < sigmoid(net / T)).astype(np.float32)
    exact = (v == np.eye(N)[right]).all(axis=1)
    return float((winner(net) == right).mean()), float(exact.mean())


def cooling(config, n_sweeps):
    """Temperatures (n_sweeps,) that fall in equal steps from t_start to t_end; the last alone if there is one sweep."""
    return np.linspace(config.t_end, config.t_start, n_sweeps)[::-1]


LENGTHS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def speed_accuracy(A, config, seed):
    """{length: (annealed, at T = 10)} accuracies of single chains of one network for each of LENGTHS, in sweeps."""
    curve = {}
    for n in LENGTHS:
        rng, trials = generators(seed)["test"], config.n_trials
        fixed = np.full(n, TEMPERATURE)
        curve[n] = (recall(A, rng, cooling(config, n), trials)[0], recall(A, rng, fixed, trials)[0])
    return curve


def metrics_of(result, i, config, seed):
    """Metrics of network `i`; those of single chains come from a generator of their own."""
    A = result["A"][i]
    single, exact = recall(A, generators(seed)["test"], cooling(config, config.gibbs_sweeps), config.n_trials)
    constant = np.full(config.gibbs_sweeps, TEMPERATURE)
    return {
        "asymptotic_accuracy": float(result["accuracy"][i]),
        "single_chain_accuracy": single,
        "single_chain_exact": exact,
        "unannealed_accuracy": recall(A, generators(seed)["test"], constant, config.n_trials)[0],
        "solved": bool(result["solved"][i]),
        "distinct_codes": int(result["distinct_codes"][i]),
        "min_hamming": int(result["min_hamming"][i]),
        "epochs": int(result["epochs"][i]),
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
    if config.print_curve:
        for n, (annealed, fixed) in speed_accuracy(result["A"][0], config, seeds[0]).items():
            print(f"{n:4d} sweeps: {annealed:.3f} annealed, {fixed:.3f} at T = {TEMPERATURE:g}", flush=True)
    return [metrics_of(result, i, config, seed) for i, seed in enumerate(seeds)]


def run(seed, on_step=None, **settings):
    """Metrics of one seed; `settings` are fields of Config."""
    return run_batch([seed], on_step, **settings)[0]


def main(argv=None):
    """Command line; returns the exit status."""
    return command_line(argv, slug="encoder-40-10-40", doc=__doc__, config_class=Config, claims=CLAIMS, quick=QUICK,
                        run=run, run_batch=run_batch, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
