"""What single callbacks do beyond what they share with the real Keras: bad values, warnings, errors, files, messages."""

import csv
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import cornu
from cornu.callbacks import CSVLogger, EarlyStopping, LearningRateScheduler, ModelCheckpoint, ReduceLROnPlateau, TerminateOnNaN
from cornu.callbacks.monitor import direction
from cornu.errors import ArgumentError, NonFiniteError

NAN = float("nan")


class Optimizer:
    learning_rate = 0.1


class Model:
    metrics = ()

    def __init__(self):
        self.weight, self.stop_training, self.optimizer = 0, False, Optimizer()
        self.saved = []

    def get_weights(self):
        return [np.array(self.weight)]

    def set_weights(self, weights):
        self.weight = int(weights[0])

    def save(self, filepath, overwrite=True):
        self.saved.append(filepath)

    def save_weights(self, filepath, overwrite=True):
        self.saved.append(filepath)


def run(callback, values, name="loss"):
    model = Model()
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        model.weight = epoch
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {name: value})
        if model.stop_training:
            break
    callback.on_train_end()
    return model


# --- what is better ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        *[
            (n, "min")
            for n in ("loss", "val_loss", "mse", "val_mean_absolute_error", "decoder_loss", "kl_divergence", "rmse", "log_cosh", "mae_2")
        ],
        *[
            (n, "max")
            for n in ("accuracy", "val_acc", "sparse_categorical_accuracy", "auc_1", "f1_score", "mean_io_u", "r2_score", "precision_3")
        ],
        *[(n, "max") for n in ("cosine_similarity", "top_k_categorical_accuracy", "out_accuracy", "true_positives", "one_hot_mean_io_u")],
        *[(n, None) for n in ("beauty", "learning_rate", "lossy", "accuracy_of_nothing")],
    ],
)
def test_the_direction_by_name(name, wanted):
    assert direction(name) == wanted


def test_a_metric_of_the_users_own_may_say_its_direction():
    metric = type("Beauty", (), {"name": "beauty", "direction": "up"})()
    stopping = EarlyStopping("val_beauty", patience=1)
    stopping.set_model(type("M", (), {"metrics": [metric], "stop_training": False})())
    stopping.on_train_begin()
    for epoch, value in enumerate([1.0, 2.0, 3.0]):
        stopping.on_epoch_end(epoch, {"val_beauty": value})
    assert stopping.best == 3.0


@pytest.mark.parametrize("kind", [EarlyStopping, ReduceLROnPlateau])
def test_an_unknown_direction_is_asked_for(kind):
    with pytest.raises(ArgumentError, match=rf"{kind.__name__}\(monitor='beauty'\) cannot tell.*mode='min' or mode='max'"):
        run(kind("beauty"), [1.0, 2.0], name="beauty")
    with pytest.raises(ArgumentError, match="must be 'auto', 'min' or 'max', got 'low'"):
        kind(mode="low")


def test_nan_is_never_the_best():
    stopping = EarlyStopping("loss", patience=2, restore_best_weights=True)
    assert run(stopping, [NAN, 2.0, NAN, 1.0, NAN]).weight == 3
    assert (stopping.best, stopping.best_epoch) == (1.0, 3)
    checkpoint = ModelCheckpoint("m.keras", "loss", save_best_only=True)
    run(checkpoint, [2.0, NAN, 1.0])
    assert checkpoint.best == 1.0


def test_nan_alone_stops_and_restores_nothing():
    stopping = EarlyStopping("loss", patience=1, restore_best_weights=True)
    assert run(stopping, [NAN] * 5).weight == 1
    assert stopping.best is None


def test_the_best_weights_are_a_copy():
    model, weight = Model(), np.array([1.0])
    model.get_weights = lambda: [weight]
    stopping = EarlyStopping("loss", restore_best_weights=True)
    stopping.set_model(model)
    stopping.on_epoch_end(0, {"loss": 1.0})
    weight[:] = 9.0
    assert stopping.best_weights[0].tolist() == [1.0]


@pytest.mark.parametrize(
    ("monitor", "reported", "mend"),
    [
        ("val_loss", ["accuracy"], r"\(accuracy\)\. Give `fit` validation_data or validation_split\.$"),
        ("val_loss", ["loss"], r"\(loss\)\. Give `fit` validation_data or validation_split\.$"),
        ("val_los", ["loss"], r"\(loss\)\. Did you mean 'val_loss'\? Give `fit` validation_data"),
        ("auc", ["loss", "val_auc"], r"\(loss, val_auc\)\.$"),
        ("val_acc", ["accuracy", "val_accuracy", "val_loss"], r"Did you mean 'val_accuracy'\?$"),
        ("val_mae", ["val_mean_absolute_error", "val_mse"], r"Did you mean 'val_mean_absolute_error'\?$"),
        ("accuracy", ["loss", "digit_accuracy"], r"Did you mean 'digit_accuracy'\?$"),
    ],
)
def test_a_missing_metric_is_named_with_what_there_is_and_said_once(monitor, reported, mend):
    logs = dict.fromkeys(reported, 0.5)
    for callback in (EarlyStopping(monitor), ReduceLROnPlateau(monitor), ModelCheckpoint("m.keras", monitor, save_best_only=True)):
        callback.set_model(Model())
        callback.mode = "min"
        callback.on_train_begin()
        with pytest.warns(UserWarning, match=rf"{type(callback).__name__} watches '{monitor}', which is not among") as caught:
            _ = [callback.on_epoch_end(epoch, logs.copy()) for epoch in range(3)]
        assert len(caught) == 1
        assert re.search(mend, str(caught[0].message)), str(caught[0].message)
        assert Path(caught[0].filename).name == "test_decisions.py"  # not a line of ours


def small_run(*callbacks, results=None):
    """The warnings of two epochs with these callbacks, and how many epochs had begun when each came."""
    begun, caught = [], []
    counting = cornu.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: begun.append(epoch))
    kind = cornu.Sequential if results is None else type("Own", (cornu.Sequential,), {"get_metrics_result": results})
    model = kind([cornu.Input((2,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["accuracy"], run_eagerly=True)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *place: caught.append((str(message), len(begun)))
        model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=2, verbose=0, validation_split=0.5, callbacks=[*callbacks, counting])
    return caught


@pytest.mark.parametrize(("monitor", "mend"), [("val_acc", "val_accuracy"), ("val_los", "val_loss"), ("acuracy", "accuracy")])
def test_a_misspelt_metric_is_told_before_the_first_epoch(backend_jax, monitor, mend, tmp_path):
    for callback in (
        EarlyStopping(monitor),
        ReduceLROnPlateau(monitor),
        ModelCheckpoint(tmp_path / "m.keras", monitor, save_best_only=True),
    ):
        callback.mode = "max"  # a name that is none does not say it
        ((said, begun),) = small_run(callback)
        assert begun == 0
        prefix = "val_" if monitor.startswith("val_") else ""
        assert f"({prefix}loss, {prefix}accuracy). Did you mean '{mend}'?" in said


def test_what_a_callback_may_add_is_awaited(backend_jax):
    class Adds(cornu.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_auc"] = epoch

    assert small_run(Adds(), EarlyStopping("val_auc", patience=5)) == []
    ((said, begun),) = small_run(EarlyStopping("val_auc", patience=5))
    assert begun == 1
    assert "watches 'val_auc', which is not among the metrics" in said


def test_what_a_model_of_the_users_own_reports_is_awaited(backend_jax):
    assert small_run(EarlyStopping("val_acc"), results=lambda self: {"loss": self.metrics[0].result(), "acc": 0.5}) == []


def test_a_checkpoint_that_keeps_all_does_not_ask_for_its_metric(backend_jax, tmp_path):
    assert small_run(ModelCheckpoint(tmp_path / "m.keras", "val_acc")) == []


def test_an_unknown_direction_is_asked_for_before_the_first_epoch(tmp_path):
    for callback in (EarlyStopping("beauty"), ReduceLROnPlateau("beauty"), ModelCheckpoint("m.keras", "beauty", save_best_only=True)):
        callback.set_model(Model())
        with pytest.raises(ArgumentError, match=r"cannot tell by the name whether lower or higher is better\. Say mode='min'"):
            callback.on_train_begin()


def test_a_misspelt_metric_of_no_direction_is_an_error_before_the_first_epoch(backend_jax):
    with pytest.raises(ArgumentError, match=r"monitor='val_los'\) cannot tell.*Did you mean 'val_loss'\? Else say\smode='min'"):
        small_run(EarlyStopping("val_los"))


def test_arrays_of_one_number_are_numbers():
    stopping = EarlyStopping("loss", patience=3)
    run(stopping, [np.float32(2.0), np.array(1.0)])
    assert stopping.best == 1.0
    assert type(stopping.best) is float


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: EarlyStopping(patience=-1), "patience must be at least 0"),
        (lambda: ReduceLROnPlateau(factor=1.0), "factor must be between 0 and 1"),
        (lambda: ReduceLROnPlateau(factor=0), "factor must be between 0 and 1"),
        (lambda: ReduceLROnPlateau(epsilon=0.1), r"got \['epsilon'\]. Did you mean \['min_delta'"),
        (lambda: ReduceLROnPlateau(patiense=3), "Did you mean .*'patience'"),
        (lambda: ModelCheckpoint("model"), "must end in '.keras' or '.h5' or '.hdf5', got 'model'"),
        (lambda: ModelCheckpoint("m.weights.h5"), "For a whole model the filepath must end in"),
        (lambda: ModelCheckpoint("m.keras", save_weights_only=True), "must end in '.weights.h5' or '.safetensors'"),
        (lambda: ModelCheckpoint("m.keras", save_freq="batch"), "save_freq must be 'epoch' or a number"),
        (lambda: ModelCheckpoint("m.keras", save_freq=0), "save_freq must be 'epoch' or a number"),
        (lambda: LearningRateScheduler(0.1), "must be a function"),
        (lambda: EarlyStopping(patience=None), "patience must be at least 0, got None"),
        (lambda: EarlyStopping(min_delta=None), "min_delta must be a number, got None"),
        (lambda: ModelCheckpoint("w-{epoch.keras"), r"(?s)placeholders of a filepath.*'w-\{epoch.keras'"),
        (lambda: ModelCheckpoint("w-{epoch:.2q}.keras"), r"(?s)placeholders of a filepath.*Unknown"),
        (lambda: ModelCheckpoint(f"{__file__}/runs/m.keras"), r"(?s)filepath must lie in folders, and.*test_decisions.py' is a file"),
        (lambda: CSVLogger("run.csv", separator="||"), r"separator must be one character.*got '\|\|'"),
        (lambda: CSVLogger(f"{__file__}/run.csv"), r"(?s)filename must lie in folders, and.*is a file"),
        (lambda: CSVLogger("."), "filename must name a file, and '.' is a folder"),
    ],
)
def test_arguments_out_of_range(make, says):
    with pytest.raises(ArgumentError, match=says):
        make()


# --- checkpoints ------------------------------------------------------------------------------------------------------


def test_folders_of_checkpoints_are_made(tmp_path):
    path = tmp_path / "runs" / "first" / "{epoch}.weights.h5"
    assert run(ModelCheckpoint(path, "loss", save_weights_only=True), [1.0]).saved == [str(tmp_path / "runs" / "first" / "1.weights.h5")]
    assert (tmp_path / "runs" / "first").is_dir()


@pytest.fixture
def backend_jax():
    pytest.importorskip("jax")
    with cornu.use_backend("jax"):
        yield


def test_an_unknown_placeholder_is_named():
    with pytest.raises(ArgumentError, match=r"must name one of \['epoch', 'loss'\], got 'val_loss' in '\{val_loss:.2f\}.keras'"):
        run(ModelCheckpoint("{val_loss:.2f}.keras"), [1.0])


def test_a_format_that_no_metric_has_is_told_before_the_first_epoch(backend_jax, tmp_path):
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    for name in ("w-{val_loss:02d}.keras", "w-{loss:d}.keras"):
        checkpoint = ModelCheckpoint(tmp_path / name)
        checkpoint.set_model(model)
        with pytest.raises(ArgumentError, match=r"(?s)Unknown format code 'd'.*Write them so"):
            checkpoint.on_train_begin()
    late = ModelCheckpoint(tmp_path / "w-{mine:02d}-{theirs[0]}.keras")  # what another callback may yet report
    late.set_model(model)
    late.on_train_begin()
    assert late._path(0, None, {"mine": 3, "theirs": [4]}) == str(tmp_path / "w-03-4.keras")
    with pytest.raises(ArgumentError, match=r"(?s)Unknown format code 'd'.*Write them so"):
        late._path(0, None, {"mine": 3.5, "theirs": [4]})


def test_a_save_that_fails_does_not_count_as_the_best(tmp_path):
    checkpoint = ModelCheckpoint(tmp_path / "m.keras", "loss", save_best_only=True)
    model = Model()
    checkpoint.set_model(model)
    model.save = lambda *args, **kwargs: (_ for _ in ()).throw(OSError("no space left"))
    with pytest.raises(OSError, match="no space left"):
        checkpoint.on_epoch_end(0, {"loss": 1.0})
    assert checkpoint.best is None
    del model.save
    checkpoint.on_epoch_end(0, {"loss": 1.0})
    assert (checkpoint.best, model.saved) == (1.0, [str(tmp_path / "m.keras")])


@pytest.mark.parametrize("save_freq", [1, 2])
def test_the_best_batches_alone(save_freq, tmp_path):
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}-{batch}.keras", "loss", save_best_only=True, save_freq=save_freq)
    model = Model()
    checkpoint.set_model(model)
    for epoch in range(2):
        checkpoint.on_epoch_begin(epoch)
        for batch, loss in enumerate([3.0, 2.0, 2.5, 1.0 - epoch]):
            checkpoint.on_train_batch_end(batch, {"loss": loss})
    wanted = {1: ["1-1", "1-2", "1-4", "2-4"], 2: ["1-2", "1-4", "2-4"]}[save_freq]
    assert model.saved == [str(tmp_path / f"{name}.keras") for name in wanted]


def test_steps_that_run_together_count_each(tmp_path):
    checkpoint = ModelCheckpoint(tmp_path / "{batch}.keras", save_freq=6)
    model = Model()
    checkpoint.set_model(model)
    checkpoint.on_epoch_begin(0)
    for last in range(3, 24, 4):  # told of once in four steps
        checkpoint.on_train_batch_end(last, {"loss": 1.0})
    assert model.saved == [str(tmp_path / f"{n}.keras") for n in (8, 16, 24)]


# --- learning rates ---------------------------------------------------------------------------------------------------


def test_schedules_may_take_the_present_rate_or_not():
    assert run(LearningRateScheduler(lambda epoch, rate: rate / 2), [1.0] * 3).optimizer.learning_rate == pytest.approx(0.0125)
    assert run(LearningRateScheduler(lambda epoch: 1 / (epoch + 2)), [1.0] * 3).optimizer.learning_rate == 0.25
    assert run(LearningRateScheduler([0.3, 0.2, 0.1].__getitem__), [1.0] * 3).optimizer.learning_rate == 0.1


def test_an_error_within_a_schedule_is_not_taken_for_its_signature():
    def broken(epoch, rate):
        return rate + "a"

    with pytest.raises(TypeError, match="unsupported operand"):
        run(LearningRateScheduler(broken), [1.0])


def test_schedules_that_give_an_array_of_no_axes(backend_jax):
    given = [np.array(0.25), np.float32(0.25), cornu.ops.convert_to_tensor(0.25)]
    for rate in given:
        model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
        model.compile("sgd", "mse")
        scheduler = LearningRateScheduler(lambda epoch, *, rate=rate: rate)
        scheduler.set_model(model)
        scheduler.on_epoch_begin(0)
        assert float(model.optimizer.learning_rate) == 0.25


@pytest.mark.parametrize("rate", [None, "0.1", NAN, float("inf"), [0.1]])
def test_schedules_that_give_no_number(rate):
    with pytest.raises(ArgumentError, match="must give a finite number"):
        run(LearningRateScheduler(lambda epoch: rate), [1.0])


def test_a_model_without_an_optimizer():
    scheduler, model = LearningRateScheduler(lambda epoch: 0.1), Model()
    model.optimizer = None
    scheduler.set_model(model)
    with pytest.raises(ArgumentError, match="must be compiled"):
        scheduler.on_epoch_begin(0)


def test_the_rate_of_a_real_optimizer(trainable_backend):
    from cornu.optimizers import SGD

    model = Model()
    model.optimizer = SGD(0.1)
    callback = ReduceLROnPlateau("loss", patience=1, factor=0.5)
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch in range(4):
        logs = {"loss": 1.0}
        callback.on_epoch_end(epoch, logs)
        rates.append(logs["learning_rate"])
    assert rates == pytest.approx([0.1, 0.1, 0.05, 0.025])


# --- others -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [NAN, float("inf"), -float("inf")])
def test_terminate_on_nan(loss, capsys):
    callback, model = TerminateOnNaN(), Model()
    callback.set_model(model)
    callback.on_train_batch_end(0, {"loss": 1.0})
    callback.on_train_batch_end(1, {"accuracy": NAN})
    assert not model.stop_training
    callback.on_train_batch_end(7, {"loss": loss})
    assert model.stop_training
    assert capsys.readouterr().out == f"The loss is {loss} at batch 7: training ends.\n"
    with pytest.raises(NonFiniteError, match="at batch 7; it must be finite"):
        TerminateOnNaN(raise_error=True).on_train_batch_end(7, {"loss": loss})


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_csv_columns_that_come_and_go(tmp_path):
    path = tmp_path / "logs" / "run.csv"
    logger = CSVLogger(path)
    logger.on_train_begin()
    logger.on_epoch_end(0, {"loss": 1.0})
    logger.on_epoch_end(1, {"loss": 0.5, "val_loss": 0.75})
    logger.on_epoch_end(2, {"loss": 0.25})
    assert table(path) == [
        {"epoch": "0", "loss": "1.0", "val_loss": "NA"},
        {"epoch": "1", "loss": "0.5", "val_loss": "0.75"},
        {"epoch": "2", "loss": "0.25", "val_loss": "NA"},
    ]


def test_csv_values_are_whole(tmp_path):
    logger = CSVLogger(tmp_path / "run.csv")
    logger.on_epoch_end(0, {"loss": 0.1 + 0.2, "per_class": np.array([0.5, 1.0])})
    row = table(tmp_path / "run.csv")[0]
    assert float(row["loss"]) == 0.1 + 0.2
    assert row["per_class"] == "[0.5, 1.0]"


def test_csv_of_an_earlier_run_is_replaced_at_the_first_row_and_not_before(tmp_path):
    path = tmp_path / "run.csv"
    path.write_text("epoch,loss\n0,9.0\n")
    logger = CSVLogger(path)
    logger.on_train_begin()
    assert path.read_text() == "epoch,loss\n0,9.0\n"
    logger.on_epoch_end(0, {"loss": 1.0})
    assert path.read_text() == "epoch,loss\n0,1.0\n"


def test_csv_of_a_resumed_run_has_each_epoch_once(tmp_path):
    path = tmp_path / "run.csv"
    first = CSVLogger(path)
    first.on_train_begin()
    first.on_epoch_end(0, {"loss": 3.0})
    first.on_epoch_end(1, {"loss": 2.0})
    state = first.get_state()
    first.on_epoch_end(2, {"loss": 1.5})  # lost: the run broke off before its state was kept
    second = CSVLogger(path)
    second.on_train_begin()
    second.set_state(state)
    second.on_epoch_end(2, {"loss": 1.0})
    assert [(row["epoch"], row["loss"]) for row in table(path)] == [("0", "3.0"), ("1", "2.0"), ("2", "1.0")]


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ("epoch,loss\n0,9.0", "epoch,loss\n0,9.0\n1,1.0\n"),
        ("\ufeffepoch,loss\n0,9.0\n", "\ufeffepoch,loss\n0,9.0\n1,1.0\n"),
        ("epoch,mae\n0,9.0", "epoch,mae,loss\n0,9.0,NA\n1,NA,1.0\n"),
    ],
)
def test_csv_appended_to_what_others_wrote(there, wanted, tmp_path):
    path, mine = tmp_path / "run.csv", tmp_path / "link.csv"
    path.write_text(there, encoding="utf-8")
    (tmp_path / "run.csv.part").write_text("mine")
    mine.symlink_to(path)
    logger = CSVLogger(mine, append=True)
    logger.on_train_begin()
    logger.on_epoch_end(1, {"loss": 1.0})
    assert path.read_text(encoding="utf-8") == wanted
    assert mine.is_symlink()
    assert (tmp_path / "run.csv.part").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("there", ["epoch;loss\n0;9.0\n", "loss\n9.0\n", "epoch,loss\n0,9.0,7\n", "epoch,loss,loss\n0,1,2\n"])
def test_csv_that_is_no_table_of_epochs_is_refused_before_the_first_and_stays(there, tmp_path):
    path = tmp_path / "run.csv"
    path.write_text(there)
    with pytest.raises(ArgumentError, match=r"(?s)column.*append=False"):
        CSVLogger(path, append=True).on_train_begin()
    assert path.read_text() == there
    assert len(list(tmp_path.iterdir())) == 1


def test_messages(capsys, tmp_path):
    run(EarlyStopping("loss", patience=1, verbose=1, restore_best_weights=True), [1.0, 2.0])
    run(ReduceLROnPlateau("loss", patience=1, verbose=1), [1.0, 2.0])
    run(LearningRateScheduler(lambda epoch: 0.01, verbose=1), [1.0])
    run(ModelCheckpoint(tmp_path / "m.keras", "loss", save_best_only=True, verbose=1), [2.0, 1.0, 3.0])
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 2: stopped, loss has not improved on 1.0 for 1 epoch(s).",
        "The weights of epoch 1, the best one, are restored.",
        "Epoch 2: loss has not improved on 1.0, the learning rate is reduced to 0.01.",
        "Epoch 1: the learning rate is 0.01.",
        f"Epoch 1: loss is 2.00000, the first one, saved to {tmp_path / 'm.keras'}",
        f"Epoch 2: loss improved from 2.00000 to 1.00000, saved to {tmp_path / 'm.keras'}",
        "Epoch 3: loss did not improve on 1.00000, nothing saved",
    ]


def test_without_verbose_nothing_is_printed(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(EarlyStopping("loss", restore_best_weights=True), [1.0, 2.0])
        run(ReduceLROnPlateau("loss", patience=0), [1.0, 2.0])
    assert capsys.readouterr().out == ""
