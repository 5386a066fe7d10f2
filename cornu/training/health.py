"""Whether training is numerically sound: which step was the first with a loss or gradient that is not finite."""

from __future__ import annotations

from cornu.errors import ArgumentError, NonFiniteError
from cornu.ops.arguments import Array
from cornu.ops.core import where
from cornu.ops.elementwise import add, greater_equal, less, logical_and, logical_or
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
        self.policy = policy
        self._host_steps, self._host_first_bad = 0, -1
        self.steps = Variable(0, dtype="int32", trainable=False, name="steps")
        self.first_bad = Variable(-1, dtype="int32", trainable=False, name="first_bad_step")

    @property
    def policy(self) -> str:
        """What happens at a bad step."""
        return self._policy

    @policy.setter
    def policy(self, policy: str) -> None:
        if policy not in ("raise", "skip", "ignore"):
            raise ArgumentError(f"on_nonfinite must be 'raise', 'skip' or 'ignore', got {policy!r}.")
        self._policy = policy

    @property
    def _eager(self) -> bool:
        """Backends that run as written know at once whether a step is good: the host counts."""
        return bool(self.steps.backend.EAGER)

    @property
    def variables(self) -> list[Variable]:
        """Both counters."""
        return [self.steps, self.first_bad]

    def and_none_before(self, good: Array) -> Array:
        """Whether this step is good and no earlier one was bad."""
        if self._eager:
            return bool(good) and self._host_first_bad < 0
        return logical_and(good, less(self.first_bad, 0))

    def note(self, good: Array) -> None:
        """Takes one step into account."""
        if self._eager:
            if not good and self._host_first_bad < 0:
                self._host_first_bad = self._host_steps
            self._host_steps += 1
            return
        known = logical_or(good, greater_equal(self.first_bad, 0))
        self.first_bad.assign(where(known, self.first_bad, self.steps))
        self.steps.assign(add(self.steps, 1))

    @property
    def count(self) -> int:
        """Steps tried since the last reset."""
        return self._host_steps if self._eager else int(self.steps)

    def reset(self) -> None:
        """Counting starts anew."""
        self._host_steps, self._host_first_bad = 0, -1
        self.steps.assign(0)
        self.first_bad.assign(-1)

    def bad_step(self) -> int | None:
        """The number of the first bad step, if there was one."""
        found = self._host_first_bad if self._eager else int(self.first_bad)
        return None if found < 0 else found


def failure(step: int, epoch: int, source: str) -> NonFiniteError:
    """The error for a bad step.

    Args:
        step: its number in the epoch, from 1.
        epoch: the number of the epoch, from 0.
        source: where the first NaN came from, as a sentence; empty where that is not known.
    """
    return NonFiniteError(
        f"Loss and gradients must be finite; at step {step} of epoch {epoch + 1} (both counted from 1) they were not.\n"
        + (f"{source}\n" if source else "")
        + "The weights are those before that step. Clean the data, lower the learning rate, or clip gradients (`clipnorm=1.0`);\n"
        "`compile(on_nonfinite='skip')` leaves such steps out."
    )
