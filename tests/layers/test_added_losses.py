"""Whose the losses are that calls add, and how long they are kept; as in Keras, the values by formula."""

import gc

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.layers import context

X = np.ones((4, 3), "float32")


class Adding(cornu.Layer):
    """The sum of the inputs, twice; adds a hundredth of the batch's sum, and its layer within half the square of its outputs by ten."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.Dense(2, kernel_initializer="ones", activity_regularizer=cornu.regularizers.L2(0.1))
        self.seen = None

    def call(self, x):
        self.add_loss(ops.sum(x) * 0.01)
        y = self.inner(x)
        self.seen = len(self.losses), len(self.inner.losses)
        return y


def stack():
    inputs = cornu.Input((3,))
    after = layers.Dense(2, kernel_initializer="ones", activity_regularizer=cornu.regularizers.L2(0.1), name="after")
    return cornu.Model(inputs, after(Adding(name="adding")(inputs)))


def numbers(layer):
    return [pytest.approx(float(ops.convert_to_numpy(loss)), rel=1e-5) for loss in layer.losses]


def test_each_layer_has_what_it_and_those_inside_it_added(backend):
    model = stack()
    adding, after = model.get_layer("adding"), model.get_layer("after")
    model(X)
    assert (numbers(model), numbers(adding), numbers(adding.inner), numbers(after)) == ([0.12, 1.8, 7.2], [0.12, 1.8], [1.8], [7.2])
    assert adding.seen == (2, 1)
    model(2 * X)
    assert (numbers(model), numbers(after)) == ([0.24, 7.2, 28.8], [28.8])
    adding(X)  # alone: the losses of the other layer stay
    assert (numbers(model), numbers(adding), numbers(after)) == ([0.12, 1.8, 28.8], [0.12, 1.8], [28.8])


def test_a_layer_called_twice_has_two_losses_of_one_call(backend):
    inputs, shared = cornu.Input((3,)), layers.Dense(3, kernel_initializer="ones", activity_regularizer=cornu.regularizers.L2(0.1))
    model = cornu.Model(inputs, shared(shared(inputs)))
    for _ in range(2):
        model(X)
        assert numbers(model) == numbers(shared) == [2.7, 24.3]
    shared(X)
    assert numbers(model) == numbers(shared) == [2.7]


class InParts(cornu.Model):
    """Its own step calls its parts one by one."""

    def __init__(self):
        super().__init__()
        self.first, self.last = Adding(), layers.Dense(1, kernel_initializer="ones")

    def call(self, x):
        return self.last(self.first(x))

    def train_step(self, data):
        x, _ = data

        def added():
            self.last(self.first(x))
            return sum(self.losses), None

        (loss, _), _ = cornu.value_and_grad(added, self.first.trainable_variables[:1])
        return {"added": loss}


@pytest.mark.parametrize("eagerly", [False, True])
def test_a_step_that_calls_parts_has_their_losses(trainable_backend, eagerly):
    model = InParts()
    model(X)
    model.compile("sgd", "mse", run_eagerly=eagerly)
    assert model.fit(X, X[:, :1], verbose=0).history["added"] == [pytest.approx(0.12 + 1.8, rel=1e-5)]
    assert model.losses == model.first.losses == model.first.inner.losses == []


@pytest.mark.parametrize("eagerly", [False, True])
def test_steps_count_added_losses_once_and_leave_none_behind(trainable_backend, eagerly):
    model = stack()
    model.compile(cornu.optimizers.SGD(0.0), "mse", run_eagerly=eagerly)
    targets = np.zeros((4, 2), "float32")
    expected = 36 + 0.12 + 1.8 + 7.2  # outputs of 6
    for _ in range(2):
        model(X)
        assert model.fit(X, targets, verbose=0).history["loss"] == [pytest.approx(expected, rel=1e-5)]
        assert [layer.losses for layer in (model, *model.layers)] == [[], [], [], []]
        model(X)
        assert model.evaluate(X, targets, verbose=0) == pytest.approx(expected, rel=1e-5)
        assert [layer.losses for layer in (model, *model.layers)] == [[], [], [], []]
        model(X)
        model.predict(X, verbose=0)
        assert model.losses == model.get_layer("adding").losses == []


def test_calls_with_other_values_leave_none_behind(backend):
    model = stack()
    values = [v.numpy() * 0 for v in model.trainable_variables], []
    _, _, losses = model.stateless_call(*values, X, return_losses=True)
    assert [float(ops.convert_to_numpy(loss)) for loss in losses] == pytest.approx([0.12, 0, 0])
    assert model.losses == model.get_layer("adding").losses == []


def test_losses_go_with_their_layers(backend):
    gc.collect()
    before = len(context.kept_losses)
    layer = Adding()
    layer(X)
    assert len(context.kept_losses) == before + 2
    del layer
    gc.collect()
    assert len(context.kept_losses) == before
