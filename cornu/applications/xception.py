"""Xception: separable convolutions, between which sums skip (F. Chollet, https://arxiv.org/abs/1610.02357)."""

from __future__ import annotations

from cornu.applications.architecture import architecture, channel_axis
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.graph import SymbolicTensor
from cornu.layers import Activation, Add, BatchNormalization, Conv2D, MaxPooling2D, SeparableConv2D

__all__ = ["Xception", "decode_predictions", "preprocess_input"]


def relu(x: SymbolicTensor, name: str) -> SymbolicTensor:
    """The positive part."""
    return Activation("relu", name=f"{name}_act")(x)


def normalised(x: SymbolicTensor, name: str | None = None) -> SymbolicTensor:
    """Batch normalisation."""
    return BatchNormalization(axis=channel_axis(), name=name)(x)


def separable(x: SymbolicTensor, filters: int, name: str) -> SymbolicTensor:
    """`bn(sepconv(x))`."""
    return normalised(SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x), f"{name}_bn")


def halving(x: SymbolicTensor, filters: tuple[int, int], name: str, active: bool = True) -> SymbolicTensor:
    """Two separable convolutions and a pooling, added to a projection of the input: the blocks of the entry and the exit."""
    shortcut = normalised(Conv2D(filters[1], 1, strides=2, padding="same", use_bias=False)(x))
    if active:
        x = relu(x, f"{name}_sepconv1")
    x = separable(x, filters[0], f"{name}_sepconv1")
    x = separable(relu(x, f"{name}_sepconv2"), filters[1], f"{name}_sepconv2")
    x = MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(x)
    return Add()([x, shortcut])


def forward(x: SymbolicTensor) -> SymbolicTensor:
    """Figure 5: the entry flow, the middle flow of eight blocks, the exit flow."""
    x = Conv2D(32, 3, strides=2, use_bias=False, name="block1_conv1")(x)
    x = relu(normalised(x, "block1_conv1_bn"), "block1_conv1")
    x = Conv2D(64, 3, use_bias=False, name="block1_conv2")(x)
    x = relu(normalised(x, "block1_conv2_bn"), "block1_conv2")
    x = halving(x, (128, 128), "block2", active=False)
    x = halving(x, (256, 256), "block3")
    x = halving(x, (728, 728), "block4")
    for block in range(5, 13):
        y = x
        for i in range(1, 4):
            y = separable(relu(y, f"block{block}_sepconv{i}"), 728, f"block{block}_sepconv{i}")
        x = Add()([y, x])
    x = halving(x, (728, 1024), "block13")
    x = relu(separable(x, 1536, "block14_sepconv1"), "block14_sepconv1")
    return relu(separable(x, 2048, "block14_sepconv2"), "block14_sepconv2")


ABOUT = "Xception (F. Chollet, https://arxiv.org/abs/1610.02357)."
Xception = architecture("Xception", "xception", ABOUT, forward, module=__name__, pixels=299, smallest=71)
preprocess_input = preprocessing("tf", __name__)
