"""Adam (Kingma & Ba 2015) over named arrays, in place."""

import numpy as np

CHUNK = 1 << 15  # of a large array, moved piece by piece, so that the twelve passes over a piece find it in the cache


def _named(arrays):
    """Return `arrays` (a dict, or a list) as a list of (key, array)."""
    return list(arrays.items()) if isinstance(arrays, dict) else list(enumerate(arrays))


def clip_global_norm(grads, max_norm):
    """Scale `grads` (dict or list of arrays) in place so that their joint L2 norm is at most `max_norm` (> 0).

    Returns the norm before clipping (Pascanu, Mikolov & Bengio 2013, algorithm 1).
    """
    norm = float(np.sqrt(sum(np.vdot(g, g) for _, g in _named(grads))))
    if norm > max_norm:
        for _, g in _named(grads):
            g *= max_norm / norm
    return norm


class Adam:
    """Adam with the bias correction of algorithm 1 of the paper.

    `params`: dict or list of float arrays, updated in place by `step`. `lr` > 0 may be changed between steps;
    `beta1`, `beta2` in [0, 1); `eps` > 0 stands outside the root, as published.
    """

    def __init__(self, params, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        if not (lr > 0 and 0 <= beta1 < 1 and 0 <= beta2 < 1 and eps > 0):
            raise ValueError(f"Adam needs lr > 0, betas in [0, 1) and eps > 0; got {lr}, {beta1}, {beta2}, {eps}")
        if any(p.size > CHUNK and not p.flags.c_contiguous for _, p in _named(params)):
            raise ValueError("Adam needs large arrays to be contiguous: it moves them through flat views")
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.t = 0
        self.params = _named(params)
        self.m = {key: np.zeros_like(p) for key, p in self.params}
        self.v = {key: np.zeros_like(p) for key, p in self.params}
        self._buffer = {key: np.empty(min(p.size, CHUNK), p.dtype) for key, p in self.params}

    def step(self, grads):
        """Move the parameters one step against `grads` (same keys and shapes); `grads` are left as they are."""
        self.t += 1
        # theta -= lr * m_hat / (sqrt(v_hat) + eps), with both corrections folded into two scalars
        root = (1 - self.beta2**self.t) ** 0.5
        rate = self.lr * root / (1 - self.beta1**self.t)
        for key, p in self.params:
            arrays = p, grads[key], self.m[key], self.v[key]
            if p.size <= CHUNK:
                self._move(*arrays, self._buffer[key].reshape(p.shape), rate, root)
                continue
            flat = [a.reshape(-1) for a in arrays]
            for start in range(0, p.size, CHUNK):
                parts = [a[start : start + CHUNK] for a in flat]
                self._move(*parts, self._buffer[key][: parts[0].size], rate, root)

    def _move(self, p, g, m, v, buffer, rate, root):
        m *= self.beta1
        np.multiply(g, 1 - self.beta1, out=buffer)
        m += buffer
        v *= self.beta2
        np.multiply(g, g, out=buffer)
        buffer *= 1 - self.beta2
        v += buffer
        np.sqrt(v, out=buffer)
        buffer += self.eps * root
        np.divide(m, buffer, out=buffer)
        buffer *= rate
        p -= buffer
