"""Many images in one figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cornu import ops
from cornu.errors import ArgumentError
from cornu.visualization.boxes import draw_bounding_boxes
from cornu.visualization.masks import draw_segmentation_masks
from cornu.visualization.pixels import as_pixels, rescaled

__all__ = ["plot_bounding_box_gallery", "plot_image_gallery", "plot_segmentation_mask_gallery"]


def plot_image_gallery(
    images: Any,
    y_true: Any = None,
    y_pred: Any = None,
    label_map: Mapping[Any, str] | None = None,
    rows: int | None = None,
    cols: int | None = None,
    value_range: tuple[float, float] = (0, 255),
    scale: float = 2,
    path: str | Path | None = None,
    show: bool | None = None,
    transparent: bool = True,
    dpi: int = 60,
    legend_handles: Sequence[Any] | None = None,
    data_format: str | None = None,
) -> None:
    """Shows images in rows and columns, or writes them to a file; the labels of each stand above it.

    Args:
        images: (batch, height, width, channels).
        y_true: the label of each image.
        y_pred: the label that a model gives each image.
        label_map: the name of each label; the label itself by default.
        rows, cols: how many; a square that holds all images by default. Images for which there is no place are left out.
        value_range: the lowest and the highest value that images may have.
        scale: the width of a tile, in inches.
        path: the file to write.
        show: whether a window (or the notebook) shows the figure; by default, where there is no `path`.
        transparent: whether the file's background is.
        dpi: dots for each inch, in the file.
        legend_handles: what Matplotlib's `legend` takes, for a legend beneath.
        data_format: "channels_last" or "channels_first" of the images; the setting of `cornu.config` by default.

    Raises:
        ArgumentError: there is both a `path` and `show`, or neither; labels are more or fewer than images.
        ImportError: Matplotlib is not installed.
    """
    show = path is None if show is None else show
    if show == (path is not None):
        raise ArgumentError(f"A gallery is either shown or written to a file, got path={path!r} and show={show}.")
    pixels = as_pixels(rescaled(images, value_range), data_format)
    rows, cols = _grid(len(pixels), rows, cols)
    titles = _titles(len(pixels), y_true, y_pred, label_map)
    pyplot = _pyplot()
    ratio = pixels.shape[1] / pixels.shape[2]
    figure, axes = pyplot.subplots(rows, cols, figsize=(cols * scale, rows * scale * ratio), squeeze=False, layout="tight")
    try:
        for ax in axes.flat:
            ax.axis("off")
        for ax, image, title in zip(axes.flat, pixels, titles, strict=False):
            ax.imshow(image.squeeze(-1) if image.shape[-1] == 1 else image, cmap="gray", vmin=0, vmax=255)
            ax.set_title(title)
        if legend_handles is not None:
            figure.legend(handles=list(legend_handles), loc="lower center")
        if path is not None:
            figure.savefig(path, transparent=transparent, dpi=dpi)
        else:
            pyplot.show()
    finally:
        pyplot.close(figure)


def plot_bounding_box_gallery(
    images: Any,
    bounding_box_format: str,
    y_true: Mapping[str, Any] | None = None,
    y_pred: Mapping[str, Any] | None = None,
    value_range: tuple[float, float] = (0, 255),
    true_color: tuple[float, ...] = (0, 188, 212),
    pred_color: tuple[float, ...] = (255, 235, 59),
    line_thickness: int = 2,
    font_scale: float = 1.0,
    text_thickness: int | None = None,
    class_mapping: Mapping[int, str] | None = None,
    ground_truth_mapping: Mapping[int, str] | None = None,
    prediction_mapping: Mapping[int, str] | None = None,
    legend: bool = False,
    legend_handles: Sequence[Any] | None = None,
    rows: int | None = None,
    cols: int | None = None,
    data_format: str | None = None,
    **kwargs: Any,
) -> None:
    """Shows images with the boxes that are true and those that a model gives, in two colours.

    Args:
        images: (batch, height, width, channels).
        bounding_box_format: what the four numbers of boxes are.
        y_true, y_pred: dicts of "boxes" and "labels", as `draw_bounding_boxes` takes.
        value_range: the lowest and the highest value that images may have.
        true_color, pred_color: from 0 to 255 in each channel.
        line_thickness, font_scale: as of `draw_bounding_boxes`.
        text_thickness: that of the lines by default.
        class_mapping: the name of each label.
        ground_truth_mapping, prediction_mapping: the same for the true ones and the model's; `class_mapping` by default.
        legend: whether a legend says which colour is which.
        legend_handles: what the legend has besides.
        rows, cols, data_format, kwargs: as of `plot_image_gallery`.

    Raises:
        ImportError: Matplotlib is not installed.
    """
    drawn = as_pixels(rescaled(images, value_range), data_format)
    for boxes, color, mapping in ((y_true, true_color, ground_truth_mapping), (y_pred, pred_color, prediction_mapping)):
        if boxes is not None:
            drawn = draw_bounding_boxes(
                drawn, boxes, bounding_box_format, class_mapping=mapping or class_mapping, color=color, line_thickness=line_thickness,
                text_thickness=text_thickness or line_thickness, font_scale=font_scale, data_format="channels_last",
            )  # fmt: skip
    handles = list(legend_handles or ())
    if legend:
        handles += [_patch(color, name) for color, name in ((true_color, "Ground Truth"), (pred_color, "Prediction"))]
    plot_image_gallery(drawn, rows=rows, cols=cols, legend_handles=handles or None, data_format="channels_last", **kwargs)


def plot_segmentation_mask_gallery(
    images: Any,
    num_classes: int,
    value_range: tuple[float, float] = (0, 255),
    y_true: Any = None,
    y_pred: Any = None,
    color_mapping: Mapping[int, tuple[float, ...]] | None = None,
    blend: bool = True,
    alpha: float = 0.8,
    ignore_index: int = -1,
    data_format: str | None = None,
    **kwargs: Any,
) -> None:
    """Shows each image, beside it the image with its true mask, then with the mask that a model gives.

    Args:
        images: (batch, height, width, channels).
        num_classes: how many classes there are.
        value_range: the lowest and the highest value that images may have.
        y_true, y_pred: masks, (batch, height, width) or (batch, height, width, 1).
        color_mapping, blend, alpha, ignore_index: as of `draw_segmentation_masks`.
        data_format, kwargs: as of `plot_image_gallery`.

    Raises:
        ImportError: Matplotlib is not installed.
    """
    plain = as_pixels(rescaled(images, value_range), data_format)
    masked = [
        draw_segmentation_masks(plain, masks, num_classes, color_mapping, alpha, blend, ignore_index, data_format="channels_last")
        for masks in (y_true, y_pred)
        if masks is not None
    ]
    plot_image_gallery(np.concatenate([plain, *masked], axis=2), data_format="channels_last", **kwargs)


def _pyplot() -> Any:
    try:
        from matplotlib import pyplot
    except ModuleNotFoundError:
        raise ImportError("A gallery needs the package Matplotlib. Install it with `pip install 'cornu[data]'`.") from None
    return pyplot


def _patch(color: Sequence[float], name: str) -> Any:
    """An entry of a legend."""
    _pyplot()
    from matplotlib.patches import Patch

    return Patch(color=tuple(c / 255 for c in color), label=name)


def _grid(count: int, rows: int | None, cols: int | None) -> tuple[int, int]:
    """Rows and columns; what is not given is what it takes to hold all."""
    if cols is None:
        cols = math.ceil(math.sqrt(count)) if rows is None else math.ceil(count / rows)
    return (math.ceil(count / cols) if rows is None else rows), cols


def _titles(count: int, y_true: Any, y_pred: Any, label_map: Mapping[Any, str] | None) -> list[str]:
    lines: list[list[str]] = [[] for _ in range(count)]
    for head, given in (("true", y_true), ("predicted", y_pred)):
        if given is None:
            continue
        labels = np.asarray(ops.convert_to_numpy(given) if not isinstance(given, (list, tuple)) else given).reshape(-1).tolist()
        if len(labels) != count:
            raise ArgumentError(f"There must be a label for each of {count} image(s), got {len(labels)}.")
        for line, label in zip(lines, labels, strict=True):
            line.append(f"{head}: {label if label_map is None else label_map[label]}")
    return ["\n".join(line) for line in lines]
