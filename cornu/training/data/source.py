"""What a source of batches is to the loop."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from cornu.errors import ArgumentError, DataError
from cornu.quantities import is_whole

__all__ = ["Batch", "Batches", "check_steps", "locate", "order", "unpacked", "warn_dry"]

Batch = tuple[Any, Any, Any]
"""x, y and sample_weight, each nested as the user gave it; None where absent."""


class Batches(ABC):
    """A source of batches, epoch by epoch.

    Attributes:
        num_batches: how many batches an epoch has; None where that is not known before it ends.
        batch_size: rows in a batch, but for the last; None where the source decides.
        num_samples: rows in all; None where that is not known.
        exhausted: whether the source can give no further epoch.
    """

    num_batches: int | None = None
    batch_size: int | None = None
    num_samples: int | None = None
    exhausted: bool = False

    @abstractmethod
    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches (x, y, sample_weight) of the epoch of that number, from 0."""

    def go_on(self, number: int, step: int, *, since: int, taken: int) -> tuple[Batch | None, Iterator[Batch]]:
        """A batch, to see what they are like, and the batches of an epoch from a step on; another process has had the earlier ones.

        Nothing beyond the earlier ones is asked for before the batches are: what is random in them may come to depend on it.

        Args:
            number: the epoch.
            step: how many of its batches have been had.
            since: the epoch with which the run began.
            taken: how many batches the run has had in all.
        """
        last, stream = None, self.epoch(number)
        for last in islice(stream, step):  # noqa: B007 - any will do
            pass
        return last, stream

    def close(self) -> None:
        """Ends what runs beside the loop, such as worker threads. Nothing does by default."""
        self.exhausted = True


def check_steps(steps: int | None) -> None:
    """Raises unless the number of steps is None or a whole number above 0."""
    if steps is not None and not is_whole(steps, 1):
        raise ArgumentError(f"The number of steps must be a whole number above 0, or None for all the data, got {steps!r}.")


def order(seed: int, number: int, count: int) -> np.ndarray:
    """A permutation of `count` things that follows from the seed and the number of the pass alone (NumPy's Philox, keyed by both).

    >>> order(7, 3, 5).tolist() == order(7, 3, 5).tolist(), sorted(order(7, 4, 5).tolist())
    (True, [0, 1, 2, 3, 4])
    """
    generator = np.random.Generator(np.random.Philox(key=[seed & 0xFFFFFFFFFFFFFFFF, number]))
    return generator.permutation(count)


def warn_dry(what: str, given: int, steps: int | None) -> None:
    """Says that the data ended before the steps of an epoch were done."""
    wanted = "another epoch was asked for" if steps is None else f"an epoch was to have {steps} steps"
    warnings.warn(
        f"The {what} ran out of data after {given} batch(es) of this epoch, but {wanted}; the epoch ends here. "
        "Give a source that can be run through again (arrays, a PyDataset, a data loader), an endless generator, or fewer steps.",
        stacklevel=2,
    )


def locate(error: BaseException, what: str, index: int) -> None:
    """Gives the error a note that says which batch it comes from."""
    error.add_note(f"It comes from batch {index} of the {what}.")


def unpacked(item: Any, what: str, index: int) -> Batch:
    """x, y and sample_weight from what a source yields: x, (x,), (x, y), (x, y, sample_weight), or a list of these."""
    if not isinstance(item, (tuple, list)):
        return item, None, None
    if not 1 <= len(item) <= 3:
        raise DataError(
            f"A batch must be x, (x, y) or (x, y, sample_weight); batch {index} of the {what} is a {type(item).__name__} of {len(item)}. "
            "Put several inputs into one dict or tuple: ((a, b), y)."
        )
    return (*item, *(None,) * (3 - len(item)))
