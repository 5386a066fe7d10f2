"""Whole numbers as vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu import ops
from cornu.errors import ArgumentError, DataError
from cornu.layers.categories import Categorical, check_mode
from cornu.ops.arguments import Array
from cornu.registry import LAYERS

__all__ = ["CategoryEncoding"]


@LAYERS.add
class CategoryEncoding(Categorical):
    """Categories that are numbered from 0 on as vectors of one place each.

    Args:
        num_tokens: how many categories there are.
        output_mode: "one_hot": a vector for each number; along the last axis, "multi_hot": 1 for each number that is there, "count": how often.
        sparse: must be False; arrays are dense.

    Shapes: (…, length) to (…, num_tokens); for "one_hot" (…, 1) to (…, num_tokens) and any other to (…, length, num_tokens). No weights. In a
    compiled model a number outside of [0, num_tokens) counts nowhere; where the numbers are at hand it is an error.

    >>> CategoryEncoding(4)([[0, 1], [3, 3]]).tolist()
    [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """

    def __init__(self, num_tokens: int | None = None, output_mode: str = "multi_hot", sparse: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if num_tokens is None or num_tokens < 1:
            raise ArgumentError(f"num_tokens must be the number of categories, got {num_tokens!r}. IntegerLookup finds it in the data.")
        self.num_tokens = num_tokens
        self.output_mode = check_mode("CategoryEncoding", output_mode, ("one_hot", "multi_hot", "count"), sparse)
        self.sparse = sparse

    @property
    def depth(self) -> int:
        """The number of categories."""
        return self.num_tokens

    def call(self, inputs: Array, count_weights: Array | None = None) -> Array:
        """The vectors; `count_weights`, shaped as the inputs, is what each number counts with output_mode="count"."""
        if count_weights is not None and self.output_mode != "count":
            raise ArgumentError(f"count_weights are for output_mode='count', got them with {self.output_mode!r}.")
        if isinstance(inputs, np.ndarray) and inputs.size and not (inputs.min() >= 0 and inputs.max() < self.num_tokens):
            wrong = inputs[(inputs < 0) | (inputs >= self.num_tokens)].ravel()[0]
            raise DataError(
                f"Categories of {self.name!r} must be in [0, {self.num_tokens}), got {wrong}. Choose num_tokens above the largest."
            )
        numbers = inputs.astype("int64") if isinstance(inputs, np.ndarray) else ops.cast(inputs, "int32")
        return self._encode(numbers, count_weights)
