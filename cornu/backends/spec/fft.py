"""Shapes of Fourier transforms."""

from __future__ import annotations

from cornu import dtypes
from cornu.backends.spec.tensor_spec import TensorSpec

__all__ = ["fft", "ifft", "irfft", "rfft"]


def fft(x: TensorSpec, axes: tuple[int, ...]) -> TensorSpec:
    """The shape is kept."""
    return x


ifft = fft


def rfft(x: TensorSpec, n: int) -> TensorSpec:
    """Half of the elements, and the one in the middle."""
    return TensorSpec((*x.shape[:-1], n // 2 + 1), "complex128" if x.dtype == "float64" else "complex64")


def irfft(x: TensorSpec, n: int) -> TensorSpec:
    """As many real numbers as asked for."""
    return TensorSpec((*x.shape[:-1], n), dtypes.real_part(x.dtype))
