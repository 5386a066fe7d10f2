"""The long short-term memory whose states are images."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from cornu import config, ops
from cornu.backends.spec import TensorSpec
from cornu.errors import ArgumentError
from cornu.layers.cells import LSTMCell, Noise, Seed, noisy
from cornu.layers.convolution import Size, add_bias, standardize_padding
from cornu.layers.input_spec import InputSpec
from cornu.layers.making import known_lengths
from cornu.layers.recurrent import Recurrent, of_cell
from cornu.ops.arguments import Array, as_tuple
from cornu.registry import LAYERS

__all__ = ["ConvLSTM", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "ConvLSTMCell"]


class ConvLSTMCell(LSTMCell):
    """A step of the long short-term memory whose products are convolutions: `z = conv(x, kernel) + conv(h, recurrent_kernel) + bias`.

    For what z becomes see `LSTMCell`, for the arguments `ConvLSTM`. The convolution of the state has stride 1 and "same" padding.
    """

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = 1,
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
            as_tuple(filters, 1, "filters")[0], activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, unit_forget_bias, kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint,
            recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed, **kwargs,
        )  # fmt: skip
        self.rank, self.filters = rank, self.units
        self.kernel_size = as_tuple(kernel_size, rank, "kernel_size")
        self.strides = as_tuple(strides, rank, "strides")
        self.padding = standardize_padding(padding, "valid", "same")
        self.data_format = config.standardize_data_format(data_format)
        self.dilation_rate = as_tuple(dilation_rate, rank, "dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ArgumentError(f"strides and dilation_rate cannot both exceed 1, got {strides} and {dilation_rate}.")
        self._gate_axis_ = -1 if self.data_format == "channels_last" else 1

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the kernels and the bias for one step, whose places must be known: the states are as large."""
        lengths = known_lengths(self, input_shape, range(1, self.rank + 2))
        channels, width = lengths[self._gate_axis_ if self._gate_axis_ < 0 else 0], self.units * self._gates_
        self.kernel = self._weight_("kernel", "kernel", (*self.kernel_size, channels, width), self.kernel_initializer)
        recurrent = (*self.kernel_size, self.units, width)
        self.recurrent_kernel = self._weight_("recurrent_kernel", "recurrent", recurrent, self.recurrent_initializer)
        self.bias = self._weight_("bias", "bias", self._bias_shape_(), self._first_bias_) if self.use_bias else None
        self._input_lengths = lengths
        sums = self._convolved(TensorSpec((1, *lengths), "float32"), TensorSpec(self.kernel.shape, "float32"))
        places = list(sums.shape[1:])
        places[self._gate_axis_ if self._gate_axis_ < 0 else 0] = self.units
        self._state_lengths = tuple(places)
        self.input_spec = InputSpec(ndim=self.rank + 2, axes=dict(enumerate(lengths, 1)))
        self.built = True

    def get_initial_state(self, batch_size: int | None = None) -> list[Array]:
        """States of zeros for a batch of that size."""
        return [ops.zeros((batch_size or 1, *self._state_lengths), dtype=self.compute_dtype) for _ in self.state_size]

    def _noise_shapes_(self, batch: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return (batch, *self._input_lengths), (batch, *self._state_lengths)

    def _convolved(self, x: Array, kernel: Array) -> Array:
        return ops.conv(x, kernel, self.strides, self.padding, self.data_format, self.dilation_rate)

    def _project_(self, inputs: Array, noise: Noise | None) -> Array:
        x = inputs if noise is None or noise.inputs is None else ops.multiply(inputs, noise.inputs)
        before, step = x.shape[: -self.rank - 1], x.shape[-self.rank - 1 :]
        z = self._convolved(ops.reshape(x, (math.prod(before), *step)), self.kernel)  # the steps of all samples as one batch
        return ops.reshape(add_bias(z, self.bias, self.data_format), (*before, *z.shape[1:]))

    def _recur_(self, state: Array, noise: Noise | None) -> Array:
        return ops.conv(noisy(state, noise), self.recurrent_kernel, 1, "same", self.data_format)


class ConvLSTM(Recurrent):
    """The long short-term memory over sequences of images, whose states are images too and whose products are convolutions.

    ConvLSTM1D, ConvLSTM2D and ConvLSTM3D are this class over one, two and three spatial axes. For the formulas see `LSTMCell`, with
    `z = conv(x, kernel) + conv(h, recurrent_kernel) + bias`.

    Args:
        filters: the number of channels of the states and of the output.
        kernel_size: the window's length along each spatial axis; one number stands for all axes, here and below.
        strides, padding, dilation_rate: of the convolution of the inputs, see `Convolution`; that of the states has stride 1 and padding
            "same".
        data_format: "channels_last", (batch, time, *spatial, channels), or "channels_first", (batch, time, channels, *spatial);
            `image_data_format` by default.
        activation: of the new state and of the output.
        recurrent_activation: of the gates.
        use_bias: whether a bias is added.
        kernel_initializer, recurrent_initializer, bias_initializer: the first values.
        unit_forget_bias: whether the bias of the forget gate is 1 at first.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: a penalty on the outputs.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout, recurrent_dropout: the share of the inputs, and of the state where gates read it, dropped in training, the same at all
            steps.
        seed: of the dropout: a whole number or a SeedGenerator; drawn afresh if None.
        return_sequences, return_state, go_backwards, stateful: see `RNN`, also for `unroll`, `zero_output_for_mask` and what a call takes.

    Shapes: (batch, time, *spatial, channels) to (batch, *new spatial, filters), or (batch, time, *new spatial, filters) with
    `return_sequences`. The spatial lengths must be known.

    Weights, for the gates i, f, g and o: kernel (*kernel_size, channels, 4 * filters), Glorot uniform; recurrent_kernel (*kernel_size,
    filters, 4 * filters), orthogonal; bias (4 * filters,), zeros but for f.

    X. Shi and others, https://arxiv.org/abs/1506.04214.
    """

    rank: ClassVar[int]

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = 1,
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
        **kwargs: Any,
    ) -> None:
        cell = ConvLSTMCell(
            self.rank, filters, kernel_size, strides, padding, data_format, dilation_rate, activation, recurrent_activation, use_bias,
            kernel_initializer, recurrent_initializer, bias_initializer, unit_forget_bias, kernel_regularizer, recurrent_regularizer,
            bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed,
            **of_cell("conv_lstm_cell", kwargs),
        )  # fmt: skip
        flags = (return_sequences, return_state, go_backwards, stateful)
        super().__init__(cell, *flags, activity_regularizer=activity_regularizer, **kwargs)
        self.input_spec = InputSpec(ndim=self.rank + 3)

    def build(self, sequences_shape: tuple[int | None, ...], initial_state_shape: Any = None) -> None:
        """Builds the cell for one step, and makes the states of a stateful layer."""
        super().build(sequences_shape, initial_state_shape)
        self.input_spec = InputSpec(ndim=self.rank + 3, axes=dict(enumerate(sequences_shape[2:], 2)))


@LAYERS.add
class ConvLSTM1D(ConvLSTM):
    """The convolutional long short-term memory over sequences of rows: (batch, time, places, channels) to (batch, new places, filters).

    Args, weights: see `ConvLSTM`.

    >>> import numpy as np
    >>> ConvLSTM1D(5, 3)(np.ones((2, 3, 8, 4), "float32")).shape
    (2, 6, 5)
    """

    rank = 1


@LAYERS.add
class ConvLSTM2D(ConvLSTM):
    """The convolutional long short-term memory over sequences of images.

    (batch, time, height, width, channels) to (batch, new height, new width, filters). Args, weights: see `ConvLSTM`.

    >>> import numpy as np
    >>> ConvLSTM2D(5, 3)(np.ones((2, 3, 8, 8, 4), "float32")).shape
    (2, 6, 6, 5)
    """

    rank = 2


@LAYERS.add
class ConvLSTM3D(ConvLSTM):
    """The convolutional long short-term memory over sequences of volumes.

    (batch, time, a, b, c, channels) to (batch, new a, new b, new c, filters). Args, weights: see `ConvLSTM`.

    >>> import numpy as np
    >>> ConvLSTM3D(5, 3)(np.ones((2, 3, 4, 4, 4, 2), "float32")).shape
    (2, 2, 2, 2, 5)
    """

    rank = 3
