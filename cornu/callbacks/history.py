"""The record of a run."""

from __future__ import annotations

from typing import Any

from cornu.callbacks.callback import Callback, EpochLogs, Logs

__all__ = ["History"]


class History(Callback):
    """What `fit` gives back: the metrics of each epoch.

    Attributes:
        epoch: the numbers of the epochs, from 0.
        history: for each metric the list of its values.
        diagnosis: what `fit(diagnose=True)` found, each with `what` and `mend`; None without.

    >>> history = History()
    >>> history.on_train_begin()
    >>> history.on_epoch_end(0, {"loss": 0.5})
    >>> history.history
    {'loss': [0.5]}
    """

    state_names = ("epoch", "history")

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = {}
        self.diagnosis: list[Any] | None = None

    def on_train_begin(self, logs: Logs = None) -> None:
        self.epoch, self.history = [], {}

    def on_epoch_end(self, epoch: int, logs: EpochLogs = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def get_state(self) -> dict[str, Any]:
        return {"epoch": list(self.epoch), "history": {name: list(values) for name, values in self.history.items()}}
