"""Convolutions, poolings, reshapings, borders and lambdas: what they refuse and how they say it, and what no table shows."""

import json

import numpy as np
import pytest

import cornu
from cornu import layers, models, ops, registry, serialization
from cornu.errors import ArgumentError, ConfigError, ShapeError, UnknownNameError, UnsafeFileError
from cornu.graph import SymbolicTensor


def numpy_of(x):
    return np.asarray(ops.convert_to_numpy(x))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Conv2D(0, 3), "filters must be"),
        (lambda: layers.Conv2D(4, 3, groups=3), "groups must divide filters"),
        (lambda: layers.Conv2D(4, (3, 3, 3)), "kernel_size must be one whole number of at least 1, or 2 of them"),
        (lambda: layers.Conv2D(4, 3, strides=2, dilation_rate=2), "strides and dilation_rate cannot both exceed 1"),
        (lambda: layers.Conv2D(4, 3, padding="causal"), "padding must be 'valid' or 'same', got 'causal'"),
        (lambda: layers.Conv1D(4, 3, padding="full"), "padding must be 'valid' or 'same' or 'causal', got 'full'"),
        (lambda: layers.Conv1D(4, 3, data_format="NHWC"), "data_format must be"),
        (lambda: layers.MaxPooling2D(0), "pool_size must be"),
        (lambda: layers.Reshape((2, -1, -1)), "of which one may be -1"),
        (lambda: layers.Permute((0, 1)), "dims must name each of the axes 1 to 2 once"),
        (lambda: layers.RepeatVector(0), "n must be"),
        (lambda: layers.ZeroPadding2D(-1), "padding must be one number, or 2 numbers, or 2 pairs"),
        (lambda: layers.ZeroPadding1D((1, 2, 3)), "padding must be one number, or a pair"),
        (lambda: layers.Cropping3D(((1, 1), (1, 1))), "cropping must be one number, or 3 numbers, or 3 pairs"),
        (lambda: layers.UpSampling2D(2, interpolation="area"), "interpolation must be"),
        (lambda: layers.ReLU(max_value=-1.0), "max_value must be a number of at least 0"),
        (lambda: layers.LeakyReLU(None), "negative_slope must be a number of at least 0"),
        (lambda: layers.LayerNormalization(axis="last"), "axis must be a whole number or a list"),
        (lambda: layers.Lambda(3), "function must be a function"),
        (lambda: layers.Conv2D(4, 3, kernel_initialiser="zeros"), "did you mean 'kernel_initializer'"),
    ],
)
def test_arguments_that_mean_nothing_are_refused_when_the_layer_is_made(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (layers.Conv2D(4, 3), (2, 8, 8), "takes inputs with 4 axes.*Add the missing axis"),
        (layers.Conv2D(4, 9), (2, 8, 8, 3), "The kernel must fit in the input"),
        (layers.Conv2D(4, 3, groups=2), (2, 8, 8, 3), "channels that groups=2 divides"),
        (layers.MaxPooling2D(9), (2, 8, 8, 3), "The pooling window must fit in the input"),
        (layers.Reshape((5, 5)), (2, 24), "must hold as many numbers as a sample"),
        (layers.Reshape((5, -1)), (2, 24), "must hold as many numbers as a sample"),
        (layers.Permute((2, 1)), (2, 3, 4, 5), "takes inputs with 3 axes"),
        (layers.RepeatVector(2), (2, 3, 4), "takes inputs with 2 axes"),
        (layers.Cropping1D(2), (2, 4, 3), "must leave something of each axis"),
        (layers.GlobalMaxPooling1D(), (2, 3), "takes inputs with 3 axes"),
    ],
    ids=lambda v: getattr(v, "name", str(v)),
)
def test_inputs_that_do_not_fit_are_refused_on_data_and_in_graphs(layer, shape, message):
    for x in (np.zeros(shape, "float32"), layers.Input(shape[1:])):
        with pytest.raises(ShapeError, match=message):
            layer(x)


def test_another_number_of_channels_is_refused_once_built():
    layer = layers.Conv2D(4, 3)
    layer(np.zeros((2, 8, 8, 3), "float32"))
    with pytest.raises(ShapeError, match="length 3, got the shape"):
        layer(np.zeros((2, 8, 8, 4), "float32"))


def test_unknown_spatial_lengths_stay_unknown():
    x = layers.Input((None, None, 3))
    y = layers.MaxPooling2D()(layers.Conv2D(4, 3, padding="same")(layers.ZeroPadding2D()(x)))
    assert y.shape == (None, None, None, 4)
    assert layers.GlobalAveragePooling2D()(y).shape == (None, 4)
    assert layers.UpSampling2D(interpolation="bilinear")(y).shape == (None, None, None, 4)
    assert layers.Reshape((-1, 4))(y).shape == (None, None, 4)
    model = models.Model(x, y)
    assert numpy_of(model(np.zeros((2, 6, 8, 3), "float32"))).shape == (2, 4, 5, 4)


def test_causal_convolution_sees_no_later_step(backend, rng):
    x = rng.standard_normal((1, 8, 2)).astype("float32")
    layer = layers.Conv1D(3, 3, padding="causal", dilation_rate=2)
    before = numpy_of(layer(x))
    x[:, 5:] += 1.0
    after = numpy_of(layer(x))
    np.testing.assert_array_equal(after[:, :5], before[:, :5])
    assert (after[:, 5:] != before[:, 5:]).any(-1).all()


def test_channels_first_and_last_compute_the_same(backend, rng):
    x = rng.standard_normal((2, 6, 5, 3)).astype("float32")
    last, first = layers.Conv2D(4, 3, padding="same"), layers.Conv2D(4, 3, padding="same", data_format="channels_first")
    y = numpy_of(last(x))
    first.build((None, 3, 6, 5))
    first.set_weights(last.get_weights())
    np.testing.assert_allclose(numpy_of(first(x.transpose(0, 3, 1, 2))).transpose(0, 2, 3, 1), y, rtol=1e-5, atol=1e-6)
    flat = [numpy_of(layers.Flatten(data_format=f)(v)) for f, v in (("channels_last", x), ("channels_first", x.transpose(0, 3, 1, 2)))]
    np.testing.assert_array_equal(*flat)


def test_a_mean_over_steps_leaves_masked_ones_out(backend, rng):
    x, mask = rng.standard_normal((3, 4, 2)).astype("float32"), np.array([[1, 1, 0, 0], [1, 0, 1, 1], [0, 0, 0, 0]], bool)
    y = numpy_of(layers.GlobalAveragePooling1D()(x, mask=mask))
    np.testing.assert_allclose(y, [x[0, :2].mean(0), x[1, [0, 2, 3]].mean(0), [0, 0]], rtol=1e-5, atol=1e-6)
    first = numpy_of(layers.GlobalAveragePooling1D("channels_first", keepdims=True)(x.transpose(0, 2, 1), mask=mask))
    np.testing.assert_allclose(first[..., 0], y, rtol=1e-5, atol=1e-6)


def test_softmax_gives_nothing_to_what_a_mask_leaves_out(backend, rng):
    x, mask = rng.standard_normal((2, 3)).astype("float32"), np.array([[True, True, False], [False, False, False]])
    shares = np.exp(x[0, :2]) / np.exp(x[0, :2]).sum()
    np.testing.assert_allclose(numpy_of(layers.Softmax()(x, mask=mask)), [[*shares, 0], [0, 0, 0]], rtol=1e-5)


def test_the_slopes_of_prelu_are_shared_along_the_axes_that_are_named():
    layer = layers.PReLU(shared_axes=[1, 2])
    layer.build((None, 8, 8, 3))
    assert layer.alpha.shape == (1, 1, 3)
    with pytest.raises(ArgumentError, match="shared_axes of 'slopes' must be from 1 to 1"):
        layers.PReLU(shared_axes=[2], name="slopes").build((None, 8))


def test_activity_regularisation_is_divided_by_the_batch(backend):
    layer = layers.ActivityRegularization(l1=0.5, l2=0.25)
    layer(np.array([[1.0, -2.0], [3.0, 0.0]], "float32"))
    assert float(layer.losses[0]) == pytest.approx((0.5 * 6 + 0.25 * 14) / 2)


def scaled(x, factor, training=False, mask=None):
    return x * factor if training else x


def test_a_lambda_hands_on_its_arguments_and_the_context():
    layer, x = layers.Lambda(scaled, arguments={"factor": 3.0}), np.ones((1, 2), "float32")
    assert numpy_of(layer(x, training=True)).tolist() == [[3.0, 3.0]]
    assert numpy_of(layer(x)).tolist() == [[1.0, 1.0]]
    assert layers.Lambda(lambda x: x, output_shape=(7,))(layers.Input((2,))).shape == (None, 7)
    assert layers.Lambda(lambda x: x, output_shape=lambda s: (s[0], 9)).compute_output_shape((4, 2)) == (4, 9)
    masked = layers.Lambda(lambda x: x, mask=lambda x, mask: mask)
    entered, mask = layers.Input((3, 2)), layers.Input((3,), dtype="bool")
    entered.mask = mask
    assert masked(entered).mask is mask


def test_a_lambda_on_another_librarys_functions_finds_its_shape():
    jnp = pytest.importorskip("jax.numpy")
    with cornu.use_backend("jax"):
        y = layers.Lambda(lambda x: jnp.concatenate([x, x], -1))(layers.Input((3,)))
    assert isinstance(y, SymbolicTensor)
    assert y.shape == (None, 6)


def test_files_hold_a_lambdas_function_by_its_registered_name_alone():
    with pytest.raises(ConfigError, match="A lambda has no name"):
        serialization.serialize(layers.Lambda(lambda x: x))
    written = json.loads(json.dumps(serialization.serialize(layers.Lambda(scaled, arguments={"factor": 2.0}))))
    with pytest.raises(UnknownNameError):
        serialization.deserialize(written)
    with registry.scope({"scaled": scaled}):
        again = serialization.deserialize(written)
    assert again.function is scaled
    assert again.arguments == {"factor": 2.0}
    written["config"]["function"] = {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None, "closure": None}}
    with pytest.raises(UnsafeFileError, match="never runs"):
        serialization.deserialize(written)


def test_the_older_names_are_the_same_classes():
    assert layers.Convolution2D is layers.Conv2D
    assert layers.MaxPool1D is layers.MaxPooling1D
    assert layers.AvgPool3D is layers.AveragePooling3D
    assert layers.GlobalMaxPool2D is layers.GlobalMaxPooling2D
    assert layers.GlobalAvgPool1D is layers.GlobalAveragePooling1D
