"""The policy of floats, and the one that holds for layers that are given none."""

from __future__ import annotations

from cornu import config, dtypes
from cornu.configurable import Configurable
from cornu.errors import ArgumentError
from cornu.registry import DTYPE_POLICIES

__all__ = ["DTypePolicy"]

_MIXED = {"mixed_float16": ("float16", "float32"), "mixed_bfloat16": ("bfloat16", "float32")}


@DTYPE_POLICIES.add
class DTypePolicy(Configurable):
    """A pair of dtypes: weights are kept in `variable_dtype`, layers compute in `compute_dtype`.

    Args:
        name: a dtype for both, or "mixed_float16" or "mixed_bfloat16": weights in float32, computation in the half-size float.

    >>> policy = DTypePolicy("mixed_bfloat16")
    >>> policy.compute_dtype, policy.variable_dtype
    ('bfloat16', 'float32')
    """

    name: str
    compute_dtype: str
    variable_dtype: str

    def __init__(self, name: str | None = None) -> None:
        name = config.floatx() if name is None else name
        if not isinstance(name, str):
            name = dtypes.standardize(name)
        self.name = name
        self.compute_dtype, self.variable_dtype = _MIXED.get(name) or (dtypes.standardize(name),) * 2

    @property
    def quantization_mode(self) -> str | None:
        """How the weights are quantised, e.g. "int8"; None where they are not."""
        return None

    def for_path(self, path: str) -> DTypePolicy:
        """The policy of the layer at this path: this one, unless it is a map."""
        return self

    def source(self) -> DTypePolicy:
        """The policy of floats beneath a quantised one; of others, the policy itself."""
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)


def split_mode(mode: str, first: str, parts: str) -> list[int]:
    """The whole numbers in a mode such as "int4/128"; raises where it has another form."""
    words = mode.split("/") if isinstance(mode, str) else []
    try:
        numbers = [int(word) for word in words[1:]]
    except ValueError:
        numbers = []
    if words[:1] != [first] or not numbers or len(numbers) != parts.count("/"):
        raise ArgumentError(f"A mode of {first} must have the form '{first}{parts}', with whole numbers, got {mode!r}.")
    return numbers
