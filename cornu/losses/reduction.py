"""From values per sample to one number: targets aligned with outputs, masks and sample weights applied, values reduced."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.errors import ArgumentError, ShapeError
from cornu.ops import dispatch
from cornu.ops.arguments import Array, array

__all__ = ["REDUCTIONS", "align", "arrays", "combine_weights", "reduce_values", "spread_weights", "standardize_reduction"]

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None)


def standardize_reduction(reduction: str | None) -> str:
    """The reduction's name, checked: "mean" is "sum_over_batch_size" by its short name, None is "none".

    >>> standardize_reduction(None), standardize_reduction("sum")
    ('none', 'sum')
    """
    if reduction not in REDUCTIONS:
        raise ArgumentError(f"A reduction must be one of {', '.join(map(repr, REDUCTIONS))}, got {reduction!r}.")
    return "none" if reduction is None else reduction


def arrays(*xs: Array) -> tuple[Array, ...]:
    """The arguments as arrays of the one backend among them; numbers, lists and NumPy arrays join it."""
    first = type(xs[0])
    if dispatch.is_array(xs[0]) and all(type(x) is first for x in xs):
        return xs
    on = dispatch.interpreter_of(*xs)
    if not hasattr(on, "asarray"):  # a graph is being recorded: ops take what is not symbolic as it is
        return tuple(x if hasattr(x, "shape") else ops.convert_to_tensor(x) for x in xs)
    return tuple(array(on, getattr(x, "value", x)) for x in xs)


def align(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """Targets and outputs of one rank where they differ by a last axis of length 1, so that (N,) never spreads against (N, 1) to (N, N).

    (N,) beside (N, 1) becomes (N, 1); of higher ranks the last axis goes: (N, T, 1) beside (N, T) becomes (N, T).
    """
    true, pred = y_true.ndim, y_pred.ndim
    if true + 1 == pred and y_pred.shape[-1] == 1:
        return (ops.expand_dims(y_true, -1), y_pred) if true == 1 else (y_true, ops.squeeze(y_pred, -1))
    if pred + 1 == true and y_true.shape[-1] == 1:
        return (y_true, ops.expand_dims(y_pred, -1)) if pred == 1 else (ops.squeeze(y_true, -1), y_pred)
    return y_true, y_pred


def spread_weights(weights: Array, values: Array, what: str = "Sample weights") -> Array:
    """Weights in the rank of the values, counted from the first axis: (batch,) beside (batch, time) becomes (batch, 1).

    Raises:
        ShapeError: where an axis of the weights is neither 1 nor as long as that of the values.
    """
    if weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
        weights = ops.squeeze(weights, -1)
    pairs = zip(weights.shape, values.shape, strict=False)
    if weights.ndim > values.ndim or not all(w in (1, n) or n is None or w is None for w, n in pairs):
        raise ShapeError(
            f"{what} must have the shape of the per-sample values, {tuple(values.shape)}, or its first axes, got {tuple(weights.shape)}. "
            "Give one weight for each sample, or one for each value."
        )
    missing = values.ndim - weights.ndim
    return ops.expand_dims(weights, tuple(range(weights.ndim, values.ndim))) if missing and weights.ndim else weights


def combine_weights(sample_weight: Array | None, mask: Array | None, values: Array) -> Array | None:
    """Weights that are 0 where the mask is False, in the dtype and rank of the values; None where there is neither weight nor mask.

    One number for the whole batch is weighted by each weight, in the shape that these have; what a mask leaves out of it is for the loss itself.
    """
    if not values.ndim:
        if sample_weight is None:
            return None
        weights = ops.cast(arrays(sample_weight, values)[0], values.dtype)
        return ops.squeeze(weights, 0) if tuple(weights.shape) == (1,) else weights
    parts = []
    for part, what in ((sample_weight, "Sample weights"), (mask, "A mask")):
        if part is not None:
            part, _ = arrays(part, values)
            parts.append(spread_weights(ops.cast(part, values.dtype), values, what))
    return None if not parts else parts[0] if len(parts) == 1 else ops.multiply(*parts)


def reduce_values(values: Array, sample_weight: Array | None = None, mask: Array | None = None, reduction: str | None = "mean") -> Array:
    """The values weighted, without those that the mask excludes, and reduced.

    - "sum_over_batch_size" or "mean": `sum(w v) / n`, n the number of values that the mask leaves;
    - "mean_with_sample_weight": `sum(w v) / sum(w)`;
    - "sum": `sum(w v)`;
    - "none" or None: `w v`, not reduced.

    A mean over nothing is 0.
    """
    reduction = standardize_reduction(reduction)
    weights = combine_weights(sample_weight, mask, values)
    weighted = values if weights is None else weigh(values, weights)
    if reduction == "none":
        return weighted
    if reduction == "sum":
        return ops.sum(weighted)
    if 0 in values.shape:
        return ops.sum(weighted)
    if weights is None:
        return ops.mean(weighted)
    if reduction == "mean_with_sample_weight":
        return divide_or_zero(ops.sum(weighted), _total(weights, values))
    if mask is None or not values.ndim:
        return ops.mean(weighted)
    (counted, _) = arrays(mask, values)
    counted = ops.cast(spread_weights(counted, values, "A mask"), values.dtype)
    return divide_or_zero(ops.sum(weighted), _total(counted, values))


def weigh(values: Array, weights: Array) -> Array:
    """`w v`; what weighs 0 is 0, were it infinite or NaN, and has no gradient."""
    return ops.multiply(ops.where(ops.equal(weights, 0), 0, values), weights)


def divide_or_zero(total: Array, count: Array) -> Array:
    """`total / count`, and 0 where the count is 0; its gradient there is 0, not NaN."""
    empty = ops.equal(count, 0)
    return ops.where(empty, 0, ops.divide(total, ops.where(empty, 1, count)))


def _total(weights: Array, values: Array) -> Array:
    """The sum of the weights as if they were spread over all values."""
    return ops.sum(weights if tuple(weights.shape) == tuple(values.shape) else ops.multiply(weights, ops.ones_like(values)))


def same_shape(y_true: Array, y_pred: Array, name: str) -> tuple[Array, Array]:
    """Targets and outputs aligned, of equal shapes (a single number aside) and of the outputs' dtype."""
    y_true, y_pred = align(*arrays(y_true, y_pred))
    y_pred = y_pred if _has_fraction(y_pred) else ops.cast(y_pred, "float32")
    if y_true.ndim and y_pred.ndim and not _equal(y_true.shape, y_pred.shape):
        raise ShapeError(
            f"{name} compares targets with outputs element by element, so their shapes must be equal; "
            f"got targets {tuple(y_true.shape)} and outputs {tuple(y_pred.shape)}. Reshape one of them, or check the last layer's units."
        )
    return ops.cast(y_true, y_pred.dtype), y_pred


def _has_fraction(x: Array) -> bool:
    return "float" in ops.dtype(x)


def _equal(first: Any, second: Any) -> bool:
    return len(first) == len(second) and all(a == b or a is None or b is None for a, b in zip(first, second, strict=True))
