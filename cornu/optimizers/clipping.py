"""Gradients held within bounds: lists in, lists out."""

from __future__ import annotations

from collections.abc import Sequence

from cornu import ops
from cornu.ops.arguments import Array
from cornu.ops.dispatch import composite

__all__ = ["clip_elements", "clip_global_norm", "clip_norms", "global_norm"]


@composite
def clip_elements(gradients: Sequence[Array], limit: float) -> list[Array]:
    """Each element of each gradient held between `-limit` and `limit`."""
    return [ops.clip(g, -limit, limit) for g in gradients]


@composite
def clip_norms(gradients: Sequence[Array], limit: float) -> list[Array]:
    """Each gradient, shortened to the norm `limit` if it is longer."""
    return [_shortened([g], limit)[0] for g in gradients]


@composite
def clip_global_norm(gradients: Sequence[Array], limit: float) -> list[Array]:
    """All gradients times `limit / max(norm, limit)`, with the norm of all of them together."""
    return _shortened(gradients, limit)


def _shortened(gradients: Sequence[Array], limit: float) -> list[Array]:
    factor = limit / ops.maximum(global_norm(gradients), limit)
    return [g * ops.cast(factor, g.dtype) for g in gradients]


def global_norm(gradients: Sequence[Array]) -> Array:
    """The square root of the sum of all squares, summed in float32."""
    total = ops.sum(ops.square(ops.cast(gradients[0], "float32")))
    for g in gradients[1:]:
        total = ops.add(total, ops.sum(ops.square(ops.cast(g, "float32"))))
    return ops.sqrt(total)
