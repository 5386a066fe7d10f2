"""Steps in the units of the weights."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.ops.arguments import Array
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.state import Rate
from cornu.registry import OPTIMIZERS

__all__ = ["Adadelta"]


@OPTIMIZERS.add
class Adadelta(Optimizer):
    """Adadelta: Adagrad with a memory that fades, and a rate that the steps themselves set.

        a = rho * a + (1 - rho) * g²
        step = -sqrt(d + epsilon) / sqrt(a + epsilon) * g
        d = rho * d + (1 - rho) * step²
        w = w + learning_rate * step

    In the paper, https://arxiv.org/abs/1212.5701, the learning rate is 1.

    Args:
        learning_rate: a number, a schedule of the step, or a function without arguments.
        rho: decay of both running means.
        epsilon: keeps the division finite, and sets the size of the first steps.

    The other arguments are those of `Optimizer`.

    >>> from cornu import ops
    >>> from cornu.state import Variable
    >>> w = Variable([1.0])
    >>> Adadelta(1.0, epsilon=0.05).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4).tolist()
    [0.1056]
    """

    slots = (("accumulated_grad", "accumulated_delta_var"),)
    _kernel_, _settings_ = "adadelta_update", ("rho", "epsilon")

    def __init__(
        self, learning_rate: Rate = 0.001, rho: float = 0.95, epsilon: float = 1e-7,
        weight_decay: float | None = None, clipnorm: float | None = None,
        clipvalue: float | None = None, global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.rho, self.epsilon = rho, epsilon

    def rule(self, gradient: Array, value: Array, rate: Array, step: Array, *slots: Array) -> tuple[Array, ...]:
        grads, moves = slots
        grads = self.rho * grads + (1 - self.rho) * ops.square(gradient)
        move = -gradient * ops.sqrt(moves + self.epsilon) / ops.sqrt(grads + self.epsilon)
        return value + rate * move, grads, self.rho * moves + (1 - self.rho) * ops.square(move)
