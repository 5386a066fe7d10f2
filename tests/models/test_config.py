"""Models go to configurations and come back as the same function; what stands in them is Keras's layout."""

import json

import numpy as np
import pytest

import cornu
from cornu import layers, models, ops, serialization
from cornu.errors import ArgumentError, ConfigError, UnknownNameError
from cornu.saving import register_keras_serializable


def again(model):
    """The model from its configuration's JSON, with the same weights."""
    copy = models.model_from_json(model.to_json())
    copy.set_weights(model.get_weights())
    return copy


def agree(model, copy, x):
    for a, b in zip(cornu.tree.flatten(model(x)), cornu.tree.flatten(copy(x)), strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b))


def entries(model):
    return {entry["name"]: entry for entry in json.loads(model.to_json())["config"]["layers"]}


@pytest.fixture
def x(rng):
    return rng.normal(size=(3, 4)).astype("float32")


def test_a_stack_is_written_as_keras_writes_it():
    model = cornu.Sequential([cornu.Input((4,), name="in"), layers.Dense(2, name="out")], name="stack")
    config = json.loads(model.to_json())
    assert (config["module"], config["class_name"], config["registered_name"]) == ("keras", "Sequential", None)
    assert config["build_config"] == {"input_shape": [None, 4]}
    assert config["compile_config"] == {}
    assert list(config["config"]) == ["name", "trainable", "dtype", "layers", "build_input_shape"]
    assert [entry["class_name"] for entry in config["config"]["layers"]] == ["InputLayer", "Dense"]
    assert config["config"]["layers"][1]["build_config"] == {"input_shape": [None, 4]}


def test_a_graph_is_written_as_keras_writes_it():
    a = cornu.Input((4,), name="a")
    model = cornu.Model(a, layers.Dense(2, name="d")(a)[:, 0] * 2.0, name="g")
    config = json.loads(model.to_json())
    assert (config["module"], config["class_name"], config["registered_name"]) == (
        "keras.src.models.functional",
        "Functional",
        "Functional",
    )
    assert list(config["config"]) == ["name", "trainable", "layers", "input_layers", "output_layers"]
    assert config["config"]["input_layers"] == ["a", 0, 0]
    assert config["config"]["output_layers"] == ["multiply", 0, 0]
    dense, item, product = config["config"]["layers"][1:]
    reference = {"class_name": "__keras_tensor__", "config": {"shape": [None, 4], "dtype": "float32", "keras_history": ["a", 0, 0]}}
    assert dense["inbound_nodes"] == [{"args": [reference], "kwargs": {}}]
    assert (item["module"], item["class_name"], item["config"]) == ("keras.src.ops.numpy", "GetItem", {"name": "get_item"})
    everything = {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": None}}
    assert item["inbound_nodes"][0]["args"][1] == [everything, 0]
    assert product["inbound_nodes"][0]["args"][1] == 2.0


def test_stacks_come_back(backend, x):
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3, activation="relu"), layers.Dense(2)])
    agree(model, again(model), x)
    late = cornu.Sequential([layers.Dense(3), layers.Dense(2)])
    late(x)
    agree(late, again(late), x)


def test_a_stack_that_is_not_built_comes_back_so():
    copy = models.model_from_json(cornu.Sequential([layers.Dense(3)]).to_json())
    assert not copy.built
    assert copy.layers[0].units == 3


def test_shared_layers_and_nested_models_come_back(backend, x):
    a, b = cornu.Input((4,), name="a"), cornu.Input((4,), name="b")
    shared = layers.Dense(4, name="shared")
    i = cornu.Input((4,))
    inner = cornu.Model(i, layers.Dense(3)(i), name="inner")
    stack = cornu.Sequential([cornu.Input((4,)), layers.Dense(3)], name="stack")
    left, right = shared(a), shared(b)
    inner(right)  # a call that no output needs
    model = cornu.Model({"b": b, "a": a}, {"o": [inner(left), inner(shared(left))], "p": (stack(right),)})
    copy = again(model)
    assert len(copy.weights) == len(model.weights) == 6
    agree(model, copy, {"a": x, "b": 2 * x})
    assert len(entries(model)["inner"]["inbound_nodes"]) == 2
    # where a graph's outputs are named, and only there, a nested graph's own making counts as a call
    assert json.loads(model.to_json())["config"]["output_layers"]["o"] == [["inner", 1, 0], ["inner", 2, 0]]


def test_one_layer_in_two_inner_models_stays_one(backend, x):
    shared = layers.Dense(4, name="shared")
    i = cornu.Input((4,))
    first = cornu.Model(i, shared(i), name="first")
    second = cornu.Sequential([cornu.Input((4,)), shared, layers.Dense(2)], name="second")
    z = cornu.Input((4,))
    model = cornu.Model(z, [first(z), second(z)])
    copy = again(model)
    assert len(copy.weights) == 4
    agree(model, copy, x)


def test_ops_come_back(backend, x):
    a = cornu.Input((4,))
    z = ops.where(a > 0, a, np.array([1, 2, 3, 4], "float32"))
    z = ops.concatenate([z, 1 - a], axis=-1)
    left, right = ops.split(z, 2, axis=-1)
    z = ops.einsum("bi,bi->b", left, right)[:, None] / 2 + ops.mean(a, axis=-1, keepdims=True)
    z = ops.stack([z, ops.clip(z, -0.5, x_max=0.5)], axis=1)
    model = cornu.Model(a, [ops.top_k(a, 2)[0], ops.transpose(z, (0, 2, 1)), ops.one_hot(ops.argmax(a, axis=-1), 4)])
    agree(model, again(model), x)


def test_arguments_of_calls_come_back(backend, rng):
    a = cornu.Input((6, 3))
    x = rng.normal(size=(2, 6, 3)).astype("float32")
    outputs, h, c = layers.LSTM(3, return_state=True)(a)
    model = cornu.Model(a, [layers.LSTM(2, return_sequences=True)(a, initial_state=[h[:, :2], c[:, :2]]), outputs])
    agree(model, again(model), x)


def test_masks_are_laid_again(backend):
    a = cornu.Input((4,), dtype="int32")
    model = cornu.Model(a, layers.LSTM(2)(layers.Embedding(5, 3, mask_zero=True)(a)))
    ids = np.array([[1, 2, 0, 0], [3, 4, 1, 2]], "int32")
    agree(model, again(model), ids)
    assert "mask" not in entries(model)["lstm" if "lstm" in entries(model) else list(entries(model))[-1]]["inbound_nodes"][0]["kwargs"]


def test_training_fixed_in_the_graph_stays_fixed(backend):
    a = cornu.Input((50,))
    ones = np.ones((1, 50), "float32")
    off = again(cornu.Model(a, layers.Dropout(0.5)(a, training=False)))
    assert (ops.convert_to_numpy(off(ones, training=True)) == 1).all()
    free = again(cornu.Model(a, layers.Dropout(0.5)(a)))
    assert (ops.convert_to_numpy(free(ones, training=True)) != 1).any()


def test_training_false_that_keras_writes_of_every_dropout_is_no_wish():
    a = cornu.Input((50,))
    config = json.loads(cornu.Model(a, layers.Dropout(0.5)(a)).to_json())
    config["config"]["layers"][1]["inbound_nodes"][0]["kwargs"] = {"training": False, "mask": None}
    copy = serialization.deserialize(config)
    assert (ops.convert_to_numpy(copy(np.ones((1, 50), "float32"), training=True)) != 1).any()


def test_frozen_layers_come_back_frozen():
    inner = cornu.Sequential([cornu.Input((4,)), layers.Dense(3), layers.Dense(2)])
    inner.layers[0].trainable = False
    a = cornu.Input((4,))
    copy = again(cornu.Model(a, inner(a)))
    assert [v.trainable for v in copy.weights] == [False, False, True, True]


def test_a_subclass_comes_back_from_its_arguments(backend, x):
    @register_keras_serializable("test_config")
    class Tower(cornu.Model):
        def __init__(self, widths, scale=2.0, **kwargs):
            super().__init__(**kwargs)
            self.blocks = [layers.Dense(w) for w in widths]
            self.factor = scale

        def call(self, inputs):
            for block in self.blocks:
                inputs = block(inputs)
            return inputs * self.factor

    model = Tower([3, 2], scale=0.5, name="tower")
    model(x)
    config = json.loads(model.to_json())
    assert (config["module"], config["registered_name"]) == (None, "test_config>Tower")
    assert {"widths", "scale", "name"} <= set(config["config"])
    assert config["build_config"] == {"input_shape": [3, 4]}
    copy = again(model)
    assert copy.built
    agree(model, copy, x)


def test_a_subclass_that_makes_its_own_graph_comes_back(x):
    @register_keras_serializable("test_config")
    class Wide(cornu.Model):
        def __init__(self, units, **kwargs):
            i = cornu.Input((4,))
            super().__init__(i, layers.Dense(units)(i), **kwargs)
            self.units = units

    model = Wide(5)
    assert set(json.loads(model.to_json())["config"]) == {"name", "trainable", "dtype", "units"}
    agree(model, again(model), x)


def test_a_direct_build_is_noted():
    layer = layers.Dense(3)
    layer.build((None, 4))
    assert layer.built
    assert serialization.serialize(layer)["build_config"] == {"input_shape": (None, 4)}
    assert [v.path for v in layer.weights] == [f"{layer.name}/kernel", f"{layer.name}/bias"]


def test_layers_of_one_name_are_refused():
    a = cornu.Input((4,))
    model = cornu.Model(a, layers.Dense(4, name="same")(layers.Dense(4, name="same")(a)))
    with pytest.raises(ConfigError, match="'same'"):
        model.to_json()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda c: c["layers"][1].update(class_name="Dens"), UnknownNameError),
        (lambda c: c["layers"][2].update(class_name="Import"), ConfigError),
        (lambda c: c["layers"][2].update(module="os", class_name="system"), UnknownNameError),
        (lambda c: c["output_layers"].__setitem__(0, "nobody"), ConfigError),
        (lambda c: c["output_layers"].__setitem__(2, 7), ConfigError),
        (lambda c: c["layers"][1]["inbound_nodes"][0]["args"][0]["config"].update(keras_history=["multiply", 0, 0]), ConfigError),
        (lambda c: c["layers"][1].pop("name"), ConfigError),
    ],
    ids=["layer", "op", "module", "output", "index", "circle", "nameless"],
)
def test_a_damaged_graph_is_named(change, error):
    a = cornu.Input((4,))
    config = json.loads(cornu.Model(a, layers.Dense(2, name="d")(a) * 2.0).to_json())
    change(config["config"])
    with pytest.raises(error):
        serialization.deserialize(config)


def test_text_that_is_no_model_is_refused():
    with pytest.raises(ConfigError, match="to_json"):
        models.model_from_json("{")


def test_clones_have_weights_of_their_own(backend, x):
    a = cornu.Input((4,))
    shared = layers.Dense(4)
    model = cornu.Model(a, shared(shared(a)) + a)
    copy = models.clone_model(model)
    assert len(copy.weights) == 2
    assert copy.weights[0] is not model.weights[0]
    copy.set_weights(model.get_weights())
    agree(model, copy, x)


def test_clone_function_input_tensors_and_call_function(x):
    i = cornu.Input((4,))
    inner = cornu.Sequential([cornu.Input((4,)), layers.Dense(4, activation="relu")])
    model = cornu.Model(i, layers.Dense(2)(inner(i)))

    def linear(layer):
        config = layer.get_config()
        return type(layer).from_config({**config, "activation": "linear"} if "activation" in config else config)

    copy = models.clone_model(model, clone_function=linear, recursive=True)
    assert [layer.activation.__name__ for layer in (copy.layers[1].layers[0], copy.layers[2])] == ["linear", "linear"]
    given = cornu.Input((4,), name="given")
    called = []
    other = models.clone_model(model, input_tensors=given, call_function=lambda layer, *a, **k: called.append(layer) or layer(*a, **k))
    assert other.input_names == ["given"]
    assert called == other.layers[1:]

    class Plain(cornu.Model):
        def call(self, inputs):
            return inputs

    assert type(models.clone_model(Plain())) is Plain
    with pytest.raises(ArgumentError, match="clone_function"):
        models.clone_model(Plain(), clone_function=linear)


@pytest.mark.parametrize("base", [cornu.Model, cornu.Sequential])
def test_a_class_that_passes_all_arguments_on_is_its_base_s_to_write(base, tmp_path):
    class Passing(base):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.calls = 0

    x = cornu.Input((3,))
    model = Passing([x, layers.Dense(2)]) if base is cornu.Sequential else Passing(x, layers.Dense(2)(x))
    model.save(tmp_path / "model.keras")
    loaded = cornu.saving.load_model(tmp_path / "model.keras", custom_objects={"Passing": Passing})
    assert type(loaded) is Passing
    data = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(loaded.predict(data, verbose=0), model.predict(data, verbose=0))


def test_inputs_and_outputs_that_a_subclass_has_are_no_graph_s():
    class Counted(cornu.Model):
        def __init__(self, inputs=3, **kwargs):
            super().__init__(**kwargs)
            self.inputs = inputs
            self.outputs = layers.Dense(inputs)

    config = Counted(5, name="counted").get_config()
    assert config["inputs"] == 5
    assert "outputs" not in config
    assert Counted.from_config(config).inputs == 5
