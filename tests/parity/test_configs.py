"""The real Keras reads our configurations as its own, and ours read Keras's; formulas agree on the same numbers."""

import json

import numpy as np
import pytest

pytestmark = pytest.mark.parity

from cornu import activations, constraints, initializers, layers, ops, regularizers, serialization, use_backend  # noqa: E402
from cornu.dtype_policies import DTypePolicy  # noqa: E402
from cornu.registry import ACTIVATIONS  # noqa: E402
from cornu.state import SeedGenerator  # noqa: E402

OBJECTS = [
    initializers.Zeros(), initializers.Ones(), initializers.Constant(2.5), initializers.Constant(np.ones((2, 3), "float32")),
    initializers.Identity(2.0), initializers.RandomUniform(-1.0, 2.0, seed=3), initializers.RandomNormal(1.0, 2.0),
    initializers.TruncatedNormal(seed=SeedGenerator(5, name="source")), initializers.VarianceScaling(2.0, "fan_out", "uniform", 1),
    initializers.GlorotUniform(1, [0], [1, 2]), initializers.GlorotNormal(), initializers.HeUniform(), initializers.HeNormal(),
    initializers.LecunUniform(), initializers.LecunNormal(), initializers.Orthogonal(2.0, 7),
    initializers.STFT("imag", "hamming", "spectrum", True), SeedGenerator(3, name="s"), DTypePolicy("mixed_bfloat16"),
]  # fmt: skip
PENALTIES = [regularizers.L1(0.5), regularizers.L2(0.5), regularizers.L1L2(0.5, 0.25), regularizers.OrthogonalRegularizer(0.5, "columns")]
PROJECTIONS = [constraints.MaxNorm(3, [0, 1]), constraints.NonNeg(), constraints.UnitNorm(1), constraints.MinMaxNorm(0.5, 2.0, 0.75, 1)]


@pytest.mark.parametrize("made", [*OBJECTS, *PENALTIES, *PROJECTIONS], ids=repr)
def test_keras_reads_what_is_written_and_writes_the_same(keras, made):
    ours = json.loads(json.dumps(serialization.serialize(made)))
    read = keras.saving.deserialize_keras_object(ours)
    assert type(read).__name__ == type(made).__name__
    theirs = json.loads(json.dumps(keras.saving.serialize_keras_object(read)))
    if isinstance(made, initializers.Identity):
        ours["config"] = {}  # Keras's files lose the gain
    assert theirs == ours
    assert type(serialization.deserialize(theirs)) is type(made)


@pytest.mark.parametrize(
    "value",
    [
        (1, 2.5, "a", None, [True]),
        {"a": {"b": (1,)}},
        np.arange(4).reshape(2, 2),
        slice(1, 5, 2),
        ...,
        np.float32,
        np.float16(0.5),
        b"bytes",
    ],
    ids=str,
)
def test_plain_values_are_written_as_keras_writes_them(keras, value):
    assert serialization.serialize(value) == keras.saving.serialize_keras_object(value)


# without sparsemax: Keras 3.15 gives zeros for [2, 1.5, 0.1] on JAX, and the nearest point of the simplex is [0.75, 0.25, 0]
@pytest.mark.parametrize("name", sorted({ACTIVATIONS.lookup(n).__name__ for n in ACTIVATIONS.names()} - {"sparsemax"}))
def test_activations_agree(keras, name, rng):
    x = np.concatenate([rng.normal(size=(4, 16)) * 3, np.tile([-1.0, -0.5, 0, 0.5, 1, 3, 6, -3], (4, 2))], 1).astype("float32")
    arguments = {"threshold": 0.5, "default_value": -1.0} if name == "threshold" else {}
    assert keras.activations.serialize(getattr(keras.activations, name)) == activations.serialize(activations.get(name))
    expected = np.asarray(getattr(keras.activations, name)(x, **arguments))
    with use_backend("numpy"):
        np.testing.assert_allclose(activations.get(name)(x, **arguments), expected, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize(
    "arguments", [{"negative_slope": 0.1}, {"threshold": -1.0}, {"negative_slope": 0.1, "max_value": 6.0, "threshold": 0.5}], ids=str
)
def test_relu_agrees_with_arguments(keras, arguments):
    x = np.array([-2, -1, -0.5, 0, 0.5, 1, 2, 6, 7, 9], "float32")
    with use_backend("numpy"):
        np.testing.assert_allclose(activations.relu(x, **arguments), np.asarray(keras.activations.relu(x, **arguments)), rtol=1e-6)


@pytest.mark.parametrize("made", [*PENALTIES, *PROJECTIONS], ids=repr)
def test_penalties_and_projections_agree(keras, made, rng):
    w = rng.normal(size=(4, 4)).astype("float32")
    theirs = np.asarray(keras.saving.deserialize_keras_object(serialization.serialize(made))(keras.ops.convert_to_tensor(w)))
    with use_backend("numpy"):
        np.testing.assert_allclose(np.asarray(made(w)), theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(30,), (40, 60), (3, 4, 30, 40)])
@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
def test_fans_agree(keras, shape, mode):
    def widest(module):  # a uniform distribution's bound tells the fan
        return float(np.abs(ops.convert_to_numpy(np.asarray(module.VarianceScaling(1.0, mode, "uniform", seed=1)(shape)))).max())

    count = int(np.prod(shape))
    with use_backend("numpy"):
        assert widest(initializers) == pytest.approx(widest(keras.initializers), rel=8 / count)


@pytest.mark.parametrize("axes", [([0], [1, 2]), ((-3, -2), (-1,)), ([0], [2])])
def test_named_axes_agree(keras, axes):
    def widest(module):
        return float(np.abs(np.asarray(module.VarianceScaling(1.0, "fan_avg", "uniform", 1, *axes)((20, 30, 40)))).max())

    with use_backend("numpy"):
        assert widest(initializers) == pytest.approx(widest(keras.initializers), rel=1e-3)


@pytest.mark.parametrize(
    "arguments", [("real", "hann", "density", False), ("imag", "blackman", "spectrum", True), ("real", None, "density", False)]
)
def test_stft_kernels_agree(keras, arguments):
    with use_backend("numpy"):
        np.testing.assert_allclose(
            initializers.STFT(*arguments)((12, 1, 9)), np.asarray(keras.initializers.STFT(*arguments)((12, 1, 9))), atol=1e-5
        )


def test_a_built_layer_goes_to_keras_and_back(keras):
    arguments = {
        "activation": "swish",
        "kernel_initializer": initializers.HeNormal(seed=1),
        "kernel_regularizer": "l2",
        "bias_constraint": "non_neg",
    }
    made = layers.Dense(3, dtype="mixed_bfloat16", name="answer", **arguments)
    with use_backend("numpy"):
        made(np.zeros((2, 4), "float32"))
    ours = json.loads(json.dumps(serialization.serialize(made)))
    theirs = keras.saving.deserialize_keras_object(ours)
    assert theirs.kernel.shape == (4, 3)
    written = json.loads(json.dumps(keras.saving.serialize_keras_object(theirs)))
    assert written == {**ours, "config": {name: ours["config"][name] for name in written["config"]}}
    again = serialization.deserialize(written)
    assert again.get_config() == made.get_config()
    assert again.kernel.shape == (4, 3)
