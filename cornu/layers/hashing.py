"""Categories without a vocabulary: each goes to the bin that its hash names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.backends.spec import TensorSpec
from cornu.errors import ArgumentError, DataError, ShapeError
from cornu.layers.categories import Categorical, check_mode, encoded_shape
from cornu.layers.fingerprints import combine, fingerprints, keyed_hashes
from cornu.layers.texts import as_bytes, is_text, on_host, tokens_of
from cornu.ops.arguments import Array
from cornu.registry import LAYERS

__all__ = ["HashedCrossing", "Hashing", "hash_bytes"]

CROSSING_KEY = np.uint64(0xDECAFCAFFE)
"""What crosses are begun with, so that bins are those of Keras."""


def hash_bytes(texts: Sequence[bytes], salt: tuple[int, int] | None) -> np.ndarray:
    """A 64-bit hash of each text: FarmHash's fingerprint, or with a salt SipHash under that key."""
    return fingerprints(texts) if salt is None else keyed_hashes(texts, salt)


def as_salt(layer: str, salt: Any) -> tuple[int, int] | None:
    """A salt as a key of two numbers; one number is both.

    Raises:
        ArgumentError: it is no salt.
    """
    if salt is None:
        return None
    pair = tuple(salt) if isinstance(salt, (list, tuple)) else (salt, salt)
    if len(pair) != 2 or not all(isinstance(v, (int, np.integer)) for v in pair):
        raise ArgumentError(f"salt of {layer} must be a whole number or two of them, got {salt!r}.")
    return int(pair[0]), int(pair[1])


def _check_bins(layer: str, num_bins: Any) -> int:
    if not isinstance(num_bins, (int, np.integer)) or num_bins < 1:
        raise ArgumentError(f"num_bins of {layer} must be a positive whole number, got {num_bins!r}.")
    return int(num_bins)


@LAYERS.add
class Hashing(Categorical):
    """The bin that a category's hash names: `hash(category) mod num_bins`, the same in every process and on every machine.

    The hash is FarmHash's Fingerprint64 of the text, or of the integer as it is written in decimal; with a salt it is SipHash-2-4 under that key.
    It is computed on the host, so the layer is for the data pipeline, not for the inside of a compiled model.

    Args:
        num_bins: how many bins there are, that of the mask included.
        mask_value: what always goes to bin 0; all else then goes to the others.
        salt: a number or two, the key. Different salts give different collisions.
        output_mode: "int"; "one_hot", "multi_hot" or "count" as for CategoryEncoding.
        sparse: must be False; arrays are dense.

    Shapes: any to the same, or with a place for each bin at the end. No weights.

    References: Weinberger et al., "Feature hashing for large scale multitask learning", 2009.

    >>> Hashing(3)([["A"], ["B"], ["E"]]).tolist()
    [[1], [0], [2]]
    """

    _takes_texts_ = True

    def __init__(
        self, num_bins: int, mask_value: Any = None, salt: Any = None, output_mode: str = "int", sparse: bool = False, **kwargs: Any
    ) -> None:
        self.output_mode = check_mode("Hashing", output_mode, ("int", "one_hot", "multi_hot", "count"), sparse)
        super().__init__(**_whole_numbers(kwargs, self.output_mode))
        self.num_bins, self.mask_value, self.sparse = _check_bins("Hashing", num_bins), mask_value, sparse
        if mask_value is not None and self.num_bins < 2:
            raise ArgumentError("num_bins of Hashing must be at least 2 with a mask_value, which has bin 0 to itself, got 1.")
        self.salt = as_salt("Hashing", salt)

    @property
    def depth(self) -> int:
        """The number of bins."""
        return self.num_bins

    def call(self, inputs: Array) -> Array:
        """The bins."""
        return self._encode(on_host(self._bins, [inputs], tuple(inputs.shape), "int64", self.name))

    def _bins(self, x: np.ndarray) -> np.ndarray:
        tokens = as_bytes(tokens_of(x)) if is_text(x) else _written(x)
        if self.mask_value is None:
            bins = hash_bytes(tokens, self.salt) % np.uint64(self.num_bins)
        else:
            (mask,) = as_bytes([self.mask_value if isinstance(self.mask_value, (str, bytes)) else str(int(self.mask_value))])
            masked = np.fromiter((t == mask for t in tokens), bool, len(tokens))
            bins = np.where(masked, 0, hash_bytes(tokens, self.salt) % np.uint64(self.num_bins - 1) + np.uint64(1))
        return bins.astype("int64").reshape(x.shape)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "salt": None if self.salt is None else list(self.salt)}


def _written(x: np.ndarray) -> list[bytes]:
    """Whole numbers in decimal."""
    if x.dtype.kind not in "biuf":
        raise DataError(f"Hashing takes texts or whole numbers, got the dtype {x.dtype}.")
    return [b"%d" % v for v in x.astype("int64", copy=False).ravel().tolist()]


def _whole_numbers(kwargs: dict[str, Any], mode: str) -> dict[str, Any]:
    """The arguments of every layer, with int64 for the dtype that was not given where outputs are whole numbers."""
    return {**kwargs, "dtype": "int64"} if kwargs.get("dtype") is None and mode == "int" else kwargs


@LAYERS.add
class HashedCrossing(Categorical):
    """Two or more categories together as one, by the hash of all: `hash(a, b, …) mod num_bins`.

    Args:
        num_bins: how many bins there are.
        output_mode: "int", or "one_hot".
        sparse: must be False; arrays are dense.
        name, dtype: as for every layer.

    Shapes: a list of inputs, all (batch,), (batch, 1) or (), of texts or whole numbers, to the same shape; with "one_hot" to (batch, num_bins).
    No weights. Hashes are computed on the host: the layer is for the data pipeline.

    >>> HashedCrossing(5)((["A", "B"], [101, 101])).tolist()
    [1, 4]
    """

    _takes_texts_ = True
    _config_omits_ = ("trainable",)

    def __init__(
        self, num_bins: int, output_mode: str = "int", sparse: bool = False, name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        self.output_mode = check_mode("HashedCrossing", output_mode, ("int", "one_hot"), sparse)
        super().__init__(name=name, **_whole_numbers({**kwargs, "dtype": dtype}, self.output_mode))
        self.num_bins, self.sparse = _check_bins("HashedCrossing", num_bins), sparse

    @property
    def depth(self) -> int:
        """The number of bins."""
        return self.num_bins

    def _accept_(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(args) != 1 or not isinstance(args[0], (list, tuple)) or len(args[0]) < 2:
            raise ArgumentError(f"HashedCrossing takes a list of two inputs or more, got {args[0] if len(args) == 1 else args!r}.")
        inputs = tuple(map(self._own_, args[0]))
        shape = tuple(inputs[0].shape)
        if any(tuple(x.shape) != shape for x in inputs) or len(shape) > 2 or (len(shape) == 2 and shape[1] != 1):
            raise ShapeError(
                f"Inputs of {self.name!r} must all be (batch,), (batch, 1) or (), got {[tuple(x.shape) for x in inputs]}. Cross one feature at a time."
            )
        return (inputs,)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs, for the inputs' shapes."""
        return encoded_shape(input_shape[0], self.output_mode, self.num_bins)

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Shape and dtype of the outputs."""
        return TensorSpec(self.compute_output_shape([tuple(x.shape) for x in inputs]), self.output_dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the policy by its name."""
        return {**super().get_config(), "dtype": self.dtype_policy.name}

    def call(self, inputs: Sequence[Array]) -> Array:
        """The bins."""
        return self._encode(on_host(self._bins, inputs, tuple(inputs[0].shape), "int64", self.name))

    def _bins(self, *inputs: np.ndarray) -> np.ndarray:
        crossed = np.full(inputs[0].size, CROSSING_KEY)
        for x in inputs:
            crossed = combine(crossed, _feature(x))
        return (crossed % np.uint64(self.num_bins)).astype("int64").reshape(inputs[0].shape)


def _feature(x: np.ndarray) -> np.ndarray:
    """64 bits of each category: the fingerprint of a text, an integer itself."""
    if is_text(x):
        return fingerprints(as_bytes(tokens_of(x)))
    if x.dtype.kind not in "biu":
        raise DataError(
            f"HashedCrossing takes texts or whole numbers, got the dtype {x.dtype}. Discretization makes whole numbers of floats."
        )
    return x.ravel().astype("int64").astype("uint64")
