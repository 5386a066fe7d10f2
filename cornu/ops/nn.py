"""The ops of neural networks: `cornu.ops.nn`.

Each is the op of that name in `cornu.ops`.
"""

from cornu.ops.activation import (
    celu,
    elu,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    relu,
    relu6,
    selu,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    swish,
    tanh_shrink,
    threshold,
)  # fmt: skip
from cornu.ops.adaptive import adaptive_average_pool, adaptive_max_pool
from cornu.ops.attention import dot_product_attention
from cornu.ops.blocks import depth_to_space, fold, space_to_depth, unfold
from cornu.ops.conv import average_pool, conv, conv_transpose, depthwise_conv, max_pool, separable_conv
from cornu.ops.core import polar
from cornu.ops.crossentropy import binary_crossentropy, categorical_crossentropy, sparse_categorical_crossentropy
from cornu.ops.ctc import ctc_decode, ctc_loss
from cornu.ops.elementwise import sigmoid
from cornu.ops.indexing import multi_hot, one_hot
from cornu.ops.linear_algebra import normalize
from cornu.ops.normalization import batch_normalization, layer_normalization, normalize_by_batch, rms_normalization
from cornu.ops.reduce import moments
from cornu.ops.statistics import psnr

__all__ = [
    "adaptive_average_pool", "adaptive_max_pool", "average_pool", "batch_normalization", "binary_crossentropy",
    "categorical_crossentropy", "celu", "conv", "conv_transpose", "ctc_decode", "ctc_loss", "depth_to_space", "depthwise_conv",
    "dot_product_attention", "elu", "fold", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh",
    "layer_normalization", "leaky_relu", "log_sigmoid", "log_softmax", "max_pool", "moments", "multi_hot", "normalize", "normalize_by_batch", "one_hot",
    "polar", "psnr", "relu", "relu6", "rms_normalization", "selu", "separable_conv", "sigmoid", "silu", "soft_shrink", "softmax",
    "softplus", "softsign", "space_to_depth", "sparse_categorical_crossentropy", "sparse_plus", "sparse_sigmoid", "sparsemax",
    "squareplus", "swish", "tanh_shrink", "threshold", "unfold",
]  # fmt: skip
