"""An autoencoder: a network presses images of digits into a few numbers and draws them again, without the noise that lay over them.

What the few numbers can hold is what digits have in common; noise is not among it. P. Vincent and others, "Extracting and composing robust
features with denoising autoencoders", ICML 2008.

Run it with `python examples/autoencoder.py`, or on PyTorch with `CORNU_BACKEND=torch python examples/autoencoder.py`.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

import cornu
from cornu import layers

CODE = 12
NOISE = 0.3


def network():
    """The encoder, (batch, 64) to (batch, CODE); the decoder, back again; and both in a row."""
    encoder = cornu.Sequential([layers.Input((64,)), layers.Dense(128, activation="relu"), layers.Dense(CODE)], name="encoder")
    decoder = cornu.Sequential([layers.Input((CODE,)), layers.Dense(128, activation="relu"), layers.Dense(64, "sigmoid")], name="decoder")
    image = layers.Input((64,))
    noisy = layers.GaussianNoise(NOISE)(image)  # new noise for each batch, in training alone
    model = cornu.Model(image, decoder(encoder(noisy)))
    model.compile(cornu.optimizers.Adam(2e-3), "mse")
    return encoder, decoder, model


def main(epochs=40, seed=0):
    cornu.utils.set_random_seed(seed)
    images = (load_digits().data / 16).astype("float32")  # (1797, 64), from 0 to 1
    train, test = train_test_split(images, test_size=0.2, random_state=seed)
    noisy = test + np.random.default_rng(seed).normal(0, NOISE, test.shape).astype("float32")

    encoder, decoder, model = network()
    model.fit(train, train, batch_size=32, epochs=epochs, verbose=2)  # what comes in shall come out

    codes = encoder.predict(noisy, verbose=0)
    pca = PCA(CODE).fit(train)  # the best that lines and planes can do with as many numbers
    drawn = {
        "with the noise": noisy,
        f"by {CODE} principal components": pca.inverse_transform(pca.transform(noisy)),
        f"by a code of {CODE} numbers": decoder.predict(codes, verbose=0),
    }
    error = {how: float(np.square(image - test).mean()) for how, image in drawn.items()}
    print("mean squared distance from the clean images: " + ", ".join(f"{how} {value:.4f}" for how, value in error.items()))
    return error, codes


if __name__ == "__main__":
    main()
