"""What is measured: functions that run in a worker, on the peer that lives there; and the imports, each a process of its own."""

from __future__ import annotations

import math
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .workloads import WORKLOADS, make_data

ROOT = Path(__file__).resolve().parents[1]

IMPORTS: dict[str, tuple[str, dict[str, str]]] = {
    "nothing (bare interpreter)": ("pass", {}),
    "numpy": ("import numpy", {}),
    "cornu": ("import cornu", {}),
    "keras-jax": ("import keras", {"KERAS_BACKEND": "jax"}),
    "keras-torch": ("import keras", {"KERAS_BACKEND": "torch"}),
    "keras-tensorflow": ("import keras", {"KERAS_BACKEND": "tensorflow"}),
}


def prepare(peer: Any, workload: str, steps: int) -> None:
    """Make data for `steps` batches and a fresh model."""
    peer.prepare(WORKLOADS[workload], *make_data(WORKLOADS[workload], steps))


def step(peer: Any) -> tuple[float, float]:
    """Train on the first batch alone: seconds (compilation included, the first time) and its loss."""
    return _timed(peer.one_step)


def epoch(peer: Any, steps: int) -> float:
    """Microseconds a step over one whole epoch of `steps`."""
    return _timed(peer.epoch)[0] / steps * 1e6


def predict(peer: Any, calls: int, seconds: float = math.inf) -> float:
    """Median microseconds of predicting one row, over `calls`, or fewer if `seconds` are over before."""
    start, times = time.perf_counter(), []
    while len(times) < calls and (not times or time.perf_counter() - start < seconds):
        times.append(_timed(peer.predict_row)[0])
    return statistics.median(times) * 1e6


def peak(_: Any) -> float:
    """The process's largest resident size so far, in MiB (Linux counts it in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resnet50(peer: Any, repeats: int) -> float:
    """Median seconds to build an untrained ResNet50."""
    application = peer.library.applications.ResNet50
    return statistics.median(_timed(lambda: application(weights=None))[0] for _ in range(repeats))


def memory_growth(peer: Any, calls: int) -> float:
    """KiB by which the resident size grows over `calls` predictions, after a tenth as many to warm up."""
    prepare(peer, "small_mlp", steps=1)
    predict(peer, calls // 10)
    before = _resident_kib()
    for _ in range(calls):
        peer.predict_row()
    return _resident_kib() - before


def layer_overhead(peer: Any) -> float:
    """Microseconds that `layer(x)` takes over `layer.call(x)`, eager, once built."""
    layer = peer.library.layers.Dense(8)
    x = peer.library.ops.convert_to_tensor(np.ones((4, 8), np.float32))
    layer(x)
    return _difference(lambda: layer(x), lambda: layer.call(x))


def import_times(repeats: int) -> dict[str, float | str]:
    """Median wall seconds of `python -c "import X"`, interpreter start included, the imports taking turns; or why it failed."""
    runs = {name: [_run(*IMPORTS[name])] for name in IMPORTS}  # fills the file cache
    for _ in range(repeats):
        for name, earlier in runs.items():
            earlier.append(_run(*IMPORTS[name]))
    failures = {name: done.stderr for name, rounds in runs.items() for _, done in rounds if done.returncode}
    return {
        name: describe(failures[name]) if name in failures else statistics.median(seconds for seconds, _ in rounds[1:])
        for name, rounds in runs.items()
    }


def frameworks_loaded() -> float | str:
    """How many compute frameworks `import cornu` loads; or why that cannot be told."""
    _, done = _run("import sys, cornu; print(len({'jax', 'torch', 'tensorflow'} & sys.modules.keys()))", {})
    return describe(done.stderr) if done.returncode else float(done.stdout)


def describe(error: BaseException | str) -> str:
    """An error's type and first line, or the last line of what a process complained; without this machine's paths."""
    text = error if isinstance(error, str) else f"{type(error).__name__}: " + str(error).strip().partition("\n")[0]
    return re.sub(r"(?:/[^/ ]+)+/", "", (text.strip().splitlines() or ["no reason given"])[-1])[:200]


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    value = work()
    return time.perf_counter() - start, value


def _run(code: str, variables: dict[str, str]) -> tuple[float, subprocess.CompletedProcess[str]]:
    command, environment = [sys.executable, "-c", code], os.environ | variables
    return _timed(lambda: subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True))


def _difference(outer: Callable[[], Any], inner: Callable[[], Any], blocks: int = 51, calls: int = 200) -> float:
    """Median difference of two costs in microseconds a call, timed in alternating blocks."""

    def block(work: Callable[[], Any]) -> float:
        return _timed(lambda: [work() for _ in range(calls)])[0] / calls

    return statistics.median(block(outer) - block(inner) for _ in range(blocks)) * 1e6


def _resident_kib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024
