"""Losses of regions: how little of targets and outputs lies in both."""

from __future__ import annotations

from typing import Any

from cornu import config, ops
from cornu.losses.loss import FunctionLoss
from cornu.losses.reduction import same_shape
from cornu.ops.arguments import Array
from cornu.registry import LOSSES

__all__ = ["Dice", "Tversky", "dice", "tversky"]

Axes = int | tuple[int, ...] | list[int] | None


@LOSSES.add
def dice(y_true: Array, y_pred: Array, axis: Axes = None) -> Array:
    """One minus twice the common part over the sum of both: `1 - (2 Σty + ε) / (Σt + Σy + ε)`.

    Milletari et al., V-Net, https://arxiv.org/abs/1606.04797.

    Args:
        y_true: targets, 0 or 1 or between.
        y_pred: probabilities of the same shape.
        axis: the axes summed over; all by default, samples included.

    Returns:
        A number, or an array of the axes that are left.

    >>> dice([1.0, 1.0, 0.0], [1.0, 0.0, 0.0]).tolist()
    0.333333
    """
    y_true, y_pred = same_shape(y_true, y_pred, "dice")
    both = 2.0 * ops.sum(ops.multiply(y_true, y_pred), axis)
    return 1.0 - _ratio(both, ops.sum(y_true, axis) + ops.sum(y_pred, axis))


@LOSSES.add
def tversky(y_true: Array, y_pred: Array, alpha: float = 0.5, beta: float = 0.5, axis: Axes = None) -> Array:
    """`1 - (Σty + ε) / (Σty + α Σt(1 - y) + β Σ(1 - t)y + ε)`: what is missed counts `alpha`, what is too much counts `beta`.

    Salehi et al., https://arxiv.org/abs/1706.05721. Arguments and shapes as for `dice`, which it is for `alpha = beta = 0.5`.

    >>> tversky([1.0, 1.0, 0.0], [1.0, 0.0, 0.0], alpha=1.0, beta=0.0).tolist()
    0.5
    """
    y_true, y_pred = same_shape(y_true, y_pred, "tversky")
    both = ops.sum(ops.multiply(y_true, y_pred), axis)
    missed = ops.sum(ops.multiply(y_true, 1.0 - y_pred), axis)
    too_much = ops.sum(ops.multiply(1.0 - y_true, y_pred), axis)
    return 1.0 - _ratio(both, both + alpha * missed + beta * too_much)


def _ratio(a: Array, b: Array) -> Array:
    return ops.divide(a + config.epsilon(), b + config.epsilon())


@LOSSES.add
class Dice(FunctionLoss):
    """One minus the overlap of targets and outputs, for segmentation.

    Args:
        axis: the axes summed over; all by default, samples included. Give all but the first for a value for each sample.
        reduction, name, dtype: as for `Loss`.

    >>> Dice()([1.0, 1.0, 0.0], [1.0, 0.0, 0.0]).tolist()
    0.333333
    """

    _function_ = staticmethod(dice)
    _by_row_ = False

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "dice", axis: Axes = None, dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.axis = axis


@LOSSES.add
class Tversky(FunctionLoss):
    """The Dice loss with a say in what weighs more: parts that are missed (`alpha`), or parts that are too much (`beta`).

    Args:
        alpha, beta: their weights.
        axis: as for `Dice`.
        reduction, name, dtype: as for `Loss`.

    >>> Tversky(alpha=1.0, beta=0.0)([1.0, 1.0, 0.0], [1.0, 0.0, 0.0]).tolist()
    0.5
    """

    _function_ = staticmethod(tversky)
    _by_row_ = False

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Axes = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.alpha, self.beta, self.axis = alpha, beta, axis
