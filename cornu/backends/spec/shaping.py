"""Shapes of what makes arrays and changes their shape."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from cornu.backends.spec.tensor_spec import TensorSpec
from cornu.dtypes import numpy_dtype

__all__ = [
    "arange", "broadcast_to", "concatenate", "flip", "full", "pad", "repeat", "reshape", "roll", "split", "stack", "tile", "transpose",
    "tril", "triu", "view",
]  # fmt: skip


def full(shape: tuple[int, ...], value: Any, dtype: str) -> TensorSpec:
    """The shape asked for."""
    return TensorSpec(shape, dtype)


def arange(start: float, stop: float, step: float, dtype: str) -> TensorSpec:
    """As many values as steps fit."""
    return TensorSpec((max(0, math.ceil((stop - start) / step)),), dtype)


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
    shape = list(first.shape)
    shape[axis] = sum(x.shape[axis] for x in xs)
    return TensorSpec(shape, first.dtype)


def stack(xs: Sequence[TensorSpec], axis: int) -> TensorSpec:
    """A new axis as long as the list."""
    shape = list(xs[0].shape)
    shape.insert(axis, len(xs))
    return TensorSpec(shape, xs[0].dtype)


def split(x: TensorSpec, positions: Sequence[int], axis: int) -> list[TensorSpec]:
    """Pieces between the given positions."""
    edges = [0, *positions, x.shape[axis]]
    return [TensorSpec((*x.shape[:axis], max(0, b - a), *x.shape[axis + 1 :]), x.dtype) for a, b in itertools.pairwise(edges)]


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


def view(x: TensorSpec, dtype: str) -> TensorSpec:
    """The last axis grows or shrinks as the elements do."""
    if numpy_dtype(x.dtype).itemsize == numpy_dtype(dtype).itemsize:
        return TensorSpec(x.shape, dtype)
    return TensorSpec((*x.shape[:-1], x.shape[-1] * numpy_dtype(x.dtype).itemsize // numpy_dtype(dtype).itemsize), dtype)
