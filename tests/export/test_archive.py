"""Archives of endpoints: TensorFlow alone, reading them back, computes what the functions do."""

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.errors import ArgumentError, BackendError, NotBuiltError, SavingError
from cornu.export import ExportArchive

tf = pytest.importorskip("tensorflow")

ROWS = [cornu.InputSpec(shape=(None, 3), dtype="float32")]


def read_back(archive, path):
    archive.write_out(path, verbose=False)
    return tf.saved_model.load(str(path))


@pytest.fixture
def model():
    cornu.utils.set_random_seed(3)
    return cornu.Sequential([cornu.Input((3,)), layers.Dense(4, "tanh"), layers.BatchNormalization(), layers.Dense(2)])


def test_endpoints_of_a_model_on_any_backend(trainable_backend, model, tmp_path, rng, capsys):
    x = rng.normal(size=(5, 3)).astype("float32")
    archive = ExportArchive()
    archive.track(model)
    serve = archive.add_endpoint("serve", model.call, ROWS)
    archive.add_endpoint("scaled", lambda x, by: {"y": model(x) * by, "by": by}, [*ROWS, cornu.InputSpec(shape=(), dtype="float32")])
    archive.add_variable_collection("kernels", [v for v in model.variables if v.name == "kernel"])
    assert {v.backend.NAME for v in model.variables} == {trainable_backend}
    assert hasattr(serve, "get_concrete_function")
    archive.write_out(tmp_path)
    assert "'serve', 'scaled'" in capsys.readouterr().out
    read = tf.saved_model.load(str(tmp_path))
    wanted = model.predict(x, verbose=0)
    np.testing.assert_allclose(read.serve(x), wanted, rtol=1e-4, atol=1e-6)
    found = read.scaled(x, np.float32(3))
    np.testing.assert_allclose(found["y"], 3 * wanted, rtol=1e-4, atol=1e-6)
    assert float(found["by"]) == 3
    (named,) = read.signatures["serving_default"](inputs=tf.constant(x)).values()
    np.testing.assert_allclose(named, wanted, rtol=1e-4, atol=1e-6)
    assert sorted(read.signatures) == ["scaled", "serve", "serving_default"]
    assert [tuple(v.shape) for v in read.kernels] == [(3, 4), (4, 2)]
    lengths = [len(own) for own in (read.variables, read.trainable_variables, read.non_trainable_variables)]
    assert lengths == [len(own) for own in (archive.variables, archive.trainable_variables, archive.non_trainable_variables)] == [8, 6, 2]


def test_values_are_those_at_the_time_of_writing_and_the_file_reads_its_variables(model, tmp_path):
    with cornu.use_backend("tensorflow"):
        weight = cornu.Variable(2.0)
        archive = ExportArchive()
        archive.track(weight)
        archive.add_endpoint("times", lambda x: x * weight, ROWS)
        weight.assign(5.0)
        read = read_back(archive, tmp_path)
    assert read.times(np.ones((1, 3), "float32")).numpy().tolist() == [[5.0] * 3]
    read.variables[0].assign(7.0)
    assert read.times(np.ones((1, 3), "float32")).numpy().tolist() == [[7.0] * 3]


def test_a_layer_is_tracked_and_called_in_inference(tmp_path, rng):
    with cornu.use_backend("jax"):
        layer = layers.Dropout(0.5)
        layer.build((None, 3))
        archive = ExportArchive()
        archive.track_and_add_endpoint("forward", layer, ROWS)
        read = read_back(archive, tmp_path)
    x = rng.normal(size=(4, 3)).astype("float32")
    assert read.forward(x).numpy().tolist() == x.tolist()


def test_functions_and_objects_of_tensorflow_itself(tmp_path):
    counter = tf.Module()
    counter.total = tf.Variable(0.0)

    @tf.function(input_signature=[tf.TensorSpec((), "float32")])
    def count(x):
        return counter.total.assign_add(x)

    archive = ExportArchive()
    archive.track(counter)
    archive.add_endpoint("count", count)
    read = read_back(archive, tmp_path)
    assert [float(read.count(np.float32(2))) for _ in range(2)] == [2.0, 4.0]


def test_nested_inputs_and_lengths_that_stay_open(tmp_path, rng):
    signature = [{"a": cornu.InputSpec(shape=(None, None)), "b": cornu.InputSpec(shape=(None, 1))}]
    with cornu.use_backend("tensorflow"):
        archive = ExportArchive()
        archive.add_endpoint("sum", lambda both: ops.tanh(both["a"]) + both["b"], signature)
        read = read_back(archive, tmp_path)
    a, b = (rng.normal(size=(2, n)).astype("float32") for n in (5, 1))
    np.testing.assert_allclose(read.sum({"a": a, "b": b}), np.tanh(a) + b, rtol=1e-6)


def test_what_is_refused(tmp_path, model):
    archive = ExportArchive()
    with pytest.raises(ArgumentError, match="'tf_saved_model', got 'onnx'"):
        ExportArchive("onnx")
    with pytest.raises(ArgumentError, match="needs an endpoint"):
        archive.write_out(tmp_path)
    with pytest.raises(ArgumentError, match="must hold variables"):
        archive.track(3)
    with pytest.raises(NotBuiltError, match="must be built"):
        archive.track(layers.Dense(2))
    with pytest.raises(ArgumentError, match="holds variables, got int"):
        archive.add_variable_collection("some", [3])
    with pytest.raises(ArgumentError, match="must be described"):
        archive.add_endpoint("serve", ops.sin)
    with pytest.raises(ArgumentError, match="specs with `shape`"):
        archive.add_endpoint("serve", ops.sin, [3])
    with pytest.raises(ArgumentError, match="no further arguments"):
        archive.add_endpoint("serve", ops.sin, ROWS, oops=1)
    with pytest.raises(ArgumentError, match="that TensorFlow can trace"):
        archive.add_endpoint("serve", lambda x: np.asarray(x).tolist(), ROWS)
    archive.add_endpoint("serve", ops.sin, ROWS)
    with pytest.raises(ArgumentError, match="Each name stands once"):
        archive.add_endpoint("serve", ops.sin, ROWS)
    untraced = ExportArchive()
    untraced.add_endpoint("sine", tf.function(tf.sin))
    with pytest.raises(BackendError, match="must have one trace"):
        untraced.write_out(tmp_path)


def test_a_folder_with_files_of_others_is_not_replaced(tmp_path, model):
    for _ in range(2):
        model.export(tmp_path / "m", verbose=False)
    (tmp_path / "m" / "labels.txt").write_text("mine")
    with pytest.raises(SavingError, match=r"'labels\.txt'"):
        model.export(tmp_path / "m", verbose=False)
    assert (tmp_path / "m" / "labels.txt").read_text() == "mine"
