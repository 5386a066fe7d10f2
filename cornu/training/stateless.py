"""Models as functions of their variables' values, and all values in one tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cornu import backends, dtypes
from cornu.errors import ArgumentError, ShapeError
from cornu.layers.stateless import scope_of, values_of
from cornu.ops.arguments import Array
from cornu.ops.dispatch import is_array
from cornu.state import CompiledStep, Variable

__all__ = ["StatelessTraining"]

_FORMATS = ("backend_tensor", "numpy_array")


class StatelessTraining:
    """The part of a model that gives, takes and replaces the values of all its variables."""

    def stateless_compute_loss(
        self,
        trainable_variables: Sequence[Any],
        non_trainable_variables: Sequence[Any],
        metrics_variables: Sequence[Any],
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tuple[Array, list[Array], list[Array], list[Array]]:
        """`compute_loss` for these values of the variables, which themselves stay as they are.

        Returns:
            The loss, and the values of all trainable, non-trainable and metrics variables after it.
        """
        model: Any = self
        groups = (model.trainable_variables, model.non_trainable_variables, model.metrics_variables)
        scope = scope_of(
            ("trainable_variables", groups[0], trainable_variables),
            ("non_trainable_variables", groups[1], non_trainable_variables),
            ("metrics_variables", groups[2], metrics_variables),
        )
        with backends.use_backend(model._home_backend_()), scope:
            loss = model._loss_of_(x, y, y_pred, sample_weight, training=training)
            first, second, third = (values_of(scope, group) for group in groups)
        return loss, first, second, third

    def compute_loss_and_updates(
        self,
        trainable_variables: Sequence[Any],
        non_trainable_variables: Sequence[Any],
        metrics_variables: Sequence[Any],
        x: Any,
        y: Any,
        sample_weight: Any,
        training: bool = False,
        optimizer_variables: Sequence[Any] | None = None,
    ) -> tuple[Array, tuple[Array, Any, list[Array], list[Array]]]:
        """Forward pass and loss for these values of the variables: what `value_and_grad` differentiates by the first argument.

        Args:
            optimizer_variables: those of the optimizer, by which it may scale the loss.

        Returns:
            The loss as the optimizer scales it; then (loss, outputs, non-trainable variables, metrics variables).
        """
        model: Any = self
        groups = (model.trainable_variables, model.non_trainable_variables, model.metrics_variables)
        kept = [] if optimizer_variables is None else [("optimizer_variables", model.optimizer.variables, optimizer_variables)]
        scope = scope_of(
            ("trainable_variables", groups[0], trainable_variables),
            ("non_trainable_variables", groups[1], non_trainable_variables),
            ("metrics_variables", groups[2], metrics_variables),
            *kept,
        )
        with backends.use_backend(model._home_backend_()), scope:
            y_pred = model(x, training=training)
            loss = model._loss_of_(x, y, y_pred, sample_weight, training=training)
            scaled = model.optimizer.scale_loss(loss) if training and model.optimizer is not None else loss
            rest, metrics = values_of(scope, groups[1]), values_of(scope, groups[2])
        return scaled, (loss, y_pred, rest, metrics)

    # --- all values in one tree ----------------------------------------------------------------------------------------

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, dict[str, Any]]:
        """The values of all variables: by kind, then by the parts of their paths.

        Args:
            value_format: "backend_tensor" or "numpy_array".
        """
        if value_format not in _FORMATS:
            raise ArgumentError(f"value_format must be one of {', '.join(map(repr, _FORMATS))}, got {value_format!r}.")
        as_wanted = Variable.numpy if value_format == "numpy_array" else _value
        found: dict[str, dict[str, Any]] = {}
        for kind, variables in self.__kinds().items():
            found[kind] = {}
            for variable in variables:
                _put(found[kind], variable.path.split("/"), as_wanted(variable))
        return found

    def set_state_tree(self, state_tree: Mapping[str, Mapping[str, Any]]) -> None:
        """Gives variables the values of such a tree; kinds and paths that it leaves out stay as they are. All or none are set.

        Raises:
            ArgumentError: a kind or a path is not known, or a value is none of numbers.
            ShapeError: a value has another shape than its variable.
        """
        kinds, planned = self.__kinds(), []
        for kind, values in state_tree.items():
            if kind not in kinds:
                raise ArgumentError(f"A state tree holds {', '.join(map(repr, kinds))}, got {kind!r}.")
            known = {variable.path: variable for variable in kinds[kind]}
            for path, value in _leaves(values):
                if path not in known:
                    raise ArgumentError(f"{path!r} is none of the model's {kind}: {', '.join(list(known)[:8])}.")
                shape = _shape(path, value)
                if shape != known[path].shape:
                    raise ShapeError(f"{path!r} has the shape {known[path].shape}, got a value of shape {shape}.")
                planned.append((known[path], value))
        for variable, value in planned:
            variable.assign(value)

    def __kinds(self) -> dict[str, list[Variable]]:
        model: Any = self
        return {
            "trainable_variables": model.trainable_variables,
            "non_trainable_variables": model.non_trainable_variables,
            "optimizer_variables": list(model.optimizer.variables) if model.optimizer is not None else [],
            "metrics_variables": model.metrics_variables,
        }

    # --- compiled steps ------------------------------------------------------------------------------------------------

    def make_train_function(self, force: bool = False) -> CompiledStep:
        """The compiled training step, a function of (x, y, sample_weight); made anew if `force`."""
        return self.__function("train", force)

    def make_test_function(self, force: bool = False) -> CompiledStep:
        """The compiled evaluation step, a function of (x, y, sample_weight); made anew if `force`."""
        return self.__function("test", force)

    def make_predict_function(self, force: bool = False) -> CompiledStep:
        """The compiled prediction step, a function of x; made anew if `force`."""
        return self.__function("predict", force)

    def __function(self, kind: str, force: bool) -> CompiledStep:
        model: Any = self
        if force:
            model._programs_.pop(kind, None)
        return model._program_(kind)

    def jax_state_sync(self) -> None:
        """Waits until the variables hold what the steps so far gave them; they are never elsewhere."""
        model: Any = self
        for variable in [v for variables in model.__kinds().values() for v in variables]:
            variable.backend.block(variable.own_value)


def _value(variable: Variable) -> Array:
    return variable.value


def _shape(path: str, value: Any) -> tuple[int, ...]:
    """The shape of a value of numbers; nothing else can be assigned."""
    if is_array(value) and not isinstance(value, np.ndarray):
        return tuple(value.shape)
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):  # lists of different lengths
        array = np.array(None)
    if not dtypes.is_numeric(array.dtype):
        raise ArgumentError(f"The value of {path!r} must be an array of numbers, got {value!r:.60}.")
    return array.shape


def _put(node: dict[str, Any], parts: Sequence[str], value: Any) -> None:
    for part in parts[:-1]:
        node = node.setdefault(part, {})
    node[parts[-1]] = value


def _leaves(node: Mapping[str, Any], path: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in node.items():
        here = f"{path}/{name}".lstrip("/")
        found += _leaves(value, here) if isinstance(value, Mapping) else [(here, value)]
    return found
