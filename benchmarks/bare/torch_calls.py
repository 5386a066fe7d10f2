"""The operations in PyTorch, eager."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

JIT = None
COMPILED_ONLY: set[str] = set()


def form(name: str, array: np.ndarray) -> Tensor:
    """Images seen channels first and lying channels last, kernels (filters, channels, rows, columns), attention's heads before its time."""
    x = torch.from_numpy(array)
    if name in {"image", "picture"}:
        return x.permute(0, 3, 1, 2)
    if name.startswith("kernel"):
        return x.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    if name == "depthwise_kernel":
        return x.permute(2, 3, 0, 1).contiguous(memory_format=torch.channels_last)
    return x.transpose(1, 2).contiguous() if name in {"query", "key", "value"} else x


def recurrent(name: str, kernel: Tensor, state_kernel: Tensor, _: Tensor) -> nn.RNNBase:
    """torch's fused module; its time depends on no weight's value, so the weights are its own."""
    return {"lstm": nn.LSTM, "gru": nn.GRU}[name](len(kernel), len(state_kernel), batch_first=True)


def finish(_: Any) -> None:
    """On a CPU a call returns when it is done."""


def _segment_sum(x: Tensor, ids: Tensor) -> Tensor:
    return x.new_zeros(100, x.shape[1]).index_add_(0, ids, x)


CALLS = {
    "add, 4×8": torch.add,
    "add, 4×8, named arguments": lambda x, y: torch.add(input=x, other=y),
    "tanh, about 10 µs": torch.tanh,
    "matmul, 256×256": torch.matmul,
    "conv 3×3": lambda x, w: F.conv2d(x, w, padding=1),
    "conv 1×1": F.conv2d,
    "depthwise conv 3×3": lambda x, w: F.conv2d(x, w, padding=1, groups=x.shape[1]),
    "max pool 2×2": lambda x: F.max_pool2d(x, 2),
    "average pool 2×2": lambda x: F.avg_pool2d(x, 2),
    "dot-product attention": F.scaled_dot_product_attention,
    "LSTM layer": lambda x, module: module(x)[0][:, -1],
    "GRU layer": lambda x, module: module(x)[0][:, -1],
    "sort, 64×1000": torch.sort,
    "top 10 of 1000": lambda x: torch.topk(x, 10),
    "segment sum, 10,000×16": _segment_sum,
    "resize 64→96, bilinear": lambda x: F.interpolate(x, size=(96, 96), mode="bilinear"),
}
