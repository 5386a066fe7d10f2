"""The loop one writes by hand in JAX and optax: one jitted step, everything it replaces donated, sums kept on the device."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from ..workloads import EPSILON, LEARNING_RATE, SEED, Workload, initial_weights

Params = list[jax.Array]
Forward = Callable[[Params, jax.Array], jax.Array]
Sums = tuple[jax.Array, jax.Array]


def _mlp(params: Params, x: jax.Array) -> jax.Array:
    *hidden, kernel, bias = params
    for k, b in zip(hidden[::2], hidden[1::2], strict=True):
        x = jax.nn.relu(x @ k + b)
    return x @ kernel + bias


def _conv(x: jax.Array, kernel: jax.Array, bias: jax.Array) -> jax.Array:
    y = lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jax.nn.relu(y + bias)


def _max_pool(x: jax.Array) -> jax.Array:
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def _cnn(params: Params, x: jax.Array) -> jax.Array:
    kernel, bias, *dense = params
    x = _max_pool(_conv(x, kernel, bias))
    return _mlp(dense, x.reshape(len(x), -1))


def _cnn2(params: Params, x: jax.Array) -> jax.Array:
    k1, b1, k2, b2, k3, b3, kernel, bias = params
    x = _max_pool(_conv(_conv(x, k1, b1), k2, b2))
    return _conv(x, k3, b3).mean((1, 2)) @ kernel + bias


def _lstm(params: Params, ids: jax.Array) -> jax.Array:
    """The input is projected inside the scan: on a CPU measured 1.7 times as fast as one projection of all steps before it."""
    embedding, kernel, recurrent, gate_bias, dense, bias = params

    def step(carry: tuple[jax.Array, jax.Array], x: jax.Array) -> tuple[tuple[jax.Array, jax.Array], None]:
        h, c = carry
        i, f, g, o = jnp.split(x @ kernel + h @ recurrent + gate_bias, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    zeros = jnp.zeros((len(ids), len(recurrent)))
    (h, _), _ = lax.scan(step, (zeros, zeros), embedding[ids.T])  # (time, batch, features)
    return h @ dense + bias


FORWARD: dict[str, Forward] = {"mlp": _mlp, "small_mlp": _mlp, "cnn": _cnn, "cnn2": _cnn2, "lstm": _lstm}


def _loss_and_correct(forward: Forward, params: Params, x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Mean loss of the batch, and how many samples were right."""
    logits = forward(params, x)
    if logits.shape[-1] == 1:
        right = (logits > 0) == (y > 0)
        return optax.sigmoid_binary_cross_entropy(logits, y).mean(), right.sum()
    right = logits.argmax(-1) == y
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean(), right.sum()


class JaxLoop:
    """Parameters as a list, one optax Adam, two running sums."""

    def prepare(self, workload: Workload, x: np.ndarray, y: np.ndarray) -> None:
        self.batch, self.x, self.y = workload.batch, x, y
        self.row = x[:1]
        self.rng = np.random.default_rng(SEED)
        forward = FORWARD[workload.name]
        self.params = [jnp.asarray(weight) for weight in initial_weights(workload)]
        self.optimizer = optax.adam(LEARNING_RATE, eps=EPSILON)
        self.opt_state = self.optimizer.init(self.params)
        self.train_step = jax.jit(partial(self._train_step, forward), donate_argnums=(0, 1, 2))
        self.forward = jax.jit(forward)

    def one_step(self) -> float:
        return self._run(np.arange(self.batch))[0]

    def epoch(self) -> tuple[float, float]:
        return self._run(self.rng.permutation(len(self.x)))

    def predict_row(self) -> np.ndarray:
        return np.asarray(self.forward(self.params, self.row))

    def _run(self, order: np.ndarray) -> tuple[float, float]:
        sums = (jnp.zeros(()), jnp.zeros((), jnp.int32))
        for start in range(0, len(order), self.batch):
            index = order[start : start + self.batch]
            self.params, self.opt_state, sums = self.train_step(self.params, self.opt_state, sums, self.x[index], self.y[index])
        jax.block_until_ready(self.params)
        return float(sums[0]) * self.batch / len(order), float(sums[1]) / len(order)

    def _train_step(
        self, forward: Forward, params: Params, opt_state: optax.OptState, sums: Sums, x: jax.Array, y: jax.Array
    ) -> tuple[Params, optax.OptState, Sums]:
        objective = jax.value_and_grad(partial(_loss_and_correct, forward), has_aux=True)
        (loss, correct), gradients = objective(params, x, y)
        updates, opt_state = self.optimizer.update(gradients, opt_state)
        return optax.apply_updates(params, updates), opt_state, (sums[0] + loss, sums[1] + correct)
