"""Transforms of functions: derivatives against formulas, state that is assigned inside, batches, compilation, recomputation."""

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.errors import ArgumentError, BackendError, DTypeError, ShapeError
from cornu.state import Variable

X = np.array([0.5, -1.5, 2.0], "float32")


def numbers(x):
    return ops.convert_to_numpy(x)


def cubes(x):
    return ops.sum(ops.power(x, 3))


def test_grad(trainable_backend):
    np.testing.assert_allclose(numbers(cornu.grad(cubes)(X)), 3 * X**2, rtol=1e-5)
    value, slope = cornu.value_and_grad(cubes)(X)
    np.testing.assert_allclose(float(value), (X**3).sum(), rtol=1e-5)
    np.testing.assert_allclose(numbers(slope), 3 * X**2, rtol=1e-5)


def test_grad_of_some_arguments_with_aux_and_settings(trainable_backend):
    def f(a, b, scale=1.0):
        return ops.sum(a["x"] * b) * scale, {"b": b}

    (da, db), aux = cornu.grad(f, argnums=(0, 1), has_aux=True)({"x": X}, X + 1, scale=2.0)
    np.testing.assert_allclose(numbers(da["x"]), 2 * (X + 1), rtol=1e-6)
    np.testing.assert_allclose(numbers(db), 2 * X, rtol=1e-6)
    np.testing.assert_allclose(numbers(aux["b"]), X + 1)
    (value, aux), slope = cornu.value_and_grad(f, argnums=-1, has_aux=True)({"x": X}, X + 1)
    np.testing.assert_allclose(float(value), (X * (X + 1)).sum(), rtol=1e-5)
    np.testing.assert_allclose(numbers(slope), X, rtol=1e-6)


def test_derivatives_of_derivatives(trainable_backend):
    third = cornu.grad(lambda x: ops.sum(cornu.grad(lambda y: ops.sum(cornu.grad(cubes)(y)))(x)))(X)
    np.testing.assert_allclose(numbers(third), np.full(3, 6.0), rtol=1e-5)
    matrix = cornu.hessian(lambda x: x[0] ** 2 * x[1] + ops.sin(x[2]))(X)
    wanted = [[2 * X[1], 2 * X[0], 0], [2 * X[0], 0, 0], [0, 0, -np.sin(X[2])]]
    np.testing.assert_allclose(numbers(matrix), wanted, rtol=1e-5, atol=1e-6)
    assert tuple(cornu.hessian(lambda a, x: ops.sum(x**2) * a, 1)(2.0, np.ones((2, 3), "float32")).shape) == (2, 3, 2, 3)


LAYERS = {
    "lstm": (lambda: layers.LSTM(3), (2, 7, 4)),
    "gru": (lambda: layers.GRU(3), (2, 7, 4)),
    "conv": (lambda: layers.Conv2D(3, 3, strides=2), (2, 8, 8, 4)),
    "conv in groups": (lambda: layers.Conv2D(4, 3, groups=2), (2, 8, 8, 4)),
    "depthwise": (lambda: layers.DepthwiseConv2D(3), (2, 8, 8, 4)),
    "transposed": (lambda: layers.Conv2DTranspose(3, 3), (2, 5, 5, 4)),
    "volume": (lambda: layers.Conv3D(2, 2), (1, 3, 4, 4, 2)),
    "max pool": (lambda: layers.MaxPooling2D(2), (2, 8, 8, 4)),
    "average pool": (lambda: layers.AveragePooling2D(3, 1, "same"), (2, 8, 8, 4)),
    "normalization": (layers.LayerNormalization, (2, 4)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_forwards_and_backwards_through_layers_are_transposes(name, trainable_backend, rng):
    """`w · J v` by a derivative in the direction v is `v · Jᵀ w` by one back from w, also where a kernel has a gradient of its own."""
    make, shape = LAYERS[name]
    layer, x, v = make(), *(ops.convert_to_tensor(rng.normal(size=shape).astype("float32")) for _ in range(2))
    layer(x)
    outputs, pullback = cornu.vjp(layer, x)
    w = ops.convert_to_tensor(rng.normal(size=tuple(outputs.shape)).astype("float32"))
    values, slope = cornu.jvp(layer, (x,), (v,))
    np.testing.assert_allclose(numbers(values), numbers(outputs), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose((numbers(w) * numbers(slope)).sum(), (numbers(v) * numbers(pullback(w)[0])).sum(), rtol=1e-4, atol=1e-4)


def test_vjp_and_jvp_agree(trainable_backend):
    def f(x, y):
        return {"p": x * y, "q": ops.sum(x)}

    v = np.array([1.0, 2.0, -1.0], "float32")
    out, change = cornu.jvp(f, (X, X + 1), (v, np.zeros(3, "float32")))
    np.testing.assert_allclose(numbers(change["p"]), v * (X + 1), rtol=1e-6)
    np.testing.assert_allclose(float(change["q"]), v.sum(), rtol=1e-6)
    again, pullback = cornu.vjp(f, X, X + 1)
    np.testing.assert_allclose(numbers(again["p"]), numbers(out["p"]))
    dx, dy = pullback({"p": v, "q": 1.0})
    np.testing.assert_allclose(numbers(dx), v * (X + 1) + 1, rtol=1e-6)
    np.testing.assert_allclose(numbers(dy), v * X, rtol=1e-6)
    assert len(ops.jvp(lambda x: (x, "beside"), (X,), (v,), has_aux=True)) == 3


def test_what_is_assigned_inside_takes_effect_once(trainable_backend):
    count, weight = Variable(0.0, trainable=False), Variable(3.0)

    def f(x):
        count.assign_add(1.0)
        return ops.sum(weight * x)

    assert numbers(cornu.grad(f)(X)).tolist() == [3.0, 3.0, 3.0]
    assert count.numpy() == 1
    cornu.jvp(f, (X,), (X,))
    cornu.vjp(f, X)
    assert count.numpy() == 3
    assert numbers(cornu.jit(cornu.grad(f))(X)).tolist() == [3.0, 3.0, 3.0]
    assert count.numpy() == 4


def test_gradient_of_ones_own(trainable_backend):
    @ops.custom_gradient
    def log1pexp(x):
        e = ops.exp(x)

        def rule(*args, upstream=None):
            (upstream,) = args if upstream is None else (upstream,)
            return ops.multiply(upstream, 1.0 - 1.0 / ops.add(1, e))

        return ops.log(1 + e), rule

    assert np.isfinite(numbers(cornu.grad(lambda x: ops.sum(log1pexp(x)))(X))).all()
    np.testing.assert_allclose(numbers(cornu.grad(log1pexp)(0.0)), 0.5)
    np.testing.assert_allclose(numbers(cornu.grad(cornu.grad(log1pexp))(0.0)), 0.25)  # the slope of the rule itself

    @ops.custom_gradient
    def tripled(x, y):
        return (x + y, x), lambda upstream: (3 * upstream[0], 0 * upstream[1])

    _, pullback = cornu.vjp(tripled, X, X)
    dx, dy = pullback((np.ones(3, "float32"), X))
    assert numbers(dx).tolist() == [3, 3, 3]
    assert not numbers(dy).any()

    @ops.custom_gradient
    def by_name(x):
        return x * 2, lambda *args, upstream: upstream * args[0]

    np.testing.assert_allclose(numbers(cornu.grad(lambda x: ops.sum(by_name(x)))(X)), X)
    weight = Variable([1.0, 2.0])
    _, (slope,) = cornu.value_and_grad(lambda: (ops.sum(by_name(weight)), None), [weight])
    assert slope.tolist() == [1.0, 2.0]


def test_vmap(backend):
    rows, shift = np.arange(6.0, dtype="float32").reshape(2, 3), np.array([1.0, 2.0, 3.0], "float32")
    found = cornu.vmap(lambda r, s: {"sum": ops.sum(r) + s[0], "row": r[:, None] * s}, in_axes=(1, None))(rows, shift)
    np.testing.assert_allclose(numbers(found["sum"]), rows.sum(0) + 1)
    np.testing.assert_allclose(numbers(found["row"]), rows.T[:, :, None] * shift)
    columns = cornu.vmap(lambda r: r * 2, out_axes=1)(rows)
    np.testing.assert_allclose(numbers(columns), 2 * rows.T)
    counter = Variable(0.0)
    with pytest.raises(Exception, match="must not assign"):  # TensorFlow wraps what is raised while it maps
        cornu.vmap(lambda r: counter.assign(ops.sum(r)))(rows)


def test_vmap_of_gradients(trainable_backend):
    found = cornu.vmap(cornu.grad(cubes))(np.stack([X, 2 * X]))
    np.testing.assert_allclose(numbers(found), 3 * np.stack([X, 2 * X]) ** 2, rtol=1e-5)


def test_jit_finds_variables(backend):
    weight, count, traces = Variable(2.0), Variable(0.0, trainable=False), []

    @cornu.jit
    def f(x, power=1):
        traces.append(power)
        count.assign_add(1.0)
        return {"y": x["a"] * weight**power}

    assert numbers(f({"a": X})["y"]).tolist() == (2 * X).tolist()
    weight.assign(5.0)
    assert numbers(f({"a": X})["y"]).tolist() == (5 * X).tolist()
    assert numbers(f({"a": X}, power=2)["y"]).tolist() == (25 * X).tolist()
    assert count.numpy() == 3
    before = len(traces)
    f({"a": X + 1})
    assert count.numpy() == 4
    assert len(traces) - before == (1 if cornu.backends.current().EAGER else 0)


def test_remat_computes_again(trainable_backend):
    runs, moved = [], Variable(1.0, trainable=False)

    @cornu.remat
    def block(x, y=2.0):
        runs.append(1)
        moved.assign(moved * 2)
        return ops.sin(x * moved * y)

    slope = cornu.grad(lambda x: ops.sum(block(x, y=3.0)))(X)
    np.testing.assert_allclose(numbers(slope), 6 * np.cos(6 * X), rtol=1e-4)
    assert moved.numpy() == 2
    weight = Variable(X)
    _, (slope,) = cornu.value_and_grad(lambda: (ops.sum(block(weight)), None), [weight])
    np.testing.assert_allclose(numbers(slope), 8 * np.cos(8 * X), rtol=1e-4)
    assert moved.numpy() == 4
    if trainable_backend == "torch":
        assert len(runs) == 3  # torch.func keeps what it needs; autograd runs the block again


def test_remat_keeps_the_dropout_it_drew(trainable_backend):
    seed = cornu.random.SeedGenerator(3)
    drop = cornu.remat(lambda x: cornu.random.dropout(x, 0.5, seed=seed))
    y, pullback = cornu.vjp(drop, np.ones(64, "float32"))
    np.testing.assert_allclose(numbers(pullback(np.ones(64, "float32"))[0]), numbers(y))


def test_remat_needs_no_gradients():
    with cornu.use_backend("numpy"):
        assert numbers(cornu.remat(lambda x: x * 2)(X)).tolist() == (2 * X).tolist()


def test_symbolic_tensors_are_recorded(trainable_backend):
    scaled = ops.custom_gradient(lambda x: (x * 2.0, lambda upstream: upstream * 10.0))
    inputs = cornu.Input((3,))
    model = cornu.Model(inputs, cornu.remat(ops.sin)(scaled(inputs)))
    assert model.output_shape == (None, 3)
    x = ops.convert_to_tensor(X[None])
    np.testing.assert_allclose(numbers(model(x)), np.sin(2 * X[None]), rtol=1e-5)
    np.testing.assert_allclose(numbers(cornu.grad(lambda v: ops.sum(model(v)))(x)), 10 * np.cos(2 * X[None]), rtol=1e-4)


@pytest.mark.parametrize("call", [lambda: cornu.grad(cubes)(X), lambda: ops.jvp(cubes, (X,), (X,)), lambda: cornu.vjp(cubes, X)])
def test_numpy_says_why_not(call):
    with cornu.use_backend("numpy"), pytest.raises(BackendError, match="numpy backend cannot"):
        call()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: cornu.grad(lambda x: x)(X), ShapeError, "one number"),
        (lambda: cornu.grad(cubes)(np.array([1, 2])), DTypeError, "Derivatives"),
        (lambda: cornu.grad(cubes, 1)(X), ArgumentError, "axis"),
        (lambda: ops.jvp(cubes, X, X), ArgumentError, "tuples"),
        (lambda: ops.jvp(cubes, (X,), (X, X)), ArgumentError, "structure"),
        (lambda: ops.jvp(cubes, (X,), (X[:2],)), ShapeError, "shapes"),
        (lambda: cornu.vjp(cubes, X)[1]((1.0, 2.0)), ArgumentError, "structure of the outputs"),
        (lambda: cornu.vmap(cubes, in_axes=(0, 0))(X), ArgumentError, "in_axes"),
        (lambda: cornu.vmap(ops.add)(X, X[:2]), ShapeError, "one length"),
        (lambda: ops.jvp(cubes, (X,), (X,), has_aux=True), ArgumentError, "has_aux"),
    ],
)
def test_refusals(call, error, words, trainable_backend):
    with pytest.raises(error, match=words):
        call()
