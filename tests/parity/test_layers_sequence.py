"""Look-ups, merges and recurrent layers against the real Keras, given the same weights and the same inputs."""

import copy
import inspect
import json

import numpy as np
import pytest

pytestmark = [pytest.mark.parity, pytest.mark.usefixtures("on_jax")]

from cornu import layers, ops, serialization, tree  # noqa: E402
from cornu.state import CompiledStep, Variable, value_and_grad  # noqa: E402
from tests.layers.cases import SEQUENCE_CASES, Inner, case, inner, made  # noqa: E402

NAMES = sorted({c.layer for c in SEQUENCE_CASES} | {"GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells", "Wrapper"})
FUNCTIONS = ["add", "average", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract"]
MASK = np.array([[False, True, True, False, True, True], [True, True, True, False, False, False]])
SEQUENCE = (2, 6, 4)


@pytest.mark.parametrize("name", [*NAMES, *FUNCTIONS])
def test_it_takes_the_same_arguments_with_the_same_defaults(keras, name):
    def arguments(thing):
        parameters = list(inspect.signature(thing.__init__ if inspect.isclass(thing) else thing).parameters.values())
        return [(p.name, p.kind, p.default) for p in parameters if p.name != "self"]

    assert arguments(getattr(layers, name)) == arguments(getattr(keras.layers, name))


def pair(keras, case, xs):
    """Our layer and Keras's, with the same weights."""
    ours, theirs = case.make(), Inner(case.layer, case.arguments).make(keras.layers)
    for layer, module in ((ours, layers), (theirs, keras)):
        case.run(layer, [module.Input(batch_shape=x.shape, dtype=str(x.dtype)) for x in xs])
    rng = np.random.default_rng(5)
    values = [rng.normal(0, 0.5, w.shape).astype(w.dtype) for w in ours.get_weights()]
    ours.set_weights(values)
    theirs.set_weights(values)
    return ours, theirs


def probes(outputs):
    rng = np.random.default_rng(6)
    return [rng.standard_normal(y.shape).astype("float32") for y in tree.flatten(outputs)]


def of_keras(case, layer, xs, call):
    """Outputs, then gradients for the weights and float inputs, by JAX's own transform of Keras's stateless call."""
    import jax

    floats = [i for i, x in enumerate(xs) if x.dtype == np.float32]

    def loss(weights, moved):
        given = [moved[floats.index(i)] if i in floats else x for i, x in enumerate(xs)]
        inputs = given if case.separate or len(given) == 1 else [given]
        outputs, _ = layer.stateless_call(weights, [v.value for v in layer.non_trainable_variables], *inputs, **case.call, **call)
        outputs = jax.tree_util.tree_leaves(outputs)
        return sum((y * p).sum() for y, p in zip(outputs, probes(outputs), strict=True)), outputs

    weights = [v.value for v in layer.trainable_variables]
    (_, outputs), gradients = jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))(weights, [xs[i] for i in floats])
    return [np.asarray(v) for v in jax.tree_util.tree_leaves((outputs, gradients))]


def of_ours(case, layer, xs, call):
    entered = [Variable(x) if x.dtype == np.float32 else x for x in xs]
    floats = [x for x in entered if isinstance(x, Variable)]

    def loss():
        given = [x.value if isinstance(x, Variable) else ops.convert_to_tensor(x) for x in entered]
        outputs = tree.flatten(case.run(layer, given, **call))
        total = 0.0
        for y, p in zip(outputs, probes(outputs), strict=True):
            total = ops.add(total, ops.sum(ops.multiply(y, p)))
        return total, outputs

    def step():
        (_, outputs), gradients = value_and_grad(loss, [*layer.trainable_variables, *floats])
        return [*outputs, *gradients]

    return [ops.convert_to_numpy(v) for v in CompiledStep(step, lambda: [*floats, *layer.variables])()]


def compare(keras, case, rng, **call):
    xs = case.inputs(rng)
    ours, theirs = pair(keras, case, xs)
    assert [(w.name, tuple(w.shape), w.trainable) for w in ours.weights] == [(w.name, tuple(w.shape), w.trainable) for w in theirs.weights]
    assert [plain_path(w.path) for w in ours.weights] == [plain_path(w.path) for w in theirs.weights]
    for a, b in zip(of_ours(case, ours, xs, call), of_keras(case, theirs, xs, call), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def plain_path(path):
    """A weight's path without the numbers of names."""
    return ["".join(c for c in part if not c.isdigit()).rstrip("_") for part in path.split("/")]


@pytest.mark.parametrize("case", SEQUENCE_CASES, ids=str)
def test_outputs_gradients_and_weights_are_those_of_keras(keras, case, rng):
    compare(keras, case, rng)


MASKED = [
    ("SimpleRNN", {"return_sequences": True}),
    ("SimpleRNN", {"unroll": True, "return_sequences": True}),
    ("LSTM", {"return_sequences": True}),
    ("LSTM", {"return_state": True, "go_backwards": True}),
    ("LSTM", {"return_sequences": True, "zero_output_for_mask": True, "go_backwards": True}),
    ("LSTM", {"recurrent_activation": "hard_sigmoid", "return_state": True}),
    ("GRU", {"return_sequences": True, "zero_output_for_mask": True}),
    ("GRU", {"reset_after": False, "zero_output_for_mask": True}),
]


@pytest.mark.parametrize(("name", "settings"), MASKED, ids=str)
def test_masked_steps_are_left_out_as_in_keras(keras, name, settings, rng):
    compare(keras, case(name, SEQUENCE, units=3, **settings), rng, mask=MASK)


@pytest.mark.parametrize(("merge_mode", "all_steps"), [("concat", False), ("sum", True), (None, True)])
def test_both_ways_over_masked_sequences(keras, merge_mode, all_steps, rng):
    one = case("Bidirectional", SEQUENCE, layer=inner("LSTM", units=3, return_sequences=all_steps), merge_mode=merge_mode)
    compare(keras, one, rng, mask=MASK)


def test_stacked_cells_over_masked_sequences(keras, rng):
    stack = [inner("LSTMCell", units=3), inner("GRUCell", units=2)]
    xs = case("RNN", SEQUENCE).inputs(rng)
    one = case("RNN", SEQUENCE, cell=stack)
    ours, theirs = pair(keras, one, xs)
    # The state is compared, as Keras lets the first cell's state stand for the output of masked steps, whatever its length.
    ours.return_state = True
    after = tree.flatten(ours(xs[0], mask=MASK)[1:])
    expected = [np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 2))]
    for row in range(2):
        alone = case("RNN", SEQUENCE, cell=stack, return_state=True).make()
        alone(xs[0])
        alone.set_weights(ours.get_weights())
        short = tree.flatten(alone(xs[0][row : row + 1, MASK[row]])[1:])
        for state, value in zip(expected, short, strict=True):
            state[row] = value[0]
    for a, b in zip(after, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert theirs(xs[0]).shape == (2, 2)


@pytest.mark.parametrize(("name", "parts"), [("SimpleRNN", 1), ("LSTM", 2), ("GRU", 1), ("Bidirectional", 2)])
def test_states_to_begin_with(keras, name, parts, rng):
    settings = {"layer": inner("GRU", units=3)} if name == "Bidirectional" else {"units": 3, "return_state": True}
    compare(keras, case(name, SEQUENCE, **settings), rng, initial_state=[rng.normal(size=(2, 3)).astype("float32") for _ in range(parts)])


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_stateful_layers_go_on_where_they_ended(keras, name, rng):
    one = case(name, SEQUENCE, units=3, stateful=True)
    first, second = one.inputs(rng), one.inputs(rng)
    ours, theirs = pair(keras, one, first)
    ours.reset_state()
    theirs.reset_state()
    for x in (first[0], second[0]):
        np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-5, atol=1e-6)
    for a, b in zip(ours.states, theirs.states, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-6)
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]


def test_keras_takes_states_of_stateful_layers_from_the_same_zeros(keras, rng):
    one = case("LSTM", SEQUENCE, units=3, stateful=True)
    ours, theirs = pair(keras, one, one.inputs(rng))
    ours.reset_state()
    theirs.reset_state()
    assert [s.numpy().tolist() for s in ours.states] == [s.numpy().tolist() for s in theirs.states]


@pytest.mark.parametrize("name", ["SimpleRNNCell", "LSTMCell", "GRUCell"])
def test_a_cell_alone(keras, name, rng):
    x = rng.normal(size=(2, 4)).astype("float32")
    ours, theirs = getattr(layers, name)(3, bias_initializer="normal"), getattr(keras.layers, name)(3)
    states = [rng.normal(size=(2, 3)).astype("float32") for _ in tree.flatten(ours.state_size)]
    ours(x, states)
    theirs(x, states)
    theirs.set_weights(ours.get_weights())
    for a, b in zip(tree.flatten(ours(x, states)), tree.flatten(theirs(x, states)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert (ours.state_size, ours.output_size) == (theirs.state_size, theirs.output_size)


@pytest.mark.parametrize("cells", [("LSTMCell", "GRUCell"), ("GRUCell", "SimpleRNNCell")])
def test_states_of_stacked_cells_come_in_a_list_for_each(keras, cells, rng):
    x = rng.normal(size=(2, 3, 4)).astype("float32")
    ours, theirs = (m.RNN([getattr(m, name)(3) for name in cells], return_state=True) for m in (layers, keras.layers))
    a, b = ours(x), theirs(x)
    theirs.set_weights(ours.get_weights())
    bare = [state[0] if len(state) == 1 else state for state in b[1:]]
    for given in (None, list(a[1:]), bare):
        found, expected = ours(x, initial_state=given), theirs(x, initial_state=given)
        assert tree.map_structure(np.shape, found) == tree.map_structure(np.shape, expected)
        for one, other in zip(tree.flatten(found), tree.flatten(expected), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_stacked_cells_tell_their_sizes_and_first_states(keras):
    cells = {"cells": [inner("LSTMCell", units=2), inner("GRUCell", units=3)]}
    ours, theirs = layers.StackedRNNCells(**made(cells)), keras.layers.StackedRNNCells(**made(cells, keras.layers))
    assert (ours.state_size, ours.output_size) == (theirs.state_size, theirs.output_size)
    a, b = ours.get_initial_state(2), theirs.get_initial_state(2)
    assert tree.map_structure(np.shape, a) == tree.map_structure(np.shape, b)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_that_merge(keras, name, rng):
    xs = [rng.normal(size=(2, 3, 4)).astype("float32") for _ in range(2)]
    np.testing.assert_allclose(getattr(layers, name)(xs), getattr(keras.layers, name)(xs), rtol=1e-5, atol=1e-6)


def test_whole_numbers_are_merged_to_the_same_dtypes(keras):
    xs = [np.ones((2, 3), "int32")] * 2
    for name in ("Add", "Average", "Multiply", "Maximum", "Subtract", "Concatenate"):
        ours, theirs = getattr(layers, name)()(xs), getattr(keras.layers, name)()(xs)
        assert (name, ops.dtype(ours)) == (name, str(theirs.dtype))


def plain(config):
    """What a configuration says: without names, which are numbered, and without arguments that are None, which Keras may leave out."""
    if isinstance(config, dict) and config.get("class_name") == "DTypePolicy":
        return config["config"]["name"]
    if isinstance(config, dict):
        return {k: plain(v) for k, v in config.items() if k != "name" and v is not None}
    return [plain(v) for v in config] if isinstance(config, (list, tuple)) else config


@pytest.mark.parametrize("case", SEQUENCE_CASES, ids=str)
def test_keras_reads_our_configuration_and_writes_it_likewise(keras, case):
    ours = json.loads(json.dumps(serialization.serialize(case.make())))
    theirs = json.loads(json.dumps(keras.saving.serialize_keras_object(keras.saving.deserialize_keras_object(copy.deepcopy(ours)))))
    again = json.loads(json.dumps(serialization.serialize(serialization.deserialize(theirs))))
    assert plain(theirs["config"]) == plain(ours["config"])
    assert plain(again["config"]) == plain(ours["config"])
    assert (theirs["module"], theirs["class_name"]) == (ours["module"], ours["class_name"])
