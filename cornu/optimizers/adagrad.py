"""Gradients divided by the size of all gradients so far."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.errors import ArgumentError
from cornu.initializers import Constant
from cornu.ops.arguments import Array
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.state import Rate
from cornu.registry import OPTIMIZERS
from cornu.state import Variable

__all__ = ["Adagrad"]


@OPTIMIZERS.add
class Adagrad(Optimizer):
    """Adagrad: elements that have moved much move less.

        a = a + g²
        w = w - learning_rate * g / sqrt(a + epsilon)

    Paper: J. Duchi et al., https://jmlr.org/papers/v12/duchi11a.html.

    Args:
        learning_rate: a number, a schedule of the step, or a function without arguments.
        initial_accumulator_value: where `a` starts, not negative.
        epsilon: keeps the division finite.

    The other arguments are those of `Optimizer`.

    >>> from cornu import ops
    >>> from cornu.state import Variable
    >>> w = Variable([1.0])
    >>> Adagrad(0.1, initial_accumulator_value=0.0).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4).tolist()
    [0.9]
    """

    slots = (("accumulator",),)
    _kernel_, _settings_ = "adagrad_update", ("epsilon",)

    def __init__(
        self, learning_rate: Rate = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7,
        weight_decay: float | None = None, clipnorm: float | None = None,
        clipvalue: float | None = None, global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        if initial_accumulator_value < 0:
            raise ArgumentError(f"initial_accumulator_value must not be negative, got {initial_accumulator_value!r}.")
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def _new_slot_(self, name: str, variable: Variable) -> Variable:
        return self.add_variable_from_reference(variable, name, Constant(self.initial_accumulator_value))

    def rule(self, gradient: Array, value: Array, rate: Array, step: Array, *slots: Array) -> tuple[Array, ...]:
        accumulator = slots[0] + ops.square(gradient)
        return value - rate * gradient / ops.sqrt(accumulator + self.epsilon), accumulator
