"""Reductions, scans and orders in NumPy. Floats of less than 32 bits are summed in float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

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
    return lambda x, axis, keepdims: np.asarray(reduction(x, axis=axis, keepdims=keepdims))


def _accumulator(x: Any) -> Any:
    return np.float32 if x.dtype.itemsize < 4 and x.dtype.kind in "fV" else x.dtype


def _in_own_dtype(reduction: Callable[..., Any]) -> Callable[..., Any]:
    def run(x: Any, axis: Any, keepdims: bool) -> Any:
        with np.errstate(all="ignore"):
            return np.asarray(reduction(x, axis=axis, keepdims=keepdims, dtype=_accumulator(x))).astype(x.dtype, copy=False)

    return run


def _mean(x: Any, axis: Any, keepdims: bool, dtype: str) -> Any:
    # np.mean warns where there is nothing to average; the sum over 0 is NaN without a word
    return np.sum(x, axis=axis, keepdims=keepdims, dtype=dtype) / np.asarray(np.prod([x.shape[a] for a in axis]), dtype)


sum, prod, mean = _in_own_dtype(np.sum), _in_own_dtype(np.prod), _in_own_dtype(_mean)
max, min, any, all = _over_axes(np.max), _over_axes(np.min), _over_axes(np.any), _over_axes(np.all)


def argmax(x: Any, axis: Any, keepdims: bool) -> Any:
    return np.asarray(np.argmax(x, axis, keepdims=keepdims), "int32")


def argmin(x: Any, axis: Any, keepdims: bool) -> Any:
    return np.asarray(np.argmin(x, axis, keepdims=keepdims), "int32")


def cumsum(x: Any, axis: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.cumsum(x, axis, dtype=_accumulator(x)).astype(x.dtype, copy=False)


def cumprod(x: Any, axis: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.cumprod(x, axis, dtype=_accumulator(x)).astype(x.dtype, copy=False)


def sort(x: Any, axis: Any) -> Any:
    return np.sort(x, axis, kind="stable")


def argsort(x: Any, axis: Any) -> Any:
    return np.argsort(x, axis, kind="stable").astype("int32")


def top_k(x: Any, k: int) -> Any:
    # a stable sort of the reversed array, read backwards, keeps equal values in their order
    order = x.shape[-1] - 1 - np.argsort(x[..., ::-1], -1, kind="stable")[..., ::-1][..., :k]
    return np.take_along_axis(x, order, -1), order.astype("int32")


def searchsorted(sequence: Any, values: Any, side: Any) -> Any:
    return np.asarray(np.searchsorted(sequence, values, side), "int32")
