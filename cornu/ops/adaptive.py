"""Poolings that give as many cells as one asks for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cornu import dtypes
from cornu.ops.arguments import Array, as_tuple
from cornu.ops.conv import average_pool, layout, max_pool
from cornu.ops.core import convert_to_tensor, to_floating
from cornu.ops.dispatch import composite
from cornu.ops.indexing import take
from cornu.ops.products import tensordot
from cornu.ops.reduce import max
from cornu.ops.shaping import moveaxis

__all__ = ["adaptive_average_pool", "adaptive_max_pool"]


def _windows(length: int, count: int) -> list[tuple[int, int]]:
    """Where each of `count` windows over `length` cells begins and ends."""
    return [(i * length // count, -(-(i + 1) * length // count)) for i in range(count)]


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
        shares = np.zeros((n, m), "float32")
        for i, (start, end) in enumerate(_windows(n, m)):
            shares[start:end, i] = 1 / (end - start)
        x = moveaxis(tensordot(x, convert_to_tensor(shares, dtypes.standardize(x.dtype)), [[axis], [0]]), -1, axis)
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
        windows = _windows(n, m)
        reach = np.arange(np.max([end - start for start, end in windows]))
        # shorter windows have their last cell twice, which changes no maximum, nor its gradient
        cells = np.stack([np.minimum(start + reach, end - 1) for start, end in windows]).astype("int32")  # (windows, cells of the longest)
        x = max(take(x, cells, axis=axis), axis=axis + 1)
    return x


def _geometry(x: Array, output_size: int | Sequence[int], data_format: str | None, op: str) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """The first spatial axis, the spatial lengths, and the numbers of windows along them."""
    rank, last, lengths = layout(x, data_format, op)
    return 1 if last else 2, lengths, as_tuple(output_size, rank, "output_size")


def _even(lengths: Sequence[int], counts: Sequence[int]) -> bool:
    """Whether the windows are all as long and do not overlap: then a pooling gives the same."""
    return all(n % m == 0 for n, m in zip(lengths, counts, strict=True))
