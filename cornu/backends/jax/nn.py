"""Convolutions, poolings and recurrences in JAX."""

from cornu.backends.jax.convolution import conv, conv_transpose, depthwise_conv
from cornu.backends.jax.pooling import average_pool, max_pool
from cornu.backends.jax.recurrent import gru, lstm

__all__ = ["average_pool", "conv", "conv_transpose", "depthwise_conv", "gru", "lstm", "max_pool"]
