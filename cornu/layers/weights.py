"""A layer's weights: making them, listing them, reading and writing them, freezing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cornu import constraints, dtypes, initializers, naming, regularizers
from cornu.errors import ArgumentError, DTypeError, NotBuiltError, ShapeError
from cornu.layers import context, tracking
from cornu.layers.adapted.adaptation import Adaptation
from cornu.ops.arguments import Array
from cornu.ops.core import convert_to_numpy
from cornu.state import Variable
from cornu.state.variable import structure_version

__all__ = ["Weights"]


class Weights:
    """The part of a layer that deals with its variables; those of its sublayers are found by walking its attributes."""

    name: str
    built: bool
    dtype: str
    _made_variables_: list[Variable]
    _fixed_variables_: set[int]
    _adaptation_: Adaptation | None
    _trainable: bool
    __regularized_at = -1
    _regularized_variables_: list[Variable]

    def add_weight(
        self,
        shape: Sequence[int | None] | int | None = None,
        initializer: Any = None,
        dtype: str | None = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Makes a weight of this layer.

        Args:
            shape: of whole numbers; () by default.
            initializer: Glorot uniform for floats, zeros for others, by default.
            dtype: that of the layer's weights by default.
            trainable: whether optimizers change it.
            autocast: whether it is read in the compute dtype under mixed precision.
            regularizer: a penalty added to the loss.
            constraint: a projection after each update.
            aggregation, overwrite_with_gradient: how replicas combine; whether the "gradient" is the new value.
            name: the last part of its path.
        """
        lengths = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        if None in lengths:
            raise ShapeError(
                f"A weight of layer {self.name!r} cannot have an unknown length, got the shape {lengths}. Give the layer a full input shape."
            )
        dtype = dtype or self.dtype
        known: tuple[Any, ...] = lengths
        chosen = initializers.get(initializer) or initializers.get("glorot_uniform" if "float" in dtype else "zeros")
        variable = Variable(chosen, known, dtype, trainable, autocast, aggregation, name=name or "variable")
        around = context.building_path.get()
        prefix = around if around and around[-1] == self.name else (*around, self.name)
        variable.path = "/".join((*naming.scopes(), *prefix, variable.name))
        variable.spread()
        variable.regularizer, variable.constraint = regularizers.get(regularizer), constraints.get(constraint)
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._made_variables_.append(variable)
        if not trainable:
            self._fixed_variables_.add(id(variable))
        elif not self._trainable:
            variable.trainable = False
        return variable

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any,
        dtype: str | None = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Makes a weight of this layer: `add_weight` with another order of arguments."""
        return self.add_weight(shape, initializer, dtype, trainable, autocast, regularizer, constraint, name=name)

    # --- lists ---------------------------------------------------------------------------------------------------------

    def _layers_within_(self) -> list[Any]:
        return list(tracking.walk(self))  # type: ignore[arg-type]

    @property
    def weights(self) -> list[Variable]:
        """All weights, layer by layer; seeds and metrics are none."""
        return _distinct(v for layer in self._layers_within_() for v in tracking.own_variables(layer))

    @property
    def variables(self) -> list[Variable]:
        """All weights, then the states of random seeds, then those that stateful layers carry from batch to batch."""
        layers = self._layers_within_()
        seeds = [seed.state for layer in layers for seed in tracking.seed_generators(layer)]
        return _distinct([*self.weights, *seeds, *(v for layer in layers for v in tracking.carried_states(layer))])

    @property
    def trainable_variables(self) -> list[Variable]:
        """The weights that optimizers change."""
        return [v for v in self.weights if v.trainable]

    trainable_weights = trainable_variables

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that optimizers leave alone."""
        return [v for v in self.weights if not v.trainable]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The variables that optimizers leave alone."""
        return [v for v in self.variables if not v.trainable]

    @property
    def trainable(self) -> bool:
        """Whether optimizers change the weights. Setting it sets it for all layers inside, and takes effect on the next step."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._layers_within_():
            layer._trainable = bool(value)
            for variable in tracking.own_variables(layer):
                if not tracking.is_fixed(layer, variable):
                    variable.trainable = bool(value)

    @property
    def metrics(self) -> list[Any]:
        """Metrics kept in the attributes of this layer and those inside."""
        return [m for layer in self._layers_within_() for m in tracking.metrics(layer)]

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of those metrics."""
        return [v for m in self.metrics for v in m.variables]

    # --- losses --------------------------------------------------------------------------------------------------------

    def add_loss(self, loss: Any) -> None:
        """Adds a scalar (or an array, whose mean counts) to the loss of the present call."""
        for one in loss if isinstance(loss, (list, tuple)) else [loss]:
            context.add_loss(self, one)

    @property
    def losses(self) -> list[Array]:
        """What the last call had this layer and those inside it add, then the penalties of regularizers on trainable weights."""
        added = context.losses_of(tracking.walk(self))  # type: ignore[arg-type]
        return [*added, *(v.regularizer(v) for v in self.__regularized())]

    def __regularized(self) -> list[Variable]:
        """The trainable weights with a penalty, looked for again when the structure version has moved on."""
        if self.__regularized_at != structure_version():
            self._regularized_variables_ = [v for v in self.trainable_variables if v.regularizer is not None]
            self.__regularized_at = structure_version()
        return self._regularized_variables_

    # --- values --------------------------------------------------------------------------------------------------------

    def get_weights(self) -> list[np.ndarray]:
        """The values of all weights, in the order of `weights`."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets the values of all weights. Nothing is changed unless all of them fit."""
        variables = self.weights
        if len(weights) != len(variables):
            raise ShapeError(
                f"{self.name!r} has {len(variables)} weights, so a list of that many arrays must be given, got {len(weights)}."
            )
        values = [convert_to_numpy(w) for w in weights]
        for variable, value in zip(variables, values, strict=True):
            if tuple(value.shape) != variable.shape:
                raise ShapeError(f"Weight {variable.path!r} has the shape {variable.shape}, got an array of shape {tuple(value.shape)}.")
            if not dtypes.is_numeric(value.dtype):
                raise DTypeError(
                    f"Weight {variable.path!r} must be set to numbers, got an array of dtype {value.dtype}. Nothing was changed."
                )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def count_params(self) -> int:
        """The number of numbers in all weights."""
        if not self.built:
            raise NotBuiltError(f"{self.name!r} has no weights before it is built. Call it on data, or `build(input_shape)`.")
        return sum(int(np.prod(v.shape)) for v in self.weights)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Puts the layer's own weights (not those of sublayers) into `store`, keys "0", "1", …"""
        if self._adaptation_ is not None:
            self._adaptation_.save(store)
            return
        for i, variable in enumerate(tracking.own_variables(self)):  # type: ignore[arg-type]
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Takes the layer's own weights from `store`. Nothing is changed unless all of them fit."""
        if self._adaptation_ is not None:
            self._adaptation_.load(store)
            return
        variables = tracking.own_variables(self)  # type: ignore[arg-type]
        if len(store) != len(variables):
            hint = "" if self.built else " The layer is not built yet: call it on data first."
            raise ArgumentError(f"Layer {self.name!r} has {len(variables)} weights of its own, and the file holds {len(store)}.{hint}")
        for i, variable in enumerate(variables):
            if tuple(store[str(i)].shape) != variable.shape:
                raise ShapeError(
                    f"Weight {variable.path!r} has the shape {variable.shape}, and the file holds {tuple(store[str(i)].shape)}."
                )
        for i, variable in enumerate(variables):
            variable.assign(store[str(i)])

    def to(self, backend: str) -> Any:
        """Moves all variables to another backend, where the layer then runs; gives the layer back.

        >>> import cornu
        >>> layer = cornu.layers.Dense(2)
        >>> layer.build((None, 3))
        >>> layer.to("numpy")(np.ones((1, 3), "float32")).shape
        (1, 2)
        """
        for variable in self._all_state_():
            variable.to(backend)
        for layer in self._layers_within_():
            layer._set_home_(backend)
        return self

    def _all_state_(self) -> list[Variable]:
        return _distinct([*self.variables, *self.metrics_variables])


def _distinct(variables: Any) -> list[Variable]:
    return list({id(v): v for v in variables}.values())
