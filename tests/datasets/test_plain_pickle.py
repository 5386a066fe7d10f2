"""The reader of plain pickles: it reads what data files hold, and nothing that a pickle can do happens."""

import collections
import datetime
import functools
import os
import pickle
import pickletools
import struct
import subprocess

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from cornu.datasets.plain_pickle import loads
from cornu.errors import CorruptFileError, UnsafeFileError

PROTOCOLS = (2, 3, 4, 5)

numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.booleans() | st.none()
leaves = numbers | st.text(max_size=300) | st.binary(max_size=300)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.dictionaries(st.text() | st.binary() | st.integers(), inner, max_size=6)
        | st.lists(inner, max_size=4).map(tuple)
    ),
    max_leaves=30,
)


@hypothesis.given(value=values, protocol=st.sampled_from(PROTOCOLS))
def test_plain_data(value, protocol):
    read = loads(pickle.dumps(value, protocol))
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "array",
    [
        np.arange(24, dtype="uint8").reshape(2, 3, 4),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array([[True], [False]]),
        np.arange(3, dtype=">i4"),
        np.float16([1.5]),
        np.zeros((0, 5), "int64"),
        np.array(7),
    ],
)
def test_arrays(array, protocol):
    read = loads(pickle.dumps(array, protocol))
    np.testing.assert_array_equal(read, array)
    assert (read.dtype, read.shape, read.flags.f_contiguous) == (array.dtype, array.shape, array.flags.f_contiguous)
    assert read.flags.writeable


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_of_objects(protocol):
    array = np.empty((2, 2), object)
    array[0, 0], array[0, 1], array[1, 0], array[1, 1] = [1, 2], [3, 4], [70000, -1], "text"
    read = loads(pickle.dumps({"x": [array, array]}, protocol))["x"]
    assert read[0] is read[1]
    assert read[0].dtype == object
    assert read[0].tolist() == array.tolist()


def old(text):
    """A text as Python 2 pickled it."""
    return b"U" + bytes([len(text)]) + text


def test_a_batch_as_python_2_wrote_it():
    """Byte for byte what Python 2's cPickle makes of {'data': uint8 array (2, 3), 'labels': [6, 9]} at protocol 2."""
    content = bytes(range(6))
    data = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85" + old(b"b") + b"\x87Rq\x03(K\x01K\x02K\x03\x86cnumpy\ndtype\nq\x04"
        + old(b"u1") + b"K\x00K\x01\x87Rq\x05(K\x03" + old(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T" + struct.pack("<I", 6) + content + b"tb"
    )  # fmt: skip
    batch = loads(b"\x80\x02}q\x00(" + old(b"data") + data + old(b"labels") + b"]q\x06(K\x06K\x09eu.")
    assert batch[b"labels"] == [6, 9]
    np.testing.assert_array_equal(batch[b"data"], np.arange(6, dtype="uint8").reshape(2, 3))
    assert batch[b"data"].dtype == np.uint8


# ── what pickles can do to their reader ──


class Calls:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


# by what the refusal names; Python 2's protocol has other names for some
EVIL = {
    r"asks for (posix|nt)\.system": Calls(os.system, "ls"),
    r"asks for (builtins|__builtin__)\.eval": Calls(eval, "1"),
    r"asks for (builtins|__builtin__)\.exec": Calls(exec, "1"),
    r"asks for (builtins|__builtin__)\.getattr": Calls(getattr, "a", "upper"),
    r"asks for (builtins|__builtin__)\.__import__": Calls(__import__, "os"),
    r"asks for (builtins|__builtin__)\.print": print,
    r"asks for (_?io)\.open": Calls(open, "/etc/passwd"),
    r"asks for (subprocess|commands)\.Popen": Calls(subprocess.Popen, "true"),
    r"asks for functools\.partial": functools.partial(print, 1),
    r"asks for collections\.OrderedDict": collections.OrderedDict(a=1),
    r"asks for datetime\.date": datetime.date(2026, 1, 1),
    r"asks for numpy.*\.load": Calls(np.load, "x.npy"),
    r"asks for numpy.*\.scalar": np.float32(1),
    r"asks for (builtins|__builtin__)\.set|instruction EMPTY_SET": {1, 2},
    r"asks for (builtins|__builtin__)\.complex": 1j,
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("reason", EVIL)
@pytest.mark.parametrize("place", ["alone", "in a list", "in a tuple", "in an array"])
def test_what_is_not_plain_is_refused_with_its_reason(reason, protocol, place):
    value = EVIL[reason]
    if place == "in a list":
        value = {"labels": [1, value]}
    elif place == "in a tuple":
        value = [(1, value)]
    elif place == "in an array":
        value = np.empty(1, object)
        value[0] = EVIL[reason]
    with pytest.raises(UnsafeFileError, match=reason):
        loads(pickle.dumps(value, protocol))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_happens(tmp_path, protocol):
    program = pickle.dumps([1, Calls(os.mkdir, str(tmp_path / "made"))], protocol)
    with pytest.raises(UnsafeFileError, match="mkdir"):
        loads(program)
    assert not (tmp_path / "made").exists()
    pickle.loads(program)  # the standard library's reader, for comparison
    assert (tmp_path / "made").exists()


def pushed(text):
    return b"\x8c" + bytes([len(text)]) + text


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (b"\x80\x02cos\nsystem\nU\x02ls\x85R.", "asks for os.system"),
        (b"\x80\x04" + pushed(b"os") + pushed(b"system") + b"\x93U\x02ls\x85R.", "asks for os.system"),
        (b"(ios\nsystem\n.", "instruction INST"),
        (b"(cos\nsystem\nU\x02lso.", "asks for os.system"),
        (b"(U\x02lso.", "instruction OBJ"),
        (b"\x80\x02U\x02ls)\x81.", "instruction NEWOBJ"),
        (b"\x80\x04U\x02ls)}\x92.", "instruction NEWOBJ_EX"),
        (b"\x80\x02\x82\x01.", "instruction EXT1"),
        (b"P1\n.", "instruction PERSID"),
        (b"\x80\x02K\x01Q.", "instruction BINPERSID"),
        (b"\x80\x05\x97.", "instruction NEXT_BUFFER"),
        (b"I01\n.", "instruction INT of the text protocol 0"),
        (b"\x80\x02\xff.", "0xff, which no pickle has"),
        (b"\x80\x02U\x02lsU\x02ls\x85R.", "calls what is no function"),
        (b"\x80\x02cnumpy\nndarray\nK\x02\x85\x85R.", "calls ndarray in a way"),
        (b"\x80\x02cnumpy\ndtype\nU\x03V16K\x00K\x01\x87R.", "calls dtype in a way"),
        (b"\x80\x02cnumpy\ndtype\nU\x05|S9,OK\x00K\x01\x87R.", "calls dtype in a way"),
        (b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aU\x03hex\x86R.", "calls encode in a way"),
        (b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncos\nsystem\nK\x00\x85U\x01b\x87R.", "asks for os.system"),
        (b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\ndtype\nK\x00\x85U\x01b\x87R.", "calls reconstruct in a way"),
        (b"\x80\x02c__builtin__\nbytes\nK\x05\x85R.", "calls bytes in a way"),
        (b"\x80\x02]}b.", "sets the state of what is no array"),
        (b"\x80\x02](cnumpy\nndarray\ne.", "puts among its data what is no data"),
        (b"\x80\x02}(U\x01acnumpy\ndtype\nu.", "puts among its data what is no data"),
        (b"\x80\x02cnumpy\ndtype\n.", "puts among its data what is no data"),
        (b"\x80\x02cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R.", "puts among its data what is no data"),
        (b"\x80\x02]cnumpy\ndtype\n\x85a.", "puts among its data what is no data"),
    ],
)
def test_programs_by_hand(program, reason):
    with pytest.raises(UnsafeFileError, match=reason.replace(".", "[.]")):
        loads(program)


def array_of(shape, kind, content, dtype_state=b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t"):
    """A pickled array that says what it likes."""
    dims = b"(" + b"".join(b"\x8a\x09" + n.to_bytes(9, "little", signed=True) for n in shape) + b"t"
    dtype = b"cnumpy\ndtype\n" + old(kind) + b"K\x00K\x01\x87R" + dtype_state + b"b"
    return (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85"
        + old(b"b")
        + b"\x87R(K\x01"
        + dims
        + dtype
        + b"\x89"
        + content
        + b"tb."
    )


def test_the_array_made_by_hand_is_read_where_it_is_honest():
    assert loads(array_of((2,), b"i2", old(b"\x01\x00\x02\x00"))).tolist() == [1, 2]


@pytest.mark.parametrize(
    "program",
    [
        array_of((10**12,), b"f8", old(b"12345678")),  # a terabyte announced, eight bytes there
        array_of((2**62, 4), b"u1", old(b"")),  # a product that wraps round in 64 bits
        array_of((-1,), b"u1", old(b"")),
        array_of((0, 2**63), b"u1", old(b"")),
        array_of((3,), b"O8", b"](K\x01K\x02e"),
        array_of((2,), b"O8", b"U\x02ab"),
        array_of((2,), b"u1", b"](K\x01K\x02e"),
        array_of((1,), b"u1", old(b"a"), b"(K\x03U\x01|K\x01NNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t"),  # a subarray
        array_of((1,), b"u1", old(b"a"), b"(K\x03U\x05|O,O,NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t"),
        b"\x80\x02T\xff\xff\xff\xffabc.",  # four gigabytes announced
        b"\x80\x02X\xff\xff\xff\x7fabc.",
        b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x7fabc.",
        b"\x80\x02h\x05.",  # nothing was put there
        b"\x80\x02e.",  # no mark
        b"\x80\x02\x85.",  # nothing to make a tuple of
        b"\x80\x02(K\x01.",  # a mark left
        b"\x80\x02K\x01K\x02.",  # two results
        b"\x80\x02K\x01K\x02a.",  # appended to a number
        b"\x80\x02](K\x01K\x02u.",  # entries set in a list
        b"\x80\x02}(K\x01u.",  # a key without a value
        b"\x80\x02}(]K\x02u.",  # a list as a key
        b"\x80\x01K\x01.",
        b"\x80\x06K\x01.",
        b".",
        b"",
    ],
)
def test_damage_is_told(program):
    with pytest.raises(CorruptFileError, match="A pickle must be whole"):
        loads(program)


SAMPLE = {
    "data": np.arange(12, dtype="uint8").reshape(3, 4),
    "labels": [1, 300, 70000, -1],
    "text": ("a", b"b", None, 1.5),
    "x": np.array([[1], [2, 3]], object),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_truncation_is_told(protocol):
    whole = pickle.dumps(SAMPLE, protocol)
    for length in range(len(whole)):
        with pytest.raises((CorruptFileError, UnsafeFileError)):
            loads(whole[:length])


@hypothesis.given(st.data())
@hypothesis.settings(max_examples=300)
def test_no_damage_gets_past_its_two_errors(data):
    """Whatever bytes come, the answer is plain data or one of the two refusals."""
    whole = bytearray(pickle.dumps(SAMPLE, data.draw(st.sampled_from(PROTOCOLS))))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        value = loads(bytes(whole))
    except (CorruptFileError, UnsafeFileError):
        return
    assert type(value) in {int, float, bool, type(None), str, bytes, list, dict, tuple, np.ndarray}


@hypothesis.given(st.binary(max_size=60))
@hypothesis.settings(max_examples=300)
def test_noise(noise):
    with pytest.raises((CorruptFileError, UnsafeFileError)):
        loads(b"\x80\x02" + noise + b"\xff")


def test_references_cost_no_memory():
    """The "billion laughs": each list holds the one before ten times, by reference."""
    value = ["laugh"]
    for _ in range(40):
        value = [value] * 10
    read = loads(pickle.dumps(value, 4))
    for _ in range(40):
        assert all(entry is read[0] for entry in read)
        read = read[0]
    assert read == ["laugh"]


def test_nesting_is_not_recursion():
    depth = 20_000
    read = loads(b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b".")
    for _ in range(depth - 1):
        (read,) = read
    assert read == []


def test_the_instructions_that_are_read_are_those_of_plain_data():
    """By their names in the standard library's table: a new entry must be thought about."""
    from cornu.datasets.plain_pickle import _HANDLERS

    names = {pickletools.code2op[chr(code)].name for code in _HANDLERS}
    assert names == {
        "PROTO", "FRAME", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BININT", "LONG1", "BINFLOAT", "SHORT_BINSTRING", "BINSTRING", "SHORT_BINBYTES",
        "BINBYTES", "BYTEARRAY8", "BINUNICODE", "SHORT_BINUNICODE", "EMPTY_LIST", "APPEND", "APPENDS", "EMPTY_DICT", "SETITEM", "SETITEMS",
        "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "BINPUT", "LONG_BINPUT", "MEMOIZE", "BINGET", "LONG_BINGET", "GLOBAL", "STACK_GLOBAL",
        "REDUCE", "BUILD",
    }  # fmt: skip
