"""Shapes of parts of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.backends.spec.core import broadcast_shapes
from cornu.backends.spec.tensor_spec import TensorSpec
from cornu.errors import ShapeError

__all__ = ["get_item", "scatter_add", "scatter_update", "slice", "slice_update", "take", "take_along_axis"]


def get_item(x: TensorSpec, key: Any) -> TensorSpec:
    """What NumPy makes of the key, on an array without memory."""
    keys = key if isinstance(key, tuple) else (key,)
    keys = tuple(_stand_in(k) for k in keys)
    hollow = np.broadcast_to(np.zeros((), np.bool_), x.shape)
    try:
        return TensorSpec(hollow[keys].shape, x.dtype)
    except IndexError as error:
        raise ShapeError(f"The index {key!r} does not fit an array of shape {x.shape}: {error}.") from None


def _stand_in(key: Any) -> Any:
    if isinstance(key, TensorSpec):
        return np.broadcast_to(np.zeros((), np.bool_ if key.dtype == "bool" else np.intp), key.shape)
    return key


def take(x: TensorSpec, indices: TensorSpec, axis: int) -> TensorSpec:
    """The axis is replaced by the shape of the indices."""
    return TensorSpec((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x.dtype)


def take_along_axis(x: TensorSpec, indices: TensorSpec, axis: int) -> TensorSpec:
    """The length of the indices along the axis, broadcast elsewhere."""
    shape = broadcast_shapes(*(TensorSpec((*s.shape[:axis], 1, *s.shape[axis + 1 :])) for s in (x, indices)))
    return TensorSpec((*shape[:axis], indices.shape[axis], *shape[axis + 1 :]), x.dtype)


def slice(x: TensorSpec, start: Any, shape: Sequence[int]) -> TensorSpec:
    """The shape of the window, which fits in the array."""
    if any(n > size for n, size in zip(shape, x.shape, strict=True)):
        raise ShapeError(f"A slice must fit in the array, got the shape {tuple(shape)} in {x.shape}.")
    return TensorSpec(shape, x.dtype)


def slice_update(x: TensorSpec, start: Any, updates: TensorSpec) -> TensorSpec:
    """The shape is kept."""
    slice(x, start, updates.shape)
    return x


def scatter_update(x: TensorSpec, indices: TensorSpec, updates: Any) -> TensorSpec:
    """The shape is kept."""
    if indices.shape[-1] > x.ndim:
        raise ShapeError(f"The last axis of the indices names at most the {x.ndim} axes of the array, got {indices.shape[-1]}.")
    return x


scatter_add = scatter_update
