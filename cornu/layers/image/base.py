"""What layers for images have in common.

A layer takes images, or a dict of "images" with any of "labels", "bounding_boxes" and "segmentation_masks", which it changes alike; one image or
a batch. Images become the layer's compute dtype. A call by itself is one in training; inside a model it is what the model's is.

These layers have no weights, so they run on the backend that is current and not on that of their first call: under
`cornu.use_backend("numpy")`, in the threads of a data set too, NumPy arrays come in and NumPy arrays come out, whatever a model computes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cornu import backends, config, dtypes, ops, random
from cornu.backends.spec import TensorSpec
from cornu.errors import ArgumentError, ShapeError
from cornu.layers import context
from cornu.layers.image import boxes as bounding
from cornu.layers.layer import Layer
from cornu.ops.arguments import Array
from cornu.ops.image.layout import pictures
from cornu.state import SeedGenerator
from cornu.state.seed import elsewhere

__all__ = [
    "Data", "Factor", "ImageLayer", "Preparation", "RandomImageLayer", "Seed", "as_range", "checked_values", "chosen", "each", "widened",
]  # fmt: skip

Data = dict[str, Any]
"""A batch: "images" (batch, height, width, channels), and what belongs to them; boxes "xyxy" in pixels, masks (batch, height, width, channels)."""
Factor = float | Sequence[float]
Seed = int | SeedGenerator | None


def as_range(factor: Factor, name: str, low: float, high: float, start: float | None = 0.0) -> tuple[float, float]:
    """The two ends from which a factor is drawn; a single number f means from `start` to f, or from -f to f where `start` is None."""
    pair = tuple(factor) if isinstance(factor, (tuple, list)) else (-factor if start is None else start, factor)  # type: ignore[operator]
    if len(pair) != 2 or not all(isinstance(f, (int, float)) for f in pair) or not low <= pair[0] <= pair[1] <= high:
        raise ArgumentError(f"{name} must be a number or two in rising order, from {low} to {high}, got {factor!r}.")
    return pair


def checked_values(value_range: Sequence[float]) -> tuple[float, float]:
    """The two ends between which values lie."""
    if len(value_range) != 2 or not value_range[0] < value_range[1]:
        raise ArgumentError(f"value_range must be two numbers in rising order, got {value_range!r}.")
    return tuple(value_range)  # type: ignore[return-value]


def each(numbers: Array, like: Array) -> Array:
    """One number an image, such that it goes with arrays like this one."""
    return ops.reshape(numbers, (-1, *(1,) * (like.ndim - 1)))


def widened(x: Array) -> Array:
    """Images in float32 at least: whole numbers and short floats would lose what is computed with them."""
    return x if dtypes.standardize(x.dtype) == "float64" else ops.cast(x, "float32")


def _leading(data: Data, change: Callable[[Array], Array]) -> Data:
    """Labels and boxes with another first axis."""
    return {
        name: {k: change(v) for k, v in value.items()} if isinstance(value, dict) else change(value)
        for name, value in data.items()
        if name in ("labels", "bounding_boxes")
    }


class Preparation(Layer):
    """A layer without weights, for data: it runs where it is called, and a call outside of all others is one in training."""

    def _run_(self, *args: Any, **kwargs: Any) -> Any:
        self._home_ = None
        if kwargs.get("training") is None and len(args) < 2 and context.active() is None:
            kwargs["training"] = True
        return super()._run_(*args, **kwargs)


class ImageLayer(Preparation):
    """A layer that changes images and what belongs to them: `transform` takes a batch in one layout, whatever came.

    Args:
        data_format: "channels_last" or "channels_first"; `image_data_format` by default.
        bounding_box_format: of the boxes that come and go, see `cornu.utils.bounding_boxes`.
    """

    always: bool = False
    """Whether it does in training and outside the same."""
    keeps_shape: bool = True
    keeps_dtype: bool = False

    def __init__(self, *, data_format: str | None = None, bounding_box_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.bounding_box_format = bounding_box_format

    def get_config(self) -> dict[str, Any]:
        """The arguments; the format of boxes where there is one."""
        found = super().get_config()
        if found.get("bounding_box_format") is None:
            found.pop("bounding_box_format", None)
        return found

    # --- what a class writes ------------------------------------------------------------------------------------------

    def get_random_transformation(self, data: Data, training: bool = True, seed: Any = None) -> Any:
        """What is drawn for a batch: numbers by which images and what belongs to them are changed."""
        return None

    def transform_images(self, images: Array, transformation: Any, training: bool = True) -> Array:
        """The images (batch, height, width, channels), changed."""
        raise NotImplementedError(f"{type(self).__name__} must define `transform_images(self, images, transformation, training)`.")

    def transform_labels(self, labels: Array, transformation: Any, training: bool = True) -> Array:
        """The labels, changed."""
        return labels

    def transform_segmentation_masks(self, segmentation_masks: Array, transformation: Any, training: bool = True) -> Array:
        """The masks (batch, height, width, channels), changed."""
        return segmentation_masks

    def transform_bounding_boxes(self, bounding_boxes: Data, transformation: Any, training: bool = True) -> Data:
        """The boxes (batch, n, 4), "xyxy" in pixels, and their labels, changed."""
        return bounding_boxes

    def apply(self, data: Data, transformation: Any, training: bool = True) -> Data:
        """The batch, all parts of it changed alike."""
        changes = {
            "images": self.transform_images, "labels": self.transform_labels, "bounding_boxes": self.transform_bounding_boxes,
            "segmentation_masks": self.transform_segmentation_masks,
        }  # fmt: skip
        return {name: changes[name](part, transformation, training) if name in changes else part for name, part in data.items()}

    def transform(self, data: Data, training: bool) -> Data:
        """The batch after one draw."""
        return self.apply(data, self.get_random_transformation(data, training), training)

    # --- the call -----------------------------------------------------------------------------------------------------

    def call(self, inputs: Any, training: bool = True) -> Any:
        """The images, or the dict with them, changed; outside training only by layers that do the same there."""
        data = dict(inputs) if isinstance(inputs, dict) else {"images": inputs}
        if "images" not in data:
            raise ArgumentError(f"{self.name!r} takes images or a dict with 'images', got the keys {sorted(data)}.")
        images = data["images"] if isinstance(data["images"], TensorSpec) else ops.convert_to_tensor(data["images"])
        if images.ndim not in (3, 4):
            raise ShapeError(f"{self.name!r} takes an image (3 axes) or a batch of them (4), got the shape {tuple(images.shape)}.")
        data["images"] = images if self.keeps_dtype else ops.cast(images, self.compute_dtype)
        inert = not (training or self.always) or isinstance(images, TensorSpec)  # where shapes are inferred, nothing is drawn
        if not (inert and self.keeps_shape):
            data = self._in_one_layout(data, training and not inert)
        return data if isinstance(inputs, dict) else data["images"]

    def _in_one_layout(self, data: Data, training: bool) -> Data:
        """What `transform` makes of the data, in the layout in which they came."""
        single = data["images"].ndim == 3
        images, back = pictures(data["images"], self.data_format)
        batch = {**data, "images": images, **(_leading(data, lambda x: ops.expand_dims(x, 0)) if single else {})}
        height, width = images.shape[1:3]
        masks_back = back
        if "segmentation_masks" in data:
            batch["segmentation_masks"], masks_back = self._masks(data["segmentation_masks"], data["images"].ndim)
        if "bounding_boxes" in data:
            batch["bounding_boxes"] = bounding.convert_format(
                batch["bounding_boxes"], self._box_format, "xyxy", height, width, self.compute_dtype
            )
        after = self.transform(batch, training)
        if "bounding_boxes" in data:
            height, width = after["images"].shape[1:3]
            after["bounding_boxes"] = bounding.convert_format(
                after["bounding_boxes"], "xyxy", self._box_format, height, width, self.compute_dtype
            )
        if single:
            after |= _leading(after, lambda x: ops.squeeze(x, 0))
        if "segmentation_masks" in data:
            after["segmentation_masks"] = masks_back(after["segmentation_masks"])
        return {**after, "images": back(after["images"])}

    def _masks(self, masks: Array, ndim: int) -> tuple[Array, Callable[[Array], Array]]:
        """Masks with an axis of the batch and of channels, and the way back."""
        masks = ops.convert_to_tensor(masks)
        if masks.ndim == ndim:
            return pictures(masks, self.data_format)
        wide, back = pictures(ops.expand_dims(masks, -1), "channels_last")
        return wide, lambda m: ops.squeeze(back(m), -1)

    @property
    def _box_format(self) -> str:
        if self.bounding_box_format is None:
            raise ArgumentError(f"{self.name!r} got bounding boxes and does not know how they are written: give it `bounding_box_format=`.")
        return self.bounding_box_format


class RandomImageLayer(ImageLayer):
    """A layer that draws one set of numbers an image, from a stream of its own; outside training images go through.

    Args:
        seed: a whole number or a SeedGenerator; drawn afresh if None. The same seed gives the same draws on one backend.
    """

    def __init__(self, *, seed: Seed = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.generator = seed if isinstance(seed, SeedGenerator) else SeedGenerator(seed)

    @property
    def stream(self) -> Any:
        """Where draws come from: the generator, or on another backend than its own the same seed counted anew."""
        if self.generator.state.backend is backends.compute():
            return self.generator
        return elsewhere(self.generator)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Records the call as a node of a graph, whose backend the seed moves to."""
        self.generator.state.to(backends.compute())
        return super().symbolic_call(*args, **kwargs)

    def drawn(self, data: Data, between: Sequence[float], shape: Sequence[int] = ()) -> Array:
        """Uniform numbers for each image of a batch."""
        low, high = between
        return random.uniform((data["images"].shape[0], *shape), low, high, "float32", self.stream)

    def happens(self, data: Data, probability: Sequence[float]) -> Array:
        """For each image whether something is done to it, with a probability that is itself drawn between two."""
        wanted = self.drawn(data, probability) if probability[0] != probability[1] else probability[0]
        return ops.less(self.drawn(data, (0, 1)), wanted)

    def sign(self, data: Data) -> Array:
        """1 or -1 for each image."""
        return ops.where(ops.less(self.drawn(data, (0, 1)), 0.5), -1.0, 1.0)


def chosen(flags: Array, first: Any, second: Any) -> Any:
    """For each image the one or the other, all parts of a batch alike."""
    if isinstance(first, dict):
        return {name: chosen(flags, part, second[name]) for name, part in first.items()}
    return ops.where(each(flags, first), first, second)
