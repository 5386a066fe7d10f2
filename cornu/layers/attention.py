"""Attention with one head and no projections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import dtypes, ops, random
from cornu.backends.spec import TensorSpec
from cornu.errors import ArgumentError, ShapeError
from cornu.layers.activation import exact_softmax
from cornu.layers.layer import Layer
from cornu.layers.making import known_lengths
from cornu.ops.arguments import Array
from cornu.registry import LAYERS
from cornu.state import SeedGenerator

__all__ = ["AdditiveAttention", "Attention", "ScoredAttention", "attention_weights", "causal_mask", "check_rate"]

Seed = int | SeedGenerator | None


def check_rate(dropout: float) -> float:
    """The share to drop; raises unless it is at least 0 and below 1."""
    if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout < 1:
        raise ArgumentError(f"dropout must be at least 0 and below 1, got {dropout!r}.")
    return dropout


def causal_mask(targets: int, sources: int) -> Array:
    """Booleans (targets, sources): whether the source stands no later than the target."""
    return ops.greater_equal(ops.expand_dims(ops.arange(targets), 1), ops.arange(sources))


def attention_weights(scores: Array, seen: Array | None) -> Array:
    """Positive numbers that sum to 1 over the sources, 0 where a source is not seen; equal ones where none is."""
    if seen is not None:
        scores = ops.where(seen, scores, 0.7 * dtypes.limits(dtypes.standardize(scores.dtype))[0])
    return exact_softmax(scores)


class ScoredAttention(Layer):
    """Each query's mean of the values, weighted by how its key fits: `softmax(scores(query, key)) @ value`.

    Attention and AdditiveAttention are this class with scores of their own.

    Args:
        dropout: the share of the weights dropped in training.
        seed: of the dropout: a whole number or a SeedGenerator; drawn afresh if None.

    Call arguments:
        inputs: [query, value] or [query, value, key]: (batch, targets, features), (batch, sources, …), (batch, sources, features). The
            values are the keys too, unless keys are given.
        mask: [query mask, value mask] (a third is that of the keys, and not needed), booleans (batch, targets) and (batch, sources),
            or None for one. Outputs are 0 where the query's is False; values where theirs is False are not seen.
        training: whether dropout is at work.
        return_attention_scores: whether the weights (batch, targets, sources) come out too.
        use_causal_mask: whether a target sees only sources up to its own place.

    Shapes: to (batch, targets, features of the values). The mask of the outputs is the query's.
    """

    supports_masking = True

    def __init__(self, dropout: float = 0.0, seed: Seed = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dropout, self.seed = check_rate(dropout), seed
        self.seed_generator = (seed if isinstance(seed, SeedGenerator) else SeedGenerator(seed)) if dropout > 0 else None

    def scores(self, query: Array, key: Array) -> Array:
        """How well each key fits each query: (batch, targets, sources)."""
        raise NotImplementedError(f"{type(self).__name__} must define `scores(self, query, key)`.")

    def build(self, input_shape: Sequence[Any]) -> None:
        """Checks the shapes and makes the weights of the scores."""
        if not 2 <= len(input_shape) <= 3 or any(n is None or isinstance(n, int) for n in input_shape):
            raise ShapeError(f"Layer {self.name!r} takes a list, [query, value] or [query, value, key], got inputs of shape {input_shape}.")
        self.make_weights(input_shape)
        self.built = True

    def make_weights(self, shapes: Sequence[Any]) -> None:
        """The weights of the scores, for inputs of these shapes."""
        raise NotImplementedError(f"{type(self).__name__} must define `make_weights(self, shapes)`.")

    def call(
        self,
        inputs: Sequence[Array],
        mask: Sequence[Array | None] | None = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """The weighted means, and the weights behind them with `return_attention_scores`."""
        query, value, *more = inputs
        key = more[0] if more else value
        query_mask, value_mask = (None, None) if mask is None else mask[:2]
        seen = None if value_mask is None else ops.expand_dims(ops.cast(value_mask, "bool"), 1)  # (batch, 1, sources)
        if use_causal_mask:
            causal = causal_mask(query.shape[1], key.shape[1])
            seen = causal if seen is None else ops.logical_and(seen, causal)
        weights = attention_weights(self.scores(query, key), seen)
        if training and self.seed_generator is not None and not isinstance(weights, TensorSpec):
            weights = random.dropout(weights, self.dropout, seed=self.seed_generator)
        outputs = ops.matmul(weights, value)
        if query_mask is not None:
            outputs = ops.where(ops.expand_dims(ops.cast(query_mask, "bool"), -1), outputs, 0)
        return (outputs, weights) if return_attention_scores else outputs

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The query's."""
        return None if previous_mask is None else previous_mask[0]


@LAYERS.add
class Attention(ScoredAttention):
    """Dot-product attention: scores `scale * query @ key.T`, or those of "concat", `w * sum(tanh(scale * (query + key)))`.

    For what a call takes and gives, and for dropout and seed, see `ScoredAttention`; beside those:

    Args:
        use_scale: whether the scale is learnt; else it is 1.
        score_mode: "dot" or "concat".

    Weights: scale () with `use_scale`, one; concat_score_weight () with "concat", one.

    M.-T. Luong and others, https://arxiv.org/abs/1508.04025.

    >>> import numpy as np
    >>> Attention()([np.ones((1, 2, 3), "float32"), np.ones((1, 4, 3), "float32")]).shape
    (1, 2, 3)
    """

    def __init__(self, use_scale: bool = False, score_mode: str = "dot", dropout: float = 0.0, seed: Seed = None, **kwargs: Any) -> None:
        super().__init__(dropout, seed, **kwargs)
        if score_mode not in ("dot", "concat"):
            raise ArgumentError(f"score_mode must be 'dot' or 'concat', got {score_mode!r}.")
        self.use_scale, self.score_mode = use_scale, score_mode

    def make_weights(self, shapes: Sequence[Any]) -> None:
        self.scale = self.add_weight((), "ones", name="scale") if self.use_scale else None
        self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight") if self.score_mode == "concat" else None

    def scores(self, query: Array, key: Array) -> Array:
        scale = 1.0 if self.scale is None else self.scale
        if self.score_mode == "dot":
            return ops.multiply(ops.matmul(query, ops.swapaxes(key, 1, 2)), scale)
        pairs = ops.add(ops.expand_dims(query, 2), ops.expand_dims(key, 1))  # (batch, targets, sources, features)
        return ops.multiply(ops.sum(ops.tanh(ops.multiply(pairs, scale)), -1), self.concat_score_weight)


@LAYERS.add
class AdditiveAttention(ScoredAttention):
    """Additive attention: scores `sum(scale * tanh(query + key))`, a scale for each feature.

    For what a call takes and gives, and for dropout and seed, see `ScoredAttention`; beside those:

    Args:
        use_scale: whether the scale is learnt; else it is 1.

    Weights: scale (features,) with `use_scale`, Glorot uniform.

    D. Bahdanau and others, https://arxiv.org/abs/1409.0473.

    >>> import numpy as np
    >>> AdditiveAttention()([np.ones((1, 2, 3), "float32"), np.ones((1, 4, 3), "float32")]).shape
    (1, 2, 3)
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(dropout, **kwargs)
        self.use_scale = use_scale

    def make_weights(self, shapes: Sequence[Any]) -> None:
        self.scale = self.add_weight(known_lengths(self, shapes[0], [-1]), "glorot_uniform", name="scale") if self.use_scale else None

    def scores(self, query: Array, key: Array) -> Array:
        fit = ops.tanh(ops.add(ops.expand_dims(query, 2), ops.expand_dims(key, 1)))  # (batch, targets, sources, features)
        return ops.sum(fit if self.scale is None else ops.multiply(fit, self.scale), -1)
