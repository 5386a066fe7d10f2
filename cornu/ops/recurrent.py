"""Recurrent networks over whole sequences, where a backend has one kernel for all steps."""

from __future__ import annotations

from cornu.ops.arguments import Array
from cornu.ops.control import scan
from cornu.ops.core import convert_to_tensor, where
from cornu.ops.dispatch import composite
from cornu.ops.elementwise import add, multiply, sigmoid, subtract, tanh
from cornu.ops.indexing import get_item
from cornu.ops.joining import split
from cornu.ops.products import dense, matmul
from cornu.ops.shaping import expand_dims, flip, swapaxes

__all__ = ["gru", "lstm"]


def lstm_step(z: Array, c: Array) -> tuple[Array, Array]:
    """One step from the sums of all gates: `c' = sigmoid(f) * c + sigmoid(i) * tanh(g)`, `h' = sigmoid(o) * tanh(c')`; gives h' and c'.

    `z` (batch, 4 * units) holds i, f, g and o side by side, `c` (batch, units) the cell's state.

    >>> h, c = lstm_step([[0.0, 0.0, 0.0, 0.0]], [[2.0]])
    >>> c.tolist()
    [[1.0]]
    """
    i, f, g, o = split(z, 4, -1)
    c = add(multiply(sigmoid(f), c), multiply(sigmoid(i), tanh(g)))
    return multiply(sigmoid(o), tanh(c)), c


def gru_step(z: Array, past: Array, h: Array) -> Array:
    """One step from what inputs and state say: `h' = u * h + (1 - u) * tanh(g)`.

    `z` and `past` (batch, 3 * units) hold u, r and g side by side, of the inputs and of the state h (batch, units);
    `u = sigmoid(z_u + past_u)`, r likewise, `g = z_g + r * past_g`.

    >>> gru_step([[0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0]], [[2.0]]).tolist()
    [[1.0]]
    """
    (z_u, z_r, z_g), (past_u, past_r, past_g) = split(z, 3, -1), split(past, 3, -1)
    u, r = sigmoid(add(z_u, past_u)), sigmoid(add(z_r, past_r))
    g = tanh(add(z_g, multiply(r, past_g)))
    return add(g, multiply(u, subtract(h, g)))  # u * h + (1 - u) * g with one product less


@composite
def gru(
    x: Array,
    h: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    mask: Array | None = None,
    reverse: bool = False,
) -> tuple[Array, Array]:
    """A gated recurrent unit over a batch of sequences (K. Cho and others, 2014, https://arxiv.org/abs/1406.1078), its reset gate applied after the
    product with the recurrent kernel, as in cuDNN.

    At each step `gru_step(x @ kernel + bias[0], h @ recurrent_kernel + bias[1], h)`.

    Args:
        x: (batch, time, features).
        h: the state before the first step, (batch, units).
        kernel, recurrent_kernel: (features, 3 * units) and (units, 3 * units), for the update gate, the reset gate, and the candidate.
        bias: (2, 3 * units), of inputs and of states, or None.
        mask: (batch, time) booleans; where False the state is carried over, and the output is that of the step before.
        reverse: from the last step to the first; outputs then stand in that order.

    Returns:
        the outputs (batch, time, units), and the state after the last step.

    >>> import numpy as np
    >>> y, h = gru(np.ones((2, 3, 4)), np.zeros((2, 1)), np.zeros((4, 3)), np.zeros((1, 3)), np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]))
    >>> tuple(y.shape), bool((y[:, -1] == h).all())
    ((2, 3, 1), True)
    """
    of_inputs, of_states = (None, None) if bias is None else (get_item(bias, 0), get_item(bias, 1))
    z = swapaxes(dense(x, kernel, of_inputs), 0, 1)  # (time, batch, 3 * units)
    keep = None if mask is None else expand_dims(swapaxes(convert_to_tensor(mask, "bool"), 0, 1), -1)
    if reverse:
        z, keep = flip(z, 0), None if keep is None else flip(keep, 0)

    def step(h: Array, now: tuple[Array, Array | None]) -> tuple[Array, Array]:
        z, counts = now
        new = gru_step(z, dense(h, recurrent_kernel, of_states), h)
        new = new if counts is None else where(counts, new, h)
        return new, new

    h, outputs = scan(step, h, (z, keep))
    return swapaxes(outputs, 0, 1), h


@composite
def lstm(
    x: Array,
    h: Array,
    c: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    mask: Array | None = None,
    reverse: bool = False,
) -> tuple[Array, Array, Array]:
    """A long short-term memory over a batch of sequences (S. Hochreiter, J. Schmidhuber, 1997, doi:10.1162/neco.1997.9.8.1735; forget gate:
    F. Gers and others, 2000, doi:10.1162/089976600300015015).

    At each step `z = x @ kernel + h @ recurrent_kernel + bias`, then `lstm_step`.

    Args:
        x: (batch, time, features).
        h, c: the state before the first step, (batch, units) each.
        kernel, recurrent_kernel: (features, 4 * units) and (units, 4 * units), for the gates i, f, g, o.
        bias: (4 * units,) or None.
        mask: (batch, time) booleans; where False the state is carried over, and the output is that of the step before.
        reverse: from the last step to the first; outputs then stand in that order.

    Returns:
        the outputs (batch, time, units), and the state after the last step, h and c.

    >>> import numpy as np
    >>> y, h, c = lstm(np.ones((2, 3, 4)), *np.zeros((2, 2, 1)), np.zeros((4, 4)), np.zeros((1, 4)), np.array([0.0, 0.0, 1.0, 0.0]))
    >>> tuple(y.shape), bool((y[:, -1] == h).all())
    ((2, 3, 1), True)
    """
    # all inputs are projected before the loop, in one product
    z = swapaxes(dense(x, kernel, bias), 0, 1)  # (time, batch, 4 * units)
    keep = None if mask is None else expand_dims(swapaxes(convert_to_tensor(mask, "bool"), 0, 1), -1)
    if reverse:
        z, keep = flip(z, 0), None if keep is None else flip(keep, 0)

    def step(state: tuple[Array, Array], now: tuple[Array, Array | None]) -> tuple[tuple[Array, Array], Array]:
        h, c = state
        z, counts = now
        new_h, new_c = lstm_step(add(z, matmul(h, recurrent_kernel)), c)
        if counts is not None:
            new_h, new_c = where(counts, new_h, h), where(counts, new_c, c)
        return (new_h, new_c), new_h

    (h, c), outputs = scan(step, (h, c), (z, keep))
    return swapaxes(outputs, 0, 1), h, c
