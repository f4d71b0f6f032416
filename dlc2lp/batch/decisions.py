"""The file in which a person decides what dlc2lp can't: project -> options, as YAML.

::

    reach/cohort2:
      individuals: flatten
    "old: copy of reach":
      skip: true
    arena/top:
      view: {top: arena/top, side: arena/side}
    arena/side:
      skip: true

Paths are relative to the archive. ``batch plan`` adds what is open, with its candidates, and never touches what a
person wrote.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlc2lp.declared import declared
from dlc2lp.errors import DiskTrouble, TargetRefused, UsageError, raise_disk_trouble
from dlc2lp.files import read_bytes, write_whole
from dlc2lp.model import Command, Finding, Setting, Severity
from dlc2lp.options import Options
from dlc2lp.wording import as_written

#: A file that a person writes is smaller.
_MOST_BYTES = 16 * 2**20

#: Leaves a project out of the migration.
SKIP = "skip"

_HEADER = """\
# What dlc2lp can't decide by itself, project by project. Fill in the open options, add others where you like (they
# are those of `dlc2lp convert`, and `skip: true` leaves a project out), then run the same command again, one of:
{}
"""

#: Names that need no quotes in YAML, whatever they look like to it.
_PLAIN = re.compile(r"[A-Za-z_][\w./+-]*", re.ASCII)
_YAML_WORDS = frozenset(["y", "yes", "n", "no", "true", "false", "on", "off", "null"])


@dataclass(frozen=True)
class Decisions:
    """What a person decided."""

    text: str = ""  #: The file as it stands; empty where there is none.
    #: Project -> option -> value. An option without a value is still open and left out.
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    projects: frozenset[str] = frozenset()  #: All projects that the file names, open ones too.

    def of(self, project: str) -> Decisions:
        """Return what was decided for one project."""
        given = self.options.get(project)
        return Decisions(options={project: given} if given else {})

    def skips(self, project: str) -> bool:
        """Whether a project is left out."""
        return self.options.get(project, {}).get(SKIP) == "true"

    def apply(self, project: str, options: Options, root: Path) -> Options:
        """Return the options of one project; an unknown option or an impossible value is ``decision-invalid``."""
        given = dict(self.options.get(project, {}))
        skip = given.pop(SKIP, "false")
        if skip not in ("true", "false"):  # it may be a list, which no set can be asked for
            raise invalid(project, f"found {as_written(skip)} for {SKIP}, expected true or false")
        decided: dict[str, Any] = {}
        for name, value in given.items():
            option = _FIELDS.get(name.replace("_", "-"))
            if option is None:
                known = ", ".join(sorted({*_FIELDS, SKIP}))
                near = difflib.get_close_matches(name, [*_FIELDS, SKIP], 3)
                advice = f"perhaps {' or '.join(near)}" if near else ""
                raise invalid(project, f"found the option {name!r}, expected some of {known}", advice)
            try:
                decided[option.name] = option.read(value, root)
            except UsageError as error:
                raise invalid(project, f"found {as_written(value):.80} for {name}, expected {option.wanted}") from error
        return options.changed(decided)

    def unused(self, projects: Iterable[str]) -> list[Finding]:
        """Tell of decisions about projects that the archive does not have."""
        why = "the decisions file names this project, and the archive has none there"
        advice = "correct the name, or remove the entry"
        unknown = sorted(self.projects.difference(projects))
        return [Finding(Severity.WARNING, "decision-unused", project, why, advice=advice) for project in unknown]


def read_decisions(path: Path) -> Decisions:
    """Read a decisions file; one that does not exist decides nothing, other YAML is ``decisions-unreadable``."""
    try:
        text = read_bytes(path, _MOST_BYTES).decode()
    except FileNotFoundError:
        return Decisions()
    except OSError as error:
        raise_disk_trouble(path, error)
        raise _unreadable(path, f"can't be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"is no UTF-8: {error.reason}") from error
    return _parse(path, text)


def _parse(path: Path, text: str) -> Decisions:
    document = _load(path, text)
    options: dict[str, dict[str, Any]] = {}
    for project, given in document.items():
        if given and not isinstance(given, dict):
            raise _unreadable(
                path,
                f"found {as_written(given):.80} for {project!r:.80}, expected options, one a line: `option: value`",
            )
        options[project] = {name: value for name, value in (given or {}).items() if value != ""}
    return Decisions(text, {name: given for name, given in options.items() if given}, frozenset(options))


def _load(path: Path, text: str) -> dict[str, Any]:
    """Read YAML as text only: the scorer ``007`` and the individual ``no`` are names, and the option's type decides."""
    import yaml

    from dlc2lp.bounded_yaml import Bounded

    class Loader(Bounded, yaml.BaseLoader):
        """Makes nothing but texts, lists and mappings, and takes no key twice."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
            for key, times in keys.items():
                if times > 1:
                    raise yaml.YAMLError(f"found {key!r:.80} twice, expected once")
            return super().construct_mapping(node, deep)

    try:
        document = Loader(text).get_single_data()
    except (yaml.YAMLError, RecursionError, TypeError) as error:
        raise _unreadable(path, " ".join(str(error).split())) from error
    if document is not None and not isinstance(document, dict):
        raise _unreadable(path, "expected projects, each with its options")
    return document or {}


def _unreadable(path: Path, why: str) -> UsageError:
    advice = "see the example in README.md, or remove the file to get a new one"
    return UsageError.of("decisions-unreadable", str(path), why, advice=advice)


@dataclass(frozen=True)
class Asked:
    """What became of open questions."""

    n_added: int = 0  #: How many projects were added to the file.
    findings: tuple[Finding, ...] = ()  #: Why none was, with the lines that a person has to add.


def add_open(
    path: Path, decisions: Decisions, questions: Mapping[str, Sequence[Finding]], ways_on: Sequence[Command]
) -> Asked:
    """Add open questions of projects to the file; what a person wrote, the ``decisions`` read from it, stays as it is.

    It is made where it is missing and something is open; then its head names the commands that go on with it, whichever
    of them it was, so that all of them make the same file.
    """
    new = {project: asked for project, asked in questions.items() if project not in decisions.projects}
    if not new:
        return Asked()
    blocks = "\n".join(_block(project, asked) for project, asked in sorted(new.items()))
    newline = "\r\n" if "\r\n" in decisions.text else "\n"
    before = (decisions.text or _HEADER.format(_commented(ways_on))).rstrip("\r\n")
    text = before + newline * 2 + blocks.replace("\n", newline)
    try:
        read_back = _parse(path, text)
        if read_back.options != decisions.options or read_back.projects != decisions.projects | new.keys():
            raise _unreadable(path, "an entry would be lost")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(Path(os.path.realpath(path)), text.encode())
    except UsageError:
        # Of the form `{lab/a: {crf: 20}}`, indented as a whole, or ended by `...`.
        return Asked(findings=(_not_added(path, "can't be added to as it is written", blocks),))
    except (TargetRefused, DiskTrouble, OSError) as error:
        return Asked(findings=(_not_added(path, f"could not be written ({error})", blocks),))
    return Asked(len(new))


def _commented(commands: Iterable[Command]) -> str:
    return "\n".join(f"#   {_escaped(command.line)}" for command in commands)


def _not_added(path: Path, why: str, blocks: str) -> Finding:
    message, table = f"{why}, so what is open is not listed in it; it would be:", tuple(blocks.rstrip().split("\n"))
    advice, ways = "add these lines yourself, or give another file: {}", (Setting("decisions", ("FILE",)),)
    return Finding(Severity.WARNING, "decisions-not-added", str(path), message, "", advice, ways, (), table)


def _block(project: str, asked: Sequence[Finding]) -> str:
    lines = []
    named: dict[str, None] = {}
    for finding in asked:
        lines += [f"# {finding.code}: {finding.message}", *(f"# {line}" for line in finding.table)]
        lines.append(f"#   {finding.short_hint}")
        named |= dict.fromkeys(name for name in finding.options if name in _FIELDS)
    options = "".join(f"  {name}:\n" for name in named or (SKIP,))
    return "\n".join(map(_escaped, lines)) + f"\n{_key(project)}:\n{options}"


def _key(project: str) -> str:
    plain = _PLAIN.fullmatch(project) and project.lower() not in _YAML_WORDS
    # JSON's escapes are YAML's, but JSON leaves as they are some signs that YAML takes for none, or for ends of lines.
    return project if plain else _escaped(json.dumps(project, ensure_ascii=False))


def _escaped(text: str) -> str:
    """Return text with YAML's escapes for signs that can't be seen."""
    return "".join(sign if sign.isprintable() else _escape(ord(sign)) for sign in text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 1 << 8 else f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"


#: The options that shape a plan, by their names on the command line.
_FIELDS = {option.flag: option for option in declared(Options).values()}


def invalid(project: str, message: str, advice: str = "") -> UsageError:
    """Return the error for a decision about a project that can't be carried out."""
    return UsageError.of("decision-invalid", project, message, where="decisions file", advice=advice)
