"""Reading words, damage and recovery (Hinton & Sejnowski 1986, PDP volume 1, chapter 7).

Thirty grapheme units (three letters of ten) drive thirty sememe units (the meaning) through twenty hidden units. Twenty
arbitrary pairs of word and meaning are learned, the weights of the hidden units are damaged, and eighteen of the pairs
are learned again. The two words that are not rehearsed come back part of the way by themselves: spontaneous recovery.

- boltzmann: Boltzmann learning with the graphemes clamped throughout. With the meaning clamped too, the hidden units
  are independent and their means exact; without it, hidden and sememe units are annealed from a random state.
- backprop: the same layers as a feed-forward net of sigmoid units, cross-entropy, for comparison.

The damage is noise on all weights to and from the hidden units, or weights set to zero. Evaluation is by annealing with
random numbers of its own, the same ones each time. Many seeds train at once along the leading axis S.

Left out: connections among the sememe units; the paper's temperatures and step sizes, which are not followed.
"""

from dataclasses import dataclass, replace

import numpy as np

from shared import NonFiniteError, Options, command_line, generators, gradcheck, n_parameters, option, unpack


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    algorithm: str = option("boltzmann", "Boltzmann learning, or back-propagation", choices=("boltzmann", "backprop"))
    n_hidden: int = option(20, "hidden units", low=1)
    n_epochs: int = option(600, "learning cycles before the damage", low=1, alias=("--epochs",))
    n_relearn: int = option(40, "learning cycles after the damage, on eighteen words", low=1)
    lr: float = option(1.0, "learning rate; it falls to a quarter in the course of learning", above=0)
    lr_relearn: float = option(0.1, "learning rate after the damage", above=0)
    momentum: float = option(0.5, "momentum", low=0, below=1)
    weight_decay: float = option(0.002, "weight decay, not of the biases", low=0)
    decay_relearn: float = option(0.002, "weight decay after the damage", low=0)
    init_scale: float = option(0.1, "standard deviation of the initial weights", above=0)
    p_sememe: float = option(0.2, "probability that a sememe belongs to a meaning", above=0, below=1)
    damage: str = option("noise", "noise on the weights, weights set to zero, or cut for good",
                         choices=("noise", "zero", "cut"))
    severity: float = option(1.25, "noise: uniform within this many standard deviations of the weights; else the share "
                             "of weights that goes", low=0)
    n_chains: int = option(8, "annealings per word and learning cycle", low=1)
    anneal_sweeps: int = option(10, "sweeps of an annealing", low=1)


QUICK = {"n_epochs": 12, "n_relearn": 5}

PAPER = "Hinton & Sejnowski 1986"
BACKPROP = {"algorithm": "backprop", "n_epochs": 1500, "lr": 0.4, "momentum": 0.9, "lr_relearn": 0.02, "severity": 2.0}
CLAIMS = [
    {"claim": "words read without an error before the damage, mean", "source": PAPER, "paper": None, "earlier": 1.0,
     "metric": "words_learned", "statistic": "mean", "op": ">=", "threshold": 0.99},
    {"claim": "recovery of the two words not rehearsed, percentage points of sememes, mean", "source": PAPER,
     "paper": None, "earlier": "2.0, by back-propagation", "metric": "recovery_pp", "statistic": "mean", "op": ">=",
     "threshold": 10.0},
    {"claim": "seeds on which they recover", "source": PAPER, "paper": None, "earlier": "about half",
     "metric": "recovered", "statistic": "rate", "op": ">=", "threshold": 0.9},
    {"claim": "share of the two words read without an error afterwards, mean", "source": PAPER,
     "paper": "nearly all", "earlier": 0.0, "metric": "unrehearsed_words_relearned", "statistic": "mean", "op": ">=",
     "threshold": 0.9},
    {"claim": "back-propagation: recovery in percentage points, mean", "source": PAPER, "paper": None, "earlier": 2.0,
     "metric": "recovery_pp", "statistic": "mean", "op": ">=", "threshold": 10.0, "config": BACKPROP},
]

# ---- data ----------------------------------------------------------------------------------------------------------

N_WORDS, N_OUT, N_LETTERS, N_PLACES, N_SEMEMES = 20, 2, 10, 3, 30  # words 0 and 1 are the ones not rehearsed
N_GRAPHEMES = N_LETTERS * N_PLACES
GROUPS = {"rehearsed": slice(N_OUT, N_WORDS), "unrehearsed": slice(0, N_OUT)}


def make_words(config, rng):
    """(graphemes (20, 30), sememes (20, 30)) of zeros and ones: three letters, one of ten each, and a random meaning.

    No word comes up twice; nor does a meaning, and none is empty.
    """
    words = rng["data"].permutation(N_LETTERS**N_PLACES)[:N_WORDS]
    letters = words[:, None] // N_LETTERS ** np.arange(N_PLACES) % N_LETTERS  # (20, 3)
    graphemes = (letters[:, :, None] == np.arange(N_LETTERS)).reshape(N_WORDS, -1).astype(float)
    while True:
        sememes = (rng["data"].random((N_WORDS, N_SEMEMES)) < config.p_sememe).astype(float)
        if len(np.unique(sememes, axis=0)) == N_WORDS and sememes.any(axis=1).all():
            return graphemes, sememes


# ---- model ---------------------------------------------------------------------------------------------------------


def layout(config):
    """{name: shape} of the parameters of one network; one flat vector holds them in this order."""
    H = config.n_hidden
    return {"W1": (N_GRAPHEMES, H), "b1": (1, H), "W2": (H, N_SEMEMES), "b2": (1, N_SEMEMES)}


def sigmoid(x):
    """1 / (1 + exp(-x)) as a tanh, which cannot overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def bits(n):
    """All states (2^n, n) of n binary units, the first unit changing slowest."""
    return ((np.arange(2**n)[:, None] >> np.arange(n)[::-1]) & 1).astype(float)


def products(x, h, s):
    """s_i s_j of every connection and s_i of every bias, summed over the words (S, P); x, h, s (S, N, units)."""
    parts = [x.swapaxes(1, 2) @ h, h.sum(axis=1), h.swapaxes(1, 2) @ s, s.sum(axis=1)]
    return np.concatenate([part.reshape(len(x), -1) for part in parts], axis=1)


def clamped(params, x, d):
    """Products with words `x` and meanings `d` (S, N, 30) clamped; hidden units are independent, their means exact."""
    h = sigmoid(x @ params["W1"] + params["b1"] + d @ params["W2"].swapaxes(1, 2))
    return products(x, h, d)


def anneal(params, x, noise, temperatures):
    """Hidden and sememe units annealed with the words clamped; returns the sememes' last states and P(on).

    x (S, C, 30), in float32; noise: uniform numbers start (S, C, 30), hidden (S, sweeps, C, H), sememes (S, sweeps, C,
    30). A sweep sets all hidden units given the sememes, then all sememes. P(on) (S, C, 30) is the mean over the sweeps
    at temperature 1.
    """
    W1, b1, W2, b2 = (params[name].astype(np.float32) for name in ("W1", "b1", "W2", "b2"))
    drive, back = x @ W1 + b1, np.ascontiguousarray(W2.swapaxes(1, 2))
    s, mean = (noise["start"] < 0.2).astype(np.float32), 0
    for t, T in enumerate(temperatures):
        h = (noise["hidden"][:, t] < sigmoid((drive + s @ back) / np.float32(T))).astype(np.float32)
        p = sigmoid((h @ W2 + b2) / np.float32(T))
        s = (noise["sememes"][:, t] < p).astype(np.float32)
        if T == 1:
            mean = mean + p
    return s, mean / np.float32(sum(T == 1 for T in temperatures))


def uniform(shapes, rngs, role):
    """{name: uniform numbers (S, *shape)} in float32, one block from each network's own generator."""
    sizes = [int(np.prod(shape)) for shape in shapes.values()]
    block = np.stack([rng[role].random(sum(sizes), dtype=np.float32) for rng in rngs])
    parts = np.split(block, np.cumsum(sizes)[:-1], axis=1)
    return {name: part.reshape(len(rngs), *shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}


def noise_shapes(n_chains, anneal_sweeps, config):
    """Shapes of the uniform numbers of `anneal`."""
    return {"start": (n_chains, N_SEMEMES), "hidden": (anneal_sweeps, n_chains, config.n_hidden),
            "sememes": (anneal_sweeps, n_chains, N_SEMEMES)}


def schedule(anneal_sweeps, n_last):
    """Temperatures of an annealing: 1 / T rises evenly from 0.2 to 1 in `anneal_sweeps`, then `n_last` sweeps at 1."""
    return [*(1 / np.linspace(0.2, 1, anneal_sweeps + 1)[:-1]), *[1.0] * n_last]


def free(params, x, config, rngs):
    """Products with the words `x` (S, N, 30) clamped and the meanings free, from n_chains annealings per word."""
    temperatures, many = schedule(config.anneal_sweeps, 1), np.repeat(x, config.n_chains, axis=1)
    noise = uniform(noise_shapes(many.shape[1], len(temperatures), config), rngs, "noise")
    s, _ = anneal(params, many.astype(np.float32), noise, temperatures)
    return clamped(params, many, s.astype(float)) / config.n_chains  # hidden units by their means, less noise


def free_exactly(params, x, config):
    """What `free` estimates, by enumerating all states of the hidden units; returns (products, log Z (S, N))."""
    h = bits(config.n_hidden)  # (2^H, H)
    net = h @ params["W2"] + params["b2"]  # (S, 2^H, 30)
    minus_e = (x @ params["W1"] + params["b1"]) @ h.T + np.logaddexp(0, net).sum(axis=2)[:, None]  # (S, N, 2^H)
    log_z = np.logaddexp.reduce(minus_e, axis=2)
    p = np.exp(minus_e - log_z[:, :, None])  # P(h | word)
    at_h, s = p @ h, p.sum(axis=1)[:, :, None] * sigmoid(net)
    parts = [x.swapaxes(1, 2) @ at_h, at_h.sum(axis=1), h.T @ s, s.sum(axis=1)]
    return np.concatenate([part.reshape(len(x), -1) for part in parts], axis=1), log_z


def forward(params, x):
    """Hidden h and sememe y activities (S, N, units) of the feed-forward net."""
    h = sigmoid(x @ params["W1"] + params["b1"])
    return h, sigmoid(h @ params["W2"] + params["b2"])


def log_likelihood(params, x, d, config):
    """Sum (S,) over the words of log P(meaning | word): exact for the Boltzmann machine, for small n_hidden."""
    if config.algorithm == "backprop":
        y = forward(params, x)[1]
        return np.log(np.where(d == 1, y, 1 - y)).sum(axis=(1, 2))
    net = x @ params["W1"] + params["b1"] + d @ params["W2"].swapaxes(1, 2)
    up = np.logaddexp(0, net).sum(axis=2) + (d @ params["b2"].swapaxes(1, 2))[:, :, 0]
    return (up - free_exactly(params, x, config)[1]).sum(axis=1)


def backprop(params, x, d, config):
    """Gradient (S, P) of `log_likelihood` of the feed-forward net: cross-entropy and sigmoids."""
    h, y = forward(params, x)
    delta2 = d - y
    delta1 = delta2 @ params["W2"].swapaxes(1, 2) * h * (1 - h)
    parts = [x.swapaxes(1, 2) @ delta1, delta1.sum(axis=1), h.swapaxes(1, 2) @ delta2, delta2.sum(axis=1)]
    return np.concatenate([part.reshape(len(x), -1) for part in parts], axis=1)


def gradient(params, x, d, config):
    """Gradient of `log_likelihood` by parameter name: by back-propagation, or p_ij - p'_ij by enumeration."""
    if config.algorithm == "backprop":
        return unpack(backprop(params, x, d, config), layout(config))
    return unpack(clamped(params, x, d) - free_exactly(params, x, config)[0], layout(config))


# ---- training ------------------------------------------------------------------------------------------------------


STAGES = ("learned", "damaged", "relearned")


def initial(config, rng):
    """Fresh parameters (P,) of one network: weights normal, biases zero but for the sememes', which know how rare."""
    theta = np.zeros(n_parameters(layout(config)))
    params = unpack(theta, layout(config))
    for name in ("W1", "W2"):
        params[name][:] = rng["init"].normal(0, config.init_scale, params[name].shape)
    params["b2"][:] = np.log(config.p_sememe / (1 - config.p_sememe))
    return theta


def weights_only(config):
    """1 for the weights, 0 for the biases (P,): what decays and what is damaged."""
    mask = np.zeros(n_parameters(layout(config)))
    for name in ("W1", "W2"):
        unpack(mask, layout(config))[name][:] = 1
    return mask


def damage(theta, config, rngs):
    """(damaged parameters (S, P), what may still change (S, P)): all weights to and from the hidden units are hit."""
    theta, alive = theta.copy(), np.ones_like(theta)
    params, living = unpack(theta, layout(config)), unpack(alive, layout(config))
    for name in ("W1", "W2"):
        w = params[name]
        u = np.stack([rng["init"].random(w.shape[1:]) for rng in rngs])
        if config.damage == "noise":
            w += config.severity * w.std(axis=(1, 2), keepdims=True) * (2 * u - 1)
        else:
            w *= u >= config.severity
            if config.damage == "cut":
                living[name][:] = u >= config.severity
    return theta, alive


def learn(theta, alive, words, config, rngs, hook):
    """`config.n_epochs` learning cycles on `words`, graphemes x and sememes d (S, N, 30); returns theta (S, P)."""
    x, d = words
    velocity, decay = np.zeros_like(theta), config.weight_decay * weights_only(config)
    for epoch in range(config.n_epochs):
        params = unpack(theta, layout(config))
        if config.algorithm == "backprop":
            change = backprop(params, x, d, config)
        else:
            change = clamped(params, x, d) - free(params, x, config, rngs)
        velocity *= config.momentum
        velocity += config.lr * (1 - 0.75 * epoch / config.n_epochs) * (change / N_WORDS - decay * theta) * alive
        theta = theta + velocity
        if not np.isfinite(theta).all():
            raise NonFiniteError(epoch + 1)
        hook(epoch + 1, theta, np.abs(change).mean(axis=1) / x.shape[1])
    return theta


def train(config, rng, *, on_step=None):
    """Learn, damage and learn again, one network per entry of `rng` (a set of generators, or a list of sets).

    Returns words (x, d) (S, 20, 30) and, for the stages learned, damaged and relearned, theta (S, P) and P(on) (S, 20,
    30). The hook gets the number of cycles done, and theta, the index of the stage, mismatch (S,), the mean size of
    p_ij - p'_ij, and read, a function from theta to P(on). Raises NonFiniteError.
    """
    rngs = rng if isinstance(rng, list) else [rng]
    words = tuple(np.stack(part) for part in zip(*(make_words(config, r) for r in rngs), strict=True))
    theta = np.stack([initial(config, r) for r in rngs])
    read, stages = reader(words[0], config, rngs), {}

    def hook(stage, before):
        def call(epoch, theta, mismatch):
            if on_step:
                on_step(before + epoch, {"theta": theta, "stage": STAGES.index(stage), "mismatch": mismatch,
                                         "read": read})
        return call

    hook("learned", 0)(0, theta, np.zeros(len(rngs)))
    theta = learn(theta, 1.0, words, config, rngs, hook("learned", 0))
    stages["learned"] = theta
    theta, alive = damage(theta, config, rngs)
    stages["damaged"] = theta
    hook("damaged", config.n_epochs)(0, theta, np.zeros(len(rngs)))
    again = replace(config, n_epochs=config.n_relearn, lr=config.lr_relearn, weight_decay=config.decay_relearn)
    rehearsed = tuple(part[:, GROUPS["rehearsed"]] for part in words)
    stages["relearned"] = learn(theta, alive, rehearsed, again, rngs, hook("relearned", config.n_epochs))
    return {"words": words, "theta": stages, "p": {stage: read(theta) for stage, theta in stages.items()}}


# ---- evaluation ----------------------------------------------------------------------------------------------------

TEST_CHAINS, TEST_SWEEPS = 8, 10  # annealings per word, and sweeps at temperature 1 that are averaged


def reader(x, config, rngs):
    """A function from theta (S, P) to P(on) (S, 20, 30) of the sememes for the words `x`; the same noise each time."""
    many = np.repeat(x, TEST_CHAINS, axis=1).astype(np.float32)
    temperatures = schedule(config.anneal_sweeps, TEST_SWEEPS)
    noise = uniform(noise_shapes(many.shape[1], len(temperatures), config), rngs, "test")

    def read(theta):
        params = unpack(theta, layout(config))
        if config.algorithm == "backprop":
            return forward(params, x)[1]
        p = anneal(params, many, noise, temperatures)[1]
        return p.reshape(len(x), N_WORDS, TEST_CHAINS, -1).astype(float).mean(axis=2)

    return read


def scores(p, d):
    """{group: (share of sememes right, share of words without an error, specific)} for P(on) and meanings (20, 30).

    specific: by how much an answer agrees with its own meaning better than with the other nineteen; what is true of all
    meanings, such as that most sememes are off, does not count there.
    """
    answer = p > 0.5
    agreement = (answer[:, None] == (d == 1)).mean(axis=2)  # (20 answers, 20 meanings)
    own = np.diag(agreement)
    specific = own - (agreement.sum(axis=1) - own) / (N_WORDS - 1)
    return {name: tuple(float(v[group].mean()) for v in (own, own == 1, specific)) for name, group in GROUPS.items()}


def metrics_of(result, i):
    """Metrics of network `i`: sememes right (shares), words right (shares) and recoveries in percentage points."""
    d = result["words"][1][i]
    now = {stage: scores(p[i], d) for stage, p in result["p"].items()}
    before, after = now["damaged"]["unrehearsed"], now["relearned"]["unrehearsed"]
    learned = ((result["p"]["learned"][i] > 0.5) == (d == 1)).all(axis=1)
    metrics = {"recovery_pp": 100 * (after[0] - before[0]), "recovered": after[0] > before[0],
               "specific_pp": 100 * (after[2] - before[2]), "words_learned": float(learned.mean())}
    for stage in ("damaged", "relearned"):
        for group in GROUPS:
            metrics |= {f"{group}_{stage}": now[stage][group][0], f"{group}_words_{stage}": now[stage][group][1]}
    often = np.maximum(d.mean(axis=0), 1 - d.mean(axis=0)).mean()
    return metrics | {"base_rate": float(often)}  # sememes right when every word gets the same, best answer


def gradient_check(config, seed):
    """Largest relative error of `gradient` per parameter, and the tolerance; five hidden units, weights of order 1."""
    config, rng = replace(config, n_hidden=5), generators(seed)["test"]
    x, d = (part[None] for part in make_words(config, generators(seed)))
    theta = rng.normal(size=(1, n_parameters(layout(config))))
    params = unpack(theta, layout(config))
    grads = gradient(params, x, d, config)
    return gradcheck(lambda: float(log_likelihood(params, x, d, config)[0]), params, grads, rng=rng), 1e-6


# ---- running -------------------------------------------------------------------------------------------------------


def run_batch(seeds, on_step=None, **settings):
    """Metrics of each of `seeds`, trained at once; equal to their single runs."""
    config = Config(**settings)
    result = train(config, [generators(seed) for seed in seeds], on_step=on_step)
    return [metrics_of(result, i) for i in range(len(seeds))]


def run(seed, on_step=None, **settings):
    """Metrics of one seed; `settings` are fields of Config."""
    return run_batch([seed], on_step, **settings)[0]


def main(argv=None):
    """Command line; returns the exit status."""
    return command_line(argv, slug="grapheme-sememe", doc=__doc__, config_class=Config, claims=CLAIMS, quick=QUICK,
                        run=run, run_batch=run_batch, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
