"""Derivatives of functions of arrays in PyTorch. Functions here take and give flat lists of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from cornu.backends.torch.core import transformed

__all__ = ["custom_gradient", "jvp", "remat", "vjp"]

Flat = Callable[..., Any]


def vjp(fn: Flat, primals: Sequence[Any]) -> tuple[Any, Callable[[list[Any]], list[Any]], Any]:
    with torch.enable_grad():
        outputs, pullback, aux = torch.func.vjp(lambda *xs: fn(list(xs)), *primals, has_aux=True)

    def back(cotangents: list[Any]) -> list[Any]:
        with torch.enable_grad():
            return list(pullback(cotangents))

    return outputs, back, aux


def jvp(fn: Flat, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any, Any]:
    # The pullback is linear in the gradients that it takes, so its own pullback is the derivative forwards. Not torch.func.jvp: that needs a
    # forward formula for every op, and warns of its own compiler when it is loaded (2026-11-21, torch 2.13)
    outputs, pullback, aux = vjp(fn, primals)
    zeros = [torch.zeros_like(y) for y in outputs]
    _, forwards, _ = vjp(lambda upstream: (pullback(upstream), []), zeros)
    return outputs, forwards(list(tangents)), aux


class _WithRule(torch.autograd.Function):
    """A function whose gradient is given beside it. Where that gradient is to be differentiated too, the rule is made anew from the inputs."""

    generate_vmap_rule = True

    @staticmethod
    def forward(fn: Flat, rule: list[Any], *xs: Any) -> Any:
        outputs, pullback = fn(list(xs))
        rule[:] = [pullback]
        # PyTorch wants no input handed through as it is
        return tuple(y.clone() if any(y is x for x in xs) else y for y in outputs)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        fn, rule, *xs = inputs
        ctx.fn, ctx.rule = fn, rule
        ctx.save_for_backward(*xs)

    @staticmethod
    def backward(ctx: Any, *upstream: Any) -> Any:
        rule = ctx.fn(list(ctx.saved_tensors))[1] if torch.is_grad_enabled() else ctx.rule[0]
        return (None, None, *rule(list(upstream)))


def custom_gradient(fn: Flat, args: Sequence[Any]) -> Any:
    return list(_WithRule.apply(fn, [], *args))


def remat(fn: Flat, args: Sequence[Any]) -> Any:
    if transformed():  # there PyTorch cannot recompute
        return fn(list(args))
    return checkpoint(lambda *xs: fn(list(xs)), *args, use_reentrant=False)
