"""Convolution layers over one, two or three spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from cornu import activations, config, constraints, initializers, ops, regularizers
from cornu.errors import ArgumentError, ShapeError
from cornu.layers.adapted.adaptation import Adaptable
from cornu.layers.adapted.adapting import keep_arguments
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.making import known_lengths, make_weight
from cornu.ops.arguments import Array, as_tuple
from cornu.registry import LAYERS

__all__ = ["Conv1D", "Conv2D", "Conv3D", "Convolution", "Windowed", "add_bias", "standardize_padding"]

Size = int | Sequence[int]


def standardize_padding(padding: str, *kinds: str) -> str:
    """The kind of padding in small letters; raises unless it is one of `kinds`."""
    kind = padding.lower() if isinstance(padding, str) else padding
    if kind not in kinds:
        raise ArgumentError(f"padding must be {' or '.join(map(repr, kinds))}, got {padding!r}.")
    return kind


def add_bias(x: Array, bias: Array | None, data_format: str) -> Array:
    """`x` with a number added to each channel; `x` itself without a bias."""
    if bias is None:
        return x
    if data_format == "channels_first":
        bias = ops.reshape(bias, (1, -1, *[1] * (x.ndim - 2)))  # (1, channels, 1, …)
    return ops.add(x, bias)


class Windowed(Layer):
    """The base of layers whose outputs are sums over a window that moves over the spatial axes, plus a bias, activated.

    Args: see `Convolution`.

    Attributes:
        rank: the number of spatial axes.
        paddings: the kinds of padding that the class takes.
        channel_axis: where the channels stand.
    """

    rank: ClassVar[int]
    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")

    def __init__(
        self,
        kernel_size: Size,
        strides: Size,
        padding: str,
        data_format: str | None,
        dilation_rate: Size,
        activation: Any,
        use_bias: bool,
        bias_initializer: Any,
        bias_regularizer: Any,
        bias_constraint: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kernel_size = as_tuple(kernel_size, self.rank, "kernel_size")
        self.strides = as_tuple(strides, self.rank, "strides")
        self.padding = standardize_padding(padding, *self.paddings)
        self.data_format = config.standardize_data_format(data_format)
        self.dilation_rate = as_tuple(dilation_rate, self.rank, "dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ArgumentError(f"strides and dilation_rate cannot both exceed 1, got {strides} and {dilation_rate}.")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)
        self.channel_axis = -1 if self.data_format == "channels_last" else 1
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def fix_channels(self, input_shape: tuple[int | None, ...]) -> int:
        """The input's number of channels, which must be known, and is demanded of every input from now on."""
        (channels,) = known_lengths(self, input_shape, [self.channel_axis])
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self.channel_axis: channels})
        return channels

    def make_bias(self, length: int) -> None:
        """The bias, or None without one."""
        self.bias = make_weight(self, "bias", (length,)) if self.use_bias else None

    def finished(self, sums: Array) -> Array:
        """The sums with the bias, activated."""
        return self.activation(add_bias(sums, self.bias, self.data_format))


class Convolution(Windowed):
    """Every output cell is a weighted sum of the cells around its place: `activation(conv(inputs, kernel) + bias)`.

    Conv1D, Conv2D and Conv3D are this class over one, two and three spatial axes.

    Args:
        filters: the number of output channels.
        kernel_size: the window's length along each spatial axis; one number stands for all axes, here and below.
        strides: steps between the places of the window.
        padding: "valid" adds nothing; "same" adds zeros around, so that there are ceil(length / stride) outputs; "causal" (Conv1D only)
            adds them in front, so that no output sees later steps.
        data_format: "channels_last", (batch, *spatial, channels), or "channels_first", (batch, channels, *spatial); `image_data_format` by
            default.
        dilation_rate: the distance between the cells that the window takes; not together with strides.
        groups: into how many parts the channels are split, each seen by its own share of the filters.
        activation: applied to the sums; none by default.
        use_bias: whether a number is added to each channel.
        kernel_initializer, bias_initializer: the first values.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: a penalty on the outputs.
        kernel_constraint, bias_constraint: projections after each update.
        lora_rank, lora_alpha: as `enable_lora` takes them, once the layer is built.

    Shapes: (batch, *spatial, channels) to (batch, *new spatial, filters). A window spans `reach = (kernel_size - 1) * dilation_rate + 1`
    cells; with "valid" padding `floor((length - reach) / stride) + 1` places remain.

    Weights: kernel (*kernel_size, channels // groups, filters), Glorot uniform; bias (filters,), zeros.

    Raises:
        ArgumentError: strides and dilation together, or filters that the groups do not divide.
        ShapeError: channels that the groups do not divide, or a window larger than the input.

    Y. LeCun and others, "Gradient-based learning applied to document recognition", Proceedings of the IEEE 86, 1998.
    """

    _adaptable_ = Adaptable("kernel")

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            bias_initializer, bias_regularizer, bias_constraint, activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        keep_arguments(self, lora_rank, lora_alpha, None)
        self.filters, self.groups = as_tuple(filters, 1, "filters")[0], as_tuple(groups, 1, "groups")[0]
        if self.filters % self.groups:
            raise ArgumentError(f"groups must divide filters, got groups={groups} and filters={filters}.")
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the kernel and the bias."""
        channels = self.fix_channels(input_shape)
        if channels % self.groups:
            raise ShapeError(
                f"The input of {self.name!r} must have channels that groups={self.groups} divides, "
                f"got the shape {tuple(input_shape)} with data_format={self.data_format!r}."
            )
        self.kernel = make_weight(self, "kernel", (*self.kernel_size, channels // self.groups, self.filters))
        self.make_bias(self.filters)
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The weighted sums, activated."""
        return self.finished(ops.conv(inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; those of low-rank parts only where there are any."""
        return {name: value for name, value in super().get_config().items() if value is not None or name not in ("lora_rank", "lora_alpha")}


@LAYERS.add
class Conv1D(Convolution):
    """Convolution over one axis, such as time: `out[b, i] = activation(sum over k of in[b, i * stride + k * dilation] @ kernel[k] + bias)`.

    Args, weights, errors: see `Convolution`. Shapes: (batch, steps, channels) to (batch, new steps, filters). With padding="causal" an
    output sees its own step and earlier ones only (A. van den Oord and others, "WaveNet", https://arxiv.org/abs/1609.03499).

    >>> import numpy as np
    >>> Conv1D(4, 3, padding="causal")(np.ones((2, 10, 3), "float32")).shape
    (2, 10, 4)
    """

    rank = 1
    paddings = ("valid", "same", "causal")

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = 1,
        groups: int = 1,
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
            filters, kernel_size, strides, padding, data_format, dilation_rate, groups, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


@LAYERS.add
class Conv2D(Convolution):
    """Convolution over the height and width of images: `activation(sum over the window of in @ kernel + bias)` at each place.

    Args, weights, errors: see `Convolution`. Shapes: (batch, height, width, channels) to (batch, new height, new width, filters).

    >>> import numpy as np
    >>> Conv2D(4, 3, strides=2, padding="same")(np.ones((2, 9, 9, 3), "float32")).shape
    (2, 5, 5, 4)
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
        groups: int = 1,
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
            filters, kernel_size, strides, padding, data_format, dilation_rate, groups, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


@LAYERS.add
class Conv3D(Convolution):
    """Convolution over three axes, such as volumes or video: `activation(sum over the window of in @ kernel + bias)` at each place.

    Args, weights, errors: see `Convolution`. Shapes: (batch, a, b, c, channels) to (batch, new a, new b, new c, filters).

    >>> import numpy as np
    >>> Conv3D(4, 2)(np.ones((2, 5, 5, 5, 3), "float32")).shape
    (2, 4, 4, 4, 4)
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = (1, 1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = (1, 1, 1),
        groups: int = 1,
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
            filters, kernel_size, strides, padding, data_format, dilation_rate, groups, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip
