"""Whatever goes wrong in fit, evaluate or predict, the weights are those of the last completed step, and the model predicts and trains on."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import DataError, NonFiniteError
from cornu.state import Variable

ROOT = Path(__file__).resolve().parents[2]
RNG = np.random.default_rng(11)
X = RNG.random((32, 4), dtype="float32")
Y = RNG.random((32, 1), dtype="float32")
BATCHES = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 32, 8)]


def network(*more, optimizer="adam", **how):
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(6, "relu", name="first"), *more, layers.Dense(1, name="last")])
    model.compile(optimizer, "mse", **how)
    return model


def everything(model):
    """All that a training step changes but for metrics: weights, statistics, seeds, slots, counters."""
    return [v.numpy().copy() for v in (*model.variables, *model.optimizer.variables)]


def put_back(model, values):
    for variable, value in zip((*model.variables, *model.optimizer.variables), values, strict=True):
        variable.assign(value)


def after_steps(model, batches, *, fitted=False):
    """What the model is after these steps, worked out by the same compiled program (`fit` over arrays has one of its own); then it is put
    back to where it began, slots zero."""
    weights = [v.numpy().copy() for v in model.variables]
    model.train_on_batch(*BATCHES[0])  # makes the slots
    start = [*weights, *(v.numpy() if "learning_rate" in v.path else np.zeros_like(v.numpy()) for v in model.optimizer.variables)]
    put_back(model, start)
    if fitted:
        model.fit(*map(np.concatenate, zip(*batches, strict=True)), batch_size=8, shuffle=False, verbose=0)
    for batch in () if fitted else batches:
        model.train_on_batch(*batch)
    expected = everything(model)
    put_back(model, start)
    return expected


def same(model, expected):
    for ours, theirs in zip(everything(model), expected, strict=True):
        assert ours.tobytes() == theirs.tobytes()


def goes_on(model):
    """It predicts, evaluates and trains."""
    assert np.isfinite(model.predict(X, verbose=0)).all()
    assert np.isfinite(model.evaluate(X, Y, verbose=0, return_dict=True)["loss"])
    assert np.isfinite(model.fit(X, Y, batch_size=8, verbose=0).history["loss"]).all()


class BrokenError(Exception):
    """What a user's code raises."""


class RaisesAt(cornu.callbacks.Callback):
    def __init__(self, hook, when=0):
        super().__init__()
        self.count = 0

        def raises(*args):
            self.count += 1
            if self.count > when:
                raise BrokenError(hook)

        setattr(self, hook, raises)


# --- exceptions -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hook", "when", "steps"),
    [
        ("on_train_begin", 0, 0),
        ("on_epoch_begin", 0, 0),
        ("on_train_batch_begin", 2, 2),
        ("on_train_batch_end", 1, 2),
        ("on_test_begin", 0, 4),
        ("on_test_batch_end", 0, 4),
        ("on_epoch_end", 0, 4),
        ("on_train_end", 0, 4),
    ],
)
def test_a_callback_raises(hook, when, steps, trainable_backend):
    model = network(layers.Dropout(0.5, seed=3))
    expected = after_steps(model, BATCHES[:steps])
    with pytest.raises(BrokenError, match=hook):
        model.fit(X, Y, batch_size=8, shuffle=False, validation_data=(X, Y), callbacks=[RaisesAt(hook, when)], verbose=0)
    same(model, expected)
    if steps:
        goes_on(model)


def test_a_generator_raises(trainable_backend):
    def batches():
        yield from BATCHES[:3]
        raise BrokenError("no more")

    model = network()
    expected = after_steps(model, BATCHES[:3])
    with pytest.raises(BrokenError, match="no more"):
        model.fit(batches(), steps_per_epoch=4, verbose=0)
    same(model, expected)
    goes_on(model)


def test_a_data_set_raises_in_a_worker(trainable_backend):
    class Breaks(cornu.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            if index == 2:
                raise BrokenError("batch 2")
            return BATCHES[index]

    model = network()
    expected = after_steps(model, BATCHES[:2])
    with pytest.raises(BrokenError, match="batch 2"):
        model.fit(Breaks(workers=2), shuffle=False, verbose=0)
    same(model, expected)
    goes_on(model)


@pytest.mark.parametrize("bad", [(X[:8], Y[:8].repeat(3, 1)), (X[:8, :2], Y[:8]), ({"x": X[:8]}, Y[:8]), (X[:8], None), (X[:8], Y[:5])])
def test_a_bad_batch_midway(bad, trainable_backend):
    model = network()
    expected = after_steps(model, BATCHES[:2])
    with pytest.raises(ValueError, match=r"\w"):
        model.fit(iter([*BATCHES[:2], bad]), steps_per_epoch=3, verbose=0)
    same(model, expected)
    goes_on(model)


def test_validation_from_a_generator_raises_after_the_steps(trainable_backend):
    model = network()
    expected = after_steps(model, BATCHES)
    with pytest.raises(DataError):
        model.fit(X, Y, batch_size=8, shuffle=False, validation_data=iter([(X[:8], np.array(["a"] * 8))]), verbose=0)
    same(model, expected)
    goes_on(model)


class Breakable(layers.Layer):
    """A layer whose code raises where it is told to."""

    broken = False

    def call(self, inputs, training=False):
        if Breakable.broken:
            raise BrokenError("in call")
        return inputs * 2.0


def test_a_layer_raises_in_the_step(trainable_backend):
    model = network(Breakable())
    start = after_steps(model, [])
    model.fit(X, Y, batch_size=8, verbose=0)
    put_back(model, start)
    Breakable.broken = True
    try:
        for call in (
            lambda: model.fit(X, Y, batch_size=5, verbose=0),
            lambda: model.evaluate(X, Y, batch_size=5, verbose=0),
            lambda: model.predict(X[:7], verbose=0),
        ):
            with pytest.raises(BrokenError, match="in call"):
                call()
    finally:
        Breakable.broken = False
    same(model, start)
    goes_on(model)


@pytest.mark.parametrize("call", ["evaluate", "predict"])
def test_a_callback_raises_outside_fit(call, backend):
    model = network()
    before = model.get_weights()
    hook = "on_test_batch_end" if call == "evaluate" else "on_predict_batch_end"
    data = (X, Y) if call == "evaluate" else (X,)
    with pytest.raises(BrokenError, match=hook):
        getattr(model, call)(*data, callbacks=[RaisesAt(hook)], verbose=0)
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert np.isfinite(model.predict(X, verbose=0)).all()


def test_a_prediction_that_is_refused_ends_its_workers(backend):
    class Wide(cornu.utils.PyDataset):
        def __len__(self):
            return 8

        def __getitem__(self, index):
            return (np.zeros((4, 7), "float32"),)

    model, before = network(), set(threading.enumerate())
    with pytest.raises(cornu.errors.ShapeError) as caught:
        model.predict(Wide(workers=4), verbose=0)
    assert caught.value.__traceback__ is not None  # which holds what the loop held
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert set(threading.enumerate()) <= before


# --- numbers that are not finite --------------------------------------------------------------------------------------------


def poisoned(at, value=np.nan):
    x = X.copy()
    x[at, 1] = value
    return x


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_in_x_stops_before_that_step(value, trainable_backend):
    model = network(layers.Dropout(0.5, seed=3), layers.BatchNormalization())
    expected = after_steps(model, BATCHES[:2], fitted=True)
    with pytest.raises(NonFiniteError) as caught:
        model.fit(poisoned(20, value), Y, batch_size=8, shuffle=False, epochs=3, verbose=0)
    same(model, expected)
    text = str(caught.value)
    assert "step 3 of epoch 1" in text
    assert "1 of the 32 numbers in x" in text
    assert "[4, 1]" in text
    assert max(map(len, text.split("\n"))) <= 140
    goes_on(model)


class Poison(layers.Layer):
    """The square root of what is negative somewhere in batch 2."""

    def call(self, inputs):
        return cornu.ops.sqrt(inputs - 0.0)


class Subclassed(cornu.Model):
    def __init__(self):
        super().__init__()
        self.root, self.last = Poison(name="root"), layers.Dense(1, name="last")

    def call(self, inputs):
        return self.last(self.root(inputs))


def from_parts(kind):
    root = Poison(name="root")
    if kind == "sequential":
        model = cornu.Sequential([cornu.Input((4,)), root, layers.Dense(1)])
    elif kind == "functional":
        x = cornu.Input((4,))
        model = cornu.Model(x, layers.Dense(1)(root(x)))
    elif kind == "inner":
        x = cornu.Input((4,))
        model = cornu.Sequential([cornu.Input((4,)), cornu.Model(x, root(x)), layers.Dense(1)])
    else:
        model = Subclassed()
    model.compile("adam", "mse")
    return model


@pytest.mark.parametrize("kind", ["sequential", "functional", "inner", "subclass"])
def test_the_first_layer_that_made_a_nan_is_named(kind, trainable_backend):
    model = from_parts(kind)
    with pytest.raises(NonFiniteError) as caught:
        model.fit(poisoned(10, -1.0), Y, batch_size=8, shuffle=False, verbose=0)
    assert "layer 'root'" in str(caught.value)
    assert "step 2 of epoch 1" in str(caught.value)
    assert int(model.optimizer.iterations) == 1


def test_a_weight_that_is_not_finite_is_named(trainable_backend):
    model = network()
    model.layers[1].kernel.assign(model.layers[1].kernel.numpy() * np.nan)
    with pytest.raises(NonFiniteError, match=r"'last'.*kernel"):
        model.fit(X, Y, verbose=0)


def test_an_overflow_of_the_loss_is_told_from_that_of_a_layer(trainable_backend):
    model = network(optimizer="sgd")
    with pytest.raises(NonFiniteError, match="loss or a gradient overflowed"):
        model.fit(X, Y * 3e30, verbose=0)


def test_nan_in_targets_and_in_a_later_epoch(trainable_backend):
    model = network()
    expected = after_steps(model, [*BATCHES, *BATCHES[:1]])

    class Spoils(cornu.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                targets[9] = np.nan

    targets = Y.copy()
    with pytest.raises(NonFiniteError, match=r"step 2 of epoch 2[\s\S]*in y of that batch"):
        model.fit(X, targets, batch_size=8, shuffle=False, epochs=2, callbacks=[Spoils()], verbose=0)
    same(model, expected)


@pytest.mark.parametrize("way", ["arrays", "generator", "callback"])
def test_an_infinite_metric_stops_nothing(way, trainable_backend):
    model = network(metrics=[lambda y, p: cornu.ops.log(y * 0)])
    callbacks = [RaisesAt("on_train_batch_end", 99)] if way == "callback" else []
    data = (iter(BATCHES),) if way == "generator" else (X, Y)
    logs = model.fit(*data, callbacks=callbacks, verbose=0).history
    assert -np.inf in [values[0] for values in logs.values()]
    assert np.isfinite(logs["loss"])
    with pytest.raises(NonFiniteError, match="step 1 of epoch 1"):  # with the metric at infinity, what matters is still seen
        model.fit(poisoned(0), Y, batch_size=8, shuffle=False, verbose=0)


@pytest.mark.parametrize("group", [1, 3])
def test_steps_that_are_not_finite_can_be_left_out(group, trainable_backend):
    model = network(on_nonfinite="skip", steps_per_execution=group)
    expected = after_steps(model, [BATCHES[0], BATCHES[1], BATCHES[3]])
    history = model.fit(poisoned(20), Y, batch_size=8, shuffle=False, verbose=0).history
    same(model, expected)
    assert np.isfinite(history["loss"]).all()


def test_several_steps_at_a_time_stop_at_the_same_weights(trainable_backend):
    model = network(steps_per_execution=4)
    expected = after_steps(model, BATCHES[:2])
    with pytest.raises(NonFiniteError, match="step 3 of epoch 1"):
        model.fit(poisoned(20), Y, batch_size=8, shuffle=False, epochs=3, verbose=0)
    same(model, expected)


def test_nan_on_a_single_batch(trainable_backend):
    model = network()
    expected = after_steps(model, [])
    with pytest.raises(NonFiniteError, match="numbers in x"):
        model.train_on_batch(poisoned(3)[:8], Y[:8])
    same(model, expected)
    goes_on(model)


# --- Ctrl-C -----------------------------------------------------------------------------------------------------------------

INTERRUPTED = """
    import sys
    import numpy as np
    import cornu
    from cornu import layers

    x, y = np.random.default_rng(1).random((16, 4), dtype="float32"), np.ones((16, 1), "float32")

    def network():
        model = cornu.Sequential([cornu.Input((4,)), layers.Dense(6, "tanh"), layers.Dense(1)])
        model.compile("adam", "mse", metrics=["mae"])
        return model

    model, twin = network(), network()
    model.train_on_batch(x, y)  # the rounds are about training, not about compiling
    twin.set_weights(model.get_weights())
    twin.optimizer.build(twin.trainable_variables)
    twin.optimizer.set_weights([v.numpy() for v in model.optimizer.variables])
    interrupts = 0
    for n in range(int(sys.argv[1])):
        try:
            print("go", flush=True)
            model.fit(x, y, batch_size=16, epochs=1_000_000, shuffle=False, verbose=0, validation_data=(x, y) if n % 2 else None)
        except KeyboardInterrupt:
            interrupts += 1
        while int(twin.optimizer.iterations) < int(model.optimizer.iterations):
            twin.train_on_batch(x, y)
        for ours, theirs in zip((*model.variables, *model.optimizer.variables), (*twin.variables, *twin.optimizer.variables)):
            assert ours.numpy().tobytes() == theirs.numpy().tobytes(), (n, ours.path)
        assert np.isfinite(model.predict(x, verbose=0)).all()
    print("done", interrupts, int(model.optimizer.iterations), flush=True)
"""


@pytest.mark.parametrize("rounds", [8, pytest.param(40, marks=pytest.mark.long)])
@pytest.mark.parametrize("backend_name", ["jax", "torch"])
def test_ctrl_c_at_random_moments(backend_name, rounds, tmp_path):
    script = tmp_path / "interrupted.py"
    script.write_text(textwrap.dedent(INTERRUPTED))
    moments = random.Random(5)
    environment = {**os.environ, "CORNU_BACKEND": backend_name, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, str(script), str(rounds)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as child:
        try:
            for _ in range(rounds):
                line = child.stdout.readline()
                if line != "go\n":
                    break
                try:
                    child.wait(0.01 + moments.random() * 0.15)
                except subprocess.TimeoutExpired:
                    child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=120)
        finally:
            child.kill()  # or, had it missed one, the block would wait for it for ever
    assert child.returncode == 0, err
    done, interrupts, steps = out.split()[-3:]
    assert (done, int(interrupts)) == ("done", rounds), err
    assert int(steps) > rounds


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_in_a_step_waits_for_its_end(times, trainable_backend):
    class Interrupts(layers.Layer):
        armed = False

        def call(self, inputs):
            if Interrupts.armed:
                for _ in range(times):
                    signal.raise_signal(signal.SIGINT)
            return inputs

    model = network(Interrupts())
    expected = after_steps(model, [BATCHES[0]])
    model.compile(model.optimizer, "mse")  # has the step made anew, with the layer armed
    Interrupts.armed = True
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    Interrupts.armed = False
    same(model, expected)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    goes_on(model)


def test_a_users_own_handler_is_called_between_steps_and_put_back(trainable_backend):
    model, seen = network(), []
    handler = lambda number, frame: seen.append(number)  # noqa: E731
    before = signal.signal(signal.SIGINT, handler)
    try:

        class Sends(cornu.callbacks.Callback):
            def on_train_batch_begin(self, batch, logs=None):
                if batch == 1:
                    signal.raise_signal(signal.SIGINT)

        model.fit(X, Y, batch_size=8, callbacks=[Sends()], verbose=0)
        assert seen == [signal.SIGINT]
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert int(model.optimizer.iterations) == 4


# --- freezing -----------------------------------------------------------------------------------------------------------------


def slots_of(model, layer):
    return [v.numpy().copy() for v in model.optimizer.variables if any(w.path.replace("/", "_") in v.path for w in layer.weights)]


def test_freezing_between_steps_takes_effect_on_the_next_and_keeps_the_slots(trainable_backend):
    model = network()
    first, last = model.layers
    model.train_on_batch(*BATCHES[0])
    first.trainable = False
    kernel, slots = first.kernel.numpy(), slots_of(model, first)
    assert any(np.any(slot) for slot in slots)
    other = last.kernel.numpy()
    model.train_on_batch(*BATCHES[1])
    np.testing.assert_array_equal(first.kernel.numpy(), kernel)
    assert np.any(last.kernel.numpy() != other)
    for now, then in zip(slots_of(model, first), slots, strict=True):
        np.testing.assert_array_equal(now, then)
    first.trainable = True
    model.train_on_batch(*BATCHES[2])
    assert np.any(first.kernel.numpy() != kernel)
    assert int(model.optimizer.iterations) == 3


def test_freezing_between_fits_and_by_a_callback(trainable_backend):
    model = network()
    first, last = model.layers
    seen = []

    class Freezes(cornu.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                last.trainable = False
            seen.append(last.kernel.numpy().copy())

    model.fit(X, Y, batch_size=8, shuffle=False, callbacks=[Freezes()], verbose=0)
    assert np.any(seen[0] != seen[1])
    np.testing.assert_array_equal(seen[1], seen[3])
    before = first.kernel.numpy()
    model.fit(X, Y, batch_size=8, verbose=0)
    np.testing.assert_array_equal(last.kernel.numpy(), seen[3])
    assert np.any(first.kernel.numpy() != before)


def test_a_step_after_freezing_is_that_of_a_model_frozen_from_the_start(trainable_backend):
    model, twin = network(optimizer="sgd"), network(optimizer="sgd")
    model.train_on_batch(*BATCHES[0])
    twin.set_weights(model.get_weights())
    for one in (model, twin):
        one.layers[0].trainable = False
        one.train_on_batch(*BATCHES[1])
    for ours, theirs in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_everything_frozen(trainable_backend):
    model = network(layers.BatchNormalization())
    model.train_on_batch(*BATCHES[0])
    before = model.get_weights()
    model.trainable = False
    assert np.isfinite(model.train_on_batch(*BATCHES[1]))
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    model.trainable = True
    model.train_on_batch(*BATCHES[1])
    assert any(np.any(ours != theirs) for ours, theirs in zip(model.get_weights(), before, strict=True))


def test_a_frozen_batch_normalization_keeps_its_statistics(trainable_backend):
    normalization = layers.BatchNormalization(momentum=0.5)
    model = network(normalization)
    model.train_on_batch(*BATCHES[0])
    mean, variance = normalization.moving_mean.numpy(), normalization.moving_variance.numpy()
    assert np.any(mean != 0)
    normalization.trainable = False
    model.fit(X, Y, batch_size=8, verbose=0)
    np.testing.assert_array_equal(normalization.moving_mean.numpy(), mean)
    np.testing.assert_array_equal(normalization.moving_variance.numpy(), variance)
    normalization.trainable = True
    model.train_on_batch(*BATCHES[1])
    assert np.any(normalization.moving_mean.numpy() != mean)


def test_the_steps_variables_are_sought_anew_only_when_something_changed(trainable_backend):
    model = network()
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    step = model._program_("train")
    made = step.compilations
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    assert step.compilations == made
    Variable(0.0)  # a variable made elsewhere changes nothing here
    model.fit(X, Y, batch_size=8, verbose=0)
    assert step.compilations == made
