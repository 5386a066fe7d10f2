"""Bounding boxes on images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cornu import ops
from cornu.errors import ArgumentError, ShapeError
from cornu.layers.image.boxes import convert_format
from cornu.visualization.pixels import as_color, as_pixels

__all__ = ["draw_bounding_boxes"]

PADDING = -1
"""The label of a box that only fills a batch."""


def draw_bounding_boxes(
    images: Any,
    bounding_boxes: Mapping[str, Any],
    bounding_box_format: str,
    class_mapping: Mapping[int, str] | None = None,
    color: tuple[float, ...] = (128, 128, 128),
    line_thickness: int = 2,
    text_thickness: int = 1,
    font_scale: float = 1.0,
    data_format: str | None = None,
) -> np.ndarray:
    """Draws the outlines of boxes on images, with the names of what is in them.

    Args:
        images: (batch, height, width, channels), values from 0 to 255.
        bounding_boxes: "boxes" (batch, boxes, 4) and "labels" (batch, boxes), of which -1 marks a box that is only there to fill the
            batch; "confidences" (batch, boxes), written beside the names, may be there, too.
        bounding_box_format: what the four numbers are, e.g. "xyxy" or "rel_yxyx".
        class_mapping: the name of each label; nothing is written for a label that has none, nor without it.
        color: of lines and text, from 0 to 255 in each channel.
        line_thickness: in pixels, half of it to each side of the edge.
        text_thickness: of the strokes of the text, in pixels.
        font_scale: the size of the text, 16 pixels at 1.
        data_format: "channels_last" or "channels_first" of the images given; the setting of `cornu.config` by default.

    Returns:
        uint8 (batch, height, width, channels); the images given stay as they are.

    Raises:
        ArgumentError: an unknown format, lines thinner than a pixel, or no "boxes" and "labels".
        ShapeError: the shapes of images, boxes and labels do not fit.
        ImportError: text is to be written, and Pillow is not installed.

    >>> boxes = {"boxes": np.array([[[1, 1, 3, 3]]]), "labels": np.array([[0]])}
    >>> drawn = draw_bounding_boxes(np.zeros((1, 5, 5, 3)), boxes, "xyxy", color=(255, 0, 0), line_thickness=1)
    >>> drawn[0, 1, :, 0].tolist(), drawn[0, 2, :, 0].tolist()
    ([0, 255, 255, 255, 0], [0, 255, 0, 255, 0])
    """
    drawn = as_pixels(images, data_format)
    if line_thickness < 1 or text_thickness < 1:
        raise ArgumentError(f"Lines are at least one pixel thick, got line_thickness={line_thickness} and text_thickness={text_thickness}.")
    pixel = as_color(color, drawn.shape[-1])
    edges, labels, confidences = _read(bounding_boxes, bounding_box_format, drawn.shape)
    for i, j in np.argwhere(labels != PADDING):
        outline(drawn[i], edges[i, j], pixel, line_thickness)
        name = None if class_mapping is None else class_mapping.get(int(labels[i, j]))
        if name is not None:
            text = name if confidences is None else f"{name} {confidences[i, j]:.2f}"
            write(drawn[i], text, edges[i, j], pixel, size=16 * font_scale, thickness=text_thickness)
    return drawn


def _read(given: Mapping[str, Any], form: str, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Edges (batch, boxes, 4) in pixels, labels and confidences."""
    if not isinstance(given, Mapping) or not {"boxes", "labels"} <= set(given):
        found = sorted(given) if isinstance(given, Mapping) else type(given).__name__
        raise ArgumentError(f"bounding_boxes must be a dict with 'boxes' and 'labels', got {found}.")
    boxes, labels = np.asarray(ops.convert_to_numpy(given["boxes"])), np.asarray(ops.convert_to_numpy(given["labels"]))
    if boxes.ndim != 3 or boxes.shape[-1] != 4 or boxes.shape[0] != shape[0] or labels.shape != boxes.shape[:2]:
        raise ShapeError(
            f"For {shape[0]} image(s), boxes must be ({shape[0]}, boxes, 4) and labels ({shape[0]}, boxes), "
            f"got {boxes.shape} and {labels.shape}."
        )
    edges = convert_format(boxes, form, "xyxy", height=shape[1], width=shape[2])
    confidences = given.get("confidences")
    return (
        np.rint(np.asarray(ops.convert_to_numpy(edges))).astype(int),
        labels,
        None if confidences is None else np.asarray(ops.convert_to_numpy(confidences)).reshape(labels.shape),
    )


def outline(image: np.ndarray, edges: np.ndarray, pixel: np.ndarray, thickness: int) -> None:
    """Draws the four edges, corners included; what lies outside the image is left out."""
    before, after = (thickness - 1) // 2, thickness // 2 + 1
    x0, y0, x1, y1 = edges
    columns, rows = _span(x0 - before, x1 + after), _span(y0 - before, y1 + after)
    for y in (y0, y1):
        image[_span(y - before, y + after), columns] = pixel
    for x in (x0, x1):
        image[rows, _span(x - before, x + after)] = pixel


def _span(start: int, stop: int) -> slice:
    return slice(max(start, 0), max(stop, 0))


def write(image: np.ndarray, text: str, edges: np.ndarray, pixel: np.ndarray, *, size: float, thickness: int) -> None:
    """Writes above the box, or within it where there is no room above."""
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ModuleNotFoundError:
        raise ImportError(
            "Writing the names of boxes needs the package Pillow. Install it with `pip install pillow`, or give no class_mapping."
        ) from None
    font = ImageFont.load_default(size=size)
    stroke = (thickness - 1) / 2
    stencil = Image.new("L", (image.shape[1], image.shape[0]))
    pen = ImageDraw.Draw(stencil)
    _, top, _, bottom = pen.textbbox((0, 0), text, font=font, stroke_width=stroke)
    height = bottom - top
    y = edges[1] - height - 3 if edges[1] - height - 3 >= 0 else edges[1] + 3
    pen.text((max(int(edges[0]), 0), float(y - top)), text, fill=255, font=font, stroke_width=stroke)
    share = np.asarray(stencil, "float64")[..., None] / 255
    image[:] = np.rint(image * (1 - share) + pixel * share)
