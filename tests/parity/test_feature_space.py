"""Feature spaces against the real Keras: features of every kind, crosses, configurations and files both ways."""

import numpy as np
import pytest

import cornu
from cornu import ops

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.filterwarnings("ignore:Explicitly requested dtype", "ignore:.*saved.*:UserWarning")  # of Keras 3.15

DATA = {
    "z": [0.0, 0.1, 0.2, 0.3], "r": [1.0, 2.0, 3.0, 4.0], "n": [0.0, 0.5, 0.2, 0.3], "d": [0.0, 0.1, 0.2, 0.3], "i": [0, 1, 2, 1],
    "s": ["zero", "one", "two", "one"], "ih": [4, 5, 6, 7], "sh": ["a", "b", "c", "d"],
}  # fmt: skip


def features(space, output_mode):
    return {
        "z": "float", "r": space.float_rescaled(0.5, 1.0), "n": "float_normalized", "d": space.float_discretized(3, output_mode=output_mode),
        "i": space.integer_categorical(output_mode=output_mode), "s": space.string_categorical(max_tokens=10, output_mode=output_mode),
        "ih": "integer_hashed", "sh": space.string_hashed(5, output_mode=output_mode),
    }  # fmt: skip


def both(keras, mode):
    made = []
    for space in (cornu.utils.FeatureSpace, keras.utils.FeatureSpace):
        one = "int" if mode == "dict" else "one_hot"
        crosses = [("s", "i"), space.cross(("i", "sh"), 7, output_mode=one)]
        made.append(space(features(space, one), output_mode=mode, crosses=crosses, crossing_dim=8, hashing_dim=4))
        made[-1].adapt(tf.data.Dataset.from_tensor_slices(DATA).batch(2))
    return made


def test_one_vector(keras, backend):
    ours, theirs = both(keras, "concat")
    np.testing.assert_allclose(ops.convert_to_numpy(ours(DATA)), np.asarray(theirs(DATA)), rtol=1e-5)
    row = {k: v[1] for k, v in DATA.items()}
    np.testing.assert_allclose(ops.convert_to_numpy(ours(row)), np.asarray(theirs(row)), rtol=1e-5)


def test_a_dict(keras):
    ours, theirs = both(keras, "dict")
    found, expected = ours(DATA), theirs(DATA)
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(ops.convert_to_numpy(found[name]), np.asarray(value), rtol=1e-5)


def test_names(keras):
    ours, theirs = both(keras, "concat")
    assert list(ours.crossers) == list(theirs.crossers)
    assert [c.name for c in ours.crossers.values()] == [c.name for c in theirs.crossers.values()]
    for name, layer in theirs.preprocessors.items():
        assert type(ours.preprocessors[name]).__name__ == type(layer).__name__
    assert {k: (v.shape, v.dtype) for k, v in ours.get_inputs().items()} == {k: (v.shape, v.dtype) for k, v in theirs.get_inputs().items()}
    assert ours.get_encoded_features().shape == theirs.get_encoded_features().shape


def test_files_of_keras(keras, tmp_path):
    _, theirs = both(keras, "concat")
    theirs.save(tmp_path / "space.keras")
    read = cornu.models.load_model(tmp_path / "space.keras")
    np.testing.assert_allclose(ops.convert_to_numpy(read(DATA)), np.asarray(theirs(DATA)), rtol=1e-5)


def test_our_files(keras, tmp_path):
    ours, _ = both(keras, "concat")
    ours.save(tmp_path / "space.keras")
    read = keras.models.load_model(tmp_path / "space.keras")
    np.testing.assert_allclose(np.asarray(read(DATA)), ops.convert_to_numpy(ours(DATA)), rtol=1e-5)
