"""ResNet V2: each residual branch begins with normalisation and activation, so that the sums stay untouched from end to end.

K. He and others, "Identity mappings in deep residual networks", https://arxiv.org/abs/1603.05027.
"""

from __future__ import annotations

from functools import partial

from cornu.applications.architecture import Architecture, architecture
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.applications.resnet import normalised
from cornu.graph import SymbolicTensor
from cornu.layers import Activation, Add, Conv2D, MaxPooling2D, ZeroPadding2D

__all__ = ["ResNet50V2", "ResNet101V2", "ResNet152V2", "decode_predictions", "preprocess_input"]


def bottleneck(x: SymbolicTensor, filters: int, stride: int, project: bool, name: str) -> SymbolicTensor:
    """`shortcut(x) + 1×1(3×3(1×1(relu(bn(x)))))`: figure 4e, with bottlenecks."""
    active = Activation("relu", name=f"{name}_preact_relu")(normalised(x, f"{name}_preact_bn"))
    if project:
        shortcut = Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(active)
    else:
        shortcut = MaxPooling2D(1, strides=stride)(x) if stride > 1 else x
    x = normalised(Conv2D(filters, 1, use_bias=False, name=f"{name}_1_conv")(active), f"{name}_1_bn")
    x = Activation("relu", name=f"{name}_1_relu")(x)
    x = ZeroPadding2D(1, name=f"{name}_2_pad")(x)
    x = normalised(Conv2D(filters, 3, strides=stride, use_bias=False, name=f"{name}_2_conv")(x), f"{name}_2_bn")
    x = Activation("relu", name=f"{name}_2_relu")(x)
    x = Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
    return Add(name=f"{name}_out")([shortcut, x])


def forward(x: SymbolicTensor, depths: tuple[int, ...]) -> SymbolicTensor:
    """A stem, four stages of `depths` blocks, of which the last block of all but the last stage halves the size, and a last normalisation."""
    x = ZeroPadding2D(3, name="conv1_pad")(x)
    x = Conv2D(64, 7, strides=2, name="conv1_conv")(x)
    x = ZeroPadding2D(1, name="pool1_pad")(x)
    x = MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    for stage, depth in enumerate(depths):
        for block in range(depth):
            stride = 2 if stage < 3 and block == depth - 1 else 1
            x = bottleneck(x, 64 * 2**stage, stride, project=not block, name=f"conv{stage + 2}_block{block + 1}")
    return Activation("relu", name="post_relu")(normalised(x, "post_bn"))


def resnet_v2(layers: int, depths: tuple[int, ...]) -> Architecture:
    """The ResNet V2 with so many layers that have weights."""
    about = f"ResNet V2 with {layers} weighted layers, {depths} blocks a stage (K. He and others, https://arxiv.org/abs/1603.05027)."
    return architecture(f"ResNet{layers}V2", f"resnet{layers}v2", about, partial(forward, depths=depths), module=__name__, pixels=224)


ResNet50V2 = resnet_v2(50, (3, 4, 6, 3))
ResNet101V2 = resnet_v2(101, (3, 4, 23, 3))
ResNet152V2 = resnet_v2(152, (3, 8, 36, 3))
preprocess_input = preprocessing("tf", __name__)
