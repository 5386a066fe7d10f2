"""Optimizers and schedules against those of the real Keras 3.15, as a black box on JAX: 20 steps, weights and state."""

import os

import numpy as np
import pytest

pytestmark = pytest.mark.parity
os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

import cornu  # noqa: E402
from cornu import optimizers  # noqa: E402
from cornu.state import Variable  # noqa: E402

ALL = [
    "SGD", "Adam", "AdamW", "RMSprop", "Adamax", "Nadam", "Adagrad", "Adadelta", "Lion", "Lamb", "Ftrl", "Adafactor", "Muon", "ScheduleFreeAdamW",
]  # fmt: skip
COMMON = [
    {"clipnorm": 0.5}, {"clipvalue": 0.1}, {"global_clipnorm": 0.7}, {"use_ema": True, "ema_momentum": 0.9}, {"loss_scale_factor": 8.0},
    {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 3},
]  # fmt: skip
CASES = [
    *[(name, {}) for name in ALL], *[(name, {"weight_decay": 0.1}) for name in ("SGD", "Adam", "AdamW", "Lamb")],
    *[(name, settings) for name in ("SGD", "Adam") for settings in COMMON],
    ("SGD", {"momentum": 0.9}), ("SGD", {"momentum": 0.9, "nesterov": True}), ("Adam", {"amsgrad": True, "beta_1": 0.8, "epsilon": 0.01}),
    *[("RMSprop", {"rho": 0.8, "momentum": m, "centered": c}) for m in (0.0, 0.9) for c in (False, True)],
    ("Ftrl", {"l1_regularization_strength": 0.1, "l2_regularization_strength": 0.2, "l2_shrinkage_regularization_strength": 0.3}),
    ("Ftrl", {"beta": 0.4, "learning_rate_power": -0.7}), ("Adagrad", {"initial_accumulator_value": 0.5}),
    ("SGD", {"gradient_accumulation_steps": 3, "clipnorm": 0.5, "weight_decay": 0.01}),
    ("Adafactor", {"clip_threshold": 0.5, "beta_2_decay": -0.5}),
    ("Muon", {"nesterov": False, "rms_rate": None}), ("Muon", {"exclude_layers": ["w0"], "adam_lr_ratio": 0.5, "adam_weight_decay": 0.1}),
    ("ScheduleFreeAdamW", {"warmup_steps": 5, "beta_1": 0.8, "weight_decay": 0.1}),
]  # fmt: skip
SHAPES = [(4, 3), (3,), (2, 3, 4)]


def problem(rng):
    weights = [rng.standard_normal(shape).astype("float32") for shape in SHAPES]
    weights[1][:] = 0
    return weights, [[(rng.standard_normal(s) * 10 ** rng.uniform(-2, 1)).astype("float32") for s in SHAPES] for _ in range(20)]


def keras_run(name, settings, weights, grads):
    variables = [keras.Variable(w, name=f"w{i}") for i, w in enumerate(weights)]
    optimizer = getattr(keras.optimizers, name)(**settings)
    optimizer.build(variables)
    for g in grads:
        optimizer.apply(g, variables)
    return variables, optimizer


def our_run(name, settings, weights, grads):
    variables = [Variable(w, name=f"w{i}") for i, w in enumerate(weights)]
    optimizer = getattr(optimizers, name)(**settings)
    optimizer.build(variables)
    for g in grads:
        optimizer.apply(g, variables)
    return variables, optimizer


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_twenty_steps(rng, name, settings):
    """Values and every variable of the optimizer, in the order of files. Keras's `1 - beta^t` is a little off in float32, hence 2e-5."""
    weights, grads = problem(rng)
    grads = grads[:7] if "gradient_accumulation_steps" in settings else grads  # Keras compiles anew at each call of these
    settings = {"learning_rate": 0.05, **settings}
    theirs, their_optimizer = keras_run(name, settings, weights, grads)
    for backend in ("jax", "torch", "numpy"):
        with cornu.use_backend(backend):
            ours, our_optimizer = our_run(name, settings, weights, grads)
        own = our_optimizer.variables[: -1 if our_optimizer.gradient_accumulation_steps else None]
        pairs = list(zip([*ours, *own], [*theirs, *their_optimizer.variables], strict=True))
        for a, b in pairs:
            assert (a.shape, a.dtype) == (tuple(b.shape), b.dtype)
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", ALL)
def test_names_and_configs(name):
    """Ours have Keras's names of variables, and each reads the other's configuration."""
    theirs, ours = [getattr(home, name)(0.25, weight_decay=0.125, name="mine") for home in (keras.optimizers, optimizers)]
    theirs.build([keras.Variable(np.ones((2, 2), "float32"), name="kernel")])
    ours.build([Variable(np.ones((2, 2), "float32"), name="kernel")])
    assert ours.get_config() == theirs.get_config()
    assert optimizers.serialize(ours) == keras.optimizers.serialize(theirs)
    assert optimizers.deserialize(keras.optimizers.serialize(theirs)).get_config() == theirs.get_config()
    assert getattr(keras.optimizers, name).from_config(ours.get_config()).get_config() == theirs.get_config()
    if name != "Nadam":  # Keras leaves its product the name "variable"
        assert [v.path for v in ours.variables] == [v.path for v in theirs.variables]


@pytest.mark.parametrize("name", ["Adam", "SGD", "Ftrl", "Nadam", "Adafactor"])
def test_state_goes_over(rng, name):
    """Ten steps there, the state carried over, ten steps here."""
    weights, grads = problem(rng)
    theirs, their_optimizer = keras_run(name, {"learning_rate": 0.05}, weights, grads[:10])
    store = {}
    their_optimizer.save_own_variables(store)
    ours = [Variable(v.numpy()) for v in theirs]
    optimizer = getattr(optimizers, name)()
    optimizer.build(ours)
    optimizer.load_own_variables(store)
    for g in grads[10:]:
        optimizer.apply(g, ours)
        their_optimizer.apply(g, theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=2e-5, atol=2e-5)


SCHEDULES = [
    ("ExponentialDecay", (0.1, 7, 0.5), {"staircase": True}), ("ExponentialDecay", (0.1, 7, 0.5), {}),
    ("InverseTimeDecay", (0.1, 7, 0.5), {}), ("InverseTimeDecay", (0.1, 7, 0.5), {"staircase": True}),
    ("PiecewiseConstantDecay", ([4, 10], [1.0, 0.5, 0.1]), {}),
    ("PolynomialDecay", (0.1, 10), {"power": 2.0}), ("PolynomialDecay", (0.1, 10), {"cycle": True}),
    ("CosineDecay", (0.1, 20), {"alpha": 0.1}), ("CosineDecay", (0.0, 20), {"warmup_target": 0.1, "warmup_steps": 5}),
    ("CosineDecayRestarts", (0.1, 10), {"m_mul": 0.9}), ("CosineDecayRestarts", (0.1, 10), {"t_mul": 1.0, "alpha": 0.1}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "settings"), SCHEDULES)
def test_schedules(name, arguments, settings):
    theirs = getattr(keras.optimizers.schedules, name)(*arguments, **settings)
    ours = getattr(optimizers.schedules, name)(*arguments, **settings)
    assert ours.get_config() == theirs.get_config()
    for step in (0, 1, 4, 5, 7, 10, 14, 19, 31):
        assert float(ours(step)) == pytest.approx(float(theirs(step)), rel=2e-5, abs=1e-7)


GRADIENTS = {
    "good and bad": (1.0, 1.0, 1.0, np.inf, 1.0, 1.0, 1.0, np.nan), "bad at once": (np.inf, np.inf, -np.inf, 1.0), "good": (1.0,) * 7,
    "bad as it would grow": (1.0, np.nan, 1.0, 1.0, np.inf, 1.0, 1.0),
}  # fmt: skip
INNER = {
    "SGD": lambda home: home.SGD(0.1, momentum=0.5), "Adam": lambda home: home.Adam(0.1, weight_decay=0.1),
    "clipped": lambda home: home.SGD(0.1, clipnorm=0.5), "averaged": lambda home: home.SGD(0.1, use_ema=True, ema_momentum=0.5),
}  # fmt: skip


@pytest.mark.parametrize("gradients", GRADIENTS.values(), ids=GRADIENTS)
@pytest.mark.parametrize("inner", INNER.values(), ids=INNER)
def test_the_loss_scale(inner, gradients):
    """Good steps grow it and bad ones shrink it just as there: the scale and the counters are equal, to the bit."""
    import jax

    with cornu.use_backend("jax"):
        v, ours = Variable([1.0, 1.0]), optimizers.LossScaleOptimizer(inner(optimizers), initial_scale=8.0, dynamic_growth_steps=2)
        ours.build([v])
        w, theirs = keras.Variable([1.0, 1.0]), keras.optimizers.LossScaleOptimizer(inner(keras.optimizers), 8.0, 2)
        theirs.build([w])
        step = jax.jit(theirs.stateless_apply)
        state, values = [x.value for x in theirs.variables], [w.value]
        for g in gradients:
            scaled = np.array([g, 1.0], "float32") * float(ours.dynamic_scale)
            ours.apply([scaled], [v])
            values, state = step(state, [scaled], values)
            np.testing.assert_allclose(v.numpy(), values[0], rtol=2e-5, atol=2e-5)
            assert [float(x) for x in ours.variables[2:4]] == [float(x) for x in state[2:4]]
            assert len(ours.variables) == len(state)
            for x, y in zip(ours.variables[4:], state[4:] if state[4] else [], strict=bool(state[4])):
                np.testing.assert_allclose(x.numpy(), y, rtol=2e-5, atol=1e-7)  # before a good step averages are the weights; there 0


def test_several_optimizers_in_one(rng):
    """By patterns: rates of their own for parts of a model, as there."""
    import jax

    weights, grads = problem(rng)
    variables = [keras.Variable(w, name=name) for w, name in zip(weights, ("body", "head", "other"), strict=True)]
    runs = []
    for home in (keras.optimizers, optimizers):
        chosen = home.OptimizerMap(home.SGD(0.1), {"head": home.Adam(0.01)})
        chosen["other"] = home.SGD(0.5, momentum=0.9)
        runs.append(home.MultiOptimizer(chosen, loss_scale_factor=2.0))
    theirs, ours = runs
    theirs.build(variables)
    step, state, values = jax.jit(theirs.stateless_apply), [v.value for v in theirs.variables], [v.value for v in variables]
    mine = [Variable(w, name=name) for w, name in zip(weights, ("body", "head", "other"), strict=True)]
    for g in grads[:6]:
        values, state = step(state, g, values)
        ours.apply(g, mine)
    for a, b in zip(mine, values, strict=True):
        np.testing.assert_allclose(a.numpy(), b, rtol=2e-5, atol=2e-5)
    for g in grads[:1]:
        assert float(ours.scale_loss(g[1][0])) == float(theirs.scale_loss(g[1][0]))


def test_what_gathering_means(rng):
    """Batches of 8 and 3 rows: here one of 11; there the mean of two means."""
    x, y = rng.normal(size=(11, 4)).astype("float32"), rng.normal(size=(11, 1)).astype("float32")
    start = rng.normal(size=(4, 1)).astype("float32")
    steps = [2 * part.T @ (part @ start - target) / len(part) for part, target in ((x, y), (x[:8], y[:8]), (x[8:], y[8:]))]
    for home, slope in ((cornu, steps[0]), (keras, (steps[1] + steps[2]) / 2)):
        model = home.Sequential([home.Input((4,)), home.layers.Dense(1, use_bias=False)])
        model.set_weights([start])
        model.compile(home.optimizers.SGD(0.1, gradient_accumulation_steps=2), "mse")
        model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
        np.testing.assert_allclose(model.get_weights()[0], start - 0.1 * slope, rtol=1e-5, atol=1e-6)


def test_who_takes_a_transformation_of_optax():
    optax = pytest.importorskip("optax")
    with cornu.use_backend("jax"):
        assert type(optimizers.get(optax.sgd(0.1))).__name__ == "OptaxOptimizer"
    with pytest.raises(ValueError, match="Could not interpret optimizer identifier"):
        keras.optimizers.get(optax.sgd(0.1))
