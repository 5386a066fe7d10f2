"""Loss or gradients that are not finite, in programs that were written for Keras.

Keras trains on, and such programs count on that: they keep their best weights, or lower the rate. Cornu's own default is to stop at the first
bad step. A program whose `import keras` is served runs to its end: bad steps are left out, so that the weights stay finite, and `fit` says so.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

from cornu.compat.notice import notice, user_line

__all__ = ["compiling", "fitting"]

SHORT = {"acc": "accuracy", "val_acc": "val_accuracy"}


class _Metrics(dict[str, Any]):
    """What `History` holds, with "accuracy" under the name it had before Keras 2.3 too."""

    def __missing__(self, name: str) -> Any:
        if SHORT.get(name) not in self:
            raise KeyError(name)
        notice(f"history[{name!r}]", f"is `history[{SHORT[name]!r}]` today")
        return self[SHORT[name]]


def compiling(original: Callable[..., Any]) -> Callable[..., Any]:
    """`compile` whose default for `on_nonfinite` is "skip"."""
    place = list(inspect.signature(original).parameters).index("on_nonfinite")

    @functools.wraps(original)
    def compile(self: Any, *args: Any, **kwargs: Any) -> Any:
        self._skips_by_default_ = "on_nonfinite" not in kwargs and len(args) < place
        if self._skips_by_default_:
            kwargs["on_nonfinite"] = "skip"
        return original(self, *args, **kwargs)

    return compile


def fitting(original: Callable[..., Any]) -> Callable[..., Any]:
    """`fit` whose history knows "acc", and that says at its end which was the first step that it left out."""

    @functools.wraps(original)
    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        history = original(self, *args, **kwargs)
        history.history = _Metrics(history.history)
        bad = self._health_.bad_step() if getattr(self, "_skips_by_default_", False) else None
        if bad is not None:
            sys.stderr.write(
                f"{user_line()}warning: from step {bad + 1} of this fit on there were steps whose loss or gradients were not finite. They were left\n"
                "out. Lower the learning rate, clean the data, or clip gradients (`clipnorm=1.0`); `compile(on_nonfinite='raise')` stops there.\n"
            )
        return history

    return fit
