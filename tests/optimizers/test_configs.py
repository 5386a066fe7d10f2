"""Optimizers by name, as configurations, and in files."""

import json

import numpy as np
import pytest

from cornu import ops, optimizers
from cornu.errors import ArgumentError, ShapeError, UnknownNameError
from cornu.optimizers import SGD, Adam, LossScaleOptimizer, RMSprop, schedules
from cornu.state import Variable

ALL = [
    "SGD", "Adam", "AdamW", "RMSprop", "Adamax", "Nadam", "Adagrad", "Adadelta", "Lion", "Lamb", "Ftrl", "Adafactor", "Muon", "ScheduleFreeAdamW",
]  # fmt: skip


def weights():
    return [Variable(np.ones((2, 3), "float32"), name="kernel"), Variable(np.ones(3, "float32"), name="bias")]


def steps(optimizer, variables, count, start=0):
    for i in range(start, start + count):
        optimizer.apply([ops.convert_to_tensor(np.full(v.shape, np.cos(i), "float32")) for v in variables], variables)


@pytest.mark.parametrize("name", ALL)
def test_names(name):
    assert type(optimizers.get(name)).__name__ == name
    assert type(optimizers.get(name.lower())).__name__ == name if name.lower() in ("sgd", "adam", "nadam", "lion", "lamb", "ftrl") else True
    made = getattr(optimizers, name)()
    assert optimizers.get(made) is made
    assert type(optimizers.get(getattr(optimizers, name))) is type(made)


def test_the_old_spellings_and_unknown_ones():
    assert type(optimizers.get("rmsprop")) is RMSprop
    assert type(optimizers.get("adamw")) is optimizers.AdamW
    assert optimizers.get(None) is None
    with pytest.raises(UnknownNameError, match=r"Unknown optimizer: 'adm'. Did you mean 'Adam' or 'adam'"):
        optimizers.get("adm")
    with pytest.raises(ArgumentError, match="must be a name, a configuration, a class or a callable, not 3"):
        optimizers.get(3)


@pytest.mark.parametrize("name", ALL)
def test_config_round_trip(name):
    made = getattr(optimizers, name)(learning_rate=0.25, weight_decay=0.125, clipnorm=2.0, use_ema=True, ema_momentum=0.5, name="mine")
    config = json.loads(json.dumps(optimizers.serialize(made)))
    assert (config["module"], config["class_name"], config["registered_name"]) == ("keras.optimizers", name, None)
    again = optimizers.deserialize(config)
    assert again.get_config() == made.get_config()
    assert (float(again.learning_rate), again.weight_decay, again.clipnorm, again.name) == (0.25, 0.125, 2.0, "mine")


def test_config_with_a_schedule():
    made = Adam(schedules.CosineDecay(0.1, 10, warmup_target=0.2, warmup_steps=3), beta_1=0.5)
    again = optimizers.deserialize(json.loads(json.dumps(optimizers.serialize(made))))
    assert (again.beta_1, float(again.learning_rate)) == (0.5, pytest.approx(0.1))
    assert again.get_config() == made.get_config()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"clipnorm": 1.0, "clipvalue": 1.0}, "Only one of clipnorm, clipvalue and global_clipnorm"),
        ({"clipnorm": -1.0}, "clipnorm must be positive"),
        ({"loss_scale_factor": 0.0}, "loss_scale_factor must be positive"),
        ({"ema_momentum": 1.5}, "ema_momentum must be from 0 to 1"),
        ({"ema_overwrite_frequency": 0}, "ema_overwrite_frequency must be a whole number of at least 1"),
        ({"gradient_accumulation_steps": 1}, "gradient_accumulation_steps must be a whole number of at least 2"),
        ({"weight_decay": "much"}, "weight_decay must be a number"),
        ({"learning_rate": "fast"}, "A learning rate must be a number, a LearningRateSchedule or a function, got 'fast'"),
        ({"learning_rate": "0.1"}, "A learning rate must be a number, a LearningRateSchedule or a function, got '0.1'"),
        ({"lr": 0.1}, r"does not have the argument\(s\) \['lr'\]. Did you mean \['learning_rate'"),
        ({"momentum": 2.0}, "momentum must be from 0 to 1"),
    ],
)
def test_arguments_that_cannot_be(settings, message):
    with pytest.raises(ArgumentError, match=message):
        SGD(**settings)


def test_own_arguments_that_cannot_be():
    for make, message in (
        (lambda: RMSprop(momentum=-1.0), "momentum must be"),
        (lambda: optimizers.AdamW(weight_decay=None), "AdamW needs a number"),
        (lambda: optimizers.Adagrad(initial_accumulator_value=-1.0), "initial_accumulator_value must not be negative"),
        (lambda: optimizers.Ftrl(learning_rate_power=0.5), "learning_rate_power must not be positive"),
        (lambda: optimizers.Ftrl(l1_regularization_strength=-0.5), "l1_regularization_strength must not be negative"),
        (lambda: optimizers.Lion(beta_1=0.0), "beta_1 must be over 0"),
        (lambda: LossScaleOptimizer("adam"), "inner_optimizer must be an Optimizer"),
        (lambda: LossScaleOptimizer(SGD(), clipnorm=1.0), "Set them on the inner optimizer"),
    ):
        with pytest.raises(ArgumentError, match=message):
            make()


def test_the_order_of_variables():
    """Files depend on it."""
    expected = {
        Adam(amsgrad=True): [
            *("kernel_momentum", "kernel_velocity", "bias_momentum", "bias_velocity", "kernel_velocity_hat", "bias_velocity_hat"),
        ],
        RMSprop(momentum=0.5, centered=True): [
            *("kernel_velocity", "bias_velocity", "kernel_momentum", "bias_momentum", "kernel_average_gradient", "bias_average_gradient"),
        ],
        SGD(): [],
        SGD(momentum=0.5): ["kernel_momentum", "bias_momentum"],
        optimizers.Ftrl(): ["kernel_accumulator", "kernel_linear", "bias_accumulator", "bias_linear"],
        optimizers.Nadam(): ["kernel_momentum", "kernel_velocity", "bias_momentum", "bias_velocity", "u_product"],
        SGD(use_ema=True, gradient_accumulation_steps=2, momentum=0.5): [
            *("kernel_average", "bias_average", "kernel_gradient_accumulator", "bias_gradient_accumulator"),
            *("kernel_momentum", "bias_momentum", "accumulated_weight"),
        ],
    }
    for optimizer, names in expected.items():
        optimizer.build(weights())
        assert [v.name for v in optimizer.variables] == ["iteration", "learning_rate", *names]
        assert optimizer.variables[0].path == f"{optimizer.name}/iteration"
        assert not any(v.trainable for v in optimizer.variables)


@pytest.mark.parametrize("name", ALL)
def test_state_in_a_file_goes_on_as_if_never_stopped(backend, name):
    whole, parts = weights(), weights()
    one, before = getattr(optimizers, name)(0.1), getattr(optimizers, name)(0.1)
    steps(one, whole, 4)
    steps(before, parts, 2)
    store = {}
    before.save_own_variables(store)
    after = getattr(optimizers, name)(0.5)
    after.build(parts)
    after.load_own_variables(store)
    steps(after, parts, 2, start=2)
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_accumulation_in_a_file(backend):
    """At the end of a group, and amid one whose weights are plain, the file is Keras's; amid one with weights it holds their sum."""
    v = [Variable([1.0])]
    optimizer = SGD(0.1, gradient_accumulation_steps=2)
    optimizer.build(v)
    for weight, length in ((1.0, 3), (1.0, 3), (5.0, 4)):
        optimizer._apply_weighted_([ops.convert_to_tensor([1.0])], v, weight=weight)
        store = {}
        optimizer.save_own_variables(store)
        assert len(store) == length
        again = SGD(0.1, gradient_accumulation_steps=2)
        again.build(v)
        again.load_own_variables(store)
        assert [x.numpy().tolist() for x in again.variables] == [x.numpy().tolist() for x in optimizer.variables]


def test_a_file_of_an_optimizer_that_had_not_trained(backend):
    store = {}
    Adam(0.25).save_own_variables(store)
    assert len(store) == 2
    optimizer = Adam(0.1)
    optimizer.build(weights())
    optimizer.load_own_variables(store)
    assert float(optimizer.learning_rate) == 0.25


def test_a_file_of_another_optimizer(backend):
    store, adam, sgd = {}, Adam(), SGD(momentum=0.5)
    adam.build(weights())
    sgd.build(weights())
    adam.save_own_variables(store)
    with pytest.raises(ArgumentError, match=r"\(SGD\) has 4 variables, so it takes 4 values, got 6"):
        sgd.load_own_variables(store)
    values = [v.numpy() for v in sgd.variables]
    values[2] = np.ones(7)
    with pytest.raises(ShapeError, match=r"kernel_momentum' must have the shape \(2, 3\), got a value of shape \(7,\)"):
        sgd.set_weights(values)
    values[2] = np.full((2, 3), 4.0)
    sgd.set_weights(values)
    assert sgd.variables[2].numpy().tolist() == [[4.0] * 3] * 2
