"""HDF5: what we write is read by plain h5py and back; hostile files are refused before they cost anything."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import textwrap
import tracemalloc
import zlib

import h5py
import ml_dtypes
import numpy as np
import pytest

from cornu.dtypes import DTYPES, numpy_dtype
from cornu.errors import CornuError, CorruptFileError, DTypeError, SavingError, ShapeError, UnsafeFileError
from cornu.saving.archive import ArchiveReader, write_archive
from cornu.saving.hdf5 import ArraySpec, Hdf5Reader, Hdf5Writer
from cornu.saving.hdf5_raw import references

RNG = np.random.default_rng(0)
KERNEL = RNG.normal(size=(4, 3)).astype("float32")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.weights.h5"


def write(path) -> None:
    with Hdf5Writer(path, sealed=False) as file:  # the structure is on trial here
        file.put("", "functional")
        file.put("layers/dense", "first", [KERNEL, np.zeros(3, "float32")])
        file.put("optimizer", "adam", [np.asarray(i, "int32") for i in range(12)])
        file.put("layers/own", "own", {"table": np.arange(5)})


def test_the_layout_is_read_by_plain_h5py(path):
    write(path)
    with h5py.File(path) as file:
        assert dict(file.attrs) == {}
        assert file["vars"].attrs["name"] == "functional"
        assert file["layers/dense/vars"].attrs["name"] == "first"
        np.testing.assert_array_equal(file["layers/dense/vars/0"][()], KERNEL)
        assert file["layers/dense/vars/0"].chunks is None
        assert file["optimizer/vars/11"][()] == 11
        np.testing.assert_array_equal(file["layers/own/vars/table"], np.arange(5))


def test_reading_back(path):
    write(path)
    with Hdf5Reader(path) as file:
        assert file.groups() == ["layers", "optimizer", "vars"]
        assert file.groups("layers") == ["dense", "own"]
        assert file.datasets("optimizer/vars") == [str(i) for i in range(12)]
        assert file.text("layers/dense/vars", "name") == "first"
        assert file.text("layers/dense/vars", "absent") is None
        assert file.spec("layers/dense/vars/0") == ArraySpec((4, 3), "float32")
        np.testing.assert_array_equal(file.read("layers/dense/vars/0", (4, 3)), KERNEL)
        assert file.read("optimizer/vars/7", ()).shape == ()
        assert list(file.walk("layers")) == ["layers/dense/vars/0", "layers/dense/vars/1", "layers/own/vars/table"]
        assert "layers/dense" in file
        assert "layers/dense/vars/2" not in file
        assert "nothing/at/all" not in file
        with pytest.raises(ShapeError, match=r"must have shape \(3, 4\); it has \(4, 3\)"):
            file.read("layers/dense/vars/0", (3, 4))
        with pytest.raises(CorruptFileError, match="must have 'layers/dense/vars/2'"):
            file.read("layers/dense/vars/2")
        with pytest.raises(CorruptFileError, match="must be a dataset"):
            file.read("layers/dense")


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d != "string"])
@pytest.mark.parametrize("shape", [(), (3,), (0, 2), (2, 3)])
def test_every_dtype_comes_back_bit_for_bit(path, dtype, shape):
    array = np.asarray(RNG.integers(0, 2, shape) if dtype == "bool" else RNG.integers(0, 100, shape)).astype(numpy_dtype(dtype))
    with Hdf5Writer(path) as file:
        file.put("x", "x", [array])
    with Hdf5Reader(path) as file:
        back = file.read("x/vars/0", shape)
    assert back.dtype == array.dtype
    assert back.shape == shape
    assert back.tobytes() == array.tobytes()


def test_bfloat16_lies_as_keras_lays_it(path):
    with Hdf5Writer(path) as file:
        file.put("x", "x", [np.asarray([1.5, -2.0], ml_dtypes.bfloat16)])
    with h5py.File(path) as file:
        dataset = file["x/vars/0"]
        assert dataset.dtype == np.dtype("V2")
        assert dict(dataset.attrs) == {"dtype": "bfloat16"}
        assert dataset[()].tobytes() == bytes.fromhex("c03f00c0")  # 1.5 is 0x3fc0, -2 is 0xc000, little-endian


def test_transposed_and_big_endian_arrays_keep_their_values(path):
    with Hdf5Writer(path) as file:
        file.put("x", "x", [KERNEL.T, KERNEL.T.astype(ml_dtypes.bfloat16)])
    with h5py.File(path, "a") as file:
        file["x/vars/big"] = KERNEL.astype(">f4")
    with Hdf5Reader(path) as file:
        np.testing.assert_array_equal(file.read("x/vars/0"), KERNEL.T)
        np.testing.assert_array_equal(file.read("x/vars/1"), KERNEL.T.astype(ml_dtypes.bfloat16))
        big = file.read("x/vars/big")
        np.testing.assert_array_equal(big, KERNEL)
        assert big.dtype.isnative


def test_texts_are_not_variables(path):
    with Hdf5Writer(path) as file, pytest.raises(DTypeError, match=r"x/vars/0 has dtype"):
        file.put("x", "x", [np.asarray(["a"])])


def test_equal_contents_make_equal_bytes(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("compress", [False, True])
def test_a_member_of_an_archive_is_read_in_place(path, tmp_path, compress):
    write(path)
    write_archive(tmp_path / "model.keras", {"config.json": b"{}", "model.weights.h5": path}, compress=compress)
    with (
        ArchiveReader(tmp_path / "model.keras") as archive,
        archive.open("model.weights.h5") as member,
        Hdf5Reader(member, name="model.keras") as file,
    ):
        np.testing.assert_array_equal(file.read("layers/dense/vars/0"), KERNEL)


def test_attributes_of_legacy_files(path):
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "{}"
        file.attrs["fixed"] = np.bytes_(b"fixed")
        file.attrs["layer_names"] = ["dense", "dense_1"]
        file.attrs["old"] = np.asarray([b"a", b"bc"])
        file.attrs["empty"] = np.zeros(0)
        file.attrs["numbers"] = np.zeros(3)
    with Hdf5Reader(path) as file:
        assert file.text("", "model_config") == "{}"
        assert file.text("", "fixed") == "fixed"
        assert file.texts("", "layer_names") == ["dense", "dense_1"]
        assert file.texts("", "old") == ["a", "bc"]
        assert file.texts("", "empty") == []
        with pytest.raises(UnsafeFileError, match="must be text"):
            file.texts("", "numbers")
        with pytest.raises(UnsafeFileError, match="no believable shape"):
            file.text("", "layer_names")


# -- compressed datasets


@pytest.mark.parametrize(
    "options", [{"compression": "gzip"}, {"compression": "gzip", "shuffle": True}, {"shuffle": True}, {"chunks": (2, 2)}]
)
@pytest.mark.parametrize("shape", [(5, 7), (1, 1), (64, 300)])
def test_chunks_are_read_as_h5py_reads_them(path, options, shape):
    array = RNG.normal(size=shape).astype("float32")
    with h5py.File(path, "w") as file:
        chunks = tuple(min(c, n) for c, n in zip(options.get("chunks", (3, 4)), shape, strict=True))
        file.create_dataset("x", data=array, **{**options, "chunks": chunks})
    with Hdf5Reader(path) as file:
        np.testing.assert_array_equal(file.read("x", shape), array)


@pytest.mark.parametrize("options", [{"compression": "lzf"}, {"fletcher32": True}, {"scaleoffset": 2}])
def test_other_filters_are_refused(path, options):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=KERNEL, chunks=(2, 2), **options)
    with Hdf5Reader(path) as file, pytest.raises(UnsafeFileError, match="no filters but gzip and shuffle"):
        file.read("x")


def test_a_compressed_bomb_is_refused_without_memory(path):
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("x", (2**30,), "uint8", chunks=(2**24,), compression="gzip")
        for start in range(0, 2**30, 2**24):
            dataset.id.write_direct_chunk((start,), ZEROS)
    assert path.stat().st_size < 2 * 2**20
    assert peak_of(lambda: refuse(path, UnsafeFileError, "claims 1073741824 bytes")) < 2**21


def test_a_chunk_that_inflates_beyond_its_size_is_refused_without_memory(path):
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("x", (16,), "uint8", chunks=(16,), compression="gzip")
        dataset.id.write_direct_chunk((0,), ZEROS)  # 16 MiB of zeros where 16 bytes belong
    assert peak_of(lambda: refuse(path, CorruptFileError, "must hold 16 bytes and holds more")) < 2**21


def test_a_chunk_too_short_or_missing_or_huge_is_refused(path):

    with h5py.File(path, "w") as file:
        file.create_dataset("short", (16,), "uint8", chunks=(16,), compression="gzip").id.write_direct_chunk((0,), zlib.compress(b"123"))
        file.create_dataset("none", (2**40,), "uint8", chunks=(2**20,))
        file.create_dataset("wide", (4,), "uint8", chunks=(2**31,), maxshape=(None,))
        file.create_dataset("junk", (16,), "uint8", chunks=(16,), compression="gzip").id.write_direct_chunk((0,), b"no zlib stream")
    refuse(path, CorruptFileError, "holds 3", "short")
    refuse(path, CorruptFileError, "must have 1048576 chunks; 0", "none")
    refuse(path, UnsafeFileError, "has chunks of shape", "wide")
    refuse(path, CorruptFileError, "does not inflate", "junk")


# -- links, other files, other types


def test_links_that_are_not_hard_are_refused(path, tmp_path):
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["x"] = KERNEL
    with h5py.File(path, "w") as file:
        file["real/x"] = KERNEL
        file["soft"] = h5py.SoftLink("/real/x")
        file["external"] = h5py.ExternalLink(str(secret), "x")
        file["folder"] = h5py.SoftLink("/real")
    for link in ("soft", "external", "folder/x", "folder"):
        refuse(path, UnsafeFileError, "hard links only", link)
    with Hdf5Reader(path) as file:
        with pytest.raises(UnsafeFileError, match="hard links only"):
            list(file.walk())
        with pytest.raises(UnsafeFileError, match="hard links only"):
            file.groups()
        for climb in ("real/../real/x", "./real/x", "/real/x", "real//x"):
            with pytest.raises(CorruptFileError):
                file.read(climb)


def test_a_tree_that_contains_itself_is_refused(path):
    with h5py.File(path, "w") as file:
        group = file.create_group("a")
        group["b"] = group
    with Hdf5Reader(path) as file, pytest.raises(UnsafeFileError, match="must have one name"):
        list(file.walk())


def test_numbers_that_lie_elsewhere_are_refused(path, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"s" * 16)
    source = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (4,), "float32")
    layout = h5py.VirtualLayout((4,), "float32")
    layout[:] = source
    with h5py.File(path, "w") as file:
        file.create_dataset("external", (16,), "uint8", external=[(str(secret), 0, 16)])
        file.create_virtual_dataset("virtual", layout)
    refuse(path, UnsafeFileError, "other files or datasets", "external")
    refuse(path, UnsafeFileError, "other files or datasets", "virtual")


def test_types_that_are_no_plain_numbers_are_refused(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("text", data="abc")
        file.create_dataset("texts", data=np.asarray([b"ab"]))
        file.create_dataset("reference", data=file["text"].ref, dtype=h5py.ref_dtype)
        file.create_dataset("ragged", (2,), h5py.vlen_dtype("int32"))
        file.create_dataset("record", data=np.zeros(2, [("a", "i4"), ("b", "f4")]))
        file.create_dataset("enum", data=np.zeros(2, "i1"), dtype=h5py.enum_dtype({"a": 0}, "i1"))
        file.create_dataset("opaque", data=np.zeros(2, "V2"))
        file.create_dataset("lying", data=np.zeros(2, "V3")).attrs["dtype"] = "bfloat16"
        file.create_dataset("wide", data=np.zeros(2, np.longdouble))
        file.create_dataset("null", data=h5py.Empty("f4"))
        file["type"] = np.dtype("f4")
    for name in ("text", "texts", "reference", "ragged", "record", "enum", "opaque", "lying", "wide", "null", "type"):
        refuse(path, UnsafeFileError, "must", name)


# -- sizes and damage


def test_a_huge_shape_without_data_is_refused_without_memory(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (2**40,), "float32")
    assert path.stat().st_size < 10_000
    assert peak_of(lambda: refuse(path, CorruptFileError, "must hold 4398046511104 bytes")) < 2**20
    with Hdf5Reader(path) as file, pytest.raises(CorruptFileError):
        file.spec("x")


@pytest.mark.parametrize("how", [{}, {"libver": "latest"}, {"userblock_size": 512}], ids=["old", "new", "user block"])
@pytest.mark.parametrize("count", [3, 7, 3000])
def test_the_room_that_texts_take_is_known_beforehand(path, how, count):
    """However the file is laid out: few attributes and many, the header in one piece and in several."""
    names = {f"list{n}": [f"layer_{n}_{i}/kernel" for i in range(count)] for n in range(6)}
    with h5py.File(path, "w", **how) as file:
        group = file.create_group("model_weights")
        for key, texts in names.items():
            group.attrs[key] = texts
            group.create_group(f"more_{key}")
    with Hdf5Reader(path) as file:
        header = h5py.h5o.get_info(file._item("model_weights").id).addr
        for key, texts in names.items():
            assert [length for length, _ in references(file._bytes, header, key, count)] == list(map(len, texts))
            assert file.texts("model_weights", key) == texts
        assert references(file._bytes, header, "none", count) is None


@pytest.mark.parametrize("texts", ["{}", ["a", "b"]], ids=["text", "list"])
def test_a_heap_in_which_the_library_turns_in_circles_is_refused(path, texts):
    """One flipped bit is enough: free room at a heap's end that says it is 0 bytes long."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = texts
    raw = bytearray(path.read_bytes())
    at = raw.find(b"GCOL") + 16 + 24 * (1 if isinstance(texts, str) else 2)
    assert struct.unpack_from("<H6xQ", raw, at) == (0, 4096 - at + raw.find(b"GCOL"))
    struct.pack_into("<Q", raw, at + 8, 0)
    path.write_bytes(raw)
    with Hdf5Reader(path) as file, pytest.raises(CorruptFileError, match="free room of 0 bytes"):
        file.text("", "model_config") if isinstance(texts, str) else file.texts("", "model_config")


def with_references_to_one_text(path, count, long):
    """A file whose list of texts is made of references to one long text."""
    with h5py.File(path, "w") as file:
        file.attrs["long"] = "x" * long
        file.attrs["weight_names"] = [f"nm{i:06}" for i in range(count)]
    raw = bytearray(path.read_bytes())
    at = raw.find(struct.pack("<I", long))
    reference, place, changed = bytes(raw[at : at + 16]), 0, 0
    while (place := raw.find(struct.pack("<I", 8), place)) >= 0:
        _, heap, _ = struct.unpack("<IQI", raw[place : place + 16])
        if 0 < heap < len(raw) and raw[heap : heap + 4] == b"GCOL":
            raw[place : place + 16] = reference
            changed += 1
            place += 16
        else:
            place += 1
    assert changed == count
    path.write_bytes(raw)


def test_a_list_of_references_to_one_long_text_is_refused_without_memory(path):
    """2 MB that would become 8 GB."""
    with_references_to_one_text(path, 4000, 2 * 10**6)

    def read():
        with Hdf5Reader(path) as file:
            file.texts("", "weight_names")

    def refused():
        with pytest.raises(UnsafeFileError, match="must take at most"):
            read()

    assert peak_of(refused) < 2**22
    with_references_to_one_text(path, 40, 100)
    with Hdf5Reader(path) as file:
        assert file.texts("", "weight_names") == ["x" * 100] * 40


def test_every_truncation_is_seen(path):
    write(path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        refuse(path, CorruptFileError, "cannot be read|beyond the end", "layers/dense/vars/0")


def test_a_flipped_byte_never_gives_anything_but_an_array_or_our_own_error(path):
    write(path)
    script = textwrap.dedent("""
        import io, sys
        from cornu.errors import CornuError
        from cornu.saving.hdf5 import Hdf5Reader
        whole = open(sys.argv[1], "rb").read()
        refused = 0
        for place in range(0, len(whole), 61):
            for flip in (0xFF, 0x01):
                data = bytearray(whole)
                data[place] ^= flip
                try:
                    with Hdf5Reader(io.BytesIO(bytes(data))) as file:
                        for path in file.walk():
                            assert file.read(path).nbytes < 2**20
                except CornuError:
                    refused += 1
        print(refused)
    """)  # in a process of its own, so that a crash of the HDF5 library is a failure here and not the end of the run
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 10


def test_what_is_no_hdf5_file_is_named(path):
    with pytest.raises(SavingError, match=r"model\.weights\.h5.*there is none"):
        Hdf5Reader(path)
    path.write_bytes(b"PK\x03\x04 not HDF5")
    with pytest.raises(CorruptFileError, match=r"model\.weights\.h5' cannot be read as HDF5"):
        Hdf5Reader(path)
    with pytest.raises(CorruptFileError, match="the file' cannot be read as HDF5"):
        Hdf5Reader(io.BytesIO(b"no"))


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a POSIX notion")
def test_a_full_disk_while_writing_is_a_saving_error(path):
    script = textwrap.dedent("""
        import resource, signal, sys
        import numpy as np
        from cornu.errors import SavingError
        from cornu.saving.atomic import atomic_write
        from cornu.saving.hdf5 import Hdf5Writer
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            with atomic_write(sys.argv[1]) as temporary, Hdf5Writer(temporary) as file:
                for i in range(20):
                    file.put(f"layer_{i}", "x", [np.ones(10_000, "float32")])
        except SavingError as error:
            print("SavingError", sys.argv[1].rpartition("/")[2] in str(error))
    """)
    path.write_text("old")
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "SavingError True\n", done.stderr[-2000:]
    assert path.read_text() == "old"
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


ZEROS = zlib.compress(bytes(2**24))


def refuse(path, error: type[CornuError], match: str, name: str = "x") -> None:
    with pytest.raises(error, match=match), Hdf5Reader(path) as file:
        file.read(name)


def peak_of(action) -> int:
    """The most bytes that Python and NumPy held while it ran."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
