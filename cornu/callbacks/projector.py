"""Embeddings for TensorBoard's projector: tables that it reads, and a file that lists them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cornu.errors import ArgumentError, nearest
from cornu.layers import Embedding
from cornu.layers.tracking import walk

__all__ = ["Projector"]


class Projector:
    """Writes the weights of a model's `Embedding` layers.

    Args:
        model: the model, built.
        folder: where "projector_config.pbtxt" goes; the tables lie in "train/embeddings" beneath it.
        metadata: the file, relative to the folder, that names the rows; or a dict of them by the layers' names.

    Raises:
        ArgumentError: a name in `metadata` is that of no embedding.
    """

    def __init__(self, model: Any, folder: Path, metadata: str | Mapping[str, str] | None) -> None:
        self._folder = folder
        self._layers = {layer.name: layer for layer in walk(model) if isinstance(layer, Embedding)}
        self._metadata = self._by_layer(metadata)

    def _by_layer(self, metadata: str | Mapping[str, str] | None) -> dict[str, str]:
        if metadata is None or isinstance(metadata, (str, os.PathLike)):
            return {} if metadata is None else dict.fromkeys(self._layers, os.fspath(metadata))
        for name in metadata:
            if name not in self._layers:
                likely = nearest(name, self._layers)
                hint = f"Did you mean {' or '.join(map(repr, likely))}?" if likely else f"It has {sorted(self._layers)}."
                raise ArgumentError(f"embeddings_metadata must name Embedding layers of the model, got {name!r}. {hint}")
        return {name: os.fspath(path) for name, path in metadata.items()}

    def write(self, epoch: int) -> None:
        """Writes the weights as they are, and has the projector show these."""
        from google.protobuf import text_format
        from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

        config = ProjectorConfig()
        for name, layer in self._layers.items():
            path = Path("train", "embeddings", f"{name.replace('/', '-')}-{epoch}.tsv")
            (self._folder / path).parent.mkdir(parents=True, exist_ok=True)
            np.savetxt(self._folder / path, np.asarray(layer.embeddings.numpy(), "float64"), delimiter="\t", fmt="%.9g")
            entry = config.embeddings.add(tensor_name=layer.embeddings.path, tensor_path=path.as_posix())
            if name in self._metadata:
                entry.metadata_path = self._metadata[name]
        (self._folder / "projector_config.pbtxt").write_text(text_format.MessageToString(config))
