"""A data set in two."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu import tree
from cornu.errors import ArgumentError, DataError
from cornu.preprocessing.dataset import Dataset
from cornu.preprocessing.rows import ArrayRows, ItemRows, Rows
from cornu.state.seed import make_seed
from cornu.training.data.source import order

__all__ = ["split_dataset"]


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Any, Any]:
    """Two data sets: the first elements, and the last.

    Args:
        dataset: arrays of one length (one, or a list, tuple or dict of them), whose elements are rows; or anything that can be iterated over, whose
            elements are read into memory: a `Dataset`, a `tf.data.Dataset`, a torch Dataset or DataLoader, a generator.
        left_size, right_size: whole numbers, or fractions of the elements; what one of them leaves is the other's if it is None.
        shuffle: put the elements into another order first.
        seed: what it follows from.
        preferred_backend: None for data sets of ours, "tensorflow", "torch" or "grain" for these libraries' own.

    Returns:
        Data sets of single elements: call `.batch(32)` on them for training.

    Raises:
        ArgumentError: the sizes are neither, or together more than there is.
        DataError: the data set has no elements.

    >>> left, right = split_dataset((np.arange(10), np.arange(10) * 2), left_size=0.8)
    >>> len(left), len(right), [y for x, y in right]
    (8, 2, [np.int64(16), np.int64(18)])
    """
    rows = _rows(dataset)
    count = len(rows)
    if not count:
        raise DataError(f"The data set must have elements, got none in a {type(dataset).__name__}.")
    left, right = _sizes(left_size, right_size, count)
    places = order(make_seed() if seed is None else seed, 0, count) if shuffle else np.arange(count)
    parts = [Dataset(_Chosen(rows, part), batch_size=None, workers=1) for part in (places[:left], places[count - right :])]
    if preferred_backend is None:
        return parts[0], parts[1]
    if preferred_backend not in ("tensorflow", "torch", "grain"):
        raise ArgumentError(f'preferred_backend must be "tensorflow", "torch", "grain" or None, got {preferred_backend!r}.')
    return parts[0].to(preferred_backend), parts[1].to(preferred_backend)


def _rows(dataset: Any) -> Rows:
    if isinstance(dataset, str) or not (hasattr(dataset, "__iter__") or hasattr(dataset, "__getitem__")):
        raise DataError(f"The data set must be arrays or something to iterate over, got {type(dataset).__name__}.")
    if isinstance(dataset, dict) or (isinstance(dataset, (list, tuple)) and len(dataset) and all(map(_is_array, tree.flatten(dataset)))):
        return ArrayRows(dataset)
    if _is_array(dataset):
        return ArrayRows(dataset)
    elements = dataset if hasattr(dataset, "__iter__") else (dataset[index] for index in range(len(dataset)))
    return ItemRows([tree.map_structure(_in_memory, element) for element in elements])


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _in_memory(leaf: Any) -> Any:
    return np.asarray(leaf) if _is_array(leaf) else leaf


class _Chosen(Rows):
    """Some rows of others."""

    def __init__(self, rows: Rows, places: np.ndarray) -> None:
        self._rows, self._places = rows, places

    def __len__(self) -> int:
        return len(self._places)

    def gather(self, rows: np.ndarray) -> Any:
        return self._rows.gather(self._places[rows])

    def one(self, row: int) -> Any:
        return self._rows.one(int(self._places[row]))


def _sizes(left: float | None, right: float | None, count: int) -> tuple[int, int]:
    """The two sizes as whole numbers.

    >>> _sizes(0.25, None, 8), _sizes(3, 2, 8)
    ((2, 6), (3, 2))
    """
    if left is None and right is None:
        raise ArgumentError("left_size or right_size must be given, got None for both.")
    for name, size in (("left_size", left), ("right_size", right)):
        if size is not None and not (0 <= size <= 1 if isinstance(size, float) else 0 < size < count):
            raise ArgumentError(f"{name} must be a whole number from 1 to {count - 1}, or a fraction from 0 to 1, got {size!r}.")
    wholes = [None if size is None else round(size * count) if isinstance(size, float) else int(size) for size in (left, right)]
    first = count - (wholes[1] or 0) if wholes[0] is None else wholes[0]
    second = count - first if wholes[1] is None else wholes[1]
    if first + second > count or not first or not second:
        raise ArgumentError(
            f"left_size and right_size must be parts of {count} element(s), neither of them empty, got {left!r} and {right!r}: {first} and {second}."
        )
    return first, second
