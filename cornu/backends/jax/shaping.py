"""Making arrays and changing their shape, in JAX."""

import jax.numpy as jnp
from jax.numpy import broadcast_to, concatenate, flip, repeat, reshape, roll, split, stack, tile, transpose, tril, triu

from cornu.backends.jax.core import held

__all__ = [
    "arange", "broadcast_to", "concatenate", "flip", "full", "linspace", "pad", "repeat", "reshape", "roll", "split", "stack", "tile",
    "transpose", "tril", "triu",
]  # fmt: skip


def full(shape, value, dtype):
    return jnp.full(shape, value, held(dtype))


def arange(start, stop, step, dtype):
    return jnp.arange(start, stop, step, held(dtype))


def linspace(start, stop, num, endpoint, dtype, axis):
    return jnp.linspace(start, stop, num, endpoint, dtype=held(dtype), axis=axis)


def pad(x, pad_width, mode, value):
    return jnp.pad(x, pad_width, mode, constant_values=value) if mode == "constant" else jnp.pad(x, pad_width, mode)
