"""Image files, read and written through Pillow."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import Any

from cornu import config
from cornu.errors import ArgumentError, CorruptFileError
from cornu.preprocessing.image.arrays import array_to_img
from cornu.preprocessing.image.pillow import DECODING_ERRORS, pillow, resampling
from cornu.saving.atomic import atomic_write

__all__ = ["load_img", "save_img"]

GREY_MODES = ("L", "I;16", "I")
"""Pillow's modes of one channel, of 8, 16 and 32 bits."""


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """An image file as a Pillow image.

    Args:
        path: a path, or a file open for reading bytes.
        color_mode: "grayscale", "rgb" or "rgba". Grey files of 16 or 32 bits stay what they are under "grayscale".
        target_size: (height, width) to resize to; None keeps the file's.
        interpolation: "nearest", "bilinear", "bicubic", "hamming", "box" or "lanczos".
        keep_aspect_ratio: cut the largest centred part with the target's proportions out before resizing.

    Raises:
        CorruptFileError: the file is damaged or no image; it is named.
        FileNotFoundError: there is no such file.
        ArgumentError: an argument is not one of those above.
        ImportError: Pillow is not installed.

    >>> import io
    >>> import numpy as np
    >>> file = io.BytesIO()
    >>> array_to_img(np.zeros((4, 6, 3))).save(file, "png")
    >>> load_img(file, target_size=(2, 3)).size
    (3, 2)
    """
    if color_mode not in ("grayscale", "rgb", "rgba"):
        raise ArgumentError(f'color_mode must be "grayscale", "rgb" or "rgba", got {color_mode!r}.')
    image = _in_mode(_decoded(path), color_mode)
    return image if target_size is None else resized(image, target_size, interpolation, keep_aspect_ratio)


def _decoded(path: Any) -> Any:
    if not isinstance(path, (str, bytes, os.PathLike, io.IOBase)):
        raise ArgumentError(f"path must be a path or a file open for reading bytes, got {type(path).__name__}.")
    try:
        if isinstance(path, io.IOBase):
            image = pillow().open(path)
            image.load()
        else:
            with open(path, "rb") as file:
                image = pillow().open(file)
                image.load()
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except (*DECODING_ERRORS, pillow().DecompressionBombError) as error:
        name = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else getattr(path, "name", "the open file")
        reason = str(error) or type(error).__name__
        raise CorruptFileError(
            f"The file must be a whole image that Pillow can read, got {name}: {reason}. Replace or remove it."
        ) from None
    return image


def _in_mode(image: Any, color_mode: str) -> Any:
    if color_mode == "grayscale":
        return image if image.mode in GREY_MODES else image.convert("L")
    return image if image.mode == color_mode.upper() else image.convert(color_mode.upper())


def resized(image: Any, target_size: tuple[int, int], interpolation: str, keep_aspect_ratio: bool) -> Any:
    """A Pillow image of (height, width) = `target_size`, cut to its proportions first if asked."""
    height, width = target_size
    if image.size == (width, height):
        return image
    method = resampling(interpolation)
    if not keep_aspect_ratio:
        return image.resize((width, height), method)
    return image.resize((width, height), method, box=centred_box(image.size, (width, height)))


def centred_box(size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int, int, int]:
    """The largest centred part of `size` with the proportions of `target`, as (left, top, right, bottom); both are (width, height).

    >>> centred_box((100, 50), (10, 10))
    (25, 0, 75, 50)
    """
    width, height = size
    crop_width = min(width, height * target[0] // target[1])
    crop_height = min(height, width * target[1] // target[0])
    left, top = (width - crop_width) // 2, (height - crop_height) // 2
    return left, top, left + crop_width, top + crop_height


def save_img(path: Any, x: Any, data_format: str | None = None, file_format: str | None = None, scale: bool = True, **kwargs: Any) -> None:
    """Writes an array as an image file.

    Args:
        path: a path, or a file open for writing bytes.
        x: one image of rank 3.
        data_format: where `x` keeps its channels; the process-wide setting by default.
        file_format: such as "png" or "jpeg"; told by the path's ending if None.
        scale: stretch the values to 0 … 255.
        **kwargs: handed to Pillow's `Image.save`, such as `quality=90`.

    Raises:
        ArgumentError: neither the path nor `file_format` says which format is meant, or it is none that Pillow writes.
        SavingError: the file could not be written; an earlier one is untouched.

    >>> import io
    >>> import numpy as np
    >>> file = io.BytesIO()
    >>> save_img(file, np.zeros((4, 6, 3)), file_format="png")
    >>> load_img(file).size
    (6, 4)
    """
    if file_format is None and (not isinstance(path, (str, os.PathLike)) or not Path(path).suffix):
        raise ArgumentError(
            f"file_format must say how to write the image where the path has no ending, got {path!r}. Give file_format='png'."
        )
    image = array_to_img(x, data_format=config.standardize_data_format(data_format), scale=scale)
    kind = (file_format or Path(path).suffix.lstrip(".")).lower()
    if image.mode == "RGBA" and kind in ("jpg", "jpeg"):
        warnings.warn("JPEG files have no transparency: the image is written as RGB. Use PNG to keep it.", stacklevel=2)
        image = image.convert("RGB")
    encoded = io.BytesIO()  # whole before the file is touched
    image.save(encoded, format=_format(kind), **kwargs)
    if isinstance(path, (str, os.PathLike)):
        with atomic_write(path) as temporary:
            temporary.write_bytes(encoded.getbuffer())
    else:
        path.write(encoded.getbuffer())


def _format(kind: str) -> str:
    """Pillow's name of a format that is named by a file's ending or, as Pillow does, by a word of its own.

    >>> _format("jpg"), _format("jpeg2000")
    ('JPEG', 'JPEG2000')
    """
    name = str(pillow().registered_extensions().get(f".{kind}", kind)).upper()
    if name not in pillow().SAVE:
        raise ArgumentError(f"The format must be one that Pillow writes, such as png, jpg or bmp, got {kind!r}.")
    return name
