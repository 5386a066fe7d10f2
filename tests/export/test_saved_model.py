"""Models as SavedModels: TensorFlow alone, reading them back, computes what the model does, for batches of any length."""

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import ArgumentError, BackendError, NotBuiltError, SavingError, UnknownNameError

tf = pytest.importorskip("tensorflow")


def dense():
    return cornu.Sequential([cornu.Input((6,)), layers.Dense(5, "relu"), layers.LayerNormalization(), layers.Dense(2)])


def convolutional():
    """Its Flatten asks for the length of the batch."""
    return cornu.Sequential([cornu.Input((6, 6, 2)), layers.Conv2D(3, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(2)])


@pytest.mark.parametrize("make", [dense, convolutional])
@pytest.mark.parametrize("home", ["tensorflow", "jax", "torch"])
def test_the_endpoint_computes_what_the_model_does(make, home, tmp_path, rng):
    with cornu.use_backend(home):
        model = make()
        model.export(tmp_path / "model")
        assert {v.backend.NAME for v in model.variables} == {home}
        x = rng.normal(size=(5, *model.input_shape[1:])).astype("float32")
        wanted = model.predict(x, verbose=0)
    read = tf.saved_model.load(str(tmp_path / "model"))
    np.testing.assert_allclose(read.serve(x).numpy(), wanted, rtol=1e-4, atol=1e-5)
    (named,) = read.signatures["serving_default"](tf.constant(x[:1])).values()
    np.testing.assert_allclose(named.numpy(), wanted[:1], rtol=1e-4, atol=1e-5)
    assert [tuple(w.shape) for w in read.variables] == [v.shape for v in model.variables]


def test_two_inputs_keep_their_order(tmp_path, rng):
    with cornu.use_backend("tensorflow"):
        a, b = cornu.Input((2,)), cornu.Input((3,))
        model = cornu.Model([a, b], layers.Concatenate()([a, b]))
        model.export(tmp_path / "model")
    xs = [rng.normal(size=(2, n)).astype("float32") for n in (2, 3)]
    read = tf.saved_model.load(str(tmp_path / "model"))
    assert read.serve(*xs).numpy().tolist() == np.concatenate(xs, -1).tolist()


def test_what_cannot_be_exported_says_why(tmp_path):
    with cornu.use_backend("tensorflow"):
        with pytest.raises(NotBuiltError, match="must be built"):
            cornu.Sequential([layers.Dense(2)]).export(tmp_path / "a")
        with pytest.raises(UnknownNameError, match="tf_saved_model"):
            dense().export(tmp_path / "a", format="tf_savedmodel")
        with pytest.raises(ArgumentError, match="opset"):
            dense().export(tmp_path / "a", opset=3)
        with pytest.raises(ArgumentError, match="All lengths but the batch"):
            cornu.Sequential([cornu.Input((None, 2)), layers.Dense(2)]).export(tmp_path / "a")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("home", ["tensorflow", "torch"])
def test_a_file_for_litert_computes_what_the_model_does(home, tmp_path, rng):
    with cornu.use_backend(home):
        model = cornu.Sequential([cornu.Input((6,)), layers.Dense(5, "relu"), layers.Dense(2)])
        model.export(tmp_path / "model.tflite", format="litert", optimizations=[])
        x = rng.normal(size=(1, 6)).astype("float32")
        wanted = model.predict(x, verbose=0)
        with pytest.raises(ArgumentError, match="ends in"):
            model.export(tmp_path / "model", format="litert")
        with pytest.raises(ArgumentError, match="Settings must be"):
            model.export(tmp_path / "b.tflite", format="litert", opset=3)
    with pytest.warns(UserWarning, match="tf.lite.Interpreter is deprecated"):
        runner = tf.lite.Interpreter(model_path=str(tmp_path / "model.tflite"))
    runner.allocate_tensors()
    runner.set_tensor(runner.get_input_details()[0]["index"], x)
    runner.invoke()
    np.testing.assert_allclose(runner.get_tensor(runner.get_output_details()[0]["index"]), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("home", ["jax", "torch"])
def test_a_program_of_torch_computes_what_the_model_does(home, tmp_path, rng):
    torch = pytest.importorskip("torch")
    with cornu.use_backend(home):
        model = convolutional()
        model.export(tmp_path / "model.pt2", format="torch", input_signature=[cornu.InputSpec(shape=(5, 6, 6, 2))])
        assert {v.backend.NAME for v in model.variables} == {home}
        x = rng.normal(size=(5, 6, 6, 2)).astype("float32")
        wanted = model.predict(x, verbose=0)
        with pytest.raises(ArgumentError, match="ends in"):
            model.export(tmp_path / "model", format="torch")
        with pytest.raises(ArgumentError, match=r"InputSpec\(shape=\(1, 6, 6, 2\)\)"):
            model.export(tmp_path / "model.pt2", format="torch")
    found = torch.export.load(tmp_path / "model.pt2").module()(torch.tensor(x))
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-4, atol=1e-5)


def test_a_model_without_weights_stays_where_it_is(tmp_path):
    pytest.importorskip("torch")
    x = np.ones((2, 3), "float32")
    with cornu.use_backend("jax"):
        model = cornu.Sequential([cornu.Input((3,)), layers.Rescaling(2.0)])
        before = type(model(x))
        model.export(tmp_path / "model.pt2", format="torch", input_signature=[cornu.InputSpec(shape=(2, 3))])
        assert type(model(x)) is before


class Unwilling(layers.Layer):
    def call(self, inputs):
        raise RuntimeError("no trace of me")

    def compute_output_shape(self, input_shape):
        return input_shape


@pytest.mark.parametrize(("format", "ending"), [("torch", "pt2"), ("litert", "tflite")])
def test_a_file_stays_as_it_was_where_an_export_fails(format, ending, tmp_path):
    pytest.importorskip("torch")
    model, path = cornu.Sequential([cornu.Input((3,)), Unwilling()]), tmp_path / f"model.{ending}"
    path.write_text("before")
    with pytest.raises(ArgumentError, match="trace"):
        model.export(path, format=format, input_signature=[cornu.InputSpec(shape=(2, 3))])
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [(path.name, "before")]
    with pytest.raises(SavingError, match="nowhere"):
        dense().export(tmp_path / "nowhere" / path.name, format=format, input_signature=[cornu.InputSpec(shape=(2, 6))])


@pytest.mark.parametrize(("format", "program"), [("onnx", "tf2onnx"), ("openvino", "ovc")])
def test_formats_that_others_make_name_them(format, program, tmp_path):
    with cornu.use_backend("tensorflow"), pytest.raises(BackendError, match=program):
        dense().export(tmp_path / "a", format=format)


@pytest.mark.parametrize("name", ["größe", "_x", "a b", "1x"])
def test_names_that_tensorflow_does_not_take(tmp_path, name):
    model = cornu.Sequential([cornu.Input((3,), name=name), layers.Dense(2, name=name)])
    model.export(tmp_path / "m", verbose=False)
    read = tf.saved_model.load(str(tmp_path / "m"))
    np.testing.assert_allclose(read.serve(np.ones((2, 3), "float32")), model.predict(np.ones((2, 3), "float32"), verbose=0), rtol=1e-5)
