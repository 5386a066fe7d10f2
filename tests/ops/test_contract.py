"""The house of ops: every primitive on every backend, every public op in some table, annotated and documented."""

import ast
import importlib
import inspect
import pathlib

import pytest

from cornu import backends, ops
from cornu.backends import spec
from cornu.errors import BackendMismatchError
from cornu.ops import dispatch
from tests.ops import cases

SOURCES = sorted(pathlib.Path(inspect.getfile(ops)).parent.rglob("*.py"))
# The files that `cornu.ops` gathers; the others are its inside
FACES = ("image", "linalg", "nn", "numpy")
FAMILIES = [
    p
    for p in SOURCES
    if p.stem not in ("__init__", "arguments", "dispatch", "finite", "operators", "random", *FACES) and p.parent.stem not in FACES
]
PUBLIC = {name: op for name, op in vars(ops).items() if not name.startswith("_") and callable(op) and name != "attach"}
TABLES = [path.stem for path in sorted(pathlib.Path(__file__).parent.glob("test_*.py"))]
# Names of the contract that the shape interpreter has no use for, each with its reason
NOT_SYMBOLIC = {"nonzero": "as long as there are values that are not 0", "to_numpy": "a spec has no values, and says so"}
# Ops that no table calls, each with its reason
ELSEWHERE = {
    "conv": "tests/backends",
    "conv_transpose": "tests/backends",
    "depthwise_conv": "tests/backends",
    "separable_conv": "tests/backends",
    "max_pool": "tests/backends",
    "average_pool": "tests/backends",
    "gru": "layers/test_recurrent",
    "lstm": "tests/backends",
    "adaptive_average_pool": "tests/backends",
    "adaptive_max_pool": "tests/backends",
    "istft": "test_signal",
    "custom_gradient": "tests/state/test_functional",
    "jvp": "tests/state/test_functional",
    "convert_to_numpy": "how every table reads results",
    "dtype": "how every table reads dtypes",
    "shape": "test_shaping",
    "ndim": "test_shaping",
    "size": "test_shaping",
    "is_tensor": "test_core",
    "cast": "test_core",
    "svd": "test_linalg",
}
OF_IMAGES_ELSEWHERE = {"image.perspective_transform": "test_image", "image.elastic_transform": "test_image"}


def called_on_the_interpreter():
    """Every name that the op layer calls on the interpreter, `on.<name>`."""
    names = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "on":
                names.add(node.attr)
    return names


def test_every_backend_has_every_primitive(backend):
    missing = [name for name in called_on_the_interpreter() if not hasattr(backends.current(), name)]
    assert not missing


def test_the_shape_interpreter_has_every_primitive():
    missing = [name for name in called_on_the_interpreter() if not hasattr(spec, name) and name not in NOT_SYMBOLIC]
    assert not missing


def test_every_public_op_is_tested():
    for name in TABLES:
        importlib.import_module(f"tests.ops.{name}")
    assert not sorted(set(PUBLIC) - cases.TESTED - set(ELSEWHERE))
    assert not sorted(set(ELSEWHERE) - set(PUBLIC))
    assert not sorted({f"image.{name}" for name in ops.image.__all__} - cases.TESTED - set(OF_IMAGES_ELSEWHERE))


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_public_op_is_annotated_and_explained(name):
    op = PUBLIC[name]
    signature = inspect.signature(op)
    assert all(p.annotation is not p.empty for p in signature.parameters.values())
    assert signature.return_annotation is not signature.empty
    assert op.__doc__
    assert len(op.__doc__.splitlines()[0]) <= 180


def test_public_names_come_from_one_file_each():
    files = [importlib.import_module(f"cornu.ops.{'.'.join(p.relative_to(SOURCES[0].parent).with_suffix('').parts)}") for p in FAMILIES]
    names = [name for family in files for name in family.__all__]
    assert len(names) == len(set(names))
    assert set(names) == set(PUBLIC)
    assert len(names) >= 230
    assert ops.__all__ == sorted(names)


@pytest.mark.parametrize("face", [face for face in FACES if face != "image"])
def test_a_face_shows_the_same_ops(face):
    module = importlib.import_module(f"cornu.ops.{face}")
    assert module is getattr(ops, face)
    assert len(set(module.__all__)) == len(module.__all__)
    assert [name for name in module.__all__ if getattr(module, name) is not PUBLIC[name]] == []


# What takes functions is recorded, but no file may name it
OF_FUNCTIONS = {"associative_scan", "cond", "fori_loop", "jvp", "map", "scan", "switch", "vectorized_map", "while_loop"}


def test_ops_are_known_by_their_names():
    for name, op in PUBLIC.items():
        if hasattr(op, "op_name") and name not in OF_FUNCTIONS:
            assert dispatch.OPS[op.op_name] is op, name
    assert not OF_FUNCTIONS & set(dispatch.OPS)


def test_arrays_of_two_backends_do_not_mix():
    pytest.importorskip("torch")
    with backends.use_backend("torch"):
        x = ops.ones((2,))
    with backends.use_backend("jax"):
        y = ops.ones((2,))
        with pytest.raises(BackendMismatchError, match="jax and torch"):
            ops.add(x, y)
        assert ops.convert_to_numpy(ops.add(x, [1.0, 2.0])).tolist() == [2.0, 3.0]
