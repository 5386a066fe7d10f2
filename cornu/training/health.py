"""Whether training is numerically sound: which step was the first with a loss or gradient that is not finite."""

from __future__ import annotations


from cornu.errors import ArgumentError, NonFiniteError
from cornu.ops.arguments import Array
from cornu.ops.core import where
from cornu.ops.elementwise import add, logical_or
from cornu.state import Variable

__all__ = ["Health"]


class Health:
    """Counters on the device, looked at by the host now and then.

    Args:
        policy: "raise" stops training at the first bad step, "skip" leaves bad steps out, "ignore" does not look.

    Attributes:
        steps: training steps tried since `fit` began.
        first_bad: the number of the first bad one, from 0; -1 while there is none.
    """

    def __init__(self, policy: str = "raise") -> None:
        if policy not in ("raise", "skip", "ignore"):
            raise ArgumentError(f"on_nonfinite must be 'raise', 'skip' or 'ignore', got {policy!r}.")
        self.policy = policy
        self.steps = Variable(0, dtype="int32", trainable=False, name="steps")
        self.first_bad = Variable(-1, dtype="int32", trainable=False, name="first_bad_step")

    @property
    def variables(self) -> list[Variable]:
        """Both counters."""
        return [self.steps, self.first_bad]

    def note(self, good: Array) -> None:
        """Takes one step into account."""
        known = logical_or(good, self.first_bad >= 0)
        self.first_bad.assign(where(known, self.first_bad, self.steps))
        self.steps.assign(add(self.steps, 1))

    def reset(self) -> None:
        """Counting starts anew."""
        self.steps.assign(0)
        self.first_bad.assign(-1)

    def bad_step(self) -> int | None:
        """The number of the first bad step, if there was one."""
        found = int(self.first_bad)
        return None if found < 0 else found


def failure(step: int, epoch: int, where: str | None) -> NonFiniteError:
    """The error for a bad step."""
    source = f" The first output that is not finite comes from layer {where!r}." if where else ""
    return NonFiniteError(
        f"Loss and gradients must be finite; at step {step} of epoch {epoch + 1} (both counted from 1) they were not.{source} "
        "The weights are those before that step. Check the inputs for NaN, lower the learning rate, or clip gradients "
        "(`clipnorm=1.0`); `compile(on_nonfinite='skip')` leaves such steps out."
    )
