"""Optimizers of PyTorch, among the others."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cornu.errors import ArgumentError
from cornu.interop.foreign_optimizer import ForeignOptimizer, without_code
from cornu.ops.arguments import Array
from cornu.optimizers.foreign import adapts, comes_from
from cornu.registry import OPTIMIZERS
from cornu.state import Variable, scope

__all__ = ["TorchOptimizer"]

_NUMBERS = {bool: "bool", int: "int64", float: "float64"}
Kept = dict[str, Variable]
"""Variables for the entries of a dict: those of one weight's state, or of a group of weights."""


@OPTIMIZERS.add
class TorchOptimizer(ForeignOptimizer):
    """An optimizer of PyTorch: its `step()` changes the weights, in place.

    `compile(optimizer=torch.optim.RAdam)` makes one, and so does `functools.partial(torch.optim.RAdam, lr=1e-3)`. Its state is held in
    variables of the optimizer: it is saved with the weights and resumed bit for bit. What state there is for a weight is found by two steps of
    a twin, when it is built.

    The learning rate can be read and assigned, by callbacks too, where all groups of weights share one; schedules of PyTorch are not asked.

    Args:
        factory: a class of `torch.optim`, or a function that makes an optimizer of a list of parameters.

    The other arguments are those of `Optimizer`, but for the learning rate and weight decay, which are the factory's.

    Attributes:
        factory: as given.

    Raises:
        BackendError: weights on another backend than PyTorch, when it is built.
        ArgumentError: an optimizer that holds parameters already; one whose `step` wants more than gradients, such as `LBFGS`.
        ConfigError: it is to be written to a file, and the factory is not a function with a name.

    >>> import cornu, torch
    >>> from cornu.state import Variable
    >>> with cornu.use_backend("torch"):
    ...     w = Variable([1.0])
    ...     TorchOptimizer(functools.partial(torch.optim.SGD, lr=0.5)).apply([torch.ones(1)], [w])
    >>> w.numpy().tolist()
    [0.5]
    """

    library, home = "PyTorch", "torch"

    def __init__(self, factory: Callable[..., Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factory = self._code = without_code(factory)
        if not callable(self.factory):
            raise ArgumentError(f"TorchOptimizer takes a class of torch.optim or a function of parameters, got {self.factory!r}.")
        self._parameters: list[Any] = []
        self._inner: Any = None
        self._of_weights: list[Kept] = []
        self._of_groups: list[Kept] = []
        self._numbers: dict[int, type] = {}
        self._seen: dict[int, tuple[Any, Any]] = {}

    # --- building ------------------------------------------------------------------------------------------------------

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes PyTorch's optimizer, and a variable of each tensor and number that it will keep."""
        if self.built:
            return
        import torch

        self._need_home(list(variables))
        super().build(variables)
        twin, groups = self._tried([torch.nn.Parameter(v.own_value.detach().clone()) for v in variables])
        self._parameters = [torch.nn.Parameter(v.own_value.detach()) for v in variables]
        self._inner = self._made(self._parameters)
        paths = [v.path.replace("/", "_") for v in variables]
        self._of_weights = [self._kept(path, state) for path, state in zip(paths, twin, strict=True)]
        self._of_groups = [self._kept(f"group_{i}", group) for i, group in enumerate(groups)]
        began = [bool(self._inner.state.get(p)) for p in self._parameters]
        self._began = self._new_variable_(torch.tensor(began), (len(began),), "bool", "began")
        for p, kept in zip(self._parameters, self._of_weights, strict=True):
            self._store(kept, self._inner.state.get(p, {}))
        for group, kept in zip(self._inner.param_groups, self._of_groups, strict=True):
            self._store(kept, group)
        rates = {float(group["lr"]) for group in self._inner.param_groups if "lr" in group}
        if len(rates) == 1:
            self._rate = self._new_variable_(torch.tensor(rates.pop(), dtype=torch.float64), (), "float64", "learning_rate")

    def _made(self, parameters: list[Any]) -> Any:
        import torch

        try:
            made = self.factory(parameters)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ArgumentError(f"{self.factory!r} must make an optimizer of the {len(parameters)} weights, and cannot: {error}") from error
        if not isinstance(made, torch.optim.Optimizer):
            raise ArgumentError(
                f"The factory of TorchOptimizer must make a torch.optim.Optimizer of a list of parameters, it made {made!r}."
            )
        return made

    def _tried(self, parameters: list[Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """What an optimizer keeps for each weight, and what it changes in its groups, seen after two steps on parameters that nobody else has."""
        twin = self._made(parameters)
        before = [dict(group) for group in twin.param_groups]
        try:
            for _ in range(2):
                for p in parameters:
                    p.grad = p.detach() * 0 + 1e-3
                twin.step()
        except (TypeError, RuntimeError) as error:
            raise ArgumentError(
                f"An optimizer of PyTorch must need no more than gradients for its `step()`, and that of {type(twin).__name__} fails: {error}. "
                "Take another, or write a `train_step` that calls it."
            ) from error
        changed = [
            {k: x for k, x in group.items() if type(x) in _NUMBERS and x != old.get(k)}
            for group, old in zip(twin.param_groups, before, strict=True)
        ]
        return [dict(twin.state.get(p, {})) for p in parameters], changed

    def _kept(self, prefix: str, entries: Mapping[str, Any]) -> Kept:
        """A variable for each tensor or number; what else there is must be the same at each step."""
        import torch

        kept = {}
        for name, x in entries.items():
            if isinstance(x, torch.Tensor) or type(x) in _NUMBERS:
                number = _NUMBERS.get(type(x))
                zero = torch.zeros_like(x.detach()) if number is None else torch.tensor(0, dtype=getattr(torch, number))
                v = kept[name] = self._new_variable_(zero, tuple(zero.shape), str(zero.dtype).removeprefix("torch."), f"{prefix}_{name}")
                if number is not None:
                    self._numbers[id(v)] = type(x)
        return kept

    # --- a step --------------------------------------------------------------------------------------------------------

    def _move_(self, grads: list[Array], variables: list[Variable]) -> None:
        """PyTorch's step on the weights that have gradients; under a scope, on copies."""
        self._need_home(variables)
        places = [self._get_variable_index(v) for v in variables]
        began = list(self._on_host(self._began))
        for p, v, kept, there in zip(self._parameters, self._trainable_variables, self._of_weights, began, strict=True):
            p.data, p.grad = _own(v), None
            self._load(kept, self._inner.state[p]) if there else self._inner.state.pop(p, None)
        for group, kept in zip(self._inner.param_groups, self._of_groups, strict=True):
            self._load(kept, group)
        for place, g in zip(places, grads, strict=True):
            self._parameters[place].grad = g.detach()
        self._hand_over_rate()
        self._inner.step()
        self._take_over(places)
        if not all(began[place] for place in places):
            self._began.assign([there or place in places for place, there in enumerate(began)])

    def _take_over(self, places: Sequence[int]) -> None:
        """What the step has made of weights and state, where it is not in the variables already."""
        import torch

        for place in places:
            p, v, kept = self._parameters[place], self._trainable_variables[place], self._of_weights[place]
            if scope.active() is not None:
                v.put(p.data)
            state, p.grad = self._inner.state.get(p, {}), None
            late = [name for name, x in state.items() if name not in kept and isinstance(x, torch.Tensor)]
            if late:
                raise ArgumentError(
                    f"{type(self._inner).__name__} keeps {late} since this step, and not in its first two: it cannot be resumed."
                )
            self._store(kept, state)
        for group, kept in zip(self._inner.param_groups, self._of_groups, strict=True):
            self._store(kept, group)

    def _load(self, kept: Kept, entries: dict[str, Any]) -> None:
        """Puts the variables' values where the optimizer looks for them: tensors themselves, numbers as numbers."""
        for name, v in kept.items():
            number = self._numbers.get(id(v))
            entries[name] = _own(v) if number is None else number(self._on_host(v))

    @staticmethod
    def _store(kept: Kept, entries: Mapping[str, Any]) -> None:
        """Assigns what the optimizer has made, unless it has changed the variables' own tensors."""
        for name, v in kept.items():
            if name in entries and entries[name] is not v.own_value:
                v.assign(entries[name])

    def _hand_over_rate(self) -> None:
        if self._rate is not None:
            rate = self._on_host(self._rate)
            for group in self._inner.param_groups:
                if group["lr"] is not rate:
                    group["lr"] = rate

    def _on_host(self, variable: Variable) -> Any:
        """The value as Python numbers, read again only after it was assigned."""
        value = variable.value
        known, numbers = self._seen.get(id(variable), (None, None))
        if known is None or known[0] is not value or known[1] != value._version:
            numbers = value.tolist()
            self._seen[id(variable)] = ((value, value._version), numbers)
        return numbers

    def _rate_advice(self) -> str:
        return "It is there once the optimizer is built, if all groups of weights share one."

    def _why_not(self) -> str:
        return (
            f"{self.name!r} holds {self.factory!r}, which is code, and files hold no code. Write a function `def make(parameters): …` that "
            "makes the optimizer, register it with `cornu.saving.register_keras_serializable()`, and give the function."
        )


def _own(variable: Variable) -> Any:
    """The variable's own tensor, to be changed in place; under a scope a copy, since what is changed there may not last."""
    return variable.own_value if scope.active() is None else variable.value.detach().clone()


@adapts
def optimizer_of_torch(thing: Any) -> TorchOptimizer | None:
    """The optimizer around a class of `torch.optim`, a partial one, or a function that makes one; None for anything else."""
    if inspect.isclass(thing):
        return TorchOptimizer(thing) if comes_from(thing, "torch") else None
    if comes_from(type(thing), "torch") and hasattr(thing, "param_groups"):
        kind = type(thing).__name__
        raise ArgumentError(
            "An optimizer of PyTorch must be given as a class or a function of parameters, for the weights are the model's; got one of "
            f"{kind} that holds parameters already. Give `torch.optim.{kind}`, or `functools.partial(torch.optim.{kind}, lr=…)`."
        )
    return TorchOptimizer(thing) if isinstance(thing, functools.partial) or inspect.isroutine(thing) else None
