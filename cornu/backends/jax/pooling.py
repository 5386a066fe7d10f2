"""Poolings in JAX. On a CPU they are arithmetic on shifted slices, with gradients of the same kind; elsewhere XLA's windows.

XLA's gradient of a maximum over windows visits one window after another on a CPU. Measured for value and gradient together after a relu
(microseconds, 2 cores, float32), XLA's windows against this file: (32, 26, 26, 32), 2x2: 3,948 against 360; (64, 32, 32, 64), 2x2: 44,621
against 2,426; (8, 56, 56, 64), 3x3 with strides 2: 23,776 against 1,212; (32, 28, 28, 32), 2x2 with strides 1: 9,792 against 665.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial, reduce
from operator import add
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from cornu.backends.jax.forward_mode import compiled, or_differentiated

__all__ = ["average_pool", "max_pool"]

Pairs = Sequence[tuple[int, int]]
Ints = Sequence[int]

# Windows of more cells are taken one axis at a time: the program grows with each cell.
_MOST_CELLS = 16


def max_pool(x: jax.Array, window: Ints, strides: Ints, padding: Pairs, channels_last: bool) -> jax.Array:
    return _max_pool(x, tuple(window), tuple(strides), tuple(padding), channels_last)


def average_pool(x: jax.Array, window: Ints, strides: Ints, padding: Pairs, channels_last: bool) -> jax.Array:
    return _average_pool(x, tuple(window), tuple(strides), tuple(padding), channels_last)


@partial(compiled, static_argnums=(1, 2, 3, 4))
def _max_pool(x: jax.Array, window: Ints, strides: Ints, padding: Pairs, channels_last: bool) -> jax.Array:
    if jax.default_backend() != "cpu":
        return _windows(x, lax.max, _least(x.dtype), window, strides, padding, channels_last)
    return _by_slices(or_differentiated(_largest), x, window, strides, padding, channels_last)


@partial(compiled, static_argnums=(1, 2, 3, 4))
def _average_pool(x: jax.Array, window: Ints, strides: Ints, padding: Pairs, channels_last: bool) -> jax.Array:
    lengths = x.shape[1:-1] if channels_last else x.shape[2:]
    counts = _counts(lengths, window, strides, padding)[..., None]
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))  # sums of 16 bits would lose digits
    if jax.default_backend() == "cpu":
        total = _by_slices(or_differentiated(_total), wide, window, strides, padding, channels_last)
    else:
        total = _windows(wide, lax.add, 0, window, strides, padding, channels_last)
    return (total / (counts if channels_last else np.moveaxis(counts, -1, 0)).astype(wide.dtype)).astype(x.dtype)


def _least(dtype: jnp.dtype) -> float | int:
    """What no element of the dtype is less than."""
    if dtype == jnp.bool_:
        return False
    return -math.inf if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype).min


def _counts(lengths: Ints, window: Ints, strides: Ints, padding: Pairs) -> np.ndarray:
    """How many cells of each window lie within the input, over all spatial axes. At least 1, which a window outside of it divides by."""
    counts = np.ones((1,) * len(lengths))
    for axis, (n, w, s, (low, high)) in enumerate(zip(lengths, window, strides, padding, strict=True)):
        first = np.arange((n + low + high - w) // s + 1) * s - low
        inside = np.minimum(first + w, n) - np.maximum(first, 0)
        counts = counts * np.maximum(inside, 1).reshape([-1 if i == axis else 1 for i in range(len(lengths))])
    return counts


def _windows(
    x: jax.Array, step: Callable[..., jax.Array], start: float, window: Ints, strides: Ints, padding: Pairs, channels_last: bool
) -> jax.Array:
    def over(values: Sequence[Any], rest: object) -> tuple[Any, ...]:
        return (rest, *values, rest) if channels_last else (rest, rest, *values)

    return lax.reduce_window(x, np.asarray(start, x.dtype), step, over(window, 1), over(strides, 1), over(padding, (0, 0)))


def _by_slices(pool: Callable[..., jax.Array], x: jax.Array, window: Ints, strides: Ints, padding: Pairs, channels_last: bool) -> jax.Array:
    """`pool` over (batch, *spatial, channels), at once or one axis at a time, the last axis first.

    For the maximum both orders find the same cell: the first row that holds it, and in it the first column.
    """
    x = x if channels_last else jnp.moveaxis(x, 1, -1)
    if math.prod(window) <= _MOST_CELLS:
        x = pool(x, window, strides, padding)
    else:
        for axis in reversed(range(len(window))):
            one = [(1, 1, (0, 0))] * len(window)
            one[axis] = window[axis], strides[axis], padding[axis]
            x = pool(x, *map(tuple, zip(*one, strict=True)))
    return x if channels_last else jnp.moveaxis(x, -1, 1)


def _cells(x: jax.Array, fill: float, window: Ints, strides: Ints, padding: Pairs) -> list[jax.Array]:
    """For each cell of the window, row by row, what it holds at every place."""
    if any(map(any, padding)):
        x = lax.pad(x, np.asarray(fill, x.dtype), [(0, 0, 0), *((low, high, 0) for low, high in padding), (0, 0, 0)])
    ends = [(n - w) // s * s + 1 for n, w, s in zip(x.shape[1:-1], window, strides, strict=True)]
    starts = itertools.product(*map(range, window))
    return [lax.slice(x, (0, *c, 0), (x.shape[0], *map(add, c, ends), x.shape[-1]), (1, *strides, 1)) for c in starts]


def _gathered(cells: Sequence[jax.Array], lengths: Ints, window: Ints, strides: Ints, padding: Pairs) -> jax.Array:
    """The transpose of `_cells`: each cell added where it was read.

    All inputs that lie the same number of steps from a multiple of the stride are met by the same cells of the window, so each such phase
    is a plain sum of shifted arrays, and the phases are laid side by side.
    """
    by_cell = dict(zip(itertools.product(*map(range, window)), cells, strict=True))
    counts = cells[0].shape[1:-1]
    lows = [low for low, _ in padding]
    reach = [-(-(n + low) // s) for n, low, s in zip(lengths, lows, strides, strict=True)]

    def phase(first: tuple[int, ...]) -> jax.Array:
        parts = []
        for cell in itertools.product(*(range(f, w, s) for f, w, s in zip(first, window, strides, strict=True))):
            shifts = [c // s for c, s in zip(cell, strides, strict=True)]
            around = [(k, m - n - k, 0) for k, m, n in zip(shifts, reach, counts, strict=True)]
            parts.append(lax.pad(by_cell[cell], np.zeros((), by_cell[cell].dtype), [(0, 0, 0), *around, (0, 0, 0)]))
        return reduce(add, parts) if parts else jnp.zeros((cells[0].shape[0], *reach, cells[0].shape[-1]), cells[0].dtype)

    def side_by_side(first: tuple[int, ...]) -> jax.Array:
        axis = len(first)
        if axis == len(strides):
            return phase(first)
        inner = [side_by_side((*first, i)) for i in range(strides[axis])]
        together = jnp.stack(inner, axis + 2)
        return together.reshape(*inner[0].shape[: axis + 1], -1, *inner[0].shape[axis + 2 :])

    ends = [low + n for low, n in zip(lows, lengths, strict=True)]
    whole = side_by_side(())
    return lax.slice(whole, (0, *lows, 0), (whole.shape[0], *ends, whole.shape[-1]))


@partial(jax.custom_vjp, nondiff_argnums=(1, 2, 3))
def _largest(x: jax.Array, window: Ints, strides: Ints, padding: Pairs) -> jax.Array:
    return reduce(jnp.maximum, _cells(x, _least(x.dtype), window, strides, padding))


def _largest_forward(x: jax.Array, window: Ints, strides: Ints, padding: Pairs) -> tuple[jax.Array, jax.Array]:
    return _largest(x, window, strides, padding), x


def _largest_backward(window: Ints, strides: Ints, padding: Pairs, x: jax.Array, g: jax.Array) -> tuple[jax.Array]:
    """All of the gradient goes to the first of the largest cells, row by row.

    Cells are compared with each other, not with the maximum: a compiler that fuses what makes `x` with what takes it computes `x` once for the
    maximum and again here, and may round it another way, so that no cell equals the maximum.
    """
    cells, nothing = _cells(x, _least(x.dtype), window, strides, padding), jnp.zeros((), g.dtype)
    before = [None, *itertools.accumulate(cells[:-1], jnp.maximum)]
    after = [None, *itertools.accumulate(cells[:0:-1], jnp.maximum)][::-1]

    def share(cell: jax.Array, before: jax.Array | None, after: jax.Array | None) -> jax.Array:
        taken = g if before is None else jnp.where(cell > before, g, nothing)
        return taken if after is None else jnp.where(cell >= after, taken, nothing)

    return (_gathered(list(map(share, cells, before, after)), x.shape[1:-1], window, strides, padding),)


_largest.defvjp(_largest_forward, _largest_backward)


@partial(jax.custom_vjp, nondiff_argnums=(1, 2, 3))
def _total(x: jax.Array, window: Ints, strides: Ints, padding: Pairs) -> jax.Array:
    return reduce(add, _cells(x, 0, window, strides, padding))


def _total_forward(x: jax.Array, window: Ints, strides: Ints, padding: Pairs) -> tuple[Any, ...]:
    return _total(x, window, strides, padding), x[:0]  # nothing but the lengths


def _total_backward(window: Ints, strides: Ints, padding: Pairs, empty: jax.Array, g: jax.Array) -> tuple[Any, ...]:
    return (_gathered([g] * math.prod(window), empty.shape[1:-1], window, strides, padding),)


_total.defvjp(_total_forward, _total_backward)
