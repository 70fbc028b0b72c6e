"""Rising and falling tracks in noisy spectrograms (Plaut & Hinton 1987).

A spectrogram of 6 frequencies and 9 times holds one track, on at one frequency at each time, that never falls or never
rises; Gaussian noise lies on every cell. A net with one hidden layer is to tell which, by back-propagation. The cases
come from a known distribution, so the best decision that any method can make is known as well: the Bayes rule, which
weighs all tracks by how likely they are. What the net errs more than that, on the same cases, is its gap.

A track is nine frequencies drawn uniformly and sorted, rising or falling. Training cases are drawn fresh and used once.

Left out: a limited set of training cases (there is an option for it), plain descent with momentum, and sigmoid hidden
units; here Adam with a step that falls to zero, and rectified units.
"""

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from shared import Adam, NonFiniteError, Options, command_line, generators, gradcheck, n_parameters, option, unpack


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    sigma: float = option(0.6, "standard deviation of the noise on each cell; the track is 1 on 0", low=0.2, high=5,
                          alias=("--noise-std",))
    n_hidden: int = option(128, "hidden units", low=1)
    units: str = option("squared", "hidden units of the weighted sum a: max(a, 0) squared, max(a, 0), or tanh(a)",
                        choices=("squared", "rectified", "tanh"))
    n_epochs: int = option(150, "training epochs of 4096 cases, each drawn fresh and used once", low=1,
                           alias=("--epochs",))
    n_train: int = option(0, "training cases drawn once and used in every epoch; 0: fresh cases", low=0)
    batch_size: int = option(256, "cases per update", low=1, high=4096)
    lr: float = option(0.005, "step of Adam; it falls to zero over the run", above=0)
    n_test: int = option(50000, "held-out cases, the same for the net and for the Bayes rule", low=1)


QUICK = {"n_epochs": 8, "n_test": 5000}

PAPER = "Plaut & Hinton 1987"
GAP = {"metric": "gap_to_bayes_pp", "statistic": "mean", "op": "<="}
CLAIMS = [
    {"claim": "percentage points of error above the Bayes rule: the paper's number", "source": PAPER, "paper": 1.0,
     "earlier": 0.83, **GAP, "threshold": 1.0},
    {"claim": "percentage points of error above the Bayes rule: half of that", "source": "ours", "paper": 1.0,
     "earlier": 0.83, **GAP, "threshold": 0.5},
    *({"claim": f"noise {sigma}: percentage points of error above the Bayes rule", "source": "ours", "paper": None,
       "earlier": earlier, **GAP, "threshold": 0.7, "config": {"sigma": sigma}}
      for sigma, earlier in ((0.4, 0.22), (0.5, 0.57), (0.7, 0.73), (0.8, 1.03))),
]

# ---- data ----------------------------------------------------------------------------------------------------------

N_FREQ, N_TIME = 6, 9
N_EPOCH = 4096  # cases of an epoch


def rising_tracks():
    """All tracks that never fall: frequencies (2002, 9), from 0 to 5."""
    return np.array(list(combinations_with_replacement(range(N_FREQ), N_TIME)))


def track_probabilities(tracks):
    """Probability (R,) of each of `tracks` (R, 9): 9! / (n_1! ... n_6!) / 6^9 orders of draws sort to it."""
    counts = (tracks[:, :, None] == np.arange(N_FREQ)).sum(axis=1)
    factorial = np.cumprod(np.r_[1.0, 1:N_TIME + 1])
    return factorial[N_TIME] / factorial[counts].prod(axis=1) / N_FREQ**N_TIME


def draw(n, sigma, rng):
    """`n` cases: x (n, 54), frequency-major, and d (n, 1), 1 for rising, 0 for falling, both float32."""
    d = rng.random(n) < 0.5
    track = np.sort(rng.integers(N_FREQ, size=(n, N_TIME), dtype=np.int8), axis=1)
    track = np.where(d[:, None], track, track[:, ::-1])
    x = rng.standard_normal((n, N_FREQ * N_TIME), dtype=np.float32)
    x *= np.float32(sigma)
    x[np.arange(n)[:, None], track * np.intp(N_TIME) + np.arange(N_TIME)] += 1
    return x, d[:, None].astype(np.float32)


def log_evidence(weight):
    """log sum over rising tracks of P(track) times the product of its cells of `weight` (6, 9, N), less a constant.

    A rising track spends k times at a frequency before it goes on to the next; of the orders in which nine draws come,
    each such stay takes 1 / k!. So the sum is built frequency by frequency: total[t] is that over the first t times.
    """
    total = [np.ones_like(weight[0, 0])] + [np.zeros_like(weight[0, 0]) for _ in range(N_TIME)]
    for row in weight:
        last, total = total, [a.copy() for a in total]
        for t in range(N_TIME):
            stay = last[t].copy()
            for k in range(1, N_TIME - t + 1):
                stay *= row[t + k - 1] / k
                total[t + k] += stay
    return np.log(total[N_TIME])


def bayes_log_odds(x, sigma):
    """log P(rising | x) - log P(falling | x) (N,) for cases `x` (N, 54): exact.

    log p(x | track) is a constant plus the sum of the track's cells / sigma^2; a falling track is a rising one with
    the frequencies in reverse. The largest cell of each time is divided out: the same for both classes.
    """
    u = x.reshape(-1, N_FREQ, N_TIME).transpose(1, 2, 0).astype(float) / sigma**2  # (6, 9, N)
    weight = np.exp(u - u.max(axis=0))
    return log_evidence(weight) - log_evidence(weight[::-1])


# ---- model ---------------------------------------------------------------------------------------------------------


def layout(config):
    """{name: shape} of the parameters; one flat vector holds them in this order."""
    return {"W1": (N_FREQ * N_TIME, config.n_hidden), "b1": (1, config.n_hidden), "W2": (config.n_hidden, 1),
            "b2": (1, 1)}


def forward(params, x, units):
    """Log-odds z (N, 1) of rising, hidden units h (N, H) and their slopes (N, H) for cases `x` (N, 54)."""
    a = x @ params["W1"]
    a += params["b1"]
    if units == "tanh":
        h = np.tanh(a, out=a)
        slope = 1 - h * h
    else:
        np.maximum(a, 0, out=a)
        h, slope = (a, a > 0) if units == "rectified" else (a * a, a + a)
    # a product with one column: einsum sums in one order, whatever the number of threads, and the same seed repeats
    return np.einsum("nh,ho->no", h, params["W2"]) + params["b2"], h, slope


def backward(params, x, d, z, h, slope, out):
    """Gradients of the mean cross-entropy of y = sigmoid(z) with `d`, written into the views `out`."""
    dz = (0.5 + 0.5 * np.tanh(0.5 * z) - d) / len(x)
    da = dz * params["W2"].T
    da *= slope
    np.matmul(x.T, da, out=out["W1"])
    np.sum(da, axis=0, keepdims=True, out=out["b1"])
    np.einsum("nh,no->ho", h, dz, out=out["W2"])
    np.sum(dz, axis=0, keepdims=True, out=out["b2"])
    return out


def cross_entropy(z, d):
    """Mean of -log of the probability that log-odds `z` give to `d` (1 rising, 0 falling), in nats."""
    return float(np.mean(np.logaddexp(0, np.where(d > 0, -z, z))))


# ---- training ------------------------------------------------------------------------------------------------------


def initial(config, rng):
    """Starting parameters (P,) float32: normal weights with variance 1 / n_in, zero biases."""
    theta = np.zeros(n_parameters(layout(config)), np.float32)
    for name, w in unpack(theta, layout(config)).items():
        if name.startswith("W"):
            w[:] = rng.normal(0, len(w) ** -0.5, w.shape)
    return theta


def train(config, rng, *, on_step=None):
    """Train one network from the generators `rng`; returns its parameters by name.

    The hook gets the number of epochs done, loss and accuracy on that epoch's cases before they were learned, and
    params. Raises NonFiniteError.
    """
    theta = initial(config, rng["init"])
    grad = np.empty_like(theta)
    params, grads = unpack(theta, layout(config)), unpack(grad, layout(config))
    adam, size = Adam([theta], lr=config.lr), config.batch_size
    fixed = draw(config.n_train, config.sigma, rng["data"]) if config.n_train else None
    for epoch in range(config.n_epochs):
        if fixed:
            order = rng["noise"].integers(config.n_train, size=N_EPOCH)
            cases, targets = fixed[0][order], fixed[1][order]
        else:
            cases, targets = draw(N_EPOCH, config.sigma, rng["data"])
        answers = []
        for start in range(0, N_EPOCH, size):
            x, d = cases[start : start + size], targets[start : start + size]
            z, h, slope = forward(params, x, config.units)
            answers.append(z)
            backward(params, x, d, z, h, slope, grads)
            adam.lr = config.lr * (1 - (epoch + start / N_EPOCH) / config.n_epochs)
            adam.step([grad])
        z = np.concatenate(answers)
        loss = cross_entropy(z, targets)
        if not np.isfinite(loss):
            raise NonFiniteError(epoch + 1)
        if on_step:
            on_step(epoch + 1, {"loss": loss, "accuracy": float(np.mean((z > 0) == (targets > 0))), "params": params})
    return params


# ---- evaluation ----------------------------------------------------------------------------------------------------


def evaluate(params, config, rng):
    """Metrics on `n_test` cases drawn from `rng`, of the net and of the Bayes rule; errors in percentage points.

    `agreement` is the share of cases on which the two decide alike, `loss_above_bayes` the cross-entropy of the net
    less that of the Bayes rule, in nats.
    """
    x, d = draw(config.n_test, config.sigma, rng)
    z, best = forward(params, x, config.units)[0][:, 0], bayes_log_odds(x, config.sigma)
    d = d[:, 0]
    error, bayes_error = (float(np.mean((a > 0) != (d > 0))) for a in (z, best))
    return {
        "gap_to_bayes_pp": 100 * (error - bayes_error),
        "accuracy": 1 - error,
        "bayes_accuracy": 1 - bayes_error,
        "agreement": float(np.mean((z > 0) == (best > 0))),
        "loss_above_bayes": cross_entropy(z, d) - cross_entropy(best, d),
    }


def gradient_check(config, seed):
    """Largest relative error of `backward` per parameter, and the tolerance; float64, weights of order one."""
    rng = generators(seed)["test"]
    x, d = (a.astype(float) for a in draw(20, config.sigma, rng))
    theta = rng.normal(size=n_parameters(layout(config))) / 4
    params, grads = unpack(theta, layout(config)), unpack(np.empty_like(theta), layout(config))
    backward(params, x, d, *forward(params, x, config.units), grads)
    return gradcheck(lambda: cross_entropy(forward(params, x, config.units)[0], d), params, grads), 1e-5


# ---- running -------------------------------------------------------------------------------------------------------


def run(seed, on_step=None, **settings):
    """Metrics of one seed; `settings` are fields of Config."""
    config, rng = Config(**settings), generators(seed)
    return evaluate(train(config, rng, on_step=on_step), config, rng["test"])


def main(argv=None):
    """Command line; returns the exit status."""
    return command_line(argv, slug="riser-spectrogram", doc=__doc__, config_class=Config, claims=CLAIMS, quick=QUICK,
                        run=run, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
