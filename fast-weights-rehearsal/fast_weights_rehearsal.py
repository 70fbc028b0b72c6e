"""Fast weights that deblur old memories (Hinton & Plaut 1987).

A linear associator learns the pairs A, then the pairs B, which blur A. Every connection has two weights: a slow one
that keeps, and a fast one that learns more and decays at each presentation. Rehearsing a few of the pairs of A then
brings these back within a few sweeps, and, where the patterns share structure or crowd the store, brings back pairs
of A that were not rehearsed.

- random: pairs of independent random patterns; what one pair tells of another is chance.
- prototypes: every pattern is a noisy mixture of a few prototypes. A and B mix the same input prototypes, but each has
  output prototypes of its own.

A control that never learned A goes through B and the rehearsal of the same pairs: what it recalls of pairs that were
not rehearsed it has inferred, not remembered.

Learning is by the delta rule, one pair at a time. Many seeds train at once along the leading axis S of every array.

Left out: hidden units; the network of 1987 is replaced by the smallest one that has slow and fast weights.
"""

from dataclasses import dataclass

import numpy as np

from shared import InputError, NonFiniteError, Options, command_line, generators, gradcheck, option


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    patterns: str = option("random", "independent patterns, or noisy mixtures of prototypes",
                           choices=("random", "prototypes"))
    dim: int = option(50, "units of the input, and of the output", low=2)
    n_pairs: int = option(20, "pairs of A", low=2)
    n_b_pairs: int = option(0, "pairs of B; 0: as many as of A", low=0)
    n_rehearse: int = option(0, "pairs of A that are rehearsed; 0: a quarter of them", low=0)
    slow_lr: float = option(0.1, "learning rate of the slow weights, which do not decay", above=0)
    fast_lr: float = option(0.5, "learning rate of the fast weights", low=0)
    fast_decay: float = option(0.9, "the fast weights are multiplied by this at each presentation", low=0, high=1)
    n_epochs: int = option(60, "sweeps through A, phase 1", low=1, alias=("--n-a-sweeps",))
    n_b_sweeps: int = option(60, "sweeps through B, phase 2", low=1)
    n_rehearse_sweeps: int = option(5, "sweeps through the rehearsed pairs, phase 3", low=1)
    n_prototypes: int = option(8, "prototypes: how many of each kind there are", low=1)
    n_mixed: int = option(3, "prototypes: how many make up a pattern", low=1)
    p_flip: float = option(0.1, "prototypes: probability that a bit of an input is then turned", low=0, high=0.5)

    def __post_init__(self):
        super().__post_init__()
        if self.n_rehearse >= self.n_pairs:
            raise InputError(f"--n-rehearse {self.n_rehearse}: must be less than --n-pairs {self.n_pairs}")
        if self.n_mixed > self.n_prototypes:
            raise InputError(f"--n-mixed {self.n_mixed}: must be at most --n-prototypes {self.n_prototypes}")

    @property
    def rehearsed(self):
        """Pairs of A that are rehearsed, the first ones."""
        return self.n_rehearse or max(1, self.n_pairs // 4)


QUICK = {"n_epochs": 10, "n_b_sweeps": 10}

PAPER = "Hinton & Plaut 1987"
CLAIMS = [
    {"claim": "random patterns: rehearsed pairs recover (points of bits right)", "source": PAPER, "paper": "recover",
     "earlier": 22.0, "metric": "rehearsed_recovery_pp", "statistic": "mean", "op": ">=", "threshold": 22.0},
    {"claim": "prototypes: pairs that are not rehearsed recover too", "source": PAPER, "paper": "recover",
     "earlier": "+0.9, random", "metric": "unrehearsed_recovery_pp", "statistic": "mean", "op": ">=",
     "threshold": 10.0, "config": {"patterns": "prototypes"}},
    {"claim": "prototypes: and are recalled better than by a net that never learned A", "source": "ours",
     "paper": None, "earlier": None, "metric": "memory_pp", "statistic": "mean", "op": ">=", "threshold": 10.0,
     "config": {"patterns": "prototypes"}},
]

# ---- data ----------------------------------------------------------------------------------------------------------


def mixtures(config, rng, inputs, outputs, n):
    """`n` pairs x, y (n, dim) of +-1: x and y mix the same choice of the prototypes `inputs` and `outputs`."""
    x, y = np.empty((2, n, config.dim))
    for i in range(n):
        chosen = rng.choice(config.n_prototypes, config.n_mixed, replace=False)
        # the majority of each bit; the small term breaks the ties of an even number
        tie = rng.uniform(-0.5, 0.5, (2, config.dim))
        x[i] = np.sign(inputs[chosen].sum(axis=0) + tie[0])
        y[i] = np.sign(outputs[chosen].sum(axis=0) + tie[1])
    x[rng.random(x.shape) < config.p_flip] *= -1
    return x, y


def draw_pairs(config, rng):
    """(xa, ya, xb, yb) of one network, each (n, dim) of +-1."""
    n_a, n_b = config.n_pairs, config.n_b_pairs or config.n_pairs
    if config.patterns == "random":
        return tuple(rng.choice([-1.0, 1.0], (n, config.dim)) for n in (n_a, n_a, n_b, n_b))
    inputs, outputs_a, outputs_b = rng.choice([-1.0, 1.0], (3, config.n_prototypes, config.dim))
    return *mixtures(config, rng, inputs, outputs_a, n_a), *mixtures(config, rng, inputs, outputs_b, n_b)


# ---- model ---------------------------------------------------------------------------------------------------------


def forward(w, x):
    """Outputs (S, n, D) of the summed weights `w` (S, D, D), rows are output units, for inputs `x` (S, n, D)."""
    return x @ w.transpose(0, 2, 1)


def backward(w, x, y):
    """{"w": dE/dw} (S, D, D) for E = 1/2 sum (y - w x)^2 of one pair (S, D): the same for slow and for fast weights."""
    error = y - (w @ x[:, :, None])[:, :, 0]
    return {"w": -error[:, :, None] * x[:, None, :]}


# ---- training ------------------------------------------------------------------------------------------------------


def present(slow, fast, x, y, config):
    """One presentation of a pair (S, D): the fast weights (S, D, D) decay, then both learn by the delta rule, in place.

    A step is divided by the dimension: with |x|^2 = D a rate of 1 would then take away the whole error.
    """
    grad = backward(slow + fast, x, y)["w"]
    fast *= config.fast_decay
    fast -= grad * (config.fast_lr / config.dim)
    grad *= config.slow_lr / config.dim
    slow -= grad


def bits_right(w, x, y):
    """Share of the output units (S, n) that have the right sign, per pair."""
    return np.mean((forward(w, x) > 0) == (y > 0), axis=2)


def train(config, rng, *, on_step=None, learn_a=True):
    """Take one network per entry of `rng` (a set of generators, or a list of sets) through A, B and the rehearsal.

    Returns slow and fast (S, D, D); a and b, the shares of right bits (phases, S, n) of each pair after each phase; and
    a_faded, b_faded, those of the slow weights alone at the end. `learn_a` False skips the first phase: the control.
    The hook gets the sweeps done in the phase and phase, a, b, slow, fast. Raises NonFiniteError.
    """
    rngs = rng if isinstance(rng, list) else [rng]
    S, D, R = len(rngs), config.dim, config.rehearsed
    xa, ya, xb, yb = (np.stack(part) for part in zip(*[draw_pairs(config, r["data"]) for r in rngs], strict=True))
    slow, fast = np.zeros((S, D, D)), np.zeros((S, D, D))
    result = {"slow": slow, "fast": fast, "a": [], "b": []}
    phases = [(xa, ya, config.n_epochs * learn_a), (xb, yb, config.n_b_sweeps),
              (xa[:, :R], ya[:, :R], config.n_rehearse_sweeps)]
    rows = np.arange(S)
    for phase, (x, y, n_sweeps) in enumerate(phases, 1):
        for sweep in range(n_sweeps):
            order = np.stack([r["noise"].permutation(x.shape[1]) for r in rngs])  # (S, n)
            for i in order.T:
                present(slow, fast, x[rows, i], y[rows, i], config)
            if not np.isfinite(slow).all():
                raise NonFiniteError(sweep + 1)
            if on_step:
                w = slow + fast
                on_step(sweep + 1, {"phase": phase, "a": bits_right(w, xa, ya), "b": bits_right(w, xb, yb),
                                    "slow": slow, "fast": fast})
        result["a"].append(bits_right(slow + fast, xa, ya))
        result["b"].append(bits_right(slow + fast, xb, yb))
    result["a_faded"], result["b_faded"] = bits_right(slow, xa, ya), bits_right(slow, xb, yb)
    return result


# ---- evaluation ----------------------------------------------------------------------------------------------------


def metrics_of(result, control, i, config):
    """Metrics of network `i`: shares of right bits (chance 0.5) and whole patterns, differences in points of bits.

    The pairs of A that are not rehearsed are what is held out of phase 3.
    """
    R = config.rehearsed
    learned, blurred, restored = (a[i] for a in result["a"])
    unrehearsed, inferred = restored[R:].mean(), control["a"][2][i][R:].mean()
    return {
        "learned_a": float(learned.mean()),
        "learned_b": float(result["b"][1][i].mean()),
        "blurred_a": float(blurred.mean()),
        "restored_a": float(restored.mean()),
        "rehearsed_recovery_pp": float(100 * (restored - blurred)[:R].mean()),
        "unrehearsed_recovery_pp": float(100 * (restored - blurred)[R:].mean()),
        "unrehearsed": float(unrehearsed),
        "control_unrehearsed": float(inferred),
        "memory_pp": float(100 * (unrehearsed - inferred)),
        "whole_patterns_blurred": float(np.mean(blurred == 1)),
        "whole_patterns_restored": float(np.mean(restored == 1)),
        "b_after_rehearsal": float(result["b"][2][i].mean()),
        "rehearsed_faded": float(result["a_faded"][i][:R].mean()),
        "b_faded": float(result["b_faded"][i].mean()),
    }


def gradient_check(config, seed):
    """Largest relative error of `backward`, and the tolerance; weights of order one, one pair of the data."""
    rng = generators(seed)
    xa, ya, _, _ = draw_pairs(config, rng["data"])
    x, y, w = xa[:1], ya[:1], rng["test"].normal(size=(1, config.dim, config.dim))
    return gradcheck(lambda: 0.5 * np.sum((y - forward(w, x[:, None])[:, 0]) ** 2), {"w": w}, backward(w, x, y)), 1e-7


# ---- running -------------------------------------------------------------------------------------------------------


def run_batch(seeds, on_step=None, **settings):
    """Metrics of each of `seeds`, trained at once; equal to their single runs."""
    config = Config(**settings)
    result = train(config, [generators(seed) for seed in seeds], on_step=on_step)
    control = train(config, [generators(seed) for seed in seeds], learn_a=False)  # on the same pairs
    return [metrics_of(result, control, i, config) for i in range(len(seeds))]


def run(seed, on_step=None, **settings):
    """Metrics of one seed; `settings` are fields of Config."""
    return run_batch([seed], on_step, **settings)[0]


def main(argv=None):
    """Command line; returns the exit status."""
    return command_line(argv, slug="fast-weights-rehearsal", doc=__doc__, config_class=Config, claims=CLAIMS,
                        quick=QUICK, run=run, run_batch=run_batch, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
