"""Window functions of signal processing: weights that fall off towards both ends, `x` of them, in `floatx`."""

from __future__ import annotations

import math
from typing import Any

from cornu import config
from cornu.ops.arguments import Array
from cornu.ops.core import cast
from cornu.ops.creation import arange, ones
from cornu.ops.dispatch import composite
from cornu.ops.elementwise import absolute, add, cos, divide, i0, maximum, multiply, sqrt, square, subtract

__all__ = ["bartlett", "blackman", "hamming", "hanning", "kaiser"]


def _places(x: Any) -> Array:
    """Evenly spaced numbers from -1 to 1, as many as the window has."""
    last = int(x) - 1
    return divide(cast(subtract(multiply(arange(int(x)), 2), last), config.floatx()), last)


@composite
def bartlett(x: int) -> Array:
    """The triangular window: `1 - |2 n / (x - 1) - 1|`.

    >>> bartlett(5).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return subtract(1, absolute(_places(x))) if int(x) > 1 else ones((max(int(x), 0),))


def _cosines(x: Any, *weights: float) -> Array:
    """A sum of cosines: the k-th weight times `cos(k pi t)`, t from -1 to 1."""
    if int(x) <= 1:
        return ones((max(int(x), 0),))
    turns = multiply(_places(x), math.pi)
    window: Array = weights[0]
    for k, weight in enumerate(weights[1:], 1):
        window = add(window, multiply(cos(multiply(turns, k)), weight))
    return window


@composite
def hanning(x: int) -> Array:
    """The raised cosine of J. von Hann: `0.5 - 0.5 cos(2 pi n / (x - 1))`.

    >>> hanning(1).tolist()
    [1.0]
    """
    return _cosines(x, 0.5, 0.5)


@composite
def hamming(x: int) -> Array:
    """The raised cosine of R. W. Hamming: `0.54 - 0.46 cos(2 pi n / (x - 1))`.

    >>> hamming(1).tolist()
    [1.0]
    """
    return _cosines(x, 0.54, 0.46)


@composite
def blackman(x: int) -> Array:
    """Three cosine terms (R. B. Blackman): `0.42 - 0.5 cos(2 pi n / (x - 1)) + 0.08 cos(4 pi n / (x - 1))`.

    >>> blackman(1).tolist()
    [1.0]
    """
    return _cosines(x, 0.42, 0.5, 0.08)


@composite
def kaiser(x: int, beta: float) -> Array:
    """A window by the Bessel function (J. F. Kaiser): `I0(beta sqrt(1 - t ** 2)) / I0(beta)`, t from -1 to 1.

    >>> kaiser(3, 0.0).tolist()
    [1.0, 1.0, 1.0]
    """
    if int(x) <= 1:
        return ones((max(int(x), 0),))
    inside = maximum(subtract(1, square(_places(x))), 0)
    return divide(i0(multiply(sqrt(inside), beta)), i0(cast(beta, config.floatx())))
