"""Runs that go on where they were broken off."""

from __future__ import annotations

import contextlib
import os
import warnings
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from cornu.callbacks.callback import Callback, EpochLogs, Logs
from cornu.errors import ArgumentError, ConfigError, CorruptFileError

__all__ = ["BackupAndRestore"]

LATEST, PREVIOUS = "latest.run", "previous.run"
KERAS = ("latest.weights.h5", "training_metadata.json")


class KeptRun(Protocol):
    """What the loop lets be kept."""

    def write(self, path: str, *, epoch: int, step: int, logs: Any) -> None:
        """Writes the run's state to a file."""


class BackupAndRestore(Callback):
    """Keeps the state of a run, so that the same program, started again after a kill at any instant, ends as if nothing had happened.

    Kept are weights, optimizer, seeds, metrics, epoch and step, the order of the data, `History`, the state of each callback, and Python's
    and NumPy's global generators. The resumed run goes on after the last backup; what came after it is done again. On a CPU all of it is
    the same to the last bit, provided that the program gives the same data. Arrays and `PyDataset`s go on in the middle of an epoch; a
    generator or another library's loader is run through again, without training, up to that place.

    Callbacks of your own say by `state_names`, or `get_state` and `set_state`, what must be kept of them.

    Args:
        backup_dir: a folder for this run alone.
        save_freq: "epoch", or a number of batches, counted through the epochs.
        double_checkpoint: keep the backup before the last one too; it is used, with a warning, where the last one is damaged.
        delete_checkpoint: delete the backup when training ends as it should.

    Raises:
        ArgumentError: `save_freq` or `backup_dir` is none that is known.
        ConfigError: the backup is that of another model, optimizer or length of data, or of another library; in `fit`.
        CorruptFileError: the backup is damaged; in `fit`.

    >>> keeping = BackupAndRestore("backup", save_freq=100)
    """

    state_names = ("last_batch", "seen")
    _told_last_ = True
    _looks_first_ = True  # so that a run is the same to the last bit, kept or not

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: int | str = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not os.fspath(backup_dir):
            raise ArgumentError("backup_dir must name a folder, got an empty text.")
        if save_freq != "epoch" and (isinstance(save_freq, (bool, str)) or not isinstance(save_freq, (int, np.integer)) or save_freq < 1):
            raise ArgumentError(f"save_freq must be 'epoch' or a number of batches above 0, got {save_freq!r}.")
        self.backup_dir, self.save_freq = os.fspath(backup_dir), save_freq
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        self.last_batch, self.seen = -1, 0  # the last batch of this epoch; batches since the last backup, where batches count
        self._epoch = 0
        self._run: KeptRun | None = None

    @property
    def path(self) -> str:
        """The file that holds the last backup."""
        return str(Path(self.backup_dir) / LATEST)

    # --- what the loop asks -------------------------------------------------------------------------------------------

    def find(self, model: Any) -> tuple[Any, dict[str, np.ndarray]]:
        """The state of the run that was broken off; None and no arrays if there is none."""
        latest, previous = Path(self.path), Path(self.backup_dir) / PREVIOUS
        if not latest.exists() and not previous.exists():
            self._refuse_foreign()
            return None, {}
        if not latest.exists():  # killed between the renaming of the one and the writing of the other
            return self._read(model, previous)
        try:
            return model._read_run_(latest)
        except CorruptFileError as error:
            if not previous.exists():
                raise CorruptFileError(f"{error} To begin anew, delete it or choose another `backup_dir`.") from None
            found = self._read(model, previous)
            warnings.warn(f"{error} The run goes on from the backup before it, {str(previous)!r}.", stacklevel=2)
            return found

    @staticmethod
    def _read(model: Any, path: Path) -> Any:
        try:
            return model._read_run_(path)
        except CorruptFileError as error:
            raise CorruptFileError(f"{error} To begin anew, delete it or choose another `backup_dir`.") from None

    def _refuse_foreign(self) -> None:
        folder = Path(self.backup_dir)
        if folder.exists() and not folder.is_dir():
            raise ArgumentError(f"backup_dir must be a folder, and {self.backup_dir!r} is a file.")
        theirs = [name for name in KERAS if (folder / name).exists()]
        if theirs:
            raise ConfigError(
                f"{self.backup_dir!r} holds a backup that Keras made ({', '.join(theirs)}), which has not all that a run needs "
                "to go on exactly. Choose another `backup_dir`, or delete it."
            )

    def attach(self, run: KeptRun) -> None:
        """Tells which run is kept."""
        self._run, self.seen, self.last_batch = run, 0, -1

    def _hears_(self, hook: str) -> bool:
        """Of batches only where they count."""
        return self.save_freq != "epoch" or "batch" not in hook

    # --- hooks --------------------------------------------------------------------------------------------------------

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._epoch, self.last_batch = epoch, -1

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch":
            return
        self.seen += batch - self.last_batch  # steps that run together are told of once
        self.last_batch = batch
        if self.seen >= int(self.save_freq):
            self._save(self._epoch, batch + 1, logs)

    def on_epoch_end(self, epoch: int, logs: EpochLogs = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch + 1, 0, logs)

    def on_train_end(self, logs: Logs = None) -> None:
        if not self.delete_checkpoint:
            return
        for name in (LATEST, PREVIOUS):
            (Path(self.backup_dir) / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # other files may be in it
            Path(self.backup_dir).rmdir()

    def _save(self, epoch: int, step: int, logs: Logs) -> None:
        if self._run is None:
            raise ArgumentError("BackupAndRestore keeps runs of `fit`, and was told of batches by something else.")
        Path(self.backup_dir).mkdir(parents=True, exist_ok=True)
        self.seen = 0
        if self.double_checkpoint and Path(self.path).exists():
            os.replace(self.path, Path(self.backup_dir) / PREVIOUS)
        self._run.write(self.path, epoch=epoch, step=step, logs=logs or {})
