"""What a layer demands of the shape and dtype of its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cornu import dtypes, tree
from cornu.errors import DTypeError, ShapeError

__all__ = ["InputSpec", "check"]


class InputSpec:
    """Conditions on one input; each may be left open.

    Args:
        dtype: the dtype.
        shape: the whole shape, None for any length.
        ndim, max_ndim, min_ndim: the number of axes.
        axes: lengths by axis.
        allow_last_axis_squeeze: a missing or extra last axis of length 1 is accepted.
        name: the key in a dict of inputs.
        optional: the input may be None.
    """

    def __init__(
        self,
        dtype: str | None = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = None if dtype is None else dtypes.standardize(dtype)
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.axes = dict(axes or {})
        self.allow_last_axis_squeeze, self.name, self.optional = allow_last_axis_squeeze, name, optional

    def __repr__(self) -> str:
        wanted = {k: v for k, v in vars(self).items() if v not in (None, False, {})}
        return f"InputSpec({', '.join(f'{k}={v}' for k, v in wanted.items())})"


def check(specs: Any, inputs: Any, layer: str) -> None:
    """Raises where the inputs break a condition."""
    wanted, given = tree.flatten(specs), tree.flatten(inputs)
    if isinstance(specs, dict) and isinstance(inputs, dict):
        wanted, given = list(specs.values()), [inputs.get(name) for name in specs]
    if len(wanted) != len(given):
        raise ShapeError(f"Layer {layer!r} takes {len(wanted)} inputs, got {len(given)}.")
    for one, x in zip(wanted, given, strict=True):
        if isinstance(one, InputSpec) and not (x is None and one.optional):
            _check_one(one, x, layer)


def _check_one(wanted: InputSpec, x: Any, layer: str) -> None:
    if not hasattr(x, "shape"):
        return
    shape = tuple(x.shape)
    if wanted.allow_last_axis_squeeze and wanted.ndim is not None and abs(len(shape) - wanted.ndim) == 1:
        shape = shape[:-1] if len(shape) > wanted.ndim and shape[-1] == 1 else (*shape, 1)
    rank = len(shape)
    if (
        (wanted.ndim is not None and rank != wanted.ndim)
        or (wanted.max_ndim is not None and rank > wanted.max_ndim)
        or (wanted.min_ndim is not None and rank < wanted.min_ndim)
    ):
        raise ShapeError(
            f"Layer {layer!r} takes inputs with {_rank_wanted(wanted)} axes, the batch included, got the shape {tuple(x.shape)}. {_mend(wanted, rank)}"
        )
    lengths = dict(enumerate(wanted.shape)) if wanted.shape is not None else wanted.axes
    for axis, length in lengths.items():
        if length is not None and shape[axis] not in (length, None):
            where = "last axis" if axis in (-1, rank - 1) else f"axis {axis}"
            raise ShapeError(
                f"Layer {layer!r} takes inputs whose {where} has length {length}, got the shape {tuple(x.shape)}. "
                f"Give data with {length} there, or build the model for {shape[axis]}."
            )
    if wanted.dtype is not None and dtypes.standardize(x.dtype) != wanted.dtype:
        raise DTypeError(f"Layer {layer!r} takes inputs of dtype {wanted.dtype}, got {dtypes.standardize(x.dtype)}.")


def _rank_wanted(wanted: InputSpec) -> str:
    if wanted.ndim is not None:
        return str(wanted.ndim)
    return f"at least {wanted.min_ndim}" if wanted.min_ndim is not None else f"at most {wanted.max_ndim}"


def _mend(wanted: InputSpec, rank: int) -> str:
    least = wanted.ndim or wanted.min_ndim or 0
    if rank == least - 1 == 2:
        return (
            "It is (batch, steps, features): `x[..., None]` adds an axis of one feature, `x[None]` a batch of one; "
            "a recurrent layer before it keeps its steps with return_sequences=True."
        )
    if rank == least - 1:
        return "Add the missing axis: `x[..., None]` for a channel or feature axis, `x[None]` for a batch of one."
    return "Reshape the data, or put a Reshape or Flatten layer before."
