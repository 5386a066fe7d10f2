"""How weights follow their gradients."""

from cornu.optimizers import schedules as schedules
from cornu.optimizers.adam import Adam, AdamW
from cornu.optimizers.identify import deserialize, get, serialize
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "deserialize", "get", "schedules", "serialize"]
