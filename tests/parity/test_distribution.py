"""Several devices, beside the real Keras on as many: what is laid out how, and the same training."""

import numpy as np
import pytest

import cornu

pytestmark = pytest.mark.parity
keras = pytest.importorskip("keras")


@pytest.fixture(autouse=True)
def on_jax():
    with cornu.use_backend("jax"):
        yield
    for library in (cornu, keras):
        library.distribution.set_distribution(None)


def by_layouts(library):
    """Kernels cut up along "model"; in Keras paths begin with the name of a Sequential."""
    mesh = library.distribution.DeviceMesh((2, 2), ["batch", "model"])
    layouts = library.distribution.LayoutMap(mesh)
    layouts[".*wide/kernel"], layouts[".*head/kernel"] = (None, "model"), ("model", None)
    return library.distribution.ModelParallel(layout_map=layouts, batch_dim_name="batch")


def by_rows(library):
    return library.distribution.DataParallel()


@pytest.mark.parametrize("shared", [by_rows, by_layouts])
def test_training_on_four_devices(shared, rng):
    x, y = rng.normal(size=(32, 8)).astype("float32"), rng.normal(size=(32, 4)).astype("float32")
    first = [rng.normal(size=shape).astype("float32") for shape in [(8, 6), (6,), (6, 4), (4,)]]
    found = {}
    for library in (cornu, keras):
        library.distribution.set_distribution(shared(library))
        model = library.Sequential(
            [library.Input((8,)), library.layers.Dense(6, activation="relu", name="wide"), library.layers.Dense(4, name="head")]
        )
        model.set_weights(first)
        model.compile(library.optimizers.Adam(0.01), "mse")
        losses = model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0).history["loss"]
        cut = [tuple(w.value.sharding.spec) for w in [*model.weights, *model.optimizer.variables]]
        found[library] = losses, model.get_weights(), cut
    ours, theirs = found[cornu], found[keras]
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-5)
    for a, b in zip(ours[1], theirs[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert ours[2] == theirs[2]


def test_meshes_layouts_and_distributions_say_the_same():
    said = {}
    for library in (cornu, keras):
        rooms = library.distribution
        mesh = rooms.DeviceMesh((2, 2), ["batch", "model"])
        shared, cut = rooms.DataParallel(), by_layouts(library)
        said[library] = [
            rooms.list_devices(), rooms.get_device_count(), repr(mesh), mesh.devices.tolist(), mesh.shape, mesh.axis_names,
            repr(rooms.TensorLayout((None, "model"), mesh)), repr(rooms.TensorLayout(["model"])), repr(shared),
            repr(shared.get_data_layout((8, 4))), shared.batch_dim_name, shared.num_model_replicas, shared.auto_shard_dataset,
            repr(cut.get_data_layout((8, 4, 2))), cut.num_model_replicas, repr(cut.get_tensor_layout("elsewhere")),
            repr(shared.get_variable_layout(library.Variable(np.ones((2, 3))))),
        ]  # fmt: skip
    assert said[cornu] == said[keras]
