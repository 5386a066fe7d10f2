"""Segmentation masks on images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cornu import ops
from cornu.errors import ArgumentError, ShapeError
from cornu.visualization.pixels import as_color, as_pixels

__all__ = ["draw_segmentation_masks"]


def draw_segmentation_masks(
    images: Any,
    segmentation_masks: Any,
    num_classes: int | None = None,
    color_mapping: Mapping[int, tuple[float, ...]] | None = None,
    alpha: float = 0.8,
    blend: bool = True,
    ignore_index: int = -1,
    data_format: str | None = None,
) -> np.ndarray:
    """Colours each pixel of images by its class.

        α · colour + (1 − α) · image

    Args:
        images: (batch, height, width, channels), values from 0 to 255.
        segmentation_masks: the class of each pixel, (batch, height, width), or with a further axis of length 1 where images have their
            channels.
        num_classes: how many classes there are; the largest in the masks and one by default. Pixels of others are left as they are.
        color_mapping: the colour of each class, from 0 to 255 in each channel; a class that has none is left as it is. By default class i
            has the colour i · (1, 127, 31), modulo 255.
        alpha: α, from 0 to 1.
        blend: False lays the colours over the images, as if α were 1.
        ignore_index: pixels of this class are left as they are.
        data_format: "channels_last" or "channels_first" of the images given; the setting of `cornu.config` by default.

    Returns:
        uint8 (batch, height, width, channels), fractions cut off; the images given stay as they are.

    Raises:
        ArgumentError: α is out of range.
        ShapeError: the masks have another size than the images.

    >>> images, masks = np.full((1, 1, 2, 3), 100), np.array([[[0, -1]]])
    >>> draw_segmentation_masks(images, masks, color_mapping={0: (200, 0, 100)}, alpha=0.5)[0, 0].tolist()
    [[150, 50, 100], [100, 100, 100]]
    """
    if not 0 <= alpha <= 1:
        raise ArgumentError(f"alpha must be from 0 to 1, got {alpha!r}.")
    drawn = as_pixels(images, data_format)
    classes = _read(segmentation_masks, drawn.shape)
    count = int(classes.max(initial=0)) + 1 if num_classes is None else num_classes
    share = alpha if blend else 1.0
    for label in np.unique(classes):
        color = _color(int(label)) if color_mapping is None else color_mapping.get(int(label))
        if label == ignore_index or not 0 <= label < count or color is None:
            continue
        where = classes == label
        drawn[where] = np.floor(share * as_color(color, drawn.shape[-1]) + (1 - share) * drawn[where] + 1e-6)
    return drawn


def _read(masks: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The classes as (batch, height, width)."""
    found = np.asarray(ops.convert_to_numpy(masks))
    for axis in (-1, 1):
        if found.ndim == 4 and found.shape[axis] == 1:
            found = np.squeeze(found, axis)
    if found.shape != shape[:3]:
        raise ShapeError(f"Masks must have the images' batch and size, {shape[:3]}, got {np.shape(masks)}.")
    return found


def _color(label: int) -> tuple[int, int, int]:
    return (label % 255, 127 * label % 255, 31 * label % 255)
