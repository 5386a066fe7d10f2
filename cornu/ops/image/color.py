"""Colours: grey values, and hue, saturation and value."""

from __future__ import annotations

from cornu.errors import ShapeError
from cornu.ops.arguments import Array
from cornu.ops.core import cast, to_floating, where
from cornu.ops.dispatch import composite
from cornu.ops.elementwise import add, divide, divide_no_nan, equal, maximum, minimum, mod, multiply, subtract
from cornu.ops.image.layout import channel_axis, images_of, real_images
from cornu.ops.joining import concatenate, split
from cornu.ops.reduce import max, min

__all__ = ["hsv_to_rgb", "rgb_to_grayscale", "rgb_to_hsv"]

_LUMA = (0.2989, 0.5870, 0.1140)  # ITU-R BT.601, to the four digits that image libraries use


def _three(x: Array, axis: int, op: str) -> list[Array]:
    if x.shape[axis] != 3:
        raise ShapeError(f"ops.image.{op} takes images with three channels, got {x.shape[axis]} in the shape {tuple(x.shape)}.")
    return split(x, 3, axis)


@composite
def rgb_to_grayscale(images: Array, data_format: str | None = None) -> Array:
    """Grey values of colours, `0.2989 R + 0.5870 G + 0.1140 B` (ITU-R BT.601), as one channel; integers are cut towards 0.

    >>> rgb_to_grayscale([[[1.0, 1.0, 0.0]]]).tolist()
    [[[0.8859]]]
    """
    x = images_of(images, "rgb_to_grayscale")
    parts = _three(to_floating(x), channel_axis(x, data_format), "rgb_to_grayscale")
    red, green, blue = (multiply(part, weight) for part, weight in zip(parts, _LUMA, strict=True))
    return cast(add(add(red, green), blue), x.dtype)


@composite
def rgb_to_hsv(images: Array, data_format: str | None = None) -> Array:
    """Hue, saturation and value, all from 0 to 1, of colours from 0 to 1 (A. R. Smith, 1978). Grey has the hue 0, black the saturation 0.

    >>> rgb_to_hsv([[[0.0, 0.5, 0.0]]]).tolist()
    [[[0.333333, 1.0, 0.5]]]
    """
    x = real_images(images, "rgb_to_hsv")
    axis = channel_axis(x, data_format)
    red, green, blue = _three(x, axis, "rgb_to_hsv")
    value = max(x, axis, keepdims=True)
    spread = subtract(value, min(x, axis, keepdims=True))
    after_red, after_green, after_blue = (
        add(divide_no_nan(subtract(a, b), spread), sector) for a, b, sector in ((green, blue, 0), (blue, red, 2), (red, green, 4))
    )
    sixths = where(equal(value, red), after_red, where(equal(value, green), after_green, after_blue))
    return concatenate([mod(divide(sixths, 6), 1), divide_no_nan(spread, value), value], axis)


@composite
def hsv_to_rgb(images: Array, data_format: str | None = None) -> Array:
    """Colours from 0 to 1 of hue, saturation and value: `v - v s max(0, min(k, 4 - k, 1))`, k = n + 6 h modulo 6, n = 5, 3, 1 for R, G, B.

    >>> hsv_to_rgb([[[0.0, 1.0, 0.5]]]).tolist()
    [[[0.5, 0.0, 0.0]]]
    """
    x = real_images(images, "hsv_to_rgb")
    axis = channel_axis(x, data_format)
    hue, saturation, value = _three(x, axis, "hsv_to_rgb")
    sixths, chroma = multiply(hue, 6), multiply(value, saturation)

    def channel(n: int) -> Array:
        k = mod(add(sixths, n), 6)
        return subtract(value, multiply(chroma, maximum(minimum(minimum(k, subtract(4, k)), 1), 0)))

    return concatenate([channel(5), channel(3), channel(1)], axis)
