"""Reductions, scans and orders in JAX."""

import jax
import jax.numpy as jnp

__all__ = ["all", "any", "argmax", "argmin", "argsort", "cumprod", "cumsum", "max", "mean", "min", "prod", "searchsorted", "sort", "sum", "top_k"]


def _over_axes(reduction):
    return lambda x, axis, keepdims: reduction(x, axis=axis, keepdims=keepdims)


def _in_own_dtype(reduction):
    return lambda x, axis, keepdims: reduction(x, axis=axis, keepdims=keepdims, dtype=x.dtype)


sum, prod, mean = _in_own_dtype(jnp.sum), _in_own_dtype(jnp.prod), _in_own_dtype(jnp.mean)
max, min, any, all = _over_axes(jnp.max), _over_axes(jnp.min), _over_axes(jnp.any), _over_axes(jnp.all)


def argmax(x, axis, keepdims):
    return jnp.argmax(x, axis, keepdims=keepdims).astype("int32")


def argmin(x, axis, keepdims):
    return jnp.argmin(x, axis, keepdims=keepdims).astype("int32")


def cumsum(x, axis):
    return jnp.cumsum(x, axis, dtype=x.dtype)


def cumprod(x, axis):
    return jnp.cumprod(x, axis, dtype=x.dtype)


def sort(x, axis):
    return jnp.sort(x, axis, stable=True)


def argsort(x, axis):
    return jnp.argsort(x, axis, stable=True).astype("int32")


def top_k(x, k):
    return jax.lax.top_k(x, k)


def searchsorted(sequence, values, side):
    return jnp.searchsorted(sequence, values, side).astype("int32")
