"""Fourier transforms in PyTorch."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["fft", "ifft", "irfft", "rfft"]


def fft(x: Any, axes: tuple[int, ...]) -> Any:
    return torch.fft.fftn(x, dim=axes)


def ifft(x: Any, axes: tuple[int, ...]) -> Any:
    return torch.fft.ifftn(x, dim=axes)


def rfft(x: Any, n: int) -> Any:
    return torch.fft.rfft(x, n)


def irfft(x: Any, n: int) -> Any:
    return torch.fft.irfft(x, n)
