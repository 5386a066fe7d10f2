"""What numbers targets and ids may be: class numbers below the number of classes, shares from 0 to 1, ids that an embedding has a row for.

Compiled programs cannot raise, and some would compute something for a label that does not exist; so the numbers are looked at on the host,
for arrays once over all rows, for other sources batch by batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu import tree
from cornu.errors import DataError
from cornu.layers.embedding import Embedding
from cornu.training import data
from cornu.training.data.columns import columns
from cornu.training.endings import Ending
from cornu.training.kinds import kind_of, settings_of

if TYPE_CHECKING:
    from cornu.models.functional import Graph
    from cornu.training.stepping import Stepping

__all__ = ["Bound", "Values", "bounds_of_ids", "bounds_of_targets"]

_highest = np.maximum.reduce
_lowest = np.minimum.reduce
_UNSIGNED = {np.dtype(f"int{bits}"): np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64)}


@dataclass(frozen=True)
class Bound:
    """From 0 to where the numbers of one array may go.

    Attributes:
        place: which of the flat arrays of x or y.
        name: what the array is for, in words.
        reason: why the numbers are bounded, in words.
        count: numbers are whole and below this; None for any numbers from 0 to 1.
        ignored: a number that is no class and allowed.
        masked: whether numbers below 0 may be padding that a mask leaves out.
        ids: whether the numbers are ids, not targets.
    """

    place: int
    name: str
    reason: str
    count: int | None
    ignored: int | None = None
    masked: bool = False
    ids: bool = False

    def holds(self, values: np.ndarray) -> bool:
        """Whether all numbers are within; the quick look, which costs a microsecond or two for a small batch. NaN is not its business."""
        if not values.size or values.dtype.kind == "b":
            return True
        if self.count is None:
            return not (_highest(values, axis=None) > 1 or _lowest(values, axis=None) < 0)
        unsigned = _UNSIGNED.get(values.dtype)
        if unsigned is not None:  # as unsigned numbers, those below 0 are the largest
            return bool(_highest(values.view(unsigned), axis=None) < self.count)
        if values.dtype.kind == "u":
            return bool(_highest(values, axis=None) < self.count)
        return not _outside(values, self.count).any()

    def check(self, values: np.ndarray, weight: Any, where: str, batch: int | None = None) -> None:
        """Raises if a number that counts is out of bounds.

        Args:
            values: the numbers.
            weight: sample weights: what weighs 0 does not count.
            where: which array it is, as the user reaches it.
            batch: which batch it is of; None for all rows.
        """
        if self.holds(values):
            return
        bad = _outside(values, self.count)
        if self.ignored is not None:
            bad &= values != self.ignored
        if self.masked:
            bad &= ~(values < 0)
        bad &= _counted(weight, values.shape)
        if bad.any():
            raise DataError(self._message(values, bad, where, batch))

    def _message(self, values: np.ndarray, bad: np.ndarray, where: str, batch: int | None) -> str:
        first = np.unravel_index(int(bad.argmax()), bad.shape)
        some = ", ".join(_plain(v) for v in np.unique(values[bad])[:5])
        more = ", …" if len(np.unique(values[bad])) > 5 else ""
        at = "".join(f"[{i}]" for i in first)
        place = f"{where}{at}" if batch is None else f"{where}{at} of batch {batch} (counted from 0)"
        wanted = "numbers from 0 to 1" if self.count is None else f"whole numbers from 0 to {self.count - 1}"
        return (
            f"{self.name} must be {wanted}: {self.reason}.\n"
            f"Got {some}{more}: {int(bad.sum())} of {values.size} are out of range, the first at {place}.\n{self._mend(values, bad)}"
        )

    def _mend(self, values: np.ndarray, bad: np.ndarray) -> str:
        wrong = values[bad]
        low, high = wrong.min(), wrong.max()
        if self.ids:
            return (
                f"Give the Embedding input_dim={int(high) + 1} or more, or map the ids."
                if low >= 0
                else "Ids count from 0: map them (IntegerLookup)."
            )
        if self.count is None:
            if set(np.unique(values).tolist()) <= {-1, 1}:
                return "Targets of -1 and 1 go with the loss 'hinge'; for this one write `(y + 1) / 2`."
            if (values == np.floor(values)).all() and values.min() >= 0:
                return "For several classes use a unit for each, softmax, and the loss 'sparse_categorical_crossentropy'; for scores use 'mse'."
            return "Scale the targets to shares, or use a regression loss such as 'mse'."
        if not (wrong == np.floor(wrong)).all():
            return "For targets that are no class numbers use a regression loss such as 'mse'."
        if low < 0:
            return f"To leave targets out, give the loss `ignore_class={int(low)}`, or those rows the sample weight 0."
        if high == self.count and values.min() >= 1:
            return f"They seem to count from 1: subtract 1, `y - 1`, or give the last layer {self.count + 1} units."
        return f"Give the last layer {int(high) + 1} units, or number the classes anew: `np.unique(y, return_inverse=True)[1]`."


def _outside(values: np.ndarray, count: int | None) -> np.ndarray:
    if count is None:
        return (values < 0) | (values > 1)
    outside = (values < 0) | (values >= count)
    return outside if values.dtype.kind in "iub" else outside | ((values != np.floor(values)) & np.isfinite(values))


def _counted(weight: Any, shape: tuple[int, ...]) -> np.ndarray | bool:
    """Where weights are not 0, spread over the axes that they lack."""
    if weight is None:
        return True
    counted = np.asarray(data.narrowed(weight)) != 0
    if counted.ndim > len(shape) and counted.shape[-1] == 1:
        counted = counted[..., 0]
    counted = counted.reshape(counted.shape + (1,) * (len(shape) - counted.ndim))
    try:
        return np.broadcast_to(counted, shape)
    except ValueError:  # weights that do not fit are the loss's business
        return True


def _plain(value: Any) -> str:
    return f"{value.item():g}" if value.dtype.kind == "f" else str(value)


def bounds_of_targets(names: Sequence[str], losses: Sequence[Any], outputs: Sequence[Any], endings: Sequence[Ending]) -> list[Bound]:
    """What the targets of a model's outputs may be, by their losses."""
    found = []
    for i, (name, loss, output, ending) in enumerate(zip(names, losses, outputs, endings, strict=True)):
        kind, shape = kind_of(loss), output.shape
        if kind == "classes":
            settings = settings_of(loss)
            units = shape[settings.get("axis", -1)]
            if units is not None:
                reason = f"the output has {units} units, and its loss is {loss.name}"
                found.append(Bound(i, f"Targets of output {name!r}", reason, units, settings.get("ignore_class"), ending.masked))
        elif kind == "shares":
            found.append(Bound(i, f"Targets of output {name!r}", f"its loss is {loss.name}", None, masked=ending.masked))
    return found


def bounds_of_ids(graph: Graph | None) -> list[Bound]:
    """What the inputs that feed an Embedding directly may be, through inner models too."""
    return [] if graph is None else _ids_within(graph, {id(x): i for i, x in enumerate(graph.flat_inputs)}, graph.input_names)


def _ids_within(graph: Graph, places: dict[int, int], names: Sequence[str]) -> list[Bound]:
    found = []
    for node in graph.nodes:
        inner = getattr(node.operation, "_graph_", None)
        if inner is not None:
            given = tree.flatten(inner_arguments(inner, node))
            within = {id(x): places[id(v)] for x, v in zip(inner.flat_inputs, given, strict=False) if id(v) in places}
            found += _ids_within(inner, within, names)
        elif node.inputs and id(node.inputs[0]) in places and _rows(node.operation) is not None:
            place, rows = places[id(node.inputs[0])], _rows(node.operation)
            reason = f"they go to the Embedding {node.operation.name!r}, which has {rows} rows (input_dim)"
            found.append(Bound(place, f"Ids of input {names[place]!r}", reason, rows, ids=True))
    return found


def inner_arguments(graph: Graph, node: Any) -> list[Any]:
    """What a call of an inner model was given, in the order of its inputs."""
    return graph.arrange(node.args[0])


def _rows(layer: Any) -> int | None:
    """How many rows a layer's table has, if it is an Embedding."""
    return layer.input_dim if isinstance(layer, Embedding) else None


class Values:
    """Looks at the numbers in batches, or in whole arrays.

    Args:
        model: whose inputs and targets they are.
        names: those of its outputs.
        ids, targets: the bounds.
    """

    def __init__(self, model: Stepping, names: Sequence[str], ids: Sequence[Bound], targets: Sequence[Bound]) -> None:
        self._graph, self._names, self._ids, self._targets = getattr(model, "_graph_", None), list(names), list(ids), list(targets)

    def check(self, x: Any, y: Any = None, sample_weight: Any = None, *, batch: int | None = None) -> None:
        """Raises if a number that counts is out of bounds.

        Args:
            x, y, sample_weight: a batch, or all rows.
            batch: which batch it is, from 0; None for all rows.
        """
        for bound in self._targets:
            values = _leaf(y, bound.place, self._names)
            if values is not None and not (type(values) is np.ndarray and bound.holds(values)):
                where = f"y{_key(y, bound.place, self._names)}"
                bound.check(_numbers(values, "y"), _weight(sample_weight, bound.place, self._names), where, batch)
        if self._ids:
            flat, names = self._graph.arrange(x), self._graph.input_names  # type: ignore[union-attr]
            for bound in self._ids:
                values = flat[bound.place]
                if values is not None and not (type(values) is np.ndarray and bound.holds(values)):
                    bound.check(_numbers(values, "x"), None, f"x{_key(x, bound.place, names)}", batch)

    def __bool__(self) -> bool:
        """Whether there is anything to look at."""
        return bool(self._ids or self._targets)


def _numbers(values: Any, where: str) -> np.ndarray:
    return values if type(values) is np.ndarray else np.asarray(columns(values, where))


def _leaf(y: Any, place: int, names: Sequence[str]) -> Any:
    """The targets of one output."""
    if isinstance(y, dict):
        return y.get(names[place])
    if isinstance(y, (list, tuple)) and len(names) > 1:
        return tree.flatten(y)[place]
    return y[0] if isinstance(y, (list, tuple)) and len(y) == 1 and hasattr(y[0], "shape") else y


def _weight(weight: Any, place: int, names: Sequence[str]) -> Any:
    return _leaf(weight, place, names) if tree.is_nested(weight) else weight


def _key(values: Any, place: int, names: Sequence[str]) -> str:
    """How the array is reached in the structure that the user gave."""
    if isinstance(values, dict):
        return f"[{names[place]!r}]"
    return f"[{place}]" if isinstance(values, (list, tuple)) and len(names) > 1 else ""
