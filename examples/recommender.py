"""What to watch next? A model of who likes which film: a vector for each person and each film, and what is known of both besides.

The ratings are made here: people and films have hidden tastes, old films please older people, and some films please everybody.

Run it with `python examples/recommender.py`, or on PyTorch with `CORNU_BACKEND=torch python examples/recommender.py`.
"""

import numpy as np

import cornu
from cornu import layers, ops

PEOPLE, FILMS = 300, 100


def ratings(rows, seed=0):
    """So many ratings of one to five stars; each input under the name that the model's input has."""
    rng = np.random.default_rng(seed)
    taste, kind = rng.normal(0, 0.8, (PEOPLE, 2)), rng.normal(0, 0.8, (FILMS, 2))
    age, year, quality = rng.uniform(15, 80, PEOPLE), rng.uniform(1950, 2020, FILMS), rng.normal(0, 0.4, FILMS)
    person, film = np.divmod(rng.choice(PEOPLE * FILMS, rows, replace=False), FILMS)  # nobody rates a film twice
    facts = np.stack([(age[person] - 45) / 20, (year[film] - 1985) / 20], axis=-1)
    stars = 3 + quality[film] + (taste[person] * kind[film]).sum(-1) - 0.4 * facts.prod(-1) + rng.normal(0, 0.3, rows)
    return {"person": person[:, None], "film": film[:, None], "facts": facts.astype("float32")}, stars.clip(1, 5).astype("float32")[:, None]


def network(size=8):
    person = cornu.Input((1,), name="person", dtype="int32")
    film = cornu.Input((1,), name="film", dtype="int32")
    facts = cornu.Input((2,), name="facts")  # the person's age and the film's year, scaled

    small = cornu.regularizers.L2(1e-6)  # who has rated little keeps a short vector, near the average
    who = layers.Flatten()(layers.Embedding(PEOPLE, size, embeddings_regularizer=small, name="people")(person))  # (batch, size)
    what = layers.Flatten()(layers.Embedding(FILMS, size, embeddings_regularizer=small, name="films")(film))
    hidden = layers.Dense(32, activation="relu")(ops.concatenate([who, what, who * what, facts], axis=-1))
    stars = layers.Dense(1, name="stars")(hidden)
    model = cornu.Model({"person": person, "film": film, "facts": facts}, stars)
    model.compile(cornu.optimizers.Adam(5e-3), "mse", metrics=["mae"])
    return model


def part(x, y, rows):
    return {name: values[rows] for name, values in x.items()}, y[rows]


def main(rows=12_000, epochs=10, seed=0):
    cornu.utils.set_random_seed(seed)
    x, y = ratings(rows, seed)
    known = int(0.9 * rows)
    (x_train, y_train), (x_test, y_test) = part(x, y, slice(known)), part(x, y, slice(known, None))

    model = network()
    model.fit(x_train, y_train, batch_size=64, epochs=epochs, validation_data=(x_test, y_test), verbose=2)

    film = x_train["film"][:, 0]
    means = np.bincount(film, y_train[:, 0], FILMS) / np.bincount(film, minlength=FILMS).clip(1)
    error = {
        "the film's mean": np.abs(means[x_test["film"]] - y_test).mean(),
        "the network": np.abs(model.predict(x_test, batch_size=256, verbose=0) - y_test).mean(),
    }
    print("off by so many stars on average: " + ", ".join(f"{name} {stars:.2f}" for name, stars in error.items()))
    return error, model


if __name__ == "__main__":
    main()
