"""What outlives a step, and how functions of it are differentiated and compiled."""

from cornu.state.scope import StateScope
from cornu.state.seed import SeedGenerator, set_random_seed
from cornu.state.transforms import CompiledStep, ReplayedPart, value_and_grad, when
from cornu.state.variable import Tracked, Variable, autocast

__all__ = [
    "CompiledStep",
    "ReplayedPart",
    "SeedGenerator",
    "StateScope",
    "Tracked",
    "Variable",
    "autocast",
    "set_random_seed",
    "value_and_grad",
    "when",
]
