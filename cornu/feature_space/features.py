"""What a `FeatureSpace` is made of: features, crosses of features, and the eight kinds of features that have a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from cornu import dtypes, naming, ops
from cornu.configurable import Configurable
from cornu.errors import ArgumentError, UnknownNameError
from cornu.layers import Discretization, Hashing, Identity, IntegerLookup, Layer, Normalization, Rescaling, StringLookup
from cornu.ops.arguments import Array
from cornu.registry import LAYERS

__all__ = ["KINDS", "Cross", "Feature", "TFDConcat", "TFDIdentity", "feature_of", "named", "read"]

Part = TypeVar("Part", bound=Configurable)

_HOME = "keras.src.layers.preprocessing.feature_space"
"""The module that files name for what is defined here."""


class _Described:
    """What a file describes within a `FeatureSpace`, and nowhere else."""

    def _config_head_(self) -> dict[str, Any]:
        """How files name the class."""
        name = type(self).__name__
        return {"module": _HOME, "class_name": name, "registered_name": name}


@LAYERS.add
class TFDIdentity(_Described, Identity):
    """The identity, under the name that files have for it in a `FeatureSpace`.

    >>> TFDIdentity()([1.0])
    [1.0]
    """


@LAYERS.add
class TFDConcat(_Described, Layer):
    """Arrays joined along an axis, under the name that files have for it in a `FeatureSpace`.

    Args:
        axis: the axis.

    >>> import numpy as np
    >>> TFDConcat(axis=-1)([np.ones((1, 1)), np.zeros((1, 2))]).tolist()
    [[1.0, 0.0, 0.0]]
    """

    def __init__(self, axis: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, xs: Sequence[Array]) -> Array:
        """The arrays in one."""
        return ops.concatenate(list(xs), axis=self.axis)


def read(cls: type[Part], value: Any) -> Any:
    """A part of a space from its configuration in a file; anything else as it is."""
    if isinstance(value, Mapping) and value.get("class_name") == cls.__name__:
        return cls.from_config(value.get("config", {}))
    return value


class Feature(_Described, Configurable):
    """One feature: the dtype of its values, the layer that prepares them, and how the result is encoded.

    Args:
        dtype: "string", or a dtype of numbers.
        preprocessor: a layer.
        output_mode: "int" or "float": the result as it is; "one_hot": whole numbers as vectors.

    >>> Feature("float32", Rescaling(2.0), "float").dtype
    'float32'
    """

    def __init__(self, dtype: Any, preprocessor: Any, output_mode: str) -> None:
        if output_mode not in ("int", "one_hot", "float"):
            raise ArgumentError(f"output_mode of a feature must be 'int', 'one_hot' or 'float', got {output_mode!r}.")
        if not callable(preprocessor):
            raise ArgumentError(f"preprocessor of a feature must be a layer, got {preprocessor!r}.")
        self.dtype, self.preprocessor, self.output_mode = dtypes.standardize(dtype), preprocessor, output_mode


class Cross(_Described, Configurable):
    """Two features or more together as one, by the hash of all.

    Args:
        feature_names: the features.
        crossing_dim: how many bins there are.
        output_mode: "int", or "one_hot".

    >>> Cross(("city", "hour"), 8).name
    'city_X_hour'
    """

    def __init__(self, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot") -> None:
        if output_mode not in ("int", "one_hot"):
            raise ArgumentError(f"output_mode of a cross must be 'int' or 'one_hot', got {output_mode!r}.")
        if isinstance(feature_names, str) or len(feature_names) < 2:
            raise ArgumentError(f"A cross is of two features or more, got {feature_names!r}. Write it as a tuple of names.")
        self.feature_names, self.crossing_dim, self.output_mode = tuple(feature_names), crossing_dim, output_mode

    @property
    def name(self) -> str:
        """The names of the features in one."""
        return "_X_".join(self.feature_names)


# --- the kinds --------------------------------------------------------------------------------------------------------


def named(kind: str, name: str | None) -> str:
    """The name of a feature's layer: by the feature's name, else by its kind, numbered."""
    return f"{name or naming.unique(kind)}_preprocessor"


def plain(name: str | None = None) -> Feature:
    """Numbers as they are."""
    return Feature("float32", TFDIdentity(name=named("float", name)), "float")


def rescaled(scale: float = 1.0, offset: float = 0.0, name: str | None = None) -> Feature:
    """Numbers as `x * scale + offset`."""
    return Feature("float32", Rescaling(scale, offset, name=named("float_rescaled", name)), "float")


def normalized(name: str | None = None) -> Feature:
    """Numbers with the mean 0 and the variance 1."""
    return Feature("float32", Normalization(axis=-1, name=named("float_normalized", name)), "float")


def discretized(
    num_bins: int | None, bin_boundaries: Sequence[float] | None = None, output_mode: str = "one_hot", name: str | None = None
) -> Feature:
    """Numbers as the bins that they lie in; boundaries that are given decide on the number of bins."""
    bins = None if bin_boundaries is not None else num_bins
    layer = Discretization(bin_boundaries=bin_boundaries, num_bins=bins, name=named("float_discretized", name))
    return Feature("float32", layer, output_mode)


def integers(max_tokens: int | None = None, num_oov_indices: int = 1, output_mode: str = "one_hot", name: str | None = None) -> Feature:
    """Whole numbers as their places in a vocabulary."""
    layer = IntegerLookup(max_tokens=max_tokens, num_oov_indices=num_oov_indices, name=named("integer_categorical", name))
    return Feature("int32", layer, output_mode)


def strings(max_tokens: int | None = None, num_oov_indices: int = 1, output_mode: str = "one_hot", name: str | None = None) -> Feature:
    """Texts as their places in a vocabulary."""
    layer = StringLookup(max_tokens=max_tokens, num_oov_indices=num_oov_indices, name=named("string_categorical", name))
    return Feature("string", layer, output_mode)


def hashed(dtype: str, kind: str, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
    """Whole numbers or texts as the bins of their hashes."""
    return Feature(dtype, Hashing(num_bins=num_bins, name=named(kind, name)), output_mode)


KINDS = (
    "float", "float_rescaled", "float_normalized", "float_discretized", "integer_categorical", "string_categorical", "integer_hashed",
    "string_hashed",
)  # fmt: skip


def feature_of(space: Any, name: str, given: Any) -> Feature:
    """The feature that an argument of a space stands for: itself, or that of a kind, with the space's sizes.

    Raises:
        ArgumentError: it is no feature.
        UnknownNameError: there is no such kind.
    """
    if isinstance(given, Feature):
        return given
    if not isinstance(given, str):
        raise ArgumentError(f"Feature {name!r} must be the name of a kind or made by FeatureSpace's methods, got {given!r}.")
    if given not in KINDS:
        raise UnknownNameError("kind of feature", given, KINDS)
    sizes = {"float_discretized": space.num_discretization_bins, "integer_hashed": space.hashing_dim, "string_hashed": space.hashing_dim}
    return getattr(type(space), given)(*([sizes[given]] if given in sizes else []), name=name)
