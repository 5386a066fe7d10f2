"""Poolings that give as many cells as one asks for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cornu import dtypes
from cornu.ops.arguments import Array, as_tuple
from cornu.ops.conv import average_pool, layout, max_pool
from cornu.ops.core import convert_to_tensor, to_floating, where
from cornu.ops.dispatch import composite
from cornu.ops.elementwise import divide
from cornu.ops.indexing import take
from cornu.ops.reduce import max, sum

__all__ = ["adaptive_average_pool", "adaptive_max_pool"]


def _cells(length: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The cells of each of `count` windows over `length` cells, the last one again in shorter windows; and how many each has."""
    starts = np.arange(count) * length // count
    ends = -(-(np.arange(count) + 1) * length // count)
    reach = np.arange((ends - starts).max())
    return np.minimum(starts[:, None] + reach, ends[:, None] - 1).astype("int32"), ends - starts


@composite
def adaptive_average_pool(inputs: Array, output_size: int | Sequence[int], data_format: str | None = None) -> Array:
    """The mean of each of `output_size` windows along the spatial axes, window i from floor(i * n / m) to ceil((i + 1) * n / m) of n cells.

    Args:
        inputs: (batch, *spatial, channels), or with the channels first.
        output_size: the number of windows m, one number or one for each spatial axis. Windows overlap where m does not divide n.
        data_format: "channels_last", "channels_first", or None for the default.

    Returns:
        (batch, *output_size, channels), or with the channels first.

    >>> adaptive_average_pool([[[1.0], [3.0], [5.0]]], 2).tolist()
    [[[2.0], [4.0]]]
    """
    x = to_floating(inputs)
    first, lengths, counts = _geometry(x, output_size, data_format, "adaptive_average_pool")
    if _even(lengths, counts):
        return average_pool(x, [n // m for n, m in zip(lengths, counts, strict=True)], data_format=data_format)
    for axis, (n, m) in enumerate(zip(lengths, counts, strict=True), first):
        cells, sizes = _cells(n, m)
        rest = (1,) * (x.ndim - axis - 1)
        # (…, windows, cells of the longest, …); by a matrix of shares an infinity would be everywhere, for 0 times it is no number
        inside = (np.arange(cells.shape[1]) < sizes[:, None]).reshape(m, -1, *rest)
        total = sum(where(inside, take(x, cells, axis=axis), 0), axis=axis + 1)
        x = divide(total, convert_to_tensor(sizes.reshape(m, *rest), dtypes.standardize(x.dtype)))
    return x


@composite
def adaptive_max_pool(inputs: Array, output_size: int | Sequence[int], data_format: str | None = None) -> Array:
    """The largest value in each of `output_size` windows along the spatial axes; for the windows and arguments see `adaptive_average_pool`.

    >>> adaptive_max_pool([[[1.0], [3.0], [5.0]]], 2).tolist()
    [[[3.0], [5.0]]]
    """
    x = convert_to_tensor(inputs)
    first, lengths, counts = _geometry(x, output_size, data_format, "adaptive_max_pool")
    if _even(lengths, counts):
        return max_pool(x, [n // m for n, m in zip(lengths, counts, strict=True)], data_format=data_format)
    for axis, (n, m) in enumerate(zip(lengths, counts, strict=True), first):
        # shorter windows have their last cell twice, which changes no maximum, nor its gradient
        x = max(take(x, _cells(n, m)[0], axis=axis), axis=axis + 1)
    return x


def _geometry(x: Array, output_size: int | Sequence[int], data_format: str | None, op: str) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """The first spatial axis, the spatial lengths, and the numbers of windows along them."""
    rank, last, lengths = layout(x, data_format, op)
    return 1 if last else 2, lengths, as_tuple(output_size, rank, "output_size")


def _even(lengths: Sequence[int], counts: Sequence[int]) -> bool:
    """Whether the windows are all as long and do not overlap: then a pooling gives the same."""
    return all(n % m == 0 for n, m in zip(lengths, counts, strict=True))
