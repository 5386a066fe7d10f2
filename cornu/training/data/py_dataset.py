"""A data set that a user writes as a class with numbered batches."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from itertools import chain, count, islice
from typing import Any

from cornu.errors import ArgumentError, DataError
from cornu.quantities import is_whole
from cornu.training.data.ahead import ahead
from cornu.training.data.source import Batch, Batches, locate, order, warn_dry
from cornu.training.data.streams import Reader

__all__ = ["PyDataset", "PyDatasetBatches"]


class PyDataset:
    """A data set of numbered batches: a subclass writes `__getitem__` and `__len__`.

    `dataset[i]` gives batch i: x, (x, y) or (x, y, sample_weight). `len(dataset)` is the number of batches in an epoch; a data set without
    an end leaves `__len__` out, and `fit` needs `steps_per_epoch`.

    Args:
        workers: how many batches are made at the same time, ahead of the step that needs them; at 1 the loop makes them itself.
        use_multiprocessing: workers are processes instead of threads. They are started afresh (`spawn`), so a script must guard its
            entry with `if __name__ == "__main__":`, and the data set must be picklable.
        max_queue_size: how many batches may wait.

    >>> class Squares(PyDataset):
    ...     def __len__(self):
    ...         return 2
    ...
    ...     def __getitem__(self, index):
    ...         x = np.arange(4.0) + 4 * index
    ...         return x, x**2
    >>> Squares(workers=2).num_batches
    2
    """

    # a subclass that does not call our constructor has these
    _workers, _use_multiprocessing, _max_queue_size = 1, False, 10

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers, self.use_multiprocessing, self.max_queue_size = workers, use_multiprocessing, max_queue_size

    @property
    def workers(self) -> int:
        """How many batches are made at the same time."""
        return self._workers

    @workers.setter
    def workers(self, value: int) -> None:
        self._workers = _count(value, "workers", 0)

    @property
    def use_multiprocessing(self) -> bool:
        """Whether workers are processes."""
        return self._use_multiprocessing

    @use_multiprocessing.setter
    def use_multiprocessing(self, value: bool) -> None:
        self._use_multiprocessing = bool(value)

    @property
    def max_queue_size(self) -> int:
        """How many batches may wait for the loop."""
        return self._max_queue_size

    @max_queue_size.setter
    def max_queue_size(self, value: int) -> None:
        self._max_queue_size = _count(value, "max_queue_size", 1)

    def __getitem__(self, index: int) -> Any:
        """Batch `index`."""
        raise NotImplementedError(f"{type(self).__name__} must define `__getitem__(self, index)`, which gives batch `index` as (x, y).")

    @property
    def num_batches(self) -> int | None:
        """How many batches an epoch has; None where the data set has no end."""
        return len(self) if hasattr(self, "__len__") else None

    def on_epoch_begin(self) -> None:
        """Runs before each epoch; a subclass may write it."""

    def on_epoch_end(self) -> None:
        """Runs after each epoch, for instance to put the rows into another order; a subclass may write it."""


def _count(value: Any, name: str, least: int) -> int:
    if not is_whole(value, least):
        raise ArgumentError(f"{name} must be a whole number of at least {least}, got {value!r}.")
    return int(value)


class PyDatasetBatches(Batches):
    """The batches of a `PyDataset`: in order, or where `shuffle` is true in an order that follows from the seed and the pass.

    With fewer `steps` than batches, the next epoch goes on where this one stopped.
    """

    def __init__(self, dataset: Any, *, shuffle: bool | str, steps: int | None, class_weight: Any, seed: int) -> None:
        self._dataset, self._shuffle, self._steps, self._seed = dataset, bool(shuffle), steps, seed
        self._in_pass: int | None = dataset.num_batches if hasattr(dataset, "num_batches") else len(dataset)
        if self._in_pass is not None and self._in_pass < 1:
            raise DataError(f"There must be at least one batch, got len({type(dataset).__name__}) = {self._in_pass}.")
        if self._in_pass is None and steps is None:
            raise DataError(
                f"{type(dataset).__name__} has no `__len__`, so an epoch of it has no end. Define it, or give steps_per_epoch (fit), "
                "validation_steps or steps (evaluate, predict)."
            )
        self.num_batches = steps if self._in_pass is None else self._in_pass if steps is None else min(steps, self._in_pass)
        self._read = Reader("PyDataset", class_weight)
        self._pool: Executor | None = None

    def epoch(self, number: int) -> Iterator[Batch]:
        return self._epoch(number, 0)

    def go_on(self, number: int, step: int, *, since: int, taken: int) -> tuple[Batch | None, Iterator[Batch]]:
        """A batch, and those from that step on; the others are not made, but the data set is told of the epochs that have been."""
        first = self._read(self._dataset[0], 0)
        for _ in range(since, number):
            _call(self._dataset, "on_epoch_begin")
            _call(self._dataset, "on_epoch_end")
        if step:
            _call(self._dataset, "on_epoch_begin")
        return first, self._epoch(number, step)

    def _epoch(self, number: int, start: int) -> Iterator[Batch]:
        """The batches of an epoch from the one of that number on; the data set has been told of its beginning if that is not the first."""
        if not start:
            _call(self._dataset, "on_epoch_begin")
        indices = islice(self._indices(number), start, None)
        for place, (index, item) in enumerate(self._items(indices), start):
            yield self._read(item, index if self._shuffle else place)
        if self._steps is not None and self._in_pass is not None and self._steps > self._in_pass:
            warn_dry("PyDataset", self._in_pass, self._steps)
        _call(self._dataset, "on_epoch_end")
        if self._pool is not None and getattr(self._dataset, "use_multiprocessing", False) and _changes_between_epochs(self._dataset):
            self._end_pool()  # processes hold a copy of the data set as it was

    def _indices(self, number: int) -> Iterator[int]:
        steps, size = self._steps, self._in_pass
        if size is None:
            return iter(range(number * (steps or 0), (number + 1) * (steps or 0)))
        if steps is None or steps > size:
            return self._pass(number)
        begun, done = divmod(number * steps, size)
        return islice(chain.from_iterable(map(self._pass, count(begun))), done, done + steps)

    def _pass(self, number: int) -> Iterator[int]:
        size = self._in_pass or 0
        return iter(order(self._seed, number, size).tolist() if self._shuffle else range(size))

    def _items(self, indices: Iterator[int]) -> Iterator[tuple[int, Any]]:
        """Each index with its batch; an error says which batch it comes from."""
        listed: list[int] = []

        def noted() -> Iterator[int]:
            for index in indices:
                listed.append(index)
                yield index

        workers = getattr(self._dataset, "workers", 1)
        items = self._made_ahead(noted(), workers) if workers > 1 else map(self._dataset.__getitem__, noted())
        place = 0
        while True:
            try:
                item = next(items)
            except StopIteration:
                return
            except Exception as error:
                locate(error, type(self._dataset).__name__, listed[place])
                raise
            yield listed[place], item
            place += 1

    def _made_ahead(self, indices: Iterator[int], workers: int) -> Iterator[Any]:
        depth = max(getattr(self._dataset, "max_queue_size", 10), workers)
        if not getattr(self._dataset, "use_multiprocessing", False):
            self._pool = self._pool or ThreadPoolExecutor(workers, thread_name_prefix="cornu-dataset")
            return ahead(self._pool, self._dataset.__getitem__, indices, depth=depth)
        if self._pool is None:
            start = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(workers, mp_context=start, initializer=_adopt, initargs=(self._dataset,))
        return ahead(self._pool, _batch_of_adopted, indices, depth=depth)

    def _end_pool(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def close(self) -> None:
        super().close()
        self._end_pool()


def _call(dataset: Any, hook: str) -> None:
    found = getattr(dataset, hook, None)
    if found is not None:
        found()


def _changes_between_epochs(dataset: Any) -> bool:
    return any(getattr(type(dataset), hook, None) not in (None, getattr(PyDataset, hook)) for hook in ("on_epoch_begin", "on_epoch_end"))


_adopted: Any = None


def _adopt(dataset: Any) -> None:
    """Gives a worker process the data set."""
    global _adopted
    _adopted = dataset


def _batch_of_adopted(index: int) -> Any:
    return _adopted[index]
