"""The operations in TensorFlow, eager. It has no recurrent layer but Keras's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf

JIT = None
COMPILED_ONLY: set[str] = set()


def form(name: str, array: np.ndarray) -> tf.Tensor:
    """As it is; attention's heads before its time."""
    return tf.constant(array.swapaxes(1, 2) if name in {"query", "key", "value"} else array)


def recurrent(_: str, *weights: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """The weights of a recurrent layer."""
    return weights


def finish(_: Any) -> None:
    """On a CPU a call returns when it is done."""


def _attention(query: tf.Tensor, key: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    logits = tf.matmul(query, key, transpose_b=True) * (1 / math.sqrt(query.shape[-1]))
    return tf.matmul(tf.nn.softmax(logits), value)


CALLS = {
    "add, 4×8": tf.add,
    "add, 4×8, named arguments": lambda x, y: tf.add(x=x, y=y),
    "tanh, about 10 µs": tf.tanh,
    "matmul, 256×256": tf.matmul,
    "conv 3×3": lambda x, w: tf.nn.conv2d(x, w, 1, "SAME"),
    "conv 1×1": lambda x, w: tf.nn.conv2d(x, w, 1, "VALID"),
    "depthwise conv 3×3": lambda x, w: tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME"),
    "max pool 2×2": lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"),
    "average pool 2×2": lambda x: tf.nn.avg_pool2d(x, 2, 2, "VALID"),
    "dot-product attention": _attention,
    "sort, 64×1000": tf.sort,
    "top 10 of 1000": lambda x: tf.math.top_k(x, 10),
    "segment sum, 10,000×16": lambda x, ids: tf.math.unsorted_segment_sum(x, ids, 100),
    "resize 64→96, bilinear": lambda x: tf.image.resize(x, (96, 96)),
}
