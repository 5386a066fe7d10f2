"""Optimizers' steps as PyTorch's fused kernels, on lists of arrays, in place.

Each is called as `kernel(values, gradients, slots, rate, iterations, decay, **settings)` and does what the optimizer's rule says,
after `decay` has shrunk the values; it gives `NotImplemented`, and has changed nothing, where the kernel does not exist for these arrays.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch

__all__ = ["adam_update", "sgd_update"]

Tensors = Sequence[torch.Tensor]


def adam_update(
    values: Tensors, grads: Tensors, slots: Sequence[Tensors], rate: Any, iterations: torch.Tensor, decay: float, *,
    beta_1: float, beta_2: float, epsilon: float,
) -> Any:  # fmt: skip
    """Adam by one kernel for all variables: 22 µs for the four of a small network, against 190 µs op by op (one CPU core).

    PyTorch's kernel divides by `sqrt(v / (1 - beta_2^t)) + epsilon`, the paper's and Keras's rule by `sqrt(v) + epsilon` under a rate that
    is corrected instead. So the kernel gets the corrected rate, and is told that so many steps are done that nothing is left to correct.
    On an accelerator the rate is computed there, and nothing waits for it.
    """
    if not _alike(values, grads) or max(beta_1, beta_2) > _LARGEST_BETA:
        return NotImplemented
    firsts, seconds, *hats = slots
    if _on_host(iterations):
        rate, step = float(rate), iterations.item() + 1
        corrected = rate * (1 - beta_2**step) ** 0.5 / (1 - beta_1**step)
        shrink = decay * rate / corrected if corrected else 0.0  # the kernel multiplies it with the rate that it is given
    else:
        _shrink(values, rate, decay)
        corrected, shrink = _corrected(rate, iterations, beta_1, beta_2), 0.0
    torch._fused_adamw_(
        values, grads, firsts, seconds, hats[0] if hats else [], [_many_steps(values[0].device)] * len(values),
        lr=corrected, beta1=beta_1, beta2=beta_2, weight_decay=shrink, eps=epsilon, amsgrad=bool(hats), maximize=False,
    )  # fmt: skip
    return None


_LARGEST_BETA = 1 - 1e-6  # its power vanishes in float64 after the many steps below


@functools.cache
def _many_steps(device: torch.device) -> torch.Tensor:
    return torch.tensor(1e9, dtype=torch.float32, device=device)


def _corrected(rate: Any, iterations: torch.Tensor, beta_1: float, beta_2: float) -> torch.Tensor:
    """The rate that makes up for moments that began at 0, computed where the count of steps is."""
    step = iterations.double() + 1
    return (rate * (1 - beta_2**step).sqrt_() / (1 - beta_1**step)).float()


def sgd_update(
    values: Tensors, grads: Tensors, slots: Sequence[Tensors], rate: Any, iterations: torch.Tensor, decay: float, *,
    momentum: float, nesterov: bool,
) -> Any:  # fmt: skip
    """Gradient descent by one kernel, or by one for each term of the rule.

    The fused kernel does `velocity = momentum * velocity + (1 - dampening) * g; value = value - lr * velocity`. Our velocity has the rate
    in it: that is a dampening of `1 + rate` at `lr = -1`. It needs the rate as a number, so an accelerator, where reading one waits, goes
    term by term.
    """
    if not _alike(values, grads):
        return NotImplemented
    if not _on_host(iterations) or nesterov:
        _descend(values, grads, slots, rate, decay, momentum, nesterov)
        return None
    rate = float(rate)
    if slots:
        _shrink(values, rate, decay)
        how = {"lr": -1.0, "dampening": 1 + rate, "momentum": momentum, "weight_decay": 0.0}
    else:
        how = {"lr": rate, "dampening": 0.0, "momentum": 0.0, "weight_decay": decay}
    torch._fused_sgd_(values, grads, slots[0] if slots else [], **how, nesterov=False, maximize=False, is_first_step=False)
    return None


def _descend(
    values: Tensors, grads: Tensors, slots: Sequence[Tensors], rate: Any, decay: float, momentum: float, nesterov: bool
) -> None:
    _shrink(values, rate, decay)
    steps = torch._foreach_mul(grads, rate if isinstance(rate, torch.Tensor) else float(rate))
    if slots:
        torch._foreach_mul_(slots[0], momentum)
        torch._foreach_sub_(slots[0], steps)
        torch._foreach_add_(values, slots[0], alpha=momentum if nesterov else 1)
    if nesterov or not slots:
        torch._foreach_sub_(values, steps)


def _shrink(values: Tensors, rate: Any, decay: float) -> None:
    """`value - value * rate * decay`."""
    if decay:
        torch._foreach_mul_(values, 1 - rate * decay)


def _on_host(iterations: torch.Tensor) -> bool:
    """Whether numbers can be read without waiting for an accelerator."""
    return iterations.device.type == "cpu"


def _alike(values: Tensors, grads: Tensors) -> bool:
    """Whether all are of one float dtype and one device, and lie in memory as the kernels need them."""
    dtype, device = values[0].dtype, values[0].device
    return dtype.is_floating_point and all(x.dtype == dtype and x.device == device and x.layout is torch.strided for x in (*values, *grads))
