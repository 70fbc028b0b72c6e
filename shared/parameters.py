"""Parameters by name, as views on one flat vector: one update moves them all."""

import math


def n_parameters(layout):
    """The number of parameters of `layout`, {name: shape}."""
    return sum(map(math.prod, layout.values()))


def unpack(theta, layout):
    """Views on the flat parameters `theta` (..., P) by name, (..., *shape), in the order of `layout`, {name: shape}."""
    views, start = {}, 0
    for name, shape in layout.items():
        size = math.prod(shape)
        views[name] = theta[..., start : start + size].reshape(*theta.shape[:-1], *shape)
        start += size
    return views
