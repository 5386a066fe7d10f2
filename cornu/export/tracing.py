"""Functions of variables as graphs of TensorFlow, for batches of any length."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from cornu import backends, dtypes, tree
from cornu.errors import ArgumentError
from cornu.export.homes import at_backend
from cornu.state import StateScope, Variable

__all__ = ["at_tensorflow", "copies_of", "specs_of", "traced"]

_LENGTH = 3
"""Of an axis without a length, where a function is tried out."""


@contextlib.contextmanager
def at_tensorflow(resources: Sequence[Any]) -> Iterator[None]:
    """Inside, layers and variables live on TensorFlow's backend, the current one, and its graphs are made for files."""
    tensorflow: Any = backends.load("tensorflow")
    with at_backend("tensorflow", resources), tensorflow.portable():
        yield


def copies_of(variables: Sequence[Variable]) -> list[Any]:
    """A variable of TensorFlow's for each, with its value, name and whether it trains."""
    import tensorflow as tf

    return [tf.Variable(v.backend.to_numpy(v.own_value), trainable=v.trainable, name=_plain(v.path)) for v in variables]


def _plain(path: str) -> str:
    """A name that TensorFlow takes: of ASCII, with a letter or digit in front."""
    name = "".join(c if c.isascii() and (c.isalnum() or c in "_./") else "_" for c in path)
    return name if name[:1].isalnum() else f"v{name}"


def specs_of(signature: Any) -> Any:
    """The signature in TensorFlow's specs; each entry has `shape` and `dtype`, and may have a name."""
    import tensorflow as tf

    def one(spec: Any) -> Any:
        if not hasattr(spec, "shape"):
            raise ArgumentError(
                f"An input signature holds specs with `shape` and `dtype`, got {spec!r}. Give `cornu.InputSpec(shape=(None, 3))`."
            )
        return tf.TensorSpec(spec.shape, dtypes.standardize(spec.dtype or "float32"), getattr(spec, "name", None))

    return [tree.map_structure(one, entry) for entry in signature]


def traced(function: Callable[..., Any], signature: Sequence[Any], state: Callable[[], StateScope]) -> Any:
    """The function as a `tf.function` for inputs of that signature, shown to give what it gives as written.

    A function that asks for the length of the batch where that is open is mapped over the rows.

    Args:
        function: of as many arguments as the signature has entries.
        signature: a spec of TensorFlow's, or a nested structure of them, for each argument.
        state: makes a scope in which variables have the values to be written.

    Raises:
        ArgumentError: it needs values while it is traced, or gives other numbers then.
    """
    import tensorflow as tf

    def run(*inputs: Any) -> Any:
        with state():
            return function(*inputs)

    def by_rows(*inputs: Any) -> Any:
        one = lambda rows: tree.map_structure(lambda y: y[0], run(*tree.map_structure(lambda x: x[None], list(rows))))  # noqa: E731
        return tf.vectorized_map(one, list(inputs))

    reason: Exception = ValueError("no way to trace it")
    batches = [None in spec.shape[:1] for spec in tree.flatten(list(signature))]
    for attempt in (run, by_rows) if batches and all(batches) else (run,):
        graph = tf.function(attempt, input_signature=list(signature), autograph=False)
        try:
            graph.get_concrete_function()
            if _same(tf, graph, run, signature):
                return graph
            reason = ValueError("a traced function that gives other numbers than the model")
        except (TypeError, ValueError, RuntimeError, AttributeError, tf.errors.OpError) as error:
            reason = error
    raise ArgumentError(
        f"A function must be one that TensorFlow can trace to be exported, got {type(reason).__name__}: {str(reason)[:200]}. "
        "Write its layers in `cornu.ops`, or give a signature with all lengths."
    ) from None


def _same(tf: Any, graph: Any, run: Callable[..., Any], signature: Sequence[Any]) -> bool:
    """Whether graph and function agree on a batch; one whose lengths are all known can be trusted without."""
    if not any(None in spec.shape for spec in tree.flatten(list(signature))):
        return True
    rng = np.random.default_rng(0)
    sample = tree.map_structure(lambda s: _sample(tf, rng, s), list(signature))
    pairs = zip(tree.flatten(graph(*sample)), tree.flatten(run(*sample)), strict=True)
    return all(a.dtype == b.dtype and np.allclose(a, b, rtol=1e-3, atol=1e-4, equal_nan=True) for a, b in pairs)


def _sample(tf: Any, rng: np.random.Generator, spec: Any) -> Any:
    shape = [_LENGTH if n is None else n for n in spec.shape]
    return tf.constant(b"a", shape=shape) if spec.dtype == tf.string else tf.cast(rng.uniform(0, 1, shape), spec.dtype)
