"""What running means of gradients have in common."""

from __future__ import annotations

import math

from cornu import ops
from cornu.ops.arguments import Array

__all__ = ["correction"]


def correction(beta: float, step: Array) -> Array:
    """`1 - beta^step`, the part of a mean that began at 0 which `step` values make up.

    By `expm1`: where `beta^step` is close to 1, a difference in float32 loses half of its digits; 1 - 0.999 comes out 1.3e-5 off.

    >>> float(correction(0.999, ops.ones(())))
    0.001
    """
    return -ops.expm1(step * math.log(beta)) if beta > 0 else ops.ones_like(step)
