"""What lies at the edge of what a dtype holds, or beyond: every backend gives what NumPy, SciPy or ml_dtypes gives."""

import ml_dtypes
import numpy as np
import pytest
import scipy.special

from cornu import ops
from cornu.errors import ArgumentError, DTypeError, ShapeError

INF, NAN, LEAST = np.inf, np.nan, -(2**31)


def host(x):
    return ops.convert_to_numpy(x)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_the_first_nan_is_found_behind_an_infinity(backend, dtype):
    x = ops.convert_to_tensor(np.array([[1, INF, NAN, NAN], [0, -INF, NAN, 2], [-0.0, 0, -1, INF]]), dtype)
    assert host(ops.argmax(x, axis=1)).tolist() == [2, 2, 3]
    assert host(ops.argmin(x, axis=1)).tolist() == [2, 2, 2]
    assert host(ops.argmin(x[:, :2], axis=1)).tolist() == [0, 1, 0]


@pytest.mark.parametrize("op", ["exp2", "cbrt"])
def test_bfloat16_is_rounded_once(backend, op):
    x = np.array([-90, -30, 30, 90, 1e30, -1e-30, 3], ml_dtypes.bfloat16)
    found = host(getattr(ops, op)(x)).astype(np.float32)
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(found, getattr(np, op)(x.astype(np.float32)), rtol=2**-8)


def test_the_mean_of_more_halves_than_a_half_counts(backend):
    assert float(ops.mean(np.full((70000,), 2.0, np.float16))) == 2.0


def test_segments_of_nothing(backend):
    assert host(ops.segment_prod(np.zeros((0, 2), np.float32), np.zeros((0,), np.int32), num_segments=2)).tolist() == [[1, 1], [1, 1]]


def test_divisors_of_the_least_integer(backend):
    x, y = np.array([2**31 - 1, LEAST, LEAST, 0, -12], np.int32), np.array([LEAST, 48, -1, 0, 18], np.int32)
    assert host(ops.gcd(x, y)).tolist() == [1, 16, 1, 0, 6]
    assert host(ops.gcd(np.array([100, 8], np.uint8), 12)).tolist() == [4, 4]
    assert host(ops.lcm(np.array([4, -6, 0], np.int32), np.array([6, 4, 5], np.int32))).tolist() == [12, 12, 0]


def test_a_bound_beyond_what_the_dtype_holds_bounds_nothing(backend):
    x = np.array([0, 1, 7, 255], np.uint8)
    assert host(ops.clip(x, -1, 7)).tolist() == [0, 1, 7, 7]
    assert host(ops.clip(x, 1, 300)).tolist() == [1, 1, 7, 255]
    assert host(ops.hard_tanh(x)).tolist() == [0, 1, 1, 1]
    with pytest.raises(ArgumentError, match="300 beside uint8"):
        ops.clip(x, 300, 400)


@pytest.mark.parametrize("op", ["nonzero", "where"])
def test_a_number_alone_has_no_positions(backend, op):
    with pytest.raises(ShapeError, match="at least one axis"):
        getattr(ops, op)(np.float32(2))


def test_float8_holds_no_more_than_448(backend):
    x = np.array([448, 464, 465, -500, INF, NAN, 300, -0.1], np.float32)
    found = host(ops.cast(ops.cast(x, "float8_e4m3fn"), "float32"))
    np.testing.assert_array_equal(found, x.astype(ml_dtypes.float8_e4m3fn).astype(np.float32))
    assert host(ops.cast(np.array([1.5, -2], ml_dtypes.float8_e5m2), "float32")).tolist() == [1.5, -2]


def test_quotients_with_an_infinity(backend):
    x, y = (
        each.ravel() for each in np.meshgrid(np.array([0, 1, -7, INF, -INF, NAN], np.float32), np.array([2, -3, INF, -INF], np.float32))
    )
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(host(ops.floor_divide(x, y)), np.floor_divide(x, y))


def test_shifts_by_more_bits_than_there_are_or_fewer_than_none(backend):
    x, y = np.array([1, -5, 5, -5, 5, 3], np.int32), np.array([-1, -1, 40, 40, 31, 2], np.int32)
    assert host(ops.left_shift(x, y)).tolist() == [0, 0, 0, 0, LEAST, 12]
    assert host(ops.right_shift(x, y)).tolist() == [0, -1, 0, -1, 0, 0]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint32", "int64"])
@pytest.mark.parametrize("op", ["mod", "fmod", "floor_divide"])
def test_integers_over_0_are_0(backend, op, dtype):
    x = np.array([0, 5, 7, 100], dtype)
    over = np.array([0, 0, 2, 0], dtype)
    with np.errstate(divide="ignore"):
        expected = getattr(np, op)(x, over)
    for divisor, there in ((over, expected), (0, np.zeros_like(x)), (3, getattr(np, op)(x, x.dtype.type(3)))):
        found = getattr(ops, op)(ops.convert_to_tensor(x), divisor if type(divisor) is int else ops.convert_to_tensor(divisor))
        assert ops.dtype(found) == ops.dtype(ops.convert_to_tensor(x))
        np.testing.assert_array_equal(host(found), there)
    np.testing.assert_array_equal(
        host(getattr(ops, op)(7, ops.convert_to_tensor(over))), getattr(np, op)(7, np.where(over, over, 8)) * (over != 0)
    )


@pytest.mark.parametrize("name", ["mod", "fmod", "floor_divide"])
def test_a_number_over_0_is_0_for_integers_and_nan_or_infinite_for_floats(backend, name):
    assert host(getattr(ops, name)(5, 0)).tolist() == 0
    assert not np.isfinite(host(getattr(ops, name)(5.0, 0.0)))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_i0_is_finite_as_far_as_its_dtype_holds_it(backend, dtype):
    x = np.array([0, 0.5, 3, 79, -81, 90, -91, 95], ops.convert_to_numpy(ops.zeros((), dtype)).dtype)
    found = host(ops.i0(x)).astype(np.float64)
    expected = scipy.special.i0(x.astype(np.float64))
    beyond = expected > 3.4e38
    np.testing.assert_allclose(found[~beyond], expected[~beyond], rtol=2e-5 if dtype == "float32" else 2**-8)
    assert np.isinf(found[beyond]).all()


ORDERED = (
    "relu relu6 leaky_relu elu celu selu hard_sigmoid hard_silu hard_tanh softplus squareplus log_sigmoid sparse_plus sparse_sigmoid erf erfc erfinv "
    "i0 signbit corrcoef sort argsort max softmax"
)
PAIRED = (
    "maximum minimum fmax fmin less less_equal greater greater_equal mod fmod floor_divide hypot arctan2 logaddexp logaddexp2 nextafter heaviside "
    "searchsorted"
)


@pytest.mark.parametrize("op", [*ORDERED.split(), *PAIRED.split()])
def test_what_needs_an_order_refuses_complex_numbers(backend, op):
    x = np.array([1 + 2j, -1j], np.complex64)
    with pytest.raises(DTypeError, match="not defined for complex numbers, got complex64"):
        getattr(ops, op)(*[ops.convert_to_tensor(x)] * (2 if op in PAIRED.split() else 1))


@pytest.mark.parametrize("op", ["sigmoid", "silu"])
def test_the_logistic_function_has_complex_arguments(backend, op):
    x = np.array([1 + 2j, -1j, -300 + 1j, 300 - 1j], np.complex64)
    with np.errstate(over="ignore", invalid="ignore"):
        logistic = 1 / (1 + np.exp(-x.astype(np.complex128)))
    expected = logistic if op == "sigmoid" else x * logistic
    np.testing.assert_allclose(host(getattr(ops, op)(x)), expected, rtol=1e-5, atol=1e-6)


def test_a_clip_may_have_one_bound(backend):
    for kind, x in (("int32", [-5, 0, 2**31 - 1]), ("uint8", [0, 3, 255]), ("float32", [-INF, 0.5, INF]), ("bfloat16", [-2.0, 0.5, 9.0])):
        given = ops.convert_to_tensor(x, kind)
        for bounds in ((None, 1), (1, None), (None, None)):
            found = ops.clip(given, *bounds)
            assert ops.dtype(found) == kind
            np.testing.assert_array_equal(host(found), np.clip(np.array(x, "float64"), *bounds))
    assert np.isnan(float(ops.clip(NAN, None, 1.0)))


def test_one_number_is_its_own_axis(backend):
    assert host(ops.softmax(3.0)).tolist() == 1.0
    assert host(ops.log_softmax(3.0)).tolist() == 0.0
    assert host(ops.argsort(3.0)).tolist() == np.argsort(np.float32(3)).tolist()
    np.testing.assert_allclose(host(ops.normalize(3.0)), [1.0])
