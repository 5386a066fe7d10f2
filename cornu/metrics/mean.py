"""Sums and means of whatever passes, and the mean of a function of targets and outputs."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import dtypes, ops
from cornu.errors import ConfigError, ShapeError
from cornu.losses.loss import align_unless_nested
from cornu.losses.reduction import arrays, combine_weights, divide_or_zero, weigh
from cornu.metrics.metric import Metric
from cornu.ops.arguments import Array
from cornu.registry import LOSSES, METRICS
from cornu.serialization import revive, serialize

__all__ = ["Mean", "MeanMetricWrapper", "Sum"]


def gathered(values: Array, sample_weight: Array | None, dtype: str) -> tuple[Array, Array | None]:
    """The values in `dtype`, times their weights; and the weights spread over them, None without any. What weighs 0 is 0, even NaN."""
    (values,) = arrays(values)
    values = ops.cast(values, dtype)
    if sample_weight is None:
        return values, None
    weights = combine_weights(sample_weight, None, values)
    weights = weights if values.ndim else ops.mean(weights)  # one number for a batch, as users' functions give, counts by the mean weight
    weights = ops.broadcast_to(weights, values.shape)
    return weigh(values, weights), weights


@METRICS.add
class Sum(Metric):
    """The weighted sum of all values.

    >>> total = Sum()
    >>> total.update_state([1.0, 2.0], sample_weight=[1.0, 0.5])
    >>> float(total.result())
    2.0
    """

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable((), "zeros", name="total")

    def update_state(self, values: Array, sample_weight: Array | None = None) -> None:
        """Adds values; weights have their shape, or its first axes."""
        values, _ = gathered(values, sample_weight, self.dtype)
        self.total.assign_add(ops.sum(values) if values.ndim else values)

    def result(self) -> Array:
        """The sum."""
        return ops.copy(self.total)  # on backends that assign in place, the value itself would go on changing


@METRICS.add
class Mean(Metric):
    """The weighted mean of all values: `sum(w v) / sum(w)`, 0 before any.

    Both sums are float32 unless `dtype` says otherwise: a count of single values is exact up to 2²⁴, and a sum carries a relative error of
    about 6e-8 for each addition; `dtype="float64"` gathers longer.

    >>> mean = Mean()
    >>> mean.update_state([1.0, 3.0])
    >>> mean.update_state(5.0)
    >>> float(mean.result())
    3.0
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, values: Array, sample_weight: Array | None = None) -> None:
        """Adds values; weights have their shape, or its first axes, and values of weight 0 do not count."""
        if isinstance(sample_weight, int) and sample_weight > 0 and getattr(values, "ndim", None) == 0:  # one value that stands for many
            self.total.assign_add(ops.multiply(ops.cast(values, self.dtype), sample_weight))
            self.count.assign_add(sample_weight)
            return
        values, weights = gathered(values, sample_weight, self.dtype)
        self.total.assign_add(ops.sum(values) if values.ndim else values)
        self.count.assign_add(math.prod(values.shape) if weights is None else ops.sum(weights))

    def result(self) -> Array:
        """The mean."""
        return divide_or_zero(self.total.value, self.count.value)


@METRICS.add
class MeanMetricWrapper(Mean):
    """The mean of a function of targets and outputs that gives a value for each sample.

    Args:
        fn: `fn(y_true, y_pred, **kwargs)`.
        name: the function's by default.
        dtype: the dtype in which it is gathered.
        kwargs: passed to the function.

    >>> error = MeanMetricWrapper(lambda y_true, y_pred: ops.absolute(y_true - y_pred), name="error")
    >>> float(error([1.0, 2.0], [2.0, 4.0]))
    1.5
    """

    _by_row_ = True

    def __init__(self, fn: Callable[..., Array], name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name or getattr(fn, "__name__", None), dtype)
        self._fn, self._fn_kwargs = fn, kwargs

    # of the kind of Mean, as programs that ask for it expect, though what it gathers comes in two parts
    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Array | None = None) -> None:  # type: ignore[override]
        """Adds a batch; weights have the shape of the values that the function gives, or its first axes."""
        y_true, y_pred = align_unless_nested(*self._converted(y_true, y_pred))
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        if sample_weight is not None and getattr(y_pred, "ndim", None) == 1 and not values.ndim:
            self.__check_one_weight(tuple(y_pred.shape), np.shape(sample_weight))
        super().update_state(values, sample_weight)

    def __check_one_weight(self, outputs: tuple[int | None, ...], weights: tuple[int | None, ...]) -> None:
        """Raises for several weights beside outputs (N,), over which the function has taken its mean."""
        if any(n != 1 for n in weights):
            raise ShapeError(
                f"{self.name} makes one number of outputs of shape {outputs}, as if they were one sample, and so takes one weight, got weights "
                f"of shape {weights}. Give targets and outputs a last axis, `y[:, None]`, for one value for each sample."
            )

    def _converted(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        if isinstance(y_pred, (dict, tuple)) or isinstance(y_true, (dict, tuple)):
            return y_true, y_pred
        y_true, y_pred = (ops.cast(x, self.dtype) if dtypes.is_floating(ops.dtype(x)) else x for x in arrays(y_true, y_pred))
        return y_true, y_pred

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; a function is given by its name."""
        if "fn" not in inspect.signature(type(self).__init__).parameters:
            return super().get_config()
        settings = {name: serialize(value) for name, value in self._fn_kwargs.items()}
        return {"name": self.name, "dtype": self.dtype, "fn": serialize(self._fn), **settings}

    @classmethod
    def from_config(cls, config: Any) -> MeanMetricWrapper:
        """A metric from its constructor's arguments, a function sought by its name."""
        if "fn" not in inspect.signature(cls.__init__).parameters:
            return super().from_config(config)
        if "fn" not in config:
            raise ConfigError(f"A configuration of {cls.__name__} must name its function under 'fn', got {sorted(config)}.")
        return cls(**{**revive({k: v for k, v in config.items() if k != "fn"}), "fn": find_function(config["fn"])})


FUNCTIONS: dict[str, Callable[..., Array]] = {}
"""Functions of targets and outputs that are no losses, by name."""


def find_function(identifier: Any) -> Callable[..., Array]:
    """The function that a name or a configuration stands for, among those of metrics, of losses, and the user's own."""
    name = identifier.get("config") if isinstance(identifier, dict) else identifier
    return FUNCTIONS[name] if isinstance(name, str) and name in FUNCTIONS else LOSSES.get(identifier)
