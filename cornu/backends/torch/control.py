"""Control flow in PyTorch: Python's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import stack

from cornu.backends.eager_control import cond, scan_with, switch, while_loop

__all__ = ["cond", "scan", "switch", "vmap", "while_loop"]

scan = scan_with(stack)


def vmap(f: Callable[..., Any], args: Any) -> Any:
    return torch.func.vmap(f, randomness="different")(*args)
