"""`load_weights` of the folders that OrbaxCheckpoint writes, and of folders that only look so."""

import json
import shutil
import sys

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.callbacks import OrbaxCheckpoint
from cornu.errors import BackendError, CorruptFileError, ShapeError, UnsafeFileError

orbax = pytest.importorskip("orbax.checkpoint.experimental.v1")

X, Y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")


def made(units=2, name=None, last="b"):
    parts = [layers.Dense(units, name="a"), layers.BatchNormalization(name="norm"), layers.Dropout(0.1), layers.Dense(1, name=last)]
    model = cornu.Sequential([cornu.Input((3,)), *parts], name=name)
    model.compile("adam", "mse")
    return model


def same_weights(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder of two checkpoints, and the weights of the second."""
    folder = tmp_path_factory.mktemp("orbax")
    with cornu.use_backend("jax"):
        model = made(name="first")
        model.fit(X, Y, epochs=2, verbose=0, callbacks=[OrbaxCheckpoint(folder, max_to_keep=None)])
    return folder, model


@pytest.fixture
def folder(kept, tmp_path):
    shutil.copytree(kept[0], tmp_path / "kept")
    return tmp_path / "kept"


@pytest.mark.parametrize("name", [None, "first", "second"])
def test_the_latest_checkpoint_is_read_whatever_the_model_is_called(trainable_backend, kept, name):
    folder, model = kept
    other = made(name=name)
    other.load_weights(folder)
    assert same_weights(model, other)
    other.load_weights(folder / "0")
    assert not same_weights(model, other)


def test_weights_alone(tmp_path):
    model, other = made(), made()
    model.fit(X, Y, verbose=0, callbacks=[OrbaxCheckpoint(tmp_path, save_weights_only=True)])
    other.load_weights(tmp_path)
    assert same_weights(model, other)


def test_what_does_not_fit_is_named_and_changes_nothing(kept):
    folder, model = kept
    other = made(units=4)
    before = other.get_weights()
    with pytest.raises(ShapeError, match=r"(?s)a/kernel' has the shape \(3, 4\).*\(3, 2\)"):
        other.load_weights(folder)
    assert all(np.array_equal(a, b) for a, b in zip(before, other.get_weights(), strict=True))
    with pytest.warns(UserWarning, match="left out"):
        other.load_weights(folder, skip_mismatch=True)
    np.testing.assert_array_equal(other.get_layer("b").bias.numpy(), model.get_layer("b").bias.numpy())
    with pytest.raises(ShapeError, match="for which the model has no place"):
        made(last="c").load_weights(folder)


def test_links_out_of_the_folder_are_not_followed(folder, tmp_path):
    (folder / "1" / "pytree" / "_METADATA").rename(tmp_path / "elsewhere")
    (folder / "1" / "pytree" / "_METADATA").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeFileError, match="symbolic link"):
        made().load_weights(folder)


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"tree_metadata": {}}'])
def test_a_checkpoint_without_its_description_is_refused(folder, content):
    described = folder / "1" / "pytree" / "_METADATA"
    described.unlink() if content is None else described.write_text(content)
    model = made()
    before = model.get_weights()
    with pytest.raises((CorruptFileError, ShapeError), match=r"must hold a whole checkpoint|the file lacks"):
        model.load_weights(folder)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize(("change", "error"), [({"shape": [2**36, 2]}, ShapeError), ({"chunk": [2**18, 2**18]}, UnsafeFileError)])
def test_arrays_that_claim_more_room_than_the_model_has_are_never_read(folder, tmp_path, change, error):
    store = pytest.importorskip("tensorstore").KvStore
    pytree = folder / "1" / "pytree"
    source = store.open({"driver": "ocdbt", "base": f"file://{pytree}/"}).result()
    found = {key: source.read(key).result().value for key in source.list().result()}
    for name in ("d", "ocdbt.process_0"):
        shutil.rmtree(pytree / name)
    (pytree / "manifest.ocdbt").unlink()
    target = store.open({"driver": "ocdbt", "base": f"file://{pytree}/"}).result()
    for key, value in found.items():
        if b"trainable_variables" in key and key.endswith((b"a.kernel/zarr.json", b"a.kernel/.zarray")):
            described = json.loads(value)
            if "shape" in change:
                described["shape"] = change["shape"]
            elif "chunks" in described:
                described["chunks"] = change["chunk"]
            else:
                described["chunk_grid"]["configuration"]["chunk_shape"] = change["chunk"]
                described["codecs"] = [{"name": "bytes", "configuration": {"endian": "little"}}]
            value = json.dumps(described).encode()
        target.write(key, value).result()
    with pytest.raises(error, match=r"a/kernel|kernel"):
        made().load_weights(folder)


def test_without_the_package(monkeypatch, kept):
    monkeypatch.setitem(sys.modules, "orbax.checkpoint.experimental.v1", None)
    with pytest.raises(BackendError, match=r"needs the package 'orbax-checkpoint'.*pip install 'cornu\[orbax\]'"):
        made().load_weights(kept[0])
