"""Cornu: deep learning for people, on JAX, PyTorch, TensorFlow or NumPy, chosen at run time.

    import cornu
    from cornu import layers

    model = cornu.Sequential([cornu.Input((784,)), layers.Dense(32, activation="relu"), layers.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=5)

Names are loaded when they are first used; importing the package loads no backend.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cornu import activations as activations
    from cornu import applications as applications
    from cornu import backends as backends
    from cornu import callbacks as callbacks
    from cornu import config as config
    from cornu import constraints as constraints
    from cornu import datasets as datasets
    from cornu import distillation as distillation
    from cornu import distribution as distribution
    from cornu import dtype_policies as dtype_policies
    from cornu import errors as errors
    from cornu import export as export
    from cornu import initializers as initializers
    from cornu import layers as layers
    from cornu import losses as losses
    from cornu import metrics as metrics
    from cornu import mixed_precision as mixed_precision
    from cornu import models as models
    from cornu import ops as ops
    from cornu import optimizers as optimizers
    from cornu import preprocessing as preprocessing
    from cornu import quantizers as quantizers
    from cornu import random as random
    from cornu import regularizers as regularizers
    from cornu import saving as saving
    from cornu import tree as tree
    from cornu import utils as utils
    from cornu import visualization as visualization
    from cornu import wrappers as wrappers
    from cornu.backends import backend as backend
    from cornu.backends import device as device
    from cornu.backends import set_backend as set_backend
    from cornu.backends import use_backend as use_backend
    from cornu.callbacks import Callback as Callback
    from cornu.constraints import Constraint as Constraint
    from cornu.dtype_policies import DTypePolicy as DTypePolicy
    from cornu.dtype_policies import FloatDTypePolicy as FloatDTypePolicy
    from cornu.graph import KerasTensor as KerasTensor
    from cornu.graph import Operation as Operation
    from cornu.initializers import Initializer as Initializer
    from cornu.layers import Input as Input
    from cornu.layers import InputSpec as InputSpec
    from cornu.layers import Layer as Layer
    from cornu.layers.remat import RematScope as RematScope
    from cornu.losses import Loss as Loss
    from cornu.metrics import Metric as Metric
    from cornu.models import Function as Function
    from cornu.models import Model as Model
    from cornu.models import Sequential as Sequential
    from cornu.naming import name_scope as name_scope
    from cornu.optimizers import Optimizer as Optimizer
    from cornu.quantizers import Quantizer as Quantizer
    from cornu.regularizers import Regularizer as Regularizer
    from cornu.state import StatelessScope as StatelessScope
    from cornu.state import StateScope as StateScope
    from cornu.state import SymbolicScope as SymbolicScope
    from cornu.state import Variable as Variable
    from cornu.state import grad as grad
    from cornu.state import hessian as hessian
    from cornu.state import jit as jit
    from cornu.state import jvp as jvp
    from cornu.state import remat as remat
    from cornu.state import value_and_grad as value_and_grad
    from cornu.state import vjp as vjp
    from cornu.state import vmap as vmap

__version__ = "0.1.0"

_MODULES = (
    "activations", "applications", "backends", "callbacks", "config", "constraints", "datasets", "distillation", "distribution", "dtype_policies", "errors",
    "export", "initializers", "layers", "losses", "metrics", "mixed_precision", "models", "ops", "optimizers", "preprocessing",
    "quantizers", "random", "regularizers", "saving", "tree", "utils", "visualization", "wrappers",
)  # fmt: skip
_NAMES = {
    "backend": "backends", "set_backend": "backends", "use_backend": "backends", "Callback": "callbacks", "Constraint": "constraints",
    "DTypePolicy": "dtype_policies", "Initializer": "initializers", "Input": "layers", "InputSpec": "layers", "Layer": "layers", "Loss": "losses",
    "Metric": "metrics", "Model": "models", "Sequential": "models", "Optimizer": "optimizers", "Regularizer": "regularizers",
    "Variable": "state", "grad": "state", "hessian": "state", "jit": "state", "jvp": "state", "remat": "state", "value_and_grad": "state", "vjp": "state",
    "vmap": "state", "device": "backends", "FloatDTypePolicy": "dtype_policies", "KerasTensor": "graph", "Operation": "graph",
    "Function": "models", "name_scope": "naming", "StatelessScope": "state", "SymbolicScope": "state", "RematScope": "layers.remat",
    "Quantizer": "quantizers", "StateScope": "state",
}  # fmt: skip

__all__ = ["__version__", *_MODULES, *_NAMES]  # noqa: PLE0604 - both hold texts


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first used."""
    if name in _MODULES:
        return importlib.import_module(f"cornu.{name}")
    if name in _NAMES:
        value = globals()[name] = getattr(importlib.import_module(f"cornu.{_NAMES[name]}"), name)
        return value
    raise AttributeError(f"module 'cornu' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
