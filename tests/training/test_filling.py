"""A short last batch is filled up where that is exact, and compiles nothing of its own; the figures are those of the rows that are there."""

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.training import filling

ROWS, BATCH = 11, 4  # the last batch has 3 rows


@pytest.fixture(params=["jax", "tensorflow"])
def compiling(request):
    """A backend that compiles a program for each size of batch."""
    with cornu.use_backend(request.param):
        yield request.param


def dense(**settings):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(5, activation="tanh"), layers.Dropout(0.0), layers.Dense(2)])
    return compiled(model, **settings)


def classifier(**settings):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(4, activation="softmax")])
    names = ["accuracy", cornu.metrics.F1Score(average="macro"), cornu.metrics.AUC(20, name="auc"), cornu.metrics.Recall(name="recall")]
    return compiled(model, **{"loss": "categorical_crossentropy", "metrics": names, "weighted_metrics": ["accuracy"], **settings})


def tagger(**settings):
    """A value for each step of a sequence, where 0 is no step."""
    gru = layers.GRU(3, return_sequences=True)
    model = cornu.Sequential([cornu.Input((6,), dtype="int32"), layers.Embedding(9, 4, mask_zero=True), gru, layers.Dense(1)])
    return compiled(model, **settings)


def labelled(**settings):
    """A class for each step."""
    model = cornu.Sequential([cornu.Input((6,), dtype="int32"), layers.Embedding(9, 4), layers.Dense(4, activation="softmax")])
    return compiled(model, **{"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], **settings})


def forked(**settings):
    x = cornu.Input((3,))
    h = layers.Dense(4, activation="relu", kernel_regularizer="l2")(x)
    model = cornu.Model(x, {"a": layers.Dense(2, name="a")(h), "b": layers.Dense(1, name="b")(h)})
    losses = {"a": "mse", "b": cornu.losses.Huber(reduction="sum")}
    return compiled(model, **{"loss": losses, "loss_weights": {"a": 0.3}, "metrics": {"b": ["mae"]}, **settings})


def with_frozen_statistics(**settings):
    norm = layers.BatchNormalization()
    model = compiled(cornu.Sequential([cornu.Input((3,)), norm, layers.Dense(2)]), **settings)
    norm.trainable = False
    return model


def compiled(model, **settings):
    model.compile(**{"optimizer": cornu.optimizers.SGD(0.1, momentum=0.9), "loss": "mse", "metrics": ["mae"], **settings})
    return model


def targets(rng, *shape):
    return rng.normal(size=(ROWS, *shape)).astype("float32")


WORDS = np.random.default_rng(3).integers(0, 9, (ROWS, 6))
CASES = {
    "dense": (dense, lambda rng: (targets(rng, 3), targets(rng, 2), None)),
    "weights": (dense, lambda rng: (targets(rng, 3), targets(rng, 2), np.arange(ROWS) % 3 + 0.5)),
    "mean_by_weight": (
        lambda: dense(loss=cornu.losses.MeanSquaredError(reduction="mean_with_sample_weight")),
        lambda rng: (targets(rng, 3), targets(rng, 2), np.arange(ROWS) % 3 + 0.5),
    ),
    "classes": (classifier, lambda rng: (targets(rng, 3), np.eye(4, dtype="float32")[rng.integers(0, 4, ROWS)], np.arange(ROWS) % 2 + 1.0)),
    "masked": (tagger, lambda rng: (WORDS, targets(rng, 6, 1), None)),
    "forked": (forked, lambda rng: (targets(rng, 3), {"a": targets(rng, 2), "b": targets(rng, 1)}, None)),
    "gathered": (
        lambda: dense(optimizer=cornu.optimizers.Adam(0.1, gradient_accumulation_steps=2)),
        lambda rng: (targets(rng, 3), targets(rng, 2), None),
    ),
    "watched": (lambda: dense(on_nonfinite="skip"), lambda rng: (targets(rng, 3), targets(rng, 2), None)),
    "frozen": (with_frozen_statistics, lambda rng: (targets(rng, 3), targets(rng, 2), None)),
    "ignored": (
        lambda: labelled(loss=cornu.losses.SparseCategoricalCrossentropy(ignore_class=0), metrics=[]),
        lambda rng: (WORDS, rng.integers(0, 4, (ROWS, 6)), None),
    ),
    "places": (
        lambda: labelled(weighted_metrics=["accuracy"]),
        lambda rng: (WORDS, rng.integers(0, 4, (ROWS, 6)), rng.uniform(0.1, 1, (ROWS, 6))),
    ),
}


def run(make, data):
    cornu.utils.set_random_seed(5)
    model = make()
    history = model.fit(data[0], data[1], sample_weight=data[2], batch_size=BATCH, epochs=3, verbose=0).history
    scores = model.evaluate(data[0], data[1], sample_weight=data[2], batch_size=BATCH, verbose=0, return_dict=True)
    return model, history, scores


def programs(model, *kinds):
    return [entry for entry in model.compilations if entry.program in kinds]


@pytest.mark.parametrize("name", CASES)
def test_the_same_figures_from_one_program(name, compiling, rng, monkeypatch):
    make, data_of = CASES[name]
    data = data_of(rng)
    model, history, scores = run(make, data)
    assert len(programs(model, "train", "unguarded")) == 1
    assert len(programs(model, "test")) == 1
    monkeypatch.setattr(filling, "_may_fill", lambda *_: False)
    plain, wanted, wanted_scores = run(make, data)
    assert len(programs(plain, "train", "unguarded")) == 2
    assert len(programs(plain, "test")) == 2
    assert history.keys() == wanted.keys()
    for key, values in wanted.items():
        np.testing.assert_allclose(history[key], values, rtol=2e-5, atol=1e-6, err_msg=key)
    for key, value in wanted_scores.items():
        np.testing.assert_allclose(scores[key], value, rtol=2e-5, atol=1e-6, err_msg=key)
    for got, other in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(got, other, rtol=2e-5, atol=1e-6)


def test_evaluated_as_the_formula_says(compiling, rng):
    x, y, _ = CASES["dense"][1](rng)
    model = dense()
    got = model.evaluate(x, y, batch_size=BATCH, verbose=0, return_dict=True)
    outputs = model.predict(x, verbose=0)
    assert got["loss"] == pytest.approx(np.mean((outputs - y) ** 2), rel=1e-5)
    assert got["mae"] == pytest.approx(np.mean(np.abs(outputs - y)), rel=1e-5)


class Centred(layers.Layer):
    """Takes the mean of the batch away: each row depends on the others."""

    def call(self, inputs):
        return inputs - ops.mean(inputs, axis=0, keepdims=True)


def sequential(*middle, **settings):
    return lambda: compiled(cornu.Sequential([cornu.Input((3,)), *middle, layers.Dense(2)]), **settings)


def side_by_side(x):
    """(batch, batch, 3): each row beside each other one, since axes are spread from the last."""
    return layers.GlobalAveragePooling1D()(x - layers.Reshape((1, 3))(layers.Dense(3)(x)))


def from_single_values(layer):
    """The layer on arrays whose only axis is that of the rows."""
    x = cornu.Input((3,))
    numbers = layers.Dot(1)([x, x])
    return cornu.Model(x, layers.Dense(2)(layers.Reshape((1,))(layer(layers.Reshape(())(numbers)))))


NOT_FILLED = {
    "a layer along the rows, counted from the last axis": lambda: sequential(layers.Softmax(axis=-2)),
    "lengths of columns": lambda: sequential(layers.UnitNormalization(axis=-2)),
    "a function of Cornu's with settings": lambda: sequential(layers.Lambda(cornu.activations.softmax, arguments={"axis": 0})),
    "rows spread beside rows": lambda: lambda: compiled(cornu.Model(x := cornu.Input((3,)), layers.Dense(2)(side_by_side(x)))),
    "a softmax over rows": lambda: lambda: compiled(from_single_values(layers.Activation("softmax"))),
    "a loss along the rows": lambda: sequential(loss=cornu.losses.CosineSimilarity(axis=-2)),
    "statistics of the batch": lambda: sequential(layers.BatchNormalization()),
    "a layer of one's own": lambda: sequential(Centred()),
    "a function of any kind": lambda: sequential(layers.Lambda(ops.flip, output_shape=(3,))),
    "a penalty on outputs": lambda: sequential(layers.Dense(3, activity_regularizer="l2")),
    "a loss of pairs": lambda: sequential(loss=cornu.losses.Circle(), metrics=[]),
    "a loss of all at once": lambda: sequential(loss=cornu.losses.Dice()),
    "a loss of one's own": lambda: sequential(loss=lambda y, p: ops.mean(ops.square(y - p))),
    "a metric of one's own": lambda: sequential(metrics=[lambda y, p: ops.max(p)]),
}


@pytest.mark.parametrize("what", NOT_FILLED)
def test_not_where_a_row_may_meet_another(what, rng):
    with cornu.use_backend("jax"):
        x, y = targets(rng, 3), (rng.integers(0, 2, (ROWS,)) if "pairs" in what else np.abs(targets(rng, 2)))
        model = NOT_FILLED[what]()()
        model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)
        assert len(programs(model, "train", "unguarded")) == 2


def test_statistics_that_thaw_within_a_run_are_those_of_the_rows_there(rng):
    x, y = targets(rng, 3), targets(rng, 2)

    def fitted():
        norm = layers.BatchNormalization(momentum=0.0)
        model = compiled(cornu.Sequential([cornu.Input((3,)), norm, layers.Dense(2)]))
        model.optimizer.build(model.trainable_variables)
        norm.trainable = False

        class Thaw(cornu.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                norm.trainable = True

        model.fit(x, y, batch_size=BATCH, verbose=0, shuffle=False, callbacks=[Thaw()])
        return norm.moving_mean.numpy()

    with cornu.use_backend("jax"):
        np.testing.assert_allclose(fitted(), x[8:].mean(0), rtol=1e-5)


def test_a_bad_row_in_a_short_batch_is_found(compiling, rng):
    x, y, _ = CASES["dense"][1](rng)
    x[-1, 1] = np.nan
    with pytest.raises(cornu.errors.NonFiniteError, match=r"1 of the 9 numbers in x .* at \[2, 1\]"):
        dense().fit(x, y, batch_size=BATCH, shuffle=False, verbose=0)


class Subclassed(cornu.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, inputs):
        return self.dense(inputs)


def test_a_subclassed_model_has_short_batches_of_its_own(compiling, rng):
    x, y = targets(rng, 3), targets(rng, 2)
    model = compiled(Subclassed())
    model.fit(x, y, batch_size=BATCH, verbose=0)
    assert model.evaluate(x, y, batch_size=BATCH, verbose=0)[0] == pytest.approx(np.mean((model.predict(x, verbose=0) - y) ** 2), rel=1e-5)


def test_gathered_gradients_count_the_steps_of_the_first_mask(rng, monkeypatch):
    """One output has a value for each sequence, the other, which has the mask, one for each step."""
    y = [targets(rng, 2), targets(rng, 6, 1)]

    def fitted():
        cornu.utils.set_random_seed(5)
        words = cornu.Input((6,), dtype="int32")
        vectors = layers.Embedding(9, 4, mask_zero=True)(words)
        model = cornu.Model(
            words, [layers.Dense(2)(layers.GRU(3)(vectors)), layers.Dense(1)(layers.GRU(3, return_sequences=True)(vectors))]
        )
        model.compile(cornu.optimizers.SGD(0.1, gradient_accumulation_steps=3), ["mse", "mse"])
        model.fit(WORDS, y, batch_size=BATCH, epochs=2, verbose=0, shuffle=False)
        return model.get_weights()

    with cornu.use_backend("jax"):
        got = fitted()
        monkeypatch.setattr(filling, "_may_fill", lambda *_: False)
        for a, b in zip(got, fitted(), strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


def test_a_layer_that_goes_on_from_batch_to_batch_wants_whole_ones(rng):
    with cornu.use_backend("jax"):
        gru = layers.GRU(3, stateful=True)
        model = compiled(cornu.Sequential([cornu.Input((2, 3), batch_size=BATCH), gru, layers.Dense(2)]))
        with pytest.raises(cornu.errors.ShapeError, match="keeps states for 4 samples, got a batch of 3"):
            model.evaluate(targets(rng, 2, 3), targets(rng, 2), batch_size=BATCH, verbose=0)
