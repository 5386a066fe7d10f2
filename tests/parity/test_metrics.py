"""Metrics against those of the real Keras 3.15, as a black box on JAX, over two batches."""

import os

import numpy as np
import pytest

pytestmark = pytest.mark.parity
os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

from cornu import metrics, ops  # noqa: E402

CASES = [
    *[(name, {}) for name in (
        "MeanSquaredError", "RootMeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredLogarithmicError",
        "LogCoshError", "CosineSimilarity", "KLDivergence", "Poisson", "Hinge", "SquaredHinge", "CategoricalHinge", "BinaryAccuracy",
        "CategoricalAccuracy", "SparseCategoricalAccuracy", "BinaryCrossentropy", "CategoricalCrossentropy",
        "SparseCategoricalCrossentropy",
        "Precision", "Recall", "TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives", "AUC", "F1Score", "R2Score",
        "PearsonCorrelation", "ConcordanceCorrelation",
    )],
    ("TopKCategoricalAccuracy", {"k": 2}), ("SparseTopKCategoricalAccuracy", {"k": 2}), ("Precision", {"thresholds": [0.2, 0.6]}),
    ("Precision", {"top_k": 2, "class_id": 1}), ("Recall", {"top_k": 2}), ("Recall", {"class_id": 2, "thresholds": 0.3}),
    ("AUC", {"curve": "PR"}), ("AUC", {"curve": "PR", "summation_method": "minoring"}), ("AUC", {"summation_method": "majoring"}),
    ("AUC", {"curve": "PRGAIN"}), ("AUC", {"multi_label": True}),
    ("AUC", {"multi_label": True, "label_weights": [1.0, 2.0, 0.0], "curve": "PR"}),
    ("AUC", {"thresholds": [0.1, 0.3, 0.7]}), ("AUC", {"from_logits": True, "num_thresholds": 50}),
    ("FBetaScore", {"average": "weighted", "beta": 2.0, "threshold": 0.4}), ("F1Score", {"average": "micro"}),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}), ("R2Score", {"class_aggregation": None}),
    ("SensitivityAtSpecificity", {"specificity": 0.7}),
    ("SpecificityAtSensitivity", {"sensitivity": 0.7}), ("PrecisionAtRecall", {"recall": 0.7}), ("RecallAtPrecision", {"precision": 0.5}),
    ("OneHotMeanIoU", {"num_classes": 3}), ("OneHotIoU", {"num_classes": 3, "target_class_ids": [0, 2]}), ("BinaryIoU", {"threshold": 0.3}),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}), ("CategoricalCrossentropy", {"label_smoothing": 0.1}),
]  # fmt: skip


# 2026-11-21, keras 3.15.1: its confusion matrix asks JAX for int64
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64:UserWarning")
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_equal_numbers(rng, name, settings):
    theirs, ours = getattr(keras.metrics, name)(**settings), getattr(metrics, name)(**settings)
    for n in (9, 9):
        labels, p = rng.integers(0, 3, n), rng.dirichlet(np.ones(3), n).astype("float32")
        t = labels.astype("int32") if "Sparse" in name else np.eye(3, dtype="float32")[labels]
        weights = None if "IoU" in name else rng.uniform(0, 2, n).astype("float32")
        theirs.update_state(t, p, sample_weight=weights)
        ours.update_state(t, p, sample_weight=weights)
    np.testing.assert_allclose(ops.convert_to_numpy(ours.result()), np.asarray(theirs.result()), rtol=5e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_configurations_travel_both_ways(name, settings):
    theirs, ours = getattr(keras.metrics, name)(name="mine", **settings), getattr(metrics, name)(name="mine", **settings)
    assert type(keras.metrics.deserialize(metrics.serialize(ours))) is type(theirs)
    stored = keras.metrics.serialize(theirs)
    again = metrics.deserialize(stored)
    stored["config"].pop("label_weights", None)  # a tensor there, plain numbers here
    assert type(again) is type(ours)
    assert all(again.get_config()[key] == setting for key, setting in stored["config"].items())


@pytest.mark.parametrize(
    ("loss", "true", "pred"),
    [("mse", (4,), (4, 1)), ("mse", (4, 1), (4, 1)), ("categorical_crossentropy", (4, 3), (4, 3)), ("mse", (4, 5, 1), (4, 5, 1)),
     ("binary_crossentropy", (4, 3), (4, 3)), ("sparse_categorical_crossentropy", (4,), (4, 3)),
     ("sparse_categorical_crossentropy", (4, 1), (4, 3))],
)  # fmt: skip
def test_what_accuracy_means(loss, true, pred):
    inputs = keras.Input(pred[1:])
    model = keras.Model(inputs, keras.layers.Activation("linear")(inputs))
    model.compile(loss=loss, metrics=["acc"])
    model.evaluate(np.full(pred, 0.3, "float32"), np.zeros(true, "int32"), verbose=0)
    theirs = model.metrics[-1].metrics[0]
    ours = metrics.resolve_accuracy("acc", None, true, pred)
    assert type(ours).__name__ == type(theirs).__name__
    assert ours.name == theirs.name


@pytest.mark.parametrize("name", ["mse", "MSE", "mae", "MAE", "mape", "MAPE", "msle", "MSLE", "bce", "BCE", "auc", "AUC", "precision",
"Recall",
                                  "f1_score", "kl_divergence", "poisson", "hinge", "top_k_categorical_accuracy",
                                  "cosine_similarity"])  # fmt: skip
def test_names(name):
    assert type(metrics.get(name)).__name__ == type(keras.metrics.get(name)).__name__
