"""Attention by fused kernels and without: the same numbers and gradients, and what asking for one means."""

import numpy as np
import pytest

import cornu
from cornu import config, ops
from cornu.errors import ArgumentError
from cornu.state import Variable, value_and_grad

RNG = np.random.default_rng(7)
Q, K, V = (RNG.normal(size=(2, n, heads, 3)).astype("float32") for n, heads in ((5, 4), (6, 2), (6, 2)))
BIAS = RNG.normal(size=(2, 1, 5, 6)).astype("float32")
MASK = RNG.random((2, 1, 5, 6)) < 0.6
MASK[..., 0] = True
MASK[1, :, 2] = False  # a target that sees nothing: all sources weigh alike


def attention(q, k, v, bias=None, mask=None, is_causal=False):
    """By the formula, in float64; heads that share keys side by side."""
    k, v = (np.repeat(x.astype("float64"), q.shape[2] // x.shape[2], 2) for x in (k, v))
    logits = np.einsum("bthf,bshf->bhts", q, k) / np.sqrt(q.shape[-1]) + (0.0 if bias is None else bias)
    seen = np.ones(logits.shape, bool) if mask is None else np.broadcast_to(mask, logits.shape)
    logits = np.where(seen & np.tri(*logits.shape[-2:], dtype=bool) if is_causal else seen, logits, -1e30)
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return np.einsum("bhts,bshf->bthf", weights / weights.sum(-1, keepdims=True), v)


SETTINGS = [
    {},
    {"mask": MASK},
    {"is_causal": True},
    {"mask": MASK, "is_causal": True},
    {"bias": BIAS},
    {"bias": BIAS, "is_causal": True},
    {"bias": BIAS, "mask": MASK, "is_causal": True},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: "+".join(s) or "plain")
def test_grouped_heads_with_masks_by_formula(backend, settings):
    found = ops.convert_to_numpy(ops.dot_product_attention(Q, K, V, **settings))
    np.testing.assert_allclose(found, attention(Q, K, V, **settings), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: "+".join(s) or "plain")
def test_gradients_with_and_without_fused_kernels_are_equal(trainable_backend, settings):
    probe = RNG.normal(size=Q.shape).astype("float32")

    def gradients(fused):
        values = [Variable(x) for x in (Q, K, V)]

        def loss():
            found = ops.dot_product_attention(*(v.value for v in values), **settings, flash_attention=fused)
            return ops.sum(ops.multiply(found, probe)), None

        return [ops.convert_to_numpy(g) for g in value_and_grad(loss, values)[1]]

    for a, b in zip(gradients(None), gradients(False), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("half", ["bfloat16", "float16"])
def test_half_size_attention_is_that_of_float64_within_its_rounding(half, backend):
    given = [ops.cast(ops.convert_to_tensor(x), half) for x in (Q, K, V)]
    seen = [ops.convert_to_numpy(ops.cast(x, "float32")) for x in given]
    for settings in ({}, {"mask": MASK}, {"is_causal": True}):
        found = ops.dot_product_attention(*given, **settings)
        assert ops.dtype(found) == half
        # logits, weights and outputs are rounded once each; the largest value is below 4
        bound = 3 * 4 * (2.0**-8 if half == "bfloat16" else 2.0**-11)
        np.testing.assert_allclose(ops.convert_to_numpy(ops.cast(found, "float32")), attention(*seen, **settings), atol=bound)


def test_a_second_derivative_is_that_of_finite_differences():
    with cornu.use_backend("torch"):
        q, k, v = (ops.convert_to_tensor(x[:1, :3].astype("float64")) for x in (Q, K, V))

        def slope(q):
            return ops.sum(ops.square(cornu.grad(lambda q: ops.sum(ops.square(ops.dot_product_attention(q, k, v))))(q)))

        direction = RNG.normal(size=(1, 3, 4, 3))
        second = float(ops.sum(ops.multiply(cornu.grad(slope)(q), direction)))
        step = 1e-5
        difference = (float(slope(ops.add(q, step * direction))) - float(slope(ops.subtract(q, step * direction)))) / (2 * step)
    assert second == pytest.approx(difference, rel=1e-5)


def test_a_fused_kernel_may_be_demanded_where_there_is_one():
    plain = attention(Q, K, V)
    with cornu.use_backend("torch"):
        np.testing.assert_allclose(ops.dot_product_attention(Q, K, V, flash_attention=True), plain, rtol=1e-5, atol=1e-6)
        config.enable_flash_attention()
        try:
            np.testing.assert_allclose(ops.dot_product_attention(Q, K, V), plain, rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(ops.dot_product_attention(Q, K, V, flash_attention=False), plain, rtol=1e-5, atol=1e-6)
        finally:
            config._settings["flash_attention"] = None
        with pytest.raises(ArgumentError, match="there is none on this backend for these arrays"):
            ops.dot_product_attention(Q, K, V[..., :2], flash_attention=True)
    for name in ("jax", "tensorflow", "numpy"):
        with cornu.use_backend(name), pytest.raises(ArgumentError, match="there is none on this backend"):
            ops.dot_product_attention(Q, K, V, flash_attention=True)
