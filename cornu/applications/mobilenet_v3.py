"""MobileNet V3: V2's blocks, arranged by search, with channels weighted (A. Howard and others, https://arxiv.org/abs/1905.02244)."""

from __future__ import annotations

from functools import partial
from typing import Any

from cornu.applications.architecture import Shape, Weights, Wish, build, centred, channel_axis, channels, described
from cornu.applications.efficientnet import rounded
from cornu.applications.imagenet_utils import decode_predictions, preprocessing
from cornu.graph import SymbolicTensor
from cornu.layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Multiply,
    ReLU,
    Rescaling,
    ZeroPadding2D,
)
from cornu.models import Model

__all__ = ["MobileNetV3Large", "MobileNetV3Small", "decode_predictions", "preprocess_input"]

Blocks = tuple[tuple[float, int, int, int, bool, str], ...]
# tables 1 and 2: expansion, filters, kernel, stride, whether channels are weighted, activation
LARGE: Blocks = (
    (1, 16, 3, 1, False, "relu"), (4, 24, 3, 2, False, "relu"), (3, 24, 3, 1, False, "relu"),
    (3, 40, 5, 2, True, "relu"), *[(3, 40, 5, 1, True, "relu")] * 2,
    (6, 80, 3, 2, False, "hard_silu"), (2.5, 80, 3, 1, False, "hard_silu"), *[(2.3, 80, 3, 1, False, "hard_silu")] * 2,
    *[(6, 112, 3, 1, True, "hard_silu")] * 2, (6, 160, 5, 2, True, "hard_silu"), *[(6, 160, 5, 1, True, "hard_silu")] * 2,
)  # fmt: skip
SMALL: Blocks = (
    (1, 16, 3, 2, True, "relu"), (72 / 16, 24, 3, 2, False, "relu"), (88 / 24, 24, 3, 1, False, "relu"),
    (4, 40, 5, 2, True, "hard_silu"), *[(6, 40, 5, 1, True, "hard_silu")] * 2, *[(3, 48, 5, 1, True, "hard_silu")] * 2,
    (6, 96, 5, 2, True, "hard_silu"), *[(6, 96, 5, 1, True, "hard_silu")] * 2,
)  # fmt: skip


def normalised(x: SymbolicTensor, name: str) -> SymbolicTensor:
    """Batch normalisation with slow statistics."""
    return BatchNormalization(axis=channel_axis(), momentum=0.999, name=name)(x)


def active(x: SymbolicTensor, activation: str) -> SymbolicTensor:
    """Relu or hard_silu."""
    return ReLU()(x) if activation == "relu" else Activation(activation)(x)


def squeeze_and_excite(x: SymbolicTensor, name: str) -> SymbolicTensor:
    """Each channel weighted by what all of them hold on average; `relu6(y + 3) / 6` in place of the sigmoid."""
    y = GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze_excite_avg_pool")(x)
    y = Conv2D(rounded(channels(x) / 4), 1, padding="same", name=f"{name}_squeeze_excite_conv")(y)
    y = ReLU(name=f"{name}_squeeze_excite_relu")(y)
    y = Conv2D(channels(x), 1, padding="same", name=f"{name}_squeeze_excite_conv_1")(y)
    y = ReLU(6.0)(y + 3.0) * (1.0 / 6.0)
    return Multiply(name=f"{name}_squeeze_excite_mul")([x, y])


def inverted_residual(
    x: SymbolicTensor, expansion: float, filters: int, kernel: int, stride: int, weighted: bool, activation: str, name: str
) -> SymbolicTensor:
    """Figure 4: V2's block, its channels weighted."""
    shortcut = x
    if name != "expanded_conv":
        x = Conv2D(rounded(expansion * channels(x)), 1, padding="same", use_bias=False, name=f"{name}_expand")(x)
        x = active(normalised(x, f"{name}_expand_bn"), activation)
    if stride > 1:
        x = ZeroPadding2D(centred(x, kernel), name=f"{name}_depthwise_pad")(x)
    x = DepthwiseConv2D(kernel, stride, "valid" if stride > 1 else "same", use_bias=False, name=f"{name}_depthwise")(x)
    x = active(normalised(x, f"{name}_depthwise_bn"), activation)
    if weighted:
        x = squeeze_and_excite(x, name)
    x = normalised(Conv2D(filters, 1, padding="same", use_bias=False, name=f"{name}_project")(x), f"{name}_project_bn")
    return Add(name=f"{name}_add")([shortcut, x]) if stride == 1 and channels(shortcut) == filters else x


def forward(x: SymbolicTensor, blocks: Blocks, alpha: float, minimalistic: bool, preprocess: bool) -> SymbolicTensor:
    """Tables 1 and 2, with alpha times the filters; the minimalistic ones have 3 × 3 windows and relu only, and weight no channels."""
    if preprocess:
        x = Rescaling(1 / 127.5, -1.0)(x)
    last = "relu" if minimalistic else "hard_silu"
    x = Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="conv")(x)
    x = active(normalised(x, "conv_bn"), last)
    for i, (expansion, filters, kernel, stride, weighted, activation) in enumerate(blocks):
        if minimalistic:
            kernel, weighted, activation = 3, False, "relu"
        name = f"expanded_conv_{i}" if i else "expanded_conv"
        x = inverted_residual(x, expansion, rounded(alpha * filters), kernel, stride, weighted, activation, name)
    x = Conv2D(rounded(6 * channels(x)), 1, padding="same", use_bias=False, name="conv_1")(x)
    return active(normalised(x, "conv_1_bn"), last)


def head(x: SymbolicTensor, wish: Wish, units: int, activation: str, dropout: float) -> SymbolicTensor:
    """The mean of each channel, a layer of `units`, dropout, and the classifier, as 1 × 1 convolutions: section 5.1."""
    x = GlobalAveragePooling2D(keepdims=True)(x)
    x = active(Conv2D(units, 1, padding="same", name="conv_2")(x), activation)
    if dropout > 0:
        x = Dropout(dropout)(x)
    x = Conv2D(wish.classes, 1, padding="same", name="logits")(x)
    return Activation(wish.classifier_activation, name="predictions")(Flatten()(x))


def mobilenet_v3(size: str, blocks: Blocks, units: int) -> Any:
    """The MobileNet V3 of that size, with so many units before the classifier: a public function."""

    def make(
        input_shape: Shape = None,
        alpha: float = 1.0,
        minimalistic: bool = False,
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: Any = None,
        classes: int = 1000,
        pooling: str | None = None,
        dropout_rate: float = 0.2,
        classifier_activation: Any = "softmax",
        include_preprocessing: bool = True,
        name: str = f"MobileNetV3{size}",
    ) -> Model:
        wish = Wish(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
        layers = partial(forward, blocks=blocks, alpha=alpha, minimalistic=minimalistic, preprocess=include_preprocessing)
        last, wide = "relu" if minimalistic else "hard_silu", rounded(max(alpha, 1.0) * units)
        top = partial(head, units=wide, activation=last, dropout=dropout_rate)
        return build(title, wish, layers, pixels=None, head=top, variant={"alpha": alpha, "minimalistic": minimalistic})

    title = f"MobileNetV3{size}"
    return described(make, title, f"MobileNet V3 {size} (A. Howard and others, https://arxiv.org/abs/1905.02244).\n\n    {MORE}", __name__)


MORE = """`alpha` is the width: how many times the paper's filters; 0.75 or 1 with the published weights. The minimalistic ones, for hardware that
    is slow at the rest, have 3 × 3 windows and relu only, and weight no channels. `dropout_rate` is that before the classifier. With
    `include_preprocessing` the model scales its pixels itself, which run from 0 to 255; otherwise they come from -1 to 1."""
MobileNetV3Large = mobilenet_v3("Large", LARGE, 1280)
MobileNetV3Small = mobilenet_v3("Small", SMALL, 1024)
preprocess_input = preprocessing("none", __name__)
