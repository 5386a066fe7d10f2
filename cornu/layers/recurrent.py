"""The plain recurrent network, the long short-term memory, and the gated recurrent unit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from cornu import activations, ops
from cornu.configurable import parameters
from cornu.errors import ArgumentError
from cornu.layers.cells import Cell, GRUCell, LSTMCell, SimpleRNNCell
from cornu.layers.input_spec import InputSpec
from cornu.layers.rnn import RNN
from cornu.ops.arguments import Array
from cornu.registry import LAYERS
from cornu.state import SeedGenerator, autocast

__all__ = ["GRU", "LSTM", "Recurrent", "SimpleRNN", "of_cell"]

Seed = int | SeedGenerator | None


class Recurrent(RNN):
    """A recurrent layer that makes its own cell: what it is told about the cell is read from there (`layer.units`, …)."""

    _op_: ClassVar[Callable[..., Any]]
    """What runs over all steps at once, for cells that it fits."""
    _fits_the_op_ = False

    def __init__(self, cell: Cell, *flags: bool, **kwargs: Any) -> None:
        super().__init__(cell, *flags, **kwargs)
        cell.dtype_policy = self.dtype_policy  # of a map of policies it is the layer's that holds
        self.input_spec = InputSpec(ndim=3)

    def build(self, sequences_shape: tuple[int | None, ...], initial_state_shape: Any = None) -> None:
        """Builds the cell for one step, and makes the states of a stateful layer."""
        super().build(sequences_shape, initial_state_shape)
        self.input_spec = InputSpec(ndim=3, axes={-1: sequences_shape[-1]})

    def _run_cell_(self, sequences: Array, states: Any, mask: Array | None, training: bool) -> tuple[Array, Any]:
        """The outputs and the last states, by the op where it does the same."""
        cell = self.cell
        if not self._fits_the_op_ or (training and cell.seed_generator is not None):
            return super()._run_cell_(sequences, states, mask, training)
        with autocast(cell.compute_dtype):
            weights = cell.kernel, cell.recurrent_kernel, cell.bias
            outputs, *states = type(self)._op_(sequences, *states, *weights, mask, self.go_backwards)
        if mask is not None and self.zero_output_for_mask:
            counts = ops.flip(mask, 1) if self.go_backwards else mask
            outputs = ops.where(ops.expand_dims(counts, -1), outputs, ops.zeros_like(outputs))
        return (outputs if self.return_sequences else ops.get_item(outputs, (slice(None), -1))), states

    def _constructor_arguments_(self) -> dict[str, Any]:
        return {name: value for name, value in super()._constructor_arguments_().items() if name not in ("cell", "use_cudnn")}

    def __getattr__(self, name: str) -> Any:
        cell = vars(self).get("cell")
        if cell is not None and name in parameters(type(cell))[0]:  # type: ignore[arg-type]
            return getattr(cell, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def of_cell(name: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The cell's share of what every layer takes."""
    return {"name": name, "dtype": kwargs.get("dtype"), "trainable": kwargs.get("trainable", True)}


@LAYERS.add
class SimpleRNN(Recurrent):
    """The plain recurrent network: `h = activation(x[:, t] @ kernel + h @ recurrent_kernel + bias)`, step by step.

    For the arguments, the weights and the source see `SimpleRNNCell`; for `return_sequences` to `unroll`, and what a call takes, `RNN`.

    Shapes: (batch, time, features) to (batch, units), or (batch, time, units) with `return_sequences`.

    >>> import numpy as np
    >>> SimpleRNN(4)(np.ones((2, 3, 5), "float32")).shape
    (2, 4)
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
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: Seed = None,
        **kwargs: Any,
    ) -> None:
        cell = SimpleRNNCell(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer,
            recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout,
            seed, **of_cell("simple_rnn_cell", kwargs),
        )  # fmt: skip
        flags = (return_sequences, return_state, go_backwards, stateful, unroll)
        super().__init__(cell, *flags, activity_regularizer=activity_regularizer, **kwargs)


@LAYERS.add
class LSTM(Recurrent):
    """The long short-term memory, step by step: for the formulas, the arguments, the weights and the sources see `LSTMCell`.

    For `return_sequences` to `unroll`, and what a call takes, see `RNN`. The state has two parts, h (also the output) and c.

    With `activation="tanh"`, `recurrent_activation="sigmoid"`, no unrolling and no dropout at work it is the op `ops.lstm`, for which backends
    have a kernel over all steps. `use_cudnn` "auto" or False leave that choice to the backend; True demands those settings.

    Shapes: (batch, time, features) to (batch, units), or (batch, time, units) with `return_sequences`.

    Raises:
        ArgumentError: `use_cudnn=True` with settings that have no such kernel.

    >>> import numpy as np
    >>> outputs, h, c = LSTM(4, return_sequences=True, return_state=True)(np.ones((2, 3, 5), "float32"))
    >>> outputs.shape, h.shape, c.shape
    ((2, 3, 4), (2, 4), (2, 4))
    """

    _op_ = ops.lstm

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
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: Seed = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        use_cudnn: bool | str = "auto",
        **kwargs: Any,
    ) -> None:
        cell = LSTMCell(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            unit_forget_bias, kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed, **of_cell("lstm_cell", kwargs),
        )  # fmt: skip
        flags = (return_sequences, return_state, go_backwards, stateful, unroll)
        super().__init__(cell, *flags, activity_regularizer=activity_regularizer, **kwargs)
        standard = cell.activation is activations.tanh and cell.recurrent_activation is activations.sigmoid
        self._fits_the_op_ = standard and not unroll
        _check_cudnn(use_cudnn, self._fits_the_op_ and not recurrent_dropout)


@LAYERS.add
class GRU(Recurrent):
    """The gated recurrent unit, step by step: for the formulas, the arguments, the weights and the source see `GRUCell`.

    For `return_sequences` to `unroll`, and what a call takes, see `RNN`.

    With `activation="tanh"`, `recurrent_activation="sigmoid"`, `reset_after`, no unrolling and no dropout at work it is the op `ops.gru`, for which
    backends have a kernel over all steps. `use_cudnn` "auto" or False leave that choice to the backend; True demands those settings.

    Shapes: (batch, time, features) to (batch, units), or (batch, time, units) with `return_sequences`.

    Raises:
        ArgumentError: `use_cudnn=True` with settings that have no such kernel.

    >>> import numpy as np
    >>> GRU(4)(np.ones((2, 3, 5), "float32")).shape
    (2, 4)
    """

    _op_ = ops.gru

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
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: Seed = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: bool | str = "auto",
        **kwargs: Any,
    ) -> None:
        cell = GRUCell(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout,
            recurrent_dropout, reset_after, seed, **of_cell("gru_cell", kwargs),
        )  # fmt: skip
        flags = (return_sequences, return_state, go_backwards, stateful, unroll)
        super().__init__(cell, *flags, activity_regularizer=activity_regularizer, **kwargs)
        standard = cell.activation is activations.tanh and cell.recurrent_activation is activations.sigmoid
        self._fits_the_op_ = standard and reset_after and not unroll
        _check_cudnn(use_cudnn, self._fits_the_op_ and not recurrent_dropout)


def _check_cudnn(use_cudnn: bool | str, fits: bool) -> None:
    if use_cudnn not in ("auto", True, False):
        raise ArgumentError(f"use_cudnn must be 'auto', True or False, got {use_cudnn!r}.")
    if use_cudnn is True and not fits:
        raise ArgumentError(
            "use_cudnn=True demands tanh and sigmoid activations, no recurrent dropout, no unrolling (and reset_after of a GRU). "
            "Leave it 'auto', or set those."
        )
