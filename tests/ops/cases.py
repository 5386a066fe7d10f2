"""A call of an op and what must come of it: the tables of this folder are made of these.

A case is checked on one backend at a time: values and shapes against the reference, the dtype, and that the shape interpreter, given specs in
place of arrays, says the same shape and dtype.
"""

from __future__ import annotations

from operator import attrgetter

import numpy as np
import pytest

from cornu import backends, dtypes, ops
from cornu.backends import spec
from cornu.backends.spec import TensorSpec

TOLERANCE = {"float16": 2e-3, "bfloat16": 2e-2, "float32": 1e-5, "complex64": 1e-5}
_DEFAULT = {"float64": "float32", "int64": "int32", "uint64": "uint32", "complex128": "complex64"}

TESTED: set[str] = set()
"""The names of all ops that some case calls."""


def narrow(x):
    """The array in the dtypes of everyday: float32, int32."""
    return x.astype(_DEFAULT[x.dtype.name]) if isinstance(x, np.ndarray) and x.dtype.name in _DEFAULT else x


def wide(x):
    """Floats as float64, for the reference to compute in."""
    if isinstance(x, (list, tuple)):
        return type(x)(map(wide, x))
    if isinstance(x, np.ndarray) and dtypes.is_floating(dtypes.standardize(x.dtype)):
        return x.astype(np.float64)
    return x.astype(np.complex128) if isinstance(x, np.ndarray) and x.dtype.kind == "c" else x


def each(x):
    return list(x) if isinstance(x, (list, tuple)) else [x]


def shown(x):
    return f"{x.dtype}{list(x.shape)}" if isinstance(x, np.ndarray) else str(x)[:24]


def is_array(x):
    return isinstance(x, np.ndarray) or (isinstance(x, list) and isinstance(x[0], np.ndarray))


def compiled(cases, on):
    """The results of all cases from one compiled program; only arrays are its arguments."""

    def whole(state, given):
        results = []
        for case, arrays in zip(cases, given, strict=True):
            arrays = iter(arrays)
            args = [next(arrays) if is_array(arg) else arg for arg in case.args]
            results.append(attrgetter(case.op)(ops)(*args, **case.kwargs))
        return results, []

    given = [[[on.asarray(v) for v in a] if isinstance(a, list) else on.asarray(a) for a in case.args if is_array(a)] for case in cases]
    return on.compile(whole, [], given, list)([], given)[0]


class Case:
    """`ops.<op>(*args, **kwargs)` and its reference: `like`, called with the same arguments in float64, or the `expected` value itself.

    `dtype` is that of the result: by default the first float argument's for floats (float32 if there is none), int32 for whole numbers.
    `symbolic=False` leaves out the shape interpreter, for ops whose shape depends on values.
    """

    def __init__(self, op, *args, like=None, expected=None, dtype=None, rtol=None, atol=None, symbolic=True, **kwargs):
        self.op, self.symbolic = op, symbolic
        self.kwargs = {name: narrow(value) for name, value in kwargs.items()}
        self.args = tuple([narrow(v) for v in arg] if isinstance(arg, list) else narrow(arg) for arg in args)
        self.group, self.compiled = [self], None
        self.like, self.given, self.dtype, self.rtol, self.atol = like, expected, dtype, rtol, atol
        TESTED.add(op)

    def __str__(self):
        return f"{self.op}({', '.join([*map(shown, self.args), *(f'{k}={shown(v)}' for k, v in self.kwargs.items())])})"[:100]

    def reference(self):
        if self.like is None:
            return each(self.given)
        with np.errstate(all="ignore"):
            return each(self.like(*map(wide, self.args), **{name: wide(value) for name, value in self.kwargs.items()}))

    def wanted_dtype(self, reference, index):
        if self.dtype is not None:
            return self.dtype[index] if isinstance(self.dtype, tuple) else self.dtype
        name = reference.dtype.name
        if reference.dtype.kind == "f":
            floats = [dtypes.standardize(a.dtype) for arg in self.args for a in each(arg) if isinstance(a, np.ndarray)]
            return next((f for f in floats if dtypes.is_floating(f)), "float32")
        return _DEFAULT.get(name, name)

    def run(self):
        """The op's results; on a backend that compiles, those of the op compiled, for so it runs there."""
        on = backends.current()
        if on.EAGER or not self.symbolic:
            return each(attrgetter(self.op)(ops)(*self.args, **self.kwargs))
        if self.compiled is None:
            self.compile(on)
        return self.compiled

    def compile(self, on):
        """Runs all cases of this op in the table in one program, for every compilation takes its time; alone if one of them fails."""
        group = [case for case in self.group if case.symbolic]
        try:
            results = compiled(group, on)
        except Exception:  # noqa: BLE001 - whatever a backend cannot compile in one go it compiles piece by piece
            group = [self]
            results = compiled(group, on)
        for case, result in zip(group, results, strict=True):
            case.compiled = each(result)

    def check(self):
        results = self.run()
        references = [np.asarray(r) for r in self.reference()]
        assert len(results) == len(references)
        for i, (result, reference) in enumerate(zip(results, references, strict=True)):
            kind = self.wanted_dtype(reference, i)
            assert ops.dtype(result) == kind
            assert tuple(result.shape) == reference.shape
            found = ops.convert_to_numpy(result)
            if kind in TOLERANCE:
                rtol = self.rtol or TOLERANCE[kind]
                with np.errstate(all="ignore"):
                    np.testing.assert_allclose(wide(found), reference, rtol=rtol, atol=rtol / 10 if self.atol is None else self.atol)
            else:
                np.testing.assert_array_equal(found, reference)
        if self.symbolic:
            self.check_symbolic(results)

    def check_symbolic(self, results):
        def stand_in(x):
            return TensorSpec(x.shape, x.dtype) if isinstance(x, np.ndarray) else [stand_in(v) for v in x] if isinstance(x, list) else x

        with backends.use_backend(spec):
            inferred = each(attrgetter(self.op)(ops)(*map(stand_in, self.args), **self.kwargs))
        assert [str(s) for s in inferred] == [f"TensorSpec({tuple(r.shape)}, {ops.dtype(r)})" for r in results]


def table(cases):
    """Runs a test once for every case."""
    for case in cases:
        case.group = [other for other in cases if other.op == case.op]
    return pytest.mark.parametrize("case", cases, ids=str)
