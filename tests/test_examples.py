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


@pytest.fixture(scope="session")
def data_home(tmp_path_factory):
    """A folder of data sets with reviews in IMDB's format: word ranks; kind writers often use the ranks 20 to 29, others 30 to 39."""
    rng, home = np.random.default_rng(7), tmp_path_factory.mktemp("home")

    def reviews(count):
        kind, texts = rng.integers(0, 2, count), np.empty(count, object)
        for number, first in enumerate(np.where(kind, 20, 30)):
            length = rng.integers(10, 40)
            texts[number] = np.where(
                rng.random(length) < 0.2, rng.integers(first, first + 10, length), rng.integers(1, 200, length)
            ).tolist()
        return texts, kind

    (x_train, y_train), (x_test, y_test) = reviews(800), reviews(200)
    (home / "datasets").mkdir()
    np.savez(home / "datasets" / "imdb.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return {"CORNU_HOME": str(home), "CORNU_TRUST_CACHE": "1"}


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


def test_tabular(trainable_backend):
    module = example("tabular")
    right, model = module.main(epochs=15)
    assert set(right) == {"malignant", "benign"}
    assert min(right.values()) > 0.85
    x_train, x_test, _, words = module.load()
    probabilities = model.predict(x_test, verbose=0)  # the table as it is: scaling is the model's own
    assert probabilities.shape == (114, 2)
    assert np.mean(np.array(["benign", "malignant"])[probabilities.argmax(-1)] == words) > 0.9
    scaled = cornu.ops.convert_to_numpy(model.layers[0](x_train))
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(scaled.std(0), 1, atol=1e-3)


def test_autoencoder(trainable_backend):
    module = example("autoencoder")
    error, codes = module.main(epochs=12)
    noisy, by_components, by_code = error.values()
    assert noisy == pytest.approx(module.NOISE**2, rel=0.05)  # the mean square of the noise is its variance
    assert by_code < by_components < noisy
    assert codes.shape == (360, module.CODE)


def test_recommender(trainable_backend):
    module = example("recommender")
    x, y = module.ratings(4000)
    assert len(set(zip(x["person"][:, 0], x["film"][:, 0], strict=True))) == 4000
    assert 1 <= y.min() < y.max() <= 5
    error, model = module.main(epochs=6)
    assert 0.24 < error["the network"] < 0.75 * error["the film's mean"]  # 0.24 is the mean of what chance adds
    assert set(model.input) == {"person", "film", "facts"}


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
def test_imdb_lstm(trainable_backend, data_home, monkeypatch):
    for name, value in data_home.items():
        monkeypatch.setenv(name, value)
    accuracy = example("imdb_lstm").main(words=150, length=40, epochs=8)
    assert accuracy > 0.9
    assert accuracy * 200 == pytest.approx(round(accuracy * 200), abs=1e-3)  # of 200 reviews


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
def test_as_a_program(path, backend_name, data_home, tmp_path):
    pytest.importorskip(backend_name)
    if path.stem in BOTH and backend_name != "jax":
        pytest.skip("chooses its backends itself: once is enough")
    environment = {**os.environ, **data_home, "CORNU_BACKEND": backend_name, "PYTHONPATH": str(EXAMPLES.parent)}
    command = [sys.executable, "-W", "error", path]
    done = subprocess.run(command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
