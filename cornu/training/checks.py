"""What must hold between data, outputs and losses, checked before any weight moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cornu.training.objective import CompiledLoss
    from cornu.training.trainer import Trainer

__all__ = ["check_arrays", "check_batch", "check_targets"]


def check_batch(model: Trainer, x: Any, y: Any, y_pred: Any) -> None:
    """Raises where one batch's arrays do not fit together."""


def check_targets(objective: CompiledLoss | None, names: Sequence[str], outputs: Sequence[Any], targets: Sequence[Any]) -> None:
    """Raises where targets cannot be what an output's loss compares it with."""


def check_arrays(model: Trainer, x: Any, y: Any) -> None:
    """Raises where labels or ids in whole arrays are out of range."""
