"""The one unpickler: it builds what numpy and DeepLabCut write, and can be made to do nothing else."""

from __future__ import annotations

import copyreg
import io
import os
import pickle
import pickletools
import struct
import subprocess
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dlc2lp.dlc.unpickle import load_arrays, load_plain
from dlc2lp.errors import UnreadableFile
from dlc2lp.model import Severity

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "hdf"
BOTH = pytest.mark.parametrize("load", [load_plain, load_arrays])
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)

Loader = Callable[[bytes], object]


def refusal(load: Loader, data: bytes) -> Any:
    """The finding with which a pickle is refused; anything but UnreadableFile fails the test."""
    with pytest.raises(UnreadableFile) as caught:
        load(data)
    (finding,) = caught.value.findings
    assert finding.severity is Severity.ERROR
    return finding


# ---- what is read --------------------------------------------------------------------------------------------

INTEGERS = st.integers(-(2**63), 2**63 - 1)
SCALARS = (
    st.none()
    | st.booleans()
    | INTEGERS
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
PLAIN = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(SCALARS | st.tuples(SCALARS, SCALARS), inner)
    ),
    max_leaves=20,
)


@BOTH
@given(value=PLAIN, protocol=st.sampled_from(PROTOCOLS))
def test_plain_values(load: Loader, value: object, protocol: int) -> None:
    read = load(pickle.dumps(value, protocol))
    assert read == value
    assert repr(read) == repr(value)  # 1, 1.0 and True are equal, and not the same


@BOTH
@given(value=st.binary(min_size=1), protocol=st.sampled_from([3, 4, 5]))
def test_bytes(load: Loader, value: bytes, protocol: int) -> None:
    assert load(pickle.dumps([value], protocol)) == [value]
    assert load(pickle.dumps([bytearray(value)], 5)) == [value]


DTYPES = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="="),
    hnp.integer_dtypes(endianness=">"),
    hnp.unsigned_integer_dtypes(),
    hnp.floating_dtypes(endianness="="),
    hnp.floating_dtypes(endianness=">"),
    hnp.complex_number_dtypes(sizes=(64, 128)),
    hnp.byte_string_dtypes(min_len=1),
    hnp.unicode_string_dtypes(min_len=1),
).filter(lambda dtype: dtype.itemsize <= 8 or dtype.kind in "cSU")
ARRAYS = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))


@given(array=ARRAYS, axes=st.randoms(), protocol=st.sampled_from(PROTOCOLS))
def test_arrays(array: np.ndarray, axes: Any, protocol: int) -> None:
    """All types and orders in memory; below protocol 3 an empty array comes by way of ``bytes()``."""
    order = list(range(array.ndim))
    axes.shuffle(order)
    array = array.transpose(order)
    read: Any = load_arrays(pickle.dumps({"array": array, "again": [array]}, protocol))
    assert type(read["array"]) is np.ndarray
    assert read["again"][0] is read["array"]
    assert (read["array"].dtype, read["array"].shape) == (array.dtype, array.shape)
    assert read["array"].tobytes() == array.tobytes()
    assert read["array"].flags.writeable


@given(
    cells=st.lists(SCALARS | st.lists(INTEGERS) | ARRAYS, min_size=6, max_size=6),
    fortran=st.booleans(),
    protocol=st.sampled_from(PROTOCOLS),
)
def test_arrays_of_objects(cells: list[Any], fortran: bool, protocol: int) -> None:
    array = np.empty(6, object)
    for k, cell in enumerate(cells):
        array[k] = cell
    array = array.reshape(2, 3)
    read: Any = load_arrays(pickle.dumps(np.asfortranarray(array) if fortran else array, protocol))
    assert (type(read), read.dtype, read.shape) == (np.ndarray, np.dtype(object), (2, 3))
    assert [repr(cell) for cell in read.flat] == [repr(cell) for cell in array.flat]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "scalar", [np.float64(0.95), np.float32(1.5), np.int64(-7), np.uint8(7), np.bool_(True), np.str_("é")]
)
def test_numpy_scalars(scalar: Any, protocol: int) -> None:
    read = load_arrays(pickle.dumps(scalar, protocol))
    assert (type(read), read) == (type(scalar), scalar)


class Grid(np.ndarray):
    """A subclass, which a pickle would have to name."""


def test_subclasses_are_refused() -> None:
    assert "Grid" in refusal(load_arrays, pickle.dumps(np.arange(4.0).view(Grid))).message


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_documentation_pickle_of_python_3(protocol: int) -> None:
    """``auxiliaryfunctions.save_metadata``, single- and multi-animal."""
    joints = np.array([[0, 12, 34], [1, 250, 255]])
    image = {"image": ("labeled-data", "m4s1", "img0007.png"), "size": np.array([3, 480, 640]), "joints": joints}
    several = image | {"joints": {0: joints * 1.5, 1: joints[:1] * 0.5}}
    split = [[image, several], np.array([2, 0, 1]), np.array([3, -1]), 0.95]
    read: Any = load_arrays(pickle.dumps(split, protocol))
    assert read[0][0]["image"] == image["image"]
    assert np.array_equal(read[0][0]["joints"], joints)
    assert np.array_equal(read[0][1]["joints"][1], [[0, 6.0, 17.0]])
    assert read[1].tolist() == [2, 0, 1]
    assert read[3] == 0.95


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_documentation_pickle_of_python_2(protocol: int) -> None:
    """Written by real Python 2.7; see scripts/make_py2_fixtures."""
    with (FIXTURES / f"py2_split_protocol{protocol}.pickle").open("rb") as stream:
        data, train, test, fraction = load_arrays(stream)  # type: ignore[misc]
    assert data[0]["image"] == "labeled-data/été/img0007.png"
    assert data[0]["size"].tolist() == [3, 480, 640]
    assert data[0]["joints"].tolist() == [[0, 12, 34], [1, 250, 255]]
    assert (train.tolist(), test, float(fraction)) == ([2, 0, 1], [3, -1], 0.95)


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_stereo_pickle_of_python_2(protocol: int) -> None:
    read: Any = load_arrays((FIXTURES / f"py2_stereo_protocol{protocol}.pickle").read_bytes())
    pair = read["camera-1-camera-2"]
    assert pair["cameraMatrix1"].tolist() == [[532.8, 0, 342.5], [0, 532.9, 233.9], [0, 0, 1]]
    assert np.array_equal(pair["R"], np.arange(9).reshape(3, 3) * 0.1)
    assert pair["image_shape"] == [(640, 480), (640, 480)]
    assert bool(pair["mono"]) is True
    assert pair["names"].tolist() == ["left", "réctum"]


@BOTH
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"S'nose'\np0\n.", "nose"),
        (b'S"it\'s"\n.', "it's"),
        (rb"S'\xc3\xa9t\xc3\xa9'" + b"\n.", "été"),  # a UTF-8 source
        (rb"S'\xe9t\xe9'" + b"\n.", "été"),  # a Latin-1 source
        (rb"S'a\\b\n\t\'\x00'" + b"\n.", "a\\b\n\t'\0"),
        (b"U\x02\xc3\xa9.", "é"),
        (b"T\x02\x00\x00\x00ab.", "ab"),
        (b"(dp1\nI1\n(dp2\nS'names'\np5\n(lp6\nS'scorer'\nass.", {1: {"names": ["scorer"]}}),
        (b"(I1\nL2L\nI01\nF1.5\nNt.", (1, 2, True, 1.5, None)),
        (b"(K\x01K\x021K\x03.", 3),
        (b"K\x01K\x020.", 1),
        (b"K\x012\x86.", (1, 1)),
        (b"]q\x00h\x00a.", None),
    ],
)
def test_old_forms(load: Loader, data: bytes, expected: object) -> None:
    read: Any = load(data)
    if expected is None:  # a list that holds itself
        assert read[0] is read
    else:
        assert read == expected


# ---- what is refused -----------------------------------------------------------------------------------------


class Runs:
    """Calls something when it is unpickled."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


@BOTH
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_code_is_named_and_not_run(tmp_path: Path, load: Loader, protocol: int) -> None:
    marker = tmp_path / "code-was-run"
    harmful = [
        (Runs(os.mkdir, str(marker)), "mkdir"),
        (Runs(exec, f"import os; os.mkdir({str(marker)!r})"), "builtins.exec" if protocol > 2 else "__builtin__.exec"),
        (Runs(subprocess.check_call, ["mkdir", str(marker)]), ".check_call"),
        (Runs(getattr, "a", "join"), "getattr"),
        (Runs(np.random.default_rng), "numpy.random"),
        (Runs(np.lib.npyio.NpzFile, str(marker)), "NpzFile"),
        (Runs(np.fromfile, str(marker)), "fromfile"),
        (Decimal(1), "decimal.Decimal"),
        (Path("a"), "pathlib"),
        (Severity.ERROR, "dlc2lp.model.Severity"),
    ]
    for value, name in harmful:
        for hidden in (value, [1, {"a": (value,)}]):
            finding = refusal(load, pickle.dumps(hidden, protocol))
            assert finding.code == "unsafe-pickle"
            assert name in finding.message
            assert "nothing in it was run" in finding.message
    assert not marker.exists()
    pickle.loads(pickle.dumps(Runs(os.mkdir, str(marker)), protocol))  # the control
    assert marker.exists()


@pytest.mark.parametrize("value", [np.arange(3), np.float64(1), np.dtype("f8"), np.array([None])], ids=repr)
def test_attributes_hold_no_arrays(value: object) -> None:
    assert "numpy" in refusal(load_plain, pickle.dumps(value)).message


@BOTH
@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"Pid\n.", "PERSID id"),
        (b"K\x01Q.", "BINPERSID"),
        (b"(ios\nsystem\n.", "INST os system"),
        (b"(cos\nsystem\no.", "os.system"),
        (b"(K\x01o.", "OBJ"),
        (b"K\x01)\x81.", "NEWOBJ"),
        (b"K\x01)}\x92.", "NEWOBJ_EX"),
        (b"\x82\x01.", "EXT1 1"),
        (b"\x83\x01\x00.", "EXT2"),
        (b"\x84\x01\x00\x00\x00.", "EXT4"),
        (b"cos\nsystem\n(S'echo'\ntR.", "os.system"),
        (b"\x8c\x02os\x8c\x06system\x93.", "os.system"),
        (b"cnumpy\nndarray extra\n.", "numpy.ndarray extra"),
        (b"c\x1b[2Jos\nsystem\n.", r"\x1b[2Jos.system"),
        (b"c\xc3\xa9\nsystem\n.", "é.system"),
    ],
)
def test_other_ways_to_make_objects(load: Loader, data: bytes, named: str) -> None:
    finding = refusal(load, data)
    assert finding.code == "unsafe-pickle"
    assert named in finding.message


def test_the_extension_registry_is_not_used() -> None:
    copyreg.add_extension("builtins", "exec", 240)
    try:
        assert refusal(load_arrays, b"\x82\xf0(S'1'\ntR.").code == "unsafe-pickle"
    finally:
        copyreg.remove_extension("builtins", "exec", 240)


@BOTH
@pytest.mark.parametrize(
    "data",
    [
        b"", b".", b"K", b"N", b"\xff.", b"K\x01", b"0.", b"1.", b"t.", b"a.", b"s.", b"(K\x01d.", b"(K\x01K\x02",
        b"(.", b"]K\x01s.", b"}K\x01a.", b"NK\x01a.", b"h\x05.", b"g5\n.", b"gx\n.", b"I1x\n.", b"I1", b"Fx\n.",
        b"Snose\n.", b"S'nose\n.", b"S'\n.", rb"S'\q'" + b"\n.", b"S'\\'\n.", rb"S'\x4'" + b"\n.",
        b"X\xff\xff\xff\x7fab.", b"\x8e" + b"\xff" * 8 + b"ab.", b"\x8e" + struct.pack("<Q", 2**40) + b"ab.",
        b"\x96" + struct.pack("<Q", 2**40) + b".", b"B\xff\xff\xff\xffab.", b"X\x01\x00\x00\x00\xff.",
        b"\x8f.", b"\x97.", b"N\x98.", b"}}b.", b"N)R.", b"K\x01K\x02\x93.",
        b"\x8a\x0a" + b"\x01" * 10 + b".", b"\x8b\x04\x00\x00\x01\x01\x01\x01\x01.", b"L" + b"9" * 30 + b"L\n.",
        b"L" + b"9" * 9000 + b"L\n.", b"}]K\x01s.", b"}}K\x01s.", b"}((K\x01ttK\x01s.", b"\x80\x04\x95\xff",
    ],
)  # fmt: skip
def test_damage(load: Loader, data: bytes) -> None:
    finding = refusal(load, data)
    assert finding.code == "broken-pickle"
    assert finding.message.startswith("found a damaged pickle")


def array_pickle(
    shape: object,
    code: str,
    content: object,
    state: tuple[Any, ...] = (3, "<", None, None, None, -1, -1, 0),
    fortran: object = False,
) -> bytes:
    """A pickle as numpy writes it, of parts that numpy would not put together."""

    def body(value: object) -> bytes:
        return pickle.dumps(value, 2)[2:-1]

    dtype = b"cnumpy\ndtype\n" + body(code) + b"\x89\x88\x87R" + body(state) + b"b"
    made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    given_bytes = b"C" + bytes([len(content)]) + content if isinstance(content, bytes) else body(content)
    return b"\x80\x03" + made + b"(K\x01" + body(shape) + dtype + body(fortran) + given_bytes + b"tb."


def test_the_hand_made_array_is_right() -> None:
    read: Any = load_arrays(array_pickle((2, 2), "i2", b"\x01\x00\x02\x00\x03\x00\x04\x00"))
    assert read.tolist() == [[1, 2], [3, 4]]
    read = load_arrays(array_pickle((2, 2), "i2", b"\x01\x00\x02\x00\x03\x00\x04\x00", fortran=True))
    assert read.tolist() == [[1, 3], [2, 4]]
    read = load_arrays(array_pickle((2,), "O8", [None, "a"], (3, "|", None, None, None, -1, -1, 63)))
    assert read.tolist() == [None, "a"]


@pytest.mark.parametrize(
    "data",
    [
        # numpy reads foreign memory here: the list is shorter than the array
        array_pickle((200_000,), "O8", [1, 2, 3]),
        array_pickle((2**40,), "O8", []),
        array_pickle((2**40,), "f8", b""),
        array_pickle((2**40,), "f8", b"12345678"),
        array_pickle((2**62, 2**62), "f8", b""),
        array_pickle((0, 2**62), "f8", b""),
        array_pickle((-1,), "f8", b""),
        array_pickle((1,) * 70, "f8", b"12345678"),
        array_pickle((True,), "f8", b"12345678"),
        array_pickle((1.0,), "f8", b"12345678"),
        array_pickle([1], "f8", b"12345678"),
        array_pickle((1,), "f8", "12345678"),
        array_pickle((1,), "f8", [1.0]),
        array_pickle((1,), "O8", b"12345678"),
        array_pickle((2**40,), "S0", b""),
        array_pickle((1,), "V8", b"12345678"),
        array_pickle((1,), "M8", b"12345678"),
        array_pickle((1,), "f8,O", b"12345678"),
        array_pickle((1,), "(2,)f8", b"12345678"),
        array_pickle((1,), "f3", b"123"),
        array_pickle((1,), "f8", b"12345678", (3, "x", None, None, None, -1, -1, 0)),
        array_pickle((1,), "f8", b"12345678", (3, "<", None, ("a",), {"a": ("O", 999)}, 8, 8, 0)),
        array_pickle((1,), "f8", b"12345678", (3, "<", ("f8", (1000,)), None, None, -1, -1, 0)),
        array_pickle((1,), "f8", b"12345678", ()),
        array_pickle((1,), "f8", b"12345678", fortran=None),
        b"cnumpy\nndarray\n(K\x01tR.",
        b"cnumpy\nndarray\n.",
        b"cnumpy\ndtype\n(U\x02f8tR.",
        b"cnumpy\ndtype\n(tR.",
        b"]cnumpy\ndtype\na.",
        b"cnumpy.core.multiarray\n_reconstruct\n(NNNtR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(NNNtR(K\x01tb.",
        b"cnumpy.core.numeric\n_frombuffer\n(tR.",
        b"cnumpy.core.numeric\n_frombuffer\n(C\x01aNNNtR.",
        b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x05\x00\x00\x00utf-8tR.",
        b"c_codecs\nencode\n(X\x02\x00\x00\x00\xc4\x80X\x06\x00\x00\x00latin1tR.",
        b"c_codecs\nencode\n(K\x01tR.",
        b"c__builtin__\nbytes\n(K\x01tR.",
    ],
)  # fmt: skip
def test_arrays_that_numpy_does_not_write(data: bytes) -> None:
    assert refusal(load_arrays, data).code == "broken-pickle"


@pytest.mark.parametrize(
    "data",
    [
        b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(U\x02O8\x89\x88tRC\x0812345678tR.",
        b"cnumpy.core.numeric\n_frombuffer\n(C\x0812345678cnumpy\ndtype\n(U\x02O8\x89\x88tR(K\x01tU\x01CtR.",
    ],
)
def test_addresses_are_not_taken_for_objects(data: bytes) -> None:
    assert refusal(load_arrays, data).code == "unsafe-pickle"


# ---- what takes too much -------------------------------------------------------------------------------------


@BOTH
def test_a_deep_key_does_not_overflow_the_stack(load: Loader) -> None:
    """Python's own unpickler dies of this: SIGSEGV, not an exception."""
    assert refusal(load, b"})" + b"\x85" * 200_000 + b"Ns.").code == "broken-pickle"


@BOTH
def test_deep_values_can_be_loaded_and_freed(load: Loader) -> None:
    depth, value = 0, load(b"]" * 200_000 + b"a" * 199_999 + b".")
    while isinstance(value, list) and value:
        depth, value = depth + 1, value[0]
    assert depth == 199_999


@BOTH
@pytest.mark.parametrize("put", [b"r\xff\xff\xff\xff", b"p99999999999\n"])
def test_a_large_index_takes_no_memory(load: Loader, put: bytes) -> None:
    """Python 3.13's own unpickler allocates 64 GB here."""
    assert load(b"K\x07" + put + b".") == 7


@BOTH
def test_a_list_of_lists_of_itself_is_no_work(load: Loader) -> None:
    """30 doublings: a billion cells for whoever walks them, 31 lists for whoever only builds them."""
    data = b"]" + b"".join(b"\x94](h%ch%ce" % (k, k) for k in range(30)) + b"."
    start = time.perf_counter()
    assert isinstance(load(data), list)
    assert time.perf_counter() - start < 5


def test_bytes_are_not_multiplied(monkeypatch: pytest.MonkeyPatch) -> None:
    """One string of bytes, made into an array a thousand times."""
    monkeypatch.setenv("DLC2LP_MEMORY_GB", "0.1")
    block = b"\x01" * 100_000
    dtype = b"cnumpy\ndtype\nU\x02u1\x89\x88\x87R(K\x03U\x01|NNNK\x01K\x01K\x00tb\x94"
    made = b"cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    array = made + b"(K\x01J\xa0\x86\x01\x00\x85h\x01\x89h\x00tb"
    head = b"B" + struct.pack("<I", len(block)) + block + b"\x940" + dtype + b"0"
    read: Any = load_arrays(head + b"](" + array * 3 + b"e.")
    assert [len(one) for one in read] == [100_000] * 3
    assert refusal(load_arrays, head + b"](" + array * 1000 + b"e.").code == "pickle-too-large"


def test_large_pickles(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pickle.dumps(np.arange(1000))
    monkeypatch.setenv("DLC2LP_MEMORY_GB", "0.00001")  # of a pickle 1280 bytes, of its values 6000
    assert refusal(load_arrays, data).code == "pickle-too-large"
    assert refusal(lambda data: load_arrays(io.BytesIO(data)), data).code == "pickle-too-large"
    finding = refusal(load_plain, b"](" + b"]" * 1000 + b"e.")
    assert finding.code == "pickle-too-large"
    assert "of values" in finding.message
    assert "DLC2LP_MEMORY_GB" in finding.hint


def test_an_endless_file_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            assert size >= 0, "asked for all of it"
            return b"]" * size

    monkeypatch.setenv("DLC2LP_MEMORY_GB", "0.0001")
    assert refusal(load_arrays, Endless()).code == "pickle-too-large"  # type: ignore[arg-type]


def test_place_and_file_are_told() -> None:
    with pytest.raises(UnreadableFile) as caught:
        load_plain(b"cos\nsystem\n.", "a.h5", "/df, attribute info")
    (finding,) = caught.value.findings
    assert (finding.subject, finding.where) == ("a.h5", "/df, attribute info")


# ---- damage at random ----------------------------------------------------------------------------------------

ORIGINALS = [
    pickle.dumps(value, protocol)
    for protocol in PROTOCOLS
    for value in (
        [1, "a", None, {"a": (1, 2.5)}],
        np.arange(6.0).reshape(2, 3),
        np.array([["a", None], [1, [2]]], object),
        {"x": np.float64(1), "y": [np.arange(3)]},
        np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
    )
]
OPERATIONS = st.sampled_from([operation.code.encode("latin-1") for operation in pickletools.opcodes])
PATCHES = st.tuples(
    st.integers(0, 400), st.integers(0, 4), OPERATIONS | st.binary(max_size=6) | st.sampled_from(ORIGINALS)
)


@BOTH
@given(original=st.sampled_from(ORIGINALS), patches=st.lists(PATCHES, max_size=6))
def test_damage_is_a_finding_and_no_traceback(
    load: Loader, original: bytes, patches: list[tuple[int, int, bytes]]
) -> None:
    data = bytearray(original)
    for place, length, patch in patches:
        begin = place % (len(data) + 1)
        data[begin : begin + length] = patch
    try:
        load(bytes(data))
    except UnreadableFile as error:
        assert error.findings[0].code in {"broken-pickle", "unsafe-pickle", "pickle-too-large"}


def test_no_unpickler_of_pythons_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise AssertionError("Python's own unpickler was called")

    data = pickle.dumps([np.arange(3), {"a": 1}])
    for name in ("load", "loads", "Unpickler", "_Unpickler"):
        monkeypatch.setattr(pickle, name, fail)
    load_arrays(data)
