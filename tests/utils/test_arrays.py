"""Arrays prepared by hand: one-hot rows."""

import numpy as np
import pytest

from cornu.errors import ArgumentError
from cornu.utils import to_categorical


def test_one_hot_rows_of_any_shape():
    labels = np.array([[0, 2, 1], [1, 1, 0]])
    np.testing.assert_array_equal(to_categorical(labels), np.eye(3)[labels])
    np.testing.assert_array_equal(to_categorical(labels[..., None], 4), np.eye(4)[labels])
    assert to_categorical([], 3).shape == (0, 3)
    assert to_categorical(1.0).tolist() == [0, 1]


def test_many_classes_take_rows_by_classes_of_memory():
    rows = to_categorical([1, 2], num_classes=300_000)  # 335 GiB as a square
    assert (rows.shape, rows.dtype, rows.argmax(-1).tolist(), rows.sum()) == ((2, 300_000), "float32", [1, 2], 2)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["cat", "dog"], "must be numbers.*cat"),
        ([0.5], "must be whole"),
        ([float("nan")], "must be whole"),
        ([3], "from 0 to"),
        ([-1], "from 0"),
    ],
)
def test_what_is_no_class_number(labels, said):
    with pytest.raises(ArgumentError, match=said):
        to_categorical(labels, 3)
