"""DeepLabCut's label files in HDF5, read without running anything that they hold.

The layout is that of ``pandas.DataFrame.to_hdf`` (``pandas/io/pytables.py``): a group with the attribute
``pandas_type``, either ``frame_table`` (one table of records; DeepLabCut's first labeling GUI) or ``frame``
(arrays for both axes and for each block of columns; all else). PyTables underneath pickles what HDF5 has no type
for, and unpickles every attribute of every node that it touches, so ``pandas.read_hdf`` runs code from any of
them. Here h5py reads the attributes that are needed; pickles go through :mod:`dlc2lp.dlc.unpickle`. No file can
make this reader open another file, or allocate what it only claims to hold.
"""

from __future__ import annotations

import math
import re
import reprlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dlc2lp.dlc.table import COLUMN_LEVELS, RawTable
from dlc2lp.dlc.unpickle import load_arrays, load_plain
from dlc2lp.errors import UnreadableFile
from dlc2lp.model import Finding, Severity
from dlc2lp.wording import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: DeepLabCut's own key, then that of napari-deeplabcut until 2023 (DeepLabCut issue #2572).
PREFERRED_KEYS: Final = ("df_with_missing", "keypoints")

#: Names of unnamed column levels, by their number.
_USUAL_LEVELS: Final = {
    2: ("bodyparts", "coords"),
    3: ("scorer", "bodyparts", "coords"),
    4: ("scorer", "individuals", "bodyparts", "coords"),
}
_COORDS: Final = {"x", "y", "likelihood"}

_MAX_ARRAY_BYTES: Final = 2**30  # 80 000 labeled frames of 500 keypoints with their likelihood
_MAX_NAMES: Final = 2**22  # rows or columns
_MAX_ATTRIBUTE_BYTES: Final = 2**26
_MAX_LEVELS: Final = 16
_MAX_GROUPS: Final = 1000

_RESTORE: Final = "restore it from a backup, or go by the CSV: --labels csv"
_REPACK: Final = "ptrepack --complib=zlib OLD.h5:/ NEW.h5:/"


@dataclass(frozen=True)
class HdfLabels:
    """What one label file holds.

    Attributes
    ----------
    table
        Rows and columns, values of shape (R, C).
    key
        The data frame that was read.
    keys
        All data frames in the file, ``key`` among them.
    findings
        Several keys, unnamed levels, names that are not UTF-8, attributes in which code hides.
    """

    table: RawTable
    key: str
    keys: tuple[str, ...]
    findings: tuple[Finding, ...]


def read_hdf(path: Path) -> HdfLabels:
    """Read a ``CollectedData*.h5`` or ``machinelabels*.h5`` of any DeepLabCut, those of Python 2 included.

    Of several data frames it reads ``df_with_missing``, else ``keypoints``, else the first by name.

    Parameters
    ----------
    path
        The file. No lock is taken, so it may lie on a read-only share.

    Returns
    -------
    HdfLabels
        What ``pandas.read_hdf`` gives for the same key, with names as text and values as float64.

    Raises
    ------
    UnreadableFile
        ``h5-unreadable``: no such file, no HDF5, truncated, damaged. ``h5-aborted``: something was never written.
        ``h5-no-labels``: no data frame, or one without bodyparts and coords. ``h5-not-numbers``: a value is no
        number. ``h5-unsafe``: code in a needed pickle, or data that lie in another file. ``h5-compression``: a
        filter that HDF5 itself does not have. ``h5-too-large``: larger than labels can be.
    """
    source = _Source(str(path))
    with _opened(path) as file:
        root = _Node(file, "/")
        frames = source.frames(root)
        key = next((key for key in PREFERRED_KEYS if key in frames), min(frames))
        group, pandas_type = frames[key]
        frame = _table_frame(source, group) if pandas_type == "frame_table" else _fixed_frame(source, group)
        table = _raw_table(source, frame, group.path)
        source.report_hidden_code(root, group)
    if len(frames) > 1:
        # convert2_maDLC adds its key to the file of napari-deeplabcut (DeepLabCut issue #2377)
        found = ", ".join(repr(name) for name in sorted(frames))
        message = f"found the data frames {found}, expected one; {key!r} is read"
        source.note(Severity.NOTE, "h5-several-keys", message)
    return HdfLabels(table, key, tuple(sorted(frames)), tuple(source.findings))


# ---- HDF5 that nobody vouches for ----------------------------------------------------------------------------


@contextmanager
def _reading(subject: str, where: str = "") -> Iterator[None]:
    """Turn what h5py raises over a damaged file into a finding."""
    try:
        yield
    except (OSError, RuntimeError, LookupError, TypeError, ValueError, OverflowError, MemoryError) as error:
        cut = _CUT_OFF.search(str(error))
        found = f"a file that is cut off: {cut[1]} of {cut[2]} bytes" if cut else f"damaged HDF5 ({_shown(str(error))})"
        message = f"found {found}, expected a label file"
        raise UnreadableFile.of("h5-unreadable", subject, message, where=where, advice=_RESTORE) from error


#: How HDF5 says that a copy was aborted, in words of its own insides.
_CUT_OFF = re.compile(r"truncated file: eof = ([0-9]+),.* stored_eof = ([0-9]+)")


def _opened(path: Path) -> Any:
    """The open file. HDF5 itself would wait for the other end of a pipe, and has no word for an empty file."""
    import h5py

    problem = ""
    try:
        if not path.is_file():
            problem = "no such file"
        elif not path.stat().st_size:
            problem = "an empty file (0 bytes)"
        else:
            path.open("rb").close()
    except OSError as error:
        problem = f"a file that can't be opened ({error.strerror})"
    if not problem and not h5py.is_hdf5(path):
        problem = "a file of another kind"
    if problem:
        raise UnreadableFile.of("h5-unreadable", str(path), f"found {problem}, expected HDF5", advice=_RESTORE)
    with _reading(str(path)):
        # A lock fails on some network shares, and would keep the lab's own programs from saving.
        return h5py.File(path, "r", locking=False)


@dataclass(frozen=True)
class _Node:
    """A group or an array and its path, which a damaged file can't always tell.

    Attributes
    ----------
    item
        h5py's group or dataset.
    path
        Its place in the file.
    """

    item: Any
    path: str

    def below(self, name: str) -> str:
        """Path of a child."""
        return f"{self.path.rstrip('/')}/{name}"

    def attribute(self, name: str) -> str:
        """An attribute as a place in findings."""
        return f"{self.path}, attribute {name}"


class _Source:
    """Reads groups, attributes and arrays of one file, and collects findings about it.

    Only hard links are followed, only simple types are read, and nothing is allocated before its size is known
    to be sane.

    Parameters
    ----------
    subject
        The file, for findings.
    """

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.findings: list[Finding] = []

    def error(self, code: str, message: str, where: str = "", advice: str = _RESTORE) -> UnreadableFile:
        """Why this file can't be read, to be raised."""
        return UnreadableFile.of(code, self.subject, message, where=where, advice=advice)

    def note(self, severity: Severity, code: str, message: str, where: str = "", advice: str = "") -> None:
        """Keep a finding about a file that can be read."""
        finding = Finding(severity, code, self.subject, message, where, advice)
        if finding not in self.findings:
            self.findings.append(finding)

    def frames(self, root: _Node) -> dict[str, tuple[_Node, str]]:
        """Every data frame: its key -> its group and ``pandas_type``."""
        import h5py

        found: dict[str, tuple[_Node, str]] = {}
        link = ""
        todo = deque([root])
        seen: set[Any] = set()
        while todo:
            group = todo.popleft()
            for name in self._children(group):
                if not self._is_hard_link(group, name):
                    link = group.below(name)
                    continue
                child = self._child(group, name)
                with _reading(self.subject, child.path):
                    if not isinstance(child.item, h5py.Group) or child.item in seen:
                        continue  # a group may hold itself
                    seen.add(child.item)
                if len(seen) > _MAX_GROUPS:
                    raise self.error("h5-too-large", f"found more than {_MAX_GROUPS} groups, expected a few")
                pandas_type = self.attribute(child, "pandas_type")
                if pandas_type in ("frame", "frame_table"):
                    found[child.path.removeprefix("/")] = (child, str(pandas_type))
                elif pandas_type is None:
                    todo.append(child)  # a key may be "a/b"; below a frame lie its own nodes alone
        if not found and link:
            raise self._link_error(link)
        if not found:
            raise self.error("h5-no-labels", "found no data frame, expected the key 'df_with_missing'")
        return found

    def node(self, group: _Node, name: str) -> _Node:
        """A dataset that a data frame needs."""
        import h5py

        where = group.below(name)
        with _reading(self.subject, where):
            is_there = group.item.id.links.exists(name.encode())
        if not is_there:
            # pandas makes the group, refuses to write 3-level rows as a table, and leaves the group behind
            message = f"found no array {name!r}, expected one: the file was not written to its end"
            raise self.error("h5-aborted", message, group.path)
        if not self._is_hard_link(group, name):
            raise self._link_error(where)
        node = self._child(group, name)
        if not isinstance(node.item, h5py.Dataset):
            raise self.error("h5-unreadable", "found no array, expected one", where)
        self._check_storage(node)
        self._check_size(node)
        return node

    def _children(self, group: _Node) -> list[str]:
        with _reading(self.subject, group.path):
            # h5py leaves names as bytes that are no UTF-8; pandas has none such
            return [name for name in group.item if isinstance(name, str)]

    def _child(self, group: _Node, name: str) -> _Node:
        with _reading(self.subject, group.below(name)):
            return _Node(group.item[name], group.below(name))

    def _is_hard_link(self, group: _Node, name: str) -> bool:
        import h5py

        with _reading(self.subject, group.below(name)):
            return bool(group.item.id.links.get_info(name.encode()).type == h5py.h5l.TYPE_HARD)

    def _link_error(self, where: str) -> UnreadableFile:
        message = "found a link, which may lead to another file; expected the data themselves"
        return self.error("h5-unsafe", message, where)

    def _check_storage(self, node: _Node) -> None:
        """Refuse data that lie in another file or were packed by a filter from elsewhere."""
        import h5py

        builtin = (h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)
        with _reading(self.subject, node.path):
            # before anybody asks for the shape: HDF5 opens the files of a virtual array to tell its length
            plan = node.item.id.get_create_plist()
            is_elsewhere = plan.get_layout() == h5py.h5d.VIRTUAL or plan.get_external_count() > 0
            filters = [plan.get_filter(k) for k in range(plan.get_nfilters())]
        if is_elsewhere:
            raise self.error("h5-unsafe", "found data kept in another file, expected them here", node.path)
        for number, _flags, _values, filter_name in filters:
            if number not in builtin:
                name = _shown(filter_name.decode("latin-1")) or f"filter {number}"
                message = f"found data compressed by {name}, expected zlib or no compression"
                raise self.error("h5-compression", message, node.path, _REPACK)

    def _check_size(self, node: _Node) -> None:
        """Refuse an array that is larger than labels can be, or that was not written to its end."""
        with _reading(self.subject, node.path):
            shape, item_bytes, chunk = node.item.shape, node.item.id.get_type().get_size(), node.item.chunks
            stored_bytes = node.item.id.get_storage_size()
            n_chunks = node.item.id.get_num_chunks() if chunk else 0
        if shape is None:
            raise self.error("h5-aborted", "found an array without a shape, expected data", node.path)
        claimed_bytes = max(math.prod(shape), math.prod(chunk) if chunk else 0) * item_bytes
        if claimed_bytes > _MAX_ARRAY_BYTES:
            message = f"found an array of {claimed_bytes} bytes, expected at most {_MAX_ARRAY_BYTES}"
            raise self.error("h5-too-large", message, node.path)
        # HDF5 makes up zeros for what was never written, and 0, 0 would be a label
        if chunk:
            is_whole = n_chunks >= math.prod(-(-n // size) for n, size in zip(shape, chunk, strict=True))
        else:
            is_whole = stored_bytes >= claimed_bytes
        if not is_whole:
            message = "found an array with gaps, expected one that was written to its end"
            raise self.error("h5-aborted", message, node.path)

    def attribute(self, node: _Node, name: str) -> object:
        """An attribute as PyTables means it: text, a number, or what its pickle holds; None if there is none."""
        where = node.attribute(name)
        with _reading(self.subject, where):
            if name not in node.item.attrs:
                return None
            raw = _raw_attribute(node.item, name)
        if not isinstance(raw, bytes):
            return raw
        if raw.endswith(b"."):  # PyTables' only sign of a pickle; the scorer "A. B." has it too
            try:
                return load_plain(raw, self.subject, where)
            except UnreadableFile as error:
                if error.findings[0].code != "broken-pickle":
                    raise self._of_pickle(error) from error
        return self.name(raw, where)

    def _of_pickle(self, error: UnreadableFile) -> UnreadableFile:
        """The unpickler's error as one about a label file."""
        found = error.findings[0]
        codes = {"unsafe-pickle": "h5-unsafe", "pickle-too-large": "h5-too-large"}
        code = codes.get(found.code, "h5-unreadable")
        return self.error(code, found.message, found.where, found.hint or _RESTORE)

    def text_attribute(self, node: _Node, name: str) -> str:
        """An attribute that must be text."""
        value = self.attribute(node, name)
        if not isinstance(value, str):
            where = node.attribute(name)
            raise self.error("h5-unreadable", f"found {_kind(value)}, expected text", where)
        return value

    def count_attribute(self, node: _Node, name: str, at_most: int) -> int:
        """An attribute that must be a whole number from 0 to ``at_most``."""
        value = self.attribute(node, name)
        if not (isinstance(value, int) and 0 <= value <= at_most):
            found = "nothing" if value is None else _shown(value)
            message = f"found {found}, expected a number from 0 to {at_most}"
            raise self.error("h5-unreadable", message, node.attribute(name))
        return value

    def array(self, node: _Node) -> NDArray[Any]:
        """All of a dataset: numbers, byte strings, records of both, or the objects of a pickled array."""
        import numpy as np

        shape = self.attribute(node, "shape")
        if shape is not None:  # pandas writes an empty array as one number and its shape (write_array_empty)
            lengths = shape if isinstance(shape, tuple) and len(shape) <= 2 else ()
            if not (all(_is_length(n) for n in lengths) and 0 in lengths):
                message = f"found the shape {_shown(shape)}, expected that of an empty array"
                raise self.error("h5-unreadable", message, node.path)
            return np.empty(lengths)
        with _reading(self.subject, node.path):
            data_type = node.item.id.get_type()
            is_pickled = _is_byte_list(data_type) and node.item.shape == (1,)
            if not is_pickled and not _is_simple(data_type):
                # an opaque type may call itself NUMPY:|O, and h5py would take its bytes for addresses
                raise TypeError("a type that pandas does not write")
            content: Any = node.item[0].tobytes() if is_pickled else node.item[()]
        if not is_pickled:
            return np.asarray(content)
        try:
            value = load_arrays(content, self.subject, node.path)
        except UnreadableFile as error:
            raise self._of_pickle(error) from error
        if not isinstance(value, np.ndarray):
            raise self.error("h5-unreadable", f"found {_kind(value)}, expected an array", node.path)
        return value

    def names(self, values: object, where: str) -> list[tuple[str, ...]]:
        """Names of rows or columns from a list or array; where they are tuples, one cell per level."""
        import numpy as np

        is_row = isinstance(values, np.ndarray) and values.ndim == 1 and not values.dtype.names
        listed = values.tolist() if isinstance(values, np.ndarray) and is_row else values
        if not isinstance(listed, list):
            raise self.error("h5-unreadable", f"found {_kind(listed)}, expected a list of names", where)
        self.check_names(len(listed), where)
        cells = (value if isinstance(value, tuple) else (value,) for value in listed)
        return [tuple(self.name(part, where) for part in parts) for parts in cells]

    def check_names(self, count: int, where: str) -> None:
        """Refuse more rows or columns than anybody labels."""
        if count > _MAX_NAMES:
            raise self.error("h5-too-large", f"found {count} names, expected at most {_MAX_NAMES}", where)

    def name(self, value: object, where: str) -> str:
        """One name as text: a number that YAML made of it is text again, a missing one is empty."""
        import numpy as np

        plain = value.item() if isinstance(value, np.generic) else value
        if plain is None or (isinstance(plain, float) and math.isnan(plain)):
            return ""
        if isinstance(plain, bytes):
            try:
                return plain.decode("utf-8")
            except UnicodeDecodeError:
                message = f"found the name {_shown(plain)}, expected UTF-8; it is read as Latin-1"
                self.note(Severity.WARNING, "h5-not-utf8", message, where)
                return plain.decode("latin-1")
        if not isinstance(plain, str | int | float):
            raise self.error("h5-unreadable", f"found {_kind(plain)}, expected a name", where)
        text = str(plain)
        try:
            text.encode()
        except UnicodeEncodeError as error:  # half a surrogate pair, which no target file can hold
            raise self.error("h5-unreadable", f"found the name {_shown(text)}, expected Unicode", where) from error
        return text

    def report_hidden_code(self, root: _Node, group: _Node) -> None:
        """Warn of code in attributes that nobody needs, since pandas and DeepLabCut do run it.

        PyTables unpickles every attribute of the file, of the frame and of its arrays as soon as it opens them.
        """
        self._report_hidden_code_in(root)
        self._report_hidden_code_in(group)
        for name in self._children(group):
            # _i_table is PyTables' search index. Damage in what nobody needs is nobody's loss.
            if not name.startswith("_i_") and self._is_hard_link(group, name):
                with suppress(UnreadableFile):
                    self._report_hidden_code_in(self._child(group, name))

    def _report_hidden_code_in(self, node: _Node) -> None:
        with _reading(self.subject, node.path):
            names = [name for name in node.item.attrs if isinstance(name, str)]
        for name in names:
            try:
                with _reading(self.subject, node.path):
                    raw = _raw_attribute(node.item, name)
                if isinstance(raw, bytes) and raw.endswith(b"."):
                    load_plain(raw, self.subject, node.attribute(name))
            except UnreadableFile as error:
                found = error.findings[0]
                if found.code == "unsafe-pickle":
                    self.note(Severity.WARNING, "h5-hidden-code", found.message, found.where, found.hint)


def _raw_attribute(node: Any, name: str) -> bytes | int | float:
    """An attribute as it is stored. Raises what h5py raises, and TypeError for lists and odd types."""
    import h5py
    import numpy as np

    attribute = node.attrs.get_id(name)
    if attribute.get_storage_size() > _MAX_ATTRIBUTE_BYTES or not _is_scalar(attribute.get_type()):
        raise TypeError("an attribute that is neither text nor a number")
    value = node.attrs[name]
    if isinstance(value, h5py.Empty):  # PyTables' empty text
        return b""
    if np.size(value) != 1:
        raise TypeError("an attribute that is a list")
    plain = np.asarray(value).item()
    if not isinstance(plain, bytes | int | float):
        raise TypeError("an attribute that is neither text nor a number")
    return plain


def _is_scalar(data_type: Any) -> bool:
    """Whether an HDF5 type is a number or text of fixed length."""
    from h5py import h5t

    kind = data_type.get_class()
    if kind == h5t.STRING:
        return not data_type.is_variable_str()
    return kind in (h5t.INTEGER, h5t.FLOAT, h5t.ENUM, h5t.BITFIELD)


def _is_simple(data_type: Any) -> bool:
    """Whether an HDF5 type is a scalar, or a record of scalars and arrays of scalars."""
    from h5py import h5t

    if data_type.get_class() != h5t.COMPOUND:
        return _is_scalar(data_type)
    members = [data_type.get_member_type(k) for k in range(data_type.get_nmembers())]
    return all(_is_scalar(m.get_super() if m.get_class() == h5t.ARRAY else m) for m in members)


def _is_byte_list(data_type: Any) -> bool:
    """Whether an HDF5 type is a list of bytes of any length, in which PyTables keeps a pickled object."""
    from h5py import h5t

    if data_type.get_class() != h5t.VLEN:
        return False
    element = data_type.get_super()
    return bool(element.get_class() == h5t.INTEGER and element.get_size() == 1)


def _is_length(value: object) -> bool:
    return type(value) is int and 0 <= value <= _MAX_NAMES


def _shown(value: object) -> str:
    """Something from a hostile file, fit for a terminal: one line without control characters, not too long."""
    # reprlib, since a pickle of 100 bytes can hold a list whose text would fill the memory
    text = " ".join((value if isinstance(value, str) else reprlib.repr(value)).split())
    return (text if text.isprintable() else ascii(text))[:200]


def _kind(value: object) -> str:
    return "nothing" if value is None else f"a value of type {type(value).__name__}"


# ---- pandas' two layouts -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Frame:
    """A data frame as it is stored.

    Attributes
    ----------
    level_names
        Name of each column level, empty where it has none.
    columns
        C tuples of text, one cell per level, in the order of the frame.
    rows
        R tuples of text.
    blocks
        Columns of one type each: their names, and their values of shape (R, number of names).
    """

    level_names: tuple[str, ...]
    columns: list[tuple[str, ...]]
    rows: list[tuple[str, ...]]
    blocks: list[tuple[list[tuple[str, ...]], NDArray[Any]]]


def _table_frame(source: _Source, group: _Node) -> _Frame:
    """Layout ``table``: records of a row's name and one field per block; the column order is an attribute."""
    node = source.node(group, "table")
    records = source.array(node)
    fields = records.dtype.names or ()
    if records.ndim != 1 or "index" not in fields:
        raise source.error("h5-unreadable", "found no records with an index, expected a table", node.path)
    blocks = []
    for field in fields:
        if field != "index":
            where = node.attribute(f"{field}_kind")
            columns = source.names(source.attribute(node, f"{field}_kind"), where)
            values = records[field]
            blocks.append((columns, values if values.ndim > 1 else values[:, None]))
    axes = source.attribute(group, "non_index_axes")
    match axes:
        case [(1, [*labels])]:
            columns = source.names(labels, group.attribute("non_index_axes"))
        case _:
            message = f"found {_shown(axes)}, expected the columns"
            raise source.error("h5-unreadable", message, group.attribute("non_index_axes"))
    rows = source.names(records["index"], node.path)
    return _Frame(_names_in_info(source, group, columns), columns, rows, blocks)


def _names_in_info(source: _Source, group: _Node, columns: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Names of the column levels: ``{1: {"names": ["scorer", ...], "type": "MultiIndex"}, "index": {}}``."""
    info = source.attribute(group, "info")
    axis = info.get(1) if isinstance(info, dict) else None
    names = axis.get("names") if isinstance(axis, dict) else None
    if not isinstance(names, list):
        return ("",) * (len(columns[0]) if columns else 0)
    return tuple(source.name(name, group.attribute("info")) for name in names)


def _fixed_frame(source: _Source, group: _Node) -> _Frame:
    """Layout ``fixed``: two axes, and for each block its columns and an array."""
    level_names, columns = _fixed_axis(source, group, "axis0")
    _, rows = _fixed_axis(source, group, "axis1")
    blocks = []
    for block in range(source.count_attribute(group, "nblocks", at_most=len(columns))):
        _, block_columns = _fixed_axis(source, group, f"block{block}_items")
        node = source.node(group, f"block{block}_values")
        values = source.array(node)
        if values.ndim == 1 and len(block_columns) == 1:  # text columns of pandas 3
            values = values[:, None]
        elif not source.attribute(node, "transposed"):
            values = values.T  # so are empty ones; all others were turned to rows × columns
        blocks.append((block_columns, values))
    return _Frame(level_names, columns, rows, blocks)


def _fixed_axis(source: _Source, group: _Node, axis: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Level names and cells of an axis: plain (``regular``), or codes into the values of each level (``multi``)."""
    variety = source.text_attribute(group, f"{axis}_variety")
    if variety == "regular":
        node = source.node(group, axis)
        cells = source.names(source.array(node), node.path)
        return _level_name(source, node, axis) * (len(cells[0]) if cells else 1), cells
    if variety != "multi":
        where = group.attribute(f"{axis}_variety")
        raise source.error("h5-unreadable", f"found {_shown(variety)}, expected 'multi' or 'regular'", where)
    names: tuple[str, ...] = ()
    levels: list[list[tuple[str, ...]]] = []
    for level in range(source.count_attribute(group, f"{axis}_nlevels", _MAX_LEVELS)):
        node = source.node(group, f"{axis}_level{level}")
        names += _level_name(source, node, axis)
        values = source.names(source.array(node), node.path)
        levels.append(_by_code(source, values, source.node(group, f"{axis}_label{level}")))
    if len({len(cells) for cells in levels}) > 1:
        raise source.error("h5-unreadable", "found levels of different length, expected one", group.below(axis))
    return names, [sum(cells, ()) for cells in zip(*levels, strict=True)]


def _level_name(source: _Source, node: _Node, axis: str) -> tuple[str]:
    """Name of a column level; those of rows and blocks are not needed, so they are not read."""
    where = node.attribute("name")
    return (source.name(source.attribute(node, "name"), where) if axis == "axis0" else "",)


def _by_code(source: _Source, values: list[tuple[str, ...]], node: _Node) -> list[tuple[str, ...]]:
    codes = source.array(node)
    source.check_names(codes.size, node.path)
    if codes.size == 0:
        return []
    if codes.ndim != 1 or codes.dtype.kind not in "iu" or codes.min() < -1 or codes.max() >= len(values):
        message = f"found a code for none of the level's {counted(len(values), 'name')}, expected one of them"
        raise source.error("h5-unreadable", message, node.path)
    return [values[code] if code >= 0 else ("",) for code in codes.tolist()]  # -1 is a missing name


# ---- from pandas to labels -----------------------------------------------------------------------------------


def _raw_table(source: _Source, frame: _Frame, where: str) -> RawTable:
    """Columns in their order with levels by name, and every value as a float."""
    levels = _levels(source, frame, where)
    order = [levels.index(name) for name in COLUMN_LEVELS if name in levels]
    columns = tuple(tuple(column[level] for level in order) for column in frame.columns)
    values = _placed(source, frame, where)
    return RawTable(tuple(levels[level] for level in order), columns, tuple(frame.rows), values)


def _levels(source: _Source, frame: _Frame, where: str) -> tuple[str, ...]:
    """What each column level is: by its name, else by the number of levels if the last one holds x and y."""
    given = tuple(name.strip().lower() for name in frame.level_names)
    usual = _USUAL_LEVELS.get(len(given), ())
    if any(len(column) != len(given) for column in frame.columns):
        raise source.error(
            "h5-unreadable", f"found columns without {counted(len(given), 'name')}, expected such", where
        )
    if len(set(given)) == len(given) and {"bodyparts", "coords"} <= set(given) <= set(COLUMN_LEVELS):
        return given
    contradicts = any(name in COLUMN_LEVELS and name != want for name, want in zip(given, usual, strict=False))
    found = ", ".join(_shown(name) or "unnamed" for name in frame.level_names)
    if not usual or contradicts or not {column[-1] for column in frame.columns} <= _COORDS:
        message = f"found the column levels ({found}), expected {', '.join(COLUMN_LEVELS)}"
        raise source.error("h5-no-labels", message, where)
    message = f"found the column levels ({found}), which are taken for {', '.join(usual)}"
    source.note(Severity.WARNING, "h5-level-names", message, where)
    return usual


def _placed(source: _Source, frame: _Frame, where: str) -> NDArray[np.float64]:
    """All blocks in one float64 array of shape (R, C), each column where its name stands."""
    import numpy as np

    n_rows, n_columns = len(frame.rows), len(frame.columns)
    if 8 * n_rows * n_columns > _MAX_ARRAY_BYTES:
        size = f"{counted(n_rows, 'row')} of {counted(n_columns, 'column')}"
        message = f"found {size}, expected at most {_MAX_ARRAY_BYTES} bytes"
        raise source.error("h5-too-large", message, where)
    places = _positions(frame.columns)
    values = np.full((n_rows, n_columns), np.nan)
    for names, block in frame.blocks:
        if block.shape != (n_rows, len(names)):
            message = f"found values of shape {block.shape}, expected {(n_rows, len(names))}"
            raise source.error("h5-unreadable", message, where)
        numbers = _numbers(source, block, frame, names)
        for name, origins in _positions(names).items():
            # a name that repeats takes its places in the order in which they come, all from one block
            targets = places.pop(name, [])
            if len(targets) != len(origins):
                message = f"found values of {_shown('/'.join(name))} beside those of the frame's columns"
                raise source.error("h5-unreadable", f"{message}, expected one each", where)
            values[:, targets] = numbers[:, origins]
    if places:
        first = _shown("/".join(next(iter(places))))
        message = f"found no values for {counted(len(places), 'column')}, such as {first}; expected some"
        raise source.error("h5-aborted", message, where)
    return values


def _positions(names: list[tuple[str, ...]]) -> dict[tuple[str, ...], list[int]]:
    found: dict[tuple[str, ...], list[int]] = {}
    for position, name in enumerate(names):
        found.setdefault(name, []).append(position)
    return found


def _numbers(source: _Source, block: NDArray[Any], frame: _Frame, names: list[tuple[str, ...]]) -> NDArray[np.float64]:
    """Values of one block as float64; of objects and text each must be a number or empty."""
    import numpy as np

    if block.dtype.kind in "iufb":
        return block.astype(np.float64)
    numbers = np.full(block.shape, np.nan)
    for (row, column), value in np.ndenumerate(block):
        try:
            numbers[row, column] = _number(value)
        except (TypeError, ValueError):
            place = f"row {'/'.join(frame.rows[row])}, column {'/'.join(names[column])}"
            message = f"found {_shown(value)!r}, expected a number or nothing"
            raise source.error("h5-not-numbers", message, _shown(place)) from None
    return numbers


def _number(value: object) -> float:
    """A float. Raises TypeError or ValueError for what is none."""
    import numpy as np

    if isinstance(value, bytes):
        value = value.decode("utf-8")
    if value is None or (isinstance(value, str) and not value.strip()):
        return math.nan
    if not isinstance(value, str | int | float | np.integer | np.floating | np.bool_):
        raise TypeError("neither text nor a real number")
    return float(value)
