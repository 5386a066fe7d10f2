"""Whole numbers with a scale and a zero point for each group of a matrix's rows, chosen with an eye on the inputs that the rows meet."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Grid", "Moments", "Rounded", "apply_grid", "grid_of", "group_length", "round_plainly"]

Floats = NDArray[np.floating]
SMALLEST_SCALE = 1e-8
"""Keeps a group of equal numbers from a scale of 0."""


class Moments:
    """What calibration keeps of the inputs of a product: `x.T @ x` and `|x|` summed over all rows, so that the rows need not be kept.

    Args:
        length: the number of inputs.

    >>> moments = Moments(2)
    >>> moments.add(np.array([[1.0, -2.0], [3.0, 0.0]]))
    >>> moments.hessian.tolist(), moments.magnitudes.tolist()
    ([[10.0, -2.0], [-2.0, 4.0]], [2.0, 1.0])
    """

    def __init__(self, length: int) -> None:
        self.products = np.zeros((length, length))
        self.sums = np.zeros(length)
        self.count = 0

    def add(self, rows: Floats) -> None:
        """Counts rows of inputs, (rows, inputs)."""
        rows = np.asarray(rows, "float64")
        self.products += rows.T @ rows
        self.sums += np.abs(rows).sum(0)
        self.count += len(rows)

    @property
    def hessian(self) -> Floats:
        """The second derivative of the mean squared error of the product: `2 / count * x.T @ x`."""
        return 2.0 / max(self.count, 1) * self.products

    @property
    def magnitudes(self) -> Floats:
        """The mean of `|x|` of each input."""
        return self.sums / max(self.count, 1)


class Grid(NamedTuple):
    """The scale and the zero point of each column: `x ≈ (whole - zero) * scale`."""

    scale: Floats
    zero: Floats


class Rounded(NamedTuple):
    """A matrix (rows, columns) in whole numbers: `x[i] ≈ (whole[i] - zero[groups[i]]) * scale[groups[i]] / favour[i]`."""

    whole: Floats
    scale: Floats
    """(groups, columns)"""
    zero: Floats
    groups: NDArray[np.integer]
    """The group of each row."""
    favour: Floats | None = None
    """By what each row was multiplied before it was rounded; by 1 if None."""

    def floats(self) -> Floats:
        """The matrix that the whole numbers stand for."""
        x: Floats = (self.whole - self.zero[self.groups]) * self.scale[self.groups]
        return x if self.favour is None else x / self.favour[:, None]


def grid_of(rows: Floats, bits: int, *, symmetric: bool = False, per_channel: bool = True) -> Grid:
    """The grid of `2**bits` steps on which the numbers of a group of rows, and 0, find place.

    `scale = (max(x, 0) - min(x, 0)) / (2**bits - 1)`, `zero = round(-min / scale)`. Symmetric: as if the largest magnitude stood on both sides,
    with the zero point in the middle.

    Args:
        rows: (rows, columns).
        bits: of a whole number.
        symmetric: whether both sides of 0 have the same length.
        per_channel: whether each column has a grid of its own.

    >>> scale, zero = grid_of(np.array([[0.0], [1.5]]), 4)
    >>> scale.tolist(), zero.tolist()
    ([0.1], [0.0])
    """
    most = 2**bits - 1
    low, high = np.minimum(rows.min(0), 0), np.maximum(rows.max(0), 0)
    if not per_channel:
        low, high = np.full_like(low, low.min()), np.full_like(high, high.max())
    if symmetric:
        high = np.maximum(-low, high)
        low = -high
    scale = (high - low) / most
    scale = np.where(scale <= 0, SMALLEST_SCALE, scale)
    zero = np.full_like(scale, (most + 1) // 2) if symmetric else np.clip(np.round(-low / scale), 0, most)
    return Grid(scale, zero)


def apply_grid(x: Floats, grid: Grid, bits: int) -> Floats:
    """The whole numbers of floats: `clip(round(x / scale) + zero, 0, 2**bits - 1)`."""
    return np.clip(np.round(x / grid.scale) + grid.zero, 0, 2**bits - 1)


def group_length(rows: int, group_size: int) -> int:
    """How many rows share a scale: all for -1."""
    return rows if group_size == -1 else min(group_size, rows)


def round_plainly(
    kernel: Floats, bits: int, group_size: int = -1, *, symmetric: bool = False, per_channel: bool = True, favour: Floats | None = None
) -> Rounded:
    """Each number rounded to the nearest on its group's grid, whatever the inputs are.

    Args:
        kernel: (rows, columns).
        bits: of a whole number.
        group_size: how many rows share a scale; -1 for all.
        symmetric, per_channel: as for `grid_of`.
        favour: by what each row is multiplied before.

    >>> round_plainly(np.array([[0.0], [1.5]]), 4).floats().tolist()
    [[0.0], [1.5]]
    """
    x = kernel if favour is None else kernel * favour[:, None]
    length = group_length(len(x), group_size)
    parts = [x[i : i + length] for i in range(0, len(x), length)]
    grids = [grid_of(part, bits, symmetric=symmetric, per_channel=per_channel) for part in parts]
    whole = np.concatenate([apply_grid(part, grid, bits) for part, grid in zip(parts, grids, strict=True)])
    scale, zero = (np.stack(values) for values in zip(*grids, strict=True))
    return Rounded(whole, scale, zero, np.arange(len(x)) // length, favour)
