"""Recurrent layers by their formulas, their noise, and the states they carry."""

import numpy as np
import pytest

import cornu
from cornu import layers, models, ops, use_backend
from cornu.errors import ArgumentError, ShapeError
from cornu.layers import Layer
from cornu.ops.recurrent import gru_step
from cornu.state import CompiledStep, set_random_seed

MASK = np.array([[False, True, True, False, True], [True, True, False, False, False]])


def numbers(x):
    return ops.convert_to_numpy(x)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_by_hand(x, h, c, kernel, recurrent, bias, mask, reverse):
    outputs = []
    for t in reversed(range(x.shape[1])) if reverse else range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, -1)
        new_c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        new_h = sigmoid(o) * np.tanh(new_c)
        counts = mask[:, t, None]
        h, c = np.where(counts, new_h, h), np.where(counts, new_c, c)
        outputs.append(h)
    return np.stack(outputs, 1), h, c


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("biased", [False, True])
def test_the_op_lstm(reverse, masked, biased, backend, rng):
    shapes = [(2, 5, 3), (2, 4), (2, 4), (3, 16), (4, 16), (16,)]
    given = [rng.normal(0, 0.5, s).astype("float32") for s in shapes]
    expected = lstm_by_hand(*given[:5], given[5] if biased else 0, MASK if masked else np.ones((2, 5), bool), reverse)
    arrays = [*map(ops.convert_to_tensor, given)]
    found = ops.lstm(*arrays[:5], arrays[5] if biased else None, MASK if masked else None, reverse)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(numbers(a), b, rtol=1e-5, atol=1e-6)


def gru_by_hand(x, h, kernel, recurrent, bias, mask, reverse):
    outputs = []
    for t in reversed(range(x.shape[1])) if reverse else range(x.shape[1]):
        z, past = np.split(x[:, t] @ kernel + bias[0], 3, -1), np.split(h @ recurrent + bias[1], 3, -1)
        u, r = (sigmoid(z[i] + past[i]) for i in (0, 1))
        new = u * h + (1 - u) * np.tanh(z[2] + r * past[2])
        h = np.where(mask[:, t, None], new, h)
        outputs.append(h)
    return np.stack(outputs, 1), h


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("biased", [False, True])
def test_the_op_gru(reverse, masked, biased, backend, rng):
    given = [rng.normal(0, 0.5, s).astype("float32") for s in [(2, 5, 3), (2, 4), (3, 12), (4, 12), (2, 12)]]
    expected = gru_by_hand(*given[:4], given[4] if biased else np.zeros(2), MASK if masked else np.ones((2, 5), bool), reverse)
    arrays = [*map(ops.convert_to_tensor, given)]
    found = ops.gru(*arrays[:4], arrays[4] if biased else None, ops.convert_to_tensor(MASK) if masked else None, reverse)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(numbers(a), b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_compiled_gradients_of_the_op_gru_are_those_of_the_formula(dtype, reverse, masked, biased, trainable_backend, rng):
    shapes = [(2, 5, 3), (2, 4), (3, 12), (4, 12), (2, 12)][: 5 if biased else 4]
    arrays = [cornu.Variable(rng.normal(0, 0.5, s), dtype=dtype) for s in shapes]
    weights = ops.convert_to_tensor(rng.normal(size=(2, 5, 4)).astype(dtype))
    mask = ops.convert_to_tensor(MASK) if masked else None
    formula = ops.gru.__wrapped__

    def slopes(gru):
        def loss():
            given = [v.value for v in arrays]
            outputs, h = gru(*given[:4], given[4] if biased else None, mask, reverse)
            return ops.sum(ops.multiply(outputs, weights)) + ops.sum(h * h), (outputs, h)

        (_, found), gradients = cornu.value_and_grad(loss, arrays)
        return [*found, *gradients]

    found, expected = (CompiledStep(lambda op=op: slopes(op), lambda: arrays)() for op in (ops.gru, formula))
    for a, b in zip(found, expected, strict=True):
        tolerance = 1e-10 if ops.dtype(a) == "float64" else 1e-5  # JAX has 32 bits unless told otherwise
        np.testing.assert_allclose(numbers(a), numbers(b), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_the_compiled_op_gru_in_16_bits(dtype, trainable_backend, rng):
    given = [rng.normal(0, 0.5, s).astype("float32") for s in [(2, 5, 3), (2, 4), (3, 12), (4, 12), (2, 12)]]
    expected = gru_by_hand(*given, MASK, False)
    arrays = [ops.cast(ops.convert_to_tensor(x), dtype) for x in given]
    found = CompiledStep(lambda: ops.gru(*arrays, ops.convert_to_tensor(MASK)), list)()
    for a, b in zip(found, expected, strict=True):
        assert ops.dtype(a) == dtype
        np.testing.assert_allclose(numbers(ops.cast(a, "float32")), b, atol=0.05)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_gradients_of_many_steps_can_be_had_by_every_transform(kind, trainable_backend, rng):
    layer = getattr(layers, kind)(2, return_sequences=True)
    x = ops.convert_to_tensor(rng.normal(size=(2, 65, 3)).astype("float32"))
    layer(x)

    def loss(x):
        return ops.sum(ops.square(layer(x)))

    expected = numbers(cornu.grad(loss)(x))
    np.testing.assert_allclose(numbers(cornu.grad(cornu.remat(loss))(x)), expected, rtol=1e-4, atol=1e-5)
    _, pullback = cornu.vjp(loss, x)[:2]
    np.testing.assert_allclose(numbers(pullback(ops.ones(()))[0]), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_the_penalty_of_a_gradient_has_a_gradient(kind, trainable_backend, rng):
    layer = getattr(layers, kind)(2)
    x = rng.normal(size=(2, 5, 3)).astype("float32")
    layer(x)

    def penalty(x):
        return ops.sum(ops.square(cornu.grad(lambda x: ops.sum(ops.square(layer(x))))(x)))

    step = 1e-2
    way = rng.normal(size=x.shape).astype("float32")
    slope = np.sum(numbers(cornu.jit(cornu.grad(penalty))(ops.convert_to_tensor(x))) * way)
    ahead, behind = (float(numbers(penalty(ops.convert_to_tensor(x + s * step * way)))) for s in (1, -1))
    np.testing.assert_allclose(slope, (ahead - behind) / (2 * step), rtol=0.02, atol=1e-3)


@pytest.mark.parametrize("masked", [False, True])
def test_gradients_of_the_op_gru_are_those_of_its_steps(masked, trainable_backend, rng):
    shapes = [(2, 5, 3), (2, 4), (3, 12), (4, 12), (2, 12)]
    arrays = [cornu.Variable(rng.normal(0, 0.5, s).astype("float32")) for s in shapes]
    weights = rng.normal(size=(2, 5, 4)).astype("float32")
    mask = ops.convert_to_tensor(MASK) if masked else None

    def slopes(gru):
        def loss():
            outputs, h = gru(*(v.value for v in arrays))
            return ops.sum(ops.multiply(outputs, weights)) + ops.sum(h * h), None

        return [numbers(g) for g in cornu.value_and_grad(loss, arrays)[1]]

    def steps(x, h, kernel, recurrent, bias):
        outputs = []
        for t in range(5):
            new = gru_step(x[:, t] @ kernel + bias[0], h @ recurrent + bias[1], h)
            h = new if mask is None else ops.where(mask[:, t][:, None], new, h)
            outputs.append(h)
        return ops.stack(outputs, 1), h

    for a, b in zip(slopes(lambda *xs: ops.gru(*xs, mask)), slopes(steps), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_what_a_masked_step_holds_is_never_seen(kind, backend, rng):
    x = rng.normal(size=(2, 5, 3)).astype("float32")
    mask = np.array([[True, True, False, False, False], [True, True, True, True, False]])
    layer = getattr(layers, kind)(4, return_sequences=True)
    expected = numbers(layer(x, mask=mask))
    np.testing.assert_array_equal(numbers(layer(np.where(mask[..., None], x, np.float32("nan")), mask=mask)), expected)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("settings", [{"return_sequences": True}, {"go_backwards": True, "zero_output_for_mask": True}])
def test_the_layer_is_the_op_and_the_cell_step_by_step(kind, settings, backend, rng):
    x = rng.normal(size=(2, 5, 3)).astype("float32")
    whole = getattr(layers, kind)(4, bias_initializer="normal", return_state=True, **settings)
    steps = layers.RNN(getattr(layers, f"{kind}Cell")(4), return_state=True, **settings)
    for layer in (whole, steps):
        layer.build(x.shape)
    steps.set_weights(whole.get_weights())
    for mask in (None, MASK):
        for a, b in zip(whole(x, mask=mask), steps(x, mask=mask), strict=True):
            np.testing.assert_allclose(numbers(a), numbers(b), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reset_after", [True, False])
def test_the_gated_recurrent_unit(reset_after, backend, rng):
    x = rng.normal(size=(2, 5, 3)).astype("float32")
    gru = layers.GRU(4, reset_after=reset_after, bias_initializer="normal")
    gru.build(x.shape)
    kernel, recurrent, bias = gru.get_weights()
    bias, past_bias = bias if reset_after else (bias, np.zeros(12))
    h = np.zeros((2, 4))
    for t in range(5):
        xz, xr, xg = np.split(x[:, t] @ kernel + bias, 3, -1)
        hz, hr, hg = np.split(h @ recurrent + past_bias, 3, -1)
        z, r = sigmoid(xz + hz), sigmoid(xr + hr)
        g = np.tanh(xg + (r * hg if reset_after else (r * h) @ recurrent[:, 8:]))
        h = z * h + (1 - z) * g
    np.testing.assert_allclose(numbers(gru(x)), h, rtol=1e-5, atol=1e-6)


def test_the_forget_gate_is_open_at_first():
    with use_backend("numpy"):
        for unit, expected in ((True, [0, 1, 0, 0]), (False, [0, 0, 0, 0])):
            lstm = layers.LSTM(2, unit_forget_bias=unit)
            lstm.build((None, 3, 4))
            assert lstm.get_weights()[2].tolist() == np.repeat(expected, 2).tolist()


# ── noise ────────────────────────────────────────────────────────────────────────────────────────────────


def summing(**settings):
    """A layer whose output at each step is the inputs it saw there."""
    layer = layers.SimpleRNN(
        100,
        activation=None,
        use_bias=False,
        kernel_initializer="identity",
        recurrent_initializer="zeros",
        return_sequences=True,
        **settings,
    )
    layer.build((None, None, 100))
    return layer


def test_dropped_inputs_are_the_same_at_all_steps_and_others_each_time(backend):
    layer, x = summing(dropout=0.25, seed=3), np.ones((4, 5, 100), "float32")
    first, second = numbers(layer(x, training=True)), numbers(layer(x, training=True))
    assert {round(float(v), 4) for v in np.unique(first)} == {0.0, round(4 / 3, 4)}
    assert (first == first[:, :1]).all()
    assert (first != second).any()
    assert (first[0] != first[1]).any()
    assert (first == 0).mean() == pytest.approx(0.25, abs=0.06)
    np.testing.assert_array_equal(numbers(layer(x)), x)
    np.testing.assert_array_equal(numbers(summing(dropout=0.25, seed=3)(x, training=True)), first)


def test_dropped_states_are_the_same_at_all_steps(backend):
    layer = layers.SimpleRNN(
        100, activation=None, use_bias=False, kernel_initializer="zeros", recurrent_initializer="identity", recurrent_dropout=0.5, seed=3,
        return_sequences=True,
    )  # fmt: skip
    y = numbers(layer(np.zeros((2, 3, 1), "float32"), initial_state=[np.ones((2, 100), "float32")], training=True))
    # each step doubles what is left, and what was dropped once was dropped at once
    assert set(np.unique(y[:, 0])) == {0.0, 2.0}
    np.testing.assert_array_equal(y[:, 1], 2 * y[:, 0])
    np.testing.assert_array_equal(y[:, 2], 4 * y[:, 0])


@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_what_a_gated_state_carries_on_is_not_dropped(name, backend):
    layer = getattr(layers, name)(50, recurrent_dropout=0.9, seed=1, return_state=True)
    layer.build((None, 3, 2))
    kernel, recurrent, bias = layer.get_weights()
    bias[:] = 0
    if name == "LSTM":
        bias[:50], bias[50:100] = -100, 100  # the input gate is shut, the forget gate open
    else:
        bias[0, :50] = 100  # the update gate keeps the state
    layer.set_weights([kernel * 0, recurrent * 0, bias])
    states = [np.ones((2, 50), "float32")] * len(layer.state_size)
    after = layer(np.zeros((2, 3, 2), "float32"), initial_state=states, training=True)
    np.testing.assert_allclose(numbers(after[-1]), 1.0)


def test_each_stacked_cell_draws_once_for_a_sequence(backend):
    cells = [
        layers.SimpleRNNCell(
            100, activation=None, use_bias=False, kernel_initializer="identity", recurrent_initializer="zeros", dropout=0.5, seed=seed
        )
        for seed in (1, 2)
    ]
    y = numbers(layers.RNN(cells, return_sequences=True)(np.ones((2, 4, 100), "float32"), training=True))
    assert (y == y[:, :1]).all()
    assert set(np.unique(y)) == {0.0, 4.0}


class Forgetful(Layer):
    """A cell of the user's own with a layer inside that draws at each step."""

    state_size = output_size = 100

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dropout = layers.Dropout(0.5, seed=5)

    def call(self, inputs, states, training=False):
        return self.dropout(inputs, training=training), [states[0] + 1]


@pytest.mark.parametrize("compiled", [True, False])
def test_a_cell_may_draw_at_each_step(compiled, trainable_backend):
    layer, x = layers.RNN(Forgetful(), return_sequences=True, return_state=True), np.ones((2, 4, 100), "float32")
    layer(x)
    seed = layer.cell.dropout.seed_generator.state
    start = seed.numpy()

    def run(x):
        return layer(x, training=True)

    step = CompiledStep(run, lambda: layer.variables) if compiled else run
    y, state = (numbers(v) for v in step(ops.convert_to_tensor(x)))
    assert seed.numpy()[1] == start[1] + 4  # one draw for each step
    assert (y[:, 0] != y[:, 1]).any()
    assert set(np.unique(y)) == {0.0, 2.0}
    assert (state == 4).all()
    assert (numbers(step(ops.convert_to_tensor(x))[0]) != y).any()


def test_a_loss_added_within_a_step_is_refused(backend):
    class Greedy(Forgetful):
        def call(self, inputs, states, training=False):
            self.add_loss(ops.sum(inputs))
            return inputs, states

    with pytest.raises(ArgumentError, match="adds losses within a step"):
        layers.RNN(Greedy())(np.ones((2, 4, 100), "float32"))


# ── cells of the user's own ──────────────────────────────────────────────────────────────────────────────


class Pair(Layer):
    """Two running sums; the output is wider than either."""

    state_size = (3, 2)
    output_size = 5

    def call(self, inputs, states):
        a, b = states
        a, b = a + inputs, b + inputs[:, :2]
        return ops.concatenate([a, b], -1), (a, b)


def test_states_with_parts_of_other_lengths_than_the_output(backend, rng):
    x = rng.normal(size=(2, 5, 3)).astype("float32")
    sums = np.concatenate([x, x[..., :2]], -1).cumsum(1)
    outputs, a, b = layers.RNN(Pair(), return_sequences=True, return_state=True)(x)
    np.testing.assert_allclose(numbers(outputs), sums, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.concatenate([numbers(a), numbers(b)], -1), sums[:, -1], rtol=1e-5, atol=1e-6)


def test_masked_outputs_of_such_cells_repeat_the_last_that_counts(backend, rng):
    x = rng.normal(size=(2, 5, 3)).astype("float32")
    counted = np.where(MASK[..., None], np.concatenate([x, x[..., :2]], -1), 0).cumsum(1)  # zeros before the first
    for unroll in (False, True):
        layer = layers.RNN(Pair(), return_sequences=True, unroll=unroll)
        np.testing.assert_allclose(numbers(layer(x, mask=MASK)), counted, rtol=1e-5, atol=1e-6)


def test_a_cell_gives_its_own_first_state(backend):
    class FromOne(Layer):
        state_size = output_size = 1

        def get_initial_state(self, batch_size=None):
            return [ops.ones((batch_size, 1))]

        def call(self, inputs, states):
            return states[0] * inputs, [states[0] * inputs]

    assert numbers(layers.RNN(FromOne())(np.full((2, 3, 1), 2.0, "float32"))).tolist() == [[8.0], [8.0]]


def test_a_cell_may_give_its_only_state_without_a_list(backend):
    class Sum(Layer):
        state_size = 1

        def call(self, inputs, states):
            return states[0] + inputs, states[0] + inputs

    output, state = layers.RNN(Sum(), return_state=True)(np.ones((2, 3, 1), "float32"), mask=MASK[:, :3])
    assert numbers(output).tolist() == numbers(state).tolist() == [[2.0], [2.0]]


# ── states carried from batch to batch ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU", "Bidirectional"])
def test_a_stateful_layer_goes_on_where_the_batch_before_ended(name, backend, rng):
    x = rng.normal(size=(2, 6, 3)).astype("float32")
    if name == "Bidirectional":
        layer, one = (layers.Bidirectional(layers.GRU(2, stateful=kept)) for kept in (True, False))
    else:
        layer, one = (getattr(layers, name)(2, stateful=kept) for kept in (True, False))
    layer(x[:, :3])
    one(x)
    one.set_weights(layer.get_weights())
    if name != "Bidirectional":
        np.testing.assert_allclose(numbers(layer(x[:, 3:])), numbers(one(x)), rtol=1e-5, atol=1e-6)
    layer.reset_state()
    assert not any(s.numpy().any() for s in layer.states)
    np.testing.assert_allclose(numbers(layer(x)), numbers(one(x)), rtol=1e-5, atol=1e-6)


def test_carried_states_are_variables_and_no_weights(backend):
    layer = layers.LSTM(2, stateful=True)
    layer.build((4, 3, 5))
    assert [v.name for v in layer.weights] == ["kernel", "recurrent_kernel", "bias"]
    assert [v.shape for v in layer.states] == [(4, 2), (4, 2)]
    assert all(any(v is s for v in layer.non_trainable_variables) for s in layer.states)
    assert layers.LSTM(2).states is None


def test_a_stateful_model_trains_and_predicts_in_compiled_steps(trainable_backend, rng):
    x, y = rng.normal(size=(4, 3, 2)).astype("float32"), rng.normal(size=(4, 3)).astype("float32")
    lstm = layers.LSTM(3, stateful=True)
    model = models.Sequential([layers.Input((3, 2), batch_size=2), lstm])
    assert not any(s.numpy().any() for s in lstm.states)  # shapes alone carry nothing
    model.compile(optimizer=cornu.optimizers.SGD(0.1), loss="mse")
    model.fit(x, y, batch_size=2, epochs=2, shuffle=False, verbose=0)
    lstm.reset_state()
    predicted = model.predict(x, batch_size=2, verbose=0)
    free = layers.LSTM(3)
    free.build((None, 6, 2))
    free.set_weights(lstm.get_weights())
    long = numbers(free(np.concatenate([x[:2], x[2:]], 1)))
    np.testing.assert_allclose(predicted[2:], long, rtol=1e-5, atol=1e-6)


def test_a_stateful_layer_needs_the_batch_size():
    with use_backend("numpy"), pytest.raises(ShapeError, match="needs a known batch size, got None"):
        layers.GRU(2, stateful=True)(layers.Input((3, 2)))


@pytest.mark.parametrize("name", ["LSTM", "GRU", "SimpleRNN"])
def test_a_stateful_layer_takes_batches_of_its_size_alone(name, backend):
    layer = getattr(layers, name)(2, stateful=True)
    layer(np.zeros((4, 3, 2), "float32"))
    for rows in (3, 8):
        with pytest.raises(ShapeError, match=f"keeps states for 4 samples, got a batch of {rows}"):
            layer(np.zeros((rows, 3, 2), "float32"))


def test_states_of_other_sizes_never_reach_a_kernel(backend):
    """PyTorch's reads them as if they had the size of the batch."""
    layer = layers.LSTM(2)
    with pytest.raises((ShapeError, TypeError, ValueError)):
        layer(np.zeros((64, 3, 2), "float32"), initial_state=[np.zeros((5, 2), "float32"), np.zeros((5, 2), "float32")])


def test_files_hold_the_weights_of_a_stateful_model_and_not_its_states(tmp_path, rng):
    with use_backend("jax"):
        x = rng.normal(size=(2, 3, 2)).astype("float32")
        model = models.Sequential(
            [layers.Input((3, 2), batch_size=2), layers.Bidirectional(layers.LSTM(3, stateful=True)), layers.Dense(1)]
        )
        first = numbers(model(x))
        model.save(tmp_path / "model.keras")
        again = cornu.models.load_model(tmp_path / "model.keras")
        np.testing.assert_allclose(numbers(again(x)), first, rtol=1e-6)


# ── wrappers ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("merge_mode", ["concat", "sum", "mul", "ave", None])
def test_both_ways(merge_mode, backend, rng):
    x = rng.normal(size=(2, 5, 3)).astype("float32")
    both = layers.Bidirectional(layers.GRU(2, return_sequences=True), merge_mode=merge_mode)
    outputs = both(x)
    there, back = layers.GRU(2, return_sequences=True), layers.GRU(2, return_sequences=True)
    for layer, source in ((there, both.forward_layer), (back, both.backward_layer)):
        layer.build(x.shape)
        layer.set_weights(source.get_weights())
    a, b = numbers(there(x)), numbers(back(x[:, ::-1].copy()))[:, ::-1]
    merged = {"concat": np.concatenate([a, b], -1), "sum": a + b, "mul": a * b, "ave": (a + b) / 2, None: (a, b)}[merge_mode]
    for found, expected in zip(outputs if merge_mode is None else [outputs], merged if merge_mode is None else [merged], strict=True):
        np.testing.assert_allclose(numbers(found), expected, rtol=1e-5, atol=1e-6)


def test_the_two_ways_have_weights_and_names_of_their_own():
    with use_backend("numpy"):
        set_random_seed(1)
        given = layers.LSTM(2, name="reader")
        both = layers.Bidirectional(given, name="both")
        both.build((None, 3, 4))
        parts = [(way, weight) for way in ("forward", "backward") for weight in ("kernel", "recurrent_kernel", "bias")]
        assert [w.path for w in both.weights] == [f"both/{way}_reader/lstm_cell/{weight}" for way, weight in parts]
        assert not np.array_equal(both.get_weights()[0], both.get_weights()[3])
        assert not given.built


def test_a_cell_of_the_users_own_runs_both_ways_without_being_registered(backend, rng):
    x = rng.normal(size=(2, 5, 3)).astype("float32")
    both = layers.Bidirectional(layers.RNN(Pair()))
    expected = np.concatenate([x, x[..., :2]], -1).sum(1)
    np.testing.assert_allclose(numbers(both(x)), np.concatenate([expected, expected], -1), rtol=1e-5, atol=1e-6)
    assert both.forward_layer.cell is not both.backward_layer.cell


def test_given_weights_and_frozen_ones():
    with use_backend("numpy"):
        values = [np.full(s, i, "float32") for i, s in enumerate([(4, 2), (2, 2), (2,)] * 2)]
        both = layers.Bidirectional(layers.SimpleRNN(2), weights=values, trainable=False)
        both.build((None, 3, 4))
        assert [w.tolist() for w in both.get_weights()] == [v.tolist() for v in values]
        assert both.trainable_variables == []
        for layer in (layers.LSTM(2, trainable=False), layers.TimeDistributed(layers.Dense(2), trainable=False)):
            layer.build((None, 3, 4))
            assert len(layer.weights) >= 2
            assert layer.trainable_variables == []


def test_layers_without_a_build_of_their_own_are_built_within_others():
    class Twice(Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = layers.Dense(2)

        def call(self, inputs):
            return self.dense(inputs) * 2.0

    class Step(Layer):
        state_size = 2

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.twice = Twice()

        def call(self, inputs, states):
            return self.twice(inputs) + states[0], [states[0]]

    with use_backend("jax"):
        wrapper = layers.TimeDistributed(Twice())
        wrapper.build((None, 3, 4))
        assert [w.shape for w in wrapper.weights] == [(4, 2), (2,)]
        for layer in (layers.RNN(Step()), layers.Bidirectional(layers.RNN(Step()))):
            x = np.ones((2, 3, 4), "float32")
            first = numbers(layer(x))
            np.testing.assert_array_equal(numbers(layer(x)), first)
            assert {w.shape for w in layer.weights} == {(4, 2), (2,)}


def test_one_layer_for_all_steps(backend, rng):
    x = rng.normal(size=(2, 5, 3, 3, 1)).astype("float32")
    layer = layers.TimeDistributed(layers.Conv2D(2, 2))
    y = numbers(layer(x))
    assert y.shape == (2, 5, 2, 2, 2)
    for t in range(5):
        np.testing.assert_allclose(y[:, t], numbers(layer.layer(x[:, t])), rtol=1e-5, atol=1e-6)


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────

X = np.ones((2, 3, 4), "float32")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.LSTM(0), "units must be a whole number of at least 1, got 0"),
        (lambda: layers.GRU(2, dropout=1.0), "dropout must be at least 0 and below 1, got 1.0"),
        (lambda: layers.SimpleRNN(2, recurrent_dropout=-1), "recurrent_dropout must be"),
        (lambda: layers.LSTM(2, use_cudnn=True, unroll=True), "use_cudnn=True demands"),
        (lambda: layers.GRU(2, use_cudnn="maybe"), "use_cudnn must be"),
        (lambda: layers.RNN(layers.Dense(2)), "runs a cell"),
        (lambda: layers.RNN([]), "at least one cell"),
        (lambda: layers.StackedRNNCells([3]), "takes a list of cells"),
        (lambda: layers.LSTM(2, return_sequence=True), "did you mean 'return_sequences'"),
        (lambda: layers.Bidirectional(layers.Dense(2)), "takes a recurrent layer"),
        (lambda: layers.Bidirectional(layers.GRU(2), merge_mode="max"), "merge_mode must be one of"),
        (lambda: layers.Bidirectional(layers.GRU(2), backward_layer=layers.GRU(2)), "opposite directions"),
        (
            lambda: layers.Bidirectional(layers.GRU(2), backward_layer=layers.GRU(2, go_backwards=True, return_sequences=True)),
            "the same return_sequences, got False and True",
        ),
        (lambda: layers.TimeDistributed("dense"), "wraps a layer"),
        (lambda: layers.TimeDistributed(layers.Dense(2))(X[0]), "with at least 3 axes"),
        (lambda: layers.LSTM(2)(X[0]), "Add the missing axis"),
        (lambda: layers.LSTM(2).build((None, 3, None)), "known lengths along the axes"),
        (lambda: layers.RNN(layers.LSTMCell(2))(X[0]), "takes sequences"),
        (
            lambda: layers.LSTM(2)(X, initial_state=[np.ones((2, 2), "float32")]),
            r"2 part\(s\), so initial_state must be a list of as many, got 1",
        ),
        (lambda: layers.Bidirectional(layers.GRU(2))(X, initial_state=[np.ones((2, 2), "float32")]), "as many states for each direction"),
    ],
)
def test_what_cannot_be_is_refused_in_words(make, words, backend):
    with pytest.raises((ArgumentError, ShapeError), match=words):
        make()


def test_other_features_than_built_for_are_refused(backend):
    layer = layers.GRU(2)
    layer(X)
    with pytest.raises(ShapeError, match="last axis has length 4"):
        layer(X[..., :3])


def test_what_the_layer_was_told_about_its_cell_can_be_read():
    layer = layers.GRU(2, reset_after=False, dropout=0.5)
    assert (layer.units, layer.reset_after, layer.dropout, layer.activation.__name__) == (2, False, 0.5, "tanh")
    with pytest.raises(AttributeError, match="'GRU' object has no attribute 'unit'"):
        _ = layer.unit


@pytest.mark.parametrize("kind", [layers.SimpleRNNCell, layers.LSTMCell, layers.GRUCell])
def test_a_cell_s_own_call_is_what_a_step_is(backend, kind, rng):
    class Doubled(kind):
        def call(self, inputs, states, training=False):
            output, states = super().call(inputs, states, training=training)
            return 2 * output, states

    x = rng.normal(size=(2, 4, 3)).astype("float32")
    for cell in (Doubled(2), layers.StackedRNNCells([layers.GRUCell(3), Doubled(2)])):
        outputs = ops.convert_to_numpy(layers.RNN(cell, return_sequences=True)(x))
        states = cell.get_initial_state(2)
        for t in range(4):
            output, states = cell(x[:, t], states)
            np.testing.assert_allclose(outputs[:, t], ops.convert_to_numpy(output), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", [layers.LSTM, layers.GRU])
def test_the_derivative_in_a_direction_of_many_steps(make, trainable_backend, rng):
    layer, x, v = make(3), rng.normal(size=(2, 70, 4)).astype("float32"), rng.normal(size=(2, 70, 4)).astype("float32")
    layer(x)
    _, slope = cornu.jvp(layer, (ops.convert_to_tensor(x),), (ops.convert_to_tensor(v),))
    ahead, behind = (ops.convert_to_numpy(layer(x + e * v)).astype("float64") for e in (1e-2, -1e-2))
    np.testing.assert_allclose(ops.convert_to_numpy(slope), (ahead - behind) / 2e-2, rtol=2e-3, atol=1e-3)
