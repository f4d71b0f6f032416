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

import dataclasses
import json
import math
import os
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from dlc2lp.errors import TargetRefused, UsageError
from dlc2lp.files import write_whole
from dlc2lp.lp.config_choices import ConfigChoices
from dlc2lp.model import Finding, Setting, Severity
from dlc2lp.options import Options

#: Leaves a project out of the migration.
SKIP = "skip"

_HEADER = """\
# What dlc2lp can't decide by itself, project by project. Fill in the open options, add others where you like (they
# are those of `dlc2lp convert`, and `skip: true` leaves a project out), then run the same `dlc2lp batch plan` again.
"""

#: Names that need no quotes in YAML, whatever they look like to it.
_PLAIN = re.compile(r"[A-Za-z_][\w./+-]*", re.ASCII)
_YAML_WORDS = frozenset(["y", "yes", "n", "no", "true", "false", "on", "off", "null"])


@dataclass(frozen=True)
class Decisions:
    """What a person decided.

    Attributes
    ----------
    text
        The file as it stands; empty where there is none.
    options
        Project -> option -> value. An option without a value is still open and left out.
    projects
        All projects that the file names, open ones too.
    """

    text: str = ""
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    projects: frozenset[str] = frozenset()

    def of(self, project: str) -> Decisions:
        """Return what was decided for one project."""
        given = self.options.get(project)
        return Decisions(options={project: given} if given else {})

    def skips(self, project: str) -> bool:
        """Whether a project is left out."""
        return self.options.get(project, {}).get(SKIP) == "true"

    def apply(self, project: str, options: Options, root: Path) -> Options:
        """Return the options of one project.

        Raises
        ------
        UsageError
            ``decision-invalid``: an option is unknown or its value impossible.
        """
        given = dict(self.options.get(project, {}))
        if given.get(SKIP, "false") not in {"true", "false"}:
            raise _invalid(project, SKIP, given[SKIP], "true or false")
        given.pop(SKIP, None)
        own: dict[str, Any] = {}
        choices: dict[str, Any] = {}
        for name, value in given.items():
            option = _FIELDS.get(name.replace("_", "-"))
            if option is None:
                raise UsageError.of(
                    "decision-invalid",
                    project,
                    f"found the option {name!r}, expected some of {', '.join(sorted({*_FIELDS, SKIP}))}",
                    where="decisions file",
                )
            if option in _CHOICE_TYPES:
                choices[option] = _check(project, name, value, _CHOICE_TYPES[option])
            else:
                own[option] = _check(project, name, value, _OPTION_TYPES[option])
        if choices.get("gpu_memory", 1) < 1:
            raise _invalid(project, "gpu-memory", choices["gpu_memory"], "GB, from 1")
        for option in ("merge", "video_roots", "calibration"):
            if option in own:
                own[option] = tuple(root / path for path in own[option])
        if "views" in own:
            own["views"] = tuple((view, root / path) for view, path in own["views"])
        config = dataclasses.replace(options.config, **choices)
        return dataclasses.replace(options, config=config, **own)

    def unused(self, projects: Iterable[str]) -> list[Finding]:
        """Tell of decisions about projects that the archive does not have."""
        known = set(projects)
        return [
            Finding(
                Severity.WARNING,
                "decision-unused",
                project,
                "the decisions file names this project, and the archive has none there",
                advice="correct the name, or remove the entry",
            )
            for project in sorted(self.projects - known)
        ]


def read_decisions(path: Path) -> Decisions:
    """Read a decisions file; one that does not exist decides nothing.

    Raises
    ------
    UsageError
        ``decisions-unreadable``: it is no YAML of the expected form.
    """
    try:
        if path.exists() and not path.is_file():
            raise _unreadable(path, "found a folder or a device, expected a file")
        with path.open(encoding="utf-8", newline="") as file:
            text = file.read()
    except FileNotFoundError:
        return Decisions()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, str(error)) from error
    return _parse(path, text)


def _parse(path: Path, text: str) -> Decisions:
    document = _load(path, text)
    options: dict[str, dict[str, Any]] = {}
    for project, given in document.items():
        if given and not isinstance(given, dict):
            raise _unreadable(path, f"found {given!r} for {project!r}, expected options, one a line: `option: value`")
        options[project] = {name: value for name, value in (given or {}).items() if value != ""}
    return Decisions(text, {name: given for name, given in options.items() if given}, frozenset(options))


def _load(path: Path, text: str) -> dict[str, Any]:
    """Read YAML as text only: the scorer ``007`` and the individual ``no`` are names, and the option's type decides."""
    import yaml

    class Loader(yaml.BaseLoader):
        """Makes nothing but texts, lists and mappings, and takes no key twice."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = [key.value for key, _ in node.value]
            for key in keys:
                if keys.count(key) > 1:
                    raise yaml.YAMLError(f"found {key!r} twice, expected once")
            return super().construct_mapping(node, deep)

    try:
        document = Loader(text).get_single_data()
    except (yaml.YAMLError, RecursionError, TypeError) as error:
        raise _unreadable(path, " ".join(str(error).split())) from error
    if document is not None and not isinstance(document, dict):
        raise _unreadable(path, "expected projects, each with its options")
    return document or {}


def _unreadable(path: Path, why: str) -> UsageError:
    return UsageError.of(
        "decisions-unreadable",
        str(path),
        why,
        advice="see the example in README.md, or remove the file to get a new one",
    )


@dataclass(frozen=True)
class Asked:
    """What became of open questions.

    Attributes
    ----------
    n_added
        How many projects were added to the file.
    findings
        Why none was, with the lines that a person has to add.
    """

    n_added: int = 0
    findings: tuple[Finding, ...] = ()


def add_open(path: Path, decisions: Decisions, questions: Mapping[str, Sequence[Finding]]) -> Asked:
    """Add open questions to the file; what a person wrote stays as it is.

    Parameters
    ----------
    path
        The file; made where it is missing and something is open.
    decisions
        What was read from it.
    questions
        Project -> what needs a decision, each with the options that settle it.
    """
    new = {project: asked for project, asked in questions.items() if project not in decisions.projects}
    if not new:
        return Asked()
    blocks = "\n".join(_block(project, asked) for project, asked in sorted(new.items()))
    newline = "\r\n" if "\r\n" in decisions.text else "\n"
    before = (decisions.text or _HEADER).rstrip("\r\n")
    text = before + newline * 2 + blocks.replace("\n", newline)
    try:
        again = _parse(path, text)
        if again.options != decisions.options or again.projects != decisions.projects | new.keys():
            raise _unreadable(path, "an entry would be lost")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(Path(os.path.realpath(path)), text.encode())
    except UsageError:
        # Of the form `{lab/a: {crf: 20}}`, indented as a whole, or ended by `...`.
        return Asked(findings=(_not_added(path, "can't be added to as it is written", blocks),))
    except (TargetRefused, OSError) as error:
        return Asked(findings=(_not_added(path, f"could not be written ({error})", blocks),))
    return Asked(len(new))


def _not_added(path: Path, why: str, blocks: str) -> Finding:
    return Finding(
        Severity.WARNING,
        "decisions-not-added",
        str(path),
        f"{why}, so what is open is not listed in it; it would be:\n{blocks.rstrip()}",
        advice="add these lines yourself, or give another file: {}",
        remedies=(Setting("decisions", ("FILE",)),),
    )


def _block(project: str, asked: Sequence[Finding]) -> str:
    lines = []
    named: dict[str, None] = {}
    for finding in asked:
        lines += [f"# {line}" for line in f"{finding.code}: {finding.message}".splitlines()]
        lines.append(f"#   {' '.join(finding.hint.splitlines())}")
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


def _option_types(options: type) -> dict[str, Any]:
    hints = typing.get_type_hints(options)
    return {name: hint for name, hint in hints.items() if hint is not ConfigChoices}


_OPTION_TYPES = _option_types(Options)
_CHOICE_TYPES = _option_types(ConfigChoices)

#: Options that the command line takes several times have a name in the singular there.
_REPEATED = {"video_roots": "video-root", "views": "view"}

#: Field by the name of the option on the command line.
_FIELDS = {_REPEATED.get(name, name.replace("_", "-")): name for name in _OPTION_TYPES | _CHOICE_TYPES}


def _check(project: str, name: str, value: Any, hint: Any) -> Any:
    """Return a value as the type that an option has.

    Raises
    ------
    UsageError
        ``decision-invalid``: the value is of another type, or none of those that the option knows.
    """
    alternatives = get_args(hint) if get_origin(hint) in {Union, types.UnionType} else (hint,)
    for alternative in alternatives:
        reader = _READERS.get(get_origin(alternative) or alternative)
        read = reader(value, get_args(alternative)) if reader else None
        if read is not None:
            return read
    raise _invalid(project, name, value, " or ".join(filter(None, map(_describe, alternatives))))


def _read_tuple(value: Any, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Read a list; ``resize`` is also written ``256x384``, and a single item needs no list."""
    if args == (int, int) and isinstance(value, str):
        value = value.lower().split("x")
    if isinstance(value, dict):
        value = [list(item) for item in value.items()]
    items = value if isinstance(value, list) else [value]
    kinds = (args[0],) * len(items) if args[-1] is Ellipsis else args
    if len(items) != len(kinds):
        return None
    read = tuple(
        _READERS[get_origin(kind) or kind](item, get_args(kind)) for item, kind in zip(items, kinds, strict=True)
    )
    return None if None in read else read


def _read_number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 < number < math.inf else None  # sizes and memory, as the command line takes them


#: How a text of the file becomes a value of each type; None: it can't.
_READERS: dict[Any, Callable[[Any, tuple[Any, ...]], Any]] = {
    Literal: lambda value, args: value if value in args else None,
    bool: lambda value, args: {"true": True, "false": False}.get(str(value).lower()),
    str: lambda value, args: value if isinstance(value, str) else None,
    int: lambda value, args: int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None,
    float: lambda value, args: _read_number(value),
    Path: lambda value, args: Path(value) if isinstance(value, str) else None,
    tuple: _read_tuple,
}


def _describe(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(map(str, get_args(hint)))
    return {bool: "true or false", str: "a name", int: "a whole number", float: "a number above 0"}.get(
        hint, _describe_list(hint) if get_origin(hint) is tuple else ""
    )


def _describe_list(hint: Any) -> str:
    pairs = get_origin(get_args(hint)[0]) is tuple
    return "names and projects, such as {top: lab/top, side: lab/side}" if pairs else "a list"


def _invalid(project: str, name: str, value: Any, expected: str) -> UsageError:
    return UsageError.of(
        "decision-invalid", project, f"found {value!r} for {name}, expected {expected}", where="decisions file"
    )
