"""Recordings of what XLA does, for TensorBoard."""

from __future__ import annotations

import os

import jax

__all__ = ["start_trace", "stop_trace"]


def start_trace(folder: str | os.PathLike[str]) -> None:
    jax.profiler.start_trace(os.fspath(folder))


def stop_trace() -> None:
    jax.profiler.stop_trace()
