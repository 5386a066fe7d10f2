"""Control flow in PyTorch: Python's own."""

import torch
from torch import stack

from cornu.backends.eager_control import cond, scan_with, switch, while_loop

__all__ = ["cond", "scan", "switch", "vmap", "while_loop"]

scan = scan_with(stack)


def vmap(f, args):
    return torch.func.vmap(f, randomness="different")(*args)
