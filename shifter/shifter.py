"""The shifter: which way was the second ring shifted? (Hinton & Sejnowski 1986, PDP volume 1, chapter 7).

V1 is a ring of random bits, V2 the same ring shifted by one place to the left, not at all, or to the right; one of the
three units V3 says which. No pair of units tells anything about the shift: what tells is the third-order agreement of a
bit of V1, a bit of V2 and a unit of V3, so the 24 hidden units must become detectors of such agreements.

A Boltzmann machine with connections between visible and hidden units only, in whose group V3 exactly one unit is on.
Two ways to estimate the second half of the learning rule, <v h> with everything clamped minus <v h>:

- exact: V1 and V2 stay clamped and V3 is free; three states of V3 can be summed over, so no sampling is left;
- cd: everything is free for k steps of Gibbs sampling (contrastive divergence, Hinton 2002).

V3 is read out the same way for both: its exact distribution given V1 and V2, the hidden units summed out. A unit is
worth -1 or +1 in the energy (`signed`) or 0 or 1 (`binary`). Many seeds train at once along the leading axis S.

Left out: simulated annealing, and the connections inside the visible groups.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from shared import NonFiniteError, Options, command_line, generators, gradcheck, n_parameters, option, unpack


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    n_ring: int = option(8, "bits of a ring", low=3, high=10, alias=("--N",))
    n_hidden: int = option(24, "hidden units", low=1, alias=("--hidden",))
    algorithm: str = option("exact", "how <v h> of the model is estimated", choices=("exact", "cd"))
    units: str = option("signed", "states in the energy: -1 and +1 (signed), or 0 and 1 (binary)",
                        choices=("signed", "binary"))
    n_epochs: int = option(50, "passes over the training cases", low=1, alias=("--epochs",))
    batch_size: int = option(64, "cases per update", low=1)
    lr: float = option(0.2, "learning rate; it falls to zero over the run", above=0)
    momentum: float = option(0.9, "momentum", low=0, below=1)
    init_scale: float = option(0.1, "standard deviation of the initial weights; biases start at zero", above=0)
    held_out: float = option(0.0, "share of the states of V1 that are held out, with all their shifts", low=0, high=0.9)
    k: int = option(1, "steps of Gibbs sampling of cd", low=1)

    @property
    def low(self):
        """What a unit that is off is worth."""
        return -1.0 if self.units == "signed" else 0.0


QUICK = {"n_epochs": 5}

PAPER = "Hinton & Sejnowski 1986"
CLAIMS = [
    {"claim": "shift told right with 1 to 7 bits on, smallest over the seeds", "source": PAPER,
     "paper": "0.50 to 0.89, by bits on", "earlier": "0.583 to 0.988, by bits on", "metric": "accuracy_1_7",
     "statistic": "min", "op": ">=", "threshold": 0.97},
    {"claim": "over all 768 cases, smallest over the seeds", "source": PAPER, "paper": None, "earlier": 0.923,
     "metric": "accuracy", "statistic": "min", "op": ">=", "threshold": 0.97},
    {"claim": "as many right as any machine can have: rings that look the same leave six wrong", "source": PAPER,
     "paper": None, "earlier": None, "metric": "optimal", "statistic": "rate", "op": ">=", "threshold": 0.9},
    {"claim": "the worst number of bits on, 1 to 7, mean over the seeds", "source": PAPER,
     "paper": "0.50 to 0.89, by bits on", "earlier": 0.583, "metric": "worst_1_7", "statistic": "mean", "op": ">=",
     "threshold": 0.89},
    {"claim": "a fifth of the states of V1 held out: accuracy on them, 1 to 7 bits on", "source": PAPER, "paper": None,
     "earlier": None, "metric": "test_accuracy_1_7", "statistic": "mean", "op": ">=", "threshold": 0.97,
     "config": {"held_out": 0.2}},
    {"claim": "contrastive divergence, binary units: over all 768 cases, mean over the seeds", "source": PAPER,
     "paper": None, "earlier": 0.923, "metric": "accuracy", "statistic": "mean", "op": ">=", "threshold": 0.97,
     "config": {"algorithm": "cd", "units": "binary", "n_epochs": 200, "batch_size": 16, "lr": 0.1}},
]

# ---- data ----------------------------------------------------------------------------------------------------------

SHIFTS = (-1, 0, 1)  # left, none, right: unit 0, 1, 2 of V3


def bits(n):
    """All states (2^n, n) of n binary units, the first unit changing slowest."""
    return (np.arange(2**n)[:, None] >> np.arange(n)[::-1]) & 1


@lru_cache
def cases(n):
    """(V1 and V2 (3 * 2^n, 2 n), shift (3 * 2^n,), bits on in V1 (3 * 2^n,)); the states of V1 in turn per shift."""
    v1 = bits(n)
    x = np.concatenate([np.concatenate([v1, np.roll(v1, s, axis=1)], axis=1) for s in SHIFTS])
    return x, np.repeat(np.arange(3), len(v1)), x[:, :n].sum(axis=1)


def best_possible(n):
    """Accuracy (n + 1,) by bits on that no machine can exceed: equal rings can come from different shifts."""
    x, _, on = cases(n)
    kinds = np.unique(x, axis=0, return_inverse=True)[1].ravel()
    share = 1 / np.bincount(kinds)[kinds]  # of k cases that look the same, one answer is right once
    return np.bincount(on, share) / np.bincount(on)


def split(config, rng):
    """Indices (train, test) of the cases of one network: whole states of V1 go to one side, with all three shifts."""
    n = 2**config.n_ring
    order = rng["test"].permutation(n)
    n_test = round(config.held_out * n)
    return tuple(np.sort((states[:, None] + n * np.arange(3)).ravel()) for states in (order[n_test:], order[:n_test]))


# ---- model ---------------------------------------------------------------------------------------------------------


def layout(config):
    """{name: shape} of the parameters of one network; one flat vector holds them in this order."""
    shapes = {"W": (2 * config.n_ring, config.n_hidden), "U": (3, config.n_hidden), "b_h": (1, config.n_hidden),
              "b_3": (1, 3)}
    return shapes | ({"b_v": (1, 2 * config.n_ring)} if config.algorithm == "cd" else {})  # clamped units need none


def sigmoid(x):
    """1 / (1 + exp(-x)) as a tanh, which cannot overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def mean_unit(net, config):
    """Expected state of a unit with input `net`: its two states differ by (1 - low) net in energy."""
    return np.tanh(net) if config.units == "signed" else sigmoid(net)


def softmax(x):
    """exp(x) normalised over the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def forward(params, v, config):
    """(net (S, N, 3, H), log P(V3) up to a constant (S, N, 3)) given V1 and V2 `v` (S, N, 2 n), hidden summed out.

    -E = sum_j h_j net_j + b_3, so log P(V3 = s) = b_3s + sum_j log(exp(low net_sj) + exp(net_sj)) - log Z.
    """
    net = (v @ params["W"] + params["b_h"])[:, :, None] + params["U"][:, None]
    return net, params["b_3"] + np.logaddexp(config.low * net, net).sum(axis=3)


def backward(v, shift, net, p, config, out):
    """Gradient of the mean log P(V3 | V1, V2) of the cases `v` (S, N, 2 n), `shift` (S, N), into the views `out`.

    <v h> with V3 clamped to the shift minus <v h> with V3 free, V1 and V2 clamped both times; `net` (S, N, 3, H) and
    P(V3) `p` (S, N, 3) as `forward` gives them.
    """
    d = ((shift[:, :, None] == np.arange(3)) - p) / v.shape[1]
    h = mean_unit(net, config)  # E[h | v, s]
    h *= d[:, :, :, None]
    both = h.sum(axis=2)
    np.matmul(v.swapaxes(1, 2), both, out=out["W"])
    np.sum(h, axis=1, out=out["U"])
    np.sum(both, axis=1, keepdims=True, out=out["b_h"])
    np.sum(d, axis=1, keepdims=True, out=out["b_3"])
    return out


def contrast(params, v, shift, config, noise, out):
    """<v h> of the data minus <v h> after k steps of Gibbs sampling, by parameter name, into the views `out`.

    `noise` (S, N, k, H + 2 n + 1): uniform numbers. The last hidden units are means; V3 is drawn as a whole.
    """
    _, N, D = v.shape
    H, v3 = config.n_hidden, (shift[:, :, None] == np.arange(3)).astype(float)
    out["W"][:], out["U"][:], out["b_h"][:], out["b_3"][:], out["b_v"][:] = 0, 0, 0, 0, 0
    for step in range(config.k + 1):
        net = v @ params["W"] + v3 @ params["U"] + params["b_h"]
        if step in (0, config.k):
            sign, h = (1 if step == 0 else -1) / N, mean_unit(net, config)
            out["W"] += sign * (v.swapaxes(1, 2) @ h)
            out["U"] += sign * (v3.swapaxes(1, 2) @ h)
            for name, x in (("b_h", h), ("b_3", v3), ("b_v", v)):
                out[name] += sign * x.sum(axis=1, keepdims=True)
        if step < config.k:
            u, gap = noise[:, :, step], 1 - config.low
            h = np.where(u[:, :, :H] < sigmoid(gap * net), 1.0, config.low)
            p = sigmoid(gap * (h @ params["W"].swapaxes(1, 2) + params["b_v"]))
            v = np.where(u[:, :, H : H + D] < p, 1.0, config.low)
            odds = softmax(h @ params["U"].swapaxes(1, 2) + params["b_3"]).cumsum(axis=2)
            v3 = np.eye(3)[(u[:, :, -1:] > odds[:, :, :2]).sum(axis=2)]
    return out


# ---- training ------------------------------------------------------------------------------------------------------


def initial(config, rng):
    """Fresh parameters (P,) of one network: weights normal with standard deviation init_scale, biases zero."""
    theta = np.zeros(n_parameters(layout(config)))
    params = unpack(theta, layout(config))
    for name in ("W", "U"):
        params[name][:] = rng["init"].normal(0, config.init_scale, params[name].shape)
    return theta


def train(config, rng, *, on_step=None):
    """Train one network per entry of `rng` (a set of generators, or a list of sets).

    Returns theta (S, P). The hook gets the number of passes done and params, loss (S,), the mean -log P(V3 | V1, V2) of
    the last pass, and wrong (S,), the share of errors. Raises NonFiniteError.
    """
    rngs = rng if isinstance(rng, list) else [rng]
    x, all_shifts, _ = cases(config.n_ring)
    x = np.where(x, 1.0, config.low)
    sets = np.stack([split(config, r)[0] for r in rngs])  # (S, n_train)
    theta = np.stack([initial(config, r) for r in rngs])
    velocity, grad = np.zeros_like(theta), np.empty_like(theta)
    params, grads = unpack(theta, layout(config)), unpack(grad, layout(config))
    S, n_train = sets.shape
    B = min(config.batch_size, n_train)
    n_batches = n_train // B
    n_steps, n_noise = config.n_epochs * n_batches, config.n_hidden + 2 * config.n_ring + 1
    if on_step:
        on_step(0, {"params": params, "loss": np.full(S, np.log(3)), "wrong": np.full(S, 2 / 3)})

    for epoch in range(config.n_epochs):
        order = np.stack([r["data"].permutation(s) for r, s in zip(rngs, sets, strict=True)])
        loss, wrong = np.zeros(S), np.zeros(S)
        for b in range(n_batches):
            batch = order[:, b * B : (b + 1) * B]
            v, shift = x[batch], all_shifts[batch]
            net, log_p = forward(params, v, config)
            p = softmax(log_p)  # (S, B, 3)
            if config.algorithm == "exact":
                backward(v, shift, net, p, config, grads)
            else:
                noise = np.stack([r["noise"].random((B, config.k, n_noise)) for r in rngs])
                contrast(params, v, shift, config, noise, grads)
            loss -= np.log(np.take_along_axis(p, shift[:, :, None], axis=2) + 1e-300).mean(axis=(1, 2)) / n_batches
            wrong += (p.argmax(axis=2) != shift).mean(axis=1) / n_batches
            velocity *= config.momentum
            velocity += config.lr * (1 - (epoch * n_batches + b) / n_steps) * grad
            theta += velocity
        if not np.isfinite(theta).all():
            raise NonFiniteError((epoch + 1) * n_batches)
        if on_step:
            on_step(epoch + 1, {"params": params, "loss": loss, "wrong": wrong})
    return theta


# ---- evaluation ----------------------------------------------------------------------------------------------------


def answers(params, config):
    """P(V3) (S, 3 * 2^n, 3) for every case, given V1 and V2; exact."""
    v = np.where(cases(config.n_ring)[0], 1.0, config.low)[None]
    return softmax(forward(params, v, config)[1])


def accuracies(right, on, n):
    """Accuracy of all cases, of those with 1 to n - 1 bits on, and of the worst such number; `right`, `on` (N,)."""
    inside = (on > 0) & (on < n)
    by_on = [right[on == k].mean() for k in range(1, n) if (on == k).any()]
    return {"accuracy": right.mean(), f"accuracy_1_{n - 1}": right[inside].mean(), f"worst_1_{n - 1}": min(by_on)}


def metrics_of(params, config, rng):
    """Metrics of one network (parameters with S = 1), over all cases; over the held-out ones, if there are any."""
    n = config.n_ring
    _, shift, on = cases(n)
    p = answers(params, config)[0]
    right = p.argmax(axis=1) == shift
    metrics = {"optimal": bool(right.sum() > best_possible(n) @ np.bincount(on) - 0.5)} | accuracies(right, on, n)
    metrics |= {f"accuracy_{name}": right[shift == s].mean() for s, name in enumerate(("left", "none", "right"))}
    metrics |= {f"on_{k}": right[on == k].mean() for k in range(n + 1)}
    metrics["log_likelihood"] = np.log(p[np.arange(len(p)), shift]).mean()
    if config.held_out:
        sides = dict(zip(("train", "test"), split(config, rng), strict=True))
        for side, where in sides.items():
            metrics |= {f"{side}_{name}": x for name, x in accuracies(right[where], on[where], n).items()}
    return {name: x if isinstance(x, bool) else float(x) for name, x in metrics.items()}


def gradient_check(config, seed):
    """Largest relative error of `backward` per parameter, and the tolerance; weights of order one half, 20 cases."""
    rng = generators(seed)["test"]
    x, shifts, _ = cases(config.n_ring)
    some = rng.choice(len(x), 20, replace=False)[None]
    v, shift = np.where(x, 1.0, config.low)[some], shifts[some]
    shapes = layout(config)
    shapes.pop("b_v", None)
    theta = rng.normal(0, 0.5, (1, n_parameters(shapes)))
    params = unpack(theta, shapes)
    net, log_p = forward(params, v, config)
    grads = backward(v, shift, net, softmax(log_p), config, unpack(np.empty_like(theta), shapes))

    def log_likelihood():
        log_p = forward(params, v, config)[1][0]
        return float((log_p[np.arange(20), shift[0]] - np.logaddexp.reduce(log_p, axis=1)).mean())

    return gradcheck(log_likelihood, params, grads, rng=rng), 1e-6


# ---- running -------------------------------------------------------------------------------------------------------


def run_batch(seeds, on_step=None, **settings):
    """Metrics of each of `seeds`, trained at once; equal to their single runs."""
    config = Config(**settings)
    theta = train(config, [generators(seed) for seed in seeds], on_step=on_step)
    return [metrics_of(unpack(theta[i : i + 1], layout(config)), config, generators(seed))
            for i, seed in enumerate(seeds)]


def run(seed, on_step=None, **settings):
    """Metrics of one seed; `settings` are fields of Config."""
    return run_batch([seed], on_step, **settings)[0]


def main(argv=None):
    """Command line; returns the exit status."""
    return command_line(argv, slug="shifter", doc=__doc__, config_class=Config, claims=CLAIMS, quick=QUICK, run=run,
                        run_batch=run_batch, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
