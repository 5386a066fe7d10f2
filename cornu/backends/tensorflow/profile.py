"""What TensorFlow runs, recorded for TensorBoard."""

from __future__ import annotations

import os

from cornu.backends.tensorflow.library import tf

__all__ = ["start_trace", "stop_trace"]


def start_trace(folder: str | os.PathLike[str]) -> None:
    tf.profiler.experimental.start(os.fspath(folder))


def stop_trace() -> None:
    tf.profiler.experimental.stop()
