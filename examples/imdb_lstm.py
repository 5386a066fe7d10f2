"""Kind or unkind? An LSTM reads film reviews word by word and tells what the writer thought of the film.

The 50,000 reviews of IMDB are fetched once (17 MB) and kept under `~/.cornu`, or where the environment variable `CORNU_HOME` says.

Run it with `python examples/imdb_lstm.py`, or on PyTorch with `CORNU_BACKEND=torch python examples/imdb_lstm.py`.
"""

import cornu
from cornu import layers


def network(words):
    """From word numbers, (batch, length), to the chance that the review is kind, (batch, 1)."""
    model = cornu.Sequential([
        layers.Embedding(words, 32, mask_zero=True),  # the number 0 is padding: the LSTM passes over it
        layers.LSTM(32),
        layers.Dense(1, activation="sigmoid"),
    ])  # fmt: skip
    model.compile(cornu.optimizers.Adam(3e-3), "binary_crossentropy", metrics=["accuracy"])
    return model


def main(words=10_000, length=200, epochs=5, seed=0):
    cornu.utils.set_random_seed(seed)
    (x_train, y_train), (x_test, y_test) = cornu.datasets.imdb.load_data(num_words=words)  # lists of numbers, of many lengths
    x_train, x_test = (cornu.utils.pad_sequences(x, maxlen=length) for x in (x_train, x_test))  # (reviews, length)

    model = network(words)
    stopping = cornu.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
    model.fit(x_train, y_train, batch_size=64, epochs=epochs, validation_split=0.2, callbacks=[stopping], verbose=2)

    accuracy = model.evaluate(x_test, y_test, batch_size=64, verbose=0)[1]
    print(f"{accuracy:.1%} of {len(x_test):,} new reviews told right")
    return accuracy


if __name__ == "__main__":
    main()
