"""Properties over drawn shapes, axes and numbers: 0-d, empty and size-1 arrays, negative axes and tuples of them, NaN and infinities, against NumPy.

Each property draws a few dozen arrays from a fixed seed and checks them on the backend at hand, shapes and dtypes by the shape interpreter too.
"""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cornu import backends, ops
from cornu.backends import spec
from cornu.backends.spec import TensorSpec

# XLA compiles for each new shape: so few shapes, small ones, and many numbers
SHAPES = st.sampled_from([(), (0,), (1,), (3,), (2, 3), (1, 3), (2, 0), (2, 1, 3)])
NUMBERS = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 7.25, np.nan, np.inf, -np.inf])
FINITE = st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 7.25])
WHOLE = st.integers(-4, 4)


def few(backend):
    """Fewer examples where each new shape is compiled."""
    count = 12 if backend in ("numpy", "torch") else 5
    return settings(max_examples=count, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


def arrays(elements=NUMBERS, dtype="float32", shapes=SHAPES):
    return shapes.flatmap(lambda shape: hnp.arrays(dtype, shape, elements=elements))


@st.composite
def reducible(draw, elements=NUMBERS, dtype="float32", several=True):
    """An array, an axis of it (None, a number of either sign, or several of them), and whether axes are kept."""
    x = draw(arrays(elements, dtype))
    axes = st.none()
    if x.ndim:
        one = st.integers(-x.ndim, x.ndim - 1)
        axes = axes | one
        if several:
            axes = axes | st.lists(one, min_size=1, unique_by=lambda a: a % x.ndim).map(tuple)
    return x, draw(axes), draw(st.booleans())


def agree(found, expected, symbolic=None):
    """Values, and the shape and dtype that the shape interpreter says."""
    results, references = (v if isinstance(v, (list, tuple)) else [v] for v in (found, expected))
    for result, reference in zip(results, references, strict=True):
        assert tuple(result.shape) == np.shape(reference)
        values = ops.convert_to_numpy(result).astype("float64")
        np.testing.assert_allclose(values, np.asarray(reference, "float64"), rtol=2e-5, atol=1e-5)
    if symbolic is not None:
        with backends.use_backend(spec):
            inferred = symbolic()
        assert str(inferred) == f"TensorSpec({tuple(found.shape)}, {ops.dtype(found)})"


def like(x):
    return TensorSpec(x.shape, x.dtype)


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "var", "std", "any", "all", "logsumexp"])
def test_reductions(name, backend):
    @few(backend)
    @given(reducible())
    def check(drawn):
        x, axis, keepdims = drawn
        emptied = 0 in (x.shape if axis is None else [x.shape[a] for a in np.atleast_1d(axis)])
        if emptied and name in ("max", "min"):
            with pytest.raises(ValueError, match=r"(?i)empty|elements|zero-size"):
                getattr(ops, name)(x, axis, keepdims=keepdims)
            return
        if emptied and name in ("mean", "var", "std", "logsumexp"):
            return
        reference = getattr(np, name, None) or (lambda v, axis, keepdims: np.log(np.sum(np.exp(v), axis=axis, keepdims=keepdims)))
        with np.errstate(all="ignore"):
            expected = reference(x.astype("float64"), axis=axis, keepdims=keepdims)
        agree(getattr(ops, name)(x, axis, keepdims=keepdims), expected, lambda: getattr(ops, name)(like(x), axis, keepdims=keepdims))

    check()


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_the_first_of_equals_is_found(name, backend):
    @few(backend)
    @given(reducible(WHOLE, "int32", several=False) | reducible(FINITE, several=False))
    def check(drawn):
        x, axis, keepdims = drawn
        if 0 in (x.shape if axis is None else (x.shape[axis],)) or not x.ndim:
            return
        agree(getattr(ops, name)(x, axis, keepdims=keepdims), getattr(np, name)(x, axis, keepdims=keepdims))

    check()


def test_orders_are_stable(backend):
    @few(backend)
    @given(reducible(st.integers(0, 2), "int32", several=False) | reducible(several=False))
    def check(drawn):
        x, axis, _ = drawn
        if not x.ndim:
            return
        agree(ops.argsort(x, axis), np.argsort(x, axis, kind="stable"), lambda: ops.argsort(like(x), axis))
        agree(ops.sort(x, axis), np.sort(x, axis, kind="stable"))
        if not np.isnan(x).any() and x.shape[-1]:
            k = min(2, x.shape[-1])
            order = np.argsort(-x.astype("float64"), -1, kind="stable")[..., :k]
            agree(list(ops.top_k(x, k)), [np.take_along_axis(x, order, -1), order])

    check()


@pytest.mark.parametrize(
    "name", ["add", "subtract", "multiply", "divide", "maximum", "minimum", "power", "arctan2", "logaddexp", "equal", "less"]
)
def test_pairs_broadcast(name, backend):
    shapes = st.sampled_from([((), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((0,), (1,)), ((2, 0), (2, 1)), ((1,), ())])

    @few(backend)
    @given(shapes.flatmap(lambda pair: st.tuples(*(hnp.arrays("float32", shape, elements=NUMBERS) for shape in pair))))
    def check(pair):
        x, y = pair
        with np.errstate(all="ignore"):
            expected = getattr(np, name)(x, y)
        agree(getattr(ops, name)(x, y), expected, lambda: getattr(ops, name)(like(x), like(y)))

    check()


@pytest.mark.parametrize(
    "name", ["exp", "log1p", "sqrt", "sign", "floor", "tanh", "arctan", "absolute", "isnan", "isfinite", "square", "expm1", "log"]
)
def test_functions_of_one(name, backend):
    @few(backend)
    @given(arrays())
    def check(x):
        with np.errstate(all="ignore"):
            expected = getattr(np, name)(x)
        agree(getattr(ops, name)(x), expected, lambda: getattr(ops, name)(like(x)))

    check()


@pytest.mark.parametrize("name", ["mod", "floor_divide"])
def test_whole_division_rounds_down(name, backend):
    @few(backend)
    @given(hnp.arrays("int32", (5,), elements=WHOLE), hnp.arrays("int32", (5,), elements=WHOLE.filter(bool)))
    def check(x, y):
        agree(getattr(ops, name)(x, y), getattr(np, name)(x, y))

    check()


def test_axes_move_and_come_back(backend):
    @few(backend)
    @given(arrays().filter(lambda x: x.ndim), st.data())
    def check(x, data):
        axis = st.integers(-x.ndim, x.ndim - 1)
        a, b, shift = data.draw(axis), data.draw(axis), data.draw(st.integers(-4, 4))
        agree(ops.moveaxis(x, a, b), np.moveaxis(x, a, b), lambda: ops.moveaxis(like(x), a, b))
        agree(ops.swapaxes(x, a, b), np.swapaxes(x, a, b))
        agree(ops.flip(x, a), np.flip(x, a))
        agree(ops.roll(x, shift, a), np.roll(x, shift, a))
        agree(ops.expand_dims(x, a), np.expand_dims(x, a), lambda: ops.expand_dims(like(x), a))
        with np.errstate(invalid="ignore"):
            running = np.cumsum(x.astype("float64"), a)
        agree(ops.cumsum(x, a), running)
        agree(ops.concatenate([x, x], a), np.concatenate([x, x], a), lambda: ops.concatenate([like(x), like(x)], a))
        agree(ops.stack([x, x], a), np.stack([x, x], a))
        agree(ops.repeat(x, 2, a), np.repeat(x, 2, a))

    check()


def test_parts_are_those_of_numpy(backend):
    x = np.arange(24.0, dtype="float32").reshape(2, 3, 4)
    whole = st.integers(-2, 1)
    cut = st.builds(slice, st.none() | st.integers(-5, 5), st.none() | st.integers(-5, 5), st.sampled_from([None, 1, 2, -1, -2]))
    rows = st.lists(whole, min_size=1, max_size=3).map(np.array)
    keys = st.lists(whole | cut | st.none() | st.just(Ellipsis) | rows, min_size=1, max_size=3).filter(
        lambda ks: sum(k is Ellipsis for k in ks) < 2 and len({len(k) for k in ks if isinstance(k, np.ndarray)} - {1}) < 2
    )

    @few(backend)
    @given(keys.map(tuple))
    def check(key):
        agree(ops.get_item(x, key), x[key], lambda: ops.get_item(like(x), key))

    check()


PRODUCTS = [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((0, 3), (3, 2)), ((2, 0), (0, 2)), ((2, 1, 3), (3, 2)), ((1, 2, 3), (2, 3, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), PRODUCTS)
def test_products_of_every_shape(a, b, backend, rng):
    x, y = (rng.normal(size=shape).astype("float32") for shape in (a, b))
    agree(ops.matmul(x, y), x @ y, lambda: ops.matmul(like(x), like(y)))


def test_reading_out_of_bounds_takes_the_nearest_end(backend):
    x = np.array([10.0, 20.0, 30.0], "float32")

    @few(backend)
    @given(hnp.arrays("int32", (4,), elements=st.integers(-9, 9)))
    def check(at):
        expected = x[np.clip(np.where(at < 0, at + 3, at), 0, 2)]
        agree(ops.take(x, at), expected)
        agree(ops.take_along_axis(x, at, 0), expected)
        agree(ops.get_item(x, at), expected)
        counted = np.zeros(3)
        np.add.at(counted, [i % 3 for i in at if -3 <= i < 3], 1)
        agree(ops.scatter_update(np.zeros(3, "float32"), at[:, None], np.ones(4, "float32"), "add"), counted)

    check()
