"""What a loss is: values per sample, and one way from those to a number."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from cornu import config, dtype_policies, dtypes, naming, ops, tree
from cornu.configurable import Configurable
from cornu.errors import ArgumentError, ConfigError
from cornu.losses.reduction import align, arrays, reduce_values, spread_weights, standardize_reduction
from cornu.ops.arguments import Array
from cornu.registry import LOSSES, snake_case
from cornu.serialization import revive, serialize

__all__ = ["FunctionLoss", "Loss", "LossFunctionWrapper", "as_loss"]


class Loss(Configurable):
    """A distance between targets and outputs: `call` gives a value for each sample, `__call__` weights, masks and reduces them.

    Args:
        name: the class's name in snake case by default.
        reduction: "sum_over_batch_size" or "mean" (the mean over the values that the mask leaves), "mean_with_sample_weight"
            (weighted values over the sum of the weights), "sum", or "none" or None (no reduction).
        dtype: the dtype in which it is computed, `floatx` by default; integer targets stay integers.

    >>> class Cubic(Loss):
    ...     def call(self, y_true, y_pred):
    ...         return ops.mean(ops.absolute(y_true - y_pred) ** 3, axis=-1)
    >>> float(Cubic()([[0.0], [0.0]], [[1.0], [3.0]]))
    14.0
    """

    _by_row_ = False
    """Whether the values are known to be one or more for each row, of that row alone."""

    def __init__(self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None) -> None:
        self.name = name or naming.unique(snake_case(type(self).__name__))
        self.reduction = standardize_reduction(reduction)
        self._dtype = None if dtype is None else dtype_policies.get(dtype).compute_dtype

    @property
    def dtype(self) -> str:
        """The dtype in which it is computed."""
        return self._dtype or config.floatx()

    def call(self, y_true: Any, y_pred: Any) -> Array:
        """The values, one for each sample (or for each place of a sample)."""
        raise NotImplementedError(f"{type(self).__name__} must define `call(self, y_true, y_pred)`, which gives a value for each sample.")

    def _valid_(self, y_true: Any, y_pred: Any) -> Array | None:
        """Which values count, as a mask of their shape; None where all do."""
        return None

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Array | None = None, mask: Array | None = None) -> Array:
        """The loss.

        Args:
            y_true: targets: an array, or a structure of arrays for a loss of several outputs.
            y_pred: outputs.
            sample_weight: weights of the shape of the values that `call` gives, or of its first axes: (batch,) beside (batch, time).
            mask: likewise, boolean; where it is False the value does not count.

        Shapes:
            a scalar; with reduction None, that of the values.
        """
        y_true, y_pred = self.__converted(y_true, y_pred)
        values = self.call(y_true, y_pred)
        valid = self._valid_(y_true, y_pred)
        if valid is not None:
            mask = valid if mask is None else ops.logical_and(spread_weights(arrays(mask, valid)[0], valid, "A mask"), valid)
        return reduce_values(values, sample_weight, mask, self.reduction)

    def __converted(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        if is_structure(y_pred) or is_structure(y_true):
            return tree.map_structure(self.__cast, y_true), tree.map_structure(self.__cast, y_pred)
        y_pred, y_true = arrays(y_pred, y_true)
        return self.__cast(y_true), ops.cast(y_pred, self.dtype)

    def __cast(self, x: Array) -> Array:
        return ops.cast(x, self.dtype) if dtypes.is_floating(ops.dtype(x)) else x


def is_structure(x: Any) -> bool:
    """Whether `x` is a dict, or a list or tuple of arrays (a list of numbers is an array to be)."""
    return isinstance(x, dict) or (isinstance(x, (list, tuple)) and any(getattr(leaf, "ndim", 0) for leaf in tree.flatten(x)))


def align_unless_nested(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Arrays of ranks that differ by an axis of length 1 brought to one rank; structures as they are."""
    return (y_true, y_pred) if is_structure(y_true) or is_structure(y_pred) else align(y_true, y_pred)


class FunctionLoss(Loss):
    """A loss class whose values are those of a function; the function's settings are attributes of the same names."""

    _function_: ClassVar[Callable[..., Array]]
    _by_row_ = True

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None) -> Any:
        """The loss as `Loss` says; of structures of targets and outputs, the mean of their losses ("sum": the sum; "none": a structure)."""
        if not is_structure(y_true) and not is_structure(y_pred):
            return super().__call__(y_true, y_pred, sample_weight, mask)
        outputs = len(tree.flatten(y_pred))
        each = [tree.flatten(part) if is_structure(part) else [part] * outputs for part in (y_true, y_pred, sample_weight, mask)]
        if len({len(part) for part in each}) > 1 or tree.structure(y_true) != tree.structure(y_pred):
            where = f"{tree.paths(y_true)} and {tree.paths(y_pred)}"
            raise ArgumentError(f"{self.name} needs targets in the structure of the outputs, got leaves at {where}.")
        parts = [super(FunctionLoss, self).__call__(*leaves) for leaves in zip(*each, strict=True)]
        if self.reduction == "none":
            return tree.pack_sequence_as(y_pred, parts)
        total = functools.reduce(ops.add, parts)
        return total if self.reduction == "sum" else total / len(parts)

    def call(self, y_true: Any, y_pred: Any) -> Array:
        """The function's values, with this object's settings: of half-size floats in float32, where 1e-7 is not lost beside 1, and rounded once."""
        function = type(self)._function_
        given = {name: getattr(self, name) for name in settings(function)}
        if dtypes.precision(self.dtype) <= dtypes.precision("float32"):
            return function(y_true, y_pred, **given)
        wide = (ops.cast(x, "float32") if dtypes.is_floating(ops.dtype(x)) else x for x in (y_true, y_pred))
        return ops.cast(function(*wide, **given), self.dtype)


@functools.cache
def settings(function: Callable[..., Array]) -> tuple[str, ...]:
    """The names of a function's parameters after targets and outputs."""
    return tuple(inspect.signature(function).parameters)[2:]


class LossFunctionWrapper(Loss):
    """A loss of any function `fn(y_true, y_pred, **kwargs)` that gives a value for each sample.

    Args:
        fn: the function.
        reduction, name, dtype: as for `Loss`; the name is the function's by default.
        kwargs: passed to the function.

    >>> distance = LossFunctionWrapper(lambda y_true, y_pred: ops.absolute(y_true - y_pred), name="distance")
    >>> float(distance([1.0, 2.0], [2.0, 4.0]))
    1.5
    """

    def __init__(
        self,
        fn: Callable[..., Array],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name or getattr(fn, "__name__", None), reduction, dtype)
        self.fn, self.kwargs = fn, kwargs
        self._by_row_ = not kwargs and any(cls._by_row_ and cls._function_ is fn for cls in FunctionLoss.__subclasses__())

    def call(self, y_true: Any, y_pred: Any) -> Array:
        """The function's values; targets and outputs of ranks that differ by an axis of length 1 are aligned first."""
        return self.fn(*align_unless_nested(y_true, y_pred), **self.kwargs)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the function by its name."""
        settings = {name: serialize(value) for name, value in self.kwargs.items()}
        return {"name": self.name, "reduction": self.reduction, "dtype": self.dtype, "fn": serialize(self.fn), **settings}

    @classmethod
    def from_config(cls, config: Any) -> LossFunctionWrapper:
        """A loss of the function that the configuration names."""
        if "fn" not in config:
            raise ConfigError(f"A configuration of {cls.__name__} must name its function under 'fn', got {sorted(config)}.")
        return cls(**{**revive({k: v for k, v in config.items() if k != "fn"}), "fn": LOSSES.get(config["fn"])})


def as_loss(identifier: Any) -> Any:
    """A `Loss` from one, a name, a configuration, a class, or a function of targets and outputs; None stays None.

    >>> as_loss("mse")(1.0, 3.0).tolist()
    4.0
    """
    found = LOSSES.get(identifier)
    return found if found is None or isinstance(found, Loss) else LossFunctionWrapper(found)
