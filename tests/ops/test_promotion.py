"""Dtypes where two arrays meet: the lattice's page is up to date, and ops follow it on every backend."""

import importlib.util
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from cornu import backends, dtypes, ops
from cornu.backends import spec
from cornu.backends.spec import TensorSpec
from cornu.ops.arguments import strong

DOCS = Path(__file__).parents[2] / "docs"
PAIRED = [d for d in dtypes.DTYPES if d != "string" and not d.startswith("float8")]
SCALARS = {"int*": 2, "float*": 2.5, "complex*": 2j}
NARROW = {"int64": "int32", "uint64": "uint32", "float64": "float32", "complex128": "complex64"}


def test_the_page_of_dtypes_is_what_the_lattice_says():
    found = importlib.util.spec_from_file_location("dtype_table", DOCS / "dtype_table.py")
    table = importlib.util.module_from_spec(found)
    found.loader.exec_module(table)
    assert (DOCS / "dtypes.md").read_text(encoding="utf-8") == table.page(), "run `python docs/dtype_table.py`"
    rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in table.table().splitlines()]
    assert len(rows) == 2 + len(table.SHORT)
    assert rows[2 + list(table.SHORT).index("int8")][1 + list(table.SHORT).index("uint8")] == "i16"
    assert rows[2 + list(table.SHORT).index("float*")][1 + list(table.SHORT).index("bfloat16")] == "bf"


def met(first, second):
    return strong(dtypes.promote(first, second))


@pytest.mark.parametrize("first", PAIRED)
def test_sums_of_two_arrays_have_the_dtype_where_they_meet(first, backend):
    on = backends.current()
    held = {name: ops.dtype(ops.zeros((2,), name)) for name in PAIRED} if backend == "jax" else dict(zip(PAIRED, PAIRED, strict=True))
    for second in PAIRED:
        wanted = met(held[first], held[second])
        pair = TensorSpec((2,), held[first]), TensorSpec((2,), held[second])
        with backends.use_backend(spec):
            assert ops.multiply(*pair).dtype == wanted
        if backend == "numpy":
            found = ops.dtype(ops.multiply(*(np.ones(2, dtypes.numpy_dtype(p.dtype)) for p in pair)))
        else:  # by the framework's own abstract evaluation: it takes no compiler and no kernels
            found = on.evaluate_shape(ops.multiply, *pair).dtype
        assert NARROW.get(found, found) == NARROW.get(wanted, wanted) if backend == "jax" else found == wanted, (second, found)


@pytest.mark.parametrize("weak", SCALARS)
def test_python_numbers_adopt_the_width(weak, backend):
    for name in PAIRED:
        if name == "bool" and weak == "int*":
            continue
        x = ops.zeros((2,), name)
        wanted = met(ops.dtype(x), weak)
        for found in (ops.multiply(x, SCALARS[weak]), ops.multiply(SCALARS[weak], x)):
            assert ops.dtype(found) == wanted, name


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2"])
def test_where_others_refuse_small_floats(name):
    jax = pytest.importorskip("jax")
    with pytest.raises(ValueError, match="no available implicit dtype promotion"):
        jax.numpy.promote_types(name, "float16")
    assert dtypes.promote(name, "float16") == "float32"
    assert dtypes.promote(name, "int8") == dtypes.promote(name, "float*") == name
    assert np.dtype(getattr(ml_dtypes, name)).itemsize == 1
