"""Event files, which TensorBoard reads: protocol buffers of its own package, put together without TensorFlow."""

from __future__ import annotations

import itertools
import os
import socket
import struct
import time
import weakref
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cornu.errors import BackendError

__all__ = ["EventFile", "png", "require_tensorboard"]

_number = itertools.count()


def require_tensorboard() -> None:
    """Raises unless the package is there that knows the format.

    Raises:
        BackendError: it is not; the message says how to install it.
    """
    try:
        import tensorboard.summary.writer.record_writer  # noqa: F401
    except ImportError as error:
        raise BackendError(
            f"TensorBoard logs need the package 'tensorboard', which could not be imported ({error}). "
            "Install it with `pip install 'cornu[tensorboard]'`."
        ) from error


class EventFile:
    """A file of events in a run's folder; it is made when the first event is written.

    Args:
        folder: the run's folder, "logs/train" for example.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        require_tensorboard()
        self.folder = Path(folder)
        self._records: Any = None

    def scalar(self, tag: str, value: Any, step: int) -> None:
        """A number."""
        from tensorboard.plugins.scalar.summary_v2 import scalar_pb

        self._add(scalar_pb(tag, float(np.mean(value))), step)

    def histogram(self, tag: str, values: np.ndarray, step: int) -> None:
        """How the elements of an array are distributed, in 30 buckets."""
        from tensorboard.plugins.histogram.summary_v2 import histogram_pb

        self._add(histogram_pb(tag, np.asarray(values, "float64")), step)

    def images(self, tag: str, images: np.ndarray, step: int) -> None:
        """Images (count, rows, columns, channels) of bytes; one, three or four channels."""
        from tensorboard.plugins.image.metadata import create_summary_metadata

        texts = [b"%d" % images.shape[2], b"%d" % images.shape[1], *map(png, images)]
        self._tensor(tag, texts, create_summary_metadata(display_name=None, description=None), step)

    def model_graph(self, tag: str, described: str, step: int) -> None:
        """A model's configuration as JSON, which TensorBoard draws as a graph."""
        from tensorboard.compat.proto.summary_pb2 import SummaryMetadata

        metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="graph_keras_model", content=b"1"))
        self._tensor(tag, described.encode(), metadata, step)

    def _tensor(self, tag: str, value: bytes | Sequence[bytes], metadata: Any, step: int) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.util.tensor_util import make_tensor_proto

        summary = Summary()
        summary.value.add(tag=tag, metadata=metadata, tensor=make_tensor_proto(value))
        self._add(summary, step)

    def _add(self, summary: Any, step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        if self._records is None:
            self._open()
        self._records.write(Event(wall_time=time.time(), step=step, summary=summary).SerializeToString())

    def _open(self) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{next(_number)}.v2"
        file = (self.folder / name).open("wb")
        weakref.finalize(self, file.close)  # of a run that broke off
        self._records = RecordWriter(file)
        self._records.write(Event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString())

    def flush(self) -> None:
        """Hands what has been written over to the operating system, so that TensorBoard sees it."""
        if self._records is not None:
            self._records.flush()

    def close(self) -> None:
        """Ends the file; a later event begins another."""
        if self._records is not None:
            self._records.close()
            self._records = None


_COLOURS = {1: 0, 3: 2, 4: 6}  # PNG's colour types: grey, RGB, RGBA


def png(image: np.ndarray) -> bytes:
    r"""An image (rows, columns, channels) of bytes as a PNG file (ISO/IEC 15948).

    >>> png(np.zeros((2, 3, 1), "uint8"))[:8]
    b'\x89PNG\r\n\x1a\n'
    """
    rows, columns, channels = image.shape
    head = struct.pack(">IIBBBBB", columns, rows, 8, _COLOURS[channels], 0, 0, 0)
    lines = np.concatenate([np.zeros((rows, 1), "uint8"), image.reshape(rows, -1)], axis=1)  # each line begins with its filter, none
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(lines.tobytes())) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
