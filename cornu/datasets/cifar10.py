"""CIFAR-10: 60,000 colour pictures of 32×32 points in ten kinds.

A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009, https://www.cs.toronto.edu/~kriz/cifar.html.
The kinds: 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship, 9 truck.
"""

from __future__ import annotations

import numpy as np

from cornu.datasets.cifar import read_batches
from cornu.datasets.splitting import Split

__all__ = ["load_data"]


def load_data() -> Split:
    """The 50,000 pictures to learn from and the 10,000 of the test.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: x uint8 of shape (50000, 32, 32, 3) and (10000, 32, 32, 3), 0 to 255, channels first where
        `cornu.config.image_data_format()` says so; y uint8 of shape (50000, 1) and (10000, 1), 0 to 9.

    Raises:
        SavingError: the archive is not in the cache and could not be fetched; the message says where to put it.
        CorruptFileError: it is damaged.

    Example:
        (x_train, y_train), (x_test, y_test) = cornu.datasets.cifar10.load_data()
    """
    *train, test = read_batches("cifar10", (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"), "labels")
    x, y = (np.concatenate(parts) for parts in zip(*train, strict=True))
    return (x, y), test
