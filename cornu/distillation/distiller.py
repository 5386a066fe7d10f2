"""The model that trains a student by its teacher."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

from cornu import registry, serialization, tree
from cornu.distillation.loss import DISTILLATION, DistillationLoss
from cornu.errors import ArgumentError, NotBuiltError, ShapeError
from cornu.metrics import Mean
from cornu.models import Model
from cornu.models.functional import Graph
from cornu.ops.arguments import Array
from cornu.ops.core import stop_gradient
from cornu.registry import MODELS
from cornu.training.trainer import Trainer

__all__ = ["Distiller"]

_WHOLE = ""
"""Stands for the outputs of the model, among names of layers."""


class Distiller(Model):
    """Trains a student on labels and on what its teacher says of the same inputs.

        loss = w · student loss + (1 − w) · Σᵢ wᵢ · distillation lossᵢ

    The student loss is what `compile` is given, with sample weights and penalties; the distillation losses count every row alike. The
    outputs are the student's. The teacher is frozen, and runs as at inference. Reported beside `loss` are `student_loss`,
    `distillation_loss` (the sum, before 1 − w) and `total_loss`, which is `loss` under the name that Keras has for it.

    Args:
        teacher: a trained model; it is made untrainable.
        student: the model to train, for the same inputs.
        distillation_losses: one `DistillationLoss`, or a list.
        distillation_loss_weights: wᵢ, one number for each loss, all 1 by default.
        student_loss_weight: w, from 0 to 1. With 0 the student loss is not computed, with 1 the teacher is not run.
        name: the model's name.

    Attributes:
        student: the student, to be used by itself after training.
        teacher: the teacher.

    Raises:
        ArgumentError: a weight is out of range, or there are more or fewer weights than losses.
        ShapeError: the models take inputs of different shapes.
        UnknownNameError: a loss names a layer that its model does not have.

    Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015.

    >>> import cornu
    >>> teacher = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(16, "relu"), cornu.layers.Dense(3)])
    >>> student = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(3)])
    >>> distiller = Distiller(teacher, student, cornu.distillation.FeatureDistillation("mse"), student_loss_weight=0.1)
    >>> distiller.compile("adam", cornu.losses.SparseCategoricalCrossentropy(from_logits=True))
    >>> len(distiller.trainable_variables)
    2
    """

    def __init__(
        self,
        teacher: Model,
        student: Model,
        distillation_losses: DistillationLoss | Sequence[DistillationLoss],
        distillation_loss_weights: float | Sequence[float] | None = None,
        student_loss_weight: float = 0.5,
        name: str | None = "distiller",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        chosen: list[Any] = list(distillation_losses) if isinstance(distillation_losses, (list, tuple)) else [distillation_losses]
        _check_models(teacher, student)
        _check_losses(chosen, teacher, student)
        if not 0 <= student_loss_weight <= 1:
            raise ArgumentError(f"student_loss_weight must be from 0 to 1, got {student_loss_weight!r}.")
        self.distillation_losses: list[DistillationLoss] = chosen
        self.distillation_loss_weights = _weights(distillation_loss_weights, len(chosen))
        self.student_loss_weight = student_loss_weight
        teacher.trainable = False
        self.teacher, self.student = teacher, student
        self._parts_of: dict[str, Graph] = {}
        self._seen: tuple[Any, dict[str, Any]] | None = None
        self.student_loss_tracker = Mean(name="student_loss")
        self.distillation_loss_tracker = Mean(name="distillation_loss")
        self.total_loss_tracker = Mean(name="total_loss")

    # --- the forward pass -------------------------------------------------------------------------------------------------

    def call(self, inputs: Any, training: bool | None = None) -> Any:  # type: ignore[override]  # masks come with the inputs
        """The student's outputs."""
        found = self._features("student", inputs, training)
        self._seen = (found[_WHOLE], found)
        return found[_WHOLE]

    def _features(self, which: str, inputs: Any, training: bool | None) -> dict[str, Any]:
        """What the layers give that the losses name, and under "" the model's outputs, all of one pass."""
        model = self.teacher if which == "teacher" else self.student
        names: set[Any] = {getattr(one, f"{which}_layer_name") for one in self.distillation_losses} - {None}
        if not names:
            return {_WHOLE: model(inputs, training=training)}
        if which not in self._parts_of:
            self._parts_of[which] = _graph(model, sorted(names))
        graph = self._parts_of[which]
        return graph.pack(graph(inputs, training)[0])

    # --- the loss ---------------------------------------------------------------------------------------------------------

    def compile(  # type: ignore[override]  # the rest by name, as Keras has it
        self, optimizer: Any = "adam", loss: Any = None, metrics: Any = None, **kwargs: Any
    ) -> None:
        """Says how the student is trained and measured; the arguments are `Model.compile`'s.

        Raises:
            ArgumentError: there is no loss, while `student_loss_weight` is above 0.
        """
        if loss is None and self.student_loss_weight > 0:
            raise ArgumentError(
                f"A student loss of weight {self.student_loss_weight} needs a loss, got None. Give `loss`, or make the distiller with student_loss_weight=0."
            )
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kwargs)

    def get_compile_config(self) -> dict[str, Any] | None:
        """What `compile` was given, for files."""
        return Trainer.get_compile_config(self) or {}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as a file says; warns where it does not say the loss, as files of Keras do not, and leaves that to the caller."""
        if config.get("loss") is None and self.student_loss_weight > 0:
            warnings.warn(f"The file does not say the student loss of {self.name!r}: call `compile` before training goes on.", stacklevel=2)
            return
        super().compile_from_config(config)

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True) -> Array:
        """The student loss and the distillation losses, each by its weight."""
        w = self.student_loss_weight
        rows = tree.flatten(x)[0].shape[0]
        supervised = super().compute_loss(x, y, y_pred, sample_weight, training) if w > 0 else None
        taught = self._distillation_loss(x, y_pred, training) if w < 1 else None
        if supervised is None or taught is None:
            total = taught if supervised is None else supervised
        else:
            total = supervised * w + taught * (1 - w)
        for tracker, value in (
            (self.student_loss_tracker, supervised),
            (self.distillation_loss_tracker, taught),
            (self.total_loss_tracker, total),
        ):
            tracker.update_state(0.0 if value is None else value, rows)
        return total

    def _distillation_loss(self, x: Any, y_pred: Any, training: bool) -> Array:
        """Σᵢ wᵢ · distillation lossᵢ."""
        theirs = tree.map_structure(stop_gradient, self._features("teacher", x, training=False))
        seen, self._seen = self._seen, None
        same = seen is not None and tree.flatten(seen[0])[0] is tree.flatten(y_pred)[0]
        own = {**(seen[1] if same and seen else self._features("student", x, training)), _WHOLE: y_pred}
        total: Any = None
        for weight, one in zip(self.distillation_loss_weights, self.distillation_losses, strict=True):
            value = one.compute_loss(theirs[one.teacher_layer_name or _WHOLE], own[one.student_layer_name or _WHOLE]) * weight
            total = value if total is None else total + value
        return total

    def _finished_(self, result: Any) -> Any:
        """No traced value may outlive the trace."""
        self._seen = None
        return super()._finished_(result)

    # --- the student's description ------------------------------------------------------------------------------------------

    @property
    def _output_names_(self) -> Sequence[str]:
        """The names of the student's outputs."""
        return self.student._output_names_

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, models and losses as configurations."""
        return {**super().get_config(), "distillation_losses": [serialization.serialize(one) for one in self.distillation_losses]}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Self:
        """The distiller that `get_config` described, with fresh weights."""
        with registry.scope(custom_objects):
            chosen = [serialization.deserialize(one, role=DISTILLATION) for one in config["distillation_losses"]]
            return super().from_config({**config, "distillation_losses": chosen})


MODELS.add(Distiller, module="keras.distillation")


def _weights(given: Any, count: int) -> list[float]:
    if given is None:
        return [1.0] * count
    weights = [float(w) for w in (given if isinstance(given, (list, tuple)) else [given])]
    if len(weights) != count:
        raise ArgumentError(
            f"There must be one of distillation_loss_weights for each of {count} distillation loss(es), got {len(weights)}."
        )
    return weights


def _check_models(teacher: Any, student: Any) -> None:
    for role, model in (("teacher", teacher), ("student", student)):
        if not isinstance(model, Model):
            raise ArgumentError(f"The {role} must be a Model, got {model!r} ({type(model).__name__}).")
    theirs, own = teacher.inputs, student.inputs
    if theirs is None or own is None:
        return  # known when data comes
    if len(theirs) != len(own) or any(not _meet(t.shape, s.shape) for t, s in zip(theirs, own, strict=True)):
        raise ShapeError(
            f"Teacher and student must take the same inputs, got shapes {[t.shape for t in theirs]} of {teacher.name!r} "
            f"and {[s.shape for s in own]} of {student.name!r}."
        )


def _meet(one: Sequence[int | None], other: Sequence[int | None]) -> bool:
    return len(one) == len(other) and all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))


def _check_losses(chosen: Sequence[Any], teacher: Model, student: Model) -> None:
    if not chosen:
        raise ArgumentError("A Distiller needs one distillation loss at least, got an empty list. Give e.g. `LogitsDistillation()`.")
    for one in chosen:
        if not isinstance(one, DistillationLoss):
            raise ArgumentError(f"Each distillation loss must be a DistillationLoss, got {one!r} ({type(one).__name__}).")
        one.validate_model_compatibility(teacher, student)


def _graph(model: Model, names: Sequence[str]) -> Graph:
    """The model's graph with more outputs: those of the layers of these names."""
    if model._graph_ is None:
        raise NotBuiltError(
            f"Features of {', '.join(names)} need a model made from a graph, or a Sequential that is built; {model.name!r} is neither."
        )
    return Graph(model.input, {_WHOLE: model.output, **{name: model.get_layer(name).output for name in names}})
