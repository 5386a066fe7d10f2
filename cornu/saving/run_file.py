r"""The state of a run in one file: facts as JSON, arrays as they lie in memory, and a digest over both.

    bytes 0-15    "cornu run 1\n" and zeros
    bytes 16-47   SHA-256 of everything after it
    bytes 48-55   the length of the JSON, little-endian
    then          the JSON, {"facts": …, "arrays": [[name, dtype, shape], …]}, and the arrays, one after the other

A file that differs from what was written in one bit is refused.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from cornu.dtypes import numpy_dtype
from cornu.errors import CorruptFileError, SavingError
from cornu.saving.atomic import atomic_write

__all__ = ["read_run", "write_run"]

MAGIC = b"cornu run 1\n".ljust(16, b"\0")
HEAD = len(MAGIC) + hashlib.sha256().digest_size
MAX_JSON = 256 * 2**20
PIECE = 2**20


def write_run(path: str | os.PathLike[str], facts: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes facts (what JSON can hold) and arrays by name; the file is replaced as a whole or not at all.

    Raises:
        SavingError: the file cannot be written; it names the path.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_run(f"{folder}/run", {"epoch": 3}, {"w": np.array([1.0, 2.0])})
    ...     read_run(f"{folder}/run")
    ({'epoch': 3}, {'w': array([1., 2.])})
    """
    listed = [[name, array.dtype.name, list(array.shape)] for name, array in arrays.items()]
    head = json.dumps({"facts": facts, "arrays": listed}, separators=(",", ":")).encode()
    digest = hashlib.sha256()
    with atomic_write(path) as temporary, Path(temporary).open("wb") as file:
        file.write(bytes(HEAD))
        for piece in (
            struct.pack("<Q", len(head)),
            head,
            *(array.astype(array.dtype.newbyteorder("=")).tobytes() for array in arrays.values()),
        ):
            digest.update(piece)
            file.write(piece)
        file.seek(0)
        file.write(MAGIC + digest.digest())


def read_run(path: str | os.PathLike[str]) -> tuple[Any, dict[str, np.ndarray]]:
    """The facts and arrays that `write_run` wrote.

    Raises:
        SavingError: the file cannot be read.
        CorruptFileError: it is no such file, or not every bit of it is as it was written.
    """
    name = os.fspath(path)
    try:
        with Path(path).open("rb") as file:
            _check_digest(file, name)
            return _read(file, os.fstat(file.fileno()).st_size)
    except OSError as error:
        if isinstance(error, SavingError):
            raise
        raise SavingError(f"Could not read {name!r}: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError, struct.error, RecursionError) as error:
        raise CorruptFileError(f"{name!r} must hold the state of a run: {error}.") from error


def _check_digest(file: IO[bytes], name: str) -> None:
    head = file.read(HEAD)
    if head[: len(MAGIC)] != MAGIC:
        raise CorruptFileError(f"{name!r} must hold the state of a run, and is a file of another kind or a damaged one.")
    digest = hashlib.sha256()
    while piece := file.read(PIECE):
        digest.update(piece)
    if digest.digest() != head[len(MAGIC) :]:
        raise CorruptFileError(f"{name!r} is damaged: its content is not that of its digest.")


def _read(file: IO[bytes], size: int) -> tuple[Any, dict[str, np.ndarray]]:
    file.seek(HEAD)
    (length,) = struct.unpack("<Q", file.read(8))
    if length > min(MAX_JSON, size - HEAD - 8):
        raise ValueError(f"its head claims {length} bytes in a file of {size}")
    head = json.loads(file.read(length).decode("utf-8"))
    specs = [(str(name), numpy_dtype(dtype), tuple(shape)) for name, dtype, shape in head["arrays"]]
    if any(type(n) is not int or n < 0 for _, _, shape in specs for n in shape):
        raise ValueError("an array has no believable shape")
    if sum(math.prod(shape) * dtype.itemsize for _, dtype, shape in specs) != size - file.tell():
        raise ValueError("its arrays do not have the sizes that its head says")
    return head["facts"], {
        name: np.frombuffer(file.read(math.prod(shape) * dtype.itemsize), dtype).reshape(shape) for name, dtype, shape in specs
    }
