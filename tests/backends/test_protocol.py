"""What every backend offers beside the primitives: conversion, state, gradients, compilation."""

import ast
import inspect
import pathlib

import numpy as np
import pytest

from cornu import backends, ops
from cornu.backends import protocol, spec
from cornu.backends.spec import TensorSpec
from cornu.errors import BackendError

# Names that not every backend has, each with who may leave them out
NO_TRACE = ("numpy",)
OPTIONAL = {
    "distribution": ("torch", "numpy", "tensorflow"),
    "record": ("jax", "numpy", "tensorflow"),
    "add_state": ("jax",),
    "compile": ("torch", "numpy"),
    "start_trace": NO_TRACE,
    "stop_trace": NO_TRACE,
}
SOURCES = sorted(pathlib.Path(inspect.getfile(ops)).parent.rglob("*.py"))


def contract():
    members = [*vars(protocol.Backend), *protocol.Backend.__annotations__]
    return sorted({name for name in members if not name.startswith("_")})


def primitives():
    """The names of ops of the table that hand over to the interpreter, and what they call on it."""
    named = {}
    for path in SOURCES:
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and any(getattr(d, "id", None) == "primitive" for d in function.decorator_list):
                calls = {n.attr for n in ast.walk(function) if isinstance(n, ast.Attribute) and getattr(n.value, "id", None) == "on"}
                named[function.name] = calls
    return named


def test_the_contract_is_whole_on_every_backend(backend):
    own = backends.current()
    missing = [name for name in contract() if not hasattr(own, name) and own.NAME not in OPTIONAL.get(name, ())]
    assert not missing


def test_every_backend_and_the_shapes_have_what_each_primitive_calls(backend):
    own, table = backends.current(), primitives()
    assert len(table) > 100
    missing = {op: sorted(n for n in calls if not hasattr(own, n)) for op, calls in table.items()}
    assert not {op: names for op, names in missing.items() if names}
    symbolic = {op: sorted(n for n in calls if not hasattr(spec, n)) for op, calls in table.items()}
    assert {op for op, names in symbolic.items() if names} <= {"nonzero", "where"}  # as long as there are values that are not 0


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int32", "uint8", "bool"])
def test_arrays_come_and_go_with_their_values_and_dtypes(backend, dtype):
    own = backends.current()
    x = own.asarray(np.array([0, 1, 3]), dtype)
    assert own.dtype(x) == dtype
    assert np.asarray(own.to_numpy(x), "float64").tolist() == ([0.0, 1.0, 1.0] if dtype == "bool" else [0.0, 1.0, 3.0])


def test_python_numbers_get_the_default_dtypes(backend):
    own = backends.current()
    found = [own.dtype(own.asarray(x)) for x in (1.5, 2, True, [1.5, 2.5], [[1, 2]], 1j)]
    assert found[:5] == ["float32", "int32", "bool", "float32", "int32"]


def test_state_is_owned_by_the_variable_alone(backend):
    own, values = backends.current(), np.array([1.0, 2.0], "float32")
    given = own.asarray(values)
    state = own.make_state(given, True)
    values[0] = 9.0
    after = own.assign_state(state, own.asarray(np.array([5.0, 6.0], "float32")))
    assert own.to_numpy(after).tolist() == [5.0, 6.0]
    assert own.to_numpy(given).tolist()[1] == 2.0


def test_gradients_are_those_of_the_formula_and_zero_where_nothing_depends(trainable_backend):
    own = backends.current()
    x, unused = (own.make_state(own.asarray(np.array(v, "float32")), True) for v in ([1.0, -2.0, 3.0], [1.0]))
    (loss, aux), grads = own.value_and_grad(lambda values: ((values[0] ** 3).sum(), values[0] * 2), [x, unused])
    assert float(loss) == 1 - 8 + 27
    assert own.to_numpy(aux).tolist() == [2.0, -4.0, 6.0]
    assert own.to_numpy(grads[0]).tolist() == [3.0, 12.0, 27.0]
    assert own.to_numpy(grads[1]).tolist() == [0.0]


def test_numpy_says_what_it_cannot_do():
    own = backends.load("numpy")
    for call in (lambda: own.value_and_grad(None, []), lambda: own.evaluate_shape(None)):
        with pytest.raises(BackendError, match="The numpy backend cannot"):
            call()


def test_the_abstract_evaluation_of_a_framework_gives_specs(trainable_backend):
    own = backends.current()
    found = own.evaluate_shape(lambda x: (x @ x.T, x.sum(-1)), TensorSpec((3, 4)))
    assert list(found) == [TensorSpec((3, 3)), TensorSpec((3,))]


def test_a_compiled_function_gives_outputs_and_new_state():
    jax = backends.load("jax")
    state = [jax.make_state(jax.asarray([1.0, 2.0]), True), jax.make_state(jax.asarray([5.0]), True)]
    kept = jax.to_numpy(state[1]).copy()
    run = jax.compile(lambda values, args: (values[0].sum(), [values[0] + args[0]]), state, (jax.asarray(1.0),), lambda: [0])
    outputs, (new,) = run(state, (jax.asarray(1.0),))
    assert (float(outputs), jax.to_numpy(new).tolist()) == (3.0, [2.0, 3.0])
    assert jax.to_numpy(state[1]).tolist() == kept.tolist()  # what is not written is not given away


def test_devices_are_named_and_waiting_returns(backend):
    own = backends.current()
    assert all(isinstance(d, str) for d in own.devices())
    assert own.devices()
    x = ops.ones((3,))
    own.block([x])
    assert ops.convert_to_numpy(x).tolist() == [1.0, 1.0, 1.0]
