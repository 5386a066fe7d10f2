"""Adam for large batches."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.ops.arguments import Array
from cornu.optimizers.clipping import global_norm
from cornu.optimizers.moments import correction
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.state import Rate
from cornu.registry import OPTIMIZERS

__all__ = ["Lamb"]


@OPTIMIZERS.add
class Lamb(Optimizer):
    """Lamb: Adam's direction, as long as the layer's weights are.

        m = beta_1 * m + (1 - beta_1) * g,   v = beta_2 * v + (1 - beta_2) * g²
        r = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)
        w = w - learning_rate * ‖w‖ / ‖r‖ * r

    Where a norm is 0 their ratio counts as 1. Paper: https://arxiv.org/abs/1904.00962.

    Args:
        learning_rate: a number, a schedule of the step, or a function without arguments.
        beta_1: decay of the first moment.
        beta_2: decay of the second moment.
        epsilon: keeps the division finite.

    The other arguments are those of `Optimizer`.

    >>> from cornu import ops
    >>> from cornu.state import Variable
    >>> w = Variable([1.0])
    >>> Lamb(0.1).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4).tolist()
    [0.9]
    """

    slots = (("momentum", "velocity"),)

    def __init__(
        self, learning_rate: Rate = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        weight_decay: float | None = None, clipnorm: float | None = None,
        clipvalue: float | None = None, global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def rule(self, gradient: Array, value: Array, rate: Array, step: Array, *slots: Array) -> tuple[Array, ...]:
        m, v = slots
        m = m + (gradient - m) * (1 - self.beta_1)
        v = v + (ops.square(gradient) - v) * (1 - self.beta_2)
        m_hat, v_hat = m / correction(self.beta_1, step), v / correction(self.beta_2, step)
        direction = m_hat / (ops.sqrt(v_hat) + self.epsilon)
        return value - rate * _trust(value, direction) * direction, m, v


def _trust(value: Array, direction: Array) -> Array:
    """`‖value‖ / ‖direction‖`, 1 where one of them is 0."""
    ours, theirs = global_norm([value]), global_norm([direction])
    known = ops.logical_and(ours > 0, theirs > 0)
    return ops.where(known, ours / ops.where(known, theirs, 1.0), 1.0)
