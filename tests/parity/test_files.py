"""The real Keras opens our files and we open Keras's; both compute the same, and training goes on along the same curve."""

import json
import zipfile

import numpy as np
import pytest

pytestmark = pytest.mark.parity

import cornu  # noqa: E402
from cornu import layers, ops, tree  # noqa: E402
from cornu.ops.dispatch import OPS  # noqa: E402
from cornu.saving import keras_ops, load_model  # noqa: E402


def numbers(rng, shape, dtype="float32"):
    return rng.integers(0, 7, shape).astype("int32") if dtype == "int32" else rng.normal(size=shape).astype("float32")


def close(ours, theirs, tolerance=1e-5):
    for a, b in zip(tree.flatten(ours), tree.flatten(theirs), strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(a), np.asarray(b), rtol=tolerance, atol=tolerance)


def both_ways(keras, tmp_path, model, theirs, x):
    """Ours read by Keras, Keras's read by us, and Keras's read by us, written again, and read by Keras."""
    model.save(tmp_path / "ours.keras")
    close(model(x), keras.saving.load_model(tmp_path / "ours.keras")(x))
    theirs.save(tmp_path / "theirs.keras")
    read = load_model(tmp_path / "theirs.keras")
    close(read(x), theirs(x))
    read.save(tmp_path / "again.keras")
    close(read(x), keras.saving.load_model(tmp_path / "again.keras")(x))


# --- layers, one by one -----------------------------------------------------------------------------------------------

SEQUENCE, IMAGE, VECTOR, IDS = (6, 3), (8, 8, 3), (5,), (6,)
LAYERS = [
    ("Dense", VECTOR, (3,), {"activation": "gelu", "kernel_regularizer": "l2"}),
    ("BatchNormalization", IMAGE, (), {}),
    ("LayerNormalization", SEQUENCE, (), {}),
    ("Conv1D", SEQUENCE, (2, 3), {"padding": "causal"}),
    ("Conv2D", IMAGE, (4, 3), {"strides": 2, "padding": "same"}),
    ("PReLU", IMAGE, (), {"shared_axes": [1, 2]}),
    ("Embedding", IDS, (7, 3), {}),
    ("SimpleRNN", SEQUENCE, (2,), {}),
    ("LSTM", SEQUENCE, (2,), {"return_sequences": True}),
    ("GRU", SEQUENCE, (2,), {}),
    ("GRU", SEQUENCE, (2,), {"reset_after": False, "go_backwards": True}),
    ("Dropout", VECTOR, (0.5,), {}),
    ("ZeroPadding2D", IMAGE, (1,), {}),
    ("UpSampling2D", IMAGE, (2,), {}),
    ("GlobalAveragePooling2D", IMAGE, (), {}),
    ("Permute", SEQUENCE, ((2, 1),), {}),
]


@pytest.mark.parametrize(("name", "shape", "args", "kwargs"), LAYERS, ids=lambda v: v if isinstance(v, str) else None)
def test_a_layer_goes_both_ways(keras, tmp_path, rng, name, shape, args, kwargs):
    dtype = "int32" if name == "Embedding" else "float32"

    def made(module):
        model = module.Sequential([module.Input(shape, dtype=dtype), getattr(module.layers, name)(*args, **kwargs)])
        for v in model.weights:
            v.assign(np.abs(rng.normal(size=v.shape)).astype("float32"))
        return model

    both_ways(keras, tmp_path, made(cornu), made(keras), numbers(rng, (4, *shape), dtype))


# --- models of every kind ---------------------------------------------------------------------------------------------


def masked(module):
    i = module.Input((6,), dtype="int32")
    x = module.layers.Embedding(7, 3, mask_zero=True)(i)
    x = module.layers.LSTM(4, return_sequences=True)(x)
    return module.Model(i, module.layers.LSTM(2)(x)), "int32"


def wrapped(module):
    i = module.Input((6, 3))
    x = module.layers.Masking()(i)
    x = module.layers.Bidirectional(module.layers.GRU(3, return_sequences=True))(x)
    x = module.layers.TimeDistributed(module.layers.Dense(2))(x)
    return module.Model(i, module.layers.RNN([module.layers.LSTMCell(3), module.layers.GRUCell(2)])(x)), "float32"


def stateful_edges(module):
    i = module.Input((6, 3))
    x, h, c = module.layers.LSTM(3, return_state=True)(i)
    return module.Model(i, [module.layers.LSTM(3)(i, initial_state=[h, c]), x]), "float32"


def nested(module):
    i, j = module.Input((6, 3)), module.Input((3,))
    inner = module.Model(j, module.layers.Dense(3, name="within")(j), name="inner")
    stack = module.Sequential([module.Input((3,)), module.layers.Dense(3), module.Sequential([module.layers.Dense(3)])], name="stack")
    x = module.layers.GlobalAveragePooling1D()(i)
    inner(stack(x))  # a call that no output needs
    return module.Model(i, {"b": [inner(inner(x)), stack(x)], "a": inner(x)}), "float32"


def op_graph(module):
    o = module.ops
    i = module.Input((6, 3))
    x = o.where(i > 0, i, np.array([1, 2, 3], "float32")) * 2.0
    x = o.concatenate([x, 1 - i], axis=-1)[:, 1:4]
    left, right = o.split(x, 2, axis=-1)
    x = o.einsum("bij,bkj->bik", left, right) / 3 + o.mean(left, axis=(1, 2), keepdims=True)
    x = o.pad(o.clip(x, -1, 1), ((0, 0), (1, 1), (0, 0)), constant_values=2.0)
    x = o.take(x, np.array([0, 2]), axis=1) @ o.transpose(x, (0, 2, 1))
    x = o.softmax(o.maximum(-abs(x), -3.0) ** 2, axis=-1)
    return module.Model(i, [o.top_k(x, 2)[0], o.one_hot(o.argmax(x, axis=-1), 5), o.expand_dims(o.logsumexp(x, axis=-1), 1)]), "float32"


@pytest.mark.parametrize("build", [masked, wrapped, stateful_edges, nested, op_graph], ids=lambda f: f.__name__)
def test_a_graph_goes_both_ways(keras, tmp_path, rng, build):
    (model, dtype), (theirs, _) = build(cornu), build(keras)
    shape = (4, 6) if dtype == "int32" else (4, 6, 3)
    both_ways(keras, tmp_path, model, theirs, numbers(rng, shape, dtype))


@pytest.mark.parametrize("ending", [".weights.h5", ".weights.json"])
def test_weights_alone_go_both_ways(keras, tmp_path, rng, ending):
    (model, _), (theirs, _) = nested(cornu), nested(keras)
    x = numbers(rng, (4, 6, 3))
    size = {} if ending == ".weights.h5" else {"max_shard_size": 1e-7}
    model.save_weights(tmp_path / f"ours{ending}", **size)
    theirs.load_weights(tmp_path / f"ours{ending}")
    close(model(x), theirs(x))
    for v in theirs.weights:
        v.assign(v + 1)
    theirs.save_weights(tmp_path / f"theirs{ending}", **size)
    model.load_weights(tmp_path / f"theirs{ending}")
    close(model(x), theirs(x))


def test_a_registered_class_goes_both_ways(keras, tmp_path, rng):
    def scale_of(module):
        @module.saving.register_keras_serializable("parity")
        class Scale(module.layers.Layer):
            def __init__(self, start=1.0, **kwargs):
                super().__init__(**kwargs)
                self.start = start
                self.inner = [module.layers.Dense(3), module.layers.Dense(2)]

            def build(self, input_shape):
                self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")
                self.inner[0].build(input_shape)
                self.inner[1].build((*input_shape[:-1], 3))

            def call(self, inputs):
                return self.inner[1](self.inner[0](inputs * self.factor * self.start))

            def get_config(self):
                return {**super().get_config(), "start": self.start}

        return module.Sequential([module.Input((4,)), Scale(0.5), module.layers.Dense(2)])

    both_ways(keras, tmp_path, scale_of(cornu), scale_of(keras), numbers(rng, (3, 4)))


def test_a_subclassed_model_goes_both_ways(keras, tmp_path, rng):
    def net_of(module):
        @module.saving.register_keras_serializable("parity")
        class Net(module.Model):
            def __init__(self, units=3, **kwargs):
                super().__init__(**kwargs)
                self.units = units
                self.zeroth = module.layers.Dense(4)
                self.many = {"one": module.layers.Dense(4), "two": [module.layers.Dense(4)]}
                self._last = module.layers.Dense(units)

            def call(self, inputs):
                return self._last(self.many["two"][0](self.many["one"](self.zeroth(inputs))))

            def get_config(self):
                return {**super().get_config(), "units": self.units}

        return Net(2)

    x = numbers(rng, (3, 4))
    model, theirs = net_of(cornu), net_of(keras)
    model(x)
    theirs(x)
    both_ways(keras, tmp_path, model, theirs, x)


# --- training goes on -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "optimizer",
    [
        {"class_name": "Adam", "config": {"learning_rate": 0.01, "amsgrad": True}},
        {"class_name": "SGD", "config": {"learning_rate": 0.01, "momentum": 0.9, "nesterov": True}},
        {"class_name": "RMSprop", "config": {"learning_rate": 0.001, "momentum": 0.5, "centered": True}},
        {"class_name": "Nadam", "config": {"clipnorm": 1.0}},
    ],
    ids=lambda o: o["class_name"],
)
def test_training_goes_on_along_the_same_curve(keras, trainable_backend, tmp_path, rng, optimizer):
    x, y = numbers(rng, (16, 8, 8, 3)), numbers(rng, (16, 2))
    model = cornu.Sequential(
        [
            cornu.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation="tanh"),
            layers.BatchNormalization(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, kernel_regularizer="l2"),
        ]
    )
    model.compile(cornu.optimizers.get(optimizer), "mse", metrics=["mae"])
    run = {"epochs": 2, "batch_size": 8, "shuffle": False, "verbose": 0}
    model.fit(x, y, **run)
    model.save(tmp_path / "ours.keras")
    theirs = keras.saving.load_model(tmp_path / "ours.keras")
    assert len(theirs.optimizer.variables) == len(model.optimizer.variables)
    close(model.fit(x, y, **run).history["loss"], theirs.fit(x, y, **run).history["loss"], 1e-4)
    theirs.save(tmp_path / "theirs.keras")
    again = load_model(tmp_path / "theirs.keras")
    close(again.fit(x, y, **run).history["loss"], theirs.fit(x, y, **run).history["loss"], 1e-4)


# --- configurations ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_what_only_our_compile_takes_does_keras_no_harm(keras, tmp_path, ending):
    x, y = np.ones((2, 3), "float32"), np.ones((2, 1), "float32")
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mean_squared_error", on_nonfinite="skip", auto_scale_loss=False)
    expected = model.evaluate(x, y, verbose=0)
    model.save(tmp_path / f"m{ending}")
    theirs = keras.saving.load_model(tmp_path / f"m{ending}")
    assert theirs.compiled
    assert theirs.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-5)
    theirs.save(tmp_path / f"again{ending}")
    assert load_model(tmp_path / f"again{ending}").evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("chain", [False, True])
def test_checkpoints_in_the_format_of_orbax(keras, trainable_backend, tmp_path, chain):
    pytest.importorskip("orbax.checkpoint")

    def made(library):
        parts = library.layers
        steps = [parts.Dense(2, name="a"), parts.BatchNormalization(name="norm"), parts.Dropout(0.1), parts.Dense(1, name="b")]
        inputs = outputs = library.Input((3,))
        for step in steps:
            outputs = step(outputs)
        return library.Sequential([library.Input((3,)), *steps]) if chain else library.Model(inputs, outputs)

    theirs, ours = made(keras), made(cornu)
    theirs.compile("adam", "mse")
    saving = keras.callbacks.OrbaxCheckpoint(directory=str(tmp_path / "o"))
    theirs.fit(np.ones((8, 3), "float32"), np.ones((8, 1), "float32"), verbose=0, callbacks=[saving])
    ours.load_weights(tmp_path / "o")
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_graph_is_written_word_for_word_as_keras_writes_it(keras):
    keras.backend.clear_session()
    cornu.utils.clear_session()

    def made(module):
        i = module.Input((6, 3), name="i")
        dense = module.layers.Dense(3, name="d")
        x = module.layers.Concatenate(name="c")([dense(i), dense(dense(i))])
        return module.Model(i, module.layers.Dropout(0.5, name="p")(module.ops.mean(x, axis=1)), name="m")

    ours = json.loads(made(cornu).to_json())
    theirs = json.loads(json.dumps(keras.saving.serialize_keras_object(made(keras))))
    assert [entry["name"] for entry in ours["config"]["layers"]] == [entry["name"] for entry in theirs["config"]["layers"]]
    for mine, other in zip(ours["config"]["layers"], theirs["config"]["layers"], strict=True):
        assert {k: v for k, v in mine.items() if k not in ("config", "inbound_nodes")} == {
            k: v for k, v in other.items() if k not in ("config", "inbound_nodes")
        }
        assert [call["args"] for call in mine["inbound_nodes"]] == [call["args"] for call in other["inbound_nodes"]]
        config = {**mine["config"]}
        config.pop("activity_regularizer", None)
        assert config == other["config"]
    for name in ("input_layers", "output_layers", "name", "trainable"):
        assert ours["config"][name] == theirs["config"][name]


def asked_of_keras(keras):
    """Every op that takes one or two tensors, with such arguments, and as Keras writes the call."""
    x = keras.KerasTensor((4, 4))
    given = {"reshape": [(x, (2, 8))], "roll": [(x, 1)], "norm": [(x, 2, -1), (x, None, (0, 1))]}
    for name, op in OPS.items():
        theirs = getattr(keras.ops, name, None)
        if theirs is None or name in ("get_item", "rearrange"):
            continue
        for args in given.get(name, [(x,), (x, x), ([x, x],)]):
            try:
                result = theirs(*args)
            except Exception:  # noqa: BLE001 - whatever Keras says of arguments that do not fit
                continue
            leaf = next(iter(keras.tree.flatten(result)), None)
            operation = getattr(getattr(leaf, "_keras_history", None), "operation", None)
            if operation is not None:
                yield op, args, keras.saving.serialize_keras_object(operation)
                if name not in given:
                    break


def test_ops_are_spelt_as_keras_spells_them(keras):
    """Class, module, and which arguments are settings, with their values."""
    asked = 0
    for op, args, written in asked_of_keras(keras):
        assert keras_ops.class_and_module(op) == (written["class_name"], written["module"]), op.op_name
        settings, _, _ = keras_ops.split(op, args, {})
        theirs = {name: value for name, value in written["config"].items() if name not in ("name", "rms_scaling")}
        assert json.loads(json.dumps(settings)) == json.loads(json.dumps(theirs)), op.op_name
        asked += 1
    assert asked > 200


def test_the_archive_is_the_same_outside(keras, tmp_path):
    for module, name in ((cornu, "ours"), (keras, "theirs")):
        module.Sequential([module.Input((4,)), module.layers.Dense(2)]).save(tmp_path / f"{name}.keras")
    listed = [[(i.filename, i.compress_type) for i in zipfile.ZipFile(tmp_path / f"{n}.keras").infolist()] for n in ("ours", "theirs")]
    assert listed[0] == listed[1]


@pytest.mark.parametrize("ending", [".keras", ".weights.h5"])
def test_files_of_either_are_edited_by_either(keras, tmp_path, rng, ending, capsys):
    def made(module):
        model = module.Sequential([module.Input((4,)), module.layers.Dense(3), module.layers.Dense(2)])
        model.compile("sgd", "mean_squared_error")
        return model

    wider = {"0": numbers(rng, (3, 5)), "1": numbers(rng, (5,))}
    for source, editing, reading in ((keras, cornu, keras), (cornu, keras, cornu), (keras, cornu, cornu)):
        model = made(source)
        (model.save if ending == ".keras" else model.save_weights)(tmp_path / f"m{ending}")
        editor = editing.saving.KerasFileEditor(str(tmp_path / f"m{ending}"))
        assert editor.compare(made(editing))["status"] == "success"
        editor.add_object("layers/dense_2", wider)
        editor.delete_object("layers/dense_1")
        editor.rename_object("layers/dense_2", "dense_1")
        editor.save(str(tmp_path / "new.weights.h5"))
        other = reading.Sequential([reading.Input((4,)), reading.layers.Dense(3), reading.layers.Dense(5)])
        other.compile("sgd", "mean_squared_error")
        other.load_weights(tmp_path / "new.weights.h5")
        for mine, theirs in zip(other.get_weights(), [*model.get_weights()[:2], wider["0"], wider["1"]], strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert capsys.readouterr().out
