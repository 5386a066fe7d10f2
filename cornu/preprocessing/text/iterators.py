"""Batches of texts as arrays: of texts in memory or in files, and of windows over running text."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from collections.abc import Iterator as Stream
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu.errors import ArgumentError, CorruptFileError, DataError
from cornu.preprocessing.iterator import Iterator
from cornu.preprocessing.labels import Labels
from cornu.preprocessing.listing import share

if TYPE_CHECKING:
    from cornu.preprocessing.text.generator import TextGenerator

__all__ = ["TextIterator", "WindowIterator", "read_text"]


def read_text(path: str | os.PathLike[str], encoding: str = "utf-8") -> str:
    """The text in a file.

    Raises:
        CorruptFileError: the file is no text in this encoding; it is named.
    """
    try:
        with open(path, encoding=encoding) as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise CorruptFileError(
            f"The file must be text in {encoding}, got {os.fsdecode(path)}: {error.reason} at byte {error.start}. Give its encoding, or remove it."
        ) from None


class TextIterator(Iterator):
    """Batches of texts that a generator changes and turns into arrays.

    Args:
        read: from a row's number to its text.
        labels: the rows' targets.
        text_generator: what turns texts into arrays.
        sample_weight: by row, or None.
        on_broken: "raise" or "skip", for texts that cannot be read.

    Attributes:
        filepaths, filenames: where texts are files.
    """

    filepaths: list[str]
    filenames: list[str]

    def __init__(
        self,
        n: int,
        read: Callable[[int], str],
        labels: Labels,
        text_generator: TextGenerator,
        *,
        sample_weight: Any = None,
        on_broken: str = "raise",
        **kwargs: Any,
    ) -> None:
        super().__init__(n, **kwargs)
        if on_broken not in ("raise", "skip"):
            raise ArgumentError(f'on_broken must be "raise" or "skip", got {on_broken!r}.')
        self._read, self._labels, self.text_generator = read, labels, text_generator
        self.sample_weight, self.on_broken = sample_weight, on_broken

    @property
    def labels(self) -> Any:
        """The target of each text."""
        return self._labels.values

    @property
    def classes(self) -> Any:
        """The class's number of each text."""
        return self._labels.values

    @property
    def class_indices(self) -> dict[str, int]:
        """The number of each class by its name."""
        return self._labels.class_indices

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return len(self.class_indices)

    def texts(self) -> Stream[str]:
        """The texts in the order of their rows, for `TextGenerator.fit`; those that cannot be read are left out where this was asked for."""
        return (text for text in map(self._text, range(self.n)) if text is not None)

    def _text(self, row: int) -> str | None:
        try:
            return self._read(int(row))
        except CorruptFileError as error:
            if self.on_broken == "raise":
                raise
            warnings.warn(f"{error} It is left out.", stacklevel=2)
            return None

    def _rows_batch(self, rows: np.ndarray, number: int) -> Any:
        texts = {int(row): self._text(row) for row in rows}
        kept = np.array([row for row in rows if texts[int(row)] is not None], dtype=int)
        if not len(kept):
            raise DataError(f"A batch must hold at least one text, got {len(rows)} file(s) and none that could be read. Remove them.")
        make = self.text_generator
        x = make._encoded([make._changed(make._words(texts[int(row)]), self._draws(row, number)) for row in kept])
        if self._labels.class_mode is None:
            return x
        y = x.copy() if self._labels.class_mode == "input" else self._labels.targets(kept, make.dtype)
        return (x, y) if self.sample_weight is None else (x, y, self.sample_weight[kept])


class WindowIterator(Iterator):
    """Batches of windows over running text, each with the words that follow: what a language model learns from.

    For the word numbers w of a text a window is `w[s : s + length]`; its target is `w[s + 1 : s + length + 1]`, or the last of these; s runs in steps
    of `step`. No window reaches from one text into another, nor from one subset into the other.
    """

    def __init__(
        self, texts: list[Any], text_generator: TextGenerator, *, length: int, step: int, target: str, subset: str | None, **kwargs: Any
    ) -> None:
        if target not in ("all", "last"):
            raise ArgumentError(f'target must be "all" (the next word of each) or "last" (the word after the window), got {target!r}.')
        if length < 1 or step < 1:
            raise ArgumentError(f"length and step must be whole numbers above 0, got {length!r} and {step!r}.")
        self.text_generator, self.length, self.step, self.target = text_generator, length, step, target
        parts = [np.asarray(numbers, "int32") for numbers in text_generator._numbers(texts)]
        parts = [part[share(len(part), text_generator.validation_split, subset)] for part in parts]
        begins = np.cumsum([0, *map(len, parts)])
        self._running = np.concatenate([*parts, np.zeros(0, "int32")])
        starts = [begin + np.arange(0, max(0, len(part) - length), step) for begin, part in zip(begins, parts, strict=False)]
        self._starts = np.concatenate([*starts, np.zeros(0, int)]).astype(int)
        if not len(self._starts):
            longest = max(map(len, parts), default=0)
            raise DataError(
                f"At least one text must be longer than the window of {length} word(s), got {longest} at most. Give longer texts, or shorter windows."
            )
        super().__init__(len(self._starts), **kwargs)

    def _rows_batch(self, rows: np.ndarray, number: int) -> Any:
        """Windows (batch, length), or one-hot (batch, length, vocabulary), and targets (batch, length) or (batch,), int32."""
        at = self._starts[rows][:, None] + np.arange(self.length + 1)
        whole = self._running[at]
        x = self.text_generator._one_hot(whole[:, :-1]) if self.text_generator.mode == "one_hot" else whole[:, :-1]
        return x, whole[:, 1:] if self.target == "all" else whole[:, -1]
