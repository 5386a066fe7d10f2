"""F-scores: precision and recall in one number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.errors import ArgumentError, ShapeError
from cornu.losses.reduction import arrays, combine_weights, divide_or_zero, same_shape
from cornu.metrics.metric import Metric
from cornu.ops.arguments import Array
from cornu.registry import METRICS
from cornu.state import Variable

__all__ = ["F1Score", "FBetaScore"]


@METRICS.add
class FBetaScore(Metric):
    """The weighted harmonic mean of precision P and recall R: `(1 + β²) P R / (β² P + R)`, 0 where both are 0.

    Args:
        average: None for one score a class; "micro" counts over all classes; "macro" is the mean of the classes' scores;
            "weighted" weighs them by how often a class is the target.
        beta: how much more recall weighs than precision.
        threshold: outputs above it are positive; None makes the largest output of a sample positive, and no other.
        name, dtype: as for `Metric`.

    >>> score = FBetaScore(average="macro", beta=2.0)
    >>> float(score([[1, 0], [0, 1], [0, 1]], [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]))
    0.694444
    """

    true_positives: Variable
    false_positives: Variable
    false_negatives: Variable
    intermediate_weights: Variable

    _by_row_ = True

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        if average not in (None, "micro", "macro", "weighted"):
            raise ArgumentError(f"average must be None, 'micro', 'macro' or 'weighted', got {average!r}.")
        if not beta > 0:
            raise ArgumentError(f"beta must be a number above 0, got {beta!r}.")
        if threshold is not None and not 0 < threshold <= 1:
            raise ArgumentError(f"threshold must be above 0 and at most 1, or None, got {threshold!r}.")
        self.average, self.beta, self.threshold = average, float(beta), threshold
        self._built_ = False

    def _build_(self, y_true_shape: Sequence[int | None] | None, y_pred_shape: Sequence[int | None]) -> None:
        """Makes the variables, for as many classes as outputs have."""
        if len(y_pred_shape) != 2 or y_pred_shape[1] is None:
            raise ShapeError(f"{self.name} needs outputs (batch, classes), got {tuple(y_pred_shape)}.")
        shape = () if self.average == "micro" else (y_pred_shape[1],)
        for which in ("true_positives", "false_positives", "false_negatives", "intermediate_weights"):
            setattr(self, which, self.add_variable(shape, "zeros", name=which))
        self._built_ = True

    def update_state(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        """Adds a batch of targets (0 or 1) and outputs, both (batch, classes); weights are (batch,)."""
        y_true, y_pred = same_shape(y_true, y_pred, self.name)
        if not self._built_:
            self._build_(None, tuple(y_pred.shape))
        if self.threshold is None:
            called = ops.one_hot(ops.argmax(y_pred, -1), y_pred.shape[-1], dtype=self.dtype)
        else:
            called = ops.cast(ops.greater(y_pred, self.threshold), self.dtype)
        actual = ops.cast(ops.cast(y_true, "bool"), self.dtype)
        weights = combine_weights(sample_weight, None, called)
        axis = None if self.average == "micro" else 0
        for variable, hits in (
            (self.true_positives, actual * called),
            (self.false_positives, (1.0 - actual) * called),
            (self.false_negatives, actual * (1.0 - called)),
            (self.intermediate_weights, actual),
        ):
            variable.assign_add(ops.sum(hits if weights is None else hits * weights, axis))

    def result(self) -> Array:
        """The score, or one for each class."""
        if not self._built_:
            return arrays(0.0)[0]
        tp = self.true_positives.value
        precision = divide_or_zero(tp, tp + self.false_positives.value)
        recall = divide_or_zero(tp, tp + self.false_negatives.value)
        square = self.beta**2
        score = divide_or_zero((1.0 + square) * precision * recall, square * precision + recall)
        if self.average == "macro":
            return ops.mean(score)
        if self.average == "weighted":
            often = self.intermediate_weights.value
            return divide_or_zero(ops.sum(score * often), ops.sum(often))
        return score


@METRICS.add
class F1Score(FBetaScore):
    """The harmonic mean of precision and recall: `2 P R / (P + R)`. Arguments as for `FBetaScore`, without beta.

    >>> float(F1Score(average="micro")([[1, 0], [0, 1]], [[0.9, 0.1], [0.6, 0.4]]))
    0.5
    """

    def __init__(
        self, average: str | None = None, threshold: float | None = None, name: str | None = "f1_score", dtype: Any = None
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)
