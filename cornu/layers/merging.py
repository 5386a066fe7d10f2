"""Layers that make one tensor of several.

Each has a function of the same name in small letters, which makes the layer and calls it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, ClassVar

from cornu import ops
from cornu.errors import ArgumentError, ShapeError
from cornu.layers.layer import Layer
from cornu.ops.arguments import Array, as_axis
from cornu.registry import LAYERS

__all__ = [
    "Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract", "add", "average", "concatenate", "dot", "maximum",
    "minimum", "multiply", "subtract",
]  # fmt: skip


class Merge(Layer):
    """One tensor of several.

    Shapes: a list of tensors (batch, …). No weights.
    """

    supports_masking = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def build(self, input_shape: Any) -> None:
        """Makes nothing: the shapes are noted, since files hold them."""
        self.built = True

    def call(self, inputs: Sequence[Array]) -> Array:
        """The merged tensor."""
        if not isinstance(inputs, (list, tuple)) or not inputs:
            got = f"one of shape {tuple(inputs.shape)}" if hasattr(inputs, "shape") else repr(inputs)
            raise ShapeError(f"Layer {self.name!r} merges a list of tensors, e.g. `layer([a, b])`, got {got}.")
        return self.merge(list(inputs))

    def merge(self, inputs: list[Array]) -> Array:
        """The merged tensor, of a list that is one."""
        raise NotImplementedError(f"{type(self).__name__} must define `merge(self, inputs)`.")


class Elementwise(Merge):
    """One tensor of several, element by element.

    Lengths of 1 broadcast. An input with fewer axes gets axes of length 1 behind the batch axis, so that the last axes stand against each other.

    A step of the output counts where it counts in every input that has a mask.
    """

    op: ClassVar[Any]

    def merge(self, inputs: list[Array]) -> Array:
        try:
            return functools.reduce(self.op, _of_one_rank(inputs))
        except ShapeError:
            shapes = ", ".join(str(tuple(x.shape)) for x in inputs)
            raise ShapeError(
                f"Layer {self.name!r} merges tensors element by element, so their shapes must be equal, or 1 where they differ; got {shapes}.\n"
                "`Concatenate` puts tensors of different lengths side by side; a Dense layer before it makes the lengths equal."
            ) from None

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Where all masks hold; inputs without one count everywhere."""
        return _all_hold(previous_mask)


def _of_one_rank(inputs: list[Array]) -> list[Array]:
    rank = max(x.ndim for x in inputs)
    return [x if x.ndim == rank else ops.expand_dims(x, tuple(range(1, 1 + rank - x.ndim))) for x in inputs]


def _all_hold(masks: Any) -> Any:
    """Where all of the masks hold that are there; shorter ones speak for all that follows."""
    given = [] if masks is None else [m for m in masks if m is not None]
    if not given:
        return None
    rank = max(m.ndim for m in given)
    given = [m if m.ndim == rank else ops.expand_dims(m, tuple(range(m.ndim, rank))) for m in given]
    return functools.reduce(ops.logical_and, given)


@LAYERS.add
class Add(Elementwise):
    """The sum of tensors, element by element. For shapes and masks see `Elementwise`.

    >>> import numpy as np
    >>> Add()([np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]])]).tolist()
    [[11.0, 22.0]]
    """

    op = staticmethod(ops.add)


@LAYERS.add
class Multiply(Elementwise):
    """The product of tensors, element by element. For shapes and masks see `Elementwise`.

    >>> import numpy as np
    >>> Multiply()([np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]])]).tolist()
    [[10.0, 40.0]]
    """

    op = staticmethod(ops.multiply)


@LAYERS.add
class Maximum(Elementwise):
    """The largest of tensors, element by element. For shapes and masks see `Elementwise`.

    >>> import numpy as np
    >>> Maximum()([np.array([[1.0, 20.0]]), np.array([[10.0, 2.0]])]).tolist()
    [[10.0, 20.0]]
    """

    op = staticmethod(ops.maximum)


@LAYERS.add
class Minimum(Elementwise):
    """The smallest of tensors, element by element. For shapes and masks see `Elementwise`.

    >>> import numpy as np
    >>> Minimum()([np.array([[1.0, 20.0]]), np.array([[10.0, 2.0]])]).tolist()
    [[1.0, 2.0]]
    """

    op = staticmethod(ops.minimum)


@LAYERS.add
class Average(Add):
    """The mean of tensors, element by element. For shapes and masks see `Elementwise`.

    >>> import numpy as np
    >>> Average()([np.array([[1.0, 2.0]]), np.array([[3.0, 6.0]])]).tolist()
    [[2.0, 4.0]]
    """

    def merge(self, inputs: list[Array]) -> Array:
        return ops.divide(super().merge(inputs), len(inputs))


@LAYERS.add
class Subtract(Elementwise):
    """The first of two tensors less the second, element by element. For shapes and masks see `Elementwise`.

    >>> import numpy as np
    >>> Subtract()([np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]])]).tolist()
    [[-9.0, -18.0]]
    """

    op = staticmethod(ops.subtract)

    def merge(self, inputs: list[Array]) -> Array:
        _need_two(self, inputs)
        return super().merge(inputs)


def _need_two(layer: Layer, inputs: list[Array]) -> None:
    if len(inputs) != 2:
        raise ShapeError(f"Layer {layer.name!r} takes a list of 2 tensors, got {len(inputs)}.")


@LAYERS.add
class Concatenate(Merge):
    """Tensors side by side along an axis; along all others their lengths agree.

    Args:
        axis: the axis, the last by default.

    Along the axis of time masks are joined like the tensors, and an input without a mask counts everywhere; along later axes a step of the
    output counts where it counts in every input that has a mask.

    >>> import numpy as np
    >>> Concatenate()([np.array([[1.0, 2.0]]), np.array([[3.0]])]).tolist()
    [[1.0, 2.0, 3.0]]
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def merge(self, inputs: list[Array]) -> Array:
        return ops.concatenate(inputs, self.axis)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The masks joined, or where all hold."""
        if previous_mask is None or all(m is None for m in previous_mask):
            return None
        rank = max(m.ndim for m in previous_mask if m is not None)
        axis = as_axis(self.axis, inputs[0].ndim)
        if axis >= rank:
            return _all_hold(previous_mask)
        masks = [_everywhere(x, rank) if m is None else m for x, m in zip(inputs, previous_mask, strict=True)]
        return ops.concatenate(masks, axis)


def _everywhere(x: Array, rank: int) -> Array:
    """A mask of so many axes that holds everywhere."""
    return ops.ones_like(ops.get_item(x, (slice(None),) * rank + (0,) * (x.ndim - rank)), dtype="bool")


@LAYERS.add
class Dot(Merge):
    """Products of two tensors summed along an axis of each, sample by sample.

    Args:
        axes: the axis of both, or a pair with one of each; not the batch axis, 0.
        normalize: whether both are divided by their length along that axis first, so that the result is the cosine of their angle.

    Shapes: (batch, …) and (batch, …) to (batch, axes left of the first, axes left of the second), or (batch, 1) where none are left. No weights.
    The output has no mask.

    >>> import numpy as np
    >>> Dot(1)([np.array([[1.0, 2.0]]), np.array([[10.0, 100.0]])]).tolist()
    [[210.0]]
    """

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pair = isinstance(axes, (list, tuple)) and len(axes) == 2 and all(isinstance(a, int) for a in axes)
        if not pair and not isinstance(axes, int):
            raise ArgumentError(f"axes must be one whole number or two, got {axes!r}.")
        self.axes: int | tuple[int, ...] = axes if isinstance(axes, int) else tuple(axes)
        self.normalize = normalize

    def merge(self, inputs: list[Array]) -> Array:
        _need_two(self, inputs)
        a, b = inputs
        i, j = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        i, j = as_axis(i, a.ndim), as_axis(j, b.ndim)
        if not i or not j or a.shape[i] != b.shape[j]:
            raise ShapeError(
                f"Layer {self.name!r} multiplies along axes of one length that are not the batch axis, got axes {i} and {j} of inputs of shapes "
                f"{tuple(a.shape)} and {tuple(b.shape)}."
            )
        if self.normalize:
            a, b = _of_length_one(a, i), _of_length_one(b, j)
        names = "acdefghijklmnopqrstuvwxyz"
        first, second = list("b" + names[: a.ndim - 1]), list("b" + names[a.ndim - 1 : a.ndim + b.ndim - 2])
        second[j] = first[i]
        left = [n for n in first if n != first[i]] + [n for n in second[1:] if n != first[i]]
        y = ops.einsum(f"{''.join(first)},{''.join(second)}->{''.join(left)}", a, b)
        return ops.expand_dims(y, 1) if y.ndim == 1 else y

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """None: steps are summed, or paired."""
        return None


def _of_length_one(x: Array, axis: int) -> Array:
    squares = ops.sum(ops.square(x), axis, keepdims=True)
    return ops.multiply(x, ops.rsqrt(ops.maximum(squares, 1e-12)))


def add(inputs: Sequence[Array], **kwargs: Any) -> Array:
    """The sum of tensors: `Add(**kwargs)(inputs)`."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Array], **kwargs: Any) -> Array:
    """The first of two tensors less the second: `Subtract(**kwargs)(inputs)`."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Array], **kwargs: Any) -> Array:
    """The product of tensors: `Multiply(**kwargs)(inputs)`."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Array], **kwargs: Any) -> Array:
    """The mean of tensors: `Average(**kwargs)(inputs)`."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Array], **kwargs: Any) -> Array:
    """The largest of tensors: `Maximum(**kwargs)(inputs)`."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Array], **kwargs: Any) -> Array:
    """The smallest of tensors: `Minimum(**kwargs)(inputs)`."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Sequence[Array], axis: int = -1, **kwargs: Any) -> Array:
    """Tensors side by side along an axis: `Concatenate(axis, **kwargs)(inputs)`."""
    return Concatenate(axis, **kwargs)(inputs)


def dot(inputs: Sequence[Array], axes: int | Sequence[int] = -1, **kwargs: Any) -> Array:
    """Products of two tensors summed along an axis of each: `Dot(axes, **kwargs)(inputs)`."""
    return Dot(axes, **kwargs)(inputs)
