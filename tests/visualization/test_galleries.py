"""Galleries: what stands in the figure, and what is written."""

import sys

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.image import imread

from cornu.errors import ArgumentError
from cornu.visualization import plot_bounding_box_gallery, plot_image_gallery, plot_segmentation_mask_gallery


@pytest.fixture
def shown(monkeypatch):
    """The figure that was shown, as its tiles' (title, image) and its size."""
    found = {}

    def look():
        figure = pyplot.gcf()
        found["titles"] = [ax.get_title() for ax in figure.axes]
        found["tiles"] = [np.asarray(ax.images[0].get_array()) for ax in figure.axes if ax.images]
        found["size"] = tuple(figure.get_size_inches())
        found["legends"] = [text.get_text() for legend in figure.legends for text in legend.get_texts()]

    monkeypatch.setattr(pyplot, "show", look)
    yield found
    assert pyplot.get_fignums() == []  # none is left open


IMAGES = np.stack([np.full((4, 8, 3), v) for v in (0.0, 0.2, 1.0)])


def test_images_with_their_labels(shown):
    plot_image_gallery(IMAGES, [0, 1, 1], np.array([0, 0, 1]), {0: "cat", 1: "dog"}, value_range=(0, 1))
    assert shown["titles"] == ["true: cat\npredicted: cat", "true: dog\npredicted: cat", "true: dog\npredicted: dog", ""]
    assert [np.unique(tile).tolist() for tile in shown["tiles"]] == [[0], [51], [255]]
    assert shown["size"] == (4.0, 2.0)  # two by two tiles, two inches wide and half as high


def test_rows_and_columns_as_asked(shown):
    plot_image_gallery(np.moveaxis(IMAGES, -1, 1), rows=1, cols=2, value_range=(0, 1), scale=3, data_format="channels_first")
    assert len(shown["tiles"]) == 2
    assert shown["size"] == (6.0, 1.5)


def test_a_file_has_the_dots_asked_for(tmp_path):
    plot_image_gallery(IMAGES, value_range=(0, 1), rows=1, path=tmp_path / "gallery.png", dpi=50)
    assert imread(tmp_path / "gallery.png").shape == (50, 300, 4)  # 6 inches by 1
    assert pyplot.get_fignums() == []


def test_boxes_in_two_colours(shown):
    true = {"boxes": np.array([[[0, 0, 3, 3]]]), "labels": np.array([[0]])}
    pred = {"boxes": np.array([[[4, 0, 7, 3]]]), "labels": np.array([[0]])}
    plot_bounding_box_gallery(IMAGES[:1], "xyxy", true, pred, value_range=(0, 1), line_thickness=1, legend=True)
    (tile,) = shown["tiles"]
    assert tile[0].tolist() == [[0, 188, 212]] * 4 + [[255, 235, 59]] * 4
    assert tile[1, 1].tolist() == [0, 0, 0]
    assert shown["legends"] == ["Ground Truth", "Prediction"]


def test_masks_beside_their_image(shown):
    masks = np.zeros((1, 4, 8, 1), int)
    plot_segmentation_mask_gallery(IMAGES[2:], 2, (0, 1), masks, masks + 1, blend=False)
    (tile,) = shown["tiles"]
    assert tile.shape == (4, 24, 3)
    assert tile[0, [0, 8, 16]].tolist() == [[255, 255, 255], [0, 0, 0], [1, 127, 31]]


def test_what_cannot_be_is_refused(monkeypatch, tmp_path):
    with pytest.raises(ArgumentError, match="either shown or written"):
        plot_image_gallery(IMAGES, path=tmp_path / "a.png", show=True)
    with pytest.raises(ArgumentError, match="either shown or written"):
        plot_image_gallery(IMAGES, show=False)
    with pytest.raises(ArgumentError, match=r"each of 3 image\(s\), got 2"):
        plot_image_gallery(IMAGES, [0, 1])
    with pytest.raises(ArgumentError, match="low below high"):
        plot_image_gallery(IMAGES, value_range=(1, 1))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'cornu\[data\]'"):
        plot_image_gallery(IMAGES)
