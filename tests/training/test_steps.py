"""The training step: a user's own, compiled or as written, several at once, gathered gradients, bad numbers, mixed precision."""

import contextlib

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.errors import ArgumentError, NonFiniteError, NotBuiltError


@pytest.fixture
def xy(rng):
    return rng.normal(size=(20, 3)).astype("float32"), rng.normal(size=(20, 1)).astype("float32")


def network(optimizer=None, *, norm=True, **compiled):
    """Small, with statistics and a seed to keep, the same each time it is made."""
    cornu.utils.set_random_seed(5)
    model = cornu.Sequential(
        [cornu.Input((3,)), layers.Dense(4, "tanh"), *([layers.BatchNormalization()] if norm else []), layers.Dense(1)]
    )
    model.compile(optimizer or cornu.optimizers.Adam(0.05), "mse", **{"metrics": ["mae"], **compiled})
    return model


def state(model):
    """Everything that a step may change, as bytes."""
    held = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    return [v.numpy().tobytes() for v in held]


def run(model, x, y, epochs=3):
    history = model.fit(x, y, batch_size=6, epochs=epochs, shuffle=False, verbose=0).history
    return history, model.get_weights()


# --- the same numbers, however it runs ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plain_runs():
    """What the default step gives, by backend; made once."""
    return {}


@pytest.mark.parametrize(
    "settings",
    [{"run_eagerly": True}, {"jit_compile": False}, {"steps_per_execution": 2}, {"steps_per_execution": 3}, {"steps_per_execution": 50}],
    ids=str,
)
def test_how_a_step_runs_changes_no_result(trainable_backend, plain_runs, settings):
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(20, 3)).astype("float32"), rng.normal(size=(20, 1)).astype("float32")
    if trainable_backend not in plain_runs:
        plain_runs[trainable_backend] = run(network(), x, y)
    (expected, weights), (found, others) = plain_runs[trainable_backend], run(network(**settings), x, y)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, err_msg=name)
    for a, b in zip(others, weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_callbacks_look_once_for_several_steps(trainable_backend, xy):
    seen = []

    class Look(cornu.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(batch)

    network(steps_per_execution=2).fit(*xy, batch_size=4, verbose=0, callbacks=[Look()])
    assert seen == [1, 3, 4]


def test_the_short_last_batch_and_the_next_epoch_compile_no_more_than_needed(xy):
    with cornu.use_backend("jax"):
        model = network()
        model.fit(*xy, batch_size=8, epochs=3, verbose=0)
        assert model._program_("unguarded").compilations == 2  # 8 rows, and the last 4
        model.fit(*xy, batch_size=8, epochs=1, verbose=0)
        model.optimizer.learning_rate = 0.5
        assert model._program_("unguarded").compilations == 2
        model.train_on_batch(xy[0][:8], xy[1][:8])
        assert model._program_("train").compilations == 1
        entries = [entry for entry in model.compilations if entry.program in ("train", "unguarded")]
        assert [(entry.program, entry.batch, entry.reason) for entry in entries] == [
            ("unguarded", ("float32[8, 3]", "float32[8, 1]"), "the first batch"),
            ("unguarded", ("float32[4, 3]", "float32[4, 1]"), "a batch of another kind"),
            ("train", ("float32[8, 3]", "float32[8, 1]"), "the first batch"),
        ]
        assert all(0 < entry.seconds < 60 for entry in entries)
        model.layers[0].trainable = False
        model.train_on_batch(xy[0][:8], xy[1][:8])
        assert model._program_("train").ledger[-1].reason == "other variables, or others frozen"


# --- a step, a loss, metrics of one's own ---------------------------------------------------------------------------------------


def test_a_train_step_of_one_s_own(trainable_backend, xy):
    """The usual step written by a user, in ops: the same numbers on each backend."""

    class Own(cornu.Model):
        def train_step(self, data):
            x, y = data

            def forward():
                return self.compute_loss(x, y, self(x, training=True)), None

            (loss, _), grads = cornu.value_and_grad(forward, self.trainable_variables)
            self.optimizer.apply(grads, self.trainable_variables)
            return {"own_loss": loss, "largest": ops.max(ops.abs(grads[0]))}

        def test_step(self, data):
            x, y = data
            return {"own_loss": self.compute_loss(x, y, self(x, training=False)) + 100.0}

    cornu.utils.set_random_seed(5)
    entrance = cornu.Input((3,))
    model = Own(entrance, layers.Dense(1)(layers.BatchNormalization()(layers.Dense(4, "tanh")(entrance))))
    model.compile(cornu.optimizers.Adam(0.05), "mse")
    usual = network()
    usual.set_weights(model.get_weights())
    x, y = xy
    for i in range(3):
        found, expected = model.train_on_batch(x, y, return_dict=True), usual.train_on_batch(x, y, return_dict=True)
        usual.reset_metrics()
        assert sorted(found) == ["largest", "own_loss"]
        assert found["own_loss"] == pytest.approx(expected["loss"], rel=1e-5), i
    for a, b in zip(model.get_weights(), usual.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(100 + usual.evaluate(x, y, verbose=0)[0], rel=1e-5)
    assert "own_loss" in model.fit(x, y, verbose=0).history


def test_a_train_step_around_the_usual_one(trainable_backend, xy):
    class Noted(cornu.Model):
        def train_step(self, data):
            logs = super().train_step(data)
            return {**logs, "twice": logs["loss"] * 2}

    entrance = cornu.Input((3,))
    model = Noted(entrance, layers.Dense(1, kernel_initializer="ones")(entrance))
    model.compile(cornu.optimizers.SGD(0.0), "mse", metrics=["mae"])
    x, y = xy
    error = x.sum(-1, keepdims=True) - y
    logs = model.train_on_batch(x, y, return_dict=True)
    assert logs == pytest.approx({"loss": (error**2).mean(), "mae": np.abs(error).mean(), "twice": 2 * (error**2).mean()}, rel=1e-5)


def test_two_networks_with_an_optimizer_each(trainable_backend):
    """One climbs what the other descends: f(a, b) = a b; by hand, a -= r b, then b += r a."""

    class Game(cornu.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = cornu.Variable([1.0]), cornu.Variable([1.0])

        def compile(self, first, second):
            super().compile(optimizer=first)
            self.second = second
            self.optimizer.build([self.a])
            self.second.build([self.b])

        def call(self, x):
            return x * self.a

        def train_step(self, x):
            (value, _), (grad,) = cornu.value_and_grad(lambda: (ops.sum(self.a * self.b), None), [self.a])
            self.optimizer.apply([grad], [self.a])
            (_, _), (grad,) = cornu.value_and_grad(lambda: (-ops.sum(self.a * self.b), None), [self.b])
            self.second.apply([grad], [self.b])
            return {"value": value}

    game = Game()
    game.compile(cornu.optimizers.SGD(0.1), cornu.optimizers.SGD(0.2, momentum=0.5))
    a, b, velocity = 1.0, 1.0, 0.0
    for _ in range(4):
        value = game.train_on_batch(np.ones((1, 1), "float32"))
        assert value == pytest.approx(a * b, rel=1e-5)
        a -= 0.1 * b
        velocity = 0.5 * velocity + 0.2 * a
        b += velocity
    assert float(game.a.numpy()[0]) == pytest.approx(a, rel=1e-5)
    assert float(game.b.numpy()[0]) == pytest.approx(b, rel=1e-5)
    assert int(game.second.iterations) == 4


def test_a_loss_of_one_s_own_over_inputs_outputs_and_targets(trainable_backend, xy):
    class Penalised(cornu.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return ops.mean(ops.square(y - y_pred)) + 0.5 * ops.mean(ops.abs(x)) + (1.0 if training else 2.0)

    x, y = xy
    entrance = cornu.Input((3,))
    model = Penalised(entrance, layers.Dense(1, use_bias=False, kernel_initializer="ones")(entrance))
    model.compile(cornu.optimizers.SGD(0.1))
    error = x.sum(-1, keepdims=True) - y
    expected = (error**2).mean() + 0.5 * np.abs(x).mean()
    assert model.train_on_batch(x, y) == pytest.approx(expected + 1, rel=1e-5)
    np.testing.assert_allclose(model.get_weights()[0], 1 - 0.1 * 2 * x.T @ error / 20, rtol=1e-4)


def test_metrics_of_one_s_own(trainable_backend, xy):
    class Measured(cornu.Model):
        def __init__(self, *args):
            super().__init__(*args)
            self.bias_metric = cornu.metrics.Mean(name="bias")

        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            self.bias_metric.update_state(y_pred - y)
            return {**super().compute_metrics(x, y, y_pred, sample_weight), "constant": 7.0}

    x, y = xy
    entrance = cornu.Input((3,))
    model = Measured(entrance, layers.Dense(1, use_bias=False, kernel_initializer="ones")(entrance))
    model.compile(cornu.optimizers.SGD(0.0), "mse", metrics=["mae"])
    for _ in range(2):  # anew in each run
        logs = model.evaluate(x, y, batch_size=6, verbose=0, return_dict=True)
        assert logs["bias"] == pytest.approx((x.sum(-1, keepdims=True) - y).mean(), abs=1e-5)
        assert logs["constant"] == 7.0  # the dict is what callbacks and history see
    history = model.fit(x, y, batch_size=6, epochs=2, verbose=0).history
    np.testing.assert_allclose(history["bias"], [(x.sum(-1, keepdims=True) - y).mean()] * 2, atol=1e-5)
    assert history["constant"] == [7.0, 7.0]


def normalised(kind):
    """A compiled model of the kind, with weights and statistics, the same at each call."""
    cornu.utils.set_random_seed(0)
    entrance = cornu.Input((3,))
    hidden = layers.BatchNormalization()(layers.Dense(4, activation="tanh")(entrance))
    model = kind(entrance, layers.Dense(1)(hidden))
    model.compile("adam", "mse", metrics=["mae"])
    return model


def trained(kind, x, y):
    """All that such a model gives: history, evaluation, predictions, weights."""
    model = normalised(kind)
    history = model.fit(x, y, batch_size=10, epochs=2, shuffle=False, verbose=0).history
    return history, model.evaluate(x, y, batch_size=10, verbose=0), model.predict(x, verbose=0), model.get_weights()


def test_steps_as_functions_of_a_state(xy):
    jax = pytest.importorskip("jax")

    class Pure(cornu.Model):
        def compute_loss_and_updates(self, trainable, rest, x, y, training=False):
            y_pred, rest = self.stateless_call(trainable, rest, x, training=training)
            return self.compute_loss(x, y, y_pred), (y_pred, rest)

        def measured(self, values, loss, y, y_pred):
            logs, after = {}, []
            for metric in self.metrics:
                own = values[len(after) : len(after) + len(metric.variables)]
                own = metric.stateless_update_state(own, *((loss,) if metric.name == "loss" else (y, y_pred)))
                logs[metric.name] = metric.stateless_result(own)
                after += own
            return logs, after

        def train_step(self, state, data):
            trainable, rest, of_optimizer, of_metrics = state
            x, y = data
            slope = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
            (loss, (y_pred, rest)), grads = slope(trainable, rest, x, y, training=True)
            trainable, of_optimizer = self.optimizer.stateless_apply(of_optimizer, grads, trainable)
            logs, of_metrics = self.measured(of_metrics, loss, y, y_pred)
            return logs, (trainable, rest, of_optimizer, of_metrics)

        def test_step(self, state, data):
            trainable, rest, of_metrics = state
            x, y = data
            loss, (y_pred, rest) = self.compute_loss_and_updates(trainable, rest, x, y)
            logs, of_metrics = self.measured(of_metrics, loss, y, y_pred)
            return logs, (trainable, rest, of_metrics)

        def predict_step(self, state, data):
            outputs, rest = self.stateless_call(*state, data if not isinstance(data, tuple) else data[0])
            return outputs, rest

    with cornu.use_backend("jax"):
        pure, usual = trained(Pure, *xy), trained(cornu.Model, *xy)
    assert pure[0].keys() == usual[0].keys()
    for a, b in zip(cornu.tree.flatten(pure), cornu.tree.flatten(usual), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_the_steps_written_here_are_functions_of_a_state_too(trainable_backend, xy):
    class Counted(cornu.Model):
        steps = 0

        def train_step(self, state, data):
            type(self).steps += 1
            return super().train_step(state, data)

        def test_step(self, state, data):
            return super().test_step(state, data)

        def predict_step(self, state, data):
            return super().predict_step(state, data)

    x, y = xy
    pure, usual = trained(Counted, x, y), trained(cornu.Model, x, y)
    assert Counted.steps
    for a, b in zip(cornu.tree.flatten(pure), cornu.tree.flatten(usual), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)

    model = normalised(cornu.Model)
    model.fit(x, y, batch_size=10, epochs=1, verbose=0)
    before = [np.array(v) for v in model.variables]
    kinds = model.trainable_variables, model.non_trainable_variables, model.optimizer.variables, model.metrics_variables
    state = tuple([v.value * 0 if i == 0 else v.value for v in kind] for i, kind in enumerate(kinds))  # all weights at 0: the mean of y * y
    batch = ops.convert_to_tensor(x[:10]), ops.convert_to_tensor(y[:10])
    logs, after = model.test_step((state[0], state[1], [v * 0 for v in state[3]]), batch)
    assert ops.convert_to_numpy(logs["loss"]) == pytest.approx(np.mean(y[:10] ** 2), rel=1e-5)
    outputs, rest = model.predict_step(state[:2], batch)
    assert not ops.convert_to_numpy(outputs).any()
    assert [len(after), len(rest)] == [3, len(kinds[1])]
    for found, was in zip(model.variables, before, strict=True):  # the model's own values are as they were
        np.testing.assert_array_equal(np.array(found), was)
    with pytest.raises(ArgumentError, match=r"state of `train_step` holds .*got 2 part"):
        model.train_step(state[:2], batch)
    with pytest.raises(ArgumentError, match="takes a batch"):
        model.train_step()


def test_a_predict_step_of_one_s_own(backend):
    class Doubled(cornu.Model):
        def predict_step(self, data):
            return super().predict_step(data) * 2

    entrance = cornu.Input((3,))
    model = Doubled(entrance, layers.Dense(1, kernel_initializer="ones")(entrance))
    assert model.predict(np.ones((5, 3), "float32"), batch_size=2, verbose=0).tolist() == [[6.0]] * 5


# --- gathered gradients -----------------------------------------------------------------------------------------------------------


def test_gathered_gradients_over_a_short_last_batch_are_those_of_the_full_batch(trainable_backend, xy, rng):
    x, y = xy
    weights = rng.random(20).astype("float32")
    for sample_weight in (None, weights):
        whole = network(cornu.optimizers.SGD(0.3), norm=False)
        parts = network(cornu.optimizers.SGD(0.3, gradient_accumulation_steps=4), norm=False)
        before = parts.get_weights()
        whole.fit(x, y, sample_weight=sample_weight, batch_size=20, epochs=2, shuffle=False, verbose=0)
        parts.fit(x, y, sample_weight=sample_weight, batch_size=6, epochs=2, shuffle=False, verbose=0)  # 6, 6, 6 and 2 rows
        for a, b, start in zip(parts.get_weights(), whole.get_weights(), before, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)
            assert np.abs(a - start).max() > 1e-4


def test_gathered_gradients_count_the_steps_that_a_mask_leaves(trainable_backend, rng):
    x = rng.normal(size=(8, 5, 2)).astype("float32")
    for row, length in enumerate([5, 1, 2, 4, 3, 1, 5, 2]):
        x[row, length:] = 0
    y = rng.normal(size=(8, 5, 1)).astype("float32")

    def model(**settings):
        made = cornu.Sequential([cornu.Input((5, 2)), layers.Masking(), layers.Dense(1, kernel_initializer="ones")])
        made.compile(cornu.optimizers.SGD(0.3, **settings), "mse")
        return made

    whole, parts = model(), model(gradient_accumulation_steps=3)
    whole.fit(x, y, batch_size=8, epochs=1, shuffle=False, verbose=0)
    parts.fit(x, y, batch_size=3, epochs=1, shuffle=False, verbose=0)
    for a, b in zip(parts.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


# --- numbers that are not finite ----------------------------------------------------------------------------------------------------


def with_a_bad_row(x, row):
    bad = x.copy()
    bad[row, 1] = np.nan
    return bad


@pytest.mark.parametrize("settings", [{}, {"steps_per_execution": 3}, {"jit_compile": False}], ids=str)
def test_raise_stops_before_anything_is_changed(trainable_backend, xy, settings):
    x, y = xy
    model, reference = network(**settings), network(**settings)
    reference.fit(x[:12], y[:12], batch_size=4, shuffle=False, verbose=0)
    with pytest.raises(NonFiniteError, match=r"step 4 of epoch 1.*\n?.*x\b.*\[1, 1\]"):
        model.fit(with_a_bad_row(x, 13), y, batch_size=4, shuffle=False, verbose=0)
    assert state(model) == state(reference)
    model.fit(x, y, batch_size=4, verbose=0)  # and goes on with sound data
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_raise_on_a_single_batch(trainable_backend, xy):
    x, y = xy
    model = network()
    model.train_on_batch(x, y)
    before = state(model)
    with pytest.raises(NonFiniteError):
        model.train_on_batch(with_a_bad_row(x, 0), y)
    counted = len(model.metrics_variables)  # these start anew with each such call
    assert state(model)[:-counted] == before[:-counted]


def test_skip_leaves_bad_steps_out(trainable_backend, xy):
    x, y = xy
    model, reference = network(on_nonfinite="skip"), network()
    history = model.fit(with_a_bad_row(x, 5), y, batch_size=4, shuffle=False, verbose=0).history
    good = np.r_[0:4, 8:20]
    expected = reference.fit(x[good], y[good], batch_size=4, shuffle=False, verbose=0).history
    assert state(model) == state(reference)
    assert history == expected


def test_ignore_goes_on(trainable_backend, xy):
    x, y = xy
    model = network(on_nonfinite="ignore")
    history = model.fit(with_a_bad_row(x, 5), y, batch_size=4, shuffle=False, verbose=0).history
    assert np.isnan(history["loss"][0])
    assert all(np.isnan(w).any() for w in model.get_weights())


def test_an_overflow_inside_is_blamed_on_the_layer(trainable_backend, xy):
    class Exploding(cornu.Layer):
        def call(self, inputs):
            return ops.exp(inputs * 1e4)

    entrance = cornu.Input((3,))
    model = cornu.Model(entrance, layers.Dense(1)(Exploding(name="boom")(layers.Dense(2)(entrance))))
    model.compile("sgd", "mse")
    with pytest.raises(NonFiniteError, match="layer 'boom'"):
        model.fit(*xy, verbose=0)


def test_a_step_of_one_s_own_is_guarded_too(trainable_backend, xy):
    class Own(cornu.Model):
        def train_step(self, data):
            x, y = data

            def forward():
                return self.compute_loss(x, y, self(x, training=True)), None

            (loss, _), grads = cornu.value_and_grad(forward, self.trainable_variables)
            self.optimizer.apply(grads, self.trainable_variables)
            return {"loss": loss}

    x, y = xy
    entrance = cornu.Input((3,))
    model = Own(entrance, layers.Dense(1)(layers.BatchNormalization()(entrance)))
    model.compile(cornu.optimizers.Adam(0.1), "mse")
    model.train_on_batch(x, y)
    before = state(model)
    with pytest.raises(NonFiniteError):
        model.train_on_batch(with_a_bad_row(x, 0), y)
    counted = len(model.metrics_variables)  # these start anew with each such call
    assert state(model)[:-counted] == before[:-counted]


# --- freezing ---------------------------------------------------------------------------------------------------------------------


def test_freezing_takes_effect_on_the_next_step_and_keeps_the_optimizer_s_state(trainable_backend, xy):
    x, y = xy
    model = network()
    model.train_on_batch(x, y)
    frozen, norm = model.layers[0], model.layers[1]
    frozen.trainable = norm.trainable = False
    before, moments = model.get_weights(), [v.numpy() for v in model.optimizer.variables]
    model.train_on_batch(x, y)
    moved = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert moved == [False] * 6 + [True, True]  # kernel, bias; gamma, beta, mean, variance; kernel, bias
    frozen.trainable = norm.trainable = True
    model.train_on_batch(x, y)
    assert not np.array_equal(before[0], model.get_weights()[0])
    assert len(moments) == len(model.optimizer.variables)
    assert int(model.optimizer.iterations) == 3


# --- mixed precision --------------------------------------------------------------------------------------------------------------


def test_mixed_bfloat16_computes_in_half_and_keeps_float32(trainable_backend, xy):
    x, y = xy
    seen = []

    class Look(cornu.Layer):
        def call(self, inputs):
            seen.append(ops.dtype(inputs))
            return inputs

    def model(dtype):
        cornu.utils.set_random_seed(5)
        entrance = cornu.Input((3,))
        hidden = Look(dtype=dtype)(layers.Dense(8, "tanh", dtype=dtype)(entrance))
        made = cornu.Model(entrance, layers.Dense(1, dtype="float32")(layers.BatchNormalization(dtype=dtype)(hidden)))
        made.compile(cornu.optimizers.SGD(0.05), "mse", metrics=["mae"])
        return made

    mixed, full = model("mixed_bfloat16"), model("float32")
    assert {v.dtype for v in mixed.weights} == {"float32"}
    assert seen[0] == "bfloat16"
    assert seen[-1] == "float32"
    found = mixed.fit(x, y, batch_size=10, epochs=8, shuffle=False, verbose=0).history["loss"]
    expected = full.fit(x, y, batch_size=10, epochs=8, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(found, expected, rtol=0.03)  # bfloat16 has 8 bits of precision: 0.4 % for each operation
    assert found[-1] < found[0]
    assert {v.dtype for v in [*mixed.weights, *mixed.metrics_variables]} == {"float32"}
    assert mixed.predict(x, verbose=0).dtype == np.float32


def test_mixed_float16_scales_the_loss_so_that_small_gradients_survive(trainable_backend):
    """The gradient 2e-8 x is below what float16 holds (6e-8); scaled by 2**15 it is not."""

    def step(policy):
        with policy_of(policy):
            model = cornu.Sequential([cornu.Input((1,)), layers.Dense(1, use_bias=False, kernel_initializer="ones")])
            model.compile(cornu.optimizers.SGD(1e4), lambda y, p: 1e-8 * ops.mean(ops.cast(p, "float32"), axis=-1))
        model.train_on_batch(np.ones((4, 1), "float32"), np.zeros((4, 1), "float32"))
        return model.get_weights()[0][0, 0]

    assert step("mixed_float16") == pytest.approx(1 - 1e-4, abs=2e-6)
    assert step("float32") == pytest.approx(1 - 1e-4, abs=1e-6)


@contextlib.contextmanager
def policy_of(name):
    before = cornu.dtype_policies.dtype_policy()
    cornu.dtype_policies.set_dtype_policy(name)
    try:
        yield
    finally:
        cornu.dtype_policies.set_dtype_policy(before)


def test_a_step_of_its_own_without_call_needs_parts_that_are_built():
    class Game(cornu.Model):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def train_step(self, data):
            return {"sum": ops.sum(self.inner(data))}

    x = np.ones((4, 3), "float32")
    game = Game(cornu.Sequential([layers.Dense(1, name="judge")]))
    game.compile(run_eagerly=True)
    with pytest.raises(NotBuiltError, match=r"(?s)Game has no `call`.*'judge'.*Begin\seach with `Input\(shape\)`"):
        game.fit(x, verbose=0)
    game = Game(cornu.Sequential([cornu.Input((3,)), layers.Dense(1, kernel_initializer="ones")]))
    game.compile(run_eagerly=True)
    assert game.fit(x, verbose=0).history == {"sum": [12.0]}
