"""AdamW that needs no schedule."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.ops.arguments import Array
from cornu.optimizers.moments import correction
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.state import Rate
from cornu.registry import OPTIMIZERS
from cornu.state import Variable

__all__ = ["ScheduleFreeAdamW"]


@OPTIMIZERS.add
class ScheduleFreeAdamW(Optimizer):
    """Schedule-free AdamW: gradients are taken between the last iterate z and the mean x of all iterates.

        z = z - r * g / (sqrt(v / (1 - beta_2^t)) + epsilon)
        x = (1 - 1/t) * x + z / t
        w = (1 - beta_1) * z + beta_1 * x

    with `r = learning_rate * min(1, t / warmup_steps)` and v the moving mean of g². Paper: https://arxiv.org/abs/2405.15682.

    Args:
        learning_rate: a number, a schedule of the step, or a function without arguments.
        beta_1: how near to the mean the gradients are taken.
        beta_2: decay of the second moment.
        epsilon: keeps the division finite.
        warmup_steps: over how many steps the rate grows to its full size.

    The other arguments are those of `Optimizer`; `weight_decay` shrinks w before each step, and z with it.

    >>> from cornu.state import Variable
    >>> w = Variable([1.0])
    >>> ScheduleFreeAdamW(0.1).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4).tolist()
    [0.9]
    """

    slots = (("momentum", "velocity"),)

    def __init__(
        self, learning_rate: Rate = 0.0025, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8, warmup_steps: int = 0,
        weight_decay: float | None = None, clipnorm: float | None = None, clipvalue: float | None = None,
        global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.beta_1, self.beta_2, self.epsilon, self.warmup_steps = beta_1, beta_2, epsilon, warmup_steps

    def _new_slot_(self, name: str, variable: Variable) -> Variable:
        """The iterate begins where the variable does."""
        start = variable.numpy()
        return self.add_variable_from_reference(variable, name, (lambda shape, dtype=None: start) if name == "momentum" else "zeros")

    def rule(self, gradient: Array, value: Array, rate: Array, step: Array, *slots: Array) -> tuple[Array, ...]:
        z, v = slots
        x = (value - (1 - self.beta_1) * z) / self.beta_1
        if self.warmup_steps:
            rate = rate * ops.minimum(1.0, step / self.warmup_steps)
        v = v + (ops.square(gradient) - v) * (1 - self.beta_2)
        z = z - rate * gradient / (ops.sqrt(v / correction(self.beta_2, step)) + self.epsilon)
        x = x + (z - x) / step
        return (1 - self.beta_1) * z + self.beta_1 * x, z, v
