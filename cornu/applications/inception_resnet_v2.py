"""Inception-ResNet V2: Inception's windows side by side as what is added to a block's input.

C. Szegedy and others, "Inception-v4, Inception-ResNet and the impact of residual connections on learning", https://arxiv.org/abs/1602.07261.
"""

from __future__ import annotations

from cornu.applications.architecture import architecture, channels
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.applications.inception_v3 import chain, conv, joined, pooled, stem
from cornu.applications.layers import CustomScaleLayer
from cornu.graph import SymbolicTensor
from cornu.layers import Activation, Conv2D, MaxPooling2D

__all__ = ["InceptionResNetV2", "decode_predictions", "preprocess_input"]


def residual(x: SymbolicTensor, branches: list[SymbolicTensor], scale: float, name: str, activation: str | None = "relu") -> SymbolicTensor:
    """`relu(x + scale * 1×1(branches))`: the scale, of section 3.3, keeps deep ones stable."""
    y = joined(branches, f"{name}_mixed")
    y = Conv2D(channels(x), 1, padding="same", name=f"{name}_conv")(y)
    x = CustomScaleLayer(scale)([x, y])
    return x if activation is None else Activation(activation, name=f"{name}_ac")(x)


def block35(x: SymbolicTensor, i: int) -> SymbolicTensor:
    """Figure 16: at 35 × 35 places."""
    return residual(x, [conv(x, 32, 1), chain(x, (32, 1), (32, 3)), chain(x, (32, 1), (48, 3), (64, 3))], 0.17, f"block35_{i}")


def block17(x: SymbolicTensor, i: int) -> SymbolicTensor:
    """Figure 17: at 17 × 17 places."""
    return residual(x, [conv(x, 192, 1), chain(x, (128, 1), (160, (1, 7)), (192, (7, 1)))], 0.1, f"block17_{i}")


def block8(x: SymbolicTensor, i: int) -> SymbolicTensor:
    """Figure 19: at 8 × 8 places; the last is not scaled down."""
    branches = [conv(x, 192, 1), chain(x, (192, 1), (224, (1, 3)), (256, (3, 1)))]
    return residual(x, branches, 1.0, "block8_10", None) if i == 10 else residual(x, branches, 0.2, f"block8_{i}")


def forward(x: SymbolicTensor) -> SymbolicTensor:
    """Figure 15: a stem, ten, twenty and ten blocks, and a reduction of the size between."""
    x = stem(x)
    x = joined([conv(x, 96, 1), chain(x, (48, 1), (64, 5)), chain(x, (64, 1), (96, 3), (96, 3)), pooled(x, 64)], "mixed_5b")
    for i in range(1, 11):
        x = block35(x, i)
    large, small = conv(x, 384, 3, 2, "valid"), conv(chain(x, (256, 1), (256, 3)), 384, 3, 2, "valid")
    x = joined([large, small, MaxPooling2D(3, strides=2)(x)], "mixed_6a")
    for i in range(1, 21):
        x = block17(x, i)
    first, second = conv(conv(x, 256, 1), 384, 3, 2, "valid"), conv(conv(x, 256, 1), 288, 3, 2, "valid")
    third = conv(chain(x, (256, 1), (288, 3)), 320, 3, 2, "valid")
    x = joined([first, second, third, MaxPooling2D(3, strides=2)(x)], "mixed_7a")
    for i in range(1, 11):
        x = block8(x, i)
    return conv(x, 1536, 1, name="conv_7b")


ABOUT = "Inception-ResNet V2 (C. Szegedy and others, https://arxiv.org/abs/1602.07261)."
InceptionResNetV2 = architecture("InceptionResNetV2", "inception_resnet_v2", ABOUT, forward, module=__name__, pixels=299, smallest=75)
preprocess_input = preprocessing("tf", __name__)
