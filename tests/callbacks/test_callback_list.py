"""Hooks reach those that write them, in order, and cost nothing where nobody does."""

import json
import time

import numpy as np
import pytest

from cornu.callbacks import (
    Callback,
    CallbackList,
    EarlyStopping,
    History,
    LambdaCallback,
    ModelCheckpoint,
    ProgbarLogger,
    ReduceLROnPlateau,
)
from cornu.callbacks.callback import HOOKS
from cornu.errors import ArgumentError, ConfigError


class Model:
    stop_training = False
    metrics = ()


class Unread(dict):
    """Logs that must not be looked at."""

    def __getitem__(self, name):
        raise AssertionError("somebody looked")

    __iter__ = __len__ = keys = values = items = get = copy = lambda self, *args: self[""]


def test_logs_are_handed_on_as_they_are_and_not_looked_at():
    seen, logs = [], Unread()
    told = CallbackList(
        [LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs))], add_history=True, add_progbar=True, verbose=2
    )
    told.on_train_batch_end(0, logs)
    told.on_test_batch_end(0, logs)
    assert seen[0] is logs


def test_without_logs_hooks_get_an_empty_dict():
    seen = []
    told = CallbackList([LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append((epoch, logs)), on_train_begin=seen.append)])
    told.on_train_begin()
    told.on_epoch_begin(3)
    assert seen == [{}, (3, {})]


def test_hooks_that_nobody_writes_cost_next_to_nothing():
    told = CallbackList([EarlyStopping("loss"), ModelCheckpoint("m.keras"), History()])
    best = np.inf
    for _ in range(10):
        begun = time.perf_counter()
        for batch in range(1000):
            told.on_test_batch_end(batch, None)
        best = min(best, (time.perf_counter() - begun) / 1000)
    assert best < 1e-6


def test_who_wants_batches():
    assert not CallbackList([EarlyStopping(), History()], add_progbar=True).wants_batches
    assert not CallbackList([ProgbarLogger()]).wants_batches
    assert CallbackList([LambdaCallback(on_train_batch_end=print)]).wants_batches
    assert CallbackList([type("Old", (Callback,), {"on_batch_end": lambda self, batch, logs=None: None})()], add_progbar=True).wants_batches


def test_the_old_names_of_batch_hooks():
    seen = []
    body = {
        "on_batch_begin": lambda self, batch, logs=None: seen.append(batch),
        "on_batch_end": lambda self, batch, logs=None: seen.append(-batch),
    }
    told = CallbackList([type("Old", (Callback,), body)()])
    told.on_train_batch_begin(1)
    told.on_train_batch_end(1)
    told.on_batch_begin(2)
    told.on_batch_end(2)
    assert seen == [1, -1, 2, -2]


def test_hooks_set_on_an_object_before_the_run_are_heard():
    callback, seen = Callback(), []
    told = CallbackList([callback])
    callback.on_epoch_end = lambda epoch, logs: seen.append(epoch)
    told.on_train_begin()
    told.on_epoch_end(5)
    assert seen == [5]


def test_callbacks_know_model_and_parameters():
    model, callback = Model(), Callback()
    assert (callback.model, callback.params) == (None, {})
    told = CallbackList(callback, add_history=True, model=model, epochs=3, steps=7, verbose=0)
    assert callback.model is model
    assert callback.params == {"epochs": 3, "steps": 7, "verbose": 0}
    assert isinstance(model.history, History)
    assert [type(c).__name__ for c in told] == ["Callback", "History"]


def test_a_subclass_that_forgets_the_base_constructor_works():
    class Forgetful(Callback):
        def __init__(self):
            self.epochs = []

        def on_epoch_end(self, epoch, logs=None):
            self.epochs.append((epoch, self.params["epochs"]))

    callback = Forgetful()
    CallbackList([callback], epochs=3).on_epoch_end(1)
    assert callback.epochs == [(1, 3)]


def test_a_history_or_bar_of_the_users_own_is_not_doubled():
    told = CallbackList([History(), ProgbarLogger(), [Callback()]], add_history=True, add_progbar=True)
    assert [type(c).__name__ for c in told] == ["History", "ProgbarLogger", "Callback"]


def test_appended_callbacks_are_heard():
    seen, told = [], CallbackList()
    told.append(LambdaCallback(on_predict_end=seen.append))
    told.on_predict_end({"x": 1})
    assert seen == [{"x": 1}]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [(EarlyStopping, r"got the class EarlyStopping. Write `EarlyStopping\(...\)`"), (print, "LambdaCallback"), (3, "Derive its class")],
)
def test_what_is_no_callback(wrong, says):
    with pytest.raises(ArgumentError, match=says):
        CallbackList([wrong])


def test_lambda_callback_takes_every_hook_and_no_other_name():
    seen = []
    told = CallbackList([LambdaCallback(**{hook: (lambda *args, hook=hook: seen.append(hook)) for hook in HOOKS})])
    for hook in HOOKS:
        getattr(told, hook)(*([0] if "batch" in hook or "epoch" in hook else []))
    assert seen == list(HOOKS)
    with pytest.raises(ArgumentError, match=r"got 'on_epoch_ends'. Did you mean .*'on_epoch_end'"):
        LambdaCallback(on_epoch_ends=print)
    with pytest.raises(ArgumentError, match="on_epoch_end must be a function, got 3"):
        LambdaCallback(on_epoch_end=3)


# --- state ------------------------------------------------------------------------------------------------------------


class Optimizer:
    learning_rate = 0.1


class Trainee(Model):
    """Its weight is the last loss it saw; callbacks may restore it."""

    def __init__(self):
        self.weight, self.optimizer = np.zeros(2), Optimizer()
        self.saved = []

    def get_weights(self):
        return [self.weight]

    def set_weights(self, weights):
        self.weight = np.array(weights[0])

    def save(self, path, overwrite=True):
        self.saved.append(path)


LOSSES = [5.0, 3.0, 4.0, 3.5, 3.2, 2.9, 3.3, 3.4, 3.3, 3.6, 3.7, 3.8]


def callbacks(folder):
    return [
        EarlyStopping("loss", patience=4, restore_best_weights=True),
        ReduceLROnPlateau("loss", patience=2, cooldown=1, factor=0.5),
        ModelCheckpoint(folder / "{epoch}.keras", monitor="loss", save_best_only=True),
        ModelCheckpoint(folder / "{epoch}-{batch}.keras", save_freq=5),
    ]


def epochs(told, model, numbers):
    """Runs these epochs of two batches; gives what is seen from outside after each."""
    course = []
    for epoch in numbers:
        told.on_epoch_begin(epoch)
        for batch in range(2):
            told.on_train_batch_end(batch, {"loss": LOSSES[epoch]})
        model.weight[:] = LOSSES[epoch]
        told.on_epoch_end(epoch, {"loss": LOSSES[epoch]})
        course.append((epoch, model.optimizer.learning_rate, model.stop_training, list(model.saved)))
        model.saved.clear()
        if model.stop_training:
            break
    return course


@pytest.mark.parametrize("stop", range(1, 9))
def test_a_run_resumed_after_any_epoch_goes_on_as_if_it_had_not_stopped(stop, tmp_path):
    whole, through = Trainee(), []
    told = CallbackList(callbacks(tmp_path), add_history=True, model=whole, epochs=12, steps=2)
    told.on_train_begin()
    through += epochs(told, whole, range(12))
    told.on_train_end()

    first = Trainee()
    told = CallbackList(callbacks(tmp_path), add_history=True, model=first, epochs=12, steps=2)
    told.on_train_begin()
    course = epochs(told, first, range(stop))
    state, rate = told.get_state(), first.optimizer.learning_rate
    epochs(told, first, range(stop, stop + 2))  # what comes after the state was taken must not change it

    second = Trainee()
    second.optimizer.learning_rate = rate
    resumed = CallbackList(callbacks(tmp_path), add_history=True, model=second, epochs=12, steps=2)
    resumed.on_train_begin()
    resumed.set_state(json.loads(json.dumps(state, default=np.ndarray.tolist)))
    course += epochs(resumed, second, range(stop, 12))
    resumed.on_train_end()

    assert course == through
    assert course[-1][0] == 9  # the best is epoch 5, patience 4
    assert second.history.history == whole.history.history
    assert whole.history.history["loss"] == LOSSES[:10]
    assert second.history.epoch == whole.history.epoch
    np.testing.assert_array_equal(second.weight, whole.weight)
    np.testing.assert_array_equal(second.weight, [2.9, 2.9])


def test_states_of_other_callbacks_are_refused_with_the_differences():
    state = CallbackList([EarlyStopping(), History()]).get_state()
    with pytest.raises(ConfigError, match=r"missing: \['EarlyStopping'\], new: \['ReduceLROnPlateau'\]"):
        CallbackList([ReduceLROnPlateau(), History()]).set_state(state)
    with pytest.raises(ConfigError, match="another order or number"):
        CallbackList([History(), EarlyStopping()]).set_state(state)
    with pytest.raises(ConfigError, match=r"entries .*'wait'.*, got"):
        EarlyStopping().set_state({"wait": 1})


def test_callbacks_of_other_libraries_need_no_state():
    class Foreign:
        def set_model(self, model): ...
        def set_params(self, params): ...
        def on_epoch_end(self, epoch, logs=None):
            logs["seen"] = epoch

    told, logs = CallbackList([Foreign()]), {}
    told.on_epoch_end(2, logs)
    assert logs == {"seen": 2}
    told.set_state(told.get_state())
