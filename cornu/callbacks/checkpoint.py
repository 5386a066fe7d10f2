"""Saving the model while it is trained."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cornu.callbacks.bar import say
from cornu.callbacks.callback import EpochLogs, Logs
from cornu.callbacks.folders import check_folder
from cornu.callbacks.monitor import MonitorCallback, meant
from cornu.errors import ArgumentError

__all__ = ["Checkpoint", "ModelCheckpoint"]

_MODEL_FILES = (".keras", ".h5", ".hdf5")
_WEIGHT_FILES = (".weights.h5", ".safetensors")


class Checkpoint(MonitorCallback):
    """What callbacks that save the model share: when they do. A subclass says how, in `save`.

    Args:
        monitor, verbose, save_best_only, mode, save_freq, initial_value_threshold: as `ModelCheckpoint` has them.
    """

    state_names: tuple[str, ...] = ("best", "seen", "last_batch")

    def __init__(
        self,
        *,
        monitor: str,
        verbose: int,
        save_best_only: bool,
        save_weights_only: bool,
        mode: str,
        save_freq: int | str,
        initial_value_threshold: float | None,
    ) -> None:
        super().__init__(monitor, mode, best=initial_value_threshold)
        if save_freq != "epoch" and (isinstance(save_freq, (bool, str)) or not isinstance(save_freq, (int, np.integer)) or save_freq < 1):
            raise ArgumentError(f"save_freq must be 'epoch' or a number of batches above 0, got {save_freq!r}.")
        self.verbose, self.save_best_only, self.save_weights_only, self.save_freq = verbose, save_best_only, save_weights_only, save_freq
        self.seen = 0  # batches since the last save, where batches count
        self.last_batch = -1
        self._epoch = 0

    def save(self, epoch: int, batch: int | None, logs: Logs) -> str:
        """Saves the model; gives the place in words. `batch` is None at the end of an epoch."""
        raise NotImplementedError(f"{type(self).__name__} must define `save`.")

    def _hears_(self, hook: str) -> bool:
        """Of batches only where they count."""
        return self.save_freq != "epoch" or "batch" not in hook

    def on_train_begin(self, logs: Logs = None) -> None:
        if self.save_best_only:
            self.begin()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._epoch, self.last_batch = epoch, -1

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch":
            return
        self.seen += batch - self.last_batch  # steps that run together are told of once
        self.last_batch = batch
        if self.seen >= self.save_freq:  # type: ignore[operator]
            self.seen = 0
            self._consider(self._epoch, batch, logs)

    def on_epoch_end(self, epoch: int, logs: EpochLogs = None) -> None:
        if self.save_freq == "epoch":
            self._consider(epoch, None, logs)

    def _consider(self, epoch: int, batch: int | None, logs: Logs) -> None:
        """Saves, unless only the best are wanted and this is none."""
        before, name = self.best, self.monitor
        value = self.watched(logs) if self.save_best_only else None
        if value is not None and not self.is_better(value, before):
            self._tell(
                epoch, f"{name} did not improve on {before:.5f}, nothing saved" if before is not None else f"{name} is NaN, nothing saved"
            )
            return
        place = self.save(epoch, batch, logs)
        improved = "" if value is None else f"{name} is {value:.5f}, the first one, "
        if value is not None and before is not None:
            improved = f"{name} improved from {before:.5f} to {value:.5f}, "
        self.best = before if value is None else value  # after the save: a failed one is tried again
        self._tell(epoch, f"{improved}saved to {place}")

    def _tell(self, epoch: int, text: str) -> None:
        if self.verbose:
            say(f"Epoch {epoch + 1}: {text}")


class ModelCheckpoint(Checkpoint):
    """Saves the model, or its weights, after each epoch or every so many batches. A file is replaced as a whole or not at all.

    Args:
        filepath: where to; `{epoch}`, `{batch}` (counted from 1) and metrics may stand in it: "model-{epoch:02d}-{val_loss:.2f}.keras".
        monitor: the metric by which an epoch is the best.
        verbose: 1 prints what is saved.
        save_best_only: save only where the metric is better than at any save before. Without the metric, it warns and saves.
        save_weights_only: save weights alone, to a file that ends in ".weights.h5" or ".safetensors".
        mode: "min", "max", or "auto" to tell by the metric.
        save_freq: "epoch", or a number of batches, counted through the epochs.
        initial_value_threshold: what the metric must beat at first.

    Attributes:
        best: the best value so far. It outlives `fit`: a second run goes on from it.

    Raises:
        ArgumentError: the file name's ending, the mode or `save_freq` is none that is known, a placeholder stands for no metric or has a
            format that none has, or a file stands where a folder would.
    """

    _weight_files_: tuple[str, ...] = _WEIGHT_FILES

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: int | str = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(
            monitor=monitor, verbose=verbose, save_best_only=save_best_only, save_weights_only=save_weights_only, mode=mode,
            save_freq=save_freq, initial_value_threshold=initial_value_threshold,
        )  # fmt: skip
        self.filepath = os.fspath(filepath)
        endings = self._weight_files_ if save_weights_only else _MODEL_FILES
        if not self.filepath.endswith(endings) or (self.filepath.endswith(_WEIGHT_FILES) and not save_weights_only):
            what = "save_weights_only=True" if save_weights_only else "a whole model"
            raise ArgumentError(f"For {what} the filepath must end in {' or '.join(map(repr, endings))}, got {self.filepath!r}.")
        check_folder("filepath", Path(self.filepath).parent)
        self._try_out({})

    def on_train_begin(self, logs: Logs = None) -> None:
        super().on_train_begin(logs)
        self._try_out({prefix + name: 0.0 for name in self._reported() for prefix in ("", "val_")})

    def _try_out(self, known: Mapping[str, Any]) -> None:
        """Raises before an epoch is lost where the file's name cannot be made, whatever the values of metrics that are not known."""
        if "{" in self.filepath or "}" in self.filepath:
            try:
                self.filepath.format_map(_Guesses({**known, "epoch": 1, "batch": 1}))
            except (ValueError, AttributeError) as error:
                raise ArgumentError(_ill_formed(self.filepath, error)) from None
            except (IndexError, TypeError):  # part of an array: its turn will tell
                return

    def _path(self, epoch: int, batch: int | None, logs: Logs) -> str:
        values: dict[str, Any] = {"epoch": epoch + 1} if batch is None else {"epoch": epoch + 1, "batch": batch + 1}
        if "{" not in self.filepath:
            return self.filepath
        values = {**(logs or {}), **values}
        try:
            return self.filepath.format(**values)
        except (KeyError, IndexError) as error:
            raise ArgumentError(_unknown_placeholder(self.filepath, error, values)) from None
        except (ValueError, AttributeError) as error:
            raise ArgumentError(_ill_formed(self.filepath, error)) from None

    def save(self, epoch: int, batch: int | None, logs: Logs) -> str:
        path = self._path(epoch, batch, logs)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)
        return path


class _Guesses(dict[str, Any]):
    """Values by name; one that takes any format for a name that is not known yet."""

    def __missing__(self, name: str) -> Any:
        return _Guess()


class _Guess:
    def __getattr__(self, name: str) -> Any:
        return self

    def __getitem__(self, key: Any) -> Any:
        return self

    def __format__(self, spec: str) -> str:
        return ""


def _ill_formed(filepath: str, error: Exception) -> str:
    return (
        f"The placeholders of a filepath must be such as `str.format` fills in, with whole numbers for 'epoch' and 'batch' and others for "
        f"metrics, got {filepath!r}: {error}. Write them so: 'model-{{epoch:02d}}-{{val_loss:.2f}}.keras'."
    )


def _unknown_placeholder(filepath: str, error: Exception, values: Mapping[str, Any]) -> str:
    likely = meant(str(error.args[0]), values) if isinstance(error, KeyError) else []
    hint = f" Did you mean {likely[0]!r}?" if likely else ""
    return f"Placeholders in a filepath must name one of {sorted(values)}, got {error} in {filepath!r}.{hint}"
