"""Gradients divided by a running size of themselves."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.errors import ArgumentError
from cornu.ops.arguments import Array
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.state import Rate
from cornu.registry import OPTIMIZERS

__all__ = ["RMSprop"]


@OPTIMIZERS.add
class RMSprop(Optimizer):
    """RMSprop: each element's gradient over the root of its running mean square.

        v = rho * v + (1 - rho) * g²
        w = w - learning_rate * g / sqrt(v + epsilon)

    Centered, the square of the running mean of g is taken from v. With momentum, the steps add up: `m = momentum * m + step; w = w - m`.
    Source: G. Hinton, Neural Networks for Machine Learning, lecture 6e (2012); centered: https://arxiv.org/abs/1308.0850.

    Args:
        learning_rate: a number, a schedule of the step, or a function without arguments.
        rho: decay of the running means.
        momentum: how much of the last step goes into the next, from 0 to 1.
        epsilon: keeps the division finite.
        centered: divide by the running variance, not by the mean square.

    The other arguments are those of `Optimizer`.

    >>> from cornu import ops
    >>> from cornu.state import Variable
    >>> w = Variable([1.0])
    >>> RMSprop(0.1).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4).tolist()
    [0.6838]
    """

    _kernel_, _settings_ = "rmsprop_update", ("rho", "momentum", "epsilon", "centered")

    def __init__(
        self, learning_rate: Rate = 0.001, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7, centered: bool = False,
        weight_decay: float | None = None, clipnorm: float | None = None,
        clipvalue: float | None = None, global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        if not 0 <= momentum <= 1:
            raise ArgumentError(f"momentum must be from 0 to 1, got {momentum!r}.")
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered
        self._slots_ = (("velocity",), *([("momentum",)] if momentum else []), *([("average_gradient",)] if centered else []))

    def rule(self, gradient: Array, value: Array, rate: Array, step: Array, *slots: Array) -> tuple[Array, ...]:
        v, *rest = slots
        v = self.rho * v + (1 - self.rho) * ops.square(gradient)
        means = [self.rho * a + (1 - self.rho) * gradient for a in rest[bool(self.momentum) :]]
        variance = v - ops.square(means[0]) if means else v
        move = rate * gradient / ops.sqrt(variance + self.epsilon)
        if not self.momentum:
            return value - move, v, *means
        m = self.momentum * rest[0] + move
        return value - m, v, m, *means


OPTIMIZERS.add(RMSprop, "rmsprop")
