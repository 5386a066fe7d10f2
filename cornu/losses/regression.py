"""Losses of numbers: distances between targets and outputs."""

from __future__ import annotations

import math
from typing import Any

from cornu import config, ops
from cornu.losses.loss import FunctionLoss
from cornu.losses.reduction import same_shape
from cornu.ops.arguments import Array
from cornu.registry import LOSSES

__all__ = [
    "CosineSimilarity", "Huber", "LogCosh", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "cosine_similarity", "huber", "log_cosh", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error",
    "mean_squared_logarithmic_error",
]  # fmt: skip


def mean_squared_error(y_true: Array, y_pred: Array) -> Array:
    """Mean of squared differences along the last axis: `mean((t - y)²)`.

    Args:
        y_true: targets (..., d).
        y_pred: outputs of the same shape; (N,) beside (N, 1) is taken as (N, 1).

    Returns:
        An array without the last axis.

    Raises:
        ShapeError: the shapes differ.

    >>> mean_squared_error([[0.0, 1.0]], [[1.0, 3.0]]).tolist()
    [2.5]
    """
    y_true, y_pred = same_shape(y_true, y_pred, "mean_squared_error")
    return _mean(ops.square(ops.subtract(y_true, y_pred)))


def mean_absolute_error(y_true: Array, y_pred: Array) -> Array:
    """Mean of absolute differences along the last axis: `mean(|t - y|)`. Arguments and shapes as for `mean_squared_error`.

    >>> mean_absolute_error([[0.0, 1.0]], [[1.0, 3.0]]).tolist()
    [1.5]
    """
    y_true, y_pred = same_shape(y_true, y_pred, "mean_absolute_error")
    return _mean(ops.absolute(ops.subtract(y_true, y_pred)))


def mean_absolute_percentage_error(y_true: Array, y_pred: Array) -> Array:
    """Mean of absolute differences in per cent of the target: `100 mean(|t - y| / max(|t|, epsilon))`. Shapes as for `mean_squared_error`.

    >>> mean_absolute_percentage_error([[2.0, 4.0]], [[1.0, 3.0]]).tolist()
    [37.5]
    """
    y_true, y_pred = same_shape(y_true, y_pred, "mean_absolute_percentage_error")
    return 100.0 * _mean(ops.absolute(ops.divide(ops.subtract(y_true, y_pred), ops.maximum(ops.absolute(y_true), config.epsilon()))))


def mean_squared_logarithmic_error(y_true: Array, y_pred: Array) -> Array:
    """Mean of squared differences of logarithms: `mean((ln(t + 1) - ln(y + 1))²)`; values below epsilon count as epsilon.

    Shapes as for `mean_squared_error`.

    >>> mean_squared_logarithmic_error([[0.0]], [[1.718281828]]).tolist()
    [1.0]
    """
    y_true, y_pred = same_shape(y_true, y_pred, "mean_squared_logarithmic_error")
    return _mean(ops.square(ops.subtract(_log_of_one_more(y_true), _log_of_one_more(y_pred))))


def huber(y_true: Array, y_pred: Array, delta: float = 1.0) -> Array:
    """Mean of squares near 0 and lengths beyond: `e²/2` where `|e| <= delta`, else `delta |e| - delta²/2`, with `e = y - t`.

    P. J. Huber, Robust estimation of a location parameter, https://doi.org/10.1214/aoms/1177703732. Shapes as for `mean_squared_error`.

    >>> huber([[0.0, 0.0]], [[1.0, 3.0]]).tolist()
    [1.5]
    """
    y_true, y_pred = same_shape(y_true, y_pred, "huber")
    distance = ops.absolute(ops.subtract(y_pred, y_true))
    return _mean(ops.where(distance <= delta, 0.5 * ops.square(distance), delta * distance - 0.5 * delta**2))


def log_cosh(y_true: Array, y_pred: Array) -> Array:
    """Mean logarithm of the hyperbolic cosine of the difference: `mean(ln cosh(y - t))`, as `e + ln(1 + exp(-2e)) - ln 2`.

    It is about `e²/2` near 0 and `|e| - ln 2` far away. Shapes as for `mean_squared_error`.

    >>> log_cosh([[0.0]], [[100.0]]).tolist()
    [99.30685]
    """
    y_true, y_pred = same_shape(y_true, y_pred, "log_cosh")
    error = ops.subtract(y_pred, y_true)
    return _mean(error + ops.softplus(-2.0 * error) - math.log(2.0))


def cosine_similarity(y_true: Array, y_pred: Array, axis: int = -1) -> Array:
    """Minus the cosine of the angle between targets and outputs, `-sum(t/|t| · y/|y|)` along an axis: -1 for one direction, 0 where one is all zeros.

    Raises:
        ShapeError: the shapes differ.

    >>> cosine_similarity([[1.0, 0.0]], [[1.0, 1.0]]).tolist()
    [-0.707107]
    """
    y_true, y_pred = same_shape(y_true, y_pred, "cosine_similarity")
    return -ops.sum(ops.multiply(_direction(y_true, axis), _direction(y_pred, axis)), axis)


def _direction(x: Array, axis: int) -> Array:
    """`x / |x|`; zeros stay zeros, where the gradient is finite too."""
    return ops.multiply(x, ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis, keepdims=True), 1e-12)))


def _mean(values: Array) -> Array:
    """The mean along the last axis; a single number is its own."""
    return ops.mean(values, -1) if values.ndim else values


def _log_of_one_more(x: Array) -> Array:
    return ops.log(ops.maximum(x, config.epsilon()) + 1.0)


for _function, *_aliases in (
    (mean_squared_error, "mse", "MSE"),
    (mean_absolute_error, "mae", "MAE"),
    (mean_absolute_percentage_error, "mape", "MAPE"),
    (mean_squared_logarithmic_error, "msle", "MSLE"),
    (huber, "huber_loss"),
    (log_cosh, "logcosh"),
    (cosine_similarity,),
):
    LOSSES.add(_function, *_aliases)


@LOSSES.add
class MeanSquaredError(FunctionLoss):
    """The mean of `(t - y)²`.

    >>> MeanSquaredError()([[0.0, 1.0]], [[1.0, 3.0]]).tolist()
    2.5
    """

    _function_ = staticmethod(mean_squared_error)

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, reduction, dtype)


@LOSSES.add
class MeanAbsoluteError(FunctionLoss):
    """The mean of `|t - y|`.

    >>> MeanAbsoluteError()([[0.0, 1.0]], [[1.0, 3.0]]).tolist()
    1.5
    """

    _function_ = staticmethod(mean_absolute_error)

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(name, reduction, dtype)


@LOSSES.add
class MeanAbsolutePercentageError(FunctionLoss):
    """The mean of `100 |t - y| / |t|`.

    >>> MeanAbsolutePercentageError()([[2.0, 4.0]], [[1.0, 3.0]]).tolist()
    37.5
    """

    _function_ = staticmethod(mean_absolute_percentage_error)

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "mean_absolute_percentage_error", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)


@LOSSES.add
class MeanSquaredLogarithmicError(FunctionLoss):
    """The mean of `(ln(t + 1) - ln(y + 1))²`.

    >>> MeanSquaredLogarithmicError()([[0.0]], [[1.718281828]]).tolist()
    1.0
    """

    _function_ = staticmethod(mean_squared_logarithmic_error)

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "mean_squared_logarithmic_error", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)


@LOSSES.add
class CosineSimilarity(FunctionLoss):
    """Minus the cosine of the angle between targets and outputs: -1 for one direction, 0 at right angles, 1 for opposite ones.

    Args:
        axis: the axis of the vectors' components.
        reduction, name, dtype: as for `Loss`.

    >>> CosineSimilarity()([[1.0, 0.0]], [[1.0, 1.0]]).tolist()
    -0.707107
    """

    _function_ = staticmethod(cosine_similarity)

    def __init__(
        self, axis: int = -1, reduction: str | None = "sum_over_batch_size", name: str | None = "cosine_similarity", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.axis = axis


@LOSSES.add
class Huber(FunctionLoss):
    """Squares near 0, lengths beyond `delta`: less swayed by outliers than squares.

    Args:
        delta: the distance from which the loss grows linearly.
        reduction, name, dtype: as for `Loss`.

    >>> Huber()([[0.0, 0.0]], [[1.0, 3.0]]).tolist()
    1.5
    """

    _function_ = staticmethod(huber)

    def __init__(
        self, delta: float = 1.0, reduction: str | None = "sum_over_batch_size", name: str | None = "huber_loss", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.delta = delta


@LOSSES.add
class LogCosh(FunctionLoss):
    """The mean of `ln cosh(y - t)`.

    >>> LogCosh()([[0.0]], [[100.0]]).tolist()
    99.30685
    """

    _function_ = staticmethod(log_cosh)

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "log_cosh", dtype: Any = None) -> None:
        super().__init__(name, reduction, dtype)
