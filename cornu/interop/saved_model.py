"""SavedModels of TensorFlow as layers."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from cornu import backends, dtypes, tree
from cornu.backends.spec import TensorSpec
from cornu.errors import ArgumentError
from cornu.layers import Layer
from cornu.ops.core import convert_to_numpy

__all__ = ["TFSMLayer"]


class TFSMLayer(Layer):
    """A model that TensorFlow has saved, for inference: `endpoint(inputs)`, on any backend.

    On other backends than TensorFlow's it runs outside of the backend's programs, and no gradient goes through. Its weights are none of
    the layer's. A file that
    names this layer is refused unless the reader passes the class along (`custom_objects={"TFSMLayer": TFSMLayer}`): it would have
    another file read, and that one holds programs.

    Args:
        filepath: the SavedModel's folder.
        call_endpoint: the endpoint to call: an attribute of the model or one of its signatures.
        call_training_endpoint: the one to call in training; the same by default.
        trainable: True or False; the weights stay what they are.

    Shapes: those of the endpoint. Outputs of a signature come as a dict, or alone where there is one.

    Raises:
        ArgumentError: no SavedModel, or no endpoint of that name.
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        call_endpoint: str = "serve",
        call_training_endpoint: str | None = None,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        import tensorflow as tf

        super().__init__(trainable=trainable, name=name, dtype=dtype)
        self.filepath = os.fspath(filepath)
        self.call_endpoint, self.call_training_endpoint = call_endpoint, call_training_endpoint
        if not os.path.exists(os.path.join(self.filepath, "saved_model.pb")):
            raise ArgumentError(f"filepath must be the folder of a SavedModel, with a saved_model.pb, got {self.filepath!r}.")
        self._model = tf.saved_model.load(self.filepath)
        self._endpoint = self._found(call_endpoint)
        self._training_endpoint = self._endpoint if call_training_endpoint is None else self._found(call_training_endpoint)

    def _found(self, name: str) -> Any:
        endpoint = getattr(self._model, name, None)
        if endpoint is None:
            endpoint = self._model.signatures.get(name)
        if endpoint is None:
            raise ArgumentError(
                f"The SavedModel {self.filepath!r} has no endpoint {name!r}; its signatures are {sorted(self._model.signatures)}."
            )
        return endpoint

    def call(self, inputs: Any, training: bool = False) -> Any:
        """The endpoint's outputs."""
        leaves = tree.flatten(inputs)
        if any(isinstance(x, TensorSpec) for x in leaves):
            return tree.map_structure(
                lambda y: TensorSpec(y.shape, dtypes.standardize(y.dtype)), self.run_endpoint(_like(inputs), training)
            )
        on = backends.compute()
        if on.NAME == "tensorflow":
            return self._endpoint_outputs(inputs, training)
        if on.NAME == "jax":
            return self._on_jax(inputs, training)
        return tree.map_structure(on.asarray, self.run_endpoint(tree.map_structure(convert_to_numpy, inputs), training))

    def _on_jax(self, inputs: Any, training: bool) -> Any:
        """The endpoint's outputs, by a call out of the program where one is compiled."""
        import jax

        if not any(isinstance(x, jax.core.Tracer) for x in tree.flatten(inputs)):
            return tree.map_structure(jax.numpy.asarray, self.run_endpoint(tree.map_structure(convert_to_numpy, inputs), training))
        shapes = tree.map_structure(lambda y: jax.ShapeDtypeStruct(y.shape, y.dtype), self.run_endpoint(_like(inputs), training))
        return jax.pure_callback(
            lambda x: self.run_endpoint(tree.map_structure(np.asarray, x), training), shapes, jax.lax.stop_gradient(inputs)
        )

    def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        """Shape and dtype of the outputs: the endpoint runs on zeros, with 1 and 2 for unknown lengths."""

        def merged(one: Any, two: Any) -> TensorSpec:
            return TensorSpec([n if n == m else None for n, m in zip(one.shape, two.shape, strict=True)], dtypes.standardize(one.dtype))

        return tree.map_structure(merged, *(self.run_endpoint(_like(inputs, n), training) for n in (1, 2)))

    def run_endpoint(self, inputs: Any, training: bool) -> Any:
        """The endpoint's outputs, arrays in, arrays out."""
        return tree.map_structure(lambda y: y.numpy(), self._endpoint_outputs(inputs, training))

    def _endpoint_outputs(self, inputs: Any, training: bool) -> Any:
        import tensorflow as tf

        endpoint = self._training_endpoint if training else self._endpoint
        given = tree.map_structure(tf.convert_to_tensor, inputs)
        names = list(getattr(endpoint, "structured_input_signature", ((), {}))[1])
        if names:  # a signature, which takes its arguments by name
            given = (
                given if isinstance(given, dict) else dict(zip(names, given if isinstance(given, (list, tuple)) else [given], strict=True))
            )
            outputs = endpoint(**given)
        else:
            outputs = endpoint(given)
        return next(iter(outputs.values())) if isinstance(outputs, dict) and len(outputs) == 1 else outputs


def _like(inputs: Any, unknown: int = 1) -> Any:
    """Zeros in the shapes of the inputs."""
    return tree.map_structure(lambda x: np.zeros([unknown if n is None else n for n in x.shape], dtypes.standardize(x.dtype)), inputs)
