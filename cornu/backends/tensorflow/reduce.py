"""Reductions, scans and orders in TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu.backends.tensorflow.core import cast
from cornu.backends.tensorflow.elementwise import BOOL, SMALL, UNSIGNED
from cornu.backends.tensorflow.library import tf

__all__ = [
    "all", "any", "argmax", "argmin", "argsort", "cumprod", "cumsum", "max", "mean", "min", "prod", "searchsorted", "sort", "sum", "top_k",
]  # fmt: skip


def _wide(reduction: Callable[..., Any]) -> Callable[..., Any]:
    """Small floats are summed in float32, truths as integers."""

    def run(x: Any, axis: Any, *options: Any) -> Any:
        if x.dtype in SMALL:
            return tf.cast(reduction(tf.cast(x, "float32"), axis, *options), x.dtype)
        return cast(reduction(tf.cast(x, "int32"), axis, *options), "bool") if x.dtype in BOOL else reduction(x, axis, *options)

    return run


def _over_axes(reduction: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, axis, keepdims: reduction(x, list(axis), keepdims)


def _extreme(reduction: Callable[..., Any], of_truths: Callable[..., Any]) -> Callable[..., Any]:
    """NaN where there is one: TensorFlow passes over it."""

    def run(x: Any, axis: Any, keepdims: bool) -> Any:
        if x.dtype in BOOL:
            return of_truths(x, axis, keepdims)
        found = reduction(x, axis, keepdims)
        if not x.dtype.is_floating:
            return found
        return tf.where(tf.reduce_any(tf.math.is_nan(x), axis, keepdims), tf.constant(float("nan"), x.dtype), found)

    return _over_axes(run)


sum, prod, mean = (_over_axes(_wide(f)) for f in (tf.reduce_sum, tf.reduce_prod, tf.reduce_mean))
any, all = _over_axes(tf.reduce_any), _over_axes(tf.reduce_all)
max, min = _extreme(tf.reduce_max, tf.reduce_any), _extreme(tf.reduce_min, tf.reduce_all)


def _cumprod(x: Any, axis: int) -> Any:
    """In steps of 1, 2, 4, …: the gradient of TensorFlow's own divides by the elements, and is wrong where one is 0."""
    length, step = x.shape[axis], 1
    if not x.dtype.is_floating or length is None:
        return tf.math.cumprod(x, axis)
    while step < length:
        before = tf.pad(x, [[step, 0] if a == axis else [0, 0] for a in range(x.ndim)], constant_values=1)
        x, step = x * tf.split(before, [length, step], axis)[0], 2 * step
    return x


cumsum, cumprod = _wide(tf.math.cumsum), _wide(_cumprod)


def _ordered(x: Any) -> Any:
    """Numbers in the order of the elements: NaN last, 0 and -0 equal. Floats go by their bits, as TensorFlow loses its way among NaN."""
    if x.dtype in BOOL:
        return tf.cast(x, "int32")
    if not x.dtype.is_floating:
        return x
    x = tf.cast(x, "float32") if x.dtype in SMALL else x
    kind = "int32" if x.dtype == tf.float32 else "int64"
    largest = (1 << (8 * x.dtype.size - 1)) - 1
    bits = tf.bitcast(tf.where(x == 0, tf.zeros_like(x), x), kind)
    upward = tf.where(bits < 0, tf.bitwise.bitwise_xor(bits, tf.constant(largest, kind)), bits)
    return tf.where(tf.math.is_nan(x), tf.constant(largest, kind), upward)


def _arg(find: Callable[..., Any], smallest: bool) -> Callable[..., Any]:
    def run(x: Any, axis: Any, keepdims: bool) -> Any:
        x = tf.reshape(x, (-1,)) if axis is None else x
        order = _ordered(x)
        if smallest and x.dtype.is_floating:  # the first NaN is found, as the largest is
            order = tf.where(tf.math.is_nan(x), order.dtype.min, order)
        found = find(order, 0 if axis is None else axis, tf.int32)
        return tf.expand_dims(found, axis) if keepdims and axis is not None else found

    return run


argmax, argmin = _arg(tf.argmax, False), _arg(tf.argmin, True)


def argsort(x: Any, axis: Any) -> Any:
    return tf.argsort(_ordered(x), axis, stable=True)


def sort(x: Any, axis: Any) -> Any:
    if x.dtype.is_floating or x.dtype in BOOL:
        from_last = tf.experimental.numpy.moveaxis(x, axis, -1)
        found = tf.gather(from_last, argsort(from_last, -1), axis=-1, batch_dims=x.ndim - 1)
        return tf.experimental.numpy.moveaxis(found, -1, axis)
    return tf.sort(x, axis)


def top_k(x: Any, k: int) -> Any:
    values, indices = tf.math.top_k(tf.cast(x, "int32") if x.dtype in BOOL else x, k)
    return cast(values, x.dtype.name), indices


def searchsorted(sequence: Any, values: Any, side: str) -> Any:
    flat = tf.reshape(values, (-1,))
    sequence, flat = (tf.cast(v, "int64") if v.dtype in UNSIGNED else _ordered(v) for v in (sequence, flat))
    return tf.reshape(tf.searchsorted(sequence, flat, side), values.shape)
