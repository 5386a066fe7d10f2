"""EfficientNet: one small network, found by search, made wider, deeper and finer all at once.

M. Tan, Q. Le, "EfficientNet: rethinking model scaling for convolutional neural networks", https://arxiv.org/abs/1905.11946.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from cornu.applications.architecture import Architecture, Wish, architecture, centred, channel_axis, channels
from cornu.applications.imagenet_utils import TORCH_DEVIATION, decode_predictions, preprocessing
from cornu.graph import SymbolicTensor
from cornu.initializers import VarianceScaling
from cornu.layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    Multiply,
    Normalization,
    Rescaling,
    Reshape,
    ZeroPadding2D,
)

__all__ = [
    "EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "EfficientNetB4", "EfficientNetB5", "EfficientNetB6",
    "EfficientNetB7", "decode_predictions", "preprocess_input",
]  # fmt: skip

STAGES = (  # table 1: kernel, blocks, filters, expansion, stride
    (3, 1, 16, 1, 1),
    (3, 2, 24, 6, 2),
    (5, 2, 40, 6, 2),
    (3, 3, 80, 6, 2),
    (5, 3, 112, 6, 1),
    (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)
SURVIVAL_DROP = 0.2  # of the last block's branch; that of the others grows towards it with depth


def rounded(filters: float) -> int:
    """The multiple of 8 nearest to a number of filters, at least 8 and not below nine tenths of it."""
    nearest = max(8, int(filters + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * filters else nearest + 8


def conv(x: SymbolicTensor, filters: int, kernel: int, name: str, **options: Any) -> SymbolicTensor:
    """A convolution with the initial weights of the paper."""
    initial = VarianceScaling(2.0, "fan_out", "truncated_normal")
    return Conv2D(filters, kernel, **{"padding": "same", "use_bias": False, **options}, kernel_initializer=initial, name=name)(x)


def depthwise(x: SymbolicTensor, kernel: int, stride: int, padding: str, name: str) -> SymbolicTensor:
    """A convolution of each channel by itself."""
    initial = VarianceScaling(2.0, "fan_out", "truncated_normal")
    return DepthwiseConv2D(kernel, stride, padding, use_bias=False, depthwise_initializer=initial, name=name)(x)


def active(x: SymbolicTensor, name: str, momentum: float, ending: str = "activation") -> SymbolicTensor:
    """`silu(bn(x))`."""
    x = BatchNormalization(axis=channel_axis(), momentum=momentum, name=f"{name}_bn")(x)
    return Activation("silu", name=f"{name}_{ending}")(x)


def squeeze_and_excite(x: SymbolicTensor, width: int, name: str) -> SymbolicTensor:
    """Each channel weighted by what all of them hold on average (J. Hu and others, https://arxiv.org/abs/1709.01507)."""
    count = channels(x)
    y = GlobalAveragePooling2D(name=f"{name}_se_squeeze")(x)
    y = Reshape((count, 1, 1) if channel_axis() == 1 else (1, 1, count), name=f"{name}_se_reshape")(y)
    y = conv(y, width, 1, f"{name}_se_reduce", use_bias=True, activation="silu")
    y = conv(y, count, 1, f"{name}_se_expand", use_bias=True, activation="sigmoid")
    return Multiply(name=f"{name}_se_excite")([x, y])


def project(x: SymbolicTensor, shortcut: SymbolicTensor, filters: int, drop: float, name: str, momentum: float) -> SymbolicTensor:
    """The end of a block: fewer channels, no activation, and the block's input added where it fits."""
    x = conv(x, filters, 1, f"{name}_project_conv")
    x = BatchNormalization(axis=channel_axis(), momentum=momentum, name=f"{name}_project_bn")(x)
    return add_where_it_fits(x, shortcut, drop, name)


def add_where_it_fits(x: SymbolicTensor, shortcut: SymbolicTensor, drop: float, name: str) -> SymbolicTensor:
    """The sum of a branch, dropped now and then for a whole image, and the block's input, if they have one shape."""
    if x.shape != shortcut.shape:
        return x
    if drop > 0:
        x = Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{name}_drop")(x)
    return Add(name=f"{name}_add")([x, shortcut])


def inverted_bottleneck(
    x: SymbolicTensor, kernel: int, filters: int, expansion: int, stride: int, drop: float, name: str
) -> SymbolicTensor:
    """MBConv: more channels, each convolved and weighted by itself, then fewer (https://arxiv.org/abs/1801.04381)."""
    shortcut, momentum = x, 0.99
    if expansion != 1:
        x = conv(x, expansion * channels(x), 1, f"{name}_expand_conv")
        x = active(x, f"{name}_expand", momentum)
    if stride > 1:
        x = ZeroPadding2D(centred(x, kernel), name=f"{name}_dwconv_pad")(x)
    x = depthwise(x, kernel, stride, "valid" if stride > 1 else "same", f"{name}_dwconv")
    x = active(x, name, momentum)
    x = squeeze_and_excite(x, max(1, channels(shortcut) // 4), name)
    return project(x, shortcut, filters, drop, name, momentum)


def forward(x: SymbolicTensor, width: float, depth: float, rescale: bool = False) -> SymbolicTensor:
    """Scaled pixels, a stem, seven stages of inverted bottlenecks, and a last 1 × 1 convolution: table 1, scaled.

    `rescale`: the published weights normalise by the root of the deviation, so that it takes another root to divide by all of it.
    """
    x = Rescaling(1 / 255)(x)
    x = Normalization(axis=channel_axis())(x)
    if rescale:
        x = Rescaling([1 / math.sqrt(deviation) for deviation in TORCH_DEVIATION])(x)
    x = ZeroPadding2D(centred(x, 3), name="stem_conv_pad")(x)
    x = active(conv(x, rounded(width * 32), 3, "stem_conv", strides=2, padding="valid"), "stem", 0.99)
    repeats = [math.ceil(depth * blocks) for _, blocks, *_ in STAGES]
    done = 0
    for stage, (kernel, _, filters, expansion, stride) in enumerate(STAGES):
        for block in range(repeats[stage]):
            name, drop = f"block{stage + 1}{chr(ord('a') + block)}", SURVIVAL_DROP * done / sum(repeats)
            x = inverted_bottleneck(x, kernel, rounded(width * filters), expansion, 1 if block else stride, drop, name)
            done += 1
    return active(conv(x, rounded(width * 1280), 1, "top_conv"), "top", 0.99)


def classify(x: SymbolicTensor, wish: Wish, dropout: float) -> SymbolicTensor:
    """The mean of each channel, dropout, and one dense layer."""
    x = GlobalAveragePooling2D(name="avg_pool")(x)
    if dropout > 0:
        x = Dropout(dropout, name="top_dropout")(x)
    initial = VarianceScaling(1 / 3, "fan_out", "uniform")
    return Dense(wish.classes, activation=wish.classifier_activation, kernel_initializer=initial, name="predictions")(x)


def efficientnet(variant: int, width: float, depth: float, pixels: int, dropout: float) -> Architecture:
    """The EfficientNet of that number."""
    about = (
        f"EfficientNet B{variant}: B0's width times {width}, depth times {depth}, images of {pixels} pixels a side "
        "(M. Tan, Q. Le, https://arxiv.org/abs/1905.11946). Pixels run from 0 to 255."
    )
    return architecture(
        f"EfficientNetB{variant}", f"efficientnetb{variant}", about, partial(forward, width=width, depth=depth),
        published_forward=partial(forward, width=width, depth=depth, rescale=True), module=__name__, pixels=pixels,
        head=partial(classify, dropout=dropout),
    )  # fmt: skip


EfficientNetB0 = efficientnet(0, 1.0, 1.0, 224, 0.2)
EfficientNetB1 = efficientnet(1, 1.0, 1.1, 240, 0.2)
EfficientNetB2 = efficientnet(2, 1.1, 1.2, 260, 0.3)
EfficientNetB3 = efficientnet(3, 1.2, 1.4, 300, 0.3)
EfficientNetB4 = efficientnet(4, 1.4, 1.8, 380, 0.4)
EfficientNetB5 = efficientnet(5, 1.6, 2.2, 456, 0.4)
EfficientNetB6 = efficientnet(6, 1.8, 2.6, 528, 0.5)
EfficientNetB7 = efficientnet(7, 2.0, 3.1, 600, 0.5)
preprocess_input = preprocessing("none", __name__)
