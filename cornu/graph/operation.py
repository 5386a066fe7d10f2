"""A user's own op, as an object that graphs record."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from cornu import naming, registry, tree
from cornu.graph.symbolic import Node, SymbolicTensor, contains_symbolic, infer

__all__ = ["Operation"]


class Operation(ABC):
    """A computation without weights: a subclass writes `call`. Layers count as operations, too.

    Args:
        name: its class's name in snake case, numbered, by default.

    >>> from cornu import ops
    >>> class Doubled(Operation):
    ...     def call(self, x):
    ...         return ops.multiply(x, 2)
    >>> Doubled()(SymbolicTensor((None, 3))).shape
    (None, 3)
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = name or naming.unique(registry.snake_case(type(self).__name__))

    @property
    def op_name(self) -> str:
        """What a graph calls it."""
        return self.name

    @abstractmethod
    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs from the inputs."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Records the call if an input is symbolic; else runs it."""
        return self.symbolic_call(*args, **kwargs) if contains_symbolic(args, kwargs) else self.call(*args, **kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Records the call; gives symbolic tensors."""
        specs = tree.map_structure(lambda x: getattr(x, "spec", x), self.compute_output_spec(*args, **kwargs))
        return Node(self, args, kwargs, specs).result

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Shape and dtype of what `call` gives, inferred by running it on shapes."""
        return tree.map_structure(lambda s: SymbolicTensor(s.shape, s.dtype), infer(self.call, args, kwargs))
