"""How often outputs are right."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.errors import ArgumentError, ShapeError
from cornu.losses.reduction import arrays, same_shape
from cornu.metrics.mean import FUNCTIONS, MeanMetricWrapper
from cornu.ops.arguments import Array
from cornu.registry import METRICS

__all__ = [
    "Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "accuracy", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy", "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]  # fmt: skip


def accuracy(y_true: Array, y_pred: Array) -> Array:
    """1.0 where the output equals the target, else 0.0.

    >>> accuracy([1, 2], [1, 3]).tolist()
    [1.0, 0.0]
    """
    y_pred, y_true = arrays(y_pred, y_true)
    if tuple(y_true.shape) != tuple(y_pred.shape):
        raise ShapeError(f"accuracy compares equal shapes element by element, got {tuple(y_true.shape)} and {tuple(y_pred.shape)}.")
    return _as_float(ops.equal(y_true, y_pred))


def binary_accuracy(y_true: Array, y_pred: Array, threshold: float = 0.5) -> Array:
    """1.0 where the output is above the threshold just when the target is 1, else 0.0.

    >>> binary_accuracy([[0, 1, 1]], [[0.2, 0.4, 0.8]]).tolist()
    [[1.0, 0.0, 1.0]]
    """
    y_true, y_pred = same_shape(y_true, y_pred, "binary_accuracy")
    return _as_float(ops.equal(y_true, ops.cast(ops.greater(y_pred, threshold), y_true.dtype)))


def categorical_accuracy(y_true: Array, y_pred: Array) -> Array:
    """1.0 where the largest output is that of the class with the largest target (one-hot), else 0.0.

    >>> categorical_accuracy([[0, 1], [1, 0]], [[0.1, 0.9], [0.3, 0.7]]).tolist()
    [1.0, 0.0]
    """
    y_true, y_pred = same_shape(y_true, y_pred, "categorical_accuracy")
    return _as_float(ops.equal(ops.argmax(y_true, -1), ops.argmax(y_pred, -1)))


def sparse_categorical_accuracy(y_true: Array, y_pred: Array) -> Array:
    """1.0 where the largest output is that of the class whose number is the target, else 0.0.

    Args:
        y_true: class numbers, of the outputs' shape without the last axis (or with it, of length 1).
        y_pred: an output for each class.

    >>> sparse_categorical_accuracy([1, 0], [[0.1, 0.9], [0.3, 0.7]]).tolist()
    [1.0, 0.0]
    """
    y_true, y_pred = _labels(y_true, y_pred, "sparse_categorical_accuracy")
    return _as_float(ops.equal(y_true, ops.argmax(y_pred, -1)))


def top_k_categorical_accuracy(y_true: Array, y_pred: Array, k: int = 5) -> Array:
    """1.0 where the class with the largest target is among the `k` largest outputs, else 0.0.

    >>> top_k_categorical_accuracy([[0, 0, 1]], [[0.5, 0.1, 0.4]], k=2).tolist()
    [1.0]
    """
    y_true, y_pred = same_shape(y_true, y_pred, "top_k_categorical_accuracy")
    return sparse_top_k_categorical_accuracy(ops.argmax(y_true, -1), y_pred, k)


def sparse_top_k_categorical_accuracy(y_true: Array, y_pred: Array, k: int = 5, from_sorted_ids: bool = False) -> Array:
    """1.0 where the class whose number is the target is among the `k` largest outputs, else 0.0.

    Ties count in favour: a class is out only where `k` others are larger. An output that is not finite is not among the largest.

    Args:
        y_true: class numbers, of the outputs' shape without the last axis (or with it, of length 1).
        y_pred: an output for each class; with `from_sorted_ids`, class numbers, most likely first.
        k: how many count as right.
        from_sorted_ids: what `y_pred` holds.

    >>> sparse_top_k_categorical_accuracy([2, 0], [[0.5, 0.1, 0.4], [0.1, 0.5, 0.4]], k=2).tolist()
    [1.0, 0.0]
    """
    y_true, y_pred = _labels(y_true, y_pred, "sparse_top_k_categorical_accuracy")
    labels = ops.expand_dims(ops.cast(y_true, "int32"), -1)
    if from_sorted_ids:
        return _as_float(ops.any(ops.equal(labels, ops.cast(y_pred[..., :k], "int32")), -1))
    own = ops.take_along_axis(y_pred, labels, -1)
    larger = ops.sum(ops.cast(ops.greater(y_pred, own), "int32"), -1)
    return _as_float(ops.logical_and(ops.less(larger, k), ops.isfinite(ops.squeeze(own, -1))))


def _as_float(hits: Array) -> Array:
    return ops.cast(hits, "float32")


def _labels(y_true: Array, y_pred: Array, name: str) -> tuple[Array, Array]:
    """Class numbers without the class axis, and the outputs."""
    y_pred, y_true = arrays(y_pred, y_true)
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, -1)
    if tuple(y_true.shape) != tuple(y_pred.shape[:-1]):
        raise ShapeError(
            f"{name} takes class numbers, shaped as outputs without the class axis, {tuple(y_pred.shape[:-1])}, got {tuple(y_true.shape)}. "
            f"For one-hot targets use {name.replace('sparse_', '')}."
        )
    return y_true, y_pred


for _function in (accuracy, binary_accuracy, categorical_accuracy, sparse_categorical_accuracy):
    FUNCTIONS[_function.__name__] = _function
for _function in (sparse_top_k_categorical_accuracy, top_k_categorical_accuracy):
    FUNCTIONS[_function.__name__] = _function


@METRICS.add
class Accuracy(MeanMetricWrapper):
    """How often the output equals the target.

    >>> float(Accuracy()([1, 2], [1, 3]))
    0.5
    """

    def __init__(self, name: str | None = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name, dtype)


@METRICS.add
class BinaryAccuracy(MeanMetricWrapper):
    """How often the output is above the threshold just when the target is 1.

    Args:
        name, dtype: as for `Metric`.
        threshold: 0.5 for probabilities; 0 for logits.

    >>> float(BinaryAccuracy()([[0], [1]], [[0.2], [0.4]]))
    0.5
    """

    def __init__(self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)
        self.threshold = threshold


@METRICS.add
class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest output is that of the right class, for one-hot targets.

    >>> float(CategoricalAccuracy()([[0, 1], [1, 0]], [[0.1, 0.9], [0.3, 0.7]]))
    0.5
    """

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


@METRICS.add
class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest output is that of the right class, for targets that name classes by number.

    >>> float(SparseCategoricalAccuracy()([1, 0], [[0.1, 0.9], [0.3, 0.7]]))
    0.5
    """

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


@METRICS.add
class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the right class is among the `k` largest outputs, for one-hot targets.

    >>> float(TopKCategoricalAccuracy(k=2)([[0, 0, 1]], [[0.5, 0.1, 0.4]]))
    1.0
    """

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=_count(k))
        self.k = k


@METRICS.add
class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the right class is among the `k` largest outputs, for targets that name classes by number.

    Args:
        k: how many outputs count.
        name, dtype: as for `Metric`.
        from_sorted_ids: whether outputs are class numbers, most likely first, rather than scores.

    >>> float(SparseTopKCategoricalAccuracy(k=2)([2, 0], [[0.5, 0.1, 0.4], [0.1, 0.5, 0.4]]))
    0.5
    """

    def __init__(
        self, k: int = 5, name: str | None = "sparse_top_k_categorical_accuracy", dtype: Any = None, from_sorted_ids: bool = False
    ) -> None:
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=_count(k), from_sorted_ids=from_sorted_ids)
        self.k, self.from_sorted_ids = k, from_sorted_ids


def _count(k: int) -> int:
    if not isinstance(k, int) or isinstance(k, bool) or k < 1:
        raise ArgumentError(f"k must be a whole number of at least 1, got {k!r}.")
    return k
