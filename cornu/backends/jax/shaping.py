"""Making arrays and changing their shape, in JAX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax.numpy import broadcast_to, concatenate, flip, reshape, roll, split, stack, tile, transpose, tril, triu

from cornu.backends.jax.core import held

__all__ = [
    "arange", "broadcast_to", "concatenate", "flip", "full", "pad", "repeat", "reshape", "roll", "split", "stack", "tile", "transpose",
    "tril", "triu", "view",
]  # fmt: skip


def full(shape: tuple[int, ...], value: Any, dtype: str) -> Any:
    return jnp.full(shape, value, held(dtype))


def arange(start: Any, stop: Any, step: Any, dtype: str) -> Any:
    return jnp.arange(start, stop, step, None if dtype == "bool" else held(dtype)).astype(held(dtype))


def pad(x: Any, pad_width: Sequence[tuple[int, int]], mode: str, value: Any) -> Any:
    return jnp.pad(x, pad_width, mode, constant_values=value) if mode == "constant" else jnp.pad(x, pad_width, mode)


def repeat(x: Any, repeats: int | Sequence[int], axis: Any) -> Any:
    if isinstance(repeats, int):
        return jnp.repeat(x, repeats, axis)
    return jnp.repeat(x, jnp.asarray(repeats, "int32"), axis, total_repeat_length=sum(repeats))


def view(x: Any, dtype: str) -> Any:
    return x.view(held(dtype))
