"""The three steps, written once in ops: train, test, predict.

A training step is a transaction. What the forward pass writes (statistics, seeds, metrics) stays in a scope; the update of the weights and
that scope take effect together, where loss and gradients are finite, and not at all where they are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cornu.layers.context import CallContext
from cornu.ops.arguments import Array
from cornu.ops.dispatch import composite
from cornu.ops.elementwise import isfinite, less, logical_and
from cornu.ops.reduce import all
from cornu.state import StateScope, value_and_grad, when

if TYPE_CHECKING:
    from cornu.training.trainer import Trainer

__all__ = ["all_finite", "default_train_step", "predict_step", "test_step", "train_step"]


@composite
def all_finite(xs: Sequence[Array]) -> Array:
    """Whether no element of any of the arrays is infinite or NaN, as one boolean."""
    good = all(isfinite(xs[0]))
    for x in xs[1:]:
        good = logical_and(good, all(isfinite(x)))
    return good


def train_step(model: Trainer, data: Any) -> Any:
    """One step on a batch (x, y, sample_weight): the model's own `train_step` if it has one, else the default."""
    if not model.uses_default_step("train_step"):
        return _custom_train_step(model, data)
    with StateScope() as pending, CallContext(training=True):
        loss, grads, variables = model.compute_gradients(*data)

    def update() -> None:
        pending.commit()
        model.optimizer.apply(grads, variables)

    _conditionally(model, [loss, *grads], update)
    return None


def default_train_step(model: Trainer, data: Any) -> dict[str, Array]:
    """The same without the check, as part of a step that somebody else has wrapped; gives the metrics so far."""
    loss, grads, variables = model.compute_gradients(*data)
    model.optimizer.apply(grads, variables)
    return model.get_metrics_result()


def _custom_train_step(model: Trainer, data: Any) -> Any:
    with StateScope() as pending, CallContext(training=True):
        logs = model.train_step(data if data[2] is not None else data[:2] if data[1] is not None else data[0])
    floats = [value for variable, value in pending.written.values() if variable.trainable]
    _conditionally(model, floats, pending.commit)
    return logs


def _conditionally(model: Trainer, values: Sequence[Array], update: Any) -> None:
    """Runs the update where all values are finite, and remembers the first step where they are not."""
    health = model.health
    if health.policy == "ignore" or not values:
        update()
        return
    good = all_finite(values)
    if health.policy == "raise":  # after the first bad step nothing moves until the host has seen it
        good = logical_and(good, less(health.first_bad, 0))
    when(good, update)
    health.note(good)


def test_step(model: Trainer, data: Any) -> Any:
    """Loss and metrics of one batch."""
    with CallContext(training=False):
        if not model.uses_default_step("test_step"):
            return model.test_step(data if data[2] is not None else data[:2] if data[1] is not None else data[0])
        model.update_metrics(*data)
    return None


def predict_step(model: Trainer, data: Any) -> Any:
    """Outputs for one batch."""
    return model.predict_step(data)
