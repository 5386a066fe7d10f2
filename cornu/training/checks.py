"""What must hold between data, model and losses, checked before any weight moves.

Shapes, keys and kinds are compared when a run begins, and again where a source changes the shape of its batches; numbers are looked at by
`ranges`. What is not known (a user's own loss, a layer's own end) is not judged.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from cornu import backends, config, dtypes, tree
from cornu.errors import CornuError, DataError, ShapeError, nearest
from cornu.frames import OWN

if TYPE_CHECKING:
    from cornu.models.functional import Graph
    from cornu.training.stepping import Stepping

__all__ = ["check_inputs", "folded", "listed", "readable", "refuse_text", "sentences", "shown"]

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
    """Inside, errors of Cornu leave with their lines broken, and all without Cornu's inner frames; costs nothing where there is none."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        """Breaks the lines, shortens the traceback."""
        if isinstance(error, CornuError):
            folded(error)
        if error is not None and config.is_traceback_filtering_enabled():
            _without_inner_frames(trace)


def _without_inner_frames(trace: TracebackType | None) -> None:
    """Takes Cornu's own frames out of what follows the first, but for the last, where the error was raised."""
    while trace is not None:
        after = trace.tb_next
        while after is not None and after.tb_next is not None and after.tb_frame.f_code.co_filename.startswith(OWN):
            after = after.tb_next
        trace.tb_next = after
        trace = after


readable = _Readable()


# --- inputs -------------------------------------------------------------------------------------------------------------


def check_inputs(model: Stepping, x: Any) -> None:
    """Raises where arrays cannot be the inputs of a model that is made from a graph: keys, their number, shapes, text for numbers.

    Raises:
        DataError: a key is missing or mistyped, the number of arrays differs, or an array holds text.
        ShapeError: an array has another shape than its input.
    """
    graph: Graph | None = getattr(model, "_graph_", None)
    if graph is None:
        refuse_text([("x", leaf) for leaf in tree.flatten(x)] if not _takes_texts(model) else [])
        return
    if isinstance(x, Mapping):
        _check_keys(graph, x)
    for array, tensor, name, wanted in zip(graph.arrange(x), graph.flat_inputs, graph.input_names, graph.accepted, strict=True):
        if array is not None and hasattr(array, "shape"):
            if tensor.dtype != "string":
                refuse_text([(f"input {name!r}", array)])
            elif not backends.current().HOLDS_TEXTS:
                raise DataError(
                    sentences(
                        f"Input {name!r} is of texts, and the backend {backends.current().NAME!r} holds numbers alone.",
                        "Apply the layers of texts in the data pipeline, `dataset.map(lambda x, y: (layer(x), y))`, or to the arrays before "
                        "`fit` and `predict`, and give the model their outputs.",
                    )
                )
            _check_input_shape(name, wanted, tuple(array.shape), alone=len(graph.flat_inputs) == 1)


def _takes_texts(model: Any) -> bool:
    """Whether the model, or a layer in it, is of those that take texts."""
    return any(getattr(layer, "_takes_texts_", False) for layer in (model, *getattr(model, "layers", ())))


def refuse_text(arrays: Sequence[tuple[str, Any]]) -> None:
    """Raises where one of the named arrays holds text."""
    for name, array in arrays:
        if dtypes.is_text(getattr(array, "dtype", None)):
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
                f"x must have an array for each input of the model: {listed(known)}.",
                f"Got the keys {listed(map(str, x))}, without {listed(wrong)}.",
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


def shown(shape: Any) -> str:
    """A shape with `N` for the unknown number of rows."""
    lengths = ["N" if n is None and i == 0 else "any" if n is None else str(n) for i, n in enumerate(shape)]
    return f"({', '.join(lengths)}{',' if len(lengths) == 1 else ''})"


def listed(names: Any) -> str:
    """Names in a message, the first few of many."""
    names = [repr(name) for name in names]
    return ", ".join(names[:8]) + (f", … ({len(names)} in all)" if len(names) > 8 else "")
