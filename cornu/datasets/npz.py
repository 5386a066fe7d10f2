"""Arrays from `.npz` and `.npy` content without NumPy's `allow_pickle`: arrays of objects go through the reader of plain data."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from cornu.datasets.plain_pickle import loads
from cornu.errors import CornuError, CorruptFileError, UnsafeFileError

__all__ = ["read_npz"]

MAX_BYTES = 4 << 30
"""A single array of a data set, unpacked."""


def read_npz(path: str | Path, names: tuple[str, ...]) -> list[np.ndarray[Any, Any]]:
    """The named arrays of an `.npz` file.

    Args:
        path: the file.
        names: the arrays to read, in this order; others are left alone.

    Raises:
        CorruptFileError: it is damaged, or lacks one of the arrays.
        UnsafeFileError: an array of objects holds other than plain data, or an array is larger than 4 GiB.

    >>> import io
    >>> np.savez(file := io.BytesIO(), x=np.arange(3), y=np.array([[1, 2], [3]], dtype=object))
    >>> read_npz(file, ("y", "x"))
    [array([list([1, 2]), list([3])], dtype=object), array([0, 1, 2])]
    """
    try:
        with zipfile.ZipFile(path) as file:
            return [_member(file, name) for name in names]
    except CornuError as error:
        raise type(error)(f"{error} (in {str(path)!r})") from error.__cause__
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, NotImplementedError) as error:
        raise CorruptFileError(
            f"The file must be a whole .npz archive with the arrays {', '.join(names)}, but {str(path)!r} is not: {error}. Remove it to have it fetched again."
        ) from error


def _member(file: zipfile.ZipFile, name: str) -> np.ndarray[Any, Any]:
    info = file.getinfo(f"{name}.npy")
    if info.file_size > MAX_BYTES:
        raise UnsafeFileError(f"An array of a data set must be under {MAX_BYTES} bytes, but {name!r} has {info.file_size}.")
    return _array(file.read(info), name)


def _array(content: bytes, name: str) -> np.ndarray[Any, Any]:
    """The array that the bytes of an `.npy` file describe (NumPy's NEP 1: magic, header, content)."""
    shape, by_columns, dtype, start = _header(content)
    if dtype.hasobject:
        array = loads(content[start:])
        if not isinstance(array, np.ndarray) or array.dtype != dtype or array.shape != shape:
            raise CorruptFileError(
                f"The array {name!r} must be what its header says, {dtype} of shape {shape}, but its content is another."
            )
        return array
    if len(content) - start != math.prod(shape) * dtype.itemsize:
        raise CorruptFileError(f"The array {name!r} of {dtype} and shape {shape} must have as many bytes, but has {len(content) - start}.")
    return np.frombuffer(content, dtype, offset=start).reshape(shape, order="F" if by_columns else "C").copy("K")


def _header(content: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Shape, whether in Fortran's order, dtype, and where the content begins."""
    stream = io.BytesIO(content[: 1 << 16])  # no header is longer; NumPy itself stops at 10,000 characters
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"version {version} of the .npy format is not known")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read(stream)
    if dtype.hasobject and dtype != np.dtype(object):
        raise UnsafeFileError(f"An array of a data set must hold numbers, texts or lists, but this one's dtype is {dtype}.")
    return shape, by_columns, dtype, stream.tell()
