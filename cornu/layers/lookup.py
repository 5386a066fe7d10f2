"""Categories by a vocabulary: texts or integers to their places in it, and back."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from cornu import ops
from cornu.backends.spec import TensorSpec
from cornu.errors import ArgumentError, DataError, NotBuiltError, UnsafeFileError
from cornu.layers.categories import Categorical, check_mode
from cornu.layers.hashing import as_salt, hash_bytes
from cornu.layers.texts import as_bytes, batches, is_text, on_host, tokens_of
from cornu.ops.arguments import Array
from cornu.registry import LAYERS
from cornu.serialization import revive
from cornu.state.allowance import spend

__all__ = ["IntegerLookup", "Lookup", "StringLookup", "without_path"]

ASSET = "vocabulary.txt"
NOWHERE = -2
"""The place of the mask token where vectors are made: it counts nowhere."""


class Lookup(Categorical):
    """What lookups of texts and of integers share: the vocabulary, where it comes from, and the outputs made of places in it.

    The vocabulary is: the mask token (only with output_mode="int"), the out-of-vocabulary token as often as `num_oov_indices` says, then the
    tokens. `adapt` puts the most frequent first, of equally frequent ones the larger.
    """

    _takes_texts_ = True

    def __init__(
        self, *, max_tokens: int | None, num_oov_indices: int, mask_token: Any, oov_token: Any, vocabulary: Any, idf_weights: Any, invert: bool,
        output_mode: str, sparse: bool, pad_to_max_tokens: bool, oov_method: str, salt: Any, name: str | None, **kwargs: Any
    ) -> None:  # fmt: skip
        self.__foreseen: int | None = kwargs.pop("vocabulary_size", None)
        """The size of a vocabulary that is still to come, from an asset of a file."""
        super().__init__(name=name, **kwargs)
        kind = type(self).__name__
        self.output_mode = check_mode(kind, output_mode, sparse=sparse)
        _check_sizes(kind, max_tokens, num_oov_indices, pad_to_max_tokens)
        if invert and self.output_mode != "int":
            raise ArgumentError(f"output_mode of {kind} must be 'int' with invert=True, got {output_mode!r}.")
        if oov_method not in ("floormod", "farmhash"):
            raise ArgumentError(f"oov_method of {kind} must be 'floormod' or 'farmhash', got {oov_method!r}.")
        self.max_tokens, self.num_oov_indices, self.mask_token, self.oov_token = max_tokens, num_oov_indices, mask_token, oov_token
        self.invert, self.sparse, self.pad_to_max_tokens, self.oov_method = invert, sparse, pad_to_max_tokens, oov_method
        self.salt = as_salt(kind, salt)
        self.vocabulary: list[Any] | None = None
        self.idf_weights: list[float] | None = None
        self._tokens: list[Any] = []
        self._idf: np.ndarray | None = None
        self.reset_state()
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
            if not isinstance(vocabulary, (str, os.PathLike)):
                self.vocabulary = [self._token(t) for t in vocabulary]
                self.idf_weights = None if idf_weights is None else np.asarray(idf_weights, "float32").tolist()
        elif idf_weights is not None:
            raise ArgumentError(f"idf_weights of {kind} belong to a vocabulary, got them without one.")

    # --- the vocabulary -----------------------------------------------------------------------------------------------

    def _token(self, token: Any) -> Any:
        """A token as the vocabulary has it."""
        raise NotImplementedError(f"{type(self).__name__} must define `_token`.")

    @property
    def is_given(self) -> bool:
        """Whether it was given its vocabulary, so that `adapt` has nothing to find."""
        return self.vocabulary is not None

    @property
    def needs_adapting(self) -> bool:
        """Whether it has no vocabulary as yet."""
        return not self._tokens

    @property
    def _special(self) -> list[Any]:
        """The tokens in front."""
        mask = [self.mask_token] if self.mask_token is not None and self.output_mode == "int" else []
        return mask + [self.oov_token] * self.num_oov_indices

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The vocabulary, a token's place in it being its index.

        Args:
            include_special_tokens: whether mask and out-of-vocabulary tokens are in it.
        """
        return (self._special if include_special_tokens else []) + list(self._tokens)

    def vocabulary_size(self) -> int:
        """The number of tokens, special ones included, without what fills up to `max_tokens`."""
        if not self._tokens and self.__foreseen is not None:
            return self.__foreseen
        return len(self._special) + len(self._tokens)

    @property
    def depth(self) -> int:
        """The length of vectors."""
        return self.max_tokens if self.pad_to_max_tokens and self.max_tokens is not None else self.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Takes this vocabulary, in place of what there was.

        Args:
            vocabulary: the tokens in a list or array, special ones in front or left out; or a text file's path, a token a line.
            idf_weights: for output_mode="tf_idf", the weight of each token.

        Raises:
            ArgumentError: it is empty, too large, has a token twice, or weights do not fit.
        """
        if isinstance(vocabulary, (str, os.PathLike)):
            vocabulary = Path(vocabulary).read_text("utf-8").splitlines()
        tokens = [self._token(t) for t in (vocabulary.tolist() if isinstance(vocabulary, np.ndarray) else vocabulary)]
        front = len(self._special) if self._special and tokens[: len(self._special)] == self._special else 0
        self._check_vocabulary(tokens, front)
        if (self.output_mode == "tf_idf") != (idf_weights is not None):
            raise ArgumentError(
                f"idf_weights are needed with output_mode='tf_idf' and with no other, got {self.output_mode!r} and {idf_weights!r}."
            )
        if idf_weights is not None:
            idf = np.asarray(idf_weights, "float32")
            if len(idf) not in (len(tokens), len(tokens) - front):
                raise ArgumentError(f"idf_weights must be one for each of the {len(tokens)} tokens, got {len(idf)}.")
            self._weigh(idf[front:] if len(idf) == len(tokens) else idf)
        self._take(tokens[front:])

    def _check_vocabulary(self, tokens: list[Any], front: int) -> None:
        repeated = [t for t, n in Counter(tokens[front:]).items() if n > 1]
        if not tokens[front:] or repeated:
            wrong = f"the tokens {repeated[:5]} more than once" if repeated else "none"
            raise ArgumentError(f"The vocabulary of {self.name!r} must hold each token once and at least one, got {wrong}.")
        if self.mask_token is not None and self._token(self.mask_token) in tokens[front:]:
            raise ArgumentError(
                f"The mask token {self.mask_token!r} may only stand in front of the vocabulary of {self.name!r}, as {self._special}. Leave it out."
            )
        if self.max_tokens is not None and len(tokens) - front + len(self._special) > self.max_tokens:
            raise ArgumentError(
                f"The vocabulary of {self.name!r} must have at most max_tokens={self.max_tokens} tokens, got {len(tokens)}."
            )

    def _take(self, tokens: list[Any]) -> None:
        self._tokens = tokens
        self._tables: dict[str, Any] = {}

    def _weigh(self, idf: np.ndarray) -> None:
        """Keeps the weights of all places; that of out-of-vocabulary tokens is the mean."""
        self._idf = np.concatenate([np.full(self.num_oov_indices, idf.mean()), idf]).astype("float32")

    # --- from data ----------------------------------------------------------------------------------------------------

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Makes the vocabulary of what is in data; what was found before is forgotten.

        Args:
            data: an array or list, or an iterable of batches (a generator, a PyDataset, a tf.data.Dataset), without targets.
            steps: how many batches to look at; all by default.
        """
        self.reset_state()
        for batch in batches(data, steps, self.name):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Counts the tokens of a batch; with tf_idf its rows are the documents."""
        if self.vocabulary is not None:
            raise ArgumentError(f"{self.name!r} was given its vocabulary, so it cannot adapt. Make it without one.")
        x = self._own_(data)
        x = x if isinstance(x, np.ndarray) else ops.convert_to_numpy(x)
        tokens = self._plain(x)
        width = x.shape[-1] if x.ndim > 1 else 1
        self.count_documents(tokens[i : i + width] for i in range(0, len(tokens), width)) if self.output_mode == "tf_idf" else None
        self._counts.update(tokens)

    def count_documents(self, documents: Iterable[Sequence[Any]]) -> None:
        """Counts in how many documents each token is."""
        for document in documents:
            self._documents += 1
            self._in_documents.update(set(document))

    def count_tokens(self, tokens: Iterable[Any]) -> None:
        """Counts tokens."""
        self._counts.update(tokens)

    def merge_state(self, layers: Iterable[Self]) -> None:
        """Adds what other such layers have counted, and makes the vocabulary anew."""
        for layer in layers:
            self._counts.update(layer._counts)
            self._in_documents.update(layer._in_documents)
            self._documents += layer._documents
        self.finalize_state()

    def finalize_state(self) -> None:
        """Makes the vocabulary of what was counted: `idf = log(1 + documents / (1 + documents with the token))`."""
        if not self._counts:
            return
        counted, within = self._keyed(self._counts), self._keyed(self._in_documents)
        skipped = {self.oov_token, self.mask_token}
        tokens = sorted((t for t in counted if t not in skipped), key=lambda t: (counted[t], t), reverse=True)
        if self.max_tokens is not None:
            tokens = tokens[: self.max_tokens - len(self._special)]
        if self.output_mode == "tf_idf":
            self._weigh(np.log1p(self._documents / (1 + np.array([within[t] for t in tokens], "float64"))))
        self._take(tokens)

    def _keyed(self, counts: Mapping[Any, int]) -> Counter[Any]:
        """Counts by the tokens as the vocabulary has them."""
        found: Counter[Any] = Counter()
        for token, count in counts.items():
            found[self._token(token)] += count
        return found

    def reset_state(self) -> None:
        """Forgets what was counted; the vocabulary stays until the next one is made."""
        self._counts: Counter[Any] = Counter()
        self._in_documents: Counter[Any] = Counter()
        self._documents = 0
        self._tables = {}

    def _plain(self, x: np.ndarray) -> list[Any]:
        """The tokens of an array."""
        return tokens_of(x)

    # --- the call -----------------------------------------------------------------------------------------------------

    def indices(self, tokens: Sequence[Any]) -> np.ndarray:
        """The place of each token in the vocabulary, int64.

        Raises:
            NotBuiltError: there is no vocabulary yet.
            DataError: a token is not in it, and there is no place for such.
        """
        table, oov = self._table(tokens), self.num_oov_indices
        start = len(self._special) - oov
        found = np.fromiter(map(table.get, tokens, itertools.repeat(start if oov == 1 else -1)), np.int64, len(tokens))
        if oov != 1 and (missing := np.flatnonzero(found == -1)).size:
            strangers = [tokens[i] for i in missing.tolist()]
            if not oov:
                raise DataError(f"Tokens must be in the vocabulary of {self.name!r} with num_oov_indices=0, got {strangers[:5]}.")
            found[missing] = start + self._strangers(strangers)
        return found

    def _table(self, tokens: Sequence[Any]) -> dict[Any, int]:
        """The place of each token, by the token."""
        self._need_vocabulary()
        if "places" not in self._tables:
            places = {t: i for i, t in enumerate(self._tokens, len(self._special))}
            if self.mask_token is not None:
                places[self.mask_token] = 0 if self.output_mode == "int" else NOWHERE
            self._tables["places"] = places
        return dict.__getitem__(self._tables, "places")

    def _need_vocabulary(self) -> None:
        if not self._tokens:
            raise NotBuiltError(f"{self.name!r} has no vocabulary yet. Call `adapt(data)`, or give it one.")

    def _strangers(self, tokens: list[Any]) -> np.ndarray:
        """Which of the out-of-vocabulary places each token takes, by its hash."""
        return (hash_bytes(self._bytes(tokens), self.salt) % np.uint64(self.num_oov_indices)).astype("int64")

    def _bytes(self, tokens: list[Any]) -> list[bytes]:
        return as_bytes(tokens)

    # --- configuration and files --------------------------------------------------------------------------------------

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """An object made with these arguments; a vocabulary is given as a list."""
        return cls(**without_path(cls.__name__, config))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; a vocabulary that was read or found is an asset of files, and its size, on which shapes depend, stands here."""
        own = {"vocabulary": self.vocabulary, "idf_weights": self.idf_weights, "oov_method": self.oov_method}
        size = {} if self.vocabulary is not None or not (self._tokens or self.__foreseen) else {"vocabulary_size": self.vocabulary_size()}
        return {**super().get_config(), **own, **size}

    def save_assets(self, dir_path: str | os.PathLike[str]) -> None:
        """Writes the vocabulary, special tokens in front, to a text file in a folder; none that the configuration has."""
        if self.vocabulary is None and self._tokens:
            text = "\n".join(str(t) for t in self.get_vocabulary())
            Path(dir_path, ASSET).write_text(text, "utf-8", newline="\n")

    def load_assets(self, dir_path: str | os.PathLike[str]) -> None:
        """Reads what `save_assets` wrote, if it wrote anything."""
        path = Path(dir_path, ASSET)
        if self.vocabulary is None and path.is_file():
            tokens = [self._token(t) for t in path.read_text("utf-8").split("\n")]
            self._take(tokens[len(self._special) :])

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Puts weights that were found in data into `store`."""
        if self._idf is not None and self.vocabulary is None:
            store["idf_weights"] = self._idf

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Takes what `save_own_variables` put there."""
        if "idf_weights" in store and self.vocabulary is None:
            self._idf = np.asarray(store["idf_weights"], "float32")

    def _weights_of_places(self) -> np.ndarray | None:
        if self.output_mode != "tf_idf" or self._idf is None:
            return None
        return np.pad(self._idf, (0, self.depth - len(self._idf)))


def without_path(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a configuration, which often comes from a file, and a model file may not have other files read.

    Raises:
        UnsafeFileError: the vocabulary is the path of a file.
    """
    arguments: dict[str, Any] = revive(dict(config))
    vocabulary = arguments.get("vocabulary")
    if isinstance(vocabulary, (str, os.PathLike)):
        raise UnsafeFileError(
            f"The vocabulary in a configuration of {kind} must be a list of tokens, got the path {os.fspath(vocabulary)!r}: reading a model "
            f"opens no other files. If you trust the path, make the layer in code: `{kind}(vocabulary=path)`."
        )
    return arguments


def _check_sizes(kind: str, max_tokens: Any, num_oov_indices: int, pad: bool) -> None:
    if max_tokens is not None and max_tokens <= 1:
        raise ArgumentError(f"max_tokens of {kind} must be above 1, got {max_tokens!r}.")
    if num_oov_indices < 0:
        raise ArgumentError(f"num_oov_indices of {kind} must be at least 0, got {num_oov_indices!r}.")
    spend((num_oov_indices,), f"the out-of-vocabulary places of {kind}")
    if pad and max_tokens is None:
        raise ArgumentError(f"pad_to_max_tokens=True of {kind} needs max_tokens, got None.")


@LAYERS.add
class StringLookup(Lookup):
    """The place of each text in a vocabulary; with `invert` the text at each place. See `Lookup` for the order of a vocabulary.

    Args:
        max_tokens: the most tokens that the vocabulary may have, special ones included; None for all.
        num_oov_indices: over how many places texts out of the vocabulary are spread, by their hash. 0: such texts are an error.
        mask_token: a text that stands for nothing: place 0 with output_mode="int"; vectors leave it out.
        oov_token: what stands for texts out of the vocabulary.
        vocabulary: a list or array, or the path of a file with one a line; otherwise `adapt` makes it.
        idf_weights: for output_mode="tf_idf", a weight for each token of `vocabulary`.
        invert: from places to texts, in a NumPy array.
        output_mode: "int"; as vectors with a place for each token "one_hot"; along the last axis, "multi_hot", "count", or "tf_idf", which is
            count times weight.
        pad_to_max_tokens: whether vectors have max_tokens places.
        sparse: must be False; arrays are dense.
        encoding: of `bytes`.
        salt: a number or two, the key of the hash.

    Shapes: any to the same; vectors as for CategoryEncoding. The layer works on the host: it is for the data pipeline.

    >>> StringLookup(vocabulary=["a", "b"])([["a", "z"], ["b", "b"]]).tolist()
    [[1, 0], [2, 2]]
    """

    def __init__(
        self, max_tokens: int | None = None, num_oov_indices: int = 1, mask_token: str | None = None, oov_token: str = "[UNK]", vocabulary: Any = None,
        idf_weights: Any = None, invert: bool = False, output_mode: str = "int", pad_to_max_tokens: bool = False, sparse: bool = False,
        encoding: str = "utf-8", name: str | None = None, salt: Any = None, **kwargs: Any
    ) -> None:  # fmt: skip
        self.encoding = encoding
        super().__init__(
            max_tokens=max_tokens, num_oov_indices=num_oov_indices, mask_token=mask_token, oov_token=oov_token, vocabulary=vocabulary,
            idf_weights=idf_weights, invert=invert, output_mode=output_mode, sparse=sparse, pad_to_max_tokens=pad_to_max_tokens,
            oov_method=kwargs.pop("oov_method", "floormod"), salt=salt, name=name, **kwargs
        )  # fmt: skip

    def _token(self, token: Any) -> str:
        return token.decode(self.encoding) if isinstance(token, bytes) else str(token)

    def _table(self, tokens: Sequence[Any]) -> dict[Any, int]:
        """By `str`; where a token is `bytes`, by those too."""
        table = super()._table(tokens)
        if "bytes" not in self._tables and bytes in set(map(type, tokens)):
            table.update([(t.encode(self.encoding), i) for t, i in table.items()])
            self._tables["bytes"] = True
        return table

    def _bytes(self, tokens: list[Any]) -> list[bytes]:
        return as_bytes(tokens, self.encoding)

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Shape and dtype of the outputs."""
        return TensorSpec(tuple(inputs.shape), "string") if self.invert else super().compute_output_spec(inputs)

    def call(self, inputs: Array) -> Array:
        """The places of texts, or the texts at places."""
        shape = tuple(inputs.shape)
        if self.invert:
            return on_host(self._texts, [inputs], shape, "string", self.name)
        return self._encode(on_host(self._places, [inputs], shape, "int64", self.name), idf=self._weights_of_places())

    def _places(self, x: np.ndarray) -> np.ndarray:
        return self.indices(tokens_of(x)).reshape(x.shape)

    def _texts(self, x: np.ndarray) -> np.ndarray:
        self._need_vocabulary()
        tokens = np.array([*self.get_vocabulary(), self.oov_token], object)
        return tokens[np.where((x >= 0) & (x < len(tokens)), x, len(tokens) - 1).astype("int64")]


@LAYERS.add
class IntegerLookup(Lookup):
    """The place of each integer in a vocabulary; with `invert` the integer at each place. Works within compiled models too.

    Args:
        max_tokens, num_oov_indices, idf_weights, invert, output_mode, sparse, pad_to_max_tokens: as for StringLookup; in a compiled model an
            integer out of the vocabulary with num_oov_indices=0 has the place -1.
        mask_token: an integer that stands for nothing.
        oov_token: what stands for integers out of the vocabulary where places are turned back.
        vocabulary: a list or array, or the path of a file with one a line.
        vocabulary_dtype: "int32" or "int64".
        oov_method: how integers out of the vocabulary spread over several places: "floormod", the remainder; "farmhash", the hash of the digits.
        salt: with "farmhash", a number or two, the key of the hash.

    Shapes: any to the same; vectors as for CategoryEncoding.

    >>> IntegerLookup(vocabulary=[12, 36])([[12, 7], [36, 36]]).tolist()
    [[1, 0], [2, 2]]
    """

    def __init__(
        self, max_tokens: int | None = None, num_oov_indices: int = 1, mask_token: int | None = None, oov_token: int = -1, vocabulary: Any = None,
        vocabulary_dtype: str = "int64", idf_weights: Any = None, invert: bool = False, output_mode: str = "int", sparse: bool = False,
        pad_to_max_tokens: bool = False, oov_method: str = "floormod", salt: Any = None, name: str | None = None, **kwargs: Any
    ) -> None:  # fmt: skip
        if vocabulary_dtype not in ("int32", "int64"):
            raise ArgumentError(f"vocabulary_dtype must be 'int32' or 'int64', got {vocabulary_dtype!r}.")
        if salt is not None and oov_method != "farmhash":
            raise ArgumentError(f"salt is for oov_method='farmhash', got it with {oov_method!r}.")
        self.vocabulary_dtype = vocabulary_dtype
        super().__init__(
            max_tokens=max_tokens, num_oov_indices=num_oov_indices, mask_token=mask_token, oov_token=oov_token, vocabulary=vocabulary,
            idf_weights=idf_weights, invert=invert, output_mode=output_mode, sparse=sparse, pad_to_max_tokens=pad_to_max_tokens,
            oov_method=oov_method, salt=salt, name=name, **kwargs
        )  # fmt: skip

    def _token(self, token: Any) -> int:
        return int(token)

    def _plain(self, x: np.ndarray) -> list[Any]:
        if is_text(x) or x.dtype.kind not in "biuf":
            raise DataError(f"{self.name!r} looks integers up, got the dtype {x.dtype}. Use StringLookup for texts.")
        return x.astype(self.vocabulary_dtype, copy=False).ravel().tolist()

    def _bytes(self, tokens: list[Any]) -> list[bytes]:
        return [b"%d" % t for t in tokens]

    def _strangers(self, tokens: list[Any]) -> np.ndarray:
        return super()._strangers(tokens) if self.oov_method == "farmhash" else np.array(tokens) % self.num_oov_indices

    def call(self, inputs: Array) -> Array:
        """The places of integers, or the integers at places."""
        self._need_vocabulary()
        if self.invert:
            return self._inverted(inputs)
        if isinstance(inputs, np.ndarray) or (self.oov_method == "farmhash" and self.num_oov_indices > 1):
            found = on_host(lambda x: self.indices(self._plain(x)).reshape(x.shape), [inputs], tuple(inputs.shape), "int64", self.name)
        else:
            found = self._searched(inputs)
        return self._encode(found, idf=self._weights_of_places())

    def _inverted(self, inputs: Array) -> Array:
        tokens = np.array([*self.get_vocabulary(), self.oov_token], self.vocabulary_dtype)
        x = ops.cast(inputs, "int32")
        inside = ops.logical_and(ops.greater_equal(x, 0), ops.less(x, len(tokens) - 1))
        return ops.take(tokens, ops.where(inside, x, len(tokens) - 1), axis=0)

    def _searched(self, inputs: Array) -> Array:
        """The places, found by bisection in the sorted vocabulary: in ops, for compiled models."""
        if "sorted" not in self._tables:
            pairs = sorted(self._table(()).items())
            self._tables["sorted"] = tuple(np.array(column, self.vocabulary_dtype) for column in zip(*pairs, strict=True))
        tokens, places = self._tables["sorted"]
        x = ops.cast(inputs, self.vocabulary_dtype)
        at = ops.minimum(ops.searchsorted(tokens, x), len(tokens) - 1)
        start = len(self._special) - self.num_oov_indices
        other = ops.add(ops.mod(x, self.num_oov_indices), start) if self.num_oov_indices else ops.full_like(x, -1)
        return ops.where(ops.equal(ops.take(tokens, at, axis=0), x), ops.cast(ops.take(places, at, axis=0), self.vocabulary_dtype), other)
