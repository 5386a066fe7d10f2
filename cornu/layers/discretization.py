"""Numbers sorted into bins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np

from cornu import ops
from cornu.errors import ArgumentError, DataError, NotBuiltError
from cornu.layers.categories import Categorical, check_mode
from cornu.layers.texts import batches
from cornu.ops.arguments import Array
from cornu.registry import LAYERS

__all__ = ["Discretization"]

Summary = tuple[np.ndarray, np.ndarray]
"""Values in rising order, and how many numbers each stands for."""


def _compressed(values: np.ndarray, weights: np.ndarray, epsilon: float) -> Summary:
    """At most 1 / epsilon values, which stand for equally many numbers each: those at the upper ends of equal shares."""
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    places = max(1, round(1 / epsilon))
    if len(values) <= places:
        return values, weights
    ranks = np.cumsum(weights)
    ends = ranks[-1] * np.arange(1, places + 1) / places
    chosen = np.minimum(np.searchsorted(ranks, ends * (1 - 1e-12)), len(values) - 1)
    return values[chosen], np.full(places, ranks[-1] / places)


@LAYERS.add
class Discretization(Categorical):
    """The number of the bin that each number lies in: bin i holds boundaries[i - 1] <= x < boundaries[i].

    Args:
        bin_boundaries: where one bin ends and the next begins, rising; n boundaries make n + 1 bins.
        num_bins: in place of boundaries, how many bins `adapt` makes of equally many numbers each (fewer where values repeat).
        epsilon: how far, as a share of all numbers, such a boundary may be off; the summary of the data has 1 / epsilon values.
        output_mode: "int"; "one_hot", "multi_hot" or "count" as for CategoryEncoding.
        sparse: must be False; arrays are dense.
        dtype, name: as for every layer.

    Shapes: any to the same, or with a place for each bin at the end. NaN goes to the last bin. No weights: boundaries found by `adapt` are
    part of the configuration.

    >>> Discretization([0.0, 1.0])([[-1.5, 0.0, 0.5, 3.0]]).tolist()
    [[0, 1, 1, 2]]
    """

    _config_omits_ = ("trainable",)
    _summary: Summary

    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dtype=dtype, name=name, **kwargs)
        if bin_boundaries is None and (num_bins is None or num_bins < 1):
            raise ArgumentError(f"Discretization needs bin_boundaries, or num_bins of at least 1 and `adapt(data)`; got {num_bins=}.")
        if not 0 < epsilon < 1:
            raise ArgumentError(f"epsilon must be between 0 and 1, got {epsilon!r}.")
        self.num_bins, self.epsilon, self.sparse = num_bins, epsilon, sparse
        self.output_mode = check_mode("Discretization", output_mode, ("int", "one_hot", "multi_hot", "count"), sparse)
        self.bin_boundaries = None if bin_boundaries is None else [float(v) for v in bin_boundaries]
        if self.bin_boundaries != (None if self.bin_boundaries is None else sorted(self.bin_boundaries)):
            raise ArgumentError(f"bin_boundaries must rise, got {list(bin_boundaries or ())}.")
        self.reset_state()

    @property
    def is_given(self) -> bool:
        """Whether it was given its boundaries, so that `adapt` has nothing to find."""
        return self.num_bins is None

    @property
    def needs_adapting(self) -> bool:
        """Whether it has no boundaries as yet."""
        return self.bin_boundaries is None

    @property
    def output_dtype(self) -> str:
        """int32 for bins' numbers, as few as they are, else the layer's."""
        return "int32" if self.output_mode == "int" else super().output_dtype

    @property
    def depth(self) -> int:
        """The number of bins."""
        return len(self._boundaries()) + 1

    def _boundaries(self) -> list[float]:
        if self.bin_boundaries is None:
            raise NotBuiltError(f"{self.name!r} has no boundaries yet. Call `adapt(data)`, or give bin_boundaries.")
        return self.bin_boundaries

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Finds the boundaries between bins of equally many numbers; what was found before is forgotten.

        Args:
            data: an array or list, or an iterable of batches (a generator, a PyDataset, a tf.data.Dataset), without targets.
            steps: how many batches to look at; all by default.
        """
        self.reset_state()
        for batch in batches(data, steps, self.name):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Adds numbers to the summary."""
        if self.num_bins is None:
            raise ArgumentError(f"{self.name!r} was given its bin_boundaries, so it cannot adapt. Make it with num_bins.")
        new = np.asarray(ops.convert_to_numpy(data), "float64").ravel()
        values, weights = self._summary
        self._summary = _compressed(np.concatenate([values, new]), np.concatenate([weights, np.ones(len(new))]), self.epsilon)

    def merge_state(self, layers: Iterable[Self]) -> None:
        """Adds what other such layers have looked at, and finds the boundaries anew."""
        summaries = [self._summary, *(layer._summary for layer in layers)]
        values, weights = (np.concatenate(part) for part in zip(*summaries, strict=True))
        self._summary = _compressed(values, weights, self.epsilon)
        self.finalize_state()

    def finalize_state(self) -> None:
        """Makes boundaries of the summary: its quantiles, by linear interpolation."""
        if self.num_bins is None:
            return
        values, weights = self._summary
        if not len(values):
            raise DataError(f"adapt of {self.name!r} needs at least one number, got none.")
        ranks = np.cumsum(weights) / weights.sum()
        shares = np.arange(1, self.num_bins) / self.num_bins
        self.bin_boundaries = np.unique(np.interp(shares, ranks, values).astype("float32")).tolist()

    def reset_state(self) -> None:
        """Forgets the numbers that were looked at."""
        self._summary = (np.zeros(0), np.zeros(0))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the policy by its name."""
        return {**super().get_config(), "dtype": self.dtype_policy.name}

    def call(self, inputs: Array) -> Array:
        """The bins."""
        boundaries = np.asarray(self._boundaries(), "float32")
        if isinstance(inputs, np.ndarray):
            return self._encode(np.digitize(inputs, boundaries))
        return self._encode(ops.digitize(ops.cast(inputs, "float32"), boundaries))
