"""Branches, loops, scans and maps: against Python's own; compiled on JAX; gradients through them; shapes."""

import numpy as np
import pytest

from cornu import Input, Model, backends, ops, use_backend
from cornu.backends import spec
from cornu.backends.spec import TensorSpec
from cornu.errors import ArgumentError, BackendError, ShapeError
from tests.ops.cases import TESTED

X = np.arange(12, dtype=np.float32).reshape(4, 3)
TESTED |= {"cond", "switch", "while_loop", "fori_loop", "scan", "map", "vectorized_map", "vectorize", "associative_scan"}


def same(result, expected):
    np.testing.assert_allclose(ops.convert_to_numpy(result), expected, rtol=1e-6)


@pytest.mark.parametrize("pred", [True, False])
def test_cond_takes_one_branch(pred, backend):
    for given in (pred, np.array(pred), ops.convert_to_tensor(pred)):
        same(ops.cond(given, lambda: ops.convert_to_tensor(1.0), lambda: ops.convert_to_tensor(2.0)), 1.0 if pred else 2.0)
        same(ops.cond(given, lambda x: x * 2, lambda x: x + 1, X), X * 2 if pred else X + 1)


@pytest.mark.parametrize(("index", "taken"), [(0, 0), (1, 1), (2, 2), (9, 2), (-4, 0)])
def test_switch_takes_the_branch_at_the_index(index, taken, backend):
    branches = [lambda x: x, lambda x: x + 1, lambda x: x * 10]
    same(ops.switch(index, branches, X), branches[taken](X))


def test_while_loop(backend):
    i, total = ops.while_loop(lambda i, total: i < 5, lambda i, total: (i + 1, total + i), (0, 0.0))
    assert (int(i), float(total)) == (5, 10.0)
    assert int(ops.while_loop(lambda i: i < 5, lambda i: i + 2, 0)) == 6
    assert int(ops.while_loop(lambda i: i < 5, lambda i: i + 1, 0, maximum_iterations=3)) == 3
    assert isinstance(ops.while_loop(lambda i: i < 1, lambda i: [i + 1], [0]), list)


def test_fori_loop(backend):
    same(ops.fori_loop(1, 5, lambda i, v: v * i, X), X * 24)
    same(ops.fori_loop(3, 3, lambda i, v: v * i, X), X)
    same(ops.fori_loop(0, ops.convert_to_tensor(3), lambda i, v: v + i, X), X + 3)


@pytest.mark.parametrize("reverse", [False, True])
def test_scan(reverse, backend):
    last, sums = ops.scan(lambda c, x: (c + x, c * 1.0), np.zeros(3, np.float32), X, reverse=reverse)
    rows = X[::-1] if reverse else X
    before = np.cumsum(rows, 0) - rows
    same(last, X.sum(0))
    same(sums, before[::-1] if reverse else before)


def test_scan_over_structures_and_lengths(backend):
    last, seen = ops.scan(lambda c, x: ((c[0] + x["a"], c[1]), {"b": x["a"] * x["b"]}), (0.0, 1.0), {"a": X[:, 0], "b": X[:, 1]})
    same(last[0], X[:, 0].sum())
    same(seen["b"], X[:, 0] * X[:, 1])
    last, ones = ops.scan(lambda c, _: (c + 1, c), 0, length=4)
    assert int(last) == 4
    same(ones, [0, 1, 2, 3])
    with pytest.raises(ArgumentError, match="one length"):
        ops.scan(lambda c, x: (c, x), 0)
    with pytest.raises(ArgumentError, match=r"\[4, 5\]"):
        ops.scan(lambda c, x: (c, x), 0, X, length=5)


def test_map(backend):
    same(ops.map(ops.sum, X), X.sum(1))
    same(ops.map(lambda xs: xs[0] * xs[1], (X[:, 0], X[:, 1])), X[:, 0] * X[:, 1])


def test_vectorized_map(backend):
    same(ops.vectorized_map(lambda row: ops.sum(row) + row, X), X.sum(1, keepdims=True) + X)
    same(ops.vectorized_map(lambda xs: ops.dot(xs[0], xs[1]), (X, X + 1)), (X * (X + 1)).sum(1))
    pair = ops.vectorized_map(lambda row: (ops.max(row), {"least": ops.min(row)}), X)
    same(pair[0], X.max(1))
    same(pair[1]["least"], X.min(1))


def test_rows_take_branches_of_their_own(backend):
    same(ops.vectorized_map(lambda v: ops.cond(v > 0, lambda: v * 2, lambda: v * 3), np.array([1.0, -1.0], np.float32)), [2, -3])
    indices = np.array([0, 1, 2, 7, -3], np.int32)
    same(ops.vectorized_map(lambda i: ops.switch(i, [lambda: 1.0 * i, lambda: 10.0 * i, lambda: -1.0 * i]), indices), [0, 10, -2, -7, -3])
    same(ops.vectorized_map(lambda v: ops.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * 2), (0, v))[1], indices), indices * 8)


def test_loops_of_a_length_of_their_own_are_refused_where_rows_run_together():
    with use_backend("torch"), pytest.raises(BackendError, match="differs from row to row"):
        ops.vectorized_map(lambda v: ops.while_loop(lambda s: s < 9, lambda s: (s * 2,), (v,))[0], np.array([1.0, 5.0], np.float32))


def test_vectorize(backend):
    same(ops.vectorize(lambda x, y: x * 10 + y)(X[:, :1], X[0]), X[:, :1] * 10 + X[0])
    same(ops.vectorize(lambda x: x + 1)(2.0), 3.0)
    same(ops.vectorize(lambda x, y: ops.sum(x * y), signature="(n),(n)->()")(X, X[0]), (X * X[0]).sum(1))
    same(ops.vectorize(lambda x, power: x**power, excluded={"power"})(X, power=2), X**2)
    same(ops.vectorize(lambda power, x: x**power, excluded={0})(2, X), X**2)
    with pytest.raises(ArgumentError, match="signature"):
        ops.vectorize(lambda x: x, signature="(n),(n)->()")(X)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("axis", [0, -1])
def test_associative_scan(axis, reverse, backend):
    turned = np.flip(X, axis) if reverse else X
    sums, highest = np.cumsum(turned, axis), np.maximum.accumulate(turned, axis)
    result = ops.associative_scan(lambda a, b: (a[0] + b[0], ops.maximum(a[1], b[1])), (X, X), reverse=reverse, axis=axis)
    same(result[0], np.flip(sums, axis) if reverse else sums)
    same(result[1], np.flip(highest, axis) if reverse else highest)


def test_gradients_flow_through_loops(trainable_backend):
    on = backends.current()
    x = ops.convert_to_tensor(X[0] + 1)
    for loop in (
        lambda v: ops.fori_loop(0, 3, lambda i, y: y * v, ops.ones_like(v)),
        lambda v: ops.scan(lambda c, _: (c * v, None), ops.ones_like(v), length=3)[0],
        lambda v: ops.vectorized_map(lambda e: e * e * e, v),
        lambda v: ops.cond(ops.sum(v) > 0, lambda: v * v * v, lambda: v),
    ):
        (_, _), (gradient,) = on.value_and_grad(lambda values, loop=loop: (ops.sum(loop(values[0])), None), [x])
        same(gradient, 3 * (X[0] + 1) ** 2)


def test_control_flow_compiles():
    jax = pytest.importorskip("jax")

    def everything(x):
        y = ops.cond(ops.sum(x) > 0, lambda: x * 2, lambda: x)
        y = ops.switch(ops.cast(y[0, 1], "int32"), [lambda v: v, lambda v: v + 1, lambda v: v * 3], y)
        y = ops.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v + 1), (0, y))[1]
        y = ops.fori_loop(0, 2, lambda i, v: v * 2, y)
        return ops.associative_scan(ops.add, ops.map(lambda row: row + 1, y))

    with use_backend("jax"):
        same(jax.jit(everything)(X), np.cumsum((X * 2 * 3 + 3) * 4 + 1, 0))


def test_shapes_through_control_flow():
    with backends.use_backend(spec):
        x = TensorSpec((4, 3), "float32")
        assert ops.cond(TensorSpec((), "bool"), lambda: x, lambda: x + 1) == x
        assert ops.while_loop(lambda v: ops.sum(v) < 9, lambda v: v + 1, x) == x
        assert ops.fori_loop(0, 3, lambda i, v: v * 2, x) == x
        assert ops.scan(lambda c, row: (c + row, ops.sum(row)), x[0], x) == (TensorSpec((3,)), TensorSpec((4,)))
        assert ops.map(lambda row: row[:2], x) == TensorSpec((4, 2))
        assert ops.vectorized_map(ops.sum, x) == TensorSpec((4,))
        assert ops.associative_scan(ops.add, x) == x
        with pytest.raises(ShapeError, match="branches"):
            ops.cond(TensorSpec((), "bool"), lambda: x, lambda: x[0])
        with pytest.raises(ShapeError, match="keep shapes"):
            ops.while_loop(lambda v: ops.sum(v) < 9, lambda v: v[:1], x)


def test_control_flow_on_symbolic_tensors_is_recorded_as_a_whole(trainable_backend):
    inputs = Input((3,))
    halves = ops.vectorized_map(lambda row: {"least": ops.min(row), "row": row / 2}, inputs)
    last, sums = ops.scan(lambda total, row: (total + ops.sum(row), total), ops.sum(inputs[0]) * 0, inputs)
    grown = ops.while_loop(lambda v: ops.sum(v) < 100, lambda v: v * 2 + 1, (halves["row"],))[0]
    chosen = ops.cond(last > 0, lambda v: v, lambda v: -v, grown)
    _, slope = ops.jvp(ops.square, (inputs,), (inputs,))
    model = Model(inputs, [halves["least"], sums, chosen, slope])
    assert model.output_shape == [(None,), (None,), (None, 3), (None, 3)]
    least, running, doubled, changed = model(ops.convert_to_tensor(X[:, :3]))
    same(least, X[:, :3].min(1))
    same(running, np.concatenate([[0], np.cumsum(X[:, :3].sum(1))[:-1]]))
    expected = X[:, :3] / 2
    while expected.sum() < 100:
        expected = expected * 2 + 1
    same(doubled, expected if X[:, :3].sum() > 0 else -expected)
    same(changed, 2 * X[:, :3] ** 2)
