"""Dtype policies: what they say, maps of them by path, and what layers and training make of them."""

import json

import numpy as np
import pytest

import cornu
from cornu import layers, losses, metrics, models, ops, serialization
from cornu.dtype_policies import DTypePolicy, DTypePolicyMap, deserialize, dtype_policy, serialize, set_dtype_policy
from cornu.errors import ArgumentError
from cornu.optimizers import LossScaleOptimizer

X = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
HALF = {"bfloat16": 2.0**-8, "float16": 2.0**-11}
"""The rounding error of a number, relative to it."""


@pytest.fixture
def policy_of():
    """Sets the global policy for the length of a test."""
    yield set_dtype_policy
    set_dtype_policy(None)


def names(model):
    return [layer.dtype_policy.name for layer in model.layers]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


# --- what stands for a policy -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "compute", "kept"),
    [
        ("mixed_bfloat16", "bfloat16", "float32"),
        ("mixed_float16", "float16", "float32"),
        ("bfloat16", "bfloat16", "bfloat16"),
        ("float64", "float64", "float64"),
        (np.float16, "float16", "float16"),
        (DTypePolicy("mixed_float16"), "float16", "float32"),
        (
            {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "mixed_bfloat16"}, "registered_name": None},
            "bfloat16",
            "float32",
        ),
        (None, "float32", "float32"),
    ],
    ids=str,
)
def test_a_layer_takes_a_name_a_dtype_a_policy_or_a_configuration(given, compute, kept):
    layer = layers.Dense(2, dtype=given)
    with cornu.use_backend("numpy"):  # JAX has 64 bits by a setting of the process alone
        layer.build((None, 3))
    assert (layer.compute_dtype, layer.input_dtype, layer.variable_dtype, layer.dtype) == (compute, compute, kept, kept)
    assert {w.dtype for w in layer.weights} == {kept}
    again = serialization.deserialize(json.loads(json.dumps(serialization.serialize(layer))))
    assert again.dtype_policy == layer.dtype_policy


def test_the_global_policy_is_that_of_layers_without_one(policy_of, backend):
    policy_of("mixed_bfloat16")
    inside = layers.Dense(2)
    policy_of(None)
    assert (inside.compute_dtype, dtype_policy().name, layers.Dense(2).compute_dtype) == ("bfloat16", "float32", "float32")
    assert ops.dtype(inside(X)) == "bfloat16"


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float16", "float32"])
def test_floats_are_brought_to_the_compute_dtype_and_nothing_else_however_nested(policy, backend):
    class Kinds(layers.Layer):
        def call(self, x, more=None):
            self.seen = cornu.tree.map_structure(ops.dtype, (x, more))
            return x["a"]

    ones = np.ones(2, "int32")
    nested = {"a": ones.astype("float32"), "b": [ones, (ones.astype("float16"), ones.astype("bool"))]}
    layer, same = Kinds(dtype=policy), Kinds(dtype=policy, autocast=False)
    layer(nested, more=ones.astype("float32"))
    same(nested)
    compute = layer.compute_dtype
    assert layer.seen[0] == {"a": compute, "b": ["int32", (compute, "bool")]}
    assert same.seen[0] == {"a": "float32", "b": ["int32", ("float16", "bool")]}


# --- maps -------------------------------------------------------------------------------------------------------------


def test_keys_are_paths_or_expressions_for_whole_paths():
    policies = DTypePolicyMap("float32", {"a/.*": "bfloat16", "a/b": "float16", "c": "float64"})
    found = {path: policies[path].name for path in ("a/b", "a/bc", "a", "c", "c/d", "xc")}
    assert found == {"a/b": "float16", "a/bc": "bfloat16", "a": "float32", "c": "float64", "c/d": "float32", "xc": "float32"}
    assert [policies.has(path) for path in ("a/b", "a/bc", "a")] == [True, True, False]
    policies[".*b"] = "bfloat16"
    with pytest.raises(ArgumentError, match="at most one key"):
        policies["a/xb"]
    assert deserialize(json.loads(json.dumps(serialize(policies)))) == policies


def test_a_sequential_of_layers_with_one_map(backend):
    policies = DTypePolicyMap("float32", {"first": "mixed_bfloat16", "la.t": "float16"})
    parts = [layers.Dense(4, name=name, dtype=policies) for name in ("first", "middle", "last")]
    model = models.Sequential([layers.Input((3,)), *parts])
    assert names(model) == ["mixed_bfloat16", "float32", "float16"]
    assert [w.dtype for w in model.weights] == ["float32"] * 4 + ["float16"] * 2
    assert ops.dtype(model(X)) == "float16"
    again = models.Sequential.from_config(model.get_config())
    assert names(again) == names(model)
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(*(ops.convert_to_numpy(m(X)) for m in (again, model)))


def test_the_global_policy_may_be_a_map(policy_of, backend):
    policy_of(DTypePolicyMap("float32", {"head": "mixed_bfloat16"}))
    x = layers.Input((3,))
    model = models.Model(x, layers.Dense(2, name="head")(layers.Dense(4, name="body")(x)))
    assert names(model)[1:] == ["float32", "mixed_bfloat16"]
    assert ops.dtype(model(X)) == "bfloat16"


def test_a_map_given_to_a_subclassed_model_holds_for_the_layers_within(backend):
    policies = DTypePolicyMap("float32", {"net/body/.*": "mixed_float16", "net/head": "mixed_bfloat16", "net/own": "mixed_bfloat16"})

    class Net(models.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.body = models.Sequential([layers.Dense(4, name="one"), layers.Dense(4, name="two")], name="body")
            self.head, self.own = layers.Dense(2, name="head"), layers.Dense(2, name="own", dtype="float32")

        def call(self, x):
            return self.own(self.head(self.body(x)))

    model = Net(name="net", dtype=policies)
    assert ops.dtype(model(X)) == "float32"
    assert names(model.body) == ["mixed_float16"] * 2
    assert (model.head.dtype_policy.name, model.own.dtype_policy.name) == ("mixed_bfloat16", "float32")
    assert [model.head.path, *(layer.path for layer in model.body.layers)] == ["net/head", "net/body/one", "net/body/two"]
    assert {w.dtype for w in model.weights} == {"float32"}


@pytest.mark.parametrize("front", [True, False])
def test_a_map_given_to_a_sequential_holds_for_the_layers_within(backend, front):
    policies = DTypePolicyMap("float32", {"net/one": "mixed_bfloat16", "net/heads/query": "mixed_float16", "net/own": "mixed_bfloat16"})
    policies["net/top"] = "mixed_float16"
    made = [
        layers.Dense(4, name="one"), layers.Dense(4, name="own", dtype="float32"), layers.Reshape((2, 2)),
        SelfAttention(2, 3, name="heads"), layers.Dense(2, name="last"),
    ]  # fmt: skip
    model = models.Sequential(([layers.Input((3,))] if front else []) + made, name="net", dtype=policies)
    y = model(X)
    assert names(model) == ["mixed_bfloat16", "float32", "float32", "float32", "float32"]
    assert [part.dtype_policy.name for part in (made[3].query_dense, made[3].key_dense)] == ["mixed_float16", "float32"]
    assert [layer.path for layer in (made[0], made[3].query_dense)] == ["net/one", "net/heads/query"]
    kernel, bias = (np.array(ops.convert_to_numpy(ops.cast(w, "bfloat16")), "float64") for w in made[0].weights)
    seen = np.array(ops.convert_to_numpy(ops.cast(X, "bfloat16")), "float64")
    np.testing.assert_allclose(ops.convert_to_numpy(ops.cast(made[0](X), "float32")), seen @ kernel + bias, atol=4 * HALF["bfloat16"])
    model.add(layers.Dense(1, name="top"))
    assert (ops.dtype(y), ops.dtype(model(X))) == ("float32", "float16")
    again = models.Sequential.from_config(model.get_config(), custom_objects={"SelfAttention": SelfAttention})
    assert names(again) == names(model)


class SelfAttention(layers.MultiHeadAttention):
    """Attention of what comes in to itself, for a stack of layers."""

    def build(self, input_shape):
        super().build(input_shape, input_shape)

    def call(self, x):
        return super().call(x, x)


def test_a_global_map_is_read_by_a_sequential_s_layers_with_their_own_paths(policy_of, backend):
    policy_of(DTypePolicyMap("float32", {"heads/query": "mixed_float16", "last": "mixed_bfloat16"}))
    model = models.Sequential([layers.Input((2, 3)), SelfAttention(2, 3, name="heads"), layers.Dense(2, name="last")], name="net")
    assert names(model) == ["float32", "mixed_bfloat16"]
    assert model.layers[0].query_dense.dtype_policy.name == "mixed_float16"


def test_a_map_comes_too_late_for_the_weights_of_a_graph(backend):
    x = layers.Input((3,))
    y = layers.Dense(2, name="body")(x)
    with pytest.raises(ArgumentError, match="'body' has weights already"):
        models.Model(x, y, name="net", dtype=DTypePolicyMap("float32", {"net/body": "mixed_bfloat16"}))
    model = models.Model(x, layers.ReLU(name="end")(y), name="net", dtype=DTypePolicyMap("float32", {"net/end": "mixed_bfloat16"}))
    assert names(model)[1:] == ["float32", "mixed_bfloat16"]
    assert ops.dtype(model(X)) == "bfloat16"


def test_another_policy_holds_from_the_next_call(backend):
    layer = layers.Dense(2)
    assert ops.dtype(layer(X)) == "float32"
    layer.dtype_policy = "mixed_bfloat16"
    assert ops.dtype(layer(X)) == "bfloat16"
    assert [v.dtype for v in layer.weights] == ["float32"] * 2
    with pytest.raises(ArgumentError, match=r"has weights already, of the dtype float32.*'bfloat16'"):
        layer.dtype_policy = "bfloat16"
    assert layer.dtype_policy.name == "mixed_bfloat16"
    layer.dtype_policy = "int8_from_float32"
    assert layer.quantization_mode == "int8"
    assert [v.dtype for v in layer.weights if v.name == "kernel"] == ["int8"]


def test_a_map_within_a_configuration_stays_one_however_often_it_is_gone_over():
    policies = DTypePolicyMap("float32", {"a/.*": "bfloat16"})
    once = serialization.revive(json.loads(json.dumps(serialization.serialize({"within": [policies]}))))
    assert type(once["within"][0]) is DTypePolicyMap
    assert once["within"] == [policies]
    assert serialization.revive(once)["within"][0] is once["within"][0]
    layer = layers.Dense.from_config(serialization.revive({"units": 2, "name": "a/b", "dtype": serialization.serialize(policies)}))
    assert (layer._policy_map_, layer.dtype_policy.name) == (policies, "bfloat16")


def test_a_policy_with_quantised_parts_is_a_map_in_files():
    few = DTypePolicyMap("mixed_bfloat16", {"block/inner": "int8_from_mixed_bfloat16", "inner": "int8_from_mixed_bfloat16"})
    block, other = layers.Dense(2, name="block", dtype=few), layers.Dense(2, name="other", dtype=few)
    assert [block.dtype_policy.for_path(path).name for path in ("block", "block/inner", "block/else")] == [
        "mixed_bfloat16", "int8_from_mixed_bfloat16", "mixed_bfloat16",
    ]  # fmt: skip
    assert other.dtype_policy == DTypePolicy("mixed_bfloat16")
    assert serialize(block.dtype_policy) == serialization.serialize(block.dtype_policy) == serialize(few)
    assert deserialize(json.loads(json.dumps(serialize(block.dtype_policy)))).for_path("block") == block.dtype_policy


def test_parts_of_a_layer_follow_it_or_have_a_key_of_their_own(backend):
    policies = DTypePolicyMap("float32", {"reader/steps": "mixed_bfloat16", "alone": "mixed_float16", "heads/query": "mixed_float16"})

    class Reader(layers.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.steps = layers.GRU(2, name="steps")

        def call(self, x):
            return self.steps(x)

    reader = Reader(name="reader", dtype=policies)
    assert ops.dtype(reader(X[:, None])) == "bfloat16"
    assert reader.steps.cell.dtype_policy.name == "mixed_bfloat16"
    alone = layers.LSTM(2, name="alone", dtype=policies)
    assert ops.dtype(alone(X[:, None])) == alone.cell.compute_dtype == "float16"
    heads = layers.MultiHeadAttention(2, 3, name="heads", dtype=policies)
    heads.build((None, 4, 3), (None, 4, 3))
    assert [part.dtype_policy.name for part in (heads.query_dense, heads.key_dense)] == ["mixed_float16", "float32"]


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("half", list(HALF))
def test_softmax_of_far_numbers_is_as_exact_as_its_rounding(half, backend, rng):
    x = (rng.standard_normal((8, 40)) * 8).astype("float32")
    seen = ops.convert_to_numpy(ops.cast(ops.cast(x, half), "float32")).astype("float64")
    y = ops.convert_to_numpy(ops.cast(layers.Softmax(dtype=f"mixed_{half}")(x), "float32"))
    # only the result is rounded; below 1e-7 float16 has no full precision any more
    np.testing.assert_allclose(y, softmax(seen), rtol=HALF[half] + 1e-5, atol=1e-7)


NORMALISING = [
    ("LayerNormalization", {}, lambda x: (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)),
    ("RMSNormalization", {}, lambda x: x / np.sqrt(np.square(x).mean(-1, keepdims=True) + 1e-6)),
    ("BatchNormalization", {"training": True}, lambda x: (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3)),
    ("GroupNormalization", {}, lambda x: (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)),
    ("UnitNormalization", {}, lambda x: x / np.sqrt(np.square(x).sum(-1, keepdims=True))),
]


@pytest.mark.parametrize("half", list(HALF))
@pytest.mark.parametrize(("name", "call", "formula"), NORMALISING, ids=[n for n, *_ in NORMALISING])
def test_statistics_are_taken_in_float32(name, call, formula, half, backend, rng):
    """Of numbers whose squares float16 cannot hold, and whose mean is 64 times their deviation: only the last rounding is in half size."""
    x = (512 + 8 * rng.standard_normal((16, 64))).astype("float32")
    seen = ops.convert_to_numpy(ops.cast(ops.cast(x, half), "float32")).astype("float64")
    layer = getattr(layers, name)(dtype=f"mixed_{half}", **({"groups": 1} if name == "GroupNormalization" else {}))
    y = ops.convert_to_numpy(ops.cast(layer(x, **call), "float32"))
    np.testing.assert_allclose(y, formula(seen), rtol=HALF[half] + 1e-3, atol=1e-3)


@pytest.mark.parametrize("half", list(HALF))
def test_losses_and_metrics_of_half_size_outputs_are_computed_in_float32(half, backend, rng):
    logits, labels = (rng.standard_normal((64, 10)) * 4).astype("float32"), rng.integers(0, 10, 64)
    small = ops.cast(logits, half)
    seen = ops.convert_to_numpy(ops.cast(small, "float32")).astype("float64")
    expected = -np.log(softmax(seen)[np.arange(64), labels]).mean()
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)(labels, small)
    assert ops.dtype(loss) == "float32"
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    metric = metrics.MeanSquaredError()
    for _ in range(3):
        metric.update_state(np.zeros((64, 10), "float32"), small)
    assert {v.dtype for v in metric.variables} == {"float32"}
    assert float(metric.result()) == pytest.approx(np.square(seen).mean(), rel=1e-5)


def test_mixed_float16_wraps_the_optimizer_unless_told_not_to(policy_of, trainable_backend):
    policy_of("mixed_float16")
    model = models.Sequential([layers.Input((3,)), layers.Dense(1)])
    plain, scaled = cornu.optimizers.SGD(0.1), LossScaleOptimizer(cornu.optimizers.SGD(0.1), initial_scale=4.0)
    model.compile(plain, "mse")
    assert isinstance(model.optimizer, LossScaleOptimizer)
    assert model.optimizer.inner_optimizer is plain
    model.compile(scaled, "mse")
    assert model.optimizer is scaled
    model.compile(plain, "mse", auto_scale_loss=False)
    assert model.optimizer is plain


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_a_step_in_half_size_is_the_step_of_float64_within_its_rounding(policy, trainable_backend, rng):
    x, y = rng.standard_normal((32, 5)).astype("float32"), rng.standard_normal((32, 2)).astype("float32")
    model = models.Sequential([layers.Input((5,)), layers.Dense(2, dtype=policy)])
    model.compile(cornu.optimizers.SGD(0.5), "mse")
    kernel, bias = (w.astype("float64") for w in model.get_weights())
    model.fit(x, y, batch_size=32, verbose=0)
    error = 2 * (x @ kernel + bias - y) / y.size
    change = [a - b for a, b in zip(model.get_weights(), (kernel, bias), strict=True)]
    rounding = HALF[policy.removeprefix("mixed_")]
    for found, gradient in zip(change, (x.T @ error, error.sum(0)), strict=True):
        # inputs, kernel, outputs and gradients are rounded once each: 4 roundings of terms of about the largest one
        np.testing.assert_allclose(found, -0.5 * gradient, atol=4 * rounding * (np.abs(x).T @ np.abs(error)).max())
    assert {w.dtype for w in model.weights} == {"float32"}
