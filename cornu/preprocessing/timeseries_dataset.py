"""Data sets of windows over a series."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.errors import ArgumentError, DataError
from cornu.preprocessing.dataset import Dataset
from cornu.preprocessing.rows import WindowRows

__all__ = ["timeseries_dataset_from_array"]


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> Any:
    """A data set of windows over a series, each with a target.

    A window that begins at step s is `data[s], data[s + r], …`, `sequence_length` steps with r = `sampling_rate`; its target is `targets[s]`: to learn to
    foresee, shift the targets. s runs from `start_index` in steps of `sequence_stride`, as long as the window ends before `end_index`.

    Args:
        data: (steps, …).
        targets: by the windows' first steps; None for windows alone.
        sequence_length: steps in a window.
        sequence_stride: steps from one window to the next.
        sampling_rate: steps from one of a window to its next.
        batch_size: windows in a batch; None gives single windows.
        shuffle: whether each pass has an order of its own.
        seed: what the orders follow from.
        start_index, end_index: the steps in use; all by default.
        format: as for `image_dataset_from_directory`.

    Raises:
        ArgumentError: a number is outside the data.
        DataError: no window fits into the data.

    >>> series = timeseries_dataset_from_array(np.arange(6), np.arange(6) + 3, sequence_length=3)
    >>> for x, y in series:
    ...     print(x.tolist(), y.tolist())
    [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]] [3, 4, 5, 6]
    """
    data, targets = np.asarray(data), None if targets is None else np.asarray(targets)
    for name, number in (("sequence_length", sequence_length), ("sequence_stride", sequence_stride), ("sampling_rate", sampling_rate)):
        if not 1 <= number <= max(1, len(data)):
            raise ArgumentError(f"{name} must be a whole number from 1 to the length of the data, {len(data)}, got {number!r}.")
    first, end = start_index or 0, len(data) if end_index is None else end_index
    if not 0 <= first < end <= len(data):
        raise ArgumentError(
            f"start_index and end_index must be 0 ≤ start < end ≤ {len(data)}, the length of the data, got {start_index!r} and {end_index!r}."
        )
    stop = end - (sequence_length - 1) * sampling_rate
    if targets is not None:
        stop = min(stop, len(targets))
    starts = np.arange(first, stop, sequence_stride)
    if not len(starts):
        raise DataError(
            f"At least one window must fit, got windows over {(sequence_length - 1) * sampling_rate + 1} steps and {end - first} step(s) of data"
            + ("." if targets is None else f" with {len(targets)} target(s).")
        )
    rows = WindowRows(data, targets, starts, length=sequence_length, rate=sampling_rate)
    return Dataset(rows, batch_size, shuffle, seed, workers=1).to(format)
