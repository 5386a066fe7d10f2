"""Reductions, scans and orders in NumPy."""

import numpy as np

__all__ = ["all", "any", "argmax", "argmin", "argsort", "cumprod", "cumsum", "max", "mean", "min", "prod", "sort", "sum", "top_k"]


def _over_axes(reduction):
    return lambda x, axis, keepdims: reduction(x, axis=axis, keepdims=keepdims)


def _in_own_dtype(reduction):
    return lambda x, axis, keepdims: reduction(x, axis=axis, keepdims=keepdims, dtype=x.dtype)


sum, prod, mean = _in_own_dtype(np.sum), _in_own_dtype(np.prod), _in_own_dtype(np.mean)
max, min, any, all = _over_axes(np.max), _over_axes(np.min), _over_axes(np.any), _over_axes(np.all)


def argmax(x, axis, keepdims):
    return np.argmax(x, axis, keepdims=keepdims).astype("int32")


def argmin(x, axis, keepdims):
    return np.argmin(x, axis, keepdims=keepdims).astype("int32")


def cumsum(x, axis):
    return np.cumsum(x, axis, dtype=x.dtype)


def cumprod(x, axis):
    return np.cumprod(x, axis, dtype=x.dtype)


def sort(x, axis):
    return np.sort(x, axis, kind="stable")


def argsort(x, axis):
    return np.argsort(x, axis, kind="stable").astype("int32")


def top_k(x, k, sorted):
    # a stable sort of the reversed array, read backwards, keeps equal values in their order
    order = x.shape[-1] - 1 - np.argsort(x[..., ::-1], -1, kind="stable")[..., ::-1][..., :k]
    return np.take_along_axis(x, order, -1), order.astype("int32")
