"""Ops that read and write parts of arrays.

Indices out of bounds count as the nearest end, on every backend; negative ones count from the end first.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

from cornu import config, dtypes
from cornu.errors import ArgumentError, DTypeError
from cornu.ops.arguments import Array, array, as_axis, as_shape
from cornu.ops.core import cast, convert_to_tensor
from cornu.ops.creation import arange, zeros
from cornu.ops.dispatch import composite, primitive
from cornu.ops.elementwise import equal
from cornu.ops.reduce import max
from cornu.ops.shaping import expand_dims, reshape

__all__ = [
    "get_item", "multi_hot", "one_hot", "scatter", "scatter_add", "scatter_update", "slice", "slice_update", "take", "take_along_axis",
]  # fmt: skip


@primitive
def get_item(on: Any, x: Array, key: Any) -> Array:
    """`x[key]`, for the keys that NumPy takes: whole numbers, slices, None, an ellipsis, arrays of positions or booleans."""
    x = array(on, x)
    keys = key if isinstance(key, tuple) else (key,)
    own = tuple(k if k is None or k is Ellipsis or isinstance(k, (int, builtins.slice)) else array(on, k) for k in keys)
    return on.get_item(x, own if isinstance(key, tuple) else own[0])


def _positions(on: Any, indices: Array, op: str) -> Array:
    indices = array(on, indices)
    if not dtypes.is_integer(on.dtype(indices)):
        raise DTypeError(f"The indices of ops.{op} must be integers, got {on.dtype(indices)}. Cast them: `ops.cast(indices, 'int32')`.")
    return indices


@primitive
def take(on: Any, x: Array, indices: Array, axis: int | None = None) -> Array:
    """The elements, or slices along an axis, at these positions; over the flat array without `axis`.

    >>> take([[1, 2], [3, 4]], [1, 0], axis=0).tolist()
    [[3, 4], [1, 2]]
    """
    x, indices = array(on, x), _positions(on, indices, "take")
    if axis is None:
        x, axis = on.reshape(x, (_count(x.shape),)), 0
    return on.take(x, indices, as_axis(axis, x.ndim))


@primitive
def take_along_axis(on: Any, x: Array, indices: Array, axis: int | None = None) -> Array:
    """Elements along an axis at positions given for each place elsewhere, as `argsort` returns them.

    >>> take_along_axis([[3, 1, 2]], [[1, 2, 0]], axis=1).tolist()
    [[1, 2, 3]]
    """
    x, indices = array(on, x), _positions(on, indices, "take_along_axis")
    if axis is None:
        x, indices, axis = on.reshape(x, (_count(x.shape),)), on.reshape(indices, (_count(indices.shape),)), 0
    if x.ndim != indices.ndim:
        raise ArgumentError(f"take_along_axis needs indices with as many axes as x, got {tuple(indices.shape)} for {tuple(x.shape)}.")
    return on.take_along_axis(x, indices, as_axis(axis, x.ndim))


def _count(shape: Sequence[int]) -> int:
    count = 1
    for n in shape:
        count *= n
    return count


@primitive
def slice(on: Any, inputs: Array, start_indices: Sequence[Any], shape: Sequence[int]) -> Array:
    """The window of that shape which starts at `start_indices`; these may be computed, the shape is fixed.

    >>> slice([1, 2, 3, 4], [1], [2]).tolist()
    [2, 3]
    """
    inputs, window = array(on, inputs), as_shape(shape)
    if len(window) != inputs.ndim or len(start_indices) != inputs.ndim:
        raise ArgumentError(f"slice needs a start and a length for each of {inputs.ndim} axes, got {start_indices!r} and {shape!r}.")
    return on.slice(inputs, start_indices, window)


@primitive
def slice_update(on: Any, inputs: Array, start_indices: Sequence[Any], updates: Array) -> Array:
    """`inputs` with the window that starts at `start_indices` replaced by `updates`.

    >>> slice_update([1, 2, 3], [1], [9]).tolist()
    [1, 9, 3]
    """
    inputs = array(on, inputs)
    return on.slice_update(inputs, start_indices, array(on, updates, on.dtype(inputs)))


@primitive
def scatter_update(on: Any, inputs: Array, indices: Array, updates: Array) -> Array:
    """`inputs` with the elements (or slices) at `indices`, whose last axis names leading axes of `inputs`, replaced by `updates`.

    >>> scatter_update([1, 2, 3], [[0], [2]], [8, 9]).tolist()
    [8, 2, 9]
    """
    inputs = array(on, inputs)
    return on.scatter_update(inputs, _positions(on, indices, "scatter_update"), array(on, updates, on.dtype(inputs)))


@primitive
def scatter_add(on: Any, inputs: Array, indices: Array, updates: Array) -> Array:
    """`inputs` with `updates` added at `indices`; where positions repeat, all their updates are added."""
    inputs = array(on, inputs)
    return on.scatter_add(inputs, _positions(on, indices, "scatter_add"), array(on, updates, on.dtype(inputs)))


@composite
def scatter(indices: Array, values: Array, shape: Sequence[int]) -> Array:
    """Zeros of that shape with `values` added at `indices`.

    >>> scatter([[0], [2]], [8, 9], (4,)).tolist()
    [8, 0, 9, 0]
    """
    values = convert_to_tensor(values)
    return scatter_add(zeros(shape, values.dtype), indices, values)


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
    return cast(equal(cast(expand_dims(x, axis), "int32"), classes), dtype or config.floatx())


@composite
def multi_hot(inputs: Array, num_classes: int, axis: int = -1, dtype: str | None = None, sparse: bool = False) -> Array:
    """1 at every position named along the last axis of `inputs`, which goes; 0 elsewhere.

    >>> multi_hot([[0, 2, 2]], 4).tolist()
    [[1.0, 0.0, 1.0, 0.0]]
    """
    inputs = convert_to_tensor(inputs)
    return max(one_hot(inputs, num_classes, axis, dtype, sparse), axis=inputs.ndim - 1 if inputs.ndim > 1 else 0)
