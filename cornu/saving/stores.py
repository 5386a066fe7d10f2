"""Files of weights: HDF5 in Keras's layout, in one piece or in shards, and safetensors."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from cornu.errors import SavingError
from cornu.layers import Layer
from cornu.layers.tracking import own_variables
from cornu.layers.weights import Weights
from cornu.optimizers import Optimizer
from cornu.saving.assets import written_assets
from cornu.saving.assign import Store
from cornu.saving.hdf5 import ArraySpec, Hdf5Reader, Hdf5Writer
from cornu.saving.layout import places

__all__ = ["Hdf5Store", "named_arrays", "numbers_for", "refuse_assets", "refuse_own_state", "write_hdf5"]

SPARE = 2**24
"""Numbers for variables that files do not hold: seeds, metrics."""


class Hdf5Store:
    """One HDF5 file as a store of weights."""

    def __init__(self, reader: Hdf5Reader) -> None:
        self._reader, self.name = reader, reader.name

    def keys(self, path: str) -> list[str]:
        """The keys of the variables of the object at `path`."""
        group = _vars(path)
        return self._reader.datasets(group) if group in self._reader else []

    def spec(self, path: str, key: str) -> ArraySpec:
        """Shape and dtype of a variable."""
        return self._reader.spec(f"{_vars(path)}/{key}")

    def read(self, path: str, key: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
        """The value of a variable."""
        return self._reader.read(f"{_vars(path)}/{key}", shape)

    def paths(self) -> set[str]:
        """The objects that have variables in the file."""
        found = set()
        for dataset in self._reader.walk():
            owner, _, last = dataset.rpartition("/")[0].rpartition("/")
            if last == "vars":
                found.add(owner)
        return found


def numbers_for(store: Store) -> int:
    """How many numbers the variables may hold that the file's configuration asks for.

    Weights are in the file; an optimizer that has not trained yet makes a few slots for each of them when it is built.
    """
    held = sum(math.prod(store.spec(path, key).shape) for path in store.paths() for key in store.keys(path))
    return 6 * held + SPARE


def _vars(path: str) -> str:
    return f"{path}/vars" if path else "vars"


def write_hdf5(root: Any, path: str | os.PathLike[str], *, optimizer: bool = True, sealed: bool = True) -> None:
    """Writes every variable of a model, a layer or an optimizer.

    Args:
        root: the model.
        path: the file, anew.
        optimizer: whether optimizers' variables are written too.
        sealed: whether the file ends in a digest.
    """
    with Hdf5Writer(path, sealed=sealed) as writer:
        for place in places(root):
            if isinstance(place.owner, Optimizer) and not optimizer:
                continue
            store: dict[str, Any] = {}
            place.owner.save_own_variables(store)
            writer.put(place.path, place.owner.name, {key: np.asarray(value) for key, value in store.items()})


def named_arrays(model: Any) -> dict[str, np.ndarray]:
    """A model's weights under the paths of its variables, as files of named tensors hold them.

    Raises:
        SavingError: two weights have the same path, or a layer saves more than its weights.
    """
    refuse_own_state(model, "safetensors", "a `.weights.h5` file")
    arrays: dict[str, np.ndarray] = {}
    for variable in model.weights:
        if variable.path in arrays:
            raise SavingError(
                f"Each weight must have a path of its own to be saved as safetensors, and two are called {variable.path!r}. "
                "Give the layers different names, or save to a `.weights.h5` file."
            )
        arrays[variable.path] = variable.numpy()
    return arrays


def refuse_own_state(model: Any, format: str, other: str) -> None:
    """Raises for a model in which `save_own_variables` of a layer gives what no weight holds, for a format that has weights only.

    Args:
        model: the model.
        format: the format's name, for messages.
        other: what holds everything, for messages.

    Raises:
        SavingError: there is such a layer; the message names it.
    """
    for place in places(model):
        if isinstance(place.owner, Layer) and (beside := _beside_weights(place.owner)):
            raise SavingError(
                f"{format} holds weights alone, and layer {place.owner.name!r} ({place.path}) saves {', '.join(map(repr, beside))} besides, "
                f"which would be lost. Save to {other}."
            )


def refuse_assets(model: Any, format: str, other: str) -> None:
    """`refuse_own_state` for what layers keep in files of their own, such as vocabularies that were found in data."""
    files = list(written_assets(model))
    if files:
        raise SavingError(
            f"{format} has no place for files of layers, and the model has {', '.join(map(repr, files[:5]))}. Save to {other}."
        )


def _beside_weights(layer: Layer) -> list[str]:
    """The keys under which a layer saves what is no weight's value."""
    if layer._adaptation_ is not None or type(layer).save_own_variables is Weights.save_own_variables:
        return []
    store: dict[str, Any] = {}
    layer.save_own_variables(store)
    held = [v.numpy() for v in own_variables(layer)] if store else []
    return [key for key, value in store.items() if not any(_same(np.asarray(value), weight) for weight in held)]


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()
