"""Modules of PyTorch as layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import tree
from cornu.backends.spec import TensorSpec
from cornu.errors import ArgumentError, ConfigError
from cornu.interop.jax_layer import need_backend
from cornu.layers import Layer
from cornu.registry import LAYERS
from cornu.state import Variable

__all__ = ["TorchModuleWrapper"]


@LAYERS.add
class TorchModuleWrapper(Layer):
    """A module of PyTorch: `module(*inputs)`, with its parameters as trainable weights and its buffers as others.

    Args:
        module: a `torch.nn.Module`.
        output_shape: the shape of the outputs with the batch, None where unknown; found by a run on PyTorch's "meta" device by default.

    Call arguments: those of the module, and `training`, which puts the module into its training mode.

    Weights: the module's parameters in its order, then its buffers. They are the layer's own: after training `module.state_dict()` is what
    it was; `sync_module()` brings the module up to date.

    Raises:
        BackendError: another backend than PyTorch.
        ArgumentError: what is no module.

    >>> import cornu, torch
    >>> with cornu.use_backend("torch"):
    ...     TorchModuleWrapper(torch.nn.Linear(3, 2))(torch.ones(1, 3)).shape
    torch.Size([1, 2])
    """

    def __init__(self, module: Any, name: str | None = None, output_shape: Sequence[int | None] | None = None, **kwargs: Any) -> None:
        import torch

        need_backend("TorchModuleWrapper", "torch")
        if not isinstance(module, torch.nn.Module):
            raise ArgumentError(f"TorchModuleWrapper takes a module, a torch.nn.Module, got {module!r}.")
        super().__init__(name=name, **kwargs)
        self.module = module
        self.output_shape = None if output_shape is None else tuple(output_shape)
        self.parameters = {n: self._variable(n, p, p.requires_grad) for n, p in module.named_parameters()}
        self.buffers = {n: self._variable(n, b, False) for n, b in module.named_buffers()}

    def _variable(self, name: str, value: Any, trainable: bool) -> Variable:
        kind = str(value.dtype).removeprefix("torch.")
        variable = self.add_weight(tuple(value.shape), "zeros", kind, trainable=trainable, autocast=False, name=name)
        variable.assign(value.detach())
        return variable

    def call(self, *args: Any, training: bool = False, **kwargs: Any) -> Any:
        """What the module makes of its arguments; buffers that it changes are kept."""
        import torch

        if any(isinstance(x, TensorSpec) for x in tree.flatten((args, kwargs))):
            return self._shapes(args, kwargs)
        self.module.train(bool(training))
        buffers = {name: v.value.clone() for name, v in self.buffers.items()}
        values = {name: v.value for name, v in self.parameters.items()}
        outputs = torch.func.functional_call(self.module, {**values, **buffers}, args, kwargs)
        if training:
            for name, variable in self.buffers.items():
                variable.assign(buffers[name])
        return outputs

    def _shapes(self, args: Any, kwargs: Any) -> Any:
        """The outputs' specs, by a run that computes nothing."""
        import torch

        def meta(x: Any) -> Any:
            return torch.empty(tuple(x.shape), dtype=getattr(torch, x.dtype), device="meta") if hasattr(x, "shape") else x

        weights = {name: meta(v) for name, v in (*self.parameters.items(), *self.buffers.items())}
        self.module.eval()
        outputs = torch.func.functional_call(self.module, weights, *tree.map_structure(meta, (args, kwargs)))
        return tree.map_structure(lambda y: TensorSpec(tuple(y.shape), str(y.dtype).removeprefix("torch.")), outputs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Shape and dtype of the outputs: as said, or as found."""
        if self.output_shape is not None:
            return TensorSpec(self.output_shape, self.compute_dtype)
        return super().compute_output_spec(*args, **kwargs)

    def sync_module(self) -> Any:
        """The module, with the layer's weights written into it."""
        import torch

        values = {name: v.value.detach() for name, v in (*self.parameters.items(), *self.buffers.items())}
        with torch.no_grad():
            self.module.load_state_dict(values, strict=False)
        return self.module

    def get_config(self) -> dict[str, Any]:
        """Raises: a module of PyTorch is code, and a file of Cornu holds none."""
        raise ConfigError(
            f"{self.name!r} holds a module of PyTorch, which is code, and files hold no code. Save the weights with "
            "`model.save_weights(path)`, and make the model anew before `load_weights`; "
            "or write a class of your own whose `__init__` makes the module, and register it."
        )
