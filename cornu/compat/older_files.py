"""Files as older programs name them: weights in files that end in `.h5` or `.hdf5`, and saves every so many epochs."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cornu import callbacks
from cornu.callbacks.callback import EpochLogs
from cornu.compat.notice import notice
from cornu.errors import ArgumentError
from cornu.saving.atomic import atomic_write
from cornu.saving.model_file import may_write
from cornu.saving.stores import write_hdf5

__all__ = ["ModelCheckpoint", "saving_weights"]

OLDER = (".h5", ".hdf5")


def saving_weights(original: Callable[..., None]) -> Callable[..., None]:
    """`save_weights` that takes files which end in ".h5" and ".hdf5" too; what is in them is the same as in ".weights.h5"."""

    @functools.wraps(original)
    def save_weights(self: Any, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        path = os.fspath(filepath)
        if kwargs or not path.endswith(OLDER) or path.endswith(".weights.h5"):
            original(self, filepath, overwrite, **kwargs)
            return
        notice(f"save_weights({path!r})", "ends in `.weights.h5` today")
        may_write(Path(path), overwrite)
        with atomic_write(path) as temporary:
            write_hdf5(self, temporary, optimizer=False)

    return save_weights


class ModelCheckpoint(callbacks.ModelCheckpoint):
    """The callback of today, which takes `period=` and, for weights alone, files that end in ".h5" and ".hdf5".

    Args:
        args, kwargs: those of `cornu.callbacks.ModelCheckpoint`.
        period: how many epochs pass from save to save.
    """

    _weight_files_ = (*callbacks.ModelCheckpoint._weight_files_, *OLDER)

    def __init__(self, *args: Any, period: int = 1, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(period, bool) or not isinstance(period, int) or period < 1:
            raise ArgumentError(f"period must be a number of epochs above 0, got {period!r}.")
        if period != 1:
            notice("ModelCheckpoint(period=)", "is `save_freq=` today, which counts batches")
        self.period = period

    def on_epoch_end(self, epoch: int, logs: EpochLogs = None) -> None:
        """Saves at the end of every so many epochs."""
        if (epoch + 1) % self.period == 0:
            super().on_epoch_end(epoch, logs)
