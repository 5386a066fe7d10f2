"""The loop one writes by hand in JAX and optax: one jitted step, everything it replaces donated, sums kept on the device."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ..workloads import EPSILON, LEARNING_RATE, SEED, Workload
from .jax_models import Moving, Params, model

Sums = tuple[jax.Array, jax.Array]
State = tuple[Params, Moving, optax.OptState, Sums]


def _loss_and_right(logits: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Mean loss of the batch, and how many samples were right."""
    if logits.shape[-1] == 1:
        right = (logits > 0) == (y > 0)
        return optax.sigmoid_binary_cross_entropy(logits, y).mean(), right.sum()
    right = logits.argmax(-1) == y
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean(), right.sum()


class JaxLoop:
    """A tree of parameters, the moving statistics, one optax Adam, two running sums."""

    def prepare(self, workload: Workload, x: np.ndarray, y: np.ndarray) -> None:
        self.batch, self.x, self.y = workload.batch, x, y
        self.row = x[:1]
        self.rng = np.random.default_rng(SEED)
        self.params, self.moving, self.forward = model(workload)
        self.optimizer = optax.adam(LEARNING_RATE, eps=EPSILON)
        self.opt_state = self.optimizer.init(self.params)
        self.train_step = jax.jit(self._train_step, donate_argnums=0)
        self.infer = jax.jit(lambda params, moving, x: self.forward(params, moving, x, False)[0])

    def one_step(self) -> float:
        return self._run(np.arange(self.batch))[0]

    def epoch(self) -> tuple[float, float]:
        return self._run(self.rng.permutation(len(self.x)))

    def predict_row(self) -> np.ndarray:
        return np.asarray(self.infer(self.params, self.moving, self.row))

    def _run(self, order: np.ndarray) -> tuple[float, float]:
        state = self.params, self.moving, self.opt_state, (jnp.zeros(()), jnp.zeros((), jnp.int32))
        for start in range(0, len(order), self.batch):
            index = order[start : start + self.batch]
            state = self.train_step(state, self.x[index], self.y[index])
        self.params, self.moving, self.opt_state, sums = jax.block_until_ready(state)
        return float(sums[0]) * self.batch / len(order), float(sums[1]) / len(order)

    def _train_step(self, state: State, x: jax.Array, y: jax.Array) -> State:
        params, moving, opt_state, sums = state
        objective = jax.value_and_grad(partial(self._objective, moving, x, y), has_aux=True)
        (loss, (moving, right)), gradients = objective(params)
        updates, opt_state = self.optimizer.update(gradients, opt_state)
        return optax.apply_updates(params, updates), moving, opt_state, (sums[0] + loss, sums[1] + right)

    def _objective(self, moving: Moving, x: jax.Array, y: jax.Array, params: Params) -> tuple[jax.Array, tuple[Moving, jax.Array]]:
        logits, moving = self.forward(params, moving, x, True)
        loss, right = _loss_and_right(logits, y)
        return loss, (moving, right)
