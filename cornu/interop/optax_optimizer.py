"""Transformations of optax as optimizers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from cornu import naming
from cornu.errors import ArgumentError
from cornu.interop.foreign_optimizer import ForeignOptimizer, without_code
from cornu.ops.arguments import Array
from cornu.optimizers.foreign import adapts, comes_from
from cornu.registry import OPTIMIZERS
from cornu.state import Variable

__all__ = ["OptaxOptimizer"]


@OPTIMIZERS.add
class OptaxOptimizer(ForeignOptimizer):
    """A gradient transformation of optax: `updates, state = transformation.update(gradients, state, weights)`; weights grow by the updates.

    `compile(optimizer=optax.adamw(1e-3))` makes one. The transformation sees the weights as a dict by their paths, such as `"dense/kernel"`,
    so that masks and labels can go by them: `optax.masked(decay, lambda weights: {path: "kernel" in path for path in weights})`. Its state is
    held in variables of the optimizer: it is compiled and donated with the step, saved with the weights, resumed bit for bit.

    With `optax.inject_hyperparams(optax.adam)(learning_rate=1e-3)` the learning rate is a variable too, which callbacks can read and assign;
    it is there once the optimizer is built.

    Args:
        transformation: an `optax.GradientTransformation`, or a function without arguments that makes one.

    The other arguments are those of `Optimizer`, but for the learning rate and weight decay, which are the transformation's.

    Attributes:
        transformation: as given.

    Raises:
        BackendError: weights on another backend than JAX, when it is built.
        ArgumentError: no transformation; or one that needs the value of the loss, such as `optax.lbfgs`.
        ConfigError: it is to be written to a file, and not a function with a name.

    >>> import cornu, jax.numpy as jnp, optax
    >>> from cornu.state import Variable
    >>> with cornu.use_backend("jax"):
    ...     w = Variable([1.0])
    ...     OptaxOptimizer(optax.sgd(0.5)).apply([jnp.ones(1)], [w])
    >>> w.numpy().tolist()
    [0.5]
    """

    library, home = "optax", "jax"

    def __init__(self, transformation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.transformation = self._code = without_code(transformation)
        self._inner = self._code() if inspect.isfunction(self._code) else self._code
        if not (callable(getattr(self._inner, "init", None)) and callable(getattr(self._inner, "update", None))):
            raise ArgumentError(f"OptaxOptimizer takes a transformation of optax, with `init` and `update`, got {self._inner!r}.")
        self._keys: list[str] = []
        self._state: list[Variable] = []
        self._whose: list[str | None] = []
        self._rebuilt: Callable[[list[Any]], Any] = list
        self._scheduled = False

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes a variable of each array of the transformation's state."""
        if self.built:
            return
        self._need_home(list(variables))
        super().build(variables)
        self._keys = naming.distinct([v.path for v in self._trainable_variables])
        with variables[0].backend.concrete():
            self._keep(self._inner.init({key: v.own_value for key, v in zip(self._keys, variables, strict=True)}))

    def _keep(self, state: Any) -> None:
        """Makes the variables; notes which belong to one weight, and which is the learning rate."""
        import jax

        found, structure = jax.tree_util.tree_flatten_with_path(state)
        keyed = {place: str(jax.random.key_impl(leaf)) for place, (_, leaf) in enumerate(found) if _is_key(leaf)}
        for path, leaf in found:
            raw = jax.random.key_data(leaf) if _is_key(leaf) else jax.numpy.asarray(leaf)
            names = [str(getattr(part, "name", getattr(part, "key", getattr(part, "idx", "")))) for part in path]
            kept = self._new_variable_(raw, tuple(raw.shape), str(raw.dtype), "_".join(names).replace("/", "_"))
            self._state.append(kept)
            self._whose.append(next((n for n in reversed(names) if n in self._keys), None))
            if names[-2:] == ["hyperparams", "learning_rate"]:
                self._rate = kept
            self._scheduled |= "hyperparams_states" in names and "learning_rate" in names
        self._rebuilt = lambda values: jax.tree_util.tree_unflatten(
            structure, [jax.random.wrap_key_data(x, impl=keyed[i]) if i in keyed else x for i, x in enumerate(values)]
        )

    def _move_(self, grads: list[Array], variables: list[Variable]) -> None:
        """One update. Weights that are left out get a gradient of zero, and they and their part of the state stay as they are."""
        import jax

        self._need_home(variables)
        keys = [self._keys[self._get_variable_index(v)] for v in variables]
        weights = {key: v.value for key, v in zip(self._keys, self._trainable_variables, strict=True)}
        given = dict(zip(keys, grads, strict=True))
        gradients = {key: given[key] if key in given else jax.numpy.zeros_like(w) for key, w in weights.items()}
        updates, state = self._updated(gradients, self._rebuilt([v.value for v in self._state]), weights)
        for key, v in zip(keys, variables, strict=True):
            v.put((weights[key] + updates[key]).astype(weights[key].dtype))
        left_out = set(self._keys) - set(keys)
        for v, whose, new in zip(self._state, self._whose, jax.tree_util.tree_leaves(state), strict=True):
            if whose not in left_out:
                v.put((jax.random.key_data(new) if _is_key(new) else jax.numpy.asarray(new)).astype(v.dtype))

    def _updated(self, gradients: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        try:
            return self._inner.update(gradients, state, weights)
        except TypeError as error:
            if "keyword-only argument" not in str(error):
                raise
            raise ArgumentError(
                f"A transformation must make its updates from gradients, state and weights alone, got one that asks for more: {error}. "
                "Take another, or write a `train_step` that calls it with what it asks for."
            ) from None

    @property
    def learning_rate(self) -> Any:
        """That of `optax.inject_hyperparams`."""
        return super().learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if self._scheduled:
            raise ArgumentError(f"The learning rate of {self.name!r} follows a schedule of optax, so none can be assigned, got {value!r}.")
        ForeignOptimizer.learning_rate.fset(self, value)  # type: ignore[attr-defined]

    def _rate_advice(self) -> str:
        return (
            "Wrap the transformation: `optax.inject_hyperparams(optax.adam)(learning_rate=1e-3)`; it is there once the optimizer is built."
        )

    def _why_not(self) -> str:
        return (
            f"{self.name!r} holds a transformation of optax, which is code, and files hold no code. Write a function without arguments that "
            "makes the transformation, register it with `cornu.saving.register_keras_serializable()`, and give `OptaxOptimizer(function)`."
        )


def _is_key(leaf: Any) -> bool:
    """Whether an array is one of JAX's typed random keys."""
    import jax

    return hasattr(leaf, "dtype") and jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)


@adapts
def optimizer_of_optax(thing: Any) -> OptaxOptimizer | None:
    """The optimizer around a transformation, also a `MultiSteps`; None for anything else."""
    if isinstance(thing, type) or not comes_from(type(thing), "optax"):
        return None
    return OptaxOptimizer(thing)
