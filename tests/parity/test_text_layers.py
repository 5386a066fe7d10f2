"""Text and categorical layers against the real Keras: the same arguments, inputs and files."""

import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.layers.fingerprints import fingerprints, keyed_hashes

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.filterwarnings("ignore:Explicitly requested dtype")  # Keras asks JAX for int64, Keras 3.15

WORDS = np.array([["", "a"], ["omar", "stringer"], ["x" * 17, "y" * 40], ["é" * 33, "z" * 200]])
TEXTS = ["It's a test, (ok)!", "a second\ttest  of texts", ""]


def both(keras, name, inputs, data=None, **arguments):
    """What Cornu's and Keras's layer of that name give for the inputs."""
    ours, theirs = getattr(cornu.layers, name)(**arguments), getattr(keras.layers, name)(**arguments)
    if data is not None:
        ours.adapt(data)
        theirs.adapt(data)
    return ops.convert_to_numpy(ours(inputs)), np.asarray(theirs(inputs))


CASES = [
    ("StringLookup", WORDS, WORDS, {}),
    ("StringLookup", WORDS[:2], WORDS, {"num_oov_indices": 3, "mask_token": ""}),
    ("StringLookup", WORDS[:2], WORDS, {"num_oov_indices": 3, "salt": 11}),
    ("StringLookup", WORDS, WORDS, {"output_mode": "tf_idf", "max_tokens": 5}),
    ("StringLookup", WORDS, WORDS, {"output_mode": "multi_hot", "mask_token": ""}),
    ("IntegerLookup", np.array([5, 5, 9, 7]), np.array([[9, 7], [1, -4]]), {"num_oov_indices": 2}),
    ("IntegerLookup", np.array([5, 5, 9, 7]), np.array([[9, 7], [1, -4]]), {"output_mode": "count", "mask_token": 7}),
    ("IntegerLookup", np.array([5, 5, 9]), np.array([[9, 7], [1, -4]]), {"num_oov_indices": 4, "oov_method": "farmhash", "salt": 3}),
    ("TextVectorization", TEXTS, TEXTS, {}),
    ("TextVectorization", TEXTS, TEXTS, {"ngrams": 2, "output_mode": "count"}),
    ("TextVectorization", TEXTS, TEXTS, {"output_mode": "tf_idf", "max_tokens": 6, "pad_to_max_tokens": True}),
    ("TextVectorization", TEXTS, TEXTS, {"split": "character", "standardize": "lower", "output_sequence_length": 7}),
    ("Hashing", None, WORDS, {"num_bins": 1000}),
    ("Hashing", None, WORDS, {"num_bins": 1000, "salt": [3, 5], "mask_value": "a"}),
    ("Hashing", None, np.array([[1, -7], [10**12, 0]]), {"num_bins": 1000}),
    ("HashedCrossing", None, (WORDS[:, 0], np.array([1, -2, 3, 4]), WORDS[:, 1]), {"num_bins": 1000}),
    ("Discretization", None, np.array([[0.5, 1.0], [2.5, -1.0]]), {"bin_boundaries": [0.0, 1.0, 2.0], "output_mode": "count"}),
    ("CategoryEncoding", None, np.array([[0, 3], [2, 2]]), {"num_tokens": 4, "output_mode": "count"}),
]


@pytest.mark.parametrize(("name", "data", "inputs", "arguments"), CASES, ids=lambda v: v if isinstance(v, str) else "")
def test_outputs(keras, name, data, inputs, arguments):
    ours, theirs = both(keras, name, inputs, data, **arguments)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_hashes(rng):
    tf = pytest.importorskip("tensorflow")
    texts = [rng.integers(0, 256, n, "uint8").tobytes() for n in range(200)]
    assert (fingerprints(texts) % np.uint64(2**62)).tolist() == tf.strings.to_hash_bucket_fast(texts, 2**62).numpy().tolist()
    theirs = tf.strings.to_hash_bucket_strong(texts, 2**62, [7, 11]).numpy().tolist()
    assert (keyed_hashes(texts, (7, 11)) % np.uint64(2**62)).tolist() == theirs


def test_files_of_keras(keras, tmp_path):
    layer = keras.layers.TextVectorization(output_mode="tf_idf")
    layer.adapt(TEXTS)
    keras.Sequential([keras.Input((1,), dtype="string"), layer]).save(tmp_path / "text.keras")
    (read,) = cornu.models.load_model(tmp_path / "text.keras").layers
    assert read.get_vocabulary() == layer.get_vocabulary()
    np.testing.assert_allclose(ops.convert_to_numpy(read(TEXTS)), np.asarray(layer(TEXTS)), rtol=1e-6)


def test_our_files(keras, tmp_path):
    layer = cornu.layers.IntegerLookup(output_mode="tf_idf")
    layer.adapt([[1, 2], [2, 5]])
    model = cornu.Sequential([cornu.Input((2,), dtype="int32"), layer])
    model.save(tmp_path / "integers.keras")
    theirs = keras.models.load_model(tmp_path / "integers.keras").layers[0]
    assert theirs.get_vocabulary() == layer.get_vocabulary()
    x = np.array([[2, 5], [7, 1]], "int32")
    np.testing.assert_allclose(np.asarray(theirs(x)), ops.convert_to_numpy(layer(x)), rtol=1e-6)
    again = cornu.models.load_model(tmp_path / "integers.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), ops.convert_to_numpy(layer(x)), rtol=1e-6)
