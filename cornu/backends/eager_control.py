"""Control flow for backends that run each op at once: Python's own. Shared by those; operands are nested structures of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import optree

__all__ = ["cond", "scan_with", "switch", "vmap_with", "while_loop"]


def cond(pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], operands: Sequence[Any]) -> Any:
    """One of the two branches."""
    return true_fn(*operands) if bool(pred) else false_fn(*operands)


def switch(index: Any, branches: Sequence[Callable[..., Any]], operands: Sequence[Any]) -> Any:
    """The branch at the index, clamped to those there are."""
    return branches[min(max(int(index), 0), len(branches) - 1)](*operands)


def while_loop(cond: Callable[..., Any], body: Callable[..., Any], state: tuple[Any, ...], limit: int | None) -> tuple[Any, ...]:
    """Runs the body while the condition holds, `limit` times at most."""
    done = 0
    while (limit is None or done < limit) and bool(cond(*state)):
        state = body(*state)
        done += 1
    return state


def scan_with(stack: Callable[[list[Any], int], Any]) -> Callable[..., Any]:
    """A `scan` for a backend with this `stack`."""

    def scan(f: Callable[[Any, Any], tuple[Any, Any]], init: Any, xs: Any, length: int, reverse: bool, unroll: int) -> tuple[Any, Any]:
        carry, outputs = init, []
        for i in reversed(range(length)) if reverse else range(length):
            carry, y = f(carry, optree.tree_map(lambda x, i=i: x[i], xs))
            outputs.append(y)
        if reverse:
            outputs.reverse()
        return carry, optree.tree_map(lambda *ys: stack(ys, 0), *outputs)

    return scan


def vmap_with(stack: Callable[[list[Any], int], Any]) -> Callable[..., Any]:
    """A `vmap` for a backend with this `stack`: the function on one slice after the other."""

    def vmap(f: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        length = len(optree.tree_leaves(args)[0])
        outputs = [f(*optree.tree_map(lambda x, i=i: x[i], args)) for i in range(length)]
        return optree.tree_map(lambda *ys: stack(ys, 0), *outputs)

    return vmap
