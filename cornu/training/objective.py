"""What `compile` is given, settled for a model's outputs: which loss, weight and metrics go with which output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cornu import losses, metrics, naming
from cornu.errors import ArgumentError, DataError, nearest
from cornu.layers.context import rows_counted
from cornu.losses import as_loss, combine_weights
from cornu.metrics import Mean, Metric
from cornu.ops.arguments import Array
from cornu.ops.creation import ones_like
from cornu.ops.elementwise import multiply
from cornu.quantities import is_number

__all__ = ["CompiledLoss", "CompiledMetrics", "per_output"]

_BY_LOSS = ("accuracy", "acc", "crossentropy", "ce")
"""Names that stand for one metric or another, by the loss and the shapes."""


def per_output(given: Any, names: Sequence[str], what: str, *, leaf: type | tuple[type, ...] = ()) -> list[Any]:
    """`given` (one for all, a list in the order of the outputs, or a dict by their names) as a list with an entry or None for each output."""
    if given is None:
        return [None] * len(names)
    if isinstance(given, dict) and not (leaf and isinstance(given, leaf)):
        unknown = [k for k in given if k not in names]
        if unknown:
            guess = nearest(unknown[0], names)
            hint = f" Did you mean {guess[0]!r}?" if guess else ""
            raise ArgumentError(
                f"The {what} must be keyed by the model's outputs, {list(names)}, got {unknown}.{hint} Name the output layers so."
            )
        return [given.get(name) for name in names]
    if isinstance(given, (list, tuple)) and not (leaf and isinstance(given, leaf)):
        flat = list(given)
        if len(flat) != len(names):
            raise ArgumentError(f"The {what} must have one entry for each of {len(names)} output(s), {list(names)}, got {len(flat)}.")
        return flat
    return [given] * len(names)


def _entries(given: Any) -> Iterator[Any]:
    """What lists, and dicts by output name, hold; a configuration is one entry."""
    if isinstance(given, dict) and "class_name" not in given:
        given = list(given.values())
    if isinstance(given, (list, tuple)):
        for one in given:
            yield from _entries(one)
    elif given is not None:
        yield given


class CompiledLoss:
    """The losses of all outputs, added up.

    Args:
        loss: one for all outputs, a list, or a dict by output name; each a name, a function or a `Loss`.
        weights: a number for each output's loss, as a list or a dict.
    """

    def __init__(self, loss: Any, weights: Any) -> None:
        self._given, self._given_weights = loss, weights
        self.names: list[str] | None = None
        self.trackers: list[Mean] = []
        self.losses: list[Any] = []
        # Names are looked up now, so that a misspelt one fails in `compile`
        for one in _entries(loss):
            losses.get(one)
        for one in _entries(weights):
            if not is_number(one):
                raise ArgumentError(
                    f"loss_weights must be numbers, as a list or a dict by output name, got {one!r} ({type(one).__name__})."
                )

    def check_keys(self, names: Sequence[str]) -> None:
        """Raises where losses or their weights cannot be those of outputs of these names."""
        per_output(self._given, names, "losses")
        per_output(self._given_weights, names, "loss weights")

    def build(self, names: Sequence[str], *, keyed: bool = False) -> None:
        """Settles which loss is whose; `keyed` where the outputs are a dict."""
        if self.names is not None:
            return
        names = list(names)
        first = [name for name in self._given if name in names] if keyed and isinstance(self._given, dict) else []
        self._order = [names.index(name) for name in dict.fromkeys([*first, *names])]
        self.losses = [as_loss(one) if one is not None else None for one in per_output(self._given, names, "losses")]
        weights = per_output(self._given_weights, names, "loss weights")
        self._weights = [1.0 if w is None else float(w) for w in weights]
        self.names = names
        if sum(loss is not None for loss in self.losses) > 1:
            self.trackers = [Mean(name=f"{name}_loss") if loss is not None else None for name, loss in zip(names, self.losses, strict=True)]  # type: ignore[misc]

    def __call__(self, targets: list[Any], outputs: list[Any], weights: list[Any], masks: list[Any]) -> Array | None:
        """The weighted sum of the outputs' losses; None where no output has one."""
        total, rows = None, rows_counted()
        for i, (loss, y, y_pred) in enumerate(zip(self.losses, targets, outputs, strict=True)):
            if loss is None:
                continue
            if y is None:
                raise DataError(f"Output {self.names[i]!r} has a loss and needs targets, got none. Give `y` for it, or no loss.")  # type: ignore[index]
            value = loss(y, y_pred, weights[i], mask=masks[i])
            if self.trackers:
                self.trackers[i].update_state(value, y_pred.shape[0] if rows is None else rows)
            value = value if self._weights[i] == 1.0 else multiply(value, self._weights[i])
            total = value if total is None else total + value
        return total

    @property
    def metrics(self) -> list[Metric]:
        """The running means of the outputs' losses, where several have one: in the order of outputs, or of a dict of losses for a dict of outputs."""
        return [t for t in map(self.trackers.__getitem__, self._order) if t is not None] if self.trackers else []


class CompiledMetrics:
    """The metrics of all outputs, those that take sample weights apart from those that do not."""

    def __init__(self, plain: Any, weighted: Any) -> None:
        self._given = {False: plain, True: weighted}
        self._entries: list[tuple[int, bool, Metric]] | None = None
        for one in (*_entries(plain), *_entries(weighted)):
            if isinstance(one, str) and len(several := one.replace(",", " ").split()) > 1:
                raise ArgumentError(f"Each metric has a text of its own, got {one!r}. Give a list: metrics={several!r}.")
            if isinstance(one, str) and one not in _BY_LOSS:
                metrics.get(one)
            elif not (isinstance(one, (str, dict)) or callable(one)):
                raise ArgumentError(
                    f"A metric must be a name, a Metric or a function of targets and outputs, got {one!r} ({type(one).__name__})."
                )

    def build(self, names: Sequence[str], found_losses: Sequence[Any], targets: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Settles which metric is whose, "accuracy" by the output's shape, the targets' and the loss; and what each is called in the logs."""
        if self._entries is not None:
            return
        entries: list[tuple[int, bool, Metric]] = []
        taken = {"loss"} if len(names) == 1 else {"loss", *(f"{name}_loss" for name in names)}
        for weighted, given in self._given.items():
            for i, wanted in enumerate(self._for_outputs(given, names)):
                for identifier in wanted:
                    if targets[i] is None:
                        raise DataError(f"Output {names[i]!r} has metrics and needs targets, got none.")
                    metric = _as_metric(identifier, found_losses[i], targets[i], outputs[i])
                    if all(metric is not other for _, _, other in entries):
                        _name(metric, f"{names[i]}_" if len(names) > 1 else "", weighted, taken)
                    entries.append((i, weighted, metric))
        self._entries = entries if len(names) == 1 else sorted(entries, key=lambda e: (names[e[0]], e[2]._reported_name_))  # type: ignore[attr-defined]

    def check_keys(self, names: Sequence[str]) -> None:
        """Raises where metrics cannot be those of outputs of these names."""
        self.measured(names)

    def measured(self, names: Sequence[str]) -> list[str]:
        """The names of the outputs that have metrics, of these."""
        wanted = [self._for_outputs(given, names) for given in self._given.values()]
        return [name for i, name in enumerate(names) if any(each[i] for each in wanted)]

    @staticmethod
    def _for_outputs(given: Any, names: Sequence[str]) -> list[list[Any]]:
        if given is None:
            return [[] for _ in names]
        if isinstance(given, dict):
            return [_listed(one) for one in per_output(given, names, "metrics")]
        nested = isinstance(given, (list, tuple)) and any(isinstance(one, (list, tuple)) for one in given)
        if nested or (len(names) > 1 and isinstance(given, (list, tuple)) and len(given) == len(names)):
            return [_listed(one) for one in per_output(given, names, "metrics")]
        if len(names) > 1:
            raise ArgumentError(
                f"The metrics of a model with {len(names)} outputs must say whose they are, got {given!r}. "
                f"Give a dict by output name ({', '.join(map(repr, names))}) or a list with one list for each."
            )
        return [_listed(given)]

    def update(self, targets: list[Any], outputs: list[Any], weights: list[Any], masks: list[Any]) -> None:
        """Takes a batch into account."""
        for i, weighted, metric in self._entries or ():
            weight = weights[i] if weighted else None
            if masks[i] is not None:
                finer = masks[i] if weight is None or weight.ndim <= masks[i].ndim else weight
                weight = combine_weights(weight, masks[i], ones_like(finer, "float32"))
            if weight is None:
                metric.update_state(targets[i], outputs[i])
            else:
                metric.update_state(targets[i], outputs[i], weight)

    @property
    def metrics(self) -> list[Metric]:
        """All metrics: those of one output as given, the weighted ones last; those of several by the outputs' names and their own."""
        return [metric for _, _, metric in self._entries or ()]


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]


def _as_metric(identifier: Any, loss: Any, target: Any, output: Any) -> Metric:
    """The metric, its variables made: none can be made while a step is traced."""
    metric: Any = metrics.resolve(identifier, loss, tuple(target.shape), tuple(output.shape))
    if not metric._built_:
        metric._build_(tuple(target.shape), tuple(output.shape))
    return metric


def _name(metric: Metric, prefix: str, weighted: bool, taken: set[str]) -> None:
    """Gives a metric a name in the logs that no other has: a weighted one says so where it must, further ones are numbered."""
    name = f"{prefix}{metric.name}"
    if weighted and name in taken:
        name = f"{prefix}weighted_{metric.name}"
    metric._reported_name_ = name = naming.free(name, taken)  # type: ignore[attr-defined]
    taken.add(name)
