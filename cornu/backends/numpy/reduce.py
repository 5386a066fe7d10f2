"""Reductions, scans and orders in NumPy. Floats of less than 32 bits are summed in float32."""

import numpy as np

__all__ = ["all", "any", "argmax", "argmin", "argsort", "cumprod", "cumsum", "max", "mean", "min", "prod", "searchsorted", "sort", "sum", "top_k"]


def _over_axes(reduction):
    return lambda x, axis, keepdims: np.asarray(reduction(x, axis=axis, keepdims=keepdims))


def _accumulator(x):
    return np.float32 if x.dtype.itemsize < 4 and x.dtype.kind in "fV" else x.dtype


def _in_own_dtype(reduction):
    def run(x, axis, keepdims):
        with np.errstate(all="ignore"):
            return np.asarray(reduction(x, axis=axis, keepdims=keepdims, dtype=_accumulator(x))).astype(x.dtype, copy=False)

    return run


def _mean(x, axis, keepdims, dtype):
    # np.mean warns where there is nothing to average; the sum over 0 is NaN without a word
    return np.sum(x, axis=axis, keepdims=keepdims, dtype=dtype) / np.asarray(np.prod([x.shape[a] for a in axis]), dtype)


sum, prod, mean = _in_own_dtype(np.sum), _in_own_dtype(np.prod), _in_own_dtype(_mean)
max, min, any, all = _over_axes(np.max), _over_axes(np.min), _over_axes(np.any), _over_axes(np.all)


def argmax(x, axis, keepdims):
    return np.asarray(np.argmax(x, axis, keepdims=keepdims), "int32")


def argmin(x, axis, keepdims):
    return np.asarray(np.argmin(x, axis, keepdims=keepdims), "int32")


def cumsum(x, axis):
    with np.errstate(all="ignore"):
        return np.cumsum(x, axis, dtype=_accumulator(x)).astype(x.dtype, copy=False)


def cumprod(x, axis):
    with np.errstate(all="ignore"):
        return np.cumprod(x, axis, dtype=_accumulator(x)).astype(x.dtype, copy=False)


def sort(x, axis):
    return np.sort(x, axis, kind="stable")


def argsort(x, axis):
    return np.argsort(x, axis, kind="stable").astype("int32")


def top_k(x, k):
    # a stable sort of the reversed array, read backwards, keeps equal values in their order
    order = x.shape[-1] - 1 - np.argsort(x[..., ::-1], -1, kind="stable")[..., ::-1][..., :k]
    return np.take_along_axis(x, order, -1), order.astype("int32")


def searchsorted(sequence, values, side):
    return np.asarray(np.searchsorted(sequence, values, side), "int32")
