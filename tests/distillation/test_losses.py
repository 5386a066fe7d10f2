"""Distillation losses against formulas worked by hand."""

import numpy as np
import pytest

from cornu import losses, ops
from cornu.distillation import DistillationLoss, FeatureDistillation, LogitsDistillation
from cornu.errors import ArgumentError, DataError, ShapeError

TEACHER = np.array([[2.0, 4.0]], "float32")
STUDENT = np.array([[4.0, 2.0]], "float32")


def given(x):
    return ops.convert_to_tensor(x)


def number(x):
    return float(ops.convert_to_numpy(x))


def test_logits_are_divided_by_the_temperature(backend):
    loss = LogitsDistillation(temperature=2.0, loss="mse")
    assert number(loss.compute_loss(given(TEACHER), given(STUDENT))) == 1.0  # (1 - 2)² and (2 - 1)²


def test_the_default_is_the_divergence_of_what_is_given(backend):
    quarter, half = np.array([[0.25, 0.75]], "float32"), np.array([[0.5, 0.5]], "float32")
    expected = 0.25 * np.log(0.5) + 0.75 * np.log(1.5)
    loss = LogitsDistillation(temperature=1.0)
    assert number(loss.compute_loss(given(quarter), given(half))) == pytest.approx(expected, abs=1e-6)


def test_losses_of_several_outputs_are_added_and_none_is_left_out(backend):
    teacher = {"a": given(TEACHER), "b": given(TEACHER)}
    student = {"a": given(STUDENT), "b": given(STUDENT)}
    both = LogitsDistillation(2.0, {"a": "mse", "b": "mae"})
    one = LogitsDistillation(2.0, {"a": None, "b": losses.MeanAbsoluteError()})
    assert number(both.compute_loss(teacher, student)) == 2.0
    assert number(one.compute_loss(teacher, student)) == 1.0
    listed = FeatureDistillation(["mse", None])
    assert number(listed.compute_loss([given(TEACHER)] * 2, [given(STUDENT)] * 2)) == 4.0


def test_features_are_compared_as_they_are(backend):
    assert number(FeatureDistillation().compute_loss(given(TEACHER), given(STUDENT))) == 4.0
    assert number(FeatureDistillation("mae").compute_loss(given(TEACHER), given(STUDENT))) == 2.0


def test_what_cannot_be_is_refused():
    with pytest.raises(ArgumentError, match="above 0, got 0"):
        LogitsDistillation(temperature=0)
    for loss in (None, [None, None], {"a": None}):
        with pytest.raises(ArgumentError, match="a loss for one output at least"):
            LogitsDistillation(loss=loss)
        with pytest.raises(ArgumentError, match="a loss for one output at least"):
            FeatureDistillation(loss=loss)
    with pytest.raises(ArgumentError, match="Did you mean"):
        LogitsDistillation(loss="kl_divergense")
    with pytest.raises(ShapeError, match=r"\(1, 2\) of the teacher's 'wide' and \(1, 1\) of the student's 'outputs'"):
        FeatureDistillation(teacher_layer_name="wide").compute_loss(TEACHER, STUDENT[:, :1])
    with pytest.raises(DataError, match="2 of the teacher and 1 of the student"):
        LogitsDistillation().compute_loss([TEACHER, TEACHER], [STUDENT])
    with pytest.raises(ArgumentError, match="in their structure, got the one loss"):
        LogitsDistillation().compute_loss([TEACHER, TEACHER], [STUDENT, STUDENT])
    with pytest.raises(ArgumentError, match=r"structure of the outputs.*keys \['a'\]"):
        LogitsDistillation(loss={"b": "mse"}).compute_loss({"a": TEACHER}, {"a": STUDENT})
    with pytest.raises(NotImplementedError, match="must define `compute_loss"):
        DistillationLoss().compute_loss(TEACHER, STUDENT)


@pytest.mark.parametrize("loss", [LogitsDistillation(2.5, "mse"), FeatureDistillation(["mae", None], "a", "b")])
def test_configurations_make_equal_losses(loss):
    config = loss.get_config()
    again = type(loss).from_config(config)
    assert again.get_config() == config
    assert vars(again).keys() == vars(loss).keys()
    assert again.loss == loss.loss
