"""Figures to tables: ratios, geometric means, and a verdict on each budget of the design.

A peer's figure is the smallest of its turns: what else happens on the machine mostly adds to a turn. The median stands beside it.
A ratio is always ours over theirs, of the figures printed in the tables: below 1 we are faster.
"""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from .harness import Figures, Results
from .operations import DISPATCH, RATIO_AT_TEN, Timing
from .workloads import WORKLOADS

OURS = ("cornu-jax", "cornu-torch", "cornu-tensorflow")
KERAS = ("keras-jax", "keras-torch", "keras-tensorflow")
HAND_WRITTEN = {"cornu-jax": "jax-loop", "cornu-torch": "torch-loop"}
SAME_BACKEND = {"cornu-jax": "keras-jax", "cornu-torch": "keras-torch", "cornu-tensorflow": "keras-tensorflow"}
PACKAGES = ("numpy", "jax", "jaxlib", "optax", "torch", "tensorflow-cpu", "keras")
AGREEMENT = 1e-3  # relative, of the losses of the first two steps
GROWTH_KIB = 1024.0  # taken for "no growth": over 10,000 calls a tenth of a KiB each, what an allocator's restlessness comes to
BUSY = 0.1  # cores taken by other programs, beyond which ratios are not to be trusted: threads of OpenMP wait for one another by spinning

Cell = float | str | None


def render(results: Results, others: float) -> str:
    """The whole report, in Markdown."""
    parts = ["# Cornu beside its peers\n", _machine(results, others), "## Budgets\n", _budgets(results)]
    parts += ["## Geometric means\n", _means(results)]
    for name, figures in results.figures.items():
        parts += [f"## {name}\n", _workload(name, figures)]
    parts += ["## Operations\n", _operations(results)]
    return "\n".join([*parts, "## Libraries\n", _libraries(results), _missing(results)]).rstrip() + "\n"


# ── arithmetic ───────────────────────────────────────────────────────────────────────────────────────────


def ratio(ours: Cell, theirs: Cell) -> float | None:
    """`ours / theirs`, or None where either is no number."""
    return ours / theirs if isinstance(ours, float) and isinstance(theirs, float) else None


def geometric_mean(values: Iterable[float | None]) -> float | None:
    """The geometric mean; None where nothing, or anything, is missing: a mean over some workloads would say too much."""
    values = list(values)
    return statistics.geometric_mean(values) if values and all(values) else None


def scatter(turns: list[float]) -> float | None:
    """By how many percent the smallest of the odd turns and the smallest of the even ones differ: how far the figure can be trusted."""
    if len(turns) < 2:
        return None
    halves = min(turns[::2]), min(turns[1::2])
    return (max(halves) / min(halves) - 1) * 100


def _largest(values: Iterable[float | None]) -> float | None:
    """The largest; None where nothing, or anything, is missing."""
    values = list(values)
    return max(values) if values and all(values) else None


def _least(figures: dict[str, Figures], peer: str, what: str = "step_us") -> float | None:
    values = getattr(figures[peer], what) if peer in figures else []
    return min(values, default=None)


def _versus(figures: dict[str, Figures], ours: str, theirs: str, what: str = "step_us") -> float | None:
    return ratio(_least(figures, ours, what), _least(figures, theirs, what))


def _best(figures: dict[str, Figures], peers: Iterable[str]) -> float | None:
    return min((step for peer in peers if (step := _least(figures, peer))), default=None)


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────


def _table(header: list[str], rows: Iterable[Iterable[Cell]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *([_text(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _text(cell: Cell) -> str:
    """A number to three figures, a text as it is, and a dash for what is missing."""
    if not isinstance(cell, float):
        return (cell or "—").replace("|", "\\|")
    return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}"


def _machine(results: Results, others: float) -> str:
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    busy = " **The machine was not idle: these figures are for orientation only.**" if others > BUSY else ""
    return f"""\
- Machine: {processor}, {os.cpu_count()} cores, {memory:.0f} GiB of memory; {platform.system()}, Python {platform.python_version()}.
- Packages: {", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)}; thread counts as each framework sets them by default.
- {results.settings.rounds} rounds, one process for each peer, float32. In a round every peer has 2 to 4 turns of one epoch, as many for each
  peer of a workload, and one of predictions; each time the order is drawn anew.
- A step is a whole epoch's wall time over its steps, after a warm-up epoch: gathering the batch, loss, accuracy, Adam, and what `fit`
  does once a call (about 30 ms for Keras on TensorFlow, 1 ms for the others). A peer's figure is the smallest of its turns, since other
  programs and waiting threads mostly add to one; the median stands beside it. Scatter is by how much the smallest of the odd turns
  and the smallest of the even ones differ. Ratios are ours over theirs, of these figures: below 1, ours is faster.
- Start-up is what the first two steps and the warm-up epoch took beyond their steps: tracing, compiling, recording.
- Other programs took {others:.2f} of the {os.cpu_count()} cores during the run.{busy}
"""


def _workload(name: str, figures: dict[str, Figures]) -> str:
    workload = WORKLOADS[name]
    ratios_to = [f"{ours} ÷ it" for ours in OURS]
    header = ["peer", "step, µs", "median, µs", "scatter, %", *ratios_to, "start-up, s", "predict a row, µs", "peak memory, MiB"]
    rows: list[list[Cell]] = []
    for peer, f in figures.items():
        ratios = [_versus(figures, ours, peer) for ours in OURS]
        step, predict = _least(figures, peer), _least(figures, peer, "predict_us")
        median = statistics.median(f.step_us) if f.step_us else None
        rows.append([peer, step, median, scatter(f.step_us), *ratios, _start_up(f), predict, f.peak_mib])
    about = f"Input {workload.input_shape}, batch {workload.batch}; {workload.parameters:,} parameters.\n"
    return "\n".join([about, _table(header, rows), _agreement(figures)])


def _start_up(f: Figures) -> float | None:
    """Seconds of the warm-up beyond what its steps take later."""
    return f.warm_up_s - f.warm_up_steps * min(f.step_us) / 1e6 if f.warm_up_s is not None and f.step_us else None


def _agreement(figures: dict[str, Figures]) -> str:
    """Whether all peers did the same arithmetic: from equal weights, the losses of the first two steps on one batch must agree."""
    losses = {peer: f.losses for peer, f in figures.items() if f.losses}
    middle = [statistics.median(both) for both in zip(*losses.values(), strict=True)]
    astray = [peer for peer, pair in losses.items() if any(abs(a - b) > AGREEMENT * b for a, b in zip(pair, middle, strict=True))]
    verdict = f"**astray: {', '.join(astray)}**" if astray else "all that ran agree"
    return f"Losses of the first two steps on one batch, from equal weights: {', '.join(f'{loss:.5f}' for loss in middle)}; {verdict}.\n"


def _means(results: Results) -> str:
    """The steps' ratios to Keras's by backend, and of the best of each, with their geometric means."""
    rows: list[list[Cell]] = []
    every = results.figures.values()
    for title, values in (
        *((f"{ours} ÷ {theirs}", [_versus(f, ours, theirs) for f in every]) for ours, theirs in SAME_BACKEND.items()),
        ("Cornu's best ÷ Keras's best", [ratio(_best(f, OURS), _best(f, KERAS)) for f in every]),
    ):
        rows.append([title, *values, geometric_mean(values)])
    return _table(["step", *results.figures, "geometric mean"], rows)


def _libraries(results: Results) -> str:
    calls = f"{results.settings.memory_calls:,}"
    titles = {
        "import": ("import, interpreter included", "s"),
        "resnet50": ("building ResNet50", "s"),
        "layer_overhead": ("`Layer.__call__` over `call`, eager", "µs"),
        "memory_growth": (f"memory growth over {calls} `predict` calls", "KiB"),
    }
    rows = [[title, who, value, unit] for probe, (title, unit) in titles.items() for who, value in results.probes.get(probe, {}).items()]
    return _table(["what", "of", "value", "unit"], rows)


def _operations(results: Results) -> str:
    """Each operation's microseconds by the framework's own call, and how many times as long ours takes, by backend."""
    timings = {peer: timings for peer, timings in results.operations.items() if isinstance(timings, dict)}
    names = dict.fromkeys(name for by_name in timings.values() for name in by_name)
    header = ["operation", *(cell for peer in timings for cell in (f"{peer.removeprefix('cornu-')} alone, µs", f"{peer} ÷ it"))]

    def cells(by_name: dict[str, Timing], name: str) -> list[Cell]:
        return [by_name[name].bare, by_name[name].ours / by_name[name].bare] if name in by_name else [None, None]

    rows = [[name, *(cell for by_name in timings.values() for cell in cells(by_name, name))] for name in names]
    about = (
        "Forward only; the smallest of blocks of calls, ours and the framework's own by turns. Arrays lie as each framework likes them.\n"
    )
    return "\n".join([about, _table(header, rows)])


def _missing(results: Results) -> str:
    """Every failure with its reason, so that no empty cell goes unexplained."""
    failures = [(name, peer, f.failed.items()) for name, figures in results.figures.items() for peer, f in figures.items()]
    lines = [f"- {name}, {peer}, {stage}: {reason}" for name, peer, failed in failures for stage, reason in failed]
    lines += [f"- operations, {peer}: {reason}" for peer, reason in results.operations.items() if isinstance(reason, str)]
    return "\n".join(["## Not available\n", *lines]) if lines else ""


# ── budgets ──────────────────────────────────────────────────────────────────────────────────────────────


def _budgets(results: Results) -> str:
    rows = [*_step_budgets(results), *_predict_budgets(results), *_operation_budgets(results), *_library_budgets(results)]
    return _table(["what", "measured", "budget", "verdict"], (_judged(*row) for row in rows))


def _judged(what: str, measured: Cell, limit: float, unit: str) -> list[Cell]:
    """A row of the table. What was not measured is said to be so, never passed over."""
    budget = f"≤ {_text(limit)} {unit}".rstrip()
    if not isinstance(measured, float):
        return [what, None, budget, f"not measured{': ' + measured if measured else ''}"]
    return [what, f"{_text(measured)} {unit}".rstrip(), budget, "met" if measured <= limit else "**missed**"]


def _step_budgets(results: Results) -> Iterable[tuple[str, Cell, float, str]]:
    every = results.figures.values()
    for others, limit in ((HAND_WRITTEN, 1.10), (SAME_BACKEND, 1.0)):
        for ours, theirs in others.items():
            for name, figures in results.figures.items():
                yield f"fit step, {name}: {ours} ÷ {theirs}", _versus(figures, ours, theirs), limit, "×"
    for ours, theirs in SAME_BACKEND.items():
        mean = geometric_mean(_versus(figures, ours, theirs) for figures in every)
        yield f"fit step, geometric mean: {ours} ÷ {theirs}", mean, 1 / 1.5, "×"
    for ours, theirs in SAME_BACKEND.items():
        yield f"fit step, slowest of all workloads: {ours} ÷ {theirs}", _largest(_versus(f, ours, theirs) for f in every), 1.0, "×"
    best = geometric_mean(ratio(_best(figures, OURS), _best(figures, KERAS)) for figures in every)
    yield "fit step, geometric mean: Cornu's best ÷ Keras's best of each workload", best, 1 / 1.5, "×"


def _predict_budgets(results: Results) -> Iterable[tuple[str, Cell, float, str]]:
    for ours, bare in HAND_WRITTEN.items():
        for name, figures in results.figures.items():
            yield f"predict a row, {name}: {ours} ÷ {bare}", _versus(figures, ours, bare, "predict_us"), 1.5, "×"


def _operation_budgets(results: Results) -> Iterable[tuple[str, Cell, float, str]]:
    for peer, timings in results.operations.items():
        for name in DISPATCH:
            over = timings if isinstance(timings, str) else timings[name].ours - timings[name].bare
            yield f"eager {name}, over the framework's own call: {peer}", over, 1.0, "µs"
        times = timings if isinstance(timings, str) else ratio(*timings[RATIO_AT_TEN])
        yield f"eager {RATIO_AT_TEN}, ÷ the framework's own call: {peer}", times, 1.2, "×"


def _library_budgets(results: Results) -> Iterable[tuple[str, Cell, float, str]]:
    imports = results.probes.get("import", {})
    cornu = imports.get("cornu")
    yield "`import cornu` ÷ `import numpy`", cornu if isinstance(cornu, str) else ratio(cornu, imports.get("numpy")), 1.5, "×"
    yield "`import cornu`: backends loaded", results.probes.get("loaded", {}).get("cornu"), 0.0, ""
    for probe, title, limit, unit in (
        ("resnet50", "build ResNet50", 0.5, "s"),
        ("layer_overhead", "eager `Layer.__call__` over `call`", 5.0, "µs"),
        ("memory_growth", f"memory growth, {results.settings.memory_calls:,} `predict` calls", GROWTH_KIB, "KiB"),
    ):
        for ours in OURS:
            yield f"{title}: {ours}", results.probes.get(probe, {}).get(ours), limit, unit
