"""Reading and writing parts of arrays, and segments: against NumPy; what is out of bounds; any key by Hypothesis."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cornu import backends, ops, use_backend
from cornu.backends import spec
from cornu.backends.spec import TensorSpec
from cornu.errors import ArgumentError, BackendError, DTypeError, ShapeError
from tests.ops.cases import Case, table

X = np.arange(24.0).reshape(2, 3, 4)
V = np.array([10.0, 20.0, 30.0, 40.0])
PLACES = np.array([[1, 0], [2, 2]])


def get(x, key):
    return x[key]


KEYS = [
    0,
    -1,
    slice(None),
    slice(1, None),
    slice(None, None, -1),
    (0, 1),
    (..., 0),
    (slice(None), 1),
    (None, 0),
    (0, None, ..., None),
    (..., slice(3, 0, -2)),
    (slice(None), slice(None, None, -2), slice(-1, None, -1)),
    (slice(1, 0),),
    (slice(0, 5, -1), 0),
    (1, ..., slice(None, None, -1)),
    (),
]
ARRAY_KEYS = [
    np.array([1, 0]),
    PLACES - 1,
    (np.array([0, 1]), np.array([2, 0])),
    (slice(None), np.array([2, 0])),
    (0, np.array([1, 1])),
    (..., np.array([3, 0]), None),
    (slice(None, None, -1), np.array([2, 0])),
    (np.array([0, 1]), slice(None), np.array([2, 0])),
]

READ = [
    *(Case("get_item", X, key, like=get) for key in KEYS),
    *(Case("get_item", X, key, like=get) for key in ARRAY_KEYS),
    Case("get_item", X.astype(np.uint16), slice(None, None, -1), like=get),
    Case("get_item", X, (np.array([9, -9]), 0), expected=X[[1, 0], 0]),
    Case("get_item", X, np.array([0, 1], np.uint8), expected=X),
    Case("get_item", X, [1, 0], expected=X[[1, 0]]),
    Case("get_item", X, X > 5, like=lambda x, key: x[key], symbolic=False),
    Case("get_item", X, (slice(None), np.array([True, False, True])), like=get, symbolic=False),
    Case("take", X, PLACES, axis=1, like=np.take),
    Case("take", X, np.array([1, -1]), axis=-1, like=np.take),
    Case("take", X, np.array([23, 0]), like=np.take),
    Case("take", X, 1, axis=0, like=np.take),
    Case("take", V, np.array([7, -7, 3]), expected=V[[3, 0, 3]]),
    Case("take", X, np.zeros((0,), int), axis=1, like=np.take),
    Case("take", np.arange(3, dtype=np.uint32), np.array([2, 0]), like=np.take),
    Case("take_along_axis", X, np.argsort(-X, 2), axis=2, like=np.take_along_axis),
    Case(
        "take_along_axis",
        X,
        np.zeros((1, 1, 2), int) + 1,
        axis=2,
        like=lambda x, i, axis: np.take_along_axis(x, np.broadcast_to(i, (2, 3, 2)), axis),
    ),
    Case("take_along_axis", V, np.array([3, -4, 9]), axis=0, expected=V[[3, 0, 3]]),
    Case("take_along_axis", X, np.array([5, 1]), like=lambda x, i: x.ravel()[i]),
    Case("slice", X, [0, 1, 2], (2, 1, 2), expected=X[:, 1:2, 2:4]),
    Case("slice", V, [9], (2,), expected=V[2:]),
    Case("slice", V, [-2], (2,), expected=V[2:]),
    Case("slice", V, np.array([1]), (2,), expected=V[1:3]),
    Case("slice", X, np.array([0, 1, 2]), (2, 1, 2), expected=X[:, 1:2, 2:4]),
    Case("slice_update", V, [1], np.array([1.0, 2.0]), expected=np.array([10.0, 1, 2, 40])),
    Case("slice_update", V, [9], np.array([1.0, 2.0]), expected=np.array([10.0, 20, 1, 2])),
    Case("unravel_index", np.array([22, 5]), (2, 3, 4), like=np.unravel_index, dtype="int32"),
    Case("unravel_index", np.array([[-1]]), (2, 3), expected=[np.array([[1]]), np.array([[2]])]),
    Case("one_hot", np.array([0, 2, 1]), 3, expected=np.eye(3)[[0, 2, 1]]),
    Case("one_hot", PLACES, 3, axis=0, expected=np.moveaxis(np.eye(3)[PLACES], -1, 0)),
    Case("one_hot", PLACES, 3, axis=1, expected=np.moveaxis(np.eye(3)[PLACES], -1, 1)),
    Case("one_hot", np.array([-1, 3]), 3, expected=np.zeros((2, 3))),
    Case("one_hot", 1, 3, expected=np.eye(3)[1]),
    Case("one_hot", np.array([200], np.uint8), 3, expected=np.zeros((1, 3))),
    Case("multi_hot", np.array([[0, 2], [1, 1]]), 4, expected=np.array([[1.0, 0, 1, 0], [0, 1, 0, 0]])),
    Case("multi_hot", np.array([3, 0]), 4, expected=np.array([1.0, 0, 0, 1])),
    Case("nonzero", np.array([[3, 0], [0, 4]]), like=np.nonzero, dtype="int32", symbolic=False),
    Case("where", np.array([0, 1, 1]), like=np.nonzero, dtype="int32", symbolic=False),
]


def added(at, x, indices, updates):
    out = x.copy()
    at(out, tuple(np.moveaxis(indices, -1, 0)), updates)
    return out


TWICE = np.array([[1], [3], [1]])
WRITTEN = [
    Case("scatter_update", V, np.array([[1], [3]]), np.array([1.0, 2.0]), expected=np.array([10.0, 1, 30, 2])),
    Case("scatter_update", X, np.array([[0, 1], [1, 2]]), np.ones((2, 4)), expected=np.where([[[0], [1], [0]], [[0], [0], [1]]], 1.0, X)),
    Case("scatter_update", X, np.array([[0, 1, 2]]), np.array([9.0]), expected=np.where(X == 6, 9.0, X)),
    Case("scatter_update", V, np.array([[-1], [9], [-9]]), np.array([1.0, 2.0, 3.0]), expected=np.array([10.0, 20, 30, 1])),
    Case("scatter_update", V.astype(np.uint32), np.array([[1]]), np.array([7]), expected=np.array([10, 7, 30, 40], np.uint32)),
    *(
        Case("scatter_update", V, TWICE, np.array([5.0, 7.0, 50.0]), reduction, expected=added(at, V, TWICE, np.array([5.0, 7.0, 50.0])))
        for reduction, at in (("add", np.add.at), ("mul", np.multiply.at), ("max", np.maximum.at), ("min", np.minimum.at))
    ),
    *(
        Case(
            "scatter_update",
            np.arange(6).reshape(3, 2),
            np.array([[2], [2]]),
            np.array([[9, 1], [5, 5]]),
            reduction,
            expected=added(at, np.arange(6).reshape(3, 2), np.array([[2], [2]]), np.array([[9, 1], [5, 5]])),
        )
        for reduction, at in (("add", np.add.at), ("mul", np.multiply.at), ("max", np.maximum.at), ("min", np.minimum.at))
    ),
    Case("scatter_add", X, np.array([[[0]], [[0]]]), 1.0, expected=X + np.array([2.0, 0])[:, None, None]),
    Case("scatter", np.array([[0], [2]]), np.array([8, 9]), (4,), expected=np.array([8, 0, 9, 0])),
    Case("scatter", np.array([[0, 1], [0, 1]]), np.array([8.0, 9.0]), (2, 2), expected=np.array([[0, 17.0], [0, 0]])),
    Case("segment_sum", X[0], np.array([2, 0, 2]), 4, expected=np.stack([X[0, 1], 0 * V, X[0, 0] + X[0, 2], 0 * V])),
    Case("segment_prod", np.array([2, 3, 4]), np.array([1, 1, 0]), 3, expected=np.array([4, 6, 1])),
    Case("segment_max", np.array([2.0, 3.0, 4.0]), np.array([1, 1, 0]), 3, expected=np.array([4.0, 3, -np.inf])),
    Case("segment_min", np.array([2, 3, 4]), np.array([1, 1, 0]), 3, expected=np.array([4, 2, 2**31 - 1])),
    Case("segment_sum", V, np.array([0, -1, 5, 1]), 2, expected=np.array([10.0, 40.0])),
    Case("segment_sum", V, np.array([0, 0, 3, 1]), expected=np.array([30.0, 40.0, 0, 30.0]), symbolic=False),
]


@table(READ)
def test_read(case, backend):
    case.check()


@table(WRITTEN)
def test_written(case, backend):
    case.check()


def test_what_is_written_leaves_the_argument_alone(backend):
    x = ops.convert_to_tensor(V)
    for written in (ops.slice_update(x, [0], [1.0]), ops.scatter_update(x, [[0]], [1.0]), ops.scatter_add(x, [[0]], [1.0])):
        assert ops.convert_to_numpy(written)[0] != 10.0
    np.testing.assert_array_equal(ops.convert_to_numpy(x), V)


REFUSED = [
    (lambda: ops.get_item(X, 2), ArgumentError, r"axis 0 of the shape \(2, 3, 4\) must be from -2 to 1, got 2"),
    (lambda: ops.get_item(X, (0, 0, 0, 0)), ArgumentError, r"\(2, 3, 4\)"),
    (lambda: ops.get_item(X, (..., 0, ...)), ArgumentError, "one ellipsis"),
    (lambda: ops.get_item(X, np.array([0.5])), DTypeError, "integers"),
    (lambda: ops.get_item(X, np.array([True])), ShapeError, r"\(1,\)"),
    (lambda: ops.get_item(X, (np.array([0, 1]), np.array([0, 1, 2]))), ShapeError, r"\(2,\) and \(3,\)"),
    (lambda: ops.take(X, np.array([0.5]), 0), DTypeError, "float"),
    (lambda: ops.take(X, [0], 3), ArgumentError, "from -3 to 2"),
    (lambda: ops.take(np.zeros((0, 2)), [0], 0), ShapeError, "without elements"),
    (lambda: ops.take_along_axis(X, np.array([0, 1]), 0), ShapeError, r"\(2,\) for \(2, 3, 4\)"),
    (lambda: ops.take_along_axis(X, np.zeros((2, 2, 4), int), 0), ShapeError, r"\(1, 3, 4\) and \(1, 2, 4\)"),
    (lambda: ops.slice(V, [0], (9,)), ShapeError, r"\(9,\)"),
    (lambda: ops.slice(X, [0], (1,)), ShapeError, "a start for each axis"),
    (lambda: ops.slice_update(V, [0], np.ones(9)), ShapeError, r"\(9,\)"),
    (lambda: ops.scatter_update(V, [[0, 1]], [1.0]), ShapeError, "1 to 1 axes"),
    (lambda: ops.scatter_update(V, [[0]], [1.0, 2.0]), ShapeError, r"\(2,\) to \(1,\)"),
    (lambda: ops.scatter_update(V, [[0.5]], [1.0]), DTypeError, "integers"),
    (lambda: ops.scatter_update(V, [[0]], [1.0], "sum"), ArgumentError, "'sum'"),
    (lambda: ops.segment_sum(V, [0, 1], 2), ShapeError, r"\(2,\) for \(4,\)"),
    (lambda: ops.one_hot([0], 2, sparse=True), ArgumentError, "dense"),
    (lambda: ops.where([True], 1), ArgumentError, "both values or neither"),
]


@pytest.mark.parametrize(("call", "error", "words"), REFUSED, ids=range(len(REFUSED)))
def test_parts_that_are_not_there(call, error, words, backend):
    with pytest.raises(error, match=words):
        call()


DYNAMIC = [
    ops.nonzero,
    ops.where,
    lambda x: ops.get_item(x, ops.greater(x, 0)),
    ops.unique,
    lambda x: ops.bincount(ops.cast(x, "int32")),
    lambda x: ops.segment_sum(x, ops.cast(x, "int32")),
]


@pytest.mark.parametrize("call", DYNAMIC, ids=range(len(DYNAMIC)))
def test_a_shape_that_depends_on_values_cannot_be_inferred(call):
    with backends.use_backend(spec), pytest.raises(BackendError):
        call(TensorSpec((4,), "float32"))


def test_a_shape_that_depends_on_values_cannot_be_compiled():
    jax = pytest.importorskip("jax")
    with use_backend("jax"):
        for op in (ops.nonzero, ops.where, ops.unique):
            with pytest.raises(BackendError, match="compiled"):
                jax.jit(op)(V.astype(np.float32))


@st.composite
def keys(draw):
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    key = []
    for n in shape[: draw(st.integers(0, len(shape)))]:
        bound = st.none() | st.integers(-n - 1, n + 1)
        one = st.integers(-n, n - 1) | st.builds(slice, bound, bound, st.sampled_from([None, 1, 2, -1, -2]))
        key.append(draw(one | st.lists(st.integers(-n, n - 1), min_size=2, max_size=2).map(np.array)))
    for place in draw(st.lists(st.integers(0, len(key)), max_size=2)):
        key.insert(place, None)
    if draw(st.booleans()):
        key.append(Ellipsis)
    return shape, tuple(key)


@given(keys())
def test_any_key(shape_and_key):
    shape, key = shape_and_key
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    for name in ("numpy", "torch"):
        with use_backend(name):
            result = ops.get_item(x, key)
        np.testing.assert_array_equal(ops.convert_to_numpy(result), x[key])
    with backends.use_backend(spec):
        assert ops.get_item(TensorSpec(x.shape, "float32"), key).shape == x[key].shape
