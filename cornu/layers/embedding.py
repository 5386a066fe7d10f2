"""A table of vectors, looked up by whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import constraints, dtypes, initializers, ops, regularizers
from cornu.errors import ArgumentError, DTypeError
from cornu.layers.adapted.adaptation import Adaptable
from cornu.layers.adapted.adapting import keep_arguments, table_places
from cornu.layers.layer import Layer
from cornu.layers.making import make_weight
from cornu.ops.arguments import Array
from cornu.registry import LAYERS

__all__ = ["Embedding"]


@LAYERS.add
class Embedding(Layer):
    """A vector for each id: `embeddings[id]`, learnt like any weight.

    Args:
        input_dim: the number of ids, which are 0 to input_dim - 1.
        output_dim: the length of the vectors.
        embeddings_initializer: the first values.
        embeddings_regularizer: a penalty on the table.
        embeddings_constraint: a projection of the table after each update.
        mask_zero: whether id 0 is padding: the outputs' mask is then False there.
        weights: a table to start with, (input_dim, output_dim), or a list that holds it.
        lora_rank, lora_alpha: as `enable_lora` takes them, once the layer is built.
        quantization_config: how a quantised `dtype` such as "int8_from_float32" is done.
        input_length: the length of the sequences, as older programs give it; a Sequential then knows its input.

    Shapes: ids of any shape to that shape and output_dim. Ids are whole numbers; floats of 32 or 64 bits that hold such are taken too, as data
    often comes so. Weights: embeddings (input_dim, output_dim), uniform on [-0.05, 0.05).

    Raises:
        DTypeError: ids in float16 or bfloat16, which cannot tell large ids apart.

    >>> import numpy as np
    >>> layer = Embedding(3, 2, weights=np.array([[0, 0], [1, 1], [2, 2]]), mask_zero=True)
    >>> layer(np.array([[2, 0]])).tolist(), layer.compute_mask(np.array([[2, 0]])).tolist()
    ([[[2.0, 2.0], [0.0, 0.0]]], [[True, False]])
    """

    _first_input_dtype_ = "int32"
    _adaptable_ = Adaptable("embeddings", table_places)

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        length = kwargs.pop("input_length", None)
        if length is not None:
            kwargs.setdefault("input_shape", length)
        super().__init__(**{**kwargs, "autocast": False})  # ids are no quantities: in half precision large ones would run together
        for name, value in (("input_dim", input_dim), ("output_dim", output_dim)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ArgumentError(f"{name} must be a whole number of at least 1, got {value!r}.")
        keep_arguments(self, lora_rank, lora_alpha, quantization_config)
        self.input_dim, self.output_dim = input_dim, output_dim
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self._table = _only(weights)

    def build(self, input_shape: tuple[int | None, ...] | None = None) -> None:
        """Makes the table."""
        self.embeddings = make_weight(self, "embeddings", (self.input_dim, self.output_dim), autocast=False)
        if self._table is not None:
            self.embeddings.assign(self._table)
            self._table = None
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The vectors at these ids."""
        name = dtypes.standardize(inputs.dtype)
        if name in ("float16", "bfloat16"):
            raise DTypeError(
                f"Layer {self.name!r} looks up whole numbers, got ids of dtype {name}, which cannot tell large ids apart. "
                "Give integers, e.g. `Input(shape, dtype='int32')` and `ids.astype('int32')`."
            )
        ids = inputs if name in ("int32", "int64") else ops.cast(inputs, "int32")
        return ops.cast(ops.take(self.embeddings, ids, axis=0), self.compute_dtype)

    def compute_mask(self, inputs: Array, previous_mask: Any = None) -> Any:
        """Where the ids are not 0; none unless `mask_zero`."""
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def _constructor_arguments_(self) -> dict[str, Any]:
        """A table to start with is a weight by now, and stands with those."""
        optional = ("lora_rank", "lora_alpha")
        arguments = super()._constructor_arguments_()
        return {k: v for k, v in arguments.items() if k != "weights" and (v is not None or k not in optional)}


def _only(weights: Any) -> Any:
    """The table itself, out of a list of one."""
    single = isinstance(weights, Sequence) and len(weights) == 1 and getattr(weights[0], "ndim", 0) == 2
    return weights[0] if single else weights
