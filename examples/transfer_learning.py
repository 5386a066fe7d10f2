"""Transfer learning: a network that knows some digits learns others from few examples.

A small convolutional network learns the digits 0 to 4. Its body is frozen, a new head takes the place of the old one, and only this head learns
the digits 5 to 9, from forty images of each. At last the body is thawed, and everything learns on at a lower rate.

Run it with `python examples/transfer_learning.py`, or on PyTorch with `CORNU_BACKEND=torch python examples/transfer_learning.py`.
"""

import numpy as np
from sklearn.datasets import load_digits

import cornu
from cornu import layers


def digits(wanted, each, seed=0):
    """Images of these digits, labels from 0, in two parts: `each` of every digit to learn from, and the others to test with."""
    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8, 1) / 16
    order = np.random.default_rng(seed).permutation(len(labels))
    places = [order[labels[order] == digit] for digit in wanted]
    learn, test = np.concatenate([p[:each] for p in places]), np.concatenate([p[each:] for p in places])
    return (images[learn], labels[learn] - wanted[0]), (images[test], labels[test] - wanted[0])


def network():
    return cornu.Sequential([
        layers.Input((8, 8, 1)),
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.Flatten(),
        layers.Dense(32, activation="relu"),
        layers.Dense(5, activation="softmax", name="head"),
    ])  # fmt: skip


def learn(model, rate, data, test, epochs):
    """Trains, and gives the accuracy on the test images."""
    model.compile(cornu.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(*data, batch_size=32, epochs=epochs, verbose=0)
    return model.evaluate(*test, batch_size=256, verbose=0)[1]


def main(epochs=10, seed=0):
    cornu.utils.set_random_seed(seed)
    model = network()
    accuracies = {"0 to 4": learn(model, 0.005, *digits(range(5), each=80), epochs=epochs)}

    model.replace("head", layers.Dense(5, activation="softmax", name="head"))
    body = [layer for layer in model.layers if layer.name != "head"]
    for layer in body:
        layer.trainable = False
    frozen = [weight.copy() for layer in body for weight in layer.get_weights()]
    few, others = digits(range(5, 10), each=40)
    accuracies["5 to 9, a new head"] = learn(model, 0.01, few, others, epochs=epochs)
    for weight, before in zip([w for layer in body for w in layer.get_weights()], frozen, strict=True):
        np.testing.assert_array_equal(weight, before)  # the head alone has learned

    for layer in body:
        layer.trainable = True
    accuracies["5 to 9, fine-tuned"] = learn(model, 0.001, few, others, epochs=epochs)
    for task, accuracy in accuracies.items():
        print(f"{task}: {accuracy:.1%} of new images told right")
    return accuracies


if __name__ == "__main__":
    accuracies = main()
    assert min(accuracies["0 to 4"], accuracies["5 to 9, fine-tuned"]) > 0.9, accuracies
