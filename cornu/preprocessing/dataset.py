"""A data set of batches that are read ahead by threads."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import numpy as np

from cornu.errors import ArgumentError, DataError
from cornu.preprocessing import conversion
from cornu.preprocessing.iterator import pass_order
from cornu.preprocessing.rows import ArrayRows, CachedRows, Rows
from cornu.quantities import is_whole
from cornu.state.seed import make_seed
from cornu.training.data import PyDataset
from cornu.training.data.ahead import ahead

__all__ = ["Dataset"]


class Dataset(PyDataset):
    """Batches of NumPy arrays: for `fit`, for `for` loops, and for other libraries' loaders.

    A loop over it is one pass; threads read the next batches meanwhile. With `shuffle` each pass has an order of its own, which follows from the seed
    and the number of the pass.

    Args:
        rows: arrays, or nested structures of them, or a source of rows.
        batch_size: rows in a batch; None for single rows.
        shuffle: whether each pass has an order of its own.
        seed: a whole number; drawn afresh if None.
        workers: how many threads read.
        class_names: the classes, where there are some.
        file_paths: the files, where there are some.

    `map`, `batch`, `unbatch`, `shuffle`, `cache`, `prefetch`, `take` and `skip` each give a changed data set and leave this one as it is.

    >>> data = Dataset((np.arange(5), np.arange(5) * 10), batch_size=2)
    >>> [y.tolist() for x, y in data.map(lambda x, y: (x, y + 1))]
    [[1, 11], [21, 31], [41]]
    """

    def __init__(
        self,
        rows: Any,
        batch_size: int | None = 32,
        shuffle: bool = False,
        seed: int | None = None,
        *,
        workers: int | None = None,
        class_names: list[str] | None = None,
        file_paths: list[str] | None = None,
    ) -> None:
        super().__init__(workers=min(4, os.cpu_count() or 1) if workers is None else workers)
        self._rows: Rows = rows if isinstance(rows, Rows) else ArrayRows(rows)
        self.batch_size = _size(batch_size)
        self._shuffled, self.seed = bool(shuffle), make_seed() if seed is None else int(seed)
        self.class_names, self.file_paths = class_names, file_paths
        self._maps: tuple[Callable[..., Any], ...] = ()
        self._begin, self._end = 0, math.inf  # of the batches, those in use
        self._pass = 0
        if not len(self._rows):
            raise DataError("A data set must have at least one row, got none. Check the folder, the split and the subset.")

    # --- batches ------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        whole = math.ceil(len(self._rows) / (self.batch_size or 1))
        return max(0, int(min(whole, self._end)) - self._begin)

    @property
    def num_batches(self) -> int:
        """How many batches a pass has.

        Raises:
            DataError: the rows are not in batches.
        """
        if self.batch_size is None:
            raise DataError("A model takes batches, got a data set of single rows. Call `.batch(32)` on it first.")
        return len(self)

    @property
    def varying(self) -> bool:
        """Whether batches differ in more than their number of rows."""
        return self._rows.varying

    def __getitem__(self, index: int) -> Any:
        """Batch `index` of the present pass; the row of that number where there are no batches."""
        return self._item(index, self._pass)

    def _item(self, index: int, number: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"The batches are numbered from 0 to {len(self) - 1}, got {index}.")
        size, place = self.batch_size or 1, index + self._begin
        rows = np.arange(place * size, min((place + 1) * size, len(self._rows)))
        if self._shuffled:
            rows = pass_order(self.seed, number, len(self._rows))[rows]
        item = self._rows.one(int(rows[0])) if self.batch_size is None else self._rows.gather(rows)
        for function in self._maps:
            item = function(*item) if isinstance(item, tuple) else function(item)
        return item

    def __iter__(self) -> Iterator[Any]:
        """One pass over all batches."""
        number, self._pass = self._pass, self._pass + 1
        with ThreadPoolExecutor(max(1, self.workers), thread_name_prefix="cornu-dataset") as pool:
            yield from ahead(
                pool, lambda index: self._item(index, number), iter(range(len(self))), depth=max(self.max_queue_size, self.workers)
            )

    def begin_epoch(self, number: int) -> None:
        """Makes the pass of that number the present one, from 0: a run that goes on at epoch 3 sees with it what a run from the start sees there."""
        self._pass = number

    def on_epoch_end(self) -> None:
        self._pass += 1

    # --- changed data sets --------------------------------------------------------------------------------------------

    def _with(self, **changes: Any) -> Self:
        other = copy.copy(self)
        vars(other).update(changes)
        return other

    def map(self, function: Callable[..., Any]) -> Self:
        """With `function` of each batch in its place: it gets x and y as two arguments, or what else a batch is made of.

        Threads call it, several at the same time.
        """
        return self._with(_maps=(*self._maps, function))

    def batch(self, batch_size: int) -> Self:
        """With so many rows in a batch; for data sets of single rows."""
        if self.batch_size is not None or self._maps or self._begin or self._end != math.inf:
            raise ArgumentError(
                "batch must come first, on a data set of single rows; got one that is in batches, mapped or cut. Call it before these."
            )
        return self._with(batch_size=_size(batch_size))

    def unbatch(self) -> Self:
        """With single rows."""
        if self._maps or self._begin or self._end != math.inf:
            raise ArgumentError("unbatch must come before map, take and skip, which count batches.")
        return self._with(batch_size=None)

    def shuffle(self, seed: int | None = None) -> Self:
        """With an order of its own in each pass, over all rows."""
        return self._with(_shuffled=True, seed=self.seed if seed is None else int(seed))

    def cache(self) -> Self:
        """With rows kept in memory once they have been read. What `map` does is done anew."""
        return self._with(_rows=CachedRows(self._rows))

    def prefetch(self, batches: int) -> Self:
        """With so many batches read ahead; below 1 (TensorFlow's AUTOTUNE) means the usual number."""
        other = self._with()
        other.max_queue_size = batches if batches > 0 else self.max_queue_size
        return other

    def take(self, count: int) -> Self:
        """With the first `count` batches only; all for −1."""
        return self._with() if count < 0 else self._with(_end=min(self._end, self._begin + count))

    def skip(self, count: int) -> Self:
        """Without the first `count` batches."""
        return self._with(_begin=self._begin + count)

    # --- other libraries ----------------------------------------------------------------------------------------------

    def to_tf(self) -> Any:
        """As a `tf.data.Dataset` of the same batches.

        Raises:
            ImportError: TensorFlow is not installed.
        """
        return conversion.to_tf(self)

    def to_torch(self) -> Any:
        """As a `torch.utils.data.DataLoader` of the same batches, as tensors; texts stay NumPy arrays.

        Raises:
            ImportError: PyTorch is not installed.
        """
        return conversion.to_torch(self)

    def to_grain(self) -> Any:
        """As a `grain.MapDataset` of the same batches, in the order of the present pass.

        Raises:
            ImportError: Grain is not installed.
        """
        return conversion.to_grain(self)

    def to(self, library: str) -> Any:
        """As the data set of a library: "torch", "grain" or "tensorflow"; "tf", Keras's word for its own default, is this data set itself."""
        if library == "tf":
            return self
        given = {"tensorflow": self.to_tf, "torch": self.to_torch, "grain": self.to_grain}
        if library not in given:
            raise ArgumentError(f'format must be "tf" (this library\'s data set), {", ".join(map(repr, given))}; got {library!r}.')
        return given[library]()


def _size(batch_size: int | None) -> int | None:
    if batch_size is None:
        return None
    if not is_whole(batch_size, 1):
        raise ArgumentError(f"batch_size must be a whole number above 0, or None for single rows, got {batch_size!r}.")
    return int(batch_size)
