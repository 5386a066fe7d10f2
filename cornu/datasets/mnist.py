"""MNIST: 70,000 pictures of handwritten digits, 28×28 grey points each.

Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition", Proc. IEEE 86, 1998. Published under
CC BY-SA 3.0.
"""

from __future__ import annotations

from cornu.datasets.npz import read_npz
from cornu.datasets.published import fetch
from cornu.datasets.splitting import Split

__all__ = ["load_data"]


def load_data(path: str = "mnist.npz") -> Split:
    """The 60,000 pictures to learn from and the 10,000 of the test.

    Args:
        path: what the file is called in the cache's folder `datasets`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: x uint8 of shape (60000, 28, 28) and (10000, 28, 28), 0 to 255; y uint8 of shape (60000,)
        and (10000,), the digits 0 to 9.

    Raises:
        SavingError: the file is not in the cache and could not be fetched; the message says where to put it.
        CorruptFileError: it is damaged.

    Example:
        (x_train, y_train), (x_test, y_test) = cornu.datasets.mnist.load_data()
        x_train = x_train / 255
    """
    x_train, y_train, x_test, y_test = read_npz(fetch("mnist", path), ("x_train", "y_train", "x_test", "y_test"))
    return (x_train, y_train), (x_test, y_test)
