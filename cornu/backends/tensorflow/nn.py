"""Composites for which TensorFlow has one kernel."""

from __future__ import annotations

from typing import Any

from cornu.backends.tensorflow.library import tf

__all__ = ["log_softmax", "relu", "softmax", "softplus"]


def _float(x: Any) -> bool:
    return tf.is_tensor(x) and x.dtype.is_floating


def relu(x: Any) -> Any:
    return tf.nn.relu(x) if _float(x) else NotImplemented


def softplus(x: Any) -> Any:
    return tf.nn.softplus(x) if _float(x) else NotImplemented


def softmax(x: Any, axis: int | tuple[int, ...] | None = -1) -> Any:
    return tf.nn.softmax(x, axis) if _float(x) and isinstance(axis, int) else NotImplemented


def log_softmax(x: Any, axis: int | tuple[int, ...] | None = -1) -> Any:
    return tf.nn.log_softmax(x, axis) if _float(x) and isinstance(axis, int) else NotImplemented
