"""MobileNet: convolutions split into one a channel and one across channels (A. Howard and others, https://arxiv.org/abs/1704.04861)."""

from __future__ import annotations

from functools import partial
from typing import Any

from cornu.applications.architecture import Shape, Weights, Wish, build, channel_axis, published_size, sides_of
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.errors import ArgumentError
from cornu.graph import SymbolicTensor
from cornu.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    ReLU,
    Reshape,
    ZeroPadding2D,
)
from cornu.models import Model

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]

# table 1: filters and stride of each block
BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))


def relu6(x: SymbolicTensor, name: str) -> SymbolicTensor:
    """`min(max(bn(x), 0), 6)`: a range that small numbers can hold."""
    x = BatchNormalization(axis=channel_axis(), name=f"{name}_bn")(x)
    return ReLU(6.0, name=f"{name}_relu")(x)


def separable(x: SymbolicTensor, filters: int, stride: int, multiplier: int, i: int) -> SymbolicTensor:
    """Figure 3, right: a 3 × 3 convolution of each channel, then 1 × 1 across channels."""
    if stride > 1:
        x = ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{i}")(x)
    padding = "same" if stride == 1 else "valid"
    x = DepthwiseConv2D(3, stride, padding, multiplier, use_bias=False, name=f"conv_dw_{i}")(x)
    x = relu6(x, f"conv_dw_{i}")
    return relu6(Conv2D(filters, 1, padding="same", use_bias=False, name=f"conv_pw_{i}")(x), f"conv_pw_{i}")


def forward(x: SymbolicTensor, alpha: float, multiplier: int) -> SymbolicTensor:
    """Table 1, with alpha times the filters."""
    x = relu6(Conv2D(int(alpha * 32), 3, strides=2, padding="same", use_bias=False, name="conv1")(x), "conv1")
    for i, (filters, stride) in enumerate(BLOCKS, 1):
        x = separable(x, int(alpha * filters), stride, multiplier, i)
    return x


def head(x: SymbolicTensor, wish: Wish, dropout: float) -> SymbolicTensor:
    """The mean of each channel, dropout, and the classifier as a 1 × 1 convolution."""
    x = GlobalAveragePooling2D(keepdims=True)(x)
    x = Dropout(dropout, name="dropout")(x)
    x = Conv2D(wish.classes, 1, padding="same", name="conv_preds")(x)
    return Activation(wish.classifier_activation, name="predictions")(Reshape((wish.classes,))(x))


def MobileNet(  # noqa: N802 - the name that everybody knows
    input_shape: Shape = None,
    alpha: float = 1.0,
    depth_multiplier: int = 1,
    dropout: float = 0.001,
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Model:
    """MobileNet (A. Howard and others, https://arxiv.org/abs/1704.04861).

    Args:
        alpha: the width: how many times the paper's filters; 0.25, 0.5, 0.75 or 1 with the published weights.
        depth_multiplier: how many filters see each channel; 1 with the published weights.
        dropout: before the classifier.
        name: `mobilenet_<alpha>_<height>` by default.

    For the other arguments, shapes and errors see `Architecture`.

    Example:
        model = MobileNet(input_shape=(96, 96, 3), alpha=0.25, weights=None, classes=10)
    """
    height = sides_of(input_shape, input_tensor, 224 if include_top else None)[0]
    wish = Wish(
        include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name or f"mobilenet_{alpha:0.2f}_{height}"
    )
    if wish.published and depth_multiplier != 1:
        raise ArgumentError(f"The published weights have depth_multiplier=1, got {depth_multiplier}. Pass weights=None for another.")
    variant = {"alpha": alpha, "pixels": published_size(input_shape, input_tensor, (128, 160, 192, 224))}
    layers = partial(forward, alpha=alpha, multiplier=depth_multiplier)
    return build("MobileNet", wish, layers, pixels=224, head=partial(head, dropout=dropout), variant=variant)


preprocess_input = preprocessing("tf", __name__)
