"""A table of vectors that is read in both directions."""

from __future__ import annotations

from typing import Any

from cornu import dtypes, ops
from cornu.errors import ArgumentError
from cornu.layers.embedding import Embedding
from cornu.layers.making import make_weight
from cornu.ops.arguments import Array
from cornu.registry import LAYERS

__all__ = ["ReversibleEmbedding"]


@LAYERS.add
class ReversibleEmbedding(Embedding):
    """An embedding that also goes back, from vectors to a score for each id: `vectors @ embeddings.T`, as language models end.

    Args:
        input_dim, output_dim, embeddings_initializer, embeddings_regularizer, embeddings_constraint, mask_zero: see `Embedding`.
        tie_weights: whether the way back uses the same table; else it has a table of its own.
        reverse_dtype: the dtype of the way back; that of the computation by default.
        logit_soft_cap: c of `c * tanh(scores / c)`, which keeps scores between -c and c; none by default.

    Call arguments:
        inputs: ids; or vectors (…, output_dim) with `reverse`.
        reverse: whether to go back.

    Shapes: ids of any shape to that shape and output_dim; with `reverse`, (…, output_dim) to (…, input_dim). Weights: embeddings
    (input_dim, output_dim), uniform on [-0.05, 0.05); without `tie_weights` reverse_embeddings (output_dim, input_dim), likewise.

    O. Press, L. Wolf, "Using the output embedding to improve language models", https://arxiv.org/abs/1608.05859.

    >>> import numpy as np
    >>> layer = ReversibleEmbedding(5, 3)
    >>> layer(layer(np.array([[1, 2]])), reverse=True).shape
    (1, 2, 5)
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        reverse_dtype: Any = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(input_dim, output_dim, embeddings_initializer, embeddings_regularizer, embeddings_constraint, mask_zero, **kwargs)
        self.tie_weights = tie_weights
        self.reverse_dtype = None if reverse_dtype is None else dtypes.standardize(reverse_dtype)
        if logit_soft_cap is not None and not logit_soft_cap > 0:
            raise ArgumentError(f"logit_soft_cap must be a number above 0, got {logit_soft_cap!r}.")
        self.logit_soft_cap = logit_soft_cap

    def build(self, input_shape: Any = None) -> None:
        """Makes the table, and that of the way back if it is another."""
        super().build(input_shape)
        if not self.tie_weights:
            shape = (self.output_dim, self.input_dim)
            self.reverse_embeddings = make_weight(self, "reverse_embeddings", shape, by="embeddings", autocast=False)

    def call(self, inputs: Array, reverse: bool = False) -> Array:
        """The vectors at these ids; or the scores of all ids for these vectors."""
        if not reverse:
            return super().call(inputs)
        dtype = self.reverse_dtype or self.compute_dtype
        kernel = ops.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        logits = ops.matmul(ops.cast(inputs, dtype), ops.cast(kernel, dtype))
        if self.logit_soft_cap is None:
            return logits
        return ops.multiply(ops.tanh(ops.divide(logits, self.logit_soft_cap)), self.logit_soft_cap)

    def compute_mask(self, inputs: Array, previous_mask: Any = None) -> Any:
        """Where the ids are not 0, with `mask_zero`; on the way back, where the vectors count."""
        ids = "int" in dtypes.standardize(inputs.dtype)
        return super().compute_mask(inputs, previous_mask) if ids else previous_mask
