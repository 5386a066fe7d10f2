"""The table of a model's layers."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from cornu import dtypes, tree
from cornu.errors import UnknownNameError
from cornu.graph import Node
from cornu.layers import tracking
from cornu.layers.layer import Layer
from cornu.state import Variable

__all__ = ["print_summary"]

WIDTH = 80


class _Row(NamedTuple):
    name: str
    kind: str
    shape: str
    parameters: int
    sources: str
    trainable: str
    depth: int


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> None:
    """Prints a table of the layers: output shapes, numbers of parameters, what feeds them; then the sums.

    Args:
        model: the model, built or not.
        line_length: the table's width, 80 by default.
        positions: where the columns end, as fractions of the line.
        print_fn: called with the text, in place of printing.
        expand_nested: show the layers of inner models.
        show_trainable: a column that says which layers are trained.
        layer_range: names (or regular expressions) of the first and the last layer to show.
    """
    from rich.console import Console

    width = line_length or WIDTH
    rows = _within(list(_rows(model, 0, expand_nested)), layer_range)
    pieces = [_title(model), _table(rows, width, positions, _branches(model), show_trainable), _totals(model)]
    console = Console(width=width, highlight=False) if print_fn is None else Console(width=width, file=io.StringIO(), highlight=False)
    for piece in pieces:
        console.print(piece)
    if print_fn is not None:
        print_fn(console.file.getvalue().rstrip("\n"))  # type: ignore[attr-defined]


def _title(model: Any) -> str:
    return f'[bold]Model: "{_plain(model.name)}"[/bold]'


def _plain(text: str) -> str:
    """Text in which square brackets are no markup."""
    return text.replace("[", "\\[")


# --- rows -------------------------------------------------------------------------------------------------------------


def _rows(model: Any, depth: int, expand: bool) -> Iterator[_Row]:
    graph = getattr(model, "_graph_", None)
    steps: Sequence[Any] = tracking.listed(model) if graph is None else _operations(graph, model)
    for step in steps:
        if isinstance(step, Layer):
            nodes = [n for n in step._inbound_nodes if graph is not None and _belongs(n, graph)]
            yield _layer_row(step, nodes, depth)
            if expand and tracking.listed(step):
                yield from _rows(step, depth + 1, expand)
        else:
            yield _Row(step.operation.op_name, "op", _shapes([step]), 0, _sources([step]), "-", depth)


def _operations(graph: Any, model: Any) -> list[Any]:
    """Layers, and the nodes of ops, each once, in the order in which they run; inputs first."""
    listed: dict[int, Any] = {id(layer): layer for layer in model.layers if type(layer).__name__ == "InputLayer"}
    for node in graph.nodes:
        step = node.operation if isinstance(node.operation, Layer) else node
        listed.setdefault(id(step), step)
    return list(listed.values())


def _belongs(node: Node, graph: Any) -> bool:
    return any(node is other for other in graph.nodes) or any(node.outputs[0] is x for x in graph.flat_inputs)


def _layer_row(layer: Layer, nodes: list[Node], depth: int) -> _Row:
    variables = layer.weights
    state = "-" if not variables else "Y" if all(v.trainable for v in variables if not _fixed(layer, v)) and layer.trainable else "N"
    kind = layer._config_head_()["class_name"] if hasattr(layer, "_config_head_") else type(layer).__name__
    return _Row(layer.name, kind, _shapes(nodes), _count(variables), _sources(nodes), state, depth)


def _fixed(layer: Layer, variable: Variable) -> bool:
    """Whether the variable is never trained, e.g. a running mean."""
    return variable.fixed or any(id(variable) in inner._fixed_variables_ for inner in tracking.walk(layer))


def _shapes(nodes: list[Node]) -> str:
    shapes = dict.fromkeys(", ".join(str(x.shape) for x in tree.flatten(n.result)) for n in nodes)
    return "\n".join(shapes) or "?"


def _sources(nodes: list[Node]) -> str:
    names = []
    for node in nodes:
        for x in node.given_inputs:
            source = x.node.operation if x.node is not None else None
            name = x.name if source is None else source.name if isinstance(source, Layer) else source.op_name
            names.append(f"{name}[{x.index}]" if x.node is not None and x.node.structure.num_leaves > 1 else name)
    return ", ".join(names) or "-"


def _branches(model: Any) -> bool:
    """Whether the graph is more than a chain, so that it must be said what feeds what."""
    graph = getattr(model, "_graph_", None)
    if graph is None:
        return False
    uses = [id(x) for node in graph.nodes for x in node.given_inputs]
    return len(uses) != len(set(uses)) or any(len(node.given_inputs) > 1 for node in graph.nodes) or len(graph.flat_outputs) > 1


def _within(rows: list[_Row], wanted: Sequence[str] | None) -> list[_Row]:
    if wanted is None:
        return rows
    names = [row.name for row in rows]
    found = [[i for i, name in enumerate(names) if re.fullmatch(pattern, name)] for pattern in wanted]
    for pattern, places in zip(wanted, found, strict=True):
        if not places:
            raise UnknownNameError("layer", pattern, names)
    return rows[min(map(min, found)) : max(map(max, found)) + 1]


# --- the table --------------------------------------------------------------------------------------------------------


def _table(rows: list[_Row], width: int, positions: Sequence[float] | None, branches: bool, trainable: bool) -> Any:
    from rich import box
    from rich.table import Table

    heads = ["Layer (type)", "Output Shape", "Param #", *(["Connected to"] if branches else []), *(["Trainable"] if trainable else [])]
    table = Table(box=box.HEAVY_HEAD, width=width, show_lines=branches)
    for head, share in zip(heads, _shares(len(heads), positions, branches), strict=True):
        table.add_column(head, ratio=share, min_width=9, justify="right" if head == "Param #" else "left", overflow="fold")
    for row in rows:
        mark = "" if row.trainable != "N" or trainable else " (frozen)"
        cells = [f"{'  ' * row.depth}{_plain(row.name)} [dim]({row.kind})[/dim]{mark}", row.shape, f"{row.parameters:,}"]
        table.add_row(*cells, *([_plain(row.sources)] if branches else []), *([row.trainable] if trainable else []))
    return table


def _shares(count: int, positions: Sequence[float] | None, branches: bool) -> list[int]:
    """The columns' widths in relation to each other."""
    if positions is None:
        return {3: [45, 35, 20], 4: [33, 25, 16, 26] if branches else [38, 28, 20, 14], 5: [30, 20, 15, 22, 13]}[count]
    ends = [float(p) for p in positions][:count]
    scale = ends[-1] or 1.0
    ends = [p / scale for p in ends] + [1.0] * (count - len(ends))
    return [max(1, round(100 * (end - start))) for start, end in zip([0.0, *ends], ends, strict=False)]


# --- the sums ---------------------------------------------------------------------------------------------------------


def _totals(model: Any) -> str:
    weights = model.weights
    optimizer = getattr(model, "optimizer", None)
    lines = [
        ("Total params", weights),
        ("Trainable params", [v for v in weights if v.trainable]),
        ("Non-trainable params", [v for v in weights if not v.trainable]),
        *([("Optimizer params", optimizer.variables)] if optimizer is not None and optimizer.built else []),
    ]
    text = "\n".join(f" [bold]{head}:[/bold] {_count(variables):,} ({_size(variables)})" for head, variables in lines)
    return (
        text
        if model.built
        else f"{text}\n The model is not built yet: its weights are made when it meets data, or by `build(input_shape)`."
    )


def _count(variables: Sequence[Variable]) -> int:
    return sum(math.prod(v.shape) for v in variables)


def _size(variables: Sequence[Variable]) -> str:
    size = float(sum(math.prod(v.shape) * dtypes.numpy_dtype(v.dtype).itemsize for v in variables))
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} TiB"
