"""Opens HDF5 files, and reads what they store as no more than numbers and text; what h5py raises becomes a finding."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from h5py import h5a, h5t

from dlc2lp.disks import ask_to_read
from dlc2lp.errors import UnreadableFile, raise_disk_trouble
from dlc2lp.files import NotRegular, open_regular
from dlc2lp.model import Setting

_MAX_ATTRIBUTE_BYTES: Final = 2**26


def not_readable(code: str, subject: str, message: str, where: str = "") -> UnreadableFile:
    """Return the error for a file that a backup or the CSV beside it must replace."""
    advice = "restore it from a backup or, if its CSV is there, go by that: {}"
    remedies = (Setting("labels", ("csv",)),)
    return UnreadableFile.of(code, subject, message, where=where, advice=advice, remedies=remedies)


#: How HDF5 says that a copy was aborted, in words of its own insides.
_CUT_OFF = re.compile(r"truncated file: eof = ([0-9]+),.* stored_eof = ([0-9]+)")


@contextmanager
def reading(subject: str, where: str = "") -> Iterator[None]:
    """Turn what h5py raises over a damaged file into a finding; DiskTrouble where the disk of the file is to blame."""
    try:
        yield
    except (OSError, RuntimeError, LookupError, TypeError, ValueError, OverflowError, MemoryError) as error:
        ask_to_read(Path(subject))
        cut = _CUT_OFF.search(str(error))
        found = f"a file that is cut off: {cut[1]} of {cut[2]} bytes" if cut else f"damaged HDF5 ({shown(str(error))})"
        message = f"found {found}, expected a label file"
        raise not_readable("h5-unreadable", subject, message, where) from error


def opened(path: Path) -> Any:
    """The open file. HDF5 itself would wait for the other end of a pipe, and has no word for an empty file."""
    problem = ""
    try:
        with open_regular(path) as file:
            if not file.read(1):
                problem = "found an empty file (0 bytes)"
    except FileNotFoundError:
        problem = "found no such file"
    except NotRegular as error:
        raise not_readable("h5-unreadable", str(path), error.strerror) from error
    except OSError as error:
        raise_disk_trouble(path, error)
        problem = f"found a file that can't be opened ({error.strerror})"
    if not problem and not _is_hdf5(path):
        ask_to_read(path)
        problem = "found a file of another kind"
    if problem:
        raise not_readable("h5-unreadable", str(path), f"{problem}, expected HDF5")
    with reading(str(path)):
        # A lock fails on some network shares, and would keep the lab's own programs from saving.
        return h5py.File(path, "r", locking=False)


def _is_hdf5(path: Path) -> bool:
    try:
        return bool(h5py.is_hdf5(path))
    except OSError as error:
        raise_disk_trouble(path, error)
        return False


def shown(value: object) -> str:
    """Something from a hostile file, fit for a terminal: one line without control characters, not too long."""
    # reprlib, since a pickle of 100 bytes can hold a list whose text would fill the memory
    text = " ".join((value if isinstance(value, str) else reprlib.repr(value)).split())
    return (text if text.isprintable() else ascii(text))[:200]


def attributes(node: Any) -> list[Any]:
    """All attributes of a group or array, opened. Raises what h5py raises."""
    return [h5a.open(node.id, index=number) for number in range(h5a.get_num_attrs(node.id))]


def raw_attribute(attribute: Any) -> bytes | int | float:
    """What an opened attribute stores. Raises what h5py raises, and TypeError for lists and odd types."""
    shape, data_type = attribute.shape, attribute.get_type()
    if shape is None:  # PyTables' empty text
        return b""
    if shape == () and is_fixed_text(data_type) and data_type.get_size() <= _MAX_ATTRIBUTE_BYTES:
        text = np.zeros((), f"S{data_type.get_size()}")
        attribute.read(text, mtype=data_type)  # whichever encoding it says it is in
        return bytes(text.item())
    if _is_scalar(data_type) and attribute.get_storage_size() <= _MAX_ATTRIBUTE_BYTES:
        # What has been opened is read, since ``node.attrs[name]`` would open it once more.
        value = np.zeros(attribute.shape, attribute.dtype)
        if value.size != 1:
            raise TypeError("an attribute that is a list")
        attribute.read(value)
        plain = value.item()
        if isinstance(plain, bytes | int | float):
            return plain
    raise TypeError("an attribute that is neither text nor a number")


def is_fixed_text(data_type: Any) -> bool:
    """Whether an HDF5 type is text of fixed length, in which PyTables keeps pickles too."""
    return data_type.get_class() == h5t.STRING and not data_type.is_variable_str()


def _is_scalar(data_type: Any) -> bool:
    """Whether an HDF5 type is a number or text of fixed length."""
    kind = data_type.get_class()
    return is_fixed_text(data_type) or kind in (h5t.INTEGER, h5t.FLOAT, h5t.ENUM, h5t.BITFIELD)


def is_simple(data_type: Any) -> bool:
    """Whether an HDF5 type is a scalar, or a record of scalars and arrays of scalars."""
    if data_type.get_class() != h5t.COMPOUND:
        return _is_scalar(data_type)
    members = [data_type.get_member_type(k) for k in range(data_type.get_nmembers())]
    return all(_is_scalar(m.get_super() if m.get_class() == h5t.ARRAY else m) for m in members)


def is_byte_list(data_type: Any) -> bool:
    """Whether an HDF5 type is a list of bytes of any length, in which PyTables keeps a pickled object."""
    element = data_type.get_super() if data_type.get_class() == h5t.VLEN else None
    return bool(element and element.get_class() == h5t.INTEGER and element.get_size() == 1)
