"""Bringing stored weights into a model: compared as a whole before anything changes."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from cornu import dtypes
from cornu.errors import ArgumentError, CornuError, ShapeError
from cornu.layers import Layer, tracking
from cornu.layers.tracking import own_variables
from cornu.optimizers import Optimizer
from cornu.saving.hdf5 import ArraySpec
from cornu.saving.layout import Place, default_variables, places
from cornu.state import Variable

__all__ = ["Pair", "Store", "assign_by_layout", "assign_by_path", "problem", "take_over", "whole"]

SHOWN = 10
"""How many differences an error names."""


class Store(Protocol):
    """A file of weights in Keras's layout, open for reading."""

    name: str

    def keys(self, path: str) -> list[str]:
        """The keys of the variables of the object at `path`; none if there is no such object."""
        ...

    def spec(self, path: str, key: str) -> ArraySpec:
        """Shape and dtype of a variable."""
        ...

    def read(self, path: str, key: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
        """The value of a variable."""
        ...

    def paths(self) -> set[str]:
        """The objects that have variables in the file."""
        ...


class Pair(NamedTuple):
    """A variable, and where in a store its value stands."""

    variable: Variable
    path: str
    key: str


def whole(objects: Any) -> list[Any]:
    """The objects that a caller wants left as they are, with all that is inside them.

    Args:
        objects: layers or optimizers, in a list; None for none.

    Raises:
        ArgumentError: something else.
    """
    given = [] if objects is None else list(objects) if isinstance(objects, (list, tuple, set)) else None
    if given is None or any(not isinstance(x, (Layer, Optimizer)) for x in given):
        raise ArgumentError(f"objects_to_skip must be a list of layers, such as [model.get_layer('dense')], got {objects!r}.")
    found = [place.owner for x in given for place in places(x)] + [
        layer for x in given if isinstance(x, Layer) for layer in tracking.walk(x)
    ]
    return list({id(x): x for x in found}.values())


def assign_by_layout(
    root: Any, store: Store, *, skip_mismatch: bool = False, strict_optimizer: bool = True, skipped: Iterable[Any] = ()
) -> None:
    """Reads every variable of `root` from its place in the store.

    Args:
        root: a model, a layer or an optimizer.
        store: the open file.
        skip_mismatch: leave out what does not fit, with a warning, in place of refusing.
        strict_optimizer: whether the optimizer's state must fit too; otherwise one that does not fit stays as it is, with a warning.
        skipped: objects that stay as they are, each by itself.

    Raises:
        ShapeError: the file and the model differ; the message lists how, and nothing was changed.
    """
    omitted = {id(x) for x in skipped}
    all_places = places(root)
    own = [place for place in all_places if id(place.owner) not in omitted]
    pairs: list[Pair] = []
    differences: list[str] = []
    special = []
    for place in own:
        if isinstance(place.owner, Optimizer) or not default_variables(place.owner):
            special.append(place)
        else:
            fitting, wrong = _compare(place, store)
            pairs += fitting
            differences += wrong
    known = {place.path for place in all_places}
    unclaimed = sorted(path for path in store.paths() if path not in known and not _below_optimizer(path))
    differences += [
        f"{path or 'the root'}: the file holds {len(store.keys(path))} weights for which the model has no place" for path in unclaimed
    ]
    take_over(root, store, pairs, special, differences, skip_mismatch=skip_mismatch, strict_optimizer=strict_optimizer)


def take_over(
    root: Any,
    store: Store,
    pairs: list[Pair],
    special: list[Place],
    differences: list[str],
    *,
    skip_mismatch: bool = False,
    strict_optimizer: bool = True,
) -> None:
    """Reads all values and then assigns them, all or none.

    Args:
        root: the model.
        store: the open file.
        pairs: variables and where their values stand, known to fit.
        special: optimizers, and objects that read their own values.
        differences: what does not fit, in words.
        skip_mismatch, strict_optimizer: as for `assign_by_layout`.
    """
    _judge(differences, store.name, skip_mismatch)
    values = [store.read(pair.path, pair.key, pair.variable.shape) for pair in pairs]
    variables, values = _within_range([pair.variable for pair in pairs], values, store.name, skip_mismatch)
    for place in special:
        _build_optimizer(root, place, store)
    _assign(variables, values, special, store, skip_mismatch, strict_optimizer)


def _build_optimizer(root: Any, place: Place, store: Store) -> None:
    """Makes the slots of an optimizer that has not trained yet, where the file holds those of one that has.

    It may have been made before layers were frozen: then it keeps slots for their weights too.
    """
    owner, count = place.owner, len(store.keys(place.path))
    if not isinstance(owner, Optimizer) or owner.built or count <= len(owner.variables) or not getattr(root, "built", False):
        return
    choices = [root.trainable_variables, _as_if_unfrozen(root)]
    fitting = (variables for variables in choices if _variables_when_built(owner, variables) == count)
    owner.build(next(fitting, choices[0]))


def _variables_when_built(optimizer: Optimizer, variables: Sequence[Variable]) -> int:
    """How many variables such an optimizer has for these."""
    twin = type(optimizer).from_config(optimizer.get_config())
    twin.build(variables)
    return len(twin.variables)


def _as_if_unfrozen(root: Any) -> list[Variable]:
    """The weights that would be trained if no layer were frozen."""
    layers = [(layer, layer._trainable) for layer in tracking.walk(root)]
    variables = [(variable, variable.trainable) for layer, _ in layers for variable in own_variables(layer)]
    try:
        for layer, trainable in layers:
            if not trainable:
                layer.trainable = True
        return list(root.trainable_variables)
    finally:  # one by one, since setting a layer's sets those inside too
        for layer, trainable in layers:
            layer._trainable = trainable
        for variable, trainable in variables:
            variable.trainable = trainable


def _below_optimizer(path: str) -> bool:
    return any(part.endswith("optimizer") for part in path.split("/"))


def _compare(place: Place, store: Store) -> tuple[list[Pair], list[str]]:
    """The variables that have a fitting value in the store, and what does not fit."""
    owner, variables, keys = place.owner, own_variables(place.owner), store.keys(place.path)
    where = place.path or "the root"
    if isinstance(owner, Layer) and not owner.built and not variables and keys:
        return [], [
            f"{where}: {owner.name!r} is not built yet, and the file holds {len(keys)} weights for it; call the model on data first"
        ]
    if sorted(keys) != sorted(str(i) for i in range(len(variables))):
        return [], [f"{where}: {owner.name!r} has {len(variables)} weights, and the file holds {len(keys)}"]
    pairs, wrong = [], []
    for i, variable in enumerate(variables):
        misfit = problem(variable, store.spec(place.path, str(i)))
        if misfit is None:
            pairs.append(Pair(variable, place.path, str(i)))
        else:
            wrong.append(f"{where}: {variable.path!r} {misfit}")
    return pairs, wrong


def problem(variable: Variable, stored: ArraySpec) -> str | None:
    """Why a stored array cannot be a variable's value, in words that follow the variable's name; None if it can."""
    if variable.shape != stored.shape:
        return f"has the shape {variable.shape}, and the file holds {stored.shape}"
    if not _castable(stored.dtype, variable.dtype):
        return f"has the dtype {variable.dtype}, and the file holds {stored.dtype}"
    return None


def _castable(given: str, wanted: str) -> bool:
    """Floats may become other floats, whole numbers other whole numbers or floats."""
    if given == wanted or (dtypes.is_floating(given) and dtypes.is_floating(wanted)):
        return True
    return "int" in given and ("int" in wanted or dtypes.is_floating(wanted))


def _judge(differences: list[str], name: str, skip_mismatch: bool) -> None:
    if not differences:
        return
    listed = "".join(f"\n  {line}" for line in differences[:SHOWN])
    more = f"\n  … and {len(differences) - SHOWN} more" if len(differences) > SHOWN else ""
    if not skip_mismatch:
        raise ShapeError(
            f"The weights in {name!r} must fit the model, and they differ:{listed}{more}\n"
            "Nothing was changed. Make the model as it was when the file was written, or load what fits with skip_mismatch=True."
        )
    warnings.warn(f"Weights in {name!r} that do not fit the model were left out:{listed}{more}", stacklevel=6)


def _within_range(
    variables: list[Variable], values: list[np.ndarray], name: str, skip_mismatch: bool
) -> tuple[list[Variable], list[np.ndarray]]:
    """The variables whose dtype holds their value, and the values; others are refused, or left out with a warning."""
    wrong = [_outside(v, x) for v, x in zip(variables, values, strict=True)]
    _judge([f"{v.path!r} {words}" for v, words in zip(variables, wrong, strict=True) if words], name, skip_mismatch)
    return [v for v, w in zip(variables, wrong, strict=True) if not w], [x for x, w in zip(values, wrong, strict=True) if not w]


def _outside(variable: Variable, value: np.ndarray) -> str | None:
    """Why the numbers of an array are too large for a variable, in words that follow its name; None if they are not."""
    if value.dtype == dtypes.numpy_dtype(variable.dtype) or not value.size:
        return None
    low, high = dtypes.limits(variable.dtype)
    if dtypes.is_floating(variable.dtype):
        with np.errstate(over="ignore"):
            lost = np.isfinite(value) & ~np.isfinite(value.astype(dtypes.numpy_dtype(variable.dtype)))
    else:
        lost = (value < low) | (value > high)
    if not lost.any():
        return None
    return f"has the dtype {variable.dtype}, from {low} to {high}, and the file holds {value[lost].ravel()[0]}"


def _assign(
    variables: list[Variable], values: list[np.ndarray], special: list[Place], store: Store, skip_mismatch: bool, strict: bool
) -> None:
    """Assigns; objects that read their own values go first, and whatever they changed is undone if anything fails."""
    held = [v for place in special for v in _variables(place.owner)]
    before = [v.numpy() for v in held]
    try:
        for place in special:
            _let_read(place, store, skip_mismatch, strict)
        _exchange(variables, values)
    except BaseException:
        for variable, value in zip(held, before, strict=True):
            variable.assign(value)
        raise


def _exchange(variables: list[Variable], values: list[np.ndarray]) -> None:
    """Assigns each value to its variable; all or none, whatever happens meanwhile. The list then holds what was there before."""
    begun = 0
    try:
        for i, variable in enumerate(variables):
            value, values[i] = values[i], variable.numpy()
            begun = i + 1
            variable.assign(value)
    except BaseException:
        for variable, value in zip(variables[:begun], values[:begun], strict=True):
            variable.assign(value)
        raise


def _variables(owner: Any) -> list[Variable]:
    return list(owner.variables) if isinstance(owner, Optimizer) else own_variables(owner)


def _let_read(place: Place, store: Store, skip_mismatch: bool, strict: bool) -> None:
    keys = store.keys(place.path)
    if isinstance(place.owner, Optimizer) and not keys:
        return  # a file of weights alone
    values = {key: store.read(place.path, key) for key in keys}
    try:
        place.owner.load_own_variables(values)
    except CornuError as error:
        if isinstance(place.owner, Optimizer) and not strict:
            warnings.warn(f"The optimizer's state in {store.name!r} does not fit and was left out: {error}", stacklevel=7)
        elif skip_mismatch:
            warnings.warn(f"Weights in {store.name!r} that do not fit {place.path!r} were left out: {error}", stacklevel=7)
        else:
            raise ShapeError(f"{place.path!r} in {store.name!r} does not fit the model: {error} Nothing was changed.") from error


def assign_by_path(
    variables: Iterable[Variable],
    specs: Mapping[str, ArraySpec],
    read: Any,
    name: str,
    *,
    skip_mismatch: bool = False,
    skipped: Iterable[Any] = (),
) -> None:
    """Reads variables by their own paths ("dense/kernel"), as files of named tensors hold them.

    Args:
        variables: all that are to be read.
        specs: what the file holds, by path.
        read: gives the array of a path.
        name: the file's, for messages.
        skip_mismatch: leave out what does not fit, with a warning, in place of refusing.
        skipped: objects that stay as they are, each by itself.
    """
    omitted = {id(v) for owner in skipped for v in _variables(owner)}
    known = {v.path: v for v in variables}
    by_path = {path: v for path, v in known.items() if id(v) not in omitted}
    differences = [f"the file lacks {path!r}" for path in by_path if path not in specs]
    differences += [f"the file holds {path!r}, for which the model has no place" for path in specs if path not in known]
    fitting = []
    for path, variable in by_path.items():
        misfit = problem(variable, specs[path]) if path in specs else ""
        if misfit:
            differences.append(f"{path!r} {misfit}")
        elif misfit is None:
            fitting.append(path)
    _judge(differences, name, skip_mismatch)
    _exchange(*_within_range([by_path[path] for path in fitting], [read(path) for path in fitting], name, skip_mismatch))
