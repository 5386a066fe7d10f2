"""Short batches filled up to the size of the others, so that no program is compiled for their size alone.

The rows that are added repeat the last one, and count for nothing: outputs are cut off behind the others, and loss and metrics get a mask. That
is exact where no row sees another, which is known of Cornu's own layers, losses and metrics alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu import backends, tree
from cornu.layers import tracking
from cornu.layers.layer import Layer
from cornu.metrics import MeanMetricWrapper
from cornu.ops.dispatch import works_by_element
from cornu.state import placement
from cornu.training.data.arrays import ArrayBatches
from cornu.training.replayable import is_ours

if TYPE_CHECKING:
    from cornu.training.data.source import Batches
    from cornu.training.trainer import Trainer

__all__ = ["filled", "is_row_wise", "program_of", "rows_of"]

_ACTIVATIONS = ("cornu.activations", "cornu.ops.activation")


def rows_of(x: Any) -> int:
    """How many rows the arrays of a batch have."""
    return next((len(leaf) for leaf in tree.flatten(x) if leaf is not None), 0)


def filled(x: Any, missing: int) -> Any:
    """The arrays with so many rows more."""
    return tree.map_structure(lambda a: None if a is None else np.concatenate([a, np.repeat(np.asarray(a[-1:]), missing, 0)]), x)


def program_of(model: Trainer, kind: str, source: Batches) -> Callable[..., Any]:
    """The model's program of that kind, which fills up the last batch of each pass where it would be compiled for that batch again."""
    program = model._program_(kind)
    size, count = source.batch_size, source.num_samples
    if not isinstance(source, ArrayBatches) or not size or not count or count < size or not count % size or not _may_fill(model, kind):
        return program

    def run(*batch: Any) -> Any:
        rows = rows_of(batch[0])
        if rows < size:
            if not _may_fill(model, kind):  # a callback may have changed the model
                return program(*batch)
            batch = filled(batch, size - rows)
        return program(*batch, np.array(rows, "int32"))

    return run


def _may_fill(model: Trainer, kind: str) -> bool:
    backend, training = backends.current(), kind != "test"
    return (
        not backend.EAGER
        and placement.within(backend) is None
        and not model.run_eagerly
        and model.jit_compile is not False
        and all(layer.activity_regularizer is None for layer in tracking.walk(model))
        and all(loss is None or _sums_over_rows(loss) for loss in model._objective_.losses)
        and all(_sums_over_rows(metric) for metric in model._scores_.metrics)
        and all(len(output.shape) > 1 for output in tree.flatten(model.outputs if hasattr(model, "outputs") else ()))
        and is_row_wise(model, training=training)
    )


def _sums_over_rows(part: Any) -> bool:
    """Whether a loss or a metric is made of values of each row alone: one of Cornu's that says so, not the metric of any function."""
    return (
        is_ours(part)
        and part._by_row_
        and type(part) is not MeanMetricWrapper
        and getattr(part, "reduction", "") != "none"
        and _spares_rows(part)
    )


def is_row_wise(model: Trainer, *, training: bool = False) -> bool:
    """Whether each row of the outputs is known to come of its own row of the inputs: all code is Cornu's own, and of a kind that does so."""
    layers = list(tracking.walk(model))
    graphs = [graph for graph in (getattr(layer, "_graph_", None) for layer in layers) if graph is not None]
    nodes = [node for graph in graphs for node in graph.nodes]
    return (
        getattr(model, "_graph_", None) is not None
        and all(is_ours(layer) and _keeps_rows(layer, training) for layer in layers)
        and all(_of_rows(node) for node in nodes)
    )


def _keeps_rows(layer: Layer, training: bool) -> bool:
    return _spares_rows(layer) and layer._keeps_rows_(training=training and layer.trainable)


def _spares_rows(part: Any) -> bool:
    """Whether neither the axes along which something works nor its functions are such that one row meets another."""
    axis = getattr(part, "axis", ())
    functions = (getattr(part, name, None) for name in ("activation", "recurrent_activation", "function"))
    return 0 not in (axis if isinstance(axis, (tuple, list)) else (axis,)) and all(
        function is None or works_by_element(function) or function.__module__ in _ACTIVATIONS for function in functions
    )


def _of_rows(node: Any) -> bool:
    """Whether a step of a graph is a layer that is not told to train, or an operation on each element by itself."""
    if isinstance(node.operation, Layer):
        return not node.kwargs.get("training")
    return works_by_element(node.operation)
