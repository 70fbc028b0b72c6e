"""Hand-written gradients against central differences."""

import numpy as np


def gradcheck(loss, params, grads, *, eps=1e-5, floor=1e-8, max_coordinates=64, rng=None):
    """Return {name: largest relative error} of `grads` against central differences of `loss`.

    `loss()` gives a float computed from `params`, a dict of float64 arrays that is changed in place and restored;
    `grads` has the same keys and shapes. Arrays larger than `max_coordinates` are sampled with `rng`. The error of a
    coordinate is |analytic - numeric| / max(|analytic| + |numeric|, floor): the floor keeps two zeros from
    counting as an error. Raises ValueError when keys, shapes or types do not fit.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    if params.keys() != grads.keys():
        raise ValueError(f"parameters {sorted(params)} and gradients {sorted(grads)} do not match")
    errors = {}
    for name, p in params.items():
        if p.shape != grads[name].shape or p.dtype != np.float64:
            raise ValueError(f"{name}: needs float64 and equal shapes, got {p.dtype} {p.shape}, {grads[name].shape}")
        chosen = range(p.size) if p.size <= max_coordinates else rng.choice(p.size, max_coordinates, replace=False)
        worst = 0.0
        for flat in chosen:
            i = np.unravel_index(flat, p.shape)
            old = p[i]
            p[i] = old + eps
            above = loss()
            p[i] = old - eps
            below = loss()
            p[i] = old
            numeric, analytic = (above - below) / (2 * eps), grads[name][i]
            error = abs(analytic - numeric) / max(abs(analytic) + abs(numeric), floor)
            worst = max(worst, error) if np.isfinite(error) else np.inf
        errors[name] = float(worst)
    return errors
