"""What an old spelling is called today, said once for each on standard error.

A line of our own, not a Python warning: a program of yesterday runs to its end under `python -W error` too. `install(notices=False)`, or
`cornu run --quiet`, keeps them back.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from cornu.frames import OWN, caller

__all__ = ["called_from_outside", "forget", "notice", "set_notices", "user_line"]

_MACHINERY = (str(Path(importlib.__file__).parent), "<frozen")
_said: set[str] = set()
_on = True


def set_notices(on: bool) -> None:
    """Whether notices are written from now on."""
    global _on
    _on = on


def forget() -> None:
    """Every notice may be said again."""
    _said.clear()


def notice(old: str, today: str) -> None:
    """Says once, with the caller's file and line, that `old` is an old spelling, and what it is today.

    Args:
        old: as the program wrote it.
        today: the rest of the sentence, e.g. "is `learning_rate=` today".
    """
    if not _on or old in _said:
        return
    _said.add(old)
    sys.stderr.write(f"{user_line()}`{old}` {today}.\n")


def called_from_outside() -> bool:
    """Whether the function that asks was called by code that is not Cornu's."""
    return not sys._getframe(2).f_code.co_filename.startswith((OWN, *_MACHINERY))


def user_line() -> str:
    """`file:line: ` of the innermost caller that is neither Cornu nor Python's import machinery; nothing where there is none."""
    frame, _ = caller(*_MACHINERY)
    return "" if frame is None else f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}: "
