"""Distillation beside the real Keras: the same losses, the same training, and its files."""

import numpy as np
import pytest

import cornu
from cornu import distillation

pytestmark = [pytest.mark.parity, pytest.mark.usefixtures("on_jax")]


def models(library):
    """A teacher and a student, by the library, with a hidden layer of the same width."""
    made = []
    for name, scale in (("teacher", 0.3), ("student", 0.2)):
        x = library.layers.Input((3,), name=f"{name}_x")
        h = library.layers.Dense(4, activation="relu", name="hidden")(x)
        model = library.Model(x, library.layers.Dense(2, activation="softmax", name="head")(h), name=name)
        rng = np.random.default_rng(int(scale * 10))
        model.set_weights([rng.normal(size=w.shape).astype("float32") for w in model.get_weights()])
        made.append(model)
    return made


def distiller(library):
    room = library.distillation
    made = room.Distiller(
        *models(library),
        [room.LogitsDistillation(2.0), room.FeatureDistillation("mae", "hidden", "hidden")],
        [1.0, 0.3],
        student_loss_weight=0.4,
    )
    made.compile(library.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    return made


@pytest.fixture
def data(rng):
    return rng.normal(size=(8, 3)).astype("float32"), rng.integers(2, size=8)


@pytest.mark.parametrize("loss", ["kl_divergence", "categorical_crossentropy", "mse", "huber"])
def test_losses_of_outputs_and_features(keras, loss, rng):
    teacher, student = (rng.uniform(0.1, 1, size=(4, 3)).astype("float32") for _ in range(2))
    for ours, theirs in (
        (distillation.LogitsDistillation(2.5, loss), keras.distillation.LogitsDistillation(2.5, loss)),
        (distillation.FeatureDistillation(loss), keras.distillation.FeatureDistillation(loss)),
    ):
        expected = float(theirs.compute_loss(keras.ops.convert_to_tensor(teacher), keras.ops.convert_to_tensor(student)))
        found = float(ours.compute_loss(cornu.ops.convert_to_tensor(teacher), cornu.ops.convert_to_tensor(student)))
        assert found == pytest.approx(expected, rel=1e-5)


def test_training_and_files(keras, data, tmp_path):
    x, y = data
    ours, theirs = distiller(cornu), distiller(keras)
    expected = theirs.fit(x, y, batch_size=8, epochs=3, verbose=0).history
    found = ours.fit(x, y, batch_size=8, epochs=3, verbose=0).history
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=2e-5, err_msg=name)
    for a, b in zip(ours.student.get_weights(), theirs.student.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    theirs.save(tmp_path / "theirs.keras")
    with pytest.warns(UserWarning, match="does not say the student loss"):
        read = cornu.saving.load_model(tmp_path / "theirs.keras")
    read.compile("sgd", "sparse_categorical_crossentropy")
    np.testing.assert_allclose(read.predict(x), theirs.predict(x, verbose=0), rtol=1e-5)
    assert read.evaluate(x, y, verbose=0, return_dict=True) == pytest.approx(theirs.evaluate(x, y, verbose=0, return_dict=True), rel=1e-4)
