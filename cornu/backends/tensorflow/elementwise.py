"""Elementwise primitives in TensorFlow. Where it has no kernel for a dtype, by way of one for which it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu.backends.tensorflow.core import cast
from cornu.backends.tensorflow.library import tf

__all__ = [
    "absolute",
    "add",
    "arctan2",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "cbrt",
    "ceil",
    "clip",
    "complex",
    "divide",
    "equal",
    "erfinv",
    "exp2",
    "floor",
    "floor_divide",
    "fmod",
    "gcd",
    "greater",
    "greater_equal",
    "hypot",
    "i0",
    "imag",
    "isfinite",
    "isinf",
    "isnan",
    "lcm",
    "left_shift",
    "less",
    "less_equal",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "logical_and",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "negative",
    "nextafter",
    "not_equal",
    "power",
    "right_shift",
    "round",
    "sign",
    "signbit",
    "square",
    "stop_gradient",
    "subtract",
    "trunc",
    "where",
    "widened",
]  # fmt: skip

BOOL = frozenset((tf.bool,))
UNSIGNED = frozenset((tf.uint8, tf.uint16, tf.uint32, tf.uint64))
SMALL = frozenset((tf.float16, tf.bfloat16))
_LN2, _LN10 = 0.6931471805599453, 2.302585092994046


def widened(function: Callable[..., Any], dtypes: frozenset[Any], wide: str = "int64") -> Callable[..., Any]:
    """The function; for arrays of these dtypes by way of a wider one."""

    def run(x: Any, *others: Any) -> Any:
        if x.dtype not in dtypes:
            return function(x, *others)
        y = function(*(tf.cast(each, wide) for each in (x, *others)))
        return cast(y, x.dtype.name) if y.dtype == wide else y

    return run


def _kernel(name: str) -> Callable[..., Any]:
    """TensorFlow's kernel without the function around it, which looks for other kinds of arguments for as long as a small kernel takes."""
    kernel = getattr(tf.raw_ops, name)
    return lambda x1, x2: kernel(x=x1, y=x2)


def _number(x: Any, dtype: Any) -> Any:
    return tf.constant(bool(x) if dtype == tf.bool else +x, dtype)


def _pair(function: Callable[..., Any]) -> Callable[..., Any]:
    """Both sides as tensors of one dtype. Shapes that do not meet are a ValueError, as in a graph, whichever way TensorFlow says it."""

    def run(x1: Any, x2: Any) -> Any:
        if not isinstance(x1, tf.Tensor):
            x1 = _number(x1, x2.dtype)
        elif not isinstance(x2, tf.Tensor):
            x2 = _number(x2, x1.dtype)
        try:
            return function(x1, x2)
        except tf.errors.InvalidArgumentError as error:
            raise ValueError(error.message) from None

    return run


def _of_two(function: Callable[..., Any], dtypes: frozenset[Any] = BOOL, wide: str = "int64") -> Callable[..., Any]:
    return _pair(widened(function, dtypes, wide) if dtypes else function)


_NONE: frozenset[Any] = frozenset()
add, subtract, multiply = (_of_two(_kernel(name)) for name in ("AddV2", "Sub", "Mul"))
divide, equal, not_equal = (_of_two(_kernel(name), _NONE) for name in ("RealDiv", "Equal", "NotEqual"))
arctan2 = _of_two(tf.math.atan2, _NONE)
less, less_equal, greater, greater_equal = (_of_two(_kernel(name)) for name in ("Less", "LessEqual", "Greater", "GreaterEqual"))
bitwise_and, bitwise_or, bitwise_xor = map(_of_two, (tf.bitwise.bitwise_and, tf.bitwise.bitwise_or, tf.bitwise.bitwise_xor))
logical_and, logical_or, logical_xor = (_pair(f) for f in (tf.math.logical_and, tf.math.logical_or, tf.math.logical_xor))
power = _of_two(tf.math.pow, BOOL | UNSIGNED)
nextafter = _of_two(tf.math.nextafter, SMALL, "float32")
bitwise_not = lambda x: (tf.math.logical_not if x.dtype == tf.bool else tf.bitwise.invert)(x)  # noqa: E731
negative, absolute, sign = (widened(f, UNSIGNED | BOOL) for f in (tf.math.negative, tf.math.abs, tf.math.sign))
square = widened(tf.math.square, BOOL)


def _chosen(choose: Callable[..., Any]) -> Callable[..., Any]:
    """The larger or the smaller; of equals each gets half of the gradient, where TensorFlow gives it all to the first."""

    def run(x1: Any, x2: Any) -> Any:
        return tf.where(x1 == x2, x1 / 2 + x2 / 2, choose(x1, x2)) if x1.dtype.is_floating else choose(x1, x2)

    return _of_two(run)


maximum, minimum = _chosen(tf.math.maximum), _chosen(tf.math.minimum)

_ONE = {
    "arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh", "arctan": "atan", "arctanh": "atanh", "conj": "conj", "cos": "cos",
    "cosh": "cosh", "erf": "erf", "erfc": "erfc", "exp": "exp", "expm1": "expm1", "log": "log", "log1p": "log1p", "real": "real",
    "rsqrt": "rsqrt", "sigmoid": "sigmoid", "sin": "sin", "sinh": "sinh", "sqrt": "sqrt", "tan": "tan", "tanh": "tanh",
    "logical_not": "logical_not",
}  # fmt: skip
__all__.extend(_ONE)
globals().update({name: getattr(tf.math, theirs) for name, theirs in _ONE.items()})


def _i0(x: Any) -> Any:
    """TensorFlow multiplies by e ** |x|, which is infinite before the product is; beyond 80 that factor comes in halves."""
    far = tf.math.abs(x) > 80
    size = tf.math.minimum(tf.math.abs(x), 1000)  # i0e(inf) is 0
    half = tf.math.exp(size / 2)
    return tf.where(far, half * tf.math.bessel_i0e(size) * half, tf.math.bessel_i0(tf.where(far, tf.zeros_like(x), x)))


erfinv, i0 = widened(tf.math.erfinv, SMALL, "float32"), widened(_i0, SMALL, "float32")


def _of_floats(function: Callable[..., Any], otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """What integers and booleans have by nature."""
    return lambda x: function(x) if x.dtype.is_floating else otherwise(x)


def _never(x: Any) -> Any:
    return tf.zeros(x.shape, tf.bool)


def _of_parts(function: Callable[..., Any], join: Callable[..., Any]) -> Callable[..., Any]:
    """For complex numbers, from both parts."""
    return lambda x: join(function(tf.math.real(x)), function(tf.math.imag(x))) if x.dtype.is_complex else function(x)


isfinite = _of_parts(_of_floats(tf.math.is_finite, lambda x: tf.ones(x.shape, tf.bool)), tf.math.logical_and)
isinf = _of_parts(_of_floats(tf.math.is_inf, _never), tf.math.logical_or)
isnan = _of_parts(_of_floats(tf.math.is_nan, _never), tf.math.logical_or)
ceil, floor = _of_floats(tf.math.ceil, tf.identity), _of_floats(tf.math.floor, tf.identity)
round = _of_floats(widened(tf.math.rint, SMALL, "float32"), tf.identity)
trunc = _of_floats(lambda x: tf.where(x < 0, tf.math.ceil(x), tf.math.floor(x)), tf.identity)
_BITS = {2: "int16", 4: "int32", 8: "int64"}
signbit = _of_floats(lambda x: tf.bitcast(x, _BITS[x.dtype.size]) < 0, lambda x: x < 0 if x.dtype not in BOOL | UNSIGNED else _never(x))


def imag(x: Any) -> Any:
    return tf.math.imag(x) if x.dtype.is_complex else tf.zeros_like(x)


def complex(x1: Any, x2: Any) -> Any:
    return tf.complex(x1, x2)


def _cbrt(x: Any) -> Any:
    return tf.math.sign(x) * tf.math.abs(x) ** (1 / 3)


cbrt = widened(_cbrt, SMALL, "float32")


def exp2(x: Any) -> Any:
    return tf.math.pow(tf.constant(2, x.dtype), x)


def log2(x: Any) -> Any:
    return tf.math.log(x) / _LN2


def log10(x: Any) -> Any:
    return tf.math.log(x) / _LN10


def _divided(quotient: Callable[..., Any]) -> Callable[..., Any]:
    """TensorFlow stops at a division of integers by 0; here it gives 0, as NumPy's does."""

    def run(x1: Any, x2: Any) -> Any:
        if x1.dtype.is_floating:
            return widened(quotient, SMALL, "float32")(x1, x2)
        none = tf.equal(x2, tf.zeros((), x2.dtype))
        return tf.where(none, tf.zeros((), x1.dtype), quotient(x1, tf.where(none, tf.ones((), x2.dtype), x2)))

    return run


def _floor_divide(x1: Any, x2: Any) -> Any:
    """TensorFlow rounds the quotient with an infinity, where NumPy looks at the remainder: of -1 over infinity it is -1, of infinity NaN."""
    found = tf.math.floordiv(x1, x2)
    if not x1.dtype.is_floating:
        return found
    found = tf.where(tf.math.is_inf(x2) & (tf.math.sign(x1) * x2 < 0), -tf.ones((), found.dtype), found)
    return tf.where(tf.math.is_inf(x1), tf.constant(float("nan"), found.dtype), found)


floor_divide, mod = _of_two(_divided(_floor_divide)), _of_two(_divided(tf.math.floormod))
fmod = _of_two(_divided(tf.truncatemod), BOOL | UNSIGNED | frozenset((tf.int8, tf.int16)))


def _shift(shift: Callable[..., Any], beyond: Callable[..., Any]) -> Callable[..., Any]:
    """A shift by as many bits as there are, or more, or by fewer than none, is not defined in TensorFlow."""

    def run(x1: Any, x2: Any) -> Any:
        bits = tf.constant(x1.dtype.size * 8 - 1, x1.dtype)
        within = tf.math.maximum(tf.math.minimum(x2, bits), tf.zeros((), x1.dtype))
        return tf.where(x2 == within, shift(x1, within), beyond(x1))

    return _of_two(run)


left_shift = _shift(tf.bitwise.left_shift, tf.zeros_like)
right_shift = _shift(
    tf.bitwise.right_shift, lambda x: tf.where(x < 0, -tf.ones_like(x), 0) if x.dtype not in UNSIGNED else tf.zeros_like(x)
)


def _gcd(x1: Any, x2: Any) -> Any:
    """Euclid's algorithm on all elements."""
    x1, x2 = tf.math.abs(x1), tf.math.abs(x2)
    x1, x2 = x1 + tf.zeros_like(x2), x2 + tf.zeros_like(x1)
    more = lambda a, b: tf.reduce_any(b != 0)  # noqa: E731
    return tf.math.abs(tf.while_loop(more, lambda a, b: (tf.where(b == 0, a, b), _remainder(a, b)), (x1, x2))[0])


def _remainder(a: Any, b: Any) -> Any:
    return tf.where(b == 0, tf.zeros_like(b), tf.math.floormod(a, tf.where(b == 0, tf.ones_like(b), b)))


def _lcm(x1: Any, x2: Any) -> Any:
    divisor = tf.math.maximum(_gcd(x1, x2), tf.ones((), x1.dtype))
    return tf.math.abs(tf.math.floordiv(x1, divisor) * x2)


gcd, lcm = _of_two(_gcd, UNSIGNED), _of_two(_lcm, UNSIGNED)


@_pair
def hypot(x1: Any, x2: Any) -> Any:
    x1, x2 = tf.math.abs(x1), tf.math.abs(x2)
    large, least = tf.math.maximum(x1, x2), tf.math.minimum(x1, x2)
    endless = tf.math.is_inf(x1) | tf.math.is_inf(x2)
    inner = tf.where((large == 0) | endless, tf.ones_like(large), large)
    return tf.where(endless, tf.constant(float("inf"), x1.dtype), large * tf.math.sqrt(1 + tf.math.square(least / inner)))


def _log_sum(scale: float) -> Callable[..., Any]:
    """`log(e ** (scale x1) + e ** (scale x2)) / scale`."""

    def run(x1: Any, x2: Any) -> Any:
        large, apart = tf.math.maximum(x1, x2), -tf.math.abs(x1 - x2)
        same = (x1 == x2) & tf.math.is_inf(x1)  # inf - inf
        sum = large + tf.math.log1p(tf.math.exp(scale * apart)) / scale
        return tf.where(same, x1, sum)

    return _pair(run)


logaddexp, logaddexp2 = _log_sum(1.0), _log_sum(_LN2)


def where(condition: Any, x1: Any, x2: Any) -> Any:
    if not tf.is_tensor(x1) and not tf.is_tensor(x2):
        return tf.where(condition, x1, x2)
    return _pair(lambda a, b: tf.where(condition, a, b))(x1, x2)


def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    # a bound that is met gets none of the gradient, where `maximum` would give it half
    within = logical_and(greater_equal(x, x_min), less_equal(x, x_max))
    return where(within, x, minimum(maximum(x, x_min), x_max))


def stop_gradient(x: Any) -> Any:
    return tf.stop_gradient(x)
