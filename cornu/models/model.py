"""A model: layers that are trained, evaluated, used and saved together."""

from __future__ import annotations

import itertools
import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from cornu import naming, registry, serialization, tree
from cornu.configurable import fact
from cornu.errors import ArgumentError, NotCalledError
from cornu.export import export_model
from cornu.graph import Node, SymbolicTensor, infer
from cornu.layers import InputLayer, context, tracking
from cornu.layers.adapted.whole_models import quantize_layers
from cornu.layers.layer import Layer
from cornu.layers.masking import symbolic_masks
from cornu.models import surgery
from cornu.models.config import graph_config, graph_from_config, is_graph_config, takes, written_with
from cornu.models.functional import Graph
from cornu.models.kept import opened, packed
from cornu.models.quantizing import hand_on_policies
from cornu.models.summary import print_summary
from cornu.models.verification import Verification, drawn_inputs, verify
from cornu.registry import MODELS
from cornu.saving import model_file, run_file
from cornu.state.variable import touch_structure
from cornu.training.trainer import Trainer

__all__ = ["Model"]


@MODELS.add
class Model(Trainer):
    """Layers grouped into something that can be fitted, evaluated, asked for predictions, and saved.

    There are three ways to make one: from a graph, `Model(inputs, outputs)`; from a list of layers, `Sequential([...])`; or by a
    subclass that makes layers in its constructor and uses them in `call`.

    Args:
        inputs: a symbolic tensor made by `Input`, or a list or dict of them.
        outputs: symbolic tensors computed from them.
        trainable: whether its weights are changed by optimizers.
        name: its class's name in snake case, numbered, by default.

    >>> import cornu
    >>> x = cornu.Input((4,))
    >>> model = Model(x, cornu.layers.Dense(2)(x))
    >>> model.output_shape, model.count_params()
    ((None, 2), 10)
    """

    _graph_: Graph | None = None

    def __init__(self, inputs: Any = None, outputs: Any = None, *, trainable: bool = True, name: str | None = None, **kwargs: Any) -> None:
        if (inputs is None) != (outputs is None):
            raise ArgumentError("A model from a graph needs `inputs` and `outputs`; a subclass gives neither.")
        default = registry.snake_case(type(self).__name__) if type(self) is not Model or inputs is None else "functional"
        super().__init__(trainable=trainable, name=name or naming.unique(default), **kwargs)
        if inputs is not None:
            self._set_graph_(Graph(inputs, outputs))
            hand_on_policies(self, kwargs.get("dtype"))
            if not trainable:
                self.trainable = False

    def _set_graph_(self, graph: Graph | None) -> None:
        self._graph_ = graph
        self.built = graph is not None
        self._programs_, self._parts_ = {}, {}  # what was compiled ran another graph
        touch_structure()

    # --- the graph ----------------------------------------------------------------------------------------------------

    @property
    def _lays_own_masks_(self) -> bool:  # type: ignore[override]
        """A graph finds its masks itself."""
        return self._graph_ is not None

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Runs the graph. A subclass writes its own."""
        graph = self.__require_graph("call")
        values, masks = graph(inputs, training, None if mask is None else tree.flatten(mask))
        around = context.active()
        if around is not None:
            for x, one in zip(values, masks, strict=True):
                if one is not None:
                    around.set_mask(x, one)
        return graph.pack(values)

    def __require_graph(self, what: str) -> Graph:
        if self._graph_ is None:
            raise NotImplementedError(f"{type(self).__name__} must define `{what}`, or be made from inputs and outputs.")
        return self._graph_

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Records the call of the whole model as one node."""
        graph = self._graph_
        if graph is None:
            return super().symbolic_call(*args, **kwargs)
        inputs = args[0] if args else kwargs.pop("inputs")
        given = kwargs.pop("mask", None)
        masks = symbolic_masks(graph.arrange(inputs)) if given is None else tree.flatten(given)
        extra = {} if masks is None else {"mask": masks}

        def run(inputs: Any, mask: Any = None) -> Any:
            values, found = graph(inputs, kwargs.get("training"), mask)
            return graph.pack(values), [m for m in found if m is not None]

        with context.on_shapes():
            specs, mask_specs = _split(graph, infer(run, (inputs,), extra))
        node = Node(self, (inputs,), {**kwargs, **extra}, specs, masks=mask_specs, laid=() if given is not None else tuple(extra))
        self._inbound_nodes.append(node)
        self.__hand_on_graph_masks(graph, node, masks)
        return node.result

    def __hand_on_graph_masks(self, graph: Graph, node: Node, masks: Any) -> None:
        given = masks is not None and any(m is not None for m in masks)
        found = graph.masks_given([m is not None for m in masks]) if given else graph.output_masks
        rest = iter(node.outputs[len(graph.flat_outputs) :])
        for x, one in zip(node.outputs, found, strict=False):
            x.mask = None if one is None else next(rest)

    def _planned_call_(self, node: Node) -> Any:
        """Inside a larger graph the model's own plan runs, its masks after its outputs."""
        graph = self._graph_
        if graph is None or self._reads_weights_in_another_dtype_:
            return super()._planned_call_(node)

        def run(inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            values, masks = graph(inputs, training, mask)
            return [*values, *(m for m in masks if m is not None)]

        return run

    @property
    def _declares_build_(self) -> bool:
        return type(self).build is not Model.build and self._graph_ is None

    def build(self, input_shape: Any) -> None:
        """Makes the weights of a subclassed model for inputs of this shape."""
        if not self.built:
            inputs = self.__symbols_of(input_shape)
            self._build_for_((inputs,), {})

    def __symbols_of(self, input_shape: Any) -> Any:
        if isinstance(input_shape, dict):
            return {k: self.__symbols_of(v) for k, v in input_shape.items()}
        if input_shape and isinstance(input_shape[0], (list, tuple)):
            return [self.__symbols_of(v) for v in input_shape]
        return SymbolicTensor(input_shape, self.input_dtype)

    # --- parts --------------------------------------------------------------------------------------------------------

    @property
    def _graph_layers_(self) -> Sequence[Layer]:
        """The layers of the graph."""
        return () if self._graph_ is None else self._graph_.layers

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside, in the order of the graph or of the attributes."""
        return list(self._graph_.layers) if self._graph_ is not None else tracking.sublayers(self)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by its name, or by its place in `layers`.

        Inside inner models and wrappers it has a path: names joined by "/".

        >>> import cornu
        >>> inner = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(3, name="middle")], name="inner")
        >>> cornu.Sequential([inner, cornu.layers.Dense(2)]).get_layer("inner/middle").units
        3
        """
        if (name is None) == (index is None):
            raise ArgumentError(f"get_layer takes a name or an index, got name={name!r} and index={index!r}.")
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ArgumentError(f"The model has {len(self.layers)} layers, got index={index}.")
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        return surgery.lineage(self, str(name))[-1]

    @fact
    def inputs(self) -> list[SymbolicTensor] | None:
        """The symbolic inputs, flat; None for a subclassed model."""
        return None if self._graph_ is None else list(self._graph_.flat_inputs)

    @fact
    def outputs(self) -> list[SymbolicTensor] | None:
        """The symbolic outputs, flat; None for a subclassed model."""
        return None if self._graph_ is None else list(self._graph_.flat_outputs)

    @property
    def input(self) -> Any:
        """The symbolic inputs as given."""
        return super().input if self._graph_ is None else self._graph_.inputs

    @property
    def output(self) -> Any:
        """The symbolic outputs as given."""
        return super().output if self._graph_ is None else self._graph_.outputs

    @fact
    def input_shape(self) -> Any:
        """The shape of the input; of several, a list of shapes, in the order of `inputs`."""
        return _one_or_all([x.shape for x in self.__with_graph("input_shape").flat_inputs])

    @fact
    def output_shape(self) -> Any:
        """The shape of the output; of several, a list of shapes, in the order of `outputs`."""
        return _one_or_all([x.shape for x in self.__with_graph("output_shape").flat_outputs])

    def __with_graph(self, what: str) -> Graph:
        if self._graph_ is None:
            raise NotCalledError(
                f"`model.{what}` is known of models made from a graph, or of a Sequential that is built; {self.name!r} is neither."
            )
        return self._graph_

    @fact
    def input_names(self) -> list[str]:
        """The names of the inputs: the keys of a dict of data."""
        return [] if self._graph_ is None else list(self._graph_.input_names)

    @fact
    def output_names(self) -> list[str]:
        """The names of the outputs: the keys of a dict of losses, metrics or targets."""
        return list(self._output_names_)

    @property
    def _output_names_(self) -> Sequence[str]:
        if self._graph_ is None:
            return ()
        return sorted(self._graph_.outputs) if isinstance(self._graph_.outputs, dict) else self._graph_.output_names

    def replace(self, path: str, layer: Layer) -> None:
        """Puts another layer in a layer's place; all other layers stay, with their weights.

        A compiled model is compiled again, with a fresh optimizer. Where the new layer does not fit, nothing is changed.

        Args:
            path: the layer's name; inside inner models and wrappers, names joined by "/".
            layer: what takes its place, wherever it is called.

        Raises:
            UnknownNameError: there is no such layer.
            ShapeError: an inner model would have other outputs than the model around it was built for.

        >>> import cornu
        >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(3), cornu.layers.Dense(2, name="head")])
        >>> model.replace("head", cornu.layers.Dense(5, name="head"))
        >>> model.output_shape
        (None, 5)
        """
        *around, old = surgery.lineage(self, path)
        holder = around[-1]
        if any(other.name == layer.name for other in tracking.listed(holder) if other is not old):
            raise ArgumentError(f"Layers of a model need names of their own, and {layer.name!r} is taken. Give another `name`.")
        if isinstance(holder, Model):
            holder._replace_own_(old, layer, fixed=len(around) > 1)
        else:
            surgery.exchange(holder, old, layer)
        for model in around:
            if isinstance(model, Model):
                model._forget_programs_()
        touch_structure()
        self._compile_again_()

    def _replace_own_(self, old: Layer, new: Layer, *, fixed: bool) -> None:
        """Replaces a layer directly inside; with `fixed` the outputs must stay what they are."""
        if self._graph_ is None:
            surgery.exchange(self, old, new)
            return
        graph = surgery.rewired(self._graph_, old, new)
        if fixed:
            surgery.check_same_outputs(self, self._graph_, graph)
        if any(value is old for value in vars(self).values()):
            surgery.exchange(self, old, new)
        self._set_graph_(graph)

    def quantize(self, mode: str | None = None, config: Any = None, filters: Any = None, **kwargs: Any) -> None:  # type: ignore[override]
        """Keeps the weights of the layers within in few bits: of Dense, EinsumDense and Embedding layers, those inside other layers included.

        "float8", "gptq" and "awq" are for Dense and EinsumDense. "float8" keeps floats, which go on to be trained with products of eight
        bits; "gptq" and "awq" look at data, and quantise the blocks that `get_quantization_layer_structure` or the configuration names.
        A compiled model is compiled again, with a fresh optimizer.

        Args:
            mode: "int8", "int4" or "float8"; "gptq" and "awq" by their `config`.
            config: a `QuantizationConfig`, in the mode's place.
            filters: which layers: a regular expression found in their names, a list of such, or a function of a layer.
            type_check: True leaves layers of classes that others wrote as they are, with a warning; False quantises them by their bases.

        Raises:
            NotBuiltError: the model is not built.
            ArgumentError: the mode is not one of these, a layer is quantised already, or data or the structure of blocks are lacking.

        >>> import cornu
        >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(2)])
        >>> model.quantize("int8")
        >>> model.layers[0].kernel.held.variables[0].dtype
        'int8'
        """
        if set(kwargs) - {"type_check"}:
            raise ArgumentError(f"quantize takes `mode`, `config`, `filters` and `type_check`, got {sorted(kwargs)}.")
        quantize_layers(self, mode, config, filters, type_check=kwargs.get("type_check", True))
        for layer in tracking.walk(self):
            if isinstance(layer, Model):
                layer._forget_programs_()
        touch_structure()
        self._compile_again_()

    def get_quantization_layer_structure(self, mode: str | None = None) -> Any:
        """The parts that a mode which looks at data takes one after another: `pre_block_layers` and `sequential_blocks`.

        A model whose layers form a chain has each of them as a block. Others have None, unless their class says more.

        >>> import cornu
        >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(2, name="head")])
        >>> [layer.name for layer in model.get_quantization_layer_structure("gptq")["sequential_blocks"]]
        ['head']
        """
        if self._graph_ is None:
            return None
        nodes = [node for node in self._graph_.nodes if not isinstance(node.operation, InputLayer)]
        chain = all(isinstance(node.operation, Layer) and len(node.inputs) == 1 for node in nodes)
        if not chain or any(after.inputs[0] is not node.outputs[0] for node, after in itertools.pairwise(nodes)):
            return None
        return {"pre_block_layers": [], "sequential_blocks": [node.operation for node in nodes]}

    def _forget_programs_(self) -> None:
        """What was compiled ran other layers."""
        self._programs_, self._parts_ = {}, {}
        if self._graph_ is not None:
            self._graph_.forget_plans()

    def _watch_outputs_(self, watcher: Any) -> None:
        """Has `watcher(layer, outputs)` called after each run of this model; None ends it."""
        super()._watch_outputs_(watcher)
        if self._graph_ is not None:
            self._graph_.forget_plans()

    # --- for people ---------------------------------------------------------------------------------------------------

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Prints a table of the layers: output shapes, numbers of parameters, what feeds them.

        Args:
            line_length: the table's width, 80 by default.
            positions: widths of the columns as fractions of the line, cumulated.
            print_fn: called with each piece of text, in place of printing.
            expand_nested: show the layers of inner models.
            show_trainable: a column that says which layers are frozen.
            layer_range: names (regular expressions) of the first and the last layer to show.
        """
        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range)

    def verify(self, x: Any = None, backends: Sequence[str] = ("jax", "torch")) -> Verification:
        """Compares the outputs of each layer on several backends; the model stays where it is.

        Args:
            x: input data, for which the model is built if it is not yet; left out, two rows of numbers between 0 and 1.
            backends: their names, the reference first.

        >>> import cornu
        >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(2)])
        >>> model.verify([[1.0, 2.0, 3.0, 4.0]], backends=["numpy", "jax"]).worst.relative < 1e-5
        True
        >>> model.verify(backends=["numpy", "jax"]).worst.relative < 1e-5
        True
        """
        several = isinstance(x, dict) or (isinstance(x, (list, tuple)) and all(hasattr(a, "shape") for a in x))
        if x is None:
            x = drawn_inputs(self)
        else:
            x = tree.map_structure(np.asarray, x) if several else np.asarray(x, getattr(x, "dtype", "float32"))
        self._ensure_built_(x)
        return verify(self, x, backends)

    # --- files --------------------------------------------------------------------------------------------------------

    def __reduce__(self) -> Any:
        """For `pickle` and `copy`: what `save` writes, optimizer and all; a model that is not built as any layer."""
        return (opened, packed(self)) if self.built else super().__reduce__()

    def save(self, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
        """Writes architecture, weights and optimizer to a `.keras` file, all or nothing: the old file stays until the new one is whole."""
        model_file.save_model(self, filepath, overwrite=overwrite, zipped=zipped, **kwargs)

    def export(
        self, filepath: Any, format: str = "tf_saved_model", verbose: bool | None = None, input_signature: Any = None, **kwargs: Any
    ) -> None:
        """Writes the forward pass for other programs to run, in the format "tf_saved_model" (`cornu.export`)."""
        export_model(self, filepath, format, verbose, input_signature, **kwargs)

    def save_weights(self, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None) -> None:
        """Writes the weights to a `.weights.h5` or `.safetensors` file, all or nothing."""
        model_file.save_weights(self, filepath, overwrite=overwrite, max_shard_size=max_shard_size)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Reads weights from a file. Nothing is changed unless all of them fit, or with `skip_mismatch` those that do."""
        model_file.load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

    @staticmethod
    def _write_run_(filepath: Any, facts: Any, arrays: Mapping[str, Any]) -> None:
        """Writes the state of a run, all or nothing, with a digest: what JSON can hold, and arrays by name."""
        run_file.write_run(filepath, facts, arrays)

    @staticmethod
    def _read_run_(filepath: Any) -> tuple[Any, dict[str, Any]]:
        """Reads what `write_run` wrote; a file of which one bit is not as it was is refused."""
        return run_file.read_run(filepath)

    def _config_head_(self) -> dict[str, Any]:
        """How files name the class: a model made from a graph is a "Functional" there."""
        cls = type(self)
        if cls is Model and self._graph_ is not None:
            return {"module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional"}
        module = registry.module_of(cls)
        return {"module": module, "class_name": cls.__name__, "registered_name": None if module else registry.registered_name(cls)}

    def get_config(self) -> dict[str, Any]:
        """Name, `trainable` and the graph of a model made from one; a subclass's constructor arguments."""
        if self._graph_ is None or not takes(type(self), "inputs", "outputs"):
            return super().get_config()
        own = {} if type(self) is Model else {k: v for k, v in super().get_config().items() if k not in ("inputs", "outputs", "dtype")}
        with written_with(self):
            return {"name": self.name, "trainable": self.trainable, **own, **graph_config(self._graph_)}

    def _constructor_arguments_(self) -> dict[str, Any]:
        beneath = [] if self._graph_ is not None else type(self).__mro__[: type(self).__mro__.index(Model)]
        arguments = super()._constructor_arguments_()
        for name in ("inputs", "outputs"):  # a graph's, but where a class beneath has such arguments of its own
            if not any("__init__" in vars(cls) and takes(cls, name) for cls in beneath):
                arguments.pop(name, None)
        return arguments

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Self:
        """The model that `get_config` described, with fresh weights."""
        with registry.scope(custom_objects):
            if not is_graph_config(config):
                return super().from_config(config)
            own = {
                k: serialization.revive(v) for k, v in config.items() if k not in ("layers", "input_layers", "output_layers", "trainable")
            }
            model = cls(*graph_from_config(config), **own)
            model._trainable = bool(config.get("trainable", True))  # each layer has its own already
            return model

    def get_compile_config(self) -> dict[str, Any] | None:
        """What `compile` was given, for files; nothing for a class with a `compile` of its own, which must say it itself."""
        if self.compiled and type(self).compile is not Trainer.compile:
            warnings.warn(
                f"{type(self).__name__} has its own `compile`, so files do not say how {self.name!r} was compiled. "
                "Define `get_compile_config` and `compile_from_config`, or compile it after loading.",
                stacklevel=2,
            )
            return None
        return super().get_compile_config() or {}

    def to_json(self, **kwargs: Any) -> str:
        """The architecture as JSON text, without weights; `models.model_from_json` reads it."""
        return json.dumps(serialization.serialize(self), **kwargs)


MODELS.add(Model, "Functional")


def _one_or_all(shapes: list[Any]) -> Any:
    return shapes[0] if len(shapes) == 1 else shapes


def _split(graph: Graph, specs: Any) -> tuple[Any, list[Any]]:
    return specs[0], list(specs[1])
