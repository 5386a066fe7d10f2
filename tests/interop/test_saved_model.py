"""SavedModels of TensorFlow as layers."""

import importlib.util

import numpy as np
import pytest

from cornu import layers, models, ops, serialization
from cornu.errors import ArgumentError, UnknownNameError

pytestmark = [pytest.mark.long, pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    import tensorflow as tf

    class Affine(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 3])])
        def serve(self, x):
            return x * 2.0 + 1.0

        @tf.function(input_signature=[tf.TensorSpec([None, 3])])
        def train(self, x):
            return x * 3.0

    path, module = str(tmp_path_factory.mktemp("saved")), Affine()
    tf.saved_model.save(module, path, signatures={"serving_default": module.serve})
    return path


X = np.arange(6, dtype="float32").reshape(2, 3)


def test_it_gives_what_the_endpoint_gives(folder, backend):
    layer = layers.TFSMLayer(folder, call_training_endpoint="train")
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(X)), X * 2 + 1)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(X, training=True)), X * 3)
    np.testing.assert_array_equal(ops.convert_to_numpy(layers.TFSMLayer(folder, "serving_default")(X)), X * 2 + 1)


def test_a_model_predicts_with_it(folder, backend):
    model = models.Sequential([layers.Input((3,)), layers.TFSMLayer(folder), layers.Rescaling(2.0)])
    assert model.output_shape == (None, 3)
    np.testing.assert_array_equal(model.predict(X, verbose=0), (X * 2 + 1) * 2)


def test_what_is_not_there_is_named(folder, tmp_path):
    with pytest.raises(ArgumentError, match="serving_default"):
        layers.TFSMLayer(folder, "other")
    with pytest.raises(ArgumentError, match=r"saved_model\.pb"):
        layers.TFSMLayer(tmp_path)


def test_files_may_not_name_it_unless_the_reader_says_so(folder):
    written = serialization.serialize(layers.TFSMLayer(folder))
    with pytest.raises(UnknownNameError):
        layers.deserialize(written)
    again = layers.deserialize(written, {"TFSMLayer": layers.TFSMLayer})
    np.testing.assert_array_equal(ops.convert_to_numpy(again(X)), X * 2 + 1)
