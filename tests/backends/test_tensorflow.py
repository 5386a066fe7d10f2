"""What is TensorFlow's alone: its tensors among those of the other backends, and which steps XLA compiles."""

import numpy as np
import pytest

import cornu
from cornu import backends, ops
from cornu.backends.spec import TensorSpec
from cornu.errors import BackendError
from cornu.state import Variable
from cornu.state.transforms import CompiledStep, value_and_grad

pytest.importorskip("tensorflow")


@pytest.fixture
def tf():
    with cornu.use_backend("tensorflow"):
        import tensorflow

        yield tensorflow


def test_tensors_have_the_methods_of_the_other_libraries_arrays(tf):
    x = ops.reshape(ops.arange(6.0), (2, 3))
    assert x.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert (x.sum().item(), x.mean(axis=(0, 1)).item(), x.max(0).tolist(), x.min().item()) == (15.0, 2.5, [3.0, 4.0, 5.0], 0.0)
    assert (tuple(x.T.shape), tuple(x.reshape(3, 2).shape), tuple(x.reshape((6,)).shape)) == ((3, 2), (3, 2), (6,))
    assert x.astype("int32").dtype == tf.int32
    assert (bool((x < 9).all()), bool((x > 4).any())) == (True, True)


def test_operators_on_two_dtypes_meet_by_the_lattice(tf):
    whole, real = tf.constant([1, 2]), tf.constant([0.5, 1.5])
    assert (whole + real).tolist() == [1.5, 3.5]
    assert (real * whole).dtype == tf.float32
    assert (tf.constant([1], "int8") + tf.constant([1], "uint8")).dtype == tf.int16


@pytest.mark.parametrize("wrap", [lambda f: f, cornu.jit])
def test_operators_beside_a_python_number_meet_by_the_lattice(tf, wrap):
    whole, half, truth = tf.constant([1, 2]), tf.constant([1, 2], tf.bfloat16), tf.constant([True, False])
    for operate, expected in (
        (lambda x: 1.5 * x, [1.5, 3]), (lambda x: x + 0.5, [1.5, 2.5]), (lambda x: 0.5 - x, [-0.5, -1.5]), (lambda x: 2.25**x, [2.25, 5.0625]),
        (lambda x: 1.0 / x, [1, 0.5]), (lambda x: x / 2.0, [0.5, 1]), (lambda x: x > 1.5, [False, True]),
    ):  # fmt: skip
        assert wrap(operate)(whole).tolist() == expected
        assert wrap(operate)(whole).dtype in (tf.float32, tf.bool)
        assert wrap(operate)(half).dtype in (tf.bfloat16, tf.bool)
    assert (1.5 * truth).tolist() == [1.5, 0]
    assert (whole + 1j).dtype == tf.complex64
    assert (whole + 1).dtype == tf.int32


def test_arrays_are_copies_of_numpys_memory(tf):
    given = np.zeros(64, np.float32)
    x = ops.convert_to_tensor(given)
    given[:] = 1
    assert float(x.sum()) == 0


def test_two_variables_of_one_value_have_gradients_of_their_own(tf):
    value = tf.constant([3.0])
    a, b = Variable(value), Variable(value)
    b.assign(value)
    _, grads = value_and_grad(lambda: (ops.sum(a * a + 5 * b), None), [a, b])
    assert [g.tolist() for g in grads] == [[6.0], [5.0]]


def test_a_variable_on_the_right_of_an_operator_keeps_its_gradient(tf):
    a = Variable(np.array([2.0], np.float32))
    _, (grad,) = value_and_grad(lambda: ((tf.constant([3.0]) * a * a)[0], None), [a])
    assert grad.tolist() == [12.0]


def test_the_gradient_of_a_lookup_is_dense_and_adds_up_what_is_looked_up_twice(tf):
    table = Variable(np.ones((4, 2), np.float32))
    _, (grad,) = value_and_grad(lambda: (ops.sum(ops.take(table, np.array([[1, 1], [3, 0]]), axis=0)), None), [table])
    assert grad.tolist() == [[1.0, 1.0], [2.0, 2.0], [0.0, 0.0], [1.0, 1.0]]


@pytest.mark.parametrize("draw", [lambda: ops.zeros((3,)), lambda: cornu.random.uniform((3,), seed=5)], ids=["plain", "random"])
def test_a_compiled_step_gives_what_it_gives_uncompiled(tf, draw):
    state = Variable(np.zeros(3, np.float32), trainable=False)

    def step(x):
        state.assign(state + ops.sqrt(x) + draw())
        return ops.sum(state)

    compiled = CompiledStep(step, lambda: [state])
    first = [float(compiled(np.arange(3.0, dtype=np.float32))) for _ in range(2)]
    state.assign(np.zeros(3, np.float32))
    assert first == pytest.approx([float(step(np.arange(3.0, dtype=np.float32))) for _ in range(2)])


@pytest.mark.parametrize("total", ["as ops", "by Python"])
@pytest.mark.parametrize("xla", [False, True])
def test_what_xla_cannot_compile_runs_as_a_graph(total, xla, tf):
    def step(state, args):
        found = tf.reduce_sum(args[0]) if total == "as ops" else tf.ensure_shape(tf.numpy_function(np.sum, [args[0]], tf.float32), ())
        return found * 2, [state[0] + found]

    state, x = tf.zeros(1), np.ones(4, np.float32)
    run = backends.current().compile(step, [state], (x,), lambda: [0], xla=xla)
    for n in (1, 2):
        outputs, (state,) = run([state], (x,))
        assert (float(outputs), state.tolist()) == (8.0, [4.0 * n])


@pytest.mark.parametrize("jit_compile", ["auto", True])
def test_whole_steps_go_through_xla_where_that_is_asked_for(tf, monkeypatch, jit_compile):
    made, own, asked = backends.current().compile, backends.current(), []
    monkeypatch.setattr(own, "compile", lambda *args, xla=False: (asked.append(xla), made(*args, xla=xla))[1])
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(1, kernel_initializer="ones")])
    model.compile(cornu.optimizers.SGD(0.5), "mse", jit_compile=jit_compile)
    model.fit(np.eye(3, dtype=np.float32), np.zeros((3, 1)), batch_size=3, verbose=0)
    assert asked[0] is (jit_compile is True)
    # of mean((w + b)²) at w = 1, b = 0: 2 / 3 for each of w, 2 for b
    assert [v.tolist() for v in model.get_weights()] == [pytest.approx(np.full((3, 1), 2 / 3)), [-1.0]]


def test_a_scan_of_a_traced_function_has_gradients(tf):
    def last(x):
        carry, ys = ops.scan(lambda c, x: (c * x, c), np.float32(1), x, reverse=True)
        return carry + ops.sum(ys)

    x = Variable(np.array([2.0, 3.0, 4.0], np.float32))
    step = CompiledStep(lambda scale: value_and_grad(lambda: (last(x * scale), None), [x])[1][0], lambda: [x])
    # last(x) = x2 x1 x0 + 1 + x2 + x2 x1
    assert step(np.float32(1)).tolist() == [12.0, 12.0, 10.0]


def test_shapes_by_tracing_leave_what_is_no_array_alone(tf):
    own = backends.current()
    assert own.evaluate_shape(lambda x: {"y": x[:, 0], "n": 2}, TensorSpec((3, 4))) == {"y": TensorSpec((3,)), "n": 2}


def test_where_tensorflow_is_missing_the_error_names_the_extra(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")

    monkeypatch.setattr(backends, "_loaded", {})
    monkeypatch.setattr(backends.importlib, "import_module", missing)
    with pytest.raises(BackendError, match=r"pip install 'cornu\[tensorflow\]'"):
        backends.load("tensorflow")


def test_functions_of_tensorflow_take_variables_and_give_them_gradients(tf):
    a = Variable(np.array([2.0, 0.5], np.float32))
    _, (grad,) = value_and_grad(lambda: (tf.reduce_sum(tf.sin(a) * tf.stack([a, a])[1]), None), [a])
    np.testing.assert_allclose(grad, np.sin(a) + a * np.cos(a), rtol=1e-5)
    step = CompiledStep(lambda x: value_and_grad(lambda: (tf.reduce_sum(tf.exp(a) * x), None), [a])[1][0], lambda: [a])
    np.testing.assert_allclose(step(np.float32(3)), 3 * np.exp(a), rtol=1e-5)
    with cornu.use_backend("jax"):
        elsewhere = Variable(np.array([1.0, 4.0], np.float32))
    assert tf.sqrt(elsewhere).tolist() == [1.0, 2.0]
    assert tf.convert_to_tensor(elsewhere).dtype == tf.float32


def test_what_is_computed_again_stands_in_the_graph_twice_and_reaches_what_it_reads(tf):
    w, outer = Variable(np.array([0.3, 0.7], np.float32)), []

    def slopes(x):
        def loss():
            twice = w * 2.0  # made outside of the block, read inside
            return ops.sum(cornu.remat(lambda v: ops.sin(ops.exp(v) * twice) * w)(x)), None

        return value_and_grad(loss, [w])[1][0]

    def traced(x):
        outer.append(tf.compat.v1.get_default_graph())
        return slopes(x)

    x = np.array([0.1, -0.2], np.float32)
    u = np.exp(x) * 2 * w
    formula = np.sin(u) + w * np.cos(u) * np.exp(x) * 2
    np.testing.assert_allclose(slopes(tf.constant(x)), formula, rtol=1e-5)
    np.testing.assert_allclose(CompiledStep(traced, lambda: [w])(x), formula, rtol=1e-5)
    assert [op.type for op in outer[0].get_operations()].count("Exp") == 2


def lstm_step_by_step(tf, x, h, c, kernel, recurrent, bias, mask, reverse):
    outputs = []
    for t in reversed(range(x.shape[1])) if reverse else range(x.shape[1]):
        i, f, g, o = tf.split(x[:, t] @ kernel + h @ recurrent + bias, 4, -1)
        new_c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        new_h = tf.sigmoid(o) * tf.tanh(new_c)
        h, c = tf.where(mask[:, t, None], new_h, h), tf.where(mask[:, t, None], new_c, c)
        outputs.append(h)
    return tf.stack(outputs, 1), h, c


def lstm_arguments(rng, batch=3, time=6, features=4, units=5):
    shapes = (batch, time, features), (batch, units), (batch, units), (features, 4 * units), (units, 4 * units), (4 * units,)
    return [rng.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_the_compiled_lstm_and_its_gradients_are_those_of_the_formula(masked, reverse, tf, rng):
    arrays = [tf.constant(a) for a in lstm_arguments(rng)]
    weights = [rng.normal(size=shape) for shape in ((3, 6, 5), (3, 5), (3, 5))]
    mask = tf.constant(rng.random((3, 6)) < 0.6) if masked else None

    def slopes(lstm):
        with tf.GradientTape() as tape:
            tape.watch(arrays)
            found = lstm()
            loss = tf.add_n([tf.reduce_sum(y * w) for y, w in zip(found, weights, strict=True)])
        return [*found, *tape.gradient(loss, arrays)]

    whole = tf.ones((3, 6), "bool")
    wanted = slopes(lambda: lstm_step_by_step(tf, *arrays, mask if masked else whole, reverse))
    got = tf.function(lambda: slopes(lambda: backends.current().lstm(*arrays, mask, reverse)), autograph=False)()
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("dtype", "tolerance"), [("bfloat16", 0.1), ("float16", 0.01)])
def test_the_compiled_lstm_in_16_bits_and_without_bias(dtype, tolerance, tf, rng):
    arrays = [a / 2 for a in lstm_arguments(rng)[:5]]
    wanted = lstm_step_by_step(tf, *map(tf.constant, arrays), 0.0, tf.ones((3, 6), "bool"), False)
    given = [tf.cast(a, dtype) for a in arrays]
    for a, b in zip(tf.function(lambda: backends.current().lstm(*given, None))(), wanted, strict=True):
        assert a.dtype.name == dtype
        np.testing.assert_allclose(np.asarray(a, "float64"), b, atol=tolerance)


def test_few_steps_as_written_and_empty_sequences_are_left_to_the_formula(tf, rng):
    arrays = [tf.constant(a) for a in lstm_arguments(rng)]
    assert backends.current().lstm(*arrays) is NotImplemented
    assert ops.lstm(*arrays)[0].shape == (3, 6, 5)
    assert tf.function(lambda: backends.current().lstm(arrays[0][:, :0], *arrays[1:]) is NotImplemented)()


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])  # with and without kernels of TensorFlow's own for groups and dilation
@pytest.mark.parametrize(("groups", "stride", "dilation"), [(1, 1, 3), (1, 2, 2), (2, 1, 1), (2, 2, 1), (2, 1, 2), (4, 1, 1), (4, 2, 2)])
def test_grouped_and_dilated_convolutions_and_their_gradients_are_those_of_torch(rank, dtype, groups, stride, dilation, tf, rng):
    torch = pytest.importorskip("torch")
    settings = ((stride,) * rank, ((1, 2),) * rank, (dilation,) * rank, groups, True)
    x, kernel = rng.normal(size=(2, *(9, 8, 7)[:rank], 4)), rng.normal(size=(*(3, 2, 3)[:rank], 4 // groups, 8))
    ours = [tf.constant(v, dtype) for v in (x, kernel)]
    with tf.GradientTape() as tape:
        tape.watch(ours)
        y = backends.current().conv(*ours, *settings)
    upstream = rng.normal(size=y.shape).astype(dtype)
    theirs = [torch.tensor(v.astype(dtype), requires_grad=True) for v in (x, kernel)]
    z = backends.load("torch").conv(*theirs, *settings)
    z.backward(torch.tensor(upstream))
    found = [y, *tape.gradient(y, ours, tf.constant(upstream))]
    for a, b in zip(found, [z.detach(), *(v.grad for v in theirs)], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_arrays_are_made_on_the_device_that_is_named(tf):
    with cornu.device("cpu"):
        assert ops.ones(2).device.endswith("CPU:0")
    with pytest.raises(BackendError, match="TensorFlow has no device 'tpu:3'"), cornu.device("tpu:3"):
        ops.ones(2)
