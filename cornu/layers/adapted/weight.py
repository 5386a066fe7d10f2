"""A weight that is computed from others."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from cornu import ops
from cornu.layers.adapted.stored import Held
from cornu.ops import dispatch
from cornu.ops.arguments import Array
from cornu.ops.operators import attach
from cornu.state import Tracked, Variable

__all__ = ["AdaptedWeight", "LowRank"]


class LowRank:
    """What is added to a weight: `alpha / rank * a @ b`, with a (…, rank) and b (rank, last axis).

    E. Hu et al., "LoRA: low-rank adaptation of large language models", https://arxiv.org/abs/2106.09685.
    """

    def __init__(self, a: Variable, b: Variable, scale: float) -> None:
        self.a, self.b, self.scale = a, b, scale

    def value(self) -> Array:
        """The addition."""
        return ops.multiply(ops.matmul(self.a, self.b), self.scale)


class AdaptedWeight(Tracked):
    """Stands in a layer where its weight stood, in every op; its value is computed from what is kept, and from what is added.

    Args:
        held: what is kept.
        shape: of the weight.
    """

    def __init__(self, held: Held, shape: tuple[int, ...]) -> None:
        self.held, self.shape = held, shape
        self.added: LowRank | None = None

    @property
    def value(self) -> Array:
        """The floats of the weight."""
        base = self.held.value()
        return base if self.added is None else ops.add(base, self.added.value())

    @property
    def backend(self) -> ModuleType:
        """The backend that holds what it is computed from."""
        return self.held.variables[0].backend

    @property
    def dtype(self) -> str:
        """That of the floats."""
        return ops.dtype(self.value)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def numpy(self) -> np.ndarray:
        """The floats as a NumPy array."""
        return ops.convert_to_numpy(self.value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The floats for NumPy."""
        return self.numpy() if dtype is None else self.numpy().astype(dtype)


attach(AdaptedWeight, equality=False)
dispatch.register_state(AdaptedWeight)
