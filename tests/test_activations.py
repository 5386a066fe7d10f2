"""Activations against formulas in NumPy and SciPy, on every backend."""

import json

import numpy as np
import pytest
from scipy import special, stats

from cornu import activations, ops
from cornu.errors import UnknownNameError
from cornu.registry import ACTIVATIONS, global_custom_objects, register

X = np.linspace(-5, 5, 41).reshape(1, 41)  # holds -1, -0.5, 0, 0.5 and 1, where pieces meet

FORMULAS = {
    "celu": (lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), {}),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), {}),
    "exponential": (np.exp, {}),
    "gelu": (lambda x: x * stats.norm.cdf(x), {}),
    "glu": (lambda x: x[:, :20] * special.expit(x[:, 20:40]), {}),
    "hard_shrink": (lambda x: np.where(np.abs(x) > 0.5, x, 0), {}),
    "hard_sigmoid": (lambda x: np.clip(x / 6 + 0.5, 0, 1), {}),
    "hard_silu": (lambda x: x * np.clip(x / 6 + 0.5, 0, 1), {}),
    "hard_tanh": (lambda x: np.clip(x, -1, 1), {}),
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.2 * x), {}),
    "linear": (lambda x: x, {}),
    "log_sigmoid": (special.log_expit, {}),
    "log_softmax": (lambda x: special.log_softmax(x, -1), {}),
    "mish": (lambda x: x * np.tanh(np.log1p(np.exp(x))), {}),
    "relu": (lambda x: np.maximum(x, 0), {}),
    "relu6": (lambda x: np.clip(x, 0, 6), {}),
    "selu": (lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))), {}),
    "sigmoid": (special.expit, {}),
    "silu": (lambda x: x * special.expit(x), {}),
    "soft_shrink": (lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0), {}),
    "softmax": (lambda x: special.softmax(x, -1), {}),
    "softplus": (lambda x: np.log1p(np.exp(x)), {}),
    "softsign": (lambda x: x / (1 + np.abs(x)), {}),
    "sparse_plus": (lambda x: np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)), {}),
    "sparse_sigmoid": (lambda x: np.clip((x + 1) / 2, 0, 1), {}),
    "sparsemax": (lambda x: np.maximum(x - _sparsemax_threshold(x[0]), 0), {}),
    "squareplus": (lambda x: (x + np.sqrt(x**2 + 4)) / 2, {}),
    "tanh": (np.tanh, {}),
    "tanh_shrink": (lambda x: x - np.tanh(x), {}),
    "threshold": (lambda x: np.where(x > 0.5, x, -7), {"threshold": 0.5, "default_value": -7.0}),
}


def _sparsemax_threshold(x):
    """The t with sum(max(x - t, 0)) = 1, found by bisection: the definition of the projection, not the algorithm under test."""
    low, high = x.min() - 1, x.max()
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(x - middle, 0).sum() > 1 else (low, middle)
    return low


def test_every_activation_has_a_formula_here():
    assert {ACTIVATIONS.lookup(name).__name__ for name in ACTIVATIONS.names()} == set(FORMULAS)


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_values(backend, name):
    formula, arguments = FORMULAS[name]
    x = X[:, :40] if name == "glu" else X
    y = activations.get(name)(ops.convert_to_tensor(x.astype("float32")), **arguments)
    assert ops.dtype(y) == "float32"
    np.testing.assert_allclose(ops.convert_to_numpy(y), formula(x), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(
    "arguments",
    [
        {"negative_slope": 0.1},
        {"threshold": 1.0},
        {"threshold": -1.0},
        {"max_value": 3.0},
        {"negative_slope": 0.1, "max_value": 3.0, "threshold": 0.75},
    ],
    ids=str,
)
def test_relu_with_arguments(backend, arguments):
    slope, cap, threshold = arguments.get("negative_slope", 0), arguments.get("max_value", np.inf), arguments.get("threshold", 0)
    expected = np.minimum(np.where(threshold < X, X, slope * (X - threshold)), cap)
    y = activations.relu(ops.convert_to_tensor(X.astype("float32")), **arguments)
    np.testing.assert_allclose(ops.convert_to_numpy(y), expected, rtol=1e-6)


def test_arguments_of_others(backend, rng):
    x = rng.normal(size=(2, 6, 3))
    tensor = ops.convert_to_tensor(x.astype("float32"))
    for y, expected in (
        (activations.celu(tensor, 2.0), np.where(x > 0, x, 2 * np.expm1(x / 2))),
        (activations.glu(tensor, axis=1), x[:, :3] * special.expit(x[:, 3:])),
        (activations.gelu(tensor, approximate=True), 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))),
        (activations.hard_shrink(tensor, 1.0), np.where(np.abs(x) > 1, x, 0)),
        (activations.soft_shrink(tensor, 1.0), np.sign(x) * np.maximum(np.abs(x) - 1, 0)),
        (activations.squareplus(tensor, 1.0), (x + np.sqrt(x**2 + 1)) / 2),
        (activations.softmax(tensor, axis=1), special.softmax(x, axis=1)),
        (activations.sparsemax(tensor, axis=1).sum(axis=1), np.ones((2, 3))),
    ):
        np.testing.assert_allclose(ops.convert_to_numpy(y), expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", ACTIVATIONS.names())
def test_names_are_written_and_read(name):
    function = activations.get(name)
    written = activations.serialize(function)
    assert written == function.__name__
    assert activations.deserialize(json.loads(json.dumps(written))) is function


def test_aliases_and_none():
    assert activations.get("swish") is activations.swish is activations.silu
    assert activations.serialize(activations.hard_swish) == "hard_silu"
    assert activations.get(None) is activations.linear
    with pytest.raises(UnknownNameError, match="Did you mean 'softmax'"):
        activations.get("sofmax")


@pytest.fixture
def clean_registrations():
    before = dict(global_custom_objects())
    yield
    global_custom_objects().clear()
    global_custom_objects().update(before)


def test_the_users_functions(clean_registrations):
    def plain(x):
        return x

    described = {"module": "builtins", "class_name": "function", "config": "plain", "registered_name": "function"}
    assert activations.serialize(plain) == described
    assert activations.deserialize(described, {"plain": plain}) is plain
    register("mine")(plain)
    assert activations.serialize(plain)["config"] == "mine>plain"
    assert activations.deserialize(activations.serialize(plain)) is plain
    assert activations.get("mine>plain") is plain
