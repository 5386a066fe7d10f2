"""What a layer's call knows of the calls around it: training or not, masks, losses added on the way."""

from __future__ import annotations

import contextvars
import weakref
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

from cornu import tree
from cornu.backends.spec import TensorSpec
from cornu.graph.symbolic import combined
from cornu.ops.dispatch import notice_elementwise

__all__ = [
    "CallContext", "active", "add_loss", "building_path", "forget_losses", "keep_losses", "keep_masks", "kept_losses", "kept_masks", "losses_of",
    "masks_of", "on_shapes", "policies_around", "recall_masks", "rows_counted",
]  # fmt: skip

_active: contextvars.ContextVar[CallContext | None] = contextvars.ContextVar("cornu_call_context", default=None)
active = _active.get
"""The context of the innermost call in this thread or task, or None outside of all."""

building_path: contextvars.ContextVar[tuple[str, ...]] = contextvars.ContextVar("cornu_building_path", default=())
"""Names of the layers being built around this one, for the paths of variables."""

policies_around: contextvars.ContextVar[tuple[Any, ...]] = contextvars.ContextVar("cornu_policies_around", default=())
"""Maps of dtype policies that layers being built around this one were given, the innermost first."""

kept_masks: dict[int, tuple[weakref.ref[Any], Any]] = {}
"""For what outermost calls gave, by its identity and for as long as it lives: its mask, which the next outermost call may want."""

kept_losses: dict[int, tuple[weakref.ref[Any], list[Any]]] = {}
"""For layers that added losses in the last outermost call around them, by identity: those losses."""


class CallContext:
    """Shared by all calls inside the outermost one, but for `training`, which a call may set for those inside it.

    Attributes:
        training: whether layers behave as in training.
        rows: how many rows of the batch count, where others were added to fill it up; None where all do.
        masks: for an array, by its identity, the array itself (so that the identity stays its own), its mask, and whether an op handed that on.
        losses: what was added, each with the layer that added it.
    """

    __slots__ = ("_token", "losses", "masks", "rows", "training")

    def __init__(self, training: bool | None = None, within: CallContext | None = None, rows: Any = None) -> None:
        self.training, self.rows = training, rows
        self.masks: dict[int, tuple[Any, Any, bool]] = {} if within is None else within.masks
        self.losses: list[tuple[Any, Any]] = [] if within is None else within.losses

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

    def set_mask(self, x: Any, mask: Any, *, by_op: bool = False) -> None:
        """Remembers the mask of an array; from the first mask of all on, ops that work by element hand masks on."""
        self.masks[id(x)] = (x, mask, by_op)
        notice_elementwise(_hand_on)

    def forget_masks_by_ops(self, values: Any) -> None:
        """Forgets the masks that ops handed on to these arrays."""
        for x in tree.flatten(values):
            if id(x) in self.masks and self.masks[id(x)][2]:
                del self.masks[id(x)]


def _hand_on(arguments: Iterable[Any], result: Any) -> None:
    """Gives what an op made of masked arrays their mask: where all of those hold that fit it."""
    around = _active.get()
    if around is None or not around.masks or id(result) in around.masks:
        return
    found = [around.masks[id(x)][1] for x in arguments if id(x) in around.masks]
    masks = [mask for mask in found if tuple(mask.shape) == tuple(result.shape[: len(mask.shape)])]
    if masks:
        around.set_mask(result, combined(masks), by_op=True)


def rows_counted() -> Any:
    """How many rows of the batch count, where others were added to fill it up; None where all do."""
    around = _active.get()
    return None if around is None else around.rows


def on_shapes() -> CallContext:
    """A context of its own for a run on shapes, whose losses and masks are nobody's."""
    around = active()
    return CallContext(None if around is None else around.training)


def masks_of(context: CallContext, values: Any) -> Any:
    """The masks of an array or of a list of arrays, in the same structure; None where there are none at all."""
    if isinstance(values, (list, tuple)):
        masks = [context.mask_of(x) for x in values]
        return masks if any(m is not None for m in masks) else None
    return context.mask_of(values)


def keep_masks(context: CallContext, outputs: Any) -> None:
    """Keeps the masks of what an outermost call gave, for calls after it."""
    for x in tree.flatten(outputs):
        mask = context.mask_of(x)
        if mask is not None and not isinstance(x, TensorSpec):
            kept_masks[id(x)] = (weakref.ref(x, _forgetting(id(x), kept_masks)), mask)


def _forgetting(key: int, table: dict[int, Any]) -> Callable[[Any], object]:
    return lambda _: table.pop(key, None)


def recall_masks(context: CallContext, values: Any) -> None:
    """Puts the masks that were kept for these arrays into the context of an outermost call."""
    for x in tree.flatten(values):
        found = kept_masks.get(id(x))
        if found is not None and found[0]() is x:
            context.set_mask(x, found[1])


def add_loss(layer: Any, loss: Any) -> None:
    """Adds to what the layer adds in the present outermost call, or outside of all to what it added in the last."""
    around = _active.get()
    if around is not None:
        around.losses.append((layer, loss))
        return
    if id(layer) not in kept_losses:
        kept_losses[id(layer)] = weakref.ref(layer, _forgetting(id(layer), kept_losses)), []
    kept_losses[id(layer)][1].append(loss)


def losses_of(layers: Iterable[Any]) -> list[Any]:
    """What these layers added in the present outermost call, or outside of all in the last, layer by layer."""
    around = _active.get()
    if around is None:
        return [loss for layer in layers for loss in kept_losses.get(id(layer), (None, []))[1]] if kept_losses else []
    added: dict[int, list[Any]] = {}
    for layer, loss in around.losses:
        added.setdefault(id(layer), []).append(loss)
    return [loss for layer in layers for loss in added.get(id(layer), ())] if added else []


def keep_losses(layers: Iterable[Any], losses: list[tuple[Any, Any]]) -> None:
    """What an outermost call had layers add takes the place of what these layers added before; outside of all calls."""
    forget_losses(layers)
    for layer, loss in losses:
        add_loss(layer, loss)


def forget_losses(layers: Iterable[Any]) -> None:
    """Nothing is left of what these layers added."""
    for layer in layers if kept_losses else ():
        kept_losses.pop(id(layer), None)
