"""Spectral normalization and reversible embeddings, by formula."""

import numpy as np
import pytest

from cornu import layers, ops, random, state, use_backend
from cornu.errors import ArgumentError


@pytest.mark.parametrize("make", [lambda: layers.Dense(4), lambda: layers.Conv1D(4, 2), lambda: layers.Embedding(6, 4)])
def test_training_calls_bring_the_largest_singular_value_to_one(backend, make):
    layer = layers.SpectralNormalization(make(), power_iterations=30)
    x = np.array([[1, 2, 3]]) if isinstance(layer.layer, layers.Embedding) else np.ones((2, 3, 5), "float32")
    layer(x)
    kernel, u = layer.get_weights()[0].copy(), layer.vector_u.numpy().copy()
    layer(x)
    np.testing.assert_array_equal(layer.get_weights()[0], kernel)
    layer(x, training=True)
    matrix = kernel.reshape(-1, 4)
    largest = np.linalg.svd(matrix, compute_uv=False)[0]
    np.testing.assert_allclose(layer.get_weights()[0].reshape(-1, 4), matrix / largest, rtol=1e-3, atol=1e-5)
    assert layer.vector_u.numpy().shape == u.shape == (1, 4)
    assert np.linalg.norm(layer.vector_u.numpy()) == pytest.approx(1, abs=1e-5)


def test_the_gradient_of_a_normalised_kernel_is_that_of_finite_differences():
    with use_backend("torch"):
        state.set_random_seed(1)
        layer = layers.SpectralNormalization(layers.Dense(3, dtype="float64"), power_iterations=200, dtype="float64")
        x = np.random.default_rng(0).normal(size=(4, 5))
        layer(x)
        kernel, u = layer.layer.kernel, layer.vector_u.numpy()
        start, direction = kernel.numpy().copy(), np.random.default_rng(1).normal(size=kernel.shape)

        def total(value):
            kernel.assign(value)
            layer.vector_u.assign(u)
            (loss, _), (gradient,) = state.value_and_grad(lambda: (ops.sum(ops.square(layer(x, training=True))), None), [kernel])
            return float(loss), gradient.numpy()

        slope = (total(start + 1e-6 * direction)[0] - total(start - 1e-6 * direction)[0]) / 2e-6
        assert slope == pytest.approx((total(start)[1] * direction).sum(), rel=1e-5)


def test_what_cannot_be_normalised_is_named():
    with pytest.raises(ArgumentError, match="neither"):
        layers.SpectralNormalization(layers.ReLU())(np.ones((1, 2), "float32"))
    with pytest.raises(ArgumentError, match="power_iterations"):
        layers.SpectralNormalization(layers.Dense(2), power_iterations=0)


def test_the_way_back_scores_every_id(backend):
    layer = layers.ReversibleEmbedding(5, 3, mask_zero=True)
    vectors = layer(np.array([[1, 0]]))
    (table,) = layer.get_weights()
    np.testing.assert_allclose(ops.convert_to_numpy(layer(vectors, reverse=True)), table[[[1, 0]]] @ table.T, rtol=1e-5)
    other = layers.ReversibleEmbedding(5, 3, tie_weights=False, logit_soft_cap=0.01)
    other.build((None,))
    x = random.normal((2, 3), seed=1)
    expected = 0.01 * np.tanh(ops.convert_to_numpy(x) @ other.get_weights()[1] / 0.01)
    np.testing.assert_allclose(ops.convert_to_numpy(other(x, reverse=True)), expected, rtol=1e-4, atol=1e-6)


def test_masks_of_ids_and_of_vectors(backend):
    layer = layers.ReversibleEmbedding(5, 3, mask_zero=True)
    ids, mask = np.array([[1, 0]]), np.array([[True, True]])
    assert ops.convert_to_numpy(layer.compute_mask(ids)).tolist() == [[True, False]]
    assert layer.compute_mask(np.ones((1, 2, 3), "float32"), mask) is mask


@pytest.mark.parametrize(("reverse_dtype", "expected"), [(None, "bfloat16"), ("float32", "float32")])
def test_the_way_back_has_a_dtype_of_its_own(reverse_dtype, expected):
    with use_backend("jax"):
        layer = layers.ReversibleEmbedding(5, 3, reverse_dtype=reverse_dtype, dtype="mixed_bfloat16")
        vectors = layer(np.array([[1, 2]]))
        assert (str(vectors.dtype), str(layer(vectors, reverse=True).dtype)) == ("bfloat16", expected)


def test_a_cap_is_above_zero():
    with pytest.raises(ArgumentError, match="above 0"):
        layers.ReversibleEmbedding(5, 3, logit_soft_cap=0.0)
