"""Weights in several files of limited size, with a list in JSON of what is where.

HDF5 files are laid out as Keras does it (`NAME.weights.json` and its pieces), files of named tensors as the programs do it that share them
(`NAME.safetensors.index.json` and its pieces).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cornu.errors import ArgumentError, CorruptFileError, SavingError, UnsafeFileError
from cornu.saving.atomic import atomic_write
from cornu.saving.hdf5 import ArraySpec, Hdf5Reader, Hdf5Writer
from cornu.saving.layout import places
from cornu.saving.stores import Hdf5Store, named_arrays
from cornu.saving.tensors import TensorReader, write_tensors

__all__ = ["INDEX", "open_shards", "open_tensor_shards", "remove_tensor_shards", "write_shards", "write_tensor_shards"]

MAX_LIST = 64 * 2**20
HDF5, TENSORS, LIST, INDEX = ".weights.h5", ".safetensors", ".weights.json", ".index.json"
_PIECES = {
    HDF5: (LIST, r"(_[0-9a-f]{8})?_\d{5,}\.weights\.h5"),
    TENSORS: (TENSORS + INDEX, r"(-[0-9a-f]{8})?-\d{5,}-of-\d{5,}\.safetensors"),
}
"""By the pieces' ending: that of their list, and how their names go on after that of the list."""


def write_shards(root: Any, path: Path, limit: int) -> None:
    """Writes every variable of `root` into files of at most `limit` bytes each (a variable larger than that has one of its own).

    The pieces get names that are not taken, then the list takes its name, then the pieces of the list before are removed: whenever it
    ends, a list with all its pieces is there.
    """
    if limit < 1:
        raise ArgumentError(f"max_shard_size must be more than 0, got {limit / 2**30}.")
    old = _own_pieces(path, HDF5)
    stem = path.name.removesuffix(LIST) + (f"_{secrets.token_hex(4)}" if _taken(path, HDF5) else "")
    where: dict[str, list[str]] = {}
    total = 0
    with _pieces_or_none(path, HDF5) as made:
        for number, shard in enumerate(_shards(root, limit)):
            name = f"{stem}_{number:05}.weights.h5"
            made.add(name)
            with atomic_write(path.with_name(name)) as temporary, Hdf5Writer(temporary) as writer:
                for place, (owner, arrays) in shard.items():
                    writer.put(place, owner, arrays)
                    total += sum(array.nbytes for array in arrays.values())
                    if arrays:
                        where.setdefault(f"/{place}/vars" if place else "/vars", []).append(name)
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": where}, indent=4))
    for name in old - made:
        path.with_name(name).unlink(missing_ok=True)


_Shard = dict[str, tuple[str, dict[str, np.ndarray]]]


def _shards(root: Any, limit: int) -> Iterator[_Shard]:
    shard: _Shard = {}
    size = 0
    for place in places(root):
        store: dict[str, Any] = {}
        place.owner.save_own_variables(store)
        shard[place.path] = (place.owner.name, {})
        for key, value in store.items():
            array = np.asarray(value)
            if size and size + array.nbytes > limit:
                yield shard
                shard, size = {}, 0
            shard.setdefault(place.path, (place.owner.name, {}))[1][key] = array
            size += array.nbytes
    yield shard


def _listed(path: Path, ending: str) -> dict[str, list[str]]:
    """Which files hold what, every name checked to be that of a plain neighbour with that ending."""
    try:
        if path.stat().st_size > MAX_LIST:
            raise UnsafeFileError(f"{os.fspath(path)!r} must be at most {MAX_LIST} bytes; it has {path.stat().st_size}.")
        listed = json.loads(path.read_text("utf-8"))["weight_map"]
        found = {str(place): [names] if isinstance(names, str) else list(names) for place, names in listed.items()}
    except OSError as error:
        raise SavingError(f"Could not read {os.fspath(path)!r}: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, UnsafeFileError):
            raise
        raise CorruptFileError(f"{os.fspath(path)!r} must be the list of a sharded file of weights: {error}.") from error
    for name in {name for names in found.values() for name in names}:
        if not isinstance(name, str) or os.path.basename(name) != name or "\\" in name or not name.endswith(ending):
            raise UnsafeFileError(f"{os.fspath(path)!r} must name files beside it that end in {ending!r}, and names {name!r}.")
    return found


def _pieces_of(path: Path, ending: str) -> set[str]:
    with contextlib.suppress(CorruptFileError, UnsafeFileError):
        return {name for names in _listed(path, ending).values() for name in names}
    return set()


def _is_piece(name: str, index: Path, ending: str) -> bool:
    """Whether a name is one that is given to pieces of this list."""
    of_list, pattern = _PIECES[ending]
    return re.fullmatch(re.escape(index.name.removesuffix(of_list)) + pattern, name) is not None


def _taken(index: Path, ending: str) -> bool:
    """Whether a file has a name that a piece of this list could get."""
    return any(_is_piece(name, index, ending) for name in os.listdir(index.parent)) if index.parent.is_dir() else False


def _own_pieces(index: Path, ending: str) -> set[str]:
    """The pieces that are this list's alone: they have its name, and no other list beside it names them."""
    if not index.exists():
        return set()
    others = (path for path in index.parent.glob(f"*{_PIECES[ending][0]}") if path.name != index.name)
    shared = {name for other in others for name in _pieces_of(other, ending)}
    return {name for name in _pieces_of(index, ending) - shared if _is_piece(name, index, ending)}


@contextlib.contextmanager
def _pieces_or_none(index: Path, ending: str) -> Iterator[set[str]]:
    """Gives a set for the names of new pieces; where the block raises before the list names them, they are removed."""
    made: set[str] = set()
    try:
        yield made
    except BaseException:
        with contextlib.suppress(OSError):
            for name in made - (_pieces_of(index, ending) if index.exists() else set()):
                index.with_name(name).unlink(missing_ok=True)
        raise


class _ShardStore:
    """Several files as one store of weights."""

    def __init__(self, name: str, files: list[Hdf5Store]) -> None:
        self.name = name
        self._homes: dict[str, dict[str, Hdf5Store]] = {}
        for file in files:
            for path in file.paths():
                for key in file.keys(path):
                    if self._homes.setdefault(path, {}).setdefault(key, file) is not file:
                        raise CorruptFileError(f"Each variable must be in one file of {name!r}, and {path}/vars/{key} is in several.")

    def keys(self, path: str) -> list[str]:
        """The keys of the variables of the object at `path`."""
        return list(self._homes.get(path, ()))

    def spec(self, path: str, key: str) -> ArraySpec:
        """Shape and dtype of a variable."""
        return self._homes[path][key].spec(path, key)

    def read(self, path: str, key: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
        """The value of a variable."""
        return self._homes[path][key].read(path, key, shape)

    def paths(self) -> set[str]:
        """The objects that have variables in the files."""
        return set(self._homes)


@contextlib.contextmanager
def open_shards(path: Path) -> Iterator[_ShardStore]:
    """The files that a list names, as one store.

    Raises:
        SavingError: one of them cannot be read.
        UnsafeFileError: the list names a file elsewhere.
    """
    names = sorted({name for files in _listed(path, HDF5).values() for name in files})
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(Hdf5Reader(path.with_name(name))) for name in names]
        yield _ShardStore(os.fspath(path), [Hdf5Store(reader) for reader in readers])


# --- named tensors ----------------------------------------------------------------------------------------------------


def write_tensor_shards(model: Any, path: Path, limit: int) -> None:
    """Writes a model's weights into files of named tensors of at most `limit` bytes each, beside a list of what is where.

    Whenever it ends, there is a list with all its pieces, the old or the new one.

    Args:
        model: the model.
        path: `NAME.safetensors`; the list gets that name with `.index.json`, and a single file of that name is removed at the end.
        limit: the most bytes of a piece; a tensor larger than that has one of its own.
    """
    if limit < 1:
        raise ArgumentError(f"max_shard_size must be more than 0, got {limit / 2**30}.")
    index = path.with_name(path.name + INDEX)
    old = _own_pieces(index, TENSORS)
    stem = path.name.removesuffix(TENSORS) + (f"-{secrets.token_hex(4)}" if _taken(index, TENSORS) else "")
    pieces = list(_filled(named_arrays(model), limit))
    where: dict[str, str] = {}
    total = sum(array.nbytes for piece in pieces for array in piece.values())
    with _pieces_or_none(index, TENSORS) as made:
        for number, piece in enumerate(pieces, 1):
            name = f"{stem}-{number:05}-of-{len(pieces):05}{TENSORS}"
            made.add(name)
            with atomic_write(path.with_name(name)) as temporary:
                write_tensors(temporary, piece)
            where |= dict.fromkeys(piece, name)
        with atomic_write(index) as temporary:
            temporary.write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": where}, indent=2))
    path.unlink(missing_ok=True)
    for name in old - made:
        path.with_name(name).unlink(missing_ok=True)


def _filled(arrays: Mapping[str, np.ndarray], limit: int) -> Iterator[dict[str, np.ndarray]]:
    piece: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        if piece and sum(held.nbytes for held in piece.values()) + array.nbytes > limit:
            yield piece
            piece = {}
        piece[name] = array
    yield piece


def remove_tensor_shards(path: Path) -> None:
    """Removes the list and the pieces that stood for a file of named tensors, once the file itself is there."""
    index = path.with_name(path.name + INDEX)
    if index.exists():
        pieces = _own_pieces(index, TENSORS)
        index.unlink()
        for name in pieces:
            path.with_name(name).unlink(missing_ok=True)


class _Tensors:
    """Several files of named tensors as one."""

    def __init__(self, name: str, where: Mapping[str, list[str]], files: Mapping[str, TensorReader]) -> None:
        self.name = name
        self._homes = {tensor: files[homes[0]] for tensor, homes in where.items()}
        lacking = [tensor for tensor, home in self._homes.items() if tensor not in home.specs]
        if lacking or any(len(homes) != 1 for homes in where.values()):
            raise CorruptFileError(f"Each tensor that {name!r} lists must be in the one file it names, and {lacking[:3] or 'one'} is not.")
        self.specs = {tensor: home.specs[tensor] for tensor, home in self._homes.items()}

    def read(self, name: str) -> np.ndarray:
        """The array of that name."""
        return self._homes[name].read(name)


@contextlib.contextmanager
def open_tensor_shards(index: Path) -> Iterator[_Tensors]:
    """The files that a list names, as one.

    Raises:
        SavingError: one of them cannot be read.
        CorruptFileError: one of them lacks a tensor that the list says it has.
        UnsafeFileError: the list names a file elsewhere.
    """
    where = _listed(index, TENSORS)
    with contextlib.ExitStack() as stack:
        files = {
            name: stack.enter_context(TensorReader(index.with_name(name))) for name in sorted({n for ns in where.values() for n in ns})
        }
        yield _Tensors(os.fspath(index), where, files)
