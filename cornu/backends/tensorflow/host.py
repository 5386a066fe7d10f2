"""Python functions as steps of a graph: for texts, which only the host computes with, and for layers in the graph of a data pipeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu.backends.spec.tensor_spec import TensorSpec
from cornu.backends.tensorflow.library import tf

__all__ = ["as_written", "in_pipeline", "on_host"]


def on_host(
    function: Callable[..., Sequence[np.ndarray]], inputs: Sequence[Any], specs: Sequence[TensorSpec], *, draws: bool = False
) -> list[tf.Tensor]:
    """What a Python function makes of the values of tensors, once a graph runs; texts come as arrays of bytes.

    Args:
        function: from arrays to a list of arrays.
        inputs: the tensors, without values as yet.
        specs: of the results, None where a length is unknown.
        draws: whether it gives something else each time, so that no call may be left out.
    """
    kinds = [tf.string if spec.dtype == "string" else tf.as_dtype(spec.dtype) for spec in specs]
    found = tf.numpy_function(lambda *values: function(*map(_array, values)), list(inputs), kinds, stateful=draws)
    for y, spec in zip(found, specs, strict=True):
        y.set_shape(spec.shape)
    return list(found)


def in_pipeline() -> bool:
    """Whether what is traced is a function of a `tf.data.Dataset`, or part of one."""
    graph = tf.compat.v1.get_default_graph()
    while graph is not None and not getattr(graph, "name", "").startswith("Dataset_"):
        graph = getattr(graph, "outer_graph", None)
    return graph is not None


def as_written(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, whose Python code TensorFlow does not rewrite where it traces it."""
    return tf.autograph.experimental.do_not_convert(function)


def _array(value: Any) -> np.ndarray:
    """A value that TensorFlow hands out, single texts as arrays too."""
    return np.asarray(value, object) if isinstance(value, bytes) else np.asarray(value)
