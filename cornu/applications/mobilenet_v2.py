"""MobileNet V2: blocks that are wide inside and narrow at their ends, where sums skip.

M. Sandler and others, "MobileNetV2: inverted residuals and linear bottlenecks", https://arxiv.org/abs/1801.04381.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from cornu.applications.architecture import Shape, Weights, Wish, build, centred, channel_axis, channels, published_size, sides_of
from cornu.applications.efficientnet import rounded
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.graph import SymbolicTensor
from cornu.layers import Add, BatchNormalization, Conv2D, DepthwiseConv2D, ReLU, ZeroPadding2D
from cornu.models import Model

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]

# table 2: expansion, filters, blocks, stride
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def normalised(x: SymbolicTensor, name: str) -> SymbolicTensor:
    """Batch normalisation with slow statistics."""
    return BatchNormalization(axis=channel_axis(), momentum=0.999, name=name)(x)


def inverted_residual(x: SymbolicTensor, expansion: int, filters: int, stride: int, name: str) -> SymbolicTensor:
    """`x + 1×1(relu6(depthwise(relu6(1×1(x)))))`: table 1. The sum is left out where the shapes differ."""
    shortcut = x
    if expansion != 1:
        x = Conv2D(expansion * channels(x), 1, padding="same", use_bias=False, name=f"{name}_expand")(x)
        x = ReLU(6.0, name=f"{name}_expand_relu")(normalised(x, f"{name}_expand_BN"))
    if stride > 1:
        x = ZeroPadding2D(centred(x, 3), name=f"{name}_pad")(x)
    x = DepthwiseConv2D(3, stride, "valid" if stride > 1 else "same", use_bias=False, name=f"{name}_depthwise")(x)
    x = ReLU(6.0, name=f"{name}_depthwise_relu")(normalised(x, f"{name}_depthwise_BN"))
    x = normalised(Conv2D(filters, 1, padding="same", use_bias=False, name=f"{name}_project")(x), f"{name}_project_BN")
    return Add(name=f"{name}_add")([shortcut, x]) if stride == 1 and channels(shortcut) == filters else x


def forward(x: SymbolicTensor, alpha: float) -> SymbolicTensor:
    """Table 2, with alpha times the filters."""
    x = Conv2D(rounded(alpha * 32), 3, strides=2, padding="same", use_bias=False, name="Conv1")(x)
    x = ReLU(6.0, name="Conv1_relu")(normalised(x, "bn_Conv1"))
    done = 0
    for expansion, filters, blocks, stride in STAGES:
        for block in range(blocks):
            name = f"block_{done}" if done else "expanded_conv"
            x = inverted_residual(x, expansion, rounded(int(alpha * filters)), 1 if block else stride, name)
            done += 1
    x = Conv2D(rounded(1280 * max(alpha, 1.0)), 1, use_bias=False, name="Conv_1")(x)
    return ReLU(6.0, name="out_relu")(normalised(x, "Conv_1_bn"))


def MobileNetV2(  # noqa: N802 - the name that everybody knows
    input_shape: Shape = None,
    alpha: float = 1.0,
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Model:
    """MobileNet V2 (M. Sandler and others, https://arxiv.org/abs/1801.04381).

    Args:
        alpha: the width: how many times the paper's filters; 0.35, 0.5, 0.75, 1, 1.3 or 1.4 with the published weights.
        name: `mobilenetv2_<alpha>_<height>` by default.

    For the other arguments, shapes and errors see `Architecture`.

    Example:
        model = MobileNetV2(input_shape=(96, 96, 3), include_top=False, pooling="avg")
    """
    height = sides_of(input_shape, input_tensor, 224 if include_top else None)[0]
    name = name or f"mobilenetv2_{alpha:0.2f}_{height}"
    wish = Wish(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    variant = {"alpha": alpha, "pixels": published_size(input_shape, input_tensor, (96, 128, 160, 192, 224) if alpha <= 1 else (224,))}
    return build("MobileNetV2", wish, partial(forward, alpha=alpha), pixels=224, variant=variant)


preprocess_input = preprocessing("tf", __name__)
