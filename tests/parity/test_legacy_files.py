"""Whole models and weights in `.h5` files: the real Keras opens ours, and we open Keras's.

Two things Keras 3.15 cannot do with files of its own, so that they are asked of Cornu alone: read a graph with ops, and go on training with
the optimizer's state.
"""

import contextlib

import h5py
import numpy as np
import pytest

pytestmark = pytest.mark.parity

import cornu  # noqa: E402
from cornu import ops, tree  # noqa: E402
from cornu.saving import load_model  # noqa: E402


def numbers(rng, shape, dtype="float32"):
    return rng.integers(1, 7, shape).astype("int32") if dtype == "int32" else rng.normal(size=shape).astype("float32")


def close(ours, theirs, tolerance=1e-5):
    for a, b in zip(tree.flatten(ours), tree.flatten(theirs), strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(a), np.asarray(b), rtol=tolerance, atol=tolerance)


def stack(module):
    layers = module.layers
    return module.Sequential(
        [
            module.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation=layers.LeakyReLU(0.2), kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.DepthwiseConv2D(3, depthwise_constraint="max_norm"),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.5),
            layers.Dense(2, kernel_initializer="uniform", dtype="float32"),
        ]
    ), (8, 8, 3)


def recurrent(module):
    i = module.Input((6, 3), name="i")
    x = module.layers.Bidirectional(module.layers.LSTM(2, return_sequences=True))(i)
    x = module.layers.TimeDistributed(module.layers.Dense(3))(x)
    x, h = module.layers.GRU(3, return_state=True)(x)
    y = module.layers.RNN([module.layers.LSTMCell(3), module.layers.GRUCell(3)])(i)
    return module.Model(i, [module.layers.Concatenate()([x, y]), module.layers.GRU(3)(i, initial_state=h)]), (6, 3)


def nested(module):
    i, j = module.Input((3,)), module.Input((3,))
    inner = module.Model(j, module.layers.BatchNormalization()(module.layers.Dense(3)(j)), name="inner")
    within = module.Sequential([module.Input((3,)), module.layers.Dense(3), module.Sequential([module.layers.Dense(3)])], name="stack")
    shared = module.layers.Dense(3)
    x = shared(within(shared(i)))
    inner.layers[1].trainable = False
    return module.Model(i, {"b": [inner(inner(x)), within(x)], "a": inner(x)}), (3,)


def with_ops(module):
    o = module.ops
    i = module.Input((6, 3))
    x = o.relu(module.layers.Dense(4)(i)) * 2.0 + 1
    x = o.concatenate([x, 1 - x], axis=-1)[:, 1:4]
    return module.Model(i, module.layers.Dense(2)(o.mean(x, axis=(1, 2), keepdims=True))), (6, 3)


def spread(model, rng):
    for v in model.weights:
        v.assign(np.abs(rng.normal(size=v.shape)).astype("float32"))


@pytest.mark.parametrize("build", [stack, recurrent, nested], ids=lambda f: f.__name__)
def test_a_model_goes_both_ways(keras, tmp_path, rng, build):
    (model, shape), (theirs, _) = build(cornu), build(keras)
    x = numbers(rng, (2, *shape))
    for one in (model, theirs):
        spread(one, rng)
    model.save(tmp_path / "ours.h5")
    close(model(x), keras.saving.load_model(tmp_path / "ours.h5")(x))
    theirs.save(tmp_path / "theirs.h5")
    read = load_model(tmp_path / "theirs.h5")
    close(read(x), theirs(x))
    read.save(tmp_path / "again.h5")
    close(read(x), keras.saving.load_model(tmp_path / "again.h5")(x))
    model.load_weights(tmp_path / "theirs.h5")  # the same architecture, other names
    close(model(x), theirs(x))


def test_a_graph_with_ops_of_keras(keras, tmp_path, rng):
    theirs, shape = with_ops(keras)
    theirs.save(tmp_path / "m.h5")
    x = numbers(rng, (2, *shape))
    close(load_model(tmp_path / "m.h5")(x), theirs(x))


def test_masks_of_keras(keras, tmp_path):
    i = keras.Input((6,), dtype="int32")
    x = keras.layers.LSTM(4, return_sequences=True)(keras.layers.Embedding(7, 3, mask_zero=True)(i))
    theirs = keras.Model(i, keras.layers.LSTM(2)(x))
    theirs.save(tmp_path / "m.h5")
    x = np.array([[1, 2, 3, 0, 0, 0], [4, 5, 6, 1, 2, 3]], "int32")
    close(load_model(tmp_path / "m.h5")(x), theirs(x))


def registered(module):
    @module.saving.register_keras_serializable("legacy_parity")
    class Own(module.layers.Layer):
        def __init__(self, start=1.0, **kwargs):
            super().__init__(**kwargs)
            self.start = start

        def build(self, input_shape):
            self.fixed = self.add_weight(shape=(input_shape[-1],), name="fixed", trainable=False)
            self.factor = self.add_weight(shape=(input_shape[-1],), name="factor")

        def call(self, inputs):
            return inputs * self.factor * self.start + self.fixed

        def get_config(self):
            return {**super().get_config(), "start": self.start}

    @module.saving.register_keras_serializable("legacy_parity")
    def squares(y_true, y_pred):
        return module.ops.mean((y_true - y_pred) ** 2, axis=-1)

    model = module.Sequential([module.Input((4,)), Own(0.5), module.layers.Dense(2)])
    model.compile(module.optimizers.SGD(0.1, momentum=0.5), squares, metrics=[squares, "mae"])
    return model


def test_registered_classes_and_functions_go_both_ways(keras, tmp_path, rng):
    model, theirs = registered(cornu), registered(keras)
    x, y = numbers(rng, (8, 4)), numbers(rng, (8, 2))
    for one in (model, theirs):
        spread(one, rng)
        one.fit(x, y, verbose=0)
    model.save(tmp_path / "ours.h5")
    theirs.save(tmp_path / "theirs.h5")
    one, other = keras.saving.load_model(tmp_path / "ours.h5"), load_model(tmp_path / "theirs.h5")
    close(model(x), one(x))
    close(other(x), theirs(x))
    close(model.evaluate(x, y, verbose=0), one.evaluate(x, y, verbose=0), 1e-4)
    close(other.evaluate(x, y, verbose=0), theirs.evaluate(x, y, verbose=0), 1e-4)
    assert int(other.optimizer.iterations) == int(one.optimizer.iterations) == 1


@pytest.mark.parametrize("loss", ["mse", "mae", "bce", "categorical_crossentropy", {"class_name": "MeanSquaredError", "config": {}}])
def test_losses_by_any_name_are_written_so_that_keras_reads_them(keras, tmp_path, loss):
    model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(2, "softmax")])
    model.compile("adam", loss if isinstance(loss, str) else cornu.losses.get(loss), metrics=["mse", "acc", "auc"])
    model.save(tmp_path / "m.h5")
    assert keras.saving.load_model(tmp_path / "m.h5").compiled


@pytest.mark.parametrize("loss", ["mse", "mae", "mape", "bce"])
@pytest.mark.parametrize("ending", [".h5", ".keras"])
def test_losses_and_metrics_of_keras_by_their_short_names(keras, tmp_path, rng, loss, ending):
    theirs = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, "sigmoid")])
    theirs.compile("adam", loss, metrics=["mse", "mae", "acc"], weighted_metrics=["mape"])
    x, y = numbers(rng, (8, 4)), rng.uniform(0.1, 0.9, size=(8, 2)).astype("float32")
    theirs.fit(x, y, verbose=0)
    theirs.save(tmp_path / f"m{ending}")
    model = load_model(tmp_path / f"m{ending}")
    theirs_found, found = theirs.evaluate(x, y, verbose=0, return_dict=True), model.evaluate(x, y, verbose=0, return_dict=True)
    assert set(found) == set(theirs_found)
    for name, value in found.items():
        np.testing.assert_allclose(value, theirs_found[name], rtol=1e-4)


@pytest.mark.parametrize(
    "optimizer",
    [
        {"class_name": "Adam", "config": {"learning_rate": 0.01, "amsgrad": True}},
        {"class_name": "RMSprop", "config": {"learning_rate": 0.001, "momentum": 0.5, "centered": True}},
        {"class_name": "SGD", "config": {"learning_rate": {"module": "keras.optimizers.schedules", "class_name": "ExponentialDecay",
                                                           "config": {"initial_learning_rate": 0.1, "decay_steps": 2, "decay_rate": 0.5}},
                                         "momentum": 0.5}},
    ],
    ids=lambda o: o["class_name"],
)  # fmt: skip
def test_training_of_keras_goes_on_here(keras, trainable_backend, tmp_path, rng, optimizer):
    x, y = numbers(rng, (16, 4)), numbers(rng, (16, 2))
    theirs = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "tanh"), keras.layers.Dense(2)])
    spread(theirs, rng)
    theirs.compile(keras.optimizers.get(optimizer), "mse")
    run = {"epochs": 2, "batch_size": 8, "shuffle": False, "verbose": 0}
    theirs.fit(x, y, **run)
    theirs.save(tmp_path / "m.h5")
    model = load_model(tmp_path / "m.h5")
    close(model.fit(x, y, **run).history["loss"], theirs.fit(x, y, **run).history["loss"], 1e-4)


def test_long_lists_of_layers_go_both_ways(keras, tmp_path, rng):
    def deep(module):
        return module.Sequential([module.Input((1,)), *(module.layers.Dense(1, name=f"{'x' * 720}{n}") for n in range(100))])

    model, theirs = deep(cornu), deep(keras)
    theirs.save(tmp_path / "theirs.h5")
    with h5py.File(tmp_path / "theirs.h5") as file:
        assert "layer_names1" in file["model_weights"].attrs
    model.load_weights(tmp_path / "theirs.h5")
    for mine, other in zip(model.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_our_lists_of_several_attributes_are_read_by_keras(keras, tmp_path):
    model = cornu.Sequential([cornu.Input((1,)), *(cornu.layers.Dense(1, use_bias=False) for _ in range(3))])
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "a") as file:
        names = list(file["model_weights"].attrs["layer_names"])
        del file["model_weights"].attrs["layer_names"]
        file["model_weights"].attrs["layer_names0"] = names[:2]
        file["model_weights"].attrs["layer_names1"] = names[2:]
    x = np.ones((1, 1), "float32")
    close(model(x), keras.saving.load_model(tmp_path / "m.h5")(x))
    close(model(x), load_model(tmp_path / "m.h5")(x))


@pytest.mark.parametrize("how", [{}, {"by_name": True}, {"by_name": True, "skip_mismatch": True}])
def test_weights_are_read_as_keras_reads_them(keras, tmp_path, rng, how):
    def made(module, last):
        names = [("first", 3), ("second", 4), ("third", last)]
        return module.Sequential([module.Input((3,)), *(module.layers.Dense(n, name=name) for name, n in names)])

    source = made(keras, 2)
    source.save(tmp_path / "w.h5")
    last = 5 if "skip_mismatch" in how else 2
    model, theirs = made(cornu, last), made(keras, last)
    for mine, other in zip(model.weights, theirs.weights, strict=True):
        mine.assign(np.asarray(other))
    for one in (theirs, model):
        with pytest.warns(UserWarning, match="third") if "skip_mismatch" in how else contextlib.nullcontext():
            one.load_weights(tmp_path / "w.h5", **how)
    for mine, other in zip(model.get_weights()[:4], theirs.get_weights()[:4], strict=True):
        np.testing.assert_array_equal(mine, other)
