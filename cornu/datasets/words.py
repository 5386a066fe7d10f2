"""Texts as lists of word numbers, as `imdb` and `reuters` hold them: which words, and which texts, are kept."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from cornu.datasets.splitting import Array
from cornu.errors import ArgumentError, CorruptFileError

__all__ = ["begun", "known_words", "not_too_long", "read_word_index"]


def begun(texts: Array, start_char: int | None, index_from: int | None) -> list[list[int]]:
    """Every word number raised by `index_from`, behind a sign of the beginning if there is one.

    >>> begun([[4, 1], [2]], start_char=1, index_from=3)
    [[1, 7, 4], [1, 5]]
    """
    start, shift = [] if start_char is None else [start_char], index_from or 0
    return [start + [word + shift for word in text] for text in texts]


def not_too_long(texts: list[list[int]], labels: Array, maxlen: int | None) -> tuple[list[list[int]], Array]:
    """The texts of fewer than `maxlen` numbers, their sign of the beginning counted, with their labels."""
    if not maxlen:
        return texts, labels
    kept = [index for index, text in enumerate(texts) if len(text) < maxlen]
    if not kept:
        raise ArgumentError(f"maxlen must be more than the length of the shortest text, got {maxlen}: no text is left. Raise it.")
    return [texts[index] for index in kept], labels[kept]


def known_words(texts: list[list[int]], num_words: int | None, skip_top: int, oov_char: int | None) -> Array:
    """The texts with every number under `skip_top`, or not under `num_words`, replaced by `oov_char`, or left out if that is None.

    >>> known_words([[1, 7, 4], [1, 5]], num_words=6, skip_top=0, oov_char=2).tolist()
    [[1, 2, 4], [1, 5]]
    """
    top = num_words or float("inf")
    if not num_words and skip_top <= 0:
        kept = texts
    elif oov_char is None:
        kept = [[word for word in text if skip_top <= word < top] for text in texts]
    else:
        kept = [[word if skip_top <= word < top else oov_char for word in text] for text in texts]
    array = np.empty(len(kept), object)  # np.array would make a matrix of texts that are equally long
    array[:] = kept
    return array


def read_word_index(path: str) -> dict[str, int]:
    """Word -> its rank by frequency, from a JSON file."""
    with open(path, encoding="utf-8") as file:
        try:
            index: Any = json.load(file)
        except ValueError as error:
            raise CorruptFileError(f"A word index must be a JSON file, but {path!r} is damaged: {error}.") from error
    if not isinstance(index, dict) or not all(type(rank) is int for rank in index.values()):
        raise CorruptFileError(f"A word index must be a JSON object of words and their ranks, but {path!r} holds something else.")
    return index
