"""Layers as `pickle` and `copy` take them apart: a configuration, the user's classes by reference, and what each layer saves of itself."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu import registry, serialization
from cornu.configurable import Configurable
from cornu.layers import tracking

if TYPE_CHECKING:
    from cornu.layers.layer import Layer

__all__ = ["custom_objects_of", "reduced", "revived", "written_files"]

_NO_PARTS = ("_inbound_nodes", "_graph_", "_made_")


def reduced(layer: Layer) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """What `__reduce__` gives: `revived` and its arguments.

    Raises:
        ConfigError: an argument of the layer has no form outside this process, as a lambda has none.
    """
    return revived, (serialization.serialize(layer), custom_objects_of(layer), [_state(part) for part in tracking.walk(layer)])


def revived(config: Any, objects: Mapping[str, Any], states: list[tuple[Any, ...]]) -> Any:
    """The layer again, with copies of its weights."""
    with registry.scope(objects):
        layer = serialization.deserialize(config)
    parts: Iterator[Any] = tracking.walk(layer)
    for part, (built, weights, seeds, files) in zip(parts, states, strict=True):
        if files:
            with tempfile.TemporaryDirectory() as folder:
                for name, content in files.items():
                    path = Path(folder, name)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
                part.load_assets(folder)
        if weights:
            part.load_own_variables(weights)
        for generator, state in zip(tracking.seed_generators(part), seeds, strict=True):
            generator.state.assign(state)
        part.built = built  # where there is nothing to build, nothing says so
    return layer


def _state(part: Any) -> tuple[bool, dict[str, np.ndarray], list[np.ndarray], dict[str, bytes]]:
    """Whether the layer is built, what it saves of itself, its random numbers' states, and its files."""
    weights: dict[str, Any] = {}
    if part.built:
        part.save_own_variables(weights)
    files = {name: path.read_bytes() for name, path in written_files(part)}
    seeds = [np.array(generator.state) for generator in tracking.seed_generators(part)]
    return part.built, {name: np.array(value) for name, value in weights.items()}, seeds, files


def written_files(part: Any) -> Iterator[tuple[str, Path]]:
    """The files that the layer writes with `save_assets(folder)`, if it has that: their names below the folder, and where they are until the next."""
    if hasattr(part, "save_assets"):
        with tempfile.TemporaryDirectory(prefix="cornu-") as folder:
            part.save_assets(folder)
            for path in sorted(p for p in Path(folder).rglob("*") if p.is_file()):
                yield path.relative_to(folder).as_posix(), path


def custom_objects_of(layer: Any) -> dict[str, Any]:
    """Every class and function within reach of a layer that is not Cornu's own, by the name that a file has for it."""
    found: dict[str, Any] = {}
    seen: set[int] = set()
    waiting = [layer]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Configurable):
            if registry.module_of(type(value)) is None and not type(value).__module__.startswith("cornu."):
                found[registry.registered_name(type(value))] = type(value)
            waiting += [inner for name, inner in vars(value).items() if name not in _NO_PARTS]
        elif inspect.isfunction(value) and not value.__module__.startswith("cornu."):
            found[registry.registered_name(value)] = value
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, (list, tuple, set)):
            waiting += value
    for inner in tracking.listed(layer):
        if id(inner) not in seen:
            found |= custom_objects_of(inner)
    return found
