"""Which devices share the work: what variables and steps ask of the distribution at hand, if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from cornu import tree
from cornu.ops.arguments import Array

if TYPE_CHECKING:
    from cornu.state.variable import Variable

__all__ = ["Layout", "Placement", "current", "laid_out", "put", "within"]


class Layout(Protocol):
    """How one array is cut up over a mesh of devices."""

    device_mesh: Any

    def place(self, x: Array) -> Array:
        """The array, on those devices."""


class Placement(Protocol):
    """A distribution, as the rooms beneath it see it."""

    @property
    def backend(self) -> ModuleType:
        """The backend whose devices these are."""

    def get_variable_layout(self, variable: Variable) -> Layout:
        """The layout of a variable, by its path."""

    def get_tensor_layout(self, path: str) -> Layout | None:
        """The layout of what a layer gives, by its path; None to leave that to the compiler."""

    def place_batch(self, x: Array) -> Array:
        """An array of a batch, its rows spread over the devices."""

    def report(self, variables: Sequence[Variable]) -> None:
        """Says what the distribution names and a first step has not met."""


_current: Placement | None = None


def current() -> Placement | None:
    """The distribution at hand."""
    return _current


def put(placement: Placement | None) -> None:
    """Makes it the one at hand, for the whole process."""
    global _current
    _current = placement


def within(backend: ModuleType) -> Placement | None:
    """The distribution at hand, where it is one of that backend's devices."""
    return _current if _current is not None and _current.backend is backend else None


def laid_out(path: str, outputs: Any) -> Any:
    """What a layer gives, laid out as the distribution at hand has it for the layer's path."""
    layout = None if _current is None else _current.get_tensor_layout(f"{path}/output")
    return outputs if layout is None else tree.map_structure(layout.place, outputs)
