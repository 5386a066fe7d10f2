"""EfficientNet V2: the early stages by whole convolutions, which hardware prefers to depthwise ones.

M. Tan, Q. Le, "EfficientNetV2: smaller models and faster training", https://arxiv.org/abs/2104.00298.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from cornu.applications.architecture import Shape, Weights, Wish, build, channel_axis, channels, described
from cornu.applications.efficientnet import (
    SURVIVAL_DROP,
    active,
    add_where_it_fits,
    classify,
    conv,
    depthwise,
    project,
    squeeze_and_excite,
)
from cornu.applications.imagenet_utils import TORCH_DEVIATION, TORCH_MEAN, decode_predictions, preprocessing
from cornu.graph import SymbolicTensor
from cornu.layers import Normalization, Rescaling
from cornu.models import Model

__all__ = [
    "EfficientNetV2B0", "EfficientNetV2B1", "EfficientNetV2B2", "EfficientNetV2B3", "EfficientNetV2L", "EfficientNetV2M",
    "EfficientNetV2S", "decode_predictions", "preprocess_input",
]  # fmt: skip

Stages = tuple[tuple[bool, int, int, int, int], ...]
# table 4 and its kin: whole convolutions, blocks, filters, expansion, stride
BASE: Stages = (
    (True, 1, 16, 1, 1), (True, 2, 32, 4, 2), (True, 2, 48, 4, 2), (False, 3, 96, 4, 2), (False, 5, 112, 6, 1), (False, 8, 192, 6, 2),
)  # fmt: skip
SMALL: Stages = (
    (True, 2, 24, 1, 1), (True, 4, 48, 4, 2), (True, 4, 64, 4, 2), (False, 6, 128, 4, 2), (False, 9, 160, 6, 1), (False, 15, 256, 6, 2),
)  # fmt: skip
MEDIUM: Stages = (
    (True, 3, 24, 1, 1), (True, 5, 48, 4, 2), (True, 5, 80, 4, 2), (False, 7, 160, 4, 2), (False, 14, 176, 6, 1), (False, 18, 304, 6, 2),
    (False, 5, 512, 6, 1),
)  # fmt: skip
LARGE: Stages = (
    (True, 4, 32, 1, 1), (True, 7, 64, 4, 2), (True, 7, 96, 4, 2), (False, 10, 192, 4, 2), (False, 19, 224, 6, 1), (False, 25, 384, 6, 2),
    (False, 7, 640, 6, 1),
)  # fmt: skip
MOMENTUM = 0.9


def rounded(filters: float) -> int:
    """The multiple of 8 nearest to a number of filters, at least 8."""
    return max(8, int(filters + 4) // 8 * 8)


def fused_bottleneck(x: SymbolicTensor, filters: int, expansion: int, stride: int, drop: float, name: str) -> SymbolicTensor:
    """Fused-MBConv: one whole 3 × 3 convolution in place of the expansion and the depthwise one: figure 2."""
    shortcut = x
    if expansion == 1:
        x = active(conv(x, filters, 3, f"{name}_project_conv", strides=stride), f"{name}_project", MOMENTUM)
        return add_where_it_fits(x, shortcut, drop, name)
    x = active(conv(x, expansion * channels(x), 3, f"{name}_expand_conv", strides=stride), f"{name}_expand", MOMENTUM)
    return project(x, shortcut, filters, drop, name, MOMENTUM)


def inverted_bottleneck(x: SymbolicTensor, filters: int, expansion: int, stride: int, drop: float, name: str) -> SymbolicTensor:
    """MBConv: more channels, each convolved and weighted by itself, then fewer."""
    shortcut = x
    x = active(conv(x, expansion * channels(x), 1, f"{name}_expand_conv"), f"{name}_expand", MOMENTUM)
    x = active(depthwise(x, 3, stride, "same", f"{name}_dwconv2"), name, MOMENTUM)
    x = squeeze_and_excite(x, max(1, channels(shortcut) // 4), name)
    return project(x, shortcut, filters, drop, name, MOMENTUM)


def scaled(x: SymbolicTensor, by_colour: bool) -> SymbolicTensor:
    """Pixels from 0 to 255 on the scale of the training: each colour by its mean and deviation, or all from -1 to 1."""
    if not by_colour:
        return Rescaling(1 / 128, -1)(x)
    variance = [deviation**2 for deviation in TORCH_DEVIATION]
    return Normalization(mean=list(TORCH_MEAN), variance=variance, axis=channel_axis())(Rescaling(1 / 255)(x))


def forward(x: SymbolicTensor, stages: Stages, width: float, depth: float, preprocess: bool) -> SymbolicTensor:
    """Scaled pixels, a stem, the stages, and a last 1 × 1 convolution."""
    if preprocess:
        x = scaled(x, by_colour=stages is BASE)
    stem = 32 if stages is BASE else stages[0][2]
    x = active(conv(x, rounded(width * stem), 3, "stem_conv", strides=2), "stem", MOMENTUM)
    repeats = [math.ceil(depth * blocks) for _, blocks, *_ in stages]
    done, total = 0, sum(blocks for _, blocks, *_ in stages)
    for stage, (fused, _, filters, expansion, stride) in enumerate(stages):
        for block in range(repeats[stage]):
            name, drop = f"block{stage + 1}{chr(ord('a') + block)}", SURVIVAL_DROP * done / total
            bottleneck = fused_bottleneck if fused else inverted_bottleneck
            x = bottleneck(x, rounded(width * filters), expansion, 1 if block else stride, drop, name)
            done += 1
    return active(conv(x, rounded(width * 1280), 1, "top_conv"), "top", MOMENTUM)


def efficientnet_v2(variant: str, stages: Stages, pixels: int, width: float = 1.0, depth: float = 1.0) -> Any:
    """The EfficientNet V2 of that name: a public function."""

    def make(
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: Any = None,
        input_shape: Shape = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        include_preprocessing: bool = True,
        name: str = f"efficientnetv2-{variant.lower()}",
    ) -> Model:
        wish = Wish(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
        layers = partial(forward, stages=stages, width=width, depth=depth, preprocess=include_preprocessing)
        return build(title, wish, layers, pixels=pixels, head=partial(classify, dropout=0.2))

    title = f"EfficientNetV2{variant}"
    about = (
        f"EfficientNet V2 {variant}, for images of {pixels} pixels a side (M. Tan, Q. Le, https://arxiv.org/abs/2104.00298).\n\n"
        "    With include_preprocessing the model scales its pixels itself, which run from 0 to 255; otherwise they come scaled."
    )
    return described(make, title, about, __name__)


EfficientNetV2B0 = efficientnet_v2("B0", BASE, 224)
EfficientNetV2B1 = efficientnet_v2("B1", BASE, 240, 1.0, 1.1)
EfficientNetV2B2 = efficientnet_v2("B2", BASE, 260, 1.1, 1.2)
EfficientNetV2B3 = efficientnet_v2("B3", BASE, 300, 1.2, 1.4)
EfficientNetV2S = efficientnet_v2("S", SMALL, 384)
EfficientNetV2M = efficientnet_v2("M", MEDIUM, 480)
EfficientNetV2L = efficientnet_v2("L", LARGE, 480)
preprocess_input = preprocessing("none", __name__)
