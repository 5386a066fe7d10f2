"""The fully connected layer."""

from __future__ import annotations

from typing import Any

from cornu import activations, constraints, initializers, regularizers
from cornu.errors import ArgumentError
from cornu.layers.adapted.adaptation import Adaptable
from cornu.layers.adapted.adapting import keep_arguments, product_places
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.ops.arguments import Array
from cornu.ops.products import dense
from cornu.registry import LAYERS

__all__ = ["Dense"]


@LAYERS.add
class Dense(Layer):
    """Every output is a weighted sum of all inputs: `activation(inputs @ kernel + bias)`, over the last axis.

    Args:
        units: the number of outputs.
        activation: applied to the sums; none by default.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: the first values.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: a penalty on the outputs.
        kernel_constraint, bias_constraint: projections after each update.
        lora_rank, lora_alpha: as `enable_lora` takes them, once the layer is built.
        quantization_config: how a quantised `dtype` such as "int8_from_float32" is done.

    Shapes: (batch, …, features) to (batch, …, units). Weights: kernel (features, units), Glorot uniform; bias (units,), zeros.

    >>> import numpy as np
    >>> Dense(2, kernel_initializer="ones")(np.ones((1, 3), "float32")).tolist()
    [[3.0, 3.0]]
    """

    supports_masking = True
    _adaptable_ = Adaptable("kernel", product_places, product=True)

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if not isinstance(units, int) or units < 1:
            raise ArgumentError(f"units must be a whole number of at least 1, got {units!r}.")
        keep_arguments(self, lora_rank, lora_alpha, quantization_config)
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the kernel and the bias."""
        features = input_shape[-1]
        self.kernel = self.add_weight(
            (features, self.units),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,), self.bias_initializer, regularizer=self.bias_regularizer, constraint=self.bias_constraint, name="bias"
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})
        self.built = True

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; the adapter's only where there is one."""
        config = super().get_config()
        return {name: value for name, value in config.items() if value is not None or name not in ("lora_rank", "lora_alpha")}

    def call(self, inputs: Array) -> Array:
        """The weighted sums, activated."""
        return self.activation(dense(inputs, self.kernel, self.bias))
