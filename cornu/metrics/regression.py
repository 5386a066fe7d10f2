"""Means of distances between numbers."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.losses import regression
from cornu.losses.reduction import same_shape
from cornu.metrics.mean import Mean, MeanMetricWrapper
from cornu.ops.arguments import Array
from cornu.registry import METRICS

__all__ = [
    "CosineSimilarity", "LogCoshError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "RootMeanSquaredError",
]  # fmt: skip


class MeanSquaredError(MeanMetricWrapper):
    """The mean of `(t - y)²`.

    >>> float(MeanSquaredError()([[0, 1]], [[1.0, 3.0]]))
    2.5
    """

    def __init__(self, name: str | None = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(regression.mean_squared_error, name, dtype)


class MeanAbsoluteError(MeanMetricWrapper):
    """The mean of `|t - y|`.

    >>> float(MeanAbsoluteError()([[0, 1]], [[1.0, 3.0]]))
    1.5
    """

    def __init__(self, name: str | None = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(regression.mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """The mean of `100 |t - y| / |t|`.

    >>> float(MeanAbsolutePercentageError()([[2, 4]], [[1.0, 3.0]]))
    37.5
    """

    def __init__(self, name: str | None = "mean_absolute_percentage_error", dtype: Any = None) -> None:
        super().__init__(regression.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """The mean of `(ln(t + 1) - ln(y + 1))²`.

    >>> float(MeanSquaredLogarithmicError()([[0.0]], [[1.718281828]]))
    1.0
    """

    def __init__(self, name: str | None = "mean_squared_logarithmic_error", dtype: Any = None) -> None:
        super().__init__(regression.mean_squared_logarithmic_error, name, dtype)


class LogCoshError(MeanMetricWrapper):
    """The mean of `ln cosh(y - t)`.

    >>> float(LogCoshError()([[0.0]], [[100.0]]))
    99.30685
    """

    def __init__(self, name: str | None = "logcosh", dtype: Any = None) -> None:
        super().__init__(regression.log_cosh, name, dtype)


class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of the angle between targets and outputs.

    Args:
        name, dtype: as for `Metric`.
        axis: the axis of the vectors' components.

    >>> float(CosineSimilarity()([[1, 0]], [[1.0, 1.0]]))
    0.7071068
    """

    def __init__(self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(_cosine, name, dtype, axis=axis)
        self.axis = axis


def _cosine(y_true: Array, y_pred: Array, axis: int) -> Array:
    return -regression.cosine_similarity(y_true, y_pred, axis)


class RootMeanSquaredError(Mean):
    """The root of the mean of `(t - y)²`.

    >>> float(RootMeanSquaredError()([[0, 1]], [[1.0, 2.0]]))
    1.0
    """

    _by_row_ = True

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:  # type: ignore[override]
        """Adds a batch; weights have the targets' shape, or its first axes."""
        y_true, y_pred = same_shape(y_true, y_pred, "RootMeanSquaredError")
        super().update_state(ops.square(ops.subtract(y_true, y_pred)), sample_weight)

    def result(self) -> Array:
        """The root of the mean."""
        return ops.sqrt(super().result())


for _metric, *_aliases in (
    (MeanSquaredError, "mse", "MSE"),
    (MeanAbsoluteError, "mae", "MAE"),
    (MeanAbsolutePercentageError, "mape", "MAPE"),
    (MeanSquaredLogarithmicError, "msle", "MSLE"),
    (LogCoshError, "logcosh", "log_cosh"),
    (CosineSimilarity,),
    (RootMeanSquaredError, "rmse", "RMSE"),
):
    METRICS.add(_metric, *_aliases)
