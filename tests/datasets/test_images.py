"""MNIST, Fashion-MNIST and CIFAR, from small files in their published formats, over the network of this machine."""

import gzip
import io
import os
import pickle
import struct
import tarfile

import numpy as np
import pytest

from cornu import config
from cornu.datasets import cifar10, cifar100, fashion_mnist, mnist
from cornu.datasets.published import PUBLISHED
from cornu.errors import ArgumentError, CorruptFileError, UnsafeFileError


def equal(part, x, y):
    for read, array in zip(part, (x, y), strict=True):
        assert read.dtype == np.uint8
        np.testing.assert_array_equal(read, array, strict=True)


def pictures(rng, n, *shape):
    return rng.integers(0, 256, (n, *shape), dtype=np.uint8), rng.integers(0, 10, n, dtype=np.uint8)


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def test_mnist(publish, rng, home):
    (x, y), (u, v) = pictures(rng, 7, 28, 28), pictures(rng, 3, 28, 28)
    publish("mnist", npz(x_train=x, y_train=y, x_test=u, y_test=v))
    train, test = mnist.load_data()
    equal(train, x, y)
    equal(test, u, v)
    assert (home / "datasets" / "mnist.npz").is_file()
    mnist.load_data("other.npz")
    assert (home / "datasets" / "other.npz").is_file()


def test_own_files_need_trust(publish, rng, home, monkeypatch):
    """What lies in the cache and is not the published file is fetched anew, unless the environment says that it is to be trusted."""
    (x, y), (u, v) = pictures(rng, 7, 28, 28), pictures(rng, 3, 28, 28)
    publish("mnist", npz(x_train=x, y_train=y, x_test=u, y_test=v))
    (home / "datasets").mkdir(parents=True)
    own = npz(x_train=x[:2], y_train=y[:2], x_test=u, y_test=v)
    (home / "datasets" / "mnist.npz").write_bytes(own)
    monkeypatch.setenv("CORNU_TRUST_CACHE", "1")
    assert len(mnist.load_data()[0][0]) == 2
    monkeypatch.delenv("CORNU_TRUST_CACHE")
    assert len(mnist.load_data()[0][0]) == 7


# ── Fashion-MNIST: four files in IDX format ──


def idx(array, magic=None):
    head = struct.pack(f">{array.ndim + 1}I", 0x800 + array.ndim if magic is None else magic, *array.shape)
    return gzip.compress(head + array.tobytes())


def publish_fashion(publish, train, test):
    for part, (x, y) in (("train", train), ("t10k", test)):
        publish(f"{part}-images-idx3-ubyte.gz", idx(x))
        publish(f"{part}-labels-idx1-ubyte.gz", idx(y))


def test_fashion_mnist(publish, rng, home):
    train, test = pictures(rng, 7, 28, 28), pictures(rng, 3, 28, 28)
    publish_fashion(publish, train, test)
    read_train, read_test = fashion_mnist.load_data()
    equal(read_train, *train)
    equal(read_test, *test)
    assert len(list((home / "datasets" / "fashion-mnist").iterdir())) == 4


@pytest.mark.parametrize(
    "content",
    [
        b"<html>",
        gzip.compress(b"ab"),
        idx(np.zeros((2, 3, 3), "uint8"))[:-9],
        idx(np.zeros((2, 3, 3), "uint8"), magic=0x803 + 1),
        idx(np.zeros(4, "uint8")),
    ],
    ids=["a web page", "two letters", "cut off", "another magic number", "one axis"],
)
def test_damaged_idx_files_are_told(publish, rng, content):
    publish_fashion(publish, pictures(rng, 2, 3, 3), pictures(rng, 2, 3, 3))
    publish("t10k-images-idx3-ubyte.gz", content)
    with pytest.raises(CorruptFileError, match="t10k-images"):
        fashion_mnist.load_data()


def test_pictures_without_labels_are_told(publish, rng):
    publish_fashion(publish, pictures(rng, 2, 3, 3), pictures(rng, 2, 3, 3))
    publish("train-labels-idx1-ubyte.gz", idx(np.zeros(5, "uint8")))
    with pytest.raises(CorruptFileError, match="2 pictures and 5 labels"):
        fashion_mnist.load_data()


# ── CIFAR: a tar file of pickled batches ──


def archive(batches, protocol=2, mode="w:gz"):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as tar:
        for name, batch in {"readme.html": "text", **batches}.items():
            content = batch if isinstance(batch, bytes) else pickle.dumps(batch, protocol)
            info = tarfile.TarInfo(f"cifar/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def batch(rng, n=4, names=("labels",), as_bytes=True):
    """A batch as it was published: rows of 1024 red, 1024 green, 1024 blue points."""
    made = {"data": rng.integers(0, 256, (n, 3072), dtype=np.uint8), **{name: [int(k) for k in rng.integers(0, 10, n)] for name in names}}
    return {key.encode(): value for key, value in made.items()} if as_bytes else made


def expected(made, name="labels"):
    rows, labels = (made.get(key.encode(), made.get(key)) for key in ("data", name))
    return np.stack([rows[:, k * 1024 : (k + 1) * 1024].reshape(-1, 32, 32) for k in range(3)], axis=-1), np.array(labels, np.uint8)[
        :, None
    ]


NAMES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("as_bytes", [True, False])
def test_cifar10(publish, rng, home, protocol, as_bytes):
    batches = {name: batch(rng, as_bytes=as_bytes) for name in reversed(NAMES)}  # the order in the archive does not count
    publish("cifar10", archive(batches, protocol=protocol))
    train, test = cifar10.load_data()
    parts = [expected(batches[name]) for name in NAMES[:5]]
    equal(train, np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts]))
    equal(test, *expected(batches["test_batch"]))
    assert os.listdir(home / "datasets") == ["cifar-10-python.tar.gz"]  # nothing is unpacked


def test_channels_first(publish, rng, monkeypatch):
    batches = {name: batch(rng) for name in NAMES}
    publish("cifar10", archive(batches))
    monkeypatch.setitem(config._settings, "image_data_format", "channels_first")
    (x, _), _ = cifar10.load_data()
    assert x.shape == (20, 3, 32, 32)
    np.testing.assert_array_equal(x[:4].transpose(0, 2, 3, 1), expected(batches["data_batch_1"])[0])


@pytest.mark.parametrize("label_mode", ["fine", "coarse"])
def test_cifar100(publish, rng, label_mode):
    batches = {name: batch(rng, names=("fine_labels", "coarse_labels")) for name in ("train", "test", "meta")}
    publish("cifar100", archive(batches))
    train, test = cifar100.load_data(label_mode)
    equal(train, *expected(batches["train"], f"{label_mode}_labels"))
    equal(test, *expected(batches["test"], f"{label_mode}_labels"))


def test_a_label_mode_that_is_none():
    with pytest.raises(ArgumentError, match=r"label_mode must be 'fine'.*'rough'"):
        cifar100.load_data("rough")


@pytest.mark.parametrize("name", ["cifar-10-batches-py-target_archive", "cifar-10-batches-py.tar.gz", "cifar-10-python.tar.gz"])
def test_an_archive_in_the_cache_by_any_of_its_names_is_used(publish, rng, home, name):
    content = archive({batch_name: batch(rng) for batch_name in NAMES})
    publish("cifar10", content)
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / name).write_bytes(content)
    assert len(cifar10.load_data()[0][0]) == 20
    assert publish.server.requests == []


class Call:
    def __reduce__(self):
        return print, ("run",)


def test_a_batch_that_calls_is_refused(publish, rng, capsys):
    batches = {name: batch(rng) for name in NAMES}
    batches["data_batch_3"][b"labels"] = Call()
    publish("cifar10", archive(batches))
    with pytest.raises(UnsafeFileError, match=r"asks for __builtin__\.print"):
        cifar10.load_data()
    assert "run" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    [
        {b"data": np.zeros((2, 3072), "uint8"), b"labels": [1]},
        {b"data": np.zeros((1, 3000), "uint8"), b"labels": [1]},
        {b"data": np.zeros((1, 3072)), b"labels": [1]},
        {b"data": np.zeros((1, 3072), "uint8")},
        [1, 2],
    ],
)
def test_a_batch_of_another_form_is_told(publish, rng, wrong):
    publish("cifar10", archive({name: batch(rng) for name in NAMES} | {"data_batch_2": wrong}))
    with pytest.raises(CorruptFileError, match="'data_batch_2' in"):
        cifar10.load_data()


def test_a_missing_batch_and_a_damaged_archive_are_told(publish, rng):
    content = archive({name: batch(rng) for name in NAMES[1:]})
    publish("cifar10", content)
    with pytest.raises(CorruptFileError, match=r"cifar-10-python.*lacks data_batch_1\."):
        cifar10.load_data()
    publish("cifar10", content[: len(content) // 2])
    with pytest.raises(CorruptFileError, match="damaged"):
        cifar10.load_data()


def test_the_published_digests_are_used():
    """Each file but Fashion-MNIST's four has one; the address is https."""
    without = sorted(key for key, file in PUBLISHED.items() if file.digest is None)
    assert without == ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]
    assert all(file.url.startswith("https://") for file in PUBLISHED.values())
