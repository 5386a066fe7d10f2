"""The one place where Cornu touches HDF5.

HDF5 is a small file system: links that lead into other files, datasets whose bytes lie elsewhere, filters that load plug-ins, shapes that
promise terabytes. A file of weights needs none of that, so the reader follows hard links only, takes plain numbers only, compares what a
dataset promises with the bytes that are really there before it makes room for it, and inflates compressed chunks itself, counting.

Layout (that of Keras 3): the variables of the object at `PATH` are the datasets `PATH/vars/0`, `PATH/vars/1`, …; the group `vars` has one
attribute, `name`. bfloat16 and the 8-bit floats are opaque bytes with the attribute `dtype`.

A file that Cornu writes ends in a digest of all before it, where HDF5 does not look: `cornu.sha256:` and 64 hexadecimal digits. A file without
one, written or changed by another program, is read as it is.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import math
import os
import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import h5py
import numpy as np

from cornu.dtypes import DTYPES, numpy_dtype
from cornu.errors import CorruptFileError, DTypeError, SavingError, ShapeError, UnsafeFileError
from cornu.saving.hdf5_raw import REFERENCE, check_heap, references

__all__ = ["ArraySpec", "Hdf5Reader", "Hdf5Writer"]

OPAQUE = ("bfloat16", "float8_e4m3fn", "float8_e5m2")
FILTERS = {h5py.h5z.FILTER_DEFLATE: "gzip", h5py.h5z.FILTER_SHUFFLE: "shuffle"}
GROWTH = 20  # a compressed dataset of unexpected shape may hold this many times the file's size …
SMALL = 16 * 2**20  # … or this many bytes
MAX_TEXT = 2**20
MAX_TEXTS = 100_000
MAX_TEXTS_BYTES = 64 * 2**20  # of all lists of texts in a file together
MAX_DEPTH = 200
SEAL = b"cornu.sha256:"
SEALED = len(SEAL) + 2 * hashlib.sha256().digest_size
PIECE = 2**20
ATTRIBUTE = 64_512  # the most bytes of an attribute, by HDF5's limit on the header of an object …

_BROKEN = (struct.error, OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, OverflowError, MemoryError)


@dataclass(frozen=True)
class ArraySpec:
    """Shape and dtype of a stored array."""

    shape: tuple[int, ...]
    dtype: str


class Hdf5Reader:
    """A checked, read-only view of an HDF5 file; a context manager.

    Args:
        source: a path, or a seekable binary file (a member of an archive).
        name: how error messages call the file; the path, if left out.

    Raises:
        CorruptFileError: the file is no HDF5 file, or is truncated or damaged. Any method may raise it.
        UnsafeFileError: a path leads through anything but a hard link, or ends at anything but plain numbers of a believable size.
    """

    def __init__(self, source: str | os.PathLike[str] | IO[bytes], *, name: str | None = None) -> None:
        self.name = name or (os.fspath(source) if isinstance(source, (str, os.PathLike)) else "the file")
        if isinstance(source, (str, os.PathLike)) and not Path(source).is_file():
            raise SavingError(f"There must be a file at {self.name!r}, and there is none.")
        with self._guarded(""):
            self._owns = isinstance(source, (str, os.PathLike))
            self._raw: IO[bytes] = Path(source).open("rb") if isinstance(source, (str, os.PathLike)) else source  # noqa: SIM115 - see `close`
            try:
                self._size = self._raw.seek(0, os.SEEK_END)
                self._check_seal()
                self._file = h5py.File(source, "r")
            except BaseException:
                self._close_raw()
                raise
        self._room = MAX_TEXTS_BYTES

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _check_seal(self) -> None:
        """Raises where the file ends in a digest that is not that of what stands before it, or in the beginning of one."""
        self._raw.seek(-min(SEALED, self._size), os.SEEK_END)
        seal = self._raw.read()
        damaged = SEAL in seal and seal != _seal(self._raw, self._size - SEALED)
        self._raw.seek(0)
        if damaged:
            raise CorruptFileError(f"{self.name!r} is damaged: its content is not that of its digest. Use another copy.")

    def close(self) -> None:
        """Close the file (not a binary file that was handed in)."""
        self._file.close()
        self._close_raw()

    def _close_raw(self) -> None:
        if self._owns:
            self._raw.close()

    def groups(self, path: str = "") -> list[str]:
        """The names of the groups directly in the group at `path`, numbers in numeric order."""
        return self._names(path, h5py.Group)

    def datasets(self, path: str = "") -> list[str]:
        """The names of the datasets directly in the group at `path`, numbers in numeric order."""
        return self._names(path, h5py.Dataset)

    def __contains__(self, path: str) -> bool:
        """Whether there is a group or dataset at `path`."""
        parent, _, last = path.rpartition("/")
        with self._guarded(path):
            return (not parent or parent in self) and _has(self._item(parent), last)

    def walk(self, path: str = "") -> Iterator[str]:
        """The paths of all datasets below `path`; a file in which an object has two names is refused, since such trees need not end."""
        seen: set[Any] = set()
        waiting = [path]
        while waiting:
            here = waiting.pop()
            if here.count("/") > MAX_DEPTH:
                raise UnsafeFileError(f"Groups in {self.name!r} must nest at most {MAX_DEPTH} deep; {here[:200]!r} goes on.")
            item = self._item(here)
            with self._guarded(here):
                address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                raise UnsafeFileError(f"Every object in {self.name!r} must have one name; {here!r} is a second one.")
            seen.add(address)
            if isinstance(item, h5py.Dataset):
                yield here
            else:
                with self._guarded(here):
                    names = sorted(item.keys(), key=_natural, reverse=True)
                waiting += [f"{here}/{name}" if here else name for name in names]

    def spec(self, path: str) -> ArraySpec:
        """Shape and dtype of the dataset at `path`, all its promises checked; nothing is read."""
        dataset, dtype = self._dataset(path)
        with self._guarded(path):
            self._check_storage(dataset, path)
            return ArraySpec(tuple(dataset.shape), dtype)

    def read(self, path: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
        """The array of the dataset at `path`, in native byte order.

        Args:
            path: the dataset.
            shape: the shape it must have; without it, a compressed dataset that grows beyond belief is refused.

        Raises:
            ShapeError: it has another shape; nothing was read or allocated.
        """
        spec = self.spec(path)
        if shape is not None and spec.shape != tuple(shape):
            raise ShapeError(f"{path!r} in {self.name!r} must have shape {tuple(shape)}; it has {spec.shape}.")
        dataset, _ = self._dataset(path)
        dtype = numpy_dtype(spec.dtype)
        with self._guarded(path):
            bytes_ = math.prod(spec.shape) * dtype.itemsize
            if shape is None and bytes_ > max(SMALL, GROWTH * self._size):
                raise UnsafeFileError(f"{path!r} in {self.name!r} claims {bytes_} bytes in a file of {self._size}.")
            stored = dataset.dtype
            array = np.empty(spec.shape, stored)
            if dataset.chunks is None:
                if array.size:
                    dataset.read_direct(array)
            else:
                self._read_chunks(dataset, array, path)
            return array.view(dtype) if stored.kind == "V" else array.astype(dtype, copy=False)

    def has_attribute(self, path: str, key: str) -> bool:
        """Whether the object at `path` has an attribute of that name."""
        item = self._item(path)
        with self._guarded(path):
            return key in item.attrs

    def text(self, path: str, key: str) -> str | None:
        """The text attribute `key` of the object at `path`; None where there is none."""
        found = self._attribute(path, key, rank=0)
        return None if found is None else self._decoded(path, found)

    def texts(self, path: str, key: str) -> list[str] | None:
        """The list-of-texts attribute `key` of the object at `path`; None where there is none.

        A list too long for one attribute lies in several: `layer_names0`, `layer_names1`, …
        """
        found = self._attribute(path, key, rank=1)
        if found is not None:
            return [self._decoded(path, entry) for entry in found]
        pieces = itertools.takewhile(
            lambda piece: piece is not None, (self._attribute(path, f"{key}{n}", rank=1) for n in itertools.count())
        )
        listed = [self._decoded(path, entry) for piece in pieces for entry in piece]
        return listed or None

    # -- where things are

    @contextlib.contextmanager
    def _guarded(self, path: str) -> Iterator[None]:
        """Whatever the HDF5 library has against the file becomes a `CorruptFileError` that says where."""
        try:
            yield
        except (CorruptFileError, SavingError, UnsafeFileError, ShapeError):
            raise
        except _BROKEN as error:
            where = f"{path!r} in {self.name!r}" if path else f"{self.name!r}"
            raise CorruptFileError(f"{where} cannot be read as HDF5: {error}.") from error

    def _item(self, path: str) -> Any:
        """The group or dataset at `path`, each step on the way a hard link."""
        item: Any = self._file
        for step in path.split("/") if path else ():
            with self._guarded(path):
                if not _has(item, step):
                    raise CorruptFileError(f"{self.name!r} must have {path!r}, and has no such entry.")
                if item.id.links.get_info(step.encode()).type != h5py.h5l.TYPE_HARD:
                    raise UnsafeFileError(
                        f"{path!r} in {self.name!r} must be reached by hard links only, and {step!r} is a soft or external one."
                    )
                item = item[step]
        if not isinstance(item, (h5py.Group, h5py.Dataset)):
            raise UnsafeFileError(f"{path!r} in {self.name!r} must be a group or a dataset; it is {item!r}.")
        return item

    def _names(self, path: str, kind: type) -> list[str]:
        item = self._item(path)
        if not isinstance(item, h5py.Group):
            raise CorruptFileError(f"{path!r} in {self.name!r} must be a group.")
        with self._guarded(path):
            names = sorted(item.keys(), key=_natural)
        return [name for name in names if isinstance(self._item(f"{path}/{name}" if path else name), kind)]

    def _attribute(self, path: str, key: str, *, rank: int) -> Any:
        item = self._item(path)
        with self._guarded(path):
            if key not in item.attrs:
                return None
            attribute = item.attrs.get_id(key)
            if 0 in attribute.shape:
                return []  # an empty list has no texts by which to know its type
            if len(attribute.shape) != rank or attribute.get_storage_size() > MAX_TEXT * 16 or math.prod(attribute.shape) > MAX_TEXTS:
                raise UnsafeFileError(f"The attribute {key!r} of {path!r} in {self.name!r} has no believable shape: {attribute.shape}.")
            if h5py.check_string_dtype(attribute.dtype) is None and attribute.dtype.kind != "S":
                raise UnsafeFileError(f"The attribute {key!r} of {path!r} in {self.name!r} must be text; it is {attribute.dtype}.")
            self._check_texts(item, key, attribute)
            return item.attrs[key]

    def _check_texts(self, item: Any, key: str, attribute: Any) -> None:
        """Count what a list of texts will take in memory, and stop before all lists together take too much; look at where the texts lie."""
        count, found = math.prod(attribute.shape), None
        if h5py.check_string_dtype(attribute.dtype).length is not None:
            taken = attribute.get_storage_size()  # texts of a fixed length lie there themselves
        else:
            with contextlib.suppress(ValueError, struct.error):
                found = references(self._bytes, h5py.h5o.get_info(item.id).addr, key, count)
            for heap in {place for _, place in found or ()}:
                check_heap(self._bytes, heap)
            taken = count * self._size if found is None else sum(length for length, _ in found)
        self._room -= taken if attribute.shape else 0
        if self._room < 0:
            raise UnsafeFileError(f"The texts in {self.name!r} must take at most {MAX_TEXTS_BYTES} bytes; with {key!r} they take more.")

    def _bytes(self, at: int, count: int) -> bytes:
        self._raw.seek(at + self._file.id.get_create_plist().get_userblock())
        return self._raw.read(count)

    def _decoded(self, path: str, text: Any) -> str:
        with self._guarded(path):
            return text.decode("utf-8") if isinstance(text, bytes) else str(text)

    # -- what they are

    def _dataset(self, path: str) -> tuple[Any, str]:
        """The dataset at `path` and the name of its dtype, which is one of Cornu's."""
        item = self._item(path)
        if not isinstance(item, h5py.Dataset):
            raise CorruptFileError(f"{path!r} in {self.name!r} must be a dataset; it is a group.")
        with self._guarded(path):
            stored, size = item.dtype, item.id.get_type().get_size()
        if stored.kind == "V" and stored.fields is None and stored.subdtype is None:
            named = self.text(path, "dtype")
            if named in OPAQUE and numpy_dtype(named).itemsize == stored.itemsize == size:
                return item, named
            raise UnsafeFileError(f"{path!r} in {self.name!r} must say which of {OPAQUE} its opaque bytes are; it says {named!r}.")
        if stored.kind not in "biufc" or stored.name not in DTYPES or h5py.check_enum_dtype(stored) or stored.itemsize != size:
            raise UnsafeFileError(f"{path!r} in {self.name!r} must hold plain numbers; its type is {stored}.")
        return item, str(stored.name)

    def _check_storage(self, dataset: Any, path: str) -> None:
        """Compare what the dataset promises with the bytes that are there."""
        where, settings = f"{path!r} in {self.name!r}", dataset.id.get_create_plist()
        if dataset.shape is None:
            raise UnsafeFileError(f"{where} must have a shape; it is an empty dataspace.")
        if settings.get_external_count() or dataset.is_virtual:
            raise UnsafeFileError(f"{where} must hold its numbers itself; they lie in other files or datasets.")
        nbytes, stored = math.prod(dataset.shape) * dataset.dtype.itemsize, dataset.id.get_storage_size()
        if dataset.chunks is not None:
            self._check_chunks(dataset, settings, nbytes, where)
        elif stored != nbytes:
            raise CorruptFileError(f"{where} must hold {nbytes} bytes for shape {dataset.shape}; it holds {stored}.")
        elif nbytes and settings.get_layout() == h5py.h5d.CONTIGUOUS:
            start = dataset.id.get_offset()
            if start is None or start + nbytes > self._size:
                raise CorruptFileError(f"{where} reaches beyond the end of the file ({self._size} bytes).")

    def _check_chunks(self, dataset: Any, settings: Any, nbytes: int, where: str) -> None:
        filters = [settings.get_filter(i)[0] for i in range(settings.get_nfilters())]
        if any(code not in FILTERS for code in filters) or len(set(filters)) != len(filters):
            raise UnsafeFileError(f"{where} must use no filters but gzip and shuffle, each once; its filters are {filters}.")
        if math.prod(dataset.chunks) * dataset.dtype.itemsize > 2 * nbytes + SMALL:
            raise UnsafeFileError(f"{where} has chunks of shape {dataset.chunks} for an array of shape {dataset.shape}.")
        promised = math.prod(-(-size // chunk) for size, chunk in zip(dataset.shape, dataset.chunks, strict=True))
        if dataset.id.get_num_chunks() != promised:
            raise CorruptFileError(f"{where} must have {promised} chunks; {dataset.id.get_num_chunks()} are there.")

    def _read_chunks(self, dataset: Any, array: np.ndarray, path: str) -> None:
        """Fill the array chunk by chunk. HDF5's own gzip filter inflates without a bound, so its work is done here, with one."""
        settings = dataset.id.get_create_plist()
        filters = [settings.get_filter(i)[0] for i in range(settings.get_nfilters())]
        size = math.prod(dataset.chunks) * dataset.dtype.itemsize
        chunks: list[Any] = []
        dataset.id.chunk_iter(chunks.append)
        starts = itertools.product(*(range(0, n, c) for n, c in zip(dataset.shape, dataset.chunks, strict=True)))
        if sorted(chunk.chunk_offset for chunk in chunks) != sorted(starts):
            raise CorruptFileError(f"{path!r} in {self.name!r} must have each of its chunks once.")
        for chunk in chunks:
            if chunk.byte_offset + chunk.size > self._size:
                raise CorruptFileError(f"{path!r} in {self.name!r} reaches beyond the end of the file ({self._size} bytes).")
            mask, raw = dataset.id.read_direct_chunk(chunk.chunk_offset)
            used = [code for i, code in enumerate(filters) if not mask >> i & 1]
            block = np.frombuffer(_unfilter(raw, used, size, dataset.dtype.itemsize), dataset.dtype).reshape(dataset.chunks)
            place = tuple(
                slice(start, min(start + c, n)) for start, c, n in zip(chunk.chunk_offset, dataset.chunks, dataset.shape, strict=True)
            )
            array[place] = block[tuple(slice(0, s.stop - s.start) for s in place)]


def _unfilter(raw: bytes, filters: list[int], size: int, itemsize: int) -> bytes:
    """Undo the filters of one chunk, last first; the result has exactly `size` bytes or a `ValueError` is raised."""
    for code in reversed(filters):
        if code == h5py.h5z.FILTER_DEFLATE:
            try:
                raw = zlib.decompressobj().decompress(raw, size + 1)
            except zlib.error as error:
                raise ValueError(f"a chunk does not inflate ({error})") from error
        elif len(raw) == size:  # shuffle: all first bytes, then all second bytes, …
            raw = np.frombuffer(raw, np.uint8).reshape(itemsize, -1).T.tobytes()
    if len(raw) != size:
        raise ValueError(f"a chunk must hold {size} bytes and holds {'more' if len(raw) > size else len(raw)}")
    return raw


def _has(item: Any, name: str) -> bool:
    """Whether the group has a link of that very name; asked of the link itself, since `name in group` would already follow it."""
    return isinstance(item, h5py.Group) and name not in ("", ".") and "/" not in name and item.id.links.exists(name.encode())


def _natural(name: str) -> tuple[bool, int, str]:
    """Numbers first and by value ("2" before "10"), then names by letter."""
    return (False, int(name), name) if re.fullmatch(r"[0-9]{1,18}", name) else (True, 0, name)


class _PatientFile(io.FileIO):
    """A file that remembers the first refusal of the disk and lets the writer go on regardless.

    The HDF5 library does not survive a disk that is full when it closes a file (it ends the process), so the refusal is told afterwards.
    """

    failure: OSError | None = None

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w+")

    def write(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        done = 0
        while self.failure is None and done < len(view):
            try:
                done += super().write(view[done:])
            except OSError as error:
                self.failure = error
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self.failure = self.failure or error
            return size or 0


def _seal(file: IO[bytes], size: int) -> bytes:
    """The digest of the first `size` bytes of a file, as it stands at the end of one."""
    digest = hashlib.sha256()
    file.seek(0)
    while size > 0 and (piece := file.read(min(PIECE, size))):
        digest.update(piece)
        size -= len(piece)
    return SEAL + digest.hexdigest().encode()


class Hdf5Writer:
    """A new HDF5 file in Keras's layout; a context manager. Equal contents make equal bytes.

    Args:
        path: the file to write, anew (see `atomic_write` for the safe way to choose it).
        sealed: whether it ends in a digest; a member of an archive has one there.
    """

    def __init__(self, path: str | os.PathLike[str], *, sealed: bool = True) -> None:
        self.path, self._sealed = Path(path), sealed
        with self._guarded():
            self._disk = _PatientFile(self.path)
            self._file = h5py.File(self._disk, "w")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what is pending and close the file; a disk that refused anything is reported here at the latest."""
        with self._guarded():
            self._file.close()
            self._disk.close()
            if self._disk.failure is not None:
                raise self._disk.failure
            if self._sealed:
                self._sealed = False
                with self.path.open("r+b") as file:
                    file.write(_seal(file, file.seek(0, os.SEEK_END)))

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (OSError, RuntimeError) as error:
            cause = (getattr(self, "_disk", None) and self._disk.failure) or error
            raise SavingError(f"Could not write {os.fspath(self.path)!r}: {cause}.") from cause

    def put(self, path: str, name: str, arrays: Iterable[np.ndarray] | Mapping[str, np.ndarray] = ()) -> None:
        """Write the variables of one object, in its group `path/vars`.

        Args:
            path: the object's own group ("layers/dense"; "" for the model itself).
            name: the object's name, kept as the attribute `name`.
            arrays: its variables' values, in order (called "0", "1", …) or by key.

        Raises:
            DTypeError: an array holds something other than plain numbers (texts, objects).
        """
        named = arrays if isinstance(arrays, Mapping) else {str(i): array for i, array in enumerate(arrays)}
        with self._guarded():
            group = self._file.create_group(f"{path}/vars" if path else "vars")
            group.attrs["name"] = name
            for key, array in named.items():
                self._write(group, key, np.asarray(array), path)

    def put_named(self, path: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Write a group in the layout of Keras 1 and 2: arrays under their names, which may be paths, listed in the attribute `weight_names`.

        Raises:
            DTypeError: an array holds something other than plain numbers (texts, objects).
        """
        with self._guarded():
            group = self._file.create_group(path)
            for name, array in arrays.items():
                self._write(group, name, np.asarray(array), path)
        self.texts(path, "weight_names", list(arrays))

    def text(self, path: str, key: str, value: str) -> None:
        """Write a text as the attribute `key` of the group at `path`, which is made if need be."""
        with self._guarded():
            self._file.require_group(path or "/").attrs[key] = value

    def texts(self, path: str, key: str, values: Sequence[str]) -> None:
        """Write a list of texts as an attribute, or as several where one would be longer than HDF5 allows: `key0`, `key1`, …"""
        with self._guarded():
            attributes = self._file.require_group(path or "/").attrs
            if not values:
                attributes[key] = np.zeros(0)
                return
            most = ATTRIBUTE // REFERENCE
            for n, start in enumerate(range(0, len(values), most)):
                attributes[f"{key}{n}" if len(values) > most else key] = list(values[start : start + most])

    def _write(self, group: Any, key: str, array: np.ndarray, path: str) -> None:
        if array.dtype.name not in DTYPES or array.dtype.kind in "OUS":
            raise DTypeError(f"A variable must hold plain numbers to be saved; {path}/vars/{key} has dtype {array.dtype}.")
        if array.dtype.name in OPAQUE:
            dataset = group.create_dataset(key, data=np.ascontiguousarray(array).reshape(array.shape).view(f"V{array.dtype.itemsize}"))
            dataset.attrs["dtype"] = array.dtype.name
        else:
            group.create_dataset(key, data=array)
