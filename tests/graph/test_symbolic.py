"""Shapes of what is not there yet: unknown dimensions, Python's operators, code that is not written in ops, plans."""

import gc
import tracemalloc

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.errors import DTypeError, ShapeError
from cornu.graph import SymbolicTensor, infer

N = SymbolicTensor((None, 12, 6))
IMAGE = SymbolicTensor((None, None, None, 3))
TIME = SymbolicTensor((None, None, 8))

SHAPES = {
    "reshape keeps the batch": (lambda: ops.reshape(N, (-1, 72)), (None, 72)),
    "reshape by the shape's own number": (lambda: ops.reshape(N, (N.shape[0] or -1, 6, 12)), (None, 6, 12)),
    "batch folded into rows": (lambda: ops.reshape(N, (-1, 6)), (None, 6)),
    "batch split": (lambda: ops.reshape(N, (-1, 2, 12, 6)), (None, 2, 12, 6)),
    "transpose": (lambda: ops.transpose(TIME, (1, 2, 0)), (None, 8, None)),
    "concat on a known axis": (lambda: ops.concatenate([N, N[:, :4]], axis=1), (None, 16, 6)),
    "concat on an unknown axis": (lambda: ops.concatenate([TIME, TIME], axis=1), (None, None, 8)),
    "concat on the batch": (lambda: ops.concatenate([N, N], axis=0), (None, 12, 6)),
    "strides": (lambda: N[:, ::2, 1:5:3], (None, 6, 2)),
    "strides along unknown": (lambda: TIME[:, ::2], (None, None, 8)),
    "from the end": (lambda: TIME[:, -1], (None, 8)),
    "without the first": (lambda: TIME[:, 1:], (None, None, 8)),
    "new axes": (lambda: N[:, None, ..., None], (None, 1, 12, 6, 1)),
    "reduce over the batch": (lambda: ops.mean(N, axis=0), (12, 6)),
    "reduce over all": (lambda: ops.sum(TIME), ()),
    "keepdims": (lambda: ops.max(TIME, axis=1, keepdims=True), (None, 1, 8)),
    "products": (lambda: ops.matmul(TIME, ops.transpose(TIME, (0, 2, 1))), (None, None, None)),
    "einsum": (lambda: ops.einsum("btf,bsf->bts", TIME, N[:, :, :1] * np.ones((1, 1, 8), "float32")), (None, None, 12)),
    "stack": (lambda: ops.stack([N, N], axis=1), (None, 2, 12, 6)),
    "split": (lambda: ops.split(N, 3, axis=1)[2], (None, 4, 6)),
    "pad": (lambda: ops.pad(TIME, ((0, 0), (2, 1), (0, 0))), (None, None, 8)),
    "broadcast": (lambda: N[:, :1] + np.ones((1, 5, 6), "float32"), (None, 5, 6)),
    "repeat": (lambda: ops.repeat(N, 3, axis=1), (None, 36, 6)),
    "one-hot": (lambda: ops.one_hot(SymbolicTensor((None, 4), "int32"), 10), (None, 4, 10)),
    "convolution of unknown size": (lambda: layers.Conv2D(4, 3, strides=2, padding="same")(IMAGE), (None, None, None, 4)),
    "pooling of unknown size": (lambda: layers.MaxPooling2D()(IMAGE), (None, None, None, 3)),
    "flatten": (lambda: layers.Flatten()(N), (None, 72)),
    "global pooling": (lambda: layers.GlobalAveragePooling2D()(IMAGE), (None, 3)),
    "fixed batch": (lambda: ops.reshape(cornu.Input(batch_shape=(4, 6)), (2, 12)), (2, 12)),
}  # fmt: skip


@pytest.mark.parametrize("case", SHAPES)
def test_unknown_dimensions_stay_unknown_and_known_ones_known(case):
    make, shape = SHAPES[case]
    with cornu.use_backend("numpy"):
        assert make().shape == shape


CONCRETE = {
    "reshape keeps the batch": lambda x: ops.reshape(x, (-1, 12)),
    "operators": lambda x: -abs(x[:, 1:, ::2] ** 2 - 1.5) / 2 + (1 - x[:, :1, :1]) * 3,
    "comparisons": lambda x: ops.cast((x > 0) & (x <= 1.0), "float32") - ops.cast(x != x, "float32"),
    "products": lambda x: x @ ops.transpose(x, (0, 2, 1)),
    "remainder": lambda x: (x // 0.5) + (x % 0.5) + 2**x,
    "transposed": lambda x: x[0].T,
    "composite": lambda x: ops.logsumexp(x, axis=-1, keepdims=True),
}


@pytest.mark.parametrize("case", CONCRETE)
def test_a_recorded_graph_computes_what_numpy_computes(backend, case, rng):
    fn = CONCRETE[case]
    x = cornu.Input((4, 3))
    model = cornu.Model(x, fn(x))
    values = rng.normal(size=(5, 4, 3)).astype("float32")
    with cornu.use_backend("numpy"):
        expected = np.asarray(fn(ops.convert_to_tensor(values)))
    found = ops.convert_to_numpy(model(values))
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-5)
    assert model.output_shape[1:] == found.shape[1:]


def test_ops_infer_once_for_known_and_twice_for_unknown_dimensions():
    seen = []

    def fn(x):
        seen.append(x.shape)
        return x

    assert infer(fn, (SymbolicTensor((2, 3)),), {}).shape == (2, 3)
    assert infer(fn, (SymbolicTensor((None, 3)),), {}).shape == (None, 3)
    assert len(seen) == 3
    assert seen[1] != seen[2]


def test_python_arithmetic_on_shapes_works():
    def halves(x):
        return ops.reshape(x, (x.shape[0] * 2, x.shape[1] // 2))

    assert infer(halves, (SymbolicTensor((None, 6)),), {}).shape == (None, 3)


def test_the_number_of_axes_must_not_depend_on_the_batch():
    with pytest.raises(ShapeError, match="number of axes"):
        infer(lambda x: x if x.shape[0] == 55440 else x[0], (SymbolicTensor((None, 6)),), {})


# --- code that is not written in ops ----------------------------------------------------------------------------------------


class InJax(cornu.Layer):
    def call(self, inputs):
        import jax.numpy as jnp

        return jnp.concatenate([inputs, jnp.sin(inputs)], axis=-1) @ jnp.ones((2 * inputs.shape[-1], 5))


class InTorch(cornu.Layer):
    def call(self, inputs):
        import torch

        return torch.cat([inputs, torch.sin(inputs)], -1) @ torch.ones((2 * inputs.shape[-1], 5))


@pytest.mark.parametrize(("name", "layer"), [("jax", InJax), ("torch", InTorch)])
def test_the_framework_s_own_code_inside_a_layer_is_inferred_and_runs(name, layer, rng):
    values = rng.normal(size=(6, 4)).astype("float32")
    expected = (values.sum(-1) + np.sin(values).sum(-1))[:, None] * np.ones(5)
    with cornu.use_backend(name):
        x = cornu.Input((4,))
        y = layer()(x)
        assert (y.shape, y.dtype) == ((None, 5), "float32")
        model = cornu.Model(x, layers.Dense(1, kernel_initializer="ones")(y))
        np.testing.assert_allclose(model.predict(values, verbose=0), expected.sum(-1, keepdims=True), rtol=1e-5)
        model.compile("sgd", "mse")
        assert np.isfinite(model.train_on_batch(values, np.zeros((6, 1))))


def test_frameworks_code_on_numpy_is_refused_with_the_reason():
    class Broken(cornu.Layer):
        def call(self, inputs):
            return inputs.reshape_into_something(3)

    with cornu.use_backend("numpy"), pytest.raises(AttributeError, match="reshape_into_something"):
        Broken()(cornu.Input((4,)))


# --- what a symbolic tensor is not --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("use", "error", "match"),
    [
        (bool, DTypeError, "ops.where"),
        (float, DTypeError, "no number"),
        (int, DTypeError, "no number"),
        (len, ShapeError, r"x\.shape\[0\]"),
        (iter, ShapeError, "iterated"),
        (np.asarray, DTypeError, "cornu.ops"),
        (np.sum, DTypeError, "cornu.ops"),
    ],
)
def test_what_needs_numbers_says_so(use, error, match):
    with pytest.raises(error, match=match):
        use(cornu.Input((3,)))


def test_known_lengths_can_be_iterated():
    first, second = cornu.Input(batch_shape=(2, 3))
    assert first.shape == second.shape == (3,)


def test_dense_tensors_only():
    with pytest.raises(DTypeError, match="dense"):
        SymbolicTensor((None, 2), sparse=True)


# --- plans --------------------------------------------------------------------------------------------------------------------


def test_a_plan_lets_go_of_what_is_not_needed_any_more(rng):
    """A chain of 12 additions holds two arrays of 1 MB at a time, not 12; a skip connection keeps what it needs."""

    def peak_of(model, x):
        model(x)
        gc.collect()
        tracemalloc.start()
        model(x)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    with cornu.use_backend("numpy"):
        x = cornu.Input((1024,))
        y = x
        for _ in range(12):
            y = y + 1.0
        chain = cornu.Model(x, y)
        data = rng.normal(size=(256, 1024)).astype("float32")  # 1 MiB
        assert peak_of(chain, data) < 3.5 * 2**20
        every = [x]
        for _ in range(12):
            every.append(every[-1] + 1.0)
        kept = cornu.Model(x, every[1:])
        assert peak_of(kept, data) > 11 * 2**20
        np.testing.assert_allclose(chain(data), data + 12, rtol=1e-5)


def test_an_input_that_is_an_output_and_an_output_twice():
    with cornu.use_backend("numpy"):
        x = cornu.Input((2,))
        y = x * 2
        model = cornu.Model(x, {"same": x, "double": y, "again": [y, y]})
        out = model(np.ones((1, 2), "float32"))
        assert {k: np.asarray(v).tolist() for k, v in out.items()} == {"same": [[1, 1]], "double": [[2, 2]], "again": [[[2, 2]], [[2, 2]]]}


def test_a_graph_deeper_than_python_s_stack():
    with cornu.use_backend("numpy"):
        x = cornu.Input((1,))
        y = x
        for _ in range(1500):
            y = y + 1.0
        assert float(cornu.Model(x, y)(np.zeros((1, 1), "float32"))[0, 0]) == 1500.0
