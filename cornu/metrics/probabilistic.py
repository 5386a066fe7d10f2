"""Means of cross-entropies and divergences."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.losses.probabilistic import (
    binary_crossentropy,
    categorical_crossentropy,
    counted_labels,
    kl_divergence,
    poisson,
    sparse_categorical_crossentropy,
)
from cornu.losses.reduction import arrays, combine_weights
from cornu.metrics.mean import MeanMetricWrapper
from cornu.ops.arguments import Array
from cornu.registry import METRICS

__all__ = ["BinaryCrossentropy", "CategoricalCrossentropy", "KLDivergence", "Poisson", "SparseCategoricalCrossentropy"]


class BinaryCrossentropy(MeanMetricWrapper):
    """The mean of `-(t ln p + (1 - t) ln(1 - p))`.

    Args:
        name, dtype: as for `Metric`.
        from_logits: whether the outputs are logits rather than probabilities.
        label_smoothing: from 0 to 1; draws the targets towards 1/2.

    >>> float(BinaryCrossentropy()([[0], [1]], [[0.5], [0.5]]))
    0.693147
    """

    def __init__(
        self, name: str | None = "binary_crossentropy", dtype: Any = None, from_logits: bool = False, label_smoothing: float = 0
    ) -> None:
        super().__init__(binary_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)
        self.from_logits, self.label_smoothing = from_logits, label_smoothing


class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean of `-sum(t ln p)`, for one-hot targets.

    Args:
        name, dtype: as for `Metric`.
        from_logits: whether the outputs are logits rather than probabilities.
        label_smoothing: from 0 to 1; draws the targets towards 1/classes.
        axis: the class axis.

    >>> float(CategoricalCrossentropy()([[0, 1]], [[0.5, 0.5]]))
    0.693147
    """

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(categorical_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean of `-ln p[t]`, for targets that name classes by number.

    Args:
        name, dtype: as for `Metric`.
        from_logits: whether the outputs are logits rather than probabilities.
        ignore_class: a class number that does not count where it is the target.
        axis: the class axis.

    >>> float(SparseCategoricalCrossentropy()([1, 0], [[0.5, 0.5], [0.5, 0.5]]))
    0.693147
    """

    def __init__(
        self, name: str | None = "sparse_categorical_crossentropy", dtype: Any = None, from_logits: bool = False,
        ignore_class: int | None = None, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(sparse_categorical_crossentropy, name, dtype, from_logits=from_logits, ignore_class=ignore_class, axis=axis)
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Array | None = None) -> None:  # type: ignore[override]
        """Adds a batch; targets of the class to ignore weigh nothing."""
        if self.ignore_class is not None:
            y_pred, y_true = arrays(y_pred, y_true)
            counted = ops.cast(counted_labels(y_true, y_pred, self.ignore_class, self.axis), self.dtype)
            sample_weight = combine_weights(sample_weight, counted, counted)
        super().update_state(y_true, y_pred, sample_weight)


class KLDivergence(MeanMetricWrapper):
    """The mean of `sum(t ln(t / p))`.

    >>> float(KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]]))
    0.143841
    """

    def __init__(self, name: str | None = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(kl_divergence, name, dtype)


class Poisson(MeanMetricWrapper):
    """The mean of `y - t ln y`, for counts `t` at rates `y`.

    >>> float(Poisson()([[1, 2]], [[1.0, 1.0]]))
    1.0
    """

    def __init__(self, name: str | None = "poisson", dtype: Any = None) -> None:
        super().__init__(poisson, name, dtype)


METRICS.add(BinaryCrossentropy, "bce", "BCE")
METRICS.add(KLDivergence, "kld", "KLD")
for _metric in (CategoricalCrossentropy, SparseCategoricalCrossentropy, Poisson):
    METRICS.add(_metric)
