"""The progress bar under the name by which the rooms above know it; it is written beside the callback that shows it."""

from cornu.callbacks.bar import Progbar, resolve_verbose

__all__ = ["Progbar", "resolve_verbose"]
