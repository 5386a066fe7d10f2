"""The state of the process around a model."""

from __future__ import annotations

import gc

from cornu import naming

__all__ = ["clear_session"]


def clear_session(free_memory: bool = True) -> None:
    """Numbering of automatic names starts anew. Nothing else is global: models go when their last reference goes, garbage collection included."""
    naming.reset()
    if free_memory:
        gc.collect()
