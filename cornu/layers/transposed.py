"""Transposed convolutions: from what a convolution gives back to the size of what it takes."""

from __future__ import annotations

from typing import Any

from cornu import constraints, initializers, ops, regularizers
from cornu.errors import ArgumentError
from cornu.layers.convolution import Size, Windowed
from cornu.layers.making import make_weight
from cornu.ops.arguments import Array, as_tuple
from cornu.registry import LAYERS

__all__ = ["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "TransposedConvolution"]


class TransposedConvolution(Windowed):
    """Each input cell adds the kernel, times its value, around its place in the output.

    `activation(conv_transpose(inputs, kernel) + bias)`: it is the gradient of a convolution in its input, and makes larger what strides
    made smaller. Conv1DTranspose, Conv2DTranspose and Conv3DTranspose are this class over one, two and three spatial axes.

    Args:
        filters: the number of output channels.
        kernel_size: the window's length along each spatial axis; one number stands for all axes, here and below.
        strides: steps between the places of neighbouring input cells in the output.
        padding: "valid" keeps all that the windows reach; "same" keeps `length * stride` cells.
        output_padding: cells added at the end of each axis, below the stride; without it the output's length is that of the formula below.
        data_format: "channels_last", (batch, *spatial, channels), or "channels_first", (batch, channels, *spatial); `image_data_format` by
            default.
        dilation_rate: the distance between the cells that the window takes; not together with strides.
        activation: applied to the sums; none by default.
        use_bias: whether a number is added to each channel.
        kernel_initializer, bias_initializer: the first values.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: a penalty on the outputs.
        kernel_constraint, bias_constraint: projections after each update.

    Shapes: (batch, *spatial, channels) to (batch, *new spatial, filters). With `reach = (kernel_size - 1) * dilation_rate + 1`, a new
    length is `length * stride` for "same" and `length * stride + max(reach - stride, 0)` for "valid"; with output_padding it is
    `(length - 1) * stride + reach - 2 * pad + output_padding`, where pad is `reach // 2` for "same" and 0 for "valid".

    Weights: kernel (*kernel_size, filters, channels), Glorot uniform; bias (filters,), zeros.

    Raises:
        ArgumentError: strides and dilation together, or an output_padding that is not below the stride.
        ShapeError: an unknown number of channels.

    M. Zeiler and others, "Deconvolutional networks", CVPR 2010.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        output_padding: Size | None = None,
        data_format: str | None = None,
        dilation_rate: Size = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            bias_initializer, bias_regularizer, bias_constraint, activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.filters = as_tuple(filters, 1, "filters")[0]
        self.output_padding = None if output_padding is None else as_tuple(output_padding, self.rank, "output_padding", least=0)
        if any(extra >= stride for extra, stride in zip(self.output_padding or (), self.strides, strict=False)):
            raise ArgumentError(f"output_padding must be below the strides, got {output_padding} with strides {strides}.")
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the kernel and the bias."""
        self.kernel = make_weight(self, "kernel", (*self.kernel_size, self.filters, self.fix_channels(input_shape)))
        self.make_bias(self.filters)
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The sums of what the input cells add, activated."""
        sums = ops.conv_transpose(
            inputs, self.kernel, self.strides, self.padding, self.output_padding, self.data_format, self.dilation_rate
        )
        return self.finished(sums)


@LAYERS.add
class Conv1DTranspose(TransposedConvolution):
    """Transposed convolution over one axis: each input cell adds the kernel, times its value, around its place in the output.

    Args, weights, errors: see `TransposedConvolution`. Shapes: (batch, steps, channels) to (batch, new steps, filters).

    >>> import numpy as np
    >>> Conv1DTranspose(3, 3, strides=2, padding="same")(np.ones((2, 5, 4), "float32")).shape
    (2, 10, 3)
    """

    rank = 1

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        output_padding: Size | None = None,
        data_format: str | None = None,
        dilation_rate: Size = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


@LAYERS.add
class Conv2DTranspose(TransposedConvolution):
    """Transposed convolution over height and width: each input cell adds the kernel, times its value, around its place in the output.

    Args, weights, errors: see `TransposedConvolution`. Shapes: (batch, height, width, channels) to (batch, new height, new width, filters).

    >>> import numpy as np
    >>> Conv2DTranspose(3, 3, strides=2, padding="same")(np.ones((2, 5, 5, 4), "float32")).shape
    (2, 10, 10, 3)
    """

    rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = (1, 1),
        padding: str = "valid",
        output_padding: Size | None = None,
        data_format: str | None = None,
        dilation_rate: Size = (1, 1),
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


@LAYERS.add
class Conv3DTranspose(TransposedConvolution):
    """Transposed convolution over three axes: each input cell adds the kernel, times its value, around its place in the output.

    Args, weights, errors: see `TransposedConvolution`. Shapes: (batch, a, b, c, channels) to (batch, new a, new b, new c, filters).

    >>> import numpy as np
    >>> Conv3DTranspose(3, 3, strides=2, padding="same")(np.ones((2, 2, 3, 4, 4), "float32")).shape
    (2, 4, 6, 8, 3)
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = (1, 1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: Size | None = None,
        dilation_rate: Size = (1, 1, 1),
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip
