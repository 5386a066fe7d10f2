"""What all comparisons with the real Keras share."""

import os

import pytest

import cornu


@pytest.fixture(scope="session")
def keras():
    """The real Keras, on JAX."""
    os.environ["KERAS_BACKEND"] = "jax"
    return pytest.importorskip("keras")


@pytest.fixture
def on_jax():
    """Cornu on the real Keras's backend."""
    with cornu.use_backend("jax"):
        yield
