"""Recordings of what PyTorch does, for TensorBoard (its plug-in `torch_tb_profiler`) and for Chrome's tracing page."""

from __future__ import annotations

import os
from typing import Any

import torch

__all__ = ["start_trace", "stop_trace"]

_running: list[Any] = []


def start_trace(folder: str | os.PathLike[str]) -> None:
    profiler = torch.profiler.profile(on_trace_ready=torch.profiler.tensorboard_trace_handler(os.fspath(folder)))
    profiler.start()
    _running.append(profiler)


def stop_trace() -> None:
    _running.pop().stop()
