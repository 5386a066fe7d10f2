"""Random numbers in PyTorch: a generator on the device, seeded by the two words of the key."""

from __future__ import annotations

from typing import Any

import torch

from cornu.backends.torch.core import device, native_dtype

__all__ = [
    "advance_key", "categorical", "permutation", "random_beta", "random_binomial", "random_gamma", "random_integers", "random_normal",
    "random_truncated_normal", "random_uniform",
]  # fmt: skip


def _generator(key: Any) -> Any:
    seed, counter = key.tolist()
    # A 64-bit seed from both words, mixed so that neighbouring counters give unlike streams (the finaliser of SplitMix64)
    z = ((seed << 32) + counter + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return torch.Generator(device()).manual_seed((z ^ (z >> 31)) & 0x7FFFFFFFFFFFFFFF)


def random_uniform(key: Any, shape: tuple[int, ...], dtype: str) -> Any:
    return torch.rand(shape, generator=_generator(key), dtype=native_dtype(dtype), device=device())


def random_normal(key: Any, shape: tuple[int, ...], dtype: str) -> Any:
    return torch.randn(shape, generator=_generator(key), dtype=native_dtype(dtype), device=device())


def random_truncated_normal(key: Any, shape: tuple[int, ...], dtype: str) -> Any:
    values = torch.empty(shape, dtype=torch.float32, device=device())
    return torch.nn.init.trunc_normal_(values, 0.0, 1.0, -2.0, 2.0, generator=_generator(key)).to(native_dtype(dtype))


def random_integers(key: Any, shape: tuple[int, ...], low: Any, high: Any, dtype: str) -> Any:
    return torch.randint(int(low), int(high), shape, generator=_generator(key), device=device()).to(native_dtype(dtype))


def random_gamma(key: Any, alpha: Any, shape: tuple[int, ...]) -> Any:
    return torch._standard_gamma(alpha.expand(shape).contiguous(), generator=_generator(key))


def random_beta(key: Any, alpha: Any, beta: Any, shape: tuple[int, ...]) -> Any:
    # of two parts that sum to 1, as PyTorch draws them, the first
    both = torch.stack([alpha.expand(shape), beta.expand(shape)], -1)
    return torch._sample_dirichlet(both, generator=_generator(key))[..., 0]


def random_binomial(key: Any, counts: Any, probabilities: Any, shape: tuple[int, ...]) -> Any:
    return torch.binomial(counts.expand(shape).contiguous(), probabilities.expand(shape).contiguous(), generator=_generator(key))


def permutation(key: Any, n: int) -> Any:
    return torch.randperm(n, generator=_generator(key), device=device()).to(torch.int32)


def categorical(key: Any, logits: Any, num_samples: int, dtype: str) -> Any:
    noise = torch.rand((logits.shape[0], num_samples, logits.shape[1]), generator=_generator(key), device=logits.device)
    gumbel = -torch.log(-torch.log(noise.clamp_min(1e-20)))
    return torch.argmax(logits[:, None] + gumbel, -1).to(native_dtype(dtype))


def advance_key(state: Any) -> Any:
    # PyTorch has no arithmetic on uint32, and the generator is seeded from the host anyway; so keys live on the CPU
    seed, counter = state.tolist()
    return torch.tensor([seed, counter], dtype=torch.uint32), torch.tensor([seed, (counter + 1) & 0xFFFFFFFF], dtype=torch.uint32)
