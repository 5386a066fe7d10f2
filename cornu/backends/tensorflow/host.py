"""Python functions as steps of a graph: for texts, which only the host computes with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cornu.backends.tensorflow.library import tf

__all__ = ["on_host"]


def on_host(function: Callable[[np.ndarray], np.ndarray], x: tf.Tensor, shape: tuple[int | None, ...], dtype: str) -> tf.Tensor:
    """What a Python function makes of the values of a tensor, once a graph runs; texts come as arrays of bytes.

    Args:
        function: from an array to an array.
        x: the tensor, without values as yet.
        shape: of the result, None where unknown.
        dtype: of the result.
    """
    kind = tf.string if dtype == "string" else tf.as_dtype(dtype)
    y = tf.numpy_function(lambda v: function(np.asarray(v, object) if isinstance(v, bytes) else v), [x], kind, stateful=False)
    y.set_shape(shape)
    return y
