"""A model as a diagram: a box for each layer, an arrow for what it is given."""

from __future__ import annotations

import html
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cornu import activations, tree
from cornu.errors import ArgumentError, NotBuiltError
from cornu.graph import SymbolicTensor
from cornu.layers.input_layer import InputLayer
from cornu.layers.layer import Layer

__all__ = ["model_to_dot", "plot_model"]

TITLE, TRAINED, FROZEN = "#24476b", "#2e7d4f", "#a13d3d"


def plot_model(
    model: Any,
    to_file: str | Path = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> None:
    """Draws a model and writes the drawing to a file.

    Args:
        model: a model that is built.
        to_file: the file; its ending says the format ("png", "svg", "pdf", …). For "dot" and "gv" it is the text that Graphviz reads, which
            needs pydot alone.
        show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi, show_layer_activations, show_trainable, splines: as of
            `model_to_dot`.

    Raises:
        NotBuiltError: the model is not built.
        ImportError: pydot, or Graphviz's program `dot`, is not installed.
        ArgumentError: an argument is unknown.
    """
    drawn = model_to_dot(
        model, show_shapes=show_shapes, show_dtype=show_dtype, show_layer_names=show_layer_names, rankdir=rankdir, expand_nested=expand_nested,
        dpi=dpi, show_layer_activations=show_layer_activations, show_trainable=show_trainable, splines=splines, **kwargs,
    )  # fmt: skip
    path = Path(to_file)
    form = path.suffix.removeprefix(".").lower() or "png"
    if form in ("dot", "gv"):
        path.write_text(drawn.to_string(), encoding="utf-8")
        return
    if shutil.which("dot") is None:
        raise ImportError(
            f"Drawing {path.name!r} needs Graphviz's program `dot`, which is not on the PATH. Beside `pip install pydot`, install Graphviz by the "
            "system's package manager (`apt install graphviz`, `brew install graphviz`), or write the text of the diagram, to_file='model.dot'."
        )
    path.write_bytes(drawn.create(format=form))


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Any:
    """The diagram of a model, for Graphviz.

    Args:
        model: a model that is built. One without a graph is a single box.
        show_shapes: write the shapes of inputs and outputs.
        show_dtype: write the outputs' dtypes.
        show_layer_names: write layers' names beside their classes.
        rankdir: "TB" from top to bottom, "LR" from left to right ("BT" and "RL": the other way round).
        expand_nested: draw the layers of inner models, within a frame.
        dpi: dots for each inch.
        subgraph: give a `pydot.Cluster`, to be put into another diagram.
        show_layer_activations: write the names of activations.
        show_trainable: write whether a layer with weights is trained.
        splines: how arrows run, e.g. "ortho", "curved".

    Returns:
        A `pydot.Dot`.

    Raises:
        NotBuiltError: the model is not built.
        ImportError: pydot is not installed.
        ArgumentError: an argument is unknown.
    """
    if kwargs:
        raise ArgumentError(f"Unknown argument(s) of a diagram: {sorted(kwargs)}.")
    if rankdir not in ("TB", "LR", "BT", "RL"):
        raise ArgumentError(f"rankdir must be 'TB', 'LR', 'BT' or 'RL', got {rankdir!r}.")
    pydot = _pydot()
    if not model.built:
        raise NotBuiltError(
            f"A diagram needs a model that is built, and {model.name!r} is not. Call it on data, or `model.build(input_shape)`."
        )
    shown = _Shown(show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable)
    chart = Chart(shown, expand_nested)
    frame = chart.add(model)
    options = {"rankdir": rankdir, "dpi": dpi, "splines": splines, "concentrate": "true"}
    drawn = (
        pydot.Cluster(frame.key, label=_quoted(model.name), **options) if subgraph else pydot.Dot("model", graph_type="digraph", **options)
    )
    drawn.set_node_defaults(shape="plain", fontname="Helvetica")
    _fill(pydot, drawn, frame)
    for source, target in chart.arrows:
        drawn.add_edge(pydot.Edge(source, target))
    return drawn


def _pydot() -> Any:
    try:
        import pydot
    except ModuleNotFoundError:
        raise ImportError(
            "A diagram needs the package pydot, and to be drawn Graphviz's program `dot`. Install them with `pip install pydot` and the "
            "system's package manager (`apt install graphviz`, `brew install graphviz`)."
        ) from None
    return pydot


@dataclass(frozen=True)
class _Shown:
    """What boxes say."""

    shapes: bool
    dtypes: bool
    names: bool
    activations: bool
    trainable: bool


@dataclass
class Frame:
    """The boxes of one model, key and label of each, and the frames of models within it."""

    key: str
    name: str
    boxes: dict[str, str] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)


class Chart:
    """Boxes and arrows, gathered from a model's graph.

    Attributes:
        arrows: pairs of boxes' keys, each once, in the order in which they are found.
    """

    def __init__(self, shown: _Shown, expand: bool) -> None:
        self.shown, self.expand = shown, expand
        self.arrows: dict[tuple[str, str], None] = {}
        self._keys: dict[int, str] = {}
        self._feeds: dict[int, list[str]] = {}

    def add(self, model: Any) -> Frame:
        """The frame of a model, its arrows entered."""
        frame = Frame(self._key(model), model.name)
        graph = getattr(model, "_graph_", None)
        if graph is None:
            frame.boxes[self._key(model)] = label(model, [], self.shown)
            return frame
        if not self._feeds:
            for x in graph.flat_inputs:
                layer = x.node.operation
                frame.boxes[self._key(layer)] = label(layer, [x.node], self.shown)
                self._feeds[id(x)] = [self._key(layer)]
        for step in dict.fromkeys(n.operation if isinstance(n.operation, Layer) else n for n in graph.nodes):
            if not isinstance(step, InputLayer):
                self._add_step(frame, step, [n for n in graph.nodes if step in (n, n.operation)])
        return frame

    def _add_step(self, frame: Frame, step: Any, nodes: Sequence[Any]) -> None:
        if self._is_frame(step):
            inner = step._graph_
            for node in nodes:
                for given, x in zip(inner.arrange(node.args[0]), inner.flat_inputs, strict=True):
                    self._feeds.setdefault(id(x), []).extend(self._origins(given))
            frame.frames.append(self.add(step))
            return
        key = self._key(step)
        frame.boxes[key] = label(step, nodes, self.shown)
        for node in nodes:
            for x in node.given_inputs:
                self.arrows.update(dict.fromkeys((source, key) for source in self._origins(x)))

    def _is_frame(self, step: Any) -> bool:
        return self.expand and getattr(step, "_graph_", None) is not None

    def _origins(self, x: SymbolicTensor | None) -> list[str]:
        """The boxes that a tensor comes from: several where it enters a model that is called several times."""
        if x is None or x.node is None:
            return []
        if id(x) in self._feeds:
            return self._feeds[id(x)]
        step = x.node.operation
        if self._is_frame(step):
            return self._origins(step._graph_.flat_outputs[x.index])
        return [self._key(step if isinstance(step, Layer) else x.node)]

    def _key(self, thing: Any) -> str:
        return self._keys.setdefault(id(thing), f"n{len(self._keys)}")


def label(step: Any, nodes: Sequence[Any], shown: _Shown) -> str:
    """What a box says, a table in Graphviz's own HTML: the title, then a cell for each fact."""
    if isinstance(step, Layer):
        kind = step._config_head_()["class_name"] if hasattr(step, "_config_head_") else type(step).__name__
        name = step.name
    else:
        kind = name = step.operation.op_name
    title = f"<b>{html.escape(name)}</b> ({html.escape(kind)})" if shown.names and name != kind else f"<b>{html.escape(kind)}</b>"
    cells = "".join(f"<td{style}>{html.escape(text)}</td>" for text, style in _facts(step, nodes, shown))
    count = cells.count("</td>")
    head = f'<td colspan="{max(count, 1)}" bgcolor="{TITLE}"><font color="white">{title}</font></td>'
    rows = f"<tr>{head}</tr>" + (f"<tr>{cells}</tr>" if cells else "")
    return f'<<table border="0" cellborder="1" cellspacing="0" cellpadding="8">{rows}</table>>'


def _facts(step: Any, nodes: Sequence[Any], shown: _Shown) -> Iterator[tuple[str, str]]:
    """Texts, and attributes of their cells."""
    activation = getattr(step, "activation", None)
    if shown.activations and activation is not None:
        yield f"Activation: {_activation(activation)}", ""
    if shown.shapes and not isinstance(step, InputLayer):
        yield f"Input shape: {_each(nodes, lambda n: [x.shape for x in n.given_inputs])}", ""
    if shown.shapes:
        yield f"Output shape: {_each(nodes, lambda n: [x.shape for x in tree.flatten(n.result)])}", ""
    if shown.dtypes:
        yield f"Output dtype: {_each(nodes, lambda n: [x.dtype for x in tree.flatten(n.result)])}", ""
    if shown.trainable and isinstance(step, Layer) and step.weights:
        trained = bool(step.trainable_weights)
        yield ("Trainable" if trained else "Non-trainable"), f' bgcolor="{TRAINED if trained else FROZEN}"'


def _each(nodes: Sequence[Any], read: Any) -> str:
    """What is found at the calls, each thing once; "?" where there is no call."""
    texts = [", ".join(str(value) for value in read(node)) for node in nodes]
    return " | ".join(dict.fromkeys(texts)) or "?"


def _activation(activation: Any) -> str:
    known: Mapping[str, Any] | str = activations.serialize(activation) if callable(activation) else str(activation)
    return known if isinstance(known, str) else str(known.get("class_name"))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _fill(pydot: Any, drawn: Any, frame: Frame) -> None:
    """Puts boxes and frames into a diagram."""
    for key, text in frame.boxes.items():
        drawn.add_node(pydot.Node(key, label=text))
    for inner in frame.frames:
        cluster = pydot.Cluster(inner.key, label=_quoted(inner.name), style="dashed", labeljust="l")
        _fill(pydot, cluster, inner)
        drawn.add_subgraph(cluster)
