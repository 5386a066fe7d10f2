"""Texts turned into arrays, and changed at random, while a model trains on them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from cornu import config
from cornu.callbacks.bar import say
from cornu.errors import ArgumentError, DataError
from cornu.preprocessing.labels import CLASS_MODES, FRAME_MODES, Labels, check_classes, check_mode, check_subset, column, frame_labels
from cornu.preprocessing.listing import class_folders, listed, share
from cornu.preprocessing.sequence import pad_sequences
from cornu.preprocessing.text.iterators import TextIterator, WindowIterator, read_text
from cornu.preprocessing.text.tokenizer import MATRIX_MODES, Tokenizer
from cornu.preprocessing.text.words import FILTERS
from cornu.state.seed import make_seed

__all__ = ["TextGenerator"]

MODES = ("sequence", "one_hot", *MATRIX_MODES)


class TextGenerator:
    """Makes batches of texts: as padded lists of word numbers, one-hot rows, counts or TF-IDF; what `ImageDataGenerator` is for images.

    Call `fit` on the training texts first: it finds the vocabulary and the longest text.

    Args:
        num_words: only the so many most frequent words are kept, less one; None keeps all.
        maxlen: the length of all sequences; that of the longest text that `fit` has seen if None.
        mode: what a text becomes. "sequence": word numbers (maxlen,), int32. "one_hot": (maxlen, vocabulary), padding all zeros. "binary", "count",
            "freq", "tfidf": one row (vocabulary,); see `Tokenizer.sequences_to_matrix`.
        padding, truncating: "pre" or "post", as for `pad_sequences`.
        filters, lower, split, char_level, oov_token, analyzer: as for `Tokenizer`.
        tokenizer: a fitted tokenizer to use in place of one made of these.
        word_dropout: while training, leave out each word with this probability; one word at least stays.
        word_shuffle: while training, words may move by this many places.
        preprocessing_function: from one text to another, before it is cut into words.
        validation_split: the fraction of the data that is the subset "validation" of the flows.
        dtype: of one-hot rows, counts and class targets; `floatx` by default.

    Attributes:
        tokenizer: holds the vocabulary.
        vocabulary_size: how many numbers there are, 0 (padding) included: the `input_dim` of an Embedding.

    References: Iyyer et al., "Deep unordered composition rivals syntactic methods for text classification", 2015 (word dropout); Lample et al.,
    "Unsupervised machine translation using monolingual corpora only", 2018 (shuffled words).

    >>> texts = TextGenerator(maxlen=4)
    >>> texts.fit(["the cat sat", "the dog"])
    >>> x, y = next(texts.flow(["the cat", "a dog"], [0, 1], shuffle=False))
    >>> x.tolist(), y.tolist()
    ([[0, 0, 1, 2], [0, 0, 0, 4]], [0, 1])
    """

    def __init__(
        self,
        num_words: int | None = None,
        maxlen: int | None = None,
        mode: str = "sequence",
        padding: str = "pre",
        truncating: str = "pre",
        filters: Sequence[str] = FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Callable[[str], Sequence[str]] | None = None,
        tokenizer: Tokenizer | None = None,
        word_dropout: float = 0.0,
        word_shuffle: int = 0,
        preprocessing_function: Callable[[str], str] | None = None,
        validation_split: float = 0.0,
        dtype: str | None = None,
    ) -> None:
        if mode not in MODES:
            raise ArgumentError(f"mode must be one of {', '.join(MODES)}, got {mode!r}.")
        for name, fraction in (("word_dropout", word_dropout), ("validation_split", validation_split)):
            if not 0 <= fraction < 1:
                raise ArgumentError(f"{name} must be a fraction, at least 0 and below 1, got {fraction!r}.")
        for name, side in (("padding", padding), ("truncating", truncating)):
            if side not in ("pre", "post"):
                raise ArgumentError(f"{name} must be 'pre' or 'post', got {side!r}.")
        if word_shuffle < 0:
            raise ArgumentError(f"word_shuffle must not be negative, got {word_shuffle!r}.")
        self.tokenizer = tokenizer or Tokenizer(num_words, filters, lower, split, char_level, oov_token, analyzer)
        self.maxlen, self.mode, self.padding, self.truncating = maxlen, mode, padding, truncating
        self.word_dropout, self.word_shuffle, self.preprocessing_function = word_dropout, word_shuffle, preprocessing_function
        self.validation_split, self.dtype = validation_split, dtype or config.floatx()
        self._longest = 0

    # --- the vocabulary -----------------------------------------------------------------------------------------------

    def fit(self, texts: Any) -> None:
        """Learns the vocabulary and the length of the longest text.

        Args:
            texts: texts, or one of the flows below, whose texts are read then.

        >>> texts = TextGenerator(num_words=3)
        >>> texts.fit(["a b b"])
        >>> texts.tokenizer.word_index, texts.vocabulary_size
        ({'b': 1, 'a': 2}, 3)
        """
        if isinstance(texts, str):
            raise DataError(f"texts must be a list of texts, got one text: {texts[:40]!r}. Put it into a list.")
        self.tokenizer.fit_on_texts(self._measured(texts.texts() if isinstance(texts, TextIterator) else texts))

    def _measured(self, texts: Iterable[Any]) -> Iterable[Any]:
        for text in texts:
            words = self._words(text)
            self._longest = max(self._longest, len(words))
            yield list(words)

    @property
    def vocabulary_size(self) -> int:
        """How many word numbers there are, with 0 for padding."""
        known = len(self.tokenizer.word_index) + 1
        return min(self.tokenizer.num_words or known, known) if self.mode in ("sequence", "one_hot") else self.tokenizer.num_words or known

    def encode(self, texts: Sequence[Any]) -> np.ndarray:
        """Texts as one array, without random changes.

        >>> texts = TextGenerator(mode="one_hot")
        >>> texts.fit(["a b"])
        >>> texts.encode(["b"]).tolist()
        [[[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]]
        """
        return self._encoded([self._words(text) for text in texts])

    def decode(self, sequences: Any) -> list[str]:
        """The texts that word numbers (batch, length), or one-hot rows and probabilities (batch, length, vocabulary), stand for.

        >>> texts = TextGenerator()
        >>> texts.fit(["so it goes"])
        >>> texts.decode([[0, 2, 3]])
        ['it goes']
        """
        numbers = np.asarray(sequences)
        if numbers.ndim == 3:
            numbers = np.where(numbers.any(-1), numbers.argmax(-1), 0)
        words = [[self.tokenizer.index_word.get(int(number)) for number in row if number] for row in numbers]
        return [("" if self.tokenizer.char_level else " ").join(word for word in row if word) for row in words]

    def random_transform(self, text: Any, seed: int | None = None) -> list[str]:
        """The words of one text, changed at random; the same seed changes them in the same way.

        >>> sorted(TextGenerator(word_shuffle=1).random_transform("a b c", seed=1))
        ['a', 'b', 'c']
        """
        return self._changed(self._words(text), np.random.default_rng(make_seed() if seed is None else seed))

    # --- where batches come from --------------------------------------------------------------------------------------

    def flow(
        self,
        texts: Sequence[Any],
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        subset: str | None = None,
        workers: int = 1,
    ) -> TextIterator:
        """Batches of texts in memory.

        Args:
            texts: strings, or lists of words.
            y, sample_weight: targets and weights, or None.
            batch_size, shuffle, seed, subset, workers: as for `ImageDataGenerator.flow`.

        Returns:
            An endless iterator that `fit` takes too.
        """
        check_subset(subset, self.validation_split)
        lengths = {name: len(part) for name, part in (("texts", texts), ("y", y), ("sample_weight", sample_weight)) if part is not None}
        if len(set(lengths.values())) > 1:
            raise DataError(f"Texts, targets and weights must have as many rows, got {lengths}.")
        rows = share(len(texts), self.validation_split, subset)
        kept = list(texts)[rows]
        labels = Labels(None, None, {}) if y is None else Labels(np.asarray(y)[rows], "raw", {})
        weights = None if sample_weight is None else np.asarray(sample_weight)[rows]
        return TextIterator(
            len(kept),
            kept.__getitem__,
            labels,
            self,
            sample_weight=weights,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            workers=workers,
        )

    def flow_from_directory(
        self,
        directory: Any,
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        follow_links: bool = False,
        subset: str | None = None,
        formats: Sequence[str] = ("txt",),
        encoding: str = "utf-8",
        on_broken: str = "raise",
        workers: int = 1,
    ) -> TextIterator:
        """Batches of text files from a folder with one folder for each class.

        Args:
            directory, classes, class_mode, batch_size, shuffle, seed, follow_links, subset, workers: as for
                `ImageDataGenerator.flow_from_directory`.
            formats: the files' endings.
            encoding: of the files.
            on_broken: "raise" stops at a file that is no text, "skip" leaves it out with a warning; both name it.
        """
        check_mode(class_mode, CLASS_MODES)
        check_subset(subset, self.validation_split)
        names = list(classes) if classes else class_folders(directory)
        check_classes(class_mode, names)
        endings = [f".{ending.lstrip('.')}" for ending in formats]
        found: list[tuple[str, int]] = []
        for number, name in enumerate(names):
            files = listed(directory, [name], endings, follow_links=follow_links)
            found += [(path, number) for path, _ in files[share(len(files), self.validation_split, subset)]]
        labels = Labels(np.array([number for _, number in found], "int32"), class_mode, {name: number for number, name in enumerate(names)})
        flow = self._of_files(
            [path for path, _ in found], directory, labels, encoding=encoding, on_broken=on_broken, batch_size=batch_size, shuffle=shuffle,
            seed=seed, workers=workers,
        )  # fmt: skip
        say(f"Found {flow.n} texts belonging to {len(names)} classes.")
        return flow

    def flow_from_dataframe(
        self,
        dataframe: Any,
        directory: Any = None,
        x_col: str = "text",
        y_col: Any = "class",
        weight_col: str | None = None,
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        subset: str | None = None,
        encoding: str = "utf-8",
        on_broken: str = "raise",
        workers: int = 1,
    ) -> TextIterator:
        """Batches of texts that a data frame has.

        Args:
            dataframe: of pandas or polars.
            directory: if given, `x_col` names files in this folder; otherwise it has the texts themselves.
            x_col: the column of texts or file names.
            y_col, weight_col, classes, class_mode: as for `ImageDataGenerator.flow_from_dataframe`.
            batch_size, shuffle, seed, subset, workers: as for `flow`.
            encoding, on_broken: as for `flow_from_directory`.
        """
        check_mode(class_mode, FRAME_MODES)
        check_subset(subset, self.validation_split)
        texts = column(dataframe, x_col, "x_col")
        labels, rows = frame_labels(dataframe, y_col, class_mode, classes)
        rows = rows[share(len(rows), self.validation_split, subset)]
        kept, labels = [texts[row] for row in rows], labels.taken(rows)
        weights = None if weight_col is None else np.asarray(column(dataframe, weight_col, "weight_col"), "float64")[rows]
        options: dict[str, Any] = {"sample_weight": weights, "batch_size": batch_size, "shuffle": shuffle, "seed": seed, "workers": workers}
        if directory is not None:
            return self._of_files(kept, directory, labels, encoding=encoding, on_broken=on_broken, **options)
        return TextIterator(len(kept), kept.__getitem__, labels, self, on_broken=on_broken, **options)

    def _of_files(self, names: list[str], directory: Any, labels: Labels, *, encoding: str, **options: Any) -> TextIterator:
        paths = [os.path.join(os.fsdecode(directory), name) for name in names]
        flow = TextIterator(len(paths), _Files(paths, encoding), labels, self, **options)
        flow.filenames, flow.filepaths = names, paths
        return flow

    def flow_windows(
        self,
        texts: Sequence[Any],
        length: int,
        step: int = 1,
        target: str = "all",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        subset: str | None = None,
        workers: int = 1,
    ) -> WindowIterator:
        """Windows over running texts with the words that follow, for models that write.

        Args:
            texts: strings or lists of words; no window reaches from one into another.
            length: words (or characters) in a window.
            step: how far apart windows begin.
            target: "all" for the next word after each of the window's, "last" for the one after the window.
            batch_size, shuffle, seed, subset, workers: as for `flow`. A subset is a part of each text: "validation" has its beginning.

        Returns:
            An endless iterator, which `fit` takes too, of windows (batch, length), one-hot in that mode, and targets (batch, length) or (batch,).

        >>> letters = TextGenerator(char_level=True)
        >>> letters.fit(["abcd"])
        >>> x, y = next(letters.flow_windows(["abcd"], 3, shuffle=False))
        >>> x.tolist(), y.tolist()
        ([[1, 2, 3]], [[2, 3, 4]])
        """
        check_subset(subset, self.validation_split)
        if self.mode not in ("sequence", "one_hot"):
            raise ArgumentError(f'Windows must be of mode "sequence" or "one_hot", got {self.mode!r}: counts have no order.')
        return WindowIterator(
            list(texts),
            self,
            length=length,
            step=step,
            target=target,
            subset=subset,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            workers=workers,
        )

    # --- what is done to a text ---------------------------------------------------------------------------------------

    def _words(self, text: Any) -> Sequence[str]:
        return self.tokenizer.words(text if self.preprocessing_function is None else self.preprocessing_function(text))

    def _changed(self, words: Sequence[str], draws: np.random.Generator) -> list[str]:
        """Words left out and moved."""
        kept = list(words)
        if self.word_dropout and kept:
            stays = draws.random(len(kept)) >= self.word_dropout
            stays[draws.integers(len(kept))] |= not stays.any()
            kept = [word for word, stay in zip(kept, stays, strict=True) if stay]
        if self.word_shuffle:
            places = np.argsort(np.arange(len(kept)) + draws.uniform(0, self.word_shuffle + 1, len(kept)), kind="stable")
            kept = [kept[place] for place in places]
        return kept

    def _numbers(self, texts: Iterable[Any]) -> list[list[int]]:
        if not self.tokenizer.word_index:
            raise DataError(
                "The vocabulary must be known before texts become numbers, got none. Call `fit(texts)`, or give a fitted tokenizer."
            )
        return self.tokenizer.texts_to_sequences([list(self._words(text)) for text in texts])

    def _encoded(self, texts: list[Sequence[str]]) -> np.ndarray:
        """Texts cut into words as one array."""
        if not self.tokenizer.word_index:
            raise DataError(
                "The vocabulary must be known before texts become numbers, got none. Call `fit(texts)`, or give a fitted tokenizer."
            )
        numbers = self.tokenizer.texts_to_sequences([list(words) for words in texts])
        if self.mode in MATRIX_MODES:
            return self.tokenizer.sequences_to_matrix(numbers, self.mode).astype(self.dtype)
        length = self.maxlen or self._longest
        if not length:
            raise DataError("The length of sequences must be known, got no maxlen and no texts in `fit`. Give maxlen.")
        padded = pad_sequences(numbers, length, padding=self.padding, truncating=self.truncating)
        return padded if self.mode == "sequence" else self._one_hot(padded)

    def _one_hot(self, numbers: np.ndarray) -> np.ndarray:
        """(batch, length) to (batch, length, vocabulary); 0 becomes zeros."""
        table = np.eye(self.vocabulary_size, dtype=self.dtype)
        table[0, 0] = 0
        return table[numbers]


class _Files:
    """Reads the text of a row from its file; unlike a lambda, it can be handed to another process."""

    def __init__(self, paths: list[str], encoding: str) -> None:
        self._paths, self._encoding = paths, encoding

    def __call__(self, row: int) -> str:
        return read_text(self._paths[row], self._encoding)
