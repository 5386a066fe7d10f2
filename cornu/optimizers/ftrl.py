"""Sparse weights from a stream."""

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

__all__ = ["Ftrl"]

_STRENGTHS = (
    "initial_accumulator_value", "l1_regularization_strength", "l2_regularization_strength", "l2_shrinkage_regularization_strength",
)  # fmt: skip


@OPTIMIZERS.add
class Ftrl(Optimizer):
    """Follow the regularized leader, per coordinate, as used for click prediction.

        n' = n + g²,   σ = (n'^-p - n^-p) / learning_rate,   z = z + g - σ * w
        q = (n'^-p + beta) / learning_rate + 2 * l2
        w = (clip(z, -l1, l1) - z) / q

    with p = `learning_rate_power`; so w is 0 where |z| is at most l1. With shrinkage, the g in z has `2 * l2_shrinkage * w` added.
    Paper: H. B. McMahan et al., https://research.google.com/pubs/archive/41159.pdf.

    Args:
        learning_rate: a number, a schedule of the step, or a function without arguments.
        learning_rate_power: how the rate falls with the gradients so far; 0 for a fixed rate, never positive.
        initial_accumulator_value: where n starts, not negative.
        l1_regularization_strength: not negative.
        l2_regularization_strength: not negative.
        l2_shrinkage_regularization_strength: a penalty on the size of weights, not negative.
        beta: the paper's beta.

    The other arguments are those of `Optimizer`.

    >>> from cornu import ops
    >>> from cornu.state import Variable
    >>> w = Variable([1.0])
    >>> Ftrl(0.1, initial_accumulator_value=0.0).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4).tolist()
    [0.9]
    """

    slots = (("accumulator", "linear"),)

    def __init__(
        self, learning_rate: Rate = 0.001, learning_rate_power: float = -0.5, initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0, l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0, beta: float = 0.0,
        weight_decay: float | None = None, clipnorm: float | None = None,
        clipvalue: float | None = None, global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.learning_rate_power, self.initial_accumulator_value = learning_rate_power, initial_accumulator_value
        self.l1_regularization_strength, self.l2_regularization_strength = l1_regularization_strength, l2_regularization_strength
        self.l2_shrinkage_regularization_strength, self.beta = l2_shrinkage_regularization_strength, beta
        if learning_rate_power > 0:
            raise ArgumentError(f"learning_rate_power must not be positive, got {learning_rate_power!r}.")
        for name in _STRENGTHS:
            if getattr(self, name) < 0:
                raise ArgumentError(f"{name} must not be negative, got {getattr(self, name)!r}.")

    def _new_slot_(self, name: str, variable: Variable) -> Variable:
        start = self.initial_accumulator_value if name == "accumulator" else 0.0
        return self.add_variable_from_reference(variable, name, Constant(start))

    def rule(self, gradient: Array, value: Array, rate: Array, step: Array, *slots: Array) -> tuple[Array, ...]:
        n, z = slots
        l1, l2, p = self.l1_regularization_strength, self.l2_regularization_strength, self.learning_rate_power
        n_new = n + ops.square(gradient)
        sigma = (ops.power(n_new, -p) - ops.power(n, -p)) / rate
        z = z + gradient + 2 * self.l2_shrinkage_regularization_strength * value - sigma * value
        q = (ops.power(n_new, -p) + self.beta) / rate + 2 * l2
        return (ops.clip(z, -l1, l1) - z) / q, n_new, z
