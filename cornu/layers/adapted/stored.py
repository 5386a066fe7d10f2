"""Weights as they are kept: floats, whole numbers of eight bits, or of four."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cornu import ops
from cornu.layers.adapted.axes import Letters, aligned, matrix, unmatrix
from cornu.ops.arguments import Array
from cornu.quantizers import AbsMaxQuantizer, Int4QuantizationConfig, QuantizationConfig, abs_max_quantize_grouped_with_zero_point
from cornu.quantizers.packing import pack_int4, unpack_int4
from cornu.state import Variable

if TYPE_CHECKING:
    from cornu.layers.layer import Layer

__all__ = ["Floats", "FourBits", "Held", "Place", "WholeNumbers", "kept"]


class Place(NamedTuple):
    """A weight's name in its layer, its axes, and along which two numbers of four bits share a byte."""

    name: str
    letters: Letters
    pack_axis: int = -1
    scale_name: str = ""
    plain_scale: bool = False
    """Whether the scale has an axis for each of the kernel's kept ones alone, not one for each of the outputs."""
    zero_dtype: str = "int8"


class Held:
    """The base: variables, and the floats that they stand for."""

    variables: list[Variable]
    bias_first = False
    """Whether files hold the bias before the variables, not behind the first of them."""

    def value(self) -> Array:
        """The floats, in the compute dtype."""
        raise NotImplementedError(f"{type(self).__name__} must define `value`.")

    def arrays(self, floats: Array) -> list[Array]:
        """What the variables would hold for other floats."""
        raise NotImplementedError(f"{type(self).__name__} must define `arrays`.")


class Floats(Held):
    """The layer's own weight, frozen."""

    def __init__(self, variable: Variable) -> None:
        self.variables = [variable]

    def value(self) -> Array:
        """The weight."""
        return self.variables[0].value

    def arrays(self, floats: Array) -> list[Array]:
        """The floats."""
        return [floats]


class WholeNumbers(Held):
    """Numbers of eight bits and a scale for each output: `whole / scale`."""

    def __init__(self, layer: Layer, place: Place, floats: Variable, config: QuantizationConfig) -> None:
        self._place, self.shape = place, floats.shape
        axes = [i for i, c in enumerate(place.letters.kernel) if c in place.letters.summed]
        self._quantize: Callable[..., Any] = config.weight_quantizer or AbsMaxQuantizer(axis=axes)
        self._axes = axes
        self.variables = make(layer, (place.name, f"{place.name}_scale"), self.arrays(floats.own_value), floats)

    def arrays(self, floats: Array) -> list[Array]:
        """The whole numbers and the scale, which has the outputs' axes."""
        whole, scale = self._quantize(floats, axis=self._axes)
        letters = self._place.letters
        return [whole, aligned(scale, letters.kernel, letters.kept if self._place.plain_scale else letters.outputs)]

    def scale(self) -> Array:
        """The scale with the kernel's axes."""
        letters = self._place.letters
        return aligned(self.variables[1].value, letters.kept if self._place.plain_scale else letters.outputs, letters.kernel)

    def whole(self) -> Array:
        """The whole numbers."""
        return self.variables[0].value

    def value(self) -> Array:
        """The whole numbers over the scale."""
        scale = self.scale()
        return ops.divide(ops.cast(self.whole(), ops.dtype(scale)), scale)


class FourBits(Held):
    """Numbers of four bits, two in a byte: with a scale for each output, or with scales and zero points for blocks of inputs."""

    def __init__(self, layer: Layer, place: Place, floats: Variable, config: Int4QuantizationConfig) -> None:
        self._place, self.shape = place, floats.shape
        self._table = place.name.endswith("embeddings")
        self._block = None if config.block_size in (None, -1) else config.block_size
        self._quantize = config.weight_quantizer or AbsMaxQuantizer(axis=0, value_range=(-8, 7))
        names = [place.name, f"{place.name}_scale", f"{place.name}_zero", "g_idx"]
        arrays = self.arrays(floats.own_value)
        self.variables = make(layer, names[: len(arrays)], arrays, floats)

    def _laid(self, x: Array) -> Array:
        """(inputs, outputs) as the file has it: tables are kept by their rows."""
        return ops.transpose(x) if self._transposed else x

    @property
    def _transposed(self) -> bool:
        return self._table and self._place.letters.kernel.index(self._place.letters.summed) == 1

    def arrays(self, floats: Array) -> list[Array]:
        """Bytes and scale; with blocks, zero points and the block of each input too."""
        rows = matrix(floats, self._place.letters)  # (summed, kept)
        if self._block is None:
            whole, scale = self._quantize(rows, axis=0)
            return [self._packed(whole), ops.reshape(scale, (-1,))]
        filled = ops.pad(rows, ((0, -rows.shape[0] % self._block), (0, 0)))  # a block that is not full reaches to 0
        whole, scale, zero = abs_max_quantize_grouped_with_zero_point(filled, self._block)
        whole = whole[: rows.shape[0]]
        zero = ops.cast(zero, self._place.zero_dtype)
        found = [self._packed(whole), self._laid(scale), self._laid(zero)]
        if self._place.zero_dtype != "int8":
            return found  # the way back of a table shares the order of its inputs
        return [*found, ops.convert_to_tensor(np.arange(rows.shape[0]) // self._block, "float32")]

    def _packed(self, whole: Array) -> Array:
        return pack_int4(self._laid(whole), self._place.pack_axis)[0]

    def value(self) -> Array:
        """`(whole - zero) * scale`, or `whole / scale`."""
        letters = self._place.letters
        lengths = dict(zip(letters.kernel, self.shape, strict=True))
        rows, columns = (int(np.prod([lengths[c] for c in part])) for part in (letters.summed, letters.kept))
        laid = (columns, rows) if self._transposed else (rows, columns)
        whole = self._laid(unpack_int4(self.variables[0].value, laid[self._place.pack_axis], self._place.pack_axis))
        scale = self.variables[1].value
        whole = ops.cast(whole, ops.dtype(scale))
        if self._block is None:
            return unmatrix(ops.divide(whole, scale), letters, self.shape)
        blocks = np.arange(rows) // self._block
        scale, zero = (ops.take(self._laid(v), blocks, axis=0) for v in (scale, ops.cast(self.variables[2].value, ops.dtype(scale))))
        return unmatrix(ops.multiply(ops.subtract(whole, zero), scale), letters, self.shape)


def kept(layer: Layer, place: Place, floats: Variable, config: QuantizationConfig) -> Held:
    """The weight as a configuration wants it kept."""
    if isinstance(config, Int4QuantizationConfig):
        return FourBits(layer, place, floats, config)
    return WholeNumbers(layer, place, floats, config)


def make(layer: Layer, names: Sequence[str], arrays: Sequence[Array], like: Variable) -> list[Variable]:
    """Variables that are not trained, on the backend of the weight that they take the place of."""
    made = []
    for name, array in zip(names, arrays, strict=True):
        value = ops.convert_to_numpy(array)
        variable = layer.add_weight(value.shape, lambda shape, dtype, value=value: value, ops.dtype(array), trainable=False, name=name)
        variable.to(like.backend)
        made.append(variable)
    return made
