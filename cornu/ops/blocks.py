"""Images as blocks of pixels: blocks laid out as channels, and back."""

from __future__ import annotations

from cornu import config
from cornu.errors import ShapeError
from cornu.ops.arguments import Array
from cornu.ops.core import convert_to_tensor
from cornu.ops.dispatch import composite
from cornu.ops.shaping import reshape, transpose

__all__ = ["depth_to_space", "space_to_depth"]


def _image(x: Array, data_format: str | None, op: str) -> tuple[Array, bool, tuple[int, ...]]:
    """The images, whether channels come last, and batch, height, width, channels."""
    x = convert_to_tensor(x)
    if x.ndim != 4:
        raise ShapeError(f"ops.{op} takes a batch of images (4 axes), got the shape {tuple(x.shape)}.")
    last = config.standardize_data_format(data_format) == "channels_last"
    batch, *rest = x.shape
    return x, last, (batch, *rest) if last else (batch, rest[1], rest[2], rest[0])


@composite
def depth_to_space(x: Array, block_size: int, data_format: str = "channels_last") -> Array:
    """Channels laid out as blocks of pixels: (batch, h, w, b * b * c) to (batch, h * b, w * b, c); also called pixel shuffle.

    >>> depth_to_space([[[[1, 2, 3, 4]]]], 2).tolist()
    [[[[1], [2]], [[3], [4]]]]
    """
    x, last, (batch, height, width, channels) = _image(x, data_format, "depth_to_space")
    b = block_size
    if channels % (b * b):
        raise ShapeError(f"depth_to_space needs channels that {b * b} divides, got {channels} in the shape {tuple(x.shape)}.")
    if last:
        x = transpose(reshape(x, (batch, height, width, b, b, channels // b**2)), (0, 1, 3, 2, 4, 5))  # (batch, h, b, w, b, c)
        return reshape(x, (batch, height * b, width * b, channels // b**2))
    x = transpose(reshape(x, (batch, b, b, channels // b**2, height, width)), (0, 3, 4, 1, 5, 2))  # (batch, c, h, b, w, b)
    return reshape(x, (batch, channels // b**2, height * b, width * b))


@composite
def space_to_depth(x: Array, block_size: int, data_format: str = "channels_last") -> Array:
    """Blocks of pixels laid out as channels: (batch, h, w, c) to (batch, h / b, w / b, b * b * c); undoes `depth_to_space`.

    >>> space_to_depth([[[[1], [2]], [[3], [4]]]], 2).tolist()
    [[[[1, 2, 3, 4]]]]
    """
    x, last, (batch, height, width, channels) = _image(x, data_format, "space_to_depth")
    b = block_size
    if height % b or width % b:
        raise ShapeError(
            f"space_to_depth needs a height and a width that {b} divides, got {height} and {width} in the shape {tuple(x.shape)}."
        )
    h, w = height // b, width // b
    if last:
        x = transpose(reshape(x, (batch, h, b, w, b, channels)), (0, 1, 3, 2, 4, 5))  # (batch, h, w, b, b, c)
        return reshape(x, (batch, h, w, channels * b * b))
    x = transpose(reshape(x, (batch, channels, h, b, w, b)), (0, 3, 5, 1, 2, 4))  # (batch, b, b, c, h, w)
    return reshape(x, (batch, channels * b * b, h, w))
