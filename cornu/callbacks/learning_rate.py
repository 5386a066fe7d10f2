"""Callbacks that change the learning rate."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu.callbacks.bar import say
from cornu.callbacks.callback import Callback, EpochLogs, Logs
from cornu.callbacks.monitor import MonitorCallback
from cornu.errors import ArgumentError, nearest
from cornu.ops.core import convert_to_numpy

__all__ = ["LearningRateScheduler", "ReduceLROnPlateau"]


def _rate(model: Any) -> float:
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None or not hasattr(optimizer, "learning_rate"):
        raise ArgumentError(f"The model must be compiled with an optimizer that has a `learning_rate`, got the optimizer {optimizer!r}.")
    return float(convert_to_numpy(optimizer.learning_rate))


class LearningRateScheduler(Callback):
    """Sets the learning rate at the start of each epoch. The logs get it as "learning_rate".

    Args:
        schedule: a function of the epoch, from 0, and (if it takes two) the present rate; gives the new rate as a number.
        verbose: 1 prints it.

    >>> halving = LearningRateScheduler(lambda epoch, rate: rate / 2)
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        if not callable(schedule):
            raise ArgumentError(f"The schedule must be a function of epoch and learning rate, got {schedule!r}.")
        self.schedule, self.verbose = schedule, verbose
        self._takes_rate = _takes_two(schedule)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        present = _rate(self.model)
        rate: Any = self.schedule(epoch, present) if self._takes_rate else self.schedule(epoch)
        if getattr(rate, "shape", None) == ():  # an array of no axes is a number
            rate = convert_to_numpy(rate)[()]
        if isinstance(rate, bool) or not isinstance(rate, (int, float, np.number)) or not np.isfinite(rate):
            raise ArgumentError(f"The schedule must give a finite number, got {rate!r} for epoch {epoch}.")
        self.model.optimizer.learning_rate = float(rate)
        if self.verbose:
            say(f"Epoch {epoch + 1}: the learning rate is {float(rate):.6g}.")

    def on_epoch_end(self, epoch: int, logs: EpochLogs = None) -> None:
        if logs is not None:
            logs["learning_rate"] = _rate(self.model)


def _takes_two(schedule: Callable[..., float]) -> bool:
    """Whether it is called with epoch and rate: it can take two arguments without names, and both are its own to choose."""
    try:
        found = inspect.signature(schedule).parameters.values()
    except (TypeError, ValueError):
        return False
    if any(p.kind is p.VAR_POSITIONAL for p in found):
        return True
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in found) >= 2


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by `factor` when a metric has not improved for `patience` epochs. The logs get it as "learning_rate".

    Args:
        monitor: the metric's name.
        factor: less than 1.
        patience: epochs without improvement before the rate is reduced.
        verbose: 1 prints when it is.
        mode: "min", "max", or "auto" to tell by the metric.
        min_delta: a change by less is no improvement.
        cooldown: epochs after a reduction that do not count.
        min_lr: the rate is not made less than this.

    Attributes:
        best: the best value, None before there is one.
        wait: epochs since the last improvement.
        cooldown_counter: epochs of cooldown left.
    """

    state_names = ("best", "cooldown_counter", "wait")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        if kwargs:
            known = ["monitor", "factor", "patience", "verbose", "mode", "min_delta", "cooldown", "min_lr"]
            likely = [name for given in kwargs for name in nearest({"epsilon": "min_delta"}.get(given, given), known)]
            hint = f" Did you mean {likely}?" if likely else ""
            raise ArgumentError(f"ReduceLROnPlateau has the arguments {known}, got {sorted(kwargs)}.{hint}")
        if not 0 < factor < 1:
            raise ArgumentError(f"factor must be between 0 and 1, so that the learning rate is reduced, got {factor!r}.")
        self.factor, self.patience, self.verbose, self.cooldown, self.min_lr = factor, patience, verbose, cooldown, min_lr
        self._reset()

    def _reset(self) -> None:
        self.best, self.wait, self.cooldown_counter = None, 0, 0

    def on_train_begin(self, logs: Logs = None) -> None:
        self._reset()
        self.begin()

    def on_epoch_end(self, epoch: int, logs: EpochLogs = None) -> None:
        rate = _rate(self.model)
        value = self.watched(logs)
        if logs is not None:
            logs["learning_rate"] = rate
        if value is None:
            return
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.is_better(value, self.best):
            self.best, self.wait = value, 0
        elif not self.cooldown_counter:
            self.wait += 1
            if self.wait >= self.patience and rate > np.float32(self.min_lr):
                self._reduce(epoch, rate)

    def _reduce(self, epoch: int, rate: float) -> None:
        new = max(rate * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = new
        self.wait, self.cooldown_counter = 0, self.cooldown
        if self.verbose:
            say(f"Epoch {epoch + 1}: {self.monitor} has not improved on {self.best}, the learning rate is reduced to {new:.6g}.")
