"""Gradient descent."""

from __future__ import annotations

from typing import Any

from cornu.errors import ArgumentError
from cornu.ops.arguments import Array
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.state import Rate
from cornu.registry import OPTIMIZERS

__all__ = ["SGD"]


@OPTIMIZERS.add
class SGD(Optimizer):
    """Gradient descent, with momentum if it is not 0.

        v = momentum * v - learning_rate * g
        w = w + v                                       or, with Nesterov's look ahead,
        w = w + momentum * v - learning_rate * g

    Args:
        learning_rate: a number, a schedule of the step, or a function without arguments.
        momentum: how much of the last step goes into the next, from 0 to 1.
        nesterov: take the gradient's part as if the momentum's step had been done.

    The other arguments are those of `Optimizer`.

    >>> from cornu import ops
    >>> from cornu.state import Variable
    >>> w = Variable([1.0])
    >>> SGD(0.1).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4).tolist()
    [0.8]
    """

    _kernel_, _settings_ = "sgd_update", ("momentum", "nesterov")

    def __init__(
        self, learning_rate: Rate = 0.01, momentum: float = 0.0, nesterov: bool = False, weight_decay: float | None = None,
        clipnorm: float | None = None, clipvalue: float | None = None, global_clipnorm: float | None = None, use_ema: bool = False,
        ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        if not 0 <= momentum <= 1:
            raise ArgumentError(f"momentum must be from 0 to 1, got {momentum!r}.")
        self.momentum, self.nesterov = momentum, nesterov
        self._slots_ = (("momentum",),) if momentum else ()

    def rule(self, gradient: Array, value: Array, rate: Array, step: Array, *slots: Array) -> tuple[Array, ...]:
        if not slots:
            return (value - rate * gradient,)
        velocity = self.momentum * slots[0] - rate * gradient
        return value + (self.momentum * velocity - rate * gradient if self.nesterov else velocity), velocity
