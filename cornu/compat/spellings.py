"""Older spellings of arguments and methods, taught to Cornu's classes while `install` holds."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from cornu import callbacks, config, layers, optimizers, registry
from cornu.compat import lenient, methods, older_files
from cornu.compat.notice import called_from_outside, notice
from cornu.configurable import parameters, require
from cornu.errors import ArgumentError
from cornu.models import Model
from cornu.preprocessing.text.tokenizer import Tokenizer
from cornu.training.data import PyDataset
from cornu.training.trainer import Trainer

__all__ = ["teach", "unteach"]

Keywords = dict[str, Any]
Translate = Callable[[tuple[Any, ...], Keywords], Keywords]

LAYERS: dict[str, str] = {
    "W_constraint": "kernel_constraint", "W_regularizer": "kernel_regularizer", "alpha": "negative_slope", "atrous_rate": "dilation_rate",
    "b_constraint": "bias_constraint",
    "b_regularizer": "bias_regularizer", "bias": "use_bias", "border_mode": "padding", "dim_ordering": "data_format", "dropout_U": "recurrent_dropout",
    "dropout_W": "dropout", "filter_length": "kernel_size", "init": "kernel_initializer", "inner_activation": "recurrent_activation",
    "inner_init": "recurrent_initializer", "nb_filter": "filters", "output_dim": "units", "p": "rate", "pool_length": "pool_size", "stride": "strides",
    "subsample": "strides", "subsample_length": "strides",
}  # fmt: skip
"""Arguments of layers before Keras 2, and what they are called today; those that a layer has under the old name are left alone."""

DROPPED = {"consume_less": "recurrent_activation", "fused": "momentum"}
"""Arguments that chose how a layer computes the same numbers, and an argument by which those layers are known."""

DIM_ORDERINGS = {"th": "channels_first", "tf": "channels_last", "default": None}
BOARD = {"batch_size", "embeddings_data", "embeddings_layer_names", "write_grads"}
WORKERS = ("workers", "use_multiprocessing", "max_queue_size")
_MISSING: Any = object()
_before: list[tuple[type, str, Any]] = []


def teach() -> None:
    """Optimizers take `lr=` and `decay=`, layers the arguments of Keras 1, `fit` takes `nb_epoch=`; models have the generator methods.

    Steps that are not finite are left out where `compile` does not say otherwise.
    """
    if _before:
        return
    for optimizer in {cls for cls in registry.OPTIMIZERS.values() if isinstance(cls, type)}:
        _respell(optimizer, "__init__", _OptimizerArguments(optimizer))
    for layer in registry.LAYERS.values():
        if isinstance(layer, type) and "__init__" in vars(layer):
            _respell(layer, "__init__", _LayerArguments(layer))
    _respell(Model, "__init__", _renamed("Model", {"input": "inputs", "output": "outputs"}))
    _respell(Tokenizer, "__init__", _renamed("Tokenizer", {"nb_words": "num_words"}))
    _respell(callbacks.ReduceLROnPlateau, "__init__", _renamed("ReduceLROnPlateau", {"epsilon": "min_delta"}))
    _respell(callbacks.TensorBoard, "__init__", _board_arguments)
    for name in ("fit", "evaluate", "predict"):
        _respell(Trainer, name, functools.partial(_loop_arguments, name))
    _put(Trainer, "compile", lenient.compiling(Trainer.compile))
    _put(Trainer, "fit", lenient.fitting(Trainer.fit))
    _put(Model, "save_weights", older_files.saving_weights(Model.save_weights))
    for name in methods.__all__:
        _put(Trainer, name, getattr(methods, name))
    for owner in (layers.RNN, layers.Bidirectional):
        _put(owner, "reset_states", methods.reset_states)
    _put(optimizers.Optimizer, "lr", property(_rate, _set_rate, doc="What `learning_rate` was called."))


def unteach() -> None:
    """Every class is as it was before `teach`."""
    for owner, name, value in reversed(_before):
        if value is _MISSING:
            delattr(owner, name)
        else:
            setattr(owner, name, value)
    _before.clear()


def _put(owner: type, name: str, value: Any) -> None:
    _before.append((owner, name, vars(owner).get(name, _MISSING)))
    setattr(owner, name, value)


def _respell(owner: type, method: str, translate: Translate) -> None:
    """Has a method's keywords translated before it sees them; a constructor's are remembered translated, for the configuration."""
    original = getattr(owner, method)

    @functools.wraps(original)
    def older(self: Any, *args: Any, **kwargs: Any) -> Any:
        today = translate((self, *args), kwargs) if kwargs else kwargs
        if method == "__init__" and type(self).__init__ is older:
            require(type(self), args, today)
            self._arguments_ = (args, today)
        return original(self, *args, **today)

    if method == "__init__":
        older.respells = True  # type: ignore[attr-defined]
    _put(owner, method, older)


def _renamed(owner: str, names: dict[str, str]) -> Translate:
    def translate(args: tuple[Any, ...], kwargs: Keywords) -> Keywords:
        return kwargs if names.keys().isdisjoint(kwargs) else dict(_today(owner, names, kwargs))

    return translate


def _today(owner: str, names: dict[str, str], kwargs: Keywords) -> Iterator[tuple[str, Any]]:
    """The keywords under their names of today."""
    for name, value in kwargs.items():
        today = names.get(name, name)
        if today != name:
            if today in kwargs:
                raise ArgumentError(f"{owner} got `{name}=` and `{today}=`, which are one and the same. Leave out `{name}=`.")
            notice(f"{owner}({name}=)", f"is `{today}=` today")
        yield today, value


class _OptimizerArguments:
    """`lr=` and `decay=` of Keras 2, and its `epsilon=None`."""

    def __init__(self, cls: type) -> None:
        self._cls = cls

    def __call__(self, args: tuple[Any, ...], kwargs: Keywords) -> Keywords:
        own = parameters(self._cls)[0]
        if {"lr", "decay"}.isdisjoint(kwargs) and not ("epsilon" in kwargs and kwargs["epsilon"] is None):
            return kwargs
        name = self._cls.__name__
        today = dict(_today(name, {"lr": "learning_rate"}, kwargs))
        if today.get("epsilon", 0) is None and "epsilon" in own:
            today["epsilon"] = config.epsilon()
        decay = today.pop("decay", 0)
        if decay:
            notice(f"{name}(decay=)", "is `learning_rate=InverseTimeDecay(rate, 1, decay)` today, of keras.optimizers.schedules")
            rate = args[1] if len(args) > 1 else today.get("learning_rate", own["learning_rate"].default)
            if len(args) > 1:
                raise ArgumentError(f"With `decay=` give {name} its rate by name: `{name}(learning_rate={rate!r}, decay={decay!r})`.")
            today["learning_rate"] = optimizers.schedules.InverseTimeDecay(rate, 1, decay)
        return today


class _LayerArguments:
    """The arguments of Keras 1, by the names that this layer has today."""

    def __init__(self, cls: type) -> None:
        own = parameters(cls)[0]
        self._name = cls.__name__
        self._names = {old: today for old, today in LAYERS.items() if today in own and old not in own}
        self._sized = "kernel_size" in own
        self._dropped = [old for old, mark in DROPPED.items() if mark in own and old not in own]

    def __call__(self, args: tuple[Any, ...], kwargs: Keywords) -> Keywords:
        rows = ("nb_row", "nb_col")
        for old in self._dropped:
            if old in kwargs:
                notice(f"{self._name}({old}=)", "is chosen by itself today")
                kwargs = {name: value for name, value in kwargs.items() if name != old}
        if self._names.keys().isdisjoint(kwargs) and not (self._sized and set(rows) <= kwargs.keys()):
            return kwargs
        if self._sized and set(rows) <= kwargs.keys():
            notice(f"{self._name}(nb_row=, nb_col=)", "is `kernel_size=` today")
            kwargs = {"kernel_size": tuple(kwargs[name] for name in rows), **{k: v for k, v in kwargs.items() if k not in rows}}
        today = dict(_today(self._name, self._names, kwargs))
        if today.get("data_format") in DIM_ORDERINGS:
            today["data_format"] = DIM_ORDERINGS[today["data_format"]]
        return today


def _board_arguments(args: tuple[Any, ...], kwargs: Keywords) -> Keywords:
    """Without what TensorBoard was told of gradients and layers in Keras 2; callbacks are shown neither today."""
    for name in BOARD.intersection(kwargs):
        notice(f"TensorBoard({name}=)", "changes nothing today")
    return {name: value for name, value in kwargs.items() if name not in BOARD}


def _loop_arguments(method: str, args: tuple[Any, ...], kwargs: Keywords) -> Keywords:
    old = {"nb_epoch", *WORKERS}.intersection(kwargs)
    if not old:
        return kwargs
    today = dict(_today(method, {"nb_epoch": "epochs"}, kwargs))
    hand_workers(args[1] if len(args) > 1 else kwargs.get("x"), {name: today.pop(name) for name in WORKERS if name in today})
    return today


def hand_workers(source: Any, given: Keywords) -> None:
    """Sets on a PyDataset how it is read ahead, as `fit` was told in Keras 2; says of other sources that it has no effect."""
    usual = {"workers": 1, "use_multiprocessing": False, "max_queue_size": 10}
    changed = {name: value for name, value in given.items() if value != usual[name]}
    if not changed:
        return
    said = ", ".join(f"{name}=" for name in changed)
    if isinstance(source, PyDataset):
        notice(f"fit({said})", "is given to the constructor of the PyDataset today")
        for name, value in changed.items():
            setattr(source, name, value)
    else:
        notice(f"fit({said})", "changes nothing for this kind of data: only a PyDataset is read by several workers")


def _rate(optimizer: Any) -> Any:
    if called_from_outside():  # files are written by looking at every attribute
        notice("optimizer.lr", "is `optimizer.learning_rate` today")
    return optimizer.learning_rate


def _set_rate(optimizer: Any, value: Any) -> None:
    notice("optimizer.lr", "is `optimizer.learning_rate` today")
    optimizer.learning_rate = value
