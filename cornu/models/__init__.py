"""Models: from a graph, from a stack of layers, or by a subclass."""

from cornu.models.model import Model
from cornu.models.sequential import Sequential

__all__ = ["Model", "Sequential"]
