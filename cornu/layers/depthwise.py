"""Convolutions of each channel by itself."""

from __future__ import annotations

from typing import Any

from cornu import constraints, initializers, ops, regularizers
from cornu.layers.convolution import Size, Windowed
from cornu.layers.making import make_weight
from cornu.ops.arguments import Array, as_tuple
from cornu.registry import LAYERS

__all__ = ["DepthwiseConv1D", "DepthwiseConv2D", "DepthwiseConvolution"]


class DepthwiseConvolution(Windowed):
    """Each channel is convolved by itself, with `depth_multiplier` filters: `activation(depthwise_conv(inputs, kernel) + bias)`.

    DepthwiseConv1D and DepthwiseConv2D are this class over one and two spatial axes.

    Args:
        kernel_size: the window's length along each spatial axis; one number stands for all axes, here and below.
        strides: steps between the places of the window.
        padding: "valid" adds nothing; "same" adds zeros around, so that there are ceil(length / stride) outputs.
        depth_multiplier: the number of output channels for each input channel.
        data_format: "channels_last", (batch, *spatial, channels), or "channels_first", (batch, channels, *spatial); `image_data_format` by
            default.
        dilation_rate: the distance between the cells that the window takes; not together with strides.
        activation: applied to the sums; none by default.
        use_bias: whether a number is added to each output channel.
        depthwise_initializer, bias_initializer: the first values.
        depthwise_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: a penalty on the outputs.
        depthwise_constraint, bias_constraint: projections after each update.

    Shapes: (batch, *spatial, channels) to (batch, *new spatial, channels * depth_multiplier), those of one input channel side by side; the
    new spatial lengths are those of `Convolution`.

    Weights: kernel (*kernel_size, channels, depth_multiplier), Glorot uniform; bias (channels * depth_multiplier,), zeros.

    Raises:
        ArgumentError: strides and dilation together.
        ShapeError: a window larger than the input, or an unknown number of channels.
    """

    def __init__(
        self,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Size = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            bias_initializer, bias_regularizer, bias_constraint, activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.depth_multiplier = as_tuple(depth_multiplier, 1, "depth_multiplier")[0]
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the kernel and the bias."""
        channels = self.fix_channels(input_shape)
        self.kernel = make_weight(self, "kernel", (*self.kernel_size, channels, self.depth_multiplier), by="depthwise")
        self.make_bias(channels * self.depth_multiplier)
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The sums of each channel, activated."""
        return self.finished(ops.depthwise_conv(inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate))


@LAYERS.add
class DepthwiseConv1D(DepthwiseConvolution):
    """Convolution over one axis, each channel by itself.

    `out[b, i, c] = activation(sum over k of in[b, i * stride + k, c] * kernel[k, c, 0] + bias[c])` for one filter a channel.

    Args, weights, errors: see `DepthwiseConvolution`. Shapes: (batch, steps, channels) to (batch, new steps, channels * depth_multiplier).

    >>> import numpy as np
    >>> DepthwiseConv1D(3, depth_multiplier=2)(np.ones((2, 10, 4), "float32")).shape
    (2, 8, 8)
    """

    rank = 1

    def __init__(
        self,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Size = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate, activation, use_bias,
            depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer, activity_regularizer,
            depthwise_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


@LAYERS.add
class DepthwiseConv2D(DepthwiseConvolution):
    """Convolution over height and width, each channel by itself: in MobileNets the half of a separable convolution that sees neighbours.

    Args, weights, errors: see `DepthwiseConvolution`. Shapes: (batch, height, width, channels) to (batch, new height, new width, channels *
    depth_multiplier).

    A. Howard and others, "MobileNets", https://arxiv.org/abs/1704.04861.

    >>> import numpy as np
    >>> DepthwiseConv2D(3, padding="same")(np.ones((2, 9, 9, 4), "float32")).shape
    (2, 9, 9, 4)
    """

    rank = 2

    def __init__(
        self,
        kernel_size: Size,
        strides: Size = (1, 1),
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Size = (1, 1),
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate, activation, use_bias,
            depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer, activity_regularizer,
            depthwise_constraint, bias_constraint, **kwargs,
        )  # fmt: skip
