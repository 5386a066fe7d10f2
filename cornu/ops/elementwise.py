"""Ops that work element by element: functions of one array, then of two that broadcast against each other.

Shapes: a function of one array keeps its shape; two arrays follow NumPy's broadcasting. Dtypes: the functions that have a fraction turn
integers and booleans into `floatx`; two arrays meet by the lattice of `cornu.dtypes`, Python scalars adopt the other's width.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from cornu import dtypes
from cornu.errors import DTypeError
from cornu.ops.arguments import Array, array, floating, promoted
from cornu.ops.dispatch import composite, primitive

__all__ = [
    "absolute",
    "add",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "ceil",
    "cos",
    "cosh",
    "divide",
    "equal",
    "erf",
    "erfinv",
    "exp",
    "expm1",
    "floor",
    "floor_divide",
    "greater",
    "greater_equal",
    "isfinite",
    "isinf",
    "isnan",
    "left_shift",
    "less",
    "less_equal",
    "log",
    "log10",
    "log1p",
    "log2",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "negative",
    "not_equal",
    "power",
    "right_shift",
    "rsqrt",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "subtract",
    "tan",
    "tanh",
    "trunc",
]


def _integers(on: ModuleType, op: str, *xs: Array) -> tuple[Array, ...]:
    """The arguments promoted; raises where they are not integers or booleans."""
    xs = promoted(on, *xs) if len(xs) > 1 else (array(on, xs[0]),)
    for x in xs:
        name = on.dtype(x) if isinstance(x, on.ARRAY_TYPES) else dtypes.standardize(type(x))
        if not (dtypes.is_integer(name) or name == "bool"):
            raise DTypeError(f"ops.{op} works on the bits of integers and booleans, got {name}. Cast first: `ops.cast(x, 'int32')`.")
    return xs


def _booleans(on: ModuleType, *xs: Array) -> tuple[Array, ...]:
    return tuple(array(on, x, "bool") for x in xs)


@primitive
def exp(on: Any, x: Array) -> Array:
    """Exponential. `e ** x`.

    >>> exp([0.0, 1.0]).tolist()
    [1.       , 2.7182817]
    """
    return on.exp(floating(on, x))


@primitive
def expm1(on: Any, x: Array) -> Array:
    """Exponential minus one, exact for small `x`. `e ** x - 1`.

    >>> expm1([1e-10]).tolist()
    [1.e-10]
    """
    return on.expm1(floating(on, x))


@primitive
def log(on: Any, x: Array) -> Array:
    """Natural logarithm; NaN below 0, -inf at 0. `ln x`.

    >>> log([1.0, 10.0]).tolist()
    [0.       , 2.3025851]
    """
    return on.log(floating(on, x))


@primitive
def log1p(on: Any, x: Array) -> Array:
    """Logarithm of one plus `x`, exact for small `x`. `ln(1 + x)`.

    >>> log1p([1e-10]).tolist()
    [1.e-10]
    """
    return on.log1p(floating(on, x))


@primitive
def log2(on: Any, x: Array) -> Array:
    """Logarithm to base 2. `ln x / ln 2`.

    >>> log2([8.0]).tolist()
    [3.]
    """
    return on.log2(floating(on, x))


@primitive
def log10(on: Any, x: Array) -> Array:
    """Logarithm to base 10. `ln x / ln 10`.

    >>> log10([100.0]).tolist()
    [2.]
    """
    return on.log10(floating(on, x))


@primitive
def sqrt(on: Any, x: Array) -> Array:
    """Square root; NaN below 0. `x ** 0.5`.

    >>> sqrt([4.0, 9.0]).tolist()
    [2., 3.]
    """
    return on.sqrt(floating(on, x))


@primitive
def rsqrt(on: Any, x: Array) -> Array:
    """Reciprocal of the square root. `x ** -0.5`.

    >>> rsqrt([4.0]).tolist()
    [0.5]
    """
    return on.rsqrt(floating(on, x))


@primitive
def sin(on: Any, x: Array) -> Array:
    """Sine of an angle in radians. `sin x`.

    >>> sin([0.0]).tolist()
    [0.]
    """
    return on.sin(floating(on, x))


@primitive
def cos(on: Any, x: Array) -> Array:
    """Cosine of an angle in radians. `cos x`.

    >>> cos([0.0]).tolist()
    [1.]
    """
    return on.cos(floating(on, x))


@primitive
def tan(on: Any, x: Array) -> Array:
    """Tangent of an angle in radians. `sin x / cos x`.

    >>> tan([0.0]).tolist()
    [0.]
    """
    return on.tan(floating(on, x))


@primitive
def arcsin(on: Any, x: Array) -> Array:
    """Angle in radians, from -pi/2 to pi/2, with this sine. `sin^-1 x`.

    >>> arcsin([0.0]).tolist()
    [0.]
    """
    return on.arcsin(floating(on, x))


@primitive
def arccos(on: Any, x: Array) -> Array:
    """Angle in radians, from 0 to pi, with this cosine. `cos^-1 x`.

    >>> arccos([1.0]).tolist()
    [0.]
    """
    return on.arccos(floating(on, x))


@primitive
def arctan(on: Any, x: Array) -> Array:
    """Angle in radians, from -pi/2 to pi/2, with this tangent. `tan^-1 x`.

    >>> arctan([0.0]).tolist()
    [0.]
    """
    return on.arctan(floating(on, x))


@primitive
def sinh(on: Any, x: Array) -> Array:
    """Hyperbolic sine. `(e ** x - e ** -x) / 2`.

    >>> sinh([0.0]).tolist()
    [0.]
    """
    return on.sinh(floating(on, x))


@primitive
def cosh(on: Any, x: Array) -> Array:
    """Hyperbolic cosine. `(e ** x + e ** -x) / 2`.

    >>> cosh([0.0]).tolist()
    [1.]
    """
    return on.cosh(floating(on, x))


@primitive
def tanh(on: Any, x: Array) -> Array:
    """Hyperbolic tangent. `sinh x / cosh x`.

    >>> tanh([0.0]).tolist()
    [0.]
    """
    return on.tanh(floating(on, x))


@primitive
def arcsinh(on: Any, x: Array) -> Array:
    """Inverse hyperbolic sine. `ln(x + sqrt(x ** 2 + 1))`.

    >>> arcsinh([0.0]).tolist()
    [0.]
    """
    return on.arcsinh(floating(on, x))


@primitive
def arccosh(on: Any, x: Array) -> Array:
    """Inverse hyperbolic cosine; NaN below 1. `ln(x + sqrt(x ** 2 - 1))`.

    >>> arccosh([1.0]).tolist()
    [0.]
    """
    return on.arccosh(floating(on, x))


@primitive
def arctanh(on: Any, x: Array) -> Array:
    """Inverse hyperbolic tangent, for `x` between -1 and 1. `ln((1 + x) / (1 - x)) / 2`.

    >>> arctanh([0.0]).tolist()
    [0.]
    """
    return on.arctanh(floating(on, x))


@primitive
def erf(on: Any, x: Array) -> Array:
    """Error function. `2 / sqrt(pi) * integral from 0 to x of e ** -t ** 2`.

    >>> erf([0.0]).tolist()
    [0.]
    """
    return on.erf(floating(on, x))


@primitive
def erfinv(on: Any, x: Array) -> Array:
    """Inverse of the error function, for `x` between -1 and 1. `erf(erfinv(x)) = x`.

    >>> erfinv([0.0]).tolist()
    [0.]
    """
    return on.erfinv(floating(on, x))


@primitive
def sigmoid(on: Any, x: Array) -> Array:
    """Logistic function; does not overflow. `1 / (1 + e ** -x)`.

    >>> sigmoid([0.0]).tolist()
    [0.5]
    """
    return on.sigmoid(floating(on, x))


@primitive
def negative(on: Any, x: Array) -> Array:
    """Negation. `-x`.

    >>> negative([1, -2]).tolist()
    [-1,  2]
    """
    return on.negative(array(on, x))


@primitive
def absolute(on: Any, x: Array) -> Array:
    """Absolute value. `|x|`.

    >>> absolute([1, -2]).tolist()
    [1, 2]
    """
    return on.absolute(array(on, x))


@primitive
def sign(on: Any, x: Array) -> Array:
    """-1, 0 or 1 by the sign; the gradient is 0. `x / |x|`.

    >>> sign([5.0, 0.0, -2.0]).tolist()
    [ 1.,  0., -1.]
    """
    return on.sign(array(on, x))


@primitive
def square(on: Any, x: Array) -> Array:
    """Square. `x * x`.

    >>> square([3, -2]).tolist()
    [9, 4]
    """
    return on.square(array(on, x))


@primitive
def floor(on: Any, x: Array) -> Array:
    """Largest whole number not above `x`.

    >>> floor([1.5, -1.5]).tolist()
    [ 1., -2.]
    """
    return on.floor(floating(on, x))


@primitive
def ceil(on: Any, x: Array) -> Array:
    """Smallest whole number not below `x`.

    >>> ceil([1.5, -1.5]).tolist()
    [ 2., -1.]
    """
    return on.ceil(floating(on, x))


@primitive
def trunc(on: Any, x: Array) -> Array:
    """The whole part of `x`, towards 0.

    >>> trunc([1.5, -1.5]).tolist()
    [ 1., -1.]
    """
    return on.trunc(array(on, x))


@primitive
def isfinite(on: Any, x: Array) -> Array:
    """Where `x` is neither infinite nor NaN, as booleans.

    >>> isfinite([1.0, float('inf')]).tolist()
    [ True, False]
    """
    return on.isfinite(array(on, x))


@primitive
def isinf(on: Any, x: Array) -> Array:
    """Where `x` is infinite, as booleans.

    >>> isinf([1.0, float('inf')]).tolist()
    [False,  True]
    """
    return on.isinf(array(on, x))


@primitive
def isnan(on: Any, x: Array) -> Array:
    """Where `x` is not a number, as booleans.

    >>> isnan([1.0, float('nan')]).tolist()
    [False,  True]
    """
    return on.isnan(array(on, x))


@primitive
def logical_not(on: Any, x: Array) -> Array:
    """Where `x` is zero or false, as booleans.

    >>> logical_not([True, False]).tolist()
    [False,  True]
    """
    return on.logical_not(array(on, x, "bool"))


@primitive
def bitwise_not(on: Any, x: Array) -> Array:
    """All bits flipped; integers and booleans only. `-x - 1` for signed integers.

    >>> bitwise_not([0, 1]).tolist()
    [-1, -2]
    """
    return on.bitwise_not(*_integers(on, "bitwise_not", x))


@primitive
def add(on: Any, x1: Array, x2: Array) -> Array:
    """Sum. `x1 + x2`.

    >>> add([1, 2], 3).tolist()
    [4, 5]
    """
    return on.add(*promoted(on, x1, x2))


@primitive
def subtract(on: Any, x1: Array, x2: Array) -> Array:
    """Difference. `x1 - x2`.

    >>> subtract([1, 2], 3).tolist()
    [-2, -1]
    """
    return on.subtract(*promoted(on, x1, x2))


@primitive
def multiply(on: Any, x1: Array, x2: Array) -> Array:
    """Product. `x1 * x2`.

    >>> multiply([1, 2], 3).tolist()
    [3, 6]
    """
    return on.multiply(*promoted(on, x1, x2))


@primitive
def divide(on: Any, x1: Array, x2: Array) -> Array:
    """Quotient, always with a fraction. `x1 / x2`.

    >>> divide([1, 2], 2).tolist()
    [0.5, 1. ]
    """
    return on.divide(*promoted(on, x1, x2, least="float*"))


@primitive
def floor_divide(on: Any, x1: Array, x2: Array) -> Array:
    """Quotient rounded down. `floor(x1 / x2)`.

    >>> floor_divide([7, -7], 2).tolist()
    [ 3, -4]
    """
    return on.floor_divide(*promoted(on, x1, x2))


@primitive
def mod(on: Any, x1: Array, x2: Array) -> Array:
    """Remainder of the quotient rounded down; has the sign of `x2`. `x1 - x2 * floor(x1 / x2)`.

    >>> mod([7, -7], 3).tolist()
    [1, 2]
    """
    return on.mod(*promoted(on, x1, x2))


@primitive
def power(on: Any, x1: Array, x2: Array) -> Array:
    """`x1` to the power of `x2`. `x1 ** x2`.

    >>> power([2, 3], 2).tolist()
    [4, 9]
    """
    return on.power(*promoted(on, x1, x2))


@primitive
def maximum(on: Any, x1: Array, x2: Array) -> Array:
    """The larger of the two; NaN where either is. Equal values share the gradient in halves. `max(x1, x2)`.

    >>> maximum([1, 5], 3).tolist()
    [3, 5]
    """
    return on.maximum(*promoted(on, x1, x2))


@primitive
def minimum(on: Any, x1: Array, x2: Array) -> Array:
    """The smaller of the two; NaN where either is. Equal values share the gradient in halves. `min(x1, x2)`.

    >>> minimum([1, 5], 3).tolist()
    [1, 3]
    """
    return on.minimum(*promoted(on, x1, x2))


@primitive
def arctan2(on: Any, x1: Array, x2: Array) -> Array:
    """Angle in radians of the point (x2, x1), from -pi to pi. `tan^-1(x1 / x2)` in the right quadrant.

    >>> arctan2([0.0, 0.0], [1.0, -1.0]).tolist()
    [0.       , 3.1415927]
    """
    return on.arctan2(*promoted(on, x1, x2, least="float*"))


@primitive
def equal(on: Any, x1: Array, x2: Array) -> Array:
    """Where the two are equal, as booleans. `x1 == x2`.

    >>> equal([1, 2], 2).tolist()
    [False,  True]
    """
    return on.equal(*promoted(on, x1, x2))


@primitive
def not_equal(on: Any, x1: Array, x2: Array) -> Array:
    """Where the two differ, as booleans. `x1 != x2`.

    >>> not_equal([1, 2], 2).tolist()
    [ True, False]
    """
    return on.not_equal(*promoted(on, x1, x2))


@primitive
def less(on: Any, x1: Array, x2: Array) -> Array:
    """Where `x1` is below `x2`, as booleans. `x1 < x2`.

    >>> less([1, 2], 2).tolist()
    [ True, False]
    """
    return on.less(*promoted(on, x1, x2))


@primitive
def less_equal(on: Any, x1: Array, x2: Array) -> Array:
    """Where `x1` is not above `x2`, as booleans. `x1 <= x2`.

    >>> less_equal([1, 3], 2).tolist()
    [ True, False]
    """
    return on.less_equal(*promoted(on, x1, x2))


@primitive
def greater(on: Any, x1: Array, x2: Array) -> Array:
    """Where `x1` is above `x2`, as booleans. `x1 > x2`.

    >>> greater([1, 3], 2).tolist()
    [False,  True]
    """
    return on.greater(*promoted(on, x1, x2))


@primitive
def greater_equal(on: Any, x1: Array, x2: Array) -> Array:
    """Where `x1` is not below `x2`, as booleans. `x1 >= x2`.

    >>> greater_equal([1, 2], 2).tolist()
    [False,  True]
    """
    return on.greater_equal(*promoted(on, x1, x2))


@primitive
def logical_and(on: Any, x1: Array, x2: Array) -> Array:
    """Where both are true, as booleans. `x1 and x2`.

    >>> logical_and([True, False], True).tolist()
    [ True, False]
    """
    return on.logical_and(*_booleans(on, x1, x2))


@primitive
def logical_or(on: Any, x1: Array, x2: Array) -> Array:
    """Where either is true, as booleans. `x1 or x2`.

    >>> logical_or([True, False], True).tolist()
    [ True,  True]
    """
    return on.logical_or(*_booleans(on, x1, x2))


@primitive
def logical_xor(on: Any, x1: Array, x2: Array) -> Array:
    """Where exactly one is true, as booleans. `x1 != x2`.

    >>> logical_xor([True, False], True).tolist()
    [False,  True]
    """
    return on.logical_xor(*_booleans(on, x1, x2))


@primitive
def bitwise_and(on: Any, x1: Array, x2: Array) -> Array:
    """Bits set in both; integers and booleans only. `x1 & x2`.

    >>> bitwise_and([6, 5], 3).tolist()
    [2, 1]
    """
    return on.bitwise_and(*_integers(on, "bitwise_and", x1, x2))


@primitive
def bitwise_or(on: Any, x1: Array, x2: Array) -> Array:
    """Bits set in either; integers and booleans only. `x1 | x2`.

    >>> bitwise_or([6, 5], 3).tolist()
    [7, 7]
    """
    return on.bitwise_or(*_integers(on, "bitwise_or", x1, x2))


@primitive
def bitwise_xor(on: Any, x1: Array, x2: Array) -> Array:
    """Bits set in exactly one; integers and booleans only. `x1 ^ x2`.

    >>> bitwise_xor([6, 5], 3).tolist()
    [5, 6]
    """
    return on.bitwise_xor(*_integers(on, "bitwise_xor", x1, x2))


@primitive
def left_shift(on: Any, x1: Array, x2: Array) -> Array:
    """Bits moved up by `x2` places. `x1 * 2 ** x2`.

    >>> left_shift([1, 2], 3).tolist()
    [ 8, 16]
    """
    return on.left_shift(*_integers(on, "left_shift", x1, x2))


@primitive
def right_shift(on: Any, x1: Array, x2: Array) -> Array:
    """Bits moved down by `x2` places; the sign is kept. `floor(x1 / 2 ** x2)`.

    >>> right_shift([8, 16], 3).tolist()
    [1, 2]
    """
    return on.right_shift(*_integers(on, "right_shift", x1, x2))

