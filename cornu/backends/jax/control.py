"""Control flow in JAX: the structured operators of `jax.lax`, so that it compiles and differentiates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

__all__ = ["cond", "scan", "switch", "vmap", "while_loop"]


def cond(pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], operands: Sequence[Any]) -> Any:
    return jax.lax.cond(pred, true_fn, false_fn, *operands)


def switch(index: Any, branches: Sequence[Callable[..., Any]], operands: Sequence[Any]) -> Any:
    return jax.lax.switch(index, branches, *operands)


def while_loop(cond: Callable[..., Any], body: Callable[..., Any], state: Any, limit: int | None) -> Any:
    if limit is None:
        return jax.lax.while_loop(lambda s: cond(*s), lambda s: body(*s), state)
    counted = (jnp.zeros((), "int32"), state)
    return jax.lax.while_loop(lambda s: (s[0] < limit) & cond(*s[1]), lambda s: (s[0] + 1, body(*s[1])), counted)[1]


def scan(f: Callable[..., Any], init: Any, xs: Any, length: int, reverse: bool, unroll: int) -> Any:
    return jax.lax.scan(f, init, xs, length, reverse=reverse, unroll=unroll)


def vmap(f: Callable[..., Any], args: Any) -> Any:
    return jax.vmap(f)(*args)
