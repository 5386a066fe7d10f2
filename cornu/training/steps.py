"""The three steps, written once in ops: train, test, predict.

A training step is a transaction. What the forward pass writes (statistics, seeds, metrics) stays in a scope; the update of the weights and
that scope take effect together, where loss and gradients are finite, and not at all where they are not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cornu import dtypes
from cornu.layers.context import CallContext
from cornu.ops.arguments import Array
from cornu.ops.core import copy
from cornu.ops.finite import all_finite, finite_probe
from cornu.state import StateScope, Variable, when
from cornu.training.states import own_step

if TYPE_CHECKING:
    from cornu.training.stepping import Stepping

__all__ = [
    "are_finite", "copy_step", "default_train_step", "predict_step", "probe_step", "probed_of", "state_of", "test_step", "train_step", "unguarded_step",
]  # fmt: skip


def are_finite(probe: Array, values: Sequence[Array]) -> Array | bool:
    """Whether all values are finite, from what `finite_probe` gave for them."""
    if dtypes.standardize(probe.dtype) == "bool":
        return probe
    return math.isfinite(float(probe)) or bool(all_finite(values))


def train_step(model: Stepping, data: Any) -> Any:
    """One step on a batch (x, y, sample_weight): the model's own `train_step` if it has one, whose result it gives; else the default, and None."""
    if model._gives_own_logs_("train_step"):
        return _custom_train_step(model, data)
    x, y, sample_weight, *rows = data
    with CallContext(True, rows=rows[0] if rows else None):
        with StateScope() as pending:
            (loss, y_pred, probe), grads, variables = model._compute_gradients_(x, y, sample_weight)

        def update() -> None:
            pending.commit()
            model._apply_gradients_(grads, variables, x, y_pred)
            model._track_(x, y, y_pred, sample_weight, loss)

        _conditionally(model, probe, [loss, *grads], update)
    return None


def unguarded_step(model: Stepping, data: Any) -> None:
    """The default step, which takes effect whatever came out."""
    x, y, sample_weight, *rows = data
    with CallContext(True, rows=rows[0] if rows else None):
        (loss, y_pred, _), grads, variables = model._compute_gradients_(x, y, sample_weight, probed=False)
        model._apply_gradients_(grads, variables, x, y_pred)
        model._track_(x, y, y_pred, sample_weight, loss)


def state_of(model: Stepping) -> list[Variable]:
    """All that an unguarded step may change."""
    return model._variables_of_("unguarded")


def copy_step(model: Stepping, data: Any) -> list[Array]:
    """A copy of the state."""
    return [copy(v.value) for v in state_of(model)]


def probed_of(model: Stepping) -> list[Variable]:
    """What of that state a step whose loss or gradient is not finite leaves so; metrics may be infinite by themselves, all but the mean of the loss."""
    return model._variables_of_("probed")


def probe_step(model: Stepping, data: Any) -> Array:
    """Whether what `probed_of` gives is finite, as `are_finite` takes it."""
    return finite_probe([v.value for v in probed_of(model)])


def default_train_step(model: Stepping, data: Any) -> dict[str, Array]:
    """The same without the check, as part of a step that somebody else has wrapped; gives the metrics so far."""
    x, y, sample_weight = data
    (loss, y_pred, _), grads, variables = model._compute_gradients_(x, y, sample_weight, probed=False)
    model._apply_gradients_(grads, variables, x, y_pred)
    logs = model._track_(x, y, y_pred, sample_weight, loss)
    return model.get_metrics_result() if logs is None else logs


def _custom_train_step(model: Stepping, data: Any) -> Any:
    with StateScope() as pending, CallContext(training=True):
        logs = own_step(model, "train_step", _as_given(data))
    floats = [value for variable, value in pending.written.values() if variable.trainable]
    _conditionally(model, finite_probe(floats) if floats else None, floats, pending.commit)
    return logs


def _as_given(data: Any) -> Any:
    """x, (x, y) or (x, y, sample_weight): what is not there is left out."""
    return data if data[2] is not None else data[:2] if data[1] is not None else data[0]


def _conditionally(model: Stepping, probe: Array | None, values: Sequence[Array], update: Callable[[], None]) -> None:
    """Runs the update where all values are finite, and remembers the first step where they are not."""
    health = model._health_
    if health.policy == "ignore" or probe is None or model.optimizer._skips_nonfinite_:  # loss scaling must see what overflowed
        update()
        return
    good = are_finite(probe, values)
    if health.policy == "raise":  # after the first bad step nothing moves until the host has seen it
        good = health.and_none_before(good)
    when(good, update)
    health.note(good)


def test_step(model: Stepping, data: Any) -> Any:
    """Loss and metrics of one batch."""
    x, y, sample_weight, *rows = data
    with CallContext(False, rows=rows[0] if rows else None):
        if model._gives_own_logs_("test_step"):
            return own_step(model, "test_step", _as_given(data))
        model._update_metrics_(x, y, sample_weight)
    return None


def predict_step(model: Stepping, data: Any) -> Any:
    """Outputs for one batch."""
    if model._uses_default_step_("predict_step"):
        return model.predict_step(data)
    return own_step(model, "predict_step", data)
