"""Making arrays and changing their shape, in JAX."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.numpy import broadcast_to, concatenate, flip, reshape, roll, split, stack, tile, transpose, tril, triu

from cornu import dtypes
from cornu.backends.jax.core import held, is_concrete

__all__ = [
    "arange", "broadcast_to", "concatenate", "flip", "full", "pad", "repeat", "reshape", "roll", "split", "stack", "tile", "transpose",
    "tril", "triu", "view",
]  # fmt: skip

_MOST_FROM_HOST = 2**22
"""Numbers that are quicker filled in on the host and sent than compiled for: a compilation takes some 30 ms for each new shape."""


def full(shape: tuple[int, ...], value: Any, dtype: str) -> Any:
    if is_concrete() and isinstance(value, (int, float, complex)) and math.prod(shape) <= _MOST_FROM_HOST:
        return jax.device_put(np.full(shape, value, dtypes.numpy_dtype(held(dtype))))
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
