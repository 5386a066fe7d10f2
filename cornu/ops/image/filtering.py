"""Filters over images: smoothing, edges, and the likeness of two images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cornu.errors import ArgumentError, ShapeError
from cornu.ops.arguments import Array, as_tuple
from cornu.ops.conv import depthwise_conv
from cornu.ops.core import to_floating
from cornu.ops.dispatch import composite
from cornu.ops.elementwise import add, divide, multiply, square, subtract
from cornu.ops.image.layout import channels_come_last, constant, images_of, in_dtype_of, pictures
from cornu.ops.reduce import mean
from cornu.ops.shaping import moveaxis, reshape

__all__ = ["gaussian_blur", "sobel_edges", "ssim"]


def _bell(size: int, sigma: float) -> np.ndarray:
    """`exp(-t ** 2 / (2 sigma ** 2))` at `size` places around 0, made to sum to 1."""
    weights = np.exp(-(np.square((np.arange(size) - (size - 1) / 2) / sigma)) / 2)
    return weights / weights.sum()


def _smoothed(x: Array, sizes: Sequence[int], sigmas: Sequence[float], padding: str) -> Array:
    """Images (batch, height, width, channels) under a bell: rows and columns one after the other, for the bell of two axes is their product."""
    for axis, (size, sigma) in enumerate(zip(sizes, sigmas, strict=True)):
        shape = (size, 1, 1, 1) if axis == 0 else (1, size, 1, 1)
        kernel = np.broadcast_to(_bell(size, sigma).reshape(shape), (*shape[:2], x.shape[-1], 1))
        x = depthwise_conv(x, constant(kernel, x), padding=padding, data_format="channels_last")
    return x


@composite
def gaussian_blur(
    images: Array, kernel_size: Sequence[int] = (3, 3), sigma: Sequence[float] = (1.0, 1.0), data_format: str | None = None
) -> Array:
    """Each pixel the mean of those around it, weighted by a bell of deviation `sigma` (height, width); zeros lie beyond the edges.

    >>> gaussian_blur([[[0.0], [2.0], [0.0]]], (1, 3), (1.0, 1.0)).tolist()
    [[[0.548137], [0.903726], [0.548137]]]
    """
    x, back = pictures(images_of(images, "gaussian_blur"), data_format)
    sizes = as_tuple(kernel_size, 2, "kernel_size")
    sigmas = (sigma, sigma) if isinstance(sigma, (int, float)) else tuple(float(s) for s in sigma)
    if len(sigmas) != 2 or min(sigmas) <= 0:
        raise ArgumentError(f"sigma must be two positive numbers, for height and width, got {sigma!r}.")
    return back(in_dtype_of(_smoothed(to_floating(x), sizes, sigmas, "same"), x))


@composite
def sobel_edges(images: Array, data_format: str | None = None) -> Array:
    """How fast images change downwards and to the right, [dy, dx] along a new last axis (I. Sobel, G. Feldman, 1968); zeros beyond the edges.

    dx is the correlation with [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], dy that with its transpose.

    >>> sobel_edges([[[[0.0], [1.0], [2.0]]]]).tolist()
    [[[[[0.0, 2.0]], [[0.0, 4.0]], [[0.0, -2.0]]]]]
    """
    x = images_of(images, "sobel_edges")
    if x.ndim != 4:
        raise ShapeError(f"ops.image.sobel_edges takes a batch of images (4 axes), got the shape {tuple(x.shape)}.")
    x, _ = pictures(to_floating(x), data_format)
    rightward = np.outer((1, 2, 1), (-1, 0, 1))
    kernel = np.stack([rightward.T, rightward], -1)[:, :, None]  # (3, 3, 1, 2)
    kernel = np.broadcast_to(kernel, (3, 3, x.shape[-1], 2))
    edges = depthwise_conv(x, constant(kernel, x), padding="same", data_format="channels_last")
    edges = reshape(edges, (*x.shape, 2))  # (batch, height, width, channels, 2)
    return edges if channels_come_last(data_format) else moveaxis(edges, 3, 1)


@composite
def ssim(
    image1: Array,
    image2: Array,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
) -> Array:
    """The structural similarity of two images, 1 where they are the same (Z. Wang and others, 2004); one number an image.

    The mean over places and channels of `(2 m1 m2 + c1) (2 s12 + c2) / ((m1 ** 2 + m2 ** 2 + c1) (s1 ** 2 + s2 ** 2 + c2))`, c = (k max_val) ** 2;
    means m, variances s ** 2 and covariance s12 are taken under a bell of `filter_size` pixels that lies wholly inside. Integers count as float32.

    >>> ssim([[[0.5], [1.0]]], [[[0.5], [1.0]]], filter_size=1).tolist()
    1.0
    """
    x, y = images_of(image1, "ssim"), images_of(image2, "ssim")
    if tuple(x.shape) != tuple(y.shape):
        raise ShapeError(f"ops.image.ssim compares images of one shape, got {tuple(x.shape)} and {tuple(y.shape)}.")
    single = x.ndim == 3
    (x, _), (y, _) = pictures(to_floating(x), data_format), pictures(to_floating(y), data_format)
    if filter_size % 2 == 0 or not 1 <= filter_size <= min(x.shape[1:3]):
        raise ArgumentError(f"filter_size must be odd, and fit in images of {tuple(x.shape[1:3])} pixels, got {filter_size}.")

    def local(z: Array) -> Array:
        return _smoothed(z, (filter_size, filter_size), (filter_sigma, filter_sigma), "valid")

    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    mx, my = local(x), local(y)
    squares, product = add(square(mx), square(my)), multiply(mx, my)
    spread = subtract(local(add(square(x), square(y))), squares)  # the sum of both variances
    together = subtract(local(multiply(x, y)), product)
    light = divide(add(multiply(product, 2), c1), add(squares, c1))
    likeness = multiply(light, divide(add(multiply(together, 2), c2), add(spread, c2)))
    found = mean(likeness, (1, 2, 3))
    return reshape(found, ()) if single else found
