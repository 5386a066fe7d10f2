"""The demo's figures: the words and lines drawn, and the files written."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from cornu.cli import figures


@pytest.fixture
def drawn(monkeypatch):
    """The figures saved during the test."""
    saved, save = [], Figure.savefig

    def keep(self, *arguments, **options):
        saved.append(self)
        return save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return saved


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


HISTORY = {"loss": [2.0, 0.5, 0.25], "val_loss": [1.5, 0.75, 0.5], "accuracy": [0.25, 0.75, 0.875], "val_accuracy": [0.5, 0.8, 0.9]}


@pytest.mark.parametrize("epochs", [1, 3])
def test_curves_hold_the_history_and_name_its_end(tmp_path, drawn, epochs):
    history = {name: values[:epochs] for name, values in HISTORY.items()}
    figures.training_curves(history, tmp_path / "curves.png")
    loss, accuracy = drawn[0].axes
    assert [list(line.get_ydata()) for line in loss.lines] == [history["loss"], history["val_loss"]]
    assert [list(line.get_ydata()) for line in accuracy.lines] == [history["accuracy"], history["val_accuracy"]]
    assert list(loss.lines[0].get_xdata()) == list(range(1, epochs + 1))
    last = HISTORY["val_loss"][epochs - 1], HISTORY["val_accuracy"][epochs - 1]
    assert {f"held out {last[0]:.3f}", f"held out {100 * last[1]:.1f}%"} <= set(words(drawn[0]))
    with Image.open(tmp_path / "curves.png") as image:
        assert image.size == (1650, 600)


def test_predictions_count_and_mark_the_misread(tmp_path, drawn, rng):
    labels = rng.integers(0, 10, 40)
    probabilities = np.full((40, 10), 0.01)
    probabilities[np.arange(40), labels] = 0.91
    wrong = int(labels[30])
    probabilities[30] = np.roll(probabilities[30], 1)  # sure of the next digit
    figures.predictions(rng.random((40, 8, 8)), labels, probabilities, tmp_path / "predictions.png")
    text = words(drawn[0])
    assert "39 of 40 unseen digits read right" in text
    assert [t for t in text if "not" in t] == [f"{(wrong + 1) % 10}, not {wrong}"]
    assert len(drawn[0].axes) == 24 + 8
    assert drawn[0].axes[24].get_title("left") == f"{(wrong + 1) % 10}, not {wrong}"  # the hardest comes first
    assert drawn[0].axes[0].get_title("right") == "91%"


def test_a_small_test_set_leaves_cells_empty(tmp_path, drawn, rng):
    figures.predictions(rng.random((3, 8, 8)), np.arange(3), np.eye(10)[:3], tmp_path / "predictions.png")
    assert len(drawn[0].axes) == 3 + 3
    assert (tmp_path / "predictions.png").stat().st_size > 0
