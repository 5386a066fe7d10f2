"""Where a data set's rows come from: arrays, items of any kind, files, windows over a series."""

from __future__ import annotations

import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu import tree
from cornu.errors import ArgumentError, CorruptFileError, DataError

__all__ = ["ArrayRows", "CachedRows", "FileRows", "ItemRows", "Rows", "WindowRows", "stacked"]


def stacked(elements: Sequence[Any]) -> Any:
    """Elements of one structure as one batch: each leaf with a first axis more.

    Raises:
        DataError: the elements' shapes differ.

    >>> stacked([(np.zeros(2), 1), (np.ones(2), 2)])[1].tolist()
    [1, 2]
    """
    try:
        return tree.map_structure(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *elements)
    except ValueError as error:
        raise DataError(
            f"The elements of a batch must have one structure and one shape, got {error}. Give batch_size=None for single ones."
        ) from None


def _own(element: Any) -> Any:
    """An element with arrays of its own: a function that writes into them leaves what is kept alone."""
    return tree.map_structure(lambda leaf: leaf.copy() if isinstance(leaf, np.ndarray) else leaf, element)


class Rows(ABC):
    """Rows by number.

    Attributes:
        varying: whether batches (or rows, without batches) differ in more than their number of rows.
    """

    varying = False

    @abstractmethod
    def __len__(self) -> int:
        """How many there are."""

    @abstractmethod
    def gather(self, rows: np.ndarray) -> Any:
        """The batch of these rows."""

    def join(self, elements: list[Any]) -> Any:
        """The batch of rows that have been read one by one."""
        return stacked(elements)

    def one(self, row: int) -> Any:
        """One row, without the batch's axis."""
        return tree.map_structure(lambda leaf: leaf[0], self.gather(np.array([row])))


class ArrayRows(Rows):
    """Rows of arrays, nested, all of one length."""

    def __init__(self, arrays: Any) -> None:
        self._arrays = tree.map_structure(np.asarray, arrays)
        lengths = {leaf.shape[:1] for leaf in tree.flatten(self._arrays)}
        if len(lengths) != 1 or lengths == {()}:
            raise DataError(f"Arrays must have as many rows, got the shapes {[leaf.shape for leaf in tree.flatten(self._arrays)]}.")
        self._length = int(lengths.pop()[0])

    def __len__(self) -> int:
        return self._length

    def gather(self, rows: np.ndarray) -> Any:
        return tree.map_structure(lambda leaf: leaf[rows], self._arrays)


class ItemRows(Rows):
    """Any items in a list."""

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def gather(self, rows: np.ndarray) -> Any:
        return stacked([self._items[row] for row in rows])

    def one(self, row: int) -> Any:
        return _own(self._items[row])


class FileRows(Rows):
    """What files hold, each with a label.

    Args:
        paths: the files.
        labels: by file, or None.
        load: from a path to what is in it.
        join: from a list of such to a batch.
        on_broken: "raise" stops at a damaged file, "skip" leaves it out with a warning.
        varying: whether what is in the files differs in shape.
    """

    def __init__(
        self,
        paths: list[str],
        labels: np.ndarray | None,
        load: Callable[[str], Any],
        join: Callable[[list[Any]], Any],
        *,
        on_broken: str = "raise",
        varying: bool = False,
    ) -> None:
        if on_broken not in ("raise", "skip"):
            raise ArgumentError(f'on_broken must be "raise" or "skip", got {on_broken!r}.')
        self.paths, self.labels, self._load, self._join, self._on_broken, self.varying = paths, labels, load, join, on_broken, varying

    def __len__(self) -> int:
        return len(self.paths)

    def gather(self, rows: np.ndarray) -> Any:
        loaded = [(row, item) for row in rows if (item := self._item(row)) is not None]
        if not loaded:
            named = os.path.dirname(self.paths[rows[0]])
            raise DataError(f"A batch must hold at least one file, got {len(rows)} that cannot be read, such as in {named}. Remove them.")
        x = self._join([item for _, item in loaded])
        return x if self.labels is None else (x, self.labels[[row for row, _ in loaded]])

    def join(self, elements: list[Any]) -> Any:
        if self.labels is None:
            return self._join(elements)
        items, labels = zip(*elements, strict=True)
        return self._join(list(items)), np.stack(labels)

    def one(self, row: int) -> Any:
        item = self._item(row)
        if item is None:
            raise DataError(f"Without batches a damaged file cannot be left out, got {self.paths[row]}. Remove it, or give a batch_size.")
        return item if self.labels is None else (item, self.labels[row].copy())

    def _item(self, row: int) -> Any:
        try:
            return self._load(self.paths[row])
        except CorruptFileError as error:
            if self._on_broken == "raise":
                raise
            warnings.warn(f"{error} It is left out of its batch.", stacklevel=2)
            return None


class WindowRows(Rows):
    """Windows over a series, each with the target of its first step, if there are targets."""

    def __init__(self, data: np.ndarray, targets: np.ndarray | None, starts: np.ndarray, *, length: int, rate: int) -> None:
        self._data, self._targets, self._starts = data, targets, starts
        self._offsets = np.arange(length) * rate

    def __len__(self) -> int:
        return len(self._starts)

    def gather(self, rows: np.ndarray) -> Any:
        starts = self._starts[rows]
        windows = self._data[starts[:, None] + self._offsets]
        return windows if self._targets is None else (windows, self._targets[starts])


class CachedRows(Rows):
    """Rows that are kept in memory once they have been read."""

    def __init__(self, rows: Rows) -> None:
        self._rows, self.varying = rows, rows.varying
        self._kept: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def gather(self, rows: np.ndarray) -> Any:
        return self._rows.join([self.one(int(row)) for row in rows])

    def one(self, row: int) -> Any:
        if row not in self._kept:
            self._kept[row] = self._rows.one(row)
        return _own(self._kept[row])
