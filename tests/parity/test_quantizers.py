"""Quantisers, policies and quantised layers against the real Keras, as a black box."""

import json
import warnings

import numpy as np
import pytest

pytestmark = [pytest.mark.parity, pytest.mark.usefixtures("on_jax")]

import cornu  # noqa: E402
from cornu import dtype_policies, quantizers, serialization  # noqa: E402


def same(ours, theirs, exact=True):
    for a, b in zip(ours, theirs, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        if exact and a.dtype.kind in "iu":
            np.testing.assert_array_equal(a, b)
        else:
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 1), None])
@pytest.mark.parametrize("bounds", [(-127, 127), (-8, 7)])
def test_abs_max_quantize(keras, rng, axis, bounds):
    x = rng.normal(size=(7, 5)).astype("float32")
    same(quantizers.abs_max_quantize(x, axis, bounds), keras.quantizers.abs_max_quantize(x, axis, bounds))


@pytest.mark.parametrize("block", [1, 2, 4, 6, 10])
def test_abs_max_quantize_in_blocks(keras, rng, block):
    x = rng.normal(1.0, 1.0, size=(6, 5)).astype("float32")
    function = "abs_max_quantize_grouped_with_zero_point"
    same(getattr(quantizers, function)(x, block), getattr(keras.quantizers, function)(x, block))


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_pack_int4(keras, rng, axis, dtype):
    x = rng.integers(-8, 8, size=(5, 3)) if dtype == "int8" else rng.integers(0, 16, size=(5, 3))
    ours, theirs = (q.pack_int4(x.astype(dtype), axis, dtype) for q in (quantizers, keras.quantizers))
    same(ours[:1], theirs[:1])
    assert ours[1:] == (tuple(theirs[1]), int(theirs[2]))
    np.testing.assert_array_equal(quantizers.unpack_int4(ours[0], x.shape[axis], axis, dtype), x)


@pytest.mark.parametrize("options", [{}, {"num_bits": 4, "narrow_range": True}, {"axis": 1}])
@pytest.mark.parametrize("bounds", [(-1.0, 2.0), (0.5, 2.0), (-3.0, -1.0)])
def test_fake_quant_with_min_max_vars(keras, rng, options, bounds):
    x = rng.normal(size=(4, 3)).astype("float32")
    low, high = ([b, 2 * b, 0.5 * b] for b in bounds) if options.get("axis") else bounds
    ours, theirs = (q.fake_quant_with_min_max_vars(x, low, high, **options) for q in (quantizers, keras.quantizers))
    same([ours], [theirs])


def test_float8(keras, rng):
    x = rng.normal(size=(4, 3)).astype("float32") * 100
    for kind in ("float8_e4m3fn", "float8_e5m2"):
        ours, theirs = (q.quantize_and_dequantize(x, np.float32(0.3), kind, "float32") for q in (quantizers, keras.quantizers))
        same([ours], [theirs])
    history = np.arange(5, dtype="float32")
    same(*([q.compute_float8_amax_history(x, history)] for q in (quantizers, keras.quantizers)))
    for amax in (4.0, 0.0, np.inf):
        same(*([q.compute_float8_scale(np.float32(amax), np.float32(3), 448.0, margin=1)] for q in (quantizers, keras.quantizers)))


CONFIGS = [
    quantizers.AbsMaxQuantizer(), quantizers.AbsMaxQuantizer(axis=-1, value_range=(-8, 7)), quantizers.Int8QuantizationConfig(),
    quantizers.Int8QuantizationConfig(quantizers.AbsMaxQuantizer(axis=0), None), quantizers.Int4QuantizationConfig(),
    quantizers.Int4QuantizationConfig(block_size=-1), quantizers.Float8QuantizationConfig(),
    *map(dtype_policies.get, ("int8_from_mixed_bfloat16", "int4/64_from_float32", "float8_from_mixed_float16", "gptq/4/128_from_float32")),
    quantizers.GPTQConfig(None, None, weight_bits=3, symmetric=True, activation_order=True), quantizers.AWQConfig(None, None, group_size=-1),
    dtype_policies.get("awq/4/-1_from_bfloat16"), dtype_policies.QuantizedDTypePolicy("int8"),
]  # fmt: skip


@pytest.mark.parametrize("made", CONFIGS, ids=lambda made: getattr(made, "name", type(made).__name__))
def test_keras_reads_and_writes_the_same_configurations(keras, made):
    ours = json.loads(json.dumps(serialization.serialize(made)))
    read = keras.saving.deserialize_keras_object(ours)
    assert type(read).__name__ == type(made).__name__
    theirs = json.loads(json.dumps(keras.saving.serialize_keras_object(read)))
    assert theirs == ours
    assert type(serialization.deserialize(theirs)) is type(made)
    for name in ("name", "compute_dtype", "variable_dtype", "quantization_mode"):
        assert getattr(read, name, None) == getattr(made, name, None)


def test_a_map_of_policies_is_keras_s(keras):
    ours, theirs = (d.DTypePolicyMap(default_policy="mixed_bfloat16") for d in (dtype_policies, keras.dtype_policies))
    for policies in (ours, theirs):
        policies["a/b"] = "float16"
        policies["layer/d.*"] = "float64"
    for path in ("a/b", "a/b/c", "b", "layer/dense", "zlayer/dense"):
        assert ours[path].name == theirs[path].name
    assert ours.get_config() == theirs.get_config()
    assert ours.name == theirs.name
    assert dtype_policies.serialize(ours) == keras.dtype_policies.serialize(theirs)


LAYERS = {
    "dense": (lambda k: k.layers.Dense(6, name="a"), (5, 8)),
    "to heads": (lambda k: k.layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de", name="a"), (2, 5, 4)),
    "from heads": (lambda k: k.layers.EinsumDense("abcd,cde->abe", (None, 6), name="a"), (2, 5, 4, 3)),
    "table": (lambda k: k.layers.Embedding(7, 4, name="a"), None),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("mode", ["int8", "int4"])
def test_quantised_layers_are_keras_s(keras, tmp_path, rng, name, mode):
    make, shape = LAYERS[name]
    x = np.array([[1, 6]]) if shape is None else rng.normal(size=shape).astype("float32")
    ours, theirs = make(cornu), make(keras)
    for layer in (ours, theirs):
        layer.build(x.shape)
    theirs.set_weights(ours.get_weights())
    stores = {}, {}
    for layer, store in zip((ours, theirs), stores, strict=True):
        layer.quantize(mode)
        layer.save_own_variables(store)
    assert list(stores[0]) == list(stores[1])
    same(stores[0].values(), stores[1].values())
    np.testing.assert_allclose(np.asarray(ours(x)), np.asarray(theirs(x)), rtol=1e-4, atol=1e-5)
    assert ours.dtype_policy.name == theirs.dtype_policy.name


def test_float8_training_is_keras_s(keras, rng):
    x, y, kernel, bias = (rng.normal(size=shape).astype("float32") for shape in ((16, 4), (16, 3), (4, 3), 3))
    models = []
    for k in (cornu, keras):
        model = k.Sequential([k.Input((4,)), k.layers.Dense(3)])
        model.set_weights([kernel, bias])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras's, of layers that have nothing to quantise
            model.quantize("float8")
        model.compile(k.optimizers.SGD(0.1), "mse")
        model.fit(x, y, batch_size=16, epochs=4, shuffle=False, verbose=0)
        models.append({v.name: np.asarray(v) for v in model.weights})
    ours, theirs = models
    assert set(ours) == set(theirs)
    for name, value in theirs.items():
        # a product at the border of two numbers of eight bits may be rounded either way, which a weight or two then shows
        assert np.isclose(ours[name], value, rtol=2e-3, atol=2e-4).mean() > 0.8, name
        np.testing.assert_allclose(ours[name], value, rtol=2e-3, atol=5e-3, err_msg=name)


@pytest.mark.parametrize("mode", ["gptq", "awq"])
@pytest.mark.parametrize("bits", [2, 4])
def test_keras_computes_with_what_calibration_found(keras, rng, mode, bits):
    """Keras 3.15 leaves zero points out of what it writes; given all, in the order of its layer's variables, it computes the same."""
    if mode == "awq" and bits != 4:
        pytest.skip("AWQ has four bits")
    x = rng.normal(size=(20, 8)).astype("float32") * np.arange(1, 9, dtype="float32")
    ours = cornu.layers.Dense(5, name="a")
    ours.build((None, 8))
    options = {"weight_bits": bits, "group_size": 4}
    ours.quantize(config={"gptq": quantizers.GPTQConfig, "awq": quantizers.AWQConfig}[mode](x, None, **options))
    store = {}
    ours.save_own_variables(store)
    theirs = keras.layers.Dense(5, name="a", dtype=f"{mode}/{bits}/4_from_float32")
    theirs.build((None, 8))
    named = {v.name: v for v in theirs.variables if not (v.name == "kernel" and v.dtype == "float32")}
    assert [(tuple(v.shape), str(v.dtype)) for v in named.values()] == [(v.shape, str(v.dtype)) for v in store.values()]
    for variable, value in zip(named.values(), store.values(), strict=True):
        variable.assign(value)
    setattr(theirs, f"is_{mode}_calibrated", True)
    np.testing.assert_allclose(np.asarray(ours(x)), np.asarray(theirs(x)), rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("on_numpy")
def test_layers_of_other_classes_are_left_as_keras_leaves_them(keras):
    for k in (cornu, keras):
        foreign = type("Foreign", (k.layers.Dense,), {})
        for options, expected in (({}, [None, "int8"]), ({"type_check": False}, ["int8", "int8"])):
            model = k.Sequential([k.Input((4,)), foreign(3), k.layers.Dense(2)])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.quantize("int8", **options)
            assert [layer.quantization_mode for layer in model.layers] == expected


@pytest.mark.long
def test_filters_are_keras_s(keras):
    for filters in ("body", ["^bo", "zz"], lambda layer: layer.name == "head", lambda layer: None):
        modes = []
        for k in (cornu, keras):
            model = k.Sequential(
                [k.Input((4,)), k.layers.Dense(3, name="body"), k.layers.Dense(3, name="xbody"), k.layers.Dense(2, name="head")]
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.quantize("int8", filters=filters)
            modes.append([layer.quantization_mode for layer in model.layers])
        assert modes[0] == modes[1]


@pytest.mark.parametrize(("rank", "shape"), [(1, (2, 5, 4)), (2, (2, 5, 5, 4)), (3, (1, 3, 3, 3, 4))])
def test_low_rank_parts_of_convolutions_are_keras_s(keras, tmp_path, rng, rank, shape):
    """The same weights train, the configurations say the same, and each computes the sum that the other's file holds."""
    x, name = rng.normal(size=shape).astype("float32"), f"Conv{rank}D"
    made = []
    for module in (cornu, keras):
        layer = getattr(module.layers, name)(3, 2, lora_rank=2, lora_alpha=5, name="c")
        made.append(module.Sequential([module.Input(shape[1:]), layer]))
    ours, theirs = made
    assert [(v.name, v.shape) for v in ours.trainable_weights] == [(v.name, tuple(v.shape)) for v in theirs.trainable_weights]
    config, wanted = (m.layers[0].get_config() for m in made)
    assert [{k: v for k, v in c.items() if "lora" in k or "quant" in k} for c in (config, wanted)] == [
        {"lora_rank": 2, "lora_alpha": 5}
    ] * 2
    for model in made:
        model.trainable_weights[-1].assign(rng.normal(size=(2, 3)).astype("float32"))
        model.save(tmp_path / f"{type(model).__module__.partition('.')[0]}.keras")
    for writer, reader, file in ((ours, keras, "cornu.keras"), (theirs, cornu, "keras.keras")):
        again = reader.saving.load_model(tmp_path / file)
        np.testing.assert_allclose(again.predict(x, verbose=0), writer.predict(x, verbose=0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
def test_keras_opens_files_with_attention_of_few_bits(keras, tmp_path, rng, mode):
    """Files hold the policies of the projections as a map. (Keras 3.15 holds none in its own, which it then cannot open.)"""
    inputs, x = cornu.Input((5, 8)), rng.normal(size=(2, 5, 8)).astype("float32")
    y = cornu.layers.MultiHeadAttention(2, 4, name="attention")(inputs, inputs)
    y = cornu.layers.GroupQueryAttention(4, 4, 2, name="grouped")(y, y)
    model = cornu.Model(inputs, cornu.layers.Dense(3, name="head")(y))
    model.quantize(mode)
    model.save(tmp_path / "m.keras")
    theirs = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(theirs.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    kept = {tuple(v.shape): str(v.dtype) for v in theirs.get_layer("attention").variables}
    assert kept == {v.shape: v.dtype for v in model.get_layer("attention").variables}


@pytest.mark.parametrize(
    ("name", "arguments", "shape"),
    [
        ("Dense", (3,), (2, 4)),
        ("EinsumDense", ("ab,bc->ac", 3, None, "c"), (2, 4)),
        ("Embedding", (5, 4), (2,)),
        ("Conv2D", (3, 2), (2, 4, 4, 2)),
    ],
)
def test_weights_with_low_rank_parts_stand_in_the_same_order(keras, rng, name, arguments, shape):
    ours, theirs = (getattr(module.layers, name)(*arguments) for module in (cornu, keras))
    x = np.ones(shape, "int32" if name == "Embedding" else "float32")
    for layer in (ours, theirs):
        layer.build(shape)
        layer.enable_lora(2)
    for which in ("weights", "trainable_weights", "non_trainable_weights"):
        assert [v.name for v in getattr(ours, which)] == [v.name for v in getattr(theirs, which)]
    theirs.set_weights([rng.normal(size=v.shape) for v in theirs.weights])
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-5, atol=1e-5)


def test_files_of_low_rank_parts_go_both_ways(keras, tmp_path, rng):
    def made(module):
        model = module.Sequential([module.Input((4,)), module.layers.Dense(3, name="d")], name="m")
        model.layers[0].enable_lora(2)
        return model

    x = rng.normal(size=(2, 4)).astype("float32")
    for number, (writer, reader) in enumerate([(made(cornu), made(keras)), (made(keras), made(cornu))]):
        writer.set_weights([rng.normal(size=v.shape) for v in writer.weights])
        writer.save_weights(tmp_path / f"{number}.weights.h5")
        reader.load_weights(tmp_path / f"{number}.weights.h5")
        np.testing.assert_allclose(reader(x), writer(x), rtol=1e-5, atol=1e-5)
