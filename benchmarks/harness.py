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

from . import measures
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
    import_repeats: int = 7
    build_repeats: int = 3
    memory_calls: int = 10_000

    def steps(self, workload: str) -> int:
        return max(2, WORKLOADS[workload].steps // self.shortening)


QUICK = Settings(rounds=2, shortening=10, predict_calls=20, import_repeats=2, build_repeats=1, memory_calls=1000)


@dataclass
class Figures:
    """What was measured of one peer on one workload, and the reason for each stage that failed."""

    first_step_s: float | None = None
    losses: list[float] = field(default_factory=list)
    step_us: list[float] = field(default_factory=list)
    predict_us: list[float] = field(default_factory=list)
    peak_mib: float | None = None
    failed: dict[str, str] = field(default_factory=dict)


@dataclass
class Results:
    """Everything measured: `figures[workload][peer]`, and `probes[name][peer]`, a number or the reason why there is none."""

    settings: Settings
    figures: dict[str, dict[str, Figures]] = field(default_factory=dict)
    probes: dict[str, dict[str, float | str]] = field(default_factory=dict)


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
    return Results(settings, figures, measure_probes(peers, settings, say))


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
            ready = [peer for peer in peers if "fit" not in figures[peer].failed]
            for peer in random.Random(turn).sample(ready, len(ready)):
                _take_turn(workers[peer], figures[peer], settings.steps(workload), settings.predict_calls)
    finally:
        for worker in workers.values():
            worker.close()
    return figures


def _warm_up(worker: Worker, figures: Figures, workload: str, settings: Settings) -> None:
    """First step (with whatever it compiles), a second one for its loss, and an epoch that is not counted."""
    steps = settings.steps(workload)
    worker.ask(measures.prepare, workload=workload, steps=steps)
    figures.first_step_s, first_loss = worker.ask(measures.step)
    figures.losses = [first_loss, worker.ask(measures.step)[1]]
    worker.ask(measures.epoch, steps=steps)
    _attempt(figures, "predict", worker, measures.predict, calls=3)


def _take_turn(worker: Worker, figures: Figures, steps: int, calls: int) -> None:
    figures.step_us += _attempt(figures, "fit", worker, measures.epoch, steps=steps)
    figures.predict_us += _attempt(figures, "predict", worker, measures.predict, calls=calls)
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
        "dispatch_overhead": {peer: _probe(peer, measures.dispatch_overhead) for peer in ours},
        "memory_growth": {peer: _probe(peer, measures.memory_growth, calls=settings.memory_calls) for peer in ours},
    }
    say("imports")
    return values | {"import": measures.import_times(settings.import_repeats), "loaded": {"cornu": measures.frameworks_loaded()}}


def _probe(peer: str, measure: Callable[..., Any], **arguments: Any) -> float | str:
    """A measure's value in a fresh process; or the reason why there is none."""
    worker = Worker(peer)
    try:
        return worker.ask(measure, **arguments)
    except WorkerError as error:
        return str(error)
    finally:
        worker.close()
