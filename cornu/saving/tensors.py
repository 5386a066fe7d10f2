"""Files of named tensors (safetensors): eight bytes of length, a header in JSON, then the numbers one after the other.

The format is read and written here, since every promise of a header must be compared with the file before room is made for anything.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any, Self

import numpy as np

from cornu.dtypes import numpy_dtype
from cornu.errors import CorruptFileError, DTypeError, SavingError
from cornu.saving.hdf5 import ArraySpec

__all__ = ["TensorReader", "write_tensors"]

DIGEST = "cornu.sha256"
"""Under which name the metadata of a file that Cornu wrote has the digest of all the rest."""
MAX_HEADER = 100 * 10**6  # the limit of the format itself
_KINDS = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "U16": "uint16", "I16": "int16", "U32": "uint32", "I32": "int32", "U64": "uint64", "I64": "int64",
    "F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2",
}  # fmt: skip
_CODES = {name: kind for kind, name in _KINDS.items()}


class TensorReader:
    """A file of named tensors whose header has been checked; a context manager.

    Attributes:
        specs: shape and dtype of each tensor, by name.

    Raises:
        SavingError: the file cannot be read.
        CorruptFileError: it is no such file, or a damaged one.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = os.fspath(path)
        try:
            self._file: IO[bytes] = Path(path).open("rb")  # noqa: SIM115 - closed by `__exit__`
        except OSError as error:
            raise SavingError(f"Could not read {self.name!r}: {error.strerror or error}.") from error
        try:
            self.specs, self._places = self._header(os.fstat(self._file.fileno()).st_size)
        except BaseException as error:
            self._file.close()
            if isinstance(error, (ValueError, KeyError, TypeError, AttributeError, struct.error, RecursionError)):
                raise CorruptFileError(f"{self.name!r} must be a whole safetensors file: {error}.") from error
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def _header(self, size: int) -> tuple[dict[str, ArraySpec], dict[str, int]]:
        (length,) = struct.unpack("<Q", self._file.read(8))
        if length > min(MAX_HEADER, size - 8):
            raise ValueError(f"its header claims {length} bytes in a file of {size}")
        entries = json.loads(self._file.read(length).decode("utf-8"))
        digest = (entries.pop("__metadata__", None) or {}).get(DIGEST)
        if digest is not None and digest != _digest(entries, iter(lambda: self._file.read(2**20), b"")):
            raise ValueError("its content is not that of its digest")
        specs, places, end = {}, {}, 0
        for name, entry in sorted(entries.items(), key=lambda item: item[1]["data_offsets"]):
            spec = ArraySpec(tuple(entry["shape"]), _KINDS[entry["dtype"]])
            if any(type(n) is not int or n < 0 for n in (*spec.shape, *entry["data_offsets"])):
                raise ValueError(f"tensor {name!r} has no believable shape: {entry!r}")
            start, stop = entry["data_offsets"]
            if start != end or stop - start != math.prod(spec.shape) * numpy_dtype(spec.dtype).itemsize:
                raise ValueError(f"tensor {name!r} does not lie where its shape says: {entry!r}")
            specs[name], places[name], end = spec, 8 + length + start, stop
        if 8 + length + end != size:
            raise ValueError(f"its tensors take {end} bytes, and {size - 8 - length} are there")
        return specs, places

    def read(self, name: str) -> np.ndarray:
        """The array of that name."""
        spec = self.specs[name]
        dtype = numpy_dtype(spec.dtype)
        self._file.seek(self._places[name])
        raw = self._file.read(math.prod(spec.shape) * dtype.itemsize)
        return np.frombuffer(raw, dtype).reshape(spec.shape)


def _digest(entries: dict[str, Any], pieces: Iterable[bytes]) -> str:
    """The SHA-256 of what a header says of tensors, and of their bytes."""
    found = hashlib.sha256(json.dumps(entries, sort_keys=True).encode())
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()


def write_tensors(path: str | os.PathLike[str], tensors: Mapping[str, np.ndarray]) -> None:
    """Writes arrays by name; equal contents make equal bytes.

    Raises:
        DTypeError: the format has no word for a dtype.
    """
    entries: dict[str, Any] = {}
    at = 0
    for name, array in tensors.items():
        if array.dtype.name not in _CODES:
            raise DTypeError(
                f"A safetensors file holds {', '.join(_CODES)}; {name!r} has dtype {array.dtype}. Save to a `.weights.h5` file."
            )
        entries[name] = {"dtype": _CODES[array.dtype.name], "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    digest = _digest(entries, (np.ascontiguousarray(array).tobytes() for array in tensors.values()))
    header = json.dumps({"__metadata__": {"format": "np", DIGEST: digest}, **entries}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    with Path(path).open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for array in tensors.values():
            file.write(np.ascontiguousarray(array).tobytes())
