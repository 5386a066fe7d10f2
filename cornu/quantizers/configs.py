"""How a layer is to be quantised: what its weights and its inputs become."""

from __future__ import annotations

from typing import Any

from cornu.configurable import Configurable
from cornu.errors import ArgumentError
from cornu.quantizers.quantizer import AbsMaxQuantizer, Quantizer
from cornu.registry import QUANTIZERS
from cornu.serialization import deserialize

__all__ = [
    "AWQConfig",
    "Float8QuantizationConfig",
    "GPTQConfig",
    "Int4QuantizationConfig",
    "Int8QuantizationConfig",
    "QuantizationConfig",
    "validate",
]


class QuantizationConfig(Configurable):
    """The base of the kinds of quantisation; each kind has a `mode`.

    Args:
        weight_quantizer: what makes whole numbers of the weights; None for the mode's own.
        activation_quantizer: what makes whole numbers of the inputs; None leaves them floats.
    """

    mode: str

    def __init__(self, weight_quantizer: Any = None, activation_quantizer: Any = None) -> None:
        if type(self) is QuantizationConfig:
            raise ArgumentError("A QuantizationConfig is one of a kind: make an Int8QuantizationConfig, an Int4QuantizationConfig, ….")
        self.weight_quantizer = _quantizer(weight_quantizer)
        self.activation_quantizer = _quantizer(activation_quantizer)

    def _check_weights(self, dtypes: tuple[str, ...]) -> None:
        given = self.weight_quantizer
        if given is not None and given.output_dtype not in dtypes:
            raise ArgumentError(
                f"The weight_quantizer of {type(self).__name__} must give {' or '.join(dtypes)}, got one with output_dtype={given.output_dtype!r}."
            )

    def weight_quantizer_or_default(self, config: Any, default: Quantizer) -> Quantizer:
        """The weight quantiser of a configuration, or the default where there is no configuration or none in it."""
        return default if config is None or config.weight_quantizer is None else config.weight_quantizer

    def activation_quantizer_or_default(self, config: Any, default: Quantizer | None) -> Quantizer | None:
        """The activation quantiser of a configuration (None leaves inputs floats), or the default where there is no configuration."""
        return default if config is None else config.activation_quantizer

    @property
    def dtype_policy_string(self) -> str:
        """The first part of the policy's name."""
        return self.mode


def _quantizer(given: Any) -> Any:
    found = deserialize(given, role=QUANTIZERS) if isinstance(given, (dict, str)) else given
    if found is not None and not callable(found):
        raise ArgumentError(f"A quantiser must be a Quantizer, its configuration or its name, got {given!r}.")
    return found


class Int8QuantizationConfig(QuantizationConfig):
    """Weights, and by default inputs, in int8.

    Args:
        weight_quantizer: one that gives int8; by default `AbsMaxQuantizer` over the axes that are summed over.
        activation_quantizer: "default" for an `AbsMaxQuantizer` over the last axis of the inputs; None leaves them floats.

    >>> Int8QuantizationConfig().mode
    'int8'
    """

    mode = "int8"

    def __init__(self, weight_quantizer: Any = None, activation_quantizer: Any = "default") -> None:
        super().__init__(weight_quantizer, AbsMaxQuantizer() if activation_quantizer == "default" else activation_quantizer)
        self._check_weights(("int8",))


class Int4QuantizationConfig(QuantizationConfig):
    """Weights in four bits, two in a byte.

    Args:
        weight_quantizer: one with values from -8 to 7; not together with blocks.
        activation_quantizer: what makes int8 of the inputs; by default they stay floats. Not together with blocks.
        block_size: how many inputs share a scale and a zero point; None or -1 for one scale for all inputs, without a zero point.

    >>> Int4QuantizationConfig(block_size=64).dtype_policy_string
    'int4/64'
    """

    mode = "int4"

    def __init__(self, weight_quantizer: Any = None, activation_quantizer: Any = "default", block_size: int | None = 128) -> None:
        if block_size is not None and (not isinstance(block_size, int) or (block_size < 1 and block_size != -1)):
            raise ArgumentError(f"block_size must be a whole number of at least 1, -1 or None, got {block_size!r}.")
        chosen = None if activation_quantizer == "default" else activation_quantizer
        if block_size not in (None, -1) and (weight_quantizer is not None or chosen is not None):
            raise ArgumentError(f"Quantisers of one's own go without blocks: give block_size=-1, got block_size={block_size}.")
        super().__init__(weight_quantizer, chosen)
        self._check_weights(("int8", "int4"))
        self.block_size = block_size

    @property
    def dtype_policy_string(self) -> str:
        """The mode and the length of a block."""
        return f"int4/{-1 if self.block_size is None else self.block_size}"


class Float8QuantizationConfig(QuantizationConfig):
    """Products in float8, for training: e4m3 forwards, e5m2 for gradients.

    >>> Float8QuantizationConfig().mode
    'float8'
    """

    mode = "float8"

    def __init__(self) -> None:
        super().__init__()


class _Calibrated(QuantizationConfig):
    """What the kinds share that look at data to choose the whole numbers."""

    bits: tuple[int, ...]

    def _keep(self, weight_bits: int, num_samples: int, sequence_length: int, group_size: int) -> None:
        if weight_bits not in self.bits:
            raise ArgumentError(f"weight_bits of {type(self).__name__} must be one of {self.bits}, got {weight_bits!r}.")
        for name, value in (("num_samples", num_samples), ("sequence_length", sequence_length)):
            if not isinstance(value, int) or value < 1:
                raise ArgumentError(f"{name} must be a whole number of at least 1, got {value!r}.")
        if not isinstance(group_size, int) or (group_size < 1 and group_size != -1):
            raise ArgumentError(f"group_size must be a whole number of at least 1, or -1, got {group_size!r}.")
        self.weight_bits, self.num_samples, self.sequence_length, self.group_size = weight_bits, num_samples, sequence_length, group_size

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments without data and layers, which no configuration holds."""
        return {**super().get_config(), "dataset": None, "tokenizer": None, "quantization_layer_structure": None}

    @property
    def dtype_policy_string(self) -> str:
        """The mode, the bits of a weight, and the length of a group."""
        return f"{self.mode}/{self.weight_bits}/{self.group_size}"


class GPTQConfig(_Calibrated):
    """Weights rounded one input after another, each error passed on to those that follow, as data say that it matters.

    Args:
        dataset: what to calibrate on: an array of inputs, batches of them, or texts.
        tokenizer: what makes ids of a text, a function or an object with `tokenize`; None if there are no texts.
        weight_bits: 2, 3, 4 or 8.
        num_samples: how many samples are looked at.
        per_channel: whether each output has scales of its own.
        sequence_length: the length of a sample of text.
        hessian_damping: what is added to the diagonal of the matrix of second moments, as a part of its mean; between 0 and 1.
        group_size: how many inputs share a scale; -1 for all.
        symmetric: whether the zero point is in the middle.
        activation_order: whether inputs with large second moments come first.
        quantization_layer_structure: which parts of a model to quantise: a dict with `pre_block_layers`, run one after another on the data,
            and `sequential_blocks`, which follow them, and of which the Dense and EinsumDense layers within are quantised. By default what
            the model's `get_quantization_layer_structure` says.

    E. Frantar et al., "GPTQ", https://arxiv.org/abs/2210.17323.
    """

    mode, bits = "gptq", (2, 3, 4, 8)

    def __init__(
        self,
        dataset: Any,
        tokenizer: Any,
        *,
        weight_bits: int = 4,
        num_samples: int = 128,
        per_channel: bool = True,
        sequence_length: int = 512,
        hessian_damping: float = 0.01,
        group_size: int = 128,
        symmetric: bool = False,
        activation_order: bool = False,
        quantization_layer_structure: Any = None,
    ) -> None:
        super().__init__()
        self._keep(weight_bits, num_samples, sequence_length, group_size)
        if not 0 <= hessian_damping <= 1:
            raise ArgumentError(f"hessian_damping must be between 0 and 1, got {hessian_damping!r}.")
        self.dataset, self.tokenizer, self.per_channel, self.hessian_damping = dataset, tokenizer, per_channel, hessian_damping
        self.symmetric, self.activation_order = symmetric, activation_order
        self.quantization_layer_structure = quantization_layer_structure


class AWQConfig(_Calibrated):
    """Weights in four bits after a scaling that favours the inputs that data show to be large.

    Args:
        dataset: what to calibrate on: an array of inputs, batches of them, or texts.
        tokenizer: what makes ids of a text, a function or an object with `tokenize`; None if there are no texts.
        weight_bits: 4.
        num_samples: how many samples are looked at.
        sequence_length: the length of a sample of text.
        group_size: how many inputs share a scale; -1 for all.
        num_grid_points: how many strengths of the scaling are tried.
        quantization_layer_structure: which parts of a model to quantise, as for `GPTQConfig`.

    J. Lin et al., "AWQ", https://arxiv.org/abs/2306.00978.
    """

    mode, bits = "awq", (4,)

    def __init__(
        self,
        dataset: Any,
        tokenizer: Any,
        *,
        weight_bits: int = 4,
        num_samples: int = 128,
        sequence_length: int = 512,
        group_size: int = 128,
        num_grid_points: int = 20,
        quantization_layer_structure: Any = None,
    ) -> None:
        super().__init__()
        self._keep(weight_bits, num_samples, sequence_length, group_size)
        if not isinstance(num_grid_points, int) or num_grid_points < 1:
            raise ArgumentError(f"num_grid_points must be a whole number of at least 1, got {num_grid_points!r}.")
        self.dataset, self.tokenizer, self.num_grid_points = dataset, tokenizer, num_grid_points
        self.quantization_layer_structure = quantization_layer_structure


for _cls in (Int8QuantizationConfig, Int4QuantizationConfig, Float8QuantizationConfig, GPTQConfig, AWQConfig):
    QUANTIZERS.add(_cls)

_PLAIN: dict[str, type[QuantizationConfig]] = {
    "int8": Int8QuantizationConfig,
    "int4": Int4QuantizationConfig,
    "float8": Float8QuantizationConfig,
}


def validate(mode: str | None, config: Any) -> QuantizationConfig:
    """The configuration for a mode, for a configuration, or for both, which must then agree.

    Raises:
        ArgumentError: neither is given, they differ, there is no such mode, or the mode needs data, which a configuration brings.
    """
    found = deserialize(config, role=QUANTIZERS) if isinstance(config, dict) else config
    if found is None and mode is None:
        raise ArgumentError("`quantize` needs a `mode` or a `config`, got neither.")
    if found is not None and (not isinstance(found, QuantizationConfig) or mode not in (None, found.mode)):
        raise ArgumentError(f"`config` must be a QuantizationConfig of the mode {mode!r}, got {found!r}.")
    if found is not None:
        return found
    if mode in ("gptq", "awq"):
        raise ArgumentError(f"The mode {mode!r} looks at data: give `config={mode.upper()}Config(dataset, tokenizer)`.")
    if mode not in _PLAIN:
        raise ArgumentError(f"A mode of quantisation must be int8, int4, float8, gptq or awq, got {mode!r}.")
    return _PLAIN[mode]()
