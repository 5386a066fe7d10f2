"""Losses of probabilities: cross-entropies and divergences."""

from __future__ import annotations

from typing import Any

from cornu import config, ops
from cornu.errors import ArgumentError, ShapeError
from cornu.losses.loss import FunctionLoss
from cornu.losses.reduction import arrays, same_shape
from cornu.ops.arguments import Array
from cornu.registry import LOSSES

__all__ = [
    "BinaryCrossentropy", "CategoricalCrossentropy", "KLDivergence", "Poisson", "SparseCategoricalCrossentropy", "binary_crossentropy",
    "categorical_crossentropy", "kl_divergence", "poisson", "sparse_categorical_crossentropy",
]  # fmt: skip


def binary_crossentropy(y_true: Array, y_pred: Array, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1) -> Array:
    """Mean of `-(t ln p + (1 - t) ln(1 - p))` along an axis.

    Args:
        y_true: targets, 0 or 1 or between.
        y_pred: probabilities, or logits, of the same shape; (N,) beside (N, 1) is taken as (N, 1).
        from_logits: whether the outputs are logits: `p = sigmoid(y)`. Probabilities are held `config.epsilon()` away from 0 and 1.
        label_smoothing: from 0 to 1; targets become `t (1 - s) + s / 2`.
        axis: the axis of the mean.

    Raises:
        ShapeError: the shapes differ.

    >>> binary_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).tolist()
    [0.693147]
    """
    y_true, y_pred = same_shape(y_true, y_pred, "binary_crossentropy")
    return ops.mean(ops.binary_crossentropy(smoothed_binary(y_true, label_smoothing), y_pred, from_logits=from_logits), axis)


def categorical_crossentropy(
    y_true: Array, y_pred: Array, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Array:
    """`-sum(t ln p)` along the class axis.

    Args:
        y_true: a probability for each class, usually one-hot.
        y_pred: probabilities (they are made to sum to 1), or logits, of the same shape.
        from_logits: whether the outputs are logits: `p = softmax(y)`.
        label_smoothing: from 0 to 1; targets become `t (1 - s) + s / classes`.
        axis: the class axis.

    Raises:
        ShapeError: the shapes differ; class numbers belong to `sparse_categorical_crossentropy`.

    >>> categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).tolist()
    [0.693147]
    """
    y_true, y_pred = one_hot_pair(y_true, y_pred, "categorical_crossentropy")
    return ops.categorical_crossentropy(smoothed(y_true, label_smoothing, axis), y_pred, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(
    y_true: Array, y_pred: Array, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Array:
    """`-ln p[t]` along the class axis, for targets that name classes by number.

    Args:
        y_true: class numbers, of the outputs' shape without the class axis (or with it, of length 1).
        y_pred: probabilities (they are made to sum to 1), or logits.
        from_logits: whether the outputs are logits: `p = softmax(y)`.
        ignore_class: where this class is the target, the value is 0; the loss class also leaves it out of the mean.
        axis: the class axis.

    Raises:
        ShapeError: the shapes do not fit; one-hot targets belong to `categorical_crossentropy`.

    >>> sparse_categorical_crossentropy([1, 0], [[0.5, 0.5], [1.0, 0.0]]).tolist()
    [0.693147, 0.0]
    """
    y_pred, y_true = arrays(y_pred, y_true)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    valid = counted_labels(y_true, y_pred, ignore_class, axis)
    labels = ops.where(ops.not_equal(y_true, ignore_class), y_true, 0)
    return ops.where(valid, ops.sparse_categorical_crossentropy(labels, y_pred, from_logits=from_logits, axis=axis), 0)


def counted_labels(y_true: Array, y_pred: Array, ignore_class: int, axis: int = -1) -> Array:
    """Where a target is not the class to ignore, without the class axis."""
    if y_true.ndim == y_pred.ndim and y_true.shape[axis] == 1:
        y_true = ops.squeeze(y_true, axis)
    return ops.not_equal(y_true, ignore_class)


def kl_divergence(y_true: Array, y_pred: Array) -> Array:
    """`sum(t ln(t / p))` along the last axis, targets and outputs held between epsilon and 1.

    S. Kullback, R. A. Leibler, On information and sufficiency, https://doi.org/10.1214/aoms/1177729694.

    Raises:
        ShapeError: the shapes differ.

    >>> kl_divergence([[0.5, 0.5]], [[0.25, 0.75]]).tolist()
    [0.143841]
    """
    y_true, y_pred = same_shape(y_true, y_pred, "kl_divergence")
    y_true, y_pred = ops.clip(y_true, config.epsilon(), 1.0), ops.clip(y_pred, config.epsilon(), 1.0)
    return ops.sum(y_true * ops.log(y_true / y_pred), -1)


def poisson(y_true: Array, y_pred: Array) -> Array:
    """Mean of `y - t ln(y + epsilon)` along the last axis: minus the log-likelihood of counts `t` at rates `y`, up to a constant.

    Raises:
        ShapeError: the shapes differ.

    >>> poisson([[1.0, 2.0]], [[1.0, 1.0]]).tolist()
    [1.0]
    """
    y_true, y_pred = same_shape(y_true, y_pred, "poisson")
    return ops.mean(y_pred - y_true * ops.log(y_pred + config.epsilon()), -1)


def _share(label_smoothing: float) -> float:
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(f"label_smoothing must be from 0 to 1, got {label_smoothing!r}.")
    return label_smoothing


def smoothed_binary(y_true: Array, label_smoothing: float) -> Array:
    """Targets drawn towards 1/2."""
    return y_true * (1.0 - _share(label_smoothing)) + 0.5 * label_smoothing if label_smoothing else y_true


def smoothed(y_true: Array, label_smoothing: float, axis: int) -> Array:
    """Targets drawn towards 1/classes."""
    if not label_smoothing:
        return y_true
    return y_true * (1.0 - _share(label_smoothing)) + label_smoothing / y_true.shape[axis]


def one_hot_pair(y_true: Array, y_pred: Array, name: str) -> tuple[Array, Array]:
    """Targets and outputs of one shape; where the targets look like class numbers, the error says which loss takes those."""
    y_pred, y_true = arrays(y_pred, y_true)
    if y_true.ndim < y_pred.ndim or (y_true.shape[-1:] == (1,) and y_pred.shape[-1] != 1):
        raise ShapeError(
            f"{name} takes a probability for each class, so targets and outputs must have one shape; got targets {tuple(y_true.shape)} "
            f"and outputs {tuple(y_pred.shape)}. For class numbers use sparse_{name.replace('_focal', '')}, or `ops.one_hot(y, classes)`."
        )
    return same_shape(y_true, y_pred, name)


for _function, *_aliases in (
    (binary_crossentropy, "bce", "BCE"),
    (categorical_crossentropy,),
    (sparse_categorical_crossentropy,),
    (kl_divergence, "kld", "KLD"),
    (poisson,),
):
    LOSSES.add(_function, *_aliases)


@LOSSES.add
class BinaryCrossentropy(FunctionLoss):
    """The mean of `-(t ln p + (1 - t) ln(1 - p))`, for yes-or-no targets.

    Args:
        from_logits: whether the outputs are logits rather than probabilities.
        label_smoothing: from 0 to 1; draws the targets towards 1/2.
        axis: the axis over which values of one sample are averaged.
        reduction, name, dtype: as for `Loss`.

    >>> BinaryCrossentropy()([[0.0], [1.0]], [[0.5], [0.5]]).tolist()
    0.693147
    """

    _function_ = staticmethod(binary_crossentropy)

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1, reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name, reduction, dtype)
        self.from_logits, self.label_smoothing, self.axis = from_logits, _share(label_smoothing), axis


@LOSSES.add
class CategoricalCrossentropy(FunctionLoss):
    """The mean of `-sum(t ln p)` over samples, for one-hot targets.

    Args:
        from_logits: whether the outputs are logits rather than probabilities.
        label_smoothing: from 0 to 1; draws the targets towards 1/classes.
        axis: the class axis.
        reduction, name, dtype: as for `Loss`.

    >>> CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]]).tolist()
    0.693147
    """

    _function_ = staticmethod(categorical_crossentropy)

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1, reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name, reduction, dtype)
        self.from_logits, self.label_smoothing, self.axis = from_logits, _share(label_smoothing), axis


@LOSSES.add
class SparseCategoricalCrossentropy(FunctionLoss):
    """The mean of `-ln p[t]` over samples, for targets that name classes by number.

    Args:
        from_logits: whether the outputs are logits rather than probabilities.
        ignore_class: a class number that does not count where it is the target, such as padding.
        reduction: as for `Loss`.
        axis: the class axis.
        name, dtype: as for `Loss`.

    >>> SparseCategoricalCrossentropy()([1, 0], [[0.5, 0.5], [0.5, 0.5]]).tolist()
    0.693147
    """

    _function_ = staticmethod(sparse_categorical_crossentropy)

    def __init__(
        self, from_logits: bool = False, ignore_class: int | None = None, reduction: str | None = "sum_over_batch_size", axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name, reduction, dtype)
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis

    def _valid_(self, y_true: Array, y_pred: Array) -> Array | None:
        """Where the target is not the class to ignore."""
        return None if self.ignore_class is None else counted_labels(y_true, y_pred, self.ignore_class, self.axis)


@LOSSES.add
class KLDivergence(FunctionLoss):
    """The mean of `sum(t ln(t / p))` over samples.

    >>> KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]]).tolist()
    0.143841
    """

    _function_ = staticmethod(kl_divergence)

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(name, reduction, dtype)


@LOSSES.add
class Poisson(FunctionLoss):
    """The mean of `y - t ln y`, for counts `t` at rates `y`.

    >>> Poisson()([[1.0, 2.0]], [[1.0, 1.0]]).tolist()
    1.0
    """

    _function_ = staticmethod(poisson)

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "poisson", dtype: Any = None) -> None:
        super().__init__(name, reduction, dtype)
