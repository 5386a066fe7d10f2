"""Convolutions in JAX. XLA's own convolution everywhere but on a CPU, where some of its forms are many times slower than others.

The measurements in this file are microseconds of one compiled call on 2 CPU cores (AVX-512, jax 0.10), float32, XLA's plain lowering
first; "dk" is the gradient of the kernel, "dx" that of the input. Shapes are (batch, *spatial, channels) -> filters.
"""

from __future__ import annotations

import contextlib
import contextvars
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial, reduce
from operator import add
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from cornu.backends.jax.forward_mode import compiled, or_differentiated

__all__ = ["conv", "conv_transpose", "depthwise_conv", "within_loop"]

Pairs = Sequence[tuple[int, int]]
Ints = Sequence[int]

# Places of the output (batch * spatial) that one piece of a kernel gradient sums over; see `_kernel_gradient`.
_PLACES = 2048
_MOST_PIECES = 32
_MANY_FILTERS = 32
# Products that a depthwise kernel gradient holds at a time; see `_channel_sums`.
_PRODUCTS = 4_000_000
# Above so many cells a depthwise kernel is left to XLA: the program grows with each cell.
_MOST_TAPS = 128

_looped: contextvars.ContextVar[bool] = contextvars.ContextVar("cornu_jax_looped", default=False)


@contextlib.contextmanager
def within_loop() -> Iterator[None]:
    """Inside, convolutions are lowered for the body of a compiled loop; see `_patches`."""
    token = _looped.set(True)
    try:
        yield
    finally:
        _looped.reset(token)


def conv(x: jax.Array, kernel: jax.Array, strides: Ints, padding: Pairs, dilation: Ints, groups: int, channels_last: bool) -> jax.Array:
    geometry = tuple(strides), tuple(padding), tuple(dilation)
    return _conv(x, kernel, *geometry, groups, channels_last, _looped.get())


def depthwise_conv(x: jax.Array, kernel: jax.Array, strides: Ints, padding: Pairs, dilation: Ints, channels_last: bool) -> jax.Array:
    *spatial, channels, multiplier = kernel.shape
    return conv(x, kernel.reshape(*spatial, 1, channels * multiplier), strides, padding, dilation, channels, channels_last)


def conv_transpose(
    x: jax.Array, kernel: jax.Array, strides: Ints, padding: Pairs, output_shape: Ints, dilation: Ints, channels_last: bool
) -> jax.Array:
    geometry = tuple(strides), tuple(padding), tuple(output_shape), tuple(dilation)
    return _conv_transpose(x, kernel, *geometry, channels_last, _looped.get())


@partial(compiled, static_argnums=(2, 3, 4, 5, 6, 7))
def _conv_transpose(
    x: jax.Array, kernel: jax.Array, strides: Ints, padding: Pairs, output_shape: Ints, dilation: Ints, channels_last: bool, looped: bool
) -> jax.Array:
    filters = kernel.shape[-2]
    shape = (x.shape[0], *output_shape, filters) if channels_last else (x.shape[0], filters, *output_shape)
    # the convolution is linear, so where it is taken (at zeros) does not matter, and XLA drops its value
    _, pull = jax.vjp(lambda y: _conv(y, kernel, strides, padding, dilation, 1, channels_last, looped), jnp.zeros(shape, x.dtype))
    return pull(x)[0]


@partial(compiled, static_argnums=(2, 3, 4, 5, 6, 7))
def _conv(
    x: jax.Array, kernel: jax.Array, strides: Ints, padding: Pairs, dilation: Ints, groups: int, channels_last: bool, looped: bool
) -> jax.Array:
    lowered = _lowering(kernel.shape, padding, groups, looped)
    if lowered is None:
        return _xla(x, kernel, strides, padding, dilation, groups, channels_last)
    if channels_last:
        return lowered(x, kernel, strides, padding, dilation, groups)
    return jnp.moveaxis(lowered(jnp.moveaxis(x, 1, -1), kernel, strides, padding, dilation, groups), -1, 1)


def _lowering(kernel: Ints, padding: Pairs, groups: int, looped: bool) -> Callable[..., jax.Array] | None:
    """How to convolve with a kernel of this shape; None: by XLA's convolution and its derivatives."""
    *spatial, depth, _ = kernel
    cells = math.prod(spatial)
    if jax.default_backend() != "cpu":
        return None
    if groups > 1 and depth == 1:
        # (32, 48, 48, 32), 3x3: 45,533 against 1,537; dx 45,480 against 1,247; dk 12,118 against 4,696
        return _depthwise if cells <= _MOST_TAPS else None
    if groups > 1:
        # (16, 28, 28, 64) -> 64, 3x3, 4 groups: 5,957 against 1,545; dx 6,000 against 1,836; dk 231,026 against 4,027
        return _grouped
    if cells == 1 and not any(map(any, padding)):
        # (8, 28, 28, 128) -> 256: 1,807 against 943; dx 1,937 against 933; dk 5,420 against 1,579
        return _pointwise
    if looped and cells <= _MOST_TAPS:
        # 10 steps of a ConvLSTM2D, (4, 10, 32, 32, 3) -> 16, 3x3: 51,434 against 13,961; with gradients 1,467,907 against 216,955
        return _patches
    if len(spatial) == 3:
        # (4, 16, 16, 16, 8) -> 16, 3x3x3: 3,876 against 664; dx 7,783 against 810; dk 7,517 against 933;
        # with strides 2 and twice the channels, dx 67,720 against 635
        return _volume
    return _plane


def _xla(
    x: jax.Array, kernel: jax.Array, strides: Ints, padding: Pairs, dilation: Ints, groups: int = 1, channels_last: bool = True
) -> jax.Array:
    if any(n < 0 for pair in padding for n in pair):
        # XLA reads outside of the input on a CPU where one axis is padded by -n and n (seen in jaxlib 0.10)
        taken = [(min(low, 0), min(high, 0)) for low, high in padding]
        x = _padded(x, taken) if channels_last else jnp.moveaxis(_padded(jnp.moveaxis(x, 1, -1), taken), -1, 1)
        padding = [(max(low, 0), max(high, 0)) for low, high in padding]
    axes = "DHW"[-len(strides) :]
    layout = f"N{axes}C" if channels_last else f"NC{axes}"
    return lax.conv_general_dilated(
        x, kernel, strides, padding, rhs_dilation=dilation, dimension_numbers=(layout, f"{axes}IO", layout), feature_group_count=groups
    )


# ── one or two spatial axes, one group ───────────────────────────────────────────────────────────────────────


def _plane(x: jax.Array, kernel: jax.Array, strides: Ints, padding: Pairs, dilation: Ints, groups: int) -> jax.Array:
    return or_differentiated(_convolve)(x, kernel, (strides, padding, dilation))


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def _convolve(x: jax.Array, kernel: jax.Array, geometry: tuple[Any, ...]) -> jax.Array:
    return _xla(x, kernel, *geometry)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _spread(g: jax.Array, kernel: jax.Array, geometry: tuple[Any, ...], lengths: Ints) -> jax.Array:
    """The transpose of `_convolve` in its input, whose spatial lengths are given."""
    like = jax.ShapeDtypeStruct((g.shape[0], *lengths, kernel.shape[-2]), g.dtype)
    return jax.linear_transpose(lambda x: _xla(x, kernel, *geometry), like)(g)[0]


def _kernel_gradient(x: jax.Array, g: jax.Array, geometry: tuple[Any, ...], shape: Ints) -> jax.Array:
    """The transpose of `_convolve` in its kernel.

    Over two spatial axes XLA makes it a convolution that sums over all places of the batch at once, whose operands leave the caches. The
    sum of the gradients of pieces of the batch, about 2,048 places each, is faster: (64, 32, 32, 64) -> 64, 3x3: 58,476 against 27,028;
    (64, 16, 16, 64) -> 128: 14,250 against 9,208; (32, 56, 56, 64) -> 128, strides 2: 40,209 against 25,755; (32, 28, 28, 1) -> 32: 384
    against 290. Over one axis it is no faster (750 against 773), and 16-bit sums would lose digits. Of few filters XLA's way is the better one:
    (32, 32, 32, 16) -> 16: 2,388 against 10,412, where -> 32: 3,287 against 2,690.
    """
    places = g.size // g.shape[-1] if g.shape[-1] else 0
    count = 1
    if len(shape) == 4 and shape[-1] >= _MANY_FILTERS and jnp.finfo(g.dtype).bits >= 32:
        count = max(1, min(places // _PLACES, _MOST_PIECES, g.shape[0]))
    step = -(-g.shape[0] // count) if g.shape[0] else 1
    kernel = jax.ShapeDtypeStruct(tuple(shape), x.dtype)
    pieces = [(x[i : i + step], g[i : i + step]) for i in range(0, max(g.shape[0], 1), step)]
    return reduce(add, (jax.linear_transpose(lambda k, part=part: _xla(part, k, *geometry), kernel)(dy)[0] for part, dy in pieces))


def _convolve_forward(x: jax.Array, kernel: jax.Array, geometry: tuple[Any, ...]) -> tuple[Any, ...]:
    return _convolve(x, kernel, geometry), (x, kernel)


def _convolve_backward(geometry: tuple[Any, ...], kept: tuple[Any, ...], g: jax.Array) -> tuple[Any, ...]:
    x, kernel = kept
    return _spread(g, kernel, geometry, x.shape[1:-1]), _kernel_gradient(x, g, geometry, kernel.shape)


def _spread_forward(g: jax.Array, kernel: jax.Array, geometry: tuple[Any, ...], lengths: Ints) -> tuple[Any, ...]:
    return _spread(g, kernel, geometry, lengths), (g, kernel)


def _spread_backward(geometry: tuple[Any, ...], lengths: Ints, kept: tuple[Any, ...], x: jax.Array) -> tuple[Any, ...]:
    g, kernel = kept
    return _convolve(x, kernel, geometry), _kernel_gradient(x, g, geometry, kernel.shape)


_convolve.defvjp(_convolve_forward, _convolve_backward)
_spread.defvjp(_spread_forward, _spread_backward)


# ── the other forms, each made of the first or of plain arithmetic ───────────────────────────────────────────


def _padded(x: jax.Array, padding: Pairs) -> jax.Array:
    """Zeros around the spatial axes of (batch, *spatial, channels); cells taken away where negative."""
    around = [(0, 0, 0), *((low, high, 0) for low, high in padding), (0, 0, 0)]
    return lax.pad(x, jnp.zeros((), x.dtype), around) if any(map(any, padding)) else x


def _taps(x: jax.Array, kernel: Ints, strides: Ints, dilation: Ints) -> Iterator[jax.Array]:
    """For each cell of a kernel with these spatial lengths, what it meets at every place of the output."""
    counts = [(n - (k - 1) * d - 1) // s + 1 for n, k, s, d in zip(x.shape[1:], kernel, strides, dilation, strict=False)]
    for cell in itertools.product(*map(range, kernel)):
        starts = [i * d for i, d in zip(cell, dilation, strict=True)]
        ends = [a + (n - 1) * s + 1 for a, n, s in zip(starts, counts, strides, strict=True)]
        rest = x.shape[len(kernel) + 1 :]
        yield lax.slice(x, (0, *starts, *(0 for _ in rest)), (x.shape[0], *ends, *rest), _steps(x, strides))


def _steps(x: jax.Array, strides: Ints) -> tuple[int, ...]:
    return (1, *strides, *(1 for _ in x.shape[len(strides) + 1 :]))


def _pointwise(x: jax.Array, kernel: jax.Array, strides: Ints, padding: Pairs, dilation: Ints, groups: int) -> jax.Array:
    """A kernel of one cell: a matrix product over channels."""
    x = lax.slice(x, (0,) * x.ndim, x.shape, _steps(x, strides))
    y = x.reshape(-1, x.shape[-1]) @ kernel.reshape(kernel.shape[-2:])
    return y.reshape(*x.shape[:-1], kernel.shape[-1])


def _grouped(x: jax.Array, kernel: jax.Array, strides: Ints, padding: Pairs, dilation: Ints, groups: int) -> jax.Array:
    """Each group by itself."""
    parts = zip(jnp.split(x, groups, -1), jnp.split(kernel, groups, -1), strict=True)
    return jnp.concatenate([_conv(part, k, strides, padding, dilation, 1, True, _looped.get()) for part, k in parts], -1)


def _patches(x: jax.Array, kernel: jax.Array, strides: Ints, padding: Pairs, dilation: Ints, groups: int) -> jax.Array:
    """What each place of the output sees, side by side, times the kernel as a matrix.

    For the body of a compiled loop, where XLA's convolutions on a CPU, and still more their gradients, are many times slower than
    outside of one; matrix products are not.
    """
    cells = jnp.concatenate(list(_taps(_padded(x, padding), kernel.shape[:-2], strides, dilation)), -1)
    y = cells.reshape(-1, cells.shape[-1]) @ kernel.reshape(-1, kernel.shape[-1])
    return y.reshape(*cells.shape[:-1], kernel.shape[-1])


def _volume(x: jax.Array, kernel: jax.Array, strides: Ints, padding: Pairs, dilation: Ints, groups: int) -> jax.Array:
    """Three spatial axes: a convolution over the last two. The kernel's cells along the first become channels, its places a batch."""
    x = _padded(x, (padding[0], (0, 0), (0, 0)))
    x = jnp.concatenate(list(_taps(x, kernel.shape[:1], strides[:1], dilation[:1])), -1)  # (batch, places, rows, columns, cells * channels)
    kernel = jnp.moveaxis(kernel, 0, 2)  # (rows, columns, cells, channels, filters)
    kernel = kernel.reshape(*kernel.shape[:2], -1, kernel.shape[-1])
    y = _conv(x.reshape(-1, *x.shape[2:]), kernel, strides[1:], padding[1:], dilation[1:], 1, True, _looped.get())
    return y.reshape(*x.shape[:2], *y.shape[1:])


def _depthwise(x: jax.Array, kernel: jax.Array, strides: Ints, padding: Pairs, dilation: Ints, groups: int) -> jax.Array:
    """Each channel by itself, with kernel (*spatial, 1, channels * multiplier): a sum of shifted products, of 32 bits at least."""
    wide = jnp.promote_types(x.dtype, jnp.float32)
    repeated = jnp.repeat(_padded(x, padding), kernel.shape[-1] // groups, -1)
    return or_differentiated(_scaled_sum)(repeated.astype(wide), kernel.astype(wide), strides, dilation).astype(x.dtype)


def _plain_scaled_sum(x: jax.Array, kernel: jax.Array, strides: Ints, dilation: Ints) -> jax.Array:
    spatial, cells = kernel.shape[:-2], kernel.reshape(-1, kernel.shape[-1])
    return reduce(add, (tap * cell for tap, cell in zip(_taps(x, spatial, strides, dilation), cells, strict=True)))


def _scaled_sum_forward(x: jax.Array, kernel: jax.Array, strides: Ints, dilation: Ints) -> tuple[Any, ...]:
    return _scaled_sum(x, kernel, strides, dilation), (x, kernel)


def _scaled_sum_backward(strides: Ints, dilation: Ints, kept: tuple[Any, ...], g: jax.Array) -> tuple[Any, ...]:
    x, kernel = kept
    dx = jax.linear_transpose(lambda x: _plain_scaled_sum(x, kernel, strides, dilation), x)(g)[0]
    return dx, _channel_sums(x, g, kernel.shape, strides, dilation)


_scaled_sum = jax.custom_vjp(_plain_scaled_sum, nondiff_argnums=(2, 3))
_scaled_sum.defvjp(_scaled_sum_forward, _scaled_sum_backward)


def _channel_sums(x: jax.Array, g: jax.Array, shape: Ints, strides: Ints, dilation: Ints) -> jax.Array:
    """The gradient of the kernel of `_scaled_sum`, in a loop over pieces of the batch so small that the products stay in the last cache.

    (8, 28, 28, 64), 5x5: 5,751 by XLA's convolution, 25,512 with all products at once, 1,934 in four pieces.
    """

    def sums(x: jax.Array, g: jax.Array) -> jax.Array:
        parts = [jnp.sum(lax.optimization_barrier(tap * g), tuple(range(g.ndim - 1))) for tap in _taps(x, shape[:-2], strides, dilation)]
        return jnp.stack(parts).reshape(shape)

    batch, wanted = g.shape[0], -(-g.size * math.prod(shape[:-2]) // _PRODUCTS)
    count = next((n for n in range(max(wanted, 1), batch) if batch % n == 0), max(batch, 1)) if wanted > 1 else 1
    if count == 1:
        return sums(x, g)
    pieces = tuple(v.reshape(count, batch // count, *v.shape[1:]) for v in (x, g))
    return lax.scan(lambda total, piece: (total + sums(*piece), None), jnp.zeros(shape, x.dtype), pieces)[0]
