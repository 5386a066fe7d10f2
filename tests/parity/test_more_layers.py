"""Depthwise, separable and transposed convolutions, attention, adaptive poolings, layers around layers and convolutional recurrence against
the real Keras, given the same weights and the same inputs."""

import copy
import inspect
import json

import h5py
import numpy as np
import pytest

pytestmark = [pytest.mark.parity, pytest.mark.usefixtures("on_jax")]

import cornu  # noqa: E402
from cornu import layers, serialization  # noqa: E402
from tests.layers.cases import FIRST, IMAGE, MORE_CASES, SEQUENCE, SOURCES, case, inner  # noqa: E402
from tests.parity.test_layers_sequence import compare, pair, plain  # noqa: E402

NAMES = sorted({c.layer for c in MORE_CASES})
ALIASES = [
    *(f"Convolution{n}DTranspose" for n in (1, 2, 3)),
    *(f"SeparableConvolution{n}D" for n in (1, 2)),
]
MORE = [
    case("DepthwiseConv2D", IMAGE, kernel_size=2, strides=(2, 1), padding="same"),
    case("Conv2DTranspose", IMAGE, filters=2, kernel_size=2, strides=3),
    case("Conv2DTranspose", IMAGE, filters=2, kernel_size=4, strides=3, padding="same"),
    case("Conv2DTranspose", IMAGE, filters=2, kernel_size=4, strides=3, padding="same", output_padding=(2, 1)),
    case("Conv1DTranspose", SEQUENCE, filters=2, kernel_size=2, strides=3, output_padding=0),
    case("Conv1DTranspose", SEQUENCE, filters=2, kernel_size=1, strides=3, padding="same", output_padding=2),
    case("Conv3DTranspose", (2, 2, 3, 2, 2), filters=2, kernel_size=3, strides=2, output_padding=1, padding="same"),
    case("SeparableConv2D", IMAGE, filters=3, kernel_size=3, strides=2, depth_multiplier=2),
    case("EinsumDense", SEQUENCE, equation="abc,cde->abde", output_shape=(None, 2, 3), bias_axes="d"),
    case("EinsumDense", SEQUENCE, equation="abc,bcd->ad", output_shape=3, bias_axes="d"),
    case("AdaptiveAveragePooling1D", SEQUENCE, output_size=3),
    case("AdaptiveMaxPooling2D", (2, 7, 9, 2), output_size=(3, 4)),
    case("AdaptiveAveragePooling2D", (2, 2, 7, 9), output_size=(3, 4), **FIRST),
]


@pytest.mark.parametrize("name", [*NAMES, *ALIASES])
def test_it_takes_the_same_arguments_with_the_same_defaults(keras, name):
    def arguments(cls):
        return [(p.name, p.kind, p.default) for p in list(inspect.signature(cls.__init__).parameters.values())[1:]]

    assert arguments(getattr(layers, name)) == arguments(getattr(keras.layers, name))


@pytest.mark.parametrize("case", [*MORE_CASES, *MORE], ids=str)
def test_outputs_gradients_and_weights_are_those_of_keras(keras, case, rng):
    compare(keras, case, rng)


@pytest.mark.parametrize("case", MORE_CASES, ids=str)
def test_keras_reads_our_configuration_and_writes_it_likewise(keras, case):
    ours = json.loads(json.dumps(serialization.serialize(case.make())))
    theirs = json.loads(json.dumps(keras.saving.serialize_keras_object(keras.saving.deserialize_keras_object(copy.deepcopy(ours)))))
    again = json.loads(json.dumps(serialization.serialize(serialization.deserialize(theirs))))
    assert plain(theirs["config"]) == plain(ours["config"])
    assert plain(again["config"]) == plain(ours["config"])
    assert (theirs["module"], theirs["class_name"]) == (ours["module"], ours["class_name"])


VALUE_MASK = np.array([[True, True, False], [True, False, True]])


@pytest.mark.parametrize("name", ["Attention", "AdditiveAttention"])
def test_masked_values_are_not_seen_and_masked_queries_give_nothing(keras, name, rng):
    query_mask = np.arange(12).reshape(2, 6) % 4 > 0
    for mask in ([query_mask, VALUE_MASK], [None, VALUE_MASK], [query_mask, None]):
        compare(keras, case(name, SEQUENCE, SOURCES, call={"mask": mask, "return_attention_scores": True}), rng)


HEADS = [
    ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3}),
    ("GroupQueryAttention", {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}),
]


@pytest.mark.parametrize("scores", [True, False])
@pytest.mark.parametrize(("name", "settings"), HEADS)
def test_masked_keys_and_values_are_not_seen(keras, name, settings, scores, rng):
    key_mask = np.array([[False, True, True], [True, True, True]])
    call = {"value_mask": VALUE_MASK, "key_mask": key_mask, "return_attention_scores": scores}
    call["attention_mask"] = np.arange(36).reshape(2, 6, 3) % 6 > 0
    call["attention_mask"][0, :, 1] = (
        True  # rows that see nothing have weights of 0 in Keras where these are asked for, and equal ones elsewhere
    )
    compare(keras, case(name, SEQUENCE, SOURCES, SOURCES, separate=True, call=call, **settings), rng)


@pytest.mark.parametrize("shape", [(2, 6, 5, 3), (2, 5, 3), (5, 3), (2, 6, 1, 5, 3), (2, 6, 2, 5, 3)])
def test_masks_of_attention_over_one_of_several_axes(keras, shape, rng):
    mask = rng.random(shape) > 0.3
    mask[..., 0] = True
    settings = {"num_heads": 2, "key_dim": 3, "attention_axes": 2, "call": {"attention_mask": mask}}
    compare(keras, case("MultiHeadAttention", IMAGE, (2, 6, 3, 4), separate=True, **settings), rng)


@pytest.mark.parametrize("mask", [VALUE_MASK, np.arange(36).reshape(2, 6, 3) % 5 > 1])
def test_masks_of_values_over_one_of_several_axes(keras, mask, rng):
    settings = {"num_heads": 2, "key_dim": 3, "attention_axes": 2, "call": {"value_mask": mask}}
    compare(keras, case("MultiHeadAttention", IMAGE, (2, 6, 3, 4), separate=True, **settings), rng)


def test_masks_that_inputs_bring_along(keras, rng):
    """A functional model in each: the embedding's mask reaches the attention layer, of whose outputs it is the mask too."""
    ids = np.array([[1, 2, 0, 3], [4, 0, 0, 1]])
    found = []
    for module, of in ((cornu, layers), (keras, keras.layers)):
        given = module.Input((4,), dtype="int32")
        x = of.Embedding(5, 6, mask_zero=True)(given)
        y = of.GlobalAveragePooling1D()(of.MultiHeadAttention(2, 3)(x, x))
        found.append(module.Model(given, y))
    found[1].set_weights(found[0].get_weights())
    np.testing.assert_allclose(found[0](ids), found[1](ids), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layer", [inner("Dense", units=3), inner("Conv1D", filters=2, kernel_size=2)])
def test_a_training_call_of_spectral_normalization_leaves_the_same_weights(keras, layer, rng):
    one = case("SpectralNormalization", SEQUENCE, layer=layer, power_iterations=3)
    (x,) = one.inputs(rng)
    ours, theirs = pair(keras, one, [x])
    for _ in range(2):
        np.testing.assert_allclose(ours(x, training=True), theirs(x, training=True), rtol=1e-5, atol=1e-5)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_gradients_of_spectral_normalization_in_training_are_those_of_keras(keras, rng):
    compare(keras, case("SpectralNormalization", (2, 4), layer=inner("Dense", units=3)), rng, training=True)


def test_states_of_convolutional_recurrence_are_carried_on(keras, rng):
    one = case("ConvLSTM1D", (2, 3, 5, 2), filters=2, kernel_size=2, stateful=True)
    first, second = one.inputs(rng), one.inputs(rng)
    ours, theirs = pair(keras, one, first)
    ours.reset_state()
    theirs.reset_state()
    for x in (first[0], second[0]):
        np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-5, atol=1e-6)


FILES = [
    case("MultiHeadAttention", SEQUENCE, SEQUENCE, separate=True, num_heads=2, key_dim=3, use_gate=True),
    case("GroupQueryAttention", SEQUENCE, SEQUENCE, separate=True, head_dim=3, num_query_heads=4, num_key_value_heads=2, use_gate=True),
    case("SpectralNormalization", SEQUENCE, layer=inner("Dense", units=3)),
    case("ConvLSTM1D", (2, 3, 5, 2), filters=2, kernel_size=2),
    case("ReversibleEmbedding", (2, 5), ids=6, input_dim=6, output_dim=3, tie_weights=False),
    case("SeparableConv2D", IMAGE, filters=2, kernel_size=2),
]


@pytest.mark.parametrize("case", FILES, ids=str)
def test_weight_files_are_read_both_ways(keras, case, rng, tmp_path):
    xs = case.inputs(rng)
    models = []
    for module, make in ((cornu, case.make), (keras, lambda: type_of(keras, case))):
        entered = [module.Input(x.shape[1:], dtype=str(x.dtype)) for x in xs]
        models.append(module.Model(entered, case.run(make(), entered)))
    first = [rng.normal(0, 0.5, w.shape).astype(w.dtype) for w in models[0].get_weights()]
    models[0].set_weights(first)
    for writer, reader in (models, models[::-1]):
        path = tmp_path / f"{type(writer).__module__.partition('.')[0]}.weights.h5"
        writer.save_weights(path)
        reader.set_weights([np.zeros_like(w) for w in first])
        reader.load_weights(path)
        for a, b in zip(reader.get_weights(), first, strict=True):
            np.testing.assert_array_equal(a, b)
    with h5py.File(tmp_path / "cornu.weights.h5") as ours, h5py.File(tmp_path / "keras.weights.h5") as theirs:
        assert datasets(ours) == datasets(theirs)


def type_of(keras, case):
    return inner(case.layer, **case.arguments).make(keras.layers)


def datasets(file):
    found = {}
    file.visititems(lambda name, thing: found.update({name: thing.shape}) if hasattr(thing, "shape") else None)
    return found
