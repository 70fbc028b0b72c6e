"""TODO: the problem in one sentence (TODO: authors and year).

TODO: what is learned, by which rule, and why it was worth a paper. What was left out stands here too.

The skeleton trains one sigmoid unit on OR with the delta rule, so that every command works from the first minute.
"""

from dataclasses import dataclass

import numpy as np

from shared import NonFiniteError, Options, command_line, generators, gradcheck, option


@dataclass(frozen=True)
class Config(Options):
    """Options of the training run; defaults are the headline run."""

    n_epochs: int = option(500, "sweeps through the cases", low=1)
    lr: float = option(1.0, "learning rate", above=0)
    init_scale: float = option(0.3, "weights and biases start uniform within +- this", above=0)


QUICK = {"n_epochs": 40}

CLAIMS = [
    {"claim": "TODO: what the paper claims", "source": "TODO", "paper": 1.0, "earlier": None,
     "metric": "accuracy", "statistic": "mean", "op": ">=", "threshold": 1.0},
]

# ---- data ----------------------------------------------------------------------------------------------------------

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)  # (4, 2)
D = np.array([[0], [1], [1], [1]], dtype=float)  # (4, 1), the desired outputs


# ---- model ---------------------------------------------------------------------------------------------------------


def forward(params, x):
    """Outputs (N, 1) in (0, 1) for inputs `x` (N, 2)."""
    return 0.5 + 0.5 * np.tanh(0.5 * (x @ params["W"] + params["b"]))


def backward(params, x, d, y):
    """Gradients of E = 1/2 sum (y - d)^2 by parameter name."""
    delta = (y - d) * y * (1 - y)
    return {"W": x.T @ delta, "b": delta.sum(axis=0)}


# ---- training ------------------------------------------------------------------------------------------------------


def train(config, rng, *, on_step=None):
    """Train one unit from the generators `rng`; returns its parameters W (2, 1) and b (1,).

    The hook gets the number of sweeps done and loss, params, y. Raises NonFiniteError.
    """
    params = {"W": rng["init"].uniform(-config.init_scale, config.init_scale, (2, 1)), "b": np.zeros(1)}
    for epoch in range(config.n_epochs + 1):
        y = forward(params, X)
        loss = 0.5 * float(np.sum((y - D) ** 2))
        if not np.isfinite(loss):
            raise NonFiniteError(epoch)
        if on_step:
            on_step(epoch, {"loss": loss, "params": params, "y": y})
        if epoch < config.n_epochs:
            for name, grad in backward(params, X, D, y).items():
                params[name] -= config.lr * grad
    return params


# ---- evaluation ----------------------------------------------------------------------------------------------------


def evaluate(params):
    """Metrics on all four cases: they are the whole problem."""
    y = forward(params, X)
    return {"accuracy": float(np.mean((y > 0.5) == (D > 0.5))), "loss": 0.5 * float(np.sum((y - D) ** 2))}


def gradient_check(config, seed):
    """Largest relative error of `backward` per parameter, and the tolerance."""
    rng = generators(seed)["test"]
    params = {"W": rng.normal(size=(2, 1)), "b": rng.normal(size=1)}
    grads = backward(params, X, D, forward(params, X))
    return gradcheck(lambda: 0.5 * np.sum((forward(params, X) - D) ** 2), params, grads), 1e-7


# ---- running -------------------------------------------------------------------------------------------------------


def run(seed, on_step=None, **settings):
    """Metrics of one seed; `settings` are fields of Config."""
    return evaluate(train(Config(**settings), generators(seed), on_step=on_step))


def main(argv=None):
    """Command line; returns the exit status."""
    return command_line(argv, slug="template-problem", doc=__doc__, config_class=Config, claims=CLAIMS, quick=QUICK,
                        run=run, gradient_check=gradient_check)


if __name__ == "__main__":
    raise SystemExit(main())
