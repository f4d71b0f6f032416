"""Things that stand where an ordinary file should, and contents that are made to harm."""

from __future__ import annotations

import os
import pickle
import socket
from collections.abc import Callable
from pathlib import Path

from ordeals.binaries import big_png
from ordeals.trees import remove

Make = Callable[[Path], object]


def _socket(path: Path) -> None:
    """A socket; its path may be no longer than 100 characters, so it is bound from inside its folder."""
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(before)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


def _loop(path: Path) -> None:
    other = path.with_name("loop")
    path.symlink_to(other.name)
    other.symlink_to(path.name)


#: What is no ordinary file, or one that never ends.
KINDS: dict[str, Make] = {
    "a named pipe": os.mkfifo,
    "a socket": _socket,
    "a link to /dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "a link to a file that fails to be read": lambda path: path.symlink_to("/proc/self/mem"),
    "a folder": Path.mkdir,
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a loop of links": _loop,
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a terabyte of nothing": _sparse,
    "an empty file": lambda path: path.write_bytes(b""),
    "bytes that are no text": lambda path: path.write_bytes(b"\xff\xfe\x00\xd8" * 50),
}


def put(kind: str, path: Path) -> None:
    """Put such a thing in the place of a file."""
    remove(path)
    KINDS[kind](path)


class _RunsCode:
    """What becomes a call of a program where it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self._canary = canary

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return os.mkdir, (str(self._canary),)


def evil_pickle(canary: Path) -> bytes:
    """Return a pickle that makes a folder where it is loaded."""
    return pickle.dumps({"data": _RunsCode(canary)}, protocol=2)


def alias_bomb() -> bytes:
    """Return a YAML text of a kilobyte that is a gigabyte of names."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    return ("\n".join(lines) + "\nbodyparts: *a9\nTask: x\nscorer: Anna\n").encode()


def evil_hdf(canary: Path) -> bytes:
    """Return an HDF5 file as pandas would have written it, with code where pandas unpickles."""
    import io

    import h5py
    import numpy as np

    held = io.BytesIO()
    with h5py.File(held, "w") as file:
        group = file.create_group("df_with_missing")
        for name in ("pandas_type", "encoding", "errors", "values_cols", "nan_rep", "info", "axis0_names"):
            group.attrs[name] = np.void(evil_pickle(canary))
        group.attrs["pandas_type"] = b"frame"
        group.attrs["info"] = np.void(evil_pickle(canary))
        group["block0_values"] = np.zeros((2, 2))
    return held.getvalue()


def huge_hdf(path: Path) -> None:
    """Give the labels of an HDF5 file 17 thousand million rows that were never written."""
    import h5py

    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        name = next(each for each in names if each.endswith("block0_values"))
        kind = file[name].dtype
        del file[name]
        file.create_dataset(name, (2**34, 4), kind, chunks=(1024, 4), compression="gzip")


def outside_hdf(path: Path, precious: Path) -> None:
    """Have the labels of an HDF5 file lie in a file outside of the project."""
    import h5py

    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        name = next(each for each in names if each.endswith("block0_values"))
        del file[name]
        file.create_dataset(name, (1,), "u1", external=[(os.fsencode(precious), 0, 1)])


def huge_jpeg() -> bytes:
    """Return the head of a JPEG of 65,500 by 65,500 pixels, and nothing behind it."""
    head = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
    return (
        head
        + b"\xff\xc0\0\x11\x08\xff\xdc\xff\xdc\3\1\x22\0\2\x11\1\3\x11\1"
        + b"\xff\xda\0\x0c\3\1\0\2\x11\3\x11\0\x3f\0"
        + bytes(500)
    )


def huge_png() -> bytes:
    """Return a PNG that says 100,000 by 100,000 pixels."""
    return big_png(100_000, 100_000)


def huge_avi(clip: bytes) -> bytes:
    """Return an AVI whose heads say 60,000 by 60,000 pixels."""
    made = bytearray(clip)
    size = (60_000).to_bytes(4, "little")
    main, stream = clip.index(b"avih"), clip.index(b"strf")
    made[main + 8 + 32 : main + 8 + 40] = size + size
    made[stream + 8 + 4 : stream + 8 + 12] = size + size
    return bytes(made)


def playlists(precious: Path) -> dict[str, bytes]:
    """Return texts that name other files, by what they are: libavformat opens those where it may."""
    listed = f"file:{precious}".encode()
    return {
        "HLS": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n" + listed + b"\n#EXT-X-ENDLIST\n",
        "HLS over the net": b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n",
        "concat": b"ffconcat version 1.0\nfile '" + os.fsencode(precious) + b"'\n",
        "SDP": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        "DASH": b'<?xml version="1.0"?><MPD><Period><AdaptationSet><Representation><BaseURL>'
        + listed
        + b"</BaseURL></Representation></AdaptationSet></Period></MPD>",
    }
