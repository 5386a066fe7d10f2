"""Runs that are broken off at any batch and started again end as if nothing had happened."""

import importlib.util
import os
import random
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import cornu
from cornu.callbacks import (
    BackupAndRestore,
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from cornu.errors import ArgumentError, ConfigError, CorruptFileError, NonFiniteError
from cornu.saving.run_file import read_run, write_run
from cornu.state.seed import set_random_seed
from cornu.training import resume

L = cornu.layers


@pytest.fixture(autouse=True)
def one_backend(request):
    """Tests that are not run on each backend are run on the one whose steps need no compilation, if it is there."""
    name = "torch" if importlib.util.find_spec("torch") else "jax"
    if "trainable_backend" in request.fixturenames:
        yield
    else:
        with cornu.use_backend(name):
            yield


class Broken(Exception):  # noqa: N818 - it is no error
    """What ends a run in these tests."""


class Break(Callback):
    """Ends the run after so many batches of this process."""

    def __init__(self, after):
        super().__init__()
        self.left = after

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            raise Broken


class Counting(Callback):
    """A user's own callback with a state of its own."""

    state_names = ("batches", "means")

    def on_train_begin(self, logs=None):
        self.batches, self.means = 0, {}

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1
        self.means[self.batches] = np.float32(logs["loss"])


def regression(rows=40):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(rows, 4)).astype("float32")
    return x, (x @ rng.normal(size=(4, 1)) + 0.1 * rng.normal(size=(rows, 1))).astype("float32")


def made(units=6, activation="relu", momentum=0.9, loss="mse", optimizer=None):
    set_random_seed(11)
    model = cornu.Sequential([L.Input((4,)), L.Dense(units, activation=activation), L.Dropout(0.3), L.BatchNormalization(), L.Dense(1)])
    model.compile(optimizer or cornu.optimizers.SGD(0.05, momentum=momentum), loss, metrics=["mae"])
    return model


def program(folder, broken_after=None, *, model=None, save_freq=1, epochs=4, data=None, **arguments):
    """One process's life: the whole program; gives all that it leaves behind."""
    model = model or made()
    counting = Counting()
    callbacks = [
        LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        ReduceLROnPlateau("loss", patience=1, min_delta=0.05, factor=0.5),
        EarlyStopping("loss", patience=2, restore_best_weights=True, min_delta=0.01),
        CSVLogger(folder / "log.csv"),
        ModelCheckpoint(folder / "best.weights.h5", "loss", save_best_only=True, save_weights_only=True),
        counting,
        *([] if broken_after is None else [Break(broken_after)]),
        *([] if save_freq is None else [BackupAndRestore(folder / "backup", save_freq=save_freq)]),
    ]
    x, y = data or regression()
    history = model.fit(x, y, batch_size=8, epochs=epochs, verbose=0, callbacks=callbacks, **arguments)
    return {
        "weights": [w.tobytes() for w in model.get_weights()],
        "optimizer": [v.numpy().tobytes() for v in model.optimizer.variables],
        "seeds": [v.numpy().tobytes() for v in model.variables],
        "metrics": [v.numpy().tobytes() for m in model.metrics for v in m.variables],
        "history": history.history,
        "epochs": history.epoch,
        "table": (folder / "log.csv").read_text(),
        "counted": (counting.batches, counting.means),
        "draws": (np.random.rand(), random.random()),  # noqa: NPY002 - programs draw from it
    }


def broken(folder, after, **arguments):
    with pytest.raises(Broken):
        program(folder, after, **arguments)


@pytest.fixture
def folders(tmp_path):
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    return tmp_path / "whole", tmp_path / "parts"


@pytest.mark.parametrize("breaks", [(1,), (5, 1, 6)], ids=str)
def test_broken_at_any_batch(trainable_backend, breaks, folders):
    whole, parts = folders
    wanted = program(whole, save_freq=None)
    for after in breaks:
        broken(parts, after)
        assert (parts / "backup" / "latest.run").exists() or after == 1
    assert program(parts) == wanted
    assert not (parts / "backup").exists()


@pytest.mark.parametrize(("save_freq", "breaks"), [("epoch", (7,)), (3, (8,)), (7, (8, 4)), (2, (16,))], ids=str)
def test_a_backup_every_so_often(save_freq, breaks, folders):
    whole, parts = folders
    wanted = program(whole, save_freq=None, validation_split=0.2)
    for after in breaks:
        broken(parts, after, save_freq=save_freq, validation_split=0.2)
    assert program(parts, save_freq=save_freq, validation_split=0.2) == wanted


def test_a_run_in_which_nobody_hears_of_batches(trainable_backend, tmp_path):
    def run(name, breaks=()):
        model = made()
        keeping = BackupAndRestore(tmp_path / name)
        history = model.fit(*regression(), batch_size=8, epochs=4, verbose=0, validation_split=0.2, callbacks=[*breaks, keeping])
        return [v.numpy().tobytes() for v in (*model.variables, *model.optimizer.variables)], history.history

    def breaks(epoch, logs):
        if epoch == 2:
            raise Broken

    wanted = run("whole")
    with pytest.raises(Broken):
        run("parts", [LambdaCallback(on_epoch_end=breaks)])
    assert place(tmp_path, "parts") == (2, 0)
    assert run("parts") == wanted


def test_backups_stand_where_the_argument_says(tmp_path):
    places = []
    kept = BackupAndRestore(tmp_path / "backup", save_freq=3)
    look = LambdaCallback(on_train_batch_end=lambda batch, logs: places.append(place(tmp_path)))
    look._told_last_ = True  # after the backup
    made().fit(*regression(), batch_size=8, epochs=2, verbose=0, callbacks=[kept, look])
    assert places == [None, None, (0, 3), (0, 3), (0, 3), (1, 1), (1, 1), (1, 1), (1, 4), (1, 4)]


def place(folder, name="backup"):
    path = folder / name / "latest.run"
    if not path.exists():
        return None
    facts, _ = read_run(path)
    return facts["epoch"], facts["step"]


def test_steps_that_run_together(folders):
    def together():
        model = made()
        model.compile(cornu.optimizers.SGD(0.05, momentum=0.9), "mse", metrics=["mae"], steps_per_execution=2)
        return model

    whole, parts = folders
    wanted = program(whole, model=together(), save_freq=None)
    broken(parts, 5, model=together(), save_freq=2)
    assert program(parts, model=together(), save_freq=2) == wanted


def test_an_unseeded_program_goes_on_with_its_own_order_and_weights(folders):
    """A second process draws other initial weights and another order; those of the first count."""
    whole, parts = folders
    wanted = program(whole, save_freq=None)
    broken(parts, 8)
    other = made()
    set_random_seed(99)
    other.set_weights([w + 1 for w in other.get_weights()])
    assert program(parts, model=other) == wanted


def test_a_run_that_has_ended_is_not_run_again_and_may_be_prolonged(tmp_path):
    def run(epochs, told=()):
        keeping = BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)
        model = made()
        history = model.fit(*regression(), epochs=epochs, batch_size=8, verbose=0, callbacks=[keeping, *told]).history
        return history, [w.tobytes() for w in model.get_weights()]

    def refuse(batch, logs):
        raise AssertionError("a step was run")

    first = run(2)
    assert run(2, [LambdaCallback(on_train_batch_begin=refuse)]) == first
    longer = run(4)
    for file in (tmp_path / "backup").iterdir():
        file.unlink()
    assert longer == run(4)
    assert longer[0]["loss"][:2] == first[0]["loss"]


def test_a_run_that_stopped_early_is_not_run_on(tmp_path):
    def run():
        keeping = BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)
        stopping = EarlyStopping("loss", patience=0, min_delta=1e9, restore_best_weights=True)
        model = made()
        history = model.fit(*regression(), epochs=9, batch_size=8, verbose=0, callbacks=[stopping, keeping])
        return history.epoch, [w.tobytes() for w in model.get_weights()]

    first = run()
    assert first[0] == [0, 1]
    assert run() == first


def test_a_run_broken_in_validation_goes_on_with_it(folders):
    whole, parts = folders
    wanted = program(whole, save_freq=None, validation_split=0.2)

    def breaking(logs):
        raise Broken

    model, x_y = made(), regression()
    with pytest.raises(Broken):
        model.fit(
            *x_y, batch_size=8, epochs=4, verbose=0, validation_split=0.2,
            callbacks=[
                LearningRateScheduler(lambda epoch, rate: rate * 0.9), ReduceLROnPlateau("loss", patience=1, min_delta=0.05, factor=0.5),
                EarlyStopping("loss", patience=2, restore_best_weights=True, min_delta=0.01), CSVLogger(parts / "log.csv"),
                ModelCheckpoint(parts / "best.weights.h5", "loss", save_best_only=True, save_weights_only=True), Counting(),
                LambdaCallback(on_test_begin=breaking), BackupAndRestore(parts / "backup", save_freq=4),
            ],
        )  # fmt: skip
    assert place(parts) == (0, 4)  # all of the epoch's steps
    assert program(parts, save_freq=4, validation_split=0.2) == wanted


# --- kinds of data ----------------------------------------------------------------------------------------------------


def batches(count=5):
    x, y = regression(8 * count)
    return [(x[i : i + 8], y[i : i + 8]) for i in range(0, 8 * count, 8)]


def noisy(state=None):
    """An endless generator that draws from NumPy's global generator."""
    while True:
        for x, y in batches():
            yield x + np.random.normal(size=x.shape).astype("float32") * 0.1, y  # noqa: NPY002


class Pictures(cornu.utils.PyDataset):
    """Shuffles itself between epochs, with a generator of its own."""

    def __init__(self):
        super().__init__()
        self.rng, self.held, self.read = np.random.default_rng(0), batches(), []

    def __len__(self):
        return len(self.held)

    def __getitem__(self, index):
        self.read.append(index)
        return self.held[index]

    def on_epoch_end(self):
        self.rng.shuffle(self.held)


def fitted(folder, source, after=None, **arguments):
    model = made()
    breaking = [] if after is None else [Break(after)]
    with pytest.raises(Broken) if breaking else warnings.catch_warnings():
        model.fit(source, epochs=3, verbose=0, callbacks=[*breaking, BackupAndRestore(folder, save_freq=1)], **arguments)
    return [w.tobytes() for w in model.get_weights()]


@pytest.mark.parametrize("after", [4, 5, 8])
def test_a_generator_is_asked_for_all_its_batches_again(after, tmp_path):
    wanted = fitted(tmp_path / "whole", noisy(), steps_per_epoch=5)
    fitted(tmp_path / "parts", noisy(), after, steps_per_epoch=5)
    assert fitted(tmp_path / "parts", noisy(), steps_per_epoch=5) == wanted


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_py_dataset_is_told_of_the_epochs_and_asked_for_the_rest_alone(shuffle, tmp_path):
    wanted = fitted(tmp_path / "whole", Pictures(), shuffle=shuffle)
    fitted(tmp_path / "parts", Pictures(), 8, shuffle=shuffle)
    again = Pictures()
    assert fitted(tmp_path / "parts", again, shuffle=shuffle) == wanted
    assert len(again.read) <= 1 + 15 - 7


@pytest.mark.parametrize("steps", [None, 2])
def test_a_loader_of_another_library(steps, tmp_path):
    torch = pytest.importorskip("torch")

    def loader():
        x, y = map(torch.from_numpy, regression())
        return torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(x, y), batch_size=8, shuffle=True, generator=torch.Generator().manual_seed(3)
        )

    wanted = fitted(tmp_path / "whole", loader(), steps_per_epoch=steps)
    fitted(tmp_path / "parts", loader(), 5 if steps else 8, steps_per_epoch=steps)
    assert fitted(tmp_path / "parts", loader(), steps_per_epoch=steps) == wanted


# --- models that write their own step ---------------------------------------------------------------------------------


class Two(cornu.Model):
    """Two optimizers, the second of which has no variables before the first step."""

    def __init__(self):
        super().__init__()
        self.first, self.second = L.Dense(3, name="first"), L.Dense(1, name="second")

    def call(self, x):
        return self.second(self.first(x))

    def compile(self, one, two):
        super().compile(one)
        self.other = two

    def train_step(self, data):
        x, y = data
        noise = cornu.random.normal((1, 4), stddev=0.01)  # of the process's own stream
        grads = {}
        for name, layer in (("one", self.first), ("two", self.second)):

            def forward():
                return cornu.ops.mean(cornu.ops.square(self(x + noise) - y)), None

            (loss, _), grads[name] = cornu.value_and_grad(forward, layer.trainable_variables)
        self.optimizer.apply(grads["one"], self.first.trainable_variables)
        self.other.apply(grads["two"], self.second.trainable_variables)
        return {"loss": loss}


@pytest.mark.parametrize("after", [4, 5])
def test_two_optimizers(trainable_backend, after, tmp_path):
    def run(name, breaking=()):
        set_random_seed(2)
        model = Two()
        model.compile(cornu.optimizers.SGD(0.05, momentum=0.5), cornu.optimizers.Adam(0.02))
        x, y = regression()
        history = model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=[*breaking, BackupAndRestore(tmp_path / name, save_freq=1)])
        return [w.tobytes() for w in model.get_weights()], history.history

    wanted = run("whole")
    with pytest.raises(Broken):
        run("parts", [Break(after)])
    assert run("parts") == wanted


# --- refusals ---------------------------------------------------------------------------------------------------------

CHANGES = {
    "units": ({"units": 7}, {}, r"layer .*: units was 6, is 7"),
    "activation": ({"activation": "tanh"}, {}, r'layer .*: activation was "relu", is "tanh"'),
    "momentum": ({"momentum": 0.5}, {}, r"optimizer: momentum was 0.9, is 0.5"),
    "optimizer": ({"optimizer": "adam"}, {}, r"optimizer: SGD in the backup, Adam here"),
    "loss": ({"loss": "mae"}, {}, r'compile: loss was "mse", is "mae"'),
    "rows": ({}, {"data": regression(48)}, r"data: num_batches was 5, is 6\n.*data: num_samples was 40, is 48"),
}


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_another_program_is_refused_with_the_differences(change, tmp_path):
    broken(tmp_path, 4)
    of_model, of_run, says = CHANGES[change]
    model = made(**of_model)
    before = [w.tobytes() for w in model.get_weights()]
    with pytest.raises(ConfigError, match=says) as caught:
        program(tmp_path, model=model, **of_run)
    assert str(tmp_path / "backup" / "latest.run") in str(caught.value)
    assert "begin anew" in str(caught.value)
    assert [w.tobytes() for w in model.get_weights()] == before


def test_other_callbacks_are_refused_but_those_without_a_state_may_differ(tmp_path):
    keeping = {"verbose": 0, "batch_size": 8, "epochs": 2}
    with pytest.raises(Broken):
        made().fit(*regression(), **keeping, callbacks=[EarlyStopping("loss"), BackupAndRestore(tmp_path, save_freq=1), Break(3)])
    with pytest.raises(ConfigError, match=r"missing: \['EarlyStopping'\]"):
        made().fit(*regression(), **keeping, callbacks=[BackupAndRestore(tmp_path, save_freq=1)])
    printing = LambdaCallback(on_epoch_end=lambda epoch, logs: None)
    made().fit(*regression(), **keeping, callbacks=[printing, EarlyStopping("loss"), BackupAndRestore(tmp_path, save_freq=1)])


@pytest.mark.parametrize("after", [3, 5])
def test_a_run_refused_for_its_callbacks_has_changed_nothing(after, tmp_path):
    keeping = {"verbose": 0, "batch_size": 8, "epochs": 2}
    with pytest.raises(Broken):
        made().fit(*regression(), **keeping, callbacks=[EarlyStopping("loss"), BackupAndRestore(tmp_path, save_freq=1), Break(after)])
    model = made()
    model.set_weights([np.full_like(w, 9) for w in model.get_weights()])
    with pytest.raises(ConfigError, match="missing"):
        model.fit(*regression(), **keeping, callbacks=[BackupAndRestore(tmp_path, save_freq=1)])
    for weight in model.get_weights():
        np.testing.assert_array_equal(weight, np.full_like(weight, 9))
    assert int(model.optimizer.iterations) == 0


@pytest.mark.parametrize("after", [2, 5])
def test_the_states_of_callbacks_are_read_once(after, tmp_path, monkeypatch):
    broken(tmp_path, after)
    states = read_run(tmp_path / "backup" / "latest.run")[0]["callbacks"]
    read, unpack = [], resume._Arrays.unpack
    monkeypatch.setattr(resume._Arrays, "unpack", lambda self, packed: read.append(packed) or unpack(self, packed))
    program(tmp_path)
    assert read.count(states) == 1


def test_a_state_that_no_file_can_hold_is_named(tmp_path):
    class Odd(Callback):
        state_names = ("file",)
        file = {"a": [object()]}  # noqa: RUF012

    with pytest.raises(ConfigError, match=r"(?s)got <object .*\(object\)\sin callbacks.*'file'.*\['a'\]\[0\]. Let `get_state`"):
        made().fit(*regression(), verbose=0, callbacks=[Odd(), BackupAndRestore(tmp_path)])


def test_every_damaged_bit_is_seen(tmp_path, rng):
    path = tmp_path / "run"
    write_run(path, {"epoch": 3, "nan": float("nan")}, {"a": rng.normal(size=(3, 2)), "b": np.array(7, "uint8")})
    whole = path.read_bytes()
    for i in range(len(whole)):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ (1 << i % 8)]) + whole[i + 1 :])
        with pytest.raises(CorruptFileError, match=r"run' (is damaged|must hold the state of a run)"):
            read_run(path)
    for end in (0, 10, 50, len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(CorruptFileError):
            read_run(path)
    path.write_bytes(whole)
    assert read_run(path)[0]["epoch"] == 3


def test_a_damaged_backup_is_refused_unless_there_is_the_one_before(tmp_path):
    broken(tmp_path, 6)
    latest = tmp_path / "backup" / "latest.run"
    latest.write_bytes(latest.read_bytes()[:-1])
    with pytest.raises(CorruptFileError, match=r"(?s)latest.run' is damaged.*To begin anew, delete it or choose another"):
        program(tmp_path)


def test_the_backup_before_the_last_one_is_used(tmp_path, recwarn):
    def run(folder, told=()):
        model = made()
        model.fit(*regression(), batch_size=8, epochs=2, verbose=0, callbacks=[*told, BackupAndRestore(folder, 1, double_checkpoint=True)])
        return [w.tobytes() for w in model.get_weights()]

    wanted = run(tmp_path / "whole")
    with pytest.raises(Broken):
        run(tmp_path / "parts", [Break(6)])
    latest, previous = tmp_path / "parts" / "latest.run", tmp_path / "parts" / "previous.run"
    assert [read_run(path)[0]["step"] for path in (latest, previous)] == [5, 4]
    latest.write_bytes(b"cornu run 1\n")
    with pytest.warns(UserWarning, match="goes on from the backup before it"):
        assert run(tmp_path / "parts") == wanted
    with pytest.raises(Broken):
        run(tmp_path / "parts", [Break(6)])
    latest.unlink()  # killed between the renaming of the one and the writing of the other
    assert run(tmp_path / "parts") == wanted
    assert not (tmp_path / "parts").exists()


def test_backups_of_others(tmp_path):
    (tmp_path / "training_metadata.json").write_text("{}")
    (tmp_path / "latest.weights.h5").write_bytes(b"")
    with pytest.raises(ConfigError, match="holds a backup that Keras made"):
        made().fit(*regression(), verbose=0, callbacks=[BackupAndRestore(tmp_path)])
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match=r"must be a folder, and '.*file' is a file"):
        made().fit(*regression(), verbose=0, callbacks=[BackupAndRestore(tmp_path / "file")])


@pytest.mark.parametrize("save_freq", [0, -1, True, "batch", 1.5])
def test_frequencies_out_of_range(save_freq):
    with pytest.raises(ArgumentError, match="save_freq must be 'epoch' or a number of batches above 0"):
        BackupAndRestore("backup", save_freq=save_freq)


def test_two_keepers_and_loops_of_ones_own(tmp_path):
    with pytest.raises(ConfigError, match="one BackupAndRestore, got 2"):
        made().fit(*regression(), verbose=0, callbacks=[BackupAndRestore(tmp_path / "a"), BackupAndRestore(tmp_path / "b")])
    told = CallbackList([BackupAndRestore(tmp_path)])
    told.on_train_begin()
    told.on_epoch_begin(0)
    with pytest.raises(ArgumentError, match="keeps runs of `fit`"):
        told.on_epoch_end(0, {})
    with pytest.raises(ArgumentError, match="backup_dir must name a folder"):
        BackupAndRestore("")


def test_other_files_in_the_folder_stay(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    made().fit(*regression(), verbose=0, callbacks=[BackupAndRestore(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_step_that_went_bad_is_not_kept_as_done(tmp_path):
    x, y = regression()
    y[17] = np.nan  # in the third batch
    with pytest.raises(NonFiniteError, match="at step 3 of epoch 1"):
        made().fit(x, y, batch_size=8, shuffle=False, verbose=0, callbacks=[BackupAndRestore(tmp_path / "backup", save_freq=1)])
    assert place(tmp_path) == (0, 2)
    with pytest.raises(NonFiniteError, match="at step 3 of epoch 1"):  # and its number is that in the epoch
        made().fit(x, y, batch_size=8, shuffle=False, verbose=0, callbacks=[BackupAndRestore(tmp_path / "backup", save_freq=1)])


# --- kill -9 ----------------------------------------------------------------------------------------------------------

SCRIPT = """
import hashlib, os, signal, sys
import numpy as np
import cornu
from cornu.callbacks import BackupAndRestore, Callback, EarlyStopping
from cornu.state.seed import set_random_seed



class Kill(Callback):
    def __init__(self, left):
        super().__init__()
        self.left = left

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)


cornu.set_backend(sys.argv[1])
rng = np.random.default_rng(1)
x = rng.normal(size=(120, 6)).astype("float32")
y = (x @ rng.normal(size=(6, 1)) + rng.normal(size=(120, 1))).astype("float32")
L = cornu.layers
for folder, kill_after in zip(sys.argv[2::2], map(int, sys.argv[3::2])):
    set_random_seed(4)
    model = cornu.Sequential([L.Dense(8, activation="relu"), L.Dropout(0.4), L.BatchNormalization(), L.Dense(1)])
    rate = cornu.optimizers.schedules.ExponentialDecay(0.05, 10, 0.9)
    model.compile(cornu.optimizers.SGD(rate, momentum=0.9), "mse", metrics=["mae"])
    stopping = EarlyStopping(patience=3, restore_best_weights=True)
    callbacks = [stopping, Kill(kill_after), BackupAndRestore(folder, save_freq=1)]
    history = model.fit(x, y, epochs=12, batch_size=16, verbose=0, validation_split=0.2, callbacks=callbacks)
    digest = hashlib.sha256(b"".join(v.numpy().tobytes() for v in [*model.variables, *model.optimizer.variables]))
    print(digest.hexdigest(), len(history.epoch), sorted(history.history.items()), stopping.best, stopping.wait, flush=True)
"""


def start(folder, backend, *runs):
    """What a process prints that goes through the runs: the name of each one's folder, the batch it is killed at (0: none)."""
    script = folder / "program.py"
    script.write_text(SCRIPT)
    given = [str(part) for name, after in runs for part in (folder / name, after)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, script, backend, *given], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == (-9 if runs[-1][1] else 0), done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["jax", "torch"])
def test_kill_minus_nine(name, tmp_path, rng):
    """One process runs to the end and, from its beginning again, up to the kill; another goes on from there."""
    pytest.importorskip(name)
    whole = start(tmp_path, name, ("whole", 0), ("parts", int(rng.integers(2, 18))))
    assert start(tmp_path, name, ("parts", 0)) == whole


@pytest.mark.long
def test_kill_minus_nine_at_twenty_batches(trainable_backend, tmp_path, rng):
    whole = start(tmp_path, trainable_backend, ("whole", 0))
    total = 6 * int(whole.split()[1])
    kept = 0
    for batch in sorted(rng.choice(np.arange(2, total + 1), 20, replace=False).tolist()):
        assert start(tmp_path, trainable_backend, ("parts", batch - kept)) == ""
        kept = batch - 1  # the kill comes before the batch is kept
    assert start(tmp_path, trainable_backend, ("parts", 0)) == whole
