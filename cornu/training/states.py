"""Steps as functions of a state: the values of a model's variables go in, and those that they have afterwards come out.

A state is a list of values for each kind of variable, in the order of `model.trainable_variables` and its like.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cornu import backends, tree
from cornu.errors import ArgumentError
from cornu.layers.stateless import scope_of, values_of
from cornu.state import Variable

if TYPE_CHECKING:
    from cornu.training.stepping import Stepping

__all__ = ["as_function", "own_step"]

_READ = {
    "train_step": ("trainable_variables", "non_trainable_variables", "optimizer.variables", "metrics_variables"),
    "test_step": ("trainable_variables", "non_trainable_variables", "metrics_variables"),
    "predict_step": ("trainable_variables", "non_trainable_variables"),
}


def _variables(model: Stepping, step: str) -> dict[str, list[Variable]]:
    return {kind: list(operator.attrgetter(kind)(model)) for kind in _READ[step]}


def _after(step: str, found: dict[str, Any]) -> Any:
    """Of what a step reads, what it gives back: all, but of a prediction the non-trainable part alone."""
    return found["non_trainable_variables"] if step == "predict_step" else tuple(found.values())


def own_step(model: Stepping, step: str, data: Any) -> Any:
    """The model's step of that name, written by somebody else, on the batch.

    One of two parameters, state and data, is a function of a state, and what it gives for the state is what the variables are from then on.
    Variables are looked for only there: other steps run for every batch.
    """
    run = getattr(model, step)
    if not _takes_state(getattr(run, "__func__", run), inspect.ismethod(run)):
        return run(data)
    found = _variables(model, step)
    result, after = run(tuple([v.value for v in variables] for variables in found.values()), data)
    for variable, value in zip(tree.flatten(_after(step, found)), tree.flatten(after), strict=True):
        variable.assign(value)
    return result


@functools.lru_cache(maxsize=64)
def _takes_state(step: Callable[..., Any], bound: bool) -> bool:
    asked = [p for p in inspect.signature(step).parameters.values() if p.default is p.empty]
    return len(asked) - bound > 1


def as_function(model: Stepping, step: str, run: Callable[[Any], Any], state: Any, data: Any) -> Any:
    """`run(data)` where only data came, in the place of the state or by name; else its result for these values, and the state after it.

    Raises:
        ArgumentError: neither came, or the state has not a list for each kind of variable.
    """
    if state is None or data is None:
        if state is data:
            raise ArgumentError(f"`{step}` takes a batch: model.{step}(data), or model.{step}(state, data) as a function of a state.")
        return run(state if data is None else data)
    found = _variables(model, step)
    if len(state) != len(found):
        raise ArgumentError(f"The state of `{step}` holds the values of {', '.join(found)}, a list each; got {len(state)} part(s).")
    scope = scope_of(*((kind, variables, values) for (kind, variables), values in zip(found.items(), state, strict=True)))
    with backends.use_backend(model._home_ or backends.compute()), scope:
        result = run(data)
        return result, _after(step, {kind: values_of(scope, variables) for kind, variables in found.items()})
