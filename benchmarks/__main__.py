"""`python -m benchmarks [--workloads a,b] [--peers x,y] [--rounds N] [--quick] [--output PATH]`."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from .harness import QUICK, Settings, measure_all
from .peers import PEERS
from .report import render
from .workloads import WORKLOADS


def _some_of(known: Iterable[str]) -> Callable[[str], list[str]]:
    """An argument's type: names out of `known`, separated by commas."""

    def parse(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return names

    return parse


def _others_seconds() -> float:
    """Processor seconds that went to anything but this run since the machine started; workers count once they have ended."""
    user, nice, system, _idle, _wait, *interrupts_and_stolen = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + sum(interrupts_and_stolen)) / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])


def main() -> None:
    """Measure, and write the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Cornu beside its peers, in one run.")
    parser.add_argument("--workloads", type=_some_of(WORKLOADS), default=list(WORKLOADS), help="names separated by commas")
    parser.add_argument("--peers", type=_some_of(PEERS), default=list(PEERS), help="names separated by commas")
    parser.add_argument("--rounds", type=int, help="timed rounds of each workload")
    parser.add_argument("--quick", action="store_true", help="a short run, to see that everything works")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/RESULTS.md"), help="where the report goes")
    options = parser.parse_args()
    settings = QUICK if options.quick else Settings()
    settings = dataclasses.replace(settings, rounds=options.rounds or settings.rounds)
    start, others_before = time.monotonic(), _others_seconds()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

    def say(message: str) -> None:
        print(f"[{time.monotonic() - start:6.0f} s] {message}", file=sys.stderr, flush=True)

    results = measure_all(options.workloads, options.peers, settings, say)
    others = (_others_seconds() - others_before) / (time.monotonic() - start)
    options.output.write_text(render(results, others))
    say(f"wrote {options.output}")


if __name__ == "__main__":
    main()
