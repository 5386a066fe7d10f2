"""What is drawn on arrays, pixel by pixel."""

import sys

import numpy as np
import pytest

from cornu import ops
from cornu.errors import ArgumentError, ShapeError
from cornu.visualization import draw_bounding_boxes, draw_segmentation_masks


def picture(image):
    return ["".join("#" if v else "." for v in row) for row in image]


def boxes(*edges, label=0):
    return {"boxes": np.array([edges], "float32"), "labels": np.full((1, len(edges)), label)}


EMPTY = np.zeros((1, 6, 8, 3), "float32")


def test_an_outline_of_one_pixel_and_of_two(backend):
    images = ops.convert_to_tensor(EMPTY)
    thin = draw_bounding_boxes(images, boxes((1, 1, 5, 4)), "xyxy", color=(9, 0, 7), line_thickness=1)
    assert picture(thin[0, :, :, 0]) == ["........", ".#####..", ".#...#..", ".#...#..", ".#####..", "........"]
    assert thin.dtype == np.uint8
    assert thin[0, 1, 1].tolist() == [9, 0, 7]
    thick = draw_bounding_boxes(images, boxes((1, 1, 5, 4)), "xyxy", color=(9, 0, 7))
    assert picture(thick[0, :, :, 0]) == ["........", ".######.", ".######.", ".##..##.", ".######.", ".######."]


@pytest.mark.parametrize(
    ("form", "numbers"),
    [("yxyx", (1, 1, 4, 5)), ("xywh", (1, 1, 4, 3)), ("center_xywh", (3, 2.5, 4, 3)), ("rel_xyxy", (1 / 8, 1 / 6, 5 / 8, 4 / 6))],
)
def test_each_format_gives_the_same_box(form, numbers):
    expected = draw_bounding_boxes(EMPTY, boxes((1, 1, 5, 4)), "xyxy")
    np.testing.assert_array_equal(draw_bounding_boxes(EMPTY, boxes(numbers), form), expected)


def test_what_lies_outside_is_left_out_and_padding_is_no_box():
    partly = draw_bounding_boxes(EMPTY, boxes((-3, -3, 2, 2), (20, 20, 30, 30)), "xyxy", line_thickness=1)
    assert picture(partly[0, :, :, 0]) == ["..#.....", "..#.....", "###.....", "........", "........", "........"]
    assert not draw_bounding_boxes(EMPTY, boxes((1, 1, 5, 4), label=-1), "xyxy").any()
    assert not EMPTY.any()


def test_channels_first_and_gray():
    first = draw_bounding_boxes(np.zeros((1, 3, 6, 8)), boxes((1, 1, 5, 4)), "xyxy", data_format="channels_first")
    np.testing.assert_array_equal(first, draw_bounding_boxes(EMPTY, boxes((1, 1, 5, 4)), "xyxy"))
    gray = draw_bounding_boxes(np.zeros((1, 6, 8, 1)), boxes((1, 1, 5, 4)), "xyxy", color=(30, 60, 90))
    assert set(np.unique(gray)) == {0, 60}


def test_names_stand_above_a_box_or_within_it():
    wide = np.zeros((1, 60, 80, 3))
    below = {**boxes((5, 40, 75, 55)), "confidences": np.array([[0.5]])}
    plain, named = (draw_bounding_boxes(wide, below, "xyxy", mapping, (255, 0, 0)) for mapping in (None, {0: "cat"}))
    added = np.argwhere((plain != named)[0, :, :, 0])
    assert len(added) > 20
    assert added[:, 0].max() < 40  # above
    short = draw_bounding_boxes(wide, boxes((5, 40, 75, 55)), "xyxy", {0: "cat"}, (255, 0, 0))
    assert added[:, 1].max() > np.argwhere((plain != short)[0, :, :, 0])[:, 1].max()  # the confidence makes it longer
    top = draw_bounding_boxes(wide, boxes((5, 2, 75, 55)), "xyxy", {0: "cat"}) != draw_bounding_boxes(wide, boxes((5, 2, 75, 55)), "xyxy")
    assert np.argwhere(top[0, :, :, 0])[:, 0].min() > 2
    np.testing.assert_array_equal(draw_bounding_boxes(wide, below, "xyxy", {7: "dog"}, (255, 0, 0)), plain)


def test_text_without_pillow_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match="pip install pillow"):
        draw_bounding_boxes(EMPTY, boxes((1, 1, 5, 4)), "xyxy", {0: "cat"})


def test_boxes_that_cannot_be_are_refused():
    with pytest.raises(ShapeError, match=r"4 axes, got the shape \(6, 8, 3\)"):
        draw_bounding_boxes(EMPTY[0], boxes((1, 1, 5, 4)), "xyxy")
    with pytest.raises(ArgumentError, match=r"with 'boxes' and 'labels', got \['boxes'\]"):
        draw_bounding_boxes(EMPTY, {"boxes": np.zeros((1, 1, 4))}, "xyxy")
    with pytest.raises(ShapeError, match=r"got \(2, 1, 4\) and \(1, 1\)"):
        draw_bounding_boxes(EMPTY, {"boxes": np.zeros((2, 1, 4)), "labels": np.zeros((1, 1))}, "xyxy")
    with pytest.raises(ArgumentError, match="must be one of"):
        draw_bounding_boxes(EMPTY, boxes((1, 1, 5, 4)), "xxyy")
    with pytest.raises(ArgumentError, match="line_thickness=0"):
        draw_bounding_boxes(EMPTY, boxes((1, 1, 5, 4)), "xyxy", line_thickness=0)
    with pytest.raises(ShapeError, match="each of 3 channels"):
        draw_bounding_boxes(EMPTY, boxes((1, 1, 5, 4)), "xyxy", color=(1, 2))
    with pytest.raises(ArgumentError, match="'channels_last' or 'channels_first', got 'last'"):
        draw_bounding_boxes(EMPTY, boxes((1, 1, 5, 4)), "xyxy", data_format="last")


GRAY = np.full((1, 2, 3, 3), 100, "uint8")
MASKS = np.array([[[0, 1, 2], [-1, 1, 0]]])


# The first three were given by Keras 3.15.1; by hand, 0.8·127 + 0.2·100 is 121.6
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[20, 20, 20], [20, 121, 44], [21, 223, 69], [100, 100, 100], [20, 121, 44], [20, 20, 20]]),
        ({"alpha": 0.5}, [[50, 50, 50], [50, 113, 65], [51, 177, 81], [100, 100, 100], [50, 113, 65], [50, 50, 50]]),
        ({"ignore_index": 0}, [[100, 100, 100], [20, 121, 44], [21, 223, 69], [100, 100, 100], [20, 121, 44], [100, 100, 100]]),
        ({"blend": False}, [[0, 0, 0], [1, 127, 31], [2, 254, 62], [100, 100, 100], [1, 127, 31], [0, 0, 0]]),
        ({"num_classes": 2}, [[20, 20, 20], [20, 121, 44], [100, 100, 100], [100, 100, 100], [20, 121, 44], [20, 20, 20]]),
        ({"color_mapping": {1: (0, 255, 0)}}, [[100] * 3, [20, 224, 20], [100] * 3, [100] * 3, [20, 224, 20], [100] * 3]),
    ],
)
def test_masks_colour_pixels_by_class(options, expected):
    assert draw_segmentation_masks(GRAY, MASKS, **options)[0].reshape(-1, 3).tolist() == expected


def test_masks_of_backends_with_and_without_an_axis_of_channels(backend):
    expected = draw_segmentation_masks(GRAY, MASKS)
    for masks in (MASKS, MASKS[..., None], MASKS[:, None]):
        found = draw_segmentation_masks(ops.convert_to_tensor(GRAY), ops.convert_to_tensor(masks.astype("int32")))
        np.testing.assert_array_equal(found, expected)


def test_masks_that_cannot_be_are_refused():
    with pytest.raises(ShapeError, match=r"\(1, 2, 3\), got \(1, 3, 2\)"):
        draw_segmentation_masks(GRAY, MASKS.swapaxes(1, 2))
    with pytest.raises(ArgumentError, match="from 0 to 1, got 2"):
        draw_segmentation_masks(GRAY, MASKS, alpha=2)
