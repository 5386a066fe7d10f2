"""Weights and activations in few bits."""

from __future__ import annotations

from typing import Any

from cornu import serialization
from cornu.errors import ArgumentError
from cornu.quantizers.configs import (
    AWQConfig,
    Float8QuantizationConfig,
    GPTQConfig,
    Int4QuantizationConfig,
    Int8QuantizationConfig,
    QuantizationConfig,
)
from cornu.quantizers.float8 import compute_float8_amax_history, compute_float8_scale, quantize_and_dequantize
from cornu.quantizers.packing import pack_int4, unpack_int4
from cornu.quantizers.quantizer import AbsMaxQuantizer, Quantizer
from cornu.quantizers.rounding import abs_max_quantize, abs_max_quantize_grouped_with_zero_point, fake_quant_with_min_max_vars
from cornu.registry import QUANTIZERS

__all__ = [
    "AWQConfig",
    "AbsMaxQuantizer",
    "Float8QuantizationConfig",
    "GPTQConfig",
    "Int4QuantizationConfig",
    "Int8QuantizationConfig",
    "QuantizationConfig",
    "Quantizer",
    "abs_max_quantize",
    "abs_max_quantize_grouped_with_zero_point",
    "compute_float8_amax_history",
    "compute_float8_scale",
    "deserialize",
    "fake_quant_with_min_max_vars",
    "get",
    "pack_int4",
    "quantize_and_dequantize",
    "serialize",
    "unpack_int4",
]


def get(identifier: Any, **kwargs: Any) -> Any:
    """The quantiser that a name, a configuration, a class or a callable stands for; None for None.

    Args:
        identifier: what stands for it.
        kwargs: arguments for the constructor, where it is a name or a class.

    >>> get("abs_max_quantizer", axis=-1).axis
    (-1,)
    """
    if not kwargs:
        return QUANTIZERS.get(identifier)
    made = QUANTIZERS.lookup(identifier) if isinstance(identifier, str) else identifier
    if not isinstance(made, type):
        raise ArgumentError(f"Arguments go with a name or a class, got {identifier!r} with {kwargs}.")
    return made(**kwargs)


def serialize(initializer: Any) -> dict[str, Any]:
    """A configuration from which `deserialize` makes an equal quantiser."""
    return serialization.serialize(initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The quantiser that a configuration or a name stands for.

    Args:
        config: what `serialize` gave, or a name.
        custom_objects: the user's own classes and functions by name.
    """
    return serialization.deserialize(config, custom_objects, QUANTIZERS)
