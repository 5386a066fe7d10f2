"""The progress bar of `fit`, `evaluate` and `predict`."""

from __future__ import annotations

import time
from typing import Any

from cornu.callbacks.bar import REDRAW, Progbar, duration, line, resolve_verbose, say
from cornu.callbacks.callback import Callback, EpochLogs, Logs

__all__ = ["ProgbarLogger"]


class ProgbarLogger(Callback):
    """Shows a run's course as `verbose` asks: 1 a bar, alive on a terminal and in a notebook; 2 one line an epoch.

    The metrics are looked at only when the bar is drawn, about ten times a second, so that a run is not slowed down.
    """

    def __init__(self) -> None:
        super().__init__()
        self.verbose, self.epochs = 0, 1
        self.target: int | None = None
        self._bar: Progbar | None = None
        self._fitting, self._seen, self._due = False, 0, 0.0
        self._begun = time.monotonic()

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        self.verbose = resolve_verbose(params.get("verbose", 1))
        self.epochs, self.target = params.get("epochs") or 1, params.get("steps")

    def on_train_begin(self, logs: Logs = None) -> None:
        self._fitting = True

    def on_train_end(self, logs: Logs = None) -> None:
        self.close()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self.verbose == 1:
            self._leave()
            say(f"Epoch {epoch + 1}/{self.epochs}")
        self._start()

    def on_epoch_end(self, epoch: int, logs: EpochLogs = None) -> None:
        self.target = self.target or self._seen  # known after the first epoch
        self._finish(f"Epoch {epoch + 1}/{self.epochs}", logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._show(batch, logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        if not self._fitting:
            self._start()
        elif self._bar is not None and self._bar.is_live:
            self._bar.draw("validating")

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        if not self._fitting:
            self._show(batch, logs)

    def on_test_end(self, logs: Logs = None) -> None:
        if not self._fitting:
            self._finish(f"Evaluated {_steps(self._seen)}", logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._start()

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._show(batch, None)  # its logs are outputs

    def on_predict_end(self, logs: Logs = None) -> None:
        self._finish(f"Predicted {_steps(self._seen)}", None)

    def _start(self) -> None:
        self._begun, self._seen = time.monotonic(), 0
        self._due = self._begun + REDRAW if self.verbose == 1 else float("inf")
        self._bar = Progbar(self.target, verbose=1, interval=0.0) if self.verbose == 1 else None

    def _show(self, batch: int, logs: Logs) -> None:
        """Draws if it is time; the one thing done at every step."""
        self._seen = batch + 1
        now = time.monotonic()
        if now >= self._due and self._bar is not None:
            self._due = now + REDRAW
            if self._bar.is_live:
                self._bar.update(self._seen, logs, finalize=False)

    def _finish(self, title: str, logs: Logs) -> None:
        if self._bar is not None:
            self._bar.target = self.target
            self._bar.update(self._seen, logs, finalize=True)
        elif self.verbose == 2:
            took = duration(time.monotonic() - self._begun)
            say(" - ".join(filter(None, [title, took, line(logs or {})])))
        self._bar = None

    def close(self) -> None:
        """After a run that broke off, the next output starts on a line of its own."""
        self._fitting = False
        self._leave()

    def _leave(self) -> None:
        if self._bar is not None:
            self._bar.abandon()
            self._bar = None


def _steps(count: int) -> str:
    return f"{count} step{'' if count == 1 else 's'}"
