"""Whether arrays are free of infinities and NaN: asked of all gradients at each step, so it has to be cheap."""

from __future__ import annotations

from collections.abc import Sequence

from cornu.ops.arguments import Array
from cornu.ops.dispatch import composite
from cornu.ops.elementwise import isfinite, logical_and
from cornu.ops.reduce import all as all_true

__all__ = ["all_finite", "finite_probe"]


@composite
def all_finite(xs: Sequence[Array]) -> Array:
    """Whether no element of any of the arrays is infinite or NaN, as one boolean."""
    good = all_true(isfinite(xs[0]))
    for x in xs[1:]:
        good = logical_and(good, all_true(isfinite(x)))
    return good


@composite
def finite_probe(xs: Sequence[Array]) -> Array:
    """Whether all elements are finite; or, on a backend where that is cheaper, a number that is finite if they are and seldom if they are not."""
    return all_finite(xs)
