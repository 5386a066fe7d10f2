"""Whole models in `.keras` archives, and weights alone."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cornu import serialization
from cornu.errors import ArgumentError, ConfigError, SavingError
from cornu.saving.archive import ArchiveReader, write_archive
from cornu.saving.assign import assign_by_layout, assign_by_path
from cornu.saving.atomic import atomic_write
from cornu.saving.hdf5 import Hdf5Reader
from cornu.saving.stores import Hdf5Store, write_hdf5, write_named
from cornu.saving.tensors import TensorReader

__all__ = ["load_model", "load_weights", "save_model", "save_weights"]

FORMAT = "3.15.1"
"""The version of Keras whose layout the files follow."""
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
MAX_JSON = 256 * 2**20


def save_model(model: Any, filepath: str | os.PathLike[str], overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
    """Writes a model's architecture, weights, and how it was compiled with the optimizer's state, to a `.keras` file that Keras reads too.

    The file is written beside its final place and takes its name at the end: whatever happens, there is the old file or the new one.

    Args:
        model: the model.
        filepath: ends in ".keras".
        overwrite: whether an existing file may be replaced.
        zipped: an archive if True, or None and the path ends in ".keras".

    Raises:
        ArgumentError: the path has another ending.
        ConfigError: something of the model cannot be written, so that it could not be loaded.
        SavingError: the file cannot be written; it names the path.
    """
    if kwargs:
        raise ArgumentError(f"save_model takes `overwrite` and `zipped`, got {sorted(kwargs)}.")
    path = Path(filepath)
    if path.suffix != ".keras" or zipped is False:
        raise ArgumentError(f"A model is saved to a path that ends in '.keras', got {os.fspath(filepath)!r} with zipped={zipped}.")
    _may_write(path, overwrite)
    config = json.dumps(serialization.serialize(model)).encode()
    metadata = json.dumps({"keras_version": FORMAT, "date_saved": f"{datetime.datetime.now():%Y-%m-%d@%H:%M:%S}"}).encode()
    with atomic_write(path) as temporary, _beside(temporary) as weights:
        write_hdf5(model, weights)
        write_archive(temporary, {METADATA: metadata, CONFIG: config, WEIGHTS: weights})


@contextlib.contextmanager
def _beside(temporary: Path) -> Iterator[Path]:
    """A second temporary file, gone afterwards."""
    other = temporary.with_suffix(".weights.part")
    try:
        yield other
    finally:
        other.unlink(missing_ok=True)


def _may_write(path: Path, overwrite: bool) -> None:
    if not overwrite and path.exists():
        raise SavingError(f"There is a file at {str(path)!r} already. Choose another path, or save with overwrite=True.")


def load_model(
    filepath: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """Reads a model from a `.keras` file, of Cornu or of Keras.

    Args:
        filepath: the file.
        custom_objects: classes and functions that the file names and that are not registered.
        compile: whether the model is compiled as it was, with the optimizer's state.
        safe_mode: loading is safe in either case.

    Raises:
        SavingError: the file cannot be read.
        CorruptFileError: it is damaged.
        UnsafeFileError: it asks for what no model file has a right to.
        UnknownNameError: it names a class that is not registered.
    """
    if not isinstance(safe_mode, bool):
        raise ArgumentError(f"safe_mode must be True or False, got {safe_mode!r}.")
    with ArchiveReader(filepath) as archive:
        config = archive.read_json(CONFIG, limit=MAX_JSON)
        model = serialization.deserialize(config if compile else _uncompiled(config), custom_objects)
        if not hasattr(model, "save_own_variables"):
            raise ConfigError(f"{os.fspath(filepath)!r} must describe a model, and describes {model!r}.")
        with archive.open(WEIGHTS) as member, Hdf5Reader(member, name=os.fspath(filepath)) as reader:
            assign_by_layout(model, Hdf5Store(reader))
    return model


def _uncompiled(config: Any) -> Any:
    """The configuration without what says how models are compiled."""
    if isinstance(config, dict):
        return {key: _uncompiled(value) for key, value in config.items() if key != "compile_config"}
    return [_uncompiled(value) for value in config] if isinstance(config, list) else config


def save_weights(
    model: Any, filepath: str | os.PathLike[str], overwrite: bool = True, max_shard_size: float | None = None, **kwargs: Any
) -> None:
    """Writes a model's weights alone.

    Args:
        model: the model or layer.
        filepath: ends in ".weights.h5" (Keras's layout, with the optimizer's state if the model is compiled) or ".safetensors"
            (weights under the paths of the variables).
        overwrite: whether an existing file may be replaced.
        max_shard_size: in GB, for files in pieces.

    Raises:
        ArgumentError: the path has another ending.
        SavingError: the file cannot be written; it names the path.
    """
    if kwargs or max_shard_size is not None:
        raise ArgumentError(f"save_weights takes `overwrite`, got {sorted(kwargs)} and {max_shard_size=}.")
    path = Path(filepath)
    _may_write(path, overwrite)
    write = {".safetensors": write_named, ".h5": write_hdf5}.get(path.suffix)
    if write is None or (path.suffix == ".h5" and not path.name.endswith(".weights.h5")):
        raise ArgumentError(f"Weights are saved to a path that ends in '.weights.h5' or '.safetensors', got {os.fspath(filepath)!r}.")
    with atomic_write(path) as temporary:
        write(model, temporary)


def load_weights(model: Any, filepath: str | os.PathLike[str], skip_mismatch: bool = False, **kwargs: Any) -> None:
    """Reads weights into a model; nothing is changed unless all of them fit.

    Args:
        model: the model or layer, built.
        filepath: a ".weights.h5", ".safetensors" or ".keras" file.
        skip_mismatch: leave out what does not fit, with a warning.
        objects_to_skip: layers that stay as they are.

    Raises:
        ShapeError: the file and the model differ; the message lists how.
        SavingError: the file cannot be read.
    """
    skipped = kwargs.pop("objects_to_skip", None) or ()
    if kwargs:
        raise ArgumentError(f"load_weights takes `skip_mismatch` and `objects_to_skip`, got {sorted(kwargs)}.")
    path = Path(filepath)
    if path.suffix == ".safetensors":
        with TensorReader(path) as tensors:
            assign_by_path(model.weights, tensors.specs, tensors.read, tensors.name, skip_mismatch=skip_mismatch)
        return
    with contextlib.ExitStack() as stack:
        source: Any = path
        if path.suffix == ".keras":
            source = stack.enter_context(stack.enter_context(ArchiveReader(path)).open(WEIGHTS))
        reader = stack.enter_context(Hdf5Reader(source, name=os.fspath(path)))
        assign_by_layout(model, Hdf5Store(reader), skip_mismatch=skip_mismatch, strict_optimizer=False, skipped=skipped)
