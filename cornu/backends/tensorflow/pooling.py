"""Poolings in TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu.backends.tensorflow.convolution import as_given, padded, same_or_valid, to_last
from cornu.backends.tensorflow.core import cast
from cornu.backends.tensorflow.library import tf

__all__ = ["average_pool", "max_pool"]

Pairs = Sequence[tuple[int, int]]
Ints = Sequence[int]


def max_pool(x: Any, window: Ints, strides: Ints, padding: Pairs, channels_last: bool) -> Any:
    if not x.dtype.is_floating:  # exact up to 2 ** 53
        return cast(max_pool(tf.cast(x, "float64"), window, strides, padding, channels_last), x.dtype.name)
    x = to_last(x, channels_last)
    named = same_or_valid(x.shape[1:-1], window, strides, padding)
    x = x if named else padded(x, padding, tf.constant(float("-inf"), x.dtype))
    return as_given(_pooled("max", x, window, strides, named or "VALID"), channels_last)


def average_pool(x: Any, window: Ints, strides: Ints, padding: Pairs, channels_last: bool) -> Any:
    x = to_last(x, channels_last)
    named = same_or_valid(x.shape[1:-1], window, strides, padding)
    if named:  # padded cells do not count
        return as_given(_pooled("avg", x, window, strides, named), channels_last)
    inside = tf.ones((1, *x.shape[1:-1], 1), x.dtype)
    mean, share = (_pooled("avg", padded(a, padding), window, strides, "VALID") for a in (x, inside))
    return as_given(mean / share, channels_last)


def _pooled(kind: str, x: Any, window: Ints, strides: Ints, padding: str) -> Any:
    if len(window) == 1:
        return tf.squeeze(_pooled(kind, x[:, None], (1, *window), (1, *strides), padding), 1)
    pool = getattr(tf.nn, f"{kind}_pool{len(window)}d")
    if len(window) == 3 and x.dtype in (tf.float16, tf.bfloat16):  # TensorFlow lacks that kernel on a CPU
        return tf.cast(pool(tf.cast(x, "float32"), window, strides, padding), x.dtype)
    return pool(x, window, strides, padding)
