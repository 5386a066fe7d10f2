"""`model.replace`: one layer exchanged, everything else kept."""

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import ArgumentError, ShapeError, UnknownNameError

X = np.linspace(-1, 1, 12, dtype="float32").reshape(3, 4)


def weights(layer):
    return [w.copy() for w in layer.get_weights()]


def by_hand(x, *pairs):
    """Dense layers, one after the other, in NumPy."""
    for kernel, bias in pairs:
        x = x @ kernel + bias
    return x


def test_the_head_of_a_stack(trainable_backend):
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3, name="body"), layers.Dense(2, name="head")])
    model.compile("adam", "mse")
    model.fit(X, np.zeros((3, 2), "float32"), verbose=0)
    body, old = weights(model.get_layer("body")), model.get_layer("head")
    model.replace("head", layers.Dense(5, name="head"))
    head = model.get_layer("head")
    assert head is not old
    assert model.output_shape == (None, 5)
    np.testing.assert_allclose(model.predict(X, verbose=0), by_hand(X, body, weights(head)), rtol=1e-5, atol=1e-6)
    model.fit(X, np.ones((3, 5), "float32"), verbose=0)
    assert any((a != b).any() for a, b in zip(weights(head), [np.zeros((3, 5)), np.zeros(5)], strict=True))
    assert model.optimizer.iterations.numpy() == 1


def test_in_the_middle_of_a_graph_what_follows_is_called_again(backend):
    x = cornu.Input((4,))
    h = layers.Dense(3, name="one")(x)
    model = cornu.Model(x, layers.Add(name="sum")([layers.Dense(2, name="a")(h), layers.Dense(2, name="b")(h)]))
    model.replace("one", layers.Dense(3, name="two"))
    assert [layer.name for layer in model.layers][1] == "two"
    h = by_hand(X, weights(model.get_layer("two")))
    expected = by_hand(h, weights(model.get_layer("a"))) + by_hand(h, weights(model.get_layer("b")))
    np.testing.assert_allclose(model.predict(X, verbose=0), expected, rtol=1e-5, atol=1e-6)
    inner = cornu.Model(model.input, model.get_layer("a").output)  # a layer's output is that of the new graph
    np.testing.assert_allclose(inner.predict(X, verbose=0), by_hand(h, weights(model.get_layer("a"))), rtol=1e-5, atol=1e-6)


def test_inside_an_inner_model_and_a_subclass(backend):
    class Own(cornu.Model):
        def __init__(self):
            super().__init__()
            self.encoder = cornu.Sequential(
                [cornu.Input((4,)), layers.Dense(3, name="first"), layers.Dense(3, name="second")], name="encoder"
            )
            self.heads = [layers.Dense(1, name="head")]

        def call(self, inputs):
            return self.heads[0](self.encoder(inputs))

    model = Own()
    model(X)
    model.replace("encoder/second", layers.Dense(3, name="third"))
    model.replace("head", layers.Dense(2, name="head"))
    parts = [weights(layer) for layer in (*model.encoder.layers, model.heads[0]) if layer.built]
    found = model.predict(X, verbose=0)
    parts = [weights(layer) for layer in (*model.encoder.layers, model.heads[0])]
    np.testing.assert_allclose(found, by_hand(X, *parts), rtol=1e-5, atol=1e-6)


def test_what_does_not_fit_changes_nothing(backend):
    inner = cornu.Sequential([cornu.Input((4,)), layers.Dense(3, name="first")], name="inner")
    x = cornu.Input((4,))
    model = cornu.Model(x, layers.Dense(2, name="head")(inner(x)))
    before = model.predict(X, verbose=0)
    with pytest.raises(ShapeError, match="the same number of units"):
        model.replace("inner/first", layers.Dense(7, name="wide"))
    with pytest.raises(UnknownNameError, match="head"):
        model.replace("haed", layers.Dense(2))
    with pytest.raises(ArgumentError, match="is taken"):
        model.replace("head", layers.Dense(2, name="inner"))
    with pytest.raises(ShapeError):
        model.replace("inner", layers.Reshape((5,), name="odd"))
    np.testing.assert_array_equal(model.predict(X, verbose=0), before)
    assert [layer.name for layer in model.layers][1:] == ["inner", "head"]
