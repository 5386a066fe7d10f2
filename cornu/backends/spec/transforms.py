"""Shapes of derivatives: those of what is differentiated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cornu.backends.spec.tensor_spec import TensorSpec

__all__ = ["custom_gradient", "jvp", "remat", "vjp"]


def vjp(fn: Callable[..., Any], primals: Sequence[TensorSpec]) -> tuple[Any, Callable[[Any], list[TensorSpec]], Any]:
    """Gradients have the shapes of the primals."""
    outputs, aux = fn(list(primals))
    return outputs, lambda _: list(primals), aux


def jvp(fn: Callable[..., Any], primals: Sequence[TensorSpec], tangents: Sequence[TensorSpec]) -> tuple[Any, Any, Any]:
    """Tangents have the shapes of the outputs."""
    outputs, aux = fn(list(primals))
    return outputs, outputs, aux


def custom_gradient(fn: Callable[..., Any], args: Sequence[TensorSpec]) -> Any:
    """What the function gives."""
    return fn(list(args))[0]


def remat(fn: Callable[..., Any], args: Sequence[TensorSpec]) -> Any:
    """What the function gives."""
    return fn(list(args))
