"""Control flow in NumPy: Python's own."""

from numpy import stack

from cornu.backends.eager_control import cond, scan_with, switch, while_loop

__all__ = ["cond", "scan", "switch", "while_loop"]

scan = scan_with(stack)
