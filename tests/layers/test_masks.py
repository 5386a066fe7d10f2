"""Masks on their way: laid by Embedding and Masking, kept by elementwise work, used by recurrent layers, poolings and losses."""

import gc
import warnings

import numpy as np
import pytest

import cornu
from cornu import layers, models, ops, tree, use_backend
from cornu.layers import Layer
from cornu.layers.context import kept_masks
from cornu.layers.signature import call_signature
from cornu.state import set_random_seed
from tests.layers.cases import CASES

IDS = np.array([[3, 1, 0, 0], [2, 0, 0, 0], [1, 2, 3, 1]])
LENGTHS = [2, 1, 4]


def numbers(x):
    return ops.convert_to_numpy(x)


def last_states(lstm, embedding, rows=IDS):
    """What the recurrent layer gives for each row alone, cut to the steps that count: no mask is in play."""
    return np.concatenate([numbers(lstm(numbers(embedding(row[None, :n])))) for row, n in zip(rows, LENGTHS, strict=True)])


def embedding():
    return layers.Embedding(4, 3, mask_zero=True, embeddings_initializer="normal")


def test_through_a_sequential(backend):
    table, lstm = embedding(), layers.LSTM(2)
    model = models.Sequential(
        [layers.Input((4,), dtype="int32"), table, layers.Dense(3), layers.Dropout(0.5), layers.Activation("tanh"), lstm]
    )
    _, dense, _, activation, _ = model.layers

    def alone(ids):
        return activation(dense(table(ids)))

    np.testing.assert_allclose(numbers(model(IDS)), last_states(lstm, alone), atol=1e-6)


def test_through_a_functional_model(backend):
    ids = layers.Input((None,), dtype="int32")
    table, lstm = embedding(), layers.LSTM(2)
    model = models.Model(ids, lstm(table(ids) * 2.0 + 1.0))
    np.testing.assert_allclose(numbers(model(IDS)), last_states(lstm, lambda row: table(row) * 2.0 + 1.0), atol=1e-6)
    again = models.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(numbers(again(IDS)), numbers(model(IDS)))


def test_through_a_subclassed_model(backend):
    class Reader(models.Model):
        def __init__(self):
            super().__init__()
            self.table, self.dense, self.lstm = embedding(), layers.Dense(3), layers.LSTM(2)

        def call(self, ids):
            return self.lstm(self.dense(self.table(ids)))

    model = Reader()
    np.testing.assert_allclose(numbers(model(IDS)), last_states(model.lstm, lambda row: model.dense(model.table(row))), atol=1e-6)


def test_a_nested_model_gets_the_mask_of_its_input(backend):
    x = layers.Input((None, 3))
    lstm = layers.LSTM(2)
    inside = models.Model(x, lstm(layers.Dense(3)(x)))
    ids, table = layers.Input((None,), dtype="int32"), embedding()
    model = models.Model(ids, inside(table(ids)))
    dense = inside.layers[1]
    np.testing.assert_allclose(numbers(model(IDS)), last_states(lstm, lambda row: dense(table(row))), atol=1e-6)


def test_a_nested_model_hands_its_own_mask_out(backend):
    ids, table = layers.Input((None,), dtype="int32"), embedding()
    inside = models.Model(ids, layers.Dense(3)(table(ids)))
    lstm, outer = layers.LSTM(2), layers.Input((None,), dtype="int32")
    model = models.Model(outer, lstm(inside(outer)))
    np.testing.assert_allclose(numbers(model(IDS)), last_states(lstm, inside), atol=1e-6)


def test_a_nested_sequential_in_a_subclassed_model(backend):
    class Reader(models.Model):
        def __init__(self):
            super().__init__()
            self.front = models.Sequential([layers.Input((None,), dtype="int32"), embedding(), layers.Dense(3)])
            self.lstm = layers.LSTM(2)

        def call(self, ids):
            return self.lstm(self.front(ids))

    model = Reader()
    np.testing.assert_allclose(numbers(model(IDS)), last_states(model.lstm, model.front), atol=1e-6)


def test_stacked_recurrent_layers_and_both_ways(backend):
    table, first, second = embedding(), layers.GRU(3, return_sequences=True), layers.Bidirectional(layers.LSTM(2))
    model = models.Sequential([layers.Input((None,), dtype="int32"), table, first, second])
    np.testing.assert_allclose(numbers(model(IDS)), last_states(second, lambda row: first(table(row))), atol=1e-6)


def test_backwards_sequences_have_their_mask_turned(backend):
    table, first, second = embedding(), layers.GRU(3, return_sequences=True, go_backwards=True), layers.GRU(2)
    model = models.Sequential([layers.Input((None,), dtype="int32"), table, first, second])
    np.testing.assert_allclose(numbers(model(IDS)), last_states(second, lambda row: first(table(row))), atol=1e-6)


def test_masking_leaves_out_steps_of_one_value(backend, rng):
    x = rng.normal(size=(2, 5, 3)).astype("float32")
    x[0, 3:], x[1, 1:] = -1.0, -1.0
    lstm = layers.SimpleRNN(2)
    model = models.Sequential([layers.Input((5, 3)), layers.Masking(-1.0), lstm])
    alone = np.concatenate([numbers(lstm(x[:1, :3])), numbers(lstm(x[1:, :1]))])
    np.testing.assert_allclose(numbers(model(x)), alone, atol=1e-6)


def test_pooling_averages_what_counts(backend):
    table = embedding()
    model = models.Sequential([layers.Input((4,), dtype="int32"), table, layers.GlobalAveragePooling1D()])
    means = np.stack([numbers(table(row[None, :n]))[0].mean(0) for row, n in zip(IDS, LENGTHS, strict=True)])
    np.testing.assert_allclose(numbers(model(IDS)), means, atol=1e-6)


def test_inputs_given_by_name_bring_their_masks(backend):
    class Named(models.Model):
        def __init__(self, table, attend, reader):
            super().__init__()
            self.table, self.attend, self.reader = table, attend, reader

        def call(self, ids):
            x = self.table(inputs=ids)
            return self.reader(sequences=self.attend(query=x, value=x))

    table, attend, reader = embedding(), layers.MultiHeadAttention(1, 2), layers.GRU(2)
    ids = layers.Input((4,), dtype="int32")
    h = table(ids)
    named = models.Model(ids, reader(sequences=attend(query=h, value=h)))
    means = models.Model(ids, layers.GlobalAveragePooling1D()(inputs=h))
    alone = last_states(reader, lambda row: attend(table(row), table(row)))
    np.testing.assert_allclose(numbers(named(IDS)), alone, atol=1e-6)
    np.testing.assert_allclose(numbers(Named(table, attend, reader)(IDS)), alone, atol=1e-6)
    expected = np.stack([numbers(table(row[None, :n]))[0].mean(0) for row, n in zip(IDS, LENGTHS, strict=True)])
    np.testing.assert_allclose(numbers(means(IDS)), expected, atol=1e-6)


def test_masks_go_from_one_outermost_call_to_the_next(backend):
    table, dense, lstm = embedding(), layers.Dense(3), layers.LSTM(2)
    alone = last_states(lstm, lambda row: dense(table(row)))
    np.testing.assert_allclose(numbers(lstm(dense(table(IDS)))), alone, atol=1e-6)
    np.testing.assert_allclose(numbers(lstm(sequences=models.Sequential([table, dense])(IDS))), alone, atol=1e-6)


def test_masks_are_kept_for_as_long_as_what_they_mask(backend):
    gc.collect()
    before = len(kept_masks)
    x = embedding()(IDS)
    assert len(kept_masks) == before + 1
    del x
    gc.collect()
    assert len(kept_masks) == before


A, B = np.array([[True, True, False]]), np.array([[True, False, False]])


def masked_inputs(*masks, shape=(3, 2)):
    entered = [layers.Input(shape) for _ in masks]
    for x, mask in zip(entered, masks, strict=True):
        if mask is not None:
            x.mask = layers.Input((3,), dtype="bool")
    return entered


@pytest.mark.parametrize("name", ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"])
def test_merged_steps_count_where_all_masks_hold(name, backend, rng):
    x, y = rng.normal(size=(2, 1, 3, 2)).astype("float32")
    layer = getattr(layers, name)()
    assert numbers(layer.compute_mask([x, y], [A, B])).tolist() == (A & B).tolist()
    # an input without a mask counts everywhere: what is padding in the other one stays padding
    assert numbers(layer.compute_mask([x, y], [A, None])).tolist() == A.tolist()
    assert layer.compute_mask([x, y], [None, None]) is None
    assert layer.compute_mask([x, y], None) is None


def test_a_residual_connection_keeps_the_mask(backend):
    ids, table = layers.Input((4,), dtype="int32"), embedding()
    x = table(ids)
    inner, lstm = layers.Dense(3), layers.LSTM(2)
    model = models.Model(ids, lstm(layers.Add()([x, inner(x)])))

    def alone(row):
        x = table(row)
        return x + inner(x)

    np.testing.assert_allclose(numbers(model(IDS)), last_states(lstm, alone), atol=1e-6)


def test_joined_in_time_masks_are_joined(backend, rng):
    x, y = rng.normal(size=(2, 1, 3, 2)).astype("float32")
    layer = layers.Concatenate(axis=1)
    assert numbers(layer.compute_mask([x, y], [A, B])).tolist() == [[True, True, False, True, False, False]]
    assert numbers(layer.compute_mask([x, y], [None, B])).tolist() == [[True, True, True, True, False, False]]
    assert layers.Dot(1).compute_mask([x, y], [A, B]) is None


def test_a_mask_of_samples_speaks_for_their_steps(backend, rng):
    x, y = rng.normal(size=(2, 3, 2)).astype("float32"), rng.normal(size=(2, 2)).astype("float32")
    of_steps, of_samples = np.array([[True, True, False]] * 2), np.array([True, False])
    mask = layers.Add().compute_mask([x, y], [of_steps, of_samples])
    assert numbers(mask).tolist() == [[True, True, False], [False, False, False]]


@pytest.mark.parametrize("merge_mode", ["concat", None])
def test_outputs_beside_states_have_masks_and_states_none(merge_mode, backend):
    masked = layers.Masking()(layers.Input((4, 3)))
    wanted = {"return_sequences": True, "return_state": True}
    lstm = layers.LSTM(2, **wanted)(masked)
    both = layers.Bidirectional(layers.GRU(2, **wanted), merge_mode=merge_mode)(masked)
    count = 1 if merge_mode else 2
    assert [y.mask is None for y in lstm] == [False, True, True]
    assert [y.mask is None for y in both] == [False] * count + [True, True]
    assert layers.LSTM(2)(masked).mask is None


def test_each_step_of_a_hierarchy_has_its_own_mask(backend):
    words = np.array([[[1, 2, 0], [3, 0, 0]], [[2, 1, 1], [0, 0, 0]]])
    table, reader = embedding(), layers.LSTM(2)
    ids = layers.Input((2, 3), dtype="int32")
    per_sentence = layers.TimeDistributed(reader)(layers.TimeDistributed(table)(ids))
    model = models.Model(ids, [per_sentence, layers.GRU(2)(per_sentence)])
    sentences, _ = model(words)
    alone = np.stack(
        [numbers(reader(numbers(table(row[None, :n]))))[0] for row, n in ((words[0, 0], 2), (words[0, 1], 1), (words[1, 0], 3))]
    )
    np.testing.assert_allclose(numbers(sentences).reshape(4, 2)[:3], alone, atol=1e-6)
    # a sentence without words is padding for what comes after
    assert per_sentence.mask.shape == (None, 2)
    mask = models.Model(ids, ops.cast(per_sentence.mask, "float32"))
    assert numbers(mask(words)).tolist() == [[1.0, 1.0], [1.0, 0.0]]


def test_elementwise_ops_and_layers_keep_masks(backend):
    x = layers.Masking()(layers.Input((4, 3)))
    for y in (
        x + 1.0,
        ops.tanh(x),
        ops.relu(-x),
        x * x,
        ops.where(x > 0, x, 0.0),
        layers.ReLU()(x),
        layers.Dropout(0.5)(x),
        layers.Dense(2)(x),
    ):
        assert y.mask is x.mask


def test_a_layer_that_drops_a_mask_says_so_once_by_name(backend):
    class Sums(Layer):
        def call(self, inputs):
            return ops.cumsum(inputs, axis=1)

    layer = Sums(name=f"sums_on_{backend}")
    x = layers.Masking()(layers.Input((4, 3)))
    with pytest.warns(UserWarning, match=f"'sums_on_{backend}' .Sums. was given a masked input"):
        assert layer(x).mask is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(x)


def test_a_layer_that_drops_a_mask_says_so_in_eager_code(backend):
    class Sums(Layer):
        def call(self, inputs):
            return ops.cumsum(inputs, axis=1)

    model = models.Sequential([layers.Masking(), Sums(name=f"eager_sums_on_{backend}")])
    with pytest.warns(UserWarning, match=f"eager_sums_on_{backend}"):
        model(np.ones((1, 4, 3), "float32"))


def test_the_loss_ignores_masked_steps(trainable_backend, rng):
    model = models.Sequential([layers.Input((4,), dtype="int32"), embedding(), layers.Dense(1)])
    model.compile(optimizer=cornu.optimizers.SGD(0.1), loss="mse", metrics=["mae"])
    y = rng.normal(size=(3, 4, 1)).astype("float32")
    counts = IDS != 0
    error = (numbers(model(IDS)) - y)[counts]
    loss, mae = model.evaluate(IDS, y, verbose=0)
    assert mae == pytest.approx(np.abs(error).mean(), rel=1e-5)
    assert loss == pytest.approx(np.square(error).mean(), rel=1e-5)
    changed = np.where(counts[..., None], y, 100.0).astype("float32")
    assert model.evaluate(IDS, changed, verbose=0) == pytest.approx([loss, mae], rel=1e-5)
    weights = model.get_weights()
    model.fit(IDS, y, batch_size=3, verbose=0)
    after = model.get_weights()
    model.set_weights(weights)
    model.fit(IDS, changed, batch_size=3, verbose=0)
    for a, b, before in zip(model.get_weights(), after, weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
        assert not np.array_equal(a, before)


def test_batches_with_other_masks_are_trained_like_any(trainable_backend, rng):
    # kernels that serve sequences without padding must not be kept for those with
    y = rng.normal(size=(12, 2)).astype("float32")
    full = rng.integers(1, 4, (9, 4))
    ids = np.concatenate([full, IDS])
    results = []
    for eager in (False, True):
        set_random_seed(1)
        model = models.Sequential([layers.Input((4,), dtype="int32"), embedding(), layers.LSTM(2)])
        model.compile(optimizer=cornu.optimizers.SGD(0.1), loss="mse", run_eagerly=eager)
        model.fit(ids, y, batch_size=3, shuffle=False, epochs=2, verbose=0)
        results.append([*model.get_weights(), model.predict(ids, batch_size=3, verbose=0)])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    table, lstm = model.layers
    np.testing.assert_allclose(results[0][-1][-3:], last_states(lstm, table), atol=1e-6)


# --- every layer ------------------------------------------------------------------------------------------------------


class Lay(Layer):
    """Lays a mask of the steps that are not all zeros, whatever the rank."""

    def call(self, inputs):
        return ops.multiply(inputs, 1.0)

    def compute_mask(self, inputs, previous_mask=None):
        return ops.any(ops.not_equal(inputs, 0.0), axis=tuple(range(2, inputs.ndim)))


class Seen(Layer):
    """The mask that comes along with its input, as numbers; -1 where there is none."""

    def call(self, inputs, mask=None):
        return ops.full((1,), -1.0) if mask is None else ops.cast(mask, "float32")


class Own(models.Model):
    """A subclassed model of a case: masks laid on its inputs, the layer, and the mask after it."""

    def __init__(self, case, layer):
        super().__init__()
        self.case, self.layer = case, layer
        self.lay = [Lay() if len(shape) > 2 else None for shape in case.shapes]
        self.seen = Seen()

    def call(self, inputs):
        first = tree.flatten(self.case.run(self.layer, [x if lay is None else lay(x) for lay, x in zip(self.lay, inputs, strict=True)]))
        return [*first, self.seen(first[0])]


def masked_numbers(case, rng):
    """Inputs of which some steps are all zeros: those that do not count. The first counts in every sample."""
    xs = case.inputs(rng)
    masks = [rng.random(x.shape[:2]) < 0.6 if x.ndim > 2 else None for x in xs]
    for x, mask in zip(xs, masks, strict=True):
        if mask is not None:
            mask[:, 0] = True
            x[~mask] = 0.0
    return xs, masks


IMAGES = "cornu.layers.image"  # the mask of an image has no steps
STEPS = [c for c in CASES if c.ids is None and not getattr(layers, c.layer).__module__.startswith(IMAGES)]
MASKABLE = [c for c in STEPS if any(len(shape) > 2 for shape in c.shapes)]


@pytest.mark.parametrize("case", MASKABLE, ids=str)
def test_masks_reach_every_layer_alike_in_graphs_stacks_and_classes(case, rng):
    with use_backend("numpy"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # layers that end a mask say so; that has a test of its own
        xs, masks = masked_numbers(case, rng)
        set_random_seed(3)
        layer = case.make()
        own = Own(case, layer)
        found = [numbers(y) for y in own(xs)]
        entered = [layers.Input(x.shape[1:]) for x in xs]
        outputs = tree.flatten(case.run(layer, [Lay()(x) if x.ndim > 2 else x for x in entered]))
        graph = models.Model(entered, [*outputs, Seen()(outputs[0])])
        for a, b in zip(graph(xs), found, strict=True):
            np.testing.assert_allclose(numbers(a), b, rtol=1e-5, atol=1e-6)
        if len(xs) == 1 and len(outputs) == 1 and not case.call:
            for end, expected in zip(([], [Seen()]), found, strict=True):
                stack = models.Sequential([layers.Input(xs[0].shape[1:]), Lay(), layer, *end])
                np.testing.assert_allclose(numbers(stack(xs[0])), expected, rtol=1e-5, atol=1e-6)
            if call_signature(type(layer).call).mask:  # given by hand it says the same
                np.testing.assert_allclose(numbers(case.run(layer, xs, mask=masks[0])), found[0], rtol=1e-5, atol=1e-6)
            if layer.supports_masking and type(layer).compute_mask is Layer.compute_mask:
                np.testing.assert_array_equal(found[-1], masks[0])


def test_the_mask_of_each_step_is_computed_once(backend):
    computed = []

    class Table(layers.Embedding):
        """Notes the shapes that it is asked for the masks of."""

        def compute_mask(self, inputs, previous_mask=None):
            computed.append(tuple(inputs.shape))
            return super().compute_mask(inputs, previous_mask)

    table = layers.TimeDistributed(Table(4, 2, mask_zero=True))
    words = np.array([[[1, 2, 0], [3, 0, 0]]])
    mask = table.compute_mask(ops.convert_to_tensor(words))
    assert numbers(mask).tolist() == (words != 0).tolist()
    assert computed == [(2, 3)]


class Between(models.Model):
    """Operations between the layer that makes a mask and the one that takes it."""

    def __init__(self, work):
        super().__init__()
        self.work = work
        self.embedding, self.lstm = layers.Embedding(9, 4, mask_zero=True), layers.LSTM(3)

    def call(self, ids):
        return self.lstm(self.work(self.embedding(ids)))


BETWEEN = {
    "arithmetic": lambda x: ops.subtract(ops.multiply(x, 2.0), ops.ones((1, 1, 4))),
    "activations": lambda x: ops.hard_tanh(ops.gelu(ops.tanh(x))),
    "choices": lambda x: ops.clip(ops.where(ops.greater(x, 0.0), x, 0.5), -1.0, 1.0),
    "dtypes": lambda x: ops.cast(ops.stop_gradient(ops.cast(x, "float32")), "float32"),
    "named arguments": lambda x: ops.add(x1=x, x2=x),
    "a variable": lambda x: ops.multiply(x, cornu.Variable(np.ones(4, "float32"))),
}


@pytest.mark.parametrize("work", BETWEEN.values(), ids=BETWEEN)
def test_masks_survive_ops_in_classes(backend, work):
    model = Between(work)
    padded, bare = np.array([[3, 5, 0, 0], [2, 0, 0, 0]]), [np.array([[3, 5]]), np.array([[2]])]
    found = ops.convert_to_numpy(model(padded))
    for row, ids in zip(found, bare, strict=True):
        np.testing.assert_allclose(row, ops.convert_to_numpy(model(ids))[0], rtol=1e-5, atol=1e-6)
        assert np.abs(row).max() > 0
    np.testing.assert_allclose(model.predict(padded, verbose=0), found, rtol=1e-5, atol=1e-6)


def test_the_mask_after_two_masked_arrays_is_where_both_hold(backend):
    class Both(Layer):
        def call(self, inputs):
            first, second = (layers.Masking()(x) for x in inputs)
            return Seen()(ops.add(first, second))

    x = np.array([[[1.0], [0.0], [1.0]]])
    y = np.array([[[1.0], [1.0], [0.0]]])
    np.testing.assert_array_equal(ops.convert_to_numpy(Both()([x, y])), [[1.0, 0.0, 0.0]])


def test_a_class_that_ends_a_mask_by_an_op_says_so(backend):
    class Doubled(Layer):
        def call(self, inputs):
            return ops.multiply(inputs, 2.0)

    class Whole(models.Model):
        def __init__(self):
            super().__init__()
            self.masking, self.doubled, self.seen = layers.Masking(), Doubled(), Seen()

        def call(self, inputs):
            return self.seen(self.doubled(self.masking(inputs)))

    with pytest.warns(UserWarning, match="does not pass the mask on"):
        assert ops.convert_to_numpy(Whole()(np.array([[[1.0], [0.0]]]))).tolist() == [-1.0]
