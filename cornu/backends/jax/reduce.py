"""Reductions, scans and orders in JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

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


def _over_axes(reduction: Callable[..., Any]) -> Any:
    return lambda x, axis, keepdims: reduction(x, axis=axis, keepdims=keepdims)


def _in_own_dtype(reduction: Callable[..., Any]) -> Any:
    return lambda x, axis, keepdims: reduction(x, axis=axis, keepdims=keepdims, dtype=x.dtype)


sum, prod = _in_own_dtype(jnp.sum), _in_own_dtype(jnp.prod)
mean = _over_axes(jnp.mean)  # told the dtype, it divides by the count in that dtype, and 70,000 is too many for float16
max, min, any, all = _over_axes(jnp.max), _over_axes(jnp.min), _over_axes(jnp.any), _over_axes(jnp.all)


def argmax(x: Any, axis: Any, keepdims: bool) -> Any:
    return jnp.argmax(x, axis, keepdims=keepdims).astype("int32")


def argmin(x: Any, axis: Any, keepdims: bool) -> Any:
    return jnp.argmin(x, axis, keepdims=keepdims).astype("int32")


def cumsum(x: Any, axis: Any) -> Any:
    return jnp.cumsum(x, axis, dtype=x.dtype)


def cumprod(x: Any, axis: Any) -> Any:
    return jnp.cumprod(x, axis, dtype=x.dtype)


def sort(x: Any, axis: Any) -> Any:
    return jnp.sort(x, axis, stable=True)


def argsort(x: Any, axis: Any) -> Any:
    return jnp.argsort(x, axis, stable=True).astype("int32")


def top_k(x: Any, k: int) -> Any:
    return jax.lax.top_k(x, k)


def searchsorted(sequence: Any, values: Any, side: str) -> Any:
    return jnp.searchsorted(sequence, values, side).astype("int32")
