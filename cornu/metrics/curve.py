"""Figures of a whole curve of thresholds: the area under it, and one side where the other is good enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import dtypes, ops
from cornu.errors import ArgumentError, ShapeError
from cornu.losses.reduction import arrays, divide_or_zero
from cornu.metrics.confusion import COUNTS, ConfusionMetric, ready
from cornu.metrics.metric import Metric
from cornu.ops.arguments import Array
from cornu.registry import METRICS
from cornu.state.allowance import spend

__all__ = ["AUC", "PrecisionAtRecall", "RecallAtPrecision", "SensitivityAtSpecificity", "SpecificityAtSensitivity"]

BEYOND = 1e-7
"""How far the first threshold lies below 0 and the last above 1, so that all, and none, of the outputs are above them."""


def even_thresholds(number: int) -> list[float]:
    """That many thresholds, evenly spaced from just below 0 to just above 1.

    >>> even_thresholds(3)
    [-1e-07, 0.5, 1.0000001]
    """
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ArgumentError(f"num_thresholds must be a whole number above 0, got {number!r}.")
    spend((number, 8), "the thresholds of a metric")  # each a Python number, with the room of eight in an array
    return [0.5] if number == 1 else [-BEYOND, *(i / (number - 1) for i in range(1, number - 1)), 1.0 + BEYOND]


def histogram_counts(number: int, y_true: Array, y_pred: Array, weights: Array | None) -> dict[str, Array]:
    """The counts at `number` even thresholds, (number, labels), from values (samples, labels).

    Each value falls into the bin of the last threshold below it; sums from the top say how many lie above each. That is work for each value
    plus work for each threshold, not for each pair of them.
    """
    labels = y_pred.shape[1]
    above = ops.clip(ops.cast(ops.ceil(y_pred * (number - 1)), "int32") - 1, 0, number - 1)  # the last threshold below
    place = ops.reshape(above * labels + ops.expand_dims(ops.arange(labels), 0), (-1, 1))
    positive = y_true if weights is None else y_true * weights
    negative = 1.0 - y_true if weights is None else weights - positive

    def from_the_top(values: Array) -> Array:
        empty = np.zeros(number * labels, dtypes.numpy_dtype(ops.dtype(values)))
        bins = ops.reshape(ops.scatter_add(empty, place, ops.reshape(values, (-1,))), (number, labels))
        return ops.flip(ops.cumsum(ops.flip(bins, 0), 0), 0)

    tp, fp = from_the_top(positive), from_the_top(negative)
    return dict(zip(COUNTS, (tp, fp, ops.sum(negative, 0, keepdims=True) - fp, ops.sum(positive, 0, keepdims=True) - tp), strict=True))


@METRICS.add
class AUC(Metric):
    """The area under a curve of thresholds: of true over false positive rate (ROC), or of precision over recall (PR).

    The curve is known at the thresholds alone, so the area approximates that of all thresholds; more of them bring it nearer.
    "PRGAIN" is the precision-recall-gain curve of P. Flach and M. Kull (https://papers.nips.cc/paper/5867), whose area can be averaged.

    Args:
        num_thresholds: how many, evenly spaced from 0 to 1.
        curve: "ROC", "PR" or "PRGAIN".
        summation_method: "interpolation" (trapezoids for ROC; for PR, lines in the space of counts, as J. Davis and M. Goadrich show,
            https://doi.org/10.1145/1143844.1143874), "minoring" or "majoring" (the lower or the upper of two neighbours).
        name, dtype: as for `Metric`.
        thresholds: thresholds of one's own; 0 and 1 are added.
        multi_label: whether the last axis is of labels with a curve each, whose areas are averaged; else all values make one curve.
        num_labels: how many labels; found at the first batch by default.
        label_weights: how labels weigh: in the average if `multi_label`, else in the counts.
        from_logits: whether outputs are logits, to be squashed.

    >>> auc = AUC(num_thresholds=3)
    >>> float(auc([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]))
    0.75
    """

    _by_row_ = True

    def __init__(
        self, num_thresholds: int = 200, curve: str = "ROC", summation_method: str = "interpolation", name: str | None = None,
        dtype: Any = None, thresholds: Sequence[float] | None = None, multi_label: bool = False, num_labels: int | None = None,
        label_weights: Sequence[float] | None = None, from_logits: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(dtype, name)
        self.curve = _choice("curve", curve, ("ROC", "PR", "PRGAIN"))
        self.summation_method = _choice("summation_method", summation_method, ("interpolation", "minoring", "majoring"))
        if thresholds is None and (not isinstance(num_thresholds, int) or num_thresholds < 2):
            raise ArgumentError(f"num_thresholds must be a whole number above 1, got {num_thresholds!r}.")
        self._even = thresholds is None
        self._at = even_thresholds(num_thresholds) if thresholds is None else _own_thresholds(thresholds)
        self._chosen = thresholds
        self.num_thresholds = len(self._at)
        self.multi_label, self.num_labels, self.from_logits = multi_label, num_labels, from_logits
        self.label_weights = None if label_weights is None else [float(w) for w in label_weights]
        if num_labels is not None and not multi_label:
            raise ArgumentError(f"num_labels is for multi_label=True alone, got num_labels={num_labels}.")
        self._built_ = False
        if not multi_label or num_labels is not None:
            self._build_(None, (None, num_labels))

    @property
    def thresholds(self) -> list[float]:
        """The thresholds in use, the ones just beyond 0 and 1 included."""
        return self._at

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; thresholds only where they were given."""
        return super().get_config() | {"thresholds": None if self._chosen is None else [float(t) for t in self._chosen]}

    def _build_(self, y_true_shape: Sequence[int | None] | None, y_pred_shape: Sequence[int | None]) -> None:
        """Makes the variables, for as many labels as outputs have."""
        labels = y_pred_shape[-1]
        if self.multi_label and labels is None:
            raise ShapeError(
                f"{self.name} with multi_label=True needs to know how many labels there are, got outputs {tuple(y_pred_shape)}."
            )
        shape = (len(self._at), labels or 1)[: 1 + self.multi_label]
        for which in COUNTS:
            setattr(self, which, self.add_variable(shape, "zeros", name=which))
        self._built_ = True

    def update_state(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        """Adds a batch of targets (0 or 1) and outputs from 0 to 1 of one shape; weights have that shape, or its first axes."""
        y_true, y_pred, weights = ready(y_true, y_pred, sample_weight, self.name, dtype=self.dtype)
        if self.from_logits:
            y_pred = ops.sigmoid(y_pred)
        if self.multi_label and y_pred.ndim != 2:
            raise ShapeError(f"{self.name} with multi_label=True needs outputs (batch, labels), got {tuple(y_pred.shape)}.")
        if not self._built_:
            self._build_(None, tuple(y_pred.shape))
        if self.label_weights is not None and not self.multi_label:
            by_label = ops.broadcast_to(ops.cast(arrays(self.label_weights, y_pred)[0], self.dtype), y_pred.shape)
            weights = by_label if weights is None else weights * by_label
        columns = [None if x is None else x if self.multi_label else ops.reshape(x, (-1, 1)) for x in (y_true, y_pred, weights)]
        counts = histogram_counts(len(self._at), *columns) if self._even else _compared_counts(self._at, *columns)
        for which, more in counts.items():
            getattr(self, which).assign_add(more if self.multi_label else ops.squeeze(more, 1))

    def result(self) -> Array:
        """The area, averaged over labels."""
        tp, fp, tn, fn = (getattr(self, which).value for which in COUNTS)
        if self.curve == "PR" and self.summation_method == "interpolation":
            area = _interpolated_pr(tp, fp, fn)
        else:
            area = self._riemann(*self._axes(tp, fp, tn, fn))
        if not self.multi_label:
            return area
        if self.label_weights is None:
            return ops.mean(area)
        weights = ops.cast(arrays(self.label_weights, area)[0], self.dtype)
        return divide_or_zero(ops.sum(area * weights), ops.sum(weights))

    def _axes(self, tp: Array, fp: Array, tn: Array, fn: Array) -> tuple[Array, Array]:
        recall = divide_or_zero(tp, tp + fn)
        if self.curve == "ROC":
            return divide_or_zero(fp, fp + tn), recall
        if self.curve == "PR":
            return recall, divide_or_zero(tp, tp + fp)
        odds = divide_or_zero(tp + fn, fp + tn)
        recall_gain, precision_gain = (ops.where(ops.equal(tp, 0), 0.0, 1.0 - odds * divide_or_zero(wrong, tp)) for wrong in (fn, fp))
        return ops.clip(recall_gain, 0.0, 1.0), precision_gain

    def _riemann(self, x: Array, y: Array) -> Array:
        left, right = y[:-1], y[1:]
        if self.summation_method == "interpolation":
            heights = (left + right) / 2.0
        else:
            heights = ops.minimum(left, right) if self.summation_method == "minoring" else ops.maximum(left, right)
        return ops.sum((x[:-1] - x[1:]) * heights, 0)


def _interpolated_pr(tp: Array, fp: Array, fn: Array) -> Array:
    """The area under precision over recall where counts grow linearly between thresholds.

    With `TP = a + b P` (P all that is called positive), the area of a step is `∫ TP/P dTP = b (ΔTP + a ln(P₁/P₂))`.
    """
    called = tp + fp
    gained, grown = tp[:-1] - tp[1:], called[:-1] - called[1:]
    slope = divide_or_zero(gained, ops.maximum(grown, 0.0))
    intercept = tp[1:] - slope * called[1:]
    both = ops.logical_and(called[:-1] > 0, called[1:] > 0)
    ratio = ops.where(both, divide_or_zero(called[:-1], called[1:]), 1.0)
    areas = slope * (gained + intercept * ops.log(ratio))
    return ops.sum(divide_or_zero(areas, tp[1:] + fn[1:]), 0)


def _compared_counts(thresholds: Sequence[float], y_true: Array, y_pred: Array, weights: Array | None) -> dict[str, Array]:
    """The counts at any thresholds, (thresholds, labels), each value compared with each threshold."""
    at = ops.reshape(ops.cast(arrays(list(thresholds), y_pred)[0], y_pred.dtype), (-1, 1, 1))
    above = ops.cast(ops.greater(ops.expand_dims(y_pred, 0), at), y_pred.dtype)
    positive = y_true if weights is None else y_true * weights
    negative = 1.0 - y_true if weights is None else weights - positive
    below = 1.0 - above
    counts = (above * positive, above * negative, below * negative, below * positive)
    return {which: ops.sum(values, 1) for which, values in zip(COUNTS, counts, strict=True)}


def _choice(what: str, value: str, known: Sequence[str]) -> str:
    found = {k.lower(): k for k in known}.get(str(value).lower())
    if found is None:
        raise ArgumentError(f"{what} must be one of {', '.join(map(repr, known))}, got {value!r}.")
    return found


def _own_thresholds(thresholds: Sequence[float]) -> list[float]:
    if not len(thresholds) or any(not 0 <= t <= 1 for t in thresholds):
        raise ArgumentError(f"Thresholds must be numbers from 0 to 1, got {thresholds!r}.")
    return [-BEYOND, *sorted(float(t) for t in thresholds), 1.0 + BEYOND]


class _SideWhere(ConfusionMetric):
    """The best of one rate where another is at least a given value."""

    def __init__(self, least: float, what: str, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any) -> None:
        if not 0 <= least <= 1:
            raise ArgumentError(f"{what} must be from 0 to 1, got {least!r}.")
        super().__init__(name, dtype, even_thresholds(num_thresholds), class_id)
        self.num_thresholds, self._least = num_thresholds, least

    def update_state(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        """Adds a batch; arguments as for `ConfusionMetric`."""
        if self.num_thresholds == 1:
            super().update_state(y_true, y_pred, sample_weight)
            return
        ready_parts = ready(y_true, y_pred, sample_weight, self.name, class_id=self.class_id, dtype=self.dtype)
        columns = [None if x is None else ops.reshape(x, (-1, 1)) for x in ready_parts]
        for which, more in histogram_counts(self.num_thresholds, *columns).items():
            getattr(self, which).assign_add(ops.squeeze(more, 1))

    def rates(self) -> tuple[Array, Array]:
        """The rate to hold, and the rate to report, at each threshold."""
        raise NotImplementedError(f"{type(self).__name__} must define `rates`.")

    def result(self) -> Array:
        """The largest value of the one where the other is held; 0 where it never is."""
        held, reported = self.rates()
        return ops.max(ops.where(ops.greater_equal(held, self._least), reported, 0.0))

    def _rate(self, right: str, wrong: str) -> Array:
        hits = getattr(self, right).value
        return divide_or_zero(hits, hits + getattr(self, wrong).value)

    def _sensitivity(self) -> Array:
        return self._rate("true_positives", "false_negatives")

    def _specificity(self) -> Array:
        return self._rate("true_negatives", "false_positives")

    def _precision(self) -> Array:
        return self._rate("true_positives", "false_positives")


@METRICS.add
class SensitivityAtSpecificity(_SideWhere):
    """The best sensitivity, `TP / (TP + FN)`, where the specificity, `TN / (TN + FP)`, is at least that given.

    Args:
        specificity: from 0 to 1.
        num_thresholds: how many thresholds are tried, evenly spaced from 0 to 1.
        class_id: looks at this class alone.
        name, dtype: as for `Metric`.

    >>> float(SensitivityAtSpecificity(0.5)([0, 0, 1, 1], [0.1, 0.6, 0.3, 0.9]))
    1.0
    """

    def __init__(
        self, specificity: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(specificity, "specificity", num_thresholds, class_id, name, dtype)
        self.specificity = specificity

    def rates(self) -> tuple[Array, Array]:
        """Specificity and sensitivity."""
        return self._specificity(), self._sensitivity()


@METRICS.add
class SpecificityAtSensitivity(_SideWhere):
    """The best specificity, `TN / (TN + FP)`, where the sensitivity, `TP / (TP + FN)`, is at least that given.

    Args:
        sensitivity: from 0 to 1.
        num_thresholds, class_id, name, dtype: as for `SensitivityAtSpecificity`.

    >>> float(SpecificityAtSensitivity(0.5)([0, 0, 1, 1], [0.1, 0.6, 0.3, 0.9]))
    1.0
    """

    def __init__(
        self, sensitivity: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(sensitivity, "sensitivity", num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity

    def rates(self) -> tuple[Array, Array]:
        """Sensitivity and specificity."""
        return self._sensitivity(), self._specificity()


@METRICS.add
class PrecisionAtRecall(_SideWhere):
    """The best precision, `TP / (TP + FP)`, where the recall, `TP / (TP + FN)`, is at least that given.

    Args:
        recall: from 0 to 1.
        num_thresholds, class_id, name, dtype: as for `SensitivityAtSpecificity`.

    >>> float(PrecisionAtRecall(0.5)([0, 0, 1, 1], [0.1, 0.6, 0.3, 0.9]))
    1.0
    """

    def __init__(
        self, recall: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(recall, "recall", num_thresholds, class_id, name, dtype)
        self.recall = recall

    def rates(self) -> tuple[Array, Array]:
        """Recall and precision."""
        return self._sensitivity(), self._precision()


@METRICS.add
class RecallAtPrecision(_SideWhere):
    """The best recall, `TP / (TP + FN)`, where the precision, `TP / (TP + FP)`, is at least that given.

    Args:
        precision: from 0 to 1.
        num_thresholds, class_id, name, dtype: as for `SensitivityAtSpecificity`.

    >>> float(RecallAtPrecision(0.8)([0, 0, 1, 1], [0.1, 0.6, 0.3, 0.9]))
    0.5
    """

    def __init__(
        self, precision: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(precision, "precision", num_thresholds, class_id, name, dtype)
        self.precision = precision

    def rates(self) -> tuple[Array, Array]:
        """Precision and recall."""
        return self._precision(), self._sensitivity()
