"""Accuracies, counts at thresholds, curves, F-scores and IoU, against scikit-learn, over several batches."""

import itertools

import numpy as np
import pytest
import sklearn.metrics

from cornu import metrics, ops
from cornu.errors import ArgumentError, ShapeError

value = ops.convert_to_numpy


def fed(metric, *arrays, weights=None, batches=(0, 3, 40)):
    """The metric after these arrays in two batches of different length."""
    for a, b in itertools.pairwise(batches):
        metric.update_state(*(x[a:b] for x in arrays), sample_weight=None if weights is None else weights[a:b])
    return value(metric.result())


@pytest.fixture
def classes(rng):
    """Labels of 4 classes, probabilities, sample weights with a zero among them."""
    w = rng.uniform(0, 2, 40)
    w[5] = 0
    return rng.integers(0, 4, 40), rng.dirichlet(np.ones(4), 40).astype("float32"), w


@pytest.fixture
def binary(rng):
    """Labels 0 and 1, probabilities that have something to do with them, sample weights."""
    t = rng.integers(0, 2, 40)
    return t, np.clip(rng.uniform(0, 0.7, 40) + 0.3 * t, 0, 1).astype("float32"), rng.uniform(0, 2, 40)


@pytest.mark.parametrize("weighted", [False, True])
def test_accuracies(backend, classes, weighted):
    t, p, w = classes
    w = w if weighted else None
    expected = sklearn.metrics.accuracy_score(t, p.argmax(-1), sample_weight=w)
    np.testing.assert_allclose(fed(metrics.SparseCategoricalAccuracy(), t, p, weights=w), expected, rtol=1e-5)
    np.testing.assert_allclose(fed(metrics.SparseCategoricalAccuracy(), t[:, None], p, weights=w), expected, rtol=1e-5)
    np.testing.assert_allclose(fed(metrics.CategoricalAccuracy(), np.eye(4)[t], p, weights=w), expected, rtol=1e-5)
    np.testing.assert_allclose(fed(metrics.Accuracy(), t, p.argmax(-1), weights=w), expected, rtol=1e-5)


@pytest.mark.parametrize("k", [1, 2, 4, 9])
def test_top_k(backend, classes, k):
    t, p, w = classes
    expected = np.average([label in np.argsort(-row)[:k] for label, row in zip(t, p, strict=True)], weights=w)
    np.testing.assert_allclose(fed(metrics.SparseTopKCategoricalAccuracy(k), t, p, weights=w), expected, rtol=1e-5)
    np.testing.assert_allclose(fed(metrics.TopKCategoricalAccuracy(k), np.eye(4)[t], p, weights=w), expected, rtol=1e-5)
    ids = np.argsort(-p, -1)
    np.testing.assert_allclose(fed(metrics.SparseTopKCategoricalAccuracy(k, from_sorted_ids=True), t, ids, weights=w), expected, rtol=1e-5)


@pytest.mark.parametrize("shapes", [((40,), (40, 1)), ((40, 1), (40, 1)), ((40,), (40,)), ((40, 1), (40,))])
@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_binary_accuracy(backend, binary, shapes, threshold):
    t, p, w = binary
    expected = sklearn.metrics.accuracy_score(t, p > threshold, sample_weight=w)
    got = fed(metrics.BinaryAccuracy(threshold=threshold), t.reshape(shapes[0]), p.reshape(shapes[1]), weights=w)
    np.testing.assert_allclose(got, expected, rtol=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_counts_precision_recall(backend, binary, weighted):
    t, p, w = binary
    w = w if weighted else None
    (tn, fp), (fn, tp) = sklearn.metrics.confusion_matrix(t, p > 0.5, sample_weight=w)
    for cls, expected in (
        (metrics.TrueNegatives, tn), (metrics.FalsePositives, fp), (metrics.FalseNegatives, fn), (metrics.TruePositives, tp),
        (metrics.Precision, tp / (tp + fp)), (metrics.Recall, tp / (tp + fn)),
    ):  # fmt: skip
        np.testing.assert_allclose(fed(cls(), t, p, weights=w), expected, rtol=1e-5)


def test_several_thresholds(backend, binary):
    t, p, w = binary
    at = [0.2, 0.5, 0.8]
    expected = [sklearn.metrics.recall_score(t, p > x, sample_weight=w) for x in at]
    np.testing.assert_allclose(fed(metrics.Recall(thresholds=at), t, p[:, None], weights=w), expected, rtol=1e-5)


def test_one_class_of_many(backend, classes):
    t, p, w = classes
    expected = sklearn.metrics.precision_score(t == 2, p[:, 2] > 0.3, sample_weight=w)
    np.testing.assert_allclose(fed(metrics.Precision(thresholds=0.3, class_id=2), np.eye(4)[t], p, weights=w), expected, rtol=1e-5)


def test_the_largest_outputs_alone(backend, classes):
    t, p, w = classes
    chosen = np.zeros_like(p, dtype=bool)
    np.put_along_axis(chosen, np.argsort(-p, -1)[:, :2], True, -1)
    hits = np.eye(4)[t] * chosen
    np.testing.assert_allclose(fed(metrics.Precision(top_k=2), np.eye(4)[t], p), hits.sum() / 80, rtol=1e-5)
    np.testing.assert_allclose(fed(metrics.Recall(top_k=2), np.eye(4)[t], p, weights=w), (hits.sum(-1) * w).sum() / w.sum(), rtol=1e-5)
    both = hits * (p > 0.4)
    np.testing.assert_allclose(fed(metrics.Recall(top_k=2, thresholds=0.4), np.eye(4)[t], p), both.sum() / 40, rtol=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_area_under_roc(backend, binary, weighted):
    t, p, w = binary
    w = w if weighted else None
    # all distinct outputs apart by more than the thresholds: then the curve is the whole one
    p = (np.argsort(np.argsort(p)) / 39).astype("float32")
    expected = sklearn.metrics.roc_auc_score(t, p, sample_weight=w)
    np.testing.assert_allclose(fed(metrics.AUC(num_thresholds=1000), t, p, weights=w), expected, rtol=1e-5)
    np.testing.assert_allclose(fed(metrics.AUC(thresholds=(np.arange(40) - 0.5)[1:] / 39), t, p, weights=w), expected, rtol=1e-5)


def test_the_area_under_precision_and_recall(backend, binary):
    t, p, w = binary
    p = (np.argsort(np.argsort(p)) / 39).astype("float32")
    expected = sklearn.metrics.average_precision_score(t, p, sample_weight=w)  # steps to the left: between the two sums
    lower = fed(metrics.AUC(1000, "PR", "minoring"), t, p, weights=w)
    upper = fed(metrics.AUC(1000, "PR", "majoring"), t, p, weights=w)
    between = fed(metrics.AUC(1000, "PR"), t, p, weights=w)
    assert lower <= expected + 1e-6
    assert expected <= upper + 1e-6
    assert lower <= between <= upper
    np.testing.assert_allclose(between, expected, atol=0.03)


@pytest.mark.parametrize("num_labels", [None, 4])
def test_the_area_for_each_label(backend, classes, num_labels):
    t, p, w = classes
    p = np.round(p * 30) / 30 + 1e-3
    one_hot, weights = np.eye(4)[t], [1.0, 0.0, 2.0, 0.5]
    each = [sklearn.metrics.roc_auc_score(one_hot[:, i], p[:, i], sample_weight=w) for i in range(4)]
    settings = {"num_thresholds": 2001, "multi_label": True, "num_labels": num_labels}
    np.testing.assert_allclose(fed(metrics.AUC(**settings), one_hot, p, weights=w), np.mean(each), rtol=1e-4)
    got = fed(metrics.AUC(**settings, label_weights=weights), one_hot, p, weights=w)
    np.testing.assert_allclose(got, np.average(each, weights=weights), rtol=1e-4)


def test_logits(backend, binary):
    t, p, _ = binary
    z = np.log(p / (1 - p) + 1e-6)
    np.testing.assert_allclose(fed(metrics.AUC(from_logits=True), t, z), fed(metrics.AUC(), t, 1 / (1 + np.exp(-z))), rtol=1e-5)


def test_one_rate_where_the_other_is_held(backend, binary):
    t, p, w = binary
    false, true, _ = sklearn.metrics.roc_curve(t, p, sample_weight=w, drop_intermediate=False)
    fine = {"num_thresholds": 20001}
    np.testing.assert_allclose(fed(metrics.SensitivityAtSpecificity(0.7, **fine), t, p, weights=w), true[1 - false >= 0.7].max(), rtol=1e-4)
    np.testing.assert_allclose(
        fed(metrics.SpecificityAtSensitivity(0.7, **fine), t, p, weights=w), (1 - false)[true >= 0.7].max(), rtol=1e-4
    )
    precision, recall, _ = sklearn.metrics.precision_recall_curve(t, p, sample_weight=w)
    np.testing.assert_allclose(fed(metrics.PrecisionAtRecall(0.7, **fine), t, p, weights=w), precision[recall >= 0.7].max(), rtol=1e-4)
    np.testing.assert_allclose(fed(metrics.RecallAtPrecision(0.7, **fine), t, p, weights=w), recall[precision >= 0.7].max(), rtol=1e-4)
    assert fed(metrics.RecallAtPrecision(1.0, num_thresholds=1), 1 - t, p) == 0


@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
@pytest.mark.parametrize("beta", [1.0, 2.0])
@pytest.mark.parametrize("threshold", [None, 0.3])
def test_f_scores(backend, classes, average, beta, threshold):
    t, p, w = classes
    called = np.eye(4)[p.argmax(-1)] if threshold is None else p > threshold
    expected = sklearn.metrics.fbeta_score(np.eye(4)[t], called, beta=beta, average=average, sample_weight=w, zero_division=0)
    np.testing.assert_allclose(fed(metrics.FBetaScore(average, beta, threshold), np.eye(4)[t], p, weights=w), expected, rtol=1e-5)
    if beta == 1:
        np.testing.assert_allclose(fed(metrics.F1Score(average, threshold), np.eye(4)[t], p, weights=w), expected, rtol=1e-5)


def test_intersection_over_union(backend, classes):
    t, p, _ = classes
    each, one_hot = sklearn.metrics.jaccard_score(t, p.argmax(-1), average=None), np.eye(4)[t]
    for metric, arrays, expected in (
        (metrics.MeanIoU(4), (t, p.argmax(-1)), each.mean()),
        (metrics.MeanIoU(4, sparse_y_pred=False), (t, p), each.mean()),
        (metrics.OneHotMeanIoU(4), (one_hot, p), each.mean()),
        (metrics.IoU(4, [1, 3]), (t, p.argmax(-1)), each[[1, 3]].mean()),
        (metrics.OneHotIoU(4, [2]), (one_hot, p), each[2]),
        (metrics.BinaryIoU([1], 0.4), (one_hot[:, 0], p[:, 0]), sklearn.metrics.jaccard_score(one_hot[:, 0], p[:, 0] >= 0.4)),
    ):
        np.testing.assert_allclose(fed(metric, *arrays), expected, rtol=1e-5)


def test_intersection_over_union_of_some(backend, classes):
    t, p, w = classes
    whole = (w * 3).astype("int32")
    each = sklearn.metrics.jaccard_score(t, p.argmax(-1), average=None, sample_weight=whole)
    np.testing.assert_allclose(fed(metrics.MeanIoU(4), t, p.argmax(-1), weights=whole), each.mean(), rtol=1e-5)
    each = sklearn.metrics.jaccard_score(t, p.argmax(-1), average=None, sample_weight=w)
    np.testing.assert_allclose(fed(metrics.MeanIoU(4, dtype="float32"), t, p.argmax(-1), weights=w), each.mean(), rtol=1e-5)
    keep = t != 3
    matrix = sklearn.metrics.confusion_matrix(t[keep], p.argmax(-1)[keep], labels=range(4))
    union = matrix.sum(0) + matrix.sum(1) - np.diag(matrix)
    expected = (np.diag(matrix) / np.maximum(union, 1))[union > 0].mean()
    np.testing.assert_allclose(fed(metrics.MeanIoU(4, ignore_class=3), t, p.argmax(-1)), expected, rtol=1e-5)
    with pytest.raises(ArgumentError, match="dtype='float32'"):
        metrics.MeanIoU(4).update_state(t, p.argmax(-1), sample_weight=w)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: metrics.AUC(curve="RCO"), "'ROC'"), (lambda: metrics.AUC(num_thresholds=1), "num_thresholds"),
        (lambda: metrics.AUC(thresholds=[2.0]), "from 0 to 1"), (lambda: metrics.AUC(num_labels=2), "multi_label"),
        (lambda: metrics.Precision(thresholds=[1.5]), "from 0 to 1"), (lambda: metrics.SensitivityAtSpecificity(1.5), "specificity"),
        (lambda: metrics.F1Score("mean"), "average"), (lambda: metrics.FBetaScore(beta=0.0), "beta"),
        (lambda: metrics.TopKCategoricalAccuracy(0), "k must be"), (lambda: metrics.IoU(2, [2]), "target_class_ids"),
    ],
)  # fmt: skip
def test_wrong_settings(make, word):
    with pytest.raises(ArgumentError, match=word):
        make()


def test_shapes_that_do_not_fit():
    p = np.full((4, 3), 0.3, "float32")
    for metric, t in (
        (metrics.SparseCategoricalAccuracy(), np.eye(3)[[0, 1, 2, 0]]), (metrics.CategoricalAccuracy(), np.zeros(4)),
        (metrics.Precision(), np.zeros(4)),
        (metrics.F1Score(), np.zeros(4)), (metrics.MeanIoU(3), np.zeros(3)), (metrics.AUC(), np.zeros((4, 1))),
    ):  # fmt: skip
        with pytest.raises(ShapeError):
            metric.update_state(t, p)
