"""Ops that read and write parts of arrays.

Negative positions count from the end. Where an array of positions is out of bounds, reading takes the nearest end and writing writes nothing,
on every backend; a position given as a Python number must be inside.
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Sequence
from typing import Any

from cornu import dtypes
from cornu.errors import ArgumentError, DTypeError, ShapeError
from cornu.ops.arguments import Array, array, as_axis, as_shape, broadcast
from cornu.ops.core import cast, convert_to_tensor, where
from cornu.ops.creation import arange, float_or, zeros
from cornu.ops.dispatch import composite, primitive
from cornu.ops.elementwise import add, equal, floor_divide, less, mod
from cornu.ops.reduce import max
from cornu.ops.shaping import broadcast_to, expand_dims, reshape

__all__ = [
    "get_item", "multi_hot", "one_hot", "scatter", "scatter_add", "scatter_update", "slice", "slice_update", "take", "take_along_axis",
    "unravel_index",
]  # fmt: skip


@primitive
def get_item(on: Any, x: Array, key: Any) -> Array:
    """`x[key]`, for the keys that NumPy takes: whole numbers, slices, None, an ellipsis, arrays of positions or booleans.

    A boolean array gives as many elements as it has true ones, so it neither compiles nor records.

    >>> get_item([[1, 2], [3, 4]], (..., 0)).tolist()
    [1, 3]
    """
    x = array(on, x)
    keys = [k if _is_plain(k) else array(on, k) for k in (key if isinstance(key, tuple) else (key,))]
    masks = {i: k.ndim for i, k in enumerate(keys) if not _is_plain(k) and on.dtype(k) == "bool"}
    used = sum(masks.get(i, k is not None and k is not Ellipsis) for i, k in enumerate(keys))
    if used > x.ndim or builtins.sum(k is Ellipsis for k in keys) > 1:
        raise ArgumentError(f"An index names each axis once and has one ellipsis at most, got {key!r} for the shape {tuple(x.shape)}.")
    at = next((i for i, k in enumerate(keys) if k is Ellipsis), len(keys))
    keys[at : at + 1] = [builtins.slice(None)] * (x.ndim - used)
    return on.get_item(x, _checked_keys(on, x, keys))


def _is_plain(key: Any) -> bool:
    return (
        key is None or key is Ellipsis or isinstance(key, builtins.slice) or (hasattr(type(key), "__index__") and not hasattr(key, "shape"))
    )


def _checked_keys(on: Any, x: Array, keys: Sequence[Any]) -> tuple[Any, ...]:
    """A key for each axis: numbers not negative and inside, arrays of positions held inside."""
    checked, axis = [], 0
    for key in keys:
        length = x.shape[axis] if axis < x.ndim else 0
        if isinstance(key, builtins.slice) or key is None:
            axis += key is not None
        elif _is_plain(key):
            key = operator.index(key)
            if not -length <= key < length:
                raise ArgumentError(
                    f"A position on axis {axis} of the shape {tuple(x.shape)} must be from {-length} to {length - 1}, got {key}."
                )
            key, axis = key % length, axis + 1
        elif on.dtype(key) == "bool":
            if tuple(key.shape) != tuple(x.shape[axis : axis + key.ndim]):
                raise ShapeError(
                    f"A boolean index has the shape of what it picks from, got {tuple(key.shape)} for axes from {axis} of {tuple(x.shape)}."
                )
            axis += key.ndim
        else:
            key, axis = _inside(on, key, length), axis + 1
        checked.append(key)
    broadcast(*(tuple(key.shape) for key in checked if isinstance(key, on.ARRAY_TYPES) and on.dtype(key) != "bool"))
    return tuple(checked)


def _inside(on: Any, indices: Array, length: int) -> Array:
    indices = on.cast(_positions(on, indices, "get_item"), "int32")
    return on.clip(on.where(on.less(indices, 0), on.add(indices, length), indices), 0, builtins.max(length - 1, 0))


def _positions(on: Any, indices: Array, op: str) -> Array:
    indices = array(on, indices)
    if not dtypes.is_integer(on.dtype(indices)):
        raise DTypeError(f"The indices of ops.{op} must be integers, got {on.dtype(indices)}. Cast them: `ops.cast(indices, 'int32')`.")
    # a narrow dtype may not hold the length that negative positions are counted from, and PyTorch takes no unsigned ones
    return array(on, indices, "int32") if on.dtype(indices) != "int64" else indices


@primitive
def take(on: Any, x: Array, indices: Array, axis: int | None = None) -> Array:
    """The elements, or slices along an axis, at these positions; over the flat array without `axis`.

    >>> take([[1, 2], [3, 4]], [1, 0], axis=0).tolist()
    [[3, 4], [1, 2]]
    """
    x, indices = array(on, x), _positions(on, indices, "take")
    if axis is None:
        x, axis = on.reshape(x, (math.prod(x.shape),)), 0
    axis = as_axis(axis, x.ndim)
    if x.shape[axis] == 0 and math.prod(indices.shape):
        raise ShapeError(f"Nothing can be taken from an axis without elements, got the shape {tuple(x.shape)}, axis {axis}.")
    return on.take(x, indices, axis)


@primitive
def take_along_axis(on: Any, x: Array, indices: Array, axis: int | None = None) -> Array:
    """Elements along an axis at positions given for each place elsewhere, as `argsort` returns them.

    >>> take_along_axis([[3, 1, 2]], [[1, 2, 0]], axis=1).tolist()
    [[1, 2, 3]]
    """
    x, indices = array(on, x), _positions(on, indices, "take_along_axis")
    if axis is None:
        x, indices, axis = on.reshape(x, (math.prod(x.shape),)), on.reshape(indices, (math.prod(indices.shape),)), 0
    if x.ndim != indices.ndim:
        raise ShapeError(f"take_along_axis needs indices with as many axes as x, got {tuple(indices.shape)} for {tuple(x.shape)}.")
    axis = as_axis(axis, x.ndim)
    broadcast(*((*v.shape[:axis], 1, *v.shape[axis + 1 :]) for v in (x, indices)))
    return on.take_along_axis(x, indices, axis)


def _starts(on: Any, start_indices: Any, shape: Sequence[int], window: Sequence[int], op: str) -> list[Any]:
    """A start for each axis; the window must fit in the array."""
    starts = list(start_indices) if isinstance(start_indices, (list, tuple)) else _rows_of(on, array(on, start_indices))
    if len(starts) != len(shape) or len(window) != len(shape) or any(n > size for n, size in zip(window, shape, strict=True)):
        raise ShapeError(
            f"ops.{op} needs a start for each axis and a window that fits in the array, got {len(starts)} starts and a window {tuple(window)} "
            f"for the shape {tuple(shape)}."
        )
    return [s if isinstance(s, int) else array(on, s) for s in starts]


def _rows_of(on: Any, starts: Array) -> list[Array]:
    return [on.reshape(piece, ()) for piece in on.split(starts, tuple(range(1, starts.shape[0])), 0)] if starts.ndim == 1 else [starts]


@primitive
def slice(on: Any, inputs: Array, start_indices: Any, shape: Sequence[int]) -> Array:
    """The window of that shape which starts at `start_indices`; these may be computed, the shape is fixed. A window over the edge is moved inside.

    >>> slice([1, 2, 3, 4], [1], [2]).tolist()
    [2, 3]
    """
    inputs, window = array(on, inputs), as_shape(shape)
    return on.slice(inputs, _starts(on, start_indices, inputs.shape, window, "slice"), window)


@primitive
def slice_update(on: Any, inputs: Array, start_indices: Any, updates: Array) -> Array:
    """`inputs` with the window that starts at `start_indices` replaced by `updates`.

    >>> slice_update([1, 2, 3], [1], [9]).tolist()
    [1, 9, 3]
    """
    inputs = array(on, inputs)
    updates = array(on, updates, on.dtype(inputs))
    return on.slice_update(inputs, _starts(on, start_indices, inputs.shape, updates.shape, "slice_update"), updates)


@composite
def scatter_update(inputs: Array, indices: Array, updates: Array, reduction: str | None = None) -> Array:
    """`inputs` with the elements (or slices) at `indices` replaced by `updates`, or joined with them by a reduction: "add", "max", "min" or "mul".

    The last axis of `indices` names leading axes of `inputs`: indices (..., k) and updates (..., *inputs.shape[k:]). Where positions repeat, a reduction
    takes all their updates; without one, which of them stays is not defined.

    >>> scatter_update([1, 2, 3], [[0], [2]], [8, 9]).tolist()
    [8, 2, 9]
    """
    inputs, indices = convert_to_tensor(inputs), convert_to_tensor(indices)
    depth = indices.shape[-1] if indices.ndim else 0
    if not 0 < depth <= inputs.ndim:
        raise ShapeError(f"The last axis of the indices names 1 to {inputs.ndim} axes of the array, got the shape {tuple(indices.shape)}.")
    lead, rest, count = tuple(inputs.shape[:depth]), tuple(inputs.shape[depth:]), math.prod(indices.shape[:-1])
    updates = broadcast_to(cast(updates, inputs.dtype), (*indices.shape[:-1], *rest))
    rows = _row_numbers(reshape(indices, (count, depth)), lead)
    return reshape(
        _scatter_rows(reshape(inputs, (math.prod(lead), *rest)), rows, reshape(updates, (count, *rest)), reduction), inputs.shape
    )


@primitive
def _row_numbers(on: Any, indices: Array, lead: tuple[int, ...]) -> Array:
    """The places (n,) in an array made flat of indices (n, k) into axes of these lengths; one past the end where an index is out of bounds."""
    indices = on.cast(_positions(on, indices, "scatter_update"), "int32")
    lengths = array(on, list(lead), "int32")
    indices = on.where(on.less(indices, 0), on.add(indices, lengths), indices)
    valid = on.all(on.logical_and(on.greater_equal(indices, 0), on.less(indices, lengths)), (1,), False)
    strides = array(on, [math.prod(lead[i + 1 :]) for i in range(len(lead))], "int32")
    return on.where(valid, on.sum(on.multiply(indices, strides), (1,), False), math.prod(lead))


@primitive
def _scatter_rows(on: Any, x: Array, rows: Array, updates: Array, reduction: str | None) -> Array:
    if reduction not in (None, "add", "max", "min", "mul"):
        raise ArgumentError(f"reduction must be None, 'add', 'max', 'min' or 'mul', got {reduction!r}.")
    return on.scatter_rows(x, rows, updates, reduction)


@composite
def scatter_add(inputs: Array, indices: Array, updates: Array) -> Array:
    """`inputs` with `updates` added at `indices`; where positions repeat, all their updates are added.

    >>> scatter_add([1, 2, 3], [[0], [0]], [8, 9]).tolist()
    [18, 2, 3]
    """
    return scatter_update(inputs, indices, updates, "add")


@composite
def scatter(indices: Array, values: Array, shape: Sequence[int]) -> Array:
    """Zeros of that shape with `values` added at `indices`.

    >>> scatter([[0], [2]], [8, 9], (4,)).tolist()
    [8, 0, 9, 0]
    """
    values = convert_to_tensor(values)
    return scatter_update(zeros(shape, values.dtype), indices, values, "add")


@composite
def unravel_index(indices: Array, shape: Sequence[int]) -> tuple[Array, ...]:
    """For positions in an array made flat, their positions along each axis of the shape.

    >>> [part.tolist() for part in unravel_index([5, 3], (2, 3))]
    [[1, 1], [2, 0]]
    """
    indices, lengths = convert_to_tensor(indices), as_shape(shape)
    indices = where(less(indices, 0), add(indices, math.prod(lengths)), indices)
    strides = [math.prod(lengths[i + 1 :]) for i in range(len(lengths))]
    return tuple(mod(floor_divide(indices, s), n) for s, n in zip(strides, lengths, strict=True))


@composite
def one_hot(x: Array, num_classes: int, axis: int = -1, dtype: str | None = None, sparse: bool = False) -> Array:
    """A new axis that is 1 at the position named by the integer and 0 elsewhere; all 0 where it is out of range.

    >>> one_hot([0, 2], 3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if sparse:
        raise ArgumentError("Cornu's arrays are dense, got sparse=True. Use the integers themselves, or sparse=False.")
    x = convert_to_tensor(x)
    axis = as_axis(axis, x.ndim + 1)
    classes = reshape(arange(num_classes), [num_classes if i == axis else 1 for i in range(x.ndim + 1)])
    return cast(equal(cast(expand_dims(x, axis), "int32"), classes), float_or(dtype))


@composite
def multi_hot(inputs: Array, num_classes: int, axis: int = -1, dtype: str | None = None, sparse: bool = False) -> Array:
    """1 at every position named along the last axis of `inputs`, which goes; 0 elsewhere.

    >>> multi_hot([[0, 2, 2]], 4).tolist()
    [[1.0, 0.0, 1.0, 0.0]]
    """
    inputs = convert_to_tensor(inputs)
    return max(one_hot(inputs, num_classes, axis, dtype, sparse), axis=inputs.ndim - 1 if inputs.ndim > 1 else 0)
