"""Two backends in one process: the same seed gives the same weights, and a model that was trained on one runs on the other.

Run it with `python examples/two_backends.py`. It needs both JAX and PyTorch.
"""

import numpy as np

import cornu
from cornu import layers


def build_model():
    cornu.utils.set_random_seed(0)
    return cornu.Sequential([cornu.Input((4,)), layers.Dense(32, activation="tanh"), layers.Dense(1)])


def problem(rows, seed=0):
    x = np.random.default_rng(seed).uniform(-1, 1, (rows, 4)).astype("float32")
    return x, np.sin(x.sum(axis=1, keepdims=True))


def train(backend, x, y, epochs):
    with cornu.use_backend(backend):  # what is made inside lives on that backend, wherever it is used later
        model = build_model()
        model.compile(cornu.optimizers.Adam(0.005), "mse")
    model.fit(x, y, epochs=epochs, shuffle=False, verbose=0)
    return model


def main(rows=1024, epochs=10):
    x, y = problem(rows)
    models = {backend: train(backend, x, y, epochs) for backend in ("jax", "torch")}
    ours = {backend: model.predict(x, verbose=0) for backend, model in models.items()}
    apart = np.abs(ours["jax"] - ours["torch"]).max()
    print(f"trained on JAX and on PyTorch from the same seed, predictions differ by at most {apart:.1e}")

    model = models["jax"]
    moved = {backend: model.to(backend).predict(x, verbose=0) for backend in ("torch", "numpy")}
    for backend, predictions in moved.items():
        print(f"the model trained on JAX, moved to {backend}: predictions differ by at most {np.abs(predictions - ours['jax']).max():.1e}")

    before = models["torch"].evaluate(x, y, verbose=0)
    model.to("torch").compile("adam", "mse")  # an optimizer that starts anew, on the backend where the weights are now
    model.fit(x, y, epochs=epochs, shuffle=False, verbose=0)
    loss = model.evaluate(x, y, verbose=0)
    print(f"trained on, with PyTorch: mean squared error {loss:.4f}, before {before:.4f}")
    return ours, moved, before, loss


if __name__ == "__main__":
    main()
