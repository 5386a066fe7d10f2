"""Affine maps of images, brightness and channel shifts."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.errors import ArgumentError, ShapeError
from cornu.preprocessing.image.arrays import stretched

__all__ = ["FILL_MODES", "affine_matrix", "apply_affine_transform", "apply_brightness_shift", "apply_channel_shift"]

FILL_MODES = ("nearest", "constant", "reflect", "wrap")
"""What stands beyond the border: its last pixel, `cval`, the image mirrored, the image again."""


def affine_matrix(theta: float = 0, tx: float = 0, ty: float = 0, shear: float = 0, zx: float = 1, zy: float = 1) -> np.ndarray:
    """The 3×3 matrix from a pixel of the result (column, row, 1) to the place it is taken from: rotation · shift · shear · zoom.

    >>> affine_matrix(tx=2, zy=3).tolist()
    [[1.0, 0.0, 2.0], [0.0, 3.0, 0.0], [0.0, 0.0, 1.0]]
    """
    angle, slant = np.deg2rad(theta), np.deg2rad(shear)
    rotation = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    shift = np.array([[1, 0, tx], [0, 1, ty], [0, 0, 1]], dtype="float64")
    shearing = np.array([[1, -np.sin(slant), 0], [0, np.cos(slant), 0], [0, 0, 1]])
    return rotation @ shift @ shearing @ np.diag([zx, zy, 1.0]) + 0.0


def apply_affine_transform(
    x: Any,
    theta: float = 0,
    tx: float = 0,
    ty: float = 0,
    shear: float = 0,
    zx: float = 1,
    zy: float = 1,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
) -> np.ndarray:
    """An image turned, shifted, sheared and zoomed about its centre.

    Args:
        x: an image of rank 3; where its rows, columns and channels are, the axes say.
        theta: rotation in degrees, counterclockwise on the screen.
        tx, ty: shift along x (columns) and along y (rows), in pixels: the result's column c shows what stood at c + tx.
        shear: slant in degrees.
        zx, zy: zoom along x and along y; above 1 shows more of the image, smaller.
        row_axis, col_axis, channel_axis: the axes of `x`.
        fill_mode: what stands beyond the border: "nearest", "constant" (`cval`), "reflect" or "wrap".
        cval: the value beyond the border for "constant".
        order: of the spline between pixels, 0 (nearest) to 5.

    Raises:
        ShapeError: the axes are not those of an image of rank 3.
        ArgumentError: `fill_mode` or `order` is not one of those above.

    >>> apply_affine_transform(np.arange(3.0).reshape(1, 1, 3), tx=1).ravel().tolist()
    [1.0, 2.0, 2.0]
    """
    if fill_mode not in FILL_MODES:
        raise ArgumentError(f"fill_mode must be one of {', '.join(FILL_MODES)}, got {fill_mode!r}.")
    if order not in range(6):
        raise ArgumentError(f"The order of interpolation must be a whole number from 0 to 5, got {order!r}.")
    x = np.asarray(x)
    if sorted(axis % 3 for axis in (row_axis, col_axis, channel_axis)) != [0, 1, 2] or x.ndim != 3:
        raise ShapeError(
            f"An image must have rank 3, and one axis each for rows, columns and channels; got shape {x.shape} and the axes "
            f"{row_axis}, {col_axis}, {channel_axis}."
        )
    if (theta, tx, ty, shear, zx, zy) == (0, 0, 0, 0, 1, 1):
        return x.copy()
    return _mapped(x, affine_matrix(theta, tx, ty, shear, zx, zy), (row_axis, col_axis, channel_axis), fill_mode, cval, order)


def _mapped(x: np.ndarray, matrix: np.ndarray, axes: tuple[int, int, int], fill_mode: str, cval: float, order: int) -> np.ndarray:
    from scipy import ndimage

    moved = np.moveaxis(x, axes, (1, 2, 0))  # (channels, rows, columns)
    centre = (np.array(moved.shape[1:]) - 1) / 2
    linear, shift = matrix[1::-1, 1::-1], matrix[1::-1, 2]  # from (x, y) to (row, column)
    offset = shift + centre - linear @ centre
    result = np.empty_like(moved)
    for channel, out in zip(moved, result, strict=True):
        ndimage.affine_transform(channel, linear, offset, output=out, order=order, mode=fill_mode, cval=cval)
    return np.moveaxis(result, (1, 2, 0), axes)


def apply_brightness_shift(x: Any, brightness: float, scale: bool = True) -> np.ndarray:
    """An image with values from 0 to 255 made brighter or darker: `clip(x · brightness, 0, 255)`.

    Args:
        x: an image of rank 3.
        brightness: below 1 darkens, above 1 brightens.
        scale: stretch the values to 0 … 255 before; otherwise they are taken as they are.

    >>> apply_brightness_shift(np.full((1, 1, 1), 100.0), 1.5, scale=False).ravel().tolist()
    [150.0]
    """
    x = np.asarray(x)
    if x.ndim != 3:
        raise ShapeError(f"An image must have rank 3, got shape {x.shape}.")
    x = x.astype("float32") if x.dtype.kind != "f" else x
    return np.clip((stretched(x) if scale else x) * x.dtype.type(brightness), 0, 255)


def apply_channel_shift(x: Any, intensity: float, channel_axis: int = 0) -> np.ndarray:
    """An image with one number added to all its values, kept between the lowest and the highest value that it had.

    Args:
        x: an image.
        intensity: the number.
        channel_axis: where the channels are; all are shifted alike, so that this only has to be an axis of `x`.

    >>> apply_channel_shift(np.array([[[1.0, 2.0, 3.0]]]), 1, channel_axis=2).tolist()
    [[[2.0, 3.0, 3.0]]]
    """
    x = np.asarray(x)
    if not -x.ndim <= channel_axis < x.ndim:
        raise ShapeError(f"channel_axis must be an axis of the image, got {channel_axis} for shape {x.shape}.")
    return np.clip(x + intensity, x.min(), x.max()).astype(x.dtype, copy=False)
