"""Images changed at random, one kind of change at a time. `ImageDataGenerator` does all of them at once, and repeatably."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.errors import ArgumentError
from cornu.preprocessing.image.affine import apply_affine_transform, apply_brightness_shift, apply_channel_shift
from cornu.state.seed import make_seed

__all__ = ["random_brightness", "random_channel_shift", "random_rotation", "random_shear", "random_shift", "random_zoom"]


def _draws() -> np.random.Generator:
    return np.random.default_rng(make_seed())


def _pair(value: Any, name: str) -> tuple[float, float]:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ArgumentError(f"{name} must be two numbers, the lowest and the highest, got {value!r}.")
    return value[0], value[1]


def random_rotation(
    x: Any,
    rg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """An image turned by −rg … rg degrees; the other arguments are those of `apply_affine_transform`.

    >>> random_rotation(np.ones((1, 3, 3)), 30).shape
    (1, 3, 3)
    """
    theta = _draws().uniform(-rg, rg)
    return apply_affine_transform(
        x,
        theta=theta,
        row_axis=row_axis,
        col_axis=col_axis,
        channel_axis=channel_axis,
        fill_mode=fill_mode,
        cval=cval,
        order=interpolation_order,
    )


def random_shift(
    x: Any,
    wrg: float,
    hrg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """An image shifted by up to the fraction `hrg` of its height and `wrg` of its width; the other arguments are those of
    `apply_affine_transform`.

    >>> random_shift(np.ones((1, 3, 3)), 0.2, 0.1).shape
    (1, 3, 3)
    """
    draws, shape = _draws(), np.shape(x)
    ty, tx = draws.uniform(-hrg, hrg) * shape[row_axis], draws.uniform(-wrg, wrg) * shape[col_axis]
    return apply_affine_transform(
        x,
        tx=tx,
        ty=ty,
        row_axis=row_axis,
        col_axis=col_axis,
        channel_axis=channel_axis,
        fill_mode=fill_mode,
        cval=cval,
        order=interpolation_order,
    )


def random_shear(
    x: Any,
    intensity: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """An image sheared by −intensity … intensity degrees; the other arguments are those of `apply_affine_transform`.

    >>> random_shear(np.ones((1, 3, 3)), 10).shape
    (1, 3, 3)
    """
    shear = _draws().uniform(-intensity, intensity)
    return apply_affine_transform(
        x,
        shear=shear,
        row_axis=row_axis,
        col_axis=col_axis,
        channel_axis=channel_axis,
        fill_mode=fill_mode,
        cval=cval,
        order=interpolation_order,
    )


def random_zoom(
    x: Any,
    zoom_range: Sequence[float],
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """An image zoomed along x and y, by two numbers drawn from `zoom_range`; the other arguments are those of
    `apply_affine_transform`.

    >>> random_zoom(np.ones((1, 3, 3)), (0.8, 1.2)).shape
    (1, 3, 3)
    """
    zx, zy = _draws().uniform(*_pair(zoom_range, "zoom_range"), 2)
    return apply_affine_transform(
        x,
        zx=zx,
        zy=zy,
        row_axis=row_axis,
        col_axis=col_axis,
        channel_axis=channel_axis,
        fill_mode=fill_mode,
        cval=cval,
        order=interpolation_order,
    )


def random_brightness(x: Any, brightness_range: Sequence[float], scale: bool = True) -> np.ndarray:
    """An image made brighter or darker by a factor from `brightness_range`; see `apply_brightness_shift`.

    >>> random_brightness(np.full((1, 1, 1), 100.0), (2, 2), scale=False).ravel().tolist()
    [200.0]
    """
    return apply_brightness_shift(x, _draws().uniform(*_pair(brightness_range, "brightness_range")), scale)


def random_channel_shift(x: Any, intensity_range: float, channel_axis: int = 0) -> np.ndarray:
    """An image with a number from −intensity_range … intensity_range added; see `apply_channel_shift`.

    >>> random_channel_shift(np.ones((1, 2, 2)), 5).tolist()
    [[[1.0, 1.0], [1.0, 1.0]]]
    """
    return apply_channel_shift(x, _draws().uniform(-intensity_range, intensity_range), channel_axis)
