"""Shapes of images brought to another size: no weights are made for lengths that are only stand-ins."""

from __future__ import annotations

from cornu.backends.spec.tensor_spec import TensorSpec

__all__ = ["resample_axis"]


def resample_axis(x: TensorSpec, axis: int, wanted: int, kernel: str, antialias: bool) -> TensorSpec:
    """The axis has the new length."""
    return TensorSpec((*x.shape[:axis], wanted, *x.shape[axis + 1 :]), x.dtype)
