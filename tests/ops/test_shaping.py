"""Shapes changed, arrays joined and taken apart, axes rearranged: against NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cornu import ops, use_backend
from cornu.errors import ArgumentError, ShapeError
from tests.ops.cases import Case, table

X = np.arange(24.0).reshape(2, 3, 4)
Y = X + 100
M = np.arange(6).reshape(2, 3)
V = np.arange(4.0)
EMPTY = np.zeros((0, 3))

CASES = [
    Case("reshape", X, (4, 6), like=np.reshape),
    Case("reshape", X, (-1, 2), like=np.reshape),
    Case("reshape", X, -1, like=np.reshape),
    Case("reshape", EMPTY, (3, 0), like=np.reshape),
    Case("reshape", EMPTY, (-1, 3), like=np.reshape),
    Case("reshape", np.array(1.0), (1, 1), like=np.reshape),
    Case("reshape", np.array([1.0]), (), like=np.reshape),
    Case("transpose", X, like=np.transpose),
    Case("transpose", X, (1, -1, 0), like=np.transpose),
    Case("transpose", np.array(1.0), like=np.transpose),
    Case("broadcast_to", M, (4, 2, 3), like=np.broadcast_to),
    Case("broadcast_to", np.ones((2, 1)), (2, 3), like=np.broadcast_to),
    Case("expand_dims", M, 0, like=np.expand_dims),
    Case("expand_dims", M, -1, like=np.expand_dims),
    Case("expand_dims", M, (0, -1), like=np.expand_dims),
    Case("squeeze", np.ones((1, 3, 1)), like=np.squeeze),
    Case("squeeze", np.ones((1, 3, 1)), 0, like=np.squeeze),
    Case("squeeze", np.ones((1, 3, 1)), (0, -1), like=np.squeeze),
    Case("flip", X, like=np.flip),
    Case("flip", X, 1, like=np.flip),
    Case("flip", X, (0, -1), like=np.flip),
    Case("flip", X.astype(np.uint16), 1, like=np.flip),
    Case("flipud", X, like=np.flipud),
    Case("fliplr", X, like=np.fliplr),
    *(Case("rot90", M, k, like=np.rot90) for k in (0, 1, 2, 3, -1)),
    Case("rot90", X, 1, axes=(1, 2), like=np.rot90),
    Case("rot90", X, 3, axes=(2, 0), like=np.rot90),
    Case("roll", X, 5, like=np.roll),
    Case("roll", X, 1, axis=1, like=np.roll),
    Case("roll", X, (1, -2), axis=(0, 2), like=np.roll),
    Case("roll", X, 1, axis=(0, 1), like=np.roll),
    Case("repeat", M, 2, like=np.repeat),
    Case("repeat", M, 2, axis=1, like=np.repeat),
    Case("repeat", M, [1, 0, 2], axis=-1, like=np.repeat),
    Case("repeat", M, 0, axis=0, like=np.repeat),
    Case("tile", M, 2, like=np.tile),
    Case("tile", M, (2, 1, 3), like=np.tile),
    Case("tile", X, (2, 2), like=np.tile),
    Case("moveaxis", X, 0, -1, like=np.moveaxis),
    Case("moveaxis", X, (0, 1), (-1, 0), like=np.moveaxis),
    Case("swapaxes", X, 0, -1, like=np.swapaxes),
    Case("ravel", X, like=np.ravel),
    Case("ravel", np.array(3.0), like=np.ravel),
    Case("pad", M, 1, like=np.pad),
    Case("pad", M, (1, 2), like=np.pad),
    Case("pad", M, ((1, 0), (0, 2)), like=np.pad),
    Case("pad", M, ((1, 0), (0, 2)), constant_values=9, like=np.pad),
    Case("pad", V, ((2, 0),), constant_values=-1.5, like=np.pad),
    Case("pad", EMPTY, ((1, 1), (0, 0)), like=np.pad),
    Case("pad", np.array([True]), 1, like=np.pad),
    *(Case("pad", X, ((1, 1), (2, 0), (3, 3)), mode=mode, like=np.pad) for mode in ("reflect", "symmetric", "edge", "wrap")),
    *(Case("pad", V, (5, 6), mode=mode, like=np.pad) for mode in ("reflect", "symmetric", "edge", "wrap")),
    *(Case("pad", np.ones((1,)), (2, 1), mode=mode, like=np.pad) for mode in ("symmetric", "edge", "wrap")),
]

JOINED = [
    Case("concatenate", [X, Y], like=np.concatenate),
    Case("concatenate", [X, Y], 1, like=np.concatenate),
    Case("concatenate", [X, Y, X], axis=-1, like=np.concatenate),
    Case("concatenate", [M, X[0, :, :3]], 0, like=np.concatenate, dtype="float32"),
    Case("concatenate", [EMPTY, np.ones((2, 3))], like=np.concatenate),
    Case("concatenate", [M, V], None, like=lambda xs, axis: np.concatenate([np.ravel(x) for x in xs]), dtype="float32"),
    Case("concatenate", [np.int8([1]), np.uint8([200])], expected=np.int16([1, 200])),
    Case("stack", [X, Y], like=np.stack),
    Case("stack", [X, Y], 1, like=np.stack),
    Case("stack", [X, Y], axis=-1, like=np.stack),
    Case("stack", [np.array(1.0), np.array(2.0)], like=np.stack),
    Case("stack", [M, X[0, :2, :3]], like=np.stack, dtype="float32"),
    Case("vstack", [V, V], like=np.vstack),
    Case("vstack", [M, M], like=np.vstack),
    Case("hstack", [V, V[:2]], like=np.hstack),
    Case("hstack", [M, M], like=np.hstack),
    Case("dstack", [V, V], like=np.dstack),
    Case("dstack", [M, M], like=np.dstack),
    Case("dstack", [X, X], like=np.dstack),
    Case("append", M, np.array([[7, 8, 9]]), like=np.append),
    Case("append", M, np.array([[7, 8, 9]]), axis=0, like=np.append),
    Case("split", X, 2, like=np.split),
    Case("split", X, 2, axis=2, like=np.split),
    Case("split", V, [1, 3], like=np.split),
    Case("split", X, [2, -1], axis=-1, like=np.split),
    Case("split", V, [0, 9], like=np.split),
    Case("split", V, (1,), like=np.split),
    Case("array_split", V, 3, like=np.array_split),
    Case("array_split", X, 5, axis=1, like=np.array_split),
    Case("array_split", X, [1], axis=1, like=np.array_split),
    Case("vsplit", X, 2, like=np.vsplit),
    Case("hsplit", X, 3, like=np.hsplit),
    Case("hsplit", V, 2, like=np.hsplit),
    Case("dsplit", X, [1, 2], like=np.dsplit),
    Case("unstack", X, like=list),
    Case("unstack", X, 3, axis=-2, like=lambda x, n, axis: [x[:, i] for i in range(3)]),
]

PATTERNS = [
    Case("rearrange", X, "a b c -> c a b", expected=X.transpose(2, 0, 1)),
    Case("rearrange", X, "a b c -> a (b c)", expected=X.reshape(2, 12)),
    Case("rearrange", X, "a b (h w) -> (a h) w b", h=2, expected=X.reshape(2, 3, 2, 2).transpose(0, 2, 3, 1).reshape(4, 2, 3)),
    Case("rearrange", X, "a ... -> ... a", expected=np.moveaxis(X, 0, -1)),
    Case("rearrange", X, "... (h w) -> (... h) w", w=4, expected=X.reshape(6, 4)),
    Case("rearrange", X[:, :1], "a 1 c -> c 1 a 1", expected=X[:, 0].T[:, None, :, None]),
    Case("rearrange", X, "a b c -> (c b a)", expected=X.transpose(2, 1, 0).reshape(-1)),
    Case("rearrange", np.array(3.0), "-> 1", expected=np.array([3.0])),
]


@table(CASES)
def test_shape(case, backend):
    case.check()


@table(JOINED)
def test_joined_and_split(case, backend):
    case.check()


@table(PATTERNS)
def test_pattern(case, backend):
    case.check()


def test_number_of_axes_and_elements(backend):
    assert (ops.ndim(X), ops.ndim([[1]]), ops.ndim(2.0)) == (3, 2, 0)
    assert (ops.size(X), ops.size([[1, 2]]), ops.size(2.0)) == (24, 2, 1)
    assert ops.shape(ops.convert_to_tensor(X)) == (2, 3, 4)


REFUSED = [
    (lambda: ops.reshape(X, (5, 5)), ShapeError, r"24 elements of the old, got \(5, 5\) for the shape \(2, 3, 4\)"),
    (lambda: ops.reshape(X, (-1, -1)), ShapeError, r"\(-1, -1\)"),
    (lambda: ops.reshape(EMPTY, (-1, 0)), ShapeError, r"\(-1, 0\)"),
    (lambda: ops.transpose(X, (0, 1)), ArgumentError, "each of the 3 axes"),
    (lambda: ops.transpose(X, (0, 1, 1)), ArgumentError, "once"),
    (lambda: ops.broadcast_to(M, (3, 2)), ShapeError, r"\(2, 3\) to \(3, 2\)"),
    (lambda: ops.broadcast_to(X, (4,)), ShapeError, r"\(2, 3, 4\) to \(4,\)"),
    (lambda: ops.squeeze(X, 0), ShapeError, r"\(2, 3, 4\)"),
    (lambda: ops.concatenate([X, M]), ShapeError, r"\(2, 3, 4\), \(2, 3\)"),
    (lambda: ops.concatenate([M, M.T]), ShapeError, r"\(2, 3\), \(3, 2\)"),
    (lambda: ops.concatenate([]), ArgumentError, "empty list"),
    (lambda: ops.stack([X, M]), ShapeError, r"\(2, 3, 4\), \(2, 3\)"),
    (lambda: ops.split(X, 3), ShapeError, "array_split"),
    (lambda: ops.split(X, 0), ShapeError, "divides"),
    (lambda: ops.unstack(X, 3), ShapeError, "num must be"),
    (lambda: ops.pad(X, 1, mode="odd"), ArgumentError, "'odd'"),
    (lambda: ops.pad(X, -1), ArgumentError, "not negative"),
    (lambda: ops.pad(X, ((1, 1), (1, 1))), ArgumentError, "3 axes"),
    (lambda: ops.pad(X, 1, mode="edge", constant_values=1), ArgumentError, "constant_values"),
    (lambda: ops.pad(EMPTY, 1, mode="edge"), ShapeError, r"\(0, 3\)"),
    (lambda: ops.repeat(M, [1, 2], axis=1), ArgumentError, "3 elements"),
    (lambda: ops.roll(X, (1, 2, 3), axis=(0, 1)), ArgumentError, "one shift"),
    (lambda: ops.moveaxis(X, (0, 1), 2), ArgumentError, "a place for each axis"),
    (lambda: ops.flip(X, 3), ArgumentError, "from -3 to 2"),
    (lambda: ops.reshape(X, (2.5, -1)), ShapeError, "whole numbers"),
    (lambda: ops.rearrange(X, "a b -> b a"), ShapeError, "2 axes on its left"),
    (lambda: ops.rearrange(X, "a b c -> a b"), ArgumentError, "once on either side"),
    (lambda: ops.rearrange(X, "a b (c d) -> a b c d"), ShapeError, "lengths"),
    (lambda: ops.rearrange(X, "a b (c d) -> a b c d", c=3), ShapeError, "length 4"),
    (lambda: ops.rearrange(X, "a b (c -> a b c"), ArgumentError, "not closed"),
    (lambda: ops.rearrange(X, "a b c"), ArgumentError, "one arrow"),
    (lambda: ops.rearrange(X, "a b c -> a b c!"), ArgumentError, "'c!'"),
]


@pytest.mark.parametrize(("call", "error", "words"), REFUSED, ids=range(len(REFUSED)))
def test_shapes_that_cannot_be(call, error, words, backend):
    with pytest.raises(error, match=words):
        call()


shapes = st.lists(st.integers(1, 4), max_size=4).map(tuple)


@given(shape=shapes, data=st.data())
def test_broadcasting_is_numpys(shape, data):
    other = tuple(data.draw(st.sampled_from([1, n])) for n in shape[data.draw(st.integers(0, len(shape))) :])
    x, y = np.ones(shape, np.float32), np.full(other, 2, np.float32)
    for name in ("numpy", "torch"):
        with use_backend(name):
            assert tuple(ops.add(x, y).shape) == tuple(ops.where(x > 0, y, x).shape) == np.broadcast_shapes(shape, other)
            np.testing.assert_array_equal(ops.convert_to_numpy(ops.broadcast_to(y, shape)), np.broadcast_to(y, shape))


@given(shape=shapes, data=st.data())
def test_any_reshape_and_transpose(shape, data):
    x = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)
    order = data.draw(st.permutations(range(len(shape))))
    cut = data.draw(st.integers(0, len(shape)))
    joined = (int(np.prod(shape[:cut])), -1)
    for name in ("numpy", "torch"):
        with use_backend(name):
            turned = ops.transpose(x, order)
            np.testing.assert_array_equal(ops.convert_to_numpy(turned), x.transpose(order))
            np.testing.assert_array_equal(ops.convert_to_numpy(ops.reshape(x, joined)), x.reshape(joined))
