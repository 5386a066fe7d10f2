"""fit, evaluate, predict and the calls for one batch, against a linear model trained by hand in NumPy."""

import math

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.callbacks import Callback
from cornu.errors import ArgumentError, CornuError, DataError, NotCompiledError
from cornu.training import data
from cornu.utils import PyDataset

RATE = 0.1


@pytest.fixture
def xy(rng):
    """Ten rows of three features, and targets: batches of 4 leave a short last one."""
    return rng.normal(size=(10, 3)).astype("float32"), rng.normal(size=(10, 1)).astype("float32")


def linear(**compiled):
    """`x w`, w all ones at first, trained by gradient descent on the mean squared error."""
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    model.compile(cornu.optimizers.SGD(RATE), "mse", **compiled)
    return model


class ByHand:
    """The same in NumPy, in double precision."""

    def __init__(self, features=3):
        self.w = np.ones((features, 1))

    def step(self, x, y, weight=None):
        error = x.astype("float64") @ self.w - y
        v = np.ones((len(x), 1)) if weight is None else np.asarray(weight, "float64").reshape(-1, 1)
        self.w = self.w - RATE * 2 * x.T.astype("float64") @ (v * error) / len(x)
        return float((v * error**2).mean())

    def loss(self, x, y, weight=None):
        v = np.ones(len(x)) if weight is None else weight
        return float((v * (x @ self.w - y)[:, 0] ** 2).mean())

    def epoch(self, x, y, size, weight=None):
        """One pass in order; the loss of the epoch is the mean over rows."""
        parts = [(slice(i, i + size), len(x[i : i + size])) for i in range(0, len(x), size)]
        return sum(self.step(x[s], y[s], None if weight is None else weight[s]) * n for s, n in parts) / len(x)


def assert_same_weights(model, by_hand):
    np.testing.assert_allclose(model.get_weights()[0], by_hand.w, rtol=1e-5, atol=1e-6)


# --- kinds of data ----------------------------------------------------------------------------------------------------------


class Rows(PyDataset):
    def __init__(self, x, y, size):
        super().__init__()
        self.x, self.y, self.size = x, y, size

    def __len__(self):
        return math.ceil(len(self.x) / self.size)

    def __getitem__(self, i):
        s = slice(i * self.size, (i + 1) * self.size)
        return self.x[s], self.y[s]


def pieces(x, y, size, times=1):
    for _ in range(times):
        for i in range(0, len(x), size):
            yield x[i : i + size], y[i : i + size]


KINDS = {
    "arrays": lambda x, y: {"x": x, "y": y, "batch_size": 4},
    "lists of numbers": lambda x, y: {"x": x.tolist(), "y": y.tolist(), "batch_size": 4},
    "a list of one array": lambda x, y: {"x": [x], "y": [y], "batch_size": 4},
    "float64": lambda x, y: {"x": x.astype("float64"), "y": y.astype("float64"), "batch_size": 4},
    "targets without an axis": lambda x, y: {"x": x, "y": y[:, 0], "batch_size": 4},
    "a generator": lambda x, y: {"x": pieces(x, y, 4, times=2), "steps_per_epoch": 3},
    "a PyDataset": lambda x, y: {"x": Rows(x, y, 4)},
    "a list of batches": lambda x, y: {"x": _Batches(x, y)},
}


class _Batches:
    def __init__(self, x, y):
        self.given = x, y

    def __iter__(self):
        return pieces(*self.given, 4)

    def __len__(self):
        return 3


@pytest.mark.parametrize("kind", KINDS)
def test_fit_does_what_gradient_descent_by_hand_does(trainable_backend, xy, kind):
    model, by_hand = linear(), ByHand()
    history = model.fit(**KINDS[kind](*xy), epochs=2, shuffle=False, verbose=0).history
    np.testing.assert_allclose(history["loss"], [by_hand.epoch(*xy, 4) for _ in range(2)], rtol=1e-5)
    assert_same_weights(model, by_hand)


@pytest.mark.parametrize("form", ["list", "dict", "tuples from a generator"])
def test_several_inputs(trainable_backend, xy, form):
    x, y = xy
    a, b = cornu.Input((1,), name="a"), cornu.Input((2,), name="b")
    model = cornu.Model([a, b], layers.Dense(1, use_bias=False, kernel_initializer="ones")(layers.Concatenate()([a, b])))
    model.compile(cornu.optimizers.SGD(RATE), "mse")
    parts = {"list": [x[:, :1], x[:, 1:]], "dict": {"b": x[:, 1:], "a": x[:, :1]}}
    by_hand = ByHand()
    if form in parts:
        model.fit(parts[form], y, batch_size=4, shuffle=False, verbose=0)
        assert model.evaluate(parts[form], y, verbose=0) == pytest.approx((by_hand.epoch(x, y, 4), by_hand.loss(x, y))[1], rel=1e-5)
        np.testing.assert_allclose(model.predict(parts[form], verbose=0), x @ by_hand.w, rtol=1e-4, atol=1e-5)
    else:
        model.fit((((p[:, :1], p[:, 1:]), q) for p, q in pieces(x, y, 4)), verbose=0)
        by_hand.epoch(x, y, 4)
    assert_same_weights(model, by_hand)


def test_a_generator_may_fill_one_array_again_and_again():
    """A step that was only asked for must not see what comes after: each batch is kept in memory of its own."""
    filled = np.zeros((4, 3), "float32")

    def generator():
        for k in range(3):
            filled[:] = k
            yield filled, filled[:, :1]

    batches = list(data.batches(generator()).epoch(0))
    assert [x.max() for x, _, _ in batches] == [0.0, 1.0, 2.0]
    assert not any(np.shares_memory(part, filled) for x, y, _ in batches for part in (x, y))


def test_numpy_evaluates_and_predicts_from_all_kinds(xy):
    with cornu.use_backend("numpy"):
        model = linear(metrics=["mae"])
    x, y = xy
    expected = x.sum(-1, keepdims=True)
    for kind in ("arrays", "a generator", "a PyDataset"):
        given = KINDS[kind](x, y)
        given.pop("steps_per_epoch", None)
        loss, error = model.evaluate(**given, verbose=0)
        assert loss == pytest.approx(((expected - y) ** 2).mean(), rel=1e-5)
        assert error == pytest.approx(np.abs(expected - y).mean(), rel=1e-5)
    for given in (x, [x], Rows(x, y, 4), (p for p, _ in pieces(x, y, 4))):
        np.testing.assert_allclose(model.predict(given, verbose=0), expected, rtol=1e-5)


# --- weights of rows --------------------------------------------------------------------------------------------------------


def test_sample_weights(trainable_backend, xy, rng):
    weight = rng.random(10)
    model, by_hand = linear(weighted_metrics=["mae"], metrics=["mse"]), ByHand()
    x, y = xy
    first = np.abs(x[:4].astype("float64") @ by_hand.w - y[:4])[:, 0]
    logs = model.train_on_batch(x[:4], y[:4], sample_weight=weight[:4], return_dict=True)
    assert logs["loss"] == pytest.approx(by_hand.step(x[:4], y[:4], weight[:4]), rel=1e-5)
    assert logs["mae"] == pytest.approx((first * weight[:4]).sum() / weight[:4].sum(), rel=1e-5)
    assert logs["mse"] == pytest.approx((first**2).mean(), rel=1e-5)  # plain metrics do not know of weights
    history = model.fit(x, y, sample_weight=weight, batch_size=4, shuffle=False, verbose=0).history
    assert history["loss"][0] == pytest.approx(by_hand.epoch(x, y, 4, weight), rel=1e-5)
    assert_same_weights(model, by_hand)
    assert model.evaluate(x, y, sample_weight=weight, verbose=0)[0] == pytest.approx(by_hand.loss(x, y, weight), rel=1e-4)


def test_class_weights_are_sample_weights_by_label(trainable_backend, rng):
    x, labels = rng.normal(size=(12, 4)).astype("float32"), rng.integers(0, 3, 12)
    by_class = {0: 0.5, 2: 3.0}
    weights = np.array([by_class.get(c, 1.0) for c in labels], "float32")

    def model():
        made = cornu.Sequential([cornu.Input((4,)), layers.Dense(3, "softmax", kernel_initializer="zeros")])
        made.compile(cornu.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
        return made

    by_label, by_row = model(), model()
    loss = by_label.train_on_batch(x, labels, class_weight=by_class)
    assert loss == pytest.approx((weights * np.log(3)).mean(), rel=1e-5)  # all classes are equally likely at first
    by_row.train_on_batch(x, labels, sample_weight=weights)
    probabilities = np.full((12, 3), 1 / 3) - np.eye(3)[labels]
    np.testing.assert_allclose(by_label.get_weights()[0], -0.5 * x.T @ (weights[:, None] * probabilities) / 12, rtol=1e-4, atol=1e-6)
    for a, b in zip(by_label.get_weights(), by_row.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    one_hot = model()
    one_hot.compile(cornu.optimizers.SGD(0.5), "categorical_crossentropy")
    one_hot.fit(x, np.eye(3, dtype="float32")[labels], class_weight=by_class, batch_size=12, verbose=0)
    np.testing.assert_allclose(one_hot.get_weights()[0], by_label.get_weights()[0], rtol=1e-4, atol=1e-6)


# --- validation -------------------------------------------------------------------------------------------------------------


def test_validation_split_keeps_the_last_rows_and_measures_after_the_epoch(trainable_backend, xy):
    x, y = xy
    model, by_hand = linear(metrics=["mae"]), ByHand()
    history = model.fit(x, y, validation_split=0.3, batch_size=4, epochs=2, shuffle=False, verbose=0).history
    for epoch in range(2):
        assert history["loss"][epoch] == pytest.approx(by_hand.epoch(x[:7], y[:7], 4), rel=1e-5)
        assert history["val_loss"][epoch] == pytest.approx(by_hand.loss(x[7:], y[7:]), rel=1e-5)
        assert history["val_mae"][epoch] == pytest.approx(np.abs(x[7:] @ by_hand.w - y[7:]).mean(), rel=1e-5)


@pytest.mark.parametrize("form", ["pair", "with weights", "PyDataset", "steps"])
def test_validation_data(trainable_backend, xy, rng, form):
    x, y = xy
    vx, vy, weight = rng.normal(size=(5, 3)).astype("float32"), rng.normal(size=(5, 1)).astype("float32"), rng.random(5)
    given = {"pair": (vx, vy), "with weights": (vx, vy, weight), "PyDataset": Rows(vx, vy, 2), "steps": (vx, vy)}[form]
    more = {"validation_steps": 1, "validation_batch_size": 2} if form == "steps" else {}
    model, by_hand = linear(), ByHand()
    history = model.fit(x, y, validation_data=given, batch_size=4, shuffle=False, verbose=0, **more).history
    by_hand.epoch(x, y, 4)
    expected = by_hand.loss(vx, vy, weight) if form == "with weights" else by_hand.loss(vx[:2], vy[:2]) if more else by_hand.loss(vx, vy)
    assert history["val_loss"][0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("freq", "epochs"), [(2, [1, 3]), ([1, 4], [0, 3]), (np.int64(2), [1, 3]), (1, [0, 1, 2, 3])])
def test_validation_only_so_often(trainable_backend, xy, freq, epochs):
    seen = []

    class Note(Callback):
        def on_epoch_end(self, epoch, logs=None):
            if "val_loss" in logs:
                seen.append(epoch)

    linear().fit(*xy, validation_data=xy, validation_freq=freq, epochs=4, batch_size=5, verbose=0, callbacks=[Note()])
    assert seen == epochs


# --- epochs and steps -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("freq", [0, -1, 2.0, "2", True, None, [1.5], ["1"]], ids=repr)
def test_what_is_no_number_of_epochs_is_refused_before_training(xy, freq):
    model = linear()
    with pytest.raises(ArgumentError, match="validation_freq must be a number of epochs above 0"):
        model.fit(*xy, validation_data=xy, validation_freq=freq, verbose=0)
    assert int(model.optimizer.iterations) == 0


def test_going_on_from_an_epoch_gives_what_one_run_gives(trainable_backend, xy):
    cornu.utils.set_random_seed(3)
    whole = linear()
    history = whole.fit(*xy, batch_size=4, epochs=4, verbose=0).history
    cornu.utils.set_random_seed(3)
    parts = linear()
    first = parts.fit(*xy, batch_size=4, epochs=2, verbose=0)
    losses, epochs = list(first.history["loss"]), list(first.epoch)
    second = parts.fit(*xy, batch_size=4, epochs=4, initial_epoch=2, verbose=0)
    assert losses + second.history["loss"] == history["loss"]
    assert epochs + second.epoch == [0, 1, 2, 3]
    assert np.array_equal(whole.get_weights()[0], parts.get_weights()[0])
    parts.fit(*xy, epochs=2, initial_epoch=2, verbose=0)
    assert np.array_equal(whole.get_weights()[0], parts.get_weights()[0])


def test_steps_per_epoch_goes_through_the_rows_in_shares(trainable_backend, xy):
    x, y = xy
    model, by_hand = linear(), ByHand()
    history = model.fit(x[:8], y[:8], batch_size=2, steps_per_epoch=2, epochs=3, shuffle=False, verbose=0).history
    order = [slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 8), slice(0, 2), slice(2, 4)]
    losses = [by_hand.step(x[s], y[s]) for s in order]
    np.testing.assert_allclose(history["loss"], np.reshape(losses, (3, 2)).mean(-1), rtol=1e-5)


def test_a_generator_without_steps_runs_once_and_ends(trainable_backend, xy):
    model = linear()
    with pytest.warns(UserWarning, match="ran out of data"):
        history = model.fit(pieces(*xy, 4), epochs=3, verbose=0).history
    assert len(history["loss"]) == 1


@pytest.mark.parametrize(("where", "batches", "epochs"), [("batch", 2, 1), ("epoch", 3, 1), ("begin", 3, 1)])
def test_stop_training_stops_at_once(trainable_backend, xy, where, batches, epochs):
    class Stop(Callback):
        batches = epochs = 0

        def on_train_batch_end(self, batch, logs=None):
            self.batches += 1
            if where == "batch" and batch == 1:
                self.model.stop_training = True

        def on_epoch_end(self, epoch, logs=None):
            self.epochs += 1
            if where != "batch":
                self.model.stop_training = True

    model, stop = linear(), Stop()
    model.fit(*xy, batch_size=4, epochs=5, verbose=0, callbacks=[stop])
    assert (stop.batches, stop.epochs) == (batches, epochs)
    model.fit(*xy, batch_size=4, epochs=1, verbose=0)  # and the next run is not stopped
    assert not model.stop_training


def test_metrics_begin_anew_with_each_epoch_and_each_run(trainable_backend, xy):
    x, y = xy
    model = linear(metrics=["mae"])
    model.optimizer.learning_rate = 0.0
    error = np.abs(x.sum(-1, keepdims=True) - y)
    history = model.fit(x, y, batch_size=4, epochs=3, verbose=0, validation_data=(x[:2], y[:2])).history
    np.testing.assert_allclose(history["mae"], [error.mean()] * 3, rtol=1e-5)
    np.testing.assert_allclose(history["loss"], [(error**2).mean()] * 3, rtol=1e-5)
    np.testing.assert_allclose(history["val_mae"], [error[:2].mean()] * 3, rtol=1e-5)
    assert model.evaluate(x, y, batch_size=3, verbose=0)[1] == pytest.approx(error.mean(), rel=1e-5)


def test_callbacks_see_the_metrics_so_far_and_the_batch_numbers(trainable_backend, xy):
    x, y = xy
    seen = []

    class Look(Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen.append(("begin", batch))

        def on_train_batch_end(self, batch, logs=None):
            seen.append((batch, logs["loss"]))

    linear().fit(x, y, batch_size=4, shuffle=False, verbose=0, callbacks=[Look()])
    by_hand, rows, total = ByHand(), 0, 0.0
    for i, (p, q) in enumerate(pieces(x, y, 4)):
        total, rows = total + by_hand.step(p, q) * len(p), rows + len(p)
        assert seen[2 * i] == ("begin", i)
        assert seen[2 * i + 1][0] == i
        assert seen[2 * i + 1][1] == pytest.approx(total / rows, rel=1e-5)


# --- one batch, evaluation, prediction ----------------------------------------------------------------------------------------


def test_single_batches(trainable_backend, xy):
    x, y = xy
    model, by_hand = linear(metrics=["mae"]), ByHand()
    first = model.train_on_batch(x[:4], y[:4])
    assert first[0] == pytest.approx(by_hand.step(x[:4], y[:4]), rel=1e-5)
    second = model.train_on_batch(x[4:], y[4:], return_dict=True)
    assert sorted(second) == ["loss", "mae"]
    assert second["loss"] == pytest.approx(by_hand.step(x[4:], y[4:]), rel=1e-5)  # of this batch alone, as in Keras
    assert float(model.metrics[0].result()) == second["loss"]
    for rows in (slice(0, 4), slice(0, 10)):
        assert model.test_on_batch(x[rows], y[rows])[0] == pytest.approx(by_hand.loss(x[rows], y[rows]), rel=1e-5)
    np.testing.assert_allclose(model.predict_on_batch(x), x @ by_hand.w, rtol=1e-4, atol=1e-5)
    assert_same_weights(model, by_hand)


def test_evaluate_gives_a_number_a_list_or_a_dict(backend, xy):
    x, y = xy
    plain = linear()
    with_metric = linear(metrics=["mae"])
    loss, error = ((x.sum(-1, keepdims=True) - y) ** 2).mean(), np.abs(x.sum(-1, keepdims=True) - y).mean()
    assert plain.evaluate(x, y, verbose=0) == pytest.approx(loss, rel=1e-5)
    assert with_metric.evaluate(x, y, verbose=0) == pytest.approx([loss, error], rel=1e-5)
    assert with_metric.evaluate(x, y, verbose=0, return_dict=True) == pytest.approx({"loss": loss, "mae": error}, rel=1e-5)
    assert with_metric.metrics_names == ["loss", "mae"]
    part = with_metric.evaluate(x, y, batch_size=2, steps=2, verbose=0)
    assert part[1] == pytest.approx(np.abs(x[:4].sum(-1, keepdims=True) - y[:4]).mean(), rel=1e-5)


@pytest.mark.parametrize("rows", [1, 3, 4, 9])
def test_predictions_of_any_number_of_rows(backend, xy, rows):
    x = np.resize(xy[0], (rows, 3))
    model = linear()
    np.testing.assert_allclose(model.predict(x, batch_size=4, verbose=0), x.sum(-1, keepdims=True), rtol=1e-5, atol=1e-6)


def test_the_short_last_batch_of_a_prediction_costs_no_second_compilation(xy):
    with cornu.use_backend("jax"):
        model = linear()
        model.predict(xy[0], batch_size=4, verbose=0)
        assert model._program_("predict").compilations == 1


def test_predictions_in_the_structure_of_the_outputs(backend):
    x = cornu.Input((2,))
    model = cornu.Model(x, {"double": x * 2, "more": [x + 1, x[:, :1]]})
    values = np.arange(10, dtype="float32").reshape(5, 2)
    found = model.predict(values, batch_size=2, verbose=0)
    assert found["double"].tolist() == (values * 2).tolist()
    assert found["more"][0].tolist() == (values + 1).tolist()
    assert found["more"][1].tolist() == values[:, :1].tolist()


def test_predictions_are_the_caller_s_own(backend):
    """Whoever writes into them changes neither the data nor a weight, and can write into them."""

    class Weight(cornu.Layer):
        def build(self, input_shape):
            self.w = self.add_weight((64, 2), "ones", name="w")

        def call(self, inputs):
            return self.w.value

    values = np.zeros((64, 2), "float32")
    same = cornu.Sequential([cornu.Input((2,)), layers.Reshape((2, 1))])
    held = cornu.Sequential([cornu.Input((2,)), Weight()])
    for given in ({"x": values, "batch_size": 64}, {"x": [values], "batch_size": 64}, {"x": values, "batch_size": 16}):
        found = same.predict(**given, verbose=0)
        found[:] = 7
        assert values.max() == 0
    weight = held.predict(values, batch_size=64, verbose=0)
    weight[:] = 7
    assert held.get_weights()[0].max() == 1


def test_many_predictions_of_one_row_are_each_their_own(backend):
    model = cornu.Sequential([cornu.Input((2,)), layers.Reshape((2, 1))])
    x = np.zeros((1, 2), "float32")
    outputs = []
    for k in range(6):
        x[:] = k
        outputs.append(model.predict(x, verbose=0))
    assert [y.ravel().tolist() for y in outputs] == [[float(k)] * 2 for k in range(6)]


# --- what is refused ----------------------------------------------------------------------------------------------------------


def test_training_needs_compile_and_data(trainable_backend, xy):
    model = cornu.Sequential([layers.Dense(1)])
    for run in (model.fit, model.evaluate, model.train_on_batch, model.test_on_batch):
        with pytest.raises(NotCompiledError, match="compile"):
            run(*xy)
    model.compile("sgd", "mse")
    with pytest.raises(DataError):
        model.fit(np.zeros((0, 3)), np.zeros((0, 1)), verbose=0)
    with pytest.raises(CornuError):
        model.fit(xy[0], xy[1][:7], verbose=0)
    with pytest.raises(DataError, match="no batch"), pytest.warns(UserWarning, match="ran out of data"):
        model.fit(iter([]), verbose=0)


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        ({"optimizer": "adamm"}, "adam"),
        ({"loss": "mse2"}, "mse"),
        ({"metrics": ["accurracy"]}, "accuracy"),
        ({"on_nonfinite": "rais"}, "raise"),
        ({"steps_per_execution": 0}, "at least 1"),
        ({"jit_compile": "yes"}, "auto"),
    ],
)
def test_what_compile_does_not_know_is_named(backend, arguments, nearest):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1)])
    with pytest.raises(ArgumentError, match=nearest):
        model.compile(**{"optimizer": "sgd", "loss": "mse", **arguments})
    assert not model.compiled


def test_wrong_targets_cost_nothing(trainable_backend, xy):
    x, y = xy
    model = linear()
    model.train_on_batch(x, y)
    before = model.get_weights()
    for bad in (np.zeros((10, 2)), np.zeros((10, 3, 1)), np.array(["a"] * 10)):
        with pytest.raises(CornuError):
            model.fit(x, bad, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    by_hand = ByHand()
    by_hand.step(x, y)
    model.reset_metrics()
    assert model.train_on_batch(x, y) == pytest.approx(by_hand.step(x, y), rel=1e-5)


def test_a_model_inside_that_was_compiled_before_adds_no_loss_of_its_own(trainable_backend, rng):
    head = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(5, "softmax")])
    head.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    entrance = cornu.Input((4,))
    model = cornu.Model(entrance, head(entrance))
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = rng.normal(size=(20, 4)).astype("float32"), np.arange(20) % 5
    expected = -np.log(head.predict(x, verbose=0)[np.arange(20), y]).mean()
    history = model.fit(x, y, batch_size=20, verbose=0).history
    assert sorted(history) == ["accuracy", "loss"]
    assert history["loss"][0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("auto_scale_loss", [True, False])
def test_how_the_loss_is_scaled_outlives_files(auto_scale_loss, ending, trainable_backend, tmp_path):
    x, y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")
    cornu.dtype_policies.set_dtype_policy("mixed_float16")
    try:
        model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1)])
        model.compile("sgd", "mse", auto_scale_loss=auto_scale_loss)
        model.fit(x, y, verbose=0)
        model.save(tmp_path / f"model{ending}")
        again = cornu.saving.load_model(tmp_path / f"model{ending}")
    finally:
        cornu.dtype_policies.set_dtype_policy(None)
    assert type(again.optimizer) is type(model.optimizer)
    assert isinstance(again.optimizer, cornu.optimizers.LossScaleOptimizer) == auto_scale_loss
    assert [v.numpy().tolist() for v in again.optimizer.variables] == [v.numpy().tolist() for v in model.optimizer.variables]


def test_the_policy_for_bad_steps_outlives_a_change_of_layers(trainable_backend):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(3, name="a"), layers.Dense(1)])
    model.compile("sgd", "mse", on_nonfinite="skip")
    model.replace("a", layers.Dense(3, name="a"))
    assert model._health_.policy == "skip"
    model.quantize("int8")
    assert model._health_.policy == "skip"


@pytest.mark.parametrize("policy", ["raise", "skip", "ignore"])
@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_the_policy_for_bad_steps_outlives_files(ending, policy, tmp_path):
    inner = cornu.Sequential([cornu.Input((3,)), layers.Dense(1)], name="inner")
    inner.compile("sgd", "mse", on_nonfinite="skip")
    model = cornu.Sequential([cornu.Input((3,)), inner])
    model.compile("sgd", "mse", on_nonfinite=policy)
    model.save(tmp_path / f"model{ending}")
    again = cornu.saving.load_model(tmp_path / f"model{ending}")
    assert again._health_.policy == policy
    if ending == ".keras":
        assert again.layers[0]._health_.policy == "skip"
        assert not cornu.saving.load_model(tmp_path / "model.keras", compile=False).compiled


def test_a_file_asks_for_no_policy_that_is_none():
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    config = cornu.saving.serialize_keras_object(model)
    assert "on_nonfinite" not in config
    for policy in ("sometimes", ["skip"], {"skip": 1}):
        with pytest.raises(ArgumentError, match="on_nonfinite must be"):
            cornu.saving.deserialize_keras_object({**config, "on_nonfinite": policy})
