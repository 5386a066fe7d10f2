"""What a layer's call knows of the calls around it: training or not, masks, losses added on the way."""

from __future__ import annotations

import contextvars
from types import TracebackType
from typing import Any, Self

__all__ = ["CallContext", "active", "building_path", "masks_of", "policies_around"]

_active: contextvars.ContextVar[CallContext | None] = contextvars.ContextVar("cornu_call_context", default=None)
active = _active.get
"""The context of the innermost call in this thread or task, or None outside of all."""

building_path: contextvars.ContextVar[tuple[str, ...]] = contextvars.ContextVar("cornu_building_path", default=())
"""Names of the layers being built around this one, for the paths of variables."""

policies_around: contextvars.ContextVar[tuple[Any, ...]] = contextvars.ContextVar("cornu_policies_around", default=())
"""Maps of dtype policies that layers being built around this one were given, the innermost first."""


class CallContext:
    """Shared by all calls inside the outermost one, but for `training`, which a call may set for those inside it.

    Attributes:
        training: whether layers behave as in training.
        masks: for an array, by its identity, the array itself (so that the identity stays its own) and its mask.
        losses: what `add_loss` was given.
    """

    __slots__ = ("_token", "losses", "masks", "training")

    def __init__(self, training: bool | None = None, within: CallContext | None = None) -> None:
        self.training = training
        self.masks: dict[int, tuple[Any, Any]] = {} if within is None else within.masks
        self.losses: list[Any] = [] if within is None else within.losses

    def __enter__(self) -> Self:
        """Makes the context the active one."""
        self._token = _active.set(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """The context around it is active again."""
        _active.reset(self._token)

    def mask_of(self, x: Any) -> Any:
        """The mask of an array, or None."""
        found = self.masks.get(id(x))
        return None if found is None else found[1]

    def set_mask(self, x: Any, mask: Any) -> None:
        """Remembers the mask of an array."""
        self.masks[id(x)] = (x, mask)


def masks_of(context: CallContext, values: Any) -> Any:
    """The masks of an array or of a list of arrays, in the same structure; None where there are none at all."""
    if isinstance(values, (list, tuple)):
        masks = [context.mask_of(x) for x in values]
        return masks if any(m is not None for m in masks) else None
    return context.mask_of(values)
