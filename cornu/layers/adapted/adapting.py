"""Quantising a built layer, and adding low-rank parts to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu import backends, dtype_policies, initializers, ops
from cornu.dtype_policies import AWQDTypePolicy, GPTQDTypePolicy, Int4DTypePolicy, QuantizedDTypePolicy
from cornu.errors import ArgumentError, NotBuiltError, ShapeError
from cornu.layers.adapted.adaptation import Adaptation, layer_equation
from cornu.layers.adapted.axes import Letters
from cornu.layers.adapted.eight_bit_floats import EightBitFloats
from cornu.layers.adapted.grouped import Grouped, check_one_matrix, input_rows
from cornu.layers.adapted.stored import Floats, Held, Place, kept
from cornu.layers.adapted.weight import AdaptedWeight, LowRank
from cornu.quantizers import (
    AWQConfig,
    Float8QuantizationConfig,
    GPTQConfig,
    Int4QuantizationConfig,
    Int8QuantizationConfig,
    QuantizationConfig,
)
from cornu.quantizers.calibration_data import calibration_samples
from cornu.quantizers.configs import validate
from cornu.quantizers.groups import Moments
from cornu.serialization import revive
from cornu.state import Variable
from cornu.state.variable import touch_structure

__all__ = [
    "adapt_built",
    "check_quantizable",
    "enable_lora",
    "keep_arguments",
    "keep_quantized",
    "merge_lora",
    "observe",
    "product_places",
    "quantize",
    "table_places",
]

HISTORY = 1024
"""How many steps scales of float8 look back on, unless a policy says otherwise."""
OF_PRODUCTS = ("float8", "gptq", "awq")
"""The modes of layers that are a product of inputs and kernel."""


def product_places(layer: Any) -> list[Place]:
    """The place of the kernel of a product."""
    equation = layer_equation(layer)
    letters = Letters.of(equation, len(layer._build_shapes_["input_shape"]))
    return [Place("kernel", letters, plain_scale=not hasattr(layer, "equation"))]


def table_places(layer: Any) -> list[Place]:
    """The places of a table of vectors, and of that of the way back, if it is another."""
    table = Place("embeddings", Letters("d", "vd", "v"), plain_scale=True)
    if getattr(layer, "tie_weights", True):
        return [table]
    return [table, Place("reverse_embeddings", Letters("d", "dv", "v"), 0, plain_scale=True, zero_dtype="float32")]


def keep_arguments(layer: Any, lora_rank: int | None, lora_alpha: float | None, quantization_config: Any) -> None:
    """Keeps the constructor's arguments for what wraps the layer, until it is built."""
    if lora_rank is not None and (not isinstance(lora_rank, int) or isinstance(lora_rank, bool) or lora_rank < 1):
        raise ArgumentError(f"lora_rank must be a whole number of at least 1, got {lora_rank!r}.")
    config = revive(quantization_config)
    if config is not None and not isinstance(config, QuantizationConfig):
        raise ArgumentError(f"quantization_config must be a QuantizationConfig, got {quantization_config!r}.")
    layer.lora_rank, layer.quantization_config = lora_rank, config
    layer.lora_alpha = lora_rank if lora_alpha is None else lora_alpha


def adapt_built(layer: Any) -> None:
    """What the constructor was asked for, once the weights are there: a quantised policy, then low-rank parts."""
    if layer._adaptable_ is None or layer._adaptation_ is not None:
        return
    policy = layer.dtype_policy
    if isinstance(policy, QuantizedDTypePolicy) and layer._adaptable_.places is not None:
        given = getattr(layer, "quantization_config", None)
        layer.dtype_policy = policy.source()
        keep_quantized(layer, _config_of(policy) if given is None else given, history=getattr(policy, "amax_history_length", HISTORY))
        layer.dtype_policy, layer.quantization_config = policy, given
    if getattr(layer, "lora_rank", None):
        rank, layer.lora_rank = layer.lora_rank, None
        enable_lora(layer, rank, lora_alpha=layer.lora_alpha)


def _config_of(policy: QuantizedDTypePolicy) -> QuantizationConfig:
    """The configuration that a policy stands for."""
    if isinstance(policy, AWQDTypePolicy):
        return AWQConfig(None, None, weight_bits=policy.weight_bits, group_size=policy.group_size)
    if isinstance(policy, GPTQDTypePolicy):
        return GPTQConfig(None, None, weight_bits=policy.weight_bits, group_size=policy.group_size)
    if policy.quantization_mode == "int4":
        return Int4QuantizationConfig(block_size=policy.block_size if isinstance(policy, Int4DTypePolicy) else None)
    return validate(policy.quantization_mode, None)


def _adaptation(layer: Any) -> Adaptation:
    adaptation: Adaptation = layer._adaptation_ or Adaptation(layer)
    layer._adaptation_ = adaptation
    touch_structure()
    return adaptation


def quantize(layer: Any, mode: str | None, config: Any) -> None:
    """Puts few bits in the place of the layer's weights; see `Layer.quantize`. GPTQ and AWQ look at the dataset as at the layer's inputs."""
    if not layer.built:
        raise NotBuiltError(f"Only a built layer has weights to quantise, and {layer.name!r} is not built. Call it on data first.")
    found = validate(mode, config)
    check_quantizable(layer, found)
    moments = None
    if isinstance(found, GPTQConfig | AWQConfig):
        (place,) = layer._adaptable_.places(layer)
        check_one_matrix(layer, place.letters)
        moments = observe(calibration_samples(found), place.letters)
    keep_quantized(layer, found, moments)


def check_quantizable(layer: Any, config: QuantizationConfig) -> None:
    """Raises where the layer cannot be quantised so."""
    if layer.dtype_policy.quantization_mode is not None:
        raise ArgumentError(f"Layer {layer.name!r} is quantised already, with the policy {layer.dtype_policy.name!r}.")
    if layer._adaptable_ is None or layer._adaptable_.places is None:
        raise ArgumentError(f"{type(layer).__name__} is no layer that is quantised; Dense, EinsumDense and Embedding are.")
    if config.mode in OF_PRODUCTS and not layer._adaptable_.product:
        raise ArgumentError(
            f"{config.mode!r} is a mode of Dense and EinsumDense, asked of {type(layer).__name__} {layer.name!r}. Use int8 or int4."
        )


def observe(inputs: np.ndarray, letters: Letters) -> Moments:
    """The moments of a layer's inputs."""
    if inputs.ndim != len(letters.inputs):
        raise ShapeError(f"The data must have the {len(letters.inputs)} axes of the layer's inputs, got the shape {inputs.shape}.")
    rows = input_rows(inputs, letters)
    moments = Moments(rows.shape[1])
    moments.add(rows)
    return moments


def keep_quantized(layer: Any, config: QuantizationConfig, moments: Moments | None = None, *, history: int = HISTORY) -> None:
    """Exchanges the weights of a layer that can be quantised so, by what was seen of its inputs where the configuration asks for that.

    Args:
        layer: the built layer.
        config: what to make of its weights.
        moments: of its inputs, for GPTQ and AWQ; without them numbers are rounded plainly, until a file brings others.
        history: how many steps scales of float8 look back on.
    """
    check_quantizable(layer, config)
    policy = dtype_policies.get(f"{config.dtype_policy_string}_from_{layer.dtype_policy.name}")
    if isinstance(config, Float8QuantizationConfig):
        _adaptation(layer).eight_bit_floats = EightBitFloats(layer, history)
    else:
        for place in layer._adaptable_.places(layer):
            _exchange(layer, place, config, moments)
    if layer._adaptable_.product and isinstance(config, Int8QuantizationConfig):
        layer._adaptation_.inputs_quantizer = config.activation_quantizer
    layer.dtype_policy, layer.quantization_config = policy, config
    touch_structure()


def _exchange(layer: Any, place: Place, config: QuantizationConfig, moments: Moments | None) -> None:
    """Takes a weight of floats out of a layer and puts a quantised one there; a low-rank addition stays what it is."""
    before = None if layer._adaptation_ is None else layer._adaptation_.weights.get(place.name)
    floats: Variable = getattr(layer, place.name) if before is None else before.held.variables[0]
    with backends.use_backend(floats.backend), floats.backend.concrete():  # a layer may be built by a run on shapes alone
        if isinstance(config, GPTQConfig | AWQConfig):
            held: Held = Grouped(layer, place, floats, config, moments)
        else:
            held = kept(layer, place, floats, config)
    weight = AdaptedWeight(held, floats.shape)
    weight.added = None if before is None else before.added
    layer._made_variables_[:] = [v for v in layer._made_variables_ if v is not floats]
    layer._fixed_variables_.discard(id(floats))
    _adaptation(layer).weights[place.name] = weight
    setattr(layer, place.name, weight)


def enable_lora(
    layer: Any, rank: int, lora_alpha: float | None = None, a_initializer: Any = "he_uniform", b_initializer: Any = "zeros"
) -> None:
    """Freezes the layer's weight and adds a trained product of two thin matrices to it; see `Layer.enable_lora`."""
    if layer._adaptable_ is None:
        raise ArgumentError(f"{type(layer).__name__} is no layer that takes low-rank parts; Dense, EinsumDense, Embedding and Conv are.")
    if not layer.built:
        raise NotBuiltError(f"Only a built layer has weights to adapt, and {layer.name!r} is not built. Call it on data first.")
    if not isinstance(rank, int) or isinstance(rank, bool) or rank < 1:
        raise ArgumentError(f"rank must be a whole number of at least 1, got {rank!r}.")
    name = layer._adaptable_.name
    adaptation = _adaptation(layer)
    weight = adaptation.weights.get(name)
    if weight is not None and weight.added is not None:
        raise ArgumentError(f"Layer {layer.name!r} has low-rank parts already. Merge them first, with `merge_lora()`.")
    if weight is None:
        variable: Variable = getattr(layer, name)
        variable.trainable = False
        layer._fixed_variables_.add(id(variable))
        weight = adaptation.weights[name] = AdaptedWeight(Floats(variable), variable.shape)
        setattr(layer, name, weight)
    alpha = rank if lora_alpha is None else lora_alpha
    penalty = getattr(layer, f"{name}_regularizer", None)
    a, b = (
        layer.add_weight(shape, initializers.get(initializer), regularizer=penalty, name=f"lora_{name}_{part}")
        for part, shape, initializer in (
            ("a", (*weight.shape[:-1], rank), a_initializer),
            ("b", (rank, weight.shape[-1]), b_initializer),
        )
    )
    weight.added = LowRank(a, b, alpha / rank)
    layer.lora_rank, layer.lora_alpha = rank, alpha


def merge_lora(layer: Any) -> None:
    """Adds the low-rank parts to the weight for good; see `Layer.merge_lora`."""
    adaptation: Adaptation | None = layer._adaptation_
    weight = None if adaptation is None or layer._adaptable_ is None else adaptation.weights.get(layer._adaptable_.name)
    if adaptation is None or weight is None or weight.added is None:
        raise ArgumentError(f"Layer {layer.name!r} has no low-rank parts to merge.")
    parts = (weight.added.a, weight.added.b)
    for variable, value in zip(weight.held.variables, weight.held.arrays(ops.convert_to_tensor(weight.value)), strict=True):
        variable.assign(value)
    weight.added = None
    layer._made_variables_[:] = [v for v in layer._made_variables_ if not any(v is part for part in parts)]
    layer.lora_rank = layer.lora_alpha = None
    if isinstance(weight.held, Floats):
        (variable,) = weight.held.variables
        layer._fixed_variables_.discard(id(variable))
        variable.trainable = layer.trainable
        del adaptation.weights[layer._adaptable_.name]
        setattr(layer, layer._adaptable_.name, variable)
        layer._adaptation_ = None if adaptation.empty else adaptation
    touch_structure()
