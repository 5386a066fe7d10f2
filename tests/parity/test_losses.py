"""Losses against those of the real Keras 3.15, as a black box on JAX."""

import os

import numpy as np
import pytest

pytestmark = pytest.mark.parity
os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

from cornu import losses, ops  # noqa: E402
from cornu.state import Variable, value_and_grad  # noqa: E402

POINTWISE = [
    "MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredLogarithmicError", "Huber", "LogCosh", "Hinge",
    "SquaredHinge", "CategoricalHinge", "KLDivergence", "Poisson", "CosineSimilarity", "BinaryCrossentropy", "CategoricalCrossentropy",
    "BinaryFocalCrossentropy", "CategoricalFocalCrossentropy",
]  # fmt: skip
CASES = [
    *[(name, {}) for name in POINTWISE],
    ("Huber", {"delta": 0.2}), ("CosineSimilarity", {"axis": 1}), ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}),
    ("BinaryCrossentropy", {"axis": 1}), ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}),
    ("CategoricalCrossentropy", {"axis": 1}), ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "from_logits": True,
    "gamma": 3.0}),
    ("CategoricalFocalCrossentropy", {"from_logits": True, "alpha": 0.6}), ("CategoricalFocalCrossentropy", {"label_smoothing": 0.2}),
    ("SparseCategoricalCrossentropy", {}), ("SparseCategoricalCrossentropy", {"from_logits": True}),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}), ("CategoricalGeneralizedCrossEntropy", {}),
    ("Dice", {}), ("Dice", {"axis": (1, 2)}), ("Dice", {"axis": -1}), ("Tversky", {"alpha": 0.3, "beta": 0.6}), ("Tversky", {"axis": 0}),
    ("Circle", {}), ("Circle", {"gamma": 5.0, "margin": 0.2, "remove_diagonal": False}), ("CTC", {}),
]  # fmt: skip


def data(rng, name):
    if name == "CTC":
        return np.array([[1, 2, 2], [3, 0, 0]]), rng.normal(size=(2, 8, 4)).astype("float32")
    if name == "Circle":
        y = rng.normal(size=(7, 4)).astype("float32")
        return np.array([0, 0, 1, 1, 1, 2, 3]), y / np.linalg.norm(y, axis=1, keepdims=True)
    y = rng.dirichlet(np.ones(4), (5, 3)).astype("float32")
    labels = rng.integers(0, 4, (5, 3))
    return (labels if "Sparse" in name or "Generalized" in name else np.eye(4, dtype="float32")[labels]), y


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_equal_values(rng, name, settings):
    t, y = data(rng, name)
    theirs = np.asarray(getattr(keras.losses, name)(reduction=None, **settings)(t, y))
    ours = ops.convert_to_numpy(getattr(losses, name)(reduction=None, **settings)(t, y))
    np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", ["Dice", "Tversky", "Hinge", "MeanSquaredError"])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", None])
def test_one_number_of_vectors_is_weighted_by_each_weight(name, reduction):
    t, y, w = np.array([1.0, 0.0, 1.0], "float32"), np.array([0.3, 0.2, 0.7], "float32"), np.array([1.0, 0.0, 3.0], "float32")
    for weights in (w, w[:, None], w[:1]):
        theirs = np.asarray(getattr(keras.losses, name)(reduction=reduction)(t, y, sample_weight=weights))
        ours = ops.convert_to_numpy(getattr(losses, name)(reduction=reduction)(t, y, sample_weight=weights))
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, strict=True)


@pytest.mark.parametrize("name", ["Dice", "Tversky", "Circle", "CTC"])
def test_equal_gradients(rng, trainable_backend, name):
    import jax

    t, y = data(rng, name)
    expected = jax.grad(lambda y: getattr(keras.losses, name)()(t, y))(y)
    variable = Variable(y)
    (_, _), (found,) = value_and_grad(lambda: (getattr(losses, name)()(t, variable), None), [variable])
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=2e-4, atol=2e-6)


def test_references_of_the_circle_loss(rng):
    t, y = data(rng, "Circle")
    given = {"ref_labels": t, "ref_embeddings": y, "remove_diagonal": False, "gamma": 10.0}
    theirs = np.asarray(keras.losses.circle(t[:3], y[:3], **given))
    np.testing.assert_allclose(ops.convert_to_numpy(losses.circle(t[:3], y[:3], **given)), theirs, rtol=2e-5)


@pytest.mark.parametrize("name", ["MeanSquaredError", "SparseCategoricalCrossentropy"])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None])
@pytest.mark.parametrize("weighted", [False, True])
def test_equal_reductions(rng, name, reduction, weighted):
    t, y = data(rng, name)
    weights = rng.uniform(0, 2, (5, 3)).astype("float32") if weighted else None
    theirs = np.asarray(getattr(keras.losses, name)(reduction=reduction)(t, y, weights))
    np.testing.assert_allclose(ops.convert_to_numpy(getattr(losses, name)(reduction=reduction)(t, y, weights)), theirs, rtol=2e-5)


def test_the_ignored_class_leaves_the_mean(rng):
    t, y = data(rng, "Sparse")
    theirs = keras.losses.SparseCategoricalCrossentropy(ignore_class=1)(t, y)
    assert float(losses.SparseCategoricalCrossentropy(ignore_class=1)(t, y)) == pytest.approx(float(theirs), rel=1e-5)


@pytest.mark.parametrize(("name", "settings"), [case for case in CASES if case[0] != "CategoricalGeneralizedCrossEntropy"])
def test_configurations_travel_both_ways(name, settings):
    theirs, ours = getattr(keras.losses, name)(reduction="sum", **settings), getattr(losses, name)(reduction="sum", **settings)
    assert keras.losses.deserialize(losses.serialize(ours)).name == theirs.name
    again = losses.deserialize(keras.losses.serialize(theirs))
    assert type(again) is type(ours)
    assert again.get_config().items() >= keras.losses.serialize(theirs)["config"].items()


@pytest.mark.parametrize("shapes", [((4,), (4, 1)), ((4, 1), (4,)), ((4, 3, 1), (4, 3)), ((4, 3), (4, 3, 1))])
def test_alignment(rng, shapes):
    t, y = (rng.uniform(0.1, 0.9, shape).astype("float32") for shape in shapes)
    for name in ("MeanSquaredError", "BinaryCrossentropy", "Hinge"):
        theirs = np.asarray(getattr(keras.losses, name)(reduction=None)(t, y))
        np.testing.assert_allclose(ops.convert_to_numpy(getattr(losses, name)(reduction=None)(t, y)), theirs, rtol=1e-5)


def test_the_cosine_is_trained_towards_one(rng):
    t, y = data(rng, "CosineSimilarity")
    theirs = np.asarray(keras.losses.get("cosine_similarity")(t, y))
    np.testing.assert_allclose(ops.convert_to_numpy(losses.get("cosine_similarity")(t, y)), theirs, rtol=1e-5)


def test_edges():
    zero, one = np.zeros((1, 2), "float32"), np.ones((1, 2), "float32")
    for name, t, y in (
        ("mean_absolute_percentage_error", zero, one), ("mean_squared_logarithmic_error", -one, one), ("cosine_similarity", zero, one),
        ("kl_divergence", np.array([[0.0, 1.0]], "float32"), one / 2), ("poisson", one, zero), ("binary_crossentropy", one, zero),
        ("categorical_crossentropy", np.array([[0.0, 1.0]], "float32"), np.array([[1.0, 0.0]], "float32")),
    ):  # fmt: skip
        theirs = np.asarray(getattr(keras.losses, name)(t, y))
        np.testing.assert_allclose(ops.convert_to_numpy(getattr(losses, name)(t, y)), theirs, rtol=1e-5, err_msg=name)
