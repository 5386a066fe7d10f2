"""Reading and writing parts of arrays, in JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

__all__ = ["get_item", "nonzero", "scatter_rows", "slice", "slice_update", "take", "take_along_axis"]


def get_item(x: Any, key: Any) -> Any:
    return x[key]


def nonzero(x: Any) -> Any:
    return tuple(i.astype("int32") for i in jnp.nonzero(x))


def take(x: Any, indices: Any, axis: Any) -> Any:
    # Out of bounds counts as the nearest end; negative indices count from the end first
    return jnp.take(x, jnp.where(indices < 0, indices + x.shape[axis], indices), axis, mode="clip")


def take_along_axis(x: Any, indices: Any, axis: Any) -> Any:
    # its own clipping would count what is still negative from the end once more
    size = x.shape[axis]
    return jnp.take_along_axis(x, jnp.clip(jnp.where(indices < 0, indices + size, indices), 0, size - 1), axis, mode="promise_in_bounds")


def slice(x: Any, start: Any, shape: tuple[int, ...]) -> Any:
    return jax.lax.dynamic_slice(x, tuple(start), shape)


def slice_update(x: Any, start: Any, updates: Any) -> Any:
    return jax.lax.dynamic_update_slice(x, updates, tuple(start))


def scatter_rows(x: Any, rows: Any, updates: Any, reduction: str | None) -> Any:
    if reduction == "mul":
        return _multiply_rows(x, rows, updates)
    at = x.at[rows]
    write = {None: at.set, "add": at.add, "max": at.max, "min": at.min}[reduction]
    return write(updates, mode="drop")


def _multiply_rows(x: Any, rows: Any, updates: Any) -> Any:
    """JAX multiplies with a gradient only where no row comes twice: updates of one row are sorted together and multiplied first."""
    if not rows.shape[0]:
        return x
    order = jnp.argsort(rows)
    rows, updates = rows[order], updates[order]
    new = jnp.append(True, rows[1:] != rows[:-1])
    column = new.reshape(-1, *[1] * (updates.ndim - 1))
    products, _ = jax.lax.associative_scan(lambda a, b: (jnp.where(b[1], b[0], a[0] * b[0]), a[1] | b[1]), (updates, column))
    nowhere = x.shape[0] + jnp.arange(rows.shape[0])
    return x.at[jnp.where(jnp.append(new[1:], True), rows, nowhere)].multiply(products, mode="drop", unique_indices=True)
