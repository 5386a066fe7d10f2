"""Gradients of functions of variables, updates under a condition, compiled steps."""

import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.errors import ArgumentError, BackendError
from cornu.state import CompiledStep, StateScope, Variable, value_and_grad, when


def numbers(x):
    return ops.convert_to_numpy(x)


# --- gradients ------------------------------------------------------------------------------------------------------------


def test_gradients_are_those_of_the_formula(trainable_backend, rng):
    """Of `0.5 |x w - y|² + λ |w|²`: `xᵀ (x w - y) + 2 λ w`; of a weight that is not used: 0."""
    x, y, start = rng.normal(size=(6, 3)), rng.normal(size=(6, 2)), rng.normal(size=(3, 2))
    w, unused = Variable(start.astype("float32")), Variable([1.0, 2.0])

    def fn():
        error = ops.subtract(ops.matmul(x.astype("float32"), w), y.astype("float32"))
        return 0.5 * ops.sum(ops.square(error)) + 0.1 * ops.sum(ops.square(w)), error

    (loss, error), (by_w, by_unused) = value_and_grad(fn, [w, unused])
    residual = x @ start - y
    np.testing.assert_allclose(float(loss), 0.5 * (residual**2).sum() + 0.1 * (start**2).sum(), rtol=1e-5)
    np.testing.assert_allclose(numbers(error), residual, atol=1e-5)
    np.testing.assert_allclose(numbers(by_w), x.T @ residual + 0.2 * start, rtol=1e-4, atol=1e-5)
    assert numbers(by_unused).tolist() == [0.0, 0.0]


def test_a_variable_used_twice_has_the_sum_of_both_gradients(trainable_backend):
    v = Variable([2.0, 3.0])
    (_, _), (grad,) = value_and_grad(lambda: (ops.sum(v * v * v), None), [v])
    assert numbers(grad).tolist() == [12.0, 27.0]


def test_what_the_function_assigns_lasts_and_carries_no_gradient(trainable_backend):
    v, count, seen = Variable([2.0]), Variable(0, trainable=False), Variable([0.0], trainable=False)

    def fn():
        count.assign_add(1)
        seen.assign(v * 10)
        return ops.sum(v * seen), None

    (loss, _), (grad,) = value_and_grad(fn, [v])
    assert float(loss) == 40.0
    assert numbers(grad).tolist() == [40.0]  # seen was 10 v when it was read: d(10 v²)/dv
    assert int(count) == 1
    assert seen.numpy().tolist() == [20.0]
    seen.assign_add([1.0])  # and is an array like any other
    assert seen.numpy().tolist() == [21.0]


def test_in_a_scope_gradients_are_taken_at_the_scope_s_values(trainable_backend):
    v, count = Variable([2.0]), Variable(0, trainable=False)

    def fn():
        count.assign_add(1)
        return ops.sum(v**2), None

    with StateScope([(v, ops.convert_to_tensor([5.0]))]):
        (loss, _), (grad,) = value_and_grad(fn, [v])
        assert int(count) == 1
    assert float(loss) == 25.0
    assert numbers(grad).tolist() == [10.0]
    assert int(count) == 0
    assert v.numpy().tolist() == [2.0]


def test_a_failure_inside_changes_nothing(trainable_backend):
    v, count = Variable([2.0]), Variable(0, trainable=False)

    def fn():
        count.assign_add(1)
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        value_and_grad(fn, [v])
    assert int(count) == 0
    (_, _), (grad,) = value_and_grad(lambda: (ops.sum(v), None), [v])
    assert numbers(grad).tolist() == [1.0]


def test_stopped_gradients_and_frozen_variables(trainable_backend):
    v, frozen = Variable([3.0]), Variable([4.0], trainable=False)
    (_, _), grads = value_and_grad(lambda: (ops.sum(ops.stop_gradient(v) * v * frozen), None), [v, frozen])
    assert [numbers(g).tolist() for g in grads] == [[12.0], [9.0]]  # whoever asks for the gradient of a frozen variable gets it


def test_gradients_of_gradients_by_two_scopes(trainable_backend):
    """Two networks trained against each other take gradients one after the other, each for its own variables."""
    a, b = Variable([2.0]), Variable([5.0])
    (_, _), (grad_a,) = value_and_grad(lambda: (ops.sum(a * b), None), [a])
    (_, _), (grad_b,) = value_and_grad(lambda: (ops.sum(a * b * b), None), [b])
    assert numbers(grad_a).tolist() == [5.0]
    assert numbers(grad_b).tolist() == [20.0]


def test_numpy_has_no_gradients():
    with cornu.use_backend("numpy"):
        v = Variable([1.0])
        with pytest.raises(BackendError, match="numpy"):
            value_and_grad(lambda: (ops.sum(v), None), [v])


# --- when -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("holds", [True, False])
@pytest.mark.parametrize("as_array", [True, False])
def test_an_update_lasts_only_where_the_condition_holds(backend, holds, as_array):
    v, w = Variable([1.0]), Variable(3)
    condition = ops.convert_to_tensor(holds) if as_array else holds

    def update():
        v.assign([2.0])
        w.assign_add(1)

    when(condition, update)
    assert (v.numpy().tolist(), int(w)) == (([2.0], 4) if holds else ([1.0], 3))


def test_inside_a_compiled_step_the_condition_is_the_device_s():
    with cornu.use_backend("jax"):
        v = Variable([1.0])
        step = CompiledStep(lambda x: when(ops.all(x > 0), lambda: v.assign(v + x)), lambda: [v])
        for x in ([1.0], [-5.0], [2.0]):
            step(np.array(x, "float32"))
        assert v.numpy().tolist() == [4.0]
        assert step.compilations == 1


# --- compiled steps -------------------------------------------------------------------------------------------------------


def test_one_program_for_each_kind_of_batch():
    traced = []
    with cornu.use_backend("jax"):
        v = Variable([0.0, 0.0])

        def fn(batch):
            traced.append(1)
            v.assign_add(ops.sum(batch["x"], axis=0))
            return ops.mean(v)

        step = CompiledStep(fn, lambda: [v])
        kinds = [np.ones((3, 2), "float32")] * 3 + [np.ones((2, 2), "float32")] * 2 + [np.ones((3, 2), "int32")]
        results = [float(step({"x": x})) for x in kinds]
        assert (step.compilations, len(traced)) == (3, 3)
        np.testing.assert_allclose(results, np.cumsum([len(x) for x in kinds]))
        assert v.numpy().tolist() == [16.0, 16.0]


def test_on_backends_that_run_as_written_the_step_is_the_function_itself():
    calls = []
    with cornu.use_backend("torch"):
        v = Variable([1.0])

        def fn(x):
            calls.append(type(x).__name__)
            v.assign(v * x)
            return v.value

        step = CompiledStep(fn, lambda: [v])
        for _ in range(3):
            step(np.array([2.0], "float32"))
        assert v.numpy().tolist() == [8.0]
        assert (calls, step.compilations) == (["Tensor"] * 3, 0)


def test_many_steps_give_what_numpy_gives(trainable_backend, rng):
    """Gradient descent with momentum on a quadratic, 60 steps, against the same in NumPy."""
    a, start = rng.normal(size=(4, 4)), rng.normal(size=4)
    a = a @ a.T / 4 + np.eye(4)
    w, m, n = Variable(start.astype("float32")), Variable(np.zeros(4, "float32"), trainable=False), Variable(0, trainable=False)

    def fn(target):
        def loss():
            error = w - target
            return 0.5 * ops.sum(error * ops.matmul(a.astype("float32"), error)), None

        (value, _), (grad,) = value_and_grad(loss, [w])
        m.assign(0.9 * m.value + grad)
        w.assign_sub(0.05 * m.value)
        n.assign_add(1)
        return value

    step = CompiledStep(fn, lambda: [w, m, n])
    v, momentum, losses, expected = start.copy(), np.zeros(4), [], []
    for k in range(60):
        target = np.full(4, np.sin(k))
        losses.append(float(step(target.astype("float32"))))
        expected.append(0.5 * (v - target) @ a @ (v - target))
        momentum = 0.9 * momentum + a @ (v - target)
        v = v - 0.05 * momentum
    np.testing.assert_allclose(losses, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(w.numpy(), v, atol=1e-4)
    assert int(n) == 60


def test_only_what_is_written_is_given_away():
    with cornu.use_backend("jax"):
        read, written = Variable(np.ones(1000, "float32")), Variable(np.zeros(1000, "float32"))
        held, gone = read.value, written.value
        step = CompiledStep(lambda: written.assign(written + read), lambda: [read, written])
        for _ in range(3):
            step()
        assert not held.is_deleted()
        assert gone.is_deleted()  # its memory holds the new values
        assert read.value is held
        assert written.numpy().tolist() == [3.0] * 1000


def test_arrays_that_a_user_holds_survive():
    with cornu.use_backend("jax"):
        given = ops.ones((50,))
        v = Variable(given)
        assigned, copied = ops.ones((50,)) * 2, ops.copy(v)
        v.assign(assigned)
        batch = ops.ones((50,))
        step = CompiledStep(lambda x: v.assign(v + x), lambda: [v])
        step(batch)
        step(batch)
        for array, number in ((given, 1.0), (assigned, 2.0), (copied, 1.0), (batch, 1.0), (v.value, 4.0)):
            assert numbers(array).tolist() == [number] * 50


def test_what_another_variable_was_made_from_survives():
    with cornu.use_backend("jax"):
        v = Variable([1.0, 2.0])
        w, x = Variable(v), Variable([0.0, 0.0])
        x.assign(v)
        CompiledStep(lambda: v.assign(v * 10), lambda: [v])()
        assert [u.numpy().tolist() for u in (v, w, x)] == [[10.0, 20.0], [1.0, 2.0], [1.0, 2.0]]


def test_a_failure_while_tracing_leaves_the_values_and_the_next_step_works():
    with cornu.use_backend("jax"):
        v = Variable([1.0])
        broken = [True]

        def fn(x):
            v.assign(v + x)
            if broken[0]:
                raise RuntimeError("stop")

        step = CompiledStep(fn, lambda: [v])
        with pytest.raises(RuntimeError, match="stop"):
            step(np.ones(1, "float32"))
        assert v.numpy().tolist() == [1.0]
        broken[0] = False
        step(np.ones(1, "float32"))
        assert v.numpy().tolist() == [2.0]


def test_freezing_makes_another_program_and_thawing_takes_the_first_again():
    with cornu.use_backend("jax"):
        a, b = Variable([1.0]), Variable([1.0])

        def fn():
            for v in (a, b):
                if v.trainable:
                    v.assign_add([1.0])

        step = CompiledStep(fn, lambda: [a, b])
        step()
        a.trainable = False
        step()
        step()
        assert (a.numpy().tolist(), b.numpy().tolist(), step.compilations) == ([2.0], [4.0], 2)
        a.trainable = True
        step()
        assert (a.numpy().tolist(), b.numpy().tolist(), step.compilations) == ([3.0], [5.0], 2)


def test_a_new_variable_is_found_and_unrelated_ones_cost_no_compilation():
    with cornu.use_backend("jax"):
        variables = [Variable([1.0])]

        def fn():
            for v in variables:
                v.assign_add([1.0])

        step = CompiledStep(fn, lambda: variables)
        step()
        Variable([5.0])  # somebody else's
        step()
        assert step.compilations == 1
        variables.append(Variable([10.0]))
        step()
        assert [v.numpy().tolist() for v in variables] == [[4.0], [11.0]]
        assert step.compilations == 2


def test_a_step_follows_its_variables_to_another_backend():
    with cornu.use_backend("jax"):
        v = Variable([1.0])
        step = CompiledStep(lambda x: v.assign(v + x), lambda: [v])
        for name in ("jax", "torch", "numpy", "jax"):
            v.to(name)
            with cornu.use_backend(name):
                step(np.ones(1, "float32"))
        assert v.numpy().tolist() == [5.0]


def test_assigning_between_steps_counts():
    with cornu.use_backend("jax"):
        v = Variable([1.0])
        step = CompiledStep(lambda: v.assign(v * 2), lambda: [v])
        step()
        v.assign([100.0])
        step()
        assert v.numpy().tolist() == [200.0]
        assert step.compilations == 1


def test_a_function_that_gives_the_loss_alone_is_told_what_to_give(trainable_backend):
    v = Variable([1.0, 2.0])
    for give in (lambda: ops.sum(v * v), lambda: (ops.sum(v), None, None)):
        with pytest.raises(ArgumentError, match="return loss, None"):
            value_and_grad(give, [v])
    assert v.numpy().tolist() == [1.0, 2.0]
