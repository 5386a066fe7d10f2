"""Functions of one array and of two that broadcast: values against NumPy and SciPy, dtypes, special numbers, empty and 0-d arrays."""

import ml_dtypes
import numpy as np
import pytest
import scipy.special

from cornu import dtypes, ops
from cornu.errors import ArgumentError, DTypeError, ShapeError
from tests.ops.cases import Case, table

RNG = np.random.default_rng(0)
ANY = RNG.normal(size=(2, 3)) * 2
POSITIVE = RNG.uniform(0.1, 4, size=(2, 3))
UNIT = RNG.uniform(-0.95, 0.95, size=(2, 3))
ABOVE_ONE = RNG.uniform(1.05, 5, size=(2, 3))
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0])
WHOLE = np.array([[3, -7, 0], [1, -1, 12]])
COUNTS = np.array([[3, 7, 1], [2, 5, 12]])

# Functions with a fraction: a reference, and where it is defined
FLOATING = {
    "exp": (np.exp, ANY),
    "exp2": (np.exp2, ANY),
    "expm1": (np.expm1, ANY),
    "log": (np.log, POSITIVE),
    "log1p": (np.log1p, POSITIVE),
    "log2": (np.log2, POSITIVE),
    "log10": (np.log10, POSITIVE),
    "sqrt": (np.sqrt, POSITIVE),
    "rsqrt": (lambda x: 1 / np.sqrt(x), POSITIVE),
    "cbrt": (np.cbrt, ANY),
    "reciprocal": (lambda x: 1 / x, POSITIVE),
    "erf": (scipy.special.erf, ANY),
    "erfc": (scipy.special.erfc, ANY),
    "erfinv": (scipy.special.erfinv, UNIT),
    "i0": (scipy.special.i0, ANY),
    "sigmoid": (scipy.special.expit, ANY),
    "fabs": (np.fabs, ANY),
    "floor": (np.floor, ANY),
    "ceil": (np.ceil, ANY),
    "sin": (np.sin, ANY),
    "cos": (np.cos, ANY),
    "tan": (np.tan, UNIT),
    "arcsin": (np.arcsin, UNIT),
    "arccos": (np.arccos, UNIT),
    "arctan": (np.arctan, ANY),
    "sinh": (np.sinh, ANY),
    "cosh": (np.cosh, ANY),
    "tanh": (np.tanh, ANY),
    "arcsinh": (np.arcsinh, ANY),
    "arccosh": (np.arccosh, ABOVE_ONE),
    "arctanh": (np.arctanh, UNIT),
    "deg2rad": (np.deg2rad, ANY),
    "rad2deg": (np.rad2deg, ANY),
    "sinc": (np.sinc, ANY),
    "angle": (np.angle, ANY),
}
# Functions that keep the dtype, of integers too
KEEPING = {
    "negative": np.negative,
    "absolute": np.absolute,
    "abs": np.absolute,
    "sign": np.sign,
    "square": np.square,
    "trunc": np.trunc,
    "round": np.round,
    "conj": np.conj,
    "conjugate": np.conj,
    "real": np.real,
    "imag": np.imag,
}
TESTS = {
    "isfinite": np.isfinite,
    "isinf": np.isinf,
    "isnan": np.isnan,
    "signbit": np.signbit,
    "isreal": np.isreal,
    "logical_not": np.logical_not,
}


def special_cases(name, like):
    # i0 overflows to NaN at infinity on some backends and to inf on others: both are what their libraries compute
    numbers = SPECIAL[3:] if name == "i0" else SPECIAL
    return Case(name, numbers, like=like, dtype=None, atol=1e-6)


ONE = (
    [
        case
        for name, (like, x) in FLOATING.items()
        for case in (
            Case(name, x, like=like),
            Case(name, x.astype(np.float16), like=like, rtol=4e-3),
            Case(name, x.astype(ml_dtypes.bfloat16), like=like, rtol=3e-2),
            Case(name, np.array(float(x[0, 0])), like=like),
            Case(name, np.zeros((0, 3)), like=like),
            Case(name, COUNTS[:1, 2:], like=lambda x, like=like: like(x * 1.0)),  # the whole number 1
            special_cases(name, like),
        )
    ]
    + [
        case
        for name, like in KEEPING.items()
        for case in (
            Case(name, ANY, like=like),
            Case(name, WHOLE, like=like),
            Case(name, np.array(1.5), like=like),
            Case(name, np.zeros((0, 3)), like=like),
            Case(name, ANY.astype(np.float16), like=like),
            Case(name, ANY.astype(ml_dtypes.bfloat16), like=like),
            special_cases(name, like),
            Case(name, COUNTS.astype(np.uint8), like=like),
        )
    ]
    + [
        case
        for name, like in TESTS.items()
        for case in (Case(name, SPECIAL, like=like), Case(name, WHOLE, like=like), Case(name, np.zeros((0,)), like=like))
    ]
)

MORE = [
    Case("isposinf", SPECIAL, like=np.isposinf),
    Case("isneginf", SPECIAL, like=np.isneginf),
    Case("absolute", np.array([3 + 4j, -1j]), like=np.absolute, dtype="float32"),
    Case("angle", np.array([3 + 4j, -1j, -1.0]), like=np.angle, dtype="float32"),
    Case("real", np.array([3 + 4j]), like=np.real, dtype="float32"),
    Case("imag", np.array([3 + 4j]), like=np.imag, dtype="float32"),
    Case("conj", np.array([3 + 4j]), like=np.conj),
    Case("exp", np.array([1 + 1j]), like=np.exp),
    Case("absolute", np.array([True, False]), like=np.absolute),
    Case("square", np.array([True, False]), expected=np.array([1, 0])),
    Case("exp", np.array([True, False]), expected=np.exp([1.0, 0.0])),
    Case("round", np.array([0.5, 1.5, -2.5, 1.25, 163.7]), like=np.round),
    Case("round", np.array([0.5, 1.55, -2.537]), 2, like=np.round),
    Case("round", np.array([155.0, -1849.0]), decimals=-2, like=np.round),
    Case("round", np.array([15, 25, -15, 14, -25]), -1, like=np.round),
    Case("nan_to_num", SPECIAL, like=lambda x: np.nan_to_num(x.astype(np.float32))),
    Case("nan_to_num", SPECIAL, nan=7.0, posinf=8.0, neginf=-9.0, like=np.nan_to_num),
    Case("nan_to_num", WHOLE, like=np.nan_to_num),
    Case("bitwise_not", WHOLE, like=np.invert),
    Case("bitwise_invert", COUNTS.astype(np.uint8), like=np.invert),
    Case("bitwise_not", np.array([True, False]), like=np.invert),
    Case("tanh", [0.5, -0.5], like=np.tanh),
    Case("exp", 1.0, like=np.exp),
    Case("absolute", -3, like=np.absolute),
]


@table(ONE)
def test_function_of_one_array(case, backend):
    case.check()


@table(MORE)
def test_further_function_of_one_array(case, backend):
    case.check()


SECOND = RNG.normal(size=(3,)) * 2
POSITIVE_SECOND = RNG.uniform(0.5, 2, size=(3,))
GRID = np.meshgrid(SPECIAL, SPECIAL, indexing="ij")
# Functions of two: a reference, two floats where it is defined, and whether integers stay integers
PAIRS = {
    "add": (np.add, ANY, SECOND, True),
    "subtract": (np.subtract, ANY, SECOND, True),
    "multiply": (np.multiply, ANY, SECOND, True),
    "divide": (np.divide, ANY, POSITIVE_SECOND, False),
    "true_divide": (np.divide, ANY, POSITIVE_SECOND, False),
    "floor_divide": (np.floor_divide, ANY, POSITIVE_SECOND, True),
    "mod": (np.mod, ANY, POSITIVE_SECOND, True),
    "fmod": (np.fmod, ANY, POSITIVE_SECOND, True),
    "power": (np.power, POSITIVE, SECOND, True),
    "maximum": (np.maximum, ANY, SECOND, True),
    "minimum": (np.minimum, ANY, SECOND, True),
    "fmax": (np.fmax, ANY, SECOND, True),
    "fmin": (np.fmin, ANY, SECOND, True),
    "arctan2": (np.arctan2, ANY, SECOND, False),
    "hypot": (np.hypot, ANY, SECOND, False),
    "logaddexp": (np.logaddexp, ANY, SECOND, False),
    "logaddexp2": (np.logaddexp2, ANY, SECOND, False),
    "heaviside": (np.heaviside, ANY, SECOND, False),
}
COMPARISONS = {
    "equal": np.equal,
    "not_equal": np.not_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
}
# Where the libraries do not agree on infinite and zero arguments, and no formula decides: quotients over 0 and of infinity
UNDECIDED = {"floor_divide", "mod", "fmod"}
BITS = {"bitwise_and": np.bitwise_and, "bitwise_or": np.bitwise_or, "bitwise_xor": np.bitwise_xor}
SHIFTS = {
    "left_shift": np.left_shift,
    "right_shift": np.right_shift,
    "bitwise_left_shift": np.left_shift,
    "bitwise_right_shift": np.right_shift,
}


def in_float64(like):
    return lambda x, y: like(np.asarray(x, np.float64), np.asarray(y, np.float64))


TWO = (
    [
        case
        for name, (like, x, y, whole) in PAIRS.items()
        for case in (
            Case(name, x, y, like=like),
            Case(name, x, 2.0, like=like),
            Case(name, 2.0, np.abs(x), like=like),
            Case(name, x.astype(np.float16), y.astype(np.float16), like=like, rtol=4e-3, atol=2e-3),
            Case(name, np.abs(x).astype(ml_dtypes.bfloat16), 2.0, like=like, rtol=3e-2),
            Case(name, np.array(2.5), np.array(1.5), like=like),
            Case(name, np.zeros((0, 3)), y, like=like),
            Case(name, COUNTS, np.array([2, 1, 3]), like=in_float64(like), dtype="int32" if whole else "float32"),
            Case(name, COUNTS, 2, like=in_float64(like), dtype="int32" if whole else "float32"),
            Case(name, COUNTS, 2.0, like=like, dtype="float32"),
            Case(name, COUNTS[:, :1].astype(np.uint8), np.int8([[2, 1, 2]]), like=in_float64(like), dtype="int16" if whole else "float32"),
            *([] if name in UNDECIDED else [Case(name, *GRID, like=like, atol=1e-6)]),
        )
    ]
    + [
        case
        for name, like in COMPARISONS.items()
        for case in (
            Case(name, *GRID, like=like),
            Case(name, WHOLE, np.array([3, -1, 0]), like=like),
            Case(name, WHOLE, 1, like=like),
            Case(name, 1, WHOLE, like=like),
            Case(name, WHOLE, 0.5, like=like),
            Case(name, np.array([True, False]), np.array([[True], [False]]), like=like),
            Case(name, np.array(2.0), np.array(2.0), like=like),
            Case(name, np.zeros((0, 3)), 1.0, like=like),
        )
    ]
    + [
        case
        for name, like in BITS.items()
        for case in (
            Case(name, WHOLE, np.array([3, 5, 6]), like=like),
            Case(name, WHOLE, 6, like=like),
            Case(name, COUNTS.astype(np.uint8), np.uint8(6), like=like),
            Case(name, np.array([True, False]), np.array([True, True]), like=like),
        )
    ]
    + [
        case
        for name, like in SHIFTS.items()
        for case in (Case(name, WHOLE, np.array([1, 0, 2]), like=like), Case(name, WHOLE, 2, like=like))
    ]
)

MORE_OF_TWO = [
    Case("divide_no_nan", ANY, np.array([0.0, 2.0, 0.0]), expected=np.where([False, True, False], ANY.astype(np.float32) / 2, 0)),
    Case("divide_no_nan", WHOLE, 0, expected=np.zeros((2, 3))),
    Case("divide_no_nan", 1.0, np.array([0.0, 4.0]), expected=np.array([0, 0.25])),
    Case("ldexp", POSITIVE, np.array([3, -4, 0]), like=np.ldexp),
    Case("ldexp", np.array([2.0**-120]), np.array([200]), like=np.ldexp),
    Case("ldexp", COUNTS, 2, expected=COUNTS * 4.0),
    Case(
        "nextafter",
        np.array([1.0, 0.0, -2.0]),
        np.array([2.0, 1.0, -3.0]),
        expected=np.nextafter(np.float32([1, 0, -2]), np.float32([2, 1, -3])),
        rtol=1e-9,
        atol=0,
    ),
    Case("gcd", WHOLE, np.array([6, 14, 5]), like=np.gcd),
    Case("lcm", WHOLE, np.array([6, 14, 5]), like=np.lcm),
    Case("gcd", COUNTS.astype(np.uint8), 6, like=np.gcd),
    Case("isclose", np.array([1.0, 1.0, np.nan, np.inf, np.inf]), np.array([1.000001, 1.1, np.nan, np.inf, -np.inf]), like=np.isclose),
    Case("isclose", np.array([1.0, np.nan]), np.array([1.05, np.nan]), rtol=0.1, equal_nan=True, like=np.isclose),
    Case("isclose", np.array([100, 101]), 100, like=np.isclose),
    Case("maximum", np.array([True, False]), False, like=np.maximum),
    Case("add", np.array([True, False]), np.array([True, True]), like=np.add),
    Case("multiply", np.array([True, False]), np.array([True, True]), like=np.multiply),
    Case("add", np.array([True, False]), 1, expected=np.array([2, 1])),
    Case("power", np.array([True, False]), np.array([True, True]), expected=np.array([1, 0])),
    Case("mod", np.array([True, False]), np.array([True, True]), expected=np.array([0, 0])),
    Case("floor_divide", np.array([True, False]), np.array([True, True]), expected=np.array([1, 0])),
    Case("left_shift", np.array([True]), np.array([True]), expected=np.array([2])),
    Case("power", np.array([2, -3, 1, -1]), np.array([3, 2, 5, 3]), like=np.power),
    Case("power", np.array([2, 1, -1, 5]), np.array([-1, -2, -3, -2]), expected=np.array([0, 1, -1, 0])),
    Case("power", 2, np.array([0, 3]), like=np.power),
    Case("floor_divide", np.array([7, -7, 7, -7]), np.array([2, 2, -2, -2]), like=np.floor_divide),
    Case("mod", np.array([7, -7, 7, -7]), np.array([2, 2, -2, -2]), like=np.mod),
    Case("fmod", np.array([7, -7, 7, -7]), np.array([2, 2, -2, -2]), like=np.fmod),
    Case("floor_divide", np.array([7.5, -7.5]), -2.0, like=np.floor_divide),
    Case("mod", np.array([7.5, -7.5]), -2.0, like=np.mod),
    Case("add", 1, 2, expected=np.array(3)),
    Case("divide", 1, 2, expected=np.array(0.5)),
    Case("add", [1, 2], [0.5, 1.5], expected=np.array([1.5, 3.5])),
    Case("add", np.array([1 + 2j]), 1.0, like=np.add),
    Case("multiply", np.array([1.0, 2.0]), 2j, expected=np.array([2j, 4j])),
]


@table(TWO)
def test_function_of_two_arrays(case, backend):
    case.check()


@table(MORE_OF_TWO)
def test_further_function_of_two_arrays(case, backend):
    case.check()


KINDS = ["bool", "uint8", "uint16", "uint32", "int8", "int16", "int32", "bfloat16", "float16", "float32"]


@pytest.mark.parametrize("first", KINDS)
def test_two_arrays_meet_in_the_dtype_of_the_lattice(first, backend):
    x = np.ones((2,), dtypes.numpy_dtype(first))
    for second in KINDS:
        y, meeting = np.ones((2,), dtypes.numpy_dtype(second)), dtypes.promote(first, second)
        meeting = {"int64": "int32" if backend == "jax" else "int64"}.get(meeting, meeting)  # JAX holds 32 bits
        for op, value in ((ops.add, 2), (ops.multiply, 1), (ops.maximum, 1)):
            result = op(x, y)
            assert ops.dtype(result) == meeting, (op.op_name, first, second)
            assert ops.convert_to_numpy(result).astype(np.float32).tolist() == [1.0 if meeting == "bool" else value] * 2
        assert ops.dtype(ops.less(x, y)) == "bool"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [True, 1, 1.0, np.int64(1), np.float64(1.0)])
def test_a_python_number_takes_the_width_of_the_array(kind, number, backend):
    x = np.ones((2,), dtypes.numpy_dtype(kind))
    weak = {"bool": "bool", "int": "int*", "float": "float*"}[type(getattr(number, "item", lambda: number)()).__name__]
    meeting = dtypes.promote(kind, weak)
    meeting = {"int*": "int32", "float*": "float32"}.get(meeting, meeting)
    for result in (ops.add(x, number), ops.add(number, x), ops.where(x, x, number), ops.maximum(x, number)):
        assert ops.dtype(result) == meeting


@pytest.mark.parametrize("name", ["uint16", "uint32"])
def test_unsigned_integers_wrap_around(name, backend):
    top = np.array([np.iinfo(name).max, 3], name)
    assert ops.convert_to_numpy(ops.add(top, 1)).tolist() == [0, 4]
    assert ops.convert_to_numpy(ops.multiply(top, 2)).tolist() == [np.iinfo(name).max - 1, 6]
    assert ops.convert_to_numpy(ops.less(top, 5)).tolist() == [False, True]


TOGETHER = [
    "add",
    "subtract",
    "divide",
    "power",
    "maximum",
    "arctan2",
    "less",
    "logical_and",
    "bitwise_or",
    "hypot",
    "isclose",
    "fmax",
    "divide_no_nan",
    "gcd",
]


@pytest.mark.parametrize("op", TOGETHER)
def test_shapes_that_do_not_broadcast_are_named(op, backend):
    x, y = np.ones((2, 3), "int32"), np.ones((4,), "int32")
    with pytest.raises(ShapeError, match=r"\(2, 3\) and \(4,\)"):
        getattr(ops, op)(x, y)


BOOLEANS = np.array([True, False])
REFUSED = [
    ("subtract", (BOOLEANS, BOOLEANS), DTypeError, "logical op"),
    ("negative", (BOOLEANS,), DTypeError, "booleans"),
    ("sign", (BOOLEANS,), DTypeError, "booleans"),
    ("bitwise_and", (np.float32([1.0]), 1), DTypeError, "float32"),
    ("bitwise_not", (np.float32([1.0]),), DTypeError, "float32"),
    ("left_shift", (np.int32([1]), 1.5), DTypeError, "float"),
    ("gcd", (np.float32([1.0]), np.int32([2])), DTypeError, "integers"),
    ("ldexp", (np.float32([1.0]), np.float32([2.0])), DTypeError, "exp2"),
    ("power", (np.int32([2]), -1), DTypeError, "negative powers"),
    ("add", (np.uint8([1]), 300), ArgumentError, "300"),
    ("less", (np.int8([1]), -129), ArgumentError, "int8"),
    ("floor", (np.complex64([1j]),), DTypeError, "complex"),
    ("isposinf", (np.complex64([1j]),), DTypeError, "complex"),
]


@pytest.mark.parametrize(("op", "args", "error", "words"), REFUSED, ids=lambda v: v if isinstance(v, str) else "")
def test_what_has_no_meaning_is_refused(op, args, error, words, backend):
    with pytest.raises(error, match=words):
        getattr(ops, op)(*args)
