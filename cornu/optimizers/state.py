"""What an optimizer holds: its settings, its learning rate, its count of steps, and the variables that it keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any, Self

import numpy as np

from cornu import backends, initializers, naming, ops, registry, serialization
from cornu.configurable import Configurable
from cornu.errors import ArgumentError, NotBuiltError, ShapeError, nearest
from cornu.ops.arguments import Array
from cornu.optimizers.schedules import LearningRateSchedule
from cornu.state import Variable
from cornu.state.variable import touch_structure

__all__ = ["OptimizerState", "Rate"]

Rate = float | LearningRateSchedule | Callable[[], Any] | Mapping[str, Any]
"""A learning rate: a number, a schedule, a function without arguments, or a schedule's configuration."""

_COMMON = (
    "name", "learning_rate", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema", "ema_momentum",
    "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps",
)  # fmt: skip


class OptimizerState(Configurable):
    """Everything of an optimizer but its steps. Its arguments are those of `Optimizer`."""

    _slots_: tuple[tuple[str, ...], ...] = ()
    """The class's `slots`, or those that an object's settings ask for."""
    _delegates_ = False
    """Whether its steps are those of other optimizers, which gather gradients themselves."""

    def __init__(
        self,
        learning_rate: Rate,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            likely = sorted({known for given in kwargs for known in nearest({"lr": "learning_rate"}.get(given, given), _COMMON)})
            asked = f"Did you mean {likely}?" if likely else f"Beside its own it has {list(_COMMON)}."
            raise ArgumentError(f"{type(self).__name__} does not have the argument(s) {sorted(kwargs)}. {asked}")
        self.name = name or naming.unique(registry.snake_case(type(self).__name__))
        self.weight_decay, self.clipnorm, self.clipvalue, self.global_clipnorm = weight_decay, clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum, self.ema_overwrite_frequency = use_ema, ema_momentum, ema_overwrite_frequency
        self.loss_scale_factor, self.gradient_accumulation_steps = loss_scale_factor, gradient_accumulation_steps
        self.__check_arguments()
        self.built = False
        self._variables: list[Variable] = []
        self._trainable_variables: list[Variable] = []
        self._places_: dict[int, int] = {}
        self._slot_variables_: list[list[Variable]] = []
        self._averages_: list[Variable] = []
        self._accumulators_: list[Variable] = []
        self._accumulated_weight_: Variable | None = None
        self._undecayed_: list[Callable[[Variable], bool]] = []
        self._iterations = self.add_variable((), dtype="int32", name="iteration")
        self._learning_rate: Any = self.__as_rate(learning_rate)

    def __check_arguments(self) -> None:
        clips = {name: getattr(self, name) for name in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(self, name) is not None}
        if len(clips) > 1:
            raise ArgumentError(f"Only one of clipnorm, clipvalue and global_clipnorm may be set, got {clips}.")
        for name, value in {**clips, "loss_scale_factor": self.loss_scale_factor}.items():
            if value is not None and not value > 0:
                raise ArgumentError(f"{name} must be positive or None, got {value!r}.")
        if not 0 <= self.ema_momentum <= 1:
            raise ArgumentError(f"ema_momentum must be from 0 to 1, got {self.ema_momentum!r}.")
        for name, least in (("ema_overwrite_frequency", 1), ("gradient_accumulation_steps", 2)):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, (int, np.integer)) and value >= least):
                raise ArgumentError(f"{name} must be a whole number of at least {least} or None, got {value!r}.")
        if self.weight_decay is not None and not isinstance(self.weight_decay, (int, float, np.floating)):
            raise ArgumentError(f"weight_decay must be a number or None, got {self.weight_decay!r}.")

    # --- the learning rate and the count of steps ----------------------------------------------------------------------

    def __as_rate(self, rate: Any) -> Any:
        if isinstance(rate, Mapping):
            rate = serialization.deserialize(rate, role=registry.SCHEDULES)
        if isinstance(rate, LearningRateSchedule) or callable(rate):
            return rate
        try:
            value = float("no number" if isinstance(rate, str) else rate)
        except (TypeError, ValueError):
            raise ArgumentError(f"A learning rate must be a number, a LearningRateSchedule or a function, got {rate!r}.") from None
        return self._new_variable_(np.array(value, "float32"), (), "float32", "learning_rate")

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a variable, or the present value of the schedule or function."""
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            return rate(self.iterations)
        return rate if isinstance(rate, Variable) else rate()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        held = self._learning_rate
        if isinstance(value, (LearningRateSchedule, Mapping)) or (callable(value) and not isinstance(value, Variable)):
            self._variables = [v for v in self._variables if v is not held]
            self._learning_rate = self.__as_rate(value)
            touch_structure()
        elif isinstance(held, Variable):
            held.assign(value)
        else:
            raise ArgumentError(
                f"The learning rate of {self.name!r} follows {held!r}, so a number cannot be assigned, got {value!r}. "
                "Assign another schedule, or make the optimizer with a number as `learning_rate`."
            )

    @property
    def iterations(self) -> Any:
        """How many times the variables were changed."""
        steps = self.gradient_accumulation_steps
        return ops.floor_divide(self._iterations, steps) if steps and not self._delegates_ else self._iterations

    @property
    def variables(self) -> list[Variable]:
        """Every variable of the optimizer, in the order in which files hold them."""
        known = {id(v) for v in (*self._variables, *self._trainable_variables, self._accumulated_weight_)}
        found: list[Variable] = []
        for value in vars(self).values():  # a user's own optimizer may keep variables that it did not make by `add_variable`
            for v in value if isinstance(value, (list, tuple)) else value.values() if isinstance(value, dict) else (value,):
                if isinstance(v, Variable) and id(v) not in known:
                    known.add(id(v))
                    found.append(v)
        return [*self._variables, *found, *([] if self._accumulated_weight_ is None else [self._accumulated_weight_])]

    # --- variables -----------------------------------------------------------------------------------------------------

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes the slots for these variables. Those that are frozen later keep theirs.

        Args:
            variables: all that the optimizer will ever be asked to change.
        """
        if self.built:
            return
        self._trainable_variables = variables = list(variables)
        self._places_ = {id(v): i for i, v in enumerate(variables)}
        for own in self._variables:
            own.to(variables[0].backend if variables else own.backend)
        if self.use_ema:
            self._averages_ = [self.add_variable_from_reference(v, "average", _copy_of(v)) for v in variables]
        if self.gradient_accumulation_steps and not self._delegates_:
            self._accumulators_ = self.add_optimizer_variables(variables, "gradient_accumulator")
            self._accumulated_weight_ = Variable(0.0, dtype="float32", trainable=False, autocast=False, name="accumulated_weight")
            self._accumulated_weight_.to(variables[0].backend)
        for group in self._slots_:
            laid = [[self._new_slot_(name, v) for name in group] for v in variables]
            self._slot_variables_ += [list(kept) for kept in zip(*laid, strict=True)] or [[] for _ in group]
        self.built = True

    def _new_slot_(self, name: str, variable: Variable) -> Variable:
        """What is kept under that name for a variable, at the start: zeros, where an optimizer does not say otherwise."""
        return self.add_variable_from_reference(variable, name)

    def add_variable(
        self, shape: Sequence[int], initializer: Any = "zeros", dtype: str | None = None, aggregation: str = "none", layout: Any = None,
        name: str | None = None,
    ) -> Variable:  # fmt: skip
        """A variable of the optimizer's own, e.g. a counter; saved and restored with it.

        Args:
            shape: its shape.
            initializer: a name, an initializer, or a function of (shape, dtype).
            dtype: `floatx` by default.
            aggregation: how replicas of it are combined across devices.
            layout: how it is cut up over a mesh of devices.
            name: `variable`, `variable_1`, … by default.
        """
        return self._new_variable_(initializers.get(initializer), tuple(shape), dtype, name, aggregation=aggregation, layout=layout)

    def _new_variable_(self, value: Any, shape: tuple[int, ...], dtype: str | None, name: str | None, **how: Any) -> Variable:
        variable = Variable(value, shape, dtype, trainable=False, autocast=False, name=name, **how)
        variable.path = f"{self.name}/{variable.name}"
        self._variables.append(variable)
        return variable

    def add_variable_from_reference(self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros") -> Variable:
        """A variable of the same shape, dtype and backend as a given one, named after it: `dense_kernel_momentum`."""
        prefix = reference_variable.path.replace("/", "_")
        full = f"{prefix}_{name}" if name else prefix
        with backends.use_backend(reference_variable.backend):
            return self.add_variable(
                reference_variable.shape, initializer, reference_variable.dtype, layout=reference_variable.layout, name=full
            )

    def add_optimizer_variables(
        self, trainable_variables: Iterable[Variable], name: str | Sequence[str], initializer: Any = "zeros"
    ) -> Any:
        """One variable like each of those given, as a list; for several names a tuple of lists.

        Args:
            trainable_variables: the variables to be like.
            name: one name, or several.
            initializer: one for all names, or one for each.
        """
        names = [name] if isinstance(name, str) else list(name)
        starts = list(initializer) if isinstance(initializer, (list, tuple)) else [initializer] * len(names)
        laid = [[self.add_variable_from_reference(v, n, s) for n, s in zip(names, starts, strict=True)] for v in trainable_variables]
        lists = tuple([row[i] for row in laid] for i in range(len(names)))
        return lists[0] if isinstance(name, str) else lists

    def _get_variable_index(self, variable: Variable) -> int:
        """The place of a variable among those the optimizer was built for; user-written optimizers look up their slots by it."""
        place = self._places_.get(id(variable))
        if place is None:
            raise ArgumentError(
                f"{type(self).__name__} changes the {len(self._places_)} variables that it was built for, got another: {variable.path!r} of "
                f"shape {variable.shape}. Compile the model again with a new optimizer, or build it with all before freezing some."
            )
        return place

    def _slots_of_(self, variable: Variable) -> list[Variable]:
        place = self._get_variable_index(variable)
        return [kept[place] for kept in self._slot_variables_]

    def assign(self, variable: Variable, value: Array) -> None:
        """Gives a variable another value."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Array) -> None:
        """Adds to a variable."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Array) -> None:
        """Subtracts from a variable."""
        variable.assign_sub(value)

    # --- configuration and files ---------------------------------------------------------------------------------------

    def _constructor_arguments_(self) -> dict[str, Any]:
        arguments = super()._constructor_arguments_()
        if "learning_rate" in arguments:
            rate = self._learning_rate
            arguments["learning_rate"] = float(rate) if isinstance(rate, Variable) else rate
        return {**{name: arguments[name] for name in _COMMON if name in arguments}, **arguments}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Self:
        """An optimizer with these arguments, without state."""
        with registry.scope(custom_objects):
            return super().from_config(config)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Assigns a value to each of `variables`, in order."""
        if not self.built:
            raise NotBuiltError("The optimizer has no slots yet: call `optimizer.build(variables)` before `set_weights`.")
        self.__assign_all(self.variables, list(weights))

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Writes the value of each of `variables` under its number.

        The sum of weights of accumulated gradients is left out where it is a mere count of calls, so that Keras can read the file.
        """
        variables = self.variables
        if self._accumulated_weight_ is not None and float(self._accumulated_weight_) == self.__counted():
            variables = variables[:-1]
        for i, variable in enumerate(variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Reads what `save_own_variables` wrote.

        A file of an optimizer that had not trained yet holds no slots; then they stay as they are.

        Raises:
            ArgumentError: the file is that of another optimizer, or of one built for other variables.
        """
        values = [np.asarray(store[str(i)]) for i in range(len(store))]
        variables = self.variables
        first = self._variables_of_unbuilt_()
        if len(values) == len(first):
            variables = first
        elif self._accumulated_weight_ is not None and len(values) == len(variables) - 1:
            variables = variables[:-1]
        self.__assign_all(variables, values)
        if self._accumulated_weight_ is not None and len(variables) < len(self.variables):
            self._accumulated_weight_.assign(self.__counted())

    def _variables_of_unbuilt_(self) -> list[Variable]:
        return [v for v in (self._iterations, self._learning_rate) if isinstance(v, Variable)]

    def __counted(self) -> float:
        """How many gradients the accumulators hold."""
        return float(int(self._iterations) % (self.gradient_accumulation_steps or 1))

    def __assign_all(self, variables: Sequence[Variable], values: Sequence[Any]) -> None:
        if len(values) != len(variables):
            raise ArgumentError(
                f"The optimizer {self.name!r} ({type(self).__name__}) has {len(variables)} variables, so it takes {len(variables)} values, "
                f"got {len(values)}. Its variables: {', '.join(v.path for v in variables[:20])}."
            )
        for variable, value in zip(variables, values, strict=True):
            if tuple(np.shape(value)) != variable.shape:
                raise ShapeError(f"{variable.path!r} must have the shape {variable.shape}, got a value of shape {tuple(np.shape(value))}.")
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def _copy_of(variable: Variable) -> Callable[..., Any]:
    return lambda shape, dtype=None: variable.numpy()
