"""Looking up vectors by ids."""

import numpy as np
import pytest

from cornu import layers, models, ops, use_backend
from cornu.errors import ArgumentError, DTypeError
from cornu.state import Variable, value_and_grad

TABLE = np.arange(12, dtype="float32").reshape(4, 3)
IDS = np.array([[3, 1], [1, 0]])


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "float32", "float64"])
def test_ids_of_these_dtypes_are_looked_up(dtype, backend):
    layer = layers.Embedding(4, 3, weights=[TABLE])
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(IDS.astype(dtype))), TABLE[IDS])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_ids_in_half_precision_are_refused(dtype, backend):
    with pytest.raises(DTypeError, match=f"looks up whole numbers, got ids of dtype {dtype}"):
        layers.Embedding(4, 3)(ops.cast(IDS, dtype))


def test_mixed_precision_does_not_confuse_large_ids(backend):
    table = np.arange(2000, dtype="float32")[:, None] % 7  # small numbers, which bfloat16 holds exactly
    layer = layers.Embedding(2000, 1, weights=table, dtype="mixed_bfloat16")
    ids = np.array([[1001, 1003, 1999]])
    for given in (ids, ids.astype("float32")):
        outputs = layer(given)
        assert ops.dtype(outputs) == "bfloat16"
        assert ops.convert_to_numpy(ops.cast(outputs, "float32"))[0, :, 0].tolist() == [1001 % 7, 1003 % 7, 1999 % 7]


def test_a_sequential_gets_an_input_of_whole_numbers(backend):
    model = models.Sequential([layers.Embedding(4, 3, weights=TABLE), layers.Flatten()])
    np.testing.assert_array_equal(model.predict(IDS, verbose=0), TABLE[IDS].reshape(2, 6))
    assert model.inputs[0].dtype == "int32"


def test_an_input_of_floats_in_front_works_as_in_files_of_other_programs(backend):
    model = models.Sequential([layers.Input((2,)), layers.Embedding(4, 3, weights=TABLE)])
    np.testing.assert_array_equal(model.predict(IDS, verbose=0), TABLE[IDS])


def test_the_input_length_of_older_programs_is_the_input_shape():
    with use_backend("numpy"):
        model = models.Sequential([layers.Embedding(4, 3, input_length=5)])
        assert model.input_shape == (None, 5)
        assert model.output_shape == (None, 5, 3)


def test_each_vector_gets_the_gradients_of_the_places_that_show_it(trainable_backend):
    layer = layers.Embedding(4, 3, weights=TABLE)
    layer(IDS)
    factors = Variable(np.array([[1.0, 2.0], [10.0, 20.0]], "float32")[..., None])
    (_, _), (gradient,) = value_and_grad(lambda: (ops.sum(layer(IDS) * factors), None), [layer.embeddings])
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), np.array([20.0, 12.0, 0.0, 1.0])[:, None] * np.ones(3))


def test_the_mask_is_where_ids_are_not_zero(backend):
    masked, plain = layers.Embedding(4, 3, mask_zero=True), layers.Embedding(4, 3)
    assert ops.convert_to_numpy(masked.compute_mask(IDS)).tolist() == [[True, True], [True, False]]
    assert plain.compute_mask(IDS) is None


def test_the_first_table_is_no_part_of_the_configuration():
    with use_backend("numpy"):
        layer = layers.Embedding(4, 3, weights=TABLE, mask_zero=True)
        layer(IDS)
        config = layer.get_config()
        assert "weights" not in config
        assert (config["input_dim"], config["output_dim"], config["mask_zero"]) == (4, 3, True)
        again = layers.Embedding.from_config(config)
        again(IDS)
        assert not np.array_equal(again.get_weights()[0], TABLE)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0, 3), "input_dim must be a whole number of at least 1, got 0"),
        ((3, 2.5), "output_dim must be a whole number of at least 1, got 2.5"),
        ((True, 3), "input_dim"),
    ],
)
def test_sizes_are_checked(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        layers.Embedding(*arguments)


def test_adapters_are_there_once_the_layer_is_built():
    layer = layers.Embedding(4, 3, lora_rank=2)
    layer.build((None,))
    assert layer.lora_enabled
    assert [v.name for v in layer.trainable_weights] == ["lora_embeddings_a", "lora_embeddings_b"]
    with pytest.raises(ArgumentError, match="lora_rank"):
        layers.Embedding(4, 3, lora_rank=0)


def test_a_table_of_another_shape_is_refused():
    with use_backend("numpy"), pytest.raises(ValueError, match=r"\(4, 3\)"):
        layers.Embedding(4, 3, weights=TABLE[:2])(IDS)


def test_masking_shows_masked_steps_as_zeros(backend):
    x = np.array([[[5.0, 1.0], [5.0, 5.0], [0.0, 5.0]]])
    layer = layers.Masking(5.0)
    assert ops.convert_to_numpy(layer(x)).tolist() == [[[5.0, 1.0], [0.0, 0.0], [0.0, 5.0]]]
    assert ops.convert_to_numpy(layer.compute_mask(x)).tolist() == [[True, False, True]]


def test_the_table_is_made_without_a_shape():
    layer = layers.Embedding(4, 3)
    layer.build()
    assert (layer.built, layer.embeddings.shape) == (True, (4, 3))
