"""What all optimizers share: one update loop over the list of variables, in which an optimizer is one rule for one variable."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cornu import dtypes, ops
from cornu.errors import ArgumentError, NotBuiltError, ShapeError
from cornu.ops.arguments import Array
from cornu.optimizers import clipping
from cornu.optimizers.state import OptimizerState
from cornu.state import StateScope, Variable, scope, when

__all__ = ["Optimizer"]


class Optimizer(OptimizerState):
    """The base of all optimizers.

    An optimizer says what it keeps for each variable, `slots`, and how one step goes, `rule`, as its paper does; the rest is here:

        class Momentum(Optimizer):
            slots = (("velocity",),)

            def rule(self, gradient, value, rate, step, velocity):
                velocity = 0.9 * velocity - rate * gradient
                return value + velocity, velocity

    One in Keras's manner, which overrides `build(variables)` and `update_step(gradient, variable, learning_rate)` and assigns variables,
    works as well.

    A step takes the gradients, divides them by the loss scale, averages them over `gradient_accumulation_steps`, clips them, shrinks the
    variables by `weight_decay * rate * variable`, applies the rule, then averages the variables, and applies their constraints.

    Args:
        learning_rate: a number, a schedule of the step, or a function without arguments. The function is called when a step is made:
            in a compiled step once, unless what it reads is a variable.
        weight_decay: decoupled from the gradient (https://arxiv.org/abs/1711.05101).
        clipnorm: the largest norm of each gradient.
        clipvalue: the largest size of each element of a gradient.
        global_clipnorm: the largest norm of all gradients together. Only one of the three may be set.
        use_ema: keep an exponential moving average of each variable.
        ema_momentum: its momentum: `average = ema_momentum * average + (1 - ema_momentum) * variable`; the first step sets it.
        ema_overwrite_frequency: after every so many steps the variables become their averages; None: at the end of training alone.
        loss_scale_factor: what `scale_loss` multiplies losses with, and gradients are divided by.
        gradient_accumulation_steps: the variables change once in so many steps, by the mean of the gradients.
        name: the snake-case name of the class by default, numbered.

    Attributes:
        slots: of a class: names of what is kept for each variable, in groups; a group is laid out variable by variable, the groups follow one
            another.
    """

    _kernel_: str | None = None
    """The name of a function by which a backend may change lists of arrays in place, as the rule would: `kernel(values, gradients, slots,
    rate, iterations, decay, **settings)`. It declines by giving `NotImplemented`."""
    _settings_: tuple[str, ...] = ()
    """Names of attributes that the kernel is given."""
    _skips_nonfinite_ = False
    """Whether gradients that are not finite are its own business: it leaves such steps out."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """A subclass that writes the rule anew does not have its parent's kernel; one in Keras's manner may call anything `slots`."""
        super().__init_subclass__(**kwargs)
        slots = vars(cls).get("slots")
        if isinstance(slots, tuple):
            cls._slots_ = slots
        if "_kernel_" not in vars(cls) and ("rule" in vars(cls) or "update_step" in vars(cls)):
            cls._kernel_ = None

    # --- what an optimizer says ----------------------------------------------------------------------------------------

    def rule(self, gradient: Array, value: Array, rate: Array, step: Array, *slots: Array) -> tuple[Array, ...]:
        """The variable's new value and its new slots, from the old ones, the learning rate and the number of this step, from 1."""
        raise NotImplementedError(f"{type(self).__name__} must define `rule` or, in Keras's manner, `update_step`.")

    def update_step(self, gradient: Array, variable: Variable, learning_rate: Array) -> None:
        """Changes one variable by its gradient. User-written optimizers override it."""
        held = [variable, *self._slots_of_(variable)]
        old, *slots = _wide([v.value for v in held])
        new = self.rule(*_wide([gradient]), old, learning_rate, self._step_(), *slots)
        for v, value in zip(held, new, strict=True):
            v.put(ops.cast(value, v.dtype))

    def _step_(self) -> Array:
        """The number of the step at hand, from 1."""
        return ops.cast(ops.add(self.iterations, 1), "float32")

    # --- one step ------------------------------------------------------------------------------------------------------

    def apply(self, grads: Sequence[Array], trainable_variables: Sequence[Variable] | None = None) -> None:
        """Changes the variables by their gradients.

        Args:
            grads: a gradient for each variable, in order; a variable whose gradient is None stays as it is.
            trainable_variables: the variables; all that the optimizer was built for, if None. Those that are left out keep their slots.

        Raises:
            ArgumentError: no gradient is there, the lists differ in length, or the optimizer was not built for a variable.
        """
        self._apply_weighted_(grads, trainable_variables)

    def _apply_weighted_(
        self, grads: Sequence[Array], trainable_variables: Sequence[Variable] | None = None, *, weight: Array | float = 1.0
    ) -> None:
        """`apply`, where gradients that are accumulated count with a weight: how many samples they are the mean of.

        So the mean over unequal batches is that over the samples of all of them.
        """
        gradients, variables = self._paired_(list(grads), trainable_variables)
        if not gradients:
            return
        backend = variables[0].backend
        with backend.inference():
            gradients = [g if isinstance(g, backend.ARRAY_TYPES) else backend.asarray(g) for g in gradients]
            _check_shapes(gradients, variables)
            gradients, variables = _overwritten(gradients, variables)
            if self.loss_scale_factor is not None:
                gradients = [g / self.loss_scale_factor for g in gradients]
            if self._accumulated_weight_ is not None:
                self.__accumulate(gradients, variables, weight, self._accumulated_weight_)
            else:
                self._change_(gradients, variables)
            self._iterations.put(self._iterations.value + 1)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Array, Variable]]) -> Variable:
        """`apply` on pairs of a gradient and its variable; gives the count of calls."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self._iterations

    def _paired_(self, grads: list[Array], variables: Sequence[Variable] | None) -> tuple[list[Array], list[Variable]]:
        if not self.built:
            self.__build_now(variables)
        variables = self._trainable_variables if variables is None else list(variables)
        if len(grads) != len(variables):
            raise ArgumentError(f"Each variable must have one gradient (None for no change), got {len(grads)} for {len(variables)}.")
        for v in variables:
            if id(v) not in self._places_:
                self._get_variable_index(v)
        return _present(grads, variables) if any(g is None for g in grads) else (grads, variables)

    def __build_now(self, variables: Sequence[Variable] | None) -> None:
        if variables is None:
            raise NotBuiltError(f"The optimizer {self.name!r} has no variables yet: call `optimizer.build(variables)` before this step.")
        self.build(variables)

    def __accumulate(self, grads: list[Array], variables: list[Variable], weight: Array | float, weights: Variable) -> None:
        """Takes gradients into the weighted sums; when the last of a group is in, changes the variables by the mean."""
        sums = [self._accumulators_[self._get_variable_index(v)] for v in variables]
        for total, g in zip(sums, grads, strict=True):
            total.assign(ops.add(total.value, g * weight))
        weights.assign(ops.add(weights, weight))

        def update() -> None:
            count = ops.where(ops.greater(weights, 0), weights, 1.0)
            self._change_([total / ops.cast(count, total.dtype) for total in sums], variables)
            for total in (*self._accumulators_, weights):
                total.put(ops.zeros_like(total))

        when(_every(self._iterations, self.gradient_accumulation_steps), update)

    def _change_(self, grads: list[Array], variables: list[Variable]) -> None:
        """One change of the variables by gradients that are ready but for clipping."""
        if not variables:
            return
        self._move_(self.__clipped(grads), variables)
        if self.use_ema:
            self.__average(variables)
        for v in variables:
            if v.constraint is not None:
                v.assign(v.constraint(v.value))

    def _move_(self, grads: list[Array], variables: list[Variable]) -> None:
        """Decay and rule, on gradients that are clipped."""
        rate = self.learning_rate
        for decay, some_grads, some in self._by_decay_(grads, variables):
            if not self.__changed_in_place(some_grads, some, rate, decay):
                self.__change_each(some_grads, some, rate, decay)

    def __changed_in_place(self, grads: list[Array], variables: list[Variable], rate: Array, decay: float) -> bool:
        """Whether the backend's kernel has done it; it may where a step runs as it is written."""
        kernel = getattr(variables[0].backend, self._kernel_, None) if self._kernel_ else None
        if kernel is None or scope.active() is not None:
            return False
        places = [self._places_[id(v)] for v in variables]
        slots = [[kept[i].own_value for i in places] for kept in self._slot_variables_]
        values, how = [v.own_value for v in variables], {name: getattr(self, name) for name in self._settings_}
        return kernel(values, grads, slots, _array(rate), _array(self.iterations), decay, **how) is not NotImplemented

    def __change_each(self, grads: list[Array], variables: list[Variable], rate: Array, decay: float) -> None:
        for g, v in zip(grads, variables, strict=True):
            if decay:
                v.put(ops.cast(v.value - v.value * (rate * decay), v.dtype))
            self.update_step(g, v, rate)

    def _by_decay_(self, grads: list[Array], variables: list[Variable]) -> Iterator[tuple[float, list[Array], list[Variable]]]:
        """The pairs in those that decay and those that do not, with the strength."""
        if not self._undecayed_ or not self.weight_decay:
            yield self.weight_decay or 0.0, grads, variables
            return
        for strength in (self.weight_decay, 0.0):
            some = [(g, v) for g, v in zip(grads, variables, strict=True) if self._use_weight_decay(v) == bool(strength)]
            if some:
                yield strength, [g for g, _ in some], [v for _, v in some]

    def __clipped(self, grads: list[Array]) -> list[Array]:
        if self.clipnorm is not None:
            return clipping.clip_norms(grads, self.clipnorm)
        if self.clipvalue is not None:
            return clipping.clip_elements(grads, self.clipvalue)
        return grads if self.global_clipnorm is None else clipping.clip_global_norm(grads, self.global_clipnorm)

    def __average(self, variables: list[Variable]) -> None:
        """Moves the averages towards the variables; now and then the variables become their averages."""
        averages = [self._averages_[self._get_variable_index(v)] for v in variables]
        momentum = ops.where(ops.equal(self.iterations, 0), 0.0, self.ema_momentum)
        for average, v in zip(averages, variables, strict=True):
            average.assign(average * momentum + v * (1.0 - momentum))
        if self.ema_overwrite_frequency:
            now = _every(self.iterations, self.ema_overwrite_frequency)
            for average, v in zip(averages, variables, strict=True):
                v.put(ops.where(now, average, v))

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """At the end of training: with `use_ema`, the variables become their averages."""
        if self.use_ema:
            for v in var_list:
                v.assign(self._averages_[self._get_variable_index(v)])

    def scale_loss(self, loss: Array) -> Array:
        """The loss times the scale factor, to be differentiated in its place."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def stateless_apply(
        self, optimizer_variables: Sequence[Array], grads: Sequence[Array], trainable_variables: Sequence[Array]
    ) -> tuple[list[Array], list[Array]]:
        """`apply` as a function: the new values of the variables and of the optimizer's own, from the old ones. Nothing is assigned.

        Args:
            optimizer_variables: values in the order of `variables`.
            grads: a gradient for each trainable variable.
            trainable_variables: values in the order in which the optimizer was built.
        """
        own, trained = self.variables, self._trainable_variables
        if not self.built:
            raise NotBuiltError("`stateless_apply` needs the optimizer's variables: call `optimizer.build(variables)` first.")
        for what, given, held in (("optimizer_variables", optimizer_variables, own), ("trainable_variables", trainable_variables, trained)):
            if len(given) != len(held):
                raise ArgumentError(f"{what} must have {len(held)} values, one for each variable, got {len(given)}.")
        pairs = [*zip(own, optimizer_variables, strict=True), *zip(trained, trainable_variables, strict=True)]
        with StateScope(pairs) as inner:
            self.apply(grads, trained)
        return [inner.read(v) for v in trained], [inner.read(v) for v in own]

    def exclude_from_weight_decay(self, var_list: Sequence[Variable] | None = None, var_names: Sequence[str] | None = None) -> None:
        """Leaves variables out of weight decay.

        Args:
            var_list: the variables.
            var_names: regular expressions; a variable is left out if one is found in its path, e.g. `["bias"]`.
        """
        if self.built:
            raise ArgumentError("Which variables do not decay must be said before the optimizer is built: exclude them earlier.")
        held = list(var_list or [])  # held, so that no other variable gets the identity of one
        patterns = [re.compile(name) for name in var_names or []]
        self._undecayed_ = [lambda v: any(v is other for other in held), lambda v: any(p.search(v.path) for p in patterns)]

    def _use_weight_decay(self, variable: Variable) -> bool:
        return not any(excluded(variable) for excluded in self._undecayed_)


def _present(grads: list[Array], variables: list[Variable]) -> tuple[list[Array], list[Variable]]:
    """The pairs that have a gradient; says which variables have none."""
    missing = [v.path for g, v in zip(grads, variables, strict=True) if g is None]
    if len(missing) == len(grads):
        raise ArgumentError(f"At least one gradient must be there, got None for all of {missing}. Does the loss depend on them?")
    warnings.warn(f"The loss has no gradient for {missing}, so they stay as they are.", stacklevel=4)
    present = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
    return [g for g, _ in present], [v for _, v in present]


def _check_shapes(grads: list[Array], variables: list[Variable]) -> None:
    for g, v in zip(grads, variables, strict=True):
        if g.shape != v.shape:
            raise ShapeError(f"The gradient of {v.path!r} must have its shape, {v.shape}, got {tuple(g.shape)}.")


def _overwritten(grads: list[Array], variables: list[Variable]) -> tuple[list[Array], list[Variable]]:
    """The pairs without those variables whose "gradient" is their new value (scales of 8-bit floats); these are assigned."""
    if not any(v.overwrite_with_gradient for v in variables):
        return grads, variables
    rest = []
    for g, v in zip(grads, variables, strict=True):
        if v.overwrite_with_gradient:
            v.assign(g)
        else:
            rest.append((g, v))
    return [g for g, _ in rest], [v for _, v in rest]


def _every(count: Array, steps: int | None) -> Array:
    """Whether the step after so many is one of every `steps`."""
    return ops.equal(ops.mod(ops.add(count, 1), steps), 0)


def _array(value: Array) -> Array:
    return value.own_value if isinstance(value, Variable) else value


_HALF = {"float16", "bfloat16"}


def _wide(arrays: list[Array]) -> list[Array]:
    """Half precision in float32: a step is computed in that, and rounded once when it is stored."""
    return [ops.cast(a, "float32") if dtypes.standardize(a.dtype) in _HALF else a for a in arrays]
