"""What somebody who has watched many runs would say of this one: what is wrong, in plain words, and the edit that mends it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu import activations, dtypes, ops, tree
from cornu.errors import DataError
from cornu.layers import tracking
from cornu.layers.context import CallContext
from cornu.state import CompiledStep, StateScope, Variable, value_and_grad
from cornu.training.data.arrays import ArrayBatches
from cornu.training.data.weights import labels_of
from cornu.training.endings import watched

if TYPE_CHECKING:
    from cornu.layers.layer import Layer
    from cornu.training.data.source import Batches
    from cornu.training.trainer import Trainer

__all__ = ["Finding", "findings"]

_LARGE_INPUT = 20.0  # a mean or a deviation of inputs beyond which first layers saturate or overshoot
_SCALING = ("Rescaling", "Normalization", "BatchNormalization", "LayerNormalization", "Embedding", "Discretization", "UnitNormalization")
_RARE = 10.0  # times as many rows in the largest class as in the smallest
_DEAD = 0.6  # the share of a layer's units; in sound runs half of them may be silent for the few rows of one batch
_EXPLODED = 1e3  # the norm of all gradients together
_VANISHED = 1e-6  # of the last layer's gradient, number by number
_LOST = 0.1  # the share of the descent so far that is no noise about the end of it
_MOST_CLASSES = 10  # whose weights are spelt out


@dataclass(frozen=True)
class Finding:
    """One thing that `fit(diagnose=True)` found.

    Attributes:
        what: what is wrong, with the figures.
        mend: the edit to make.
    """

    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.what}\n  {self.mend}"


def findings(
    model: Trainer, source: Batches, batch: Any, y: Any, *, weighted: bool, history: Mapping[str, Sequence[float]]
) -> list[Finding]:
    """What a run has shown.

    Args:
        source: of its batches.
        batch: one of them. It goes through the model once more, forward and backward; nothing is changed.
        y: all targets, where the source is arrays.
        weighted: whether samples or classes had weights.
        history: the metrics of each epoch.
    """
    found = [*_of_inputs(model, batch[0])]
    if isinstance(source, ArrayBatches) and not weighted:
        found += _of_labels(model, y)
    alive, gradients = _seen_in(model, batch) if model._uses_default_step_("train_step") else _seen_if_it_can_be(model, batch)
    found += [*_of_units(alive), *_of_gradients(gradients), *_of_losses(model, history)]
    return found


# --- the data -------------------------------------------------------------------------------------------------------------


def _of_inputs(model: Trainer, x: Any) -> Iterator[Finding]:
    if any(type(layer).__name__ in _SCALING for layer in tracking.walk(model)):
        return
    for path, leaf in tree.flatten_with_path(x):
        values = np.asarray(ops.convert_to_numpy(leaf)) if leaf is not None else np.zeros(1)
        if not dtypes.is_floating(dtypes.standardize(values.dtype)):
            continue
        low, high, mean, spread = (float(f(values.astype("float64"))) for f in (np.min, np.max, np.mean, np.std))
        if max(abs(mean), spread) > _LARGE_INPUT:
            bytes_ = low >= 0 and 127 < high <= 255
            mend = "`layers.Rescaling(1 / 255)`" if bytes_ else "`norm = layers.Normalization()`, then `norm.adapt(x)`, and `norm`"
            name = "x" + "".join(f"[{key!r}]" for key in path)
            yield Finding(
                f"The numbers in {name} lie between {low:.3g} and {high:.3g} (mean {mean:.3g}); layers start out for numbers about 1.",
                f"Put {mend} before the first layer.",
            )


def _of_labels(model: Trainer, y: Any) -> Iterator[Finding]:
    losses = [loss for loss in model._objective_.losses if loss is not None]
    if len(losses) != 1 or "crossentropy" not in str(losses[0].name).replace("_", ""):
        return
    try:
        labels = labels_of(y)
    except DataError:
        return
    classes, counts = np.unique(labels, return_counts=True)
    if labels.ndim != 1 or not (classes == classes.astype("int64")).all():
        return
    rows = int(counts.sum())
    if len(classes) == 1:
        yield Finding(f"All {rows} labels are {int(classes[0])}: there is nothing to tell apart.", "Check how the labels were made.")
    elif counts.max() > _RARE * counts.min():
        most, least = int(classes[counts.argmax()]), int(classes[counts.argmin()])
        weights = {int(c): float(f"{rows / (len(classes) * n):.3g}") for c, n in zip(classes, counts, strict=True)}
        wanted = f"{weights}" if len(weights) <= _MOST_CLASSES else "{c: rows / (classes * rows_of[c]) for c in rows_of}"
        yield Finding(
            f"Class {most} has {counts.max() / rows:.1%} of the rows, class {least} {counts.min() / rows:.1%}: to answer {most} always is nearly right.",
            f"Weigh the classes, `fit(…, class_weight={wanted})`, and watch a metric that does not count rows, such as AUC or F1Score.",
        )


# --- the model ------------------------------------------------------------------------------------------------------------


def _seen_in(model: Trainer, batch: Any) -> tuple[dict[str, np.ndarray], list[tuple[Variable, float]]]:
    """For each layer that rectifies, the largest output of each unit; and the norm of the gradient of each variable, where the step is the default one."""
    variables = model.trainable_variables if model._uses_default_step_("train_step") else []
    names: list[str] = []

    def examine(x: Any, y: Any, sample_weight: Any) -> tuple[list[Any], list[Any]]:
        def forward() -> tuple[Any, list[Any]]:
            seen: dict[str, Any] = {}

            def watch(layer: Layer, outputs: Any) -> None:
                if _rectifies(layer) and hasattr(outputs, "shape") and layer.name not in seen:
                    unit = 1 if getattr(layer, "data_format", "") == "channels_first" else len(outputs.shape) - 1
                    seen[layer.name] = ops.max(ops.absolute(outputs), [a for a in range(len(outputs.shape)) if a != unit])

            with watched(model, watch):
                y_pred = model(x, training=True)
            names[:] = seen
            return (model._loss_of_(x, y, y_pred, sample_weight, training=True) if variables else 0.0), list(seen.values())

        with StateScope(), CallContext(training=True):
            (_, alive), grads = value_and_grad(forward, variables) if variables else (forward(), [])
            return alive, [ops.norm(ops.reshape(ops.cast(g, "float32"), (-1,))) for g in grads]

    alive, norms = CompiledStep(examine, lambda: model._variables_of_("train"), name="diagnosis")(*batch)
    return (
        {name: ops.convert_to_numpy(values) for name, values in zip(names, alive, strict=True)},
        [(v, float(norm)) for v, norm in zip(variables, norms, strict=True)],
    )


def _seen_if_it_can_be(model: Trainer, batch: Any) -> tuple[dict[str, np.ndarray], list[tuple[Variable, float]]]:
    """The same of a model with a step of its own, which may call it on something else than the batch: nothing then."""
    if all(layer.built for layer in tracking.walk(model)):
        with contextlib.suppress(Exception):
            return _seen_in(model, batch)
    return {}, []


def _rectifies(layer: Layer) -> bool:
    return type(layer).__name__ == "ReLU" or getattr(layer, "activation", None) is activations.relu


def _of_units(alive: Mapping[str, np.ndarray]) -> Iterator[Finding]:
    for name, largest in alive.items():
        dead = int((largest == 0).sum())
        if largest.ndim == 1 and len(largest) > 3 and dead > _DEAD * len(largest):
            yield Finding(
                f"{dead} of the {len(largest)} units of {name!r} give 0 for every row of a batch, and so learn nothing.",
                "Lower the learning rate, or let them learn below 0: `activation='leaky_relu'`.",
            )


def _of_gradients(gradients: Sequence[tuple[Variable, float]]) -> Iterator[Finding]:
    total = math.sqrt(sum(norm**2 for _, norm in gradients))
    if total > _EXPLODED:
        largest = max(gradients, key=lambda pair: pair[1])[0]
        yield Finding(
            f"The gradients have the norm {total:.2g}, most of it in {largest.path!r}: a step this long undoes what was learnt.",
            "Clip them, e.g. `optimizers.Adam(clipnorm=1.0)`, and bring inputs and targets to numbers about 1.",
        )
    kernels = [(v, norm / math.sqrt(math.prod(v.shape))) for v, norm in gradients if len(v.shape) > 1]
    if len(kernels) > 2 and kernels[0][1] < _VANISHED * kernels[-1][1]:
        ratio = kernels[0][1] / kernels[-1][1]
        yield Finding(
            f"Hardly any gradient reaches {kernels[0][0].path!r}: number by number it is {ratio:.0e} of that of {kernels[-1][0].path!r}.",
            "Take relu in place of sigmoid or tanh, put BatchNormalization between layers, or add layers to what went in.",
        )


# --- the course of the run -------------------------------------------------------------------------------------------------


def _of_losses(model: Trainer, history: Mapping[str, Sequence[float]]) -> Iterator[Finding]:
    losses = list(history.get("loss", ()))
    rate = getattr(model.optimizer, "_learning_rate", None)
    known = float(rate) if isinstance(rate, Variable) else None
    now = "" if known is None else f" of {known:.3g}"
    lowest = min(losses, default=0.0)
    undone = len(losses) > 1 and losses[-1] - lowest > max(0.5 * abs(lowest), _LOST * (losses[0] - lowest))
    if len(losses) > 1 and (undone or losses[-1] > losses[0] + 0.05 * abs(losses[0])):
        lower = "Divide it by ten" if known is None else f"Try {known / 10:.3g}"
        yield Finding(
            f"The loss went from {losses[0]:.3g} by way of {min(losses):.3g} to {losses[-1]:.3g}: the learning rate{now} is too high.",
            f"{lower}, or let `model.find_learning_rate(x, y)` look for one.",
        )
    elif len(losses) > 2 and losses[0] - losses[-1] < 0.01 * abs(losses[0]):
        higher = "Multiply it by ten" if known is None else f"Try {known * 10:.3g}"
        yield Finding(
            f"In {len(losses)} epochs the loss went from {losses[0]:.3g} to {losses[-1]:.3g}: the learning rate{now} may be too low.",
            f"{higher}, or let `model.find_learning_rate(x, y)` look for one.",
        )
    unseen = list(history.get("val_loss", ()))
    if len(unseen) > 3 and len(unseen) == len(losses):
        best = int(np.argmin(unseen))
        if best < len(unseen) - 2 and unseen[-1] > 1.1 * unseen[best] and losses[-1] < losses[best]:
            yield Finding(
                f"Since epoch {best + 1} the loss on validation data rises (now {unseen[-1]:.3g}, then {unseen[best]:.3g}) while that in training falls: "
                "rows are learnt by heart.",
                "Stop there, `callbacks.EarlyStopping(patience=2, restore_best_weights=True)`; add Dropout, or augment the data.",
            )
