"""Products by equations of axes, in whole numbers."""

from __future__ import annotations

import math
from typing import NamedTuple

from cornu import ops
from cornu.ops.arguments import Array

__all__ = ["Letters", "aligned", "matrix", "unmatrix", "whole_product"]

_SPARE = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Letters(NamedTuple):
    """The axes of inputs, kernel and outputs, a letter for each."""

    inputs: str
    kernel: str
    outputs: str

    @classmethod
    def of(cls, equation: str, rank: int) -> Letters:
        """Those of an equation, with letters for the axes that "..." stands for in inputs of this rank."""
        equation = equation.replace(" ", "")
        inputs = equation.split(",")[0]
        further = "".join(c for c in _SPARE if c not in equation)[: rank - len(inputs.replace("...", ""))]
        given, outputs = equation.replace("...", further).split("->")
        left, right = given.split(",")
        return cls(left, right, outputs)

    @property
    def summed(self) -> str:
        """The kernel's axes over which is summed."""
        return "".join(c for c in self.kernel if c not in self.outputs)

    @property
    def kept(self) -> str:
        """The kernel's axes that the outputs have."""
        return "".join(c for c in self.kernel if c in self.outputs)


def aligned(x: Array, have: str, want: str) -> Array:
    """An array with axes named by letters, brought to the order of others: axes of length 1 fall away or come in."""
    order = [c for c in want if c in have]
    x = ops.reshape(x, [n for n, c in zip(x.shape, have, strict=True) if c in want])
    left = [c for c in have if c in want]
    x = ops.transpose(x, [left.index(c) for c in order]) if left != order else x
    lengths = dict(zip(order, x.shape, strict=True))
    return ops.reshape(x, [lengths.get(c, 1) for c in want])


def matrix(kernel: Array, letters: Letters) -> Array:
    """The kernel as (summed, kept)."""
    order = [letters.kernel.index(c) for c in letters.summed + letters.kept]
    rows = math.prod(kernel.shape[i] for i in order[: len(letters.summed)])
    return ops.reshape(ops.transpose(kernel, order), (rows, -1))


def unmatrix(rows: Array, letters: Letters, shape: tuple[int, ...]) -> Array:
    """The kernel of this shape from what `matrix` gives."""
    order = [letters.kernel.index(c) for c in letters.summed + letters.kept]
    return ops.transpose(ops.reshape(rows, [shape[i] for i in order]), [order.index(i) for i in range(len(shape))])


def whole_product(x: Array, kernel: Array, letters: Letters) -> Array:
    """The product of two arrays of int8, in int32: a matrix product where one does."""
    rest = [c for c in letters.inputs if c not in letters.summed]
    if any(c not in letters.outputs or c in letters.kernel for c in rest):
        return ops.einsum("{},{}->{}".format(*letters), ops.cast(x, "int32"), ops.cast(kernel, "int32"))
    order = [letters.inputs.index(c) for c in (*rest, *letters.summed)]
    lengths = [x.shape[i] for i in order[: len(rest)]]
    x = x if order == list(range(len(order))) else ops.transpose(x, order)
    x = x if len(letters.summed) == 1 else ops.reshape(x, (*lengths, math.prod(x.shape[len(rest) :])))
    y = ops.matmul(x, matrix(kernel, letters))  # (*rest, kept)
    named = (*rest, *letters.kept)
    if len(letters.kept) != 1:
        y = ops.reshape(y, (*lengths, *[kernel.shape[letters.kernel.index(c)] for c in letters.kept]))
    places = [named.index(c) for c in letters.outputs]
    return y if places == list(range(len(places))) else ops.transpose(y, places)
