"""Two inputs and two outputs: from the left and the right half of a digit's image, which digit it is, and whether it is even.

Run it with `python examples/functional.py`, or on PyTorch with `CORNU_BACKEND=torch python examples/functional.py`.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import cornu
from cornu import layers, ops


def load(rows):
    """Data as dicts: the keys are the names of the inputs and of the outputs."""
    images, labels = load_digits(return_X_y=True)
    images = (images[:rows] / 16).astype("float32").reshape(-1, 8, 8)
    labels = labels[:rows].astype("int32")
    x = {"left": images[:, :, :4].reshape(-1, 32), "right": images[:, :, 4:].reshape(-1, 32)}
    y = {"digit": labels, "even": (labels % 2 == 0).astype("float32")[:, None]}
    train, test = train_test_split(np.arange(len(labels)), test_size=0.2, stratify=labels, random_state=0)
    return tuple({name: values[part] for name, values in arrays.items()} for part in (train, test) for arrays in (x, y))


def build_model():
    left, right = cornu.Input((32,), name="left"), cornu.Input((32,), name="right")
    half = layers.Dense(32, activation="relu", name="half")  # called twice: both halves share its weights
    both = ops.concatenate([half(left), half(right)], axis=-1)  # an op on symbolic tensors becomes part of the graph
    hidden = layers.Dense(64, activation="relu")(both)
    digit = layers.Dense(10, activation="softmax", name="digit")(hidden)
    even = layers.Dense(1, activation="sigmoid", name="even")(hidden)
    return cornu.Model(inputs=[left, right], outputs=[digit, even])


def main(rows=1797, epochs=20):
    x_train, y_train, x_test, y_test = load(rows)
    cornu.utils.set_random_seed(0)
    model = build_model()
    model.compile(
        "adam",
        loss={"digit": "sparse_categorical_crossentropy", "even": "binary_crossentropy"},
        loss_weights={"digit": 1.0, "even": 0.5},
        metrics={"digit": "accuracy", "even": "accuracy"},
    )
    history = model.fit(x_train, y_train, batch_size=32, epochs=epochs, verbose=2)
    scores = model.evaluate(x_test, y_test, verbose=0, return_dict=True)
    digits, evens = model.predict(x_test, verbose=0)
    print(f"digit right: {scores['digit_accuracy']:.3f}, even or odd right: {scores['even_accuracy']:.3f}")
    agree = np.mean((digits.argmax(-1) % 2 == 0) == (evens[:, 0] > 0.5))
    print(f"the two outputs agree with each other on {agree:.3f} of the images")
    return history.history, scores, (digits, evens), y_test


if __name__ == "__main__":
    main()
