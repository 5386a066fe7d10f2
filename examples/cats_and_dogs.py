"""Cats and dogs from few pictures: images in folders, changed at random while the network learns.

The program draws its own: heads with ears that stand up (cats) or hang down (dogs). For training they all sit straight; the new ones are tilted. A
network that has seen the pictures turned, shifted and mirrored, anew each time, knows them all the same.

Run it with `python examples/cats_and_dogs.py`, or on PyTorch with `CORNU_BACKEND=torch python examples/cats_and_dogs.py`.
"""

import tempfile
from pathlib import Path

import numpy as np

import cornu
from cornu import layers
from cornu.preprocessing.image import ImageDataGenerator, apply_affine_transform, save_img

SIZE = 32


def head(kind, tilt, rng):
    """One drawing, (height, width, 3), values from 0 to 255."""
    y, x = np.mgrid[:SIZE, :SIZE]
    x = abs(x - SIZE / 2)  # both sides alike
    face = (x**2 + (y - 18) ** 2) < 81
    ear = (abs(x - 6) < (y - 3) * 0.5) & (y < 14) if kind == "cat" else ((x - 10) ** 2 * 3 + (y - 19) ** 2) < 64
    fur, behind = rng.uniform(130, 230, 3), rng.uniform(20, 110, 3)
    picture = np.where((face | ear)[..., None], fur, behind) + rng.normal(0, 12, (SIZE, SIZE, 3))
    theta, across, down = rng.uniform(-tilt, tilt), *rng.uniform(-3, 3, 2)
    return apply_affine_transform(picture.clip(0, 255), theta=theta, tx=across, ty=down, row_axis=0, col_axis=1, channel_axis=2)


def draw(folder, count, tilt, rng):
    """A folder with one folder of PNG files for each kind."""
    for kind in ("cat", "dog"):
        (folder / kind).mkdir(parents=True)
        for number in range(count):
            save_img(folder / kind / f"{number}.png", head(kind, tilt, rng), scale=False)


def network():
    model = cornu.Sequential([
        layers.Input((SIZE, SIZE, 3)),
        layers.Conv2D(16, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Flatten(), layers.Dense(1, "sigmoid"),
    ])  # fmt: skip
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def main(pictures=30, epochs=15, seed=0):
    cornu.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    changed = ImageDataGenerator(rescale=1 / 255, rotation_range=60, width_shift_range=0.1, height_shift_range=0.1, horizontal_flip=True)
    as_they_are = ImageDataGenerator(rescale=1 / 255)
    with tempfile.TemporaryDirectory() as folder:
        draw(Path(folder) / "train", pictures, 0, rng)
        draw(Path(folder) / "test", 50, 60, rng)
        options = {"target_size": (SIZE, SIZE), "class_mode": "binary", "batch_size": 16, "seed": seed}
        test = as_they_are.flow_from_directory(Path(folder) / "test", shuffle=False, **options)
        accuracies = {}
        for name, images in (("as they are", as_they_are), ("changed at random", changed)):
            model = network()
            model.fit(images.flow_from_directory(Path(folder) / "train", **options), epochs=epochs, verbose=0)
            accuracies[name] = model.evaluate(test, verbose=0)[1]
            print(f"{pictures} pictures of each kind, {name}: {accuracies[name]:.0%} of new ones told right")
    return accuracies


if __name__ == "__main__":
    main()
