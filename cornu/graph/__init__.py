"""Recording calls on symbolic tensors, and running what was recorded."""

from cornu.graph.operation import Operation
from cornu.graph.plan import Plan, nodes_between
from cornu.graph.symbolic import Node, SymbolicTensor, contains_symbolic, infer, lacks_values

KerasTensor = SymbolicTensor
"""Its public name."""

__all__ = ["KerasTensor", "Node", "Operation", "Plan", "SymbolicTensor", "contains_symbolic", "infer", "lacks_values", "nodes_between"]
