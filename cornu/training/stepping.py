"""The part of a model that its steps are made of: loss, gradients, metrics, and the programs that run them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from typing import Any

from cornu import dtypes, tree
from cornu.configurable import fact
from cornu.errors import DataError, NotCompiledError
from cornu.layers import context, tracking
from cornu.layers.layer import Layer
from cornu.ops.arguments import Array
from cornu.ops.creation import arange
from cornu.ops.elementwise import less, logical_and
from cornu.ops.finite import finite_probe
from cornu.ops.reduce import count_nonzero, mean
from cornu.ops.shaping import expand_dims
from cornu.state import Compilation, CompiledStep, ReplayedPart, Variable, value_and_grad
from cornu.state.variable import structure_version
from cornu.training import ready, steps
from cornu.training.health import Health
from cornu.training.objective import per_output
from cornu.training.ranges import Values
from cornu.training.replayable import is_replayable
from cornu.training.states import as_function

__all__ = ["Stepping"]

_STEPS = {
    "train": steps.train_step,
    "unguarded": steps.unguarded_step,
    "copy": steps.copy_step,
    "probe": steps.probe_step,
    "test": steps.test_step,
    "predict": steps.predict_step,
}


class Stepping(Layer):
    """A layer with the steps of training, evaluation and prediction, which a subclass may write itself."""

    _objective_: Any = None
    _scores_: Any = None
    _loss_mean_: Any = None
    _compile_arguments_: dict[str, Any]
    optimizer: Any = None
    _health_: Health
    compiled = False
    _settled_ = False
    __built_at = -1
    __trained_at = -1
    _trained_variables_: list[Variable]
    __found_at = -1
    _found_variables_: dict[str, list[Variable]]
    __ready: dict[Any, Values]
    _ready_at_ = -1
    __values: Values
    _ids_: tuple[int, Values | None] = (-1, None)

    @property
    def loss(self) -> Any:
        """The loss that `compile` was given."""
        return self._compile_arguments_["loss"] if self.compiled else None

    # --- what a subclass may write -------------------------------------------------------------------------------------

    def train_step(self, state: Any = None, data: Any = None) -> Any:
        """One training step on a batch: x, (x, y) or (x, y, sample_weight). Gives the metrics so far.

        A subclass may write its own, in ops, once for all backends:

            def train_step(self, data):
                x, y = data
                def forward():
                    return self.compute_loss(x, y, self(x, training=True)), None
                (loss, _), grads = cornu.value_and_grad(forward, self.trainable_variables)
                self.optimizer.apply(grads, self.trainable_variables)
                return {"loss": loss}

        A step of two parameters, `train_step(self, state, data)`, is a function without side effects, as libraries of functions like it: `state` holds
        the values of trainable, non-trainable, optimizer's and metrics' variables, and it gives the metrics and such a state. `test_step` goes
        without the optimizer's; `predict_step` takes the first two kinds, and gives the second beside the outputs. Called with both, the step
        written here is such a function; with one, that is the batch.
        """
        return as_function(self, "train_step", lambda batch: steps.default_train_step(self, unpack(batch)), state, data)

    def test_step(self, state: Any = None, data: Any = None) -> Any:
        """One evaluation step on a batch; gives the metrics so far."""

        def scored(batch: Any) -> dict[str, Array]:
            logs = self._update_metrics_(*unpack(batch))
            return self.get_metrics_result() if logs is None else logs

        return as_function(self, "test_step", scored, state, data)

    def predict_step(self, state: Any = None, data: Any = None) -> Any:
        """The outputs for one batch."""
        outputs = self.__part("outputs", self.__outputs, self._variables_in_use_)
        return as_function(self, "predict_step", lambda batch: outputs(unpack(batch)[0]), state, data)

    def __outputs(self, x: Any) -> Any:
        return self(x, training=False)

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True) -> Array:
        """The loss of a batch: of the outputs against the targets, plus what layers added and regularizers ask."""
        total = None
        if self._objective_ is not None and y_pred is not None:
            outputs, targets, weights, masks = self._aligned_(y, y_pred, sample_weight)
            total = self._objective_(targets, outputs, weights, masks)
        for extra in self.losses:
            extra = mean(extra) if len(extra.shape) else extra
            total = extra if total is None else total + extra
        if total is None:
            raise NotCompiledError("There is nothing to minimise: give `compile` a loss, or call `add_loss` in a layer.")
        return total

    def _loss_of_(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, *, training: bool) -> Array:
        """`compute_loss`, which hears of `training` where a subclass's has a parameter for it."""
        known = {"training": training} if _takes_training(type(self).compute_loss) else {}
        return self.compute_loss(x, y, y_pred, sample_weight, **known)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Array]:
        """Takes a batch into account; gives the metrics so far."""
        self.__update_scores(y, y_pred, sample_weight)
        return self.get_metrics_result()

    # --- pieces of the steps -------------------------------------------------------------------------------------------

    def _uses_default_step_(self, name: str) -> bool:
        """Whether the step of that name is the one written here, not a subclass's."""
        return getattr(type(self), name) is getattr(Stepping, name)

    def _gives_own_logs_(self, step: str) -> bool:
        """Whether what a step gives is the model's own: the step, or `compute_metrics`, is a subclass's."""
        return not (self._uses_default_step_(step) and self._uses_default_step_("compute_metrics"))

    def _compute_gradients_(
        self, x: Any, y: Any, sample_weight: Any, *, probed: bool = True
    ) -> tuple[tuple[Array, Any, Array | None], list[Array], list[Variable]]:
        """Forward and backward: loss, outputs and, if asked for, a probe of their soundness; the gradients; and whose they are."""
        name, forth_and_back = ("probed gradients", self.__probed_gradients) if probed else ("gradients", self.__gradients)
        part = self.__part(name, forth_and_back, self._variables_in_use_)
        loss, y_pred, probe, masks, grads = part(x, y, sample_weight)
        self.__put_masks(y_pred, masks)
        return (loss, y_pred, probe), grads, self.__trained()

    def __probed_gradients(self, x: Any, y: Any, sample_weight: Any) -> tuple[Array, Any, Array, list[Any], list[Array]]:
        loss, y_pred, _, masks, grads = self.__gradients(x, y, sample_weight)
        return loss, y_pred, finite_probe([loss, *grads]), masks, grads

    def __gradients(self, x: Any, y: Any, sample_weight: Any) -> tuple[Array, Any, None, list[Any], list[Array]]:
        def forward() -> tuple[Array, Any]:
            y_pred = self(x, training=True)
            loss = self._loss_of_(x, y, y_pred, sample_weight, training=True)
            return self.optimizer.scale_loss(loss), (loss, y_pred, self.__masks(y_pred))

        variables = self.__trained()
        with context.CallContext(True, rows=context.rows_counted()):  # its own: a recording of this must leave nothing in that of the step
            (_, (loss, y_pred, masks)), grads = value_and_grad(forward, variables) if variables else (forward(), [])
        return loss, y_pred, None, masks, grads

    @staticmethod
    def __put_masks(y_pred: Any, masks: list[Any]) -> None:
        """A transform may give the outputs a new identity, and their masks must follow."""
        around = context.active()
        if around is not None:
            for output, mask in zip(tree.flatten(y_pred), masks, strict=True):
                if mask is not None:
                    around.set_mask(output, mask)

    def _apply_gradients_(self, grads: list[Array], variables: list[Variable], x: Any, y_pred: Any) -> None:
        """Has the optimizer change the variables. When it gathers several batches first, each counts by its rows, or by the steps its mask leaves."""
        if not self.optimizer.gradient_accumulation_steps:
            self.optimizer.apply(grads, variables)
            return
        masks = [mask for mask in self.__masks(y_pred) if mask is not None]
        self.optimizer._apply_weighted_(grads, variables, weight=count_nonzero(masks[0]) if masks else _rows(x))

    def _track_(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, loss: Array) -> dict[str, Array] | None:
        """Brings the running loss and the metrics up to date; gives what a `compute_metrics` of the model's own gives."""
        if not self._uses_default_step_("compute_metrics"):
            self._loss_mean_.update_state(loss, _rows(x))
            return self.compute_metrics(x, y, y_pred, sample_weight)
        self.__part("track", self.__track, lambda: [v for m in self.metrics for v in m.variables])(
            y, y_pred, sample_weight, loss, self.__masks(y_pred), _rows(x)
        )
        return None

    def __track(self, y: Any, y_pred: Any, sample_weight: Any, loss: Array, masks: list[Any], rows: Any) -> None:
        with context.CallContext(True, rows=context.rows_counted()):
            self.__put_masks(y_pred, masks)
            self._loss_mean_.update_state(loss, rows)
            self.__update_scores(y, y_pred, sample_weight)

    def __part(self, name: str, fn: Any, variables: Any) -> ReplayedPart:
        """A part of the steps, which backends that run as written may record."""
        parts = self.__dict__.setdefault("_parts_", {})
        if name not in parts:
            parts[name] = ReplayedPart(
                fn,
                variables,
                lambda: is_replayable(self) and not ("gradients" in name and self.__draws()),
                compiled=getattr(self, "jit_compile", None) is True,
            )
        return parts[name]

    def __draws(self) -> bool:
        """Whether a layer draws random numbers in training: a recording would repeat the key that it was made with."""
        return any(tracking.seed_generators(layer) for layer in tracking.walk(self))

    def _variables_in_use_(self) -> list[Variable]:
        """All variables that a forward pass may read or assign."""
        return list(self.variables)

    def __trained(self) -> list[Variable]:
        """The trainable variables, looked for again when the structure version has moved on."""
        if self.__trained_at != structure_version():
            self._trained_variables_, self.__trained_at = self.trainable_variables, structure_version()
        return self._trained_variables_

    def _update_metrics_(self, x: Any, y: Any, sample_weight: Any) -> dict[str, Array] | None:
        """A forward pass without training; loss and metrics are brought up to date. Gives what a `compute_metrics` of the model's own gives."""
        y_pred = self(x, training=False)
        if self._objective_ is not None and (self.loss is not None or self.losses or not self._uses_default_step_("compute_loss")):
            loss = self._loss_of_(x, y, y_pred, sample_weight, training=False)
            self._loss_mean_.update_state(loss, _rows(x))
        if not self._uses_default_step_("compute_metrics"):
            return self.compute_metrics(x, y, y_pred, sample_weight)
        self.__update_scores(y, y_pred, sample_weight)
        return None

    def __update_scores(self, y: Any, y_pred: Any, sample_weight: Any) -> None:
        if self._scores_ is not None and self._scores_.metrics:
            outputs, targets, weights, masks = self._aligned_(y, y_pred, sample_weight)
            self._scores_.update(targets, outputs, weights, masks)

    def __masks(self, y_pred: Any) -> list[Any]:
        around = context.active()
        return [None if around is None else _counted(around, x) for x in tree.flatten(y_pred)]

    def _aligned_(self, y: Any, y_pred: Any, sample_weight: Any) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
        """Outputs, targets, weights and masks, each with one entry for each output."""
        if (
            self._settled_
            and not isinstance(y_pred, (dict, list, tuple))
            and not isinstance(y, (dict, list, tuple))
            and not tree.is_nested(sample_weight)
        ):
            return [y_pred], [y], [sample_weight], self.__masks(y_pred)
        outputs, names = tree.flatten(y_pred), self._names_of_(y_pred)
        self._objective_.build(names, keyed=isinstance(y_pred, dict))
        targets = ready.arranged(y, names, self._objective_.losses)
        weights = [sample_weight] * len(names) if not tree.is_nested(sample_weight) else per_output(sample_weight, names, "sample weights")
        if self._scores_ is not None:
            self._scores_.build(names, self._objective_.losses, targets, outputs)
        self._settled_ = True
        return outputs, targets, weights, self.__masks(y_pred)

    @property
    def _output_names_(self) -> Sequence[str]:
        """The names of the outputs, where they are known before any is there."""
        return ()

    def _names_of_(self, y_pred: Any) -> list[str]:
        if isinstance(y_pred, dict):
            return [
                f"{key}_{i}" if tree.is_nested(y_pred[key]) else key
                for key in sorted(y_pred)
                for i in range(len(tree.flatten(y_pred[key])))
            ]
        named, flat = list(self._output_names_), tree.flatten(y_pred)
        return named if named and len(named) == len(flat) else [f"output_{i + 1}" for i in range(len(flat))]

    # --- metrics --------------------------------------------------------------------------------------------------------

    @property
    def metrics(self) -> list[Any]:
        """The running mean of the loss, those of each output's, the metrics of `compile`, and those kept in attributes."""
        own = [m for layer in tracking.walk(self) for m in tracking.metrics(layer) if m is not getattr(layer, "_loss_mean_", None)]
        if not self.compiled:
            return own
        found = [self._loss_mean_, *self._objective_.metrics, *self._scores_.metrics, *own]
        return list({id(m): m for m in found}.values())

    @property
    def metrics_names(self) -> list[str]:
        """The names of the metrics, "loss" first, as `evaluate` gives them."""
        return [_reported(m) for m in self.metrics]

    def reset_metrics(self) -> None:
        """All metrics start anew."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict[str, Array]:
        """The metrics so far, by name."""
        results: dict[str, Any] = {}
        for metric in self.metrics:
            value = metric.result()
            results.update(value if isinstance(value, dict) else {_reported(metric): value})
        return results

    # --- making ready ----------------------------------------------------------------------------------------------------

    def _program_(self, kind: str) -> CompiledStep:
        """The compiled step of a kind, one of `_STEPS`; made on first use."""
        context.forget_losses(tracking.walk(self))
        programs = self.__dict__.setdefault("_programs_", {})
        if kind not in programs:
            step, asked = _STEPS[kind], getattr(self, "jit_compile", "auto")
            jit = False if getattr(self, "run_eagerly", False) else None if asked == "auto" else bool(asked)
            programs[kind] = CompiledStep(
                lambda *data: self._finished_(step(self, data)), lambda: self._variables_of_(kind), jit=jit, name=kind, batches=True
            )
        return programs[kind]

    @fact
    def compilations(self) -> list[Compilation]:
        """The compile ledger: each program compiled for this model since it was last compiled or changed, for which batches, why, and how long it took.

        Steps that run as written (PyTorch, `run_eagerly=True`) are not in it. Where the last batch of a pass is filled up to the size of the
        others, a program takes beside the batch the number of rows that count, `int32[]`.
        """
        return [entry for program in self.__dict__.get("_programs_", {}).values() for entry in program.ledger]

    def _finished_(self, result: Any) -> Any:
        """No traced value may outlive the trace among the losses that layers added."""
        context.forget_losses(tracking.walk(self))
        return result

    def _variables_of_(self, kind: str) -> list[Variable]:
        """All variables that the steps of a kind may read or write; looked for again when the set of variables has changed anywhere."""
        if self.__found_at != structure_version():
            self._found_variables_, self.__found_at = {}, structure_version()
        if kind not in self._found_variables_:
            self._found_variables_[kind] = self.__find_variables(kind)
        return self._found_variables_[kind]

    def __find_variables(self, kind: str) -> list[Variable]:
        own = list(self.variables)
        if kind != "predict":
            own += [v for m in self.metrics for v in m.variables]
        if kind == "train":
            own += self._health_.variables
        if kind not in ("predict", "test"):
            own += self.optimizer.variables
            own += [v for layer in tracking.walk(self) for other in tracking.optimizers(layer) for v in other.variables]
        if kind == "probed":
            free = {id(v) for m in self.metrics if m is not self._loss_mean_ for v in m.variables}
            own = [v for v in own if dtypes.is_floating(v.dtype) and id(v) not in free]
        return own

    def _ensure_built_(self, x: Any) -> None:
        """Builds the model for data like this batch."""
        if self.__built_at != structure_version():
            ready.build(self, x)
            self.__built_at = structure_version()

    def _ensure_ready_(self, x: Any, y: Any, sample_weight: Any, *, training: bool) -> None:
        """Builds what depends on the data's shapes: weights, losses, metrics, the optimizer's slots; checks the data against the model."""
        self._ensure_built_(x)
        kind = (training, ready.signature((x, y, sample_weight)))
        if self._ready_at_ != structure_version() or kind not in self.__ready:
            found = ready.make_ready(self, x, y, sample_weight, training=training)
            self.__ready = {**(self.__ready if self._ready_at_ == structure_version() else {}), kind: found}
            self._ready_at_ = structure_version()
        self.__values = self.__ready[kind]

    def _check_values_(self, x: Any, y: Any, sample_weight: Any, batch: int | None = None) -> None:
        """Raises where a label or an id is out of range; after `ensure_ready` for data like this."""
        if self.__values:
            self.__values.check(x, y, sample_weight, batch=batch)


def unpack(data: Any) -> tuple[Any, Any, Any]:
    """x, y and sample_weight from what a step is given: x, (x,), (x, y) or (x, y, sample_weight)."""
    if not isinstance(data, tuple):
        return data, None, None
    if len(data) > 3:
        raise DataError(f"A batch is x, (x, y) or (x, y, sample_weight), got a tuple of {len(data)}.")
    return (*data, *(None,) * (3 - len(data)))


@functools.lru_cache(maxsize=64)
def _takes_training(compute_loss: Any) -> bool:
    parameters = inspect.signature(compute_loss).parameters
    return "training" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _rows(x: Any) -> Any:
    """The number of rows of a batch that count."""
    counted = context.rows_counted()
    return tree.flatten(x)[0].shape[0] if counted is None else counted


def _counted(around: context.CallContext, x: Array) -> Array | None:
    """The mask of an output, False as well in rows that were added to the batch; None where all counts."""
    mask = around.mask_of(x)
    if around.rows is None:
        return mask
    real = less(arange(x.shape[0]), around.rows)
    return real if mask is None else logical_and(mask, expand_dims(real, tuple(range(1, len(mask.shape)))))


def _reported(metric: Any) -> str:
    return getattr(metric, "_reported_name_", None) or metric.name
