"""Modules of Flax as layers."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from cornu.errors import ArgumentError, ConfigError
from cornu.interop.jax_layer import JaxLayer
from cornu.registry import LAYERS

__all__ = ["FlaxLayer"]


@LAYERS.add
class FlaxLayer(JaxLayer):
    """A module of Flax (linen): `module.apply(variables, inputs)`.

    The collection "params" is trained; all other collections, such as "batch_stats", are state, which training calls change. Keys come
    under the name "dropout" in training. `training` is handed on if the method takes an argument of that name, `train` or `deterministic`.

    Args:
        module: a `flax.linen.Module`.
        method: the module's method to call; `__call__` by default.
        variables: the module's variables to start with, by collection; made by `module.init` if None.

    Shapes: those of the module. Weights: the module's, see `JaxLayer`.

    Raises:
        BackendError: another backend than JAX.
        ArgumentError: a module without `init` and `apply`.
    """

    def __init__(self, module: Any, method: Any = None, variables: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        if not (callable(getattr(module, "init", None)) and callable(getattr(module, "apply", None))):
            raise ArgumentError(
                f"FlaxLayer takes a module of flax.linen, with `init` and `apply`, got {module!r}. "
                "Flax is installed with `pip install flax`; for functions of plain JAX there is JaxLayer."
            )
        self.module, self.method = module, method
        called = getattr(module, method) if isinstance(method, str) else method or type(module).__call__
        self._mode = next((name for name in ("training", "train", "deterministic") if name in inspect.signature(called).parameters), None)
        values = {} if variables is None else dict(variables)
        params, state = (values.pop("params", {}), values) if variables is not None else (None, None)
        super().__init__(self._apply, self._init, params, state, **kwargs)

    def _options(self, training: bool) -> dict[str, Any]:
        mode = {} if self._mode is None else {self._mode: not training if self._mode == "deterministic" else training}
        return mode if self.method is None else {**mode, "method": self.method}

    def _init(self, rng: Any, inputs: Any, training: bool) -> tuple[Any, Any]:
        import jax

        first, second = jax.random.split(jax.random.wrap_key_data(rng, impl="threefry2x32"))
        values = dict(self.module.init({"params": first, "dropout": second}, inputs, **self._options(training)))
        return values.pop("params", {}), values

    def _apply(self, params: Any, state: Any, rng: Any, inputs: Any, training: bool) -> tuple[Any, Any]:
        import jax

        options = self._options(training)
        if rng is not None:
            options["rngs"] = {"dropout": jax.random.wrap_key_data(rng, impl="threefry2x32")}
        if training and state:
            outputs, changed = self.module.apply({"params": params, **state}, inputs, mutable=list(state), **options)
            return outputs, {**state, **changed}
        return self.module.apply({"params": params, **state}, inputs, **options), state

    def get_config(self) -> dict[str, Any]:
        """Raises: a module of Flax is code, and a file of Cornu holds none."""
        raise ConfigError(
            f"{self.name!r} holds a module of Flax, which is code, and files hold no code. Save the weights with "
            "`model.save_weights(path)`, and make the model anew before `load_weights`; "
            "or write a class of your own whose `__init__` makes the module, and register it."
        )
