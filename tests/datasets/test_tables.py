"""The housing tables, from small files in their published formats, and the sets that come with scikit-learn."""

import io
import sys

import numpy as np
import pytest
import sklearn.datasets

from cornu import datasets
from cornu.datasets import boston_housing, california_housing
from cornu.errors import ArgumentError, BackendError


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def table(rng, n, columns):
    return rng.normal(size=(n, columns)), rng.normal(size=n)


def shuffled_parts(x, y, count, seed=113):
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    return (x[order[:count]], y[order[:count]]), (x[order[count:]], y[order[count:]])


def same(read, expected):
    for part, wanted in zip(read, expected, strict=True):
        for array, other in zip(part, wanted, strict=True):
            np.testing.assert_array_equal(array, other, strict=True)


@pytest.mark.parametrize(("test_split", "count"), [(0.2, 40), (0, 50), (0.33, 33)])
def test_boston_housing(publish, rng, test_split, count):
    x, y = table(rng, 50, 13)
    publish("boston_housing", npz(x=x, y=y))
    same(boston_housing.load_data(test_split=test_split), shuffled_parts(x, y, count))
    same(boston_housing.load_data(test_split=test_split, seed=5), shuffled_parts(x, y, count, seed=5))


def test_california_housing(publish, rng):
    x, y = table(rng, 700, 8)
    publish("california_housing", npz(x=x, y=y))
    same(california_housing.load_data(), shuffled_parts(x, y, 560))
    same(california_housing.load_data("small", seed=3), shuffled_parts(x[:600], y[:600], 480, seed=3))


def test_arguments_that_are_none():
    with pytest.raises(ArgumentError, match=r"version must be 'small'.*'tiny'"):
        california_housing.load_data("tiny")
    for load in (boston_housing.load_data, california_housing.load_data, datasets.iris.load_data):
        for test_split in (-0.1, 1.0, 2):
            with pytest.raises(ArgumentError, match="test_split"):
                load(test_split=test_split)


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_tables_of_scikit_learn(name):
    x, y = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
    same(getattr(datasets, name).load_data(test_split=0.25, seed=4), shuffled_parts(x, y, int(len(x) * 0.75), seed=4))


def test_digits():
    bunch = sklearn.datasets.load_digits()
    read = datasets.digits.load_data()
    same(read, shuffled_parts(bunch.images.astype("uint8"), bunch.target.astype("uint8"), 1437))
    assert read[0][0].max() == 16
    np.testing.assert_array_equal(datasets.load_digits().data, bunch.data)
    assert set(datasets.load_digits(n_class=3).target) == {0, 1, 2}


def test_without_scikit_learn_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(BackendError, match=r"pip install 'cornu\[data\]'"):
        datasets.wine.load_data()
