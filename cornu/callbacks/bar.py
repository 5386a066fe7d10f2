"""What a run shows while it goes on: a bar that is alive on a terminal and in a notebook, or one plain line an epoch."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TextIO

import numpy as np

from cornu import config
from cornu.errors import ArgumentError

__all__ = ["Progbar", "duration", "is_live", "line", "resolve_verbose", "say"]

REDRAW = 0.1
"""Seconds between two drawings of a live bar."""


def is_live(stream: TextIO | None = None) -> bool:
    """Whether a line written there can be drawn over: a terminal or a notebook, unless `cornu.config` sends progress to the logger."""
    if stream is None and not config.is_interactive_logging_enabled():
        return False
    stream = sys.stdout if stream is None else stream
    if type(stream).__module__.startswith("ipykernel"):
        return True
    try:
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    except (AttributeError, ValueError):  # no stream, or a closed one
        return False


def resolve_verbose(verbose: str | int | bool) -> int:
    """0 silent, 1 a bar, 2 a line an epoch; "auto" is 1 where a bar can live, else 2.

    >>> resolve_verbose(True), resolve_verbose(2)
    (1, 2)
    """
    if verbose == "auto":
        return 1 if is_live() else 2
    if verbose not in (0, 1, 2):
        raise ArgumentError(f"verbose must be 'auto', 0 (silent), 1 (a bar) or 2 (a line an epoch), got {verbose!r}.")
    return int(verbose)


def duration(seconds: float) -> str:
    """A time in the unit that suits it.

    >>> [duration(s) for s in (0.0000042, 0.0123, 3.21, 12.3, 75, 7500)]
    ['4us', '12ms', '3.2s', '12s', '1m 15s', '2h 05m']
    """
    if seconds < 0.9995e-3:
        return f"{seconds * 1e6:.0f}us"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.0f}ms"
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    return f"{whole // 60}m {whole % 60:02d}s" if whole < 3600 else f"{whole // 3600}h {whole % 3600 // 60:02d}m"


def number(value: Any) -> str:
    """A metric's value in four decimals, or four digits where it is very small or very large.

    >>> number(0.98765), number(0.00001234), number(0), number(np.array([1.0, 3.0]))
    ('0.9877', '1.2340e-05', '0.0000', '2.0000')
    """
    value = float(np.mean(value))
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e6 or not np.isfinite(value) else f"{value:.4e}"


def line(values: Mapping[str, Any]) -> str:
    """Metrics as they are shown behind the bar.

    >>> line({"loss": 0.5, "accuracy": 0.75})
    'loss: 0.5000 - accuracy: 0.7500'
    """
    return " - ".join(f"{name}: {number(value)}" for name, value in values.items())


def say(text: str) -> None:
    """Prints a line of text; a bar that is being drawn moves below it."""
    _Line.leave_to(None)
    _write(text + "\n")


class _Line:
    """The last line of a terminal, drawn over again and again."""

    _drawn: ClassVar[_Line | None] = None  # the one that stands there now

    def __init__(self) -> None:
        self._width = 0

    @classmethod
    def leave_to(cls, line: _Line | None) -> None:
        """Makes room for `line`, or for other text."""
        if cls._drawn is not None and cls._drawn is not line:
            cls._drawn.clear()
        cls._drawn = line

    def draw(self, text: str, *, room: int) -> None:
        """Puts the text in place of what was drawn; what does not fit is cut, because a line that wraps cannot be drawn over."""
        self.leave_to(self)
        text = text if len(text) <= room else text[: room - 1] + "…"
        _write("\r" + text + " " * (self._width - len(text)))
        self._width = len(text)

    def clear(self) -> None:
        """Takes away what was drawn."""
        if self._width:
            _write("\r" + " " * self._width + "\r")
            self._width = 0

    def finish(self, text: str) -> None:
        """Puts the text there for good."""
        self.clear()
        self.leave_to(None)
        _write(text + "\n")

    def abandon(self) -> None:
        """Leaves what is drawn as it is and begins a new line."""
        if self._width:
            self._width = 0
            _write("\n")
        self.leave_to(None)


def _write(text: str) -> None:
    if not config.is_interactive_logging_enabled():
        if text.strip():
            logging.getLogger("cornu").info(text.strip())
        return
    if sys.stdout is None:  # a program without a console
        return
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        sys.stdout.write(text.translate(_PLAIN).encode("ascii", "replace").decode())
    sys.stdout.flush()


_PLAIN = str.maketrans("━╸─…", "=> .")


class Progbar:
    """A bar with numbers behind it.

    `verbose=1` draws on a terminal or in a notebook at most once in `interval` seconds, and elsewhere prints the finished line alone;
    `verbose=2` prints one line at the end; 0 prints nothing.

    Args:
        target: the number of steps, or None if it is not known.
        width: the bar's length in characters.
        verbose: see above.
        interval: seconds between two drawings at least.
        stateful_metrics: names of values shown as they come. They all are, but for `stateless_metrics`.
        stateless_metrics: names of values whose mean over the steps is shown.
        unit_name: what a step is called.

    Attributes:
        is_live: whether it is drawn while it goes on.
        seen_so_far: steps done.

    >>> bar = Progbar(3, verbose=2)
    >>> for step in range(1, 4):
    ...     bar.update(step, [("loss", 1 / step)])
    3/3 - ... - loss: 0.3333
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        self.target, self.width, self.verbose, self.interval, self.unit_name = target, width, resolve_verbose(verbose), interval, unit_name
        self.stateful_metrics = set(stateful_metrics or ())
        self.stateless_metrics = set(stateless_metrics or ()) - self.stateful_metrics
        self.seen_so_far = 0
        self._values: dict[str, Any] = {}
        self._sums: dict[str, tuple[float, float]] = {}
        self._line, self.is_live = _Line(), self.verbose == 1 and is_live()
        self._start = time.monotonic()
        self._due = 0.0
        self._finished = False

    def is_due(self) -> bool:
        """Whether it is time to draw again."""
        return self.is_live and time.monotonic() >= self._due

    def add(self, n: int, values: Iterable[tuple[str, Any]] | Mapping[str, Any] | None = None) -> None:
        """`n` further steps are done."""
        self.update(self.seen_so_far + n, values)

    def update(
        self, current: int, values: Iterable[tuple[str, Any]] | Mapping[str, Any] | None = None, finalize: bool | None = None
    ) -> None:
        """`current` steps are done; `values` are the metrics, by name. The line is finished at the target, or when `finalize` says so."""
        steps, self.seen_so_far = current - self.seen_so_far, current
        for name, value in values.items() if isinstance(values, Mapping) else values or ():
            self._values[name] = self._averaged(name, value, steps) if name in self.stateless_metrics else value
        if finalize or (finalize is None and self.target is not None and current >= self.target):
            self.finish()
        elif self.is_due():
            self.draw()

    def _averaged(self, name: str, value: Any, steps: int) -> float:
        total, count = self._sums.get(name, (0.0, 0.0))
        self._sums[name] = total, count = total + float(value) * max(steps, 1), count + max(steps, 1)
        return total / count

    def draw(self, note: str = "") -> None:
        """Draws the bar as it stands."""
        room = max(shutil.get_terminal_size().columns - 1, 20)
        parts = [f" {self._count()} {self._bar()} {self._timing()}", line(self._values), note]
        self._line.draw(" - ".join(filter(None, parts)), room=room)
        self._due = time.monotonic() + self.interval

    def finish(self) -> None:
        """Prints the last line."""
        if self._finished or not self.verbose:
            return
        self._finished = True
        bar = f" {self._bar()} " if self.verbose == 1 else " - "
        usual = " - ".join(filter(None, [f"{self._count()}{bar}{self._took()}", line(self._values)]))
        self._line.finish(usual)

    def abandon(self) -> None:
        """Leaves what is drawn as it is; the next output starts on a line of its own."""
        if not self._finished:
            self._finished = True
            self._line.abandon()

    def _count(self) -> str:
        if self.target is None:
            return str(self.seen_so_far)
        return f"{self.seen_so_far:>{len(str(self.target))}d}/{self.target}"

    def _bar(self) -> str:
        if self.target is None:
            return "─" * self.width
        done = min(self.seen_so_far / self.target, 1.0) * self.width if self.target else self.width
        full = int(done)
        head = "╸" if full < self.width and done > full else ""
        return "━" * full + head + "─" * (self.width - full - len(head))

    def _timing(self) -> str:
        spent = time.monotonic() - self._start
        if not self.seen_so_far:
            return duration(spent)
        each = spent / self.seen_so_far
        if self.target is None:
            return f"{duration(spent)} {duration(each)}/{self.unit_name}"
        return f"{duration(max(self.target - self.seen_so_far, 0) * each)} left {duration(each)}/{self.unit_name}"

    def _took(self) -> str:
        spent = time.monotonic() - self._start
        return f"{duration(spent)} {duration(spent / max(self.seen_so_far, 1))}/{self.unit_name}"
