"""Where values of variables are read and written while a function is traced, differentiated or tried out.

With no scope active, a variable's value is its own array. Inside `with StateScope(values)` reads see the scope's values first, and writes stay in
the scope: they are what the function would change, and last only if the scope is committed.
"""

from __future__ import annotations

import contextvars
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from cornu.state.variable import Variable

__all__ = ["SpecScope", "StateScope", "active"]

_active: contextvars.ContextVar[StateScope | None] = contextvars.ContextVar("cornu_state_scope", default=None)
active = _active.get
"""The innermost scope of this thread or task, or None."""


class StateScope:
    """Values of variables that stand in for their own.

    Args:
        values: pairs of a variable and the value that reads give.
    """

    __slots__ = ("_outer", "_token", "_values", "written")

    def __init__(self, values: Iterable[tuple[Variable, Any]] = ()) -> None:
        self._values = {id(variable): value for variable, value in values}
        self.written: dict[int, tuple[Variable, Any]] = {}

    def __enter__(self) -> Self:
        """Makes the scope the active one."""
        self._outer = _active.get()
        self._token = _active.set(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """The scope around it is active again; what was written here stays here."""
        _active.reset(self._token)

    @property
    def is_fresh(self) -> bool:
        """Whether reads give the variables' own values: nothing was given or written here, and no scope is around."""
        return self._outer is None and not self._values and not self.written

    def read(self, variable: Variable) -> Any:
        """The value written here, or given, or that of the scope around this one, or the variable's own."""
        key = id(variable)
        if key in self.written:
            return self.written[key][1]
        if key in self._values:
            return self._values[key]
        return variable.own_value if self._outer is None else self._outer.read(variable)

    def write(self, variable: Variable, value: Any) -> None:
        """Keeps the value here."""
        self.written[id(variable)] = (variable, value)

    def commit(self) -> None:
        """Writes what was written here to the scope around this one, or to the variables themselves."""
        for variable, value in self.written.values():
            variable.put(value)


class SpecScope(StateScope):
    """Where shapes are inferred: reads give specs, and nothing that is written lasts, so that a trial run draws nothing and changes nothing."""

    __slots__ = ()

    def read(self, variable: Variable) -> Any:
        """The spec written here, or the variable's."""
        key = id(variable)
        return self.written[key][1] if key in self.written else variable.spec()
