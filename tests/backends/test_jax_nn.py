"""The JAX backend's convolutions, poolings and recurrences against plain NumPy loops, and their gradients against PyTorch's."""

import contextlib
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import signal, special

from cornu.backends.jax import convolution, nn

torch = pytest.importorskip("torch")

TOLERANCE = {"float64": 1e-11, "float32": 2e-5, "bfloat16": 4e-2, "float16": 4e-3}


@pytest.fixture(params=["cpu", "elsewhere"])
def platform(request, monkeypatch):
    """The lowering for CPUs, then the one for all other devices (which a CPU runs too)."""
    if request.param == "elsewhere":
        jax.clear_caches()  # what was traced for CPUs
        monkeypatch.setattr(jax, "default_backend", lambda: "other")
    yield request.param
    if request.param == "elsewhere":
        monkeypatch.undo()
        jax.clear_caches()


# of the cases below, those that run with the lowering for other devices too, which is XLA's own and the same for all
ELSEWHERE = {
    "1d strided",
    "2d strided",
    "2d cut",
    "2d grouped, strided, dilated",
    "2d depthwise, strided",
    "3d dilated",
    "1d same",
    "2d overlapping",
    "3d",
}


def everywhere(names):
    cases = [(name, "cpu") for name in names] + [(name, "elsewhere") for name in names if name in ELSEWHERE]
    return pytest.mark.parametrize(("name", "platform"), cases, indirect=["platform"])


def precision(dtype):
    return jax.enable_x64(True) if dtype == "float64" else contextlib.nullcontext()


def close(got, wanted, dtype="float32"):
    got, wanted = np.asarray(got, np.float64), np.asarray(wanted, np.float64)
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * max(1.0, np.abs(wanted).max(initial=0)))


def padded(x, padding, value=0.0):
    """Cells added around the spatial axes of (batch, *spatial, channels), or taken away where negative."""
    for axis, (low, high) in enumerate(padding, 1):
        x = np.take(x, range(max(-low, 0), x.shape[axis] - max(-high, 0)), axis)
    around = [(0, 0), *((max(low, 0), max(high, 0)) for low, high in padding), (0, 0)]
    return np.pad(x, around, constant_values=value)


def places(x, window, strides, dilation):
    """Every place of the output with the part (batch, *window, channels) of the padded input that it sees."""
    counts = [(n - (w - 1) * d - 1) // s + 1 for n, w, s, d in zip(x.shape[1:], window, strides, dilation, strict=False)]
    for place in itertools.product(*map(range, counts)):
        cut = tuple(slice(p * s, p * s + (w - 1) * d + 1, d) for p, s, w, d in zip(place, strides, window, dilation, strict=True))
        yield counts, place, x[(slice(None), *cut)]


def loop_conv(x, kernel, strides, padding, dilation, groups):
    window, filters = kernel.shape[:-2], kernel.shape[-1]
    out = None
    for counts, place, part in places(padded(x, padding), window, strides, dilation):
        out = np.zeros((len(x), *counts, filters)) if out is None else out
        for g in range(groups):
            mine = slice(g * filters // groups, (g + 1) * filters // groups)
            seen = part[..., g * kernel.shape[-2] : (g + 1) * kernel.shape[-2]]
            out[(slice(None), *place, mine)] = np.tensordot(seen, kernel[..., mine], seen.ndim - 1)
    return out


# spatial lengths, kernel lengths, strides, padding, dilation, channels, filters, groups
CONVOLUTIONS = {
    "1d": ((9,), (3,), (1,), ((1, 1),), (1,), 4, 6, 1),
    "1d causal dilated": ((11,), (3,), (1,), ((4, 0),), (2,), 3, 5, 1),
    "1d strided": ((11,), (4,), (3,), ((2, 1),), (1,), 3, 5, 1),
    "1d of one cell": ((7,), (1,), (1,), ((0, 0),), (1,), 3, 5, 1),
    "1d grouped": ((9,), (3,), (2,), ((0, 1),), (1,), 6, 4, 2),
    "1d depthwise": ((9,), (3,), (1,), ((2, 0),), (1,), 3, 6, 3),
    "2d": ((7, 6), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 4, 6, 1),
    "2d pieces of the batch": ((40, 41), (3, 2), (1, 1), ((1, 1), (0, 1)), (1, 1), 2, 3, 1),
    "2d strided": ((8, 9), (3, 2), (2, 3), ((0, 1), (1, 1)), (1, 1), 3, 4, 1),
    "2d dilated": ((9, 8), (3, 2), (1, 1), ((2, 2), (0, 0)), (2, 3), 3, 4, 1),
    "2d of one cell": ((5, 4), (1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1), 3, 4, 1),
    "2d of one cell, strided": ((6, 5), (1, 1), (2, 3), ((0, 0), (0, 0)), (1, 1), 3, 4, 1),
    "2d of one cell, padded": ((4, 5), (1, 1), (2, 1), ((1, 0), (0, 2)), (1, 1), 3, 4, 1),
    "2d cut": ((8, 7), (3, 3), (1, 1), ((-1, 1), (0, -2)), (1, 1), 2, 3, 1),
    "2d grouped": ((6, 5), (3, 2), (1, 1), ((1, 1), (0, 1)), (1, 1), 4, 6, 2),
    "2d grouped, strided, dilated": ((9, 9), (3, 2), (2, 2), ((1, 1), (0, 1)), (2, 1), 6, 3, 3),
    "2d depthwise, strided": ((8, 9), (3, 3), (2, 2), ((1, 1), (0, 1)), (1, 1), 4, 8, 4),
    "3d": ((5, 6, 4), (3, 2, 3), (1, 1, 1), ((1, 1), (0, 1), (1, 1)), (1, 1, 1), 2, 3, 1),
    "3d strided": ((6, 5, 7), (3, 3, 2), (2, 2, 3), ((0, 1), (1, 1), (0, 0)), (1, 1, 1), 2, 3, 1),
    "3d dilated": ((6, 5, 7), (2, 2, 3), (1, 1, 1), ((1, 1), (0, 0), (2, 2)), (3, 2, 2), 2, 3, 1),
    "3d grouped": ((4, 5, 4), (2, 2, 2), (1, 2, 1), ((0, 1), (0, 0), (0, 1)), (1, 1, 1), 4, 4, 2),
    "3d depthwise": ((4, 5, 4), (2, 2, 2), (1, 1, 2), ((0, 1), (0, 0), (0, 1)), (1, 1, 1), 3, 3, 3),
}


def example(name, rng):
    spatial, window, strides, padding, dilation, channels, filters, groups = CONVOLUTIONS[name]
    x = rng.normal(size=(3, *spatial, channels))
    kernel = rng.normal(size=(*window, channels // groups, filters)) / np.sqrt(np.prod(window) * channels)
    return x, kernel, (strides, padding, dilation, groups)


def last_to_first(x):
    return np.moveaxis(x, -1, 1)


def torch_gradients(x, kernel, g, strides, padding, dilation, groups):
    """Gradients of sum(conv(x, kernel) * g), all with channels last."""
    xs, ks = (torch.tensor(v, requires_grad=True) for v in (x, kernel))
    given = torch.nn.functional.pad(xs.movedim(-1, 1), [n for pair in reversed(padding) for n in pair])
    run = getattr(torch.nn.functional, f"conv{len(strides)}d")
    y = run(given, ks.movedim((-1, -2), (0, 1)), None, strides, 0, dilation, groups).movedim(1, -1)
    (y * torch.tensor(g)).sum().backward()
    return xs.grad.numpy(), ks.grad.numpy()


@everywhere(CONVOLUTIONS)
def test_conv_is_the_sum_over_cells_and_channels(name, platform, rng):
    x, kernel, rest = example(name, rng)
    wanted = loop_conv(x, kernel, *rest)
    x, kernel = jnp.asarray(x, jnp.float32), jnp.asarray(kernel, jnp.float32)
    close(nn.conv(x, kernel, *rest, True), wanted)
    close(nn.conv(jnp.moveaxis(x, -1, 1), kernel, *rest, False), last_to_first(wanted))


@everywhere(CONVOLUTIONS)
def test_conv_has_the_gradients_of_torch(name, platform, rng):
    x, kernel, rest = example(name, rng)
    g = rng.normal(size=loop_conv(x, kernel, *rest).shape)
    wanted = torch_gradients(x, kernel, g, *rest)
    with precision("float64"):
        gradient = jax.jit(jax.grad(lambda x, k: (nn.conv(x, k, *rest, True) * g).sum(), (0, 1)))
        for got, right in zip(gradient(jnp.asarray(x), jnp.asarray(kernel)), wanted, strict=True):
            close(got, right, "float64")
        first = jax.jit(jax.grad(lambda x: (nn.conv(x, kernel, *rest, False) * last_to_first(g)).sum()))
        close(first(jnp.asarray(last_to_first(x))), last_to_first(wanted[0]), "float64")


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", ["1d", "2d", "2d depthwise, strided", "2d of one cell", "3d"])
def test_conv_in_each_dtype(name, dtype, rng):
    x, kernel, rest = example(name, rng)
    g = rng.normal(size=loop_conv(x, kernel, *rest).shape)
    wanted = (loop_conv(x, kernel, *rest), *torch_gradients(x, kernel, g, *rest))
    with precision(dtype):
        x, kernel, g = (jnp.asarray(v, dtype) for v in (x, kernel, g))
        y, pull = jax.vjp(lambda x, k: nn.conv(x, k, *rest, True), x, kernel)
        for got, right in zip((y, *pull(g)), wanted, strict=True):
            assert got.dtype == dtype
            close(got.astype("float32" if dtype != "float64" else dtype), right, dtype)


def test_conv_agrees_with_scipy(rng):
    x, kernel = rng.normal(size=(20, 17)), rng.normal(size=(5, 4))
    inputs, cells = jnp.asarray(x[None, ..., None], jnp.float32), jnp.asarray(kernel[..., None, None], jnp.float32)
    got = nn.conv(inputs, cells, (1, 1), ((0, 0), (0, 0)), (1, 1), 1, True)
    close(got[0, ..., 0], signal.correlate(x, kernel, "valid"))


def test_conv_has_second_derivatives(platform, rng):
    x, kernel, rest = example("2d strided", rng)
    v = rng.normal(size=x.shape)
    xs, ks, vs = torch.tensor(x, requires_grad=True), torch.tensor(kernel, requires_grad=True), torch.tensor(v)
    given = torch.nn.functional.pad(xs.movedim(-1, 1), (1, 1, 0, 1))
    loss = torch.tanh(torch.nn.functional.conv2d(given, ks.movedim((-1, -2), (0, 1)), None, rest[0])).sum()
    (along,) = torch.autograd.grad(loss, xs, create_graph=True)
    (along * vs).sum().backward()
    with precision("float64"):

        def slope(x, kernel):
            return (jax.grad(lambda x: jnp.tanh(nn.conv(x, kernel, *rest, True)).sum())(x) * v).sum()

        for got, right in zip(jax.jit(jax.grad(slope, (0, 1)))(jnp.asarray(x), jnp.asarray(kernel)), (xs.grad, ks.grad), strict=True):
            close(got, right.numpy(), "float64")


def test_conv_of_an_empty_batch():
    x, kernel = jnp.zeros((0, 6, 6, 2)), jnp.ones((3, 3, 2, 4))
    dx, dk = jax.grad(lambda x, k: nn.conv(x, k, (1, 1), ((0, 0), (0, 0)), (1, 1), 1, True).sum(), (0, 1))(x, kernel)
    assert dx.shape == (0, 6, 6, 2)
    close(dk, np.zeros((3, 3, 2, 4)))


@pytest.mark.parametrize("multiplier", [1, 3])
def test_depthwise_conv_orders_channels_by_input_then_multiplier(multiplier, platform, rng):
    x, kernel = rng.normal(size=(2, 7, 6, 4)), rng.normal(size=(3, 2, 4, multiplier))
    rest = ((2, 1), ((1, 0), (0, 1)), (1, 2))
    wanted = [loop_conv(x[..., c : c + 1], kernel[..., c : c + 1, :], *rest, 1) for c in range(4)]
    x, kernel = jnp.asarray(x, jnp.float32), jnp.asarray(kernel, jnp.float32)
    close(nn.depthwise_conv(x, kernel, *rest, True), np.concatenate(wanted, -1))
    close(nn.depthwise_conv(jnp.moveaxis(x, -1, 1), kernel, *rest, False), last_to_first(np.concatenate(wanted, -1)))


@pytest.mark.parametrize("batch", [6, 7])
def test_depthwise_kernel_gradient_in_pieces(batch, rng, monkeypatch):
    monkeypatch.setattr(convolution, "_PRODUCTS", 2000)  # so that a small case takes several
    x, kernel, g = rng.normal(size=(batch, 7, 6, 4)), rng.normal(size=(3, 2, 1, 4)), rng.normal(size=(batch, 7, 6, 4))
    rest = ((1, 1), ((1, 1), (0, 1)), (1, 1), 4)
    wanted = torch_gradients(x, kernel, g, *rest)
    with precision("float64"):
        got = jax.grad(lambda x, k: (nn.conv(x, k, *rest, True) * g).sum(), (0, 1))(jnp.asarray(x), jnp.asarray(kernel))
        for one, right in zip(got, wanted, strict=True):
            close(one, right, "float64")


@everywhere([name for name, (*_, groups) in CONVOLUTIONS.items() if groups == 1])
def test_conv_transpose_is_the_gradient_of_conv(name, platform, rng):
    y, kernel, rest = example(name, rng)
    x = rng.normal(size=loop_conv(y, kernel, *rest).shape)
    (wanted, _), (strides, padding, dilation, _) = torch_gradients(y, kernel, x, *rest), rest
    back = torch_gradients(y * 0 + (g := rng.normal(size=y.shape)), kernel, x, *rest)[1]
    with precision("float64"):
        size = y.shape[1:-1]
        got = nn.conv_transpose(jnp.asarray(x), jnp.asarray(kernel), strides, padding, size, dilation, True)
        close(got, wanted, "float64")
        got = nn.conv_transpose(jnp.asarray(last_to_first(x)), jnp.asarray(kernel), strides, padding, size, dilation, False)
        close(got, last_to_first(wanted), "float64")
        # <transpose(x), g> = <x, conv(g)>: its gradient in x is conv(g), in the kernel that of conv at g
        loss = jax.jit(jax.grad(lambda x, k: (nn.conv_transpose(x, k, strides, padding, size, dilation, True) * g).sum(), (0, 1)))
        dx, dk = loss(jnp.asarray(x), jnp.asarray(kernel))
        close(dx, loop_conv(g, kernel, *rest), "float64")
        close(dk, back, "float64")


# ── poolings ─────────────────────────────────────────────────────────────────────────────────────────────────

# spatial lengths, window, strides, padding
POOLS = {
    "1d": ((9,), (2,), (2,), ((0, 0),)),
    "1d same": ((9,), (3,), (2,), ((1, 1),)),
    "1d wide": ((40,), (20,), (7,), ((3, 5),)),
    "2d": ((6, 8), (2, 2), (2, 2), ((0, 0), (0, 0))),
    "2d left over": ((7, 9), (2, 2), (2, 2), ((0, 0), (0, 0))),
    "2d same": ((7, 9), (2, 2), (2, 2), ((0, 1), (0, 1))),
    "2d overlapping": ((8, 9), (3, 3), (2, 2), ((0, 1), (1, 1))),
    "2d strides of 1": ((5, 6), (2, 3), (1, 1), ((0, 1), (1, 1))),
    "2d gaps": ((9, 8), (2, 1), (3, 2), ((0, 0), (0, 0))),
    "2d wide": ((9, 11), (5, 4), (2, 3), ((2, 2), (1, 1))),
    "3d": ((4, 6, 5), (2, 2, 2), (2, 2, 2), ((0, 0), (0, 0), (0, 1))),
    "3d wide": ((5, 6, 5), (3, 3, 3), (2, 1, 2), ((1, 1), (1, 1), (1, 1))),
}


def loop_pool(x, window, strides, padding, how):
    out = None
    for counts, place, part in places(padded(x, padding, np.nan), window, strides, (1,) * len(window)):
        out = np.zeros((len(x), *counts, x.shape[-1])) if out is None else out
        out[(slice(None), *place)] = how(part, axis=tuple(range(1, part.ndim - 1)))
    return out


@everywhere(POOLS)
def test_max_pool(name, platform, rng):
    spatial, *rest = POOLS[name]
    x = rng.normal(size=(2, *spatial, 3))
    wanted = loop_pool(x, *rest, np.nanmax)
    close(nn.max_pool(jnp.asarray(x, jnp.float32), *rest, True), wanted)
    close(nn.max_pool(jnp.asarray(last_to_first(x), jnp.float32), *rest, False), last_to_first(wanted))


@everywhere(POOLS)
def test_average_pool_leaves_padding_out(name, platform, rng):
    spatial, *rest = POOLS[name]
    x = rng.normal(size=(2, *spatial, 3))
    wanted = loop_pool(x, *rest, np.nanmean)
    close(nn.average_pool(jnp.asarray(x, jnp.float32), *rest, True), wanted)
    close(nn.average_pool(jnp.asarray(last_to_first(x), jnp.float32), *rest, False), last_to_first(wanted))


@everywhere(POOLS)
def test_pools_have_the_gradients_of_loops(name, platform, rng):
    """With many ties: all of a maximum's gradient goes to the first cell that holds it, row by row."""
    spatial, window, strides, padding = POOLS[name]
    x = rng.integers(0, 3, size=(2, *spatial, 3)).astype(float)
    g = rng.normal(size=loop_pool(x, window, strides, padding, np.nanmax).shape)
    of_max, of_mean = np.zeros_like(x), np.zeros_like(x)
    for place in itertools.product(*map(range, g.shape[1:-1])):
        starts = [p * s - low for p, s, (low, _) in zip(place, strides, padding, strict=True)]
        cut = tuple(slice(max(a, 0), a + w) for a, w in zip(starts, window, strict=True))
        for b, c in itertools.product(range(2), range(3)):
            part = x[(b, *cut, c)]
            of_max[(b, *cut, c)][np.unravel_index(part.argmax(), part.shape)] += g[(b, *place, c)]
            of_mean[(b, *cut, c)] += g[(b, *place, c)] / part.size
    with precision("float64"):
        for pool, wanted in ((nn.max_pool, of_max), (nn.average_pool, of_mean)):
            got = jax.jit(jax.grad(lambda x, pool=pool: (pool(x, window, strides, padding, True) * g).sum()))(jnp.asarray(x))
            close(got, wanted, "float64")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int32", "uint8"])
def test_max_pool_keeps_the_dtype(dtype, platform, rng):
    x = rng.integers(0, 100, size=(2, 5, 4, 3))
    got = nn.max_pool(jnp.asarray(x, dtype), (3, 3), (2, 2), ((1, 1), (1, 1)), True)
    assert got.dtype == dtype
    close(got.astype("float32"), loop_pool(x.astype(float), (3, 3), (2, 2), ((1, 1), (1, 1)), np.nanmax))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_average_pool_of_16_bits_sums_in_32(dtype, platform):
    """Summed in bfloat16, 1,000 ones stop at 256."""
    got = nn.average_pool(jnp.ones((1, 1000, 1), dtype), (1000,), (1000,), ((0, 0),), True)
    assert got.dtype == dtype
    assert got.item() == 1.0


# ── recurrences ──────────────────────────────────────────────────────────────────────────────────────────────


def loop_lstm(x, h, c, kernel, recurrent, bias, mask, reverse):
    outputs = []
    for t in reversed(range(x.shape[1])) if reverse else range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, -1)
        new_c = special.expit(f) * c + special.expit(i) * np.tanh(g)
        new_h = special.expit(o) * np.tanh(new_c)
        keep = np.ones((len(x), 1), bool) if mask is None else mask[:, t, None]
        h, c = np.where(keep, new_h, h), np.where(keep, new_c, c)
        outputs.append(h)
    return np.stack(outputs, 1), h, c


def torch_lstm(x, h, c, kernel, recurrent, bias, mask, reverse):
    outputs = []
    for t in reversed(range(x.shape[1])) if reverse else range(x.shape[1]):
        i, f, g, o = (x[:, t] @ kernel + h @ recurrent + bias).chunk(4, -1)
        new_c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        new_h = o.sigmoid() * new_c.tanh()
        keep = torch.ones(len(x), 1, dtype=torch.bool) if mask is None else torch.tensor(mask)[:, t, None]
        h, c = torch.where(keep, new_h, h), torch.where(keep, new_c, c)
        outputs.append(h)
    return torch.stack(outputs, 1), h, c


def lstm_arguments(rng, batch=3, time=6, features=4, units=5):
    shapes = (batch, time, features), (batch, units), (batch, units), (features, 4 * units), (units, 4 * units), (4 * units,)
    return [rng.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_lstm(masked, reverse, rng):
    arguments = lstm_arguments(rng)
    mask = rng.random((3, 6)) < 0.6 if masked else None
    wanted = loop_lstm(*arguments, mask, reverse)
    got = nn.lstm(*(jnp.asarray(a, jnp.float32) for a in arguments), mask if mask is None else jnp.asarray(mask), reverse)
    for one, right in zip(got, wanted, strict=True):
        close(one, right)


def test_lstm_without_bias(rng):
    arguments = lstm_arguments(rng)[:-1]
    wanted = loop_lstm(*arguments, 0, None, False)
    for one, right in zip(nn.lstm(*(jnp.asarray(a, jnp.float32) for a in arguments), None, None, False), wanted, strict=True):
        close(one, right)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_lstm_has_the_gradients_of_torch(masked, reverse, rng):
    arguments = lstm_arguments(rng)
    mask = rng.random((3, 6)) < 0.6 if masked else None
    weights = [rng.normal(size=shape) for shape in ((3, 6, 5), (3, 5), (3, 5))]
    tensors = [torch.tensor(a, requires_grad=True) for a in arguments]
    sum((y * torch.tensor(w)).sum() for y, w in zip(torch_lstm(*tensors, mask, reverse), weights, strict=True)).backward()
    with precision("float64"):

        def loss(*arguments):
            outputs = nn.lstm(*arguments, mask if mask is None else jnp.asarray(mask), reverse)
            return sum((y * w).sum() for y, w in zip(outputs, weights, strict=True))

        for got, tensor in zip(jax.jit(jax.grad(loss, range(6)))(*map(jnp.asarray, arguments)), tensors, strict=True):
            close(got, tensor.grad.numpy(), "float64")


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_lstm_in_16_bits(dtype, rng):
    arguments = [a / 2 for a in lstm_arguments(rng)]
    wanted = loop_lstm(*arguments, None, False)
    for one, right in zip(nn.lstm(*(jnp.asarray(a, dtype) for a in arguments), None, False), wanted, strict=True):
        assert one.dtype == dtype
        close(one.astype("float32"), right, dtype)
