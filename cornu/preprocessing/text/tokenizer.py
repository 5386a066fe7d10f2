"""A vocabulary of words by frequency, and texts as numbers by it."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from cornu.errors import ArgumentError, ConfigError, DataError
from cornu.preprocessing.text.words import FILTERS, text_to_word_sequence

__all__ = ["MATRIX_MODES", "Tokenizer", "tokenizer_from_json"]

MATRIX_MODES = ("binary", "count", "tfidf", "freq")

TABLES = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
"""What a tokenizer has learned; in its configuration each is a text of JSON of its own."""


class Tokenizer:
    """Turns texts into lists of word numbers or into rows of counts.

    Number 1 is the most frequent word (or the one for unknown words), 0 is none and left for padding.

    Args:
        num_words: only words with numbers below it are given out; None gives all.
        filters: characters that part words as `split` does.
        lower: whether to turn texts into lower case.
        split: what parts words.
        char_level: take characters for words.
        oov_token: the word that stands for unknown ones and gets number 1; None leaves unknown words out.
        analyzer: from a text to its words, in place of `filters`, `lower` and `split`.
        document_count: how many texts have been seen before.

    Attributes:
        word_index, index_word: numbers by word and words by number.
        word_counts: how often each word came.
        word_docs, index_docs: in how many texts, by word and by number.
        document_count: how many texts there were.

    A text may also be a list of words.

    >>> tokenizer = Tokenizer()
    >>> tokenizer.fit_on_texts(["The cat sat.", "The dog."])
    >>> tokenizer.texts_to_sequences(["the dog sat", "a dog"])
    [[1, 4, 3], [4]]
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: Sequence[str] = FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Callable[[str], Sequence[str]] | None = None,
        document_count: int = 0,
    ) -> None:
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.analyzer, self.document_count = char_level, oov_token, analyzer, document_count
        self.word_counts: dict[str, int] = {}
        self.word_docs: dict[str, int] = defaultdict(int)
        self.index_docs: dict[int, int] = defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def words(self, text: Any) -> Sequence[str]:
        """The words of one text, by the tokenizer's settings.

        >>> Tokenizer(char_level=True).words("Oh!")
        'oh!'
        """
        if isinstance(text, (list, tuple)):
            return [word.lower() for word in text] if self.lower else text
        if not isinstance(text, str):
            raise DataError(f"A text must be a string or a list of words, got {type(text).__name__}: {str(text)[:40]}.")
        if self.char_level:
            return text.lower() if self.lower else text
        return text_to_word_sequence(text, self.filters, self.lower, self.split) if self.analyzer is None else self.analyzer(text)

    # --- learning -----------------------------------------------------------------------------------------------------

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Counts the words of texts, on top of those counted before, and numbers all words anew: most frequent first, then by first sight.

        >>> tokenizer = Tokenizer(oov_token="?")
        >>> tokenizer.fit_on_texts(["b a", "a"])
        >>> tokenizer.word_index
        {'?': 1, 'a': 2, 'b': 3}
        """
        if isinstance(texts, str):
            raise DataError(f"texts must be a list of texts, got one text: {texts[:40]!r}. Put it into a list.")
        counts, docs = Counter(self.word_counts), Counter(self.word_docs)
        for text in texts:
            words = self.words(text)
            self.document_count += 1
            counts.update(words)
            docs.update(dict.fromkeys(words).keys())
        self.word_counts, self.word_docs = dict(counts), defaultdict(int, docs)
        ranked = sorted(counts, key=counts.__getitem__, reverse=True)  # sorting keeps the order of equals
        known = [*([] if self.oov_token is None else [self.oov_token]), *(word for word in ranked if word != self.oov_token)]
        self.word_index = {word: number for number, word in enumerate(known, 1)}
        self.index_word = {number: word for word, number in self.word_index.items()}
        self.index_docs = defaultdict(int, {self.word_index[word]: count for word, count in docs.items()})

    def fit_on_sequences(self, sequences: Iterable[Sequence[int]]) -> None:
        """Counts in how many lists of word numbers each comes, where texts are numbers already; for `sequences_to_matrix`."""
        for sequence in sequences:
            self.document_count += 1
            for number in set(sequence):
                self.index_docs[number] += 1

    # --- texts to numbers and back ------------------------------------------------------------------------------------

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """A list of word numbers for each text."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """The lists of word numbers one by one."""
        if isinstance(texts, str):
            raise DataError(f"texts must be a list of texts, got one text: {texts[:40]!r}. Put it into a list.")
        unknown, number_of, end = self._unknown, self.word_index.get, math.inf if self.num_words is None else self.num_words
        for text in texts:
            numbers = [number_of(word, unknown) for word in self.words(text)]
            if unknown is None:
                yield [number for number in numbers if number is not None and number < end]
            else:
                yield [number if number is not None and number < end else unknown for number in numbers]

    @property
    def _unknown(self) -> int | None:
        return None if self.oov_token is None else self.word_index.get(self.oov_token)

    def _is_given(self, number: int | None) -> bool:
        return number is not None and (self.num_words is None or number < self.num_words)

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """The texts that lists of word numbers stand for, words parted by spaces; unknown numbers are left out, or become `oov_token`."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        """The texts one by one."""
        for sequence in sequences:
            words = (self.index_word.get(int(number)) if self._is_given(int(number)) else None for number in sequence)
            yield " ".join(word for word in (self.oov_token if word is None else word for word in words) if word is not None)

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> np.ndarray:
        """A row of counts for each text; see `sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Sequence[Sequence[int]], mode: str = "binary") -> np.ndarray:
        """A row for each list of word numbers, with one column a number.

        Args:
            sequences: lists of word numbers.
            mode: what stands where a number comes c times in its list: "binary" 1, "count" c, "freq" c over the list's length, "tfidf"
                `(1 + ln c) · ln(1 + N / (1 + d))` where N is the number of texts seen and d in how many of them it came.

        Returns:
            (len(sequences), num_words), or one more than there are words if `num_words` is None; float64.

        Raises:
            DataError: there are neither `num_words` nor words; "tfidf" before texts were seen.
        """
        if mode not in MATRIX_MODES:
            raise ArgumentError(f"mode must be one of {', '.join(MATRIX_MODES)}, got {mode!r}.")
        if not self.num_words and not self.word_index:
            raise DataError(
                "The number of columns must be known, got no num_words and no texts. Give num_words, or call `fit_on_texts` first."
            )
        if mode == "tfidf" and not self.document_count:
            raise DataError(
                'mode "tfidf" must know how many texts have which words, got none. Call `fit_on_texts` or `fit_on_sequences` first.'
            )
        size = self.num_words or len(self.word_index) + 1
        counts = np.zeros((len(sequences), size))
        for row, sequence in enumerate(sequences):
            numbers = np.asarray(sequence, dtype=int)
            counts[row] = np.bincount(numbers[numbers < size], minlength=size)
        return self._weighted(counts, np.array([len(sequence) for sequence in sequences]), mode)

    def _weighted(self, counts: np.ndarray, lengths: np.ndarray, mode: str) -> np.ndarray:
        if mode == "count":
            return counts
        if mode == "binary":
            return (counts > 0).astype("float64")
        if mode == "freq":
            return counts / np.maximum(lengths, 1)[:, None]
        rarity = np.log([1 + self.document_count / (1 + self.index_docs.get(number, 0)) for number in range(counts.shape[1])])
        return np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * rarity

    # --- files --------------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The settings and what was learned.

        Raises:
            ConfigError: there is an `analyzer`: JSON holds no function.
        """
        if self.analyzer is not None:
            raise ConfigError(f"A tokenizer in JSON must have no analyzer, got {self.analyzer!r}. Keep word_index, and make it anew.")
        names = ("num_words", "filters", "lower", "split", "char_level", "oov_token", "document_count")
        return {**{name: getattr(self, name) for name in names}, **{name: json.dumps(getattr(self, name)) for name in TABLES}}

    def to_json(self, **kwargs: Any) -> str:
        """The tokenizer as JSON, for `tokenizer_from_json`; `kwargs` go to `json.dumps`."""
        return json.dumps({"class_name": "Tokenizer", "config": self.get_config()}, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """The tokenizer that `Tokenizer.to_json` wrote.

    Raises:
        ConfigError: the text is no tokenizer.

    >>> tokenizer = Tokenizer()
    >>> tokenizer.fit_on_texts(["a b a"])
    >>> tokenizer_from_json(tokenizer.to_json()).word_index
    {'a': 1, 'b': 2}
    """
    try:
        config = dict(json.loads(json_string)["config"])
        tables = {name: json.loads(config.pop(name)) for name in TABLES}
        tokenizer = Tokenizer(**config)
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"The text must be what Tokenizer.to_json writes, got {str(json_string)[:60]!r}: {error}.") from None
    tokenizer.word_counts, tokenizer.word_index = tables["word_counts"], tables["word_index"]
    tokenizer.word_docs = defaultdict(int, tables["word_docs"])
    tokenizer.index_docs = defaultdict(int, {int(number): count for number, count in tables["index_docs"].items()})
    tokenizer.index_word = {int(number): word for number, word in tables["index_word"].items()}
    return tokenizer
