"""What does not fit is refused before any weight moves, by the same error on every backend; what is legitimate is not refused."""

import contextlib
import timeit

import numpy as np
import pytest

import cornu
from cornu import layers, losses
from cornu.errors import ArgumentError, CornuError, DataError, NotCompiledError, ShapeError, UnknownNameError

RNG = np.random.default_rng(7)
X = RNG.random((24, 4), dtype="float32")
LABELS = RNG.integers(0, 3, 24)
LABELS[:3] = (0, 1, 2)
ONE_HOT = np.eye(3, dtype="float32")[LABELS]
IMAGES = RNG.random((24, 8, 8), dtype="float32")
IDS = RNG.integers(0, 10, (24, 5))


def stack(*more, features=4):
    return cornu.Sequential([cornu.Input((features,) if isinstance(features, int) else features, name="features"), *more])


def compiled(model, loss, **how):
    model.compile("sgd", loss, **how)
    return model


def classifier(loss="sparse_categorical_crossentropy", activation="softmax", units=3, features=4, **how):
    return compiled(stack(layers.Dense(6, "relu"), layers.Dense(units, activation, name="out"), features=features), loss, **how)


def convolution(channels):
    return compiled(
        stack(layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3, "softmax"), features=(8, 8, channels)),
        "sparse_categorical_crossentropy",
    )


def ended_by(op):
    x = cornu.Input((4,))
    return cornu.Model(x, op(layers.Dense(3)(x)))


def two_by_two(loss=None, **how):
    left, right = cornu.Input((4,), name="left"), cornu.Input((2,), name="right")
    price, kind = layers.Dense(1, name="price")(left), layers.Dense(3, "softmax", name="kind")(right)
    return compiled(cornu.Model([left, right], [price, kind]), loss or {"price": "mse", "kind": "sparse_categorical_crossentropy"}, **how)


def per_place():
    return compiled(stack(layers.Dense(3, "softmax"), features=(5, 4)), "sparse_categorical_crossentropy")


def words(inner=False, **how):
    embedding = layers.Embedding(10, 4, name="words", **how)
    first = [cornu.Sequential([cornu.Input((5,), dtype="int32"), embedding], name="inside")] if inner else [embedding]
    model = cornu.Sequential([cornu.Input((5,), dtype="int32", name="ids"), *first, layers.Flatten(), layers.Dense(1)])
    return compiled(model, "mse")


class Subclassed(cornu.Model):
    def __init__(self, activation="softmax"):
        super().__init__()
        self.first, self.last = layers.Dense(5, "relu", name="first"), layers.Dense(3, activation, name="last")

    def call(self, inputs):
        return self.last(self.first(inputs))


def subclassed(loss="sparse_categorical_crossentropy"):
    return compiled(Subclassed(), loss)


def changed(values, at, to):
    values = np.array(values)
    values[at] = to
    return values


SPARSE, BINARY = losses.SparseCategoricalCrossentropy, losses.BinaryCrossentropy
PAIR = {"left": X, "right": X[:, :2]}

# name: (model, x, y, error, what the message must say)
REFUSED = {
    "one-hot under a sparse loss": (classifier, X, ONE_HOT, DataError, ["'out'", "(N, 3)", "'categorical_crossentropy'", "argmax"]),
    "classes under a one-hot loss": (lambda: classifier("categorical_crossentropy"), X, LABELS, DataError, ["'out'", "(N,)", "(N, 3)", "'sparse_"]),
    "a column of classes under a one-hot loss": (lambda: classifier("categorical_crossentropy"), X, LABELS[:, None], DataError, ["(N, 1)", "'sparse_"]),
    "too many one-hot classes": (lambda: classifier("categorical_crossentropy"), X, np.eye(5)[LABELS], ShapeError, ["(N, 5)", "5 units"]),
    "a label too large": (classifier, X, changed(LABELS, 13, 7), DataError, ["'out'", "from 0 to 2", "Got 7", "y[13]", "8 units"]),
    "labels from 1": (classifier, X, LABELS + 1, DataError, ["y - 1"]),
    "a negative label": (classifier, X, changed(LABELS, 5, -1), DataError, ["Got -1", "y[5]", "ignore_class=-1"]),
    "another label than the ignored": (
        lambda: classifier(SPARSE(ignore_class=-1)), X, changed(changed(LABELS, 5, -1), 6, -2), DataError, ["Got -2", "1 of 24"],
    ),
    "labels with fractions": (classifier, X, LABELS + 0.5, DataError, ["0.5", "'mse'"]),
    "a generalised cross-entropy's label": (
        lambda: classifier(losses.CategoricalGeneralizedCrossEntropy()), X, changed(LABELS, 2, 3), DataError, ["Got 3"],
    ),
    "a row of numbers for three outputs": (lambda: classifier("mse", None), X, LABELS, ShapeError, ["'out'", "(N,)", "(N, 3)", "one unit"]),
    "a column for three outputs": (lambda: classifier("mae", None), X, LABELS[:, None], ShapeError, ["(N, 1)", "(N, 3)"]),
    "two columns for three outputs": (lambda: classifier("huber", None), X, np.ones((24, 2)), ShapeError, ["(N, 2)", "(N, 3)"]),
    "classes for two units under a binary loss": (lambda: classifier("binary_crossentropy", units=2), X, LABELS % 2, ShapeError, ["'sparse_categorical"]),
    "binary labels beyond 1": (lambda: classifier("binary_crossentropy", "sigmoid", 1), X, LABELS, DataError, ["0 to 1", "Got 2"]),
    "binary labels of -1 and 1": (lambda: classifier("binary_crossentropy", "sigmoid", 1), X, LABELS % 2 * 2 - 1, DataError, ["hinge", "(y + 1) / 2"]),
    "softmax under a loss for logits": (lambda: classifier(SPARSE(from_logits=True)), X, LABELS, ArgumentError, ["'out'", "softmax", "from_logits"]),
    "sigmoid under a loss for logits": (
        lambda: classifier(BINARY(from_logits=True), "sigmoid", 1), X, LABELS % 2, ArgumentError, ["'out'", "sigmoid", "from_logits"],
    ),
    "softmax in a subclass under a loss for logits": (lambda: subclassed(SPARSE(from_logits=True)), X, LABELS, ArgumentError, ["'last'", "softmax"]),
    "an op's softmax under a loss for logits": (
        lambda: compiled(ended_by(cornu.ops.softmax), SPARSE(from_logits=True)),
        X, LABELS, ArgumentError, ["softmax"],
    ),
    "softmax of one unit": (lambda: classifier("binary_crossentropy", units=1), X, LABELS % 2, ArgumentError, ["'out'", "sigmoid"]),
    "classes of one unit": (lambda: classifier(units=1, activation="sigmoid"), X, LABELS % 2, ArgumentError, ["'out'", "binary_crossentropy"]),
    "784 features for 64": (lambda: classifier(features=64), np.zeros((24, 784), "float32"), LABELS, ShapeError, ["'features'", "(N, 64)", "(N, 784)"]),
    "images for vectors": (lambda: classifier(features=64), IMAGES, LABELS, ShapeError, ["(N, 8, 8)", "x.reshape(-1, 64)"]),
    "a single row": (classifier, X[0], LABELS[:4], ShapeError, ["x[None]"]),
    "grey images for colour": (lambda: convolution(3), IMAGES, LABELS, ShapeError, ["x[..., None]", "np.repeat"]),
    "channels first": (lambda: convolution(3), np.zeros((24, 3, 8, 8), "float32"), LABELS, ShapeError, ["np.moveaxis(x, 1, -1)"]),
    "no channels, the model not built": (
        lambda: compiled(cornu.Sequential([layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3, "softmax")]), "sparse_categorical_crossentropy"),
        IMAGES, LABELS, ShapeError, ["x[..., None]", "(N, 8, 8)"],
    ),
    "sequences without features": (lambda: compiled(cornu.Sequential([layers.LSTM(3), layers.Dense(1)]), "mse"), X, X[:, 0], ShapeError, ["x[..., None]"]),
    "an input's key mistyped": (two_by_two, {"left": X, "rihgt": X[:, :2]}, [X[:, 0], LABELS], DataError, ["'right' by 'rihgt'"]),
    "an input's key missing": (two_by_two, {"left": X}, [X[:, 0], LABELS], DataError, ["'right'"]),
    "inputs' keys swapped": (two_by_two, {"left": X[:, :2], "right": X}, [X[:, 0], LABELS], ShapeError, ["'left'", "(N, 4)", "(N, 2)"]),
    "one input of two": (two_by_two, X, [X[:, 0], LABELS], DataError, ["'left'", "'right'"]),
    "a target's key mistyped": (two_by_two, PAIR, {"prize": X[:, 0], "kind": LABELS}, DataError, ["'price' by 'prize'"]),
    "a target's key missing": (two_by_two, PAIR, {"kind": LABELS}, DataError, ["'price'", "mean_squared_error"]),
    "one target for two outputs": (two_by_two, PAIR, LABELS, DataError, ["2 outputs", "'price'", "'kind'"]),
    "two targets for one output": (classifier, X, [LABELS, LABELS], DataError, ["1 output", "got 2"]),
    "a label in a dict": (two_by_two, PAIR, {"price": X[:, 0], "kind": LABELS + 1}, DataError, ["'kind'", "y['kind']["]),
    "no targets": (classifier, X, None, DataError, ["'out'", "Give y"]),
    "no rows": (classifier, X[:0], LABELS[:0], DataError, ["at least one row"]),
    "lengths that differ": (classifier, X, LABELS[:20], DataError, ["24", "20"]),
    "text for labels": (classifier, X, np.array(["cat", "dog", "emu"])[LABELS], DataError, ["text", "'out'", "np.unique"]),
    "text for inputs": (classifier, np.full((24, 4), "a"), LABELS, DataError, ["text", "'features'"]),
    "objects for inputs": (classifier, np.array([[1, 2], [3]] * 12, dtype=object), LABELS, DataError, ["object"]),
    "rows of different lengths": (classifier, [[1.0, 2.0], [3.0]] * 12, LABELS, DataError, ["pad"]),
    "ids out of range": (words, changed(IDS, (3, 2), 10), X[:, 0], DataError, ["'ids'", "'words'", "from 0 to 9", "x[3][2]", "input_dim=11"]),
    "negative ids": (words, changed(IDS, (3, 2), -1), X[:, 0], DataError, ["Got -1", "'words'"]),
    "ids of an inner model": (lambda: words(inner=True), changed(IDS, (3, 2), 12), X[:, 0], DataError, ["'words'", "Got 12"]),
    "labels of a subclassed model": (subclassed, X, LABELS + 1, DataError, ["from 0 to 2"]),
}  # fmt: skip


def state(model):
    """All that training changes, as bytes."""
    variables = [*model.variables, *(model.optimizer.variables if model.optimizer is not None else ())]
    return {v.path: v.numpy().tobytes() for v in variables}


def check_message(error, says):
    text = str(error)
    lines = text.split("\n")
    assert len(lines) <= 12, text
    assert max(map(len, lines)) <= 140, text
    assert "55440" not in text, text
    for fragment in says:
        assert fragment in text.replace("\n", " "), text


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_fit_and_nothing_has_moved(name, trainable_backend):
    make, x, y, error, says = REFUSED[name]
    model = make()
    before = state(model)
    with pytest.raises(CornuError) as caught:
        model.fit(x, y, verbose=0, batch_size=8)
    assert type(caught.value) is error
    check_message(caught.value, says)
    assert {path: value for path, value in state(model).items() if path in before} == before
    assert all(int(v) == 0 for v in model.optimizer.variables if v.name == "iteration")


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_evaluate_and_on_batches(name, backend):
    make, x, y, error, says = REFUSED[name]
    with pytest.raises(error) as caught:
        make().evaluate(x, y, verbose=0)
    check_message(caught.value, says)
    with pytest.raises(error):
        make().test_on_batch(x, y)
    if backend != "numpy":
        with pytest.raises(error):
            make().train_on_batch(x, y)


BY_PREDICT = [
    name for name, case in REFUSED.items() if any(word in name for word in ("784", "images", "single row", "channels", "input", "ids"))
]


@pytest.mark.parametrize("name", [n for n in BY_PREDICT if "different" not in n])
@pytest.mark.parametrize("batch_size", [8, 64])
def test_refused_by_predict(name, batch_size, backend):
    make, x, _, error, says = REFUSED[name]
    with pytest.raises(error) as caught:
        make().predict(x, batch_size=batch_size, verbose=0)
    check_message(caught.value, says)


def test_weights_of_text_are_refused(trainable_backend):
    model = classifier()
    with pytest.raises(DataError) as caught:
        model.fit(X, LABELS, sample_weight=np.array(["a"] * 24), verbose=0)
    check_message(caught.value, ["text for sample_weight"])


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, True])
def test_a_batch_size_that_is_none_is_refused_by_predict(batch_size):
    with pytest.raises(ArgumentError, match="batch_size must be a whole number above 0"):
        classifier().predict(X, batch_size=batch_size, verbose=0)


def test_the_same_words_on_every_backend():
    def said(name, backend):
        make, x, y, error, _ = REFUSED[name]
        cornu.naming.reset()
        with cornu.use_backend(backend):
            model = make()
            with pytest.raises(error) as caught:
                model.evaluate(x, y, verbose=0)
        return str(caught.value)

    for name in REFUSED:
        first = said(name, "numpy")
        assert said(name, "jax") == first
        assert said(name, "torch") == first


GOOD_AFTER = [
    "one-hot under a sparse loss",
    "a label too large",
    "an input's key mistyped",
    "no channels, the model not built",
    "sequences without features",
]


@pytest.mark.parametrize("name", GOOD_AFTER)
def test_the_model_trains_on_after_a_refusal(name, trainable_backend):
    make, x, y, error, _ = REFUSED[name]
    model = make()
    measured = {} if isinstance(model.loss, dict) else {"metrics": ["accuracy"]}
    model.compile("sgd", model.loss, **measured)
    with pytest.raises(error):
        model.fit(x, y, verbose=0)
    good = {
        "one-hot under a sparse loss": (X, LABELS), "a label too large": (X, LABELS), "an input's key mistyped": (PAIR, [X[:, 0], LABELS]),
        "no channels, the model not built": (IMAGES[..., None], LABELS), "sequences without features": (X[..., None], X[:, 0]),
    }[name]  # fmt: skip
    history = model.fit(*good, epochs=2, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    twin = make()
    twin.compile("sgd", twin.loss, **measured)
    twin.fit(*good, verbose=0)
    assert set(history) == set(twin.history.history)  # the refused batch has not settled which accuracy is meant


# --- what is legitimate -------------------------------------------------------------------------------------------------


class OwnEnd(layers.Layer):
    """A layer whose end nobody knows."""

    def call(self, inputs):
        return cornu.ops.sigmoid(inputs)


def own_loss(y_true, y_pred):
    return cornu.ops.mean(cornu.ops.square(cornu.ops.cast(y_true, "float32")[..., :1] - y_pred), -1)


SEQUENCES, PLACES = RNG.random((24, 5, 4), dtype="float32"), RNG.integers(0, 3, (24, 5))

# name: (model, x, y, sample_weight)
ACCEPTED = {
    "regression with any targets": (lambda: classifier("mse", None, 1), X, LABELS * 1e3 - 500.0, None),
    "(N,) for (N, 1)": (lambda: classifier("mae", None, 1), X, X[:, 0], None),
    "(N, 1) for (N, 1)": (lambda: classifier("mae", None, 1), X, X[:, :1], None),
    "lists of numbers": (lambda: classifier("mse", None, 1), X.tolist(), X[:, 0].tolist(), None),
    "sparse labels in a column": (classifier, X, LABELS[:, None], None),
    "sparse labels as floats": (classifier, X, LABELS.astype("float32"), None),
    "sparse labels as bytes": (classifier, X, LABELS.astype("uint8"), None),
    "sparse labels as a list": (classifier, X, LABELS.tolist(), None),
    "booleans for classes": (lambda: classifier(units=2), X, LABELS > 0, None),
    "an ignored label": (lambda: classifier(SPARSE(ignore_class=-1)), X, changed(LABELS, 5, -1), None),
    "an ignored label above": (lambda: classifier(SPARSE(ignore_class=255)), X, changed(LABELS, 5, 255).astype("uint8"), None),
    "a bad label that weighs nothing": (classifier, X, changed(LABELS, 5, -1), changed(np.ones(24), 5, 0)),
    "logits": (lambda: classifier(SPARSE(from_logits=True), None), X, LABELS, None),
    "a relu under a loss for logits": (lambda: classifier(SPARSE(from_logits=True), "relu"), X, LABELS, None),
    "sigmoid under a loss for logits, by a user's own layer": (lambda: compiled(stack(layers.Dense(3), OwnEnd()), SPARSE(from_logits=True)), X, LABELS, None),
    "smoothed labels": (lambda: classifier(losses.CategoricalCrossentropy(label_smoothing=0.1)), X, ONE_HOT, None),
    "shares for classes": (lambda: classifier("categorical_crossentropy"), X, ONE_HOT * 0.8 + 0.2 / 3, None),
    "shares for a yes or no": (lambda: classifier("binary_crossentropy", "sigmoid", 1), X, X[:, 0], None),
    "several yes or no": (lambda: classifier("binary_crossentropy", "sigmoid", 3), X, ONE_HOT.astype(bool), None),
    "softmax under a binary loss": (lambda: classifier("binary_crossentropy"), X, ONE_HOT, None),
    "a missing yes or no that weighs nothing": (
        lambda: classifier("binary_crossentropy", "sigmoid", 1), X, changed(X[:, 0], 3, -1), changed(np.ones(24), 3, 0),
    ),
    "hinge with -1 and 1": (lambda: classifier("hinge", "tanh", 1), X, LABELS % 2 * 2 - 1, None),
    "a user's own loss, whatever the targets": (lambda: classifier(own_loss, None, 1), X, RNG.random((24, 3)) * 9, None),
    "a class for each place": (per_place, SEQUENCES, PLACES, None),
    "a class for each place, in a column": (
        per_place, SEQUENCES, PLACES[..., None], None,
    ),
    "weights for each place": (
        per_place,
        SEQUENCES, changed(PLACES, (0, 4), -1), changed(np.ones((24, 5)), (0, 4), 0),
    ),
    "padded labels under a mask": (
        lambda: compiled(
            cornu.Sequential([cornu.Input((5,), dtype="int32"), layers.Embedding(10, 4, mask_zero=True), layers.Dense(3, "softmax")]),
            "sparse_categorical_crossentropy",
        ),
        changed(IDS, (slice(None), 4), 0), changed(PLACES, (slice(None), 4), -1), None,
    ),
    "a number for each place": (lambda: compiled(stack(layers.Dense(1), features=(5, 4)), "mse"), SEQUENCES, SEQUENCES[..., 0], None),
    "an image without its axis of channels": (lambda: convolution(1), IMAGES, LABELS, None),
    "inputs by name, and a column more": (two_by_two, {**PAIR, "row": np.arange(24)}, [X[:, 0], LABELS], None),
    "targets by name": (two_by_two, [X, X[:, :2]], {"kind": LABELS, "price": X[:, 0]}, None),
    "no targets for an output without a loss": (lambda: two_by_two({"kind": "sparse_categorical_crossentropy"}), PAIR, {"kind": LABELS}, None),
    "ids up to the last": (words, changed(IDS, (0, 0), 9), X[:, 0], None),
    "ids as floats of whole numbers": (words, IDS.astype("float32"), X[:, 0], None),
    "a subclassed model": (subclassed, X, LABELS, None),
}  # fmt: skip


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name, trainable_backend):
    make, x, y, weight = ACCEPTED[name]
    model = make()
    history = model.fit(x, y, sample_weight=weight, batch_size=8, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    if trainable_backend == "torch":  # the checks are the same, and there is nothing to compile
        assert np.isfinite(model.evaluate(x, y, sample_weight=weight, verbose=0)).all()


def test_softmax_along_another_axis_of_one_unit_is_accepted(trainable_backend):
    scores = layers.Softmax(axis=1)
    model = compiled(stack(layers.Dense(1), scores, features=(5, 4)), "mse")
    assert np.isfinite(model.fit(SEQUENCES, SEQUENCES[..., 0], verbose=0).history["loss"]).all()


def test_a_model_that_writes_its_own_step_decides_what_targets_are(trainable_backend):
    class Own(Subclassed):
        def train_step(self, data):
            x, y = data

            def forward():
                return cornu.ops.mean(cornu.ops.square(self(x, training=True) - y)), None

            (loss, _), grads = cornu.state.value_and_grad(forward, self.trainable_variables)
            self.optimizer.apply(grads, self.trainable_variables)
            return {"loss": loss}

    model = Own()
    model.compile("sgd")
    assert np.isfinite(model.fit(X, ONE_HOT * 7, verbose=0).history["loss"]).all()


# --- sources that are looked at batch by batch --------------------------------------------------------------------------


class Dataset(cornu.utils.PyDataset):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


SOURCES = {"generator": iter, "list of batches": lambda batches: (batch for batch in batches), "PyDataset": Dataset}


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize(
    ("bad", "error", "says"),
    [
        ((X[:8], LABELS[:8] + 1), DataError, ["batch 2", "from 0 to 2"]),
        ((X[:8], ONE_HOT[:8]), DataError, ["one-hot"]),
        ((X[:8, :3], LABELS[:8]), ShapeError, ["(N, 4)", "(N, 3)"]),
    ],
)
def test_a_bad_batch_midway_stops_at_the_weights_before_it(kind, bad, error, says, trainable_backend):
    good = [(X[:8], LABELS[:8]), (X[8:16], LABELS[8:16])]
    model = classifier()
    start = model.get_weights()
    for x, y in good:
        model.train_on_batch(x, y)
    expected = model.get_weights()
    model.set_weights(start)
    with pytest.raises(error) as caught:
        model.fit(SOURCES[kind]([*good, bad, *good]), verbose=0, shuffle=False)
    check_message(caught.value, says)
    assert int(model.optimizer.iterations) == 4
    for ours, theirs in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_look_at_a_small_batch_costs_microseconds():
    model = classifier()
    model.fit(X, LABELS, verbose=0)
    labels = LABELS[:32].astype("int32")
    best = min(timeit.repeat(lambda: model._check_values_(X, labels, None), number=2000, repeat=7)) / 2000
    assert best < 20e-6  # about 2 µs on an idle machine


# --- names, and what `compile` can know -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"loss": "mse2"}, "'mse'"),
        ({"loss": "sparse_categorical_crossentopy"}, "'sparse_categorical_crossentropy'"),
        ({"loss": "mse", "optimizer": "adma"}, "Adam"),
        ({"loss": "mse", "metrics": ["acuracy"]}, "'accuracy'"),
        ({"loss": "mse", "weighted_metrics": ["mea"]}, "'MAE'"),
    ],
)
def test_misspelt_names_fail_in_compile_with_the_nearest(how, says, trainable_backend):
    model = stack(layers.Dense(1))
    with pytest.raises(UnknownNameError) as caught:
        model.compile(**{"optimizer": "sgd", **how})
    check_message(caught.value, [says])
    assert not model.compiled


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"loss": {"prize": "mse"}}, "'price'"),
        ({"loss": "mse", "metrics": {"prize": ["mae"]}}, "'price'"),
        ({"loss": "mse", "loss_weights": {"knid": 2.0}}, "'kind'"),
        ({"loss": ["mse"]}, "'kind'"),
        ({"loss": "mse", "metrics": ["mae", "mse", "mae"]}, "'kind'"),
        ({"loss": 3}, "3"),
        ({"loss": "mse", "metrics": [3]}, "3"),
        ({"loss": "mse", "optimizer": 3}, "3"),
        ({"loss": "mse", "on_nonfinite": "rise"}, "'raise'"),
        ({"loss": "mse", "loss_weights": "a"}, "'a'"),
        ({"loss": "mse", "loss_weights": {"kind": "2"}}, "'2'"),
        ({"loss": "mse", "steps_per_execution": "auto"}, "'auto'"),
        ({"loss": "mse", "steps_per_execution": 2.5}, "2.5"),
        ({"loss": "mse", "run_eagerly": "no"}, "'no'"),
    ],
)
def test_what_cannot_be_meant_fails_in_compile_and_the_old_settings_stay(how, says, trainable_backend):
    model = two_by_two()
    before = vars(model).copy()
    with pytest.raises(ArgumentError) as caught:
        model.compile(**{"optimizer": "sgd", **how})
    check_message(caught.value, [says])
    assert vars(model) == before


@pytest.mark.parametrize(("argument", "value", "says"), [("activation", "rellu", "'relu'"), ("kernel_initializer", "glorot", "glorot_")])
def test_misspelt_names_fail_in_the_constructor(argument, value, says):
    with pytest.raises(UnknownNameError, match=says):
        layers.Dense(3, **{argument: value})


@pytest.mark.parametrize("call", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_training_before_compile(call, trainable_backend):
    with pytest.raises(NotCompiledError, match="compile"):
        getattr(stack(layers.Dense(1)), call)(X, X[:, 0])


@pytest.mark.parametrize(
    ("validation", "error"), [((X[:, :3], LABELS), ShapeError), ((X, LABELS + 5), DataError), ((X, ONE_HOT), DataError), ((X,), DataError)]
)
def test_validation_data_is_refused_before_training(validation, error, trainable_backend):
    model = classifier()
    before = state(model)
    with pytest.raises(error) as caught:
        model.fit(X, LABELS, validation_data=validation if len(validation) == 2 else validation[0], verbose=0)
    check_message(caught.value, ["validation_data"])
    assert {path: value for path, value in state(model).items() if path in before} == before


def test_a_failed_build_leaves_the_layers_as_they_were(backend):
    model = cornu.Sequential([layers.Dense(4), layers.Conv2D(2, 3), layers.Dense(3)])
    names = [layer.name for layer in model.layers]
    with contextlib.suppress(ShapeError):
        model.predict(X, verbose=0)
    assert [layer.name for layer in model.layers] == names
    assert not any(layer.built for layer in model.layers)
    assert model.weights == []
    assert model.predict(IMAGES[..., None], verbose=0).shape == (24, 6, 6, 3)


@pytest.mark.parametrize(("home", "holds"), [("numpy", True), ("tensorflow", True), ("jax", False), ("torch", False)])
def test_texts_are_refused_where_the_backend_holds_none(home, holds):
    pytest.importorskip(home)
    with cornu.use_backend(home):
        model = cornu.Sequential([cornu.Input((1,), dtype="string", name="town"), layers.StringLookup(vocabulary=["a"])])
        if holds:
            assert np.asarray(model.predict(np.array([["a"], ["b"]], object), verbose=0)).tolist() == [[1], [0]]
        else:
            with pytest.raises(DataError, match=rf"'town' is of texts, and the backend '{home}' holds numbers alone"):
                model.predict(np.array([["a"], ["b"]], object), verbose=0)
