"""Leaving out steps of sequences."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.layers.layer import Layer
from cornu.ops.arguments import Array
from cornu.registry import LAYERS

__all__ = ["Masking"]


@LAYERS.add
class Masking(Layer):
    """Masks the steps all of whose features equal a value: layers behind it leave them out.

    The mask is `any(inputs != mask_value)` over the last axis; masked steps come out as zeros.

    Args:
        mask_value: what fills the steps that do not count.

    Shapes: (batch, time, …, features) to the same; the mask has all axes but the last. No weights.

    >>> import numpy as np
    >>> layer, x = Masking(-1.0), np.array([[[1.0, -1.0], [-1.0, -1.0]]])
    >>> layer(x).tolist(), layer.compute_mask(x).tolist()
    ([[[1.0, -1.0], [0.0, 0.0]]], [[True, False]])
    """

    supports_masking = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def call(self, inputs: Array) -> Array:
        """The inputs, zeros at masked steps."""
        counts = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return ops.where(counts, inputs, ops.zeros_like(inputs))

    def compute_mask(self, inputs: Array, previous_mask: Any = None) -> Any:
        """Where any feature differs from the value."""
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)
