"""The examples: each does what it says, on little data; and each runs as the program that it is, with warnings as errors."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cornu

EXAMPLES = Path(__file__).parents[1] / "examples"
BOTH = {"two_backends"}  # choose their backends themselves


def example(name):
    """An example as a module; its `main` is not run."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_functional(trainable_backend):
    history, scores, (digits, evens), y = example("functional").main(rows=300, epochs=8)
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    assert history["loss"] == pytest.approx(np.add(history["digit_loss"], np.multiply(0.5, history["even_loss"])), rel=1e-4)
    np.testing.assert_allclose(digits.sum(-1), 1, rtol=1e-5)
    assert scores["digit_accuracy"] == pytest.approx(np.mean(digits.argmax(-1) == y["digit"]))
    assert scores["even_accuracy"] == pytest.approx(np.mean((evens > 0.5) == y["even"]))


def test_custom_layer(trainable_backend):
    module = example("custom_layer")
    accuracy, layer, twin = module.main(rows=400, epochs=12)
    assert accuracy > 0.9
    assert (twin.units, twin.width, twin.name) == (layer.units, layer.width, layer.name)
    x = np.array([[0.5, -1.0], [2.0, 0.0]], "float32")
    centres, log_widths = layer.get_weights()
    distances = ((x[:, None] - centres) ** 2).sum(-1)
    np.testing.assert_allclose(cornu.ops.convert_to_numpy(layer(x)), np.exp(-np.exp(log_widths) * distances), rtol=1e-5)


def test_gan(trainable_backend):
    model, history, points = example("gan").main(rows=256, epochs=2)
    assert points.shape == (1000, 2)
    assert history["d_loss"][0] == pytest.approx(np.log(2), abs=0.4)  # at the start nothing tells the points apart
    assert int(model.optimizer.iterations) == int(model.discriminator_optimizer.iterations) == 4


def test_two_backends():
    for package in ("jax", "torch"):
        pytest.importorskip(package)
    ours, moved, before, after = example("two_backends").main(rows=256, epochs=3)
    np.testing.assert_allclose(ours["jax"], ours["torch"], atol=1e-5)
    for predictions in moved.values():
        np.testing.assert_allclose(predictions, ours["jax"], atol=1e-5)
    assert after < before


@pytest.mark.long
def test_cats_and_dogs(trainable_backend, capsys):
    module = example("cats_and_dogs")
    cat, dog = (module.head(kind, 0, np.random.default_rng(1)) for kind in ("cat", "dog"))
    assert (cat.std(2) != dog.std(2)).mean() > 0.05  # their shapes differ
    accuracies = module.main(pictures=4, epochs=1)
    assert set(accuracies) == {"as they are", "changed at random"}
    assert all(accuracy * 100 == pytest.approx(round(accuracy * 100), abs=1e-4) for accuracy in accuracies.values())  # of 100 pictures
    assert "Found 8 images belonging to 2 classes." in capsys.readouterr().out


@pytest.mark.long
def test_character_lm(trainable_backend):
    module = example("character_lm")
    history, text = module.main(epochs=2, count=4)
    assert history["loss"][1] < history["loss"][0] < np.log(len(set(module.RHYME)) + 1)  # better than guessing
    assert text.startswith("This is the ")
    assert len(text) == 16
    assert set(text) <= set(module.RHYME)


@pytest.mark.long
def test_time_series(trainable_backend):
    module = example("time_series")
    error = module.main(days=300, epochs=1)
    series = module.temperatures(300)
    assert error["as today"] == pytest.approx(np.mean([abs(series[day] - series[day - 1]) for day in range(254, 300)]))
    assert error["mean of a week"] == pytest.approx(np.mean([abs(series[day] - series[day - 7 : day].mean()) for day in range(254, 300)]))
    assert 0 < error["network"] < 30


@pytest.mark.long
def test_transfer_learning(trainable_backend, capsys):
    module = example("transfer_learning")
    (few, labels), (others, _) = module.digits(range(5, 10), each=3)
    assert few.shape == (15, 8, 8, 1)
    assert np.bincount(labels).tolist() == [3] * 5
    assert len(few) + len(others) == 896  # the images of 5 to 9 in scikit-learn's set
    accuracies = module.main(epochs=10)
    assert accuracies["0 to 4"] > 0.9
    assert accuracies["5 to 9, fine-tuned"] > max(0.9, accuracies["5 to 9, a new head"])
    assert len(capsys.readouterr().out.splitlines()) == 3


@pytest.mark.long
@pytest.mark.parametrize("backend_name", ["jax", "torch"])
@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_as_a_program(path, backend_name, tmp_path):
    pytest.importorskip(backend_name)
    if path.stem in BOTH and backend_name != "jax":
        pytest.skip("chooses its backends itself: once is enough")
    environment = {**os.environ, "CORNU_BACKEND": backend_name, "PYTHONPATH": str(EXAMPLES.parent)}
    command = [sys.executable, "-W", "error", path]
    done = subprocess.run(command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
