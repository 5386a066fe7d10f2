"""Dtypes of every layer's outputs and weights under every policy, beside the real Keras's."""

import pytest

pytestmark = pytest.mark.parity

import cornu  # noqa: E402
from cornu import ops, tree, use_backend  # noqa: E402
from tests.layers.cases import CORE_CASES, MORE_CASES, SEQUENCE_CASES, Inner  # noqa: E402

ONE_EACH = list({c.layer: c for c in reversed([*CORE_CASES, *SEQUENCE_CASES, *MORE_CASES])}.values())[::-1]
ORTHOGONAL = ("SimpleRNN", "LSTM", "GRU", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "GRUCell", "LSTMCell", "SimpleRNNCell")
"""On JAX Keras cannot draw an orthogonal matrix of half-size floats; here these layers begin with zeros."""
POLICIES = ["mixed_bfloat16", "mixed_float16", "bfloat16", "float64"]


def plainly(layer, arguments):
    """The layer with recurrent weights of zeros, in all depths."""
    inside = tree.map_structure(lambda v: plainly(v.layer, v.arguments) if isinstance(v, Inner) else v, arguments)
    return Inner(layer, {**inside, "recurrent_initializer": "zeros"} if layer in ORTHOGONAL else inside)


def dtypes_of(module, case, policy):
    arguments = {k: getattr(module.ops, v.__name__) if v is ops.square else v for k, v in case.arguments.items()}
    layer = plainly(case.layer, arguments).make(module.layers, dtype=policy)
    entered = [module.Input(batch_shape=s, dtype="float32" if case.ids is None else "int32") for s in case.shapes]
    outputs = tree.flatten(case.run(layer, entered))
    kinds = {name: getattr(layer, name) for name in ("compute_dtype", "variable_dtype", "dtype", "input_dtype")}
    return [str(y.dtype) for y in outputs], [(w.name, str(w.dtype)) for w in layer.weights], kinds


# JAX's, which says that it has floats of 64 bits by a setting alone (2026-11-21, jax 0.10)
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype float64:UserWarning")
@pytest.mark.parametrize("policy", POLICIES)
def test_every_layer_keeps_and_gives_the_dtypes_that_keras_s_does(keras, policy):
    # Keras's graph on JAX claims floats of 64 bits, our weights there say what they are: so ours are asked on PyTorch
    with use_backend("torch" if policy == "float64" else "jax"):
        found = {str(case): (dtypes_of(cornu, case, policy), dtypes_of(keras, case, policy)) for case in ONE_EACH}
    assert {name: both for name, both in found.items() if both[0] != both[1]} == {}
