"""What must hold between data, model and losses, checked before any weight moves.

Shapes, keys and kinds are compared when a run begins, and again where a source changes the shape of its batches; numbers are looked at by
`ranges`. What is not known (a user's own loss, a layer's own end) is not judged.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cornu import tree
from cornu.errors import ArgumentError, CornuError, DataError, ShapeError, nearest
from cornu.training.endings import Ending
from cornu.training.kinds import kind_of, settings_of

if TYPE_CHECKING:
    from cornu.models.functional import Graph
    from cornu.training.trainer import Trainer

__all__ = ["check_inputs", "check_losses", "check_targets", "folded", "readable", "sentences", "shown", "targets_by_name"]

Shape = tuple[int | None, ...]


def sentences(*parts: str) -> str:
    """A message, each part on a line of its own, long ones broken.

    >>> print(sentences("It must be so.", "Got another."))
    It must be so.
    Got another.
    """
    return "\n".join(textwrap.fill(part, 130, break_long_words=False, break_on_hyphens=False) for part in parts if part)


def folded(error: CornuError) -> CornuError:
    """The error with the long lines of its message broken.

    >>> str(folded(CornuError("word " * 40))).count(chr(10))
    1
    """
    error.args = (sentences(*str(error).rstrip().split("\n")), *error.args[1:])
    return error


class _Readable:
    """Inside, errors of Cornu leave with their lines broken; costs nothing where there is none."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        """Breaks the lines."""
        if isinstance(error, CornuError):
            folded(error)


readable = _Readable()


# --- inputs -------------------------------------------------------------------------------------------------------------


def check_inputs(model: Trainer, x: Any) -> None:
    """Raises where arrays cannot be the inputs of a model that is made from a graph: keys, their number, shapes, text for numbers.

    Raises:
        DataError: a key is missing or mistyped, the number of arrays differs, or an array holds text.
        ShapeError: an array has another shape than its input.
    """
    graph: Graph | None = getattr(model, "_graph", None)
    if graph is None:
        _refuse_text([("x", leaf) for leaf in tree.flatten(x)] if not _takes_text(model) else [])
        return
    if isinstance(x, Mapping):
        _check_keys(graph, x)
    for array, tensor, name in zip(graph.arrange(x), graph.flat_inputs, graph.input_names, strict=True):
        if array is not None and hasattr(array, "shape"):
            if tensor.dtype != "string":
                _refuse_text([(f"input {name!r}", array)])
            _check_input_shape(name, tensor.shape, tuple(array.shape), alone=len(graph.flat_inputs) == 1)


def _takes_text(model: Any) -> bool:
    return any("Lookup" in type(v).__name__ or "Vectorization" in type(v).__name__ for v in [model, *getattr(model, "layers", ())])


def _refuse_text(arrays: Sequence[tuple[str, Any]]) -> None:
    for name, array in arrays:
        if getattr(array, "dtype", None) == "string" or getattr(getattr(array, "dtype", None), "kind", "") in ("U", "S", "T", "O"):
            raise DataError(
                sentences(
                    f"A model computes with numbers, got text for {name} (shape {shown(array.shape)}).",
                    "Map it to numbers first: `np.unique(values, return_inverse=True)[1]` for labels and categories, TextVectorization for text.",
                )
            )


def _check_keys(graph: Graph, x: Mapping[str, Any]) -> None:
    """Raises where an input has no array; one that may be left out must not have been mistyped."""
    known = list(graph.inputs) if isinstance(graph.inputs, dict) else graph.input_names
    extra = [str(key) for key in x if key not in known]
    missing = [key for key in known if key not in x]
    optional = {tensor.node.operation.name for tensor in graph.flat_inputs if tensor.node.operation.optional}  # type: ignore[union-attr]
    guesses = {key: nearest(key, extra, 1) for key in missing}
    wrong = [key for key in missing if key not in optional or guesses[key]]
    if wrong:
        guess = next((f"Did you mean {key!r} by {guesses[key][0]!r}?" for key in wrong if guesses[key]), "")
        raise DataError(
            sentences(
                f"x must have an array for each input of the model: {_listed(known)}.",
                f"Got the keys {_listed(map(str, x))}, without {_listed(wrong)}.",
                f"{guess} Rename the key, or the Input: `Input(shape, name=…)`.".strip(),
            )
        )


def _check_input_shape(name: str, wanted: Shape, given: Shape, *, alone: bool) -> None:
    fitted = given
    if len(given) == len(wanted) - 1 and wanted[-1] == 1:
        fitted = (*given, 1)
    elif len(given) == len(wanted) + 1 and given[-1] == 1:
        fitted = given[:-1]
    if len(fitted) == len(wanted) and all(w is None or n is None or w == n for w, n in zip(wanted[1:], fitted[1:], strict=True)):
        return
    raise ShapeError(
        sentences(
            f"Input {name!r} takes arrays of shape {shown(wanted)}, got {shown(_open(given, wanted))} for {'x' if alone else f'x[{name!r}]'}.",
            _mend_of_input(wanted, given),
        )
    )


def _open(given: Shape, wanted: Shape) -> Shape:
    """The shape with its number of rows left open, if it has the axis for that."""
    return (None, *given[1:]) if len(given) >= len(wanted) else given


def _mend_of_input(wanted: Shape, given: Shape) -> str:
    rest, own = wanted[1:], given[1:]
    if given == rest or (len(given) == len(rest) and all(w in (None, n) for w, n in zip(rest, given, strict=True))):
        return "The batch axis is missing: `x[None]` makes a batch of one."
    if own != rest and len(own) > 1 and own in ((rest[-1], *rest[:-1]), (*rest[1:], rest[0])):
        return "The axes stand in another order: `np.moveaxis(x, 1, -1)` puts channels last, `np.moveaxis(x, -1, 1)` first."
    if None not in rest and None not in own and math.prod(own) == math.prod(rest):  # type: ignore[arg-type]
        return f"The numbers are as many, so `x.reshape({', '.join(['-1', *map(str, rest)])})` fits if that is their order."
    if len(given) == len(wanted) - 1:
        repeat = "" if rest[-1] in (1, None) else f", and `np.repeat(x[..., None], {rest[-1]}, axis=-1)` repeats it {rest[-1]} times"
        return f"An axis is missing: `x[..., None]` adds one of length 1 at the end (channels, features){repeat}."
    if len(given) == len(wanted) == 2:
        return f"Give {rest[-1]} features, or make the model with `Input(({own[-1]},))`."
    return f"Reshape the data, or make the model with `Input({own})`."


# --- targets ------------------------------------------------------------------------------------------------------------


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
                f"y must be keyed by the model's outputs, {_listed(names)}, got {_listed(map(str, y))}.",
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
        _refuse_text([(f"the targets of output {name!r}", target)])
        kind, y, y_pred = kind_of(loss), tuple(target.shape), tuple(output.shape)
        if kind == "classes":
            _check_classes(name, loss, y, y_pred, settings_of(loss).get("axis", -1))
        elif kind is not None and not _agree(*_aligned(y, y_pred)):
            raise _wrong_shape(name, loss, kind, y, y_pred)


def _missing(name: str, loss: Any, names: Sequence[str], targets: Sequence[Any]) -> str:
    asks = f"has the loss {loss.name}" if loss is not None else "has metrics"
    given = [n for n, t in zip(names, targets, strict=True) if t is not None]
    got = f"got targets for {_listed(given)} only" if given else "got none"
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


def shown(shape: Any) -> str:
    """A shape with `N` for the unknown number of rows."""
    lengths = ["N" if n is None and i == 0 else "any" if n is None else str(n) for i, n in enumerate(shape)]
    return f"({', '.join(lengths)}{',' if len(lengths) == 1 else ''})"


def _listed(names: Any) -> str:
    names = [repr(name) for name in names]
    return ", ".join(names[:8]) + (f", … ({len(names)} in all)" if len(names) > 8 else "")
