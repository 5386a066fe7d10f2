"""Control flow in NumPy: Python's own."""

from numpy import stack

from cornu.backends.eager_control import cond, scan_with, switch, vmap_with, while_loop

__all__ = ["cond", "scan", "switch", "vmap", "while_loop"]

scan, vmap = scan_with(stack), vmap_with(stack)
