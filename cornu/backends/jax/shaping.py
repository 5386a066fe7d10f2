"""Making arrays and changing their shape, in JAX."""

import jax.numpy as jnp
from jax.numpy import broadcast_to, concatenate, flip, reshape, roll, split, stack, tile, transpose, tril, triu

from cornu.backends.jax.core import held

__all__ = [
    "arange", "broadcast_to", "concatenate", "flip", "full", "pad", "repeat", "reshape", "roll", "split", "stack", "tile",
    "transpose", "tril", "triu", "view",
]  # fmt: skip


def full(shape, value, dtype):
    return jnp.full(shape, value, held(dtype))


def arange(start, stop, step, dtype):
    return jnp.arange(start, stop, step, None if dtype == "bool" else held(dtype)).astype(held(dtype))


def pad(x, pad_width, mode, value):
    return jnp.pad(x, pad_width, mode, constant_values=value) if mode == "constant" else jnp.pad(x, pad_width, mode)


def repeat(x, repeats, axis):
    if isinstance(repeats, int):
        return jnp.repeat(x, repeats, axis)
    return jnp.repeat(x, jnp.asarray(repeats, "int32"), axis, total_repeat_length=sum(repeats))


def view(x, dtype):
    return x.view(held(dtype))
