"""Adam with a look ahead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.ops.arguments import Array
from cornu.optimizers.moments import correction
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.state import Rate
from cornu.registry import OPTIMIZERS
from cornu.state import Variable

__all__ = ["Nadam"]


@OPTIMIZERS.add
class Nadam(Optimizer):
    """Nadam: Adam with Nesterov's momentum.

        μ_t = beta_1 * (1 - 0.96^t / 2),   Π_t = μ_1 ⋯ μ_t
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g²
        m̂ = μ_{t+1} * m / (1 - Π_{t+1}) + (1 - μ_t) * g / (1 - Π_t)
        w = w - learning_rate * m̂ / (sqrt(v / (1 - beta_2^t)) + epsilon)

    Paper: T. Dozat, https://cs229.stanford.edu/proj2015/054_report.pdf.

    Args:
        learning_rate: a number, a schedule of the step, or a function without arguments.
        beta_1: decay of the first moment.
        beta_2: decay of the second moment.
        epsilon: keeps the division finite.

    The other arguments are those of `Optimizer`.

    >>> from cornu import ops
    >>> from cornu.state import Variable
    >>> w = Variable([1.0])
    >>> Nadam(0.1).apply([ops.convert_to_tensor([2.0])], [w])
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

    def build(self, variables: Sequence[Variable]) -> None:
        if not self.built:
            super().build(variables)
            self._product = self.add_variable((), "ones", "float32", name="u_product")  # Π, after the steps so far
            self._product.to(self._iterations.backend)

    def _schedule(self, step: Array) -> Array:
        return self.beta_1 * (1 - 0.5 * ops.power(0.96, step))

    def rule(self, gradient: Array, value: Array, rate: Array, step: Array, *slots: Array) -> tuple[Array, ...]:
        m, v = slots
        now, ahead = self._schedule(step), self._schedule(step + 1)
        product = self._product.value * now
        m = m + (gradient - m) * (1 - self.beta_1)
        v = v + (ops.square(gradient) - v) * (1 - self.beta_2)
        m_hat = ahead * m / (1 - product * ahead) + (1 - now) * gradient / (1 - product)
        v_hat = v / correction(self.beta_2, step)
        return value - rate * m_hat / (ops.sqrt(v_hat) + self.epsilon), m, v

    def _change_(self, grads: list[Array], variables: list[Variable]) -> None:
        super()._change_(grads, variables)
        self._product.assign(self._product * self._schedule(self._step_()))
