"""Inception V3: several windows side by side, large ones factored into small ones.

C. Szegedy and others, "Rethinking the Inception architecture for computer vision", https://arxiv.org/abs/1512.00567.
"""

from __future__ import annotations

from cornu.applications.architecture import architecture, channel_axis
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.graph import SymbolicTensor
from cornu.layers import Activation, AveragePooling2D, BatchNormalization, Concatenate, Conv2D, MaxPooling2D

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]

Window = int | tuple[int, int]


def conv(
    x: SymbolicTensor, filters: int, window: Window, stride: int = 1, padding: str = "same", name: str | None = None
) -> SymbolicTensor:
    """`relu(bn(conv(x)))`."""
    x = Conv2D(filters, window, stride, padding, use_bias=False, name=name)(x)
    x = BatchNormalization(axis=channel_axis(), scale=False, name=name and f"{name}_bn")(x)
    return Activation("relu", name=name and f"{name}_ac")(x)


def chain(x: SymbolicTensor, *steps: tuple[int, Window]) -> SymbolicTensor:
    """Convolutions one after another, each of (filters, window)."""
    for filters, window in steps:
        x = conv(x, filters, window)
    return x


def joined(branches: list[SymbolicTensor], name: str | None = None) -> SymbolicTensor:
    """The branches' channels one after another."""
    return Concatenate(axis=channel_axis(), name=name)(branches)


def pooled(x: SymbolicTensor, filters: int) -> SymbolicTensor:
    """The branch that every block has: the mean of the neighbours, projected."""
    return conv(AveragePooling2D(3, strides=1, padding="same")(x), filters, 1)


def stem(x: SymbolicTensor) -> SymbolicTensor:
    """The first rows of table 1."""
    x = conv(x, 32, 3, 2, "valid")
    x = conv(x, 32, 3, padding="valid")
    x = conv(x, 64, 3)
    x = MaxPooling2D(3, strides=2)(x)
    x = conv(x, 80, 1, padding="valid")
    x = conv(x, 192, 3, padding="valid")
    return MaxPooling2D(3, strides=2)(x)


def block_a(x: SymbolicTensor, pool_filters: int, name: str) -> SymbolicTensor:
    """Figure 5: a 5 × 5 window, and two 3 × 3 that see as far as another."""
    branches = [conv(x, 64, 1), chain(x, (48, 1), (64, 5)), chain(x, (64, 1), (96, 3), (96, 3)), pooled(x, pool_filters)]
    return joined(branches, name)


def block_b(x: SymbolicTensor, n: int, name: str) -> SymbolicTensor:
    """Figure 6: 7 × 7 windows as 1 × 7 and 7 × 1."""
    one = conv(x, 192, 1)  # made first: layers without a name are numbered as they are made, and files may name them
    short = chain(x, (n, 1), (n, (1, 7)), (192, (7, 1)))
    long = chain(conv(x, n, 1), (n, (7, 1)), (n, (1, 7)), (n, (7, 1)), (192, (1, 7)))
    return joined([one, short, long, pooled(x, 192)], name)


def block_c(x: SymbolicTensor, name: str, inner: str) -> SymbolicTensor:
    """Figure 7: 3 × 3 windows as 1 × 3 and 3 × 1 side by side."""
    one = conv(x, 320, 1)
    y = conv(x, 384, 1)
    short = joined([conv(y, 384, (1, 3)), conv(y, 384, (3, 1))], inner)
    y = chain(x, (448, 1), (384, 3))
    long = joined([conv(y, 384, (1, 3)), conv(y, 384, (3, 1))])
    return joined([one, short, long, pooled(x, 192)], name)


def forward(x: SymbolicTensor) -> SymbolicTensor:
    """Table 1: three blocks at 35 × 35 places, four at 17 × 17, two at 8 × 8 for images of 299 pixels a side."""
    x = stem(x)
    for i, pool_filters in enumerate((32, 64, 64)):
        x = block_a(x, pool_filters, f"mixed{i}")
    large = conv(x, 384, 3, 2, "valid")
    small = conv(chain(x, (64, 1), (96, 3)), 96, 3, 2, "valid")
    x = joined([large, small, MaxPooling2D(3, strides=2)(x)], "mixed3")
    for i, n in enumerate((128, 160, 160, 192), 4):
        x = block_b(x, n, f"mixed{i}")
    small = conv(conv(x, 192, 1), 320, 3, 2, "valid")
    large = conv(chain(x, (192, 1), (192, (1, 7)), (192, (7, 1))), 192, 3, 2, "valid")
    x = joined([small, large, MaxPooling2D(3, strides=2)(x)], "mixed8")
    for i in range(2):
        x = block_c(x, f"mixed{9 + i}", f"mixed9_{i}")
    return x


ABOUT = "Inception V3 (C. Szegedy and others, https://arxiv.org/abs/1512.00567)."
InceptionV3 = architecture("InceptionV3", "inception_v3", ABOUT, forward, module=__name__, pixels=299, smallest=75)
preprocess_input = preprocessing("tf", __name__)
