"""Functions of JAX as layers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from cornu import backends, dtypes
from cornu.errors import ArgumentError, BackendError
from cornu.layers import Layer
from cornu.layers.building import map_shapes
from cornu.registry import LAYERS
from cornu.state import SeedGenerator, Variable

__all__ = ["JaxLayer", "need_backend"]

_CALL, _INIT = ("params", "state", "rng", "inputs", "training"), ("rng", "inputs", "training")


def need_backend(layer: str, name: str) -> None:
    """Raises unless the backend of that name is the current one."""
    if name != backends.compute().NAME:
        raise BackendError(
            f"{layer} runs on the {name} backend, got {backends.compute().NAME!r}. Call `cornu.set_backend({name!r})` first, or make "
            f"and use the layer within `cornu.use_backend({name!r})`."
        )


def argument_names(function: Callable[..., Any], allowed: Sequence[str], what: str) -> tuple[str, ...]:
    """The names that a function takes; raises where one is not allowed, or `inputs` is missing."""
    names = tuple(inspect.signature(function).parameters)
    if "inputs" not in names or any(name not in allowed for name in names):
        raise ArgumentError(f"{what} must take `inputs`, and else only arguments of the names {', '.join(allowed)}; it takes {names}.")
    return names


@LAYERS.add
class JaxLayer(Layer):
    """A function of JAX with parameters: `call_fn(params, state, rng, inputs, training)`, whichever of these it names.

    Args:
        call_fn: the function. `params` and `state` are nested structures of arrays, `rng` a key (None outside of training), `training` a
            bool. It gives the outputs, or `(outputs, new state)` if it takes `state`.
        init_fn: `init_fn(rng, inputs, training)`, whichever of these it names, `inputs` among them; gives the first `params`, or
            `(params, state)` if `call_fn` takes both. Inputs are ones, unknown lengths 1.
        params, state: the first values; made by `init_fn` if None. Without it they are all that there is.
        seed: of the keys: a whole number or a SeedGenerator; drawn afresh if None.
        native_serialization_platforms: of no meaning here, where JAX code runs on JAX; None.

    Shapes: those of `call_fn`. Weights: the arrays of `params`, those of floats being trained, then the arrays of `state`, in JAX's
    order of leaves.

    Raises:
        BackendError: another backend than JAX.
        ArgumentError: functions that take other arguments, or neither `init_fn` nor values where there must be.

    >>> import cornu, jax, jax.numpy as jnp
    >>> with cornu.use_backend("jax"):
    ...     layer = JaxLayer(lambda params, inputs: inputs @ params["w"], params={"w": jnp.ones((3, 2))})
    ...     layer(jnp.ones((1, 3))).tolist()
    [[3.0, 3.0]]
    """

    def __init__(
        self,
        call_fn: Callable[..., Any],
        init_fn: Callable[..., Any] | None = None,
        params: Any = None,
        state: Any = None,
        seed: int | SeedGenerator | None = None,
        native_serialization_platforms: Any = None,
        **kwargs: Any,
    ) -> None:
        need_backend("JaxLayer", "jax")
        super().__init__(**kwargs)
        if native_serialization_platforms is not None:
            raise ArgumentError(
                "native_serialization_platforms is for JAX code inside another framework, and here it runs on JAX: leave it out."
            )
        self.call_fn, self.init_fn, self.seed = call_fn, init_fn, seed
        self._call_names = argument_names(call_fn, _CALL, "call_fn")
        self._init_names = () if init_fn is None else argument_names(init_fn, _INIT, "init_fn")
        self._kept = [name for name in ("params", "state") if name in self._call_names]
        if self._kept and init_fn is None and params is None and state is None:
            raise ArgumentError(f"call_fn takes {' and '.join(self._kept)}: give init_fn, or the values.")
        self._first = {"params": params, "state": state}
        self._trees: dict[str, tuple[list[Any], Any]] = {}
        wants_keys = "rng" in (*self._call_names, *self._init_names)
        self.seed_generator = (seed if isinstance(seed, SeedGenerator) else SeedGenerator(seed)) if wants_keys else None

    def build(self, input_shape: Any) -> None:
        """Makes weights of the first values."""
        missing = [name for name in self._kept if self._first[name] is None]
        if missing and self.init_fn is not None:
            made = self._initialised(input_shape)
            made = made if len(self._kept) == 2 else (made,)
            self._first |= {name: made[self._kept.index(name)] for name in missing}
        for name in self._kept:
            self._keep(name, self._first[name])
        self._first = {}
        self.built = True

    def _initialised(self, input_shape: Any) -> Any:
        import jax.numpy as jnp

        inputs = map_shapes(lambda shape: jnp.ones([1 if n is None else n for n in shape], self.compute_dtype), input_shape)
        given = {"rng": self.seed_generator and self.seed_generator.next(), "inputs": inputs, "training": True}
        assert self.init_fn is not None
        return self.init_fn(**{name: given[name] for name in self._init_names})

    def _keep(self, name: str, values: Any) -> None:
        """Makes variables of the arrays among the leaves; other leaves stay as they are."""
        import jax

        leaves, structure = jax.tree_util.tree_flatten(values)
        kept = [self._variable(name, leaf) if hasattr(leaf, "shape") else leaf for leaf in leaves]
        self._trees[name] = (kept, structure)

    def _variable(self, name: str, value: Any) -> Variable:
        kind = dtypes.standardize(value.dtype)
        trainable = name == "params" and dtypes.is_floating(kind)
        variable = self.add_weight(tuple(value.shape), "zeros", kind, trainable=trainable, name=name)
        variable.assign(value)
        return variable

    def _values(self, name: str) -> Any:
        import jax

        leaves, structure = self._trees[name]
        return jax.tree_util.tree_unflatten(structure, [v.value if isinstance(v, Variable) else v for v in leaves])

    def call(self, inputs: Any, training: bool = False) -> Any:
        """What the function makes of the inputs; its new state is kept."""
        import jax

        outputs, state = self.outputs_and_state(inputs, training)
        if state is not None:
            for variable, value in zip(self._trees["state"][0], jax.tree_util.tree_leaves(state), strict=True):
                if isinstance(variable, Variable):
                    variable.assign(value)
        return outputs

    def outputs_and_state(self, inputs: Any, training: bool) -> tuple[Any, Any]:
        """What the function gives: the outputs, and the new state, or None if it has none."""
        given = {"inputs": inputs, "training": training, "rng": None}
        if training and "rng" in self._call_names and self.seed_generator is not None:
            given["rng"] = self.seed_generator.next()
        given |= {name: self._values(name) for name in self._kept}
        found = self.call_fn(**{name: given[name] for name in self._call_names})
        return found if "state" in self._kept else (found, None)

    def _constructor_arguments_(self) -> dict[str, Any]:
        """Values to start with are weights by now, and stand with those."""
        return {name: value for name, value in super()._constructor_arguments_().items() if name not in ("params", "state", "seed")}
