"""The base of all layers: state, and a computation from inputs to outputs."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from cornu import backends, dtype_policies, dtypes, naming, registry, regularizers, serialization, tree
from cornu.backends.spec import TensorSpec, known
from cornu.configurable import Configurable, parameters
from cornu.dtype_policies import DTypePolicy, DTypePolicyMap
from cornu.errors import ArgumentError, NotCalledError, nearest
from cornu.graph import Node, SymbolicTensor, contains_symbolic, infer, lacks_values
from cornu.layers import building, context, input_spec, pipelines, remat, tracking
from cornu.layers.adapted import adapting
from cornu.layers.adapted.quantizable import Quantizable
from cornu.layers.building import map_shapes, shapes_of
from cornu.layers.context import CallContext
from cornu.layers.copying import reduced
from cornu.layers.masking import hand_on_mask, hand_on_symbolic_mask, masks_by_name, take_symbolic_masks
from cornu.layers.signature import CallSignature, build_arguments, call_signature, first_argument
from cornu.layers.stateless import Stateless
from cornu.layers.texts import is_text
from cornu.layers.weights import Weights
from cornu.ops import dispatch
from cornu.state import Tracked, Variable, autocast, placement
from cornu.state.variable import touch_structure

__all__ = ["Layer"]


class Layer(Weights, Quantizable, Stateless, Configurable, Tracked):
    """A computation with weights: a constructor that stores its arguments, a `build` that makes the weights, a `call`.

    Args:
        activity_regularizer: a penalty on the outputs, added to the loss.
        trainable: whether its weights are changed by optimizers.
        dtype: a dtype or a policy (`"mixed_bfloat16"`) for weights and computation.
        autocast: whether float inputs are brought to the compute dtype.
        name: its class's name in snake case, numbered, by default.
        input_shape, batch_size, input_dim: the shape of the input, for the first layer of a Sequential.

    >>> class Scale(Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")
    ...
    ...     def call(self, inputs):
    ...         return inputs * self.factor
    >>> Scale()(np.ones((1, 2))).tolist()
    [[1.0, 1.0]]
    """

    supports_masking: bool = False
    """Whether a mask that comes in goes out unchanged where `compute_mask` is not overridden."""
    _takes_texts_: bool = False
    """Whether inputs may be texts."""
    input_spec: Any = None
    __watcher: Callable[[Layer, Any], None] | None = None
    __remat: remat.RematScope | None = None
    _is_building_: bool = False
    _build_shapes_: dict[str, Any] | None = None
    """The shapes that `build` was given; without a `build` of its own, those of the call that built it."""
    _build_dtypes_: dict[str, Any] | None = None
    """The dtypes of that call's arguments, where they are not the layer's own."""
    _policy_map_: DTypePolicyMap | None
    """The map that the policy was taken from, for the layers within."""
    _follows_policies_: bool
    """Whether no dtype was given, so that a map of a layer around may say one."""
    _config_omits_: tuple[str, ...] = ()
    """Arguments that files do not tell, as they tell none for Keras's layer of that name."""
    _on_host_: bool = False
    """Whether the layer is a step on the host in the graph of a data pipeline, on that graph's own backend too."""
    _lays_own_masks_: bool = False
    """Whether the layer finds and lays its masks itself, as models with a graph do."""

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.__take_input_shape(kwargs)
        if kwargs:
            known_names = sorted(set(self._config_names_()))
            raise ArgumentError(_unknown_arguments(type(self).__name__, kwargs, known_names))
        if name is not None and not isinstance(name, str):
            raise ArgumentError(f"A layer's name must be a text, got {name!r}.")
        self.name = name or naming.unique(registry.snake_case(type(self).__name__))
        self._path_ = "/".join((*naming.scopes(), *context.building_path.get(), self.name))
        policy = dtype_policies.get(dtype)
        self._dtype_policy: DTypePolicy = policy.for_path(self._path_)
        self._policy_map_ = policy if isinstance(policy, DTypePolicyMap) else None
        self._follows_policies_ = dtype is None
        self.autocast = autocast
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.built = False
        self._made_variables_: list[Variable] = []
        self._fixed_variables_: set[int] = set()
        self._inbound_nodes: list[Node] = []
        self._trainable = trainable
        self._home_: ModuleType | None = None
        self.__accepted: Any = None
        self.__remat = remat.around()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Has each `build` note its shapes."""
        super().__init_subclass__(**kwargs)
        if "build" in vars(cls):
            cls.build = building.recorded(cls.build)  # type: ignore[method-assign]

    # --- what a layer class writes -----------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Makes the weights for inputs of this shape (None where unknown). Called once, before the first `call`."""
        self.built = True

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs from the inputs. `training` and `mask`, if it takes them, are filled in."""
        raise NotImplementedError(f"{type(self).__name__} must define `call(self, inputs)`.")

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the outputs: that of the inputs where the layer supports masking, else none."""
        return previous_mask if self.supports_masking else None

    def _keeps_rows_(self, *, training: bool) -> bool:
        """Whether each row that comes out comes of its own row alone. Asked of Cornu's own layers; of `axis` and `activation` others know."""
        return True

    # --- the call -----------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Records the call if an input is symbolic or a data pipeline's; builds the weights if they are not; runs `call`."""
        if lacks_values(args, kwargs):
            if contains_symbolic(args, kwargs):
                return self.symbolic_call(*args, **kwargs)
            step = pipelines.as_step(self, args, kwargs)
            if step is not NotImplemented:
                return step
        if not self.built:
            self._build_for_(args, kwargs)
        return self._run_(*args, **kwargs)

    def _run_(self, *args: Any, **kwargs: Any) -> Any:
        """Runs `call` in its context: backend, training, masks, dtype."""
        home = self._home_
        if home is not None and home is not backends.current() and home is not backends.compute() and not backends.is_aside():
            with backends.use_backend(home):
                return self._run_(*args, **kwargs)
        if len(args) != 1 or (type(args[0]), getattr(args[0], "shape", None), getattr(args[0], "dtype", None)) != self.__accepted:
            args = self._accept_(args)
        outer = context.active()
        training = kwargs.pop("training", None)
        if training is None and outer is not None:
            training = outer.training
        if kwargs and self.autocast:
            kwargs = {name: value if name == "mask" or is_text(value) else self._own_(value) for name, value in kwargs.items()}
        if self._takes_.training and len(args) <= self._takes_.training_at:
            if training is None:
                training = self._takes_.training_default
            kwargs["training"] = training
        if outer is not None and outer.training is training and not self._reads_weights_in_another_dtype_:
            return self.__within(outer, args, kwargs)
        with CallContext(training, outer) as inner:
            if outer is None and context.kept_masks:
                context.recall_masks(inner, (args, kwargs))
            if self._reads_weights_in_another_dtype_:
                with autocast(self.compute_dtype):
                    outputs = self.__within(inner, args, kwargs)
            else:
                outputs = self.__within(inner, args, kwargs)
        if outer is None:
            if inner.losses or context.kept_losses:
                context.keep_losses(tracking.walk(self), inner.losses)
            if inner.masks:
                context.keep_masks(inner, outputs)
        return outputs

    def _accept_(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments checked and made the layer's own; an array like the last one that needed nothing skips this."""
        if self.input_spec is not None and args:
            input_spec.check(self.input_spec, args[0], self.name)
        own = tuple(map(self._own_, args)) if self.autocast else args
        if len(args) == 1 and own[0] is args[0] and hasattr(args[0], "shape"):
            self.__accepted = (type(args[0]), args[0].shape, args[0].dtype)
        return own

    def __within(self, around: CallContext, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if around.masks and self._takes_.mask and kwargs.get("mask") is None:
            kwargs["mask"] = context.masks_of(around, first_argument(self._takes_, args, kwargs))
        elif around.masks and self._takes_.masked:
            kwargs |= masks_by_name(self, args, kwargs, lambda x: context.masks_of(around, x))
        call = self.call if self._adaptation_ is None else self._adaptation_.call
        outputs = call(*args, **kwargs) if self.__remat is None else self.rematerialized_call(call, *args, **kwargs)
        if placement.current() is not None:
            outputs = placement.laid_out(self.path, outputs)
        if self.__watcher is not None:
            self.__watcher(self, outputs)
        if self.activity_regularizer is not None:
            self.__penalise_activity(around, outputs)
        if around.masks or self.__makes_masks:
            hand_on_mask(self, around, args, kwargs, outputs)
        return outputs

    def rematerialized_call(self, layer_call: Any, *args: Any, **kwargs: Any) -> Any:
        """Runs the layer's call; computes it again for the gradient where the `RematScope` that the layer was made in says so."""
        return layer_call(*args, **kwargs) if self.__remat is None else self.__remat.run(self, layer_call, args, kwargs)

    def __penalise_activity(self, around: CallContext, outputs: Any) -> None:
        for x in tree.flatten(outputs):
            around.losses.append((self, self.activity_regularizer(x) / x.shape[0]))

    @functools.cached_property
    def _reads_weights_in_another_dtype_(self) -> bool:
        return self.autocast and self._dtype_policy.compute_dtype != self._dtype_policy.variable_dtype

    @functools.cached_property
    def __makes_masks(self) -> bool:
        return type(self).compute_mask is not Layer.compute_mask

    @functools.cached_property
    def _takes_(self) -> CallSignature:
        return call_signature(type(self).call)

    def _own_(self, x: Any) -> Any:
        """An input as the backend's array, floats in the compute dtype; nested structures and other values as they are."""
        if isinstance(x, (np.ndarray, np.generic)):
            x = backends.current().asarray(x)
        elif isinstance(x, (list, tuple, dict)):
            return tree.map_structure(self._own_, x)
        elif not dispatch.is_array(x):
            return x
        name = dtypes.standardize(x.dtype)
        wanted = self._dtype_policy.compute_dtype
        return x if name == wanted or not dtypes.is_floating(name) else dispatch.OPS["cast"](x, wanted)

    # --- symbolic -----------------------------------------------------------------------------------------------------

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Records the call as a node of a graph; gives symbolic tensors."""
        if self.input_spec is not None and args:
            input_spec.check(self.input_spec, args[0], self.name)
        if not self.built:
            self._build_for_(args, kwargs)
        masks = take_symbolic_masks(self, args, kwargs)
        node = Node(self, args, {**kwargs, **masks}, self.compute_output_spec(*args, **kwargs, **masks), laid=tuple(masks))
        self._inbound_nodes.append(node)
        hand_on_symbolic_mask(self, node)
        return node.result

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Shape and dtype of what `call` gives, inferred without running it."""
        if type(self).compute_output_shape is not Layer.compute_output_shape and args:
            return self.__spec_of_declared_shape(args, kwargs)
        return self._inferred_(args, kwargs)

    def _inferred_(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with context.on_shapes():
            return infer(self._run_, args, kwargs)

    def __spec_of_declared_shape(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        shapes = self.__shapes_for(type(self).compute_output_shape, args, kwargs)
        declared = self.compute_output_shape(**shapes)
        return map_shapes(lambda s: TensorSpec(s, self.compute_dtype), declared)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape of the outputs for inputs of this shape."""
        if not self.built:
            self.build(*args, **kwargs)
            self.built = True
        inputs = [map_shapes(lambda s: SymbolicTensor(s, self.input_dtype), a) for a in args]
        named = {k.removesuffix("_shape"): map_shapes(lambda s: SymbolicTensor(s, self.input_dtype), v) for k, v in kwargs.items()}
        return tree.map_structure(lambda s: s.shape, self._inferred_(tuple(inputs), named))

    # --- building -----------------------------------------------------------------------------------------------------

    def _build_for_(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Builds from the shapes of a call's arguments; sublayers that `build` does not build are built by a trial run on shapes."""
        if args and isinstance(args[0], Layer):
            raise ArgumentError(
                f"A layer is called on tensors, and {self.name!r} was called on the layer {args[0].name!r}.\n"
                f"Call that one first, `{self.name}({args[0].name}(x))`, or put both into a Sequential."
            )
        with building.inside(self):
            self._home_ = self._home_ or backends.compute()
            if self._declares_build_:
                self.build(**self.__shapes_for(type(self).build, args, kwargs))
            if any(not sub.built for sub in tracking.walk(self) if sub is not self):
                if not self._declares_build_:
                    building.note_call(self, args, kwargs)
                self.__build_sublayers_for(args, kwargs)
            self.built = True

    @property
    def _declares_build_(self) -> bool:
        return type(self).build is not Layer.build

    def __build_sublayers_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A run on shapes alone makes each sublayer meet its inputs' shapes. Code that cannot run on shapes builds when it runs on data."""
        symbols = tree.map_structure(
            lambda x: SymbolicTensor(known(x.shape), dtypes.standardize(x.dtype)) if hasattr(x, "shape") else x, (args, kwargs)
        )
        self._inferred_(*symbols)

    def __shapes_for(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The shapes that `build` or `compute_output_shape` takes: of the first argument, or by the names of `call`'s arguments."""
        wanted = build_arguments(function)
        if len(wanted) == 1:
            first = args[0] if args else next(iter(kwargs.values()))
            return {wanted[0]: shapes_of(first)}
        given = dict(zip(call_signature(type(self).call).names, args, strict=False)) | kwargs
        return {f"{name}_shape": shapes_of(x) for name, x in given.items() if f"{name}_shape" in wanted and x is not None}

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes that the layer was built with, for files."""
        return building.build_config(self)

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds with the shapes of `get_build_config`."""
        if config and not self.built:
            building.rebuild(self, config, self._declares_build_)

    # --- configuration ------------------------------------------------------------------------------------------------

    @classmethod
    def _config_names_(cls) -> list[str]:
        """The names of the constructor's arguments."""
        return list(parameters(cls)[0])  # type: ignore[arg-type]

    def get_config(self) -> dict[str, Any]:
        """Name, `trainable`, dtype policy, then the constructor's own arguments."""
        config = super().get_config()
        base = {"name": self.name, "trainable": self.trainable, "dtype": serialization.serialize(self.dtype_policy)}
        for name in ("name", "trainable", "dtype", "autocast", "activity_regularizer"):
            config.pop(name, None)
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = serialization.serialize(self.activity_regularizer)
        return {name: value for name, value in {**base, **config}.items() if name not in self._config_omits_}

    # --- facts --------------------------------------------------------------------------------------------------------

    @property
    def _graph_layers_(self) -> Sequence[Layer]:
        """The layers of the graph that the layer holds; none unless it is a model made from one."""
        return ()

    @property
    def _layer_class_(self) -> type[Layer]:
        """The class by which sublayers are known."""
        return Layer

    @property
    def dtype_policy(self) -> DTypePolicy:
        """The dtypes of weights and computation. A new one holds from the next call (a graph made before keeps the dtypes that it was made with);
        a quantised one quantises the weights that are there.

        Raises:
            ArgumentError: there are weights of another dtype than the new policy's.

        >>> layer = Layer()
        >>> layer.dtype_policy = "mixed_bfloat16"
        >>> layer.compute_dtype, layer.variable_dtype
        ('bfloat16', 'float32')
        """
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, policy: Any) -> None:
        found: DTypePolicy = dtype_policies.get(policy).for_path(self._path_)
        if self.built and found.variable_dtype != self.variable_dtype and self.weights:
            raise ArgumentError(
                f"Layer {self.name!r} has weights already, of the dtype {self.variable_dtype}, and takes no policy whose weights are "
                f"{found.variable_dtype} ({found.name!r}). Give it to the constructor, as the layer's `dtype`."
            )
        self._dtype_policy, self.__accepted = found, None
        vars(self).pop("_reads_weights_in_another_dtype_", None)
        if self.built:
            if found.quantization_mode is not None:
                adapting.adapt_built(self)
            touch_structure()

    @property
    def dtype(self) -> str:  # type: ignore[override]
        """The dtype of the weights."""
        return self.dtype_policy.variable_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of the weights."""
        return self.dtype_policy.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The dtype of the computation, and of the outputs."""
        return self.dtype_policy.compute_dtype

    @property
    def input_dtype(self) -> str:
        """The dtype to which float inputs are brought."""
        return self.dtype_policy.compute_dtype

    @property
    def path(self) -> str:
        """The name, after those of the scopes and of the layers that it was built in."""
        return self._path_

    def _planned_call_(self, node: Node) -> Callable[..., Any]:
        """What a plan calls for this node: `call` itself where nothing has to be done around it."""
        plain = (
            self.activity_regularizer is None
            and self._adaptation_ is None
            and self.__watcher is None
            and self.__remat is None
            and placement.current() is None
            and not self._reads_weights_in_another_dtype_
            and not tracking.sublayers(self)
            and ("training" not in node.kwargs if not self._takes_.training else not self._takes_.training_default)
            and all(x.dtype == self.compute_dtype or not dtypes.is_floating(x.dtype) or not self.autocast for x in node.inputs)
        )
        return self.call if plain else self._run_

    def _watch_outputs_(self, watcher: Callable[[Layer, Any], None] | None) -> None:
        """Has `watcher(layer, outputs)` called after each run of this layer; None ends it."""
        self.__watcher = watcher

    def _set_home_(self, backend: str) -> None:
        """Makes the layer run on a backend, whatever the current one is."""
        self._home_ = backends.load(backend)

    def __first_node(self, what: str) -> Node:
        if not self._inbound_nodes:
            raise NotCalledError(f"`layer.{what}` needs a layer called on a symbolic tensor, and {self.name!r} was never called so.")
        return self._inbound_nodes[0]

    @property
    def input(self) -> Any:
        """The symbolic input of the first call in a graph."""
        node = self.__first_node("input")
        return node.args[0] if node.args else next(iter(node.kwargs.values()))

    @property
    def output(self) -> Any:
        """The symbolic output of the first call in a graph."""
        return self.__first_node("output").result

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    def __reduce__(self) -> Any:
        """For `pickle` and `copy`."""
        return reduced(self)

    def __take_input_shape(self, kwargs: dict[str, Any]) -> None:
        """Keeps the input's shape that older programs give to the first layer."""
        batch = kwargs.pop("batch_size", None)
        shape = kwargs.pop("input_shape", None)
        if "input_dim" in kwargs and "input_dim" not in self._config_names_():
            shape = (kwargs.pop("input_dim"),)
        full = kwargs.pop("batch_input_shape", kwargs.pop("batch_shape", None))
        self._first_input_shape_ = tuple(full) if full is not None else None if shape is None else (batch, *_one_or_more(shape))


def _one_or_more(shape: Any) -> tuple[int | None, ...]:
    return (shape,) if isinstance(shape, int) else tuple(shape)


def _unknown_arguments(name: str, given: dict[str, Any], names: Sequence[str]) -> str:
    guesses = {g: nearest(g, names) for g in given}
    wrong = ", ".join(map(repr, given))
    hints = [f"{g!r}: did you mean {' or '.join(map(repr, n))}?" for g, n in guesses.items() if n]
    listed = [] if hints else textwrap.wrap(f"It takes: {', '.join(names)}.", 120)
    return "\n".join([f"{name} does not take the argument {wrong}.", *hints, *listed])
