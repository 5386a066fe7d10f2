"""Mistakes that everybody makes once, each a small program. What names the mend stands beside it, as a pattern of the message."""

import numpy as np

import cornu
from cornu import layers

RAISED, WARNED = [], []


def raises(pattern):
    """The program ends with an error of Cornu whose message has this."""

    def enter(program):
        RAISED.append((program, pattern))
        return program

    return enter


def warns(pattern):
    """The program is legal and runs to its end, with a warning that has this."""

    def enter(program):
        WARNED.append((program, pattern))
        return program

    return enter


def digits(rows=40, features=64):
    rng = np.random.default_rng(0)
    return rng.random((rows, features), dtype="float32"), rng.integers(0, 10, rows)


def classifier(features=64, units=10, activation="softmax", loss="sparse_categorical_crossentropy", metrics=None):
    model = cornu.Sequential([cornu.Input((features,)), layers.Dense(units, activation=activation, name="out")])
    model.compile("adam", loss, metrics=metrics, run_eagerly=True)
    return model


# --- making the model ---------------------------------------------------------------------------------------------------


@raises(r"'activaton': did you mean 'activation'\?")
def wrong_keyword():
    layers.Dense(32, activaton="relu")


@raises("Did you mean 'filters' by 'filter'")
def wrong_keyword_of_a_convolution():
    layers.Conv2D(filter=8, kernel_size=3)


@raises(r"`Dense\(units=…\)`")
def no_units():
    layers.Dense(activation="relu")


@raises("Did you mean 'relu'")
def activation_misspelt():
    layers.Dense(3, activation="rleu")


@raises(r"Did you mean .*'he_normal'|Did you mean .*'HeNormal'")
def initializer_misspelt():
    layers.Dense(3, kernel_initializer="he_norml")


@raises(r"return_sequences=True")
def lstm_on_the_last_step_of_another():
    cornu.Sequential([cornu.Input((7, 3)), layers.LSTM(4), layers.LSTM(4)])


@raises(r"\(batch, .*\)|3 axes|ndim=3|three")
def lstm_on_two_axes():
    cornu.Sequential([cornu.Input((7,)), layers.LSTM(4)])


@raises("channel")
def image_without_a_channel_axis():
    cornu.Sequential([cornu.Input((28, 28)), layers.Conv2D(8, 3)])


@raises("Input")
def arrays_as_the_ends_of_a_graph():
    x, y = digits()
    cornu.Model(inputs=x, outputs=y)


@raises("same graph|not come from|connected|computed from")
def an_output_of_another_graph():
    first, second = cornu.Input((3,)), cornu.Input((3,))
    cornu.Model(first, layers.Dense(2)(second))


@raises("takes layers")
def an_array_in_a_stack():
    cornu.Sequential([cornu.Input((3,)), np.ones((3, 2))])


@raises(r"shape=\(784,\)|a tuple")
def a_shape_that_is_a_number():
    cornu.Input(784)


@raises(r"cornu\.ops")
def numpy_on_a_symbolic_tensor():
    hidden = layers.Dense(3)(cornu.Input((4,)))
    np.exp(hidden)


@raises(r"Concatenate|concatenat")
def branches_that_do_not_fit():
    a, b = cornu.Input((3,)), cornu.Input((4,))
    layers.Add()([a, b])


@raises(r"dense_\d+\(dense_\d+\(x\)\)|dense\(dense_\d+\(x\)\)")
def a_layer_given_a_layer():
    layers.Dense(3)(layers.Dense(4))


# --- compile ------------------------------------------------------------------------------------------------------------


@raises("Did you mean .*'categorical_crossentropy'")
def loss_misspelt():
    classifier(loss="categorical_crosentropy")


@raises("Did you mean .*'accuracy'")
def metric_misspelt():
    classifier(metrics=["acuracy"])


@raises("Did you mean .*'adam'")
def optimizer_misspelt():
    classifier().compile("adm", "mse")


@raises(r"metrics=\['accuracy', 'mae'\]")
def metrics_in_one_text():
    x, y = digits()
    classifier(metrics="accuracy, mae").fit(x, y, verbose=0)


@raises("from_logits")
def a_sigmoid_under_a_loss_for_logits():
    x, y = digits()
    loss = cornu.losses.BinaryCrossentropy(from_logits=True)
    classifier(units=1, activation="sigmoid", loss=loss).fit(x, y % 2, verbose=0)


@raises("sigmoid")
def a_softmax_over_one_unit():
    x, y = digits()
    classifier(units=1, loss="binary_crossentropy").fit(x, y % 2, verbose=0)


# --- fit ----------------------------------------------------------------------------------------------------------------


@raises(r"model\.compile\(")
def fit_before_compile():
    x, y = digits()
    cornu.Sequential([cornu.Input((64,)), layers.Dense(10)]).fit(x, y)


@raises("categorical_crossentropy'")
def one_hot_labels_under_a_sparse_loss():
    x, y = digits()
    classifier().fit(x, np.eye(10)[y], verbose=0)


@raises("sparse_categorical_crossentropy|to_categorical")
def class_numbers_under_a_loss_for_one_hot_rows():
    x, y = digits()
    classifier(loss="categorical_crossentropy").fit(x, y, verbose=0)


@raises(r"Input\(\(64,\)\)|64 features|784 features")
def a_model_for_other_features():
    x, y = digits()
    classifier(features=784).fit(x, y, verbose=0)


@raises("y - 1|subtract|from 0 to 9|0 to 9")
def labels_from_1_to_10():
    x, y = digits()
    classifier().fit(x, y + 1, verbose=0)


@raises("np.unique|return_inverse")
def labels_as_texts():
    x, y = digits()
    classifier().fit(x, np.array(["cat", "dog"])[y % 2], verbose=0)


@raises("rows")
def x_and_y_of_different_lengths():
    x, y = digits()
    classifier().fit(x, y[:-3], verbose=0)


@raises(r"NaN|nan")
def nan_in_the_data():
    x, y = digits()
    x[3, 5] = np.nan
    classifier().fit(x, y, verbose=0)


@raises(r"validation_data.*\(x, y\)|\(x_val, y_val\)|\(x, y\)")
def validation_data_without_targets():
    x, y = digits()
    classifier().fit(x, y, validation_data=x[:8], verbose=0)


@raises("validation_data")
def validation_data_of_other_features():
    x, y = digits()
    classifier().fit(x, y, validation_data=(x[:, :3], y), verbose=0)


@raises("Give y|needs targets")
def no_targets():
    x, _ = digits()
    classifier().fit(x, verbose=0)


@raises(r"\(x, y\)|\(x, y, sample_weight\)")
def a_generator_that_yields_too_much():
    x, y = digits()

    def batches():
        while True:
            yield x[:8], y[:8], np.ones(8), "and more"

    classifier().fit(batches(), steps_per_epoch=2, verbose=0)


@raises("call it")
def a_generator_that_is_not_called():
    x, y = digits()

    def batches():
        yield x, y

    classifier().fit(batches, steps_per_epoch=1, verbose=0)


@raises("at least one row")
def no_rows():
    x, y = digits()
    classifier().fit(x[:0], y[:0], verbose=0)


@raises("leaves nothing|validation_split")
def a_split_that_takes_everything():
    x, y = digits()
    classifier().fit(x, y, validation_split=1.0, verbose=0)


@raises("callbacks=\\[|Callback|EarlyStopping\\(\\)")
def a_callback_that_is_not_made():
    x, y = digits()
    classifier().fit(x, y, callbacks=[cornu.callbacks.EarlyStopping], verbose=0)


@raises("epochs")
def epochs_as_text():
    x, y = digits()
    classifier().fit(x, y, epochs="10", verbose=0)


@raises("Flatten|return_sequences|pool")
def no_flatten_before_the_classes():
    _, y = digits()
    model = cornu.Sequential([cornu.Input((8, 8)), layers.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=True)
    model.fit(np.zeros((40, 8, 8), "float32"), y, verbose=0)


@raises(r"units")
def more_units_than_targets():
    x, _ = digits()
    classifier(units=3, activation=None, loss="mse").fit(x, np.zeros((40, 2)), verbose=0)


# --- afterwards ---------------------------------------------------------------------------------------------------------


@raises(r"64 features|Input\(\(3,\)\)")
def predict_with_other_features():
    x, _ = digits()
    classifier().predict(x[:, :3], verbose=0)


@raises(r"x\[None\]")
def predict_without_the_batch_axis():
    x, _ = digits()
    classifier().predict(x[0], verbose=0)


@raises("Did you mean 'out'")
def a_layer_by_a_misspelt_name():
    classifier().get_layer("ot")


@raises(r"shape")
def weights_of_another_shape():
    classifier().get_layer("out").set_weights([np.zeros((3, 3)), np.zeros(3)])


@raises("No such file")
def a_file_that_is_not_there():
    cornu.models.load_model("no-such-model.keras")


# --- legal, but most likely not what is meant ---------------------------------------------------------------------------


@warns("val_loss.*validation")
def watching_a_metric_of_no_validation():
    x, y = digits()
    classifier().fit(x, y, callbacks=[cornu.callbacks.EarlyStopping(monitor="val_loss")], verbose=0)


@warns("ran out of data")
def a_generator_that_runs_dry():
    x, y = digits()
    classifier().fit(((x[:8], y[:8]) for _ in range(3)), steps_per_epoch=5, epochs=1, verbose=0)
