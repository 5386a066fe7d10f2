"""What targets must be for the losses of a model's outputs, and what an output's end must be for its loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cornu.errors import ArgumentError, DataError, ShapeError, nearest
from cornu.training.checks import Shape, listed, refuse_text, sentences, shown
from cornu.training.endings import Ending
from cornu.training.kinds import kind_of, settings_of

__all__ = ["check_losses", "check_targets", "targets_by_name"]


def targets_by_name(y: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    """Targets from a dict by output name, in the outputs' order; None for an output that has none.

    Raises:
        DataError: a key is no output's name.
    """
    unknown = [key for key in y if key not in names]
    if unknown:
        guess = nearest(str(unknown[0]), [name for name in names if name not in y] or names, 1)
        hint = f"Did you mean {guess[0]!r} by {unknown[0]!r}? " if guess else ""
        raise DataError(
            sentences(
                f"y must be keyed by the model's outputs, {listed(names)}, got {listed(map(str, y))}.",
                f"{hint}Rename the key, or the layer that gives the output: `Dense(…, name=…)`.",
            )
        )
    return [y.get(name) for name in names]


def check_losses(names: Sequence[str], losses: Sequence[Any], outputs: Sequence[Any], endings: Sequence[Ending]) -> None:
    """Raises where an output's end and its loss contradict each other.

    Raises:
        ArgumentError: probabilities under a loss for logits; a softmax, or a choice of classes, over a single unit.
    """
    for name, loss, output, ending in zip(names, losses, outputs, endings, strict=True):
        if ending.activation == "softmax" and ending.units == 1:
            raise ArgumentError(
                sentences(
                    f"A softmax needs two units or more; layer {ending.layer!r} (output {name!r}, shape {shown(output.shape)}) has one, "
                    "and so is 1 whatever the input.",
                    "For two classes use `Dense(1, activation='sigmoid')` and 'binary_crossentropy'; for more, a unit for each class.",
                )
            )
        kind = kind_of(loss)
        settings = settings_of(loss) if kind in ("classes", "distributions", "shares") else {}
        if ending.activation is not None and settings.get("from_logits"):
            raise ArgumentError(
                sentences(
                    f"The loss of output {name!r}, {loss.name} with from_logits=True, applies the {_inverse(kind)} itself, "
                    f"and layer {ending.layer!r} gives {ending.activation} outputs already.",
                    f"Leave out `activation='{ending.activation}'` in {ending.layer!r}, or `from_logits=True` in the loss.",
                )
            )
        if kind in ("classes", "distributions") and output.shape[settings.get("axis", -1)] == 1:
            raise ArgumentError(
                sentences(
                    f"The loss of output {name!r}, {loss.name}, chooses among classes and needs a unit for each; the output has one unit, "
                    f"shape {shown(output.shape)}, so the loss would be the same whatever the weights.",
                    "For two classes use `Dense(1, activation='sigmoid')` and 'binary_crossentropy'; for more, a unit for each class.",
                )
            )


def _inverse(kind: str | None) -> str:
    return "sigmoid" if kind == "shares" else "softmax"


def check_targets(
    names: Sequence[str], losses: Sequence[Any], outputs: Sequence[Any], targets: Sequence[Any], wanted: Sequence[str] = ()
) -> None:
    """Raises where targets cannot be what an output's loss compares it with.

    Args:
        names, losses, outputs, targets: one of each for every output; outputs and targets with shapes and dtypes.
        wanted: names of outputs whose targets something else asks for, such as metrics.

    Raises:
        DataError: targets are missing, are text, or are of the kind that another loss takes.
        ShapeError: targets have a shape that the loss cannot compare with the output's.
    """
    for name, loss, output, target in zip(names, losses, outputs, targets, strict=True):
        if target is None:
            if loss is not None or name in wanted:
                raise DataError(_missing(name, loss, names, targets))
            continue
        if not hasattr(target, "shape"):
            continue
        refuse_text([(f"the targets of output {name!r}", target)])
        kind, y, y_pred = kind_of(loss), tuple(target.shape), tuple(output.shape)
        if kind == "classes":
            _check_classes(name, loss, y, y_pred, settings_of(loss).get("axis", -1))
        elif kind is not None and not _agree(*_aligned(y, y_pred)):
            raise _wrong_shape(name, loss, kind, y, y_pred)


def _missing(name: str, loss: Any, names: Sequence[str], targets: Sequence[Any]) -> str:
    asks = f"has the loss {loss.name}" if loss is not None else "has metrics"
    given = [n for n, t in zip(names, targets, strict=True) if t is not None]
    got = f"got targets for {listed(given)} only" if given else "got none"
    how = "y" if len(names) == 1 else f"y={{{', '.join(f'{n!r}: …' for n in names[:4])}}}"
    return sentences(
        f"Output {name!r} {asks} and needs targets, {got}.", f"Give {how}, or compile without a loss and metrics for this output."
    )


def _check_classes(name: str, loss: Any, y: Shape, y_pred: Shape, axis: int) -> None:
    at = axis % len(y_pred)
    without = y_pred[:at] + y_pred[at + 1 :]
    if len(y) == len(y_pred) and y[at] == 1:
        y_seen = y[:at] + y[at + 1 :]
    else:
        y_seen = y
    if _agree(y_seen, without):
        return
    classes = y_pred[at]
    takes = (
        f"Output {name!r} has the loss {loss.name}, which takes class numbers of shape {shown(without)}, got targets of shape {shown(y)}."
    )
    if len(y) == len(y_pred) and _agree(y, y_pred):
        raise DataError(
            sentences(
                takes, f"They look one-hot: use the loss 'categorical_crossentropy', or give their class numbers, `y.argmax({axis})`."
            )
        )
    if len(y) == len(y_pred):
        raise ShapeError(
            sentences(
                takes,
                f"One-hot rows would have {classes} entries, as the output has units; class numbers have none: shape {shown(without)}.",
            )
        )
    raise ShapeError(
        sentences(takes, "Give one class number for each place of the output, or change the layers before it (Flatten, pooling).")
    )


def _wrong_shape(name: str, loss: Any, kind: str, y: Shape, y_pred: Shape) -> Exception:
    units = y_pred[-1] if y_pred else None
    numbers_like = len(y) < len(y_pred) or (len(y) == len(y_pred) and y[-1] == 1)
    got = f"got targets of shape {shown(y)} for outputs of shape {shown(y_pred)}."
    if kind == "distributions":
        takes = f"Output {name!r} has the loss {loss.name}, which takes a share for each class (one-hot rows), {got}"
        if numbers_like:
            return DataError(
                sentences(
                    takes,
                    f"For class numbers use the loss 'sparse_{loss.name.replace('_focal', '')}', or `utils.to_categorical(y, {units})`.",
                )
            )
        return ShapeError(sentences(takes, f"Give the last layer {y[-1]} units, or targets with {units} entries a row."))
    takes = f"Output {name!r} has the loss {loss.name}, which compares element by element, {got}"
    if kind == "shares" and numbers_like and units != 1:
        return ShapeError(
            sentences(
                takes,
                f"For one of {units} classes use the loss 'sparse_categorical_crossentropy'; for a yes or no, one unit with a sigmoid.",
            )
        )
    if numbers_like and len(y) == len(y_pred) - 2 + (y[-1:] == (1,)) and len(y_pred) == 3:
        return ShapeError(
            sentences(
                takes, "For one target a sequence let the last recurrent layer give its last step only (return_sequences=False), or pool."
            )
        )
    if numbers_like:
        return ShapeError(sentences(takes, f"Give the last layer one unit, or targets of shape {shown(y_pred)}."))
    return ShapeError(sentences(takes, f"Give the last layer {y[-1] if y else 1} units, or reshape the targets to {shown(y_pred)}."))


def _aligned(y: Shape, y_pred: Shape) -> tuple[Shape, Shape]:
    """Shapes as a loss aligns its arrays: a last axis of length 1 more or less does not count."""
    if len(y) + 1 == len(y_pred) and y_pred[-1] == 1:
        return y, y_pred[:-1]
    if len(y_pred) + 1 == len(y) and y[-1] == 1:
        return y[:-1], y_pred
    return y, y_pred


def _agree(first: Shape, second: Shape) -> bool:
    return len(first) == len(second) and all(a is None or b is None or a == b for a, b in zip(first, second, strict=True))
