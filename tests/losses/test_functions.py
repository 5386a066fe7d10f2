"""Each loss function against its formula in NumPy (float64), on every backend."""

import numpy as np
import pytest
import scipy.special
import sklearn.metrics

from cornu import losses, ops
from cornu.errors import ShapeError

EPS = 1e-7


def softmax(x):
    return scipy.special.softmax(x, axis=-1)


def normalized(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


FORMULAS = {
    "mean_squared_error": lambda t, y: ((t - y) ** 2).mean(-1),
    "mean_absolute_error": lambda t, y: abs(t - y).mean(-1),
    "mean_absolute_percentage_error": lambda t, y: 100 * abs((t - y) / t).mean(-1),
    "mean_squared_logarithmic_error": lambda t, y: ((np.log1p(t) - np.log1p(y)) ** 2).mean(-1),
    "huber": lambda t, y: scipy.special.huber(1.0, t - y).mean(-1),
    "log_cosh": lambda t, y: np.log(np.cosh(t - y)).mean(-1),
    "cosine_similarity": lambda t, y: -(normalized(t) * normalized(y)).sum(-1),
    "kl_divergence": lambda t, y: scipy.special.rel_entr(t, y).sum(-1),
    "poisson": lambda t, y: (y - t * np.log(y)).mean(-1),
    "categorical_hinge": lambda t, y: np.maximum(1 + ((1 - t) * y).max(-1) - (t * y).sum(-1), 0),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_formula(backend, rng, name):
    t, y = rng.uniform(0.1, 1, (2, 5, 3))
    got = getattr(losses, name)(t.astype("float32"), y.astype("float32"))
    np.testing.assert_allclose(ops.convert_to_numpy(got), FORMULAS[name](t, y), rtol=2e-5)


def test_huber_far_away(backend):
    t, y = np.zeros((1, 3), "float32"), np.array([[0.1, 1.0, 9.0]], "float32")
    np.testing.assert_allclose(
        ops.convert_to_numpy(losses.huber(t, y, delta=0.5)), [scipy.special.huber(0.5, [0.1, 1.0, 9.0]).mean()], rtol=1e-6
    )


def test_log_cosh_does_not_overflow(backend):
    got = losses.log_cosh(np.zeros((2, 1), "float32"), np.array([[1e4], [-1e4]], "float32"))
    np.testing.assert_allclose(ops.convert_to_numpy(got), [1e4 - np.log(2)] * 2, rtol=1e-6)


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_binary_crossentropy(backend, rng, from_logits, smoothing):
    t, z = rng.integers(0, 2, (6, 4)).astype("float64"), rng.normal(size=(6, 4))
    p = scipy.special.expit(z)
    soft = t * (1 - smoothing) + smoothing / 2
    expected = -(soft * np.log(p) + (1 - soft) * np.log1p(-p)).mean(-1)
    got = losses.binary_crossentropy(t, (z if from_logits else p).astype("float32"), from_logits=from_logits, label_smoothing=smoothing)
    np.testing.assert_allclose(ops.convert_to_numpy(got), expected, rtol=1e-5)


def test_binary_crossentropy_of_logits_does_not_overflow(backend):
    got = losses.BinaryCrossentropy(from_logits=True, reduction=None)(
        [[0.0], [1.0], [1.0]], np.array([[200.0], [-200.0], [200.0]], "float32")
    )
    np.testing.assert_allclose(ops.convert_to_numpy(got), [200, 200, 0], atol=1e-6)


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("axis", [-1, 1])
def test_categorical_crossentropies_agree_with_log_loss(backend, rng, from_logits, axis):
    labels, z = rng.integers(0, 4, 12), rng.normal(size=(12, 4))
    expected = sklearn.metrics.log_loss(labels, softmax(z), labels=range(4))
    outputs = (z if from_logits else softmax(z)).astype("float32")
    one_hot = np.eye(4, dtype="float32")[labels]
    if axis == 1:  # the class axis in the middle
        outputs, one_hot, labels = (np.stack([x, x], -1) for x in (outputs, one_hot, labels))
    settings = {"from_logits": from_logits, "axis": axis}
    for got in (
        losses.CategoricalCrossentropy(**settings)(one_hot, outputs),
        losses.SparseCategoricalCrossentropy(**settings)(labels, outputs),
        losses.SparseCategoricalCrossentropy(**settings)(np.expand_dims(labels, axis), outputs),
    ):
        np.testing.assert_allclose(ops.convert_to_numpy(got), expected, rtol=1e-5)


def test_categorical_crossentropy_smoothing(backend):
    got = losses.categorical_crossentropy([[0.0, 1.0, 0.0]], [[0.2, 0.5, 0.3]], label_smoothing=0.3)
    np.testing.assert_allclose(ops.convert_to_numpy(got), [-(0.1 * np.log(0.2) + 0.8 * np.log(0.5) + 0.1 * np.log(0.3))], rtol=1e-6)


@pytest.mark.parametrize("ignored", [-1, 0, 2])
def test_the_ignored_class_leaves_values_and_mean(backend, rng, ignored):
    labels, p = np.array([ignored, 1, 1, ignored, 1]), softmax(rng.normal(size=(5, 3))).astype("float32")
    each = losses.SparseCategoricalCrossentropy(ignore_class=ignored, reduction=None)(labels, p)
    expected = np.where(labels == ignored, 0, -np.log(p[range(5), labels]))
    np.testing.assert_allclose(ops.convert_to_numpy(each), expected, rtol=1e-5)
    mean = losses.SparseCategoricalCrossentropy(ignore_class=ignored)(labels, p)
    np.testing.assert_allclose(ops.convert_to_numpy(mean), expected.sum() / 3, rtol=1e-5)


def test_focal_with_gamma_0_is_crossentropy(backend, rng):
    t, p = rng.integers(0, 2, (4, 3)).astype("float32"), rng.uniform(0.1, 0.9, (4, 3)).astype("float32")
    expected = -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean(-1)
    np.testing.assert_allclose(ops.convert_to_numpy(losses.binary_focal_crossentropy(t, p, gamma=0.0)), expected, rtol=1e-5)
    q = np.where(t == 1, p, 1 - p)
    weighted = (np.where(t == 1, 0.3, 0.7) * (1 - q) ** 1.5 * -np.log(q)).mean(-1)
    got = losses.binary_focal_crossentropy(t, p, apply_class_balancing=True, alpha=0.3, gamma=1.5)
    np.testing.assert_allclose(ops.convert_to_numpy(got), weighted, rtol=1e-5)


@pytest.mark.parametrize("from_logits", [True, False])
def test_categorical_focal(backend, rng, from_logits):
    z, labels = rng.normal(size=(5, 3)), rng.integers(0, 3, 5)
    p, alpha = softmax(z)[range(5), labels], np.array([0.1, 0.5, 0.4])
    got = losses.categorical_focal_crossentropy(
        np.eye(3)[labels], (z if from_logits else softmax(z)).astype("float32"), alpha=alpha, gamma=3.0, from_logits=from_logits
    )
    np.testing.assert_allclose(ops.convert_to_numpy(got), -alpha[labels] * (1 - p) ** 3 * np.log(p), rtol=1e-5)


def test_generalized_crossentropy(backend, rng):
    p, labels = softmax(rng.normal(size=(5, 3))), rng.integers(0, 3, 5)
    got = losses.categorical_generalized_cross_entropy(labels, p.astype("float32"), 0.7)
    np.testing.assert_allclose(ops.convert_to_numpy(got), (1 - p[range(5), labels] ** 0.7) / 0.7, rtol=1e-5)


@pytest.mark.parametrize(("targets", "signed"), [([0, 1, 1], [-1, 1, 1]), ([-1, 1, 1], [-1, 1, 1]), ([0, -1, 1], [0, -1, 1])])
def test_hinge(backend, targets, signed):
    y = np.array([[0.5, -0.25, 2.0]], "float32")
    margin = np.maximum(1 - np.array([signed]) * y, 0)
    np.testing.assert_allclose(ops.convert_to_numpy(losses.hinge([targets], y)), margin.mean(-1), rtol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(losses.squared_hinge([targets], y)), (margin**2).mean(-1), rtol=1e-6)


@pytest.mark.parametrize(
    "name", ["mean_squared_error", "binary_crossentropy", "huber", "hinge", "kl_divergence", "categorical_crossentropy"]
)
@pytest.mark.parametrize("shapes", [((4,), (4, 3)), ((4, 1), (4, 3)), ((3, 3), (4, 3)), ((4, 3), (4, 1))])
def test_shapes_that_differ_are_refused(name, shapes):
    t, y = (np.full(shape, 0.5, "float32") for shape in shapes)
    with pytest.raises(ShapeError, match=r"got targets \(.*\) and outputs \(.*\)"):
        getattr(losses, name)(t, y)


def test_class_numbers_under_a_categorical_loss_name_the_sparse_one():
    with pytest.raises(ShapeError, match="sparse_categorical_crossentropy"):
        losses.CategoricalCrossentropy()(np.array([0, 1]), np.full((2, 3), 1 / 3, "float32"))
    with pytest.raises(ShapeError, match="categorical_crossentropy"):
        losses.SparseCategoricalCrossentropy()(np.eye(3)[:2], np.full((2, 3), 1 / 3, "float32"))


@pytest.mark.parametrize("shapes", [((4,), (4, 1)), ((4, 1), (4,))])
def test_a_missing_last_axis_never_spreads(backend, rng, shapes):
    t, y = rng.uniform(0.1, 0.9, (2, 4))
    for name in ("MeanSquaredError", "BinaryCrossentropy", "Huber", "Hinge", "Poisson"):
        loss = getattr(losses, name)(reduction=None)
        got = loss(t.reshape(shapes[0]), y.reshape(shapes[1]).astype("float32"))
        assert tuple(got.shape) == (4,)
        np.testing.assert_allclose(
            ops.convert_to_numpy(got), ops.convert_to_numpy(loss(t[:, None], y[:, None].astype("float32"))), rtol=1e-6
        )


def test_numpy_targets_join_the_outputs_backend():
    from cornu import use_backend

    with use_backend("torch"):
        outputs = ops.convert_to_tensor(np.zeros((2, 1), "float32"))
    got = losses.MeanSquaredError()(np.ones((2, 1)), outputs)
    assert type(got) is type(outputs)
    assert float(got) == 1.0


def test_gradients_are_finite_at_the_edges(trainable_backend):
    from cornu.state import Variable, value_and_grad

    cases = {
        "categorical_crossentropy": ([[0.0, 1.0]], [[1.0, 0.0]]),
        "binary_crossentropy": ([[0.0, 1.0]], [[1.0, 0.0]]),
        "binary_focal_crossentropy": ([[0.0, 1.0]], [[0.0, 1.0]]),
        "kl_divergence": ([[0.0, 1.0]], [[1.0, 0.0]]),
        "cosine_similarity": ([[0.0, 0.0]], [[0.0, 0.0]]),
        "log_cosh": ([[0.0, 0.0]], [[500.0, -500.0]]),
        "mean_absolute_percentage_error": ([[0.0, 1.0]], [[1.0, 1.0]]),
    }
    for name, (t, y) in cases.items():
        v = Variable(np.array(y, "float32"))
        (loss, _), (grad,) = value_and_grad(lambda name=name, t=t, v=v: (ops.sum(getattr(losses, name)(t, v.value)), None), [v])
        assert np.isfinite(ops.convert_to_numpy(loss)), name
        assert np.isfinite(ops.convert_to_numpy(grad)).all(), name
