"""A bar for a download: bytes so far, speed, time left. Where no terminal is, one line at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

__all__ = ["Progress", "shown"]

Progress = Callable[[int, int | None], None]
"""Is told the bytes that have come so far and, if the server says, how many there are."""


@contextlib.contextmanager
def shown(title: str) -> Iterator[Progress]:
    """Gives the callable that draws; the bar stays as it stands when the block ends."""
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.DownloadColumn(),
        rich.TransferSpeedColumn(),
        rich.TimeRemainingColumn(),
    )
    # a console of its own: the shared one draws one live thing at a time, and refuses a second thread's
    with rich.Progress(*columns, console=Console()) as bar:
        task = bar.add_task(title.replace("[", r"\["), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
