"""Layers and optimizers around what other frameworks make: functions of JAX, modules of Flax and PyTorch, SavedModels of TensorFlow, optax.

They are reached as `cornu.layers.JaxLayer`, `cornu.optimizers.OptaxOptimizer` and so on, and import their framework when they are used.
"""

from cornu.interop.flax_layer import FlaxLayer
from cornu.interop.jax_layer import JaxLayer
from cornu.interop.optax_optimizer import OptaxOptimizer
from cornu.interop.saved_model import TFSMLayer
from cornu.interop.torch_module import TorchModuleWrapper
from cornu.interop.torch_optimizer import TorchOptimizer

__all__ = ["FlaxLayer", "JaxLayer", "OptaxOptimizer", "TFSMLayer", "TorchModuleWrapper", "TorchOptimizer"]
