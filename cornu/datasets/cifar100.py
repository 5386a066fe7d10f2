"""CIFAR-100: 60,000 colour pictures of 32×32 points in a hundred kinds, which make twenty groups.

A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009, https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

from cornu.datasets.cifar import read_batches
from cornu.datasets.splitting import Split
from cornu.errors import ArgumentError

__all__ = ["load_data"]


def load_data(label_mode: str = "fine") -> Split:
    """The 50,000 pictures to learn from and the 10,000 of the test.

    Args:
        label_mode: "fine" for the hundred kinds, "coarse" for the twenty groups.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: x uint8 of shape (50000, 32, 32, 3) and (10000, 32, 32, 3), 0 to 255, channels first where
        `cornu.config.image_data_format()` says so; y uint8 of shape (50000, 1) and (10000, 1), 0 to 99 or 0 to 19.

    Raises:
        ArgumentError: another label_mode.
        SavingError: the archive is not in the cache and could not be fetched; the message says where to put it.
        CorruptFileError: it is damaged.

    Example:
        (x_train, y_train), (x_test, y_test) = cornu.datasets.cifar100.load_data(label_mode="coarse")
    """
    if label_mode not in ("fine", "coarse"):
        raise ArgumentError(f"label_mode must be 'fine' (100 kinds) or 'coarse' (20 groups), got {label_mode!r}.")
    train, test = read_batches("cifar100", ("train", "test"), f"{label_mode}_labels")
    return train, test
