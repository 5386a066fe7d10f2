"""Categories as numbers: what lookups, hashes, bins and encodings share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import config, dtypes, ops, tree
from cornu.backends.spec import TensorSpec
from cornu.errors import ArgumentError
from cornu.layers.layer import Layer
from cornu.layers.texts import as_data
from cornu.ops.arguments import Array

__all__ = ["Categorical", "check_mode", "counts", "encode", "encoded_shape"]

MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")


def check_mode(layer: str, mode: Any, known: Sequence[str] = MODES, sparse: bool = False) -> str:
    """The output mode ("binary" is another word for "multi_hot"), if the layer has it.

    Raises:
        ArgumentError: it has not, or sparse outputs are asked for.
    """
    if sparse:
        raise ArgumentError(
            f"{layer} gives dense arrays, got sparse=True. Use output_mode='int' with an Embedding where the categories are many."
        )
    mode = "multi_hot" if mode == "binary" else mode
    if mode not in known:
        raise ArgumentError(f"output_mode of {layer} must be {' or '.join(map(repr, known))}, got {mode!r}.")
    return str(mode)


def encoded_shape(shape: Sequence[int | None], mode: str, depth: int) -> tuple[int | None, ...]:
    """The shape of `encode`'s result."""
    shape = tuple(shape)
    if mode == "int":
        return shape
    if mode == "one_hot":
        return (*(shape[:-1] if shape[-1:] == (1,) and len(shape) > 1 else shape or (1,)), depth)
    return (*shape[:-1], depth)


def counts(indices: Array, depth: int, dtype: str, weights: Array | None = None) -> Array:
    """How often each index comes along the last axis, or the sum of its weights; one outside of [0, depth) counts nowhere.

    Nothing of the size of indices times depth is made.
    """
    rows, length = tuple(indices.shape[:-1]), indices.shape[-1] if indices.ndim else 1
    flat = ops.reshape(indices, (-1,))
    count = math.prod(rows)
    starts = ops.reshape(ops.repeat(ops.arange(count, dtype=dtypes.standardize(flat.dtype)), length), (-1,))
    inside = ops.logical_and(ops.greater_equal(flat, 0), ops.less(flat, depth))
    places = ops.where(inside, ops.add(ops.multiply(starts, depth), flat), count * depth)
    amounts = ops.ones_like(flat, dtype) if weights is None else ops.cast(ops.reshape(weights, (-1,)), dtype)
    return ops.reshape(ops.segment_sum(amounts, places, count * depth + 1)[: count * depth], (*rows, depth))


def encode(indices: Array, mode: str, depth: int, dtype: str, weights: Array | None = None, idf: Any = None) -> Array:
    """Indices as they are, or as vectors with a place for each category.

    Args:
        indices: whole numbers.
        mode: "int"; "one_hot": a vector for each index, an axis of length 1 at the end gone; along the last axis, "multi_hot": 1 for each
            index that is there, "count": how often, "tf_idf": how often, times the weight.
        depth: the number of categories.
        dtype: of the result.
        weights: for "count", what each index counts.
        idf: for "tf_idf", the weight of each category.
    """
    if mode == "int":
        return ops.cast(indices, dtype)
    if mode == "one_hot":
        rank = len(indices.shape)
        indices = ops.expand_dims(indices, 0) if rank == 0 else ops.squeeze(indices, -1) if rank > 1 and indices.shape[-1] == 1 else indices
        return ops.one_hot(indices, depth, dtype=dtype)
    found = counts(indices, depth, dtype, weights)
    if mode == "multi_hot":
        return ops.minimum(found, 1)
    return found if idf is None else ops.multiply(found, ops.convert_to_tensor(idf, dtype))


class Categorical(Layer):
    """A layer from categories to numbers; its inputs keep their dtypes, and NumPy's arrays and lists stay on the host until it has done its part."""

    output_mode: str
    _on_host_ = True

    def _own_(self, x: Any) -> Any:
        if isinstance(x, dict):
            return tree.map_structure(self._own_, x)
        return as_data(x)

    def _accept_(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(map(self._own_, args))

    @property
    def output_dtype(self) -> str:
        """The dtype of the outputs: whole numbers as indices, floats as vectors; the layer's own where it is of that kind."""
        own = self.compute_dtype
        if self.output_mode == "int":
            return own if dtypes.is_integer(own) else "int64"
        return own if dtypes.is_floating(own) else config.floatx()

    @property
    def depth(self) -> int:
        """The number of categories."""
        raise NotImplementedError(f"{type(self).__name__} must define `depth`.")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs."""
        return encoded_shape(input_shape, self.output_mode, 0 if self.output_mode == "int" else self.depth)

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Shape and dtype of the outputs."""
        return TensorSpec(self.compute_output_shape(tuple(inputs.shape)), self.output_dtype)

    def _encode(self, indices: Any, weights: Any = None, idf: Any = None) -> Any:
        """Indices, from the host or not, as the outputs."""
        if isinstance(indices, np.ndarray):
            indices = ops.convert_to_tensor(indices)
        return encode(indices, self.output_mode, 0 if self.output_mode == "int" else self.depth, self.output_dtype, weights, idf)
