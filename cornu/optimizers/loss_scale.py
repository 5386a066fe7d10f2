"""Training in half precision: losses scaled up so that gradients do not vanish."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cornu import ops
from cornu.errors import ArgumentError
from cornu.ops.arguments import Array
from cornu.ops.finite import all_finite
from cornu.optimizers.optimizer import Optimizer
from cornu.registry import OPTIMIZERS
from cornu.state import Variable, when

__all__ = ["LossScaleOptimizer", "scaled"]


@OPTIMIZERS.add
class LossScaleOptimizer(Optimizer):
    """An optimizer around another, with a loss scale that finds its own size.

    `scale_loss` multiplies by the scale and `apply` divides by it. A step whose gradients are not finite is left out and halves the scale;
    `dynamic_growth_steps` good ones on end double it. Paper: https://arxiv.org/abs/1710.03740.

    Args:
        inner_optimizer: what changes the variables; clipping, weight decay and the like are settings of it.
        initial_scale: where the scale starts.
        dynamic_growth_steps: after so many good steps it doubles.
        name: `loss_scale_optimizer`, numbered, by default.

    >>> from cornu.optimizers import SGD
    >>> optimizer = LossScaleOptimizer(SGD(0.1), initial_scale=8.0)
    >>> optimizer.build([Variable([1.0])])
    >>> float(optimizer.scale_loss(ops.convert_to_tensor(0.5)))
    4.0
    """

    _skips_nonfinite_ = True
    _delegates_ = True

    def __init__(
        self, inner_optimizer: Optimizer, initial_scale: float = 2.0**15, dynamic_growth_steps: int = 2000, name: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        if any(value is not None and value is not False for value in kwargs.values()):
            raise ArgumentError(f"LossScaleOptimizer does not have {sorted(kwargs)}. Set them on the inner optimizer.")
        if not isinstance(inner_optimizer, Optimizer):
            raise ArgumentError(f"inner_optimizer must be an Optimizer, got {inner_optimizer!r}.")
        if not initial_scale > 0 or dynamic_growth_steps < 1:
            raise ArgumentError(f"Scale and growth steps must be positive, got {initial_scale!r} and {dynamic_growth_steps!r}.")
        self.inner_optimizer, self.initial_scale, self.dynamic_growth_steps = inner_optimizer, initial_scale, dynamic_growth_steps
        super().__init__(learning_rate=0.0, name=name)  # its own rate and count stand in files alone

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes the scale, and what the inner optimizer keeps for these variables."""
        if self.built:
            return
        self.inner_optimizer.build(variables)
        self.step_counter = self.add_variable((), "zeros", "int32", name="step_counter")
        self.dynamic_scale = self.add_variable((), "ones", "float32", name="dynamic_scale")
        self.dynamic_scale.assign(self.initial_scale)
        super().build(variables)

    @property
    def variables(self) -> list[Variable]:
        """Its own variables, then the inner optimizer's."""
        return [*super().variables, *self.inner_optimizer.variables]

    def _variables_of_unbuilt_(self) -> list[Variable]:
        return super()._variables_of_unbuilt_() + self.inner_optimizer._variables_of_unbuilt_()

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    @property
    def gradient_accumulation_steps(self) -> int | None:
        """How many batches the inner optimizer gathers; with it the training step says how many samples each has."""
        return self.inner_optimizer.gradient_accumulation_steps

    @gradient_accumulation_steps.setter
    def gradient_accumulation_steps(self, value: int | None) -> None:
        if value is not None:
            raise AttributeError(
                f"A LossScaleOptimizer gathers no gradients of its own, got {value!r}. It is a setting of the inner optimizer."
            )

    @property
    def iterations(self) -> Any:
        """How many times the variables were changed."""
        return self.inner_optimizer.iterations

    def scale_loss(self, loss: Array) -> Array:
        """The loss times the present scale."""
        scale = self.dynamic_scale.value if self.built else self.initial_scale
        return self.inner_optimizer.scale_loss(loss) * scale

    def _apply_weighted_(
        self, grads: Sequence[Array], trainable_variables: Sequence[Variable] | None = None, *, weight: Array | float = 1.0
    ) -> None:
        """The inner optimizer's step on gradients divided by the scale, if they are finite; then the scale moves."""
        gradients, variables = self._paired_(list(grads), trainable_variables)
        if not gradients:
            return
        with variables[0].backend.inference():
            finite = all_finite(gradients)
            factor = 1.0 / self.dynamic_scale.value
            unscaled = [ops.cast(g, v.dtype) * ops.cast(factor, v.dtype) for g, v in zip(gradients, variables, strict=True)]
            when(finite, lambda: self.inner_optimizer._apply_weighted_(unscaled, variables, weight=weight))
            self._adjust(finite)

    def _adjust(self, finite: Array) -> None:
        good = ops.where(finite, ops.add(self.step_counter, 1), 0)
        grown = good >= self.dynamic_growth_steps
        factor = ops.where(finite, ops.where(grown, 2.0, 1.0), 0.5)
        self.dynamic_scale.assign(ops.multiply(self.dynamic_scale, factor))
        self.step_counter.assign(ops.where(grown, 0, good))

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """What the inner optimizer does at the end of training."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def exclude_from_weight_decay(self, var_list: Sequence[Variable] | None = None, var_names: Sequence[str] | None = None) -> None:
        """Leaves variables out of the inner optimizer's weight decay."""
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def _constructor_arguments_(self) -> dict[str, Any]:
        own = ("name", "inner_optimizer", "initial_scale", "dynamic_growth_steps")
        return {name: getattr(self, name) for name in own}


def scaled(optimizer: Optimizer) -> Optimizer:
    """The optimizer with a loss scale that finds its own size, unless it has one already.

    >>> from cornu.optimizers import SGD
    >>> scaled(scaled(SGD())).inner_optimizer.momentum
    0.0
    """
    return optimizer if optimizer is None or isinstance(optimizer, LossScaleOptimizer) else LossScaleOptimizer(optimizer)
