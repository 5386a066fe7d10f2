"""Regularizers against their formulas in NumPy, on every backend."""

import json

import numpy as np
import pytest

from cornu import ops, regularizers
from cornu.errors import ArgumentError, ShapeError, UnknownNameError
from cornu.registry import REGULARIZERS


def test_penalties_follow_their_formulas(backend, rng):
    x = rng.normal(size=(4, 5)).astype("float32")
    for regularizer, expected in (
        (regularizers.L1(0.3), 0.3 * np.abs(x).sum()),
        (regularizers.L2(0.3), 0.3 * (x**2).sum()),
        (regularizers.L1L2(0.3, 0.2), 0.3 * np.abs(x).sum() + 0.2 * (x**2).sum()),
    ):
        assert float(regularizer(ops.convert_to_tensor(x))) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_orthogonality_is_the_mean_cosine_of_pairs(backend, rng, mode):
    x = rng.normal(size=(4, 6)).astype("float32")
    vectors = x if mode == "rows" else x.T
    pairs = [(a, b) for i, a in enumerate(vectors) for b in vectors[:i]]
    expected = 0.7 * np.mean([abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b) for a, b in pairs])
    assert float(regularizers.OrthogonalRegularizer(0.7, mode)(ops.convert_to_tensor(x))) == pytest.approx(expected, rel=1e-5)


def test_one_row_and_rows_of_zeros_are_orthogonal(backend):
    assert float(regularizers.OrthogonalRegularizer()(np.ones((1, 3), "float32"))) == 0
    assert float(regularizers.OrthogonalRegularizer()(np.zeros((2, 3), "float32"))) == 0


@pytest.mark.parametrize("name", REGULARIZERS.names())
def test_a_configuration_makes_an_equal_regularizer(name):
    made = regularizers.get(name)
    config = json.loads(json.dumps(regularizers.serialize(made)))
    assert config["module"] == "keras.regularizers"
    again = regularizers.deserialize(config)
    assert type(again) is type(made)
    assert again.get_config() == made.get_config()


def test_none_stands_for_the_default_factor():
    assert regularizers.L1(None).get_config() == {"l1": 0.01}
    assert regularizers.L2(None).get_config() == {"l2": 0.01}
    assert regularizers.L1L2(None, 0.5).get_config() == {"l1": 0.0, "l2": 0.5}


def test_get_takes_functions_and_none():
    def largest(x):
        return ops.max(x)

    assert regularizers.get(None) is None
    assert regularizers.get(largest) is largest


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: regularizers.get("l2l"), UnknownNameError, "Did you mean"),
        (lambda: regularizers.L1(-1), ArgumentError, "l1 must be a finite number of at least 0, got -1"),
        (lambda: regularizers.L2(float("nan")), ArgumentError, "l2 must be"),
        (lambda: regularizers.L1L2(0.0, "a"), ArgumentError, "l2 must be"),
        (lambda: regularizers.OrthogonalRegularizer(mode="diagonals"), ArgumentError, "mode must be"),
        (lambda: regularizers.OrthogonalRegularizer()(np.ones(3)), ShapeError, r"needs a matrix, got the shape \(3,\)"),
    ],
)
def test_what_cannot_be_is_refused(call, error, says):
    with pytest.raises(error, match=says):
        call()
