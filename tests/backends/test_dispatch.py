"""From the types of the arguments to the interpreter: mixing, adopting, unwrapping, recording, shapes alone."""

import inspect

import numpy as np
import pytest

import cornu
from cornu import backends, ops
from cornu.backends import spec
from cornu.backends.spec import TensorSpec
from cornu.errors import BackendMismatchError, ShapeError
from cornu.ops import dispatch


def made(name, values=(1.0, 2.0)):
    with cornu.use_backend(name):
        return ops.convert_to_tensor(np.array(values, "float32"))


# --- which backend ------------------------------------------------------------------------------------------------------


def test_an_array_decides_where_the_op_runs_not_the_current_backend(backend):
    x = made("torch")
    y = ops.add(x, 1.0)
    assert dispatch.interpreter_of(y).NAME == "torch"
    assert ops.convert_to_numpy(y).tolist() == [2.0, 3.0]


@pytest.mark.parametrize("pair", [("jax", "torch"), ("torch", "jax")])
@pytest.mark.parametrize(
    "op",
    [ops.add, lambda a, b: ops.where(np.array([True, False]), a, b), lambda a, b: ops.concatenate([a, b]),
     lambda a, b: ops.matmul(a, x2=b), lambda a, b: ops.select([a > 0], [b])],
    ids=["positional", "third argument", "inside a list", "keyword", "inside lists of a composite"],
)  # fmt: skip
def test_arrays_of_two_backends_are_refused_and_both_are_named(pair, op):
    a, b = map(made, pair)
    with pytest.raises(BackendMismatchError, match="jax and torch") as caught:
        op(a, b)
    assert "convert_to_numpy" in str(caught.value)
    assert isinstance(caught.value, TypeError)


def test_a_variable_and_an_array_of_two_backends_are_refused():
    with cornu.use_backend("torch"):
        v = cornu.Variable([1.0, 2.0])
    with pytest.raises(BackendMismatchError, match="jax and torch"):
        ops.multiply(made("jax"), v)
    with pytest.raises(BackendMismatchError, match="jax and torch"):
        ops.stack([v, made("jax")])


@pytest.mark.parametrize("neutral", [2, 2.0, True, np.float32(2), np.array([2.0, 2.0], "float32"), [2.0, 2.0], (2, 2)], ids=str)
def test_what_has_no_backend_adopts_that_of_the_others(backend, neutral):
    x = made(backend, (3.0, 5.0))
    y, z = ops.multiply(x, neutral), ops.multiply(neutral, x)
    expected = np.array([3.0, 5.0], "float32") * np.asarray(neutral)
    for result in (y, z):
        assert isinstance(result, backends.current().ARRAY_TYPES)
        assert ops.convert_to_numpy(result).tolist() == expected.tolist()


def test_what_has_no_backend_at_all_goes_to_the_current_one(backend):
    for result in (ops.add(1, 2), ops.add(np.ones(2), [1.0, 2.0]), ops.stack([1.0, 2.0])):
        assert isinstance(result, backends.current().ARRAY_TYPES)


def test_the_innermost_use_backend_counts_and_the_outer_one_returns(backend):
    with cornu.use_backend("numpy"):
        assert cornu.backend() == "numpy"
        with cornu.use_backend("torch"):
            assert dispatch.interpreter_of(ops.ones((2,))).NAME == "torch"
        assert cornu.backend() == "numpy"
    assert cornu.backend() == backend


def test_a_function_can_be_decorated_with_a_backend():
    @cornu.use_backend("numpy")
    def inner(depth):
        return cornu.backend() if depth == 0 else inner(depth - 1)

    assert inner(3) == "numpy"


def test_a_list_with_two_backends_is_refused():
    with pytest.raises(BackendMismatchError, match="jax and torch"):
        ops.stack([made("torch"), np.ones(2), made("jax")])


def test_an_unknown_backend_is_refused_with_the_nearest_name():
    with pytest.raises(cornu.errors.UnknownNameError, match="torch"):
        cornu.set_backend("torhc")


# --- variables, lists, keywords -------------------------------------------------------------------------------------------


def test_variables_stand_for_their_values(backend):
    v = cornu.Variable([[1.0, 2.0], [3.0, 4.0]])
    x = np.array([[1.0, 0.0], [0.0, 2.0]], "float32")
    expected = np.array([[1.0, 2.0], [3.0, 4.0]]) @ x
    for result in (ops.matmul(v, x), ops.matmul(x1=v, x2=x), ops.matmul(v, x2=v)[:, :0]):
        assert isinstance(result, backends.current().ARRAY_TYPES)
    assert ops.convert_to_numpy(ops.matmul(v, x)).tolist() == expected.tolist()
    assert ops.convert_to_numpy(ops.concatenate([v, x], axis=0)).tolist() == [[1, 2], [3, 4], [1, 0], [0, 2]]
    assert ops.convert_to_numpy(ops.stack((v, v), axis=0)).shape == (2, 2, 2)


def test_keywords_take_arrays_too(backend):
    x = ops.convert_to_tensor([1.0, -1.0])
    assert ops.convert_to_numpy(ops.add(x1=x, x2=1.0)).tolist() == [2.0, 0.0]
    assert ops.convert_to_numpy(ops.where(condition=ops.greater(x, 0), x1=x, x2=0.0)).tolist() == [1.0, 0.0]


def test_a_list_is_looked_into_one_level(backend):
    x = made(backend)
    result = ops.stack([x, np.array([3.0, 4.0], "float32"), [5.0, 6.0]])
    assert ops.convert_to_numpy(result).tolist() == [[1, 2], [3, 4], [5, 6]]


def test_variables_have_the_operators_of_numbers(backend):
    v, a = cornu.Variable([1.0, -2.0]), np.array([1.0, -2.0])
    found = [v + 1, 1 - v, v * v, 2 / v, v // 2, v % 2, v**2, 2**v, -v, abs(v), v[1:], v > 0, v == 1.0]
    wanted = [a + 1, 1 - a, a * a, 2 / a, a // 2, a % 2, a**2, 2**a, -a, abs(a), a[1:], a > 0, a == 1.0]
    for x, y in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(x), y, rtol=1e-6)


# --- symbols and specs ----------------------------------------------------------------------------------------------------


def test_a_composite_on_a_symbolic_tensor_is_recorded_as_one_node():
    x = cornu.Input((3,))
    y = ops.logsumexp(x, axis=-1)
    assert y.node.operation is ops.logsumexp
    assert y.node.args[0] is x
    assert (y.shape, y.dtype) == ((None,), "float32")


def test_a_symbolic_tensor_beside_arrays_is_recorded(backend):
    x = cornu.Input((2,))
    y = ops.add(x, made(backend))
    assert y.node.operation is ops.add
    assert y.shape == (None, 2)
    z = ops.concatenate([ops.zeros((4, 3)), cornu.Input(batch_shape=(4, 2))], axis=-1)
    assert z.node.operation is ops.concatenate
    assert z.shape == (4, 5)


def test_specs_give_shapes_and_dtypes():
    a, b = TensorSpec((5, 1), "float16"), TensorSpec((4,), "float32")
    assert ops.add(a, b) == TensorSpec((5, 4), "float32")
    assert ops.matmul(TensorSpec((2, 3, 4)), x2=TensorSpec((4, 7))) == TensorSpec((2, 3, 7))
    assert ops.concatenate([a, TensorSpec((2, 1), "float16")], axis=0) == TensorSpec((7, 1), "float16")
    assert ops.equal(a, b) == TensorSpec((5, 4), "bool")


SHAPES_THAT_DO_NOT_FIT = {
    "add": (ops.add, (2, 3), (4,)),
    "matmul": (ops.matmul, (2, 3), (4, 2)),
    "where": (lambda a, b: ops.where(ops.greater(a, 0), a, b), (2, 3), (2, 2)),
    "concatenate": (lambda a, b: ops.concatenate([a, b], axis=0), (2, 3), (2, 4)),
    "stack": (lambda a, b: ops.stack([a, b]), (2, 3), (3, 2)),
    "maximum": (ops.maximum, (5,), (4,)),
    "einsum": (lambda a, b: ops.einsum("ij,jk->ik", a, b), (2, 3), (4, 2)),
    "tensordot": (lambda a, b: ops.tensordot(a, b, axes=1), (2, 3), (4, 2)),
}


@pytest.mark.parametrize("case", SHAPES_THAT_DO_NOT_FIT)
def test_shapes_that_do_not_fit_are_named_alike_on_every_backend(backend, case):
    op, first, second = SHAPES_THAT_DO_NOT_FIT[case]
    arrays = [ops.ones(first), ops.ones(second)]
    for a, b in (arrays, [TensorSpec(first), TensorSpec(second)], [cornu.Input(batch_shape=first), cornu.Input(batch_shape=second)]):
        with pytest.raises(ShapeError) as caught:
            op(a, b)
        assert str(first) in str(caught.value)
        assert str(second) in str(caught.value)


# --- the public face ------------------------------------------------------------------------------------------------------


def test_the_interpreter_is_no_part_of_a_public_signature():
    for name, op in dispatch.OPS.items():
        parameters = list(inspect.signature(op).parameters)
        assert "on" not in parameters, name


def test_an_override_may_decline_and_the_composite_runs(monkeypatch, backend):
    module, asked = backends.current(), []

    def declines(x, axis=None, keepdims=False):
        asked.append(x)
        return NotImplemented

    monkeypatch.setattr(module, "logsumexp", declines, raising=False)
    values = np.array([0.5, -1.0, 2.0], "float32")
    np.testing.assert_allclose(ops.convert_to_numpy(ops.logsumexp(values)), np.log(np.exp(values).sum()), rtol=1e-6)
    assert len(asked) == 1
    assert isinstance(asked[0], module.ARRAY_TYPES)
    monkeypatch.setattr(module, "logsumexp", lambda x, axis=None, keepdims=False: x)
    assert ops.convert_to_numpy(ops.logsumexp(values)).tolist() == values.tolist()


def test_the_shape_interpreter_is_never_the_current_one_after_inference_fails():
    def broken(x):
        raise ShapeError("no")

    from cornu.graph import infer

    with cornu.use_backend("numpy"):
        with pytest.raises(ShapeError):
            infer(broken, (cornu.Input((2,)),), {})
        assert cornu.backend() == "numpy"
    assert spec.NAME == "spec"


@pytest.mark.parametrize("around", ["numpy", "jax", "torch"])
def test_the_body_of_a_composite_runs_where_one_of_its_arrays_is(trainable_backend, around):
    """Whatever the current backend is, and whichever of the arguments it is."""
    with cornu.use_backend(trainable_backend):
        own = cornu.ops.convert_to_tensor
        given = [(own(np.zeros(4)), [[1]], [2.0]), (np.zeros(4), own(np.array([[1]])), [2.0]), (np.zeros(4), [[1]], own(np.array([2.0])))]
    with cornu.use_backend(around):
        for arguments in given:
            result = cornu.ops.scatter_update(*arguments)
            assert type(result) is type(given[0][0])
            assert cornu.ops.convert_to_numpy(result).tolist() == [0, 2, 0, 0]
