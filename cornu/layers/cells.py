"""Recurrent cells: what happens in one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeGuard

from cornu import activations, constraints, initializers, ops, random, regularizers, tree
from cornu.errors import ArgumentError
from cornu.layers.inner import build_inner
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.making import known_lengths
from cornu.ops.arguments import Array
from cornu.registry import LAYERS
from cornu.state import SeedGenerator, Variable

__all__ = [
    "Cell", "GRUCell", "LSTMCell", "Noise", "SimpleRNNCell", "StackedRNNCells", "advance", "first_states", "in_parts", "noise_for", "noisy",
]  # fmt: skip

Seed = int | SeedGenerator | None


class Noise(NamedTuple):
    """Factors of inputs (batch, features) and of states (batch, units), the same at all steps; None leaves them alone."""

    inputs: Array | None
    states: Array | None


class Cell(Layer):
    """One step of a recurrent network: `output, states = cell(inputs, states)`.

    A step has three parts, so that a whole sequence can share what does not depend on the step before: noise is drawn once, inputs are
    projected for all steps at once, and `_advance_` does what is left.

    Attributes:
        state_size: the length of the state, or a list of lengths if it has parts.
        output_size: the length of the output.
    """

    state_size: Any
    output_size: int

    def call(self, inputs: Array, states: Any, training: bool = False) -> tuple[Array, Any]:
        """The output (batch, output_size), and the states after the step, a list as given."""
        noise = self._noise_(inputs.shape[0], training)
        return self._advance_(self._project_(inputs, noise), states, noise, training)

    def _noise_(self, batch: int, training: bool) -> Any:
        """What is drawn for one sequence, or None."""
        return None

    def _project_(self, inputs: Array, noise: Any) -> Array:
        """What the gates get of inputs (…, batch, features)."""
        raise NotImplementedError(f"{type(self).__name__} must define `_project_(self, inputs, noise)`.")

    def _advance_(self, z: Array, states: Any, noise: Any, training: bool) -> tuple[Array, Any]:
        """One step from projected inputs."""
        raise NotImplementedError(f"{type(self).__name__} must define `_advance_(self, z, states, noise, training)`.")

    def _output_before_(self, states: Any) -> Array:
        """What stands for the output before the first step."""
        return states[0]

    def get_initial_state(self, batch_size: int | None = None) -> Any:
        """States of zeros for a batch of that size."""
        return _zeros(self, batch_size or 1)


def first_states(cell: Any, batch: int) -> Any:
    """States of zeros, each (batch, length), in the list that `cell` takes; its own `get_initial_state` where it has one."""
    if isinstance(cell, StackedRNNCells):
        return [first_states(inner, batch) for inner in cell.cells]
    own = getattr(cell, "get_initial_state", None)
    if own is None:
        return _zeros(cell, batch)
    states = own(batch_size=batch)
    return list(states) if isinstance(states, (list, tuple)) else [states]


def _zeros(cell: Any, batch: int) -> Any:
    """Zeros by the cell's `state_size`."""
    size = cell.state_size
    sizes = list(size) if isinstance(size, (list, tuple)) else [size]
    return tree.map_structure(lambda n: ops.zeros((batch, n), dtype=cell.compute_dtype), sizes)


def in_parts(cell: Layer) -> TypeGuard[Cell]:
    """Whether a step of the cell is the three parts of a `Cell`; a subclass may have written a `call` of its own."""
    return isinstance(cell, Cell) and type(cell).call is Cell.call


def noise_for(cell: Layer, batch: int, training: bool) -> Any:
    """The noise of a cell for one sequence; cells of the user's own draw theirs within each step."""
    return cell._noise_(batch, training) if in_parts(cell) else None


def advance(cell: Layer, z: Array, states: Any, noise: Any, training: bool) -> tuple[Any, Any]:
    """One step of any cell, from projected inputs where the cell projects them; states in the structure in which they came."""
    if in_parts(cell):
        return cell._advance_(z, states, noise, training)
    output, after = cell(z, states, training=training)
    return output, tree.pack_sequence_as(states, tree.flatten(after))


class GatedCell(Cell):
    """A cell with a kernel for the inputs, one for the state, and a bias.

    Args:
        units: the length of the state and of the output.
        activation: of the new state.
        use_bias: whether a bias is added.
        kernel_initializer, recurrent_initializer, bias_initializer: the first values.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout: the share of inputs dropped in training, the same ones at all steps (Y. Gal, Z. Ghahramani, https://arxiv.org/abs/1512.05287).
        recurrent_dropout: the share of the state dropped where the gates read it; what the state itself carries on is left whole.
        seed: of the dropout: a whole number or a SeedGenerator; drawn afresh if None.

    Shapes: (batch, features) and a list of states (batch, units), to (batch, units) and that list.
    """

    _gates_: int = 1

    def __init__(
        self,
        units: int,
        activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        recurrent_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        recurrent_constraint: Any,
        bias_constraint: Any,
        dropout: float,
        recurrent_dropout: float,
        seed: Seed,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(units, int) or isinstance(units, bool) or units < 1:
            raise ArgumentError(f"units must be a whole number of at least 1, got {units!r}.")
        for name, rate in (("dropout", dropout), ("recurrent_dropout", recurrent_dropout)):
            if not isinstance(rate, (int, float)) or not 0 <= rate < 1:
                raise ArgumentError(f"{name} must be at least 0 and below 1, got {rate!r}.")
        self.units, self.state_size, self.output_size = units, units, units
        self.activation, self.use_bias = activations.get(activation), use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout, self.recurrent_dropout, self.seed = dropout, recurrent_dropout, seed
        noisy = dropout > 0 or recurrent_dropout > 0
        self.seed_generator = (seed if isinstance(seed, SeedGenerator) else SeedGenerator(seed)) if noisy else None

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the kernels and the bias."""
        (features,) = known_lengths(self, input_shape, [-1])
        width = self.units * self._gates_
        self.kernel = self._weight_("kernel", "kernel", (features, width), self.kernel_initializer)
        self.recurrent_kernel = self._weight_("recurrent_kernel", "recurrent", (self.units, width), self.recurrent_initializer)
        self.bias = self._weight_("bias", "bias", self._bias_shape_(), self._first_bias_) if self.use_bias else None
        self.input_spec = InputSpec(ndim=2, axes={-1: features})
        self.built = True

    def _weight_(self, name: str, kind: str, shape: Sequence[int], initializer: Any) -> Variable:
        regularizer, constraint = getattr(self, f"{kind}_regularizer"), getattr(self, f"{kind}_constraint")
        return self.add_weight(shape, initializer, regularizer=regularizer, constraint=constraint, name=name)

    def _bias_shape_(self) -> tuple[int, ...]:
        """The shape of the bias."""
        return (self.units * self._gates_,)

    def _first_bias_(self, shape: Sequence[int], dtype: str | None = None) -> Any:
        """The first value of the bias."""
        return self.bias_initializer(shape, dtype=dtype)

    def _noise_(self, batch: int, training: bool) -> Noise | None:
        if not training or self.seed_generator is None:
            return None
        inputs, states = self._noise_shapes_(batch)
        return Noise(self.__factors(inputs, self.dropout), self.__factors(states, self.recurrent_dropout))

    def _noise_shapes_(self, batch: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The shapes of the noise on inputs and on states."""
        return (batch, self.kernel.shape[0]), (batch, self.units)

    def __factors(self, shape: tuple[int, ...], rate: float) -> Array | None:
        """0 with probability `rate`, else 1 / (1 - rate)."""
        if rate == 0:
            return None
        return random.dropout(ops.ones(shape, dtype=self.compute_dtype), rate, seed=self.seed_generator)

    def _project_(self, inputs: Array, noise: Noise | None) -> Array:
        x = inputs if noise is None or noise.inputs is None else ops.multiply(inputs, noise.inputs)
        return ops.dense(x, self.kernel, self.bias)

    def _recur_(self, state: Array, noise: Noise | None) -> Array:
        """What the gates get of the state."""
        return ops.matmul(noisy(state, noise), self.recurrent_kernel)


def noisy(state: Array, noise: Noise | None) -> Array:
    """The state as the gates read it."""
    return state if noise is None or noise.states is None else ops.multiply(state, noise.states)


@LAYERS.add
class SimpleRNNCell(GatedCell):
    """A step of the plain recurrent network: `h' = activation(x @ kernel + h @ recurrent_kernel + bias)`. For arguments see `GatedCell`.

    Weights: kernel (features, units), Glorot uniform; recurrent_kernel (units, units), orthogonal; bias (units,), zeros.

    J. L. Elman, "Finding structure in time", Cognitive Science 14, 1990, doi:10.1207/s15516709cog1402_1.

    >>> import numpy as np
    >>> output, states = SimpleRNNCell(3)(np.ones((2, 4), "float32"), [np.zeros((2, 3), "float32")])
    >>> output.shape, len(states)
    ((2, 3), 1)
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: Seed = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer,
            recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout,
            seed, **kwargs,
        )  # fmt: skip

    def _advance_(self, z: Array, states: Any, noise: Noise | None, training: bool) -> tuple[Array, Any]:
        h = self.activation(ops.add(z, self._recur_(states[0], noise)))
        return h, [h]


@LAYERS.add
class LSTMCell(GatedCell):
    """A step of the long short-term memory.

    With `z = x @ kernel + h @ recurrent_kernel + bias` split into i, f, g and o, and s the `recurrent_activation`:
    `c' = s(f) * c + s(i) * activation(g)`, `h' = s(o) * activation(c')`. For arguments see `GatedCell`; beside those:

    Args:
        recurrent_activation: of the gates i, f and o.
        unit_forget_bias: whether the bias of the gate f is 1 at first, so that the cell remembers (R. Jozefowicz and others, 2015,
            https://proceedings.mlr.press/v37/jozefowicz15.html).

    Weights: kernel (features, 4 * units), Glorot uniform; recurrent_kernel (units, 4 * units), orthogonal; bias (4 * units,), zeros but for f.

    S. Hochreiter, J. Schmidhuber, 1997, doi:10.1162/neco.1997.9.8.1735; forget gate: F. Gers and others, 2000,
    doi:10.1162/089976600300015015.

    >>> import numpy as np
    >>> cell = LSTMCell(3)
    >>> output, (h, c) = cell(np.ones((2, 4), "float32"), cell.get_initial_state(2))
    >>> output.shape, h is output
    ((2, 3), True)
    """

    _gates_ = 4
    _gate_axis_ = -1

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: Seed = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer,
            recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout,
            seed, **kwargs,
        )  # fmt: skip
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [units, units]

    def _first_bias_(self, shape: Sequence[int], dtype: str | None = None) -> Any:
        """The initializer's values, ones for the forget gate."""
        if not self.unit_forget_bias:
            return self.bias_initializer(shape, dtype=dtype)
        n = self.units
        first, last = self.bias_initializer((n,), dtype=dtype), self.bias_initializer((2 * n,), dtype=dtype)
        return ops.concatenate([first, ops.ones((n,), dtype=dtype), last])

    def _advance_(self, z: Array, states: Any, noise: Noise | None, training: bool) -> tuple[Array, Any]:
        h, c = states
        gate = self.recurrent_activation
        i, f, g, o = ops.split(ops.add(z, self._recur_(h, noise)), 4, self._gate_axis_)
        c = ops.add(ops.multiply(gate(f), c), ops.multiply(gate(i), self.activation(g)))
        h = ops.multiply(gate(o), self.activation(c))
        return h, [h, c]


@LAYERS.add
class GRUCell(GatedCell):
    """A step of the gated recurrent unit.

    With s the `recurrent_activation`: `z = s(x @ kernel_z + h @ recurrent_kernel_z + bias_z)`, r likewise,
    `g = activation(x @ kernel_g + r * (h @ recurrent_kernel_g + recurrent_bias_g) + bias_g)`, `h' = z * h + (1 - z) * g`.
    For arguments see `GatedCell`; beside those:

    Args:
        recurrent_activation: of the gates z and r.
        reset_after: whether r is applied after the product with the recurrent kernel, as above and in cuDNN; else
            `g = activation(x @ kernel_g + (r * h) @ recurrent_kernel_g + bias_g)`, as in the first paper.

    Weights: kernel (features, 3 * units), for z, r and g, Glorot uniform; recurrent_kernel (units, 3 * units), orthogonal; bias
    (2, 3 * units), of inputs and of states, or (3 * units,) without `reset_after`, zeros.

    K. Cho and others, https://arxiv.org/abs/1406.1078.

    >>> import numpy as np
    >>> output, states = GRUCell(3)(np.ones((2, 4), "float32"), [np.zeros((2, 3), "float32")])
    >>> output.shape, len(states)
    ((2, 3), 1)
    """

    _gates_ = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: Seed = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer,
            recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout,
            seed, **kwargs,
        )  # fmt: skip
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after

    def _bias_shape_(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def _project_(self, inputs: Array, noise: Noise | None) -> Array:
        x = inputs if noise is None or noise.inputs is None else ops.multiply(inputs, noise.inputs)
        return ops.dense(x, self.kernel, self.__bias_part(0) if self.reset_after else self.bias)

    def __bias_part(self, which: int) -> Array | None:
        return None if self.bias is None else ops.get_item(self.bias, which)

    def _advance_(self, z: Array, states: Any, noise: Noise | None, training: bool) -> tuple[Array, Any]:
        h = states[0]
        seen, gate, kernel = noisy(h, noise), self.recurrent_activation, self.recurrent_kernel
        from_inputs, g = ops.split(z, [2 * self.units], -1)
        if self.reset_after:
            from_state, past = ops.split(ops.dense(seen, kernel, self.__bias_part(1)), [2 * self.units], -1)
            keep, reset = ops.split(gate(ops.add(from_inputs, from_state)), 2, -1)
            g = ops.add(g, ops.multiply(reset, past))
        else:
            for_gates, for_past = ops.split(kernel, [2 * self.units], -1)
            keep, reset = ops.split(gate(ops.add(from_inputs, ops.matmul(seen, for_gates))), 2, -1)
            g = ops.add(g, ops.matmul(ops.multiply(reset, seen), for_past))
        h = ops.add(ops.multiply(keep, h), ops.multiply(ops.subtract(1, keep), self.activation(g)))
        return h, [h]


@LAYERS.add
class StackedRNNCells(Cell):
    """Cells one above the other: each takes the output of the one below it at the same step.

    Args:
        cells: the lowest first; each has a `state_size` and, but for the last if nothing is masked, an `output_size`.

    Shapes: (batch, features) and a list with the states of each cell, to the last cell's output and that list.

    >>> import numpy as np
    >>> cell = StackedRNNCells([LSTMCell(2), GRUCell(3)])
    >>> output, states = cell(np.ones((1, 4), "float32"), cell.get_initial_state(1))
    >>> cell.state_size, output.shape
    ([[2, 2], 3], (1, 3))
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for cell in cells:
            if not isinstance(cell, Layer) or not hasattr(cell, "state_size"):
                raise ArgumentError(f"StackedRNNCells takes a list of cells, layers with a `state_size`, got {cell!r} in it.")
        if not cells:
            raise ArgumentError("StackedRNNCells takes a list of at least one cell, got an empty one.")
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        """The length of each cell's state."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:  # type: ignore[override]
        """The length of the last cell's output."""
        return _output_size(self.cells[-1])

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Builds each cell for the outputs of the one below."""
        for cell in self.cells:
            build_inner(cell, input_shape)
            input_shape = (input_shape[0], _output_size(cell))
        self.built = True

    def _noise_(self, batch: int, training: bool) -> Any:
        return [noise_for(cell, batch, training) for cell in self.cells]

    def _project_(self, inputs: Array, noise: Any) -> Array:
        """The inputs as they are: each cell projects within the step."""
        return inputs

    def get_initial_state(self, batch_size: int | None = None) -> Any:
        """States of zeros for a batch of that size, in a list for each cell."""
        return first_states(self, batch_size or 1)

    def _advance_(self, z: Array, states: Any, noise: Any, training: bool) -> tuple[Array, Any]:
        after = []
        for cell, state, own in zip(self.cells, states, noise, strict=True):
            z, state = advance(cell, cell._project_(z, own) if in_parts(cell) else z, state, own, training)
            after.append(state)
        return z, after

    def _output_before_(self, states: Any) -> Array:
        return output_before(self.cells[-1], states[-1])


def _output_size(cell: Any) -> int:
    size = getattr(cell, "output_size", None)
    if size is None:
        size = cell.state_size[0] if isinstance(cell.state_size, (list, tuple)) else cell.state_size
    return size


def output_before(cell: Layer, states: Any) -> Any:
    """What repeats at masked steps before the first that counts: zeros for cells of the user's own, (batch, output_size)."""
    if isinstance(cell, Cell):
        return cell._output_before_(states)
    batch = tree.flatten(states)[0].shape[0]
    return ops.zeros((batch, _output_size(cell)), dtype=cell.compute_dtype)
