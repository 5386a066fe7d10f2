"""Adam and its sibling with decoupled weight decay."""

from __future__ import annotations

from typing import Any

from cornu.errors import ArgumentError
from cornu.ops.arguments import Array
from cornu.optimizers.moments import adam_step
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.state import Rate
from cornu.registry import OPTIMIZERS

__all__ = ["Adam", "AdamW"]


@OPTIMIZERS.add
class Adam(Optimizer):
    """Adam: steps of adaptive size from the gradients' first and second moments.

        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g²
        w = w - learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon)

    `epsilon` is the "epsilon hat" of the paper's section 2.1. Papers: https://arxiv.org/abs/1412.6980,
    and for amsgrad https://arxiv.org/abs/1904.09237.

    Args:
        learning_rate: a number, a schedule of the step, or a function without arguments.
        beta_1: decay of the first moment.
        beta_2: decay of the second moment.
        epsilon: keeps the division finite.
        amsgrad: divide by the largest v so far.

    The other arguments are those of `Optimizer`.

    >>> from cornu import ops
    >>> from cornu.state import Variable
    >>> w = Variable([1.0])
    >>> Adam(0.1).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4).tolist()
    [0.9]
    """

    _kernel_, _settings_ = "adam_update", ("beta_1", "beta_2", "epsilon")

    def __init__(
        self, learning_rate: Rate = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7, amsgrad: bool = False,
        weight_decay: float | None = None, clipnorm: float | None = None, clipvalue: float | None = None,
        global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None, gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad
        self._slots_ = (("momentum", "velocity"), ("velocity_hat",)) if amsgrad else (("momentum", "velocity"),)

    def rule(self, gradient: Array, value: Array, rate: Array, step: Array, *slots: Array) -> tuple[Array, ...]:
        return adam_step(gradient, value, rate, step, slots, beta_1=self.beta_1, beta_2=self.beta_2, epsilon=self.epsilon)


@OPTIMIZERS.add
class AdamW(Adam):
    """Adam with weight decay that is decoupled from the gradient: `w = w - weight_decay * learning_rate * w` before each step of Adam.

    Paper: https://arxiv.org/abs/1711.05101.

    Args:
        learning_rate: a number, a schedule of the step, or a function without arguments.
        weight_decay: how strongly weights shrink.

    The other arguments are those of `Adam`.

    >>> from cornu import ops
    >>> from cornu.state import Variable
    >>> w = Variable([1.0])
    >>> AdamW(0.1, weight_decay=0.5).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4).tolist()
    [0.85]
    """

    def __init__(
        self, learning_rate: Rate = 0.001, weight_decay: float = 0.004, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        amsgrad: bool = False, clipnorm: float | None = None, clipvalue: float | None = None, global_clipnorm: float | None = None,
        use_ema: bool = False, ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None, gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        if weight_decay is None:
            raise ArgumentError("AdamW needs a number as weight_decay, got None. Adam is the same without.")


OPTIMIZERS.add(AdamW, "adamw")
