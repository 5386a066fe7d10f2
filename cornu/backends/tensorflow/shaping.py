"""Making arrays and changing their shape, in TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.backends.tensorflow.core import asarray, cast
from cornu.backends.tensorflow.library import tf

__all__ = [
    "arange", "broadcast_to", "concatenate", "flip", "full", "pad", "repeat", "reshape", "roll", "split", "stack", "tile", "transpose",
    "tril", "triu", "view",
]  # fmt: skip

broadcast_to, reshape, stack, transpose = tf.broadcast_to, tf.reshape, tf.stack, tf.transpose


def concatenate(xs: Sequence[Any], axis: Any) -> Any:
    return tf.concat(list(xs), axis)


def split(x: Any, positions: Sequence[int], axis: Any) -> Any:
    ends = [min(p, x.shape[axis]) for p in (*positions, x.shape[axis])]
    return tf.split(x, [max(end - start, 0) for start, end in zip([0, *ends], ends, strict=False)], axis)


def flip(x: Any, axes: Any) -> Any:
    return tf.reverse(x, list(axes))


def roll(x: Any, shift: Any, axis: Any) -> Any:
    return tf.roll(x, shift, axis)


def tile(x: Any, repeats: Sequence[int]) -> Any:
    repeats = (1,) * (x.ndim - len(repeats)) + tuple(repeats)
    x = tf.reshape(x, (1,) * (len(repeats) - x.ndim) + tuple(x.shape))
    return tf.cast(tf.tile(tf.cast(x, "int32"), repeats), "uint16") if x.dtype == tf.uint16 else tf.tile(x, repeats)


def _triangle(x: Any, kept: np.ndarray) -> Any:
    return tf.where(tf.constant(kept), x, tf.zeros((), x.dtype))


def tril(x: Any, k: int) -> Any:
    return _triangle(x, np.tri(x.shape[-2], x.shape[-1], k, dtype=bool))


def triu(x: Any, k: int) -> Any:
    return _triangle(x, ~np.tri(x.shape[-2], x.shape[-1], k - 1, dtype=bool))


def full(shape: tuple[int, ...], value: Any, dtype: str) -> Any:
    return tf.broadcast_to(cast(asarray(value), dtype) if tf.is_tensor(value) else asarray(value, dtype), shape)


def arange(start: Any, stop: Any, step: Any, dtype: str) -> Any:
    return asarray(np.arange(start, stop, step), dtype)


def repeat(x: Any, repeats: int | Sequence[int], axis: Any) -> Any:
    places = np.repeat(np.arange(x.shape[axis], dtype=np.int32), repeats)
    return tf.gather(x, places, axis=axis)


def pad(x: Any, pad_width: Sequence[tuple[int, int]], mode: str, value: Any) -> Any:
    if mode == "constant":
        return tf.pad(x, pad_width, constant_values=value if tf.is_tensor(value) else asarray(value, x.dtype.name))
    for axis, pair in enumerate(pad_width):
        if any(pair):
            x = tf.gather(x, np.pad(np.arange(x.shape[axis], dtype=np.int32), pair, mode), axis=axis)  # type: ignore[call-overload]
    return x


def view(x: Any, dtype: str) -> Any:
    old, new = x.dtype.size, tf.as_dtype(dtype).size
    if new > old:
        x = tf.reshape(x, (*x.shape[:-1], x.shape[-1] * old // new, new // old))
    y = tf.bitcast(x, dtype)
    return tf.reshape(y, (*x.shape[:-1], -1)) if new < old else y
