"""Means of margins missed."""

from __future__ import annotations

from typing import Any

from cornu.losses.margin import categorical_hinge, hinge, squared_hinge
from cornu.metrics.mean import MeanMetricWrapper
from cornu.registry import METRICS

__all__ = ["CategoricalHinge", "Hinge", "SquaredHinge"]


@METRICS.add
class Hinge(MeanMetricWrapper):
    """The mean of `max(1 - t y, 0)`, for targets -1 and 1 (or 0 and 1).

    >>> float(Hinge()([[0, 1]], [[0.5, 0.3]]))
    1.1
    """

    def __init__(self, name: str | None = "hinge", dtype: Any = None) -> None:
        super().__init__(hinge, name, dtype)


@METRICS.add
class SquaredHinge(MeanMetricWrapper):
    """The mean of `max(1 - t y, 0)²`, for targets -1 and 1 (or 0 and 1).

    >>> float(SquaredHinge()([[0, 1]], [[0.5, 0.3]]))
    1.37
    """

    def __init__(self, name: str | None = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(squared_hinge, name, dtype)


@METRICS.add
class CategoricalHinge(MeanMetricWrapper):
    """The mean of `max(1 + n - p, 0)`, for one-hot targets: p the right class's output, n the largest other.

    >>> float(CategoricalHinge()([[0, 1]], [[0.5, 0.3]]))
    1.2
    """

    def __init__(self, name: str | None = "categorical_hinge", dtype: Any = None) -> None:
        super().__init__(categorical_hinge, name, dtype)
