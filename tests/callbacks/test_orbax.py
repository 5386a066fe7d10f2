"""Checkpoints in Orbax's format, read with Orbax."""

import sys

import numpy as np
import pytest

import cornu
from cornu.callbacks import LambdaCallback, OrbaxCheckpoint
from cornu.errors import ArgumentError, BackendError, SavingError, ShapeError

orbax = pytest.importorskip("orbax.checkpoint.experimental.v1")

X = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
Y = X.sum(1, keepdims=True)


def made(units=2):
    model = cornu.Sequential(
        [
            cornu.Input((3,)),
            cornu.layers.Dense(units, name="a"),
            cornu.layers.Dropout(0.1),
            cornu.layers.Dropout(0.1),
            cornu.layers.Dense(1, name="b"),
        ]
    )
    model.compile("adam", "mse", metrics=["mae"])
    return model


def read(folder, step):
    return orbax.training.Checkpointer(str(folder)).load_checkpointables(step)


def steps(folder):
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())


def test_what_a_checkpoint_holds(trainable_backend, tmp_path):
    model = made()
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=[OrbaxCheckpoint(tmp_path)])
    assert steps(tmp_path) == [1]
    content = read(tmp_path, 1)
    pytree = content["pytree"]
    np.testing.assert_array_equal(pytree["trainable_variables"]["a"]["kernel"], model.get_weights()[0])
    np.testing.assert_array_equal(pytree["trainable_variables"]["b"]["bias"], model.get_weights()[3])
    assert len(pytree["non_trainable_variables"]) == 2  # two seeds
    assert int(pytree["optimizer_variables"]["adam"]["iteration"]) == 4
    assert set(pytree["metrics_variables"]) == {"loss", "mae"}
    again = cornu.models.model_from_json(content["model_config"]["config"])
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]


def test_restored(tmp_path):
    model, checkpoint = made(), OrbaxCheckpoint(tmp_path, max_to_keep=None)
    model.fit(X, Y, batch_size=8, epochs=3, verbose=0, callbacks=[checkpoint])
    wanted = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
    other = made()
    other.train_on_batch(X, Y)
    OrbaxCheckpoint(tmp_path).restore(other)
    for ours, theirs in zip((*other.variables, *other.optimizer.variables), wanted, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs)
    OrbaxCheckpoint(tmp_path).restore(other, step=0)
    assert int(other.optimizer.iterations) == 2
    with pytest.raises(SavingError, match=r"must be a checkpoint 7 in .*there are \[0, 1, 2\]"):
        OrbaxCheckpoint(tmp_path).restore(other, step=7)
    with pytest.raises(ShapeError, match=r"(?s)must have the same variables; they\sdiffer in .*a/kernel"):
        OrbaxCheckpoint(tmp_path).restore(made(units=3))


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ({"max_to_keep": 2}, [2, 3]),
        ({"max_to_keep": None, "save_on_background": False}, [0, 1, 2, 3]),
        ({"save_freq": 3, "max_to_keep": None}, [3, 6]),
        ({"save_freq": 3, "max_to_keep": 1}, [6]),
        ({"monitor": "loss", "save_best_only": True, "max_to_keep": None}, [0, 2]),
        ({"monitor": "loss", "save_best_only": True, "max_to_keep": None, "mode": "max"}, [0, 1]),
        ({"monitor": "loss", "save_best_only": True, "max_to_keep": None, "initial_value_threshold": 0.7}, [2]),
    ],
    ids=str,
)
def test_which_are_kept(arguments, wanted, tmp_path):
    model = made()
    losses = [1.0, 2.0, 0.5, 0.75]
    scripted = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(loss=losses[epoch]))
    model.fit(X, Y, batch_size=8, epochs=4, verbose=0, callbacks=[scripted, OrbaxCheckpoint(tmp_path, **arguments)])
    assert steps(tmp_path) == wanted


def test_weights_alone(tmp_path):
    made().fit(X, Y, verbose=0, callbacks=[OrbaxCheckpoint(tmp_path, save_weights_only=True)])
    content = read(tmp_path, 0)
    assert set(content) == {"pytree"}
    assert set(content["pytree"]) == {"trainable_variables", "non_trainable_variables"}
    other = made()
    OrbaxCheckpoint(tmp_path).restore(other)
    np.testing.assert_array_equal(other.get_weights()[0], content["pytree"]["trainable_variables"]["a"]["kernel"])


def test_a_second_run_replaces_checkpoints_of_the_same_name(tmp_path):
    for _ in range(2):
        model = made()
        model.fit(X, Y, verbose=0, callbacks=[OrbaxCheckpoint(tmp_path)])
    np.testing.assert_array_equal(read(tmp_path, 0)["pytree"]["trainable_variables"]["a"]["kernel"], model.get_weights()[0])


def test_a_second_run_goes_on_numbering_after_later_checkpoints(tmp_path):
    for epochs in (4, 2):
        model = made()
        model.fit(X, Y, epochs=epochs, verbose=0, callbacks=[OrbaxCheckpoint(tmp_path)])
    assert steps(tmp_path) == [5]
    other = made()
    other.train_on_batch(X, Y)
    OrbaxCheckpoint(tmp_path).restore(other)
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])
    model.fit(X, Y, epochs=8, initial_epoch=6, verbose=0, callbacks=[OrbaxCheckpoint(tmp_path, max_to_keep=None)])
    assert steps(tmp_path) == [5, 6, 7]


def test_folders_of_others_are_refused_and_stay(tmp_path):
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "thesis.txt").write_text("years")
    (tmp_path / "notes").mkdir()
    with pytest.raises(ArgumentError, match=r"(?s)must be a checkpoint, and in\s.*'0' is none\.\sGive a\sdirectory"):
        made().fit(X, Y, epochs=2, verbose=0, callbacks=[OrbaxCheckpoint(tmp_path)])
    assert (tmp_path / "0" / "thesis.txt").read_text() == "years"
    assert steps(tmp_path) == [0]
    with pytest.raises(ArgumentError, match="directory must lie in folders"):
        OrbaxCheckpoint(tmp_path / "0" / "thesis.txt" / "runs")


@pytest.mark.parametrize("most", [0, True, "all"])
def test_numbers_out_of_range(most, tmp_path):
    with pytest.raises(ArgumentError, match="max_to_keep must be a number of checkpoints above 0"):
        OrbaxCheckpoint(tmp_path, max_to_keep=most)


def test_without_the_package(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "orbax.checkpoint.experimental.v1", None)
    with pytest.raises(BackendError, match=r"needs the package 'orbax-checkpoint'.*pip install 'cornu\[orbax\]'"):
        OrbaxCheckpoint(tmp_path)
