"""Seeds: streams that repeat, move on inside compiled steps, and are alike on every backend."""

import random

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import ArgumentError
from cornu.ops import convert_to_numpy
from cornu.random import SeedGenerator, normal, uniform
from cornu.state import CompiledStep, StateScope
from cornu.state.seed import make_seed


def draws(seed, count=3):
    return [convert_to_numpy(normal((4,), seed=seed)) for _ in range(count)]


def test_a_seed_makes_the_same_stream_again(backend):
    first, second, other = draws(SeedGenerator(5)), draws(SeedGenerator(5)), draws(SeedGenerator(6))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
    assert len({x.tobytes() for x in first}) == 3


def test_a_plain_number_gives_the_same_each_time(backend):
    a, b, c = draws(7)
    assert np.array_equal(a, b)
    assert np.array_equal(b, c)


def test_the_counter_is_a_variable(backend):
    seed = SeedGenerator(9)
    assert [convert_to_numpy(seed.next()).tolist() for _ in range(3)] == [[9, 0], [9, 1], [9, 2]]
    assert seed.state.numpy().tolist() == [9, 3]
    seed.state.assign([9, 1])
    assert convert_to_numpy(seed.next()).tolist() == [9, 1]
    assert not seed.state.trainable


def test_keys_are_alike_on_every_backend():
    found = []
    for name in ("jax", "torch", "numpy"):
        with cornu.use_backend(name):
            seed = SeedGenerator(2**31 + 5)
            found.append([convert_to_numpy(seed.next()).tolist() for _ in range(2)])
    assert found == [[[2**31 + 5, 0], [2**31 + 5, 1]]] * 3


def test_a_compiled_step_draws_anew_each_time(trainable_backend):
    seed = SeedGenerator(3)
    step = CompiledStep(lambda: uniform((3,), seed=seed), lambda: [seed.state])
    found = [convert_to_numpy(step()) for _ in range(4)]
    assert len({x.tobytes() for x in found}) == 4
    assert seed.state.numpy().tolist() == [3, 4]
    again = SeedGenerator(3)
    as_written = [convert_to_numpy(uniform((3,), seed=again)) for _ in range(4)]
    np.testing.assert_allclose(found, as_written, rtol=1e-6)


def test_in_a_scope_that_is_not_committed_nothing_was_drawn(backend):
    seed = SeedGenerator(3)
    with StateScope():
        first = convert_to_numpy(uniform((3,), seed=seed))
    assert seed.state.numpy().tolist() == [3, 0]
    assert np.array_equal(convert_to_numpy(uniform((3,), seed=seed)), first)


def test_a_dropout_layer_moves_on_and_repeats(backend):
    x = np.ones((2, 50), "float32")

    def run():
        layer = layers.Dropout(0.5, seed=4)
        return [convert_to_numpy(layer(x, training=True)) for _ in range(3)]

    first = run()
    assert np.array_equal(first, run())
    assert len({y.tobytes() for y in first}) == 3
    assert set(np.unique(first)) == {0.0, 2.0}


def test_set_random_seed_repeats_a_program(backend):
    def program():
        cornu.utils.set_random_seed(12)
        return (
            [make_seed(), random.random(), float(np.random.random())],  # noqa: NPY002 - what user programs draw from
            [convert_to_numpy(uniform((2,))).tolist(), convert_to_numpy(uniform((2,))).tolist()],
            layers.Dense(3)(np.ones((1, 4), "float32")).tolist(),
        )

    first = program()
    assert first == program()
    assert first[1][0] != first[1][1]


@pytest.mark.parametrize("seed", [-1, 1.5, "7", True])
def test_seeds_are_whole_numbers(backend, seed):
    with pytest.raises(ArgumentError, match="whole number"):
        SeedGenerator(seed)
    with pytest.raises(ArgumentError, match="whole number"):
        cornu.utils.set_random_seed(seed)


def test_shuffled_training_repeats_with_the_seed(trainable_backend, rng):
    x, y = rng.normal(size=(24, 3)).astype("float32"), rng.normal(size=(24, 1)).astype("float32")

    def run():
        cornu.utils.set_random_seed(1)
        model = cornu.Sequential([cornu.Input((3,)), layers.Dense(4, "relu"), layers.Dropout(0.3), layers.Dense(1)])
        model.compile("sgd", "mse")
        return model.fit(x, y, batch_size=8, epochs=2, verbose=0).history["loss"], model.get_weights()

    (losses, weights), (again, weights_again) = run(), run()
    assert losses == again
    assert all(np.array_equal(a, b) for a, b in zip(weights, weights_again, strict=True))
