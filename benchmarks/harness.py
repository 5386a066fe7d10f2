"""One process for each peer, and whose turn it is, so that the machine's noise falls on all alike.

For each workload every peer gets a process of its own that lives through all rounds; only the one being measured works, the others are
blocked reading their pipe. The order of turns is drawn anew each round. A peer that fails is left out with its reason; the others go on.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from . import measures, operations
from .peers import PEERS
from .workloads import WORKLOADS

PATIENCE = 900.0  # seconds to wait for one answer
SPAWN = multiprocessing.get_context("spawn")


class WorkerError(Exception):
    """A worker could not do what it was asked; the message says why."""


@dataclass(frozen=True)
class Settings:
    """How much to measure. `shortening` divides the steps of each epoch."""

    rounds: int = 7
    shortening: int = 1
    predict_calls: int = 100
    predict_s: float = 1.0  # of one turn, however few calls that leaves
    import_repeats: int = 7
    build_repeats: int = 3
    memory_calls: int = 10_000
    operation_turns: int = 31

    def steps(self, workload: str) -> int:
        return max(2, WORKLOADS[workload].steps // self.shortening)

    def turns(self, workload: str) -> int:
        return WORKLOADS[workload].turns if self.shortening == 1 else 1


QUICK = Settings(rounds=2, shortening=10, predict_calls=20, import_repeats=2, build_repeats=1, memory_calls=1000, operation_turns=2)


@dataclass
class Figures:
    """What was measured of one peer on one workload, and the reason for each stage that failed."""

    warm_up_s: float | None = None  # of the first two steps and the first epoch, with whatever is compiled in them
    losses: list[float] = field(default_factory=list)
    step_us: list[float] = field(default_factory=list)
    predict_us: list[float] = field(default_factory=list)
    peak_mib: float | None = None
    warm_up_steps: int = 0
    failed: dict[str, str] = field(default_factory=dict)


@dataclass
class Results:
    """Everything measured: `figures[workload][peer]`; `probes[name][peer]` and `operations[peer]`, or the reason why there is none."""

    settings: Settings
    figures: dict[str, dict[str, Figures]] = field(default_factory=dict)
    probes: dict[str, dict[str, float | str]] = field(default_factory=dict)
    operations: dict[str, dict[str, operations.Timing] | str] = field(default_factory=dict)


def serve(connection: Connection, peer_name: str) -> None:
    """A worker's life: make the peer, then do what is asked, one measure after another, until the pipe closes."""
    nowhere = os.open(os.devnull, os.O_WRONLY)  # frameworks greet at length
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    peer = None
    while True:
        try:
            measure, arguments = connection.recv()
        except EOFError:
            return
        try:
            peer = peer or PEERS[peer_name]()
            gc.collect()  # so that no measure pays for the litter of the one before
            connection.send((measure(peer, **arguments), None))
        except Exception as error:  # noqa: BLE001  whatever a framework raises is the answer
            connection.send((None, measures.describe(error)))


class Worker:
    """The parent's end of a worker process."""

    def __init__(self, peer: str) -> None:
        self.connection, theirs = SPAWN.Pipe()
        self.process = SPAWN.Process(target=serve, args=(theirs, peer), daemon=True)
        self.process.start()
        theirs.close()

    def ask(self, measure: Callable[..., Any], **arguments: Any) -> Any:
        """What `measure(peer, **arguments)` returns over there; or `WorkerError`."""
        try:
            self.connection.send((measure, arguments))
            if not self.connection.poll(PATIENCE):
                self.process.kill()
                raise WorkerError(f"no answer within {PATIENCE:.0f} s")
            value, reason = self.connection.recv()
        except (EOFError, OSError):
            raise WorkerError("the process ended") from None
        if reason:
            raise WorkerError(reason)
        return value

    def close(self) -> None:
        """End the process, kindly at first."""
        self.connection.close()
        self.process.join(timeout=10)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def measure_all(workloads: Sequence[str], peers: Sequence[str], settings: Settings, say: Callable[[str], None]) -> Results:
    """Measure every workload on every peer, then the costs that are not about training."""
    figures = {workload: measure_workload(workload, peers, settings, say) for workload in workloads}
    return Results(settings, figures, measure_probes(peers, settings, say), measure_operations(peers, settings, say))


def measure_workload(workload: str, peers: Sequence[str], settings: Settings, say: Callable[[str], None]) -> dict[str, Figures]:
    """One workload's figures by peer."""
    figures = {peer: Figures() for peer in peers}
    workers = {peer: Worker(peer) for peer in peers}
    try:
        for peer, worker in workers.items():
            say(f"{workload}: {peer}")
            try:
                _warm_up(worker, figures[peer], workload, settings)
            except WorkerError as error:
                figures[peer].failed["fit"] = str(error)
                say(f"{workload}: {peer} not available: {error}")
        for turn in range(settings.rounds):
            say(f"{workload}: round {turn + 1} of {settings.rounds}")
            for part in range(settings.turns(workload)):
                for peer in _in_new_order(figures, seed=f"{turn} {part}"):
                    figures[peer].step_us += _attempt(figures[peer], "fit", workers[peer], measures.epoch, steps=settings.steps(workload))
            for peer in _in_new_order(figures, seed=f"{turn}"):
                _predict(workers[peer], figures[peer], settings)
    finally:
        for worker in workers.values():
            worker.close()
    return figures


def _warm_up(worker: Worker, figures: Figures, workload: str, settings: Settings) -> None:
    """Two steps for their losses and an epoch, none of which counts for the step's time: what is compiled or recorded comes in them."""
    steps = settings.steps(workload)
    worker.ask(measures.prepare, workload=workload, steps=steps)
    first, second = worker.ask(measures.step), worker.ask(measures.step)
    figures.losses = [first[1], second[1]]
    figures.warm_up_s = first[0] + second[0] + worker.ask(measures.epoch, steps=steps) * steps / 1e6
    figures.warm_up_steps = steps + 2
    _attempt(figures, "predict", worker, measures.predict, calls=3, seconds=settings.predict_s)


def _in_new_order(figures: dict[str, Figures], seed: str) -> list[str]:
    ready = [peer for peer, f in figures.items() if "fit" not in f.failed]
    return random.Random(seed).sample(ready, len(ready))


def _predict(worker: Worker, figures: Figures, settings: Settings) -> None:
    calls, seconds = settings.predict_calls, settings.predict_s
    figures.predict_us += _attempt(figures, "predict", worker, measures.predict, calls=calls, seconds=seconds)
    figures.peak_mib = next(iter(_attempt(figures, "memory", worker, measures.peak)), None)


def _attempt(figures: Figures, stage: str, worker: Worker, measure: Callable[..., Any], **arguments: Any) -> list[float]:
    """One value; or none, the first reason being kept, where this stage fails or has failed before."""
    if stage in figures.failed:
        return []
    try:
        return [worker.ask(measure, **arguments)]
    except WorkerError as error:
        figures.failed[stage] = str(error)
        return []


def measure_probes(peers: Sequence[str], settings: Settings, say: Callable[[str], None]) -> dict[str, dict[str, float | str]]:
    """Each library's own costs by peer, and the imports by module."""
    ours = [peer for peer in peers if peer.startswith("cornu")]
    libraries = [peer for peer in peers if not peer.endswith("loop")]
    say("building, overheads, memory growth")
    values = {
        "resnet50": {peer: _probe(peer, measures.resnet50, repeats=settings.build_repeats) for peer in libraries},
        "layer_overhead": {peer: _probe(peer, measures.layer_overhead) for peer in ours},
        "memory_growth": {peer: _probe(peer, measures.memory_growth, calls=settings.memory_calls) for peer in ours},
    }
    say("imports")
    return values | {"import": measures.import_times(settings.import_repeats), "loaded": {"cornu": measures.frameworks_loaded()}}


def measure_operations(
    peers: Sequence[str], settings: Settings, say: Callable[[str], None]
) -> dict[str, dict[str, operations.Timing] | str]:
    """Single operations beside the framework's own, by peer."""
    say("operations")
    ours = [peer for peer in peers if peer.startswith("cornu")]
    return {peer: _probe(peer, operations.measure, turns=settings.operation_turns) for peer in ours}


def _probe(peer: str, measure: Callable[..., Any], **arguments: Any) -> Any:
    """A measure's value in a fresh process; or the reason why there is none."""
    worker = Worker(peer)
    try:
        return worker.ask(measure, **arguments)
    except WorkerError as error:
        return str(error)
    finally:
        worker.close()
