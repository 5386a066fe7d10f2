"""How Keras's files spell an op of a graph: its module, its class, and which of its arguments belong to the class's configuration.

A function `mean(x, axis, keepdims)` is there an object of the class `Mean(axis, keepdims)`, called with `x`. So the arguments fall into
operands, which stand for tensors and are written with the call, and settings. The tables below say no more than where that cannot be told
from the names.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from cornu.config import image_data_format
from cornu.errors import ArgumentError, ConfigError
from cornu.ops.dispatch import OPS

__all__ = ["class_and_module", "is_op", "merged", "op_of", "split"]

_SOURCE = "keras.src.ops."
_OWN = "cornu.ops"
_HOMES = {
    "nn": """average_pool batch_normalization binary_crossentropy categorical_crossentropy celu conv conv_transpose ctc_decode ctc_loss
        depth_to_space depthwise_conv dot_product_attention elu fold gelu glu hard_shrink hard_sigmoid hard_silu hard_tanh layer_normalization
        leaky_relu log_sigmoid log_softmax max_pool adaptive_average_pool adaptive_max_pool moments multi_hot normalize one_hot polar psnr relu
        relu6 rms_normalization selu separable_conv sigmoid silu soft_shrink softmax softplus softsign space_to_depth
        sparse_categorical_crossentropy sparse_plus sparse_sigmoid sparsemax squareplus tanh_shrink threshold unfold""",
    "core": "cast convert_to_tensor saturate_cast scatter scatter_update slice slice_update stop_gradient unstack",
    "math": """cdist erf erfc erfinv extract_sequences fft fft2 ifft2 in_top_k irfft istft logdet logsumexp rfft rsqrt segment_max segment_min
        segment_prod segment_sum stft top_k view_as_complex view_as_real""",
    "einops": "rearrange",
    "linalg": "cholesky cholesky_inverse det eig eigh inv lstsq lu_factor matrix_rank norm pinv qr solve solve_triangular svd",
}
"""Modules other than `numpy`, where the rest live."""
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}
_OURS_ALONE = frozenset({"dense", "scatter_add", "sparse_crossentropy_of_classes", "to_floating"})
_CLASSES = {
    "abs": "Absolute", "allclose": "AllClose", "batch_normalization": "BatchNorm", "cdist": "CDist", "conj": "Conjugate", "ctc_decode": "CTCDecode",
    "ctc_loss": "CTCLoss", "fft": "FFT", "fft2": "FFT2", "ifft2": "IFFT2", "irfft": "IRFFT", "isin": "IsIn", "istft": "ISTFT",
    "layer_normalization": "LayerNorm", "psnr": "PSNR", "rfft": "RFFT", "rms_normalization": "RMSNorm", "searchsorted": "SearchSorted",
    "stft": "STFT", "svd": "SVD",
}  # fmt: skip
"""Classes that are not the function's name in camel case."""
_SAME = {"TrueDivide": "divide", "BitwiseInvert": "bitwise_not", "BitwiseLeftShift": "left_shift", "BitwiseRightShift": "right_shift"}
"""Classes for which Cornu has one op of another name."""
_OPERANDS = {
    "x", "x1", "x2", "xs", "y", "a", "b", "q", "inputs", "data", "array", "real", "imag", "mean", "variance", "offset", "scale", "gamma",
    "beta", "weights", "target", "output", "targets", "predictions", "sequence_lengths", "target_length", "output_length", "kernel",
    "depthwise_kernel", "pointwise_kernel", "query", "key", "value", "bias", "mask", "operands", "fill_value", "start", "stop", "rtol",
    "atol", "constant_values", "abs_", "angle", "indices", "values", "updates", "sorted_sequence", "segment_ids", "condlist",
    "choicelist", "default", "start_indices", "variable", "condition", "bins", "tensor", "pattern",
}  # fmt: skip
_SETTINGS_OF = {
    "trapezoid": {"x", "dx"}, "bincount": {"weights"}, "diagonal": {"offset"}, "trace": {"offset"}, "unique": {"fill_value"},
    "allclose": {"rtol", "atol"}, "squareplus": {"b"},
    "histogram": {"bins"},
}  # fmt: skip
"""Where a name that elsewhere is an operand's is a setting's."""


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def is_op(config: Mapping[str, Any]) -> bool:
    """Whether a configuration describes an op, not a layer."""
    module = config.get("module")
    return isinstance(module, str) and module.startswith((_SOURCE, _OWN)) and "inbound_nodes" in config


def class_and_module(op: Callable[..., Any]) -> tuple[str, str]:
    """The class and the module by which files name an op.

    >>> from cornu import ops
    >>> class_and_module(ops.get_item)
    ('GetItem', 'keras.src.ops.numpy')
    """
    name: str = op.op_name  # type: ignore[attr-defined]
    module = _OWN if name in _OURS_ALONE else _SOURCE + _HOME.get(name, "numpy")
    return _CLASSES.get(name, _camel(name)), module


def op_of(config: Mapping[str, Any]) -> Callable[..., Any]:
    """The op that a configuration names; nothing but Cornu's own ops can be named so.

    Raises:
        ConfigError: there is none.
    """
    cls = str(config.get("class_name"))
    by_class = {_CLASSES.get(name, _camel(name)): op for name, op in OPS.items() if not name.startswith("_")}
    found = by_class.get(_camel(_SAME[cls]) if cls in _SAME else cls)
    if found is None:
        raise ConfigError(f"A graph may call Cornu's ops, and there is none for {cls!r} of {config.get('module')!r}.")
    return found


def _names(op: Callable[..., Any]) -> tuple[list[str], list[str], str | None]:
    """The names of operands and of settings, in the op's order, and that of an operand that takes all that is left."""
    own = _SETTINGS_OF.get(op.op_name, set())  # type: ignore[attr-defined]
    parameters = [p for p in inspect.signature(op).parameters.values() if p.kind is not p.VAR_KEYWORD]
    ours = op.op_name in _OURS_ALONE  # type: ignore[attr-defined]
    operands = [p.name for p in parameters if ours or (p.name in _OPERANDS and p.name not in own)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
    return operands, [p.name for p in parameters if p.name not in operands and p.name != rest], rest


def split(
    op: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[Any, ...], dict[str, Any]]:
    """A call's arguments as files have them: the settings, positional operands, and operands by name.

    >>> from cornu import ops
    >>> split(ops.mean, ("x", -1), {"keepdims": True})
    ({'axis': -1, 'keepdims': True}, ('x',), {})
    """
    bound = inspect.signature(op).bind(*args, **kwargs)
    bound.apply_defaults()
    operands, settings, rest = _names(op)
    config = {name: bound.arguments[name] for name in settings}
    if "data_format" in config:
        config["data_format"] = config["data_format"] or image_data_format()
    given: dict[str, Any] = {name: bound.arguments[name] for name in operands if name != rest}
    positional = list(bound.arguments.get(rest, ())) if rest else []
    if not rest:
        while given and next(iter(given.values())) is not None:
            positional.append(given.pop(next(iter(given))))
    given |= next((bound.arguments.get(p.name, {}) for p in inspect.signature(op).parameters.values() if p.kind is p.VAR_KEYWORD), {})
    return config, tuple(positional), {name: value for name, value in given.items() if value is not None}


def merged(
    op: Callable[..., Any], config: Mapping[str, Any], args: list[Any], kwargs: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of the op's call, from what a file has.

    Raises:
        ConfigError: they do not fit the op.
    """
    operands, settings, rest = _names(op)
    named = {name: value for name, value in config.items() if name in settings}
    if rest:
        return [*(named.pop(name) for name in settings if name in named), *args], {}
    if len(args) > len(operands):
        raise ConfigError(f"The op {op.op_name!r} takes {len(operands)} operands, {operands}, and the file gives {len(args)}.")  # type: ignore[attr-defined]
    named |= dict(zip(operands, args, strict=False)) | dict(kwargs)
    if op.op_name == "get_item" and isinstance(named.get("key"), list):  # type: ignore[attr-defined]
        named["key"] = tuple(named["key"])
    try:
        bound = inspect.signature(op).bind(**named)
    except TypeError as error:
        raise ArgumentError(f"The op {op.op_name!r} is not called as it is declared: {error}.") from error  # type: ignore[attr-defined]
    return list(bound.args), dict(bound.kwargs)
