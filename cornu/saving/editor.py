"""Looking into files of weights, and changing them by hand."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cornu.errors import ArgumentError
from cornu.saving.archive import ArchiveReader
from cornu.saving.atomic import atomic_write
from cornu.saving.hdf5 import Hdf5Reader, Hdf5Writer
from cornu.saving.layout import places

__all__ = ["KerasFileEditor"]

WEIGHTS_ENDING = ".weights.h5"


class KerasFileEditor:
    """The weights of a `.keras` or `.weights.h5` file, to be listed, compared with a model, changed, and saved to another file.

    An object (a layer, an optimizer) is named by its path, `layers/dense`, or by the last part of it where no other ends so.

    Args:
        filepath: the file; it is read, and never changed.

    Attributes:
        weights_dict: what the file holds: objects by name, within each its weights by key ("0", "1", …) and the objects inside.
        object_metadata: for each object's path ("/layers/dense") the name that the file has for it.
        metadata: which version wrote the file and when, for a `.keras` file; None for others.
        config: the configuration of the model, for a `.keras` file; None for others.

    Raises:
        ArgumentError: the path has another ending.
        CorruptFileError: the file is damaged.

    >>> import cornu, tempfile
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/model.keras")
    ...     editor = KerasFileEditor(f"{folder}/model.keras")
    >>> editor.summary()
    Weights structure
    layers
      dense
        0: shape=(3, 2), dtype=float32
        1: shape=(2,), dtype=float32
    """

    def __init__(self, filepath: str | os.PathLike[str]) -> None:
        self.filepath = os.fspath(filepath)
        if not self.filepath.endswith((".keras", WEIGHTS_ENDING)):
            raise ArgumentError(f"A file of weights ends in '.keras' or '{WEIGHTS_ENDING}', got {self.filepath!r}.")
        self.metadata: dict[str, Any] | None = None
        self.config: dict[str, Any] | None = None
        self.weights_dict: dict[str, Any] = {}
        self.object_metadata: dict[str, dict[str, str]] = {}
        with self._opened() as reader:
            for _ in reader.walk():
                pass  # a tree that contains itself is refused here
            self._read(reader, "", self.weights_dict)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Hdf5Reader]:
        with contextlib.ExitStack() as stack:
            source: Any = self.filepath
            if self.filepath.endswith(".keras"):
                archive = stack.enter_context(ArchiveReader(self.filepath))
                self.metadata, self.config = archive.read_json("metadata.json"), archive.read_json("config.json")
                source = stack.enter_context(archive.open("model.weights.h5"))
            yield stack.enter_context(Hdf5Reader(source, name=self.filepath))

    def _read(self, reader: Hdf5Reader, path: str, into: dict[str, Any]) -> None:
        for name in reader.groups(path):
            inner = f"{path}/{name}" if path else name
            if name == "vars":
                self.object_metadata[f"/{path}"] = {"name": reader.text(inner, "name") or ""}
                into |= {key: reader.read(f"{inner}/{key}") for key in reader.datasets(inner)}
                if reader.groups(inner):  # an attribute of that name
                    self._read(reader, inner, into.setdefault(name, {}))
            else:
                self._read(reader, inner, into.setdefault(name, {}))

    # --- looking ------------------------------------------------------------------------------------------------------

    def summary(self) -> None:
        """Prints the objects, and the shapes and dtypes of their weights."""
        _say(["Weights structure", *_lines(self.weights_dict, 0)])

    def compare(self, reference_model: Any) -> dict[str, Any]:
        """Prints where the file and a model differ.

        Args:
            reference_model: the model.

        Returns:
            `status`, "success" or "error"; `error_count`, the number of differences; `match_count`, the number of weights that agree.
        """
        wanted = {f"/{place.path}": _saved(place.owner) for place in places(reference_model)}
        held = dict(_objects(self.weights_dict, ""))
        differences: list[str] = []
        matches = 0
        for path in sorted(path for path in {*wanted, *held} if wanted.get(path) or held.get(path)):
            found = list(_differences(path, wanted.get(path, {}), held.get(path, {})))
            differences += found
            matches += 0 if found else len(wanted[path])
        _say(differences or [f"The file fits the model: {matches} weights agree."])
        return {"status": "error" if differences else "success", "error_count": len(differences), "match_count": matches}

    # --- changing -----------------------------------------------------------------------------------------------------

    def rename_object(self, object_name: str, new_name: str) -> None:
        """Gives an object another name.

        Args:
            object_name: its name or path.
            new_name: the last part of the path that it gets.

        Raises:
            ArgumentError: there is no such object or more than one, or the new name is taken or is none.
        """
        path = self._path_of(object_name)
        parent, _, name = path.rpartition("/")
        around = self._at(parent)
        self._check_new(new_name, around, parent)
        renamed = {new_name if key == name else key: value for key, value in around.items()}
        around.clear()
        around.update(renamed)
        old, new = f"/{path}", f"/{parent}/{new_name}" if parent else f"/{new_name}"
        self.object_metadata = {
            new + key.removeprefix(old) if key == old or key.startswith(f"{old}/") else key: value
            for key, value in self.object_metadata.items()
        }

    def delete_object(self, object_name: str) -> None:
        """Takes an object out, and what is inside it.

        Args:
            object_name: its name or path.

        Raises:
            ArgumentError: there is no such object, or more than one.
        """
        path = self._path_of(object_name)
        parent, _, name = path.rpartition("/")
        del self._at(parent)[name]
        self.object_metadata = {k: v for k, v in self.object_metadata.items() if k != f"/{path}" and not k.startswith(f"/{path}/")}

    def add_object(self, object_path: str, weights: Mapping[str, Any]) -> None:
        """Adds an object.

        Args:
            object_path: its full path; what is around it must be there.
            weights: its weights by key, e.g. `{"0": kernel, "1": bias}`.

        Raises:
            ArgumentError: there is such an object, or nothing around it.
        """
        parent, _, name = object_path.rpartition("/")
        around = self._at(parent)
        self._check_new(name, around, parent)
        around[name] = _arrays(weights, object_path)
        self.object_metadata[f"/{object_path}"] = {"name": name}

    def delete_weight(self, object_name: str, weight_name: str) -> None:
        """Takes a weight out of an object.

        Args:
            object_name: the object's name or path.
            weight_name: the weight's key, e.g. "0".

        Raises:
            ArgumentError: there is none.
        """
        path = self._path_of(object_name)
        held = self._at(path)
        if weight_name not in _own(held):
            raise ArgumentError(f"{path!r} must have a weight {weight_name!r} for it to be deleted; it has {list(_own(held))}.")
        del held[weight_name]

    def add_weights(self, object_name: str, weights: Mapping[str, Any]) -> None:
        """Puts weights into an object; one of a key that is there takes the old one's place.

        Args:
            object_name: the object's name or path.
            weights: arrays by key, e.g. `{"0": kernel, "1": bias}`.

        Raises:
            ArgumentError: there is no such object, or more than one.
        """
        path = self._path_of(object_name)
        held, added = self._at(path), _arrays(weights, path)
        clash = [key for key in added if isinstance(held.get(key), dict)]
        if clash:
            raise ArgumentError(f"Weights need keys of their own, and {path!r} has objects called {clash}.")
        held.update(added)
        self.object_metadata.setdefault(f"/{path}", {"name": path.rpartition("/")[2]})

    def save(self, filepath: str | os.PathLike[str]) -> None:
        """Writes the weights as they are now, all or nothing.

        Args:
            filepath: ends in ".weights.h5".

        Raises:
            ArgumentError: it does not.
            SavingError: the file cannot be written.
        """
        if not os.fspath(filepath).endswith(WEIGHTS_ENDING):
            raise ArgumentError(f"Edited weights are saved to a path that ends in '{WEIGHTS_ENDING}', got {os.fspath(filepath)!r}.")
        objects = dict(_objects(self.weights_dict, ""))
        with atomic_write(Path(filepath)) as temporary, Hdf5Writer(temporary) as writer:
            for path in dict.fromkeys([*objects, *self.object_metadata]):
                if objects.get(path) or path in self.object_metadata:
                    name = self.object_metadata.get(path, {}).get("name", "")
                    writer.put(path.strip("/"), name, objects.get(path, {}))

    def resave_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Writes the weights as they are now: `save` by its former name."""
        self.save(filepath)

    # --- finding ------------------------------------------------------------------------------------------------------

    def _at(self, path: str) -> dict[str, Any]:
        held: Any = self.weights_dict
        for part in path.split("/") if path else ():
            held = held.get(part) if isinstance(held, dict) else None
        if not isinstance(held, dict):
            raise ArgumentError(f"The file must have {path!r}, and has {self._listed()}.")
        return held

    def _path_of(self, name: str) -> str:
        """The path of the one object that is meant by a name or path."""
        paths = [path.strip("/") for path, _ in _objects(self.weights_dict, "") if path != "/"]
        wanted = name.strip("/")
        found = [wanted] if wanted in paths else [path for path in paths if "/" not in wanted and path.rpartition("/")[2] == wanted]
        if len(found) > 1:
            raise ArgumentError(f"One object must be meant, and {name!r} may be {', '.join(map(repr, found[:5]))}. Give its path.")
        if not found:
            raise ArgumentError(f"The file must have an object {name!r}, and has {self._listed()}.")
        return found[0]

    def _listed(self) -> str:
        paths = [path.strip("/") for path, _ in _objects(self.weights_dict, "") if path != "/"]
        return ", ".join(map(repr, paths[:10])) + (f" and {len(paths) - 10} more" if len(paths) > 10 else "")

    def _check_new(self, name: str, around: Mapping[str, Any], parent: str) -> None:
        if not name or "/" in name or name in (".", "..", "vars"):
            raise ArgumentError(f"An object's name is one part of a path, got {name!r}.")
        if name in around:
            raise ArgumentError(f"{parent or 'The file'!r} has {name!r} already. Delete it first, or choose another name.")


def _say(lines: list[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _lines(held: Mapping[str, Any], depth: int) -> Iterator[str]:
    for key, value in held.items():
        if isinstance(value, dict):
            yield f"{'  ' * depth}{key}"
            yield from _lines(value, depth + 1)
        else:
            yield f"{'  ' * depth}{key}: shape={tuple(value.shape)}, dtype={value.dtype}"


def _own(held: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in held.items() if not isinstance(value, dict)}


def _objects(held: Mapping[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each object's path and its own weights, the file itself ("/") first."""
    yield path or "/", _own(held)
    for key, value in held.items():
        if isinstance(value, dict):
            yield from _objects(value, f"{path}/{key}")


def _saved(owner: Any) -> dict[str, np.ndarray]:
    store: dict[str, Any] = {}
    owner.save_own_variables(store)
    return {key: np.asarray(value) for key, value in store.items()}


def _differences(path: str, wanted: Mapping[str, np.ndarray], held: Mapping[str, np.ndarray]) -> Iterator[str]:
    if not held or not wanted:
        has, lacks = ("file", "model") if held else ("model", "file")
        yield f"{path}: the {has} has {len(held or wanted)} weights there, and the {lacks} none"
        return
    for key in sorted({*wanted, *held}, key=lambda k: (len(k), k)):
        mine, theirs = wanted.get(key), held.get(key)
        if mine is None or theirs is None:
            yield f"{path}/{key}: only the {'file' if mine is None else 'model'} has it"
        elif mine.shape != theirs.shape:
            yield f"{path}/{key}: the model's shape is {mine.shape}, the file's {theirs.shape}"


def _arrays(weights: Mapping[str, Any], path: str) -> dict[str, np.ndarray]:
    arrays = {str(key): np.asarray(value) for key, value in weights.items()}
    wrong = [key for key, array in arrays.items() if array.dtype.kind in "OUSMm" or not key or "/" in key]
    if wrong:
        raise ArgumentError(f"Weights are arrays of plain numbers by a key without slashes; those of {path!r} at {wrong} are not.")
    return arrays
