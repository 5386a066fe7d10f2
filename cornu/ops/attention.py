"""Attention."""

from __future__ import annotations

import math

from cornu import config, dtypes
from cornu.errors import ArgumentError, ShapeError
from cornu.ops.activation import softmax
from cornu.ops.arguments import Array
from cornu.ops.core import cast, to_floating, where
from cornu.ops.creation import arange
from cornu.ops.dispatch import composite
from cornu.ops.elementwise import add, divide, greater_equal, logical_and, multiply, tanh
from cornu.ops.products import matmul
from cornu.ops.shaping import expand_dims, reshape, transpose

__all__ = ["dot_product_attention"]


@composite
def dot_product_attention(
    query: Array,
    key: Array,
    value: Array,
    bias: Array | None = None,
    mask: Array | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Array:
    """Each query's mean of the values, weighted by how its key fits: `softmax(scale * q @ k.T + bias) @ v` (A. Vaswani and others, https://arxiv.org/abs/1706.03762).

    Args:
        query: (batch, targets, heads, features).
        key, value: (batch, sources, key heads, features); the key heads divide the heads, each serves as many
            (J. Ainslie and others, https://arxiv.org/abs/2305.13245).
        bias: added to the logits; broadcasts to (batch, heads, targets, sources).
        mask: booleans that broadcast to the same; False takes a source out. Where all are out the weights are equal.
        scale: factor of the logits, 1 / sqrt(features) by default.
        is_causal: whether a target sees only sources up to its own place.
        flash_attention: True: by a fused kernel alone, which keeps no weights for the gradient; raises where there is none, which is
            everywhere but on PyTorch, and there where a source's value has another length than its key. False: by none. By default as the
            switches of `cornu.config` say, and at first None: by one where it is faster. A fused kernel's gradient cannot be differentiated
            again by PyTorch's own means; `cornu.grad` of a `cornu.grad` takes none.
        attn_logits_soft_cap: c of `c * tanh(logits / c)`.

    Returns:
        (batch, targets, heads, features), in the dtype of the query; the weights are computed in float32 at least.

    >>> dot_product_attention([[[[1.0]]]], [[[[1.0]]]], [[[[7.0]]]]).tolist()
    [[[[7.0]]]]
    """
    if config.is_flash_attention_enabled() if flash_attention is None else flash_attention:
        raise ArgumentError(
            "flash_attention=True asks for a fused kernel, and there is none on this backend for these arrays. Use flash_attention=None, and "
            "no `config.enable_flash_attention()`: one is taken where there is one."
        )
    query, key, value = to_floating(query), to_floating(key), to_floating(value)
    _check(query, key, value)
    batch, targets, heads, features = query.shape
    sources, groups = key.shape[1:3]
    factor = 1 / math.sqrt(features) if scale is None else scale
    late = _wide(query) != dtypes.standardize(query.dtype)  # floats of half size are multiplied after they are widened
    # Two products of matrices, a stack for each key head, of which the heads that share it are further rows. Against sums by letters over
    # five axes, forward and backward at (32, 64, 4, 16) and (8, 128, 8, 64): 0.34 and 0.38 of the time on TensorFlow, 0.89 and 0.79 on JAX
    rows = (batch, groups, heads // groups * targets)
    q = reshape(transpose(query if late else multiply(query, factor), (0, 2, 1, 3)), (*rows, features))
    logits = reshape(matmul(q, transpose(key, (0, 2, 3, 1))), (batch, heads, targets, sources))
    logits = multiply(cast(logits, _wide(query)), factor) if late else logits
    if attn_logits_soft_cap is not None:
        logits = multiply(tanh(divide(logits, attn_logits_soft_cap)), attn_logits_soft_cap)
    logits = logits if bias is None else add(logits, cast(bias, logits.dtype))
    seen = _seen(mask, is_causal, targets, sources)
    if seen is not None:
        logits = where(seen, logits, 0.7 * dtypes.limits(dtypes.standardize(logits.dtype))[0])
    weights = reshape(cast(softmax(logits), query.dtype), (*rows, sources))
    found = matmul(weights, transpose(value, (0, 2, 1, 3)))
    return transpose(reshape(found, (batch, heads, targets, value.shape[-1])), (0, 2, 1, 3))


def _wide(x: Array) -> str:
    name = dtypes.standardize(x.dtype)
    return "float32" if name in ("float16", "bfloat16") else name


def _check(query: Array, key: Array, value: Array) -> None:
    shapes = [tuple(x.shape) for x in (query, key, value)]
    if any(len(s) != 4 for s in shapes) or shapes[0][3] != shapes[1][3] or shapes[1][:3] != shapes[2][:3] or shapes[0][0] != shapes[1][0]:
        raise ShapeError(
            "Attention takes a query (batch, targets, heads, features), and key and value (batch, sources, heads, features) that agree, "
            f"got shapes {shapes[0]}, {shapes[1]} and {shapes[2]}."
        )
    if shapes[0][2] % shapes[1][2]:
        raise ShapeError(f"The number of key heads must divide that of the query's heads, got {shapes[1][2]} and {shapes[0][2]}.")


def _seen(mask: Array | None, is_causal: bool, targets: int, sources: int) -> Array | None:
    """Which sources each target sees, or None for all."""
    seen = None if mask is None else cast(mask, "bool")
    if not is_causal:
        return seen
    causal = greater_equal(expand_dims(arange(targets), 1), arange(sources))
    return causal if seen is None else logical_and(seen, causal)
