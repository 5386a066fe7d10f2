"""What `import keras` has at its top beside Cornu's own face."""

from __future__ import annotations

__all__ = ["__version__", "version"]

__version__ = "3.15.1"
"""The version of Keras whose interface is served; Cornu's own is `cornu.__version__`."""


def version() -> str:
    """The version of Keras whose interface is served.

    >>> version().split(".")[:2]
    ['3', '15']
    """
    return __version__
