"""How weights follow their gradients; optimizers around those of other libraries stand in `cornu.interop`, loaded when they are used."""

import importlib
from typing import TYPE_CHECKING, Any

from cornu.optimizers import schedules as schedules
from cornu.optimizers.adadelta import Adadelta
from cornu.optimizers.adafactor import Adafactor
from cornu.optimizers.adagrad import Adagrad
from cornu.optimizers.adam import Adam, AdamW
from cornu.optimizers.adamax import Adamax
from cornu.optimizers.ftrl import Ftrl
from cornu.optimizers.identify import deserialize, get, serialize
from cornu.optimizers.lamb import Lamb
from cornu.optimizers.lion import Lion
from cornu.optimizers.loss_scale import LossScaleOptimizer, scaled
from cornu.optimizers.multi import MultiOptimizer, OptimizerMap
from cornu.optimizers.muon import Muon
from cornu.optimizers.nadam import Nadam
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.rmsprop import RMSprop
from cornu.optimizers.schedule_free import ScheduleFreeAdamW
from cornu.optimizers.sgd import SGD

if TYPE_CHECKING:
    from cornu.interop import OptaxOptimizer as OptaxOptimizer
    from cornu.interop import TorchOptimizer as TorchOptimizer


def __getattr__(name: str) -> Any:
    """The optimizers around those of other libraries."""
    if name in ("OptaxOptimizer", "TorchOptimizer"):
        return getattr(importlib.import_module("cornu.interop"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "LossScaleOptimizer", "MultiOptimizer", "Muon", "Nadam",
    "OptaxOptimizer", "Optimizer", "OptimizerMap", "RMSprop", "ScheduleFreeAdamW", "TorchOptimizer", "deserialize", "get", "scaled", "schedules", "serialize",
]  # fmt: skip
