"""`cornu demo`, from the command line to the files it leaves."""

import re
import zipfile

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from cornu import cli
from cornu.cli import demo


def test_digits_are_split_a_fifth_held_out_each_digit_in_its_share():
    digits = demo.load_digits()
    images, labels = load_digits(return_X_y=True)
    assert digits.train_images.shape == (1437, 8, 8, 1)
    assert digits.test_images.shape == (360, 8, 8, 1)
    assert digits.train_images.dtype == np.float32
    both = np.concatenate([digits.train_images, digits.test_images]).reshape(-1, 64)
    assert np.array_equal(np.unique(both, axis=0), np.unique(images.astype("float32") / 16, axis=0))
    shares = np.bincount(digits.test_labels) / np.bincount(labels)
    assert np.abs(shares - 0.2).max() < 0.01


@pytest.mark.parametrize("epochs", ["0", "-1", "two", "1.5"])
def test_epochs_must_be_a_positive_whole_number(capsys, epochs):
    with pytest.raises(SystemExit) as left:
        cli.main(["demo", "--epochs", epochs])
    assert left.value.code == 2
    assert f"must be a whole number of at least 1, got '{epochs}'" in capsys.readouterr().err


def test_missing_packages_are_named_before_training(monkeypatch):
    monkeypatch.setattr(demo.importlib.util, "find_spec", lambda package: None)
    with pytest.raises(SystemExit, match=r"sklearn and matplotlib.*pip install 'cornu\[data\]'"):
        cli.main(["demo"])


def test_the_demo_learns_saves_reloads_and_draws(trainable_backend, tmp_path, capsys):
    assert cli.main(["demo", "--out", str(tmp_path / "made")]) == 0
    out = capsys.readouterr().out
    assert f"on {trainable_backend}: 1437 to learn from, 360 held out" in out
    assert float(re.search(r"Test accuracy (\d\.\d+)", out)[1]) >= 0.97
    assert "the same predictions" in out
    assert {"config.json", "metadata.json", "model.weights.h5"} <= set(zipfile.ZipFile(tmp_path / "made" / "digits.keras").namelist())
    for name in ("training_curves.png", "predictions.png"):
        with Image.open(tmp_path / "made" / name) as image:
            assert image.format == "PNG"
