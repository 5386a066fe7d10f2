"""Averaged weights where a model is looked at; the averages follow from the formula."""

import numpy as np
import pytest

import cornu
from cornu.callbacks import BackupAndRestore, LambdaCallback, ModelCheckpoint, SwapEMAWeights
from cornu.errors import ArgumentError
from cornu.state.seed import set_random_seed

X = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
Y = X.sum(1, keepdims=True)
MOMENTUM = 0.75


def made(**settings):
    set_random_seed(1)
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(1)])
    model.compile(cornu.optimizers.SGD(0.1, **{"use_ema": True, "ema_momentum": MOMENTUM, **settings}), "mse")
    return model


def copies(model):
    return [np.array(w) for w in model.get_weights()]


def course(model, epochs, callbacks=()):
    """The weights after each step, by a run that averages nothing where anybody sees it."""
    seen = []
    look = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(copies(model)))
    model.fit(X, Y, batch_size=8, shuffle=False, epochs=epochs, verbose=0, callbacks=[look, *callbacks])
    return seen


def averages(seen):
    """a = momentum * a + (1 - momentum) * w, begun with the first w."""
    found = [seen[0]]
    for weights in seen[1:]:
        found.append([MOMENTUM * a + (1 - MOMENTUM) * w for a, w in zip(found[-1], weights, strict=True)])
    return found


def close(a, b):
    for one, other in zip(a, b, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_validation_sees_the_averages_and_training_goes_on_without(trainable_backend, swap_on_epoch):
    plain = course(made(), 3)
    model, in_validation, at_the_end, between = made(), [], [], []
    told = LambdaCallback(
        on_test_batch_begin=lambda batch, logs: in_validation.append(copies(model)),
        on_epoch_end=lambda epoch, logs: at_the_end.append(copies(model)),
        on_epoch_begin=lambda epoch, logs: between.append(copies(model)),
    )
    seen = []
    look = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(copies(model)))
    model.fit(
        X, Y, batch_size=8, shuffle=False, epochs=3, verbose=0, validation_data=(X, Y), validation_batch_size=16,
        callbacks=[SwapEMAWeights(swap_on_epoch), told, look],
    )  # fmt: skip
    wanted = averages(plain)
    for ours, theirs in zip(seen, plain, strict=True):
        close(ours, theirs)  # training is what it is without the callback
    for number in range(3):
        close(in_validation[number], wanted[2 * number + 1])
        close(at_the_end[number], wanted[2 * number + 1] if swap_on_epoch else plain[2 * number + 1])
    close(between[1], plain[1])
    close(copies(model), wanted[-1])  # an optimizer with averages leaves the model with them


def test_evaluate_and_predict_alone():
    model = made(ema_momentum=MOMENTUM)
    model.train_on_batch(X, Y)
    first = copies(model)
    model.train_on_batch(X, Y)
    second = copies(model)
    average = [MOMENTUM * a + (1 - MOMENTUM) * w for a, w in zip(first, second, strict=True)]
    swapping = SwapEMAWeights()
    loss = model.evaluate(X, Y, verbose=0, callbacks=[swapping])
    assert loss == pytest.approx(float(np.mean((X @ average[0] + average[1] - Y) ** 2)), rel=1e-5)
    np.testing.assert_allclose(model.predict(X, callbacks=[swapping], verbose=0), X @ average[0] + average[1], rtol=1e-4, atol=1e-5)
    close(copies(model), second)


def test_before_training_there_are_no_averages():
    model = made()
    weights = copies(model)
    loss = model.evaluate(X, Y, verbose=0, callbacks=[SwapEMAWeights()])
    assert loss == pytest.approx(float(np.mean((X @ weights[0] - Y) ** 2)), rel=1e-5)


def test_a_checkpoint_holds_the_averages(tmp_path):
    model = made()
    plain = course(made(), 1)
    kept = ModelCheckpoint(tmp_path / "{epoch}.weights.h5", save_weights_only=True)
    model.fit(X, Y, batch_size=8, shuffle=False, verbose=0, callbacks=[SwapEMAWeights(swap_on_epoch=True), kept])
    other = made()
    other.load_weights(tmp_path / "1.weights.h5")
    close(copies(other), averages(plain)[-1])


def test_an_optimizer_without_averages():
    model = made(use_ema=False)
    with pytest.raises(ArgumentError, match=r"(?s)keeps averages.*use_ema=True"):
        model.fit(X, Y, verbose=0, callbacks=[SwapEMAWeights()])


def test_a_run_that_breaks_off_in_validation_leaves_the_weights_themselves():
    def breaks(batch, logs):
        raise KeyError("broken")

    model, plain = made(), course(made(), 1)
    with pytest.raises(KeyError, match="broken"):
        model.fit(
            X, Y, batch_size=8, shuffle=False, verbose=0, validation_data=(X, Y),
            callbacks=[SwapEMAWeights(), LambdaCallback(on_test_batch_end=breaks)],
        )  # fmt: skip
    close(copies(model), plain[-1])


@pytest.mark.parametrize("call", ["evaluate", "predict"])
def test_an_evaluation_that_breaks_off_leaves_the_weights_themselves(call, trainable_backend):
    def batches():
        yield (X, Y)
        raise KeyError("broken")

    model = made()
    course(model, 1)
    model.set_weights([np.full((3, 1), 9.0), np.full(1, 9.0)])
    with pytest.raises(KeyError, match="broken"):
        getattr(model, call)(batches(), verbose=0, callbacks=[SwapEMAWeights()])
    close(copies(model), [np.full((3, 1), 9.0), np.full(1, 9.0)])


@pytest.mark.parametrize("save_freq", ["epoch", 1, 3])
def test_a_resumed_run(trainable_backend, save_freq, tmp_path):
    def run(name, breaks=()):
        model = made()
        keeping = BackupAndRestore(tmp_path / name, save_freq=save_freq)
        model.fit(X, Y, batch_size=8, epochs=3, verbose=0, validation_data=(X, Y), callbacks=[SwapEMAWeights(True), *breaks, keeping])
        return [w.tobytes() for w in model.get_weights()]

    wanted = run("whole")

    def breaks(epoch, logs):
        if epoch == 2:
            raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        run("parts", [LambdaCallback(on_epoch_begin=breaks)])
    assert run("parts") == wanted
