"""What the optimizers around those of other libraries have in common."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from cornu import serialization
from cornu.configurable import Configurable
from cornu.errors import ArgumentError, BackendError, ConfigError
from cornu.optimizers import Optimizer
from cornu.state import Variable

__all__ = ["Code", "ForeignOptimizer", "without_code"]


class Code:
    """Something that is code, where a configuration would stand: within a program it goes along, a file holds none of it.

    Args:
        value: the code.
        whose: what it is, and how a file could name it, as a sentence for the error.
    """

    def __init__(self, value: Any, whose: str) -> None:
        self.value, self.whose = value, whose

    def get_config(self) -> dict[str, Any]:
        """Raises: files hold no code."""
        raise ConfigError(f"{self.whose} Or save without it: `model.save(path, include_optimizer=False)`, `model.save_weights(path)`.")


class ForeignOptimizer(Optimizer):
    """An optimizer whose step another library computes; its state is held in variables, and so compiled, saved and resumed with the rest.

    Clipping, moving averages, loss scaling and accumulation of gradients are those of `Optimizer`. The learning rate and weight decay are
    settings of what is wrapped.

    Attributes:
        library, home: its library, and the backend that it runs on.
    """

    library = ""
    home = ""
    _code: Any

    def __init__(
        self, *, clipnorm: float | None = None, clipvalue: float | None = None, global_clipnorm: float | None = None,
        use_ema: bool = False, ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None, gradient_accumulation_steps: int | None = None, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            self._no_rate, None, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor,
            gradient_accumulation_steps, name,
        )  # fmt: skip
        self._rate: Variable | None = None

    # --- the learning rate ---------------------------------------------------------------------------------------------

    @property
    def learning_rate(self) -> Any:
        """The learning rate, where what is wrapped has one that can be told."""
        return self._no_rate() if self._rate is None else self._rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if self._rate is None:
            self._no_rate()
        elif callable(value) and not isinstance(value, Variable):
            raise ArgumentError(f"The learning rate of {self.name!r} takes a number, got {value!r}. Give the schedule to {self.library}.")
        else:
            self._rate.assign(value)

    def _no_rate(self) -> Any:
        """Raises: no learning rate can be told."""
        raise AttributeError(f"{self.name!r} has no learning rate that can be looked at. {self._rate_advice()}")

    def _rate_advice(self) -> str:
        """How what is wrapped may come to a learning rate that can be told, as a sentence."""
        raise NotImplementedError(f"{type(self).__name__} must define `_rate_advice`.")

    def exclude_from_weight_decay(self, var_list: Sequence[Variable] | None = None, var_names: Sequence[str] | None = None) -> None:
        """Raises: what decays is said to the library."""
        raise ArgumentError(f"Weight decay is a setting of what {self.name!r} wraps, got {var_list or var_names!r}. Say there what decays.")

    # --- the backend ---------------------------------------------------------------------------------------------------

    def _need_home(self, variables: list[Variable]) -> None:
        """Raises where variables are on another backend than the library's."""
        wrong = next((v.backend.NAME for v in variables if self.home != v.backend.NAME), None)
        if wrong is not None:
            raise BackendError(
                f"An optimizer of {self.library} changes weights on the {self.home} backend, got weights on {wrong!r}. Move the model, "
                f"`model.to({self.home!r})`, or call `cornu.set_backend({self.home!r})` before making it; or take an optimizer of Cornu."
            )

    # --- configuration -------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; what is wrapped stands in it as it is, and goes into a file if it is a function with a name."""
        arguments, given = Configurable._constructor_arguments_(self), self._given_()
        own = {name: value for name, value in arguments.items() if value is not self._code or name in given}  # a subclass may have made it
        return {name: self._held(name, value) for name, value in own.items()}

    def _held(self, name: str, value: Any) -> Any:
        if isinstance(value, Code) or value is self._code:
            return self._code if _is_named(self._code) else Code(self._code, self._why_not())
        return serialization.serialize_argument(name, float(value) if isinstance(value, Variable) else value)

    def _why_not(self) -> str:
        """Why no file holds what is wrapped, and how it could name it, as sentences."""
        raise NotImplementedError(f"{type(self).__name__} must define `_why_not`.")


def without_code(thing: Any) -> Any:
    """What a `Code` stands for; anything else as it is."""
    return thing.value if isinstance(thing, Code) else thing


def _is_named(thing: Any) -> bool:
    return inspect.isfunction(thing) and "<" not in thing.__qualname__
