"""Reading and writing parts of arrays, in JAX."""

import jax
import jax.numpy as jnp

__all__ = ["get_item", "nonzero", "scatter_rows", "slice", "slice_update", "take", "take_along_axis"]


def get_item(x, key):
    return x[key]


def nonzero(x):
    return tuple(i.astype("int32") for i in jnp.nonzero(x))


def take(x, indices, axis):
    # Out of bounds counts as the nearest end; negative indices count from the end first
    return jnp.take(x, jnp.where(indices < 0, indices + x.shape[axis], indices), axis, mode="clip")


def take_along_axis(x, indices, axis):
    return jnp.take_along_axis(x, jnp.where(indices < 0, indices + x.shape[axis], indices), axis, mode="clip")


def slice(x, start, shape):
    return jax.lax.dynamic_slice(x, tuple(start), shape)


def slice_update(x, start, updates):
    return jax.lax.dynamic_update_slice(x, updates, tuple(start))


def scatter_rows(x, rows, updates, reduction):
    at = x.at[rows]
    write = {None: at.set, "add": at.add, "mul": at.multiply, "max": at.max, "min": at.min}[reduction]
    return write(updates, mode="drop")
