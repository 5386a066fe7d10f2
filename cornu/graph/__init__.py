"""Recording calls on symbolic tensors, and running what was recorded."""

from cornu.graph.plan import Plan, nodes_between
from cornu.graph.symbolic import Node, SymbolicTensor, contains_symbolic, infer

__all__ = ["Node", "Plan", "SymbolicTensor", "contains_symbolic", "infer", "nodes_between"]
