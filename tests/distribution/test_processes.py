"""Several processes that work as one."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

import cornu
from cornu import distribution
from cornu.errors import ArgumentError, BackendError

PROGRAM = """
import json, os, sys
import numpy as np
import cornu
from cornu import distribution, layers

index, count, kind = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if count > 1:
    distribution.initialize(os.environ.get("MEETING_PLACE"), None, None)
cornu.utils.set_random_seed(1)
x = np.random.default_rng(0).normal(size=(22, 8)).astype("float32")
y = (x[:, :2] - x[:, 2:4]).astype("float32")
if kind == "model":
    layouts = distribution.LayoutMap(distribution.DeviceMesh((2, 2), ("batch", "model")))
    layouts["wide/kernel"] = (None, "model")
    distribution.set_distribution(distribution.ModelParallel(layout_map=layouts))
else:
    distribution.set_distribution(distribution.DataParallel(auto_shard_dataset=kind == "data"))
model = cornu.Sequential([cornu.Input((8,)), layers.Dense(6, use_bias=False, name="wide"), layers.BatchNormalization(), layers.Dense(2, name="head")])
model.compile("adam", "mse", metrics=["mae"])
if kind == "own":
    x, y = x[:16], y[:16]
    batches = [(x[i : i + 8], y[i : i + 8]) for i in (0, 8)]
    if count > 1:  # each its own half of every batch
        batches = [(a[4 * index : 4 * index + 4], b[4 * index : 4 * index + 4]) for a, b in batches]
    logs = [model.train_on_batch(*batch) for batch in batches]
    predictions = []
else:
    logs = model.fit(x, y, batch_size=8, epochs=2, verbose=0).history
    predictions = model.predict(x, batch_size=8, verbose=0).ravel().tolist()
    model.save(sys.argv[4])
print(json.dumps([len(distribution.list_devices()), logs, predictions, [w.ravel().tolist() for w in model.get_weights()]]))
"""

SEEDS = """
import sys
import numpy as np
import cornu
from cornu import distribution

distribution.initialize(sys.argv[1], 2, int(sys.argv[2]))
weights = cornu.layers.Dense(3)
weights.build((None, 4))
print(weights.kernel.numpy().ravel().tolist())
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def printed(commands, **environment):
    """What each of several processes, run at one time, prints last."""
    around = {**os.environ, "CORNU_BACKEND": "jax", **environment}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", *map(str, command)],
            env={**around, "CORNU_DISTRIBUTION_PROCESS_ID": str(i)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i, command in enumerate(commands)
    ]
    results = [one.communicate(timeout=240) for one in started]
    assert [one.returncode for one in started] == [0] * len(started), results
    return [json.loads(out.splitlines()[-1]) for out, _ in results]


@pytest.mark.parametrize("kind", ["data", pytest.param("model", marks=pytest.mark.long), pytest.param("own", marks=pytest.mark.long)])
def test_two_processes_train_as_one(kind, tmp_path):
    devices = "--xla_backend_optimization_level=0 --xla_force_host_platform_device_count="
    [alone] = printed([[PROGRAM, 0, 1, kind, tmp_path / "alone.keras"]], XLA_FLAGS=devices + "4")
    meeting = {"MEETING_PLACE": f"127.0.0.1:{free_port()}", "CORNU_DISTRIBUTION_NUM_PROCESSES": "2"}
    two = printed([[PROGRAM, i, 2, kind, tmp_path / f"{i}.keras"] for i in (0, 1)], XLA_FLAGS=devices + "2", **meeting)
    for one in two:
        assert one[0] == alone[0] == 4
        assert str(one[1])[:12] == str(alone[1])[:12]
        np.testing.assert_allclose(one[2], alone[2], rtol=1e-4, atol=1e-6)
        for a, b in zip(one[3], alone[3], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    if kind != "own":
        with cornu.use_backend("numpy"):
            x = np.random.default_rng(0).normal(size=(22, 8)).astype("float32")
            for i in (0, 1):
                found = cornu.saving.load_model(tmp_path / f"{i}.keras").predict(x, verbose=0)
                np.testing.assert_allclose(found.ravel(), alone[2], rtol=1e-3, atol=1e-5)


def test_processes_that_set_no_seed_have_the_same_first_weights():
    place = f"127.0.0.1:{free_port()}"
    first, second = printed([[SEEDS, place, i] for i in (0, 1)])
    assert first == second


def test_numbers_that_cannot_be_are_refused():
    with cornu.use_backend("jax"):
        for arguments, said in [
            (("127.0.0.1:1", 2, 2), "process_id must be below num_processes"),
            (("127.0.0.1:1", 0, 0), "num_processes must be a whole number from 1, got 0"),
            (("127.0.0.1:1", 2, -1), "process_id must be a whole number from 0, got -1"),
        ]:
            with pytest.raises(ArgumentError, match=said):
                distribution.initialize(*arguments)


def test_joining_after_something_was_computed_is_refused():
    with cornu.use_backend("jax"):
        cornu.ops.ones(2)
        with pytest.raises(BackendError, match=r"could not join 2 processes at '127\.0\.0\.1:1' as number 0.*Call `initialize` first"):
            distribution.initialize("127.0.0.1:1", 2, 0)


def test_the_environment_is_read(monkeypatch):
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "many")
    with cornu.use_backend("jax"), pytest.raises(ArgumentError, match="num_processes must be a whole number from 1, got 'many'"):
        distribution.initialize("127.0.0.1:1")
