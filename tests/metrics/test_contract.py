"""What every metric class keeps: parts that are merged give the whole, and what weighs nothing is as if it were not there."""

import inspect

import numpy as np
import pytest

from cornu import metrics, ops
from cornu.metrics import MeanMetricWrapper, Metric
from cornu.registry import METRICS

value = ops.convert_to_numpy
CLASSES = sorted(
    (cls for cls in METRICS.values() if inspect.isclass(cls) and issubclass(cls, Metric) and cls is not MeanMetricWrapper),
    key=lambda cls: cls.__name__,
)
SETTINGS = {
    "AUC": [{}, {"curve": "PR", "multi_label": True}, {"curve": "PRGAIN", "thresholds": [0.2, 0.5]}, {"label_weights": [1.0, 2.0, 0.5]}],
    "BinaryAccuracy": [{"threshold": 0.4}], "CosineSimilarity": [{}, {"axis": -1}],
    "BinaryCrossentropy": [{}, {"from_logits": True, "label_smoothing": 0.1}],
    "CategoricalCrossentropy": [{}, {"from_logits": True, "label_smoothing": 0.1}],
    "SparseCategoricalCrossentropy": [{}, {"ignore_class": 1}, {"from_logits": True}],
    "F1Score": [{}, {"average": "micro"}, {"average": "macro", "threshold": 0.4}], "FBetaScore": [{"beta": 2.0, "average": "weighted"}],
    "IoU": [{"num_classes": 3, "target_class_ids": [0, 2]}, {"num_classes": 3, "target_class_ids": [0], "ignore_class": 1}],
    "MeanIoU": [{"num_classes": 3}, {"num_classes": 3, "sparse_y_pred": False, "dtype": "float32"}],
    "OneHotIoU": [{"num_classes": 3, "target_class_ids": [1]}], "OneHotMeanIoU": [{"num_classes": 3}],
    "BinaryIoU": [{}, {"threshold": 0.3, "target_class_ids": [1]}],
    "Precision": [{}, {"thresholds": [0.2, 0.6]}, {"top_k": 2, "class_id": 1}], "Recall": [{}, {"thresholds": 0.3, "class_id": 2}, {"top_k": 1}],
    "PrecisionAtRecall": [{"recall": 0.6}, {"recall": 0.6, "num_thresholds": 1}], "RecallAtPrecision": [{"precision": 0.6, "class_id": 1}],
    "SensitivityAtSpecificity": [{"specificity": 0.6}], "SpecificityAtSensitivity": [{"sensitivity": 0.6}],
    "R2Score": [{}, {"class_aggregation": "variance_weighted_average"}, {"class_aggregation": None}],
    "TopKCategoricalAccuracy": [{"k": 2}], "SparseTopKCategoricalAccuracy": [{"k": 2}],
    "TruePositives": [{}, {"thresholds": [0.1, 0.7]}],
}  # fmt: skip
CASES = [(cls, settings) for cls in CLASSES for settings in SETTINGS.get(cls.__name__, [{}])]
IDS = [f"{cls.__name__}-{','.join(settings)}" for cls, settings in CASES]


def labels_are_classes(cls, settings):
    return "Sparse" in cls.__name__ or cls in (metrics.MeanIoU, metrics.IoU, metrics.Accuracy)


def outputs_are_classes(cls, settings):
    return cls in (metrics.MeanIoU, metrics.IoU, metrics.Accuracy) and settings.get("sparse_y_pred", True)


def samples(rng, cls, settings, n=24):
    """Arguments that suit the class, and whole weights that all metrics take; every fourth sample weighs nothing."""
    labels, p = rng.integers(0, 3, n), rng.dirichlet(np.ones(3), n).astype("float32")
    weights = rng.integers(1, 4, n).astype("int32")
    if not issubclass(cls, metrics.IoU | metrics.MeanIoU | metrics.OneHotMeanIoU):
        weights = weights / np.float32(4)
    if cls in (metrics.Mean, metrics.Sum):
        return [p[:, 0]], weights
    outputs = p.argmax(-1).astype("int32") if outputs_are_classes(cls, settings) else p
    return [labels.astype("int32") if labels_are_classes(cls, settings) else np.eye(3, dtype="float32")[labels], outputs], weights


def spoiled(arguments):
    """The same, every third sample's outputs made garbage: NaN, infinities, classes that there are not."""
    *targets, outputs = [x.copy() for x in arguments]
    if outputs.dtype.kind == "f":
        outputs[0::3], outputs[3::9], outputs[6::9] = np.nan, np.inf, -np.inf
    else:
        outputs[0::3] = 1_000_000
    return [*targets, outputs]


def per_value(weights, arguments, cls):
    """IoU of two classes has one weight for each value, as all metrics that look at values alone may have."""
    return np.repeat(weights[:, None], 3, 1) if cls is metrics.BinaryIoU else weights


@pytest.mark.parametrize(("cls", "settings"), CASES, ids=IDS)
def test_merged_parts_are_the_whole(backend, rng, cls, settings):
    """Parts of unequal size, one of them empty, in any order; with weights and without. Counts are equal, sums but for their rounding."""
    arguments, weights = samples(rng, cls, settings)
    for sample_weight in (None, per_value(weights, arguments, cls)):
        whole, parts = cls(**settings), [cls(**settings) for _ in range(5)]
        whole.update_state(*arguments, sample_weight=sample_weight)
        for part, rows in zip(parts[1:], (slice(0, 1), slice(1, 17), slice(17, 18), slice(18, 24)), strict=True):
            part.update_state(*(x[rows] for x in arguments), sample_weight=None if sample_weight is None else sample_weight[rows])
        parts[0].merge_state([cls(**settings), parts[3], cls(**settings), parts[1]])  # what takes the others in has seen nothing
        parts[4].merge_state([parts[2], parts[0]])
        for a, b in zip(parts[4].variables, whole.variables, strict=True):
            exact = a.dtype == "int32" or "positives" in a.name or "negatives" in a.name or a.name in ("count", "intermediate_weights")
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=0 if exact else 2e-6, atol=0 if exact else 1e-7, err_msg=a.name)
        np.testing.assert_allclose(value(parts[4].result()), value(whole.result()), rtol=2e-6, atol=1e-7)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")  # 2026-11-21, NumPy of what is computed from garbage
@pytest.mark.parametrize(("cls", "settings"), CASES, ids=IDS)
def test_what_weighs_nothing_changes_nothing(backend, rng, cls, settings):
    """Not even where it is NaN, infinite, or no class: the figure is that of the other samples."""
    arguments, weights = samples(rng, cls, settings)
    kept = np.arange(24) % 3 != 0
    given, weights = spoiled(arguments), weights * kept.astype(weights.dtype)
    metric, clean = cls(**settings), cls(**settings)
    metric.update_state(*given, sample_weight=per_value(weights, arguments, cls))
    clean.update_state(*(x[kept] for x in arguments), sample_weight=per_value(weights, arguments, cls)[kept])
    np.testing.assert_allclose(value(metric.result()), value(clean.result()), rtol=2e-6, atol=1e-7)
    if cls is not metrics.R2Score:  # it counts samples, for the adjusted score
        for a, b in zip(metric.variables, clean.variables, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=2e-6, atol=1e-7, err_msg=a.name)


@pytest.mark.parametrize(("cls", "settings"), CASES, ids=IDS)
def test_whole_weights_are_repetitions(rng, cls, settings):
    """A sample of weight 3 is three samples."""
    arguments, _ = samples(rng, cls, settings, 9)
    weights = np.array([1, 3, 2, 1, 1, 2, 3, 1, 2], "int32")
    weighted, repeated = cls(**settings), cls(**settings)
    weighted.update_state(*arguments, sample_weight=per_value(weights, arguments, cls))
    repeated.update_state(*(np.repeat(x, weights, 0) for x in arguments))
    np.testing.assert_allclose(value(weighted.result()), value(repeated.result()), rtol=2e-6, atol=1e-7)


def test_every_class_is_here():
    assert {cls.__name__ for cls in CLASSES} >= {"Mean", "Sum", "AUC", "R2Score", "MeanIoU", "PearsonCorrelation"}
    assert len(CLASSES) > 40
