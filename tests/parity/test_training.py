"""The loss at each of 20 training steps against the real Keras on JAX: equal initial weights, equal batches."""

import numpy as np
import pytest

import cornu
from cornu import layers, losses, optimizers

pytestmark = pytest.mark.parity

STEPS, ROWS = 20, 8


def mlp(entrance, layers):
    x = layers.Dense(16, activation="relu", kernel_regularizer="l2")(entrance)
    x = layers.Dense(8, activation="gelu")(x)
    return layers.Dense(3, activation="softmax")(x)


def cnn(entrance, layers):
    x = layers.Conv2D(4, 3, padding="same", use_bias=False)(entrance)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Conv2D(6, 3, strides=2, activation="relu")(layers.MaxPooling2D()(x))
    return layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(x))


def lstm(entrance, layers):
    x = layers.Embedding(12, 5, mask_zero=True)(entrance)
    return layers.Dense(3, activation="softmax")(layers.LSTM(6)(x))


# The tolerances are relative and cover what differs in the order of summation alone. Adam and RMSprop divide by the root of the squared gradient's
# mean, so in the first steps the rounding error of a gradient near 0 becomes a step of full size: convolutions, whose gradients are sums over
# all pixels, and batch norm, which makes gradients that are exactly 0 but for rounding (that of a scale before it), are held less tightly.
MODELS = {
    "MLP": (mlp, (10,), "float32", 1e-5),
    "CNN with batch norm": (cnn, (8, 8, 2), "float32", 1e-5),
    "LSTM classifier": (lstm, (7,), "int32", 1e-5),
}
OPTIMIZERS = {
    "SGD with momentum": lambda optimizers: optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "Adam": lambda optimizers: optimizers.Adam(0.01),
    "RMSprop": lambda optimizers: optimizers.RMSprop(0.005),
}


def batches(shape, dtype):
    rng = np.random.default_rng(11)
    for _ in range(STEPS):
        x = rng.normal(size=(ROWS, *shape)) if dtype == "float32" else rng.integers(0, 12, (ROWS, *shape)) * (np.arange(*shape) < 5)
        yield x.astype(dtype), rng.integers(0, 3, ROWS)


def curve(model, optimizer, loss, shape, dtype):
    """The loss of each step, and the weights after the last."""
    model.compile(optimizer, loss)
    history = model.fit(batches(shape, dtype), steps_per_epoch=1, epochs=STEPS, shuffle=False, verbose=0).history
    return np.array(history["loss"]), model.get_weights()


@pytest.fixture(scope="module")
def theirs(keras):
    """The real Keras's curve for a model and an optimizer, from the weights that ours begin with; each run once."""
    known = {}

    def find(name, optimizer, weights):
        if (name, optimizer) not in known:
            make, shape, dtype, _ = MODELS[name]
            entrance = keras.Input(shape, dtype=dtype)
            model = keras.Model(entrance, make(entrance, keras.layers))
            model.set_weights(weights)
            chosen = OPTIMIZERS[optimizer](keras.optimizers)
            known[name, optimizer] = curve(model, chosen, keras.losses.SparseCategoricalCrossentropy(), shape, dtype)
        return known[name, optimizer]

    return find


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", MODELS)
def test_the_loss_of_each_step_is_that_of_keras(trainable_backend, theirs, name, optimizer):
    make, shape, dtype, tolerance = MODELS[name]
    cornu.utils.set_random_seed(4)
    entrance = cornu.Input(shape, dtype=dtype)
    model = cornu.Model(entrance, make(entrance, layers))
    expected, their_weights = theirs(name, optimizer, model.get_weights())
    found, weights = curve(model, OPTIMIZERS[optimizer](optimizers), losses.SparseCategoricalCrossentropy(), shape, dtype)
    assert len(found) == STEPS
    np.testing.assert_allclose(found, expected, rtol=tolerance)
    for a, b, weight in zip(weights, their_weights, model.weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4, err_msg=weight.path)
