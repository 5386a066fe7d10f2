"""Where the public data sets lie, and the digests that their publishers name."""

from __future__ import annotations

from dataclasses import dataclass

from cornu.downloads import get_file
from cornu.downloads.cache import find_cached

__all__ = ["PUBLISHED", "Published", "fetch"]

_STORE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_TORONTO = "https://www.cs.toronto.edu/~kriz/"
_FASHION = tuple(f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1"))


@dataclass(frozen=True)
class Published:
    """A file as it was published.

    Attributes:
        url: its address.
        digest: SHA-256 or MD5; None where none was published.
        subdir: the folder of the cache that it is kept in.
        also: further names that it has in a cache, Keras's extracted archives among them.
    """

    url: str
    digest: str | None
    subdir: str = "datasets"
    also: tuple[str, ...] = ()


def _stored(name: str, digest: str | None, subdir: str = "datasets") -> Published:
    return Published(_STORE + name, digest, subdir)


PUBLISHED = {
    "mnist": _stored("mnist.npz", "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"),
    "imdb": _stored("imdb.npz", "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"),
    "imdb words": _stored("imdb_word_index.json", "bfafd718b763782e994055a2d397834f"),
    "reuters": _stored("reuters.npz", "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"),
    "reuters words": _stored("reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921"),
    "boston_housing": _stored("boston_housing.npz", "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"),
    "california_housing": _stored("california_housing.npz", "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"),
    "cifar10": Published(
        _TORONTO + "cifar-10-python.tar.gz",
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        also=("cifar-10-batches-py-target_archive", "cifar-10-batches-py.tar.gz"),
    ),
    "cifar100": Published(
        _TORONTO + "cifar-100-python.tar.gz",
        "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        also=("cifar-100-python-target_archive",),
    ),
    # no digests were published for these; their reader checks what it can
    **{name: _stored(name, None, "datasets/fashion-mnist") for name in _FASHION},
}


def fetch(key: str, name: str | None = None) -> str:
    """The path of a published file, fetched if the cache lacks it.

    Args:
        key: an entry of `PUBLISHED`.
        name: what the cache calls it, if not as its address does.
    """
    file = PUBLISHED[key]
    own = file.url.rpartition("/")[2]
    name = name or find_cached((own, *file.also), file.subdir) or own
    return get_file(name, file.url, file_hash=file.digest, cache_subdir=file.subdir)
