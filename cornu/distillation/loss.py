"""How far a student is from its teacher."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cornu import losses, registry, tree
from cornu.configurable import Configurable
from cornu.errors import ArgumentError, DataError, ShapeError
from cornu.losses import as_loss
from cornu.ops.arguments import Array
from cornu.registry import Role

__all__ = ["DISTILLATION", "DistillationLoss", "FeatureDistillation", "LogitsDistillation"]

DISTILLATION = Role("distillation loss", "keras.distillation")


class DistillationLoss(Configurable):
    """A distance between a teacher's outputs and a student's; a subclass writes `compute_loss`.

    >>> from cornu import ops
    >>> class Gap(DistillationLoss):
    ...     def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
    ...         return ops.mean(ops.abs(teacher_outputs - student_outputs))
    >>> import numpy as np
    >>> float(Gap().compute_loss(np.array([1.0, 2.0]), np.array([3.0, 2.0])))
    1.0
    """

    teacher_layer_name: str | None = None
    """The teacher's layer whose outputs are compared; the teacher's own outputs if None."""
    student_layer_name: str | None = None
    """The student's layer whose outputs are compared; the student's own outputs if None."""

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Array:
        """The loss, a scalar, for outputs of the same batch."""
        raise NotImplementedError(f"{type(self).__name__} must define `compute_loss(self, teacher_outputs, student_outputs, **kwargs)`.")

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        """Raises `DataError` where the two are of different numbers."""
        counts = len(tree.flatten(teacher_outputs)), len(tree.flatten(student_outputs))
        if counts[0] != counts[1]:
            raise DataError(
                f"Teacher and student must have as many outputs, got {counts[0]} of the teacher and {counts[1]} of the student."
            )

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        """Raises where the loss cannot be taken of these two models: where a layer that it names is not there."""
        for model, name in ((teacher, self.teacher_layer_name), (student, self.student_layer_name)):
            if name is not None:
                model.get_layer(name)

    def _config_head_(self) -> dict[str, Any]:
        """How files name the class."""
        cls = type(self)
        known = DISTILLATION.module_of(cls)
        return {"module": known, "class_name": cls.__name__, "registered_name": None if known else registry.registered_name(cls)}


class _OfEachOutput(DistillationLoss):
    """One loss for each output, added up."""

    loss: Any

    def _settle(self, loss: Any) -> None:
        """Looks the names up, and holds what they stand for."""
        self.loss = _resolved(loss)
        if not any(True for _ in _leaves(self.loss)):
            raise ArgumentError(f"{type(self).__name__} needs a loss for one output at least, got loss={loss!r}.")

    def _total(self, teacher_outputs: Any, student_outputs: Any) -> Array:
        self.validate_outputs(teacher_outputs, student_outputs)
        terms = [as_loss(loss)(t, s) for loss, t, s in _matched(self.loss, teacher_outputs, student_outputs)]
        return sum(terms[1:], terms[0])


@DISTILLATION.add
class LogitsDistillation(_OfEachOutput):
    """The loss between the outputs of teacher and student, both divided by a temperature.

        loss(teacher / T, student / T)

    The loss sees the divided outputs as they are, as in Keras: no softmax is taken, and nothing is multiplied by T². A loss that is made
    for probabilities, the default among them, is therefore right for outputs that a further function makes probabilities of; the
    distillation of the paper, of softmax(logits / T), is a loss that takes it:

    >>> import numpy as np
    >>> from cornu import losses, ops
    >>> def softened(y_true, y_pred):
    ...     return losses.kl_divergence(ops.softmax(y_true), ops.softmax(y_pred))
    >>> teacher, student = np.log([[0.25, 0.75]]), np.log([[0.5, 0.5]])
    >>> loss = LogitsDistillation(temperature=1.0, loss=softened)
    >>> round(float(loss.compute_loss(teacher, student)), 4)  # ¼ log ½ + ¾ log 3/2
    0.1308

    Args:
        temperature: T, above 0; what is typical is 3 to 5.
        loss: a name, a `Loss` or a function of (teacher's, student's); for several outputs a list or a dict in their structure, with
            None where an output is left out.

    Raises:
        ArgumentError: the temperature is not above 0, or there is no loss at all.

    Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015.
    """

    def __init__(self, temperature: float = 3.0, loss: Any = "kl_divergence") -> None:
        if not temperature > 0:
            raise ArgumentError(f"The temperature must be above 0, got {temperature!r}.")
        self.temperature = temperature
        self._settle(loss)

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Array:
        """The sum of the losses of the outputs; a scalar."""
        return self._total(self._cooled(teacher_outputs), self._cooled(student_outputs))

    def _cooled(self, outputs: Any) -> Any:
        return tree.map_structure(lambda x: x / self.temperature, outputs)


@DISTILLATION.add
class FeatureDistillation(_OfEachOutput):
    """The loss between what a layer of the teacher gives and what a layer of the student does.

        loss(teacher's features, student's features)

    Args:
        loss: a name, a `Loss` or a function of (teacher's, student's); for a layer of several outputs a list or a dict in their structure,
            with None where an output is left out.
        teacher_layer_name: a layer of the teacher; the model's own outputs if None.
        student_layer_name: a layer of the student, likewise.

    Raises:
        ArgumentError: there is no loss at all.
        ShapeError: the features have different shapes.

    Romero et al., "FitNets: Hints for Thin Deep Nets", 2015.

    >>> import numpy as np
    >>> float(FeatureDistillation().compute_loss(np.array([[1.0, 2.0]]), np.array([[3.0, 2.0]])))  # (2² + 0²) / 2
    2.0
    """

    def __init__(self, loss: Any = "mse", teacher_layer_name: str | None = None, student_layer_name: str | None = None) -> None:
        self.teacher_layer_name, self.student_layer_name = teacher_layer_name, student_layer_name
        self._settle(loss)

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        """Raises where the two are of different numbers or shapes."""
        super().validate_outputs(teacher_outputs, student_outputs)
        for t, s in zip(tree.flatten(teacher_outputs), tree.flatten(student_outputs), strict=True):
            if tuple(t.shape) != tuple(s.shape):
                raise ShapeError(
                    f"Features must have one shape, got {tuple(t.shape)} of the teacher's {self.teacher_layer_name or 'outputs'!r} and "
                    f"{tuple(s.shape)} of the student's {self.student_layer_name or 'outputs'!r}. Name layers of equal width."
                )

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Array:
        """The sum of the losses of the features; a scalar."""
        return self._total(teacher_outputs, student_outputs)


def _is_leaf(loss: Any) -> bool:
    return not isinstance(loss, (list, tuple)) and not (isinstance(loss, Mapping) and "class_name" not in loss)


def _resolved(loss: Any) -> Any:
    """The structure, with what its names and configurations stand for."""
    if _is_leaf(loss):
        return losses.get(loss)
    if isinstance(loss, Mapping):
        return {name: _resolved(one) for name, one in loss.items()}
    return [_resolved(one) for one in loss]


def _leaves(loss: Any) -> Iterator[Callable[..., Any]]:
    if not _is_leaf(loss):
        for one in loss.values() if isinstance(loss, Mapping) else loss:
            yield from _leaves(one)
    elif loss is not None:
        yield loss


def _matched(loss: Any, teacher: Any, student: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Each loss with the two outputs that are its own."""
    if _is_leaf(loss):
        if tree.is_nested(teacher) or tree.is_nested(student):
            raise ArgumentError(f"Several outputs need a loss each, in their structure, got the one loss {loss!r}. Give a list or a dict.")
        if loss is not None:
            yield loss, teacher, student
        return
    for key in loss if isinstance(loss, Mapping) else range(len(loss)):
        yield from _matched(loss[key], _part(teacher, loss, key), _part(student, loss, key))


def _part(outputs: Any, loss: Any, key: Any) -> Any:
    """The output that a key or a place of the losses stands for."""
    if isinstance(loss, Mapping):
        fits = isinstance(outputs, Mapping) and set(outputs) == set(loss)
    else:
        fits = isinstance(outputs, (list, tuple)) and len(outputs) == len(loss)
    if not fits:
        kind = f"keys {list(outputs)}" if isinstance(outputs, Mapping) else f"{len(tree.flatten(outputs))} output(s)"
        raise ArgumentError(f"The losses must have the structure of the outputs, got {loss!r} for {kind}.")
    return outputs[key]
