"""Variables: what they hold, what may be assigned, and the scopes in which reads and writes stay."""

import threading

import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.errors import ArgumentError, CornuError, ShapeError
from cornu.state import StateScope, Variable, autocast
from cornu.state.variable import structure_version


def values(x):
    return ops.convert_to_numpy(x).tolist()


# --- making ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "dtype"), [([1.0, 2.0], "float32"), ([1, 2], "int32"), (True, "bool"), (np.ones(2, "float16"), "float16")]
)
def test_dtype_is_that_of_the_value(backend, given, dtype):
    v = Variable(given)
    assert v.dtype == dtype
    assert v.shape == np.shape(given)
    assert np.array_equal(v.numpy(), np.asarray(given))


def test_an_initializer_is_a_function_or_a_value(backend):
    v = Variable(lambda shape, dtype: np.full(shape, 7, dtype), shape=(2, 3), dtype="float16")
    assert (v.shape, v.dtype, v.numpy().tolist()) == ((2, 3), "float16", [[7.0] * 3] * 2)
    w = Variable(v, dtype="int32")
    assert (w.dtype, w.numpy().sum()) == ("int32", 42)
    with pytest.raises(ShapeError, match=r"\(3,\).*\(2,\)"):
        Variable([1.0, 2.0], shape=(3,))
    with pytest.raises(ShapeError, match="known shape"):
        Variable(lambda shape, dtype: np.zeros(shape), shape=(None, 2))
    with pytest.raises(ArgumentError, match="aggregation"):
        Variable(1.0, aggregation="median")


def test_a_variable_shares_no_memory_with_what_it_was_made_from(backend):
    source = np.array([1.0, 2.0], "float32")
    v = Variable(source)
    source[:] = 9
    assert v.numpy().tolist() == [1.0, 2.0]
    out = v.numpy()
    out[:] = 9
    assert v.numpy().tolist() == [1.0, 2.0]


# --- assigning ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("new", [[3, 4], (3.0, 4.0), np.array([3.0, 4.0]), np.array([3, 4], "int8"), "array", "variable"], ids=str)
def test_whatever_is_assigned_takes_the_variable_s_dtype(backend, new):
    v = Variable([1.0, 2.0])
    v.assign({"array": ops.convert_to_tensor([3.0, 4.0]), "variable": Variable([3, 4])}.get(new, new) if isinstance(new, str) else new)
    assert (v.dtype, str(ops.dtype(v.value)), v.numpy().tolist()) == ("float32", "float32", [3.0, 4.0])


def test_adding_and_subtracting_keep_the_dtype(backend):
    v = Variable([1, 2])
    v.assign_add([10, 20])
    v.assign_sub(Variable([1, 1]))
    v.assign_add(1)
    assert (v.dtype, v.numpy().tolist()) == ("int32", [11, 22])
    half = Variable([1.0, 2.0], dtype="bfloat16")
    half.assign_add([0.5, 0.5])
    half.assign_sub(np.array([1.0, 1.0], "float32"))
    assert (half.dtype, ops.dtype(half.value), half.numpy().astype("float32").tolist()) == ("bfloat16", "bfloat16", [0.5, 1.5])


def test_a_sum_takes_the_variable_s_dtype_whatever_is_added(backend):
    count, flag, total = Variable([1, 2]), Variable([True, False]), Variable([0.5])
    for more in (0.75, [0.75, 0.75], ops.convert_to_tensor([0.75, 0.75])):
        count.assign_add(more)
    flag.assign_add(1)
    total.assign_add(np.float64(1))
    total.assign_add(ops.convert_to_tensor(1))
    assert (count.dtype, count.numpy().tolist()) == ("int32", [1, 2])  # 1.75 is cut off each time
    assert (flag.dtype, flag.numpy().tolist()) == ("bool", [True, True])
    assert (total.dtype, total.numpy().tolist()) == ("float32", [2.5])


@pytest.mark.parametrize("new", [[1.0, 2.0, 3.0], 1.0, [[1.0, 2.0]]], ids=str)
def test_another_shape_is_refused_and_nothing_changes(backend, new):
    v = Variable([1.0, 2.0], name="w")
    with pytest.raises(ShapeError, match=r"'w'.*\(2,\)"):
        v.assign(new)
    assert v.numpy().tolist() == [1.0, 2.0]


@pytest.mark.parametrize("new", [[1.0, 2.0, 3.0], [[1.0, 2.0], [1.0, 2.0]]], ids=str)
def test_a_sum_of_another_shape_is_refused_and_nothing_changes(backend, new):
    v = Variable([1.0, 2.0])
    with pytest.raises(CornuError):
        v.assign_add(new)
    with pytest.raises(CornuError):
        v.assign_sub(new)
    assert v.numpy().tolist() == [1.0, 2.0]
    assert v.shape == tuple(v.value.shape)


def test_torch_assigns_in_place():
    with cornu.use_backend("torch"):
        v = Variable([1.0, 2.0])
        held, address = v.value, v.value.data_ptr()
        v.assign([3.0, 4.0])
        v.assign_add([1.0, 1.0])
        assert v.value is held
        assert held.data_ptr() == address
        assert held.tolist() == [4.0, 5.0]
        assert held.requires_grad
        assert held.is_leaf


def test_what_was_assigned_stays_the_caller_s_own(backend):
    v = Variable([1.0, 2.0])
    given = ops.convert_to_tensor([3.0, 4.0])
    v.assign(given)
    v.assign_add([1.0, 1.0])
    assert values(given) == [3.0, 4.0]
    assert v.numpy().tolist() == [4.0, 5.0]


def test_another_backend_s_values_can_be_assigned(backend):
    v = Variable([1.0, 2.0])
    for name in ("jax", "torch", "numpy"):
        with cornu.use_backend(name):
            v.assign(ops.convert_to_tensor([5.0, 6.0]) + 1)
        assert v.numpy().tolist() == [6.0, 7.0]
        assert backend == v.backend.NAME


def test_moving_keeps_value_dtype_and_trainable(backend):
    for target in ("jax", "torch", "numpy"):
        for dtype in ("float32", "bfloat16", "int32"):
            v = Variable([1.0, 2.0], dtype=dtype, trainable=False)
            v.to(target)
            assert (v.backend.NAME, v.dtype, v.trainable) == (target, dtype, False)
            assert v.numpy().astype("float32").tolist() == [1.0, 2.0]


def test_scalars_are_numbers_and_truths(backend):
    assert float(Variable(2.5)) == 2.5
    assert int(Variable(3)) == 3
    assert bool(Variable(True))
    assert not bool(Variable(0.0))
    assert len(Variable([1.0, 2.0])) == 2
    assert np.asarray(Variable([1, 2])).tolist() == [1, 2]


# --- autocast and structure -----------------------------------------------------------------------------------------------


def test_autocast_changes_what_is_read_not_what_is_held(backend):
    weight, fixed, count = Variable([1.0, 2.0]), Variable([1.0], autocast=False), Variable([1])
    with autocast("bfloat16"):
        assert [ops.dtype(v.value) for v in (weight, fixed, count)] == ["bfloat16", "float32", "int32"]
        assert weight.spec().dtype == "bfloat16"
        with autocast(None):
            assert ops.dtype(weight.value) == "float32"
        weight.assign([1.0009765625, 2.0])  # a float32 that bfloat16 cannot hold
    assert weight.numpy()[0] == np.float32(1.0009765625)


def test_the_structure_version_moves_with_variables_and_freezing_only(backend):
    v = Variable([1.0])
    seen = structure_version()
    v.assign([2.0])
    v.assign_add([2.0])
    v.trainable = True
    assert structure_version() == seen
    v.trainable = False
    frozen = structure_version()
    Variable([1.0])
    assert seen < frozen < structure_version()


# --- scopes ---------------------------------------------------------------------------------------------------------------


def test_in_a_scope_reads_see_its_values_and_writes_stay_inside(backend):
    v, w = Variable([1.0]), Variable([10.0])
    with StateScope([(v, ops.convert_to_tensor([5.0]))]) as inner:
        assert values(v.value) == [5.0]
        assert values(w.value) == [10.0]
        w.assign([20.0])
        v.assign_add([1.0])
        assert values(v.value) == [6.0]
        assert values(w + v) == [26.0]
    assert v.numpy().tolist() == [1.0]
    assert w.numpy().tolist() == [10.0]
    assert {id(variable) for variable, _ in inner.written.values()} == {id(v), id(w)}
    inner.commit()
    assert v.numpy().tolist() == [6.0]
    assert w.numpy().tolist() == [20.0]


def test_scopes_nest_and_commit_to_the_one_around(backend):
    v = Variable([1.0])
    with StateScope() as outer:
        v.assign([2.0])
        with StateScope() as inner:
            assert values(v.value) == [2.0]
            v.assign([3.0])
        assert values(v.value) == [2.0]
        inner.commit()
        assert values(v.value) == [3.0]
    assert v.numpy().tolist() == [1.0]
    outer.commit()
    assert v.numpy().tolist() == [3.0]


def test_a_scope_ends_with_an_exception_and_nothing_is_written(backend):
    v = Variable([1.0])

    def fail():
        with StateScope():
            v.assign([2.0])
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert v.numpy().tolist() == [1.0]
    v.assign([4.0])
    assert v.numpy().tolist() == [4.0]


def test_a_wrong_assignment_in_a_scope_leaves_the_scope_as_it_was(backend):
    v = Variable([1.0])
    with StateScope() as inner:
        v.assign([2.0])
        with pytest.raises(ShapeError):
            v.assign([1.0, 2.0])
        assert values(v.value) == [2.0]
    assert len(inner.written) == 1


def test_a_scope_is_its_thread_s_own(backend):
    v, seen = Variable([1.0]), []
    with StateScope():
        v.assign([2.0])
        thread = threading.Thread(target=lambda: seen.append(v.numpy().tolist()))
        thread.start()
        thread.join()
    assert seen == [[1.0]]
