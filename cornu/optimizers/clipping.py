"""Gradients held within bounds."""

from __future__ import annotations

from collections.abc import Sequence

from cornu import ops
from cornu.ops.arguments import Array

__all__ = ["by_global_norm", "by_norm", "by_value", "global_norm"]


def by_value(gradient: Array, limit: float) -> Array:
    """Each element held between `-limit` and `limit`."""
    return ops.clip(gradient, -limit, limit)


def by_norm(gradient: Array, limit: float) -> Array:
    """The gradient, shortened to the norm `limit` if it is longer."""
    return by_global_norm([gradient], limit)[0]


def by_global_norm(gradients: Sequence[Array], limit: float) -> list[Array]:
    """All gradients times `limit / max(norm, limit)`, with the norm of all of them together."""
    factor = limit / ops.maximum(global_norm(gradients), limit)
    return [g * ops.cast(factor, g.dtype) for g in gradients]


def global_norm(gradients: Sequence[Array]) -> Array:
    """The square root of the sum of all squares, summed in float32."""
    total = ops.sum(ops.square(ops.cast(gradients[0], "float32")))
    for g in gradients[1:]:
        total = ops.add(total, ops.sum(ops.square(ops.cast(g, "float32"))))
    return ops.sqrt(total)
