"""ConvNeXt: convolutions with what made transformers good (Z. Liu and others, "A ConvNet for the 2020s", https://arxiv.org/abs/2201.03545)."""

from __future__ import annotations

from functools import partial
from typing import Any

from cornu.applications.architecture import Shape, Weights, Wish, build, channel_axis, described, pool
from cornu.applications.imagenet_utils import TORCH_DEVIATION, TORCH_MEAN, decode_predictions, preprocessing
from cornu.applications.layers import LayerScale
from cornu.graph import SymbolicTensor
from cornu.layers import Activation, Conv2D, Dense, GlobalAveragePooling2D, LayerNormalization, Normalization, Permute
from cornu.models import Model, Sequential

__all__ = [
    "ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtTiny", "ConvNeXtXLarge", "decode_predictions", "preprocess_input",
]  # fmt: skip

conv = partial(Conv2D, data_format="channels_last")  # channels are last inside, where the dense layers need them


def normalised(name: str | None = None) -> LayerNormalization:
    """Layer normalisation of the channels at each place."""
    return LayerNormalization(epsilon=1e-6, name=name)


def block(x: SymbolicTensor, filters: int, name: str) -> SymbolicTensor:
    """`x + scale * dense(gelu(dense(ln(7×7(x)))))`: figure 4, right."""
    y = conv(filters, 7, padding="same", groups=filters, name=f"{name}_depthwise_conv")(x)
    y = normalised(f"{name}_layernorm")(y)
    y = Dense(4 * filters, name=f"{name}_pointwise_conv_1")(y)
    y = Activation("gelu", name=f"{name}_gelu")(y)
    y = Dense(filters, name=f"{name}_pointwise_conv_2")(y)
    y = LayerScale(1e-6, filters, name=f"{name}_layer_scale")(y)
    y = Activation("linear", name=f"{name}_identity")(y)  # where a branch could be dropped; the published weights have it so
    return x + y


def scaled(x: SymbolicTensor, name: str) -> SymbolicTensor:
    """Each colour by its mean and deviation, of pixels from 0 to 255."""
    mean, variance = [255 * mean for mean in TORCH_MEAN], [(255 * deviation) ** 2 for deviation in TORCH_DEVIATION]
    return Normalization(mean=mean, variance=variance, name=f"{name}_prestem_normalization")(x)


def forward(x: SymbolicTensor, depths: tuple[int, ...], widths: tuple[int, ...], preprocess: bool, name: str) -> SymbolicTensor:
    """Patches of 4 × 4 pixels, then four stages of `depths` blocks with a reduction of the size between: table 9."""
    first = channel_axis() == 1
    if first:
        x = Permute((2, 3, 1))(x)
    if preprocess:
        x = scaled(x, name)
    stem = [conv(widths[0], 4, strides=4, name=f"{name}_stem_conv"), normalised(f"{name}_stem_layernorm")]
    x = Sequential(stem, name=f"{name}_stem")(x)
    for stage, (depth, width) in enumerate(zip(depths, widths, strict=True)):
        if stage:
            down = f"{name}_downsampling"
            halving = [normalised(f"{down}_layernorm_{stage - 1}"), conv(width, 2, strides=2, name=f"{down}_conv_{stage - 1}")]
            x = Sequential(halving, name=f"{down}_block_{stage - 1}")(x)
        for i in range(depth):
            x = block(x, width, f"{name}_stage_{stage}_block_{i}")
    return Permute((3, 1, 2))(x) if first else x


def head(x: SymbolicTensor, wish: Wish) -> SymbolicTensor:
    """The mean of each channel, normalised, and one dense layer."""
    x = GlobalAveragePooling2D(name=f"{wish.name}_head_gap")(x)
    x = normalised(f"{wish.name}_head_layernorm")(x)
    return Dense(wish.classes, activation=wish.classifier_activation, name=f"{wish.name}_head_dense")(x)


def ending(x: SymbolicTensor, wish: Wish) -> SymbolicTensor:
    """Without the top: pooled if that is wished for, and normalised."""
    axis = -1 if wish.pooling else channel_axis()
    return LayerNormalization(axis=axis, epsilon=1e-6)(pool(x, wish))


def convnext(size: str, depths: tuple[int, ...], widths: tuple[int, ...]) -> Any:
    """The ConvNeXt of that size: a public function."""

    def make(
        include_top: bool = True,
        include_preprocessing: bool = True,
        weights: Weights = "imagenet",
        input_tensor: Any = None,
        input_shape: Shape = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        name: str = f"convnext_{size.lower()}",
    ) -> Model:
        wish = Wish(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
        layers = partial(forward, depths=depths, widths=widths, preprocess=include_preprocessing, name=name)
        return build(title, wish, layers, pixels=224, head=head, ending=ending)

    title = f"ConvNeXt{size}"
    about = (
        f"ConvNeXt {size}: {depths} blocks of {widths} channels (Z. Liu and others, https://arxiv.org/abs/2201.03545).\n\n"
        "    With include_preprocessing the model scales its pixels itself, which run from 0 to 255; otherwise they come scaled."
    )
    return described(make, title, about, __name__)


ConvNeXtTiny = convnext("Tiny", (3, 3, 9, 3), (96, 192, 384, 768))
ConvNeXtSmall = convnext("Small", (3, 3, 27, 3), (96, 192, 384, 768))
ConvNeXtBase = convnext("Base", (3, 3, 27, 3), (128, 256, 512, 1024))
ConvNeXtLarge = convnext("Large", (3, 3, 27, 3), (192, 384, 768, 1536))
ConvNeXtXLarge = convnext("XLarge", (3, 3, 27, 3), (256, 512, 1024, 2048))
preprocess_input = preprocessing("none", __name__)
