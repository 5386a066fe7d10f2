"""Layers whose results are not kept for the gradient, but computed again when it is taken: less memory, more time."""

from __future__ import annotations

import contextvars
import math
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cornu import tree
from cornu.errors import ArgumentError
from cornu.layers.building import shapes_of
from cornu.state import remat

if TYPE_CHECKING:
    from cornu.layers.layer import Layer

__all__ = ["RematScope", "around"]

_MODES = ("full", "activations", "larger_than", "list_of_layers", None)


class RematScope:
    """Layers made inside it compute again, when the gradient is taken, what they would have kept for it.

    T. Chen and others, "Training deep nets with sublinear memory cost", 2016.

    Args:
        mode: which of them: "full" all, "activations" those without weights, "larger_than" those whose output has more elements than
            `output_size_threshold`, "list_of_layers" those of `layer_names`, None none.
        output_size_threshold: for "larger_than".
        layer_names: for "list_of_layers".

    >>> import cornu
    >>> with RematScope(mode="full"):
    ...     layer = cornu.layers.Dense(2)
    """

    def __init__(self, mode: str | None = "full", output_size_threshold: int = 1024, layer_names: Sequence[str] | None = None) -> None:
        if mode not in _MODES:
            raise ArgumentError(f"The mode of a RematScope must be one of {', '.join(map(repr, _MODES))}, got {mode!r}.")
        if (mode == "list_of_layers") != bool(layer_names):
            raise ArgumentError(f"layer_names go with mode='list_of_layers', got {layer_names!r} and mode={mode!r}.")
        self.mode, self.output_size_threshold, self.layer_names = mode, output_size_threshold, tuple(layer_names or ())
        self._tokens: list[contextvars.Token[RematScope | None]] = []

    def __enter__(self) -> Self:
        self._tokens.append(_around.set(self))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        _around.reset(self._tokens.pop())

    def __deepcopy__(self, memo: Any) -> RematScope:
        return self

    def covers(self, layer: Layer, args: Sequence[Any]) -> bool:
        """Whether this call of the layer is one of those that compute again."""
        if self.mode == "activations":
            return not layer.weights
        if self.mode == "larger_than":
            token = _measuring.set(True)  # the shape is inferred by calling the layer
            try:
                shapes = tree.flatten(tree.map_shape_structure(_Size, layer.compute_output_shape(*map(shapes_of, args))))
            finally:
                _measuring.reset(token)
            return sum(size.elements for size in shapes) > self.output_size_threshold
        return self.mode == "full" or layer.name in self.layer_names

    def run(self, layer: Layer, call: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """The call, so that it computes again if it is covered."""
        plainly = _measuring.get() or not self.covers(layer, args)
        return call(*args, **kwargs) if plainly else remat(call)(*args, **kwargs)


class _Size:
    """How many elements a shape has, unknown lengths not counted."""

    def __init__(self, shape: Any) -> None:
        self.elements = math.prod(n for n in shape or () if n is not None)


_around: contextvars.ContextVar[RematScope | None] = contextvars.ContextVar("cornu_remat_scope", default=None)
_measuring: contextvars.ContextVar[bool] = contextvars.ContextVar("cornu_remat_measuring", default=False)


def around() -> RematScope | None:
    """The scope around this place, unless it asks for nothing."""
    scope = _around.get()
    return None if scope is None or scope.mode is None else scope
