"""The same files read by the real Keras, run as a black box with its download replaced: the same samples in the same order."""

import gzip
import os
import pickle
import sys

import numpy as np
import pytest

from cornu import datasets
from tests.datasets.conftest import objects
from tests.datasets.test_images import NAMES, archive, batch, idx, npz, pictures

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def keras():
    os.environ["KERAS_BACKEND"] = "jax"
    return pytest.importorskip("keras")


@pytest.fixture
def peer(keras, monkeypatch):
    """`peer(name, path)` is Keras's module of that name, which finds its file at the path."""

    def put(name, path):
        module = getattr(keras.datasets, name)
        home = sys.modules[module.load_data.__module__]
        monkeypatch.setattr(home, "get_file", path if callable(path) else lambda *args, **kwargs: str(path))
        return module

    return put


def same(ours, theirs):
    for part, other in zip(ours, theirs, strict=True):
        for array, wanted in zip(part, other, strict=True):
            assert (array.dtype, array.shape) == (wanted.dtype, wanted.shape)
            assert array.tolist() == wanted.tolist()


WORDS = [{}, {"num_words": 30}, {"num_words": 30, "skip_top": 5}, {"num_words": 40, "maxlen": 8}, {"num_words": 30, "oov_char": None}]
WORDS += [{"num_words": 99, "start_char": None}, {"num_words": 99, "index_from": 9, "start_char": 7, "seed": 1}, {"skip_top": 5}]


def filled(arguments):
    """Keras, given no number of words, leaves out the highest number that occurs; ours keeps it, as its documentation says. So a number is given."""
    return {"num_words": 1000, **arguments}


@pytest.mark.parametrize("arguments", WORDS)
def test_imdb(publish, texts, home, peer, arguments):
    (x, y), (u, v) = texts(60), texts(30)
    publish("imdb", npz(x_train=x, y_train=y, x_test=u, y_test=v))
    ours = datasets.imdb.load_data(**filled(arguments))
    same(ours, peer("imdb", home / "datasets/imdb.npz").load_data(**filled(arguments)))


@pytest.mark.parametrize("arguments", [*WORDS, {"test_split": 0.37}, {"test_split": 0}])
def test_reuters(publish, texts, home, peer, arguments):
    x, y = texts(60, kinds=46)
    publish("reuters", npz(x=x, y=y))
    ours = datasets.reuters.load_data(**filled(arguments))
    same(ours, peer("reuters", home / "datasets/reuters.npz").load_data(**filled(arguments)))


def test_the_one_difference(publish, home, peer):
    """Without a number of words Keras loses the highest; ours does not. (2026-11-21, keras 3.15.1)"""
    publish("reuters", npz(x=objects([[1, 2], [5, 3]]), y=np.arange(2)))
    ours, theirs = datasets.reuters.load_data(test_split=0), peer("reuters", home / "datasets/reuters.npz").load_data(test_split=0)
    assert sorted(ours[0][0].tolist()) == [[1, 4, 5], [1, 8, 6]]
    assert sorted(map(list, theirs[0][0])) == [[1, 2, 6], [1, 4, 5]]


def test_topics(keras):
    assert datasets.reuters.get_label_names() == keras.datasets.reuters.get_label_names()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("boston_housing", {}),
        ("boston_housing", {"test_split": 0.37, "seed": 4}),
        ("california_housing", {}),
        ("california_housing", {"version": "small", "test_split": 0.1}),
    ],
)
def test_housing(publish, rng, home, peer, name, arguments):
    publish(name, npz(x=rng.normal(size=(700, 8)), y=rng.normal(size=700)))
    ours = getattr(datasets, name).load_data(**arguments)
    same(ours, peer(name, home / f"datasets/{name}.npz").load_data(**arguments))


def test_mnist(publish, rng, home, peer):
    (x, y), (u, v) = pictures(rng, 7, 28, 28), pictures(rng, 3, 28, 28)
    publish("mnist", npz(x_train=x, y_train=y, x_test=u, y_test=v))
    same(datasets.mnist.load_data(), peer("mnist", home / "datasets/mnist.npz").load_data())


def test_fashion_mnist(publish, rng, home, peer):
    """Keras takes the published sizes for granted, so ours is compared with it in the measures of 60,000 and 10,000 black pictures."""
    for part, n in (("train", 60000), ("t10k", 10000)):
        publish(f"{part}-images-idx3-ubyte.gz", gzip.compress(gzip.decompress(idx(np.zeros((n, 28, 28), "uint8"))), 1))
        publish(f"{part}-labels-idx1-ubyte.gz", idx(rng.integers(0, 10, n, dtype=np.uint8)))
    theirs = peer("fashion_mnist", lambda name, **kwargs: str(home / "datasets/fashion-mnist" / name))
    ours = datasets.fashion_mnist.load_data()
    for part, other in zip(ours, theirs.load_data(), strict=True):
        for array, wanted in zip(part, other, strict=True):
            np.testing.assert_array_equal(array, wanted, strict=True)


def files(folder, batches):
    """The batches as Keras finds them unpacked. Protocol 3: what Python 3 makes of bytes at protocol 2, Keras does not read."""
    folder.mkdir()
    for name, made in batches.items():
        (folder / name).write_bytes(pickle.dumps(made, 3))


@pytest.mark.long  # 180 MB pass through several hands
def test_cifar10(publish, rng, peer, tmp_path):
    """Keras takes batches of 10,000 for granted."""
    batches = {}
    for name in NAMES:
        made = batch(rng, n=5)
        batches[name] = {b"data": np.tile(made[b"data"], (2000, 1)), b"labels": made[b"labels"] * 2000}
    files(tmp_path / "cifar-10-batches-py", batches)
    publish("cifar10", archive(batches, protocol=3, mode="w"))
    ours, theirs = datasets.cifar10.load_data(), peer("cifar10", tmp_path).load_data()
    for part, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(part[0], other[0], strict=True)
        np.testing.assert_array_equal(part[1], other[1])


@pytest.mark.parametrize("label_mode", ["fine", "coarse"])
def test_cifar100(publish, rng, peer, tmp_path, label_mode):
    batches = {name: batch(rng, names=("fine_labels", "coarse_labels")) for name in ("train", "test")}
    files(tmp_path / "cifar-100-python", batches)
    publish("cifar100", archive(batches))
    ours, theirs = datasets.cifar100.load_data(label_mode), peer("cifar100", tmp_path).load_data(label_mode)
    for part, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(part[0], other[0], strict=True)
        np.testing.assert_array_equal(part[1], other[1])
