"""PyTorch's convolutions and poolings against JAX's, its overrides against formulas and finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import torch
from jax import lax

from cornu.backends import torch as backend
from cornu.backends.torch import nn, recurrent


def pair(rng, *shape):
    """The same numbers for both."""
    x = rng.standard_normal(shape, np.float32)
    return torch.from_numpy(x).requires_grad_(), jnp.asarray(x)


def first(x):
    return jnp.moveaxis(x, -1, 1) if isinstance(x, jax.Array) else x.movedim(-1, 1)


def same_with_gradients(ours, theirs, tensors, arrays, rng, atol=1e-4):
    """Both functions agree in value, and in gradient for a random cotangent."""
    y = ours(*tensors)
    expected, pullback = jax.vjp(theirs, *arrays)
    np.testing.assert_allclose(y.detach().numpy(), expected, atol=atol)
    cotangent = rng.standard_normal(y.shape, np.float32)
    grads = torch.autograd.grad(y, tensors, torch.from_numpy(cotangent))
    for grad, wanted in zip(grads, pullback(jnp.asarray(cotangent)), strict=True):
        np.testing.assert_allclose(grad.numpy(), wanted, atol=atol)


def lax_layout(rank, channels_last):
    spatial = "XYZ"[:rank]
    return (f"N{spatial}C" if channels_last else f"NC{spatial}", f"{spatial}IO", f"N{spatial}C" if channels_last else f"NC{spatial}")


CONVOLUTIONS = [
    # spatial lengths, window, strides, padding, dilation, groups, in, out
    ((8,), (3,), (2,), ((2, 0),), (1,), 1, 2, 3),
    ((9,), (2,), (1,), ((1, 1),), (3,), 2, 4, 6),
    ((6, 7), (2, 3), (2, 3), ((0, 1), (1, 1)), (1, 1), 2, 4, 2),
    ((7, 6), (3, 2), (1, 1), ((2, 2), (1, 1)), (2, 1), 1, 1, 3),
    ((5, 4), (1, 1), (1, 2), ((0, 0), (0, 0)), (1, 1), 1, 3, 2),
    ((4, 5, 4), (2, 3, 1), (1, 2, 1), ((1, 0), (1, 1), (0, 0)), (1, 1, 1), 1, 2, 3),
]


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize(("lengths", "window", "strides", "padding", "dilation", "groups", "channels", "filters"), CONVOLUTIONS)
def test_conv_agrees_with_jax(rng, lengths, window, strides, padding, dilation, groups, channels, filters, channels_last):
    shape = (2, *lengths, channels) if channels_last else (2, channels, *lengths)
    (x, a), (kernel, k) = pair(rng, *shape), pair(rng, *window, channels // groups, filters)
    layout = lax_layout(len(window), channels_last)

    def theirs(a, k):
        return lax.conv_general_dilated(a, k, strides, padding, rhs_dilation=dilation, dimension_numbers=layout, feature_group_count=groups)

    same_with_gradients(lambda x, k: nn.conv(x, k, strides, padding, dilation, groups, channels_last), theirs, (x, kernel), (a, k), rng)


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_depthwise_conv_agrees_with_jax(rng, rank, channels_last):
    lengths, window, ones = (6, 5, 4)[:rank], (2, 3, 2)[:rank], (1,) * rank
    (x, a), (kernel, k) = pair(rng, *((2, *lengths, 3) if channels_last else (2, 3, *lengths))), pair(rng, *window, 3, 4)
    padding = ((1, 1), (0, 2), (1, 0))[:rank]

    def theirs(a, k):
        k = k.reshape(*window, 1, 12)
        return lax.conv_general_dilated(a, k, ones, padding, dimension_numbers=lax_layout(rank, channels_last), feature_group_count=3)

    same_with_gradients(lambda x, k: nn.depthwise_conv(x, k, ones, padding, ones, channels_last), theirs, (x, kernel), (a, k), rng)


TRANSPOSES = [
    # spatial lengths of the output, window, strides, padding, dilation
    ((8,), (3,), (2,), ((0, 1),), (1,)),
    ((9,), (2,), (3,), ((0, 0),), (2,)),
    ((6, 7), (3, 2), (2, 2), ((1, 1), (0, 0)), (1, 1)),
    ((6, 6), (3, 3), (2, 1), ((1, 0), (2, 1)), (1, 1)),
    ((8, 6), (2, 1), (3, 2), ((0, -1), (0, -1)), (1, 1)),
    ((4, 5, 4), (2, 2, 2), (1, 2, 1), ((0, 0), (0, 1), (1, 0)), (1, 1, 2)),
]


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize(("lengths", "window", "strides", "padding", "dilation"), TRANSPOSES)
def test_conv_transpose_is_the_gradient_of_jaxs_convolution(rng, lengths, window, strides, padding, dilation, channels_last):
    whole = (2, *lengths, 3) if channels_last else (2, 3, *lengths)
    kernel, k = pair(rng, *window, 3, 4)
    layout = lax_layout(len(window), channels_last)

    def forward(u, k):
        return lax.conv_general_dilated(u, k, strides, padding, rhs_dilation=dilation, dimension_numbers=layout)

    x, a = pair(rng, *jax.eval_shape(forward, jnp.zeros(whole), k).shape)

    def theirs(a, k):
        return jax.vjp(lambda u: forward(u, k), jnp.zeros(whole))[1](a)[0]

    same_with_gradients(
        lambda x, k: nn.conv_transpose(x, k, strides, padding, lengths, dilation, channels_last), theirs, (x, kernel), (a, k), rng
    )


POOLINGS = [
    ((7,), (2,), (2,), ((0, 1),)),
    ((7,), (3,), (1,), ((1, 1),)),
    ((8,), (3,), (2,), ((2, 0),)),
    ((5, 6), (2, 2), (2, 2), ((0, 1), (0, 0))),
    ((6, 7), (3, 2), (2, 3), ((0, 0), (1, 0))),
    ((7, 5), (2, 2), (3, 1), ((0, 0), (0, 1))),  # rounding up would add a place along the first axis
    ((6, 6), (3, 3), (1, 1), ((2, 0), (0, 2))),
    ((4, 5, 6), (2, 3, 2), (1, 2, 2), ((1, 0), (1, 1), (0, 0))),
    ((5, 5, 5), (2, 2, 2), (2, 2, 2), ((0, 1), (0, 1), (0, 1))),
]


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize(("lengths", "window", "strides", "padding"), POOLINGS)
def test_pooling_agrees_with_jax(rng, lengths, window, strides, padding, channels_last):
    x, a = pair(rng, *((2, *lengths, 3) if channels_last else (2, 3, *lengths)))
    beyond = ((0, 0), *padding, (0, 0)) if channels_last else ((0, 0), (0, 0), *padding)
    size, steps = ((1, *window, 1), (1, *strides, 1)) if channels_last else ((1, 1, *window), (1, 1, *strides))

    def largest(a):
        return lax.reduce_window(a, -jnp.inf, lax.max, size, steps, beyond)

    def mean(a):
        return lax.reduce_window(a, 0.0, lax.add, size, steps, beyond) / lax.reduce_window(
            jnp.ones_like(a), 0.0, lax.add, size, steps, beyond
        )

    same_with_gradients(lambda x: nn.max_pool(x - 5, window, strides, padding, channels_last), lambda a: largest(a - 5), (x,), (a,), rng)
    same_with_gradients(lambda x: nn.average_pool(x, window, strides, padding, channels_last), mean, (x,), (a,), rng)


@pytest.mark.parametrize("padding", [((0, 1),), ((3, 0),)])
def test_max_pool_of_integers_and_booleans(padding):
    x = np.array([-7, -3, -9, -4, -8]).reshape(1, 5, 1)
    expected = {((0, 1),): [-3, -4, -8], ((3, 0),): [-7, -3, -3]}[padding]
    window = (2,) if padding == ((0, 1),) else (4,)
    for dtype in (torch.int8, torch.int32, torch.int64):
        assert nn.max_pool(torch.tensor(x, dtype=dtype), window, (2,), padding, True).flatten().tolist() == expected
    truth = torch.tensor(x > -4)
    assert nn.max_pool(truth, window, (2,), padding, True).flatten().tolist() == [n > -4 for n in expected]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_small_floats(rng, dtype, rank):
    """Whole numbers small enough to be exact: the results must be float32's."""
    lengths, ones, none = (5, 4, 4)[:rank], (1,) * rank, ((0, 1),) * rank
    x = torch.from_numpy(rng.integers(-2, 3, (2, *lengths, 2))).float()
    kernel = torch.from_numpy(rng.integers(-1, 2, (*(2,) * rank, 2, 2))).float()
    calls = [
        lambda x, k: nn.conv(x, k, ones, none, ones, 1, True),
        lambda x, k: nn.depthwise_conv(x, k, ones, none, ones, True),
        lambda x, k: nn.conv_transpose(x, k, ones, ((0, 0),) * rank, [n + 1 for n in lengths], ones, True),
        lambda x, k: nn.max_pool(x, (2,) * rank, ones, none, True),
        lambda x, k: nn.average_pool(x, (2,) * rank, (2,) * rank, ((0, 0),) * rank, True),
    ]
    for call in calls:
        small = [v.to(dtype).requires_grad_() for v in (x, kernel)]
        y = call(*small)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y.detach().float().numpy(), call(x, kernel).numpy())
        y.sum().backward()
        assert small[0].grad.dtype == dtype


# ── overrides ────────────────────────────────────────────────────────────────────────────────────────────


ACTIVATIONS = {
    "relu": (nn.relu, lambda x: np.maximum(x, 0)),
    "relu6": (nn.relu6, lambda x: np.clip(x, 0, 6)),
    "leaky_relu": (nn.leaky_relu, lambda x: np.where(x > 0, x, 0.2 * x)),
    "leaky_relu 0.1": (lambda x: nn.leaky_relu(x, negative_slope=0.1), lambda x: np.where(x > 0, x, 0.1 * x)),
    "elu": (nn.elu, lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
    "elu 2": (lambda x: nn.elu(x, alpha=2), lambda x: np.where(x > 0, x, 2 * np.expm1(np.minimum(x, 0)))),
    "selu": (nn.selu, lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))),
    "gelu tanh": (nn.gelu, lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))),
    "gelu": (lambda x: nn.gelu(x, approximate=False), lambda x: x * scipy.special.ndtr(x)),
    "silu": (nn.silu, lambda x: x * scipy.special.expit(x)),
    "hard_sigmoid": (nn.hard_sigmoid, lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    "hard_silu": (nn.hard_silu, lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "softplus": (nn.softplus, lambda x: np.logaddexp(x, 0)),
    "log_sigmoid": (nn.log_sigmoid, lambda x: -np.logaddexp(-x, 0)),
    "softmax": (nn.softmax, lambda x: scipy.special.softmax(x, -1)),
    "softmax 0": (lambda x: nn.softmax(x, axis=0), lambda x: scipy.special.softmax(x, 0)),
    "log_softmax": (nn.log_softmax, lambda x: scipy.special.log_softmax(x, -1)),
    "log_softmax 0": (lambda x: nn.log_softmax(x, axis=0), lambda x: scipy.special.log_softmax(x, 0)),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_their_formulas(rng, name):
    activation, formula = ACTIVATIONS[name]
    x = np.concatenate([rng.uniform(-8, 8, (3, 5)), [[-700, -30, 25, 35, 700]]])
    np.testing.assert_allclose(activation(torch.from_numpy(x)).numpy(), formula(x), rtol=1e-12, atol=1e-14)
    small = torch.from_numpy(rng.uniform(-4, 4, (3, 5)))
    assert torch.autograd.gradcheck(activation, small.requires_grad_())
    for dtype, tolerance in ((torch.float16, 2e-3), (torch.bfloat16, 2e-2)):
        y = activation(small.detach().to(dtype))
        assert y.dtype == dtype
        np.testing.assert_allclose(y.float().numpy(), formula(small.detach().to(dtype).double().numpy()), rtol=tolerance, atol=tolerance)


def test_overrides_decline_what_needs_promotion_or_is_not_theirs():
    x, whole = torch.ones(2, 3), torch.ones(2, 3, dtype=torch.int32)
    for name in {name.split()[0] for name in ACTIVATIONS}:
        assert getattr(nn, name)(whole) is NotImplemented
        assert getattr(nn, name)([1.0, 2.0]) is NotImplemented
    assert nn.leaky_relu(x, torch.ones(3)) is NotImplemented
    assert nn.elu(x, torch.ones(3)) is NotImplemented
    assert nn.softmax(x, None) is nn.log_softmax(x, (0, 1)) is NotImplemented
    assert nn.dense(x, torch.ones(3, 4)) is NotImplemented
    assert nn.dense(x, torch.ones(3, 4).half(), torch.ones(4)) is NotImplemented
    assert nn.layer_normalization(x, axis=0) is nn.layer_normalization(x, torch.ones(1, 3)) is NotImplemented
    assert nn.layer_normalization(x, torch.ones(3).double()) is NotImplemented
    assert nn.batch_normalization(x.half(), torch.ones(3), torch.ones(3), -1) is NotImplemented


@pytest.mark.parametrize("shape", [(4,), (5, 4), (2, 3, 4)])
def test_dense_is_an_affine_map(rng, shape):
    x, kernel, bias = (torch.from_numpy(rng.standard_normal(s)).requires_grad_() for s in (shape, (4, 3), (3,)))
    expected = x.detach().numpy() @ kernel.detach().numpy() + bias.detach().numpy()
    np.testing.assert_allclose(nn.dense(x, kernel, bias).detach().numpy(), expected, atol=1e-12)
    assert torch.autograd.gradcheck(nn.dense, (x, kernel, bias))


@pytest.mark.parametrize(("axis", "axes"), [(-1, (2,)), (2, (2,)), ((1, 2), (1, 2)), ([-1, 1], (1, 2))])
@pytest.mark.parametrize("affine", [True, False])
def test_layer_normalization(rng, axis, axes, affine):
    x = rng.standard_normal((2, 3, 4))
    gamma, beta = (rng.standard_normal([x.shape[a] for a in axes]) if affine else None for _ in range(2))
    expected = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-3)
    expected = expected * gamma + beta if affine else expected
    args = [None if v is None else torch.from_numpy(v).requires_grad_() for v in (x, gamma, beta)]
    y = nn.layer_normalization(*args, axis=axis, epsilon=1e-3)
    np.testing.assert_allclose(y.detach().numpy(), expected, atol=1e-12)
    assert torch.autograd.gradcheck(lambda *v: nn.layer_normalization(*v, axis=axis, epsilon=1e-3), args)
    exact = nn.layer_normalization(torch.tensor([[-1e-3, 1e-3]], dtype=torch.float64))  # epsilon is 1e-7 by default
    np.testing.assert_allclose(exact.numpy(), np.array([[-1e-3, 1e-3]]) / np.sqrt(1e-6 + 1e-7), rtol=1e-12)


@pytest.mark.parametrize("axis", [-1, 1, 3])
@pytest.mark.parametrize(("offset", "scale"), [(True, True), (False, True), (True, False), (False, False)])
def test_batch_normalization(rng, axis, offset, scale):
    x = rng.standard_normal((2, 3, 2, 3))
    mean, variance, offset, scale = rng.standard_normal(3), rng.uniform(0.5, 2, 3), offset or None, scale or None
    offset, scale = (rng.standard_normal(3) if v else None for v in (offset, scale))
    along = (None, slice(None), None, None) if axis == 1 else (None, None, None, slice(None))
    expected = (x - mean[along]) / np.sqrt(variance[along] + 1e-3)
    expected = expected * (1 if scale is None else scale[along]) + (0 if offset is None else offset[along])
    args = [None if v is None else torch.from_numpy(v).requires_grad_() for v in (x, mean, variance, offset, scale)]

    def normalised(x, mean, variance, offset, scale):
        return nn.batch_normalization(x, mean, variance, axis, offset, scale)

    np.testing.assert_allclose(normalised(*args).detach().numpy(), expected, atol=1e-12)
    assert torch.autograd.gradcheck(normalised, args)


# ── LSTM ─────────────────────────────────────────────────────────────────────────────────────────────────


def lstm_looped(x, h, c, kernel, recurrent_kernel, bias, mask, reverse):
    """The recurrence step by step, S. Hochreiter and J. Schmidhuber with forget gates, on arrays or tensors of either library."""
    outputs, steps = [], range(x.shape[1])
    for t in reversed(steps) if reverse else steps:
        gates = x[:, t] @ kernel + h @ recurrent_kernel + (0 if bias is None else bias)
        i, f, g, o = (gates[:, n * h.shape[1] : (n + 1) * h.shape[1]] for n in range(4))
        new_c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        new_h = jax.nn.sigmoid(o) * jnp.tanh(new_c)
        keep = jnp.ones((len(x), 1), bool) if mask is None else jnp.asarray(mask)[:, t, None]
        h, c = jnp.where(keep, new_h, h), jnp.where(keep, new_c, c)
        outputs.append(h)
    return jnp.stack(outputs, 1), h, c


def lstm_arguments(rng, state=True, bias=True, batch=3, steps=6, features=2, units=4):
    shapes = [(batch, steps, features), (batch, units), (batch, units), (features, 4 * units), (units, 4 * units), (4 * units,)]
    arrays = [rng.standard_normal(shape, np.float32) for shape in shapes]
    arrays[1:3] = arrays[1:3] if state else [np.zeros_like(a) for a in arrays[1:3]]
    return arrays if bias else [*arrays[:-1], None]


AT_END = np.arange(6) < np.array([[4], [6], [0]])
AT_START = np.arange(6) >= np.array([[2], [0], [5]])
BOTH = AT_START & (np.arange(6) < np.array([[5], [6], [6]]))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("mask", "state"),
    [(None, True), (np.ones((3, 6), bool), True), (AT_END, True), (AT_END, False), (AT_START, False), (BOTH, False)],
    ids=["none", "all", "filled at the end", "filled at the end, from 0", "filled at the start", "filled at both ends"],
)
def test_lstm_is_the_recurrence(rng, mask, state, bias, reverse):
    arrays = lstm_arguments(rng, state, bias)
    mask = mask if mask is None or not reverse else mask[:, ::-1].copy()
    inputs = [0, 3, 4] if not state else [0, 1, 2, 3, 4]  # a state of 0 is a constant
    inputs += [5] if bias else []
    tensors = [None if a is None else torch.from_numpy(a).requires_grad_(n in inputs) for n, a in enumerate(arrays)]
    y = recurrent.lstm(*tensors, None if mask is None else torch.from_numpy(mask), reverse)

    def theirs(*given):
        full = list(arrays)
        for n, value in zip(inputs, given, strict=True):
            full[n] = value
        return lstm_looped(*full, mask, reverse)

    expected, pullback = jax.vjp(theirs, *(jnp.asarray(arrays[n]) for n in inputs))
    cotangents = tuple(rng.standard_normal(e.shape, np.float32) for e in expected)
    for ours, wanted in zip(y, expected, strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), wanted, atol=1e-5)
    grads = torch.autograd.grad(y, [tensors[n] for n in inputs], [torch.from_numpy(g) for g in cotangents])
    for ours, wanted in zip(grads, pullback(tuple(map(jnp.asarray, cotangents))), strict=True):
        np.testing.assert_allclose(ours.numpy(), wanted, atol=1e-4)


def test_lstm_declines_masks_that_its_gates_cannot_express(rng):
    def run(mask, state, **changed):
        arrays = [torch.from_numpy(a) for a in lstm_arguments(rng, state)]
        arrays[1].requires_grad_(changed.get("learned", False))
        return recurrent.lstm(*arrays, torch.from_numpy(mask), False)

    between = np.array([[True, False, True, True, True, True]] * 3)
    assert run(between, False) is NotImplemented
    assert run(AT_START, True) is NotImplemented  # the state would change before the first step that counts
    assert run(AT_START, False, learned=True) is NotImplemented  # and so would its gradient
    mixed = [torch.from_numpy(a) for a in lstm_arguments(rng)]
    assert recurrent.lstm(mixed[0].half(), *mixed[1:], None, False) is NotImplemented


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("mask", [None, AT_END], ids=["none", "filled at the end"])
def test_lstm_in_small_floats(rng, dtype, mask):
    arrays = lstm_arguments(rng)
    tensors = [torch.from_numpy(a).to(dtype).requires_grad_() for a in arrays]
    y, _, c = recurrent.lstm(*tensors, None if mask is None else torch.from_numpy(mask), False)
    expected, _, last = lstm_looped(*(t.detach().float().numpy() for t in tensors), mask, False)
    assert y.dtype == c.dtype == dtype
    np.testing.assert_allclose(y.detach().float().numpy(), expected, atol=0.05)
    np.testing.assert_allclose(c.detach().float().numpy(), last, atol=0.05)
    assert all(g.isfinite().all() for g in torch.autograd.grad(y.float().sum(), tensors))


def test_lstm_has_shapes_without_numbers():
    shapes = [(3, 6, 2), (3, 4), (3, 4), (2, 16), (4, 16), (16,)]
    hollow = [torch.empty(s, device="meta") for s in shapes]
    y, h, c = recurrent.lstm(*hollow, torch.empty(3, 6, dtype=torch.bool, device="meta"), False)
    assert [tuple(v.shape) for v in (y, h, c)] == [(3, 6, 4), (3, 4), (3, 4)]


def test_the_package_gathers_them():
    assert all(getattr(backend, name) is getattr(nn, name) for name in nn.__all__)
