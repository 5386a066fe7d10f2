"""Convolutions in two steps: over neighbours, each channel by itself, then across channels."""

from __future__ import annotations

from typing import Any

from cornu import constraints, initializers, ops, regularizers
from cornu.layers.convolution import Size, Windowed
from cornu.layers.making import make_weight
from cornu.ops.arguments import Array, as_tuple
from cornu.registry import LAYERS

__all__ = ["SeparableConv1D", "SeparableConv2D", "SeparableConvolution"]


class SeparableConvolution(Windowed):
    """A convolution of each channel by itself, then one of size 1 across channels: `activation(conv(depthwise_conv(inputs, d), p) + bias)`.

    It needs about `1 / filters + 1 / cells of the window` of a convolution's weights and products. SeparableConv1D and SeparableConv2D are
    this class over one and two spatial axes.

    Args:
        filters: the number of output channels.
        kernel_size: the window's length along each spatial axis; one number stands for all axes, here and below.
        strides: steps between the places of the window.
        padding: "valid" adds nothing; "same" adds zeros around, so that there are ceil(length / stride) outputs.
        data_format: "channels_last", (batch, *spatial, channels), or "channels_first", (batch, channels, *spatial); `image_data_format` by
            default.
        dilation_rate: the distance between the cells that the window takes; not together with strides.
        depth_multiplier: the number of channels between the two steps for each input channel.
        activation: applied to the sums; none by default.
        use_bias: whether a number is added to each output channel.
        depthwise_initializer, pointwise_initializer, bias_initializer: the first values.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: a penalty on the outputs.
        depthwise_constraint, pointwise_constraint, bias_constraint: projections after each update.

    Shapes: (batch, *spatial, channels) to (batch, *new spatial, filters); the new spatial lengths are those of `Convolution`.

    Weights: depthwise_kernel (*kernel_size, channels, depth_multiplier) and pointwise_kernel (*ones, channels * depth_multiplier, filters),
    Glorot uniform; bias (filters,), zeros.

    Raises:
        ArgumentError: strides and dilation together.
        ShapeError: a window larger than the input, or an unknown number of channels.

    F. Chollet, "Xception: deep learning with depthwise separable convolutions", https://arxiv.org/abs/1610.02357.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            bias_initializer, bias_regularizer, bias_constraint, activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.filters = as_tuple(filters, 1, "filters")[0]
        self.depth_multiplier = as_tuple(depth_multiplier, 1, "depth_multiplier")[0]
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the two kernels and the bias."""
        channels = self.fix_channels(input_shape)
        between = channels * self.depth_multiplier
        self.depthwise_kernel = make_weight(self, "depthwise_kernel", (*self.kernel_size, channels, self.depth_multiplier), by="depthwise")
        self.pointwise_kernel = make_weight(self, "pointwise_kernel", (*[1] * self.rank, between, self.filters), by="pointwise")
        self.make_bias(self.filters)
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The weighted sums, activated."""
        kernels = self.depthwise_kernel, self.pointwise_kernel
        return self.finished(ops.separable_conv(inputs, *kernels, self.strides, self.padding, self.data_format, self.dilation_rate))


@LAYERS.add
class SeparableConv1D(SeparableConvolution):
    """Convolution over one axis in two steps: `activation(conv(depthwise_conv(inputs, d), p) + bias)`.

    Args, weights, errors: see `SeparableConvolution`. Shapes: (batch, steps, channels) to (batch, new steps, filters).

    >>> import numpy as np
    >>> SeparableConv1D(5, 3)(np.ones((2, 10, 4), "float32")).shape
    (2, 8, 5)
    """

    rank = 1

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier, activation, use_bias,
            depthwise_initializer, pointwise_initializer, bias_initializer, depthwise_regularizer, pointwise_regularizer,
            bias_regularizer, activity_regularizer, depthwise_constraint, pointwise_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


@LAYERS.add
class SeparableConv2D(SeparableConvolution):
    """Convolution over height and width in two steps: `activation(conv(depthwise_conv(inputs, d), p) + bias)`.

    Args, weights, errors: see `SeparableConvolution`. Shapes: (batch, height, width, channels) to (batch, new height, new width, filters).

    >>> import numpy as np
    >>> SeparableConv2D(5, 3, strides=2, padding="same")(np.ones((2, 9, 9, 4), "float32")).shape
    (2, 5, 5, 5)
    """

    rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = (1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = (1, 1),
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier, activation, use_bias,
            depthwise_initializer, pointwise_initializer, bias_initializer, depthwise_regularizer, pointwise_regularizer,
            bias_regularizer, activity_regularizer, depthwise_constraint, pointwise_constraint, bias_constraint, **kwargs,
        )  # fmt: skip
