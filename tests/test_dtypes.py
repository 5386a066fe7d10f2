"""Names of dtypes, and the lattice in which two of them meet: against JAX's own, with 64 bits."""

import ml_dtypes
import numpy as np
import pytest

from cornu import dtypes
from cornu.errors import DTypeError

jax = pytest.importorskip("jax")

WITHOUT_FLOAT8 = [d for d in dtypes.DTYPES if d != "string" and not d.startswith("float8")]
WEAK = {"int*": 1, "float*": 1.0, "complex*": 1j}


@pytest.mark.parametrize("first", WITHOUT_FLOAT8)
def test_two_dtypes_meet_where_jax_says(first):
    with jax.enable_x64(True):
        expected = {second: jax.numpy.promote_types(first, second).name for second in WITHOUT_FLOAT8}
    # Where an integer has no wider one to go to, JAX takes its default float, and so does Cornu: its name is "float*" until `floatx` is asked for
    met = {second: dtypes.promote(first, second) for second in WITHOUT_FLOAT8}
    assert {second: name.replace("float*", "float64") for second, name in met.items()} == expected


@pytest.mark.parametrize("name", WITHOUT_FLOAT8)
def test_a_python_scalar_adopts_the_width(name):
    for weak, scalar in WEAK.items():
        with jax.enable_x64(True):
            result = jax.numpy.add(jax.numpy.ones((), name), scalar)
        met = dtypes.promote(name, weak)
        # JAX turns a weak result that no array widened into its own default; the name of the weak type says as much
        assert (
            met == result.dtype.name or (result.weak_type and met == weak) or (met.endswith("*") and result.dtype.name.startswith(met[:-1]))
        )


def test_three_meet_in_one_that_holds_them_all():
    assert dtypes.promote("int8", "uint8", "float16") == "float16"
    assert dtypes.promote("bool", "int*", "float*") == "float*"
    assert dtypes.promote("bfloat16", "float16", "int32") == "float32"


def test_order_and_grouping_do_not_matter():
    for a in WITHOUT_FLOAT8:
        for b in WITHOUT_FLOAT8:
            assert dtypes.promote(a, b) == dtypes.promote(b, a)
            assert dtypes.promote(a, b, "float16") == dtypes.promote(dtypes.promote(a, b), "float16")
        assert dtypes.promote(a, a) == dtypes.promote(a) == a


SPELLINGS = [
    (np.float32, "float32"),
    (np.dtype("int64"), "int64"),
    (float, "float32"),
    (int, "int32"),
    (bool, "bool"),
    (complex, "complex64"),
    (str, "string"),
    ("half", "float16"),
    ("double", "float64"),
    (ml_dtypes.bfloat16, "bfloat16"),
    (np.dtype(ml_dtypes.bfloat16), "bfloat16"),
    (np.bool_, "bool"),
    (np.dtype("<U7"), "string"),
    (np.dtype("S3"), "string"),
    (np.dtype(object), "string"),
    (jax.numpy.float16, "float16"),
    ("float8_e5m2", "float8_e5m2"),
]


@pytest.mark.parametrize(("given", "name"), SPELLINGS, ids=str)
def test_every_spelling(given, name):
    assert dtypes.standardize(given) == name


def test_the_spelling_of_torch():
    torch = pytest.importorskip("torch")
    assert dtypes.standardize(torch.bfloat16) == "bfloat16"
    assert dtypes.standardize(torch.bool) == "bool"


@pytest.mark.parametrize("name", [d for d in dtypes.DTYPES if d != "string"])
def test_numpys_dtype_has_the_name(name):
    assert dtypes.numpy_dtype(name).name == name
    assert dtypes.standardize(dtypes.numpy_dtype(name)) == name


def test_kinds():
    assert [d for d in dtypes.DTYPES if dtypes.is_integer(d)] == ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
    assert [d for d in dtypes.DTYPES if dtypes.is_floating(d)] == [
        "float8_e4m3fn",
        "float8_e5m2",
        "bfloat16",
        "float16",
        "float32",
        "float64",
    ]
    assert [d for d in dtypes.DTYPES if dtypes.is_complex(d)] == ["complex64", "complex128"]
    assert (dtypes.real_part("complex128"), dtypes.real_part("float16")) == ("float64", "float16")


def test_limits():
    assert dtypes.limits("uint8") == (0, 255)
    assert dtypes.limits("int64") == (-(2**63), 2**63 - 1)
    assert dtypes.limits("float32") == (float(np.finfo(np.float32).min), float(np.finfo(np.float32).max))
    assert dtypes.precision("float32") == float(np.finfo(np.float32).eps)
    assert dtypes.precision("bfloat16") == 2**-7


def test_a_name_that_is_none_is_refused_with_the_nearest():
    with pytest.raises(DTypeError, match="'float32'"):
        dtypes.standardize("float_32")
    with pytest.raises(DTypeError, match="Known dtypes"):
        dtypes.standardize("???")
    with pytest.raises(DTypeError, match="Strings"):
        dtypes.promote("string", "float32")


@pytest.mark.parametrize(
    ("dtype", "text", "numeric"),
    [
        *((np.dtype(kind), True, False) for kind in ("U3", "S2", "O")),
        *((np.dtype(kind), False, False) for kind in ("M8[s]", "m8[D]")),
        *((np.dtype(kind), False, True) for kind in ("?", "u1", "i8", "f2", "c8")),
        (dtypes.numpy_dtype("bfloat16"), False, True),
        (np.dtypes.StringDType(), True, False),
    ],
)
def test_what_is_text_and_what_are_numbers(dtype, text, numeric):
    assert (dtypes.is_text(dtype), dtypes.is_numeric(dtype)) == (text, numeric)
