"""`fit(diagnose=True)`: each ailment is made on purpose and must be named; a sound run gets no advice, and looking changes nothing."""

import ast
import re

import numpy as np
import pytest

import cornu
from cornu import layers, ops, optimizers
from cornu.training import advice


@pytest.fixture
def x(rng):
    return rng.normal(size=(64, 4)).astype("float32")


def model_of(*stack, optimizer="adam", loss="mse"):
    model = cornu.Sequential([cornu.Input((4,)), *stack])
    model.compile(optimizer, loss)
    return model


def said(model, x, y, **settings):
    """What a run of it says, as one text."""
    history = model.fit(x, y, verbose=0, batch_size=16, diagnose=True, **settings)
    return "\n".join(map(str, history.diagnosis))


def test_a_sound_run_gets_no_advice_and_is_told_so(trainable_backend, x, capsys):
    model = model_of(layers.Dense(16, "relu"), layers.Dense(1), optimizer=optimizers.Adam(0.01))
    history = model.fit(x, x.sum(1, keepdims=True), epochs=4, verbose=2, diagnose=True)
    assert history.diagnosis == []
    assert capsys.readouterr().out.endswith("Diagnosis:\n- nothing stands out.\n")
    assert model.fit(x, x[:, :1], verbose=0).diagnosis is None


def test_looking_changes_nothing(trainable_backend, x):
    def fitted(diagnose):
        cornu.utils.set_random_seed(2)
        model = model_of(layers.Dense(5, "relu"), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(1))
        for _ in range(2):
            model.fit(x, x[:, :1], epochs=2, verbose=0, shuffle=False, diagnose=diagnose)
        return [v.numpy().tobytes() for v in (*model.variables, *model.optimizer.variables, *model.metrics_variables)]

    assert fitted(True) == fitted(False)


def test_inputs_that_are_far_from_1(x):
    pixels = np.abs(x * 60).clip(0, 255)
    pixels[0, 0] = 255.0
    found = said(model_of(layers.Dense(1), optimizer=optimizers.SGD(1e-6)), pixels, x[:, :1])
    assert "The numbers in x lie between" in found
    assert "layers.Rescaling(1 / 255)" in found
    assert "layers.Normalization()" in said(model_of(layers.Dense(1), optimizer=optimizers.SGD(1e-7)), x * 200, x[:, :1])
    norm = layers.Normalization()
    norm.adapt(x * 200)
    assert "The numbers in x" not in said(model_of(norm, layers.Dense(1)), x * 200, x[:, :1])


def test_the_input_is_named_in_a_model_with_several(x):
    inputs = {"a": cornu.Input((4,), name="a"), "b": cornu.Input((4,), name="b")}
    model = cornu.Model(inputs, layers.Dense(1)(layers.Concatenate()([inputs["a"], inputs["b"]])))
    model.compile(optimizers.SGD(1e-6), "mse")
    assert "The numbers in x['b'] lie between" in said(model, {"a": x, "b": x * 500}, x[:, :1])


def test_classes_that_are_rare_and_the_weights_that_mend_it(x):
    y = np.zeros(64, "int32")
    y[::16] = 1
    for targets, loss in ((y, "sparse_categorical_crossentropy"), (np.eye(2, dtype="float32")[y], "categorical_crossentropy")):
        model = model_of(layers.Dense(2, "softmax"), loss=loss)
        found = said(model, x, targets)
        assert "Class 0 has 93.8% of the rows, class 1 6.2%" in found
        weights = ast.literal_eval(re.search(r"class_weight=(\{.*?\})", found).group(1))
        assert weights == {0: pytest.approx(64 / (2 * 60), rel=1e-2), 1: pytest.approx(64 / (2 * 4), rel=1e-2)}
        assert "Class 0" not in said(model, x, targets, class_weight=weights)
    assert "there is nothing to tell apart" in said(model_of(layers.Dense(1, "sigmoid"), loss="binary_crossentropy"), x, np.ones(64))


def test_targets_that_are_no_classes_are_not_counted(x):
    assert "rows, class" not in said(model_of(layers.Dense(1)), x, np.r_[np.zeros(63), 1.0])


def test_units_that_are_dead(trainable_backend, x):
    shut = layers.Dense(10, "relu", bias_initializer=cornu.initializers.Constant(-100.0), name="shut")
    found = said(model_of(shut, layers.Dense(1)), x, x[:, :1])
    assert "10 of the 10 units of 'shut' give 0 for every row of a batch" in found


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_dead_filters_are_counted_along_their_axis(data_format, on_torch, rng):
    bias = cornu.initializers.Constant(-100.0)
    conv = layers.Conv2D(5, 2, activation="relu", data_format=data_format, bias_initializer=bias, name="shut")
    model = cornu.Sequential([cornu.Input((6, 6, 6)), conv, layers.Flatten(), layers.Dense(1)])
    model.compile("adam", "mse")
    assert "5 of the 5 units of 'shut'" in said(model, rng.normal(size=(32, 6, 6, 6)), np.zeros((32, 1)))


def test_gradients_that_explode_and_vanish(x):
    found = said(model_of(layers.Dense(3), layers.Dense(1), optimizer=optimizers.SGD(1e-12)), x, 1e5 * x[:, :1])
    assert "The gradients have the norm" in found
    assert "clipnorm=1.0" in found
    deep = [layers.Dense(4, "sigmoid", kernel_initializer=cornu.initializers.Constant(0.01)) for _ in range(8)]
    assert "Hardly any gradient reaches" in said(model_of(*deep, layers.Dense(1)), x, x[:, :1])


def test_rates_too_high_and_too_low(x):
    y = x.sum(1, keepdims=True)
    found = said(model_of(layers.Dense(1), optimizer=optimizers.SGD(2.0)), x, y, epochs=3)
    assert "the learning rate of 2 is too high" in found
    assert "Try 0.2" in found
    found = said(model_of(layers.Dense(1), optimizer=optimizers.SGD(1e-7)), x, y, epochs=3)
    assert "the learning rate of 1e-07 may be too low" in found
    assert "Try 1e-06" in found


def test_learning_by_heart(x):
    model = model_of(layers.Dense(1))
    course = {"loss": [1.0, 0.5, 0.3, 0.2, 0.1], "val_loss": [1.0, 0.6, 0.8, 0.9, 1.0]}
    (found,) = advice._of_losses(model, course)
    assert "Since epoch 2 the loss on validation data rises (now 1, then 0.6)" in found.what
    assert "EarlyStopping" in found.mend
    assert list(advice._of_losses(model, {**course, "val_loss": [1.0, 0.8, 0.6, 0.5, 0.5]})) == []


def test_a_step_of_one_s_own_is_looked_at_as_far_as_it_can_be(trainable_backend, x):
    class Own(cornu.Sequential):
        def train_step(self, data):
            inputs, targets = data

            def forward():
                return self.compute_loss(inputs, targets, self(inputs, training=True)), None

            (loss, _), grads = cornu.value_and_grad(forward, self.trainable_variables)
            self.optimizer.apply(grads, self.trainable_variables)
            return {"loss": loss}

    model = Own(
        [cornu.Input((4,)), layers.Dense(6, "relu", bias_initializer=cornu.initializers.Constant(-100.0), name="shut"), layers.Dense(1)]
    )
    model.compile("adam", "mse")
    assert "units of 'shut'" in said(model, x, 1e6 * x[:, :1])


def test_a_run_without_a_history_is_diagnosed_too(capsys, rng):
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    told = cornu.callbacks.CallbackList([], model=model)
    model.fit(100 * rng.normal(size=(8, 3)), np.zeros((8, 1)), verbose=2, callbacks=told, diagnose=True)
    assert "layers start out for numbers about 1" in capsys.readouterr().out


class Generator(cornu.Model):
    """Is called on noise, and trained on pictures."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(4, activation="relu")

    def call(self, noise):
        return self.dense(noise)

    def train_step(self, data):
        error = ops.mean(ops.square(self(ops.ones((2, 7))) - ops.mean(data)))
        return {"loss": error}


def test_a_step_of_ones_own_may_call_the_model_on_something_else(trainable_backend, x):
    model = Generator()
    model.build((None, 7))
    model.compile("sgd")
    assert model.fit(x, verbose=0, batch_size=16, diagnose=True).diagnosis == []


def history_of(*losses):
    return list(advice._of_losses(model_of(layers.Dense(1)), {"loss": losses}))


@pytest.mark.parametrize("losses", [(1.0, 1e-4, 2e-4), (0.693, 0.694), (-0.9, -0.8999), (2.0, 0.3, 0.4)])
def test_noise_at_the_end_of_a_descent_is_none_of_the_learning_rate(losses):
    assert history_of(*losses) == []


@pytest.mark.parametrize("losses", [(1.0, 0.3, 0.6), (1.0, 1.2), (-0.5, -0.4), (1.0, 5.0, 1.1)])
def test_a_rise_that_undoes_the_descent_is(losses):
    assert "too high" in history_of(*losses)[0].what
