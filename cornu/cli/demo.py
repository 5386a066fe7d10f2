"""Train a small network on handwritten digits, save it, open it again, and draw what it learned."""

from __future__ import annotations

import argparse
import importlib.util
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import cornu
from cornu.cli import figures

__all__ = ["add_arguments", "run"]


class Digits(NamedTuple):
    """Images (number, 8, 8, 1) between 0 and 1, and the digits they show, cut into a part to learn from and a part held out."""

    train_images: np.ndarray
    test_images: np.ndarray
    train_labels: np.ndarray
    test_labels: np.ndarray


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's options."""
    parser.add_argument("--epochs", type=positive, default=15, metavar="N", help="passes over the training images (default: 15)")
    parser.add_argument("--out", type=Path, default=Path("cornu-demo"), metavar="DIR", help="where files are written (default: cornu-demo)")


def positive(text: str) -> int:
    """A whole number of at least one, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Trains, reports, saves, reloads and draws; the status is 1 where the reloaded model does not predict the same."""
    require("sklearn", "matplotlib")
    backend = cornu.backend()
    digits = load_digits()
    model = build_model()
    print(f"Handwritten digits on {backend}: {len(digits.train_labels)} to learn from, {len(digits.test_labels)} held out.", flush=True)

    start = time.perf_counter()
    history = model.fit(
        digits.train_images,
        digits.train_labels,
        batch_size=32,
        epochs=arguments.epochs,
        validation_data=(digits.test_images, digits.test_labels),
    )
    seconds = time.perf_counter() - start
    _, accuracy = model.evaluate(digits.test_images, digits.test_labels, verbose=0)
    probabilities = model.predict(digits.test_images, verbose=0)

    arguments.out.mkdir(parents=True, exist_ok=True)
    same = np.array_equal(save_and_reload(model, arguments.out).predict(digits.test_images, verbose=0), probabilities)
    figures.training_curves(history.history, arguments.out / "training_curves.png")
    figures.predictions(digits.test_images[..., 0], digits.test_labels, probabilities, arguments.out / "predictions.png")
    report(float(accuracy), seconds, same, arguments.out)
    return 0 if same else 1


def require(*packages: str) -> None:
    """Ends the command before anything is trained where a package is missing."""
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        raise SystemExit(f"cornu demo needs {' and '.join(missing)}. Install what it needs with `pip install 'cornu[data]'`.")


def load_digits() -> Digits:
    """scikit-learn's 1,797 digits, a fifth held out, each digit in its share."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype("float32").reshape(-1, 8, 8, 1)
    return Digits(*train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=0))


def build_model() -> Any:
    """Two convolutions and two dense layers, 43,050 weights; the same initial weights on every run and every backend."""
    cornu.utils.set_random_seed(0)
    layers = cornu.layers
    model = cornu.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def save_and_reload(model: Any, folder: Path) -> Any:
    """The model, written to a file and read from it again."""
    path = folder / "digits.keras"
    model.save(path)
    return cornu.saving.load_model(path)


def report(accuracy: float, seconds: float, same: bool, folder: Path) -> None:
    """Says in a few lines how it went and where the files are."""
    verdict = "the same predictions" if same else "DIFFERENT predictions: this is an error in Cornu, please report it"
    print(f"\nTest accuracy {accuracy:.3f} after {seconds:.1f} s of training.")
    print(f"Saved {folder / 'digits.keras'}; opened again, it gives {verdict}.")
    print(f"Drawn {folder / 'training_curves.png'} and {folder / 'predictions.png'}.")
