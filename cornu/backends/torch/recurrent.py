"""Recurrent layers in PyTorch, by its kernels over all steps."""

from __future__ import annotations

import torch

from cornu.backends.torch.nn import all_floats

__all__ = ["gru"]


def gru(
    x: torch.Tensor,
    h: torch.Tensor,
    kernel: torch.Tensor,
    recurrent_kernel: torch.Tensor,
    bias: torch.Tensor | None,
    mask: torch.Tensor | None = None,
    reverse: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """PyTorch's own GRU, whose gates stand in another order: reset, update, candidate.

    A mask is one more feature, 1 where a step is left out: there it opens the update gate fully, so the state goes on unchanged.
    """
    if not all_floats(x, h, kernel, recurrent_kernel, bias):
        return NotImplemented
    if mask is not None:
        shut = torch.zeros(3, kernel.shape[1] // 3, dtype=x.dtype, device=x.device)
        shut[0] = 1e4  # sigmoid makes exactly 1 of it, in float16 too
        x, kernel = torch.cat([x, ~mask[..., None]], -1), torch.cat([kernel, shut.reshape(1, -1)])
    if reverse:
        x = x.flip(1)
    weights = [_in_order(kernel).T, _in_order(recurrent_kernel).T, *([] if bias is None else _in_order(bias).unbind())]
    y, h = torch.gru(x, h[None], weights, bias is not None, 1, 0.0, torch.is_grad_enabled(), False, True)
    return y, h[0]


def _in_order(x: torch.Tensor) -> torch.Tensor:
    """The last axis' three parts with the first two exchanged."""
    update, reset, candidate = x.chunk(3, -1)
    return torch.cat([reset, update, candidate], -1)
