"""What the two CIFAR data sets have in common: a tar file with batches, each the pickled dict of a picture table and labels.

The archive is read as it was published, and verified each time: nothing is unpacked to the disk.
"""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from cornu import config
from cornu.datasets.plain_pickle import loads
from cornu.datasets.published import fetch
from cornu.datasets.splitting import Array
from cornu.downloads.extraction import damage_told, headers, open_tar
from cornu.errors import CorruptFileError, UnsafeFileError

__all__ = ["read_batches"]

_MAX_BYTES = 1 << 29


def read_batches(key: str, names: tuple[str, ...], labels: str) -> list[tuple[Array, Array]]:
    """The pictures and labels of the named batches.

    Args:
        key: which archive, an entry of `PUBLISHED`.
        names: the files in it, without their folder.
        labels: the labels' name in a batch.

    Returns:
        For each batch, pictures, uint8 of shape (n, 32, 32, 3), or (n, 3, 32, 32) where images keep their channels first; labels, uint8 (n, 1).
    """
    path = Path(fetch(key))
    with damage_told(path), open_tar(path) as tar:
        contents = _contents(tar, names)
    missing = [name for name in names if name not in contents]
    if missing:
        raise CorruptFileError(f"The archive must hold the files {', '.join(names)}, but {str(path)!r} lacks {', '.join(missing)}.")
    return [_batch(loads(contents[name]), labels, f"{name!r} in {str(path)!r}") for name in names]


def _contents(tar: tarfile.TarFile, names: tuple[str, ...]) -> dict[str, bytes]:
    """The bytes of the named regular files."""
    found: dict[str, bytes] = {}
    for info in headers(tar):
        name = info.name.rpartition("/")[2]
        if name not in names or not info.isreg():
            continue
        if info.size > _MAX_BYTES:
            raise UnsafeFileError(f"A batch must be under {_MAX_BYTES} bytes, but {info.name!r} in {tar.name!r} has {info.size}.")
        found[name] = _read(tar.extractfile(info))
        if len(found) == len(names):
            break
    return found


def _read(file: Any) -> bytes:
    blocks = []
    while block := file.read(1 << 20):
        blocks.append(block)
    return b"".join(blocks)


def _batch(batch: Any, labels: str, where: str) -> tuple[Array, Array]:
    x, y = (_entry(batch, name) for name in ("data", labels))
    if (
        not isinstance(x, np.ndarray)
        or x.dtype != np.uint8
        or x.ndim != 2
        or x.shape[1] != 3072
        or not isinstance(y, list)
        or len(y) != len(x)
    ):
        raise CorruptFileError(f"A batch must hold rows of 3072 bytes and as many {labels}, but {where} does not.")
    pictures = x.reshape(-1, 3, 32, 32)
    if config.image_data_format() == "channels_last":
        pictures = np.ascontiguousarray(pictures.transpose(0, 2, 3, 1))
    return pictures, np.array(y, np.uint8).reshape(-1, 1)


def _entry(batch: Any, name: str) -> Any:
    return batch.get(name.encode(), batch.get(name)) if isinstance(batch, dict) else None
