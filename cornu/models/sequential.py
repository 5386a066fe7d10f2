"""A model that is a plain stack of layers: the graph in which each feeds the next."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Self

from cornu import registry, serialization
from cornu.errors import ArgumentError
from cornu.graph import SymbolicTensor
from cornu.layers import building
from cornu.layers.input_layer import Input, InputLayer
from cornu.layers.layer import Layer
from cornu.models import surgery
from cornu.models.config import layer_config, layer_from_config, read_together, takes, written_with
from cornu.models.functional import Graph
from cornu.models.model import Model
from cornu.registry import MODELS

__all__ = ["Sequential"]


@MODELS.add
class Sequential(Model):
    """Layers one after the other.

    The graph is made as soon as the input's shape is known: from an `Input` in front, from the first layer's `input_shape`, or from the first data.

    Args:
        layers: the layers, `Input(shape)` first if the shape is known.
        trainable: whether its weights are changed by optimizers.
        name: `sequential`, `sequential_1`, … by default.
        dtype: a policy; a `DTypePolicyMap` holds for the layers that the model builds and that were given none, by paths such as "net/head".

    >>> import cornu
    >>> model = Sequential([cornu.Input((4,)), cornu.layers.Dense(3), cornu.layers.Dense(2)])
    >>> len(model.layers), model.output_shape
    (2, (None, 2))
    """

    def __init__(self, layers: Sequence[Any] | None = None, trainable: bool = True, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(trainable=trainable, name=name, **kwargs)
        self._stack_: list[Layer] = []
        self.__entrance: SymbolicTensor | None = None
        self.__exit: Any = None
        for layer in layers or ():
            self.add(layer)
        if not trainable:
            self.trainable = False

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Puts a layer on top."""
        if isinstance(layer, SymbolicTensor) and layer.node is not None:  # Input(...) gives a tensor; its layer is meant
            layer = layer.node.operation
        if isinstance(layer, InputLayer):
            self.__enter(layer.output)
            return
        if not isinstance(layer, Layer):
            called = isinstance(layer, type) and issubclass(layer, Layer)
            mend = f"Write `{layer.__name__}(…)`." if called else "Put plain functions into a Lambda layer."
            raise ArgumentError(f"A Sequential takes layers, got {layer!r} of type {type(layer).__name__}. {mend}")
        if any(layer.name == other.name for other in self._stack_):
            raise ArgumentError(f"Layers of a model need names of their own, and {layer.name!r} is taken. Give another `name`.")
        self._stack_.append(layer)
        if self.__entrance is None and len(self._stack_) == 1 and layer._first_input_shape_ is not None:
            self._stack_.pop()
            self.__enter(Input(batch_shape=layer._first_input_shape_, dtype=_input_dtype(layer)))
            self._stack_.append(layer)
        elif self.__entrance is None and len(self._stack_) == 1 and isinstance(layer, Model) and layer._graph_ is not None:
            self._stack_.pop()
            self.__enter(Input(batch_shape=layer._graph_.flat_inputs[0].shape, dtype=layer._graph_.flat_inputs[0].dtype))
            self._stack_.append(layer)
        if self.__entrance is not None:
            self.__extend(layer)

    def __enter(self, tensor: SymbolicTensor) -> None:
        if self._stack_ or self.__entrance is not None:
            raise ArgumentError(f"An Input comes first in a Sequential, and {self.name!r} has layers already.")
        self.__entrance = self.__exit = tensor

    def __extend(self, layer: Layer) -> None:
        try:
            with self.__own_policies():
                after = layer(self.__exit)
        except Exception:
            self._stack_.remove(layer)
            raise
        if isinstance(after, (list, tuple, dict)):
            self._stack_.remove(layer)
            raise ArgumentError(
                f"Each layer of a Sequential gives one output, and {layer.name!r} gives {len(after)}. Use `Model(inputs, outputs)`."
            )
        self.__exit = after
        self._set_graph_(None)
        self.built = True

    def __own_policies(self) -> contextlib.AbstractContextManager[None]:
        """Where a layer is built that comes on top: within the model, if that was given a map of policies, whose keys are paths from there."""
        given = self._policy_map_ is not None and not self._follows_policies_
        return building.inside(self) if given else contextlib.nullcontext()

    def pop(self, rebuild: bool = True) -> Layer:
        """Takes the top layer off and gives it back."""
        if not self._stack_:
            raise ArgumentError(f"{self.name!r} has no layer to take off.")
        layer = self._stack_.pop()
        if self.__entrance is not None:
            node = self.__exit.node
            if node in layer._inbound_nodes:  # one that `replace` put here does not know of its call
                layer._inbound_nodes.remove(node)
            self.__exit = node.args[0]
            self._set_graph_(None)
            self.built = bool(self._stack_)
        return layer

    def _replace_own_(self, old: Layer, new: Layer, *, fixed: bool) -> None:
        place = self._stack_.index(old)
        if self._graph_ is None:
            self._stack_[place] = new
            return
        graph = surgery.rewired(self._graph_, old, new)
        if fixed:
            surgery.check_same_outputs(self, self._graph_, graph)
        self._stack_[place], self.__exit = new, graph.outputs
        self._set_graph_(graph)

    @property
    def _graph_(self) -> Graph | None:
        if self._made_ is None and self.__entrance is not None and self._stack_:
            self._made_ = Graph(self.__entrance, self.__exit, None if self.__taken_shape is None else [self.__taken_shape])
        return self._made_

    @_graph_.setter
    def _graph_(self, graph: Graph | None) -> None:
        self._made_ = graph

    _made_: Graph | None = None
    __taken_shape: tuple[int | None, ...] | None = None

    def build(self, input_shape: Any = None) -> None:
        """Makes the graph, and with it the weights, for inputs of this shape (the batch dimension first)."""
        if self.__entrance is not None or input_shape is None:
            return
        if not self._stack_:
            raise ArgumentError(f"{self.name!r} has no layers to build. Add some.")
        if not isinstance(input_shape, (list, tuple)):
            raise ArgumentError(f"A Sequential has one input, so one shape builds it, got {input_shape!r}.")
        self.__entrance = self.__exit = Input(batch_shape=(None, *input_shape[1:]), dtype=_input_dtype(self._stack_[0]))
        features = () if len(input_shape) < 2 or _input_dtype(self._stack_[0]) else (input_shape[-1],)
        self.__taken_shape = (
            *(None,) * (len(input_shape) - len(features)),
            *features,
        )  # the first data does not fix lengths of time or sides of images
        for layer in list(self._stack_):
            self.__extend(layer)

    @property
    def _declares_build_(self) -> bool:
        return True

    @property
    def _graph_layers_(self) -> Sequence[Layer]:
        """None beside those of the stack."""
        return ()

    @property
    def layers(self) -> list[Layer]:
        """The layers in order, without the input."""
        return list(self._stack_)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs for inputs of this shape."""
        for layer in self._stack_:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Name, `trainable`, dtype, and the layers with the input in front; a subclass's constructor arguments."""
        if not takes(type(self), "layers"):
            return super().get_config()
        own = {} if type(self) is Sequential else {k: v for k, v in super().get_config().items() if k != "layers"}
        first = [] if self.__entrance is None else [self.__entrance.node.operation]  # type: ignore[union-attr]
        base = {"name": self.name, "trainable": self.trainable, "dtype": serialization.serialize(self.dtype_policy)}
        with written_with(self):
            config = {**base, **own, "layers": [layer_config(layer) for layer in (*first, *self._stack_)]}
        return config if self.__entrance is None else {**config, "build_input_shape": self.__entrance.shape}

    def _constructor_arguments_(self) -> dict[str, Any]:
        return {name: value for name, value in super()._constructor_arguments_().items() if name != "layers"}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Self:
        """The model that `get_config` described, with fresh weights."""
        if "layers" not in config:
            return super().from_config(config, custom_objects)
        with registry.scope(custom_objects), read_together():
            own = {k: serialization.revive(v) for k, v in config.items() if k not in ("layers", "build_input_shape", "trainable")}
            model = cls(**own)
            for layer in config["layers"]:
                model.add(layer_from_config(layer))
            model.build(config.get("build_input_shape"))
            model._trainable = bool(config.get("trainable", True))  # each layer has its own already
            return model

    def get_build_config(self) -> dict[str, Any] | None:
        """The shape of the input."""
        return None if self.__entrance is None else {"input_shape": self.__entrance.shape}


def _input_dtype(layer: Layer) -> str | None:
    """Ids stay whole numbers where the first layer looks them up."""
    return getattr(layer, "_first_input_dtype_", None)
