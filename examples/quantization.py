"""Fewer bits: what int8, int4, GPTQ and AWQ cost in accuracy, and what they save on disk.

Two models learn scikit-learn's handwritten digits: a network of dense layers, and a small transformer that reads each image as a sequence of its
eight rows. Each is quantised in every way, and the table says what is left. Run it with `python examples/quantization.py`.
"""

import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import cornu
from cornu import layers
from cornu.quantizers import AWQConfig, GPTQConfig, Int4QuantizationConfig


@cornu.saving.register_keras_serializable("examples")
class Block(layers.Layer):
    """A block of a transformer: attention and two dense layers, each beside a path around it."""

    def __init__(self, width, heads, **kwargs):
        super().__init__(**kwargs)
        self.width, self.heads = width, heads
        # parts take the policy of the whole, so that a file can say how they are kept
        self.before = layers.LayerNormalization(dtype=self.dtype_policy, name="before")
        self.attention = layers.MultiHeadAttention(heads, width // heads, dtype=self.dtype_policy, name="attention")
        self.between = layers.LayerNormalization(dtype=self.dtype_policy, name="between")
        self.wide = layers.Dense(4 * width, "gelu", dtype=self.dtype_policy, name="wide")
        self.narrow = layers.Dense(width, dtype=self.dtype_policy, name="narrow")

    def call(self, x):
        y = self.before(x)
        x = x + self.attention(y, y)
        return x + self.narrow(self.wide(self.between(x)))


def dense_network(width):
    """Three dense layers; the blocks of a chain of layers are known by themselves."""
    return cornu.Sequential(
        [cornu.Input((64,)), layers.Dense(width, "relu"), layers.Dense(width, "relu"), layers.Dense(10, "softmax", name="head")]
    )


def transformer(width):
    """Two blocks over eight rows of eight pixels."""
    inputs = cornu.Input((64,))
    x = layers.Reshape((8, 8))(inputs)
    x = layers.Dense(width, name="rows")(x)
    for i in range(2):
        x = Block(width, heads=4, name=f"block_{i}")(x)
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return cornu.Model(inputs, layers.Dense(10, "softmax", name="head")(x))


def structure_of(model):
    """What GPTQ and AWQ go through, one after another: those before run on the data, and the blocks are quantised."""
    if isinstance(model, cornu.Sequential):
        return model.get_quantization_layer_structure()
    before = [layer for layer in model.layers[1:] if layer.name.startswith(("reshape", "rows"))]
    return {"pre_block_layers": before, "sequential_blocks": [layer for layer in model.layers if isinstance(layer, Block)]}


def ways(model, data, group):
    """Each way to quantise, by its name. The group is how many inputs share a scale."""
    calibration = {"num_samples": len(data), "group_size": group, "quantization_layer_structure": structure_of(model)}
    return {
        "int8": {"mode": "int8"},
        "int4": {"config": Int4QuantizationConfig(block_size=group)},
        "gptq": {"config": GPTQConfig(data, None, **calibration)},
        "awq": {"config": AWQConfig(data, None, **calibration)},
    }


def bytes_on_disk(model, folder):
    """The size of the file of weights."""
    path = Path(folder) / "model.weights.h5"
    model.save_weights(path)
    return path.stat().st_size


def measure(model, x, y, folder):
    """Accuracy and bytes."""
    return float(np.mean(model.predict(x, verbose=0).argmax(-1) == y)), bytes_on_disk(model, folder)


def main(rows=1797, epochs=20, width=128, group=32):
    """Trains both models, quantises them, and gives (model, way) -> (accuracy, bytes)."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype("float32")[:rows]
    x_train, x_test, y_train, y_test = train_test_split(images, labels[:rows], test_size=0.25, random_state=0)
    found = {}
    for name, make, size in (("dense", dense_network, 2 * width), ("transformer", transformer, width // 2)):
        cornu.utils.set_random_seed(0)
        model = make(size)
        model.compile(cornu.optimizers.Adam(0.002), "sparse_categorical_crossentropy")
        model.fit(x_train, y_train, batch_size=32, epochs=epochs, verbose=0)
        model.compile()  # the optimizer is not part of what is compared
        with tempfile.TemporaryDirectory() as folder:
            found[name, "float32"] = measure(model, x_test, y_test, folder)
            model.save(f"{folder}/floats.keras")
            for way in ("int8", "int4", "gptq", "awq"):
                again = cornu.saving.load_model(f"{folder}/floats.keras")
                again.quantize(**ways(again, x_train[:256], group)[way])
                found[name, way] = measure(again, x_test, y_test, folder)
    return found


def show(found):
    """Prints the table."""
    print("| model | weights | accuracy | loss | on disk | of float32 |")
    print("|---|---|---|---|---|---|")
    for (name, way), (accuracy, size) in found.items():
        whole, full = found[name, "float32"]
        print(f"| {name} | {way} | {accuracy:.2%} | {whole - accuracy:+.2%} | {size / 1024:.0f} KiB | {size / full:.0%} |")


if __name__ == "__main__":
    show(main())
