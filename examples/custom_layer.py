"""A layer of your own: units that answer to the distance from a learned centre, and two classes that no straight line parts.

Run it with `python examples/custom_layer.py`, or on PyTorch with `CORNU_BACKEND=torch python examples/custom_layer.py`.
"""

import numpy as np

import cornu
from cornu import layers, ops


class RadialBasis(layers.Layer):
    """`exp(-width * |x - centre|²)` for each of the units: (batch, features) to (batch, units).

    The constructor's arguments are remembered, so a file can hold the layer without a `get_config` of its own, and the shape of
    the output is found by running `call` on shapes.
    """

    def __init__(self, units, width=1.0, **kwargs):
        super().__init__(**kwargs)
        self.units, self.width = units, width

    def build(self, input_shape):
        self.centres = self.add_weight((self.units, input_shape[-1]), "glorot_uniform", name="centres")
        self.log_widths = self.add_weight((self.units,), cornu.initializers.Constant(float(np.log(self.width))), name="log_widths")
        self.built = True

    def call(self, inputs):
        apart = inputs[:, None, :] - self.centres  # (batch, units, features)
        return ops.exp(-ops.exp(self.log_widths) * ops.sum(ops.square(apart), axis=-1))


def rings(rows, seed=0):
    """Points on a small ring (class 0) and on a large one around it (class 1)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, rows)
    radius, angle = 1.0 + labels + rng.normal(0, 0.15, rows), rng.uniform(0, 2 * np.pi, rows)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1).astype("float32"), labels.astype("float32")[:, None]


def main(rows=1000, epochs=30):
    x, y = rings(rows)
    cornu.utils.set_random_seed(0)
    model = cornu.Sequential([cornu.Input((2,)), RadialBasis(8, name="radial"), layers.Dense(1, activation="sigmoid")])
    model.compile(cornu.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=50, epochs=epochs, verbose=2)
    _, accuracy = model.evaluate(*rings(500, seed=1), verbose=0)
    print(f"accuracy on new points: {accuracy:.3f}")

    radial = model.get_layer("radial")
    twin = RadialBasis.from_config(radial.get_config())
    print(f"{radial.units} units, {radial.count_params()} parameters; its configuration makes a twin: {twin!r}")
    return accuracy, radial, twin


if __name__ == "__main__":
    main()
