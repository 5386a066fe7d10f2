"""Weights in the folders that `OrbaxCheckpoint` writes, Cornu's and Keras's: one folder a checkpoint, called by a number.

Shapes and dtypes, as the checkpoint's own description has them, are compared with the model's before an array is read, and only arrays that fit
are. The bytes themselves are read by the package `orbax-checkpoint`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cornu import dtypes
from cornu.callbacks.orbax import MARK, flat, load_orbax
from cornu.errors import CorruptFileError, UnsafeFileError
from cornu.saving.hdf5 import ArraySpec

__all__ = ["OrbaxReader", "is_orbax"]

MAX_DESCRIPTION = 64 * 2**20
"""The most bytes of a file that describes arrays."""
ROLES = ("trainable_variables", "non_trainable_variables")


def is_orbax(folder: Path) -> bool:
    """Whether a folder holds checkpoints of Orbax, or is one."""
    return folder.is_dir() and bool(_checkpoints(folder) or (folder / MARK).is_file())


def _checkpoints(folder: Path) -> list[Path]:
    found = [path for path in folder.iterdir() if path.name.isdecimal() and (path / MARK).is_file()]
    return sorted(found, key=lambda path: int(path.name))


class OrbaxReader:
    """The weights of the latest checkpoint in a folder, or of the one that the folder is.

    Args:
        folder: the folder.
        wanted: the paths of the model's variables. The model's own name at their front, or at the front of those in the checkpoint, is
            passed over where they fit so: it differs from run to run.

    Attributes:
        specs: shape and dtype of each array, by the paths wanted; others by their own.

    Raises:
        BackendError: the package is not installed.
        UnsafeFileError: the folder leads elsewhere, or its arrays are laid out so that reading them would take more room than they do.
        CorruptFileError: it holds no whole checkpoint of weights.
    """

    def __init__(self, folder: Path, wanted: Sequence[str]) -> None:
        self._orbax = load_orbax()
        self._path = (_checkpoints(folder) or [folder])[-1]
        self.name = os.fspath(self._path)
        _check_files(self._path)
        stored = dict(self._described())
        names = _matched(list(stored), wanted)
        self._stored = {names.get(path, path): (keys, spec) for path, (keys, spec) in stored.items()}
        seeds = {path for path in self._stored if path not in wanted and path.rpartition("/")[2] == "seed_generator_state"}
        self.specs = {path: spec for path, (_, spec) in self._stored.items() if path not in seeds}

    def read(self, path: str) -> np.ndarray:
        """The array of that path."""
        keys, spec = self._stored[path]
        abstract: Any = np.broadcast_to(np.zeros((), dtypes.numpy_dtype(spec.dtype)), spec.shape)
        for key in reversed(keys):
            abstract = {key: abstract}
        options = self._orbax.options.PyTreeOptions
        try:
            with self._orbax.Context(pytree_options=options(loading=options.Loading(partial_load=True))):
                found = self._orbax.load_checkpointables(self.name, {"pytree": abstract})["pytree"]
            for key in keys:
                found = found[key]
        except Exception as error:  # of whatever kind Orbax raises for what it cannot read
            raise _damaged(self.name, error) from error
        array = np.asarray(found)
        if array.shape != spec.shape:
            raise CorruptFileError(
                f"{path!r} in {self.name!r} must have the shape that its description says, {spec.shape}; it has {array.shape}."
            )
        return array

    def _described(self) -> Iterator[tuple[str, tuple[tuple[str, ...], ArraySpec]]]:
        try:
            pytree = self._orbax.checkpointables_metadata(self.name).metadata["pytree"]
            leaves = [(role, path, leaf) for role in ROLES for path, leaf in flat(pytree.get(role) or {})]
            for role, path, leaf in leaves:
                shape, storage = tuple(map(int, leaf.shape)), leaf.storage_metadata
                chunk = tuple(getattr(storage, "chunk_shape", None) or shape)
                if len(chunk) != len(shape) or any(piece > max(length, 1) for piece, length in zip(chunk, shape, strict=True)):
                    raise UnsafeFileError(f"{path!r} in {self.name!r} must be stored in pieces no larger than it is, {shape}; got {chunk}.")
                yield path, ((role, *path.split("/")), ArraySpec(shape, dtypes.standardize(leaf.dtype)))
        except UnsafeFileError:
            raise
        except Exception as error:
            raise _damaged(self.name, error) from error


def _matched(stored: Sequence[str], wanted: Sequence[str]) -> dict[str, str]:
    """For paths in a checkpoint those of the model's: as they are, or without what one or both begin with."""
    pairings = [(theirs, ours) for theirs in (stored, _shortened(stored)) for ours in (wanted, _shortened(wanted))]
    theirs, ours = max(pairings, key=lambda pair: len(set(pair[0]) & set(pair[1])))
    model = dict(zip(ours, wanted, strict=True))
    return {path: model[short] for path, short in zip(stored, theirs, strict=True) if short in model}


def _shortened(paths: Sequence[str]) -> list[str]:
    """The paths without their first part, where all layers' have it in common."""
    firsts = {path.partition("/")[0] for path in paths if path.count("/") > 1}
    return [path.partition("/")[2] if len(firsts) == 1 and path.startswith(f"{min(firsts)}/") else path for path in paths]


def _check_files(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():
            raise UnsafeFileError(
                f"A checkpoint's files must be in its folder, and {str(path)!r} is a symbolic link. Put the file itself there."
            )
        if path.is_file() and path.parent.name != "d" and path.stat().st_size > MAX_DESCRIPTION:
            raise UnsafeFileError(f"{str(path)!r} must be at most {MAX_DESCRIPTION} bytes; it has {path.stat().st_size}.")


def _damaged(name: str, error: Exception) -> CorruptFileError:
    return CorruptFileError(
        f"{name!r} must hold a whole checkpoint of Orbax with a model's weights: {type(error).__name__}: {error!s:.300}"
    )
