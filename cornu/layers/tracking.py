"""Variables and sublayers of a layer, found by walking its attributes when asked.

Nothing is wrapped or intercepted: a layer may keep what it owns in attributes, lists, tuples and dicts, and change them as it likes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cornu.optimizers import Optimizer
from cornu.state import SeedGenerator, Tracked, Variable

if TYPE_CHECKING:
    from cornu.layers.layer import Layer

__all__ = ["CarriedStates", "carried_states", "is_fixed", "listed", "metrics", "own_variables", "seed_generators", "sublayers", "walk"]


_SKIPPED = frozenset(
    {
        "_arguments_",
        "_graph_",
        "input_spec",
        "optimizer",
        "_regularized_variables_",
        "_trained_variables_",
        "_found_variables_",
        "_made_variables_",
    }
)


class CarriedStates(Tracked):
    """Variables that go from one call of a layer to the next and are no weights: not counted, not saved with those, yet part of a step."""

    def __init__(self, variables: list[Variable]) -> None:
        self.variables = variables


def _values(owner: object) -> Iterator[Any]:
    for name, value in vars(owner).items():
        if name not in _SKIPPED:
            yield from _opened(value)


def _opened(value: Any) -> Iterator[Any]:
    if isinstance(value, (Tracked, Variable, SeedGenerator)):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _opened(inner)
    elif isinstance(value, (list, tuple, set)):
        for inner in value:
            yield from _opened(inner)


def sublayers(layer: Layer) -> list[Layer]:
    """The layers directly below, each once: those of the graph that a model holds, then those in attributes, in their order."""
    kind = layer._layer_class_
    found = {id(v): v for v in layer._graph_layers_}
    found.update((id(v), v) for v in _values(layer) if isinstance(v, kind) and v is not layer)
    return list(found.values())


def listed(layer: Layer) -> list[Layer]:
    """The layers that a model, or a layer that keeps them in a list of this name, calls its `layers`; another may call a number so."""
    found = getattr(layer, "layers", None)
    return [one for one in found if isinstance(one, layer._layer_class_)] if isinstance(found, (list, tuple)) else []


def own_variables(layer: Layer) -> list[Variable]:
    """Its own weights: those made trainable first, frozen since or not, each group in the order of creation."""
    found = {id(v): v for v in (*layer._made_variables_, *_values(layer)) if isinstance(v, Variable)}
    return sorted(found.values(), key=lambda v: (v.fixed, v.number))


def is_fixed(layer: Layer, variable: Variable) -> bool:
    """Whether one of its own weights is none that trains when the layer does: it was made so, or something stands in its place."""
    return variable.fixed or id(variable) in layer._fixed_variables_


def seed_generators(layer: Layer) -> list[SeedGenerator]:
    """Its own sources of random numbers."""
    return list({id(v): v for v in _values(layer) if isinstance(v, SeedGenerator)}.values())


def carried_states(layer: Layer) -> list[Variable]:
    """Its own variables that go from call to call and are no weights."""
    return [v for held in _values(layer) if isinstance(held, CarriedStates) for v in held.variables]


def metrics(layer: Layer) -> list[Any]:
    """Its own metrics: what is tracked and is no layer."""
    kind = layer._layer_class_
    return list(
        {id(v): v for v in _values(layer) if isinstance(v, Tracked) and not isinstance(v, kind) and hasattr(v, "update_state")}.values()
    )


def optimizers(layer: Layer) -> list[Optimizer]:
    """Optimizers in its attributes, beside the one that a model was compiled with."""
    return [value for value in vars(layer).values() if isinstance(value, Optimizer)]


def walk(layer: Layer) -> Iterator[Layer]:
    """The layer and all below it, each once, depth first."""
    seen: set[int] = set()
    waiting = [layer]
    while waiting:
        top = waiting.pop()
        if id(top) not in seen:
            seen.add(id(top))
            yield top
            waiting.extend(reversed(sublayers(top)))
