"""Callbacks that watch one metric."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Sequence

import numpy as np

from cornu.callbacks.callback import Callback, Logs
from cornu.errors import ArgumentError

__all__ = ["MonitorCallback", "direction"]

_UP = (
    *("acc", "accuracy", "auc", "precision", "recall", "f1", "f1_score", "fbeta_score", "score", "iou", "io_u", "dice"),
    *(
        "similarity",
        "specificity",
        "sensitivity",
        "sensitivity_at_specificity",
        "specificity_at_sensitivity",
        "precision_at_recall",
        "recall_at_precision",
    ),
    *("true_positives", "true_negatives", "r2", "bleu", "correlation"),
)
_DOWN = (
    *("loss", "error", "crossentropy", "entropy", "hinge", "perplexity", "divergence", "mse", "mae", "mape", "msle", "rmse", "poisson"),
    *("logcosh", "log_cosh", "huber", "huber_loss", "false_positives", "false_negatives", "distance"),
)


def direction(name: str) -> str | None:
    """Whether a metric of that name is better when it is lower ("min") or higher ("max"); None where the name does not say.

    >>> direction("val_loss"), direction("val_binary_accuracy"), direction("auc_1"), direction("beauty")
    ('min', 'max', 'max', None)
    """
    name = re.sub(r"_\d+$", "", name.lower())
    return "min" if _ends_in(name, _DOWN) else "max" if _ends_in(name, _UP) else None


def _ends_in(name: str, words: Sequence[str]) -> bool:
    return any(name == word or name.endswith("_" + word) for word in words)


class MonitorCallback(Callback):
    """What callbacks that watch a metric share.

    Args:
        monitor: the metric's name in the logs.
        mode: "min" where lower is better, "max" where higher is, "auto" to tell by the metric: by its `direction` ("up" or "down") if it
            has one, else by its name.
        best: what must be beaten at first; None: anything.
        min_delta: a change by less is none.
    """

    def __init__(self, monitor: str = "val_loss", mode: str = "auto", best: float | None = None, min_delta: float = 0.0) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            raise ArgumentError(f"The mode of {type(self).__name__} must be 'auto', 'min' or 'max', got {mode!r}.")
        self.monitor, self.mode, self.best, self.min_delta = monitor, mode, best, abs(min_delta)
        self._sign = 0

    def is_better(self, value: float, than: float | None) -> bool:
        """Whether `value` beats `than` by more than `min_delta`. NaN beats nothing; anything else beats None and NaN."""
        if math.isnan(value):
            return False
        if than is None or math.isnan(than):
            return True
        return self.sign * (than - value) > self.min_delta

    @property
    def sign(self) -> int:
        """1 where lower is better, -1 where higher is."""
        if not self._sign:
            found = self.mode if self.mode != "auto" else self._by_metric() or direction(self.monitor)
            if found is None:
                raise ArgumentError(
                    f"{type(self).__name__}(monitor={self.monitor!r}) cannot tell by the name whether lower or higher is better. "
                    "Say mode='min' or mode='max'."
                )
            self._sign = 1 if found == "min" else -1
        return self._sign

    def _by_metric(self) -> str | None:
        name = self.monitor.removeprefix("val_")
        for metric in getattr(self.model, "metrics", None) or ():
            if getattr(metric, "name", None) == name:
                return {"up": "max", "down": "min"}.get(str(getattr(metric, "direction", None)))
        return None

    def watched(self, logs: Logs) -> float | None:
        """The metric's value; None, with a warning that lists what there is, where the logs lack it."""
        logs = {} if logs is None else logs
        if self.monitor in logs:
            return float(np.asarray(logs[self.monitor]))
        available = ", ".join(sorted(logs)) or "none"
        why = " Give `fit` validation_data or validation_split." if self.monitor.startswith("val_") and "val_" not in available else ""
        warnings.warn(f"{type(self).__name__} watches {self.monitor!r}, which is not among the metrics ({available}).{why}", stacklevel=2)
        return None
