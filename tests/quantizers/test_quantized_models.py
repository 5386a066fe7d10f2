"""Whole models: which layers are meant, what runs afterwards, what their files say."""

import numpy as np
import pytest

import cornu
from cornu import dtype_policies, layers
from cornu.errors import ArgumentError
from cornu.layers import tracking

MODES = ("int8", "int4", "float8")


class Foreign(layers.Dense):
    """A class that its author could have made compute anything."""


def test_layers_of_classes_of_their_own_are_left_unless_told_otherwise():
    def made():
        return cornu.Sequential([cornu.Input((4,)), Foreign(3, name="mine"), layers.Dense(2)])

    model = made()
    with pytest.warns(UserWarning, match="mine.*type_check=False"):
        model.quantize("int8")
    assert [layer.quantization_mode for layer in model.layers] == [None, "int8"]
    model = made()
    model.quantize("int8", type_check=False)
    assert [layer.quantization_mode for layer in model.layers] == ["int8", "int8"]
    with pytest.raises(ArgumentError, match="already"):
        model.quantize("int8", type_check=False)
    with pytest.raises(ArgumentError, match="foo"):
        made().quantize("int8", foo=1)


@pytest.mark.parametrize("mode", MODES)
def test_after_it_ran_and_was_compiled_the_new_weights_run(trainable_backend, rng, mode):
    """Predictions are those of a model that never ran before it was quantised."""
    x, y = rng.normal(size=(32, 8)).astype("float32"), rng.normal(size=(32, 2)).astype("float32")
    model, twin = (cornu.Sequential([cornu.Input((8,)), layers.Dense(6, "relu"), layers.Dense(2)]) for _ in range(2))
    model.compile("sgd", "mse")
    model.fit(x, y, verbose=0)
    model(x)
    model.predict(x, verbose=0)
    model.evaluate(x, y, verbose=0)
    twin.set_weights(model.get_weights())
    for each in (model, twin):
        each.quantize(mode)
    expected = twin.predict(x, verbose=0)
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(cornu.ops.convert_to_numpy(model(x)), expected, rtol=1e-5, atol=1e-6)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(np.mean((expected - y) ** 2), rel=1e-4)
    kept = [v.numpy() for v in model.non_trainable_weights]
    model.fit(x, y, verbose=0)  # what still trains, trains
    for v, value in zip(model.non_trainable_weights, kept, strict=True):
        np.testing.assert_array_equal(v.numpy(), value)
    assert not np.array_equal(model.layers[0].bias.numpy(), twin.layers[0].bias.numpy())


ATTENTION = {
    "multi-head": lambda: layers.MultiHeadAttention(2, 4, name="attention"),
    "grouped": lambda: layers.GroupQueryAttention(4, 4, 2, name="attention"),
}


@pytest.mark.usefixtures("on_numpy")
@pytest.mark.parametrize("kind", ATTENTION)
@pytest.mark.parametrize("mode", MODES)
def test_projections_of_attention_are_quantised_and_saved(tmp_path, rng, kind, mode):
    cornu.utils.set_random_seed(0)
    inputs = cornu.Input((5, 8))
    model = cornu.Model(inputs, layers.Dense(3, name="head")(ATTENTION[kind]()(inputs, inputs)))
    x = rng.normal(size=(4, 5, 8)).astype("float32")
    floats = model.predict(x, verbose=0)
    model.quantize(mode)
    expected = model.predict(x, verbose=0)
    assert 0 < np.abs(expected - floats).mean() < 0.2 * np.abs(floats).mean()
    attention = model.get_layer("attention")
    assert {part.name for part in attention._layers_within_() if part.quantization_mode == mode} == {
        "query",
        "key",
        "value",
        "attention_output",
    }
    for _ in range(2):  # what was read is written again
        model.save(tmp_path / "m.keras")
        model = cornu.saving.load_model(tmp_path / "m.keras")
        np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)
    assert model.get_layer("attention").dtype_policy.parts["attention/query"].quantization_mode == mode


@cornu.saving.register_keras_serializable("tests")
class Residual(layers.Layer):
    """A layer without a `build`: its parts are built by a run on shapes alone."""

    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.attention = layers.MultiHeadAttention(2, 4, dtype=self.dtype_policy, name="attention")
        self.narrow = layers.Dense(width, dtype=self.dtype_policy, name="narrow")

    def call(self, x):
        return x + self.narrow(self.attention(x, x))


@pytest.mark.usefixtures("on_numpy")
@pytest.mark.parametrize("mode", MODES)
def test_parts_of_layers_of_ones_own_are_saved(tmp_path, rng, mode):
    model = cornu.Sequential([cornu.Input((5, 8)), Residual(8, name="first"), Residual(8, name="second")])
    x = rng.normal(size=(4, 5, 8)).astype("float32")
    model.quantize(mode)
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "m.keras")
    again = cornu.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)
    assert again.layers[1].attention.key_dense.quantization_mode == mode


@pytest.mark.usefixtures("on_numpy")
def test_layers_inside_wrappers_and_inner_models(tmp_path, rng):
    inner = cornu.Sequential([cornu.Input((5, 4)), layers.TimeDistributed(layers.Dense(3, name="step"))], name="inner")
    inputs = cornu.Input((5, 4))
    model = cornu.Model(inputs, layers.Dense(2, name="head")(inner(inputs)))
    x = rng.normal(size=(2, 5, 4)).astype("float32")
    model.quantize("int8")
    wrapper = inner.layers[0]
    assert wrapper.layer.quantization_mode == "int8"
    assert wrapper.dtype_policy == dtype_policies.get("float32")  # its configuration holds that of the layer inside
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "m.keras")
    again = cornu.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)


def functional():
    x = cornu.Input((3,), dtype="int32")
    y = layers.Embedding(5, 8, mask_zero=True)(x)
    return cornu.Model(x, layers.Dense(2)(layers.LSTM(4)(layers.Dense(6, "relu", name="one")(y))))


def nested():
    inner = cornu.Sequential([cornu.Input((3,)), layers.Dense(6, "relu", name="one")], name="inner")
    return cornu.Sequential([cornu.Input((3,)), inner, layers.Dense(2)])


@pytest.mark.parametrize("change", ["int8", "float8", "low rank"])
@pytest.mark.parametrize("make", [functional, nested])
def test_a_single_layer_changed_after_the_model_ran_runs_changed(backend, tmp_path, rng, make, change):
    """Nobody tells the models around it: they find out themselves, with masks and without, as steps and as a plain call."""
    model, x = make(), rng.integers(1, 5, (4, 3))
    before = model.predict(x, verbose=0)
    layer = next(found for found in tracking.walk(model) if found.name == "one")
    if change == "low rank":
        layer.enable_lora(2, b_initializer="ones")
    else:
        layer.quantize(change)
    after = model.predict(x, verbose=0)
    assert not np.array_equal(after, before)
    model.save(tmp_path / "m.keras")
    fresh = cornu.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(after, fresh.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(after, cornu.ops.convert_to_numpy(model(x)), rtol=1e-5, atol=1e-6)
    if change == "low rank":
        layer.merge_lora()
        np.testing.assert_allclose(model.predict(x, verbose=0), after, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("on_numpy")
def test_filters_reach_parts_by_name_and_by_function():
    inputs = cornu.Input((5, 8))
    attention = layers.MultiHeadAttention(2, 4)
    model = cornu.Model(inputs, layers.Dense(3, name="head")(attention(inputs, inputs)))
    model.quantize("int8", filters=["^query$", "^key$"])
    model.quantize("int4", filters=lambda layer: layer.name == "value")
    modes = {layer.name: layer.quantization_mode for layer in model._layers_within_()}
    assert [modes[name] for name in ("query", "key", "value", "attention_output", "head")] == ["int8", "int8", "int4", None, None]
    assert attention.dtype_policy.parts["value"].quantization_mode == "int4"
