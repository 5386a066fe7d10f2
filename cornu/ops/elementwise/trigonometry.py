"""Trigonometric and hyperbolic functions, their inverses, and angles. Integers and booleans become `floatx`; angles are in radians."""

from __future__ import annotations

import math
from typing import Any

from cornu.ops.arguments import Array, alike, floating, no_complex, real_pair, together
from cornu.ops.dispatch import composite, primitive
from cornu.ops.elementwise.functions import imag, real

__all__ = [
    "angle", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "cos", "cosh", "deg2rad", "hypot", "rad2deg",
    "sin", "sinc", "sinh", "tan", "tanh",
]  # fmt: skip


@primitive
def sin(on: Any, x: Array) -> Array:
    """Sine. `sin x`.

    >>> sin([0.0]).tolist()
    [0.0]
    """
    return on.sin(floating(on, x))


@primitive
def cos(on: Any, x: Array) -> Array:
    """Cosine. `cos x`.

    >>> cos([0.0]).tolist()
    [1.0]
    """
    return on.cos(floating(on, x))


@primitive
def tan(on: Any, x: Array) -> Array:
    """Tangent. `sin x / cos x`.

    >>> tan([0.0]).tolist()
    [0.0]
    """
    return on.tan(floating(on, x))


@primitive
def arcsin(on: Any, x: Array) -> Array:
    """Angle from -pi/2 to pi/2 with this sine; NaN outside [-1, 1]. `sin^-1 x`.

    >>> arcsin([0.0]).tolist()
    [0.0]
    """
    return on.arcsin(floating(on, x))


@primitive
def arccos(on: Any, x: Array) -> Array:
    """Angle from 0 to pi with this cosine; NaN outside [-1, 1]. `cos^-1 x`.

    >>> arccos([1.0]).tolist()
    [0.0]
    """
    return on.arccos(floating(on, x))


@primitive
def arctan(on: Any, x: Array) -> Array:
    """Angle from -pi/2 to pi/2 with this tangent. `tan^-1 x`.

    >>> arctan([0.0]).tolist()
    [0.0]
    """
    return on.arctan(floating(on, x))


@primitive
def arctan2(on: Any, x1: Array, x2: Array) -> Array:
    """Angle from -pi to pi of the point with height `x1` and width `x2`. `tan^-1(x1 / x2)` in the right quadrant.

    >>> arctan2([0.0], [1.0]).tolist()
    [0.0]
    """
    return together(on.arctan2, *real_pair(on, "arctan2", x1, x2, least="float*"))


@primitive
def sinh(on: Any, x: Array) -> Array:
    """Hyperbolic sine. `(e ** x - e ** -x) / 2`.

    >>> sinh([0.0]).tolist()
    [0.0]
    """
    return on.sinh(floating(on, x))


@primitive
def cosh(on: Any, x: Array) -> Array:
    """Hyperbolic cosine. `(e ** x + e ** -x) / 2`.

    >>> cosh([0.0]).tolist()
    [1.0]
    """
    return on.cosh(floating(on, x))


@primitive
def tanh(on: Any, x: Array) -> Array:
    """Hyperbolic tangent. `sinh x / cosh x`.

    >>> tanh([0.0]).tolist()
    [0.0]
    """
    return on.tanh(floating(on, x))


@primitive
def arcsinh(on: Any, x: Array) -> Array:
    """Inverse hyperbolic sine. `ln(x + sqrt(x ** 2 + 1))`.

    >>> arcsinh([0.0]).tolist()
    [0.0]
    """
    return on.arcsinh(floating(on, x))


@primitive
def arccosh(on: Any, x: Array) -> Array:
    """Inverse hyperbolic cosine; NaN below 1. `ln(x + sqrt(x ** 2 - 1))`.

    >>> arccosh([1.0]).tolist()
    [0.0]
    """
    return on.arccosh(floating(on, x))


@primitive
def arctanh(on: Any, x: Array) -> Array:
    """Inverse hyperbolic tangent; NaN outside [-1, 1]. `ln((1 + x) / (1 - x)) / 2`.

    >>> arctanh([0.0, 1.0]).tolist()
    [0.0, inf]
    """
    return on.arctanh(floating(on, x))


@primitive
def hypot(on: Any, x1: Array, x2: Array) -> Array:
    """The longest side of a right triangle with these two, without overflow. `sqrt(x1 ** 2 + x2 ** 2)`. The gradient where both are 0 is 0.

    >>> hypot([3.0], [4.0]).tolist()
    [5.0]
    """
    x1, x2 = alike(on, *real_pair(on, "hypot", x1, x2, least="float*"))
    none = together(lambda x1, x2: on.logical_and(on.equal(x1, 0), on.equal(x2, 0)), x1, x2)
    return on.where(none, 0, on.hypot(on.where(none, 1, x1), x2))  # the slopes are the sides over the hypotenuse: there they would be NaN


@primitive
def deg2rad(on: Any, x: Array) -> Array:
    """Degrees as radians. `x * pi / 180`.

    >>> deg2rad([0, 0]).tolist()
    [0.0, 0.0]
    """
    return on.multiply(no_complex(on, floating(on, x), "deg2rad"), math.pi / 180)


@primitive
def rad2deg(on: Any, x: Array) -> Array:
    """Radians as degrees. `x * 180 / pi`.

    >>> rad2deg([0.0]).tolist()
    [0.0]
    """
    return on.multiply(no_complex(on, floating(on, x), "rad2deg"), 180 / math.pi)


@primitive
def sinc(on: Any, x: Array) -> Array:
    """The normalised sine cardinal, 1 at 0. `sin(pi x) / (pi x)`.

    >>> sinc([0.0]).tolist()
    [1.0]
    """
    x = floating(on, x)
    at_zero = on.equal(x, 0)
    turns = on.multiply(on.where(at_zero, 1.0, x), math.pi)
    return on.where(at_zero, 1.0, on.divide(on.sin(turns), turns))


@composite
def angle(x: Array) -> Array:
    """The angle of complex numbers in the plane, from -pi to pi; of real ones 0 or pi. `arctan2(imag x, real x)`.

    >>> angle([1.0, 2.0]).tolist()
    [0.0, 0.0]
    """
    return arctan2(imag(x), real(x))
