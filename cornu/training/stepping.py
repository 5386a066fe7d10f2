"""The part of a model that its steps are made of: loss, gradients, metrics, and the programs that run them."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from cornu import dtypes, tree
from cornu.errors import DataError, NotCompiledError
from cornu.layers import context, tracking
from cornu.layers.layer import Layer
from cornu.ops.arguments import Array
from cornu.ops.finite import finite_probe
from cornu.ops.reduce import count_nonzero, mean
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

    _objective: Any = None
    _scores: Any = None
    _loss_mean: Any = None
    _compile_arguments: dict[str, Any]
    optimizer: Any = None
    health: Health
    compiled = False
    _settled = False
    _built_at = -1
    _trained_at = -1
    _trained_variables: list[Variable]
    _found_at = -1
    _found_variables: dict[str, list[Variable]]
    _ready: dict[Any, Values]
    _ready_at = -1
    _values: Values
    _ids: tuple[int, Values | None] = (-1, None)

    @property
    def loss(self) -> Any:
        """The loss that `compile` was given."""
        return self._compile_arguments["loss"] if self.compiled else None

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
            logs = self.update_metrics(*unpack(batch))
            return self.get_metrics_result() if logs is None else logs

        return as_function(self, "test_step", scored, state, data)

    def predict_step(self, state: Any = None, data: Any = None) -> Any:
        """The outputs for one batch."""
        outputs = self._part("outputs", self._outputs, self.variables_in_use)
        return as_function(self, "predict_step", lambda batch: outputs(unpack(batch)[0]), state, data)

    def _outputs(self, x: Any) -> Any:
        return self(x, training=False)

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True) -> Array:
        """The loss of a batch: of the outputs against the targets, plus what layers added and regularizers ask."""
        total = None
        if self._objective is not None and y_pred is not None:
            outputs, targets, weights, masks = self._aligned(y, y_pred, sample_weight)
            total = self._objective(targets, outputs, weights, masks)
        for extra in self.losses:
            extra = mean(extra) if len(extra.shape) else extra
            total = extra if total is None else total + extra
        if total is None:
            raise NotCompiledError("There is nothing to minimise: give `compile` a loss, or call `add_loss` in a layer.")
        return total

    def loss_of(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, *, training: bool) -> Array:
        """`compute_loss`, which hears of `training` where a subclass's has a parameter for it."""
        known = {"training": training} if _takes_training(type(self).compute_loss) else {}
        return self.compute_loss(x, y, y_pred, sample_weight, **known)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Array]:
        """Takes a batch into account; gives the metrics so far."""
        self._update_scores(y, y_pred, sample_weight)
        return self.get_metrics_result()

    # --- pieces of the steps -------------------------------------------------------------------------------------------

    def uses_default_step(self, name: str) -> bool:
        """Whether the step of that name is the one written here, not a subclass's."""
        return getattr(type(self), name) is getattr(Stepping, name)

    def gives_own_logs(self, step: str) -> bool:
        """Whether what a step gives is the model's own: the step, or `compute_metrics`, is a subclass's."""
        return not (self.uses_default_step(step) and self.uses_default_step("compute_metrics"))

    def compute_gradients(
        self, x: Any, y: Any, sample_weight: Any, *, probed: bool = True
    ) -> tuple[tuple[Array, Any, Array | None], list[Array], list[Variable]]:
        """Forward and backward: loss, outputs and, if asked for, a probe of their soundness; the gradients; and whose they are."""
        name, forth_and_back = ("probed gradients", self._probed_gradients) if probed else ("gradients", self._gradients)
        part = self._part(name, forth_and_back, self.variables_in_use)
        loss, y_pred, probe, masks, grads = part(x, y, sample_weight)
        self._put_masks(y_pred, masks)
        return (loss, y_pred, probe), grads, self._trained()

    def _probed_gradients(self, x: Any, y: Any, sample_weight: Any) -> tuple[Array, Any, Array, list[Any], list[Array]]:
        loss, y_pred, _, masks, grads = self._gradients(x, y, sample_weight)
        return loss, y_pred, finite_probe([loss, *grads]), masks, grads

    def _gradients(self, x: Any, y: Any, sample_weight: Any) -> tuple[Array, Any, None, list[Any], list[Array]]:
        def forward() -> tuple[Array, Any]:
            y_pred = self(x, training=True)
            loss = self.loss_of(x, y, y_pred, sample_weight, training=True)
            return self.optimizer.scale_loss(loss), (loss, y_pred, self._masks(y_pred))

        variables = self._trained()
        with context.CallContext(training=True):  # its own: a recording of this must leave nothing in that of the step
            (_, (loss, y_pred, masks)), grads = value_and_grad(forward, variables) if variables else (forward(), [])
        return loss, y_pred, None, masks, grads

    @staticmethod
    def _put_masks(y_pred: Any, masks: list[Any]) -> None:
        """A transform may give the outputs a new identity, and their masks must follow."""
        around = context.active()
        if around is not None:
            for output, mask in zip(tree.flatten(y_pred), masks, strict=True):
                if mask is not None:
                    around.set_mask(output, mask)

    def apply_gradients(self, grads: list[Array], variables: list[Variable], x: Any, y_pred: Any) -> None:
        """Has the optimizer change the variables. When it gathers several batches first, each counts by its rows, or by the steps its mask leaves."""
        if not self.optimizer.gradient_accumulation_steps:
            self.optimizer.apply(grads, variables)
            return
        masks = [mask for mask in self._masks(y_pred) if mask is not None]
        self.optimizer.apply_weighted(grads, variables, weight=count_nonzero(masks[0]) if masks else _rows(x))

    def track(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, loss: Array) -> dict[str, Array] | None:
        """Brings the running loss and the metrics up to date; gives what a `compute_metrics` of the model's own gives."""
        if not self.uses_default_step("compute_metrics"):
            self._loss_mean.update_state(loss, _rows(x))
            return self.compute_metrics(x, y, y_pred, sample_weight)
        self._part("track", self._track, lambda: [v for m in self.metrics for v in m.variables])(
            y, y_pred, sample_weight, loss, self._masks(y_pred), _rows(x)
        )
        return None

    def _track(self, y: Any, y_pred: Any, sample_weight: Any, loss: Array, masks: list[Any], rows: int) -> None:
        with context.CallContext(training=True):
            self._put_masks(y_pred, masks)
            self._loss_mean.update_state(loss, rows)
            self._update_scores(y, y_pred, sample_weight)

    def _part(self, name: str, fn: Any, variables: Any) -> ReplayedPart:
        """A part of the steps, which backends that run as written may record."""
        parts = self.__dict__.setdefault("_parts", {})
        if name not in parts:
            parts[name] = ReplayedPart(
                fn,
                variables,
                lambda: is_replayable(self) and not ("gradients" in name and self._draws()),
                compiled=getattr(self, "jit_compile", None) is True,
            )
        return parts[name]

    def _draws(self) -> bool:
        """Whether a layer draws random numbers in training: a recording would repeat the key that it was made with."""
        return any(tracking.seed_generators(layer) for layer in tracking.walk(self))

    def variables_in_use(self) -> list[Variable]:
        """All variables that a forward pass may read or assign."""
        return list(self.variables)

    def _trained(self) -> list[Variable]:
        """The trainable variables, looked for again when the structure version has moved on."""
        if self._trained_at != structure_version():
            self._trained_variables, self._trained_at = self.trainable_variables, structure_version()
        return self._trained_variables

    def update_metrics(self, x: Any, y: Any, sample_weight: Any) -> dict[str, Array] | None:
        """A forward pass without training; loss and metrics are brought up to date. Gives what a `compute_metrics` of the model's own gives."""
        y_pred = self(x, training=False)
        if self._objective is not None and (self.loss is not None or self.losses or not self.uses_default_step("compute_loss")):
            loss = self.loss_of(x, y, y_pred, sample_weight, training=False)
            self._loss_mean.update_state(loss, _rows(x))
        if not self.uses_default_step("compute_metrics"):
            return self.compute_metrics(x, y, y_pred, sample_weight)
        self._update_scores(y, y_pred, sample_weight)
        return None

    def _update_scores(self, y: Any, y_pred: Any, sample_weight: Any) -> None:
        if self._scores is not None and self._scores.metrics:
            outputs, targets, weights, masks = self._aligned(y, y_pred, sample_weight)
            self._scores.update(targets, outputs, weights, masks)

    def _masks(self, y_pred: Any) -> list[Any]:
        around = context.active()
        return [None if around is None else around.mask_of(x) for x in tree.flatten(y_pred)]

    def _aligned(self, y: Any, y_pred: Any, sample_weight: Any) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
        """Outputs, targets, weights and masks, each with one entry for each output."""
        if (
            self._settled
            and not isinstance(y_pred, (dict, list, tuple))
            and not isinstance(y, (dict, list, tuple))
            and not tree.is_nested(sample_weight)
        ):
            return [y_pred], [y], [sample_weight], self._masks(y_pred)
        outputs, names = tree.flatten(y_pred), self._names_of(y_pred)
        self._objective.build(names, keyed=isinstance(y_pred, dict))
        targets = ready.arranged(y, names, self._objective.losses)
        weights = [sample_weight] * len(names) if not tree.is_nested(sample_weight) else per_output(sample_weight, names, "sample weights")
        if self._scores is not None:
            self._scores.build(names, self._objective.losses, targets, outputs)
        self._settled = True
        return outputs, targets, weights, self._masks(y_pred)

    def _names_of(self, y_pred: Any) -> list[str]:
        if isinstance(y_pred, dict):
            return [
                f"{key}_{i}" if tree.is_nested(y_pred[key]) else key
                for key in sorted(y_pred)
                for i in range(len(tree.flatten(y_pred[key])))
            ]
        named = getattr(self, "output_names", None)
        flat = tree.flatten(y_pred)
        return named if named and len(named) == len(flat) else [f"output_{i + 1}" for i in range(len(flat))]

    # --- metrics --------------------------------------------------------------------------------------------------------

    @property
    def metrics(self) -> list[Any]:
        """The running mean of the loss, those of each output's, the metrics of `compile`, and those kept in attributes."""
        own = [m for layer in tracking.walk(self) for m in tracking.metrics(layer) if m is not getattr(layer, "_loss_mean", None)]
        if not self.compiled:
            return own
        found = [self._loss_mean, *self._objective.metrics, *self._scores.metrics, *own]
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

    def program(self, kind: str) -> CompiledStep:
        """The compiled step of a kind, one of `_STEPS`; made on first use."""
        context.forget_losses(tracking.walk(self))
        programs = self.__dict__.setdefault("_programs", {})
        if kind not in programs:
            step, asked = _STEPS[kind], getattr(self, "jit_compile", "auto")
            jit = False if getattr(self, "run_eagerly", False) else None if asked == "auto" else bool(asked)
            programs[kind] = CompiledStep(
                lambda *data: self._finished(step(self, data)), lambda: self.variables_of(kind), jit=jit, name=kind
            )
        return programs[kind]

    @property
    def compilations(self) -> list[Compilation]:
        """The compile ledger: each program compiled for this model since it was last compiled or changed, for which batches, why, and how long it took.

        Steps that run as written (PyTorch, `run_eagerly=True`) are not in it.
        """
        return [entry for program in self.__dict__.get("_programs", {}).values() for entry in program.ledger]

    def _finished(self, result: Any) -> Any:
        """No traced value may outlive the trace among the losses that layers added."""
        context.forget_losses(tracking.walk(self))
        return result

    def variables_of(self, kind: str) -> list[Variable]:
        """All variables that the steps of a kind may read or write; looked for again when the set of variables has changed anywhere."""
        if self._found_at != structure_version():
            self._found_variables, self._found_at = {}, structure_version()
        if kind not in self._found_variables:
            self._found_variables[kind] = self._find_variables(kind)
        return self._found_variables[kind]

    def _find_variables(self, kind: str) -> list[Variable]:
        own = list(self.variables)
        if kind != "predict":
            own += [v for m in self.metrics for v in m.variables]
        if kind == "train":
            own += self.health.variables
        if kind not in ("predict", "test"):
            own += self.optimizer.variables
            own += [v for layer in tracking.walk(self) for other in tracking.optimizers(layer) for v in other.variables]
        if kind == "probed":
            free = {id(v) for m in self.metrics if m is not self._loss_mean for v in m.variables}
            own = [v for v in own if dtypes.is_floating(v.dtype) and id(v) not in free]
        return own

    def ensure_built(self, x: Any) -> None:
        """Builds the model for data like this batch."""
        if self._built_at != structure_version():
            ready.build(self, x)
            self._built_at = structure_version()

    def ensure_ready(self, x: Any, y: Any, sample_weight: Any, *, training: bool) -> None:
        """Builds what depends on the data's shapes: weights, losses, metrics, the optimizer's slots; checks the data against the model."""
        self.ensure_built(x)
        kind = (training, ready.signature((x, y, sample_weight)))
        if self._ready_at != structure_version() or kind not in self._ready:
            found = ready.make_ready(self, x, y, sample_weight, training=training)
            self._ready = {**(self._ready if self._ready_at == structure_version() else {}), kind: found}
            self._ready_at = structure_version()
        self._values = self._ready[kind]

    def check_values(self, x: Any, y: Any, sample_weight: Any, batch: int | None = None) -> None:
        """Raises where a label or an id is out of range; after `ensure_ready` for data like this."""
        if self._values:
            self._values.check(x, y, sample_weight, batch=batch)


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


def _rows(x: Any) -> int:
    """The number of rows of a batch."""
    return tree.flatten(x)[0].shape[0]


def _reported(metric: Any) -> str:
    return getattr(metric, "reported_name", None) or metric.name
