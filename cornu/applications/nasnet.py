"""NASNet: two cells found by search, stacked (B. Zoph and others, https://arxiv.org/abs/1707.07012)."""

from __future__ import annotations

from functools import partial
from typing import Any

from cornu.applications.architecture import Shape, Weights, Wish, build, centred, channel_axis, channels, described, sides
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.graph import SymbolicTensor
from cornu.layers import (
    Activation,
    Add,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Cropping2D,
    MaxPooling2D,
    SeparableConv2D,
    ZeroPadding2D,
)
from cornu.models import Model

__all__ = ["NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]


def normalised(x: SymbolicTensor, name: str) -> SymbolicTensor:
    """Batch normalisation with slow statistics."""
    return BatchNormalization(axis=channel_axis(), momentum=0.9997, name=name)(x)


def relu(x: SymbolicTensor, name: str | None = None) -> SymbolicTensor:
    """The positive part."""
    return Activation("relu", name=name)(x)


def project(x: SymbolicTensor, filters: int, name: str) -> SymbolicTensor:
    """A 1 × 1 convolution."""
    return Conv2D(filters, 1, padding="same", use_bias=False, kernel_initializer="he_normal", name=name)(x)


def separable(x: SymbolicTensor, filters: int, kernel: int, stride: int, name: str) -> SymbolicTensor:
    """`bn(sepconv(relu(x)))` twice, the first time with the stride: appendix A.4."""
    x = relu(x)
    if stride > 1:
        x = ZeroPadding2D(centred(x, kernel), name=f"separable_conv_1_pad_{name}")(x)
    padding = "valid" if stride > 1 else "same"
    x = SeparableConv2D(filters, kernel, stride, padding, use_bias=False, name=f"separable_conv_1_{name}")(x)
    x = relu(normalised(x, f"separable_conv_1_bn_{name}"))
    x = SeparableConv2D(filters, kernel, padding="same", use_bias=False, name=f"separable_conv_2_{name}")(x)
    return normalised(x, f"separable_conv_2_bn_{name}")


def fitted(p: SymbolicTensor | None, x: SymbolicTensor, filters: int, name: str) -> SymbolicTensor:
    """The cell before the last, `p`, brought to the size of the last, `x`, and to `filters` channels, where it differs."""
    if p is None:
        return x
    if sides(p) != sides(x):
        p = relu(p, f"adjust_relu_1_{name}")
        halves = [p, Cropping2D(((1, 0), (1, 0)))(ZeroPadding2D(((0, 1), (0, 1)))(p))]  # two grids, one place apart
        for i, half in enumerate(halves, 1):
            half = AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_{i}_{name}")(half)
            halves[i - 1] = project(half, filters // 2, f"adjust_conv_{i}_{name}")
        return normalised(Concatenate(axis=channel_axis())(halves), f"adjust_bn_{name}")
    if channels(p) != filters:
        return normalised(project(relu(p), filters, f"adjust_conv_projection_{name}"), f"adjust_bn_{name}")
    return p


def normal_cell(x: SymbolicTensor, p: SymbolicTensor | None, filters: int, name: str) -> SymbolicTensor:
    """Figure 4, left: five sums, of the last cell `x` and the one before, `p`."""

    def mean(of: SymbolicTensor, part: str) -> SymbolicTensor:
        return AveragePooling2D(3, strides=1, padding="same", name=f"normal_{part}_{name}")(of)

    def plus(i: int, *parts: SymbolicTensor) -> SymbolicTensor:
        return Add(name=f"normal_add_{i}_{name}")(list(parts))

    p = fitted(p, x, filters, name)
    h = normalised(project(relu(x), filters, f"normal_conv_1_{name}"), f"normal_bn_1_{name}")
    one = plus(1, separable(h, filters, 5, 1, f"normal_left1_{name}"), separable(p, filters, 3, 1, f"normal_right1_{name}"))
    two = plus(2, separable(p, filters, 5, 1, f"normal_left2_{name}"), separable(p, filters, 3, 1, f"normal_right2_{name}"))
    three = plus(3, mean(h, "left3"), p)
    four = plus(4, mean(p, "left4"), mean(p, "right4"))
    five = plus(5, separable(h, filters, 3, 1, f"normal_left5_{name}"), h)
    return Concatenate(axis=channel_axis(), name=f"normal_concat_{name}")([p, one, two, three, four, five])


def reduction_cell(x: SymbolicTensor, p: SymbolicTensor | None, filters: int, name: str) -> SymbolicTensor:
    """Figure 4, right: the same at half the size."""

    def branch(of: SymbolicTensor, kernel: int, part: str, stride: int = 2) -> SymbolicTensor:
        return separable(of, filters, kernel, stride, f"reduction_{part}_{name}")

    p = fitted(p, x, filters, name)
    h = normalised(project(relu(x), filters, f"reduction_conv_1_{name}"), f"reduction_bn_1_{name}")
    framed = ZeroPadding2D(centred(h, 3), name=f"reduction_pad_1_{name}")(h)
    one = Add(name=f"reduction_add_1_{name}")([branch(h, 5, "left1"), branch(p, 7, "right1")])
    largest = MaxPooling2D(3, strides=2, name=f"reduction_left2_{name}")(framed)
    two = Add(name=f"reduction_add_2_{name}")([largest, branch(p, 7, "right2")])
    mean = AveragePooling2D(3, strides=2, name=f"reduction_left3_{name}")(framed)
    three = Add(name=f"reduction_add3_{name}")([mean, branch(p, 5, "right3")])
    four = Add()([two, AveragePooling2D(3, strides=1, padding="same", name=f"reduction_left4_{name}")(one)])
    largest = MaxPooling2D(3, strides=2, name=f"reduction_right5_{name}")(framed)
    five = Add(name=f"reduction_add4_{name}")([branch(one, 3, "left4", 1), largest])
    return Concatenate(axis=channel_axis(), name=f"reduction_concat_{name}")([two, three, four, five])


def forward(x: SymbolicTensor, stem: int, filters: int, repeats: int, skip: bool) -> SymbolicTensor:
    """Figure 2, right: a stem, two reductions, then three times `repeats` normal cells with reductions between.

    `skip`: whether the first cell after a reduction looks past it.
    """
    x = Conv2D(stem, 3, strides=2, use_bias=False, kernel_initializer="he_normal", name="stem_conv1")(x)
    x, p = normalised(x, "stem_bn1"), None
    x, p = reduction_cell(x, p, filters // 4, "stem_1"), x
    x, p = reduction_cell(x, p, filters // 2, "stem_2"), x
    for stage in range(3):
        if stage:
            x, before = reduction_cell(x, p, filters * 2**stage, f"reduce_{stage * repeats}"), x
            p = p if skip else before
        for i in range(repeats):
            x, p = normal_cell(x, p, filters * 2**stage, str(stage * repeats + i + (stage > 0))), x
    return relu(x)


def nasnet(title: str, name: str, pixels: int, stem: int, filters: int, repeats: int, skip: bool) -> Any:
    """The NASNet of that size: a public function."""

    def make(
        input_shape: Shape = None,
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: Any = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        name: str = name,
    ) -> Model:
        wish = Wish(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
        layers = partial(forward, stem=stem, filters=filters, repeats=repeats, skip=skip)
        return build(title, wish, layers, pixels=pixels, known=True)

    size = f"{repeats} normal cells a stage, {24 * filters} features at the end"
    return described(make, title, f"{title}: {size} (B. Zoph and others, https://arxiv.org/abs/1707.07012).", __name__)


NASNetMobile = nasnet("NASNetMobile", "nasnet_mobile", 224, stem=32, filters=44, repeats=4, skip=False)
NASNetLarge = nasnet("NASNetLarge", "nasnet_large", 331, stem=96, filters=168, repeats=6, skip=True)
preprocess_input = preprocessing("tf", __name__)
