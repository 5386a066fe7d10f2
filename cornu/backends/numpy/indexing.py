"""Reading and writing parts of arrays, in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["get_item", "nonzero", "scatter_rows", "slice", "slice_update", "take", "take_along_axis"]


def get_item(x: Any, key: Any) -> Any:
    return np.asarray(x[key])


def nonzero(x: Any) -> Any:
    return tuple(i.astype("int32") for i in np.nonzero(x))


def take(x: Any, indices: Any, axis: Any) -> Any:
    # Out of bounds counts as the nearest end, as on the other backends
    return np.take(x, np.where(indices < 0, indices + x.shape[axis], indices), axis, mode="clip")


def take_along_axis(x: Any, indices: Any, axis: Any) -> Any:
    size = x.shape[axis]
    return np.take_along_axis(x, np.clip(np.where(indices < 0, indices + size, indices), 0, size - 1), axis)


def slice(x: Any, start: Any, shape: tuple[int, ...]) -> Any:
    return x[_window(x, start, shape)]


def slice_update(x: Any, start: Any, updates: Any) -> Any:
    out = x.copy()
    out[_window(x, start, updates.shape)] = updates
    return out


def _window(x: Any, start: Any, shape: tuple[int, ...]) -> Any:
    starts = [min(max(int(s) + size * (s < 0), 0), size - n) for s, size, n in zip(start, x.shape, shape, strict=True)]
    return tuple(np.s_[s : s + n] for s, n in zip(starts, shape, strict=True))


_AT = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


def scatter_rows(x: Any, rows: Any, updates: Any, reduction: str | None) -> Any:
    # one row more than there are takes what belongs nowhere
    out = np.concatenate([x, np.zeros((1, *x.shape[1:]), x.dtype)])
    if reduction is None:
        out[rows] = updates
    else:
        _AT[reduction].at(out, rows, updates)
    return out[:-1]
