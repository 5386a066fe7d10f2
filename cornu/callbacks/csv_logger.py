"""Metrics into a table."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cornu.callbacks.callback import Callback, EpochLogs, Logs

__all__ = ["CSVLogger"]


class CSVLogger(Callback):
    """Writes the metrics of each epoch as a row of a CSV file: "epoch", then the metrics in the order of their names.

    The row is on disk when the epoch ends. A metric that an epoch lacks is "NA" there; one that appears later gets a column at the end.

    Args:
        filename: the file.
        separator: what stands between values.
        append: add to the file if it exists, instead of replacing it.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self.filename, self.separator, self.append = os.fspath(filename), separator, append
        self.columns: list[str] = []
        self._rows = 0

    def on_train_begin(self, logs: Logs = None) -> None:
        self.columns, self._rows = [], 0

    def on_epoch_end(self, epoch: int, logs: EpochLogs = None) -> None:
        row = {"epoch": str(epoch), **{name: _text(value) for name, value in (logs or {}).items()}}
        if not self.columns:
            self._begin(row)
        added = sorted(set(row) - set(self.columns))
        if added:
            kept = self._read()
            self.columns += added
            self._write(kept)
        with open(self.filename, "a", newline="") as file:
            self._writer(file).writerow(row)
        self._rows += 1

    def _begin(self, row: Mapping[str, str]) -> None:
        """Makes the file ready for rows; not before the first one is there, so that a run that fails early leaves the old file."""
        kept = self._read() if self.append else []
        self.columns = self._header() if self.append else []
        self._rows = len(kept)
        if not self.columns:
            self.columns = ["epoch", *sorted(name for name in row if name != "epoch")]
            self._write([])

    def _writer(self, file: Any) -> csv.DictWriter[str]:
        return csv.DictWriter(file, self.columns, restval="NA", delimiter=self.separator, lineterminator="\n")

    def _write(self, rows: list[dict[str, str]]) -> None:
        path = Path(self.filename)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".part")
        with open(partial, "w", newline="") as file:
            writer = self._writer(file)
            writer.writeheader()
            writer.writerows(rows)
        partial.replace(path)

    def _read(self) -> list[dict[str, str]]:
        if not Path(self.filename).is_file():
            return []
        with open(self.filename, newline="") as file:
            return list(csv.DictReader(file, delimiter=self.separator))

    def _header(self) -> list[str]:
        if not Path(self.filename).is_file():
            return []
        with open(self.filename, newline="") as file:
            return next(csv.reader(file, delimiter=self.separator), [])

    def get_state(self) -> dict[str, Any]:
        return {"columns": list(self.columns), "rows": self._rows}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Goes on after the rows that stood there; later ones, of epochs that are run again, are taken away."""
        self.columns, self._rows = list(state["columns"]), state["rows"]
        if self.columns:
            self._write(self._read()[: self._rows])


def _text(value: Any) -> str:
    array = np.asarray(value)
    return str(array.item()) if array.ndim == 0 else f"[{', '.join(map(str, array.ravel().tolist()))}]"
