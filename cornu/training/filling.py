"""Short batches filled up to the size of the others, so that no program is compiled for their size alone.

The rows that are added repeat the last one, and count for nothing: outputs are cut off behind the others, and loss and metrics get a mask. That
is exact where no row sees another, which is known of Cornu's own layers, losses and metrics alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu import backends, tree
from cornu.layers import tracking
from cornu.layers.building import map_shapes
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
    graph = getattr(model, "_graph_", None)
    if backend.EAGER or graph is None:
        return False
    outputs = graph.flat_outputs
    ranks = {len(output.shape) for output in outputs}
    # beside targets without it, a last axis of length 1 goes
    ranks |= {len(output.shape) - 1 for output in outputs if len(output.shape) > 2 and output.shape[-1] == 1}
    return (
        placement.within(backend) is None
        and not model.run_eagerly
        and model.jit_compile is not False
        and all(layer.activity_regularizer is None for layer in tracking.walk(model))
        and all(loss is None or _sums_over_rows(loss, ranks) for loss in model._objective_.losses)
        and all(_sums_over_rows(metric, ranks) for metric in model._scores_.metrics)
        and all(rank > 1 for rank in ranks)
        and not (training and model.optimizer.gradient_accumulation_steps and len(outputs) > 1)  # which counts the steps of the first mask
        and is_row_wise(model, training=training)
    )


def _sums_over_rows(part: Any, ranks: Iterable[int]) -> bool:
    """Whether a loss or a metric is made of values of each row alone: one of Cornu's that says so, not the metric of any function."""
    return (
        is_ours(part)
        and part._by_row_
        and type(part) is not MeanMetricWrapper
        and getattr(part, "reduction", "") != "none"
        and _spares_rows(part, ranks)
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
    return _spares_rows(layer, _ranks_into(layer)) and layer._keeps_rows_(training=training and layer.trainable)


def _ranks_into(layer: Layer) -> set[int]:
    """The ranks of all that the layer is known to have been called on."""
    ranks = {x.ndim for node in layer._inbound_nodes for x in node.inputs}
    for shapes in (layer._build_shapes_ or {}).values():
        map_shapes(lambda shape: ranks.add(len(shape)), shapes)
    return ranks


def _spares_rows(part: Any, ranks: Iterable[int]) -> bool:
    """Whether neither the axes along which something works on arrays of these ranks nor its functions are such that one row meets another."""
    axis = getattr(part, "axis", ())
    axes = list(axis) if isinstance(axis, (tuple, list)) else [axis]
    for function in (getattr(part, name, None) for name in ("activation", "recurrent_activation", "function")):
        if function is not None and not works_by_element(function):
            if function.__module__ not in _ACTIVATIONS:
                return False
            axes.append(-1)
    known = list(ranks)
    return not getattr(part, "arguments", None) and all(
        axis is None or axis > 0 or (axis < 0 and known and all(rank + axis > 0 for rank in known)) for axis in axes
    )


def _of_rows(node: Any) -> bool:
    """Whether a step of a graph is a layer that is not told to train, or an operation on each element by itself, of arrays of one rank: others
    are spread by their last axes, and rows stand beside other rows then.
    """
    if isinstance(node.operation, Layer):
        return not node.kwargs.get("training")
    return works_by_element(node.operation) and len({x.ndim for x in (*node.inputs, *node.outputs)}) == 1
