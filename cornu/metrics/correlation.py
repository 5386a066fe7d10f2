"""How outputs move with targets: correlations, and the share of variance explained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cornu import config, ops
from cornu.errors import ArgumentError, ShapeError
from cornu.losses.reduction import arrays, combine_weights, divide_or_zero, same_shape, weigh
from cornu.metrics.mean import FUNCTIONS, MeanMetricWrapper
from cornu.metrics.metric import Metric
from cornu.ops.arguments import Array
from cornu.registry import METRICS
from cornu.state import Variable

__all__ = ["ConcordanceCorrelation", "PearsonCorrelation", "R2Score", "concordance_correlation", "pearson_correlation"]


def pearson_correlation(y_true: Array, y_pred: Array, axis: int = -1) -> Array:
    """Pearson's correlation along an axis: `cov(t, y) / (σ_t σ_y)`; 0 where one of them is constant.

    >>> pearson_correlation([[0.0, 1.0, 2.0]], [[1.0, 3.0, 5.0]]).tolist()
    [1.0]
    """
    y_true, y_pred = _centred(y_true, y_pred, axis, "pearson_correlation")
    squares = ops.sum(ops.square(y_true), axis) * ops.sum(ops.square(y_pred), axis)
    return ops.sum(y_true * y_pred, axis) * ops.rsqrt(ops.maximum(squares, config.epsilon() ** 2))


def concordance_correlation(y_true: Array, y_pred: Array, axis: int = -1) -> Array:
    """Lin's concordance along an axis: `2 cov(t, y) / (σ_t² + σ_y² + (mean t - mean y)²)`: 1 only where outputs equal targets.

    L. I-K. Lin, A concordance correlation coefficient to evaluate reproducibility, https://doi.org/10.2307/2532051.

    >>> concordance_correlation([[0.0, 1.0, 2.0]], [[0.0, 1.0, 2.0]]).tolist()
    [1.0]
    """
    apart = ops.square(ops.subtract(*(ops.mean(x, axis) for x in same_shape(y_true, y_pred, "concordance_correlation"))))
    y_true, y_pred = _centred(y_true, y_pred, axis, "concordance_correlation")
    covariance = ops.mean(y_true * y_pred, axis)
    return 2.0 * covariance / (ops.mean(ops.square(y_true), axis) + ops.mean(ops.square(y_pred), axis) + apart + config.epsilon())


def _centred(y_true: Array, y_pred: Array, axis: int, name: str) -> list[Array]:
    return [ops.subtract(x, ops.mean(x, axis, keepdims=True)) for x in same_shape(y_true, y_pred, name)]


FUNCTIONS |= {f.__name__: f for f in (pearson_correlation, concordance_correlation)}


@METRICS.add
class PearsonCorrelation(MeanMetricWrapper):
    """The mean of Pearson's correlation along an axis.

    Args:
        name, dtype: as for `Metric`.
        axis: the axis along which targets and outputs are compared.

    >>> float(PearsonCorrelation()([[0, 1, 0.5], [1, 1, 0.2]], [[0.1, 0.9, 0.5], [1, 0.9, 0.2]]))
    0.9967
    """

    def __init__(self, name: str | None = "pearson_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)
        self.axis = axis


@METRICS.add
class ConcordanceCorrelation(MeanMetricWrapper):
    """The mean of Lin's concordance along an axis. Arguments as for `PearsonCorrelation`.

    >>> float(ConcordanceCorrelation()([[0, 1, 0.5]], [[0, 1, 0.5]]))
    1.0
    """

    def __init__(self, name: str | None = "concordance_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)
        self.axis = axis


@METRICS.add
class R2Score(Metric):
    """The share of the targets' variance that outputs explain: `1 - sum((t - y)²) / sum((t - mean t)²)`.

    The spread of targets is gathered around a running mean, which joins batches as T. F. Chan and others do
    (http://i.stanford.edu/pub/cstr/reports/cs/tr/79/773/CS-TR-79-773.pdf), so that targets far from 0 lose no digits.

    Args:
        class_aggregation: how the scores of several outputs become one: "uniform_average", "variance_weighted_average", or None for each.
        num_regressors: how many independent variables the model has, for the adjusted score; 0 for the plain one.
        name, dtype: as for `Metric`.

    >>> float(R2Score()([[1], [4], [3]], [[2], [4], [4]]))
    0.571429
    """

    count: Variable
    mean: Variable
    spread: Variable
    residual: Variable

    def __init__(
        self, class_aggregation: str | None = "uniform_average", num_regressors: int = 0, name: str | None = "r2_score", dtype: Any = None
    ) -> None:
        super().__init__(dtype, name)
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise ArgumentError(
                f"class_aggregation must be 'uniform_average', 'variance_weighted_average' or None, got {class_aggregation!r}."
            )
        if not isinstance(num_regressors, int) or num_regressors < 0:
            raise ArgumentError(f"num_regressors must be a whole number that is not negative, got {num_regressors!r}.")
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.num_samples = self.add_variable((), "zeros", name="num_samples")
        self._built_ = False

    def _build_(self, y_true_shape: Sequence[int | None] | None, y_pred_shape: Sequence[int | None]) -> None:
        """Makes the variables, for as many outputs as there are."""
        if len(y_pred_shape) != 2 or y_pred_shape[1] is None:
            raise ShapeError(f"{self.name} needs outputs (batch, outputs), got {tuple(y_pred_shape)}.")
        for which in ("count", "mean", "spread", "residual"):
            setattr(self, which, self.add_variable((y_pred_shape[1],), "zeros", name=which))
        self._built_ = True

    def update_state(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        """Adds a batch of targets and outputs, both (batch, outputs); weights are (batch,)."""
        y_true, y_pred = (ops.cast(x, self.dtype) for x in same_shape(y_true, y_pred, self.name))
        if not self._built_:
            self._build_(None, tuple(y_pred.shape))
        weights = combine_weights(sample_weight, None, y_true)
        weights = ops.ones_like(y_true) if weights is None else ops.broadcast_to(weights, y_true.shape)
        count = ops.sum(weights, 0)
        mean = divide_or_zero(ops.sum(weigh(y_true, weights), 0), count)
        spread, residual = (ops.sum(weigh(ops.square(y_true - around), weights), 0) for around in (mean, y_pred))
        self._join(count, mean, spread, residual, y_true.shape[0])

    def _join(self, count: Array, mean: Array, spread: Array, residual: Array, samples: Any) -> None:
        """Adds what another part of the data has: its weight, mean, sum of squares around that mean, and errors."""
        both = self.count + count
        apart = mean - self.mean
        self.spread.assign_add(spread + ops.square(apart) * divide_or_zero(self.count * count, both))
        self.mean.assign_add(apart * divide_or_zero(count, both))
        self.count.assign(both)
        self.residual.assign_add(residual)
        self.num_samples.assign_add(samples)

    def merge_state(self, metrics: Iterable[Metric]) -> None:
        """Adds what other metrics of this kind gathered, as if their batches had passed here."""
        for other in metrics:
            if type(other) is not type(self):
                raise ArgumentError(f"{self!r} can be merged with others of its class, got {other!r}.")
            if isinstance(other, R2Score) and other._built_:
                if not self._built_:
                    self._build_(None, (None, *other.count.shape))
                parts = (getattr(other, which) for which in ("count", "mean", "spread", "residual", "num_samples"))
                self._join(*(self.num_samples.backend.asarray(part.numpy()) for part in parts))

    def result(self) -> Array:
        """The score, adjusted if `num_regressors` says so; 0 before any batch."""
        if not self._built_:
            return arrays(0.0)[0]
        score = self._aggregated(1.0 - divide_or_zero(self.residual.value, self.spread.value))
        if not self.num_regressors:
            return score
        left = self.num_samples.value - self.num_regressors - 1.0
        return ops.where(ops.greater(left, 0), 1.0 - (1.0 - score) * divide_or_zero(self.num_samples.value - 1.0, left), score)

    def _aggregated(self, scores: Array) -> Array:
        if self.class_aggregation is None:
            return scores
        if self.class_aggregation == "uniform_average":
            return ops.mean(scores)
        return divide_or_zero(ops.sum(scores * self.spread.value), ops.sum(self.spread.value))
