"""Training by a teacher: the loss by hand, what is trained, and files."""

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.distillation import DistillationLoss, Distiller, FeatureDistillation, LogitsDistillation
from cornu.errors import ArgumentError, ShapeError, UnknownNameError

X = np.array([[1.0, 2.0], [3.0, 4.0]], "float32")
Y = np.array([[1.0], [0.0]], "float32")


def linear(hidden, head, name):
    """x -> hidden·(x₁ + x₂), twice -> head times their sum."""
    x = cornu.Input((2,))
    h = layers.Dense(2, use_bias=False, kernel_initializer=cornu.initializers.Constant(hidden), name="hidden")(x)
    y = layers.Dense(1, use_bias=False, kernel_initializer=cornu.initializers.Constant(head), name="head")(h)
    return cornu.Model(x, y, name=name)


# Sums of rows: 3 and 7. The teacher has 3, 7 in each hidden unit, and 6, 14 at the head; the student twice that inside, and 3, 7 at the head.
SUPERVISED = ((3 - 1) ** 2 + (7 - 0) ** 2) / 2
LOGITS = ((6 - 3) ** 2 + (14 - 7) ** 2) / 2 / 2**2
FEATURES = (3**2 + 7**2) / 2


def distiller(distillation_losses, *args, **kwargs):
    made = Distiller(linear(1.0, 1.0, "teacher"), linear(2.0, 0.25, "student"), distillation_losses, *args, **kwargs)
    made.compile(cornu.optimizers.SGD(0.001), "mse")
    return made


def both():
    return [LogitsDistillation(2.0, "mse"), FeatureDistillation("mse", "hidden", "hidden")]


def test_the_loss_is_that_of_labels_and_of_the_teacher(backend):
    found = distiller(both(), [1.0, 0.5], 0.25).evaluate(X, Y, verbose=0, return_dict=True)
    taught = LOGITS + 0.5 * FEATURES
    total = 0.25 * SUPERVISED + 0.75 * taught
    expected = {"loss": total, "student_loss": SUPERVISED, "distillation_loss": taught, "total_loss": total}
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("weight", "expected"), [(0.0, (LOGITS, 0.0, LOGITS)), (1.0, (SUPERVISED, SUPERVISED, 0.0))])
def test_a_weight_of_nothing_leaves_a_part_out(weight, expected):
    found = distiller(LogitsDistillation(2.0, "mse"), None, weight).evaluate(X, Y, verbose=0, return_dict=True)
    assert [found[name] for name in ("loss", "student_loss", "distillation_loss")] == pytest.approx(expected, rel=1e-6)


def test_a_step_moves_the_student_by_the_gradient_and_the_teacher_not(trainable_backend):
    model = distiller(FeatureDistillation("mse", "hidden", "hidden"), None, 0.0)
    assert [v.path for v in model.trainable_variables] == [v.path for v in model.student.trainable_variables]
    history = model.fit(X, Y, verbose=0).history
    assert history["loss"] == [pytest.approx(FEATURES, rel=1e-6)]
    # The gap is 3 and 7 in both units: the gradient of unit j by weight i is the sum over rows of 2·gap·xᵢ / 4
    gradient = np.array([[(3 * 1 + 7 * 3) / 2] * 2, [(3 * 2 + 7 * 4) / 2] * 2])
    np.testing.assert_allclose(model.student.get_layer("hidden").get_weights()[0], 2.0 - 0.001 * gradient, rtol=1e-6)
    np.testing.assert_allclose(model.student.get_layer("head").get_weights()[0], 0.25)
    np.testing.assert_array_equal(model.teacher.get_layer("hidden").get_weights()[0], np.ones((2, 2)))
    assert not model.teacher.trainable


def test_a_student_learns_what_its_teacher_does_without_labels_that_say_so(trainable_backend):
    inputs = np.eye(2, dtype="float32")
    model = distiller(both(), None, 0.0)
    model.compile(cornu.optimizers.SGD(0.3))
    model.fit(inputs, np.zeros_like(Y), epochs=80, verbose=0)
    np.testing.assert_allclose(model.predict(inputs), model.teacher.predict(inputs), atol=0.02)
    np.testing.assert_array_equal(model.predict(inputs), model.student.predict(inputs))


def test_features_come_of_the_pass_that_gave_the_outputs():
    """A layer that counts its passes is passed once a step."""
    passes = []

    class Counting(layers.Layer):
        def call(self, x):
            passes.append(1)
            return x

    x = cornu.Input((2,))
    student = cornu.Model(x, layers.Dense(1)(Counting(name="hidden")(x)))
    model = Distiller(linear(1.0, 1.0, "teacher"), student, FeatureDistillation("mse", "hidden", "hidden"))
    with cornu.use_backend("numpy"):
        model.to("numpy")
        model.compile("sgd", "mse", run_eagerly=True)
        model._ensure_built_(X)
        model.evaluate(X, Y, verbose=0)
        passes.clear()
        model.evaluate(X, Y, verbose=0)
    assert len(passes) == 1


def test_a_loss_of_ones_own_and_models_that_are_no_graphs(trainable_backend):
    class Net(cornu.Model):
        def __init__(self, scale):
            super().__init__()
            self.dense = layers.Dense(1, use_bias=False, kernel_initializer=cornu.initializers.Constant(scale))

        def call(self, x):
            return self.dense(x)

    class Gap(DistillationLoss):
        def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
            return ops.mean(ops.abs(teacher_outputs - student_outputs))

    model = Distiller(Net(3.0), Net(1.0), Gap(), student_loss_weight=0.0)
    model.compile("sgd")
    assert model.fit(X, Y, verbose=0).history["loss"] == [pytest.approx((2 * 3 + 2 * 7) / 2)]


def test_a_file_holds_both_models_and_how_to_go_on(tmp_path):
    model = distiller(both(), [1.0, 0.5], 0.25)
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "distiller.keras")
    again = cornu.saving.load_model(tmp_path / "distiller.keras")
    assert again.evaluate(X, Y, verbose=0, return_dict=True) == pytest.approx(model.evaluate(X, Y, verbose=0, return_dict=True))
    assert again.distillation_loss_weights == [1.0, 0.5]
    assert again.student_loss_weight == 0.25
    assert not again.teacher.trainable
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_what_cannot_be_is_refused():
    teacher, student = linear(1.0, 1.0, "teacher"), linear(2.0, 0.25, "student")
    with pytest.raises(ArgumentError, match="from 0 to 1, got 2"):
        Distiller(teacher, student, LogitsDistillation(), student_loss_weight=2)
    with pytest.raises(ArgumentError, match=r"for each of 1 distillation loss\(es\), got 2"):
        Distiller(teacher, student, LogitsDistillation(), [1.0, 2.0])
    with pytest.raises(ArgumentError, match="one distillation loss at least"):
        Distiller(teacher, student, [])
    with pytest.raises(ArgumentError, match="must be a DistillationLoss, got 'mse'"):
        Distiller(teacher, student, "mse")
    with pytest.raises(ArgumentError, match="teacher must be a Model"):
        Distiller(layers.Dense(1), student, LogitsDistillation())
    with pytest.raises(UnknownNameError, match="hiden"):
        Distiller(teacher, student, FeatureDistillation("mse", "hiden", "hidden"))
    with pytest.raises(ShapeError, match=r"\(None, 2\).*\(None, 3\)"):
        Distiller(teacher, cornu.Sequential([cornu.Input((3,)), layers.Dense(1)]), LogitsDistillation())
    with pytest.raises(ArgumentError, match="needs a loss, got None"):
        Distiller(teacher, student, LogitsDistillation()).compile("sgd")
