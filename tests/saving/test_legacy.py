"""Whole models and weights in `.h5` files: our own, and those of Keras 2, laid out by hand."""

import itertools
import json

import h5py
import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.errors import ArgumentError, ConfigError, CorruptFileError, ShapeError, UnknownNameError, UnsafeFileError
from cornu.saving import hdf5, legacy, load_model, register_keras_serializable
from cornu.saving.hdf5 import Hdf5Reader, Hdf5Writer
from tests.saving import keras2
from tests.saving.keras2 import dense, initializer, input_layer, node, plain


def numbers(rng, *shape):
    return rng.normal(size=shape).astype("float32")


def same_weights(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


def small():
    return cornu.Sequential([cornu.Input((4,)), layers.Dense(3, name="a"), layers.Dropout(0.5), layers.Dense(2, name="b")])


@pytest.fixture
def data(rng):
    return numbers(rng, 16, 4), numbers(rng, 16, 2)


# --- our own ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["mse", ["mae"], "MeanSquaredError", cornu.losses.Huber(2.0), cornu.losses.mean_squared_error])
def test_a_compiled_model_goes_on_training(trainable_backend, tmp_path, data, loss):
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3), layers.Dense(2)])
    model.compile("adam", loss, metrics=["mae", cornu.metrics.MeanSquaredError(name="sq")], weighted_metrics=["acc"])
    run = {"batch_size": 8, "shuffle": False, "verbose": 0}
    model.fit(*data, **run)
    model.save(tmp_path / "m.h5")
    copy = load_model(tmp_path / "m.h5")
    assert same_weights(model, copy)
    for optimizer in (model.optimizer, copy.optimizer):
        assert int(optimizer.iterations) == 2
    histories = [m.fit(*data, epochs=2, **run).history for m in (model, copy)]
    assert histories[0] == histories[1]
    assert set(histories[0]) == {"loss", "mae", "sq", "acc"}


def test_without_the_optimizer(tmp_path):
    model = small()
    model.compile("adam", "mse")
    model.save(tmp_path / "m.h5", include_optimizer=False)
    with h5py.File(tmp_path / "m.h5") as file:
        assert set(file) == {"model_weights"}
        assert set(file.attrs) == {"backend", "keras_version", "model_config"}
    assert not load_model(tmp_path / "m.h5").compiled
    model.save(tmp_path / "m.h5")
    assert load_model(tmp_path / "m.h5").compiled
    assert not load_model(tmp_path / "m.h5", compile=False).compiled


def graph():
    i = cornu.Input((6, 3), name="i")
    shared = layers.Dense(3)
    x = shared(layers.Bidirectional(layers.GRU(2, return_sequences=True))(i))
    j = cornu.Input((6, 3))
    inner = cornu.Model(j, layers.BatchNormalization()(layers.Dense(3)(j)))
    stack = cornu.Sequential([cornu.Input((6, 3)), layers.Dense(4), layers.BatchNormalization()])
    x = ops.concatenate([inner(inner(x)), shared(stack(i))[:, :, :3]], axis=-1) * 2.0
    return cornu.Model(i, {"one": [layers.Dense(2)(x)], "two": ops.mean(x, axis=-1)})


def test_a_graph_with_ops_shared_and_nested_parts(backend, tmp_path, rng):
    model, x = graph(), numbers(rng, 2, 6, 3)
    model.save(tmp_path / "m.h5")
    copy = load_model(tmp_path / "m.h5")
    expected, found = model(x), copy(x)
    np.testing.assert_allclose(ops.convert_to_numpy(found["one"][0]), ops.convert_to_numpy(expected["one"][0]), rtol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(found["two"]), ops.convert_to_numpy(expected["two"]), rtol=1e-5, atol=1e-6)
    assert len(copy.weights) == len(model.weights)


def test_frozen_parts_keep_their_weights(tmp_path):
    """What is frozen comes last in the order of the file."""
    model = cornu.Sequential(
        [cornu.Input((4,)), cornu.Sequential([layers.Dense(4, name="p"), layers.BatchNormalization(), layers.Dense(4, name="q")])]
    )
    for v in model.weights:
        v.assign(np.random.default_rng(len(v.path)).normal(size=v.shape))
    model.layers[0].layers[0].trainable = False
    model.save(tmp_path / "m.h5")
    assert same_weights(model, load_model(tmp_path / "m.h5"))
    thawed = cornu.models.clone_model(model)
    thawed.layers[0].layers[0].trainable = True
    thawed.load_weights(tmp_path / "m.h5")
    assert same_weights(model, thawed)


def test_custom_classes_and_weights_of_the_models_own(tmp_path, data):
    class Own(cornu.Model):
        def __init__(self, units=2, **kwargs):
            super().__init__(**kwargs)
            self.dense = layers.Dense(units)
            self.units = units

        def build(self, input_shape):
            self.factor = self.add_weight(shape=(self.units,), initializer="random_normal", name="factor")
            self.dense.build(input_shape)

        def call(self, inputs):
            return self.dense(inputs) * self.factor

    model = Own(3)
    model(data[0])
    model.save(tmp_path / "m.h5")
    with pytest.raises(UnknownNameError, match="custom_objects"):
        load_model(tmp_path / "m.h5")
    copy = load_model(tmp_path / "m.h5", custom_objects={"Own": Own})
    assert same_weights(model, copy)
    register_keras_serializable("legacy")(Own)
    model.save(tmp_path / "m.h5")
    assert same_weights(model, load_model(tmp_path / "m.h5"))


def test_lists_too_long_for_one_attribute(tmp_path):
    names = [f"{'long' * 20}_{n}" for n in range(4100)]
    with Hdf5Writer(tmp_path / "lists.h5") as writer:
        writer.texts("", "layer_names", names)
    with h5py.File(tmp_path / "lists.h5", "a") as file:
        assert set(file.attrs) == {"layer_names0", "layer_names1"}
        with pytest.raises(OSError, match="too large"):
            file.attrs["layer_names"] = names
    with Hdf5Reader(tmp_path / "lists.h5") as reader:
        assert reader.texts("", "layer_names") == names


def test_models_whose_layers_are_listed_in_several_attributes(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5, "ATTRIBUTE", 16 * 10)
    model = cornu.Sequential([cornu.Input((2,)), *(layers.Dense(1) for _ in range(25))])
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        lists = file["model_weights"].attrs
        assert [len(lists[f"layer_names{n}"]) for n in range(3)] == [10, 10, 5]
        assert "layer_names" not in lists
    assert same_weights(model, load_model(tmp_path / "m.h5"))


# --- of Keras 2 -------------------------------------------------------------------------------------------------------


def dense_weights(rng, name, inputs, units):
    return {f"{name}/kernel:0": numbers(rng, inputs, units), f"{name}/bias:0": numbers(rng, units)}


@pytest.fixture
def stack(rng):
    return {"first": dense_weights(rng, "first", 4, 3), "drop": {}, "second": dense_weights(rng, "second", 3, 2)}


def expected_stack(weights, x):
    (k, b), (m, c) = weights["first"].values(), weights["second"].values()
    return np.maximum(x @ k + b, 0) @ m + c


DROP = plain("Dropout", "drop", rate=0.5, noise_shape=None, seed=None)


@pytest.mark.parametrize("form", ["with an input", "with a shape in the first layer", "a list", "only built"])
def test_a_sequential(backend, tmp_path, stack, data, form):
    shape = {} if form in ("with an input", "only built") else {"batch_input_shape": [None, 4]}
    inside = [dense("first", 3, "relu", **shape), DROP, dense("second", 2)]
    if form == "with an input":
        inside = [input_layer("first_input", [None, 4]), *inside]
    config = {"name": "sequential", "layers": inside, **({"build_input_shape": [None, 4]} if form == "only built" else {})}
    keras2.write_model(tmp_path / "m.h5", {"class_name": "Sequential", "config": inside if form == "a list" else config}, stack)
    model = load_model(tmp_path / "m.h5")
    assert model.input_shape == (None, 4)
    assert isinstance(model.layers[0].kernel_constraint, cornu.constraints.MaxNorm)
    np.testing.assert_allclose(ops.convert_to_numpy(model(data[0])), expected_stack(stack, data[0]), rtol=1e-4, atol=1e-5)


def two_towers(rng):
    """A shared layer, a nested model called twice, a merge, an LSTM given its first state, and arguments by name."""
    inner = {
        "class_name": "Functional",
        "config": {
            "name": "inner",
            "layers": [node(input_layer("in", [None, 4])), node(dense("within", 4), [["in", 0, 0, {}]])],
            "input_layers": [["in", 0, 0]],
            "output_layers": [["within", 0, 0]],
        },
    }
    steps = plain("LSTM", "steps", return_sequences=False, return_state=False, go_backwards=False, stateful=False, unroll=False, time_major=False,
                  units=4, activation="tanh", recurrent_activation="sigmoid", use_bias=True, implementation=2, unit_forget_bias=True, dropout=0.0,
                  recurrent_dropout=0.0, kernel_initializer=initializer("VarianceScaling", scale=1.0, mode="fan_avg", distribution="normal", seed=None),
                  recurrent_initializer=initializer("Orthogonal", gain=1.0, seed=None), bias_initializer=initializer("Zeros"))  # fmt: skip
    norm = plain("BatchNormalization", "norm", axis=[1], momentum=0.99, epsilon=0.001, center=True, scale=True, fused=None,
                 beta_initializer=initializer("Zeros"), gamma_initializer=initializer("Ones"))  # fmt: skip
    config = {
        "class_name": "Model",
        "config": {
            "name": "model",
            "layers": [
                node(input_layer("x", [None, 4])),
                node(input_layer("s", [None, 5, 3])),
                node(dense("shared", 4), [["x", 0, 0, {}]], [["inner", 1, 0, {}]]),
                node(inner, [["shared", 0, 0, {}]], [["shared", 1, 0, {}]]),
                node(norm, [["inner", 2, 0, {"training": False}]]),
                node(steps, [["s", 0, 0, {}], ["norm", 0, 0, {}], ["shared", 1, 0, {}]]),
                node(plain("Concatenate", "join", axis=-1), [["steps", 0, 0, {}], ["inner", 1, 0, {}], ["norm", 0, 0, {}]]),
                node(plain("LeakyReLU", "leak", alpha=0.25), [["join", 0, 0, {}]]),
            ],
            "input_layers": [["x", 0, 0], ["s", 0, 0]],
            "output_layers": [["leak", 0, 0], ["inner", 2, 0]],
        },
    }
    weights = {
        "x": {}, "s": {}, "shared": dense_weights(rng, "shared", 4, 4), "inner": dense_weights(rng, "within", 4, 4),
        "norm": {f"norm/{n}:0": np.abs(numbers(rng, 4)) for n in ("gamma", "beta", "moving_mean", "moving_variance")},
        "steps": {f"steps/lstm_cell/{n}:0": numbers(rng, *s) for n, s in (("kernel", (3, 16)), ("recurrent_kernel", (4, 16)), ("bias", (16,)))},
        "join": {}, "leak": {},
    }  # fmt: skip
    return config, weights


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_a_graph(backend, tmp_path, rng):
    config, weights = two_towers(rng)
    keras2.write_model(tmp_path / "m.h5", config, weights)
    model = load_model(tmp_path / "m.h5")
    x, s = numbers(rng, 2, 4), numbers(rng, 2, 5, 3)

    def apply(name, v):
        k, b = weights[name].values()
        return v @ k + b

    one = apply("shared", x)
    inside = apply("inner", one)
    two = apply("shared", inside)
    last = apply("inner", two)
    gamma, beta, mean, variance = weights["norm"].values()
    normed = (last - mean) / np.sqrt(variance + 0.001) * gamma + beta
    kernel, recurrent, bias = weights["steps"].values()
    h, c = normed, two
    for t in range(5):
        i, f, g, o = np.split(s[:, t] @ kernel + h @ recurrent + bias, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    joined = np.concatenate([h, inside, normed], -1)
    found = model([x, s])
    np.testing.assert_allclose(ops.convert_to_numpy(found[0]), np.where(joined > 0, joined, 0.25 * joined), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(ops.convert_to_numpy(found[1]), last, rtol=1e-3, atol=1e-4)
    assert isinstance(model.get_layer("steps").cell.kernel_initializer, cornu.initializers.VarianceScaling)
    assert model.get_layer("steps").cell.kernel_initializer.distribution == "truncated_normal"


TRAINING = {
    "loss": {"class_name": "MeanSquaredError", "config": {"reduction": "auto", "name": "mean_squared_error", "fn": "mean_squared_error"}},
    "metrics": [[{"class_name": "MeanMetricWrapper", "config": {"name": "mae", "dtype": "float32", "fn": "mean_absolute_error"}}]],
    "weighted_metrics": None,
    "loss_weights": None,
    "sample_weight_mode": None,
}


def adam(**config):
    return {"class_name": "Adam", "config": {"name": "Adam", "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-07, "amsgrad": False, **config}}


def write_stack(path, stack, training=None, optimizer=None, **more):
    inside = [input_layer("first_input", [None, 4]), dense("first", 3, "relu"), DROP, dense("second", 2)]
    keras2.write_model(
        path, {"class_name": "Sequential", "config": {"name": "sequential", "layers": inside}}, stack, training, optimizer, **more
    )


@pytest.mark.parametrize("rate", [{"lr": 0.25}, {"learning_rate": 0.25, "decay": 0.0, "jit_compile": True, "is_legacy_optimizer": False}])
def test_how_it_was_compiled(tmp_path, stack, data, rate):
    write_stack(tmp_path / "m.h5", stack, {**TRAINING, "optimizer_config": adam(**rate)})
    model = load_model(tmp_path / "m.h5")
    assert float(model.optimizer.learning_rate) == 0.25
    loss, mae = model.evaluate(*data, verbose=0)
    error = expected_stack(stack, data[0]) - data[1]
    np.testing.assert_allclose(mae, np.abs(error).mean(), rtol=1e-4)
    penalty = 0.01 * sum((stack[name][f"{name}/kernel:0"] ** 2).sum() for name in ("first", "second"))
    np.testing.assert_allclose(loss, (error**2).mean() + penalty, rtol=1e-4)


EXPONENTIAL = {"initial_learning_rate": 0.5, "decay_steps": 2, "decay_rate": 0.5, "staircase": False, "name": None}


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        ({"lr": 0.5, "decay": 0.25}, 0.5 / (1 + 0.25 * 4)),
        ({"learning_rate": {"class_name": "ExponentialDecay", "config": EXPONENTIAL}}, 0.125),
    ],
)  # fmt: skip
def test_learning_rates_that_fall(tmp_path, stack, rate, expected):
    write_stack(tmp_path / "m.h5", stack, {**TRAINING, "optimizer_config": adam(**rate)})
    optimizer = load_model(tmp_path / "m.h5").optimizer
    optimizer._iterations.assign(4)
    np.testing.assert_allclose(float(optimizer.learning_rate), expected, rtol=1e-5)


def adam_step(w, g, m, v, step, rate):
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
    alpha = rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    return w - alpha * m / (np.sqrt(v) + 1e-7)


@pytest.mark.parametrize("spelling", ["Adam/{path}/{slot}:0", "Adam/{slot}/{path}:0"])
def test_the_optimizers_state(trainable_backend, tmp_path, rng, spelling):
    """One step of Adam from the file's moments, by the paper's formula. Keras 2 wrote all first moments, then all second ones."""
    weights = {"only": dense_weights(rng, "only", 4, 2)}
    moments = {(path, slot): np.abs(numbers(rng, *w.shape)) for slot in "mv" for path, w in weights["only"].items()}
    state = {"Adam/iter:0": np.int64(7)}
    state |= {spelling.format(path=path.removesuffix(":0"), slot=slot): value for (path, slot), value in moments.items()}
    inside = dense("only", 2, kernel_regularizer=None, kernel_constraint=None)
    config = {"class_name": "Sequential", "config": {"name": "sequential", "layers": [input_layer("i", [None, 4]), inside]}}
    training = {**TRAINING, "metrics": None, "optimizer_config": adam(learning_rate=0.1)}
    keras2.write_model(tmp_path / "m.h5", config, weights, training, state)
    model = load_model(tmp_path / "m.h5")
    assert int(model.optimizer.iterations) == 7
    x, y = numbers(rng, 8, 4), numbers(rng, 8, 2)
    model.fit(x, y, batch_size=8, verbose=0)
    k, b = weights["only"].values()
    error = 2 * (x @ k + b - y) / y.size
    for path, w, g in (("only/kernel:0", k, x.T @ error), ("only/bias:0", b, error.sum(0))):
        expected = adam_step(w, g, moments[path, "m"], moments[path, "v"], 8, 0.1)
        np.testing.assert_allclose(model.get_weights()[path.startswith("only/bias")], expected, rtol=1e-3, atol=1e-4)


def test_an_optimizers_state_that_nobody_can_tell_is_left_out(tmp_path, stack):
    state = {"training/Adam/iterations:0": np.int64(7), **{f"training/Adam/Variable_{n}:0": np.zeros(2, "float32") for n in range(8)}}
    write_stack(tmp_path / "m.h5", stack, {**TRAINING, "optimizer_config": adam(lr=0.1)}, state)
    with pytest.warns(UserWarning, match="left out"):
        model = load_model(tmp_path / "m.h5")
    assert int(model.optimizer.iterations) == 0
    np.testing.assert_array_equal(model.get_weights()[0], stack["first"]["first/kernel:0"])


# --- weights alone ----------------------------------------------------------------------------------------------------


def test_released_weights(backend, tmp_path, stack, data):
    """As in the files of ImageNet weights: a group for each layer at the root, names with numbers."""
    with h5py.File(tmp_path / "w.h5", "w") as file:
        keras2.write_weights(file, stack)
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3, "relu"), layers.Dense(2)])  # other names: the order decides
    model.load_weights(tmp_path / "w.h5")
    np.testing.assert_allclose(ops.convert_to_numpy(model(data[0])), expected_stack(stack, data[0]), rtol=1e-4, atol=1e-5)
    renamed = cornu.Sequential([cornu.Input((4,)), layers.Dense(3, "relu", name="first"), layers.Dense(2, name="second")])
    renamed.load_weights(tmp_path / "w.h5", by_name=True)
    assert same_weights(model, renamed)


def test_weights_by_name(tmp_path, stack):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        keras2.write_weights(file, stack)
    model = cornu.Sequential(
        [cornu.Input((4,)), layers.Dense(3, name="first"), layers.Dense(5, name="other"), layers.Dense(2, name="second")]
    )
    before = model.get_weights()
    with pytest.raises(ShapeError, match=r"second: .*\(5, 2\).*\(3, 2\)"):
        model.load_weights(tmp_path / "w.h5", by_name=True)
    assert all(map(np.array_equal, before, model.get_weights()))
    with pytest.warns(UserWarning, match="left out"):
        model.load_weights(tmp_path / "w.h5", by_name=True, skip_mismatch=True)
    after = model.get_weights()
    for mine, theirs in zip(after[:2], stack["first"].values(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert all(map(np.array_equal, before[2:5], after[2:5]))
    np.testing.assert_array_equal(after[5], stack["second"]["second/bias:0"])


@pytest.mark.parametrize("change", ["fewer layers", "fewer weights", "shape"])
def test_weights_that_do_not_fit_change_nothing(tmp_path, stack, change):
    if change == "fewer layers":
        stack["second"] = {}
    elif change == "fewer weights":
        del stack["second"]["second/bias:0"]
    else:
        stack["second"]["second/kernel:0"] = np.ones((3, 7), "float32")
    with h5py.File(tmp_path / "w.h5", "w") as file:
        keras2.write_weights(file, stack)
    model = small()
    before = model.get_weights()
    with pytest.raises(ShapeError, match="Nothing was changed"):
        model.load_weights(tmp_path / "w.h5")
    assert all(map(np.array_equal, before, model.get_weights()))


def test_by_name_is_for_layered_files(tmp_path):
    model = small()
    for ending in (".weights.h5", ".safetensors", ".keras"):
        (model.save if ending == ".keras" else model.save_weights)(tmp_path / f"m{ending}")
        with pytest.raises(ArgumentError, match="by_name"):
            model.load_weights(tmp_path / f"m{ending}", by_name=True)


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        {"function": ["4wEAAAAAAAAAAAAAAAEAAAACAAAAQwAAAHMIAAAAfABkARQAUwA=", None, None], "function_type": "lambda"},
        {"function": "anything", "function_type": "lambda"},
        {"function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None, "closure": None}}},
        {"function": "relu", "function_type": "function", "output_shape": ["4wEAAAA="], "output_shape_type": "lambda"},
    ],
)
def test_code_is_refused(tmp_path, function):
    config = {
        "class_name": "Sequential",
        "config": {"name": "s", "layers": [input_layer("i", [None, 4]), plain("Lambda", "la", **function)]},
    }
    keras2.write_model(tmp_path / "m.h5", config, {"la": {}})
    for safe_mode in (True, False):
        with pytest.raises(UnsafeFileError, match="never runs"):
            load_model(tmp_path / "m.h5", safe_mode=safe_mode)


def test_a_lambda_around_a_function_with_a_name(tmp_path, data):
    def twice(x):
        return x * 2

    inside = plain("Lambda", "la", function="twice", function_type="function", module="elsewhere", output_shape=None, output_shape_type="raw",
                   output_shape_module=None, arguments={})  # fmt: skip
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": [input_layer("i", [None, 4]), inside]}}
    keras2.write_model(tmp_path / "m.h5", config, {"la": {}})
    with pytest.raises(UnknownNameError, match="twice"):
        load_model(tmp_path / "m.h5")
    model = load_model(tmp_path / "m.h5", custom_objects={"twice": twice})
    np.testing.assert_allclose(ops.convert_to_numpy(model(data[0])), data[0] * 2, rtol=1e-6)


def test_files_that_are_no_models(tmp_path, stack):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        keras2.write_weights(file, stack)
    with pytest.raises(ConfigError, match="load_weights"):
        load_model(tmp_path / "w.h5")
    keras2.write_model(tmp_path / "x.h5", {"class_name": "Sequential"}, stack)
    with pytest.raises(ConfigError):
        load_model(tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5", "a") as file:
        file.attrs["model_config"] = b"{no json"
    with pytest.raises(CorruptFileError, match="JSON"):
        load_model(tmp_path / "x.h5")
    (tmp_path / "y.h5").write_bytes(b"no hdf5 either")
    with pytest.raises(CorruptFileError):
        load_model(tmp_path / "y.h5")


def test_theano_kernels_are_refused(tmp_path, stack):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        keras2.write_weights(file, stack)
        file.attrs["backend"] = b"theano"
    with pytest.raises(ConfigError, match="theano"):
        small().load_weights(tmp_path / "w.h5")


def test_arguments_that_would_change_results_are_not_dropped(tmp_path):
    steps = plain("SimpleRNN", "steps", units=3, time_major=True)
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": [input_layer("i", [None, 4, 2]), steps]}}
    keras2.write_model(tmp_path / "m.h5", config, {"steps": {}})
    with pytest.raises(ArgumentError, match="time_major"):
        load_model(tmp_path / "m.h5")


INITIAL = {
    "kernel_initializer": {"class_name": "HeNormal", "config": {"seed": None}},
    "kernel_regularizer": None,
    "kernel_constraint": None,
}
POLICY = {"class_name": "Policy", "config": {"name": "mixed_bfloat16"}}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (plain("DepthwiseConv2D", "x", kernel_size=[3, 3], groups=1, depth_multiplier=2), {"depth_multiplier": 2}),
        (plain("SeparableConv2D", "x", filters=4, kernel_size=[3, 3], groups=1, **INITIAL), {"filters": 4}),
        (plain("Conv2DTranspose", "x", filters=4, kernel_size=[3, 3], groups=1, output_padding=None), {"filters": 4}),
        (plain("BatchNormalization", "x", axis=[3], momentum=0.5, fused=True, renorm=False), {"axis": 3, "momentum": 0.5}),
        (plain("Dense", "x", units=2) | {"config": {"name": "x", "units": 2, "dtype": POLICY}}, {"compute_dtype": "bfloat16", "dtype": "float32"}),
        (plain("UpSampling2D", "x", size=[2, 2], interpolation="bilinear"), {"interpolation": "bilinear"}),
        (plain("Conv2D", "x", filters=2, kernel_size=[1, 1], activation={"class_name": "ReLU", "config": {"max_value": 6.0}}), {"filters": 2}),
    ],
    ids=lambda v: v.get("class_name"),
)  # fmt: skip
def test_layers_whose_arguments_were_spelt_otherwise(entry, expected):
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": [input_layer("i", [None, 8, 8, 3]), entry]}}
    (layer,) = cornu.saving.deserialize_keras_object(legacy.model_config(config, keras_2=True)).layers
    assert {name: getattr(layer, name) for name in expected} == expected


def test_translation_is_pure():
    """Nothing that is given is changed."""
    config, _ = two_towers(np.random.default_rng(0))
    before = json.dumps(config)
    once = legacy.model_config(config, keras_2=True)
    assert json.dumps(config) == before
    assert all("module" in entry for entry in once["config"]["layers"])
    assert list(itertools.islice((entry["class_name"] for entry in once["config"]["layers"]), 4)) == [
        "InputLayer",
        "InputLayer",
        "Dense",
        "Functional",
    ]
