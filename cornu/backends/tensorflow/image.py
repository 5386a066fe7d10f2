"""Images brought to another size by TensorFlow's own kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu.backends.tensorflow.library import tf

__all__ = ["resample"]


def resample(x: tf.Tensor, axes: Sequence[int], size: Sequence[int], interpolation: str, antialias: bool) -> Any:
    """Bilinear by the kernel that XLA has too: (2, 256, 256, 3) to 224 x 224 in 0.17 ms and not 3.5, to 512 x 512 in 0.9 and not 11 (2 cores).

    Of the others, that for the nearest pixel rounds places to float32, and with antialias there is one that no compiled step can hold.
    """
    if interpolation != "bilinear" or antialias or x.dtype != tf.float32 or tuple(axes) != (x.ndim - 3, x.ndim - 2):
        return NotImplemented
    found = tf.raw_ops.ResizeBilinear(images=x if x.ndim == 4 else x[None], size=tuple(size), half_pixel_centers=True)
    return found if x.ndim == 4 else found[0]
