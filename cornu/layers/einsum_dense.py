"""Affine maps between axes named by letters."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from cornu import activations, constraints, initializers, ops, regularizers
from cornu.errors import ArgumentError, ShapeError
from cornu.layers.adapted.adaptation import Adaptable
from cornu.layers.adapted.adapting import keep_arguments, product_places
from cornu.layers.layer import Layer
from cornu.layers.making import make_weight
from cornu.ops.arguments import Array
from cornu.registry import LAYERS

__all__ = ["EinsumDense"]

_EQUATION = re.compile(
    r"(?P<lead>\.\.\.)?(?P<x>[a-zA-Z]+)(?P<trail>\.\.\.)?,(?P<k>[a-zA-Z]+)->(?P<lead2>\.\.\.)?(?P<y>[a-zA-Z]+)(?P<trail2>\.\.\.)?"
)
_SPARE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@LAYERS.add
class EinsumDense(Layer):
    """An affine map written as an equation of axes: `activation(einsum(equation, inputs, kernel) + bias)`.

    Args:
        equation: "inputs,kernel->outputs", a letter for each axis: "abc,cd->abd" is `Dense` over sequences. Letters of the inputs that the
            outputs lack are summed over. "..." before or after the letters of the inputs and of the outputs stands for further axes.
        output_shape: the lengths of the outputs' axes without the batch; None where it is that of the inputs. With "..." in front, those
            of the last axes are enough; with "..." behind, those of the first.
        activation: applied to the sums; none by default.
        bias_axes: the letters of the axes along which the bias has a number of its own; no bias by default.
        kernel_initializer, bias_initializer: the first values.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        kernel_constraint, bias_constraint: projections after each update.
        lora_rank, lora_alpha: as `enable_lora` takes them, once the layer is built.
        gptq_unpacked_column_size: the kernel's numbers for each input, before GPTQ puts two in a byte: the product of the lengths of its axes that
            the outputs have. Files of layers quantised so say it; where it is given, it must be right.
        quantization_config: how a quantised `dtype` such as "int8_from_float32" is done.

    Shapes: by the equation. Weights: kernel, a length for each letter, Glorot uniform; bias, from the first letter in `bias_axes` to the
    last axis of the outputs, 1 along axes that are not named, zeros.

    Raises:
        ArgumentError: an equation of another form, or letters that stand nowhere.
        ShapeError: lengths of `output_shape` that differ from the inputs', or unknown ones where weights need them; another
            `gptq_unpacked_column_size` than the kernel has.

    >>> import numpy as np
    >>> EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de")(np.ones((1, 5, 4), "float32")).shape
    (1, 5, 2, 3)
    """

    _adaptable_ = Adaptable("kernel", product_places, product=True)

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.gptq_unpacked_column_size = gptq_unpacked_column_size
        keep_arguments(self, lora_rank, lora_alpha, quantization_config)
        self._axes = _summed_axes(equation)
        self.equation = equation
        self.output_shape = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the kernel and the bias."""
        kernel, outputs, lengths = axis_lengths(self.equation, tuple(input_shape), self.output_shape)
        self.kernel = make_weight(self, "kernel", self._known(kernel, lengths))
        if self.gptq_unpacked_column_size not in (None, self._columns()):
            raise ShapeError(
                f"The kernel of {self.name!r}, of the shape {tuple(self.kernel.shape)}, has {self._columns()} numbers for each input, "
                f"got gptq_unpacked_column_size={self.gptq_unpacked_column_size!r}. Leave it out: it is known when the layer is built."
            )
        self.bias = None
        if self.bias_axes:
            missing = [axis for axis in self.bias_axes if axis not in outputs]
            if missing:
                raise ArgumentError(f"bias_axes must be letters of the outputs {outputs!r}, got {self.bias_axes!r}.")
            own = outputs[min(outputs.index(axis) for axis in self.bias_axes) :]
            named = dict.fromkeys(own, 1) | {axis: lengths[axis] for axis in self.bias_axes}
            self.bias = make_weight(self, "bias", self._known(own, named))
        self.built = True

    def _known(self, axes: str, lengths: dict[str, int | None]) -> tuple[int, ...]:
        """The lengths of the axes, which must be known."""
        known = [n for n in (lengths[axis] for axis in axes) if n is not None]
        if len(known) < len(axes):
            raise ShapeError(
                f"The weights of {self.name!r} need known lengths of the axes {axes!r} in {self.equation!r}, "
                f"got {[lengths[a] for a in axes]}."
            )
        return tuple(known)

    def _columns(self) -> int:
        """How many numbers of the kernel each input meets."""
        parts = _parts(self.equation)
        return math.prod(n for axis, n in zip(parts["k"], self.kernel.shape, strict=True) if axis in parts["y"])

    def call(self, inputs: Array) -> Array:
        """The sums, activated."""
        if self._axes:
            return self.activation(ops.dense(inputs, self.kernel, self.bias, self._axes))
        sums = ops.einsum(self.equation, inputs, self.kernel)
        return self.activation(sums if self.bias is None else ops.add(sums, self.bias))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; those of wrappers only where there is one."""
        optional = ("lora_rank", "lora_alpha", "gptq_unpacked_column_size")
        config = super().get_config()
        if self.built and self.quantization_mode == "gptq":
            config["gptq_unpacked_column_size"] = self._columns()
        return {name: value for name, value in config.items() if value is not None or name not in optional}


def _parts(equation: str) -> dict[str, str]:
    """The letters of inputs, kernel and outputs, and where further axes stand."""
    found = _EQUATION.fullmatch(equation.replace(" ", ""))
    parts = {} if found is None else found.groupdict("")
    if not parts or parts["lead"] != parts["lead2"] or parts["trail"] != parts["trail2"] or (parts["lead"] and parts["trail"]):
        raise ArgumentError(
            f"An equation must have the form 'ab,bc->ac', '...ab,bc->...ac' or 'ab...,bc->ac...', with letters for axes, got {equation!r}."
        )
    for axis in parts["y"]:
        if axis not in parts["x"] + parts["k"]:
            raise ArgumentError(f"Each axis of the outputs must be one of the inputs or the kernel, got {axis!r} in {equation!r}.")
    for axis in parts["k"]:
        if axis not in parts["x"] + parts["y"]:
            raise ArgumentError(f"Each axis of the kernel must be one of the inputs or the outputs, got {axis!r} in {equation!r}.")
    return parts


def _summed_axes(equation: str) -> int:
    """How many axes are summed over, the last of the inputs and the first of the kernel, the others kept in order; 0 for other equations."""
    inputs, kernel, outputs, trail = (_parts(equation)[name] for name in ("x", "k", "y", "trail"))
    count = sum(axis not in outputs for axis in kernel)
    plain = count and not trail and inputs[-count:] == kernel[:count] and outputs == inputs[:-count] + kernel[count:]
    return count if plain and len(set(outputs)) == len(outputs) else 0


def axis_lengths(
    equation: str, input_shape: tuple[int | None, ...], output_shape: Sequence[int | None]
) -> tuple[str, str, dict[str, int | None]]:
    """The kernel's letters, the outputs' letters with further axes among them, and the length of each."""
    parts = _parts(equation)
    inputs, kernel, outputs = parts["x"], parts["k"], parts["y"]
    count = len(input_shape) - len(inputs)
    if count < 0 or (count and not parts["lead"] + parts["trail"]):
        raise ShapeError(f"The equation {equation!r} needs inputs of {len(inputs)} axes, got the shape {input_shape}.")
    further = "".join([c for c in _SPARE if c not in inputs + kernel][:count])
    inputs, outputs = (further + inputs, further + outputs) if parts["lead"] else (inputs + further, outputs + further)
    lengths: dict[str, int | None] = dict(zip(inputs, input_shape, strict=True))
    named = outputs[-len(output_shape) :] if parts["lead"] else outputs[1 : 1 + len(output_shape)]
    if len(named) != len(output_shape) or not (parts["lead"] + parts["trail"] or len(named) == len(outputs) - 1):
        raise ShapeError(f"output_shape must name the axes {outputs[1:]!r} of {equation!r}, got {tuple(output_shape)}.")
    for axis, n in zip(named, output_shape, strict=True):
        if n is None or lengths.get(axis) in (None, n):
            lengths[axis] = n if lengths.get(axis) is None else lengths[axis]
        else:
            raise ShapeError(f"Along {axis!r} of {equation!r} the outputs must be as long as the inputs {input_shape}, got {output_shape}.")
    return kernel, outputs, {**dict.fromkeys(kernel + outputs), **lengths}
