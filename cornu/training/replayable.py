"""Whether a model's steps do the same each time, so that a recording of one may stand for the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cornu.layers import tracking
from cornu.layers.layer import Layer
from cornu.ops.dispatch import is_array, works_by_element

if TYPE_CHECKING:
    from cornu.training.stepping import Stepping

__all__ = ["is_replayable", "is_row_wise"]

_MOST_LAYERS = 64
"""Beyond this many layers the Python between kernels is a small part of a step, and recording one takes long."""


def is_replayable(model: Stepping) -> bool:
    """Whether all code in a step is Cornu's own, which does the same for the same shapes; code of users may look at the clock, draw lots or print."""
    if getattr(model, "run_eagerly", False) or getattr(model, "jit_compile", "auto") is False:
        return False
    if getattr(model, "jit_compile", "auto") is True:  # asked for, as on backends that always compile
        return True
    layers = list(tracking.walk(model))
    if len(layers) > _MOST_LAYERS:
        return False
    return all(_is_ours(part) for part in (*layers, *_settled(model)))


def is_row_wise(model: Stepping) -> bool:
    """Whether each row of the outputs is known to come from its own row of the inputs: all code is Cornu's own, and of a kind that does so."""
    layers = list(tracking.walk(model))
    graphs = [graph for graph in (getattr(layer, "_graph_", None) for layer in layers) if graph is not None]
    nodes = [node for graph in graphs for node in graph.nodes]
    return (
        getattr(model, "_graph_", None) is not None
        and all(_is_ours(layer) and not _along_rows(getattr(layer, "axis", None)) for layer in layers)
        and all(_of_rows(node) for node in nodes)
    )


def _along_rows(axis: Any) -> bool:
    return 0 in (axis if isinstance(axis, (tuple, list)) else (axis,))


def _of_rows(node: Any) -> bool:
    """Whether a step of a graph is a layer that is not told to train, or an operation on each element by itself."""
    if isinstance(node.operation, Layer):
        return not node.kwargs.get("training")
    return works_by_element(node.operation)


def _settled(model: Stepping) -> Iterable[Any]:
    """Losses and metrics of a compiled model."""
    objective = model._objective_
    return [*([] if objective is None else objective.losses), *(model.metrics if model.compiled else [])]


def _is_ours(part: Any) -> bool:
    """Whether the object's class, and every function and object in its attributes, is defined in this package."""
    if part is None:
        return True
    if not _from_here(type(part)):
        return False
    return all(_from_here(value) for value in vars(part).values() if callable(value) and not is_array(value))


def _from_here(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "") or type(thing).__module__).partition(".")[0] == "cornu"
