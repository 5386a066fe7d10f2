"""`import keras` served by Cornu; spellings of older Keras live here and nowhere else.

    import cornu.compat
    cornu.compat.install()

    import keras
    from keras.layers import Dense

`cornu run SCRIPT` does the first two lines for a program that knows nothing of Cornu. An old spelling (`fit_generator`, `lr=`,
`keras.utils.np_utils`, …) works, and says once on standard error what it is called today.
"""

from __future__ import annotations

import importlib.util
import sys

from cornu.compat import spellings
from cornu.compat.finder import TENSORFLOW, Face, Finder
from cornu.compat.notice import forget, set_notices
from cornu.errors import BackendError

__all__ = ["install", "installed", "uninstall"]

_finders: list[Finder] = []


def install(*, tensorflow: bool | None = None, notices: bool = True) -> None:
    """Has `import keras`, and every module beneath it, served by Cornu in this process.

    Args:
        tensorflow: whether `import tensorflow.keras` is served too; by default where TensorFlow is absent.
        notices: whether old spellings say what they are called today.

    Raises:
        BackendError: another `keras` is imported already.

    >>> import sys
    >>> if "keras" not in sys.modules:
    ...     install()
    ...     from keras.layers import Dense
    ...
    ...     uninstall()
    """
    set_notices(notices)
    tensorflow = not _is_there("tensorflow") if tensorflow is None else tensorflow
    roots = (TENSORFLOW, "keras", *(["tensorflow.keras"] if tensorflow else []))
    for root in roots:
        found = sys.modules.get(root)
        if found is not None and not isinstance(found, Face):
            raise BackendError(f"Another {root!r} is imported already, from {found.__file__}. Install Cornu's before anything imports it.")
    uninstall()
    _finders.append(Finder(*roots))
    sys.meta_path[:0] = _finders
    spellings.teach()


def uninstall() -> None:
    """Takes back what `install` did; modules imported meanwhile keep working where they are held."""
    for finder in _finders:
        sys.meta_path.remove(finder)
    _finders.clear()
    spellings.unteach()
    for name in [name for name, module in sys.modules.items() if isinstance(module, Face)]:
        del sys.modules[name]
    forget()


def installed() -> bool:
    """Whether `import keras` is served by Cornu."""
    return bool(_finders)


def _is_there(package: str) -> bool:
    return package in sys.modules or importlib.util.find_spec(package) is not None
