"""Rounding after a scaling that favours the inputs which are large.

J. Lin and others, "AWQ: activation-aware weight quantization for LLM compression and acceleration", https://arxiv.org/abs/2306.00978.
"""

from __future__ import annotations

import numpy as np

from cornu.quantizers.configs import AWQConfig
from cornu.quantizers.groups import Floats, Moments, Rounded, round_plainly

__all__ = ["round_by_awq"]


def round_by_awq(kernel: Floats, moments: Moments, config: AWQConfig) -> Rounded:
    """The matrix in whole numbers, its rows multiplied before by the strength of their inputs, to a power that is searched.

    Rows are multiplied by `s = mean|x| ** power`, brought to `sqrt(max(s) * min(s)) = 1`, rounded, and divided by it again; of the powers
    `i / num_grid_points`, the one of the least error `|x @ (rounded - kernel)|**2` is taken. The power 0 is plain rounding, so that the
    error is never larger than that one's.

    Args:
        kernel: (inputs, outputs).
        moments: of the inputs.
        config: bits, groups and the number of powers.

    >>> moments = Moments(2)
    >>> moments.add(np.array([[100.0, 0.1], [50.0, -0.2]]))
    >>> rounded = round_by_awq(np.array([[0.29], [1.5]]), moments, AWQConfig(None, None))
    >>> bool(rounded.favour[0] > rounded.favour[1])
    True
    """
    kernel = np.asarray(kernel, "float64")
    powers = np.arange(config.num_grid_points) / config.num_grid_points
    tried = (round_plainly(kernel, config.weight_bits, config.group_size, favour=strengths(moments, power)) for power in powers)
    return min(tried, key=lambda rounded: product_error(rounded.floats() - kernel, moments))


def strengths(moments: Moments, power: float) -> Floats:
    """By what each row is multiplied."""
    raised = np.maximum(np.power(moments.magnitudes, power), 1e-4)
    return raised / np.sqrt(raised.max() * raised.min())


def product_error(difference: Floats, moments: Moments) -> float:
    """The sum of squares of `x @ difference` over all inputs x."""
    return float(np.sum(difference * (moments.products @ difference)))
