"""A model's forward pass as a SavedModel of TensorFlow: a folder that its servers and `tf.saved_model.load` run."""

from __future__ import annotations

from typing import Any

from cornu import dtypes, tree
from cornu.backends.spec import TensorSpec
from cornu.errors import ArgumentError, NotBuiltError
from cornu.export.archive import ExportArchive, in_inference

__all__ = ["archive_of", "specs_of_model", "write_saved_model"]


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
    archive_of(model, input_signature).write_out(filepath, verbose=False)


def archive_of(model: Any, input_signature: Any = None) -> ExportArchive:
    """The archive with the model's forward pass as the endpoint `serve`; for what is raised see `write_saved_model`."""
    specs, archive, call = specs_of_model(model, input_signature), ExportArchive(), in_inference(model)
    archive.track(model)
    archive.add_endpoint("serve", lambda *inputs: call(inputs[0] if len(inputs) == 1 else list(inputs)), specs)
    return archive


def specs_of_model(model: Any, signature: Any) -> list[TensorSpec]:
    """Shape and dtype of each input of a built model, in its structure."""
    if not model.built:
        raise NotBuiltError(f"A model must be built to be exported, {model.name!r} is not. Call it on data, or give it an Input.")
    graph = getattr(model, "_graph_", None)
    given = signature if signature is not None or graph is None else graph.flat_inputs
    if given is None:
        raise ArgumentError("The shapes of a subclassed model's inputs must be named: give `input_signature=[InputSpec(shape=(None, 3))]`.")
    specs = [TensorSpec(tuple(s.shape), dtypes.standardize(s.dtype or "float32")) for s in tree.flatten(given)]
    if any(None in s.shape[1:] for s in specs):
        raise ArgumentError(f"All lengths but the batch must be known, got {[s.shape for s in specs]}. Give `input_signature`.")
    return specs
