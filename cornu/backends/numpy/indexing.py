"""Reading and writing parts of arrays, in NumPy."""

import numpy as np

__all__ = ["get_item", "nonzero", "scatter_rows", "slice", "slice_update", "take", "take_along_axis"]


def get_item(x, key):
    return np.asarray(x[key])


def nonzero(x):
    return tuple(i.astype("int32") for i in np.nonzero(x))


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
    starts = [min(max(int(s) + size * (s < 0), 0), size - n) for s, size, n in zip(start, x.shape, shape, strict=True)]
    return tuple(np.s_[s : s + n] for s, n in zip(starts, shape, strict=True))


_AT = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


def scatter_rows(x, rows, updates, reduction):
    # one row more than there are takes what belongs nowhere
    out = np.concatenate([x, np.zeros((1, *x.shape[1:]), x.dtype)])
    if reduction is None:
        out[rows] = updates
    else:
        _AT[reduction].at(out, rows, updates)
    return out[:-1]
