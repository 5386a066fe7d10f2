"""Ops that order elements, or look them up in an order. Positions are int32; NaN sorts last."""

from __future__ import annotations

import math
from typing import Any

from cornu.errors import ArgumentError, ShapeError
from cornu.ops.arguments import Array, alike, array, as_axis, concrete, no_complex, real_pair
from cornu.ops.core import cast, convert_to_tensor, where
from cornu.ops.creation import arange, full, ones
from cornu.ops.dispatch import composite, primitive
from cornu.ops.elementwise import equal, greater, greater_equal, isfinite, isnan, less, logical_and, logical_not, not_equal, subtract
from cornu.ops.indexing import get_item, scatter_update, take, take_along_axis
from cornu.ops.joining import concatenate
from cornu.ops.reduce import any, count_nonzero, cumsum, flat
from cornu.ops.shaping import expand_dims, flip, moveaxis, ravel, reshape

__all__ = ["argpartition", "argsort", "digitize", "in_top_k", "isin", "searchsorted", "sort", "top_k", "unique"]


@primitive
def sort(on: Any, x: Array, axis: int | None = -1) -> Array:
    """Ascending order along an axis; over the flat array if it is None.

    >>> sort([3, 1, 2]).tolist()
    [1, 2, 3]
    """
    return on.sort(*flat(on, no_complex(on, array(on, x), "sort"), axis))


@primitive
def argsort(on: Any, x: Array, axis: int | None = -1) -> Array:
    """Positions that would sort along an axis; equal elements keep their order.

    >>> argsort([3, 1, 2]).tolist()
    [1, 2, 0]
    """
    x = no_complex(on, array(on, x), "argsort")
    return on.argsort(*flat(on, x, axis if x.ndim else None))  # of a single number [0], as in NumPy


@composite
def argpartition(x: Array, kth: int, axis: int | None = -1) -> Array:
    """Positions that put the `kth` smallest element in its place, none smaller after it and none larger before it. They come fully sorted.

    >>> argpartition([3, 1, 2], 1).tolist()
    [1, 2, 0]
    """
    order = argsort(x, axis)
    as_axis(kth, order.shape[-1 if axis is None else axis])
    return order


@primitive
def top_k(on: Any, x: Array, k: int, sorted: bool = True) -> tuple[Array, Array]:
    """The `k` largest elements of the last axis, largest first, and their positions; the first among equals comes first.

    They come sorted whether or not that is asked for.

    >>> [part.tolist() for part in top_k([1, 3, 2], 2)]
    [[3, 2], [1, 2]]
    """
    x = no_complex(on, array(on, x), "top_k")
    if not 0 <= k <= (x.shape[-1] if x.ndim else 0):
        raise ArgumentError(f"top_k takes at most as many values as the last axis has, got k={k} for the shape {tuple(x.shape)}.")
    return tuple(on.top_k(x, int(k)))


@composite
def in_top_k(targets: Array, predictions: Array, k: int) -> Array:
    """Whether the score of each target is among the `k` largest of its row: fewer than `k` scores exceed it. False where it is not finite.

    targets (batch,) integers; predictions (batch, classes).

    >>> in_top_k([2, 0], [[0.1, 0.2, 0.7], [0.1, 0.2, 0.7]], 2).tolist()
    [True, False]
    """
    targets, predictions = convert_to_tensor(targets), convert_to_tensor(predictions)
    if predictions.ndim != targets.ndim + 1:
        raise ShapeError(
            f"in_top_k takes targets without the class axis, got {tuple(targets.shape)} for predictions {tuple(predictions.shape)}."
        )
    scores = take_along_axis(predictions, expand_dims(targets, -1), -1)
    better = count_nonzero(greater(predictions, scores), -1)
    valid = logical_and(greater_equal(targets, 0), less(targets, predictions.shape[-1]))
    return logical_and(less(better, k), logical_and(reshape(isfinite(scores), targets.shape), valid))


@primitive
def searchsorted(on: Any, sorted_sequence: Array, values: Array, side: str = "left") -> Array:
    """Where each value would go in a sorted vector so that it stays sorted: before its equals if side is "left", after them if "right".

    >>> searchsorted([1, 3, 5], [3, 4]).tolist(), searchsorted([1, 3, 5], [3, 4], side="right").tolist()
    ([1, 2], [2, 2])
    """
    sequence, values = alike(on, *real_pair(on, "searchsorted", sorted_sequence, values))
    if sequence.ndim != 1:
        raise ShapeError(f"searchsorted takes a sorted vector, got the shape {tuple(sequence.shape)}. For more, use `ops.vectorized_map`.")
    if side not in ("left", "right"):
        raise ArgumentError(f"side must be 'left' or 'right', got {side!r}.")
    return on.searchsorted(sequence, values, side)


@composite
def digitize(x: Array, bins: Array) -> Array:
    """In which bin each element lies: i where `bins[i - 1] <= x < bins[i]`, or `bins[i - 1] > x >= bins[i]` where the edges descend.

    >>> digitize([0.5, 1.0, 9.0], [0.0, 1.0, 2.0]).tolist()
    [1, 2, 3]
    """
    bins = convert_to_tensor(bins)
    if bins.ndim != 1:
        raise ShapeError(f"The bins of ops.digitize are a vector of edges, got the shape {tuple(bins.shape)}.")
    if bins.shape[0] < 2:
        return searchsorted(bins, x, "right")
    descending = subtract(bins.shape[0], searchsorted(flip(bins), x, "right"))
    return where(less(get_item(bins, 0), get_item(bins, -1)), searchsorted(bins, x, "right"), descending)


@composite
def isin(x1: Array, x2: Array, assume_unique: bool = False, invert: bool = False) -> Array:
    """Where an element of `x1` is among those of `x2`; where it is not, if `invert`. NaN is among nothing. `assume_unique` changes nothing here.

    >>> isin([1, 2, 3], [3, 1]).tolist()
    [True, False, True]
    """
    pool = sort(ravel(x2))
    if pool.shape[0] == 0:
        return full(convert_to_tensor(x1).shape, invert, "bool")
    found = equal(take(pool, searchsorted(pool, x1)), x1)
    return logical_not(found) if invert else found


@composite
def unique(
    x: Array,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The distinct elements, ascending; along an axis, the distinct slices. They come sorted whether or not that is asked for.

    How many there are depends on the values, so this compiles and records only with `size`: that many are given, cut off or filled up with
    `fill_value` (the smallest by default). In this order, if asked for, follow: where each is first found, which one each element is, and
    how often it is found.

    >>> unique([3, 1, 1]).tolist()
    [1, 3]
    >>> [part.tolist() for part in unique([3, 1, 1], return_inverse=True, return_counts=True)]
    [[1, 3], [1, 0, 0], [2, 1]]
    """
    x = convert_to_tensor(x)
    lines = reshape(x, (-1, 1)) if axis is None else moveaxis(x, as_axis(axis, x.ndim), 0)
    rows = reshape(lines, (lines.shape[0], math.prod(lines.shape[1:])))
    order = _lexical_order(rows)
    ordered = take(rows, order, axis=0)
    starts = concatenate([ones((min(1, rows.shape[0]),), "bool"), any(_differ(ordered), 1)])
    group = subtract(cumsum(starts), 1)
    count = _distinct(group) if size is None else size
    # where each group starts; groups that do not exist start where the first does
    firsts = scatter_update(full((count,), 0, "int32"), expand_dims(where(starts, group, count), 1), arange(rows.shape[0]))
    values = reshape(take(ordered, firsts, axis=0), (count, *lines.shape[1:]))
    counts = scatter_update(full((count,), 0, "int32"), expand_dims(group, 1), 1, "add") if return_counts else None
    if fill_value is not None and size is not None:
        exists = reshape(less(arange(count), count_nonzero(starts)), (count, *[1] * (lines.ndim - 1)))
        values = where(exists, values, cast(fill_value, x.dtype))
    values = reshape(values, (count,)) if axis is None else moveaxis(values, 0, axis)
    inverse = scatter_update(full((rows.shape[0],), 0, "int32"), expand_dims(order, 1), group) if return_inverse else None
    if inverse is not None and axis is None:
        inverse = reshape(inverse, x.shape)
    found = (values, take(order, firsts) if return_index else None, inverse, counts)
    asked = tuple(part for part in found if part is not None)
    return asked if len(asked) > 1 else values


def _lexical_order(rows: Array) -> Array:
    """Positions that sort the rows of a matrix: by the first column, equals by the second, and so on."""
    order = arange(rows.shape[0])
    for column in reversed(range(rows.shape[1])):
        keys = take(get_item(rows, (slice(None), column)), order)
        order = take(order, argsort(keys))
    return order


def _differ(ordered: Array) -> Array:
    """Where each row after the first differs from the one before; NaN does not differ from NaN."""
    before, after = get_item(ordered, slice(None, -1)), get_item(ordered, slice(1, None))
    return logical_and(not_equal(before, after), logical_not(logical_and(isnan(before), isnan(after))))


@primitive
def _distinct(on: Any, group: Array) -> int:
    """How many groups there are, as a Python number."""
    return int(concrete(on, group, "unique").max(initial=-1)) + 1
