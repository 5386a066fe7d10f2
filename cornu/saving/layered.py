"""Weights in HDF5 files of the older layout: a group for each layer, by its name, in which `weight_names` lists the arrays in order.

Whole models in `.h5` files hold their weights so, under `model_weights`; released files of weights hold them at the root. The order within
a layer is that of its trainable weights, then of all others, those of layers inside included.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from cornu import naming
from cornu.errors import ConfigError, CorruptFileError, SavingError
from cornu.layers import Layer
from cornu.layers.tracking import own_variables
from cornu.optimizers import Optimizer
from cornu.saving import legacy
from cornu.saving.assign import Pair, problem, take_over
from cornu.saving.hdf5 import ArraySpec, Hdf5Reader, Hdf5Writer
from cornu.saving.layout import Place
from cornu.state import Variable

__all__ = ["LayeredStore", "assign_by_layers", "is_layered", "write_layers"]

MODEL, OPTIMIZER, TOP = "model_weights", "optimizer_weights", "top_level_model_weights"
_LISTS = ("layer_names", "layer_names0")
_NO_WEIGHTS = ("StateVar", "seed_generator_state")
"""What older files list among the weights and is none: the states of random generators."""


def is_layered(reader: Hdf5Reader) -> bool:
    """Whether a file of weights has the older layout."""
    return _root(reader) is not None


def _root(reader: Hdf5Reader) -> str | None:
    """The group that lists the layers."""
    if MODEL in reader:
        return MODEL
    return "" if any(reader.has_attribute("", name) for name in _LISTS) else None


class LayeredStore:
    """A file of the older layout as a store of weights: paths are those of layers' groups, keys the names of weights.

    Args:
        reader: the open file.

    Attributes:
        layers: the names of the weights of each layer, by the layer's name, in the file's order.
        top: the names of the weights that the model itself has beside its layers; None if the file does not say.

    Raises:
        CorruptFileError: the file has no list of layers, or lists what is not there.
        ConfigError: it was written by a backend whose kernels lie the other way round.
    """

    def __init__(self, reader: Hdf5Reader) -> None:
        self._reader, self.name = reader, reader.name
        root = _root(reader)
        listed = None if root is None else reader.texts(root, "layer_names")
        if root is None or listed is None:
            raise CorruptFileError(f"{self.name!r} must list its layers in an attribute `layer_names`, and does not.")
        if reader.text(root, "backend") == "theano":
            raise ConfigError(
                f"{self.name!r} was written with the backend 'theano', whose kernels are mirrored. Convert it in Keras 2 first."
            )
        if len(set(listed)) != len(listed):
            raise CorruptFileError(f"{self.name!r} must list each layer once, and lists {listed[:20]}.")
        self._root = f"{root}/" if root else ""
        self.layers = {name: self._weights_of(f"{self._root}{name}") for name in listed}
        self.top = self._weights_of(f"{self._root}{TOP}") if f"{self._root}{TOP}" in reader else None
        self.optimizer: list[str | None] = list(reader.texts(OPTIMIZER, "weight_names") or []) if OPTIMIZER in reader else []
        self._kept: list[np.ndarray] = []

    def _weights_of(self, path: str) -> list[str]:
        names = self._reader.texts(path, "weight_names") or []
        return [name for name in names if not any(word in name for word in _NO_WEIGHTS)]

    def group(self, layer: str) -> str:
        """The group of a layer."""
        return f"{self._root}{layer}"

    def arrange_optimizer(self, optimizer: Optimizer, variables: Sequence[Variable]) -> bool:
        """Brings what Keras 2 kept of an optimizer into today's order; False if it cannot be told which is which.

        Args:
            optimizer: the model's, built; what the file lacks stays as it is there.
            variables: those that it was built for.
        """
        order = legacy.optimizer_order(optimizer, variables, [name for name in self.optimizer if name is not None])
        if order is not None:
            self.optimizer, self._kept = order, [v.numpy() for v in optimizer.variables]
        return order is not None

    def keys(self, path: str) -> list[str]:
        """The keys of what is in a group; those of an optimizer are numbers."""
        if path == OPTIMIZER:
            return [str(i) for i in range(len(self.optimizer))]
        return self._weights_of(path)

    def spec(self, path: str, key: str) -> ArraySpec:
        """Shape and dtype of a variable."""
        return self._reader.spec(f"{path}/{self.optimizer[int(key)] if path == OPTIMIZER else key}")

    def read(self, path: str, key: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
        """The value of a variable."""
        if path != OPTIMIZER:
            return self._reader.read(f"{path}/{key}", shape)
        name = self.optimizer[int(key)]
        return self._kept[int(key)] if name is None else self._reader.read(f"{path}/{name}", shape)

    def paths(self) -> set[str]:
        """The groups of layers that have weights."""
        return {self.group(name) for name, weights in self.layers.items() if weights}


# --- reading ----------------------------------------------------------------------------------------------------------


def assign_by_layers(
    model: Any,
    store: LayeredStore,
    *,
    by_name: bool = False,
    skip_mismatch: bool = False,
    strict_optimizer: bool = True,
    skipped: Iterable[Any] = (),
) -> None:
    """Reads the weights of each layer of a model, all or none.

    Layers are matched by their names where the file and the model have the same, else in their order. Within a layer the same holds for
    weights.

    Args:
        model: the model.
        store: the open file.
        by_name: read only the layers that are in both by name, and leave all others as they are.
        skip_mismatch: leave out what does not fit, with a warning, in place of refusing.
        strict_optimizer: whether the optimizer's state must fit too.
        skipped: layers that stay as they are, each by itself.

    Raises:
        ShapeError: the file and the model differ; the message lists how, and nothing was changed.
    """
    skipped = list(skipped)
    omitted = {id(x) for x in skipped}
    kept = {id(v) for x in skipped if isinstance(x, Layer) for v in own_variables(x)}
    matches, differences = _matched(model, store, by_name)
    pairs: list[Pair] = []
    for match in matches:
        if id(match.layer) not in omitted:
            fitting, wrong = _compare(match, store, kept)
            pairs += fitting
            differences += wrong
    special = [] if by_name else [place for place in _optimizer(model, store) if id(place.owner) not in omitted]
    take_over(model, store, pairs, special, differences, skip_mismatch=skip_mismatch, strict_optimizer=strict_optimizer)


def _optimizer(model: Any, store: LayeredStore) -> list[Place]:
    """The model's optimizer, where the file has state for it."""
    optimizer = getattr(model, "optimizer", None)
    if not isinstance(optimizer, Optimizer) or not store.optimizer:
        return []
    if any(":" in name for name in store.optimizer if name is not None):  # of Keras 2
        if model.built:
            optimizer.build(model.trainable_variables)
        if not store.arrange_optimizer(optimizer, model.trainable_variables):
            warnings.warn(
                f"The optimizer's state in {store.name!r} is not laid out as {optimizer.name!r} needs it and was left out.", stacklevel=4
            )
            return []
    return [Place(OPTIMIZER, optimizer)]


class _Match(NamedTuple):
    layer: Any
    group: str
    variables: list[Variable]
    names: list[str]


def _ordered(layer: Layer) -> list[Variable]:
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _top(model: Any) -> list[Variable]:
    own = own_variables(model)
    return [v for v in own if v.trainable] + [v for v in own if not v.trainable]


def _matched(model: Any, store: LayeredStore, by_name: bool) -> tuple[list[_Match], list[str]]:
    """Which group of the file is for which layer, and which have no counterpart."""
    sublayers = getattr(model, "layers", None)
    ours = {layer.name: layer for layer in ([model] if sublayers is None else sublayers)}
    mine = {name: layer for name, layer in ours.items() if layer.weights}
    theirs = {name: weights for name, weights in store.layers.items() if weights}
    differences: list[str] = []
    if by_name:
        together = [(name, name) for name in theirs if name in ours]
    elif set(mine) == set(theirs):
        together = [(name, name) for name in mine]
    else:
        together = list(zip(mine, theirs, strict=False))
        if len(mine) != len(theirs):
            differences, together = _unequal(ours, theirs), [(name, name) for name in mine if name in theirs]
    matches = [_Match(ours[name], store.group(group), _ordered(ours[name]), theirs[group]) for name, group in together]
    top = _top(model) if sublayers is not None else []
    if store.top is not None and (top or store.top) and not by_name:
        matches.append(_Match(model, store.group(TOP), top, store.top))
    return matches, differences


def _unequal(ours: dict[str, Layer], theirs: dict[str, list[str]]) -> list[str]:
    unbuilt = [name for name, layer in ours.items() if not layer.built]
    hint = f"; {unbuilt[0]!r} is not built yet, call the model on data first" if unbuilt else ""
    lines = [f"the model has {sum(bool(x.weights) for x in ours.values())} layers with weights, and the file {len(theirs)}{hint}"]
    lines += [f"{name}: the file has no layer of that name" for name, layer in ours.items() if layer.weights and name not in theirs]
    strangers = [name for name in theirs if name not in ours]
    return lines + [f"{name}: the file holds {len(theirs[name])} weights for which the model has no place" for name in strangers]


def _compare(match: _Match, store: LayeredStore, kept: set[int]) -> tuple[list[Pair], list[str]]:
    """The variables of a layer that have a fitting value, but for those that are kept, and what does not fit."""
    layer, group, variables, names = match
    if len(variables) != len(names):
        hint = "" if layer.built else "; it is not built yet, call the model on data first"
        return [], [f"{layer.name}: the layer has {len(variables)} weights, and the file holds {len(names)}{hint}"]
    pairs, wrong = [], []
    for variable, name in zip(variables, _in_order(variables, names), strict=True):
        if id(variable) in kept:
            continue
        misfit = problem(variable, store.spec(group, name))
        if misfit is None:
            pairs.append(Pair(variable, group, name))
        else:
            wrong.append(f"{layer.name}: {variable.path!r} {misfit}")
    return pairs, wrong


def _in_order(variables: Sequence[Variable], names: Sequence[str]) -> Sequence[str]:
    """The names in the order of the variables: by the names themselves where they are the same, since freezing changes the order."""
    given = {_tail(name): name for name in names}
    wanted = [_tail(v.path) for v in variables]
    if len(given) == len(names) and len(set(wanted)) == len(wanted) and set(given) == set(wanted):
        return [given[tail] for tail in wanted]
    return names


def _tail(path: str) -> tuple[str, ...]:
    """A layer's and a weight's name, without the number that older files put after it."""
    return tuple(path.partition(":")[0].split("/")[-2:])


# --- writing ----------------------------------------------------------------------------------------------------------


def write_layers(model: Any, writer: Hdf5Writer, *, optimizer: bool = True) -> None:
    """Writes a model's weights in the older layout, and with them its optimizer's variables.

    Args:
        model: the model.
        writer: the file, open.
        optimizer: whether the optimizer's variables are written, if there are any.

    Raises:
        SavingError: two layers have the same name, or one that of the group for the model's own weights.
    """
    names = [layer.name for layer in model.layers]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise SavingError(f"Layers need names of their own to be written to an `.h5` file, and several are called {twice[0]!r}.")
    if TOP in names:
        raise SavingError(f"The model's own weights stand in an `.h5` file as {TOP!r}, and a layer has that name. Give it another.")
    writer.texts(MODEL, "layer_names", names)
    for layer in model.layers:
        writer.put_named(f"{MODEL}/{layer.name}", _named(_ordered(layer)))
    writer.put_named(f"{MODEL}/{TOP}", _named(_top(model)))
    chosen = getattr(model, "optimizer", None)
    if optimizer and isinstance(chosen, Optimizer):
        store: dict[str, Any] = {}
        chosen.save_own_variables(store)
        values = [np.asarray(store[str(i)]) for i in range(len(store))]
        writer.put_named(OPTIMIZER, dict(zip(naming.distinct([v.path for v in chosen.variables[: len(values)]]), values, strict=True)))


def _named(variables: Sequence[Variable]) -> dict[str, np.ndarray]:
    return dict(zip(naming.distinct([v.path for v in variables]), [v.numpy() for v in variables], strict=True))
