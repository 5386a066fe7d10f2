"""One layer of a model exchanged for another, the rest and its weights left as they are."""

from __future__ import annotations

from cornu import tree
from cornu.errors import ArgumentError, ShapeError, UnknownNameError
from cornu.graph import Node, SymbolicTensor
from cornu.layers import tracking
from cornu.layers.layer import Layer
from cornu.models.functional import Graph, recorded_again

__all__ = ["check_same_outputs", "exchange", "lineage", "rewired"]


def lineage(model: Layer, path: str) -> list[Layer]:
    """The layers from the model down to the one that the path (names joined by "/") leads to, the model first.

    Raises:
        UnknownNameError: there is no layer of that name; the message has the nearest.
    """
    found = [model]
    for name in path.split("/"):
        inside = tracking.listed(found[-1]) or tracking.sublayers(found[-1])
        layer = next((one for one in inside if one.name == name), None)
        if layer is None:
            raise UnknownNameError("layer", name, [one.name for one in inside])
        found.append(layer)
    return found


def rewired(graph: Graph, old: Layer, new: Layer) -> Graph:
    """The graph with `new` called wherever `old` was, and what follows recorded again. Where that fails, nothing has changed."""
    known: dict[int, SymbolicTensor] = {}
    fresh: list[tuple[Node, Node]] = []
    try:
        for node in graph.nodes:
            if node.operation is old or any(id(x) in known for x in node.inputs):
                operation = new if node.operation is old else node.operation
                recorded_again(node, operation, known)
                if isinstance(operation, Layer):
                    fresh.append((node, operation._inbound_nodes[-1]))
        made = Graph(graph.inputs, tree.map_structure(lambda x: known.get(id(x), x), graph.outputs), graph.accepted)
    except Exception:
        for _, node in fresh:
            node.operation._inbound_nodes.remove(node)
        raise
    for node, _ in fresh:
        node.operation._inbound_nodes.remove(node)
    return made


def exchange(holder: Layer, old: Layer, new: Layer) -> None:
    """Puts `new` where `old` is: in attributes of the holder, and in lists and dicts there.

    Raises:
        ArgumentError: the layer is somewhere else.
    """
    places = 0
    for name, value in list(vars(holder).items()):
        if value is old:
            setattr(holder, name, new)
            places += 1
        elif isinstance(value, (list, dict)):
            keys = range(len(value)) if isinstance(value, list) else list(value)
            for key in keys:
                if value[key] is old:
                    value[key] = new
                    places += 1
    if not places:
        raise ArgumentError(
            f"Layer {old.name!r} stands in no attribute of {holder.name!r}, nor in a list or dict there, so it cannot be replaced. "
            "Keep it in an attribute."
        )


def check_same_outputs(model: Layer, before: Graph, after: Graph) -> None:
    """Raises where a model that others have called would now give something else than they were built for."""
    was, now = ([(x.shape, x.dtype) for x in graph.flat_outputs] for graph in (before, after))
    if was != now:
        raise ShapeError(
            f"Model {model.name!r} is part of another, which was built for its outputs {was}; with the new layer they would be {now}. "
            "Give the layer the same number of units, or replace the whole inner model."
        )
