"""Layers as functions of their variables' values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import backends
from cornu.errors import ArgumentError, NotBuiltError
from cornu.layers import context, tracking
from cornu.ops.arguments import Array
from cornu.state import StateScope, Variable

__all__ = ["Stateless", "scope_of", "values_of"]


def scope_of(*groups: tuple[str, Sequence[Variable], Sequence[Any]]) -> StateScope:
    """A scope in which the variables of each group, named for errors, have the values given.

    Raises:
        ArgumentError: a group has another number of values than of variables.
    """
    pairs = []
    for name, variables, values in groups:
        if len(variables) != len(values):
            raise ArgumentError(f"{name} must hold a value for each of the {len(variables)} variables, in their order, got {len(values)}.")
        pairs += [(v, value.value if isinstance(value, Variable) else value) for v, value in zip(variables, values, strict=True)]
    return StateScope((v, v.backend.asarray(value, v.dtype)) for v, value in pairs)


def values_of(scope: StateScope, variables: Sequence[Variable]) -> list[Array]:
    """What the variables are in the scope."""
    return [scope.read(v) for v in variables]


class Stateless:
    """The part of a layer that leaves its variables alone."""

    def stateless_call(
        self,
        trainable_variables: Sequence[Any],
        non_trainable_variables: Sequence[Any],
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The outputs for these values of the variables, which themselves stay as they are.

        Args:
            trainable_variables: a value for each of `layer.trainable_variables`, in order.
            non_trainable_variables: a value for each of `layer.non_trainable_variables`.
            args, kwargs: of the layer's call.
            return_losses: whether the layer's losses (penalties, `add_loss`) are given too.

        Returns:
            The outputs and the new values of the non-trainable variables; then the losses, if asked for.

        Raises:
            NotBuiltError: the layer has no variables yet.

        >>> import numpy as np
        >>> from cornu.layers import Dense
        >>> layer = Dense(1)
        >>> layer.build((None, 2))
        >>> outputs, rest = layer.stateless_call([np.ones((2, 1)), np.zeros(1)], [], np.ones((1, 2)))
        >>> outputs.tolist(), rest
        ([[2.0]], [])
        """
        layer: Any = self
        if not layer.built:
            raise NotBuiltError(f"stateless_call needs the variables of {layer.name!r}: build it first, e.g. `layer.build(input_shape)`.")
        rest = layer.non_trainable_variables
        scope = scope_of(
            ("trainable_variables", layer.trainable_variables, trainable_variables),
            ("non_trainable_variables", rest, non_trainable_variables),
        )
        with backends.use_backend(layer._home_ or backends.compute()), scope:
            outputs = layer(*args, **kwargs)
            losses = list(layer.losses) if return_losses else []
            found = values_of(scope, rest)
        context.forget_losses(tracking.walk(layer))  # those of other values
        return (outputs, found, losses) if return_losses else (outputs, found)

    def add_metric(self, *args: Any, **kwargs: Any) -> None:
        """Raises, and says where metrics are given today.

        Raises:
            ArgumentError: always.
        """
        raise ArgumentError(
            f"add_metric is gone, got {(*args, *kwargs)}. Give metrics to `compile(metrics=[…])`, or make one in the layer's constructor and call "
            "its `update_state` in `call`."
        )
