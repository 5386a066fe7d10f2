"""Batches that come as they come: from generators, and from the data loaders of other libraries."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from cornu import tree
from cornu.errors import DataError
from cornu.training.data.arrays import length
from cornu.training.data.columns import columns, narrowed
from cornu.training.data.source import Batch, Batches, locate, unpacked, warn_dry
from cornu.training.data.weights import class_weighting, refuse_both

__all__ = ["GeneratorBatches", "LoaderBatches", "Reader"]

_END = object()


class Reader:
    """Makes (x, y, sample_weight) of what a source yields, and checks that all batches are of one structure.

    Args:
        what: the source in words, for error messages.
        class_weight: weights by class number, or None.
    """

    def __init__(self, what: str, class_weight: Any) -> None:
        self._what = what
        self._structure: tuple[Any, list[bool]] | None = None
        self._class_weight = class_weight
        self._weigh = None if class_weight is None else class_weighting(class_weight)

    def __call__(self, item: Any, index: int) -> Batch:
        """The batch of that index.

        Raises:
            DataError: it is no batch, its arrays differ in length, or its structure is not that of the first.
        """
        parts = unpacked(item, self._what, index)
        lent = all(leaf is None or type(leaf) is np.ndarray for leaf in tree.flatten(parts))
        if not lent:
            parts = tuple(columns(part, f"{name} of batch {index}") for part, name in zip(parts, _NAMES, strict=True))
        self._check(parts, index)
        try:
            x, y, weight = tree.map_structure(_kept if lent else narrowed, parts)
        except DataError as error:
            raise DataError(f"Batch {index} of the {self._what} cannot be used. {error}") from None
        if self._weigh is not None:
            refuse_both(weight, self._class_weight)
            weight = self._weigh(y)
        return x, y, weight

    def _check(self, parts: Batch, index: int) -> None:
        leaves = tree.flatten(parts)
        shape = tree.structure(parts), [leaf is None for leaf in leaves]
        if self._structure is None:
            self._structure = shape
        if shape != self._structure:
            raise DataError(
                f"All batches must be nested alike; batch {index} of the {self._what} is {_described(*shape)}, "
                f"the first was {_described(*self._structure)}. Yield the same structure each time."
            )
        leaves = [leaf for leaf in leaves if leaf is not None]
        rows = leaves[0].shape[:1] if leaves else ()
        if not rows or any(leaf.shape[:1] != rows for leaf in leaves):
            try:
                length(dict(zip(_NAMES, parts, strict=True)))
            except DataError as error:
                raise DataError(f"Batch {index} of the {self._what} does not fit together. {error}") from None


def _kept(leaf: Any) -> Any:
    """A NumPy array narrowed, in memory of its own: the source may fill its array anew while a step still reads it."""
    found = narrowed(leaf)
    return found if leaf is None or found is not leaf else found.copy()


_NAMES = ("x", "y", "sample_weight")


def _described(shape: Any, absent: list[bool]) -> str:
    """The structure with its arrays as `array`.

    >>> _described(tree.structure((1, {"a": 2}, None)), [False, False, True])
    "(array, {'a': array}, None)"
    """
    return repr(tree.unflatten(shape, [_Word("None" if none else "array") for none in absent]))


class _Word:
    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


class GeneratorBatches(Batches):
    """One stream of batches that cannot be started again: it goes on from epoch to epoch.

    Args:
        iterator: yields x, (x, y) or (x, y, sample_weight).
        steps: batches in an epoch; without it, the first epoch takes all there are.
        class_weight: weights by class number, or None.
    """

    def __init__(self, iterator: Iterator[Any], *, steps: int | None, class_weight: Any) -> None:
        self._iterator, self._steps, self.num_batches = iterator, steps, steps
        self._read, self._taken = Reader("generator", class_weight), 0

    def epoch(self, number: int) -> Iterator[Batch]:
        return self._rest(0)

    def go_on(self, number: int, step: int, *, since: int, taken: int) -> tuple[Batch | None, Iterator[Batch]]:
        """The last batch that the run has had, and those after it: the generator is asked for all of them again."""
        last = None
        for item in itertools.islice(self._iterator, taken):
            last = self._read(item, self._taken)
            self._taken += 1
        return last, self._rest(step)

    def _rest(self, given: int) -> Iterator[Batch]:
        """The batches of an epoch, of which so many have been given already."""
        while self._steps is None or given < self._steps:
            try:
                item = next(self._iterator, _END)
            except Exception as error:
                locate(error, "generator", self._taken)
                raise
            if item is _END:
                self.exhausted = True
                break
            batch = self._read(item, self._taken)
            self._taken, given = self._taken + 1, given + 1
            yield batch
        if self.exhausted and (self._steps is not None or not given):
            warn_dry("generator", given, self._steps)


class LoaderBatches(Batches):
    """Passes over something that can be iterated over again: torch's DataLoader, tf.data, Grain, any iterable of batches.

    With `steps`, a pass that an epoch has not used up is gone on with in the next.

    Args:
        loader: yields x, (x, y) or (x, y, sample_weight) each time it is iterated over.
        what: its kind in words, for messages.
        steps: batches in an epoch; a whole pass if None.
        class_weight: weights by class number, or None.
    """

    def __init__(self, loader: Iterable[Any], what: str, *, steps: int | None, class_weight: Any) -> None:
        self._loader, self._what, self._steps = loader, what, steps
        self._read = Reader(what, class_weight)
        self._pass: Iterator[Any] | None = None
        size = _size(loader)
        if size == 0:
            raise DataError(f"There must be at least one batch, got a {what} of length 0. Check how it was made.")
        self.num_batches = steps if size is None else size if steps is None else min(size, steps)

    def epoch(self, number: int) -> Iterator[Batch]:
        if self._steps is None or self._pass is None:
            self._pass = iter(self._loader)
            begun_here = True
        else:
            begun_here = False
        given = 0
        while self._steps is None or given < self._steps:
            try:
                item = next(self._pass, _END)
            except Exception as error:
                locate(error, self._what, given)
                raise
            if item is _END and not begun_here:
                self._pass, begun_here = iter(self._loader), True
                continue
            if item is _END:
                self._pass = None
                break
            yield self._read(item, given)
            given += 1
        if self._steps is not None and given < self._steps:
            warn_dry(self._what, given, self._steps)

    def go_on(self, number: int, step: int, *, since: int, taken: int) -> tuple[Batch | None, Iterator[Batch]]:
        """The last batch that the run has had, and those after it: the loader is run through again; what it draws may follow from that."""
        last = None
        for earlier in range(since, number):
            for last in self.epoch(earlier):  # noqa: B007
                pass
        found, stream = super().go_on(number, step, since=since, taken=taken)
        return (last if found is None else found), stream

    def close(self) -> None:
        super().close()
        self._pass = None


def _size(loader: Any) -> int | None:
    """The number of batches, where the loader knows it (tf.data says -1 for endless and -2 for unknown; others raise)."""
    try:
        size = len(loader)
    except (TypeError, NotImplementedError):
        size = int(loader.cardinality()) if hasattr(loader, "cardinality") else -1
    return size if size >= 0 else None
