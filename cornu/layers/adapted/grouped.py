"""Weights as whole numbers of a few bits, which calibration chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cornu import ops
from cornu.errors import ArgumentError
from cornu.layers.adapted.axes import Letters, matrix, unmatrix
from cornu.layers.adapted.stored import Held, Place, make
from cornu.ops.arguments import Array
from cornu.quantizers import AWQConfig, GPTQConfig
from cornu.quantizers.awq import round_by_awq
from cornu.quantizers.gptq import round_by_gptq
from cornu.quantizers.groups import Grid, Moments, Rounded, apply_grid, round_plainly
from cornu.quantizers.packing import pack_int4, unpack_int4
from cornu.state import Variable

if TYPE_CHECKING:
    from cornu.layers.layer import Layer

__all__ = ["Calibrated", "Grouped", "check_one_matrix", "input_rows"]

Calibrated = GPTQConfig | AWQConfig


def check_one_matrix(layer: Layer, letters: Letters) -> None:
    """Raises where inputs meet more than one matrix, so that they have no one matrix of second moments."""
    shared = [c for c in letters.inputs if c in letters.kernel and c in letters.outputs]
    if shared:
        raise ArgumentError(
            f"GPTQ and AWQ need a kernel that all places of the inputs share, and that of {layer.name!r} has the inputs' axes "
            f"{''.join(shared)!r}. Leave the layer out with `filters`."
        )


def input_rows(x: Array, letters: Letters) -> np.ndarray:
    """The inputs of a product as (rows, summed axes), as the kernel's `matrix` has its rows."""
    found = ops.convert_to_numpy(x)
    rest = [c for c in letters.inputs if c not in letters.summed]
    order = [letters.inputs.index(c) for c in (*rest, *letters.summed)]
    return found.transpose(order).reshape(-1, int(np.prod([found.shape[letters.inputs.index(c)] for c in letters.summed])))


class Grouped(Held):
    """Numbers of 2 to 8 bits, with a scale and a zero point for each group of inputs: `(whole - zero) * scale`, after AWQ over `awq_scales`.

    Kept as Keras keeps them: (outputs, inputs) without sign, two of four bits in a byte; scales and zero points (outputs, groups); the group of
    each input.
    """

    bias_first = True

    def __init__(self, layer: Layer, place: Place, floats: Variable, config: Calibrated, moments: Moments | None = None) -> None:
        check_one_matrix(layer, place.letters)
        self._letters, self.shape, self._bits = place.letters, floats.shape, config.weight_bits
        rows = self._rows(floats.own_value)
        self._columns = rows.shape[1]
        rounded = _rounded(rows, config, moments)
        arrays = {place.name: self._packed(rounded.whole), f"{place.name}_scale": rounded.scale.T.astype("float32")}
        arrays[f"{place.name}_zero"] = rounded.zero.T.astype("uint8")
        if isinstance(config, AWQConfig):
            arrays["awq_scales"] = (np.ones(len(rows)) if rounded.favour is None else rounded.favour).astype("float32")
        arrays["g_idx"] = rounded.groups.astype("float32")
        self.variables = make(layer, list(arrays), list(arrays.values()), floats)
        self._named = dict(zip(arrays, self.variables, strict=True))
        self._name = place.name

    def _rows(self, floats: Array) -> np.ndarray:
        return np.asarray(matrix(ops.convert_to_numpy(floats), self._letters), "float64")

    def _packed(self, whole: np.ndarray) -> np.ndarray:
        kept = np.ascontiguousarray(whole.T.astype("uint8"))  # (outputs, inputs)
        return ops.convert_to_numpy(pack_int4(kept, 0, "uint8")[0]) if self._bits == 4 else kept

    def value(self) -> Array:
        """The floats that the whole numbers stand for."""
        scale = self._named[f"{self._name}_scale"].value  # (outputs, groups)
        kind = ops.dtype(scale)
        groups = ops.cast(self._named["g_idx"].value, "int32")
        whole = self._named[self._name].value
        whole = unpack_int4(whole, self._columns, 0, "uint8") if self._bits == 4 else whole
        zero = ops.cast(self._named[f"{self._name}_zero"].value, kind)
        rows = ops.multiply(ops.subtract(ops.cast(whole, kind), ops.take(zero, groups, axis=1)), ops.take(scale, groups, axis=1))
        if "awq_scales" in self._named:
            rows = ops.divide(rows, self._named["awq_scales"].value)
        return unmatrix(ops.transpose(rows), self._letters, self.shape)

    def arrays(self, floats: Array) -> list[Array]:
        """Other floats on the grid that there is: the whole numbers change, scales and zero points stay."""
        values = {name: variable.numpy() for name, variable in self._named.items()}
        groups = values["g_idx"].astype(int)
        rows = self._rows(floats)
        if "awq_scales" in values:
            rows = rows * values["awq_scales"][:, None]
        grid = Grid(*(np.asarray(values[f"{self._name}_{part}"].T[groups], "float64") for part in ("scale", "zero")))
        return [self._packed(apply_grid(rows, grid, self._bits)), *list(values.values())[1:]]


def _rounded(rows: np.ndarray, config: Calibrated, moments: Moments | None) -> Rounded:
    """The whole numbers by what calibration found; to the nearest where a file will bring them."""
    if isinstance(config, AWQConfig):
        return round_plainly(rows, config.weight_bits, config.group_size) if moments is None else round_by_awq(rows, moments, config)
    if moments is not None:
        return round_by_gptq(rows, moments.hessian, config)
    return round_plainly(rows, config.weight_bits, config.group_size, symmetric=config.symmetric, per_channel=config.per_channel)
