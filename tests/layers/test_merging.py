"""Layers that make one tensor of several."""

import numpy as np
import pytest

from cornu import layers, ops, use_backend
from cornu.errors import ArgumentError, ShapeError

ELEMENTWISE = {
    "Add": np.add, "Multiply": np.multiply, "Maximum": np.maximum, "Minimum": np.minimum, "Subtract": np.subtract,
    "Average": lambda a, b: (a + b) / 2,
}  # fmt: skip


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("shapes", [((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (2, 1, 4)), ((2, 3, 4), (2, 4)), ((2,), (2, 3, 4))], ids=str)
def test_element_by_element(name, shapes, backend, rng):
    a, b = (rng.normal(size=s).astype("float32") for s in shapes)
    # fewer axes: those behind the batch axis stand against the last ones
    a, b = (x if x.ndim == 3 else x.reshape(2, *[1] * (3 - x.ndim), *x.shape[1:]) for x in (a, b))
    given = [x.reshape(s) for x, s in zip((a, b), shapes, strict=True)]
    np.testing.assert_allclose(ops.convert_to_numpy(getattr(layers, name)()(given)), ELEMENTWISE[name](a, b), rtol=1e-6)


@pytest.mark.parametrize("name", ["Add", "Multiply", "Maximum", "Minimum", "Average", "Concatenate"])
def test_any_number_of_tensors(name, backend, rng):
    xs = rng.normal(size=(4, 2, 3)).astype("float32")
    reduce = {"Average": lambda x: x.mean(0), "Concatenate": lambda x: np.concatenate(x, -1), "Add": lambda x: x.sum(0)}
    reduce |= {"Multiply": lambda x: x.prod(0), "Maximum": lambda x: x.max(0), "Minimum": lambda x: x.min(0)}
    for count in (1, 4):
        layer = getattr(layers, name)()
        np.testing.assert_allclose(ops.convert_to_numpy(layer(list(xs[:count]))), reduce[name](xs[:count]), rtol=1e-5)


def test_unknown_lengths_stay_unknown():
    with use_backend("numpy"):
        fixed, free = layers.Input((4, 3)), layers.Input((None, 3))
        assert layers.Add()([free, layers.Input((3,))]).shape == (None, None, 3)
        assert layers.Concatenate()([fixed, layers.Input((4, 2))]).shape == (None, 4, 5)
        assert layers.Concatenate(1)([fixed, free]).shape == (None, None, 3)
        assert layers.Dot(2)([fixed, free]).shape == (None, 4, None)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize(
    ("axes", "shapes", "formula"),
    [
        (1, ((2, 3), (2, 3)), "bi,bi->b"),
        (-1, ((2, 4, 3), (2, 5, 3)), "bti,bsi->bts"),
        ((1, 2), ((2, 3, 4, 5), (2, 6, 3)), "bixy,bsi->bxys"),
        ((2, 1), ((2, 4, 3), (2, 3)), "bti,bi->bt"),
    ],
)
def test_dot_sums_products(axes, shapes, formula, normalize, backend, rng):
    a, b = (rng.normal(size=s).astype("float32") for s in shapes)
    i, j = (axes, axes) if isinstance(axes, int) else axes
    scaled = [x / np.linalg.norm(x, axis=k, keepdims=True) if normalize else x for x, k in ((a, i), (b, j))]
    expected = np.einsum(formula, *scaled)
    y = ops.convert_to_numpy(layers.Dot(axes, normalize=normalize)([a, b]))
    np.testing.assert_allclose(y, expected[:, None] if expected.ndim == 1 else expected, rtol=1e-4, atol=1e-5)


def test_dot_of_a_vector_without_length_is_zero(backend):
    y = layers.Dot(1, normalize=True)([np.zeros((1, 3), "float32"), np.ones((1, 3), "float32")])
    assert ops.convert_to_numpy(y).tolist() == [[0.0]]


X = np.ones((2, 3, 4), "float32")


@pytest.mark.parametrize(
    ("layer", "inputs", "words"),
    [
        (layers.Add, X, r"merges a list of tensors, e.g. `layer\(\[a, b\]\)`, got one of shape \(2, 3, 4\)"),
        (layers.Add, [], "merges a list"),
        (layers.Add, [X, X[:, :, :3]], "(?i)shape"),
        (layers.Subtract, [X, X, X], "takes a list of 2 tensors, got 3"),
        (layers.Concatenate, [X, X[:, :2]], "(?i)shape"),
        (lambda: layers.Dot(1), [X, X, X], "takes a list of 2 tensors, got 3"),
        (lambda: layers.Dot(1), [X, X[:, :2]], r"axes 1 and 1 of inputs of shapes \(2, 3, 4\) and \(2, 2, 4\)"),
        (lambda: layers.Dot(0), [X, X], "not the batch axis"),
    ],
)
def test_what_cannot_be_merged_is_refused(layer, inputs, words, backend):
    with pytest.raises(ShapeError, match=words):
        layer()(inputs)


@pytest.mark.parametrize("axes", ["1", (1,), (1, 2, 3), 1.5])
def test_axes_are_one_or_two_numbers(axes):
    with pytest.raises(ArgumentError, match="one whole number or two"):
        layers.Dot(axes)
