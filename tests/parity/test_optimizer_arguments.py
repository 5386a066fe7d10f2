"""Each argument of each optimizer against the real Keras 3.15, as a black box on JAX: seven steps, weights and state.

Keras runs `stateless_apply`, compiled once for a case. The tolerance is 2e-5, relative and absolute, for its `1 - beta^t` is off by that in
float32; where a case has another, it says so.
"""

import inspect
import os

import numpy as np
import pytest

pytestmark = pytest.mark.parity
os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")
jax = pytest.importorskip("jax")

import cornu  # noqa: E402
from cornu import optimizers  # noqa: E402
from cornu.state import Variable  # noqa: E402

OWN = {
    "SGD": [{"momentum": 0.8}, {"momentum": 0.8, "nesterov": True}],
    "Adam": [{"beta_1": 0.7, "beta_2": 0.9, "epsilon": 0.01}, {"amsgrad": True, "beta_2": 0.5}],
    "AdamW": [{"beta_1": 0.7, "beta_2": 0.9, "epsilon": 0.01}, {"amsgrad": True, "beta_2": 0.5}],
    "RMSprop": [{"rho": 0.7, "epsilon": 0.01}, {"momentum": 0.5}, {"centered": True, "momentum": 0.5, "rho": 0.5}],
    "Adamax": [{"beta_1": 0.7, "beta_2": 0.9, "epsilon": 0.01}],
    "Nadam": [{"beta_1": 0.7, "beta_2": 0.9, "epsilon": 0.01}],
    "Adagrad": [{"initial_accumulator_value": 0.5, "epsilon": 0.01}],
    "Adadelta": [{"rho": 0.7, "epsilon": 0.01}],
    "Lion": [{"beta_1": 0.7, "beta_2": 0.8}],
    "Lamb": [{"beta_1": 0.7, "beta_2": 0.9, "epsilon": 0.01}],
    "Ftrl": [
        {"learning_rate_power": -0.7, "initial_accumulator_value": 0.3, "beta": 0.4},
        {"l1_regularization_strength": 0.1, "l2_regularization_strength": 0.2, "l2_shrinkage_regularization_strength": 0.3},
    ],
    "Adafactor": [{"beta_2_decay": -0.5, "clip_threshold": 0.5}, {"epsilon_1": 1e-3, "epsilon_2": 0.1}],
    "Muon": [
        {"adam_beta_1": 0.7, "adam_beta_2": 0.9, "adam_weight_decay": 0.1, "adam_lr_ratio": 0.5, "epsilon": 0.01},
        {"muon_a": 3.0, "muon_b": -4.0, "muon_c": 2.0, "momentum": 0.8, "ns_steps": 3, "nesterov": False, "rms_rate": 0.3},
        {"exclude_layers": ["w0"], "adam_weight_decay": None}, {"exclude_embeddings": False, "rms_rate": None},
    ],
    "ScheduleFreeAdamW": [{"beta_1": 0.7, "beta_2": 0.9, "epsilon": 0.01, "warmup_steps": 4}],
}  # fmt: skip
ELSEWHERE = {
    ("Adafactor", "relative_step"): "Keras takes no notice of it; docs/differences.md",
}
COMMON = {
    "clipnorm": {"clipnorm": 0.5},
    "clipvalue": {"clipvalue": 0.1},
    "global_clipnorm": {"global_clipnorm": 0.7},
    "weight_decay": {"weight_decay": 0.1},
    "averages": {"use_ema": True, "ema_momentum": 0.8},
    "averages taken": {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3},
    "gathered": {"gradient_accumulation_steps": 3},
    "loss scale": {"loss_scale_factor": 8.0},
    "schedule": {"learning_rate": "schedule"},
    "function": {"learning_rate": "function"},
}
TOGETHER = {  # each of the above once: one program of Keras for several
    "gathered": {"gradient_accumulation_steps": 2, "global_clipnorm": 0.7, "weight_decay": 0.1, "loss_scale_factor": 4.0},
    "averages taken": {
        "clipnorm": 0.5, "weight_decay": 0.1, "use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3, "learning_rate": "schedule",
    },
    "averages": {"clipvalue": 0.1, "use_ema": True, "ema_momentum": 0.8, "learning_rate": "function"},
}  # fmt: skip
EXCLUDED = {"by name": lambda variables: {"var_names": ["w1", "w2$"]}, "by variable": lambda variables: {"var_list": [variables[0]]}}
SHAPES = [(4, 3), (3,), (2, 3, 4)]


def problem(rng, steps=7):
    weights = [rng.standard_normal(shape).astype("float32") for shape in SHAPES]
    weights[1][:] = 0
    return weights, [[(rng.standard_normal(s) * 10 ** rng.uniform(-2, 1)).astype("float32") for s in SHAPES] for _ in range(steps)]


def made(home, name, settings):
    settings = {"learning_rate": 0.05, **settings}
    if settings["learning_rate"] == "schedule":
        settings["learning_rate"] = home.schedules.ExponentialDecay(0.1, 2, 0.5)
    if settings["learning_rate"] == "function":
        settings["learning_rate"] = lambda: 0.03
    return getattr(home, name)(**settings)


def keras_run(optimizer, weights, grads, exclude=None):
    """Weights, then the optimizer's variables, after these steps."""
    variables = [keras.Variable(w, name=f"w{i}") for i, w in enumerate(weights)]
    if exclude is not None:
        optimizer.exclude_from_weight_decay(**exclude(variables))
    optimizer.build(variables)
    step, state, values = jax.jit(optimizer.stateless_apply), [v.value for v in optimizer.variables], [v.value for v in variables]
    for g in grads:
        values, state = step(state, g, values)
    return [np.asarray(v) for v in (*values, *state)]


def our_run(optimizer, weights, grads, exclude=None):
    variables = [Variable(w, name=f"w{i}") for i, w in enumerate(weights)]
    if exclude is not None:
        optimizer.exclude_from_weight_decay(**exclude(variables))
    optimizer.build(variables)
    for g in grads:
        optimizer.apply(g, variables)
    own = optimizer.variables[:-1] if optimizer._accumulated_weight_ is not None else optimizer.variables
    return [v.numpy() for v in (*variables, *own)]  # without the weight of what is gathered, which Keras has not


def compare(rng, name, settings, exclude=None, tolerance=2e-5):
    weights, grads = problem(rng)
    theirs = keras_run(made(keras.optimizers, name, settings), weights, grads, exclude)
    for backend in ("numpy", "torch"):  # the rule as it is written, and the kernel of a backend where there is one
        with cornu.use_backend(backend):
            ours = our_run(made(optimizers, name, settings), weights, grads, exclude)
        for a, b in zip(ours, theirs, strict=True):
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("name", "settings"), [(name, settings) for name, cases in OWN.items() for settings in cases])
def test_its_own_arguments(rng, name, settings):
    compare(rng, name, settings)


@pytest.mark.parametrize("what", COMMON)
@pytest.mark.parametrize("name", ["SGD", "Adam"])  # the loop around the rule is one for all
def test_arguments_that_all_have(rng, name, what):
    compare(rng, name, COMMON[what])


@pytest.mark.parametrize("what", TOGETHER)
@pytest.mark.parametrize("name", OWN)
def test_several_arguments_together(rng, name, what):
    compare(rng, name, TOGETHER[what])


@pytest.mark.parametrize(("name", "how"), [*((name, "by name") for name in OWN), ("SGD", "by variable"), ("Adam", "by variable")])
def test_what_does_not_decay(rng, name, how):
    compare(rng, name, {"weight_decay": 0.1}, EXCLUDED[how])


def test_averages_of_gathered_steps(rng):
    """Here an average takes in each change of the weights; in Keras each batch, those that change nothing too."""
    weights, grads = problem(rng, 6)
    settings = {"learning_rate": 0.1, "gradient_accumulation_steps": 2, "use_ema": True, "ema_momentum": 0.5}
    theirs = keras_run(keras.optimizers.SGD(**settings), weights, grads)
    with cornu.use_backend("numpy"):
        ours = our_run(optimizers.SGD(**settings), weights, grads)
    once, twice, thrice = weights[0] - 0.05 * np.cumsum([grads[i][0] + grads[i + 1][0] for i in (0, 2, 4)], 0)
    average = (once + twice) / 2
    for found, expected in ((ours, (average + thrice) / 2), (theirs, ((average + twice) / 2 + thrice) / 2)):
        np.testing.assert_allclose(found[0], thrice, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(found[5], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", OWN)
def test_no_argument_is_left_out(name):
    """Each argument of Keras's constructor is one of ours, and stands in a case above."""
    theirs = inspect.signature(getattr(keras.optimizers, name)).parameters
    ours = inspect.signature(getattr(optimizers, name)).parameters
    assert [(p.name, p.default) for p in theirs.values()] == [(p.name, p.default) for p in ours.values()]
    tried = {key for settings in (*OWN[name], *TOGETHER.values()) for key in settings} | {"learning_rate", "name", "kwargs"}
    assert [n for n in theirs if n not in tried and (name, n) not in ELSEWHERE] == []
