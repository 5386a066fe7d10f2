"""Differences between neighbours, and integrals from samples."""

from __future__ import annotations

from cornu import dtypes
from cornu.errors import ArgumentError
from cornu.ops.arguments import Array, as_axis
from cornu.ops.core import convert_to_tensor, to_floating
from cornu.ops.dispatch import composite
from cornu.ops.elementwise import add, multiply, not_equal, subtract
from cornu.ops.indexing import get_item
from cornu.ops.reduce import sum
from cornu.ops.shaping import reshape

__all__ = ["diff", "trapezoid"]


def _neighbours(x: Array, axis: int) -> tuple[Array, Array]:
    """All but the last and all but the first slice along an axis."""
    lead = (slice(None),) * axis
    return get_item(x, (*lead, slice(None, -1))), get_item(x, (*lead, slice(1, None)))


@composite
def diff(a: Array, n: int = 1, axis: int = -1) -> Array:
    """What each element has more than the one before, `a[i + 1] - a[i]`, `n` times over; booleans say where it changes.

    >>> diff([1, 4, 9, 16]).tolist(), diff([1, 4, 9, 16], 2).tolist()
    ([3, 5, 7], [2, 2])
    """
    a = convert_to_tensor(a)
    axis = as_axis(axis, a.ndim)
    if n < 0:
        raise ArgumentError(f"The order of differences must not be negative, got n={n}.")
    for _ in range(n):
        before, after = _neighbours(a, axis)
        a = not_equal(after, before) if dtypes.standardize(a.dtype) == "bool" else subtract(after, before)
    return a


@composite
def trapezoid(y: Array, x: Array | None = None, dx: float = 1.0, axis: int = -1) -> Array:
    """The integral along an axis of a function known at points `x`, or `dx` apart, drawn with straight lines: `sum (x' - x) (y + y') / 2`.

    >>> trapezoid([1.0, 2.0, 3.0]).tolist(), trapezoid([1.0, 3.0], x=[0.0, 2.0]).tolist()
    (4.0, 4.0)
    """
    y = to_floating(y)
    axis = as_axis(axis, y.ndim)
    before, after = _neighbours(y, axis)
    step = dx
    if x is not None:
        x = to_floating(x)
        step = reshape(diff(x), [-1 if i == axis else 1 for i in range(y.ndim)]) if x.ndim == 1 else diff(x, axis=axis)
    return sum(multiply(multiply(step, add(before, after)), 0.5), axis)
