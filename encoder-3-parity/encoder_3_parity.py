"""Three-bit even parity by Boltzmann learning (the argument for hidden units of Ackley, Hinton & Sejnowski 1985).

The four even patterns of three units have the same means and pair statistics as all eight patterns. A Boltzmann
machine without hidden units sees nothing else, so its best is the uniform distribution. One hidden unit is
enough to tell the ensemble apart: it adds an interaction of third order.

Two wirings: `paper`, in which the visible units are connected to each other as well, and `bipartite`, connections
between visible and hidden units only. Two ways to estimate the second half of the learning rule, p_ij - p'_ij:

- exact: from all eight visible states, the hidden units summed out; what then fails, fails for its energy landscape;
- cd: k steps of Gibbs sampling from the patterns (contrastive divergence, Hinton 2002).

A unit is worth -1 or +1 in the energy (`signed`) or 0 or 1 as in 1985 (`binary`). Both make the same distributions,
but the step up the gradient differs, and with it what is found. All evaluation is exact. Many seeds train at
once along the leading axis S.
"""

from dataclasses import dataclass

import numpy as np

from shared import NonFiniteError, Options, command_line, generators, gradcheck, n_parameters, option, unpack


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    n_hidden: int = option(1, "hidden units; 0 is the machine that must fail", low=0, high=8)
    connections: str = option("paper", "wiring: among the visible units too (paper), or V-H only (bipartite)",
                              choices=("paper", "bipartite"))
    units: str = option("signed", "states in the energy: -1 and +1 (signed), or 0 and 1 (binary)",
                        choices=("signed", "binary"))
    algorithm: str = option("exact", "how p'_ij is estimated", choices=("exact", "cd"))
    n_epochs: int = option(3000, "learning cycles", low=1, alias=("--epochs",))
    lr: float = option(0.3, "learning rate", above=0)
    momentum: float = option(0.9, "momentum", low=0, below=1)
    init_scale: float = option(0.5, "standard deviation of the initial weights; biases start at zero", low=0)
    k: int = option(5, "steps of Gibbs sampling of cd", low=1)
    n_chains: int = option(64, "chains per pattern of cd", low=1)

    @property
    def low(self):
        """What a unit that is off is worth."""
        return -1.0 if self.units == "signed" else 0.0


QUICK = {"n_epochs": 60}

PAPER = "Ackley, Hinton & Sejnowski 1985"
BIPARTITE = {"connections": "bipartite", "init_scale": 0.3}
CLAIMS = [
    {"claim": "one hidden unit: smallest probability of the even patterns", "source": PAPER, "paper": None,
     "earlier": 0.925, "metric": "p_even", "statistic": "min", "op": ">=", "threshold": 0.99},
    {"claim": "one hidden unit: largest KL divergence, in nats", "source": PAPER, "paper": None,
     "earlier": 0.10, "metric": "kl", "statistic": "max", "op": "<=", "threshold": 0.02},
    {"claim": "no hidden unit: every run ends at KL = ln 2, within 1e-6", "source": PAPER, "paper": "ln 2, in theory",
     "earlier": 0.6931, "metric": "floor_gap", "statistic": "max", "op": "<=", "threshold": 1e-6,
     "config": {"n_hidden": 0}},
    {"claim": "bipartite: three hidden units suffice on every seed", "source": PAPER, "paper": None, "earlier": None,
     "metric": "solved", "statistic": "rate", "op": ">=", "threshold": 1.0, "config": {"n_hidden": 3, **BIPARTITE}},
    {"claim": "bipartite: two hidden units suffice on no seed", "source": PAPER, "paper": None, "earlier": None,
     "metric": "solved", "statistic": "rate", "op": "<=", "threshold": 0.0, "config": {"n_hidden": 2, **BIPARTITE}},
    {"claim": "bipartite, four hidden units: contrastive divergence arrives on every seed", "source": PAPER,
     "paper": None, "earlier": "p_even 0.925, KL 0.10", "metric": "solved", "statistic": "rate", "op": ">=",
     "threshold": 1.0, "config": {"n_hidden": 4, **BIPARTITE, "algorithm": "cd", "lr": 0.05, "momentum": 0.5}},
]

# ---- data ----------------------------------------------------------------------------------------------------------


def bits(n):
    """All states (2^n, n) of n binary units, the first unit changing slowest."""
    return (np.arange(2**n)[:, None] >> np.arange(n)[::-1]) & 1


STATES = bits(3)  # (8, 3)
EVEN = STATES.sum(axis=1) % 2 == 0
TARGET = EVEN / EVEN.sum()  # (8,): 1/4 for each of 000, 011, 101, 110
PAIRS = ((0, 1), (0, 2), (1, 2))


# ---- model ---------------------------------------------------------------------------------------------------------


def layout(config):
    """{name: shape} of the parameters of one network; one flat vector holds them in this order."""
    shapes = {"b_v": (3,)}
    if config.connections == "paper":
        shapes["L"] = (len(PAIRS),)  # connections among the visible units
    if config.n_hidden:
        shapes |= {"W": (3, config.n_hidden), "b_h": (1, config.n_hidden)}
    return shapes


def features(config):
    """What b_v and L multiply in -E, in each visible state: v_i and, if they are connected, v_i v_j (8, 3 or 6)."""
    v = np.where(STATES, 1.0, config.low)
    pairs = [v[:, i] * v[:, j] for i, j in PAIRS] if config.connections == "paper" else []
    return np.column_stack([v, *pairs])


def tables(theta, config):
    """(visible (S, 8), net (S, 8, H)): -E = visible + sum_j h_j net_j in each visible state."""
    params, f = unpack(theta, layout(config)), features(config)
    direct = theta[:, : f.shape[1], None]  # b_v and L
    if not config.n_hidden:
        return (f @ direct)[:, :, 0], np.zeros((len(theta), 8, 0))
    return (f @ direct)[:, :, 0], f[:, :3] @ params["W"] + params["b_h"]


def log_p(theta, config):
    """log P(v) (S, 8) of every visible state; each hidden unit is summed out, log(exp(low net) + exp(net))."""
    visible, net = tables(theta, config)
    x = visible + np.logaddexp(config.low * net, net).sum(axis=2)
    x -= x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def sigmoid(x):
    """1 / (1 + exp(-x)) as a tanh, which cannot overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def statistics(theta, q, config):
    """<s_i s_j> of every connection and <s_i> of every bias (S, P), the visible states having probabilities q (S, 8).

    With q = TARGET this is p_ij, the patterns clamped; with q = P(v) it is p'_ij, the machine running free.
    """
    f, (_, net) = features(config), tables(theta, config)
    h = config.low + (1 - config.low) * sigmoid((1 - config.low) * net)  # E[h | v]: the two states differ by that in -E
    h *= q[:, :, None]
    direct = (q[:, None] @ f)[:, 0]
    return np.concatenate([direct, (f[:, :3].T @ h).reshape(len(q), -1), h.sum(axis=1)], axis=1)


def softmax(x, axis):
    """exp(x) normalised over `axis`."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def transition(theta, config):
    """P(v' | v) (S, 8, 8) of one step of Gibbs sampling, all of H given V and then all of V given H, summed over H.

    V is drawn as one of its eight states, so that connections among the visible units make no difference.
    """
    visible, net = tables(theta, config)
    h = np.where(bits(config.n_hidden), 1.0, config.low)  # (2^H, H)
    minus_e = visible[:, None] + h @ net.swapaxes(1, 2)  # (S, 2^H, 8)
    return softmax(minus_e, axis=1).swapaxes(1, 2) @ softmax(minus_e, axis=2)


def reconstructed(theta, config, rngs):
    """How often (S, 8) each visible state comes up when n_chains per pattern have made k steps of Gibbs sampling.

    The state after k steps is drawn at once, from the k-th power of the transition matrix: the same law, one draw.
    """
    p = np.linalg.matrix_power(transition(theta, config), config.k)[:, EVEN]  # (S, 4, 8)
    noise = np.stack([rng["noise"].random((4, config.n_chains)) for rng in rngs])
    states = (noise[:, :, :, None] > p.cumsum(axis=2)[:, :, None, :-1]).sum(axis=3)  # (S, 4, n_chains)
    return (states.reshape(len(p), -1, 1) == np.arange(8)).mean(axis=1)


def gradient(theta, config):
    """Gradient of the mean log-likelihood of the patterns, p_ij - p'_ij, by parameter name for one network."""
    p = np.exp(log_p(theta, config))
    g = statistics(theta, np.broadcast_to(TARGET, p.shape), config) - statistics(theta, p, config)
    return unpack(g[0], layout(config))


# ---- training ------------------------------------------------------------------------------------------------------


def initial(config, rng):
    """Fresh parameters (P,) of one network: weights normal with standard deviation init_scale, biases zero."""
    shapes = layout(config)
    theta = rng["init"].normal(0, config.init_scale, n_parameters(shapes))
    for name in ("b_v", "b_h"):
        if name in shapes:
            unpack(theta, shapes)[name][:] = 0
    return theta


def train(config, rng, *, on_step=None):
    """Train one network per entry of `rng` (a set of generators, or a list of sets).

    Returns arrays over the networks: theta (S, P), log_p (S, 8) and epochs, the cycles until first solved. The hook
    gets the number of cycles done, and theta, log_p and what `evaluate` gives. Raises NonFiniteError.
    """
    rngs = rng if isinstance(rng, list) else [rng]
    theta = np.stack([initial(config, r) for r in rngs])
    velocity = np.zeros_like(theta)
    target = np.broadcast_to(TARGET, (len(rngs), 8))
    epochs = np.full(len(rngs), config.n_epochs)

    for epoch in range(config.n_epochs + 1):
        now = log_p(theta, config)
        state = evaluate(now)
        if not np.isfinite(now).all():
            raise NonFiniteError(epoch)
        epochs = np.where(state["solved"], np.minimum(epochs, epoch), epochs)
        if on_step:
            on_step(epoch, {"theta": theta, "log_p": now, **state})
        if epoch == config.n_epochs:
            break
        q = np.exp(now) if config.algorithm == "exact" else reconstructed(theta, config, rngs)
        velocity *= config.momentum
        velocity += config.lr * statistics(theta, target - q, config)  # linear in q: p_ij - p'_ij at once
        theta = theta + velocity
    return {"theta": theta, "log_p": now, "epochs": epochs}


# ---- evaluation ----------------------------------------------------------------------------------------------------


def evaluate(log_p):
    """Exact state of each network (S,) from log P(v) (S, 8): the ensemble is the whole problem, nothing to hold out.

    kl: KL(ensemble || machine) in nats; p_even: probability of the four even patterns; solved: p_even is 0.99 at least
    and kl 0.02 at most.
    """
    kl = -(log_p[:, EVEN] + np.log(EVEN.sum())).mean(axis=1)
    p_even = np.exp(log_p[:, EVEN]).sum(axis=1)
    return {"kl": kl, "p_even": p_even, "solved": (p_even >= 0.99) & (kl <= 0.02)}


def metrics_of(result, i):
    """Metrics of network `i`; floor_gap is the distance of kl from ln 2, where the uniform distribution is."""
    state = evaluate(result["log_p"][i : i + 1])
    kl = float(state["kl"][0])
    return {"solved": bool(state["solved"][0]), "p_even": float(state["p_even"][0]), "kl": kl,
            "floor_gap": abs(kl - float(np.log(2))), "epochs": int(result["epochs"][i])}


def gradient_check(config, seed):
    """Largest relative error of `gradient` per parameter, and the tolerance; weights of order one, one network."""
    theta = generators(seed)["test"].normal(size=(1, n_parameters(layout(config))))
    params, grads = unpack(theta[0], layout(config)), gradient(theta, config)
    return gradcheck(lambda: float(log_p(theta, config)[0] @ TARGET), params, grads), 1e-7


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
    return command_line(argv, slug="encoder-3-parity", doc=__doc__, config_class=Config, claims=CLAIMS, quick=QUICK,
                        run=run, run_batch=run_batch, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
