"""Every public layer beside the real Keras: none without a case or a reason, shapes with unknown lengths, files both ways."""

import inspect
import warnings

import numpy as np
import pytest

pytestmark = pytest.mark.parity

import cornu  # noqa: E402
from cornu import layers, ops, tree, use_backend  # noqa: E402
from cornu.saving import load_model  # noqa: E402
from tests.layers import cases  # noqa: E402
from tests.layers.cases import Inner  # noqa: E402

TEXTS = "words and categories: test_text_layers.py"
FOREIGN = "holds what another framework made: tests/interop"
CELL = "a step of a recurrent layer: test_layers_sequence.py and the cases of RNN"
BASE = "computes nothing by itself: what is derived from it has cases"
WITHOUT_CASE = {
    **dict.fromkeys(
        ["CategoryEncoding", "Discretization", "HashedCrossing", "Hashing", "IntegerLookup", "StringLookup", "TextVectorization"], TEXTS
    ),
    **dict.fromkeys(["FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"], FOREIGN),
    **dict.fromkeys(["GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells"], CELL),
    **dict.fromkeys(["InputLayer", "Layer", "Wrapper"], BASE),
}
FAMILIES = {
    "affine": cases.AFFINE,
    "windowed": cases.WINDOWED,
    "poolings": [*cases.POOLINGS, *cases.ADAPTIVE],
    "shapes": cases.SHAPES,
    "elementwise": cases.ELEMENTWISE,
    "normalisations": cases.NORMALISATIONS,
    "look-ups and merges": [*cases.LOOK_UPS, *cases.MERGES],
    "recurrent": cases.RECURRENT,
    "equations and attention": [*cases.EQUATIONS, *cases.ATTENTION],
    "wrapped and films": [*cases.WRAPPED, *cases.FILMS],
}


def public_layers():
    """The names of the layer classes, without older spellings."""
    found = {name: getattr(layers, name) for name in layers.__all__ if name not in WITHOUT_CASE or WITHOUT_CASE[name] != FOREIGN}
    classes = {name: thing for name, thing in found.items() if inspect.isclass(thing) and issubclass(thing, layers.Layer)}
    return {name for name, cls in classes.items() if vars(cls).get("public_name", cls.__name__) == name} | {
        name for name, reason in WITHOUT_CASE.items() if reason == FOREIGN and name in layers.__all__
    }


def test_every_public_layer_has_a_case_or_a_reason():
    here = {c.layer for family in FAMILIES.values() for c in family}
    elsewhere = {c.layer for c in (*cases.PICTURES, *cases.SOUNDS)}  # test_image_layers.py and test_preprocessing.py
    assert public_layers() - here - elsewhere == set(WITHOUT_CASE)
    assert not here & set(WITHOUT_CASE)
    assert sum(map(len, FAMILIES.values())) + len(cases.PICTURES) + len(cases.SOUNDS) == len(cases.CASES)


def made_in(module, case):
    """The case's layer, of Cornu or of the real Keras."""
    arguments = {k: getattr(module.ops, v.__name__) if v is ops.square else v for k, v in case.arguments.items()}
    return Inner(case.layer, arguments).make(module.layers)


# --- shapes -----------------------------------------------------------------------------------------------------------

RANK = "of Keras the shape that its graph claims has another rank than what it computes"
SHAPES_DIFFER = {"EinsumDense": RANK, "MultiHeadAttention": RANK}


def unknown_lengths(case):
    """The input's shape with all lengths unknown but that of features."""
    first = case.arguments.get("data_format") == "channels_first"
    return [(None, *[None if (i > 0 if first else i < len(s) - 2) else n for i, n in enumerate(s[1:])]) for s in case.shapes]


def shapes_of(module, case, shapes):
    entered = [module.Input(batch_shape=s, dtype="float32" if case.ids is None else "int32") for s in shapes]
    return [tuple(y.shape) for y in tree.flatten(case.run(made_in(module, case), entered))]


@pytest.mark.parametrize("family", FAMILIES)
def test_graphs_know_the_shapes_that_keras_knows(keras, family):
    """With an unknown batch, and with unknown lengths of time and space where Keras takes such."""
    with use_backend("jax"):
        for case in FAMILIES[family]:
            batch = [(None, *s[1:]) for s in case.shapes]
            unknown = [] if "attention_mask" in case.call else [unknown_lengths(case)]  # a mask has lengths
            for shapes in (batch, *unknown):
                try:
                    theirs = shapes_of(keras, case, shapes)
                except Exception:  # noqa: BLE001 - Keras needs the lengths; that ours need no more is tested below
                    assert shapes is not batch, case
                    continue
                ours = shapes_of(cornu, case, shapes)
                if case.layer in SHAPES_DIFFER and ours != theirs:
                    continue
                assert ours == theirs, (str(case), shapes)


# --- files ------------------------------------------------------------------------------------------------------------


def graph_of(family, rng):
    """One model of all layers of a family, its inputs, and its weights drawn anew."""
    chosen = [c for c in FAMILIES[family] if "config" not in c.exempt]
    xs = [c.inputs(rng) for c in chosen]
    entered = [[cornu.Input(batch_shape=(None, *x.shape[1:]), dtype=str(x.dtype)) for x in each] for each in xs]
    outputs = [tree.flatten(c.run(c.make(), each)) for c, each in zip(chosen, entered, strict=True)]
    model = cornu.Model([x for each in entered for x in each], [y for each in outputs for y in each])
    values = [rng.normal(0, 0.5, w.shape) if w.dtype != "int32" else w.numpy() for w in model.weights]
    values = [np.abs(v) if "variance" in w.path else v for v, w in zip(values, model.weights, strict=True)]
    model.set_weights([v.astype(w.dtype) for v, w in zip(values, model.weights, strict=True)])
    return model, [x for each in xs for x in each]


def forward_of_keras(model, xs):
    import jax

    state = [v.value for v in model.trainable_variables], [v.value for v in model.non_trainable_variables]
    return [np.asarray(y) for y in tree.flatten(jax.jit(lambda t, n, xs: model.stateless_call(t, n, xs)[0])(*state, xs))]


@pytest.mark.parametrize("family", FAMILIES)
def test_files_of_every_layer_are_read_both_ways(keras, tmp_path, rng, family):
    """Our file opened by Keras, and what Keras writes opened by us: the same weights in the same order, the same outputs."""
    with use_backend("numpy"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Keras's, about masks and inputs
        model, xs = graph_of(family, rng)
        expected = [ops.convert_to_numpy(y) for y in tree.flatten(model(xs))]
        model.save(tmp_path / "ours.keras")
        theirs = keras.saving.load_model(tmp_path / "ours.keras")
        assert [(w.name, tuple(w.shape), w.trainable) for w in theirs.weights] == [
            (w.name, tuple(w.shape), w.trainable) for w in model.weights
        ]
        for a, b in zip(forward_of_keras(theirs, xs), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-5)
        theirs.save(tmp_path / "theirs.keras")
        again = load_model(tmp_path / "theirs.keras")
        for a, b in zip(again.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        for a, b in zip(tree.flatten(again(xs)), expected, strict=True):
            np.testing.assert_allclose(ops.convert_to_numpy(a), b, rtol=1e-6, atol=1e-6)
