"""Whole models in `.keras` archives, and weights alone."""

from __future__ import annotations

import contextlib
import datetime
import json
import math
import numbers
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cornu import registry
from cornu.errors import ArgumentError, CorruptFileError, SavingError, UnsafeFileError
from cornu.saving.archive import ArchiveReader, write_archive
from cornu.saving.assets import FOLDER, MAX_ASSET, folder_assets, read_asset, read_assets, written_assets
from cornu.saving.assign import Store, assign_by_layout, assign_by_path, whole
from cornu.saving.atomic import atomic_folder, atomic_write
from cornu.saving.h5_model import make_model, read_h5_model, write_h5_model
from cornu.saving.hdf5 import Hdf5Reader
from cornu.saving.layered import LayeredStore, assign_by_layers, is_layered
from cornu.saving.loadable import loadable_config
from cornu.saving.orbax import OrbaxReader, is_orbax
from cornu.saving.shards import INDEX, open_shards, open_tensor_shards, remove_tensor_shards, write_shards, write_tensor_shards
from cornu.saving.stores import Hdf5Store, named_arrays, numbers_for, write_hdf5
from cornu.saving.tensors import TensorReader, write_tensors

__all__ = ["load_model", "load_weights", "may_write", "save_model", "save_weights"]

FORMAT = "3.15.1"
"""The version of Keras whose layout the files follow."""
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
MAX_JSON = 256 * 2**20
H5 = (".h5", ".hdf5")
"""Endings of whole models in the older format."""


def save_model(model: Any, filepath: str | os.PathLike[str], overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
    """Writes a model's architecture, weights, and how it was compiled with the optimizer's state; Keras reads the file too.

    The file is written beside its final place and takes its name at the end: whatever happens, there is the old file or the new one.

    Classes and functions that are not registered may be in the model; whoever loads it must then pass them as `custom_objects`. What
    no `custom_objects` could supply is refused: a lambda, an argument that no file can hold, a class that cannot be made from its own
    configuration, or a model that would have other weights when made again.

    Args:
        model: the model.
        filepath: a path that ends in ".keras", or with `zipped=False` a folder's; or one that ends in ".h5", for programs that read
            nothing newer.
        overwrite: whether what is there may be replaced.
        zipped: an archive if True, a folder of the same three files if False; by the path's ending if None.
        include_optimizer: whether the file says how the model was compiled, with the optimizer's state.

    Raises:
        ArgumentError: the path has another ending.
        ConfigError: the model could not be loaded again; the message says which argument of which class is to blame. Nothing was written.
        SavingError: the file cannot be written, or the folder holds other things; it names the path. Or the path ends in ".h5", and a layer
            has more to save than its weights, such as a vocabulary found in data.

    >>> import cornu, tempfile
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, f"{folder}/model.keras")
    ...     load_model(f"{folder}/model.keras").output_shape
    (None, 2)
    """
    optimizer = kwargs.pop("include_optimizer", True)
    if kwargs:
        raise ArgumentError(f"save_model takes `overwrite`, `zipped` and `include_optimizer`, got {sorted(kwargs)}.")
    path = Path(filepath)
    if path.suffix in H5 and zipped is None:
        may_write(path, overwrite)
        with atomic_write(path) as temporary:
            write_h5_model(model, temporary, FORMAT, optimizer=optimizer)
        return
    zipped = path.suffix == ".keras" if zipped is None else zipped
    if zipped != (path.suffix == ".keras") or path.suffix in H5:
        raise ArgumentError(
            "A model is saved to a path that ends in '.keras' (or '.h5', the older format), or with zipped=False to a folder that does not, "
            f"got {os.fspath(path)!r} with {zipped=}."
        )
    may_write(path, overwrite)
    _write_keras(model, path, zipped=zipped, optimizer=optimizer)


def _write_keras(model: Any, path: Path, *, zipped: bool, optimizer: bool) -> None:
    metadata: dict[str, Any] = {"keras_version": FORMAT, "date_saved": f"{datetime.datetime.now():%Y-%m-%d@%H:%M:%S}"}
    config, assets = loadable_config(model, compiled=optimizer).encode(), written_assets(model)
    if not zipped and assets:
        metadata[FOLDER] = sorted(assets)
    members: dict[str, bytes | Path] = {METADATA: json.dumps(metadata).encode(), CONFIG: config}
    if zipped:
        with atomic_write(path) as temporary, _beside(temporary) as weights:
            write_hdf5(model, weights, optimizer=optimizer, sealed=False)  # the archive has a digest of each member
            write_archive(temporary, {**members, WEIGHTS: weights, **assets})
    else:
        known = {CONFIG, METADATA, WEIGHTS, *_listed_assets(path / METADATA)}
        with atomic_folder(path, marks=(CONFIG, METADATA, WEIGHTS), others=(FOLDER,), known=known) as folder:
            for name, content in {**members, **assets}.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)  # type: ignore[arg-type]
            write_hdf5(model, folder / WEIGHTS, optimizer=optimizer)


def _listed_assets(metadata: Path) -> list[str]:
    """The assets that the save which made a folder wrote, as far as it says."""
    with contextlib.suppress(OSError, ValueError, RecursionError, AttributeError):
        listed = json.loads(metadata.read_text("utf-8")).get(FOLDER)
        return [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    return []


@contextlib.contextmanager
def _beside(temporary: Path) -> Iterator[Path]:
    """A second temporary file, gone afterwards."""
    other = temporary.with_suffix(".weights.part")
    try:
        yield other
    finally:
        other.unlink(missing_ok=True)


def may_write(path: Path, overwrite: bool) -> None:
    """Raises where a file is there already and must stay."""
    if not overwrite and path.exists():
        raise SavingError(f"There is a file at {str(path)!r} already. Choose another path, or save with overwrite=True.")


def load_model(
    filepath: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """Reads a model from a `.keras` file or folder, of Cornu or of Keras.

    A file can name only classes of Cornu and those that are registered or passed; no code in it is ever run.

    Args:
        filepath: the file or folder.
        custom_objects: classes and functions that the file names and that are not registered.
        compile: whether the model is compiled as it was, with the optimizer's state.
        safe_mode: loading is safe in either case.

    Raises:
        SavingError: the file cannot be read.
        CorruptFileError: it is damaged.
        UnsafeFileError: it asks for what no model file has a right to.
        UnknownNameError: it names a class that is not registered.
        ShapeError: its weights do not fit the model that it describes.
    """
    if not isinstance(safe_mode, bool):
        raise ArgumentError(f"safe_mode must be True or False, got {safe_mode!r}.")
    path = Path(filepath)
    if path.suffix in H5 and not path.is_dir():
        return read_h5_model(path, custom_objects, compiled=compile)
    with _opened(path) as (config, reader, archive), registry.scope(custom_objects):
        store = Hdf5Store(reader)
        model = make_model(config if compile else _uncompiled(config), numbers_for(store), os.fspath(path))
        assign_by_layout(model, store, strict_optimizer=_names_optimizer(config))
        if archive is None:
            read_assets(model, folder_assets(path), lambda name: read_asset(path / name))
        else:
            read_assets(model, archive.names(), lambda name: archive.read(name, limit=MAX_ASSET))
    return model


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Hdf5Reader, ArchiveReader | None]]:
    """The configuration and the weights of a model's archive or folder, and the archive."""
    name = os.fspath(path)
    with contextlib.ExitStack() as stack:
        archive = None
        if path.is_dir():
            config = _folder_config(path / CONFIG)
            source: Any = path / WEIGHTS
        else:
            archive = stack.enter_context(ArchiveReader(path))
            config = archive.read_json(CONFIG)
            source = stack.enter_context(archive.open(WEIGHTS))
        yield config, stack.enter_context(Hdf5Reader(source, name=name)), archive


def _folder_config(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_JSON:
            raise UnsafeFileError(f"{os.fspath(path)!r} must be at most {MAX_JSON} bytes; it has {path.stat().st_size}.")
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SavingError(f"Could not read {os.fspath(path)!r}: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, UnsafeFileError):
            raise
        raise CorruptFileError(f"{os.fspath(path)!r} must hold JSON: {error}.") from error


def _names_optimizer(config: Any) -> bool:
    """Whether the file says which optimizer its state is of. Keras leaves it out once a model has been saved to a ".h5" file before."""
    compiled = config.get("compile_config") if isinstance(config, dict) else None
    return not isinstance(compiled, dict) or "optimizer" in compiled


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
        filepath: ends in ".weights.h5" (Keras's layout, with the optimizer's state if the model is compiled) or ".safetensors" (weights
            under the paths of the variables). With `max_shard_size`, ".weights.json" names the list beside which the pieces lie, and
            for "NAME.safetensors" there are a list "NAME.safetensors.index.json" and pieces in its place.
        overwrite: whether what is there may be replaced.
        max_shard_size: the largest piece, in GiB.

    Raises:
        ArgumentError: the path has another ending.
        SavingError: the file cannot be written; it names the path.
    """
    if kwargs:
        raise ArgumentError(f"save_weights takes `overwrite` and `max_shard_size`, got {sorted(kwargs)}.")
    path = Path(filepath)
    ending = next((end for end in (".weights.h5", ".weights.json", ".safetensors") if path.name.endswith(end)), None)
    sharded = max_shard_size is not None
    if not {".weights.h5": not sharded, ".weights.json": sharded, ".safetensors": True}.get(ending or "", False):
        raise ArgumentError(
            "Weights are saved to a path that ends in '.weights.h5' or '.safetensors', or with `max_shard_size` in '.weights.json' or "
            f"'.safetensors', got {os.fspath(filepath)!r} with {max_shard_size=}."
        )
    may_write(path, overwrite)
    if ending == ".safetensors":
        may_write(path.with_name(path.name + INDEX), overwrite)
    if max_shard_size is not None:
        (write_shards if ending == ".weights.json" else write_tensor_shards)(model, path, _whole_bytes(max_shard_size))
        return
    with atomic_write(path) as temporary:
        if ending == ".safetensors":
            write_tensors(temporary, named_arrays(model))
        else:
            write_hdf5(model, temporary)
    if ending == ".safetensors":
        remove_tensor_shards(path)


def _whole_bytes(gib: Any) -> int:
    if not isinstance(gib, numbers.Real) or not math.isfinite(gib):
        raise ArgumentError(f"max_shard_size must be a number of GiB, such as 5 or 0.5, got {gib!r}.")
    return int(float(gib) * 2**30)


def load_weights(model: Any, filepath: str | os.PathLike[str], skip_mismatch: bool = False, **kwargs: Any) -> None:
    """Reads weights into a model; nothing is changed unless all of them fit.

    Shapes and dtypes are compared first; floats may become other floats, whole numbers other numbers. An optimizer's state that is in
    the file is read if the model is compiled with the same optimizer; one that does not fit is left out, with a warning.

    Args:
        model: the model or layer, built.
        filepath: a ".weights.h5", ".weights.json", ".safetensors", ".safetensors.index.json" or ".keras" file, or an ".h5" file of a whole
            model, or of weights in the layout before Keras 3, such as those that were released for ImageNet; or a folder of an
            `OrbaxCheckpoint`, whose latest checkpoint is read.
        skip_mismatch: leave out what does not fit, with a warning.
        objects_to_skip: a list of layers that stay as they are, with all that is inside them.
        by_name: for `.h5` files that list weights by layers: read only layers that are in both by name.

    Raises:
        ShapeError: the file and the model differ, or a variable's dtype cannot hold the file's numbers; the message lists how.
        SavingError: the file cannot be read.
    """
    skipped = whole(kwargs.pop("objects_to_skip", None))
    by_name = bool(kwargs.pop("by_name", False))
    if kwargs:
        raise ArgumentError(f"load_weights takes `skip_mismatch`, `objects_to_skip` and `by_name`, got {sorted(kwargs)}.")
    path = Path(filepath)
    if by_name and path.suffix not in H5:
        raise ArgumentError(f"by_name=True is for `.h5` files that list weights by layers, got {os.fspath(path)!r}.")
    if is_orbax(path):
        checkpoint = OrbaxReader(path, [v.path for v in model.weights])
        assign_by_path(model.weights, checkpoint.specs, checkpoint.read, checkpoint.name, skip_mismatch=skip_mismatch, skipped=skipped)
        return
    if ".safetensors" in path.suffixes[-3:]:
        with _opened_tensors(path) as tensors:
            assign_by_path(model.weights, tensors.specs, tensors.read, tensors.name, skip_mismatch=skip_mismatch, skipped=skipped)
        return
    with contextlib.ExitStack() as stack:
        if path.suffix == ".json":
            store: Store = stack.enter_context(open_shards(path))
        else:
            source: Any = path
            if path.suffix == ".keras":
                source = stack.enter_context(stack.enter_context(ArchiveReader(path)).open(WEIGHTS))
            reader = stack.enter_context(Hdf5Reader(source, name=os.fspath(path)))
            if is_layered(reader):
                older = LayeredStore(reader)
                assign_by_layers(model, older, by_name=by_name, skip_mismatch=skip_mismatch, strict_optimizer=False, skipped=skipped)
                return
            if by_name:
                raise ArgumentError(f"by_name=True is for `.h5` files that list weights by layers, and {os.fspath(path)!r} does not.")
            store = Hdf5Store(reader)
        assign_by_layout(model, store, skip_mismatch=skip_mismatch, strict_optimizer=False, skipped=skipped)


@contextlib.contextmanager
def _opened_tensors(path: Path) -> Iterator[Any]:
    """A file of named tensors, or several by their list; the list is also found by the name that one file would have."""
    index = path if path.name.endswith(INDEX) else path.with_name(path.name + INDEX)
    several = index == path or (not path.exists() and index.exists())
    with open_tensor_shards(index) if several else TensorReader(path) as tensors:
        yield tensors
