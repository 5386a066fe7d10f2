"""Layers under names and with arguments that no keyword tells apart from those of today."""

from __future__ import annotations

from typing import Any

from cornu import layers
from cornu.compat.notice import notice

__all__ = ["AtrousConvolution2D", "Convolution2D", "Convolution3D"]


class _Older(type):
    """Classes that stand for another one, whose objects are that one's."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        made = cls.__bases__[0]
        return made(*_sized(cls.__name__, int(made.__name__[4]), args), **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.__bases__[0])


class Convolution2D(layers.Conv2D, metaclass=_Older):
    """`Conv2D` as Keras 1 called it, `Convolution2D(filters, rows, columns)`.

    >>> Convolution2D(8, 3, 3).kernel_size
    (3, 3)
    """


def AtrousConvolution2D(*args: Any, **kwargs: Any) -> layers.Conv2D:  # noqa: N802 - programs call it so
    """`Conv2D` with `atrous_rate=`, as Keras 1 called it."""
    notice("AtrousConvolution2D", "is `Conv2D` today, with `dilation_rate=`")
    return layers.Conv2D(*_sized("AtrousConvolution2D", 2, args), **kwargs)


class Convolution3D(layers.Conv3D, metaclass=_Older):
    """`Conv3D` as Keras 1 called it, `Convolution3D(filters, depth, rows, columns)`."""


def _sized(name: str, rank: int, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments with lengths that were given one by one as one kernel size."""
    lengths = args[1 : 1 + rank]
    if len(args) != 1 + rank or not all(isinstance(length, int) for length in lengths):
        return args
    notice(f"{name}{args}", f"is `Conv{rank}D({args[0]}, {lengths})` today")
    return args[0], lengths
