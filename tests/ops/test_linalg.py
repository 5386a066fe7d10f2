"""Products, norms and factorisations: against NumPy and SciPy, and by putting the factors together again."""

import ml_dtypes
import numpy as np
import pytest
import scipy.linalg

from cornu import ops
from cornu.errors import ArgumentError, ShapeError
from tests.ops.cases import Case, table

RNG = np.random.default_rng(2)
A = RNG.normal(size=(3, 4))
B = RNG.normal(size=(4, 2))
V = RNG.normal(size=(4,))
CUBE = RNG.normal(size=(2, 3, 4))
SQUARE = RNG.normal(size=(3, 3)) + 3 * np.eye(3)
BATCH = RNG.normal(size=(2, 3, 3)) + 3 * np.eye(3)
SPD = np.einsum("...ij,...kj->...ik", BATCH, BATCH)
WHOLE = RNG.integers(-4, 5, size=(3, 4))
KINDS = ["bool", "uint8", "uint32", "int16", "int32", "float16", "bfloat16", "float32"]

PRODUCTS = [
    *(
        Case("matmul", x, y, like=np.matmul)
        for x, y in (
            (A, B),
            (V, B),
            (A, V),
            (V, V),
            (CUBE, B),
            (CUBE, np.swapaxes(CUBE, 1, 2)),
            (CUBE[0], np.swapaxes(CUBE, 1, 2)),
            (np.zeros((0, 4)), B),
            (np.zeros((2, 0)), np.zeros((0, 3))),
        )
    ),
    Case("matmul", WHOLE, WHOLE.T, like=np.matmul),
    Case("matmul", WHOLE.astype(np.int8), WHOLE.T.astype(np.int8), like=lambda x, y: x.astype(int) @ y.astype(int)),
    Case("matmul", np.full((1, 4), 100, np.int8), np.full((4, 1), 100, np.int8), expected=np.array([[40000]])),
    Case("matmul", WHOLE > 0, WHOLE.T > 0, like=np.matmul),
    Case("matmul", WHOLE, B, like=np.matmul, dtype="float32"),
    Case("matmul", A.astype(np.float16), B.astype(np.float16), like=np.matmul, rtol=1e-2),
    Case("matmul", A.astype(ml_dtypes.bfloat16), B.astype(ml_dtypes.bfloat16), like=np.matmul, rtol=5e-2),
    Case("matmul", np.array([[1j, 2]]), np.array([[1.0], [1j]]), like=np.matmul),
    *(Case("dot", x, y, like=np.dot) for x, y in ((V, V), (A, B), (CUBE, B), (A, V), (CUBE, np.swapaxes(CUBE, 1, 2)), (A, np.array(2.0)))),
    Case("dot", 2.0, A, like=np.dot),
    *(Case("inner", x, y, like=np.inner) for x, y in ((V, V), (A, V), (A, CUBE), (np.array(2.0), V))),
    Case("outer", V, A, like=np.outer),
    Case("vdot", A, A * 2, like=np.vdot),
    Case("vdot", np.array([1j, 2]), np.array([1j, 1]), like=np.vdot),
    *(Case("tensordot", CUBE, y, axes, like=np.tensordot) for y, axes in ((A, 2), (A, ((1, 2), (0, 1))), (B, 1), (V, 0), (B, ([-1], [0])))),
    Case("tensordot", A, A, like=np.tensordot),
    *(Case("kron", x, y, like=np.kron) for x, y in ((A, B), (V, A), (CUBE, A), (WHOLE, WHOLE), (V, V))),
    *(
        Case("einsum", s, *xs, like=np.einsum)
        for s, xs in (
            ("ij,jk->ik", (A, B)),
            ("ij,jk", (A, B)),
            ("ii->i", (SQUARE,)),
            ("ii", (SQUARE,)),
            ("...ij,jk->...ik", (CUBE, B)),
            ("bij,bkj->bik", (CUBE, CUBE)),
            ("ij->ji", (A,)),
            ("i,j,k->ijk", (V, V, V)),
            ("ij, j -> i", (A, V)),
            ("ba", (A,)),
        )
    ),
    Case("einsum", "ij,ij->", WHOLE, WHOLE, like=np.einsum),
    Case("einsum", "...i->i", BATCH, like=lambda _, x: x.sum((0, 1))),
    Case("einsum", "ij,j->i", WHOLE, V, like=np.einsum, dtype="float32"),
    *(Case("cross", x, y, like=np.cross) for x, y in ((A[:, :3], SQUARE), (A[:, :3], V[:3]), (WHOLE[:, :3], WHOLE[:, :3]))),
    Case("cross", SQUARE, SQUARE.T, axis=0, like=np.cross),
    Case(
        "cross",
        CUBE[:, :, :3],
        CUBE[:, :, 1:],
        axisa=1,
        axisb=2,
        axisc=0,
        like=lambda x, y, axisa, axisb, axisc: np.cross(np.moveaxis(x, axisa, -1), y, axisc=axisc),
    ),
    Case("cross", np.array([1.0, 2.0]), np.array([3.0, 5.0]), expected=np.array(-1.0)),
    Case("cross", np.array([1.0, 2.0]), np.array([3.0, 5.0, 7.0]), expected=np.cross([1.0, 2, 0], [3.0, 5, 7])),
]

SOLUTIONS = [
    *(Case(op, x, like=getattr(np.linalg, op), rtol=1e-4) for op in ("inv", "det") for x in (SQUARE, BATCH)),
    Case("inv", np.array([[2, 0], [0, 4]]), like=np.linalg.inv, dtype="float32"),
    *(Case("slogdet", x, like=np.linalg.slogdet, rtol=1e-4) for x in (SQUARE, BATCH, -SQUARE)),
    *(Case("logdet", x, like=lambda x: np.linalg.slogdet(x)[1], rtol=1e-4) for x in (SQUARE, SPD)),
    Case("cholesky", SPD, like=np.linalg.cholesky, rtol=1e-4),
    Case("cholesky", SPD[0], upper=True, like=lambda x, upper: np.linalg.cholesky(x).T, rtol=1e-4),
    Case("cholesky", SPD[0].astype(np.float16), like=np.linalg.cholesky, rtol=1e-2),
    Case("cholesky", np.array([[1.0, 2], [2, 1]]), expected=np.tril(np.full((2, 2), np.nan))),
    Case("cholesky", np.stack([np.eye(2), -np.eye(2)]), expected=np.stack([np.eye(2), np.tril(np.full((2, 2), np.nan))])),
    Case("cholesky_inverse", np.linalg.cholesky(SPD), like=lambda x: np.linalg.inv(x @ np.swapaxes(x, -1, -2)), rtol=1e-3),
    Case("cholesky_inverse", np.linalg.cholesky(SPD[0]).T, upper=True, like=lambda x, upper: np.linalg.inv(x.T @ x), rtol=1e-3),
    Case("solve", SQUARE, V[:3], like=np.linalg.solve, rtol=1e-4),
    Case("solve", BATCH, CUBE, like=np.linalg.solve, rtol=1e-4),
    Case("solve", SQUARE, CUBE, like=np.linalg.solve, rtol=1e-4),
    Case("solve", BATCH, CUBE[:, :, 0], like=lambda a, b: np.linalg.solve(a, b[..., None])[..., 0], rtol=1e-4),
    Case("solve", SQUARE, A, like=np.linalg.solve, rtol=1e-4),
    Case("solve_triangular", SQUARE, A, like=lambda a, b: np.linalg.solve(np.triu(a), b), rtol=1e-4),
    Case(
        "solve_triangular",
        BATCH,
        CUBE[:, :, 0],
        lower=True,
        like=lambda a, b, lower: np.linalg.solve(np.tril(a), b[..., None])[..., 0],
        rtol=1e-4,
    ),
    Case("pinv", A, like=np.linalg.pinv, rtol=1e-3),
    Case("pinv", np.array([[1.0, 2.0], [2.0, 4.0]]), like=np.linalg.pinv, rtol=1e-3),
    Case("pinv", CUBE, like=np.linalg.pinv, rtol=1e-3),
    Case("pinv", SQUARE, rcond=0.5, like=np.linalg.pinv, rtol=1e-3),
    Case("lstsq", A.T, V, like=lambda a, b: np.linalg.lstsq(a, b)[0], rtol=1e-3),
    Case("lstsq", A, A[:, :2], like=lambda a, b: np.linalg.lstsq(a, b)[0], rtol=1e-3),
    *(Case("matrix_rank", x, like=np.linalg.matrix_rank) for x in (A, np.outer([1.0, 2, 3, 4], [1.0, -1, 2, 5]), BATCH, np.zeros((2, 2)))),
    Case("matrix_rank", SQUARE, tol=100.0, like=np.linalg.matrix_rank),
    Case("svd", A, compute_uv=False, like=np.linalg.svd, rtol=1e-4),
    Case("svd", CUBE, False, False, like=np.linalg.svd, rtol=1e-4),
]

ORDERS = [None, 1, 2, 3, np.inf, -np.inf, 0, 0.5]
NORMS = [
    *(Case("norm", V, order, like=np.linalg.norm) for order in ORDERS),
    *(Case("norm", CUBE, order, axis=1, keepdims=True, like=np.linalg.norm) for order in ORDERS),
    *(Case("norm", A, order, like=np.linalg.norm, rtol=1e-4) for order in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)),
    *(Case("norm", CUBE, order, axis=(2, 0), like=np.linalg.norm, rtol=1e-4) for order in (None, "nuc", 1, -2, np.inf)),
    *(Case("norm", CUBE, order, axis=(0, -1), keepdims=True, like=np.linalg.norm, rtol=1e-4) for order in ("fro", "nuc", -1, 2)),
    Case("norm", CUBE, like=np.linalg.norm),
    Case("norm", WHOLE, axis=1, like=np.linalg.norm),
    Case("norm", np.array([3 + 4j, 0]), like=np.linalg.norm, dtype="float32"),
    Case("normalize", A, like=lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True)),
    Case("normalize", A, 0, 1, like=lambda x, axis, order: x / np.abs(x).sum(0)),
    Case("normalize", np.zeros((2, 2)), expected=np.zeros((2, 2))),
    Case("normalize", WHOLE + 9, order=3, like=lambda x, order: x / (np.abs(x) ** 3).sum(-1, keepdims=True) ** (1 / 3)),
    Case("normalize", A * 1e-3, epsilon=1.0, expected=A * 1e-3, atol=1e-6),
]


@table(PRODUCTS)
def test_product(case, backend):
    case.check()


@table(SOLUTIONS)
def test_solution(case, backend):
    case.check()


@table(NORMS)
def test_norm(case, backend):
    case.check()


def numpy(*xs):
    return [ops.convert_to_numpy(x) for x in xs]


# Factors are unique up to signs and order: they are put together again, and their properties looked at.
FACTORS = [
    *(Case("qr", x, mode) for x in (A, A.T, CUBE) for mode in ("reduced", "complete")),
    *(Case("svd", x, full) for x in (A, A.T, CUBE) for full in (True, False)),
    *(Case("eigh", x) for x in (SPD, SPD[0])),
    *(Case("eig", x) for x in (SQUARE, BATCH)),
    *(Case("lu_factor", x) for x in (SQUARE, np.array([[0.0, 2], [1, 3]]))),
]


@table(FACTORS)
def test_factors_make_the_matrix_again(case, backend):
    x = case.args[0]
    results = getattr(ops, case.op)(*case.args)
    case.check_symbolic(list(results))
    first, *rest = numpy(*results)
    if case.op == "qr":
        again, unit = first @ rest[0], first
        assert np.allclose(np.triu(rest[0]), rest[0])
    elif case.op == "svd":
        k = rest[0].shape[-1]
        again, unit = (first[..., :k] * rest[0][..., None, :]) @ rest[1][..., :k, :], first
        assert (np.diff(rest[0]) <= 0).all()
    elif case.op == "eigh":
        again, unit = (rest[0] * first[..., None, :]) @ np.swapaxes(rest[0], -1, -2), rest[0]
        assert (np.diff(first) >= 0).all()
    elif case.op == "eig":
        again, unit = (rest[0] * first[..., None, :]) @ np.linalg.inv(rest[0]), np.eye(2)
        assert first.dtype == rest[0].dtype == np.complex64
    else:
        expected, pivots = scipy.linalg.lu_factor(x)
        np.testing.assert_array_equal(rest[0], pivots)
        again, unit = first - expected + x, np.eye(2)
    np.testing.assert_allclose(again, x, atol=1e-4)
    np.testing.assert_allclose(
        np.swapaxes(unit, -1, -2) @ unit, np.broadcast_to(np.eye(unit.shape[-1]), unit.shape[:-2] + (unit.shape[-1],) * 2), atol=1e-4
    )


@pytest.mark.parametrize("op", ["inv", "det", "qr", "svd", "eigh", "slogdet", "cholesky", "pinv"])
@pytest.mark.parametrize("kind", ["float16", "bfloat16", "int32"])
def test_half_precision_and_integers(op, kind, backend):
    x = ops.cast(np.array([[4.0, 1.0], [1.0, 3.0]]), kind)
    results = getattr(ops, op)(x)
    for result in results if isinstance(results, tuple) else (results,):
        assert ops.dtype(result) == ("float32" if kind == "int32" else kind)
        assert np.isfinite(ops.convert_to_numpy(result).astype(np.float32)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_products_of_every_dtype(kind, backend):
    x, wide = ops.cast([[1, 1], [0, 1]], kind), np.array([[1, 1], [0, 1]])
    for result, expected in (
        (ops.matmul(x, x), wide @ wide),
        (ops.einsum("ij,kj->ik", x, x), wide @ wide.T),
        (ops.tensordot(x, x, 1), wide @ wide),
        (ops.dot(x, x), wide @ wide),
    ):
        assert ops.dtype(result) == kind
        np.testing.assert_array_equal(ops.convert_to_numpy(result).astype(np.float32), expected > 0 if kind == "bool" else expected)


REFUSED = [
    (lambda: ops.matmul(A, A), ShapeError, r"\(3, 4\) and \(3, 4\)"),
    (lambda: ops.matmul(2.0, A), ShapeError, r"\(\)"),
    (lambda: ops.matmul(CUBE, np.ones((3, 4, 2))), ShapeError, r"\(2,\) and \(3,\)"),
    (lambda: ops.einsum("ij,jk->ik", A), ArgumentError, "1 arrays"),
    (lambda: ops.einsum("ij,jk->ik", A, A), ShapeError, r"'j'.*\(3, 4\) and \(3, 4\)"),
    (lambda: ops.einsum("ijk->i", A), ShapeError, "ijk"),
    (lambda: ops.tensordot(A, A, 1), ShapeError, r"\(3, 4\) and \(3, 4\)"),
    (lambda: ops.tensordot(A, A, 3), ArgumentError, "axes=3"),
    (lambda: ops.inv(A), ShapeError, r"ops.inv needs square.*\(3, 4\)"),
    (lambda: ops.svd(V), ShapeError, r"\(4,\)"),
    (lambda: ops.solve(SQUARE, V), ShapeError, r"\(3, 3\) and \(4,\)|\(3, 3\) and \(4, 1\)"),
    (lambda: ops.solve(BATCH, np.ones((3, 3, 2))), ShapeError, r"\(2,\) and \(3,\)"),
    (lambda: ops.qr(A, "full"), ArgumentError, "'full'"),
    (lambda: ops.norm(CUBE, 2), ArgumentError, "one axis"),
    (lambda: ops.norm(A, "frob"), ArgumentError, "'frob'"),
    (lambda: ops.norm(V, "nuc"), ArgumentError, "'nuc'"),
    (lambda: ops.cross(V, V), ShapeError, r"\(4,\)"),
]


@pytest.mark.parametrize(("call", "error", "words"), REFUSED, ids=range(len(REFUSED)))
def test_matrices_that_do_not_fit(call, error, words, backend):
    with pytest.raises(error, match=words):
        call()
