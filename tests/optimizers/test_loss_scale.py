"""The loss scale that finds its own size."""

import numpy as np
import pytest

from cornu import ops, optimizers
from cornu.optimizers import SGD, Adam, LossScaleOptimizer, scaled
from cornu.state import CompiledStep, Variable


@pytest.mark.parametrize("compiled", [False, True])
def test_it_grows_shrinks_and_leaves_bad_steps_out(trainable_backend, compiled):
    v, w = Variable([1.0, 1.0]), 1.0
    optimizer = LossScaleOptimizer(SGD(0.1), initial_scale=8.0, dynamic_growth_steps=2)
    optimizer.build([v])

    def apply(g):
        optimizer.apply([g], [v])

    run = CompiledStep(apply, lambda: [v, *optimizer.variables]) if compiled else apply
    for g, scale, count in ((1, 8, 1), (1, 16, 0), (1, 16, 1), (np.inf, 8, 0), (1, 8, 1), (1, 16, 0), (1, 16, 1), (np.nan, 8, 0)):
        assert float(optimizer.scale_loss(ops.convert_to_tensor(1.0))) == float(optimizer.dynamic_scale)
        run(ops.convert_to_tensor(np.array([g, 1.0], "float32")) * float(optimizer.dynamic_scale))
        w -= 0.1 if np.isfinite(g) else 0.0
        np.testing.assert_allclose(v.numpy(), [w, w], rtol=1e-5)
        assert (float(optimizer.dynamic_scale), int(optimizer.step_counter)) == (scale, count)
    assert int(optimizer.iterations) == 6


def test_it_passes_on_what_is_the_inner_optimizers(backend):
    inner = Adam(0.25, weight_decay=0.5, use_ema=True)
    optimizer = LossScaleOptimizer(inner)
    optimizer.exclude_from_weight_decay(var_names=["w"])
    v = Variable([1.0], name="w")
    optimizer.apply([ops.convert_to_tensor([0.0])], [v])
    assert v.numpy().tolist() == [1.0]
    optimizer.learning_rate = 0.5
    assert float(inner.learning_rate) == float(optimizer.learning_rate) == 0.5
    v.assign([7.0])
    optimizer.finalize_variable_values([v])
    assert v.numpy().tolist() == [1.0]


def test_files_and_configs(backend):
    v = Variable([1.0], name="w")
    optimizer = LossScaleOptimizer(SGD(0.1, momentum=0.5), initial_scale=4.0, dynamic_growth_steps=1)
    optimizer.apply([ops.convert_to_tensor([2.0])], [v])
    assert [x.name for x in optimizer.variables] == [
        *("iteration", "learning_rate", "step_counter", "dynamic_scale", "iteration", "learning_rate", "w_momentum"),
    ]
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert (again.initial_scale, again.dynamic_growth_steps, again.inner_optimizer.momentum, again.name) == (4.0, 1, 0.5, optimizer.name)
    again.build([v])
    store = {}
    optimizer.save_own_variables(store)
    again.load_own_variables(store)
    assert [x.numpy().tolist() for x in again.variables] == [x.numpy().tolist() for x in optimizer.variables]
    assert float(again.dynamic_scale) == 8.0


def test_scaled():
    plain = SGD()
    assert isinstance(scaled(plain), LossScaleOptimizer)
    assert scaled(scaled(plain)).inner_optimizer is plain
