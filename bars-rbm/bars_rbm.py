"""The bars problem by contrastive divergence (Hinton 2000, 2002; the bars are Foldiak's, 1990).

Images of 4 x 4 pixels are the OR of bars, four rows and four columns, each there with its own small probability. A
restricted Boltzmann machine sees the images alone. Recovered means: for each bar a hidden unit whose weights are it.

Three ways to estimate the second half of the learning rule, <v h>_data - <v h>_model:

- cd: k steps of Gibbs sampling from the data (contrastive divergence; k = 1 is the headline run),
- pcd: chains that live on from update to update (Tieleman 2008),
- exact: the sum over all states of the hidden units, so the true gradient of the log-likelihood.

What makes the recovery reliable is in the recipe: a sparsity cost, weight decay that outweighs what is left of a mixed
solution, visible biases that start with a dark image, and enough learning. The README takes them out one by one.
All evaluation is exact, over all 2^8 sets of bars and all states of the hidden units. Many seeds train at once along
the leading axis S.

Left out: nothing of the method; the exact sizes of the first experiments are not followed, the catalog's are.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from shared import InputError, NonFiniteError, Options, command_line, generators, gradcheck, option


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    n_hidden: int = option(8, "hidden units", low=1, high=16)
    n_epochs: int = option(40, "passes over the training images", low=1)
    n_train: int = option(2000, "training images", low=1)
    batch_size: int = option(20, "images per update, and chains of pcd", low=1)
    p_bar: float = option(0.125, "probability of each bar", above=0, below=1)
    algorithm: str = option("cd", "how <v h> of the model is estimated", choices=("cd", "pcd", "exact"))
    k: int = option(1, "steps of Gibbs sampling per update", low=1)
    sample_visible: bool = option(False, "cd: reconstruct with samples of the pixels, not with their probabilities")
    lr: float = option(1.0, "weight step", above=0)
    momentum: float = option(0.5, "momentum", low=0, below=1)
    weight_decay: float = option(0.001, "weight decay of W, not of the biases", low=0)
    sparsity_cost: float = option(0.1, "pull of the hidden biases towards the sparsity target", low=0)
    sparsity_target: float = option(0.0, "wanted share of images that a hidden unit is on for; 0 is 1 / n_hidden",
                                    low=0, below=1)
    visible_bias: str = option("dark", "visible biases start at -4, at the logit of the pixels' means, or at 0",
                               choices=("dark", "data", "zero"))
    hidden_bias: str = option("target", "hidden biases start at the logit of the sparsity target, or at 0",
                              choices=("target", "zero"))
    init_scale: float = option(0.1, "standard deviation of the initial weights", above=0)

    def __post_init__(self):
        super().__post_init__()
        if self.batch_size > self.n_train:
            raise InputError(f"--batch-size {self.batch_size}: must be at most --n-train {self.n_train}")

    @property
    def target(self):
        """The sparsity target that is used."""
        return self.sparsity_target or min(1 / self.n_hidden, 0.5)


QUICK = {"n_epochs": 4, "n_train": 400}

SOURCE = "Hinton 2000, 2002 for the method"
CLAIMS = [
    {"claim": "8 hidden units find all eight bars on every seed", "source": SOURCE, "paper": None,
     "earlier": "2 of 10", "metric": "all_bars", "statistic": "rate", "op": ">=", "threshold": 1.0},
    {"claim": "mean purity of the 8 hidden units", "source": SOURCE, "paper": None,
     "earlier": 0.90, "metric": "mean_purity", "statistic": "mean", "op": ">=", "threshold": 0.95},
    {"claim": "16 hidden units find all eight bars on every seed", "source": SOURCE, "paper": None,
     "earlier": "1 of 1", "metric": "all_bars", "statistic": "rate", "op": ">=", "threshold": 1.0,
     "config": {"n_hidden": 16}},
]

# ---- data ----------------------------------------------------------------------------------------------------------

SIDE, D = 4, 16  # pixels per side, visible units
ROWS = np.kron(np.eye(SIDE), np.ones(SIDE))  # (4, 16)
COLUMNS = np.kron(np.ones(SIDE), np.eye(SIDE))
BARS = np.concatenate([ROWS, COLUMNS])  # (8, 16): H1 to H4, then V1 to V4


def bits(n):
    """All states (2^n, n) of n binary units, the first unit changing slowest."""
    return ((np.arange(2**n)[:, None] >> np.arange(n)[::-1]) & 1).astype(float)


ALL_SETS = bits(8)  # every set of bars
ALL_IMAGES = (ALL_SETS @ BARS > 0).astype(float)  # (256, 16) and its image; all rows or all columns: the same white one


def p_of_sets(config):
    """Probability (256,) of each set of bars."""
    return np.where(ALL_SETS == 1, config.p_bar, 1 - config.p_bar).prod(axis=1)


def best_log_likelihood(config):
    """Minus the entropy of the images, in nats: what no model can exceed."""
    which = np.unique(ALL_IMAGES, axis=0, return_inverse=True)[1].ravel()
    p = np.bincount(which, p_of_sets(config))
    return float(p @ np.log(p))


def draw_images(config, rng, n):
    """`n` images (n, 16) of zeros and ones: each bar is there with p_bar, a pixel is the OR of its two bars."""
    return ((rng.random((n, 8)) < config.p_bar) @ BARS > 0).astype(float)


# ---- model ---------------------------------------------------------------------------------------------------------
# All parameters of a network stand in one matrix A (17, H + 1): W in A[:16, :H], b_h in the last row, b_v in the last
# column; the corner stays 0. With a 1 appended to v and to h, -E = v A h, and <v h> is the gradient of all of them.


def unpack(A):
    """Views on the parameters A (..., 17, H + 1) by name: W (..., 16, H), b_v (..., 16), b_h (..., H)."""
    return {"W": A[..., :D, :-1], "b_v": A[..., :D, -1], "b_h": A[..., D, :-1]}


def sigmoid(x):
    """1 / (1 + exp(-x)) as a tanh, which cannot overflow; overwrites `x`."""
    x *= 0.5
    np.tanh(x, out=x)
    x *= 0.5
    x += 0.5
    return x


def with_one(x):
    """`x` (..., n) with a unit that is always on as its last."""
    return np.concatenate([x, np.ones((*x.shape[:-1], 1))], axis=-1)


def hidden(A, v, out=None):
    """P(h on | v) (S, N, H) for `v` (S, N, 17) with its 1."""
    return sigmoid(np.matmul(v, A[:, :, :-1], out=out))


def visible(A, h, out=None):
    """P(v on | h) (S, N, 16) for `h` (S, N, H + 1) with its 1."""
    return sigmoid(np.matmul(h, A[:, :D].swapaxes(1, 2), out=out))


@lru_cache
def hidden_states(n):
    """All states of n hidden units with their 1, (2^n, n + 1)."""
    return with_one(bits(n))


def summed_out(A):
    """(log Z (S,), P(h) (S, 2^H), visible nets (S, 2^H, 16)): log sum_v exp(-E) = b_h h + sum_i softplus(net_i)."""
    h = hidden_states(A.shape[2] - 1)
    net = h @ A[:, :D].swapaxes(1, 2)
    log_p = (h @ A[:, D][:, :, None])[:, :, 0] + np.logaddexp(0, net).sum(axis=2)
    log_z = np.logaddexp.reduce(log_p, axis=1)
    return log_z, np.exp(log_p - log_z[:, None]), net


def model_statistics(A):
    """<v h> (S, 17, H + 1) under the model, by enumeration; the last row and column are <h> and <v>."""
    _, p, net = summed_out(A)
    v = with_one(sigmoid(net))  # E[v | h]
    v *= p[:, :, None]
    return v.swapaxes(1, 2) @ hidden_states(A.shape[2] - 1)


def data_statistics(A, v, p):
    """<v h> (S, 17, H + 1) with the images `v` (N, 17), of probability `p` (N,), clamped."""
    h = with_one(hidden(A, v))
    h *= p[:, None]
    return v.T @ h


def log_likelihood(A, v, p):
    """Mean log-likelihood (S,) in nats of the images `v` (N, 17) of probability `p` (N,)."""
    net = v @ A  # (S, N, H + 1), the last column is b_v v (+ 0)
    log_z = np.concatenate([summed_out(a[None])[0] for a in A])  # one by one: 2^16 states are large
    return ((net[:, :, -1] + np.logaddexp(0, net[:, :, :-1]).sum(axis=2)) * p).sum(axis=1) - log_z


def gradient(A, v, p):
    """Gradient of `log_likelihood` by parameter name: <v h> of the data minus <v h> of the model."""
    return unpack(data_statistics(A, v, p) - model_statistics(A))


# ---- training ------------------------------------------------------------------------------------------------------


def initial(config, rng, images):
    """Starting parameters (17, H + 1) of one network, for its training `images` (n_train, 16)."""
    A = np.zeros((D + 1, config.n_hidden + 1))
    A[:D, :-1] = rng["init"].normal(0, config.init_scale, (D, config.n_hidden))
    if config.visible_bias == "data":
        mean = np.clip(images.mean(axis=0), 0.01, 0.99)
        A[:D, -1] = np.log(mean / (1 - mean))
    elif config.visible_bias == "dark":
        A[:D, -1] = -4.0  # a pixel is off unless a hidden unit asks for it, so what is on must be explained
    if config.hidden_bias == "target":
        A[D, :-1] = np.log(config.target / (1 - config.target))
    return A


def draws_per_step(config):
    """Uniform numbers per image and step of Gibbs sampling: one per hidden unit, and one per pixel if it is sampled."""
    return config.n_hidden + D * (config.sample_visible or config.algorithm == "pcd")


def gibbs(A, v, h, config, noise, v_out, h_out):
    """k steps of Gibbs sampling from P(h on | v) = `h` (S, B, H); v_out (S, B, 17), h_out (S, B, H) get the last one's.

    `noise` (S, B, k * draws): uniform numbers. The last h is probabilities; so is every v, unless it is sampled.
    """
    H, draws = config.n_hidden, draws_per_step(config)
    sample = np.ones((*h.shape[:2], H + 1))
    for step in range(config.k):
        u = noise[:, :, step * draws : (step + 1) * draws]
        np.less(u[:, :, :H], h, out=sample[:, :, :H])
        p = visible(A, sample)
        v_out[:, :, :D] = u[:, :, H:] < p if draws > H else p
        h = hidden(A, v_out, out=h_out)


def train(config, rng, *, on_step=None):
    """Train one network per entry of `rng` (a set of generators, or a list of sets).

    Returns the parameters A (S, 17, H + 1). The hook gets the number of epochs done and A, and `hidden_on` (S,): the
    share of hidden units that were on in the last batch. Raises NonFiniteError with the number of updates.
    """
    rngs = rng if isinstance(rng, list) else [rng]
    S, B, H = len(rngs), config.batch_size, config.n_hidden
    n_batches = config.n_train // B
    images = np.stack([draw_images(config, r["data"], config.n_train) for r in rngs])  # (S, n_train, 16)
    A = np.stack([initial(config, r, x) for r, x in zip(rngs, images, strict=True)])  # (S, 17, H + 1)
    velocity, grad = np.zeros_like(A), np.empty_like(A)
    v, h = np.ones((S, 2 * B, D + 1)), np.ones((S, 2 * B, H + 1))  # data above, model below, both with their 1
    h[:, B:] = -1  # the model's half counts negative: one product v'h then gives <v h>_data - <v h>_model
    p_data, p_model, v_data, v_model = np.empty((S, B, H)), np.empty((S, B, H)), v[:, :B], v[:, B:]
    if config.algorithm == "pcd":  # the chains start from noise as dark as the data
        v_model[:, :, :D] = np.stack([r["noise"].random((B, D)) for r in rngs]) < images.mean(axis=1, keepdims=True)
    half = B if config.algorithm == "exact" else 2 * B
    if on_step:
        on_step(0, {"A": A, "hidden_on": np.full(S, config.target)})

    for epoch in range(1, config.n_epochs + 1):
        order = np.stack([r["data"].permutation(config.n_train) for r in rngs])[:, :, None]
        batches = np.take_along_axis(images, order, axis=1)
        if config.algorithm != "exact":
            shape = (n_batches, B, config.k * draws_per_step(config))
            noise = np.stack([r["noise"].random(shape, dtype=np.float32) for r in rngs])
        for b in range(n_batches):
            v_data[:, :, :D] = batches[:, b * B : (b + 1) * B]
            hidden(A, v_data, out=p_data)
            if config.algorithm == "cd":
                gibbs(A, v_data, p_data, config, noise[:, b], v_model, p_model)
            elif config.algorithm == "pcd":
                gibbs(A, v_model, hidden(A, v_model), config, noise[:, b], v_model, p_model)
            h[:, :B, :H] = p_data
            np.negative(p_model, out=h[:, B:, :H])
            np.matmul(v[:, :half].swapaxes(1, 2), h[:, :half], out=grad)
            grad /= B
            if config.algorithm == "exact":
                grad -= model_statistics(A)
            hidden_on = p_data.mean(axis=1)  # (S, H)
            grad[:, :D, :H] -= config.weight_decay * A[:, :D, :H]
            grad[:, D, :H] += config.sparsity_cost * (config.target - hidden_on)
            grad *= config.lr
            velocity *= config.momentum
            velocity += grad
            velocity[:, D, H] = 0  # the corner is no parameter
            A += velocity
        if not np.isfinite(A).all():
            raise NonFiniteError(epoch * n_batches)
        if on_step:
            on_step(epoch, {"A": A, "hidden_on": hidden_on.mean(axis=1)})
    return A


# ---- evaluation ----------------------------------------------------------------------------------------------------


def purity(A):
    """Cosine (S, H, 8) of the weights of each hidden unit with each bar: 1 is the bar and nothing else."""
    W = A[:, :D, :-1]
    return W.swapaxes(1, 2) @ BARS.T / (np.linalg.norm(W, axis=1)[:, :, None] * np.sqrt(SIDE) + 1e-300)


def recovered(A):
    """Bars (S, 8) that some hidden unit stands for: they are its purest, and the purity is 0.5 at least."""
    cosine = purity(A)
    best, bar = cosine.max(axis=2), cosine.argmax(axis=2)
    return ((bar[:, :, None] == np.arange(8)) & (best >= 0.5)[:, :, None]).any(axis=1)


def evaluate(A, config):
    """Exact state of each network, arrays (S,): over all sets of bars with their probability, so nothing to hold out.

    bars_recovered, mean_purity (over the hidden units), reconstruction_mse of P(v | P(h | v)), log_likelihood.
    """
    v, p = with_one(ALL_IMAGES), p_of_sets(config)
    again = visible(A, with_one(hidden(A, v)))  # (S, 256, 16)
    return {"bars_recovered": recovered(A).sum(axis=1), "mean_purity": purity(A).max(axis=2).mean(axis=1),
            "reconstruction_mse": (((again - ALL_IMAGES) ** 2).mean(axis=2) * p).sum(axis=1),
            "log_likelihood": log_likelihood(A, v, p)}


def metrics_of(now, i):
    """Metrics of network `i` of what `evaluate` gave."""
    n = int(now["bars_recovered"][i])
    names = ("mean_purity", "reconstruction_mse", "log_likelihood")
    return {"all_bars": n == len(BARS), "bars_recovered": n, **{name: float(now[name][i]) for name in names}}


def gradient_check(config, seed):
    """Largest relative error of `gradient` per parameter, and the tolerance; weights of order one, 2^H states."""
    rng = generators(seed)["test"]
    A = rng.normal(size=(1, D + 1, config.n_hidden + 1))
    A[:, D, -1] = 0
    v, p = with_one(ALL_IMAGES), p_of_sets(config)
    params = {name: x[0] for name, x in unpack(A).items()}  # views: a change there is a change of A
    grads = {name: x[0] for name, x in gradient(A, v, p).items()}
    return gradcheck(lambda: float(log_likelihood(A, v, p)[0]), params, grads, eps=1e-4, rng=rng), 1e-6


# ---- running -------------------------------------------------------------------------------------------------------


def run_batch(seeds, on_step=None, **settings):
    """Metrics of each of `seeds`, trained at once; equal to their single runs."""
    config = Config(**settings)
    now = evaluate(train(config, [generators(seed) for seed in seeds], on_step=on_step), config)
    return [metrics_of(now, i) for i in range(len(seeds))]


def run(seed, on_step=None, **settings):
    """Metrics of one seed; `settings` are fields of Config."""
    return run_batch([seed], on_step, **settings)[0]


def main(argv=None):
    """Command line; returns the exit status."""
    return command_line(argv, slug="bars-rbm", doc=__doc__, config_class=Config, claims=CLAIMS, quick=QUICK, run=run,
                        run_batch=run_batch, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
