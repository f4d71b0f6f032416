"""What a person changed in the starter config stays when the file is written again."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import yaml

from dlc2lp.errors import Dlc2LpError
from dlc2lp.lp.document import Document, Entry, KeyPath, render, value_text, values_of
from dlc2lp.lp.starter import StarterConfig
from dlc2lp.lp.yamlfile import explain, line_of, load_yaml, places_and_comments
from dlc2lp.model import Finding, Severity

CONFIG_FILE = "configs/default.yaml"

#: Notes that this module writes above kept values; they are not taken for a person's comments.
_OWN_NOTE = re.compile(r"# (Changed|Added) by hand\b")


#: Stands for the value of a key that is not there.
_ABSENT = object()


@dataclass(frozen=True)
class EditedConfig:
    """The starter config with a person's changes in it."""

    text: str  #: The YAML file.
    values: dict[str, Any]  #: What the text loads as.
    kept: tuple[str, ...]  #: Keys, with dots, whose value is the person's and not the starter's.
    findings: tuple[Finding, ...]  #: Options that a change by hand outweighs.


def keep_edits(written: str, current: str, new: StarterConfig) -> EditedConfig:
    """Write the new starter config with what a person changed in ``written`` so that it became ``current``.

    Values that the person changed, keys that they added or removed, and their comments go before; everything else is
    the new starter's. The starter text itself (``new.text``, not the edited one) must be what is handed in as
    ``written`` the next time, or the changes would no longer be seen as changes. Dlc2LpError with the line
    (``config-invalid``) says that the file is not YAML that Lightning Pose takes.
    """
    merge = _Merge(new.chosen_keys)
    entries = merge.section(new.document, _load(written), _load(current), ())
    comments = _hand_comments(written, current)
    document = _with_comments(entries, comments, ())
    homeless = tuple(comment for found in comments.values() for comment in found)
    return EditedConfig(
        render(document, new.head, homeless), values_of(document), tuple(merge.kept), tuple(merge.findings)
    )


def _load(text: str) -> dict[str, Any]:
    try:
        loaded = load_yaml(text)
    except yaml.YAMLError as error:
        raise Dlc2LpError.of(
            "config-invalid",
            CONFIG_FILE,
            f"found {explain(error)}, expected YAML",
            where=line_of(error),
            advice="correct the line, or delete the file to get a new one",
        ) from None
    if not isinstance(loaded, dict):
        raise Dlc2LpError.of(
            "config-invalid",
            CONFIG_FILE,
            f"found {type(loaded).__name__}, expected sections such as `data:`",
            advice="delete the file to get a new one",
        )
    return loaded


class _Merge:
    """Puts a person's changes into the new starter, and gathers the keys that are theirs and what is to be told."""

    def __init__(self, chosen_keys: frozenset[KeyPath]) -> None:
        self._chosen_keys = chosen_keys  # those that an option decided
        self.kept: list[str] = []
        self.findings: list[Finding] = []

    def section(self, new: Document, before: Any, now: dict[Any, Any], path: KeyPath) -> Document:
        """One section: the new starter's entries in their order, then what the person added."""
        before = before if isinstance(before, dict) else {}
        entries: list[Entry] = []
        for entry in new:
            entries += self._entry(entry, before.get(entry.key, _ABSENT), now.get(entry.key, _ABSENT), path)
        known = {entry.key for entry in new}
        for key, value in now.items():
            # A key of the old starter that the new one has no more goes, unless the person changed it.
            if key not in known and not _same(value, before.get(key, _ABSENT)):
                entries.append(replace(_as_entry(str(key), value), notes=("# Added by hand",)))
                self.kept.append(".".join(map(str, (*path, key))))
        return tuple(entries)

    def _entry(self, entry: Entry, before: Any, now: Any, path: KeyPath) -> Document:
        here = (*path, entry.key)
        if entry.is_section and isinstance(now, dict):
            return (replace(entry, value=self.section(entry.value, before, now, here)),)
        value = values_of(entry.value) if entry.is_section else entry.value
        if _same(before, now) or _same(now, value):
            return (entry,)
        if any(key[: len(here)] == here or here[: len(key)] == key for key in self._chosen_keys):
            self.findings.append(_conflict(here, before, now, value))
        self.kept.append(".".join(here))
        note = f"# Changed by hand; dlc2lp would write {value_text(value)}"
        return () if now is _ABSENT else (replace(_as_entry(entry.key, now), comment=entry.comment, notes=(note,)),)


def _conflict(path: KeyPath, before: Any, by_hand: Any, by_option: Any) -> Finding:
    """Tell of an option that meets a change by hand; a warning if the option is newer than the change."""
    wanted = value_text(by_option)
    found = "no such key (it was deleted)" if by_hand is _ABSENT else f"{value_text(by_hand)} set by hand"
    return Finding(
        Severity.NOTE if _same(before, by_option) else Severity.WARNING,
        "config-edit-kept",
        CONFIG_FILE,
        f"found {found}, the option asks for {wanted}; what was done by hand is kept",
        ".".join(path),
        f"to have the option's value, write {path[-1]}: {wanted} there",
    )


def _as_entry(key: str, value: Any) -> Entry:
    """Return a key of the person's; a mapping becomes a section, written in lines like the others."""
    if isinstance(value, dict) and value and all(isinstance(name, str) for name in value):
        return Entry(key, tuple(_as_entry(name, child) for name, child in value.items()))
    return Entry(key, value)


def _same(one: Any, other: Any) -> bool:
    """Whether two values are written alike: 1, 1.0 and true are three, and .nan is .nan."""
    if one is _ABSENT or other is _ABSENT:
        return one is other
    return value_text(one) == value_text(other)


def _hand_comments(written: str, current: str) -> dict[KeyPath, list[str]]:
    """Return the person's comments by the key that they stand above or beside; ``()`` for those at the end."""
    ours = {comment.text for comment in places_and_comments(written)[1]}
    places, comments = places_and_comments(current)
    found: dict[KeyPath, list[str]] = {}
    for comment in comments:
        if comment.text in ours or _OWN_NOTE.match(comment.text):
            continue
        beside = [path for line, path in places if line == comment.line]
        below = [path for line, path in places if line > comment.line]
        found.setdefault(beside[-1] if beside else below[0] if below else (), []).append(comment.text)
    return found


def _with_comments(document: Document, comments: dict[KeyPath, list[str]], path: KeyPath) -> Document:
    """Put the person's comments above their keys; what has found a place is taken out of ``comments``."""
    return tuple(
        replace(
            entry,
            notes=(*comments.pop((*path, entry.key), ()), *entry.notes),
            value=_with_comments(entry.value, comments, (*path, entry.key)) if entry.is_section else entry.value,
        )
        for entry in document
    )
