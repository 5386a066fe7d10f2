"""A table of measurements: from thirty numbers about the cells of a tumour, whether it is malignant or benign.

The columns have very different scales and the labels are words. Two layers that learn from the data, `Normalization` and `StringLookup`, see to
both; the first becomes part of the model, so the model takes the table as it is.

Run it with `python examples/tabular.py`, or on PyTorch with `CORNU_BACKEND=torch python examples/tabular.py`.
"""

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

import cornu
from cornu import layers


def load(seed=0):
    """Measurements, (patients, 30), and diagnoses in words, to learn from and to test with."""
    table = load_breast_cancer()
    return train_test_split(table.data, table.target_names[table.target], test_size=0.2, stratify=table.target, random_state=seed)


def network(measurements, classes):
    scale = layers.Normalization()
    scale.adapt(measurements)  # each column's mean and variance
    model = cornu.Sequential([
        layers.Input(measurements.shape[1:]),
        scale,
        layers.Dense(16, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(classes, activation="softmax"),
    ])  # fmt: skip
    model.compile(cornu.optimizers.Adam(5e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main(epochs=30, seed=0):
    cornu.utils.set_random_seed(seed)
    x_train, x_test, words_train, words_test = load(seed)
    number = layers.StringLookup(num_oov_indices=0)  # no other words than these will come
    number.adapt(words_train)
    word = layers.StringLookup(num_oov_indices=0, vocabulary=number.get_vocabulary(), invert=True)  # and back

    model = network(x_train, classes=number.vocabulary_size())
    model.fit(x_train, number(words_train), batch_size=32, epochs=epochs, verbose=2)

    said = np.array(word(model.predict(x_test, verbose=0).argmax(-1)))
    right = {diagnosis: np.mean(said[words_test == diagnosis] == diagnosis) for diagnosis in number.get_vocabulary()}
    print("told right, of patients it has not seen: " + ", ".join(f"{share:.0%} of the {name}" for name, share in right.items()))
    return right, model


if __name__ == "__main__":
    main()
