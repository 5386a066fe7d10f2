"""What a metric is: variables that gather what passes, and a result made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cornu import backends, config, dtype_policies, naming, ops
from cornu.configurable import Configurable
from cornu.errors import ArgumentError
from cornu.ops.arguments import Array
from cornu.registry import snake_case
from cornu.state import StateScope, Tracked, Variable

__all__ = ["Metric"]

_FILLS = {"zeros": 0.0, "ones": 1.0}


class Metric(Configurable, Tracked):
    """A figure gathered over batches: `update_state` adds a batch, `result` says where it stands, `reset_state` starts anew.

    Write `update_state` in ops and `assign_add`, so that it compiles with the step.

    Args:
        dtype: the dtype in which it is gathered, `floatx` by default.
        name: the class's name in snake case, numbered, by default.

    >>> class Largest(Metric):
    ...     def __init__(self, name=None, dtype=None):
    ...         super().__init__(dtype, name)
    ...         self.largest = self.add_weight(name="largest")
    ...
    ...     def update_state(self, values):
    ...         self.largest.assign(ops.maximum(self.largest, ops.max(values)))
    ...
    ...     def result(self):
    ...         return self.largest.value
    >>> float(Largest()([1.0, 3.0, 2.0]))
    3.0
    """

    _by_row_ = False
    """Whether a batch adds what each of its rows adds alone, times the row's weight."""

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or naming.unique(snake_case(type(self).__name__))
        self._dtype = None if dtype is None else dtype_policies.get(dtype).compute_dtype
        self.__own: list[Variable] = []
        self._built_ = True

    @property
    def dtype(self) -> str:
        """The dtype in which it is gathered."""
        return self._dtype or config.floatx()

    @property
    def variables(self) -> list[Variable]:
        """Its own variables, then those of metrics that it holds, in the order in which they were made."""
        held = (part for value in vars(self).values() for part in (value if isinstance(value, (list, tuple)) else (value,)))
        return [*self.__own, *(variable for part in held if isinstance(part, Metric) for variable in part.variables)]

    def _build_(self, y_true_shape: Sequence[int | None] | None, y_pred_shape: Sequence[int | None]) -> None:
        """Makes the variables whose shape depends on that of the outputs; most metrics have none.

        Whoever compiles a step calls it first where `_built_` is False: variables cannot be made inside.
        """
        self._built_ = True

    def add_variable(
        self, shape: Sequence[int], initializer: Any = "zeros", dtype: Any = None, aggregation: str = "sum", name: str | None = None
    ) -> Variable:
        """A variable that gathers.

        Args:
            shape: its shape.
            initializer: "zeros", "ones", a number, or a function of (shape, dtype). `reset_state` sets it to zeros.
            dtype: the metric's own by default.
            aggregation: how replicas of it are combined: "sum", "mean", "only_first_replica" or "none".
            name: its name.
        """
        initializer = "zeros" if initializer is None else initializer
        make = initializer if callable(initializer) else _filled(initializer)
        variable = Variable(
            make,
            shape=tuple(shape),
            dtype=dtype or self.dtype,
            trainable=False,
            autocast=False,
            aggregation=aggregation,
            name=name or "variable",
        )
        variable.path = f"{self.name}/{variable.name}"
        self.__own.append(variable)
        return variable

    def add_weight(self, shape: Sequence[int] = (), initializer: Any = None, dtype: Any = None, name: str | None = None) -> Variable:
        """A variable that gathers, a scalar of 0 by default; arguments as for `add_variable`."""
        return self.add_variable(shape, initializer, dtype, name=name)

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Adds a batch."""
        raise NotImplementedError(f"{type(self).__name__} must define `update_state`, which adds a batch to its variables.")

    def result(self) -> Any:
        """The figure so far: an array, or a dict of arrays."""
        raise NotImplementedError(f"{type(self).__name__} must define `result`, which makes the figure from its variables.")

    def reset_state(self) -> None:
        """Sets every variable to zeros."""
        for variable in self.variables:
            variable.assign(ops.zeros_like(variable))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Adds a batch and gives the figure so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def merge_state(self, metrics: Iterable[Metric]) -> None:
        """Adds what other metrics of this kind gathered, as if their batches had passed here.

        Raises:
            ArgumentError: another's variables have other shapes.
        """
        for other in metrics:
            if type(other) is type(self) and not other._built_:
                continue  # nothing has passed there
            if type(other) is type(self) and not self._built_:
                self._build_(None, (None, *(other.variables[0].shape[-1:] or (1,))))
            pairs = list(zip(self.variables, other.variables, strict=False))
            if type(other) is not type(self) or len(self.variables) != len(other.variables) or any(a.shape != b.shape for a, b in pairs):
                raise ArgumentError(
                    f"Only metrics of one class with variables of the same shapes can be merged; {self!r} has "
                    f"{[v.shape for v in self.variables]}, {other!r} has {[v.shape for v in other.variables]}."
                )
            for variable, more in pairs:
                self._merge_variable_(variable, more)

    def _merge_variable_(self, variable: Variable, more: Variable) -> None:
        """Adds one variable of another metric to the same one here: their sum, unless a metric knows better."""
        variable.assign_add(variable.backend.asarray(more.numpy()))

    def stateless_update_state(self, metric_variables: Sequence[Array], *args: Any, **kwargs: Any) -> list[Array]:
        """The variables' values after a batch, from those before; the metric itself stays as it is.

        >>> from cornu.metrics import Mean
        >>> [float(v) for v in Mean().stateless_update_state([1.0, 1.0], 3.0)]
        [4.0, 2.0]
        """
        return self.__with(metric_variables, self.update_state, *args, **kwargs)[1]

    def stateless_result(self, metric_variables: Sequence[Array]) -> Any:
        """The figure that variables of these values stand for."""
        return self.__with(metric_variables, self.result)[0]

    def stateless_reset_state(self) -> list[Array]:
        """The variables' values at the start."""
        return self.__with([v.value for v in self.variables], self.reset_state)[1]

    def __with(self, values: Sequence[Array], run: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, list[Array]]:
        """What `run` gives, and the variables' values after it, when they start from `values`."""
        variables = self.variables
        if len(values) != len(variables):
            raise ArgumentError(f"{self!r} has {len(variables)} variables, so as many values are needed, got {len(values)}.")
        own = [v.backend.asarray(x, v.dtype) if not ops.is_tensor(x) else x for v, x in zip(variables, values, strict=True)]
        with StateScope(zip(variables, own, strict=True)):
            result = run(*args, **kwargs)
            return result, [v.value for v in variables]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _filled(initializer: Any) -> Callable[..., Array]:
    value = _FILLS.get(initializer, initializer) if isinstance(initializer, str) else initializer
    if isinstance(value, str):
        raise ArgumentError(f"A metric's variable starts as 'zeros', 'ones', a number, or what a function makes, got {initializer!r}.")
    return lambda shape, dtype: backends.compute().full(shape, value, dtype)
