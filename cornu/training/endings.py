"""What a model's outputs come from, as far as that is known without running it: the activation at the end, and whether there is a mask."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from cornu import activations, tree
from cornu.graph import SymbolicTensor, infer
from cornu.layers import tracking
from cornu.registry import LAYERS

if TYPE_CHECKING:
    from cornu.layers.layer import Layer
    from cornu.training.stepping import Stepping

__all__ = ["Ending", "outputs_and_endings", "watched"]


class Ending(NamedTuple):
    """The end of one output.

    Attributes:
        layer: the name of the layer or op that gives it; None where that is not known.
        activation: "softmax" or "sigmoid"; None where it is neither, or not known.
        units: the length of the axis along which a softmax goes; None where it is not known.
        masked: whether the output may come with a mask, so that some targets do not count.
    """

    layer: str | None = None
    activation: str | None = None
    units: int | None = None
    masked: bool = False


_UNCHANGED = ("Dropout", "Identity", "Reshape", "Flatten", "RepeatVector", "ActivityRegularization")
"""Layers whose outputs are the inputs' numbers, or zeros, in whatever shape."""


def outputs_and_endings(model: Stepping, x: Any) -> tuple[Any, list[Ending]]:
    """The outputs for symbolic inputs, and the ending of each, flat."""
    graph = getattr(model, "_graph_", None)
    if graph is not None:
        return graph.outputs, [_of_tensor(t, t.mask is not None) for t in graph.flat_outputs]
    made: dict[int, tuple[Any, Layer]] = {}
    found: list[Ending] = []

    def watch(layer: Layer, outputs: Any) -> None:
        for leaf in tree.flatten(outputs):
            made.setdefault(id(leaf), (leaf, layer))  # the innermost layer is done first

    def run(x: Any) -> Any:
        outputs = model._run_(x, training=False)
        found[:] = [_of_layer(made[id(y)][1], y.shape, masked) if id(y) in made else Ending(masked=masked) for y in tree.flatten(outputs)]
        return outputs

    masked = any(getattr(layer, "mask_zero", False) or hasattr(layer, "mask_value") for layer in tracking.walk(model))
    with watched(model, watch):
        specs = infer(run, (x,), {})
    return tree.map_structure(lambda s: SymbolicTensor(s.shape, s.dtype), specs), found


@contextlib.contextmanager
def watched(model: Stepping, watcher: Callable[[Layer, Any], None]) -> Iterator[None]:
    """Inside, `watcher(layer, outputs)` is called after each run of a layer of the model."""
    layers = list(tracking.walk(model))
    for layer in reversed(layers):  # the model last, so that its plan is made after all its layers ask to be watched
        layer._watch_outputs_(watcher)
    try:
        yield
    finally:
        for layer in reversed(layers):
            layer._watch_outputs_(None)


def _of_tensor(tensor: SymbolicTensor, masked: bool) -> Ending:
    """The ending of a symbolic tensor, sought through inner models and through layers that leave the numbers as they are."""
    while tensor.node is not None:
        node, operation = tensor.node, tensor.node.operation
        graph = getattr(operation, "_graph_", None)
        if graph is not None:
            tensor = graph.flat_outputs[tensor.index]
        elif (
            _is_built_in(operation)
            and node.inputs
            and (type(operation).__name__ in _UNCHANGED or _activation(operation) is activations.linear)
        ):
            tensor = node.inputs[0]
        elif hasattr(operation, "op_name"):
            axis = node.kwargs.get("axis", node.args[1] if len(node.args) > 1 else -1)
            kind = operation.op_name if operation.op_name in ("softmax", "sigmoid") else None
            return Ending(operation.op_name, kind, _length(tensor.shape, axis), masked)
        else:
            return _of_layer(operation, tensor.shape, masked)
    return Ending(masked=masked)


def _of_layer(layer: Layer, shape: tuple[int | None, ...], masked: bool) -> Ending:
    if type(layer).__name__ == "TimeDistributed" and hasattr(layer, "layer"):
        return _of_layer(layer.layer, shape, masked)._replace(layer=layer.name)
    if not _is_built_in(layer):
        return Ending(layer.name, masked=masked)
    if type(layer).__name__ == "Softmax":
        return Ending(layer.name, "softmax", _length(shape, getattr(layer, "axis", -1)), masked)
    kinds = {activations.softmax: "softmax", activations.sigmoid: "sigmoid"}
    if not any(hasattr(layer, name) for name in _MIXED):
        found = getattr(layer, "activation", None)
        return Ending(layer.name, next((kind for f, kind in kinds.items() if f is found), None), _length(shape, -1), masked)
    return Ending(layer.name, masked=masked)


_MIXED = ("cell", "recurrent_initializer", "forward_layer")
"""Attributes of recurrent layers: their activation is not the last thing that happens to the numbers."""


def _activation(layer: Any) -> Any:
    return layer.activation if type(layer).__name__ == "Activation" else None


def _is_built_in(layer: Any) -> bool:
    return type(layer) in LAYERS.values()


def _length(shape: tuple[int | None, ...], axis: Any) -> int | None:
    return shape[axis] if isinstance(axis, int) and -len(shape) <= axis < len(shape) else None
