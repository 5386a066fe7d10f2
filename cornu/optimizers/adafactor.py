"""Adam in little memory."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.ops.arguments import Array
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.state import Rate
from cornu.registry import OPTIMIZERS
from cornu.state import Variable

__all__ = ["Adafactor"]


@OPTIMIZERS.add
class Adafactor(Optimizer):
    """Adafactor: the second moment of a matrix from its row and column means alone, and steps relative to the size of the weights.

        ρ = min(learning_rate, 1 / sqrt(t)),   α = max(epsilon_2, rms(w)) * ρ,   β = 1 - t^beta_2_decay
        r = β * r + (1 - β) * mean of (g² + epsilon_1) over columns,   c = the same over rows
        v = r * c / mean(r)                       for vectors v = β * v + (1 - β) * (g² + epsilon_1)
        u = g / sqrt(v)
        w = w - α * u / max(1, rms(u) / clip_threshold)

    Paper: https://arxiv.org/abs/1804.04235. (Keras 3.15 takes `relative_step=False` and goes on as if it were True.)

    Args:
        learning_rate: a number, a schedule of the step, or a function without arguments.
        beta_2_decay: how the decay rate of the moments goes with time.
        epsilon_1: keeps the squares over 0.
        epsilon_2: the least size of weights that steps are relative to.
        clip_threshold: the largest root mean square of a step before it is scaled.
        relative_step: let the rate fall with `1 / sqrt(t)`; else ρ is the learning rate.

    The other arguments are those of `Optimizer`.

    >>> from cornu import ops
    >>> from cornu.state import Variable
    >>> w = Variable([1.0])
    >>> Adafactor(0.1).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4).tolist()
    [0.9]
    """

    slots = (("rows", "columns", "velocity"),)

    def __init__(
        self, learning_rate: Rate = 0.001, beta_2_decay: float = -0.8, epsilon_1: float = 1e-30, epsilon_2: float = 0.001,
        clip_threshold: float = 1.0, relative_step: bool = True,
        weight_decay: float | None = None, clipnorm: float | None = None,
        clipvalue: float | None = None, global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.beta_2_decay, self.epsilon_1, self.epsilon_2 = beta_2_decay, epsilon_1, epsilon_2
        self.clip_threshold, self.relative_step = clip_threshold, relative_step

    def _new_slot_(self, name: str, variable: Variable) -> Variable:
        """Row and column means for matrices; a scalar stands where there are none, and in their place in files."""
        if name == "velocity":
            return self.add_variable_from_reference(variable, name)
        shape, dtype = variable.shape, variable.dtype
        if len(shape) < 2:
            return self.add_variable((), dtype="int32", name=variable.name)
        return self.add_variable(shape[:-1] if name == "rows" else (*shape[:-2], shape[-1]), dtype=dtype, name=variable.name)

    def rule(self, gradient: Array, value: Array, rate: Array, step: Array, *slots: Array) -> tuple[Array, ...]:
        r, c, v = slots
        rho = ops.minimum(rate, 1 / ops.sqrt(step)) if self.relative_step else rate
        alpha = ops.maximum(_rms(value), self.epsilon_2) * rho
        beta = 1 - ops.power(step, self.beta_2_decay)
        squares = ops.square(gradient) + self.epsilon_1
        if len(value.shape) < 2:
            v = beta * v + (1 - beta) * squares
        else:
            r = beta * r + (1 - beta) * ops.mean(squares, axis=-1)
            c = beta * c + (1 - beta) * ops.mean(squares, axis=-2)
            v = ops.expand_dims(r / ops.mean(r, axis=-1, keepdims=True), -1) * ops.expand_dims(c, -2)
        update = gradient / ops.sqrt(v)
        return value - alpha * update / ops.maximum(1.0, _rms(update) / self.clip_threshold), r, c, v


def _rms(x: Array) -> Array:
    return ops.sqrt(ops.mean(ops.square(x)))
