"""ResNet: blocks that learn what to add to their input (K. He and others, https://arxiv.org/abs/1512.03385)."""

from __future__ import annotations

from functools import partial

from cornu.applications.architecture import Architecture, architecture, channel_axis
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.graph import SymbolicTensor
from cornu.layers import Activation, Add, BatchNormalization, Conv2D, MaxPooling2D, ZeroPadding2D

__all__ = ["ResNet50", "ResNet101", "ResNet152", "decode_predictions", "preprocess_input"]


def normalised(x: SymbolicTensor, name: str) -> SymbolicTensor:
    """Batch normalisation with the epsilon that the published weights were trained with."""
    return BatchNormalization(axis=channel_axis(), epsilon=1.001e-5, name=name)(x)


def bottleneck(x: SymbolicTensor, filters: int, stride: int, project: bool, name: str) -> SymbolicTensor:
    """`relu(shortcut(x) + 1×1(3×3(1×1(x))))`: figure 5, right. The shortcut is x itself, or a 1 × 1 projection of it."""
    shortcut = x
    if project:
        shortcut = normalised(Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(x), f"{name}_0_bn")
    x = normalised(Conv2D(filters, 1, strides=stride, name=f"{name}_1_conv")(x), f"{name}_1_bn")
    x = Activation("relu", name=f"{name}_1_relu")(x)
    x = normalised(Conv2D(filters, 3, padding="same", name=f"{name}_2_conv")(x), f"{name}_2_bn")
    x = Activation("relu", name=f"{name}_2_relu")(x)
    x = normalised(Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x), f"{name}_3_bn")
    x = Add(name=f"{name}_add")([shortcut, x])
    return Activation("relu", name=f"{name}_out")(x)


def forward(x: SymbolicTensor, depths: tuple[int, ...]) -> SymbolicTensor:
    """A stem, then four stages of `depths` bottleneck blocks, each stage with twice the filters and half the size: table 1."""
    x = ZeroPadding2D(3, name="conv1_pad")(x)
    x = normalised(Conv2D(64, 7, strides=2, name="conv1_conv")(x), "conv1_bn")
    x = Activation("relu", name="conv1_relu")(x)
    x = ZeroPadding2D(1, name="pool1_pad")(x)
    x = MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    for stage, depth in enumerate(depths):
        for block in range(depth):
            stride = 2 if stage and not block else 1
            x = bottleneck(x, 64 * 2**stage, stride, project=not block, name=f"conv{stage + 2}_block{block + 1}")
    return x


def resnet(layers: int, depths: tuple[int, ...]) -> Architecture:
    """The ResNet with so many layers that have weights."""
    about = f"ResNet with {layers} weighted layers, {depths} blocks a stage (K. He and others, https://arxiv.org/abs/1512.03385)."
    return architecture(f"ResNet{layers}", f"resnet{layers}", about, partial(forward, depths=depths), module=__name__, pixels=224)


ResNet50 = resnet(50, (3, 4, 6, 3))
ResNet101 = resnet(101, (3, 4, 23, 3))
ResNet152 = resnet(152, (3, 8, 36, 3))
preprocess_input = preprocessing("caffe", __name__)
