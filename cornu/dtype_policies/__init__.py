"""In which dtype a layer keeps its weights, and in which it computes."""

from cornu.dtype_policies.identify import deserialize, dtype_policy, get, serialize, set_dtype_policy
from cornu.dtype_policies.policy import DTypePolicy
from cornu.dtype_policies.policy_map import DTypePolicyMap
from cornu.dtype_policies.quantized import (
    AWQDTypePolicy,
    GPTQDTypePolicy,
    Int4DTypePolicy,
    QuantizedDTypePolicy,
    QuantizedFloat8DTypePolicy,
)

FloatDTypePolicy = DTypePolicy
"""A policy of floats."""

__all__ = [
    "AWQDTypePolicy",
    "DTypePolicy",
    "DTypePolicyMap",
    "FloatDTypePolicy",
    "GPTQDTypePolicy",
    "Int4DTypePolicy",
    "QuantizedDTypePolicy",
    "QuantizedFloat8DTypePolicy",
    "deserialize",
    "dtype_policy",
    "get",
    "serialize",
    "set_dtype_policy",
]
