"""Each public class of losses, metrics, optimizers, initializers, regularizers, constraints against the real Keras 3.15, with each argument.

A new class, or a new argument of one, has no case here until somebody writes one, and then `test_every_class_has_a_case` and
`test_every_argument_is_given` fail. Tolerances: 2e-5 for losses, 5e-5 for metrics, regularizers and constraints in float32.
"""

import inspect
import os

import numpy as np
import pytest

pytestmark = [
    pytest.mark.parity,
    # 2026-11-21, keras 3.15.1: its confusion matrix asks JAX for int64
    pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64:UserWarning"),
]
os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

import cornu  # noqa: E402
from cornu import ops  # noqa: E402
from tests.parity.test_losses import data as targets_and_outputs  # noqa: E402


@pytest.fixture
def rules():
    """Ours on NumPy, which compiles nothing: what is compared here is the rule, one for all backends, which have tests of their own."""
    with cornu.use_backend("numpy"):
        yield


CASES = {
    "losses": {
        "BinaryCrossentropy": [{}, {"from_logits": True, "label_smoothing": 0.1}, {"axis": 1}],
        "BinaryFocalCrossentropy": [
            {"apply_class_balancing": True, "alpha": 0.4, "gamma": 3.0}, {"from_logits": True, "label_smoothing": 0.2}, {"axis": 1},
        ],
        "CTC": [{}],
        "CategoricalCrossentropy": [{}, {"from_logits": True, "label_smoothing": 0.1}, {"axis": 1}],
        "CategoricalFocalCrossentropy": [{"alpha": 0.6, "gamma": 1.0}, {"from_logits": True, "label_smoothing": 0.2}, {"axis": 1}],
        "CategoricalGeneralizedCrossEntropy": [{"q": 0.3}], "CategoricalHinge": [{}],
        "Circle": [{}, {"gamma": 5.0, "margin": 0.2, "remove_diagonal": False}], "CosineSimilarity": [{}, {"axis": 1}],
        "Dice": [{}, {"axis": (1, 2)}, {"axis": -1}], "Hinge": [{}], "Huber": [{"delta": 0.2}], "KLDivergence": [{}], "LogCosh": [{}],
        "MeanAbsoluteError": [{}], "MeanAbsolutePercentageError": [{}], "MeanSquaredError": [{}], "MeanSquaredLogarithmicError": [{}],
        "Poisson": [{}], "SparseCategoricalCrossentropy": [{}, {"from_logits": True}, {"ignore_class": 1}, {"axis": 1}],
        "SquaredHinge": [{}], "Tversky": [{"alpha": 0.3, "beta": 0.6}, {"axis": 0}, {"axis": -1}],
    },
    "metrics": {
        "AUC": [
            {}, {"num_thresholds": 50, "curve": "PR"}, {"summation_method": "minoring"}, {"curve": "PR", "summation_method": "majoring"},
            {"curve": "PRGAIN"}, {"thresholds": [0.1, 0.3, 0.7]}, {"multi_label": True, "num_labels": 3, "label_weights": [1.0, 2.0, 0.0]},
            {"from_logits": True},
        ],
        "Accuracy": [{}], "BinaryAccuracy": [{"threshold": 0.3}], "BinaryCrossentropy": [{}, {"from_logits": True, "label_smoothing": 0.1}],
        "BinaryIoU": [{}, {"target_class_ids": [1], "threshold": 0.3}], "CategoricalAccuracy": [{}],
        "CategoricalCrossentropy": [{}, {"from_logits": True, "label_smoothing": 0.1}, {"axis": 0}], "CategoricalHinge": [{}],
        "ConcordanceCorrelation": [{}, {"axis": 0}], "CosineSimilarity": [{}, {"axis": 0}],
        "F1Score": [{}, {"average": "micro"}, {"average": "macro", "threshold": 0.4}, {"average": "weighted"}],
        "FBetaScore": [{"average": "weighted", "beta": 2.0, "threshold": 0.4}, {"beta": 0.5}], "FalseNegatives": [{"thresholds": [0.2, 0.6]}],
        "FalsePositives": [{"thresholds": 0.3}], "Hinge": [{}],
        "IoU": [
            {"num_classes": 3, "target_class_ids": [0, 2], "ignore_class": 1},
            {"num_classes": 3, "target_class_ids": [1], "sparse_y_true": False, "sparse_y_pred": False, "axis": -1},
        ],
        "KLDivergence": [{}], "LogCoshError": [{}], "Mean": [{}], "MeanAbsoluteError": [{}], "MeanAbsolutePercentageError": [{}],
        "MeanIoU": [{"num_classes": 3, "ignore_class": 1}, {"num_classes": 3, "sparse_y_true": False, "sparse_y_pred": False, "axis": -1}],
        "MeanMetricWrapper": [{"fn": "absolute"}], "MeanSquaredError": [{}], "MeanSquaredLogarithmicError": [{}],
        "OneHotIoU": [{"num_classes": 3, "target_class_ids": [0, 2], "axis": -1}, {"num_classes": 3, "target_class_ids": [1], "ignore_class": 0},
                      {"num_classes": 3, "target_class_ids": [1], "sparse_y_pred": True}],
        "OneHotMeanIoU": [{"num_classes": 3, "axis": -1}, {"num_classes": 3, "ignore_class": 0}, {"num_classes": 3, "sparse_y_pred": True}],
        "PearsonCorrelation": [{}, {"axis": 0}], "Poisson": [{}],
        "Precision": [{}, {"thresholds": [0.2, 0.6]}, {"top_k": 2, "class_id": 1}, {"class_id": 2, "thresholds": 0.3}],
        "PrecisionAtRecall": [{"recall": 0.7}, {"recall": 0.5, "num_thresholds": 20, "class_id": 1}],
        "R2Score": [{}, {"class_aggregation": "variance_weighted_average"}, {"class_aggregation": None}, {"num_regressors": 2}],
        "Recall": [{}, {"thresholds": [0.2, 0.6]}, {"top_k": 2}, {"class_id": 2, "thresholds": 0.3}],
        "RecallAtPrecision": [{"precision": 0.5}, {"precision": 0.5, "num_thresholds": 20, "class_id": 1}], "RootMeanSquaredError": [{}],
        "SensitivityAtSpecificity": [{"specificity": 0.7}, {"specificity": 0.5, "num_thresholds": 20, "class_id": 1}],
        "SparseCategoricalAccuracy": [{}], "SparseCategoricalCrossentropy": [{}, {"from_logits": True, "axis": -1}],
        "SparseTopKCategoricalAccuracy": [{"k": 2}, {"k": 2, "from_sorted_ids": True}],
        "SpecificityAtSensitivity": [{"sensitivity": 0.7}, {"sensitivity": 0.5, "num_thresholds": 20, "class_id": 1}], "SquaredHinge": [{}],
        "Sum": [{}], "TopKCategoricalAccuracy": [{"k": 2}], "TrueNegatives": [{"thresholds": [0.2, 0.6]}], "TruePositives": [{"thresholds": None}],
    },
    "initializers": {
        "Constant": [{"value": 0.5}], "Identity": [{"gain": 1.0}], "Ones": [{}], "Zeros": [{}],
        "STFT": [{"side": "imag", "window": "hamming", "scaling": "spectrum", "periodic": True}, {}],
        **{name: [{}, {"input_axes": [0, 1], "output_axes": [2]}] for name in (
            "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform",
        )},
        "Orthogonal": [{"gain": 2.0}], "RandomNormal": [{"mean": 1.0, "stddev": 0.5}], "RandomUniform": [{"minval": -1.0, "maxval": 3.0}],
        "TruncatedNormal": [{"mean": 1.0, "stddev": 0.5}],
        "VarianceScaling": [
            {"scale": 2.0, "mode": "fan_in", "distribution": "truncated_normal"}, {"mode": "fan_out", "distribution": "untruncated_normal"},
            {"mode": "fan_avg", "distribution": "uniform"}, {"mode": "fan_in", "input_axes": [0, 1], "output_axes": [2]},
        ],
    },
    "regularizers": {
        "L1": [{"l1": 0.3}], "L2": [{"l2": 0.3}], "L1L2": [{"l1": 0.1, "l2": 0.2}],
        "OrthogonalRegularizer": [{"factor": 0.3, "mode": "rows"}, {"mode": "columns"}],
    },
    "constraints": {
        "MaxNorm": [{"max_value": 0.5}, {"max_value": 0.5, "axis": [0, 1]}],
        "MinMaxNorm": [{"min_value": 0.2, "max_value": 0.5, "rate": 0.7}, {"min_value": 3.0, "max_value": 4.0, "axis": 1}],
        "NonNeg": [{}], "UnitNorm": [{}, {"axis": [0, 1]}],
    },
}  # fmt: skip
EXEMPT = {
    "losses": {"Loss": "the base", "LossFunctionWrapper": "each class above is one in Keras"},
    "metrics": {"Metric": "the base"},
    "initializers": {"Initializer": "the base"},
    "regularizers": {"Regularizer": "the base"},
    "constraints": {"Constraint": "the base"},
    "optimizers": {
        "Optimizer": "the base", "OptaxOptimizer": "Keras has none; tests/interop compares with optax", "TorchOptimizer": "Keras has none; likewise",
        "LossScaleOptimizer": "test_optimizers.py: test_the_loss_scale", "MultiOptimizer": "test_optimizers.py: test_several_optimizers_in_one",
        "OptimizerMap": "likewise",
        **dict.fromkeys((
            "SGD", "Adam", "AdamW", "RMSprop", "Adamax", "Nadam", "Adagrad", "Adadelta", "Lion", "Lamb", "Ftrl", "Adafactor", "Muon",
            "ScheduleFreeAdamW",
        ), "test_optimizer_arguments.py, which looks at each argument"),
    },
}  # fmt: skip
GIVEN_ELSEWHERE = {"name", "dtype", "reduction", "seed", "kwargs", "args"}
ONES_OWN_REASONS = {
    ("metrics", "SparseCategoricalCrossentropy", "ignore_class"): "docs/differences.md: here it leaves the mean, as in the loss",
}


def cases(family):
    return [(name, settings) for name, all_settings in CASES[family].items() for settings in all_settings]


def classes(home, family):
    found = {name: cls for name, cls in vars(getattr(home, family)).items() if inspect.isclass(cls) and name[:1].isupper()}
    return {cls.__name__ for cls in found.values()}  # an alias is the same class


@pytest.mark.parametrize("family", EXEMPT)
def test_every_class_has_a_case(family):
    here = {*CASES.get(family, {}), *EXEMPT[family]}
    ours = {name for name in getattr(cornu, family).__all__ if inspect.isclass(getattr(getattr(cornu, family), name))}
    ours = {getattr(getattr(cornu, family), name).__name__ for name in ours}
    assert ours - here == set(), "write a case, or say in EXEMPT why there is none"
    assert here - ours == set()
    assert classes(keras, family) - ours == set()


@pytest.mark.parametrize(("family", "name"), [(family, name) for family in CASES for name in CASES[family]])
def test_every_argument_is_given(family, name):
    theirs = inspect.signature(getattr(getattr(keras, family), name)).parameters
    given = {key for settings in CASES[family][name] for key in settings} | GIVEN_ELSEWHERE
    assert [p for p in theirs if p not in given and (family, name, p) not in ONES_OWN_REASONS] == []


def both(family, name, settings, /, **more):
    theirs, ours = (getattr(getattr(home, family), name)(**settings, **more) for home in (keras, cornu))
    return theirs, ours


# --- losses -------------------------------------------------------------------------------------------------------------


def loss_data(rng, name, settings):
    if name == "SparseCategoricalCrossentropy" and settings.get("axis") == 1:  # Keras's takes the last alone
        y = rng.dirichlet(np.ones(4), (5, 3)).astype("float32")
        return rng.integers(0, 4, 5), y[:, 0]
    return targets_and_outputs(rng, name)


@pytest.mark.parametrize(("name", "settings"), cases("losses"))
def test_losses(rng, rules, name, settings):
    """Values and their mean, with weights of each shape that fits; for two classes each reduction."""
    t, y = loss_data(rng, name, settings)
    shape = np.asarray(getattr(keras.losses, name)(reduction=None, **settings)(t, y)).shape
    shapes = ((), (*shape[:1], *(1,) * (len(shape) - 1)), shape)
    weights = [None, *(rng.uniform(0, 2, s).astype("float32") for s in shapes)]
    others = ("sum", "mean", "mean_with_sample_weight") if name in ("MeanSquaredError", "Tversky") else ()  # one function for all
    for reduction in (None, "sum_over_batch_size", *others):
        theirs, ours = both("losses", name, settings, reduction=reduction)
        means = reduction == "mean_with_sample_weight" and not shape  # there Keras does not divide by one value's weight
        for w in weights if reduction == "sum_over_batch_size" else weights[:1] if means else weights[::3]:  # the last: the values' shape
            expected = np.asarray(theirs(t, y, sample_weight=w))
            np.testing.assert_allclose(ops.convert_to_numpy(ours(t, y, sample_weight=w)), expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(("name", "settings"), [(name, all_settings[0]) for name, all_settings in CASES["losses"].items() if name != "CTC"])
def test_losses_in_half_precision(rng, name, settings, dtype):
    """In its dtype, and as near to float32 as that dtype is."""
    t, y = loss_data(rng, name, settings)
    theirs, ours = both("losses", name, settings, dtype=dtype)
    exact = float(getattr(keras.losses, name)(**settings)(t, y))
    exact = exact if exact < 65504 or dtype == "bfloat16" else np.inf  # the largest number of float16
    with cornu.use_backend("jax"):
        found = ours(t, y)
    assert ops.dtype(found) == str(theirs(t, y).dtype) == dtype
    assert float(found) == pytest.approx(exact, rel=5e-3 if dtype == "float16" else 4e-2, abs=5e-3)


@pytest.mark.parametrize(
    ("family", "name", "settings"), [(f, *case) for f in ("losses", "metrics") for case in cases(f) if case[0] != "MeanMetricWrapper"]
)
def test_configurations(family, name, settings):
    """Equal, name by name, but for lists beside tuples; and each library reads the other's."""
    theirs, ours = both(family, name, settings, name="mine")
    listed = {key: list(x) if isinstance(x, tuple) else x for key, x in ours.get_config().items()}
    for key, x in theirs.get_config().items():
        if key != "label_weights":  # a tensor there, plain numbers here
            assert listed[key] == (list(x) if isinstance(x, tuple) else x), key
    again = getattr(keras, family).deserialize(getattr(cornu, family).serialize(ours))
    assert type(again) is (str if name == "CategoricalGeneralizedCrossEntropy" else type(theirs))  # Keras does not know it by name
    assert type(getattr(cornu, family).deserialize(getattr(keras, family).serialize(theirs))) is type(ours)


@pytest.mark.parametrize("shape", [(), (5, 1), (1, 3)])
def test_means_with_weights_that_are_spread(rng, shape):
    """Keras divides by the sum of the weights as they were given; here they count once for each value that they weigh."""
    t, y, w = *rng.normal(size=(2, 5, 3, 2)).astype("float32"), rng.uniform(1, 2, shape).astype("float32")
    theirs, ours = both("losses", "MeanSquaredError", {}, reduction="mean_with_sample_weight")
    values = ((t - y) ** 2).mean(-1)
    assert float(theirs(t, y, sample_weight=w)) == pytest.approx((values * w).sum() / w.sum(), rel=1e-5)
    assert float(ours(t, y, sample_weight=w)) == pytest.approx(np.average(values, weights=np.broadcast_to(w, (5, 3))), rel=1e-5)


# --- metrics ------------------------------------------------------------------------------------------------------------

CLASS_NUMBERS = ("Accuracy", "IoU", "MeanIoU")


def metric_batches(rng, name, settings):
    for n in (11, 6):
        labels, p = rng.integers(0, 3, n).astype("int32"), rng.dirichlet(np.ones(3), n).astype("float32")
        one_hot = np.eye(3, dtype="float32")[labels]
        t = labels if "Sparse" in name or (name in CLASS_NUMBERS and settings.get("sparse_y_true", True)) else one_hot
        y = p.argmax(-1).astype("int32") if settings.get("sparse_y_pred", name in CLASS_NUMBERS) else p
        y = np.argsort(-p, -1).astype("int32") if settings.get("from_sorted_ids") else y
        if name in ("Mean", "Sum"):
            yield (p,), [None, (n,), (n, 3)]
        elif "IoU" in name or settings.get("axis") == 0:
            yield (t, y), [None]
        elif name.startswith(("F1", "FBeta")):
            yield (t, y), [None, (n,)]  # Keras has no other here
        elif "num_regressors" in settings:
            yield (t[:, :1], y[:, :1]), [None, (n,), (n, 1)]  # of several outputs Keras counts each as a sample
        else:
            by_value = name.startswith(("True", "False", "Precision", "Recall", "Sens", "Spec", "AUC"))
            yield (t, y), [None, (n,), (n, 1), *([(n, 3)] if by_value and not {"multi_label", "class_id"} & {*settings} else [])]


def made_metrics(name, settings):
    if name == "MeanMetricWrapper":
        return keras.metrics.MeanMetricWrapper(lambda t, y: keras.ops.abs(t - y)), cornu.metrics.MeanMetricWrapper(
            lambda t, y: ops.absolute(t - y)
        )
    return both("metrics", name, settings)


@pytest.mark.parametrize(("name", "settings"), cases("metrics"))
def test_metrics(rng, rules, name, settings):
    """Over two batches, with weights of each shape that fits."""
    batches = list(metric_batches(rng, name, settings))
    for which in range(len(batches[0][1])):
        theirs, ours = made_metrics(name, settings)
        for arguments, shapes in batches:
            w = None if shapes[which] is None else rng.uniform(0, 2, shapes[which]).astype("float32")
            for metric in (theirs, ours):
                metric.update_state(*arguments, sample_weight=w)
        np.testing.assert_allclose(ops.convert_to_numpy(ours.result()), np.asarray(theirs.result()), rtol=5e-5, atol=1e-6)
        theirs.reset_state()
        ours.reset_state()
        if name != "R2Score":  # NaN there, where nothing was seen
            np.testing.assert_allclose(ops.convert_to_numpy(ours.result()), np.asarray(theirs.result()), atol=1e-6)


def test_the_adjusted_score_of_several_outputs(rng):
    """Samples are counted here, values in Keras: n in `1 - (1 - r) (n - 1) / (n - p - 1)`."""
    t, y = rng.normal(size=(2, 11, 3)).astype("float32")
    plain = (1 - ((t - y) ** 2).sum(0) / ((t - t.mean(0)) ** 2).sum(0)).mean()
    for metric, n in zip(both("metrics", "R2Score", {"num_regressors": 2}), (33, 11), strict=True):
        metric.update_state(t, y)
        assert float(metric.result()) == pytest.approx(1 - (1 - plain) * (n - 1) / (n - 3), rel=1e-5)


# --- a masked sequence ----------------------------------------------------------------------------------------------------


def masked_model(home, loss, weighted):
    model = home.Sequential([home.Input((4, 3)), home.layers.Masking(), home.layers.Dense(2, activation="softmax")])
    model.compile(loss=loss, metrics=["mae"], weighted_metrics=["mse", "KLDivergence"] if weighted else ["mse"])
    return model


@pytest.mark.parametrize("loss", ["mean_squared_error", "categorical_crossentropy", "huber"])
@pytest.mark.parametrize("weighted", [None, (7, 1), (7, 4)])  # Keras has no (7,) here
def test_masked_steps(rng, loss, weighted):
    """A mask from a layer reaches the loss and the metrics; beside it, weights of samples or of steps."""
    x, t = rng.normal(size=(7, 4, 3)).astype("float32"), rng.dirichlet(np.ones(2), (7, 4)).astype("float32")
    x[rng.random((7, 4)) < 0.4] = 0
    w = None if weighted is None else rng.uniform(0, 2, weighted).astype("float32")
    theirs, ours = (masked_model(home, loss, weighted) for home in (keras, cornu))
    ours.set_weights(theirs.get_weights())
    expected = theirs.evaluate(x, t, sample_weight=w, batch_size=7, verbose=0, return_dict=True)
    found = ours.evaluate(x, t, sample_weight=w, batch_size=7, verbose=0, return_dict=True)
    assert set(found) == set(expected)
    for key, figure in expected.items():
        assert found[key] == pytest.approx(figure, rel=2e-5), key


# --- initializers, regularizers, constraints ------------------------------------------------------------------------------

EXACT = ("Constant", "Identity", "Ones", "Zeros", "STFT")


@pytest.mark.parametrize(("name", "settings"), cases("initializers"))
def test_initializers(name, settings):
    """Constants are equal; what is drawn has the same mean, spread and bounds over 60,000 numbers, to 2 % of the spread; configurations are equal."""
    theirs, ours = both("initializers", name, settings, **({} if name in EXACT else {"seed": 3}))
    shape = (32, 1, 17) if name == "STFT" else (30, 40, 50) if "input_axes" in settings else (300, 200)
    a, b = np.asarray(theirs(shape, dtype="float32")), ops.convert_to_numpy(ours(shape, dtype="float32"))
    assert (a.shape, str(a.dtype)) == (b.shape, str(b.dtype))
    assert ops.dtype(ours(shape[:2] if name == "Identity" else shape, dtype="float16")) == "float16"
    configs = [{key: x for key, x in one.get_config().items() if key != "seed"} for one in (theirs, ours)]
    assert configs[1] == ({"gain": settings["gain"]} if name == "Identity" else configs[0])  # Keras forgets the gain
    if name in EXACT:
        np.testing.assert_allclose(b, a, rtol=1e-6, atol=1e-6)
        return
    spread = float(a.std())
    assert float(b.mean()) == pytest.approx(float(a.mean()), abs=0.02 * spread)
    assert float(b.std()) == pytest.approx(spread, rel=0.02)
    if name == "Orthogonal":
        np.testing.assert_allclose(b.T @ b, a.T @ a, atol=1e-4)
    elif name != "RandomNormal" and settings.get("distribution") != "untruncated_normal":  # those have no bounds
        np.testing.assert_allclose((b.min(), b.max()), (a.min(), a.max()), atol=0.1 * spread)


@pytest.mark.parametrize(("name", "settings"), cases("regularizers"))
def test_regularizers(rng, rules, name, settings):
    theirs, ours = both("regularizers", name, settings)
    w = rng.normal(size=(4, 3)).astype("float32")
    np.testing.assert_allclose(ops.convert_to_numpy(ours(ops.convert_to_tensor(w))), np.asarray(theirs(keras.ops.array(w))), rtol=5e-5)
    assert ours.get_config() == pytest.approx(theirs.get_config())


@pytest.mark.parametrize(("name", "settings"), cases("constraints"))
def test_constraints(rng, rules, name, settings):
    theirs, ours = both("constraints", name, settings)
    w = rng.normal(size=(4, 3)).astype("float32")
    np.testing.assert_allclose(
        ops.convert_to_numpy(ours(ops.convert_to_tensor(w))), np.asarray(theirs(keras.ops.array(w))), rtol=5e-5, atol=1e-6
    )
    assert ours.get_config() == theirs.get_config()
