"""Optimizers of optax and PyTorch in the place of our own."""

import functools

import numpy as np
import pytest

import cornu
from cornu import layers, optimizers, registry
from cornu.errors import ArgumentError, BackendError, ConfigError
from cornu.optimizers import OptaxOptimizer, TorchOptimizer
from cornu.state import CompiledStep, Variable

jax = pytest.importorskip("jax")
jnp = jax.numpy
optax = pytest.importorskip("optax")
torch = pytest.importorskip("torch")

TRANSFORMATIONS = {
    "adamw": lambda: optax.adamw(1e-2),
    "sgd": lambda: optax.sgd(1e-2, momentum=0.9, nesterov=True),
    "adafactor": lambda: optax.adafactor(1e-2, min_dim_size_to_factor=2),
    "schedule": lambda: optax.adam(optax.cosine_decay_schedule(1e-2, 8)),
    "chain": lambda: optax.chain(optax.clip_by_global_norm(0.1), optax.lion(1e-3)),
    "injected": lambda: optax.inject_hyperparams(optax.rmsprop)(learning_rate=1e-2, momentum=0.5),
    "noise": lambda: optax.chain(optax.add_noise(0.1, 0.5, jax.random.key(3)), optax.sgd(1e-2)),
    "multi steps": lambda: optax.MultiSteps(optax.adam(1e-2), 3),
    "masked": lambda: optax.adamw(1e-2, weight_decay=0.5, mask=lambda weights: jax.tree.map(lambda w: w.ndim > 1, weights)),
    "lookahead": lambda: optax.contrib.schedule_free_adamw(1e-2),
}
FACTORIES = {
    **{name: getattr(torch.optim, name) for name in (
        "SGD", "Adam", "AdamW", "RAdam", "NAdam", "Adamax", "Adagrad", "Adadelta", "RMSprop", "Rprop", "ASGD", "Adafactor",
    )},
    "momentum": functools.partial(torch.optim.SGD, lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.1),
    "amsgrad": functools.partial(torch.optim.Adam, lr=0.003, amsgrad=True),
    "fused": functools.partial(torch.optim.AdamW, lr=0.003, fused=True),
    "foreach": functools.partial(torch.optim.AdamW, lr=0.003, foreach=True),
    "two groups": lambda weights: torch.optim.AdamW([{"params": weights[::2], "weight_decay": 0.5}, {"params": weights[1::2], "lr": 0.02}]),
}  # fmt: skip


def network(width=4):
    cornu.utils.set_random_seed(1)
    return cornu.Sequential([cornu.Input((3,)), layers.Dense(width, "tanh", name="body"), layers.Dense(2, name="head")])


def data(rng, n=80):
    return rng.normal(size=(n, 3)).astype("float32"), rng.normal(size=(n, 2)).astype("float32")


def in_jax(weights, x, y):
    w1, b1, w2, b2 = (weights[path] for path in ("body/kernel", "body/bias", "head/kernel", "head/bias"))
    return jnp.mean((jnp.tanh(x @ w1 + b1) @ w2 + b2 - y) ** 2)


def in_torch(weights, x, y):
    w1, b1, w2, b2 = weights
    return ((torch.tanh(x @ w1 + b1) @ w2 + b2 - y) ** 2).mean()


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_ten_steps_of_optax(rng, name):
    """`fit`, and a plain loop of optax."""
    x, y = data(rng)
    with cornu.use_backend("jax"):
        model = network()
        weights = {v.path: jnp.asarray(v.numpy()) for v in model.trainable_variables}
        model.compile(TRANSFORMATIONS[name](), "mse")
        model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
        transformation = TRANSFORMATIONS[name]()
        state = transformation.init(weights)
        for i in range(0, 80, 8):
            grads = jax.grad(in_jax)(weights, x[i : i + 8], y[i : i + 8])
            updates, state = transformation.update(grads, state, weights)
            weights = optax.apply_updates(weights, updates)
    for v in model.trainable_variables:
        np.testing.assert_allclose(v.numpy(), weights[v.path], rtol=1e-6, atol=1e-6)
    leaves = jax.tree.leaves(state)
    assert len(model.optimizer.variables) == 1 + len(leaves)
    programs = [entry.program for entry in model.compilations]
    assert len(set(programs)) == len(programs)  # none was compiled a second time
    assert int(model.optimizer.iterations) == 10


@pytest.mark.parametrize("name", FACTORIES)
def test_ten_steps_of_torch(rng, name):
    """`fit`, and a plain loop of PyTorch."""
    x, y = data(rng)
    with cornu.use_backend("torch"):
        model = network()
        weights = [torch.nn.Parameter(torch.tensor(w)) for w in model.get_weights()]
        model.compile(FACTORIES[name], "mse")
        model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    optimizer = FACTORIES[name](weights)
    for i in range(0, 80, 8):
        optimizer.zero_grad()
        in_torch(weights, torch.tensor(x[i : i + 8]), torch.tensor(y[i : i + 8])).backward()
        optimizer.step()
    for ours, theirs in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(ours, theirs.detach(), rtol=1e-6, atol=1e-6)


CHOICES = [("jax", TRANSFORMATIONS[name]) for name in ("adamw", "noise", "injected")] + [
    ("torch", lambda name=name: FACTORIES[name]) for name in ("RAdam", "SGD", "momentum", "two groups")
]


@pytest.mark.parametrize(("home", "make"), CHOICES)
def test_saved_and_gone_on_with(rng, tmp_path, home, make):
    """Ten steps at once, and five, a file, five: the same bits."""
    x, y = data(rng)
    with cornu.use_backend(home):
        whole, half, rest = network(), network(), network()
        for model in (whole, half, rest):
            model.compile(make(), "mse")
        whole.fit(x, y, batch_size=8, shuffle=False, verbose=0)
        half.fit(x[:40], y[:40], batch_size=8, shuffle=False, verbose=0)
        half.save_weights(tmp_path / "half.weights.h5")
        rest.load_weights(tmp_path / "half.weights.h5")
        rest.fit(x[40:], y[40:], batch_size=8, shuffle=False, verbose=0)
    for a, b in zip(whole.get_weights(), rest.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(whole.optimizer.variables, rest.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize(("home", "make"), CHOICES)
def test_a_step_that_is_not_finite_changes_nothing(rng, home, make):
    x, y = data(rng, 24)
    x[10] = np.nan
    with cornu.use_backend(home):
        model, clean = network(), network()
        for one, rows in ((model, slice(None)), (clean, np.r_[0:8, 16:24])):
            one.compile(make(), "mse", on_nonfinite="skip")
            one.fit(x[rows], y[rows], batch_size=8, shuffle=False, verbose=0)
    for a, b in zip([*model.variables, *model.optimizer.variables], [*clean.variables, *clean.optimizer.variables], strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize(("home", "make"), CHOICES)
def test_frozen_layers_keep_their_weights_and_their_state(rng, home, make):
    x, y = data(rng, 16)
    with cornu.use_backend(home):
        model = network()
        model.compile(make(), "mse")
        model.fit(x, y, batch_size=8, verbose=0)
        model.layers[0].trainable = False
        weights, kept = model.layers[0].get_weights(), [v.numpy() for v in model.optimizer.variables if "body" in v.name]
        head = model.layers[1].get_weights()
        model.fit(x, y, batch_size=8, verbose=0)
        for a, b in zip(weights, model.layers[0].get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        for a, v in zip(kept, [v for v in model.optimizer.variables if "body" in v.name], strict=True):
            np.testing.assert_array_equal(a, v.numpy())
        assert not np.array_equal(head[0], model.layers[1].get_weights()[0])


class Own(cornu.Model):
    """With a training step in its own words."""

    def __init__(self):
        super().__init__()
        self.inner = network()

    def call(self, x):
        return self.inner(x)

    def train_step(self, data):
        x, y = data
        (loss, _), grads = cornu.value_and_grad(lambda: (cornu.ops.mean((self(x) - y) ** 2), None), self.trainable_variables)
        self.optimizer.apply(grads, self.trainable_variables)
        return {"loss": loss}


@pytest.mark.parametrize(("home", "make"), CHOICES)
def test_under_a_step_of_ones_own(rng, home, make):
    """It runs under a scope, where nothing may be changed in place."""
    x, y = data(rng)
    with cornu.use_backend(home):
        model, plain = Own(), network()
        for one in (model, plain):
            one.compile(make(), "mse")
            one.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("wrapper", "home", "make"), [
    (OptaxOptimizer, "jax", lambda: optax.sgd(0.1)),
    (TorchOptimizer, "torch", lambda: functools.partial(torch.optim.SGD, lr=0.1)),
])  # fmt: skip
@pytest.mark.parametrize("settings", [
    {"clipnorm": 0.01}, {"clipvalue": 0.02}, {"global_clipnorm": 0.03}, {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 2}, {"loss_scale_factor": 8.0},
])  # fmt: skip
def test_settings_that_all_optimizers_have(rng, wrapper, home, make, settings):
    """Around a step of plain descent they do what they do to `SGD`."""
    x, y = data(rng, 44)
    with cornu.use_backend(home):
        model, other = network(), network()
        model.compile(wrapper(make(), **settings), "mse")
        other.compile(optimizers.SGD(0.1, **settings), "mse")
        for one in (model, other):
            one.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("home", "make"), [
    ("jax", lambda: optax.inject_hyperparams(optax.sgd)(learning_rate=0.5)), ("torch", lambda: functools.partial(torch.optim.SGD, lr=0.5)),
])  # fmt: skip
def test_callbacks_move_the_learning_rate(rng, home, make):
    x, y = data(rng, 8)
    with cornu.use_backend(home):
        model, other = network(), network()
        model.compile(make(), "mse")
        other.compile(optimizers.SGD(0.5), "mse")
        for one in (model, other):
            one.fit(
                x, y, verbose=0, epochs=3, shuffle=False, callbacks=[cornu.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)]
            )
        assert float(model.optimizer.learning_rate) == 0.0625
        with pytest.raises(ArgumentError, match="takes a number"):
            model.optimizer.learning_rate = lambda: 0.1
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_there_is_not_always_a_learning_rate():
    for optimizer in (OptaxOptimizer(optax.sgd(0.1)), TorchOptimizer(torch.optim.SGD)):
        with pytest.raises(AttributeError, match="no learning rate that can be looked at"):
            _ = optimizer.learning_rate
        with pytest.raises(AttributeError, match="no learning rate that can be looked at"):
            optimizer.learning_rate = 0.1
    with cornu.use_backend("jax"):
        optimizer = OptaxOptimizer(optax.inject_hyperparams(optax.sgd)(learning_rate=optax.linear_schedule(1.0, 0.0, 10)))
        optimizer.build([Variable([1.0])])
        assert float(optimizer.learning_rate) == 1.0
        with pytest.raises(ArgumentError, match="follows a schedule of optax"):
            optimizer.learning_rate = 0.1


def test_the_step_is_compiled_once_and_its_state_donated():
    with cornu.use_backend("jax"):
        v, optimizer = Variable([1.0, 2.0]), OptaxOptimizer(optax.adam(0.1))
        optimizer.build([v])
        step = CompiledStep(lambda g: optimizer.apply([g], [v]), lambda: [v, *optimizer.variables])
        step(jnp.ones(2))
        before = [v.own_value, *(x.own_value for x in optimizer.variables)]
        step(jnp.ones(2))
        assert all(x.is_deleted() for x in before)
        assert step.compilations == 1


def test_weights_of_one_path_are_told_apart():
    with cornu.use_backend("jax"):
        a, b = Variable([1.0], name="w"), Variable([1.0, 2.0], name="w")
        OptaxOptimizer(optax.sgd(0.5)).apply([jnp.ones(1), jnp.ones(2)], [a, b])
        assert (a.numpy().tolist(), b.numpy().tolist()) == ([0.5], [0.5, 1.5])


@pytest.mark.parametrize(("make", "home"), [(lambda: optax.adam(0.1), "jax"), (lambda: torch.optim.Adam, "torch")])
def test_on_another_backend(backend, make, home):
    if backend == home:
        return
    with pytest.raises(BackendError, match=f"changes weights on the {home} backend, got weights on '{backend}'"):
        optimizers.get(make()).build([Variable([1.0])])


def test_a_model_that_moves_away(rng):
    x, y = data(rng, 8)
    with cornu.use_backend("jax"):
        model = network()
        model.compile(optax.adam(0.1), "mse")
        model.fit(x, y, verbose=0)
        model.to("torch")
        with pytest.raises(BackendError, match="of optax changes weights on the jax backend"):
            model.fit(x, y, verbose=0)
        model.to("jax")
        model.fit(x, y, verbose=0)


def test_what_cannot_be():
    with pytest.raises(ArgumentError, match="Say there what decays"):
        OptaxOptimizer(optax.sgd(0.1)).exclude_from_weight_decay(var_names=["bias"])
    with pytest.raises(ArgumentError, match="with `init` and `update`, got 'adam'"):
        OptaxOptimizer("adam")
    with pytest.raises(ArgumentError, match=r"a class of torch\.optim or a function of parameters, got 'adam'"):
        TorchOptimizer("adam")
    with pytest.raises(ArgumentError, match="holds parameters already"):
        optimizers.get(torch.optim.Adam([torch.nn.Parameter(torch.zeros(2))]))
    with cornu.use_backend("jax"):
        v = Variable([1.0])
        with pytest.raises(ArgumentError, match=r"asks for more: .*'value'"):
            OptaxOptimizer(optax.polyak_sgd()).apply([jnp.ones(1)], [v])
    with cornu.use_backend("torch"):
        v = Variable([1.0])
        for factory, message in ((torch.optim.LBFGS, "no more than gradients"), (torch.optim.SparseAdam, "no more than gradients"),
                                 (torch.optim.Muon, "only supports 2D"), (lambda p: p, "must make a torch.optim.Optimizer")):  # fmt: skip
            with pytest.raises(ArgumentError, match=message):
                optimizers.get(factory).build([v])


def make_transformation():
    return optax.sgd(0.25)


def make_optimizer(weights):
    return torch.optim.SGD(weights, lr=0.25)


@pytest.mark.parametrize(("optimizer", "home"), [
    (lambda: OptaxOptimizer(make_transformation, clipnorm=1.0), "jax"), (lambda: TorchOptimizer(make_optimizer, clipnorm=1.0), "torch"),
])  # fmt: skip
def test_a_function_with_a_name_goes_into_files(rng, tmp_path, optimizer, home):
    x, y = data(rng, 8)
    with cornu.use_backend(home), registry.scope({"make_transformation": make_transformation, "make_optimizer": make_optimizer}):
        model = network()
        model.compile(optimizer(), "mse")
        model.fit(x, y, shuffle=False, verbose=0)
        model.save(tmp_path / "model.keras")
        again = cornu.models.load_model(tmp_path / "model.keras")
        assert type(again.optimizer) is type(model.optimizer)
        assert again.optimizer.clipnorm == 1.0
        for one in (model, again):
            one.fit(x, y, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("make", "home"), [(lambda: optax.sgd(0.25), "jax"), (lambda: functools.partial(torch.optim.SGD, lr=0.25), "torch")]
)
def test_other_code_does_not(rng, tmp_path, make, home):
    with cornu.use_backend(home):
        model = network()
        model.compile(make(), "mse")
        with pytest.raises(ConfigError, match=r"which is code, .* include_optimizer=False"):
            model.save(tmp_path / "model.keras")
        model.save(tmp_path / "model.keras", include_optimizer=False)
        again = cornu.models.load_model(tmp_path / "model.keras")
        twin = type(model.optimizer).from_config(model.optimizer.get_config())
    assert twin._code is model.optimizer._code
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


class Sized(OptaxOptimizer):
    """A user's own around a transformation; its arguments are what files hold."""

    def __init__(self, learning_rate=0.5, **kwargs):
        super().__init__(optax.sgd(learning_rate), **kwargs)
        self.size = learning_rate


def test_a_class_of_ones_own_goes_into_files():
    config = optimizers.serialize(Sized(0.25, clipnorm=2.0, name="mine"))
    again = optimizers.deserialize(config, {"Sized": Sized})
    assert (again.size, again.clipnorm, again.name) == (0.25, 2.0, "mine")
