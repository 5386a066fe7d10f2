"""In which dtype a layer keeps its weights, and in which it computes."""

from __future__ import annotations

from typing import Any

from cornu import config, dtypes, registry
from cornu.configurable import Configurable
from cornu.errors import ArgumentError
from cornu.registry import DTYPE_POLICIES

__all__ = ["DTypePolicy", "FloatDTypePolicy", "deserialize", "dtype_policy", "get", "serialize", "set_dtype_policy"]

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

    def __init__(self, name: str | None = None) -> None:
        name = config.floatx() if name is None else name
        if not isinstance(name, str):
            name = dtypes.standardize(name)
        self.name = name
        self.compute_dtype, self.variable_dtype = _MIXED.get(name) or (dtypes.standardize(name),) * 2

    @property
    def quantization_mode(self) -> str | None:
        """None: this policy quantises nothing."""
        return None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)


FloatDTypePolicy = DTypePolicy
"""A policy of floats: every policy is."""

_global: DTypePolicy | None = None


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are given none: that of `floatx` unless set."""
    return _global if _global is not None else DTypePolicy(config.floatx())


def set_dtype_policy(policy: str | DTypePolicy | None) -> None:
    """Sets the policy of layers made from now on; None makes it follow `floatx` again."""
    global _global
    _global = None if policy is None else get(policy)


def get(identifier: Any) -> DTypePolicy:
    """A policy from one, its name, its configuration, a dtype, or None for the global one."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        found = DTYPE_POLICIES.get(identifier)
        if not isinstance(found, DTypePolicy):
            raise ArgumentError(f"A dtype policy must be one by its configuration, got {identifier!r}.")
        return found
    return DTypePolicy(identifier)


def serialize(policy: DTypePolicy) -> dict[str, Any]:
    """The policy's configuration, as `deserialize` reads it."""
    return {"module": "keras", "class_name": type(policy).__name__, "config": policy.get_config(), "registered_name": None}


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> DTypePolicy:
    """The policy that a configuration describes."""
    with registry.scope(custom_objects):
        return get(config)
