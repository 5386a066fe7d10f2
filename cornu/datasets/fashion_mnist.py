"""Fashion-MNIST: 70,000 pictures of clothes in ten kinds, in the measures of MNIST.

H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", https://arxiv.org/abs/1708.07747. Published under the MIT licence.
The kinds: 0 T-shirt, 1 trousers, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle boot.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib

import numpy as np

from cornu.datasets.published import fetch
from cornu.datasets.splitting import Array, Split
from cornu.errors import CorruptFileError

__all__ = ["load_data"]

_MAX_BYTES = 1 << 30


def load_data() -> Split:
    """The 60,000 pictures to learn from and the 10,000 of the test.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: x uint8 of shape (60000, 28, 28) and (10000, 28, 28), 0 to 255; y uint8 of shape (60000,)
        and (10000,), 0 to 9.

    Raises:
        SavingError: a file is not in the cache and could not be fetched; the message says where to put it.
        CorruptFileError: one is damaged.

    Example:
        (x_train, y_train), (x_test, y_test) = cornu.datasets.fashion_mnist.load_data()
    """
    return _part("train"), _part("t10k")


def _part(part: str) -> tuple[Array, Array]:
    x = _read_idx(fetch(f"{part}-images-idx3-ubyte.gz"), rank=3)
    y = _read_idx(fetch(f"{part}-labels-idx1-ubyte.gz"), rank=1)
    if len(x) != len(y):
        raise CorruptFileError(f"Each picture must have a label, but the files of {part!r} hold {len(x)} pictures and {len(y)} labels.")
    return x, y


def _read_idx(path: str, rank: int) -> Array:
    """Bytes in LeCun's IDX format: 0, 0, 8 (for bytes), the rank, each dimension in four bytes, the content."""
    try:
        with gzip.open(path) as file:
            content = file.read(_MAX_BYTES)
        magic, *shape = struct.unpack_from(f">{rank + 1}I", content)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise CorruptFileError(
            f"The file must be a gzip file of IDX format, but {path!r} is damaged: {error}. Remove it to have it fetched again."
        ) from error
    start = 4 * (rank + 1)
    if magic != 0x800 + rank or len(content) - start != math.prod(shape):
        raise CorruptFileError(
            f"The file must hold bytes in {rank} dimensions, as its head says, but {path!r} holds {len(content) - start} for {shape}."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
