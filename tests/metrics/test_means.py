"""Means, sums and the metrics that are means of a loss, against NumPy and scikit-learn, over several batches."""

import itertools

import numpy as np
import pytest
import sklearn.metrics

from cornu import metrics, ops
from cornu.errors import ArgumentError, ShapeError

value = ops.convert_to_numpy


def fed(metric, *arrays, weights=None, batches=(0, 3, 10)):
    """The metric after these arrays in two batches of different length."""
    for a, b in itertools.pairwise(batches):
        metric.update_state(*(x[a:b] for x in arrays), sample_weight=None if weights is None else weights[a:b])
    return value(metric.result())


@pytest.mark.parametrize("weights", [None, np.linspace(0, 2, 10)])
def test_mean_and_sum(backend, rng, weights):
    x = rng.normal(size=10)
    w = np.ones(10) if weights is None else weights
    np.testing.assert_allclose(fed(metrics.Mean(), x, weights=weights), np.average(x, weights=w), rtol=1e-5)
    np.testing.assert_allclose(fed(metrics.Sum(), x, weights=weights), (x * w).sum(), rtol=1e-5)


def test_scalars_and_nothing(backend):
    mean = metrics.Mean()
    assert float(mean.result()) == 0
    mean.update_state(2.0)
    mean.update_state(5.0, sample_weight=2.0)
    assert float(mean.result()) == 4.0
    mean.reset_state()
    assert [v.numpy().tolist() for v in mean.variables] == [0, 0]


def test_weights_count_from_the_first_axis(backend):
    mean = metrics.Mean()
    mean.update_state(np.arange(6.0).reshape(2, 3), sample_weight=np.array([1.0, 0.5]))
    assert float(mean.result()) == 2.0
    with pytest.raises(ShapeError, match="Sample weights"):
        mean.update_state(np.zeros((2, 3)), sample_weight=np.ones(3))


def test_what_weighs_nothing_may_be_anything(backend):
    assert float(metrics.Mean()(np.array([1.0, np.nan, np.inf]), sample_weight=np.array([1.0, 0.0, 0.0]))) == 1.0


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("MeanSquaredError", sklearn.metrics.mean_squared_error),
        ("RootMeanSquaredError", sklearn.metrics.root_mean_squared_error),
        ("MeanAbsoluteError", sklearn.metrics.mean_absolute_error),
        ("MeanAbsolutePercentageError", lambda *a, **k: 100 * sklearn.metrics.mean_absolute_percentage_error(*a, **k)),
        ("MeanSquaredLogarithmicError", sklearn.metrics.mean_squared_log_error),
    ],
)
@pytest.mark.parametrize("shape", [(10,), (10, 1), (10, 3)])
@pytest.mark.parametrize("weighted", [False, True])
def test_errors_agree_with_sklearn(backend, rng, name, reference, shape, weighted):
    t, y = rng.uniform(0.5, 2, (2, *shape))
    w = rng.uniform(0, 2, 10) if weighted else None
    # where there is no last axis to average, each sample is a batch's worth: (N,) beside (N, 1)
    got = fed(getattr(metrics, name)(), t, y[:, None] if len(shape) == 1 else y, weights=w)
    expected = reference(t, y, sample_weight=w)
    if name == "RootMeanSquaredError":  # of all values, not the mean of each output's root
        expected = np.sqrt(sklearn.metrics.mean_squared_error(t, y, sample_weight=w))
    np.testing.assert_allclose(got, expected, rtol=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_crossentropies_agree_with_log_loss(backend, rng, weighted):
    labels, p = rng.integers(0, 3, 10), rng.dirichlet(np.ones(3), 10).astype("float32")
    w = rng.uniform(0, 2, 10) if weighted else None
    expected = sklearn.metrics.log_loss(labels, p, sample_weight=w, labels=[0, 1, 2])
    np.testing.assert_allclose(fed(metrics.SparseCategoricalCrossentropy(), labels, p, weights=w), expected, rtol=1e-5)
    np.testing.assert_allclose(fed(metrics.CategoricalCrossentropy(), np.eye(3)[labels], p, weights=w), expected, rtol=1e-5)
    np.testing.assert_allclose(
        fed(metrics.CategoricalCrossentropy(from_logits=True), np.eye(3)[labels], np.log(p), weights=w), expected, rtol=1e-5
    )
    binary = sklearn.metrics.log_loss(labels > 0, 1 - p[:, 0].astype("float64"), sample_weight=w)
    np.testing.assert_allclose(fed(metrics.BinaryCrossentropy(), labels > 0, 1 - p[:, :1], weights=w), binary, rtol=1e-5)


def test_the_ignored_class_does_not_count(backend, rng):
    labels, p = np.array([0, 1, 2, 0, 1, 0, 0, 2, 1, 0]), rng.dirichlet(np.ones(3), 10).astype("float32")
    keep = labels != 0
    expected = sklearn.metrics.log_loss(labels[keep], p[keep], labels=[0, 1, 2])
    np.testing.assert_allclose(fed(metrics.SparseCategoricalCrossentropy(ignore_class=0), labels, p), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "name", ["KLDivergence", "Poisson", "Hinge", "SquaredHinge", "CategoricalHinge", "LogCoshError", "CosineSimilarity"]
)
def test_means_of_losses(backend, rng, name):
    from cornu import losses

    function = {"LogCoshError": "log_cosh", "KLDivergence": "kl_divergence", "SquaredHinge": "squared_hinge"}.get(name)
    function = function or {"CategoricalHinge": "categorical_hinge", "CosineSimilarity": "cosine_similarity"}.get(name, name.lower())
    t, y = np.eye(4)[rng.integers(0, 4, 10)], rng.dirichlet(np.ones(4), 10).astype("float32")
    w = rng.uniform(0, 1, 10)
    sign = -1 if name == "CosineSimilarity" else 1  # a loss is better where it is less, this metric where it is more
    each = sign * value(getattr(losses, function)(t, y))  # itself held to its formula in tests/losses
    np.testing.assert_allclose(fed(getattr(metrics, name)(), t, y, weights=w), np.average(each, weights=w), rtol=1e-4)


@pytest.mark.parametrize("name", ["Hinge", "BinaryCrossentropy", "MeanSquaredError", "Poisson", "CosineSimilarity"])
def test_weights_of_samples_beside_one_number_for_all_are_refused(backend, name):
    t, y, w = np.array([1.0, 0.0, 1.0], "float32"), np.array([0.3, 0.2, 0.7], "float32"), np.array([1.0, 0.0, 3.0], "float32")
    metric = getattr(metrics, name)()
    for weights in (w, w[:, None], ops.convert_to_tensor(w), w.tolist()):
        with pytest.raises(ShapeError, match=r"outputs of shape \(3,\).*`y\[:, None\]`"):
            metric.update_state(t, y, weights)
    plain = value(metric(t, y))
    for weights in (2.0, w[:1]):
        np.testing.assert_allclose(value(getattr(metrics, name)()(t, y, weights)), plain, rtol=1e-6)


@pytest.mark.parametrize("aggregation", ["uniform_average", "variance_weighted_average", None])
def test_r2(backend, rng, aggregation):
    t = rng.normal(size=(10, 2)) * [1, 5] + [1e3, 0]
    y, w = (t + rng.normal(size=(10, 2))).astype("float32"), rng.uniform(0.1, 2, 10)
    t = t.astype("float32")
    how = {"variance_weighted_average": "variance_weighted", None: "raw_values"}.get(aggregation, aggregation)
    for weights in (None, w):
        expected = sklearn.metrics.r2_score(t.astype("float64"), y, sample_weight=weights, multioutput=how)
        np.testing.assert_allclose(fed(metrics.R2Score(aggregation), t, y, weights=weights), expected, rtol=1e-3)


def test_adjusted_r2():
    t, y = np.arange(10.0)[:, None], (np.arange(10.0) + np.tile([0.5, -0.5], 5))[:, None]
    plain = sklearn.metrics.r2_score(t, y)
    np.testing.assert_allclose(fed(metrics.R2Score(num_regressors=3), t, y), 1 - (1 - plain) * 9 / 6, rtol=1e-5)


def test_correlations(backend, rng):
    t, y = rng.normal(size=(2, 10, 6))
    expected = np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(t, y, strict=True)])
    np.testing.assert_allclose(fed(metrics.PearsonCorrelation(), t, y), expected, rtol=1e-4)
    lin = np.mean([2 * np.cov(a, b, ddof=0)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2) for a, b in zip(t, y, strict=True)])
    np.testing.assert_allclose(fed(metrics.ConcordanceCorrelation(), t, y), lin, rtol=1e-4)


def test_a_wrapped_function():
    metric = metrics.MeanMetricWrapper(lambda t, y, power: ops.absolute(t - y) ** power, name="power", power=3)
    assert float(metric([0.0, 0.0], [1.0, 3.0])) == 14.0


@pytest.mark.parametrize("settings", [{"class_aggregation": "mean"}, {"num_regressors": -1}])
def test_wrong_settings(settings):
    with pytest.raises(ArgumentError, match=next(iter(settings))):
        metrics.R2Score(**settings)
