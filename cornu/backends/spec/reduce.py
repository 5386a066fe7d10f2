"""Shapes of reductions, scans and orders."""

from __future__ import annotations

from cornu.backends.spec.tensor_spec import TensorSpec

__all__ = [
    "all",
    "any",
    "argmax",
    "argmin",
    "argsort",
    "cumprod",
    "cumsum",
    "max",
    "mean",
    "min",
    "prod",
    "searchsorted",
    "sort",
    "sum",
    "top_k",
]


def sum(x: TensorSpec, axis: tuple[int, ...], keepdims: bool) -> TensorSpec:
    """The reduced axes go, or become 1."""
    if keepdims:
        return TensorSpec([1 if i in axis else n for i, n in enumerate(x.shape)], x.dtype)
    return TensorSpec([n for i, n in enumerate(x.shape) if i not in axis], x.dtype)


prod = mean = max = min = any = all = sum


def argmax(x: TensorSpec, axis: int, keepdims: bool) -> TensorSpec:
    """The reduced axis goes; positions are int32."""
    return TensorSpec(sum(x, (axis,), keepdims).shape, "int32")


argmin = argmax


def cumsum(x: TensorSpec, axis: int) -> TensorSpec:
    """The shape is kept."""
    return x


cumprod = sort = cumsum


def argsort(x: TensorSpec, axis: int) -> TensorSpec:
    """The shape is kept; positions are int32."""
    return TensorSpec(x.shape, "int32")


def top_k(x: TensorSpec, k: int) -> tuple[TensorSpec, TensorSpec]:
    """The last axis has length `k`."""
    shape = (*x.shape[:-1], k)
    return TensorSpec(shape, x.dtype), TensorSpec(shape, "int32")


def searchsorted(sequence: TensorSpec, values: TensorSpec, side: str) -> TensorSpec:
    """A position for each value, as int32."""
    return TensorSpec(values.shape, "int32")
