"""Graphs as functions, and a user's own operations in graphs."""

import numpy as np
import pytest

import cornu
from cornu import layers, ops


class Scaled(cornu.Operation):
    def __init__(self, factor, name=None):
        super().__init__(name)
        self.factor = factor

    def call(self, x):
        return ops.multiply(x, self.factor)


def test_a_function_computes_what_lies_between(backend):
    x, y = cornu.Input((3,)), cornu.Input((3,))
    total = ops.add(x, Scaled(2.0, name="twice")(y))
    function = cornu.Function({"x": x, "y": y}, [total, ops.sum(total, axis=1)], name="f")
    a, b = np.ones((2, 3), "float32"), np.arange(6.0, dtype="float32").reshape(2, 3)
    found = [ops.convert_to_numpy(v) for v in function({"x": a, "y": b})]
    np.testing.assert_allclose(found[0], a + 2 * b)
    np.testing.assert_allclose(found[1], (a + 2 * b).sum(1))
    assert (function.name, len(function.inputs), len(function.outputs)) == ("f", 2, 2)
    assert any(isinstance(step, Scaled) for step in function.operations)
    assert [s.shape for s in function.compute_output_spec({"x": x, "y": y})] == [(None, 3), (None,)]


def test_a_function_is_recorded_inside_another_graph(backend):
    x = cornu.Input((2,))
    function = cornu.Function(x, layers.Dense(1, kernel_initializer="ones")(x))
    z = cornu.Input((2,))
    model = cornu.Model(z, ops.negative(function(z)))
    np.testing.assert_allclose(model.predict(np.ones((1, 2)), verbose=0), [[-2.0]])


def test_an_operation_runs_and_is_recorded(backend):
    operation = Scaled(3.0)
    assert operation.name.startswith("scaled")
    assert ops.convert_to_numpy(operation(np.ones(2, "float32"))).tolist() == [3.0, 3.0]
    x = cornu.KerasTensor((None, 4))
    assert operation(x).shape == (None, 4)
    model = cornu.Model(i := cornu.Input((2,)), operation(i))
    np.testing.assert_allclose(model.predict(np.ones((1, 2)), verbose=0), [[3.0, 3.0]])


def test_layers_are_operations():
    assert isinstance(layers.Dense(1), cornu.Operation)
    with pytest.raises(TypeError, match="abstract"):
        cornu.Operation()
