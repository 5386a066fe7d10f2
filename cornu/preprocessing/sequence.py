"""Sequences: padding, windows over time series, pairs of words for embeddings."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.errors import ArgumentError, DataError
from cornu.state.seed import make_seed
from cornu.training.data import PyDataset

__all__ = ["TimeseriesGenerator", "make_sampling_table", "pad_sequences", "skipgrams"]


def pad_sequences(
    sequences: Any, maxlen: int | None = None, dtype: str = "int32", padding: str = "pre", truncating: str = "pre", value: Any = 0.0
) -> np.ndarray:
    """Sequences of different lengths as one array, padded and cut to one length.

    Args:
        sequences: a list of sequences of numbers, or of vectors or arrays of one shape.
        maxlen: the length of all; that of the longest if None.
        dtype: of the result; `object` for strings.
        padding: "pre" pads before each sequence, "post" after it.
        truncating: "pre" drops what comes first of sequences that are too long, "post" what comes last.
        value: what to pad with.

    Returns:
        (len(sequences), maxlen, *shape of an element).

    Raises:
        ArgumentError: `padding` or `truncating` is neither, `maxlen` is negative, or `value` does not fit the dtype.
        DataError: an element is no sequence, elements differ in shape, or numbers lie outside the range of an integer dtype.

    >>> pad_sequences([[1], [2, 3, 4]], maxlen=2).tolist()
    [[0, 1], [3, 4]]
    """
    _either(padding, "padding")
    _either(truncating, "truncating")
    rows = [_row(sequence, index) for index, sequence in enumerate(sequences)]
    length = max(map(len, rows), default=0) if maxlen is None else maxlen
    if length < 0:
        raise ArgumentError(f"maxlen must not be negative, got {maxlen!r}.")
    element = next((_element_shape(row) for row in rows if len(row)), ())
    padded = _filled((len(rows), length, *element), value, dtype)
    for index, row in enumerate(rows):
        cut = row[-length:] if truncating == "pre" and length else row[:length]
        if not len(cut):
            continue
        if _element_shape(cut) != element:
            raise DataError(f"All elements must have one shape, got {_element_shape(cut)} in sequence {index} and {element} before it.")
        where = slice(0, len(cut)) if padding == "post" else slice(length - len(cut), length)
        try:  # a list of numbers is checked by NumPy
            padded[index, where] = _checked(cut, padded.dtype) if hasattr(cut, "dtype") or element else cut
        except OverflowError as error:
            raise DataError(f"The numbers of sequence {index} must fit the dtype {dtype}, got {error}. Give dtype='int64'.") from None
    return padded


def _either(value: Any, name: str) -> None:
    if value not in ("pre", "post"):
        raise ArgumentError(f"{name} must be 'pre' or 'post', got {value!r}.")


def _row(sequence: Any, index: int) -> Any:
    if not hasattr(sequence, "__len__"):
        raise DataError(f"sequences must be a list of lists, got {type(sequence).__name__} ({str(sequence)[:40]}) at position {index}.")
    return sequence


def _element_shape(row: Any) -> tuple[int, ...]:
    return () if isinstance(row[0], (str, bytes)) else np.shape(row[0])


def _filled(shape: tuple[int, ...], value: Any, dtype: Any) -> np.ndarray:
    kind = np.dtype(dtype)
    if isinstance(value, (str, bytes)) and kind.kind not in "OUS":
        raise ArgumentError(f"value must fit the dtype {dtype}, got {value!r}. Use dtype=object for strings.")
    try:
        return np.full(shape, _checked(value, kind), dtype=kind)
    except OverflowError:
        raise ArgumentError(f"value must fit the dtype {dtype}, got {value!r}. Choose one that holds it, such as 'int32'.") from None


def _checked(values: Any, kind: np.dtype[Any]) -> Any:
    """The values; raises OverflowError where an integer dtype cannot hold them (of an array, NumPy would cut off the upper bits)."""
    given = np.asarray(values)
    if kind.kind in "iu" and given.dtype.kind in "iufO":
        low, high, limits = given.min(), given.max(), np.iinfo(kind)
        if not (limits.min <= low and high <= limits.max):
            raise OverflowError(f"numbers from {low} to {high}")
    return values


class TimeseriesGenerator(PyDataset):
    """Batches of windows over a time series, each with the target of the step that follows it.

    The window that ends before step t is `data[t - length : t : sampling_rate]`; its target is `targets[t]`; t runs from
    `start_index + length` to `end_index` in steps of `stride`.

    Args:
        data: values by step: (steps, *features).
        targets: as many as there are steps.
        length: how many steps a window spans.
        sampling_rate: take every so-manyth step of a window.
        stride: steps from one window to the next.
        start_index, end_index: the first and the last step in use.
        shuffle: draw the windows of each batch at random, with repetition.
        reverse: the last step of a window comes first.
        batch_size: windows in a batch; the last batch may have fewer.
        **kwargs: `workers`, `use_multiprocessing`, `max_queue_size`, as for `PyDataset`; and `seed`, which the draws of `shuffle` follow from.

    Raises:
        ArgumentError: a number is outside its range.
        DataError: data and targets differ in length, or no window fits between the first and the last step.

    >>> windows = TimeseriesGenerator(np.arange(5), np.arange(5), length=2, batch_size=8)
    >>> x, y = windows[0]
    >>> x.tolist(), y.tolist()
    ([[0, 1], [1, 2], [2, 3]], [2, 3, 4])
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
        **kwargs: Any,
    ) -> None:
        seed = kwargs.pop("seed", None)
        super().__init__(**kwargs)
        if len(data) != len(targets):
            raise DataError(f"data and targets must have the same length, got {len(data)} and {len(targets)}.")
        for name, number in (("length", length), ("sampling_rate", sampling_rate), ("stride", stride), ("batch_size", batch_size)):
            if number < 1:
                raise ArgumentError(f"{name} must be a whole number above 0, got {number!r}.")
        self.data, self.targets = np.asarray(data), np.asarray(targets)
        self.length, self.sampling_rate, self.stride, self.batch_size = length, sampling_rate, stride, batch_size
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle, self.reverse = shuffle, reverse
        self.seed = make_seed() if seed is None else int(seed)
        self._pass = 0
        if start_index < 0 or self.end_index >= len(data):
            raise ArgumentError(
                f"start_index and end_index must be steps of the data, from 0 to {len(data) - 1}, got {start_index} and {self.end_index}; "
                "end_index is the last step in use, not the one after it."
            )
        if self.start_index > self.end_index:
            raise DataError(
                f"start_index + length must be at most end_index, so that a step follows the window; "
                f"got {start_index} + {length} and {self.end_index}. Give more data, or a shorter length."
            )

    def __len__(self) -> int:
        steps = self.end_index - self.start_index + 1
        return math.ceil(math.ceil(steps / self.stride) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch `index`: windows (batch, length / sampling_rate, *features) and targets (batch, …)."""
        if not 0 <= index < len(self):
            raise IndexError(f"The batches are numbered from 0 to {len(self) - 1}, got {index}.")
        ends = self._ends(index)
        at = ends[:, None] + np.arange(-self.length, 0, self.sampling_rate)
        return self.data[at[:, ::-1] if self.reverse else at], self.targets[ends]

    def _ends(self, index: int) -> np.ndarray:
        """The step after each window of a batch."""
        if self.shuffle:
            draws = np.random.Generator(np.random.Philox(key=[self.seed, self._pass], counter=[0, 0, 0, index]))
            return draws.integers(self.start_index, self.end_index + 1, self.batch_size)
        first = self.start_index + index * self.batch_size * self.stride
        return np.arange(first, min(first + self.batch_size * self.stride, self.end_index + 1), self.stride)

    def on_epoch_end(self) -> None:
        self._pass += 1

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, data and targets as lists."""
        return {
            "data": self.data.tolist(),
            "targets": self.targets.tolist(),
            "length": self.length,
            "sampling_rate": self.sampling_rate,
            "stride": self.stride,
            "start_index": self.start_index - self.length,
            "end_index": self.end_index,
            "shuffle": self.shuffle,
            "reverse": self.reverse,
            "batch_size": self.batch_size,
        }

    def to_json(self, **kwargs: Any) -> str:
        """The generator's configuration as JSON; `kwargs` go to `json.dumps`."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> np.ndarray:
    """For words by rank of frequency, the probability of keeping each when pairs are drawn: `min(1, √(t / f))`, times what f says.

    The frequency of rank r is taken from Zipf's law, `1 / f = r (ln r + γ) + 1/2 − 1 / (12 r)`, γ being Euler's constant; the result is
    `min(1, t / f / √(t / f))`.

    Args:
        size: how many words; rank 0, which stands for none, counts as rank 1.
        sampling_factor: t; a smaller one drops more of the frequent words.

    Reference: Mikolov et al., "Distributed representations of words and phrases and their compositionality", 2013.

    >>> make_sampling_table(3).round(4).tolist()
    [0.0032, 0.0032, 0.0055]
    """
    rank = np.maximum(np.arange(size), 1).astype("float64")
    inverse = rank * (np.log(rank) + 0.577) + 0.5 - 1.0 / (12.0 * rank)
    ratio = sampling_factor * inverse
    return np.minimum(1.0, ratio / np.sqrt(ratio))


def skipgrams(
    sequence: Sequence[int],
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Any = None,
    seed: int | None = None,
) -> tuple[list[list[int]], list[Any]]:
    """Pairs of words that stand near each other (label 1), and pairs made up at random (label 0).

    Args:
        sequence: word numbers; 0 stands for no word and is left out.
        vocabulary_size: one more than the largest word number.
        window_size: how far apart the words of a pair may stand.
        negative_samples: pairs made up for each pair found.
        shuffle: put the pairs into another order.
        categorical: labels are [0, 1] and [1, 0] in place of 1 and 0.
        sampling_table: the probability of keeping each word as the first of pairs, such as `make_sampling_table` gives.
        seed: what the draws follow from; drawn afresh if None.

    Returns:
        The pairs [word, other word], and their labels.

    >>> skipgrams([1, 2, 3], 4, window_size=1, negative_samples=0, shuffle=False)
    ([[1, 2], [2, 1], [2, 3], [3, 2]], [1, 1, 1, 1])
    """
    draws = np.random.default_rng(make_seed() if seed is None else seed)
    words = np.asarray(sequence, dtype=int)
    firsts = words != 0
    if sampling_table is not None:
        firsts &= np.asarray(sampling_table)[words] >= draws.random(len(words))
    places = np.arange(len(words))[:, None] + np.delete(np.arange(-window_size, window_size + 1), window_size)  # (words, neighbours)
    there = (places >= 0) & (places < len(words)) & firsts[:, None]
    others = words[places.clip(0, max(0, len(words) - 1))] if len(words) else places
    there &= others != 0
    first = np.broadcast_to(words[:, None], there.shape)[there]
    made_up = int(len(first) * negative_samples)
    pairs = np.stack([
        np.concatenate([first, np.resize(draws.permutation(first), made_up)]),
        np.concatenate([others[there], draws.integers(1, max(2, vocabulary_size), made_up)]),
    ], axis=1)  # fmt: skip
    labels = np.repeat([1, 0], [len(first), made_up])
    if shuffle:
        order = draws.permutation(len(pairs))
        pairs, labels = pairs[order], labels[order]
    return pairs.tolist(), (np.eye(2, dtype=int)[labels] if categorical else labels).tolist()
