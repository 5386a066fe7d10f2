"""Control flow in PyTorch: Python's own. Where `vmap` maps over what decides, there is no one way to go: then all branches are computed, and chosen from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import optree
import torch
from torch import stack

from cornu.backends import eager_control
from cornu.backends.eager_control import scan_with
from cornu.backends.torch.core import transformed
from cornu.errors import BackendError

__all__ = ["cond", "scan", "switch", "vmap", "while_loop"]

scan = scan_with(stack)


def vmap(f: Callable[..., Any], args: Any) -> Any:
    return torch.func.vmap(f, randomness="different")(*args)


def cond(pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], operands: Sequence[Any]) -> Any:
    if _is_mapped(pred):
        return optree.tree_map(lambda a, b: torch.where(pred, a, b), true_fn(*operands), false_fn(*operands))
    return eager_control.cond(pred, true_fn, false_fn, operands)


def switch(index: Any, branches: Sequence[Callable[..., Any]], operands: Sequence[Any]) -> Any:
    if not _is_mapped(index):
        return eager_control.switch(index, branches, operands)
    chosen = branches[0](*operands)
    for i, branch in enumerate(branches[1:], 1):
        chosen = optree.tree_map(lambda a, b, i=i: torch.where(index >= i, b, a), chosen, branch(*operands))
    return chosen


def while_loop(cond: Callable[..., Any], body: Callable[..., Any], state: tuple[Any, ...], limit: int | None) -> tuple[Any, ...]:
    def goes_on(*state: Any) -> Any:
        found = cond(*state)
        if _is_mapped(found):
            raise BackendError(
                "PyTorch's vmap cannot run an ops.while_loop whose end differs from row to row. Use ops.fori_loop with ops.where, or another backend."
            )
        return found

    return eager_control.while_loop(goes_on, body, state, limit)


def _is_mapped(x: Any) -> bool:
    """Whether a truth or a number is one for each row of a `vmap`, so that Python cannot ask for its value."""
    while transformed() and isinstance(x, torch.Tensor):
        if torch._C._functorch.is_batchedtensor(x):
            return True
        if not torch._C._functorch.is_functorch_wrapped_tensor(x):
            return False
        x = torch._C._functorch.get_unwrapped(x)
    return False
