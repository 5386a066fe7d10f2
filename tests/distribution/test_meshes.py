"""Meshes, layouts and maps of layouts, on a processor that JAX takes for four devices."""

import numpy as np
import pytest

import cornu
from cornu import distribution
from cornu.errors import ArgumentError, BackendError


@pytest.fixture(autouse=True)
def on_jax():
    with cornu.use_backend("jax"):
        yield


@pytest.fixture
def mesh():
    return distribution.DeviceMesh((2, 2), ("batch", "model"))


def test_devices_are_listed_by_name():
    assert distribution.list_devices() == distribution.list_devices("cpu") == ["cpu:0", "cpu:1", "cpu:2", "cpu:3"]
    assert distribution.get_device_count() == distribution.get_device_count("CPU") == 4
    assert distribution.get_device_count("tpu") == 0
    with pytest.raises(ArgumentError, match="'cpu', 'gpu', 'tpu' or None, got 'disk'"):
        distribution.list_devices("disk")


@pytest.mark.parametrize("name", ["torch", "tensorflow", "numpy"])
def test_other_backends_have_devices_but_no_mesh(name):
    with cornu.use_backend(name):
        assert distribution.list_devices("cpu") == ["cpu:0"]
        for make in (distribution.DataParallel, lambda: distribution.DeviceMesh((1,), ("batch",)), distribution.initialize):
            with pytest.raises(BackendError, match=f"The {name} backend computes on one device.*Choose JAX"):
                make()


def test_a_mesh_has_its_devices_in_rows(mesh):
    assert mesh.devices.tolist() == [["cpu:0", "cpu:1"], ["cpu:2", "cpu:3"]]
    assert (mesh.shape, mesh.axis_names) == ((2, 2), ["batch", "model"])
    assert mesh.backend_mesh.shape == {"batch": 2, "model": 2}
    assert distribution.DeviceMesh((2,), ("batch",), ["cpu:3", "cpu:1"]).devices.tolist() == ["cpu:3", "cpu:1"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (((2, 2), ("batch",)), "a name of its own"),
        (((2, 2), ("batch", "batch")), "a name of its own"),
        (((), ()), "a number of devices and a name"),
        (((0,), ("batch",)), "a number of devices and a name"),
        (((2,), "batch"), "a number of devices and a name"),
        (((8,), ("batch",)), "has 8 devices, got 4: .*host_platform_device_count=8"),
        (((2,), ("batch",), ["cpu:0"]), "has 2 devices, got 1"),
        (((2,), ("batch",), ["cpu:0", "cpu:9"]), "no device 'cpu:9' here"),
    ],
)
def test_a_mesh_that_does_not_fit_is_refused(arguments, said):
    with pytest.raises(ArgumentError, match=said):
        distribution.DeviceMesh(*arguments)


def test_a_tensor_is_cut_up_along_the_axes_of_a_layout(mesh):
    x = np.arange(8.0, dtype="float32").reshape(4, 2)
    for axes, part in [
        (("batch", None), (2, 2)),
        ((None, "model"), (4, 1)),
        (("model", "batch"), (2, 1)),
        ((None, None), (4, 2)),
        ((), (4, 2)),
    ]:
        found = distribution.distribute_tensor(x, distribution.TensorLayout(axes, mesh))
        np.testing.assert_array_equal(np.asarray(found), x)
        assert [tuple(shard.data.shape) for shard in found.addressable_shards] == [part] * 4
        for shard in found.addressable_shards:
            np.testing.assert_array_equal(np.asarray(shard.data), x[shard.index])


def test_a_tensor_is_cut_up_inside_a_compiled_function(mesh):
    layout = distribution.TensorLayout(("batch", "model"), mesh)
    found = cornu.jit(lambda x: distribution.distribute_tensor(x * 2, layout))(np.ones((2, 4), "float32"))
    assert found.sharding.is_equivalent_to(layout.backend_layout, 2)
    np.testing.assert_array_equal(np.asarray(found), np.full((2, 4), 2.0))


def test_layouts_that_do_not_fit_are_refused(mesh):
    with pytest.raises(ArgumentError, match=r"names axes of the mesh, \['batch', 'model'\].*got \('rows',\)"):
        distribution.TensorLayout(("rows",), mesh)
    with pytest.raises(ArgumentError, match="each at most once"):
        distribution.TensorLayout(("model", "model"), mesh)
    with pytest.raises(ArgumentError, match=r"Write \('model',\)"):
        distribution.TensorLayout("model", mesh)
    with pytest.raises(ArgumentError, match="must be a DeviceMesh"):
        distribution.TensorLayout(("model",), "mesh")
    with pytest.raises(ArgumentError, match=r"an array of shape \(3, 2\) does not allow"):
        distribution.distribute_tensor(np.ones((3, 2)), distribution.TensorLayout(("batch", None), mesh))
    with pytest.raises(ArgumentError, match=r"an array of shape \(2,\) does not allow"):
        distribution.distribute_tensor(np.ones(2), distribution.TensorLayout(("batch", None), mesh))
    with pytest.raises(ArgumentError, match="has no mesh of devices"):
        distribution.distribute_tensor(np.ones(2), distribution.TensorLayout(("batch",)))
    with pytest.raises(ArgumentError, match="layout must be a TensorLayout"):
        distribution.distribute_tensor(np.ones(2), ("batch",))


def test_a_map_gives_the_layout_of_the_paths_that_an_expression_matches(mesh):
    layouts = distribution.LayoutMap(mesh)
    layouts["dense.*/kernel"] = (None, "model")
    layouts[".*bias"] = distribution.TensorLayout(("model",))
    assert layouts["dense/kernel"].axes == layouts["encoder/dense_3/kernel"].axes == (None, "model")
    assert layouts["encoder/dense_3/bias"].axes == ("model",)
    assert layouts["dense.*/kernel"].device_mesh is mesh
    for path in ("condense/kernel", "dense/kernel_1", "dense"):
        assert layouts.get(path) is None
    assert list(layouts) == ["dense.*/kernel", ".*bias"]
    assert len(layouts) == 2
    del layouts[".*bias"]
    assert layouts.get("dense/bias") is None


def test_a_map_tells_which_expressions_stood_for_nothing(mesh):
    layouts = distribution.LayoutMap(mesh)
    layouts["dense/kernel"], layouts["dence/bias"] = (None, "model"), ("model",)
    layouts.get("dense/kernel")
    assert layouts.unmet == ["dence/bias"]


def test_a_map_refuses_what_it_could_not_use(mesh):
    layouts = distribution.LayoutMap(mesh)
    layouts["dense/kernel"] = (None, "model")
    other = distribution.TensorLayout(("model",), distribution.DeviceMesh((4,), ("model",)))
    for key, value, said in [
        ("dense/kernel", ("model",), "has 'dense/kernel' already"),
        ("bias", 3, "holds layouts, or their axes"),
        ("bias", ("rows",), "names axes of the mesh"),
        ("bias", other, "the map's mesh is another"),
        ("bias(", ("model",), "is a regular expression"),
    ]:
        with pytest.raises(ArgumentError, match=said):
            layouts[key] = value
    assert list(layouts) == ["dense/kernel"]
    layouts[".*/kernel"] = ("model", None)
    with pytest.raises(ArgumentError, match=r"Several expressions .* 'dense/kernel_'|Several expressions"):
        layouts["a/dense/kernel"]
    with pytest.raises(ArgumentError, match="device_mesh must be a DeviceMesh"):
        distribution.LayoutMap((2, 2))


def test_a_variable_may_have_a_layout_of_its_own(mesh):
    v = cornu.Variable(np.ones((2, 4), "float32"), layout=distribution.TensorLayout((None, "model"), mesh))
    assert {tuple(shard.data.shape) for shard in v.value.addressable_shards} == {(2, 2)}
    v.assign(np.full((2, 4), 3.0, "float32"))
    assert {tuple(shard.data.shape) for shard in v.value.addressable_shards} == {(2, 2)}
    v.assign_add(np.ones((2, 4), "float32"))
    np.testing.assert_array_equal(v.numpy(), np.full((2, 4), 4.0))
    v.to("numpy")
    v.to("jax")
    np.testing.assert_array_equal(v.numpy(), np.full((2, 4), 4.0))
    assert v.layout is None


def test_statistics_of_a_shared_array_are_those_of_all_of_it(mesh):
    x = np.arange(8.0, dtype="float32").reshape(4, 2)
    spread = distribution.distribute_tensor(x, distribution.TensorLayout(("batch", None), mesh))
    mean, variance = cornu.ops.moments(spread, 0, synchronized=True)
    np.testing.assert_allclose(np.asarray(mean), x.mean(0))
    np.testing.assert_allclose(np.asarray(variance), x.var(0))
    with cornu.use_backend("torch"), pytest.raises(ArgumentError, match="the torch backend computes on one"):
        cornu.ops.moments(x, 0, synchronized=True)
