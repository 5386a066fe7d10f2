"""`model.check` before training, `model.verify` across backends."""

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import ArgumentError, DataError


def network():
    return cornu.Sequential([cornu.Input((8, 8, 1)), layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(3)])


def test_check_tells_bytes_and_changes_nothing(trainable_backend):
    model = network()
    model.compile("adam", cornu.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = np.ones((40, 8, 8, 1), "float32"), np.arange(40) % 3
    before = [w.tobytes() for w in model.get_weights()]
    found = model.check(x, y, batch_size=16)
    parameters = 4 * (9 + 1) + (4 * 36 + 1) * 3
    assert (found.rows, found.weights, found.gradients) == (16, 4 * parameters, 4 * parameters)
    assert found.optimizer == 4 * (2 * parameters + 2)  # two moments, the count of steps and the learning rate
    assert found.activations == 16 * 4 * (4 * 36 + 4 * 36 + 3)
    assert found.bytes == found.weights + found.gradients + found.optimizer + found.activations
    assert 0 < found.seconds < 60
    assert str(found).startswith("A step on 16 rows: about")
    assert [w.tobytes() for w in model.get_weights()] == before
    assert not model.compilations
    with pytest.raises(DataError, match="from 0 to 2"):
        model.check(x, y + 1)


def test_verify_finds_the_layer_that_differs(rng):
    model = network()
    x = rng.normal(size=(5, 8, 8, 1)).astype("float32")
    before, home = [w.tobytes() for w in model.get_weights()], model.weights[0].backend.NAME
    found = model.verify(x, backends=["jax", "torch", "numpy"])
    assert len(found.layers) == 2 * 4  # three layers and the model itself
    assert found.worst.relative < 1e-5
    assert [w.tobytes() for w in model.get_weights()] == before
    assert home == model.weights[0].backend.NAME

    class Own(cornu.Layer):
        def call(self, inputs):
            return inputs * (1.0 if cornu.backend() == "jax" else 1.5)

    odd = cornu.Sequential([cornu.Input((4,)), layers.Dense(3), Own(name="odd")])
    worst = odd.verify(np.ones((2, 4), "float32")).worst
    assert worst.backend == "torch"
    assert worst.relative == pytest.approx(0.5, rel=1e-5)
    with pytest.raises(ArgumentError, match="Two backends"):
        odd.verify(np.ones((2, 4), "float32"), backends=["jax"])


def test_verify_draws_its_own_data():
    a, b = cornu.Input((None,), dtype="int32", name="a"), cornu.Input((3,), name="b")
    words = layers.GlobalAveragePooling1D()(layers.Embedding(5, 2)(a))
    for inputs in ([a, b], {"a": a, "b": b}):
        found = cornu.Model(inputs, layers.concatenate([words, b])).verify(backends=["numpy", "torch"])
        assert len(found.layers) == 4
        assert found.worst.relative < 1e-5
    listed = cornu.Model([a, b], layers.concatenate([words, b]))
    assert listed.verify([np.ones((2, 4), "int32"), np.ones((2, 3))], backends=["numpy", "torch"]).worst.relative < 1e-5


def test_verify_says_where_it_cannot_draw_data():
    class Own(cornu.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(ArgumentError, match=r"does not say what data it takes: give `verify` some"):
        Own().verify()
