"""Configurations as older files spell them, in the present spelling, and back: the one place that knows older spellings.

Whole models in `.h5` files say of a layer no more than `{"class_name", "config"}`, in Keras 3 too. Keras 2 moreover has other names for some
classes and arguments, lists for the calls of a graph, and objects without modules inside the arguments of layers, losses and optimizers.
Nothing is made here and nothing is looked up beyond whether a name is one of Cornu's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from cornu import registry
from cornu.errors import ConfigError, UnsafeFileError
from cornu.registry import CONSTRAINTS, INITIALIZERS, LAYERS, LOSSES, METRICS, OPTIMIZERS, REGULARIZERS, SCHEDULES, Role
from cornu.saving import keras_ops

__all__ = ["compile_config", "keras_2", "model_config", "older_compile_config", "older_model_config", "optimizer_order"]

Config = dict[str, Any]

_FUNCTIONAL = {"module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional"}
_SEQUENTIAL = {"module": "keras", "class_name": "Sequential", "registered_name": None}
_CLASSES = {
    "SyncBatchNormalization": "BatchNormalization",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
}
_ARGUMENTS = {
    "LeakyReLU": {"alpha": "negative_slope"},
    "InputLayer": {"batch_input_shape": "batch_shape"},
}
_WITHOUT_EFFECT = {
    "implementation", "input_length", "fused", "query_shape", "key_shape", "value_shape", "kernel_initializer", "kernel_regularizer",
    "kernel_constraint", "experimental_autocast",
}  # fmt: skip
"""Arguments of Keras 2 that today's classes do not have and that never changed a result."""
_WITHOUT_EFFECT_IF = {
    "time_major": False, "virtual_batch_size": None, "adjustment": None, "groups": 1, "num_constants": None, "invert": False, "ragged": False,
    "sparse": False, "keepdims": False, "zero_output_for_mask": False,
}  # fmt: skip
"""Others, which did not change a result at this value."""
_RECURRENT = {"SimpleRNN", "LSTM", "GRU", "RNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"}
_MERGING = {"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot"}
_NAMES = {"kullback_leibler_divergence": "kl_divergence", "cosine_proximity": "cosine_similarity"}
_OPTIMIZER_WITHOUT_EFFECT = {"jit_compile", "is_legacy_optimizer", "dynamic", "schedule_decay"}


def model_config(config: Any, *, keras_2: bool = False) -> Config:
    """The configuration of a model, from the one in an older file.

    Args:
        config: what the file has under `model_config`.
        keras_2: whether a version of Keras before 3 wrote it.

    Raises:
        ConfigError: it is none.
        UnsafeFileError: it holds code.
    """
    try:
        return _layer(config, keras_2)
    except (AttributeError, KeyError, TypeError, IndexError, ValueError, RecursionError) as error:
        if isinstance(error, (ConfigError, UnsafeFileError)):
            raise
        raise ConfigError(f"The configuration of a model cannot be read: {type(error).__name__} {error}.") from error


# --- layers -----------------------------------------------------------------------------------------------------------


def _known(name: str, role: Role) -> bool:
    """Whether a name stands for a class of Cornu's own."""
    registry.open_rooms()
    return name in role and registry.find_custom(name) is None


def _head(name: str, role: Role) -> Config:
    if _known(name, role):
        return {"module": role.written, "class_name": name, "registered_name": None}
    return {"module": None, "class_name": name.rpartition(">")[2], "registered_name": name}


def _object(value: Any, role: Role, change: Callable[[str, Config], Config] | None = None) -> Any:
    """An object inside an argument: named as files do today, its arguments changed where need be."""
    if not isinstance(value, Mapping) or "module" in value or not isinstance(value.get("class_name"), str):
        return value
    if value["class_name"] == "function" or not isinstance(value.get("config"), Mapping):
        return _function(value["config"])
    name = value["class_name"].removesuffix("V2") if value["class_name"] not in role else value["class_name"]
    arguments = dict(value["config"])
    return {**_head(name, role), "config": change(name, arguments) if change else arguments}


def _function(name: Any) -> Config:
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}


def _layer(config: Any, keras_2: bool) -> Config:
    """A layer, an op of a graph, or a model."""
    if "module" in config:
        return dict(config)
    name, arguments = config["class_name"], config["config"]
    kept = {key: config[key] for key in ("name", "inbound_nodes", "shared_object_id", "build_config") if key in config}
    if isinstance(arguments, list) or (name == "Sequential" and "layers" in arguments):
        return {**_SEQUENTIAL, **kept, "config": _stack(arguments, keras_2)}
    if all(key in arguments for key in ("layers", "input_layers", "output_layers")):
        head = _FUNCTIONAL if name in ("Model", "Functional") else _head(name, LAYERS)
        return {**head, **kept, "config": _graph(arguments, keras_2)}
    op = None if keras_2 else _op(name, arguments)
    if op is not None:
        return {**op, **kept, "config": dict(arguments)}
    own = _CLASSES.get(name, name)
    return {**_head(own, LAYERS), **kept, "config": _arguments(name, own, dict(arguments), keras_2)}


def _op(name: str, arguments: Mapping[str, Any]) -> Config | None:
    """What names an op of a graph; it is known by lacking what every layer has."""
    if "trainable" in arguments or name == "InputLayer" or registry.find_custom(name) is not None:
        return None
    try:
        cls, module = keras_ops.class_and_module(keras_ops.op_of({"class_name": name}))
    except ConfigError:
        return None
    return {"module": module, "class_name": cls, "registered_name": cls}


def _arguments(given: str, name: str, arguments: Config, keras_2: bool) -> Config:
    """A layer's arguments."""
    renamed = _ARGUMENTS.get(name, {})
    arguments = {renamed.get(key, key): _argument(key, value, keras_2) for key, value in arguments.items()}
    if given == "SyncBatchNormalization":
        arguments["synchronized"] = True
    if name == "BatchNormalization" and isinstance(arguments.get("axis"), list):
        (arguments["axis"],) = arguments["axis"]
    if name == "Lambda":
        arguments = _lambda(arguments)
    return _accepted(name, arguments) if _known(name, LAYERS) else arguments


def _accepted(name: str, arguments: Config) -> Config:
    """The arguments without those that today's class does not have and that had no effect."""
    names = {*LAYERS.lookup(name)._config_names_(), "batch_input_shape"}  # type: ignore[attr-defined]
    return {
        key: value
        for key, value in arguments.items()
        if key in names or not (key in _WITHOUT_EFFECT or (key in _WITHOUT_EFFECT_IF and value == _WITHOUT_EFFECT_IF[key]))
    }


def _argument(key: str, value: Any, keras_2: bool) -> Any:
    if key == "dtype":
        return _dtype(value)
    if key in ("layer", "backward_layer", "forward_layer", "cell") and isinstance(value, Mapping):
        return _layer(value, keras_2)
    if key in ("cell", "cells") and isinstance(value, list):
        return [_layer(cell, keras_2) for cell in value]
    if key.endswith("activation"):
        return _activation(value, keras_2)
    for ending, role in (("_initializer", INITIALIZERS), ("_regularizer", REGULARIZERS), ("_constraint", CONSTRAINTS)):
        if key.endswith(ending):
            return _object(value, role, _initializer if role is INITIALIZERS else None)
    return value


def _dtype(value: Any) -> Any:
    """A policy of Keras 2 says no more than its name."""
    if isinstance(value, Mapping) and "module" not in value:
        return value["config"]["name"]
    return value


def _activation(value: Any, keras_2: bool) -> Any:
    if not isinstance(value, Mapping) or "module" in value:
        return value
    return value["config"] if value["class_name"] == "function" else _layer(value, keras_2)


def _initializer(name: str, arguments: Config) -> Config:
    arguments.pop("dtype", None)
    if name == "VarianceScaling" and arguments.get("distribution") == "normal":
        arguments["distribution"] = "truncated_normal"
    return arguments


def _lambda(arguments: Config) -> Config:
    """A layer around a function, which must have a name; older files also hold code, which nobody should run."""
    function = arguments.get("function")
    if (
        isinstance(function, list)
        or arguments.get("function_type") == "lambda"
        or arguments.get("output_shape_type") in ("lambda", "function")
    ):
        raise UnsafeFileError(
            f"The Lambda layer {arguments.get('name')!r} is stored as code, which Cornu never runs, whatever `safe_mode` says. Open the file "
            "where it comes from, put a registered function or a layer of your own in the lambda's place, and save the model anew."
        )
    kept = {
        key: value for key, value in arguments.items() if key not in ("function_type", "module", "output_shape_type", "output_shape_module")
    }
    return {**kept, "function": _function(function) if isinstance(function, str) else function}


def _stack(config: Any, keras_2: bool) -> Config:
    """A Sequential; the oldest files hold a mere list of its layers."""
    config = {"layers": config} if isinstance(config, list) else dict(config)
    layers = [_layer(layer, keras_2) for layer in config["layers"]]
    entered = False
    for layer in layers:
        if entered:
            layer["config"].pop("batch_input_shape", None)
        entered = True
    return {**config, "layers": layers} | ({"dtype": _dtype(config["dtype"])} if "dtype" in config else {})


# --- graphs -----------------------------------------------------------------------------------------------------------


def _graph(config: Mapping[str, Any], keras_2: bool) -> Config:
    """A model made from a graph; Keras 2 wrote each call as a list of references `[layer, call, output, arguments]`."""
    entries = [{**_layer(entry, keras_2), "name": entry.get("name") or entry["config"]["name"]} for entry in config["layers"]]
    for entry in entries:
        entry["config"].pop("batch_input_shape", None)
    if not any(isinstance(node, list) for entry in entries for node in entry.get("inbound_nodes", ())):
        return {**config, "layers": entries}
    references = _References(entries, config)
    for entry in entries:
        entry["inbound_nodes"] = [references.call(entry["class_name"], node) for node in entry.get("inbound_nodes", ())]
    ends = {key: references.ends(config[key], outputs=key == "output_layers") for key in ("input_layers", "output_layers")}
    return {**config, "layers": entries, **ends}


class _References:
    """The references of a graph of Keras 2, in which calls of a model are numbered from 1 where it was made from a graph."""

    def __init__(self, entries: list[Config], config: Mapping[str, Any]) -> None:
        self.names = {entry["name"] for entry in entries}
        self.graphs = {entry["name"] for entry in entries if entry["class_name"] == "Functional"}
        highest = dict.fromkeys(self.names, 0)
        for name, number in self._found(
            [[entry.get("inbound_nodes", ()) for entry in entries], config["input_layers"], config["output_layers"]]
        ):
            highest[name] = max(highest[name], number)
        self.first = {entry["name"]: max(0, highest[entry["name"]] + 1 - len(entry.get("inbound_nodes", ()))) for entry in entries}
        self.first |= {entry["name"]: 0 for entry in entries if entry["class_name"] == "InputLayer"}

    def _is_reference(self, value: Any) -> bool:
        return (
            isinstance(value, (list, tuple))
            and len(value) in (3, 4)
            and isinstance(value[0], str)
            and value[0] in self.names
            and all(type(n) is int for n in value[1:3])
        )

    def _found(self, value: Any) -> Iterator[tuple[str, int]]:
        waiting = [value]
        while waiting:
            value = waiting.pop()
            if self._is_reference(value):
                yield value[0], value[1]
            waiting += value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()

    def call(self, cls: str, node: Any) -> Config:
        """A call as files hold it today."""
        if isinstance(node, Mapping) and "args" in node:
            return dict(node)
        kwargs = next((dict(ref[3]) for ref in _flat(node, self._is_operand) if len(ref) == 4 and ref[3]), {})
        kwargs = {name: self.resolved(value) for name, value in kwargs.items()}
        operands = self.resolved(node)
        if isinstance(operands, list) and len(operands) == 1 and cls not in _MERGING and not self._is_operand(node):
            operands = operands[0]
        if cls in _RECURRENT and isinstance(operands, list):
            operands, kwargs["initial_state"] = operands[0], operands[1:]
        return {"args": [operands], "kwargs": kwargs}

    def _is_operand(self, value: Any) -> bool:
        return self._is_reference(value) or (isinstance(value, list) and len(value) in (3, 4) and value[0] == "_CONSTANT_VALUE")

    def resolved(self, value: Any) -> Any:
        """A value in which references are spelt as today."""
        if self._is_reference(value):
            name, number, index = value[:3]
            return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, number - self.first[name], index]}}
        if self._is_operand(value):
            return value[2]
        if isinstance(value, (list, tuple)):
            return [self.resolved(inner) for inner in value]
        return {key: self.resolved(inner) for key, inner in value.items()} if isinstance(value, Mapping) else value

    def ends(self, value: Any, *, outputs: bool) -> Any:
        """The inputs or outputs of the graph; a single one stands for itself."""
        if self._is_reference(value):
            name, number, index = value[:3]
            return [name, number - self.first[name] + (outputs and name in self.graphs), index]
        if isinstance(value, Mapping):
            return {key: self.ends(inner, outputs=outputs) for key, inner in value.items()}
        listed = [self.ends(inner, outputs=outputs) for inner in value]
        return listed[0] if len(listed) == 1 else listed


def _flat(value: Any, leaf: Callable[[Any], bool]) -> Iterator[Any]:
    if leaf(value):
        yield value
    elif isinstance(value, (list, tuple, Mapping)):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _flat(inner, leaf)


# --- how a model was compiled -----------------------------------------------------------------------------------------


def compile_config(training: Mapping[str, Any]) -> Config:
    """The arguments of `compile`, from what an older file has under `training_config`.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        known = ("run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss")
        return {
            "optimizer": _optimizer(training["optimizer_config"]),
            "loss": _scores(training.get("loss"), LOSSES),
            "loss_weights": training.get("loss_weights"),
            "metrics": _scores(training.get("metrics"), METRICS),
            "weighted_metrics": _scores(training.get("weighted_metrics"), METRICS),
            **{name: training[name] for name in known if training.get(name) is not None},
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"How the model was compiled cannot be read: {type(error).__name__} {error}.") from error


def _scores(value: Any, role: Role) -> Any:
    """Losses or metrics, in lists and dicts as given."""
    if isinstance(value, str):
        return _NAMES.get(value, value) if registry.find_custom(value) is None else _function(value)
    if isinstance(value, Mapping):
        if "module" in value:
            return dict(value)
        if isinstance(value.get("class_name"), str):
            return _object(value, role, _score)
        return {key: _scores(inner, role) for key, inner in value.items()}
    return [_scores(inner, role) for inner in value] if isinstance(value, (list, tuple)) else value


def _score(name: str, arguments: Config) -> Config:
    if arguments.get("reduction") == "auto":
        arguments["reduction"] = "sum_over_batch_size"
    if "fn" in arguments:
        if name in ("MeanMetricWrapper", "LossFunctionWrapper"):
            arguments["fn"] = (
                _function(_NAMES.get(arguments["fn"], arguments["fn"])) if isinstance(arguments["fn"], str) else arguments["fn"]
            )
        else:
            del arguments["fn"]
    return arguments


def _optimizer(config: Any) -> Any:
    if isinstance(config, Mapping) and isinstance(config.get("class_name"), str):
        config = {**config, "class_name": _without_package(config["class_name"], OPTIMIZERS)}
    return _object(config, OPTIMIZERS, _optimizer_arguments)


def _without_package(name: str, role: Role) -> str:
    """Some versions wrote their own optimizers as if they were users'."""
    plain = name.removeprefix("Custom>")
    return plain if registry.find_custom(name) is None and _known(plain, role) else name


def _optimizer_arguments(name: str, arguments: Config) -> Config:
    rate = arguments.pop("learning_rate", arguments.pop("lr", None))
    arguments.pop("lr", None)
    decay = arguments.pop("decay", None)
    rate = _object(rate, SCHEDULES)
    if decay and isinstance(rate, (int, float)):
        schedule = {"initial_learning_rate": rate, "decay_steps": 1, "decay_rate": decay}
        rate = {"module": SCHEDULES.written, "class_name": "InverseTimeDecay", "config": schedule, "registered_name": None}
    if "inner_optimizer" in arguments:
        arguments["inner_optimizer"] = _optimizer(arguments["inner_optimizer"])
    kept = {key: value for key, value in arguments.items() if key not in _OPTIMIZER_WITHOUT_EFFECT}
    if kept.get("epsilon", 0) is None:
        del kept["epsilon"]
    return kept if rate is None else {**kept, "learning_rate": rate}


_SLOTS = {
    "momentum": {"m", "momentum"}, "velocity": {"v", "velocity", "rms"}, "velocity_hat": {"vhat", "velocity_hat"}, "norm": {"v", "u"},
    "average_gradient": {"mg", "average_gradient"}, "accumulator": {"accumulator"}, "linear": {"linear"},
    "accumulated_grad": {"accum_grad", "accumulated_grad"}, "accumulated_delta_var": {"accum_var", "accumulated_delta_var"},
}  # fmt: skip
"""How Keras 2 called what optimizers keep for each variable."""
_COUNTS = {"iter", "iterations", "iteration"}


def optimizer_order(optimizer: Any, variables: Sequence[Any], names: Sequence[str]) -> list[str | None] | None:
    """For each variable of an optimizer the name under which Keras 2 kept its value; None for what it did not keep.

    Args:
        optimizer: built.
        variables: those that it was built for.
        names: those in the file: `Adam/dense/kernel/m:0`, in later versions `Adam/m/dense/kernel:0`.

    Returns:
        None if it cannot be told which is which.
    """
    parts = {name: name.partition(":")[0].split("/") for name in names}
    wanted = [(v, _SLOTS.get(slot, set())) for group in optimizer._slots_ for v in variables for slot in group]
    slots = [[name for name in names if _holds(parts[name], v.path.split("/"), words)] for v, words in wanted]
    counts = [name for name in names if parts[name][-1] in _COUNTS]
    rate = next((name for name in names if parts[name][-1] == "learning_rate"), None)
    own = len(optimizer.variables) - len(wanted)
    if len(counts) != 1 or own not in (1, 2) or any(len(found) != 1 for found in slots):
        return None
    return [counts[0], *([rate] if own == 2 else []), *(found[0] for found in slots)]


def _holds(name: Sequence[str], path: Sequence[str], words: set[str]) -> bool:
    """Whether a name of the file is that of a slot for the variable of that path."""
    inner = name[1:-1] if name[-1] in words else name[2:] if len(name) > 2 and name[1] in words else []
    shared = min(len(inner), len(path))
    return shared > 1 and list(inner[-shared:]) == list(path[-shared:])


# --- back -------------------------------------------------------------------------------------------------------------


def older_model_config(config: Mapping[str, Any]) -> Config:
    """A model's configuration as `.h5` files hold it: layers by class and arguments alone."""
    cls, arguments = config.get("registered_name") or config["class_name"], config["config"]
    kept = {key: config[key] for key in ("name", "inbound_nodes", "shared_object_id") if key in config}
    if keras_ops.is_op(config):
        return {"module": config["module"], "class_name": config["class_name"], "config": arguments, "registered_name": cls, **kept}
    if isinstance(arguments.get("layers"), list) and all(isinstance(x, Mapping) and "class_name" in x for x in arguments["layers"]):
        arguments = {**arguments, "layers": [older_model_config(layer) for layer in arguments["layers"]]}
    elif config.get("build_config"):
        kept["build_config"] = config["build_config"]
    return {"class_name": cls, "config": arguments, **kept}


def older_compile_config(config: Mapping[str, Any]) -> Config:
    """How a model was compiled, as `.h5` files hold it; losses by their full names, since Keras reads no others there."""
    older = {key: _plain(value) for key, value in config.items()}
    return {
        **{key: value for key, value in older.items() if key != "optimizer"},
        "loss": _full(older["loss"]),
        "optimizer_config": older["optimizer"],
    }


def _full(loss: Any) -> Any:
    if isinstance(loss, str):
        return LOSSES.lookup(loss).__name__ if _known(loss, LOSSES) else loss
    if isinstance(loss, Mapping):
        return dict(loss) if "class_name" in loss else {key: _full(inner) for key, inner in loss.items()}
    return [_full(inner) for inner in loss] if isinstance(loss, list) else loss


def _plain(value: Any) -> Any:
    """Objects by class and arguments, functions by name."""
    if isinstance(value, Mapping):
        if value.get("class_name") == "function":
            return value["config"]
        if "class_name" in value and "config" in value:
            return {"class_name": value.get("registered_name") or value["class_name"], "config": value["config"]}
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def keras_2(version: str | None) -> bool:
    """Whether a file with this `keras_version` was written before Keras 3.

    >>> keras_2("2.15.0"), keras_2("3.15.1"), keras_2(None)
    (True, False, True)
    """
    return not (version or "").partition(".")[0].isdigit() or int((version or "").partition(".")[0]) < 3
