"""Intersection over union of what is a class and what is called it, from a confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import dtypes, ops
from cornu.errors import ArgumentError, ShapeError
from cornu.losses.reduction import align, arrays, combine_weights, divide_or_zero
from cornu.metrics.metric import Metric
from cornu.ops.arguments import Array
from cornu.registry import METRICS

__all__ = ["BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"]


class _ConfusionMatrix(Metric):
    """The base: counts of (target class, output class) pairs. Labels that are no class do not count."""

    def __init__(
        self, num_classes: int, name: str | None, dtype: Any, ignore_class: int | None = None, sparse_y_true: bool = True,
        sparse_y_pred: bool = True, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(dtype or "int32", name)
        if not isinstance(num_classes, int) or num_classes < 1:
            raise ArgumentError(f"num_classes must be a whole number above 0, got {num_classes!r}.")
        self.num_classes, self.ignore_class, self.axis = num_classes, ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self.total_confusion_matrix = self.add_variable((num_classes, num_classes), "zeros", name="total_confusion_matrix")

    def classes(self, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        """Targets and outputs as class numbers."""
        y_true = y_true if self.sparse_y_true else ops.argmax(y_true, self.axis)
        return y_true, y_pred if self.sparse_y_pred else ops.argmax(y_pred, self.axis)

    def update_state(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        """Adds a batch.

        Args:
            y_true, y_pred: class numbers; scores along the class axis where they are not sparse.
            sample_weight: weights of the shape of the class numbers, or of its first axes; whole numbers unless `dtype` is a float.
        """
        y_pred, y_true = arrays(y_pred, y_true)
        y_true, y_pred = align(*self.classes(y_true, y_pred))
        if tuple(y_true.shape) != tuple(y_pred.shape):
            raise ShapeError(
                f"{self.name} needs a class for each target's class, got shapes {tuple(y_true.shape)} and {tuple(y_pred.shape)}."
            )
        true, pred = ops.cast(y_true, "int32"), ops.cast(y_pred, "int32")
        weights = ops.ones_like(true, dtype=self.dtype)
        if sample_weight is not None:
            weights = weights * combine_weights(self._whole(arrays(sample_weight, true)[0]), None, weights)
        counts = _inside(true, self.num_classes, self.ignore_class)
        weights = ops.reshape(ops.where(ops.logical_and(counts, _inside(pred, self.num_classes)), weights, 0), (-1,))
        place = ops.clip(true, 0, self.num_classes - 1) * self.num_classes + ops.clip(pred, 0, self.num_classes - 1)
        empty = np.zeros(self.num_classes**2, dtypes.numpy_dtype(self.dtype))
        pairs = ops.scatter_add(empty, ops.reshape(place, (-1, 1)), weights)
        self.total_confusion_matrix.assign_add(ops.reshape(pairs, (self.num_classes, self.num_classes)))

    def _whole(self, weights: Array) -> Array:
        if dtypes.is_floating(ops.dtype(weights)) and not dtypes.is_floating(self.dtype):
            raise ArgumentError(
                f"{self.name} counts in {self.dtype}, which would cut the fractions of sample weights ({ops.dtype(weights)}) off. "
                "Make the metric with dtype='float32', or give whole weights."
            )
        return weights

    def result(self) -> Array:
        """The mean intersection over union of the wanted classes; classes that never came up do not count."""
        matrix = ops.cast(self.total_confusion_matrix.value, "float32")
        intersection = ops.sum(ops.multiply(matrix, np.eye(self.num_classes, dtype="float32")), 0)
        union = ops.sum(matrix, 0) + ops.sum(matrix, 1) - intersection
        wanted = np.zeros(self.num_classes, "float32")
        wanted[list(self._wanted())] = 1.0
        seen = ops.multiply(ops.cast(ops.greater(union, 0), "float32"), wanted)
        return divide_or_zero(ops.sum(divide_or_zero(intersection, union) * seen), ops.sum(seen))

    def _wanted(self) -> Sequence[int]:
        return range(self.num_classes)


def _inside(labels: Array, classes: int, ignored: int | None = None) -> Array:
    within = ops.logical_and(ops.greater_equal(labels, 0), ops.less(labels, classes))
    return within if ignored is None else ops.logical_and(within, ops.not_equal(labels, ignored))


@METRICS.add
class IoU(_ConfusionMatrix):
    """Intersection over union, `TP / (TP + FP + FN)`, averaged over some classes.

    Counts are int32 by default, exact up to 2³¹.

    Args:
        num_classes: how many classes there are.
        target_class_ids: the classes whose scores are averaged.
        name, dtype: as for `Metric`.
        ignore_class: a class number that does not count where it is the target.
        sparse_y_true, sparse_y_pred: whether targets and outputs are class numbers rather than scores for each class.
        axis: the class axis of those that are not sparse.

    >>> float(IoU(2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1]))
    0.333333
    """

    def __init__(
        self, num_classes: int, target_class_ids: Sequence[int], name: str | None = None, dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True, sparse_y_pred: bool = True, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(num_classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)
        self.target_class_ids = [int(i) for i in target_class_ids]
        if not self.target_class_ids or not all(0 <= i < num_classes for i in self.target_class_ids):
            raise ArgumentError(f"target_class_ids must be from 0 to {num_classes - 1}, got {target_class_ids!r}.")

    def _wanted(self) -> Sequence[int]:
        return self.target_class_ids


@METRICS.add
class BinaryIoU(IoU):
    """Intersection over union for two classes, told apart by a threshold.

    Args:
        target_class_ids: 0, 1 or both, whose scores are averaged.
        threshold: outputs of at least this are of class 1.
        name, dtype: as for `Metric`.

    >>> float(BinaryIoU(target_class_ids=[1], threshold=0.3)([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7]))
    0.333333
    """

    def __init__(
        self, target_class_ids: Sequence[int] = (0, 1), threshold: float = 0.5, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def classes(self, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        """Targets as they are, outputs compared with the threshold."""
        return y_true, ops.greater_equal(y_pred, self.threshold)


@METRICS.add
class MeanIoU(_ConfusionMatrix):
    """The mean over all classes of intersection over union. Arguments as for `IoU`.

    >>> float(MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1]))
    0.333333
    """

    def __init__(
        self, num_classes: int, name: str | None = None, dtype: Any = None, ignore_class: int | None = None, sparse_y_true: bool = True,
        sparse_y_pred: bool = True, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(num_classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


@METRICS.add
class OneHotIoU(IoU):
    """Intersection over union for one-hot targets. Arguments as for `IoU`.

    >>> float(OneHotIoU(2, target_class_ids=[1])([[1, 0], [0, 1]], [[0.4, 0.6], [0.2, 0.8]]))
    0.5
    """

    def __init__(
        self, num_classes: int, target_class_ids: Sequence[int], name: str | None = None, dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


@METRICS.add
class OneHotMeanIoU(_ConfusionMatrix):
    """The mean over all classes of intersection over union, for one-hot targets. Arguments as for `IoU`.

    >>> float(OneHotMeanIoU(2)([[1, 0], [0, 1]], [[0.4, 0.6], [0.2, 0.8]]))
    0.25
    """

    def __init__(
        self, num_classes: int, name: str | None = None, dtype: Any = None, ignore_class: int | None = None, sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
