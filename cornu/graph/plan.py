"""A recorded graph made into a list of steps that run one after the other.

Values live in numbered slots. A step is (callable, where its arguments come from, where its results go, which slots are not needed afterwards).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from cornu import tree
from cornu.errors import ArgumentError
from cornu.graph.symbolic import Node, SymbolicTensor

__all__ = ["Plan", "nodes_between"]


def nodes_between(inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor]) -> list[Node]:
    """The nodes on the way from inputs to outputs, in an order in which they can run: that in which they were recorded, outputs reached depth first.

    Raises:
        ArgumentError: an output depends on a tensor that is no input.
    """
    given = {id(x) for x in inputs}
    found: dict[int, Node] = {}
    waiting = [x for x in outputs if id(x) not in given]
    while waiting:
        tensor = waiting.pop()
        node = tensor.node
        if node is None or not node.inputs:
            raise ArgumentError(
                f"All tensors on the way to the outputs must come from the inputs, but {tensor.name!r} (shape {tensor.shape}) does not. "
                "Add it to `inputs`, or check that the layers between are connected."
            )
        if id(node) not in found:
            found[id(node)] = node
            waiting.extend(x for x in node.inputs if id(x) not in given)
    return sorted(found.values(), key=lambda n: n.number)


class _Step(NamedTuple):
    call: Callable[..., Any]
    structure: Any
    template: list[Any]
    slots: list[tuple[int, int]]  # (place in the template, slot)
    single: int | None  # the slot of the only argument, where that is all there is
    takes_training: bool
    first: int  # slot of the first output
    outputs: int
    gone: list[int]


class Plan:
    """A function of arrays, made of a graph between `inputs` and `outputs`.

    Args:
        inputs, outputs: flat lists of symbolic tensors; None among the outputs stays None.
        callable_of: for a node, what to call and whether it takes `training`.
    """

    def __init__(
        self,
        inputs: Sequence[SymbolicTensor],
        outputs: Sequence[SymbolicTensor | None],
        callable_of: Callable[[Node], tuple[Callable[..., Any], bool]],
    ) -> None:
        self.nodes = nodes_between(inputs, [x for x in outputs if x is not None])
        place = {id(x): i for i, x in enumerate(inputs)}
        starts = {}
        self._width = len(inputs)
        for node in self.nodes:
            starts[id(node)] = self._width
            for x in node.outputs:
                place.setdefault(id(x), self._width)  # an output that is also given stays the given one
                self._width += 1
        self._outputs = [None if x is None else place[id(x)] for x in outputs]
        last_use = {place[id(x)]: i for i, node in enumerate(self.nodes) for x in node.inputs}
        kept = set(self._outputs)
        self._steps = [
            _step(node, *callable_of(node), place, starts[id(node)], [s for s, last in last_use.items() if last == i and s not in kept])
            for i, node in enumerate(self.nodes)
        ]

    def __call__(self, inputs: Sequence[Any], training: bool | None) -> list[Any]:
        """The outputs' values for these inputs, both flat."""
        slots: list[Any] = [None] * self._width
        slots[: len(inputs)] = inputs
        for call, structure, template, places, single, takes_training, first, count, gone in self._steps:
            if single is not None:
                result = call(slots[single], training=training) if takes_training else call(slots[single])
            else:
                leaves = template.copy()
                for at, slot in places:
                    leaves[at] = slots[slot]
                args, kwargs = tree.unflatten(structure, leaves)
                if takes_training and kwargs.get("training") is None:
                    kwargs["training"] = training
                result = call(*args, **kwargs)
            if count == 1 and not isinstance(result, (list, tuple, dict)):
                slots[first] = result
            else:
                values = tree.flatten(result)
                slots[first : first + len(values)] = values
            for slot in gone:
                slots[slot] = None
        return [None if slot is None else slots[slot] for slot in self._outputs]


def _step(node: Node, call: Callable[..., Any], takes_training: bool, place: dict[int, int], first: int, gone: list[int]) -> _Step:
    template = tree.flatten((node.args, node.kwargs))
    slots = [(at, place[id(x)]) for at, x in enumerate(template) if isinstance(x, SymbolicTensor)]
    alone = len(node.args) == 1 and isinstance(node.args[0], SymbolicTensor) and not node.kwargs
    return _Step(
        call,
        tree.structure((node.args, node.kwargs)),
        [None if isinstance(x, SymbolicTensor) else x for x in template],
        slots,
        slots[0][1] if alone else None,
        takes_training,
        first,
        len(node.outputs),
        gone,
    )
