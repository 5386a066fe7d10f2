"""The demo's two figures: how training went, and what the model makes of digits it has never seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["predictions", "training_curves"]

INK, FAINT, PAPER = "#22303c", "#8b98a5", "#ffffff"
TRAINING, HELD_OUT, WRONG = "#9db4c8", "#1f6f8b", "#d1495b"
STYLE = {
    "font.size": 11,
    "text.color": INK,
    "axes.labelcolor": FAINT,
    "axes.edgecolor": "#d5dce3",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlepad": 14,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#eef1f4",
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "figure.facecolor": PAPER,
    "savefig.dpi": 150,
}


def training_curves(history: Mapping[str, Sequence[float]], path: Path) -> None:
    """Draws loss and accuracy over the epochs, for the training and the held-out images.

    Args:
        history: `loss`, `val_loss`, `accuracy` and `val_accuracy`, one number an epoch.
        path: the PNG to write.
    """
    with style():
        figure = new_figure(figsize=(11, 4), layout="constrained")
        left, right = figure.subplots(1, 2)
        draw_curve(left, "Loss", history["loss"], history["val_loss"], "{:.3f}")
        draw_curve(right, "Accuracy", history["accuracy"], history["val_accuracy"], "{:.1%}")
        right.yaxis.set_major_formatter("{x:.0%}")
        left.set_ylim(bottom=0)
        right.set_ylim(top=1)
        figure.savefig(path)


def predictions(images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, path: Path) -> None:
    """Draws two dozen held-out digits as the model reads them, then the eight it finds hardest.

    Args:
        images: (number, height, width), dark is high.
        labels: (number,), the true digits.
        probabilities: (number, 10), the model's answer.
        path: the PNG to write.
    """
    read = probabilities.argmax(axis=1)
    first = np.arange(len(labels))[:24]
    hard = np.argsort(probabilities[np.arange(len(labels)), labels], kind="stable")[:8]
    with style():
        figure = new_figure(figsize=(9, 6.6))
        figure.text(0.05, 0.95, f"{(read == labels).sum()} of {len(labels)} unseen digits read right", size=15, weight="bold", va="center")
        figure.text(0.05, 0.912, "what the model reads, and how sure it is", color=FAINT, va="center")
        figure.text(0.05, 0.243, "The hardest for it", size=12, weight="bold", va="center")
        figure.text(0.95, 0.243, "misread, with the true digit", color=WRONG, size=10, ha="right", va="center")
        grids = [figure.add_gridspec(3, 8, left=0.05, right=0.95, bottom=0.30, top=0.85, hspace=0.3)]
        grids.append(figure.add_gridspec(1, 8, left=0.05, right=0.95, bottom=0.035, top=0.185))
        for grid, chosen in zip(grids, (first, hard), strict=True):
            for cell, i in zip(grid, chosen, strict=False):  # a small test set leaves cells empty
                draw_digit(figure.add_subplot(cell), images[i], int(labels[i]), int(read[i]), float(probabilities[i].max()))
        figure.savefig(path)


def style() -> AbstractContextManager[None]:
    """The look of both figures, for a `with` block."""
    import matplotlib as mpl

    return mpl.rc_context(STYLE)


def new_figure(**options: Any) -> Any:
    """A figure of its own, outside pyplot: it opens no window, and nothing has to close it."""
    from matplotlib.figure import Figure

    return Figure(**options)


def draw_curve(axes: Any, title: str, training: Sequence[float], held_out: Sequence[float], form: str) -> None:
    """One quantity over the epochs; each line is named at its end rather than in a legend."""
    epochs = np.arange(1, len(training) + 1)
    marker = "o" if len(epochs) == 1 else None  # one epoch is a point, not a line
    axes.plot(epochs, training, color=TRAINING, linewidth=2, marker=marker)
    axes.plot(epochs, held_out, color=HELD_OUT, linewidth=2.5, marker=marker)
    axes.set_title(title)
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.tick_params(length=0)
    axes.set_xlim(epochs[0] - 0.25, epochs[-1] + 0.25)
    above = training[-1] > held_out[-1]
    for name, values, color, is_upper in (("training", training, TRAINING, above), ("held out", held_out, HELD_OUT, not above)):
        axes.annotate(
            f"{name} {form.format(values[-1])}",
            (epochs[-1], values[-1]),
            xytext=(10, 11 if is_upper else -3),
            textcoords="offset points",
            color=color,
            weight="bold",
            va="center",
            annotation_clip=False,
        )


def draw_digit(axes: Any, image: np.ndarray, true: int, read: int, sureness: float) -> None:
    """One digit with its reading above it: in the accent colour, the true digit added, where it was misread."""
    wrong = read != true
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(visible=True, color=WRONG if wrong else "#e3e8ed", linewidth=1.5 if wrong else 1)
    label = f"{read}, not {true}" if wrong else f"{read}"
    axes.set_title(label, loc="left", pad=4, size=9 if wrong else 11, weight="bold", color=WRONG if wrong else INK)
    axes.set_title(f"{sureness:.0%}", loc="right", pad=4, size=8, weight="normal", color=FAINT)
