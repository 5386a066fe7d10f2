"""Layers and models pass through `pickle` and `copy` with their weights."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest

import cornu
from cornu import errors, layers

X = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
Y = (X.sum(1, keepdims=True) > 0).astype("float32")


class Twice(layers.Layer):
    """A layer of the user's own, not registered."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.Dense(units, name="inner")

    def call(self, inputs):
        return self.inner(inputs) * 2


def half_squared(y_true, y_pred):
    return cornu.ops.mean((y_true - y_pred) ** 2, -1) / 2


class Net(cornu.Model):
    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.hidden, self.head = Twice(units), layers.Dense(1)

    def call(self, inputs):
        return self.head(self.hidden(inputs))


def sequential():
    return cornu.Sequential([cornu.Input((4,)), Twice(3), layers.Dropout(0.5), layers.Dense(1)])


def functional():
    x = cornu.Input((4,))
    return cornu.Model(x, layers.Dense(1)(layers.BatchNormalization()(Twice(3)(x))))


WAYS = {"pickle": lambda thing: pickle.loads(pickle.dumps(thing)), "deepcopy": copy.deepcopy, "copy": copy.copy}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("make", [sequential, functional, Net])
def test_a_trained_model_goes_on_where_it_was(trainable_backend, make, way):
    model = make()
    model.compile(cornu.optimizers.Adam(0.01), half_squared, metrics=["mae"])
    model.fit(X, Y, epochs=2, batch_size=8, verbose=0, shuffle=False)
    again = way(model)
    assert type(again) is type(model)
    assert again is not model
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    assert again.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    assert int(again.optimizer.iterations) == 4
    before = model.get_weights()
    again.fit(X, Y, epochs=1, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_layers_keep_weights_words_and_random_numbers(backend):
    words = layers.StringLookup()
    words.adapt(np.array(["b", "a", "b"]))
    noise = layers.Dropout(0.5)
    normal = layers.Normalization()
    normal.adapt(X)
    dense = Twice(2)
    dense(X)
    if backend != "numpy":
        noise(X, training=True)
    for layer in (words, noise, normal, dense, layers.Dense(2), layers.LSTM(2)):
        for way in WAYS.values():
            again = way(layer)
            assert again.get_config() == layer.get_config()
            assert again.built == layer.built
            for a, b in zip(again.weights, layer.weights, strict=True):
                np.testing.assert_array_equal(a.numpy(), b.numpy())
                assert a is not b
    assert copy.deepcopy(words).get_vocabulary() == ["[UNK]", "b", "a"]
    for layer, arguments in ((noise, {"training": True}), (dense, {})):
        ours, other = (cornu.ops.convert_to_numpy(one(X, **arguments)) for one in (layer, copy.deepcopy(layer)))
        np.testing.assert_array_equal(ours, other)


class Noted(layers.Layer):
    """A layer with a file in a folder of its own."""

    note = ""

    def call(self, inputs):
        return inputs

    def save_assets(self, dir_path):
        (Path(dir_path) / "notes").mkdir()
        (Path(dir_path) / "notes" / "first.txt").write_text(self.note)

    def load_assets(self, dir_path):
        self.note = (Path(dir_path) / "notes" / "first.txt").read_text()


def test_files_in_folders_go_along():
    layer = Noted()
    layer.note = "kept"
    assert copy.deepcopy(layer).note == "kept"


def test_two_names_for_one_layer_stay_one():
    layer = layers.Dense(2)
    first, second = copy.deepcopy([layer, layer])
    assert first is second
    assert first is not layer


def test_a_model_stays_on_its_backend():
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(1)]).to("numpy")
    again = pickle.loads(pickle.dumps(model))
    assert isinstance(again.layers[0].kernel.value, np.ndarray)


def test_a_model_not_built_yet():
    again = copy.deepcopy(cornu.Sequential([layers.Dense(2), Twice(1)]))
    assert not again.built
    assert again(X).shape == (16, 1)


def test_a_lambda_has_no_form_outside_the_process():
    with pytest.raises(errors.ConfigError, match="lambda"):
        pickle.dumps(layers.Lambda(lambda x: x))
