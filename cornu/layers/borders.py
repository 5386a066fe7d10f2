"""Cells added around the spatial axes, or cut off."""

from __future__ import annotations

from typing import Any, ClassVar

from cornu import config, ops
from cornu.errors import ArgumentError, ShapeError
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.ops.arguments import Array
from cornu.quantities import is_whole
from cornu.registry import LAYERS

__all__ = ["Cropping1D", "Cropping2D", "Cropping3D", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"]

Pairs = tuple[tuple[int, int], ...]


def _pairs(value: Any, rank: int, name: str) -> Pairs:
    """A (before, after) for each axis: of one number for all, one number an axis, or one pair an axis; over one axis a pair alone will do."""
    given = [value] * rank if is_whole(value, 0) else list(value) if isinstance(value, (list, tuple)) else []
    if rank == 1 and len(given) == 2 and all(is_whole(n, 0) for n in given):
        given = [given]
    pairs = [(n, n) if is_whole(n, 0) else tuple(n) if isinstance(n, (list, tuple)) else () for n in given]
    if len(pairs) != rank or not all(len(pair) == 2 and all(is_whole(n, 0) for n in pair) for pair in pairs):
        each = "a pair (before, after)" if rank == 1 else f"{rank} numbers, or {rank} pairs (before, after)"
        raise ArgumentError(f"{name} must be one number, or {each}, none negative, got {value!r}.")
    return tuple((int(low), int(high)) for low, high in pairs)


class Border(Layer):
    """The parts common to padding and cropping: which axes are spatial, and how many cells at each end."""

    rank: ClassVar[int]

    def arrange(self, pairs: Pairs, data_format: str | None) -> Pairs:
        """Keeps the pairs, and lays them out with one for each axis of the input: 0 for batch and channels."""
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        still = (0, 0)
        self.around = (still, *pairs, still) if self.data_format == "channels_last" else (still, still, *pairs)
        return pairs


class ZeroPadding(Border):
    """Zeros around the spatial axes; `padding` is stored as a pair for each."""

    def call(self, inputs: Array) -> Array:
        """The inputs between zeros."""
        return ops.pad(inputs, self.around)


class Cropping(Border):
    """Cells cut off at the ends of the spatial axes; `cropping` is stored as a pair for each."""

    cropping: Any

    def call(self, inputs: Array) -> Array:
        """What is left in the middle."""
        lengths = tuple(inputs.shape)
        if any(low + high >= n for n, (low, high) in zip(lengths, self.around, strict=True)):
            raise ShapeError(f"cropping of {self.name!r} must leave something of each axis, got {self.cropping} for inputs {lengths}.")
        return inputs[tuple(slice(low, n - high) for n, (low, high) in zip(lengths, self.around, strict=True))]


@LAYERS.add
class ZeroPadding1D(ZeroPadding):
    """Zeros before and after the steps of a sequence.

    Args:
        padding: how many at each end: one number, or (before, after).
        data_format: "channels_last", (batch, steps, channels), or "channels_first"; `image_data_format` by default.

    Shapes: (batch, steps, channels) to (batch, before + steps + after, channels). No weights.

    >>> import numpy as np
    >>> ZeroPadding1D((1, 2))(np.ones((1, 1, 1)))[0, :, 0].tolist()
    [0.0, 1.0, 0.0, 0.0]
    """

    rank = 1

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        (self.padding,) = self.arrange(_pairs(padding, 1, "padding"), data_format)


@LAYERS.add
class ZeroPadding2D(ZeroPadding):
    """Zeros around images.

    Args:
        padding: how many: one number, (rows, columns), or ((above, below), (left, right)).
        data_format: "channels_last", (batch, height, width, channels), or "channels_first"; `image_data_format` by default.

    Shapes: (batch, height, width, channels) to (batch, above + height + below, left + width + right, channels). No weights.

    >>> import numpy as np
    >>> ZeroPadding2D((1, 2))(np.ones((1, 4, 4, 3))).shape
    (1, 6, 8, 3)
    """

    rank = 2

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = self.arrange(_pairs(padding, 2, "padding"), data_format)


@LAYERS.add
class ZeroPadding3D(ZeroPadding):
    """Zeros around volumes.

    Args:
        padding: how many: one number, one for each axis, or a pair (before, after) for each.
        data_format: "channels_last", (batch, a, b, c, channels), or "channels_first"; `image_data_format` by default.

    Shapes: (batch, a, b, c, channels) to the same with longer a, b, c. No weights.

    >>> import numpy as np
    >>> ZeroPadding3D(((0, 1), (1, 1), (2, 2)))(np.ones((1, 4, 4, 4, 3))).shape
    (1, 5, 6, 8, 3)
    """

    rank = 3

    def __init__(self, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = self.arrange(_pairs(padding, 3, "padding"), data_format)


@LAYERS.add
class Cropping1D(Cropping):
    """Steps cut off at the ends of a sequence.

    Args:
        cropping: how many at each end: one number, or (before, after).

    Shapes: (batch, steps, channels) to (batch, steps - before - after, channels). No weights.

    >>> import numpy as np
    >>> Cropping1D((1, 0))(np.array([[[1.0], [2.0], [3.0]]])).tolist()
    [[[2.0], [3.0]]]
    """

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        (self.cropping,) = self.arrange(_pairs(cropping, 1, "cropping"), "channels_last")


@LAYERS.add
class Cropping2D(Cropping):
    """Rows and columns cut off at the borders of images.

    Args:
        cropping: how many: one number, (rows, columns), or ((above, below), (left, right)).
        data_format: "channels_last", (batch, height, width, channels), or "channels_first"; `image_data_format` by default.

    Shapes: (batch, height, width, channels) to (batch, height - above - below, width - left - right, channels). No weights.

    >>> import numpy as np
    >>> Cropping2D(((1, 0), (2, 2)))(np.ones((1, 4, 6, 3))).shape
    (1, 3, 2, 3)
    """

    rank = 2

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping = self.arrange(_pairs(cropping, 2, "cropping"), data_format)


@LAYERS.add
class Cropping3D(Cropping):
    """Cells cut off at the borders of volumes.

    Args:
        cropping: how many: one number, one for each axis, or a pair (before, after) for each.
        data_format: "channels_last", (batch, a, b, c, channels), or "channels_first"; `image_data_format` by default.

    Shapes: (batch, a, b, c, channels) to the same with shorter a, b, c. No weights.

    >>> import numpy as np
    >>> Cropping3D()(np.ones((1, 4, 5, 6, 3))).shape
    (1, 2, 3, 4, 3)
    """

    rank = 3

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping = self.arrange(_pairs(cropping, 3, "cropping"), data_format)
