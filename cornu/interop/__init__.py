"""Layers around what other frameworks make: functions of JAX, modules of Flax and PyTorch, SavedModels of TensorFlow.

They are reached as `cornu.layers.JaxLayer` and so on, and import their framework when they are used.
"""

from cornu.interop.flax_layer import FlaxLayer
from cornu.interop.jax_layer import JaxLayer
from cornu.interop.saved_model import TFSMLayer
from cornu.interop.torch_module import TorchModuleWrapper

__all__ = ["FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"]
