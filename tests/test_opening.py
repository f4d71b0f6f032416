"""The door through which files are read: files only, no more than a limit, never waiting; and what tells of a disk."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from dlc2lp.errors import DiskTrouble, disk_error
from dlc2lp.files import NotRegular, TooLarge, digest, open_regular, read_bytes, read_text
from dlc2lp.wording import shown


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has these")
def test_what_is_no_file_is_neither_read_nor_waited_for(tmp_path: Path) -> None:
    pipe, listening = tmp_path / "pipe.png", tmp_path / "socket.csv"
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(tmp_path)  # the name of a socket may have about 100 bytes
        try:
            server.bind(listening.name)
        finally:
            os.chdir(here)
        endless = tmp_path / "zero.yaml"
        endless.symlink_to("/dev/zero")
        for path, kind in {
            pipe: "a named pipe",
            listening: "a socket",
            endless: "a device",
            tmp_path: "a folder",
        }.items():
            for opened in (open_regular, read_bytes, digest):
                with pytest.raises(NotRegular) as caught:
                    opened(path)
                assert caught.value.strerror == f"is {kind}, expected a file"
                assert caught.value.filename == str(path)


def test_no_more_is_read_than_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"a: 1\r\n")
    assert read_bytes(path, 6) == b"a: 1\r\n"
    assert read_text(path, 6) == "a: 1\n"
    with pytest.raises(TooLarge, match="has 6 bytes, and at most 5 are read of such a file"):
        read_bytes(path, 5)


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "none")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.ENOTCONN])
def test_trouble_of_a_disk_is_known_by_its_number_also_behind_another_error(number: int) -> None:
    with pytest.raises(ValueError, match="no image") as caught:
        try:
            raise OSError(number, os.strerror(number), "img0001.png")
        except OSError as error:
            raise ValueError("no image") from error
    found = disk_error(caught.value)
    assert found is not None
    told = DiskTrouble.from_error("img0001.png", found).findings[0]
    assert told.code == ("no-space" if number == errno.ENOSPC else "disk-failed")
    assert os.strerror(number) in told.message


def test_what_is_no_trouble_of_a_disk() -> None:
    assert disk_error(FileNotFoundError(errno.ENOENT, "No such file")) is None
    assert disk_error(TooLarge(errno.EINVAL, "has 6 bytes")) is None
    assert disk_error(ValueError("no image")) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mouse\x1b[2J", r"mouse\x1b[2J"),
        ("two\nlines\r", r"two\nlines\r"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202egpj.1", r"\u202egpj.1"),
        ("\udcff", r"\udcff"),
        ("a\u2028b", r"a\u2028b"),
        ("Mäuse 鼠 é 😀", "Mäuse 鼠 é 😀"),
    ],
)
def test_names_are_shown_and_not_acted_on(name: str, expected: str) -> None:
    assert shown(name) == expected
