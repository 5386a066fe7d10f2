"""Scopes in which variables have other values, under Keras's names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cornu.errors import ArgumentError
from cornu.state.scope import SpecScope, StateScope
from cornu.state.variable import Variable

__all__ = ["StatelessScope", "SymbolicScope"]


class StatelessScope(StateScope):
    """Inside, variables have the values given, and what is assigned stays in the scope.

    Args:
        state_mapping: pairs of a variable and its value.
        collect_losses: whether `add_loss` is taken.
        initialize_variables: variables are made with their values in any case; False is refused.

    Attributes:
        losses: what `add_loss` was given.

    >>> v = Variable([1.0])
    >>> with StatelessScope([(v, [5.0])]) as scope:
    ...     v.assign_add([1.0])
    >>> scope.get_current_value(v).tolist(), v.numpy().tolist()
    ([6.0], [1.0])
    """

    __slots__ = ("collect_losses", "losses")

    def __init__(
        self, state_mapping: Iterable[tuple[Variable, Any]] | None = None, collect_losses: bool = False, initialize_variables: bool = True
    ) -> None:
        if not initialize_variables:
            raise ArgumentError("Variables are made with their values: leave initialize_variables out.")
        pairs = list(state_mapping or ())
        for variable, _ in pairs:
            if not isinstance(variable, Variable):
                raise ArgumentError(f"state_mapping holds pairs of a variable and its value, got {type(variable).__name__} for a variable.")
        super().__init__((v, v.backend.asarray(value, v.dtype)) for v, value in pairs)
        self.collect_losses = collect_losses
        self.losses: list[Any] = []

    def add_loss(self, loss: Any) -> None:
        """Keeps a loss, where losses are collected."""
        if not self.collect_losses:
            raise ArgumentError("The scope was made without collect_losses=True, so it takes no loss.")
        self.losses.append(loss)

    def add_update(self, update: tuple[Variable, Any]) -> None:
        """Gives a variable a value in this scope."""
        variable, value = update
        self.write(variable, variable.backend.asarray(value, variable.dtype))

    def get_current_value(self, variable: Variable) -> Any:
        """The value that was assigned here, or given; None for a variable of which the scope knows nothing."""
        known = id(variable) in self.written or id(variable) in self._values
        return self.read(variable) if known else None


class SymbolicScope(SpecScope):
    """Inside, variables are shapes and dtypes: what runs there computes no numbers.

    >>> v = Variable([1.0, 2.0])
    >>> with SymbolicScope():
    ...     shape = v.value.shape
    >>> shape
    (2,)
    """

    __slots__ = ()
