"""What all architectures have in common: the arguments, the image that enters, the head, and the weights that were published."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

from cornu import config
from cornu.downloads import get_file
from cornu.errors import ArgumentError, ShapeError
from cornu.graph import SymbolicTensor
from cornu.layers import Dense, GlobalAveragePooling2D, GlobalMaxPooling2D, Input, InputLayer
from cornu.models import Model

__all__ = ["Architecture", "Wish", "architecture", "build", "channel_axis", "classify"]

Weights = str | os.PathLike[str] | None
Shape = Sequence[int | None] | None
Forward = Callable[[SymbolicTensor], SymbolicTensor]
Ending = Callable[[SymbolicTensor, "Wish"], SymbolicTensor]

CLASSES = 1000  # of ImageNet's challenge


class Architecture(Protocol):
    """A function that makes a model of one architecture, with fresh or published weights.

    Args:
        include_top: whether the model ends in the classifier; otherwise in the last feature map, for a head of your own.
        weights: "imagenet" for those published, fetched once and verified; a path of a weights file; None for fresh ones.
        input_tensor: the symbolic tensor to start from, in place of a new input.
        input_shape: (height, width, channels), or channels first where `image_data_format` says so. By default the size that the weights
            were trained on; without the top, any size.
        pooling: without the top, "avg" or "max" over the last feature map, or None to leave it.
        classes: the number of classes; 1000 with the published weights.
        classifier_activation: of the classifier; None for logits.
        name: the model's name.

    Shapes: (batch, height, width, channels) to (batch, classes); without the top to (batch, rows, columns, filters), pooled (batch, filters).

    Raises:
        ArgumentError: weights that are neither known nor a file, other classes or another activation than the published weights have, an
            unknown pooling.
        ShapeError: an image too small for the poolings and strides, or that the published weights do not fit.
    """

    def __call__(
        self,
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: Any = None,
        input_shape: Shape = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        name: str = ...,
    ) -> Model:
        """The model."""
        ...


@dataclasses.dataclass(frozen=True)
class Wish:
    """What a caller asks of an architecture; see `Architecture` for the arguments."""

    include_top: bool
    weights: Weights
    input_tensor: Any
    input_shape: Shape
    pooling: str | None
    classes: int
    classifier_activation: Any
    name: str | None

    def __post_init__(self) -> None:
        """Checks what can be told before anything is made."""
        if self.pooling not in (None, "avg", "max"):
            raise ArgumentError(f"pooling must be None, 'avg' or 'max', got {self.pooling!r}.")
        if self.weights not in (None, "imagenet") and not Path(self.weights).exists():
            raise ArgumentError(f"weights must be None, 'imagenet' or the path of a file that exists, got {self.weights!r}.")
        if self.published and self.include_top and self.classes != CLASSES:
            raise ArgumentError(
                f"The published classifier has {CLASSES} classes, got classes={self.classes}. "
                "Pass include_top=False and put a head of your own on it, or weights=None."
            )
        if self.published and self.include_top and getattr(self.classifier_activation, "__name__", self.classifier_activation) not in (
            "softmax", "linear", None,
        ):  # fmt: skip
            raise ArgumentError(
                f"The published classifier was trained with 'softmax', got classifier_activation={self.classifier_activation!r}. "
                "Pass 'softmax', or None for logits."
            )

    @property
    def published(self) -> bool:
        """Whether the published weights are wanted."""
        return self.weights == "imagenet"


def channel_axis() -> int:
    """The axis of channels of a batch of images: the last, or 1 where channels come first."""
    return 1 if config.image_data_format() == "channels_first" else -1


def channels(x: SymbolicTensor) -> int:
    """The number of channels of a feature map."""
    return x.shape[channel_axis()]  # type: ignore[return-value]


def sides(x: SymbolicTensor) -> tuple[int | None, int | None]:
    """Height and width of a feature map, None where unknown."""
    first = 2 if config.image_data_format() == "channels_first" else 1
    return x.shape[first], x.shape[first + 1]


def centred(x: SymbolicTensor, kernel: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The zeros that centre a window of `kernel` cells that moves by two: as "same" does for even lengths, which unknown ones count as."""
    half = kernel // 2
    rows, columns = (half - 1 + (n or 0) % 2 for n in sides(x))
    return (rows, half), (columns, half)


def sides_of(input_shape: Shape, input_tensor: Any, otherwise: int | None) -> tuple[int | None, int | None]:
    """Height and width that a caller asks for."""
    if isinstance(input_tensor, SymbolicTensor):
        return sides(input_tensor)
    if input_shape is None:
        return otherwise, otherwise
    height, width = (tuple(input_shape)[1:] if channel_axis() == 1 else tuple(input_shape)[:2]) if len(input_shape) == 3 else (None, None)
    return height, width


def published_size(input_shape: Shape, input_tensor: Any, sizes: Sequence[int]) -> int:
    """Of the sizes for which weights were published, that of the images if it is among them, else 224."""
    height, width = sides_of(input_shape, input_tensor, 224)
    return height if height == width and height in sizes else 224  # type: ignore[return-value]


def image_input(wish: Wish, pixels: int | None, smallest: int, fixed: bool) -> SymbolicTensor:
    """The symbolic image that the wish asks for, or that stands for its input.

    Args:
        wish: whose `input_tensor` or `input_shape` it is.
        pixels: height and width by default.
        smallest: the least height and width.
        fixed: whether the head takes one size only.
    """
    if isinstance(wish.input_tensor, SymbolicTensor):
        check_image(wish, wish.input_tensor.shape[1:], pixels, smallest, fixed)
        return wish.input_tensor
    if wish.input_tensor is not None:
        raise ArgumentError(f"input_tensor must be a symbolic tensor, made by `Input(shape)`, got {type(wish.input_tensor).__name__}.")
    side = pixels
    first = config.image_data_format() == "channels_first"
    shape = tuple(wish.input_shape) if wish.input_shape is not None else (3, side, side) if first else (side, side, 3)
    check_image(wish, shape, pixels, smallest, fixed)
    return Input(shape)


def check_image(wish: Wish, shape: Sequence[int | None], pixels: int | None, smallest: int, fixed: bool) -> None:
    """Raises unless images of this shape fit the architecture and the weights."""
    first = config.image_data_format() == "channels_first"
    if len(shape) != 3:
        raise ShapeError(f"input_shape must be {'(3, height, width)' if first else '(height, width, 3)'}, got {tuple(shape)}.")
    size, depth = (shape[1:], shape[0]) if first else (shape[:2], shape[2])
    if wish.published and depth != 3:
        raise ShapeError(f"The published weights are for images of 3 channels, got the shape {tuple(shape)}. Pass weights=None for others.")
    if any(n is not None and n < smallest for n in size):
        raise ShapeError(
            f"Height and width must be at least {smallest}, got the shape {tuple(shape)}. Enlarge the images, e.g. by Resizing."
        )
    if fixed and wish.include_top and None in size:
        raise ShapeError(
            f"The classifier needs a known height and width, got the shape {tuple(shape)}. Name them, or pass include_top=False."
        )
    if fixed and wish.published and wish.include_top and tuple(size) != (pixels, pixels):
        raise ShapeError(
            f"The published classifier is for images of {pixels} by {pixels}, got the shape {tuple(shape)}. "
            "Resize the images, or pass include_top=False."
        )


def classify(x: SymbolicTensor, wish: Wish) -> SymbolicTensor:
    """The usual classifier: the mean of each channel, and one dense layer."""
    x = GlobalAveragePooling2D(name="avg_pool")(x)
    return Dense(wish.classes, activation=wish.classifier_activation, name="predictions")(x)


def pool(x: SymbolicTensor, wish: Wish) -> SymbolicTensor:
    """What a model without its classifier usually ends in."""
    if wish.pooling is None:
        return x
    return GlobalAveragePooling2D(name="avg_pool")(x) if wish.pooling == "avg" else GlobalMaxPooling2D(name="max_pool")(x)


def build(
    title: str,
    wish: Wish,
    forward: Forward,
    *,
    pixels: int | None,
    smallest: int = 32,
    head: Ending = classify,
    ending: Ending = pool,
    fixed: bool = False,
    known: bool = False,
    published_forward: Forward | None = None,
    variant: Mapping[str, Any] | None = None,
) -> Model:
    """The model that a caller wishes for: image, features, head, weights.

    Args:
        title: the architecture's name in the table of published weights.
        wish: the caller's arguments.
        forward: from the image to the last feature map.
        pixels: height and width by default, with the top.
        smallest, fixed: see `image_input`.
        head, ending: from the last feature map to the classes; and to what is given without them.
        known: whether the layers need a known height and width, so that the default size holds without the top too.
        published_forward: in place of `forward` where the published weights need another.
        variant: what else tells apart the files of an architecture that has several.
    """
    image = image_input(wish, pixels if wish.include_top or known else None, smallest, fixed)
    if known and None in sides(image):
        raise ShapeError(f"{title} needs a known height and width, got the shape {image.shape[1:]}. Name them in input_shape.")
    published = published_file(title, wish.include_top, variant or {}) if wish.published else None
    x = (published_forward or forward)(image) if wish.published else forward(image)
    x = head(x, wish) if wish.include_top else ending(x, wish)
    model = Model(sources(image), x, name=wish.name)
    if published is not None:
        address, digest = published
        model.load_weights(get_file(origin=address, cache_subdir="models", file_hash=digest))
    elif wish.weights is not None:
        model.load_weights(wish.weights)
    return model


def sources(x: SymbolicTensor) -> Any:
    """The inputs of the graph that a tensor comes from: itself if it is one, the only one, or a list."""
    found: dict[int, SymbolicTensor] = {}
    waiting, seen = [x], set()
    while waiting:
        node = waiting.pop().node
        if node is not None and id(node) not in seen:
            seen.add(id(node))
            if isinstance(node.operation, InputLayer):
                found[node.number] = node.outputs[0]
            waiting.extend(node.given_inputs)
    inputs = [found[number] for number in sorted(found)] or [x]
    return inputs[0] if len(inputs) == 1 else inputs


@functools.cache
def published_files() -> dict[str, list[dict[str, Any]]]:
    """For each architecture the files of its weights: address, digest, whether with the top, and what else tells them apart."""
    return json.loads(resources.files(__package__).joinpath("imagenet.json").read_text("utf-8"))


def published_file(title: str, include_top: bool, variant: Mapping[str, Any]) -> tuple[str, str | None]:
    """Address and digest of the published weights.

    Raises:
        ArgumentError: there are none for this variant.
    """
    files = published_files()[title]
    for file in files:
        if file["include_top"] == include_top and all(file[key] == value for key, value in variant.items()):
            return file["url"], file["digest"]
    offered = sorted({", ".join(f"{key}={file[key]}" for key in variant) for file in files})
    asked = ", ".join(f"{key}={value}" for key, value in variant.items())
    raise ArgumentError(f"{title} has published weights for {'; '.join(offered)}; got {asked}. Choose one of them, or pass weights=None.")


def architecture(title: str, name: str, about: str, forward: Forward, *, module: str, **options: Any) -> Architecture:
    """A public function that makes models of one architecture, with the arguments that most have in common.

    Args:
        title: the function's name.
        name: the model's name by default.
        about: its docstring's first sentences.
        forward: from the image to the last feature map.
        module: where it lives.
        options: passed to `build`.
    """

    def make(
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: Any = None,
        input_shape: Shape = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        name: str = name,
    ) -> Model:
        wish = Wish(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
        return build(title, wish, forward, **options)

    return described(make, title, about, module)


def described(make: Any, title: str, about: str, module: str) -> Any:
    """The function with its public name, home and docstring."""
    arguments = (Architecture.__doc__ or "").partition("Args:")
    make.__name__ = make.__qualname__ = title
    make.__module__, make.__doc__ = module, f"{about}\n\n    {''.join(arguments[1:])}"
    return make
