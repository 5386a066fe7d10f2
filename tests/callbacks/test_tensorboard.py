"""Logs for TensorBoard, read back with TensorBoard's own reader."""

import io
import json
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest

import cornu
from cornu.callbacks import LearningRateScheduler, TensorBoard
from cornu.callbacks.events import EventFile, png
from cornu.callbacks.tensorboard import _pictures
from cornu.errors import ArgumentError, BackendError

pytest.importorskip("tensorboard")
sys.modules.setdefault("tensorboard.compat.notf", types.ModuleType("notf"))  # its reader works without TensorFlow, which takes long to load


def events(folder):
    """(step, tag, plugin, value) of all events in a run's folder; a value is an array, or bytes."""
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.util.tensor_util import make_ndarray

    found = []
    for file in sorted(Path(folder).glob("events.out.tfevents.*")):
        records = [Event.FromString(raw) for raw in RawEventFileLoader(str(file)).Load()]
        assert records[0].file_version == "brain.Event:2"
        for event in records[1:]:
            found += [(event.step, v.tag, v.metadata.plugin_data.plugin_name, make_ndarray(v.tensor)) for v in event.summary.value]
    return found


def scalars(folder):
    """{tag: {step: value}}."""
    found = {}
    for step, tag, plugin, value in events(folder):
        if plugin == "scalars":
            found.setdefault(tag, {})[step] = float(value)
    return found


def small_model():
    layers = cornu.layers
    model = cornu.Sequential(
        [cornu.Input((4,), dtype="int32"), layers.Embedding(10, 6, name="words"), layers.Flatten(), layers.Dense(2, name="out")], name="net"
    )
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def data(rng, rows=64):
    return rng.integers(0, 10, (rows, 4)), rng.normal(size=(rows, 2)).astype("float32")


def test_epochs_and_batches(trainable_backend, rng, tmp_path):
    model, (x, y) = small_model(), data(rng)
    board = TensorBoard(tmp_path, update_freq=3, write_steps_per_second=True)
    begun = time.monotonic()
    history = model.fit(
        x,
        y,
        epochs=2,
        batch_size=8,
        validation_split=0.25,
        verbose=0,
        callbacks=[board, LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))],
    ).history
    took = time.monotonic() - begun
    train, validation = scalars(tmp_path / "train"), scalars(tmp_path / "validation")
    assert list(train["epoch_loss"].values()) == pytest.approx(history["loss"])
    assert list(train["epoch_mae"].values()) == pytest.approx(history["mae"])
    assert train["epoch_learning_rate"] == pytest.approx({0: 0.1, 1: 0.05})
    assert list(train["batch_loss"]) == list(train["batch_mae"]) == [3, 6, 9, 12]
    # the metrics of batches are those of the epoch so far; six batches make one
    assert [train["batch_loss"][6], train["batch_loss"][12]] == pytest.approx(history["loss"])
    assert list(train["batch_steps_per_second"]) == [3, 6, 9, 12]
    assert sum(6 / rate for rate in train["epoch_steps_per_second"].values()) < took  # the epochs are parts of the run
    assert set(validation) == {form.format(name) for name in ("loss", "mae") for form in ("epoch_{}", "evaluation_{}_vs_iterations")}
    assert list(validation["epoch_loss"].values()) == pytest.approx(history["val_loss"])
    assert validation["evaluation_mae_vs_iterations"] == pytest.approx(dict(zip((6, 12), history["val_mae"], strict=True)))
    model.fit(x, y, batch_size=64, verbose=0)

    scores = model.evaluate(x, y, callbacks=[board], verbose=0, return_dict=True)
    evaluated = scalars(tmp_path / "validation")
    assert evaluated["evaluation_loss_vs_iterations"] == pytest.approx({**validation["evaluation_loss_vs_iterations"], 13: scores["loss"]})
    assert evaluated["evaluation_mae_vs_iterations"][13] == pytest.approx(scores["mae"])


def test_by_default_epochs_and_the_graph_alone(rng, tmp_path):
    model, (x, y) = small_model(), data(rng)
    model.fit(x, y, batch_size=16, epochs=2, verbose=0, callbacks=[TensorBoard(tmp_path)])
    assert {(step, tag) for step, tag, _, _ in events(tmp_path / "train")} == {
        (0, "keras"), *((epoch, tag) for epoch in range(2) for tag in ("epoch_loss", "epoch_mae", "epoch_learning_rate"))
    }  # fmt: skip
    assert not (tmp_path / "validation").exists()


def test_steps_run_together_are_counted_each(rng, tmp_path):
    model, (x, y) = small_model(), data(rng)
    model.compile("sgd", "mse", steps_per_execution=4)
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=[TensorBoard(tmp_path, update_freq=3)])  # told of at 4, 8, 12, 16
    assert list(scalars(tmp_path / "train")["batch_loss"]) == [4, 8, 12, 16]


def test_histograms_hold_all_weights(rng, tmp_path):
    model, (x, y) = small_model(), data(rng)
    model.fit(x, y, batch_size=16, epochs=3, verbose=0, callbacks=[TensorBoard(tmp_path, histogram_freq=2)])
    found = [(step, tag, value) for step, tag, plugin, value in events(tmp_path / "train") if plugin == "histograms"]
    assert [step for step, _, _ in found] == [0, 0, 0, 2, 2, 2]
    assert [tag for _, tag, _ in found[:3]] == [f"net/{name}/histogram" for name in ("words/embeddings", "out/kernel", "out/bias")]
    for (_, _, buckets), weight in zip(found[3:], model.get_weights(), strict=True):
        left, right, count = buckets.T
        assert left[0] == pytest.approx(weight.min())
        assert right[-1] == pytest.approx(weight.max())
        edges = np.append(left, right[-1])
        np.testing.assert_array_equal(count, np.histogram(weight.astype("float64"), edges)[0])


def test_images_of_weights(rng, tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    model, (x, y) = small_model(), data(rng)
    model.fit(x, y, batch_size=16, verbose=0, callbacks=[TensorBoard(tmp_path, histogram_freq=1, write_images=True)])
    found = {tag: value for _, tag, plugin, value in events(tmp_path / "train") if plugin == "images"}
    assert set(found) == {f"net/{name}/image" for name in ("words/embeddings", "out/kernel", "out/bias")}
    width, height, picture = found["net/out/kernel/image"]  # a kernel (24, 2), lying
    assert (width, height) == (b"24", b"2")
    kernel = model.get_weights()[1].T.astype("float64")
    grey = np.round((kernel - kernel.min()) / (kernel.max() - kernel.min()) * 255)
    np.testing.assert_array_equal(np.asarray(pillow.open(io.BytesIO(picture))), grey)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png(channels, rng):
    pillow = pytest.importorskip("PIL.Image")
    image = rng.integers(0, 256, (5, 7, channels)).astype("uint8")
    read = np.asarray(pillow.open(io.BytesIO(png(image))))
    np.testing.assert_array_equal(read, image[..., 0] if channels == 1 else image)


def test_pictures_of_filters(rng):
    kernel = rng.normal(size=(3, 5, 3, 8))
    pictures = _pictures(kernel)
    assert pictures.shape == (3, 3, 5, 3)
    assert (pictures[2].argmax(), pictures[2].argmin()) == (kernel[..., 2].argmax(), kernel[..., 2].argmin())
    assert _pictures(kernel[:, :, :1]).shape == (3, 3, 5, 1)
    assert _pictures(np.zeros((3, 3, 2, 5))) is None
    assert _pictures(np.zeros(())) is None
    assert _pictures(np.zeros((0,))) is None
    assert _pictures(np.zeros((0, 3))) is None


def test_the_graph_is_one_that_tensorboard_draws(rng, tmp_path):
    from tensorboard.plugins.graph.keras_util import keras_model_to_graph_def

    a, b = cornu.Input((4,), name="a"), cornu.Input((4,), name="b")
    joined = cornu.layers.Add(name="sum")([cornu.layers.Dense(3, name="left")(a), cornu.layers.Dense(3, name="right")(b)])
    model = cornu.Model([a, b], cornu.layers.Dense(1, name="out")(joined), name="two")
    model.compile("sgd", "mse")
    x = rng.normal(size=(8, 4)).astype("float32")
    model.fit([x, x], x[:, :1], verbose=0, callbacks=[TensorBoard(tmp_path)])
    (described,) = [value for _, tag, plugin, value in events(tmp_path / "train") if (tag, plugin) == ("keras", "graph_keras_model")]
    graph = keras_model_to_graph_def(json.loads(described.item()))
    edges = {(source, node.name) for node in graph.node for source in node.input}
    assert edges == {
        ("two/a", "two/left"), ("two/b", "two/right"), ("two/left", "two/sum"), ("two/right", "two/sum"), ("two/sum", "two/out")
    }  # fmt: skip


def test_no_graph_where_none_is_wanted_or_there_is_none(rng, tmp_path):
    class Own(cornu.Model):
        def __init__(self):
            super().__init__()
            self.dense = cornu.layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    own = Own()
    own.compile("sgd", "mse")
    x, y = data(rng)
    own.fit(x.astype("float32"), y, verbose=0, callbacks=[TensorBoard(tmp_path / "own")])
    small_model().fit(x, y, verbose=0, callbacks=[TensorBoard(tmp_path / "asked", write_graph=False)])
    for run in ("own", "asked"):
        found = {tag for _, tag, _, _ in events(tmp_path / run / "train")}
        assert "epoch_loss" in found
        assert "keras" not in found


@pytest.mark.parametrize("metadata", ["words.tsv", {"words": "words.tsv"}])
def test_embeddings(metadata, rng, tmp_path):
    from google.protobuf import text_format
    from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

    model, (x, y) = small_model(), data(rng)
    (tmp_path / "words.tsv").write_text("\n".join("abcdefghij"))
    model.fit(x, y, epochs=3, verbose=0, callbacks=[TensorBoard(tmp_path, embeddings_freq=2, embeddings_metadata=metadata)])
    config = text_format.Parse((tmp_path / "projector_config.pbtxt").read_text(), ProjectorConfig())
    (entry,) = config.embeddings
    assert (entry.tensor_path, entry.metadata_path) == ("train/embeddings/words-2.tsv", "words.tsv")
    np.testing.assert_allclose(np.loadtxt(tmp_path / entry.tensor_path), model.get_weights()[0], rtol=1e-6)
    assert (tmp_path / "train" / "embeddings" / "words-0.tsv").exists()
    assert not (tmp_path / "train" / "embeddings" / "words-1.tsv").exists()


TRACES = {"jax": ("*.xplane.pb", "**/plugins/profile/*"), "torch": ("*.pt.trace.json", ".")}


@pytest.mark.parametrize(("batches", "steps"), [(2, 1), ("2,5", 4), ((2, 99), 7)], ids=str)
def test_profiles(batches, steps, trainable_backend, rng, tmp_path, monkeypatch):
    if trainable_backend not in TRACES:
        pytest.skip("this backend cannot")
    own, seen = cornu.backends.current(), []
    monkeypatch.setattr(own, "start_trace", lambda folder, start=own.start_trace: seen.append("start") or start(folder))
    monkeypatch.setattr(own, "stop_trace", lambda stop=own.stop_trace: seen.append("stop") or stop())
    step = cornu.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append("step"))
    model, (x, y) = small_model(), data(rng)
    model.fit(x, y, batch_size=8, verbose=0, callbacks=[step, TensorBoard(tmp_path, profile_batch=batches)])
    assert seen.index("start") == 1
    assert seen.index("stop") - seen.index("start") == steps + 1  # the batches between
    pattern, folder = TRACES[trainable_backend]
    (found,) = (
        [path for place in (tmp_path / "train").glob(folder) for path in place.glob(pattern)]
        if folder != "."
        else (tmp_path / "train").glob(pattern)
    )
    assert found.stat().st_size > 1000


def test_a_profile_is_ended_when_the_run_breaks_off(rng, tmp_path):
    def breaks(batch, logs):
        raise KeyError("broken")

    breaking = cornu.callbacks.LambdaCallback(on_train_batch_end=breaks)
    for _ in range(2):  # a second one could not begin while the first goes on
        with pytest.raises(KeyError, match="broken"):
            small_model().fit(*data(rng), verbose=0, callbacks=[breaking, TensorBoard(tmp_path, profile_batch=(1, 9))])


def test_no_profile_where_the_backend_has_none(rng, tmp_path, monkeypatch):
    model, (x, y) = small_model(), data(rng)
    monkeypatch.delattr(cornu.backends.current(), "start_trace")
    with pytest.raises(BackendError, match=r"backend cannot record a profile. Leave profile_batch at 0."):
        model.fit(x, y, verbose=0, callbacks=[TensorBoard(tmp_path, profile_batch=2)])


def test_metadata_of_no_embedding(rng, tmp_path):
    model, (x, y) = small_model(), data(rng)
    with pytest.raises(ArgumentError, match=r"must name Embedding layers of the model, got 'word'. Did you mean 'words'?"):
        model.fit(x, y, verbose=0, callbacks=[TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"word": "w.tsv"})])


def test_state_goes_on_counting(tmp_path):
    first, second = TensorBoard(tmp_path, update_freq=2), TensorBoard(tmp_path, update_freq=2)
    first.on_epoch_begin(0)
    for batch in range(3):
        first.on_train_batch_end(batch, {"loss": 1.0})
    second.on_epoch_begin(0)
    second.set_state(first.get_state())
    second.on_train_batch_end(3, {"loss": 0.5})
    second.on_train_end()
    assert scalars(tmp_path / "train")["batch_loss"] == {2: 1.0, 4: 0.5}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"update_freq": 0}, "update_freq must be 'epoch', 'batch' or a number"),
        ({"update_freq": "step"}, "update_freq must be 'epoch', 'batch' or a number"),
        ({"histogram_freq": -1}, "histogram_freq must be a number of epochs"),
        ({"embeddings_freq": "epoch"}, "embeddings_freq must be a number of epochs"),
        ({"profile_batch": (5, 2)}, "profile_batch must be a batch from 1, a pair"),
        ({"profile_batch": "two"}, "profile_batch must be a batch from 1, a pair"),
        ({"profile_batch": (1, 2, 3)}, "profile_batch must be a batch from 1, a pair"),
    ],
)
def test_arguments_out_of_range(arguments, says, tmp_path):
    with pytest.raises(ArgumentError, match=says):
        TensorBoard(tmp_path, **arguments)


def test_a_file_where_the_folder_would_be(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(ArgumentError, match=r"(?s)log_dir must lie in folders, and.*taken' is a file"):
        TensorBoard(tmp_path / "taken" / "logs")


def test_without_the_package(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.record_writer", None)
    with pytest.raises(BackendError, match=r"need the package 'tensorboard'.*pip install 'cornu\[tensorboard\]'"):
        TensorBoard(tmp_path)


def test_an_event_is_on_disk_once_flushed(tmp_path):
    file = EventFile(tmp_path)
    assert not list(tmp_path.iterdir())
    file.scalar("a", 0.5, 7)
    file.flush()
    assert [(step, tag, float(value)) for step, tag, _, value in events(tmp_path)] == [(7, "a", 0.5)]
    file.close()
