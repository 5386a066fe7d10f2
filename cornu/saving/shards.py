"""Weights in several HDF5 files of limited size, with a list in JSON of what is where: the layout of Keras."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cornu.errors import ArgumentError, CorruptFileError, SavingError, UnsafeFileError
from cornu.saving.atomic import atomic_write
from cornu.saving.hdf5 import ArraySpec, Hdf5Reader, Hdf5Writer
from cornu.saving.layout import places
from cornu.saving.stores import Hdf5Store

__all__ = ["open_shards", "write_shards"]

MAX_LIST = 64 * 2**20


def write_shards(root: Any, path: Path, limit: int) -> None:
    """Writes every variable of `root` into files of at most `limit` bytes each (a variable larger than that has one of its own).

    The pieces get names that are not taken, then the list takes its name, then the pieces of the list before are removed: whenever it
    ends, a list with all its pieces is there.
    """
    if limit < 1:
        raise ArgumentError(f"max_shard_size must be more than 0, got {limit / 2**30}.")
    before = _pieces_of(path) if path.exists() else set()
    stem = path.name.removesuffix(".weights.json") + (f"_{secrets.token_hex(4)}" if before else "")
    where: dict[str, list[str]] = {}
    total = 0
    for number, shard in enumerate(_shards(root, limit)):
        name = f"{stem}_{number:05}.weights.h5"
        with atomic_write(path.with_name(name)) as temporary, Hdf5Writer(temporary) as writer:
            for place, (owner, arrays) in shard.items():
                writer.put(place, owner, arrays)
                total += sum(array.nbytes for array in arrays.values())
                if arrays:
                    where.setdefault(f"/{place}/vars" if place else "/vars", []).append(name)
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": where}, indent=4))
    for name in before - {name for names in where.values() for name in names}:
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


def _listed(path: Path) -> dict[str, list[str]]:
    """Which files hold which object's variables, every name checked to be that of a plain neighbour."""
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
        if not isinstance(name, str) or os.path.basename(name) != name or not name.endswith(".weights.h5"):
            raise UnsafeFileError(f"{os.fspath(path)!r} must name files beside it that end in '.weights.h5', and names {name!r}.")
    return found


def _pieces_of(path: Path) -> set[str]:
    with contextlib.suppress(CorruptFileError, UnsafeFileError):
        return {name for names in _listed(path).values() for name in names}
    return set()


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
    names = sorted({name for files in _listed(path).values() for name in files})
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(Hdf5Reader(path.with_name(name))) for name in names]
        yield _ShardStore(os.fspath(path), [Hdf5Store(reader) for reader in readers])
