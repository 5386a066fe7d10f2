"""A function's calls to PyTorch's kernels, recorded once and replayed without the Python between them.

The recording holds forward and backward as one flat list of kernel calls, as they would have run; nothing is fused or compiled.
A 784-32-10 network's forward and backward, one thread: 178 µs as written, 105 µs replayed, 110 µs by a hand-written loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.graph import CodeGen
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["record"]

_LONGEST = 1500
"""Kernel calls beyond which the Python between them no longer matters, and recording takes long."""


class _AtMost(TorchDispatchMode):
    """Inside, so many kernel calls may be made, and no more."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self._left = left

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self._left -= 1
        if self._left < 0:
            raise RuntimeError("too many kernel calls to record")
        return func(*args, **(kwargs or {}))


def record(
    fn: Callable[[list[torch.Tensor]], list[Any]], inputs: Sequence[torch.Tensor], *, compiled: bool = False
) -> Callable[..., list[Any]] | None:
    """`fn`, from a flat list of tensors to a flat list of tensors and None, as a function of as many arguments; None where it cannot be recorded.

    With `compiled` the recording goes through PyTorch's compiler, which fuses what it can; it needs a C++ compiler, and minutes at times.
    It cannot be recorded where the function looks at a tensor's value, as random numbers seeded from one do.
    """
    examples = [x.detach().clone() for x in inputs]
    try:
        with _AtMost(_LONGEST):  # counted first: recording takes a millisecond for each call
            fn(examples)
        module = make_fx(lambda *xs: fn(list(xs)))(*examples)
    except Exception:  # noqa: BLE001 - whatever PyTorch cannot trace runs as written
        return None
    graph = module.graph
    if any("random" in str(node.target) or "dropout" in str(node.target) for node in graph.nodes):
        return None
    for node in list(graph.nodes):
        if node.target is torch.ops.aten.detach.default:  # no gradient is kept while a recording is replayed
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)
    graph.eliminate_dead_code()
    graph.set_codegen(CodeGen())
    module.recompile()
    run = module.forward if compiled else _below_autograd(module.forward)
    try:  # a kernel's backward may want more of its past than its forward gives outside of autograd
        with torch.no_grad():
            run(*examples)
    except RuntimeError:
        return None
    return torch.compile(module, dynamic=False) if compiled else run


def _below_autograd(run: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """`run` with its kernels called directly, since the recording holds their gradients already; as if gradients were kept, because kernels
    such as the fused LSTM look at that to tell whether their backward will come.
    """

    def replay(*inputs: torch.Tensor) -> list[Any]:
        with torch.enable_grad():
            beneath = torch._C._AutoDispatchBelowAutograd()
            try:
                return run(*inputs)
            finally:
                del beneath

    return replay
