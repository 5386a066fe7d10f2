"""Callbacks that watch one metric."""

from __future__ import annotations

import difflib
import math
import re
import warnings
from collections.abc import Iterable, Sequence

import numpy as np

from cornu.callbacks.callback import Callback, Logs
from cornu.errors import ArgumentError, nearest
from cornu.frames import caller
from cornu.quantities import is_number

__all__ = ["MonitorCallback", "direction", "meant"]

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


def meant(name: str, known: Iterable[str]) -> list[str]:
    """Which of the known metrics a name may stand for: first those that it is short for or a part of, then those that are spelt like it.

    >>> meant("acc", ["loss", "accuracy"]), meant("mae", ["mean_absolute_error", "mse"]), meant("accuracy", ["loss", "digit_accuracy"])
    (['accuracy'], ['mean_absolute_error', 'mse'], ['digit_accuracy'])
    """
    known = list(known)
    return list(dict.fromkeys([*(k for k in known if _is_short_for(name, k)), *nearest(name, known)]))


def _is_short_for(name: str, known: str) -> bool:
    initials = "".join(word[0] for word in known.split("_") if word)
    return name == initials or (len(name) > 1 and (known.startswith(name) or known.endswith("_" + name)))


def _is_nearly(name: str, known: str) -> bool:
    """Whether it is short for it, or so like it that it can hardly be another metric of the user's."""
    return _is_short_for(name, known) or difflib.SequenceMatcher(None, name, known).ratio() >= 0.8


def _bare(name: str) -> str:
    return name.removeprefix("val_")


def _warn(text: str) -> None:
    """A warning at the line of the program that led here, which is not Cornu's."""
    warnings.warn(text, stacklevel=caller()[1])


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
        if not is_number(min_delta):
            raise ArgumentError(f"min_delta must be a number, got {min_delta!r}. Write 0 where any change counts.")
        self.monitor, self.mode, self.best, self.min_delta = monitor, mode, best, abs(min_delta)
        self._sign = 0
        self._said = False  # that the metric is missing: once in a run

    def begin(self) -> None:
        """A run begins: what the monitor's name alone shows is said before an epoch is lost.

        Raises:
            ArgumentError: it cannot be told whether lower or higher is better.
        """
        self._sign, self._said = self._direction(), False
        bare, reported = _bare(self.monitor), self._reported()
        likely = [name for name in meant(bare, reported) if _is_nearly(bare, name)]
        if likely and bare not in reported:  # another name may yet come from a callback
            self._said = True
            there = ", ".join(self._prefix + name for name in reported)
            _warn(f"{self._watches} is not among the model's metrics ({there}).{self._mend(likely)}")

    def _reported(self) -> list[str]:
        """The metrics that the training step will report; none where it is the user's own, which may report others."""
        default = getattr(self.model, "_uses_default_step_", None)
        if default is None or not all(map(default, ("train_step", "compute_metrics", "get_metrics_result"))):
            return []
        return list(self.model.metrics_names)

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
        self._sign = self._sign or self._direction()
        return self._sign

    def _direction(self) -> int:
        found = self.mode if self.mode != "auto" else self._by_metric() or direction(self.monitor)
        if found is None:
            hint = self._mend(meant(_bare(self.monitor), self._reported()))
            raise ArgumentError(
                f"{type(self).__name__}(monitor={self.monitor!r}) cannot tell by the name whether lower or higher is better.{hint} "
                f"{'Else say' if hint else 'Say'} mode='min' or mode='max'."
            )
        return 1 if found == "min" else -1

    def _by_metric(self) -> str | None:
        name = _bare(self.monitor)
        for metric in getattr(self.model, "metrics", None) or ():
            if name in (getattr(metric, "_reported_name_", None), getattr(metric, "name", None)):
                return {"up": "max", "down": "min"}.get(str(getattr(metric, "direction", None)))
        return None

    @property
    def _watches(self) -> str:
        return f"{type(self).__name__} watches {self.monitor!r}, which"

    @property
    def _prefix(self) -> str:
        return "val_" if self.monitor.startswith("val_") else ""

    def _mend(self, likely: Sequence[str]) -> str:
        """What to write instead, of names without `val_`."""
        return f" Did you mean {self._prefix + likely[0]!r}?" if likely else ""

    def watched(self, logs: Logs) -> float | None:
        """The metric's value; None where the logs lack it, with a warning, once in a run, that lists what there is."""
        logs = {} if logs is None else logs
        if self.monitor in logs:
            return float(np.asarray(logs[self.monitor]))
        if not self._said:
            self._said = True
            _warn(f"{self._watches} is not among the metrics ({', '.join(sorted(logs)) or 'none'}).{self._why(logs)}")
        return None

    def _why(self, logs: Iterable[str]) -> str:
        bare = _bare(self.monitor)
        unvalidated = bool(self._prefix) and not any(name.startswith("val_") for name in logs)
        known = [_bare(name) for name in logs if unvalidated or name.startswith("val_") == bool(self._prefix)]
        mend = "" if bare in known else self._mend(meant(bare, known))
        return mend + (" Give `fit` validation_data or validation_split." if unvalidated else "")
