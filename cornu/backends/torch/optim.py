"""Optimizers' steps as PyTorch's fused kernels, on lists of arrays, in place.

Each is called as `kernel(values, gradients, slots, rate, iterations, decay, **settings)` and does what the optimizer's rule says,
after `decay` has shrunk the values; it gives `NotImplemented`, and has changed nothing, where the kernel does not exist for these arrays.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch

__all__ = [
    "adadelta_update", "adagrad_update", "adam_update", "adamax_update", "clip_elements", "clip_global_norm", "clip_norms", "lion_update",
    "rmsprop_update", "sgd_update",
]  # fmt: skip

Tensors = Sequence[torch.Tensor]


def adam_update(
    values: Tensors, grads: Tensors, slots: Sequence[Tensors], rate: Any, iterations: torch.Tensor, decay: float, *,
    beta_1: float, beta_2: float, epsilon: float,
) -> Any:  # fmt: skip
    """Adam by one kernel for all variables: 25 µs for a whole step of the four of a small network, against 270 µs op by op (one CPU core).

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
        values, _in_order(grads), firsts, seconds, hats[0] if hats else [], [_many_steps(values[0].device)] * len(values),
        lr=corrected, beta1=beta_1, beta2=beta_2, weight_decay=shrink, eps=epsilon, amsgrad=bool(hats), maximize=False,
    )  # fmt: skip
    return None


def _in_order(grads: Tensors) -> list[torch.Tensor]:
    """The fused kernels go through memory as it lies and do not look at strides: a convolution's gradient, a permuted view, is laid out first."""
    return [g.contiguous() for g in grads]


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
    """Gradient descent by one kernel, or by one for each term of the rule: 15 µs a step as above, against 81 µs op by op.

    The fused kernel does `velocity = momentum * velocity + (1 - dampening) * g; value = value - lr * velocity`. Our velocity has the rate
    in it: that is a dampening of `1 + rate` at `lr = -1`. It needs the rate as a number, so an accelerator, where reading one waits, goes
    term by term.
    """
    if not _alike(values, grads):
        return NotImplemented
    if not _on_host(iterations) or nesterov:
        if values[0].dtype not in _WIDE:
            return NotImplemented
        _descend(values, grads, slots, rate, decay, momentum, nesterov)
        return None
    rate = float(rate)
    if slots:
        _shrink(values, rate, decay)
        how = {"lr": -1.0, "dampening": 1 + rate, "momentum": momentum, "weight_decay": 0.0}
    else:
        how = {"lr": rate, "dampening": 0.0, "momentum": 0.0, "weight_decay": decay}
    torch._fused_sgd_(values, _in_order(grads), slots[0] if slots else [], **how, nesterov=False, maximize=False, is_first_step=False)
    return None


def _descend(values: Tensors, grads: Tensors, slots: Sequence[Tensors], rate: Any, decay: float, momentum: float, nesterov: bool) -> None:
    _shrink(values, rate, decay)
    steps = torch._foreach_mul(grads, rate if isinstance(rate, torch.Tensor) else float(rate))
    if slots:
        torch._foreach_mul_(slots[0], momentum)
        torch._foreach_sub_(slots[0], steps)
        torch._foreach_add_(values, slots[0], alpha=momentum if nesterov else 1)
    if nesterov or not slots:
        torch._foreach_sub_(values, steps)


def rmsprop_update(
    values: Tensors, grads: Tensors, slots: Sequence[Tensors], rate: Any, iterations: torch.Tensor, decay: float, *,
    rho: float, momentum: float, epsilon: float, centered: bool,
) -> Any:  # fmt: skip
    """RMSprop by one kernel for each term of the rule."""
    if not _alike(values, grads, _WIDE):
        return NotImplemented
    rate = _ready(values, rate, iterations, decay)
    v = slots[0]
    _decay_squares(v, grads, rho)
    if centered:
        torch._foreach_lerp_(slots[-1], grads, 1 - rho)
        variances = torch._foreach_addcmul(v, slots[-1], slots[-1], value=-1)
        torch._foreach_add_(variances, epsilon)
    else:
        variances = torch._foreach_add(v, epsilon)
    torch._foreach_sqrt_(variances)
    if not momentum:
        _advance(values, grads, variances, -rate)
        return None
    torch._foreach_mul_(slots[1], momentum)
    _advance(slots[1], grads, variances, rate)
    torch._foreach_sub_(values, slots[1])
    return None


def adagrad_update(
    values: Tensors, grads: Tensors, slots: Sequence[Tensors], rate: Any, iterations: torch.Tensor, decay: float, *, epsilon: float
) -> Any:
    """Adagrad by one kernel for each term of the rule."""
    if not _alike(values, grads, _WIDE):
        return NotImplemented
    rate = _ready(values, rate, iterations, decay)
    torch._foreach_addcmul_(slots[0], grads, grads)
    roots = torch._foreach_add(slots[0], epsilon)
    torch._foreach_sqrt_(roots)
    _advance(values, grads, roots, -rate)
    return None


def adadelta_update(
    values: Tensors, grads: Tensors, slots: Sequence[Tensors], rate: Any, iterations: torch.Tensor, decay: float, *,
    rho: float, epsilon: float,
) -> Any:  # fmt: skip
    """Adadelta by one kernel for each term of the rule."""
    if not _alike(values, grads, _WIDE):
        return NotImplemented
    rate = _ready(values, rate, iterations, decay)
    squares, moves = slots
    _decay_squares(squares, grads, rho)
    steps, roots = torch._foreach_add(moves, epsilon), torch._foreach_add(squares, epsilon)
    torch._foreach_sqrt_(steps)
    torch._foreach_sqrt_(roots)
    torch._foreach_mul_(steps, grads)
    torch._foreach_div_(steps, roots)
    _decay_squares(moves, steps, rho)
    torch._foreach_mul_(steps, rate)
    torch._foreach_sub_(values, steps)
    return None


def adamax_update(
    values: Tensors, grads: Tensors, slots: Sequence[Tensors], rate: Any, iterations: torch.Tensor, decay: float, *,
    beta_1: float, beta_2: float, epsilon: float,
) -> Any:  # fmt: skip
    """Adamax by one kernel for each term of the rule."""
    if not _alike(values, grads, _WIDE):
        return NotImplemented
    rate = _ready(values, rate, iterations, decay)
    m, u = slots
    torch._foreach_lerp_(m, grads, 1 - beta_1)
    torch._foreach_mul_(u, beta_2)
    torch._foreach_maximum_(u, torch._foreach_abs(grads))
    step = iterations.item() + 1 if _on_host(iterations) else iterations.double() + 1
    _advance(values, m, torch._foreach_add(u, epsilon), -rate / (1 - beta_1**step))
    return None


def lion_update(
    values: Tensors, grads: Tensors, slots: Sequence[Tensors], rate: Any, iterations: torch.Tensor, decay: float, *,
    beta_1: float, beta_2: float,
) -> Any:  # fmt: skip
    """Lion by one kernel for each term of the rule."""
    if not _alike(values, grads, _WIDE):
        return NotImplemented
    rate = _ready(values, rate, iterations, decay)
    directions = torch._foreach_mul(slots[0], beta_1)
    torch._foreach_add_(directions, grads, alpha=1 - beta_1)
    torch._foreach_sign_(directions)
    torch._foreach_mul_(directions, rate)
    torch._foreach_sub_(values, directions)
    torch._foreach_lerp_(slots[0], grads, 1 - beta_2)
    return None


def clip_elements(grads: Tensors, limit: float) -> Any:
    """Two kernels for all gradients."""
    return torch._foreach_clamp_max(torch._foreach_clamp_min(grads, -limit), limit) if _alike(grads, grads) else NotImplemented


def clip_norms(grads: Tensors, limit: float) -> Any:
    """One kernel for all norms, one for all products: 23 µs for four small gradients, against 81 µs one by one (one CPU core)."""
    if not _alike(grads, grads, _WIDE):
        return NotImplemented
    norms = torch.stack(torch._foreach_norm(grads))
    return torch._foreach_mul(grads, (limit / norms.clamp_(min=limit)).unbind())


def clip_global_norm(grads: Tensors, limit: float) -> Any:
    """As `clip_norms`, by the norm of the norms."""
    if not _alike(grads, grads, _WIDE):
        return NotImplemented
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads)))
    return torch._foreach_mul(grads, limit / norm.clamp_(min=limit))


def _ready(values: Tensors, rate: Any, iterations: torch.Tensor, decay: float) -> Any:
    """The rate, as a number where reading one does not wait; the values have been shrunk."""
    rate = float(rate) if _on_host(iterations) else rate
    _shrink(values, rate, decay)
    return rate


def _decay_squares(means: Tensors, xs: Tensors, rho: float) -> None:
    """`rho * mean + (1 - rho) * x²`."""
    torch._foreach_mul_(means, rho)
    torch._foreach_addcmul_(means, xs, xs, value=1 - rho)


def _advance(targets: Tensors, numerators: Tensors, denominators: Tensors, rate: Any) -> None:
    """`target + rate * numerator / denominator`."""
    if isinstance(rate, torch.Tensor):
        steps = torch._foreach_div(numerators, denominators)
        torch._foreach_mul_(steps, rate.to(steps[0].dtype))
        torch._foreach_add_(targets, steps)
    else:
        torch._foreach_addcdiv_(targets, numerators, denominators, value=rate)


def _shrink(values: Tensors, rate: Any, decay: float) -> None:
    """`value - value * rate * decay`."""
    if decay:
        torch._foreach_mul_(values, 1 - rate * decay)


def _on_host(iterations: torch.Tensor) -> bool:
    """Whether numbers can be read without waiting for an accelerator."""
    return iterations.device.type == "cpu"


_WIDE = (torch.float32, torch.float64)  # kernels for one term each would round half precision after each of them
_FLOATS = (*_WIDE, torch.float16, torch.bfloat16)


def _alike(values: Tensors, grads: Tensors, allowed: tuple[torch.dtype, ...] = _FLOATS) -> bool:
    """Whether all are of one of these dtypes and on one device, and lie in memory as the kernels need them."""
    dtype, device = values[0].dtype, values[0].device
    return dtype in allowed and all(x.dtype == dtype and x.device == device and x.layout is torch.strided for x in (*values, *grads))
