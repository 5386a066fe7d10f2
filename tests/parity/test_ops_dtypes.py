"""The lattice of dtypes against that of the real Keras 3.15, as a black box on JAX; the differences are those that docs/dtypes.md names."""

import os

import pytest

pytestmark = pytest.mark.parity
os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

from cornu import dtypes  # noqa: E402
from cornu.ops.arguments import strong  # noqa: E402

NAMES = [d for d in dtypes.DTYPES if d != "string"]
PYTHON = {"int*": int, "float*": float, "complex*": complex}
NARROW = {"int64": "int32", "uint64": "uint32", "float64": "float32", "complex128": "complex64"}


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="narrowing is JAX's")
@pytest.mark.parametrize("first", NAMES)
def test_two_dtypes_meet_where_keras_says(first):
    for second in (*NAMES, *PYTHON):
        ours = strong(dtypes.promote(first, second))
        if "float8" in first + second:
            with pytest.raises(ValueError, match="float8"):
                keras.backend.result_type(first, PYTHON.get(second, second))
        else:
            assert keras.backend.result_type(first, PYTHON.get(second, second)) == NARROW.get(ours, ours), second
