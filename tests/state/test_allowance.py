"""How many numbers a file from elsewhere may have made."""

import pytest

from cornu.errors import UnsafeFileError
from cornu.state.allowance import allowance, spend


def test_what_is_made_is_counted_together():
    with allowance(10):
        spend((2, 3), "a")
        spend((4,), "b")
        with pytest.raises(UnsafeFileError, match=r"'c' of shape \(1,\)"):
            spend((1,), "c")
    spend((10**9,), "d")  # nothing is counted outside


@pytest.mark.parametrize("shape", [(-5,), (-1, 7), (-3, -3), (None,), (0, 9)])
def test_lengths_below_0_take_nothing_and_give_nothing(shape):
    with allowance(6):
        spend(shape, "a")
        spend((6,), "b")
        with pytest.raises(UnsafeFileError):
            spend((1,), "c")
