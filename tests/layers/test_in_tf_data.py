"""Layers within `tf.data`: whatever backend a program computes on, its data set may map them over batches and samples."""

import numpy as np
import pytest

import cornu
from cornu import backends, layers

tf = pytest.importorskip("tensorflow")

rng = np.random.default_rng(0)
IMAGES = rng.uniform(0, 255, (6, 8, 10, 3)).astype("float32")
FLOATS = rng.normal(size=(6, 4)).astype("float32")
NUMBERS = np.array([1, 2, 3, 4, 5, 1])
TEXTS = np.array(["a b", "b c", "c", "a", "b b", "z"])


def adapted(layer, data):
    layer.adapt(data)
    return layer


def chain(*parts):
    return cornu.Sequential(list(parts))


DETERMINISTIC = {
    "rescaling": (lambda: layers.Rescaling(1 / 255), IMAGES.astype("uint8")),
    "resizing": (lambda: layers.Resizing(4, 5), IMAGES),
    "resizing of whole numbers": (lambda: layers.Resizing(4, 5), IMAGES.astype("uint8")),
    "center crop": (lambda: layers.CenterCrop(4, 4), IMAGES),
    "normalization": (lambda: adapted(layers.Normalization(), FLOATS), FLOATS),
    "normalization, given": (lambda: layers.Normalization(mean=[0.0, 1.0, 2.0, 3.0], variance=[1.0, 1.0, 4.0, 4.0]), FLOATS),
    "text vectorization": (lambda: layers.TextVectorization(vocabulary=["a", "b", "c"], output_sequence_length=3), TEXTS),
    "text vectorization, tf_idf": (lambda: adapted(layers.TextVectorization(output_mode="tf_idf"), TEXTS), TEXTS),
    "string lookup": (lambda: layers.StringLookup(vocabulary=["a b", "c"]), TEXTS),
    "integer lookup": (lambda: layers.IntegerLookup(vocabulary=[1, 2, 3], output_mode="one_hot"), NUMBERS),
    "discretization": (lambda: adapted(layers.Discretization(num_bins=3), FLOATS), FLOATS),
    "category encoding": (lambda: layers.CategoryEncoding(num_tokens=6, output_mode="one_hot"), NUMBERS),
    "hashing": (lambda: layers.Hashing(3), TEXTS),
    "hashing of numbers": (lambda: layers.Hashing(3), NUMBERS),
    "images in a row": (lambda: chain(layers.Resizing(4, 4), layers.Rescaling(1 / 255), layers.CenterCrop(2, 2)), IMAGES.astype("uint8")),
    "texts in a row": (lambda: chain(layers.StringLookup(vocabulary=["c"]), layers.CategoryEncoding(2, output_mode="one_hot")), TEXTS),
    "texts to places": (lambda: chain(layers.TextVectorization(vocabulary=["a", "b"], output_sequence_length=2)), TEXTS),
    "statistics in a row": (lambda: chain(adapted(layers.Normalization(), FLOATS), layers.Rescaling(2.0)), FLOATS),
    "a network": (lambda: chain(cornu.Input((4,)), layers.Dense(3, kernel_initializer="ones"), layers.Dropout(0.5, seed=1)), FLOATS),
}

RANDOM = {
    "flip": lambda: layers.RandomFlip("horizontal", seed=1),
    "rotation": lambda: layers.RandomRotation(0.2, seed=1),
    "zoom": lambda: layers.RandomZoom(0.2, seed=1),
    "translation": lambda: layers.RandomTranslation(0.2, 0.2, seed=1),
    "contrast": lambda: layers.RandomContrast(0.5, seed=1),
    "brightness": lambda: layers.RandomBrightness(0.5, seed=1),
    "pipeline": lambda: layers.Pipeline([layers.RandomFlip(seed=1), layers.RandomContrast(0.5, seed=2)]),
    "sequential": lambda: chain(
        layers.RandomFlip("horizontal", seed=1), layers.RandomRotation(0.1, seed=2), layers.RandomZoom(0.1, seed=3)
    ),
    "sequential with an input": lambda: chain(cornu.Input((8, 10, 3)), layers.RandomRotation(0.2, seed=1)),
}


@pytest.fixture(params=["jax", "torch", "tensorflow"])
def home(request):
    with cornu.use_backend(request.param):
        yield request.param


def mapped(layer, dataset, parallel=None, **arguments):
    """What comes out of the data set after the layer, with what it says of shapes and dtypes."""
    after = dataset.map(lambda x, y: (layer(x, **arguments), y), num_parallel_calls=parallel)
    return after.element_spec[0], [x.numpy() for x, _ in after]


def samples(data):
    return tf.data.Dataset.from_tensor_slices((data, np.arange(len(data))))


@pytest.mark.parametrize("case", DETERMINISTIC)
@pytest.mark.parametrize(("parallel", "exact"), [(None, False), (tf.data.AUTOTUNE, True)], ids=["in turn", "side by side"])
def test_what_is_known_is_what_comes_of_arrays(home, case, parallel, exact):
    make, data = DETERMINISTIC[case]
    layer = make()
    spec, found = mapped(layer, samples(data).batch(3, drop_remainder=exact), parallel)
    assert spec.shape[0] == (3 if exact else None)
    for batch, rows in zip(found, (data[:3], data[3:]), strict=True):
        if data is TEXTS:
            with cornu.use_backend("numpy"):  # arrays of the others hold no texts, so that no model there takes them
                expected = cornu.ops.convert_to_numpy(make()(rows))
        else:
            expected = cornu.ops.convert_to_numpy(layer(rows))
        assert batch.dtype == spec.dtype.as_numpy_dtype
        assert spec.shape.is_compatible_with(batch.shape)
        assert None not in spec.shape[1:]
        np.testing.assert_allclose(batch, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("case", RANDOM)
def test_draws_differ_and_repeat_under_a_seed(home, case):
    same = np.repeat(IMAGES[:1], 12, 0)
    (spec, found), (_, again) = (mapped(RANDOM[case](), samples(same).batch(6), training=True) for _ in range(2))
    assert spec.shape == (None, 8, 10, 3)
    assert len({image.tobytes() for batch in found for image in batch}) > 1
    assert found[0].tobytes() != found[1].tobytes()
    np.testing.assert_array_equal(found, again)
    assert np.isfinite(found).all()
    assert np.min(found) >= 0
    assert np.max(found) <= 255


@pytest.mark.parametrize("case", [name for name in RANDOM if name != "sequential with an input"])
def test_samples_drawn_side_by_side(home, case):
    spec, found = mapped(RANDOM[case](), samples(np.repeat(IMAGES[:1], 12, 0)), tf.data.AUTOTUNE, training=True)
    assert spec.shape == (8, 10, 3)
    assert len(found) == 12
    assert len({image.tobytes() for image in found}) > 1


def test_passes_draw_anew_and_nothing_is_drawn_outside_training(home):
    layer = layers.RandomRotation(0.2, seed=1)
    dataset = samples(IMAGES).batch(6).map(lambda x, y: layer(x, training=True))
    first, second = (next(iter(dataset)).numpy() for _ in range(2))
    assert np.abs(first - second).max() > 1
    np.testing.assert_array_equal(mapped(layer, samples(IMAGES).batch(6), training=False)[1][0], IMAGES)


def test_images_of_unknown_size(home):
    def decoded():
        yield from ((image[:rows], 0) for image, rows in zip(IMAGES, (8, 7, 6, 5, 4, 3), strict=True))

    of_sizes = tf.data.Dataset.from_generator(decoded, output_signature=(tf.TensorSpec((None, None, 3)), tf.TensorSpec((), tf.int32)))
    layer = chain(layers.Resizing(4, 5), layers.RandomFlip("horizontal", seed=1))
    after = of_sizes.map(lambda x, y: (layer(x, training=True), y), num_parallel_calls=tf.data.AUTOTUNE).batch(6)
    assert after.element_spec[0].shape == (None, 4, 5, 3)
    assert next(iter(after))[0].shape == (6, 4, 5, 3)


def test_images_and_what_belongs_to_them(home):
    layer = layers.RandomFlip("horizontal", seed=1, bounding_box_format="xyxy")
    boxes = {"boxes": np.tile(np.float32([0, 0, 3, 8]), (6, 1, 1)), "labels": np.ones((6, 1), "int32")}
    data = {"images": np.tile(np.arange(10, dtype="float32")[:, None], (6, 8, 1, 1)), "bounding_boxes": boxes}
    after = next(iter(tf.data.Dataset.from_tensor_slices(data).batch(6).map(layer)))
    flipped = after["images"].numpy()[:, 0, 0, 0] == 9
    assert 0 < flipped.sum() < 6
    np.testing.assert_array_equal(after["bounding_boxes"]["boxes"].numpy()[:, 0, 0] == 7, flipped)


def test_noise_beside_statistics_draws_from_its_seed(home):
    def outputs():
        return mapped(
            chain(adapted(layers.Normalization(), FLOATS), layers.GaussianNoise(0.1, seed=1)), samples(FLOATS).batch(3), training=True
        )[1]

    found, again = outputs(), outputs()
    np.testing.assert_allclose(found, again, rtol=1e-5)
    expected = (FLOATS - FLOATS.mean(0)) / FLOATS.std(0)
    assert 0 < np.abs(np.concatenate(found) - expected).max() < 1


def test_a_model_learns_from_such_a_data_set(home):
    augment = chain(layers.RandomFlip(seed=1), layers.RandomContrast(0.1, seed=2), layers.Rescaling(1 / 255))
    dataset = samples(IMAGES).batch(3).map(lambda x, y: (augment(x, training=True), y), num_parallel_calls=tf.data.AUTOTUNE)
    model = chain(layers.Flatten(), layers.Dense(1))
    model.compile("adam", "mse")
    assert np.isfinite(model.fit(dataset.prefetch(tf.data.AUTOTUNE), epochs=2, verbose=0).history["loss"]).all()


@pytest.mark.parametrize("name", ["jax", "torch"])
def test_tensors_of_the_data_set_stay_what_they_were_to_ops(name, monkeypatch):
    """Once the backend of their framework is loaded they are its own, and no other takes them: a loop over batches would end there."""
    asked, load = [], backends.load
    monkeypatch.setattr(backends, "load", lambda name: asked.append(name) or load(name))
    with cornu.use_backend(name):
        mapped(chain(layers.TextVectorization(vocabulary=["a"], output_sequence_length=2)), samples(TEXTS).batch(3))
        mapped(RANDOM["sequential"](), samples(IMAGES).batch(3), training=True)
    assert "tensorflow" not in asked


def test_layers_written_in_tensorflow_stay_part_of_the_graph(home):
    class Mirrored(layers.Layer):
        def call(self, x):
            return tf.image.flip_left_right(x)

    spec, found = mapped(Mirrored(), samples(IMAGES).batch(6))
    assert spec.shape == (None, 8, 10, 3)
    np.testing.assert_array_equal(found[0], IMAGES[:, :, ::-1])


def test_a_call_leaves_no_trace_in_the_layer(home):
    layer = layers.RandomFlip(seed=1)
    mapped(layer, samples(IMAGES).batch(6))
    assert layer._inbound_nodes == []


@pytest.mark.parametrize("name", ["jax", "torch"])
def test_errors_are_short_and_say_what_to_write(name):
    with cornu.use_backend(name):
        model = chain(cornu.Input((8, 10, 3)), layers.Rescaling(1 / 255))
        with pytest.raises(Exception, match=r"\.batch\(n\)") as caught:  # TensorFlow makes its own of what a traced function raises
            mapped(model, samples(IMAGES))
        assert len(str(caught.value).strip().splitlines()) <= 12
        unknown = samples(IMAGES).map(lambda x, y: (tf.numpy_function(lambda v: v, [x], tf.float32), y))
        with pytest.raises(Exception, match="set_shape") as caught:
            mapped(layers.Rescaling(1 / 255), unknown)
        assert len(str(caught.value).strip().splitlines()) <= 12
