"""The order of what `evaluate` gives without `return_dict`, against the real Keras: each loss and each metric is a number of its own."""

import numpy as np
import pytest

import cornu

pytestmark = pytest.mark.parity

X = np.ones((4, 3), "float32")


def _constant(library, name, value):
    def constant(y, y_pred):
        return library.ops.zeros_like(y_pred[..., 0]) + value

    constant.__name__ = name
    return constant


def _each(library, given):
    """`given` with a function for each (name, value)."""
    if isinstance(given, tuple):
        return _constant(library, *given)
    if isinstance(given, dict):
        return {key: _each(library, value) for key, value in given.items()}
    return [_each(library, value) for value in given]


def _listed(library, keys, compiled):
    inputs = library.Input((3,))
    outputs = {key: library.layers.Dense(1, name=key)(inputs) for key in ("z", "a", "m")}
    model = library.Model(inputs, {key: outputs[key] for key in keys} if isinstance(keys, str) else [outputs[key] for key in keys])
    model.compile("sgd", **{name: _each(library, value) for name, value in compiled.items()})
    targets = {key: np.zeros((4, 1), "float32") for key in keys}
    return model.evaluate(X, targets if isinstance(keys, str) else list(targets.values()), verbose=0)


METRICS = {"z": [("b", 1.0), ("a", 2.0)], "m": [("d", 3.0), ("c", 4.0)], "a": [("h", 5.0)]}
LOSSES = {"z": ("q", 0.1), "m": ("q", 0.2), "a": ("q", 0.4)}


@pytest.mark.parametrize(
    ("keys", "compiled"),
    [
        pytest.param("zam", {"loss": LOSSES}, id="dict"),
        pytest.param("maz", {"loss": dict(reversed(LOSSES.items()))}, id="dict of losses reversed"),
        pytest.param("zam", {"loss": {"m": ("q", 0.2), "z": ("q", 0.1)}, "metrics": METRICS}, id="not every output has a loss"),
        pytest.param("zam", {"loss": list(LOSSES.values()), "metrics": METRICS}, id="list of losses for a dict"),
        pytest.param(
            "zam", {"loss": LOSSES, "metrics": METRICS, "weighted_metrics": {"z": [("e", 6.0)], "m": [("f", 7.0)]}}, id="weighted"
        ),
        pytest.param(["z", "a", "m"], {"loss": LOSSES, "metrics": METRICS}, id="list of outputs"),
        pytest.param(["z", "a", "m"], {"loss": list(LOSSES.values()), "metrics": [METRICS["z"], METRICS["a"], METRICS["m"]]}, id="lists"),
        pytest.param(["z"], {"loss": [("q", 0.1)], "metrics": METRICS["z"], "weighted_metrics": [("d", 3.0), ("c", 4.0)]}, id="one output"),
    ],
)
def test_what_evaluate_lists_stands_in_the_order_of_keras(backend, keras, keys, compiled):
    np.testing.assert_allclose(_listed(cornu, keys, compiled), _listed(keras, keys, compiled), rtol=1e-6)
