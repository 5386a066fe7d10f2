"""The benchmarks' own machinery: peers do the same arithmetic, workers take turns and may fail, the report's sums are right."""

import importlib
import time

import numpy as np
import pytest

import cornu
from benchmarks import harness, measures, operations, report
from benchmarks.harness import Figures, Results, Settings, Worker, WorkerError
from benchmarks.operations import Timing
from benchmarks.peers import PEERS
from benchmarks.workloads import WORKLOADS, initial_weights, make_data

TINY = Settings(rounds=2, shortening=1000, predict_calls=2)


def silent(message):
    assert message


def test_data_is_identical_each_time_and_fits_the_workload():
    workload = WORKLOADS["cnn"]
    (x, y), (again, _) = make_data(workload, 2), make_data(workload, 2)
    assert x.shape == (64, 28, 28, 1)
    assert y.shape == (64,)
    np.testing.assert_array_equal(x, again)
    assert set(np.unique(y)) <= set(range(10))


@pytest.mark.parametrize("name", WORKLOADS)
def test_hand_written_loops_agree(name):
    """Two independent frameworks, from equal weights: the same logits, and the same losses over two updates."""
    pytest.importorskip("torch")
    pytest.importorskip("optax")
    workload = WORKLOADS[name]
    x, y = make_data(workload, steps=1)
    loops = [PEERS["jax-loop"](), PEERS["torch-loop"]()]
    for loop in loops:
        loop.prepare(workload, x, y)
    np.testing.assert_allclose(*(loop.predict_row() for loop in loops), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(*([loop.one_step(), loop.one_step()] for loop in loops), rtol=1e-3)


def test_first_loss_of_the_small_network_is_the_formula():
    pytest.importorskip("optax")
    workload = WORKLOADS["small_mlp"]
    x, y = make_data(workload, steps=1)
    kernel, bias, last_kernel, last_bias = (weight.astype(np.float64) for weight in initial_weights(workload))
    logits = np.maximum(x @ kernel + bias, 0) @ last_kernel + last_bias
    losses = np.log(np.exp(logits).sum(1)) - logits[np.arange(len(y)), y]
    loop = PEERS["jax-loop"]()
    loop.prepare(workload, x, y)
    assert loop.one_step() == pytest.approx(losses.mean(), rel=1e-5)


def test_a_run_measures_those_that_work_and_names_those_that_fail():
    pytest.importorskip("optax")
    figures = harness.measure_workload("small_mlp", ["jax-loop", "unheard-of"], TINY, silent)
    loop = figures["jax-loop"]
    assert len(loop.step_us) == len(loop.predict_us) == TINY.rounds
    assert loop.warm_up_s > 0
    assert loop.warm_up_steps == 2 + TINY.steps("small_mlp")
    assert min(loop.step_us + loop.predict_us) > 0
    assert loop.peak_mib > 50  # a Python process with JAX loaded
    assert loop.failed == {}
    assert figures["unheard-of"].failed == {"fit": "KeyError: 'unheard-of'"}


def test_a_worker_survives_a_request_that_fails_and_reports_its_death():
    pytest.importorskip("torch")
    worker = Worker("torch-loop")
    try:
        with pytest.raises(WorkerError, match="no_such_workload"):
            worker.ask(measures.prepare, workload="no_such_workload", steps=1)
        assert worker.ask(measures.peak) > 50
        worker.process.kill()
        worker.process.join()
        with pytest.raises(WorkerError, match="ended"):
            worker.ask(measures.peak)
    finally:
        worker.close()


@pytest.mark.parametrize("framework", ["jax", "torch", "tensorflow"])
def test_operations_and_bare_calls_compute_the_same(framework):
    """The same numbers, in whatever order the framework's own layout has them."""
    pytest.importorskip(framework)
    bare_calls = importlib.import_module(f"benchmarks.bare.{framework}_calls")
    assert set(bare_calls.CALLS) <= set(operations.OPERATIONS)
    with cornu.use_backend(framework):
        ours, bare = operations.arguments(cornu, bare_calls, np.linspace(-1, 1, 7, dtype=np.float32))
        for name, call in bare_calls.CALLS.items():
            if framework == "torch" and "layer" in name:
                continue  # its modules have weights of their own
            arrays, function = operations.OPERATIONS[name]
            values = function(cornu)(*(ours[key] for key in arrays)), call(*(bare[key] for key in arrays))
            mine, theirs = (
                np.sort(cornu.ops.convert_to_numpy(value[0] if isinstance(value, (tuple, list)) else value), None) for value in values
            )
            np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5, err_msg=name)


def test_comparing_two_calls_tells_the_slower():
    slow, fast = (lambda s=s: time.sleep(s) for s in (4e-3, 1e-3))
    timing = operations.compare([slow, fast], lambda _: None, turns=3, wait_each=True)
    assert timing.ours >= 4000
    assert 1000 <= timing.bare < timing.ours


def test_reasons_carry_no_paths():
    assert measures.describe(OSError("cannot open /home/someone/data.npz\nmore")) == "OSError: cannot open data.npz"


def test_ratios_and_means():
    assert report.ratio(3.0, 2.0) == 1.5
    assert report.ratio(None, 2.0) is None
    assert report.geometric_mean([2.0, 8.0]) == pytest.approx(4.0)
    assert report.geometric_mean([2.0, None]) is None
    assert report.geometric_mean([]) is None
    assert report.scatter([4.0, 6.0, 5.0, 9.0]) == pytest.approx(50)  # 4 of the odd turns, 6 of the even ones
    assert report.scatter([4.0]) is None


def test_report_says_met_missed_and_not_measured():
    by_peer = {
        "cornu-jax": Figures(0.1, [2.0, 1.0], [120.0, 115.0, 130.0], [30.0], 100.0),
        "cornu-torch": Figures(failed={"fit": "ImportError: no torch"}),
        "keras-jax": Figures(0.1, [2.0, 1.5], [240.0], [300.0], 100.0),
        "jax-loop": Figures(0.1, [2.0, 1.0], [100.0], [25.0], 100.0),
    }
    probes = {"import": {"numpy": 0.1, "cornu": 0.12}, "resnet50": {"cornu-jax": "no such model"}, "loaded": {"cornu": 1.0}}
    timings = dict.fromkeys(operations.DISPATCH, Timing(5.5, 4.0)) | {operations.RATIO_AT_TEN: Timing(11.0, 10.0)}
    text = report.render(Results(Settings(), {"mlp": by_peer}, probes, {"cornu-jax": timings, "cornu-torch": "no torch"}), others=0.0)
    budgets = text[: text.index("## Geometric means")]
    rows = {what: rest for what, *rest in ([cell.strip() for cell in line.strip("|").split("|")] for line in budgets.splitlines())}
    assert rows["fit step, mlp: cornu-jax ÷ jax-loop"] == ["1.15 ×", "≤ 1.1 ×", "**missed**"]
    assert rows["fit step, mlp: cornu-jax ÷ keras-jax"] == ["0.479 ×", "≤ 1 ×", "met"]
    assert rows["fit step, geometric mean: cornu-jax ÷ keras-jax"] == ["0.479 ×", "≤ 0.667 ×", "met"]
    assert rows["fit step, slowest of all workloads: cornu-jax ÷ keras-jax"] == ["0.479 ×", "≤ 1 ×", "met"]
    assert rows["fit step, geometric mean: Cornu's best ÷ Keras's best of each workload"] == ["0.479 ×", "≤ 0.667 ×", "met"]
    assert rows["eager add, 4×8, over the framework's own call: cornu-jax"] == ["1.5 µs", "≤ 1 µs", "**missed**"]
    assert rows["eager tanh, about 10 µs, ÷ the framework's own call: cornu-jax"] == ["1.1 ×", "≤ 1.2 ×", "met"]
    assert rows["fit step, mlp: cornu-torch ÷ torch-loop"] == ["—", "≤ 1.1 ×", "not measured"]
    assert rows["predict a row, mlp: cornu-jax ÷ jax-loop"] == ["1.2 ×", "≤ 1.5 ×", "met"]
    assert rows["`import cornu` ÷ `import numpy`"] == ["1.2 ×", "≤ 1.5 ×", "met"]
    assert rows["`import cornu`: backends loaded"][-1] == "**missed**"
    assert rows["build ResNet50: cornu-jax"] == ["—", "≤ 0.5 s", "not measured: no such model"]
    assert "astray: keras-jax" in text
    assert "| add, 4×8 | 4 | 1.38 |" in text
    assert "- operations, cornu-torch: no torch" in text
    assert "- mlp, cornu-torch, fit: ImportError: no torch" in text


def test_parameter_counts_by_hand():
    counts = {name: workload.parameters for name, workload in WORKLOADS.items()}
    assert counts["small_mlp"] == 785 * 32 + 33 * 10
    assert counts["lstm"] == 5000 * 32 + 4 * 32 * (32 + 32 + 1) + 33
    assert counts["gru"] == 3 * 64 * (16 + 64 + 2) + 65 * 10
    block = 4 * (64 * 64 + 64) + 2 * 64 * 128 + 128 + 64 + 4 * 64
    assert counts["transformer"] == (5000 + 64) * 64 + 2 * block + 65 * 10
