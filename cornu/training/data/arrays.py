"""Batches of arrays in memory."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cornu import tree
from cornu.errors import ArgumentError, DataError
from cornu.quantities import is_whole
from cornu.training.data.ahead import ahead
from cornu.training.data.columns import Rows, batch_bytes, columns, gatherer, is_sliced
from cornu.training.data.source import Batch, Batches, order, warn_dry
from cornu.training.data.weights import class_weighting, refuse_both

__all__ = ["ArrayBatches", "length"]

AHEAD_BYTES = 4 << 20
"""Batches of this size and more, where taking them is a copy, are made by a thread while the step before them runs. Measured on two cores: at
9 MiB and a light step, epochs are a quarter shorter; below 4 MiB nothing is gained, because taking rows is a few percent of the step."""


class ArrayBatches(Batches):
    """Batches of rows of arrays.

    The epochs are one stream of passes over the rows, each pass in an order of its own. With fewer `steps` than a pass has batches, the
    next epoch goes on where this one stopped.

    Args:
        x, y, sample_weight: arrays, nested; the last two may be None.
        batch_size: rows in a batch; the last of a pass may have fewer.
        shuffle: True for rows in another order in each pass, "batch" for whole batches, False for none.
        steps: batches in an epoch; all of a pass if None.
        class_weight: weights by class number, in place of `sample_weight`.
        seed: what the orders follow from.

    Raises:
        DataError: arrays are empty, of different lengths, or hold what no model can take.
    """

    def __init__(
        self, x: Any, y: Any, sample_weight: Any, *, batch_size: int, shuffle: bool | str, steps: int | None, class_weight: Any, seed: int
    ) -> None:
        if not is_whole(batch_size, 1):
            raise ArgumentError(f"batch_size must be a whole number above 0, got {batch_size!r}.")
        if shuffle not in (True, False, "batch"):
            raise ArgumentError(f"shuffle must be True, False or 'batch', got {shuffle!r}.")
        refuse_both(sample_weight, class_weight)
        parts = (columns(x, "x"), columns(y, "y"), columns(sample_weight, "sample_weight"))
        self.num_samples = length({"x": parts[0], "y": parts[1], "sample_weight": parts[2]})
        if class_weight is not None:
            parts = (*parts[:2], class_weighting(class_weight)(parts[1]))
        self.batch_size = int(batch_size)
        self._in_pass = math.ceil(self.num_samples / self.batch_size)
        self._steps, self._seed, self._shuffle = steps, seed, shuffle
        self.num_batches = self._in_pass if steps is None else min(steps, self._in_pass)
        self._batch = assembled(parts, contiguous=shuffle is not True)
        self._thread: ThreadPoolExecutor | None = None
        heavy = batch_bytes(parts, self.batch_size) >= AHEAD_BYTES and (shuffle is True or not all(map(is_sliced, tree.flatten(parts))))
        self._beside = heavy and self._in_pass > 1

    def epoch(self, number: int) -> Iterator[Batch]:
        return self._made(self._rows(number))

    def go_on(self, number: int, step: int, *, since: int, taken: int) -> tuple[Batch | None, Iterator[Batch]]:
        """Any batch, and those from that step on; the others are not made."""
        return next(map(self._batch, self._rows(number))), self._made(itertools.islice(self._rows(number), step, None))

    def _made(self, rows: Iterator[Rows]) -> Iterator[Batch]:
        if not self._beside:
            return map(self._batch, rows)
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="cornu-batches")
        return ahead(self._thread, self._batch, rows, depth=2)

    def _rows(self, number: int) -> Iterator[Rows]:
        if self._steps is None:
            return self._pass(number)
        if self._steps > self._in_pass:
            return self._short_pass(number)
        begun, done = divmod(number * self._steps, self._in_pass)
        stream = itertools.chain.from_iterable(map(self._pass, itertools.count(begun)))
        return itertools.islice(stream, done, done + self._steps)

    def _short_pass(self, number: int) -> Iterator[Rows]:
        yield from self._pass(number)
        warn_dry("arrays", self._in_pass, self._steps)

    def _pass(self, number: int) -> Iterator[Rows]:
        """The rows of each batch of one pass."""
        size, count = self.batch_size or 1, self.num_samples or 0
        if self._shuffle is True:
            rows = order(self._seed, number, count)
            return (rows[start : start + size] for start in range(0, count, size))
        if self._shuffle == "batch":  # a short batch stays the last one
            whole = count // size
            starts = [*(order(self._seed, number, whole) * size).tolist(), *range(whole * size, count, size)]
        else:
            starts = range(0, count, size)  # type: ignore[assignment]
        return (slice(start, min(start + size, count)) for start in starts)

    def close(self) -> None:
        super().close()
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._thread = None


def assembled(parts: tuple[Any, Any, Any], *, contiguous: bool) -> Callable[[Rows], Batch]:
    """The function from rows to (x, y, sample_weight); its usual cases written out, because it runs once a step."""
    gather_of = lambda leaf: None if leaf is None else gatherer(leaf, contiguous=contiguous)  # noqa: E731
    x, y, weight = (tree.map_structure(gather_of, part) for part in parts)
    if any(tree.is_nested(part) for part in (x, y, weight)):
        return lambda rows: tree.map_structure(lambda gather: None if gather is None else gather(rows), (x, y, weight))
    if y is None:
        return (lambda rows: (x(rows), None, None)) if weight is None else lambda rows: (x(rows), None, weight(rows))
    return (lambda rows: (x(rows), y(rows), None)) if weight is None else lambda rows: (x(rows), y(rows), weight(rows))


def length(parts: dict[str, Any]) -> int:
    """How many rows all arrays have; raises where they differ, or have none.

    >>> import numpy as np
    >>> length({"x": np.zeros((3, 2)), "y": np.zeros(3)})
    3
    """
    found: dict[str, int] = {}
    for name, part in parts.items():
        for path, leaf in tree.flatten_with_path(part):
            if leaf is not None:
                found[name + "".join(f"[{key!r}]" for key in path)] = _length(leaf, name)
    if not found:
        raise DataError("There must be data, got none: x is None or an empty structure.")
    if len(set(found.values())) > 1:
        listed = "\n".join(f"  {name}: {count} row(s)" for name, count in list(found.items())[:8])
        more = f"\n  … and {len(found) - 8} more" if len(found) > 8 else ""
        raise DataError(f"All arrays must have as many rows (their first axis), got\n{listed}{more}\nCut them to one length.")
    if not any(found.values()):
        raise DataError(f"There must be at least one row, got {', '.join(list(found)[:8])} of length 0. Check how the data was loaded.")
    return next(iter(found.values()))


def _length(x: Any, name: str) -> int:
    if not x.shape:
        raise DataError(f"Each array needs a first axis, the rows, got the single value {x!r} in {name}. Put it into a list or `x[None]`.")
    return int(x.shape[0])
