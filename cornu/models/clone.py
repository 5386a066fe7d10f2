"""A model with the same architecture and weights of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu import tree
from cornu.errors import ArgumentError
from cornu.graph import SymbolicTensor
from cornu.layers.input_layer import Input, InputLayer
from cornu.layers.layer import Layer
from cornu.models.config import takes
from cornu.models.functional import Graph
from cornu.models.model import Model
from cornu.models.sequential import Sequential

__all__ = ["clone_model"]


def clone_model(
    model: Any,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Any:
    """A model with the same layers, made anew: fresh weights, not compiled.

    Args:
        model: a model.
        input_tensors: symbolic tensors to start from, in place of new inputs; for models with a graph.
        clone_function: gives the layer that takes a layer's place, by default one made from its configuration; for models with a graph.
        call_function: called as `call_function(layer, *args, **kwargs)` in place of calling the new layer; for models with a graph.
        recursive: whether models inside are gone through too, in place of being given to `clone_function`.

    Raises:
        ArgumentError: a subclassed model has no graph for these arguments to work on.

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(2, activation="relu")])
    >>> clone_model(model).count_params()
    10
    """
    if kwargs:
        raise ArgumentError(f"clone_model does not take {sorted(kwargs)}.")
    special = [
        name
        for name, value in (("input_tensors", input_tensors), ("clone_function", clone_function), ("call_function", call_function))
        if value is not None
    ]
    copy = _Copy(clone_function or _anew, call_function or _called, recursive)
    if isinstance(model, Sequential) and takes(type(model), "layers"):
        if call_function is not None:
            raise ArgumentError("`call_function` is for models that call layers in a graph; a Sequential has one way to call its layers.")
        return copy.of_stack(model, input_tensors)
    if getattr(model, "_graph_", None) is not None and not isinstance(model, Sequential) and takes(type(model), "inputs", "outputs"):
        return copy.of_graph(model, model._graph_, input_tensors)
    if special:
        raise ArgumentError(f"{special} need a model made from a graph or a stack of layers, got {type(model).__name__} {model.name!r}.")
    return type(model).from_config(model.get_config())


def _anew(layer: Layer) -> Layer:
    return type(layer).from_config(layer.get_config())


def _called(layer: Layer, *args: Any, **kwargs: Any) -> Any:
    return layer(*args, **kwargs)


class _Copy:
    """One cloning: how layers are made and called; a layer used twice is made once."""

    def __init__(self, make: Callable[[Layer], Layer], call: Callable[..., Any], recursive: bool) -> None:
        self._make, self._call, self._recursive = make, call, recursive
        self._made: dict[int, Layer] = {}

    def _of(self, layer: Layer) -> Layer:
        if id(layer) not in self._made:
            inner = self._recursive and isinstance(layer, Model)
            self._made[id(layer)] = clone_model(layer, None, self._make, recursive=True) if inner else self._make(layer)
        return self._made[id(layer)]

    def of_stack(self, model: Sequential, given: Any) -> Sequential:
        layers: list[Any] = [self._of(layer) for layer in model.layers]
        first = None if model._graph_ is None else model._graph_.flat_inputs
        if given is not None:
            tensor = tree.flatten(given)[0]
            first = [tensor if isinstance(tensor.node.operation, InputLayer) else Input(batch_shape=tensor.shape, dtype=tensor.dtype)]
        elif first is not None:
            first = [_input_like(first[0])]
        return Sequential([*(first or ()), *layers], name=model.name)

    def of_graph(self, model: Model, graph: Graph, given: Any) -> Model:
        fresh: list[SymbolicTensor] = [_input_like(x) for x in graph.flat_inputs] if given is None else tree.flatten(given)
        if len(fresh) != len(graph.flat_inputs):
            raise ArgumentError(f"The model has {len(graph.flat_inputs)} inputs, so input_tensors must be as many, got {len(fresh)}.")
        known = dict(zip(map(id, graph.flat_inputs), fresh, strict=True))
        for node in graph.nodes:
            kwargs = {name: value for name, value in node.kwargs.items() if name not in node.laid}
            args, kwargs = _with(known, (node.args, kwargs))
            step = node.operation
            result = self._call(self._of(step), *args, **kwargs) if isinstance(step, Layer) else step(*args, **kwargs)
            known |= dict(zip(map(id, node.outputs), tree.flatten(result), strict=False))
        return Model(tree.pack_sequence_as(graph.inputs, fresh), _with(known, graph.outputs), name=model.name)


def _with(known: dict[int, SymbolicTensor], values: Any) -> Any:
    """The values with the new tensors in place of the old ones."""
    return tree.map_structure(lambda x: known.get(id(x), x) if isinstance(x, SymbolicTensor) else x, values)


def _input_like(tensor: SymbolicTensor) -> SymbolicTensor:
    layer = tensor.node.operation  # type: ignore[union-attr]
    return InputLayer.from_config(layer.get_config()).output
