"""Weights go to files and come back; what does not fit is listed, and nothing is changed."""

import json
import os
import shutil

import h5py
import numpy as np
import pytest
import safetensors.numpy

import cornu
from cornu import layers, ops
from cornu.errors import ArgumentError, CorruptFileError, DTypeError, SavingError, ShapeError, UnsafeFileError
from cornu.saving import load_weights
from cornu.saving.hdf5 import SEAL, SEALED, Hdf5Reader
from cornu.saving.tensors import TensorReader
from cornu.state import Variable

ENDINGS = ["w.weights.h5", "w.safetensors", "w.weights.json", "m.keras", "m.h5", "s.safetensors"]


def model_of(*units, dtype="float32"):
    return cornu.Sequential([cornu.Input((4,)), *(layers.Dense(n, name=f"d{i}", dtype=dtype) for i, n in enumerate(units))])


def save(model, path):
    if path.name in ("m.keras", "m.h5"):
        model.save(path)
    else:
        model.save_weights(path, max_shard_size=1e-7 if path.suffix == ".json" or path.name.startswith("s.") else None)


def values(model):
    return [w.copy() for w in model.get_weights()]


def equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("ending", ENDINGS)
def test_there_and_back(backend, tmp_path, ending):
    model, other = model_of(3, 2), model_of(3, 2)
    save(model, tmp_path / ending)
    assert not equal(values(model), values(other))
    other.load_weights(tmp_path / ending)
    assert equal(values(model), values(other))


@pytest.mark.parametrize("ending", ENDINGS[:3])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
def test_every_float(tmp_path, ending, dtype):
    with cornu.use_backend("numpy"):
        model, other = model_of(3, dtype=dtype), model_of(3, dtype=dtype)
        save(model, tmp_path / ending)
        other.load_weights(tmp_path / ending)
    assert values(other)[0].dtype.name == dtype
    assert equal(values(model), values(other))


@pytest.mark.parametrize("ending", ENDINGS)
def test_differences_are_listed_and_nothing_is_changed(backend, tmp_path, ending):
    save(model_of(3, 2, 2), tmp_path / ending)
    other = model_of(3, 5)
    before = values(other)
    with pytest.raises(ShapeError) as refusal:
        other.load_weights(tmp_path / ending)
    message = str(refusal.value)
    assert "(3, 5)" in message
    assert "(3, 2)" in message
    assert "no place" in message
    assert "Nothing was changed" in message
    assert len(message.splitlines()) <= 12
    assert equal(before, values(other))


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_fits_can_be_read_alone(tmp_path, ending):
    model, other = model_of(3, 2), model_of(3, 5)
    save(model, tmp_path / ending)
    before = values(other)
    with pytest.warns(UserWarning, match="left out"):
        other.load_weights(tmp_path / ending, skip_mismatch=True)
    assert equal(values(other), [*values(model)[:2], *before[2:]])


def test_floats_become_other_floats_but_not_whole_numbers(tmp_path):
    with cornu.use_backend("numpy"):
        model_of(3, dtype="float64").save_weights(tmp_path / "w.weights.h5")
    other = model_of(3)
    other.load_weights(tmp_path / "w.weights.h5")
    assert values(other)[0].dtype == np.float32

    class Counter(cornu.Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight((4, 3), "zeros", dtype="int32", name="kernel")
            self.bias = self.add_weight((3,), "zeros", dtype="float32", name="bias")

        def call(self, inputs):
            return inputs

    counting = cornu.Sequential([cornu.Input((4,)), Counter(name="d0")])
    counting.layers[0].__class__.__name__ = "Dense"
    with pytest.raises(ShapeError, match="has the dtype int32, and the file holds float64"):
        counting.load_weights(tmp_path / "w.weights.h5")


def test_objects_can_be_skipped(tmp_path):
    model, other = model_of(3, 2), model_of(3, 2)
    model.save_weights(tmp_path / "w.weights.h5")
    before = values(other)
    load_weights(other, tmp_path / "w.weights.h5", objects_to_skip=[other.layers[0]])
    assert equal(values(other), [*before[:2], *values(model)[2:]])


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("inside", [False, True])
def test_what_is_inside_a_skipped_object_is_skipped_in_every_format(tmp_path, ending, inside):
    def nested():
        inner = cornu.Sequential([cornu.Input((4,)), layers.Dense(3, name="i"), layers.Dense(3, name="j")], name="inner")
        return cornu.Sequential([cornu.Input((4,)), inner, layers.Dense(2, name="o")]), inner

    (model, _), (other, inner) = nested(), nested()
    save(model, tmp_path / ending)
    before = values(other)
    load_weights(other, tmp_path / ending, objects_to_skip=[inner.layers[0] if inside else inner])
    count = 2 if inside else 4
    assert equal(values(other), [*before[:count], *values(model)[count:]])


def test_objects_to_skip_are_layers_in_a_list(tmp_path):
    model = model_of(3, 2)
    model.save_weights(tmp_path / "w.weights.h5")
    for wrong in (["d0"], model.layers[0], "d0"):
        with pytest.raises(ArgumentError, match="objects_to_skip must be a list of layers"):
            model.load_weights(tmp_path / "w.weights.h5", objects_to_skip=wrong)


class Numbers(cornu.Layer):
    def __init__(self, kind, **kwargs):
        super().__init__(**kwargs)
        self.kind = kind

    def build(self, input_shape):
        self.numbers = self.add_weight((3,), dtype=self.kind, initializer="zeros", trainable=False, name="numbers")

    def call(self, inputs):
        return inputs


@pytest.mark.parametrize("ending", ["w.weights.h5", "w.safetensors"])
@pytest.mark.parametrize(
    ("given", "numbers", "wanted"),
    [("int32", [300, -1, 0], "uint8"), ("float32", [1e6, 1, 0], "float16"), ("int32", [70000, 0, 0], "float16")],
)
def test_numbers_that_a_dtype_cannot_hold_are_refused(tmp_path, ending, given, numbers, wanted):
    models = {kind: cornu.Sequential([cornu.Input((4,)), Numbers(kind, name="n")]) for kind in (given, wanted)}
    models[given].set_weights([np.array(numbers, given)])
    models[given].save_weights(tmp_path / ending)
    with pytest.raises(ShapeError, match=rf"numbers' has the dtype {wanted}, from .*the file holds"):
        models[wanted].load_weights(tmp_path / ending)
    with pytest.warns(UserWarning, match="left out"):
        models[wanted].load_weights(tmp_path / ending, skip_mismatch=True)
    assert values(models[wanted])[0].tolist() == [0, 0, 0]


def test_infinity_stays_infinity(tmp_path):
    wide, narrow = (cornu.Sequential([cornu.Input((4,)), Numbers(kind, name="n")]) for kind in ("float32", "float16"))
    wide.set_weights([np.array([np.inf, -np.inf, 65504], "float32")])
    wide.save_weights(tmp_path / "w.weights.h5")
    narrow.load_weights(tmp_path / "w.weights.h5")
    assert values(narrow)[0].tolist() == [np.inf, -np.inf, 65504]


def test_which_layers_train_is_as_before_loading(trainable_backend, tmp_path):
    def partly_frozen():
        inner = cornu.Sequential([cornu.Input((4,)), layers.Dense(3, name="c"), layers.Dense(3, name="e")], name="inner")
        model = cornu.Sequential([cornu.Input((4,)), inner, layers.Dense(1, name="o")])
        inner.trainable = False
        inner.layers[1].trainable = True
        inner.layers[1].bias.trainable = False
        model.compile("adam", "mse")
        return model

    model, other = partly_frozen(), partly_frozen()
    model.optimizer.build(model.trainable_variables)
    model.save_weights(tmp_path / "w.weights.h5")
    other.load_weights(tmp_path / "w.weights.h5")
    assert [v.path for v in other.trainable_variables] == ["e/kernel", "o/kernel", "o/bias"]
    assert [layer.trainable for layer in other.layers[0].layers] == [False, True]


def test_a_model_that_is_not_built_is_named(tmp_path):
    model_of(3).save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ShapeError, match="not built yet"):
        cornu.Sequential([layers.Dense(3)]).load_weights(tmp_path / "w.weights.h5")


def test_the_optimizer_goes_along_where_it_fits(trainable_backend, tmp_path, rng):
    x, y = rng.normal(size=(8, 4)).astype("float32"), rng.normal(size=(8, 2)).astype("float32")
    model = model_of(3, 2)
    model.compile("adam", "mse")
    model.fit(x, y, verbose=0)
    model.save_weights(tmp_path / "w.weights.h5")
    same, other, bare = model_of(3, 2), model_of(3, 2), model_of(3, 2)
    same.compile("adam", "mse")  # its slots are made when they are read
    same.load_weights(tmp_path / "w.weights.h5")
    assert equal([v.numpy() for v in same.optimizer.variables], [v.numpy() for v in model.optimizer.variables])
    other.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="optimizer's state"):
        other.load_weights(tmp_path / "w.weights.h5")
    bare.load_weights(tmp_path / "w.weights.h5")
    assert equal(values(other), values(model))
    assert equal(values(bare), values(model))


def test_a_layer_that_writes_itself_is_undone_with_the_rest(tmp_path):
    class Own(cornu.Layer):
        refuses = False

        def build(self, input_shape):
            self.scale = self.add_weight((input_shape[-1],), "ones", name="scale")

        def call(self, inputs):
            return inputs * self.scale

        def save_own_variables(self, store):
            store["scale"] = self.scale.numpy()

        def load_own_variables(self, store):
            self.scale.assign(store["scale"])
            if self.refuses:
                raise ArgumentError("no")

    model = cornu.Sequential([cornu.Input((3,)), Own(), layers.Dense(2)])
    model.set_weights([w + 1 for w in model.get_weights()])
    model.save_weights(tmp_path / "w.weights.h5")
    other = cornu.Sequential([cornu.Input((3,)), Own(), layers.Dense(2)])
    before = values(other)
    Own.refuses = True
    with pytest.raises(ShapeError, match="layers/own"):
        other.load_weights(tmp_path / "w.weights.h5")
    assert equal(before, values(other))
    Own.refuses = False
    other.load_weights(tmp_path / "w.weights.h5")
    assert equal(values(model), values(other))


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_interruption_leaves_the_weights_as_they_were(backend, tmp_path, monkeypatch, ending):
    """Ctrl-C, or memory that runs out, after some of the variables have their new values."""
    save(model_of(3, 2, 2), tmp_path / ending)
    other = model_of(3, 2, 2)
    before = values(other)
    plain, count = Variable.assign, []

    def interrupted(self, value):
        count.append(self)
        if len(count) == 4:
            raise KeyboardInterrupt
        plain(self, value)

    monkeypatch.setattr(Variable, "assign", interrupted)
    with pytest.raises(KeyboardInterrupt):
        other.load_weights(tmp_path / ending)
    assert len(count) > 4  # some had to be undone
    assert equal(before, values(other))


def test_a_damaged_file_changes_nothing(tmp_path):
    model = model_of(300, 2)
    for ending in ENDINGS[:2]:
        model.save_weights(tmp_path / ending)
        content = (tmp_path / ending).read_bytes()
        (tmp_path / ending).write_bytes(content[: len(content) // 2])
        other = model_of(300, 2)
        before = values(other)
        with pytest.raises(CorruptFileError):
            other.load_weights(tmp_path / ending)
        assert equal(before, values(other))


def test_paths_that_are_no_weight_files(tmp_path):
    for path, shard in (("w.h5", None), ("w.bin", None), ("w.weights.json", None), ("w.weights.h5", 1.0)):
        with pytest.raises(ArgumentError, match=r"weights\.h5"):
            model_of(3).save_weights(tmp_path / path, max_shard_size=shard)
    with pytest.raises(SavingError, match="nothing"):
        model_of(3).load_weights(tmp_path / "nothing.weights.h5")
    model_of(3).save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(SavingError, match="already"):
        model_of(3).save_weights(tmp_path / "w.weights.h5", overwrite=False)


# --- safetensors ------------------------------------------------------------------------------------------------------


def test_safetensors_are_read_and_written_as_their_library_does(tmp_path):
    model = model_of(3, 2)
    model.save_weights(tmp_path / "w.safetensors")
    theirs = safetensors.numpy.load_file(tmp_path / "w.safetensors")
    assert {name: array.shape for name, array in theirs.items()} == {v.path: v.shape for v in model.weights}
    for v in model.weights:
        np.testing.assert_array_equal(theirs[v.path], v.numpy())
    changed = {name: array + 1 for name, array in theirs.items()}
    safetensors.numpy.save_file(changed, tmp_path / "t.safetensors")
    model.load_weights(tmp_path / "t.safetensors")
    for v in model.weights:
        np.testing.assert_array_equal(v.numpy(), changed[v.path])


def test_pieces_are_read_by_their_library_and_old_ones_go(tmp_path):
    model, path = model_of(30, 20), tmp_path / "w.safetensors"
    index = tmp_path / "w.safetensors.index.json"
    for limit, pieces in ((400, 4), (1500, 3), (10**6, 1)):  # weights of 480, 120, 2400 and 80 bytes
        model.save_weights(path, max_shard_size=limit / 2**30)
        listed = json.loads(index.read_text())
        names = set(listed["weight_map"].values())
        assert {index.name, *names} == set(os.listdir(tmp_path))
        assert len(names) == pieces
        assert listed["metadata"]["total_size"] == sum(w.nbytes for w in values(model))
        held = {name: array for piece in names for name, array in safetensors.numpy.load_file(tmp_path / piece).items()}
        assert all(np.array_equal(held[v.path], v.numpy()) for v in model.weights)
        for given in (path, index):
            other = model_of(30, 20)
            other.load_weights(given)
            assert equal(values(model), values(other))
    with pytest.raises(SavingError, match="already"):
        model.save_weights(path, overwrite=False)
    model.save_weights(path)  # in one file again
    assert os.listdir(tmp_path) == ["w.safetensors"]
    model.save_weights(path, max_shard_size=1.0)
    assert path.name not in os.listdir(tmp_path)


@pytest.mark.parametrize("name", ["../w.safetensors", "/etc/passwd", "a/b.safetensors", "a\\b.safetensors", "w.txt", 7])
def test_a_list_of_tensors_names_neighbours_only(tmp_path, name):
    (tmp_path / "w.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": {"d0/kernel": name}}))
    with pytest.raises((UnsafeFileError, CorruptFileError)) as refusal:
        model_of(3).load_weights(tmp_path / "w.safetensors.index.json")
    assert "beside" in str(refusal.value) or name == 7


@pytest.mark.parametrize("damage", ["missing", "tensor", "none"])
def test_pieces_that_are_not_as_listed_change_nothing(tmp_path, damage):
    model, path = model_of(30, 20), tmp_path / "w.safetensors"
    model.save_weights(path, max_shard_size=400 / 2**30)
    listed = json.loads((tmp_path / "w.safetensors.index.json").read_text())
    pieces = sorted(set(listed["weight_map"].values()))
    if damage == "missing":
        (tmp_path / pieces[1]).unlink()
    elif damage == "tensor":
        first = next(iter(listed["weight_map"]))
        listed["weight_map"][first] = pieces[-1]
    else:
        listed = []
    (tmp_path / "w.safetensors.index.json").write_text(json.dumps(listed))
    before = values(model)
    with pytest.raises(SavingError):
        model.load_weights(path)
    assert equal(before, values(model))


def test_two_weights_of_one_path_are_refused(tmp_path):
    a = cornu.Input((4,))
    model = cornu.Model(a, layers.Dense(4, name="same")(layers.Dense(4, name="same")(a)))
    with pytest.raises(SavingError, match="same/kernel"):
        model.save_weights(tmp_path / "w.safetensors")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [10**15], "data_offsets": [0, 4 * 10**15]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [0, 8]},
        {"dtype": "F99", "shape": [2], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]},
        {"shape": [2]},
        [],
    ],
    ids=["size", "huge", "negative", "dtype", "gap", "incomplete", "list"],
)
def test_a_header_that_lies_is_refused(tmp_path, entry):
    header = json.dumps({"a": entry}).encode()
    (tmp_path / "w.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    with pytest.raises(CorruptFileError, match="whole safetensors"):
        TensorReader(tmp_path / "w.safetensors")


def test_a_header_longer_than_the_file_is_refused(tmp_path):
    (tmp_path / "w.safetensors").write_bytes((2**62).to_bytes(8, "little") + b"{}")
    with pytest.raises(CorruptFileError, match="claims"):
        TensorReader(tmp_path / "w.safetensors")


# --- shards -----------------------------------------------------------------------------------------------------------


def test_shards_keep_to_the_limit_and_old_ones_go(tmp_path):
    model = model_of(30, 20)
    path = tmp_path / "w.weights.json"
    for limit in (400, 1500, 10**6):
        model.save_weights(path, max_shard_size=limit / 2**30)
        listed = json.loads(path.read_text())
        names = {name for files in listed["weight_map"].values() for name in files}
        assert {"w.weights.json", *names} == set(os.listdir(tmp_path))
        assert listed["metadata"]["total_size"] == sum(w.nbytes for w in values(model))
        assert len(names) == {400: 4, 1500: 3, 10**6: 1}[limit]  # weights of 480, 120, 2400 and 80 bytes
        other = model_of(30, 20)
        other.load_weights(path)
        assert equal(values(model), values(other))


@pytest.mark.parametrize(
    ("name", "neighbour"), [("w.weights.json", "w_00000.weights.h5"), ("w.safetensors", "w-00001-of-00001.safetensors")]
)
def test_a_neighbour_is_not_overwritten_by_a_piece(tmp_path, name, neighbour):
    model_of(3).save_weights(tmp_path / neighbour)
    before = (tmp_path / neighbour).read_bytes()
    model = model_of(5)
    model.save_weights(tmp_path / name, overwrite=False, max_shard_size=1.0)
    assert (tmp_path / neighbour).read_bytes() == before
    other = model_of(5)
    other.load_weights(tmp_path / name)
    assert equal(values(model), values(other))


@pytest.mark.parametrize(
    ("name", "copy"), [("c.weights.json", "best.weights.json"), ("c.safetensors.index.json", "best.safetensors.index.json")]
)
def test_pieces_that_another_list_names_stay(tmp_path, name, copy):
    first = model_of(3)
    target = tmp_path / name.removesuffix(".index.json")
    first.save_weights(target, max_shard_size=1.0)
    shutil.copy(tmp_path / name, tmp_path / copy)
    model_of(3).save_weights(target, max_shard_size=1.0)
    other = model_of(3)
    other.load_weights(tmp_path / copy)
    assert equal(values(first), values(other))


@pytest.mark.parametrize("sharded", [{}, {"max_shard_size": 1.0}])
def test_a_list_that_names_another_models_file_does_not_remove_it(tmp_path, sharded):
    model = model_of(3)
    model.save_weights(tmp_path / "base.safetensors")
    listed = {v.path: "base.safetensors" for v in model.weights}
    (tmp_path / "mine.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": listed}))
    model.load_weights(tmp_path / "mine.safetensors")
    model.save_weights(tmp_path / "mine.safetensors", **sharded)
    assert (tmp_path / "base.safetensors").exists()


@pytest.mark.parametrize("name", ["w.weights.json", "w.safetensors"])
def test_a_sharded_save_that_fails_leaves_nothing_new(tmp_path, monkeypatch, name):
    model = model_of(30, 20)
    model.save_weights(tmp_path / name, max_shard_size=1e-7)
    before, plain, calls = sorted(os.listdir(tmp_path)), os.replace, []

    def failing(*paths):
        calls.append(paths)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        plain(*paths)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", failing)
        with pytest.raises(SavingError, match="No space left"):
            model.save_weights(tmp_path / name, max_shard_size=1e-7)
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("size", ["5GB", float("nan"), float("inf"), 0])
def test_a_size_of_pieces_is_a_number(tmp_path, size):
    with pytest.raises(ArgumentError, match="max_shard_size must be"):
        model_of(3).save_weights(tmp_path / "w.weights.json", max_shard_size=size)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["../w.weights.h5", "/etc/passwd", "a/b.weights.h5", "w.txt", 7])
def test_a_list_names_neighbours_only(tmp_path, name):
    (tmp_path / "w.weights.json").write_text(json.dumps({"metadata": {}, "weight_map": {"/vars": [name]}}))
    with pytest.raises(UnsafeFileError, match="beside"):
        model_of(3).load_weights(tmp_path / "w.weights.json")


def test_weights_alone_give_the_same_outputs(backend, tmp_path, rng):
    a = cornu.Input((6, 3))
    build = lambda: cornu.Model(a, layers.Dense(2, name="end")(layers.LSTM(4, name="lstm")(layers.BatchNormalization(name="norm")(a))))  # noqa: E731
    model, other = build(), build()
    model.save_weights(tmp_path / "w.weights.h5")
    other.load_weights(tmp_path / "w.weights.h5")
    x = rng.normal(size=(2, 6, 3)).astype("float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(model(x)), ops.convert_to_numpy(other(x)))


class Table(cornu.Layer):
    """It saves what is no weight, or under a name of its own what is one."""

    def __init__(self, table, **kwargs):
        super().__init__(**kwargs)
        self.table = table

    def build(self, input_shape):
        self.scale = self.add_weight((2,), name="scale")

    def call(self, inputs):
        return inputs

    def save_own_variables(self, store):
        store["scale"] = self.scale.numpy()
        if self.table:
            store["table"] = np.ones(3)

    def load_own_variables(self, store):
        self.scale.assign(store["scale"])


@pytest.mark.parametrize("name", ["m.h5", "w.safetensors", "w.weights.h5", "m.keras"])
def test_what_a_format_has_no_place_for_is_refused(tmp_path, name):
    for table in (False, True):
        model = cornu.Sequential([cornu.Input((4,)), Table(table, name="mine")])
        if table and name in ("m.h5", "w.safetensors"):
            with pytest.raises(SavingError, match=r"'mine' .*saves 'table'.*\.(keras|weights\.h5)`"):
                save(model, tmp_path / name)
        else:
            save(model, tmp_path / name)
            (tmp_path / name).unlink()
    assert os.listdir(tmp_path) == []


def test_a_vocabulary_found_in_data_is_not_lost_in_an_older_file(tmp_path):
    words = layers.StringLookup(name="words")
    words.adapt(np.array(["a", "b"]))
    with pytest.raises(SavingError, match=r"vocabulary\.txt.*`\.keras`"):
        cornu.Sequential([cornu.Input((1,), dtype="string"), words]).save(tmp_path / "m.h5")
    cornu.Sequential([cornu.Input((1,), dtype="string"), layers.StringLookup(vocabulary=["a", "b"])]).save(tmp_path / "m.h5")
    assert cornu.saving.load_model(tmp_path / "m.h5").layers[0].get_vocabulary() == ["[UNK]", "a", "b"]


def test_weights_are_set_all_or_none(backend):
    model = model_of(3)
    before = values(model)
    with pytest.raises(DTypeError, match="'d0/bias' must be set to numbers"):
        model.set_weights([np.zeros((4, 3)), np.array(["a", "b", "c"])])
    assert equal(before, values(model))


@pytest.mark.parametrize("place", [-1, -5, 0.5])
def test_a_flipped_bit_in_safetensors_is_seen(tmp_path, place):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2)])
    path = tmp_path / "w.safetensors"
    model.save_weights(path)
    raw = bytearray(path.read_bytes())
    raw[place if isinstance(place, int) else int(len(raw) * place)] ^= 1
    path.write_bytes(raw)
    with pytest.raises(CorruptFileError, match="must be a whole safetensors file"):
        model.load_weights(path)


@pytest.fixture(params=["w.weights.h5", "m.h5"])
def sealed(request, tmp_path):
    """A model, its file, and how it reads that."""
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2, name="d")])
    path = tmp_path / request.param
    (model.save if path.name == "m.h5" else model.save_weights)(path)
    return model, path, cornu.saving.load_model if path.name == "m.h5" else model.load_weights


def test_every_flipped_bit_and_truncation_of_hdf5_is_seen_or_does_no_harm(sealed):
    model, path, read = sealed
    whole, before = path.read_bytes(), model.get_weights()
    content = len(whole) - SEALED
    for place in range(0, content, max(1, content // 150)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        with pytest.raises(CorruptFileError):
            read(path)
    for length in (*range(content // 2, content, max(1, content // 50)), content + len(SEAL), len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptFileError):
            read(path)
    for place in range(content, len(whole)):  # in the digest itself: refused, or the content is as it was
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        try:
            found = read(path) or model
        except CorruptFileError:
            found = model
        assert equal(before, found.get_weights())


def test_hdf5_that_another_program_has_changed_is_read(sealed):
    model, path, read = sealed
    with Hdf5Reader(path) as file:
        (kernel,) = (name for name in file.walk() if file.spec(name).shape == (3, 2))
    with h5py.File(path, "r+") as file:
        file[kernel][...] = 7.0
    np.testing.assert_array_equal((read(path) or model).get_weights()[0], np.full((3, 2), 7.0))


def test_safetensors_without_a_digest_are_read(tmp_path):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2, name="d")])
    kernel, bias = np.ones((3, 2), "float32"), np.zeros(2, "float32")
    for metadata in (None, {"format": "pt"}):
        safetensors.numpy.save_file({"d/kernel": kernel, "d/bias": bias}, tmp_path / "w.safetensors", metadata)
        model.load_weights(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(model.get_weights()[0], kernel)
