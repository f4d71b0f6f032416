"""What is no YAML in a ``config.yaml`` is put right where only one reading is possible, and each repair is a finding.

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
from contextlib import suppress

from dlc2lp.model import Finding, Severity
from dlc2lp.wording import some

#: What a Windows machine may have written instead of UTF-8. All share ASCII: keys and numbers never suffer.
CODE_PAGES = ("cp1252", "cp1250", "cp1251", "gb18030", "cp949", "cp932", "big5")


def decoded(raw: bytes, subject: str, names_on_disk: Iterable[str]) -> tuple[str, list[Finding]]:
    """The text with plain line ends, and a finding unless it was UTF-8."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        text, how, line = raw.decode("utf-16", errors="replace"), "UTF-16", 1
    else:
        try:
            return _plain_line_ends(raw.decode("utf-8-sig")), []
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
        text, how = _decoded_by_code_page(raw, names_on_disk)
    message = f"found text that is not UTF-8, read it as {how}; special letters in names may be wrong"
    advice = "check the names with special letters, then save the file as UTF-8 in an editor"
    finding = Finding(Severity.WARNING, "config-encoding", subject, message, f"line {line}", advice)
    return _plain_line_ends(text), [finding]


def _decoded_by_code_page(raw: bytes, names_on_disk: Iterable[str]) -> tuple[str, str]:
    """The text in the code page whose reading agrees with most names on the disk; among equals the first.

    Nearly every byte is a letter in cp1252, so that it reads Korean as "È«±æµ¿" without an error. A folder of
    labeled-data called 홍길동 tells better.
    """
    names = {unicodedata.normalize("NFC", name) for name in names_on_disk if not name.isascii()}
    readings = []
    for code_page in CODE_PAGES:
        with suppress(UnicodeDecodeError):
            text = raw.decode(code_page)
            composed = unicodedata.normalize("NFC", text)
            readings.append((sum(name in composed for name in names), text, code_page))
    if not readings:
        return raw.decode("ascii", errors="replace"), "ASCII with the unknown letters replaced"
    agreeing, text, code_page = max(readings, key=lambda reading: reading[0])
    return text, f"{code_page}, which agrees with names on the disk" if agreeing else code_page


def _plain_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


# `"C:\Users…"` and `"\\server\share…"`; escaped as they should be they begin `"C:\\` and `"\\\\`.
_QUOTED_WINDOWS_PATH = re.compile(r"(?<![^\s\[{,])\"((?:[A-Za-z]:\\(?!\\)|\\\\(?!\\))[^\"\n]*)\"")
_QUOTED_OR_TABS = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|[ \t]*\t[ \t]*")
_VIDEO_SECTION = re.compile(r"video_sets(_original)?\s*:\s*(#.*)?$")
_OTHER_LINE = ("crop:", "? ", ": ", "#")
# ruamel.yaml never folds a quoted key.
_NO_FOLDED_KEY = (*_OTHER_LINE, "'", '"', "- ", "{", "[")


def repaired(text: str, subject: str) -> tuple[str, list[Finding]]:
    """The text with every repair that applies, and a finding for each kind. Lines keep their numbers."""
    findings = []
    text, lines = _expand_tabs(text)
    if lines:
        findings.append(_repair_finding(subject, lines, "a TAB, read it as blanks", "use blanks instead"))
    text, lines = _join_folded_keys(text)
    if lines:
        found = "a video path folded over several lines, as ruamel.yaml 0.18.14 writes it; read it as one"
        findings.append(_repair_finding(subject, lines, found, "write each path on one line, in single quotes"))
    return text, findings


def _repair_finding(subject: str, lines: list[int], found: str, edit: str) -> Finding:
    where = ("line " if len(lines) == 1 else "lines ") + some(map(str, lines))
    message = f"found {found}; expected valid YAML"
    advice = f"dlc2lp needs no edit; to let DeepLabCut read the file, {edit}"
    return Finding(Severity.WARNING, "config-repaired", subject, message, where, advice)


def with_windows_paths(text: str, subject: str) -> tuple[str, list[Finding]]:
    r"""The text whose Windows paths have, for double quotes, those that leave backslashes alone.

    Done before parsing: ``"C:\Users"`` is an error, but ``"C:\new\test"`` is none: a line end and a TAB.
    """
    lines: list[int] = []

    def single_quoted(match: re.Match[str]) -> str:
        start_of_line = match.string.rfind("\n", 0, match.start()) + 1
        if match.string[start_of_line : match.start()].lstrip().startswith("#"):
            return match[0]
        lines.append(match.string.count("\n", 0, match.start()) + 1)
        return _quoted(match[1])

    text = _QUOTED_WINDOWS_PATH.sub(single_quoted, text)
    if not lines:
        return text, []
    found = "a Windows path in double quotes, where a backslash starts an escape; read it as it stands"
    return text, [_repair_finding(subject, lines, found, "use single quotes")]


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
