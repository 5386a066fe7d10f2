"""Models as configurations, laid out as in Keras's files, and models from them.

A graph is a list of its layers and ops; each tells the calls on it (`inbound_nodes`), and a tensor is named by whose call it comes from:
`[layer, number of the call, number of the output]`.
"""

from __future__ import annotations

import contextlib
import inspect
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from cornu import naming, registry, serialization, tree
from cornu.errors import ConfigError
from cornu.graph import Node, SymbolicTensor
from cornu.layers import tracking
from cornu.layers.input_layer import InputLayer
from cornu.layers.layer import Layer
from cornu.layers.signature import call_signature
from cornu.models.functional import Graph
from cornu.registry import LAYERS
from cornu.saving import keras_ops

__all__ = [
    "graph_config",
    "graph_from_config",
    "is_graph_config",
    "layer_config",
    "layer_from_config",
    "model_from_json",
    "read_together",
    "written_with",
]

TENSOR = "__keras_tensor__"
_SETTLED = frozenset({"BatchNormalization"})
"""Built-in layers whose calls Keras's files say `training: false` of only if the user did; of others they say it always."""

# --- layers that appear more than once ------------------------------------------------------------------------------

_written: ContextVar[dict[int, int] | None] = ContextVar("cornu_layers_written", default=None)
_read: ContextVar[dict[Any, Layer] | None] = ContextVar("cornu_layers_read", default=None)


@contextlib.contextmanager
def _outermost(variable: ContextVar[Any], make: Callable[[], Any]) -> Iterator[Any]:
    """The value that the outermost of these blocks has made."""
    token = variable.set(make()) if variable.get() is None else None
    try:
        yield variable.get()
    finally:
        if token is not None:
            variable.reset(token)


def _numbers(model: Layer) -> dict[int, int]:
    """A number for each layer that stands in more than one place of a model and the models inside it."""
    found: Counter[int] = Counter()
    waiting, seen = [model], {id(model)}
    while waiting:
        for layer in tracking.listed(waiting.pop()):
            found[id(layer)] += 1
            if id(layer) not in seen:
                seen.add(id(layer))
                waiting.append(layer)
    return {layer: number for number, layer in enumerate(key for key, count in found.items() if count > 1)}


def written_with(model: Layer) -> contextlib.AbstractContextManager[dict[int, int]]:
    """Within it, what stands in several places of the outermost model is marked as one."""
    return _outermost(_written, lambda: _numbers(model))


def read_together() -> contextlib.AbstractContextManager[dict[Any, Layer]]:
    """Within it, what is marked as one layer becomes one layer."""
    return _outermost(_read, dict)


def layer_config(layer: Layer) -> dict[str, Any]:
    """A layer's configuration as a part of a model's."""
    entry: dict[str, Any] = serialization.serialize(layer)
    number = (_written.get() or {}).get(id(layer))
    return entry if number is None else {**entry, "shared_object_id": number}


def layer_from_config(config: Mapping[str, Any]) -> Layer:
    """The layer that such a configuration describes."""
    with read_together() as known:
        number = config.get("shared_object_id")
        if number is not None and number in known:
            return known[number]
        layer = serialization.deserialize(config)  # layers are looked up first, then models
        if not isinstance(layer, Layer):
            raise ConfigError(f"A model is made of layers, and its configuration describes {layer!r}.")
        if number is not None:
            known[number] = layer
        return layer


# --- writing a graph --------------------------------------------------------------------------------------------------


def graph_config(graph: Graph) -> dict[str, Any]:
    """The layers, ops and calls of a graph, and which tensors are its inputs and outputs."""
    names = _names_of(graph)
    calls: dict[int, list[Node]] = defaultdict(list)
    for node in graph.nodes:
        calls[_identity(node)].append(node)
    place = {id(node): (names[key], number) for key, nodes in calls.items() for number, node in enumerate(nodes)}
    place |= {id(x.node): (x.node.operation.name, 0) for x in graph.flat_inputs if x.node is not None}

    def reference(x: SymbolicTensor) -> list[Any]:
        return [*place[id(x.node)], x.index]

    def end(x: SymbolicTensor) -> list[Any]:
        name, number, index = reference(x)
        return [name, number + _own_calls(x.node.operation), index]  # type: ignore[union-attr]

    return {
        "layers": [_entry(step, names, calls, reference) for step in graph.operations],
        "input_layers": tree.map_structure(reference, graph.inputs),
        "output_layers": tree.map_structure(end, graph.outputs),
    }


def _identity(step: Any) -> int:
    """By what a step of a graph is known: a layer by itself, an op by its call."""
    return id(step.operation) if isinstance(step, Node) and isinstance(step.operation, Layer) else id(step)


def _own_calls(step: Any) -> int:
    """Where files name the outputs of a graph, and only there, the making of a model from a graph counts as its first call."""
    return 1 if isinstance(step, Layer) and step._graph_layers_ else 0


def _names_of(graph: Graph) -> dict[int, str]:
    names = {id(step): step.name for step in graph.operations if isinstance(step, Layer)}
    twice = [name for name, count in Counter(names.values()).items() if count > 1]
    if twice:
        raise ConfigError(
            f"Layers of a model need names of their own to be written to a file, and several are called {twice[0]!r}. Give them other names."
        )
    taken = set(names.values())
    for step in graph.operations:
        if not isinstance(step, Layer):
            names[id(step)] = name = naming.free(registry.snake_case(keras_ops.class_and_module(step.operation)[0]), taken)
            taken.add(name)
    return names


def _entry(
    step: Any, names: dict[int, str], calls: dict[int, list[Node]], reference: Callable[[SymbolicTensor], list[Any]]
) -> dict[str, Any]:
    if isinstance(step, Layer):
        entry = layer_config(step)
        entry["name"] = step.name
        entry["inbound_nodes"] = [_layer_call(node, reference) for node in calls[id(step)]]
        return entry
    settings, args, kwargs = keras_ops.split(step.operation, step.args, step.kwargs)
    cls, module = keras_ops.class_and_module(step.operation)
    name = names[id(step)]
    return {
        "module": module, "class_name": cls, "config": {"name": name, **serialization.serialize(settings)}, "registered_name": cls, "name": name,
        "inbound_nodes": [{"args": _referred(list(args), reference), "kwargs": _referred(kwargs, reference)}],
    }  # fmt: skip


def _layer_call(node: Node, reference: Callable[[SymbolicTensor], list[Any]]) -> dict[str, Any]:
    kwargs = {name: value for name, value in node.kwargs.items() if name not in node.laid}
    call = {"args": _referred(list(node.args), reference), "kwargs": _referred(kwargs, reference)}
    return {**call, "given": ["training"]} if kwargs.get("training") is False else call


def _referred(value: Any, reference: Callable[[SymbolicTensor], list[Any]]) -> Any:
    """A value as files hold it, tensors of the graph by reference."""
    if isinstance(value, SymbolicTensor):
        return {"class_name": TENSOR, "config": {"shape": list(value.shape), "dtype": value.dtype, "keras_history": reference(value)}}
    if isinstance(value, (list, tuple)):
        return [_referred(inner, reference) for inner in value]
    if isinstance(value, Mapping):
        return {key: _referred(inner, reference) for key, inner in value.items()}
    return serialization.serialize(value)


# --- reading a graph --------------------------------------------------------------------------------------------------


class _Reading:
    """A graph being made again: steps by name, and the outputs of the calls done so far."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        entries = config["layers"]
        self.calls = [(entry["name"], number, call) for entry in entries for number, call in enumerate(entry.get("inbound_nodes", ()))]
        self.steps: dict[str, Any] = {}
        self.settings: dict[str, Mapping[str, Any]] = {}
        self.outputs: dict[tuple[str, int], list[SymbolicTensor]] = {}
        for entry in entries:
            self._enter(entry)
        self.first = self._first_numbers()

    def _enter(self, entry: Mapping[str, Any]) -> None:
        name = entry["name"]
        if keras_ops.is_op(entry):
            self.steps[name], self.settings[name] = keras_ops.op_of(entry), serialization.revive(entry["config"])
            return
        layer = self.steps[name] = layer_from_config(entry)
        if isinstance(layer, InputLayer):
            self.outputs[name, 0] = [layer.output]

    def _first_numbers(self) -> dict[str, int]:
        """For each step the number of its first call: 0, or 1 in older files that count a model's own making throughout."""
        highest: Counter[str] = Counter()
        for name, number, _ in _references(self.config["layers"]):
            highest[name] = max(highest[name], number)
        count = Counter(name for name, _, _ in self.calls)
        return {name: max(0, highest[name] - count[name] + 1) for name in count}

    def run(self) -> None:
        """Makes every call whose inputs are there, until all are made."""
        waiting: Sequence[tuple[str, int, Any]] = self.calls
        while waiting:
            left = [call for call in waiting if not self._made(*call)]
            if len(left) == len(waiting):
                names = sorted({name for name, _, _ in left})
                raise ConfigError(
                    f"Every call in a graph must come after those it depends on; in this configuration {names[:10]} wait for each other."
                )
            waiting = left

    def _made(self, name: str, number: int, call: Any) -> bool:
        if number and (name, number - 1) not in self.outputs:
            return False  # calls of one layer are made in their order
        if any((source, at - self.first.get(source, 0)) not in self.outputs for source, at, _ in _references(call)):
            return False
        args, kwargs = self._resolved(call.get("args", [])), self._resolved(call.get("kwargs", {}))
        step = self.steps[name]
        if isinstance(step, Layer):
            result = step(*args, **_given(step, kwargs, call))
        else:
            args, kwargs = keras_ops.merged(step, self.settings[name], args, kwargs)
            result = step(*args, **kwargs)
        self.outputs[name, number] = tree.flatten(result)
        return True

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            if value.get("class_name") == TENSOR:
                name, number, index = value["config"]["keras_history"]
                return self.tensor(name, number - self.first.get(name, 0), index)
            if "class_name" not in value:
                return {key: self._resolved(inner) for key, inner in value.items()}
        elif isinstance(value, (list, tuple)):
            return [self._resolved(inner) for inner in value]
        return serialization.revive(value)

    def tensor(self, name: str, number: int, index: int) -> SymbolicTensor:
        """The output of that index of a step's call of that number."""
        try:
            if number < 0:
                raise IndexError(number)
            return self.outputs[name, number][index]
        except (KeyError, IndexError) as error:
            raise ConfigError(
                f"The configuration of a graph refers to output {index} of call {number} of {name!r}, and there is none."
            ) from error

    def structure(self, references: Any) -> Any:
        """The tensors in place of references, in the same structure."""
        if _is_reference(references):
            name, number, index = references
            return self.tensor(name, number - _own_calls(self.steps.get(name)), index)
        if isinstance(references, Mapping):
            return {key: self.structure(inner) for key, inner in references.items()}
        return [self.structure(inner) for inner in references]


def _is_reference(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 3 and isinstance(value[0], str) and all(type(n) is int for n in value[1:])


def _references(value: Any) -> Iterator[tuple[str, int, int]]:
    """All references to tensors within a piece of a configuration; nested models keep theirs to themselves."""
    if _is_reference(value):
        yield tuple(value)
    elif isinstance(value, Mapping):
        if value.get("class_name") == TENSOR:
            yield tuple(value["config"]["keras_history"])
        elif "inbound_nodes" in value:
            yield from _references(value["inbound_nodes"])
        else:
            for inner in value.values():
                yield from _references(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _references(inner)


def _given(layer: Layer, kwargs: dict[str, Any], call: Mapping[str, Any]) -> dict[str, Any]:
    """The keyword arguments that the user gave: files of Keras write the defaults of `mask` and `training` too."""
    if kwargs.get("mask", 0) is None:
        del kwargs["mask"]
    usual = type(layer) in LAYERS.values() and type(layer).__name__ not in _SETTLED and "training" not in call.get("given", ())
    if "training" in kwargs and (kwargs["training"] is None or (usual and kwargs["training"] is False)):
        del kwargs["training"]
    if "training" in kwargs and not call_signature(type(layer).call).training:
        del kwargs["training"]
    return kwargs


def takes(cls: type, *names: str) -> bool:
    """Whether a class's constructor itself has these arguments, and does not merely pass them on; one of `*args, **kwargs` alone is its base's."""
    for base in cls.__mro__:
        own = list(inspect.signature(vars(base).get("__init__", _passing_on)).parameters.values())[1:]
        if [p.kind for p in own] != [inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD]:
            return set(names) <= {p.name for p in own}
    return False


def _passing_on(self: Any, *args: Any, **kwargs: Any) -> None:
    """What a class without a constructor has in its place."""


def is_graph_config(config: Mapping[str, Any]) -> bool:
    """Whether a model's configuration is that of a graph."""
    return all(key in config for key in ("layers", "input_layers", "output_layers"))


def graph_from_config(config: Mapping[str, Any]) -> tuple[Any, Any]:
    """The inputs and outputs of the graph that a configuration describes, its layers made anew.

    Raises:
        ConfigError: the configuration contradicts itself.
    """
    with read_together():
        try:
            reading = _Reading(config)
            reading.run()
            return reading.structure(config["input_layers"]), reading.structure(config["output_layers"])
        except (AttributeError, KeyError) as error:
            raise ConfigError(f"The configuration of a graph cannot be read: {type(error).__name__} {error}.") from error


# --- public -----------------------------------------------------------------------------------------------------------


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """A model with the architecture that `model.to_json()` gave, with fresh weights.

    Args:
        json_string: the text.
        custom_objects: classes and functions that it names and that are not registered.

    Raises:
        ConfigError: it is not the JSON of a model.

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(2)])
    >>> model_from_json(model.to_json()).output_shape
    (None, 2)
    """
    try:
        config = json.loads(json_string)
    except ValueError as error:
        raise ConfigError(f"A model is described by the JSON that `model.to_json()` gives, got {json_string[:100]!r} ({error}).") from None
    return serialization.deserialize(config, custom_objects)
