"""Texts cut into tokens, and these looked up in a vocabulary."""

from __future__ import annotations

import itertools
import os
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from cornu.backends.spec import TensorSpec
from cornu.errors import ArgumentError, ShapeError
from cornu.layers.categories import Categorical, check_mode
from cornu.layers.lookup import StringLookup, without_path
from cornu.layers.texts import as_bytes, batches, on_host, tokens_of
from cornu.ops.arguments import Array
from cornu.registry import LAYERS

__all__ = ["TextVectorization"]

PUNCTUATION = string.punctuation.encode()
STANDARDS = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
SPLITS = ("whitespace", "character")


@LAYERS.add
class TextVectorization(Categorical):
    """Each text as the places of its tokens in a vocabulary: put in one form, split, joined to n-grams, looked up.

    Args:
        max_tokens: the most tokens that the vocabulary may have, special ones included; None for all.
        standardize: "lower_and_strip_punctuation", either half of it, None, or a function from an array of texts to one. Letters and punctuation
            are those of ASCII.
        split: "whitespace" (of ASCII), "character", None, or a function from an array of texts to a list of tokens for each.
        ngrams: tokens are also joined by spaces: a number for all up to that many, a tuple for these numbers only.
        output_mode: "int"; a vector for each text with a place for each token, "multi_hot", "count", or "tf_idf", which is count times weight.
        output_sequence_length: with "int", texts are cut or filled up with 0 to this length; None for the longest of a batch.
        pad_to_max_tokens, vocabulary, idf_weights, encoding: as for StringLookup.
        sparse, ragged: must be False; arrays are dense.

    Shapes: (…,) or (…, 1) texts to (…, length) or (…, tokens). The vocabulary has "" at place 0 with "int", then "[UNK]". The layer works on the
    host: it is for the data pipeline.

    >>> layer = TextVectorization()
    >>> layer.adapt(["The cat sat.", "The dog!"])
    >>> layer.get_vocabulary()[:3], layer(["the CAT", "a dog sat"]).tolist()
    (['', '[UNK]', 'the'], [[2, 5, 0], [1, 4, 3]])
    """

    _takes_texts_ = True

    def __init__(
        self, max_tokens: int | None = None, standardize: str | Callable[..., Any] | None = "lower_and_strip_punctuation",
        split: str | Callable[..., Any] | None = "whitespace", ngrams: int | Sequence[int] | None = None, output_mode: str = "int",
        output_sequence_length: int | None = None, pad_to_max_tokens: bool = False, vocabulary: Any = None, idf_weights: Any = None,
        sparse: bool = False, ragged: bool = False, encoding: str = "utf-8", name: str | None = None, **kwargs: Any
    ) -> None:  # fmt: skip
        foreseen = kwargs.pop("vocabulary_size", None)
        super().__init__(name=name, **kwargs)
        self.output_mode = check_mode("TextVectorization", output_mode, ("int", "multi_hot", "count", "tf_idf"), sparse)
        _check_steps(standardize, split)
        if ragged:
            raise ArgumentError(
                "TextVectorization gives dense arrays, got ragged=True. Texts of a batch are filled up with 0, which Embedding can mask."
            )
        if output_sequence_length is not None and (self.output_mode != "int" or output_sequence_length < 1):
            raise ArgumentError(
                f"output_sequence_length must be positive, and is for output_mode='int'; got {output_sequence_length!r} with {output_mode!r}."
            )
        self.max_tokens, self.standardize, self.split, self.encoding = max_tokens, standardize, split, encoding
        self.ngrams = tuple(ngrams) if isinstance(ngrams, (list, tuple)) else ngrams
        if self.ngrams is not None and min(_lengths(self.ngrams), default=0) < 1:
            raise ArgumentError(f"ngrams must be a positive number or several, got {ngrams!r}.")
        self.output_sequence_length, self.pad_to_max_tokens, self.sparse, self.ragged = (
            output_sequence_length,
            pad_to_max_tokens,
            sparse,
            ragged,
        )
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens, vocabulary=vocabulary, idf_weights=idf_weights, pad_to_max_tokens=pad_to_max_tokens, mask_token="",
            output_mode=self.output_mode, encoding=encoding, vocabulary_size=foreseen,
        )  # fmt: skip

    @property
    def depth(self) -> int:
        """The length of vectors."""
        return self._lookup_layer.depth

    @property
    def is_given(self) -> bool:
        """Whether it was given its vocabulary, so that `adapt` has nothing to find."""
        return self._lookup_layer.is_given

    @property
    def needs_adapting(self) -> bool:
        """Whether it has no vocabulary as yet."""
        return self._lookup_layer.needs_adapting

    # --- from texts to tokens -----------------------------------------------------------------------------------------

    def tokens(self, x: Any) -> list[list[Any]]:
        """The tokens of each text of an array: `bytes`, unless a function of the caller's makes others."""
        texts = self._own_(x)
        split = self._split(self._standardized(texts))
        return split if self.ngrams is None else [_joined(row, _lengths(self.ngrams)) for row in split]

    def _standardized(self, texts: np.ndarray) -> Any:
        if callable(self.standardize):
            return self.standardize(texts.ravel())
        rows = as_bytes(tokens_of(texts), self.encoding)
        rule = self.standardize or ""
        if rule.startswith("lower"):
            rows = [row.lower() for row in rows]
        return [row.translate(None, PUNCTUATION) for row in rows] if rule.endswith("punctuation") else rows

    def _split(self, rows: Any) -> list[list[Any]]:
        if callable(self.split):
            given = (
                rows
                if isinstance(rows, np.ndarray)
                else np.array([r.decode(self.encoding) if isinstance(r, bytes) else r for r in rows], object)
            )
            found = self.split(given)
            return [list(row) for row in (found.to_list() if hasattr(found, "to_list") else found)]
        plain = as_bytes(tokens_of(self._own_(list(rows))), self.encoding) if not isinstance(rows, list) else rows
        if self.split == "whitespace":
            return [row.split() for row in plain]
        return [list(row.decode(self.encoding)) for row in plain] if self.split == "character" else [[row] for row in plain]

    # --- the vocabulary -----------------------------------------------------------------------------------------------

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Makes the vocabulary of the tokens in data; what was found before is forgotten.

        Args:
            data: an array or list of texts, or an iterable of batches (a generator, a PyDataset, a tf.data.Dataset), without targets.
            batch_size: how many texts of an array to look at together.
            steps: how many batches to look at; all by default.
        """
        self.reset_state()
        for batch in batches(data, steps, self.name):
            for rows in np.array_split(batch, -(-len(batch) // batch_size)) if batch_size and batch.ndim and len(batch) else [batch]:
                self.update_state(rows)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Counts the tokens of a batch of texts, each of which is a document."""
        if self._lookup_layer.vocabulary is not None:
            raise ArgumentError(f"{self.name!r} was given its vocabulary, so it cannot adapt. Make it without one.")
        rows = self.tokens(data)
        self._lookup_layer.count_tokens(itertools.chain.from_iterable(rows))
        if self.output_mode == "tf_idf":
            self._lookup_layer.count_documents(rows)

    def merge_state(self, layers: Iterable[Self]) -> None:
        """Adds what other such layers have counted, and makes the vocabulary anew."""
        self._lookup_layer.merge_state(layer._lookup_layer for layer in layers)

    def finalize_state(self) -> None:
        """Makes the vocabulary of what was counted."""
        self._lookup_layer.finalize_state()

    def reset_state(self) -> None:
        """Forgets what was counted."""
        self._lookup_layer.reset_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The vocabulary, a token's place in it being its index."""
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """The number of tokens, special ones included."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Takes this vocabulary, in place of what there was; see `StringLookup.set_vocabulary`."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights)

    # --- the call -----------------------------------------------------------------------------------------------------

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs."""
        shape = tuple(input_shape)
        if self.split is None and self.output_mode == "int" and self.output_sequence_length is None:
            return shape
        rows = shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape
        return (*rows, self.output_sequence_length if self.output_mode == "int" else self.depth)

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Shape and dtype of the outputs."""
        return TensorSpec(self.compute_output_shape(tuple(inputs.shape)), self.output_dtype)

    def call(self, inputs: Array) -> Array:
        """The places of tokens, or vectors of the texts."""
        shape = tuple(inputs.shape)
        if self.split is not None and len(shape) > 1 and shape[-1] != 1:
            raise ShapeError(
                f"{self.name!r} takes texts as (…,) or (…, 1), got the shape {shape}. Split columns first, or make it with split=None."
            )
        found = on_host(self._places, [inputs], self.compute_output_shape(shape), "int64", self.name)
        if self.output_mode == "int":
            return self._encode(found)
        return self._encode(found, idf=self._lookup_layer._weights_of_places())

    def _places(self, x: np.ndarray) -> np.ndarray:
        """The places of tokens, filled up: with 0, the mask's, or where vectors are made with -1, which counts nowhere."""
        split = self.tokens(x)
        if self.split is None and self.ngrams is None and x.ndim > 0:
            return self._fitted(self._lookup_layer.indices([t for row in split for t in row]).reshape(x.shape))
        lengths = np.fromiter(map(len, split), np.int64, len(split))
        width = self.output_sequence_length or int(lengths.max(initial=0))
        filled = np.full((len(split), max(width, int(lengths.max(initial=0)))), 0 if self.output_mode == "int" else -1, np.int64)
        filled[np.arange(filled.shape[1]) < lengths[:, None]] = self._lookup_layer.indices(list(itertools.chain.from_iterable(split)))
        rows = x.shape[:-1] if x.ndim > 1 and x.shape[-1] == 1 else x.shape
        return filled[:, :width].reshape(*rows, width)

    def _fitted(self, places: np.ndarray) -> np.ndarray:
        """Texts that are tokens themselves, cut or filled up along the last axis."""
        length = self.output_sequence_length
        if length is None:
            return places
        return np.pad(places[..., :length], [(0, 0)] * (places.ndim - 1) + [(0, max(0, length - places.shape[-1]))])

    # --- configuration and files --------------------------------------------------------------------------------------

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """An object made with these arguments; a vocabulary is given as a list."""
        return cls(**without_path(cls.__name__, config))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; a vocabulary that was read or found is an asset of files, its size stands here."""
        inner = self._lookup_layer.get_config()
        return {**super().get_config(), **{k: inner[k] for k in ("vocabulary", "idf_weights", "vocabulary_size") if k in inner}}

    def save_assets(self, dir_path: str | os.PathLike[str]) -> None:
        """Writes the vocabulary to a text file in a folder; none that the configuration has."""
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path: str | os.PathLike[str]) -> None:
        """Reads what `save_assets` wrote, if it wrote anything."""
        self._lookup_layer.load_assets(dir_path)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Puts weights that were found in data into `store`."""
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Takes what `save_own_variables` put there."""
        self._lookup_layer.load_own_variables(store)


def _check_steps(standardize: Any, split: Any) -> None:
    if standardize is not None and not callable(standardize) and standardize not in STANDARDS:
        raise ArgumentError(f"standardize must be {', '.join(map(repr, STANDARDS))}, None or a function, got {standardize!r}.")
    if split is not None and not callable(split) and split not in SPLITS:
        raise ArgumentError(f"split must be {', '.join(map(repr, SPLITS))}, None or a function, got {split!r}.")


def _lengths(ngrams: int | Sequence[int]) -> list[int]:
    return list(range(1, ngrams + 1)) if isinstance(ngrams, int) else list(ngrams)


def _joined(tokens: list[Any], lengths: Sequence[int]) -> list[Any]:
    """The n-grams of these lengths, in the order of the lengths."""
    if not tokens:
        return []
    space = b" " if isinstance(tokens[0], bytes) else " "
    return [space.join(tokens[i : i + n]) for n in lengths for i in range(len(tokens) - n + 1)]
