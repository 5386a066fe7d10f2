"""Constraints against their formulas in NumPy, on every backend."""

import json

import numpy as np
import pytest

from cornu import constraints, ops
from cornu.errors import UnknownNameError
from cornu.registry import CONSTRAINTS


@pytest.mark.parametrize("axis", [0, 1, [0, 1], (0, 2)])
def test_norms_are_brought_within_bounds(backend, rng, axis):
    w = rng.normal(size=(4, 5, 3)).astype("float32") * 2
    axes = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    norms = np.sqrt((w.astype("float64") ** 2).sum(axes, keepdims=True))
    for constraint, wanted in (
        (constraints.MaxNorm(3.0, axis), np.minimum(norms, 3)),
        (constraints.UnitNorm(axis), np.ones_like(norms)),
        (constraints.MinMaxNorm(3.0, 4.0, 1.0, axis), np.clip(norms, 3, 4)),
        (constraints.MinMaxNorm(3.0, 4.0, 0.25, axis), 0.25 * np.clip(norms, 3, 4) + 0.75 * norms),
    ):
        projected = ops.convert_to_numpy(constraint(ops.convert_to_tensor(w)))
        np.testing.assert_allclose(projected, w * wanted / norms, rtol=1e-5)
        assert projected.dtype == np.float32


def test_non_neg_and_a_norm_of_zero(backend):
    np.testing.assert_array_equal(ops.convert_to_numpy(constraints.NonNeg()(np.array([-1.0, 0.0, 2.0], "float32"))), [0, 0, 2])
    zeros = np.zeros((3, 2), "float32")
    for constraint in (constraints.MaxNorm(), constraints.UnitNorm(), constraints.MinMaxNorm(1.0, 2.0)):
        np.testing.assert_array_equal(ops.convert_to_numpy(constraint(zeros)), zeros)


@pytest.mark.parametrize("name", CONSTRAINTS.names())
def test_a_configuration_makes_an_equal_constraint(name):
    made = constraints.get(name)
    config = json.loads(json.dumps(constraints.serialize(made)))
    assert config["module"] == "keras.constraints"
    again = constraints.deserialize(config)
    assert type(again) is type(made)
    assert again.get_config() == made.get_config()


def test_get_takes_functions_none_and_no_unknown_name():
    def capped(w):
        return ops.minimum(w, 1.0)

    assert constraints.get(None) is None
    assert constraints.get(capped) is capped
    with pytest.raises(UnknownNameError, match="Did you mean 'MaxNorm'"):
        constraints.get("maxnorm")
