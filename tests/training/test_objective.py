"""What is minimised and measured: losses of several outputs, their weights, penalties, masks; by formula."""

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.errors import ArgumentError, CornuError, DataError


def ones(*shape):
    return np.ones(shape, "float32")


@pytest.fixture
def data(rng):
    """x (6, 3); targets of two outputs, (6, 1) and classes (6,)."""
    return rng.normal(size=(6, 3)).astype("float32"), rng.normal(size=(6, 1)).astype("float32"), rng.integers(0, 2, 6)


def two_outputs(**compiled):
    """`size`: the sum of the inputs; `kind`: the logits (0, sum)."""
    x = cornu.Input((3,))
    size = layers.Dense(1, use_bias=False, kernel_initializer="ones", name="size")(x)
    kind = layers.Dense(2, use_bias=False, kernel_initializer=_columns, name="kind")(x)
    model = cornu.Model(x, compiled.pop("pack", lambda a, b: [a, b])(size, kind))
    model.compile(cornu.optimizers.SGD(0.0), **compiled)
    return model


def _columns(shape, dtype):
    return np.array([[0.0, 1.0]] * shape[0], dtype)


def by_formula(x, size, kind):
    total = x.sum(-1)
    squared = (total - size[:, 0]) ** 2
    logits = np.stack([np.zeros_like(total), total], -1)
    cross = np.log(np.exp(logits).sum(-1)) - logits[np.arange(len(x)), kind]
    return squared, cross


CROSS = cornu.losses.SparseCategoricalCrossentropy(from_logits=True)


@pytest.mark.parametrize("form", ["lists", "dicts", "a dict for a list", "dict outputs"])
def test_losses_metrics_and_targets_of_several_outputs(trainable_backend, data, form):
    x, size, kind = data
    squared, cross = by_formula(x, size, kind)
    losses = {"size": "mse", "kind": CROSS}
    measured = {"size": ["mae"], "kind": ["accuracy"]}
    targets = {"size": size, "kind": kind}
    pack = (lambda a, b: {"size": a, "kind": b}) if form == "dict outputs" else lambda a, b: [a, b]
    if form == "lists":
        model = two_outputs(loss=["mse", CROSS], metrics=[["mae"], ["accuracy"]])
        logs = model.train_on_batch(x, [size, kind], return_dict=True)
    else:
        model = two_outputs(pack=pack, loss=losses, metrics=measured)
        logs = model.train_on_batch(x, [size, kind] if form == "a dict for a list" else targets, return_dict=True)
    expected = {
        "loss": squared.mean() + cross.mean(),
        "size_loss": squared.mean(),
        "kind_loss": cross.mean(),
        "size_mae": np.sqrt(squared).mean(),
        "kind_accuracy": ((x.sum(-1) > 0) == kind).mean(),
    }
    assert logs == pytest.approx(expected, rel=1e-5)
    evaluated = model.evaluate(x, targets, batch_size=4, verbose=0, return_dict=True)
    assert evaluated == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("weights", [[2.0, 0.5], {"kind": 0.5, "size": 2.0}], ids=["list", "dict"])
def test_loss_weights_weigh_the_sum_not_the_parts(trainable_backend, data, weights):
    x, size, kind = data
    squared, cross = by_formula(x, size, kind)
    logs = two_outputs(loss=["mse", CROSS], loss_weights=weights).train_on_batch(x, [size, kind], return_dict=True)
    assert logs == pytest.approx(
        {"loss": 2 * squared.mean() + 0.5 * cross.mean(), "size_loss": squared.mean(), "kind_loss": cross.mean()}, rel=1e-5
    )


def test_an_output_without_a_loss_is_left_out(trainable_backend, data):
    x, size, kind = data
    squared, _ = by_formula(x, size, kind)
    model = two_outputs(loss={"size": "mse"})
    assert model.train_on_batch(x, {"size": size}, return_dict=True)["loss"] == pytest.approx(squared.mean(), rel=1e-5)
    model = two_outputs(loss=["mse", None])
    assert model.evaluate(x, [size, kind], verbose=0, return_dict=True)["loss"] == pytest.approx(squared.mean(), rel=1e-5)


@pytest.mark.parametrize("loss", [["mse", None], {"size": "mse"}], ids=["list", "dict"])
def test_one_loss_is_told_once(data, loss):
    x, size, kind = data
    model = two_outputs(loss=loss, metrics={"size": ["mae"]})
    assert list(model.fit(x, [size, kind], verbose=0).history) == ["loss", "size_mae"]  # in Keras too, also of two outputs
    assert len(model.evaluate(x, [size, kind], verbose=0)) == 2


def test_sample_weights_for_each_output(trainable_backend, data, rng):
    x, size, kind = data
    squared, cross = by_formula(x, size, kind)
    first, second = rng.random(6), rng.random(6)
    model = two_outputs(loss=["mse", CROSS])
    expected = (squared * first).mean() + (cross * second).mean()
    for given in ([first, second], {"size": first, "kind": second}):
        assert model.evaluate(x, [size, kind], sample_weight=given, verbose=0, return_dict=True)["loss"] == pytest.approx(
            expected, rel=1e-5
        )
    both = (squared * first).mean() + (cross * first).mean()
    assert model.evaluate(x, [size, kind], sample_weight=first, verbose=0, return_dict=True)["loss"] == pytest.approx(both, rel=1e-5)


def test_gradients_of_weighted_losses(trainable_backend, data):
    x, size, kind = data
    model = two_outputs(loss=["mse", CROSS], loss_weights=[3.0, 0.25])
    model.optimizer.learning_rate = 0.1
    model.train_on_batch(x, [size, kind])
    error = x.sum(-1, keepdims=True) - size
    chance = 1 / (1 + np.exp(-x.sum(-1)))  # of class 1
    pull = (chance - kind)[:, None]
    np.testing.assert_allclose(model.get_layer("size").get_weights()[0], 1 - 0.1 * 3 * 2 * x.T @ error / 6, rtol=1e-4, atol=1e-6)
    expected = _columns((3, 2), "float32") - 0.1 * 0.25 * x.T @ np.concatenate([-pull, pull], -1) / 6
    np.testing.assert_allclose(model.get_layer("kind").get_weights()[0], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("compiled", "match"),
    [
        ({"loss": {"size": "mse", "kidn": CROSS}}, "kidn.*kind"),
        ({"loss": ["mse"]}, "2 output"),
        ({"loss": "mse", "metrics": {"sizes": ["mae"]}}, "sizes.*size"),
        ({"loss": "mse", "metrics": ["mae"]}, "say whose"),
        ({"loss": ["mse", CROSS], "loss_weights": {"siz": 1.0}}, "siz.*size"),
        ({"loss": ["mse", CROSS], "loss_weights": [1.0]}, "2 output"),
    ],
)
def test_keys_and_lengths_that_do_not_fit_fail_in_compile(backend, compiled, match):
    with pytest.raises(ArgumentError, match=f"(?s){match}"):
        two_outputs(**compiled)


def test_targets_that_do_not_fit_are_named(trainable_backend, data):
    x, size, kind = data
    model = two_outputs(loss=["mse", CROSS])
    with pytest.raises(DataError, match=r"(?s)2 outputs.*got 1"):
        model.train_on_batch(x, size)
    with pytest.raises(CornuError, match=r"(?s)knid.*kind"):
        model.train_on_batch(x, {"size": size, "knid": kind})


# --- penalties ----------------------------------------------------------------------------------------------------------------


def test_weight_penalties(trainable_backend, data):
    """loss + 0.1 |w|₁ + 0.2 |b|²; the gradient of the penalty is 0.1 sign(w) and 0.4 b."""
    x, size, _ = data
    layer = layers.Dense(
        1,
        kernel_initializer="ones",
        bias_initializer="ones",
        kernel_regularizer=cornu.regularizers.L1(0.1),
        bias_regularizer=cornu.regularizers.L2(0.2),
    )
    model = cornu.Sequential([cornu.Input((3,)), layer])
    model.compile(cornu.optimizers.SGD(0.5), "mse")
    error = x.sum(-1, keepdims=True) + 1 - size
    penalty = 0.1 * 3 + 0.2 * 1
    assert float(ops.convert_to_numpy(sum(model.losses))) == pytest.approx(penalty, rel=1e-6)
    assert model.evaluate(x, size, verbose=0) == pytest.approx((error**2).mean() + penalty, rel=1e-5)
    assert model.train_on_batch(x, size, return_dict=True)["loss"] == pytest.approx((error**2).mean() + penalty, rel=1e-5)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(kernel, 1 - 0.5 * (2 * x.T @ error / 6 + 0.1), rtol=1e-4)
    np.testing.assert_allclose(bias, 1 - 0.5 * (2 * error.mean() + 0.4), rtol=1e-4)
    layer.trainable = False
    assert model.losses == []


def test_penalties_on_outputs_are_divided_by_the_rows(trainable_backend, data):
    x, size, _ = data
    hidden = layers.Dense(2, kernel_initializer="ones", use_bias=False, activity_regularizer=cornu.regularizers.L2(0.3))
    model = cornu.Sequential([cornu.Input((3,)), hidden, layers.Dense(1, kernel_initializer="ones")])
    model.compile(cornu.optimizers.SGD(0.0), "mse")
    total = x.sum(-1)
    expected = ((2 * total - size[:, 0]) ** 2).mean() + 0.3 * (2 * total**2).sum() / 6
    for _ in range(5):  # on torch the step is recorded on the way
        model.reset_metrics()
        assert model.train_on_batch(x, size) == pytest.approx(expected, rel=1e-5)
    assert model.evaluate(x, size, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_losses_that_layers_add(trainable_backend, data):
    x, size, _ = data

    class Adding(cornu.Layer):
        def build(self, input_shape):
            self.w = self.add_weight((), "ones", name="w")

        def call(self, inputs):
            self.add_loss(0.1 * ops.mean(ops.square(inputs)) * self.w)
            self.add_loss([ops.abs(self.w), 2.0 * self.w])
            return inputs

    inner = cornu.Input((3,))
    nested = cornu.Model(inner, Adding()(inner))
    model = cornu.Sequential([cornu.Input((3,)), nested, layers.Dense(1, kernel_initializer="ones", use_bias=False)])
    model.compile(cornu.optimizers.SGD(0.1), "mse")
    squares = (x**2).mean()
    first = ((x.sum(-1) - size[:, 0]) ** 2).mean() + 0.1 * squares + 3.0
    assert model.train_on_batch(x, size) == pytest.approx(first, rel=1e-5)
    added = nested.layers[-1].w
    assert float(added) == pytest.approx(1 - 0.1 * (0.1 * squares + 3.0), rel=1e-5)
    model(x)
    assert len(model.losses) == 3  # of the last call, not of all calls


def test_a_model_that_only_has_added_losses_needs_no_targets(trainable_backend):
    class Shrink(cornu.Layer):
        def build(self, input_shape):
            self.w = self.add_weight((1,), cornu.initializers.Constant(2.0), name="w")

        def call(self, inputs):
            self.add_loss(ops.sum(ops.square(self.w)))
            return inputs * self.w

    model = cornu.Sequential([cornu.Input((1,)), Shrink()])
    model.compile(cornu.optimizers.SGD(0.25))
    history = model.fit(ones(4, 1), batch_size=2, epochs=1, verbose=0).history
    assert history["loss"][0] == pytest.approx((4.0 + 1.0) / 2)  # w: 2, then 2 - 0.25 · 4 = 1


def test_nothing_to_minimise_says_so(trainable_backend):
    model = cornu.Sequential([cornu.Input((1,)), layers.Dense(1)])
    model.compile("sgd")
    with pytest.raises(CornuError, match="loss"):
        model.fit(ones(4, 1), ones(4, 1), verbose=0)


# --- masks --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_masked_steps_count_neither_in_loss_nor_in_metrics(trainable_backend, rng, weighted):
    x = rng.normal(size=(4, 5, 2)).astype("float32")
    lengths = [5, 2, 1, 3]
    for row, length in enumerate(lengths):
        x[row, length:] = 0
    y = rng.normal(size=(4, 5, 1)).astype("float32")
    weight = rng.random(4).astype("float32") if weighted else None
    model = cornu.Sequential([cornu.Input((5, 2)), layers.Masking(), layers.Dense(1, kernel_initializer="ones", use_bias=False)])
    model.compile(cornu.optimizers.SGD(0.1), "mse", metrics=["mae"], weighted_metrics=["mse"])
    mask = np.arange(5) < np.array(lengths)[:, None]
    error = (x.sum(-1) - y[..., 0])[mask]
    rows = np.repeat(np.arange(4)[:, None], 5, 1)[mask]
    w = np.ones(len(error)) if weight is None else weight[rows]
    expected = {
        "loss": (w * error**2).sum() / mask.sum(),
        "mae": np.abs(error).mean(),
        "mse": (w * error**2).sum() / w.sum(),
    }
    found = model.evaluate(x, y, sample_weight=weight, verbose=0, return_dict=True)
    assert found == pytest.approx(expected, rel=1e-5)
    assert model.train_on_batch(x, y, sample_weight=weight, return_dict=True)["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    gradient = 2 * (x[mask] * (w * error)[:, None]).sum(0) / mask.sum()
    np.testing.assert_allclose(model.get_weights()[0][:, 0], 1 - 0.1 * gradient, rtol=1e-4)


def test_weights_for_each_step_of_a_sequence(trainable_backend, rng):
    x, y, w = (
        rng.normal(size=(4, 5, 2)).astype("float32"),
        rng.normal(size=(4, 5, 1)).astype("float32"),
        rng.random((4, 5)).astype("float32"),
    )
    model = cornu.Sequential([cornu.Input((5, 2)), layers.Dense(1, kernel_initializer="ones", use_bias=False)])
    model.compile("sgd", "mse")
    expected = (w * (x.sum(-1) - y[..., 0]) ** 2).mean()
    assert model.evaluate(x, y, sample_weight=w, verbose=0) == pytest.approx(expected, rel=1e-5)


# --- names that stand for several metrics ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("units", "loss", "targets", "expected"),
    [
        (1, "binary_crossentropy", np.array([[1], [0], [1], [1]]), 0.75),
        (3, "categorical_crossentropy", np.eye(3)[[0, 1, 2, 2]], 0.5),
        (3, "sparse_categorical_crossentropy", np.array([0, 1, 2, 2]), 0.5),
        (3, "sparse_categorical_crossentropy", np.array([[0], [1], [2], [2]]), 0.5),
    ],
)
def test_accuracy_means_what_loss_and_shapes_say(backend, units, loss, targets, expected):
    outputs = (
        np.array([[0.9], [0.2], [0.8], [0.1]])
        if units == 1
        else np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.2, 0.7], [0.4, 0.3, 0.3]])
    )
    x = cornu.Input((units,))
    model = cornu.Model(x, x * 1.0)
    model.compile("sgd", loss, metrics=["accuracy"])
    logs = model.evaluate(outputs, targets, verbose=0, return_dict=True)
    assert logs["accuracy"] == pytest.approx(expected)


def test_metrics_of_the_same_name_are_told_apart_as_keras_does(trainable_backend, data):
    x, size, kind = data
    weight = np.arange(6.0)
    wrong = np.abs(x.sum(-1) - size[:, 0])
    near = [cornu.metrics.MeanMetricWrapper(lambda y, p, most=most: ops.less(ops.abs(y - p), most), name="near") for most in (0.5, 2.0)]
    inputs = cornu.Input((3,))
    model = cornu.Model(inputs, layers.Dense(1, use_bias=False, kernel_initializer="ones")(inputs))
    called_loss = cornu.metrics.MeanAbsoluteError(name="loss")
    model.compile(cornu.optimizers.SGD(0.0), "mse", metrics=["mae", *near, called_loss], weighted_metrics=["mae", "mse"])
    expected = {
        "loss": (weight * wrong**2).mean(),
        "mae": wrong.mean(),
        "near": (wrong < 0.5).mean(),
        "near_1": (wrong < 2.0).mean(),
        "loss_1": wrong.mean(),
        "weighted_mae": (weight * wrong).sum() / weight.sum(),
        "mse": (weight * wrong**2).sum() / weight.sum(),
    }
    assert model.evaluate(x, size, sample_weight=weight, verbose=0, return_dict=True) == pytest.approx(expected, rel=1e-5)
    assert model.metrics_names == list(expected)
    assert list(model.fit(x, size, sample_weight=weight, verbose=0).history) == list(expected)

    model = two_outputs(loss=["mse", CROSS], metrics=[["mae", "mae"], None], weighted_metrics=[["mae"], None])
    names = ["loss", "size_loss", "kind_loss", "size_mae", "size_mae_1", "size_weighted_mae"]
    assert list(model.train_on_batch(x, [size, kind], return_dict=True)) == names


def test_a_loss_and_a_metric_that_are_functions(trainable_backend, data):
    x, size, _ = data
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1, kernel_initializer="ones", use_bias=False)])

    def fourth(y_true, y_pred):
        return ops.mean((y_true - y_pred) ** 4, axis=-1)

    def largest(y_true, y_pred):
        return ops.max(y_pred, axis=-1)

    model.compile(cornu.optimizers.SGD(0.0), fourth, metrics=[largest, "mae"])
    logs = model.train_on_batch(x, size, return_dict=True)
    error = x.sum(-1) - size[:, 0]
    assert logs == pytest.approx({"loss": (error**4).mean(), "largest": x.sum(-1).mean(), "mae": np.abs(error).mean()}, rel=1e-4)


class _Measuring(cornu.Model):
    """The sum of the inputs, and a metric of the model's own."""

    def __init__(self, name):
        super().__init__()
        self.sum, self.kept = layers.Dense(1, kernel_initializer="ones"), cornu.metrics.MeanAbsoluteError(name=name)

    def call(self, x):
        return self.sum(x)


@pytest.mark.parametrize("name", ["mae", "mean_absolute_error"])
def test_a_metric_of_compile_is_not_hidden_by_one_of_its_name(backend, data, name):
    model = _Measuring(name)
    model.compile("sgd", "mse", metrics=[cornu.metrics.MeanAbsoluteError(name=name)])
    with pytest.raises(ArgumentError, match=f"Two metrics .* are named '{name}'"):
        model.evaluate(data[0], data[1], verbose=0)
    model.compile("sgd", "mse", metrics=[model.kept])
    expected = abs(data[0].sum(1, keepdims=True) - data[1]).mean()
    assert model.evaluate(data[0], data[1], verbose=0, return_dict=True)[name] == pytest.approx(expected, rel=1e-5)
