"""Training on several devices gives what one device gives, and the devices share the work."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import cornu
from cornu import distribution, layers
from cornu.errors import ArgumentError

ROOT = Path(__file__).parents[2]
ROWS = 18  # the last batch of 8 has 2 rows, which four devices cannot share


@pytest.fixture(autouse=True)
def on_jax():
    with cornu.use_backend("jax"):
        yield
    distribution.set_distribution(None)


@pytest.fixture(scope="module")
def data():
    draws = np.random.default_rng(3)
    return draws.normal(size=(ROWS, 8)).astype("float32"), draws.integers(0, 4, ROWS)


@pytest.fixture(scope="module")
def alone(data):
    """What one device finds."""
    with cornu.use_backend("jax"):
        return trained(data)[1]


def network():
    cornu.utils.set_random_seed(1)
    model = cornu.Sequential(
        [
            cornu.Input((8,)),
            layers.Dense(16, activation="relu", name="wide"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.2),
            layers.Dense(4, activation="softmax", name="head"),
        ]
    )
    model.compile(cornu.optimizers.SGD(0.05, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def trained(data, model=None):
    """Logs of training, scores, predictions and weights."""
    x, y = data
    model = network() if model is None else model
    history = model.fit(x, y, batch_size=8, epochs=2, validation_data=(x, y), verbose=0).history
    scores = model.evaluate(x, y, batch_size=8, verbose=0)
    return model, ([*history.values(), scores], [model.predict(x, batch_size=8, verbose=0), *model.get_weights()])


def assert_equal_up_to_rounding(found, expected):
    np.testing.assert_allclose(
        np.concatenate([np.ravel(v) for v in found[0]]), np.concatenate([np.ravel(v) for v in expected[0]]), rtol=1e-5
    )
    for a, b in zip(found[1], expected[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-6)


def parts(variable):
    """The shapes of the parts that devices have of a variable, and on how many devices they are."""
    shards = variable.value.addressable_shards
    return {tuple(shard.data.shape) for shard in shards}, len({shard.device for shard in shards})


def by_layouts():
    layouts = distribution.LayoutMap(distribution.DeviceMesh((2, 2), ("batch", "model")))
    layouts["wide/kernel"], layouts["wide/bias"], layouts["head/kernel"] = (None, "model"), ("model",), ("model", None)
    layouts["wide/output"] = ("batch", "model")
    return distribution.ModelParallel(layout_map=layouts, batch_dim_name="batch")


def test_data_parallel_training_is_that_of_one_device(data, alone):
    distribution.set_distribution(distribution.DataParallel())
    model, shared = trained(data)
    assert_equal_up_to_rounding(shared, alone)
    for variable in [*model.variables, *model.optimizer.variables]:
        assert parts(variable) == ({variable.shape}, 4)


def test_model_parallel_training_is_that_of_one_device(data, alone):
    with by_layouts().scope():
        model, shared = trained(data)
    assert_equal_up_to_rounding(shared, alone)
    wide, head = model.get_layer("wide"), model.get_layer("head")
    assert parts(wide.kernel) == ({(8, 8)}, 4)
    assert parts(wide.bias) == ({(8,)}, 4)
    assert parts(head.kernel) == ({(8, 4)}, 4)
    assert parts(head.bias) == ({(4,)}, 4)
    slots = {v.path: v for v in model.optimizer.variables}
    momentum = next(v for path, v in slots.items() if path.endswith("wide_kernel_momentum"))
    assert parts(momentum) == ({(8, 8)}, 4)
    assert distribution.distribution() is None


def test_the_rows_of_a_batch_are_shared_out():
    shared = distribution.DataParallel()
    assert shared.num_model_replicas == 4
    assert shared.get_data_layout((8, 3, 2)).axes == ("batch", None, None)
    assert {tuple(s.data.shape) for s in shared.place_batch(np.ones((8, 3), "float32")).addressable_shards} == {(2, 3)}
    assert {tuple(s.data.shape) for s in shared.place_batch(np.ones((6, 3), "float32")).addressable_shards} == {(6, 3)}
    assert shared.place_batch(np.float32(3)).shape == ()


def test_a_step_of_several_devices_computes_parts_of_the_batch(data):
    """What a step sees is one batch of all rows; the program that is compiled has a quarter of them on each device."""
    distribution.set_distribution(distribution.DataParallel())
    seen = []

    class Watching(layers.Layer):
        def call(self, x):
            seen.append(tuple(x.shape))
            return x

    model = cornu.Sequential([cornu.Input((8,)), Watching(), layers.Dense(2)])
    outputs = cornu.state.CompiledStep(model, lambda: model.variables, batches=True)(data[0][:8])
    assert seen[-1] == (8, 8)
    assert {tuple(s.data.shape) for s in outputs.addressable_shards} == {(2, 2)}


def test_a_model_that_stands_is_spread_at_its_next_step_and_goes_on_alone_afterwards(data, tmp_path):
    x, y = data[0][:8], data[1][:8]
    model, twin = network(), network()
    losses = {}
    for one, shared in ((twin, None), (model, distribution.DataParallel())):
        losses[one] = [one.train_on_batch(x, y)[0]]
        distribution.set_distribution(shared)
        losses[one].append(one.train_on_batch(x, y)[0])
    np.testing.assert_allclose(losses[model], losses[twin], rtol=1e-5)
    assert parts(model.get_layer("wide").kernel) == ({(8, 16)}, 4)
    model.save(tmp_path / "model.keras")
    distribution.set_distribution(None)
    for a, b in zip(cornu.saving.load_model(tmp_path / "model.keras").get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(model.train_on_batch(x, y)[0], twin.train_on_batch(x, y)[0], rtol=1e-5)


@pytest.mark.parametrize("recorded", [True, False], ids=["graph", "subclass"])
def test_what_a_layer_gives_is_cut_up_as_the_map_says(data, recorded):
    wide = layers.Dense(16, name="wide")
    model = cornu.Sequential([cornu.Input((8,)), wide]) if recorded else wide
    model(data[0][:8])
    layouts = distribution.LayoutMap(distribution.DeviceMesh((2, 2), ("batch", "model")))
    layouts["wide/output"] = (None, "model")
    distribution.set_distribution(distribution.ModelParallel(layout_map=layouts))
    outputs = cornu.state.CompiledStep(model, lambda: model.variables, batches=True)(data[0][:8])
    assert {tuple(shard.data.shape) for shard in outputs.addressable_shards} == {(8, 8)}


def test_another_distribution_takes_over(data):
    x, y = data[0][:8], data[1][:8]
    model, twin = network(), network()
    expected = [twin.train_on_batch(x, y)[0] for _ in range(2)]
    found = []
    for shared in (distribution.DataParallel(devices=["cpu:0", "cpu:1"]), by_layouts()):
        distribution.set_distribution(shared)
        found.append(model.train_on_batch(x, y)[0])
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert parts(model.get_layer("wide").kernel) == ({(8, 8)}, 4)


def test_batches_by_hand_and_weights_by_hand(data):
    x, y = data
    results = []
    for shared in (None, distribution.DataParallel()):
        distribution.set_distribution(shared)
        model = network()
        found = [model.train_on_batch(x, y), model.test_on_batch(x, y), model.predict_on_batch(x[:8]), np.asarray(model(x[:3]))]
        model.set_weights([w / 2 for w in model.get_weights()])
        results.append([*found, model.predict_on_batch(x[:8]), *model.get_weights()])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_steps_that_run_as_written(data):
    x, y = data[0][:8], data[1][:8]
    losses = []
    for shared in (None, distribution.DataParallel()):
        distribution.set_distribution(shared)
        model = cornu.Sequential([cornu.Input((8,)), layers.Dense(4, kernel_initializer=cornu.initializers.GlorotUniform(1))])
        model.compile("sgd", "mse", run_eagerly=True)
        losses.append([model.train_on_batch(x, np.eye(4)[y]) for _ in range(2)])
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_a_run_that_was_spread_is_resumed(data, alone, tmp_path):
    x, y = data
    distribution.set_distribution(distribution.DataParallel())
    model = network()
    model.fit(x, y, batch_size=8, epochs=1, verbose=0, callbacks=[cornu.callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)])
    again = network()
    again.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=[cornu.callbacks.BackupAndRestore(tmp_path)])
    for a, b in zip(again.get_weights(), alone[1][1:], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-6)


def test_expressions_that_stand_for_nothing_are_told_once(data):
    layouts = distribution.LayoutMap(distribution.DeviceMesh((2, 2), ("batch", "model")))
    layouts["wide/kernel"], layouts["sequential/wide/bias"] = (None, "model"), ("model",)
    distribution.set_distribution(distribution.ModelParallel(layout_map=layouts))
    model = network()
    with pytest.warns(UserWarning, match=r"\['sequential/wide/bias'\], which stand for no weight.*wide/kernel, wide/bias"):
        model.fit(*data, batch_size=8, verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(*data, batch_size=8, verbose=0)


def test_a_layout_that_does_not_fit_a_weight_is_refused_when_the_weight_is_made():
    layouts = distribution.LayoutMap(distribution.DeviceMesh((4,), ("model",)))
    layouts["head/kernel"] = ("model",)
    layouts["wide/kernel"] = ("model", None)
    with distribution.ModelParallel(layout_map=layouts).scope():
        layers.Dense(3, name="wide").build((None, 8))
        with pytest.raises(ArgumentError, match=r"for 'wide/kernel', which does not fit its shape \(6, 3\)"):
            layers.Dense(3, name="wide").build((None, 6))
        with pytest.raises(ArgumentError, match=r"for 'head/kernel', which does not fit its shape \(8, 3\)"):
            layers.Dense(3, name="head").build((None, 8))


def test_a_distribution_leaves_models_on_other_backends_alone(data):
    distribution.set_distribution(distribution.DataParallel())
    with cornu.use_backend("torch"):
        model = network()
        model.fit(*data, batch_size=8, verbose=0)
        assert all(v.layout is None for v in model.variables)


def test_what_is_no_distribution_is_refused():
    mesh = distribution.DeviceMesh((2, 2), ("batch", "model"))
    for make, said in [
        (lambda: distribution.set_distribution(3), "takes a DataParallel, a ModelParallel or None"),
        (lambda: distribution.DataParallel(mesh), "has one axis"),
        (lambda: distribution.DataParallel("mesh"), "device_mesh must be a DeviceMesh"),
        (lambda: distribution.DataParallel(devices="cpu:0"), r"Write \['cpu:0'\]"),
        (lambda: distribution.DataParallel(mesh, ["cpu:0"]), "got both"),
        (distribution.ModelParallel, "layout_map must be a LayoutMap"),
        (lambda: distribution.ModelParallel(layout_map=distribution.LayoutMap(mesh), batch_dim_name="rows"), "must be an axis of the mesh"),
        (lambda: distribution.ModelParallel(layout_map=distribution.LayoutMap(mesh), rows=3), "got rows too"),
    ]:
        with pytest.raises(ArgumentError, match=said):
            make()
    assert distribution.distribution() is None


PROGRAM = """
import json, sys
import cornu
from benchmarks import workloads
from cornu import distribution

workload = workloads.WORKLOADS[sys.argv[1]]
x, y = (part[:8] for part in workloads.make_data(workload, 1))
layouts = distribution.LayoutMap(distribution.DeviceMesh((1, 2), ("batch", "model")))
layouts["dense.*/kernel"] = (None, "model" if workload.classes > 1 else None)
losses = []
for shared in (None, distribution.DataParallel(), distribution.ModelParallel(layout_map=layouts)):
    distribution.set_distribution(shared)
    cornu.utils.clear_session()
    model = workloads.build(workload, cornu)
    model.compile(cornu.optimizers.SGD(0.1), model.loss, metrics=["accuracy"])
    model.set_weights(workloads.initial_weights(workload))
    losses.append([model.train_on_batch(x, y)[0] for _ in range(2)])
print(json.dumps(losses))
"""


@pytest.mark.long
@pytest.mark.parametrize("name", ["cnn", "gru", "lstm", "resnet", "separable", "transformer"])
def test_networks_of_every_kind_take_the_steps_of_one_device(name):
    """Programs for several devices are fused in other ways than those for one, and then round in other ways: no gradient may hang on that.

    The flags are those under which a product and a sum are rounded once in one fusion and twice in another.
    """
    flags = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false --xla_force_host_platform_device_count=4"
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, name],
        env={**os.environ, "CORNU_BACKEND": "jax", "XLA_FLAGS": flags},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    alone, by_rows, by_weights = json.loads(ran.stdout.splitlines()[-1])
    np.testing.assert_allclose(by_rows, alone, rtol=1e-4)
    np.testing.assert_allclose(by_weights, alone, rtol=1e-4)
