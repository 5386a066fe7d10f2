"""Which kind of source the user's data is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from cornu import tree
from cornu.errors import ArgumentError, DataError
from cornu.state.seed import make_seed
from cornu.training.data.arrays import ArrayBatches, length
from cornu.training.data.columns import columns, is_columnar
from cornu.training.data.py_dataset import PyDataset, PyDatasetBatches
from cornu.training.data.source import Batches, check_steps
from cornu.training.data.streams import GeneratorBatches, LoaderBatches

__all__ = ["batches", "split"]


def batches(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    batch_size: int | None = None,
    shuffle: bool | str = False,
    steps: int | None = None,
    class_weight: Any = None,
    seed: int | None = None,
) -> Batches:
    """The batches of any kind of data.

    Args:
        x: arrays, frames or lists of numbers (one, or a list, tuple or dict of them); a generator, a `PyDataset`, a torch DataLoader, a
            tf.data.Dataset, a Hugging Face data set or any iterable of batches.
        y, sample_weight: targets and weights of the rows, with arrays only. For a Hugging Face data set `y` may name a column.
        batch_size: rows in a batch of arrays, 32 by default; other sources bring their own.
        shuffle: True shuffles rows, "batch" whole batches; a `PyDataset` shuffles batches; other sources decide for themselves.
        steps: batches in an epoch.
        class_weight: a dict from class numbers to weights.
        seed: what the order follows from; drawn afresh if None.

    Raises:
        DataError: the data holds nothing, does not fit together, or is of no kind that is known.

    >>> source = batches([[1.0], [2.0], [3.0]], [0, 1, 0], batch_size=2)
    >>> [x.ravel().tolist() for x, y, sample_weight in source.epoch(0)]
    [[1.0, 2.0], [3.0]]
    """
    check_steps(steps)
    seed = make_seed() if seed is None else int(seed)
    if hasattr(x, "__getitem__") and (isinstance(x, PyDataset) or hasattr(x, "on_epoch_end")):
        _no_targets(x, y, sample_weight)
        return PyDatasetBatches(x, shuffle=shuffle, steps=steps, class_weight=class_weight, seed=seed)
    if is_columnar(x):
        return ArrayBatches(
            x, y, sample_weight, batch_size=32 if batch_size is None else batch_size, shuffle=shuffle, steps=steps,
            class_weight=class_weight, seed=seed,
        )  # fmt: skip
    if hasattr(x, "iter") and type(x).__module__.partition(".")[0] == "datasets":
        if sample_weight is not None:
            raise DataError(
                "A Hugging Face data set has columns only, got sample_weight as well. Give arrays, or yield (x, y, sample_weight)."
            )
        return LoaderBatches(_TableBatches(x, y, batch_size or 32), "Hugging Face data set", steps=steps, class_weight=class_weight)
    _no_targets(x, y, sample_weight)
    if hasattr(x, "__next__"):
        return GeneratorBatches(x, steps=steps, class_weight=class_weight)
    if hasattr(x, "__iter__") and not isinstance(x, (str, bytes, dict)):
        return LoaderBatches(x, type(x).__name__, steps=steps, class_weight=class_weight)
    raise DataError(_unknown(x))


def _no_targets(x: Any, y: Any, sample_weight: Any) -> None:
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise DataError(f"A {type(x).__name__} yields (x, y, sample_weight) itself, got {name} as well. Leave {name} out.")


def _unknown(x: Any) -> str:
    called = " It is a function: call it, and give what it returns." if callable(x) else ""
    if hasattr(x, "__getitem__") and hasattr(x, "__len__"):
        called = " Its items are single rows: wrap it into a loader that makes batches, such as torch's DataLoader, or into a PyDataset."
    return (
        "Data must be arrays, frames, lists of numbers, a generator, a PyDataset or a loader of batches, "
        f"got {type(x).__name__}: {str(x)[:80]}.{called}"
    )


class _TableBatches:
    """The batches of a table that iterates over rows: dicts of columns, or (columns, y) where `y` names one."""

    def __init__(self, table: Any, target: Any, batch_size: int) -> None:
        if target is not None and not isinstance(target, str):
            raise DataError(f"With a Hugging Face data set, y must be the name of a column, got {type(target).__name__}.")
        self._table, self._target, self._batch_size = table, target, batch_size

    def __iter__(self) -> Iterator[Any]:
        for rows in self._table.iter(batch_size=self._batch_size):
            if self._target is None:
                yield dict(rows)
            else:
                yield {name: column for name, column in rows.items() if name != self._target}, rows[self._target]

    def __len__(self) -> int:
        return math.ceil(len(self._table) / self._batch_size)


def split(arrays: tuple[Any, Any, Any], validation_split: float) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any]]:
    """(x, y, sample_weight) for training and for validation, which gets the last fraction of the rows, before any shuffling.

    >>> import numpy as np
    >>> train, validation = split((np.arange(10), None, None), 0.2)
    >>> validation[0].tolist()
    [8, 9]

    Raises:
        ArgumentError: the fraction is not between 0 and 1.
        DataError: the data is not arrays, or one of the parts would be empty.
    """
    if not 0 < validation_split < 1:
        raise ArgumentError(f"validation_split must be a fraction between 0 and 1, got {validation_split!r}.")
    if not is_columnar(arrays[0]):
        raise DataError(f"validation_split needs arrays, got {type(arrays[0]).__name__}. Give validation_data instead.")
    parts = tuple(columns(part, name) for part, name in zip(arrays, ("x", "y", "sample_weight"), strict=True))
    rows = length(dict(zip(("x", "y", "sample_weight"), parts, strict=True)))
    at = math.floor(rows * (1.0 - validation_split))
    if at in (0, rows):
        what = "training" if at == 0 else "validation"
        raise DataError(f"validation_split={validation_split} of {rows} row(s) leaves nothing for {what}. Give more rows, or no split.")

    def cut(rows: slice) -> Any:
        return tuple(tree.map_structure(lambda leaf: None if leaf is None else leaf[rows], part) for part in parts)

    return cut(slice(None, at)), cut(slice(at, None))
