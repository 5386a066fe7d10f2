"""Diagrams of models: which boxes there are, what they say, and which arrows run between them."""

import re
import sys

import pydot
import pytest

import cornu
from cornu import layers, ops
from cornu.errors import ArgumentError, NotBuiltError
from cornu.utils import model_to_dot, plot_model


@pytest.fixture(scope="module")
def model():
    x = cornu.Input((4,), name="x")
    a = layers.Dense(3, activation="relu", name="a")(x)
    b = layers.Dense(3, name="b", trainable=False)(x)
    inner = cornu.Sequential([cornu.Input((3,)), layers.Dense(3, name="first"), layers.Dense(3, name="last")], name="inner")
    return cornu.Model(x, ops.tanh(layers.Add(name="sum")([a, inner(b)])), name="whole")


def boxes(diagram):
    """The texts of each box by its key, frames' included."""
    found = {}
    for node in diagram.get_nodes():
        if node.get_name() != "node":
            found[node.get_name()] = re.findall(r">([^<>]+)<", node.get_label())
    for frame in diagram.get_subgraphs():
        found |= boxes(frame)
    return found


def arrows(diagram):
    names = {key: texts[0] for key, texts in boxes(diagram).items()}
    return sorted((names[e.get_source()], names[e.get_destination()]) for e in diagram.get_edges())


def test_a_box_for_each_layer_and_op_and_an_arrow_for_each_input(model):
    diagram = model_to_dot(model)
    assert isinstance(diagram, pydot.Dot)
    expected = [["x", " (InputLayer)"], ["a", " (Dense)"], ["b", " (Dense)"], ["inner", " (Sequential)"], ["sum", " (Add)"], ["tanh"]]
    assert sorted(boxes(diagram).values()) == sorted(expected)
    assert arrows(diagram) == [("a", "sum"), ("b", "inner"), ("inner", "sum"), ("sum", "tanh"), ("x", "a"), ("x", "b")]
    assert diagram.get_subgraphs() == []


def test_boxes_say_what_is_asked(model):
    diagram = model_to_dot(
        model,
        show_shapes=True,
        show_dtype=True,
        show_layer_names=False,
        show_layer_activations=True,
        show_trainable=True,
        rankdir="LR",
        dpi=96,
    )
    said = sorted(boxes(diagram).values())
    assert ["Dense", "Activation: relu", "Input shape: (None, 4)", "Output shape: (None, 3)", "Output dtype: float32", "Trainable"] in said
    assert [
        "Dense",
        "Activation: linear",
        "Input shape: (None, 4)",
        "Output shape: (None, 3)",
        "Output dtype: float32",
        "Non-trainable",
    ] in said
    assert ["InputLayer", "Output shape: (None, 4)", "Output dtype: float32"] in said
    assert ["Add", "Input shape: (None, 3), (None, 3)", "Output shape: (None, 3)", "Output dtype: float32"] in said
    assert (diagram.get_rankdir(), str(diagram.get_dpi()), diagram.get_splines()) == ("LR", "96", "ortho")


def test_inner_models_are_frames_that_arrows_enter(model):
    diagram = model_to_dot(model, expand_nested=True)
    (frame,) = diagram.get_subgraphs()
    assert [texts[0] for texts in boxes(frame).values()] == ["first", "last"]
    assert frame.get_label() == '"inner"'
    assert arrows(diagram) == [("a", "sum"), ("b", "first"), ("first", "last"), ("last", "sum"), ("sum", "tanh"), ("x", "a"), ("x", "b")]


def test_a_layer_that_is_called_twice_is_one_box():
    x, y = cornu.Input((2,), name="x"), cornu.Input((2,), name="y")
    shared = cornu.Sequential([cornu.Input((2,)), layers.Dense(2, name="inside")], name="shared")
    twice = cornu.Model([x, y], layers.Concatenate(name="both")([shared(x), shared(y)]))
    assert arrows(model_to_dot(twice)) == [("shared", "both"), ("x", "shared"), ("y", "shared")]
    assert arrows(model_to_dot(twice, expand_nested=True)) == [("inside", "both"), ("x", "inside"), ("y", "inside")]


def test_a_model_without_a_graph_is_one_box():
    class Net(cornu.Model):
        def __init__(self):
            super().__init__(name="net<1>")
            self.dense = layers.Dense(1)

        def call(self, x):
            return self.dense(x)

    net = Net()
    with pytest.raises(NotBuiltError, match=r"'net<1>' is not. Call it on data"):
        model_to_dot(net)
    net.build((None, 2))
    (said,) = boxes(model_to_dot(net)).values()
    assert said == ["net&lt;1&gt;", " (Net)"]


def test_a_part_for_another_diagram(model):
    part = model_to_dot(model, subgraph=True)
    assert isinstance(part, pydot.Cluster)
    assert len(boxes(part)) == 6


def test_text_is_written_without_graphviz(model, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    plot_model(model, tmp_path / "model.dot", show_layer_names=True)
    text = (tmp_path / "model.dot").read_text()
    assert text.startswith("digraph model {")
    assert text.count(" -> ") == 6
    assert "<b>inner</b> (Sequential)" in text
    with pytest.raises(ImportError, match=r"'model.png' needs Graphviz's program `dot`.*pip install pydot"):
        plot_model(model, tmp_path / "model.png")


def test_other_formats_are_drawn_by_dot(model, tmp_path, monkeypatch):
    program = tmp_path / "dot"
    program.write_text('#!/bin/sh\necho "drawn with $1"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    plot_model(model, tmp_path / "model.svg")
    assert (tmp_path / "model.svg").read_text() == "drawn with -Tsvg\n"


def test_what_cannot_be_is_refused(model, monkeypatch):
    with pytest.raises(ArgumentError, match="'layer_range'"):
        model_to_dot(model, layer_range=["a", "b"])
    with pytest.raises(ArgumentError, match="got 'up'"):
        model_to_dot(model, rankdir="up")
    monkeypatch.setitem(sys.modules, "pydot", None)
    with pytest.raises(ImportError, match="pip install pydot"):
        plot_model(model)
