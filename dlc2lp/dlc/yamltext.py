"""YAML as text and line numbers, never as Python objects.

DeepLabCut reads its config.yaml with ruamel.yaml, that is YAML 1.2, and makes file names of what it reads.
PyYAML follows YAML 1.1: the bodypart ``no`` would become False, the scorer ``007`` the number 7 and
``2018-08-30`` a date. So nothing is resolved or constructed here: every scalar stays the text that stands in
the file, and whoever needs a number or a truth value asks for it.

The files also come from editors, merges and other machines: :mod:`~dlc2lp.dlc.yaml_repairs` puts right what is no
YAML in them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import yaml

from dlc2lp.bounded_yaml import BoundedLoader, TooManyValues
from dlc2lp.dlc.yaml_repairs import decoded, repaired, with_windows_paths
from dlc2lp.errors import UnreadableFile
from dlc2lp.limits import CONFIG_BYTES
from dlc2lp.model import Finding, Severity
from dlc2lp.wording import counted

_N_NAMED = 3  # keys that a finding names


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


def is_nothing(node: YamlNode | None) -> bool:
    """Whether a value is missing or empty."""
    return node is None or (isinstance(node, YamlText) and node.is_empty)


def parse_yaml(raw: bytes, *, subject: str, names_on_disk: Iterable[str] = ()) -> tuple[YamlNode | None, list[Finding]]:
    """Read a YAML document of any encoding, repaired where that is safe; None if it is empty.

    ``names_on_disk`` may be mentioned in the text, and decide between code pages where it is not UTF-8. Raises
    UnreadableFile for ``config-unreadable``, with the line: no YAML even after the repairs, a tag that would construct
    a Python object, or more nesting than a config has.
    """
    if beyond := CONFIG_BYTES.beyond(len(raw)):
        raise UnreadableFile.of("config-unreadable", subject, beyond.message, advice=beyond.advice)
    text, findings = decoded(raw, subject, names_on_disk)
    text, repairs = with_windows_paths(text, subject)
    findings += repairs
    try:
        node = _composed(text, subject)
    except TooManyValues as error:
        raise _too_many(error, subject) from error
    except yaml.YAMLError:
        text_repaired, repairs = repaired(text, subject)
        findings += repairs
        try:
            node = _composed(text_repaired, subject)
        except yaml.YAMLError as error:
            # What is left after the repairs, which keep the lines where they are.
            raise UnreadableFile(_what_is_wrong(error, text, subject), *findings) from error
    if node is None:
        return None, findings
    tree = _Tree(subject)
    return tree.of(node), findings + tree.findings


# --- nodes --------------------------------------------------------------------------------------------------


class _TextLoader(BoundedLoader):
    """The loader without the rules that turn scalars into something else than text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.yaml_implicit_resolvers = {}


def _composed(text: str, subject: str) -> yaml.Node | None:
    loader = _TextLoader(text)
    try:
        return loader.get_single_node()
    except (ValueError, OverflowError) as error:
        # PyYAML hands "\UFFFFFFFF" and over-long numbers in directives to chr() and int() unchecked.
        line = f"line {loader.line + 1}"
        message = f"found an escape or a number out of range ({error})"
        advice = f"correct {line}"
        raise UnreadableFile.of("config-unreadable", subject, message, where=line, advice=advice) from error
    finally:
        loader.dispose()


class _Tree:
    """Turns PyYAML's nodes into ours. Aliases share one value, so that a small file stays small."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.findings: list[Finding] = []
        self._done: dict[int, YamlNode] = {}  # by the id of the node

    def of(self, node: yaml.Node) -> YamlNode:
        if id(node) not in self._done:
            value: YamlNode
            if isinstance(node, yaml.ScalarNode):
                value = self._text(node)
            elif isinstance(node, yaml.SequenceNode):
                value = self._list(node)
            else:
                value = self._mapping(node)
            self._done[id(node)] = value
        return self._done[id(node)]

    def _text(self, node: yaml.ScalarNode) -> YamlText:
        self._check_tag(node, _SCALAR_TAGS)
        if "\0" in node.value or any("\ud800" <= character <= "\udfff" for character in node.value):
            raise self._refused(node, "a character that no name can hold (NUL or half a surrogate pair)")
        return YamlText(node.value, _line(node), quoted=node.style is not None)

    def _list(self, node: yaml.SequenceNode) -> YamlNode:
        self._check_tag(node, _LIST_TAGS)
        return YamlList(tuple(self.of(item) for item in node.value), _line(node))

    def _mapping(self, node: yaml.Node) -> YamlNode:
        self._check_tag(node, _MAPPING_TAGS)
        entries: dict[str, tuple[YamlText, YamlNode]] = {}
        repeated: list[tuple[YamlText, YamlText]] = []
        for key_node, value_node in node.value:
            key = self.of(key_node)
            if not isinstance(key, YamlText):
                raise self._refused(key_node, "a list or mapping as a key")
            if key.text == "<<" and not key.quoted:
                raise self._refused(key_node, "a merge key (<<), which DeepLabCut never writes")
            value = self.of(value_node)
            if key.text in entries:
                repeated.append((entries[key.text][0], key))
            else:
                entries[key.text] = (key, value)
        if repeated:
            self.findings.append(self._repeated(repeated))
        return YamlMapping(tuple(entries.values()), _line(node))

    def _repeated(self, keys: list[tuple[YamlText, YamlText]]) -> Finding:
        """Tell the keys of one mapping that stand in it twice, each as its first place and the other one."""
        places = [f"'{first.text}' on lines {first.line} and {again.line}" for first, again in keys[:_N_NAMED]]
        first, again = keys[0]
        found = f"found '{first.text}' on line {first.line} and again on line {again.line}, read line {first.line}"
        advice = f"delete the wrong one of lines {first.line} and {again.line}"
        if len(keys) > 1:
            found = f"found {counted(len(keys), 'key that stands', 'keys that stand')} twice, such as "
            found += f"{', '.join(places)}; read the first of each"
            advice = "delete the wrong one of each"
        message = f"{found}; expected it once: DeepLabCut refuses such a file"
        where = f"line {again.line}"
        return Finding(Severity.WARNING, "config-duplicate-key", self.subject, message, where, advice)

    def _check_tag(self, node: yaml.Node, allowed: frozenset[str]) -> None:
        if node.tag not in allowed:
            tag = node.tag.replace(_TAG, "!!", 1)
            raise self._refused(node, f"the tag {tag}, which asks the reader to make a Python object; nothing was run")

    def _refused(self, node: yaml.Node, found: str) -> UnreadableFile:
        line = f"line {_line(node)}"
        message = f"found {found}; expected plain text, lists and mappings"
        advice = f"write the value on {line} out as plain text"
        return UnreadableFile.of("config-unreadable", self.subject, message, where=line, advice=advice)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


# --- errors -------------------------------------------------------------------------------------------------


def _too_many(error: TooManyValues, subject: str) -> UnreadableFile:
    message, where = error.beyond.message, f"line {error.line}"
    return UnreadableFile.of("config-unreadable", subject, message, where=where, advice=error.beyond.advice)


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
    edit = next((edit for part, edit in _EDITS if part in problem), "check its indentation, quotes and brackets")
    if any(map(str.strip, lines[line - 1 :])):
        shown, advice = f"'{lines[line - 1].strip()[:80]}'", f"correct line {line}: {edit}"
    else:
        shown, advice = "the end of the file", "close the quote or bracket that is open above, or restore the file"
    message = f"found no valid YAML: {problem}, at {shown}"
    return Finding(Severity.ERROR, "config-unreadable", subject, message, f"line {line}", advice)


_EDITS: tuple[tuple[str, str], ...] = (
    ("mapping values are not allowed", "put text that holds ': ' in single quotes, and indent it like its neighbors"),
    ("escape", "put paths with backslashes in single quotes, not in double quotes"),
    ("control character", "the file is damaged or no text; restore it from a backup"),
    ("single document", "keep one document: delete the line '---' and what follows it"),
    ("cannot start any token", "put text that starts with a special character in single quotes"),
    ("anchor", "put text that starts with * or & in single quotes"),
    ("alias", "put text that starts with * or & in single quotes"),
)
