"""Attention with several heads, each with projections of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cornu import constraints, initializers, ops, regularizers
from cornu.errors import ArgumentError, ShapeError
from cornu.layers.attention import Seed, attention_weights, causal_mask, check_rate
from cornu.layers.dropout import Dropout
from cornu.layers.einsum_dense import EinsumDense
from cornu.layers.inner import build_inner
from cornu.layers.layer import Layer
from cornu.layers.making import known_lengths
from cornu.ops.arguments import Array, as_axes, as_tuple
from cornu.registry import LAYERS

__all__ = ["GroupQueryAttention", "GroupedQueryAttention", "HeadedAttention", "MultiHeadAttention"]


class HeadedAttention(Layer):
    """Attention in several heads: queries, keys and values are projected for each, and what the heads find is projected to the outputs.

    MultiHeadAttention and GroupQueryAttention are this class with as many pairs of key and value heads as query heads, or fewer.

    Args:
        dropout: the share of the weights dropped in training.
        use_bias: whether the projections have biases.
        sliding_window: how far a target sees: sources fewer than that many places away; without bounds by default.
        flash_attention: True demands a fused kernel; None takes one where the backend has it.
        kernel_initializer, bias_initializer: the first values of the projections.
        kernel_regularizer, bias_regularizer: penalties on the weights of the projections.
        activity_regularizer: a penalty on the outputs.
        kernel_constraint, bias_constraint: projections of those weights after each update.
        use_gate: whether what each head finds is multiplied by `sigmoid` of one more projection of the query
            (Z. Qiu and others, https://arxiv.org/abs/2505.06708).
        seed: of the dropout: a whole number or a SeedGenerator; drawn afresh if None.

    Call arguments:
        query, value, key: (batch, …, features); the values are the keys too, unless keys are given.
        query_mask, value_mask, key_mask: booleans (batch, places), True where a place counts, found by themselves where the inputs
            have masks. Values and keys that do not count are not seen; the query's mask is that of the outputs.
        attention_mask: booleans (batch, targets, sources), with an axis of heads before these two or without the batch too.
        return_attention_scores: whether the weights, (batch, heads, targets, sources), come out too.
        training: whether dropout is at work.
        use_causal_mask: whether a target sees only sources up to its own place.

    A. Vaswani and others, https://arxiv.org/abs/1706.03762.
    """

    supports_masking = True
    _heads: tuple[int, int]
    """The number of query heads, and that of key and value heads, which divides it."""
    _lengths: tuple[int, int]
    """Of a head's queries and keys, and of its values."""
    _output_lengths: tuple[int, ...] | None = None
    """Of the outputs' last axes; that of the query's by default."""
    _axes: tuple[int, ...] | None = None
    """The axes over which attention runs; all but the first and the last by default."""

    def __init__(
        self,
        dropout: float,
        use_bias: bool,
        sliding_window: int | None,
        flash_attention: bool | None,
        kernel_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        bias_constraint: Any,
        use_gate: bool,
        seed: Seed,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dropout, self.use_bias, self.use_gate, self.seed = check_rate(dropout), use_bias, use_gate, seed
        self.sliding_window = None if sliding_window is None else as_tuple(sliding_window, 1, "sliding_window")[0]
        if flash_attention and dropout > 0:
            raise ArgumentError("flash_attention=True and dropout exclude each other: fused kernels drop nothing. Leave one out.")
        self.flash_attention = flash_attention
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self._dropout_layer = Dropout(dropout, seed=seed, dtype=self.dtype_policy)

    # --- weights ------------------------------------------------------------------------------------------------------

    def build(  # type: ignore[override]
        self, query_shape: tuple[int | None, ...], value_shape: tuple[int | None, ...], key_shape: Any = None
    ) -> None:
        """Makes the projections."""
        rank, key_shape = len(query_shape), value_shape if key_shape is None else key_shape
        if not len(value_shape) == len(key_shape) == rank >= 3:
            raise ShapeError(
                f"Query, value and key of {self.name!r} must be (batch, places, features), all with as many axes, got the shapes "
                f"{query_shape}, {value_shape} and {key_shape}."
            )
        self._axes = tuple(range(1, rank - 1)) if self._axes is None else as_axes(self._axes, rank)
        (heads, groups), (key_dim, value_dim) = self._heads, self._lengths
        self._query_dense = self._projection("query", "...d,dnh->...nh", (heads, key_dim), query_shape)
        self._key_dense = self._projection("key", "...d,dnh->...nh", (groups, key_dim), key_shape)
        if self.use_gate:
            self._gate_dense = self._projection("gate", "...d,dnh->...nh", (heads, value_dim), query_shape)
        self._value_dense = self._projection("value", "...d,dnh->...nh", (groups, value_dim), value_shape)
        lengths = self._output_lengths or known_lengths(self, query_shape, [-1])
        axes = "opqrstuvw"[: len(lengths)]
        self._output_dense = self._projection(
            "attention_output", f"...nh,nh{axes}->...{axes}", lengths, (*query_shape[:-1], heads, value_dim)
        )
        self.built = True

    def _projection(self, name: str, equation: str, lengths: tuple[int, ...], shape: Sequence[int | None]) -> EinsumDense:
        parts = ("kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer", "kernel_constraint", "bias_constraint")
        layer = EinsumDense(
            equation,
            output_shape=lengths,
            bias_axes=equation.rpartition("...")[2] if self.use_bias else None,
            dtype=self.dtype_policy,
            trainable=self.trainable,
            name=name,
            **{part: getattr(self, part) for part in parts},
        )
        layer.supports_masking = True  # places stay where they are
        layer._follows_policies_ = True  # a map given to this layer may have a policy for the path of the projection
        build_inner(layer, shape)
        return layer

    # --- the call -----------------------------------------------------------------------------------------------------

    def call(
        self,
        query: Array,
        value: Array,
        key: Array | None = None,
        query_mask: Array | None = None,
        value_mask: Array | None = None,
        key_mask: Array | None = None,
        attention_mask: Array | None = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """What the heads find, projected; the weights behind it with `return_attention_scores`."""
        places, sources = query.shape[:-1], value.shape[:-1]
        masks = [self._of_sources(m, sources) for m in (value_mask, key_mask) if m is not None]
        masks += [] if attention_mask is None else [self._of_pairs(attention_mask, places, sources)]
        gate = ops.sigmoid(self._gate_dense(query)) if self.use_gate else None
        q = self._in_a_row(self._query_dense(query))  # (batch, targets, heads, key_dim)
        k = self._in_a_row(self._key_dense(value if key is None else key))  # (batch, sources, groups, key_dim)
        v = self._in_a_row(self._value_dense(value))  # (batch, sources, groups, value_dim)
        if self.sliding_window is not None:
            distance = ops.subtract(ops.expand_dims(ops.arange(q.shape[1]), 1), ops.arange(k.shape[1]))
            masks.append(ops.less(ops.abs(distance), self.sliding_window))
        found, weights = self._attend(q, k, v, masks, bool(training), use_causal_mask, return_attention_scores)
        found = self._back_in_place(found, places)  # (batch, …, heads, value_dim)
        outputs = self._output_dense(found if gate is None else ops.multiply(found, gate))
        return (outputs, self._scores_in_place(weights, places, sources)) if return_attention_scores else outputs

    def _attend(
        self, q: Array, k: Array, v: Array, masks: list[Array], training: bool, causal: bool, wants_weights: bool
    ) -> tuple[Array, Array | None]:
        """What each head finds (batch, targets, heads, value_dim), and the weights (batch, heads, targets, sources) if they are wanted."""
        scale = 1 / math.sqrt(q.shape[-1])
        drops = training and self.dropout > 0
        if not wants_weights and not drops:
            seen = _all_of(masks)
            return ops.dot_product_attention(q, k, v, None, seen, scale, causal, self.flash_attention), None
        if self.flash_attention:
            raise ArgumentError(
                f"A fused kernel gives no weights: call {self.name!r} without return_attention_scores, or flash_attention=True."
            )
        batch, targets, heads, features = q.shape
        groups, sources = k.shape[2], k.shape[1]
        seen = _all_of([*masks, causal_mask(targets, sources)] if causal else masks)
        split = ops.reshape(ops.multiply(q, scale), (batch, targets, groups, heads // groups, features))
        scores = ops.reshape(ops.einsum("btgrh,bsgh->bgrts", split, k), (batch, heads, targets, sources))
        weights = attention_weights(scores, seen)
        kept = self._dropout_layer(weights, training=training)
        mixed = ops.einsum("bgrts,bsgh->btgrh", ops.reshape(kept, (batch, groups, heads // groups, targets, sources)), v)
        return ops.reshape(mixed, (batch, targets, heads, v.shape[-1])), weights

    # --- attention over axes of one's choice: the others join the batch ------------------------------------------------

    def _order(self, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Of the first `rank` axes, those that join the batch, and those over which attention runs."""
        assert self._axes is not None
        return tuple(a for a in range(rank) if a not in self._axes), self._axes

    def _in_a_row(self, x: Array) -> Array:
        """(batch, …, heads, length) as (batch, places, heads, length)."""
        rank = x.ndim - 2
        rest, axes = self._order(rank)
        x = ops.transpose(x, (*rest, *axes, rank, rank + 1)) if (*rest, *axes) != tuple(range(rank)) else x
        batch, places = x.shape[: len(rest)], x.shape[len(rest) : rank]
        return ops.reshape(x, (math.prod(batch), math.prod(places), *x.shape[-2:])) if rank > 2 else x

    def _back_in_place(self, x: Array, places: Sequence[int]) -> Array:
        """Undoes `_in_a_row`."""
        rank = len(places)
        if rank == 2:
            return x
        order = [a for part in self._order(rank) for a in part]
        x = ops.reshape(x, (*(places[a] for a in order), *x.shape[-2:]))
        return ops.transpose(x, (*(order.index(a) for a in range(rank)), rank, rank + 1))

    def _scores_in_place(self, weights: Array | None, places: Sequence[int], sources: Sequence[int]) -> Array:
        """The weights with an axis for each of the batch, then heads, targets and sources."""
        rest, axes = self._order(len(places))
        shape = (*(places[a] for a in rest), self._heads[0], *(places[a] for a in axes), *(sources[a] for a in axes))
        return ops.reshape(weights, shape)

    def _of_sources(self, mask: Array, sources: Sequence[int]) -> Array:
        """A mask of sources, of axes of the batch and those of attention, else of the value's first axes, as (batch, 1, 1, places)."""
        rest, axes = self._order(len(sources))
        named = (*rest[: max(mask.ndim - len(axes), 1)], *axes)
        if tuple(mask.shape) != tuple(sources[a] for a in named):
            named = tuple(range(mask.ndim))
        if tuple(mask.shape) != tuple(sources[a] for a in named if a < len(sources)):
            raise ShapeError(
                f"A mask of the value of {self.name!r} must be (batch, places), got the shape {tuple(mask.shape)} for a value "
                f"{tuple(sources)} without its features."
            )
        order = (*rest, *axes)
        mask = ops.transpose(ops.cast(mask, "bool"), sorted(range(mask.ndim), key=lambda i: order.index(named[i])))
        mask = ops.broadcast_to(ops.reshape(mask, [sources[a] if a in named else 1 for a in order]), [sources[a] for a in order])
        return ops.reshape(mask, (math.prod(sources[a] for a in rest), 1, 1, math.prod(sources[a] for a in axes)))

    def _of_pairs(self, mask: Array, places: Sequence[int], sources: Sequence[int]) -> Array:
        """A mask of pairs, (batch, …, [heads,] targets, sources), as (batch, heads or 1, targets, sources)."""
        rest, axes = self._order(len(places))
        mask = ops.cast(ops.convert_to_tensor(mask), "bool")
        leading = mask.ndim - 2 * len(axes)
        if not 0 <= leading <= len(rest) + 1:
            raise ShapeError(
                f"attention_mask of {self.name!r} must be (batch, targets, sources), with heads before the last two or not, got the shape "
                f"{tuple(mask.shape)} for a query {tuple(places)} and a value {tuple(sources)} without their features."
            )
        mask = ops.reshape(mask, (*mask.shape[:leading], *[1] * (len(rest) + 1 - leading), *mask.shape[leading:]))
        batch, targets, seen = [places[a] for a in rest], [places[a] for a in axes], [sources[a] for a in axes]
        mask = ops.broadcast_to(mask, (*batch, mask.shape[len(rest)], *targets, *seen))
        return ops.reshape(mask, (math.prod(batch), mask.shape[len(rest)], math.prod(targets), math.prod(seen)))


def _as_tuple(numbers: int | Sequence[int]) -> tuple[int, ...]:
    return (numbers,) if isinstance(numbers, int) else tuple(numbers)


def _all_of(masks: Sequence[Array]) -> Array | None:
    """Where all of the masks hold; None without any."""
    seen = None
    for mask in masks:
        seen = mask if seen is None else ops.logical_and(seen, mask)
    return seen


@LAYERS.add
class MultiHeadAttention(HeadedAttention):
    """Attention in `num_heads` heads: `concat over heads of softmax(q @ k.T / sqrt(key_dim)) @ v`, projected.

    Here q, k and v are the head's projections of query, key and value. For what a call takes and gives, and for arguments that are not
    below, see `HeadedAttention`.

    Args:
        num_heads: the number of heads.
        key_dim: the length of a head's queries and keys.
        value_dim: that of its values; key_dim by default.
        output_shape: the length of the outputs, or lengths of several axes; the query's by default.
        attention_axes: the axes over which attention runs; all but the first and the last by default.

    Shapes: query (batch, targets, features), value and key (batch, sources, …), to (batch, targets, output_shape).

    Weights: query, key and value kernels (features, num_heads, key_dim or value_dim), attention_output kernel (num_heads, value_dim,
    output_shape), that of the gate as the query's, Glorot uniform; biases, zeros.

    >>> import numpy as np
    >>> x = np.ones((1, 4, 6), "float32")
    >>> outputs, weights = MultiHeadAttention(2, 3)(x, x, return_attention_scores=True)
    >>> outputs.shape, weights.shape
    ((1, 4, 6), (1, 2, 4, 4))
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: Seed = None,
        **kwargs: Any,
    ) -> None:
        (heads,), (length,) = as_tuple(num_heads, 1, "num_heads"), as_tuple(key_dim, 1, "key_dim")
        (of_values,) = (length,) if value_dim is None else as_tuple(value_dim, 1, "value_dim")
        super().__init__(
            dropout, use_bias, sliding_window, flash_attention, kernel_initializer,
            bias_initializer, kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint, use_gate, seed,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self._heads, self._lengths = (heads, heads), (length, of_values)
        self.num_heads, self.key_dim, self.value_dim = heads, length, of_values
        self.output_shape = None if output_shape is None else _as_tuple(output_shape)
        self.attention_axes = None if attention_axes is None else _as_tuple(attention_axes)
        self._output_lengths, self._axes = self.output_shape, self.attention_axes

    def build(  # type: ignore[override]
        self, query_shape: tuple[int | None, ...], value_shape: tuple[int | None, ...], key_shape: Any = None
    ) -> None:
        """Makes the projections."""
        super().build(query_shape, value_shape, key_shape)
        self.attention_axes = self._axes
        self.query_dense, self.key_dense = self._query_dense, self._key_dense  # the names under which files hold them
        self.value_dense, self.output_dense = self._value_dense, self._output_dense


class GroupedQueryAttention(HeadedAttention):
    """Attention whose query heads share keys and values in groups: `num_query_heads` of the one, `num_key_value_heads` of the other.

    With as many of both it is MultiHeadAttention; with one pair of key and value heads, multi-query attention. For what a call takes and
    gives, and for arguments that are not below, see `HeadedAttention`.

    Args:
        head_dim: the length of a head's queries, keys and values.
        num_query_heads: the number of query heads.
        num_key_value_heads: the number of key and value heads, which divides it.

    Shapes: query (batch, targets, features), value and key (batch, sources, …), to (batch, targets, features).

    Weights: query kernel (features, num_query_heads, head_dim), key and value kernels (features, num_key_value_heads, head_dim),
    attention_output kernel (num_query_heads, head_dim, features), that of the gate as the query's, Glorot uniform; biases, zeros.

    J. Ainslie and others, "GQA", https://arxiv.org/abs/2305.13245.

    >>> import numpy as np
    >>> x = np.ones((1, 4, 6), "float32")
    >>> GroupedQueryAttention(3, num_query_heads=4, num_key_value_heads=2)(x, x).shape
    (1, 4, 6)
    """

    public_name = "GroupQueryAttention"

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: Seed = None,
        **kwargs: Any,
    ) -> None:
        sizes = {"head_dim": head_dim, "num_query_heads": num_query_heads, "num_key_value_heads": num_key_value_heads}
        length, heads, groups = (as_tuple(value, 1, name)[0] for name, value in sizes.items())
        if heads % groups:
            raise ArgumentError(f"num_key_value_heads must divide num_query_heads, got {groups} and {heads}.")
        super().__init__(
            dropout, use_bias, sliding_window, flash_attention, kernel_initializer,
            bias_initializer, kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint, use_gate, seed,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self._heads, self._lengths = (heads, groups), (length, length)
        self.head_dim, self.num_query_heads, self.num_key_value_heads = length, heads, groups


# The class and its groups in weight files have one name in Keras, the public class another.
GroupQueryAttention = LAYERS.add(GroupedQueryAttention, "GroupQueryAttention")
