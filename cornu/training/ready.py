"""A model made ready for data: what depends on shapes is built, and the data is checked against the model, before anything trains."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu import backends, dtypes, tree
from cornu.errors import ArgumentError, CornuError, DataError, NotBuiltError
from cornu.graph import SymbolicTensor
from cornu.layers import tracking
from cornu.state.variable import structure_version, touch_structure
from cornu.training import checks, targets
from cornu.training.data.arrays import ArrayBatches
from cornu.training.data.source import Batch, Batches
from cornu.training.endings import outputs_and_endings
from cornu.training.ranges import Values, bounds_of_ids, bounds_of_targets

if TYPE_CHECKING:
    from cornu.training.stepping import Stepping

__all__ = ["EachBatch", "arranged", "build", "check_source", "ids_of", "make_ready", "open_batch", "signature"]


# --- building -----------------------------------------------------------------------------------------------------------


def build(model: Stepping, x: Any) -> None:
    """Builds the model for data like this batch, its batch dimension left open. Where that fails, no layer is half built."""
    unbuilt = not model.built or any(not layer.built for layer in tracking.walk(model))
    if not unbuilt:
        return
    checks.check_inputs(model, x)
    _refuse_parts_that_no_call_builds(model)
    with _as_before_on_failure(model), _about(model, x):
        if not model.built:
            model._build_for_((tree.map_structure(open_batch, x),), {})
        if any(not layer.built for layer in tracking.walk(model)):
            with backends.current().inference():
                model(x, training=False)


def _refuse_parts_that_no_call_builds(model: Stepping) -> None:
    """Raises for a model that has a step of its own and no `call`, in which the shapes of its parts could be found."""
    parts = [layer for layer in tracking.walk(model) if layer is not model and not layer.built]
    if (
        parts
        and not hasattr(model, "_stack_")
        and getattr(model, "inputs", None) is None
        and type(model).call.__module__ == "cornu.models.model"
    ):
        raise NotBuiltError(
            f"{type(model).__name__} has no `call`, so the shapes of its parts must be known before it trains, and these are not: "
            f"{', '.join(repr(part.name) for part in parts[:5])}. Begin each with `Input(shape)`, call `part.build(shape)`, or define `call`."
        )


@contextlib.contextmanager
def _as_before_on_failure(model: Stepping) -> Iterator[None]:
    """If what is inside fails, each layer has the attributes that it had, and a layer that was not built is so again."""
    kept = [(layer, {name: _copied(value) for name, value in vars(layer).items()}) for layer in tracking.walk(model)]
    try:
        yield
    except BaseException:
        for layer, attributes in kept:
            vars(layer).clear()
            vars(layer).update(attributes)
        touch_structure()
        raise


def _copied(value: Any) -> Any:
    return value.copy() if type(value) in (list, dict, set) else value


@contextlib.contextmanager
def _about(model: Stepping, x: Any) -> Iterator[None]:
    """Adds to an error what data it came of, and says N where shapes had a stand-in for the number of rows."""
    try:
        yield
    except CornuError as error:
        text = str(error)
        for number in (55440, 83160):
            text = text.replace(f"({number},", "(N,")
        shapes = ", ".join(checks.shown(leaf.shape) for leaf in tree.flatten(tree.map_structure(open_batch, x)) if hasattr(leaf, "shape"))
        error.args = (f"{text}\nThat came of x of shape {shapes} in the model {model.name!r}.",)
        raise


# --- checking -----------------------------------------------------------------------------------------------------------


def make_ready(model: Stepping, x: Any, y: Any, sample_weight: Any, *, training: bool) -> Values:
    """Settles losses, metrics and the optimizer's slots for data like this batch, and checks the data against the model.

    A model that writes its own step decides itself what targets are; then only what can be settled is.

    Returns:
        What looks at the numbers of each batch.
    """
    standard = model._uses_default_step_("train_step" if training else "test_step") and model._uses_default_step_("compute_loss")
    if standard:
        values = _checked(model, x, y, sample_weight)
    else:
        values = Values(model, [], [], [])
        with contextlib.suppress(CornuError, NotImplementedError):
            _settled(model, x, y, sample_weight)
    if training and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    return values


def _checked(model: Stepping, x: Any, y: Any, sample_weight: Any) -> Values:
    checks.check_inputs(model, x)
    symbols = tree.map_structure(open_batch, (x, y, sample_weight))
    with _about(model, x):
        y_pred, endings = outputs_and_endings(model, symbols[0])
    names, outputs, objective, scores = model._names_of_(y_pred), tree.flatten(y_pred), model._objective_, model._scores_
    objective.build(names, keyed=isinstance(y_pred, dict))
    losses = objective.losses
    checks.refuse_text([("sample_weight", weight) for weight in tree.flatten(symbols[2])])
    targets.check_losses(names, losses, outputs, endings)
    targets.check_targets(names, losses, outputs, arranged(symbols[1], names, losses), scores.measured(names))
    model._aligned_(symbols[1], y_pred, symbols[2])
    _refuse_shared_names(model)
    return Values(model, names, bounds_of_ids(getattr(model, "_graph_", None)), bounds_of_targets(names, losses, outputs, endings))


def _refuse_shared_names(model: Stepping) -> None:
    """Raises where a metric of `compile` would be hidden by another of its name, kept in an attribute."""
    scores = model._scores_.metrics
    named = list(zip(model.metrics_names, model.metrics, strict=True))
    taken = [name for name, metric in named if any(metric is one for one in scores)]
    for name, metric in named:
        if name in taken and all(metric is not one for one in scores):
            raise ArgumentError(
                f"Two metrics of {model.name!r} are named {name!r}, the one given to `compile` and {metric!r}, kept in an attribute, and logs show "
                "but one for a name. Give either another name, or the one that is kept to `compile`."
            )


def _settled(model: Stepping, x: Any, y: Any, sample_weight: Any) -> None:
    symbols = tree.map_structure(open_batch, (x, y, sample_weight))
    y_pred, _ = outputs_and_endings(model, symbols[0])
    model._aligned_(symbols[1], y_pred, symbols[2])


def arranged(y: Any, names: Sequence[str], losses: Sequence[Any]) -> list[Any]:
    """Targets with one entry for each output: from a dict by output name, a structure like the outputs', or a flat list.

    There may be as many as outputs, or as outputs that have a loss.

    Raises:
        DataError: a key is no output's name, or the number of arrays differs from that of the outputs.
    """
    if y is None:
        return [None] * len(names)
    if isinstance(y, Mapping):
        return targets.targets_by_name(y, names)
    flat = tree.flatten(y)
    if len(flat) != len(names) and len(flat) == sum(loss is not None for loss in losses):
        left = iter(flat)
        return [None if loss is None else next(left) for loss in losses]
    if len(flat) != len(names):
        shapes = ", ".join(checks.shown(leaf.shape) for leaf in flat[:8] if hasattr(leaf, "shape"))
        outputs = "1 output" if len(names) == 1 else f"{len(names)} outputs"
        raise DataError(
            checks.sentences(
                f"The model has {outputs}, {', '.join(map(repr, names[:8]))}, so y must have as many arrays, got {len(flat)}: {shapes}.",
                "Give a list in that order, or a dict by name.",
            )
        )
    return flat


def open_batch(x: Any) -> Any:
    """A symbolic tensor for an array of a batch, the number of rows left open; other values as they are."""
    if x is None or not hasattr(x, "shape"):
        return x
    name = dtypes.standardize(x.dtype)
    name = {"float64": "float32", "int64": "int32"}.get(name, name)
    return SymbolicTensor((None, *tuple(x.shape)[1:]), name) if len(x.shape) else SymbolicTensor((), name)


def signature(batch: Batch) -> tuple[Any, ...]:
    """What must be the same for two batches to need no second check: structure, shapes without the rows, dtypes."""
    leaves = tree.flatten(batch)
    return (tree.structure(batch), *[(leaf.shape[1:], leaf.dtype) if hasattr(leaf, "shape") else leaf is None for leaf in leaves])


class EachBatch:
    """Looks at the batches of a source that cannot be looked at as a whole: shapes where they change, numbers in each.

    Args:
        model: already made ready for the first of them.
        first: that batch.
        training: whether they are trained on.
    """

    def __init__(self, model: Stepping, first: Batch, *, training: bool) -> None:
        self._model, self._training, self._last = model, training, _kind(first)

    def __call__(self, batch: Batch, number: int) -> None:
        """Raises where the batch of that number (from 0) does not fit the model."""
        kind = _kind(batch)
        if kind != self._last:
            self._model._ensure_ready_(*batch, training=self._training)
            self._last = kind
        self._model._check_values_(*batch, batch=number)


def _kind(batch: Batch) -> tuple[Any, ...]:
    """The batch's signature; in the usual case, plain arrays, one that is made in under a microsecond."""
    x, y, weight = batch
    if type(x) is np.ndarray and type(y) is np.ndarray and weight is None:
        return x.shape[1:], x.dtype, y.shape[1:], y.dtype
    return signature(batch)


def check_source(model: Stepping, source: Batches, first: Batch, x: Any, y: Any, sample_weight: Any, *, training: bool) -> EachBatch | None:
    """Looks at all numbers of arrays at once; gives what looks at each batch for a source where that is not possible."""
    if not isinstance(source, ArrayBatches) or any(_from_elsewhere(leaf) for leaf in tree.flatten((x, y))):
        return EachBatch(model, first, training=training)
    model._check_values_(x, y, sample_weight)
    return None


def ids_of(model: Stepping) -> Values | None:
    """What looks at the ids that go to embeddings, for predictions; None where there is nothing to look at."""
    at, found = model._ids_
    if at != structure_version():
        bounds = bounds_of_ids(getattr(model, "_graph_", None))
        found = Values(model, [], bounds, []) if bounds else None
        model._ids_ = structure_version(), found
    return found


def _from_elsewhere(x: Any) -> bool:
    """Whether an array is made row by row: sparse matrices, arrays in files."""
    return hasattr(x, "toarray") or type(x).__module__.partition(".")[0] in ("h5py", "zarr")
