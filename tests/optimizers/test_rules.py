"""Each optimizer's rule over several steps, against its paper's formula in float64, and PyTorch and optax where theirs is the same."""

import numpy as np
import pytest

from cornu import ops, optimizers
from cornu.state import CompiledStep, Variable

STEPS, RATE = 6, 0.05
B1, B2, EPS = 0.8, 0.95, 1e-3


def adam(g, w, t, s, correct=True, hat=False):
    m, v = s.setdefault("m", np.zeros_like(w)), s.setdefault("v", np.zeros_like(w))
    s["m"], s["v"] = B1 * m + (1 - B1) * g, B2 * v + (1 - B2) * g**2
    s["h"] = np.maximum(s.get("h", 0), s["v"])
    alpha = RATE * np.sqrt(1 - B2**t) / (1 - B1**t)
    return w - alpha * s["m"] / (np.sqrt(s["h"] if hat else s["v"]) + EPS)


def sgd(g, w, t, s, momentum=0.0, nesterov=False):
    s["v"] = momentum * s.get("v", 0) - RATE * g
    return w + (momentum * s["v"] - RATE * g if nesterov else s["v"])


def rmsprop(g, w, t, s, momentum=0.0, centered=False):
    s["v"], s["a"] = 0.9 * s.get("v", 0) + 0.1 * g**2, 0.9 * s.get("a", 0) + 0.1 * g
    s["m"] = momentum * s.get("m", 0) + RATE * g / np.sqrt(s["v"] - centered * s["a"] ** 2 + EPS)
    return w - s["m"]


def adagrad(g, w, t, s):
    s["a"] = s.get("a", 0.1) + g**2
    return w - RATE * g / np.sqrt(s["a"] + EPS)


def adadelta(g, w, t, s):
    s["a"] = 0.9 * s.get("a", 0) + 0.1 * g**2
    step = -np.sqrt(s.get("d", 0) + EPS) / np.sqrt(s["a"] + EPS) * g
    s["d"] = 0.9 * s.get("d", 0) + 0.1 * step**2
    return w + RATE * step


def adamax(g, w, t, s):
    s["m"], s["u"] = B1 * s.get("m", 0) + (1 - B1) * g, np.maximum(B2 * s.get("u", 0), abs(g))
    return w - RATE / (1 - B1**t) * s["m"] / (s["u"] + EPS)


def nadam(g, w, t, s):
    def mu(t):
        return B1 * (1 - 0.5 * 0.96**t)

    s["m"], s["v"] = B1 * s.get("m", 0) + (1 - B1) * g, B2 * s.get("v", 0) + (1 - B2) * g**2
    product = np.prod([mu(i) for i in range(1, t + 1)])
    m_hat = mu(t + 1) * s["m"] / (1 - product * mu(t + 1)) + (1 - mu(t)) * g / (1 - product)
    return w - RATE * m_hat / (np.sqrt(s["v"] / (1 - B2**t)) + EPS)


def lion(g, w, t, s):
    m = s.get("m", 0)
    s["m"] = B2 * m + (1 - B2) * g
    return w - RATE * np.sign(B1 * m + (1 - B1) * g)


def lamb(g, w, t, s):
    s["m"], s["v"] = B1 * s.get("m", 0) + (1 - B1) * g, B2 * s.get("v", 0) + (1 - B2) * g**2
    r = s["m"] / (1 - B1**t) / (np.sqrt(s["v"] / (1 - B2**t)) + EPS)
    trust = np.linalg.norm(w) / np.linalg.norm(r) if np.linalg.norm(w) and np.linalg.norm(r) else 1.0
    return w - RATE * trust * r


def ftrl(g, w, t, s):
    p, l1, l2, shrink, beta = -0.6, 0.1, 0.2, 0.3, 0.4
    n = s.get("n", 0.1)
    s["n"] = n + g**2
    s["z"] = s.get("z", 0) + g + 2 * shrink * w - (s["n"] ** -p - n**-p) / RATE * w
    return (np.clip(s["z"], -l1, l1) - s["z"]) / ((s["n"] ** -p + beta) / RATE + 2 * l2)


def adafactor(g, w, t, s, relative=True):
    def rms(x):
        return np.sqrt(np.mean(x**2))

    rho, beta = min(RATE, 1 / np.sqrt(t)) if relative else RATE, 1 - t**-0.8
    squares = g**2 + 1e-30
    if w.ndim < 2:
        v = s["v"] = beta * s.get("v", 0) + (1 - beta) * squares
    else:
        s["r"], s["c"] = beta * s.get("r", 0) + (1 - beta) * squares.mean(1), beta * s.get("c", 0) + (1 - beta) * squares.mean(0)
        v = np.outer(s["r"], s["c"]) / s["r"].mean()
    u = g / np.sqrt(v)
    return w - max(1e-3, rms(w)) * rho * u / max(1.0, rms(u))


MOMENTS = {"beta_1": B1, "beta_2": B2, "epsilon": EPS}
FTRL = {
    "learning_rate_power": -0.6, "l1_regularization_strength": 0.1, "l2_regularization_strength": 0.2,
    "l2_shrinkage_regularization_strength": 0.3, "beta": 0.4,
}  # fmt: skip
CASES = {
    "sgd": ("SGD", {}, sgd),
    "momentum": ("SGD", {"momentum": 0.9}, lambda *a: sgd(*a, momentum=0.9)),
    "nesterov": ("SGD", {"momentum": 0.9, "nesterov": True}, lambda *a: sgd(*a, momentum=0.9, nesterov=True)),
    "adam": ("Adam", MOMENTS, adam),
    "amsgrad": ("Adam", {**MOMENTS, "amsgrad": True}, lambda *a: adam(*a, hat=True)),
    "rmsprop": ("RMSprop", {"epsilon": EPS}, rmsprop),
    "rmsprop momentum": ("RMSprop", {"epsilon": EPS, "momentum": 0.7}, lambda *a: rmsprop(*a, momentum=0.7)),
    "rmsprop centered": ("RMSprop", {"epsilon": EPS, "centered": True}, lambda *a: rmsprop(*a, centered=True)),
    "rmsprop both": ("RMSprop", {"epsilon": EPS, "momentum": 0.7, "centered": True}, lambda *a: rmsprop(*a, momentum=0.7, centered=True)),
    "adagrad": ("Adagrad", {"epsilon": EPS}, adagrad),
    "adadelta": ("Adadelta", {"rho": 0.9, "epsilon": EPS}, adadelta),
    "adamax": ("Adamax", MOMENTS, adamax),
    "nadam": ("Nadam", MOMENTS, nadam),
    "lion": ("Lion", {"beta_1": B1, "beta_2": B2}, lion),
    "lamb": ("Lamb", MOMENTS, lamb),
    "ftrl": ("Ftrl", FTRL, ftrl),
    "adafactor": ("Adafactor", {}, adafactor),
    "adafactor fixed rate": ("Adafactor", {"relative_step": False}, lambda *a: adafactor(*a, relative=False)),
}


def problem(rng):
    weights = [rng.standard_normal((4, 3)), rng.standard_normal(3), np.zeros((2, 2))]
    return weights, [[rng.standard_normal(w.shape) * 10 ** rng.uniform(-2, 1) for w in weights] for _ in range(STEPS)]


def expected(rule, weights, grads, decay=0.0):
    weights, states = list(weights), [{} for _ in weights]
    for t, step in enumerate(grads, 1):
        weights = [rule(g, w - w * decay * RATE, t, s) for g, w, s in zip(step, weights, states, strict=True)]
    return weights


def trained(name, settings, weights, grads, compiled=False):
    variables = [Variable(w.astype("float32")) for w in weights]
    optimizer = getattr(optimizers, name)(learning_rate=RATE, **settings)
    optimizer.build(variables)
    step = CompiledStep(lambda *g: optimizer.apply(g, variables), lambda: [*variables, *optimizer.variables], jit=compiled or None)
    for g in grads:
        step(*[ops.convert_to_tensor(x.astype("float32")) for x in g])
    return [v.numpy() for v in variables]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_the_formula(backend, rng, case, decay):
    name, settings, rule = CASES[case]
    weights, grads = problem(rng)
    decaying = {"weight_decay": decay} if decay else {}
    for ours, theirs in zip(trained(name, {**settings, **decaying}, weights, grads), expected(rule, weights, grads, decay), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("case", CASES)
def test_one_by_one_in_a_scope_as_in_place(rng, case):
    """Where a kernel may not change arrays in place, the rule itself runs: both give the same."""
    from cornu import use_backend

    name, settings, _ = CASES[case]
    weights, grads = problem(rng)
    with use_backend("torch"):
        variables = [Variable(w.astype("float32")) for w in weights]
        optimizer = getattr(optimizers, name)(learning_rate=RATE, weight_decay=0.1, **settings)
        optimizer.build(variables)
        own, values = [v.value.clone() for v in optimizer.variables], [v.value.detach().clone() for v in variables]
        for g in grads:
            values, own = optimizer.stateless_apply(own, [ops.convert_to_tensor(x.astype("float32")) for x in g], values)
        in_place = trained(name, {**settings, "weight_decay": 0.1}, weights, grads)
    for one, other in zip(values, in_place, strict=True):
        np.testing.assert_allclose(one.numpy(), other, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("case", CASES)
def test_with_a_rate_that_stays_on_the_device(rng, monkeypatch, case):
    """What the kernels do on an accelerator, where reading a number would wait; here on a CPU that says it is one."""
    from cornu import use_backend
    from cornu.backends.torch import optim

    monkeypatch.setattr(optim, "_on_host", lambda iterations: False)
    name, settings, rule = CASES[case]
    weights, grads = problem(rng)
    with use_backend("torch"):
        results = trained(name, {**settings, "weight_decay": 0.3}, weights, grads)
    for ours, theirs in zip(results, expected(rule, weights, grads, 0.3), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-6)


TORCH = {
    "sgd": ("SGD", {}, {}),
    "momentum": ("SGD", {"momentum": 0.9}, {"momentum": 0.9}),
    "nesterov": ("SGD", {"momentum": 0.9, "nesterov": True}, {"momentum": 0.9, "nesterov": True}),
    "adam": ("Adam", {"epsilon": 0.0}, {"eps": 0.0}),
    "adamw": ("AdamW", {"epsilon": 0.0, "weight_decay": 0.2}, {"eps": 0.0, "weight_decay": 0.2}),
    "adagrad": ("Adagrad", {"epsilon": 0.0}, {"eps": 0.0, "initial_accumulator_value": 0.1}),
    "adadelta": ("Adadelta", {"rho": 0.9, "epsilon": 1e-4}, {"rho": 0.9, "eps": 1e-4}),
}


@pytest.mark.parametrize("case", TORCH)
def test_equal_to_torch(backend, rng, case):
    import torch

    name, settings, theirs = TORCH[case]
    weights, grads = problem(rng)
    parameters = [torch.nn.Parameter(torch.tensor(w, dtype=torch.float32)) for w in weights]
    reference = getattr(torch.optim, name)(parameters, lr=RATE, **theirs)
    for g in grads:
        for p, x in zip(parameters, g, strict=True):
            p.grad = torch.tensor(x, dtype=torch.float32)
        reference.step()
    for ours, p in zip(trained(name, settings, weights, grads), parameters, strict=True):
        np.testing.assert_allclose(ours, p.detach().numpy(), rtol=2e-5, atol=2e-6)


OPTAX = {
    "lion": ("Lion", {}, "lion", {"b1": 0.9, "b2": 0.99, "weight_decay": 0.0}),
    "adamw": ("AdamW", {"epsilon": 0.0, "weight_decay": 0.2}, "adamw", {"eps": 0.0, "weight_decay": 0.2}),
    "adamax": ("Adamax", {}, "adamax", {"eps": 1e-7}),
    "adagrad": ("Adagrad", {}, "adagrad", {"eps": 1e-7}),
    "lamb": ("Lamb", {}, "lamb", {"eps": 1e-7}),
}


@pytest.mark.parametrize("case", OPTAX)
def test_equal_to_optax(backend, rng, case):
    optax = pytest.importorskip("optax")
    name, settings, other, theirs = OPTAX[case]
    weights, grads = problem(rng)
    reference = getattr(optax, other)(RATE, **theirs)
    values = [w.astype("float32") for w in weights]
    state = reference.init(values)
    for g in grads:
        updates, state = reference.update([x.astype("float32") for x in g], state, values)
        values = optax.apply_updates(values, updates)
    for ours, value in zip(trained(name, settings, weights, grads), values, strict=True):
        np.testing.assert_allclose(ours, np.asarray(value), rtol=5e-5, atol=5e-6)


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_rounds_once(trainable_backend, rng, name, dtype):
    """A step is computed in float32 and rounded when it is stored."""
    weights, grads = problem(rng)
    variables = [Variable(w, dtype=dtype) for w in weights]
    optimizer = getattr(optimizers, name)(learning_rate=RATE)
    start = [v.numpy().astype("float64") for v in variables]
    optimizer.apply([ops.convert_to_tensor(g, dtype) for g in grads[0]], variables)
    first = {"SGD": lambda g: g, "Adam": np.sign, "RMSprop": lambda g: g / np.sqrt(0.1 * g**2 + 1e-7)}[name]
    precision = {"float16": 2**-11, "bfloat16": 2**-8}[dtype]
    for v, g, w in zip(variables, grads[0], start, strict=True):
        rounded = ops.convert_to_numpy(ops.convert_to_tensor(g, dtype)).astype("float64")
        np.testing.assert_allclose(v.numpy().astype("float64"), w - RATE * first(rounded), rtol=1.01 * precision, atol=1e-6)
