"""Targets from the names of classes and from the columns of data frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.errors import ArgumentError, DataError

__all__ = [
    "CLASS_MODES",
    "FRAME_MODES",
    "Labels",
    "check_classes",
    "check_distinct",
    "check_mode",
    "check_subset",
    "column",
    "frame_labels",
]

CLASS_MODES = ("categorical", "binary", "sparse", "input", None)
"""What targets may be where folders are classes."""

FRAME_MODES = (*CLASS_MODES[:-1], "raw", "multi_output", None)
"""What targets may be where a data frame has them."""


def check_mode(class_mode: str | None, allowed: Sequence[str | None]) -> None:
    """Raises unless the class mode is one of those allowed."""
    if class_mode not in allowed:
        raise ArgumentError(f"class_mode must be one of {', '.join(map(str, allowed))}, got {class_mode!r}.")


def check_classes(class_mode: str | None, names: Sequence[str]) -> None:
    """Raises where a class is named twice, and where targets are to be 0 or 1 and there are not two classes."""
    check_distinct(names)
    if class_mode == "binary" and len(names) != 2:
        raise DataError(f'class_mode "binary" must have two classes, got {len(names)}: {list(names[:10])}. Use "categorical" or "sparse".')


def check_distinct(names: Sequence[str]) -> None:
    """Raises where a class is named twice: its files would be there twice, under two numbers."""
    if len(set(names)) < len(names):
        raise DataError(f"Each class must be named once, got {list(names[:10])}. Leave out what comes again.")


def check_subset(subset: str | None, validation_split: float) -> None:
    """Raises unless the subset is "training", "validation" or None, and named only where there is a split."""
    if subset not in (None, "training", "validation"):
        raise ArgumentError(f'subset must be "training" or "validation", got {subset!r}.')
    if subset is not None and not validation_split:
        raise ArgumentError(
            f"subset={subset!r} needs a validation_split, got {validation_split!r}. Set it, for instance to 0.2, or leave subset out."
        )


def column(frame: Any, name: str, role: str) -> list[Any]:
    """The values of a data frame's column.

    Raises:
        DataError: there is no such column.
    """
    if name not in frame.columns:
        raise DataError(f"{role} must be a column of the data frame, got {name!r}; there are {list(map(str, frame.columns))}.")
    return frame[name].to_list()


class Labels:
    """The target of each row, as the user has it, and the batches' targets made of it.

    Args:
        values: class numbers by row; lists of them for rows of several classes; for "multi_output" a list of columns; None for no targets.
        class_mode: how targets are given.
        class_indices: the number of each class by its name.
    """

    def __init__(self, values: Any, class_mode: str | None, class_indices: dict[str, int]) -> None:
        self.values, self.class_mode, self.class_indices = values, class_mode, class_indices

    def taken(self, rows: Sequence[int]) -> Labels:
        """Those of some rows."""
        if self.values is None:
            return self
        if self.class_mode == "multi_output":
            values: Any = [np.asarray([part[row] for row in rows]) for part in self.values]
        else:
            values = [self.values[row] for row in rows]
            values = values if self.class_mode == "categorical" else np.asarray(values)
        return Labels(values, self.class_mode, self.class_indices)

    def targets(self, rows: np.ndarray, dtype: Any) -> Any:
        """The targets of some rows, as arrays.

        >>> Labels([0, 2, 1], "categorical", {"a": 0, "b": 1, "c": 2}).targets(np.array([1]), "float32").tolist()
        [[0.0, 0.0, 1.0]]
        """
        if self.class_mode == "multi_output":
            return tuple(part[rows] for part in self.values)
        if self.class_mode == "raw":
            return self.values[rows]
        if self.class_mode != "categorical":
            return self.values[rows].astype(dtype)
        y = np.zeros((len(rows), len(self.class_indices)), dtype=dtype)
        for place, row in enumerate(rows):
            y[place, self.values[row]] = 1
        return y


def frame_labels(frame: Any, y_col: Any, class_mode: str | None, classes: Sequence[str] | None) -> tuple[Labels, list[int]]:
    """The targets that a data frame has, and the numbers of the rows that have one: rows of classes not asked for have none.

    Raises:
        ArgumentError, DataError: the columns do not have what the class mode asks for.
    """
    if class_mode in (None, "input"):
        return Labels(None, class_mode, {}), list(range(len(frame)))
    several = isinstance(y_col, (list, tuple))
    if class_mode == "multi_output" and not several:
        raise ArgumentError(f'class_mode "multi_output" must have a list of columns as y_col, got {y_col!r}.')
    if class_mode in ("raw", "multi_output"):
        columns = [column(frame, name, "y_col") for name in (y_col if several else [y_col])]
        values: Any = columns if class_mode == "multi_output" else list(zip(*columns, strict=True)) if several else columns[0]
        return Labels(values, class_mode, {}), list(range(len(frame)))
    return _named_classes(column(frame, y_col, "y_col"), y_col, class_mode, classes)


def _named_classes(values: list[Any], y_col: str, class_mode: str | None, classes: Sequence[str] | None) -> tuple[Labels, list[int]]:
    many = class_mode == "categorical"
    wrong = next((value for value in values if not isinstance(value, (str, list, tuple) if many else str)), None)
    if wrong is not None:
        raise DataError(
            f'With class_mode "{class_mode}" the column {y_col!r} must hold texts{" or lists of them" if many else ""}, got {wrong!r}. '
            'Use class_mode "raw" for numbers.'
        )
    sets = [{value} if isinstance(value, str) else set(value) for value in values]
    names = list(dict.fromkeys(classes)) if classes else sorted(set().union(*sets))
    check_classes(class_mode, names)
    indices = {name: number for number, name in enumerate(names)}
    numbers: list[Any] = [sorted(indices[name] for name in row if name in indices) for row in sets]
    rows = [row for row, found in enumerate(numbers) if found]
    return Labels(numbers if many else [found[0] if found else -1 for found in numbers], class_mode, indices), rows
