"""Functions of one array, element by element: exponentials, roots, rounding, signs, tests for NaN and infinity.

Shapes are kept. The functions that have a fraction turn integers and booleans into `floatx`; the others keep the dtype. Numbers outside a function's
domain give NaN, poles give infinity, and nothing warns.
"""

from __future__ import annotations

import math
from typing import Any

from cornu import dtypes
from cornu.ops.arguments import Array, array, floating, no_booleans, no_complex
from cornu.ops.dispatch import primitive

__all__ = [
    "abs", "absolute", "cbrt", "ceil", "conj", "conjugate", "erf", "erfc", "erfinv", "exp", "exp2", "expm1", "fabs", "floor", "i0",
    "imag", "isfinite", "isinf", "isnan", "isneginf", "isposinf", "isreal", "log", "log1p", "log2", "log10", "nan_to_num", "negative",
    "real", "reciprocal", "round", "rsqrt", "sigmoid", "sign", "signbit", "sqrt", "square", "trunc",
]  # fmt: skip


@primitive
def exp(on: Any, x: Array) -> Array:
    """Exponential. `e ** x`.

    >>> exp([0.0]).tolist()
    [1.0]
    """
    return on.exp(floating(on, x))


@primitive
def exp2(on: Any, x: Array) -> Array:
    """Power of two. `2 ** x`.

    >>> exp2([0.0, 3.0]).tolist()
    [1.0, 8.0]
    """
    return on.exp2(floating(on, x))


@primitive
def expm1(on: Any, x: Array) -> Array:
    """Exponential minus one, exact for small `x`. `e ** x - 1`.

    >>> expm1([0.0]).tolist()
    [0.0]
    """
    return on.expm1(floating(on, x))


@primitive
def log(on: Any, x: Array) -> Array:
    """Natural logarithm; NaN below 0, -inf at 0. `ln x`.

    >>> log([0.0, 1.0]).tolist()
    [-inf, 0.0]
    """
    return on.log(floating(on, x))


@primitive
def log1p(on: Any, x: Array) -> Array:
    """Logarithm of one plus `x`, exact for small `x`. `ln(1 + x)`.

    >>> log1p([-1.0, 0.0]).tolist()
    [-inf, 0.0]
    """
    return on.log1p(floating(on, x))


@primitive
def log2(on: Any, x: Array) -> Array:
    """Logarithm to base 2. `ln x / ln 2`.

    >>> log2([1.0, 8.0]).tolist()
    [0.0, 3.0]
    """
    return on.log2(floating(on, x))


@primitive
def log10(on: Any, x: Array) -> Array:
    """Logarithm to base 10. `ln x / ln 10`.

    >>> round(log10([1.0, 100.0])).tolist()
    [0.0, 2.0]
    """
    return on.log10(floating(on, x))


@primitive
def sqrt(on: Any, x: Array) -> Array:
    """Square root; NaN below 0. `x ** 0.5`.

    >>> sqrt([4, 9]).tolist()
    [2.0, 3.0]
    """
    return on.sqrt(floating(on, x))


@primitive
def rsqrt(on: Any, x: Array) -> Array:
    """Reciprocal of the square root; inf at 0. `x ** -0.5`.

    >>> rsqrt([4.0]).tolist()
    [0.5]
    """
    return on.rsqrt(floating(on, x))


@primitive
def cbrt(on: Any, x: Array) -> Array:
    """Cube root, of negative numbers too. `x ** (1 / 3)`.

    >>> cbrt([0.0, 1.0, -1.0]).tolist()
    [0.0, 1.0, -1.0]
    """
    return on.cbrt(no_complex(on, floating(on, x), "cbrt"))


@primitive
def reciprocal(on: Any, x: Array) -> Array:
    """One over `x`; inf at 0. `1 / x`.

    >>> reciprocal([2, -4]).tolist()
    [0.5, -0.25]
    """
    return on.divide(1, floating(on, x))


@primitive
def erf(on: Any, x: Array) -> Array:
    """Error function. `2 / sqrt(pi) * integral from 0 to x of e ** -t ** 2`.

    >>> erf([0.0]).tolist()
    [0.0]
    """
    return on.erf(no_complex(on, floating(on, x), "erf"))


@primitive
def erfc(on: Any, x: Array) -> Array:
    """Complementary error function, exact where `erf` is near 1. `1 - erf(x)`.

    >>> erfc([0.0]).tolist()
    [1.0]
    """
    return on.erfc(no_complex(on, floating(on, x), "erfc"))


@primitive
def erfinv(on: Any, x: Array) -> Array:
    """Inverse of the error function, for `x` between -1 and 1. `erf(erfinv(x)) = x`.

    >>> erfinv([0.0, 1.0]).tolist()
    [0.0, inf]
    """
    return on.erfinv(no_complex(on, floating(on, x), "erfinv"))


@primitive
def i0(on: Any, x: Array) -> Array:
    """Modified Bessel function of the first kind and order 0. `sum over k of (x / 2) ** 2k / k! ** 2`.

    >>> round(i0([0.0])).tolist()
    [1.0]
    """
    return on.i0(no_complex(on, floating(on, x), "i0"))


@primitive
def sigmoid(on: Any, x: Array) -> Array:
    """Logistic function, of complex numbers too; does not overflow. `1 / (1 + e ** -x)`.

    >>> sigmoid([0.0]).tolist()
    [0.5]
    """
    return on.sigmoid(floating(on, x))


@primitive
def negative(on: Any, x: Array) -> Array:
    """Negation; unsigned integers wrap around, booleans have none. `-x`.

    >>> negative([1, -2]).tolist()
    [-1, 2]
    """
    return on.negative(no_booleans(on, array(on, x), "negative"))


@primitive
def absolute(on: Any, x: Array) -> Array:
    """Absolute value; of a complex number its modulus. `|x|`.

    >>> absolute([1, -2]).tolist()
    [1, 2]
    """
    x = array(on, x)
    return x if on.dtype(x) == "bool" else on.absolute(x)


abs = absolute


@primitive
def fabs(on: Any, x: Array) -> Array:
    """Absolute value as a number with a fraction. `|x|`.

    >>> fabs([1, -2]).tolist()
    [1.0, 2.0]
    """
    return on.absolute(floating(on, x))


@primitive
def sign(on: Any, x: Array) -> Array:
    """-1, 0 or 1 by the sign, NaN for NaN; the gradient is 0. `x / |x|`.

    >>> sign([5, 0, -2]).tolist()
    [1, 0, -1]
    """
    return on.sign(no_booleans(on, array(on, x), "sign"))


@primitive
def signbit(on: Any, x: Array) -> Array:
    """Where the sign is negative, that of -0.0 included, as booleans.

    >>> signbit([1.0, -1.0, -0.0]).tolist()
    [False, True, True]
    """
    return on.signbit(no_complex(on, _not_boolean(on, x), "signbit"))


def _not_boolean(on: Any, x: Array) -> Array:
    """Booleans as int32."""
    x = array(on, x)
    return on.cast(x, "int32") if on.dtype(x) == "bool" else x


@primitive
def square(on: Any, x: Array) -> Array:
    """Square; of booleans as int32. `x * x`.

    >>> square([3, -2]).tolist()
    [9, 4]
    """
    return on.square(_not_boolean(on, x))


@primitive
def floor(on: Any, x: Array) -> Array:
    """Largest whole number not above `x`, as a float.

    >>> floor([1.5, -1.5]).tolist()
    [1.0, -2.0]
    """
    return on.floor(no_complex(on, floating(on, x), "floor"))


@primitive
def ceil(on: Any, x: Array) -> Array:
    """Smallest whole number not below `x`, as a float.

    >>> ceil([1.5, -1.5]).tolist()
    [2.0, -1.0]
    """
    return on.ceil(no_complex(on, floating(on, x), "ceil"))


def _whole(on: Any, x: Array) -> bool:
    name = on.dtype(x)
    return name == "bool" or dtypes.is_integer(name)


@primitive
def trunc(on: Any, x: Array) -> Array:
    """The whole part of `x`, towards 0; integers are their own.

    >>> trunc([1.5, -1.5]).tolist()
    [1.0, -1.0]
    """
    x = no_complex(on, array(on, x), "trunc")
    return x if _whole(on, x) else on.trunc(x)


@primitive
def round(on: Any, x: Array, decimals: int = 0) -> Array:
    """The nearest number with that many decimals, halves to the even one; with negative `decimals`, the nearest multiple of a power of ten.

    >>> round([0.5, 1.5, 2.7]).tolist(), round([17, 25], -1).tolist()
    ([0.0, 2.0, 3.0], [20, 20])
    """
    x = no_complex(on, array(on, x), "round")
    if _whole(on, x):
        return x if decimals >= 0 or on.dtype(x) == "bool" else _round_integers(on, x, 10**-decimals)
    if decimals == 0:
        return on.round(x)
    factor = 10.0 ** math.fabs(decimals)
    return on.divide(on.round(on.multiply(x, factor)), factor) if decimals > 0 else on.multiply(on.round(on.divide(x, factor)), factor)


def _round_integers(on: Any, x: Array, unit: int) -> Array:
    """The nearest multiple of the unit, in integers throughout: floats would not hold them all."""
    below = on.floor_divide(x, unit)
    rest = on.subtract(x, on.multiply(below, unit))
    up = on.logical_or(on.greater(rest, unit // 2), on.logical_and(on.equal(rest, unit // 2), on.equal(on.mod(below, 2), 1)))
    return on.multiply(on.add(below, on.cast(up, on.dtype(x))), unit)


@primitive
def isfinite(on: Any, x: Array) -> Array:
    """Where `x` is neither infinite nor NaN, as booleans.

    >>> isfinite([1.0, float("inf")]).tolist()
    [True, False]
    """
    return on.isfinite(array(on, x))


@primitive
def isinf(on: Any, x: Array) -> Array:
    """Where `x` is infinite, as booleans.

    >>> isinf([1.0, float("-inf")]).tolist()
    [False, True]
    """
    return on.isinf(array(on, x))


@primitive
def isnan(on: Any, x: Array) -> Array:
    """Where `x` is not a number, as booleans.

    >>> isnan([1.0, float("nan")]).tolist()
    [False, True]
    """
    return on.isnan(array(on, x))


@primitive
def isposinf(on: Any, x: Array) -> Array:
    """Where `x` is positive infinity, as booleans.

    >>> isposinf([float("inf"), float("-inf")]).tolist()
    [True, False]
    """
    return on.equal(no_complex(on, floating(on, x), "isposinf"), math.inf)


@primitive
def isneginf(on: Any, x: Array) -> Array:
    """Where `x` is negative infinity, as booleans.

    >>> isneginf([float("inf"), float("-inf")]).tolist()
    [False, True]
    """
    return on.equal(no_complex(on, floating(on, x), "isneginf"), -math.inf)


@primitive
def isreal(on: Any, x: Array) -> Array:
    """Where the imaginary part is 0, as booleans.

    >>> isreal([1.0, 2.0]).tolist()
    [True, True]
    """
    x = array(on, x)
    return on.equal(on.imag(x), 0) if dtypes.is_complex(on.dtype(x)) else on.full(tuple(x.shape), True, "bool")


@primitive
def nan_to_num(on: Any, x: Array, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Array:
    """`x` with numbers in place of NaN and infinities; these become the largest and smallest finite ones of the dtype unless others are given.

    >>> nan_to_num([1.0, float("nan"), float("inf")], posinf=9.0).tolist()
    [1.0, 0.0, 9.0]
    """
    x = no_complex(on, array(on, x), "nan_to_num")
    if _whole(on, x):
        return x
    low, high = dtypes.limits(on.dtype(x))
    x = on.where(on.isnan(x), float(nan), x)
    x = on.where(on.equal(x, math.inf), high if posinf is None else float(posinf), x)
    return on.where(on.equal(x, -math.inf), low if neginf is None else float(neginf), x)


@primitive
def real(on: Any, x: Array) -> Array:
    """The real part; a real array is its own.

    >>> real([1.0 + 2.0j]).tolist()
    [1.0]
    """
    x = array(on, x)
    return on.real(x) if dtypes.is_complex(on.dtype(x)) else x


@primitive
def imag(on: Any, x: Array) -> Array:
    """The imaginary part; 0 for a real array.

    >>> imag([1.0 + 2.0j]).tolist()
    [2.0]
    """
    x = array(on, x)
    return on.imag(x) if dtypes.is_complex(on.dtype(x)) else on.full(tuple(x.shape), 0, on.dtype(x))


@primitive
def conj(on: Any, x: Array) -> Array:
    """The complex conjugate; a real array is its own. `a + bi` becomes `a - bi`.

    >>> conj([1.0 + 2.0j]).tolist()
    [(1-2j)]
    """
    x = array(on, x)
    return on.conj(x) if dtypes.is_complex(on.dtype(x)) else x


conjugate = conj
