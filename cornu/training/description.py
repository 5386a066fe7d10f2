"""What a run is of: the program's model, optimizer, loss and data, in plain words that can be compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cornu import serialization
from cornu.errors import CornuError
from cornu.layers import tracking
from cornu.training.data import Batches

if TYPE_CHECKING:
    from cornu.training.trainer import Trainer

__all__ = ["describe", "differences"]

_LONGEST = 200
"""Characters of a setting that are kept as they are; of a longer one its digest."""

_IGNORED = frozenset({"name", "seed", "registered_name", "build_config", "module", "layers", "input_layers", "output_layers", "trainable"})
"""What differs between two runs of a program, is described by itself, or is part of the state."""

Description = dict[str, Any]


def describe(model: Trainer, train: Batches) -> Description:
    """Settings of each layer, of the optimizer, the loss, the metrics and the data, as text by name."""
    return {
        "layers": [[layer.name, _settings(layer)] for layer in tracking.walk(model)],
        "optimizer": _settings(model.optimizer),
        "compile": {name: _text(model._compile_arguments_[name]) for name in ("loss", "loss_weights", "metrics", "weighted_metrics")},
        "data": {
            "kind": type(train).__name__,
            **{name: str(getattr(train, name)) for name in ("num_batches", "batch_size", "num_samples")},
        },
    }


def differences(there: Description, here: Description) -> list[str]:
    """What differs between the description in a backup and that of the program at hand, a line each.

    >>> differences({"data": {"num_samples": "64"}}, {"data": {"num_samples": "96"}})
    ['data: num_samples was 64, is 96']
    """
    found = []
    theirs, ours = there.get("layers", []), here.get("layers", [])
    if len(theirs) != len(ours):
        found.append(f"model: {len(theirs)} layers in the backup, {len(ours)} here")
    for (old_name, old), (new_name, new) in zip(theirs, ours, strict=False):
        called = f"layer {new_name!r}" if old_name == new_name else f"layer {new_name!r} (there {old_name!r})"
        found += _changed(called, old, new)
    for part in ("optimizer", "compile", "data"):
        found += _changed(part, there.get(part, {}), here.get(part, {}))
    return found


def _changed(what: str, old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    if old.get("class") != new.get("class"):
        return [f"{what}: {old.get('class')} in the backup, {new.get('class')} here"]
    names = [*old, *(name for name in new if name not in old)]
    return [f"{what}: {n} was {old.get(n, 'absent')}, is {new.get(n, 'absent')}" for n in names if old.get(n) != new.get(n)]


def _settings(thing: Any) -> dict[str, str]:
    """The class and the settings of a layer or an optimizer; of one that has no configuration, the class."""
    try:
        config = thing.get_config()
    except (CornuError, TypeError, ValueError, NotImplementedError):
        config = {}
    plain = {name: _text(value) for name, value in config.items() if name not in _IGNORED} if isinstance(config, Mapping) else {}
    return {"class": type(thing).__name__, **plain}


def _text(value: Any) -> str:
    try:
        text = json.dumps(_without_names(serialization.serialize(value)), sort_keys=True)
    except (CornuError, TypeError, ValueError, NotImplementedError):
        text = type(value).__name__
    return text if len(text) <= _LONGEST else f"({len(text)} characters, digest {hashlib.sha256(text.encode()).hexdigest()[:12]})"


def _without_names(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _without_names(v) for k, v in value.items() if k not in _IGNORED}
    return [_without_names(v) for v in value] if isinstance(value, (list, tuple)) else value
