"""Where each module of Keras stands in Cornu, and where modules of older Keras have gone.

`keras.x.y` is `cornu.x.y` unless a table below says otherwise.
"""

from __future__ import annotations

__all__ = ["HOMES", "MOVED", "NAMES", "RENAMED", "homes_of", "moved_to"]

HOMES: dict[str, tuple[str, ...]] = {
    "": ("cornu.compat.face", "cornu"),
    "_tf_keras": (),
    "backend": ("cornu.compat.backend",),
    "engine": ("cornu.layers", "cornu.models"),
    "legacy": (),
    "legacy.saving": ("cornu.compat.legacy_saving",),
    "ops.image": ("cornu.ops.image", "cornu.ops"),
    "ops.linalg": ("cornu.ops.linalg", "cornu.ops"),
    "ops.nn": ("cornu.ops.nn", "cornu.ops"),
    "ops.numpy": ("cornu.ops.numpy", "cornu.ops"),
    "optimizers.legacy": ("cornu.optimizers",),
    "utils.legacy": ("cornu.compat.legacy_saving",),
    "wrappers.scikit_learn": ("cornu.compat.scikit_learn",),
}
"""Modules whose names are looked for elsewhere than in the room of the same name, in this order."""

_LAYERS = (
    "advanced_activations", "convolutional", "convolutional_recurrent", "core", "embeddings", "local", "merge", "noise", "normalization", "pooling",
    "recurrent", "wrappers",
)  # fmt: skip
_UTILS = ("conv_utils", "data_utils", "generic_utils", "io_utils", "layer_utils", "np_utils", "vis_utils")

MOVED: dict[str, str] = {
    **{f"layers.{name}": "layers" for name in _LAYERS},
    **{f"utils.{name}": "utils" for name in _UTILS},
    "engine": "layers",
    "engine.base_layer": "layers",
    "engine.input_layer": "layers",
    "engine.functional": "models",
    "engine.network": "models",
    "engine.sequential": "models",
    "engine.topology": "layers",
    "engine.training": "models",
    "initializations": "initializers",
    "layers.experimental": "layers",
    "layers.experimental.preprocessing": "layers",
    "objectives": "losses",
    "utils.training_utils": "utils",
    "wrappers.scikit_learn": "wrappers",
    "optimizers.experimental": "optimizers",
    "optimizers.legacy": "optimizers",
    "optimizer_v2": "optimizers",
    "preprocessing.timeseries": "utils",
}
"""Modules of older Keras, and the module of today that holds what they held."""

_LOSSES = {
    **dict.fromkeys(("MSE", "mse"), "mean_squared_error"),
    **dict.fromkeys(("MAE", "mae"), "mean_absolute_error"),
    **dict.fromkeys(("MAPE", "mape"), "mean_absolute_percentage_error"),
    **dict.fromkeys(("MSLE", "msle"), "mean_squared_logarithmic_error"),
    **dict.fromkeys(("KLD", "kld", "kullback_leibler_divergence"), "kl_divergence"),
    **dict.fromkeys(("BCE", "bce"), "binary_crossentropy"),
    "cosine_proximity": "cosine_similarity",
    "logcosh": "log_cosh",
}

RENAMED: dict[str, dict[str, str]] = {
    "constraints": {"maxnorm": "max_norm", "nonneg": "non_neg", "unitnorm": "unit_norm"},
    "initializers": {"normal": "RandomNormal", "one": "Ones", "uniform": "RandomUniform", "zero": "Zeros"},
    "layers": {"CuDNNGRU": "GRU", "CuDNNLSTM": "LSTM"},
    "losses": _LOSSES,
    "metrics": _LOSSES,
    "regularizers": {"l1l2": "l1_l2"},
}
"""Names that are called otherwise today, by the module that holds both."""

NAMES: dict[str, dict[str, str]] = {
    "callbacks": {"ModelCheckpoint": "cornu.compat.older_files:ModelCheckpoint"},
    "layers": {name: f"cornu.compat.older_layers:{name}" for name in ("AtrousConvolution2D", "Convolution2D", "Convolution3D")},
    "models": {"model_from_config": "cornu.compat.older:model_from_config"},
    "utils": {
        "multi_gpu_model": "cornu.compat.older:multi_gpu_model",
        "to_categorical": "cornu.compat.older:to_categorical",
    },
}
"""Single names that only older programs know, by module: where each is made."""


def moved_to(path: str) -> str | None:
    """The module of today that an older module's path stands for, without "keras." in front; None for one of today."""
    return MOVED.get(path)


def homes_of(path: str) -> tuple[str, ...]:
    """The modules in which the names of `keras.<path>` are looked for.

    >>> homes_of("layers.core"), homes_of("losses")
    (('cornu.layers',), ('cornu.losses',))
    """
    if path in HOMES:
        return HOMES[path]
    return homes_of(MOVED[path]) if path in MOVED else (f"cornu.{path}",)
