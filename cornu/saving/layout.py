"""Where in a file of weights each part of a model has its place.

The layout is Keras's: what has variables to save is a group. Its children are its attributes in the order of their names, private ones last,
each object where it is met first. A list, tuple, set or dict is a group of the attribute's name, with its members named after their class:
`layers/dense`, `layers/dense_1`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from cornu import registry
from cornu.layers import Layer
from cornu.layers.weights import Weights
from cornu.optimizers import Optimizer

__all__ = ["Place", "default_variables", "places"]

_CONTAINERS = (list, tuple, dict, set)
_FOUNDATION = {
    "layers.layer",
    "layers.weights",
    "layers.adapted.quantizable",
    "models.model",
    "training.trainer",
    "configurable",
    "state.variable",
}
_NOT_PARTS = {
    "_arguments_", "_compile_arguments_", "_graph_", "_made_", "_stack_", "_inbound_nodes", "_made_variables_", "metrics",
    "_regularized_variables_", "_trained_variables_", "_found_variables_",
}  # fmt: skip


class Place(NamedTuple):
    """An object and its group in the file ("layers/dense"; "" for the root)."""

    path: str
    owner: Any


def places(root: Any) -> list[Place]:
    """Every object that has a group in the file, the root first."""
    found: list[Place] = []
    seen: set[int] = set()
    waiting = [Place("", root)]
    while waiting:
        place = waiting.pop()
        if id(place.owner) not in seen:
            seen.add(id(place.owner))
            found.append(place)
            waiting.extend(
                reversed([Place(f"{place.path}/{name}" if place.path else name, child) for name, child in _children(place.owner)])
            )
    return found


def default_variables(owner: Any) -> bool:
    """Whether the object's variables are written and read one by one, in their order, and not by methods of its class's own."""
    cls = type(owner)
    return (
        isinstance(owner, Weights)
        and owner._adaptation_ is None
        and cls.load_own_variables is Weights.load_own_variables
        and cls.save_own_variables is Weights.save_own_variables
    )


def _children(owner: Any) -> Iterator[tuple[str, Any]]:
    for name in sorted(_attribute_names(owner), key=lambda n: (n.startswith("_"), n)):
        try:
            value = getattr(owner, name)
        except Exception:  # noqa: BLE001 - a property may refuse, for reasons of its own: it holds no part then
            continue
        if _is_part(value):
            yield name, value
        elif isinstance(value, _CONTAINERS):
            for inner, member in _members(value):
                yield f"{name}/{inner}", member


def _attribute_names(owner: Any) -> set[str]:
    """The attributes that may hold parts: those of the object, the properties of its class, and a model's `layers`."""
    names = set(vars(owner))
    for cls in type(owner).__mro__:
        if cls.__module__.removeprefix("cornu.") not in _FOUNDATION:
            names.update(name for name, value in vars(cls).items() if isinstance(value, property))
    if hasattr(type(owner), "layers"):
        names.add("layers")
    return names - _NOT_PARTS


def _is_part(value: Any) -> bool:
    return isinstance(value, (Layer, Optimizer))


def _members(container: Any) -> Iterator[tuple[str, Any]]:
    """The parts within a container, named by their class and counted by name; containers within count as such."""
    counts: Counter[str] = Counter()
    for member in container.values() if isinstance(container, dict) else container:
        if not _is_part(member) and not isinstance(member, _CONTAINERS):
            continue
        base = _class_name(member) if _is_part(member) else "container"
        name = f"{base}_{counts[base]}" if counts[base] else base
        counts[base] += 1
        if _is_part(member):
            yield name, member
        else:
            for inner, part in _members(member):
                yield f"{name}/{inner}", part


def _class_name(part: Any) -> str:
    head = part._config_head_()["class_name"] if hasattr(part, "_config_head_") else type(part).__name__
    return registry.snake_case(head)
