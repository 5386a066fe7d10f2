"""SavedModels of TensorFlow: a folder that its servers and `tf.saved_model.load` run."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu import backends, dtypes, tree
from cornu.errors import ArgumentError, NotBuiltError
from cornu.state import StateScope

__all__ = ["write_saved_model"]


def write_saved_model(model: Any, filepath: Any, input_signature: Any = None) -> None:
    """Writes the forward pass as the endpoint `serve`, which is the signature `serving_default` too, with the weights as tf.Variables.

    A model of another backend moves to TensorFlow's for as long as that takes. The batch may have any length: where the model's code asks
    for it, the endpoint maps the model over the rows.

    Args:
        model: a built model.
        filepath: the folder.
        input_signature: specs of the inputs, each with `shape` and `dtype`; None in a shape means any length, for the batch only.

    Raises:
        NotBuiltError: the model has no weights yet.
        ArgumentError: the inputs are not known, or the model's code needs values while it is traced.
    """
    if not model.built:
        raise NotBuiltError(f"A model must be built to be exported, {model.name!r} is not. Call it on data, or give it an Input.")
    backends.load("tensorflow")
    specs = _specs(model, input_signature)
    homes = {id(v): v.backend.NAME for v in model.variables}
    home = next(iter(homes.values()), "tensorflow")
    try:
        model.to("tensorflow")
        with backends.use_backend("tensorflow"):
            _write(model, os.fspath(filepath), specs)
    finally:
        if home != "tensorflow":
            model.to(home)


def _specs(model: Any, signature: Any) -> Any:
    """Shape and dtype of each input, in the model's structure."""
    given = model.inputs if signature is None else signature
    if given is None:
        raise ArgumentError("The shapes of a subclassed model's inputs must be named: give `input_signature=[InputSpec(shape=(None, 3))]`.")
    pairs = [(tuple(s.shape), dtypes.standardize(s.dtype or "float32")) for s in tree.flatten(given)]
    if any(None in shape[1:] for shape, _ in pairs):
        raise ArgumentError(f"All lengths but the batch must be known, got {[shape for shape, _ in pairs]}. Give `input_signature`.")
    return pairs


def _write(model: Any, path: str, specs: Sequence[tuple[Any, str]]) -> None:
    import tensorflow as tf

    variables = model.variables
    module = tf.Module()
    module.weights = [tf.Variable(v.own_value, trainable=v.trainable, name=_plain(v.path)) for v in variables]

    def forward(*inputs: Any) -> Any:
        with StateScope(zip(variables, (w.value() for w in module.weights), strict=True)):
            return model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)

    signature = [tf.TensorSpec(shape, dtype, name=f"inputs_{i}" if i else "inputs") for i, (shape, dtype) in enumerate(specs)]
    module.serve = _traced(tf, forward, signature)

    def named(*inputs: Any) -> dict[str, Any]:
        return {f"output_{i}": y for i, y in enumerate(tree.flatten(module.serve(*inputs)))}

    endpoint = tf.function(named, autograph=False).get_concrete_function(*signature)
    tf.saved_model.save(module, path, signatures={"serving_default": endpoint})


def _plain(path: str) -> str:
    """A name that TensorFlow takes."""
    return "".join(c if c.isalnum() or c in "_./" else "_" for c in path)


def _traced(tf: Any, forward: Callable[..., Any], signature: Sequence[Any]) -> Any:
    """The function for batches of any length, shown to give what the model gives."""
    sample = [tf.cast(np.random.default_rng(0).uniform(0, 1, (3, *s.shape[1:])), s.dtype) for s in signature]
    wanted = [np.asarray(y) for y in tree.flatten(forward(*sample))]

    def by_rows(*inputs: Any) -> Any:
        one = lambda rows: tree.map_structure(lambda y: y[0], forward(*(x[None] for x in rows)))  # noqa: E731
        return tf.vectorized_map(one, list(inputs))

    whole = any(s.shape[:1] != [None] for s in signature)  # the batch has its length
    for attempt in (forward, by_rows):
        function = tf.function(attempt, input_signature=signature, autograph=False)
        try:
            function.get_concrete_function()
            found = wanted if whole else [np.asarray(y) for y in tree.flatten(function(*sample))]
        except (TypeError, ValueError, RuntimeError, AttributeError, tf.errors.OpError) as error:
            reason = error
            continue
        if all(np.allclose(a, b, rtol=1e-3, atol=1e-4) for a, b in zip(found, wanted, strict=True)):
            return function
        reason = ValueError("a traced function that gives other numbers than the model")
    raise ArgumentError(
        f"A model must be one that TensorFlow can trace to be exported, got {type(reason).__name__}: {str(reason)[:200]}. "
        "Write its layers in `cornu.ops`, or give `input_signature` with the length of the batch."
    ) from None
