"""What holds for every layer, checked on every line of the table in `cases.py`."""

import json
import threading

import numpy as np
import pytest

from cornu import layers, models, ops, serialization, tree, use_backend
from cornu.dtypes import standardize
from cornu.layers import tracking
from cornu.layers.signature import call_signature
from cornu.state import CompiledStep, Variable, set_random_seed, value_and_grad
from tests.layers.cases import CASES


def checked(name):
    """The test on every case that is not exempt from the check of this name."""
    return pytest.mark.parametrize("case", [c for c in CASES if name not in c.exempt], ids=str)


def built(case, xs, **more):
    """The layer with weights, the same each time."""
    set_random_seed(7)
    layer = case.make(**more)
    case.run(layer, entrances(case, xs))
    return layer


def numbers(outputs):
    return [np.asarray(ops.convert_to_numpy(y), "float64") for y in tree.flatten(outputs)]


def agree(ours, theirs, tolerance=1e-5):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def entrances(case, xs, *, batch=None):
    return [layers.Input(batch_shape=(batch, *x.shape[1:]), dtype=str(x.dtype)) for x in xs]


@checked("output")
def test_outputs_have_the_inferred_shape_and_dtype(case, backend, rng):
    xs = case.inputs(rng)
    outputs = tree.flatten(case.run(case.make(), xs))
    for batch in (None, xs[0].shape[0]):
        inferred = tree.flatten(case.run(case.make(), entrances(case, xs, batch=batch)))
        assert [y.shape for y in inferred] == [(batch, *y.shape[1:]) for y in outputs]
        assert [y.dtype for y in inferred] == [standardize(y.dtype) for y in outputs]


@checked("shape")
def test_the_output_shape_can_be_computed_before_the_layer_is_built(case, rng):
    if len(case.shapes) > 1:
        pytest.skip("the shapes of several inputs have names that differ from layer to layer")
    with use_backend("numpy"):
        outputs = tree.flatten(case.run(case.make(), case.inputs(rng)))
        shapes = case.make().compute_output_shape((None, *case.shapes[0][1:]))
    shapes = [shapes] if isinstance(shapes, tuple) and not isinstance(shapes[0], tuple) else list(shapes)
    assert [tuple(s) for s in shapes] == [(None, *y.shape[1:]) for y in outputs]


@checked("config")
def test_its_configuration_makes_an_equal_layer(case, rng):
    with use_backend("numpy"):
        xs = case.inputs(rng)
        layer = built(case, xs)
        written = json.loads(json.dumps(serialization.serialize(layer)))
        again = serialization.deserialize(written)
        assert json.loads(json.dumps(serialization.serialize(again))) == written
        case.run(again, xs)
        again.set_weights(layer.get_weights())
        agree(numbers(case.run(again, xs)), numbers(case.run(layer, xs)), 0)


@checked("weights")
def test_its_own_weights_go_to_a_store_and_back(case, rng):
    with use_backend("numpy"):
        xs = case.inputs(rng)
        layer, other = built(case, xs), built(case, xs)
        store = {}
        layer.save_own_variables(store)
        kept = [w.numpy() for w in tracking.own_variables(layer)]
        assert [store[str(i)].tolist() for i in range(len(store))] == [w.tolist() for w in kept]
        for weight in tracking.own_variables(other):
            weight.assign(np.full(weight.shape, 9, weight.dtype))
        other.load_own_variables(store)
        assert [w.numpy().tolist() for w in tracking.own_variables(other)] == [w.tolist() for w in kept]


def _loss_and_gradients(case, layer, xs, probe):
    """A weighted sum of the outputs, and its gradient for the inputs and all trainable weights."""
    entered = [] if case.ids is not None else [Variable(x, dtype=layer.compute_dtype) for x in xs]

    def loss():
        given = [v.value for v in entered] or [ops.convert_to_tensor(x) for x in xs]
        outputs = tree.flatten(case.run(layer, given))
        total = 0.0
        for y, p in zip(outputs, probe, strict=True):
            total = ops.add(total, ops.sum(ops.multiply(y, ops.convert_to_tensor(p, standardize(y.dtype)))))
        return total, outputs

    variables = [*entered, *layer.trainable_variables]
    step = CompiledStep(lambda: value_and_grad(loss, variables), lambda: [*entered, *layer.variables])
    (total, outputs), gradients = step()
    return variables, total, numbers(outputs), numbers(gradients)


def _probes(case, rng):
    with use_backend("numpy"):
        outputs = tree.flatten(case.run(case.make(), case.inputs(rng)))
    return [rng.standard_normal(y.shape) for y in outputs]


@checked("agreement")
def test_backends_agree_on_weights_outputs_and_gradients(case, rng):
    xs, probe = case.inputs(rng), _probes(case, rng)
    found = {}
    for name in ("numpy", "jax", "torch"):
        with use_backend(name):
            layer = built(case, xs)
            weights = [w.numpy() for w in layer.weights]
            if name == "numpy":
                found[name] = (weights, numbers(case.run(layer, xs)), None)
            else:
                _, _, outputs, gradients = _loss_and_gradients(case, layer, xs, probe)
                found[name] = (weights, outputs, gradients)
    for name in ("jax", "torch"):
        agree(found[name][0], found["numpy"][0])
        agree(found[name][1], found["numpy"][1])
    agree(found["jax"][2], found["torch"][2])


@checked("first weights")
def test_a_seed_gives_the_same_first_weights_on_every_backend(case, rng):
    first = {}
    for name in ("numpy", "jax", "torch"):
        with use_backend(name):
            set_random_seed(3)
            layer = case.make()
            case.run(layer, entrances(case, case.inputs(rng)))
            first[name] = layer.get_weights()
    for name in ("jax", "torch"):
        assert all(np.array_equal(a, b) for a, b in zip(first[name], first["numpy"], strict=True))


@checked("gradient")
def test_gradients_are_those_of_finite_differences(case, rng):
    # in float64, which jax does not have without a setting of the process; jax agrees with torch by the test above
    with use_backend("torch"):
        xs, probe = [x.astype("float64") if case.ids is None else x for x in case.inputs(rng)], _probes(case, rng)
        set_random_seed(7)
        layer = case.make(dtype="float64")
        case.run(layer, xs)
        variables, _, _, gradients = _loss_and_gradients(case, layer, xs, probe)
        directions = [rng.standard_normal(v.shape) for v in variables]
        slope = sum(float((g * d).sum()) for g, d in zip(gradients, directions, strict=True))
        state, start, step = layer.weights, [w.numpy() for w in layer.weights], 1e-6
        count = len(variables) - len(layer.trainable_variables)
        totals = []
        for sign in (step, -step):
            for weight, value in zip(state, start, strict=True):
                weight.assign(value)
            for v, d in zip(variables[count:], directions[count:], strict=True):
                v.assign(v.numpy() + sign * d)
            moved = [x + sign * d for x, d in zip(xs, directions[:count], strict=True)] if count else xs
            _, total, _, _ = _loss_and_gradients(case, layer, moved, probe)
            totals.append(float(total))
        assert (totals[0] - totals[1]) / (2 * step) == pytest.approx(slope, rel=1e-5, abs=1e-6)


@checked("mixed precision")
def test_mixed_precision_computes_in_bfloat16_and_keeps_float32_weights(case, trainable_backend, rng):
    xs = case.inputs(rng)
    whole, mixed = built(case, xs), built(case, xs, dtype="mixed_bfloat16")
    outputs = tree.flatten(case.run(mixed, xs))
    assert {standardize(y.dtype) for y in outputs} == {"bfloat16"}
    assert {w.dtype for w in mixed.weights} <= {"float32", "int32"}
    for a, b in zip(numbers(outputs), numbers(case.run(whole, xs)), strict=True):
        np.testing.assert_allclose(a, b, rtol=0.05, atol=0.05)


@checked("tracers")
def test_a_compiled_step_leaves_no_tracer_behind(case, rng):
    import jax

    with use_backend("jax"):
        xs = case.inputs(rng)
        layer, other = built(case, xs), built(case, xs)
        training = {"training": True} if call_signature(type(layer).call).training else {}
        step = CompiledStep(lambda *xs: case.run(layer, xs, **training), lambda: layer.variables)
        compiled = numbers(step(*[ops.convert_to_tensor(x) for x in xs]))
        for one in tracking.walk(layer):
            held = [v for v in vars(one).values() if isinstance(v, jax.core.Tracer)]
            assert not held
            assert all(isinstance(v.own_value, jax.Array) and not isinstance(v.own_value, jax.core.Tracer) for v in one.variables)
        agree(compiled, numbers(case.run(other, xs, **training)))
        agree(numbers([v.value for v in layer.variables]), numbers([v.value for v in other.variables]))
        case.run(layer, xs)


@checked("threads")
def test_it_works_from_another_thread(case, backend, rng):
    xs = case.inputs(rng)
    layer = built(case, xs)
    here, there = numbers(case.run(layer, xs)), []

    def work():
        there.append(case.run(layer, xs))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert there, "the call raised in the other thread"
    agree(numbers(there[0]), here)


@checked("models")
def test_it_works_in_a_functional_model_and_in_a_sequential_one(case, backend, rng):
    xs = case.inputs(rng)
    alone = built(case, xs)
    values = alone.get_weights()
    expected = numbers(case.run(alone, xs))
    layer = case.make()
    entered = entrances(case, xs)
    model = models.Model(entered, case.run(layer, entered))
    layer.set_weights(values)
    agree(numbers(model(list(xs))), expected)
    if len(xs) == 1 and not case.call and len(expected) == 1:
        model = models.Sequential([layers.Input(xs[0].shape[1:], dtype=str(xs[0].dtype)), case.make()])
        model.set_weights(values)
        agree(numbers(model(xs[0])), expected)


@checked("masks")
def test_a_mask_goes_on_or_is_used_or_its_end_is_announced(case):
    if any(len(shape) < 3 for shape in case.shapes) and case.ids is None:
        pytest.skip("a mask says which steps count, and here are none")
    with use_backend("numpy"):
        entered = [layers.Input(shape[1:]) for shape in case.shapes]
        for x, shape in zip(entered, case.shapes, strict=True):
            x.mask = layers.Input(shape[1:2], dtype="bool")
        layer = case.make()
        takes = call_signature(type(layer).call).mask
        speaks = type(layer).compute_mask is not layers.Layer.compute_mask
        if layer.supports_masking or takes or speaks:
            output = tree.flatten(case.run(layer, entered))[0]
            if layer.supports_masking and not speaks:
                assert output.mask is entered[0].mask
        else:
            with pytest.warns(UserWarning, match=layer.name):
                case.run(layer, entered)
