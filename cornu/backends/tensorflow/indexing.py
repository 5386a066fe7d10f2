"""Reading and writing parts of arrays, in TensorFlow."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

from cornu.backends.tensorflow.core import cast
from cornu.backends.tensorflow.elementwise import BOOL
from cornu.backends.tensorflow.library import tf

_slice = builtins.slice  # this module's own `slice` is the op

__all__ = ["get_item", "nonzero", "scatter_rows", "slice", "slice_update", "take", "take_along_axis"]


def get_item(x: Any, key: Any) -> Any:
    """NumPy's rules: arrays of positions meet by broadcasting, and their axes stand where they stood if side by side, else in front."""
    key = _explicit(x, key)
    if not any(tf.is_tensor(k) for k in key):
        return x[tuple(key)]
    places = [i for i, k in enumerate(key) if k is not None and not isinstance(k, _slice)]
    x = x[tuple(_slice(None) if i in places else k for i, k in enumerate(key))]
    if len(places) == 1:
        axis = places[0]
        return tf.gather(x, _from_start(key[axis], x.shape[axis]), axis=axis)
    rest = [i for i in range(x.ndim) if i not in places]
    found = tf.gather_nd(tf.transpose(x, places + rest), _met([_from_start(key[i], x.shape[i]) for i in places]))
    front = found.ndim - len(rest)
    if places != list(range(places[0], places[-1] + 1)):
        return found
    before = [front + i for i in range(places[0])]
    return tf.transpose(found, [*before, *range(front), *range(front + len(before), found.ndim)])


def _explicit(x: Any, key: Any) -> list[Any]:
    """One entry an axis, truths as positions; whole numbers beside arrays count as arrays."""
    keys: list[Any] = []
    for k in key:
        if tf.is_tensor(k) and k.dtype == tf.bool:
            keys.extend(nonzero(k))
        else:
            keys.append(k)
    if Ellipsis in [k for k in keys if not tf.is_tensor(k)]:
        at = next(i for i, k in enumerate(keys) if k is Ellipsis)
        named = sum(k is not None and k is not Ellipsis for k in keys)
        keys[at : at + 1] = [_slice(None)] * (x.ndim - named)
    arrays = any(tf.is_tensor(k) for k in keys)
    return [tf.constant(int(k)) if arrays and k is not None and not tf.is_tensor(k) and not isinstance(k, _slice) else k for k in keys]


def _from_start(index: Any, size: int) -> Any:
    index = tf.cast(index, "int32") if index.dtype not in (tf.int32, tf.int64) else index
    return tf.where(index < 0, index + tf.constant(size, index.dtype), index)


def _met(indices: Sequence[Any]) -> Any:
    shape: Any = ()
    for i in indices:
        shape = tf.broadcast_static_shape(tf.TensorShape(shape), i.shape)
    return tf.stack([tf.broadcast_to(tf.cast(i, "int32"), shape) for i in indices], -1)


def nonzero(x: Any) -> Any:
    return tuple(tf.unstack(tf.cast(tf.where(cast(x, "bool")), "int32"), num=x.ndim, axis=-1))


def _inside(indices: Any, size: int) -> Any:
    """Out of bounds counts as the nearest end; negative indices count from the end first."""
    return tf.clip_by_value(_from_start(indices, size), 0, max(size - 1, 0))


def take(x: Any, indices: Any, axis: Any) -> Any:
    return tf.gather(x, _inside(indices, x.shape[axis]), axis=axis)


def take_along_axis(x: Any, indices: Any, axis: Any) -> Any:
    indices = _inside(indices, x.shape[axis])
    order = [*(a for a in range(x.ndim) if a != axis), axis]
    x, indices = tf.transpose(x, order), tf.transpose(indices, order)
    lead = tf.broadcast_static_shape(x.shape[:-1], indices.shape[:-1])
    x, indices = (tf.broadcast_to(v, (*lead, v.shape[-1])) for v in (x, indices))
    return tf.transpose(tf.gather(x, indices, axis=-1, batch_dims=x.ndim - 1), sorted(range(x.ndim), key=order.__getitem__))


def _begin(x: Any, start: Any, shape: Sequence[int]) -> Any:
    at = tf.stack([tf.cast(s, "int32") for s in start]) if isinstance(start, (list, tuple)) else tf.cast(start, "int32")
    at = tf.where(at < 0, at + tf.constant(list(x.shape), "int32"), at)
    return tf.clip_by_value(at, 0, [size - n for size, n in zip(x.shape, shape, strict=True)])


def slice(x: Any, start: Any, shape: tuple[int, ...]) -> Any:
    return tf.slice(x, _begin(x, start, shape), shape) if shape else x


def slice_update(x: Any, start: Any, updates: Any) -> Any:
    if not x.ndim:
        return updates
    begin = _begin(x, start, updates.shape)
    end = begin + tf.constant(list(updates.shape), "int32")
    return tf.raw_ops.TensorStridedSliceUpdate(input=x, begin=begin, end=end, strides=tf.ones_like(begin), value=updates)


_SCATTER = {
    None: tf.tensor_scatter_nd_update, "add": tf.tensor_scatter_nd_add, "max": tf.tensor_scatter_nd_max, "min": tf.tensor_scatter_nd_min,
}  # fmt: skip


def scatter_rows(x: Any, rows: Any, updates: Any, reduction: str | None) -> Any:
    if x.dtype in BOOL and reduction is not None:
        return cast(scatter_rows(tf.cast(x, "int32"), rows, tf.cast(updates, "int32"), reduction), "bool")
    size = x.shape[0]
    if reduction == "mul":
        return x * tf.math.unsorted_segment_prod(updates, rows, size + 1)[:-1]
    # one row more than there are takes what belongs nowhere
    out = tf.concat([x, tf.zeros((1, *x.shape[1:]), x.dtype)], 0)
    return _SCATTER[reduction](out, rows[:, None], updates)[:-1]
