"""Steps of one size."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.errors import ArgumentError
from cornu.ops.arguments import Array
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.state import Rate
from cornu.registry import OPTIMIZERS

__all__ = ["Lion"]


@OPTIMIZERS.add
class Lion(Optimizer):
    """Lion: the sign of a mean of gradients; found by a search over programs.

        w = w - learning_rate * sign(beta_1 * m + (1 - beta_1) * g)
        m = beta_2 * m + (1 - beta_2) * g

    It wants a learning rate three to ten times smaller than Adam's. Paper: https://arxiv.org/abs/2302.06675.

    Args:
        learning_rate: a number, a schedule of the step, or a function without arguments.
        beta_1: how much the momentum counts in a step, over 0 and at most 1.
        beta_2: decay of the momentum.

    The other arguments are those of `Optimizer`.

    >>> from cornu import ops
    >>> from cornu.state import Variable
    >>> w = Variable([1.0])
    >>> Lion(0.1).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4).tolist()
    [0.9]
    """

    slots = (("momentum",),)
    _kernel_, _settings_ = "lion_update", ("beta_1", "beta_2")

    def __init__(
        self, learning_rate: Rate = 0.001, beta_1: float = 0.9, beta_2: float = 0.99,
        weight_decay: float | None = None, clipnorm: float | None = None,
        clipvalue: float | None = None, global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        if not 0 < beta_1 <= 1:
            raise ArgumentError(f"beta_1 must be over 0 and at most 1, or nothing but the sign of the gradient is left, got {beta_1!r}.")
        self.beta_1, self.beta_2 = beta_1, beta_2

    def rule(self, gradient: Array, value: Array, rate: Array, step: Array, *slots: Array) -> tuple[Array, ...]:
        (m,) = slots
        direction = ops.sign(self.beta_1 * m + (1 - self.beta_1) * gradient)
        return value - rate * direction, self.beta_2 * m + (1 - self.beta_2) * gradient
