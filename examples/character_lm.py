"""A network that writes: an LSTM reads a text letter by letter, learns which letter comes next, and goes on from a beginning.

Run it with `python examples/character_lm.py`, or on PyTorch with `CORNU_BACKEND=torch python examples/character_lm.py`.
"""

import numpy as np

import cornu
from cornu import layers
from cornu.preprocessing.text import TextGenerator

RHYME = """This is the house that Jack built.
This is the malt that lay in the house that Jack built.
This is the rat that ate the malt that lay in the house that Jack built.
This is the cat that chased the rat that ate the malt that lay in the house that Jack built.
This is the dog that worried the cat that chased the rat that ate the malt that lay in the house that Jack built.
This is the cow that tossed the dog that worried the cat that chased the rat that ate the malt that lay in the house that Jack built.
"""


def network(vocabulary):
    model = cornu.Sequential([
        layers.Embedding(vocabulary, 24), layers.LSTM(96, return_sequences=True), layers.Dense(vocabulary, "softmax"),
    ])  # fmt: skip
    model.compile(cornu.optimizers.Adam(5e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def write(model, letters, beginning, count, temperature=0.5, seed=0):
    """The beginning and so many letters more, drawn by the network's probabilities; a low temperature keeps to the likely ones."""
    rng, numbers = np.random.default_rng(seed), letters.tokenizer.texts_to_sequences([beginning])[0]
    for _ in range(count):
        window = np.array([([0] * 40 + numbers)[-40:]])  # one length, one compilation
        logits = np.log(model.predict(window, verbose=0)[0, -1]) / temperature
        chances = np.exp(logits - logits.max())
        chances[0] = 0  # no letter has the number 0
        numbers.append(int(rng.choice(len(chances), p=chances / chances.sum())))
    return letters.decode([numbers])[0]


def main(epochs=20, count=120, seed=0):
    cornu.utils.set_random_seed(seed)
    letters = TextGenerator(char_level=True, lower=False)
    letters.fit([RHYME])
    model = network(letters.vocabulary_size)
    history = model.fit(letters.flow_windows([RHYME], length=40, step=2, batch_size=32, seed=seed), epochs=epochs, verbose=0)
    text = write(model, letters, "This is the ", count)
    print(f"{history.history['accuracy'][-1]:.0%} of the next letters told right; it writes:\n\n{text}")
    return history.history, text


if __name__ == "__main__":
    main()
