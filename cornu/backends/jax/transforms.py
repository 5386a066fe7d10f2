"""Derivatives of functions of arrays in JAX. Functions here take and give flat lists of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from cornu.backends.jax.forward_mode import forwards

__all__ = ["custom_gradient", "jvp", "remat", "vjp"]

Flat = Callable[..., Any]


def vjp(fn: Flat, primals: Sequence[Any]) -> tuple[Any, Callable[[list[Any]], list[Any]], Any]:
    outputs, pullback, aux = jax.vjp(lambda *xs: fn(list(xs)), *primals, has_aux=True)
    return outputs, lambda cotangents: list(pullback(cotangents)), aux


def jvp(fn: Flat, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any, Any]:
    with forwards():
        return jax.jvp(lambda *xs: fn(list(xs)), tuple(primals), tuple(tangents), has_aux=True)


def custom_gradient(fn: Flat, args: Sequence[Any]) -> Any:
    def with_rule(*xs: Any) -> tuple[Any, Callable[[Any], Any]]:
        outputs, pullback = fn(list(xs))
        return outputs, lambda upstream: tuple(pullback(upstream))

    return jax.custom_gradient(with_rule)(*args)


def remat(fn: Flat, args: Sequence[Any]) -> Any:
    return jax.checkpoint(lambda *xs: fn(list(xs)))(*args)
