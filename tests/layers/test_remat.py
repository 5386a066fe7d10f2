"""Layers made in a RematScope: the same numbers and gradients, computed again where the scope says so."""

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.errors import ArgumentError

X = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)


class Counted(layers.Layer):
    """How often its call ran on numbers."""

    runs = 0

    def call(self, x):
        self.runs += hasattr(x, "numpy")
        return ops.exp(x)


def gradients(model):
    def loss():
        return ops.sum(ops.square(model(X, training=True))), None

    (value, _), grads = cornu.state.transforms.value_and_grad(loss, model.trainable_variables)
    return float(value), [ops.convert_to_numpy(g) for g in grads]


def network(scope):
    cornu.utils.set_random_seed(0)
    with scope:
        inside = [
            layers.Dense(4, activation="tanh", name="wide"),
            Counted(name="counted"),
            layers.BatchNormalization(),
            layers.Dropout(0.5, seed=1),
        ]
    return cornu.Sequential([cornu.Input((3,)), *inside, layers.Dense(1)])


def test_numbers_gradients_and_statistics_are_the_same(trainable_backend):
    plain, again = network(cornu.RematScope(mode=None)), network(cornu.RematScope(mode="full"))
    (value, grads), (other, others) = gradients(plain), gradients(again)
    np.testing.assert_allclose(other, value, rtol=1e-5)
    for g, h in zip(grads, others, strict=True):
        np.testing.assert_allclose(h, g, rtol=1e-4, atol=1e-6)
    for v, w in zip(plain.non_trainable_variables, again.non_trainable_variables, strict=True):
        np.testing.assert_allclose(w.numpy(), v.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("scope", "twice"),
    [
        (cornu.RematScope("full"), True),
        (cornu.RematScope("activations"), True),
        (cornu.RematScope("larger_than", output_size_threshold=7), True),
        (cornu.RematScope("larger_than", output_size_threshold=8), False),
        (cornu.RematScope("list_of_layers", layer_names=["counted"]), True),
        (cornu.RematScope("list_of_layers", layer_names=["wide"]), False),
        (cornu.RematScope(None), False),
    ],
    ids=lambda value: getattr(value, "mode", value),
)
def test_which_layers_compute_again(scope, twice):
    """PyTorch runs what is written, so that runs can be counted: forward once, and again for the gradient."""
    with cornu.use_backend("torch"):
        model = network(scope)
        counted = model.get_layer("counted")
        counted.runs = 0
        gradients(model)
        assert counted.runs == (2 if twice else 1)


def test_what_is_refused():
    with pytest.raises(ArgumentError, match="mode of a RematScope"):
        cornu.RematScope("some")
    with pytest.raises(ArgumentError, match="layer_names go with"):
        cornu.RematScope("list_of_layers")
    with pytest.raises(ArgumentError, match="layer_names go with"):
        cornu.RematScope("full", layer_names=["a"])
