"""Which layer made the first NaN: a batch run once more, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cornu import backends, dtypes, tree
from cornu.layers import tracking
from cornu.layers.context import CallContext
from cornu.ops.core import convert_to_numpy
from cornu.state import StateScope

if TYPE_CHECKING:
    from cornu.training.trainer import Trainer

__all__ = ["first_non_finite_layer"]


def first_non_finite_layer(model: Trainer, batch: Any) -> str | None:
    """The path of the first layer whose output is not finite on this batch; None where all are (then the loss or the gradient overflowed).

    The weights, seeds and statistics are those before the bad step, so the run repeats it. Nothing is changed.
    """
    x = batch[0]
    if not all(_finite(leaf) for leaf in tree.flatten(x)):
        return "(the input itself)"
    found: list[str] = []
    watched = list(tracking.walk(model))

    def watch(layer: Any, outputs: Any) -> None:
        if not found and not _all_finite(outputs):
            found.append(layer.name)

    for layer in reversed(watched):  # the model last, so that its plan is made after all its layers ask to be watched
        layer.watch_outputs(watch)
    try:
        with StateScope(), CallContext(training=True), backends.current().inference():
            model(x, training=True)
    finally:
        for layer in reversed(watched):
            layer.watch_outputs(None)
    return found[0] if found else None


def _all_finite(outputs: Any) -> bool:
    return all(_finite(x) for x in tree.flatten(outputs))


def _finite(x: Any) -> bool:
    values = convert_to_numpy(x) if x is not None else np.zeros(())
    return not dtypes.is_floating(dtypes.standardize(values.dtype)) or bool(np.isfinite(values.astype("float64")).all())
