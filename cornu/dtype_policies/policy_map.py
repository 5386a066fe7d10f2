"""Policies by the paths of layers."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from typing import Any

from cornu.dtype_policies.identify import dtype_policy, get, serialize
from cornu.dtype_policies.policy import DTypePolicy
from cornu.dtype_policies.quantized import PartsDTypePolicy
from cornu.errors import ArgumentError
from cornu.registry import DTYPE_POLICIES

__all__ = ["DTypePolicyMap"]


class DTypePolicyMap(DTypePolicy, MutableMapping[str, DTypePolicy]):
    """A policy for each layer by its path ("encoder/dense"), and one for all others.

    A key is a path, or a regular expression that must match the whole path; a path itself comes before expressions. Given to a layer as its
    `dtype`, the layer takes the policy of its path: of its name when it is made, and of the whole path ("model/encoder/dense") when it is
    built, where a key matches that. Layers that are built inside and were given no dtype take theirs of the same map, where a key matches.
    As the global policy it holds for every layer that is given no dtype.

    Args:
        default_policy: the policy of paths that no key matches; the global one by default.
        policy_map: the policies by key.

    Raises:
        ArgumentError: a key is set twice, or a path matches several expressions.

    >>> policies = DTypePolicyMap("float32", {"encoder/.*": "mixed_bfloat16"})
    >>> policies["encoder/dense"].name, policies["head"].name
    ('mixed_bfloat16', 'float32')
    """

    def __init__(self, default_policy: Any = None, policy_map: MutableMapping[str, Any] | None = None) -> None:
        self._default = None if default_policy is None else get(default_policy)
        self._policies: dict[str, DTypePolicy] = {}
        for key, policy in (policy_map or {}).items():
            self[key] = policy

    @property
    def default_policy(self) -> DTypePolicy:
        """The policy of paths that no key matches."""
        return dtype_policy() if self._default is None else self._default

    @property
    def name(self) -> str:  # type: ignore[override]
        """The default policy's, with "map_" in front."""
        return f"map_{self.default_policy.name}"

    @property
    def compute_dtype(self) -> str:  # type: ignore[override]
        """That of the default policy."""
        return self.default_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:  # type: ignore[override]
        """That of the default policy."""
        return self.default_policy.variable_dtype

    @property
    def quantization_mode(self) -> str | None:
        """That of the default policy."""
        return self.default_policy.quantization_mode

    def for_path(self, path: str) -> DTypePolicy:
        """The policy of the layer at this path; where layers below it are quantised, one that it hands on to them."""
        found = self[path]
        few = {key: policy for key, policy in self._policies.items() if policy.quantization_mode is not None}
        below = found.quantization_mode is None and any(key.startswith(f"{path}/") for key in few)
        return PartsDTypePolicy(found.name, few) if below else found

    def has(self, path: str) -> bool:
        """Whether a key matches the path."""
        return self._key_of(path) is not None

    def _key_of(self, path: str) -> str | None:
        if path in self._policies:
            return path
        matching = [known for known in self._policies if re.fullmatch(known, path)]
        if len(matching) > 1:
            raise ArgumentError(f"A path must match at most one key of a DTypePolicyMap, and {path!r} matches {matching}.")
        return matching[0] if matching else None

    def __getitem__(self, key: str) -> DTypePolicy:
        found = self._key_of(key)
        return self.default_policy if found is None else self._policies[found]

    def __setitem__(self, key: str, policy: Any) -> None:
        if key in self._policies:
            raise ArgumentError(f"A key of a DTypePolicyMap is set once, and {key!r} has {self._policies[key].name!r}. Delete it first.")
        if not isinstance(policy, (str, dict, DTypePolicy)):
            raise ArgumentError(f"A DTypePolicyMap holds policies, their names or configurations, got {policy!r} under {key!r}.")
        self._policies[key] = get(policy)

    def __delitem__(self, key: str) -> None:
        del self._policies[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def __len__(self) -> int:
        return len(self._policies)

    def __contains__(self, key: object) -> bool:
        return key in self._policies

    def __bool__(self) -> bool:
        """A map without keys is a policy all the same."""
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicyMap) and other._default == self._default and other._policies == self._policies

    __hash__ = object.__hash__  # it can change

    def get_config(self) -> dict[str, Any]:
        """The default policy's name or configuration, and those of the map."""
        default = self._default
        written = None if default is None else default.name if type(default) is DTypePolicy else serialize(default)
        return {"default_policy": written, "policy_map": {key: serialize(policy) for key, policy in self._policies.items()}}

    def __repr__(self) -> str:
        """The default policy and the map, by names."""
        return f"DTypePolicyMap({self.default_policy.name!r}, { ({key: policy.name for key, policy in self._policies.items()})!r})"


DTYPE_POLICIES.add(DTypePolicyMap, module="keras.dtype_policies")
