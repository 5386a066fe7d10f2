"""What attention does with masks, dropout and its options, by formula."""

import numpy as np
import pytest

from cornu import layers, models, ops
from cornu.errors import ArgumentError, ShapeError

TARGETS, SOURCES = (2, 4, 3), (2, 5, 3)
SEEN = np.array([[True, True, False, True, False], [False, True, True, True, True]])


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def given(rng, *shapes):
    return [rng.standard_normal(s).astype("float32") for s in shapes]


def close(ours, expected):
    np.testing.assert_allclose(ops.convert_to_numpy(ours), expected, rtol=1e-5, atol=1e-6)


def weights_of(scores, seen):
    return softmax(np.where(seen, scores, -1e9))


def test_dot_product_attention_by_formula(backend, rng):
    q, v, k = given(rng, TARGETS, (2, 5, 7), SOURCES)
    y, w = layers.Attention()([q, v, k], mask=[None, SEEN], return_attention_scores=True)
    expected = weights_of(q @ k.swapaxes(1, 2), SEEN[:, None])
    close(w, expected)
    close(y, expected @ v)


def test_additive_attention_by_formula(backend, rng):
    q, v, k = given(rng, TARGETS, (2, 5, 7), SOURCES)
    layer = layers.AdditiveAttention()
    _, w = layer([q, v, k], use_causal_mask=True, return_attention_scores=True)
    scores = (layer.get_weights()[0] * np.tanh(q[:, :, None] + k[:, None])).sum(-1)
    close(w, weights_of(scores, np.tri(4, 5, dtype=bool)))


def test_queries_that_do_not_count_give_zeros_and_the_outputs_have_their_mask(backend, rng):
    q, v = given(rng, TARGETS, SOURCES)
    counts = np.array([[True, False, True, True], [True, True, True, False]])
    layer = layers.Attention()
    y = ops.convert_to_numpy(layer([q, v], mask=[counts, None]))
    assert (y[~counts] == 0).all()
    assert (y[counts] != 0).all()
    assert layer.compute_mask([q, v], [counts, SEEN]) is counts


@pytest.mark.parametrize("scores", [True, False])
def test_several_heads_by_formula(backend, rng, scores):
    q, v, k = given(rng, TARGETS, (2, 5, 7), SOURCES)
    layer = layers.MultiHeadAttention(2, 3, value_dim=4, output_shape=6, bias_initializer="normal", use_gate=True)
    found = layer(q, v, k, value_mask=SEEN, return_attention_scores=scores)
    wq, bq, wk, bk, wg, bg, wv, bv, wo, bo = layer.get_weights()
    heads = [np.einsum("btd,dnh->bnth", x, w) + b[:, None] for x, w, b in ((q, wq, bq), (k, wk, bk), (v, wv, bv))]
    weights = weights_of(heads[0] @ heads[1].swapaxes(2, 3) / np.sqrt(3), SEEN[:, None, None])
    gate = 1 / (1 + np.exp(-(np.einsum("btd,dnh->btnh", q, wg) + bg)))
    close(found[0] if scores else found, np.einsum("btnh,nho->bto", (weights @ heads[2]).swapaxes(1, 2) * gate, wo) + bo)
    if scores:
        close(found[1], weights)


def test_query_heads_share_keys_and_values_in_groups(backend, rng):
    (x,) = given(rng, TARGETS)
    few, many = layers.GroupQueryAttention(3, 4, 2), layers.MultiHeadAttention(4, 3)
    y = few(x, x, use_causal_mask=True)
    many(x, x)
    repeated = [np.repeat(w, 2, axis=-2) if w.shape[-2:] == (2, 3) else w for w in few.get_weights()]
    many.set_weights(repeated)
    close(y, ops.convert_to_numpy(many(x, x, use_causal_mask=True)))


@pytest.mark.parametrize("window", [1, 2, 3])
def test_a_sliding_window_lets_see_sources_fewer_places_away(backend, rng, window):
    layer = layers.MultiHeadAttention(1, 2, kernel_initializer="zeros", sliding_window=window)
    _, w = layer(*given(rng, TARGETS, SOURCES), return_attention_scores=True)
    near = np.abs(np.arange(4)[:, None] - np.arange(5)) < window
    close(w, np.broadcast_to(near / near.sum(-1, keepdims=True), (2, 1, 4, 5)))


@pytest.mark.parametrize("name", ["Attention", "MultiHeadAttention", "GroupQueryAttention"])
def test_dropout_is_at_work_in_training_only_and_follows_its_seed(backend, rng, name):
    (x,) = given(rng, (1, 16, 6))
    arguments = {"Attention": {}, "MultiHeadAttention": {"num_heads": 2, "key_dim": 3}, "GroupQueryAttention": {}}[name]
    arguments = {"head_dim": 3, "num_query_heads": 2, "num_key_value_heads": 1} if name == "GroupQueryAttention" else arguments

    def run(rate, training):
        layer = getattr(layers, name)(dropout=rate, seed=5, **arguments)
        layer([x, x]) if name == "Attention" else layer(x, x)
        layer.set_weights([np.full(w.shape, 0.3, "float32") for w in layer.get_weights()])
        return ops.convert_to_numpy(layer([x, x], training=training) if name == "Attention" else layer(x, x, training=training))

    plain, dropped = run(0.0, True), run(0.5, True)
    np.testing.assert_allclose(run(0.5, False), plain, rtol=1e-5, atol=1e-6)
    assert np.abs(dropped - plain).max() > 1e-2
    np.testing.assert_array_equal(dropped, run(0.5, True))


def test_attention_over_chosen_axes_is_attention_over_each_slice(backend, rng):
    (x,) = given(rng, (2, 3, 4, 5))
    layer = layers.MultiHeadAttention(2, 3, attention_axes=1)
    y = ops.convert_to_numpy(layer(x, x))
    alone = layers.MultiHeadAttention(2, 3)
    alone(x[:, :, 0], x[:, :, 0])
    alone.set_weights(layer.get_weights())
    for column in range(4):
        close(alone(x[:, :, column], x[:, :, column]), y[:, :, column])


def test_masks_come_along_with_inputs_in_graphs_and_in_eager_code(backend):
    ids = np.array([[1, 2, 0], [3, 0, 0]])

    class Eager(models.Model):
        def __init__(self):
            super().__init__()
            self.embedding, self.attention = layers.Embedding(4, 6, mask_zero=True), layers.MultiHeadAttention(2, 3)

        def call(self, ids):
            x = self.embedding(ids)
            return self.attention(x, x, return_attention_scores=True)[1]

    entered = layers.Input((3,), dtype="int32")
    x = layers.Embedding(4, 6, mask_zero=True)(entered)
    y, scores = layers.MultiHeadAttention(2, 3)(x, x, return_attention_scores=True)
    assert y.mask is x.mask
    assert getattr(scores, "mask", None) is None
    for model in (Eager(), models.Model(entered, scores)):
        found = ops.convert_to_numpy(model(ids))
        seen = np.broadcast_to((ids != 0)[:, None, None], found.shape)
        assert (found[~seen] == 0).all()
        assert (found[seen] > 0.05).all()


def test_unknown_lengths(backend):
    x, v = layers.Input((None, 6)), layers.Input((None, 5))
    y, scores = layers.MultiHeadAttention(2, 3, sliding_window=4)(x, v, return_attention_scores=True, use_causal_mask=True)
    assert (y.shape, scores.shape[:2]) == ((None, None, 6), (None, 2))
    model = models.Model([x, v], y)
    assert tuple(model([np.ones((2, 7, 6), "float32"), np.ones((2, 4, 5), "float32")]).shape) == (2, 7, 6)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda x: layers.Attention(score_mode="other"), ArgumentError, "'dot' or 'concat'"),
        (lambda x: layers.Attention(dropout=1.0), ArgumentError, "below 1"),
        (lambda x: layers.Attention()(np.abs(x)), ShapeError, r"\[query, value\]"),
        (lambda x: layers.MultiHeadAttention(0, 3), ArgumentError, "num_heads"),
        (lambda x: layers.MultiHeadAttention(2, 3)(x, x[0]), ShapeError, "as many axes"),
        (lambda x: layers.MultiHeadAttention(2, 3)(x, x, value_mask=np.ones((2, 7), bool)), ShapeError, "mask of the value"),
        (lambda x: layers.MultiHeadAttention(2, 3)(x, x, attention_mask=np.ones(4, bool)), ShapeError, "attention_mask"),
        (lambda x: layers.MultiHeadAttention(2, 3, flash_attention=True)(x, x), ArgumentError, "fused kernel"),
        (lambda x: layers.MultiHeadAttention(2, 3, flash_attention=True, dropout=0.1), ArgumentError, "exclude"),
        (lambda x: layers.GroupQueryAttention(3, 4, 3), ArgumentError, "must divide"),
    ],
)
def test_what_it_does_not_take_is_named(make, error, message, rng):
    with pytest.raises(error, match=message):
        make(rng.standard_normal(TARGETS).astype("float32"))
