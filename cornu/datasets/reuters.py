"""Reuters: 11,228 newswires of 1987 as lists of word numbers, in 46 topics (from the Reuters-21578 collection of D. Lewis)."""

from __future__ import annotations

import numpy as np

from cornu.datasets.npz import read_npz
from cornu.datasets.published import fetch
from cornu.datasets.splitting import Split, check_split, shuffled, split
from cornu.datasets.words import begun, known_words, not_too_long, read_word_index

__all__ = ["get_label_names", "get_word_index", "load_data"]


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int | None = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> Split:
    """The newswires, shuffled and cut in two.

    Word numbers are made and left out as in `cornu.datasets.imdb.load_data`.

    Args:
        path: what the file is called in the cache's folder `datasets`.
        num_words: numbers from here on are left out; None or 0 keeps all of them. (Keras, asked for all, leaves out the highest.)
        skip_top: numbers under this are left out; the most frequent words are the lowest.
        maxlen: newswires of so many numbers or more are dropped; None or 0 keeps all of them.
        test_split: share kept for the test, at least 0 and under 1.
        seed: seed of the shuffling.
        start_char: stands at the beginning of each newswire; None for nothing.
        oov_char: stands for a word that is left out; None for nothing.
        index_from: what is added to each word's rank.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: x arrays of lists of whole numbers; y the topics, 0 to 45 (`get_label_names`).

    Raises:
        ArgumentError: `test_split` is no such share, or no newswire is shorter than `maxlen`.
        SavingError: the file is not in the cache and could not be fetched; the message says where to put it.
        UnsafeFileError: it holds other than plain data.

    Example:
        (x_train, y_train), (x_test, y_test) = cornu.datasets.reuters.load_data(num_words=10000)
    """
    check_split(test_split)
    x, y = read_npz(fetch("reuters", path), ("x", "y"))
    x, y = shuffled(x, y, np.random.RandomState(seed))
    texts, y = not_too_long(begun(x, start_char, index_from), y, maxlen)
    return split(known_words(texts, num_words, skip_top, oov_char), y, test_split)


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """Word -> its rank by frequency, from 1 on; the data add `index_from` to it.

    Args:
        path: what the file is called in the cache's folder `datasets`.

    Example:
        rank = cornu.datasets.reuters.get_word_index()["oil"]
    """
    return read_word_index(fetch("reuters words", path))


def get_label_names() -> tuple[str, ...]:
    """The 46 topics; a label is a position among them.

    >>> get_label_names()[3]
    'earn'
    """
    return _TOPICS


_TOPICS = (
    "cocoa", "grain", "veg-oil", "earn", "acq", "wheat", "copper", "housing", "money-supply", "coffee", "sugar", "trade", "reserves", "ship",
    "cotton", "carcass", "crude", "nat-gas", "cpi", "money-fx", "interest", "gnp", "meal-feed", "alum", "oilseed", "gold", "tin",
    "strategic-metal", "livestock", "retail", "ipi", "iron-steel", "rubber", "heat", "jobs", "lei", "bop", "zinc", "orange", "pet-chem", "dlr",
    "gas", "silver", "wpi", "hog", "lead",
)  # fmt: skip
