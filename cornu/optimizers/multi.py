"""Several optimizers, each with variables of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from cornu.configurable import Configurable
from cornu.errors import ArgumentError
from cornu.ops.arguments import Array
from cornu.optimizers.optimizer import Optimizer
from cornu.registry import OPTIMIZERS
from cornu.state import Variable

__all__ = ["MultiOptimizer", "OptimizerMap"]


@OPTIMIZERS.add
class OptimizerMap(Configurable):
    """Which optimizer a variable gets: that of the first pattern found in its path, or the default.

    Args:
        default_optimizer: for variables that no pattern is found in.
        optimizer_map: optimizers by regular expression.

    >>> from cornu.optimizers import SGD, Adam
    >>> chosen = OptimizerMap(SGD(), {"encoder/": Adam()})
    >>> v = Variable([1.0], name="encoder/kernel")
    >>> type(chosen(v)).__name__
    'Adam'
    """

    def __init__(self, default_optimizer: Optimizer, optimizer_map: Mapping[str, Optimizer] | None = None) -> None:
        self.default_optimizer = _checked(default_optimizer, "default_optimizer")
        self.optimizer_map = {pattern: _checked(one, pattern) for pattern, one in (optimizer_map or {}).items()}

    def __setitem__(self, pattern: str, optimizer: Optimizer) -> None:
        self.optimizer_map[pattern] = _checked(optimizer, pattern)

    def __getitem__(self, pattern: str) -> Optimizer:
        return self.optimizer_map[pattern]

    def __call__(self, variable: Variable) -> Optimizer:
        """The variable's optimizer."""
        return next((one for pattern, one in self.optimizer_map.items() if re.search(pattern, variable.path)), self.default_optimizer)


@OPTIMIZERS.add
class MultiOptimizer(Optimizer):
    """Has each variable changed by an optimizer of its own, e.g. the parts of a model at different rates.

    Clipping, weight decay, averages and accumulation are settings of the optimizers inside.

    Args:
        optimizer_map: an `OptimizerMap`, or a function from a variable to its optimizer.
        loss_scale_factor: what `scale_loss` multiplies losses with, and gradients are divided by.
        name: `multi_optimizer`, numbered, by default.

    Attributes:
        optimizers: those in use, once it is built, in the order of their first variables.

    >>> from cornu import ops
    >>> from cornu.optimizers import SGD
    >>> a, b = Variable([1.0], name="body"), Variable([1.0], name="head")
    >>> optimizer = MultiOptimizer(OptimizerMap(SGD(0.1), {"head": SGD(0.5)}))
    >>> optimizer.apply([ops.ones((1,)), ops.ones((1,))], [a, b])
    >>> a.numpy().tolist(), b.numpy().tolist()
    ([0.9], [0.5])
    """

    _delegates_ = True

    def __init__(
        self, optimizer_map: OptimizerMap | Callable[[Variable], Optimizer], loss_scale_factor: float | None = None, name: str | None = None
    ) -> None:
        if not callable(optimizer_map):
            raise ArgumentError(f"optimizer_map must be an OptimizerMap or a function of a variable, got {optimizer_map!r}.")
        self.optimizers: list[Optimizer] = []
        super().__init__(learning_rate=0.0, loss_scale_factor=loss_scale_factor, name=name)  # its own rate stands in files alone
        self.optimizer_map = optimizer_map
        self._chosen: dict[int, Optimizer] = {}

    def __setitem__(self, pattern: str, optimizer: Optimizer) -> None:
        if not isinstance(self.optimizer_map, OptimizerMap):
            raise ArgumentError("Patterns can be added where the optimizer was made with an OptimizerMap, this one has a function.")
        self.optimizer_map[pattern] = optimizer

    def build(self, variables: Sequence[Variable]) -> None:
        """Asks which variable gets which optimizer, and builds each for its own."""
        if self.built:
            return
        for v in variables:
            self._chosen[id(v)] = _checked(self.optimizer_map(v), v.path)
        self.optimizers = list({id(one): one for one in self._chosen.values()}.values())
        for one in self.optimizers:
            one.build([v for v in variables if self._chosen[id(v)] is one])
        super().build(variables)

    @property
    def variables(self) -> list[Variable]:
        """Its own variables, then those of the optimizers inside."""
        return [*super().variables, *(v for one in self.optimizers for v in one.variables)]

    @property
    def learning_rate(self) -> Any:
        """There is none that all share."""
        raise AttributeError("A MultiOptimizer has no learning rate of its own. Look at those of `optimizer.optimizers`.")

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise AttributeError("A MultiOptimizer has no learning rate of its own. Assign those of `optimizer.optimizers`.")

    @property
    def _skips_nonfinite_(self) -> bool:  # type: ignore[override]
        """Whether one of the optimizers inside sees to that itself."""
        return any(one._skips_nonfinite_ for one in self.optimizers)

    @property
    def gradient_accumulation_steps(self) -> int | None:
        """The most batches that one of the optimizers inside gathers; with it the training step says how many samples each batch has."""
        return max((one.gradient_accumulation_steps or 0 for one in self.optimizers), default=0) or None

    @gradient_accumulation_steps.setter
    def gradient_accumulation_steps(self, value: int | None) -> None:
        if value is not None:
            raise AttributeError(
                f"A MultiOptimizer gathers no gradients of its own, got {value!r}. It is a setting of the optimizers inside."
            )

    def _apply_weighted_(
        self, grads: Sequence[Array], trainable_variables: Sequence[Variable] | None = None, *, weight: Array | float = 1.0
    ) -> None:
        """A step of each optimizer on its variables."""
        gradients, variables = self._paired_(list(grads), trainable_variables)
        if not gradients:
            return
        if self.loss_scale_factor is not None:
            gradients = [g / self.loss_scale_factor for g in gradients]
        for one in self.optimizers:
            own = [(g, v) for g, v in zip(gradients, variables, strict=True) if self._chosen[id(v)] is one]
            if own:
                one._apply_weighted_([g for g, _ in own], [v for _, v in own], weight=weight)
        self._iterations.put(self._iterations.value + 1)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """What each optimizer does at the end of training, for its variables."""
        listed = list(var_list)
        for one in self.optimizers:
            one.finalize_variable_values([v for v in listed if self._chosen.get(id(v)) is one])

    def _constructor_arguments_(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("optimizer_map", "loss_scale_factor", "name")}


def _checked(optimizer: Any, whose: str) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise ArgumentError(f"Each variable needs an Optimizer, got {optimizer!r} for {whose!r}.")
    return optimizer
