"""Depthwise, separable and transposed convolutions, adaptive poolings, and convolutional recurrence, by formula."""

import numpy as np
import pytest

from cornu import layers, ops
from cornu.errors import ArgumentError, ShapeError


def number(x):
    return ops.convert_to_numpy(x)


def test_each_channel_is_convolved_by_itself(backend, rng):
    x = rng.standard_normal((2, 6, 7, 3)).astype("float32")
    layer = layers.DepthwiseConv2D(3, depth_multiplier=2, bias_initializer="normal")
    y = number(layer(x))
    kernel, bias = layer.get_weights()
    for i, j, c, m in np.ndindex(4, 5, 3, 2):
        expected = (x[:, i : i + 3, j : j + 3, c] * kernel[:, :, c, m]).sum((1, 2)) + bias[2 * c + m]
        np.testing.assert_allclose(y[:, i, j, 2 * c + m], expected, rtol=1e-4, atol=1e-5)


def test_a_separable_convolution_is_one_of_the_product_kernel(backend, rng):
    x = rng.standard_normal((2, 6, 7, 3)).astype("float32")
    layer, whole = layers.SeparableConv2D(4, 3, strides=2, depth_multiplier=2), layers.Conv2D(4, 3, strides=2)
    y = number(layer(x))
    deep, point, bias = layer.get_weights()
    whole(x)
    whole.set_weights([np.einsum("hwcm,cmf->hwcf", deep, point[0, 0].reshape(3, 2, 4)), bias])
    np.testing.assert_allclose(y, number(whole(x)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("size", "stride", "extra"), [(3, 2, None), (2, 3, None), (4, 2, 1), (3, 3, 2), (1, 2, None)])
def test_transposed_convolutions_add_the_kernel_at_each_place(backend, rng, padding, size, stride, extra):
    x = rng.standard_normal((1, 5, 1)).astype("float32")
    layer = layers.Conv1DTranspose(1, size, strides=stride, padding=padding, output_padding=extra, use_bias=False)
    y = number(layer(x)).ravel()
    full = np.zeros(4 * stride + size + stride)
    for i, value in enumerate(x.ravel()):
        full[i * stride : i * stride + size] += value * layer.get_weights()[0].ravel()
    if extra is None:
        length = 5 * stride + (max(size - stride, 0) if padding == "valid" else 0)
    else:
        length = 4 * stride + size + extra - (2 * (size // 2) if padding == "same" else 0)
    start = 0 if padding == "valid" else max(4 * stride + size - length, 0) // 2
    np.testing.assert_allclose(y, full[start : start + length], rtol=1e-5, atol=1e-6)


def test_output_padding_is_below_the_stride():
    with pytest.raises(ArgumentError, match="below the strides"):
        layers.Conv2DTranspose(2, 3, strides=2, output_padding=2)


def test_channels_must_be_known():
    for layer in (layers.DepthwiseConv1D(2), layers.SeparableConv1D(3, 2), layers.Conv1DTranspose(3, 2)):
        with pytest.raises(ShapeError, match="known lengths"):
            layer(layers.Input((4, None)))


@pytest.mark.parametrize(
    "make", [lambda: layers.DepthwiseConv2D(3), lambda: layers.SeparableConv2D(2, 3), lambda: layers.Conv2DTranspose(2, 3)]
)
def test_spatial_lengths_may_be_unknown(make):
    assert make()(layers.Input((None, None, 4))).shape[:3] == (None, None, None)


@pytest.mark.parametrize(("length", "count"), [(6, 3), (7, 3), (5, 4), (3, 7), (4, 1)])
def test_adaptive_windows_share_the_length(backend, rng, length, count):
    x = rng.standard_normal((2, length, 3)).astype("float32")
    edges = [(int(np.floor(i * length / count)), int(np.ceil((i + 1) * length / count))) for i in range(count)]
    for layer, reduce in ((layers.AdaptiveAveragePooling1D, np.mean), (layers.AdaptiveMaxPooling1D, np.max)):
        expected = np.stack([reduce(x[:, a:b], axis=1) for a, b in edges], 1)
        np.testing.assert_allclose(number(layer(count)(x)), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize(("sizes", "counts"), [((7, 5), (3, 4)), ((6, 4), (3, 2)), ((3, 4), (5, 2))])
def test_what_is_not_finite_stays_in_its_windows(backend, rng, bad, sizes, counts):
    """Elsewhere the means are those of the finite numbers, whatever stands in other windows."""
    x = rng.standard_normal((2, *sizes, 2)).astype("float32")
    x[0, 1, 2, 1] = bad
    expected = np.empty((2, *counts, 2))
    for i, j in np.ndindex(*counts):
        (a, b), (c, d) = ((k * n // m, -(-(k + 1) * n // m)) for k, n, m in zip((i, j), sizes, counts, strict=True))
        expected[:, i, j] = x[:, a:b, c:d].mean((1, 2))
    assert 0 < np.sum(~np.isfinite(expected)) <= 4
    np.testing.assert_allclose(number(ops.adaptive_average_pool(x, counts, "channels_last")), expected, rtol=1e-5, atol=1e-6)
    first = number(ops.adaptive_average_pool(np.moveaxis(x, -1, 1), counts, "channels_first"))
    np.testing.assert_allclose(np.moveaxis(first, 1, -1), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(number(layers.AdaptiveAveragePooling2D(counts)(x)), expected, rtol=1e-5, atol=1e-6)


def test_adaptive_poolings_of_unknown_lengths(backend):
    y = layers.AdaptiveAveragePooling2D((2, 3))(layers.Input((None, None, 4)))
    assert y.shape == (None, 2, 3, 4)
    assert number(ops.adaptive_max_pool(np.arange(5).reshape(1, 5, 1), 2)).ravel().tolist() == [2, 4]


def test_convolutional_recurrence_skips_masked_steps(backend, rng):
    x = rng.standard_normal((2, 4, 5, 2)).astype("float32")
    mask = np.array([[True, False, True, True], [False, True, True, False]])
    layer = layers.ConvLSTM1D(3, 2, padding="same", return_sequences=True)
    y = number(layer(x, mask=mask))
    for row in range(2):
        alone = number(layer(x[row : row + 1, mask[row]]))[0]
        np.testing.assert_allclose(y[row, mask[row]], alone, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(y[0, 1], y[0, 0])
    assert (y[1, 0] == 0).all()


def test_noise_of_convolutional_recurrence_is_the_same_at_all_steps(backend):
    cell = layers.ConvLSTM2D(3, 2, dropout=0.5, recurrent_dropout=0.5, seed=1)
    x = np.ones((2, 3, 4, 4, 2), "float32")
    quiet, noisy = number(cell(x)), number(cell(x, training=True))
    assert np.abs(quiet - noisy).max() > 1e-3
    noise = cell.cell._noise_(2, True)
    assert (tuple(noise.inputs.shape), tuple(noise.states.shape)) == ((2, 4, 4, 2), (2, 3, 3, 3))
    assert set(number(noise.inputs).ravel().tolist()) == {0.0, 2.0}


def test_a_stateful_convolutional_recurrence_goes_on(backend, rng):
    x = rng.standard_normal((2, 4, 5, 2)).astype("float32")
    whole, parts = layers.ConvLSTM1D(3, 2), layers.ConvLSTM1D(3, 2, stateful=True)
    expected = number(whole(x))
    parts(x[:, :2])
    parts.set_weights(whole.get_weights())
    parts.reset_state()
    parts(x[:, :2])
    np.testing.assert_allclose(number(parts(x[:, 2:])), expected, rtol=1e-5, atol=1e-6)


def test_places_of_convolutional_recurrence_must_be_known():
    with pytest.raises(ShapeError, match="known lengths"):
        layers.ConvLSTM2D(2, 2)(layers.Input((3, None, 4, 2)))
