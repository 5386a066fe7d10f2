"""Where in the user's program a call came from."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import FrameType

__all__ = ["OWN", "caller"]

OWN = str(Path(__file__).resolve().parent) + os.sep
"""What the names of Cornu's own files begin with."""


def caller(*passed: str) -> tuple[FrameType | None, int]:
    """The innermost call outside Cornu, and the `stacklevel` by which the function that asks names it in a warning.

    Args:
        passed: what file names begin with that are passed over too.

    >>> caller()[1]
    1
    """
    frame: FrameType | None = sys._getframe(1)
    level = 1
    while frame is not None and frame.f_code.co_filename.startswith((OWN, *passed)):
        frame, level = frame.f_back, level + 1
    return frame, level
