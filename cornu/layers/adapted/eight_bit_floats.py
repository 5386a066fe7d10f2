"""Products in floats of eight bits, for training: e4m3 forwards, e5m2 for gradients.

P. Micikevicius et al., "FP8 formats for deep learning", https://arxiv.org/abs/2209.05433.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu import ops
from cornu.layers.adapted.axes import Letters
from cornu.ops.arguments import Array
from cornu.ops.derivatives import custom_gradient
from cornu.quantizers.float8 import FLOAT8_MAX, compute_float8_amax_history, compute_float8_scale, quantize_and_dequantize
from cornu.state import Tracked, Variable

__all__ = ["EightBitFloats"]

FORWARD, BACKWARD = "float8_e4m3fn", "float8_e5m2"


class EightBitFloats(Tracked):
    """The product of a layer's inputs and kernel, both rounded to e4m3, with gradients rounded to e5m2.

    Each of the three has a scale, which follows the largest magnitude of the last steps. Scales and histories are weights whose "gradient" is
    their new value, so that training moves them on, and nothing else does.

    Args:
        layer: the built layer; it gets the six weights.
        length: how many steps are looked back on.
    """

    def __init__(self, layer: Any, length: int) -> None:
        self._layer = layer
        self.inputs, self.kernel, self.gradients = (self._pair(name, length) for name in ("inputs", "kernel", "outputs_grad"))

    def _pair(self, name: str, length: int) -> tuple[Variable, Variable]:
        """Scale and history."""
        scale, history = (
            self._layer.add_weight(shape, start, "float32", autocast=False, overwrite_with_gradient=True, name=f"{name}_{part}")
            for part, shape, start in (("scale", (), "ones"), ("amax_history", (length,), "zeros"))
        )
        return scale, history

    def product(self, x: Array, letters: Letters) -> Array:
        """The product."""
        kernel = ops.cast(self._layer.kernel.value, ops.dtype(x))
        sums = ops.einsum("{},{}->{}".format(*letters), _forwards(x, *self.inputs), _forwards(kernel, *self.kernel))
        result: Array = _backwards(sums, *self.gradients)
        return result


def _rounded(x: Array, scale: Array, history: Array, kind: str) -> tuple[Array, Array, Array]:
    """What is left of the numbers, the scale that the history asks for in the next step, and the history with these numbers in front."""
    new = compute_float8_scale(ops.max(history), scale, FLOAT8_MAX[kind])
    return quantize_and_dequantize(x, scale, kind, ops.dtype(x)), new, compute_float8_amax_history(x, history)


@custom_gradient
def _forwards(x: Array, scale: Array, history: Array) -> tuple[Array, Callable[[Array], tuple[Array, Array, Array]]]:
    """Numbers rounded on the way forwards; their gradient goes through as it is."""
    left, new_scale, new_history = _rounded(x, scale, history, FORWARD)
    return left, lambda upstream: (upstream, new_scale, new_history)


@custom_gradient
def _backwards(x: Array, scale: Array, history: Array) -> tuple[Array, Callable[[Array], tuple[Array, Array, Array]]]:
    """Numbers as they are; their gradient is rounded on the way back."""
    return x, lambda upstream: _rounded(upstream, scale, history, BACKWARD)
