"""Batches that never end by numbered rows, with draws that follow from the seed, the pass and the row alone."""

from __future__ import annotations

import functools
import math
import threading
from typing import Any, Self

import numpy as np

from cornu.errors import ArgumentError, DataError
from cornu.quantities import is_whole
from cornu.state.seed import make_seed
from cornu.training.data import PyDataset
from cornu.training.data.source import order

__all__ = ["Iterator", "pass_order"]


@functools.lru_cache(maxsize=4)
def pass_order(seed: int, number: int, count: int) -> np.ndarray:
    """The order of a pass, worked out once and not for each batch.

    >>> sorted(pass_order(1, 0, 3).tolist())
    [0, 1, 2]
    """
    found = order(seed, number, count)
    found.flags.writeable = False  # it is shared
    return found


class Iterator(PyDataset):
    """Batches of rows that are numbered: `iterator[i]` within a pass, `next(iterator)` without end.

    What a batch holds is the same whether the loop makes it or a worker, and however many there are: the order follows from the seed and the
    number of the pass, what is drawn for a row from these and the row's number.

    Args:
        n: how many rows there are.
        batch_size: rows in a batch; the last one of a pass may have fewer.
        shuffle: whether each pass has an order of its own.
        seed: a whole number; drawn afresh if None.
        **kwargs: `workers`, `use_multiprocessing`, `max_queue_size`, as for `PyDataset`.

    Attributes:
        batch_index: the number of the batch that `next` gives.
        total_batches_seen: how many it has given.
        index_array: the rows in the order of the present pass.

    A subclass writes `_rows_batch(rows, number)`: the batch of these rows in the pass of that number.
    """

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if n < 1:
            raise DataError(f"{type(self).__name__} must have rows to give, got {n}. Check the folder, the split and the subset.")
        if not is_whole(batch_size, 1):
            raise ArgumentError(f"batch_size must be a whole number above 0, got {batch_size!r}.")
        self.n, self.batch_size, self.shuffle = n, int(batch_size), shuffle
        self.seed = make_seed() if seed is None else int(seed)
        self.batch_index = self.total_batches_seen = self._pass = 0
        self._lock = threading.Lock()

    @property
    def samples(self) -> int:
        """How many rows there are."""
        return self.n

    @property
    def index_array(self) -> np.ndarray:
        """The rows in the order of the present pass."""
        return self._order(self._pass)

    def _order(self, number: int) -> np.ndarray:
        return pass_order(self.seed, number, self.n) if self.shuffle else np.arange(self.n)

    def __len__(self) -> int:
        return math.ceil(self.n / self.batch_size)

    def __getitem__(self, index: int) -> Any:
        """Batch `index` of the present pass."""
        return self._batch(index, self._pass)

    def _batch(self, index: int, number: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"The batches are numbered from 0 to {len(self) - 1}, got {index}.")
        return self._rows_batch(self._order(number)[index * self.batch_size : (index + 1) * self.batch_size], number)

    def _rows_batch(self, rows: np.ndarray, number: int) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__} must define `_rows_batch(self, rows, number)`, which gives the batch of these rows."
        )

    def _draws(self, row: int, number: int) -> np.random.Generator:
        """What is drawn for a row in a pass comes from here."""
        return np.random.Generator(np.random.Philox(key=[self.seed & 0xFFFFFFFFFFFFFFFF, number], counter=[0, 0, 0, int(row)]))

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        """The next batch; after the last of a pass comes the first of another. May be called from several threads."""
        with self._lock:
            index, number = self.batch_index, self._pass
            self.batch_index, self.total_batches_seen = index + 1, self.total_batches_seen + 1
            if self.batch_index >= len(self):
                self.on_epoch_end()
        return self._batch(index, number)

    def next(self) -> Any:
        """The next batch, as `next(iterator)`."""
        return next(self)

    def reset(self) -> None:
        """Goes back to the first batch of the pass."""
        self.batch_index = 0

    def begin_epoch(self, number: int) -> None:
        """Makes the pass of that number the present one, from 0: a run that goes on at epoch 3 sees with it what a run from the start sees there."""
        self._pass, self.batch_index = number, 0

    def on_epoch_end(self) -> None:
        """Begins another pass."""
        self._pass, self.batch_index = self._pass + 1, 0

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_lock"}  # processes get a lock of their own

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._lock = threading.Lock()
