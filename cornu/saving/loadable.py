"""Whether what is about to be saved could be loaded, asked before anything is written.

The rule: a file may name classes and functions that are not registered, since `custom_objects` can supply them when it is loaded. It may not
hold what no `custom_objects` could supply: a lambda, an argument that has no form in a file, a class that its own configuration cannot make
again, or a model that would then have other weights than those saved. So where a model has parts that are not Cornu's, it is made once from
its configuration, as a fresh process would, and the copy's weights are compared.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import random
import weakref
from collections.abc import Iterator
from typing import Any

from cornu import naming, registry, serialization
from cornu.configurable import Configurable
from cornu.errors import ConfigError, CornuError
from cornu.layers import Layer, tracking
from cornu.layers.copying import custom_objects_of
from cornu.layers.tracking import own_variables
from cornu.saving.layout import places

__all__ = ["loadable_config"]

_verified: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()


def loadable_config(model: Any, *, compiled: bool = True) -> str:
    """The JSON of a model's configuration, from which a fresh process can make the model again.

    Args:
        model: the model.
        compiled: whether it says how the model was compiled.

    Raises:
        ConfigError: it cannot; the message says which argument of which class is to blame.
    """
    try:
        text = json.dumps(serialization.serialize(model) if compiled else _uncompiled(model))
    except (CornuError, TypeError) as error:
        raise ConfigError(f"{_blame(model)} Nothing was written. ({error})") from error
    if _verified.get(model) != text and (custom := custom_objects_of(model)):
        _try_out(model, json.loads(text), custom)
        _verified[model] = text
    return text


def _uncompiled(model: Any) -> dict[str, Any]:
    """The configuration without what `compile` was given, which then need not have a form in files."""
    head = model._config_head_()
    config = {"module": head["module"], "class_name": head["class_name"], "config": serialization.serialize(model.get_config())}
    built = serialization.serialize(model.get_build_config())
    return {
        **config,
        "registered_name": head["registered_name"],
        **({} if built is None else {"build_config": built}),
        "compile_config": {},
    }


# --- who is to blame --------------------------------------------------------------------------------------------------


def _blame(model: Any) -> str:
    """The innermost part that cannot be written, and its argument."""
    for layer in reversed(list(tracking.walk(model))):
        if _fails(layer):
            return f"{_words(layer)} cannot be saved{_argument(layer)}."
    for name, value in getattr(model, "_compile_arguments_", {}).items():
        if _fails(value):
            inner = f": {_words(value)} cannot be saved{_argument(value)}" if isinstance(value, Configurable) else f" ({value!r})"
            return f"{_words(model)} cannot be saved as it was compiled, because of `{name}`{inner}."
    return f"{_words(model)} cannot be saved."


def _fails(value: Any) -> bool:
    try:
        config = value.get_config() if isinstance(value, Layer) else value
        json.dumps(serialization.serialize(config))
    except (CornuError, TypeError):
        return True
    return False


def _argument(owner: Any) -> str:
    with contextlib.suppress(CornuError, TypeError):
        for name, value in owner._constructor_arguments_().items():
            if _fails(value):
                return f" because of its argument `{name}` = {value!r}"
    return ""


def _words(owner: Any) -> str:
    name = getattr(owner, "name", None)
    return f"{type(owner).__name__} {name!r}" if isinstance(name, str) else type(owner).__name__


# --- the trial --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _leaving_no_trace() -> Iterator[None]:
    """Names and seeds that are drawn within it are drawn again afterwards."""
    state = random.getstate()
    try:
        with naming.kept():
            yield
    finally:
        random.setstate(state)


def _try_out(model: Any, config: Any, custom: dict[str, Any]) -> None:
    with _leaving_no_trace(), registry.scope(custom):
        for layer in reversed(list(tracking.walk(model))):
            if type(layer) in custom.values():
                _try_class(layer)
        try:
            copy = serialization.deserialize(config)
        except Exception as error:
            raise ConfigError(
                f"{_words(model)} could be saved, but not loaded: {type(error).__name__}: {error} Nothing was written."
            ) from error
        differences = list(_differences(model, copy))
    if differences:
        listed = "".join(f"\n  {line}" for line in differences[:10])
        raise ConfigError(
            f"{_words(model)} could be saved, but not loaded, since the model that its configuration makes has other weights:{listed}\n"
            "Make weights in `build`, from what the constructor was given and the input's shape. Nothing was written."
        )


def _try_class(layer: Any) -> None:
    """Makes one custom layer from its configuration."""
    try:
        type(layer).from_config(json.loads(json.dumps(serialization.serialize(layer.get_config()))))
    except Exception as error:
        known = ", ".join(inspect.signature(type(layer).__init__).parameters)
        raise ConfigError(
            f"{_words(layer)} could be saved, but not loaded: {type(layer).__name__}.from_config does not accept what `get_config` gives "
            f"({type(error).__name__}: {error}). Its constructor takes ({known}); let `get_config` give those, or leave it out, and the "
            "arguments are captured. Nothing was written."
        ) from error


def _differences(model: Any, copy: Any) -> Iterator[str]:
    theirs = {place.path: place.owner for place in places(copy)}
    for path, owner in places(model):
        if not isinstance(owner, Layer):
            continue
        mine = [v.shape for v in own_variables(owner)]
        other = theirs.get(path)
        again = [v.shape for v in own_variables(other)] if isinstance(other, Layer) else []
        if mine != again:
            yield f"{path or 'the model itself'} ({_words(owner)}): {mine} now, {again} when loaded"
