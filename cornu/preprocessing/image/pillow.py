"""Pillow, which decodes and writes image files; loaded when the first image is."""

from __future__ import annotations

import functools
import struct
from typing import Any

from cornu.errors import ArgumentError

__all__ = ["DECODING_ERRORS", "INTERPOLATIONS", "pillow", "resampling"]

DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error)
"""What Pillow raises on files that are damaged or no images."""

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
"""How Pillow resizes. All but `nearest` take every pixel of a shrunk image into account."""


@functools.cache
def pillow() -> Any:
    """The module `PIL.Image`.

    Raises:
        ImportError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise ImportError("Reading and writing images needs the package Pillow. Install it with `pip install pillow`.") from None
    return Image


def resampling(interpolation: str) -> Any:
    """Pillow's constant of that name."""
    if interpolation not in INTERPOLATIONS:
        raise ArgumentError(f"interpolation must be one of {', '.join(INTERPOLATIONS)}, got {interpolation!r}.")
    return getattr(pillow().Resampling, interpolation.upper())
