"""SavedModels of TensorFlow with endpoints of one's own choosing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cornu import backends, tree
from cornu.errors import ArgumentError, BackendError, NotBuiltError
from cornu.export.homes import variables_of
from cornu.export.tracing import at_tensorflow, copies_of, specs_of, traced
from cornu.saving.atomic import atomic_folder
from cornu.state import StateScope, Variable

__all__ = ["ExportArchive"]


class ExportArchive:
    """A folder that TensorFlow's servers and `tf.saved_model.load` run: functions, by name, with the variables that they read.

    What is tracked may live on any backend; for as long as a function is traced it moves to TensorFlow's, which must be installed. So layers
    must be written in `cornu.ops`, or in TensorFlow. Each endpoint is a signature too, and the first is `serving_default` besides; signatures give
    dicts with keys `output_0`, `output_1`, ….

    Attributes:
        variables, trainable_variables, non_trainable_variables: those of what is tracked.

    >>> import tempfile, cornu, numpy as np, tensorflow as tf
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     archive = ExportArchive()
    ...     archive.track(model)
    ...     serve = archive.add_endpoint("serve", model.call, [cornu.InputSpec(shape=(None, 3))])
    ...     archive.write_out(folder, verbose=False)
    ...     read = tf.saved_model.load(folder)
    >>> tuple(read.serve(np.ones((4, 3), "float32")).shape)
    (4, 2)
    """

    def __init__(self, format: str = "tf_saved_model") -> None:
        if format != "tf_saved_model":
            raise ArgumentError(f"An archive has the format 'tf_saved_model', got {format!r}. For others see `model.export`.")
        backends.load("tensorflow")
        self._resources: list[Any] = []
        self._foreign: list[Any] = []
        self._copies: dict[int, tuple[Variable, Any]] = {}
        self._endpoints: dict[str, Any] = {}
        self._collections: dict[str, list[Any]] = {}

    # --- what is tracked ------------------------------------------------------------------------------------------------

    @property
    def variables(self) -> list[Variable]:
        """All variables of what is tracked."""
        return [variable for variable, _ in self._copies.values()]

    @property
    def trainable_variables(self) -> list[Variable]:
        """Those that train."""
        return [v for v in self.variables if v.trainable]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """Those that do not."""
        return [v for v in self.variables if not v.trainable]

    def track(self, resource: Any) -> None:
        """Takes in the variables of a built layer, model, metric or optimizer, or a variable, or something of TensorFlow's that its files hold
        (a `tf.Module`, a lookup table).

        Raises:
            NotBuiltError: a layer without weights as yet.
            ArgumentError: something else.
        """
        import tensorflow as tf

        if isinstance(resource, (tf.Module, tf.Variable, tf.__internal__.tracking.Trackable)):
            self._foreign.append(resource)
            return
        if not isinstance(resource, Variable) and not isinstance(getattr(resource, "variables", None), (list, tuple)):
            raise ArgumentError(
                f"What is tracked must hold variables: a layer, a model, a Variable, or a trackable object of TensorFlow, got {resource!r}."
            )
        if not getattr(resource, "built", True):
            raise NotBuiltError(
                f"A layer must be built to be exported, {resource.name!r} is not. Call it on data, or give the model an Input."
            )
        if not any(resource is known for known in self._resources):
            self._resources.append(resource)
        new = [v for v in variables_of(resource) if id(v) not in self._copies]
        self._copies.update((id(v), (v, copy)) for v, copy in zip(new, copies_of(new), strict=True))

    def add_variable_collection(self, name: str, variables: Sequence[Variable]) -> None:
        """Names a list of variables, as which they stand on what is read back.

        Raises:
            ArgumentError: something else than variables, or a name that is taken.
        """
        import tensorflow as tf

        self._check_name(name)
        wrong = sorted({type(v).__name__ for v in variables if not isinstance(v, (Variable, tf.Variable))})
        if wrong:
            raise ArgumentError(f"A collection holds variables, got {', '.join(wrong)}. Give `layer.variables`, or a part of it.")
        for variable in variables:
            if isinstance(variable, Variable) and id(variable) not in self._copies:
                self.track(variable)
        self._collections[name] = [self._copies[id(v)][1] if isinstance(v, Variable) else v for v in variables]

    def _check_name(self, name: str) -> None:
        if name in self._endpoints or name in self._collections or name in _OWN:
            raise ArgumentError(f"Each name stands once, got {name!r} again. Choose another.")

    # --- endpoints ------------------------------------------------------------------------------------------------------

    def add_endpoint(self, name: str, fn: Callable[..., Any], input_signature: Any = None, **kwargs: Any) -> Any:
        """Adds a function that can be called on what is read back, under a name.

        Args:
            name: its name.
            fn: a function of arrays: a model's `call`, anything in `cornu.ops` on layers that are tracked, or a `tf.function` with a trace. What
                it reads from variables that are not tracked is written as constants.
            input_signature: for each argument a spec with `shape` and `dtype`, or a nested structure of specs; None in a shape is any length.
            kwargs: `jax2tf_kwargs` and `is_static` are taken and not needed: no function is translated from JAX.

        Returns:
            the `tf.function` that is written.

        Raises:
            ArgumentError: no signature for a function that is no `tf.function`; a name that is taken; code that TensorFlow cannot trace.
        """
        unknown = sorted(set(kwargs) - {"jax2tf_kwargs", "is_static"})
        if unknown:
            raise ArgumentError(f"An endpoint takes no further arguments, got {unknown}. Leave them out.")
        self._check_name(name)
        if input_signature is None:
            if not hasattr(fn, "get_concrete_function"):
                raise ArgumentError(
                    f"The inputs of endpoint {name!r} must be described: give `input_signature=[cornu.InputSpec(shape=(None, 3))]`, "
                    "or a `tf.function` that has been called."
                )
            self._endpoints[name] = fn
            return fn
        with at_tensorflow(self._resources):
            self._endpoints[name] = traced(fn, specs_of(input_signature), self._state)
        return self._endpoints[name]

    def track_and_add_endpoint(self, name: str, resource: Any, input_signature: Any, **kwargs: Any) -> Any:
        """`track`, and an endpoint that calls the resource, in inference where it is a layer."""
        self.track(resource)
        return self.add_endpoint(name, in_inference(resource), input_signature, **kwargs)

    def _state(self) -> StateScope:
        return StateScope((variable, copy.value()) for variable, copy in self._copies.values())

    # --- writing --------------------------------------------------------------------------------------------------------

    def write_out(self, filepath: Any, options: Any = None, verbose: bool = True) -> None:
        """Writes the folder, with the values that the variables have now, whole or not at all.

        Args:
            filepath: the folder.
            options: `tf.saved_model.SaveOptions`.
            verbose: print where, and which endpoints.

        Raises:
            ArgumentError: there are no endpoints.
            SavingError: the folder cannot be written, or holds other things than a SavedModel.
        """
        import tensorflow as tf

        if not self._endpoints:
            raise ArgumentError("An archive needs an endpoint, got none. Call `add_endpoint` first.")
        for variable, copy in self._copies.values():
            copy.assign(variable.backend.to_numpy(variable.own_value))
        root = tf.__internal__.tracking.AutoTrackable()
        every = [copy for _, copy in self._copies.values()]
        lists = {"variables": every, "trainable_variables": [v for v in every if v.trainable],
                 "non_trainable_variables": [v for v in every if not v.trainable], "_foreign": self._foreign}  # fmt: skip
        for name, thing in {**lists, **self._collections, **self._endpoints}.items():
            setattr(root, name, thing)
        signatures = {name: _named(tf, name, fn) for name, fn in self._endpoints.items()}
        signatures.setdefault("serving_default", next(iter(signatures.values())))
        Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        with atomic_folder(filepath, marks=("saved_model.pb",), others=_OTHERS) as folder:
            tf.saved_model.save(root, os.fspath(folder), signatures=signatures, options=options)
        if verbose:
            sys.stdout.write(f"Saved endpoints {', '.join(map(repr, self._endpoints))} to {os.fspath(filepath)}\n")


_OTHERS = ("fingerprint.pb", "variables", "assets", "assets.extra")
"""What a SavedModel's folder may hold beside the graph."""
_OWN = ("variables", "trainable_variables", "non_trainable_variables", "signatures")
"""What stands on everything that is read back."""


def in_inference(resource: Any) -> Callable[..., Any]:
    """The call of a layer without training; of anything else, the call."""

    def call(*inputs: Any) -> Any:
        return resource(*inputs, training=False)

    return call if hasattr(resource, "compute_output_shape") else resource


def _named(tf: Any, name: str, endpoint: Any) -> Any:
    """The endpoint as a signature, which gives a dict of flat outputs."""
    try:
        found = endpoint.get_concrete_function()
    except (TypeError, ValueError) as error:
        raise BackendError(
            f"A tf.function must have one trace to be exported, endpoint {name!r} has not: {str(error)[:200]}. "
            "Give it an `input_signature`, or call it on one kind of arguments."
        ) from None
    args, kwargs = found.structured_input_signature
    flat = [tf.TensorSpec(s.shape, s.dtype, f"inputs_{i}" if i else "inputs") for i, s in enumerate(tree.flatten(list(args)))]

    def named(*inputs: Any, **others: Any) -> dict[str, Any]:
        return {f"output_{i}": y for i, y in enumerate(tree.flatten(endpoint(*inputs, **others)))}

    return tf.function(named, autograph=False).get_concrete_function(*tree.unflatten(tree.structure(list(args)), flat), **kwargs)
