"""Whether a model's steps do the same each time, so that a recording of one may stand for the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cornu.layers import tracking
from cornu.ops.dispatch import is_array

if TYPE_CHECKING:
    from cornu.training.stepping import Stepping

__all__ = ["is_ours", "is_replayable"]

_MOST_LAYERS = 64
"""Beyond this many layers the Python between kernels is a small part of a step, and recording one takes long."""


def is_replayable(model: Stepping) -> bool:
    """Whether all code in a step is Cornu's own, which does the same for the same shapes; code of users may look at the clock, draw lots or print."""
    if getattr(model, "run_eagerly", False) or getattr(model, "jit_compile", "auto") is False:
        return False
    if getattr(model, "jit_compile", "auto") is True:  # asked for, as on backends that always compile
        return True
    layers = list(tracking.walk(model))
    if len(layers) > _MOST_LAYERS:
        return False
    return all(is_ours(part) for part in (*layers, *_settled(model)))


def _settled(model: Stepping) -> Iterable[Any]:
    """Losses and metrics of a compiled model."""
    objective = model._objective_
    return [*([] if objective is None else objective.losses), *(model.metrics if model.compiled else [])]


def is_ours(part: Any) -> bool:
    """Whether the object's class, and every function and object in its attributes, is defined in this package."""
    if part is None:
        return True
    if not _from_here(type(part)):
        return False
    return all(_from_here(value) for value in vars(part).values() if callable(value) and not is_array(value))


def _from_here(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "") or type(thing).__module__).partition(".")[0] == "cornu"
