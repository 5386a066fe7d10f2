"""Policies by what stands for them: a name, a dtype, a configuration, or nothing for the global one."""

from __future__ import annotations

from typing import Any

from cornu import config, dtypes, registry
from cornu.dtype_policies.policy import DTypePolicy
from cornu.dtype_policies.quantized import PartsDTypePolicy, named
from cornu.errors import ArgumentError
from cornu.registry import DTYPE_POLICIES

__all__ = ["deserialize", "dtype_policy", "get", "serialize", "set_dtype_policy"]

_global: DTypePolicy | None = None


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are given none: that of `floatx` unless set."""
    return _global if _global is not None else DTypePolicy(config.floatx())


def set_dtype_policy(policy: str | DTypePolicy | None) -> None:
    """Sets the policy of layers made from now on; None makes it follow `floatx` again."""
    global _global
    _global = None if policy is None else get(policy)


def get(identifier: Any) -> DTypePolicy:
    """A policy from one, its name, its configuration, a dtype, or None for the global one.

    >>> get("int8_from_mixed_bfloat16").quantization_mode
    'int8'
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        found = DTYPE_POLICIES.get(identifier)
        if not isinstance(found, DTypePolicy):
            raise ArgumentError(f"A dtype policy must be one by its configuration, got {identifier!r}.")
        return found
    return named(identifier if isinstance(identifier, str) else dtypes.standardize(identifier))


def serialize(dtype_policy: DTypePolicy) -> dict[str, Any]:
    """The policy's configuration, as `deserialize` reads it."""
    module = registry.module_of(type(dtype_policy)) or "keras"
    head = {"module": module, "class_name": type(dtype_policy).__name__, "registered_name": None}
    if isinstance(dtype_policy, PartsDTypePolicy):
        head = dtype_policy._config_head_()
    return {**head, "config": dtype_policy.get_config()}


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> DTypePolicy:
    """The policy that a configuration describes."""
    with registry.scope(custom_objects):
        return get(config)
