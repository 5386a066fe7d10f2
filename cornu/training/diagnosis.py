"""Where the first NaN came from: a batch looked at, and run once more, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cornu import backends, dtypes, tree
from cornu.layers.context import CallContext
from cornu.ops.core import convert_to_numpy
from cornu.state import StateScope
from cornu.training.endings import watched

if TYPE_CHECKING:
    from cornu.layers.layer import Layer
    from cornu.training.stepping import Stepping

__all__ = ["source_of_non_finite"]


def source_of_non_finite(model: Stepping, batch: Any) -> str:
    """What in this batch was the first to be NaN or infinite, as a sentence: the data, a layer's weights or output, or else loss or gradient.

    The weights, seeds and statistics are those before the bad step, so the run repeats it. Nothing is changed.
    """
    for name, part in zip(("x", "y", "sample_weight"), batch, strict=False):
        for path, leaf in tree.flatten_with_path(part):
            if not _finite(leaf):
                return f"The data is the source: {_described(name + ''.join(f'[{key!r}]' for key in path), leaf)}."
    found: list[str] = []

    def watch(layer: Layer, outputs: Any) -> None:
        if not found and not all(_finite(x) for x in tree.flatten(outputs)):
            sick = [v.path for v in layer.weights if not _finite(v.value)]
            found.append(f"layer {layer.name!r}" + (f", whose weight {sick[0]!r} is not finite" if sick else ""))

    with watched(model, watch), StateScope(), CallContext(training=True), backends.current().inference():
        model(batch[0], training=True)
    return (
        f"The first output that is not finite comes from {found[0]}."
        if found
        else "All layers give finite outputs: the loss or a gradient overflowed."
    )


def _described(name: str, values: Any) -> str:
    values = convert_to_numpy(values)
    bad = ~np.isfinite(values.astype("float64"))
    at = ", ".join(str(i) for i in np.unravel_index(int(bad.argmax()), bad.shape))
    return f"{int(bad.sum())} of the {values.size} numbers in {name} of that batch are NaN or infinite, the first at [{at}]"


def _finite(x: Any) -> bool:
    values = convert_to_numpy(x) if x is not None else np.zeros(())
    return not dtypes.is_floating(dtypes.standardize(values.dtype)) or bool(np.isfinite(values.astype("float64")).all())
