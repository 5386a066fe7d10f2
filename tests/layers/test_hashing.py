"""Bins by hashes. The bins were those of Keras 3.15; tests/parity/test_text_layers.py compares with it as it is installed."""

import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.errors import ArgumentError, DataError, ShapeError
from cornu.layers import HashedCrossing, Hashing
from cornu.layers.fingerprints import fingerprints

LETTERS = np.array([["A"], ["B"], ["C"], ["D"], ["E"]])


def values(x):
    return ops.convert_to_numpy(x).tolist()


def test_bins_of_texts(backend):
    assert values(Hashing(3)(LETTERS)) == [[1], [0], [1], [1], [2]]
    assert values(Hashing(3, salt=[133, 137])(LETTERS.astype("S"))) == [[1], [2], [1], [0], [2]]
    assert values(Hashing(3, mask_value="")([["A"], ["B"], [""], ["C"], ["D"]])) == [[1], [1], [0], [2], [2]]
    assert values(Hashing(4, output_mode="count")([["A", "C"], ["B", "B"]])) == [[1, 0, 0, 1], [2, 0, 0, 0]]


def test_bins_of_integers_are_those_of_their_digits(backend):
    expected = (fingerprints([b"0", b"-5"]) % np.uint64(10)).astype("int64").tolist()
    assert values(Hashing(10)([0, -5])) == values(Hashing(10)(ops.convert_to_tensor([0, -5]))) == expected
    assert values(Hashing(10, mask_value=1)([[0, 1, -5, 123456789]])) == [[2, 0, 1, 6]]


def test_crosses(backend):
    first, second = np.array(["A", "B", "A", "B", "A"]), np.array([101, 101, 101, 102, 102])
    assert values(HashedCrossing(5)((first, second))) == [1, 4, 1, 1, 3]
    assert values(HashedCrossing(5)(("A", 101))) == 1
    one_hot = values(HashedCrossing(5, output_mode="one_hot")((first[:, None], second[:, None])))
    assert np.argmax(one_hot, -1).tolist() == [1, 4, 1, 1, 3]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Hashing(0), "num_bins"),
        (lambda: Hashing(3, salt="x"), "salt"),
        (lambda: Hashing(1, mask_value=""), "at least 2"),
        (lambda: HashedCrossing(3, output_mode="count"), "output_mode"),
        (lambda: HashedCrossing(3)(LETTERS), "two inputs"),
    ],
)
def test_refused(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()


def test_inputs_that_cannot_be_hashed():
    with pytest.raises(ShapeError, match="batch"):
        HashedCrossing(3)((np.zeros((2, 2), int), np.zeros((2, 2), int)))
    with pytest.raises(DataError, match="whole numbers"):
        HashedCrossing(3)((np.zeros(2), np.zeros(2)))
    with pytest.raises(DataError, match="float"):
        Hashing(3)(np.array(["a", 1.5], object))


def test_a_compiled_model_says_where_the_layer_belongs():
    with cornu.use_backend("jax"):
        model = cornu.Sequential([cornu.Input((1,), dtype="int32"), Hashing(3)])
        with pytest.raises(DataError, match=r"dataset\.map"):
            model.predict(np.array([[1]], "int32"), verbose=0)


def test_within_a_pipeline_of_tensorflow(backend):
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices((LETTERS[:, 0], np.arange(5))).batch(5)
    hashed = data.map(lambda a, b: (Hashing(3)(a), HashedCrossing(5, output_mode="one_hot")((a, b))))
    ((bins, crossed),) = hashed.as_numpy_iterator()
    assert bins.tolist() == [1, 0, 1, 1, 2]
    assert crossed.tolist() == values(HashedCrossing(5, output_mode="one_hot")((LETTERS[:, 0], np.arange(5))))


def test_configuration():
    layer = Hashing(7, mask_value="", salt=3, output_mode="one_hot")
    assert values(Hashing.from_config(layer.get_config())(LETTERS)) == values(layer(LETTERS))
    assert layer.get_config()["salt"] == [3, 3]
