"""HDF5 that nobody vouches for: groups, attributes and arrays of a file, without running anything that it holds.

PyTables pickles what HDF5 has no type for, and unpickles every attribute of every node that it touches, so
``pandas.read_hdf`` runs code from any of them. Here h5py reads the attributes that are needed; pickles go through
:mod:`dlc2lp.dlc.unpickle`. No file can make this reader open another file, or allocate what it only claims to hold.
"""

from __future__ import annotations

import math
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from dlc2lp.dlc.hdf_file import (
    attributes,
    is_byte_list,
    is_fixed_text,
    is_simple,
    not_readable,
    raw_attribute,
    reading,
    shown,
)
from dlc2lp.dlc.unpickle import BrokenPickle, PickleTooLarge, UnsafePickle, load_arrays, load_plain
from dlc2lp.errors import UnreadableFile
from dlc2lp.limits import H5_BYTES, H5_NAMES, H5_NAMES_BYTES, H5_PIECE_BYTES, Limit
from dlc2lp.model import Finding, Severity

_MAX_GROUPS: Final = 1000

_REPACK: Final = "ptrepack --complib=zlib OLD.h5:/ NEW.h5:/"


@dataclass(frozen=True)
class Node:
    """A group or an array and its path, which a damaged file can't always tell."""

    item: Any  #: h5py's group or dataset.
    path: str  #: Its place in the file.

    def below(self, name: str) -> str:
        """Path of a child."""
        return f"{self.path.rstrip('/')}/{name}"

    def attribute(self, name: str) -> str:
        """An attribute as a place in findings."""
        return f"{self.path}, attribute {name}"


class H5Source:
    """Reads groups, attributes and arrays of one file, and collects findings about it.

    Only hard links are followed, only simple types are read, and nothing is allocated before its size is known
    to be sane. ``subject`` is the file, for findings.
    """

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.findings: list[Finding] = []
        self._was_read: set[str] = set()  # attributes
        self._opened: dict[str, Node] = {}  # groups and arrays by path
        self._n_bytes = 0  # of all arrays that were read

    def error(self, code: str, message: str, where: str = "", advice: str = "") -> UnreadableFile:
        """Why this file can't be read, to be raised."""
        if advice:
            return UnreadableFile.of(code, self.subject, message, where=where, advice=advice)
        return not_readable(code, self.subject, message, where)

    def note(self, severity: Severity, code: str, message: str, where: str = "", advice: str = "") -> None:
        """Keep a finding about a file that can be read."""
        finding = Finding(severity, code, self.subject, message, where, advice)
        if finding not in self.findings:
            self.findings.append(finding)

    def frames(self, root: Node) -> dict[str, tuple[Node, str]]:
        """Every data frame: its key -> its group and ``pandas_type``."""
        found: dict[str, tuple[Node, str]] = {}
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
                with reading(self.subject, child.path):
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

    def node(self, group: Node, name: str, *, in_slices: bool = False) -> Node:
        """A dataset that a data frame needs; of one that is read in slices only the pieces must fit into memory."""
        where = group.below(name)
        with reading(self.subject, where):
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
        self._check_size(node, in_slices=in_slices)
        return node

    def _children(self, group: Node) -> list[str]:
        with reading(self.subject, group.path):
            n_links = group.item.id.get_num_objs()
        self.check_names(n_links, group.path)
        with reading(self.subject, group.path):
            # h5py leaves names as bytes that are no UTF-8; pandas has none such
            return [name for name in group.item if isinstance(name, str)]

    def _child(self, group: Node, name: str) -> Node:
        where = group.below(name)
        if where not in self._opened:
            with reading(self.subject, where):
                self._opened[where] = Node(group.item[name], where)
        return self._opened[where]

    def _is_hard_link(self, group: Node, name: str) -> bool:
        with reading(self.subject, group.below(name)):
            return bool(group.item.id.links.get_info(name.encode()).type == h5py.h5l.TYPE_HARD)

    def _link_error(self, where: str) -> UnreadableFile:
        message = "found a link, which may lead to another file; expected the data themselves"
        return self.error("h5-unsafe", message, where)

    def _check_storage(self, node: Node) -> None:
        """Refuse data that lie in another file or were packed by a filter from elsewhere."""
        builtin = (h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)
        with reading(self.subject, node.path):
            # before anybody asks for the shape: HDF5 opens the files of a virtual array to tell its length
            plan = node.item.id.get_create_plist()
            is_elsewhere = plan.get_layout() == h5py.h5d.VIRTUAL or plan.get_external_count() > 0
            filters = [plan.get_filter(k) for k in range(plan.get_nfilters())]
        if is_elsewhere:
            raise self.error("h5-unsafe", "found data kept in another file, expected them here", node.path)
        for number, _flags, _values, filter_name in filters:
            if number not in builtin:
                name = shown(filter_name.decode("latin-1")) or f"filter {number}"
                message = f"found data compressed by {name}, expected zlib or no compression"
                raise self.error("h5-compression", message, node.path, _REPACK)

    def check_size(self, limit: Limit, n: int, where: str) -> None:
        """Refuse more than memory has room for (``h5-too-large``)."""
        if beyond := limit.beyond(n):
            raise self.error("h5-too-large", beyond.message, where, beyond.advice)

    def _check_size(self, node: Node, *, in_slices: bool) -> None:
        """Refuse an array that is larger than labels can be, or that was not written to its end."""
        with reading(self.subject, node.path):
            shape, item_bytes, chunk = node.item.shape, node.item.id.get_type().get_size(), node.item.chunks
        if shape is None:
            raise self.error("h5-aborted", "found an array without a shape, expected data", node.path)
        self.check_size(H5_PIECE_BYTES, (math.prod(chunk) if chunk else 1) * item_bytes, node.path)
        if not in_slices:
            self.check_size(H5_BYTES, math.prod(shape) * item_bytes, node.path)
        with reading(self.subject, node.path):
            stored_bytes = node.item.id.get_storage_size()
            n_chunks = node.item.id.get_num_chunks() if chunk else 0
        # HDF5 makes up zeros for what was never written, and 0, 0 would be a label
        if chunk:
            is_whole = n_chunks >= math.prod(-(-n // size) for n, size in zip(shape, chunk, strict=True))
        else:
            is_whole = stored_bytes >= math.prod(shape) * item_bytes
        if not is_whole:
            message = "found an array with gaps, expected one that was written to its end"
            raise self.error("h5-aborted", message, node.path)

    def attribute(self, node: Node, name: str) -> object:
        """An attribute as PyTables means it: text, a number, or what its pickle holds; None if there is none."""
        where = node.attribute(name)
        with reading(self.subject, where):
            if not h5py.h5a.exists(node.item.id, name.encode()):
                return None
            raw = raw_attribute(h5py.h5a.open(node.item.id, name.encode()))
        self._was_read.add(where)
        if not isinstance(raw, bytes):
            return raw
        if raw.endswith(b"."):  # PyTables' only sign of a pickle; the scorer "A. B." has it too
            try:
                return load_plain(raw, self.subject, where)
            except BrokenPickle:
                pass  # it was text
            except UnreadableFile as error:
                raise self._of_pickle(error) from error
        return self.name(raw, where)

    def _of_pickle(self, error: UnreadableFile) -> UnreadableFile:
        """The unpickler's error as one about a label file."""
        code = {UnsafePickle: "h5-unsafe", PickleTooLarge: "h5-too-large"}.get(type(error), "h5-unreadable")
        (found,) = error.findings
        return self.error(code, found.message, found.where, found.advice)

    def text_attribute(self, node: Node, name: str) -> str:
        """An attribute that must be text."""
        value = self.attribute(node, name)
        if not isinstance(value, str):
            raise self.error("h5-unreadable", f"found {_kind(value)}, expected text", node.attribute(name))
        return value

    def count_attribute(self, node: Node, name: str, at_most: int) -> int:
        """An attribute that must be a whole number from 0 to ``at_most``."""
        value = self.attribute(node, name)
        if not (isinstance(value, int) and 0 <= value <= at_most):
            found = "nothing" if value is None else shown(value)
            message = f"found {found}, expected a number from 0 to {at_most}"
            raise self.error("h5-unreadable", message, node.attribute(name))
        return value

    def array(self, node: Node) -> NDArray[Any]:
        """All of a dataset: numbers, byte strings, records of both, or the objects of a pickled array."""
        shape = self.attribute(node, "shape")
        if shape is not None:  # pandas writes an empty array as one number and its shape (write_array_empty)
            lengths = shape if isinstance(shape, tuple) and len(shape) <= 2 else ()
            if not (all(_is_length(n) for n in lengths) and 0 in lengths):
                message = f"found the shape {shown(shape)}, expected that of an empty array"
                raise self.error("h5-unreadable", message, node.path)
            return np.empty(lengths)
        with reading(self.subject, node.path):
            data_type = node.item.id.get_type()
            is_pickled = is_byte_list(data_type) and node.item.shape == (1,)
            if not is_pickled and not is_simple(data_type):
                # an opaque type may call itself NUMPY:|O, and h5py would take its bytes for addresses
                raise TypeError("a type that pandas does not write")
            # How long it is, only reading it tells; it is no longer than the file.
            self.check_size(H5_BYTES, node.item.file.id.get_filesize() if is_pickled else 0, node.path)
            content: Any = node.item[0].tobytes() if is_pickled else node.item[()]
        self._n_bytes += len(content) if is_pickled else content.nbytes
        self.check_size(H5_BYTES, self._n_bytes, node.path)
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
        if isinstance(values, np.ndarray):
            self.check_size(H5_NAMES_BYTES, values.nbytes, where)
        is_row = isinstance(values, np.ndarray) and values.ndim == 1 and not values.dtype.names
        listed = values.tolist() if isinstance(values, np.ndarray) and is_row else values
        if not isinstance(listed, list):
            raise self.error("h5-unreadable", f"found {_kind(listed)}, expected a list of names", where)
        self.check_names(len(listed), where)
        if isinstance(values, np.ndarray) and values.dtype.kind == "S":
            with suppress(UnicodeDecodeError):
                return [(value.decode(),) for value in listed]
        cells = (value if isinstance(value, tuple) else (value,) for value in listed)
        return [tuple(self.name(part, where) for part in parts) for parts in cells]

    def check_names(self, count: int, where: str) -> None:
        """Refuse more rows or columns than anybody labels."""
        self.check_size(H5_NAMES, count, where)

    def name(self, value: object, where: str) -> str:
        """One name as text: a number that YAML made of it is text again, a missing one is empty."""
        plain = value.item() if isinstance(value, np.generic) else value
        if plain is None or (isinstance(plain, float) and math.isnan(plain)):
            return ""
        if isinstance(plain, bytes):
            try:
                return plain.decode("utf-8")
            except UnicodeDecodeError:
                message = f"found the name {shown(plain)}, expected UTF-8; it is read as Latin-1"
                self.note(Severity.WARNING, "h5-not-utf8", message, where)
                return plain.decode("latin-1")
        if not isinstance(plain, str | int | float):
            raise self.error("h5-unreadable", f"found {_kind(plain)}, expected a name", where)
        text = str(plain)
        try:
            text.encode()
        except UnicodeEncodeError as error:  # half a surrogate pair, which no target file can hold
            raise self.error("h5-unreadable", f"found the name {shown(text)}, expected Unicode", where) from error
        return text

    def report_hidden_code(self, root: Node, group: Node) -> None:
        """Warn of code in attributes that were not needed, since pandas and DeepLabCut do run it.

        PyTables unpickles every attribute of the file, of the frame and of its arrays as soon as it opens them.
        """
        self._report_hidden_code_in(root)
        self._report_hidden_code_in(group)
        for name in self._children(group):
            # _i_table is PyTables' search index. Damage in what nobody needs is nobody's loss.
            if not name.startswith("_i_") and self._is_hard_link(group, name):
                with suppress(UnreadableFile):
                    self._report_hidden_code_in(self._child(group, name))

    def _report_hidden_code_in(self, node: Node) -> None:
        with reading(self.subject, node.path):
            found_there = attributes(node.item)
        for attribute in found_there:
            try:
                with reading(self.subject, node.path):
                    if not is_fixed_text(attribute.get_type()):
                        continue  # no pickle
                    where = node.attribute(attribute.name.decode(errors="replace"))
                    if where in self._was_read:
                        continue  # the file would have been refused
                    raw = raw_attribute(attribute)
                if isinstance(raw, bytes) and raw.endswith(b"."):
                    load_plain(raw, self.subject, where)
            except UnsafePickle as error:
                (found,) = error.findings
                self.note(Severity.WARNING, "h5-hidden-code", found.message, found.where, found.advice)
            except UnreadableFile:
                continue  # damage in what nobody needs


def _is_length(value: object) -> bool:
    return type(value) is int and 0 <= value <= H5_NAMES.at_most


def _kind(value: object) -> str:
    return "nothing" if value is None else f"a value of type {type(value).__name__}"
