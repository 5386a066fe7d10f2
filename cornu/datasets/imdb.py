"""IMDB: 50,000 reviews of films as lists of word numbers, half of them kind, half unkind.

A. Maas et al., "Learning word vectors for sentiment analysis", ACL 2011, https://ai.stanford.edu/~amaas/data/sentiment/.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.datasets.npz import read_npz
from cornu.datasets.published import fetch
from cornu.datasets.splitting import Split, shuffled
from cornu.datasets.words import begun, known_words, not_too_long, read_word_index
from cornu.errors import ArgumentError

__all__ = ["get_word_index", "load_data"]


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int | None = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
    **kwargs: Any,
) -> Split:
    """The 25,000 reviews to learn from and the 25,000 of the test, each shuffled.

    A word's number is its rank by frequency, from 1 on, plus `index_from`: so 0 is free for padding, 1 for the beginning of a review and
    2 for words that are left out. The steps are, in this order: numbers raised and `start_char` set before them; reviews of `maxlen` or more
    numbers dropped; numbers under `skip_top`, or not under `num_words`, replaced by `oov_char`.

    Args:
        path: what the file is called in the cache's folder `datasets`.
        num_words: numbers from here on are left out; None or 0 keeps all of them. (Keras, asked for all, leaves out the highest.)
        skip_top: numbers under this are left out; the most frequent words are the lowest.
        maxlen: reviews of so many numbers or more are dropped; None or 0 keeps all of them.
        seed: seed of the shuffling.
        start_char: stands at the beginning of each review; None for nothing.
        oov_char: stands for a word that is left out; None for nothing.
        index_from: what is added to each word's rank.
        **kwargs: `nb_words`, an older name of `num_words`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: x arrays of lists of whole numbers; y whole numbers, 1 kind and 0 unkind.

    Raises:
        ArgumentError: no review is shorter than `maxlen`, or an argument has another name.
        SavingError: the file is not in the cache and could not be fetched; the message says where to put it.
        UnsafeFileError: it holds other than plain data.

    Example:
        (x_train, y_train), (x_test, y_test) = cornu.datasets.imdb.load_data(num_words=10000)
        x_train = cornu.utils.pad_sequences(x_train, maxlen=200)
    """
    num_words = kwargs.pop("nb_words", None) or num_words
    if kwargs:
        raise ArgumentError(f"imdb.load_data has no argument {', '.join(map(repr, kwargs))}. Remove it.")
    x_train, y_train, x_test, y_test = read_npz(fetch("imdb", path), ("x_train", "y_train", "x_test", "y_test"))
    random = np.random.RandomState(seed)
    parts = []
    for x, y in ((x_train, y_train), (x_test, y_test)):
        x, y = shuffled(x, y, random)
        texts, y = not_too_long(begun(x, start_char, index_from), y, maxlen)
        parts.append((known_words(texts, num_words, skip_top, oov_char), y))
    return parts[0], parts[1]


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """Word -> its rank by frequency, from 1 on; the data add `index_from` to it.

    Args:
        path: what the file is called in the cache's folder `datasets`.

    Example:
        word_of = {rank + 3: word for word, rank in cornu.datasets.imdb.get_word_index().items()}
        " ".join(word_of.get(number, "…") for number in x_train[0])
    """
    return read_word_index(fetch("imdb words", path))
