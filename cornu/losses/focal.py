"""Cross-entropies that pay less attention to what is already right, or to labels that are wrong."""

from __future__ import annotations

from typing import Any

from cornu import config, ops
from cornu.errors import ArgumentError
from cornu.losses.loss import FunctionLoss
from cornu.losses.probabilistic import one_hot_pair, smoothed, smoothed_binary
from cornu.losses.reduction import arrays, same_shape
from cornu.ops.arguments import Array
from cornu.registry import LOSSES

__all__ = [
    "BinaryFocalCrossentropy", "CategoricalFocalCrossentropy", "CategoricalGeneralizedCrossEntropy", "binary_focal_crossentropy",
    "categorical_focal_crossentropy", "categorical_generalized_cross_entropy",
]  # fmt: skip


def binary_focal_crossentropy(
    y_true: Array, y_pred: Array, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False,
    label_smoothing: float = 0.0, axis: int = -1,
) -> Array:  # fmt: skip
    """Mean of `-a (1 - q)^gamma ln q` along an axis, q the probability of the target: p where it is 1, 1 - p where it is 0.

    T.-Y. Lin and others, Focal loss for dense object detection, https://arxiv.org/abs/1708.02002.

    Args:
        y_true: targets, 0 or 1.
        y_pred: probabilities, or logits, of the same shape.
        apply_class_balancing: whether a is `alpha` for targets 1 and `1 - alpha` for targets 0; else it is 1.
        alpha: the weight of targets 1.
        gamma: how much less attention what is right gets; 0 gives the cross-entropy.
        from_logits: whether the outputs are logits.
        label_smoothing: from 0 to 1; draws the targets towards 1/2.
        axis: the axis of the mean.

    >>> binary_focal_crossentropy([[1.0]], [[0.5]]).tolist()
    [0.173287]
    """
    y_true, y_pred = same_shape(y_true, y_pred, "binary_focal_crossentropy")
    y_true = smoothed_binary(y_true, label_smoothing)
    p = ops.sigmoid(y_pred) if from_logits else y_pred
    right = y_true * p + (1.0 - y_true) * (1.0 - p)
    values = ops.power(1.0 - right, gamma) * ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits)
    if apply_class_balancing:
        values = values * (y_true * alpha + (1.0 - y_true) * (1.0 - alpha))
    return ops.mean(values, axis)


def categorical_focal_crossentropy(
    y_true: Array,
    y_pred: Array,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """`-sum(alpha (1 - p)^gamma t ln p)` along the class axis (T.-Y. Lin and others, https://arxiv.org/abs/1708.02002).

    Args:
        y_true: a probability for each class, usually one-hot.
        y_pred: probabilities (they are made to sum to 1), or logits, of the same shape.
        alpha: a weight, or one for each class.
        gamma: how much less attention what is right gets.
        from_logits: whether the outputs are logits.
        label_smoothing: from 0 to 1; draws the targets towards 1/classes.
        axis: the class axis.

    >>> categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).tolist()
    [0.0433217]
    """
    y_true, y_pred = one_hot_pair(y_true, y_pred, "categorical_focal_crossentropy")
    y_true = smoothed(y_true, label_smoothing, axis)
    p = ops.softmax(y_pred, axis) if from_logits else y_pred / ops.sum(y_pred, axis, keepdims=True)
    p = ops.clip(p, config.epsilon(), 1.0 - config.epsilon())
    if not isinstance(alpha, (int, float)):
        alpha = ops.cast(arrays(alpha, y_pred)[0], y_pred.dtype)
    return -ops.sum(alpha * ops.power(1.0 - p, gamma) * y_true * ops.log(p), axis)


def categorical_generalized_cross_entropy(y_true: Array, y_pred: Array, q: float) -> Array:
    """`(1 - p[t]^q) / q`, between the cross-entropy (q near 0) and the absolute error (q = 1): robust against wrong labels.

    Z. Zhang, M. R. Sabuncu, https://arxiv.org/abs/1805.07836.

    Args:
        y_true: class numbers, of the outputs' shape without the last axis (or with it, of length 1).
        y_pred: probabilities for each class.
        q: above 0 and at most 1.

    >>> categorical_generalized_cross_entropy([1], [[0.75, 0.25]], 0.5).tolist()
    [1.0]
    """
    y_pred, y_true = arrays(y_pred, y_true)
    if y_true.ndim < y_pred.ndim:
        y_true = ops.expand_dims(y_true, -1)
    p = ops.squeeze(ops.take_along_axis(y_pred, ops.cast(y_true, "int32"), -1), -1)
    return (1.0 - ops.power(ops.clip(p, config.epsilon(), 1.0), _exponent(q))) / q


def _exponent(q: float) -> float:
    if not 0 < q <= 1:
        raise ArgumentError(f"q must be above 0 and at most 1, got {q!r}.")
    return q


for _function in (binary_focal_crossentropy, categorical_focal_crossentropy, categorical_generalized_cross_entropy):
    LOSSES.add(_function)


@LOSSES.add
class BinaryFocalCrossentropy(FunctionLoss):
    """The mean of `-a (1 - q)^gamma ln q`, q the probability of the target: a cross-entropy that looks at what is still wrong.

    Args:
        apply_class_balancing: whether targets 1 weigh `alpha` and targets 0 `1 - alpha`.
        alpha: the weight of targets 1.
        gamma: how much less attention what is right gets.
        from_logits, label_smoothing, axis: as for `BinaryCrossentropy`.
        reduction, name, dtype: as for `Loss`.

    >>> BinaryFocalCrossentropy()([[1.0]], [[0.5]]).tolist()
    0.173287
    """

    _function_ = staticmethod(binary_focal_crossentropy)

    def __init__(
        self, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False,
        label_smoothing: float = 0.0, axis: int = -1, reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name, reduction, dtype)
        self.apply_class_balancing, self.alpha, self.gamma = apply_class_balancing, alpha, gamma
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis


@LOSSES.add
class CategoricalFocalCrossentropy(FunctionLoss):
    """The mean of `-sum(alpha (1 - p)^gamma t ln p)` over samples, for one-hot targets.

    Args:
        alpha: a weight, or one for each class.
        gamma: how much less attention what is right gets.
        from_logits, label_smoothing, axis: as for `CategoricalCrossentropy`.
        reduction, name, dtype: as for `Loss`.

    >>> CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]]).tolist()
    0.0433217
    """

    _function_ = staticmethod(categorical_focal_crossentropy)

    def __init__(
        self, alpha: Any = 0.25, gamma: float = 2.0, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
        reduction: str | None = "sum_over_batch_size", name: str | None = "categorical_focal_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name, reduction, dtype)
        self.alpha, self.gamma = alpha, gamma
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis


@LOSSES.add
class CategoricalGeneralizedCrossEntropy(FunctionLoss):
    """The mean of `(1 - p[t]^q) / q` over samples, for targets that name classes by number, some of them wrongly.

    Args:
        q: above 0 and at most 1; nearer 1 is more robust and slower to learn.
        reduction, name, dtype: as for `Loss`.

    >>> CategoricalGeneralizedCrossEntropy()([1], [[0.75, 0.25]]).tolist()
    1.0
    """

    _function_ = staticmethod(categorical_generalized_cross_entropy)

    def __init__(
        self, q: float = 0.5, reduction: str | None = "sum_over_batch_size", name: str | None = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name, reduction, dtype)
        self.q = _exponent(q)
