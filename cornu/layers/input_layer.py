"""The entrance of a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import config, dtypes
from cornu.backends.spec import TensorSpec
from cornu.errors import ArgumentError
from cornu.graph import Node, SymbolicTensor
from cornu.layers.layer import Layer
from cornu.registry import LAYERS

__all__ = ["Input", "InputLayer"]


@LAYERS.add
class InputLayer(Layer):
    """Where data enters a model: it holds a shape and a dtype and changes nothing.

    Args:
        shape: without the batch dimension; None for unknown lengths.
        batch_size: the batch dimension, if it is fixed.
        dtype: of the data, `floatx` by default.
        sparse, ragged: not supported; data is dense.
        batch_shape: the shape with the batch dimension, in place of `shape`.
        input_tensor: a symbolic tensor that this layer stands for.
        optional: whether None may be given for it.
        name: `input_layer`, `input_layer_1`, … by default.
    """

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: str | None = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[int | None] | None = None,
        input_tensor: SymbolicTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        older = kwargs.pop("input_shape", None)
        shape, batch_shape = shape if shape is not None else older, kwargs.pop("batch_input_shape", batch_shape)
        super().__init__(name=name, **kwargs)
        if sparse or ragged:
            raise ArgumentError("Cornu's tensors are dense, got sparse=True or ragged=True. Use padding and masks.")
        if input_tensor is not None:
            batch_shape, dtype = input_tensor.shape, dtype or input_tensor.dtype
        if shape is not None and batch_shape is not None:
            raise ArgumentError(f"Give `shape` or `batch_shape`, not both, got {shape} and {batch_shape}.")
        if shape is None and batch_shape is None:
            raise ArgumentError("An input needs a shape, without the batch dimension, e.g. Input(shape=(28, 28, 1)) or Input((784,)).")
        if isinstance(shape, int):
            raise ArgumentError(f"A shape is a tuple, got {shape}. For vectors of that length write `Input(shape=({shape},))`.")
        self.batch_shape = tuple(batch_shape) if batch_shape is not None else (batch_size, *shape)
        self.input_data_dtype = dtypes.standardize(dtype) if dtype is not None else config.floatx()
        self.optional, self.sparse, self.ragged = optional, False, False
        self.built = True
        node = Node(self, (), {}, TensorSpec(self.batch_shape, self.input_data_dtype))
        node.outputs[0].name = self.name
        self._inbound_nodes.append(node)

    @property
    def dtype(self) -> str:  # type: ignore[override]
        """The dtype of the data."""
        return self.input_data_dtype

    def call(self, inputs: Any) -> Any:
        """The inputs."""
        return inputs

    def get_config(self) -> dict[str, Any]:
        """Shape, dtype and name."""
        return {
            "batch_shape": self.batch_shape, "dtype": self.dtype, "sparse": False, "ragged": False, "name": self.name, "optional": self.optional,
        }  # fmt: skip


def Input(  # noqa: N802 - the name that everybody knows
    shape: Sequence[int | None] | None = None,
    batch_size: int | None = None,
    dtype: str | None = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    tensor: SymbolicTensor | None = None,
    optional: bool = False,
) -> SymbolicTensor:
    """A symbolic tensor through which data enters a model.

    Args:
        shape: without the batch dimension; None for unknown lengths.
        batch_size: the batch dimension, if it is fixed.
        dtype: of the data, `floatx` by default.
        sparse, ragged: not supported; data is dense.
        batch_shape: the shape with the batch dimension, in place of `shape`.
        name: `input_layer`, `input_layer_1`, … by default; also the key when inputs come in a dict.
        tensor: a symbolic tensor to stand for.
        optional: whether None may be given for it.

    >>> Input((3,)).shape
    (None, 3)
    """
    layer = InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name)
    return layer.output
