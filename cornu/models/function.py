"""A graph as a function: no weights of its own, no training."""

from __future__ import annotations

from typing import Any

from cornu import naming, tree
from cornu.graph import SymbolicTensor, contains_symbolic, infer
from cornu.graph.operation import Operation
from cornu.layers.layer import Layer
from cornu.models.functional import Graph, replay

__all__ = ["Function"]


class Function(Operation):
    """What lies between inputs and outputs of a graph, as a function of arrays or of other symbolic tensors.

    Args:
        inputs: symbolic tensors, nested in any way.
        outputs: symbolic tensors computed from them.
        name: `function`, `function_1`, … by default.

    >>> import numpy as np
    >>> from cornu import ops
    >>> from cornu.layers import Input
    >>> x = Input((2,))
    >>> Function(x, ops.sum(x, axis=1))(np.ones((1, 2))).tolist()
    [2.0]
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None:
        super().__init__(name or naming.unique("function"))
        self._graph_ = Graph(inputs, outputs)

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """The inputs, flat."""
        return list(self._graph_.flat_inputs)

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """The outputs, flat."""
        return list(self._graph_.flat_outputs)

    @property
    def operations(self) -> list[Any]:
        """The layers and ops between them."""
        return [step if isinstance(step, Layer) else step.operation for step in self._graph_.operations]

    def call(self, inputs: Any) -> Any:
        """The outputs, in their structure, for arrays in the structure of the inputs."""
        values, _ = self._graph_(inputs, None)
        return self._graph_.pack(values)

    def symbolic_call(self, inputs: Any) -> Any:
        """Records the steps between again, on other symbolic tensors."""
        known = dict(zip(map(id, self._graph_.flat_inputs), tree.flatten(inputs), strict=True))
        return tree.pack_sequence_as(self._graph_.outputs, replay(self._graph_.nodes, known, self._graph_.flat_outputs))

    def compute_output_spec(self, inputs: Any) -> Any:
        """Shapes and dtypes of the outputs for inputs of these."""
        given = tree.map_structure(lambda x: x if contains_symbolic((x,), {}) else SymbolicTensor(x.shape, x.dtype), inputs)
        return tree.map_structure(lambda s: SymbolicTensor(s.shape, s.dtype), infer(self.call, (given,), {}))


Operation.register(Layer)
