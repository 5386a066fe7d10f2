"""Stopping at a loss that is no number."""

from __future__ import annotations

import numpy as np

from cornu.callbacks.bar import say
from cornu.callbacks.callback import Callback, Logs
from cornu.errors import NonFiniteError

__all__ = ["TerminateOnNaN"]


class TerminateOnNaN(Callback):
    """Ends training at the first step after which the loss is NaN or infinite.

    It looks at the loss after every step, which makes small steps slower; `compile(on_nonfinite="raise")`, the default, finds bad steps at
    nearly no cost and undoes them.

    Args:
        raise_error: raise instead of stopping.

    Raises:
        NonFiniteError: the loss is not finite, and `raise_error` is set.
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or np.isfinite(loss):
            return
        text = f"The loss is {loss} at batch {batch}"
        if self.raise_error:
            mend = "Check the inputs for NaN, lower the learning rate, or clip gradients (`clipnorm=1.0`)."
            raise NonFiniteError(f"{text}; it must be finite. {mend}")
        say(f"{text}: training ends.")
        self.model.stop_training = True
