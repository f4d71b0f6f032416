"""YAML as text and line numbers, never as Python objects.

DeepLabCut reads its config.yaml with ruamel.yaml, that is YAML 1.2, and makes file names of what it reads.
PyYAML follows YAML 1.1: the bodypart ``no`` would become False, the scorer ``007`` the number 7 and
``2018-08-30`` a date. So nothing is resolved or constructed here: every scalar stays the text that stands in
the file, and whoever needs a number or a truth value asks for it.

The files also come from editors, merges and other machines. What is no YAML in them is put right where only
one reading is possible, and each repair is a finding:

- keys that ruamel.yaml 0.18.14 to 0.19.1 folded over two lines, which no YAML reader accepts (DeepLabCut
  issues 3063 and 3286),
- TABs, and Windows paths in double quotes with single backslashes,
- other encodings than UTF-8: DeepLabCut opens the file without naming one, so on Windows it is the machine's
  code page (issue 1333).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import yaml

from dlc2lp.errors import UnreadableFile
from dlc2lp.model import Finding, Severity

#: Ten thousand videos with long paths take 2 MB; PyYAML needs seconds for each MB.
MAX_BYTES = 8 << 20
#: DeepLabCut nests four levels.
MAX_DEPTH = 50
#: Values after every alias is written out. Nine lines of nested aliases ("billion laughs") make 10**9.
MAX_VALUES = 1_000_000

#: What a Windows machine may have written instead of UTF-8. All share ASCII: keys and numbers never suffer.
CODE_PAGES = ("cp1252", "cp1250", "cp1251", "gb18030", "cp949", "cp932", "big5")

_TAG = "tag:yaml.org,2002:"
_SCALARS = (
    "str int float bool null timestamp "
    "python/unicode python/str python/int python/long python/float python/bool python/none"
)
_SCALAR_TAGS = frozenset(_TAG + name for name in _SCALARS.split())
_LIST_TAGS = frozenset(_TAG + name for name in ("seq", "python/tuple", "python/list"))
_MAPPING_TAGS = frozenset(_TAG + name for name in ("map", "python/dict"))


@dataclass(frozen=True)
class YamlText:
    """A scalar as written: ``007`` is three characters. ``line`` counts from 1."""

    text: str
    line: int
    quoted: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it stands for nothing: ``key:``, ``key: ''``, ``~`` or ``null``."""
        return not self.text or (not self.quoted and self.text in {"~", "null", "Null", "NULL"})


@dataclass(frozen=True)
class YamlList:
    """A list, in block or flow form; PyYAML's ``!!python/tuple`` too."""

    items: tuple[YamlNode, ...]
    line: int


@dataclass(frozen=True)
class YamlMapping:
    """Keys with values in the order of the file; of a repeated key only the first."""

    entries: tuple[tuple[YamlText, YamlNode], ...]
    line: int

    def get(self, key: str) -> YamlNode | None:
        """The value of a key; None if there is no such key."""
        return next((value for name, value in self.entries if name.text == key), None)


YamlNode = YamlText | YamlList | YamlMapping


def parse_yaml(raw: bytes, *, subject: str, names_on_disk: Iterable[str] = ()) -> tuple[YamlNode | None, list[Finding]]:
    """Read a YAML document of any encoding, repaired where that is safe.

    Parameters
    ----------
    raw
        The file's bytes.
    subject
        What findings and errors call the file.
    names_on_disk
        Names that the text may mention. They decide between code pages where the text is not UTF-8.

    Returns
    -------
    tuple
        The document, None if it is empty, and what was found odd on the way.

    Raises
    ------
    UnreadableFile
        No YAML even after the repairs, a tag that would construct a Python object, or more nesting than a
        config has. Code ``config-unreadable``, with the line.
    """
    if len(raw) > MAX_BYTES:
        message = f"found {len(raw) / 1e6:.0f} MB, expected a configuration of at most {MAX_BYTES / 1e6:.0f} MB"
        raise UnreadableFile.of("config-unreadable", subject, message, advice="give the config.yaml of a project")
    text, findings = _decoded(raw, subject, names_on_disk)
    text, lines = _single_quote_windows_paths(text)
    if lines:
        found = "a Windows path in double quotes, where a backslash starts an escape; read it as it stands"
        findings.append(_repair_finding(subject, lines, found, "use single quotes"))
    try:
        node = _composed(text, subject)
    except yaml.YAMLError:
        repaired, repairs = _repaired(text, subject)
        findings.extend(repairs)
        try:
            node = _composed(repaired, subject)
        except yaml.YAMLError as error:
            # What is left after the repairs, which keep the lines where they are.
            raise UnreadableFile(_what_is_wrong(error, text, subject), *findings) from error
    if node is None:
        return None, findings
    tree = _Tree(subject)
    return tree.of(node), findings + tree.findings


# --- text ---------------------------------------------------------------------------------------------------


def _decoded(raw: bytes, subject: str, names_on_disk: Iterable[str]) -> tuple[str, list[Finding]]:
    """The text with plain line ends, and a finding unless it was UTF-8."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = raw.decode("utf-16", errors="replace")
        how = "UTF-16"
        line = 1
    else:
        try:
            return _plain_line_ends(raw.decode("utf-8-sig")), []
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
        text, how = _decoded_by_code_page(raw, names_on_disk)
    finding = Finding(
        Severity.WARNING,
        "config-encoding",
        subject,
        f"found text that is not UTF-8, read it as {how}; special letters in names may be wrong",
        where=f"line {line}",
        advice="check the names with special letters, then save the file as UTF-8 in an editor",
    )
    return _plain_line_ends(text), [finding]


def _decoded_by_code_page(raw: bytes, names_on_disk: Iterable[str]) -> tuple[str, str]:
    """The text in the code page whose reading agrees with most names on the disk; among equals the first.

    Nearly every byte is a letter in cp1252, so that it reads Korean as "È«±æµ¿" without an error. A folder of
    labeled-data called 홍길동 tells better.
    """
    names = {unicodedata.normalize("NFC", name) for name in names_on_disk if not name.isascii()}
    best: tuple[int, str, str] | None = None
    for code_page in CODE_PAGES:
        try:
            text = raw.decode(code_page)
        except UnicodeDecodeError:
            continue
        composed = unicodedata.normalize("NFC", text)
        agreeing = sum(name in composed for name in names)
        if best is None or agreeing > best[0]:
            best = (agreeing, text, code_page)
    if best is None:
        return raw.decode("ascii", errors="replace"), "ASCII with the unknown letters replaced"
    agreeing, text, code_page = best
    return text, f"{code_page}, which agrees with names on the disk" if agreeing else code_page


def _plain_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


# --- repairs ------------------------------------------------------------------------------------------------

# `"C:\Users…"` and `"\\server\share…"`; escaped as they should be they begin `"C:\\` and `"\\\\`.
_QUOTED_WINDOWS_PATH = re.compile(r"(?<![^\s\[{,])\"((?:[A-Za-z]:\\(?!\\)|\\\\(?!\\))[^\"\n]*)\"")
_QUOTED_OR_TABS = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|[ \t]*\t[ \t]*")
_VIDEO_SECTION = re.compile(r"video_sets(_original)?\s*:\s*(#.*)?$")
_OTHER_LINE = ("crop:", "? ", ": ", "#")
# ruamel.yaml never folds a quoted key.
_NO_FOLDED_KEY = (*_OTHER_LINE, "'", '"', "- ", "{", "[")


def _repaired(text: str, subject: str) -> tuple[str, list[Finding]]:
    """The text with every repair that applies, and a finding for each kind. Lines keep their numbers."""
    findings = []
    text, lines = _expand_tabs(text)
    if lines:
        finding = _repair_finding(subject, lines, "a TAB, read it as blanks", "use blanks instead")
        findings.append(finding)
    text, lines = _join_folded_keys(text)
    if lines:
        found = "a video path folded over several lines, as ruamel.yaml 0.18.14 writes it; read it as one"
        findings.append(_repair_finding(subject, lines, found, "write each path on one line, in single quotes"))
    return text, findings


def _repair_finding(subject: str, lines: list[int], found: str, edit: str) -> Finding:
    numbers = ", ".join(map(str, lines))
    return Finding(
        Severity.WARNING,
        "config-repaired",
        subject,
        f"found {found}; expected valid YAML",
        where=f"line {numbers}" if len(lines) == 1 else f"lines {numbers}",
        advice=f"dlc2lp needs no edit; to let DeepLabCut read the file, {edit}",
    )


def _single_quote_windows_paths(text: str) -> tuple[str, list[int]]:
    r"""Windows paths in double quotes, with the quotes that leave backslashes alone.

    Done before parsing: ``"C:\Users"`` is an error, but ``"C:\new\test"`` is none: a line end and a TAB.
    """
    lines: list[int] = []

    def single_quoted(match: re.Match[str]) -> str:
        start_of_line = text.rfind("\n", 0, match.start()) + 1
        if text[start_of_line : match.start()].lstrip().startswith("#"):
            return match[0]
        lines.append(text.count("\n", 0, match.start()) + 1)
        return _quoted(match[1])

    return _QUOTED_WINDOWS_PATH.sub(single_quoted, text), lines


def _expand_tabs(text: str) -> tuple[str, list[int]]:
    """TABs before a line's text as indentation to multiples of 8, others as one blank; none in quotes."""
    expanded, lines = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        body = line.lstrip(" \t")
        indent = line[: len(line) - len(body)].expandtabs(8)
        plain = indent + _QUOTED_OR_TABS.sub(lambda match: match[0] if match[0][0] in "'\"" else " ", body)
        if plain != line:
            lines.append(number)
        expanded.append(plain)
    return "\n".join(expanded), lines


def _join_folded_keys(text: str) -> tuple[str, list[int]]:
    """Video paths that stand folded on several lines, each in single quotes on its first line.

    Below ``video_sets:`` a line that does not end in ``:`` can only open a folded key. ruamel.yaml leaves the
    blanks of the fold at the end of the line; where an editor stripped them, one is put back.
    """
    lines = text.split("\n")
    numbers = []
    inside = False
    for index, line in enumerate(lines):
        if line[:1].strip() and not line.startswith("#"):
            inside = _VIDEO_SECTION.match(line) is not None
        elif inside and _opens_folded_key(line):
            last = _end_of_folded_key(lines, index)
            if last is None:
                continue
            key = line.lstrip(" ")
            for part in lines[index + 1 : last + 1]:
                key += part.lstrip(" ") if key.endswith(" ") else " " + part.lstrip(" ")
            indent = line[: len(line) - len(line.lstrip(" "))]
            lines[index] = f"{indent}{_quoted(key.rstrip(' ').removesuffix(':'))}:"
            lines[index + 1 : last + 1] = [""] * (last - index)
            numbers.append(index + 1)
    return "\n".join(lines), numbers


def _opens_folded_key(line: str) -> bool:
    text = line.strip()
    return bool(text) and not text.endswith(":") and not text.startswith(_NO_FOLDED_KEY) and ": " not in text


def _end_of_folded_key(lines: list[str], start: int) -> int | None:
    """Position of the line that ends the key opened at ``start``; None if something else comes first."""
    for index in range(start + 1, len(lines)):
        text = lines[index].strip()
        if not lines[index].startswith(" ") or text.startswith(_OTHER_LINE) or ": " in text:
            return None
        if text.endswith(":"):
            return index
    return None


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# --- nodes --------------------------------------------------------------------------------------------------


class _TextLoader(yaml.SafeLoader):
    """PyYAML's safe loader without the rules that turn scalars into something else than text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.yaml_implicit_resolvers = {}
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """One node; refuses nesting that would end in a RecursionError."""
        self._depth += 1
        try:
            if self._depth > MAX_DEPTH:
                problem = f"nested deeper than {MAX_DEPTH} levels"
                raise yaml.composer.ComposerError(None, None, problem, self.get_mark())
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


def _composed(text: str, subject: str) -> yaml.Node | None:
    loader = _TextLoader(text)
    try:
        return loader.get_single_node()
    except (ValueError, OverflowError) as error:
        # PyYAML hands "\UFFFFFFFF" and over-long numbers in directives to chr() and int() unchecked.
        line = loader.line + 1
        raise UnreadableFile.of(
            "config-unreadable",
            subject,
            f"found an escape or a number out of range ({error})",
            where=f"line {line}",
            advice=f"correct line {line}",
        ) from error
    finally:
        loader.dispose()


class _Tree:
    """Turns PyYAML's nodes into ours. Aliases share one value, so that a small file stays small."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.findings: list[Finding] = []
        # id of the node -> (value, number of values in it with aliases written out); None while it is made
        self._done: dict[int, tuple[YamlNode, int] | None] = {}

    def of(self, node: yaml.Node) -> YamlNode:
        return self._of(node)[0]

    def _of(self, node: yaml.Node) -> tuple[YamlNode, int]:
        if id(node) in self._done:
            done = self._done[id(node)]
            if done is None:
                raise self._refused(node, "an alias that contains itself")
            return done
        self._done[id(node)] = None
        value: YamlNode
        size = 1
        if isinstance(node, yaml.ScalarNode):
            value = self._text(node)
        elif isinstance(node, yaml.SequenceNode):
            value, size = self._list(node)
        else:
            value, size = self._mapping(node)
        if size > MAX_VALUES:
            raise self._refused(node, f"aliases that make more than {MAX_VALUES} values")
        self._done[id(node)] = (value, size)
        return value, size

    def _text(self, node: yaml.ScalarNode) -> YamlText:
        self._check_tag(node, _SCALAR_TAGS)
        if "\0" in node.value or any("\ud800" <= character <= "\udfff" for character in node.value):
            raise self._refused(node, "a character that no name can hold (NUL or half a surrogate pair)")
        return YamlText(node.value, _line(node), quoted=node.style is not None)

    def _list(self, node: yaml.SequenceNode) -> tuple[YamlNode, int]:
        self._check_tag(node, _LIST_TAGS)
        items = [self._of(item) for item in node.value]
        return YamlList(tuple(item for item, _ in items), _line(node)), 1 + sum(size for _, size in items)

    def _mapping(self, node: yaml.Node) -> tuple[YamlNode, int]:
        self._check_tag(node, _MAPPING_TAGS)
        entries: dict[str, tuple[YamlText, YamlNode]] = {}
        total = 1
        for key_node, value_node in node.value:
            key, _ = self._of(key_node)
            if not isinstance(key, YamlText):
                raise self._refused(key_node, "a list or mapping as a key")
            if key.text == "<<" and not key.quoted:
                raise self._refused(key_node, "a merge key (<<), which DeepLabCut never writes")
            value, size = self._of(value_node)
            total += 1 + size
            if key.text in entries:
                self.findings.append(self._repeated(key, entries[key.text][0]))
            else:
                entries[key.text] = (key, value)
        return YamlMapping(tuple(entries.values()), _line(node)), total

    def _repeated(self, key: YamlText, first: YamlText) -> Finding:
        return Finding(
            Severity.WARNING,
            "config-duplicate-key",
            self.subject,
            f"found '{key.text}' on line {first.line} and again on line {key.line}, read line {first.line}; "
            "expected it once: DeepLabCut refuses such a file",
            where=f"line {key.line}",
            advice=f"delete the wrong one of lines {first.line} and {key.line}",
        )

    def _check_tag(self, node: yaml.Node, allowed: frozenset[str]) -> None:
        if node.tag not in allowed:
            tag = node.tag.replace(_TAG, "!!", 1)
            raise self._refused(node, f"the tag {tag}, which asks the reader to make a Python object; nothing was run")

    def _refused(self, node: yaml.Node, found: str) -> UnreadableFile:
        line = _line(node)
        return UnreadableFile.of(
            "config-unreadable",
            self.subject,
            f"found {found}; expected plain text, lists and mappings",
            where=f"line {line}",
            advice=f"write the value on line {line} out as plain text",
        )


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


# --- errors -------------------------------------------------------------------------------------------------


def _what_is_wrong(error: yaml.YAMLError, text: str, subject: str) -> Finding:
    """PyYAML's complaint in one sentence with the line it is about."""
    if isinstance(error, yaml.reader.ReaderError):
        position = int(error.position)
        line, problem = text.count("\n", 0, position) + 1, f"the control character {error.character:#04x}"
    elif isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        line, problem = error.problem_mark.line + 1, f"{error.problem}"
    else:
        line, problem = 1, str(error)
    lines = text.split("\n")
    shown = lines[line - 1].strip()[:80] if line <= len(lines) else "end of file"
    return Finding(
        Severity.ERROR,
        "config-unreadable",
        subject,
        f"found no valid YAML: {problem}, at '{shown}'",
        where=f"line {line}",
        advice=f"correct line {line}: {_edit_for(problem)}",
    )


_EDITS: tuple[tuple[str, str], ...] = (
    (
        "mapping values are not allowed",
        "put text that holds ': ' in single quotes, and indent it like its neighbors",
    ),
    ("escape", "put paths with backslashes in single quotes, not in double quotes"),
    ("control character", "the file is damaged or no text; restore it from a backup"),
    ("single document", "keep one document: delete the line '---' and what follows it"),
    ("cannot start any token", "put text that starts with a special character in single quotes"),
    ("anchor", "put text that starts with * or & in single quotes"),
    ("alias", "put text that starts with * or & in single quotes"),
)


def _edit_for(problem: str) -> str:
    return next((edit for part, edit in _EDITS if part in problem), "check its indentation, quotes and brackets")
