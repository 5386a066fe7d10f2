"""What a layer that is quantised or adapted holds beside its own attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu import ops
from cornu.errors import ShapeError
from cornu.layers.adapted.axes import Letters, aligned, whole_product
from cornu.layers.adapted.eight_bit_floats import EightBitFloats
from cornu.layers.adapted.stored import Place, WholeNumbers
from cornu.layers.adapted.weight import AdaptedWeight
from cornu.ops.arguments import Array
from cornu.ops.derivatives import custom_gradient
from cornu.quantizers import AbsMaxQuantizer
from cornu.state import Tracked, Variable

if TYPE_CHECKING:
    from cornu.layers.layer import Layer

__all__ = ["Adaptable", "Adaptation"]


class Adaptable:
    """Which weights of a layer class can be adapted, and how they enter its computation.

    Args:
        name: the attribute of the weight that a low-rank addition goes to.
        places: the places of all weights that are quantised, of a built layer; none where the class is not quantised.
        product: whether the layer is `activation(product(inputs, weight) + bias)`, so that the product can be another than that of floats.
    """

    def __init__(self, name: str, places: Callable[[Any], list[Place]] | None = None, *, product: bool = False) -> None:
        self.name, self.places, self.product = name, places, product


class Adaptation(Tracked):
    """The adapted weights of a layer: their variables in files, and the product where it is none of floats."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self.weights: dict[str, AdaptedWeight] = {}
        self.inputs_quantizer: AbsMaxQuantizer | None = None
        self.eight_bit_floats: EightBitFloats | None = None

    @property
    def empty(self) -> bool:
        """Whether the layer is what it was before."""
        return not self.weights and self.eight_bit_floats is None

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The layer's call; where its inputs are quantised too, with a product of whole numbers or of floats of eight bits."""
        if self.inputs_quantizer is None and self.eight_bit_floats is None:
            return self._layer.call(*args, **kwargs)
        layer: Any = self._layer
        sums = self._product(args[0] if args else kwargs["inputs"])
        if layer.bias is not None:
            sums = ops.add(sums, layer.bias)
        return layer.activation(sums)

    def _product(self, x: Array) -> Array:
        letters = Letters.of(layer_equation(self._layer), len(x.shape))
        if self.eight_bit_floats is not None:
            return self.eight_bit_floats.product(x, letters)
        weight = self.weights["kernel"]
        sums = _straight_through(x, weight.held, letters, self.inputs_quantizer)
        if weight.added is None:
            return sums
        return ops.add(sums, ops.einsum("{},{}->{}".format(*letters), x, weight.added.value()))

    # --- files --------------------------------------------------------------------------------------------------------

    def _variables(self) -> list[list[Variable]]:
        """For each weight, what files hold of it; the bias stands behind the first, or before it."""
        bias = getattr(self._layer, "bias", None)
        beside = [] if bias is None else [bias]
        groups = []
        for weight in self.weights.values():
            first = 0 if weight.held.bias_first else 1
            groups.append([*weight.held.variables[:first], *beside, *weight.held.variables[first:]])
        return groups

    def _others(self) -> list[Variable]:
        """The layer's further weights, which no adaptation touches."""
        known = {id(v) for group in self._variables() for v in group}
        added = {id(v) for w in self.weights.values() if w.added is not None for v in (w.added.a, w.added.b)}
        return [v for v in self._layer._made_variables_ if id(v) not in known | added]

    def save(self, store: dict[str, Any]) -> None:
        """Puts the weights into `store`, low-rank additions merged into them."""
        values: dict[int, Any] = {}
        for weight in self.weights.values():
            if weight.added is not None:
                values |= {id(v): a for v, a in zip(weight.held.variables, weight.held.arrays(weight.value), strict=True)}
        ordered = [v for group in self._variables() for v in group] + self._others()
        for i, variable in enumerate(ordered):
            store[str(i)] = ops.convert_to_numpy(values.get(id(variable), variable.value))

    def load(self, store: Mapping[str, Any]) -> None:
        """Takes the weights from `store`; low-rank additions begin anew. Nothing is changed unless all fit."""
        ordered = [v for group in self._variables() for v in group] + self._others()
        if len(store) != len(ordered):
            raise ShapeError(f"Layer {self._layer.name!r} has {len(ordered)} weights in files, and the file holds {len(store)}.")
        for i, variable in enumerate(ordered):
            found = store[str(i)]
            if tuple(found.shape) != variable.shape or _other_kind(str(found.dtype), variable.dtype):
                raise ShapeError(
                    f"Weight {variable.path!r} has the shape {variable.shape} and the dtype {variable.dtype}, and the file holds "
                    f"{tuple(found.shape)} of {found.dtype}."
                )
        for i, variable in enumerate(ordered):
            variable.assign(store[str(i)])
        for weight in self.weights.values():
            if weight.added is not None:
                weight.added.b.assign(np.zeros(weight.added.b.shape, "float32"))


def _other_kind(found: str, wanted: str) -> bool:
    """Whether one is of whole numbers and the other is not the same."""
    return found != wanted and "int" in found + wanted


def layer_equation(layer: Any) -> str:
    """The product of inputs and kernel as an equation of axes."""
    return str(getattr(layer, "equation", "...y,yz->...z"))


def _straight_through(x: Array, held: Any, letters: Letters, quantizer: AbsMaxQuantizer | None) -> Array:
    """The product in whole numbers; its gradient is that of the product with the floats that the whole numbers stand for."""
    if not isinstance(held, WholeNumbers) or quantizer is None:
        return ops.einsum("{},{}->{}".format(*letters), x, held.value())

    @custom_gradient
    def product(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        axes = [i for i, c in enumerate(letters.inputs) if c not in letters.outputs]
        whole, scale = quantizer(x, axis=axes)
        sums = ops.cast(whole_product(whole, held.whole(), letters), ops.dtype(scale))
        by = ops.multiply(aligned(scale, letters.inputs, letters.outputs), aligned(held.scale(), letters.kernel, letters.outputs))

        def rule(upstream: Array) -> Array:
            return ops.einsum(f"{letters.outputs},{letters.kernel}->{letters.inputs}", upstream, held.value())

        return ops.divide(sums, by), rule

    result: Array = product(x)
    return result
