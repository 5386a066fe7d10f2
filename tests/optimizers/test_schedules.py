"""Schedules against their formulas, in steps that a program may count on the device."""

import math

import numpy as np
import pytest

from cornu import ops, optimizers
from cornu.errors import ArgumentError
from cornu.optimizers import SGD, Adam, schedules
from cornu.state import CompiledStep, Variable

STEPS = [0, 1, 4, 5, 7, 10, 11, 15, 20, 23, 30, 31, 47]


def cosine(t, start, length, alpha=0.0):
    return start * ((1 - alpha) * 0.5 * (1 + math.cos(math.pi * min(t / length, 1))) + alpha)


def restarts(t, t_mul, m_mul, alpha):
    length, start, period = 10.0, 0.0, 0
    while t >= start + length:
        start, length, period = start + length, length * t_mul, period + 1
    wave = 0.5 * m_mul**period * (1 + math.cos(math.pi * (t - start) / length))
    return 0.1 * ((1 - alpha) * wave + alpha)


CASES = {
    "exponential": (schedules.ExponentialDecay(0.1, 10, 0.5), lambda t: 0.1 * 0.5 ** (t / 10)),
    "exponential stairs": (schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True), lambda t: 0.1 * 0.5 ** (t // 10)),
    "inverse": (schedules.InverseTimeDecay(0.1, 10, 0.5), lambda t: 0.1 / (1 + 0.5 * t / 10)),
    "inverse stairs": (schedules.InverseTimeDecay(0.1, 10, 0.5, staircase=True), lambda t: 0.1 / (1 + 0.5 * (t // 10))),
    "piecewise": (schedules.PiecewiseConstantDecay([4, 10], [1.0, 0.5, 0.1]), lambda t: 1.0 if t <= 4 else 0.5 if t <= 10 else 0.1),
    "polynomial": (schedules.PolynomialDecay(0.1, 20, 0.01, power=2.0), lambda t: 0.09 * (1 - min(t, 20) / 20) ** 2 + 0.01),
    "polynomial cycle": (
        schedules.PolynomialDecay(0.1, 10, 0.01, cycle=True),
        lambda t: 0.09 * (1 - t / (10 * max(math.ceil(t / 10), 1))) + 0.01,
    ),
    "cosine": (schedules.CosineDecay(0.1, 20, alpha=0.1), lambda t: cosine(t, 0.1, 20, 0.1)),
    "cosine warm": (
        schedules.CosineDecay(0.02, 20, warmup_target=0.1, warmup_steps=10),
        lambda t: 0.02 + 0.08 * t / 10 if t < 10 else cosine(t - 10, 0.1, 20),
    ),
    "restarts": (schedules.CosineDecayRestarts(0.1, 10, t_mul=2.0, m_mul=0.9, alpha=0.1), lambda t: restarts(t, 2.0, 0.9, 0.1)),
    "restarts alike": (schedules.CosineDecayRestarts(0.1, 10, t_mul=1.0, m_mul=0.5), lambda t: restarts(t, 1.0, 0.5, 0.0)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_formula(backend, case):
    schedule, formula = CASES[case]
    count = Variable(0, dtype="int32", trainable=False)
    for t in STEPS:
        count.assign(t)
        assert float(ops.convert_to_numpy(schedule(count))) == pytest.approx(formula(t), rel=2e-5, abs=1e-7)
        assert float(ops.convert_to_numpy(schedule(t))) == pytest.approx(formula(t), rel=2e-5, abs=1e-7)


@pytest.mark.parametrize("case", CASES)
def test_config_round_trip(case):
    schedule, formula = CASES[case]
    config = schedules.serialize(schedule)
    assert (config["module"], config["registered_name"]) == ("keras.optimizers.schedules", None)
    again = schedules.deserialize(config)
    assert type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()
    assert float(again(7)) == pytest.approx(formula(7), rel=2e-5)


def test_an_optimizer_follows_its_schedule(trainable_backend):
    """In a compiled step, too, the rate is that of the step."""
    v, w = Variable([1.0]), 1.0
    optimizer = SGD(schedules.ExponentialDecay(0.1, 1, 0.5))
    optimizer.build([v])
    run = CompiledStep(lambda g: optimizer.apply([g], [v]), lambda: [v, *optimizer.variables])
    for t in range(4):
        assert float(optimizer.learning_rate) == pytest.approx(0.1 * 0.5**t)
        run(ops.convert_to_tensor([1.0]))
        w -= 0.1 * 0.5**t
        assert v.numpy()[0] == pytest.approx(w, rel=1e-6)
    assert [x.name for x in optimizer.variables] == ["iteration"]


def test_the_rate_can_be_set_between_compiled_steps(trainable_backend):
    v = Variable([1.0])
    optimizer = SGD(0.5)
    optimizer.build([v])
    run = CompiledStep(lambda g: optimizer.apply([g], [v]), lambda: [v, *optimizer.variables])
    run(ops.convert_to_tensor([1.0]))
    optimizer.learning_rate = 0.25
    run(ops.convert_to_tensor([1.0]))
    assert v.numpy().tolist() == [0.25]
    optimizer.learning_rate = schedules.PiecewiseConstantDecay([10], [0.125, 0.0])
    run(ops.convert_to_tensor([1.0]))
    assert v.numpy().tolist() == [0.125]
    with pytest.raises(ArgumentError, match="follows PiecewiseConstantDecay"):
        optimizer.learning_rate = 0.1


def test_a_function_as_rate(backend):
    rates = iter([0.5, 0.25])
    optimizer, v = SGD(lambda: next(rates)), Variable([1.0])
    for _ in range(2):
        optimizer.apply([ops.convert_to_tensor([1.0])], [v])
    assert v.numpy().tolist() == [0.25]


def test_accumulated_steps_count_once(backend):
    optimizer, v = SGD(schedules.PiecewiseConstantDecay([0], [0.5, 0.25]), gradient_accumulation_steps=2), Variable([1.0])
    for _ in range(4):
        optimizer.apply([ops.convert_to_tensor([1.0])], [v])
    assert v.numpy().tolist() == [0.25]


def test_a_schedule_of_ones_own(backend):
    class Halving(schedules.LearningRateSchedule):
        def __init__(self, initial):
            self.initial = initial

        def __call__(self, step):
            return self.initial * ops.power(0.5, ops.cast(step, "float32"))

    optimizer, v = Adam(Halving(0.4)), Variable([1.0])
    for _ in range(2):
        optimizer.apply([ops.convert_to_tensor([1.0])], [v])
    np.testing.assert_allclose(v.numpy(), [0.4], rtol=1e-5)
    config = optimizers.serialize(optimizer)
    assert optimizers.deserialize(config, {"Halving": Halving}).get_config()["learning_rate"]["config"] == {"initial": 0.4}
    with pytest.raises(NotImplementedError, match="must define"):
        schedules.LearningRateSchedule()(0)


def test_arguments_that_cannot_be():
    with pytest.raises(ArgumentError, match="one value more"):
        schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2])
    with pytest.raises(ArgumentError, match="rise"):
        schedules.PiecewiseConstantDecay([2, 1], [0.1, 0.2, 0.3])
    for cls in (schedules.ExponentialDecay, schedules.InverseTimeDecay):
        with pytest.raises(ArgumentError, match="decay_steps must be positive, got 0"):
            cls(0.1, 0, 0.5)
    with pytest.raises(ArgumentError, match="first_decay_steps must be positive, got -1"):
        schedules.CosineDecayRestarts(0.1, -1)
