"""What a step does around its rule: which variables, which gradients, clipping, decay, averages, accumulation, constraints."""

import numpy as np
import pytest

import cornu
from cornu import constraints, ops, optimizers
from cornu.errors import ArgumentError, NotBuiltError, ShapeError
from cornu.optimizers import SGD, Adam, RMSprop
from cornu.state import CompiledStep, Variable, value_and_grad

ALL = [
    "SGD", "Adam", "AdamW", "RMSprop", "Adamax", "Nadam", "Adagrad", "Adadelta", "Lion", "Lamb", "Ftrl", "Adafactor", "Muon", "ScheduleFreeAdamW",
]  # fmt: skip


def pair():
    return [Variable([[1.0, -2.0], [3.0, 0.5]], name="kernel"), Variable([0.5, -1.0], name="bias")]


def grads(scale=1.0):
    return [ops.convert_to_tensor(np.array(g, "float32") * scale) for g in ([[0.3, -0.4], [1.2, 0.0]], [5.0, -12.0])]


def values(variables):
    return [v.numpy().copy() for v in variables]


def stepper(optimizer, variables, compiled):
    if not compiled:
        return lambda *g: optimizer.apply(list(g), variables)
    return CompiledStep(lambda *g: optimizer.apply(list(g), variables), lambda: [*variables, *optimizer.variables])


@pytest.mark.parametrize("name", ALL)
def test_a_frozen_variable_keeps_value_and_slots(backend, name):
    optimizer, (kernel, bias) = getattr(optimizers, name)(learning_rate=0.1), pair()
    optimizer.build([kernel, bias])
    optimizer.apply(grads(), [kernel, bias])
    slots = [v for v in optimizer.variables if v.name.startswith("kernel")]
    before, held = kernel.numpy().copy(), values(slots)
    optimizer.apply(grads()[1:], [bias])
    np.testing.assert_array_equal(kernel.numpy(), before)
    for v, old in zip(slots, held, strict=True):
        np.testing.assert_array_equal(v.numpy(), old)
    optimizer.apply(grads(), [kernel, bias])
    assert np.all(kernel.numpy()[0] != before[0])
    assert int(optimizer.iterations) == 3


def test_the_order_of_variables_is_free(backend):
    one, other = pair(), pair()
    first, second = Adam(0.1), Adam(0.1)
    first.build(one)
    second.build(other)
    for _ in range(3):
        first.apply(grads(), one)
        second.apply(grads()[::-1], other[::-1])
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6)


def test_unknown_variables_are_refused_before_anything_moves(backend):
    optimizer, variables = SGD(0.1), pair()
    optimizer.build(variables)
    before = values(variables)
    with pytest.raises(ArgumentError, match=r"the 2 variables that it was built for, got another: 'stranger' of shape \(2,\)"):
        optimizer.apply([grads()[0], grads()[1]], [variables[0], Variable([1.0, 1.0], name="stranger")])
    for v, old in zip(variables, before, strict=True):
        np.testing.assert_array_equal(v.numpy(), old)


def test_lists_that_do_not_fit(backend):
    optimizer, variables = SGD(0.1), pair()
    with pytest.raises(NotBuiltError, match="build"):
        optimizer.apply(grads())
    optimizer.build(variables)
    with pytest.raises(ArgumentError, match="got 1 for 2"):
        optimizer.apply(grads()[:1])
    with pytest.raises(ShapeError, match=r"'bias' must have its shape, \(2,\), got \(2, 2\)"):
        optimizer.apply([grads()[0], grads()[0]], variables)


def test_gradients_that_are_none(backend):
    optimizer, (kernel, bias) = SGD(0.1), pair()
    with pytest.warns(UserWarning, match=r"no gradient for \['kernel'\]"):
        optimizer.apply([None, grads()[1]], [kernel, bias])
    np.testing.assert_allclose(bias.numpy(), [0.0, 0.2], atol=1e-6)
    np.testing.assert_array_equal(kernel.numpy(), [[1.0, -2.0], [3.0, 0.5]])
    with pytest.raises(ArgumentError, match=r"At least one gradient.*kernel.*bias"):
        optimizer.apply([None, None], [kernel, bias])
    optimizer.apply([], [])
    assert int(optimizer.iterations) == 1


def test_apply_gradients_takes_pairs(backend):
    optimizer, variables = SGD(0.1), pair()
    optimizer.apply_gradients(zip(grads(), variables, strict=True))
    np.testing.assert_allclose(variables[1].numpy(), [0.0, 0.2], atol=1e-6)


def test_numpy_gradients(backend):
    optimizer, variables = Adam(0.1), pair()
    optimizer.apply([np.ones((2, 2), "float32"), np.ones(2, "float64")], variables)
    np.testing.assert_allclose(variables[1].numpy(), [0.4, -1.1], atol=1e-5)
    assert variables[1].dtype == "float32"


@pytest.mark.parametrize("name", ALL)
def test_compiled_as_written(trainable_backend, name):
    """The whole of apply as one program, state kept between runs, against the same steps run one op at a time."""
    one, other = pair(), pair()
    first, second = [getattr(optimizers, name)(learning_rate=0.1, weight_decay=0.01) for _ in range(2)]
    first.build(one)
    second.build(other)
    run = stepper(first, one, True)
    for scale in (1.0, 0.1, -2.0):
        run(*grads(scale))
        second.apply(grads(scale), other)
    for a, b in zip([*one, *first.variables], [*other, *second.variables], strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-6)


def test_freezing_between_compiled_steps(trainable_backend):
    kernel, bias = pair()
    optimizer = SGD(0.1, momentum=0.9)
    optimizer.build([kernel, bias])

    def step():
        trainable = [v for v in (kernel, bias) if v.trainable]
        _, g = value_and_grad(lambda: (ops.sum(kernel * kernel) + ops.sum(bias * bias), None), trainable)
        optimizer.apply(g, trainable)

    run = CompiledStep(step, lambda: [kernel, bias, *optimizer.variables])
    run()
    np.testing.assert_allclose(bias.numpy(), [0.4, -0.8], rtol=1e-6)
    kernel.trainable = False
    before = kernel.numpy().copy()
    run()
    np.testing.assert_array_equal(kernel.numpy(), before)
    np.testing.assert_allclose(bias.numpy(), [0.4 - 0.09 - 0.08, -0.8 + 0.18 + 0.16], rtol=1e-5)
    kernel.trainable = True
    run()
    np.testing.assert_allclose(kernel.numpy(), before + 0.9 * (before - before / 0.8) - 0.2 * before, rtol=1e-5)


def test_an_optimizer_first_used_inside_a_compiled_step_is_built_there(trainable_backend):
    optimizer, variables = SGD(0.1), pair()
    before = values(variables)
    run = CompiledStep(lambda: optimizer.apply(grads(), variables), lambda: variables)
    for steps in (1, 2):
        run()
        for v, w, g in zip(variables, before, grads(), strict=True):
            np.testing.assert_allclose(v.numpy(), w - 0.1 * steps * ops.convert_to_numpy(g), rtol=1e-6, atol=1e-7)
    assert int(optimizer.iterations) == 2


def test_clipping(backend):
    """Norms: kernel 1.3, bias 13."""
    raw = [np.array([[0.3, -0.4], [1.2, 0.0]]), np.array([5.0, -12.0])]
    total = np.sqrt(1.3**2 + 13**2)
    cases = {
        "clipnorm": [raw[0], raw[1] * 2 / 13],
        "clipvalue": [np.clip(g, -2, 2) for g in raw],
        "global_clipnorm": [g * 2 / total for g in raw],
    }
    for setting, wanted in cases.items():
        variables = pair()
        before = values(variables)
        SGD(0.1, **{setting: 2.0}).apply(grads(), variables)
        for v, w, g in zip(variables, before, wanted, strict=True):
            np.testing.assert_allclose(v.numpy(), w - 0.1 * g, rtol=1e-5, atol=1e-6)


def test_clipping_zero_gradients(backend):
    for setting in ("clipnorm", "clipvalue", "global_clipnorm"):
        variables = pair()
        before = values(variables)
        SGD(0.1, **{setting: 2.0}).apply(grads(0.0), variables)
        for v, w in zip(variables, before, strict=True):
            np.testing.assert_array_equal(v.numpy(), w)


def test_weight_decay_and_what_is_left_out(backend):
    for how in ("list", "names"):
        optimizer, (kernel, bias) = SGD(0.1, weight_decay=0.5), pair()
        optimizer.exclude_from_weight_decay(**({"var_list": [bias]} if how == "list" else {"var_names": ["bi.s$"]}))
        optimizer.apply(grads(0.0), [kernel, bias])
        np.testing.assert_allclose(kernel.numpy(), 0.95 * np.array([[1.0, -2.0], [3.0, 0.5]]), rtol=1e-6)
        np.testing.assert_array_equal(bias.numpy(), [0.5, -1.0])
    with pytest.raises(ArgumentError, match="before the optimizer is built"):
        optimizer.exclude_from_weight_decay(var_names=["kernel"])


def test_averages(backend):
    """The first step sets them; they follow after; every second step the variable becomes its average."""
    for frequency in (None, 2):
        w, average = 1.0, None
        v = Variable([1.0])
        optimizer = SGD(0.1, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=frequency)
        for t in range(1, 6):
            optimizer.apply([ops.convert_to_tensor([float(t)])], [v])
            w = w - 0.1 * t
            average = w if t == 1 else 0.9 * average + 0.1 * w
            w = average if frequency and t % frequency == 0 else w
            np.testing.assert_allclose(v.numpy(), [w], rtol=1e-5, atol=1e-6)
        optimizer.finalize_variable_values([v])
        np.testing.assert_allclose(v.numpy(), [average], rtol=1e-5)


def test_the_average_of_a_variable_that_never_moved_is_its_value(backend):
    optimizer, (kernel, bias) = SGD(0.1, use_ema=True), pair()
    optimizer.build([kernel, bias])
    optimizer.apply(grads()[1:], [bias])
    optimizer.finalize_variable_values([kernel, bias])
    np.testing.assert_array_equal(kernel.numpy(), [[1.0, -2.0], [3.0, 0.5]])


def test_constraints_hold_after_the_update(backend):
    v = Variable([1.0, 2.0])
    v.constraint = constraints.NonNeg()
    SGD(1.0).apply([ops.convert_to_tensor([0.5, 3.0])], [v])
    np.testing.assert_allclose(v.numpy(), [0.5, 0.0])


def test_loss_scale_factor(backend):
    optimizer, variables = Adam(0.1, loss_scale_factor=8.0), pair()
    plain, others = Adam(0.1), pair()
    assert float(optimizer.scale_loss(ops.convert_to_tensor(2.0))) == 16.0
    assert float(plain.scale_loss(ops.convert_to_tensor(2.0))) == 2.0
    optimizer.apply([g * 8.0 for g in grads()], variables)
    plain.apply(grads(), others)
    for a, b in zip(variables, others, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop"])
def test_accumulated_gradients_equal_the_full_batch(trainable_backend, rng, name, compiled):
    """Least squares on 12 rows: one step on all of them, against three calls with four rows each; twice."""
    x, y = rng.standard_normal((12, 3)), rng.standard_normal(12)

    def gradient(w, rows):
        return (2 * x[rows].T @ (x[rows] @ w - y[rows]) / len(x[rows])).astype("float32")

    whole, parts = Variable(np.ones(3, "float32")), Variable(np.ones(3, "float32"))
    one, three = getattr(optimizers, name)(0.1, clipnorm=0.5), getattr(optimizers, name)(0.1, clipnorm=0.5, gradient_accumulation_steps=3)
    three.build([parts])
    run = stepper(three, [parts], compiled)
    for _ in range(2):
        one.apply([ops.convert_to_tensor(gradient(whole.numpy(), slice(None)))], [whole])
        for i in range(3):
            before = parts.numpy().copy()
            run(ops.convert_to_tensor(gradient(before, slice(4 * i, 4 * i + 4))))
            if i < 2:
                np.testing.assert_array_equal(parts.numpy(), before)
        np.testing.assert_allclose(parts.numpy(), whole.numpy(), rtol=1e-6, atol=1e-6)
    assert int(three.iterations) == 2


def test_accumulation_weighs_unequal_batches(backend, rng):
    x, y, w = rng.standard_normal((7, 3)), rng.standard_normal(7), np.ones(3)

    def gradient(rows):
        return ops.convert_to_tensor((2 * x[rows].T @ (x[rows] @ w - y[rows]) / len(x[rows])).astype("float32"))

    whole, parts = Variable(np.ones(3, "float32")), Variable(np.ones(3, "float32"))
    SGD(0.1).apply([gradient(slice(None))], [whole])
    optimizer = SGD(0.1, gradient_accumulation_steps=2)
    optimizer._apply_weighted_([gradient(slice(0, 5))], [parts], weight=5.0)
    optimizer._apply_weighted_([gradient(slice(5, 7))], [parts], weight=2.0)
    np.testing.assert_allclose(parts.numpy(), whole.numpy(), rtol=1e-6)


def test_a_variable_frozen_amid_an_accumulation_does_not_keep_its_sum(backend):
    kernel, bias = pair()
    optimizer = SGD(1.0, gradient_accumulation_steps=2)
    optimizer.build([kernel, bias])
    optimizer.apply(grads(), [kernel, bias])
    optimizer.apply(grads()[1:], [bias])
    before = kernel.numpy().copy()
    for _ in range(2):
        optimizer.apply(grads(), [kernel, bias])
    np.testing.assert_allclose(kernel.numpy(), before - np.array([[0.3, -0.4], [1.2, 0.0]]), rtol=1e-5)


def test_stateless_apply_assigns_nothing(trainable_backend):
    optimizer, variables = Adam(0.1), pair()
    with pytest.raises(NotBuiltError, match="build"):
        optimizer.stateless_apply([], [], [])
    optimizer.build(variables)
    before = values([*variables, *optimizer.variables])
    own, trained = [v.value for v in optimizer.variables], [v.value for v in variables]
    new, state = optimizer.stateless_apply(own, grads(), trained)
    for v, old in zip([*variables, *optimizer.variables], before, strict=True):
        np.testing.assert_array_equal(v.numpy(), old)
    optimizer.apply(grads(), variables)
    for v, value in zip([*variables, *optimizer.variables], [*new, *state], strict=True):
        np.testing.assert_allclose(v.numpy(), ops.convert_to_numpy(value), rtol=1e-5, atol=1e-7)
    with pytest.raises(ArgumentError, match="optimizer_variables must have 6 values"):
        optimizer.stateless_apply(own[1:], grads(), trained)


def test_a_gradient_that_is_the_new_value(backend):
    scale, (kernel, _) = Variable([3.0], name="scale"), pair()
    scale.overwrite_with_gradient = True
    optimizer = SGD(0.1)
    optimizer.build([scale, kernel])
    optimizer.apply([ops.convert_to_tensor([7.0]), grads()[0]], [scale, kernel])
    assert scale.numpy().tolist() == [7.0]
    np.testing.assert_allclose(kernel.numpy()[0], [0.97, -1.96], rtol=1e-6)


def test_the_backend_is_that_of_the_variables():
    optimizer = Adam(0.1)
    with cornu.use_backend("torch"):
        variables = pair()
        gradients = grads()
    optimizer.apply(gradients, variables)
    assert {v.backend.NAME for v in optimizer.variables} == {"torch"}


def test_kernels_change_the_arrays_in_place():
    """On torch whoever holds a parameter sees it change, and no second copy of it is made."""
    with cornu.use_backend("torch"):
        for optimizer in (SGD(0.1), SGD(0.1, momentum=0.9), Adam(0.1), RMSprop(0.1)):
            variables = pair()
            held = [v.value for v in variables]
            optimizer.apply(grads(), variables)
            assert all(v.value is tensor for v, tensor in zip(variables, held, strict=True))
            assert float(held[1].detach()[0]) < 0.5


def test_a_subclass_with_its_own_rule_does_not_run_its_parents_kernel(backend):
    class Backwards(Adam):
        def rule(self, gradient, value, rate, step, *slots):
            return value + rate * gradient, *slots

    v = Variable([1.0])
    Backwards(0.5).apply([ops.convert_to_tensor([1.0])], [v])
    assert v.numpy().tolist() == [1.5]
