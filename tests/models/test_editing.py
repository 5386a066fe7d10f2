"""Layers kept in lists of a model: put in, inserted and taken out, they count from the next call and the next compiled step on."""

import numpy as np

import cornu
from cornu import layers, ops

X = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
Y = np.ones((4, 3), "float32")


class Chain(cornu.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [layers.Dense(3, use_bias=False, name="first")]

    def call(self, x):
        for block in self.blocks:
            x = block(x)
        return x


def by_hand(model):
    y = X
    for kernel in model.get_weights():
        y = y @ kernel
    return y


def trained(model):
    """Whether one step changes all weights."""
    model.compile(cornu.optimizers.SGD(0.1), "mse")
    before = [w.copy() for w in model.get_weights()]
    model.fit(X, Y, batch_size=4, verbose=0)
    return all((a != b).any() for a, b in zip(model.get_weights(), before, strict=True))


def test_lists_of_layers_may_be_changed_between_steps(trainable_backend):
    model = Chain()
    model(X)
    assert trained(model)
    last, front = layers.Dense(3, use_bias=False, name="last"), layers.Dense(3, use_bias=False, name="front")
    model.blocks.append(last)
    model(X)
    assert trained(model)
    model.blocks.insert(0, front)
    model(X)
    assert [layer.name for layer in model.layers] == ["front", "first", "last"]
    assert trained(model)
    np.testing.assert_allclose(model.predict(X, verbose=0), by_hand(model), rtol=1e-5, atol=1e-6)
    gone = last.get_weights()[0].copy()
    del model.blocks[-1]
    assert [layer.name for layer in model.layers] == ["front", "first"]
    assert trained(model)
    np.testing.assert_array_equal(last.get_weights()[0], gone)
    np.testing.assert_allclose(model.predict(X, verbose=0), by_hand(model), rtol=1e-5, atol=1e-6)


def test_the_list_that_a_model_gives_is_a_copy(backend):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2, name="one")])
    before = ops.convert_to_numpy(model(X))
    model.layers.append(layers.Dense(5))
    model.layers.clear()
    assert [layer.name for layer in model.layers] == ["one"]
    np.testing.assert_array_equal(ops.convert_to_numpy(model(X)), before)
