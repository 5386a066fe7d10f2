"""Images as blocks of pixels: blocks laid out as channels, windows slid over them, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cornu import config
from cornu.errors import ShapeError
from cornu.ops.arguments import Array, as_tuple
from cornu.ops.core import convert_to_tensor
from cornu.ops.creation import arange, zeros
from cornu.ops.dispatch import composite
from cornu.ops.elementwise import add, multiply
from cornu.ops.indexing import get_item, scatter_update, take
from cornu.ops.shaping import expand_dims, pad, reshape, transpose

__all__ = ["depth_to_space", "fold", "space_to_depth", "unfold"]

Pair = int | Sequence[int]


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


def _starts(count: int, size: int, stride: int, gap: int) -> Array:
    """The positions that each of `count` windows reads, (count, size)."""
    return add(expand_dims(multiply(arange(count), stride), 1), multiply(arange(size), gap))


def windows(x: Array, axis: int, size: int, stride: int, gap: int = 1) -> Array:
    """All whole windows along an axis, which becomes two: (…, windows, size, …)."""
    count = (x.shape[axis] - (size - 1) * gap - 1) // stride + 1
    if count < 1:
        raise ShapeError(f"A window must fit in the array, got one that spans {(size - 1) * gap + 1} of {x.shape[axis]} on axis {axis}.")
    if stride == size and gap == 1:  # side by side: no element is read twice
        x = get_item(x, (slice(None),) * axis + (slice(0, count * size),))
        return reshape(x, (*x.shape[:axis], count, size, *x.shape[axis + 1 :]))
    return take(x, _starts(count, size, stride, gap), axis)


def _four_pairs(kernel_size: Pair, dilation: Pair, padding: Pair, stride: Pair) -> list[tuple[int, ...]]:
    named = (("kernel_size", kernel_size, 1), ("dilation", dilation, 1), ("padding", padding, 0), ("stride", stride, 1))
    return [as_tuple(value, 2, name, least=least) for name, value, least in named]


@composite
def unfold(x: Array, kernel_size: Pair, dilation: Pair = 1, padding: Pair = 0, stride: Pair = 1) -> Array:
    """Windows slid over images (batch, channels, height, width), each a column: (batch, channels * kh * kw, windows). Known as im2col.

    >>> unfold([[[[1, 2], [3, 4]]]], (1, 2)).tolist()
    [[[1, 3], [2, 4]]]
    """
    x = convert_to_tensor(x)
    if x.ndim != 4:
        raise ShapeError(f"ops.unfold takes images (batch, channels, height, width), got the shape {tuple(x.shape)}.")
    size, gaps, borders, steps = _four_pairs(kernel_size, dilation, padding, stride)
    x = pad(x, [(0, 0), (0, 0), *((b, b) for b in borders)])
    x = windows(windows(x, 3, size[1], steps[1], gaps[1]), 2, size[0], steps[0], gaps[0])  # (batch, c, rows, kh, columns, kw)
    batch, channels, rows, _, columns, _ = x.shape
    return reshape(transpose(x, (0, 1, 3, 5, 2, 4)), (batch, channels * math.prod(size), rows * columns))


@composite
def fold(x: Array, output_size: Pair, kernel_size: Pair, dilation: Pair = 1, padding: Pair = 0, stride: Pair = 1) -> Array:
    """Columns (batch, channels * kh * kw, windows) laid back as windows of an image of `output_size`, overlaps added. Known as col2im.

    >>> fold([[[1, 3], [2, 4]]], (2, 2), (1, 2)).tolist()
    [[[[1, 2], [3, 4]]]]
    """
    x = convert_to_tensor(x)
    height, width = as_tuple(output_size, 2, "output_size")
    size, gaps, borders, steps = _four_pairs(kernel_size, dilation, padding, stride)
    lengths = [n + 2 * b for n, b in zip((height, width), borders, strict=True)]
    counts = [(n - (k - 1) * g - 1) // s + 1 for n, k, g, s in zip(lengths, size, gaps, steps, strict=True)]
    if x.ndim != 3 or x.shape[1] % math.prod(size) or x.shape[2] != math.prod(counts):
        raise ShapeError(
            f"ops.fold takes (batch, channels * {math.prod(size)}, {math.prod(counts)}) for this kernel and size, got the shape {tuple(x.shape)}."
        )
    batch, channels = x.shape[0], x.shape[1] // math.prod(size)
    rows, columns = (_starts(*setting) for setting in zip(counts, size, steps, gaps, strict=True))  # (rows, kh), (columns, kw)
    cells = add(
        multiply(reshape(transpose(rows), (size[0], 1, counts[0], 1)), lengths[1]), reshape(transpose(columns), (1, size[1], 1, counts[1]))
    )
    parts = transpose(reshape(x, (batch, channels, -1)), (2, 0, 1))  # (kh * kw * windows, batch, channels)
    image = scatter_update(zeros((math.prod(lengths), batch, channels), x.dtype), reshape(cells, (-1, 1)), parts, "add")
    image = reshape(transpose(image, (1, 2, 0)), (batch, channels, *lengths))
    return get_item(image, (..., slice(borders[0], borders[0] + height), slice(borders[1], borders[1] + width)))
