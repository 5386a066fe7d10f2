"""What outlives a step, and how functions of it are differentiated and compiled."""

from cornu.state.functional import grad, hessian, jit, jvp, remat, value_and_grad, vjp, vmap
from cornu.state.scope import StateScope
from cornu.state.seed import SeedGenerator, set_random_seed
from cornu.state.stateless import StatelessScope, SymbolicScope
from cornu.state.transforms import Compilation, CompiledStep, ReplayedPart, when
from cornu.state.variable import Tracked, Variable, autocast

__all__ = [
    "Compilation",
    "CompiledStep",
    "ReplayedPart",
    "SeedGenerator",
    "StateScope",
    "StatelessScope",
    "SymbolicScope",
    "Tracked",
    "Variable",
    "autocast",
    "grad",
    "hessian",
    "jit",
    "jvp",
    "remat",
    "set_random_seed",
    "value_and_grad",
    "vjp",
    "vmap",
    "when",
]
