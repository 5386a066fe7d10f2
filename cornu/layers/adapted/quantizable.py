"""Layers whose weights are quantised or take low-rank parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu.configurable import fact
from cornu.dtype_policies import DTypePolicy
from cornu.errors import ArgumentError
from cornu.layers.adapted import adapting
from cornu.layers.adapted.adaptation import Adaptable, Adaptation

__all__ = ["Quantizable"]


class Quantizable:
    """The part of a layer that puts something else in the place of its weights."""

    name: str
    dtype_policy: DTypePolicy
    build: Callable[..., None]
    _adaptable_: Adaptable | None = None
    """Which weights can be quantised or take low-rank parts; None where that is not offered."""
    _adaptation_: Adaptation | None = None
    """What stands in the place of the weights, once the layer is quantised or adapted."""

    @property
    def quantization_mode(self) -> str | None:
        """How the weights are quantised; None where they are not."""
        return self.dtype_policy.quantization_mode

    @fact
    def lora_enabled(self) -> bool:
        """Whether low-rank parts are added to a weight."""
        return self._adaptation_ is not None and any(weight.added is not None for weight in self._adaptation_.weights.values())

    def quantize(self, mode: str | None = None, type_check: bool = True, config: Any = None) -> None:
        """Keeps the weights in few bits from now on. They are then no longer trained, low-rank parts and biases still are.

        "float8" keeps floats, which go on to be trained, and multiplies with eight bits. "int8" and "int4" are for Dense, EinsumDense and
        Embedding layers, the others for Dense and EinsumDense.

        Args:
            mode: "int8", "int4" or "float8"; "gptq" and "awq" by their `config`, whose `dataset` are then inputs of the layer.
            type_check: whether a subclass of a layer of Cornu's own is refused, whose `call` may differ.
            config: a `QuantizationConfig`, in the mode's place, for quantisers of one's own.

        Raises:
            NotBuiltError: the layer is not built.
            ArgumentError: the mode is none of these or not for such a layer, or the layer is quantised already.

        >>> from cornu.layers import Layer
        >>> layer = Layer()
        >>> layer.quantization_mode is None
        True
        """
        if type_check and self._adaptable_ is not None and not type(self).__module__.startswith("cornu."):
            raise ArgumentError(f"{type(self).__name__} may compute otherwise than its base; quantise it with type_check=False.")
        adapting.quantize(self, mode, config)

    def enable_lora(
        self, rank: int, lora_alpha: float | None = None, a_initializer: Any = "he_uniform", b_initializer: Any = "zeros"
    ) -> None:
        """Freezes the weight and trains an addition of low rank: `weight + lora_alpha / rank * a @ b`.

        Files hold the sum. A compiled model must be compiled again.

        Args:
            rank: the number of columns of a and rows of b.
            lora_alpha: the strength of the addition; `rank` by default.
            a_initializer, b_initializer: the first values.

        E. Hu et al., "LoRA: low-rank adaptation of large language models", https://arxiv.org/abs/2106.09685.
        """
        adapting.enable_lora(self, rank, lora_alpha, a_initializer, b_initializer)

    def merge_lora(self) -> None:
        """Adds the low-rank parts to the weight for good, and lets it train again unless it is quantised."""
        adapting.merge_lora(self)

    def quantized_build(self, input_shape: Any, mode: str, config: Any = None) -> None:
        """Builds the layer for inputs of this shape with its weights quantised, as `build` and `quantize` do in turn."""
        self.build(input_shape)
        self.quantize(mode, config=config)

    def quantized_call(self, *args: Any, **kwargs: Any) -> Any:
        """What `call` gives, by the quantised weights.

        Raises:
            ArgumentError: the layer is not quantised.
        """
        if self._adaptation_ is None or self.quantization_mode is None:
            raise ArgumentError(f"Layer {self.name!r} is not quantised: `layer.quantize(mode)` first.")
        return self._adaptation_.call(*args, **kwargs)
