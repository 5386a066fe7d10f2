"""Python functions as steps of a graph: for texts, which only the host computes with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu.backends.tensorflow.library import tf

__all__ = ["on_host"]


def on_host(function: Callable[..., np.ndarray], inputs: Sequence[Any], shape: tuple[int | None, ...], dtype: str) -> tf.Tensor:
    """What a Python function makes of the values of tensors, once a graph runs; texts come as arrays of bytes.

    Args:
        function: from arrays to an array.
        inputs: the tensors, without values as yet.
        shape: of the result, None where unknown.
        dtype: of the result.
    """
    kind = tf.string if dtype == "string" else tf.as_dtype(dtype)
    y = tf.numpy_function(lambda *values: function(*map(_array, values)), list(inputs), kind, stateful=False)
    y.set_shape(shape)
    return y


def _array(value: Any) -> np.ndarray:
    """A value that TensorFlow hands out, single texts as arrays too."""
    return np.asarray(value, object) if isinstance(value, bytes) else np.asarray(value)
