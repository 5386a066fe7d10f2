"""Configurations: what objects are written as, what is made of them again, and what is refused."""

import json
import sys

import ml_dtypes
import numpy as np
import pytest

import cornu
from cornu import activations, constraints, initializers, ops, registry, regularizers, serialization
from cornu.configurable import Configurable
from cornu.dtype_policies import DTypePolicy
from cornu.errors import ArgumentError, ConfigError, UnknownNameError, UnsafeFileError
from cornu.serialization import deserialize, deserialize_keras_object, serialize, serialize_keras_object
from cornu.state import SeedGenerator


def through_json(value):
    return json.loads(json.dumps(serialize(value)))


@pytest.fixture(autouse=True)
def clean_registrations():
    before = dict(registry.global_custom_objects())
    yield
    registry.global_custom_objects().clear()
    registry.global_custom_objects().update(before)


class Block(Configurable):
    """A user's class with every kind of argument."""

    def __init__(self, units, activation=None, kernel_initializer="glorot_uniform", parts=(), table=None, dtype=None, **kwargs):
        if kwargs:
            raise TypeError(f"unexpected: {kwargs}")
        self.units = units
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.parts, self.table, self.dtype_policy = parts, table, dtype


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        (True, True),
        ("text", "text"),
        (np.float32(0.5), 0.5),
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        ((1, (2, [3])), (1, (2, [3]))),
        ({"a": (1, None)}, {"a": (1, None)}),
        (slice(1, None), {"class_name": "__slice__", "config": {"start": 1, "stop": None, "step": None}}),
        (..., {"class_name": "__ellipsis__", "config": {}}),
        (b"ab", {"class_name": "__bytes__", "config": {"value": "ab"}}),
        (np.array([[1, 2]], "int8"), {"class_name": "__numpy__", "config": {"value": [[1, 2]], "dtype": "int8"}}),
        (np.float32, {"module": "builtins", "class_name": "type", "config": "float32", "registered_name": "type"}),
        (float, {"module": "builtins", "class_name": "type", "config": "float", "registered_name": "type"}),
        (np.dtype("float16"), "float16"),
        (activations.relu, {"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "function"}),
        (
            initializers.Constant(2.0),
            {"module": "keras.initializers", "class_name": "Constant", "config": {"value": 2.0}, "registered_name": None},
        ),
        (
            DTypePolicy("mixed_float16"),
            {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "mixed_float16"}, "registered_name": None},
        ),
        (
            SeedGenerator(3, name="s"),
            {"module": "keras.random", "class_name": "SeedGenerator", "config": {"seed": 3, "name": "s"}, "registered_name": None},
        ),
    ],
)
def test_the_written_form(value, written):
    assert serialize(value) == written
    assert type(serialize(value)) is type(written)
    assert serialize(serialize(value)) == written  # serialising twice is serialising once
    assert json.loads(json.dumps(serialize(value))) == json.loads(json.dumps(written))


@pytest.mark.parametrize(
    "value",
    [None, 3, 0.5, "text", [1, [2]], {"a": [1]}, slice(1, 2), slice(None), ..., b"ab", np.float32, float, activations.relu],
)
def test_values_come_back(value):
    assert deserialize(through_json(value)) == value


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "bfloat16", "float16"])
def test_numpy_arrays_come_back(dtype):
    array = np.array([[0, 1], [2, 3]]).astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    again = deserialize(through_json({"x": array}))["x"]
    assert again.dtype == array.dtype
    np.testing.assert_array_equal(again, array)


def test_tensors_come_back_on_the_current_backend(trainable_backend):
    written = through_json(ops.convert_to_tensor([1.0, 2.0]))
    assert written == {"class_name": "__tensor__", "config": {"value": [1.0, 2.0], "dtype": "float32"}}
    again = deserialize(written)
    assert ops.is_tensor(again)
    np.testing.assert_array_equal(ops.convert_to_numpy(again), [1, 2])
    with cornu.use_backend("numpy"):
        assert isinstance(deserialize(written), np.ndarray)


def test_objects_within_arguments_come_back():
    registry.register("mine")(Block)
    made = Block(
        3,
        "tanh",
        "he_normal",
        parts=[regularizers.L2(0.5), {"deep": (constraints.MaxNorm(3, axis=[0, 1]), 1)}],
        dtype=DTypePolicy("mixed_bfloat16"),
    )
    config = made.get_config()
    assert config["activation"] == "tanh"
    assert config["kernel_initializer"] == serialize(initializers.HeNormal())
    assert config["table"] is None
    written = through_json(made)
    assert (written["module"], written["class_name"], written["registered_name"]) == (None, "Block", "mine>Block")
    assert written["config"] == json.loads(json.dumps(config))
    again = deserialize(written)
    assert isinstance(again, Block)
    assert again.activation is activations.tanh
    assert isinstance(again.parts[0], regularizers.L2)
    assert again.parts[1]["deep"][0].get_config() == {"max_value": 3, "axis": [0, 1]}
    assert again.get_config() == json.loads(json.dumps(config))


def test_from_config_takes_live_objects_too():
    policy, initializer = DTypePolicy("float16"), initializers.HeNormal(seed=1)
    made = Block.from_config(
        {"units": 2, "kernel_initializer": initializer, "dtype": policy, "table": {"plain": {"class_name": "ours", "n": 1}}}
    )
    assert made.kernel_initializer is initializer
    assert made.dtype_policy is policy
    assert made.table == {"plain": {"class_name": "ours", "n": 1}}  # a user's dict that only resembles a configuration


def test_configurations_of_older_files_are_left_to_the_constructor():
    made = Block.from_config(
        {"units": 2, "kernel_initializer": {"class_name": "RandomUniform", "config": {"minval": 0.0, "maxval": 1.0, "seed": None}}}
    )
    assert isinstance(made.kernel_initializer, initializers.RandomUniform)
    assert made.kernel_initializer.maxval == 1.0


def test_custom_objects_are_found_by_name_for_this_call_only():
    written = serialize(Block(3))
    assert written["registered_name"] == "Block"
    assert isinstance(deserialize(written, {"Block": Block}), Block)
    with registry.scope({"Block": Block}):
        assert deserialize(written).units == 3
    with pytest.raises(UnknownNameError, match="Unknown class or function: 'Block'"):
        deserialize(written)


def test_a_role_narrows_the_search():
    assert deserialize("l2", role=registry.REGULARIZERS).l2 == 0.01
    assert deserialize("l2") == "l2"
    assert deserialize({"class_name": "L2", "config": {"l2": 0.5}}).l2 == 0.5
    with pytest.raises(UnknownNameError, match="Unknown constraint: 'L2'"):
        deserialize({"class_name": "L2", "config": {}}, role=registry.CONSTRAINTS)
    with pytest.raises(UnknownNameError, match="Unknown initializer: 'L2'"):
        deserialize({"module": "keras.initializers", "class_name": "L2", "config": {}})


def test_what_was_built_is_built_again():
    class Built(Configurable):
        def __init__(self, units=1):
            self.units, self.shape, self.compiled = units, None, None

        def get_build_config(self):
            return None if self.shape is None else {"input_shape": self.shape}

        def build_from_config(self, config):
            self.shape = tuple(config["input_shape"])

        def get_compile_config(self):
            return self.compiled

        def compile_from_config(self, config):
            self.compiled = config

    made = Built(2)
    assert {"build_config", "compile_config"}.isdisjoint(serialize(made))
    made.shape, made.compiled = (None, 3), {"loss": "mse"}
    again = deserialize(through_json(made), {"Built": Built})
    assert again.shape == (None, 3)
    assert again.compiled == {"loss": "mse"}


def test_a_class_says_itself_how_files_name_it():
    class Renamed(Configurable):
        def _config_head_(self):
            return {"module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional"}

    assert serialize(Renamed()) == {
        "module": "keras.src.models.functional", "class_name": "Functional", "config": {}, "registered_name": "Functional",
    }  # fmt: skip


LAMBDA = {"class_name": "__lambda__", "config": {"code": "4wEAAAAA", "defaults": None, "closure": None}}


@pytest.mark.parametrize(
    "config",
    [
        LAMBDA,
        {"class_name": "__lambda__", "config": {"value": ["4wEAAAAA", None, None]}},
        [{"a": LAMBDA}],
        {"module": "keras.initializers", "class_name": "Constant", "config": {"value": LAMBDA}, "registered_name": None},
    ],
)
@pytest.mark.parametrize("safe_mode", [True, False])
def test_lambdas_are_refused_wherever_they_stand(config, safe_mode):
    with pytest.raises(UnsafeFileError, match="never runs, whatever `safe_mode` says"):
        deserialize_keras_object(config, safe_mode=safe_mode)


@pytest.mark.parametrize(
    "config",
    [
        {"module": "os", "class_name": "system", "config": "true", "registered_name": "system"},
        {"module": "antigravity", "class_name": "fly", "config": {}, "registered_name": None},
        {"module": "builtins", "class_name": "eval", "config": {"source": "1"}, "registered_name": "eval"},
        {"module": "builtins", "class_name": "function", "config": "exec", "registered_name": "function"},
        {"module": "cornu.registry", "class_name": "register", "config": {}, "registered_name": None},
        {"module": "keras.initializers", "class_name": "cornu.registry.register", "config": {}, "registered_name": "x>y"},
    ],
)
def test_only_what_is_registered_can_be_named(config):
    with pytest.raises(UnknownNameError):
        deserialize([config])
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("name", ["object", "Exception", "subprocess.Popen"])
def test_types_are_dtypes_only(name):
    with pytest.raises(TypeError, match="A dtype must be one that Cornu knows"):
        deserialize({"module": "builtins", "class_name": "type", "config": name, "registered_name": "type"})


@pytest.mark.parametrize(
    "config",
    [
        {"class_name": "__numpy__", "config": {"dtype": "float32"}},
        {"class_name": "__numpy__", "config": {"value": [1, [2]], "dtype": "float32"}},
        {"class_name": "__tensor__", "config": None},
        {"class_name": "__slice__", "config": 3},
        {"class_name": "__bytes__", "config": {"value": 3}},
    ],
)
def test_damaged_values_are_refused(config):
    with pytest.raises(ConfigError, match="cannot be read"):
        deserialize({"x": config})


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({1, 2}, "cannot hold {1, 2} of type set"),
        (1j, "of type complex"),
        (lambda x: x, "lambda has no name"),
        (Block, "only if it is a dtype"),
        ({(1, 2): 3}, "keys of a dict"),
        (object(), "get_config"),
    ],
)
def test_what_has_no_form_in_a_file_is_refused(value, says):
    with pytest.raises(ConfigError, match=says):
        serialize([value])


def test_the_names_that_users_of_keras_know():
    assert serialize_keras_object(initializers.Zeros()) == serialize(initializers.Zeros())
    made = deserialize_keras_object(
        {"class_name": "Block", "config": {"units": 4}}, module_objects={"Block": Block}, printable_module_name="block"
    )
    assert made.units == 4
    with pytest.raises(ArgumentError, match="takes `custom_objects`"):
        deserialize_keras_object({}, unknown=1)


def test_repr_shows_what_was_given():
    assert repr(Block(3, activation="relu")) == "Block(units=3, activation='relu')"


def test_activations_are_names_in_activation_arguments_only():
    assert serialization.serialize_argument("recurrent_activation", activations.sigmoid) == "sigmoid"
    assert serialization.serialize_argument("fn", activations.sigmoid)["class_name"] == "function"
    assert serialization.serialize_argument("activation", None) is None
