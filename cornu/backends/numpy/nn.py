"""Convolutions and poolings in NumPy."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

__all__ = ["average_pool", "conv", "conv_transpose", "depthwise_conv", "max_pool"]

Pairs = Sequence[tuple[int, int]]


def _wide(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    """The small floats as float32: NumPy has no fast product of them, and would sum in their few digits."""
    return tuple(a.astype(np.float32) if a.dtype.itemsize < 4 else a for a in arrays)


def _channels_last(x: np.ndarray, channels_last: bool) -> np.ndarray:
    return x if channels_last else np.moveaxis(x, 1, -1)


def _as_given(y: np.ndarray, channels_last: bool) -> np.ndarray:
    return y if channels_last else np.moveaxis(y, -1, 1)


def _padded(x: np.ndarray, padding: Pairs, value: Any = 0) -> np.ndarray:
    """Cells added around the spatial axes of (batch, *spatial, channels)."""
    return np.pad(x, ((0, 0), *padding, (0, 0)), constant_values=value) if any(map(any, padding)) else x


def _windows(x: np.ndarray, kernel: Sequence[int], strides: Sequence[int], dilation: Sequence[int]) -> np.ndarray:
    """A view of the cells that the kernel meets in each place: (batch, *places, channels, *kernel)."""
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    seen = np.lib.stride_tricks.sliding_window_view(x, reach, tuple(range(1, x.ndim - 1)))
    return seen[:, *(slice(None, None, s) for s in strides), :, *(slice(None, None, d) for d in dilation)]


def _taps(
    kernel: Sequence[int], places: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """Each cell of the kernel, with the cells of (batch, *spatial, channels) that it meets in all its places."""
    for tap in itertools.product(*map(range, kernel)):
        met = (slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in zip(tap, dilation, places, strides, strict=True))
        yield tap, (slice(None), *met)


def _product(windows: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """(batch, *places, depth, *window) times (*window, depth, filters), some of the batch at a time."""
    rank = kernel.ndim - 2
    summed = ([*range(rank + 2, 2 * rank + 2), rank + 1], [*range(rank + 1)])
    # tensordot copies the windows out into a matrix, prod(window) times as large as the input
    rows = max(_COPIED // max(windows[:1].nbytes, 1), 1)
    if rows >= len(windows):
        return np.tensordot(windows, kernel, summed)
    return np.concatenate([np.tensordot(windows[i : i + rows], kernel, summed) for i in range(0, len(windows), rows)])


_COPIED = 1 << 28  # bytes


def conv(
    x: np.ndarray, kernel: np.ndarray, strides: Sequence[int], padding: Pairs, dilation: Sequence[int], groups: int, channels_last: bool
) -> np.ndarray:
    dtype = x.dtype
    x, kernel = _wide(_padded(_channels_last(x, channels_last), padding), kernel)
    pairs = zip(np.split(x, groups, -1), np.split(kernel, groups, -1), strict=True)
    parts = [_product(_windows(a, k.shape[:-2], strides, dilation), k) for a, k in pairs]
    y = parts[0] if groups == 1 else np.concatenate(parts, -1)
    return _as_given(y, channels_last).astype(dtype, copy=False)


def depthwise_conv(
    x: np.ndarray, kernel: np.ndarray, strides: Sequence[int], padding: Pairs, dilation: Sequence[int], channels_last: bool
) -> np.ndarray:
    dtype = x.dtype
    x, kernel = _wide(_padded(_channels_last(x, channels_last), padding), kernel)
    *window, channels, multiplier = kernel.shape
    places = _windows(x, window, strides, dilation).shape[1 : len(window) + 1]
    y = np.zeros((len(x), *places, channels, multiplier), x.dtype)
    for tap, met in _taps(window, places, strides, dilation):
        y += x[met][..., None] * kernel[tap]
    return _as_given(y.reshape(*y.shape[:-2], -1), channels_last).astype(dtype, copy=False)


def conv_transpose(
    x: np.ndarray,
    kernel: np.ndarray,
    strides: Sequence[int],
    padding: Pairs,
    output_shape: Sequence[int],
    dilation: Sequence[int],
    channels_last: bool,
) -> np.ndarray:
    dtype = x.dtype
    x, kernel = _wide(_channels_last(x, channels_last), kernel)
    *window, filters, _ = kernel.shape
    places = x.shape[1:-1]
    reached = ((n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(places, strides, window, dilation, strict=True))
    wanted = (low + n for (low, _), n in zip(padding, output_shape, strict=True))
    y = np.zeros((len(x), *map(max, reached, wanted), filters), x.dtype)
    for tap, met in _taps(window, places, strides, dilation):
        y[met] += x @ kernel[tap].T
    y = y[:, *(slice(low, low + n) for (low, _), n in zip(padding, output_shape, strict=True))]
    return _as_given(y, channels_last).astype(dtype, copy=False)


def _slid(x: np.ndarray, combine: Callable[..., np.ndarray], window: Sequence[int], strides: Sequence[int]) -> np.ndarray:
    """What `combine` makes of the cells in each window: axis by axis, which for a maximum or a sum comes to the same and is less work."""
    for axis, (w, s) in enumerate(zip(window, strides, strict=True), start=1):
        places = (x.shape[axis] - w) // s + 1
        before = (slice(None),) * axis
        cells = [x[*before, slice(i, i + (places - 1) * s + 1, s)] for i in range(w)]
        x = cells[0].copy()
        for cell in cells[1:]:
            combine(x, cell, out=x)
    return x


def _least(dtype: np.dtype) -> Any:
    """What no element of the dtype is less than."""
    if dtype.kind == "b":
        return False
    return np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


def max_pool(x: np.ndarray, window: Sequence[int], strides: Sequence[int], padding: Pairs, channels_last: bool) -> np.ndarray:
    x = _padded(_channels_last(x, channels_last), padding, _least(x.dtype))
    return _as_given(_slid(x, np.maximum, window, strides), channels_last)


def average_pool(x: np.ndarray, window: Sequence[int], strides: Sequence[int], padding: Pairs, channels_last: bool) -> np.ndarray:
    dtype = x.dtype
    (x,) = _wide(_channels_last(x, channels_last))
    inside = np.ones((1, *x.shape[1:-1], 1), x.dtype)
    total, count = (_slid(_padded(a, padding), np.add, window, strides) for a in (x, inside))
    return _as_given(total / count, channels_last).astype(dtype, copy=False)
