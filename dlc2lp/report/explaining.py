"""What the code of a finding means, why it matters and what to do: one table, ``codes/*.toml``, a file for each topic.

Light, so that it answers at once. ``docs/findings.md`` is made from it, and a test holds it to the codes that are made.
"""

from __future__ import annotations

import difflib
import functools
import re
import textwrap
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlc2lp.errors import UsageError
from dlc2lp.model import Command, Finding, Severity
from dlc2lp.report.findings import Document
from dlc2lp.wording import one_line

_FOLDER = Path(__file__).with_name("codes")

#: The topics, in the order in which they are shown: that of a migration.
TOPICS = (
    *("source", "label_files", "labels", "images", "splits", "video_search", "videos", "frames", "predictions"),
    *("views", "calibrations", "training", "running", "target_checks", "labeling", "export", "app", "archive"),
    "options",
)

_N_NEAR = 5  # codes that are named where one is misspelled
_IN_BACKTICKS = re.compile("`[^`]*`")
#: Stands for a blank at which no line may end, as inside an option with its value.
_BLANK = "\0"


@dataclass(frozen=True, repr=False)
class Explanation:
    """What a code means, whatever the finding is about."""

    code: str
    topic: str
    title: str  #: In one line.
    means: str  #: What was found, and what dlc2lp did with the data.
    matters: str  #: What would go wrong in training, or with the labels.
    do: str  #: The one thing to do.
    see: tuple[str, ...]  #: Other codes, options (``--video-root``), commands and documents (``docs/videos.md``).

    def __repr__(self) -> str:
        return one_line(self, self.code, self.title)


@dataclass(frozen=True, kw_only=True)
class ExplainDocument(Document, command="explain"):
    """dlc2lp explain --json."""

    explanations: tuple[Explanation, ...]


@functools.cache
def explanations() -> dict[str, Explanation]:
    """Return all explanations by code, those of a topic together, in the order of the table."""
    return {each.code: each for topic in TOPICS for each in _of_topic(topic)}


def _of_topic(name: str) -> Iterable[Explanation]:
    with (_FOLDER / f"{name}.toml").open("rb") as file:
        entries: dict[str, Any] = tomllib.load(file)
    topic = entries.pop("topic")
    for code, entry in entries.items():
        see = tuple(entry.pop("see"))
        yield Explanation(code, topic, **{key: " ".join(text.split()) for key, text in entry.items()}, see=see)


def explain(code: str) -> Explanation:
    """Say what the code of a finding means, why it matters and what to do.

    Raises
    ------
    UsageError
        No finding has this code.
    """
    return explain_all([code])[0]


def explain_all(codes: Sequence[str]) -> tuple[Explanation, ...]:
    """Explain codes as :func:`explain` does; they may stand in brackets, as in a finding's text."""
    table = explanations()
    wanted = list(dict.fromkeys(code.strip("[] ") for code in codes))
    unknown = [_unknown(code, table) for code in wanted if code not in table]
    if unknown:
        raise UsageError(*unknown)
    return tuple(table[code] for code in wanted)


def _unknown(code: str, table: Iterable[str]) -> Finding:
    known = list(table)
    near = [each for each in known if code and code in each] or difflib.get_close_matches(code, known, _N_NEAR)
    message, ways = "is the code of no finding", (Command("dlc2lp explain --list"),)
    return Finding(
        Severity.ERROR, "unknown-code", code, message, "", "see all of them: {}", ways, tuple(near[:_N_NEAR])
    )


def explanation_text(each: Explanation, width: int) -> str:
    """Lay out an explanation for a terminal of some width."""
    parts = (
        ("what it means", each.means),
        ("why it matters", each.matters),
        ("what to do", each.do),
        ("see also", ", ".join(each.see)),
    )
    lines = [_wrapped(f"{each.code}: ", each.title, width), ""]
    return "\n".join([*lines, *(_wrapped(f"  {name:<16}", text, width, indent=18) for name, text in parts if text)])


def _wrapped(start: str, text: str, width: int, indent: int = 4) -> str:
    """Wrap at words; what stands in backticks stays on one line, so that it can be copied."""
    kept = _IN_BACKTICKS.sub(lambda found: found[0].replace(" ", _BLANK), text)
    return textwrap.fill(
        kept,
        width,
        initial_indent=start,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    ).replace(_BLANK, " ")


def list_text(width: int) -> str:
    """Lay out all codes with their titles, by topic."""
    longest = max(map(len, explanations()))
    lines: list[str] = []
    topic = ""
    for each in explanations().values():
        if each.topic != topic:
            lines += ["", each.topic] if lines else [each.topic]
            topic = each.topic
        lines.append(_wrapped(f"  {each.code:<{longest}}  ", each.title, width, indent=longest + 4))
    return "\n".join(lines)


def markdown() -> str:
    """Return all of it as a page of the documentation, with an anchor for each code."""
    topics: dict[str, list[Explanation]] = {}
    for each in explanations().values():
        topics.setdefault(each.topic, []).append(each)
    contents = [
        f"* **[{topic}](#{_anchor(topic)})**: " + ", ".join(f"[{each.code}](#{each.code})" for each in found)
        for topic, found in topics.items()
    ]
    chapters = ["\n\n".join([f"## {topic}", *map(_section, found)]) for topic, found in topics.items()]
    return "\n\n".join([_HEAD, "\n".join(contents), *chapters]) + "\n"


_HEAD = """# Findings

Made by `scripts/make_docs` from `dlc2lp/report/codes`; do not edit.

Whatever dlc2lp has to say of your data is a finding: an *error* (something was not migrated), a *warning* (it was; look
at it) or a *note* (worth knowing). Each has a stable code, in brackets at the end of its line and under `code` in JSON.
In the terminal `dlc2lp explain CODE` says what stands here, and `dlc2lp.explain(code)` in Python."""


def _anchor(topic: str) -> str:
    return re.sub(r"[^\w\- ]", "", topic.lower()).replace(" ", "-")


def _section(each: Explanation) -> str:
    see = ", ".join(map(_link, each.see))
    parts = [f"### {each.code}", f"**{each.title}.** {each.means}"]
    parts += [f"*Why it matters:* {each.matters}", f"*What to do:* {each.do}"]
    return "\n\n".join([*parts, *([f"*See also:* {see}"] if see else [])])


def _link(name: str) -> str:
    if name.startswith("docs/"):
        return f"[{name}]({name.removeprefix('docs/')})"
    return f"[{name}](#{name})" if name in explanations() else f"`{name}`"
