"""Rounding one input after another, each error passed on to the inputs that follow.

E. Frantar, S. Ashkboos, T. Hoefler and D. Alistarh, "GPTQ: accurate post-training quantization for generative pre-trained transformers",
https://arxiv.org/abs/2210.17323.
"""

from __future__ import annotations

import numpy as np

from cornu.quantizers.configs import GPTQConfig
from cornu.quantizers.groups import Floats, Grid, Rounded, apply_grid, grid_of, group_length

__all__ = ["round_by_gptq"]


def round_by_gptq(kernel: Floats, hessian: Floats, config: GPTQConfig) -> Rounded:
    """The matrix in whole numbers that changes the products with the inputs little.

    For each row i in turn, with `U` the upper Cholesky factor of the inverse Hessian: the row is rounded, its error
    `e = (w[i] - rounded) / U[i, i]`, and `w[j] -= U[i, j] * e` for the rows j that follow, which make good for it. A group's scale is found
    when its first row comes, from the rows as they are by then.

    Args:
        kernel: (inputs, outputs).
        hessian: `2 / n * x.T @ x` over the inputs x, (inputs, inputs), as `Moments` has it.
        config: bits, groups, damping, symmetry and order.

    Inputs that are always 0 have weights of 0. With `activation_order`, rows of large second moments come first, and groups are formed in
    that order.

    >>> kernel = np.array([[0.34], [0.34], [0.6]])  # inputs that are always equal: what counts is the sum of the weights, 1.28
    >>> rounded = round_by_gptq(kernel, np.ones((3, 3)), GPTQConfig(None, None, weight_bits=2))
    >>> bool(abs(rounded.floats().sum() - 1.28) < 0.11)  # each to the nearest, the sum is 1.4
    True
    """
    rows = np.array(kernel, "float64")
    unused = np.diag(hessian) == 0
    rows[unused] = 0
    order = np.argsort(-np.diag(hessian), kind="stable") if config.activation_order else np.arange(len(rows))
    factor = _inverse_factor(_damped(hessian, config.hessian_damping)[np.ix_(order, order)])
    rows = rows[order]
    length = group_length(len(rows), config.group_size)
    whole, grids = np.empty_like(rows), list[Grid]()
    for i in range(len(rows)):
        if i % length == 0:
            grids.append(grid_of(rows[i : i + length], config.weight_bits, symmetric=config.symmetric, per_channel=config.per_channel))
        whole[i] = apply_grid(rows[i], grids[-1], config.weight_bits)
        error = (rows[i] - (whole[i] - grids[-1].zero) * grids[-1].scale) / factor[i, i]
        rows[i + 1 :] -= np.outer(factor[i, i + 1 :], error)
    back = np.argsort(order)
    scale, zero = (np.stack(values) for values in zip(*grids, strict=True))
    return Rounded(whole[back], scale, zero, (np.arange(len(rows)) // length)[back])


def _damped(hessian: Floats, damping: float) -> Floats:
    """The Hessian with 1 for inputs that are always 0, and a part of its mean diagonal added to the diagonal."""
    diagonal = np.diag(hessian)
    filled = np.where(diagonal == 0, 1.0, diagonal)
    return hessian + np.diag(filled - diagonal + damping * filled.mean())


def _inverse_factor(hessian: Floats) -> Floats:
    """The upper triangular `U` with `U.T @ U` the inverse; its row i is that of the inverse once all rows before i are fixed."""
    return np.linalg.cholesky(np.linalg.inv(hessian)).T
