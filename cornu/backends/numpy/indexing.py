"""Reading and writing parts of arrays, in NumPy."""

import numpy as np

__all__ = ["get_item", "scatter_add", "scatter_update", "slice", "slice_update", "take", "take_along_axis"]


def get_item(x, key):
    return x[key]


def take(x, indices, axis):
    # Out of bounds counts as the nearest end, as on the other backends
    return np.take(x, np.where(indices < 0, indices + x.shape[axis], indices), axis, mode="clip")


def take_along_axis(x, indices, axis):
    size = x.shape[axis]
    return np.take_along_axis(x, np.clip(np.where(indices < 0, indices + size, indices), 0, size - 1), axis)


def slice(x, start, shape):
    return x[_window(x, start, shape)]


def slice_update(x, start, updates):
    out = x.copy()
    out[_window(x, start, updates.shape)] = updates
    return out


def _window(x, start, shape):
    starts = [int(np.clip(s, 0, size - n)) for s, size, n in zip(start, x.shape, shape, strict=True)]
    return tuple(np.s_[s : s + n] for s, n in zip(starts, shape, strict=True))


def scatter_update(x, indices, updates):
    out = x.copy()
    out[tuple(np.moveaxis(indices, -1, 0))] = updates
    return out


def scatter_add(x, indices, updates):
    out = x.copy()
    np.add.at(out, tuple(np.moveaxis(indices, -1, 0)), updates)
    return out
