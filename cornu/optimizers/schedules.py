"""Learning rates that change with the step, computed on the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cornu import ops, serialization
from cornu.configurable import Configurable
from cornu.errors import ArgumentError
from cornu.ops.arguments import Array
from cornu.registry import SCHEDULES

__all__ = [
    "CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay", "LearningRateSchedule", "PiecewiseConstantDecay",
    "PolynomialDecay", "deserialize", "serialize",
]  # fmt: skip


class LearningRateSchedule(Configurable):
    """A function of the step. One's own is a subclass with `__call__(self, step)`, written in ops.

    >>> class Halving(LearningRateSchedule):
    ...     def __init__(self, initial):
    ...         self.initial = initial
    ...
    ...     def __call__(self, step):
    ...         return self.initial * 0.5**step
    >>> Halving(0.8)(2)
    0.2
    """

    def __call__(self, step: Array) -> Array:
        """The learning rate of a step, counted from 0."""
        raise NotImplementedError(f"{type(self).__name__} must define `__call__(self, step)`.")


def _float(step: Array) -> Array:
    return ops.cast(step, "float32")


@SCHEDULES.add
class ExponentialDecay(LearningRateSchedule):
    """`initial_learning_rate * decay_rate ** (step / decay_steps)`.

    Args:
        initial_learning_rate: at step 0.
        decay_steps: after so many steps the rate has been multiplied by `decay_rate`.
        decay_rate: the factor.
        staircase: decay at multiples of `decay_steps` only.
        name: a name for it.

    >>> float(ExponentialDecay(0.1, 10, 0.5)(20))
    0.025
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False, name: str = "ExponentialDecay"
    ) -> None:
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, _positive(decay_steps, "decay_steps")
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name

    def __call__(self, step: Array) -> Array:
        """The learning rate of a step, counted from 0."""
        periods = _float(step) / self.decay_steps
        return self.initial_learning_rate * ops.power(self.decay_rate, ops.floor(periods) if self.staircase else periods)


@SCHEDULES.add
class InverseTimeDecay(LearningRateSchedule):
    """`initial_learning_rate / (1 + decay_rate * step / decay_steps)`.

    Args:
        initial_learning_rate: at step 0.
        decay_steps: the unit of time.
        decay_rate: how fast it falls.
        staircase: decay at multiples of `decay_steps` only.
        name: a name for it.

    >>> float(InverseTimeDecay(0.1, 10, 1.0)(10))
    0.05
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False, name: str = "InverseTimeDecay"
    ) -> None:
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, _positive(decay_steps, "decay_steps")
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name

    def __call__(self, step: Array) -> Array:
        """The learning rate of a step, counted from 0."""
        periods = _float(step) / self.decay_steps
        return self.initial_learning_rate / (1 + self.decay_rate * (ops.floor(periods) if self.staircase else periods))


@SCHEDULES.add
class PiecewiseConstantDecay(LearningRateSchedule):
    """`values[i]` from the step after `boundaries[i - 1]` up to `boundaries[i]`.

    Args:
        boundaries: steps, rising.
        values: one more than boundaries.
        name: a name for it.

    >>> rate = PiecewiseConstantDecay([2, 4], [1.0, 0.5, 0.25])
    >>> [float(rate(step)) for step in (2, 3, 4, 5)]
    [1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant") -> None:
        if len(values) != len(boundaries) + 1:
            raise ArgumentError(f"There must be one value more than boundaries, got {len(values)} values and {len(boundaries)} boundaries.")
        if list(boundaries) != sorted(boundaries):
            raise ArgumentError(f"The boundaries must rise, got {list(boundaries)}.")
        self.boundaries, self.values, self.name = boundaries, values, name

    def __call__(self, step: Array) -> Array:
        """The learning rate of a step, counted from 0."""
        step, rate = _float(step), np.float32(self.values[0])
        for boundary, value in zip(self.boundaries, self.values[1:], strict=True):
            rate = ops.where(step > boundary, np.float32(value), rate)
        return rate


@SCHEDULES.add
class PolynomialDecay(LearningRateSchedule):
    """`(initial_learning_rate - end_learning_rate) * (1 - step / decay_steps) ** power + end_learning_rate`.

    Args:
        initial_learning_rate: at step 0.
        decay_steps: the step at which the end is reached.
        end_learning_rate: what is reached.
        power: 1 for a straight line.
        cycle: beyond `decay_steps`, begin anew with as many multiples of them as the step needs; else stay at the end.
        name: a name for it.

    >>> float(PolynomialDecay(0.1, 10, end_learning_rate=0.0)(5))
    0.05
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, end_learning_rate: float = 0.0001, power: float = 1.0, cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, _positive(decay_steps, "decay_steps")
        self.end_learning_rate, self.power, self.cycle, self.name = end_learning_rate, power, cycle, name

    def __call__(self, step: Array) -> Array:
        """The learning rate of a step, counted from 0."""
        done = _float(step) / self.decay_steps
        done = done / ops.maximum(ops.ceil(done), 1.0) if self.cycle else ops.minimum(done, 1.0)
        return (self.initial_learning_rate - self.end_learning_rate) * ops.power(1 - done, self.power) + self.end_learning_rate


@SCHEDULES.add
class CosineDecay(LearningRateSchedule):
    """Half a wave of the cosine, from the initial rate to `alpha` times it, after an optional linear warm-up.

    With a warm-up the rate goes from `initial_learning_rate` to `warmup_target` in a line, and decays from there.
    Paper: https://arxiv.org/abs/1608.03983.

    Args:
        initial_learning_rate: at step 0.
        decay_steps: how many steps the decay takes.
        alpha: the end, as a part of the rate that the decay begins with.
        name: a name for it.
        warmup_target: the rate at the end of the warm-up; None for no warm-up.
        warmup_steps: how many steps the warm-up takes.

    >>> float(CosineDecay(0.1, 10)(5))
    0.05
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, alpha: float = 0.0, name: str = "CosineDecay",
        warmup_target: float | None = None, warmup_steps: int = 0,
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.decay_steps, self.alpha = initial_learning_rate, _positive(decay_steps, "decay_steps"), alpha
        self.name, self.warmup_target, self.warmup_steps = name, warmup_target, warmup_steps

    def __call__(self, step: Array) -> Array:
        """The learning rate of a step, counted from 0."""
        step = _float(step)
        if self.warmup_target is None:
            return self._decayed(step, self.initial_learning_rate)
        rise = self.warmup_target - self.initial_learning_rate
        warming = self.initial_learning_rate + rise * step / max(self.warmup_steps, 1)
        return ops.where(step < self.warmup_steps, warming, self._decayed(step - self.warmup_steps, self.warmup_target))

    def _decayed(self, step: Array, rate: float) -> Array:
        wave = 0.5 * (1 + ops.cos(np.pi * ops.minimum(step / self.decay_steps, 1.0)))
        return rate * ((1 - self.alpha) * wave + self.alpha)


@SCHEDULES.add
class CosineDecayRestarts(LearningRateSchedule):
    """Half waves of the cosine, each begun anew: stochastic gradient descent with warm restarts.

    Period i takes `first_decay_steps * t_mul ** i` steps and starts from `initial_learning_rate * m_mul ** i`.
    Paper: https://arxiv.org/abs/1608.03983.

    Args:
        initial_learning_rate: at step 0.
        first_decay_steps: the length of the first period.
        t_mul: how much longer each period is than the one before.
        m_mul: how much higher it starts.
        alpha: the lowest rate, as a part of the initial one.
        name: a name for it.

    >>> rate = CosineDecayRestarts(0.1, 10)
    >>> [round(float(rate(step)), 4) for step in (0, 5, 10, 20)]
    [0.1, 0.05, 0.1, 0.05]
    """

    def __init__(
        self, initial_learning_rate: float, first_decay_steps: int, t_mul: float = 2.0, m_mul: float = 1.0, alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.first_decay_steps = initial_learning_rate, _positive(first_decay_steps, "first_decay_steps")
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name

    def __call__(self, step: Array) -> Array:
        """The learning rate of a step, counted from 0."""
        period, done = self._place(_float(step) / self.first_decay_steps)
        wave = 0.5 * ops.power(self.m_mul, period) * (1 + ops.cos(np.pi * done))
        return self.initial_learning_rate * ((1 - self.alpha) * wave + self.alpha)

    def _place(self, time: Array) -> tuple[Array, Array]:
        """Which period a time lies in, and how much of that has passed, from 0 to 1; the first period lasts 1."""
        if self.t_mul == 1.0:
            return ops.floor(time), time - ops.floor(time)
        period = ops.floor(ops.log(1 - time * (1 - self.t_mul)) / np.log(self.t_mul))
        length = ops.power(self.t_mul, period)
        return period, (time - (1 - length) / (1 - self.t_mul)) / length


def _positive(steps: int, name: str) -> int:
    if not steps > 0:
        raise ArgumentError(f"{name} must be positive, got {steps!r}.")
    return steps


def serialize(learning_rate_schedule: LearningRateSchedule) -> dict[str, Any]:
    """The schedule's configuration, as `deserialize` reads it."""
    return serialization.serialize(learning_rate_schedule)


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> LearningRateSchedule:
    """The schedule that a configuration describes."""
    return serialization.deserialize(config, custom_objects, SCHEDULES)
