"""Mixed columns prepared, crossed and encoded, by rules that are found in data."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from cornu import backends, dtypes, ops, tree
from cornu.errors import ArgumentError, NotBuiltError
from cornu.feature_space import features as parts
from cornu.feature_space.features import Cross, Feature, TFDConcat, feature_of, read
from cornu.feature_space.source import as_columns, columns_of, dicts, in_rows
from cornu.graph import SymbolicTensor, contains_symbolic, infer
from cornu.layers import CategoryEncoding, HashedCrossing, Input, Layer
from cornu.layers.texts import in_pipeline, on_host
from cornu.ops import dispatch
from cornu.ops.arguments import Array
from cornu.registry import LAYERS
from cornu.saving.model_file import save_model
from cornu.serialization import serialize

__all__ = ["FeatureSpace"]


@functools.partial(LAYERS.add, module="keras.utils")
class FeatureSpace(Layer):
    """A table's columns, of numbers, whole numbers and texts, as what a model takes: each prepared by a layer, some crossed, all encoded.

    Args:
        features: for each feature's name its kind, as text or made by one of the methods below: "float", "float_rescaled",
            "float_normalized", "float_discretized", "integer_categorical", "string_categorical", "integer_hashed", "string_hashed".
        output_mode: "concat": one vector for each row, the features in the order of their names, then the crosses in that of theirs;
            "dict": a dict with an array for each.
        crosses: tuples of names, or what `cross` makes; the bins of what the features' layers give, hashed together.
        crossing_dim: how many bins a cross has that does not say it.
        hashing_dim: how many bins hashed features have that do not say it.
        num_discretization_bins: how many bins "float_discretized" makes.
        name: "feature_space", numbered, by default.

    Shapes: each feature (batch,), (batch, n), or () for a single row; to (batch, length), or (length,).

    Attributes: `preprocessors` and `crossers`, the layers by name. Texts and hashes are dealt with on the host: call the space in the data
    pipeline, `dataset.map(lambda x, y: (space(x), y))`, or on the arrays.

    >>> space = FeatureSpace({"size": "float_normalized", "kind": "string_categorical"})
    >>> space.adapt({"size": [1.0, 3.0], "kind": ["cat", "dog"]})
    >>> space({"size": [3.0, 1.0], "kind": ["dog", "fish"]}).tolist()  # [UNK], dog, cat; then size
    [[0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.0, -1.0]]
    """

    _takes_texts_ = True

    def __init__(
        self, features: Mapping[str, Any], output_mode: str = "concat", crosses: Sequence[Any] | None = None, crossing_dim: int = 32,
        hashing_dim: int = 32, num_discretization_bins: int = 32, name: str | None = None
    ) -> None:  # fmt: skip
        super().__init__(name=name)
        if not features:
            raise ArgumentError("features must be a dict of features by name with one at least, got none.")
        if output_mode not in ("concat", "dict"):
            raise ArgumentError(f"output_mode of FeatureSpace must be 'concat' or 'dict', got {output_mode!r}.")
        self.crossing_dim, self.hashing_dim, self.num_discretization_bins = crossing_dim, hashing_dim, num_discretization_bins
        self.output_mode = output_mode
        self.features: dict[str, Feature] = {key: feature_of(self, key, given) for key, given in features.items()}
        self.crosses = [c if isinstance(c, Cross) else Cross(c, crossing_dim) for c in crosses or ()]
        self.crosses_by_name = {cross.name: cross for cross in self.crosses}
        self._check_crosses()
        self.inputs = {key: Input((1,), dtype=feature.dtype, name=key) for key, feature in self.features.items()}
        self.preprocessors = {key: feature.preprocessor for key, feature in self.features.items()}
        self.crossers = {key: HashedCrossing(cross.crossing_dim, name=key) for key, cross in self.crosses_by_name.items()}
        self.one_hot_encoders: dict[str, CategoryEncoding] = {}
        self.concat = TFDConcat(axis=-1)
        self.encoded_features: Any = None

    def _check_crosses(self) -> None:
        for cross in self.crosses:
            unknown = [name for name in cross.feature_names if name not in self.features]
            if unknown:
                raise ArgumentError(f"A cross must be of features among {list(self.features)}, got {unknown} in {cross.feature_names}.")
            floats = [n for n in cross.feature_names if self.features[n].output_mode == "float"]
            if floats:
                raise ArgumentError(f"A cross must be of whole numbers or texts, got the floats {floats}. Make them 'float_discretized'.")
            if cross.name in self.features:
                raise ArgumentError(f"The cross {cross.feature_names} is called {cross.name!r}, and so is a feature. Rename that one.")

    # --- kinds --------------------------------------------------------------------------------------------------------

    @classmethod
    def cross(cls, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot") -> Cross:
        """Features together as one, by the hash of all: the bin's number ("int"), or a vector with a place for each bin ("one_hot")."""
        return Cross(feature_names, crossing_dim, output_mode)

    @classmethod
    def feature(cls, dtype: Any, preprocessor: Any, output_mode: str) -> Feature:
        """A feature of this dtype that a layer of one's own prepares; its result as it is ("int", "float") or as vectors ("one_hot")."""
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Feature:
        """Numbers as they are."""
        return parts.plain(name)

    @classmethod
    def float_rescaled(cls, scale: Any = 1.0, offset: Any = 0.0, name: str | None = None) -> Feature:
        """Numbers as `x * scale + offset`."""
        return parts.rescaled(scale, offset, name)

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Feature:
        """Numbers with the mean 0 and the variance 1, by the statistics of what `adapt` is given."""
        return parts.normalized(name)

    @classmethod
    def float_discretized(
        cls, num_bins: int | None, bin_boundaries: Sequence[Any] | None = None, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Numbers as bins: `num_bins` of equally many rows each, which `adapt` finds, or those between the boundaries."""
        return parts.discretized(num_bins, bin_boundaries, output_mode, name)

    @classmethod
    def integer_categorical(
        cls, max_tokens: int | None = None, num_oov_indices: int = 1, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Whole numbers as places in a vocabulary, which `adapt` finds; see `IntegerLookup`."""
        return parts.integers(max_tokens, num_oov_indices, output_mode, name)

    @classmethod
    def string_categorical(
        cls, max_tokens: int | None = None, num_oov_indices: int = 1, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Texts as places in a vocabulary, which `adapt` finds; see `StringLookup`."""
        return parts.strings(max_tokens, num_oov_indices, output_mode, name)

    @classmethod
    def string_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """Texts as the bins of their hashes; see `Hashing`."""
        return parts.hashed("string", "string_hashed", num_bins, output_mode, name)

    @classmethod
    def integer_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """Whole numbers as the bins of their hashes; see `Hashing`."""
        return parts.hashed("int32", "integer_hashed", num_bins, output_mode, name)

    # --- from data ----------------------------------------------------------------------------------------------------

    def adapt(self, dataset: Any) -> None:
        """Finds vocabularies, statistics and boundaries in data, in one pass; what was found before is forgotten.

        Args:
            dataset: a dict of arrays or a data frame, or what yields dicts, batches or single rows: a generator, a PyDataset, a
                tf.data.Dataset, a DataLoader. Without targets.

        Raises:
            DataError: a batch is no dict.
        """
        learning = {name: layer for name, layer in self.preprocessors.items() if _learns(layer)}
        gathered: dict[str, list[np.ndarray]] = {name: [] for name, layer in learning.items() if not hasattr(layer, "update_state")}
        for layer in learning.values():
            if hasattr(layer, "reset_state"):
                layer.reset_state()
        for batch in dicts(dataset, self.name) if learning else ():
            for name, column in columns_of(batch, self.features, learning).items():
                x = in_rows(ops.convert_to_numpy(column))
                gathered[name].append(x) if name in gathered else learning[name].update_state(x)
        for name, layer in learning.items():
            layer.adapt(np.concatenate(gathered[name])) if name in gathered else layer.finalize_state()
        self.one_hot_encoders, self.encoded_features, self.built = {}, None, True

    def _need_rules(self) -> None:
        waiting = [name for name, layer in self.preprocessors.items() if not self.built and _waits(layer)]
        if waiting:
            raise NotBuiltError(f"{self.name!r} must see data first, for the features {waiting}. Call `adapt(data)`.")

    # --- the call -----------------------------------------------------------------------------------------------------

    def __call__(self, data: Any) -> Any:
        """The encoded features of a dict of arrays or data frame."""
        return self.call(data)

    def call(self, data: Any) -> Any:
        """The encoded features: one array, or a dict of them."""
        self._need_rules()
        columns = as_columns(data, self.features, self.name)
        if contains_symbolic((columns,), {}):
            return self._outputs(columns)
        if in_pipeline(list(columns.values())):
            return self._as_steps(columns)
        home = next((x for x in columns.values() if not isinstance(x, np.ndarray)), None)
        found = self._on_host({name: ops.convert_to_numpy(x) for name, x in columns.items()})
        return tree.map_structure(functools.partial(_moved, home), found)

    def _on_host(self, columns: Mapping[str, np.ndarray], wanted: Sequence[str] | None = None) -> Any:
        """The outputs of arrays of NumPy."""
        single = all(x.ndim == 0 for x in columns.values())
        with backends.use_backend("numpy"):
            found = tree.map_structure(ops.convert_to_numpy, self._outputs({name: in_rows(x) for name, x in columns.items()}, wanted))
        return tree.map_structure(lambda y: y[0], found) if single else found

    def _one_on_host(self, key: str, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """One output of those in a dict."""
        return self._on_host(columns, [key])[key]

    def _as_steps(self, columns: Mapping[str, Any]) -> Any:
        """Within a graph of `tf.data`: a step on the host for each output."""
        names, waiting = list(columns), list(columns.values())
        rows = {name: SymbolicTensor(tuple(x.shape), dtypes.standardize(x.dtype)) for name, x in columns.items()}
        single = all(x.shape == () for x in rows.values())
        rows = {name: SymbolicTensor((*x.shape, 1)[-2:] if len(x.shape) == 1 else x.shape or (1, 1), x.dtype) for name, x in rows.items()}
        specs = infer(self._outputs, (rows,), {})

        def step(spec: Any, pick: Callable[[dict[str, np.ndarray]], Any]) -> Any:
            def run(*values: np.ndarray) -> np.ndarray:
                return np.asarray(pick(dict(zip(names, values, strict=True))), spec.dtype)

            return on_host(run, waiting, spec.shape[1:] if single else spec.shape, spec.dtype, self.name)

        if self.output_mode == "concat":
            return step(specs, self._on_host)
        return {key: step(spec, functools.partial(self._one_on_host, key)) for key, spec in specs.items()}

    def _outputs(self, columns: Mapping[str, Any], wanted: Sequence[str] | None = None) -> Any:
        """The outputs, or with output_mode="dict" those of some names, of columns with rows."""
        prepared = functools.cache(lambda name: _applied(self.preprocessors[name], columns[name]))
        keys = wanted or [*sorted(self.features), *sorted(self.crosses_by_name)]
        found = {key: self._encoded(key, prepared) for key in keys}
        if self.output_mode == "dict":
            return found
        for key, value in found.items():
            if not dtypes.is_floating(dtypes.standardize(value.dtype)):
                raise ArgumentError(
                    f"Only vectors and floats can be joined to one vector, and {key!r} is {dtypes.standardize(value.dtype)}. "
                    "Make it one_hot, or the space with output_mode='dict'."
                )
        return self.concat(list(found.values()))

    def _encoded(self, key: str, prepared: Callable[[str], Any]) -> Any:
        """One feature or cross."""
        if key in self.features:
            part: Any = self.features[key]
            layer, value = self.preprocessors[key], prepared(key)
        else:
            part, layer = self.crosses_by_name[key], self.crossers[key]
            value = _applied(layer, [prepared(name) for name in part.feature_names])
        if part.output_mode != "one_hot":
            return value
        if not dtypes.is_integer(dtypes.standardize(value.dtype)):
            raise ArgumentError(f"Feature {key!r} is one_hot, so its layer must give whole numbers, got {dtypes.standardize(value.dtype)}.")
        if key not in self.one_hot_encoders:
            self.one_hot_encoders[key] = CategoryEncoding(_categories(key, layer), output_mode="multi_hot")
        return _applied(self.one_hot_encoders[key], value)

    # --- within models ------------------------------------------------------------------------------------------------

    def get_inputs(self) -> dict[str, SymbolicTensor]:
        """The inputs of a model on raw features, by name."""
        self._need_rules()
        return self.inputs

    def get_encoded_features(self) -> Any:
        """What the space makes of `get_inputs()`, for a model made of both.

        Such a model takes raw features. Where some are texts it runs on NumPy and TensorFlow; on the other backends, and where some
        features are hashed, call the space in the data pipeline and make the model with `Input` of the encoded length.
        """
        self._need_rules()
        if self.encoded_features is None:
            self.encoded_features = self._outputs(self.inputs)
        return self.encoded_features

    # --- files --------------------------------------------------------------------------------------------------------

    def save(self, filepath: str | os.PathLike[str]) -> None:
        """Writes the space with all that was found in data to a `.keras` file, which `cornu.models.load_model` reads, and Keras too."""
        save_model(self, filepath)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "features": {name: serialize(feature) for name, feature in self.features.items()}, "output_mode": self.output_mode,
            "crosses": [serialize(cross) for cross in self.crosses], "crossing_dim": self.crossing_dim, "hashing_dim": self.hashing_dim,
            "num_discretization_bins": self.num_discretization_bins, "name": self.name,
        }  # fmt: skip

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The space with these arguments."""
        features = {name: read(Feature, value) for name, value in config["features"].items()}
        crosses = [read(Cross, value) for value in config.get("crosses") or ()]
        return cls(**{**config, "features": features, "crosses": crosses})

    def get_build_config(self) -> dict[str, Any] | None:
        """How each feature's layer was built; None before there is anything to read back."""
        if not self.built and any(_waits(layer) for layer in self.preprocessors.values()):
            return None
        return {name: getattr(layer, "get_build_config", dict)() or {} for name, layer in self.preprocessors.items()}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds the features' layers as they were."""
        for name, built in config.items():
            if built and name in self.preprocessors:
                self.preprocessors[name].build_from_config(built)
        self.built = True


def _applied(layer: Any, x: Any) -> Any:
    """The layer's outputs: on the host if the inputs are, wherever its weights may lie."""
    y = layer(x)
    return ops.convert_to_numpy(y) if isinstance(x[0] if isinstance(x, list) else x, np.ndarray) else y


def _learns(layer: Any) -> bool:
    """Whether `adapt` finds something for the layer."""
    return hasattr(layer, "adapt") and not getattr(layer, "is_given", False)


def _waits(layer: Any) -> bool:
    """Whether the layer must see data before it can be called."""
    return _learns(layer) and bool(getattr(layer, "needs_adapting", not getattr(layer, "built", True)))


def _categories(key: str, layer: Any) -> int:
    """How many categories a layer tells apart."""
    boundaries = getattr(layer, "bin_boundaries", None)
    known = getattr(layer, "num_bins", None), None if boundaries is None else len(boundaries) + 1
    if any(known):
        return max(n for n in known if n)
    if hasattr(layer, "vocabulary_size"):
        return int(layer.vocabulary_size())
    raise ArgumentError(
        f"Feature {key!r} is one_hot, and {type(layer).__name__} does not say how many categories there are. "
        "Give the layer a method `vocabulary_size()`, or let it give vectors, with output_mode='float'."
    )


def _moved(like: Any, y: np.ndarray) -> Array:
    """The outputs on the backend of the inputs, the current one where these were on the host."""
    if like is None:
        return ops.convert_to_tensor(y)
    with backends.use_backend(dispatch.interpreter_of(like)):
        return ops.convert_to_tensor(y)
