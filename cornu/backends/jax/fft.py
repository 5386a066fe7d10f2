"""Fourier transforms in JAX."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

__all__ = ["fft", "ifft", "irfft", "rfft"]


def fft(x: Any, axes: tuple[int, ...]) -> Any:
    return jnp.fft.fftn(x, axes=axes)


def ifft(x: Any, axes: tuple[int, ...]) -> Any:
    return jnp.fft.ifftn(x, axes=axes)


def rfft(x: Any, n: int) -> Any:
    return jnp.fft.rfft(x, n)


def irfft(x: Any, n: int) -> Any:
    return jnp.fft.irfft(x, n)
