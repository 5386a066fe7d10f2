"""Files of weights looked into and changed by hand."""

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import ArgumentError, CorruptFileError, SavingError
from cornu.saving import KerasFileEditor


def model_of(*units):
    dense = [layers.Dense(n, name=f"d{i}") for i, n in enumerate(units)]
    model = cornu.Sequential([cornu.Input((3, 4)), layers.Bidirectional(layers.LSTM(2)), layers.Dropout(0.5), *dense])
    model.compile("sgd", "mse")
    return model


@pytest.fixture(params=["m.keras", "m.weights.h5"])
def file(request, tmp_path):
    model = model_of(3, 2)
    (model.save if request.param == "m.keras" else model.save_weights)(tmp_path / request.param)
    return tmp_path / request.param, model


def test_what_is_in_a_file(file, capsys):
    path, model = file
    editor = KerasFileEditor(path)
    assert (editor.metadata is None) == (editor.config is None) == path.name.endswith(".h5")
    dense = editor.weights_dict["layers"]["dense_1"]
    for found, variable in zip((dense["0"], dense["1"]), model.layers[-1].weights, strict=True):
        np.testing.assert_array_equal(found, variable.numpy())
    assert editor.object_metadata["/layers/dense_1"] == {"name": "d1"}
    editor.summary()
    told = capsys.readouterr().out
    assert "  dense_1\n    0: shape=(3, 2), dtype=float32\n" in told
    assert "backward_layer" in told


def test_comparing(file, capsys):
    path, model = file
    editor = KerasFileEditor(path)
    assert editor.compare(model) == {"status": "success", "error_count": 0, "match_count": len(model.weights) + 2}
    other = model_of(3, 5, 1)
    found = editor.compare(other)
    assert found["status"] == "error"
    assert found["error_count"] == 3  # both weights of the second Dense, and the third one
    told = capsys.readouterr().out
    assert "/layers/dense_1/0: the model's shape is (3, 5), the file's (3, 2)" in told
    assert "/layers/dense_2: the model has 2 weights there, and the file none" in told


def test_changing_and_saving(file, tmp_path):
    path, model = file
    before = path.read_bytes()
    editor = KerasFileEditor(path)
    kernel = np.ones((3, 5), "float32")
    editor.add_weights("dense_1", {"0": kernel, "1": np.zeros(5, "float32")})
    editor.add_object("layers/dense_2", {"0": np.full((5, 1), 2.0, "float32"), "1": np.ones(1, "float32")})
    editor.delete_object("optimizer")
    editor.save(tmp_path / "new.weights.h5")
    assert path.read_bytes() == before
    other = model_of(3, 5, 1)
    other.load_weights(tmp_path / "new.weights.h5")
    for mine, theirs in zip(model.get_weights()[:-2], other.get_weights(), strict=False):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(other.get_layer("d1").get_weights()[0], kernel)
    np.testing.assert_array_equal(other.get_layer("d2").get_weights()[0], np.full((5, 1), 2.0))


def test_renaming_and_deleting(file, tmp_path):
    editor = KerasFileEditor(file[0])
    editor.rename_object("dense_1", "dense_7")
    editor.rename_object("layers/bidirectional", "both")
    assert list(editor.weights_dict["layers"]) == ["both", "dense", "dense_7", "dropout"]
    assert "/layers/both/forward_layer/cell" in editor.object_metadata
    editor.delete_weight("dense_7", "1")
    assert list(editor.weights_dict["layers"]["dense_7"]) == ["0"]
    editor.delete_object("backward_layer")
    editor.resave_weights(tmp_path / "x.weights.h5")
    again = KerasFileEditor(tmp_path / "x.weights.h5")
    assert set(again.weights_dict["layers"]["both"]) == {"forward_layer"}
    assert again.object_metadata == editor.object_metadata


def test_what_cannot_be_done_changes_nothing(file, tmp_path):
    editor = KerasFileEditor(file[0])
    one = {"0": np.zeros(1)}
    refused = [
        (editor.rename_object, ("dense", "dense_1"), "already"),
        (editor.rename_object, ("dense", "a/b"), "one part"),
        (editor.rename_object, ("cell", "x"), "may be"),  # forward and backward
        (editor.delete_object, ("nothing",), "'layers/dense'"),
        (editor.add_object, ("layers/dense", one), "already"),
        (editor.add_object, ("a/b", one), "must have 'a'"),
        (editor.add_object, ("layers/..", one), "one part"),
        (editor.delete_weight, ("dense", "9"), "'9'"),
        (editor.add_weights, ("dense", {"0": np.array(["text"])}), "plain numbers"),
        (editor.add_weights, ("dense", {"a/b": np.zeros(1)}), "slashes"),
        (editor.add_weights, ("bidirectional", {"forward_layer": np.zeros(1)}), "keys of their own"),
        (editor.save, (tmp_path / "x.keras",), "weights.h5"),
    ]
    for method, args, message in refused:
        with pytest.raises(ArgumentError, match=message):
            method(*args)
    fresh = KerasFileEditor(file[0])
    assert str(editor.weights_dict) == str(fresh.weights_dict)
    assert editor.object_metadata == fresh.object_metadata


def test_files_that_are_none(tmp_path):
    with pytest.raises(ArgumentError, match="ends in"):
        KerasFileEditor(tmp_path / "m.safetensors")
    with pytest.raises(SavingError, match="nothing"):
        KerasFileEditor(tmp_path / "nothing.weights.h5")
    (tmp_path / "m.keras").write_bytes(b"PK no archive")
    with pytest.raises(CorruptFileError):
        KerasFileEditor(tmp_path / "m.keras")


def test_an_attribute_called_vars(tmp_path, capsys):
    class Own(cornu.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.vars = layers.Dense(2)

        def build(self, input_shape):
            self.vars.build(input_shape)
            self.shift = self.add_weight((2,), name="shift")

        def call(self, inputs):
            return self.vars(inputs) + self.shift

    model = cornu.Sequential([cornu.Input((3,)), Own()])
    model.save_weights(tmp_path / "a.weights.h5")
    editor = KerasFileEditor(tmp_path / "a.weights.h5")
    editor.summary()
    assert "    vars\n      0: shape=(3, 2), dtype=float32\n" in capsys.readouterr().out
    editor.add_weights("own", {"0": np.ones(2, "float32")})
    editor.save(tmp_path / "b.weights.h5")
    before = [w.copy() for w in model.get_weights()]
    model.load_weights(tmp_path / "b.weights.h5")
    np.testing.assert_equal(sorted(w.tolist() for w in model.get_weights() if w.ndim == 2), [w.tolist() for w in before if w.ndim == 2])
    assert model.layers[0].shift.numpy().tolist() == [1, 1]
