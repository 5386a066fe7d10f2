"""Parts of a step recorded and replayed: the same numbers as written, and never where code of users is inside."""

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.state import ReplayedPart, StateScope, Variable


@pytest.fixture(autouse=True)
def _on_torch():
    with cornu.use_backend("torch"):
        yield


def recordings(model):
    """The recordings that a model's parts hold."""
    return [r for part in model._parts_.values() for r in part._recordings.values() if callable(r)]


# --- the part itself --------------------------------------------------------------------------------------------------------


def test_the_third_call_of_a_kind_records_and_later_ones_run_without_python():
    v, runs = Variable([1.0, 2.0], trainable=False), []

    def fn(x, scale):
        runs.append(1)
        v.assign(v * 0.5 + x["a"])
        return {"sum": ops.sum(v) * scale, "none": None}, [x["a"] * v]

    part = ReplayedPart(fn, lambda: [v], lambda: True)
    value = np.array([1.0, 2.0])
    for k in range(8):
        x = np.array([k, 1.0])
        first, (second,) = part({"a": ops.convert_to_tensor(x, "float32")}, 3)
        value = value * 0.5 + x
        np.testing.assert_allclose(float(first["sum"]), value.sum() * 3, rtol=1e-6)
        np.testing.assert_allclose(ops.convert_to_numpy(second), x * value, rtol=1e-6)
        np.testing.assert_allclose(v.numpy(), value, rtol=1e-6)
        assert first["none"] is None
    assert len(runs) == 5  # three as written, one of them counted and recorded as well


def test_other_shapes_dtypes_and_plain_arguments_are_other_kinds():
    part = ReplayedPart(lambda x, n: x * n, list, lambda: True)
    for shape, dtype, n in [((2,), "float32", 2), ((3,), "float32", 2), ((2,), "int32", 2), ((2,), "float32", 5)] * 5:
        x = ops.ones(shape, dtype)
        y = part(x, n)
        assert (tuple(y.shape), ops.dtype(y), set(ops.convert_to_numpy(y).tolist())) == (shape, dtype, {n})


def test_whoever_cannot_vouch_for_it_runs_as_written():
    runs = []
    part = ReplayedPart(lambda x: runs.append(1) or x, list, lambda: False)
    for _ in range(6):
        part(ops.ones((2,)))
    assert len(runs) == 6


def test_a_look_at_a_value_keeps_it_as_written():
    def fn(x):
        return x * 2 if float(ops.sum(x)) > 0 else x * 3

    part = ReplayedPart(fn, list, lambda: True)
    for value in (1.0, 1.0, 1.0, 1.0, -1.0):
        y = part(ops.full((2,), value))
    assert y.tolist() == [-3.0, -3.0]


def test_in_a_scope_with_values_of_its_own_it_runs_as_written():
    v = Variable([1.0])
    part = ReplayedPart(lambda: v * 2, lambda: [v], lambda: True)
    for _ in range(5):
        part()
    with StateScope([(v, ops.full((1,), 10.0))]):
        assert part().tolist() == [20.0]
    v.assign([4.0])
    assert part().tolist() == [8.0]


# --- models: the replayed step against the step as written ------------------------------------------------------------------


def random_model(rng):
    """A stack drawn at random: dense layers, norms, activations, dropout of nothing; a mask where the input is a sequence."""
    sequence = bool(rng.integers(2))
    x = cornu.Input((4, 3) if sequence else (6,))
    y = layers.Masking()(x) if sequence and rng.integers(2) else x
    for _ in range(rng.integers(1, 4)):
        kind = rng.integers(5)
        if kind == 0:
            y = layers.Dense(int(rng.integers(2, 6)), str(rng.choice(["relu", "tanh", "gelu", "sigmoid"])))(y)
        elif kind == 1:
            y = layers.BatchNormalization(momentum=0.7)(y)
        elif kind == 2:
            y = layers.LayerNormalization()(y)
        elif kind == 3:
            y = layers.Add()([y, layers.Dense(y.shape[-1], activity_regularizer="l2")(y)])
        else:
            y = layers.Dense(4, kernel_regularizer="l1", use_bias=False)(y)
    y = layers.GlobalAveragePooling1D()(y) if sequence and rng.integers(2) else y
    return cornu.Model(x, layers.Dense(2)(y))


def trained(seed, replay):
    rng = np.random.default_rng(seed)
    cornu.utils.set_random_seed(seed)
    model = random_model(rng)
    weighted = bool(rng.integers(2))
    model.compile(
        rng.choice(["sgd", "adam", "rmsprop"]), str(rng.choice(["mse", "mae", "huber"])), metrics=["mae"],
        weighted_metrics=["mse"] if weighted else None, jit_compile="auto" if replay else False,
    )  # fmt: skip
    x = rng.normal(size=(22, *model.input_shape[1:])).astype("float32")
    if x.ndim == 3:
        x[:, 2:] *= rng.integers(0, 2, (22, 1, 1))
    y = rng.normal(size=(22, *model.output_shape[1:])).astype("float32")
    weights = rng.random(22).astype("float32") if weighted else None
    history = model.fit(x, y, sample_weight=weights, batch_size=6, epochs=4, shuffle=False, verbose=0, validation_data=(x, y)).history
    return model, history, model.predict(x, batch_size=6, verbose=0)


@pytest.mark.parametrize("seed", range(10))
def test_a_replayed_step_gives_what_the_step_as_written_gives(seed):
    plain, expected, expected_outputs = trained(seed, replay=False)
    replayed, found, outputs = trained(seed, replay=True)
    assert not recordings(plain)
    assert recordings(replayed)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=2e-5, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(outputs, expected_outputs, rtol=1e-4, atol=1e-5)
    for a, b, weight in zip(replayed.get_weights(), plain.get_weights(), plain.weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5, err_msg=weight.path)


@pytest.mark.parametrize("make", [layers.LSTM, layers.GRU])
def test_kernels_over_all_steps_are_recorded_with_their_gradients(make, rng):
    x, y = rng.normal(size=(24, 5, 3)).astype("float32"), rng.normal(size=(24, 1)).astype("float32")

    def fitted(jit_compile):
        cornu.utils.set_random_seed(7)
        model = cornu.Sequential([cornu.Input((5, 3)), make(4), layers.Dense(1)])
        model.compile("adam", "mse", jit_compile=jit_compile)
        model.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0)
        return model

    replayed, plain = fitted("auto"), fitted(False)
    assert recordings(replayed)
    for a, b in zip(replayed.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


class OwnLayer(cornu.Layer):
    def call(self, inputs):
        return inputs * 1.0


class OwnMetric(cornu.metrics.Mean):
    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(ops.mean(y_pred))


class OwnLoss(cornu.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred), axis=-1)


OWN = {
    "layer": {"layer": OwnLayer()},
    "activation": {"layer": layers.Activation(lambda x: x * 2)},
    "lambda": {"layer": layers.Lambda(lambda x: x * 2)},
    "initializer is of no matter": {"layer": layers.Dense(3, kernel_initializer=np.ones), "recorded": False},
    "loss": {"loss": OwnLoss()},
    "loss function": {"loss": lambda y_true, y_pred: ops.mean(ops.square(y_true - y_pred), axis=-1)},
    "metric": {"metrics": OwnMetric},
    "metric function": {"metrics": [lambda y_true, y_pred: ops.mean(y_pred)]},
    "regularizer": {"layer": layers.Dense(3, kernel_regularizer=lambda w: 0.1 * ops.sum(w))},
    "cornu's own": {"recorded": True},
}


@pytest.mark.parametrize("case", OWN)
def test_with_code_of_users_inside_nothing_is_recorded(case):
    given = {"layer": layers.Dense(3), "loss": "mse", "metrics": ["mae"], "recorded": False, **OWN[case]}
    x = cornu.Input((3,))
    model = cornu.Model(x, given["layer"](layers.Dense(3)(x)))
    model.compile("sgd", given["loss"], metrics=given["metrics"] if given["metrics"] is not OwnMetric else [OwnMetric()])
    data = np.ones((20, 3), "float32")
    model.fit(data, data, batch_size=2, verbose=0)
    model.predict(data, batch_size=2, verbose=0)
    assert bool(recordings(model)) is given["recorded"]


def test_a_model_with_a_call_of_the_user_s_own_is_not_recorded():
    seen = []

    class Noted(cornu.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, inputs):
            seen.append(1)
            return self.dense(inputs)

    model = Noted()
    model.compile("sgd", "mse")
    x = np.ones((16, 2), "float32")
    model.predict(x[:2], verbose=0)
    model.train_on_batch(x[:2], x[:2, :1])
    before = len(seen)
    for _ in range(6):
        model.train_on_batch(x[:2], x[:2, :1])
    assert len(seen) == before + 6


def test_random_layers_stay_random():
    model = cornu.Sequential([cornu.Input((200,)), layers.Dropout(0.5, seed=1), layers.Dense(1, kernel_initializer="ones")])
    model.compile(cornu.optimizers.SGD(0.0), "mse")
    x = np.ones((1, 200), "float32")
    model.train_on_batch(x, np.zeros((1, 1)))
    losses = []
    for _ in range(8):
        model.reset_metrics()
        losses.append(model.train_on_batch(x, np.zeros((1, 1))))
    assert len(set(losses)) > 4


def test_freezing_takes_effect_on_a_recorded_step():
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(3), layers.BatchNormalization(), layers.Dense(1)])
    model.compile(cornu.optimizers.SGD(0.1), "mse")
    x, y = np.random.default_rng(0).normal(size=(8, 3)).astype("float32"), np.ones((8, 1), "float32")
    for _ in range(5):
        model.train_on_batch(x, y)
    assert recordings(model)
    model.layers[0].trainable = model.layers[1].trainable = False
    before = model.get_weights()
    for _ in range(5):
        model.train_on_batch(x, y)
    moved = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert moved == [False, False, False, False, False, False, True, True]
    model.layers[0].trainable = True
    model.train_on_batch(x, y)
    assert not np.array_equal(before[0], model.get_weights()[0])


def test_weights_that_were_set_are_those_that_a_recording_reads():
    model = cornu.Sequential([cornu.Input((2,)), layers.Dense(1)])
    x = np.array([[1.0, 2.0]], "float32")
    for k in range(6):
        model.set_weights([np.full((2, 1), float(k)), np.array([1.0])])
        assert model.predict(x, verbose=0).tolist() == [[3.0 * k + 1.0]]
    assert recordings(model)


def test_results_of_a_recording_do_not_change_afterwards():
    model = cornu.Sequential([cornu.Input((2,)), layers.Dense(2, kernel_initializer="identity")])
    outputs = [model.predict(np.full((1, 2), float(k), "float32"), verbose=0) for k in range(6)]
    assert [y.tolist() for y in outputs] == [[[float(k)] * 2] for k in range(6)]
