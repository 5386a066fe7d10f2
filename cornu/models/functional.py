"""The graph that a model holds: its inputs and outputs, the layers between, and the plan that runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from cornu import naming, tree
from cornu.errors import ArgumentError, DataError, ShapeError, nearest
from cornu.graph import Node, Plan, SymbolicTensor, nodes_between
from cornu.layers.input_layer import Input, InputLayer
from cornu.layers.layer import Layer
from cornu.layers.signature import call_signature
from cornu.state.variable import structure_version

__all__ = ["Graph"]


class _Trace(NamedTuple):
    """What goes in, masks last; what comes out; and the masks of that, None where there is none."""

    inputs: list[SymbolicTensor]
    outputs: list[SymbolicTensor]
    masks: list[Any]


class Graph:
    """A recorded graph between inputs and outputs, both nested structures of symbolic tensors.

    Attributes:
        inputs, outputs: the structures as given.
        nodes: in the order in which they run, mask edges not counted.
        layers: each layer once, the deepest first, inputs among them.
        operations: the same, with the calls of ops among them.
        accepted: the shape of arrays that each input takes, flat: its own, unless the graph was given others that its weights allow.
    """

    def __init__(self, inputs: Any, outputs: Any, accepted: Sequence[tuple[int | None, ...]] | None = None) -> None:
        _check(inputs, "inputs")
        _check(outputs, "outputs")
        if any(x.node is None or not isinstance(x.node.operation, InputLayer) for x in tree.flatten(inputs)):
            inputs, outputs = _with_fresh_inputs(inputs, outputs)
        self.inputs, self.outputs = inputs, outputs
        self.flat_inputs: list[SymbolicTensor] = tree.flatten(inputs)
        self.flat_outputs: list[SymbolicTensor] = tree.flatten(outputs)
        self.accepted = [x.shape for x in self.flat_inputs] if accepted is None else list(accepted)
        if len({id(x) for x in self.flat_inputs}) != len(self.flat_inputs):
            raise ArgumentError(f"Each input of a model may be named once, got {[x.name for x in self.flat_inputs]}.")
        self.input_names = [x.node.operation.name for x in self.flat_inputs]  # type: ignore[union-attr]
        self.output_names = _names_of(self.flat_outputs)
        self.output_masks = [x.mask for x in self.flat_outputs]
        nodes_between(self.flat_inputs, self.flat_outputs)  # raises where something does not come from the inputs
        self.nodes, self.operations = _ordered(self.flat_inputs, self.flat_outputs)
        self.layers = [step for step in self.operations if isinstance(step, Layer)]
        self._traces: dict[tuple[bool, ...], _Trace] = {(): _Trace(self.flat_inputs, self.flat_outputs, self.output_masks)}
        self._plans: dict[tuple[bool, ...], Plan] = {}
        self._planned_at = -1

    def __call__(self, inputs: Any, training: bool | None, masks: Sequence[Any] | None = None) -> tuple[list[Any], list[Any]]:
        """Flat outputs, and a mask or None for each, for inputs in the structure of the model's."""
        values = [_fitted(*each) for each in zip(self.arrange(inputs), self.accepted, self.input_names, strict=True)]
        if masks is not None and any(m is not None for m in masks):
            given = tuple(m is not None for m in masks)
            values = [*values, *(m for m in masks if m is not None)]
        else:
            given = ()
        results = self._plan(given)(values, training)
        count, found = len(self.flat_outputs), iter(results[len(self.flat_outputs) :])
        return results[:count], [None if m is None else next(found) for m in self._traces[given].masks]

    def forget_plans(self) -> None:
        """Has the plans made anew when next needed, because what a layer's call must do around it has changed."""
        self._plans.clear()

    def masks_given(self, given: Sequence[bool]) -> list[Any]:
        """The outputs' masks where those inputs come with one."""
        return self._trace(tuple(given)).masks

    def pack(self, values: list[Any]) -> Any:
        """Flat outputs in the structure of the model's."""
        return tree.pack_sequence_as(self.outputs, values)

    def _plan(self, given: tuple[bool, ...]) -> Plan:
        """The plan for inputs of which some come with a mask, or none where nothing is said of them.

        Whoever quantises a layer or adds low-rank parts to it moves the structure version on, and has no word of the graphs it is in.
        """
        if self._planned_at != structure_version():
            self._plans.clear()
            self._planned_at = structure_version()
        plan = self._plans.get(given)
        if plan is None:
            trace = self._trace(given)
            plan = self._plans[given] = Plan(trace.inputs, [*trace.outputs, *(m for m in trace.masks if m is not None)], _callable_of)
        return plan

    def _trace(self, given: tuple[bool, ...]) -> _Trace:
        """The graph recorded again with those masks laid."""
        if given not in self._traces:
            fresh = [SymbolicTensor(x.shape, x.dtype) for x in self.flat_inputs]
            for x, masked in zip(fresh, given, strict=True):
                if masked:
                    x.mask = SymbolicTensor(x.shape[:2], "bool")
            outputs = replay(self.nodes, dict(zip(map(id, self.flat_inputs), fresh, strict=True)), self.flat_outputs)
            entrances = [*fresh, *(x.mask for x in fresh if x.mask is not None)]
            self._traces[given] = _Trace(entrances, outputs, [x.mask for x in outputs])
        return self._traces[given]

    def arrange(self, inputs: Any) -> list[Any]:
        """The values of the inputs, flat, from a structure like the model's, a dict by input name, or a flat list.

        Raises:
            DataError: a key is missing or unknown, or the number of arrays differs.
        """
        if isinstance(inputs, dict):
            keys = list(self.inputs) if isinstance(self.inputs, dict) else self.input_names
            missing = [k for k in keys if k not in inputs and not self._optional(k)]
            if missing:
                raise DataError(_key_message(missing, list(inputs), keys))
            ordered = sorted(keys) if isinstance(self.inputs, dict) else keys
            return tree.flatten([inputs.get(k) for k in ordered])
        values = tree.flatten(inputs)
        if len(values) != len(self.flat_inputs):
            raise DataError(
                f"The model takes {len(self.flat_inputs)} input(s), {', '.join(map(repr, self.input_names))}, got {len(values)} array(s). "
                "Give one array for each, in a list in that order or in a dict by name."
            )
        return values

    def _optional(self, name: str) -> bool:
        return any(x.node.operation.optional for x in self.flat_inputs if x.node.operation.name == name)  # type: ignore[union-attr]


def _key_message(missing: list[str], given: list[str], known: list[str]) -> str:
    extra = [k for k in given if k not in known]
    guess = [g for k in missing for g in nearest(k, extra, 1)]
    hint = f" Did you mean it by {guess[0]!r}?" if guess else ""
    return f"The model's inputs are {known}, and the data lacks {missing}; got the keys {given}.{hint} Rename the key, or the Input."


def _check(values: Any, what: str) -> None:
    flat = tree.flatten(values)
    if not flat:
        raise ArgumentError(f"A model needs {what}, got {values!r}.")
    for x in flat:
        if not isinstance(x, SymbolicTensor):
            shape = f" of shape {tuple(x.shape)}" if hasattr(x, "shape") else ""
            raise ArgumentError(
                f"The {what} of a model are symbolic tensors, made with `Input(shape)` and by calling layers on it, got {type(x).__name__}{shape}. "
                "Data goes to `fit` and `predict`."
            )


def _fitted(x: Any, wanted: tuple[int | None, ...], name: str) -> Any:
    """The value with the number of axes that the input has: an axis of length 1 is added or dropped at the end where that is all that differs."""
    if x is None or not hasattr(x, "shape"):
        return x
    shape = tuple(x.shape)
    if len(shape) == len(wanted) - 1 and wanted[-1] == 1:
        x, shape = x[..., None], (*shape, 1)
    elif len(shape) == len(wanted) + 1 and shape[-1] == 1:
        x, shape = x[..., 0], shape[:-1]
    if len(shape) != len(wanted) or any(w not in (None, n) for w, n in zip(wanted[1:], shape[1:], strict=True)):
        raise ShapeError(
            f"Input {name!r} takes arrays of shape {wanted} (None: any length), got {tuple(x.shape)}. "
            "Reshape the data, or make the model with `Input` of the data's shape."
        )
    return x


def _names_of(tensors: Sequence[SymbolicTensor]) -> list[str]:
    """Of each the layer's name, or the operation's, numbered where that is called several times."""
    names: dict[int, str] = {}
    for node in (x.node for x in tensors):
        operation = node.operation  # type: ignore[union-attr]
        if id(node) not in names:
            names[id(node)] = operation.name if isinstance(operation, Layer) else naming.free(operation.op_name, names.values())
    return [names[id(x.node)] for x in tensors]


def _callable_of(node: Node) -> tuple[Callable[..., Any], bool]:
    operation = node.operation
    if not isinstance(operation, Layer):
        return operation, False
    return operation._planned_call_(node), call_signature(type(operation).call).training


def _ordered(inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor]) -> tuple[list[Node], list[Layer | Node]]:
    """Nodes in running order; layers and calls of ops by their distance from the outputs, the farthest first, those found first before others."""
    found: dict[int, Node] = {}

    def visit(start: SymbolicTensor) -> None:
        waiting = [start]
        while waiting:
            node = waiting.pop().node
            if node is not None and id(node) not in found:
                found[id(node)] = node
                waiting.extend(reversed(node.given_inputs))

    for x in outputs:
        visit(x)
    unused = {id(x.node): x.node for x in inputs if x.node is not None and id(x.node) not in found}
    found = {**unused, **found}
    nodes = sorted(found.values(), key=lambda n: n.number)
    depth: dict[int, int] = {}
    for node in reversed(nodes):
        for x in node.given_inputs:
            if x.node is not None:
                depth[id(x.node)] = max(depth.get(id(x.node), 0), depth.get(id(node), 0) + 1)
    placed: dict[int, tuple[int, int, Layer | Node]] = {}
    for order, node in enumerate(found.values()):
        step = node.operation if isinstance(node.operation, Layer) else node
        old = placed.get(id(step), (0, order, step))
        placed[id(step)] = (max(depth.get(id(node), 0), old[0]), old[1], step)
    steps = [step for _, _, step in sorted(placed.values(), key=lambda item: (-item[0], item[1]))]
    return [n for n in nodes if not isinstance(n.operation, InputLayer)], steps


def recorded_again(node: Node, operation: Any, known: dict[int, SymbolicTensor]) -> None:
    """The node's call, of this operation, with the tensors known in place of old ones (by identity); what comes out is known in its turn."""
    given = {k: v for k, v in node.kwargs.items() if k not in node.laid}
    args, kwargs = tree.map_structure(lambda x: known.get(id(x), x) if isinstance(x, SymbolicTensor) else x, (node.args, given))
    result = operation(*args, **kwargs)
    known.update(zip(map(id, node.outputs), tree.flatten(result), strict=False))


def replay(nodes: Sequence[Node], known: dict[int, SymbolicTensor], outputs: Sequence[SymbolicTensor]) -> list[SymbolicTensor]:
    """The nodes' calls recorded again, with other tensors in place of those known; the layers remember the first calls alone."""
    for node in nodes:
        recorded_again(node, node.operation, known)
        if isinstance(node.operation, Layer):
            node.operation._inbound_nodes.pop()
    return [known[id(x)] for x in outputs]


def _with_fresh_inputs(inputs: Any, outputs: Any) -> tuple[Any, Any]:
    """A model that starts inside another graph gets inputs of its own, and the calls between are recorded again."""
    flat = tree.flatten(inputs)
    fresh = [
        x if x.node is not None and isinstance(x.node.operation, InputLayer) else Input(batch_shape=x.shape, dtype=x.dtype) for x in flat
    ]
    between = [n for n in nodes_between(flat, tree.flatten(outputs)) if not isinstance(n.operation, InputLayer)]
    changed = replay(between, dict(zip(map(id, flat), fresh, strict=True)), tree.flatten(outputs))
    return tree.pack_sequence_as(inputs, fresh), tree.pack_sequence_as(outputs, changed)
