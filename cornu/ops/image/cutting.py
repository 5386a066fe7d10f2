"""Parts of images: borders cut off or added, and patches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cornu.errors import ArgumentError
from cornu.ops.arguments import Array, as_tuple
from cornu.ops.blocks import windows
from cornu.ops.conv import padding_pairs
from cornu.ops.dispatch import composite
from cornu.ops.image.layout import images_of, pictures, spatial_axes
from cornu.ops.indexing import get_item
from cornu.ops.shaping import pad, reshape, transpose

__all__ = ["crop_images", "extract_patches", "extract_patches_3d", "pad_images"]


def _third(before: int | None, after: int | None, total: int, names: Sequence[str]) -> tuple[int, int]:
    """Both borders, of which the total stands in for one that is not given."""
    if before is None:
        before = total - int(after or 0)
    if after is None:
        after = total - before
    if before < 0 or after < 0:
        raise ArgumentError(
            f"{names[0]} and {names[1]} must not be negative, got {before} and {after}; check {names[2]} against the images."
        )
    return int(before), int(after)


def _two_given(values: Sequence[int | None], names: Sequence[str]) -> None:
    if len([v for v in values if v is not None]) != 2:
        raise ArgumentError(f"Exactly two of {', '.join(names)} say where to cut or pad, got {', '.join(map(str, values))}.")


@composite
def crop_images(
    images: Array,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Array:
    """Images without their borders. Of top, bottom and height exactly two are given, of left, right and width too.

    >>> crop_images([[[1], [2], [3]]], top_cropping=0, bottom_cropping=0, left_cropping=1, target_width=1).tolist()
    [[[2]]]
    """
    x = images_of(images, "crop_images")
    key: list[Any] = [slice(None)] * x.ndim
    rows = (top_cropping, bottom_cropping, target_height), ("top_cropping", "bottom_cropping", "target_height")
    columns = (left_cropping, right_cropping, target_width), ("left_cropping", "right_cropping", "target_width")
    for axis, (values, names) in zip(spatial_axes(x, data_format), (rows, columns), strict=True):
        _two_given(values, names)
        before, after = _third(values[0], values[1], x.shape[axis] - (values[2] or 0), names)
        if before + after >= x.shape[axis]:
            raise ArgumentError(f"A crop must leave something, got {names[0]}={before} and {names[1]}={after} of {x.shape[axis]} pixels.")
        key[axis] = slice(before, x.shape[axis] - after)
    return get_item(x, tuple(key))


@composite
def pad_images(
    images: Array,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Array:
    """Images with borders of zeros. Of top, bottom and height exactly two are given, of left, right and width too.

    >>> pad_images([[[1]]], top_padding=0, bottom_padding=0, left_padding=1, target_width=3).tolist()
    [[[0], [1], [0]]]
    """
    x = images_of(images, "pad_images")
    widths = [(0, 0)] * x.ndim
    rows = (top_padding, bottom_padding, target_height), ("top_padding", "bottom_padding", "target_height")
    columns = (left_padding, right_padding, target_width), ("left_padding", "right_padding", "target_width")
    for axis, (values, names) in zip(spatial_axes(x, data_format), (rows, columns), strict=True):
        _two_given(values, names)
        widths[axis] = _third(values[0], values[1], (values[2] or 0) - x.shape[axis], names)
    return pad(x, widths)


@composite
def extract_patches(
    images: Array,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    dilation_rate: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Array:
    """Windows of `size` pixels, each laid out as channels: (batch, rows, columns, height * width * channels); three numbers for volumes.

    `strides` is `size` by default: patches side by side.

    >>> extract_patches([[[1], [2]], [[3], [4]]], 2).tolist()
    [[[1, 2, 3, 4]]]
    """
    rank = 2 if isinstance(size, int) else len(tuple(size))
    if rank not in (2, 3):
        raise ArgumentError(f"Patches have two or three axes, got size={size!r}.")
    return _patches(images, as_tuple(size, rank, "size"), strides, dilation_rate, padding, data_format, "extract_patches")


@composite
def extract_patches_3d(
    volumes: Array,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    dilation_rate: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Array:
    """Windows of `size` cells of volumes, each laid out as channels: (batch, depths, rows, columns, depth * height * width * channels).

    >>> extract_patches_3d([[[[1]]], [[[2]]]], (2, 1, 1)).tolist()
    [[[[1, 2]]]]
    """
    return _patches(volumes, as_tuple(size, 3, "size"), strides, dilation_rate, padding, data_format, "extract_patches_3d")


def _patches(images: Array, size: tuple[int, ...], strides: Any, dilation: Any, padding: str, data_format: str | None, op: str) -> Array:
    rank = len(size)
    x, back = pictures(images_of(images, op, rank=rank), data_format, rank=rank)
    steps = size if strides is None else as_tuple(strides, rank, "strides")
    gaps = as_tuple(dilation, rank, "dilation_rate")
    reach = [(k - 1) * d + 1 for k, d in zip(size, gaps, strict=True)]
    x = pad(x, [(0, 0), *padding_pairs(padding, x.shape[1:-1], reach, steps, op), (0, 0)])
    for i in reversed(range(rank)):
        x = windows(x, i + 1, size[i], steps[i], gaps[i])
    counts, channels = [x.shape[2 * i + 1] for i in range(rank)], x.shape[-1]
    x = transpose(x, (0, *range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2), 2 * rank + 1))  # (batch, *counts, *size, channels)
    return back(reshape(x, (x.shape[0], *counts, math.prod(size) * channels)))
