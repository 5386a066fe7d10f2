"""Layers, one file a family."""

from cornu.layers.dense import Dense
from cornu.layers.input_layer import Input, InputLayer
from cornu.layers.layer import Layer

__all__ = ["Dense", "Input", "InputLayer", "Layer"]
