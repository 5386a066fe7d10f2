"""DenseNet: each layer sees the features of all before it (G. Huang and others, https://arxiv.org/abs/1608.06993)."""

from __future__ import annotations

from functools import partial

from cornu.applications.architecture import Architecture, architecture, channel_axis, channels
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.applications.resnet import normalised
from cornu.graph import SymbolicTensor
from cornu.layers import Activation, AveragePooling2D, Concatenate, Conv2D, MaxPooling2D, ZeroPadding2D

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]

GROWTH = 32  # features that each layer adds


def dense_layer(x: SymbolicTensor, name: str) -> SymbolicTensor:
    """`[x, 3×3(relu(bn(1×1(relu(bn(x))))))]`: section 3, DenseNet-B."""
    y = Activation("relu", name=f"{name}_0_relu")(normalised(x, f"{name}_0_bn"))
    y = Conv2D(4 * GROWTH, 1, use_bias=False, name=f"{name}_1_conv")(y)
    y = Activation("relu", name=f"{name}_1_relu")(normalised(y, f"{name}_1_bn"))
    y = Conv2D(GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(y)
    return Concatenate(axis=channel_axis(), name=f"{name}_concat")([x, y])


def transition(x: SymbolicTensor, name: str) -> SymbolicTensor:
    """Half the features, and half the size: DenseNet-C."""
    x = Activation("relu", name=f"{name}_relu")(normalised(x, f"{name}_bn"))
    x = Conv2D(channels(x) // 2, 1, use_bias=False, name=f"{name}_conv")(x)
    return AveragePooling2D(2, name=f"{name}_pool")(x)


def forward(x: SymbolicTensor, depths: tuple[int, ...]) -> SymbolicTensor:
    """A stem, then four blocks of `depths` layers with transitions between: table 1."""
    x = ZeroPadding2D(3)(x)
    x = normalised(Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv")(x), "conv1_bn")
    x = Activation("relu", name="conv1_relu")(x)
    x = MaxPooling2D(3, strides=2, name="pool1")(ZeroPadding2D(1)(x))
    for block, depth in enumerate(depths, 2):
        for layer in range(1, depth + 1):
            x = dense_layer(x, f"conv{block}_block{layer}")
        if block < 5:
            x = transition(x, f"pool{block}")
    return Activation("relu", name="relu")(normalised(x, "bn"))


def densenet(layers: int, depths: tuple[int, ...]) -> Architecture:
    """The DenseNet with so many layers that have weights."""
    about = f"DenseNet with {layers} weighted layers, {depths} a block (G. Huang and others, https://arxiv.org/abs/1608.06993)."
    return architecture(f"DenseNet{layers}", f"densenet{layers}", about, partial(forward, depths=depths), module=__name__, pixels=224)


DenseNet121 = densenet(121, (6, 12, 24, 16))
DenseNet169 = densenet(169, (6, 12, 32, 32))
DenseNet201 = densenet(201, (6, 12, 48, 32))
preprocess_input = preprocessing("torch", __name__)
