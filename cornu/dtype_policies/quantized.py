"""Policies of layers whose weights are quantised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cornu import config
from cornu.dtype_policies.policy import DTypePolicy, split_mode
from cornu.errors import ArgumentError
from cornu.registry import DTYPE_POLICIES
from cornu.serialization import serialize

__all__ = [
    "MODES",
    "AWQDTypePolicy",
    "GPTQDTypePolicy",
    "Int4DTypePolicy",
    "PartsDTypePolicy",
    "QuantizedDTypePolicy",
    "QuantizedFloat8DTypePolicy",
    "named",
]

MODES = ("int8", "float8", "int4", "gptq", "awq")
"""The ways to quantise weights."""


def add(cls: type[DTypePolicy]) -> type[DTypePolicy]:
    """Enters a policy under the module that files name for it."""
    return DTYPE_POLICIES.add(cls, module="keras.dtype_policies")


class QuantizedDTypePolicy(DTypePolicy):
    """Quantised weights, around a policy of floats: by name "int8_from_mixed_bfloat16".

    Args:
        mode: "int8", "int4" or "float8".
        source_name: the name of the policy of floats, by which scales and biases are kept and results are computed; `floatx` by default.

    Raises:
        ArgumentError: another mode, or int8 or int4 with sums in float16, which would overflow.

    >>> policy = QuantizedDTypePolicy("int8", "mixed_bfloat16")
    >>> policy.name, policy.quantization_mode, policy.compute_dtype
    ('int8_from_mixed_bfloat16', 'int8', 'bfloat16')
    """

    def __init__(self, mode: str, source_name: str | None = None) -> None:
        kind = str(mode).partition("/")[0]
        if kind not in MODES:
            raise ArgumentError(f"A mode of quantisation must be one of {', '.join(MODES)}, got {mode!r}.")
        super().__init__(source_name)
        self.source_name, self.mode = self.name, mode
        if kind in ("int8", "int4", "gptq") and self.compute_dtype == "float16":
            raise ArgumentError(f"Quantisation {mode!r} needs sums that do not overflow, got the compute dtype float16. Use bfloat16.")
        self.name = f"{mode}_from_{self.source_name}"
        self._kind = kind

    @property
    def quantization_mode(self) -> str:
        """How the weights are quantised: the mode without its numbers."""
        return self._kind

    def source(self) -> DTypePolicy:
        """The policy of floats beneath."""
        return DTypePolicy(self.source_name)


class QuantizedFloat8DTypePolicy(QuantizedDTypePolicy):
    """Products in float8, with scales that follow the largest numbers of the last steps.

    Args:
        mode: "float8".
        source_name: the name of the policy of floats; `floatx` by default.
        amax_history_length: how many steps are looked back on.

    P. Micikevicius et al., "FP8 formats for deep learning", https://arxiv.org/abs/2209.05433.

    >>> QuantizedFloat8DTypePolicy("float8", amax_history_length=16).amax_history_length
    16
    """

    def __init__(self, mode: str, source_name: str | None = None, amax_history_length: int = 1024) -> None:
        super().__init__(mode, source_name)
        if not isinstance(amax_history_length, int) or amax_history_length < 1:
            raise ArgumentError(f"amax_history_length must be a whole number of at least 1, got {amax_history_length!r}.")
        self.amax_history_length = amax_history_length

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and getattr(other, "amax_history_length", self.amax_history_length) == self.amax_history_length

    def __hash__(self) -> int:
        return super().__hash__()


class Int4DTypePolicy(QuantizedDTypePolicy):
    """Weights in four bits, with a scale for each block of inputs.

    Args:
        mode: "int4/128", with the length of a block; -1 is one block for all inputs.
        source_name: the name of the policy of floats; `floatx` by default.

    >>> Int4DTypePolicy("int4/128", "float32").block_size
    128
    """

    def __init__(self, mode: str, source_name: str | None = None) -> None:
        (self.block_size,) = split_mode(mode, "int4", "/<block_size>")
        if self.block_size < 1 and self.block_size != -1:
            raise ArgumentError(f"The block of {mode!r} must be of length 1 or more, or -1 for all inputs.")
        super().__init__(mode, source_name)


class GPTQDTypePolicy(QuantizedDTypePolicy):
    """Weights rounded one input after another, each error passed on to those that follow.

    Args:
        mode: "gptq/4/128": the bits of a weight (2, 3, 4 or 8), and the length of a group with a scale of its own, -1 for one.
        source_name: the name of the policy of floats; `floatx` by default.

    E. Frantar et al., "GPTQ", https://arxiv.org/abs/2210.17323.

    >>> policy = GPTQDTypePolicy("gptq/4/128")
    >>> policy.weight_bits, policy.group_size
    (4, 128)
    """

    kind = "gptq"
    allowed_bits: tuple[int, ...] = (2, 3, 4, 8)

    def __init__(self, mode: str, source_name: str | None = None) -> None:
        self.weight_bits, self.group_size = split_mode(mode, self.kind, "/<weight_bits>/<group_size>")
        if self.weight_bits not in self.allowed_bits:
            raise ArgumentError(f"The bits of a weight in {mode!r} must be one of {self.allowed_bits}, got {self.weight_bits}.")
        if self.group_size < 1 and self.group_size != -1:
            raise ArgumentError(f"The groups of {mode!r} must be of length 1 or more, or -1 for one.")
        super().__init__(mode, source_name)


class AWQDTypePolicy(GPTQDTypePolicy):
    """Weights in four bits after a scaling that favours the inputs that are large.

    Args:
        mode: "awq/4/128": four bits, and the length of a group with a scale of its own, -1 for one.
        source_name: the name of the policy of floats; `floatx` by default.

    J. Lin et al., "AWQ", https://arxiv.org/abs/2306.00978.

    >>> AWQDTypePolicy("awq/4/-1", "mixed_bfloat16").name
    'awq/4/-1_from_mixed_bfloat16'
    """

    kind = "awq"
    allowed_bits = (4,)


class PartsDTypePolicy(DTypePolicy):
    """A policy of floats for a layer, which hands it on to the layers that it makes, and quantised ones for some of those by their paths.

    `Model.quantize` gives it to a layer such as MultiHeadAttention, whose configuration does not hold those of its parts. Files hold it as a
    `DTypePolicyMap`, which gives it back for the path of a layer that has quantised parts.

    Args:
        source_name: the name of the policy of floats.
        parts: the policies of parts by path, of any length: "attention/query", "query".

    >>> policy = PartsDTypePolicy("float32", {"attention/query": QuantizedDTypePolicy("int8", "float32")})
    >>> policy.for_path("attention") is policy, policy.for_path("attention/query").name, policy.for_path("attention/key").name
    (True, 'int8_from_float32', 'float32')
    """

    def __init__(self, source_name: str, parts: Mapping[str, DTypePolicy]) -> None:
        super().__init__(source_name)
        self.source_name, self.parts = source_name, dict(parts)

    def for_path(self, path: str) -> DTypePolicy:
        """The part's policy; this one for a layer that has parts; the one of floats for others."""
        if path in self.parts:
            return self.parts[path]
        return self if any(key.startswith(f"{path}/") for key in self.parts) else DTypePolicy(self.source_name)

    def _config_head_(self) -> dict[str, Any]:
        """How files name the class: as a map, which other libraries know too."""
        return {"module": "keras.dtype_policies", "class_name": "DTypePolicyMap", "registered_name": None}

    def get_config(self) -> dict[str, Any]:
        """That of a map: the default policy's name, and the configurations of the parts' policies."""
        return {"default_policy": self.source_name, "policy_map": serialize(self.parts)}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PartsDTypePolicy) and super().__eq__(other) and other.parts == self.parts

    def __hash__(self) -> int:
        return super().__hash__()


for _cls in (QuantizedDTypePolicy, QuantizedFloat8DTypePolicy, Int4DTypePolicy, GPTQDTypePolicy, AWQDTypePolicy):
    add(_cls)


def named(name: str) -> DTypePolicy:
    """The policy of a name: "float32", "mixed_bfloat16", "int8_from_float32", "int4/128_from_float32", …

    Raises:
        ArgumentError: a mode alone: what it starts from must be said.
    """
    if name in MODES:
        raise ArgumentError(
            f"A quantised policy must say what it starts from, as {name + '_from_' + config.floatx()!r} does; got {name!r}."
        )
    mode, among, source = name.partition("_from_")
    if not among:
        return DTypePolicy(name)
    kind, divided, _ = mode.partition("/")
    special: dict[str, type[QuantizedDTypePolicy]] = {"float8": QuantizedFloat8DTypePolicy, "gptq": GPTQDTypePolicy, "awq": AWQDTypePolicy}
    if kind == "int4" and divided:
        special["int4"] = Int4DTypePolicy
    return special.get(kind, QuantizedDTypePolicy)(mode, source)
