"""Shapes of parts of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.backends.spec.core import broadcast_shapes
from cornu.backends.spec.tensor_spec import TensorSpec
from cornu.errors import BackendError

__all__ = ["get_item", "scatter_rows", "slice", "slice_update", "take", "take_along_axis"]


def get_item(x: TensorSpec, key: tuple[Any, ...]) -> TensorSpec:
    """What NumPy makes of the key, on an array without memory."""
    hollow = np.broadcast_to(np.zeros((), np.bool_), x.shape)
    return TensorSpec(hollow[tuple(map(_stand_in, key))].shape, x.dtype)


def _stand_in(key: Any) -> Any:
    if not isinstance(key, TensorSpec):
        return key
    if key.dtype == "bool":
        raise BackendError(
            f"A boolean index picks as many elements as are true, which a symbolic value does not tell; got {key}. Use `ops.where` with three arguments."
        )
    return np.broadcast_to(np.zeros((), np.intp), key.shape)


def take(x: TensorSpec, indices: TensorSpec, axis: int) -> TensorSpec:
    """The axis is replaced by the shape of the indices."""
    return TensorSpec((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x.dtype)


def take_along_axis(x: TensorSpec, indices: TensorSpec, axis: int) -> TensorSpec:
    """The length of the indices along the axis, broadcast elsewhere."""
    shape = broadcast_shapes(*(TensorSpec((*s.shape[:axis], 1, *s.shape[axis + 1 :])) for s in (x, indices)))
    return TensorSpec((*shape[:axis], indices.shape[axis], *shape[axis + 1 :]), x.dtype)


def slice(x: TensorSpec, start: Any, shape: Sequence[int]) -> TensorSpec:
    """The shape of the window."""
    return TensorSpec(shape, x.dtype)


def slice_update(x: TensorSpec, start: Any, updates: TensorSpec) -> TensorSpec:
    """The shape is kept."""
    return x


def scatter_rows(x: TensorSpec, rows: TensorSpec, updates: TensorSpec, reduction: str | None) -> TensorSpec:
    """The shape is kept."""
    return x
