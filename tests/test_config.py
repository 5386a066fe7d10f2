"""Settings of the process: what they change, and what they refuse."""

import logging
import traceback

import numpy as np
import pytest

import cornu
from cornu import config, layers
from cornu.errors import ArgumentError


@pytest.fixture(autouse=True)
def _as_before():
    before = dict(config._settings)
    yield
    config._settings.update(before)


@pytest.fixture
def model(trainable_backend):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    return model


X, Y = np.ones((20, 3), "float32"), np.ones((20, 1), "float32")


class Steps(cornu.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(batch)

    on_test_batch_end = on_train_batch_end


def test_epochs_and_steps_are_limited(model):
    config.set_max_epochs(2)
    config.set_max_steps_per_epoch(3)
    steps, tested = Steps(), Steps()
    history = model.fit(X, Y, batch_size=2, epochs=9, verbose=0, callbacks=[steps])
    model.evaluate(X, Y, batch_size=2, verbose=0, callbacks=[tested])
    assert (len(history.epoch), steps.seen, tested.seen) == (2, [0, 1, 2] * 2, [0, 1, 2])
    assert model.predict(X, batch_size=2, verbose=0).shape == (6, 1)
    assert model.fit(X, Y, epochs=9, initial_epoch=5, verbose=0).epoch == [5, 6]


def test_limits_come_from_the_environment_until_they_are_set(monkeypatch):
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "3")
    assert config.max_epochs() == 3
    monkeypatch.setenv("CORNU_MAX_EPOCHS", "2")
    assert config.max_epochs() == 2
    config.set_max_epochs(None)
    assert config.max_epochs() is None
    monkeypatch.setenv("CORNU_MAX_STEPS_PER_EPOCH", "many")
    with pytest.raises(ArgumentError, match="MAX_STEPS_PER_EPOCH must be a whole number"):
        config.max_steps_per_epoch()


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3"])
def test_limits_are_whole_numbers_above_0(value):
    with pytest.raises(ArgumentError, match="whole number above 0"):
        config.set_max_epochs(value)


def test_progress_goes_to_the_logger(model, capsys, caplog):
    config.disable_interactive_logging()
    assert not config.is_interactive_logging_enabled()
    with caplog.at_level(logging.INFO, logger="cornu"):
        model.fit(X, Y, epochs=2)
    assert capsys.readouterr().out == ""
    assert [r.message[:9] for r in caplog.records] == ["Epoch 1/2", "Epoch 2/2"]
    config.enable_interactive_logging()
    model.fit(X, Y, epochs=1)
    assert "Epoch 1/1" in capsys.readouterr().out


def frames_of(model):
    with pytest.raises(ArgumentError) as caught:
        model.fit(X, Y, epochs="two")
    return [
        frame.filename.rpartition("/cornu/")[2] for frame in traceback.extract_tb(caught.value.__traceback__) if "/cornu/" in frame.filename
    ]


def test_tracebacks_without_inner_frames(model):
    config.disable_traceback_filtering()
    assert len(frames_of(model)) > 2
    config.enable_traceback_filtering()
    assert frames_of(model) == ["training/trainer.py", "training/loop.py"]  # where it was called, where it was raised


def test_frames_of_the_users_own_stay(trainable_backend):
    class Faulty(cornu.Model):
        def call(self, x):
            raise KeyError("mine")

    model = Faulty()
    model.compile("sgd", "mse", run_eagerly=True)
    config.enable_traceback_filtering()
    with pytest.raises(KeyError) as caught:
        model.fit(X, Y, verbose=0)
    assert "call" in [frame.name for frame in traceback.extract_tb(caught.value.__traceback__) if frame.filename == __file__]


def test_attention_honours_the_switch(backend):
    q = np.ones((1, 2, 1, 4), "float32")
    assert config.is_flash_attention_enabled() is None
    config.enable_flash_attention()
    with pytest.raises(ArgumentError, match="fused kernel"):
        cornu.ops.dot_product_attention(q, q, q[..., :2])  # PyTorch's want values as long as keys
    assert cornu.ops.dot_product_attention(q, q, q, flash_attention=False).shape == (1, 2, 1, 4)
    config.disable_flash_attention()
    assert cornu.ops.dot_product_attention(q, q, q).shape == (1, 2, 1, 4)


def test_code_in_files_stays_refused():
    with pytest.warns(UserWarning, match="changes nothing"):
        config.enable_unsafe_deserialization()


def test_settings_of_other_rooms_are_found_here(backend):
    assert config.backend() == backend
    assert config.dtype_policy() == cornu.DTypePolicy("float32")
    assert config.is_nnx_enabled() is False
    with pytest.raises(AttributeError, match="no_such_setting"):
        config.no_such_setting  # noqa: B018
