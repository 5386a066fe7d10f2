"""Reductions over groups of slices that carry the same number.

`segment_ids` names for each slice along the first axis of `data` the segment it belongs to; slices with a number outside of
0 to `num_segments` - 1 belong to none. Without `num_segments` the largest number decides, which neither compiles nor records.
`sorted` says that the numbers ascend; it changes nothing here.
"""

from __future__ import annotations

from typing import Any

from cornu import dtypes
from cornu.errors import ShapeError
from cornu.ops.arguments import Array, array, concrete
from cornu.ops.core import cast, convert_to_tensor, where
from cornu.ops.creation import full
from cornu.ops.dispatch import composite, primitive
from cornu.ops.elementwise import greater_equal
from cornu.ops.indexing import scatter_update
from cornu.ops.shaping import expand_dims

__all__ = ["segment_max", "segment_min", "segment_prod", "segment_sum"]


@primitive
def _segments(on: Any, segment_ids: Array) -> int:
    """How many segments the numbers name, as a Python number."""
    return int(concrete(on, array(on, segment_ids), "segment").max(initial=-1)) + 1


def _segmented(data: Array, segment_ids: Array, count: int | None, start: float, reduction: str) -> Array:
    data, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
    if ids.ndim != 1 or not data.ndim or data.shape[0] != ids.shape[0]:
        raise ShapeError(f"Segment numbers are a vector with one for each slice of data, got {tuple(ids.shape)} for {tuple(data.shape)}.")
    count = _segments(ids) if count is None else int(count)
    blank = full((count, *data.shape[1:]), start, data.dtype)
    ids = where(greater_equal(ids, 0), cast(ids, "int32"), count)  # a negative number is no position from the end here
    return scatter_update(blank, expand_dims(ids, 1), data, reduction)


def _limits(data: Array) -> tuple[float, float]:
    """What no number of the dtype is below or above."""
    name = dtypes.standardize(convert_to_tensor(data).dtype)
    return (float("-inf"), float("inf")) if dtypes.is_floating(name) else dtypes.limits(name)


@composite
def segment_sum(data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False) -> Array:
    """The sum of each segment, 0 of an empty one.

    >>> segment_sum([1, 2, 4], [0, 0, 2], 3).tolist()
    [3, 0, 4]
    """
    return _segmented(data, segment_ids, num_segments, 0, "add")


@composite
def segment_prod(data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False) -> Array:
    """The product of each segment, 1 of an empty one.

    >>> segment_prod([3, 2, 4], [0, 0, 2], 3).tolist()
    [6, 1, 4]
    """
    return _segmented(data, segment_ids, num_segments, 1, "mul")


@composite
def segment_max(data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False) -> Array:
    """The largest of each segment, -inf (the least integer) of an empty one.

    >>> segment_max([1.0, 2.0, 4.0], [0, 0, 2], 3).tolist()
    [2.0, -inf, 4.0]
    """
    return _segmented(data, segment_ids, num_segments, _limits(data)[0], "max")


@composite
def segment_min(data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False) -> Array:
    """The smallest of each segment, inf (the largest integer) of an empty one.

    >>> segment_min([1.0, 2.0, 4.0], [0, 0, 2], 3).tolist()
    [1.0, inf, 4.0]
    """
    return _segmented(data, segment_ids, num_segments, _limits(data)[1], "min")
