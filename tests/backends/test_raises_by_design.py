"""What raises by design, and on which backends: the table in docs/backends.md is what is found by trying, and nothing else raises so."""

import ast
import inspect
import pathlib
import re

import numpy as np
import pytest

import cornu
from cornu import backends, layers, ops
from cornu.backends import NAMES, protocol
from cornu.backends.spec import TensorSpec
from cornu.errors import CornuError
from cornu.state import CompiledStep
from cornu.state.transforms import value_and_grad

ROOT = pathlib.Path(inspect.getfile(cornu)).parent
DOCUMENT = ROOT.parent / "docs" / "backends.md"
IDS = np.array([0, 2, 1], "int32")
LEFT_OUT = ("distribution", "record", "start_trace", "stop_trace")
"""What the protocol lets a backend leave out, to be asked for by `hasattr`."""


def compiled(fn):
    """Tries a function of an array inside a compiled step."""
    return lambda: CompiledStep(fn, list)(IDS)


def trained():
    model = cornu.Sequential([cornu.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)


def absent_device():
    with cornu.device("gpu:7"):
        ops.ones(2)


def measured(own):
    v = cornu.Variable(1.0)
    return value_and_grad(lambda: (v * 2.0, None), [v])


PROBES = {
    "Model.fit": lambda own: trained(),
    "value_and_grad": measured,
    "vjp": lambda own: cornu.vjp(ops.sin, 1.0),
    "jvp": lambda own: cornu.jvp(ops.sin, (1.0,), (1.0,)),
    "evaluate_shape": lambda own: own.evaluate_shape(lambda x: x, TensorSpec((2,))),
    "device": lambda own: absent_device(),
    "convert_to_numpy": lambda own: compiled(lambda x: ops.ones(2) * float(ops.convert_to_numpy(x)[0]))(),
    "nonzero": lambda own: compiled(ops.nonzero)(),
    "where": lambda own: compiled(ops.where)(),
    "unique": lambda own: compiled(ops.unique)(),
    "bincount": lambda own: compiled(ops.bincount)(),
    "arange": lambda own: compiled(lambda x: ops.arange(ops.sum(x)))(),
    "while_loop": lambda own: cornu.vmap(lambda n: ops.while_loop(lambda i: i < n, lambda i: i + 1, (ops.zeros_like(n),)))(IDS),
    "segment_sum": lambda own: compiled(lambda x: ops.segment_sum(x, x))(),
    "segment_max": lambda own: compiled(lambda x: ops.segment_max(x, x))(),
    "segment_min": lambda own: compiled(lambda x: ops.segment_min(x, x))(),
    "segment_prod": lambda own: compiled(lambda x: ops.segment_prod(x, x))(),
}
# Where the code raises, and the row that speaks of it
RAISED_IN = {
    ("jax", "on_device"): "device",
    ("torch", "on_device"): "device",
    ("tensorflow", "on_device"): "device",
    ("jax", "join"): None,  # not the backend: the processes that did not meet
    ("tensorflow", "to_numpy"): "convert_to_numpy",
    ("torch", "while_loop"): "while_loop",
    ("torch", "goes_on"): "while_loop",
    ("torch", "native_dtype"): None,  # no dtype of Cornu's is missing there; texts are turned away before
    ("numpy", "value_and_grad"): "value_and_grad",
    ("numpy", "vjp"): "vjp",
    ("numpy", "jvp"): "jvp",
    ("numpy", "evaluate_shape"): "evaluate_shape",
}
BY_VALUES = {"nonzero": ["nonzero", "where"], "unique": ["unique"], "bincount": ["bincount"], "arange": ["arange"],
             "segment": ["segment_sum", "segment_max", "segment_min", "segment_prod"]}  # fmt: skip


def table():
    """The rows of the document: what, and the backends that raise."""
    text = DOCUMENT.read_text().partition("## What raises by design")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([\w.]+)` \| ([a-z, ]+) \| (\S.+) \|$", text, re.MULTILINE)
    assert all(len(reason) > 20 for _, _, reason in rows)
    return {what: set(where.split(", ")) for what, where, _ in rows}


def functions(path):
    return [f for f in ast.walk(ast.parse(path.read_text())) if isinstance(f, ast.FunctionDef)]


def called(node):
    """The names of what is called within."""
    return [getattr(n.func, "id", None) for n in ast.walk(node) if isinstance(n, ast.Call)]


@pytest.mark.parametrize("what", PROBES)
def test_the_table_says_on_which_backends_it_raises(what, backend):
    own = backends.current()
    if what in ("convert_to_numpy",) and backend == "jax":
        with pytest.raises(Exception, match="traced array"):  # JAX's own error says it
            PROBES[what](own)
        return
    raises = backend in table()[what]
    if not raises:
        PROBES[what](own)
        return
    with pytest.raises(CornuError) as caught:
        PROBES[what](own)
    assert len(str(caught.value)) > 40  # what must hold, and how to mend it


def test_what_a_backend_leaves_out_is_in_the_table(backend):
    own, rows = backends.current(), table()
    contract = [n for n in (*vars(protocol.Backend), *protocol.Backend.__annotations__) if not n.startswith("_")]
    absent = {name for name in contract if not hasattr(own, name)} - {"compile", "add_state"}  # for who traces, and for who does not
    assert absent == {name for name in LEFT_OUT if backend in rows[name]}


def test_every_row_is_tried():
    assert set(table()) == {*PROBES, *LEFT_OUT}


@pytest.mark.parametrize("name", NAMES)
def test_every_error_that_a_backend_raises_itself_is_known(name):
    found = set()
    for path in sorted((ROOT / "backends" / name).glob("*.py")):
        for function in functions(path):
            raised = [n.exc for n in ast.walk(function) if isinstance(n, ast.Raise) and n.exc is not None]
            if any({"BackendError", "cannot"} & set(called(exc)) for exc in raised):
                found.add((name, function.name))
    assert found == {place for place in RAISED_IN if place[0] == name}
    assert {row for row in RAISED_IN.values() if row} <= set(table())


def test_every_op_whose_result_is_as_long_as_its_values_say_is_known():
    found = set()
    for path in sorted((ROOT / "ops").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "concrete":
                found.add(ast.literal_eval(node.args[2]))
    assert found == set(BY_VALUES)
    assert {op for named in BY_VALUES.values() for op in named} <= set(PROBES)
