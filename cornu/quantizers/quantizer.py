"""Quantisers as objects that a configuration can hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import dtypes
from cornu.configurable import Configurable
from cornu.errors import ArgumentError
from cornu.ops.arguments import Array
from cornu.quantizers.rounding import abs_max_quantize
from cornu.registry import QUANTIZERS

__all__ = ["AbsMaxQuantizer", "Quantizer"]


class Quantizer(Configurable):
    """The base of quantisers: called on floats, one gives what stands for them. This one changes nothing.

    Args:
        output_dtype: that of what it gives.

    >>> Quantizer()(1.5)
    1.5
    """

    def __init__(self, output_dtype: str = "int8") -> None:
        self.output_dtype = dtypes.standardize(output_dtype) if output_dtype != "int4" else output_dtype

    def __call__(self, x: Array) -> Any:
        """What stands for the floats."""
        return x


class AbsMaxQuantizer(Quantizer):
    """Whole numbers such that the largest magnitude becomes the end of the range; see `abs_max_quantize`.

    Args:
        axis: the axes over which the maximum is taken; None leaves that to each call.
        value_range: the smallest and the largest whole number.
        epsilon: keeps the scale finite where all is 0.
        output_dtype: the dtype of the whole numbers.

    >>> whole, scale = AbsMaxQuantizer(axis=-1)([[0.5, -2.0]])
    >>> whole.tolist()
    [[32, -127]]
    """

    def __init__(
        self,
        axis: int | Sequence[int] | None = None,
        value_range: Sequence[int] = (-127, 127),
        epsilon: float = 1e-7,
        output_dtype: str = "int8",
    ) -> None:
        super().__init__(output_dtype)
        if len(value_range) != 2 or not value_range[0] < value_range[1]:
            raise ArgumentError(f"value_range must be the smallest and the largest whole number, got {value_range!r}.")
        self.axis = None if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.value_range = tuple(value_range)
        self.epsilon = epsilon

    def __call__(self, x: Array, axis: int | Sequence[int] | None = None, to_numpy: bool = False) -> tuple[Array, Array]:
        """The whole numbers and their scale. `axis` comes before the quantiser's own."""
        dtype = "int8" if self.output_dtype == "int4" else self.output_dtype
        return abs_max_quantize(x, self.axis if axis is None else axis, self.value_range, dtype, self.epsilon, to_numpy)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; the axis only where there is one."""
        config = super().get_config()
        return config if self.axis is not None else {name: value for name, value in config.items() if name != "axis"}


QUANTIZERS.add(Quantizer)
QUANTIZERS.add(AbsMaxQuantizer)
