"""Stopping when a metric no longer improves."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.callbacks.bar import say
from cornu.callbacks.callback import EpochLogs, Logs
from cornu.callbacks.monitor import MonitorCallback
from cornu.errors import ArgumentError
from cornu.quantities import is_number

__all__ = ["EarlyStopping"]


class EarlyStopping(MonitorCallback):
    """Stops training when a metric has not improved for `patience` epochs.

    Args:
        monitor: the metric's name.
        min_delta: a change by less is no improvement.
        patience: epochs without improvement before training stops; at 0 the first one stops it.
        verbose: 1 prints when it stops.
        mode: "min", "max", or "auto" to tell by the metric.
        baseline: patience is only renewed by values better than this one.
        restore_best_weights: give the model the weights of its best epoch when training ends.
        start_from_epoch: epochs before this one do not count.

    Attributes:
        best: the best value, None before there is one; NaN never is.
        best_epoch: its epoch.
        wait: epochs since the last improvement.
        stopped_epoch: the epoch at whose end training was stopped; 0 if it was not.

    Reference: Prechelt, "Early stopping, but when?", 1998.

    >>> stopping = EarlyStopping(monitor="loss", patience=2)
    >>> for epoch, loss in enumerate([3.0, 2.0, 2.5]):
    ...     stopping.on_epoch_end(epoch, {"loss": loss})
    >>> stopping.best, stopping.wait
    (2.0, 1)
    """

    state_names = ("best", "best_epoch", "best_weights", "stopped_epoch", "wait")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        if not is_number(patience) or patience < 0:
            raise ArgumentError(f"patience must be at least 0, got {patience!r}.")
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self._reset()

    def _reset(self) -> None:
        self.best, self.best_epoch, self.wait, self.stopped_epoch = None, 0, 0, 0
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Logs = None) -> None:
        self._reset()
        self.begin()

    def on_epoch_end(self, epoch: int, logs: EpochLogs = None) -> None:
        value = self.watched(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self.is_better(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = [np.array(w) for w in self.model.get_weights()]  # copies: backends may share memory
            if self.baseline is None or self.is_better(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs = None) -> None:
        if self.stopped_epoch and self.verbose:
            say(f"Epoch {self.stopped_epoch + 1}: stopped, {self.monitor} has not improved on {self.best} for {self.wait} epoch(s).")
        if self.best_weights is not None:
            if self.verbose:
                say(f"The weights of epoch {self.best_epoch + 1}, the best one, are restored.")
            self.model.set_weights(self.best_weights)
