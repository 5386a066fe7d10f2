"""Adam by the largest gradient."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.ops.arguments import Array
from cornu.optimizers.moments import correction
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.state import Rate
from cornu.registry import OPTIMIZERS

__all__ = ["Adamax"]


@OPTIMIZERS.add
class Adamax(Optimizer):
    """Adamax: Adam with the infinity norm in place of the second moment.

        m = beta_1 * m + (1 - beta_1) * g
        u = max(beta_2 * u, |g|)
        w = w - learning_rate / (1 - beta_1^t) * m / (u + epsilon)

    Paper: https://arxiv.org/abs/1412.6980, section 7.

    Args:
        learning_rate: a number, a schedule of the step, or a function without arguments.
        beta_1: decay of the first moment.
        beta_2: decay of the norm.
        epsilon: keeps the division finite.

    The other arguments are those of `Optimizer`.

    >>> from cornu import ops
    >>> from cornu.state import Variable
    >>> w = Variable([1.0])
    >>> Adamax(0.1).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4).tolist()
    [0.9]
    """

    slots = (("momentum", "norm"),)
    _kernel_, _settings_ = "adamax_update", ("beta_1", "beta_2", "epsilon")

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
        m, u = slots
        m = m + (gradient - m) * (1 - self.beta_1)
        u = ops.maximum(self.beta_2 * u, ops.absolute(gradient))
        return value - rate * m / (correction(self.beta_1, step) * (u + self.epsilon)), m, u
