"""Steps whose directions are orthogonal matrices."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from cornu import ops
from cornu.ops.arguments import Array
from cornu.optimizers.moments import adam_step
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.state import Rate
from cornu.registry import OPTIMIZERS
from cornu.state import Variable

__all__ = ["Muon"]


@OPTIMIZERS.add
class Muon(Optimizer):
    """Muon: momentum made orthogonal, for matrices; Adam for everything else.

        m = momentum * m + g,   u = g + momentum * m   (u = m without `nesterov`)
        w = w - learning_rate * rms_rate * sqrt(max(rows, columns)) * orthogonal(u)

    `orthogonal(u)` is near U Vᵀ of the singular value decomposition of u, by `ns_steps` Newton-Schulz steps
    `x = a x + (b A + c A²) x` with `A = x xᵀ`. Made for hidden layers: vectors, kernels of convolutions, embeddings and what
    `exclude_layers` names are left to Adam. Papers: https://kellerjordan.github.io/posts/muon and https://arxiv.org/abs/2502.16982.

    Args:
        learning_rate: a number, a schedule of the step, or a function without arguments.
        adam_beta_1, adam_beta_2, adam_weight_decay, epsilon: settings of Adam.
        weight_decay: how strongly matrices shrink.
        exclude_layers: texts or regular expressions; variables whose path one of them is found in are left to Adam.
        exclude_embeddings: whether variables with "embedding" in their path are.
        muon_a, muon_b, muon_c: the coefficients of a Newton-Schulz step.
        adam_lr_ratio: Adam's learning rate over that of Muon.
        momentum: the decay of the momentum.
        ns_steps: how many Newton-Schulz steps.
        nesterov: whether to look ahead.
        rms_rate: makes steps as large as Adam's; None for orthogonal matrices as they are.

    The other arguments are those of `Optimizer`.

    >>> from cornu.state import Variable
    >>> w = Variable([[1.0, 0.0], [0.0, 1.0]])
    >>> Muon(0.1, weight_decay=None).apply([ops.convert_to_tensor([[2.0, 0.0], [0.0, 2.0]])], [w])
    >>> bool(w.numpy()[0, 0] < 1.0), w.numpy()[0, 1].tolist()
    (True, 0.0)
    """

    def __init__(
        self, learning_rate: Rate = 0.001, adam_beta_1: float = 0.9, adam_beta_2: float = 0.999, adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7, weight_decay: float | None = 0.004, clipnorm: float | None = None, clipvalue: float | None = None,
        global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None, name: str | None = None, exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True, muon_a: float = 3.4445, muon_b: float = -4.775, muon_c: float = 2.0315,
        adam_lr_ratio: float = 1, momentum: float = 0.95, ns_steps: int = 5, nesterov: bool = True, rms_rate: float | None = 0.2,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.adam_beta_1, self.adam_beta_2, self.adam_weight_decay, self.epsilon = adam_beta_1, adam_beta_2, adam_weight_decay, epsilon
        self.exclude_layers, self.exclude_embeddings = list(exclude_layers or ()), exclude_embeddings
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.adam_lr_ratio, self.momentum, self.ns_steps = adam_lr_ratio, momentum, ns_steps
        self.nesterov, self.rms_rate = nesterov, rms_rate
        self._kept: list[list[Variable]] = []

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes a momentum for each matrix, both of Adam's moments for every other variable."""
        if self.built:
            return
        super().build(variables)
        names = {True: ("momentum",), False: ("momentum", "velocity")}  # how many there are says later whose step it is
        self._kept = [[self._new_slot_(name, v) for name in names[self.is_orthogonal(v)]] for v in self._trainable_variables]

    def is_orthogonal(self, variable: Variable) -> bool:
        """Whether steps of this variable are orthogonal matrices."""
        if len(variable.shape) != 2 or (self.exclude_embeddings and "embedding" in variable.path.lower()):
            return False
        return not any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def _by_decay_(self, grads: list[Array], variables: list[Variable]) -> Iterator[tuple[float, list[Array], list[Variable]]]:
        for g, v in zip(grads, variables, strict=True):
            strength = self.weight_decay if len(self._kept[self._get_variable_index(v)]) == 1 else self.adam_weight_decay
            yield (strength or 0.0) if self._use_weight_decay(v) else 0.0, [g], [v]

    def update_step(self, gradient: Array, variable: Variable, learning_rate: Array) -> None:
        """One step of Muon or of Adam."""
        held = self._kept[self._get_variable_index(variable)]
        gradient, old, *slots = (ops.cast(x, "float32") for x in (gradient, variable.value, *(v.value for v in held)))
        if len(slots) == 1:
            new = self._orthogonal_step(gradient, old, learning_rate, *slots)
        else:
            how = {"beta_1": self.adam_beta_1, "beta_2": self.adam_beta_2, "epsilon": self.epsilon}
            new = adam_step(gradient, old, learning_rate * self.adam_lr_ratio, self._step_(), slots, **how)
        for v, value in zip((variable, *held), new, strict=True):
            v.put(ops.cast(value, v.dtype))

    def _orthogonal_step(self, gradient: Array, value: Array, rate: Array, m: Array) -> tuple[Array, Array]:
        m = self.momentum * m + gradient
        direction = self._orthogonalized(gradient + self.momentum * m if self.nesterov else m)
        scale = 1.0 if self.rms_rate is None else self.rms_rate * max(value.shape) ** 0.5
        return value - rate * scale * direction, m

    def _orthogonalized(self, x: Array) -> Array:
        tall = x.shape[0] > x.shape[1]
        x = ops.transpose(x) if tall else x  # the smaller Gram matrix of the two
        x = x / (ops.norm(x) + 1e-7)
        for _ in range(self.ns_steps):
            a = ops.matmul(x, ops.transpose(x))
            x = self.muon_a * x + ops.matmul(self.muon_b * a + self.muon_c * ops.matmul(a, a), x)
        return ops.transpose(x) if tall else x
