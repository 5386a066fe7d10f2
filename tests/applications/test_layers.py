"""The layers that some architectures bring along."""

import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.applications.layers import CustomScaleLayer, LayerScale, StochasticDepth
from cornu.errors import ArgumentError


def test_a_scaled_sum(backend, rng):
    a, b = rng.normal(size=(2, 3, 4)).astype("float32")
    found = CustomScaleLayer(0.25)([ops.convert_to_tensor(a), ops.convert_to_tensor(b)])
    np.testing.assert_allclose(ops.convert_to_numpy(found), a + 0.25 * b, rtol=1e-6)


def test_a_factor_for_each_channel(backend, rng):
    layer, x = LayerScale(1e-6, 4), rng.normal(size=(2, 3, 4)).astype("float32")
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), 1e-6 * x, rtol=1e-6)
    layer.set_weights([np.arange(4.0)])
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), x * np.arange(4), rtol=1e-6)
    assert [v.path.rpartition("/")[2] for v in layer.trainable_variables] == ["gamma"]


def test_whole_samples_are_dropped_in_training(backend):
    layer, x = StochasticDepth(0.25), np.ones((400, 2, 3), "float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(x)), x)
    found = ops.convert_to_numpy(layer(x, training=True))
    assert set(np.unique(found)) == {np.float32(0), np.float32(1 / 0.75)}
    assert (found == found[:, :1, :1]).all()
    assert abs(found.mean() - 1) < 0.12  # 4 standard deviations
    with pytest.raises(ArgumentError, match="drop_path_rate must be at least 0 and below 1, got 1"):
        StochasticDepth(1.0)


@pytest.mark.parametrize("layer", [CustomScaleLayer(0.5), LayerScale(0.5, 3), StochasticDepth(0.5)])
def test_files_name_them_as_keras_does(layer):
    written = cornu.saving.serialize_keras_object(layer)
    assert written["module"].startswith("keras.src.applications.")
    twin = cornu.saving.deserialize_keras_object(written)
    assert (type(twin), twin.get_config()) == (type(layer), layer.get_config())
