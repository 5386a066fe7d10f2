"""The examples in docstrings of the ground floor and the ops run on every backend with the same output; all run with the tests on the default one."""

import contextlib
import doctest
import importlib
import importlib.util
import io
import pkgutil

import numpy as np
import pytest
from _pytest.doctest import _get_checker, _get_number_flag

import cornu

_CHECKER = _get_checker()  # pytest's own, which compares numbers to the digits written
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS | _get_number_flag()
EVERYWHERE = ("cornu.ops", "cornu.dtypes", "cornu.tree", "cornu.errors", "cornu.config")
# Packages that a backend is made of; where one cannot be imported, its modules cannot either.
FRAMEWORKS = {name: f"cornu.backends.{name}" for name in ("jax", "torch", "tensorflow")}


def _module_names():
    absent = tuple(prefix for framework, prefix in FRAMEWORKS.items() if importlib.util.find_spec(framework) is None)
    names = ["cornu", *(m.name for m in pkgutil.walk_packages(cornu.__path__, "cornu.", onerror=lambda name: None))]
    return [name for name in names if not name.startswith(absent or "-") and not name.endswith("__main__")]


def _on_every_backend(name):
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in EVERYWHERE)


def _run(name):
    module = importlib.import_module(name)
    report, failed = io.StringIO(), 0
    with contextlib.redirect_stdout(report):
        for example in doctest.DocTestFinder(exclude_empty=True).find(module, name, extraglobs={"np": np}):
            failed += doctest.DocTestRunner(_CHECKER, optionflags=FLAGS).run(example).failed
    assert not failed, report.getvalue()


@pytest.mark.parametrize("name", [name for name in _module_names() if _on_every_backend(name)])
def test_examples_on_every_other_backend(name, other_backend):
    _run(name)


@pytest.mark.parametrize(
    "op", sorted({op for op in vars(cornu.ops).values() if hasattr(op, "op_name")}, key=lambda op: op.op_name), ids=lambda op: op.op_name
)
def test_every_op_has_an_example(op):
    assert ">>>" in (op.__doc__ or ""), f"ops.{op.op_name} has no example"
