"""From what `compile(metrics=…)` was given to metric objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu.errors import ArgumentError
from cornu.metrics.accuracy import BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy
from cornu.metrics.mean import MeanMetricWrapper
from cornu.metrics.metric import Metric
from cornu.metrics.probabilistic import BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy
from cornu.registry import LOSSES, METRICS

__all__ = ["resolve", "resolve_accuracy"]

Dimensions = Sequence[int | None] | None
_ACCURACY = ("accuracy", "acc")
_CROSSENTROPY = ("crossentropy", "ce")


def resolve_accuracy(name: str, loss: Any = None, y_true_shape: Dimensions = None, y_pred_shape: Dimensions = None) -> Metric:
    """The metric that "accuracy", "acc", "crossentropy" or "ce" means for targets and outputs of these shapes, named as it was asked for.

    Binary for outputs of one unit; sparse for targets without a class axis, or with one of length 1; else categorical.
    Where the loss takes logits, so does the metric: the threshold of binary accuracy is then 0, and cross-entropies take logits.

    Args:
        name: one of the four names.
        loss: the loss of the same output; only whether it takes logits is asked.
        y_true_shape, y_pred_shape: shapes of targets and outputs, None where unknown.

    >>> resolve_accuracy("acc", None, (32,), (32, 10))
    <SparseCategoricalAccuracy name=acc>
    """
    if name not in _ACCURACY + _CROSSENTROPY:
        raise ArgumentError(f"Only {', '.join(map(repr, _ACCURACY + _CROSSENTROPY))} depend on shapes, got {name!r}.")
    if y_true_shape is None or y_pred_shape is None:
        raise ArgumentError(f"What {name!r} means depends on the shapes of targets and outputs, got {y_true_shape} and {y_pred_shape}.")
    kind = _kind(tuple(y_true_shape), tuple(y_pred_shape))
    logits = bool(getattr(loss, "from_logits", False))
    if name in _CROSSENTROPY:
        return {"binary": BinaryCrossentropy, "sparse": SparseCategoricalCrossentropy, "categorical": CategoricalCrossentropy}[kind](
            name=name, from_logits=logits
        )
    if kind == "binary":
        return BinaryAccuracy(name=name, threshold=0.0 if logits else 0.5)
    return SparseCategoricalAccuracy(name=name) if kind == "sparse" else CategoricalAccuracy(name=name)


def _kind(true: tuple[int | None, ...], pred: tuple[int | None, ...]) -> str:
    if not pred or pred[-1] == 1:
        return "binary"
    return "sparse" if len(true) < len(pred) or true[-1] == 1 else "categorical"


def resolve(identifier: Any, loss: Any = None, y_true_shape: Dimensions = None, y_pred_shape: Dimensions = None) -> Metric | None:
    """The metric that an entry of `compile(metrics=…)` stands for; one given by name is reported under that name.

    Args:
        identifier: a metric, a name, a configuration, a class, or a function of targets and outputs; None stays None.
        loss, y_true_shape, y_pred_shape: as for `resolve_accuracy`.

    Raises:
        UnknownNameError: no metric has that name.

    >>> resolve("mae").name
    'mae'
    """
    if identifier is None or isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, str) and identifier in _ACCURACY + _CROSSENTROPY:
        return resolve_accuracy(identifier, loss, y_true_shape, y_pred_shape)
    found = _named(identifier)
    if not isinstance(found, Metric):
        found = MeanMetricWrapper(found, name=getattr(found, "name", None))
    if isinstance(identifier, str):
        found.name = identifier
        for variable in found.variables:
            variable.path = f"{identifier}/{variable.name}"
    return found


def _named(identifier: Any) -> Any:
    """The metric of that name; the function of a loss that has no metric of its own (`"huber"`)."""
    if isinstance(identifier, str) and identifier not in METRICS and identifier in LOSSES:
        return LOSSES.get(identifier)
    return METRICS.get(identifier)
