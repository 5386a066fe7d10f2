"""Weights, masks and reductions, against sums written out."""

import numpy as np
import pytest

from cornu import losses, ops
from cornu.errors import ArgumentError, ShapeError

VALUES = np.array([[1.0, 4.0, 9.0], [16.0, 25.0, 36.0]], "float32")  # the squared errors below
T, Y = np.zeros((2, 3, 1), "float32"), np.sqrt(VALUES)[..., None]
MASK = np.array([[True, True, False], [True, False, False]])


def mse(reduction, *args, **kwargs):
    return ops.convert_to_numpy(losses.MeanSquaredError(reduction=reduction)(T, Y, *args, **kwargs))


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [("sum_over_batch_size", 91 / 6), ("mean", 91 / 6), ("sum", 91), ("mean_with_sample_weight", 91 / 6), ("none", VALUES), (None, VALUES)],
)
def test_plain(backend, reduction, expected):
    np.testing.assert_allclose(mse(reduction), expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(2,), (2, 1), (2, 3), (2, 3, 1)])
@pytest.mark.parametrize("reduction", ["mean", "sum", "mean_with_sample_weight", "none"])
def test_weights_count_from_the_first_axis(backend, reduction, shape):
    w = np.array([[2.0] * 3, [0.5] * 3])
    weights = {(2,): w[:, 0], (2, 1): w[:, :1], (2, 3): w, (2, 3, 1): w[..., None]}[shape]
    weighted = VALUES * w
    expected = {"mean": weighted.sum() / 6, "sum": weighted.sum(), "mean_with_sample_weight": weighted.sum() / w.sum(), "none": weighted}
    np.testing.assert_allclose(mse(reduction, weights), expected[reduction], rtol=1e-6)


@pytest.mark.parametrize(
    ("reduction", "expected"), [("mean", 21 / 3), ("sum", 21), ("mean_with_sample_weight", 21 / 3), ("none", VALUES * MASK)]
)
def test_masked_values_do_not_count(backend, reduction, expected):
    np.testing.assert_allclose(mse(reduction, mask=MASK), expected, rtol=1e-6)


@pytest.mark.parametrize(("reduction", "expected"), [("mean", 18 / 3), ("sum", 18), ("mean_with_sample_weight", 18 / 4.5), ("none", None)])
def test_weights_and_mask_together(backend, reduction, expected):
    w = np.array([2.0, 0.5])
    expected = VALUES * MASK * w[:, None] if expected is None else expected
    np.testing.assert_allclose(mse(reduction, w, mask=MASK), expected, rtol=1e-6)


def test_a_mask_over_samples(backend):
    np.testing.assert_allclose(mse("mean", mask=np.array([True, False])), 14 / 3, rtol=1e-6)


@pytest.mark.parametrize("reduction", ["mean", "sum", "mean_with_sample_weight"])
def test_nothing_counts_nothing(backend, reduction):
    assert mse(reduction, mask=np.zeros((2, 3), bool)) == 0
    assert mse(reduction, np.zeros(2)) == 0
    assert float(losses.MeanSquaredError(reduction=reduction)(np.zeros((0, 2)), np.zeros((0, 2), "float32"))) == 0


def test_what_does_not_count_may_be_anything(backend):
    y = np.array([[1.0], [np.nan], [np.inf]], "float32")
    assert float(losses.MeanSquaredError()(np.zeros((3, 1)), y, mask=np.array([True, False, False]))) == 1.0
    assert float(losses.MeanSquaredError(reduction="sum")(np.zeros((3, 1)), y, np.array([2.0, 0.0, 0.0]))) == 2.0


@pytest.mark.parametrize("weights", [np.ones(3), np.ones((3, 2)), np.ones((2, 3, 4))])
def test_weights_that_do_not_fit(weights):
    with pytest.raises(ShapeError, match="Sample weights must have the shape"):
        mse("mean", weights)


def test_an_unknown_reduction():
    with pytest.raises(ArgumentError, match=r"'sum_over_batch_size', 'mean', 'sum'.* got 'bogus'"):
        losses.MeanSquaredError(reduction="bogus")


def test_outputs_are_cast_to_the_loss_dtype(backend):
    half = np.ones((2, 1), "float16")
    assert ops.dtype(losses.MeanSquaredError()(half, half)) == "float32"
    assert ops.dtype(losses.MeanSquaredError(dtype="float16")(half, half)) == "float16"


def test_structures_are_mapped(backend):
    t = {"a": np.zeros((2, 1)), "b": [np.zeros((2, 3))]}
    y = {"a": np.ones((2, 1), "float32"), "b": [np.full((2, 3), 3, "float32")]}
    assert float(losses.MeanSquaredError()(t, y)) == 5.0
    assert float(losses.MeanSquaredError(reduction="sum")(t, y, np.array([1.0, 0.5]))) == 15.0
    each = losses.MeanSquaredError(reduction=None)(t, y)
    assert ops.convert_to_numpy(each["a"]).tolist() == [1, 1]
    assert ops.convert_to_numpy(each["b"][0]).tolist() == [9, 9]
    with pytest.raises(ArgumentError, match="targets in the structure of the outputs"):
        losses.MeanSquaredError()({"a": t["a"]}, y)


def test_the_gradient_of_a_masked_mean(trainable_backend):
    from cornu.state import Variable, value_and_grad

    v = Variable(np.array([[3.0], [5.0]], "float32"))
    loss = losses.MeanSquaredError()
    (_, _), (grad,) = value_and_grad(lambda: (loss(np.zeros((2, 1)), v.value, mask=np.array([True, False])), None), [v])
    assert ops.convert_to_numpy(grad).tolist() == [[6.0], [0.0]]


def test_shapes_are_inferred():
    from cornu.backends.spec import TensorSpec
    from cornu.graph import SymbolicTensor

    t, y = TensorSpec((4,), "int32"), TensorSpec((4, 3))
    assert losses.SparseCategoricalCrossentropy()(t, y).shape == ()
    assert losses.SparseCategoricalCrossentropy(reduction=None)(t, y).shape == (4,)
    t, y = SymbolicTensor((None, 5, 3)), SymbolicTensor((None, 5, 3))
    assert losses.mean_squared_error(t, y).shape == (None, 5)
    for reduction in ("mean", "sum", "mean_with_sample_weight"):
        loss = losses.MeanSquaredError(reduction=reduction)
        assert loss(t, y, SymbolicTensor((None,)), mask=SymbolicTensor((None, 5), dtype="bool")).shape == ()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["BinaryCrossentropy", "BinaryFocalCrossentropy", "KLDivergence", "CosineSimilarity"])
def test_half_size_floats_keep_what_is_small(backend, name, dtype):
    """Outputs of exactly 0 and 1, and vectors of zeros: 1e-7 is not lost beside 1, nor 1e-12 beside 0."""
    t, y = np.eye(3, dtype="float32"), np.eye(3, dtype="float32")[[1, 1, 0]]
    y[2] = 0 if name == "CosineSimilarity" else y[2]
    exact = ops.convert_to_numpy(getattr(losses, name)(reduction=None)(t, y))
    found = getattr(losses, name)(reduction=None, dtype=dtype)(t, y)
    assert ops.dtype(found) == dtype
    np.testing.assert_allclose(ops.convert_to_numpy(found).astype("float32"), exact, rtol=1e-2, atol=1e-5)
    assert np.isfinite(exact).all()
