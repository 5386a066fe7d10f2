"""What every metric does with its state: names, reset, merging, stateless use, compiled steps, configurations, identifiers."""

import inspect
import json

import numpy as np
import pytest

from cornu import losses, metrics, ops
from cornu.errors import ArgumentError, UnknownNameError
from cornu.metrics import Mean, MeanMetricWrapper, Metric
from cornu.state import CompiledStep

value = ops.convert_to_numpy
BASES = (Metric, MeanMetricWrapper)
CLASSES = [cls for cls in vars(metrics).values() if inspect.isclass(cls) and issubclass(cls, Metric) and cls not in BASES]
NEEDS = {
    "SensitivityAtSpecificity": {"specificity": 0.6}, "SpecificityAtSensitivity": {"sensitivity": 0.6},
    "PrecisionAtRecall": {"recall": 0.6},
    "RecallAtPrecision": {"precision": 0.6}, "IoU": {"num_classes": 3, "target_class_ids": [0, 2]}, "MeanIoU": {"num_classes": 3},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [1]}, "OneHotMeanIoU": {"num_classes": 3}, "TopKCategoricalAccuracy": {"k": 2},
    "SparseTopKCategoricalAccuracy": {"k": 2}, "R2Score": {"num_regressors": 1}, "AUC": {"curve": "PR", "label_weights": [1.0, 2.0, 3.0]},
    "BinaryAccuracy": {"threshold": 0.4}, "FBetaScore": {"beta": 2.0, "average": "weighted"}, "Precision": {"thresholds": [0.2, 0.6]},
    "Recall": {"top_k": 2, "class_id": 1}, "CosineSimilarity": {"axis": -1}, "SparseCategoricalCrossentropy": {"ignore_class": 1},
}  # fmt: skip


def made(cls):
    return cls(**NEEDS.get(cls.__name__, {}))


def batches(cls, rng):
    """Two batches of arguments that suit the class."""
    for n in (8, 8):
        labels, p = rng.integers(0, 3, n), rng.dirichlet(np.ones(3), n).astype("float32")
        if cls in (metrics.Mean, metrics.Sum):
            yield (p,)
        elif cls in (metrics.MeanIoU, metrics.IoU, metrics.Accuracy):
            yield labels, p.argmax(-1).astype("int32")
        else:
            yield (labels.astype("int32") if "Sparse" in cls.__name__ else np.eye(3, dtype="float32")[labels]), p


@pytest.mark.parametrize("cls", CLASSES)
def test_state(backend, rng, cls):
    first, second = batches(cls, rng)
    metric, a, b = made(cls), made(cls), made(cls)
    metric.update_state(*first)
    start = [v.numpy() for v in metric.variables]
    both = value(metric(*second))
    # merged: each batch in a metric of its own
    a.update_state(*first)
    b.update_state(*second)
    if not metric.name.endswith("iou"):
        a.merge_state([b])
        np.testing.assert_allclose(value(a.result()), both, rtol=1e-5, atol=1e-6)
    # stateless: from the first batch's values to the same figure, and the metric untouched
    kept = [v.numpy() for v in b.variables]
    after = b.stateless_update_state(start, *second)
    np.testing.assert_allclose(value(b.stateless_result(after)), both, rtol=1e-5, atol=1e-6)
    assert all(np.array_equal(v.numpy(), k) for v, k in zip(b.variables, kept, strict=True))
    # reset: as new
    metric.reset_state()
    assert all(not v.numpy().any() for v in metric.variables)
    assert all(not value(v).any() for v in b.stateless_reset_state())
    metric.update_state(*first)
    metric.update_state(*second)
    np.testing.assert_allclose(value(metric.result()), both, rtol=1e-6)
    assert all(not v.trainable and v.path == f"{metric.name}/{v.name}" for v in metric.variables)


@pytest.mark.parametrize("cls", CLASSES)
def test_compiled(rng, cls):
    import cornu

    with cornu.use_backend("jax"):
        plain, compiled = made(cls), made(cls)
        if not compiled._built_:
            compiled._build_((None, 3), (None, 3))
        step = CompiledStep(compiled.update_state, lambda: compiled.variables, jit=True)
        for batch in batches(cls, rng):
            batch = tuple(map(ops.convert_to_tensor, batch))
            plain.update_state(*batch)
            step(*batch)
        np.testing.assert_allclose(value(compiled.result()), value(plain.result()), rtol=1e-5, atol=1e-6)
        assert step.compilations == 1


@pytest.mark.parametrize("cls", CLASSES)
def test_configurations_make_equal_metrics(rng, cls):
    metric = made(cls)
    metric.name = "mine"
    stored = json.loads(json.dumps(metrics.serialize(metric)))
    again = metrics.deserialize(stored)
    assert type(again) is cls
    assert again.name == "mine"
    assert again.get_config() == metric.get_config()
    assert stored["module"] == "keras.metrics"
    assert stored["config"] == stored["config"] | NEEDS.get(cls.__name__, {})
    for batch in batches(cls, rng):
        metric.update_state(*batch)
        again.update_state(*batch)
    np.testing.assert_array_equal(value(metric.result()), value(again.result()))


def test_merging_what_does_not_match():
    with pytest.raises(ArgumentError, match="one class"):
        metrics.Mean().merge_state([metrics.Sum()])
    with pytest.raises(ArgumentError, match="shapes"):
        metrics.Precision().merge_state([metrics.Precision(thresholds=[0.1, 0.2])])
    with pytest.raises(ArgumentError, match="2 variables"):
        metrics.Mean().stateless_result([1.0])


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_the_dtype_of_gathering(dtype):
    import cornu

    with cornu.use_backend("numpy"):
        mean = Mean(dtype=dtype)
        mean.update_state(np.ones(3, "float32"))
        assert {v.dtype for v in mean.variables} == {dtype}
        assert mean.get_config()["dtype"] == dtype


def test_half_precision_outputs_are_gathered_in_float32(backend):
    metric = metrics.SparseCategoricalAccuracy()
    p = ops.cast(np.tile(np.array([[0.1, 0.9]], "float32"), (4096, 1)), "float16")
    for _ in range(3):  # 12288 counts: beyond what float16 holds exactly
        metric.update_state(np.ones(4096, "int32"), p)
    assert float(metric.result()) == 1.0
    assert float(metric.count) == 12288


@pytest.mark.parametrize(
    ("true", "pred", "accuracy", "crossentropy"),
    [
        ((8, 1), (8, 1), metrics.BinaryAccuracy, metrics.BinaryCrossentropy),
        ((8,), (8, 1), metrics.BinaryAccuracy, metrics.BinaryCrossentropy),
        ((8, 5, 1), (8, 5, 1), metrics.BinaryAccuracy, metrics.BinaryCrossentropy),
        ((8,), (8, 3), metrics.SparseCategoricalAccuracy, metrics.SparseCategoricalCrossentropy),
        ((8, 1), (8, 3), metrics.SparseCategoricalAccuracy, metrics.SparseCategoricalCrossentropy),
        ((8, 5), (8, 5, 3), metrics.SparseCategoricalAccuracy, metrics.SparseCategoricalCrossentropy),
        ((8, 3), (8, 3), metrics.CategoricalAccuracy, metrics.CategoricalCrossentropy),
    ],
)
def test_what_accuracy_means(true, pred, accuracy, crossentropy):
    for name, cls in (("accuracy", accuracy), ("acc", accuracy), ("crossentropy", crossentropy), ("ce", crossentropy)):
        found = metrics.resolve_accuracy(name, None, true, pred)
        assert type(found) is cls
        assert found.name == name
        assert found.variables[0].path == f"{name}/total"


def test_metrics_follow_a_loss_of_logits():
    loss = losses.BinaryCrossentropy(from_logits=True)
    z, t = np.array([[0.2], [-0.2]], "float32"), np.array([[1], [0]])
    assert float(metrics.resolve_accuracy("acc", loss, (2, 1), (2, 1))(t, z)) == 1.0
    got = float(metrics.resolve_accuracy("ce", loss, (2, 1), (2, 1))(t, z))
    assert got == pytest.approx(np.log1p(np.exp(-0.2)), rel=1e-5)


def test_resolve():
    assert metrics.resolve(None) is None
    own = metrics.Mean()
    assert metrics.resolve(own) is own
    assert type(metrics.resolve("mae")) is metrics.MeanAbsoluteError
    assert metrics.resolve("mae").name == "mae"
    assert metrics.resolve("AUC").name == "AUC"
    assert metrics.resolve(metrics.Recall).name.startswith("recall")
    assert metrics.resolve(losses.huber).name == "huber"
    assert metrics.resolve("huber").name == "huber"
    assert float(metrics.resolve(lambda t, y: ops.absolute(t - y))([1.0], [3.0])) == 2.0
    assert metrics.resolve(metrics.serialize(metrics.Precision(top_k=3))).top_k == 3
    with pytest.raises(ArgumentError, match="depends on the shapes"):
        metrics.resolve("accuracy")
    with pytest.raises(UnknownNameError, match="binary_accuracy"):
        metrics.resolve("binary_acuracy")


def test_get():
    assert metrics.get(None) is None
    for name, cls in (("mse", metrics.MeanSquaredError), ("MAE", metrics.MeanAbsoluteError), ("Precision", metrics.Precision),
                      ("f1_score", metrics.F1Score), ("binary_accuracy", metrics.BinaryAccuracy),
                      ("bce", metrics.BinaryCrossentropy)):  # fmt: skip
        assert type(metrics.get(name)) is cls
    assert metrics.deserialize(metrics.serialize(MeanMetricWrapper(losses.mean_squared_error)))._fn is losses.mean_squared_error
    assert metrics.deserialize(metrics.serialize(MeanMetricWrapper(metrics.binary_accuracy, threshold=0.3)))._fn_kwargs == {
        "threshold": 0.3
    }
    with pytest.raises(UnknownNameError):
        metrics.get("mse2")


class Largest(Metric):
    def __init__(self, start=0.0, name=None, dtype=None):
        super().__init__(dtype, name)
        self.start = start
        self.largest = self.add_weight(initializer=start, name="largest")
        self.seen = metrics.Mean()

    def update_state(self, x):
        self.seen.update_state(x)
        self.largest.assign(ops.maximum(self.largest, ops.max(x)))

    def result(self):
        return {"largest": self.largest.value, "mean": self.seen.result()}


def test_a_metric_of_ones_own(backend):
    metric = Largest(1.0)
    assert {k: float(v) for k, v in metric(np.array([0.5, 2.5], "float32")).items()} == {"largest": 2.5, "mean": 1.5}
    assert len(metric.variables) == 3
    assert metric.largest.path == f"{metric.name}/largest"
    assert Largest.from_config(metric.get_config()).start == 1.0
    with pytest.raises(ArgumentError, match="'zeros', 'ones'"):
        metric.add_weight(initializer="glorot")
