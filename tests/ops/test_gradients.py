"""Gradients on JAX and PyTorch: against central differences computed by the numpy backend in float64, and at the points where a formula breaks."""

import numpy as np
import pytest

from cornu import backends, ops, use_backend

RNG = np.random.default_rng(8)
X = RNG.uniform(0.2, 0.9, size=(2, 3)) * np.array([[1, -1, 1], [-1, 1, -1]])
POSITIVE = np.abs(X) + 0.1
Y = RNG.uniform(0.3, 0.8, size=(3,))
ABOVE_ONE = POSITIVE + 1
SPD = np.array([[2.0, 0.5], [0.5, 1.0]])
CUBE = RNG.normal(size=(2, 3, 4))

ONE = {
    "exp expm1 exp2 erf erfc sigmoid square negative sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arctanh absolute fabs sinc deg2rad rad2deg": X,
    "log log1p log2 log10 sqrt rsqrt cbrt reciprocal": POSITIVE,
    "arccosh": ABOVE_ONE,
    "erfinv": X,
    "relu leaky_relu elu celu selu gelu silu hard_sigmoid hard_silu hard_tanh softplus squareplus softsign log_sigmoid sparse_plus "
    "sparse_sigmoid tanh_shrink": X * 3,
    "softmax log_softmax sparsemax logsumexp sum mean var std prod max min ptp cumsum cumprod sort median nansum nanmean nanvar norm normalize": X,
    "floor ceil round sign": X * 3,
    "hard_shrink soft_shrink": X * 3,
    "ravel transpose flip squeeze fliplr": X,
    "rms_normalization layer_normalization diff trapezoid corrcoef": X,
    "inv det logdet": SPD,
    "trace diagonal tril triu diag": SPD,
}
CALLS = [
    *((name, getattr(ops, name), (x,)) for names, x in ONE.items() for name in names.split()),
    *(
        (name, getattr(ops, name), (X, Y))
        for name in (
            "add",
            "subtract",
            "multiply",
            "divide",
            "maximum",
            "minimum",
            "arctan2",
            "hypot",
            "logaddexp",
            "logaddexp2",
            "fmax",
            "divide_no_nan",
        )
    ),
    ("power", ops.power, (POSITIVE, Y)),
    ("mod", ops.mod, (X, Y)),
    ("power of a number", lambda x: ops.power(x, 3), (X,)),
    ("clip", lambda x: ops.clip(x, -0.5, 0.5), (X,)),
    ("where", lambda x, y: ops.where(ops.greater(x, 0), x * 2, y), (X, Y)),
    ("moments", lambda x: ops.moments(x, 0)[1], (X,)),
    ("mean over axes", lambda x: ops.mean(x, (0, 2), keepdims=True), (CUBE,)),
    ("max over an axis", lambda x: ops.max(x, 1), (CUBE,)),
    ("norm of order 3", lambda x: ops.norm(x, 3, axis=1), (X,)),
    ("nuclear norm", lambda x: ops.norm(x, "nuc"), (SPD,)),
    ("reshape", lambda x: ops.reshape(x, (3, 2)), (X,)),
    ("transpose", lambda x: ops.transpose(x, (2, 0, 1)), (CUBE,)),
    ("concatenate", lambda x, y: ops.concatenate([x, ops.expand_dims(y, 0)], 0), (X, Y)),
    ("stack", lambda x, y: ops.stack([y, y, x[0]], 1), (X, Y)),
    ("split", lambda x: ops.split(x, 3, 1)[1], (X,)),
    ("pad", lambda x: ops.pad(x, ((1, 0), (2, 1))), (X,)),
    *((f"pad {mode}", lambda x, mode=mode: ops.pad(x, ((1, 1), (2, 1)), mode), (X,)) for mode in ("reflect", "symmetric", "edge", "wrap")),
    ("tile", lambda x: ops.tile(x, (2, 1, 2)), (X,)),
    ("repeat", lambda x: ops.repeat(x, [1, 0, 3], 1), (X,)),
    ("roll", lambda x: ops.roll(x, 2, 1), (X,)),
    ("broadcast_to", lambda y: ops.broadcast_to(y, (4, 3)), (Y,)),
    ("get_item", lambda x: ops.get_item(x, (slice(None, None, -1), np.array([2, 2, 0]))), (X,)),
    ("take", lambda x: ops.take(x, np.array([[2, 0], [2, 2]]), 1), (X,)),
    ("take_along_axis", lambda x: ops.take_along_axis(x, np.array([[2, 0], [1, 1]]), 1), (X,)),
    ("slice", lambda x: ops.slice(x, [0, 1], (2, 2)), (X,)),
    ("slice_update", lambda x, y: ops.slice_update(x, [1, 0], ops.expand_dims(y, 0)), (X, Y)),
    *(
        (f"scatter_update {r}", lambda x, y, r=r: ops.scatter_update(x, [[0, 1], [1, 2], [0, 0]], y, r), (X, Y))
        for r in (None, "add", "max", "min", "mul")
    ),
    ("segment_sum", lambda x: ops.segment_sum(x, np.array([1, 1]), 3), (X,)),
    ("segment_max", lambda x: ops.segment_max(x[:, :2], np.array([0, 0]), 1), (X,)),
    ("matmul", lambda x, y: ops.matmul(x, ops.transpose(x) * ops.expand_dims(y, 1)), (X, Y)),
    ("einsum", lambda x, y: ops.einsum("ij,j,ik->k", x, y, x), (X, Y)),
    ("tensordot", lambda x, y: ops.tensordot(x, y, 1), (X, Y)),
    ("kron", ops.kron, (X, Y)),
    ("cross", ops.cross, (X, Y)),
    ("solve", lambda a, y: ops.solve(a, y[:2]), (SPD, Y)),
    ("solve_triangular", lambda a, y: ops.solve_triangular(a, y[:2], lower=True), (SPD, Y)),
    ("cholesky", lambda a: ops.cholesky((a + ops.transpose(a)) / 2), (SPD,)),
    ("eigenvalues", lambda a: ops.eigh((a + ops.transpose(a)) / 2)[0], (SPD,)),
    ("singular values", lambda a: ops.svd(a, compute_uv=False), (X,)),
    ("pinv", ops.pinv, (SPD,)),
    ("quantile", lambda x: ops.quantile(x, 0.3), (X,)),
    ("cdist", ops.cdist, (X, X[::-1] + 1)),
    ("average", lambda x, y: ops.average(x, 1, y), (X, Y)),
    ("correlate", lambda y: ops.correlate(y, y, "full"), (Y,)),
    ("linspace", lambda y: ops.linspace(y, y * 2, 4), (Y,)),
    ("logsumexp", lambda x: ops.logsumexp(x, 1), (X,)),
    ("glu", lambda x: ops.glu(x, 0), (X,)),
    ("psnr", lambda x: ops.psnr(x, x * 0.5, 1.0), (X,)),
    ("binary_crossentropy", lambda x: ops.binary_crossentropy(np.array([0.0, 1, 1]), x[0], from_logits=True), (X,)),
    ("categorical_crossentropy", lambda p: ops.categorical_crossentropy(np.eye(3)[:2], p), (POSITIVE,)),
    ("sparse_categorical_crossentropy", lambda x: ops.sparse_categorical_crossentropy(np.array([2, 0]), x, from_logits=True), (X,)),
    ("batch_normalization", lambda x, m: ops.batch_normalization(x, m, m * m, -1, m, m), (X, Y)),
    (
        "attention",
        lambda q, k: ops.dot_product_attention(
            ops.reshape(q, (1, 2, 2, 6)), ops.reshape(k, (1, 2, 2, 6)), ops.reshape(k, (1, 2, 2, 6)), is_causal=True
        ),
        (CUBE, CUBE[::-1] * 0.5),
    ),
    ("resize", lambda x: ops.image.resize(ops.expand_dims(x, -1), (3, 5), "bicubic", antialias=True), (X,)),
    ("resize by taps", lambda x: ops.image.resize(ops.expand_dims(x, -1), (4, 2)), (X,)),
    ("map_coordinates", lambda x, y: ops.image.map_coordinates(x, ops.stack([y, y * 2]), 1), (X, Y)),
    ("scale_and_translate", lambda x, y: ops.image.scale_and_translate(x, (3, 4), y[:2] * 2, y[1:], (0, 1), "cubic"), (X, Y)),
    ("gaussian_blur", lambda x: ops.image.gaussian_blur(ops.expand_dims(x, -1)), (X,)),
    ("ssim", lambda x: ops.image.ssim(ops.expand_dims(x, -1), ops.expand_dims(x * x, -1), filter_size=1), (POSITIVE,)),
    ("unfold and fold", lambda x: ops.fold(ops.square(ops.unfold(ops.reshape(x, (1, 1, 2, 3)), 2)), (2, 3), 2), (X,)),
    ("stft", lambda x: ops.square(ops.stft(x, 2, 1, 2)[0]), (CUBE[0],)),
    ("irfft", lambda x: ops.irfft((x, x * 2), 4), (X,)),
    ("fori_loop", lambda x: ops.fori_loop(0, 3, lambda i, v: v * v + i, x), (X,)),
]


def gradients(loss, values):
    """The loss's gradient for each value; on a backend that compiles, compiled as a whole."""
    on = backends.current()

    def slopes(state, values):
        return on.value_and_grad(lambda vs: (loss(*vs), None), values)[1], []

    return (slopes if on.EAGER else on.compile(slopes, [], values, list))([], values)[0]


def weighted(result, weights):
    """One number of a result: its elements times fixed weights."""
    return ops.sum(ops.multiply(result, weights))


def numerical(function, values, weights, step=1e-6):
    """Central differences in float64, by the numpy backend."""
    found = []
    for which, value in enumerate(values):
        gradient = np.zeros_like(value)
        for place in np.ndindex(value.shape):
            ends = []
            for sign in (1, -1):
                moved = [v.copy() for v in values]
                moved[which][place] += sign * step
                ends.append(float(weighted(function(*moved), weights)))
            gradient[place] = (ends[0] - ends[1]) / (2 * step)
        found.append(gradient)
    return found


@pytest.mark.parametrize(("name", "function", "values"), CALLS, ids=lambda v: v if isinstance(v, str) else "")
def test_gradient_is_the_slope(name, function, values, trainable_backend):
    values = [np.asarray(v, np.float64) for v in values]
    with use_backend("numpy"):
        weights = np.asarray(np.cos(np.arange(ops.size(function(*values)))).reshape(function(*values).shape))
        expected = numerical(function, values, weights)
    given = [ops.convert_to_tensor(v, "float32") for v in values]
    found = gradients(lambda *vs: weighted(function(*vs), weights.astype(np.float32)), given)
    for gradient, slope in zip(found, expected, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(gradient), slope, rtol=2e-3, atol=2e-4)


def gradient_of(function, *values):
    given = [ops.convert_to_tensor(v, "float32") for v in values]
    return [ops.convert_to_numpy(g).tolist() for g in gradients(lambda *vs: ops.sum(function(*vs)), given)]


CORNERS = [
    ("relu at 0", ops.relu, ([0.0, 1.0, -1.0],), [[0, 1, 0]]),
    ("elu at 0", ops.elu, ([0.0],), [[1]]),
    ("squareplus at 0", ops.squareplus, ([0.0],), [[0.5]]),
    ("softplus at 0", ops.softplus, ([0.0],), [[0.5]]),
    ("sinc at 0", ops.sinc, ([0.0],), [[0]]),
    ("absolute at 0", ops.absolute, ([0.0],), [[0]]),
    ("maximum of equals", ops.maximum, ([1.0], [1.0]), [[0.5], [0.5]]),
    ("max of equals", ops.max, ([2.0, 2.0],), [[0.5, 0.5]]),
    ("clip at the bounds", lambda x: ops.clip(x, 0.0, 1.0), ([-1.0, 0.5, 2.0],), [[0, 1, 0]]),
    ("clip on the bounds", lambda x: ops.clip(x, -1, 1), ([-1.0, 1.0],), [[1, 1]]),
    ("clip on bounds that are arrays", ops.clip, ([-1.0, 1.0, 3.0], [-1.0] * 3, [1.0] * 3), [[1, 1, 0], [0, 0, 0], [0, 0, 1]]),
    ("hard_tanh at its corners", ops.hard_tanh, ([-1.0, 1.0, 2.0],), [[1, 1, 0]]),
    ("hypot at 0", ops.hypot, ([0.0, 3.0, 0.0], [0.0, 4.0, 2.0]), [[0, 0.6, 0], [0, 0.8, 1]]),
    ("i0 at 0", ops.i0, ([0.0],), [[0]]),
    ("i0 far out", lambda x: ops.divide(ops.i0(x), 5.1392383e37), ([90.0, 0.0],), [[0.9944288, 0]]),
    ("relu6 at its corners", ops.relu6, ([0.0, 6.0, 3.0, 7.0],), [[0, 0, 1, 0]]),
    ("cumprod through 0", lambda x: ops.cumprod(x, 1), ([[0.0, 2.0, 3.0], [2.0, 0.0, 3.0]],), [[[9, 0, 0], [1, 8, 0]]]),
    ("distance of equals", ops.cdist, ([[1.0, 2.0]], [[1.0, 2.0]]), [[[0, 0]], [[0, 0]]]),
    ("division by 0 without NaN", ops.divide_no_nan, ([1.0, 1.0], [0.0, 2.0]), [[0, 0.5], [0, -0.25]]),
    ("side not taken", lambda x: ops.where(ops.greater(x, 0), x, 0.0), ([-1.0, 2.0],), [[0, 1]]),
    ("behind stop_gradient", lambda x: x * ops.stop_gradient(x), ([3.0],), [[3]]),
    ("not used", lambda x, y: x, ([3.0], [4.0]), [[1], [0]]),
    ("softmax far out", lambda x: ops.softmax(x)[0], ([1000.0, -1000.0],), [[0, 0]]),
    ("logsumexp far out", ops.logsumexp, ([1000.0, -1000.0],), [[1, 0]]),
    ("log_sigmoid far out", ops.log_sigmoid, ([-1000.0, 1000.0],), [[1, 0]]),
    ("an embedding read twice", lambda x: ops.take(x, np.array([1, 1, 0])), ([5.0, 6.0, 7.0],), [[1, 2, 0]]),
    ("positions out of bounds", lambda x: ops.scatter_add(x, [[9]], [1.0]), ([1.0, 2.0],), [[1, 1]]),
]


@pytest.mark.parametrize(("name", "function", "values", "expected"), CORNERS, ids=lambda v: v if isinstance(v, str) else "")
def test_gradient_at_a_corner(name, function, values, expected, trainable_backend):
    np.testing.assert_allclose(gradient_of(function, *values), expected, rtol=1e-5)
