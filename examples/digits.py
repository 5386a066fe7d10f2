"""Handwritten digits: train a small convolutional network, save it, open it again.

Run it with `python examples/digits.py`, or on PyTorch with `CORNU_BACKEND=torch python examples/digits.py`.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import cornu
from cornu import layers

# 1,797 images of 8 by 8 pixels with values from 0 to 16; a fifth is held out to test with
images, labels = load_digits(return_X_y=True)
images = images.reshape(-1, 8, 8, 1) / 16
x_train, x_test, y_train, y_test = train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=0)

cornu.utils.set_random_seed(0)
model = cornu.Sequential(
    [
        layers.Input((8, 8, 1)),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(0.25),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=32, epochs=15, validation_data=(x_test, y_test))

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"test accuracy {accuracy:.3f}")

model.save("digits.keras")
again = cornu.saving.load_model("digits.keras")
assert np.array_equal(again.predict(x_test, verbose=0), model.predict(x_test, verbose=0))
print("digits.keras opened again, with the same predictions")
