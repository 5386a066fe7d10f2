"""Shapes through control flow: each branch or body is run once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import optree

from cornu.backends.spec.tensor_spec import TensorSpec
from cornu.errors import ShapeError

__all__ = ["cond", "scan", "switch", "vmap", "while_loop"]


def cond(pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], operands: Sequence[Any]) -> Any:
    """Both branches, which must agree."""
    return switch(pred, [true_fn, false_fn], operands)


def switch(index: Any, branches: Sequence[Callable[..., Any]], operands: Sequence[Any]) -> Any:
    """All branches, which must agree."""
    results = [branch(*operands) for branch in branches]
    if any(optree.tree_leaves(r) != optree.tree_leaves(results[0]) for r in results[1:]):
        raise ShapeError(f"All branches must give the same shapes and dtypes, got {results}.")
    return results[0]


def while_loop(cond: Callable[..., Any], body: Callable[..., Any], state: tuple[Any, ...], limit: int | None) -> tuple[Any, ...]:
    """The state keeps its shapes."""
    cond(*state)
    after = body(*state)
    if optree.tree_leaves(after) != optree.tree_leaves(state):
        raise ShapeError(f"The body of a loop must keep shapes and dtypes, got {after} from {state}.")
    return state


def scan(f: Callable[[Any, Any], tuple[Any, Any]], init: Any, xs: Any, length: int, reverse: bool, unroll: int) -> tuple[Any, Any]:
    """One step, its outputs as many times as there are steps."""
    carry, y = f(init, optree.tree_map(lambda x: TensorSpec(x.shape[1:], x.dtype), xs))
    return carry, optree.tree_map(lambda s: TensorSpec((length, *s.shape), s.dtype), y)


def vmap(f: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """One slice, its outputs as many times as there are slices."""
    length = optree.tree_leaves(args)[0].shape[0]
    outputs = f(*optree.tree_map(lambda x: TensorSpec(x.shape[1:], x.dtype), args))
    return optree.tree_map(lambda s: TensorSpec((length, *s.shape), s.dtype), outputs)
