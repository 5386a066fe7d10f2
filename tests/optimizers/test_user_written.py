"""Optimizers that users write: in Keras's manner, by `build` and `update_step`, and in ours, by `slots` and `rule`."""

import numpy as np
import pytest

from cornu import ops, optimizers, registry
from cornu.optimizers import Adam, Optimizer
from cornu.state import CompiledStep, Variable


class Momentum(Optimizer):
    """In Keras's manner."""

    def __init__(self, learning_rate=0.1, momentum=0.9, name="momentum", **kwargs):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.momentum = momentum

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.velocities = []
        for variable in variables:
            self.velocities.append(self.add_variable_from_reference(variable, name="velocity"))
        self.count = Variable(0, dtype="int32", trainable=False, name="count")

    def update_step(self, gradient, variable, learning_rate):
        learning_rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        velocity = self.velocities[self._get_variable_index(variable)]
        self.assign(velocity, ops.subtract(ops.multiply(velocity, self.momentum), ops.multiply(gradient, learning_rate)))
        self.assign_add(variable, velocity)
        self.assign_add(self.count, 1)

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum}


class Ours(Optimizer):
    """The same as a rule."""

    slots = (("velocity",),)

    def __init__(self, learning_rate=0.1, momentum=0.9, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.momentum = momentum

    def rule(self, gradient, value, rate, step, velocity):
        velocity = self.momentum * velocity - rate * gradient
        return value + velocity, velocity


@pytest.mark.parametrize("made", [Momentum, Ours])
@pytest.mark.parametrize("compiled", [False, True])
def test_it_trains(trainable_backend, made, compiled):
    v = Variable([1.0, 2.0])
    optimizer = made(0.1, weight_decay=0.5, clipvalue=2.0)
    optimizer.build([v])

    def apply(g):
        optimizer.apply([g], [v])

    run = CompiledStep(apply, lambda: [v, *optimizer.variables]) if compiled else apply
    w, m = np.array([1.0, 2.0]), np.zeros(2)
    for g in ([1.0, -5.0], [0.5, 0.5], [-1.0, 2.0]):
        run(ops.convert_to_tensor(g))
        m = 0.9 * m - 0.1 * np.clip(g, -2, 2)
        w = w * 0.95 + m
    np.testing.assert_allclose(v.numpy(), w, rtol=1e-5)


def test_its_variables_are_found_and_its_config_makes_it_anew(backend):
    optimizer = Momentum(0.25, momentum=0.5)
    v = Variable([1.0], name="w")
    optimizer.build([v])
    assert [x.name for x in optimizer.variables] == ["iteration", "learning_rate", "w_velocity", "count"]
    with registry.scope({"Momentum": Momentum}):
        again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert (type(again), again.momentum, float(again.learning_rate), again.name) == (Momentum, 0.5, 0.25, "momentum")
    assert optimizers.deserialize(optimizers.serialize(optimizer), {"Momentum": Momentum}).momentum == 0.5


def test_update_step_may_call_its_parents(backend):
    class Halved(Adam):
        def update_step(self, gradient, variable, learning_rate):
            super().update_step(gradient, variable, learning_rate / 2)

    v = Variable([1.0])
    Halved(0.5).apply([ops.convert_to_tensor([3.0])], [v])
    np.testing.assert_allclose(v.numpy(), [0.75], rtol=1e-5)


def test_add_optimizer_variables(backend):
    """One list for a name; for several names, lists, the variables made row by row."""
    optimizer = Ours()
    weights = [Variable([1.0, 2.0], name="a"), Variable([[3.0]], name="b")]
    one = optimizer.add_optimizer_variables(weights, "m")
    two, three = optimizer.add_optimizer_variables(weights, ["u", "v"], ["ones", "zeros"])
    assert [x.path for x in optimizer.variables[2:]] == [f"{optimizer.name}/{n}" for n in ("a_m", "b_m", "a_u", "a_v", "b_u", "b_v")]
    assert [x.shape for x in one] == [(2,), (1, 1)]
    assert (two[0].numpy().tolist(), three[0].numpy().tolist()) == ([1.0, 1.0], [0.0, 0.0])


def test_without_a_rule(backend):
    with pytest.raises(NotImplementedError, match="must define `rule`"):
        Optimizer(0.1).apply([ops.convert_to_tensor([1.0])], [Variable([1.0])])
