"""VGG: stacks of 3 × 3 convolutions, halved in size between (K. Simonyan, A. Zisserman, https://arxiv.org/abs/1409.1556)."""

from __future__ import annotations

from functools import partial

from cornu.applications.architecture import Architecture, Wish, architecture
from cornu.graph import SymbolicTensor
from cornu.layers import Conv2D, Dense, Flatten, MaxPooling2D

__all__ = ["vgg"]


def forward(x: SymbolicTensor, depths: tuple[int, ...]) -> SymbolicTensor:
    """Five blocks of `depths` convolutions, each followed by a pooling: the paper's table 1."""
    for block, (depth, filters) in enumerate(zip(depths, (64, 128, 256, 512, 512), strict=True), 1):
        for i in range(1, depth + 1):
            x = Conv2D(filters, 3, padding="same", activation="relu", name=f"block{block}_conv{i}")(x)
        x = MaxPooling2D(2, name=f"block{block}_pool")(x)
    return x


def head(x: SymbolicTensor, wish: Wish) -> SymbolicTensor:
    """Two dense layers of 4096 units, then the classes."""
    x = Flatten(name="flatten")(x)
    x = Dense(4096, activation="relu", name="fc1")(x)
    x = Dense(4096, activation="relu", name="fc2")(x)
    return Dense(wish.classes, activation=wish.classifier_activation, name="predictions")(x)


def vgg(layers: int, depths: tuple[int, ...], module: str) -> Architecture:
    """The VGG with so many layers that have weights."""
    title = f"VGG{layers}"
    about = f"VGG with {layers} weighted layers (K. Simonyan, A. Zisserman, https://arxiv.org/abs/1409.1556)."
    return architecture(title, title.lower(), about, partial(forward, depths=depths), module=module, pixels=224, head=head, fixed=True)
