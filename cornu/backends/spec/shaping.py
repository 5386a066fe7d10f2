"""Shapes of what makes arrays and changes their shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cornu.backends.spec.core import asarray
from cornu.backends.spec.tensor_spec import TensorSpec
from cornu.errors import ShapeError

__all__ = [
    "arange", "broadcast_to", "concatenate", "flip", "full", "linspace", "pad", "repeat", "reshape", "roll", "split", "stack", "tile",
    "transpose", "tril", "triu",
]  # fmt: skip


def full(shape: tuple[int, ...], value: Any, dtype: str) -> TensorSpec:
    """The shape asked for."""
    return TensorSpec(shape, dtype)


def arange(start: float, stop: float, step: float, dtype: str) -> TensorSpec:
    """As many values as steps fit."""
    return TensorSpec((max(0, math.ceil((stop - start) / step)),), dtype)


def linspace(start: Any, stop: Any, num: int, endpoint: bool, dtype: str, axis: int) -> TensorSpec:
    """`num` values along a new axis."""
    shape = list(asarray(start).shape)
    shape.insert(axis, num)
    return TensorSpec(shape, dtype)


def reshape(x: TensorSpec, shape: tuple[int, ...]) -> TensorSpec:
    """The new shape, which holds as many elements."""
    return TensorSpec(shape, x.dtype)


def broadcast_to(x: TensorSpec, shape: tuple[int, ...]) -> TensorSpec:
    """The new shape."""
    return TensorSpec(shape, x.dtype)


def transpose(x: TensorSpec, axes: tuple[int, ...]) -> TensorSpec:
    """The axes in another order."""
    return TensorSpec([x.shape[a] for a in axes], x.dtype)


def concatenate(xs: Sequence[TensorSpec], axis: int) -> TensorSpec:
    """Lengths add up along the axis; the others agree."""
    first = xs[0]
    for x in xs[1:]:
        if x.ndim != first.ndim or any(a != b for i, (a, b) in enumerate(zip(x.shape, first.shape, strict=True)) if i != axis):
            raise ShapeError(f"Arrays joined along axis {axis} must agree in all other axes, got shapes {[v.shape for v in xs]}.")
    shape = list(first.shape)
    shape[axis] = sum(x.shape[axis] for x in xs)
    return TensorSpec(shape, first.dtype)


def stack(xs: Sequence[TensorSpec], axis: int) -> TensorSpec:
    """A new axis as long as the list."""
    if any(x.shape != xs[0].shape for x in xs):
        raise ShapeError(f"Arrays to stack must have one shape, got {[x.shape for x in xs]}.")
    shape = list(xs[0].shape)
    shape.insert(axis, len(xs))
    return TensorSpec(shape, xs[0].dtype)


def split(x: TensorSpec, indices_or_sections: int | Sequence[int], axis: int) -> list[TensorSpec]:
    """Pieces between the given positions, or that many equal ones."""
    length = x.shape[axis]
    if isinstance(indices_or_sections, int):
        stops = [length * i // indices_or_sections for i in range(1, indices_or_sections)]
    else:
        stops = [min(max(i if i >= 0 else length + i, 0), length) for i in indices_or_sections]
    edges = [0, *stops, length]
    return [TensorSpec((*x.shape[:axis], max(0, b - a), *x.shape[axis + 1 :]), x.dtype) for a, b in zip(edges, edges[1:], strict=False)]


def pad(x: TensorSpec, pad_width: Sequence[tuple[int, int]], mode: str, value: Any) -> TensorSpec:
    """Each axis grows by its two widths."""
    return TensorSpec([n + low + high for n, (low, high) in zip(x.shape, pad_width, strict=True)], x.dtype)


def flip(x: TensorSpec, axis: Any) -> TensorSpec:
    """The shape is kept."""
    return x


def roll(x: TensorSpec, shift: Any, axis: Any) -> TensorSpec:
    """The shape is kept."""
    return x


def tril(x: TensorSpec, k: int) -> TensorSpec:
    """The shape is kept."""
    return x


triu = tril


def repeat(x: TensorSpec, repeats: int | Sequence[int], axis: int) -> TensorSpec:
    """The axis grows by the repetitions."""
    total = x.shape[axis] * repeats if isinstance(repeats, int) else sum(repeats)
    return TensorSpec((*x.shape[:axis], total, *x.shape[axis + 1 :]), x.dtype)


def tile(x: TensorSpec, repeats: tuple[int, ...]) -> TensorSpec:
    """Each axis is as many times longer."""
    return TensorSpec([n * r for n, r in zip(x.shape, repeats, strict=True)], x.dtype)
