"""Metrics into a table."""

from __future__ import annotations

import csv
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cornu.callbacks.callback import Callback, EpochLogs, Logs
from cornu.callbacks.folders import check_folder
from cornu.errors import ArgumentError

__all__ = ["CSVLogger"]

_TEXT: dict[str, Any] = {"newline": "", "encoding": "utf-8", "errors": "surrogateescape"}  # bytes of another encoding stay what they are
_READ: dict[str, Any] = {**_TEXT, "encoding": "utf-8-sig"}  # spreadsheets begin their files with a mark


class CSVLogger(Callback):
    """Writes the metrics of each epoch as a row of a CSV file: "epoch", then the metrics in the order of their names.

    The row is on disk when the epoch ends. A metric that an epoch lacks is "NA" there; one that appears later gets a column at the end.

    Args:
        filename: the file.
        separator: what stands between values, one character.
        append: add to the file if it exists, instead of replacing it.

    Raises:
        ArgumentError: `separator` is none, `filename` is a folder or lies below a file, or the file to add to is no such table; the last in `fit`.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        super().__init__()
        if not isinstance(separator, str) or len(separator) != 1 or separator in '"\r\n':
            raise ArgumentError(f"separator must be one character, and no quote or line break, got {separator!r}.")
        if os.path.isdir(filename):
            raise ArgumentError(f"filename must name a file, and {os.fspath(filename)!r} is a folder. Name a file inside it.")
        check_folder("filename", Path(filename).parent)
        self.filename, self.separator, self.append = os.fspath(filename), separator, append
        self.columns: list[str] = []
        self._rows = 0

    def on_train_begin(self, logs: Logs = None) -> None:
        self.columns, self._rows = [], 0
        if self.append:
            self._read()  # says before an epoch is lost what is wrong with it

    def on_epoch_end(self, epoch: int, logs: EpochLogs = None) -> None:
        row = {"epoch": str(epoch), **{name: _text(value) for name, value in (logs or {}).items()}}
        if not self.columns:
            self._begin(row)
        added = sorted(set(row) - set(self.columns))
        if added:
            kept = self._read()
            self.columns += added
            self._write(kept)
        with open(self.filename, "a", **_TEXT) as file:
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
        elif not Path(self.filename).read_bytes().endswith((b"\n", b"\r")):
            with open(self.filename, "a", **_TEXT) as file:
                file.write("\n")

    def _writer(self, file: Any) -> csv.DictWriter[str]:
        return csv.DictWriter(file, self.columns, restval="NA", delimiter=self.separator, lineterminator="\n")

    def _write(self, rows: list[dict[str, str]]) -> None:
        path = Path(os.path.realpath(self.filename))  # the file that a link points to, not the link
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
        try:
            with open(partial, "x", **_TEXT) as file:
                writer = self._writer(file)
                writer.writeheader()
                writer.writerows(rows)
            if path.exists():
                shutil.copymode(path, partial)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise

    def _read(self) -> list[dict[str, str]]:
        """The rows that are there.

        Raises:
            ArgumentError: the table has no column "epoch", two of one name, or a row with more values than columns.
        """
        columns = self._header()
        if not columns:
            return []
        mend = "Give the separator that it was written with, another filename, or append=False to replace it."
        if "epoch" not in columns or len(set(columns)) < len(columns):
            raise ArgumentError(f"The columns of {self.filename!r} must be 'epoch' and metrics, each once, got {columns}. {mend}")
        with open(self.filename, **_READ) as file:
            rows: list[dict[Any, str]] = list(csv.DictReader(file, delimiter=self.separator))
        long = [number for number, row in enumerate(rows, 1) if None in row]
        if long:
            raise ArgumentError(f"Row {long[0]} of {self.filename!r} has more values than the table has columns, {columns}. {mend}")
        return rows

    def _header(self) -> list[str]:
        if not Path(self.filename).is_file():
            return []
        with open(self.filename, **_READ) as file:
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
