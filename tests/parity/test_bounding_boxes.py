"""The functions of bounding boxes against the real Keras."""

import os

import numpy as np
import pytest

pytestmark = [pytest.mark.parity, pytest.mark.usefixtures("on_jax")]

from cornu.utils import bounding_boxes as ours  # noqa: E402

FORMATS = ["xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh"]
A = np.array([[0, 1, 4, 6], [2, 1, 9, 9]], "float32")
B = np.array([[1, 2, 5, 6], [0, 0, 8, 4]], "float32")
SHAPE = (10, 20, 3)


@pytest.fixture(scope="module")
def theirs():
    os.environ["KERAS_BACKEND"] = "jax"
    return pytest.importorskip("keras").utils.bounding_boxes


def same(a, b):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", FORMATS)
def test_formats(theirs, source, target):
    same(ours.convert_format(A, source, target, 10, 20), theirs.convert_format(A, source, target, 10, 20))


@pytest.mark.parametrize("name", ["xyxy", "yxyx", "xywh", "center_xywh", "rel_xyxy"])
def test_overlaps(theirs, name):
    more = {"image_shape": SHAPE}
    same(ours.compute_iou(A[None], B[None], name, **more), theirs.compute_iou(A[None], B[None], name, **more))
    if name != "rel_xyxy":  # which Keras's takes with no image_shape it is given
        same(ours.compute_ciou(A, B, name, **more), theirs.compute_ciou(A, B, name, **more))


def test_filled_up_lists_of_boxes_are_left_out(theirs):
    filled = np.concatenate([B, -np.ones((1, 4), "float32")])
    for x, y in ((A, filled), (filled, A)):
        same(ours.compute_iou(x, y, "xyxy", use_masking=True), theirs.compute_iou(x, y, "xyxy", use_masking=True))


def test_cut_and_padded(theirs):
    boxes = {"boxes": np.array([[-3, 2, 5, 30], [15, 0, 8, 4], [30, 30, 40, 40]], "float32"), "labels": np.array([1, 2, 3], "int32")}
    one, two = ours.clip_to_image_size(boxes, 10, 20), theirs.clip_to_image_size(boxes, 10, 20)
    same(one["boxes"], two["boxes"])
    same(one["labels"], two["labels"])
    same(ours.crop(B, 1, 2, 4, 5), theirs.crop(B, 1, 2, 4, 5))
    same(ours.pad(B, 8, 15, 10, 20), theirs.pad(B, 8, 15, 10, 20))


@pytest.mark.parametrize("order", ["center_yxhw", "center_xywh"])
@pytest.mark.parametrize("variance", [None, [0.1, 0.1, 0.2, 0.3]])
def test_steps_from_anchors(theirs, order, variance):
    more = {"variance": variance, "image_shape": SHAPE}
    one = ours.encode_box_to_deltas(A, B[None], "xyxy", "xywh", order, **more)
    same(one, theirs.encode_box_to_deltas(A, B[None], "xyxy", "xywh", order, **more))
    same(ours.decode_deltas_to_boxes(A, one, "xyxy", "xywh", order, **more), B[None])
    steps = np.array([[0.1, 0.2, 0.3, 0.4], [0.1, 0, 0, 0]], "float32")
    arguments = ("xyxy", "rel_xyxy", order)
    same(ours.decode_deltas_to_boxes(A, steps, *arguments, **more), theirs.decode_deltas_to_boxes(A, steps, *arguments, **more))
    one, two = (m.decode_deltas_to_boxes({"a": A}, {"a": steps}, *arguments, **more) for m in (ours, theirs))
    same(one["a"], two["a"])


@pytest.mark.parametrize(
    "moves",
    [(90, 0, 0, 1, 0, 0), (30, 0, 0, 1, 0, 0), (0, 2, 3, 1, 0, 0), (0, 1, 0, 2, 0, 0), (0, 0, 0, 1, 10, 20), (20, 1, 2, 2, 10, 5)],
    ids=str,
)
@pytest.mark.parametrize("centre", [{}, {"center_x": 0.25, "center_y": 0.5}], ids=str)
def test_moved_in_all_ways(theirs, moves, centre):
    moves = [np.array([m], "float32") for m in moves]
    same(ours.affine_transform(B[None], *moves, 10, 20, **centre), theirs.affine_transform(B[None], *moves, 10, 20, **centre))
