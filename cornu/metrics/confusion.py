"""Counts of right and wrong positives and negatives, and what is made of them at fixed thresholds: precision, recall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.errors import ArgumentError, ShapeError
from cornu.losses.reduction import arrays, combine_weights, divide_or_zero, same_shape
from cornu.metrics.metric import Metric
from cornu.ops.arguments import Array
from cornu.registry import METRICS

__all__ = ["ConfusionMetric", "FalseNegatives", "FalsePositives", "Precision", "Recall", "TrueNegatives", "TruePositives"]

Thresholds = float | Sequence[float] | None
COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


def ready(
    y_true: Array, y_pred: Array, sample_weight: Array | None, name: str, *, class_id: int | None = None, dtype: str = "float32"
) -> tuple[Array, Array, Array | None]:
    """Targets as 0 and 1, outputs, and weights spread over them, of one class if asked for; all in `dtype`."""
    y_true, y_pred = same_shape(y_true, y_pred, name)
    y_true, y_pred = ops.cast(ops.cast(y_true, "bool"), dtype), ops.cast(y_pred, dtype)
    weights = combine_weights(sample_weight, None, y_pred)
    weights = None if weights is None else ops.broadcast_to(weights, y_pred.shape)
    if class_id is not None:
        if not 0 <= class_id < y_pred.shape[-1]:
            raise ArgumentError(
                f"class_id must be from 0 to {y_pred.shape[-1] - 1} for outputs {tuple(y_pred.shape)}, got {class_id} in {name}."
            )
        y_true, y_pred = y_true[..., class_id], y_pred[..., class_id]
        weights = None if weights is None else weights[..., class_id]
    return y_true, y_pred, weights


def count(which: Sequence[str], y_true: Array, y_pred: Array, weights: Array | None, thresholds: Sequence[float]) -> dict[str, Array]:
    """The counts of that name at each threshold: shape (thresholds,)."""
    flat = ops.reshape(y_true, (1, -1))
    thresholds = ops.expand_dims(ops.cast(arrays(list(thresholds), y_pred)[0], flat.dtype), 1)
    above = ops.cast(ops.greater(ops.reshape(y_pred, (1, -1)), thresholds), flat.dtype)  # (thresholds, values)
    weight = None if weights is None else ops.reshape(weights, (1, -1))
    positive = flat if weight is None else flat * weight
    negative = 1.0 - flat if weight is None else weight - positive
    sides = {
        "true_positives": lambda: above * positive,
        "false_positives": lambda: above * negative,
        "true_negatives": lambda: (1.0 - above) * negative,
        "false_negatives": lambda: (1.0 - above) * positive,
    }
    return {name: ops.sum(sides[name](), 1) for name in which}


def checked_thresholds(thresholds: Thresholds, default: float = 0.5) -> list[float]:
    """Thresholds as a list of numbers from 0 to 1."""
    if thresholds is None:
        return [default]
    found = [float(thresholds)] if isinstance(thresholds, (int, float)) else [float(t) for t in thresholds]
    if not found or not all(0 <= t <= 1 for t in found):
        raise ArgumentError(f"Thresholds must be numbers from 0 to 1, got {thresholds!r}.")
    return found


class ConfusionMetric(Metric):
    """The base of metrics that count right and wrong positives and negatives at thresholds; `counted` says which."""

    counted: tuple[str, ...] = COUNTS

    _by_row_ = True

    def __init__(self, name: str | None, dtype: Any, thresholds: Sequence[float], class_id: int | None = None) -> None:
        super().__init__(dtype, name)
        self.class_id = class_id
        self._at = list(thresholds)
        for which in self.counted:
            setattr(self, which, self.add_variable((len(self._at),), "zeros", name=which))

    def update_state(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        """Adds a batch.

        Args:
            y_true: targets; 0 is negative, all else positive.
            y_pred: outputs from 0 to 1 of the same shape; above the threshold is positive.
            sample_weight: weights of that shape, or of its first axes.
        """
        y_true, y_pred, weights = ready(y_true, y_pred, sample_weight, self.name, class_id=self.class_id, dtype=self.dtype)
        for which, counts in count(self.counted, y_true, y_pred, weights, self._at).items():
            getattr(self, which).assign_add(counts)

    def _result(self, figure: Array) -> Array:
        """One number for one threshold, else an array of one for each."""
        return figure[0] if len(self._at) == 1 else figure


class _Count(ConfusionMetric):
    def __init__(self, thresholds: Thresholds = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype, checked_thresholds(thresholds))
        self.thresholds = thresholds

    def result(self) -> Array:
        """The weighted count, for each threshold if there are several."""
        return self._result(ops.copy(getattr(self, self.counted[0])))


@METRICS.add
class TruePositives(_Count):
    """How many positives were found.

    Args:
        thresholds: one, or several; an output above it is positive. 0.5 by default.
        name, dtype: as for `Metric`.

    >>> float(TruePositives()([0, 1, 1], [0.2, 0.4, 0.8]))
    1.0
    """

    counted = ("true_positives",)

    def __init__(self, thresholds: Thresholds = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(thresholds, name, dtype)


@METRICS.add
class FalsePositives(_Count):
    """How many negatives were taken for positives. Arguments as for `TruePositives`.

    >>> float(FalsePositives()([0, 0, 1], [0.2, 0.6, 0.8]))
    1.0
    """

    counted = ("false_positives",)

    def __init__(self, thresholds: Thresholds = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(thresholds, name, dtype)


@METRICS.add
class TrueNegatives(_Count):
    """How many negatives were found. Arguments as for `TruePositives`.

    >>> float(TrueNegatives()([0, 0, 1], [0.2, 0.6, 0.8]))
    1.0
    """

    counted = ("true_negatives",)

    def __init__(self, thresholds: Thresholds = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(thresholds, name, dtype)


@METRICS.add
class FalseNegatives(_Count):
    """How many positives were taken for negatives. Arguments as for `TruePositives`.

    >>> float(FalseNegatives()([0, 1, 1], [0.2, 0.4, 0.8]))
    1.0
    """

    counted = ("false_negatives",)

    def __init__(self, thresholds: Thresholds = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(thresholds, name, dtype)


class _Share(ConfusionMetric):
    """True positives in what is positive: of the outputs, or of the targets."""

    def __init__(self, thresholds: Thresholds, top_k: int | None, class_id: int | None, name: str | None, dtype: Any) -> None:
        # with top_k and no threshold, every one of the k largest outputs counts as positive
        super().__init__(name, dtype, checked_thresholds(thresholds, 0.5 if top_k is None else float("-inf")), class_id)
        self.thresholds, self.top_k = thresholds, top_k

    def update_state(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        """Adds a batch; arguments as for `ConfusionMetric`."""
        super().update_state(y_true, y_pred if self.top_k is None else _only_largest(y_pred, self.top_k), sample_weight)

    def result(self) -> Array:
        """The share, for each threshold if there are several; 0 where there is nothing to share."""
        right, wrong = (getattr(self, which).value for which in self.counted)
        return self._result(divide_or_zero(right, right + wrong))


def _only_largest(y_pred: Array, k: int) -> Array:
    """The `k` largest outputs of the last axis, all others -inf."""
    (y_pred,) = arrays(y_pred)
    if not (y_pred.ndim and k <= y_pred.shape[-1]):
        raise ShapeError(f"top_k={k} needs outputs of at least {k} classes, got {tuple(y_pred.shape)}.")
    chosen = ops.sum(ops.one_hot(ops.top_k(y_pred, k)[1], y_pred.shape[-1], dtype=y_pred.dtype), -2)
    return ops.where(ops.greater(chosen, 0), y_pred, float("-inf"))


@METRICS.add
class Precision(_Share):
    """Which share of what was called positive is: `TP / (TP + FP)`.

    Args:
        thresholds: one, or several; an output above it is positive. 0.5 by default; none with `top_k`.
        top_k: only that many largest outputs of a sample are positive.
        class_id: looks at this class alone.
        name, dtype: as for `Metric`.

    >>> float(Precision()([0, 1, 1, 1], [0.9, 0.4, 0.8, 0.7]))
    0.666667
    """

    counted = ("true_positives", "false_positives")

    def __init__(
        self,
        thresholds: Thresholds = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(thresholds, top_k, class_id, name, dtype)


@METRICS.add
class Recall(_Share):
    """Which share of what is positive was called so: `TP / (TP + FN)`. Arguments as for `Precision`.

    >>> float(Recall()([0, 1, 1, 1], [0.9, 0.4, 0.8, 0.7]))
    0.666667
    """

    counted = ("true_positives", "false_negatives")

    def __init__(
        self,
        thresholds: Thresholds = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(thresholds, top_k, class_id, name, dtype)
