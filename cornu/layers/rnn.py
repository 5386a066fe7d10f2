"""Running a recurrent cell over sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu import ops, tree
from cornu.backends.spec import TensorSpec
from cornu.errors import ArgumentError, ShapeError
from cornu.layers import context
from cornu.layers.cells import StackedRNNCells, advance, first_states, in_parts, noise_for, output_before
from cornu.layers.context import CallContext
from cornu.layers.inner import build_inner
from cornu.layers.layer import Layer
from cornu.layers.tracking import CarriedStates
from cornu.ops.arguments import Array
from cornu.ops.dispatch import interpreter_of
from cornu.registry import LAYERS
from cornu.state import StateScope, Variable, autocast

__all__ = ["RNN"]


@LAYERS.add
class RNN(Layer):
    """A cell run over the steps of sequences: `output, states = cell(x[:, t], states)`, one step after the other.

    Args:
        cell: a layer with a `state_size` (a length, or a list of lengths for a state with parts), an `output_size` where it differs from
            that, and `call(inputs, states)` that gives the output and the states after the step, a list; or a list of such, which are stacked.
        return_sequences: whether the outputs of all steps come out, not only the last.
        return_state: whether the states after the last step come out too, behind the outputs.
        go_backwards: from the last step to the first; outputs stand in that order.
        stateful: whether a batch begins with the states that the batch before ended with. The batch size must then be known.
        unroll: whether a compiled program holds each step anew, which is faster for a few steps, and longer to compile.
        zero_output_for_mask: whether masked steps give zeros, not the output of the step before.

    Call arguments:
        sequences: (batch, time, …).
        initial_state: the states to begin with, zeros by default.
        mask: (batch, time) booleans. At a masked step states are carried over, and the output is that of the step before.
        training: whether dropout is at work.

    Shapes: (batch, time, features) to (batch, units), or (batch, time, units) with `return_sequences`. The weights are the cell's.

    >>> import numpy as np
    >>> class Sum(Layer):
    ...     state_size = output_size = 1
    ...
    ...     def call(self, inputs, states):
    ...         total = states[0] + inputs
    ...         return total, [total]
    >>> RNN(Sum(), return_sequences=True)(np.array([[[1.0], [2.0], [3.0]]])).tolist()
    [[[1.0], [3.0], [6.0]]]
    """

    supports_masking = True

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell, dtype=self.dtype_policy, name="stacked_rnn_cells")
        if not isinstance(cell, Layer) or not hasattr(cell, "state_size"):
            raise ArgumentError(f"A recurrent layer runs a cell, a layer with a `state_size`, or a list of cells, got {cell!r}.")
        self.cell: Any = cell
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful, self.unroll = go_backwards, stateful, unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.__carried: CarriedStates | None = None
        if not self.trainable:
            cell.trainable = False

    def build(self, sequences_shape: tuple[int | None, ...], initial_state_shape: Any = None) -> None:
        """Builds the cell for one step, and makes the states of a stateful layer."""
        if len(sequences_shape) < 3:
            raise ShapeError(
                f"Layer {self.name!r} takes sequences (batch, time, features), got the shape {tuple(sequences_shape)}. "
                "Add the missing axis: `x[..., None]` for features, `x[None]` for a batch of one."
            )
        build_inner(self.cell, (sequences_shape[0], *sequences_shape[2:]))
        if self.stateful:
            self.__carried = CarriedStates(self.__state_variables(sequences_shape[0]))
        self.built = True

    def __state_variables(self, batch: int | None) -> list[Variable]:
        if batch is None:
            raise ShapeError(
                f"A stateful layer keeps a state for each sample, so {self.name!r} needs a known batch size, got None. Give the model "
                "`Input(shape, batch_size=...)`."
            )
        zeros = tree.flatten(first_states(self.cell, batch))
        return [Variable(z, trainable=False, autocast=False, name="rnn_state") for z in zeros]

    def _keeps_rows_(self, *, training: bool) -> bool:
        return not self.stateful

    def call(self, sequences: Array, initial_state: Any = None, mask: Array | None = None, training: bool = False) -> Any:
        """The outputs, and the states behind them with `return_state`."""
        states = self.__states_before(sequences, initial_state)
        keep = None if mask is None else ops.convert_to_tensor(mask, "bool")
        outputs, states = self._run_cell_(sequences, states, keep, training)
        if self.stateful:
            self.__carry(states)
        return (outputs, *_as_declared(self.cell, states, initial_state)) if self.return_state else outputs

    # --- states -------------------------------------------------------------------------------------------------------

    def __states_before(self, sequences: Array, given: Any) -> Any:
        """The states before the first step, in the structure that the cell takes."""
        leaves = tree.flatten(given)
        if self.__carried is not None and (given is None or not leaves):
            leaves = [v.value for v in self.__carried.variables]
            if leaves[0].shape[0] != sequences.shape[0]:
                raise ShapeError(
                    f"The stateful layer {self.name!r} keeps states for {leaves[0].shape[0]} samples, got a batch of {sequences.shape[0]}. "
                    "Give it batches of that size alone, the last of a pass too."
                )
        elif given is None or not leaves:
            return first_states(self.cell, sequences.shape[0])
        like = first_states(self.cell, 1)
        count = len(tree.flatten(like))
        if len(leaves) != count:
            raise ArgumentError(
                f"The state of {self.name!r} has {count} part(s), so initial_state must be a list of as many, got {len(leaves)}."
            )
        return tree.pack_sequence_as(like, [ops.cast(ops.convert_to_tensor(s), self.cell.compute_dtype) for s in leaves])

    def __carry(self, states: Any) -> None:
        for variable, value in zip(self.__carried.variables, tree.flatten(states), strict=True):  # type: ignore[union-attr]
            if not isinstance(value, TensorSpec):  # a run on shapes alone carries nothing on
                variable.assign(ops.stop_gradient(value))

    @property
    def states(self) -> list[Variable] | None:
        """What a stateful layer carries from batch to batch, flat; None if it carries nothing."""
        return None if self.__carried is None else list(self.__carried.variables)

    def reset_state(self) -> None:
        """Sets the states of a stateful layer to zero, as at the beginning of other sequences."""
        for variable in self.states or ():
            variable.assign(ops.zeros(variable.shape, dtype=variable.dtype))

    reset_states = reset_state

    @property
    def state_size(self) -> list[Any]:
        """The lengths of the cell's state."""
        size = self.cell.state_size
        return list(size) if isinstance(size, (list, tuple)) else [size]

    def get_initial_state(self, batch_size: int) -> Any:
        """States of zeros for a batch of that size."""
        return first_states(self.cell, batch_size)

    # --- the run ------------------------------------------------------------------------------------------------------

    def _run_cell_(self, sequences: Array, states: Any, mask: Array | None, training: bool) -> tuple[Any, Any]:
        """The outputs (of all steps, or the last), and the states after the last step."""
        cell = self.cell
        x = self.__in_running_order(sequences)
        counts = None if mask is None else self.__in_running_order(mask)
        before = None if mask is None or self.zero_output_for_mask else output_before(cell, states)
        with autocast(cell.compute_dtype), CallContext(training, context.active()) as inner:
            inner.masks, inner.losses = {}, []
            noise = noise_for(cell, x.shape[1], training)
            z = cell._project_(x, noise) if in_parts(cell) else x

            def step(carried: Any, now: Any) -> tuple[Any, Any]:
                states, before = carried
                z, counts = now
                output, after = advance(cell, z, states, noise, training)
                if counts is None:
                    return (after, None), output
                output = _where_it_counts(counts, output, before)
                return (_where_it_counts(counts, after, states), None if before is None else output), output

            (states, _), outputs = scan_with_variables(step, (states, before), (z, counts), x.shape[0] if self.unroll else 1)
            if inner.losses:
                raise ArgumentError(
                    f"The cell of {self.name!r} adds losses within a step, where they cannot be kept. Add them outside of it."
                )
        if self.return_sequences:
            return tree.map_structure(lambda y: ops.swapaxes(y, 0, 1), outputs), states
        return tree.map_structure(lambda y: ops.get_item(y, -1), outputs), states

    def __in_running_order(self, x: Array) -> Array:
        """(batch, time, …) as (time, batch, …), the step that is run first in front."""
        x = ops.swapaxes(x, 0, 1)
        return ops.flip(x, 0) if self.go_backwards else x

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the outputs if they are sequences; states have none."""
        mask = None
        if self.return_sequences and previous_mask is not None:
            mask = ops.flip(previous_mask, 1) if self.go_backwards else previous_mask
        return [mask, *(None for _ in self.state_size)] if self.return_state else mask


def _as_declared(cell: Any, states: Any, given: Any) -> list[Any]:
    """The states of a cell in the structure of its `state_size`, at least a list; of stacked cells one such list for each cell.

    A state that was given to one of those as it is, in no list, comes out as it is.
    """
    if not isinstance(cell, StackedRNNCells):
        size = cell.state_size
        return tree.pack_sequence_as(list(size) if isinstance(size, (list, tuple)) else [size], tree.flatten(states))
    parts = given if isinstance(given, (list, tuple)) and len(given) == len(states) else [None] * len(states)
    return [
        _as_declared(inner, state, part) if part is None or isinstance(part, (list, tuple)) else tree.flatten(state)[0]
        for inner, state, part in zip(cell.cells, states, parts, strict=True)
    ]


def _where_it_counts(counts: Array, new: Any, old: Any) -> Any:
    """Each array of `new` where the step counts, else that of `old`; zeros if that is None."""

    def choose(new: Array, old: Array | None = None) -> Array:
        places = ops.expand_dims(counts, tuple(range(1, new.ndim)))  # (batch, 1, …)
        return ops.where(places, new, ops.zeros_like(new) if old is None else old)

    return tree.map_structure(choose, new) if old is None else tree.map_structure(choose, new, old)


def scan_with_variables(f: Callable[[Any, Any], tuple[Any, Any]], init: Any, xs: Any, unroll: int) -> tuple[Any, Any]:
    """`ops.scan` whose body may assign variables: seeds of dropout in a cell, statistics.

    Where a loop is compiled, a first trace tells which variables those are; if there are any, a second one carries them from step to step.
    """
    if getattr(interpreter_of(*tree.flatten((init, xs))), "EAGER", True):
        return ops.scan(f, init, xs, unroll=unroll)
    assigned: dict[int, Variable] = {}

    def run(variables: list[Variable]) -> tuple[Any, list[Array], Any]:
        def body(carried: Any, x: Any) -> tuple[Any, Any]:
            state, values = carried
            with StateScope(zip(variables, values, strict=True)) as inner:
                state, y = f(state, x)
            assigned.update({key: variable for key, (variable, _) in inner.written.items()})
            return (state, [inner.read(v) for v in variables]), y

        with autocast(None):
            values = [v.value for v in variables]
        (state, values), ys = ops.scan(body, (init, values), xs, unroll=unroll)
        return state, values, ys

    state, values, ys = run([])
    if assigned:
        variables = list(assigned.values())
        state, values, ys = run(variables)
        for variable, value in zip(variables, values, strict=True):
            variable.put(value)
    return state, ys
