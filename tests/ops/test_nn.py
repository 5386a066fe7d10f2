"""Normalisations, cross-entropies, blocks of pixels, attention: against formulas in float64."""

import numpy as np
import pytest
import scipy.special

from cornu import ops
from cornu.errors import ShapeError
from tests.ops.cases import Case, table

RNG = np.random.default_rng(6)
X = RNG.normal(size=(2, 3, 4)) * 2 + 1
GAMMA, BETA, MEAN, VARIANCE = (RNG.uniform(0.5, 2, size=(4,)) for _ in range(4))
P = scipy.special.softmax(X[0], -1)
T = np.eye(4)[[2, 0, 3]]
LABELS = np.array([2, 0, 3])
TINY = 1e-7


def batch_norm(x, mean, variance, axis, offset=0.0, scale=1.0, epsilon=1e-3):
    shape = [-1 if i == axis % x.ndim else 1 for i in range(x.ndim)]
    mean, variance, offset, scale = (np.reshape(v, shape) if np.ndim(v) else v for v in (mean, variance, offset, scale))
    return (x - mean) / np.sqrt(variance + epsilon) * scale + offset


def batch_norm_by_own(x, axis, offset=0.0, scale=1.0, epsilon=1e-3):
    others = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
    mean, variance = x.mean(others), x.var(others)
    return batch_norm(x, mean, variance, axis, offset, scale, epsilon), mean, variance


def layer_norm(x, gamma=1.0, beta=0.0, axis=-1, epsilon=TINY):
    axis = tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + epsilon) * gamma + beta


def rms_norm(x, scale=1.0, axis=-1, epsilon=TINY):
    return x / np.sqrt((x**2).mean(axis, keepdims=True) + epsilon) * scale


NORMALISED = [
    Case("dense", X, RNG.normal(size=(4, 2)), np.array([1.0, 2.0]), like=lambda x, k, b: x @ k + b),
    Case("dense", X, RNG.normal(size=(4, 2)), like=lambda x, k: x @ k),
    Case("batch_normalization", X, MEAN, VARIANCE, -1, BETA, GAMMA, like=batch_norm),
    Case("batch_normalization", X, MEAN[:3], VARIANCE[:3], 1, epsilon=0.1, like=batch_norm),
    Case("batch_normalization", X, MEAN, VARIANCE, axis=2, scale=GAMMA, like=batch_norm),
    *(Case("normalize_by_batch", X, axis, rtol=1e-4, like=batch_norm_by_own) for axis in (-1, 0, 1)),
    Case("normalize_by_batch", X, -1, BETA, GAMMA, rtol=1e-4, like=batch_norm_by_own),
    Case("normalize_by_batch", X, 1, scale=GAMMA[:3], epsilon=0.1, rtol=1e-4, like=batch_norm_by_own),
    Case("normalize_by_batch", X[0], 1, offset=BETA, rtol=1e-4, like=batch_norm_by_own),
    Case("layer_normalization", X, like=layer_norm, rtol=1e-4),
    Case("layer_normalization", X, GAMMA, BETA, epsilon=0.1, like=layer_norm, rtol=1e-4),
    Case("layer_normalization", X, axis=(1, 2), epsilon=1e-3, like=layer_norm, rtol=1e-4),
    Case("layer_normalization", X, RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4)), axis=[-2, -1], like=layer_norm, rtol=1e-4),
    Case("rms_normalization", X, like=rms_norm),
    Case("rms_normalization", X, GAMMA, epsilon=0.1, like=rms_norm),
    Case("rms_normalization", X, axis=(1, 2), like=rms_norm),
    Case("psnr", X, X + 0.5, 4.0, expected=np.array(20 * np.log10(4.0) - 10 * np.log10(0.25))),
]


def binary(t, p, from_logits=False):
    p = np.clip(scipy.special.expit(p) if from_logits else p, TINY, 1 - TINY)
    return -(t * np.log(p) + (1 - t) * np.log(1 - p))


def categorical(t, p, from_logits=False, axis=-1):
    p = scipy.special.softmax(p, axis) if from_logits else p / p.sum(axis, keepdims=True)
    return -(t * np.log(np.clip(p, TINY, 1 - TINY))).sum(axis)


def sparse(t, p, from_logits=False, axis=-1):
    t = np.squeeze(t, axis) if t.ndim == p.ndim else t
    return categorical(np.moveaxis(np.eye(p.shape[axis])[t], -1, axis), p, from_logits, axis)


CROSS_ENTROPIES = [
    Case("binary_crossentropy", T, P, like=binary),
    Case("binary_crossentropy", T, X[0], from_logits=True, like=binary),
    Case("binary_crossentropy", np.array([0, 1, 1]), np.array([0.2, 0.7, 0.4]), like=binary),
    Case(
        "binary_crossentropy",
        np.array([1.0, 0.0, 1.0, 0.0]),
        np.array([-200.0, 200.0, 200.0, -200.0]),
        from_logits=True,
        expected=np.array([200.0, 200.0, 0, 0]),
    ),
    Case("categorical_crossentropy", T, P, like=categorical),
    Case("categorical_crossentropy", T, P * 3, like=categorical),
    Case("categorical_crossentropy", T, X[0], True, like=categorical),
    Case("categorical_crossentropy", T.T, X[0].T, from_logits=True, axis=0, like=categorical),
    Case("sparse_categorical_crossentropy", LABELS, P, like=sparse),
    Case("sparse_categorical_crossentropy", LABELS[:, None], P, like=sparse),
    Case("sparse_categorical_crossentropy", LABELS, X[0], from_logits=True, like=sparse),
    Case("sparse_categorical_crossentropy", LABELS, X[0].T, True, axis=0, like=sparse),
    Case("sparse_categorical_crossentropy", np.array([[0, 1, 3], [2, 2, 1]]), X, True, like=sparse),
    Case("sparse_categorical_crossentropy", LABELS.astype(np.uint8), P, like=sparse),
    Case("sparse_categorical_crossentropy", LABELS.astype(np.float32), P, like=lambda t, p: sparse(t.astype(int), p)),
]

PIXELS = np.arange(2 * 2 * 4 * 8).reshape(2, 2, 4, 8)


def shuffled(x, b, data_format="channels_last"):
    """Pixel by pixel, unlike the op."""
    x = x if data_format == "channels_last" else np.moveaxis(x, 1, -1)
    n, h, w, c = x.shape
    out = np.zeros((n, h * b, w * b, c // b**2), x.dtype)
    for i in range(h * b):
        for j in range(w * b):
            block = (i % b * b + j % b) * (c // b**2)
            out[:, i, j] = x[:, i // b, j // b, block : block + c // b**2]
    return out if data_format == "channels_last" else np.moveaxis(out, -1, 1)


FIRST = np.moveaxis(PIXELS, -1, 1)
BLOCKS = [
    Case("depth_to_space", PIXELS, 2, like=shuffled),
    Case("depth_to_space", FIRST, 2, "channels_first", like=shuffled),
    Case("space_to_depth", shuffled(PIXELS, 2), 2, expected=PIXELS),
    Case("space_to_depth", shuffled(FIRST, 2, "channels_first"), 2, data_format="channels_first", expected=FIRST),
]


def attention(q, k, v, bias=None, mask=None, scale=None, is_causal=False, attn_logits_soft_cap=None):
    """One batch, head and target at a time."""
    (n, t, heads, f), s = q.shape, k.shape[1]
    out = np.zeros((n, t, heads, v.shape[-1]))
    bias = np.broadcast_to(0.0 if bias is None else bias, (n, heads, t, s))
    mask = np.broadcast_to(True if mask is None else mask, (n, heads, t, s))
    for b, i, h in np.ndindex(n, t, heads):
        head = h * k.shape[2] // heads
        logits = k[b, :, head] @ q[b, i, h] * (f**-0.5 if scale is None else scale)
        logits = logits if attn_logits_soft_cap is None else np.tanh(logits / attn_logits_soft_cap) * attn_logits_soft_cap
        logits = np.where(mask[b, h, i] & (not is_causal or np.arange(s) <= i), logits + bias[b, h, i], -np.inf)
        out[b, i, h] = scipy.special.softmax(logits) @ v[b, :, head]
    return out


Q, K, V = (RNG.normal(size=(2, n, 4, 3)) for n in (5, 6, 6))
SEEN = RNG.uniform(size=(2, 1, 5, 6)) < 0.6
SEEN[..., 0] = True
ATTENTION = [
    Case("dot_product_attention", Q, K, V, like=attention),
    Case("dot_product_attention", Q, K, V[..., :2], like=attention),
    Case("dot_product_attention", Q, K, V, RNG.normal(size=(4, 5, 6)), like=attention),
    Case("dot_product_attention", Q, K, V, mask=SEEN, like=attention),
    Case("dot_product_attention", Q, K, V, is_causal=True, like=attention),
    Case("dot_product_attention", Q, K, V, mask=SEEN, is_causal=True, scale=0.1, like=attention),
    Case("dot_product_attention", Q, K, V, attn_logits_soft_cap=0.5, like=attention),
    Case("dot_product_attention", Q, K[:, :, :2], V[:, :, :2], like=attention),
    Case("dot_product_attention", Q, K[:, :, :1], V[:, :, :1], mask=SEEN, like=attention),
    Case("dot_product_attention", Q.astype(np.float16), K.astype(np.float16), V.astype(np.float16), like=attention, rtol=1e-2, atol=5e-3),
]


@table(NORMALISED)
def test_normalisation(case, backend):
    case.check()


@table(CROSS_ENTROPIES)
def test_cross_entropy(case, backend):
    case.check()


@table(BLOCKS)
def test_blocks_of_pixels(case, backend):
    case.check()


@table(ATTENTION)
def test_attention(case, backend):
    case.check()


def test_attention_that_sees_nothing_stays_finite(backend):
    result = ops.convert_to_numpy(ops.dot_product_attention(*(x.astype(np.float32) for x in (Q, K, V)), mask=np.zeros((5, 6), bool)))
    np.testing.assert_allclose(result, np.broadcast_to(V.mean(1, keepdims=True), Q.shape), rtol=1e-4, atol=1e-5)


REFUSED = [
    (lambda: ops.binary_crossentropy(T, X), ShapeError, r"\(3, 4\) and \(2, 3, 4\)"),
    (lambda: ops.categorical_crossentropy(LABELS, P), ShapeError, r"\(3,\) and \(3, 4\)"),
    (lambda: ops.sparse_categorical_crossentropy(T, P), ShapeError, "one-hot"),
    (lambda: ops.psnr(X, P, 1.0), ShapeError, r"\(2, 3, 4\) and \(3, 4\)"),
    (lambda: ops.depth_to_space(PIXELS, 3), ShapeError, "9 divides, got 8"),
    (lambda: ops.space_to_depth(PIXELS, 3), ShapeError, r"\(2, 2, 4, 8\)"),
    (lambda: ops.space_to_depth(X, 2), ShapeError, "4 axes"),
    (lambda: ops.dot_product_attention(Q, K, V[:, :2]), ShapeError, r"\(2, 2, 4, 3\)"),
    (lambda: ops.dot_product_attention(Q, K[:, :, :3], V[:, :, :3]), ShapeError, "got 3 and 4"),
]


@pytest.mark.parametrize(("call", "error", "words"), REFUSED, ids=range(len(REFUSED)))
def test_shapes_that_do_not_fit(call, error, words, backend):
    with pytest.raises(error, match=words):
        call()
